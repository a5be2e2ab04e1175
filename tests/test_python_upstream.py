"""Methods that take an upstream gradient, whatever they are called; what they give beside it."""

from __future__ import annotations

import pytest
from python_cases import cases

from gradcli.python.reading import PythonFile

STATELESS = """
import numpy as np


class Affine:
    def __init__(self, n_in, n_out):
        self.W = np.random.randn(n_in, n_out) * 0.1
        self.b = np.zeros(n_out)

    def forward(self, x):
        return x @ self.W + self.b

    def grad_x(self, x, grad_out):
        return grad_out @ self.W.T

    def grad_params(self, x, grad_out):
        dW = x.T @ grad_out
        db = grad_out.sum(axis=0)
        return [dW, db]


class Bent:
    def forward(self, x):
        return np.tanh(x)

    def local(self, delta, x):
        return delta * (1 - np.tanh(x) ** 2)
"""
PROPAGATED = """
import numpy as np


class Squash:
    def propagate(self, x):
        self.y = 1 / (1 + np.exp(-x))
        return self.y

    def backpropagate(self, delta):
        return delta * self.y * (1 - self.y)
"""
LOSS_BESIDE = """
import numpy as np


class Net:
    def __init__(self, n_in, n_out):
        self.W = np.random.randn(n_in, n_out)

    def forward(self, x):
        self.x, self.out = x, x @ self.W
        return self.out

    def backward(self, target):
        delta = self.out - target
        self.dW = self.x.T @ delta
        loss = 0.5 * np.sum(delta ** 2)
        return loss
"""


def test_a_method_that_takes_the_operands_and_an_upstream_gradient_is_a_backward_part():
    names = [subject.name for subject in PythonFile(STATELESS, "file.py").subjects]
    assert names == ["Affine.grad_x", "Affine.grad_params", "Bent.local"]
    found = cases(STATELESS)
    assert [case.verdict for case in found] == ["pass"] * 3
    assert {name.partition(" ")[0].partition("[")[0] for name in found[1].inputs} == {"W", "b"}


@pytest.mark.parametrize(
    ("text", "right", "wrong"),
    [
        (STATELESS, "grad_out @ self.W.T", "-grad_out @ self.W.T"),
        (STATELESS, "dW = x.T @ grad_out", "dW = 2 * x.T @ grad_out"),
        (STATELESS, "db = grad_out.sum(axis=0)", "db = grad_out.mean(axis=0)"),
        (STATELESS, "1 - np.tanh(x) ** 2", "1 - np.tanh(x)"),
        (PROPAGATED, "(1 - self.y)", "(1 + self.y)"),
    ],
)
def test_its_mistakes_are_found_on_their_lines(text, right, wrong):
    line = next(n for n, row in enumerate(text.splitlines(), 1) if right in row)
    accused = [row.line for case in cases(text.replace(right, wrong)) for row in case.lines
               if row.verdict == "fail"]  # fmt: skip
    assert accused == [line]


def test_a_method_that_moves_the_weights_is_no_backward_part():
    text = (
        STATELESS
        + """
    def update(self, x, grad):
        self.W = getattr(self, "W", 0) - 0.1 * grad
        return self.W
"""
    )
    names = [subject.name for subject in PythonFile(text, "file.py").subjects]
    assert "Bent.update" not in names
    assert "Bent.local" in names


def test_propagate_has_backpropagate():
    (case,) = cases(PROPAGATED)
    assert case.verdict == "pass"


def test_a_loss_that_is_returned_beside_is_no_gradient_of_the_input():
    (case,) = cases(LOSS_BESIDE)
    assert case.verdict == "pass"
    assert {name.partition(" ")[0].partition("[")[0] for name in case.inputs} == {"W"}
    (wrong,) = cases(LOSS_BESIDE.replace("self.out - target", "target - self.out"))
    assert wrong.verdict in ("fail", "error")
