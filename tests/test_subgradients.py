"""Gradients of many inputs at one kink: legal together or not, against what is known of the sets.

The set of a largest number is the simplex of its gradients, of a norm the unit ball, of a sum the
sum of the sets (Clarke, Optimization and Nonsmooth Analysis, 2.3); whether a gradient is in a
polytope a linear program of scipy says.
"""

from __future__ import annotations

import math
from random import Random

import pytest

import gradcli as package
from gradcli.checker import jointly

N = 40
ALTERNATING = [(-1.0) ** k for k in range(N)]


def verdict(text, claims, point=None):
    at = point or {name: [0.0] * len(claim) for name, claim in claims.items()}
    return package.check(text, at, claims=claims).verdict


# (function, the size of the largest legal multiple of a vector, that vector)
GAUGES = [
    ("norm(x)", 1 / math.sqrt(N), [1.0] * N),
    ("norm(x)", 1 / math.sqrt(N), ALTERNATING),
    ("sqrt(sum(x**2))", 1 / math.sqrt(N), [1.0] * N),
    ("sqrt(x @ x)*3", 3 / math.sqrt(N), ALTERNATING),
    ("acos(1 - sum(x**2))", math.sqrt(2 / N), [1.0] * N),
    ("sqrt(1 - cos(sum(x)))", math.sqrt(0.5), [1.0] * N),
    ("sum(abs(x)) + norm(x)", 1 + 1 / math.sqrt(N), [1.0] * N),
    ("max(abs(x))", 1 / N, ALTERNATING),
    ("max(x) - min(x)", 2 / N, ALTERNATING),
    ("abs(sum(x))", 1.0, [1.0] * N),
    ("where(sum(x) > 0, sum(x), -3*sum(x))", 1.0, [1.0] * N),
    ("-1e-200*norm(x)", 1e-200 / math.sqrt(N), ALTERNATING),
    ("leaky_relu(sum(x), 0.25)", 1.0, [1.0] * N),
]


@pytest.mark.parametrize(("text", "most", "vector"), GAUGES)
def test_claims_are_legal_up_to_the_border_of_the_set(text, most, vector):
    for part, word in (((1 - 1e-4), "kink"), (1 + 1e-4, "fail")):
        assert verdict(text, {"x": [part * most * v for v in vector]}) == word, part


OUTSIDE = [
    ("max(x)", [0.9] * N),
    ("max(x)", [0.0] * N),
    ("max(x)", [1 / (N + 1)] * N),
    ("abs(sum(x))", ALTERNATING),
    ("abs(sum(x))", [0.5] * (N - 1) + [0.501]),
    ("std(x)", [1 / (2 * N)] * N),
    ("max(exp(x))", [2 / N] * N),
    ("norm(x)", [0.99, 0.2, *([0.0] * (N - 2))]),
]


@pytest.mark.parametrize(("text", "claim"), OUTSIDE)
def test_what_is_legal_one_by_one_only_fails(text, claim):
    case = package.check(text, {"x": [0.0] * N}, claims={"x": claim}).cases[0]
    assert case.verdict == "fail"
    assert all("no subgradient" in answer.reason for answer in case.inputs.values())


def test_kinks_that_open_upwards_and_downwards_have_boxes_of_their_own():
    text = "sum(abs(x)) - sum(abs(y)) + sum(relu(z)) - max(u)"
    claims = {"x": [1.0] * 5, "y": [-1.0] * 5, "z": [0.5] * 5, "u": [-0.2] * 5}
    assert verdict(text, claims) == "kink"
    assert verdict(text, {**claims, "u": [-0.3] * 5}) == "fail"


def test_a_hidden_layer_that_begins_with_zeros_may_have_any_slope_of_each_unit():
    text, point = "sum(u*relu(W @ x))", {"W": [[0.0] * 4] * 3, "x": [1, 2, 3, 4], "u": [1, -1, 2]}
    claims = {"W": [[1, 2, 3, 4], [-0.5, -1, -1.5, -2], [0, 0, 0, 0]]}
    assert verdict(text, claims, point) == "kink"
    claims["W"][0][3] = 0  # every part of it alone is a slope of that unit
    assert verdict(text, claims, point) == "fail"


def test_only_some_inputs_may_be_claimed():
    text, point = "3*norm(x - y) + x[0]", {"x": [1, 2, 3, 4], "y": [1, 2, 3, 4]}
    assert verdict(text, {"x": [2, 2, 2, 0]}, point) == "kink"
    assert verdict(text, {"x": [2, 2, 2, 1.5]}, point) == "fail"
    assert verdict(text, {"x": [2, 0, 0, 0], "y": [-1, 0, 0, 0]}, point) == "kink"
    assert verdict(text, {"x": [2, 0, 0, 0], "y": [2, 0, 0, 0]}, point) == "fail"


def test_a_few_inputs_are_tested_along_the_directions_that_matter():
    assert verdict("norm(x)", {"x": [0.99, 0.2, 0]}) == "fail"
    assert verdict("norm(x)", {"x": [0.97, 0.2, 0]}) == "kink"


def test_a_mean_of_gradients_near_by_is_legal_where_no_corner_shows_it():
    """Of a difference of norms no sample of points has all slopes; the claim was made of some."""
    text = "hypot(p + r + s + t, q + 2*r + 2*s) - hypot(p - 2*s + 3*t, 3*p + 2*r + s + 3*t)"
    claims = {"p": 1.2587030261807712, "q": -0.8904846894055995, "t": 0.00684801519124991}
    assert verdict(text, claims, dict.fromkeys("pqrst", 0.0)) == "kink"


def test_digits_written_say_nothing_of_what_fails_together(gradcli):
    claims = ("--claim", "x=1", "--claim", "y=1")
    for option in ((), ("--digits-written",)):
        found = gradcli("check", "max(x, y)", "x=1", "y=1", *claims, *option)
        assert found.code == 1
        assert "no subgradient" in found.out


@pytest.mark.parametrize("seed", range(25))
def test_polytopes_are_those_of_a_linear_program(seed, monkeypatch):
    scipy = pytest.importorskip("scipy.optimize")
    monkeypatch.setattr(jointly, "_beyond", lambda *_: None)  # no points near by
    rng = Random(seed)
    n, rows, folds = rng.randint(4, 9), rng.randint(2, 7), rng.randint(0, 4)
    a, b = ([[rng.randint(-3, 3) for _ in range(n)] for _ in range(m)] for m in (rows, folds + 1))
    text = "max(A @ x) + sum(abs(B @ x))"
    weights = [rng.random() for _ in range(rows)]
    total = sum(weights)
    claim = [
        sum(w / total * row[k] for w, row in zip(weights, a, strict=True))
        + sum(rng.choice((0.9, 0.2)) * row[k] for row in b)
        for k in range(n)
    ]
    claim = [g + rng.choice((0.0, 0.0, 0.0, 0.02)) for g in claim]
    # claim = A^T w + B^T t with w in the simplex, t between -1 and 1
    columns = [[*[row[k] for row in a], *[row[k] for row in b]] for k in range(n)]
    equations = [*columns, [1.0] * rows + [0.0] * len(b)]
    ranges = [(0, 1)] * rows + [(-1, 1)] * len(b)
    size = rows + len(b)
    program = scipy.linprog([0] * size, A_eq=equations, b_eq=[*claim, 1.0], bounds=ranges)
    word = "kink" if program.status == 0 else "fail"
    assert program.status in (0, 2)
    point = {"x": [0.0] * n, "A": a, "B": b}
    answers = package.check(text, point, claims={"x": claim}).cases[0].inputs
    alone = {check.verdict for name, check in answers.items() if name.startswith("x")}
    if alone != {"pass"} and word == "kink":
        assert "fail" not in alone
    if word == "fail":
        assert "fail" in alone
