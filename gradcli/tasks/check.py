"""The task `check`: the verdicts on one program, at one point or at many.

A program with formulas is checked at a second point as well, where its own may hide a mistake. With
ranges, points are sampled, and a failing one is made as simple as it can be and still fail.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from itertools import product
from random import Random
from typing import Any

from gradcli.arithmetic.agreement import agree
from gradcli.arithmetic.work import limited
from gradcli.checker.evidence import ELEMENTS, evidence, has_none
from gradcli.checker.values import check_values
from gradcli.errors import GradcliError, UsageError
from gradcli.evaluation.costs import refuse_much, refuse_points
from gradcli.evaluation.point import (
    as_numbers,
    at,
    claims_of,
    gather,
    in_lists,
    inputs_of,
    wanted,
)
from gradcli.named_tuples import NamedTuple
from gradcli.program.model import Program, elements, nodes_of
from gradcli.program.reader import StrayLineError, read
from gradcli.reports.checks import SKIPPED, Case, Problem
from gradcli.reports.evaluations import InputCheck, worst
from gradcli.reports.lines import LineCheck
from gradcli.requests import Request, Setting
from gradcli.syntax.tokens import line_and_column
from gradcli.tasks.claims import claim_count, refuse_lost_claims
from gradcli.tasks.outcomes import Outcome, outcome_at
from gradcli.tasks.ranges import range_of
from gradcli.tasks.second_point import second_point
from gradcli.tasks.tables import table_of
from gradcli.transform.truth import true_gradients

SKIP = re.compile(r"^[ \t]*#[ \t]*gradcli:[ \t]*skip\b[ \t]*(.*?)[ \t\r]*$", re.MULTILINE)
ONE_POINT = "give every input a single value"
MOST_OUTPUTS = 2  # stages that nothing reads are tried as the output
SIMPLE = (0.0, 1.0, -1.0, 2.0, -2.0, 0.5, -0.5, 3.0, 10.0)  # tried first when a point is shrunk


class Checked(NamedTuple):
    """A case, and the program as it was checked: of numbers where its arrays are small."""

    case: Case
    program: Program


def check_program(
    text: str, name: str, bindings: list[tuple[str, Setting]], request: Request
) -> Checked:
    """Read a program, also a pasted one, and check it. Raises GradcliError."""
    try:
        return _check_text(text, name, bindings, request)
    except GradcliError as error:
        from gradcli.tasks.pasted_programs import LEFT_OUT, program_in  # late: few are pasted

        case, program = _check_text(program_in(text, error), name, bindings, request)
        return Checked(case._replace(notes=[*case.notes, LEFT_OUT]), program)


def _check_text(
    text: str, name: str, bindings: list[tuple[str, Setting]], request: Request
) -> Checked:
    ranges = {n: bounds for n, v in bindings if (bounds := range_of(n, v)) is not None}
    if ranges and request.claims:
        raise UsageError("a number is claimed at one point, not over a range", hint=ONE_POINT)
    fixed = [(n, ranges[n][0] if n in ranges else v) for n, v in bindings]
    table = table_of(request)

    def reading(output: str | None = None, is_last: bool = False) -> Program:
        asked = request if is_last or output is None else request._replace(output=output)
        last = output if is_last else None
        return read(
            text, name, fixed, request=asked, varied=ranges, table=table, last_stage=last,
            true_gradients=true_gradients,
        )  # fmt: skip

    program, stray = _with_stray(reading)
    request = with_tolerance(request, program.tolerance)
    refuse_much(program, request, is_listed=False)
    refuse_lost_claims(program, bindings, request)
    other = None if request.output else _by_earlier_output(program, reading, request)
    checked = _checked(other or program, ranges, request)
    if other is None:
        if stray is not None:
            _excuse(stray, checked.case)
        return checked
    note = f"`{checked.case.output}` is taken for the output: more gradients are right by that one"
    return Checked(checked.case._replace(notes=[*checked.case.notes, note]), checked.program)


def _with_stray(reading: Callable[[], Program]) -> tuple[Program, StrayLineError | None]:
    """A program, and the error of a line that nothing reads."""
    try:
        return reading(), None
    except StrayLineError as error:
        return error.program, error


def _excuse(stray: StrayLineError, case: Case) -> None:
    """Warn of a line that nothing reads where a wrong one may have forgotten it. Else raises it."""
    if not any(line.is_accused for line in case.lines):
        raise stray
    case.warnings.append(stray.message)


def _by_earlier_output(
    program: Program, reading: Callable[[str, bool], Program], request: Request
) -> Program | None:
    """The program with an earlier output, where more of its gradients are right by that one.

    The stages after it are helpers of the backward part then, or of no use.
    """
    idle = _idle_stages(program) if program.lines else []
    best, others = _right_share(program, request) if idle else 0.0, []
    for output, is_last in product(idle[-MOST_OUTPUTS:], (True, False)):
        with suppress(GradcliError):
            other = reading(output, is_last)
            others.append((_right_share(other, request), other))
    share, other_program = max(others, key=lambda pair: pair[0], default=(0.0, program))
    return other_program if share > best else None


def _right_share(program: Program, request: Request) -> float:
    """The share of claimed gradients that are the engine's; that of the output is its own."""
    with suppress(GradcliError):
        run = at(program, inputs_of(program), request).run
        values = {**program.inputs, **program.stages}
        if not run.gradients:
            return 0.0
        right = [
            all(agree(run.values[k], run.gradients[node], request.tolerance)
                for k, node in zip(nodes_of(claim), nodes_of(values[name]), strict=True))
            for name, claim in program.claims.items()
            if program.output not in nodes_of(values[name])
        ]  # fmt: skip
        return sum(right) / max(1, len(right))
    return 0.0


def check_read(program: Program, request: Request) -> Checked:
    """Check a program that has been read, at its own point."""
    refuse_much(program, request, is_listed=False)
    return _checked(program, {}, request)


@limited()
def _checked(program: Program, ranges: dict[str, tuple[float, float]], request: Request) -> Checked:
    claims = claim_count(program, request)
    request, of_entries = _with_entries(program, request)
    entries = _entries(program, request, of_entries, bool(ranges))
    program = _taken_apart(program, request)
    start = inputs_of(program)
    if ranges:
        case = _sampled(program, start, ranges, request)
    else:
        first = outcome_at(program, start, request, claims_of(program, request.claims))
        values = check_values(first.point, request.tolerance)
        whole, outcome = _elsewhere(program, first, request)
        case = _case(whole, outcome, values, request)
    verdict = worst([case.verdict, *(entry.verdict for entry in entries.values())])
    case = case._replace(claims=claims, entries=entries, verdict=verdict)
    if verdict == "fail":
        from gradcli.tasks.written_digits import told_of_digits  # late: few claims are rounded

        case = told_of_digits(case, program, request)
    return Checked(case, program)


def _elsewhere(program: Program, first: Outcome, request: Request) -> tuple[Program, Outcome]:
    """The outcome with what other points show, and the program that it is about.

    The numbers that stand for arrays have the upstream gradient of their own point; where a formula
    gives it, the arrays themselves are moved.
    """
    if request.only_here or not _has_formulas(program) or program.graph.own_gates:
        return program, first
    arrays = program.arrays
    if arrays is None or arrays.upstream is None or not arrays.graph.active[arrays.upstream]:
        return program, second_point(program, first, request) or first
    moving = first._replace(point=at(arrays, inputs_of(arrays), request))
    second = second_point(arrays, moving, request) or first
    if second.verdict == "fail" != first.verdict:
        return arrays, second
    return program, first._replace(lines=second.lines, notes=second.notes)


def _with_entries(program: Program, request: Request) -> tuple[Request, dict[str, Setting]]:
    """The request with the Jacobian and Hessian it means, and the claims on their entries.

    An array without an upstream gradient has no gradient: its Jacobian is checked.
    """
    of_entries = {name: x for name, x in request.claims.items() if "," in name}
    claims = {name: x for name, x in request.claims.items() if name not in of_entries}
    is_open = _has_no_upstream(program, request)
    jacobian = request.jacobian or (is_open and not program.claims)
    if is_open and jacobian:
        of_entries |= {f"value,{name}": x for name, x in claims.items()}
        claims = {}
    if of_entries:
        from gradcli.tasks.entry_claims import kinds_of  # late: numbers do not need numpy

        kinds = kinds_of(program, of_entries)
        jacobian |= "jacobian" in kinds
        request = request._replace(hessian=request.hessian or "hessian" in kinds)
    return request._replace(jacobian=jacobian, claims=claims), of_entries


def _has_no_upstream(program: Program, request: Request) -> bool:
    """Whether the output is an array without an upstream gradient: it has no gradients."""
    is_array = bool(program.graph.shape(program.output))
    return is_array and request.upstream is None and program.upstream is None


def _entries(
    program: Program, request: Request, claims: Mapping[str, Setting], has_ranges: bool
) -> dict[str, InputCheck]:
    """The verdicts on the entries of the Jacobian and the Hessian.

    Raises UsageError over ranges, where entries are numbers at one point only.
    """
    if not (request.jacobian or request.hessian):
        return {}
    if has_ranges:
        raise UsageError("a Jacobian or a Hessian is checked at one point, not over a range",
                         hint=ONE_POINT)  # fmt: skip
    from gradcli.tasks.derivatives import derivatives_of  # late: numbers do not need numpy
    from gradcli.tasks.entry_claims import entry_claims
    from gradcli.tasks.entry_verdicts import entry_checks

    checks: dict[str, InputCheck] = {}
    for derivative in derivatives_of(program, request):
        typed = entry_claims(program, derivative.kind, claims)
        checks |= entry_checks(program, derivative, request, typed).entries
    return checks


def with_tolerance(request: Request, own: float | None) -> Request:
    """The request with a program's own tolerance, unless the caller has asked for one."""
    if own is None or request.keeps_tolerance:
        return request
    return request._replace(tolerance=own)


def skip_reason(text: str) -> str | None:
    """Why a program asks not to be checked; None where it does not."""
    match = SKIP.search(text)
    return None if match is None else match[1]


def skipped_case(name: str, reason: str) -> Case:
    """The case of a program that asks not to be checked."""
    notes = [f"skipped: {reason}" if reason else "skipped"]
    return Case(name, 1, "", "", "inconclusive", {}, [], notes, [], {}, excuse=SKIPPED)


def broken_case(name: str, error: GradcliError) -> Case:
    """The case of a program that could not be read."""
    span = error.span
    line, column, text = (span.line, span.column, span.line_text) if span else (None, None, "")
    problem = Problem(error.kind, error.message, line, column, error.hint, text)
    return Case(name, line or 1, "", "", "error", {}, [], [], [], {}, problem=problem)


def _taken_apart(program: Program, request: Request) -> Program:
    """The program of numbers, where it is small enough for a question about each element."""
    graph, is_open = program.graph, request.jacobian and _has_no_upstream(program, request)
    if not graph.has_arrays or graph.own_gates or is_open or has_none(graph):
        return program
    from gradcli.transform.elements import small_circuit  # late: numbers do not need numpy

    circuit = small_circuit(graph)
    gradients = len(wanted(program, request.wrt))
    if evidence(graph, gradients, request, circuit).kind != ELEMENTS:
        return program
    return as_numbers(program, request.upstream, circuit)


# ---------------------------------------------------------------- many points


def _sampled(
    program: Program, start: list[Any], ranges: dict[str, tuple[float, float]], request: Request
) -> Case:
    """The worst of many points; a failing one is shrunk.

    Raises UsageError where a number is claimed that holds at one point only.
    """
    for claim in program.value_claims:
        raise _one_point(program, f"the value of `{claim.name}` is claimed", claim.token)
    refuse_points(program.graph, request.samples, request)
    places = {name: k for k, name in enumerate(program.graph.inputs)}
    varied = {places[name]: bounds for name, bounds in ranges.items() if name in places}
    rng = Random(request.seed or 0)
    outcomes = []
    for _ in range(request.samples):
        inputs = start.copy()
        for place, (low, high) in varied.items():
            width = high - low
            part = rng.random()
            inputs[place] = (
                low + width * part if width < math.inf else low * (1 - part) + high * part
            )
        outcomes.append(outcome_at(program, inputs, request, {}))
        for name in _wrong_numbers(program, outcomes[-1], request.tolerance):
            what = f"the gradient of `{name}` is claimed as a number, which holds"
            raise _one_point(program, what, program.claim_tokens[name])
    verdict = worst([outcome.verdict for outcome in outcomes])
    outcome = next(o for o in outcomes if o.verdict == verdict)
    if verdict == "fail":
        outcome = _shrunk(program, outcome, varied, request)
    return _case(program, outcome, [], request, len(outcomes))


def _wrong_numbers(program: Program, outcome: Outcome, tolerance: float) -> Iterator[str]:
    """The names whose gradients are claimed as numbers that are not right at a point.

    A slope that is the same everywhere, as that of `+ b`, may well be claimed as a number.
    """
    active, run = program.graph.active, outcome.point.run
    for name, claim in program.claims.items():
        value = program.inputs.get(name, program.stages.get(name))
        if value is None or program.output in nodes_of(value):
            continue
        for (element, node), (_, claimed) in zip(
            elements(name, value), elements(name, claim), strict=True
        ):
            if active[claimed]:
                continue
            answer = outcome.checks.get(str(element))
            if answer is None:
                is_right = agree(run.values[claimed], run.gradients[node], tolerance)
            else:
                is_right = answer.verdict != "fail"
            if not is_right:
                yield name


def _one_point(program: Program, what: str, token: int) -> UsageError:
    """The error of a number that is claimed where inputs have ranges."""
    span = program.source.span(token)
    return UsageError(f"{what} at one point, not over a range", span,
                      hint=f"write a formula, or {ONE_POINT}")  # fmt: skip


def _shrunk(
    program: Program, outcome: Outcome, varied: dict[int, tuple[float, float]], request: Request
) -> Outcome:
    """A simpler point that still fails: small whole numbers first, then fewer digits."""
    for place, (low, high) in varied.items():
        for simpler in _simpler(outcome.point.inputs[place]):
            if not low <= simpler <= high:
                continue
            inputs = outcome.point.inputs
            inputs[place] = simpler
            tried = outcome_at(program, inputs, request, {}, formulas_only=True)
            if tried.verdict == "fail":
                outcome = tried
                break
    return outcome


def _simpler(x: float) -> Iterator[float]:
    yield from SIMPLE
    for digits in range(4):
        yield round(x, digits)


def _has_formulas(program: Program) -> bool:
    """Whether a gradient is claimed by a formula and not by a number."""
    active = program.graph.active
    return any(active[node] for value in program.claims.values() for node in nodes_of(value))


# ---------------------------------------------------------------- the case


def _case(
    program: Program,
    outcome: Outcome,
    values: list[InputCheck],
    request: Request,
    points: int | None = None,
) -> Case:
    place = line_and_column(program.source.text)
    tokens = {program.graph.tokens[program.output], *program.claim_tokens.values()}
    spans = program.source.spans(tokens)
    line = place(spans[program.graph.tokens[program.output]].start)[0]
    places = {name: place(spans[token].start) for name, token in program.claim_tokens.items()}
    output = outcome.point.names[program.output]
    for name in program.claim_tokens:  # a claim on all of a list stands for its elements
        value = program.stages.get(name, program.inputs.get(name, []))
        if any(k == program.output and str(e) == output for e, k in elements(name, value)):
            places.setdefault(output, places[name])
    missing = [f"no gradient for {name}" for name in unclaimed(program)]
    if outcome.verdict == "fail" and outcome.lines:
        missing += _other_outputs(program)
    run = outcome.point.run
    return Case(
        program.source.name, line, program.expression, output,
        worst([outcome.verdict, *(value.verdict for value in values)]), outcome.checks, values,
        [*outcome.notes, *missing], program.warnings, places, points,
        (request.seed or 0) if points else None,
        {n: in_lists(gather(v, run.values)) for n, v in program.inputs.items()}
        if points else None,
        lines=_one_of_each(program, outcome.lines), forks=outcome.forks,
        text=program.source.text if outcome.lines else "",
    )  # fmt: skip


def _one_of_each(program: Program, checks: list[LineCheck]) -> list[LineCheck]:
    """The checks of lines, and of one that writes a part of an array the one to tell.

    The part is told where it is wrong by itself, and what stands in the whole array elsewhere.
    """
    told: list[LineCheck] = []
    is_part_told = False
    for line, check in zip(program.lines, checks, strict=False):
        if line.before is not None:
            is_part_told = check.is_accused
            told += [check] * is_part_told
        elif is_part_told:
            is_part_told = False
        else:
            told.append(check)
    return told


def unclaimed(program: Program) -> list[str]:
    """The inputs without a gradient line in a program that has some."""
    asked = program.wrt or [name for name in program.inputs if name != program.given]
    misfits = {line.misfit.name for line in program.lines if line.misfit is not None}
    return [
        name for name in program.inputs
        if program.claims and name in asked and name not in program.claims and name not in misfits
    ]  # fmt: skip


def _other_outputs(program: Program) -> list[str]:
    """A note on stages that nothing reads: one of them may be the output that was meant."""
    idle, names = _idle_stages(program), program.stages.items()
    taken = [name for name, value in names if program.output in nodes_of(value)]
    if not taken or not idle or program.parts:
        return []
    return [
        f"`{taken[0]}` is taken for the output; nothing reads `{idle[0]}`: "
        f"`--output {idle[0]}` takes that"
    ]


def _idle_stages(program: Program) -> list[str]:
    """The stages beside the output that nothing in the forward part reads."""
    graph, last = program.graph, program.forward_nodes
    read = {k for node in range(last) if node not in program.aside for k in graph.operands[node]}
    return [
        name for name, value in program.stages.items()
        if nodes_of(value) and name[0] != "d" and program.output not in nodes_of(value)
        and not read.intersection(nodes_of(value))
    ]  # fmt: skip
