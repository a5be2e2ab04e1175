"""Functions called gradients that are handed an upstream gradient: products with a Jacobian."""

from __future__ import annotations

import pytest
from python_cases import first_accused, verdicts

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
