"""Functions called gradients that are handed an upstream gradient: products with a Jacobian."""

from __future__ import annotations

import pytest
from python_cases import cases, first_accused, verdicts

SENT = """
import numpy as np

def spread(mu, logvar, noise):
    return mu + np.exp(0.5 * logvar) * noise

def spread_grad(dz, mu, logvar, noise):
    return dz, dz * noise * 0.5 * np.exp(0.5 * logvar)

def affine(x, w):
    return x @ w

def affine_grad(dy, x, w):
    return dy @ w.T, x.T @ dy
"""


@pytest.mark.parametrize("upstream", ["dz", "dout", "g", "grad_output", "delta"])
def test_a_function_called_gradient_may_be_handed_an_upstream_gradient(upstream):
    text = SENT.replace("dz", upstream)
    assert verdicts(text) == ["pass", "pass"]
    first, last = f"({upstream}, mu, logvar, noise)", f"(mu, logvar, noise, {upstream})"
    assert verdicts(text.replace(first, last)) == ["pass", "pass"]
    assert first_accused(text.replace("noise * 0.5", "noise"), "spread") == 8


def test_an_upstream_gradient_that_is_handed_on_is_a_result_like_any_other():
    assert verdicts(SENT.replace("return dz,", "return -dz,"), subject="spread") == ["fail"]


CELL = """
import numpy as np

class Cell:
    def __init__(self, n_in, n_h):
        self.W = np.random.randn(n_h, n_in) * 0.1
        self.U = np.random.randn(n_h, n_h) * 0.1

    def step(self, x, h):
        g = np.tanh(self.W @ x + self.U @ h)
        return g, (x, h, g)

    def step_backward(self, dg, cache):
        x, h, g = cache
        da = dg * (1 - g ** 2)
        return self.W.T @ da, self.U.T @ da, {"W": np.outer(da, x), "U": np.outer(da, h)}
"""


def test_a_cache_with_a_name_like_a_gradient_makes_no_objective_of_a_forward_part():
    assert verdicts(CELL) == ["pass"]


SCALES = """
import numpy as np

def huber(r, d):
    return np.sum(np.where(np.abs(r) < d, 0.5 * r ** 2, d * (np.abs(r) - 0.5 * d)))

def huber_grad(r, delta):
    return np.where(np.abs(r) < delta, r, delta * np.sign(r))
"""


def test_a_parameter_in_the_place_of_another_is_no_upstream_gradient():
    assert verdicts(SCALES) == ["pass"]


def test_a_gradient_may_be_handed_a_cache():
    text = (
        "import numpy as np\n\ndef affine(x, w):\n    return x @ w, (x, w)\n\n"
        "def affine_grad(dy, state):\n    x, w = state\n    return dy @ w.T, x.T @ dy\n"
    )
    assert verdicts(text) == ["pass"]
    assert verdicts(text.replace("x.T @ dy", "2 * x.T @ dy")) == ["fail"]


def test_a_forward_part_that_returns_gradients_is_an_objective():
    text = (
        "import numpy as np\n\nclass Net:\n    def __init__(self, n):\n"
        "        self.W = np.random.randn(n, 1)\n\n    def forward(self, X, y):\n"
        "        r = X @ self.W - y\n        self.X = X\n"
        "        loss = np.sum(r ** 2)\n        grads = {'W': 2 * X.T @ r}\n"
        "        return loss, grads\n\n"
        "    def backward(self, dout):\n        return self.X.T @ dout\n"
    )
    found = [case.expression for case in cases(text)]
    assert "class Net: forward" in found
