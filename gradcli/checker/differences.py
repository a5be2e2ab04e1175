"""The numeric derivative in float64: central differences, extrapolated, with an error bound.

The differences D(h) = (f(x+h) - f(x-h)) / 2h at steps h, h/2, h/4, ... are extrapolated to h = 0
by Romberg's scheme. Every entry of the tableau carries two errors: rounding, from a bound on f
that the graph gives, and truncation, from the change between entries. The entry with the smallest
sum is the result. Guards keep the tableau honest:

* rounding: the bound comes from the graph (`engine.bounds`), not from |f|;
* branch: at every step each gate with a kink or jump is on the branch it has at x;
* resolution: no operand moves further than its gate's `radius`, so no structure is stepped over;
* consistency: much smaller steps agree with the result within their own rounding.

Steps are powers of two, so that x+h and x-h are exact.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from typing import Any

from gradcli.arithmetic import Forward
from gradcli.arithmetic.floats import FAULTS, IEEE
from gradcli.engine import UNIT_ROUNDOFF, Run, bounds, tangents
from gradcli.gates import Gate

# Tolerances are data, with a reason each.
LEVELS = 6  # h**12 remains of the truncation: enough for 1e-13 when h bends nothing
MOST_LEVELS = 12  # before giving up on a tableau that has not settled
SETTLED = 1e-11  # a relative error so far below any tolerance needs no more levels
GOOD = 1e-9  # and with this one the ladder need not be widened
MARGIN = 2.0  # the bound on f at x+h may exceed the one at x
RESTARTS = 60  # a kink 1e-17 away is found by then
SMALLER = (2.0**-9, 2.0**-18)  # steps of the consistency guard, relative to the smallest used


class Estimate:
    """A numeric derivative with a bound on its error; `reason` says why there is none."""

    __slots__ = ("bound", "evaluations", "reason", "value")

    def __init__(
        self, value: float, bound: float, evaluations: int, reason: str | None = None
    ) -> None:
        self.value = value
        self.bound = bound
        self.evaluations = evaluations
        self.reason = reason

    def scaled(self, factor: float) -> Estimate:
        """The estimate for a multiple of the function."""
        value, bound = factor * self.value, abs(factor) * self.bound
        return Estimate(value, bound, self.evaluations, self.reason)


class Branch:
    """A gate with a kink or a jump: where it is, and how far from the edge."""

    __slots__ = ("distance", "gate", "node", "operands")

    def __init__(
        self, gate: Gate, node: int, operands: tuple[int, ...], distance: Callable[..., float]
    ) -> None:
        self.gate = gate
        self.node = node
        self.operands = operands
        self.distance = distance

    def side(self, values: list[float]) -> Any:
        """What tells one branch from another: the winner, the plateau, or the sign."""
        gate = self.gate
        if gate.name in ("max", "min"):
            out = values[self.node]
            return next((k for k, at in enumerate(self.operands) if values[at] == out), -1)
        if gate.name == "where":
            return bool(values[self.operands[0]])
        if gate.jump:
            return values[self.node]
        return self.at(values) > 0

    def is_tied(self, values: list[float], bounds: list[float]) -> bool:
        """Whether rounding hides on which side of the edge the gate is."""
        return not abs(self.at(values)) > 2 * sum(bounds[k] for k in self.operands)

    def at(self, values: list[float]) -> float:
        """The distance to the edge, signed where the gate has two sides."""
        if self.gate.name == "where":
            return values[self.operands[0]]
        operands = [values[k] for k in self.operands]
        if self.gate.is_variadic:
            return self.distance(operands, out=values[self.node])
        return self.distance(*operands, out=values[self.node])


class Cone:
    """The part of a finished run that depends on one input, ready to be evaluated elsewhere.

    `bounds` are the rounding errors of the run's values.
    """

    def __init__(self, run: Run, leaf: int, output: int, bounds: list[float]) -> None:
        self.run = run
        self.leaf = leaf
        self.output = output
        self.x: float = run.values[leaf]
        self.bound = bounds[output]  # on the rounding error of f at x
        self.gates = run.machine.graph.cone(leaf, output)
        self.evaluations = 0
        self._scratch = run.values.copy()
        self._steps = list(_steps(run, self.gates))
        moving = _moving(run, leaf, self.gates, bounds)
        self.branches = list(_branches(run, self.gates, moving))
        self.tied = [branch for branch in self.branches if branch.is_tied(run.values, bounds)]
        is_finite = math.isfinite(run.values[output])  # 0 * (1/x) has no value at 0
        self.is_still = output not in moving and not self.tied and is_finite
        self._sides = [branch.side(run.values) for branch in self.branches]
        self.limits = list(_limits(run, self.gates, moving))

    def evaluate(self, x: float) -> float | None:
        """F with the input at x, or None where a gate faults or the result is not finite."""
        values = self._scratch
        values[self.leaf] = x
        self.evaluations += 1
        try:
            for node, forward, operands in self._steps:
                values[node] = forward(values, operands)
        except FAULTS:
            return None
        f: float = values[self.output]
        return f if math.isfinite(f) else None

    def obstacle(self) -> float:
        """By what factor the step of the last evaluation was too long; 1 or less is fine."""
        values, base = self._scratch, self.run.values
        worst = 0.0
        for node, radius in self.limits:
            moved = abs(values[node] - base[node])
            if not moved <= radius:
                worst = max(worst, moved / radius if radius > 0 else math.inf)
        for branch, side in zip(self.branches, self._sides, strict=True):
            if branch.side(values) != side:
                here, there = abs(branch.at(base)), abs(branch.at(values) - branch.at(base))
                worst = max(worst, 2.0, 2 * there / here if here > 0 else math.inf)
        return worst

    def first_step(self) -> float:
        """The longest power of two that the tangents say bends nothing."""
        longest = max(1.0, abs(self.x)) / 2
        speeds = tangents(self.run, self.leaf, self.gates)
        for node, radius in self.limits:
            speed = abs(speeds[node])
            if speed * longest > radius:
                longest = radius / speed
        return _power_of_two(longest)


def differentiate(cone: Cone) -> Estimate:
    """The derivative of the output by the cone's input, from values alone."""
    if cone.is_still:
        return Estimate(0.0, 0.0, 0)
    if cone.tied:
        return Estimate(math.nan, math.inf, 0, "a gate is at its kink")
    if not math.isfinite(cone.bound):
        return Estimate(math.nan, math.inf, 0, "f has no bound on its rounding")
    try:
        step = cone.first_step()
    except FAULTS:
        return Estimate(math.nan, math.inf, cone.evaluations, "a local gradient is infinite")
    smallest = 2 * math.ulp(cone.x)
    for _ in range(RESTARTS):
        if not step >= smallest:
            break
        tableau = _Tableau(cone)
        obstacle = tableau.fill(step, smallest)
        if obstacle <= 1:
            return tableau.estimate()
        step = _power_of_two(step / min(max(obstacle, 2.0), 2.0**20))
    return Estimate(math.nan, math.inf, cone.evaluations, "no step is short enough")


class _Tableau:
    """Romberg's scheme; row j holds the extrapolations that end at step h / 2**j."""

    def __init__(self, cone: Cone) -> None:
        self.cone = cone
        self.rows: list[list[float]] = []
        self.rounding: list[list[float]] = []
        self.best = (math.inf, math.nan)  # error bound, value
        self.step = math.nan

    def fill(self, step: float, smallest: float) -> float:
        """Add rows until the result has settled; return by what factor a step was too long."""
        while len(self.rows) < MOST_LEVELS and step >= smallest:
            difference, obstacle = self._difference(step)
            if difference is None:
                if not self.rows:
                    return obstacle
                break
            self._add_row(difference, step)
            self.step = step
            step /= 2
            error, value = self.best
            if len(self.rows) >= 4 and error <= SETTLED * abs(value):
                break
            if len(self.rows) >= LEVELS and (error <= GOOD * abs(value) or value == 0):
                break
        return 0.0

    def _difference(self, step: float) -> tuple[float | None, float]:
        cone, values, obstacle = self.cone, [], 0.0
        for x in (cone.x + step, cone.x - step):
            f = cone.evaluate(x)
            obstacle = max(obstacle, cone.obstacle() if f is not None else 4.0)
            values.append(f)
        if obstacle > 1 or values[0] is None or values[1] is None:
            return None, max(obstacle, 2.0)
        return (values[0] - values[1]) / ((cone.x + step) - (cone.x - step)), obstacle

    def _add_row(self, difference: float, step: float) -> None:
        row = [difference]
        rounding = [MARGIN * self.cone.bound / step + 2 * UNIT_ROUNDOFF * abs(difference)]
        if self.rows:
            above, above_rounding = self.rows[-1], self.rounding[-1]
            for m, (entry, error) in enumerate(zip(above, above_rounding, strict=True)):
                weight = 4.0 ** (m + 1)
                row.append(row[m] + (row[m] - entry) / (weight - 1))
                rounding.append((weight * rounding[m] + error) / (weight - 1))
                change = max(abs(row[m + 1] - row[m]), abs(row[m + 1] - entry))
                self.best = min(self.best, (rounding[m + 1] + 2 * change, row[m + 1]))
        self.rows.append(row)
        self.rounding.append(rounding)

    def estimate(self) -> Estimate:
        """The best entry, unless a much smaller step contradicts it."""
        error, value = self.best
        cone = self.cone
        if len(self.rows) < 3:
            return Estimate(value, math.inf, cone.evaluations, "too few steps fit")
        for factor in SMALLER:
            step = _power_of_two(self.step * factor)
            if step < 2 * math.ulp(cone.x):
                break
            difference, _ = self._difference(step)
            allowed = (
                2 * MARGIN * cone.bound / step + error + factor * abs(self.rows[-1][0] - value)
            )
            if difference is None or not abs(difference - value) <= allowed:
                return Estimate(value, math.inf, cone.evaluations, "smaller steps disagree")
        return Estimate(value, error, cone.evaluations)


def _steps(run: Run, gates: list[int]) -> Iterator[tuple[int, Forward, tuple[int, ...]]]:
    """What evaluating the cone again goes through: node, forward function, operands."""
    forwards, operands = run.machine.forwards, run.machine.graph.operands
    for node in gates:
        forward = forwards[node]
        if forward is not None:
            yield node, forward, operands[node]


def _moving(run: Run, leaf: int, gates: list[int], bounds: list[float]) -> set[int]:
    """The leaf and the gates that move with it.

    A gate of branches stands still where the branch it is on does not read what moves: a loser of
    max, relu below zero, a plateau. That is seen from values: half the way to its edge changes
    nothing. So do x - x and a product with an exact zero. Every other gate is taken to move,
    however little: that a saturated value does not change in float64 proves nothing.
    """
    graph, values = run.machine.graph, run.values.copy()
    moving = {leaf}
    for node in gates:
        gate, operands = graph.gates[node], graph.operands[node]
        movers = {k for k in operands if k in moving}
        if movers and (gate.name == "where" and operands[0] not in movers):
            chosen = operands[1] if values[operands[0]] else operands[2]
            movers &= {chosen}
        elif movers and (gate.kink or gate.jump):
            movers = {k for k in movers if not _stands_still(run, node, k, values)}
        elif movers and gate.name == "sub" and operands[0] == operands[1]:
            movers = set()
        elif movers and gate.name == "mul":
            fixed = set(operands) - moving
            if any(values[k] == 0 and bounds[k] == 0 for k in fixed):
                movers = set()
        if movers:
            moving.add(node)
    return moving


def _stands_still(run: Run, node: int, operand: int, values: list[float]) -> bool:
    """Whether a gate of branches keeps its value when the operand goes half way to the edge."""
    machine = run.machine
    gate, operands = machine.graph.gates[node], machine.graph.operands[node]
    forward = machine.forwards[node]
    assert forward is not None
    here, out = values[operand], values[node]
    way = abs(_branch(run, node).at(values)) / 2
    if not way > 0 or not math.isfinite(way):
        return bool(gate.jump and way)
    try:
        for x in (here + way, here - way):
            values[operand] = x
            if forward(values, operands) != out:
                return False
    except FAULTS:
        return False
    finally:
        values[operand] = here
    return True


def _branch(run: Run, node: int) -> Branch:
    graph = run.machine.graph
    gate = graph.gates[node]
    function = IEEE.text_function(gate, gate.kink or gate.jump or "c")
    return Branch(gate, node, graph.operands[node], function)


def _branches(run: Run, gates: list[int], moving: set[int]) -> list[Branch]:
    """The gates of the cone that can change their branch; a `where` follows its condition."""
    graph = run.machine.graph
    found = []
    for node in gates:
        gate, operands = graph.gates[node], graph.operands[node]
        is_choice = gate.name == "where"
        if not any(k in moving for k in operands) or (is_choice and operands[0] not in moving):
            continue
        if gate.kink or gate.jump or is_choice:
            found.append(_branch(run, node))
    return found


def _limits(run: Run, gates: list[int], moving: set[int]) -> list[tuple[int, float]]:
    """(operand, how far it may move) for every moving operand that has a limit."""
    graph, values = run.machine.graph, run.values
    found: list[tuple[int, float]] = []
    for node in gates:
        gate, operands = graph.gates[node], graph.operands[node]
        if not gate.radius:
            continue
        texts = gate.radius * len(operands) if gate.is_variadic else gate.radius
        for operand, text in zip(operands, texts, strict=True):
            if operand not in moving or text == "inf":
                continue
            if text.isdigit():
                found.append((operand, float(text)))
            else:
                function = IEEE.text_function(gate, text)
                given = [values[k] for k in operands]
                arguments = [given] if gate.is_variadic else given
                found.append((operand, float(function(*arguments, out=values[node]))))
    return found


def _power_of_two(x: float) -> float:
    """The largest power of two not above x."""
    return math.ldexp(0.5, math.frexp(x)[1]) if x > 0 and math.isfinite(x) else 0.0


def rounding_bounds(run: Run) -> list[float]:
    """Bounds on the rounding errors of the values; all inf where they cannot be had."""
    try:
        return [math.inf if math.isnan(bound) else bound for bound in bounds(run)]
    except FAULTS:
        return [math.inf] * len(run.values)
