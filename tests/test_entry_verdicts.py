"""Verdicts on the entries of Jacobians and Hessians: right ones pass, and wrong rules are caught."""

from __future__ import annotations

import json
import math

import mpmath
import numpy as np
import pytest

import gradcli
from gradcli.checker.curvatures import Curvatures
from gradcli.gates.table import BUILT_IN
from gradcli.program.reader import read
from gradcli.requests import Request
from gradcli.tasks.derivatives import derivatives_of
from gradcli.tasks.entry_verdicts import entry_checks

X, Y = {"x": 0.7, "y": -1.3}, {"x": [0.3, -0.8, 1.7]}


def checks(text, point, **options):
    """The verdicts by entry, of both kinds."""
    case = gradcli.check(text, point, **options).cases[0]
    return {name: entry.verdict for name, entry in case.entries.items()}


ORDINARY = [
    ("x**2*y", X), ("sin(x*y) + y*exp(x)", X), ("x/(1 + y**2)", X), ("x**4*y", {"x": 1e-3, "y": 2.0}),
    ("log(sum(exp(x)))", Y), ("sum(tanh(x)*x[0])", Y), ("prod(x)", Y), ("norm(x)", Y),
    ("relu(x - 1)*y + gelu(x*y)", X), ("1e8*x*y + x**2", {"x": 1e-5, "y": 1e5}),
    ("lgamma(x + 3)*y**3", X), ("atan2(x, y)*huber(y)", X), ("max(x, y)*min(x, y)", {"x": 1.0, "y": 1.0}),
]  # fmt: skip


@pytest.mark.parametrize(("text", "point"), ORDINARY)
def test_a_right_hessian_passes(text, point):
    verdicts = checks(text, point, hessian=True)
    size = sum(map(np.size, point.values()))
    assert len(verdicts) == size**2
    assert set(verdicts.values()) == {"pass"}


@pytest.mark.parametrize(("text", "point"), [
    ("[x*y, sin(x)]", X), ("x @ [[1,2,3],[4,5,6]].T", Y), ("softmax(x)", Y), ("max(x, 0.3)*x[1]", Y),
    ("(1 - cos(x))/x**2", {"x": [1e-9, 2.0]}),
])  # fmt: skip
def test_a_right_jacobian_passes_or_has_a_kink(text, point):
    verdicts = checks(text, point)
    assert set(verdicts.values()) <= ({"pass", "kink"} if "max" in text else {"pass"})


# ---------------------------------------------------------------- wrong rules

RULES = {  # wrong local gradients: some are right at the point, but not beside it
    ("tanh", 0.0): "1 - out", ("tanh", 0.5): "1 - out", ("sin", 0.4): "cos(x) * (1 + 1e-3 * x)",
    ("exp", 0.0): "1 + x + x*x/2 - x", ("sigmoid", 1.0): "0.19661193324148185", ("log", 1.0): "1 / (x * x)",
    ("sqrt", 4.0): "0.25", ("square", 1.0): "2", ("gelu", 0.7): "normcdf(x)", ("cosh", 0.0): "sin(x) * 2",
}  # fmt: skip


@pytest.mark.parametrize(("name", "x"), RULES)
def test_a_wrong_rule_of_a_gate_fails_its_hessian(name, x, monkeypatch):
    """The adjoint graph differentiates the wrong rule without a fault; the values of f do not."""

    def answer():
        program = read(f"y * {name}(x)", settings={"x": x, "y": 1.5})
        request = Request(hessian=True)
        (derivative,) = derivatives_of(program, request)
        return entry_checks(program, derivative, request, {})

    assert answer().verdict == "pass"
    wrong = BUILT_IN[name]._replace(local=(RULES[name, x],))
    monkeypatch.setitem(BUILT_IN.rows, name, wrong)
    monkeypatch.setitem(BUILT_IN.functions, name, wrong)
    entries = answer().entries
    assert entries["x by x"].verdict == "fail"
    assert entries["y by y"].verdict == "pass"


# ---------------------------------------------------------------- claims


def test_second_derivatives_are_claimed_by_name():
    point, claims = {"x": 2.0, "y": 3.0}, {"x,x": 6, "x,y": 5, "x": 12}
    case = gradcli.check("x**2*y", point, claims).cases[0]
    assert {n: e.verdict for n, e in case.entries.items()} == {
        "x by x": "pass", "x by y": "fail", "y by x": "pass", "y by y": "pass",
    }  # fmt: skip
    assert (case.verdict, case.claims, case.inputs["x"].verdict) == ("fail", 3, "pass")
    assert case.entries["x by y"].claim == 5


def test_blocks_rows_and_entries_of_arrays_are_claimed_in_their_shape():
    def verdicts(**claims):
        named = {name.replace("__", ","): claim for name, claim in claims.items()}
        return gradcli.check("sum(x**3)", {"x": [1, 2]}, named).verdict

    assert verdicts(x__x=[[6, 0], [0, 12]]) == "pass"
    assert verdicts(x__x=[[6, 0], [0, 11]]) == "fail"
    for name, claim, verdict in (("x[1],x", [0, 12], "pass"), ("x[1],x[1]", 12, "pass"),
                                 ("x,x[0]", [6, 0], "pass"), ("x[0],x[1]", 1, "fail")):  # fmt: skip
        assert gradcli.check("sum(x**3)", {"x": [1, 2]}, {name: claim}).verdict == verdict


@pytest.mark.parametrize(("claims", "verdict"), [
    ({"x": [[2, 0], [0, 4]]}, "pass"), ({"value,x": [[2, 0], [0, 4]]}, "pass"),
    ({"value[1],x": [0, 4]}, "pass"), ({"value[1],x[1]": 5}, "fail"), ({"x": [[2, 1], [0, 4]]}, "fail"),
])  # fmt: skip
def test_a_jacobian_is_claimed_by_input(claims, verdict):
    assert gradcli.check("x*x", {"x": [1, 2]}, claims).verdict == verdict


@pytest.mark.parametrize(("claims", "message"), [
    ({"z,x": 1}, "no entry of a Jacobian or a Hessian"), ({"x,x,x": 1}, "no entry"),
    ({"x[2],x": [1, 2]}, "no place in an array of shape"), ({"x,x": [1, 2]}, "of shape (2,)"),
    ({"x[0],x[0]": [1]}, "of one number"),
])  # fmt: skip
def test_a_claim_that_fits_no_entry_is_an_error(claims, message):
    with pytest.raises(gradcli.GradcliError) as error:
        gradcli.check("sum(x*x)", {"x": [1, 2]}, claims)
    assert message in str(error.value)


def test_claims_on_the_command_line(gradcli):
    words = ("check", "x**2*y", "x=2", "y=3", "--claim", "x,x=6", "--claim", "x , y = 4")
    done = gradcli(*words)
    assert (done.code, done.out[:4]) == (0, "pass")
    assert "2 times the derivative" in gradcli(*words[:-1], "y,x=8").out
    assert gradcli(*words[:-1], "y,x=8").code == 1
    assert "is no claim" in gradcli(*words[:-1], "y,2=8").err
    ended = gradcli("check", "x*y", "x=[1,2]", "y=-1:1")
    assert (ended.code, "at one point" in ended.err) == (2, True)


# ---------------------------------------------------------------- where there is none


@pytest.mark.parametrize(("text", "claim", "verdict", "reason"), [
    ("relu(x)**2", 1.0, "kink", "slopes 0 and 2; 1 lies between"),
    ("relu(x)**2", 3.0, "fail", "slopes 0 and 2; 3 is outside"),
    ("abs(x)", 0.0, "undefined", "f has a kink here, with slopes -1 and 1"),
    ("abs(x)**1.5", math.inf, "pass", "infinite"),
    ("abs(x)**1.5", 1.0, "fail", "infinite"),
    ("sqrt(x**4)", 2.0, "pass", None),
    ("sqrt(x**4)", 1.0, "fail", "0.5 times"),
])  # fmt: skip
def test_at_a_kink_the_slopes_of_the_gradient_decide(text, claim, verdict, reason):
    entry = gradcli.check(text, {"x": 0.0}, {"x,x": claim}).cases[0].entries["x by x"]
    assert entry.verdict == verdict
    assert reason is None or reason in entry.reason


def test_what_the_budget_does_not_allow_is_said_and_never_passes(gradcli):
    done = gradcli("check", "x*y", "x=1", "y=2", "--hessian", "--check-budget", "100")
    assert done.code == 2
    assert "x by y: not checked: it would take more than the budget" in done.out
    data = json.loads(gradcli("eval", "x*y", "x=1", "y=2", "--hessian", "--check-budget", "100",
                              "--json").out)  # fmt: skip
    assert data["hessian_check"] is None
    assert any(note.startswith("hessian: not checked") for note in data["notes"])
    assert "hessian_check" in data
    assert gradcli("eval", "x*y", "x=1", "y=2", "--hessian", "--no-check", "--json").code == 0


def test_verdicts_stand_beside_the_blocks():
    report = gradcli.evaluate("[max(x, y), x*y]", {"x": 1.0, "y": 1.0}, jacobian=True)
    data = report.as_dict()["jacobian_check"]
    assert data["verdict"] == "kink"
    assert data["verdicts"] == {"x": ["kink", "pass"], "y": ["kink", "pass"]}
    assert data["entries"]["value[0] by x"]["interval"] == [0.0, 1.0]


def test_a_hessian_that_float64_loses_is_checked_in_many_digits():
    entry = gradcli.evaluate("(1 - cos(x))/x**2", {"x": 1e-9}, hessian=True)
    check = entry.hessian_check.entries["x by x"]
    assert check.verdict == "pass"
    with mpmath.workdps(80):
        truth = mpmath.diff(lambda x: (1 - mpmath.cos(x)) / x**2, mpmath.mpf(1e-9), 2)
    assert abs(check.numeric - truth) <= check.bound + 1e-16


@pytest.mark.parametrize(
    ("text", "x"), [("log(1 + exp(x))", 700.0), ("log(cosh(x))", 300.0), ("tanh(x)", 200.0)]
)
def test_what_all_but_the_most_digits_lose_is_seen_once_more(text, x):
    check = gradcli.evaluate(text, {"x": x}, hessian=True).hessian_check.entries["x by x"]
    assert check.verdict == "pass", check.reason
    assert 0 < abs(check.numeric) < 1e-100


@pytest.mark.parametrize(("text", "x"), [("lgamma(x)", -170.3), ("polygamma(3, x)", -2.5)])
def test_gates_that_mpmath_computes_anyway_go_to_many_digits_at_once(text, x, monkeypatch):
    """Some 2,000 evaluations in float64 took seconds."""
    monkeypatch.setattr(Curvatures, "_estimate", None)
    report = gradcli.evaluate(text, {"x": x}, hessian=True)
    assert report.hessian_check.entries["x by x"].verdict == "pass"


@pytest.mark.parametrize(
    ("text", "point"), [("x**2/y", (1e-200, 1e-300)), ("hypot(x, y)", (1e-320, 1e-320))]
)
def test_a_second_derivative_beyond_float64_is_no_kink_and_no_fail(text, point):
    report = gradcli.evaluate(text, dict(zip("xy", point, strict=True)), hessian=True)
    assert report.hessian["x"]["y"] == report.hessian["y"]["x"] == -math.inf
    entry = report.hessian_check.entries["x by y"]
    assert (entry.verdict, entry.kind) == ("inconclusive", "smooth")
    assert entry.reason == "the second derivative is larger than any float64"
    assert report.hessian_check.verdict == "inconclusive"
