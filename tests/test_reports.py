"""Reports as data: what they say, and what JSON holds of them."""

from __future__ import annotations

import itertools
import json
import math

import pytest

from gradcli.reports.checks import SUMMARY, Case, CheckReport, Problem
from gradcli.reports.evaluations import VERDICTS, Check, EvalReport, InputCheck, Link, Stage, worst

GATE = Stage("f", "mul", "*2", "x * 2", ["x", 2.0], 6.0, 1.0, [2.0, None], 3, 5, True)
PASSED = InputCheck("x", "pass", "smooth", 2.0, 2.0, 1e-13, 0.0, None, None)
FAILED = InputCheck("x", "fail", "smooth", 2.0, 2.0, 1e-13, 0.5, None, "half", claim=1.0)
KINK = InputCheck("y", "kink", "kink", 0.0, None, None, None, [-1.0, 1.0], "a kink")
REPORT = EvalReport(
    "x * 2", "f", 6.0, {"x": 3.0, "w": [1.0, [2.0]]}, {"x": 2.0, "w": [0.0, [0.0]]}, [GATE],
    Check("pass", {"x": PASSED}), ["a note"], ["a warning"],
)  # fmt: skip


def case(verdict="pass", **changes):
    plain = Case(
        "a.grad", 3, "x * 2", "f", verdict, {"x": PASSED, "y": KINK}, [], ["a note"],
        ["a warning"], {"x": (4, 1), "w": (5, 2)},
    )  # fmt: skip
    return plain._replace(**changes)


# -------------------------------------------------------------------- verdicts


def test_the_verdict_of_several_is_the_worst_of_them():
    order = ["pass", "kink", "inconclusive", "undefined", "fail", "error"]
    assert list(VERDICTS) == order
    for better, worse in itertools.pairwise(order):
        assert worst([better, worse]) == worst([worse, better, better]) == worse
    assert worst(["pass", "kink", "pass"]) == "kink"
    assert worst(["pass"]) == "pass"
    assert worst([]) == "pass"


def test_an_unknown_verdict_is_never_taken_for_a_good_one():
    with pytest.raises(ValueError, match="fine"):
        worst(["pass", "fine"])


@pytest.mark.parametrize("verdict", VERDICTS)
def test_a_report_counts_its_cases(verdict):
    report = CheckReport([case(), case(verdict), case(verdict)])
    assert report.verdict == verdict
    assert report.summary == {
        **dict.fromkeys(SUMMARY, 0),
        "pass": 1,
        verdict: 2 + (verdict == "pass"),
    }
    assert set(SUMMARY) == set(VERDICTS)


# -------------------------------------------------------------------- finite


@pytest.mark.parametrize(
    ("changes", "finite"),
    [
        ({}, True),
        ({"value": math.nan}, False),
        ({"value": -math.inf}, False),
        ({"gradients": {"x": math.inf}}, False),
        ({"gradients": {"w": [0.0, [math.nan]]}}, False),
        ({"gradients": {}}, True),
        ({"inputs": {"x": math.inf}}, True),  # only what was asked for counts
    ],
)
def test_a_result_is_finite_if_its_value_and_every_gradient_are(changes, finite):
    report = REPORT._replace(**changes)
    assert report.finite is finite
    assert report.as_dict()["finite"] is finite


# -------------------------------------------------------------------- certain digits


@pytest.mark.parametrize(
    ("numeric", "bound", "digits"),
    [
        (2.0, 1e-13, 13),
        (-2.0, 1e-13, 13),
        (1e-300, 1e-305, 5),
        (1e300, 1e290, 10),
        (2.0, 5.0, 0),
        (0.0, 1e-13, None),
        (2.0, 0.0, None),
        (2.0, None, None),
        (None, None, None),
        (math.inf, 1e-3, None),
        (math.nan, 1e-3, None),
    ],
)
def test_the_bound_says_how_many_digits_are_certain(numeric, bound, digits):
    assert PASSED._replace(numeric=numeric, bound=bound).digits == digits


# -------------------------------------------------------------------- as JSON holds them


def test_a_report_is_the_same_after_a_round_trip_through_json():
    data = REPORT.as_dict()
    assert json.loads(json.dumps(data)) == data
    assert list(data) == [
        "schema", "expression", "output", "value", "finite", "inputs", "gradients", "stages",
        "check", "notes", "warnings", "arithmetic", "bound", "gradient_bounds", "conditions",
    ]  # fmt: skip
    assert data["schema"] == "gradcli.eval/1"
    check = Check("pass", {n: InputCheck(**d) for n, d in data["check"]["inputs"].items()})
    again = EvalReport(
        stages=[Stage(**stage, is_named=True) for stage in data["stages"]],
        check=check,
        **{k: data[k] for k in EvalReport._fields if k in data and k not in ("stages", "check")},
    )
    assert again == REPORT


def test_a_stage_says_all_but_what_the_table_alone_needs():
    assert GATE.as_dict() == {
        "name": "f", "gate": "mul", "label": "*2", "expression": "x * 2", "operands": ["x", 2.0],
        "value": 6.0, "gradient": 1.0, "local_gradients": [2.0, None], "line": 3, "column": 5,
        "bound": None, "gradient_bound": None,
    }  # fmt: skip
    assert set(Stage._fields) - set(GATE.as_dict()) == {"is_named", "links"}
    linked = GATE._replace(links=[Link("x", 2.0, 2.0, 0.0, 1e-16), None]).as_dict()
    assert linked == GATE.as_dict() | {
        "contributions": [2.0, None], "contribution_bounds": [1e-16, None],
    }  # fmt: skip


def test_a_check_holds_a_claim_only_where_something_was_claimed():
    assert "claim" not in PASSED.as_dict()
    assert FAILED.as_dict()["claim"] == 1.0
    assert FAILED._replace(claim=0.0).as_dict()["claim"] == 0.0
    assert list(PASSED.as_dict()) == [
        "name", "verdict", "kind", "analytic", "numeric", "bound", "relative_error", "interval",
        "reason",
    ]  # fmt: skip


def test_what_was_not_checked_is_null():
    assert REPORT._replace(check=None).as_dict()["check"] is None


def test_a_case_of_check_holds_the_claim_of_every_input():
    data = case(inputs={"x": FAILED, "y": KINK}).as_dict()
    assert data["inputs"]["x"]["claim"] == 1.0
    assert data["inputs"]["y"]["claim"] is None
    assert data["inputs"]["y"]["interval"] == [-1.0, 1.0]
    assert (data["file"], data["line"], data["output"]) == ("a.grad", 3, "f")
    assert (data["notes"], data["warnings"]) == (["a note"], ["a warning"])
    assert not {"points", "seed", "point", "error"} & set(data)


def test_a_sampled_case_holds_its_points():
    data = case(points=20, seed=7, point={"x": 0.5}).as_dict()
    assert (data["points"], data["seed"], data["point"]) == (20, 7, {"x": 0.5})


def test_a_broken_case_holds_its_error():
    problem = Problem("syntax", "found `x`", 1, 2, "write `*`")
    data = case("error", problem=problem).as_dict()
    assert data["error"] == {
        "kind": "syntax", "message": "found `x`", "line": 1, "column": 2, "hint": "write `*`",
    }  # fmt: skip


def test_the_inputs_of_a_single_expression_stand_at_the_top_as_well():
    single = case(file="<expression>")
    data = CheckReport([single]).as_dict()
    assert data["inputs"] == data["cases"][0]["inputs"] == single.as_dict()["inputs"]
    assert "inputs" not in CheckReport([case()]).as_dict()
    assert "inputs" not in CheckReport([single, single]).as_dict()
    assert list(data)[:5] == ["schema", "verdict", "claims", "summary", "cases"]
    assert data["schema"] == "gradcli.check/1"


def test_a_case_knows_where_a_claim_stands():
    plain = case()
    assert plain.place("x") == (4, 1)
    assert plain.place("w[0][1]", "w") == (5, 2)
    assert plain.place("unclaimed") == (3, 1)


def test_reports_are_frozen():
    with pytest.raises(AttributeError):
        REPORT.value = 1.0
    with pytest.raises(AttributeError):
        GATE.value = 1.0


def test_a_default_is_never_shared_by_being_written_to():
    first = EvalReport("x", "f", 1.0, {}, {}, [], None, [])
    assert first.warnings == []
    assert EvalReport("y", "f", 1.0, {}, {}, [], None, []).warnings == []
