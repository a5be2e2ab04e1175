"""Gradients are put into lists, dictionaries and records: a slip is told where it is computed."""

from __future__ import annotations

import pytest
from python_cases import case_of

PAIR = """
from dataclasses import dataclass
import numpy as np

@dataclass
class Grads:
    W1: np.ndarray
    b1: np.ndarray
    W2: np.ndarray

def net_forward(x, params):
    h = np.tanh(x @ params["W1"] + params["b1"])
    return h @ params["W2"], (x, h, params)

def net_backward(dout, cache):
    x, h, params = cache
    grads = {}
    da = (dout @ params["W2"].T) * (1 - h ** 2)
"""
NET = """
import numpy as np

class Net:
    def __init__(self, sizes=(3, 5, 4)):
        self.W = [np.random.randn(a, b) for a, b in zip(sizes, sizes[1:])]
        self.b = [np.random.randn(b) for b in sizes[1:]]

    def forward(self, x):
        self.hs = [x]
        for W, b in zip(self.W, self.b):
            self.hs.append(np.tanh(self.hs[-1] @ W + b))
        return self.hs[-1]

    def backward(self, g):
        self.dW, self.db = [], []
        for W, h, x in zip(self.W[::-1], self.hs[:0:-1], self.hs[-2::-1]):
            g = g * (1 - h ** 2)
            {kept}
            g = g @ W.T
        return g
"""
ENTRIES = """
        "W1": x.T @ da,
        "b1": da.{sum}(axis=0),
        "W2": h.T @ dout,
"""
FIELDS = """
        W1=x.T @ da,
        b1=da.{sum}(axis=0),
        W2=h.T @ dout,
"""
OF_PAIR = {
    "a dictionary": "    grads = {" + ENTRIES + "    }\n    return grads",
    "a returned dictionary": "    return {" + ENTRIES + "    }",
    "update": "    grads.update({" + ENTRIES + "    })\n    return grads",
    "update by keywords": "    grads.update(" + FIELDS + "    )\n    return grads",
    "dict": "    grads = dict(" + FIELDS + "    )\n    return grads",
    "a record": "    return Grads(" + FIELDS + "    )",
    "entries": '    grads["W1"], grads["W2"] = x.T @ da, h.T @ dout\n'
               '    grads["b1"] = da.{sum}(axis=0)\n    return grads',
}  # fmt: skip
OF_NET = {
    "insert": "self.dW.insert(0, x.T @ g)\n            self.db.insert(0, g.{sum}(axis=0))",
    "a sum of lists": "self.dW = [x.T @ g] + self.dW\n"
                      "            self.db = [g.{sum}(axis=0)] + self.db",
}  # fmt: skip
TEXTS = {
    **{name: PAIR + end + "\n" for name, end in OF_PAIR.items()},
    **{name: NET.replace("{kept}", end) for name, end in OF_NET.items()},
}


@pytest.mark.parametrize("vessel", TEXTS)
def test_a_slip_is_told_on_the_line_that_computes_it(vessel):
    text = TEXTS[vessel]
    case = case_of(text.replace("{sum}", "sum"))
    assert case.verdict == "pass", case.problem
    case = case_of(text.replace("{sum}", "mean"))
    accused = {line.line for line in case.lines if line.verdict == "fail" and line.local}
    assert accused == {k for k, line in enumerate(text.splitlines(), 1) if "{sum}" in line}
