"""The part of a finished run that depends on one input: what a change of the input can change.

`Surroundings` holds what the cones of one run share: the gates the output depends on, how far each
operand may move, where the gates of branches are. A cone tells how fast its gates move, and how
long a step may be before it bends something or crosses an edge.
"""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Callable
from functools import cached_property
from typing import Any

from gradcli.arithmetic.bounds.numbers import FLOAT_BOUNDS
from gradcli.arithmetic.floats import FAULTS, IEEE
from gradcli.engine import Machine, Run, local_gradients
from gradcli.gates.row import Gate

Answer = tuple[float | None, float]  # a difference, if any; by what factor the step was too long

CHOICES = ("where",)
NEARBY = 0.4837061925  # how far inputs are moved to see what rounding is like around: twice the
# first step, to long numbers, as sums and products of short ones are exact
ROUGH = 2.0**-40  # a relative error, some thousand times that of ordinary numbers
SEEN = 4.0  # ulps, by which an operand has to move for a gate to show that it does


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
        """The branch the gate is on: the winner's place, the value of a plateau, or a sign."""
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


class Surroundings:
    """A finished run as all its cones see it; `bounds` are on the rounding of its values."""

    def __init__(self, run: Run, output: int, bounds: list[float]) -> None:
        self.run = run
        self.output = output
        self.bounds = bounds
        graph = run.machine.graph
        reaches_output = graph.reaches(output)
        self.gates = [node for node in graph.gate_nodes() if reaches_output[node]]
        self.may_rest = {node for node in self.gates if self._may_rest(node)}
        self._branches: dict[int, Branch] = {}
        self._limits: dict[int, list[tuple[int, float]]] = {}
        self._still: dict[tuple[int, int], bool] = {}

    def _may_rest(self, node: int) -> bool:
        """Whether a gate may stand still though an operand moves; `movers` tells."""
        graph, values = self.run.machine.graph, self.run.values
        gate, operands = graph.gates[node], graph.operands[node]
        if gate.name == "sub":
            return operands[0] == operands[1]
        if gate.name == "mul":
            return any(values[k] == 0 and self.bounds[k] == 0 for k in operands)
        return bool(gate.kink or gate.jump or gate.name in CHOICES)

    @cached_property
    def slopes(self) -> dict[int, list[tuple[int, float]]]:
        """(operand, local gradient) of every gate, without those that are 0."""
        operands = self.run.machine.graph.operands
        return {
            node: [(k, slope) for k, slope in zip(operands[node], local, strict=False) if slope]
            for node, local in local_gradients(self.run, self.gates).items()
        }

    @cached_property
    def columns(self) -> Machine:
        """The graph bound to numpy columns, for many steps at once."""
        from gradcli.arithmetic.arrays import ARRAYS  # late: small problems do not need numpy

        return Machine(self.run.machine.graph, ARRAYS)

    @cached_property
    def bounded(self) -> tuple[Machine, list[Any]]:
        """The graph bound to numbers that carry their error, and the run's values as such."""
        pairs = zip(self.run.values, self.bounds, strict=True)
        values = [FLOAT_BOUNDS.pair(value, error) for value, error in pairs]
        return Machine(self.run.machine.graph, FLOAT_BOUNDS), values

    @cached_property
    def bounded_columns(self) -> tuple[Machine, list[Any]]:
        """The graph bound to columns that carry their errors, and the run's values as such."""
        from gradcli.arithmetic.bounds.arrays import ARRAY_BOUNDS  # late: it loads numpy

        pairs = zip(self.run.values, self.bounds, strict=True)
        values = [ARRAY_BOUNDS.pair(value, error) for value, error in pairs]
        return Machine(self.run.machine.graph, ARRAY_BOUNDS), values

    @cached_property
    def nearby(self) -> float:
        """The larger bound on the rounding of the output: of the run, or with all inputs moved.

        At an extremum, where terms cancel, or at short numbers the run itself rounds less than
        any point around it. It is inf where the point near by has no bound.
        """
        machine, values = self.bounded
        inputs = [
            FLOAT_BOUNDS.number(x + math.copysign(max(1.0, abs(x)), x) * (NEARBY - k % 4 / 32))
            for k, x in enumerate(values[leaf].value for leaf in machine.graph.inputs.values())
        ]
        error: float = machine.run(inputs, self.output + 1).values[self.output].error
        return max(error, self.bounds[self.output])

    @cached_property
    def is_rough(self) -> bool:
        """Whether terms nearly cancel somewhere, so that much of a number may be rounding."""
        values, bounds = self.run.values, self.bounds
        return any(bounds[node] > ROUGH * abs(values[node]) for node in self.gates)

    def branch(self, node: int) -> Branch:
        """A gate of branches, with its distance to the edge."""
        if node not in self._branches:
            graph = self.run.machine.graph
            gate = graph.gates[node]
            function = IEEE.text_function(gate, gate.kink or gate.jump or "c")
            self._branches[node] = Branch(gate, node, graph.operands[node], function)
        return self._branches[node]

    def limits(self, node: int) -> list[tuple[int, float]]:
        """(operand, how far it may move) for every operand of a gate that has a limit.

        It is 0 at a singular place, such as the border of a domain: within rounding the operand
        stands where the gate has no slope, or no finite one.
        """
        if node not in self._limits:
            self._limits[node] = self._limits_of(node)
        return self._limits[node]

    def _limits_of(self, node: int) -> list[tuple[int, float]]:
        graph, values = self.run.machine.graph, self.run.values
        gate, operands = graph.gates[node], graph.operands[node]
        texts = gate.radius * len(operands) if gate.is_variadic else gate.radius
        limits: list[tuple[int, float]] = []
        for operand, text in zip(operands, texts, strict=True) if texts else ():
            if text == "inf" or not graph.active[operand]:
                continue
            if text.isdigit():
                limits.append((operand, float(text)))
            else:
                function = IEEE.text_function(gate, text)
                numbers = [values[k] for k in operands]
                arguments = [numbers] if gate.is_variadic else numbers
                radius = float(function(*arguments, out=values[node]))
                is_clear = radius > self.bounds[operand]  # not so for nan
                limits.append((operand, radius if is_clear else 0.0))
        return limits

    def stands_still(self, node: int, operand: int) -> bool:
        """Whether a gate of branches keeps its value when the operand goes half way to the edge."""
        key = node, operand
        if key not in self._still:
            self._still[key] = self._is_still(node, operand)
        return self._still[key]

    def _is_still(self, node: int, operand: int) -> bool:
        machine, values = self.run.machine, self.run.values.copy()
        gate, operands = machine.graph.gates[node], machine.graph.operands[node]
        forward = machine.forwards[node]
        assert forward is not None
        here, out = values[operand], values[node]
        way = abs(self.branch(node).at(values)) / 2
        if not way > 0 or not math.isfinite(way):
            return bool(gate.jump and way)
        if way < SEEN * math.ulp(here):
            return False
        try:
            for x in (here + way, here - way):
                values[operand] = x
                if forward(values, operands) != out:
                    return False
        except FAULTS:
            return False
        return True

    def movers(self, node: int, moving: set[int]) -> set[int]:
        """The operands by whose movement a gate moves.

        A gate of branches stands still where the branch it is on does not read what moves: a loser
        of max, relu below zero, a plateau. That is seen from values: half the way to its edge
        changes nothing. So do x - x and a product with an exact zero. Every other gate is taken to
        move, however little: that a saturated value does not change in float64 proves nothing.
        """
        graph, values = self.run.machine.graph, self.run.values
        gate, operands = graph.gates[node], graph.operands[node]
        movers = {k for k in operands if k in moving}
        if gate.name == "where" and operands[0] not in movers:
            return movers & {operands[1] if values[operands[0]] else operands[2]}
        if gate.kink or gate.jump:
            return {k for k in movers if not self.stands_still(node, k)}
        if gate.name == "sub" and operands[0] == operands[1]:
            return set()
        if gate.name == "mul" and any(
            values[k] == 0 and self.bounds[k] == 0 for k in operands if k not in moving
        ):
            return set()
        return movers


class Cone:
    """The gates that depend on one input, ready to be evaluated elsewhere."""

    def __init__(self, around: Surroundings, leaf: int) -> None:
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
        self.gates: list[int] = []
        self.branches: list[Branch] = []
        moving = self._follow()
        self.tied = [b for b in self.branches if b.is_tied(run.values, around.bounds)]
        # 0 * (1/x) has no value at 0, acosh(1 - 1e-300) none that float64 shows
        is_finite = math.isfinite(run.values[self.output]) and math.isfinite(self.bound)
        self.sides = [branch.side(run.values) for branch in self.branches]
        self.limits = [
            (operand, radius)
            for node in self.gates
            for operand, radius in around.limits(node)
            if operand in moving
        ]
        self.is_singular = not all(radius for _, radius in self.limits)
        is_moved = self.output in moving or self.tied or self.is_singular  # there a gate may jump
        self.is_still = is_finite and not is_moved
        is_bent = self.tied or self.is_singular  # slopes on two sides may cancel in differences
        self.is_smooth = not (self.is_still or is_bent) and math.isfinite(self.bound)

    def _follow(self) -> set[int]:
        """Find the gates of the cone, those of branches among them, and what moves."""
        around, gates = self.around, self.gates
        graph = around.run.machine.graph
        touched = bytearray(len(graph))
        touched[self.leaf] = 1
        moving = {self.leaf}
        for node in around.gates[bisect_right(around.gates, self.leaf) :]:
            operands = graph.operands[node]
            for operand in operands:
                if touched[operand]:
                    break
            else:
                continue
            touched[node] = 1
            gates.append(node)
            if node in around.may_rest:
                gate = graph.gates[node]
                movers = around.movers(node, moving)
                if movers:
                    moving.add(node)
                is_choice = gate.name in CHOICES
                decides = operands[:1] if is_choice else operands
                if (gate.kink or gate.jump or is_choice) and not moving.isdisjoint(decides):
                    self.branches.append(around.branch(node))
            elif not moving.isdisjoint(operands):
                moving.add(node)
        return moving

    @cached_property
    def rounds_elsewhere(self) -> bool:
        """Whether f may round far more a step away than here, or than where all inputs are moved.

        Short numbers keep a gate from rounding here, and what it rounds where the input moves may
        be all that is left of terms that nearly cancel; where they do, no point near by tells.
        """
        if self.around.is_rough:
            return True
        graph, bounds = self.run.machine.graph, self.around.bounds
        return any(
            not bounds[node] and graph.gates[node].ulps and not self._only_scales(node)
            for node in self.gates
        )

    def _only_scales(self, node: int) -> bool:
        """Whether a gate multiplies by a power of two that stands still."""
        graph = self.run.machine.graph
        resting = [k for k in graph.operands[node] if not graph.active[k]]
        return any(abs(math.frexp(self.run.values[k])[0]) == 0.5 for k in resting)

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
        longest = max(1.0, abs(self.x)) / 2
        speeds = self.speeds()
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
