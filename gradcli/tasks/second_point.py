"""A second point, where the first may hide a mistake.

At a single point a hand-written formula may look right by accident: a factor is 1, a lost term is
0, two inputs are equal. Another point near by shows it, or one on another branch.
"""

from __future__ import annotations

from typing import Any

from gradcli.evaluation.elsewhere import are_free, is_inside, near, on_other_branches
from gradcli.program.model import Program
from gradcli.requests import Request
from gradcli.tasks.outcomes import Outcome, outcome_at

MOST_MOVED = 6  # inputs of a second point in a note


def second_point(program: Program, outcome: Outcome, request: Request) -> Outcome | None:
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
        second = _outcome_elsewhere(program, moved, request)
        if second.verdict == "fail" and is_inside(second.point):
            return _shown_elsewhere(outcome, second, special)
        if second.verdict != "undefined":
            if special:
                note = f"{special}: {_point_words(second, outcome)}"
                outcome = outcome._replace(notes=[*outcome.notes, note])
            break
    for inputs in on_other_branches(program, outcome.point.inputs):
        second = _outcome_elsewhere(program, inputs, request)
        if second.verdict == "fail" and is_inside(second.point):
            return _shown_elsewhere(outcome, second, "another branch was checked")
    return outcome._replace(notes=[*outcome.notes, *_reservation(program, outcome, request)])


def _outcome_elsewhere(program: Program, inputs: list[Any], request: Request) -> Outcome:
    return outcome_at(program, inputs, request, {}, formulas_only=True, elsewhere=True)


def _reservation(program: Program, outcome: Outcome, request: Request) -> list[str]:
    """A note where lines are right only because a mask, say, is one; they are not accused."""
    inputs = outcome.point.inputs
    if are_free(program, inputs) == are_free(program, inputs, spoils=True):
        return []
    moved = near(program, inputs, spoils=True)
    second = _outcome_elsewhere(program, moved, request)
    lines = [line.name for line in second.lines if line.is_accused]
    if second.verdict != "fail" or not lines:
        return []
    return [f"{', '.join(dict.fromkeys(lines))}: right for such 0 and 1, shares or symmetric "
            "matrices as are given, but not in general"]  # fmt: skip


def _shown_elsewhere(first: Outcome, second: Outcome, why: str) -> Outcome:
    """The outcome at a second point, with what hid the mistake at the first."""
    start = why or "a second point was checked"
    notes = [f"{start}: {_point_words(second, first)}; the mistake shows there only"]
    notes += [
        f"{line.name} matches at the given point only because the overwritten part is 0"
        for line in second.lines if line.mistake == "overwritten"
    ]  # fmt: skip
    kept = [note for note in first.notes if note not in second.notes]
    return second._replace(notes=[*notes, *kept, *second.notes])


def _point_words(outcome: Outcome, first: Outcome) -> str:
    """The inputs that have moved to a second point, and where to, in words."""
    graph = outcome.point.program.graph
    if outcome.point.is_of_arrays:
        return "inputs with gradient lines moved"
    points = zip(graph.inputs, outcome.point.inputs, first.point.inputs, strict=True)
    pairs = [(name, there) for name, there, here in points if there != here]
    text = ", ".join(f"{name} = {value:.6g}" for name, value in pairs[:MOST_MOVED])
    return text + ", ..." * (len(pairs) > MOST_MOVED)


def _special(outcome: Outcome) -> str | None:
    """A reason why this point may hide a mistake, in words; None where there is none."""
    graph, inputs = outcome.point.program.graph, outcome.point.inputs
    if outcome.point.is_of_arrays:
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
