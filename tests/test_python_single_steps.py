"""One step of a gradient descent as a function, and what its weights and rates may be."""

from __future__ import annotations

import pytest
from python_cases import accused_rows, case_of, cases

from gradcli.errors import GradcliError

LINE = """import numpy as np

def step(w, b, X, y, lr):
    e = X @ w + b - y
    w = w - lr * X.T @ e / len(y)
    b = b - lr * np.sum(e) / len(y)
    return w, b
"""
NUMBERS = """import numpy as np

def update(m, b, X, y, rate):
    p = m * X + b
    m = m - rate * np.mean((p - y) * X)
    b = b - rate * np.mean(p - y)
    return m, b
"""


@pytest.mark.parametrize("text", [LINE, NUMBERS])
def test_a_weight_that_one_number_is_taken_from_is_a_number(text):
    case = case_of(text)
    assert case.verdict == "pass", case.problem
    (told,) = [note for note in case.notes if note.startswith("inputs")]
    assert "b = " in told or "b (1,)" in told


@pytest.mark.parametrize(("right", "wrong", "at"), [
    ("X.T @ e / len(y)", "X.T @ e", "w = w - lr"), ("np.sum(e) / len(y)", "np.sum(e)", "b = b - lr"),
])  # fmt: skip
def test_a_mean_that_one_of_two_weights_has_lost_is_found(right, wrong, at):
    assert any(row.startswith(at) for row in accused_rows(LINE.replace(right, wrong)))


DIVIDED = """import numpy as np

def descend(X, y, w, b, lr=0.1, turns=50):
    m = len(y)
    costs = []
    for _ in range(turns):
        e = X @ w + b - y
        w = w - lr / m * X.T @ e
        b = b - lr / m * np.sum(e)
        cost = np.sum(e ** 2) / (2 * m)
        costs.append(cost)
    return w, b, costs
"""


def test_a_rate_may_be_divided_before_it_is_multiplied_with_a_gradient():
    case = case_of(DIVIDED)
    assert case.verdict == "pass"
    assert not any("another one" in note for note in case.notes)
    assert accused_rows(DIVIDED.replace("lr / m * np.sum(e)", "lr * np.sum(e)")) == {
        "b = b - lr * np.sum(e)"
    }


@pytest.mark.parametrize("body", [
    "Z, A = cache\n    return dA * (A > 0)", "return dA * (cache[0] > 0)",
])  # fmt: skip
def test_of_a_cache_of_several_parts_nobody_knows_what_they_are(body):
    with pytest.raises(GradcliError, match="the forward part of `relu_backward` is not in"):
        cases(f"import numpy as np\n\ndef relu_backward(dA, cache):\n    {body}\n")


KEPT = """import numpy as np

class Layer:
    def forward(self, x):
        self.x = x
        return self.f(x)
    def backward(self, g):
        return g * self.slope()
    def f(self, x):
        raise NotImplementedError()
    def slope(self):
        raise NotImplementedError()

class Cube(Layer):
    def f(self, x):
        return x ** 3
    def slope(self):
        return {slope} * self.x ** 2
"""


def test_what_a_method_reads_and_nothing_has_set_yet_is_no_internal_error():
    def verdict(slope):
        found = {case.expression: case.verdict for case in cases(KEPT.format(slope=slope))}
        return found["class Cube: forward and backward"]

    assert verdict(3) == "pass"
    assert verdict(2) == "fail"
