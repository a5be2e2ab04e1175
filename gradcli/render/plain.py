"""Lines of cells between tabs, for `cut` and `awk`."""

from __future__ import annotations

from collections.abc import Iterator

from gradcli.errors import printable
from gradcli.render.look import Look
from gradcli.render.rows import chain_cells, derivatives, exact, input_rows, verdict_cells
from gradcli.reports.evaluations import EvalReport


def plain(report: EvalReport, _: Look) -> Iterator[str]:
    """The first cell says what a line is."""
    for stage in report.stages:
        numbers = exact(stage.value), exact(stage.gradient)
        yield tabbed(
            "stage", stage.name, stage.label, stage.expression, *numbers, *chain_cells(stage)
        )
    for row in input_rows(report):
        numbers = exact(row.value), exact(row.gradient)
        yield tabbed("input", row.name, *numbers, *verdict_cells(row.check))
    yield tabbed("value", exact(report.value))
    for kind, name, block, verdict in derivatives(report):
        yield tabbed(kind, name, exact(block), *([verdict] if verdict else []))
    for note in report.notes:
        yield tabbed("note", note)


def tabbed(*cells: str) -> str:
    """Cells as a line between tabs."""
    return "\t".join(map(printable, cells)) + "\n"
