"""A gate that was read, as texts of the gate table: a line for each node of its graph.

    MulNotSwitched of two numbers:  t1 = copy(x); t2 = copy(y); mul(t1, t2)

What is no number in it, such as an axis, and arrays that the code knows are further operands.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from gradcli.gates.row import INPUT
from gradcli.graph.nodes import Graph

LONGEST = 4_000  # nodes of one text


class TextWriter:
    """Writes nodes of a graph as texts; `names` are those of its inputs."""

    def __init__(self, graph: Graph, names: Mapping[int, str], known: Mapping[int, Any]) -> None:
        self.graph = graph
        self.names = dict(names)
        self.known = known  # the values of other inputs
        self.further: dict[int, str] = {}  # nodes that are operands of their own

    def text(self, node: int) -> str:
        """The text that gives a node its value; the further operands it needs are noted."""
        graph = self.graph
        lines = []
        called: dict[int, str] = {}
        for k in graph.ancestors([node]):
            gate, operands = graph.gates[k], graph.operands[k]
            if not operands:
                called[k] = self._leaf(k)
                continue
            call = f"{gate.name}({', '.join(called[j] for j in operands)})"
            called[k] = f"t{k}"
            lines.append(f"t{k} = {call}")
        if node not in called or not graph.operands[node]:
            return f"copy({called[node]})"
        lines[-1] = lines[-1].partition(" = ")[2]
        return "; ".join(lines)

    def _leaf(self, node: int) -> str:
        """The name or the number of a leaf."""
        if node in self.names:
            return self.names[node]
        value = self.graph.constants.get(node)
        if self.graph.gates[node] is not INPUT and isinstance(value, float):
            return _number(value)
        return self.further.setdefault(node, f"k{node}")

    def values(self) -> list[Any]:
        """The values of the further operands, in their order."""
        constants = self.graph.constants
        return [
            self.known[node] if node in self.known else constants[node] for node in self.further
        ]


def _number(value: float) -> str:
    """A number as the language writes it."""
    if math.isnan(value):
        return "nan"
    text = "inf" if math.isinf(value) else repr(abs(value))
    return f"neg({text})" if math.copysign(1.0, value) < 0 else text
