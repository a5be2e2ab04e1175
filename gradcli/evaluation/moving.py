"""One leaf of a point moved in many digits: the output there, with a bound on its error.

A cone of gates is evaluated again and again. What comes back is how much the output has changed,
how much of that may be rounding, and by how far a step has left what the gates do near the point.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from functools import cached_property
from itertools import product
from typing import Any, NamedTuple

from gradcli.arithmetic.bounds.bounded import Bounded, Bounds
from gradcli.arithmetic.work import pass_price, spend
from gradcli.evaluation.branches import is_torn
from gradcli.evaluation.in_digits import InDigits
from gradcli.evaluation.numbers import as_rounded

STAIRS = ("floor", "ceil", "round")  # which may be as far from an edge beyond many others
JUMPING = ("where", "atan2")  # besides the gates with a `jump`, those at a pole and powers of 0


class Change(NamedTuple):
    """How much the output changes over a step: nan with the error 0 outside the domain."""

    size: Any
    error: Any


class Moving:
    """A point in `count` digits, of which one leaf moves; `gates` is the leaf's cone."""

    def __init__(self, point: InDigits, leaf: int, gates: list[int], count: int) -> None:
        self.run = point.bounded(count)
        self.leaf = leaf
        self.gates = gates
        self.output = point.output
        self.graph = point.graph
        rules = self.run.machine.arithmetic
        assert isinstance(rules, Bounds)
        self.rules = rules
        self._values: list[Any] = self.run.values.copy()
        self._price = pass_price(len(gates), count)

    @property
    def x(self) -> Any:
        """The leaf's value, in these digits."""
        return self.run.values[self.leaf].value

    @cached_property
    def base(self) -> Bounded:
        """The output where nothing has moved; of 1/(1/0) the value of IEEE 754, by definition."""
        f: Bounded = self.run.values[self.output]
        if f.error == math.inf and is_finite(f.value):
            values = self.run.values
            if not all(is_finite(values[node].value) for node in self.gates):
                return self.rules.pair(f.value)
        return f

    def change(self, h: Any) -> Change:
        """The change of the output over a step; its error is infinite where it is not known.

        It is exactly 0 where nothing that has moved reaches the output.
        """
        here = self.run.values
        self._values = self._reached(here, self.leaf, self.x + h)
        f = self._values[self.output]
        if is_finite(f.value):
            if f is here[self.output]:
                return Change(f.value * 0, 0)
            return Change(f.value - self.base.value, f.error + self.base.error)
        return Change(f.value * 0, 0 if self._is_outside(self._values) else math.inf)

    def _reached(self, here: list[Any], leaf: int, x: Any) -> list[Any]:
        """The values of a run where a leaf is moved; those that it does not reach are the same.

        Nor does it go beyond what exactly stands still, such as a floor.
        """
        spend(self._price)
        values, machine = here.copy(), self.run.machine
        operands, forwards = machine.graph.operands, machine.forwards
        values[leaf] = self.rules.pair(x)
        for node in self.gates:
            if any([values[k] is not here[k] for k in operands[node]]):  # noqa: C419  # quicker
                moved = forwards[node](values, operands[node])  # type: ignore[misc]
                is_still = moved.value == here[node].value and not moved.error
                values[node] = here[node] if is_still and not here[node].error else moved
        return values

    # ---------------------------------------------------------------- outside the domain

    def has_no_value(self) -> bool:
        """Whether the point itself is outside the domain, for certain."""
        return not is_finite(self.base.value) and self._is_outside(self.run.values)

    def _is_outside(self, values: list[Any]) -> bool:
        """Whether the gate that makes the output no number does so anywhere within the errors."""
        node: int | None = self.output
        while node is not None:
            gate, nodes = self.graph.gates[node], self.graph.operands[node]
            if gate.name == "where":
                condition = values[nodes[0]]
                if abs(condition.value) <= condition.error != 0:
                    return False  # rounding may have turned the choice
                nodes = (nodes[0], nodes[1] if condition.value else nodes[2])
            operands = [values[k] for k in nodes]
            node = next((k for k in nodes if not is_finite(values[k].value)), None)
        if gate.is_variadic or not any(x.error for x in operands):
            return True
        evaluate = self.rules.plain.function(gate.name, gate.table)
        corners = product(*map(_ends, operands))
        return not any(is_finite(evaluate(*corner)) for corner in corners)

    # ---------------------------------------------------------------- how far is too far

    @cached_property
    def _ranges(self) -> list[tuple[int, int, Any]]:
        """(gate, operand, how far it may move) of the cone's gates; 0 at a singular place."""
        values, ranges = self.run.values, list[tuple[int, int, Any]]()
        moving = {self.leaf, *self.gates}
        for node in self.gates:
            gate, operands = self.graph.gates[node], self.graph.operands[node]
            texts = gate.radius * len(operands) if gate.is_variadic else gate.radius
            for operand, text in zip(operands, texts, strict=True) if texts else ():
                if text != "inf" and operand in moving:
                    radius = self._read(node, text, values)
                    is_clear = radius > values[operand].error
                    ranges.append((node, operand, radius if is_clear else 0))
        return ranges

    @cached_property
    def _edges(self) -> list[tuple[int, str, Any]]:
        """(gate, distance text, distance) of the gates of branches; 0 where the gate is tied."""
        values, edges, moving = self.run.values, list[tuple[int, str, Any]](), {*self.gates}
        for node in self.gates:
            gate, operands = self.graph.gates[node], self.graph.operands[node]
            is_choice = gate.name == "where" and {*operands[:1]} <= {self.leaf, *moving}
            if text := gate.kink or gate.jump or ("c" if is_choice else ""):
                here = self._read(node, text, values)
                if gate.name in ("max", "min"):  # the winner and the next
                    ranked = sorted(operands, key=lambda k: values[k].value)
                    operands = tuple(ranked[-2:] if gate.name == "max" else ranked[:2])
                error = sum(values[k].error for k in (operands[:1] if is_choice else operands))
                edges.append((node, text, here if abs(here) > error else 0))
        return edges

    def _read(self, node: int, text: str, values: list[Any]) -> Any:
        """The value of a text of a gate, in plain many digits."""
        gate, operands = self.graph.gates[node], [values[k] for k in self.graph.operands[node]]
        numbers = as_rounded(gate, [x.value for x in operands], [x.error for x in operands])
        arguments = [numbers] if gate.is_variadic else numbers
        function = self.rules.plain.text_function(gate, text)
        return self.rules.plain.number(0.0) + function(*arguments, out=values[node].value)

    @property
    def at_border(self) -> list[int]:
        """The gates that stand where a slope may be infinite, as at the border of a domain."""
        return [node for node, _, radius in self._ranges if not radius]

    @property
    def tied(self) -> list[int]:
        """The gates of branches that stand at their edge, for all that these digits tell."""
        return [node for node, _, here in self._edges if not here]

    @property
    def unsure(self) -> list[int]:
        """The gates of branches that are tied for all that these digits tell."""
        values, operands = self.run.values, self.graph.operands
        return [node for node in self.tied if any(values[k].error for k in operands[node])]

    def distances(self, nodes: list[int]) -> list[tuple[Any, Any]]:
        """How far some gates of branches are from their edges, and how large what they take is.

        The distance is 0 where they are tied.
        """
        values, operands = self.run.values, self.graph.operands
        return [(abs(here), max(abs(values[k].value) for k in operands[node]))
                for node, _, here in self._edges if node in nodes]  # fmt: skip

    @property
    def choosing(self) -> list[int]:
        """The gates that stand where they jump from one of their branches to the other."""
        gates = self.graph.gates
        tied = [n for n in self.tied if gates[n].jump or gates[n].name == "where"]
        return [*tied, *filter(self._is_torn, self.gates)]

    def _is_torn(self, node: int) -> bool:
        values = self.run.values
        operands = [values[k] for k in self.graph.operands[node]]
        return is_torn(self.graph.gates[node].name, operands, values[node])

    def excess(self) -> Any:
        """By what factor the last step was too long for the gates it moved; 1 or less is fine.

        A gate at a singular place has no length of its own.
        """
        return max(self._moved(), default=0)

    def _moved(self) -> Iterator[Any]:
        base, values = self.run.values, self._values
        for _, operand, radius in self._ranges:
            if radius:
                yield _part(abs(values[operand].value - base[operand].value), radius)
        for node, text, here in self._edges:
            if here and self.graph.gates[node].name in STAIRS:
                k = self.graph.operands[node][0]
                yield _part(abs(values[k].value - base[k].value), abs(here))
            elif here:
                yield _part(abs(self._read(node, text, values) - here), abs(here))

    def may_jump(self) -> bool:
        """Whether some gate can jump where it stands: all others are continuous where finite."""
        values, operands = self.run.values, self.graph.operands
        tied = {*self.tied}
        return any(
            (node in tied and self.graph.gates[node].jump)
            or self.graph.gates[node].name in JUMPING
            or not is_finite(values[node].value)
            or (self.graph.gates[node].name == "pow" and not values[operands[node][0]].value)
            for node in self.gates
        )


def _ends(x: Bounded) -> tuple[Any, ...]:
    """The ends of what a number may be, and the whole number within: a power may need one."""
    low, high = x.value - x.error, x.value + x.error
    if not (x.error and is_finite(low) and is_finite(high)):
        return low, high
    near = x.value.context.nint(x.value)
    return (low, high, near) if low <= near <= high else (low, high)


def _part(moved: Any, room: Any) -> Any:
    """What part of its room has been used; 0 where either is not finite."""
    return moved / room if is_finite(moved) and is_finite(room) else 0


def is_finite(x: Any) -> bool:
    """Whether a number of any arithmetic is finite: neither inf nor nan."""
    return bool(x - x == 0)
