"""What is written of checks for CI: GitHub, JUnit, SARIF, GitLab."""

from __future__ import annotations

import math
import re
from urllib.parse import unquote
from xml.etree import ElementTree

import junitparser
import pytest
from check_reports import (
    BROKEN,
    EVERY_KIND,
    FAIL,
    GOOD,
    HALVED,
    KINK,
    LONGEST,
    MANY,
    NASTY,
    REPORTS,
    SAMPLED,
    SINGLE,
    THREE,
    a_case,
    all_reports,
    schema,
    strict,
    written,
)
from hypothesis import given
from hypothesis import strategies as st

import gradcli
from gradcli.render.findings import findings
from gradcli.render.github import MOST_ROWS_OF_SUMMARY, summary_markdown
from gradcli.reports.checks import CheckReport

ALARMING = ("error", "fail", "undefined", "inconclusive")


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
