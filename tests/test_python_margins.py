"""Targets of -1 and 1, probabilities between two bounds, and steps of Newton."""

from __future__ import annotations

from gradcli.requests import Request
from gradcli.tasks.check_python import check_python

NEWTON = """
import numpy as np


def likely(theta, X, y):
    return 1 / (1 + np.exp(-y * X.dot(theta)))


def J(theta, X, y):
    return -np.mean(np.log(likely(theta, X, y)))


def grad_J(theta, X, y):
    return -X.T.dot(y * (1 - likely(theta, X, y))) / y.size


def hess_J(theta, X, y):
    p = likely(theta, X, y)
    return X.T.dot(np.diag(p * (1 - p))).dot(X) / y.size


def fit(X, y, turns):
    theta = np.zeros(X.shape[1])
    cost = np.zeros(turns)
    for k in range(turns):
        cost[k] = J(theta, X, y)
        theta = theta - np.linalg.inv(hess_J(theta, X, y)).dot(grad_J(theta, X, y))
    return theta, cost
"""
FUSED = """
import numpy as np

EPSILON: float = 1e-7


class Entropy:
    def forward(self, y_true, y_pred):
        p = np.clip(y_pred, EPSILON, 1 - EPSILON)
        return LOSS

    def backward(self, y_true, y_pred):
        return GRADIENT
"""
ROWS = "np.mean(-np.sum(y_true * np.log(p), axis=1))"
ONE = "-np.mean(y_true * np.log(p) + (1 - y_true) * np.log(1 - p))"


def _cases(text):
    return {case.expression: case for case in check_python(text, "t.py", None, [], Request())}


def _fused(loss, gradient):
    [case] = _cases(FUSED.replace("LOSS", loss).replace("GRADIENT", gradient)).values()
    return case


def test_a_hessian_of_margins_is_right_for_targets_of_minus_one_and_one():
    cases = _cases(NEWTON)
    assert [case.verdict for case in cases.values()] == ["pass", "pass"]  # the step is none
    assert "right for targets of -1 and 1" in cases["grad_J and hess_J"].notes
    wrong = _cases(NEWTON.replace("p * (1 - p)", "p * (1 + p)"))
    assert wrong["grad_J and hess_J"].verdict == "fail"
    assert wrong["J and grad_J"].verdict == "pass"


def test_what_lies_between_two_bounds_is_drawn_there():
    right = "-(y_true / y_pred - (1 - y_true) / (1 - y_pred)) / y_pred.size"
    assert _fused(ONE, right).verdict == "pass"
    wrong = _fused(ONE, right.removesuffix(" / y_pred.size"))
    assert [line.mistake for line in wrong.lines if line.is_accused] == ["missing-mean"]


def test_the_gradient_of_scores_is_right_for_probabilities_within_bounds():
    fused = "(y_pred - y_true) / y_pred.shape[0]"
    assert _fused(ROWS, fused).verdict == "pass"
    one = _fused(ONE, fused)
    assert one.verdict == "pass"
    assert any("right for one column" in note for note in one.notes)
    assert _fused(ROWS, "(y_true - y_pred) / y_pred.shape[0]").verdict != "pass"
