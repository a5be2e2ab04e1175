"""The last room: reports and errors in, text out; it knows nothing of the engine.

`write` picks one of FORMATS, each a function (report, look) -> pieces of text. The table is the
only one that loads rich, and only when it is asked for.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TextIO

from gradcli.render.diagnostic import encodable, error_dict, error_text
from gradcli.render.machine import MACHINE_FORMATS, Look, Renderer
from gradcli.render.strict_json import json_text
from gradcli.reports import EvalReport

__all__ = ["FORMATS", "error_dict", "error_text", "json_text", "write"]


def _table(report: EvalReport, look: Look) -> Iterator[str]:
    from gradcli.render.table import table  # late: rich is slow to load

    return table(report, look)


FORMATS: dict[str, Renderer] = {"table": _table, **MACHINE_FORMATS}


def write(
    report: EvalReport,
    format: str,
    out: TextIO,
    *,
    color: str = "auto",
    verbosity: int = 0,
    show_all: bool = False,
) -> None:
    """Write a report in one of FORMATS; only the table heeds the keywords."""
    for piece in FORMATS[format](report, Look(out, color, verbosity, show_all)):
        out.write(encodable(piece, out))
