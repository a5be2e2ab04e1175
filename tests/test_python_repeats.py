"""Lists of words in which the file's own call has none twice, as sentences do."""

from __future__ import annotations

import pytest
from python_cases import case_of

WORDS = """
import numpy as np

class Embedding:
    def __init__(self, rows, width):
        self.W = np.random.randn(rows, width)

    def forward(self, idx):
        self.idx = idx
        return self.W[idx]

    def backward(self, dout):
        self.dW = np.zeros_like(self.W)
        {step}

if __name__ == "__main__":
    layer = Embedding(6, 3)
    out = layer.forward([4, 1, 2])
    layer.backward(np.ones_like(out))
"""
MEAN = """
import numpy as np

class Context:
    def __init__(self, rows, width):
        self.W = np.random.randn(rows, width)

    def forward(self, context):
        self.context = context
        self.h = np.mean(self.W[context], axis=0)
        return 0.5 * np.sum(self.h ** 2)

    def backward(self):
        self.dW = np.zeros_like(self.W)
        for c in self.context:
            self.dW[c] {op} self.h / len(self.context)

Context(6, 3).forward([3, 0, 5])
"""
ORDER = """
import numpy as np

def shuffle_forward(x, perm):
    return np.tanh(x[perm]), (x, perm)

def shuffle_backward(dout, cache):
    x, perm = cache
    dx = np.zeros_like(x)
    dx[perm] = dout * (1 - np.tanh(x[perm]) ** 2)
    return dx

out, cache = shuffle_forward(np.array([0.3, -0.4, 1.1]), [2, 0, 1])
"""


@pytest.mark.parametrize(("text", "right", "wrong"), [
    (WORDS, {"step": "np.add.at(self.dW, self.idx, dout)"}, {"step": "self.dW[self.idx] = dout"}),
    (MEAN, {"op": "+="}, {"op": "="}),
])  # fmt: skip
def test_rows_of_words_that_come_twice_are_added_up(text, right, wrong):
    case = case_of(text.format(**right))
    assert case.verdict == "pass"
    assert any("taken from the file" in note for note in case.notes)
    case = case_of(text.format(**wrong))
    assert case.verdict == "fail"
    assert any("comes twice" in note for note in case.notes)


def test_an_order_has_nothing_twice():
    assert case_of(ORDER).verdict == "pass"


def test_what_stands_in_rows_of_a_table_has_their_axes():
    text = """
import numpy as np

def chain(log_pi, log_A, obs):
    alpha = np.zeros((len(obs), log_pi.shape[0]))
    alpha[0] = log_pi
    for t in range(1, len(obs)):
        alpha[t] = np.log(np.exp(alpha[t - 1][:, None] + log_A).sum(axis=0)) + obs[t]
    value = alpha[-1].sum()
    d_log_pi, d_log_A = np.ones_like(log_pi), np.zeros_like(log_A)
    for t in range(len(obs) - 1, 0, -1):
        s = np.exp(alpha[t - 1][:, None] + log_A)
        part = d_log_pi * s / s.sum(axis=0)
        d_log_A += part
        d_log_pi = part.sum(axis=1)
    return value, d_log_pi, d_log_A
"""
    case = case_of(text)
    assert case.verdict == "pass", case.problem
    assert case_of(text.replace("d_log_A += part", "d_log_A -= part")).verdict == "fail"
