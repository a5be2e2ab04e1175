"""Embeddings of words as course material has them: one index, words, and objects that sample."""

from __future__ import annotations

import pytest
from python_cases import case_of

HEAD = """
import numpy as np

def sigmoid(x):
    return 1 / (1 + np.exp(-x))

def softmax(x):
    e = np.exp(x - np.max(x))
    return e / np.sum(e)
"""

PREDICTION = """
def softmaxLossAndGradient(centerVec, outsideIdx, outsideVectors, dataset):
    p = softmax(np.dot(outsideVectors, centerVec))
    loss = -np.log(p[outsideIdx])
    delta = p.copy()
    delta[outsideIdx] -= 1
    gradCenter = np.dot(outsideVectors.T, delta)
    gradOutside = np.outer(delta, centerVec)
    return loss, gradCenter, gradOutside
"""

SAMPLING = """
def drawn(outsideIdx, dataset, K):
    indices = [None] * K
    for k in range(K):
        new = dataset.sampleTokenIdx()
        while new == outsideIdx:
            new = dataset.sampleTokenIdx()
        indices[k] = new
    return indices

def samplingLossAndGradient(centerVec, outsideIdx, outsideVectors, dataset, K=4):
    z = sigmoid(np.dot(outsideVectors[outsideIdx], centerVec))
    loss = -np.log(z)
    gradCenter = outsideVectors[outsideIdx] * (z - 1)
    gradOutside = np.zeros(outsideVectors.shape)
    gradOutside[outsideIdx] += centerVec * (z - 1)
    for index in drawn(outsideIdx, dataset, K):
        w = sigmoid(-np.dot(outsideVectors[index], centerVec))
        loss -= np.log(w)
        gradOutside[index] += centerVec * (1 - w)
        gradCenter += outsideVectors[index] * (1 - w)
    return loss, gradCenter, gradOutside
"""

WINDOW = (
    PREDICTION
    + """
def skipgram(currentWord, windowSize, outsideWords, word2Ind, centerVectors, outsideVectors,
             dataset, model=softmaxLossAndGradient):
    loss = 0.0
    gradCenters = np.zeros(centerVectors.shape)
    gradOutsides = np.zeros(outsideVectors.shape)
    c = word2Ind[currentWord]
    for word in outsideWords:
        one, dc, do = model(centerVectors[c], word2Ind[word], outsideVectors, dataset)
        loss += one
        gradCenters[c] += dc
        gradOutsides += do
    return loss, gradCenters, gradOutsides
"""
)

GONE_THROUGH = """
def negativeSampling(centerVec, outside_idx, outsideVectors, drawn_idx):
    u, others = outsideVectors[outside_idx], outsideVectors[drawn_idx]
    w, v = sigmoid(u @ centerVec), sigmoid(-others @ centerVec)
    loss = -np.log(w) - np.log(v).sum()
    gradCenter = (w - 1) * u + others.T @ (1 - v)
    gradOutside = np.zeros_like(outsideVectors)
    gradOutside[outside_idx] += (w - 1) * centerVec
    for share, index in zip(v, drawn_idx):
        gradOutside[index] += (1 - share) * centerVec
    return loss, gradCenter, gradOutside
"""
RIGHT = {
    "softmaxLossAndGradient": (PREDICTION, "delta[outsideIdx] -= 1", "delta[outsideIdx] -= 2"),
    "samplingLossAndGradient": (
        SAMPLING, "gradOutside[index] += centerVec * (1 - w)",
        "gradOutside[index] += centerVec * (w - 1)",
    ),
    "negativeSampling": (
        GONE_THROUGH, "others.T @ (1 - v)", "others.T @ (v - 1)",
    ),
    "skipgram": (WINDOW, "gradOutsides += do", "gradOutsides += 2 * do"),
}  # fmt: skip


def checked(text, subject):
    return case_of(HEAD + text, subject)


@pytest.mark.parametrize("name", RIGHT)
def test_models_of_words_pass_as_they_stand(name):
    case = checked(RIGHT[name][0], name)
    assert case.verdict == "pass", case.problem


@pytest.mark.parametrize("name", RIGHT)
def test_a_mistake_in_a_model_of_words_is_found_on_its_line(name):
    text, right, wrong = RIGHT[name]
    before, after = (HEAD + text).split(right)
    case = checked(text.replace(right, wrong), name)
    assert case.verdict == "fail"
    accused = [line.line for line in case.lines if line.local and line.verdict == "fail"]
    assert accused == [before.count("\n") + 1]
