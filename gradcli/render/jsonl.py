"""JSON lines: each a document of its own, for scripts that read as they go."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from gradcli.render.look import Look
from gradcli.render.strict_json import json_blocks, json_text

if TYPE_CHECKING:  # an evaluation does not load the reports of `check`
    from gradcli.reports.checks import Case, CheckReport
    from gradcli.reports.evaluations import EvalReport


def evaluation_lines(report: EvalReport, _: Look) -> Iterator[str]:
    """The result, then stages, checks and notes."""
    data = report.as_dict()
    stages, check, notes = data.pop("stages"), data.pop("check"), data.pop("notes")
    yield from json_blocks({"type": "result", **data, "verdict": check and check["verdict"]})
    for stage in stages:
        yield from json_blocks({"type": "stage", **stage})
    for entry in check["inputs"].values() if check else ():
        yield json_text({"type": "check", **entry})
    for note in notes:
        yield json_text({"type": "note", "text": note})


def check_lines(report: CheckReport, _: Look) -> Iterator[str]:
    """The cases, then the summary."""
    yield from map(case_line, report.cases)
    summary = {"verdict": report.verdict, "claims": report.claims, "summary": report.summary}
    yield json_text({"type": "summary", "schema": "gradcli.check/1", **summary})


def case_line(case: Case) -> str:
    """The line of one case in `jsonl`, with its end."""
    return json_text({"type": "case", **case.as_dict()})
