"""Steps of many cones in one pass over the graph: a column of values for each end of each step.

Most of the time of a pass is that of calling its gates: one for the inputs of many cones takes
little more than one for a single input. What it finds is left with the cones, to be looked up.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from functools import reduce
from operator import or_
from typing import Any

import numpy as np

from gradcli.arithmetic.bounds.arrays import ARRAY_BOUNDS
from gradcli.checker.cone import Cone
from gradcli.checker.reach import Reach
from gradcli.checker.surroundings import Branch
from gradcli.engine import Machine

# The steps of a batch, as halvings of its first: those of a tableau, and those of its guard. Four
# rows are enough for most, and a fifth where the first step is too long.
FEW = (*range(5), 12, 13, 21, 22)
HALVINGS = (*range(7), *range(12, 16), *range(21, 25))
MOST_COLUMNS = 1_000  # in a pass; with more they leave the caches
UNKNOWN = 4.0  # by this factor a step was too long at whose end the function has no value


class Sheet:
    """Columns of values, each of one cone, whose input is moved to an end; all others rest."""

    def __init__(self, cones: Sequence[Cone], owners: Any, ends: Any) -> None:
        self.cones = cones
        self.around = cones[0].around
        self.output = cones[0].output
        self.owners = owners  # by column: the place of its cone
        self.ends = ends  # by column: the input of that cone
        self.inputs = _inputs_of(cones)
        self.gates = _gates_of(self.inputs)

    def filled(
        self, machine: Machine, values: Sequence[Any], number: Callable[[Any], Any] = np.asarray
    ) -> list[Any]:
        """The values of all gates on columns, and of all others as they are at the point."""
        values = [*values]
        for place, cone in enumerate(self.cones):
            values[cone.leaf] = number(np.where(self.owners == place, self.ends, cone.x))
        operands = machine.graph.operands
        with np.errstate(all="ignore"):
            for node in self.gates:
                values[node] = machine.forwards[node](values, operands[node])  # type: ignore[misc]
        return values

    def row(self, number: Any) -> Any:
        """A number of every column, where it may be the same for all."""
        if getattr(number, "shape", ()) == self.ends.shape:
            return number
        return np.broadcast_to(np.asarray(number, dtype=float), self.ends.shape)

    def obstacles(self, values: list[Any]) -> Any:
        """By what factor each column's step was too long; 1 or less is fine."""
        with np.errstate(all="ignore"):
            is_far = self._leave_limits(values) | self._leave_branches(values)
        worst = np.zeros(self.ends.shape)
        for column in np.flatnonzero(is_far).tolist():
            cone = self.cones[self.owners[column]]
            worst[column] = cone.obstacle(_Column(values, column))
        is_unknown = ~np.isfinite(self.row(values[self.output]))
        worst[is_unknown] = np.maximum(worst[is_unknown], UNKNOWN)
        return worst

    def _leave_limits(self, values: list[Any]) -> Any:
        """The columns in which an operand moves further than it may."""
        base = self.around.run.values
        limits = {
            (k, radius) for reach, moved in self.inputs.items()
            for inputs, k, radius in reach.limits
            if inputs & moved and getattr(values[k], "ndim", 0)
        }  # fmt: skip
        if not limits:
            return np.zeros(self.ends.shape, dtype=bool)
        ways = np.array([values[k] for k, _ in limits])
        ways -= np.array([[base[k]] for k, _ in limits])
        radii = np.array([[radius] for _, radius in limits])
        return ~(np.abs(ways, out=ways) <= radii).all(axis=0)

    def _leave_branches(self, values: list[Any]) -> Any:
        """The columns in which a gate is not on the branch that it has at the point."""
        is_off = np.zeros(self.ends.shape, dtype=bool)
        branches = {branch.node: branch for cone in self.cones for branch in cone.branches}
        for branch in branches.values():
            is_off |= self._turns(branch, values)
        return is_off

    def _turns(self, branch: Branch, values: list[Any]) -> Any:
        """Where a gate is on another side than at the point, for all that its values tell."""
        gate, run = branch.gate, self.around.run
        side = branch.side(run.values)
        if gate.name in ("max", "min"):
            *earlier, winner = branch.operands[: side + 1] or branch.operands
            out = values[branch.node]
            has_lost = values[winner] != out
            return reduce(or_, [values[k] == out for k in earlier], has_lost)
        if gate.name == "where":
            return (values[branch.operands[0]] != 0) != side
        if gate.jump:
            return values[branch.node] != side
        return (self._distance(branch, values) > 0) != side

    def _distance(self, branch: Branch, values: list[Any]) -> Any:
        function = self.around.columns.arithmetic.text_function(branch.gate, branch.gate.kink)
        xs = [values[k] for k in branch.operands]
        return function(*([xs] if branch.gate.is_variadic else xs), out=values[branch.node])


def _inputs_of(cones: Iterable[Cone]) -> dict[Reach, int]:
    """The inputs of some cones, as the bits of what followed them."""
    inputs: dict[Reach, int] = {}
    for cone in cones:
        inputs[cone.reach] = inputs.get(cone.reach, 0) | cone.bit
    return inputs


def _gates_of(inputs: dict[Reach, int]) -> list[int]:
    """The gates that some inputs touch, in the order of evaluation."""
    lists = [reach.gates(bits) for reach, bits in inputs.items()]
    return lists[0] if len(lists) == 1 else sorted(set().union(*lists))


class _Column:
    """One column of a list of columns, read as a list of numbers."""

    __slots__ = ("column", "values")

    def __init__(self, values: list[Any], column: int) -> None:
        self.values = values
        self.column = column

    def __getitem__(self, node: int) -> float:
        value = self.values[node]
        return float(value[self.column]) if getattr(value, "ndim", 0) else float(value)


def find_first_steps(cones: Sequence[Cone]) -> None:
    """Leave with each cone its first step, by the tangents of all in one pass."""
    slopes = cones[0].around.slopes
    gates = _gates_of(_inputs_of(cones))
    if not all(math.isfinite(slope) for node in gates for _, slope in slopes[node]):
        return  # a row has 0 for what a cone does not reach, and 0 * inf is none
    speeds: dict[int, Any] = {
        cone.leaf: np.array(unit) for cone, unit in zip(cones, np.eye(len(cones)), strict=True)
    }
    with np.errstate(all="ignore"):
        for node in gates:
            parts = [
                speeds[k] if slope == 1 else slope * speeds[k]
                for k, slope in slopes[node] if k in speeds
            ]  # fmt: skip
            if parts:
                speeds[node] = sum(parts[1:], parts[0])
    rest, limited = np.zeros(len(cones)), {k for cone in cones for k, _ in cone.limits}
    of_limits = {k: speeds.get(k, rest).tolist() for k in limited}
    for place, cone in enumerate(cones):
        cone.first_step = cone.step_at({k: of_limits[k][place] for k, _ in cone.limits})


def find_differences(
    tries: Sequence[tuple[Cone, float]], halvings: Sequence[int] = HALVINGS
) -> None:
    """Leave with each cone its differences over a step, and over some steps below it."""
    at_once = MOST_COLUMNS // (2 * len(halvings))
    for k in range(0, len(tries), at_once):
        _find_differences(tries[k : k + at_once], halvings)


def _find_differences(tries: Sequence[tuple[Cone, float]], halvings: Sequence[int]) -> None:
    lists = [steps_below(cone, step, halvings) for cone, step in tries]
    cones = [cone for cone, _ in tries]
    steps = np.array([step for below in lists for step in below])
    owners = np.repeat(np.arange(len(cones)), [len(below) for below in lists])
    at = np.array([cone.x for cone in cones])[owners]
    xs = np.concatenate([at + steps, at - steps])
    sheet = Sheet(cones, np.concatenate([owners, owners]), xs)
    values = sheet.filled(sheet.around.columns, sheet.around.run.values)
    f, obstacles, count = sheet.row(values[sheet.output]), sheet.obstacles(values), len(steps)
    with np.errstate(all="ignore"):
        slopes = (f[:count] - f[count:]) / (xs[:count] - xs[count:])
    worst = np.maximum(obstacles[:count], obstacles[count:])
    columns = [a.tolist() for a in (owners, steps, slopes, worst)]
    for owner, step, slope, obstacle in zip(*columns, strict=True):
        is_good = obstacle <= 1 and math.isfinite(slope)
        answer = (slope, obstacle) if is_good else (None, max(obstacle, 2.0))
        cones[owner].differences[step] = answer


def steps_below(cone: Cone, step: float, halvings: Sequence[int]) -> list[float]:
    """A step and its halvings, as far as they are seen beside the input."""
    steps = [math.ldexp(step, -k) for k in halvings]
    return [step for step in steps if cone.x + step != cone.x - step] or steps[:1]


def find_bounds(ends: Iterable[tuple[Cone, float]]) -> None:
    """Leave with each cone the bounds on the rounding of the output with its input at some ends."""
    pairs = [*ends]
    if not pairs:
        return
    cones = [*dict.fromkeys(cone for cone, _ in pairs)]
    places = {cone: place for place, cone in enumerate(cones)}
    owners = np.array([places[cone] for cone, _ in pairs])
    sheet = Sheet(cones, owners, np.array([x for _, x in pairs]))
    values = sheet.filled(*sheet.around.bounded_columns, ARRAY_BOUNDS.pair)
    errors = sheet.row(values[sheet.output].error)
    for (cone, x), error in zip(pairs, errors.tolist(), strict=True):
        cone.bounds[x] = error
