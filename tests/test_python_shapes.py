"""Shapes and sizes that a file leaves open, and lines that do not fit."""

from __future__ import annotations

import re

import pytest
from python_cases import case_of, first_accused, taken, verdict

from gradcli.python.reading import PythonFile
from gradcli.requests import Request


def accused(case):
    return [line.line for line in case.lines if line.is_accused]


# ---------------------------------------------------------------- shapes that do not fit

BILINEAR = """
import numpy as np

def bilinear_forward(x, A, y):
    return np.sum((x @ A) * y, axis=1), (x, A, y)

def bilinear_backward(dout, cache):
    x, A, y = cache
    g = dout[:, None]
    dy = g * (x @ A)
    dA = x.T @ (g * y)
    return (g * y) @ A.T, dA, dy
"""
RESIDUAL = """
import numpy as np

def resblock_forward(x, W1, W2):
    h = np.maximum(x @ W1, 0)
    return x + h @ W2, (x, W1, W2, h)

def resblock_backward(dy, cache):
    x, W1, W2, h = cache
    dW2 = h.T @ dy
    dh = dy @ W2.T * (h > 0)
    return dy + dh @ W1.T, x.T @ dh, dW2
"""
NORM = """
import numpy as np

def bn_forward(x, gamma, beta, eps=1e-5):
    xhat = (x - x.mean(axis=0)) / np.sqrt(x.var(axis=0) + eps)
    return gamma * xhat + beta, (xhat, 1 / np.sqrt(x.var(axis=0) + eps), gamma)

def bn_backward(dout, cache):
    xhat, inv, gamma = cache
    N = dout.shape[0]
    dbeta = dout.sum(axis=0)
    dgamma = (dout * xhat).sum(axis=0)
    dx = gamma * inv / N * (N * dout - dbeta - xhat * dgamma)
    return dx, dgamma, dbeta
"""


@pytest.mark.parametrize(("text", "right", "wrong", "line"), [
    (BILINEAR, "x.T @ (g", "x @ (g", 11),
    (RESIDUAL, "h.T @ dy", "h.T @ W1", 10),
    (NORM, " * (N * dout - dbeta - xhat * dgamma)", "", 13),
])  # fmt: skip
def test_what_does_not_fit_is_told_where_it_stands(text, right, wrong, line):
    assert case_of(text).verdict == "pass"
    case = case_of(text.replace(right, wrong))
    assert (case.verdict, accused(case)) == ("fail", [line])


# ---------------------------------------------------------------- sizes

WIDE = """
import numpy as np

class TwoLayerNet:
    def __init__(self, input_dim=3 * 32 * 32, hidden_dim=100, num_classes=10, fixed=0):
        self.W1 = 0.1 * np.random.randn(input_dim, hidden_dim)
        self.W2 = 0.1 * np.random.randn(hidden_dim, num_classes)

    def loss(self, X, Y):
        h = np.tanh(X.reshape(len(X), -1) @ self.W1)
        e = h @ self.W2 - Y
        de = 2 * e
        self.dW2 = h.T @ de
        self.dW1 = X.reshape(len(X), -1).T @ (de @ self.W2.T * (1 - h ** 2))
        return np.sum(e ** 2), {"W1": self.dW1, "W2": self.dW2}
"""


def sizes_of(text):
    file = PythonFile(text, "file.py")
    program = file.program(file.subjects[0], [], Request(), {})
    return [*program.graph.shape(program.inputs["W1"])]


def test_units_that_a_default_says_are_as_few_as_do():
    assert max(sizes_of(WIDE)) < 100
    assert case_of(WIDE).verdict == "pass"


def test_units_that_the_code_needs_are_those_of_the_default():
    needed = WIDE.replace("e = h @ self.W2", "e = (h * np.linspace(0.5, 1, 100)) @ self.W2")
    assert sizes_of(needed)[1] == 100


# ---------------------------------------------------------------- factors, and lists of numbers

FIT = """
import numpy as np

class LinearRegression:
    def __init__(self, lr=0.01, n_iters=1000):
        self.lr, self.n_iters = lr, n_iters

    def fit(self, X, y):
        n, d = X.shape
        self.w = np.zeros(d)
        self.b = 0.0
        for _ in range(self.n_iters):
            p = X @ self.w + self.b
            dw = X.T @ (p - y) / X.shape[0]
            db = np.sum(p - y) / X.shape[0]
            self.w -= self.lr * dw
            self.b -= self.lr * db
"""
TRAIN = """
import numpy as np

def loss(p, y):
    return np.mean((p - y) ** 2)

def train(X, y, lr=0.1, steps=20):
    w = np.zeros(X.shape[1])
    for step in range(steps):
        p = X @ w
        L = loss(p, y)
        grad = 2 * X.T @ (p - y) / X.shape[0]
        w = w - lr * grad
    return w
"""
POLYNOMIAL = """
def poly_loss(w, x, y):
    total = 0.0
    for i in range(len(x)):
        total += (w[0] + w[1] * x[i] + w[2] * x[i] ** 2 - y[i]) ** 2
    return total / len(x)

def poly_loss_grad(w, x, y):
    dw = [0.0] * 3
    for i in range(len(x)):
        e = 2 * (w[0] + w[1] * x[i] + w[2] * x[i] ** 2 - y[i]) / len(x)
        dw[0] += e
        dw[1] += e * x[i]
        dw[2] += e * x[i] ** 2
    return dw
"""


@pytest.mark.parametrize(("text", "verdict"), [(FIT, "inconclusive"), (TRAIN, "fail")])
def test_no_rate_is_a_number_of_features(text, verdict):
    assert case_of(text).verdict == "pass"
    assert case_of(text.replace("/ X.shape[0]", "/ X.shape[1]")).verdict == verdict


def test_a_list_of_numbers_is_the_gradient_of_a_vector():
    assert case_of(POLYNOMIAL).verdict == "pass"
    case = case_of(POLYNOMIAL.replace("dw[1] += e * x[i]\n", "dw[1] -= e * x[i]\n"))
    assert (case.verdict, accused(case)) == ("fail", [13])


IMAGES_IN_ROWS = """
import numpy as np

class Net:
    def __init__(self, hidden=100, classes=10):
        self.W1 = np.random.randn(192, hidden) * 0.1
        self.W2 = np.random.randn(hidden, classes) * 0.1

    def loss(self, X, y):
        X = X.reshape(len(X), 3, 8, 8)
        F = X.reshape(X.shape[0], -1)
        h = np.tanh(F @ self.W1)
        s = h @ self.W2
        p = np.exp(s) / np.exp(s).sum(axis=1, keepdims=True)
        n = len(y)
        loss = -np.log(p[np.arange(n), y]).mean()
        ds = p.copy()
        ds[np.arange(n), y] -= 1
        ds /= n
        grads = {"W2": h.T @ ds}
        grads["W1"] = F.T @ (ds @ self.W2.T * (1 - h ** 2))
        return loss, grads
"""


def test_rows_are_as_long_as_the_images_they_are_taken_apart_to():
    case = case_of(IMAGES_IN_ROWS)
    assert case.verdict == "pass", case.problem
    assert case_of(IMAGES_IN_ROWS.replace("1 - h ** 2", "1 - h")).verdict == "fail"


BARRIER = """
import numpy as np

def objective(x, A, b, mu):
    r = A @ x - b
    return 0.5 * r @ r - mu * np.sum(np.log(x))

def objective_grad(x, A, b, mu):
    return A.T @ (A @ x - b) - mu / x
"""

MEAN = """
import numpy as np

def energy(mu, P, x):
    d = x - mu
    return 0.5 * d @ (P @ d)

def energy_grad(mu, P, x):
    return -0.5 * (P + P.T) @ (x - mu)
"""


def test_unknowns_of_equations_are_vectors_and_factors_are_numbers():
    case = case_of(BARRIER)
    assert case.verdict == "pass", case.problem
    assert case_of(BARRIER.replace("- mu / x", "+ mu / x")).verdict == "fail"


def test_a_mean_is_a_vector():
    case = case_of(MEAN)
    assert case.verdict == "pass", case.problem
    assert case_of(MEAN.replace("-0.5 *", "-1.0 *")).verdict == "fail"


COLUMN = """
import numpy as np

def hypothesis(theta, X):
    return np.dot(X, theta)

def cost(theta, X, y):
    m = X.shape[0]
    h = hypothesis(theta, X).reshape((m, 1))
    return float(np.dot((h - y).T, h - y)) / (2 * m) + float(theta[1:].T.dot(theta[1:])) / m

def cost_grad(theta, X, y):
    theta = theta.reshape((theta.shape[0], 1))
    penalty = 2 * theta
    penalty[0] = 0
    return (X.T.dot(hypothesis(theta, X) - y) + penalty) / X.shape[0]
"""


def test_what_is_reshaped_to_a_column_has_an_axis_of_one_element():
    assert re.search(r"theta \(\d, 1\), X \(\d+, \d\), y \(\d+, 1\)", taken(COLUMN))
    assert first_accused(COLUMN.replace("2 * theta", "3 * theta")) == 14


GONE_THROUGH = """
def sum_of_squares(v):
    return sum(v_i ** 2 for v_i in v)

def sum_of_squares_gradient(v):
    return [2 * v_i for v_i in v]
"""


@pytest.mark.parametrize("call", ["", "print(sum_of_squares([2, 5, -10]))\n"])
def test_a_list_of_numbers_is_the_gradient_of_what_is_gone_through(call):
    text = GONE_THROUGH + call
    assert verdict(text) == ("pass", None)
    assert first_accused(text.replace("2 * v_i", "3 * v_i")) == 6


def test_what_a_whole_number_is_drawn_up_to_is_one():
    text = """
import random
import numpy as np

def model(w, x, C):
    k = random.randint(1, C)
    loss = np.sum((x @ w) ** 2) * k
    dw = 2 * k * (x.T @ (x @ w))
    return loss, dw
"""
    assert verdict(text) == ("pass", None)
