"""Gradients that a backward part holds between two bounds before it uses them."""

from __future__ import annotations

import pytest
from python_cases import case_of

RECURRENT = """
import numpy as np


class Recurrent:
    def __init__(self, n_in, n_hidden=6):
        self.W = np.random.randn(n_hidden, n_in)
        self.U = np.random.randn(n_hidden, n_hidden) * 0.3
        self.b = np.zeros((n_hidden, 1))

    def forward(self, xs):
        self.xs, self.hs = xs, {-1: np.zeros_like(self.b)}
        for t in range(len(xs)):
            self.hs[t] = np.tanh(self.W @ xs[t] + self.U @ self.hs[t - 1] + self.b)
        return self.hs[len(xs) - 1]

    def backward(self, dh, rate=0.05):
        dW, dU, db = np.zeros_like(self.W), np.zeros_like(self.U), np.zeros_like(self.b)
        for t in reversed(range(len(self.xs))):
            dz = dh * (1 - self.hs[t] ** 2)
            db += dz
            dW += dz @ self.xs[t].T
            dU += dz @ self.hs[t - 1].T
            dh = self.U.T @ dz
        for grad in (dW, dU, db):
            np.clip(grad, -0.2, 0.2, out=grad)
        self.W -= rate * dW
        self.U -= rate * dU
        self.b -= rate * db
"""
HUBER = """
import numpy as np

def huber_loss(x, t):
    r = x - t
    loss = np.sum(np.where(np.abs(r) < 0.4, 0.5 * r**2, 0.4 * (np.abs(r) - 0.2)))
    dx = np.clip(r, -0.4, 0.4)
    return loss, dx
"""
HARD = """
import numpy as np

def hardtanh_forward(x):
    return np.clip(x, -0.7, 0.7), x

def hardtanh_backward(dout, x):
    return dout * (np.abs(x) < 0.7)
"""
UNCLIPPED = "right where gradients are not clipped"


def test_gradients_are_judged_as_they_are_before_they_are_clipped():
    case = case_of(RECURRENT)
    assert case.verdict == "pass"
    assert any(UNCLIPPED in note for note in case.notes)


@pytest.mark.parametrize(
    ("right", "wrong"),
    [
        ("self.U.T @ dz", "self.U @ dz"),
        ("(1 - self.hs[t] ** 2)", "(1 - self.hs[t])"),
        ("dW += dz @", "dW = dz @"),
    ],
)
def test_a_mistake_before_the_clipping_is_found(right, wrong):
    case = case_of(RECURRENT.replace(right, wrong))
    line = next(n for n, row in enumerate(RECURRENT.splitlines(), 1) if right in row)
    assert case.verdict == "fail"
    accused = [row for row in case.lines if row.verdict == "fail"]
    told = " ".join(row.reason or "" for row in accused)
    assert line in [row.line for row in accused] or str(line) in told.split()


@pytest.mark.parametrize("text", [HUBER, HARD])
def test_a_clip_that_belongs_to_a_gradient_stays(text):
    case = case_of(text)
    assert case.verdict == "pass"
    assert not any(UNCLIPPED in note for note in case.notes)


@pytest.mark.parametrize(
    ("text", "right", "wrong"),
    [
        (HUBER, "np.clip(r, -0.4, 0.4)", "np.clip(r, -0.5, 0.5)"),
        (HUBER, "np.clip(r, -0.4, 0.4)", "r"),
        (HARD, "dout * (np.abs(x) < 0.7)", "dout"),
        (HARD, "dout * (np.abs(x) < 0.7)", "np.clip(dout, -1, 1)"),
    ],
)
def test_what_a_loss_needs_of_a_clip_is_not_left_out(text, right, wrong):
    assert case_of(text.replace(right, wrong)).verdict == "fail"
