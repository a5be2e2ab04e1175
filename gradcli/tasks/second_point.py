"""A second point, where the first may hide a mistake.

At a single point a hand-written formula may look right by accident: a factor is 1, a lost term is
0, two inputs are equal. Another point near by shows it, or one on another branch. Every input moves
but what has no neighbours; where a line is right only because of what the data is, a note says so.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from functools import cached_property
from typing import TYPE_CHECKING, Any

from gradcli.arithmetic.agreement import agree
from gradcli.evaluation.elsewhere import Surroundings, is_comparable, on_other_branches
from gradcli.evaluation.point import Point, at
from gradcli.evaluation.ties import Tie
from gradcli.program.model import Program, nodes_of
from gradcli.requests import Request
from gradcli.tasks.excuses import excuses
from gradcli.tasks.outcomes import Outcome, outcome_of

if TYPE_CHECKING:
    from gradcli.reports.lines import LineCheck
    from gradcli.tasks.whole_points import WholePoints

MOST_MOVED, MOST_IN_A_LINE = 6, 2  # inputs of a second point, in a note and in a verdict


def second_point(program: Program, outcome: Outcome, request: Request) -> Outcome | None:
    """The outcome at another point where the first hides a mistake that the other shows.

    One is near by, and there are some on each other branch the program can take.
    """
    if outcome.verdict == "undefined":
        return None
    search = _Search(program, outcome, request)
    return search.hidden() if outcome.verdict == "fail" else search.outcome()


class _Search:
    """Looks at other points of a program that is right at its own."""

    def __init__(self, program: Program, first: Outcome, request: Request) -> None:
        self.program = program
        self.first = first
        self.request = request
        self.around = Surroundings(program, first.point.inputs)
        self.notes: list[str] = []

    def outcome(self) -> Outcome:
        """That at a point where a line fails, else the first with what was seen elsewhere."""
        why = _special(self.first, self.around)
        special = f"this point is special ({why}), so a second one was checked" if why else ""
        is_right = not why and self._is_right(self.around.moved())
        second = None if is_right else self._near_by()
        if second is not None and second.verdict == "fail":
            return _shown_elsewhere(self.first, second, special)
        if second is not None and special:
            self.notes.append(f"{special}: {_point_words(second.point, self.first.point)}")
        for inputs in on_other_branches(self.program, self.first.point.inputs):
            second = None if self._is_right(inputs) else self._at(inputs)
            if second is not None and second.verdict == "fail":
                return _shown_elsewhere(self.first, second, "another branch was checked")
        return self.first._replace(notes=[*self.first.notes, *self.notes, *self._reservations()])

    def hidden(self) -> Outcome | None:
        """The first outcome, with the lines that are wrong elsewhere and look right here."""
        if not self.first.hides:
            return None
        from gradcli.backward.lines import judge_lines  # late: few programs have a backward part

        lines, milder = [*self.first.lines], self.around.moved(held=self.around.data)
        points = (milder, *on_other_branches(self.program, self.first.point.inputs))
        for point in (at(self.program, inputs, self.request) for inputs in points):
            if not is_comparable(point):
                continue
            others = judge_lines(point, self.request, formulas_only=True).lines
            for k, (here, there) in enumerate(zip(lines, others, strict=True)):
                if there.is_accused and here.verdict == "pass":
                    lines[k] = _placed(there, point, self.first.point)
        return None if lines == self.first.lines else self.first._replace(lines=lines)

    @cached_property
    def _whole(self) -> WholePoints | None:
        """The arrays that numbers stand for; None where the output has weights of one point."""
        if self.program.arrays is None or self.program.weights is not None:
            return None
        from gradcli.tasks.whole_points import WholePoints  # late: it loads numpy

        return WholePoints(self.program, self.request)

    def _is_right(self, inputs: list[Any]) -> bool:
        """Whether whole arrays show that all lines are right at some inputs."""
        return self._whole is not None and self._whole.are_right(inputs)

    def _at(self, inputs: list[Any]) -> Outcome | None:
        """The outcome at some inputs; None where no line may be held to them."""
        point = at(self.program, inputs, self.request)
        if not is_comparable(point):
            return None  # before the search for a mistake there, which takes long
        return outcome_of(point, self.request, {}, formulas_only=True, elsewhere=True)

    def _moved(self, **how: Any) -> Outcome | None:
        """The outcome near by; None where the output has no value on either side."""
        for sign in (1, -1):
            second = self._at(self.around.moved(sign=sign, **how))
            if second is not None and second.verdict != "undefined":
                return second
        return None

    def _near_by(self) -> Outcome | None:
        """The outcome where all has moved that may, and data only as far as it is no excuse."""
        data = self.around.data - self.around.still.keys()
        second = self._moved()
        if second is None and data:
            return self._moved(held=data)
        if second is None or second.verdict != "fail" or not data:
            return second
        milder = self._moved(held=data)
        if milder is not None and milder.verdict == "fail":
            return milder
        return self._excused(second)

    def _excused(self, second: Outcome) -> Outcome:
        """The outcome where excuses that make lines right are kept to; notes say which."""
        held: set[str] = set()
        kept: list[Tie] = []
        for excuse in excuses(self.around, _wrong(second)):
            tied = [*kept, *([] if excuse.tie is None else [excuse.tie])]
            other = self._moved(held=held | excuse.held, ties=tied)
            if other is None or not (lines := _wrong(second) - _wrong(other)):
                continue
            second, held, kept = other, held | excuse.held, tied
            self.notes.append(_reservation(lines, excuse.names, excuse.words, excuse.held))
            if second.verdict != "fail":
                break
        return second

    def _reservations(self) -> list[str]:
        """Notes on lines that are right only for what arrays stand for; they are not accused."""
        still, kinds = self.around.still, self.around.kinds
        spoilt = {name for name in self.around.values if name in still or kinds[name]}
        spoilt -= _upstream_inputs(self.program)
        if not spoilt:
            return []
        line = self._first_differing(spoilt)
        if line is None:
            return [f"{n} ({words}) stood still at the second point" for n, words in still.items()]
        notes = []
        for name in sorted(spoilt) if line else ():
            line = self._first_differing({name})
            words = still.get(name) or ", ".join(kind.words for kind in kinds[name])
            if line:
                notes.append(_reservation([line], [name], words, {name} & still.keys()))
        return notes

    def _first_differing(self, spoilt: Collection[str]) -> str | None:
        """The first line that is not what the engine says where some inputs are spoilt, if any.

        None where the output has no value on either side. Nothing is accused on such evidence.
        """
        for sign in (1, -1):
            point = at(self.program, self.around.moved(sign=sign, spoilt=spoilt), self.request)
            if is_comparable(point):
                return next(self._differing(point), "")
        return None

    def _differing(self, point: Point) -> Iterator[str]:
        """The formulas that are not what the engine says at a point, in the order of the text."""
        program, run = self.program, point.run
        targets = {k.name: k.statement.target for k in reversed(program.lines) if k.name}
        for name, target in reversed(targets.items()):
            claimed = program.claims[name]
            value = program.inputs.get(name, program.stages.get(name, []))
            pairs = zip(nodes_of(claimed), nodes_of(value), strict=False)
            if not all(
                agree(run.values[k], run.gradients[node], self.request.tolerance)
                for k, node in pairs if program.graph.active[k]
            ):  # fmt: skip
                yield target


def _upstream_inputs(program: Program) -> set[str]:
    """The inputs that are the upstream gradient itself, which a program of numbers has built in."""
    whole = program.arrays or program
    return {name for name, node in whole.inputs.items() if node == whole.upstream}


def _wrong(outcome: Outcome) -> set[str]:
    """The lines that are wrong by themselves; the inputs, where none is."""
    lines = {line.name for line in outcome.lines if line.is_accused}
    return lines or {f"d{n}" for n, check in outcome.checks.items() if check.verdict == "fail"}


def _reservation(
    lines: Iterable[str], names: Iterable[str], words: str, still: Collection[str]
) -> str:
    """A note on lines that are right only for what the data is."""
    what = f"{', '.join(sorted(lines))}: right for {' and '.join(names)} as given ({words})"
    return f"{what}, which stood still at the second point; not in general" if still else (
        f"{what}, but not in general"
    )  # fmt: skip


def _shown_elsewhere(first: Outcome, second: Outcome, why: str) -> Outcome:
    """The outcome at a second point, with what hid the mistake at the first."""
    start = why or "a second point was checked"
    notes = [f"{start}: {_point_words(second.point, first.point)}; the mistake shows there only"]
    notes += [
        f"{line.name} matches at the given point only because the overwritten part is 0"
        for line in second.lines if line.mistake == "overwritten"
    ]  # fmt: skip
    kept = [note for note in first.notes if note not in second.notes]
    hidden = {line.name for line in first.lines if line.verdict == "pass"}
    hidden &= {line.name for line in second.lines if line.is_accused}
    lines = [
        _placed(line, second.point, first.point) if line.name in hidden else line
        for line in second.lines
    ]
    return second._replace(notes=[*notes, *kept, *second.notes], lines=lines)


def _placed(line: LineCheck, there: Point, here: Point) -> LineCheck:
    """The verdict on a line with the point in it, where its numbers are those of another."""
    moved = "" if there.is_of_arrays else _point_words(there, here)
    where = f"at {moved}" if 0 < moved.count("=") <= MOST_IN_A_LINE else "at another point"
    return line._replace(reason=f"{where}, {line.reason}" if line.reason else where)


def _point_words(there: Point, here: Point) -> str:
    """The inputs that have moved from one point to another, and where to, in words."""
    program = there.program
    if there.is_of_arrays:
        moved = _names_moved(there, here)
        return f"{', '.join(moved[:MOST_MOVED])}{', ...' * (len(moved) > MOST_MOVED)} moved"
    points = zip(program.graph.inputs, there.inputs, here.inputs, strict=True)
    pairs = [(name, x) for name, x, own in points if x != own]
    text = ", ".join(f"{name} = {value:.6g}" for name, value in pairs[:MOST_MOVED])
    return text + ", ..." * (len(pairs) > MOST_MOVED)


def _names_moved(there: Point, here: Point) -> list[str]:
    import numpy as np  # late: numbers do not need it

    points = zip(there.program.graph.inputs, there.inputs, here.inputs, strict=True)
    return [name for name, x, own in points if not np.array_equal(x, own)]


def _special(outcome: Outcome, around: Surroundings) -> str | None:
    """A reason why this point may hide a mistake, in words; None where there is none.

    It holds of all elements of an array, and data that nothing is claimed of hides none.
    """
    program = outcome.point.program
    if outcome.point.is_of_arrays:
        return None  # a second point is looked at in any case
    values, gradients = outcome.point.run.values, outcome.point.run.gradients
    numbers = {
        name: x for name, x in around.values.items()
        if name not in around.still and (name in program.claims or not program.claims)
    }  # fmt: skip
    for name, x in numbers.items():
        if (same := _one_number(x)) in (0.0, 1.0, -1.0):
            return f"{name} is {same:g}"
    first: dict[float, str] = {}
    for name, x in numbers.items():
        if isinstance(x, float) and first.setdefault(x, name) != name:
            return f"{first[x]} and {name} are equal"
    if any(answer.verdict == "kink" for answer in outcome.checks.values()):
        return "a gate is at its kink"
    for name, stage in program.stages.items():
        nodes = [node for node in nodes_of(stage) if program.graph.active[node]]
        if nodes and all(gradients[node] == 0 for node in nodes) and program.output not in nodes:
            return f"the gradient of {name} is 0"
        if nodes and {values[node] for node in nodes} in ({0.0}, {1.0}):
            return f"{name} is {values[nodes[0]]:g}"
    return None


def _one_number(x: Any) -> float | None:
    """The number that a value is, everywhere in an array; None where it has several."""
    if isinstance(x, float):
        return x
    return float(x.flat[0]) if x.size and (x == x.flat[0]).all() else None
