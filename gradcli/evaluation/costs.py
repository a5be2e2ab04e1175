"""What a program of arrays takes, told from its shapes before anything is computed.

Time is counted in gate evaluations, as the check budget is; memory in bytes of values, gradients,
their bounds, and the lists of numbers that reports hold.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import TYPE_CHECKING

from gradcli.errors import LimitError
from gradcli.gates.shapes import amount
from gradcli.requests import BUDGET, Request
from gradcli.transform.gate_counts import gate_sizes

if TYPE_CHECKING:
    from gradcli.graph.nodes import Graph
    from gradcli.program.model import Program

# Elements that numpy computes while Python evaluates one gate: most, those of products, and those
# that are computed one by one.
QUICK = 50.0
SPEEDS = {
    "matmul": 5_000.0,
    "gamma": 0.05,
    **dict.fromkeys(("erf", "erfc", "normcdf", "gelu"), 0.005),  # their tails by mpmath
    **dict.fromkeys(("lgamma", "digamma", "erfcx", "lognormcdf"), 0.001),  # all by mpmath
    **dict.fromkeys(("polygamma", "erfinv"), 0.0002),
}
SWEEPS = 3.0  # passes that a sweep is: forwards, and for each operand backwards

OF_A_POINT, OF_A_NUMBER = 500, 40  # evaluations: the check of one point, and of each number there

AT_REST = 64 * 2**20  # bytes of Python and numpy themselves
OF_AN_ELEMENT = 56  # of any array: value and gradient, the bounds of both, and a complex step
OF_A_SETTING = 16  # of what an input is set to: the array, and what it is drawn in
LISTED = 55  # of each number in a report: a float, its place in a list, its bound, its text
OF_AN_INPUT = 3  # numbers that a report lists of each element: value, gradient, bound
OF_A_STAGE = 4  # value and gradient, the bounds of both; and a local gradient of each operand
OF_AN_ENTRY = 120  # of a Jacobian: the number, its bound, and both in lists
MIB = 2**20


def work(graph: Graph, times: float = 1.0) -> float:
    """About how many gate evaluations of Python a pass over a graph of arrays takes.

    Gates that are computed one by one are so many `times` in it.
    """
    speeds = [(SPEEDS.get(name, QUICK), size) for name, size in gate_sizes(graph)]
    return sum(1 + size / speed * (times if speed < 1 else 1) for speed, size in speeds)


def work_by_number(graph: Graph) -> float:
    """That of a pass over the numbers a graph stands for, one gate at a time."""
    if not graph.shapes:  # a number that is read is as much work as one that is computed
        return _weighed(gate.name for gate in graph.gates)
    return sum(size * _weight(name) for name, size in gate_sizes(graph))


def work_of_gates(graph: Graph, nodes: Iterable[int]) -> float:
    """That of a pass over some of the gates of a graph of numbers."""
    return _weighed(graph.gates[node].name for node in nodes)


def _weighed(names: Iterable[str]) -> float:
    return sum(count * _weight(name) for name, count in Counter([*names]).items())


def _weight(name: str) -> float:
    return max(1.0, 1 / SPEEDS.get(name, QUICK))


def refuse_points(graph: Graph, points: int, request: Request) -> None:
    """Raise LimitError where the check of so many points takes too long."""
    numbers = len(graph) + sum(map(amount, graph.shapes.values()))
    of_each = OF_A_POINT + OF_A_NUMBER * numbers + SWEEPS * work_by_number(graph)
    refuse_work(points * of_each, request)


def refuse_much(program: Program, request: Request, is_listed: bool = True) -> None:
    """Raise LimitError for what takes too long, or too much memory; `is_listed` in a report."""
    graph = program.graph
    if not (graph.has_arrays or program.settings.has_arrays):
        return
    refuse_bytes(_bytes(program, is_listed), request)
    refuse_work(SWEEPS * work(graph), request)


def refuse_work(evaluations: float, request: Request) -> None:
    """Raise LimitError where so many gate evaluations are more than a command may take."""
    most = max(BUDGET, request.check_budget)  # a smaller one is for the check alone
    if evaluations > most:
        raise LimitError(
            f"this takes about {evaluations:.0e} gate evaluations, more than the budget of "
            f"{most:.0e}",
            hint="a smaller case of the same formulas, or --check-budget N",
        )


def refuse_bytes(size: float, request: Request) -> None:
    """Raise LimitError where so many bytes are more than a command may take."""
    if AT_REST + size > request.max_memory * MIB:
        raise LimitError(
            f"this takes about {(AT_REST + size) / MIB:.0f} MiB, more than the limit of "
            f"{request.max_memory}",
            hint="a smaller case of the same formulas, or --max-memory MIB",
        )


def _bytes(program: Program, is_listed: bool) -> float:
    """About how many bytes the arrays of a program take, and their numbers in a report."""
    graph, listed = program.graph, 0
    held = OF_A_SETTING * sum(map(amount, program.settings.shapes.values()))
    for node, shape in graph.shapes.items():
        size, operands = amount(shape), graph.operands[node]
        held += OF_AN_ELEMENT * size
        if node < program.forward_nodes:
            listed += size * (OF_A_STAGE + len(operands) if operands else OF_AN_INPUT)
    return held + LISTED * listed * is_listed
