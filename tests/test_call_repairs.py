"""Slips in what a line of Python hands to a helper: the call is accused, and not the helper."""

from __future__ import annotations

import pytest

from gradcli.requests import Request
from gradcli.tasks.check_python import check_python

HELPERS = """
import numpy as np

def linear_backward(dz, a_prev, W):
    dW = dz @ a_prev.T
    db = np.sum(dz, axis=1, keepdims=True)
    da_prev = W.T @ dz
    return da_prev, dW, db

def tanh_backward(da, a):
    return da * (1 - a ** 2)

def net_forward(X, W1, b1, W2, b2):
    z1 = W1 @ X + b1
    a1 = np.tanh(z1)
    return W2 @ a1 + b2, (X, z1, a1)

def net_backward(dz2, cache, W1, W2):
    X, z1, a1 = cache
    da1, dW2, db2 = linear_backward(dz2, a1, W2)
    dz1 = tanh_backward(da1, a1)
    dX, dW1, db1 = linear_backward(dz1, X, W1)
    return dX, dW1, db1, dW2, db2
"""


def case_of(text):
    (case,) = check_python(text, "file.py", "net", [], Request())
    return case


def test_right_calls_pass():
    assert case_of(HELPERS).verdict == "pass"


@pytest.mark.parametrize(("right", "wrong"), [
    ("linear_backward(dz2, a1, W2)", "linear_backward(dz2, z1, W2)"),
    ("tanh_backward(da1, a1)", "tanh_backward(a1, da1)"),
    ("linear_backward(dz1, X, W1)", "linear_backward(da1, X, W1)"),
])  # fmt: skip
def test_a_wrong_argument_is_found_at_its_call(right, wrong):
    text = HELPERS.replace(right, wrong)
    case, rows = case_of(text), text.splitlines()
    (accused,) = [line for line in case.lines if line.is_accused]
    assert wrong in rows[accused.line - 1]
    assert accused.mistake == "wrong-cache"
    assert accused.repair == rows[accused.line - 1].strip().replace(wrong, right)


@pytest.mark.parametrize(("right", "wrong"), [
    ("da * (1 - a ** 2)", "da * (1 + a ** 2)"),
    ("dW = dz @ a_prev.T", "dW = 2 * dz @ a_prev.T"),
])  # fmt: skip
def test_a_slip_in_a_helper_is_not_that_of_its_calls(right, wrong):
    text = HELPERS.replace(right, wrong)
    rows = text.splitlines()
    accused = {rows[line.line - 1].strip() for line in case_of(text).lines if line.is_accused}
    assert len(accused) == 1
    assert wrong in accused.pop()
