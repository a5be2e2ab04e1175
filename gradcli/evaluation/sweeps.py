"""One run of a graph in many digits, with bounds, and what is certain of its infinities.

Nothing overflows in many digits, so that an infinity is that of a pole, if the pole is certain: 1/0
is infinite where the 0 is exact, and unknown where it is what is left of a difference. Where an
operand is out of reach of mpmath an infinity stands for what is too large for it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import product
from math import ceil, inf, log10
from typing import Any

from gradcli.arithmetic.arithmetic import Forward
from gradcli.arithmetic.bounds.bounded import NO_ERROR, Bounded
from gradcli.arithmetic.bounds.numbers import bounds_of_digits
from gradcli.arithmetic.depths import depths
from gradcli.arithmetic.digits import digits
from gradcli.arithmetic.work import pass_price, spend
from gradcli.engine import Machine, Run, backward
from gradcli.evaluation.numbers import live_nodes
from gradcli.gates.row import Gate
from gradcli.graph.nodes import Graph

Known = tuple[float, float]  # a value and the bound on its error

NOTHING: Mapping[int, Known] = {}
ENOUGH = 2.0**-62  # a relative error that leaves the rounding to float64 right
ROOM = 25  # digits that those tried first have beyond those of a float64
STEP = 50  # depths are rounded up to so many digits, so that few precisions are in use
# Gates whose infinities are of 1/0, or of infinities.
ARITHMETIC = ("add", "sub", "mul", "div", "neg", "logsumexp", "hypot")
# Gates that grow without end, and are monotonic in each operand at either side of 0.
GROWING = ("exp", "exp2", "expm1", "sinh", "cosh", "pow", "gamma")
# Gates that are monotonic and level out.
LEVELLING = ("tanh", "sigmoid", "erf", "erfc", "normcdf", "atan")
BEYOND = 1_100  # binary exponent that no float64 has, at either end


class Bounding:
    """A graph bound to numbers of so many digits that carry their errors.

    `snaps`: what is lost to all these digits is an exact 0, and `zeros` are those zeros. `known`
    are gates that are taken as the values and errors they have, and hand nothing on.
    """

    def __init__(
        self, graph: Graph, count: int, at_limits: bool = False, snaps: bool = False,
        known: Mapping[int, Known] = NOTHING,
    ) -> None:  # fmt: skip
        self.arithmetic = digits(count, at_limits)
        self.bounded = bounds_of_digits(self.arithmetic)
        self.machine = Machine(graph, self.bounded)
        self.zeros: list[Any] = []
        self._at_limits, self._snaps = at_limits, snaps
        self._price = pass_price(2 * (len(graph) - len(known)), count)  # most are swept back, too
        self._small = self.arithmetic.number(10.0) ** (15 - count)
        self._largest = self.arithmetic.zero
        kinds: dict[Any, Forward] = {}
        forwards = self.machine.forwards
        for node, (gate, forward) in enumerate(zip(graph.gates, forwards, strict=True)):
            if forward is not None:
                kind = (gate, forward)
                if kind not in kinds:
                    kinds[kind] = self._careful(gate, forward)
                forwards[node] = kinds[kind]
        number, machine = self.arithmetic.number, self.machine
        for node, (value, error) in known.items():  # as if they were constants
            slack = number(error) if error else NO_ERROR
            machine.leaves[node] = self.bounded.pair(number(value), slack)
            machine.forwards[node] = machine.pullbacks[node] = None

    def run(self, inputs: Sequence[float], stop: int | None = None) -> Run:
        """A forward pass, of the nodes before `stop`."""
        spend(self._price)
        numbers = [self.bounded.number(x) for x in inputs]
        leaves = [abs(x.value) for x in (*self.machine.leaves, *numbers)]
        self._largest = max([x for x in leaves if x < inf], default=self.arithmetic.zero)
        return self.machine.run(numbers, stop)

    def _careful(self, gate: Gate, forward: Forward) -> Forward:
        """A gate whose infinities are certain or without a bound, and that snaps to 0."""

        def careful(values: Any, operands: tuple[int, ...]) -> Any:
            x = forward(values, operands)
            if x.error == inf:
                return self._settled(gate, [values[k] for k in operands], x)
            if self._snaps and x.error:
                return self._snapped(x)
            return x

        return careful

    def _settled(self, gate: Gate, operands: list[Bounded], x: Bounded) -> Bounded:
        """A number without a bound, unless it is certainly infinite or outside the domain."""
        if self._at_limits and gate.name in GROWING:
            return self._at_corners(gate, operands, x)
        if self._at_limits and gate.name in LEVELLING and operands[0].error < inf:
            return self._between_ends(gate, operands[0])
        is_sure = not abs(x.value) < inf and self._is_sure(gate, operands, x.value)
        return self.bounded.pair(x.value, 0.0) if is_sure else x

    def _is_sure(self, gate: Gate, operands: list[Bounded], value: Any) -> bool:
        """Whether a value that is infinite or nan is just that."""
        if value != value:
            return self._is_outside(gate, operands)
        if self._snaps and self.zeros and all(abs(x.value) < inf for x in operands):
            return False  # a pole may be at what was taken as 0
        if all(not x.error for x in operands):
            return True
        is_away = all(not x.error or abs(x.value) > x.error for x in operands)
        return is_away and gate.name in ARITHMETIC

    def _at_corners(self, gate: Gate, operands: list[Bounded], x: Bounded) -> Bounded:
        """Infinity or 0 where the gate is that for float64 at all ends of its operands."""
        if not all(not y.error or abs(y.value) > y.error for y in operands):
            return x
        ends = [(y.value - y.error, y.value + y.error) if y.error else (y.value,) for y in operands]
        evaluate = self.arithmetic.function(gate.name)
        corners = [evaluate(*corner) for corner in product(*ends)]
        large = self.arithmetic.number(2.0) ** BEYOND
        if all(abs(y) > large for y in corners) and len({y > 0 for y in corners}) == 1:
            x = self.bounded.pair(corners[0] * inf, 0.0)
        elif all(abs(y) * large < 1 for y in corners):
            x = self.bounded.exactly(0.0)
        return x

    def _between_ends(self, gate: Gate, operand: Bounded) -> Bounded:
        """The value of a monotonic gate, which lies between those at the ends of its operand."""
        evaluate = self.arithmetic.function(gate.name)
        ends = [evaluate(operand.value + side * operand.error) for side in (-1, 1)]
        rounding = self._small * max(map(abs, ends))
        return self.bounded.pair(ends[0], abs(ends[1] - ends[0]) + rounding)

    def _is_outside(self, gate: Gate, operands: list[Bounded]) -> bool:
        """Whether a gate has no value here, whatever its operands are within their errors."""
        if any(x.value != x.value and not x.error for x in operands):
            return True
        if all(not x.error for x in operands):
            return not self._at_limits  # there an infinity may be any number that is large
        if not gate.domain or len(operands) != 1 or not operands[0].error < inf:
            return False
        x, inside = operands[0], self.arithmetic.text_function(gate, gate.domain)
        return not (inside(x.value - x.error) or inside(x.value + x.error))

    def _snapped(self, x: Bounded) -> Bounded:
        """An exact 0 for what its error hides, where that is nothing to the largest number."""
        size = abs(x.value)
        if not size > x.error and x.error < self._largest * self._small:
            x = self.bounded.exactly(0.0)
            self.zeros.append(x)
        elif self._largest < size < inf:
            self._largest = size
        return x


def depth(graph: Graph, inputs: Sequence[float], output: int, upstream: Any, count: int) -> int:
    """How many digits below its first ones a number tells of others, looked at in `count` digits.

    It is 0 where that is no more than the fewest digits have room for, as in most graphs.
    """
    arithmetic = depths(count)
    run = Machine(graph, arithmetic).run([arithmetic.number(x) for x in inputs])
    backward(run, output, arithmetic.number(upstream))
    live = live_nodes(run, output)
    deepest = max(max(run.values[k].depth, run.gradients[k].depth) for k in live)
    orders = deepest * log10(2.0) if deepest < 2**60 else inf
    if orders < ROOM:
        return 0
    return STEP * ceil(orders / STEP) if orders < inf else 2**60


def is_certain(x: Bounded) -> bool:
    """Whether the bound of a number in many digits leaves its rounding to float64 right."""
    return bool(not x.error or x.error <= ENOUGH * abs(x.value) < inf)
