"""A run over whole arrays, and the slopes of its output along directions.

Slopes are found by complex steps, which know nothing of local gradients, one for each side; and,
where a fault of the engine has to be confirmed, by a plain difference.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import cached_property, reduce
from typing import Any, NamedTuple

import numpy as np

from gradcli.arithmetic.agreement import agree
from gradcli.arithmetic.arithmetic import Arithmetic
from gradcli.arithmetic.arrays import ARRAYS
from gradcli.arithmetic.complex_steps import STEP, STEPS, without_squares
from gradcli.arithmetic.floats import UNIT_ROUNDOFF
from gradcli.checker.singular import singular_gate
from gradcli.engine import Machine, Run, backward
from gradcli.evaluation.numbers import bounded_run
from gradcli.evaluation.point import Point

ROOM = 1e-9  # relative to sum |g v|: engine and slope differ by no more, unless one is wrong
SEED = 20261124
FINER = 2.0**-30  # of a second step, where a slope may be the error of the first
PAIRS = 4  # of places near by, on both sides of every kink that a random step crosses
NEARBY = 2.0**-30  # how far they are, relative to the inputs
ROUNDINGS = 4.0  # of a tangent at a gate: most are products, and sums of two
QUOTIENT_STEP = 2.0**-14  # of the plain difference that has to confirm a fault of the engine


class Slope(NamedTuple):
    """The one-sided slopes along a direction: from the side of -v, and towards v."""

    left: float
    right: float
    jumps: bool

    def is_kink(self, room: float) -> bool:
        """Whether the two sides have different slopes."""
        return not agree(self.left, self.right, 0.0, room)

    def nearest(self, slope: float) -> float:
        """The slope between the two sides that is nearest to another."""
        if math.isnan(slope):
            return self.right
        return min(max(slope, min(self.left, self.right)), max(self.left, self.right))


class Place:
    """A finished run over arrays, its output, and the upstream gradient in the output's shape."""

    def __init__(self, point: Point) -> None:
        self.point = point
        self.run = point.run
        self.output = point.program.output
        self.upstream = point.upstream
        self.graph = point.program.graph
        self._steps = Machine(self.graph, STEPS)
        self._cones: dict[int, list[int]] = {}

    def overflow(self, result: int) -> str | None:
        """The first gate on the way to a result that overflows: inf or nan inside its domain."""
        for node in self.graph.ancestors([result]):
            if self.graph.is_leaf(node):
                continue
            bad = ~np.isfinite(self.run.values[node])
            if not bad.any():
                continue
            gate = self.graph.gates[node]
            xs = [self.run.values[k] for k in self.graph.operands[node]]
            if not all(np.isfinite(x).all() for x in xs if not isinstance(x, tuple)):
                return None
            if not gate.domain:
                return gate.name
            with ARRAYS.quiet():
                inside = ARRAYS.text_function(gate, gate.domain)(*xs)
            is_inside = np.broadcast_to(np.not_equal(inside, 0), np.shape(bad))
            return gate.name if is_inside[bad].all() else None
        return None

    def sizes(self) -> set[int]:
        """The sizes of all axes."""
        return {size for shape in self.graph.shapes.values() for size in shape}

    def slope(self, leaf: int, direction: Any, step: float = STEP) -> Slope:
        """The slopes of upstream . output along a direction of one input."""
        right, there = self._towards(leaf, direction, step)
        left, here = self._towards(leaf, -direction, step)
        size = np.max(np.abs(there), initial=0.0) + np.max(np.abs(here), initial=0.0)
        jumps = bool((np.abs(there - here) > ROOM * ROOM * size).any())
        if not jumps and self._may_jump(leaf) and not math.isnan(right):
            away = np.abs(there - self.run.values[self.output])
            jumps = bool((away > ROOM * size).any())  # from both sides to one value: sign(x)**2
        return Slope(-left, right, jumps)

    def _may_jump(self, leaf: int) -> bool:
        """Whether a gate of the cone stands exactly at a jump."""
        tied = self._tied.intersection(self._cone(leaf))
        return any(self.graph.gates[node].jump for node in tied)

    def singular(self, leaf: int, direction: Any) -> str | None:
        """The first gate, in words, that stands where neither engine nor steps can be trusted."""
        moved = Run(self.run.machine, self._moved(leaf, direction))
        node = singular_gate(self.run, moved, self._cone(leaf))
        if node is None:
            return None
        return f"{self.graph.gates[node].name} at {self.point.names.get(node, '?')}"

    def _towards(self, leaf: int, direction: Any, step: float) -> tuple[float, Any]:
        """The slope on one side, and the value there."""
        slope, value = self._stepped(leaf, direction, step)
        if slope and abs(slope) < step:
            finer, _ = self._stepped(leaf, direction, step * FINER)
            if abs(finer) < abs(slope) * FINER:
                return 0.0, value  # it was the error of the step, which shrinks with its square
        return slope, value

    def _stepped(self, leaf: int, direction: Any, step: float) -> tuple[float, Any]:
        values = self.run.values.copy()
        values[leaf] = np.add(values[leaf], 1j * step * direction)
        self._follow(self._steps, values, leaf)
        if self._is_undecided(values, leaf, direction):
            return math.nan, 0.0
        output = np.asarray(values[self.output])
        with np.errstate(all="ignore"):
            return float(np.sum(self.upstream * (output.imag / step))), output.real

    @cached_property
    def _tied(self) -> set[int]:
        """The gates that stand exactly at an edge somewhere: which branch is taken hangs on it."""
        nodes = (node for node in self.graph.gate_nodes() if node <= self.output)
        return {node for node in nodes if self._is_tied(node)}

    def _is_tied(self, node: int) -> bool:
        gate, out = self.graph.gates[node], self.run.values[node]
        xs = [self.run.values[k] for k in self.graph.operands[node]]
        if gate.name in ("max", "min"):
            return bool((sum(np.equal(x, out).astype(int) for x in xs) > 1).any())
        if gate.name in ("amax", "amin"):
            best = ARRAYS.function("spread")(out, np.shape(xs[0]), xs[1])
            return bool(np.sum(np.equal(xs[0], best)) > np.size(out))
        if gate.is_variadic or gate.is_structural or not (gate.jump or gate.kink):
            return False
        return bool((np.asarray(self._edge(ARRAYS, node, self.run.values)) == 0).any())

    def _edge(self, arithmetic: Arithmetic, node: int, values: list[Any]) -> Any:
        gate = self.graph.gates[node]
        with arithmetic.quiet():
            function = arithmetic.text_function(gate, gate.jump or gate.kink)
            return function(*[values[k] for k in self.graph.operands[node]])

    def _is_undecided(self, values: list[Any], leaf: int, direction: Any) -> bool:
        """Whether a choice stays at its edge to first order, and a real step leaves it."""
        moved: list[Any] = []
        for node in self._tied.intersection(self._cone(leaf)):
            if not self.graph.gates[node].jump:
                continue  # where f is continuous both branches have the same slope then
            edge = np.asarray(self._edge(STEPS, node, values))
            stays = edge == 0
            if not stays.any():
                continue
            if not moved:
                moved = self._moved(leaf, direction)
            if (stays & (np.asarray(self._edge(ARRAYS, node, moved)) != 0)).any():
                return True
        return False

    def _moved(self, leaf: int, direction: Any) -> list[Any]:
        """All values with a leaf a small real step along a direction."""
        values = self.run.values.copy()
        values[leaf] = values[leaf] + QUOTIENT_STEP * self._size(leaf, direction) * direction
        self._follow(self.run.machine, values, leaf)
        return values

    def _size(self, leaf: int, direction: Any) -> float:
        """The largest of the elements that a direction moves, or 1."""
        x = self.run.values[leaf]
        return float(np.max(np.abs(x * (direction != 0)), initial=0.0)) or 1.0

    def _cone(self, leaf: int) -> list[int]:
        if leaf not in self._cones:
            self._cones[leaf] = self.graph.cone(leaf, self.output)
        return self._cones[leaf]

    def _follow(self, machine: Machine, values: list[Any], leaf: int) -> None:
        """Compute again what depends on a leaf."""
        cone, operands = self._cone(leaf), self.graph.operands
        is_tied = machine is self._steps and not self._tied.isdisjoint(cone)
        with machine.arithmetic.quiet():
            for node in cone:
                gate = machine.forwards[node]
                assert gate is not None
                values[node] = gate(values, operands[node])
                if is_tied:
                    values[node] = without_squares(values[node], self.run.values[node])

    def quotient(self, leaf: int, direction: Any) -> float:
        """The slope by a central difference in plain float64, extrapolated once."""
        x, machine = self.run.values[leaf], self.run.machine
        size = self._size(leaf, direction)
        quotients = []
        for step in (QUOTIENT_STEP * size, QUOTIENT_STEP * size / 2):
            ends = []
            for sign in (1.0, -1.0):
                values = self.run.values.copy()
                values[leaf] = x + sign * step * direction
                self._follow(machine, values, leaf)
                ends.append(values[self.output])
            with np.errstate(all="ignore"):
                quotients.append(float(np.sum(self.upstream * (ends[0] - ends[1]))) / (2 * step))
        return (4 * quotients[1] - quotients[0]) / 3

    def rounding_of(self, leaf: int, formula: int | None) -> Any:
        """How much rounding may have moved a gradient, and a formula for it, by element."""
        error = self._bounded.gradients[leaf].error
        if formula is not None:
            error = error + self._bounded.values[formula].error
        return np.broadcast_to(error, self.graph.shape(leaf))

    def rounding_of_slope(self, leaf: int, direction: Any) -> float:
        """How much rounding may have moved a slope: that of each tangent, times its gradient."""
        values = self.run.values.copy()
        values[leaf] = np.add(values[leaf], 1j * STEP * direction)
        self._follow(self._steps, values, leaf)
        gradients = self._bounded.gradients
        with np.errstate(all="ignore"):
            tangents = ((np.imag(values[node]) / STEP, node) for node in self._cone(leaf))
            moved = sum(float(np.nansum(np.abs(gradients[node].value * x))) for x, node in tangents)
        return ROUNDINGS * UNIT_ROUNDOFF * moved

    @cached_property
    def _near(self) -> list[Run]:
        """Runs so near by that only choices at kinks come out otherwise, in opposite pairs."""
        rng = np.random.default_rng(SEED)
        here = [self.run.values[node] for node in self.graph.inputs.values()]
        runs = []
        for _ in range(PAIRS):
            steps = [
                NEARBY * rng.uniform(0.5, 1.0, np.shape(x)) * rng.choice([-1.0, 1.0], np.shape(x))
                * np.where(x == 0, 1.0, np.abs(x))
                for x in here
            ]  # fmt: skip
            for sign in (1.0, -1.0):
                inputs = [x + sign * step for x, step in zip(here, steps, strict=True)]
                run = self.run.machine.run(inputs, stop=self.output + 1)
                backward(run, self.output, self.upstream)
                runs.append(run)
        return runs

    def gradients_around(self, leaf: int) -> list[Any]:
        """The gradients by a leaf, by the engine, at the place and near by."""
        return [np.asarray(run.gradients[leaf], dtype=float) for run in (self.run, *self._near)]

    def around(self, leaf: int) -> tuple[Any, Any]:
        """The smallest and largest of the gradients by a leaf at the place and near by."""
        gradients = self.gradients_around(leaf)
        return reduce(np.minimum, gradients), reduce(np.maximum, gradients)

    def is_right_nearby(self, leaf: int, directions: Sequence[Any]) -> bool:
        """Whether near by, where no two branches meet, the engine agrees with the slopes."""
        run = self._near[0]
        place = Place(Point(self.point.program, run, self.upstream, {}))
        for v in directions:
            room = ROOM * dot(np.abs(run.gradients[leaf]), np.abs(v))
            slope, claimed = place.slope(leaf, v), dot(run.gradients[leaf], v)
            if slope.is_kink(room) or not agree(claimed, slope.right, 0.0, room):
                return False
        return True

    @cached_property
    def _bounded(self) -> Run:
        return bounded_run(self.run, self.output, self.upstream)


def dot(a: Any, b: Any) -> float:
    """The sum of the products of all elements."""
    with np.errstate(all="ignore"):
        return float(np.sum(a * b))
