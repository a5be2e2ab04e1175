"""A check report in any of its formats: the table for people, and those of `ci`."""

from __future__ import annotations

from typing import TextIO

from gradcli.render.ci import CHECK_FORMATS, concise
from gradcli.render.diagnostic import encodable
from gradcli.render.machine import Look
from gradcli.reports.checks import CheckReport


def write_check(
    report: CheckReport, format: str, out: TextIO, *, color: str = "auto", verbosity: int = 0
) -> None:
    """Write a report as `table` or in one of CHECK_FORMATS; only the table has colour."""
    if format == "table":
        from gradcli.render.check_table import check_table  # late: rich is slow to load

        for piece in check_table(report, Look(out, color, verbosity)):
            out.write(encodable(piece, out))
    elif format == "concise":
        concise(report, out, verbosity)
    else:
        CHECK_FORMATS[format](report, out)
