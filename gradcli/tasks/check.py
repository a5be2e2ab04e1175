"""One case of `check`: a program with its claims, at one point or at many.

At a single point a hand-written formula may look right by accident: a factor is 1, a lost term is
0, two inputs are equal. Such a point is checked, and a second one near by as well. With ranges,
points are sampled, and a failing one is made as simple as it can be and still fail.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from random import Random
from typing import Any, NamedTuple

from gradcli.checker import agree, check, relative_error
from gradcli.engine import Machine
from gradcli.errors import BindingError, GradcliError, UsageError
from gradcli.evaluation.elsewhere import are_free, near, on_other_branches
from gradcli.evaluation.point import (
    Evaluation,
    constants_at,
    evaluate_at,
    gather,
    in_lists,
    settings,
    typed_claims,
)
from gradcli.program.bindings import parse_constant
from gradcli.program.model import Program, nodes_of
from gradcli.program.reader import read
from gradcli.reports import InputCheck, worst
from gradcli.reports.checks import Case, Problem
from gradcli.reports.lines import Fork, LineCheck
from gradcli.requests import (
    CheckRequest,
    Options,
    Setting,
    Settings,
)
from gradcli.syntax.tokens import line_and_column
from gradcli.tasks.claims import claim_count, refuse_lost_claims
from gradcli.tasks.evaluate import checked_point, questions

MOST_OF_POINT = 6  # numbers of a point in a note
SIMPLE = (0.0, 1.0, -1.0, 2.0, -2.0, 0.5, -0.5, 3.0, 10.0)  # tried first when a point is shrunk


class _Outcome(NamedTuple):
    """What the checker says at one point."""

    inputs: list[Any]  # numbers, or arrays that are checked as wholes
    found: Evaluation
    verdict: str
    checks: dict[str, InputCheck]
    notes: list[str]
    lines: list[LineCheck] = []  # noqa: RUF012  # never written to
    forks: list[Fork] = []  # noqa: RUF012  # never written to


class Checked(NamedTuple):
    """A case, and the program as it was checked: of numbers where its arrays are small."""

    case: Case
    program: Program


def check_program(
    text: str, name: str, bindings: list[tuple[str, Setting]], output: str | None,
    asked: CheckRequest,
) -> Case:  # fmt: skip
    """Read a program and check it. Raises GradcliError for what cannot be read."""
    return checked_program(text, name, bindings, output, asked).case


def checked_program(
    text: str, name: str, bindings: list[tuple[str, Setting]], output: str | None,
    asked: CheckRequest,
) -> Checked:  # fmt: skip
    """The case of a program, and the program. Raises GradcliError for what cannot be read."""
    ranges = {n: bounds for n, v in bindings if (bounds := _range(n, v)) is not None}
    if ranges and asked.claims:
        raise UsageError("a number is claimed at one point, not over a range",
                         hint="give every input a single value")  # fmt: skip
    fixed = [(n, ranges[n][0] if n in ranges else v) for n, v in bindings]
    options = Options(output, seed=asked.seed, most_elements=asked.max_array, varied=ranges)
    program = read(text, name, fixed, options=options)
    refuse_lost_claims(program, bindings, asked)
    claims = claim_count(program, asked)
    if program.graph.has_arrays:
        from gradcli.tasks.array_run import (  # late: numbers do not need numpy
            array_settings,
            as_numbers,
            is_checked_whole,
            typed_arrays,
        )

        if not is_checked_whole(program, asked.at_a_point()):
            is_array = bool(program.graph.shape(program.output))
            program = as_numbers(program, asked.upstream)
            asked = asked._replace(upstream=None) if is_array else asked
    if program.graph.has_arrays:
        typed, start = typed_arrays(program, asked.claims), array_settings(program)
    else:
        typed, start = typed_claims(program, asked.claims), settings(program)
    if not ranges:
        first = _at(program, start, asked, typed)
        second = _second_point(program, first, asked) if _has_formulas(program) else None
        values = _value_claims(program, first, asked.tolerance)
        case = _case(program, second or first, values, asked)
    else:
        case = _sampled(program, start, ranges, asked)
    return Checked(case._replace(claims=claims), program)


def broken_case(name: str, error: GradcliError) -> Case:
    """The case of a program that could not be read."""
    span = error.span
    line, column = (span.line, span.column) if span else (None, None)
    problem = Problem(error.kind, error.message, line, column, error.hint)
    return Case(name, line or 1, "", "", "error", {}, [], [], [], {}, problem=problem)


def _at(
    program: Program,
    inputs: list[Any],
    asked: CheckRequest,
    typed: dict[str, Any],
    formulas_only: bool = False,
    elsewhere: bool = False,
) -> _Outcome:
    """Check at one point; `formulas_only` leaves out numbers, which are claimed at theirs only.

    At a point `elsewhere` a formula that gives what the engine does needs no other evidence: the
    engine itself has been checked at the point that was asked about.
    """
    request, how = asked.at_a_point(), Settings(asked.tolerance, asked.budget)
    if program.graph.has_arrays:
        from gradcli.tasks.array_run import (  # late: numbers do not need numpy
            check_arrays,
            evaluate_arrays,
            whole_note,
        )

        found = evaluate_arrays(program, inputs, request)
        answer = check_arrays(found, typed, request, formulas_only, elsewhere)
        found.notes.append(whole_note(answer is not None))
    else:
        found = evaluate_at(program, inputs, request)
        about = questions(found, typed, asked.exact)
        if formulas_only:
            active = program.graph.active
            about = [q for q in about if q.formula is None or active[q.formula]]
        if elsewhere:
            about = [
                q for q in about
                if q.claim is not None
                and not agree(q.claim, q.analytic, asked.tolerance)
            ]  # fmt: skip
        answer = check(checked_point(found), about, how)
    notes = [*found.notes]
    if answer is None:
        if not program.graph.has_arrays:
            notes.append("not checked: it would take more than the budget (--check-budget)")
        return _Outcome(inputs, found, "inconclusive", {}, notes)
    has_lists = any(isinstance(value, list) for value in program.inputs.values())
    if answer.verdict == "fail" and has_lists and not program.lines:
        from gradcli.tasks.array_run import failure_patterns  # late: numbers do not need numpy

        notes += failure_patterns(program, answer.inputs)
    lines, forks = _judged(found, how, asked.exact, formulas_only)
    verdicts = [check.verdict for check in answer.inputs.values()]
    verdicts += [line.verdict for line in lines if line.cause is None]
    if not verdicts and not elsewhere:
        notes.append("nothing was checked: the program has no input")
    verdict = worst(verdicts) if verdicts or elsewhere else "inconclusive"
    return _Outcome(inputs, found, verdict, answer.inputs, notes, lines, forks)


def _judged(
    found: Evaluation, how: Settings, exact: bool, formulas_only: bool
) -> tuple[list[LineCheck], list[Fork]]:
    """Verdicts on the lines of the backward part, if there is one."""
    if not found.program.lines:
        return [], []
    from gradcli.backward.lines import judge_lines  # late: few programs have one

    return judge_lines(found, how, exact, formulas_only)


# ---------------------------------------------------------------- many points


def _range(name: str, value: Setting) -> tuple[float, float] | None:
    """The ends of a range such as `-2:2`, or None for any other value. Raises BindingError.

    A colon also stands in the name of a file, and in a slice.
    """
    if not isinstance(value, str) or ":" not in value or value[0] == "@" or "[" in value:
        return None
    ends = []
    for text in value.split(":", 1):
        graph, node = parse_constant(name, text)
        ends.append(constants_at(graph, [node])[node])
    low, high = ends
    if not (math.isfinite(low) and math.isfinite(high) and low <= high):
        raise BindingError(f"`{name}={value}` is not a range", hint="write LOW:HIGH")
    return low, high


def _sampled(
    program: Program, start: list[float], ranges: dict[str, tuple[float, float]],
    asked: CheckRequest,
) -> Case:  # fmt: skip
    """The worst of many points; a failing one is shrunk."""
    places = {name: k for k, name in enumerate(program.graph.inputs)}
    varied = {places[name]: bounds for name, bounds in ranges.items() if name in places}
    rng = Random(asked.seed or 0)
    outcomes = []
    for _ in range(asked.samples):
        inputs = start.copy()
        for place, (low, high) in varied.items():
            inputs[place] = rng.uniform(low, high)
        outcomes.append(_at(program, inputs, asked, {}, formulas_only=True))
    verdict = worst([outcome.verdict for outcome in outcomes])
    outcome = next(o for o in outcomes if o.verdict == verdict)
    if verdict == "fail":
        outcome = _shrunk(program, outcome, varied, asked)
    return _case(program, outcome, [], asked, len(outcomes))


def _shrunk(
    program: Program, outcome: _Outcome, varied: dict[int, tuple[float, float]],
    asked: CheckRequest,
) -> _Outcome:  # fmt: skip
    """A simpler point that still fails: small whole numbers first, then fewer digits."""
    for place, (low, high) in varied.items():
        for simpler in _simpler(outcome.inputs[place]):
            if not low <= simpler <= high:
                continue
            inputs = outcome.inputs.copy()
            inputs[place] = simpler
            tried = _at(program, inputs, asked, {}, formulas_only=True)
            if tried.verdict == "fail":
                outcome = tried
                break
    return outcome


def _simpler(x: float) -> Iterator[float]:
    yield from SIMPLE
    for digits in range(4):
        yield round(x, digits)


# ---------------------------------------------------------------- a second point


def _second_point(program: Program, outcome: _Outcome, asked: CheckRequest) -> _Outcome | None:
    """The outcome at another point where the first hides a mistake that the other shows.

    One is near by, and there are some on each other branch the program can take.
    """
    if outcome.verdict in ("fail", "undefined"):
        return None
    why = _special(outcome)
    special = f"this point is special ({why}), so a second one was checked" if why else ""
    for sign in (1, -1):
        moved = near(program, outcome.inputs, sign=sign)
        if not any(are_free(program, outcome.inputs)):
            break
        second = _at(program, moved, asked, {}, formulas_only=True, elsewhere=True)
        if second.verdict == "fail":
            return _shown_elsewhere(outcome, second, special)
        if second.verdict != "undefined":
            if special:
                note = f"{special}: {_point_words(second, outcome)}"
                outcome = outcome._replace(notes=[*outcome.notes, note])
            break
    for point in on_other_branches(program, outcome.inputs):
        second = _at(program, point, asked, {}, formulas_only=True, elsewhere=True)
        if second.verdict == "fail":
            return _shown_elsewhere(outcome, second, "another branch was checked")
    return outcome._replace(notes=[*outcome.notes, *_reservation(program, outcome, asked)])


def _reservation(program: Program, outcome: _Outcome, asked: CheckRequest) -> list[str]:
    """A note where lines are right only because a mask, say, is one; they are not accused."""
    if are_free(program, outcome.inputs) == are_free(program, outcome.inputs, spoils=True):
        return []
    moved = near(program, outcome.inputs, spoils=True)
    second = _at(program, moved, asked, {}, formulas_only=True, elsewhere=True)
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
    graph = outcome.found.program.graph
    if graph.has_arrays:
        return "inputs with gradient lines moved"
    points = zip(graph.inputs, outcome.inputs, first.inputs, strict=True)
    pairs = [(name, there) for name, there, here in points if there != here]
    text = ", ".join(f"{name} = {value:.6g}" for name, value in pairs[:MOST_OF_POINT])
    return text + ", ..." * (len(pairs) > MOST_OF_POINT)


def _has_formulas(program: Program) -> bool:
    """Whether a gradient is claimed by a formula and not by a number."""
    active = program.graph.active
    return any(active[node] for value in program.claims.values() for node in nodes_of(value))


def _special(outcome: _Outcome) -> str | None:
    """What could hide a mistake at this point, in words; None where nothing could."""
    graph, inputs = outcome.found.program.graph, outcome.inputs
    if graph.has_arrays:
        return None  # a second point is looked at in any case
    free = are_free(outcome.found.program, inputs)
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
    run = outcome.found.run
    for node in graph.gate_nodes():
        if node < outcome.found.program.forward_nodes and graph.active[node]:
            if run.gradients[node] == 0:
                return f"the gradient of {outcome.found.names[node]} is 0"
            if run.values[node] in (0.0, 1.0):
                return f"{outcome.found.names[node]} is {run.values[node]:g}"
    return None


# ---------------------------------------------------------------- the case


def _case(
    program: Program,
    outcome: _Outcome,
    values: list[InputCheck],
    asked: CheckRequest,
    points: int | None = None,
) -> Case:
    place = line_and_column(program.source.text)
    tokens = {program.graph.tokens[program.output], *program.claim_tokens.values()}
    spans = program.source.spans(tokens)
    line = place(spans[program.graph.tokens[program.output]].start)[0]
    places = {name: place(spans[token].start) for name, token in program.claim_tokens.items()}
    missing = [
        f"no gradient for {name}"
        for name in program.inputs
        if program.claims and name not in program.claims
    ]
    if outcome.verdict == "fail" and outcome.lines:
        missing += _other_outputs(program)
    run = outcome.found.run
    return Case(
        program.source.name, line, program.expression, outcome.found.names[program.output],
        worst([outcome.verdict, *(value.verdict for value in values)]), outcome.checks, values,
        [*outcome.notes, *missing], program.warnings, places, points,
        (asked.seed or 0) if points else None,
        {n: in_lists(gather(v, run.values)) for n, v in program.inputs.items()}
        if points else None,
        lines=outcome.lines, forks=outcome.forks,
        text=program.source.text if outcome.lines else "",
    )  # fmt: skip


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


def _value_claims(program: Program, outcome: _Outcome, tolerance: float) -> list[InputCheck]:
    """Claims on values, `f == -12`; where float64 disagrees, many digits decide."""
    if program.graph.has_arrays:
        from gradcli.tasks.array_run import check_values  # late: numbers do not need numpy

        return check_values(outcome.found, tolerance)
    run, checks = outcome.found.run, []
    for claim in program.value_claims:
        value, claimed = run.values[claim.stage], run.values[claim.claimed]
        verdict, numeric, reason = "pass", value, None
        if not relative_error(value, claimed) <= tolerance:
            numeric = _exact_value(program, outcome.inputs, claim.stage)
            if math.isnan(numeric):
                verdict, reason = "undefined", "the value is not a number"
            elif not relative_error(numeric, claimed) <= tolerance:
                verdict, reason = "fail", f"the value is {numeric:.12g}"
        error = relative_error(claimed, numeric)
        checks.append(
            InputCheck(
                claim.name, verdict, None, value, numeric, None, error, None, reason, claimed
            )
        )
    return checks


def _exact_value(program: Program, inputs: list[float], stage: int) -> float:
    from gradcli.arithmetic.digits import digits
    from gradcli.arithmetic.special import OutOfReachError

    arithmetic = digits(100)
    try:
        run = Machine(program.graph, arithmetic).run([arithmetic.number(x) for x in inputs])
        return float(run.values[stage])
    except (OutOfReachError, OverflowError):
        return math.nan
