"""Gradients that should become right, and how near a change of a line brings them to it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from hashlib import sha256
from typing import Any

import numpy as np

from gradcli.arithmetic.floats import FAULTS
from gradcli.backward.replay import Held, Replay
from gradcli.engine import Run, sweep
from gradcli.program.model import Program

LARGE = 64  # bytes of a value, from where on a digest of them is kept
FIT = 1e-6  # of the size of a sum: how near it must come to what is asked for


class Aim:
    """Gradients that should become right, and those that should stay so."""

    def __init__(self, replay: Replay, names: list[str], right: list[str]) -> None:
        self.replay = replay
        self.names = names
        self._right = right
        rng = np.random.default_rng(7)
        points = range(len(replay.runs))
        nodes = [(name, replay.claims[name]) for name in [*names, *right]]
        weights = {node: rng.standard_normal(replay.graph.shape(node)) for _, node in nodes}
        seeds = [{node: np.copy(w)[()] for node, w in weights.items()} for _ in points]
        self.pulled = replay.pull(seeds)  # which adds to them in place
        self.tries = 0  # changes that were tried, by a run of the program or a look at one before
        self.gaps = [
            sum(float(np.vdot(weights[node], replay.truth(name, p) - replay.value(node, p)))
                for name, node in nodes[: len(names)])
            for p in points
        ]  # fmt: skip
        self._tried: dict[Any, bool] = {}  # what was tried so far, beside what was held then
        self._tried_beside = replay.held
        self._reached = [replay.graph.reaches(replay.claims[name]) for name in names or right]

    def reaches(self, node: int) -> bool:
        """Whether every wrong gradient depends on a node: a change there can mend them all."""
        return all(reached[node] for reached in self._reached)

    def is_touched_by(self, node: int) -> bool:
        """Whether any of the wrong gradients depends on a node."""
        return any(reached[node] for reached in self._reached)

    def is_reached_by(self, nodes: list[int]) -> bool:
        """Whether every wrong gradient depends on one of some nodes."""
        return all(any(reached[node] for node in nodes) for reached in self._reached)

    def lines(self, lines: list[Any]) -> list[int]:
        """The lines that every wrong gradient depends on."""
        output = self.replay.output
        return [
            k for k, line in enumerate(lines)
            if self.reaches(self.replay.sites[k])
            and (line.name is None or self.replay.forward[line.name] != output)
        ]  # fmt: skip

    def may_hit(self, held: Held) -> bool:
        """Whether the weighted sum of all would be right; sure where lines are linear."""
        replay = self.replay
        for p, gap in enumerate(self.gaps):
            moved = [
                np.vdot(replay.whole(node, self.pulled[p][node]), values[p] - replay.value(node, p))
                for node, values in held.items()
            ]
            size = abs(gap) + sum(map(abs, moved))
            if not abs(gap - sum(moved)) <= FIT * size:
                return False
        return True

    def is_hit(self, held: Held) -> bool:
        """Whether all is right with some values in the places of nodes."""
        return all(self.is_hit_at(p, held) for p in range(len(self.replay.runs)))

    def is_hit_at(self, point: int, held: Held) -> bool:
        """Whether all is right at one point with some values in the places of nodes.

        Many changes of a line give the same value, most of all where it is 0: that is tried once.
        """
        if self.replay.held is not self._tried_beside:
            self._tried, self._tried_beside = {}, self.replay.held
        key = (point, *((node, _bytes(values[point])) for node, values in held.items()))
        if key in self._tried:
            self.tries += 1
        else:
            self._tried[key] = self.is_hit_in(point, self.replay.tried_at(point, held))
        return self._tried[key]

    def is_hit_in(self, point: int, run: Run) -> bool:
        """Whether all is right in a run at one point."""
        self.tries += 1
        names = [*self.names, *self._right]
        return all(self.replay.is_right(name, point, run) for name in names)


def _bytes(value: Any) -> bytes:
    """The bits of a value, by which two are one; short also for a large array."""
    array = np.asarray(value, dtype=float)
    bits = array.tobytes()
    return bits if len(bits) <= LARGE else sha256(bits).digest()


def ends_of(program: Program) -> list[str]:
    """The names whose gradients are results: those of inputs, and those that no line reads."""
    read = {r.name for line in program.lines for r in line.reads.values() if r.kind == "gradient"}
    return [
        name for name in program.claims
        if name in program.inputs
        or (name not in read and program.stages.get(name) != program.output)
    ]  # fmt: skip


def scaled(run: Run, ends: Sequence[int], soft: Mapping[str, Sequence[int]]) -> set[str]:
    """The wrong gradients of stages of which right results are made: they follow a convention.

    `ends` are the nodes of right results, `soft` those of the others by their names.
    """
    if not ends or not soft:
        return set()
    rng, shape = np.random.default_rng(7), run.machine.graph.shape
    again = Run(run.machine, run.values)
    try:
        sweep(again, {node: np.asarray(rng.standard_normal(shape(node)))[()] for node in ends})
    except FAULTS:
        return set()
    return {
        name for name, nodes in soft.items() if any(np.any(again.gradients[k]) for k in nodes)
    }  # fmt: skip
