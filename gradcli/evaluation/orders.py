"""How many decimal orders the numbers of a point reach: steps have to be shorter than all of them.

A large factor c makes structure as thin as 1/c; what is multiplied by a small one shows itself
beside other terms where these have shrunk as far.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable
from typing import Any, NamedTuple

from gradcli.arithmetic.bounds.bounded import Bounded
from gradcli.arithmetic.work import OutOfReachError
from gradcli.engine import Run, backward, local_gradients
from gradcli.evaluation.in_digits import FEW, SURE, InDigits
from gradcli.evaluation.moving import is_finite
from gradcli.evaluation.sweeps import Bounding
from gradcli.graph.nodes import Graph

ORDINARY = 12  # decimal orders below 1 that the first steps resolve anyway
OF_FLOAT64 = 350  # orders that the program's own inputs may have: 5e-324
FINENESS = 50  # finer scales are rounded up to so many orders, so that few precisions are in use
STRAIGHT = ("add", "sub", "mul", "div", "neg", "copy")  # gates that bend nothing
NEARLY_WHOLE = 1e-3  # nearer exponents are a matter of their own digits
BEYOND = 10**300  # binary orders, more than any number has but a tower of powers


def fineness(point: InDigits, leaf: int, gates: list[int]) -> int:
    """How many orders below 1 the numbers reach that a leaf's cone `gates` meets; 0 if ordinary.

    They are the leaf itself, and of all that is computed without it what its gates take. Where they
    are more than float64 has, what only multiplies f, or is added to it, is left out: it makes
    nothing thinner.
    """
    met = _met(point, leaf, gates)
    orders = _of_values(point, met)
    if orders > OF_FLOAT64:
        reached = point.graph.reaches(_bent(point.graph, leaf, gates))
        orders = _of_values(point, [node for node in met if reached[node]])
    return orders


def _met(point: InDigits, leaf: int, gates: list[int]) -> set[int]:
    """A leaf, and what the gates of its cone take besides each other.

    Of a number that may be rounding also what it is computed from: it may be as small.
    """
    graph, values = point.graph, point.bounded(FEW).values
    met = {leaf, *(k for node in gates for k in graph.operands[node])} - {*gates}
    return met | {*graph.ancestors([k for k in met if _may_be_rounding(values[k])])}


def _may_be_rounding(x: Bounded) -> bool:
    return bool(x.error) and not abs(x.value) > x.error


def _bent(graph: Graph, leaf: int, gates: list[int]) -> int:
    """The node of a cone of which f is a constant multiple, but for a constant added to it."""
    moving, node = {leaf, *gates}, gates[-1]
    while node != leaf and graph.gates[node].name in STRAIGHT:
        operands = graph.operands[node]
        inner = [k for k in operands if k in moving]
        if len(inner) != 1 or (graph.gates[node].name == "div" and operands[1] in moving):
            break
        node = inner[0]
    return node


def _of_values(point: InDigits, nodes: Iterable[int]) -> int:
    """The orders of the values of some nodes; those inputs are part of count as in float64.

    What a difference leaves below the first digits is sought in more of them.
    """
    values, active = point.bounded(FEW).values, point.graph.active
    leaves = {*point.graph.inputs.values()}
    reached = 0.0
    for node in nodes:
        order = abs(_order(values[node]))
        if _may_be_rounding(values[node]):
            order = max(0.0, -_order(point.bounded(SURE).values[node]))
        if order <= OF_FLOAT64 or not active[node] or node in leaves:
            reached = max(reached, order)
    return rounded(reached)


class Gradient(NamedTuple):
    """The orders of the gradient and the local gradients of a gate; whether one is infinite."""

    order: float
    local: list[float]
    is_infinite: bool


def extent(point: InDigits, leaf: int, gates: list[int], singular: Collection[int] = ()) -> int:
    """The orders from the smallest to the largest number that a leaf's cone `gates` meets.

    They are the values, the local gradients, and the gradients of f by each gate, as far as float64
    goes: what a small one of these multiplies lies as far below all else. Beside a power x**p of
    the `singular` gates c*x shows itself from c**(1/(p - 1)) on: 1e-5*x beside x**1.1 below 1e-50.
    """
    gradients = _gradients(point)
    known = [gradients[node] for node in gates if node in gradients]
    orders = [order for gradient in known for order in (gradient.order, *gradient.local)]
    reached = [0.0, *(order for order in orders if abs(order) <= OF_FLOAT64)]
    of_slopes = (max(reached) - min(reached)) / _least_apart(point, singular)
    return max(_of_values(point, [*_met(point, leaf, gates), *gates]), rounded(of_slopes))


def _least_apart(point: InDigits, gates: Iterable[int]) -> float:
    """How near exponents of some gates come to a whole number; 1 where none is between two."""
    known = [point.bounded(FEW).values[point.graph.operands[node][1]].value for node in gates
             if point.graph.gates[node].name == "pow"]  # fmt: skip
    parts = [float(abs(x - x.context.nint(x))) for x in known if is_finite(x)]
    return min([part for part in parts if part > NEARLY_WHOLE], default=1.0)


def depth(point: InDigits, gates: Iterable[int]) -> int:
    """The orders that the smallest of the gradients of f by some gates is below 1, however many.

    Those of the gates that these move count, too: by what a square takes f has no gradient where
    that is 0, and near there it has one of the size of that by the square.
    """
    gradients, cone = _gradients(point), point.graph.cone
    moved = {node for gate in gates for node in (gate, *cone(gate, point.output))}
    return rounded(max([-gradients[node].order for node in moved if node in gradients], default=0))


def wholeness(point: InDigits, gates: Iterable[int], powers: Collection[int]) -> int | None:
    """The orders below 1 by which exponents of some gates miss one of the whole `powers`.

    0 where none nearly is one of them; None where no number of digits tells one from it.
    """
    apart = 0.0
    for node in gates:
        if point.graph.gates[node].name == "pow":
            exponent = point.graph.operands[node][1]
            away = _apart(point.bounded(FEW).values[exponent], powers)
            if math.isinf(away):
                away = _apart(point.bounded(SURE).values[exponent], powers)
            apart = max(apart, away)
    return None if math.isinf(apart) else rounded(apart)


def _apart(exponent: Bounded, powers: Collection[int]) -> float:
    if not is_finite(exponent.value):
        return 0.0
    near = exponent.value.context.nint(exponent.value)
    away = abs(exponent.value - near)
    if near not in powers or not (away or exponent.error):
        return 0.0
    return -log10(away) if away > exponent.error else math.inf


def infinite(point: InDigits, gates: Iterable[int]) -> set[int]:
    """Those of some gates that have an infinite slope; f has one, too, however small their part."""
    gradients = _gradients(point)
    return {node for node in gates if node in gradients and gradients[node].is_infinite}


def _gradients(point: InDigits) -> dict[int, Gradient]:
    """The gradients by the gates of a point, worked out once; none where they are out of reach."""
    if point.gradients is None:
        run = _swept(point)
        point.gradients = {} if run is None else _of_run(run, point.output)
    gradients: dict[int, Gradient] = point.gradients
    return gradients


def _of_run(run: Run, output: int) -> dict[int, Gradient]:
    graph, gradients = run.machine.graph, dict[int, Gradient]()
    nodes = [node for node in graph.gate_nodes() if node <= output and graph.active[node]]
    for node, local in local_gradients(run, nodes).items():
        slopes = [slope for slope in local if slope is not None]
        is_infinite = not all(is_finite(slope.value) for slope in slopes)
        orders = [_order(slope) for slope in slopes]
        gradients[node] = Gradient(_order(run.gradients[node]), orders, is_infinite)
    return gradients


def _swept(point: InDigits) -> Run | None:
    """Values and gradients with bounds on their errors, None where they are out of reach."""
    try:
        run = Bounding(point.graph, FEW).run(point.inputs, point.output + 1)
        backward(run, point.output, run.machine.arithmetic.number(1.0))
    except (OutOfReachError, OverflowError):
        return None
    return run


def _order(x: Any) -> float:
    """The decimal logarithm of the size of a number with an error; 0 where it may be none."""
    size = abs(x.value)
    return log10(size) if size and is_finite(size) and size > x.error else 0.0


def rounded(orders: float) -> int:
    """Orders in steps of some, so that few precisions are in use; 0 for those of any step."""
    return 0 if orders <= ORDINARY else FINENESS * math.ceil(orders / FINENESS)


def log10(x: Any) -> float:
    """The decimal logarithm of a positive mpmath number of any size."""
    mantissa, exponent = x.context.frexp(x)
    order = max(-BEYOND, min(int(exponent), BEYOND))  # of a tower of powers it is no float
    return math.log10(mantissa) + order * math.log10(2.0)
