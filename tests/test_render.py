"""Reports and errors as text: built by hand, written in every format, read back."""

from __future__ import annotations

import csv
import io
import itertools
import json
import math
import re
import subprocess
import sys
import unicodedata
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import gradcli
from gradcli.errors import GradcliError, NameFault, ParseError, Span
from gradcli.render import progress
from gradcli.render.formats import FORMATS, error_dict, error_text, json_text, write
from gradcli.render.strict_json import json_blocks
from gradcli.reports.evaluations import Check, EvalReport, InputCheck, Stage

GOLDEN = Path(__file__).parent / "golden"
WIDTHS = [*range(20, 131), 150, 200]
LONGEST = -1.2345678901234567e-299  # 24 characters

# -------------------------------------------------------------------- reports


def stage(name, gate, label, expression, *numbers, is_named=False, bound=None):
    """A stage of which `numbers` are value and gradient."""
    return Stage(name, gate, label, expression, [], *numbers, None, 1, 1, is_named, bound)


def passed(name, slope, error=0.0):
    return InputCheck(name, "pass", "smooth", slope, slope, 1e-13, error, None, None)


LECTURE = EvalReport(
    expression="(x + y)*z",
    output="#out",
    value=-12.0,
    inputs={"x": -2.0, "y": 5.0, "z": -4.0},
    gradients={"x": -4.0, "y": -4.0, "z": 3.0},
    stages=[
        Stage("q", "add", "+", "x + y", ["x", "y"], 3.0, -4.0, [1.0, 1.0], 1, 2, True),
        Stage("#out", "mul", "*", "q*z", ["q", "z"], -12.0, 1.0, [-4.0, 3.0], 1, 6, False),
    ],
    check=Check("pass", {"x": passed("x", -4.0), "y": passed("y", -4.0), "z": passed("z", 3.0)}),
    notes=["the seed is 0"],
)

WILD = EvalReport(
    expression="exp(x)*0 + k",
    output="f",
    value=math.nan,
    inputs={"x": math.inf, "k": 0.1 + 0.2},
    gradients={"x": -math.inf},
    stages=[
        stage("#1", "exp", "exp", "exp(x)", math.inf, -0.0),
        stage("#2", "copy", "=", "k", 0.1 + 0.2, None),
        stage("f", "add", "+", "exp(x)*0 + k", math.nan, 1.0, is_named=True),
    ],
    check=Check(
        "undefined",
        {
            "x": InputCheck(
                "x", "undefined", "nan", -math.inf, math.nan, None, math.nan, None, "it is NaN"
            )
        },
    ),
    notes=[],
)

LIST = EvalReport(
    expression="w[0]*W[0][1] + 12345678901234567890*w[1] + 0.12345678901234567*W[1][0]",
    output="f",
    value=1234567.8901234567,
    inputs={"w": [2.0, LONGEST], "W": [[0.1, 0.7310585786300049], [-0.0, 3.0]]},
    gradients={"w": [1 / 3, 2 / 3], "W": [[-1 / 3, LONGEST], [1e22, 1.0]]},
    stages=[
        stage("#1", "mul", "*", "w[0]*W[0][1]", LONGEST, 1 / 7),
        stage("#2", "mul", "*12345678901234567890", "12345678901234567890*w[1]", 1e-5, LONGEST),
        stage("long_name_of_a_stage", "tanh", "tanh", "tanh(w[0] + W[1][1])", 0.7, None),
        stage("f", "add", "+", "#1 + #2 + 0.12345678901234567*W[1][0]", 1234567.8901234567, 1.0),
    ],
    check=Check(
        "fail",
        {
            "w[0]": passed("w[0]", 1 / 3, 2.123e-14)._replace(element=("w", (0,))),
            "w[1]": InputCheck(
                "w[1]", "fail", "smooth", 2 / 3, 1 / 3, 1e-9, 0.5, None, None, element=("w", (1,))
            ),
            "W[0][0]": InputCheck(
                "W[0][0]", "kink", "kink", -1 / 3, 0.2, None, None, [-1.0, 0.25],
                "the slopes are [-1.0000000000000002,0.30000000000000004] and the claim is between",
                element=("W", (0, 0)),
            ),
            "W[0][1]": InputCheck(
                "W[0][1]", "inconclusive", None, LONGEST, None, None, None, None, None,
                element=("W", (0, 1)),
            ),
        },
    ),
    notes=["exp overflows at #3: plain float64 gives nan; use 1.7976931348623157e+308"],
)  # fmt: skip

HOSTILE = "[/red]a[i]:x:\x1b[31m\x1b]0;t\x07\u202e\x9b\r\n\t`|<b>\ud800"
NASTY = LECTURE._replace(
    expression=HOSTILE,
    inputs={HOSTILE: 1.0},
    gradients={HOSTILE: 2.0},
    stages=[stage(HOSTILE, HOSTILE, HOSTILE, HOSTILE, 1.0, 2.0)],
    check=Check("pass", {HOSTILE: passed(HOSTILE, 2.0)._replace(reason=HOSTILE)}),
    notes=[HOSTILE],
)

MANY = LECTURE._replace(
    stages=[
        *(stage(f"#{k}", "add", "+", f"x + {k}", float(k), 1.0) for k in range(1, 300)),
        stage("named", "exp", "exp", "exp(x)", 1.0, 1.0, is_named=True),
        *(stage(f"#{k}", "add", "+", f"x + {k}", float(k), 1.0) for k in range(300, 400)),
        stage("#out", "mul", "*", "q*z", -12.0, 1.0),
    ]
)

REPORTS = {"lecture": LECTURE, "wild": WILD, "list": LIST, "nasty": NASTY, "many": MANY}
each_report = pytest.mark.parametrize("report", REPORTS.values(), ids=REPORTS)
each_format = pytest.mark.parametrize("name", FORMATS)


class Terminal(io.StringIO):
    def isatty(self):
        return True


def written(report, name, out=None, **look):
    out = out or io.StringIO()
    write(report, name, out, **look)
    return out.getvalue()


def strict(text):
    def refuse(word):
        raise ValueError(word)

    return json.loads(text, parse_constant=refuse)


def numbers(report):
    yield report.value
    for s in report.stages:
        yield from (s.value, s.gradient)
    pending = [*report.inputs.values(), *report.gradients.values()]
    for number in pending:
        if isinstance(number, list):
            pending.extend(number)
        else:
            yield number
    for check in report.check.inputs.values() if report.check else ():
        yield check.numeric


# -------------------------------------------------------------------- all formats


def test_the_formats_are_these():
    assert list(FORMATS) == ["table", "plain", "json", "jsonl", "csv", "markdown", "latex", "html"]


@each_format
def test_the_lecture_circuit_reads_as_in_the_golden_file(name):
    assert written(LECTURE, name) == (GOLDEN / f"lecture.{name}").read_text("utf-8")


def test_the_stacked_table_reads_as_in_the_golden_file(monkeypatch):
    monkeypatch.setenv("COLUMNS", "40")
    assert written(LIST, "table") == (GOLDEN / "list.stacked").read_text("utf-8")


@each_format
@each_report
def test_output_ends_in_one_newline_and_holds_no_unseen_character(name, report):
    text = written(report, name)
    assert text.endswith("\n")
    assert not text.endswith("\n\n")
    assert all(c.isprintable() for c in text if c not in "\n\t")
    assert "\t" not in text or name == "plain"


@each_format
@settings(max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(text=st.text(st.characters(), min_size=1))
def test_no_text_upsets_a_format(name, text):
    report = LECTURE._replace(
        expression=text,
        notes=[text],
        stages=[stage(text, text, text, text, 1.0, 1.0)],
        inputs={text: 1.0},
        gradients={text: 2.0},
        check=None,
    )
    out = written(report, name)
    assert all(c.isprintable() for c in out if c not in "\n\t")
    assert len(out.split("\n")) == len(written(report._replace(notes=["n"]), name).split("\n"))


def test_a_table_for_ascii_has_the_same_layout():
    out = io.TextIOWrapper(io.BytesIO(), "ascii", newline="")
    write(LECTURE, "table", out)
    out.flush()
    text = out.buffer.getvalue().decode("ascii")
    assert text == written(LECTURE, "table").replace("\u2500", "-")


@each_format
def test_a_stream_that_knows_only_ascii_gets_escapes(name):
    raw = io.BytesIO()
    out = io.TextIOWrapper(raw, "ascii", newline="")
    report = LECTURE._replace(stages=[stage("σ", "exp", "σ", "σ(é)", 1.0, 2.0)])
    write(report, name, out)
    out.flush()
    assert (rb"$\sigma$" if name == "latex" else rb"\u03c3") in raw.getvalue()
    assert len(raw.getvalue().splitlines()) == len(written(report, name).splitlines())


def test_a_reader_that_went_away_is_reported_to_the_caller():
    class Gone(io.StringIO):
        def write(self, text):
            raise BrokenPipeError

    for name in FORMATS:
        with pytest.raises(BrokenPipeError):
            write(LECTURE, name, Gone())


def test_only_the_table_loads_rich_and_nothing_is_loaded_before_it_is_used():
    code = """
import sys, io
sys.path.insert(0, sys.argv[1])
import gradcli
before = set(sys.modules)
from gradcli.render.formats import write
from gradcli.reports.evaluations import EvalReport
late = {"json", "csv"} - before
assert not late & set(sys.modules), late & set(sys.modules)
report = EvalReport("x", "#out", 1.0, {"x": 1.0}, {"x": 1.0}, [], None, [])
for name in ("json", "jsonl", "csv", "plain", "markdown"):
    write(report, name, io.StringIO())
assert not {"rich", "numpy", "click", "mpmath"} & set(sys.modules)
write(report, "table", io.StringIO())
assert "rich" in sys.modules and not {"numpy", "click"} & set(sys.modules)
"""
    root = Path(gradcli.__file__).parent.parent
    subprocess.run([sys.executable, "-I", "-c", code, str(root)], check=True)


# -------------------------------------------------------------------- machine formats


@each_report
def test_json_is_strict_and_whole(report):
    text = written(report, "json")
    data = strict(text)
    assert next(iter(data)) == "schema"
    assert data["schema"] == "gradcli.eval/1"
    assert text.count("\n") == 1
    assert text.isascii()
    assert [s["name"] for s in data["stages"]] == [s.name for s in report.stages]
    assert data["notes"] == report.notes


def test_json_spells_what_is_not_finite_and_keeps_every_bit():
    data = strict(written(WILD, "json"))
    assert data["value"] == "NaN"
    assert data["finite"] is False
    assert data["inputs"] == {"x": "Infinity", "k": 0.30000000000000004}
    assert data["gradients"] == {"x": "-Infinity"}
    assert math.copysign(1, data["stages"][0]["gradient"]) == -1
    assert data["stages"][1]["gradient"] is None
    assert data["check"]["inputs"]["x"]["numeric"] == "NaN"


def test_json_of_large_arrays_comes_in_blocks():
    data = {"a": [[k / 7 for k in range(20_000)], [math.inf] * 20_000], "b": ["é"]}
    blocks = [*json_blocks(data)]
    assert "".join(blocks) == json_text(data) == json.dumps(
        {"a": [data["a"][0], ["Infinity"] * 20_000], "b": ["é"]}
    ) + "\n"  # fmt: skip
    assert max(map(len, blocks)) < 300_000


def test_json_text_takes_tuples_and_nested_lists():
    assert json_text({"a": (1.0, [math.inf, (-math.inf,)], None)}) == (
        '{"a": [1.0, ["Infinity", ["-Infinity"]], null]}\n'
    )


@each_report
def test_jsonl_has_a_document_a_line(report):
    lines = [strict(line) for line in written(report, "jsonl").splitlines()]
    checks = report.check.inputs
    assert [line["type"] for line in lines] == [
        "result", *["stage"] * len(report.stages), *["check"] * len(checks),
        *["note"] * len(report.notes),
    ]  # fmt: skip
    whole = strict(written(report, "json"))
    assert lines[0] == {
        "type": "result",
        **{k: whole[k] for k in whole if k not in ("stages", "check", "notes")},
        "verdict": report.check.verdict,
    }
    assert lines[1] == {"type": "stage", **whole["stages"][0]}


def test_jsonl_without_a_check_has_no_verdict():
    first, *rest = written(LECTURE._replace(check=None), "jsonl").splitlines()
    assert strict(first)["verdict"] is None
    assert all(strict(line)["type"] != "check" for line in rest)


@each_report
def test_csv_is_read_back_by_the_csv_module(report):
    rows = list(csv.DictReader(io.StringIO(written(report, "csv"), newline="")))
    stages = [row for row in rows if row["kind"] == "stage"]
    assert len(stages) == len(report.stages)
    for row, s in zip(stages, report.stages, strict=True):
        assert repr(float(row["value"])) == repr(s.value)
        assert row["gradient"] == ("" if s.gradient is None else repr(s.gradient))
    assert all(None not in row and None not in row.values() for row in rows)


def test_csv_has_a_row_for_every_element_of_a_list():
    rows = csv.DictReader(io.StringIO(written(LIST, "csv")))
    rows = {row["name"]: row for row in rows if row["kind"] == "input"}
    assert list(rows) == ["w[0]", "w[1]", "W[0][0]", "W[0][1]", "W[1][0]", "W[1][1]"]
    assert float(rows["w[1]"]["value"]) == LONGEST
    assert rows["w[1]"]["verdict"] == "fail"
    assert rows["w[1]"]["relative_error"] == "0.5"
    assert rows["W[1][1]"]["gradient"] == "1.0"
    assert rows["W[1][1]"]["verdict"] == ""


@pytest.mark.parametrize("first", ["=", "+", "-", "@", "\t", "\r"])
def test_csv_texts_are_no_formulas_only_for_a_spreadsheet(first):
    report = LECTURE._replace(stages=[stage("a", "neg", "-", f"{first}x", -3.0, -1.0)])
    row = next(csv.DictReader(io.StringIO(written(report, "csv", is_for_spreadsheet=True))))
    assert row["expression"].startswith("'")
    assert (row["value"], row["gradient"]) == ("-3.0", "-1.0")
    row = next(csv.DictReader(io.StringIO(written(report, "csv"))))
    assert not row["expression"].startswith("'")


def test_plain_lines_have_a_fixed_number_of_cells():
    lines = [line.split("\t") for line in written(WILD, "plain").splitlines()]
    assert lines == [
        ["stage", "#1", "exp", "exp(x)", "inf", "-0.0"],
        ["stage", "#2", "=", "k", "0.30000000000000004", ""],
        ["stage", "f", "+", "exp(x)*0 + k", "nan", "1.0"],
        ["input", "x", "inf", "-inf", "nan", "nan", "undefined"],
        ["input", "k", "0.30000000000000004", "", "", "", ""],
        ["value", "nan"],
    ]


def test_markdown_cells_are_escaped():
    report = LECTURE._replace(stages=[stage("a|b", "f", "`", "x``y", 1.0, None)])
    row = written(report, "markdown").splitlines()[4]
    assert row == r"| `a\|b` | `` ` `` | ``` x``y ``` | 1.0 |  |"


@pytest.mark.parametrize("name", ["plain", "json", "jsonl", "csv", "markdown"])
def test_machine_formats_are_whole(name):
    text = written(MANY, name)
    assert all(f"x + {k}" in text for k in range(1, 400))


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


# -------------------------------------------------------------------- progress


def test_progress_hands_everything_on_and_is_silent_off_a_terminal():
    out = io.StringIO()
    assert list(progress.progress(iter("abc"), 3, "checking", out)) == ["a", "b", "c"]
    assert out.getvalue() == ""


def test_progress_shows_a_bar_on_a_terminal_once_it_takes_long(monkeypatch):
    quick, slow = Terminal(), Terminal()
    monkeypatch.setattr(progress, "PATIENCE", math.inf)
    assert list(progress.progress(iter("abc"), 3, "checking", quick)) == ["a", "b", "c"]
    assert quick.getvalue() == ""
    monkeypatch.setattr(progress, "PATIENCE", -1.0)
    assert list(progress.progress(iter("abc"), 3, "checking", slow)) == ["a", "b", "c"]
    assert "checking" in slow.getvalue()


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
