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


@pytest.mark.parametrize(
    ("text", "right", "wrong", "line"),
    [
        (STEP.partition("def run")[0], "rate * b_slope", "rate * m_slope", 0),
        (STEP.partition("def run")[0], "b_slope += -(2 / N)", "b_slope += (2 / N)", 9),
        (UPDATE.partition("def train")[0], "b -= b_slope", "b += b_slope", 0),
    ],
)
def test_one_step_is_held_to_a_usual_loss(text, right, wrong, line):
    assert _case(text).verdict == "pass"
    case = _case(text.replace(right, wrong))
    assert case.verdict == "fail"
    assert not line or [x.line for x in case.lines if x.is_accused] == [line]


FIXED = """
import numpy as np


def initialize(inputs, classes):
    return {"w": np.random.randn(classes, inputs) / inputs, "b": np.zeros((classes, 1))}


def gradients(params, x_batch, y_batch):
    count = x_batch.shape[0]
    loss, dw, db = 0, 0, 0
    for i in range(count):
        x, y = x_batch[i].reshape((784, 1)), int(y_batch[i])
        wanted = np.zeros((10, 1))
        wanted[y][0] = 1
        e = np.exp(params["w"] @ x + params["b"])
        p = e / np.sum(e)
        loss += -np.log(p[y][0]) / count
        dw += (p - wanted) @ x.T / count
        db += (p - wanted) / count
    return loss, dw, db
"""
COUNTED = """
def cost_and_gradients(b, a, xs, ys, m):
    J, b_grad, a_grad = 0, 0, 0
    for i in range(m):
        off = b + a * xs[i] - ys[i]
        J = J + off**2 / (2 * m)
        b_grad = b_grad + off / m
        a_grad = a_grad + off * xs[i] / m
    return J, b_grad, a_grad
"""


def test_sizes_that_the_code_has_itself_stay():
    case = _case(FIXED)
    assert case.verdict == "pass"
    assert any("'w': (10, 784)" in note for note in case.notes)
    assert _case(FIXED.replace("(p - wanted) / count", "(p + wanted) / count")).verdict == "fail"


def test_a_count_ends_a_loop_where_the_examples_do():
    assert _case(COUNTED).verdict == "pass"
    wrong = _case(COUNTED.replace("off * xs[i] / m", "off / m"))
    assert [line.line for line in wrong.lines if line.is_accused] == [8]


def test_gradients_that_are_steps_already_are_right_times_their_rate():
    rated = COUNTED.replace(" m):", " m, pace):").replace(" / m\n", " / m * pace\n")
    case = _case(rated)
    assert case.verdict == "pass"
    assert "right times `pace`, which the loss does not have: these are steps" in case.notes
    assert _case(rated.replace("off * xs[i] / m * pace", "off * xs[i] / m")).verdict == "fail"


LISTS = """
def descend(x, y, w, b, rate, turns):
    for k in range(turns):
        guess = [w * one + b for one in x]
        error = [g - y_i for g, y_i in zip(guess, y)]
        w = w - rate * sum(e * one for e, one in zip(error, x)) / len(x)
        b = b - rate * sum(error) / len(x)
    return w, b


def calc_grad(X, Y, theta):
    margins = Y * X.dot(theta)
    return -X.T.dot(Y / (1 + np.exp(margins))) / len(Y)


def calc_grad2(X, Y, theta):
    return calc_grad(X, Y, theta)


def get_loss(X, Y, theta):
    return np.mean(np.log(1 + np.exp(-Y * X.dot(theta))))
"""


def test_an_error_in_a_comprehension_hides_no_other_subject():
    found = check_python(f"import numpy as np\n{LISTS}", "t.py", None, [], Request())
    cases = {case.expression: case for case in found}
    assert cases["get_loss and calc_grad"].verdict == "pass"
    assert all("is not defined" not in c.problem.message for c in cases.values() if c.problem)


PENALISED = """
import numpy as np


class Lasso:
    def __init__(self, lr=0.01, lam=0.1, n=100):
        self.lr, self.lam, self.n = lr, lam, n

    def fit(self, X, y):
        self.m, self.d = X.shape
        self.W = np.zeros(self.d)
        self.b = 0
        self.X, self.Y = X, y
        for i in range(self.n):
            self.step()
        return self

    def step(self):
        guess = self.X.dot(self.W) + self.b
        dW = np.zeros(self.d)
        for j in range(self.d):
            if self.W[j] > 0:
                dW[j] = (-2 * self.X[:, j].dot(self.Y - guess) + self.lam) / self.m
            else:
                dW[j] = (-2 * self.X[:, j].dot(self.Y - guess) - self.lam) / self.m
        db = -2 * np.sum(self.Y - guess) / self.m
        self.W = self.W - self.lr * dW
        self.b = self.b - self.lr * db
"""


def test_the_gradient_of_a_penalty_that_no_loss_has_is_not_accused():
    case = _case(PENALISED)
    assert case.verdict == "error"
    assert "the gradient of a penalty" in case.problem.message
    plain = PENALISED.replace(" + self.lam)", ")").replace(" - self.lam)", ")")
    assert _case(plain).verdict == "pass"
    assert _case(plain.replace("-2 * np.sum", "2 * np.sum")).verdict == "fail"
