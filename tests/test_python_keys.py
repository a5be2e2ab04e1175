"""Dictionaries whose keys have the number of a layer: what is in them has to be inferred."""

from __future__ import annotations

import pytest
from python_cases import case_of

FORWARD = """
import numpy as np

def net_forward(X, params):
    A, caches, L = X, [], len(params) // 2
    for l in range({first}, L + {first}):
        Z = np.dot(params[{W}], A) + params[{b}]
        caches.append((A, Z))
        A = np.tanh(Z) if l < L + {first} - 1 else Z
    return A, caches

def net_cost(A, Y):
    return np.sum((A - Y) ** 2) / (2 * Y.shape[1])

def net_backward(A, Y, params, caches):
    grads, L, m = {{}}, len(params) // 2, Y.shape[1]
    dZ = A - Y
    for l in range(L + {first} - 1, {first} - 1, -1):
        A_prev, Z = caches[l - {first}]
        grads["d" + {W}] = np.dot(dZ, A_prev.T) / m
        grads["d" + {b}] = np.sum(dZ, axis=1, keepdims=True) / m
        if l > {first}:
            dA = np.dot(params[{W}].T, dZ)
            dZ = dA * (1 - np.tanh(caches[l - {first} - 1][1]) ** 2)
    return grads
"""
SPELLINGS = {
    "str": ('"W" + str(l)', '"b" + str(l)'),
    "f-string": ('f"W{l}"', 'f"b{l}"'),
    "percent": ('"W%d" % l', '"b%d" % l'),
    "format": ('"W{}".format(l)', '"b{}".format(l)'),
}


def checked(spelling, first):
    weight, bias = SPELLINGS[spelling]
    return FORWARD.format(W=weight, b=bias, first=first)


@pytest.mark.parametrize("first", [1, 0])
@pytest.mark.parametrize("spelling", SPELLINGS)
def test_keys_with_numbers_are_inferred(spelling, first):
    case = case_of(checked(spelling, first))
    assert case.verdict == "pass", case.problem
    assert any("'W1'" in note and "'b1'" in note for note in case.notes)


@pytest.mark.parametrize(
    ("right", "wrong"),
    [("A_prev.T) / m", "A_prev.T)"), (".T, dZ)", ".T, dZ) / m"), ("1 - np.tanh", "1 + np.tanh")],
)
def test_a_mistake_beside_them_is_found_on_its_line(right, wrong):
    text = checked("str", 1)
    assert text.count(right) == 1
    case = case_of(text.replace(right, wrong))
    assert case.verdict == "fail"
    accused = {line.line for line in case.lines if line.local and line.verdict == "fail"}
    assert text.split(right)[0].count("\n") + 1 in accused
