"""The branches that a point takes: near it nothing comes of the others.

A condition that no rounding and no kink or jump below it can turn stays as it is within any step
that is short enough. What only the other branch is computed from need not be computed there: it
may take a hundred times as long, have no value, or stand at a kink that is none of the output's.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Sequence

from gradcli.arithmetic.bounds.bounded import Bounded
from gradcli.arithmetic.bounds.numbers import FLOAT_BOUNDS
from gradcli.arithmetic.floats import IEEE
from gradcli.engine import Machine, Run
from gradcli.evaluation.numbers import EDGE, Bounds, edges
from gradcli.gates.row import CONSTANT
from gradcli.graph.nodes import Graph


def with_branches_taken(graph: Graph, inputs: Sequence[float], output: int) -> Graph:
    """The graph of numbers with 0 for what only the branches not taken are computed from.

    Its nodes have the same numbers; the graph itself where all of it is needed.
    """
    if not any(gate.name == "where" for gate in graph.gates):
        return graph
    run = Machine(graph, FLOAT_BOUNDS).run([FLOAT_BOUNDS.number(x) for x in inputs])
    live = _live(graph, run, output)
    idle = [node for node in range(output) if graph.operands[node] and node not in live]
    if not idle:
        return graph
    taken, _ = graph.part([*range(len(graph))])
    for node in idle:
        taken.gates[node], taken.operands[node], taken.active[node] = CONSTANT, (), 0
        taken.constants[node] = 0.0
        taken.names.pop(node, None)
    return taken


def _live(graph: Graph, run: Run, output: int) -> set[int]:
    """The nodes that the output depends on near a point."""
    plain = Run(run.machine, [x.value for x in run.values])
    edged = {
        node for node, distance, error in edges(plain, Bounds(run), IEEE)
        if not abs(distance) > EDGE * error
    }  # fmt: skip
    may_turn, values = _may_turn(graph, run, edged), plain.values
    live = {output}
    for node in range(output, -1, -1):
        if node in live:
            operands = graph.operands[node]
            is_choice = graph.gates[node].name == "where" and node not in edged
            if is_choice and not may_turn[operands[0]]:
                operands = operands[0], operands[1] if values[operands[0]] else operands[2]
            live.update(operands)
    return live


def _may_turn(graph: Graph, run: Run, edged: Collection[int]) -> bytearray:
    """1 for every node whose value a short step may change by more than a little.

    A gate at its kink or jump, or without a finite value, and all that is computed from it.
    """
    may_turn, values = bytearray(len(graph)), run.values
    for node, operands in enumerate(graph.operands):
        name, xs = graph.gates[node].name, [values[k] for k in operands]
        is_known = values[node].error < math.inf
        is_power_of_0 = name == "pow" and not xs[0].value
        is_own = node in edged or is_power_of_0 or not is_known or is_torn(name, xs, values[node])
        may_turn[node] = is_own or any([may_turn[k] for k in operands])  # noqa: C419  # quicker
    return may_turn


def is_torn(name: str, operands: Sequence[Bounded], out: Bounded) -> bool:
    """Whether a gate stands at a pole, on the cut of atan2, or is a power 0**0."""
    is_zero = [abs(x.value) <= x.error for x in operands]
    if name == "atan2":
        return is_zero[0] and bool(operands[1].value <= operands[1].error)
    return bool(out.value - out.value != 0) or (name == "pow" and all(is_zero))
