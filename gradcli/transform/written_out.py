"""Gates of the user's own, written out: what they compute, in gates of the table.

Their own backward part is left behind, so that the gradients of the new program are derived. What
the program says of gradients, its lines and claims, stays.
"""

from __future__ import annotations

from gradcli.arithmetic.symbols import Symbol, Symbols
from gradcli.errors import UsageError
from gradcli.gates.row import CONSTANT, INPUT
from gradcli.graph.lowering import Value
from gradcli.graph.nodes import Graph
from gradcli.program.model import Program, ValueClaim


def written_out(program: Program) -> Program:
    """The program without gates of the user's own. Raises UsageError for one that only runs."""
    old = program.graph
    symbols = Symbols(Graph(old.table))
    new = symbols.graph
    moved: dict[int, int] = {}
    ends: list[int] = []  # by node, of what it has become
    for node, (gate, operands) in enumerate(zip(old.gates, old.operands, strict=True)):
        token, first = old.tokens[node], len(new)
        if gate is INPUT:
            moved[node] = new.input(old.names[node], token, old.shape(node))
        elif gate is CONSTANT:
            moved[node] = new.fixed(old.constants[node])
        elif gate.own is None:
            moved[node] = new.add(gate, tuple([moved[k] for k in operands]), token)
        else:
            if gate.code is not None:
                raise UsageError(f"`{gate.name}` runs and is not read: it has no formula",
                                 hint="its code is in the file that --gates names")  # fmt: skip
            function = symbols.text_function(gate, gate.forward)
            value = function(*[Symbol(symbols, moved[k]) for k in operands])
            moved[node] = new.own(value.node, first, token)
            for made in range(first, len(new)):
                new.tokens[made] = token
        if node in old.names and gate is not INPUT:
            new.names[moved[node]] = old.names[node]
        ends.append(len(new))
    new.has_arrays = bool(new.shapes) or any(gate.is_structural for gate in new.gates)
    upstream = None if program.upstream is None else moved[program.upstream]

    def table(values: dict[str, Value]) -> dict[str, Value]:
        return {name: moved_value(value) for name, value in values.items()}

    def moved_value(value: Value) -> Value:
        return [*map(moved_value, value)] if isinstance(value, list) else moved[value]

    return program._replace(
        graph=new, output=moved[program.output], forward_nodes=ends[program.forward_nodes - 1],
        aside={
            new_node for node in program.aside
            for new_node in range(ends[node - 1] if node else 0, ends[node])
        },
        inputs=table(program.inputs), stages=table(program.stages), claims=table(program.claims),
        lines=[line.moved(moved_value) for line in program.lines],
        value_claims=[
            ValueClaim(claim.name, moved[claim.stage], moved[claim.claimed], claim.token)
            for claim in program.value_claims
        ],
        upstream=upstream,
    )  # fmt: skip
