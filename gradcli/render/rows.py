"""The inputs of an evaluation as rows: the table, plain text, CSV and Markdown are made of them."""

from __future__ import annotations

import math
from collections.abc import Collection, Iterator
from typing import Any

from gradcli.render.strict_json import json_text
from gradcli.reports.evaluations import (
    VERDICTS,
    EntryChecks,
    EvalReport,
    InputCheck,
    Number,
    Stage,
    elements,
    worst,
)


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


def input_rows(report: EvalReport, large: Collection[str] = ()) -> Iterator[InputRow]:
    """One row for every number that is an input.

    An array that was checked as a whole, or is among the `large` ones, has one row, and one for
    each of its elements that does not pass.
    """
    checks: dict[str, list[InputCheck]] = {}
    for check in report.check.inputs.values() if report.check else ():
        checks.setdefault(check.whole, []).append(check)
    for whole, number in report.inputs.items():
        own, slope = checks.get(whole, []), report.gradients.get(whole)
        is_whole = bool(own) and bool(own[0].directions)
        if isinstance(number, list) and (is_whole or whole in large):
            first = own[0] if is_whole else _worst_of(whole, own)
            yield InputRow(whole, number, slope, first, (report.gradient_bounds or {}).get(whole))
            for check in own[is_whole:]:
                if check.verdict != "pass":
                    value, gradient = (_element(x, check.place) for x in (number, slope))
                    yield InputRow(check.name, value, gradient, check)
            continue
        by_name = {check.name: check for check in own}
        slopes = dict(elements(whole, slope))
        bounds = dict(elements(whole, (report.gradient_bounds or {}).get(whole)))
        for name, value in elements(whole, number):
            yield InputRow(name, value, slopes.get(name), by_name.get(name), bounds.get(name))


def _element(number: Any, index: tuple[int, ...]) -> Any:
    """The number at an index of nested lists; None where there are none."""
    for k in index:
        number = None if number is None else number[k]
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


def chain_cells(stage: Stage) -> tuple[str, ...]:
    """Operands, local gradients and contributions of a stage as JSON; none if not asked for."""
    if stage.links is None:
        return ()
    parts = [link and link.contribution for link in stage.links]
    return tuple(json_text(x).strip() for x in (stage.operands, stage.local_gradients, parts))


def derivatives(report: EvalReport) -> Iterator[tuple[str, str, Any, str]]:
    """Long decimals, Jacobians and second derivatives: what, by which inputs, numbers, verdicts."""
    decimal = report.decimal or {}
    if decimal:
        yield "decimal", "value", decimal["value"], ""
    for name, text in decimal.get("gradients", {}).items():
        yield "decimal", f"d{name}", text, ""
    for kind, names, block, _, _, verdict in blocks(report):
        yield kind, ", ".join(names), block, verdict


Block = tuple[str, tuple[str, ...], Any, Any, Any, str]


def blocks(report: EvalReport) -> Iterator[Block]:
    """Blocks of derivatives: kind, inputs, numbers, bounds, decimals, verdicts (None: no such)."""
    decimal = report.decimal or {}
    for name, block in (report.jacobian or {}).items():
        bounds, texts = report.jacobian_bounds, decimal.get("jacobian")
        parts = bounds and bounds[name], texts and texts[name]
        yield "jacobian", (name,), block, *parts, _verdict(report.jacobian_check, name)
    for name, row in (report.hessian or {}).items():
        bounds, texts = report.hessian_bounds, decimal.get("hessian")
        for other, block in row.items():
            parts = bounds and bounds[name][other], texts and texts[name][other]
            yield (
                "hessian",
                (name, other),
                block,
                *parts,
                _verdict(report.hessian_check, name, other),
            )


def _verdict(checks: EntryChecks | None, *names: str) -> str:
    """The verdicts on a block, the worst first: `pass`, `1 kink, 3 pass`; empty if none."""
    if checks is None:
        return ""
    part: Any = checks.verdicts
    for name in names:
        part = part[name]
    words = [word for _, word in elements("", part)]
    if len(set(words)) == 1:
        return str(words[0])
    return ", ".join(f"{words.count(v)} {v}" for v in reversed(VERDICTS) if v in words)


def verdict_cells(check: InputCheck | None) -> tuple[str, str, str]:
    """The numeric derivative, the relative error and the verdict; empty without a check."""
    if check is None:
        return "", "", ""
    return exact(check.numeric), exact(check.relative_error), check.spoken
