"""JUnit XML, which GitLab, Jenkins, Azure and most others read."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from xml.etree.ElementTree import Element, SubElement, indent, tostring

from gradcli.errors import printable
from gradcli.render.findings import TROUBLE_LEVELS, Finding, findings
from gradcli.render.look import Look
from gradcli.reports.checks import NOTHING_CLAIMED, SKIPPED, CheckReport


def junit(report: CheckReport, _: Look) -> Iterator[str]:
    """A suite per file, a test per finding; other than ASCII as character references."""
    suites: dict[str, list[Finding]] = {}
    times: dict[str, float] = {}
    for case in report.cases:
        if case.seconds is not None:
            times[case.file] = times.get(case.file, 0.0) + case.seconds
    tests = findings(report)
    for finding in tests:
        suites.setdefault(finding.file, []).append(finding)
    root = Element("testsuites", {"name": "gradcli", **_counted(tests), **_time(times.values())})
    for file, part in suites.items():
        own = _time([times[file]] if file in times else [])
        suite = SubElement(root, "testsuite", {"name": _xml(file), **_counted(part), **own})
        suite.extend(map(_test_case, part))
    indent(root)
    yield '<?xml version="1.0" encoding="utf-8"?>\n'
    yield tostring(root, encoding="us-ascii", xml_declaration=False).decode("ascii") + "\n"


def _test_case(finding: Finding) -> Element:
    case = Element("testcase", classname=_xml(finding.file), name=_xml(finding.label))
    if outcome := _outcome(finding):
        element = SubElement(case, outcome, type=finding.verdict, message=_xml(finding.text))
        lines = finding.place, *finding.message.split("\n")
        element.text = "\n".join(map(_xml, lines))
    return case


def _outcome(finding: Finding) -> str | None:
    """The element that JUnit has for a verdict; None for a test that is passed.

    What only follows from a wrong line is skipped: one slip is one failure. So is a claim that is
    not there.
    """
    if finding.verdict not in (*TROUBLE_LEVELS, SKIPPED):
        return None
    if finding.is_aside or finding.verdict == NOTHING_CLAIMED:
        return "skipped"
    return "failure" if finding.verdict == "fail" else "error"


def _time(seconds: Collection[float]) -> dict[str, str]:
    """The attribute `time`, where it was measured."""
    return {"time": f"{sum(seconds):.3f}"} if seconds else {}


def _counted(tests: list[Finding]) -> dict[str, str]:
    outcomes = [_outcome(finding) for finding in tests]
    counts = (
        len(tests),
        outcomes.count("failure"),
        outcomes.count("error"),
        outcomes.count("skipped"),
    )
    return dict(zip(("tests", "failures", "errors", "skipped"), map(str, counts), strict=True))


def _xml(text: str) -> str:
    r"""The text with what XML 1.0 forbids written as `\x07`, and all else unseen as `\u202e`."""
    allowed = (f"\\x{ord(c):02x}" if c < " " and c not in "\t\n\r" else c for c in text)
    return printable("".join(allowed))
