"""Grades as a table of answers and one of mistakes, or as JSON."""

from __future__ import annotations

from typing import TextIO

from gradcli.render.diagnostic import encodable
from gradcli.render.machine import Look
from gradcli.render.strict_json import json_text
from gradcli.reports.grades import GradeReport


def write_grades(report: GradeReport, form: str, out: TextIO, color: str = "auto") -> None:
    """Write grades as `table` or `json`."""
    if form == "json":
        out.write(json_text(report.as_dict()))
        return
    from gradcli.render.table import grade_table  # late: rich is slow to load

    for piece in grade_table(report, Look(out, color, 0)):
        out.write(encodable(piece, out))
