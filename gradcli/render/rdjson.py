"""Reviewdog's rdjson: diagnostics with their places."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from gradcli.errors import printable
from gradcli.render.findings import TROUBLE_LEVELS, Finding, relative_path, troubles
from gradcli.render.look import Look
from gradcli.render.strict_json import json_text
from gradcli.reports.checks import CheckReport

SEVERITIES = {"error": "ERROR", "warning": "WARNING", "note": "INFO"}


def rdjson(report: CheckReport, _: Look) -> Iterator[str]:
    """The troubles as one document."""
    source = {"name": "gradcli"}
    yield json_text({"source": source, "diagnostics": [*map(_diagnostic, troubles(report))]})


def _diagnostic(finding: Finding) -> dict[str, Any]:
    text = f"{finding.name}: {finding.message}" if finding.name else finding.message
    return {
        "message": "\n".join(map(printable, text.split("\n"))),
        "location": {
            "path": relative_path(finding.file),
            "range": {"start": {"line": finding.line, "column": finding.column}},
        },
        "severity": SEVERITIES[TROUBLE_LEVELS[finding.verdict]],
        "code": {"value": finding.rule},
    }
