"""The table of checks: its layout at every width, its order and its colours."""

from __future__ import annotations

import io
import re

import pytest
from check_reports import (
    BROKEN,
    EMPTY,
    EVERY_KIND,
    FAIL,
    GOOD,
    HALVED,
    JUMP,
    KINK,
    LONGEST,
    MANY,
    NASTY,
    SAMPLED,
    SINGLE,
    THREE,
    WILD,
    a_case,
    checked,
    written,
)
from rich.cells import cell_len

from gradcli.render.formats import write_check
from gradcli.reports.checks import CheckReport
from gradcli.reports.lines import LineCheck

# -------------------------------------------------------------------- the table


@pytest.fixture
def table(monkeypatch):
    def table(report, columns=200, **options):
        monkeypatch.setenv("COLUMNS", str(columns))
        return written(report, "table", **options)

    return table


WIDE = """\
error  broken.grad:7:9
found `)`, expected a number
help: write `2*x`

fail  staged.grad:12  (x + y)*z

stage  claim  value  rel. error  verdict
────────────────────────────────────────
f        -12    -12           0  pass

input  claim     numeric  rel. error  verdict
─────────────────────────────────────────────
x        0.5  1 +- 4e-13         0.5  fail
w[0]       3  3 +- 4e-13           0  pass
x, line 16: the claim is 0.5 times the derivative

undefined  jump.grad:4  (x + y)*z

input  gradient  numeric  rel. error  verdict
───────────────────────────────────────────────
x             0      nan         nan  undefined
x: f jumps here: no derivative exists

kink  kink.grad:1  (x + y)*z

input  claim  numeric  rel. error  verdict
──────────────────────────────────────────
x       0.25  [-1, 1]           0  kink
x: left slope -1, right slope 1; 0.25 lies between them

pass  good.grad:1  (x + y)*z

1 error, 1 fail, 1 undefined, 1 kink, 1 pass
"""

STACKED = """\
fail  staged.grad:12  (x + y)*z

stage  claim  value  rel. error  verdict
────────────────────────────────────────
f        -12    -12           0  pass

x
  claim       0.5
  numeric     1 +- 4e-13
  rel. error  0.5
  verdict     fail
w[0]
  claim       3
  numeric     3 +- 4e-13
  rel. error  0
  verdict     pass
x, line 16: the claim is 0.5 times the
  derivative

pass  good.grad:1  (x + y)*z
pass  more.grad:1  (x + y)*z

1 fail, 2 pass
"""


def test_the_table_has_the_worst_first_and_a_line_for_what_passes(table):
    assert table(CheckReport([GOOD, KINK, FAIL, JUMP, BROKEN])) == WIDE


def test_a_narrow_table_is_stacked(table):
    assert table(THREE, 40) == STACKED


def test_a_single_case_is_shown_whole(table):
    text = table(SINGLE)
    assert text.startswith("pass  (x + y)*z\n\ninput  claim")
    assert text.endswith("\n\n1 pass\n")
    assert "1 +- 4e-13" in text


def test_verbose_shows_all_cases_and_all_digits(table):
    text = table(CheckReport([FAIL, GOOD]), verbosity=1)
    assert re.search(r"^y +2 +2 \+- 4e-13 +0 +pass$", text, re.MULTILINE)
    assert str(LONGEST) in table(WILD, verbosity=1)


def test_quiet_has_a_line_for_what_is_not_a_pass(table):
    assert table(THREE, verbosity=-1) == "fail  staged.grad:12  (x + y)*z\n\n1 fail, 2 pass\n"
    assert table(SINGLE, verbosity=-1) == "1 pass\n"


def test_a_table_of_nothing_says_so(table):
    assert table(EMPTY) == "nothing was checked\n"


def test_the_table_shows_a_sampled_point_and_notes(table):
    lines = table(CheckReport([SAMPLED])).splitlines()
    assert lines[-4:] == [
        "at x=0.5, w[0][0]=1, w[0][1]=-1.23456789012e-299, w[1][0]=inf, w[1][1]=-0 "
        "(100 points, seed 7)",
        "note: the seed is 0",
        "",
        "1 fail",
    ]
    large = SAMPLED._replace(point={"w": [1.0] * 100})
    assert "w[19]=1, ... (100" in table(CheckReport([large]))


def test_claimed_and_unclaimed_inputs_have_tables_of_their_own(table):
    unclaimed = checked("z", "pass", None, 3.0)
    text = table(CheckReport([FAIL._replace(inputs={"x": HALVED, "z": unclaimed})]))
    titles = [
        line.split()[:2] for line in text.splitlines() if line.endswith("rel. error  verdict")
    ]
    assert titles == [["stage", "claim"], ["input", "claim"], ["input", "gradient"]]


@pytest.mark.parametrize("report", [EVERY_KIND, WILD, NASTY], ids=["every kind", "wild", "nasty"])
@pytest.mark.parametrize("verbosity", [0, 1])
@pytest.mark.parametrize("columns", [20, 24, 30, 40, 41, 50, 60, 80, 100, 120])
def test_no_number_of_a_table_is_cut(report, columns, verbosity, table):
    if verbosity == 0:
        report = CheckReport([case for case in report.cases if case.verdict != "pass"])
    text = table(report, columns, verbosity=verbosity)
    shown = {*re.findall(r"[^\s,\[\]=]+", text)}
    for check in (check for case in report.cases for check in case.inputs.values()):
        numbers = check.interval or [n for n in (check.claim, check.numeric) if n is not None]
        assert {number_text(n, verbosity) for n in numbers} <= shown
        assert check.interval or check.bound is None or f"{check.bound:.2g}" in shown
    if columns >= 40:
        too_wide = [line for line in text.splitlines() if cell_len(line) > columns]
        assert not too_wide


def number_text(number, verbosity):
    return repr(number).removesuffix(".0") if verbosity else f"{number:.12g}"


def test_a_number_and_its_bound_stand_on_two_lines_where_one_is_too_short(table):
    check = checked("x", "fail", 1.0, -1.23456789012e-05, bound=1.2e-14)
    kink = checked("y", "fail", 1.0, 0.0, interval=[-1.23456789012e-05, 1.23456789012e-05])
    lines = table(CheckReport([a_case("a.grad", "fail", check, kink)]), 40).splitlines()
    assert lines[2:6] == [
        "x",
        "  claim       1",
        "  numeric     -1.23456789012e-05",
        " " * 14 + "+- 1.2e-14",
    ]
    assert " " * 14 + "1.23456789012e-05]" in lines


def test_a_case_of_many_inputs_shows_the_worst(table):
    checks = [checked(f"w{k}", "pass", 1.0, 1.0) for k in range(500)]
    case = a_case("wide.grad", "fail", *checks, HALVED)
    lines = table(CheckReport([case])).splitlines()
    assert lines[4].split()[0] == "x"
    assert "... 301 more (-v shows them)" in lines
    assert table(CheckReport([case]), verbosity=1).count("pass\n") == 500


def test_the_elements_of_a_large_array_that_pass_are_one_row(table):
    checks = [checked(f"w[{k}]", "pass", 1.0, 1.0, element=("w", (k,))) for k in range(500)]
    wrong = checked("w[500]", "fail", 1.0, 2.0, element=("w", (500,)))
    case = a_case("wide.grad", "fail", *checks, wrong, HALVED)
    rows = [line.split() for line in table(CheckReport([case])).splitlines()]
    assert [row[:3] for row in rows if row[-1:] == ["pass"]] == [["500", "of", "w"]]
    assert [row[0] for row in rows if row[-1:] == ["fail"]] == ["w[500]", "x", "1"]
    assert table(CheckReport([case]), verbosity=1).count("pass\n") == 500


def test_a_long_expression_is_shown_in_part_and_its_numbers_whole(table):
    number = "0.12345678901234567"
    long = FAIL._replace(expression=" + ".join(f"{number}*x" for _ in range(99)))
    heading = table(CheckReport([long]), 10_000).splitlines()[0]
    assert heading.endswith(" ...")
    assert len(heading) < 300
    assert {*re.findall(r"[\d.]{3,}", heading.removeprefix("fail  staged.grad:12"))} == {
        number,
        "...",
    }
    assert table(CheckReport([long]), 10_000, verbosity=1).count(number) == 99
    assert table(CheckReport([FAIL._replace(expression="\n" * 999)]))


def test_colours_are_those_of_the_verdicts(table):
    text = table(THREE, color="always")
    assert "\x1b[1;31m1 fail\x1b[0m, \x1b[32m2 pass\x1b[0m\n" in text
    assert "\x1b" not in table(THREE, color="never")


def test_hostile_text_is_harmless_in_a_table(table):
    text = table(NASTY)
    assert "[/red]\\u001b[31m\\u0000\\u0007\\u202e" in text
    assert "\x1b" not in text


def test_few_cases_that_pass_are_a_line_each_and_many_are_counted(table):
    few = CheckReport(MANY.cases[:12])
    assert sum(line.startswith("pass  case") for line in table(few).splitlines()) == 10
    lines = table(MANY).splitlines()
    assert not any(line.startswith("pass  case") for line in lines)
    assert lines[-1] == "50 fail, 250 pass"
    assert table(MANY, verbosity=1).count("pass  case") == 250


class Terminal(io.StringIO):
    def isatty(self):
        return True


def test_on_a_terminal_what_is_wrong_comes_last():
    def headings(out):
        write_check(EVERY_KIND, "table", out, color="never")
        words = [line.partition(" ")[0] for line in out.getvalue().splitlines() if ".grad:" in line]
        return list(dict.fromkeys(words))

    assert headings(io.StringIO())[0] == headings(Terminal())[-1] == "error"
    assert headings(io.StringIO())[-1] == headings(Terminal())[0] == "pass"


def test_arrays_that_pass_fold_where_they_would_hide_the_verdicts_of_lines(table):
    elements = [checked(f"W[{k}]", "pass", 1.0, 1.0, element=("W", (k,))) for k in range(8)]
    elements += [checked(f"x[{k}]", "pass", 1.0, 1.0, element=("x", (k,))) for k in range(8)]
    line = LineCheck("dW", 2, 1, "pass", False, None, 1.0, 1.0, None, None)
    case = a_case("a.grad", "pass", *elements)
    assert "8 of W" not in table(CheckReport([case]))
    beside_lines = case._replace(lines=[line], text="f = W\ndW = 1")
    assert re.search(r"^8 of W .* pass\n8 of x", table(CheckReport([beside_lines])), re.MULTILINE)
    assert "W[7]" in table(CheckReport([beside_lines]), verbosity=1)


def test_a_right_gradient_is_not_red(table):
    assert "\x1b[31m" not in table(CheckReport([GOOD]), color="always")
    assert "\x1b[1;31m" in table(CheckReport([FAIL]), color="always")


def test_an_error_in_a_file_shows_its_line_and_a_caret(table):
    problem = BROKEN.problem._replace(text="f = x + )", column=9)
    text = table(CheckReport([BROKEN._replace(problem=problem)]))
    assert "\n  f = x + )\n          ^\n" in text
