"""Softmax over everything, which is one of vectors or of columns."""

from __future__ import annotations

import pytest
import python_cases

HEAD = "import numpy as np\n\n"
PAIR = """
def softmax_forward(z):
    e = np.exp(z - np.max(z))
    s = e / np.sum(e)
    return s, s

def softmax_backward(ds, s):
    return s * (ds - np.sum(ds * s, axis=-1, keepdims=True))
"""
OF_COLUMNS = """
class Softmax:
    def forward(self, inputs):
        powers = np.exp(inputs)
        self.shares = powers / np.sum(powers)
        return self.shares

    def backward(self, gradient, rate):
        n = np.size(self.shares)
        wide = np.tile(self.shares, n)
        return np.dot(wide * (np.identity(n) - wide.T), gradient)
"""
BY_JACOBIAN = """
class Shares:
    def forward(self, x):
        self.p = np.exp(x) / np.exp(x).sum()
        return self.p

    def backward(self, dout):
        return (np.diag(self.p) - np.outer(self.p, self.p)) @ dout
"""
OF_ROWS = """
def loss(X, y):
    e = np.exp(X - np.max(X, axis=1, keepdims=True))
    p = e / e.sum(axis=1, keepdims=True)
    N = len(y)
    L = -np.mean(np.log(p[np.arange(N), y]))
    dX = p / N
    dX[np.arange(N), y] -= 1 / N
    return L, dX
"""
RIGHT = {  # and a slip in each
    "pair": (PAIR, "np.sum(ds * s,", "np.sum(ds,"),
    "columns": (OF_COLUMNS, "np.identity(n) - wide.T", "np.identity(n) + wide.T"),
    "jacobian": (BY_JACOBIAN, "np.diag(self.p) - np.outer", "np.diag(self.p) + np.outer"),
    "rows": (OF_ROWS, "-= 1 / N", "-= 1"),
}


def case_of(text):
    return python_cases.case_of(HEAD + text)


@pytest.mark.parametrize("name", RIGHT)
def test_a_softmax_of_everything_is_read_with_what_it_is_meant_for(name):
    case = case_of(RIGHT[name][0])
    assert case.verdict == "pass", case.problem


@pytest.mark.parametrize("name", RIGHT)
def test_a_slip_in_it_is_found_on_its_line(name):
    text, right, wrong = RIGHT[name]
    case = case_of(text.replace(right, wrong))
    row = (HEAD + text).split(right)[0].count("\n") + 1
    assert case.verdict == "fail"
    accused = [line for line in case.lines if line.is_accused]
    assert row in [line.line for line in accused] or row in accused[0].suspects


def test_rows_that_are_summed_by_their_axis_are_those_of_a_matrix():
    (note,) = [note for note in case_of(OF_ROWS).notes if note.startswith("inputs inferred")]
    assert "X (3, 5)" in note
