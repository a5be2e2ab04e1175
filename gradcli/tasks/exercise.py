"""Exercises for students: a program whose backward part is blank, or holds planted mistakes."""

from __future__ import annotations

from collections.abc import Iterator
from random import Random
from typing import Any, NamedTuple

from gradcli.emit.staged import two_meanings
from gradcli.errors import GradcliError, UsageError, did_you_mean
from gradcli.evaluation.point import gather, in_lists, input_values, inputs_of, upstream_of
from gradcli.program.model import Program
from gradcli.program.reader import read
from gradcli.reports.evaluations import Number
from gradcli.reports.exercises import Exercise, task_of
from gradcli.reports.mistakes import MISTAKES
from gradcli.requests import PLAIN, whole_number
from gradcli.tasks.check import check_program
from gradcli.tasks.drafts import Draft, own_draft, written_draft
from gradcli.tasks.planting import planted

VARIED_DIGITS = 2  # decimals of the values of a variant
MOST_POINTS = 20  # that are tried for one variant


class Plan(NamedTuple):
    """What exercises are wanted."""

    mistakes: int = 0  # planted; 0 leaves blanks
    kinds: tuple[str, ...] = ()  # then one of each of these is planted
    seed: int = 0
    variants: int | None = None  # exercises with values and mistakes of their own


def plan_of(words: str | None, seed: int, variants: int | None) -> Plan:
    """The plan for `--mistakes K` or `--mistakes KIND,KIND`. Raises UsageError."""
    if (count := whole_number(words or "0")) is not None:
        return Plan(count, (), seed, variants)
    if words is not None and words.lstrip("-").isdecimal():
        raise UsageError(f"{words} mistakes cannot be planted", hint="write --mistakes 2")
    kinds = tuple(word.strip() for word in (words or "").split(","))
    for kind in kinds:
        if kind not in MISTAKES:
            hint = did_you_mean(kind, MISTAKES) or f"known are {', '.join(MISTAKES)}"
            raise UsageError(f"`{kind}` is not the name of a mistake", hint=hint)
    return Plan(len(kinds), kinds, seed, variants)


def make_exercises(program: Program, plan: Plan) -> Iterator[Exercise]:
    """The exercises of a plan, from a program's forward part, or from its own backward part.

    Raises UsageError where there is no right backward pass at its point, or no room for mistakes.
    """
    draft = _draft(program, plan.seed)
    solution = draft.text(draft.rows)
    if plan.variants is None:
        yield _exercise(draft, plan, plan.seed)
        return
    for number in range(1, plan.variants + 1):
        varied = draft if number == 1 else _varied(solution, plan.seed + number)
        yield _exercise(varied, plan, plan.seed + number - 1)._replace(variant=number)


def _draft(program: Program, seed: int) -> Draft:
    """The lines of a program and of its solution, which passes. Raises UsageError.

    What comes back to an array output is drawn where the program does not say it.
    """
    values = input_values(program)
    verdict = None
    if program.claims and all(line.misfit is None for line in program.lines):
        draft = own_draft(program, {n: x for n, x in values.items() if n in program.overruled})
        verdict = _verdict(draft) if draft.rows else None
    if verdict != "pass":
        upstream = upstream_of(program)
        if upstream is None:
            upstream = _drawn(program.graph.shape(program.output), Random(seed))
        draft = written_draft(program, upstream)
        if not draft.rows:
            raise UsageError("there is nothing to differentiate: the output depends on no input")
        verdict = _verdict(draft)
    if verdict != "pass":
        raise UsageError(f"the right backward pass is {verdict} at this point",
                         hint=two_meanings(program) or "choose another point")  # fmt: skip
    return draft


def _drawn(shape: tuple[int, ...], rng: Random) -> Number:
    """An upstream gradient of a shape: of short numbers that are neither 0 nor 1."""
    if not shape:
        return rng.choice((-1, 1)) * rng.randint(2, 9) / 10
    return [_drawn(shape[1:], rng) for _ in range(shape[0])]


def _verdict(draft: Draft) -> str:
    try:
        return check_program(draft.text(draft.rows), "<solution>", [], PLAIN).case.verdict
    except GradcliError:
        return "error"


def _exercise(draft: Draft, plan: Plan, seed: int) -> Exercise:
    solution, told = draft.text(draft.rows), _told(draft, plan.mistakes)
    if not plan.mistakes:
        blanks = [f"# {row.target} {row.operator}" for row in draft.rows]
        return Exercise(told.head, blanks, solution, {}, seed)
    rows, mistakes = planted(told, plan.mistakes, plan.kinds, Random(seed))
    return Exercise(told.head, rows, solution, mistakes, seed)


def _told(draft: Draft, wrong: int) -> Draft:
    """The draft with what is to be done in the comment above its rows."""
    *head, last = draft.head
    task = task_of(len(draft.rows), wrong)
    if last.lstrip().startswith("#"):
        return draft._replace(head=[*head, f"{last.rstrip()}: {task}"])
    return draft._replace(head=[*draft.head, f"# {task}"])


def _varied(solution: str, seed: int) -> Draft:
    """The solution at another point, where it passes. Raises UsageError where none is found."""
    from gradcli.evaluation.elsewhere import anywhere  # late: it needs numpy

    program = read(solution, "<solution>")
    start = inputs_of(program)
    for attempt in range(MOST_POINTS):
        inputs = anywhere(program, start, MOST_POINTS * seed + attempt)
        table: Any = dict(zip(program.graph.inputs.values(), inputs, strict=True))
        values = {
            name: in_lists(gather(value, table)) for name, value in program.inputs.items()
        }  # fmt: skip
        draft = own_draft(program, {name: _rounded(x) for name, x in values.items()})
        if _verdict(draft) == "pass":
            return draft
    raise UsageError("no other point was found at which the backward pass is right",
                     hint="leave --variants out, or choose another point")  # fmt: skip


def _rounded(number: Number) -> Number:
    """A value with few decimals; probabilities keep theirs, so that they go on to sum to 1."""
    if isinstance(number, list):
        flat = [x for x in number if isinstance(x, float)]
        is_distribution = len(flat) > 1 and abs(sum(flat) - 1) < 1e-9 and min(flat) >= 0
        return number if is_distribution else [_rounded(part) for part in number]
    return round(number, VARIED_DIGITS) or number
