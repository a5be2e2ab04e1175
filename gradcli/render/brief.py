"""Value and gradients alone, a line each, without the look of a page."""

from __future__ import annotations

import os
from collections.abc import Iterator

from gradcli.render.look import Look
from gradcli.render.rows import blocks
from gradcli.render.wording import Wording, shown_rows
from gradcli.reports.evaluations import EvalReport

LAID_OUT = ("COLUMNS", "FORCE_COLOR", "TTY_COMPATIBLE")  # variables that ask for a page


def is_plain(look: Look) -> bool:
    """Whether brief results need no page: nothing is coloured, and no line has a width."""
    if look.verbosity >= 0 or look.color == "always" or look.out.isatty():
        return False
    return not any(os.environ.get(name) for name in LAID_OUT)


def brief(report: EvalReport, look: Look) -> Iterator[str]:
    """What `table` prints under --quiet, where it has no colours."""
    words = Wording(look)
    yield f"value = {words.value(report)}\n"
    for row in shown_rows(report):
        slope = words.gradient(report, row.name, row.gradient, row.bound)
        yield f"d{words.text(row.name)} = {slope}\n"
    for kind, names, block, bounds, decimals, _ in blocks(report):
        doubt = " (digits not certified)" if bounds is None and not report.is_plain else ""
        text = words.derivative(report, block, bounds, decimals)
        yield f"{words.text(kind)} by {words.text(' and '.join(names))}{doubt} = {text}\n"
