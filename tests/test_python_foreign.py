"""Modules that are not read: harmless as long as no number is made of what they give."""

from __future__ import annotations

import pytest

from gradcli.requests import Request
from gradcli.tasks.check_python import check_python

HEAD = """
import uuid
import wandb
import numpy as np
import pandas as pd
from somewhere import helper


"""
KEPT = """
class SquaredError:
    def __init__(self):
        self.label = uuid.uuid4()

    def forward(self, guess, wanted):
        wandb.log({"step": 1})
        wanted = wanted.values if isinstance(wanted, pd.Series) else wanted
        self.off = guess - wanted
        return np.sum(self.off**2)

    def backward(self):
        return 2 * self.off
"""
LAYER = """
class Bent:
    def forward(self, x):
        self.x = x
        return FORWARD

    def backward(self, dout):
        BEFORE
        return BACKWARD
"""


def _case(text):
    [case] = check_python(text, "t.py", None, [], Request())
    return case


def _layer(forward="np.tanh(x)", backward="dout * (1 - np.tanh(self.x) ** 2)", before="pass"):
    text = LAYER.replace("FORWARD", forward).replace("BACKWARD", backward)
    return HEAD + text.replace("BEFORE", before)


def test_what_changes_no_number_is_passed_over():
    assert _case(HEAD + KEPT).verdict == "pass"
    assert _case(HEAD + KEPT.replace("2 * self.off", "3 * self.off")).verdict == "fail"


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"forward": "helper(x)"}, "return helper(x)"),
        ({"forward": "np.tanh(helper(x))"}, "return np.tanh(helper(x))"),
        ({"backward": "helper(dout)"}, "return helper(dout)"),
        ({"before": "helper(dout)"}, "helper(dout)"),
        ({"before": "if helper(): pass"}, "if helper(): pass"),
    ],
)
def test_a_number_of_such_a_module_is_an_error_where_it_is_called(changes, words):
    problem = _case(_layer(**changes)).problem
    assert problem.message == "`somewhere` is neither numpy nor a file beside this one"
    assert problem.text.strip() == words
    assert problem.text[problem.column - 1 :].startswith("helper(")


GUARDED = """
import numpy as np


class Entropy:
    def calculate(self, output, y):
        try:
            p = np.clip(output, 1e-10, 1 - 1e-10)
            return np.mean(-(y * np.log(p) + (1 - y) * np.log(1 - p)))
        except Exception as error:
            print("no loss:", error)
            exit()

    def backward(self, output, y):
        try:
            n, k = output.shape
            p = np.clip(output, 1e-10, 1 - 1e-10)
            return -(y / p - (1 - y) / (1 - p)) / (n * k)
        except Exception:
            exit()
"""


def test_a_handler_that_gives_up_hides_no_error():
    assert _case(GUARDED).verdict == "pass"
    assert _case(GUARDED.replace("(1 - y) / (1 - p)", "(1 - y) / (1 + p)")).verdict == "fail"
    broken = _case(GUARDED.replace("n, k = output.shape", "n, k = outputs.shape"))
    assert broken.problem.message == "name 'outputs' is not defined"


def test_a_handler_that_goes_on_is_taken():
    text = """
import numpy as np

def scale_forward(x, w):
    try:
        factor = undefined_name
    except NameError as fault:
        print(fault)
        factor = 3.0
    return factor * x * w, (x, w)

def scale_backward(dout, cache):
    x, w = cache
    return 3 * dout * w, 3 * dout * x
"""
    assert _case(text).verdict == "pass"


def test_a_star_has_what_is_no_function_of_numpy():
    text = """
from pylab import *

def loss(theta, X, y):
    rows = c_[ones((X.shape[0], 1)), X]
    off = rows.dot(theta) - y
    return sum(off**2) / 2, rows.T.dot(off)
"""
    assert _case(text).verdict == "pass"
    assert _case(text.replace("pylab", "numpy")).verdict == "pass"


def test_a_module_that_is_not_read_is_told_where_inputs_are_inferred():
    text = """
import numpy as np
from sklearn.preprocessing import OneHotEncoder

def cost(theta, X, y):
    wanted = OneHotEncoder().fit_transform(y.reshape(-1, 1))
    p = 1 / (1 + np.exp(-X @ theta))
    return -np.sum(wanted * np.log(p)), X.T @ (p - wanted)
"""
    problem = _case(text).problem
    assert problem.message == "`sklearn.preprocessing` is neither numpy nor a file beside this one"


def test_rows_are_repeated_as_matrices():
    text = """
import numpy as np
from numpy import matlib

def loss(w, x, y):
    (n,), rows = x.shape, len(y)
    off = matlib.repmat(x * w, rows, 1) - y
    return np.sum(off**2) / 2, x * off.sum(axis=0)
"""
    assert _case(text).verdict == "pass"
    assert _case(text.replace("off.sum(axis=0)", "off[0]")).verdict == "fail"
