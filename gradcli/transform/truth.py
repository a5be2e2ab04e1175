"""True gradients as nodes of the graph itself, where lines of it need what others do not give."""

from __future__ import annotations

from collections.abc import Callable

from gradcli.engine import Machine, Run, backward
from gradcli.graph.nodes import Graph


def true_gradients(graph: Graph, output: int, upstream: int) -> Callable[[int], int]:
    """The gradient of the output by a node, as a node that is added to the graph.

    `upstream` is the node of the output's own gradient.
    """
    from gradcli.arithmetic.symbols import Symbol, Symbols  # late: few lines do not fit

    before, moved = graph.part(graph.ancestors([output]))
    symbols = Symbols(graph)
    machine = Machine(before, symbols)
    values: list[Symbol] = [symbols.zero] * len(before)
    for node, place in moved.items():
        values[place] = Symbol(symbols, node)
    run = Run(machine, values)
    backward(run, moved[output], Symbol(symbols, upstream))

    def gradient(node: int) -> int:
        own: int = (run.gradients[moved[node]] if node in moved else symbols.zero).node
        if graph.shape(own) == graph.shape(node):
            return own
        return graph.node(graph.table["fill"], (own, graph.static(graph.shape(node))))

    return gradient
