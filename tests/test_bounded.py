"""Bounds of whole arrays: they hold against mpmath, and the numbers that are printed obey them."""

from __future__ import annotations

import math
import re
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

import gradcli
from gradcli.arithmetic.arrays import ARRAYS
from gradcli.arithmetic.bounds.arrays import ARRAY_BOUNDS, BoundedArray
from gradcli.arithmetic.bounds.bounded import Bounded
from gradcli.arithmetic.bounds.numbers import FLOAT_BOUNDS
from gradcli.arithmetic.digits import digits
from gradcli.engine import Machine, backward
from gradcli.evaluation.numbers import bounded_run
from gradcli.evaluation.point import inputs_of
from gradcli.gates.table import BUILT_IN
from gradcli.program.reader import read
from gradcli.transform.elements import Circuit, unrolled

MP = digits(60)
ROUNDING = 1 + 1e-9  # of the bounds themselves


def violations(text, point):
    """Where a value or gradient of a run is farther from the truth than its bound says.

    Also where the bounded run has another value than the plain one.
    """
    program = read(text, settings=point)
    inputs = inputs_of(program)
    graph, output = program.graph, program.output
    run = Machine(graph, ARRAYS).run(inputs)
    backward(run, output, 1.0)
    again = bounded_run(run, output, 1.0)
    circuit = Circuit(graph, apart=True)
    exact = Machine(circuit.graph, MP).run(
        [MP.number(float(v)) for x in inputs for v in np.ravel(x)]
    )
    backward(exact, int(circuit.elements[output]), MP.number(1.0))
    found = []
    for node, operands in enumerate(graph.operands):
        if not operands:
            continue
        tables = [(run.values, exact.values, again.values)]
        if graph.active[node]:
            tables.append((run.gradients, exact.gradients, again.gradients))
        for plain, true, bounds in tables:
            shape = graph.shape(node)
            value = np.broadcast_to(plain[node], shape)
            if not np.array_equal(
                value, np.broadcast_to(bounds[node].value, shape), equal_nan=True
            ):
                found.append((node, graph.gates[node].name, "another value"))
            truth = [true[int(k)] for k in circuit.elements[node].flat]
            off = np.reshape(
                [abs(t - float(v)) for t, v in zip(truth, value.flat, strict=True)], shape
            )
            allowed = np.broadcast_to(bounds[node].error, shape) * ROUNDING
            if not (off <= allowed).all():
                found.append((node, graph.gates[node].name, float(np.max(off - allowed))))
    return found


PROGRAMS = (
    "sum(tanh(x @ W + b))", "norm(softmax(x @ W, axis=1) - c)", "sum(std(x @ W, axis=0))",
    "sum(logsumexp(x @ W, axis=1)*b[0])", "mean(var(x,axis=1)) + sum(relu(x@W)**2)",
    "sum(np.max(x@W, axis=1)) - sum(np.min(c, axis=0))", "sum(gelu(x@W))+sum(max(x@W, c, 0.3))",
    "prod(mean(x@W,axis=0)+2)", "sum(log(1+exp(-(x@W))))", "sum((x@W)/(1+(x@W)**2))",
    "sum(hypot(x@W, 2)) + sum(logsumexp(x@W, c, 1))", "sum(sqrt(1+(x@W)**2)*lgamma(2+b**2))",
    "trace(x @ W @ W.T @ x.T)", "sum(concatenate([x@W, c], axis=0)[1:5]**3)",
    "sum(where(x@W > c, x@W, 2*c)) + sum(abs(c)*step(c))", "sum([x[0], 2*x[1]].T @ [x[2], x[0]])",
    "sum(reshape(x@W, (5, 3)) @ c[:, 1:]) + sum(outer(b, b))",
    "sum(erf(x) * sin(x)) + sum(atan2(c, 1 + b**2)) + sum(cbrt(c)**3)",
    "sum((x + 1e9) - 1e9) + sum(c - mean(c)) + sum(((x + 1e9) - 1e9)**2)",
    "sum(softplus(c) - logsigmoid(c) + silu(c) + huber(c) + leaky_relu(c))",
    "sum(prod(x@W, axis=0)*b) + prod(c)", "norm(prod(tanh(x@W), axis=1)) * sum(outer(x, c[0])**2)",
    "sum(linspace(b[0]*b[1], c[0, 0]/3, 7)**2) + sum(linspace(b[2], 0, 1))",
    "sum(floor(c) * c) + sum(round(c)) + sum(sign(c)*c)",
)  # fmt: skip
SHAPES = {"x": (3, 4), "W": (4, 5), "b": (5,), "c": (3, 5)}


def draw(seed, digits_=None):
    rng = np.random.default_rng(seed)
    point = {name: rng.standard_normal(shape) for name, shape in SHAPES.items()}
    return point if digits_ is None else {n: x.round(digits_) for n, x in point.items()}


def used(text, point):
    return {name: x for name, x in point.items() if re.search(rf"\b{name}\b", text)}


@pytest.mark.parametrize("text", PROGRAMS)
def test_bounds_hold_for_values_and_gradients_of_every_gate(text):
    """At random points, and at points of few digits, where ties and exact sums occur."""
    for seed in range(4):
        point = used(text, draw(seed, seed % 2 or None))
        assert not violations(text, point)


@settings(max_examples=25, deadline=None)
@given(st.sampled_from(PROGRAMS), st.integers(0, 2**32 - 1), st.integers(-12, 12))
@example(PROGRAMS[1], 205111969, 4)
@example(PROGRAMS[1], 3695833169, 7)
def test_bounds_hold_at_any_scale(text, seed, exponent):
    """Also where softmax is saturated, and what is left of its gradient is below every float."""
    point = {n: x * 10.0**exponent for n, x in used(text, draw(seed)).items()}
    assert not violations(text, point)


@pytest.mark.parametrize(
    ("x", "y"), [(1e155, 3e-320), (3e-320, 1e155), (3e-170, 7e-170), (1e-160, 3e-160)]
)
def test_matrix_products_are_bounded_where_parts_of_them_underflow(x, y):
    """Also where a unit of rounding of one factor is below every float."""
    point = {"x": [[x, 1.1 * x], [0.0, -x]], "W": [[y, 0.3 * y], [1.7 * y, 0.9 * y]]}
    assert not violations("sum(x @ W)", point)
    assert not violations("sum(tanh(x @ W) @ [1, 2])", point)


def test_a_winner_among_what_has_overflowed_is_not_certain():
    """The gradient of the first is 1e200, that of the largest 2e200."""
    program = read("sum(np.max(x @ W, axis=1))", settings={"x": [[1e200]], "W": [[1e200, 2e200]]})
    run = Machine(program.graph, ARRAYS).run(inputs_of(program))
    backward(run, program.output, 1.0)
    again = bounded_run(run, program.output, 1.0)
    assert (again.gradients[program.graph.inputs["x"]].error >= 1e200).all()


BOTH = (ARRAY_BOUNDS, FLOAT_BOUNDS)
MASKED = "s = x + mask; e = exp(2*s - max(2*s)); -log((e / sum(e))[0])"


@pytest.mark.parametrize("rules", BOTH, ids=["arrays", "numbers"])
def test_an_infinity_that_did_not_overflow_is_as_exact_as_the_other_numbers(rules):
    """A mask before a softmax: what it hides counts for nothing."""
    program = read(MASKED, settings={"x": [0.3, 7.0, -0.4], "mask": [0, -math.inf, 0]})
    inputs = inputs_of(program)
    if rules is FLOAT_BOUNDS:
        inputs = [float(x) for array in inputs for x in array]
        program = unrolled(program)
    graph, output = program.graph, program.output
    run = Machine(graph, rules).run([rules.exactly(x) for x in inputs])
    value, exact = run.values[output], math.log1p(math.exp(-1.4))
    assert abs(value.value - exact) <= value.error + 2e-16
    assert value.error < 1e-14


@pytest.mark.parametrize(
    ("gate", "x", "y"),
    [("add", 1e308, 1e308), ("sub", -1e308, 1e308), ("mul", 1e200, 1e200), ("div", 1e300, 1e-300),
     ("add", math.inf, -math.inf), ("sub", math.inf, math.inf), ("mul", math.inf, 0.0)],
)  # fmt: skip
def test_what_overflows_or_is_nothing_has_no_bound(gate, x, y):
    for rules in BOTH:
        with rules.quiet():
            out = rules.function(gate)(rules.exactly(x), rules.exactly(y))
            assert out.error == math.inf
            assert rules.function("add")(out, rules.exactly(1.0)).error == math.inf


@pytest.mark.parametrize(
    ("gate", "x", "y", "out"),
    [("add", -math.inf, 3.5, -math.inf), ("sub", 3.5, -math.inf, math.inf),
     ("mul", -math.inf, -2.0, math.inf), ("div", math.inf, -0.5, -math.inf)],
)  # fmt: skip
def test_beside_an_infinity_an_error_is_nothing(gate, x, y, out):
    for rules in BOTH:
        numbers = [rules.exactly(z) if math.isinf(z) else rules.pair(z, 1e-9) for z in (x, y)]
        with rules.quiet():
            found = rules.function(gate)(*numbers)
        assert (found.value, found.error) == (out, 0)


def test_a_slope_of_zero_at_infinity_bounds_nothing():
    """The angle of (1e150, 1e310) is 1e-160, and float64 has 0 for it."""
    assert not violations("sum(atan2(c, b**2))", {"c": [1e150, 2.0], "b": [1e155, 1e160]})


@pytest.mark.parametrize(
    "row", [r for r in BUILT_IN.elementwise if not r.hidden], ids=lambda r: r.name
)
def test_an_error_of_an_operand_is_handed_on(row):
    """Whatever the operands are within their errors, the value lies within the bound."""
    rng = np.random.default_rng(1)
    function = ARRAY_BOUNDS.function(row.name)
    exact = (lambda c, a, b: a if c else b) if row.name == "where" else MP.function(row.name)
    for sample in row.samples.split(";"):
        point = [float(x) for x in sample.split(",")]
        for error in (0.0, 1e-15, 1e-9, 1e-5):
            errors = [error] * len(point)
            if row.name in ("where", "polygamma"):  # a choice, an order: not a number near another
                errors[0] = 0.0
            xs = [
                BoundedArray(np.array([x]), np.array([e]))
                for x, e in zip(point, errors, strict=True)
            ]
            found = function(xs) if row.is_variadic else function(*xs)
            low, size = float(found.value[0]), float(np.broadcast_to(found.error, (1,))[0])
            assert size < 1e-3 * (1 + abs(low)), error  # the samples are far from every kink
            for _ in range(20):
                moved = [
                    MP.number(x) + MP.number(e * rng.uniform(-1, 1))
                    for x, e in zip(point, errors, strict=True)
                ]
                truth = exact(moved) if row.is_variadic else exact(*moved)
                assert abs(truth - low) <= size * ROUNDING, (point, error)


@pytest.mark.parametrize("name", ["prod", "others"])
def test_errors_of_factors_are_handed_on(name):
    """Also beside zeros, and where single products leave the range of float64."""
    rng = np.random.default_rng(5)
    function = ARRAY_BOUNDS.function(name)
    for size in (1, 2, 3, 7):
        for scale in (0, 3, 120):
            x = rng.standard_normal(size) * 10.0 ** rng.integers(-scale, scale + 1, size)
            x *= rng.choice([0.0, 1.0], size, p=[0.2, 0.8])
            error = rng.choice([0.0, 1e-12, 1e-3], size) * rng.choice([1.0, np.abs(x).max()], size)
            with ARRAY_BOUNDS.quiet():
                found = function(BoundedArray(x, error), ((0,), False))
            allowed = np.broadcast_to(found.error, np.shape(found.value))
            for _ in range(20):
                moved = [MP.number(a) + MP.number(e * rng.uniform(-1, 1))
                         for a, e in zip(x, error, strict=True)]  # fmt: skip
                truth = [
                    math.prod(moved[:k] + moved[k + 1 :], start=MP.number(1.0)) for k in range(size)
                ]
                truth = [math.prod(moved, start=MP.number(1.0))] if name == "prod" else truth
                for t, v, e in zip(truth, np.ravel(found.value), np.ravel(allowed), strict=True):
                    assert abs(t - float(v)) <= float(e) * ROUNDING or e == np.inf


@pytest.mark.parametrize(("text", "bound"), [
    ("relu(x)", 1e-9), ("abs(x)", 1e-9), ("max(x, 0)", 1e-9), ("x if x > 0 else 2*x", 2.1e-9),
    ("step(x)", 2.0), ("floor(x)", 1.0), ("sqrt(x)", math.inf), ("1/x", math.inf),
])  # fmt: skip
def test_at_a_kink_the_value_is_bounded_by_both_branches(text, bound):
    program = read(f"sum([{text}, 0])", settings=[("x", 0.0)])
    machine = Machine(program.graph, ARRAY_BOUNDS)
    found = machine.run([BoundedArray(0.0, 1e-9)]).values[program.output]
    assert found.error == pytest.approx(bound, rel=0.1)


def test_short_numbers_are_exact():
    """Counts, masks and small whole numbers round nothing, so that ties stay ties."""
    point = {"x": [[1.0, 2.0], [0.5, -1.0]], "W": [[2.0, 1.0], [1.0, 4.0]]}
    program = read("sum(relu(x @ W - [[4, 9], [0, 0]]) * x)", settings=point)
    run = Machine(program.graph, ARRAYS).run(inputs_of(program))
    again = bounded_run(run, program.output, 1.0)
    assert not any(np.any(x.error) for x in again.values if isinstance(x, Bounded))
    assert not any(np.any(x.error) for x in again.gradients)


# ---------------------------------------------------------------- what is printed

CANCELS = "y = x + 1e16; z = y - 1e16; f = sum(z)"


def test_stages_of_small_arrays_are_computed_in_many_digits_where_float64_fails():
    report = gradcli.evaluate(CANCELS, {"x": [0.3, 0.7]})
    stages = {stage.name: stage for stage in report.stages}
    assert report.value == stages["f"].value == 1.0
    assert stages["z"].value == [0.3, 0.7]
    assert stages["z"].bound is not None
    assert max(stages["z"].bound) <= 1e-16
    assert any("z[0] cancels" in note for note in report.notes)


def test_gradients_of_stages_are_their_own():
    """Not those of what they were moved from, which other gates use as well."""
    report = gradcli.evaluate("a = x.T; f = sum(a*a) + 3*sum(x[0]*x[1]) + sum(x.T)",
                              {"x": [[1.0, 2.0], [3.0, 4.0]]})  # fmt: skip
    moved = [stage.gradient for stage in report.stages if stage.expression == "x.T"]
    assert moved == [[[2.0, 6.0], [4.0, 8.0]], [[1.0, 1.0], [1.0, 1.0]]]
    assert report.gradients["x"] == [[12.0, 17.0], [10.0, 15.0]]


def test_values_of_array_outputs_are_certain_with_and_without_an_upstream_gradient():
    for asked in ({}, {"upstream": "ones"}):
        report = gradcli.evaluate("(x + 1e16) - 1e16", {"x": [0.3, 0.7]}, **asked)
        assert report.value == [0.3, 0.7]
        assert np.shape(report.bound) == (2,)
    report = gradcli.evaluate("x * pi", {"x": [1.0, 2.0]}, digits=20)
    assert report.decimal["value"] == ["3.1415926535897931160", "6.2831853071795862320"]


def test_large_arrays_have_bounds_that_hold():
    """30,000 numbers that float64 loses: the bound covers what is left of them."""
    x = np.random.default_rng(2).standard_normal((300, 100))
    report = gradcli.evaluate(CANCELS, {"x": x}, check=False)
    assert abs(report.value - math.fsum(x.ravel())) <= report.bound
    z = next(stage for stage in report.stages if stage.name == "z")
    assert (np.abs(np.array(z.value) - x) <= np.array(z.bound)).all()
    assert np.shape(report.gradient_bounds["x"]) == (300, 100)
    fine = gradcli.evaluate("mean(x**2)", {"x": x}, check=False)
    assert abs(fine.value - math.fsum((x * x).ravel()) / x.size) <= fine.bound <= 1e-10


@pytest.mark.parametrize("count", [1, 2, 7, 9, 127, 128, 129, 1000, 8191, 8193, 40_000])
@pytest.mark.parametrize("axis", [(0,), (1,), (0, 1)])
def test_sums_are_bounded_in_whatever_order_they_are_added(count, axis):
    """By halves where numpy adds what lies together, one after the other elsewhere."""
    rng = np.random.default_rng(count)
    add_up = ARRAY_BOUNDS.function("sum")
    for x in (rng.standard_normal((3, count)), 10.0 ** rng.uniform(-8, 8, (count, 3)).T):
        found = add_up(BoundedArray(x), (axis, False))
        lanes = x if axis == (1,) else x.T if axis == (0,) else [x.ravel()]
        value, error = (np.broadcast_to(part, (len(lanes),)) for part in (found.value, found.error))
        for k in range(0, len(lanes), max(1, len(lanes) // 50)):
            truth = sum(map(Fraction, lanes[k]))
            assert abs(truth - Fraction(float(value[k]))) <= Fraction(float(error[k]))


def test_a_slope_of_zero_hides_no_error_of_large_arrays():
    """Every cosine is 5e-11 less than 1, and float64 has lost the operand that says so."""
    report = gradcli.evaluate("sum(cos((x + 1e12) - 1e12))", {"x": [1e-5] * 30_000}, check=False)
    assert abs(report.value - 30_000 * math.cos(1e-5)) <= report.bound <= 1e-2


def test_what_float64_loses_of_large_arrays_is_said():
    report = gradcli.evaluate(CANCELS, {"x": "randn(300, 100)"}, check=False)
    assert any("loses digits at z (sub)" in note for note in report.notes)
    fine = gradcli.evaluate("sum(x**2)", {"x": "randn(300, 100)"}, check=False)
    assert not any("loses digits" in note for note in fine.notes)


def test_an_overflow_of_large_arrays_is_no_proof_that_there_is_no_value():
    case = gradcli.check("sum(log(1 + exp(x*1000)))", {"x": "randn(900)"}).cases[0]
    assert (case.verdict, "overflows (exp)" in case.inputs["x"].reason) == ("inconclusive", True)
    case = gradcli.check("sum(log(x))", {"x": "randn(900)"}, max_elements=10).cases[0]
    assert case.verdict == "undefined"
