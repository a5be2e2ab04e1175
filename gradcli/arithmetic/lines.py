"""A straight line of gates as one Python function on local names, for many single points.

For `x*y + x` and its gradients

    def made(xs):
        x0, x1, = xs
        t2 = (x0 * x1)
        t3 = (t2 + x0)
        t4 = (x1 + 1.0)
        return t3, [t4, x0]

A gate is some 100 ns there, a quarter of what the loop over lists takes. The gates are those of
FLOATS, which may fault; a branch that is not taken is computed as well, and may fault, too.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from gradcli.arithmetic.arithmetic import Arithmetic
from gradcli.arithmetic.compiler import INFIX
from gradcli.graph.nodes import Graph

MOST_NODES = 20_000  # of a function: Python compiles it in some 15 us a node
TRUTHS = ("lt", "le", "gt", "ge", "eq", "ne")

PointFunction = Callable[[Sequence[float]], tuple[float, list[float]]]


def point_function(
    arithmetic: Arithmetic, graph: Graph, outputs: Sequence[int], order: Sequence[str]
) -> PointFunction:
    """The function of the inputs, in some `order`: the first output, and a list of the others.

    It raises what the gates of the arithmetic raise.
    """
    writer = _Lines(graph)
    reached = graph.reaches(*outputs)
    names = [f"x{k}" for k in range(len(order))]
    for name, place in zip(order, names, strict=True):
        if name in graph.inputs:
            writer.texts[graph.inputs[name]] = place
    body = [f"{', '.join(names)}, = xs"] if names else []
    body += [writer.line(node) for node in graph.gate_nodes() if reached[node]]
    value, *slopes = map(writer.result, outputs)
    body.append(f"return {value}, [{', '.join(slopes)}]")
    source = "\n    ".join(["def made(xs):", *body])
    function: PointFunction = arithmetic.built(graph.table, source, writer.called)
    return function


class _Lines:
    """Writes nodes as assignments, and keeps the functions they call."""

    def __init__(self, graph: Graph) -> None:
        self.graph = graph
        self.called: set[str] = set()
        self.texts = {node: repr(x) for node, x in graph.constants.items()}

    def line(self, node: int) -> str:
        """The assignment of a gate."""
        gate = self.graph.gates[node]
        xs = [self.texts[k] for k in self.graph.operands[node]]
        self.texts[node] = f"t{node}"
        return f"t{node} = {self._expression(gate.name, xs)}"

    def result(self, node: int) -> str:
        """An output, as a float."""
        text = self.texts[node]
        return f"float({text})" if self.graph.gates[node].name in TRUTHS else text

    def _expression(self, name: str, xs: list[str]) -> str:
        if name == "pow" and xs[1] == "2.0":
            return f"{xs[0]} * {xs[0]}"
        if name in ("max", "min") and len(xs) == 2:
            x, y = xs
            return f"{y} if {y} {'>' if name == 'max' else '<'} {x} or {y} != {y} else {x}"
        if name == "winner":
            out, *rest = xs
            arms = [f"{k}.0 if {x} == {out} or {x} != {x} else " for k, x in enumerate(rest)]
            return f"{''.join(arms)}-1.0"
        if name in INFIX:
            return INFIX[name].format(*xs)
        self.called.add(name)
        joined = ", ".join(xs)
        return f"{name}([{joined}])" if self.graph.table[name].is_variadic else f"{name}({joined})"
