"""Many steps in one pass over whole arrays: rows are what single runs are, and steps that are too
long are told in rows as one by one."""

import numpy as np
import pytest

import gradcli
from gradcli.arithmetic.arrays import ARRAYS
from gradcli.checker import sheet
from gradcli.checker.cone import Cone
from gradcli.checker.reach import Reach
from gradcli.checker.rows import Rows
from gradcli.checker.surroundings import Surroundings
from gradcli.engine import Machine
from gradcli.evaluation.numbers import value_bounds
from gradcli.evaluation.point import as_numbers, at, inputs_of
from gradcli.gates.shapes import MOST_AXES
from gradcli.program.reader import read
from gradcli.requests import Request
from gradcli.transform.in_rows import RULES, InRows

SIZES = "x = randn(3, 4)\ny = randn(4)\nz = randn()\n"


def log_of_sum(x, axis):
    return np.log(np.sum(np.exp(x), axis=axis))


def softmax(x, axis):
    return np.exp(x) / np.sum(np.exp(x), axis=axis, keepdims=True)


# What is written in the language, and in numpy.
FORMULAS = {
    "sum(x, axis=0) * y": lambda x, y, z: np.sum(x, 0) * y,
    "mean(x, axis=1)": lambda x, y, z: np.mean(x, 1),
    "var(x, axis=0, keepdims=True) + y": lambda x, y, z: np.var(x, 0, keepdims=True) + y,
    "prod(x, axis=1) / 4": lambda x, y, z: np.prod(x, 1) / 4,
    "max(x, axis=0) - z": lambda x, y, z: np.max(x, 0) - z,
    "min(x) * y": lambda x, y, z: np.min(x) * y,
    "norm(x, axis=1)": lambda x, y, z: np.linalg.norm(x, axis=1),
    "logsumexp(x, axis=1)": lambda x, y, z: log_of_sum(x, 1),
    "cumsum(x, axis=0) * z": lambda x, y, z: np.cumsum(x, 0) * z,
    "softmax(x, axis=0) + y": lambda x, y, z: softmax(x, 0) + y,
    "log_softmax(x, axis=1)": lambda x, y, z: np.log(softmax(x, 1)),
    "x.T * z": lambda x, y, z: x.T * z,
    "reshape(x, 2, 6)": lambda x, y, z: x.reshape(2, 6),
    "x[1, 1:3] * z": lambda x, y, z: x[1, 1:3] * z,
    "x[-1]": lambda x, y, z: x[-1],
    "concatenate([x, reshape(y, 1, 4)], axis=0)": lambda x, y, z: np.vstack([x, y]),
    "concatenate([y, ones(2)], axis=0)": lambda x, y, z: np.append(y, [1.0, 1.0]),
    "[y, x[0], ones(4)]": lambda x, y, z: np.stack([y, x[0], np.ones(4)]),
    "[z, x[0, 0], 2]": lambda x, y, z: np.array([z, x[0, 0], 2.0]),
    "x @ y": lambda x, y, z: x @ y,
    "y @ x.T": lambda x, y, z: y @ x.T,
    "y @ y + z": lambda x, y, z: y @ y + z,
    "x @ ones(4, 2)": lambda x, y, z: x @ np.ones((4, 2)),
    "ones(2, 3) @ x": lambda x, y, z: np.ones((2, 3)) @ x,
    "x @ x.T": lambda x, y, z: x @ x.T,
    "reshape(x, 3, 2, 2) @ x[0:2, 0:2]": lambda x, y, z: x.reshape(3, 2, 2) @ x[:2, :2],
    "z**2 + x**2 + y**3": lambda x, y, z: z**2 + x**2 + y**3,
    "where(x > y, x, z)": lambda x, y, z: np.where(x > y, x, z),
    "maximum(x, z) * sin(y)": lambda x, y, z: np.maximum(x, z) * np.sin(y),
    "zeros_like(x) + y": lambda x, y, z: np.zeros((3, 4)) + y,
    "relu(x @ y) / (1 + z * z)": lambda x, y, z: np.maximum(x @ y, 0) / (1 + z * z),
}  # fmt: skip
# Gates whose rows are not written by a formula of their own: they spread, or stand for others.
IMPLIED = {"fill", "amax", "amin", "lse", "transpose", "index", "list", "matmul"}


@pytest.mark.parametrize("formula", FORMULAS)
def test_every_row_is_a_run_of_its_own(formula):
    program = read(f"{SIZES}f = sum({formula})")
    rows, rng = 5, np.random.default_rng(7)
    written = InRows(program.graph, program.output, [*program.inputs.values()], rows)
    points = {"x": rng.normal(size=(rows, 3, 4)), "y": rng.normal(size=(rows, 4)),
              "z": rng.normal(size=rows)}  # fmt: skip
    inputs = [points[name] for name in written.graph.inputs]
    found = Machine(written.graph, ARRAYS).run(inputs).values[written.nodes[program.output]]
    for k, value in enumerate(np.broadcast_to(found, (rows,))):
        expected = np.sum(FORMULAS[formula](*[points[name][k] for name in "xyz"]))
        assert value == pytest.approx(expected, rel=1e-13, abs=1e-14)


def test_every_rule_has_a_formula():
    text = " ".join(FORMULAS)
    assert [name for name in RULES if name not in IMPLIED and f"{name}(" not in text] == []


def test_what_does_not_differ_has_no_rows():
    program = read("x = randn(3)\nA = randn(3, 3)\nf = sum((A @ A) @ x)")
    written = InRows(program.graph, program.output, [program.inputs["x"]], 7)
    shapes = [written.graph.shape(written.nodes[program.inputs[name]]) for name in ("x", "A")]
    assert shapes == [(7, 3), (3, 3)]


def test_a_gate_without_a_rule_has_no_rows():
    program = read("A = randn(3, 3)\nf = det(A)")
    with pytest.raises(KeyError, match="det"):
        InRows(program.graph, program.output, [*program.inputs.values()], 2)


def point_of(text, upstream=None):
    numbers = as_numbers(read(text), upstream)
    return at(numbers, inputs_of(numbers), Request())


def cones_of(point):
    around = Surroundings(point.run, point.program.output, value_bounds(point.run))
    leaves = [leaf for _, leaf in point.leaves]
    reach = Reach(around, leaves)
    return [cone for cone in (Cone(around, leaf, reach) for leaf in leaves) if cone.is_smooth]


PROGRAMS = [
    "x = randn(3, 4)\nw = randn(4, 2)\nf = sum(tanh(x @ w)**2) + logsumexp(x)",
    "x = randn(4)\nA = randn(3, 4)\nf = sum(relu(A @ x)) + norm(x) + max(x) * x[0]",
    "x = randn(5)\nf = sum(abs(x) * sqrt(1 + x**2)) + sum(where(x > 0.3, x**3, 1 / x))",
    "x = randn(2, 3)\nf = sum(softmax(x, axis=1) * log_softmax(3 * x, axis=1)) + sum(x**-1.5 > 2)",
    "x = randn(4)\nf = sum(maximum(x, 0.1) * minimum(exp(x), 2)) + sum(floor(x)) * x[1]",
    "x = randn(2, 3)\nw = randn(3)\nf = sigmoid(x @ w) * (x @ w)",
]


@pytest.mark.parametrize("text", PROGRAMS)
def test_rows_find_what_columns_find(text):
    point = point_of(text, "ones" if text.endswith("w)") else None)
    one, other = cones_of(point), cones_of(point)
    rows = Rows(point)
    sheet.find_first_steps(one)
    rows.find_first_steps(other)
    assert one
    assert [cone.first_step for cone in other] == [cone.first_step for cone in one]
    steps = [cone.first_step for cone in one]
    sheet.find_differences([*zip(one, steps, strict=True)], sheet.HALVINGS)
    rows.find_differences([*zip(other, steps, strict=True)], sheet.HALVINGS)
    ends = [cone.x + step for cone, step in zip(one, steps, strict=True)]
    sheet.find_bounds(zip(one, ends, strict=True))
    rows.find_bounds(zip(other, ends, strict=True))
    for a, b, end in zip(one, other, ends, strict=True):
        assert 0.5 * a.bounds[end] <= b.bounds[end] <= 4 * a.bounds[end]
        for step, (slope, obstacle) in a.differences.items():
            found, further = b.differences[step]
            assert (found is None) == (slope is None)
            if slope is not None:
                assert abs(found - slope) * step <= a.bounds[end]
            else:
                assert 1 < further <= obstacle * (1 + 1e-9)


def test_steps_far_too_long_are_too_long_in_rows():
    """By the same factor, where the way to the edge is told by a text."""
    point = point_of("x = [0.01, 3, -2]\nA = randn(3, 3)\nf = sum(relu(x) + sqrt(x**2) + A @ x)")
    one, other = cones_of(point), cones_of(point)
    sheet.find_differences([(cone, 1.0) for cone in one], (0, 1, 9))
    Rows(point).find_differences([(cone, 1.0) for cone in other], (0, 1, 9))
    factors = [[far for _, far in cone.differences.values()] for cone in (*one, *other)]
    assert factors[0][0] > 100
    assert np.array(factors[: len(one)]) == pytest.approx(np.array(factors[len(one) :]))


def test_pages_are_filled_one_after_another(monkeypatch):
    monkeypatch.setattr("gradcli.checker.rows.MOST_ELEMENTS", 1)
    test_rows_find_what_columns_find(PROGRAMS[0])


@pytest.mark.parametrize(
    ("wrong", "verdict"), [("2 * d / 24", "pass"), ("2.00002 * d / 24", "fail")]
)
def test_a_layer_is_judged_in_rows(wrong, verdict, monkeypatch):
    used = []
    monkeypatch.setattr(
        Rows, "find_differences",
        lambda self, *args, whole=Rows.find_differences: used.append(1) or whole(self, *args),
    )  # fmt: skip
    text = (
        "X = randn(4, 6)\nW = randn(6, 6)\nY = randn(4, 6)\nd = tanh(X @ W) - Y\n"
        f"f = sum(d**2) / 24\ndd = {wrong}\ndY = -dd\ndW = X.T @ (dd * (1 - (d + Y)**2))\n"
    )
    assert gradcli.check(text).verdict == verdict
    assert used


def test_a_norm_of_many_numbers_is_checked_in_columns():
    text = "x = randn(120)\ny = randn(3)\nf = norm(x) + sum(x**2) + norm(y) + trace(outer(y, y))"
    assert gradcli.check(text).verdict == "pass"


def test_an_array_of_as_many_axes_as_there_may_be_is_checked_in_columns():
    ones = ", 1" * (MOST_AXES - 1)
    text = f"x = randn(150)\nf = sum(reshape(x, 150{ones})**3) * sum(x)"
    assert gradcli.check(text).verdict == "pass"
