"""Domains, kinks and jumps of the gate table, and what is sent at them."""

from __future__ import annotations

import itertools
import math

import pytest
from gate_points import MANY, ROWS, SAMPLES, is_choice, points, pulled_back, value_of

from gradcli.arithmetic.floats import FLOATS, IEEE
from gradcli.gates.table import BUILT_IN


@pytest.mark.parametrize(("row", "at"), SAMPLES)
def test_samples_lie_in_the_domain(row, at):
    assert not row.domain or FLOATS.text_function(row, row.domain)(*at)


GRID = (0.0, -0.0, 0.25, -0.25, 0.5, 1.0, -1.0, 1.5, -1.5, 2.0, -2.0, 3.0, -7.0, 40.0, -40.5, 1e-3)


@pytest.mark.parametrize("row", [row for row in ROWS if row.values[0].domain])
def test_the_domain_is_where_the_gate_has_a_finite_value(row):
    inside = IEEE.text_function(row, row.domain)
    seen = set()
    for at in itertools.product(GRID, repeat=len(row.operands)):
        if row.name == "polygamma" and at[0] not in (0, 1, 2, 3):
            continue  # no such order, or so high that it overflows
        value = value_of(row, at, IEEE)
        assert bool(inside(*at)) is math.isfinite(value), f"{row.name}{at} = {value}"
        seen.add(math.isfinite(value))
    assert seen == {True, False}


@pytest.mark.parametrize(("row", "at"), SAMPLES)
def test_no_operand_leaves_the_domain_within_its_radius(row, at):
    out = value_of(row, at)
    for operand, text in enumerate(row.radius * (len(at) if row.is_variadic else 1)):
        arguments = (list(at),) if row.is_variadic else at
        radius = FLOATS.text_function(row, text)(*arguments, out=out)
        assert radius > 0
        for side in (-0.999, 0.999):
            moved = list(at)
            if math.isfinite(radius) and not is_choice(row, operand):
                moved[operand] += side * radius
                assert not row.domain or FLOATS.text_function(row, row.domain)(*moved)


# The kink of hypot is one point, which has no sides.
EDGES = [p for p in ROWS if (p.values[0].kink or p.values[0].jump) and p.id != "hypot"]


@pytest.mark.parametrize("row", EDGES)
def test_samples_lie_on_both_sides_of_every_edge(row):
    if row.is_variadic:
        winners = {at.index(value_of(row, at)) for at in points(row)}
        assert len(winners) > 1
        return
    if row.name in ("floor", "ceil", "round"):
        assert len({value_of(row, at) for at in points(row)}) > 1
        return
    edge = FLOATS.text_function(row, row.kink or row.jump)
    assert {edge(*at) > 0 for at in points(row)} == {True, False}


def test_edges_are_zero_at_the_edge_and_nowhere_else():
    distances = {
        ("relu", (0.0,)): 0, ("relu", (-2.0,)): -2, ("abs", (0.0,)): 0, ("step", (3.0,)): 3,
        ("floor", (2.0,)): 0, ("round", (2.5,)): 0, ("lt", (3.0, 3.0)): 0, ("lt", (3.0, 1.0)): 2,
    }  # fmt: skip
    for (name, at), distance in distances.items():
        row = BUILT_IN[name]
        assert FLOATS.text_function(row, row.kink or row.jump)(*at) == distance
    lead, trail = (FLOATS.text_function(BUILT_IN[n], BUILT_IN[n].kink) for n in ("max", "min"))
    assert (lead([1.0, 4.0, 4.0]), lead([1.0, 4.0, 2.0])) == (0, 2)
    assert (trail([1.0, 4.0, 1.0]), trail([1.0, 4.0, 2.5])) == (0, 1.5)


CONVENTIONS = [
    ("max", (3.0, 3.0), [1, 0]),  # the first winner takes it all
    ("max", (1.0, 3.0, 3.0), [0, 1, 0]),
    ("min", (3.0, 3.0), [1, 0]),
    ("min", (5.0, 2.0, 2.0), [0, 1, 0]),
    ("relu", (0.0,), [0]),
    ("abs", (0.0,), [0]),
    ("sign", (0.0,), [0]),
    ("step", (0.0,), [0]),
    ("floor", (2.0,), [0]),
    ("hypot", (0.0, 0.0), [0, 0]),
    ("leaky_relu", (0.0, 0.25), [0.25, 0]),
    ("huber", (1.0, 1.0), [1, 0]),
]


@pytest.mark.parametrize(("name", "at", "expected"), CONVENTIONS)
@pytest.mark.parametrize("arithmetic", [FLOATS, IEEE, MANY], ids=lambda a: a.name)
def test_ties_and_corners_follow_the_stated_policy(name, at, expected, arithmetic):
    assert pulled_back(BUILT_IN[name], at, 1.0, arithmetic) == expected
