"""The gradients that several inputs may have together at a kink: a set, seen from outside.

Along a direction v every Clarke subgradient g has g.v within the range that the chain rule allows
(Clarke, Optimization and Nonsmooth Analysis, theorem 2.3.9): a gate at its kink has any slope
between those of its two sides, max any mean of the slopes of its winners, hypot at 0 any of the
length 1, and a root of what is smooth and 0 is a norm, whose slope its values tell. The upper ends
of these ranges are the support function of a convex set that holds all subgradients. What is not
in the set is none of them, for certain; then the way from the point of the set that is nearest
is a direction that shows it. That point is found by Wolfe's method.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple

from gradcli.arithmetic.agreement import agree
from gradcli.engine import Run, local_gradients, sweep
from gradcli.evaluation.in_digits import InDigits
from gradcli.evaluation.moving import is_finite
from gradcli.evaluation.nearest import Nearest
from gradcli.evaluation.numbers import EDGE, Bounds, as_rounded, edges
from gradcli.evaluation.sides import to_float
from gradcli.gates.table import BUILT_IN

DIGITS = 200
STEP, FINER = 1e-60, 1e-10  # far below float64, and by what factor a second step is shorter
STEADY = 1e-9  # relative: slopes of two steps that do not differ by more are those of any step
ROUNDING = 1e-15  # of the sizes that a slope is the sum of
MOST_TURNS = 100  # of the search for the nearest point
MOST_PARTS = 1_000_000  # gates, times the turns
LOW, HIGH = 0, 1

Parts = list[tuple[int, int, float]]  # (node, end of its range, factor): the end of a range, a sum
Ends = list[Any]  # by node (lowest, highest) slope
Rule = Callable[[Ends], tuple[Parts, Parts]]


class UnboundedError(ArithmeticError):
    """No range of slopes is known: one is infinite, or too small for float64."""


class Along(NamedTuple):
    """A direction with the range of the slopes along it, and the subgradient at its upper end."""

    direction: list[float]
    low: float
    high: float
    highest: list[float]


class Subgradients:
    """The set at a point, for some leaves; its methods raise UnboundedError and OutOfReachError."""

    def __init__(self, point: InDigits, leaves: Sequence[int]) -> None:
        self.point = point.taken
        self.leaves = leaves
        self.run = self.point.run(DIGITS)
        self.output = point.output
        self._kinked: set[int] = set()  # nodes with more than one slope
        self._jumping: set[int] = set()
        self._roots: set[int] = set()
        self._rules: dict[int, Rule | None] = {}  # None: any slope, or that of a root
        self._find_rules()

    def separating(
        self, gradient: Sequence[float], sizes: Sequence[float], tolerance: float
    ) -> Along | None:
        """A direction along which a gradient is beyond the range of slopes; None if none is found.

        Each part of the gradient has a size of its own. It may be off by a `tolerance`.
        """
        target = [g / size for g, size in zip(gradient, sizes, strict=True)]
        ones = [1.0] * len(target)
        first = [target, [-y for y in target], ones, [-1.0 for _ in ones]]
        turns = max(len(first) + 1, min(MOST_TURNS, MOST_PARTS // max(1, len(self._rules))))
        mean = Nearest(target)
        for turn in range(turns):
            way = first[turn] if turn < len(first) else mean.way
            largest = max(map(abs, way))
            if not largest > tolerance:
                continue
            along = self.along([w / largest / size for w, size in zip(way, sizes, strict=True)])
            claimed = [g * step for g, step in zip(gradient, along.direction, strict=True)]
            slack = tolerance * (sum(map(abs, claimed)) + abs(along.high))
            if sum(claimed) > along.high + slack:
                return along if self._is_confirmed(along) else None
            corner = [h / size for h, size in zip(along.highest, sizes, strict=True)]
            if not mean.takes(corner) and turn >= len(first):
                return None
        return None

    def along(self, direction: Sequence[float]) -> Along:
        """The range of slopes along a direction."""
        ends: Ends = [(0.0, 0.0)] * len(self.run.values)
        sources = dict[tuple[int, int], Parts]()
        for leaf, step in zip(self.leaves, direction, strict=True):
            ends[leaf] = step, step
        roots = self._slopes_of_roots(direction) if self._roots else {}
        for node, rule in self._rules.items():
            if rule is None and node not in roots:
                ends[node] = -math.inf, math.inf
                continue
            low, high = roots[node] if rule is None else rule(ends)
            sources[node, LOW], sources[node, HIGH] = low, high
            (least, down), (most, up) = _sum(low, ends), _sum(high, ends)
            ends[node] = least - down, most + up
        low, high = ends[self.output]
        if not math.isfinite(high - low):
            raise UnboundedError
        return Along([*direction], low, high, self._gradient(sources))

    def _gradient(self, sources: dict[tuple[int, int], Parts]) -> list[float]:
        """The gradient of the upper end of the output's range, in reverse."""
        gradients = {(self.output, HIGH): 1.0}
        for key in sorted(sources, reverse=True):
            gradient = gradients.get(key)
            if gradient:
                for node, end, factor in sources[key]:
                    gradients[node, end] = gradients.get((node, end), 0.0) + gradient * factor
        return [
            gradients.get((leaf, LOW), 0.0) + gradients.get((leaf, HIGH), 0.0)
            for leaf in self.leaves
        ]

    # ---------------------------------------------------------------- the rules of the gates

    def _find_rules(self) -> None:
        graph = self.point.graph
        touched = self._touched()
        if any(graph.gates[node].table is not BUILT_IN for node in touched):
            raise UnboundedError  # of other people's gates only some kinks may be known
        slopes = local_gradients(self.run, touched)
        tied, steep = set(self._tied()), set(self._steep(touched))
        moving = {*self.leaves, *touched}
        for node in touched:
            operands = [k for k in graph.operands[node] if k in moving]
            local = [
                (k, slope)
                for k, slope in zip(graph.operands[node], slopes[node], strict=False)
                if k in moving and slope is not None
            ]
            if self._kinked.intersection(operands):
                self._kinked.add(node)
            is_steep = node in steep or not all(is_finite(slope) for _, slope in local)
            self._rules[node] = self._rule(node, operands, local, node in tied, is_steep)

    def _touched(self) -> list[int]:
        """The gates between the leaves and the output, in order."""
        graph, touched = self.point.graph, {*self.leaves}
        reaches = graph.reaches(self.output)
        for node in range(self.output + 1):
            if reaches[node] and not touched.isdisjoint(graph.operands[node]):
                touched.add(node)
        return sorted(touched.difference(self.leaves))

    def _rule(
        self, node: int, operands: list[int], local: list[tuple[int, Any]], is_tied: bool,
        is_steep: bool,
    ) -> Rule | None:  # fmt: skip
        gate = self.point.graph.gates[node]
        nodes = self.point.graph.operands[node]
        if gate.name == "where":
            if is_tied or nodes[0] in self._jumping:
                self._kinked.add(node)
                return _one_of(nodes[1:])
            taken = nodes[1] if self.run.values[nodes[0]] else nodes[2]
            return _weighted([(taken, 1.0, 1.0)])
        if not (is_tied or is_steep):
            return _weighted([(k, s, s) for k, s in ((k, to_float(s)) for k, s in local)])
        is_smooth = not self._kinked.intersection(operands)
        self._kinked.add(node)
        if gate.jump or gate.name in ("atan2", "winner"):
            self._jumping.add(node)
            return None
        if gate.name in ("max", "min"):
            return _one_of(self._winners(node))
        if gate.name == "hypot" and is_tied:
            return _length(operands)
        if not is_steep:
            return _weighted([(k, *self._sides(node, k)) for k in dict.fromkeys(operands)])
        if is_smooth and len({*operands}) == 1:
            self._roots.add(node)
        return None

    def _tied(self) -> Iterator[int]:
        """The gates that stand at their kink or jump, for all that these digits tell."""
        bounds = Bounds(self.point.bounded(DIGITS))
        for node, distance, error in edges(self.run, bounds, self.run.machine.arithmetic):
            if node <= self.output and not abs(distance) > EDGE * error:
                yield node

    def _steep(self, nodes: list[int]) -> Iterator[int]:
        """The gates that stand where their slope may be infinite."""
        graph, arithmetic = self.point.graph, self.run.machine.arithmetic
        errors = [x.error for x in self.point.bounded(DIGITS).values]
        for node in nodes:
            gate, operands = graph.gates[node], graph.operands[node]
            if gate.is_variadic or all(text == "inf" or text.isdigit() for text in gate.radius):
                continue
            xs = [self.run.values[k] for k in operands]
            numbers = as_rounded(gate, xs, [errors[k] for k in operands])
            for k, text in zip(operands, gate.radius, strict=True):
                if text != "inf" and not text.isdigit() and graph.active[k]:
                    radius = arithmetic.text_function(gate, text)(
                        *numbers, out=self.run.values[node]
                    )
                    if not radius > errors[k]:
                        yield node

    def _winners(self, node: int) -> list[int]:
        """The operands of max and min that are not behind, for all that these digits tell."""
        values = self.point.bounded(DIGITS).values
        best = values[node]
        return [
            k for k in self.point.graph.operands[node]
            if not abs(values[k].value - best.value) > EDGE * (values[k].error + best.error)
        ]  # fmt: skip

    def _sides(self, node: int, operand: int) -> tuple[float, float]:
        """The slopes of a gate at its kink, from the left and from the right, from values."""
        values, operands = self.run.values.copy(), self.point.graph.operands[node]
        forward = self.run.machine.forwards[node]
        assert forward is not None
        here, out = values[operand], values[node]
        step = (abs(here) or here + 1.0) * self.run.machine.arithmetic.number(STEP)
        slopes = []
        for h in (-step, step):
            values[operand] = here + h
            slope = (forward(values, operands) - out) / h
            if is_finite(slope):
                slopes.append(to_float(slope))
        if not slopes:
            raise UnboundedError
        return slopes[0], slopes[-1]

    # ---------------------------------------------------------------- by values

    def _moved(self, direction: Sequence[float], step: float) -> Run:
        """A run a step away."""
        values, arithmetic = [*self.point.inputs], self.run.machine.arithmetic
        inputs: list[Any] = [arithmetic.number(x) for x in values]
        for k, leaf in enumerate(self.point.graph.inputs.values()):
            if leaf in self.leaves:
                inputs[k] += direction[self.leaves.index(leaf)] * arithmetic.number(step)
        return self.run.machine.run(inputs, self.output + 1)

    def _slopes_of_roots(self, direction: Sequence[float]) -> dict[int, tuple[Parts, Parts]]:
        """The ends of the ranges of the roots of what is smooth and 0, at most a norm each."""
        near, nearer = self._moved(direction, STEP), self._moved(direction, STEP * FINER)
        slopes = dict[int, tuple[Parts, Parts]]()
        for node in self._roots:
            slope = self._quotient(near, node, STEP)
            if not agree(slope, self._quotient(nearer, node, STEP * FINER), STEADY, 0.0):
                raise UnboundedError
            slopes[node] = [], []
            if not slope:
                continue
            sweep(near, {node: self.run.machine.arithmetic.number(math.copysign(1.0, slope))})
            parts = [(leaf, to_float(near.gradients[leaf])) for leaf in self.leaves]
            slopes[node] = [(k, LOW, -g) for k, g in parts], [(k, HIGH, g) for k, g in parts]
        return slopes

    def _quotient(self, there: Run, node: int, step: float) -> float:
        change = there.values[node] - self.run.values[node]
        return to_float(change / self.run.machine.arithmetic.number(step))

    def _is_confirmed(self, along: Along) -> bool:
        """Whether the slopes from values, at the point itself, are in the range of a direction."""
        room = STEADY * max(abs(along.low), abs(along.high))
        for step in (STEP, -STEP):
            slope = self._quotient(self._moved(along.direction, step), self.output, step)
            if not along.low - room <= slope <= along.high + room:
                return False
        return True


def _weighted(slopes: list[tuple[int, float, float]]) -> Rule:
    """A sum of operands, each times any number between two."""

    def rule(ends: Ends) -> tuple[Parts, Parts]:
        low: Parts = []
        high: Parts = []
        for k, left, right in slopes:
            corners = [(s * x, (k, end, s)) for end, x in enumerate(ends[k]) for s in (left, right)]
            low.append(min(corners)[1])
            high.append(max(corners)[1])
        return low, high

    return rule


def _one_of(nodes: Sequence[int]) -> Rule:
    """Any mean of some operands."""

    def rule(ends: Ends) -> tuple[Parts, Parts]:
        least = min(nodes, key=lambda k: ends[k][LOW])
        most = max(nodes, key=lambda k: ends[k][HIGH])
        return [(least, LOW, 1.0)], [(most, HIGH, 1.0)]

    return rule


def _length(nodes: Sequence[int]) -> Rule:
    """The operands times the parts of any vector of length 1."""

    def rule(ends: Ends) -> tuple[Parts, Parts]:
        largest = [max((abs(x), k, end) for end, x in enumerate(ends[k])) for k in nodes]
        length = math.hypot(*[size for size, _, _ in largest])
        if not length:
            return [], []
        high = [(k, end, ends[k][end] / length) for _, k, end in largest]
        return [(k, end, -factor) for k, end, factor in high], high

    return rule


def _sum(parts: Parts, ends: Ends) -> tuple[float, float]:
    """The sum of some parts, and what rounding may have made of it."""
    total = size = 0.0
    for node, end, factor in parts:
        term = factor * ends[node][end]
        if not term and factor and ends[node][end]:
            raise UnboundedError  # it is below float64
        total += term
        size += abs(term)
    if not math.isfinite(size):
        raise UnboundedError
    return total, ROUNDING * size
