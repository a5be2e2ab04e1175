"""Markdown, for notebooks and pull requests."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator

from gradcli.errors import printable
from gradcli.render.chain import LOCAL, PRODUCT, local_lines, product_lines
from gradcli.render.look import Look
from gradcli.render.rows import derivatives, exact, input_rows, verdict_cells
from gradcli.reports.evaluations import EvalReport, Stage


def markdown(report: EvalReport, _: Look) -> Iterator[str]:
    """The value, a table of stages, a table of inputs, and the notes as a list."""
    yield f"{code_span(report.expression)} = {exact(report.value)}\n"
    if report.stages:
        titles = (LOCAL, PRODUCT) * report.has_links
        yield "\n" + table_row("stage", "gate", "expression", "value", "gradient", *titles)
        yield table_row("---", "---", "---", "---:", "---:", *("---",) * len(titles))
        for stage in report.stages:
            texts = map(code_span, (stage.name, stage.label, stage.expression))
            yield table_row(*texts, exact(stage.value), exact(stage.gradient), *_chain(stage))
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


def _chain(stage: Stage) -> list[str]:
    """The cells of the chain rule, a line for each operand."""
    if stage.links is None:
        return []

    def write(number: float, _: float | None) -> str:
        return exact(number)

    texts = (lines(stage, write, code_span, math.inf) for lines in (local_lines, product_lines))
    return ["<br>".join(lines) for lines in texts]


def table_row(*cells: str) -> str:
    """A row of a table."""
    return "| " + " | ".join(cell.replace("|", r"\|") for cell in cells) + " |\n"


def code_span(text: str) -> str:
    """A code span; its fence is longer than any run of backticks inside."""
    if "`" not in text:
        return f"`{printable(text)}`"
    fence = "`" * (1 + max(map(len, re.findall("`+", text))))
    return f"{fence} {printable(text)} {fence}"
