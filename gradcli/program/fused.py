"""A program with written-out forms as one gate."""

from __future__ import annotations

from gradcli.lowering import Value
from gradcli.program.model import Program, ValueClaim, nodes_of


def fused_program(program: Program) -> Program:
    """The program with written-out forms as one gate, without the nodes that are left behind."""
    from gradcli.fusing import fused  # late: few programs are fused

    kept = [program.output, *program.parts, *nodes_of([*program.claims.values()])]
    for line in program.lines:
        kept += nodes_of([line.value, line.total, *(value for _, _, value in line.reads.values())])
    kept += [claim.claimed for claim in program.value_claims]
    kept += [] if program.upstream is None else [program.upstream]
    better = fused(program.graph, kept)
    at = better.moved
    graph, left = better.graph.pruned([at[node] for node in kept])
    moved = {node: left[new] for node, new in at.items() if new in left}
    last = max((new for node, new in moved.items() if node < program.forward_nodes), default=-1)

    def table(values: dict[str, Value]) -> dict[str, Value]:
        return {name: _moved(value, moved) for name, value in values.items()}

    for line in program.lines:
        line.value, line.total = _moved(line.value, moved), _moved(line.total, moved)
        line.reads = {n: (kind, of, _moved(v, moved)) for n, (kind, of, v) in line.reads.items()}
    return program._replace(
        graph=graph,
        output=moved[program.output],
        forward_nodes=last + 1,
        aside={moved[node] for node in program.aside if node in moved},
        inputs=table(program.inputs),
        stages=table(program.stages),
        claims=table(program.claims),
        value_claims=[
            ValueClaim(claim.name, moved[claim.stage], moved[claim.claimed], claim.token)
            for claim in program.value_claims
        ],
        upstream=None if program.upstream is None else moved[program.upstream],
        parts=tuple([moved[node] for node in program.parts]),
        called={},
    )


def _moved(value: Value, moved: dict[int, int]) -> Value:
    return [_moved(part, moved) for part in value] if isinstance(value, list) else moved[value]
