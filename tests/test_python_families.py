"""Classes that leave a part of their work to the classes made from them."""

from __future__ import annotations

import pytest
from python_cases import cases, verdict

FIT = """import numpy as np

class Base:
    def __init__(self, rate=0.1, turns=10):
        self.rate, self.turns = rate, turns

    def fit(self, X, y):
        self.w, self.b = np.zeros(X.shape[1]), 0.0
        for _ in range(self.turns):
            p = self.shown(X)
            error = p - y
            loss = self.loss(p, y)
            self.w -= self.rate * X.T @ error / len(y)
            self.b -= self.rate * error.mean()

    def shown(self, X):
        raise NotImplementedError

    def loss(self, p, y):
        raise NotImplementedError

class Linear(Base):
    def shown(self, X):
        return X @ self.w + self.b

    def loss(self, p, y):
        return 0.5 * np.mean((p - y) ** 2)

class Logistic(Base):
    def shown(self, X):
        return 1 / (1 + np.exp(-(X @ self.w + self.b)))

    def loss(self, p, y):
        return -np.mean(y * np.log(p) + (1 - y) * np.log(1 - p))
"""


def test_a_training_is_that_of_each_class_which_has_what_it_leaves_open():
    found = {case.expression: case.verdict for case in cases(FIT)}
    assert found == {"class Linear: fit": "pass", "class Logistic: fit": "pass"}


@pytest.mark.parametrize(("right", "wrong", "failing"), [
    ("error.mean()", "error.sum()", ["Linear", "Logistic"]),
    ("return X @ self.w + self.b", "return X @ self.w - self.b", ["Linear"]),
])  # fmt: skip
def test_a_slip_is_found_in_every_class_that_it_is_wrong_for(right, wrong, failing):
    found = [case.expression for case in cases(FIT.replace(right, wrong)) if case.verdict == "fail"]
    assert found == [f"class {name}: fit" for name in failing]


def test_what_is_wrong_in_one_class_is_no_cause_of_what_is_wrong_in_another():
    text = FIT.replace("return X @ self.w + self.b", "return X @ self.w - self.b")
    text = text.replace("-(X @ self.w + self.b)", "-(X**2 @ self.w + self.b)")
    rows = text.splitlines()
    accused = [
        [rows[line.line - 1].split()[0] for line in case.lines if line.is_accused]
        for case in cases(text)
    ]
    assert accused == [["self.b"], ["self.w"]]


NETWORK = """import numpy as np

def one_hot(y, classes):
    out = np.zeros((y.shape[0], classes))
    for i, k in enumerate(y):
        out[i, k] = 1
    return out

def mean_loss(targets, shares, classes=3):
    return np.sum((one_hot(targets, classes) - shares) ** 2) / len(targets)

class Network:
    def __init__(self, inputs, hidden):
        self.W1, self.b1 = np.random.randn(hidden, inputs), np.zeros(hidden)
        self.W2, self.b2 = np.random.randn(3, hidden), np.zeros(3)

    def forward(self, x):
        h = 1 / (1 + np.exp(-(x @ self.W1.T + self.b1)))
        return h, 1 / (1 + np.exp(-(h @ self.W2.T + self.b2)))

    def backward(self, x, h, out, y):
        d_out = 2 * (out - one_hot(y, 3)) / y.shape[0] * out * (1 - out)
        d_hidden = d_out @ self.W2 * h * (1 - h)
        return d_hidden.T @ x, d_hidden.sum(axis=0), d_out.T @ h, d_out.sum(axis=0)
"""


def test_a_loss_is_handed_the_targets_by_their_kind_and_the_last_output():
    assert verdict(NETWORK) == ("pass", None)


def test_labels_that_a_loop_takes_one_by_one_have_one_axis():
    [case] = cases(NETWORK)
    assert any("y = [" in note and "[[" not in note for note in case.notes)
