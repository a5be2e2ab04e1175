"""Bounds of single numbers: they hold against mpmath, and hardly one is larger than it need be."""

from __future__ import annotations

import math

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from test_hard_points import CASES
from test_properties import POINTS, programs, text_of

import gradcli
from gradcli.arithmetic.bounds.arrays import ARRAY_BOUNDS
from gradcli.arithmetic.bounds.numbers import FLOAT_BOUNDS, bounds_of_digits
from gradcli.arithmetic.digits import digits
from gradcli.arithmetic.floats import IEEE
from gradcli.engine import Machine, backward
from gradcli.evaluation.numbers import bounded_run
from gradcli.gates.table import BUILT_IN
from gradcli.program.reader import read

MP = digits(400, at_limits=True)
ROUNDING = 1 + 1e-9  # of the bounds themselves


def sweep(program, arithmetic, point):
    """A forward and backward pass."""
    inputs = [arithmetic.number(point[name]) for name in program.graph.inputs]
    run = Machine(program.graph, arithmetic).run(inputs)
    backward(run, program.output, arithmetic.number(1.0))
    return run


def is_within(truth, number, bound):
    if not math.isfinite(number):
        return bound == math.inf or truth == number or truth != truth
    return not abs(truth) < math.inf or abs(truth - number) <= bound * ROUNDING


def violations(text, point):
    """Nodes whose value or gradient is farther from the truth than its bound says."""
    program = read(text, free=[*point])
    plain, true = sweep(program, IEEE, point), sweep(program, MP, point)
    again = bounded_run(plain, program.output, 1.0)
    found = []
    for node, gate in enumerate(program.graph.gates):
        for table in ("values", "gradients"):
            number, pair = getattr(plain, table)[node], getattr(again, table)[node]
            if number != pair.value and (number == number or pair.value == pair.value):
                found.append((node, gate.name, "another number"))
            elif not is_within(getattr(true, table)[node], number, pair.error):
                found.append((node, gate.name, table, number, pair.error))
    return found


ROWS = [row for row in BUILT_IN.elementwise if not row.hidden]
EVERY_ROW = pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name)


@EVERY_ROW
def test_bounds_hold_at_the_samples_of_every_gate(row):
    """Of exact operands, of rounded ones, and of some that have lost up to all but three digits."""
    for sample in row.samples.split(";"):
        point = {f"x{k}": float(x) for k, x in enumerate(sample.split(","))}
        names = ", ".join(point)
        assert not violations(f"f = {row.name}({names})", point)
        rounded = ", ".join(f"({name}*1.1 + 0.01*{name})" for name in point)
        assert not violations(f"f = {row.name}({rounded})*x0", point)
        if row.name in ("where", "polygamma"):  # a choice, an order: not a number near another
            continue
        for lost in (1e-3, 1e-6, 1e-9, 1e-13):
            lines = [
                f"y{k} = (x{k} + {2.0**52 * lost}) - {2.0**52 * lost}" for k in range(len(point))
            ]
            operands = ", ".join(f"y{k}" for k in range(len(point)))
            assert not violations("; ".join([*lines, f"f = {row.name}({operands})"]), point)


@pytest.mark.parametrize(("text", "point"), [case[:2] for case in CASES], ids=str)
def test_bounds_hold_at_hard_points(text, point):
    assert not violations(f"f = {text}", {name: float(x) for name, x in point.items()})


@settings(max_examples=150, deadline=None)
@given(programs(), POINTS, st.sampled_from([1.0, 1.0, 1e-8, 1e8, 0.0]))
@example(
    [("s0", ("softplus", ("neg", ("name", "x")))), ("f", ("cube", ("name", "s0")))],
    {"x": 1.0, "y": 0.0, "z": 0.0},
    1e8,
)
def test_bounds_hold_for_random_programs(program, point, scale):
    """Also where a power of what has underflowed underflows once more."""
    assert not violations(text_of(program), {name: scale * x for name, x in point.items()})


# ---------------------------------------------------------------- single rules


@pytest.mark.parametrize("rules", [FLOAT_BOUNDS, ARRAY_BOUNDS, bounds_of_digits(digits(40))],
                         ids=["floats", "arrays", "digits"])  # fmt: skip
def test_the_rules_are_those_of_every_base(rules):
    """What is exact, what is infinite, and the product of two errors."""

    def number(value, error=0.0):
        return rules.pair(rules.plain.number(value), error)

    def error(name, *xs):
        with rules.quiet():
            return float(rules.function(name)(*xs).error)

    assert error("add", number(1.5), number(2.25)) == 0
    assert error("mul", number(3.0), number(0.25)) == 0
    assert error("div", number(6.0), number(2.0)) == 0
    assert error("sqrt", number(9.0)) == error("exp", number(0.0)) == 0
    assert error("mul", number(0.0), number(7.0, 1e-3)) == 0
    assert error("mul", number(0.0, 1e-3), number(0.0, 1e-3)) == pytest.approx(1e-6)
    assert error("div", number(1.0), number(1.0, 0.5)) == pytest.approx(1.0)
    assert error("div", number(1.0), number(1.0, 1.0)) == math.inf
    assert error("log", number(1.0, 0.1)) == math.inf
    assert error("abs", number(0.0, 1e-3)) == pytest.approx(1e-3)


@pytest.mark.parametrize("rules", [FLOAT_BOUNDS, ARRAY_BOUNDS], ids=["floats", "arrays"])
def test_a_slope_of_zero_does_not_hide_an_error(rules):
    """The cosine at 0 +- d moves by d*d/2, which no slope at 0 says; nor does one near a pole."""
    one = rules.function("cos")(rules.pair(rules.plain.number(0.0), 1e-5))
    assert 5e-11 <= float(one.error) <= 2e-10
    near = rules.function("tan")(rules.pair(rules.plain.number(math.pi / 2 - 5e-4), 1e-3))
    assert float(near.error) == math.inf


def test_an_exact_zero_that_meets_an_infinite_slope_has_no_bound():
    """There reverse mode multiplies zero by infinity: sqrt(x)**2 has the slope 1 at 0."""
    program = read("sqrt(x)*sqrt(x)", free=["x"])
    run = bounded_run(sweep(program, IEEE, {"x": 0.0}), program.output, 1.0)
    assert run.gradients[program.graph.inputs["x"]].error == math.inf


def test_the_side_of_the_cut_of_atan2_is_not_told_where_rounding_hides_it():
    program = read("atan2(logsigmoid(x), y)", "e", [("x", 5e160), ("y", -1)])
    assert (
        sweep(program, FLOAT_BOUNDS, {"x": 5e160, "y": -1}).values[program.output].error == math.inf
    )
    assert gradcli.evaluate("atan2(logsigmoid(x), -1)", {"x": 800}).value == -math.pi
    bound = sweep(program, FLOAT_BOUNDS, {"x": 5e160, "y": 1}).values[program.output].error
    assert bound < 1e-300


def test_a_quotient_of_subnormal_numbers_is_as_uncertain_as_they_are():
    program = read("exp(hypot(x, y))", "e", [("x", 1e-310), ("y", -2e-310)])
    slopes = sweep(program, FLOAT_BOUNDS, {"x": 1e-310, "y": -2e-310}).gradients
    assert abs(slopes[program.inputs["x"]].value - 5**-0.5) < slopes[program.inputs["x"]].error


def test_nothing_arrives_behind_a_branch_that_was_not_taken():
    program = read("where(x > 0, log(x), x*x)", free=["x"])
    run = bounded_run(sweep(program, IEEE, {"x": -0.5}), program.output, 1.0)
    slope = run.gradients[program.graph.inputs["x"]]
    assert (slope.value, slope.error) == (-1.0, 0.0)


@pytest.mark.parametrize("sign", ["<", "<=", "==", "!="])
def test_what_is_compared_with_itself_is_certain(sign):
    report = gradcli.evaluate(f"sin(tanh(x) {sign} tanh(x))", {"x": 1})
    assert report.value == pytest.approx(math.sin(eval(f"1 {sign} 1")), abs=0)
    assert (report.gradients, report.check.verdict) == ({"x": 0.0}, "pass")
