"""Layers in training: a flag that is off at first, and weights that move while they pass back."""

from __future__ import annotations

import pytest
from python_cases import case_of

KEPT = """
import numpy as np


class BatchNorm:
    def __init__(self, n, eps=1e-5, momentum=0.9):
        self.gamma, self.beta = np.ones(n), np.zeros(n)
        self.mean, self.var = np.zeros(n), np.ones(n)
        self.eps, self.momentum = eps, momentum
        self.training = False

    def forward(self, x):
        if self.training:
            mu, var = x.mean(axis=0), x.var(axis=0)
            self.mean = self.momentum * self.mean + (1 - self.momentum) * mu
            self.var = self.momentum * self.var + (1 - self.momentum) * var
        else:
            mu, var = self.mean, self.var
        self.inv = 1 / np.sqrt(var + self.eps)
        self.xhat = (x - mu) * self.inv
        return self.gamma * self.xhat + self.beta

    def backward(self, dout):
        n = dout.shape[0]
        self.dgamma = (dout * self.xhat).sum(axis=0)
        self.dbeta = dout.sum(axis=0)
        dxhat = dout * self.gamma
        mean = (dxhat * self.xhat).sum(axis=0)
        return self.inv / n * (n * dxhat - dxhat.sum(axis=0) - self.xhat * mean)
"""

CALLED = (
    KEPT.replace("        self.training = False\n", "")
    .replace("def forward(self, x):", "def forward(self, x, training=False):")
    .replace("if self.training:", "if training:")
)

WORDED = CALLED.replace("training=False", "mode='test'").replace(
    "if training:", "if mode == 'train':"
)

INSIDE = (
    KEPT
    + """

class Block:
    def __init__(self, n):
        self.w = np.random.randn(n, n)
        self.norm = BatchNorm(n)

    def forward(self, x):
        self.x = x
        return self.norm.forward(x @ self.w)

    def backward(self, dout):
        d = self.norm.backward(dout)
        self.dw = self.x.T @ d
        return d @ self.w.T
"""
)

LAYERS = {"attribute": KEPT, "argument": CALLED, "word": WORDED, "inside": INSIDE}


def checked(text, name="BatchNorm", bindings=()):
    return case_of(text, name, bindings=bindings)


@pytest.mark.parametrize("kind", LAYERS)
def test_a_layer_is_read_in_training_where_that_is_what_it_passes_back(kind):
    case = checked(LAYERS[kind], "Block" if kind == "inside" else "BatchNorm")
    assert case.verdict == "pass", case.problem
    assert any(note.startswith("right in training") for note in case.notes)


@pytest.mark.parametrize("kind", LAYERS)
def test_training_hides_no_mistake(kind):
    text = LAYERS[kind].replace(
        "n * dxhat - dxhat.sum(axis=0)", "n * dxhat - 2 * dxhat.sum(axis=0)"
    )
    assert text != LAYERS[kind]
    assert checked(text, "Block" if kind == "inside" else "BatchNorm").verdict == "fail"


def test_a_flag_that_is_given_stays_as_it_is():
    case = checked(CALLED, bindings=[("training", "False")])
    assert case.verdict == "fail"


def test_a_layer_that_is_right_at_rest_is_not_trained():
    text = KEPT.replace("dxhat - dxhat.sum(axis=0) - self.xhat * mean", "dxhat")
    case = checked(text)
    assert case.verdict == "pass", case.problem
    assert not any(note.startswith("right in training") for note in case.notes)


MOVED = """
import numpy as np


class Adam:
    def __init__(self, rate=0.001):
        self.rate, self.m, self.v, self.t = rate, 0.0, 0.0, 0

    def update(self, weight, gradient):
        self.t += 1
        self.m = 0.9 * self.m + 0.1 * gradient
        self.v = 0.999 * self.v + 0.001 * gradient ** 2
        first, second = self.m / (1 - 0.9 ** self.t), self.v / (1 - 0.999 ** self.t)
        return weight - self.rate * first / (np.sqrt(second) + 1e-8)


class Scale:
    def __init__(self, n):
        self.gamma = np.ones(n)
        self.optimizer = Adam()

    def forward(self, x):
        self.x = x
        return self.gamma * x

    def backward(self, dout):
        dx = dout * self.gamma
        self.gamma = self.optimizer.update(self.gamma, (dout * self.x).sum(axis=0))
        return dx
"""


def test_a_weight_that_an_optimiser_moves_is_no_gradient_of_itself():
    case = checked(MOVED, "Scale")
    assert case.verdict == "pass", case.problem
    assert {name.partition("[")[0] for name in case.inputs} == {"x"}


SAVES = """
import numpy as np


class Store:
    def __init__(self):
        self.kept = None

    def keep(self, kept):
        self.kept = kept


class SquaredError(Store):
    def __call__(self, output, target, save=False):
        if save:
            self.keep((output, target))
        return np.square(output - target).mean()

    def backward(self):
        output, target = self.kept
        return 2 * (output - target) / output.size
"""


def test_what_a_flag_keeps_is_what_the_forward_part_was_handed():
    case = checked(SAVES, "SquaredError")
    assert case.verdict == "pass", case.problem
    assert "kept =" not in " ".join(case.notes)
    wrong = checked(SAVES.replace("2 * (output", "(output"), "SquaredError")
    assert [line.line for line in wrong.lines if line.is_accused] == [21]
