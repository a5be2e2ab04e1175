"""A loss and a function that returns its gradients only, under names that say nothing."""

from __future__ import annotations

import pytest
from python_cases import cases

from gradcli.python.reading import PythonFile

LOGISTIC = """
import numpy as np

def squash(z):
    return 1 / (1 + np.exp(-z))

def cost(X, y, w, b, penalty=0.0):
    total = 0.0
    for i in range(X.shape[0]):
        z = np.dot(X[i, :], w) + b
        if y[i] == 1:
            total += -np.log(squash(z))
        else:
            total += -np.log(1 - squash(z))
    return total / X.shape[0] + penalty * np.sum(w ** 2) / (2 * X.shape[0])

def regression(X, y, w, b, penalty=0.0):
    m, n = X.shape
    dj_dw = np.zeros_like(w)
    z = np.c_[np.dot(X, w) + b]
    for j in range(n):
        dj_dw[j] = np.sum((squash(z) - y) * np.c_[X[:, j]]) / m + penalty / m * w[j]
    dj_db = np.sum(squash(z) - y) / m
    return dj_dw, dj_db
"""
LINEAR = """
import numpy as np

def compute_cost(x, y, w, b):
    m = x.shape[0]
    total = 0
    for i in range(m):
        total += (w * x[i] + b - y[i]) ** 2
    return total / (2 * m)

def slopes(x, y, w, b):
    m = x.shape[0]
    dj_dw, dj_db = 0, 0
    for i in range(m):
        off = w * x[i] + b - y[i]
        dj_dw += off * x[i]
        dj_db += off
    return dj_dw / m, dj_db / m
"""


@pytest.mark.parametrize("text", [LOGISTIC, LINEAR])
def test_the_gradients_are_those_of_the_loss_of_the_same_parameters(text):
    (case,) = cases(text)
    assert case.verdict == "pass", (case.problem, case.lines)
    assert {name.partition(" ")[0].partition("[")[0] for name in case.inputs} == {"w", "b"}


@pytest.mark.parametrize(
    ("right", "wrong"),
    [
        ("penalty / m * w[j]", "penalty * w[j]"),
        ("np.c_[X[:, j]]) / m", "np.c_[X[:, j]]) / n"),
        ("np.sum(squash(z) - y) / m", "np.sum(squash(z) - y)"),
    ],
)
def test_a_mistake_in_them_is_found_on_its_line(right, wrong):
    (case,) = cases(LOGISTIC.replace(right, wrong))
    line = next(n for n, row in enumerate(LOGISTIC.splitlines(), 1) if right in row)
    assert case.verdict == "fail"
    assert [row.line for row in case.lines if row.verdict == "fail"] == [line]


@pytest.mark.parametrize(
    "text",
    [
        LOGISTIC.replace("def regression(X, y, w, b", "def regression(X, y, w, c"),
        LOGISTIC.replace("return dj_dw, dj_db", "return dj_dw, z"),
        LOGISTIC.replace("def cost(", "def squashed("),
    ],
)
def test_other_parameters_or_other_results_make_no_pair(text):
    found = PythonFile(text, "file.py").subjects
    assert not [subject for subject in found if subject.backward == "regression"]


def test_what_one_loop_counts_through_has_one_first_axis():
    (case,) = cases(LOGISTIC)
    assert "X (3, 5), y (3, 1)" in " ".join(case.notes)
