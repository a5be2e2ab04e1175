"""What claims nothing says so: in words, in JSON, in every format for CI, and in the exit code."""

from __future__ import annotations

import json
import math

import pytest
from junitparser import JUnitXml

from gradcli import check
from gradcli.render.formats import CHECK_FORMATS

BLANK = "x = -2; y = 5\nf = x*y\n\n# backward pass\n# dx =\n# dy =\n"
RIGHT = "x = 3; y = -4\nf = x*y\ndx = y\ndy = x\n"
OWN = "only the engine's own gradient was checked"


@pytest.mark.parametrize(
    ("text", "options", "claims"),
    [
        ("f = x*y", {}, 0),
        ("f = x*y", {"claims": {"x": 3}}, 1),
        ("f = x*y; dx = y; dy = x", {}, 2),
        ("f = x*y; dx = y; dy = x", {"claims": {"x": 3}}, 2),
        ("q = x*y; f = q*q; dq = 2*q; dx = y*dq; dx += 0; h = x*dq; dy = h", {}, 3),
        ("f = x*y; f == 6", {}, 1),
        ("f = x*y; f == 6; dx = y", {}, 2),
        ("f = x*y; df = 2", {}, 0),
        ("w = [1, 2]; f = w*x*y; df = [1, 1]", {}, 0),
        ("w = [1, 2]; f = sum(w)*x*y; dw = [6, 6]", {}, 1),
    ],
)
def test_claims_are_counted(text, options, claims):
    report = check(text, {"x": 2, "y": 3}, **options)
    assert (report.claims, report.cases[0].claims) == (claims, claims)
    assert report.verdict == "pass"
    assert report.as_dict()["claims"] == report.as_dict()["cases"][0]["claims"] == claims


def test_a_case_that_cannot_be_read_counts_no_claims(gradcli, tmp_path):
    (tmp_path / "a.grad").write_text("f = 2x")
    (tmp_path / "b.grad").write_text(RIGHT)
    report = json.loads(gradcli("check", ".", "--json").out)
    assert [case["claims"] for case in report["cases"]] == [None, 2]
    assert report["claims"] == 2


# ---------------------------------------------------------------- in words


@pytest.mark.parametrize(
    ("words", "first"),
    [
        (["x*y", "x=2", "y=3"], f"nothing claimed ({OWN})  x * y"),
        (["relu(x)", "x=0"], f"kink, nothing claimed ({OWN})  relu(x)"),
        (["floor(x)", "x=1"], f"undefined, nothing claimed ({OWN})  floor(x)"),
        (["x*abs(x)", "x=-2:2"], f"nothing claimed ({OWN})  x * abs(x)"),
        (["x*y", "x=2", "y=3", "--claim", "x=3"], "pass  x * y"),
    ],
)
def test_the_first_line_says_whether_anything_is_claimed(gradcli, words, first):
    assert gradcli("check", *words).out.splitlines()[0] == first


def test_a_blank_exercise_does_not_pass(gradcli, tmp_path):
    gradcli("exercise", "(x+y)*z", "x=-2", "y=5", "z=-4", "-o", "task.grad")
    done = gradcli("check", "task.grad")
    assert done.code == 0
    assert done.out.startswith(f"nothing claimed ({OWN})  task.grad:6  q1 * z\n")
    assert done.out.endswith("\n1 nothing claimed\n")
    assert "0 of 4" in gradcli("check", "task.grad", "--grade", "--key", ".task.grad.key").out


def test_among_others_a_case_without_claims_is_told_apart(gradcli, tmp_path):
    for name, text in (("a", RIGHT), ("b", BLANK), ("c", BLANK), ("d", RIGHT)):
        (tmp_path / f"{name}.grad").write_text(text)
    done = gradcli("check", ".")
    assert done.code == 0
    assert done.out.splitlines() == [
        f"nothing claimed ({OWN})  ./b.grad:2  x * y", "nothing claimed  ./c.grad:2  x * y",
        "pass  ./a.grad:2  x * y", "pass  ./d.grad:2  x * y", "", "2 nothing claimed, 2 pass",
    ]  # fmt: skip


# ---------------------------------------------------------------- in formats for CI


@pytest.mark.parametrize("form", CHECK_FORMATS)
def test_every_format_says_that_nothing_is_claimed(gradcli, tmp_path, form):
    (tmp_path / "a.grad").write_text(BLANK)
    (tmp_path / "b.grad").write_text(RIGHT)
    blank, right = (gradcli("check", name, "--format", form).out for name in ("a.grad", "b.grad"))
    if form in ("json", "jsonl"):
        assert '"claims": 0' in blank
        assert '"claims": 0' not in right
    else:
        assert OWN in blank.replace("&#39;", "'")
        assert "only the engine" not in right.replace(f"claimed: {OWN}.", "")  # SARIF's rule


def test_a_finding_without_claims_is_a_note_at_its_place(gradcli, tmp_path, monkeypatch):
    (tmp_path / "a.grad").write_text(BLANK)
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", "summary.md")
    forms = {form: gradcli("check", "a.grad", "--format", form).out for form in CHECK_FORMATS}
    assert forms["concise"] == f"a.grad:2:1: nothing claimed: {OWN}\n1 case: 1 nothing claimed\n"
    title = "gradcli%3A nothing claimed"
    assert forms["github"] == (
        f"::notice file=a.grad,line=2,col=1,title={title}::{OWN}\n"
        "gradcli: 1 case: 1 nothing claimed\n"
    )
    assert (tmp_path / "summary.md").read_text().startswith("### gradcli: nothing claimed\n")
    suites = JUnitXml.fromstring(forms["junit"].encode())
    assert (suites.tests, suites.failures, suites.errors, suites.skipped) == (3, 0, 0, 1)
    (result,) = json.loads(forms["sarif"])["runs"][0]["results"]
    assert (result["ruleId"], result["level"]) == ("gradcli/nothing-claimed", "note")
    (entry,) = json.loads(forms["gitlab"])
    assert (entry["check_name"], entry["severity"]) == ("gradcli/nothing-claimed", "info")


# ---------------------------------------------------------------- in the exit code


def test_claims_can_be_required(gradcli, tmp_path):
    (tmp_path / "a.grad").write_text(BLANK)
    (tmp_path / "b.grad").write_text(RIGHT)
    assert gradcli("check", "b.grad", "--require-claims").code == 0
    for words in (["a.grad"], ["b.grad", "a.grad"], ["a.grad", "--grade"]):
        done = gradcli("check", *words, "--require-claims")
        assert done.code == 2
        assert done.out
        assert "error: nothing is claimed in a.grad\n" in done.err
    assert gradcli("check", "a.grad", "--require-claims", "--exit-zero").code == 0
    assert gradcli("check", "x*x", "x=1", "--require-claims").code == 2
    (tmp_path / "pyproject.toml").write_text("[tool.gradcli]\nrequire-claims = true\n")
    assert gradcli("check", "a.grad").code == 2
    assert gradcli("check", "a.grad", "--isolated").code == 0


# ---------------------------------------------------------------- claims in the wrong place


@pytest.mark.parametrize(
    ("text", "binding", "cure"),
    [
        ("x*y", "dx=999", "write --claim x=999"),
        ("x*y", "d_x=2*pi", "write --claim x=2*pi"),
        ("x*y", "dfdx=1", "write --claim x=1"),
        ("x*y", "grad_x=4", "write --claim x=4"),
        ("f = x*y; dx = y", "dx=999", "write --claim x=999"),
        ("q = x*y; f = q*q", "dq=9", "write the line `dq = 9` into the program"),
    ],
)
def test_a_claim_among_the_values_is_refused(gradcli, text, binding, cure):
    done = gradcli("check", text, "x=2", "y=3", binding)
    assert (done.code, done.out) == (2, "")
    assert f"  help: {cure}\n" in done.err


@pytest.mark.parametrize("words", [["x*dx", "dx=1"], ["x*x", "z=1"], ["x*x", "y=1"]])
def test_a_value_that_is_used_or_looks_like_nothing_is_none(gradcli, words):
    assert gradcli("check", *words, "x=2").code == 0


@pytest.mark.parametrize("words", [["x*y", "--wrt", "x"], ["# gradcli: wrt x\nf = x*y"]])
def test_a_claim_that_wrt_leaves_out_is_refused(gradcli, words):
    done = gradcli("check", *words, "x=2", "y=3", "--claim", "y=17")
    assert (done.code, done.out) == (2, "")
    assert "error: `y` is claimed, but `wrt` leaves it out\n  help: add it: --wrt x,y\n" in done.err


# ---------------------------------------------------------------- claims on values


@pytest.mark.parametrize(
    ("program", "right", "wrong"),
    [
        ("x = 1; f = (1e16 + x) - 1e16", "1", "0"),
        ("x = 1; f = (1e200 + x) - 1e200", "1", "0"),
        ("x = 1e-9; f = 1 - cos(x)", "5e-19", "0"),
        ("x = 1e-9; f = 1 - cos(x)", "2*sin(x/2)**2", "3*sin(x/2)**2"),
        ("x = 1e-9; f = 2*sin(x/2)**2", "1 - cos(x)", "x*0"),
        ("x = 1000; f = log(1 + exp(x))", "1000", "inf"),
        ("x = -700; f = logsumexp(x, 0)", "9.85967654375977e-305", "0"),
        ("x = 500; f = atanh(tanh(x))", "500", "inf"),
        ("x = 3000; f = (log(1 + exp(x)) - x)*exp(x)", "1", "0"),
        ("x = 1; f = sin(x)**2 + cos(x)**2 - 1", "0", "1e-300"),
        ("x = 0; f = 1/x", "inf", "0"),
    ],
)
def test_exactly_the_right_value_passes(program, right, wrong):
    """A value is held in as many digits as its bound needs to decide, and so is a formula for it."""
    for claim, verdict in ((right, "pass"), (wrong, "fail")):
        case = check(f"{program}; f == {claim}").cases[0]
        assert [value.verdict for value in case.values] == [verdict], claim


def test_no_value_is_claimed_where_many_digits_know_none():
    text = "x = 1; f = 1/(sin(x)**2 + cos(x)**2 - 1)"
    for claim in ("inf", "0", "1e300"):
        value = check(f"{text}; f == {claim}").cases[0].values[0]
        assert (value.verdict, value.reason) == (
            "inconclusive",
            "many digits do not settle it either",
        )


@pytest.mark.parametrize(
    ("claim", "verdict"),
    [(5.0, "fail"), (math.inf, "fail"), (math.nan, "fail"), (-math.inf, "inconclusive")],
)
def test_no_number_is_a_derivative_that_is_larger_than_any(claim, verdict):
    report = check("1/x", {"x": 1e-200}, claims={"x": claim})
    answer = report.cases[0].inputs["x"]
    assert answer.verdict == verdict
    assert answer.reason == "the derivative is larger than any float64"
