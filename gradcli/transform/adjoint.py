"""The adjoint graph: value and gradients of a graph, as a graph of their own.

It is what the backward pass of `engine` leaves behind when it runs on symbols. Being a graph, it
can be evaluated in any arithmetic, bounded, printed, and differentiated again.
"""

from __future__ import annotations

from typing import NamedTuple

from gradcli.arithmetic.symbols import Symbols
from gradcli.engine import Machine, backward
from gradcli.graph.nodes import Graph


class Adjoint(NamedTuple):
    """A graph with several outputs: the value, and the derivative by each input."""

    graph: Graph
    value: int
    gradients: dict[str, int]


def adjoint(graph: Graph, output: int) -> Adjoint:
    """Differentiate a graph into a graph over the same inputs.

    Linear in the number of gates. The gradients of inputs the output does not depend on are the
    constant 0.
    """
    symbols = Symbols(Graph(graph.table))
    inputs = [symbols.input(name, graph.shape(node)) for name, node in graph.inputs.items()]
    run = Machine(graph, symbols).run(inputs)
    backward(run, output, symbols.symbol(1.0))
    value = run.values[output].node
    gradients = {name: run.gradients[leaf].node for name, leaf in graph.inputs.items()}
    smaller, moved = symbols.graph.pruned([value, *gradients.values()])
    return Adjoint(smaller, moved[value], {name: moved[node] for name, node in gradients.items()})
