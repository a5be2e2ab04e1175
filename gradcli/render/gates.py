"""The table of gates, and the page of one, for people and as Markdown."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from gradcli.render.curves.plot_chart import gate_chart
from gradcli.render.look import Look
from gradcli.render.markdown import code_span, table_row
from gradcli.render.table import Column, Page
from gradcli.reports.digits import certain_text
from gradcli.reports.gates import GateReport, GateSheet, KinkConvention

ALL = (
    Column("gate", "name"),
    Column("value", "expression"),
    Column("local gradients", "expression"),
    Column("pattern", "aside"),
    Column("kink where 0", "expression"),
)
AT_A_KINK = (
    Column("at a kink", "expression"),
    Column("gradcli", "gradient"),
    Column("torch", "gradient"),
    Column("jax", "gradient"),
)
DIGITS = 6  # of samples, which show how a gate runs


def gate_table(report: GateReport, look: Look) -> Iterator[str]:
    """A row for every gate; a page where it is one."""
    page = Page(look)
    if len(report.gates) == 1:
        yield from _page(report.gates[0], page)
        return
    rows = [
        [_names(sheet), sheet.value, ", ".join(_formulas(sheet)), sheet.pattern, sheet.kink or ""]
        for sheet in report.gates
    ]
    yield page.drawn(page.block(ALL, [[*map(page.text, row)] for row in rows], head=1))


def _page(sheet: GateSheet, page: Page) -> Iterator[str]:
    """All that the table says of one gate, its values and slopes, and a command that runs it."""
    also = f", also {', '.join(sheet.aliases)}" if sheet.aliases else ""
    yield page.drawn(page.sentence((sheet.name, "name"), also))
    facts = [*_facts(sheet)]
    margin = max(len(title) for title, _ in facts)
    for title, text in facts:
        yield page.drawn(page.item(title, text, margin))
    if sheet.conventions:
        yield page.drawn("")
        rows = [[*map(page.text, _convention(c))] for c in sheet.conventions]
        yield page.drawn(page.block(AT_A_KINK, rows, head=1))
    if sheet.samples:
        yield page.drawn("")
        yield page.drawn(page.block(_sampled(sheet), _samples(sheet), head=1))
    if sheet.curve:
        yield page.drawn("")
        yield from gate_chart(sheet.curve, page)


def gate_markdown(report: GateReport, _: Look) -> Iterator[str]:
    """A table of all gates given."""
    yield "| gate | value | local gradients | pattern | kink where 0 |\n"
    yield "| --- | --- | --- | --- | --- |\n"
    for sheet in report.gates:
        formulas = ", ".join(map(code_span, _formulas(sheet)))
        kink = code_span(sheet.kink) if sheet.kink else ""
        names = " ".join(map(code_span, (sheet.name, *sheet.aliases)))
        yield table_row(names, code_span(sheet.value), formulas, sheet.pattern, kink)


def _names(sheet: GateSheet) -> str:
    return " ".join((sheet.name, *sheet.aliases))


def _formulas(sheet: GateSheet) -> list[str]:
    return [local.formula for local in sheet.local_gradients]


def _facts(sheet: GateSheet) -> Iterator[tuple[str, str]]:
    """Titles and texts, one line each."""
    yield "value", sheet.value
    if sheet.computed_as:
        yield "computed as", sheet.computed_as
    for local in sheet.local_gradients:
        yield f"local by {local.operand}", local.formula
        if local.computed_as:
            yield "computed as", local.computed_as
    yield "pattern", sheet.pattern
    yield "domain", sheet.domain or "everywhere"
    if sheet.kink:
        yield "kink", f"where {sheet.kink} is 0"
    if sheet.jump:
        yield "jump", f"where {sheet.jump} is 0"
    if sheet.ulps is not None:
        size = f"at most {sheet.ulps:g} units of 2**-53 of the value" if sheet.ulps else "none"
        yield "rounding", size
    yield "example", sheet.example


def _convention(convention: KinkConvention) -> list[str]:
    at = ", ".join(f"{name}={_number(value)}" for name, value in convention.at.items())
    columns = (convention.own, convention.torch, convention.jax)
    return [f"{convention.call} at {at}", *(", ".join(map(_number, c.values())) for c in columns)]


def _sampled(sheet: GateSheet) -> tuple[Column, ...]:
    """The columns of the samples: operands, value, slopes."""
    count = len(sheet.samples[0].operands)
    names = sheet.operands if "..." not in sheet.operands else [*"xyz"]
    return (
        *(Column(name, "error") for name in names[:count]),
        Column("value", "value"),
        *(Column(f"by {name}", "gradient") for name in names[:count]),
    )


def _samples(sheet: GateSheet) -> list[list[str]]:
    return [
        [*map(_number, (*sample.operands, sample.value, *sample.local_gradients))]
        for sample in sheet.samples
    ]


def _number(value: Any) -> str:
    if isinstance(value, list):
        return f"[{', '.join(map(_number, value))}]"
    return certain_text(value, None, DIGITS)
