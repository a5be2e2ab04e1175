"""Slopes and pullbacks that are lambdas: a slip in one is told on its own line."""

from __future__ import annotations

import pytest
from python_cases import case_of

TABLE = """
import numpy as np

ACTIVATIONS = {
    "tanh": (lambda z: np.tanh(z),
             lambda z: 1 - np.tanh(z) ** 2),
    "softplus": (lambda z: np.log(1 + np.exp(z)),
                 lambda z: 1 / (1 + np.exp(-z))),
}

class Net:
    def __init__(self, dims=(3, 5, 4), acts=("tanh", "softplus")):
        self.W = [np.random.randn(a, b) for a, b in zip(dims, dims[1:])]
        self.acts = [ACTIVATIONS[name] for name in acts]

    def forward(self, x):
        self.hs, self.zs = [x], []
        for W, (f, _) in zip(self.W, self.acts):
            self.zs.append(self.hs[-1] @ W)
            self.hs.append(f(self.zs[-1]))
        return self.hs[-1]

    def backward(self, g):
        self.dW = []
        for k in range(len(self.W) - 1, -1, -1):
            g = g * self.acts[k][1](self.zs[k])
            self.dW.insert(0, self.hs[k].T @ g)
            g = g @ self.W[k].T
        return g
"""
PULLBACKS = """
import numpy as np

def linear(x, w):
    return x @ w, lambda g: (g @ w.T, x.T @ g)

def relu(x):
    mask = x > 0
    return x * mask, lambda g: g * mask

def loss_and_grad(params, x, y):
    w1, w2 = params
    z, back_z = linear(x, w1)
    a, back_a = relu(z)
    out, back_out = linear(a, w2)
    r = out - y
    loss = np.mean(r ** 2)
    g, dw2 = back_out(2 * r / r.size)
    _, dw1 = back_z(back_a(g))
    return loss, (dw1, dw2)
"""


def accused(text):
    """The lines that are accused, and those that may be meant instead."""
    case = case_of(text)
    wrong = [line for line in case.lines if line.verdict == "fail" and line.local]
    return case.verdict, {line.line for line in wrong}, wrong


@pytest.mark.parametrize(("text", "was", "now"), [
    (TABLE, "1 - np.tanh(z) ** 2", "1 + np.tanh(z) ** 2"),
    (TABLE, "1 - np.tanh(z) ** 2", "1 - np.tanh(z)"),
    (TABLE, "1 / (1 + np.exp(-z))", "1 / (1 - np.exp(-z))"),
    (PULLBACKS, "lambda g: g * mask", "lambda g: g"),
    (PULLBACKS, "lambda g: g * mask", "lambda g: -g * mask"),
])  # fmt: skip
def test_a_slip_in_a_lambda_is_told_on_its_line(text, was, now):
    assert accused(text)[:2] == ("pass", set())
    verdict, lines, _ = accused(text.replace(was, now))
    row = next(k for k, line in enumerate(text.splitlines(), 1) if was in line)
    assert (verdict, lines) == ("fail", {row})


def test_a_lambda_has_its_repair():
    _, _, (line,) = accused(TABLE.replace("1 - np.tanh(z) ** 2", "1 + np.tanh(z) ** 2"))
    assert "1 - np.tanh(z) ** 2" in line.repair
