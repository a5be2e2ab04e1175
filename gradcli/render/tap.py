"""TAP 14, which test harnesses read: a test point for each finding."""

from __future__ import annotations

from collections.abc import Iterator

from gradcli.errors import printable
from gradcli.render.findings import TROUBLE_LEVELS, Finding, findings
from gradcli.render.look import Look
from gradcli.render.strict_json import json_text
from gradcli.reports.checks import NOTHING_CLAIMED, SKIPPED, CheckReport


def tap(report: CheckReport, _: Look) -> Iterator[str]:
    """A plan, a line for each finding, and below a wrong one what is wrong, as YAML."""
    tests = findings(report)
    yield f"TAP version 14\n1..{len(tests)}\n"
    for number, finding in enumerate(tests, start=1):
        yield from _point(number, finding)


def _point(number: int, finding: Finding) -> Iterator[str]:
    is_well = finding.verdict not in (*TROUBLE_LEVELS, NOTHING_CLAIMED, SKIPPED)
    is_aside = not is_well and (finding.is_aside or finding.verdict not in TROUBLE_LEVELS)
    is_ok = is_well or is_aside
    label = printable(f"{finding.file} {finding.label}").replace("\\", "\\\\").replace("#", "\\#")
    skip = f" # SKIP {printable(finding.text)}" if is_aside else ""
    yield f"{'ok' if is_ok else 'not ok'} {number} - {label}{skip}\n"
    if not is_ok:
        told = {
            "message": finding.message, "severity": finding.verdict, "file": finding.file,
            "line": finding.line, "column": finding.column,
        }  # fmt: skip
        yield "  ---\n"
        for key, value in told.items():
            yield f"  {key}: {json_text(value).strip()}\n"  # JSON is YAML
        yield "  ...\n"
