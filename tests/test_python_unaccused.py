"""Right programs that stand beside what is told of: old weights, other defaults, losses for show."""

from __future__ import annotations

import pytest
from python_cases import case_of, verdict, verdicts

TURN = """
import numpy as np

rng = np.random.RandomState(0)
X, y = rng.randn(7, 3), rng.randn(7, 2)
W1, W2 = rng.randn(3, 4), rng.randn(4, 2)
lr = 0.1
for step in range(10):
    h = np.tanh(X @ W1)
    d2 = h @ W2 - y
    loss = 0.5 * np.sum(d2 ** 2)
    KEPT
    CHANGE
    d1 = (d2 @ READ) * (1 - h ** 2)
    W1 = W1 - lr * (X.T @ d1)
"""
STEP = "W2 = W2 - lr * (h.T @ d2)"
IN_PLACE = "W2 -= lr * (h.T @ d2)"


def turn(kept, change, read):
    return TURN.replace("KEPT", kept).replace("CHANGE", change).replace("READ", read)


@pytest.mark.parametrize(
    ("kept", "change", "read"),
    [("old = W2", STEP, "old.T"), ("old = W2.T", STEP, "old"), ("old = W2.copy()", STEP, "old.T"),
     ("old = W2.copy()", IN_PLACE, "old.T")],
)  # fmt: skip
def test_an_old_weight_under_another_name_is_the_old_one(kept, change, read):
    assert verdict(turn(kept, change, read)) == ("pass", None)


@pytest.mark.parametrize(
    ("kept", "change", "read"),
    [("pass", STEP, "W2.T"), ("pass", IN_PLACE, "W2.T"), ("old = W2", IN_PLACE, "old.T"),
     ("old = W2.T", IN_PLACE, "old")],
)  # fmt: skip
def test_a_new_weight_in_the_place_of_the_old_one_is_told(kept, change, read):
    assert case_of(turn(kept, change, read)).verdict == "fail"


LEAKY = """
import numpy as np

def leaky_forward(x, slope=0.0):
    return np.where(x > 0, x, slope * x), x

def leaky_backward(dout, cache, negative_slope=0.0):
    return dout * np.where(cache > 0, 1, negative_slope)
"""


def test_a_default_that_the_other_part_has_under_its_own_name_stays():
    assert verdicts(LEAKY) == ["pass"]
    assert verdicts(LEAKY.replace("negative_slope)\n", "0)\n").replace(
        ", negative_slope=0.0", ""
    )) == ["fail"]  # fmt: skip


SHOWN = """
import numpy as np

rng = np.random.RandomState(0)
X, y = rng.randn(30, 3), (rng.rand(30, 1) > 0.5) * 1.0
W1, W2 = rng.randn(3, 4), rng.randn(4, 1)
for step in range(100):
    h = 1 / (1 + np.exp(-(X @ W1)))
    p = 1 / (1 + np.exp(-(h @ W2)))
    error = y - p
    d2 = error * p * (1 - p)
    d1 = (d2 @ W2.T) * h * (1 - h)
    W2 += h.T @ d2
    W1 += X.T @ d1
    loss = LOSS
"""


@pytest.mark.parametrize("loss", ["np.mean(np.abs(error))", "np.max(np.abs(error))"])
def test_a_loss_for_show_behind_the_steps_accuses_nobody(loss):
    assert case_of(SHOWN.replace("LOSS", loss)).verdict == "pass"


def test_a_penalty_in_a_loss_behind_the_steps_is_theirs():
    loss = "0.5 * np.sum(error ** 2) + 0.05 * np.sum(W2 ** 2)"
    assert case_of(SHOWN.replace("LOSS", loss)).verdict == "fail"


LOGGING = """
import numpy as np

class Quadratic:
    def __init__(self, A):
        self.A, self.log = A, []

    def cost(self, w):
        g = self.gradient(w)
        self.log.append(np.linalg.norm(g))
        return 0.5 * np.sum((self.A @ w) ** 2)

    def gradient(self, w):
        return self.A.T @ (self.A @ w)
"""


def test_a_value_that_keeps_its_own_gradient_is_no_step():
    assert verdicts(LOGGING) == ["pass"]
    assert verdicts(LOGGING.replace("return self.A.T", "return 2 * self.A.T")) == ["fail"]


NORMS = """
import numpy as np

def norm(x):
    mean, scale = x.mean(-1, keepdims=True), 1 / np.sqrt(x.var(-1, keepdims=True) + 1e-5)
    return (x - mean) * scale, scale

def norm_back(dy, xhat, scale):
    return scale * (
        dy - dy.mean(-1, keepdims=True) - xhat * (dy * xhat).mean(-1, keepdims=True)
    )
"""


def test_a_result_without_a_name_is_handed_over_at_its_place():
    assert verdicts(NORMS) == ["pass"]
    assert verdicts(NORMS.replace("- xhat", "+ xhat")) == ["fail"]


POISSON = """
import numpy as np

class Poisson:
    def __init__(self, alpha=0.1):
        self.alpha = alpha

    def objective(self, w, X, y):
        eta = X @ w
        return np.mean(np.exp(eta) - y * eta) + 0.5 * self.alpha * w @ w

    def gradient(self, w, X, y):
        return X.T @ (np.exp(X @ w) - y) / len(y) + self.alpha * w

    def hessian(self, w, X, y):
        return (X.T * np.exp(X @ w)) @ X / len(y) + self.alpha * np.eye(len(w))
"""


def test_an_object_with_an_objective_has_its_hessian_checked():
    assert verdicts(POISSON) == ["pass", "pass"]
    assert verdicts(POISSON.replace("* np.eye", "* 2 * np.eye")) == ["pass", "fail"]
    assert verdicts(POISSON, subject="Poisson") == ["pass", "pass"]


FIELD = """
import numpy as np

class Field:
    def __init__(self, n):
        self.W = np.random.randn(n, n)

    def f(self, x):
        return np.tanh(self.W @ x)

    def vjp_f(self, x, k, g):
        d = g * (1 - k ** 2)
        self.dW = np.outer(d, x)
        return self.W.T @ d
"""


def test_what_stands_beside_the_operand_and_the_upstream_gradient_is_the_output():
    assert verdicts(FIELD) == ["pass"]
    assert verdicts(FIELD.replace("(1 - k ** 2)", "(1 - k)")) == ["fail"]
