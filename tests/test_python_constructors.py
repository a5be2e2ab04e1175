"""What the constructor of a Python class asks for where it may leave it out, or hands it on."""

from __future__ import annotations

import pytest
from python_cases import case_of

LATER = """
import numpy as np

class Layer:
    def __init__(self, n_out, n_in=None):
        self.n_out, self.n_in = n_out, n_in
        self.W = None
    def connect(self):
        self.W = np.random.uniform(-1, 1, (self.n_in, self.n_out))

class Scaled(Layer):
    '''A layer with a factor.

    n_out : (int, tuple)
    '''
    def __init__(self, factor=2.5, **kwargs):
        super().__init__(**kwargs)
        self.factor = factor
    def forward(self, x, training: bool):
        self.x = x if training else 0 * x
        return self.factor * x @ self.W
    def backward(self, dout):
        self.dW = self.factor * self.x.T @ dout
        return self.factor * dout @ self.W.T
"""
OBJECT = """
import numpy as np

class Cube:
    def __call__(self, z):
        return z ** 3
    def slope(self, z):
        return 3 * z ** 2

bend = Cube()

class Bent:
    def __init__(self, n):
        self.W = np.random.randn(n, 3)
    def forward(self, x):
        self.x, self.z = x, x @ self.W
        return bend(self.z)
    def backward(self, dout):
        dz = dout * bend.slope(self.z)
        self.dW = self.x.T @ dz
        return dz @ self.W.T
"""


@pytest.mark.parametrize(("text", "subject"), [(LATER, "Scaled"), (OBJECT, "Bent")])
def test_what_a_constructor_leaves_out_is_found(text, subject):
    case = case_of(text, subject)
    assert (case.verdict, case.problem) == ("pass", None)
    assert case.claims == 2


@pytest.mark.parametrize(
    ("text", "subject", "right", "slip"),
    [
        (LATER, "Scaled", "self.dW = self.factor * self", "self.dW = self"),
        (LATER, "Scaled", "return self.factor * dout", "return dout"),
        (OBJECT, "Bent", "dz = dout * bend.slope(self.z)", "dz = 2 * dout * bend.slope(self.z)"),
        (OBJECT, "Bent", "self.dW = self.x.T @ dz", "self.dW = self.x.T @ dout"),
    ],
)  # fmt: skip
def test_a_slip_behind_it_is_found_on_its_line(text, subject, right, slip):
    assert text.count(right) == 1
    case = case_of(text.replace(right, slip), subject)
    failed = {line.line for line in case.lines if line.verdict == "fail"}
    assert text[: text.index(right)].count("\n") + 1 in failed


def test_a_size_that_nothing_takes_is_not_asked_for():
    text = LATER.replace("(self.n_in, self.n_out)", "(4, self.n_out)")
    case = case_of(text, "Scaled")
    assert case.verdict == "pass"
    assert "n_in" not in " ".join(case.notes)
