"""The report of `eval`: stages with values and gradients, their digits, and the check."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from gradcli.checker import Point, Question, check
from gradcli.engine import local_gradients
from gradcli.errors import BindingError
from gradcli.evaluation.certainty import certain_numbers
from gradcli.evaluation.numbers import Numbers
from gradcli.evaluation.point import (
    Evaluation,
    constants_at,
    evaluate_at,
    gather,
    numbers,
    numbers_of,
    settings,
    wanted,
)
from gradcli.program.model import Program
from gradcli.reports import EvalReport, Stage
from gradcli.requests import Request, Settings
from gradcli.syntax.tokens import line_and_column


def report(program: Program, asked: Request, written: Program | None = None) -> EvalReport:
    """Everything `eval` says of a program; with what it was `written` as, both results.

    Raises GradcliError.
    """
    found = evaluate_at(program, settings(program), asked)
    numbers, notes = certain_numbers(found, asked)
    return report_of(found, asked, numbers, notes, _stages(found, numbers), written)


def report_of(
    found: Evaluation, asked: Request, numbers: Numbers, notes: list[str], stages: list[Stage],
    written: Program | None = None,
) -> EvalReport:  # fmt: skip
    """The report of a run whose numbers are certain, with its check. Raises GradcliError."""
    program, names = found.program, found.names
    checked = None
    if asked.check and found.leaves:
        checked = check(
            checked_point(found), questions(found, {}, asked.exact, numbers.gradients),
            Settings(asked.tolerance, asked.check_budget),
        )  # fmt: skip
        if checked is None:
            notes.append("not checked: it would take more than the budget (--check-budget)")
    as_written = None if written is None else _as_written(written, asked, notes)
    if program.value_claims:
        notes.append("claims on values are judged by `gradcli check`, not here")
    asked_for = wanted(program, asked.wrt)
    return EvalReport(
        program.expression or stages[-1].expression,
        names[program.output],
        numbers.values[program.output],
        {n: gather(value, found.run.values) for n, value in program.inputs.items()},
        {n: gather(program.inputs[n], numbers.gradients) for n in asked_for},
        stages,
        checked,
        notes,
        program.warnings,
        bound=numbers.value_bound(program.output),
        gradient_bounds=None
        if numbers.gradient_errors is None
        else {n: gather(program.inputs[n], numbers.gradient_errors) for n in asked_for},
        arithmetic=numbers.arithmetic,
        conditions=_conditions(found, numbers),
        decimal=decimals(found, numbers, asked),
        uncertainty=_uncertainty(found, numbers, notes),
        written=as_written,
        is_plain=asked.arithmetic == "float64",
    )


def _as_written(written: Program, asked: Request, notes: list[str]) -> dict[str, Any]:
    """What plain float64 gives for the program before fusing, and a note that says so."""
    found = evaluate_at(written, settings(written), asked)
    value, gradients = found.run.values[written.output], found.run.gradients
    slopes = "".join(f", d{name} = {gradients[leaf]!r}" for name, leaf in found.leaves[:3])
    more = ", ..." if len(found.leaves) > 3 else ""
    notes.append(f"as written, plain float64 gives {value!r}{slopes}{more}")
    return {
        "value": value,
        "gradients": {
            n: gather(written.inputs[n], gradients) for n in wanted(written, asked.wrt)
        },
    }  # fmt: skip


def _conditions(found: Evaluation, numbers: Numbers) -> dict[str, float | None]:
    """|x * df/dx / f| of every input: relative changes of x come out this many times as large."""
    f, run = numbers.values[found.program.output], found.run
    conditions: dict[str, float | None] = {}
    for name, leaf in found.leaves:
        slope = numbers.gradients[leaf] / found.upstream if found.upstream else math.nan
        moved = abs(run.values[leaf] * slope)
        condition = math.nan if not (math.isfinite(f) and math.isfinite(moved)) else (
            0.0 if not moved else moved / abs(f) if f else math.inf
        )  # fmt: skip
        conditions[name] = None if math.isnan(condition) else condition
    return conditions


def _uncertainty(found: Evaluation, numbers: Numbers, notes: list[str]) -> dict[str, Any] | None:
    """How far the value may be off because inputs are: first order, inputs independent.

    The square root of the sum of the squares of slope times uncertainty (Taylor, An Introduction
    to Error Analysis, section 3.11). Raises BindingError for an uncertainty below 0.
    """
    program = found.program
    if not program.uncertainties:
        return None
    given = constants_at(program.settings, [*program.uncertainties.values()])
    spreads: dict[str, float] = {}
    parts: dict[str, float] = {}
    for name, node in program.uncertainties.items():
        if not 0 <= given[node] < math.inf:
            raise BindingError(f"the uncertainty of `{name}` is {given[node]}, not 0 or more")
        for element, leaf in numbers_of(program, name):
            slope = numbers.gradients[leaf] / found.upstream if found.upstream else math.nan
            spreads[element] = given[node]
            parts[element] = abs(slope) * given[node]
    total = math.hypot(*parts.values()) if parts else 0.0
    shares = ", ".join(f"{part:.3g} from {name}" for name, part in [*parts.items()][:5])
    notes.append(
        f"the value is uncertain by {total:.3g} ({shares}): to first order, inputs independent"
    )
    return {"value": total, "inputs": spreads, "contributions": parts}


def decimals(found: Evaluation, numbers: Numbers, asked: Request) -> dict[str, Any] | None:
    """The long decimals that were asked for, as texts."""
    if not asked.digits:
        return None
    from gradcli.reports.digits import certain_text

    def text(node: int, number: float, bound: float | None) -> str:
        return numbers.texts.get(node) or certain_text(number, bound, asked.digits or 0)

    values = [text(k, numbers.values[k], numbers.value_bound(k)) for k in found.results]
    return {
        "digits": asked.digits,
        "value": values if found.program.parts else values[0],
        "gradients": {
            name: text(leaf, numbers.gradients[leaf], numbers.gradient_bound(leaf))
            for name, leaf in found.leaves
        },
    }


def checked_point(found: Evaluation) -> Point:
    """The run as the checker wants it."""
    trouble = found.notes[0] if found.notes else None
    return Point(found.run, found.program.output, found.upstream, found.names, trouble)


def questions(
    found: Evaluation, typed: dict[str, float], exact: bool,
    gradients: Sequence[float] | None = None,
) -> list[Question]:  # fmt: skip
    """What to check: typed claims by number, hand-written gradients, else the engine's own."""
    program, run = found.program, found.run
    slopes = run.gradients if gradients is None else gradients
    written = {
        element: node
        for name, value in program.claims.items()
        for element, node in numbers(name, value)
    }
    asked = []
    for name, leaf in found.leaves:
        analytic, formula = float(slopes[leaf]), written.get(name)
        if name in typed:
            asked.append(Question(name, leaf, analytic, typed[name], None, exact=True))
        elif formula is not None:
            is_typed = exact or not program.graph.active[formula]
            claim = float(run.values[formula])
            asked.append(Question(name, leaf, analytic, claim, formula, is_typed))
        else:
            asked.append(Question(name, leaf, analytic, exact=exact))
    return asked


def _stages(found: Evaluation, numbers: Numbers) -> list[Stage]:
    """Every gate of the forward part, with its value, gradient and local gradients."""
    program, run, names = found.program, found.run, found.names
    graph = program.graph
    nodes = [n for n in names if n < program.forward_nodes and n not in program.aside]
    nodes.sort(key=lambda node: node == program.output)  # the output comes last
    spans = program.source.spans({graph.tokens[node] for node in nodes})
    place = line_and_column(program.source.text)
    phrases = graph.phrases(names)
    local = local_gradients(run, nodes)
    stages = []
    for node in nodes:
        line, column = place(spans[graph.tokens[node]].start)
        operands: list[str | float] = [
            graph.constants[k] if k in graph.constants else names.get(k) or graph.names[k]
            for k in graph.operands[node]
        ]
        gradient = numbers.gradients[node] if graph.active[node] else None
        slack = numbers.gradient_bound(node) if graph.active[node] else None
        stages.append(Stage(
            names[node], graph.gates[node].name, graph.label(node), phrases[node][0], operands,
            numbers.values[node], gradient, [*local[node]], line, column, node in graph.names,
            numbers.value_bound(node), slack,
        ))  # fmt: skip
    return stages
