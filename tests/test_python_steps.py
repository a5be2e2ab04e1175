"""What a step changes a weight by claims its gradient."""

from __future__ import annotations

import pytest
from python_cases import case_of

# ---------------------------------------------------------------- steps of weights

DENSE = """
import numpy as np

class Dense:
    def __init__(self, n, m):
        self.W = np.random.randn(n, m)
        self.b = np.random.randn(1, m)

    def forward(self, x):
        self.x = x
        return x @ self.W + self.b

    def backward(self, grad, learning_rate):
        dx = grad @ self.W.T
        weight_change = self.x.T @ grad
        self.W -= learning_rate * weight_change
        self.b -= learning_rate * np.sum(grad, axis=0, keepdims=True)
        return dx
"""


@pytest.mark.parametrize("step", [
    "self.W -= learning_rate * weight_change",
    "self.W = self.W - weight_change * learning_rate",
    "self.W += -learning_rate * weight_change",
    "self.W -= 0.01 * weight_change",
    "self.W -= learning_rate * (weight_change + 0.1 * self.W)",
])  # fmt: skip
def test_the_step_of_a_weight_is_a_claim_on_its_gradient(step):
    text = DENSE.replace("self.W -= learning_rate * weight_change", step)
    case = case_of(text)
    assert case.verdict == "pass"
    assert any("the step of self.W of W" in note for note in case.notes)


@pytest.mark.parametrize(("right", "wrong", "line"), [
    ("self.W -= learning", "self.W += learning", 16),
    ("weight_change = self.x.T", "weight_change = 2 * self.x.T", 15),
    ("np.sum(grad, axis=0", "np.mean(grad, axis=0", 17),
    ("* weight_change", "* weight_change * weight_change", 16),
])  # fmt: skip
def test_a_wrong_step_fails_at_its_line(right, wrong, line):
    case = case_of(DENSE.replace(right, wrong))
    assert case.verdict == "fail"
    assert [found.line for found in case.lines if found.is_accused] == [line]


OPTIMISER = """
import numpy as np

class Momentum:
    def __init__(self, lr=0.05, momentum=0.9):
        self.lr, self.momentum, self.v = lr, momentum, None

    def update(self, w, grad):
        if self.v is None:
            self.v = np.zeros_like(w)
        self.v = self.momentum * self.v + (1 - self.momentum) * grad
        return w - self.lr * self.v

class Layer:
    def __init__(self, n, m):
        self.W = np.random.randn(n, m)
        self.w0 = np.random.randn(1, m)
        self.first, self.second = Momentum(), Momentum()

    def forward(self, X):
        self.X = X
        return X.dot(self.W) + self.w0

    def backward(self, grad):
        W = self.W
        one = self.X.T.dot(grad)
        other = np.sum(grad, axis=0, keepdims=True)
        self.W = self.first.update(self.W, one)
        self.w0 = self.second.update(self.w0, other)
        return grad.dot(W.T)
"""


def test_steps_of_an_optimiser_are_claims_up_to_one_factor():
    case = case_of(OPTIMISER)
    assert case.verdict == "pass"
    assert "W, w0: the steps are 0.1 times the gradients, as a rate would be" in case.notes


@pytest.mark.parametrize(("right", "wrong"), [
    ("np.sum(grad", "np.mean(grad"),
    ("self.X.T.dot(grad)", "-self.X.T.dot(grad)"),
    ("self.X.T.dot(grad)", "self.X.T.dot(np.abs(grad))"),
    ("w - self.lr", "w + self.lr"),
])  # fmt: skip
def test_an_optimiser_hides_no_mistake(right, wrong):
    assert case_of(OPTIMISER.replace(right, wrong)).verdict == "fail"


ADAM = """
import numpy as np

class Model:
    def __init__(self, n):
        self.w, self.b = np.random.randn(n), 0.0
        self.m, self.v = np.zeros(n), np.zeros(n)

    def adam(self, dw, lr):
        self.m = 0.9 * self.m + 0.1 * dw
        self.v = 0.99 * self.v + 0.01 * {square}
        self.w -= lr * self.m / (np.sqrt(self.v) + 1e-8)

    def fit(self, X, y, epochs=100, lr=0.01):
        for _ in range(epochs):
            err = X @ self.w + self.b - y
            self.adam(2 * X.T @ err / len(y), lr)
            self.b -= lr * 2 * {db}
        return self
"""


@pytest.mark.parametrize("square", ["dw ** 2", "dw * dw", "np.square(dw)"])
def test_a_step_of_adam_is_no_gradient(square):
    case = case_of(ADAM.format(square=square, db="err.mean()"))
    assert case.verdict == "pass", case.lines
    assert case.inputs.keys() == {"b"}
