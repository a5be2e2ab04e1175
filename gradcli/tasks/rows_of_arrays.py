"""Jacobians and Hessians of arrays: reverse sweeps over arrays, with bounds where they are few."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod
from typing import Any

import numpy as np

from gradcli.arithmetic.arrays import ARRAYS
from gradcli.arithmetic.stacked import IN_ROWS, rows
from gradcli.engine import Machine, Run, backward
from gradcli.evaluation.costs import refuse_work, work
from gradcli.evaluation.numbers import SLACK, bounded_run
from gradcli.graph.nodes import Graph
from gradcli.program.model import Program
from gradcli.requests import Request
from gradcli.tasks.blocks import OUTPUT, Block, Blocks, Derivative
from gradcli.transform.adjoint import adjoint

MOST_AT_ONCE = 4_000_000  # elements of the gradients of one sweep: 32 MB
MOST_BOUNDED = 10_000  # rows times gates of arrays: some 2 s
MOST_BOUNDED_ELEMENTS = 10_000_000  # rows times elements of those arrays


def as_arrays(
    program: Program, names: Sequence[str], inputs: Sequence[Any], kind: str, request: Request
) -> Derivative:
    """All rows by sweeps over arrays, with bounds where those do not take long."""
    graph, output = program.graph, program.output
    is_plain = request.arithmetic == "float64"
    if kind == "jacobian":
        refuse_work(prod(graph.shape(output)) * work(graph), request)
        blocks = {OUTPUT: jacobian(graph, output, inputs, names, is_plain)}
    else:
        rows = sum(prod(graph.shape(graph.inputs[name])) for name in names)
        refuse_work(rows * work(adjoint(graph, output).graph), request)
        blocks = hessian(graph, output, inputs, names, is_plain)
    every_block = [block for row in blocks.values() for block in row.values()]
    notes = []
    bad = sum(int((~np.isfinite(block.values)).sum()) for block in every_block)
    if bad:
        notes.append(f"{bad} numbers are not finite in float64, and too many for many digits")
    if not is_plain and any(block.bounds is None for block in every_block):
        notes.append("too large for bounds: its digits are plain float64 and not certified")
    return Derivative(kind, blocks, notes)


def jacobian(
    graph: Graph, output: int, inputs: Sequence[Any], names: Sequence[str] | None = None,
    is_plain: bool = False,
) -> dict[str, Block]:  # fmt: skip
    """The derivative of every element of the output by every element of each input in `names`.

    `inputs` in the order of the graph's inputs. `is_plain` leaves the bounds out.
    """
    run = Machine(graph, ARRAYS).run(inputs)
    has_bounds = not is_plain and _may_be_bounded(graph, prod(graph.shape(output)))
    return (_bounded_rows if has_bounds else _plain_rows)(run, output, names or [*graph.inputs])


def hessian(
    graph: Graph, output: int, inputs: Sequence[Any], names: Sequence[str] | None = None,
    is_plain: bool = False,
) -> Blocks:  # fmt: skip
    """The second derivatives of a scalar output: by one input, then by the other."""
    names = names or [*graph.inputs]
    twin = adjoint(graph, output)
    run = Machine(twin.graph, ARRAYS).run(inputs)
    shapes = {name: graph.shape(graph.inputs[name]) for name in names}
    has_bounds = not is_plain and _may_be_bounded(twin.graph, sum(map(prod, shapes.values())))
    sweeps = _bounded_rows if has_bounds else _plain_rows
    blocks: Blocks = {}
    for name in names:
        node = twin.gradients[name]
        row = sweeps(run, node, names)
        if twin.graph.shape(node) != shapes[name]:  # a gradient that is the number 0
            row = {
                other: block.spread((*shapes[name], *shapes[other])) for other, block in row.items()
            }
        blocks[name] = row
    return blocks


def _may_be_bounded(graph: Graph, count: int) -> bool:
    """Whether there is time for a sweep with bounds for each of so many rows."""
    return count * len(graph) <= MOST_BOUNDED and count * graph.elements <= MOST_BOUNDED_ELEMENTS


def _bounded_rows(run: Run, output: int, names: Sequence[str]) -> dict[str, Block]:
    """The rows of the Jacobian with bounds, one reverse sweep for each."""
    graph = run.machine.graph
    shape = graph.shape(output)
    values, bounds = _no_rows(graph, output, names), _no_rows(graph, output, names)
    bounded = bounded_run(run)
    for k, at in enumerate(np.ndindex(shape)):
        unit = np.zeros(shape)
        unit[at] = 1.0
        backward(bounded, output, bounded.machine.arithmetic.static(unit))
        for name in names:
            gradient = bounded.gradients[graph.inputs[name]]
            values[name][k], bounds[name][k] = gradient.value, SLACK * gradient.error
    return {
        name: Block(*[
            x.reshape((*shape, *graph.shape(graph.inputs[name])))
            for x in (values[name], bounds[name])
        ])
        for name in names
    }  # fmt: skip


def _plain_rows(run: Run, output: int, names: Sequence[str]) -> dict[str, Block]:
    """The rows of the Jacobian without bounds, many of them in one reverse sweep."""
    graph = run.machine.graph
    shape, values = graph.shape(output), _no_rows(graph, output, names)
    count = prod(shape)
    sweep = Run(Machine(graph, IN_ROWS), run.values)
    at_once = max(1, MOST_AT_ONCE // max(1, graph.elements))
    for start in range(0, count, at_once):
        chosen = range(start, min(count, start + at_once))
        units = np.zeros((len(chosen), count))
        units[range(len(chosen)), chosen] = 1.0
        backward(sweep, output, rows(units.reshape(len(chosen), *shape)))
        for name in names:
            values[name][chosen] = sweep.gradients[graph.inputs[name]]
    return {
        name: Block(block.reshape((*shape, *graph.shape(graph.inputs[name]))))
        for name, block in values.items()
    }


def _no_rows(graph: Graph, output: int, names: Sequence[str]) -> dict[str, Any]:
    """Room for the rows, before the axes of the output are separated."""
    count = prod(graph.shape(output))
    return {name: np.zeros((count, *graph.shape(graph.inputs[name]))) for name in names}
