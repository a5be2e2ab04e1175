"""Formulas that may stand in one place, evaluated at several points.

All are lowered into one graph, once for all points, and no machine is bound: most of them are
looked at once, at one point, and rejected. What a formula has in common with those that are kept
is computed once at each point.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from gradcli.arithmetic.arithmetic import Arithmetic
from gradcli.arithmetic.floats import IEEE
from gradcli.backward.amounts import flat
from gradcli.errors import GradcliError
from gradcli.gates.row import GateTable
from gradcli.graph.lowering import Lowering
from gradcli.graph.nodes import Graph
from gradcli.requests import MOST_ELEMENTS
from gradcli.syntax import Tree
from gradcli.syntax.tokens import Source

NOWHERE = Source("", "<formula>")  # errors are not shown: their places need not be looked for
Meaning = Any  # what a name stands for, in the caller's terms


class _Wordless(Graph):
    """A graph whose errors nobody reads: most formulas have one, and its words take long."""

    def called(self, node: int) -> str:  # noqa: ARG002 the words of every operand
        """No words for an operand."""
        return ""


class Formulas:
    """Trees lowered into one graph; `look` tells what a meaning is at a point.

    It gives a number, nested lists of numbers, or an array; points are counted from 0.
    """

    def __init__(self, look: Callable[[Meaning, int], Any], table: GateTable) -> None:
        self.graph = _Wordless(table)
        self._look = look
        self._meanings: dict[int, Meaning] = {}  # of the inputs
        self._sizes: dict[str, float] = {}  # inputs that are known numbers
        self._kept = 0  # nodes before this one keep their values
        self._values: dict[tuple[int, str], dict[int, Any]] = {}  # by point and arithmetic

    def keep(self) -> None:
        """Keep the values of what has been lowered so far, for the formulas that come."""
        self._kept = len(self.graph)

    def lowered(
        self, tree: Tree, meaning: Callable[[str], Meaning],
        sizes: Mapping[str, float], nodes: Mapping[str, int] | None = None,
    ) -> int | None:  # fmt: skip
        """The node of a formula; None if it has no value, as where shapes do not fit.

        `sizes` are names that are known numbers, `nodes` names that stand for other formulas.
        """
        graph = self.graph
        graph.most_elements = graph.elements + MOST_ELEMENTS  # a limit for each formula
        lowering = Lowering(graph, NOWHERE, number_of=lambda at: self._sizes.get(at, "no size"))
        try:
            node: int = lowering.value(
                tree, nodes or {}, lambda name, _: self._leaf(name, meaning(name), sizes)
            )
        except GradcliError:
            return None
        return node

    def _leaf(self, name: str, meaning: Meaning, sizes: Mapping[str, float]) -> int:
        called = f"{name} {meaning}"  # a name may mean two things, in two lines
        node = self.graph.inputs.get(called)
        if node is None:
            node = self.graph.input(called, shape=_shape_of(self._look(meaning, 0)))
            self._meanings[node] = meaning
            if name in sizes:
                self._sizes[called] = sizes[name]
        return node

    def numbers(self, node: int, point: int) -> list[float]:
        """The numbers of a formula at a point."""
        order = self.graph.ancestors([node])
        gates, shapes = self.graph.gates, self.graph.shapes
        arithmetic: Arithmetic = IEEE
        if any(n in shapes or gates[n].pullback for n in order):
            from gradcli.arithmetic.arrays import ARRAYS  # late: numbers do not need numpy

            arithmetic = ARRAYS
        values = self._values.setdefault((point, arithmetic.name), {})
        with arithmetic.quiet():
            for n in order:
                if n not in values:
                    values[n] = self._value(n, values, point, arithmetic)
        result = flat(values[node])
        for n in order:
            if n >= self._kept:
                del values[n]
        return result

    def _value(self, node: int, values: dict[int, Any], point: int, arithmetic: Arithmetic) -> Any:
        graph = self.graph
        if node in graph.constants:
            constant = graph.constants[node]
            is_number = isinstance(constant, float)
            return arithmetic.number(constant) if is_number else arithmetic.static(constant)
        if node in self._meanings:
            value = self._look(self._meanings[node], point)
            if arithmetic is IEEE:
                return float(value)
            import numpy as np  # late: numbers do not need it

            return np.asarray(value, dtype=float)[()]
        operands = graph.operands[node]
        return arithmetic.forward(graph.gates[node], len(operands))(values, operands)


def _shape_of(value: Any) -> tuple[int, ...]:
    """The shape of a number, nested lists, or an array."""
    if isinstance(value, list):
        return (len(value), *_shape_of(value[0])) if value else (0,)
    return getattr(value, "shape", ())
