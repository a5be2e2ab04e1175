"""Markdown, for notebooks and pull requests."""

from __future__ import annotations

import re
from collections.abc import Iterator

from gradcli.render.diagnostic import printable
from gradcli.render.look import Look
from gradcli.render.rows import derivatives, exact, input_rows, verdict_cells
from gradcli.reports.evaluations import EvalReport


def markdown(report: EvalReport, _: Look) -> Iterator[str]:
    """The value, a table of stages, a table of inputs, and the notes as a list."""
    yield f"{code_span(report.expression)} = {exact(report.value)}\n"
    if report.stages:
        yield "\n| stage | gate | expression | value | gradient |\n"
        yield "| --- | --- | --- | ---: | ---: |\n"
        for stage in report.stages:
            texts = map(code_span, (stage.name, stage.label, stage.expression))
            yield table_row(*texts, exact(stage.value), exact(stage.gradient))
    if report.inputs:
        yield "\n| input | value | gradient | numeric | rel. error | verdict |\n"
        yield "| --- | ---: | ---: | ---: | ---: | --- |\n"
        for row in input_rows(report):
            numbers = exact(row.value), exact(row.gradient)
            yield table_row(code_span(row.name), *numbers, *verdict_cells(row.check))
    for k, (kind, name, block, verdict) in enumerate(derivatives(report)):
        words = f" ({verdict})" if verdict else ""
        yield f"{'' if k else chr(10)}* {kind} by {code_span(name)}: {exact(block)}{words}\n"
    for k, note in enumerate(report.notes):
        yield f"{'' if k else chr(10)}* {printable(note)}\n"


def table_row(*cells: str) -> str:
    """A row of a table."""
    return "| " + " | ".join(cell.replace("|", r"\|") for cell in cells) + " |\n"


def code_span(text: str) -> str:
    """A code span; its fence is longer than any run of backticks inside."""
    if "`" not in text:
        return f"`{printable(text)}`"
    fence = "`" * (1 + max(map(len, re.findall("`+", text))))
    return f"{fence} {printable(text)} {fence}"
