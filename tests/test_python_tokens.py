"""Models that are handed words of a vocabulary, and give one output after the other in a list."""

from __future__ import annotations

import pytest
from python_cases import case_of

MODEL = """
import numpy as np

text = "the cat and the hat and the rat"
vocabulary = sorted(set(text.split()))
place_of = {word: k for k, word in enumerate(vocabulary)}
size, width = len(vocabulary), 6


def one_hot(word):
    x = np.zeros((size, 1))
    x[place_of[word]] = 1
    return x


class Model:
    def __init__(self):
        self.W = np.random.randn(width, size) * 0.5
        self.U = np.random.randn(width, width) * 0.3
        self.V = np.random.randn(size, width) * 0.5
        self.b = np.zeros((width, 1))

    def forward(self, words):
        self.xs, self.hs, outs = [], [np.zeros((width, 1))], []
        for word in words:
            self.xs.append(one_hot(word))
            self.hs.append(np.tanh(self.W @ self.xs[-1] + self.U @ self.hs[-1] + self.b))
            outs.append(self.V @ self.hs[-1])
        return outs

    def loss(self, outs, following):
        return sum(0.5 * np.sum((out - one_hot(word)) ** 2) for out, word in zip(outs, following))

    def backward(self, outs, following):
        dW, dU = np.zeros_like(self.W), np.zeros_like(self.U)
        dV, db = np.zeros_like(self.V), np.zeros_like(self.b)
        carried = np.zeros((width, 1))
        for t in reversed(range(len(following))):
            dout = outs[t] - one_hot(following[t])
            dV += dout @ self.hs[t + 1].T
            dz = (self.V.T @ dout + carried) * (1 - self.hs[t + 1] ** 2)
            dW += dz @ self.xs[t].T
            dU += dz @ self.hs[t].T
            db += dz
            carried = self.U.T @ dz
        return dW, dU, dV, db
"""
RIDGE = """
import numpy as np

def ridge_loss(W, X, Y, rate):
    off = X @ W - Y
    loss = 0.5 * np.sum(off ** 2) + 0.5 * rate * np.sum(W ** 2)
    dW = X.T @ off
    dX = off @ W.T
    return loss, dX, dW + rate * W
"""


@pytest.mark.parametrize("text", [MODEL, RIDGE])
def test_the_right_one_passes(text):
    case = case_of(text)
    assert case.verdict == "pass", case.problem
    assert len({name.partition(" ")[0].partition("[")[0] for name in case.inputs}) > 1


@pytest.mark.parametrize(
    ("text", "right", "wrong"),
    [
        (MODEL, "carried = self.U.T @ dz", "carried = self.U @ dz"),
        (MODEL, "dV += dout @ self.hs[t + 1].T", "dV += dout @ self.hs[t].T"),
        (MODEL, "dU += dz @ self.hs[t].T", "dU += dz @ self.hs[t + 1].T"),
        (MODEL, "dout = outs[t] - one_hot(following[t])", "dout = outs[t] + one_hot(following[t])"),
        (RIDGE, "dW + rate * W", "dW + 2 * rate * W"),
        (RIDGE, "dX = off @ W.T", "dX = -off @ W.T"),
    ],
)
def test_a_mistake_is_found(text, right, wrong):
    case = case_of(text.replace(right, wrong))
    line = next(n for n, row in enumerate(text.splitlines(), 1) if right in row)
    accused = [row for row in case.lines if row.verdict == "fail"]
    told = " ".join(row.reason or "" for row in accused)
    assert case.verdict == "fail"
    assert line in [row.line for row in accused] or str(line) in told.split()
