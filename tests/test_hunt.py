"""The standing hunt: its oracle and its judge are right, and what it has found stays mended."""

from __future__ import annotations

import json
import math
from pathlib import Path
from random import Random

import numpy as np
import pytest

import gradcli
from tests.hunt import array_trees, arrays, gates, trees
from tests.hunt.evaluator import mp
from tests.hunt.judge import judge as judge_expression
from tests.hunt.judge import number_findings, place_of, standing_of, verdict_findings
from tests.hunt.matrix_operations import OPERATIONS
from tests.hunt.oracle import Side, truth_of
from tests.hunt.seconds import second_slopes

FOUND = (Path(__file__).parent / "hunt" / "cases.jsonl").read_text(encoding="utf-8")
CASES = [json.loads(line) for line in FOUND.splitlines()]
X = "x"
SQUARE = ("pow", X, 2.0)


def tree_of(data):
    """A tree as JSON holds it, with its lists as the tuples they were."""
    if isinstance(data, list):
        return tuple(tree_of(part) for part in data)
    if isinstance(data, dict):
        return {key: tuple(x) if isinstance(x, list) else x for key, x in data.items()}
    return data


def findings_on(case):
    tree, point = tree_of(case["tree"]), case["point"]
    if case["hunt"] == "arrays":
        return arrays.judge_arrays(tree, point, case["seed"], 1).findings
    return judge_expression(tree, point, case["seed"], 1, True).findings


@pytest.mark.parametrize("case", CASES, ids=[f"{c['text']} {c['point']}" for c in CASES])
def test_what_was_found_once_is_mended(case):
    assert findings_on(case) == []


@pytest.mark.parametrize(
    ("tree", "x", "left", "right"),
    [
        (SQUARE, 0.0, 0, 0), (SQUARE, 3.0, 6, 6), (("sqrt", SQUARE), 0.0, -1, 1),
        (("abs", X), 0.0, -1, 1), (("relu", X), 0.0, 0, 1), (("sqrt", X), 4.0, 0.25, 0.25),
        (("add", ("pow", ("abs", X), 1.1), ("mul", 1e-5, X)), 0.0, 1e-5, 1e-5),
        (("sub", ("add", X, 1e16), 1e16), 1.0, 1, 1),
        (("log", ("add", 1.0, ("exp", X))), 1000.0, 1, 1),
        (("hypot", ("sub", X, 2.0), ("exp", ("mul", -60.0, X))), 2.0, 0, 0),
        (("log", ("sub", 1.0, ("sigmoid", X))), 300.0, -1, -1),
        (("div", ("exp", X), ("exp", ("acos", ("cos", X)))), 0.0, 2, 0),
        (("where", ("eq", X, 0.0), ("div", 1.0, 6.0),
          ("div", ("sub", X, ("sin", X)), ("pow", X, 3.0))), 0.0, 0, 0),
    ],
)  # fmt: skip
def test_the_oracle_knows_both_slopes(tree, x, left, right):
    sides = truth_of(tree, {"x": x}).sides["x"]
    for side, slope in zip(sides, (left, right), strict=True):
        assert side.kind == "slope"
        assert abs(side.slope - slope) <= 1e-9 * abs(slope) + (0 if slope else 1e-40)


@pytest.mark.parametrize(
    ("tree", "x", "place"),
    [
        (("abs", X), 0.0, "kink"), (("step", X), 0.0, "jump"), (("sqrt", X), -1.0, "none"),
        (("cbrt", X), 0.0, "infinite"), (("sqrt", ("abs", X)), 0.0, "open"),
        (("pow", X, 1.5), 0.0, "border"), (("sin", X), 0.0, "smooth"),
    ],
)  # fmt: skip
def test_the_oracle_knows_what_kind_of_place_a_point_is(tree, x, place):
    truth = truth_of(tree, {"x": x})
    sides = truth.sides.get("x", (Side("outside"), Side("outside")))
    assert place_of(*sides) == place


def test_second_slopes_come_from_every_side():
    left_right = [side.slope for side in second_slopes(("pow", ("relu", X), 2.0), {"x": 0.0}, X, X)]
    assert sorted(map(float, left_right)) == [0, 2]
    (tiny, _) = second_slopes(("acosh", X), {"x": 1e160}, X, X)
    assert float(tiny.slope) == -1e-320
    (below, _) = second_slopes(("sinc", ("mul", X, 1e300)), {"x": 0.5}, X, X)
    assert float(below.slope) == -8  # a third derivative of 1e300 is above it
    mixed = second_slopes(("mul", X, "y"), {"x": 1.0, "y": 2.0}, X, "y")
    assert {float(side.slope) for side in mixed} == {1}
    meeting = second_slopes(("max", ("mul", X, X), ("mul", X, "y")), {"x": 0.0, "y": 0.0}, X, "y")
    assert len({float(side.slope) for side in meeting}) > 1  # steps of equal length see 0 only


def test_claims_are_right_between_the_slopes_only():
    left, right = Side("slope", mp.mpf(-1)), Side("slope", mp.mpf(1))
    standings = [standing_of(claim, left, right) for claim in (0.0, 1.0, 1.00001, -2.0, math.inf)]
    assert standings == ["right", "right", "wrong", "wrong", "wrong"]


@pytest.mark.parametrize(
    ("number", "bound", "truth", "is_false"),
    [
        (0.5, 0.0, "0.5", False), (0.5, 1e-17, "0.5000000001", True), (0.0, 0.0, "1e-400", True),
        (0.0, 5e-324, "1e-400", False), (math.inf, 0.0, "1e400", False), (math.inf, 0.0, "1e300", True),
        (math.nan, 0.0, "1", True), (1.0, math.inf, "2", False), (1.0, None, "1.1", True),
    ],
)  # fmt: skip
def test_printed_numbers_are_held_to_their_bounds(number, bound, truth, is_false):
    assert bool([*number_findings("value", number, bound, mp.mpf(truth))]) is is_false


def test_a_planted_false_word_is_found():
    answer = gradcli.check("abs(x)", {"x": 0}, {"x": 0.5}).cases[0].inputs["x"]
    truth = truth_of(("abs", X), {"x": 0.0})
    assert not [*verdict_findings("right claim", 0.5, answer, truth)]
    for verdict in ("pass", "fail", "undefined"):
        (finding,) = verdict_findings("right claim", 0.5, answer._replace(verdict=verdict), truth)
        assert finding.kind == f"right claim at kink: {verdict}"


def test_trees_print_as_they_are_evaluated():
    rng = Random(1)
    for _ in range(40):
        tree, point = trees.random_case(rng)
        report = gradcli.evaluate(trees.text_of(tree), point, check=False)
        assert set(report.inputs) == set(point)


def test_smaller_cases_are_smaller_and_whole():
    rng = Random(2)
    for _ in range(20):
        tree, point = trees.random_case(rng)
        for smaller, there in trees.simpler(tree, point):
            assert set(trees.names_of(smaller)) == set(there) or set(there) == set(point)


def test_arrays_are_evaluated_as_the_tool_evaluates_them():
    rng, judged = Random(3), 0
    while judged < 15:
        tree, inputs = array_trees.random_program(rng)
        try:
            truth = arrays.ArrayTruth(tree, inputs)
        except Exception:  # no value here, or out of the oracle's reach
            continue
        report = gradcli.evaluate(array_trees.text_of(tree), inputs, check=False)
        for of in arrays.np.ndindex(truth.value.shape):
            value = arrays._pick(report.value, of)
            assert abs(value - truth.value[of]) <= 1e-9 * abs(truth.value[of])
        judged += 1


def test_operations_of_matrices_are_evaluated_as_the_tool_evaluates_them():
    """Every one at each of its shapes, over whole numbers of which none is tied."""
    for operation in OPERATIONS.values():
        for shapes, keywords in operation.cases:
            inputs = {"ab"[k]: _spread(shape, k) for k, shape in enumerate(shapes)}
            text = operation.text.format(*inputs, **keywords)
            value = gradcli.evaluate(text, inputs, check=False).value
            exact = [arrays.numbers(x) for x in inputs.values()]
            truth = operation.value(mp.fsum, *exact, **keywords)
            np.testing.assert_allclose(value, truth.astype(float), rtol=1e-12, atol=1e-13)


def _spread(shape, k):
    size = math.prod(shape)
    x = np.array([(7 * j * j + 3 * j + k) % 31 for j in range(size)], float).reshape(shape)
    return (x + 40 * np.eye(*shape[-2:]) if len(shape) > 1 else x).tolist()


def test_a_few_gates_keep_their_bounds():
    for name in ("sqrt", "tanh", "pow", "atan2", "log1p"):
        row = gates.BUILT_IN[name]
        for operands in gates.islice(gates.points(row, 5), 20):
            point = tuple(x + 0.0 for x in operands)
            assert [*gates.as_number(row, point)] == []
