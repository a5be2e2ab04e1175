"""Mistakes that the default of a parameter hides."""

from __future__ import annotations

import pytest
from python_cases import accused_rows, case_of, taken, verdict

ELU = """
import numpy as np

class ELU:
    def __init__(self, alpha=1.0):
        self.alpha = alpha

    def forward(self, x):
        self.x = x
        return np.where(x > 0, x, self.alpha * (np.exp(x) - 1))

    def backward(self, g):
        return g * np.where(self.x > 0, 1.0, self.alpha * np.exp(self.x))
"""
LOSS = """
import numpy as np

def cross_entropy_forward(logits, y, temperature=1.0):
    z = logits / temperature
    z = z - z.max(axis=1, keepdims=True)
    p = np.exp(z) / np.exp(z).sum(axis=1, keepdims=True)
    return -np.log(p[np.arange(len(y)), y]).mean(), (p, y, temperature)

def cross_entropy_backward(cache):
    p, y, temperature = cache
    d = p.copy()
    d[np.arange(len(y)), y] -= 1
    return d / len(y) / temperature
"""
SLIDE = """
import numpy as np

# gradcli: x = randn(9)
def slide_forward(x, w, stride=1, padding=0):
    K = len(w)
    xp = np.pad(x, (padding, padding))
    n = (len(xp) - K) // stride + 1
    out = np.zeros(n)
    for t in range(n):
        out[t] = xp[t * stride:t * stride + K] @ w
    return out, (xp, w, stride, padding, len(x))

def slide_backward(dout, cache):
    xp, w, stride, padding, L = cache
    dxp, dw = np.zeros_like(xp), np.zeros_like(w)
    for t in range(len(dout)):
        dw += dout[t] * xp[t * stride:t * stride + len(w)]
        dxp[t * stride:t * stride + len(w)] += dout[t] * w
    return dxp[padding:padding + L], dw
"""


@pytest.mark.parametrize("text", [ELU, LOSS, SLIDE])
def test_what_is_right_at_other_values_too_passes(text):
    assert verdict(text)[0] == "pass"


def test_there_are_as_many_labels_as_examples():
    assert "logits (5, 7), y = [0, 2, 2, 1, 0]" in taken(LOSS)


@pytest.mark.parametrize(("text", "right", "wrong", "at"), [
    (ELU, "self.alpha * np.exp(self.x))", "np.exp(self.x))", "alpha"),
    (LOSS, " / len(y) / temperature", " / len(y)", "temperature"),
    (SLIDE, "dw += dout[t] * xp[t * stride:t * stride + len(w)]",
     "dw += dout[t] * xp[t:t + len(w)]", "stride"),
])  # fmt: skip
def test_a_default_hides_no_mistake(text, right, wrong, at):
    slip = text.replace(right, wrong)
    [row] = [line.strip() for line in slip.splitlines() if wrong in line]
    assert accused_rows(slip) == {row}
    notes = case_of(slip).notes
    assert any(note.startswith(f"right for the default of `{at}`") for note in notes)
