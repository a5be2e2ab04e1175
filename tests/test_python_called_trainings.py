"""Trainings whose loop calls functions for their gradients and steps; gradients without a loss."""

from __future__ import annotations

import pytest

from gradcli.requests import Request
from gradcli.tasks.check_python import check_python

METHODS = """
import numpy as np


class Regression:
    def __init__(self, rate=0.01, turns=1000, way="all"):
        self.rate, self.turns, self.way = rate, turns, way
        self.coef = None
        self.intercept = None

    def fit(self, features, target):
        count, width = features.shape
        self.coef = np.zeros(width)
        self.intercept = 0
        if self.way == "all":
            self._descend(features, target, count)

    def _descend(self, features, target, count):
        for _ in range(self.turns):
            guess = features @ self.coef + self.intercept
            slopes, shift = self._slopes(features, target, guess, count)
            self._update(slopes, shift)

    def _slopes(self, features, target, guess, count):
        slopes = features.T @ (guess - target) / count
        shift = np.sum(guess - target) / count
        return slopes, shift

    def _update(self, slopes, shift):
        self.coef -= self.rate * slopes
        self.intercept -= self.rate * shift
"""
STEP = """
def step(b_now, m_now, points, rate):
    b_slope = 0
    m_slope = 0
    N = float(len(points))
    for i in range(len(points)):
        x = points[i][0]
        y = points[i][1]
        b_slope += -(2 / N) * (y - (m_now * x + b_now))
        m_slope += -(2 / N) * x * (y - (m_now * x + b_now))
    new_b = b_now - rate * b_slope
    new_m = m_now - rate * m_slope
    return new_b, new_m


def run(points, b, m, rate, turns):
    for i in range(turns):
        b, m = step(b, m, points, rate)
    return b, m
"""
UPDATE = """
def update_weights(m, b, X, Y, learning_rate):
    m_slope, b_slope = 0, 0
    N = len(X)
    for i in range(N):
        m_slope += -2 * X[i] * (Y[i] - (m * X[i] + b))
        b_slope += -2 * (Y[i] - (m * X[i] + b))
    m -= m_slope / float(N) * learning_rate
    b -= b_slope / float(N) * learning_rate
    return m, b


def train(X, Y, m, b, rate, turns):
    for i in range(turns):
        m, b = update_weights(m, b, X, Y, rate)
    return m, b
"""
ALONE = """
import numpy as np


def sigmoid(z):
    return 1 / (1 + np.exp(-z))


def gradient(theta, X, y):
    m = len(y)
    error = sigmoid(np.dot(X, theta)) - y
    grad = np.dot(X.T, error) / m
    return grad
"""


def _case(text):
    [case] = check_python(text, "t.py", None, [], Request())
    return case


@pytest.mark.parametrize("text", [METHODS, STEP, UPDATE, ALONE])
def test_it_is_right_by_a_usual_loss(text):
    case = _case(text)
    assert case.verdict == "pass"
    assert any(note.startswith("no loss is in the file: right for") for note in case.notes)


@pytest.mark.parametrize(
    ("text", "right", "wrong"),
    [
        (METHODS, "np.sum(guess - target) / count", "np.sum(guess - target)"),
        (STEP, "b_slope += -(2 / N)", "b_slope += (2 / N)"),
        (STEP, "(2 / N) * x * (y", "(2 / N) * (y"),
        (UPDATE, "-2 * X[i] *", "-2 *"),
    ],
)
def test_a_slip_is_told_in_the_function_that_is_called(text, right, wrong):
    case = _case(text.replace(right, wrong))
    assert case.verdict == "fail"
    place = text[: text.index(right)].count("\n") + 1
    accused = [line for line in case.lines if line.is_accused]
    assert place in {line.line for line in accused} | {
        int(word) for line in accused for word in (line.reason or "").split() if word.isdigit()
    }


def test_a_gradient_of_no_usual_loss_is_no_failure():
    case = _case(ALONE.replace("np.dot(X.T, error)", "np.dot(X.T, error**2)"))
    assert case.verdict == "error"
    assert "the gradient of none that is usual" in case.problem.message


PARTS = """
import numpy as np


class Neuron:
    def __init__(self, eta=0.01, turns=10):
        self.eta, self.turns = eta, turns

    def fit(self, X, y):
        self.w_ = np.zeros(1 + X.shape[1])
        self.cost_ = []
        for i in range(self.turns):
            errors = y - self.net_input(X)
            self.w_[1:] += self.eta * X.T.dot(errors)
            self.w_[0] += self.eta * errors.sum()
            self.cost_.append((errors**2).sum() / 2.0)
        return self

    def net_input(self, X):
        return np.dot(X, self.w_[1:]) + self.w_[0]
"""
EXAMPLES = """
import numpy as np


def train(X, y, w, b, rate, turns):
    for k in range(turns):
        dw = np.zeros_like(w)
        db = 0
        for i in range(len(X)):
            err = np.dot(w, X[i]) + b - y[i]
            dw += err * X[i]
            db += err
        w = w - rate * dw / len(X)
        b = b - rate * db / len(X)
    return w, b
"""


@pytest.mark.parametrize(
    ("text", "right", "wrong"),
    [
        (PARTS, "self.eta * errors.sum()", "self.eta * errors.mean()"),
        (PARTS, "self.w_[0] += ", "self.w_[0] -= "),
        (EXAMPLES, "db += err", "db += err * y[i]"),
    ],
)
def test_weights_change_part_by_part_or_behind_a_loop_over_examples(text, right, wrong):
    assert _case(text).verdict == "pass"
    assert _case(text.replace(right, wrong)).verdict == "fail"
