"""Jacobians and Hessians: reverse sweeps of many rows at once.

The Jacobian's rows are vector-Jacobian products with unit vectors. The Hessian is the Jacobian of
the gradient, which is a graph of its own: the adjoint graph, swept once more.
"""

from __future__ import annotations

from math import prod
from typing import Any

import numpy as np

from gradcli.adjoint import adjoint
from gradcli.arithmetic.arrays import ARRAYS
from gradcli.arithmetic.rows import IN_ROWS, rows
from gradcli.array_run import array_settings
from gradcli.engine import Machine, Run, backward
from gradcli.errors import ShapeError
from gradcli.graph import Graph
from gradcli.program import Program

MOST_AT_ONCE = 4_000_000  # elements of the gradients of one sweep: 32 MB


def derivatives(
    program: Program, wants_jacobian: bool, wants_hessian: bool
) -> tuple[dict[str, Any] | None, dict[str, Any] | None]:
    """Jacobian and Hessian of a program's output as reports hold them. Raises ShapeError."""
    graph, output = program.graph, program.output
    inputs = array_settings(program)
    if wants_hessian and graph.shape(output):
        raise ShapeError(
            "a Hessian needs an output of one number", hint="choose an element: `f[0]`"
        )
    first = second = None
    if wants_jacobian:
        first = {n: block.tolist() for n, block in jacobian(graph, output, inputs).items()}
    if wants_hessian:
        second = {
            name: {other: block.tolist() for other, block in row.items()}
            for name, row in hessian(graph, output, inputs).items()
        }
    return first, second


def jacobian(graph: Graph, output: int, inputs: list[Any]) -> dict[str, Any]:
    """The derivative of every element of the output by every element of each input.

    `inputs` in the order of the graph's inputs; an array has the shape of the output followed by
    that of the input.
    """
    return _rows(Machine(graph, ARRAYS).run(inputs), output)


def hessian(graph: Graph, output: int, inputs: list[Any]) -> dict[str, dict[str, Any]]:
    """The second derivatives of a scalar output: by one input, then by the other."""
    twin = adjoint(graph, output)
    run = Machine(twin.graph, ARRAYS).run(inputs)
    shapes = {name: graph.shape(node) for name, node in graph.inputs.items()}
    found = {}
    for name, node in twin.gradients.items():
        rows = _rows(run, node)
        missing = (1,) * (len(shapes[name]) - len(twin.graph.shape(node)))  # a gradient that is 0
        found[name] = {
            other: np.broadcast_to(
                block.reshape((*missing, *block.shape)), (*shapes[name], *shapes[other])
            )
            for other, block in rows.items()
        }  # fmt: skip
    return found


def _rows(run: Run, output: int) -> dict[str, Any]:
    """The rows of the Jacobian, many of them in one reverse sweep."""
    graph = run.machine.graph
    shape = graph.shape(output)
    count = prod(shape)
    found = {name: np.zeros((count, *graph.shape(node))) for name, node in graph.inputs.items()}
    sweep = Run(Machine(graph, IN_ROWS), run.values)
    at_once = max(1, MOST_AT_ONCE // max(1, graph.elements))
    for start in range(0, count, at_once):
        chosen = range(start, min(count, start + at_once))
        units = np.zeros((len(chosen), count))
        units[range(len(chosen)), chosen] = 1.0
        backward(sweep, output, rows(units.reshape(len(chosen), *shape)))
        for name, node in graph.inputs.items():
            found[name][chosen] = sweep.gradients[node]
    return {
        name: block.reshape((*shape, *graph.shape(graph.inputs[name])))
        for name, block in found.items()
    }
