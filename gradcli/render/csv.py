"""CSV: a row for every number that has a gradient."""

from __future__ import annotations

import csv
from collections.abc import Iterator, Sequence

from gradcli.errors import printable
from gradcli.render.look import Look
from gradcli.render.rows import chain_cells, derivatives, exact, input_rows, verdict_cells
from gradcli.reports.evaluations import EvalReport

HEADER = (
    "kind", "name", "gate", "expression", "value", "gradient", "numeric", "relative_error",
    "verdict",
)  # fmt: skip
CHAIN = ("operands", "local_gradients", "contributions")  # of a stage, in JSON


def csv_rows(report: EvalReport, look: Look) -> Iterator[str]:
    """A header, then one row a stage and one row an input."""
    yield csv_line((*HEADER, *CHAIN * report.has_links), look)
    for stage in report.stages:
        texts = stage.name, stage.gate, stage.expression
        numbers = exact(stage.value), exact(stage.gradient)
        yield csv_line(("stage", *texts, *numbers, "", "", "", *chain_cells(stage)), look)
    rest = ("",) * len(CHAIN) * report.has_links
    for entry in input_rows(report):
        cells = exact(entry.value), exact(entry.gradient), *verdict_cells(entry.check)
        yield csv_line(("input", entry.name, "", "", *cells, *rest), look)
    for kind, name, block, verdict in derivatives(report):
        yield csv_line((kind, name, "", "", exact(block), "", "", "", verdict, *rest), look)


def csv_line(cells: Sequence[str], look: Look) -> str:
    """Cells as a line; for a spreadsheet with an apostrophe before what is like a formula."""
    texts = [_inert(cell) if look.is_for_spreadsheet else printable(cell) for cell in cells]
    line: str = csv.writer(_Echo(), lineterminator="\n").writerow(texts)
    return line


class _Echo:
    """A file for csv.writer that hands the line back."""

    def write(self, text: str) -> str:
        return text


def _inert(text: str) -> str:
    """A cell that no spreadsheet takes for a formula; numbers stay what they are."""
    try:
        float(text)
    except ValueError:
        return "'" * text.startswith(("=", "+", "-", "@", "\t", "\r")) + printable(text)
    return text
