"""Where a run left the finite numbers, in words: the gate, its operands, what happened."""

from __future__ import annotations

import math

from gradcli.arithmetic.floats import IEEE
from gradcli.engine import Run, local_gradients
from gradcli.gates import Gate
from gradcli.graph import Graph

MOST_NOTES = 5


def faults(run: Run, output: int, names: dict[int, str]) -> list[str]:
    """Notes for the first gates that gave inf or nan, in a run whose result is not finite.

    Gates in a branch of `where` that was not taken are left alone: nothing of them is in there.
    """
    live = _live(run, output)
    notes = _forward_notes(run, live, names) or _backward_notes(run, live, names)
    if not notes:
        notes = ["a gradient overflows on its way back: a product of local gradients is too large"]
    if len(notes) > MOST_NOTES:
        notes = [*notes[:MOST_NOTES], f"{len(notes) - MOST_NOTES} more gates are not finite"]
    return notes


def _live(run: Run, output: int) -> list[int]:
    """The nodes whose values reach the output, in order; of a `where` only the branch taken."""
    graph, values = run.machine.graph, run.values
    live = {output}
    for node in range(output, -1, -1):
        if node in live:
            operands = graph.operands[node]
            if graph.gates[node].name == "where":
                operands = (operands[0], operands[1] if values[operands[0]] else operands[2])
            live.update(operands)
    return sorted(live)


def _forward_notes(run: Run, live: list[int], names: dict[int, str]) -> list[str]:
    graph, values = run.machine.graph, run.values
    notes = []
    for node in live:
        value = values[node]
        if math.isfinite(value):
            continue
        operands = [values[k] for k in graph.operands[node]]
        if graph.is_leaf(node):
            name = graph.names.get(node)
            notes.append(f"{name or 'a constant'} is {_text(value)}")
        elif all(map(math.isfinite, operands)) or (
            math.isnan(value) and not any(map(math.isnan, operands))
        ):
            notes.append(_describe(graph, node, operands, value, names))
    return notes


def _describe(
    graph: Graph, node: int, operands: list[float], value: float, names: dict[int, str]
) -> str:
    gate = graph.gates[node]
    place = f"{gate.name} at {names[node]}"
    got = ", ".join(map(_text, operands))
    if gate.name == "div" and operands[1] == 0:
        quotient = f"{_text(operands[0])} / {_text(operands[1])}"
        return f"{place} divides by zero: {quotient} gives {_text(value)}"
    if not _in_domain(gate, operands):
        return f"{place} is outside its domain: got {got}, gives {_text(value)}"
    if math.isinf(value):
        return f"{place} overflows float64: got {got}, gives {_text(value)}"
    return f"{place} has no value: got {got}"


def _in_domain(gate: Gate, operands: list[float]) -> bool:
    return not gate.domain or bool(IEEE.text_function(gate, gate.domain)(*operands))


def _backward_notes(run: Run, live: list[int], names: dict[int, str]) -> list[str]:
    """Gates that receive a finite gradient and have a local gradient that is not finite."""
    graph = run.machine.graph
    nodes = [
        node
        for node in live
        if not graph.is_leaf(node) and run.gradients[node] and math.isfinite(run.gradients[node])
    ]
    notes = []
    for node, local in local_gradients(run, nodes).items():
        bad = [g for g in local if g is not None and not math.isfinite(g)]
        if bad:
            got = ", ".join(_text(run.values[k]) for k in graph.operands[node])
            notes.append(
                f"{graph.gates[node].name} at {names[node]} has the local gradient "
                f"{_text(bad[0])} at {got}"
            )
    return notes


def _text(value: float) -> str:
    return f"{value:.6g}"
