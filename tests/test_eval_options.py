"""Options of `eval`, each seen by what it changes."""

from __future__ import annotations

import math
import re

import pytest
from conftest import strict
from test_eval_formats import LECTURE, elements

from gradcli.reports.digits import certain_text


def test_digits_are_those_of_every_number_in_the_table(gradcli):
    asked = ("eval", "sum(x*sigmoid(y))", "x=[0.123456789,2]", "y=2.123456789")
    few = gradcli(*asked, "--digits", "4")
    assert "0.8932" in few.out
    assert "2.123" in few.out
    assert re.findall(r"[1-9]\.\d{4,}", few.out) == []
    assert re.search(r"sigmoid\(y\) +0\.893162236849655 ", gradcli(*asked, "--digits", "16").out)
    assert "0.123456789 " in gradcli(*asked, "--digits", "30").out


@pytest.mark.parametrize("option", [["--digits", "30"], ["--arithmetic", "mpmath"]])
def test_many_digits_of_too_many_gates_are_refused_and_not_made_up(gradcli, tmp_path, option):
    chain = "".join(f"s{k} = sin(s{k - 1})\n" for k in range(1, 20_001))
    (tmp_path / "chain.grad").write_text(f"x = 0.5\ns0 = sin(x)\n{chain}")
    ended = gradcli("eval", "--file", "chain.grad", "--no-check", *option)
    assert (ended.code, ended.out) == (2, "")
    assert "many digits are for at most 20000 gates" in ended.err


def test_a_jacobian_needs_no_upstream_gradient(evaluated):
    words = ["x*2", "x=[1,2]"]
    assert ["--jacobian" in note for note in evaluated(*words)["notes"]] == [True]
    assert evaluated(*words, "--jacobian")["notes"] == []


def test_wrt_chooses_gradients_and_checks(evaluated):
    data = evaluated("x*y*z", "x=2", "y=3", "z=5", "--wrt", " z ,x")
    assert data["gradients"] == {"x": 15.0, "z": 6.0}
    assert list(data["check"]["inputs"]) == ["x", "z"]
    assert set(data["inputs"]) == {"x", "y", "z"}


@pytest.mark.parametrize(
    ("value", "factor"), [("-2", -2.0), ("pi/2", math.pi / 2), ("1e-3", 1e-3), ("0", 0.0)]
)
def test_upstream_scales_every_gradient(evaluated, value, factor):
    data = evaluated("q = x*y; f = q*2", "x=2", "y=3", "--upstream", value)
    assert data["gradients"] == pytest.approx({"x": 6 * factor, "y": 4 * factor}, rel=1e-15)
    assert {s["name"]: s["gradient"] for s in data["stages"]} == pytest.approx(
        {"q": 2 * factor, "f": factor}
    )
    assert data["check"]["verdict"] == "pass"


def test_output_chooses_the_stage(evaluated):
    data = evaluated("q = x*2; f = q*3", "x=1", "--output", "q")
    assert (data["output"], data["value"], data["gradients"]) == ("q", 2.0, {"x": 2.0})
    assert [s["name"] for s in data["stages"]] == ["f", "q"]  # the output last


def test_expand_and_fuse_choose_the_gates(evaluated):
    def gates(*words):
        return [stage["gate"] for stage in evaluated(*words, "x=1")["stages"]]

    assert gates("sigmoid(x)") == gates("1/(1+exp(-x))", "--fuse") == ["sigmoid"]
    assert gates("sigmoid(x)", "--expand") == ["neg", "exp", "add", "div"]
    assert gates("1/(1+exp(-x))") == ["neg", "exp", "add", "div"]


def test_a_check_can_be_left_out_or_limited(evaluated):
    assert evaluated(*LECTURE, "--no-check")["check"] is None
    limited = evaluated(*LECTURE, "--check-budget", "1")
    assert limited["check"] is None
    assert any("--check-budget" in note for note in limited["notes"])
    assert evaluated(*LECTURE, "--check-budget", "1e6")["check"]["verdict"] == "pass"


def test_a_warning_goes_to_stderr_and_is_an_error_when_strict(gradcli):
    words = ("eval", "alpha*x", "x=1", "alpha=2", "alhpa=3")
    said = "`alhpa` is given a value but not used; did you mean `alpha`?"
    ended = gradcli(*words)
    assert (ended.code, ended.err) == (0, f"warning: {said}\n")
    assert ended.out == gradcli(*words[:-1]).out
    assert gradcli(*words, "-q").err == ""
    assert strict(gradcli(*words, "--json", "-q").out)["warnings"] == [said]
    for more in ([], ["--json"], ["-q"]):
        ended = gradcli(*words, "--strict", *more)
        assert (ended.code, ended.out, ended.err) == (2, "", f"error: {said}\n")
    assert gradcli(*words[:-1], "--strict").code == 0


def test_all_warnings_are_errors_at_once_when_strict(gradcli):
    ended = gradcli("eval", "x*e", "x=1", "e=2", "y=3", "--strict")
    assert [line.split("`")[1] for line in ended.err.splitlines()] == ["e", "y"]


def test_quiet_prints_value_and_gradients_only(gradcli):
    assert gradcli("eval", *LECTURE, "-q").out == "value = -12\ndx = -4\ndy = -4\ndz = 3\n"
    assert gradcli("eval", "w[0]*w[1]", "w=[2,3]", "--quiet").out == (
        "value = 6\ndw[0] = 3\ndw[1] = 2\n"
    )


def test_verbose_prints_every_digit(gradcli):
    """That is certain: 0.1 and 0.2 are exact, their sum has been rounded."""
    assert "0.111111111111 " in gradcli("eval", "x/y + 0", "x=1", "y=9").out
    assert "0.1111111111111111 " in gradcli("eval", "x/y + 0", "x=1", "y=9", "--verbose").out
    assert "0.30000000000000004" not in gradcli("eval", "x+y", "x=0.1", "y=0.2", "-v").out


def test_200_stages_are_shown_unless_all_are_asked_for(gradcli):
    program = ";".join(["x = 1", *(f"a{k} = x*{k + 2}" for k in range(250))])
    short = gradcli("eval", program, "--no-check").out
    assert "50 more stages (--all shows them)" in short
    assert not re.search(r"^a247 ", short, re.MULTILINE)
    whole = gradcli("eval", program, "--no-check", "--all").out
    assert len(re.findall(r"^a\d+ +\*", whole, re.MULTILINE)) == 250
    assert len(strict(gradcli("eval", program, "--no-check", "--json").out)["stages"]) == 250


@pytest.mark.parametrize(
    ("environment", "color", "is_coloured"),
    [
        ({}, "auto", False),
        ({}, "never", False),
        ({}, "always", True),
        ({"NO_COLOR": "1"}, "always", True),
        ({"FORCE_COLOR": "1"}, "auto", True),
        ({"FORCE_COLOR": "1"}, "never", False),
        ({"FORCE_COLOR": "1", "NO_COLOR": "1"}, "never", False),
    ],
)
def test_colours_are_there_when_they_are_asked_for(
    gradcli, monkeypatch, environment, color, is_coloured
):
    plain = gradcli("eval", *LECTURE).out
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    out = gradcli("eval", *LECTURE, "--color", color).out
    assert ("\x1b[32m" in out) is is_coloured  # green, for values
    uncoloured = re.sub(r"\x1b\[[0-9;]*m", "", out)
    assert [line.rstrip() for line in uncoloured.split("\n")] == plain.split("\n")
    assert "\x1b" not in gradcli("eval", *LECTURE, "--color", color, "--json").out


LONG = "a = x*y; b = a + w[0]*1.2345678901234567e-300; f = exp(b)*w[1] - 9876543210.1234567"
AT = (
    "x=-0.12345678901234567",
    "y=12345678.901234567",
    "w=[0.30000000000000004,-2.2250738585072014e-308]",
)


@pytest.mark.parametrize("columns", [20, 21, 25, 30, 37, 40, 53, 60, 72, 79, 80, 81, 100, 132, 200])
def test_a_number_is_never_cut(gradcli, monkeypatch, columns):
    data = strict(gradcli("eval", LONG, *AT, "--json").out)
    monkeypatch.setenv("COLUMNS", str(columns))
    out = gradcli("eval", LONG, *AT, "-v").out
    shown = set(re.split(r"[\s()]+", out))
    bounds = dict(elements(data["gradient_bounds"]))
    wanted = [(data["value"], data["bound"]), *((v, 0.0) for _, v in elements(data["inputs"]))]
    wanted += [(v, bounds[name]) for name, v in elements(data["gradients"])]
    for stage in data["stages"]:
        wanted.append((stage["value"], stage["bound"]))
        wanted.append((stage["gradient"], stage["gradient_bound"]))
    for check in data["check"]["inputs"].values():
        wanted.append((check["numeric"], check["bound"]))
    texts = {certain_text(v, e, 17) if e else repr(v).removesuffix(".0") for v, e in wanted}
    assert {word for text in texts for word in text.split()} <= shown
    assert len(wanted) > 20
