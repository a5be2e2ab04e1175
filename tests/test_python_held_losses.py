"""Losses that a network holds or that take its predictions, and what stands beside gradients."""

from __future__ import annotations

import pytest
from python_cases import cases

HELD = """
import numpy as np


class SquaredError:
    @staticmethod
    def fn(a, y):
        return 0.5 * np.linalg.norm(a - y) ** 2

    @staticmethod
    def delta(z, a, y):
        return (a - y) * (1 - np.tanh(z) ** 2)


class Network:
    def __init__(self, sizes, cost=SquaredError):
        self.cost = cost
        self.sizes = sizes
        self.weights = [np.random.randn(m, n) / np.sqrt(n) for n, m in zip(sizes[:-1], sizes[1:])]
        self.biases = [np.random.randn(m, 1) for m in sizes[1:]]

    def feedforward(self, a):
        for w, b in zip(self.weights, self.biases):
            a = np.tanh(np.dot(w, a) + b)
        return a

    def total_cost(self, pairs, penalty):
        cost = sum(self.cost.fn(self.feedforward(x), y) for x, y in pairs) / len(pairs)
        return cost + penalty * sum(np.linalg.norm(w) ** 2 for w in self.weights)

    def backprop(self, x, y):
        zs, activations = [], [x]
        for w, b in zip(self.weights, self.biases):
            zs.append(np.dot(w, activations[-1]) + b)
            activations.append(np.tanh(zs[-1]))
        nabla_b = [np.zeros(b.shape) for b in self.biases]
        nabla_w = [np.zeros(w.shape) for w in self.weights]
        delta = self.cost.delta(zs[-1], activations[-1], y)
        nabla_b[-1] = delta
        nabla_w[-1] = np.dot(delta, activations[-2].T)
        for k in range(2, len(self.sizes)):
            delta = np.dot(self.weights[-k + 1].T, delta) * (1 - np.tanh(zs[-k]) ** 2)
            nabla_b[-k] = delta
            nabla_w[-k] = np.dot(delta, activations[-k - 1].T)
        return nabla_b, nabla_w
"""
PREDICTED = """
import numpy as np


class Classifier:
    def __init__(self, n_features):
        self.w = np.random.randn(n_features, 1) * 0.1
        self.b = 0.2

    def forward(self, X):
        return 1 / (1 + np.exp(-(X @ self.w + self.b)))

    def compute_loss(self, y, y_pred):
        return -np.mean(y * np.log(y_pred) + (1 - y) * np.log(1 - y_pred))

    def gradients(self, X, y, y_pred):
        error = y_pred - y
        dw = X.T @ error / len(X)
        db = np.sum(error) / len(X)
        return dw, db
"""
PENALISED = """
import numpy as np


class Dense:
    def __init__(self, n_in, n_out, weight_l2=0.01):
        self.weights = np.random.randn(n_in, n_out)
        self.biases = np.zeros((1, n_out))
        self.weight_l2 = weight_l2

    def forward(self, inputs):
        self.inputs = inputs
        self.output = inputs @ self.weights + self.biases

    def backward(self, dvalues):
        self.dweights = self.inputs.T @ dvalues
        self.dbiases = dvalues.sum(axis=0, keepdims=True)
        self.dweights += 2 * self.weight_l2 * self.weights
        self.dinputs = dvalues @ self.weights.T
"""
SCORES = """
import numpy as np


class Net:
    def __init__(self, n_in, n_hidden, n_classes, lam=0.001):
        self.model = dict(
            W1=np.random.randn(n_in, n_hidden), b1=np.zeros((1, n_hidden)),
            W2=np.random.randn(n_hidden, n_classes), b2=np.zeros((1, n_classes)),
        )
        self.lam = lam

    def forward(self, X):
        hidden = np.maximum(X @ self.model["W1"] + self.model["b1"], 0)
        scores = hidden @ self.model["W2"] + self.model["b2"]
        return scores, (X, hidden)

    def backward(self, scores, y_train, cache):
        X, hidden = cache
        e = np.exp(scores - scores.max(axis=1, keepdims=True))
        grad = e / e.sum(axis=1, keepdims=True)
        grad[range(len(grad)), y_train] -= 1.0
        grad /= len(grad)
        dW2 = hidden.T @ grad
        db2 = grad.sum(axis=0, keepdims=True)
        dW2 += self.lam * self.model["W2"]
        dhidden = (grad @ self.model["W2"].T) * (hidden > 0)
        dW1 = X.T @ dhidden
        db1 = dhidden.sum(axis=0, keepdims=True)
        dW1 += self.lam * self.model["W1"]
        return dict(W1=dW1, W2=dW2, b1=db1, b2=db2)
"""
NORMED = """
import numpy as np


class Norm:
    def __init__(self, shape, eps=1e-8):
        self.gamma = np.random.uniform(0.9, 1.1, shape)
        self.beta = np.random.uniform(-0.1, 0.1, shape)
        self.eps = eps

    def forward(self, x):
        self.std = np.sqrt(x.var(axis=0) + self.eps)
        self.xhat = (x - x.mean(axis=0)) / self.std
        return self.gamma * self.xhat + self.beta

    def backward(self, dout):
        self.dbeta = dout.sum(axis=0)
        self.dgamma = (dout * self.xhat).sum(axis=0)
        centred = dout - dout.mean(axis=0) - self.xhat * (dout * self.xhat).mean(axis=0)
        return self.gamma / self.std * centred
"""
UNKNOWN = """
import numpy as np


class Process:
    def __init__(self, n):
        self.x = np.random.randn(n, 2)
        self.a, self.b = np.random.randn(), np.random.randn()

    def energy(self):
        return np.sum(np.exp(-self.x ** 2))

    def energy_grad(self):
        return np.array([np.sum(self.x), np.sum(self.x ** 2), 1.0])
"""


def names(case):
    return {name.partition(" ")[0].partition("[")[0] for name in case.inputs}


@pytest.mark.parametrize("text", [HELD, PREDICTED, PENALISED, NORMED, SCORES])
def test_the_right_one_passes(text):
    case = cases(text)[-1]
    assert case.verdict == "pass", (case.problem, case.lines)
    assert len(names(case)) > 1


@pytest.mark.parametrize(
    ("text", "right", "wrong"),
    [
        (HELD, "np.dot(self.weights[-k + 1].T, delta)", "-np.dot(self.weights[-k + 1].T, delta)"),
        (HELD, "nabla_b[-k] = delta", "nabla_b[-k] = 2 * delta"),
        (HELD, "(1 - np.tanh(zs[-k]) ** 2)", "(1 - np.tanh(zs[-k]))"),
        (PREDICTED, "X.T @ error / len(X)", "X.T @ error"),
        (PREDICTED, "np.sum(error) / len(X)", "np.sum(error)"),
        (PENALISED, "dvalues.sum(axis=0, keepdims=True)", "dvalues.mean(axis=0, keepdims=True)"),
        (PENALISED, "2 * self.weight_l2 * self.weights", "2 * self.weight_l2 * self.dweights"),
        (SCORES, 'dW1 += self.lam * self.model["W1"]', 'dW1 += self.lam * self.model["W1"] ** 2'),
        (NORMED, "(dout * self.xhat).sum(axis=0)", "(dout * self.xhat * 2).sum(axis=0)"),
        (NORMED, "self.gamma / self.std * centred", "self.gamma * centred"),
    ],
)
def test_a_mistake_is_found_on_its_line(text, right, wrong):
    line = next(n for n, row in enumerate(text.splitlines(), 1) if right in row)
    case = cases(text.replace(right, wrong))[-1]
    assert case.verdict == "fail"
    assert line in [row.line for row in case.lines if row.verdict == "fail"]


def test_the_gradient_of_a_penalty_is_no_part_of_a_layer_and_said():
    (case,) = cases(PENALISED)
    assert "with the gradient of a penalty" in " ".join(case.notes)
    (wrong,) = cases(PENALISED.replace("2 * self.weight_l2 * self.weights", "self.weights"))
    assert wrong.verdict == "fail"


@pytest.mark.parametrize(
    ("right", "wrong"),
    [("* (hidden > 0)", "* (hidden < 0)"), ("dW1 = X.T @ dhidden", "dW1 = -X.T @ dhidden")],
)
def test_a_slip_beside_penalties_is_no_pass(right, wrong):
    assert cases(SCORES.replace(right, wrong))[-1].verdict == "fail"


def test_a_gradient_of_nothing_that_is_known_accuses_no_attribute():
    (case,) = cases(UNKNOWN)
    assert case.verdict == "error"
    assert "nothing says of what" in case.problem.message
