"""The numbers of a report: of a float64 sweep where its bounds say enough, else in many digits.

A result is certain when its bound leaves about 12 digits. Where one is not, or is not finite, or
an exact tie makes reverse mode doubtful, the same graph is computed again with mpmath.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import Any

from gradcli.arithmetic.arithmetic import Arithmetic
from gradcli.arithmetic.bounds.bounded import Bounds as BoundedArithmetic
from gradcli.arithmetic.bounds.numbers import FLOAT_BOUNDS
from gradcli.arithmetic.floats import FAULTS, FLOATS, IEEE
from gradcli.engine import Machine, Run, backward
from gradcli.errors import LimitError
from gradcli.gates.row import Gate
from gradcli.graph.nodes import Graph
from gradcli.requests import MOST_GATES

CERTAIN_ERROR = 5e-13  # relative: 12 digits
SLACK = 1.001  # the bounds themselves are rounded
OPEN = 2.0**-40  # added to an exponent, makes it no whole number
EDGE = 2.0  # times the error of its operands: that near to its kink a gate may stand at it


class Bounds:
    """Bounds on the errors of values and gradients by node; inf where there is none."""

    __slots__ = ("gradients", "values")

    def __init__(self, run: Run) -> None:
        self.values = [x.error for x in run.values]
        self.gradients = [x.error for x in run.gradients]


class Numbers:
    """Values and gradients by node, as floats, with a bound on the error of each."""

    __slots__ = (
        "digits",
        "gradient_errors",
        "gradients",
        "is_unknown",
        "notes",
        "texts",
        "value_errors",
        "values",
    )

    def __init__(
        self, values: Sequence[float], gradients: Sequence[float],
        value_errors: Sequence[float] | None, gradient_errors: Sequence[float] | None,
    ) -> None:  # fmt: skip
        self.values = values
        self.gradients = gradients
        self.value_errors = value_errors
        self.gradient_errors = gradient_errors
        self.digits: int | None = None  # of the arithmetic; None is float64
        self.texts: dict[int, str] = {}  # long decimals: the output's value, gradients of leaves
        self.notes: list[str] = []
        self.is_unknown = False  # no digit of some value is certain, not even with many

    @property
    def arithmetic(self) -> str:
        """The name of the arithmetic that computed them."""
        return "float64" if self.digits is None else "mpmath"

    def value_bound(self, node: int) -> float | None:
        """The bound on a value's error; None where there is none."""
        return None if self.value_errors is None else float(self.value_errors[node])

    def gradient_bound(self, node: int) -> float | None:
        """The bound on a gradient's error; None where there is none."""
        return None if self.gradient_errors is None else float(self.gradient_errors[node])


def too_many_gates(what: str) -> LimitError:
    """The error for a program too large for many digits, uncertainties, or fused forms."""
    return LimitError(f"{what} are for at most {MOST_GATES} gates, counted element by element",
                      hint="take a smaller case of the same formulas")  # fmt: skip


def bounded_run(
    run: Run, output: int | None = None, upstream: Any = None, upstream_node: int | None = None
) -> Run:
    """A run repeated with numbers, or arrays, that carry bounds on their errors; never raises.

    Without an `output` there is no backward pass. `upstream` is exact, unless the node
    `upstream_node` computes it.
    """
    graph, arithmetic = run.machine.graph, bounds_over(run.machine.arithmetic)
    inputs = [arithmetic.number(run.values[k]) for k in graph.inputs.values()]
    again = Machine(graph, arithmetic).run(inputs)
    if output is not None:
        seed = arithmetic.number(upstream) if upstream_node is None else again.values[upstream_node]
        backward(again, output, seed)
    return again


def bounds_over(arithmetic: Arithmetic) -> BoundedArithmetic:
    """The numbers, or arrays, with bounds over those of an arithmetic."""
    if arithmetic in (FLOATS, IEEE):
        return FLOAT_BOUNDS
    from gradcli.arithmetic.bounds.arrays import ARRAY_BOUNDS  # late: numbers do not need numpy

    return ARRAY_BOUNDS


def value_bounds(run: Run) -> list[float]:
    """Bounds on the errors of all values of a run over numbers; inf where there is none."""
    return [x.error for x in bounded_run(run).values]


def sweep_bounds(
    run: Run, output: int, upstream_node: int | None, has_gradients: bool = True
) -> Bounds:
    """The bounds of a finished sweep over numbers, whose seed `upstream_node` may compute.

    Without gradients to be told they are those of the values alone.
    """
    if not has_gradients:
        return Bounds(bounded_run(run))
    return Bounds(bounded_run(run, output, run.gradients[output], upstream_node))


def plain_numbers(run: Run, bounds: Bounds | None) -> Numbers:
    """The numbers of the sweep itself; without bounds where it has none."""
    if bounds is None:
        return Numbers(run.values, run.gradients, None, None)
    values = [SLACK * error for error in bounds.values]
    return Numbers(run.values, run.gradients, values, [SLACK * e for e in bounds.gradients])


def is_certain(number: float, error: float, enough: float = CERTAIN_ERROR) -> bool:
    """Whether about 12 digits are sure, or `enough`. False for what is not finite."""
    return math.isfinite(number) and (error <= enough * abs(number) or not error)


def doubtful(
    run: Run, bounds: Bounds, results: Sequence[int], leaves: Sequence[int],
    enough: float = CERTAIN_ERROR,
) -> list[int]:  # fmt: skip
    """The results whose values, and the leaves whose gradients, are not certain."""
    doubts = [k for k in results if not is_certain(run.values[k], bounds.values[k], enough)]
    gradients, errors = run.gradients, bounds.gradients
    return doubts + [k for k in leaves if not is_certain(gradients[k], errors[k], enough)]


def ties(run: Run, bounds: Bounds, arithmetic: Arithmetic) -> list[int]:
    """The gates that stand exactly at a kink or jump, as far as the run can tell."""
    return [
        node for node, distance, error in edges(run, bounds, arithmetic)
        if not error and distance == 0
    ]  # fmt: skip


def possible_ties(run: Run, bounds: Bounds, output: int) -> set[int]:
    """The leaves under gates that may stand at a kink or jump, for all that rounding tells.

    Also under a power of 0 whose exponent may move, whose slopes are a choice there.
    """
    graph, values = run.machine.graph, run.values
    live = live_nodes(run, output)
    below = {
        node for node, distance, error in edges(run, bounds, run.machine.arithmetic)
        if node in live and not abs(distance) > EDGE * error
    }  # fmt: skip
    below |= {
        node for node in live
        if graph.gates[node].name == "pow"
        and graph.active[graph.operands[node][1]] and not values[graph.operands[node][0]]
    }  # fmt: skip
    return {node for node in graph.ancestors([*below]) if graph.is_leaf(node)}


def _is_bare(graph: Graph, condition: int) -> bool:
    """Whether a condition is a number that moves, as in `where(x, ...)`, and no comparison."""
    return bool(graph.active[condition]) and not graph.gates[condition].jump


def edges(run: Run, bounds: Bounds, arithmetic: Arithmetic) -> Iterator[tuple[int, Any, Any]]:
    """(gate, distance to its kink or jump, error of its operands) of all that have one."""
    graph, values, errors = run.machine.graph, run.values, bounds.values
    for node, gate in enumerate(graph.gates):
        operands = graph.operands[node]
        if gate.name == "where" and _is_bare(graph, operands[0]):
            yield node, values[operands[0]], errors[operands[0]]
        if gate.name == "atan2" and values[operands[1]] < 0:  # beside its cut
            yield node, values[operands[0]], errors[operands[0]]
        if not (gate.kink or gate.jump):
            continue
        if any([graph.gates[k].name == "winner" for k in operands]):  # noqa: C419  # quicker
            continue  # which operand of max has won: its own tie is another gate's
        xs = [values[k] for k in operands]
        function = arithmetic.text_function(gate, gate.kink or gate.jump)
        at = function(xs, out=values[node]) if gate.is_variadic else function(
            *xs, out=values[node]
        )  # fmt: skip
        yield node, at, sum([errors[k] for k in operands])


def _at_borders(run: Run, bounds: Bounds, live: set[int], arithmetic: Arithmetic) -> bool:
    """Whether a live gate has an exact operand that may not move at all, as sqrt at 0."""
    graph, values = run.machine.graph, run.values
    for node in live:
        gate, operands = graph.gates[node], graph.operands[node]
        xs = [values[k] for k in operands]
        for k, text in zip(operands, gate.radius, strict=False):
            if bounds.values[k] or text.isdigit() or not graph.active[k] or gate.is_variadic:
                continue
            try:
                if arithmetic.text_function(gate, text)(*xs, out=values[node]) == 0:
                    return True
            except FAULTS:  # a logarithm of 0, say
                return True
    return False


def as_rounded(gate: Gate, operands: list[Any], errors: Sequence[Any]) -> list[Any]:
    """The operands for the radius of a gate: an exponent that may be whole by rounding is not."""
    if gate.name == "pow" and errors[1] and operands[1] % 1 == 0:
        return [operands[0], operands[1] + OPEN]
    return operands


def delicate(
    run: Run, bounds: Bounds, output: int, arithmetic: Arithmetic | None = None
) -> set[int]:
    """The leaves whose gradient an exact tie may have made wrong.

    One gate at its kink is right: its convention lies between its slopes. Two of them, or a
    condition that is about to change, may combine into something that is no slope at all; and at
    the border of a domain only one of the slopes is there.
    """
    graph = run.machine.graph
    live = live_nodes(run, output)
    arithmetic = arithmetic or run.machine.arithmetic
    tied = [node for node in ties(run, bounds, arithmetic) if node in live]
    is_alone = len(tied) < 2 and not any(
        graph.gates[node].jump or graph.gates[node].name in ("where", "atan2") for node in tied
    )
    if not tied or (is_alone and not _at_borders(run, bounds, live, arithmetic)):
        return set()
    below: set[int] = set(tied)
    for node in range(max(tied), -1, -1):
        if node in below:
            below.update(graph.operands[node])
    return below


def live_nodes(run: Run, output: int) -> set[int]:
    """The nodes whose values reach the output; of a `where` only the branch taken."""
    graph, values = run.machine.graph, run.values
    live = {output}
    for node in range(output, -1, -1):
        if node in live:
            operands = graph.operands[node]
            if graph.gates[node].name == "where":
                operands = (operands[0], operands[1] if values[operands[0]] else operands[2])
            live.update(operands)
    return live
