"""Lines whose shapes do not fit, and what cannot be judged because of them.

The true gradient stands in for such a line. What the line should give is not known from its value,
which it has not: it is what is missing from the gradient, or something known that no line gives.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from gradcli.arithmetic.arrays import key
from gradcli.backward.known import Known, Meaning
from gradcli.backward.replay import Replay, same
from gradcli.program.gradient_lines import GradientLine, Misfit
from gradcli.syntax.edit import renamed

if TYPE_CHECKING:  # lines that fit have no mistake to be named
    from gradcli.backward.naming import Naming
    from gradcli.backward.repairs import Named


def behind_misfits(lines: Sequence[GradientLine]) -> dict[int, int]:
    """The lines that read a gradient made in steps of which one does not fit, and that step.

    The true gradient stands in for it, which may be another one after each step.
    """
    owners: dict[str, list[int]] = defaultdict(list)
    for k, line in enumerate(lines):
        owners[str(line.owner)].append(k)
    stepped: dict[str, int] = {}
    for name, own in owners.items():
        misfits = [k for k in own if lines[k].misfit and name != "None"]
        if misfits and any(lines[k].statement.kind != "add" for k in own[1:]):
            stepped[name] = misfits[0]
    behind: dict[int, int] = {}
    for k, line in enumerate(lines if stepped else ()):
        causes = [
            stepped.get(read.name) if read.kind == "gradient" else behind.get(read.line or -1)
            for read in line.reads.values() if read.kind in ("gradient", "helper")
        ]  # fmt: skip
        cause = next((cause for cause in causes if cause is not None), None)
        if cause is not None and not line.misfit and line.part_of is None:
            behind[k] = cause
            if line.name is not None:
                stepped.setdefault(line.name, cause)
    return behind


class Misfits:
    """The search for what is wrong in lines that do not fit."""

    def __init__(
        self, replay: Replay, known: Known, naming: Naming, meanings: list[Meaning | None]
    ) -> None:
        self.replay = replay
        self.known = known
        self.naming = naming
        self.meanings = meanings
        self.lines = replay.program.lines

    def helpers_behind(self, k: int) -> list[int]:
        """The lines of the helpers that a line reads and that are nothing known."""
        lines = [read.line for read in self.lines[k].reads.values()]
        return sorted(j for j in lines if j is not None and self.meanings[j] is None)

    def is_for_itself(self, k: int, node: int) -> bool:
        """Whether a line is a contribution of its own, not a step with one, and known as such."""
        line, meaning = self.lines[k], self.meanings[k]
        is_step = self._is_step(k, line.part_of)
        if is_step or meaning is None:
            return not is_step
        return meaning.entry is not None and meaning.entry.node == node

    def _is_step(self, k: int, name: str | None) -> bool:
        """Whether a line reads the gradient that it makes, as `dh = dh * (h > 0)` does."""
        reads = self.lines[k].reads.values()
        return name in [read.name for read in reads if read.kind == "gradient"]

    def mistake(self, k: int, misfit: Misfit) -> Named | None:
        """The change of a line that gives what is known and wanted there, in the right shape."""
        name, replay = misfit.name, self.replay
        if name is None:
            return self.naming.mistake_of_any(k, self._not_yet_given(k))
        node, naming = replay.forward[name], self.naming
        if misfit.place:
            try:
                parts = self.known.parts(node, key(misfit.place))
            except IndexError:  # there is no such part
                return None
            return naming.mistake_of_any(k, [*parts.values()])
        others = [j for j, line in enumerate(self.lines)
                  if name in (line.name, line.part_of) and j != k]  # fmt: skip
        if all(self.lines[j].place for j in others) and others:
            return self._start(k, name)
        is_anew = any(self.lines[j].statement.kind != "add" for j in others if j > k)
        if is_anew or self._is_step(k, name):
            return naming.mistake_of_any(k, self._not_yet_given(k))
        rest = [
            replay.truth(name, p) - sum(replay.value(replay.sites[j], p) for j in others)
            for p in range(len(replay.runs))
        ]
        named = naming.mistake_of_any(k, [rest])
        return named or naming.mistake_of_any(k, self._parts(node) if others else [])

    def _parts(self, node: int) -> list[list[Any]]:
        """The gradient of a node, and what adds up to it."""
        return [values for entry, values in self.known.values.items()
                if entry.node == node and entry.kind in ("adjoint", "contribution")]  # fmt: skip

    def _start(self, k: int, name: str) -> Named | None:
        """The words for zeros of another shape, to which parts are added."""
        tree = self.lines[k].statement.tree
        if tree is None or tree.ops != ["name", "call"] or tree.args[1].name != "zeros_like":
            return None
        reason = f"the sum begins with zeros in the shape of `{tree.args[0]}`, not of `{name}`"
        from gradcli.backward.repairs import Named  # late: lines that fit have no mistake

        return Named("wrong-cache", reason, renamed(tree, [0], name))

    def _not_yet_given(self, k: int) -> list[list[Any]]:
        """The gradients of nodes that no line before another one gives."""
        replay = self.replay
        points = range(len(replay.runs))
        given = [[replay.value(node, p) for p in points] for node in replay.sites[:k]]
        return [
            values for entry, values in self.known.values.items()
            if entry.kind in ("adjoint", "unsummed") and any(map(np.any, values))
            and not any(_are_same(own, values) for own in given)
        ]  # fmt: skip


def _are_same(some: list[Any], others: list[Any]) -> bool:
    """Whether two values are the same at every point."""
    return np.shape(some[0]) == np.shape(others[0]) and all(map(same, some, others))
