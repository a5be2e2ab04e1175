"""Well-formed graphs: the promises that lowering and every transform keep.

lists      = as long as each other; tables name nodes that exist
leaf       = an active input of the table of inputs, or a constant with its value and no name
gate       = a row of the graph's table, with as many operands as the row has, all of them earlier
active     = one of the operands is
shape      = what the row's rule makes of those of the operands
look-up    = what equal nodes and constants are looked for by leads to such nodes
"""

from __future__ import annotations

from collections.abc import Iterator

from gradcli.errors import ShapeError
from gradcli.gates.row import CONSTANT, INPUT
from gradcli.graph.nodes import Graph


def faults(graph: Graph) -> list[str]:
    """The promises that a graph breaks, in words; tests expect none after any transform."""
    size = len(graph.gates)
    if not size == len(graph.operands) == len(graph.active) == len(graph.tokens):
        return ["the lists have different lengths"]
    tables = (graph.names, graph.spoken, graph.constants, graph.shapes)
    if any(not 0 <= node < size for table in tables for node in table):
        return ["a table names a node that does not exist"]
    return [
        *_of_tables(graph),
        *(
            f"node {node}, {gate.name}: {fault}"
            for node, gate in enumerate(graph.gates)
            for fault in (_of_leaf if gate in (INPUT, CONSTANT) else _of_gate)(graph, node)
        ),
    ]


def _of_tables(graph: Graph) -> Iterator[str]:
    for name, node in graph.inputs.items():
        if graph.gates[node] is not INPUT or graph.names.get(node) != name:
            yield f"the input `{name}` is another node"
    if len(set(graph.names.values())) < len(graph.names):
        yield "two nodes have one name"
    if graph.shapes and not graph.has_arrays:
        yield "there are arrays, and `has_arrays` denies it"
    for (gate, operands), node in graph.anonymous.items():
        if graph.gates[node] is not gate or graph.operands[node] != operands:
            yield f"equal nodes are looked for at node {node}, which is another gate"
    for node in (*graph.interned.values(), *graph.streams):
        if node not in graph.constants:
            yield f"a constant is looked for at node {node}, which is none"


def _of_leaf(graph: Graph, node: int) -> Iterator[str]:
    is_constant = graph.gates[node] is CONSTANT
    if graph.operands[node]:
        yield "a leaf has operands"
    if graph.active[node] == is_constant:
        yield "inputs are active, constants are not"
    if is_constant != (node in graph.constants):
        yield "constants have values, inputs have none"
    if is_constant and node in graph.names:
        yield "a constant has a name"
    if not is_constant and graph.inputs.get(graph.names.get(node, "")) != node:
        yield "an input that is not in the table of inputs"
    if is_constant and graph.shape(node) != getattr(graph.constants.get(node), "shape", ()):
        yield "the shape is not that of the value"


def _of_gate(graph: Graph, node: int) -> Iterator[str]:
    gate, operands = graph.gates[node], graph.operands[node]
    if graph.table.rows.get(gate.name) is not gate:
        yield "no row of the graph's table"
    if node in graph.constants:
        yield "a gate has the value of a constant"
    if not all(0 <= k < node for k in operands):
        yield "an operand is no earlier node"
        return
    if len(operands) != len(gate.operands) and not (gate.is_variadic and operands):
        yield f"{len(operands)} operands, the row has {len(gate.operands)}"
        return
    if graph.active[node] != max(graph.active[k] for k in operands):
        yield "active, or not, against its operands"
    try:
        shape = gate.shape(*map(graph.look, operands))
    except ShapeError as error:
        yield error.message
    else:
        if shape != graph.shape(node):
            yield f"shape {graph.shape(node)}, the rule makes {shape}"
