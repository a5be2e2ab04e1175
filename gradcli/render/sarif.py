"""SARIF 2.1.0, for code scanning."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

from gradcli.errors import printable
from gradcli.render.findings import MEANINGS, TROUBLE_LEVELS, Finding, relative_path, troubles
from gradcli.render.look import Look
from gradcli.render.strict_json import json_text
from gradcli.reports.checks import CheckReport
from gradcli.reports.mistakes import MISTAKES
from gradcli.version import __version__

SCHEMA = "https://json.schemastore.org/sarif-2.1.0.json"


def sarif(report: CheckReport, _: Look) -> Iterator[str]:
    """The troubles; each verdict that is one is a rule, and so is each mistake."""
    rules = [
        {
            "id": f"gradcli/{verdict}".replace(" ", "-"),
            "shortDescription": {"text": MEANINGS[verdict]},
            "defaultConfiguration": {"level": level},
        }
        for verdict, level in TROUBLE_LEVELS.items()
    ]
    rules += [
        {
            "id": f"gradcli/{mistake.name}",
            "shortDescription": {"text": mistake.title},
            "fullDescription": {"text": mistake.meaning},
            "defaultConfiguration": {"level": "error"},
        }
        for mistake in MISTAKES.values()
    ]
    run = {
        "tool": {"driver": {"name": "gradcli", "version": __version__, "rules": rules}},
        "columnKind": "unicodeCodePoints",
        "results": [_result(finding) for finding in troubles(report)],
    }
    yield json_text({"$schema": SCHEMA, "version": "2.1.0", "runs": [run]})


def _result(finding: Finding) -> dict[str, Any]:
    uri = quote(relative_path(finding.file), errors="surrogatepass")
    location = {
        "artifactLocation": {"uri": f"file://{uri}" if uri.startswith("/") else uri},
        "region": {"startLine": finding.line, "startColumn": finding.column},
    }
    text = f"{finding.name}: {finding.message}" if finding.name else finding.message
    return {
        "ruleId": finding.rule,
        "ruleIndex": [*TROUBLE_LEVELS, *MISTAKES].index(finding.mistake or finding.verdict),
        "level": TROUBLE_LEVELS[finding.verdict],
        "message": {"text": "\n".join(map(printable, text.split("\n")))},
        "locations": [{"physicalLocation": location}],
        "partialFingerprints": {"gradcli/v1": finding.fingerprint},
    }
