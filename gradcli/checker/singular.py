"""Where a run over arrays stands at a kink, jump or border that rounding hides from it.

Complex steps round what they go through as the engine does, and are of first order. Where the
distance of a gate to its edge is within the rounding of its operands, or a square of a step is all
that moves an operand at the border of a domain, both of them may agree on what is no slope.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from gradcli.arithmetic.arrays import ARRAYS
from gradcli.arithmetic.bounds.arrays import ARRAY_BOUNDS, BoundedArray
from gradcli.engine import Run
from gradcli.evaluation.numbers import EDGE, OPEN, bounded_run
from gradcli.gates.row import Gate

CAUTION = 2.0**-30  # of the largest number on the way: rounding is below it, almost always


def singular_gate(run: Run, moved: Run, nodes: Sequence[int]) -> int | None:
    """The first of the gates that stands at an edge and reaches the last of them; None if none.

    `moved` is the run with its inputs elsewhere. Bounds are computed only where a gate is so near
    to an edge that rounding may matter.
    """
    near = _near_edges(run, moved, nodes)
    bounded = bounded_run(run) if near else run
    for node in near:
        mask = _at_edge(run, bounded, moved, node)
        if mask.any() and _reaches(run, node, mask, nodes[nodes.index(node) + 1 :]):
            return node
    return None


def _near_edges(run: Run, moved: Run, nodes: Sequence[int]) -> list[int]:
    """The gates that would be at an edge if rounding were as large as caution has it."""
    graph, operands = run.machine.graph, run.machine.graph.operands
    largest = [0.0] * len(graph)
    for node in range(nodes[-1] + 1 if nodes else 0):
        if not isinstance(run.values[node], tuple):
            size = float(np.max(np.abs(run.values[node]), initial=0.0))
            largest[node] = max([size, *[largest[k] for k in operands[node]]])
    rough = Run(run.machine, [
        x if isinstance(x, tuple) else BoundedArray(x, CAUTION * size)
        for x, size in zip(run.values, largest, strict=False)
    ])  # fmt: skip
    gates = graph.gates
    return [n for n in nodes if _has_edge(gates[n]) and _at_edge(run, rough, moved, n).any()]


def _has_edge(gate: Gate) -> bool:
    """Whether there are places where the gate has no slope, or no finite one."""
    has_border = any(text != "inf" and not text.isdigit() for text in gate.radius)
    return bool(gate.kink or gate.jump or has_border or gate.name in ("amax", "amin"))


def _at_edge(run: Run, bounded: Run, moved: Run, node: int) -> Any:
    """The elements of a gate that are at an edge which rounding hides, or at a border."""
    graph = run.machine.graph
    gate, operands = graph.gates[node], graph.operands[node]
    xs = [run.values[k] for k in operands]
    out = run.values[node]
    with np.errstate(all="ignore"):
        if gate.name in ("max", "min", "amax", "amin"):
            return _is_open(gate, [bounded.values[k] for k in (node, *operands)])
        errors = [x.error for x in (bounded.values[k] for k in operands) if hasattr(x, "error")]
        at_edge = np.zeros(np.shape(out), dtype=bool)
        if gate.kink or gate.jump:
            error = bounded.values[node].error if gate.is_structural else sum(errors)
            arguments = [xs] if gate.is_variadic else xs
            function = ARRAYS.text_function(gate, gate.kink or gate.jump)
            distance = np.abs(function(*arguments, out=out))
            at_edge = at_edge | ((distance <= EDGE * error) & (np.asarray(error) > 0.0))
        elif not gate.is_structural:
            for k, text in zip(operands, gate.radius, strict=True):
                if graph.active[k] and text != "inf" and not text.isdigit():
                    radius = ARRAYS.text_function(gate, text)(
                        *_as_rounded(gate, xs, errors), out=out
                    )
                    error = np.asarray(bounded.values[k].error)
                    does_move = (error > 0.0) | np.not_equal(moved.values[k], run.values[k])
                    at_edge = at_edge | (~(radius > error) & does_move)
    return at_edge


def _as_rounded(gate: Gate, xs: list[Any], errors: list[Any]) -> list[Any]:
    """The operands of a gate, of which an exponent that may be whole by rounding is not whole."""
    if gate.name != "pow" or len(errors) < len(xs):
        return xs
    is_open = (np.asarray(errors[1]) > 0.0) & (np.mod(xs[1], 1.0) == 0.0)
    return [xs[0], np.where(is_open, xs[1] + OPEN, xs[1])]


def _is_open(gate: Gate, numbers: list[Any]) -> Any:
    """The elements of max and its like of which rounding hides the winner."""
    out, *xs = numbers
    if not gate.is_structural:
        error = ARRAY_BOUNDS.function("winner")([out, *xs]).error
        return np.broadcast_to(np.asarray(error) > 0.0, np.shape(out.value))
    best = ARRAY_BOUNDS.function("spread")(out, np.shape(xs[0].value), xs[1])
    error = ARRAY_BOUNDS.function("first")(xs[0], best, xs[1]).error
    is_open = np.broadcast_to(np.asarray(error) > 0.0, np.shape(xs[0].value))
    return np.any(is_open, axis=xs[1][0], keepdims=xs[1][1])


def _reaches(run: Run, node: int, mask: Any, later: Sequence[int]) -> bool:
    """Whether elements of a gate matter to the last gate: what is not a number would be seen."""
    values, machine = run.values.copy(), run.machine
    values[node] = np.where(mask, np.nan, values[node])
    operands = machine.graph.operands
    with machine.arithmetic.quiet():
        for k in later:
            forward = machine.forwards[k]
            assert forward is not None
            values[k] = forward(values, operands[k])
    last = later[-1] if later else node
    return bool((np.isnan(values[last]) & ~np.isnan(run.values[last])).any())
