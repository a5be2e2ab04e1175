"""Diagnoses in words: where a run left the finite numbers, or lost its digits, and the cure."""

from __future__ import annotations

import math
from typing import Any

from gradcli.arithmetic.floats import IEEE
from gradcli.engine import Run, local_gradients
from gradcli.evaluation.cures import cure
from gradcli.evaluation.numbers import CERTAIN_ERROR, Bounds, Numbers, live_nodes
from gradcli.gates.row import Gate
from gradcli.graph.nodes import Graph

MOST_NOTES = 5
SIX_DIGITS = 1e-6  # of the largest number: a greater error leaves fewer than 6 digits
SHOWN = 1e-12  # relative: what a table does not show


def faults(run: Run, output: int, names: dict[int, str]) -> list[str]:
    """Notes for the first gates that gave inf or nan, in a run whose result is not finite.

    Gates in a branch of `where` that was not taken are left alone: nothing of them is in there.
    """
    live = sorted(live_nodes(run, output))
    notes = _forward_notes(run, live, names) or _backward_notes(run, live, names)
    if not notes:
        notes = ["a gradient overflows on its way back: a product of local gradients is too large"]
    if len(notes) > MOST_NOTES:
        notes = [*notes[:MOST_NOTES], f"{len(notes) - MOST_NOTES} more gates are not finite"]
    return notes


def array_faults(run: Run, output: int, names: dict[int, str]) -> list[str]:
    """A note on the first array that is not finite, on the way forwards or else backwards."""
    import numpy as np  # late: numbers do not need it

    graph = run.machine.graph
    called = {**names, **graph.names}
    for table, what in ((run.values, "value"), (run.gradients, "gradient")):
        nodes = range(output + 1) if what == "value" else range(output, -1, -1)
        for node in nodes if table else ():
            bad = ~np.isfinite(table[node]) if node in called else np.zeros(0)
            if bad.any():
                gate = graph.gates[node].name
                kind = "nan" if np.isnan(table[node]).any() else "infinite"
                many = f"{int(bad.sum())} of {bad.size} elements are" if bad.ndim else f"{what} is"
                return [f"{gate} at {called[node]}: {what}: {many} not finite ({kind})"
                        if bad.ndim else f"{gate} at {called[node]}: {many} {kind}"]  # fmt: skip
    return []


def array_doubts(run: Run, output: int, names: dict[int, str]) -> list[str]:
    """A note where float64 loses most digits of an array program's value, on the first such gate.

    `run` is over arrays that carry bounds.
    """
    import numpy as np  # late: numbers do not need it

    def is_lost(node: int) -> bool:
        size = np.max(np.abs(run.values[node].value), initial=0.0)
        return not np.max(run.values[node].error, initial=0.0) <= SIX_DIGITS * size

    graph = run.machine.graph
    if not is_lost(output) or not np.isfinite(run.values[output].value).all():
        return []
    for node in graph.gate_nodes():
        if node in names and is_lost(node):
            place = f"{names[node]} ({graph.gates[node].name})"
            return [
                f"float64 loses digits at {place}: only those that are certain are shown; "
                "a smaller case is computed in many digits"
            ]
    return []


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


def remedy(
    point: Any, plain: Numbers, bounds: Bounds, better: Numbers, doubts: list[int]
) -> list[str]:
    """Why many digits were needed at a Point, what plain float64 gives there, and the cure."""
    if not doubts:
        return []
    run, output, names = point.run, point.program.output, point.names
    cause = _cause(run, bounds, output, names, better)
    results = [
        (
            "the value" if k == output else names.get(k, "the value"),
            plain.values[k],
            better.values[k],
        )
        for k in point.results
    ]
    results += [(f"d{n}", plain.gradients[k], better.gradients[k]) for n, k in point.leaves]
    wrong = [(n, a) for n, a, b in results if not abs(a - b) <= SHOWN * abs(b)]
    if wrong:
        figures = "; ".join(f"{_in_full(a)} for {n}" for n, a in wrong[:3])
        says = f"plain float64 gives {figures}"
    else:
        says = "plain float64 is as good here, but its error bound cannot show it"
    words = cure(point, better)
    return [f"{cause}: {says}{f'; use {words}' if words else ''}"]


def _cause(run: Run, bounds: Bounds, output: int, names: dict[int, str], better: Numbers) -> str:
    """The first gate that lost what was needed, in words."""
    graph, values = run.machine.graph, run.values
    live = [node for node in sorted(live_nodes(run, output)) if not graph.is_leaf(node)]
    for node in live:
        operands = [values[k] for k in graph.operands[node]]
        if not math.isfinite(values[node]) and all(map(math.isfinite, operands)):
            gate = graph.gates[node].name
            if gate == "div" and not operands[1]:
                return f"div at {names[node]} divides by zero"
            if math.isinf(values[node]) and math.isinf(better.values[node]):
                return f"{gate} overflows at {names[node]}"
            return f"{gate} at {names[node]} gives {_text(values[node])}"
    for node in live:
        operands = [values[k] for k in graph.operands[node]]
        size, error = abs(values[node]), bounds.values[node]
        is_sum = graph.gates[node].name in ("add", "sub")
        if is_sum and error > CERTAIN_ERROR * size and size < 1e-3 * max(map(abs, operands)):
            sign = "+" if graph.gates[node].name == "add" else "-"
            return f"`{sign}` at {names[node]} cancels"
    for node in live:
        if bounds.values[node] > CERTAIN_ERROR * abs(values[node]):
            operands = [values[k] for k in graph.operands[node]]
            if abs(values[node]) < 2.0**-1022 and all(operands) and better.values[node]:
                return f"{graph.gates[node].name} underflows at {names[node]}"
            gate = graph.gates[node].name
            return f"the error bound grows too large at {names[node]} ({gate})"
    return "the error bound grows too large in the backward pass"


def _in_full(value: float) -> str:
    return repr(value).removesuffix(".0")


def _text(value: float) -> str:
    return f"{value:.6g}"
