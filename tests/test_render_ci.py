"""The report of `check`: built by hand, written in every CI format, read back by its readers."""

from __future__ import annotations

import csv
import io
import itertools
import json
import math
import re
import subprocess
import sys
from pathlib import Path
from urllib.parse import unquote
from xml.etree import ElementTree

import jsonschema
import junitparser
import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

import gradcli
from gradcli.render.findings import MEANINGS, findings, troubles
from gradcli.render.formats import CHECK_FORMATS, write_check
from gradcli.render.github import MOST_ROWS_OF_SUMMARY, summary_markdown
from gradcli.render.jsonl import case_line
from gradcli.reports.checks import KNOWN, SKIPPED, Case, CheckReport, Problem
from gradcli.reports.evaluations import VERDICTS, InputCheck
from gradcli.reports.lines import LineCheck
from gradcli.reports.schemas import SCHEMAS as OWN_SCHEMAS
from gradcli.reports.schemas import schema_text

SCHEMAS = Path(__file__).parent / "schemas"
LONGEST = -1.2345678901234567e-299  # 24 characters
ALARMING = ("error", "fail", "undefined", "inconclusive")

# -------------------------------------------------------------------- reports


def checked(name, verdict, claim, numeric, *, bound=4e-13, error=0.0, kind="smooth", **known):
    known = {"interval": None, "reason": None, "analytic": numeric, **known}
    return InputCheck(
        name,
        verdict,
        kind,
        numeric=numeric,
        bound=bound,
        relative_error=error,
        claim=claim,
        **known,
    )


def a_case(file, verdict, *checks, line=1, expression="(x + y)*z", **known):
    known = {"values": [], "notes": [], "warnings": [], "places": {}, **known}
    return Case(file, line, expression, "f", verdict, {c.name: c for c in checks}, **known)


def written(report, format, **options):
    out = io.StringIO()
    write_check(report, format, out, **options)
    return out.getvalue()


HALVED = checked(
    "x", "fail", 0.5, 1.0, error=0.5, reason="the claim is 0.5 times the derivative"
)  # fmt: skip
GOOD = a_case("good.grad", "pass", checked("x", "pass", 1.0, 1.0), checked("y", "pass", 2.0, 2.0))
FAIL = a_case(
    "staged.grad", "fail", checked("w[0]", "pass", 3.0, 3.0, element=("w", (0,))), HALVED,
    line=12, places={"w": (15, 1), "x": (16, 5), "f": (20, 1)},
    values=[checked("f", "pass", -12.0, -12.0, bound=None, kind=None)],
)  # fmt: skip
KINK = a_case(
    "kink.grad", "kink",
    checked("x", "kink", 0.25, 0.25, bound=0.0, kind="kink", interval=[-1.0, 1.0],
            reason="left slope -1, right slope 1; 0.25 lies between them"),
)  # fmt: skip
TORN = a_case(
    "torn.grad", "inconclusive",
    checked("x", "inconclusive", None, None, bound=None, error=None, kind=None, analytic=1.5,
            reason="more digits are needed than there are"),
    line=3,
)  # fmt: skip
JUMP = a_case(
    "jump.grad", "undefined",
    checked("x", "undefined", None, math.nan, bound=None, error=math.nan, kind="jump",
            analytic=0.0, reason="f jumps here: no derivative exists"),
    line=4,
)  # fmt: skip
BROKEN = a_case(
    "broken.grad", "error", line=7, expression="",
    problem=Problem("syntax", "found `)`, expected a number", 7, 9, "write `2*x`"),
)  # fmt: skip
SAMPLED = a_case(
    "sampled.grad", "fail", HALVED, notes=["the seed is 0"],
    points=100, seed=7, point={"x": 0.5, "w": [[1.0, LONGEST], [math.inf, -0.0]]},
)  # fmt: skip

EVERY_KIND = CheckReport([GOOD, TORN, KINK, FAIL, JUMP, BROKEN, SAMPLED])
THREE = CheckReport([GOOD, FAIL, GOOD._replace(file="more.grad")])
SINGLE = CheckReport([GOOD._replace(file="<expression>")])
EMPTY = CheckReport([])

WILD = CheckReport([
    a_case("wild.grad", "fail",
           checked("x", "fail", -math.inf, math.inf, bound=None, error=math.nan, kind="infinite",
                   interval=[-math.inf, math.nan]),
           checked("y", "fail", math.nan, LONGEST, bound=math.inf, error=math.nan),
           checked("z", "pass", LONGEST, 0.1 + 0.2, bound=0.0, error=1e-300)),
])  # fmt: skip

HOSTILE = "a,b:c%0A::error::[/red]\x1b[31m\x00\x07\u202e\x85\ufffe\ud800\r\n\t`|<b>&\"' é😀"
NASTY = CheckReport([
    a_case(HOSTILE, "fail", HALVED._replace(name=HOSTILE, reason=HOSTILE), expression=HOSTILE,
           notes=[HOSTILE], warnings=[HOSTILE]),
    BROKEN._replace(file=HOSTILE, problem=Problem(HOSTILE, HOSTILE, None, None, HOSTILE)),
])  # fmt: skip

PASSED = HALVED._replace(verdict="pass")
MANY = CheckReport([  # 50 fail, the worst is case294.grad
    a_case(f"case{k}.grad", "fail", HALVED._replace(relative_error=k / 300))
    if k % 6 == 0 else a_case(f"case{k}.grad", "pass", PASSED)
    for k in range(300)
])  # fmt: skip

REPORTS = {
    "every kind": EVERY_KIND, "three": THREE, "single": SINGLE, "empty": EMPTY, "wild": WILD,
    "nasty": NASTY, "many": MANY,
}  # fmt: skip
all_reports = pytest.mark.parametrize("report", REPORTS.values(), ids=REPORTS)


def schema(name):
    own = schema_text(name) if name in OWN_SCHEMAS else (SCHEMAS / name).read_text()
    return jsonschema.Draft202012Validator(json.loads(own))


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


# -------------------------------------------------------------------- json and jsonl


def strict(text):
    def refuse(constant):
        raise ValueError(constant)

    return json.loads(text, parse_constant=refuse)


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


# -------------------------------------------------------------------- github


def read_command(line):
    """A workflow command as the runner reads it: its name, its properties and its message."""
    head, message = re.fullmatch(r"::(.*?)::(.*)", line).groups()
    name, _, pairs = head.partition(" ")
    properties = dict(pair.split("=", 1) for pair in pairs.split(",") if pair)
    for code, mark in {"%0D": "\r", "%0A": "\n", "%3A": ":", "%2C": ",", "%25": "%"}.items():
        properties = {key: value.replace(code, mark) for key, value in properties.items()}
        if mark not in ":,":
            message = message.replace(code, mark)
    return name, properties, message


def workflow_commands(report):
    """The commands, without the count that ends them."""
    *commands, count = written(report, "github").splitlines()
    assert re.fullmatch(r"gradcli: \d+ cases?: .*", count)
    return commands


def test_github_ends_with_the_count_also_where_all_is_well():
    assert written(CheckReport([GOOD]), "github") == "gradcli: 1 case: 1 pass\n"
    assert written(THREE, "github").endswith("\ngradcli: 3 cases: 1 fail, 2 pass\n")


def test_github_commands_as_they_are_written():
    first, second, _, _, last = workflow_commands(EVERY_KIND)
    assert first == (
        "::error file=broken.grad,line=7,col=9,title=gradcli%3A error"
        "::found `)`, expected a number%0Ahelp: write `2*x`"
    )
    assert second == (
        "::error file=staged.grad,line=16,col=5,title=gradcli%3A fail x"
        "::claim 0.5, derivative 1 +- 4e-13: the claim is 0.5 times the derivative"
    )
    assert last.startswith("::warning file=torn.grad,line=3,col=1,title=gradcli%3A inconclusive x")


def test_github_levels():
    commands = map(read_command, workflow_commands(EVERY_KIND))
    assert [(name, properties["title"].split()[1]) for name, properties, _ in commands] == [
        ("error", "error"), ("error", "fail"), ("error", "fail"),
        ("warning", "undefined"), ("warning", "inconclusive"),
    ]  # fmt: skip


def test_github_shows_a_sampled_point_and_notes_on_lines_of_their_own():
    message = read_command(workflow_commands(CheckReport([SAMPLED]))[0])[2]
    assert message.split("\n")[1:] == [
        f"at x=0.5, w[0][0]=1, w[0][1]={LONGEST}, w[1][0]=inf, w[1][1]=-0",
        "note: the seed is 0",
    ]


def test_github_properties_and_messages_survive_commas_colons_percents_and_line_ends():
    lines = workflow_commands(NASTY)
    assert len(lines) == 2
    for line in lines:
        name, properties, message = read_command(line)
        assert name == "error"
        assert set(properties) == {"file", "line", "col", "title"}
        assert properties["file"].startswith("a,b:c%0A::error::[/red]")
        assert "\r\n\\u0009`|<b>&\"' é😀" in properties["file"]
        assert properties["title"].startswith("gradcli: ")
        assert "a,b:c%0A::error::" in message


def test_github_has_the_ten_worst_and_then_a_number():
    *commands, last = workflow_commands(MANY)
    files = [read_command(command)[1]["file"] for command in commands]
    assert files == [f"case{k}.grad" for k in range(294, 234, -6)]
    assert last == "::notice::and 40 more"


@pytest.mark.parametrize(("fails", "lines"), [(0, 0), (1, 1), (10, 10), (11, 11), (47, 11)])
def test_github_says_how_many_are_left_out_only_if_there_are(fails, lines):
    report = CheckReport([FAIL] * fails + [GOOD, KINK])
    found = workflow_commands(report)
    assert len(found) == lines
    if fails > 10:
        assert found[-1] == f"::notice::and {fails - 10} more"


def test_an_error_without_end_is_worse_than_any_number():
    endless = HALVED._replace(relative_error=math.nan)
    report = CheckReport([a_case("a.grad", "fail", HALVED), a_case("b.grad", "fail", endless)])
    assert written(report, "github").startswith("::error file=b.grad")


def test_the_job_summary_is_a_table_of_what_is_not_in_order():
    assert summary_markdown(CheckReport([GOOD, FAIL, BROKEN])) == (
        "### gradcli: error\n"
        "\n"
        "3 cases: 1 error, 1 fail, 1 pass\n"
        "\n"
        "| verdict | place | name | what was found |\n"
        "| --- | --- | --- | --- |\n"
        "| error | `broken.grad:7:9` |  | `` found `)`, expected a number `` |\n"
        "| fail | `staged.grad:16:5` | `x` | `claim 0.5, derivative 1 +- 4e-13: "
        "the claim is 0.5 times the derivative` |\n"
    )
    assert summary_markdown(SINGLE) == "### gradcli: pass\n\n1 case: 1 pass\n"


def test_the_job_summary_holds_four_cells_a_row_whatever_is_in_them():
    rows = [row for row in summary_markdown(NASTY).splitlines() if row.startswith("|")]
    assert [len(re.findall(r"(?<!\\)\|", row)) for row in rows] == [5, 5, 5, 5]


def test_the_job_summary_is_bounded():
    report = CheckReport([FAIL] * (MOST_ROWS_OF_SUMMARY + 7))
    assert summary_markdown(report).endswith(" |\n\nand 7 more\n")


# -------------------------------------------------------------------- junit


@all_reports
def test_junit_counts_are_right_and_two_readers_agree(report):
    text = written(report, "junit")
    root = ElementTree.fromstring(text)
    suites = list(junitparser.JUnitXml.fromstring(text.encode()))
    assert len(suites) == len(root) == len({case.file for case in report.cases})
    total = {"tests": 0, "failures": 0, "errors": 0}
    for suite, element in zip(suites, root, strict=True):
        counted = {
            "tests": len(list(suite)),
            "failures": len(element.findall("testcase/failure")),
            "errors": len(element.findall("testcase/error")),
        }
        assert (suite.tests, suite.failures, suite.errors) == tuple(counted.values())
        total = {key: total[key] + counted[key] for key in total}
    assert {key: int(root.get(key)) for key in total} == total


def test_junit_has_a_suite_per_file_and_a_test_per_input():
    again = KINK._replace(file="staged.grad")
    suites = [*junitparser.JUnitXml.fromstring(written(CheckReport([GOOD, FAIL, again]), "junit"))]
    assert [suite.name for suite in suites] == ["good.grad", "staged.grad"]
    tests = {(test.classname, test.name): test.result for test in suites[1]}
    assert [*tests] == [("staged.grad", name) for name in ("w[0]", "x", "f", "x (2)")]
    (failure,) = tests.pop(("staged.grad", "x"))
    assert isinstance(failure, junitparser.Failure)
    assert failure.type == "fail"
    assert failure.message == (
        "claim 0.5, derivative 1 +- 4e-13: the claim is 0.5 times the derivative"
    )
    assert failure.text == f"staged.grad:16:5\n{failure.message}"
    assert not any(tests.values())


def test_junit_calls_an_error_what_could_not_be_decided():
    suites = [*junitparser.JUnitXml.fromstring(written(EVERY_KIND, "junit"))]
    found = {suite.name: [r.type for t in suite for r in t.result
                          if isinstance(r, junitparser.Error)] for suite in suites}  # fmt: skip
    assert {name: types for name, types in found.items() if types} == {
        "broken.grad": ["error"], "jump.grad": ["undefined"], "torn.grad": ["inconclusive"],
    }  # fmt: skip
    broken = next(suite for suite in suites if suite.name == "broken.grad")
    (test,) = broken
    assert test.name == "error"
    assert test.result[0].text.split("\n")[1:] == [
        "found `)`, expected a number", "help: write `2*x`",
    ]  # fmt: skip


def test_junit_escapes_what_xml_forbids():
    text = written(NASTY, "junit")
    assert text.isascii()
    (suite,) = junitparser.JUnitXml.fromstring(text)
    shown = (
        r"a,b:c%0A::error::[/red]\x1b[31m\x00\x07\u202e\u0085\ufffe\ud800\u000d\u000a\u0009"
        "`|<b>&\"' é😀"
    )
    assert suite.name == shown
    assert [test.name for test in suite] == [shown, "error"]


@given(st.text(st.characters(codec=None, exclude_categories=()), max_size=20))
def test_any_text_goes_through_junit(text):
    check = HALVED._replace(name=text, reason=text)
    report = CheckReport([a_case(text, "fail", check, notes=[text])])
    (suite,) = ElementTree.fromstring(written(report, "junit"))
    assert len(suite.findall("testcase/failure")) == 1


# -------------------------------------------------------------------- sarif


@all_reports
def test_sarif_is_of_its_schema_and_has_what_is_not_in_order(report):
    text = written(report, "sarif")
    data = strict(text)
    schema("sarif-2.1.0-part.json").validate(data)
    (run,) = data["runs"]
    assert run["tool"]["driver"]["version"] == gradcli.__version__
    assert run["columnKind"] == "unicodeCodePoints"
    expected = [f.verdict for f in findings(report) if f.verdict in ALARMING]
    assert sorted(r["ruleId"] for r in run["results"]) == sorted(f"gradcli/{v}" for v in expected)
    for result in run["results"]:
        rule = run["tool"]["driver"]["rules"][result["ruleIndex"]]
        assert rule["id"] == result["ruleId"]
        assert rule["defaultConfiguration"]["level"] == result["level"]


def results_of(*cases):
    return strict(written(CheckReport([*cases]), "sarif"))["runs"][0]["results"]


def test_a_sarif_result_as_it_is_written():
    (result,) = results_of(FAIL)
    fingerprint = result.pop("partialFingerprints")["gradcli/v1"]
    assert re.fullmatch("[0-9a-f]{64}", fingerprint)
    assert result == {
        "ruleId": "gradcli/fail",
        "ruleIndex": 1,
        "level": "error",
        "message": {
            "text": "x: claim 0.5, derivative 1 +- 4e-13: the claim is 0.5 times the derivative"
        },
        "locations": [{"physicalLocation": {
            "artifactLocation": {"uri": "staged.grad"},
            "region": {"startLine": 16, "startColumn": 5},
        }}],
    }  # fmt: skip


@pytest.mark.parametrize(("file", "uri"), [
    ("a.grad", "a.grad"),
    ("./sub/a.grad", "sub/a.grad"),
    ("../a b.grad", "../a%20b.grad"),
    ("c:1,2%.grad", "c%3A1%2C2%25.grad"),
    ("σ\n.grad", "%CF%83%0A.grad"),
    ("<expression>", "%3Cexpression%3E"),
    ("/elsewhere/a b.grad", "file:///elsewhere/a%20b.grad"),
])  # fmt: skip
def test_sarif_uris(file, uri):
    (result,) = results_of(FAIL._replace(file=file))
    assert result["locations"][0]["physicalLocation"]["artifactLocation"]["uri"] == uri


def test_paths_in_the_working_folder_become_relative(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    inside = FAIL._replace(file=str(tmp_path / "sub" / "a.grad"))
    (result,) = results_of(inside)
    location = result["locations"][0]["physicalLocation"]["artifactLocation"]
    assert unquote(location["uri"]) == "sub/a.grad"
    (entry,) = strict(written(CheckReport([inside]), "gitlab"))
    assert entry["location"]["path"] == "sub/a.grad"
    (same,) = results_of(inside._replace(file="sub/a.grad"))
    assert same["partialFingerprints"] == result["partialFingerprints"]


def fingerprints(*cases):
    return [result["partialFingerprints"]["gradcli/v1"] for result in results_of(*cases)]


def test_fingerprints_outlive_lines_and_numbers_but_not_names_and_verdicts():
    (first,) = fingerprints(FAIL)
    moved = HALVED._replace(claim=0.75, numeric=2.0, relative_error=0.1, reason="another")
    assert fingerprints(FAIL._replace(inputs={"x": moved}, places={}, line=99)) == [first]
    assert fingerprints(FAIL._replace(file="other.grad")) != [first]
    assert fingerprints(FAIL._replace(inputs={"y": HALVED._replace(name="y")})) != [first]
    assert fingerprints(
        FAIL._replace(verdict="undefined", inputs={"x": HALVED._replace(verdict="undefined")})
    ) != [first]


def test_fingerprints_are_distinct_and_those_there_were_stay():
    one, two = fingerprints(FAIL, FAIL._replace(line=30))
    assert one != two
    assert fingerprints(GOOD, FAIL) == [one]
    for report in REPORTS.values():
        found = fingerprints(*report.cases)
        assert len({*found}) == len(found)


# -------------------------------------------------------------------- gitlab


@all_reports
def test_gitlab_is_of_its_schema_and_has_what_is_not_in_order(report):
    entries = strict(written(report, "gitlab"))
    schema("gitlab-code-quality.json").validate(entries)
    assert len(entries) == sum(f.verdict in ALARMING for f in findings(report))
    assert len({entry["fingerprint"] for entry in entries}) == len(entries)


def test_a_gitlab_entry_as_it_is_written():
    (entry,) = strict(written(CheckReport([GOOD, FAIL]), "gitlab"))
    assert entry == {
        "description": "fail x: claim 0.5, derivative 1 +- 4e-13: "
        "the claim is 0.5 times the derivative",
        "check_name": "gradcli/fail",
        "severity": "critical",
        "fingerprint": fingerprints(FAIL)[0],
        "location": {
            "path": "staged.grad",
            "positions": {"begin": {"line": 16, "column": 5}},
            "lines": {"begin": 16},
        },
    }


def test_gitlab_severities():
    entries = strict(written(EVERY_KIND, "gitlab"))
    assert {entry["check_name"]: entry["severity"] for entry in entries} == {
        "gradcli/error": "critical", "gradcli/fail": "critical",
        "gradcli/undefined": "major", "gradcli/inconclusive": "minor",
    }  # fmt: skip


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
