"""Guesses of inputs and conventions: they accuse nobody, and they hide no mistake."""

from __future__ import annotations

import pytest
from python_cases import case_of, cases


def accused(case):
    return [line.line for line in case.lines if line.is_accused]


# ---------------------------------------------------------------- losses of every example

LOGITS = """
import numpy as np

def crossentropy(logits, answers):
    right = logits[np.arange(len(logits)), answers]
    return -right + np.log(np.sum(np.exp(logits), axis=-1))

def grad_crossentropy(logits, answers):
    ones = np.zeros_like(logits)
    ones[np.arange(len(logits)), answers] = 1
    softmax = np.exp(logits) / np.exp(logits).sum(axis=-1, keepdims=True)
    return (softmax - ones) / logits.shape[0]
"""
CRITERION = """
import numpy as np

class CrossEntropy:
    def forward(self, x, y):
        self.x, self.y = x.clip(min=1e-8), y
        return np.where(y == 1, -np.log(self.x), 0).sum(axis=1)

    def backward(self):
        return np.where(self.y == 1, -1 / self.x, 0)
"""
ROWS = """
import numpy as np

class CrossEntropyLoss:
    def forward(self, Y_predict, Y_true):
        self.Y_predict, self.Y_true = Y_predict, Y_true
        loss = 0.0
        for i in range(Y_predict.shape[0]):
            p = np.exp(Y_predict[i]) / np.sum(np.exp(Y_predict[i]))
            loss -= np.dot(Y_true[i], np.log(p))
        return loss

    def backward(self):
        dX = np.zeros_like(self.Y_predict)
        for i in range(self.Y_predict.shape[0]):
            p = np.exp(self.Y_predict[i]) / np.sum(np.exp(self.Y_predict[i]))
            dX[i] = p - self.Y_true[i]
        return dX
"""


@pytest.mark.parametrize(
    "text", [LOGITS, LOGITS.replace(" / logits.shape[0]", ""), CRITERION, ROWS]
)
def test_a_loss_of_every_example_is_summed_or_averaged(text):
    assert {case.verdict for case in cases(text)} == {"pass"}


@pytest.mark.parametrize(("text", "right", "wrong", "line"), [
    (LOGITS, "(softmax - ones)", "(softmax + ones)", 12),
    (LOGITS, "/ logits.shape[0]", "* logits.shape[0]", 12),
    (CRITERION, "-1 / self.x", "1 / self.x", 10),
    (ROWS, "p - self.Y_true[i]", "p + self.Y_true[i]", 17),
])  # fmt: skip
def test_a_mistake_in_the_gradient_of_such_a_loss_is_found(text, right, wrong, line):
    assert line in accused(case_of(text.replace(right, wrong)))


# ---------------------------------------------------------------- one unit, or several

LOGISTIC = """
import numpy as np

def propagate(w, b, X, Y):
    m = X.shape[1]
    A = 1 / (1 + np.exp(-(np.dot(w.T, X) + b)))
    cost = -np.sum(Y * np.log(A) + (1 - Y) * np.log(1 - A)) / m
    dw = np.dot(X, (A - Y).T) / m
    db = np.sum(A - Y) / m
    return {"dw": dw, "db": db}, cost
"""
HIDDEN = """
import numpy as np

def cost(W1, b1, W2, b2, X, Y):
    m = X.shape[1]
    A1 = np.tanh(W1 @ X + b1)
    A2 = 1 / (1 + np.exp(-(W2 @ A1 + b2)))
    J = -np.sum(Y * np.log(A2) + (1 - Y) * np.log(1 - A2)) / m
    dZ2 = (A2 - Y) / m
    dW2 = dZ2 @ A1.T
    db2 = np.sum(dZ2, axis=1, keepdims=True)
    dZ1 = W2.T @ dZ2 * (1 - A1 ** 2)
    dW1 = dZ1 @ X.T
    db1 = np.sum(dZ1, axis=1, keepdims=True)
    return J, dW1, db1, dW2, db2
"""


def test_a_bias_whose_gradient_is_a_number_belongs_to_one_unit():
    case = case_of(LOGISTIC)
    assert case.verdict == "pass"
    assert any(note.startswith("right for one unit only") for note in case.notes)


def test_of_several_layers_that_is_undecided_in_words():
    case = case_of(HIDDEN.replace("np.sum(dZ2, axis=1, keepdims=True)", "np.sum(dZ2)"))
    assert case.verdict == "inconclusive"
    assert "the gradient of `b2` is one number" in case.notes[-1]


def test_units_within_a_network_are_several():
    case = case_of(HIDDEN.replace("np.sum(dZ1, axis=1, keepdims=True)", "np.sum(dZ1)"))
    assert (case.verdict, accused(case)) == ("fail", [14])


# ---------------------------------------------------------------- what would hide a mistake

RIDGE = """
import numpy as np

class Ridge:
    def __init__(self, lam=0.1):
        self.lam = lam

    def objective(self, w, X, y):
        r = y - X.dot(w)
        return 0.5 * r.dot(r) + 0.5 * self.lam * w.dot(w)

    def gradient(self, w, X, y):
        G = X.T.dot(X)
        return G.dot(w) - X.T.dot(y) + self.lam * w
"""
SPRINGS = """
import numpy as np

def energy(pos, k=2.0, L=1.0):
    d = pos[1:] - pos[:-1]
    r = np.sqrt((d ** 2).sum(1))
    return 0.5 * k * ((r - L) ** 2).sum()

def forces(pos, k=2.0, L=1.0):
    d = pos[1:] - pos[:-1]
    r = np.sqrt((d ** 2).sum(1))
    f = k * ((r - L) / r)[:, None] * d
    F = np.zeros_like(pos)
    F[:-1] += f
    F[1:] -= f
    return F
"""
HUBER = """
import numpy as np

def huber(r, delta=1.0):
    a = np.abs(r)
    return np.where(a <= delta, 0.5 * r ** 2, delta * (a - 0.5 * delta)).sum()

def huber_grad(r, delta=1.0):
    return np.clip(r, -delta, delta)
"""
LAYER = """
import numpy as np

class Layer:
    def __init__(self, n, m):
        self.w = np.random.randn(n, m)
        self.b = np.zeros((1, m))

    def forward(self, x):
        self.input = x
        return x @ self.w + self.b

    def backward(self, dz, lr):
        dx = dz @ self.w.T
        self.w -= lr * self.input.T @ dz
        self.b -= lr * np.sum(dz, axis=0, keepdims=True)
        return dx
"""


LEAST_SQUARES = """
def residual_loss(x, A, b):
    r = A @ x - b
    grad = A.T @ r
    return 0.5 * r @ r, grad
"""
RETURNED = """
def residual_loss(x, A, b):
    r = np.dot(A, x) - b
    return 0.5 * np.dot(r, r), np.dot(A.T, r)
"""


@pytest.mark.parametrize(("text", "right", "wrong"), [
    (RIDGE, "- X.T.dot(y)", "- X.dot(y)"),  # right for a symmetric X only
    (LEAST_SQUARES, "A.T @ r", "A @ r"),  # the same
    (RETURNED, "np.dot(A.T, r)", "np.dot(A, r)"),
    (SPRINGS, "d = pos[1:] - pos[:-1]\n    r = np.sqrt((d ** 2).sum(1))\n    f",
     "d = pos[1:] - pos[:1]\n    r = np.sqrt((d ** 2).sum(1))\n    f"),  # right for two points only
    (HUBER, "np.clip(r, ", "np.clip(delta, "),
    (LAYER, "self.b -= lr *", "self.b -="),
])  # fmt: skip
def test_no_guess_hides_a_mistake(text, right, wrong):
    assert case_of(text).verdict == "pass"
    assert case_of(text.replace(right, wrong)).verdict == "fail"


# ---------------------------------------------------------------- parts of a whole

NETWORK = """
import numpy as np

class Linear:
    def __init__(self, i, o):
        self.W = np.random.randn(i, o)
        self.b = np.zeros(o)

    def forward(self, x):
        self.x = x
        return x @ self.W + self.b

    def backward(self, g):
        self.dW = self.x.T @ g
        self.db = g.sum(0)
        return g @ self.W.T

class Tanh:
    def forward(self, x):
        self.y = np.tanh(x)
        return self.y

    def backward(self, g):
        return g

class Net:
    def __init__(self):
        self.layers = [Linear(3, 5), Tanh(), Linear(5, 2)]

    def forward(self, x):
        for layer in self.layers:
            x = layer.forward(x)
        return x

    def backward(self, g):
        for layer in self.layers[::-1]:
            g = layer.backward(g)
        return g
"""
STATISTICS = """
import numpy as np

def stats_forward(x):
    m = x.mean(0)
    v = ((x - m) ** 2).mean(0)
    return m, v, x

def stats_backward(dm, dv, cache):
    x = cache
    n = x.shape[0]
    return dm / n + dv * 2 * (x - x.mean(0)) / n
"""


def test_a_network_is_wrong_where_a_layer_of_it_is():
    assert [(case.verdict, accused(case)) for case in cases(NETWORK)] == [
        ("pass", []), ("fail", [24]), ("fail", [24]),
    ]  # fmt: skip


def test_the_last_of_more_results_than_gradients_is_the_cache():
    assert case_of(STATISTICS).verdict == "pass"
