"""The chain rule along every wire of a circuit: upstream x local = contribution, with bounds.

The factors are the figures of a report, some of which come from many digits; each is taken with its
bound, so that of a product no digit is shown which they do not certify.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from gradcli.arithmetic.bounds.bounded import Bounded
from gradcli.engine import Machine, Run, contributions, local_gradients
from gradcli.evaluation.numbers import SLACK, bounds_over
from gradcli.evaluation.point import Point, arithmetic_of, in_lists
from gradcli.graph.nodes import Graph
from gradcli.reports.evaluations import Link, Number
from gradcli.tasks.figures import Figures


def links_of(point: Point, nodes: Sequence[int], figures: Figures) -> dict[int, list[Link | None]]:
    """The links of gates to their operands; None stands for operands without a gradient."""
    graph, names = point.program.graph, point.names
    active = [node for node in nodes if graph.active[node] and point.upstream is not None]
    run = _run_of_figures(graph, active, figures)
    local = local_gradients(run, [n for n in active if not graph.gates[n].is_structural])
    parts = contributions(run, active)
    links: dict[int, list[Link | None]] = {node: [] for node in nodes}
    for node in nodes:
        for k, operand in enumerate(graph.operands[node]):
            if node not in parts or parts[node][k] is None:
                links[node].append(None)
                continue
            slope, slack = _figure(point, node, local[node][k]) if node in local else (None, None)
            part, bound = _figure(point, operand, parts[node][k])
            name = names.get(operand) or graph.names[operand]
            links[node].append(Link(name, slope, part, slack, bound))
    return links


def _run_of_figures(graph: Graph, gates: list[int], figures: Figures) -> Run:
    """A run that has the figures of some gates for their values and gradients.

    Its numbers carry bounds where every figure has one.
    """
    needed = {k for node in gates for k in (node, *graph.operands[node])} - graph.constants.keys()
    values = {node: figures.value(node) for node in needed}
    gradients = {node: figures.gradient(node) for node in gates}
    plain = arithmetic_of(graph)
    are_bounded = all(bound is not None for _, bound in (*values.values(), *gradients.values()))
    arithmetic = bounds_over(plain) if are_bounded else plain
    pair = bounds_over(plain).pair if are_bounded else (lambda number, _: number)
    run = Run(machine := Machine(graph, arithmetic), machine.leaves.copy())
    run.gradients = [arithmetic.zero] * len(graph)
    for table, numbers in ((values, run.values), (gradients, run.gradients)):
        for node, figure in table.items():
            shape = graph.shape(node)
            numbers[node] = pair(*(_as_array(x, shape) for x in figure) if shape else figure)
    return run


def _as_array(numbers: Any, shape: tuple[int, ...]) -> Any:
    import numpy as np  # late: numbers do not need it

    return None if numbers is None else np.asarray(numbers, dtype=float).reshape(shape)


def _figure(point: Point, node: int, number: Any) -> tuple[Number, Number | None]:
    """A number of that run in the shape of a node, and its bound if it has one."""
    if not isinstance(number, Bounded):
        return in_lists(point.whole(node, number)), None
    value, bound = point.whole(node, number.value), point.whole(node, number.error)
    return in_lists(value), in_lists(SLACK * bound)
