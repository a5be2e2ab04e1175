"""A finished run as the cones of its inputs see it.

`Surroundings` holds what they share: the gates the output depends on, how far each operand may
move, where the gates of branches are.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import cached_property
from typing import Any

from gradcli.arithmetic.bounds.numbers import FLOAT_BOUNDS
from gradcli.arithmetic.floats import FAULTS, IEEE
from gradcli.engine import Machine, Run, local_gradients
from gradcli.evaluation.numbers import as_rounded
from gradcli.gates.row import Gate

CHOICES = ("where",)
NEARBY = 0.4837061925  # how far inputs are moved to see what rounding is like around: twice the
# first step, to long numbers, as sums and products of short ones are exact
ROUGH = 2.0**-40  # a relative error, some thousand times that of ordinary numbers
NEAR_EDGE = 2.0**-20  # of the way to it
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
        self.limited = [node for node in self.gates if graph.gates[node].radius]
        self._branches: dict[int, Branch] = {}
        self._limits: dict[int, list[tuple[int, float]]] = {}
        self._still: dict[tuple[int, int], bool] = {}
        self._tied: dict[int, bool] = {}

    def _may_rest(self, node: int) -> bool:
        """Whether a gate may stand still though an operand moves."""
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
        values = [FLOAT_BOUNDS.measured(value, error) for value, error in pairs]
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

    @cached_property
    def unrounded(self) -> list[int]:
        """The gates that round nothing at these numbers, and may do so at longer ones."""
        graph, bounds = self.run.machine.graph, self.bounds
        return [
            node for node in self.gates
            if not bounds[node] and graph.gates[node].ulps and not self._only_scales(node)
        ]  # fmt: skip

    def _only_scales(self, node: int) -> bool:
        """Whether a gate multiplies by a power of two that stands still."""
        graph = self.run.machine.graph
        resting = [k for k in graph.operands[node] if not graph.active[k]]
        return any(abs(math.frexp(self.run.values[k])[0]) == 0.5 for k in resting)

    def branch(self, node: int) -> Branch:
        """A gate of branches, with its distance to the edge."""
        if node not in self._branches:
            graph = self.run.machine.graph
            gate = graph.gates[node]
            function = IEEE.text_function(gate, gate.kink or gate.jump or "c")
            self._branches[node] = Branch(gate, node, graph.operands[node], function)
        return self._branches[node]

    def is_tied(self, branch: Branch) -> bool:
        """Whether rounding hides on which side of the edge a gate is, worked out once."""
        if branch.node not in self._tied:
            self._tied[branch.node] = branch.is_tied(self.run.values, self.bounds)
        return self._tied[branch.node]

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
                numbers = as_rounded(
                    gate, [values[k] for k in operands], [self.bounds[k] for k in operands]
                )
                arguments = [numbers] if gate.is_variadic else numbers
                radius = float(function(*arguments, out=values[node]))
                is_clear = radius > self.bounds[operand]  # not so for nan
                limits.append((operand, radius if is_clear else 0.0))
        return limits

    def stands_still(self, node: int, operand: int) -> bool:
        """Whether a gate of branches keeps its value when the operand goes towards the edge.

        Half way there a branch may only be saturated, as elu is far below 0; next to the edge none
        is that is not the same all along.
        """
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
        way = abs(self.branch(node).at(values))
        if not way > 0 or not math.isfinite(way):
            return bool(gate.jump and way)
        if way / 2 < SEEN * math.ulp(here):
            return False
        short = max(NEAR_EDGE, SEEN / 2 * math.ulp(here) / way)  # of the edge, not to round to it
        most = 1 - short
        try:
            for part in (0.5, -0.5, most, -most):
                values[operand] = here + part * way
                if forward(values, operands) != out:
                    return False
        except FAULTS:
            return False
        return True
