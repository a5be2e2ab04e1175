"""Reports and errors as text: built by hand, written in every format, read back."""

from __future__ import annotations

import csv
import io
import json
import math
import subprocess
import sys
from pathlib import Path

import pytest
from eval_reports import (
    LECTURE,
    LIST,
    LONGEST,
    MANY,
    WILD,
    Terminal,
    each_report,
    stage,
    strict,
    written,
)
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import gradcli
from gradcli.render import progress
from gradcli.render.formats import FORMATS, json_text, write
from gradcli.render.strict_json import json_blocks

GOLDEN = Path(__file__).parent / "golden"
each_format = pytest.mark.parametrize("name", FORMATS)


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
