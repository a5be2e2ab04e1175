"""The table of an evaluation: its layout at every width, its digits and its colours."""

from __future__ import annotations

import io
import itertools
import re

import numpy as np
import pytest
from eval_reports import (
    LECTURE,
    LIST,
    MANY,
    NASTY,
    WILD,
    Terminal,
    each_report,
    numbers,
    stage,
    written,
)

import gradcli
from gradcli.render.formats import write

WIDTHS = [*range(20, 131), 150, 200]


# -------------------------------------------------------------------- the table


@pytest.mark.parametrize("verbosity", [0, 1])
@pytest.mark.parametrize("report", [LECTURE, WILD, LIST], ids=["lecture", "wild", "list"])
def test_no_number_is_cut_at_any_width(report, verbosity, monkeypatch):
    whole = [repr(n).removesuffix(".0") if verbosity else f"{n:.12g}"
             for n in numbers(report) if n is not None]  # fmt: skip
    for width in WIDTHS:
        monkeypatch.setenv("COLUMNS", str(width))
        words = set(written(report, "table", verbosity=verbosity).split())
        assert words.issuperset(whole), width


def test_no_number_inside_a_text_is_cut_at_any_width(monkeypatch):
    inside = ["12345678901234567890", "0.12345678901234567", "1.7976931348623157e+308",
              "-1.0000000000000002", "0.30000000000000004"]  # fmt: skip
    for width in [*range(1, 20), *WIDTHS]:
        monkeypatch.setenv("COLUMNS", str(width))
        lines = written(LIST, "table").splitlines()
        for number in inside:
            assert any(number in line for line in lines), (width, number)


@pytest.mark.parametrize("verbosity", [0, 1])
def test_lines_fit_the_width_from_40_columns_on(verbosity, monkeypatch):
    for width in range(40, 201):
        monkeypatch.setenv("COLUMNS", str(width))
        for line in written(LIST, "table", verbosity=verbosity).splitlines():
            assert len(line) <= width


def test_a_pipe_is_as_wide_as_the_content_and_columns_is_obeyed(monkeypatch):
    free = written(LIST, "table", verbosity=1)
    assert max(map(len, free.splitlines())) > 120
    monkeypatch.setenv("COLUMNS", "60")
    assert max(map(len, written(LIST, "table").splitlines())) <= 60
    for nonsense in ("", "0", "-5", "wide", "²", "9" * 5000):
        monkeypatch.setenv("COLUMNS", nonsense)
        assert LIST.expression in written(LIST, "table")


def test_expressions_are_folded_before_the_table_is_stacked(monkeypatch):
    natural = max(map(len, written(LIST, "table").splitlines()[2:8]))
    monkeypatch.setenv("COLUMNS", str(natural - 5))
    text = written(LIST, "table")
    assert "stage" in text
    assert "  value" in text
    assert "#1 + #2 + 0.12345678901234567*W[1][0]" not in text
    monkeypatch.setenv("COLUMNS", "40")
    stacked = written(LIST, "table")
    assert "stage" not in stacked.split("\n\n")[1].split("\n")[0]


def test_digits_shown_are_certain_digits():
    def row(bound, **look):
        one = stage("#out", "exp", "exp", "exp(x)", 1234.56789012345678, 1.0, bound=bound)
        report = LECTURE._replace(stages=[one], value=one.value, bound=bound)
        title, _, _, _, line, *_ = written(report, "table", **look).splitlines()
        assert title.split()[-1] == line.split()[3]
        return line.split()[3]

    assert row(None) == row(0.0) == row(1e-12) == "1234.56789012"
    assert row(0.01) == "1234.6"
    assert row(500.0) == "1e+03"
    assert row(5e-12, verbosity=1) == "1234.5678901235"
    assert row(0.0, verbosity=1) == "1234.567890123457"


def test_relative_errors_have_two_digits_and_reasons_stand_below():
    text = written(LIST, "table")
    assert text.count("2.1e-14") == 1
    assert "W[0][0]: the slopes are [-1.0000000000000002," in text
    assert "note: exp overflows at #3" in text


def test_without_a_check_there_are_only_gradients():
    text = written(LIST._replace(check=None), "table")
    assert "verdict" not in text
    assert "numeric" not in text
    assert "W[0][1]  " in text
    assert "0.73105857863  -1.23456789012e-299" in text


def test_200_stages_are_shown_the_named_and_the_output_among_them():
    lines = written(MANY, "table").splitlines()
    assert "... 201 more stages (--all shows them)" in lines
    rows = list(itertools.takewhile(lambda line: not line.startswith("..."), lines[4:]))
    names = [line.split()[0] for line in rows]
    assert len(names) == 200
    assert names == [*(f"#{k}" for k in range(1, 199)), "named", "#out"]
    assert "... " not in written(MANY, "table", show_all=True)
    assert "x + 399" in written(MANY, "table", show_all=True)


def test_a_long_expression_is_shown_in_part_unless_all_is_asked_for():
    long = " + ".join(f"{k}.25*x" for k in range(1000))
    report = LECTURE._replace(stages=[stage("#out", "add", "+", long, 1.0, 1.0)])
    row = written(report, "table").splitlines()[4]
    shown = row.split(" ...")[0].removeprefix("#out   +     ")
    assert long.startswith(shown)
    assert 235 < len(shown) < 260
    assert shown[-1] in "5x*+"
    assert long in written(report, "table", show_all=True)


def test_quiet_leaves_value_and_gradients():
    assert written(LECTURE, "table", verbosity=-1) == "value = -12\ndx = -4\ndy = -4\ndz = 3\n"
    assert "W[1][0] = 1e+22\n" in written(LIST, "table", verbosity=-1)


def test_text_is_never_markup():
    text = written(NASTY, "table")
    assert r"[/red]a[i]:x:\u001b[31m\u001b]0;t\u0007\u202e\u009b\u000d\u000a\u0009`|" in text


@each_report
def test_colour_changes_nothing_but_colour(report):
    colored = written(report, "table", color="always")
    plain = [line.rstrip() for line in re.sub(r"\x1b\[[\d;]*m", "", colored).split("\n")]
    assert "\n".join(plain) == written(report, "table")


def test_colours_follow_the_roles():
    text = written(LIST, "table", color="always")
    assert re.search(r"\x1b\[32m +1e-05\x1b\[0m", text)
    assert re.search(r"\x1b\[31m *-1.23456789012e-299\x1b\[0m", text)
    assert "\x1b[1;31mfail" in text
    assert "\x1b[33mkink" in text
    assert "\x1b[32mpass" in text
    assert "\x1b[35mundefined" in written(WILD, "table", color="always")
    assert "\x1b[31m-4\x1b[0m" in written(LECTURE, "table", color="always", verbosity=-1)
    assert "\x1b[32m-12\x1b[0m" in written(LECTURE, "table", color="always", verbosity=-1)


def test_when_there_are_escapes(monkeypatch):
    def has_escapes(**look):
        return "\x1b" in written(LECTURE, "table", **look)

    assert not has_escapes()
    assert has_escapes(color="always")
    assert has_escapes(out=Terminal())
    assert not has_escapes(out=Terminal(), color="never")
    monkeypatch.setenv("FORCE_COLOR", "1")
    assert has_escapes()
    assert not has_escapes(color="never")
    monkeypatch.delenv("FORCE_COLOR")
    monkeypatch.setenv("NO_COLOR", "1")
    assert "\x1b[32m" not in written(LECTURE, "table", out=Terminal())
    assert has_escapes(color="always")
    monkeypatch.delenv("NO_COLOR")
    monkeypatch.setenv("TERM", "dumb")
    assert not has_escapes(out=Terminal())


# ---------------------------------------------------------------- matrices


def drawn(text, point, **look):
    out = io.StringIO()
    report = gradcli.evaluate(text, point, check=look.pop("check", True))
    write(report, "table", out, color="never", **look)
    return out.getvalue()


def test_a_matrix_stands_on_lines_of_its_own_with_its_columns_aligned():
    text = drawn("sum(2*X)", {"X": [[1.0, -20.5], [300.25, 4.0]]})
    assert "[[    2, -41],  [[1, 1]," in text
    assert " [600.5,   8]]   [1, 1]]" in text


def test_full_shows_a_large_array_once_and_whole():
    x = np.arange(100.0).reshape(10, 10)
    for check in (True, False):
        text = drawn("sum(X**2)", {"X": x}, show_all=True, check=check)
        assert len(re.findall(r"\b9801\b", text)) == 1
        assert "X[9][9]" not in text or check  # each number has a verdict then
    short = drawn("sum(X**2)", {"X": x}, check=False)
    assert "(10, 10) 0 to 9801, norm" in short


def test_elements_of_arrays_print_no_digit_that_is_not_certain():
    text = drawn("y = x + 1e16; z = y - 1e16; f = sum(z)", {"x": "randn(300, 100)"}, check=False)
    assert "f = sum(z) = 0 +- " in text
    assert " +- 2 to " in text
