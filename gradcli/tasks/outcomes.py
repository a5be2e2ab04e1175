"""The outcome of a check at one point: verdicts on gradients and lines, and notes."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from gradcli.arithmetic.agreement import agree
from gradcli.backward.amounts import rounding_of
from gradcli.checker.evidence import BEYOND_BUDGET, NOTHING, OWN, evidence_at
from gradcli.checker.question import Question, questions_of
from gradcli.checker.verdicts import check
from gradcli.evaluation.certainty import certain_numbers
from gradcli.evaluation.numbers import CERTAIN_ERROR, Numbers, is_certain
from gradcli.evaluation.point import Point, at
from gradcli.named_tuples import NamedTuple
from gradcli.program.model import Program
from gradcli.reports.evaluations import InputCheck, worst
from gradcli.reports.lines import Fork, LineCheck
from gradcli.requests import Request

LARGE = 500  # gates, from which on many digits take longer than all other work
TO_SPARE = 0.01  # of the tolerance: an error of the engine's that no verdict turns on
UNJUDGED = "gradients are judged, lines are not: gates that only run are among what they pass"


class Outcome(NamedTuple):
    """The worst verdict at a point, those on single gradients and lines, and the notes."""

    point: Point
    verdict: str
    checks: dict[str, InputCheck]
    notes: list[str]
    lines: list[LineCheck] = []  # noqa: RUF012  # never written to
    forks: list[Fork] = []  # noqa: RUF012  # never written to
    hides: bool = False  # with its wrong lines mended the program is not right elsewhere


def outcome_at(
    program: Program, inputs: list[Any], request: Request, typed: Mapping[str, Any],
    formulas_only: bool = False, elsewhere: bool = False,
) -> Outcome:  # fmt: skip
    """Check a program at some inputs, as `outcome_of` does at the point they make."""
    return outcome_of(at(program, inputs, request), request, typed, formulas_only, elsewhere)


def outcome_of(
    point: Point, request: Request, typed: Mapping[str, Any],
    formulas_only: bool = False, elsewhere: bool = False,
) -> Outcome:  # fmt: skip
    """Check at one point; `typed` are claims of the caller, by the names of the point's leaves.

    `formulas_only` leaves out claims that are numbers: they hold at the program's own point only.
    At a point `elsewhere` a formula that gives what the engine does needs no other evidence: the
    engine itself is checked at the program's own point.
    """
    program = point.program
    has_gradients = point.upstream is not None or not request.jacobian
    questions = questions_of(point, typed, request.exact) if has_gradients else []
    is_of_numbers = not point.is_of_arrays
    numbers = None
    if is_of_numbers and not elsewhere and any(q.claim is None for q in questions):
        numbers, _ = certain_numbers(point, request, False, enough=_enough(program, request))
        questions = questions_of(point, typed, request.exact, numbers.gradients)
    if formulas_only:
        active = program.graph.active
        questions = [q for q in questions if q.formula is None or active[q.formula]]
    if elsewhere:
        questions = _differing(questions, request)
    chosen = evidence_at(point, questions, request)
    answer = check(point, questions, request, chosen)
    checks = answer.inputs if numbers is None else _bounded(answer.inputs, questions, numbers)
    notes = [*point.notes, *([chosen.note] if questions and chosen.note is not None else [])]
    has_lists = any(isinstance(value, list) for value in program.inputs.values())
    if answer.verdict == "fail" and has_lists and not program.lines:
        from gradcli.checker.patterns import failure_patterns  # late: numbers do not need numpy

        notes += failure_patterns(program, answer.inputs)
    lines: list[LineCheck] = []
    forks: list[Fork] = []
    hides = False
    if program.lines and chosen.kind == OWN and program.graph.is_opaque:
        notes.append(UNJUDGED)
    elif program.lines:
        from gradcli.backward.lines import judge_lines  # late: few programs have a backward part

        written = point
        if chosen.kind == OWN:
            from gradcli.transform.written_out import written_out  # late: few have such gates

            written = at(written_out(program), point.inputs, request)
        lines, forks, hides = judge_lines(written, request, formulas_only)
    if chosen.kind == NOTHING:
        lines = [line.unchecked(BEYOND_BUDGET) for line in lines]
    is_claimed = bool(program.claims or typed)
    verdicts = [c.verdict for c in answer.inputs.values() if not (is_claimed and c.is_idle)]
    verdicts += [line.verdict for line in lines if line.cause is None]
    has_entries = bool(program.inputs) and (request.jacobian or request.hessian)
    is_checked = bool(verdicts) or elsewhere or has_entries
    if not (is_checked or answer.inputs):
        nothing = "no input has elements" if point.program.inputs else "the program has no input"
        notes.append(f"nothing was checked: {nothing}")
    verdict = worst(verdicts) if is_checked else "inconclusive"
    return Outcome(point, verdict, checks, notes, lines, forks, hides)


def _enough(program: Program, request: Request) -> float:
    """The relative error up to which an own gradient is judged as float64 has it."""
    is_large = len(program.graph) > LARGE
    return max(CERTAIN_ERROR, request.tolerance * TO_SPARE) if is_large else CERTAIN_ERROR


def _bounded(
    checks: dict[str, InputCheck], questions: list[Question], numbers: Numbers
) -> dict[str, InputCheck]:
    """The checks, those of the engine's own gradients with a bound where few digits are certain."""
    bounded = {**checks}
    for question in questions:
        bound = numbers.gradient_bound(question.leaf)
        if bound is None or question.claim is not None or not math.isfinite(bound):
            continue
        if not is_certain(question.analytic, bound):
            bounded[question.name] = checks[question.name]._replace(analytic_bound=bound)
    return bounded


def _differing(questions: list[Question], request: Request) -> list[Question]:
    """The questions whose formulas do not give what the engine does, beyond all rounding."""
    room = rounding_of(q.analytic for q in questions)
    return [
        q for q in questions
        if q.claim is not None and not agree(q.claim, q.analytic, request.tolerance, room)
    ]  # fmt: skip
