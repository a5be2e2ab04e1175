"""CSV: a row for every number that has a gradient."""

from __future__ import annotations

import csv
from collections.abc import Iterator

from gradcli.render.diagnostic import printable
from gradcli.render.look import Look
from gradcli.render.rows import chain_cells, derivatives, exact, input_rows, verdict_cells
from gradcli.reports.evaluations import EvalReport

HEADER = (
    "kind", "name", "gate", "expression", "value", "gradient", "numeric", "relative_error",
    "verdict",
)  # fmt: skip
CHAIN = ("operands", "local_gradients", "contributions")  # of a stage, in JSON


def csv_rows(report: EvalReport, _: Look) -> Iterator[str]:
    """A header, then one row a stage and one row an input."""
    row = csv.writer(_Echo(), lineterminator="\n").writerow
    yield row((*HEADER, *CHAIN * report.has_links))
    for stage in report.stages:
        texts = (_inert(text) for text in (stage.name, stage.gate, stage.expression))
        numbers = exact(stage.value), exact(stage.gradient)
        yield row(("stage", *texts, *numbers, "", "", "", *chain_cells(stage)))
    rest = ("",) * len(CHAIN) * report.has_links
    for entry in input_rows(report):
        cells = exact(entry.value), exact(entry.gradient), *verdict_cells(entry.check)
        yield row(("input", _inert(entry.name), "", "", *cells, *rest))
    for kind, name, block, verdict in derivatives(report):
        yield row((kind, _inert(name), "", "", exact(block), "", "", "", verdict, *rest))


class _Echo:
    """A file for csv.writer that hands the line back."""

    def write(self, text: str) -> str:
        return text


def _inert(text: str) -> str:
    """A text cell that no spreadsheet takes for a formula."""
    return "'" * text.startswith(("=", "+", "-", "@", "\t", "\r")) + printable(text)
