"""What is written of checks for people and scripts: JSON, lines, rows, and what holds for all formats."""

from __future__ import annotations

import csv
import io
import itertools
import json
import re
import subprocess
import sys
from xml.etree import ElementTree

import pytest
from check_reports import (
    BROKEN,
    EMPTY,
    EVERY_KIND,
    FAIL,
    GOOD,
    KINK,
    LONGEST,
    NASTY,
    REPORTS,
    SINGLE,
    THREE,
    WILD,
    a_case,
    all_reports,
    schema,
    strict,
    written,
)

from gradcli.render.findings import MEANINGS, findings, troubles
from gradcli.render.formats import CHECK_FORMATS, write_check
from gradcli.render.jsonl import case_line
from gradcli.reports.checks import KNOWN, SKIPPED, CheckReport
from gradcli.reports.evaluations import VERDICTS

# -------------------------------------------------------------------- what holds for all formats


@all_reports
@pytest.mark.parametrize("format", CHECK_FORMATS)
def test_a_format_is_whole_lines_of_printable_text(report, format):
    text = written(report, format)
    assert text == "" or text.endswith("\n")
    between = "\t" if format == "plain" else ""
    assert set(re.findall(r"[^\x20-\x7e]", text)) <= {*"\n─é😀", *between}


@pytest.mark.parametrize("format", CHECK_FORMATS)
def test_a_stream_that_knows_only_ascii_is_enough(format):
    out = io.TextIOWrapper(io.BytesIO(), encoding="ascii", newline="\n")
    write_check(NASTY, format, out)
    out.flush()
    assert out.buffer.getvalue().isascii()


def test_only_what_people_read_loads_rich_and_none_loads_the_engine_itself():
    program = (
        "import io, sys; from gradcli.render.formats import CHECK_FORMATS, write_check\n"
        "from gradcli.reports.checks import CheckReport\n"
        "for name in {*CHECK_FORMATS} - {'table', 'latex', 'html'}:\n"
        "    write_check(CheckReport([]), name, io.StringIO())\n"
        "assert not {'rich', 'click', 'numpy', 'mpmath'} & {*sys.modules}, sys.modules\n"
    )
    subprocess.run([sys.executable, "-c", program], check=True)


def test_an_unknown_format_is_a_key_error():
    with pytest.raises(KeyError):
        written(THREE, "odt")


# -------------------------------------------------------------------- findings


def test_a_case_that_its_inputs_do_not_explain_is_a_finding_of_its_own():
    jointly = KINK._replace(verdict="fail", notes=["jointly no subgradient", "a second note"])
    assert [(f.verdict, f.name, f.text) for f in findings(CheckReport([jointly]))][1:] == [
        ("fail", "f", "jointly no subgradient; a second note")
    ]
    silent = a_case("a.grad", "inconclusive")
    assert findings(CheckReport([silent]))[0].text == MEANINGS["inconclusive"]


def test_every_case_has_a_finding_of_its_verdict():
    for report, verdict in itertools.product(REPORTS.values(), VERDICTS):
        for case in report.cases:
            found = findings(CheckReport([case._replace(verdict=verdict)]))
            assert verdict in [finding.verdict for finding in found]


def test_labels_in_a_file_are_distinct():
    twice = CheckReport([FAIL, FAIL._replace(line=30), BROKEN, BROKEN, GOOD])
    labels = [(f.file, f.label) for f in findings(twice)]
    assert len({*labels}) == len(labels)
    assert ("staged.grad", "x") in labels
    assert ("staged.grad", "x (2)") in labels
    assert ("broken.grad", "error (2)") in labels


@all_reports
def test_json_is_one_document_of_its_schema(report):
    text = written(report, "json")
    schema("check").validate(strict(text))
    assert text.count("\n") == 1


def test_json_spells_what_is_not_finite_and_keeps_every_digit():
    inputs = strict(written(WILD, "json"))["cases"][0]["inputs"]
    assert inputs["x"]["claim"] == "-Infinity"
    assert inputs["x"]["interval"] == ["-Infinity", "NaN"]
    assert (inputs["z"]["claim"], inputs["z"]["numeric"]) == (LONGEST, 0.1 + 0.2)


def test_json_of_a_single_expression_has_its_inputs_at_the_top():
    data = strict(written(SINGLE, "json"))
    assert data["inputs"] == data["cases"][0]["inputs"]
    assert "inputs" not in strict(written(CheckReport([GOOD]), "json"))


@all_reports
def test_jsonl_is_the_cases_and_then_the_summary(report):
    *cases, summary = map(strict, written(report, "jsonl").splitlines())
    whole = strict(written(report, "json"))
    assert [case.pop("type") for case in cases] == ["case"] * len(report.cases)
    assert cases == whole["cases"]
    assert summary == {
        "type": "summary", "schema": "gradcli.check/1",
        "verdict": whole["verdict"], "claims": whole["claims"], "summary": whole["summary"],
    }  # fmt: skip


def test_the_line_of_a_case_can_be_had_alone():
    assert written(THREE, "jsonl").startswith(case_line(GOOD) + case_line(FAIL))


@pytest.mark.parametrize("broken", [
    {"verdict": "maybe"}, {"summary": {"pass": 1}}, {"cases": None}, {"schema": "gradcli.check/2"},
])  # fmt: skip
def test_the_schema_refuses_what_is_not_a_report(broken):
    data = {**THREE.as_dict(), **broken}
    assert not schema("check").is_valid(data)


def test_the_schema_refuses_a_bare_nan():
    data = THREE.as_dict()
    data["cases"][0]["inputs"]["x"]["claim"] = "nan"
    assert not schema("check").is_valid(data)


# -------------------------------------------------------------------- concise


def test_concise_says_what_is_not_in_order_and_counts():
    assert written(THREE, "concise") == (
        "staged.grad:16:5: fail x: claim 0.5, derivative 1 +- 4e-13: "
        "the claim is 0.5 times the derivative\n"
        "3 cases: 1 fail, 2 pass\n"
    )


def test_concise_has_the_worst_first():
    lines = written(EVERY_KIND, "concise").splitlines()
    fail = "fail x: claim 0.5, derivative 1 +- 4e-13: the claim is 0.5 times the derivative"
    assert lines == [
        "broken.grad:7:9: error: found `)`, expected a number",
        f"staged.grad:16:5: {fail}",
        f"sampled.grad:1:1: {fail}",
        "jump.grad:4:1: undefined x: gradient 0, derivative nan: "
        "f jumps here: no derivative exists",
        "torn.grad:3:1: inconclusive x: gradient 1.5: more digits are needed than there are",
        "7 cases: 1 error, 2 fail, 1 undefined, 1 inconclusive, 1 kink, 1 pass",
    ]  # fmt: skip


def test_concise_and_verbose_has_every_input():
    lines = written(EVERY_KIND, "concise", verbosity=1).splitlines()
    assert lines[:5] == written(EVERY_KIND, "concise").splitlines()[:5]
    assert lines[5:] == [
        "kink.grad:1:1: kink x: claim 0.25, one-sided slopes -1 and 1: "
        "left slope -1, right slope 1; 0.25 lies between them",
        "good.grad:1:1: pass x: claim 1, derivative 1 +- 4e-13: relative error 0",
        "good.grad:1:1: pass y: claim 2, derivative 2 +- 4e-13: relative error 0",
        "staged.grad:15:1: pass w[0]: claim 3, derivative 3 +- 4e-13: relative error 0",
        "staged.grad:20:1: pass f: claim -12, value -12: relative error 0",
        "7 cases: 1 error, 2 fail, 1 undefined, 1 inconclusive, 1 kink, 1 pass",
    ]  # fmt: skip


def test_concise_of_nothing_says_so():
    assert written(EMPTY, "concise") == "0 cases: nothing was checked\n"
    assert written(SINGLE, "concise") == "1 case: 1 pass\n"


def test_concise_has_all_digits_of_a_number():
    assert f"claim {LONGEST}, derivative 0.30000000000000004" in written(
        WILD, "concise", verbosity=1
    )


def test_a_finding_is_one_line_whatever_is_in_it():
    lines = written(NASTY, "concise").split("\n")
    assert len(lines) == 4
    assert r"\u001b[31m\u0000\u0007\u202e\u0085\ufffe\ud800\u000d\u000a\u0009`|<b>" in lines[0]


# -------------------------------------------------------------------- rows, TAP, rdjson


def test_csv_has_a_row_for_every_verdict():
    rows = [*csv.DictReader(io.StringIO(written(EVERY_KIND, "csv")))]
    assert {row["verdict"] for row in rows} >= {"pass", "kink", "fail", "error"}
    (x,) = [row for row in rows if row["file"] == "staged.grad" and row["name"] == "x"]
    assert (x["kind"], x["claim"], x["expected"], x["relative_error"]) == (
        "input",
        "0.5",
        "1.0",
        "0.5",
    )
    (broken,) = [row for row in rows if row["file"] == "broken.grad"]
    assert (broken["kind"], broken["verdict"], broken["line"]) == ("case", "error", "7")


def test_plain_rows_are_those_of_csv():
    plain = [line.split("\t") for line in written(THREE, "plain").splitlines()]
    assert plain == [*csv.reader(io.StringIO(written(THREE, "csv")))][1:]


def test_markdown_is_a_table_below_the_count():
    lines = written(THREE, "markdown").splitlines()
    assert lines[0] == "3 cases: 1 fail, 2 pass"
    assert all(line.count("|") == lines[2].count("|") for line in lines[2:])


def test_tap_has_a_point_for_every_finding():
    lines = written(EVERY_KIND, "tap").splitlines()
    points = [line for line in lines if re.match(r"(not )?ok ", line)]
    assert lines[:2] == ["TAP version 14", f"1..{len(points)}"]
    assert sum(line.startswith("not ok") for line in points) == len(troubles(EVERY_KIND))
    assert lines.count("  ---") == lines.count("  ...") == len(troubles(EVERY_KIND))


def test_tap_skips_what_follows_from_a_wrong_line_and_not_what_is_right(gradcli, tmp_path):
    (tmp_path / "a.grad").write_text("x = 3; y = -4\nf = x*y\ndx = x\ndy = x\n")
    points = [line for line in gradcli("check", "a.grad", "--format", "tap").out.splitlines()
              if re.match(r"(not )?ok ", line)]  # fmt: skip
    assert points[:2] == ["not ok 1 - a.grad dx", "ok 2 - a.grad dy"]
    assert points[2].startswith("ok 3 - a.grad x # SKIP claim 3, derivative -4")
    assert points[3:] == ["ok 4 - a.grad y"]


def test_rdjson_has_every_trouble_at_its_place():
    document = json.loads(written(EVERY_KIND, "rdjson"))
    first = document["diagnostics"][0]
    assert len(document["diagnostics"]) == len(troubles(EVERY_KIND))
    assert first["location"] == {
        "path": "broken.grad",
        "range": {"start": {"line": 7, "column": 9}},
    }
    assert first["severity"] == "ERROR"


def test_junit_has_the_time_that_was_measured():
    timed = CheckReport([GOOD._replace(seconds=0.25), FAIL._replace(seconds=1.5)])
    root = ElementTree.fromstring(written(timed, "junit"))
    assert root.get("time") == "1.750"
    assert [suite.get("time") for suite in root] == ["0.250", "1.500"]
    assert ElementTree.fromstring(written(THREE, "junit")).get("time") is None


# -------------------------------------------------------------------- what does not count


def test_what_is_skipped_or_known_is_no_trouble():
    skipped = a_case("a.grad", "inconclusive")._replace(excuse=SKIPPED, notes=["skipped: later"])
    report = CheckReport([GOOD, FAIL._replace(excuse=KNOWN), skipped])
    assert troubles(report) == []
    assert (report.verdict, report.standing) == ("pass", "pass")
    assert {"known": 1, "skipped": 1}.items() <= report.summary.items()
    cases = ElementTree.fromstring(written(report, "junit")).iter("testcase")
    assert "later" in [case.find("skipped").get("message") for case in cases if len(case)][-1]
    assert written(report, "concise").splitlines() == ["3 cases: 1 known, 1 skipped, 1 pass"]
