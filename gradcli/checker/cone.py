"""The part of a finished run that depends on one input: what a change of the input can change.

A cone tells how fast its gates move, and how long a step may be before it bends something or
crosses an edge.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from functools import cached_property
from typing import Any

from gradcli.arithmetic.bounds.numbers import FLOAT_BOUNDS
from gradcli.arithmetic.floats import FAULTS
from gradcli.checker.reach import Reach
from gradcli.checker.surroundings import Surroundings

Answer = tuple[float | None, float]  # a difference, if any; by what factor the step was too long


class Cone:
    """The gates that depend on one input, ready to be evaluated elsewhere."""

    def __init__(self, around: Surroundings, leaf: int, reach: Reach | None = None) -> None:
        run = around.run
        self.around = around
        self.run = run
        self.leaf = leaf
        self.output = around.output
        self.x: float = run.values[leaf]
        self.f: float = run.values[self.output]
        self.bound = around.bounds[around.output]  # on the rounding error of f at x
        self.bounds: dict[float, float] = {}  # the same by the value of the input
        self.differences: dict[float, Answer] = {}  # by their step
        self.reach = reach or Reach(around, [leaf])  # one pass may have followed many inputs
        self.bit = self.reach.leaves[leaf]
        self.branches = [b for b, inputs in self.reach.branches if inputs & self.bit]
        self.tied = [b for b in self.branches if around.is_tied(b)]
        # 0 * (1/x) has no value at 0, acosh(1 - 1e-300) none that float64 shows
        is_finite = math.isfinite(run.values[self.output]) and math.isfinite(self.bound)
        self.is_singular = bool(self.reach.singular & self.bit)
        is_moved = (
            self.reach.moving[self.output] & self.bit or self.tied or self.is_singular
        )  # there a gate may jump
        self.is_still = is_finite and not is_moved
        is_bent = self.tied or self.is_singular  # slopes on two sides may cancel in differences
        self.is_smooth = not (self.is_still or is_bent) and math.isfinite(self.bound)

    @cached_property
    def gates(self) -> list[int]:
        """The gates that are computed from the input, in the order of evaluation."""
        return self.reach.gates(self.bit)

    @cached_property
    def limits(self) -> list[tuple[int, float]]:
        """(operand, how far it may move) of every operand that moves and has a limit."""
        bit = self.bit
        return [(k, radius) for inputs, k, radius in self.reach.limits if inputs & bit]

    @cached_property
    def sides(self) -> list[Any]:
        """The branches that gates are on at the point."""
        return [branch.side(self.run.values) for branch in self.branches]

    @cached_property
    def rounds_elsewhere(self) -> bool:
        """Whether f may round far more a step away than here, or than where all inputs are moved.

        Short numbers keep a gate from rounding here, and what it rounds where the input moves may
        be all that is left of terms that nearly cancel; where they do, no point near by tells.
        """
        touched, bit = self.reach.touched, self.bit
        return self.around.is_rough or any(touched[node] & bit for node in self.around.unrounded)

    @cached_property
    def _scratch(self) -> list[Any]:
        return self.run.values.copy()

    @cached_property
    def _steps(self) -> list[tuple[int, Any, tuple[int, ...]]]:
        """(node, forward function, operands) of every gate, in the order of evaluation."""
        forwards, operands = self.run.machine.forwards, self.run.machine.graph.operands
        return [(node, forwards[node], operands[node]) for node in self.gates]

    @cached_property
    def _ranges(self) -> list[tuple[int, float, float]]:
        """(operand, lowest, highest) value that is within its limit."""
        values = self.run.values
        return [(k, values[k] - radius, values[k] + radius) for k, radius in self.limits]

    def evaluate(self, x: float) -> float | None:
        """The output with the input at x; None where a gate faults or it is not finite."""
        values = self._scratch
        values[self.leaf] = x
        try:
            for node, forward, operands in self._steps:
                values[node] = forward(values, operands)
        except FAULTS:
            return None
        f: float = values[self.output]
        return f if math.isfinite(f) else None

    def bound_at(self, x: float) -> float:
        """The bound on the rounding error of the output with the input at x, worked out once."""
        if x not in self.bounds:
            self.bounds[x] = self._bound_at(x)
        return self.bounds[x]

    def _bound_at(self, x: float) -> float:
        machine, values = self.around.bounded
        forwards, operands, values = machine.forwards, machine.graph.operands, values.copy()
        values[self.leaf] = FLOAT_BOUNDS.number(x)
        for node in self.gates:
            values[node] = forwards[node](values, operands[node])  # type: ignore[misc]
        error: float = values[self.output].error
        return error

    @property
    def values(self) -> list[float]:
        """All values of the last evaluation."""
        return self._scratch.copy()

    def obstacle(self, values: Any = None) -> float:
        """By what factor the step to some values, or the last, was too long; 1 or less is fine."""
        values = self._scratch if values is None else values
        worst = 0.0
        for operand, lowest, highest in self._ranges:
            if not lowest <= values[operand] <= highest:
                radius = (highest - lowest) / 2
                moved = abs(values[operand] - self.run.values[operand])
                worst = max(worst, 1.5, moved / radius if radius > 0 else math.inf)
        return max(worst, self.turned(values)) if self.branches else worst

    def turned(self, values: Any) -> float:
        """By what factor a step was too long for gates that left their branch; 0 where none did."""
        base, worst = self.run.values, 0.0
        for branch, side in zip(self.branches, self.sides, strict=True):
            if branch.side(values) != side:
                here, there = abs(branch.at(base)), abs(branch.at(values) - branch.at(base))
                worst = max(worst, 2.0, 2 * there / here if here > 0 else math.inf)
        return worst

    @cached_property
    def first_step(self) -> float:
        """The longest power of two that the tangents say bends nothing; they may raise a fault."""
        return self.step_at(self.speeds())

    def step_at(self, speeds: Mapping[int, float]) -> float:
        """The first step, where the operands that have limits move at some speeds."""
        longest = max(1.0, abs(self.x)) / 2
        for operand, radius in self.limits:
            speed = abs(speeds[operand])
            if not speed * longest <= radius:  # nan, too, ends the matter
                longest = radius / speed
        return power_of_two(longest / 2)

    def speeds(self) -> dict[int, float]:
        """The derivative of every gate of the cone by the input, in forward mode."""
        slopes, speeds = self.around.slopes, {self.leaf: 1.0}
        for node in self.gates:
            speed = 0.0
            for operand, slope in slopes[node]:
                if operand in speeds:
                    speed += slope * speeds[operand]
            speeds[node] = speed
        return speeds


def power_of_two(x: float) -> float:
    """The largest power of two not above x."""
    return math.ldexp(0.5, math.frexp(x)[1]) if x > 0 and math.isfinite(x) else 0.0
