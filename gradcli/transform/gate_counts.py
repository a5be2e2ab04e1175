"""How many gates of numbers the gates of a graph stand for, told from their shapes alone."""

from __future__ import annotations

from collections.abc import Iterator
from math import prod

from gradcli.graph.nodes import Graph

# Gates of matrices and rows are as many gates of numbers for each element as a power of a row's
# length. Inverses by traces count for more than they are: with 8 rows and more they cancel so far
# that arrays with bounds tell more in less time.
ROWS_OF_GATES = {"inv": 3, "det": 3, "logdet": 3, "solve": 3, "sort": 1, "cholesky": 1}


def gate_count(graph: Graph) -> int:
    """About how many gates the circuit has."""
    return sum(size for _, size in gate_sizes(graph))


def gate_sizes(graph: Graph) -> Iterator[tuple[str, int]]:
    """Every gate of a graph, and about how many gates of the circuit it is."""
    if not graph.shapes:  # a number that is read is as much work as one that is computed
        yield from ((gate.name, 1) for gate in graph.gates)
        return
    for node, operands in enumerate(graph.operands):
        if operands:
            shapes = [graph.shape(k) for k in operands]
            name = graph.gates[node].name
            size = max(prod(graph.shape(node)), *map(prod, shapes))
            if name == "matmul":
                size = 2 * prod(graph.shape(node)) * shapes[0][-1]
            if name == "others":
                size *= size  # each factor is left out of a product of its own
            if name in ROWS_OF_GATES:
                size *= shapes[0][-1] ** ROWS_OF_GATES[name]
            is_composed = name in ("var", "std", "softmax", "log_softmax", "linspace")
            yield name, 3 * size if is_composed else size
