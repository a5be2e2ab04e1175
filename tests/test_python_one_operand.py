"""What a backward part of one parameter is handed; layers that hand on what they are handed."""

from __future__ import annotations

import pytest

from gradcli.requests import Request
from gradcli.tasks.check_python import check_python

KEEPS = """
import numpy as np


class Linear:
    def forward(self, inputs, training):
        self.inputs = inputs
        self.output = FORWARD

    def backward(self, dvalues):
        self.dinputs = BACKWARD
"""
TAKES_ONE = """
import numpy as np


class Activation:
    def fprop(self, x):
        return FORWARD

    def bprop(self, NAME):
        return BACKWARD
"""


def _verdict(text, **parts):
    for word, part in parts.items():
        text = text.replace(word, part)
    [case] = check_python(text, "t.py", None, [], Request())
    return case.verdict


@pytest.mark.parametrize("backward", ["dvalues", "dvalues.copy()", "1 * dvalues"])
def test_a_layer_that_changes_nothing_keeps_what_it_is_handed(backward):
    assert _verdict(KEEPS, FORWARD="inputs", BACKWARD=backward) == "pass"
    assert _verdict(KEEPS, FORWARD="np.tanh(inputs)", BACKWARD=backward) == "fail"
    assert _verdict(KEEPS, FORWARD="inputs", BACKWARD=f"-{backward}") == "fail"


def test_a_gradient_that_is_kept_under_its_own_name_is_that_of_the_output():
    text = KEEPS.replace("dvalues):", "dvalues):\n        self.dvalues = dvalues")
    right = "dvalues * (1 - self.output**2)"
    assert _verdict(text, FORWARD="np.tanh(inputs)", BACKWARD=right) == "pass"


@pytest.mark.parametrize("name", ["x", "z", "grad", "dout"])
def test_one_value_may_be_the_gradient_or_what_the_slope_is_taken_at(name):
    slope = "self.fprop(NAME) * (1 - self.fprop(NAME))".replace("NAME", name)
    logistic = "1 / (1 + np.exp(-x))"
    assert _verdict(TAKES_ONE, FORWARD=logistic, BACKWARD=slope, NAME=name) == "pass"
    wrong = slope.replace("1 -", "2 -")
    assert _verdict(TAKES_ONE, FORWARD=logistic, BACKWARD=wrong, NAME=name) == "fail"
    assert _verdict(TAKES_ONE, FORWARD="x", BACKWARD=name, NAME=name) == "pass"
    assert _verdict(TAKES_ONE, FORWARD="x", BACKWARD=f"2 * {name}", NAME=name) == "fail"


PROPERTIES = """
import numpy as np


class Affine:
    def __init__(self, n_in, n_out):
        self.W = np.random.randn(n_in, n_out)

    @property
    def weights(self):
        return self.W

    @property
    def gradient_weights(self):
        return self.dW

    def forward(self, x):
        self.x = x
        return x @ self.W

    def backward(self, dout):
        self.dW = self.x.T @ dout
        return dout @ self.W.T
"""


def test_properties_are_no_functions():
    [case] = check_python(PROPERTIES, "t.py", None, [], Request())
    assert case.verdict == "pass"
    assert case.expression == "class Affine: forward and backward"
