"""Lines of which one stands for several statements: in the turns of a loop, or in several calls.

A change of such a line holds in all its turns. Each turn reads what the ones before it give with
the change, so the program is run once, and the line evaluated anew wherever it stands.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable
from typing import Any

import numpy as np

from gradcli.arithmetic.arrays import key
from gradcli.backward.aim import Aim
from gradcli.backward.amounts import spreads
from gradcli.backward.formulas import Formulas
from gradcli.backward.known import Known
from gradcli.backward.replay import Held, Replay
from gradcli.backward.scene import meaning_of
from gradcli.errors import NameFault
from gradcli.graph.lowering import Value
from gradcli.program.gradient_lines import GradientLine
from gradcli.syntax import Tree, write

MOST_TRIED = 1000  # changes, some seconds of a long loop
ATOM = re.compile(r"[\w.]+(?:\[[^\]]*\])*")  # a name of Python, and parts of what it stands for


class Turns:
    """The statements that lines stand for, and the program with one of them changed."""

    def __init__(self, replay: Replay, known: Known) -> None:
        self.replay = replay
        self.known = known
        self.lines = replay.program.lines
        turns: dict[tuple[int, str], list[int]] = defaultdict(list)
        for k, line in enumerate(self.lines):
            if line.statement.tree is not None and line.misfit is None:
                turns[line.statement.token, line.statement.target].append(k)
        self.groups = [group for group in turns.values() if len(group) > 1]
        self._firsts: dict[tuple[int, str], int] = {}
        for k, line in enumerate(self.lines):
            self._firsts.setdefault((line.statement.token, line.statement.target), k)
        self._group = {k: group for group in self.groups for k in group}
        self.tries = 0  # changes that were made in all turns
        self._unknown: set[tuple[int, str, int]] = set()  # changes that give nothing known

    def of(self, k: int) -> list[int]:
        """All lines that a line of the file stands for, in order."""
        return self._group.get(k, [k])

    def first(self, k: int) -> int:
        """The first of the lines that a line of the file stands for."""
        statement = self.lines[k].statement
        return self._firsts[statement.token, statement.target]

    def is_known(self, k: int, point: int, value: Any, values: list[Any]) -> bool:
        """Whether the forward part knows what a line gives at one point, or what it changes by."""
        table, line = self.known.of_size(np.size(value)), self.lines[k]
        if table.holds(value, point):
            return True
        read = line.reads.get(line.statement.target)
        if read is None or read.value.__class__ is not int:
            return False
        before = values[self.replay.moved[read.value]]
        if np.shape(before) != np.shape(value):
            return False
        change = value - before
        return table.holds(change, point) or table.holds(-change, point)

    def rewritten(self, k: int, tree: Tree, aim: Aim) -> Held | None:
        """What a line with another tree gives in its turns; None where that does not hit.

        The first turn may lack what later ones hand on; the line stands there as it is.
        """
        change = (k, write(tree), len(self.replay.held))
        if change in self._unknown or self.tries > MOST_TRIED:
            return None
        self.tries += 1
        looks = {j: _Look(self.replay, j, tree) for j in self.of(k)}

        def give(j: int, point: int, values: list[Any]) -> Any:
            if j == self.of(k)[0] and looks[j].lacks_a_name():
                return self._as_written(j, values)
            value = looks[j].value(point, values)
            is_idle = not aim.is_touched_by(self.replay.sites[j])
            if value is not None and (
                is_idle or not np.any(value) or self.is_known(j, point, value, values)
            ):
                return value
            self._unknown.add(change)
            return None

        return self._held(k, give, aim)

    def added(self, k: int, aim: Aim) -> Held | None:
        """What a line gives in its turns that adds to what stands there."""
        replay, before = self.replay, self._before(k)

        def give(j: int, _: int, values: list[Any]) -> Any:
            value = self._as_written(j, values)
            if j not in before:
                return value
            is_indexed = self.lines[j].place and self.lines[j].before is None
            place = key(self.lines[j].place) if is_indexed else ...
            old = replay.whole(before[j], values[before[j]])[place]
            return old + value if np.shape(old) == np.shape(value) else None

        return self._held(k, give, aim) if before else None

    def left_out(self, k: int, aim: Aim) -> Held | None:
        """Nothing in place of a line, in all its turns."""
        nodes, runs = [self.replay.sites[j] for j in self.of(k)], self.replay.runs
        held = {node: [np.zeros(self.replay.graph.shape(node)) for _ in runs] for node in nodes}
        return held if aim.is_hit(held) else None

    def _as_written(self, k: int, values: list[Any]) -> Any:
        """What a line gives by its own text, with the values before it."""
        node, machine = self.replay.sites[k], self.replay.machine
        gate = machine.forwards[node]
        own = values[node] if gate is None else gate(values, machine.graph.operands[node])
        return self.replay.whole(node, own)

    def _before(self, k: int) -> dict[int, int]:
        """Of each turn of a line the node that its target stands for before it."""
        target, before = self.lines[k].statement.target, {}
        for j in self.of(k):
            part = self.lines[j].before
            if part is not None:
                before[j] = self.replay.moved[part]
                continue
            earlier = [i for i in range(j) if self.lines[i].statement.target == target]
            if earlier:
                before[j] = self.replay.totals[earlier[-1]]
        return before

    def _held(self, k: int, give: Callable[[int, int, list[Any]], Any], aim: Aim) -> Held | None:
        places = {self.replay.sites[j]: j for j in self.of(k)}
        held: Held = {node: [] for node in places}
        for point in range(len(self.replay.runs)):
            run = self.replay.given(point, places, give)
            if run is None or not aim.is_hit_in(point, run):
                return None
            for node, values in held.items():
                values.append(self.replay.whole(node, run.values[node]))
        return held


class _Look:
    """A line with another tree, evaluated where it stands."""

    def __init__(self, replay: Replay, k: int, tree: Tree) -> None:
        self.replay = replay
        self.values: list[Any] = []  # of the run so far
        program, line = replay.program, replay.program.lines[k]
        self.shape = replay.graph.shape(replay.sites[k])
        self.formulas = Formulas(self._look, program.graph.table)
        self.scope = scope_at(program.lines, k)
        self.line = line
        self.tree = tree

    def lacks_a_name(self) -> bool:
        """Whether the tree reads what has no value yet."""
        for op, arg in zip(self.tree.ops, self.tree.args, strict=True):
            if op == "name":
                try:
                    self._meaning(arg)
                except NameFault:
                    return True
        return False

    def value(self, point: int, values: list[Any]) -> Any:
        """What the line gives, in its shape; None where it has no such value."""
        self.values = values
        node = self.formulas.lowered(self.tree, self._meaning, self.line.sizes)
        if node is None or not spreads(self.formulas.graph.shape(node), self.shape):
            return None
        numbers = np.reshape(self.formulas.numbers(node, point), self.formulas.graph.shape(node))
        return np.broadcast_to(numbers, self.shape)[()]

    def _meaning(self, name: str) -> Value:
        return meaning_of(self.replay.program, self.line, self.scope, name)

    def _look(self, value: Value, _: int) -> Any:
        if isinstance(value, list):
            return [self._look(part, 0) for part in value]
        return self.values[self.replay.moved[value]]


def scope_at(lines: list[GradientLine], k: int) -> dict[str, Any]:
    """What the names of the backward part stand for where a line is read."""
    before = {other.statement.target: other.total for other in lines[:k]}
    return before | beside(lines, k)


def beside(lines: list[GradientLine], k: int) -> dict[str, Any]:
    """What a line of Python may read beside what lines have assigned, by how it is written."""
    return lines[k].unread | lines[k].shifted | alongside(lines, k)


def alongside(lines: list[GradientLine], k: int) -> dict[str, Any]:
    """What the other lines of the same turn of a loop read, as they write it."""
    line = lines[k]
    return {
        name: read.value for other in lines if other.spelling is not None
        and (other.turn, other.call) == (line.turn, line.call)
        for name, read in other.reads.items() if ATOM.fullmatch(name)
    }  # fmt: skip
