"""Means over the examples that a line, or several together, have lost: named, and mended."""

from __future__ import annotations

import pytest

from gradcli.requests import Request
from gradcli.tasks.check_python import check_python

BLOCKS = """
import numpy as np

def softmax_loss(x, y):
    shifted = x - np.max(x, axis=1, keepdims=True)
    log_p = shifted - np.log(np.sum(np.exp(shifted), axis=1, keepdims=True))
    N = x.shape[0]
    loss = -np.sum(log_p[np.arange(N), y]) / N
    dx = np.exp(log_p)
    dx[np.arange(N), y] -= 1
    dx = dx / N
    return loss, dx

def hinge_loss(W, X, y):
    dW = np.zeros(W.shape)
    rows, count = X.shape[0], W.shape[1]
    loss = 0.0
    for i in range(rows):
        s = X[i].dot(W)
        for j in range(count):
            m = s[j] - s[y[i]] + 1
            if j != y[i] and m > 0:
                loss += m
                dW[:, j] += X[i]
                dW[:, y[i]] -= X[i]
    loss = loss / rows + 0.3 * np.sum(W * W)
    dW = dW / rows
    dW += 0.6 * W
    return loss, dW

def linear_softmax(W, X, y):
    n = X.shape[0]
    p = np.exp(X.dot(W))
    p = p / np.sum(p, axis=1, keepdims=True)
    loss = -np.sum(np.log(p[np.arange(n), y])) / n + 0.5 * np.sum(W * W)
    p[np.arange(n), y] -= 1
    dW = X.T.dot(p) / n
    dW += W
    return loss, dW

def normed_forward(x, gamma, eps=1e-5):
    mu, var = x.mean(axis=0), x.var(axis=0)
    std = np.sqrt(var + eps)
    hat = (x - mu) / std
    return gamma * hat, (hat, gamma, std)

def normed_backward(dout, cache):
    hat, gamma, std = cache
    dhat = dout * gamma
    dx = (dhat - dhat.mean(axis=0) - hat * (dhat * hat).mean(axis=0)) / std
    return dx, (dout * hat).sum(axis=0)

def logistic_cost(W, b, X, y):
    m = X.shape[0]
    p = 1 / (1 + np.exp(-(X @ W + b)))
    f = -np.mean(y * np.log(p) + (1 - y) * np.log(1 - p))
    dW = X.T @ (p - y) / m
    db = np.sum(p - y) / m
    return f, dW, db
"""

LOST = [  # the subject, the line as it is, without its mean, and what a repair has
    ("softmax_loss", "    dx = dx / N\n", "", "dx = dx / N"),
    ("hinge_loss", "    dW = dW / rows\n", "", None),
    ("linear_softmax", "X.T.dot(p) / n", "X.T.dot(p)", "dW = X.T.dot(p) / n"),
    (
        "normed",
        "(dhat - dhat.mean(axis=0)",
        "(dhat - dhat.sum(axis=0)",
        "(dhat - dhat.mean(axis=0)",
    ),
    (
        "normed",
        "(dhat * hat).mean(axis=0)",
        "(dhat * hat).sum(axis=0)",
        "(dhat * hat).mean(axis=0)",
    ),
    ("logistic_cost", "np.sum(p - y) / m", "np.sum(p - y)", "db = np.mean(p - y)"),
    ("logistic_cost", "X.T @ (p - y) / m", "X.T @ (p - y)", "dW = X.T @ (p - y) / m"),
]


def case_of(text, subject):
    (case,) = check_python(text, "file.py", subject, [], Request())
    return case


def test_means_that_are_there_pass():
    assert {case.verdict for case in check_python(BLOCKS, "file.py", None, [], Request())} == {
        "pass"
    }


@pytest.mark.parametrize(("subject", "right", "wrong", "repair"), LOST)
def test_a_lost_mean_is_named_and_mended(subject, right, wrong, repair):
    text = BLOCKS.replace(right, wrong)
    case = case_of(text, subject)
    (accused,) = [line for line in case.lines if line.is_accused]
    assert accused.mistake == "missing-mean"
    if "added up" in accused.reason:  # no slip of one of these lines
        assert accused.suspects == []
    assert case.verdict == "fail"
    if repair is None:  # it belongs behind the loop
        assert accused.repair is None
        assert "the mean over" in accused.reason
        return
    assert repair in accused.repair
    rows = text.split("\n")
    rows[accused.line - 1] = rows[accused.line - 1][: accused.column - 1] + accused.repair
    assert case_of("\n".join(rows), subject).verdict == "pass"
