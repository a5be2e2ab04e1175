"""Jacobians and Hessians of arrays, compiled functions, and what the API takes for an array."""

from __future__ import annotations

import math

import numpy as np
import pytest
from array_programs import draws

import gradcli
from gradcli.arithmetic.arrays import ARRAYS
from gradcli.engine import Machine, backward
from gradcli.errors import GradcliError, LimitError, ShapeError
from gradcli.evaluation.point import inputs_of as settings_of
from gradcli.program.reader import read

# ---------------------------------------------------------------- Jacobians and functions


def test_jacobians_and_hessians():
    """Against complex steps and known matrices."""
    from gradcli.tasks.rows_of_arrays import hessian, jacobian

    a, x = draws((3, 2), (2,))
    program = read("A @ x * x[0]", settings=[("A", a), ("x", x)])
    found = jacobian(program.graph, program.output, settings_of(program))
    expected = a * x[0] + np.outer(a @ x, [1, 0])
    np.testing.assert_allclose(found["x"].values, expected, rtol=1e-13)
    assert found["A"].values.shape == found["A"].bounds.shape == (3, 3, 2)
    program = read("sum((A @ x)**2) + y", settings=[("A", a), ("x", x), ("y", 3.0)])
    second = hessian(program.graph, program.output, settings_of(program))
    np.testing.assert_allclose(second["x"]["x"].values, 2 * a.T @ a, rtol=1e-12)
    assert second["A"]["x"].values.shape == second["A"]["x"].bounds.shape == (3, 2, 2)
    assert not second["x"]["y"].values.any()
    assert second["y"]["y"].values == 0


ROWED = [
    "x * y + x", "x / (1 + y**2)", "tanh(x) * x[0]", "x @ x.T", "x @ y", "y @ x.T", "x.T.dot(x)",
    "sum(x, axis=0) * y", "mean(x, axis=1)", "var(x, axis=0)", "std(x, axis=1, keepdims=True)",
    "softmax(x, axis=1)", "logsumexp(x, axis=0)", "np.max(x, axis=1)", "norm(x, axis=0)",
    "prod(x, axis=1)", "prod(x)", "prod(x, axis=0) * y", "outer(x, y)", "outer(y[0], x.T)",
    "linspace(x[0, 0] * y[0], y[1]**2, 4)", "concatenate([x, x * x], axis=0)[1:3]", "[x[0], y, x[1] * y]",
    "reshape(x, (3, 2)) * 2", "trace(x @ x.T) * y", "max(x, y)", "min(x, y, 0.1)", "hypot(x, y)",
    "where(x > 0, x, y)", "outer(y, x[0])", "x[:, 1:] - y[0]", "abs(x) * relu(y)",
    "reshape(x, (2, 1, 3)) + reshape(x, (1, 2, 3))", "reshape(x, (2, 1, 3)) @ (x.T @ x)",
]  # fmt: skip


@pytest.mark.parametrize("text", ROWED)
def test_many_rows_of_a_jacobian_in_one_sweep_are_those_of_single_sweeps(text, monkeypatch):
    """Also of the adjoint graph, for Hessians, and with fewer rows at once than there are."""
    from gradcli.tasks import rows_of_arrays as room

    x, y = draws((2, 3), (3,), seed=4)
    program = read(f"f = {text}", settings=[("x", x), ("y", y)])
    point = settings_of(program)
    run = Machine(program.graph, ARRAYS).run(point)
    expected = {n: [] for n in program.graph.inputs}
    shape = np.shape(run.values[program.output])
    for at in np.ndindex(shape):
        unit = np.zeros(shape)
        unit[at] = 1.0
        backward(run, program.output, unit)
        for name, node in program.graph.inputs.items():
            size = program.graph.shape(node)
            expected[name].append(np.broadcast_to(run.gradients[node], size))
    for most in (10**6, 1):
        monkeypatch.setattr(room, "MOST_AT_ONCE", most)
        for is_plain in (True, False):  # the sweeps with bounds give the same numbers
            found = room.jacobian(program.graph, program.output, point, is_plain=is_plain)
            for name, parts in expected.items():
                assert (found[name].bounds is None) == is_plain
                flat = found[name].values.reshape(len(parts), *parts[0].shape)
                np.testing.assert_allclose(flat, parts, rtol=1e-13, atol=1e-15)
    scalar = read(f"f = sum(({text})**2)", settings=[("x", x), ("y", y)])
    once = room.hessian(scalar.graph, scalar.output, point, is_plain=True)
    monkeypatch.setattr(room, "MOST_AT_ONCE", 10**6)
    again = room.hessian(scalar.graph, scalar.output, point, is_plain=True)
    bounded = room.hessian(scalar.graph, scalar.output, point)
    for name, row in again.items():
        for other, block in ((other, block.values) for other, block in row.items()):
            np.testing.assert_allclose(block, once[name][other].values, rtol=1e-12, atol=1e-13)
            np.testing.assert_allclose(block, bounded[name][other].values, rtol=1e-12, atol=1e-13)
            mirrored = np.moveaxis(once[other][name].values, range(np.ndim(point[[*row].index(other)])),
                                   range(-np.ndim(point[[*row].index(other)]), 0))  # fmt: skip
            np.testing.assert_allclose(block, mirrored, rtol=1e-10, atol=1e-11)


def test_eval_gives_jacobians_and_hessians():
    report = gradcli.evaluate("x**2 * y", {"x": [1.0, 2.0], "y": 3.0}, jacobian=True)
    assert report.jacobian == {"x": [[6.0, 0.0], [0.0, 12.0]], "y": [1.0, 4.0]}
    report = gradcli.evaluate("x**2 * y", {"x": 2.0, "y": 3.0}, hessian=True)
    assert report.hessian == {"x": {"x": 6.0, "y": 4.0}, "y": {"x": 4.0, "y": 0.0}}
    assert "jacobian" not in report.as_dict()
    with pytest.raises(GradcliError, match="one number"):
        gradcli.evaluate("x*2", {"x": [1, 2]}, hessian=True)


def test_a_program_keeps_its_own_seed_unless_another_is_asked_for():
    text = "np.random.seed(7)\nx = randn(2)\nf = sum(x**2)\ndx = 2*x"
    own = gradcli.check(text).cases[0].inputs["x[0]"].claim
    assert own == gradcli.evaluate(text).gradients["x"][0]
    assert own != gradcli.check(text, seed=3).cases[0].inputs["x[0]"].claim


def test_a_compiled_function_of_arrays():
    """Against the formula, at other points than it was compiled for; names may be unused."""
    f = gradcli.compile(
        "b = [1, 2]; f = sum((W @ x + b)**2)", {"W": np.eye(2), "x": [0, 0], "unused": 1.0}
    )
    w, x = draws((2, 2), (2,), seed=9)
    value, (dw, dx, none) = f(w, x, 3.0)
    r = w @ x + [1, 2]
    assert value == pytest.approx(r @ r, rel=1e-14)
    np.testing.assert_allclose(dw, 2 * np.outer(r, x), rtol=1e-13)
    np.testing.assert_allclose(dx, 2 * w.T @ r, rtol=1e-13)
    assert none.shape == ()
    dw[:] = 0  # the caller's own
    np.testing.assert_allclose(f(w, x, 3.0)[1][0], 2 * np.outer(r, x), rtol=1e-13)


@pytest.mark.parametrize("values", [
    ([1, 2], [1, 2]), ("a", [1, 2]), (np.eye(2),), (np.eye(2), [[1], [2, 3]]), (np.eye(2), None),
])  # fmt: skip
def test_a_compiled_function_of_arrays_refuses_other_values(values):
    f = gradcli.compile("sum(W @ x)", {"W": np.eye(2), "x": [0, 0]})
    with pytest.raises(GradcliError):
        f(*values)


def test_what_cannot_be_compiled_or_bound_is_a_gradcli_error():
    with pytest.raises(GradcliError, match="one number"):
        gradcli.compile("W @ x", {"W": np.eye(2), "x": [0, 0]})
    with pytest.raises(GradcliError, match="is a number, got str"):
        gradcli.compile("x*y", ["x", "y"])("a", 2)
    for bindings in (5, {5: 5}, ["ab", "c"], [("x", 1, 2)]):
        with pytest.raises(GradcliError):
            gradcli.evaluate("x", bindings)


# ---------------------------------------------------------------- what is given to the API


def test_arrays_work_wherever_nested_lists_do():
    ones = np.ones(3)
    report = gradcli.evaluate("x*2", {"x": ones}, upstream=ones)
    assert report.gradients == {"x": [2.0, 2.0, 2.0]}
    assert (
        gradcli.check("x*2", {"x": ones}, claims={"x": 2 * ones}, upstream=ones).verdict == "pass"
    )
    assert gradcli.evaluate("x", {"x": np.array(2)}, upstream=np.array(3)).gradients["x"] == 3


@pytest.mark.parametrize(("value", "said"), [
    (np.array([1j]), "ndarray of dtype complex128"), (np.array(1j), "ndarray of dtype complex128"),
    (np.complex64(1), "complex64"), (np.array(["a"]), "ndarray of dtype <U1"),
    (np.array([None]), "ndarray of dtype object"), ({1}, "set"), (b"1", "bytes"),
    (np.datetime64("2020"), "datetime64"), ([1, 2j], "complex"), ([np.ones(2), "M"], "M"),
])  # fmt: skip
def test_what_is_no_array_of_numbers_is_an_error_that_names_it(value, said):
    for call in (
        lambda: gradcli.evaluate("sum(x)", {"x": value}),
        lambda: gradcli.evaluate("x", {"x": [1, 2]}, upstream=value),
        lambda: gradcli.check("sum(x)", {"x": [1, 2]}, claims={"x": value}),
    ):
        with pytest.raises(GradcliError, match=said):
            call()


@pytest.mark.parametrize("size", [3, 3000])
def test_a_claim_of_another_shape_is_told_with_both_shapes(size):
    x = np.ones(size)
    with pytest.raises(ShapeError, match=rf"has shape \(2,\), `x` has shape \({size},\)"):
        gradcli.check("sum(x)", {"x": x}, claims={"x": np.ones(2)})
    with pytest.raises(ShapeError, match=rf"is one number, `x` has shape \({size},\)"):
        gradcli.check("sum(x)", {"x": x}, claims={"x": 2})


def test_an_uncertainty_needs_an_output_of_one_number():
    for asked in ({}, {"upstream": "ones"}, {"jacobian": True}):
        with pytest.raises(ShapeError, match="an output of one number"):
            gradcli.evaluate("x*2", {"x": "[1,2]+/-0.1"}, **asked)
    found = gradcli.evaluate("sum(x*2)", {"x": "[1,2]+/-0.1*2"}).uncertainty
    assert found["value"] == pytest.approx(math.hypot(0.4, 0.4))
    with pytest.raises(LimitError, match="uncertainties"):
        gradcli.evaluate("sum(x@x)", {"x": "ones(100,100)+/-0.1"}, check=False)
