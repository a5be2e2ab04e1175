"""Reports for scripts: plain, json, jsonl, csv, markdown; never cut, numbers in full.

A format is one function under @renderer. It yields whole lines of text.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Collection, Iterable, Iterator
from typing import Any, TextIO

from gradcli.render.diagnostic import printable
from gradcli.render.strict_json import json_text
from gradcli.reports import EvalReport, InputCheck, Number, worst


class Look:
    """Where a report goes, and how it shall look there."""

    __slots__ = ("color", "out", "show_all", "verbosity")

    def __init__(
        self, out: TextIO, color: str = "auto", verbosity: int = 0, show_all: bool = False
    ) -> None:
        self.out = out
        self.color = color  # auto, always or never
        self.verbosity = verbosity  # -1 is quiet, 1 shows all digits
        self.show_all = show_all


class InputRow:
    """One number that is an input, with what is known of the derivative by it."""

    __slots__ = ("bound", "check", "gradient", "name", "value")

    def __init__(
        self, name: str, value: Number, gradient: Number | None, check: InputCheck | None,
        bound: Number | None = None,
    ) -> None:  # fmt: skip
        self.name = name
        self.value = value
        self.gradient = gradient
        self.check = check
        self.bound = bound  # of the gradient


Renderer = Callable[[EvalReport, Look], Iterable[str]]
MACHINE_FORMATS: dict[str, Renderer] = {}


def renderer(name: str) -> Callable[[Renderer], Renderer]:
    """Make a function the format of this name."""

    def register(function: Renderer) -> Renderer:
        return MACHINE_FORMATS.setdefault(name, function)

    return register


# -------------------------------------------------------------------- shared by the formats


def elements(name: str, number: Number | None) -> Iterator[tuple[str, Any]]:
    """The numbers of an input with the names `w[0][1]` of its elements, in order."""
    stack: list[tuple[str, Any]] = [(name, number)]
    while stack:
        name, number = stack.pop()
        if isinstance(number, list):
            stack.extend((f"{name}[{k}]", number[k]) for k in reversed(range(len(number))))
        else:
            yield name, number


def input_rows(report: EvalReport, large: Collection[str] = ()) -> Iterator[InputRow]:
    """One row for every number that is an input.

    An array that was checked as a whole, or is among the `large` ones, has one row, and one for
    each of its elements that does not pass.
    """
    checks: dict[str, list[InputCheck]] = {}
    for check in report.check.inputs.values() if report.check else ():
        checks.setdefault(check.name.partition("[")[0], []).append(check)
    for whole, number in report.inputs.items():
        own, slope = checks.get(whole, []), report.gradients.get(whole)
        is_whole = bool(own) and bool(own[0].directions)
        if isinstance(number, list) and (is_whole or whole in large):
            first = own[0] if is_whole else _worst_of(whole, own)
            yield InputRow(whole, number, slope, first, (report.gradient_bounds or {}).get(whole))
            for check in own[is_whole:]:
                if check.verdict != "pass":
                    value, gradient = (_element(x, check.name) for x in (number, slope))
                    yield InputRow(check.name, value, gradient, check)
            continue
        by_name = {check.name: check for check in own}
        slopes = dict(elements(whole, slope))
        bounds = dict(elements(whole, (report.gradient_bounds or {}).get(whole)))
        for name, value in elements(whole, number):
            yield InputRow(name, value, slopes.get(name), by_name.get(name), bounds.get(name))


def _element(number: Any, name: str) -> Any:
    """The number at `w[0][1]` of the nested lists of `w`."""
    for index in name.partition("[")[2].rstrip("]").split("]["):
        number = None if number is None else number[int(index)]
    return number


def _worst_of(whole: str, checks: list[InputCheck]) -> InputCheck | None:
    """The checks of all elements in one: the worst verdict and the largest error."""
    if not checks:
        return None
    errors = [check.relative_error for check in checks if check.relative_error is not None]
    error = max(errors, key=lambda e: math.inf if e != e else e, default=None)
    verdict = worst([check.verdict for check in checks])
    return InputCheck(whole, verdict, None, None, None, None, error, None, None)


def exact(number: Number | None) -> str:
    """The shortest text that reads back as the same float or lists; empty for None."""
    return "" if number is None else repr(number)


# -------------------------------------------------------------------- the formats


@renderer("plain")
def plain(report: EvalReport, _: Look) -> Iterator[str]:
    """Lines of cells between tabs; the first cell says what the line is."""
    for stage in report.stages:
        numbers = exact(stage.value), exact(stage.gradient)
        yield _tabbed("stage", stage.name, stage.label, stage.expression, *numbers)
    for row in input_rows(report):
        numbers = exact(row.value), exact(row.gradient)
        yield _tabbed("input", row.name, *numbers, *_verdict(row.check))
    yield _tabbed("value", exact(report.value))
    for kind, name, block in _derivatives(report):
        yield _tabbed(kind, name, exact(block))
    for note in report.notes:
        yield _tabbed("note", note)


@renderer("json")
def json(report: EvalReport, _: Look) -> Iterator[str]:
    """The report as one JSON document on one line."""
    yield json_text(report.as_dict())


@renderer("jsonl")
def jsonl(report: EvalReport, _: Look) -> Iterator[str]:
    """The result, then stages, checks and notes, each a JSON document on a line of its own."""
    data = report.as_dict()
    stages, check, notes = data.pop("stages"), data.pop("check"), data.pop("notes")
    yield json_text({"type": "result", **data, "verdict": check and check["verdict"]})
    for stage in stages:
        yield json_text({"type": "stage", **stage})
    for entry in check["inputs"].values() if check else ():
        yield json_text({"type": "check", **entry})
    for note in notes:
        yield json_text({"type": "note", "text": note})


@renderer("csv")
def csv(report: EvalReport, _: Look) -> Iterator[str]:
    """A header, then one row a stage and one row an input."""
    from csv import writer  # late: only this format pays for it

    row = writer(_Echo(), lineterminator="\n").writerow
    yield row(
        ("kind", "name", "gate", "expression", "value", "gradient", "numeric", "relative_error",
         "verdict")
    )  # fmt: skip
    for stage in report.stages:
        texts = (_inert(text) for text in (stage.name, stage.gate, stage.expression))
        yield row(("stage", *texts, exact(stage.value), exact(stage.gradient), "", "", ""))
    for entry in input_rows(report):
        numbers = exact(entry.value), exact(entry.gradient)
        yield row(("input", _inert(entry.name), "", "", *numbers, *_verdict(entry.check)))
    for kind, name, block in _derivatives(report):
        yield row((kind, _inert(name), "", "", exact(block), "", "", "", ""))


@renderer("markdown")
def markdown(report: EvalReport, _: Look) -> Iterator[str]:
    """The value, a table of stages, a table of inputs, and the notes as a list."""
    yield f"{_code(report.expression)} = {exact(report.value)}\n"
    if report.stages:
        yield "\n| stage | gate | expression | value | gradient |\n"
        yield "| --- | --- | --- | ---: | ---: |\n"
        for stage in report.stages:
            texts = map(_code, (stage.name, stage.label, stage.expression))
            yield _piped(*texts, exact(stage.value), exact(stage.gradient))
    if report.inputs:
        yield "\n| input | value | gradient | numeric | rel. error | verdict |\n"
        yield "| --- | ---: | ---: | ---: | ---: | --- |\n"
        for row in input_rows(report):
            numbers = exact(row.value), exact(row.gradient)
            yield _piped(_code(row.name), *numbers, *_verdict(row.check))
    for k, (kind, name, block) in enumerate(_derivatives(report)):
        yield f"{'' if k else chr(10)}* {kind} by {_code(name)}: {exact(block)}\n"
    for k, note in enumerate(report.notes):
        yield f"{'' if k else chr(10)}* {printable(note)}\n"


# -------------------------------------------------------------------- small parts


def _derivatives(report: EvalReport) -> Iterator[tuple[str, str, Any]]:
    """Long decimals, Jacobians and second derivatives: what they are, by which inputs, numbers."""
    decimal = report.decimal or {}
    if decimal:
        yield "decimal", "value", decimal["value"]
    for name, text in decimal.get("gradients", {}).items():
        yield "decimal", f"d{name}", text
    for name, block in (report.jacobian or {}).items():
        yield "jacobian", name, block
    for name, row in (report.hessian or {}).items():
        for other, block in row.items():
            yield "hessian", f"{name}, {other}", block


class _Echo:
    """A file for csv.writer that hands the line back."""

    def write(self, text: str) -> str:
        return text


def _verdict(check: InputCheck | None) -> tuple[str, str, str]:
    if check is None:
        return "", "", ""
    return exact(check.numeric), exact(check.relative_error), check.verdict


def _tabbed(*cells: str) -> str:
    return "\t".join(map(printable, cells)) + "\n"


def _piped(*cells: str) -> str:
    return "| " + " | ".join(cell.replace("|", r"\|") for cell in cells) + " |\n"


def _inert(text: str) -> str:
    """A text cell that no spreadsheet takes for a formula."""
    return "'" * text.startswith(("=", "+", "-", "@", "\t", "\r")) + printable(text)


def _code(text: str) -> str:
    """A code span; its fence is longer than any run of backticks inside."""
    if "`" not in text:
        return f"`{printable(text)}`"
    fence = "`" * (1 + max(map(len, re.findall("`+", text))))
    return f"{fence} {printable(text)} {fence}"
