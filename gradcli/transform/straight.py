"""Value and gradients of a graph as one straight line of elementary gates.

It is what both loops of `engine` leave behind when they run on symbols that look into the texts of
composite gates: sigmoid becomes abs, neg, exp and a quotient, and shares its exponential with its
own local gradient. What computes many points takes its gates one after the other.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import reduce
from typing import Any

from gradcli.arithmetic.arithmetic import Arithmetic, Forward
from gradcli.arithmetic.compiler import CALLS
from gradcli.arithmetic.symbols import Symbol, Symbols
from gradcli.engine import Machine, backward
from gradcli.gates.row import Gate
from gradcli.graph.nodes import Graph
from gradcli.named_tuples import NamedTuple


class StraightLine(NamedTuple):
    """Gates of numbers with several outputs."""

    graph: Graph  # its inputs are those that vary
    outputs: tuple[int, ...]  # the value, and the derivative by each input that was asked for
    edges: dict[int, int]  # gate of the original graph: a node that is 1 where it is at its edge


def straight_line(
    graph: Graph, output: int, fixed: Mapping[str, float], wrt: Sequence[str],
    upstream: int | None = None,
) -> StraightLine:  # fmt: skip
    """Differentiate a graph of numbers by some of its inputs; `fixed` ones are constants.

    `upstream` is the node of the output's own gradient; None is 1. Linear in the number of gates.
    """
    symbols = _Elementary(Graph(graph.table))
    inputs = [
        symbols.symbol(fixed[name]) if name in fixed else symbols.input(name)
        for name in graph.inputs
    ]
    run = Machine(graph, symbols).run(inputs)
    backward(run, output, symbols.symbol(1.0) if upstream is None else run.values[upstream])
    slopes = [run.gradients[graph.inputs[n]] if n in graph.inputs else symbols.zero for n in wrt]
    results = [symbol.node for symbol in (run.values[output], *slopes)]
    edges = _edges(graph, output, run.values, symbols)
    smaller, moved = symbols.graph.pruned([*results, *edges.values()])
    return StraightLine(
        smaller,
        tuple([moved[node] for node in results]),
        {gate: moved[node] for gate, node in edges.items()},
    )


class _Elementary(Symbols):
    """Symbols that look into composite gates: only gates without a text make nodes."""

    def __init__(self, graph: Graph) -> None:
        super().__init__(graph)
        self._spelling = {k: text for k, text in CALLS.items() if k != "product"}  # all guarded
        self._names |= {"lead": self._ahead("max"), "trail": self._ahead("min")}

    def forward(self, gate: Gate, count: int) -> Forward:
        """The gate's text, or a node where it has none."""
        return (Arithmetic if _is_composite(gate) else Symbols).forward(self, gate, count)

    def _made(self, gate: Gate) -> Callable[..., Any]:
        return (Arithmetic if _is_composite(gate) else Symbols)._made(self, gate)

    def apply(self, gate: Gate, operands: list[Symbol]) -> Symbol:
        """The gate's node, or a simpler one of the same bits at every point.

        0 times x is no 0 where x is infinite, and x + 0 has not the sign of x where x is -0.
        """
        zeros = [self.graph.constants.get(symbol.node) == 0 for symbol in operands]
        if (gate.name == "mul" and any(zeros)) or (gate.name == "add" and zeros[1]):
            return Symbol(self, self.graph.node(gate, tuple([x.node for x in operands])))
        return super().apply(gate, operands)

    def named(self, name: str, *operands: Symbol) -> Symbol:
        """The node of a gate by its name."""
        return self.apply(self.graph.table[name], [*operands])

    def _ahead(self, choice: str) -> Callable[..., Symbol]:
        """What is 0 where the winner of a choice is not alone."""

        def ahead(*xs: Symbol) -> Symbol:
            best = self.named(choice, *xs)
            winners = [self.named("eq", x, best) for x in xs]
            several = reduce(lambda a, b: self.named("add", a, b), winners)
            return self.named("lt", several, self.symbol(2.0))

        return ahead


def _is_composite(gate: Gate) -> bool:
    """Whether a gate has a text, and is no operator that texts are made of."""
    return bool(gate.forward) and gate.name not in CALLS


def _edges(graph: Graph, output: int, values: list[Symbol], symbols: _Elementary) -> dict[int, int]:
    """Conditions that hold where a gate has a convention in the place of a slope."""
    reached = graph.reaches(output)
    edges: dict[int, int] = {}
    for node, gate in enumerate(graph.gates):
        text = gate.kink or gate.jump
        if not (text and reached[node] and graph.active[node]):
            continue
        function = symbols.text_function(gate, text)
        operands = [values[k] for k in graph.operands[node]]
        arguments = [operands] if gate.is_variadic else operands
        place = function(*arguments, out=values[node])
        edge = symbols.named("eq", place, symbols.zero).node
        if symbols.graph.active[edge]:  # else it is the same at all points
            edges[node] = edge
    return edges
