"""CSV: a row for every number that has a gradient."""

from __future__ import annotations

import csv
from collections.abc import Iterator

from gradcli.render.diagnostic import printable
from gradcli.render.look import Look
from gradcli.render.rows import derivatives, exact, input_rows, verdict_cells
from gradcli.reports.evaluations import EvalReport

HEADER = (
    "kind", "name", "gate", "expression", "value", "gradient", "numeric", "relative_error",
    "verdict",
)  # fmt: skip


def csv_rows(report: EvalReport, _: Look) -> Iterator[str]:
    """A header, then one row a stage and one row an input."""
    row = csv.writer(_Echo(), lineterminator="\n").writerow
    yield row(HEADER)
    for stage in report.stages:
        texts = (_inert(text) for text in (stage.name, stage.gate, stage.expression))
        yield row(("stage", *texts, exact(stage.value), exact(stage.gradient), "", "", ""))
    for entry in input_rows(report):
        numbers = exact(entry.value), exact(entry.gradient)
        yield row(("input", _inert(entry.name), "", "", *numbers, *verdict_cells(entry.check)))
    for kind, name, block, verdict in derivatives(report):
        yield row((kind, _inert(name), "", "", exact(block), "", "", "", verdict))


class _Echo:
    """A file for csv.writer that hands the line back."""

    def write(self, text: str) -> str:
        return text


def _inert(text: str) -> str:
    """A text cell that no spreadsheet takes for a formula."""
    return "'" * text.startswith(("=", "+", "-", "@", "\t", "\r")) + printable(text)
