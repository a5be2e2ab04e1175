"""Every row of the gate table: its value, local gradients and second derivatives, by oracles."""

from __future__ import annotations

import itertools
import math
from random import Random

import pytest
from gate_points import (
    MANY,
    ORACLES,
    ROWS,
    SAMPLES,
    alone,
    close,
    is_choice,
    mp,
    partial,
    points,
    pulled_back,
    value_of,
)

from gradcli.arithmetic.floats import IEEE
from gradcli.engine import Machine
from gradcli.gates.table import BUILT_IN
from gradcli.transform.adjoint import adjoint

U = 2.0**-53


# ---------------------------------------------------------------- the rows


def test_every_row_has_an_oracle():
    assert list(ORACLES) == [row.name for row in BUILT_IN.elementwise]


@pytest.mark.parametrize(("row", "at"), SAMPLES)
def test_value_in_floats_is_within_the_stated_ulps(row, at):
    true = ORACLES[row.name](*map(mp.mpf, at))
    assert close(value_of(row, at), true, row.ulps * U)


@pytest.mark.parametrize(("row", "at"), SAMPLES)
def test_value_in_many_digits(row, at):
    assert close(value_of(row, at, MANY), ORACLES[row.name](*map(mp.mpf, at)), 1e-45)


# Where formulas lose digits: near roots, poles and borders, and far out in tails.
HARD = {
    "log": (1 + 1e-9, 1 - 1e-9),
    "log1p": (1e-9, -1e-30, -1 + 1e-9),
    "log2": (1 + 1e-9,),
    "log10": (1 - 1e-9,),
    "expm1": (1e-9, -1e-9, -40.0),
    "sin": (math.pi, 1e8, 1e-9),
    "cos": (math.pi / 2, 1e8),
    "tan": (math.pi, math.pi / 2, 1e8),
    "acosh": (1 + 1e-9,),
    "atanh": (1 - 1e-9, 1e-9),
    "asinh": (1e-9, -1e9),
    "sinh": (1e-9,),
    "acos": (1 - 1e-9,),
    "sigmoid": (-700.0, 37.0),
    "softplus": (-700.0, 1e-9),
    "logsigmoid": (700.0,),
    "silu": (-700.0, 1e-9),
    "gelu": (-20.0, -5.0, 1e-9),
    "erf": (1e-9, 5.0),
    "erfc": (5.0, 20.0),
    "gamma": (170.0, 1e-9, -10.5),
    "lgamma": (1 + 1e-6, 2 - 1e-6, -2.747, 1e6),
    "digamma": (1.4616, -0.504, 1e6),
}
HARD_PAIRS = {
    "logsumexp": ((-0.7, -0.686), (-1.6251372092883227, -0.22105898627932977), (-40.0, 1e-9)),
    "hypot": ((1e200, 1e200), (1e-200, 1e-200)),
    "pow": ((1 + 1e-9, 1e9), (0.1, 250.0), (1e-9, 0.1)),
    "atan2": ((1e-9, -1.0), (1.0, 1e-9)),
}


@pytest.mark.parametrize(
    ("row", "at"),
    [pytest.param(BUILT_IN[name], (x,), id=f"{name}-{x!r}") for name in HARD for x in HARD[name]]
    + [
        pytest.param(BUILT_IN[name], at, id=f"{name}-{at}")
        for name in HARD_PAIRS
        for at in HARD_PAIRS[name]
    ],
)
def test_value_is_within_the_stated_ulps_at_hard_points(row, at):
    """The bounds of `engine.bounds`, and with them every certified digit, rest on this column."""
    true = ORACLES[row.name](*map(mp.mpf, at))
    assert abs(value_of(row, at) - true) / abs(true) / U <= row.ulps


@pytest.mark.parametrize("row", ROWS)
def test_value_is_within_the_stated_ulps_away_from_the_samples(row):
    rng = Random(row.name)
    tried = 0
    for _ in range(60):
        at = [x * 2 ** rng.uniform(-3, 3) * rng.choice((1, -1)) for x in rng.choice(points(row))]
        if row.name == "polygamma":
            at[0] = 1.0
        if row.name == "winner":
            at[0] = at[1]
        try:
            true = ORACLES[row.name](*map(mp.mpf, at))
        except (ValueError, ZeroDivisionError):  # a pole
            continue
        if isinstance(true, mp.mpc) or not mp.isfinite(true):
            continue
        tried += 1
        error = abs(value_of(row, at) - true)
        assert error <= row.ulps * U * abs(true), f"{row.name}{tuple(at)}"
    assert tried >= 15


@pytest.mark.parametrize("upstream", [1.0, -1.7])
@pytest.mark.parametrize(("row", "at"), SAMPLES)
def test_local_gradients_times_upstream(row, at, upstream):
    """Within 64 units: a handful of gates of 4 units each, at points where nothing cancels."""
    gradients = pulled_back(row, at, upstream)
    for operand, got in enumerate(gradients):
        true = 0 if is_choice(row, operand) else upstream * partial(row, at, operand)
        assert close(got, true, 64 * U, 1e-50)


@pytest.mark.parametrize(("row", "at"), SAMPLES)
def test_local_gradients_in_many_digits(row, at):
    for operand, got in enumerate(pulled_back(row, at, -1.7, MANY)):
        true = 0 if is_choice(row, operand) else mp.mpf(-1.7) * partial(row, at, operand)
        assert close(got, true, 1e-40, 1e-40)


@pytest.mark.parametrize(("row", "at"), SAMPLES)
def test_an_operand_that_wants_no_gradient_gets_none(row, at):
    whole = pulled_back(row, at, -1.7)
    for active in itertools.product((True, False), repeat=len(at)):
        wanted = [got if wants else 0.0 for got, wants in zip(whole, active, strict=True)]
        assert pulled_back(row, at, -1.7, active=active) == wanted


@pytest.mark.parametrize(("row", "at"), SAMPLES)
def test_second_derivatives_by_differentiating_the_adjoint(row, at):
    graph, node = alone(row, len(at))
    first = adjoint(graph, node)
    inputs = [*map(MANY.number, at)]
    for i, gradient in enumerate(first.gradients.values()):
        second = adjoint(first.graph, gradient)
        values = Machine(second.graph, MANY).run(inputs).values
        for j, curvature in enumerate(second.gradients.values()):
            if not is_choice(row, i) and not is_choice(row, j):
                assert close(values[curvature], partial(row, at, i, j), 1e-35, 1e-35)


# ---------------------------------------------------------------- accuracy and guards


@pytest.mark.parametrize("x", [5, 8, 12, 18, 20, 40, -5, -20, -40])
@pytest.mark.parametrize("name", ["tanh", "sigmoid"])
def test_saturated_slopes_keep_every_digit(name, x):
    """1 - tanh(x)**2 and s*(1 - s) have lost half their digits at 8 and all of them at 40."""
    (got,) = pulled_back(BUILT_IN[name], (float(x),), 1.0)
    assert close(got, partial(BUILT_IN[name], (x,), 0), 4e-16)


@pytest.mark.parametrize("x", [0.999999999999, -0.99999999, 1 - 2**-53])
@pytest.mark.parametrize("name", ["asin", "acos", "atanh"])
def test_slopes_near_the_border_keep_every_digit(name, x):
    (got,) = pulled_back(BUILT_IN[name], (x,), 1.0)
    with mp.workdps(120):  # the difference quotient must stay inside the domain
        true = partial(BUILT_IN[name], (x,), 0)
    assert close(got, true, 8 * U)


NASTY = (0.0, -0.0, -1.0, 1.0, 1e308, -1e308, 5e-324, math.inf, -math.inf, math.nan)


@pytest.mark.parametrize("arithmetic", [IEEE, MANY], ids=lambda a: a.name)
@pytest.mark.parametrize("row", ROWS)
def test_a_zero_upstream_gradient_contributes_zero(row, arithmetic):
    """Even where the local gradient is infinite or nan."""
    count = max(2, len(row.operands)) if row.is_variadic else len(row.operands)
    pullback = arithmetic.pullback(row, (True,) * count)
    for at in itertools.product(NASTY if count < 3 else NASTY[::3], repeat=count):
        for out in (0.0, math.inf, math.nan):
            values = [*map(arithmetic.number, (*at, out))]
            gradients = [arithmetic.zero] * (count + 1)
            if pullback is not None:
                pullback(arithmetic.zero, values, gradients, count, tuple(range(count)))
            assert not any(gradients)


EXTREME = (0.0, 5e-324, -1e-200, 1.0, -27.0, 40.0, -800.0, 1e8, 1e154, -1e200, 1e308, -1e308)
BOUNDED = [row for row in ROWS if row.values[0].bounded]


@pytest.mark.parametrize("row", BOUNDED)
def test_bounded_rows_have_finite_slopes_at_every_finite_operand(row):
    """Their product with the upstream gradient needs no guard in symbols."""
    count = 2 if row.is_variadic else len(row.operands)
    for at in itertools.product(EXTREME if count < 3 else EXTREME[::2], repeat=count):
        if row.name == "huber" and at[1] <= 0:
            continue  # a negative width has no meaning
        assert all(map(math.isfinite, pulled_back(row, at, 1.0, IEEE)))
