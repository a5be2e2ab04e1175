"""GitLab's code quality."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from gradcli.errors import printable
from gradcli.render.findings import TROUBLE_LEVELS, Finding, relative_path, troubles
from gradcli.render.look import Look
from gradcli.render.strict_json import json_text
from gradcli.reports.checks import CheckReport

SEVERITIES = dict(
    zip(TROUBLE_LEVELS, ("critical", "critical", "major", "minor", "info"), strict=True)
)


def gitlab(report: CheckReport, _: Look) -> Iterator[str]:
    """The troubles as a list."""
    entries = (json_text(_entry(finding)).rstrip() for finding in troubles(report))
    yield "[" + ",\n ".join(entries) + "]\n"


def _entry(finding: Finding) -> dict[str, Any]:
    return {
        "description": printable(f"{finding.title}: {finding.text}"),
        "check_name": finding.rule,
        "severity": SEVERITIES[finding.verdict],
        "fingerprint": finding.fingerprint,
        "location": {
            "path": printable(relative_path(finding.file)),
            "positions": {"begin": {"line": finding.line, "column": finding.column}},
            "lines": {"begin": finding.line},
        },
    }
