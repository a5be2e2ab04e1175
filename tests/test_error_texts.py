"""Errors as they are shown: place, line, caret and help."""

from __future__ import annotations

import unicodedata

import pytest
from eval_reports import strict

from gradcli.errors import GradcliError, NameFault, ParseError, Span
from gradcli.render.formats import error_dict, error_text, json_text

# -------------------------------------------------------------------- errors


def error_at(text, start, message="unexpected `$`", hint=None, **more):
    return ParseError(message, Span("f.grad", text, start), hint, **more)


def test_an_error_shows_place_line_caret_and_help():
    error = error_at("a = 1\n2x + y\nb", 7, "a number and a name", "write `2*x`")
    assert error_text(error) == (
        "error: f.grad:2:2: a number and a name\n  2x + y\n   ^\n  help: write `2*x`\n"
    )


def test_an_error_without_a_place_is_one_line():
    assert error_text(NameFault("`x` has no value")) == "error: `x` has no value\n"


def test_errors_found_together_are_shown_together():
    error = NameFault("one", also=[NameFault("two", also=[NameFault("three")]), NameFault("four")])
    assert error_text(error) == "error: one\nerror: two\nerror: four\nerror: three\n"


@pytest.mark.parametrize(
    ("text", "cells"),
    [("x $", 2), ("変数 $", 5), ("x\u0301\ufe0f $", 2), ("\tx $", 3), ("ｘ $", 3), ("a\x1bb $", 9)],
)
def test_the_caret_stands_under_the_cell(text, cells):
    _, line, caret = error_text(error_at(text, text.index("$"))).splitlines()
    assert caret == " " * (2 + cells) + "^"
    assert line.isprintable()
    assert line.endswith(" $")


@pytest.mark.parametrize("filling", ["x + ", "変 + ", "\u0301 + ", "\x1b + "])
@pytest.mark.parametrize("start", [0, 3, 4000, 7997])
def test_a_long_line_is_cut_around_the_place(filling, start):
    text = (filling * 2001)[:8000]
    text = text[:start] + "$" + text[start + 1 :]
    _, line, caret = error_text(error_at(text, start)).splitlines()

    def width(s):
        return sum(
            0 if unicodedata.combining(c) else 1 + (unicodedata.east_asian_width(c) == "W")
            for c in s
        )

    assert 40 < width(line) <= 80
    assert width(line[: line.index("$")]) == caret.index("^")
    assert line.startswith("  ...") == (start > 100)
    assert line.endswith("...") == (start < 7000)


def test_the_end_of_the_text_is_a_place():
    assert error_text(error_at("sin(x", 5)).splitlines()[1:] == ["  sin(x", "       ^"]
    assert error_text(error_at("x\n", 2)) == "error: f.grad:2:1: unexpected `$`\n"


@pytest.mark.parametrize("letter", ["x", "変", "\U0001d431", "\u0301", "\x1b", "\U000e0001"])
def test_errors_take_4_kb_at_most(letter):
    long = letter * 100_000
    span = Span(long, long, 50_000)
    error = GradcliError(long, span, long, also=[GradcliError(f"e{k}", span) for k in range(500)])
    text = error_text(error)
    assert len(text.encode()) <= 4096
    shown = sum(line.startswith("error: ") for line in text.splitlines())
    assert text.endswith(f"... and {501 - shown} more errors\n")
    assert all(c.isprintable() for c in text if c != "\n")


def test_errors_that_fit_are_all_shown():
    error = GradcliError("first", also=[GradcliError(f"e{k}") for k in range(100)])
    assert len(error_text(error).splitlines()) == 101


def test_an_error_as_data():
    error = error_at("x $", 2, "found `$`", "take it out", also=[NameFault("`y` has no value")])
    assert error_dict(error) == {
        "schema": "gradcli.error/1",
        "error": {"kind": "syntax", "message": "found `$`", "file": "f.grad", "line": 1,
                  "column": 3, "hint": "take it out"},
        "also": [{"kind": "name", "message": "`y` has no value", "file": None, "line": None,
                  "column": None, "hint": None}],
    }  # fmt: skip
    assert strict(json_text(error_dict(error))) == error_dict(error)
