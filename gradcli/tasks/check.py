"""What `check` answers of one program: its verdicts, at one point or at many.

At a single point a hand-written formula may look right by accident: a factor is 1, a lost term is
0, two inputs are equal. Such a point is checked, and a second one near by as well. With ranges,
points are sampled, and a failing one is made as simple as it can be and still fail.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from random import Random
from typing import Any, NamedTuple

from gradcli.arithmetic.agreement import agree
from gradcli.checker.evidence import BEYOND_BUDGET, ELEMENTS, NOTHING, evidence
from gradcli.checker.question import questions_of
from gradcli.checker.values import check_values
from gradcli.checker.verdicts import check
from gradcli.errors import BindingError, GradcliError, UsageError
from gradcli.evaluation.elsewhere import are_free, near, on_other_branches
from gradcli.evaluation.point import (
    Point,
    as_numbers,
    at,
    claims_of,
    constant,
    gather,
    in_lists,
    inputs_of,
    numbers,
    wanted,
)
from gradcli.program.model import Program, nodes_of
from gradcli.program.reader import read
from gradcli.reports.checks import Case, Problem
from gradcli.reports.evaluations import InputCheck, worst
from gradcli.reports.lines import Fork, LineCheck
from gradcli.requests import Request, Setting
from gradcli.syntax.tokens import line_and_column
from gradcli.tasks.claims import claim_count, refuse_lost_claims
from gradcli.tasks.lines import judged

ONE_POINT = "give every input a single value"
MOST_OF_POINT = 6  # numbers of a point in a note
SIMPLE = (0.0, 1.0, -1.0, 2.0, -2.0, 0.5, -0.5, 3.0, 10.0)  # tried first when a point is shrunk


class Checked(NamedTuple):
    """A case, and the program as it was checked: of numbers where its arrays are small."""

    case: Case
    program: Program


class _Outcome(NamedTuple):
    """What the checker says at one point."""

    point: Point
    verdict: str
    checks: dict[str, InputCheck]
    notes: list[str]
    lines: list[LineCheck] = []  # noqa: RUF012  # never written to
    forks: list[Fork] = []  # noqa: RUF012  # never written to


def check_program(
    text: str, name: str, bindings: list[tuple[str, Setting]], request: Request
) -> Checked:
    """Read a program and check it. Raises GradcliError for what cannot be read."""
    ranges = {n: bounds for n, v in bindings if (bounds := _range(n, v)) is not None}
    if ranges and request.claims:
        raise UsageError("a number is claimed at one point, not over a range", hint=ONE_POINT)
    fixed = [(n, ranges[n][0] if n in ranges else v) for n, v in bindings]
    program = read(text, name, fixed, request=request, varied=ranges)
    refuse_lost_claims(program, bindings, request)
    claims = claim_count(program, request)
    program = _taken_apart(program, request)
    start = inputs_of(program)
    if ranges:
        case = _sampled(program, start, ranges, request)
    else:
        first = _at(program, start, request, claims_of(program, request.claims))
        second = _second_point(program, first, request) if _has_formulas(program) else None
        values = check_values(first.point, request.tolerance)
        case = _case(program, second or first, values, request)
    return Checked(case._replace(claims=claims), program)


def broken_case(name: str, error: GradcliError) -> Case:
    """The case of a program that could not be read."""
    span = error.span
    line, column = (span.line, span.column) if span else (None, None)
    problem = Problem(error.kind, error.message, line, column, error.hint)
    return Case(name, line or 1, "", "", "error", {}, [], [], [], {}, problem=problem)


def _taken_apart(program: Program, request: Request) -> Program:
    """The program of numbers, where it is small enough for a question about each element."""
    if not program.graph.has_arrays:
        return program
    from gradcli.transform.elements import small_circuit  # late: numbers do not need numpy

    circuit = small_circuit(program.graph)
    gradients = len(wanted(program, request.wrt))
    if evidence(program.graph, gradients, request, circuit).kind != ELEMENTS:
        return program
    return as_numbers(program, request.upstream, circuit)


# ---------------------------------------------------------------- one point


def _at(
    program: Program, inputs: list[Any], request: Request, typed: Mapping[str, Any],
    formulas_only: bool = False, elsewhere: bool = False,
) -> _Outcome:  # fmt: skip
    """Check at one point; `formulas_only` leaves out numbers, which are claimed at theirs only.

    At a point `elsewhere` a formula that gives what the engine does needs no other evidence: the
    engine itself has been checked at the point that was asked about.
    """
    point = at(program, inputs, request)
    questions = questions_of(point, typed, request.exact)
    if formulas_only:
        active = program.graph.active
        questions = [q for q in questions if q.formula is None or active[q.formula]]
    if elsewhere:
        questions = [
            q for q in questions
            if q.claim is not None and not agree(q.claim, q.analytic, request.tolerance)
        ]  # fmt: skip
    chosen = evidence(program.graph, len(questions), request)
    answer = check(point, questions, request)
    notes = [*point.notes, *([] if chosen.note is None else [chosen.note])]
    has_lists = any(isinstance(value, list) for value in program.inputs.values())
    if answer.verdict == "fail" and has_lists and not program.lines:
        from gradcli.checker.patterns import failure_patterns  # late: numbers do not need numpy

        notes += failure_patterns(program, answer.inputs)
    lines, forks = judged(point, request, formulas_only)
    if chosen.kind == NOTHING:
        lines = [line.unchecked(BEYOND_BUDGET) for line in lines]
    verdicts = [check.verdict for check in answer.inputs.values()]
    verdicts += [line.verdict for line in lines if line.cause is None]
    if not verdicts and not elsewhere:
        notes.append("nothing was checked: the program has no input")
    verdict = worst(verdicts) if verdicts or elsewhere else "inconclusive"
    return _Outcome(point, verdict, answer.inputs, notes, lines, forks)


# ---------------------------------------------------------------- many points


def _range(name: str, value: Setting) -> tuple[float, float] | None:
    """The ends of a range such as `-2:2`, or None for any other value. Raises BindingError.

    A colon also stands in the name of a file, and in a slice.
    """
    if not isinstance(value, str) or ":" not in value or value[0] == "@" or "[" in value:
        return None
    low, high = [constant(name, text) for text in value.split(":", 1)]
    if not (math.isfinite(low) and math.isfinite(high) and low <= high):
        raise BindingError(f"`{name}={value}` is not a range", hint="write LOW:HIGH")
    return low, high


def _sampled(
    program: Program, start: list[Any], ranges: dict[str, tuple[float, float]], request: Request
) -> Case:
    """The worst of many points; a failing one is shrunk.

    Raises UsageError where a number is claimed that holds at one point only.
    """
    for claim in program.value_claims:
        raise _one_point(program, f"the value of `{claim.name}` is claimed", claim.token)
    places = {name: k for k, name in enumerate(program.graph.inputs)}
    varied = {places[name]: bounds for name, bounds in ranges.items() if name in places}
    rng = Random(request.seed or 0)
    outcomes = []
    for _ in range(request.samples):
        inputs = start.copy()
        for place, (low, high) in varied.items():
            inputs[place] = rng.uniform(low, high)
        outcomes.append(_at(program, inputs, request, {}))
        for name in _wrong_numbers(program, outcomes[-1], request.tolerance):
            what = f"the gradient of `{name}` is claimed as a number, which holds"
            raise _one_point(program, what, program.claim_tokens[name])
    verdict = worst([outcome.verdict for outcome in outcomes])
    outcome = next(o for o in outcomes if o.verdict == verdict)
    if verdict == "fail":
        outcome = _shrunk(program, outcome, varied, request)
    return _case(program, outcome, [], request, len(outcomes))


def _wrong_numbers(program: Program, outcome: _Outcome, tolerance: float) -> Iterator[str]:
    """The names whose gradients are claimed as numbers that are not right at a point.

    A slope that is the same everywhere, as that of `+ b`, may well be claimed as a number.
    """
    active, run = program.graph.active, outcome.point.run
    for name, claim in program.claims.items():
        value = program.inputs.get(name, program.stages.get(name))
        if value is None or program.output in nodes_of(value):
            continue
        for (element, node), (_, claimed) in zip(
            numbers(name, value), numbers(name, claim), strict=True
        ):
            if active[claimed]:
                continue
            answer = outcome.checks.get(element)
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
    program: Program, outcome: _Outcome, varied: dict[int, tuple[float, float]], request: Request
) -> _Outcome:
    """A simpler point that still fails: small whole numbers first, then fewer digits."""
    for place, (low, high) in varied.items():
        for simpler in _simpler(outcome.point.inputs[place]):
            if not low <= simpler <= high:
                continue
            inputs = outcome.point.inputs
            inputs[place] = simpler
            tried = _at(program, inputs, request, {}, formulas_only=True)
            if tried.verdict == "fail":
                outcome = tried
                break
    return outcome


def _simpler(x: float) -> Iterator[float]:
    yield from SIMPLE
    for digits in range(4):
        yield round(x, digits)


# ---------------------------------------------------------------- a second point


def _second_point(program: Program, outcome: _Outcome, request: Request) -> _Outcome | None:
    """The outcome at another point where the first hides a mistake that the other shows.

    One is near by, and there are some on each other branch the program can take.
    """
    if outcome.verdict in ("fail", "undefined"):
        return None
    why = _special(outcome)
    special = f"this point is special ({why}), so a second one was checked" if why else ""
    for sign in (1, -1):
        moved = near(program, outcome.point.inputs, sign=sign)
        if not any(are_free(program, outcome.point.inputs)):
            break
        second = _at(program, moved, request, {}, formulas_only=True, elsewhere=True)
        if second.verdict == "fail":
            return _shown_elsewhere(outcome, second, special)
        if second.verdict != "undefined":
            if special:
                note = f"{special}: {_point_words(second, outcome)}"
                outcome = outcome._replace(notes=[*outcome.notes, note])
            break
    for point in on_other_branches(program, outcome.point.inputs):
        second = _at(program, point, request, {}, formulas_only=True, elsewhere=True)
        if second.verdict == "fail":
            return _shown_elsewhere(outcome, second, "another branch was checked")
    return outcome._replace(notes=[*outcome.notes, *_reservation(program, outcome, request)])


def _reservation(program: Program, outcome: _Outcome, request: Request) -> list[str]:
    """A note where lines are right only because a mask, say, is one; they are not accused."""
    inputs = outcome.point.inputs
    if are_free(program, inputs) == are_free(program, inputs, spoils=True):
        return []
    moved = near(program, inputs, spoils=True)
    second = _at(program, moved, request, {}, formulas_only=True, elsewhere=True)
    lines = [line.name for line in second.lines if line.is_accused]
    if second.verdict != "fail" or not lines:
        return []
    return [f"{', '.join(dict.fromkeys(lines))}: right for such 0 and 1, shares or symmetric "
            "matrices as are given, but not in general"]  # fmt: skip


def _shown_elsewhere(first: _Outcome, second: _Outcome, why: str) -> _Outcome:
    """The outcome at a second point, with what hid the mistake at the first."""
    start = why or "a second point was checked"
    notes = [f"{start}: {_point_words(second, first)}; the mistake shows there only"]
    notes += [
        f"{line.name} matches at the given point only because the overwritten part is 0"
        for line in second.lines if line.mistake == "overwritten"
    ]  # fmt: skip
    kept = [note for note in first.notes if note not in second.notes]
    return second._replace(notes=[*notes, *kept, *second.notes])


def _point_words(outcome: _Outcome, first: _Outcome) -> str:
    """Where a second point lies: what has moved."""
    graph = outcome.point.program.graph
    if graph.has_arrays:
        return "inputs with gradient lines moved"
    points = zip(graph.inputs, outcome.point.inputs, first.point.inputs, strict=True)
    pairs = [(name, there) for name, there, here in points if there != here]
    text = ", ".join(f"{name} = {value:.6g}" for name, value in pairs[:MOST_OF_POINT])
    return text + ", ..." * (len(pairs) > MOST_OF_POINT)


def _has_formulas(program: Program) -> bool:
    """Whether a gradient is claimed by a formula and not by a number."""
    active = program.graph.active
    return any(active[node] for value in program.claims.values() for node in nodes_of(value))


def _special(outcome: _Outcome) -> str | None:
    """What could hide a mistake at this point, in words; None where nothing could."""
    graph, inputs = outcome.point.program.graph, outcome.point.inputs
    if graph.has_arrays:
        return None  # a second point is looked at in any case
    free = are_free(outcome.point.program, inputs)
    moved = {n: x for n, x, is_free in zip(graph.inputs, inputs, free, strict=True) if is_free}
    for name, x in moved.items():
        if x in (0.0, 1.0, -1.0):
            return f"{name} is {x:g}"
    first: dict[float, str] = {}
    for name, x in moved.items():
        if first.setdefault(x, name) != name:
            return f"{first[x]} and {name} are equal"
    if any(answer.verdict == "kink" for answer in outcome.checks.values()):
        return "a gate is at its kink"
    run = outcome.point.run
    for node in graph.gate_nodes():
        if node < outcome.point.program.forward_nodes and graph.active[node]:
            if run.gradients[node] == 0:
                return f"the gradient of {outcome.point.names[node]} is 0"
            if run.values[node] in (0.0, 1.0):
                return f"{outcome.point.names[node]} is {run.values[node]:g}"
    return None


# ---------------------------------------------------------------- the case


def _case(
    program: Program,
    outcome: _Outcome,
    values: list[InputCheck],
    request: Request,
    points: int | None = None,
) -> Case:
    place = line_and_column(program.source.text)
    tokens = {program.graph.tokens[program.output], *program.claim_tokens.values()}
    spans = program.source.spans(tokens)
    line = place(spans[program.graph.tokens[program.output]].start)[0]
    places = {name: place(spans[token].start) for name, token in program.claim_tokens.items()}
    missing = [f"no gradient for {name}" for name in unclaimed(program)]
    if outcome.verdict == "fail" and outcome.lines:
        missing += _other_outputs(program)
    run = outcome.point.run
    return Case(
        program.source.name, line, program.expression, outcome.point.names[program.output],
        worst([outcome.verdict, *(value.verdict for value in values)]), outcome.checks, values,
        [*outcome.notes, *missing], program.warnings, places, points,
        (request.seed or 0) if points else None,
        {n: in_lists(gather(v, run.values)) for n, v in program.inputs.items()}
        if points else None,
        lines=outcome.lines, forks=outcome.forks,
        text=program.source.text if outcome.lines else "",
    )  # fmt: skip


def unclaimed(program: Program) -> list[str]:
    """The inputs without a gradient line in a program that has some."""
    return [name for name in program.inputs if program.claims and name not in program.claims]


def _other_outputs(program: Program) -> list[str]:
    """A note on stages that nothing reads: one of them may be the output that was meant."""
    graph, last = program.graph, program.forward_nodes
    read = {k for node in range(last) if node not in program.aside for k in graph.operands[node]}
    names = {name: nodes_of(value) for name, value in program.stages.items()}
    taken = [name for name, nodes in names.items() if program.output in nodes]
    idle = [
        name for name, nodes in names.items()
        if nodes and name[0] != "d" and name not in taken and not read.intersection(nodes)
    ]  # fmt: skip
    if not taken or not idle or program.parts:
        return []
    return [
        f"`{taken[0]}` is taken for the output; nothing reads `{idle[0]}`: "
        f"`--output {idle[0]}` takes that"
    ]
