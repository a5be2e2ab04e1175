"""The derivative as a limit, in many digits: what kind of point this is, and its slopes.

From each side f is evaluated at two distances h and h/1000, with h so small that truncation is
far below float64 and with so many digits that rounding is too. The exponent p in
|f(x+h) - f(x)| ~ h**p tells what happens there: p = 0 a jump, p < 1 an infinite slope, p = 1 a
slope, p > 1 slope zero. The first h lies below the smallest number in sight, and digits are added
until two runs agree, so that structure smaller than the first h is found as well. Values only: no
local gradient is used.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from random import Random
from typing import Any, NamedTuple

from gradcli.arithmetic.agreement import agree
from gradcli.arithmetic.digits import digits
from gradcli.arithmetic.floats import UNIT_ROUNDOFF
from gradcli.arithmetic.special import OutOfReachError
from gradcli.engine import Machine, Run
from gradcli.evaluation.in_digits import InDigits, hidden, is_within_reach
from gradcli.graph.nodes import Graph

DIGITS = (50, 100, 200, 400, 600, 1000)
ENOUGH = 600  # digits at which a change that is lost in f means a slope below any float64
RATIO = 1000  # between the two distances
ORDINARY = 12  # decimal orders below 1 that the first steps resolve anyway
OF_FLOAT64 = 350  # orders that the program's own inputs may have: 5e-324
FINEST = 2_500  # orders: twice as many digits are taken, at some 20 ms for an exp
SLOW = ("gamma", "lgamma", "digamma", "polygamma", "erf", "erfc", "ncdf")
SLOWLY = 600  # orders where one of these is computed: they take ten to a hundred times as long
STRAIGHT = ("add", "sub", "mul", "div", "neg", "copy")  # gates that bend nothing
FINENESS = 50  # finer scales are rounded up to so many orders, so that few precisions are in use
AGREEMENT = 1e-9  # between the slopes of two runs: far below any tolerance
JOINT_DIGITS = 200
JOINT_SAMPLES = 64  # points around a kink of several inputs
JOINT_RANGE = 1e60  # of the sizes of those inputs, for which the digits suffice
MOST_TIED = 3
MARGIN = 10.0  # the bound at x against the one a step away
VANISHING = 330  # a slope below 10**-330 is 0 in float64
SAME_BEND = 0.01  # relative: the steps differ by many orders, and a smooth bend with them
JUMP, SLOPE = 0.02, 0.95  # exponents that divide jump, infinite slope and slope
FLAT = 1.05
ABOVE_NOISE = 100.0  # times the noise: a slope that is more than an accident
SHRINKING = (
    0.15  # what a power of the step, with an exponent of 0.05, shrinks by to the next digits
)
JUMPING = ("where", "atan2")  # besides the gates with a `jump`, those at a pole and powers of 0
BEYOND = 10**300  # binary orders, more than any number has but a tower of powers


class Side(NamedTuple):
    """What f does on one side: slope, infinite, jump, or outside (of the domain)."""

    kind: str
    slope: float
    is_lost: bool = False  # the change was too small to show: slope 0, or one that is tiny
    bend: float = 0.0  # by what part the change over 1000 steps is more than 1000 changes over one
    is_flat: bool = False  # f changes less and less: `rest` is the slope below all that vanishes
    rest: float = 0.0


class Limit(NamedTuple):
    """The point's kind (smooth, kink, border, infinite, jump, nan) and its one-sided slopes."""

    kind: str
    left: float
    right: float
    digits: int
    reason: str | None = None

    @property
    def slope(self) -> float:
        """The derivative, or the one-sided one at a border."""
        return self.right if math.isnan(self.left) else self.left


class OutOfDigits(Exception):
    """No number of digits settles the matter; the message says why."""


def _fineness(point: InDigits, leaf: int, gates: list[int]) -> int:
    """How many decimal orders below 1 the numbers reach that a leaf's cone `gates` sees.

    They are the inputs and all that is computed from constants alone; a large factor c makes
    structure as thin as 1/c. Where the program's are more than float64 has, what only multiplies
    f, or is added to it, is left out: it makes nothing thinner. Raises OutOfDigits where too many
    remain.
    """
    graph = point.graph
    orders = _orders(point, range(point.output + 1))
    if orders <= OF_FLOAT64:
        return orders
    reached = graph.reaches(_bent(graph, leaf, gates))
    orders = _orders(point, [node for node, is_reached in enumerate(reached) if is_reached])
    most = SLOWLY if any(graph.gates[node].name in SLOW for node in gates) else FINEST
    if orders > most:
        raise OutOfDigits(f"numbers of more than {most} decimal orders take too many digits")
    return orders


def _orders(point: InDigits, nodes: Iterable[int]) -> int:
    """The orders of the numbers among some nodes, rounded up; 0 if they are ordinary."""
    values, active = point.run(DIGITS[0]).values, point.graph.active
    leaves = {*point.graph.inputs.values()}
    constants = [values[node] for node in nodes if not active[node] or node in leaves]
    finest = max([abs(_log10(abs(x))) for x in constants if x and _is_finite(x)], default=0.0)
    return 0 if finest <= ORDINARY else FINENESS * math.ceil(finest / FINENESS)


def _bent(graph: Graph, leaf: int, gates: list[int]) -> int:
    """The node of a cone of which f is a constant multiple, but for a constant added to it."""
    moving, node = {leaf, *gates}, gates[-1]
    while node != leaf and graph.gates[node].name in STRAIGHT:
        operands = graph.operands[node]
        inner = [k for k in operands if k in moving]
        if len(inner) > 1 or (graph.gates[node].name == "div" and operands[1] in moving):
            break
        node = inner[0]
    return node


def limit(point: InDigits, leaf: int, bound: float = math.inf, upstream: float = 1.0) -> Limit:
    """The one-sided derivatives of the output by a leaf.

    They are multiplied by `upstream`, in many digits too.

    `bound` is that on the rounding error of the output in float64, where it is known: the same
    terms round in many digits, only less.

    Raises OutOfDigits when the runs do not agree within 1,000 digits (more where the program's
    numbers are tiny or huge) or mpmath cannot go on.
    """
    gates = point.graph.cone(leaf, point.output)
    if not gates:
        return Limit("smooth", 0.0, 0.0, 0)
    before: tuple[Side, Side] | None = None
    try:
        fine = _fineness(point, leaf, gates)
        for count in DIGITS:
            if before is not None and count < ENOUGH and any(side.is_lost for side in before):
                continue
            sides = _sides(point, leaf, gates, count, fine, bound, upstream)
            if sides is None:
                return Limit("nan", math.nan, math.nan, count)
            if before is not None:
                sides = _compared(before[0], sides[0]), _compared(before[1], sides[1])
            if before is not None and _agree(before, sides, count):
                at = _combine(*sides, count)
                run = point.run(count + 2 * fine + point.hides)
                if at.kind == "jump" and not _may_jump(run, gates):
                    raise OutOfDigits("f is too steep here for many digits to follow")
                return at
            before = sides
    except OutOfReachError:
        raise OutOfDigits("an operand is too large for many-digit arithmetic") from None
    raise OutOfDigits(f"the slopes still change at {DIGITS[-1] + 2 * fine} digits")


def _may_jump(run: Run, gates: list[int]) -> bool:
    """Whether some gate can jump where it stands: all others are continuous where finite."""
    graph, values = run.machine.graph, run.values
    return any(
        graph.gates[node].jump
        or graph.gates[node].name in JUMPING
        or not _is_finite(values[node])
        or (graph.gates[node].name == "pow" and not values[graph.operands[node][0]])
        for node in gates
    )


def _sides(
    point: InDigits,
    leaf: int,
    gates: list[int],
    count: int,
    fine: int,
    bound: float,
    upstream: float,
) -> tuple[Side, Side] | None:
    """Left and right at so many digits; None where f has no value at the point itself.

    The `fine` orders are added to the shortness of the steps, and twice to the
    digits: once for the step, once for what a term of that size adds to f.
    """
    output, digits_taken = point.output, count + 2 * fine + point.hides
    if not is_within_reach(point.graph, point.hides):
        raise OutOfDigits(hidden(point.hides))
    run = point.run(digits_taken)
    arithmetic, base = run.machine.arithmetic, run.values[output]
    if not _is_finite(base):
        if point.result(digits_taken).error:
            raise OutOfDigits("f is not known here: many digits do not tell it from a pole")
        return None
    x = run.values[leaf]
    scale = min(abs(x), 1) if x else 1  # never more than 1, or floor would be stepped over
    step = scale * arithmetic.number(10.0) ** -(count // 3 + fine)

    unit = arithmetic.number(10.0) ** -digits_taken
    error = math.inf if math.isfinite(bound) else point.result(digits_taken).error
    if math.isfinite(bound):
        noise = unit * arithmetic.number(bound) * (MARGIN / UNIT_ROUNDOFF)
    elif error < math.inf:  # float64 overflows on the way
        noise = MARGIN * arithmetic.number(error)
    else:  # of a constant that has none of its digits: take the largest finite value there is
        sizes = [abs(run.values[node]) for node in gates if _is_finite(run.values[node])]
        noise = unit * MARGIN * max(sizes, default=arithmetic.zero)
    if count > ENOUGH and noise > step * arithmetic.number(10.0) ** -VANISHING:
        raise OutOfDigits("f changes too little for many digits to tell")

    def change(h: Any) -> Any:
        difference = _evaluate(run, gates, leaf, x + h, output) - base
        return (difference if not abs(difference) <= noise else difference * 0) * upstream

    left, right = (
        _side(change, sign * step, ABOVE_NOISE * noise * abs(upstream)) for sign in (-1, 1)
    )
    return left, right


def slopes_along(point: InDigits, leaves: list[int]) -> list[tuple[list[float], float, float]]:
    """The smallest and largest slope at and near a point along several directions of some leaves.

    Slopes are taken at the point itself, from both sides, and at many points around it, at
    distances far below float64. Along a direction v every Clarke subgradient g has g.v between
    the two (Clarke, Optimization and Nonsmooth Analysis, section 2.1). Returns (direction,
    smallest, largest) for each direction, in the order of `leaves`; none for more than three, whose
    corners are too many to meet them all. Raises OutOfDigits when mpmath cannot go on.
    """
    inputs = point.inputs
    order = {leaf: k for k, leaf in enumerate(point.graph.inputs.values())}
    places = [order[leaf] for leaf in leaves]
    sizes = [abs(inputs[k]) for k in places if inputs[k]]
    smallest, largest = min([1.0, *sizes]), max([1.0, *sizes])
    if len(places) > MOST_TIED or largest > JOINT_RANGE * smallest:
        return []
    arithmetic = digits(JOINT_DIGITS)
    machine = Machine(point.graph, arithmetic)
    near, tiny = (smallest * arithmetic.number(10.0) ** -n for n in (20, 60))
    rng = Random(0)  # the same directions for the same question, always
    ones = [1.0] * len(places)
    pair = [1.0, -1.0, *([0.0] * (len(places) - 2))]
    directions = [ones, pair, *([rng.gauss(0, 1) for _ in places] for _ in range(2))]
    exact, stop = [arithmetic.number(x) for x in inputs], point.output + 1

    def moved(base: list[Any], steps: list[float], size: Any) -> list[Any]:
        there = base.copy()
        for place, step in zip(places, steps, strict=True):
            there[place] = there[place] + size * step
        return there

    def slope(base: list[Any], direction: list[float], size: Any) -> Any:
        there = machine.run(moved(base, direction, size), stop).values[stop - 1]
        return (there - machine.run(base, stop).values[stop - 1]) / size

    corners = [moved(exact, [rng.gauss(0, 1) for _ in places], near) for _ in range(JOINT_SAMPLES)]
    ranges = []
    try:
        for direction in directions:
            slopes = [slope(exact, direction, tiny), slope(exact, direction, -tiny)]
            slopes += [slope(corner, direction, tiny) for corner in corners]
            known = [_to_float(s) for s in slopes if _is_finite(s)]
            if known:
                ranges.append((direction, min(known), max(known)))
    except OutOfReachError:
        raise OutOfDigits("an operand is too large for many-digit arithmetic") from None
    return ranges


def _evaluate(run: Run, gates: list[int], leaf: int, x: Any, output: int) -> Any:
    """The output with the leaf moved to x; the run's values are put back where they were."""
    values, machine = run.values, run.machine
    kept = [values[node] for node in gates]
    here = values[leaf]
    values[leaf] = x
    operands, forwards = machine.graph.operands, machine.forwards
    for node in gates:
        values[node] = forwards[node](values, operands[node])  # type: ignore[misc]
    f = values[output]
    values[leaf] = here
    for node, value in zip(gates, kept, strict=True):
        values[node] = value
    return f


def _side(change: Callable[[Any], Any], far_step: Any, noise: Any) -> Side:
    """The kind of one side from the change of f at 1000 steps and at one step.

    Where f changes faster than in proportion a slope may still lie below: as in x**1.1 + x/1e5,
    whose power is the larger one down to 1e-50. It is extrapolated from three steps; `noise` is a
    change that means nothing.
    """
    step = far_step / RATIO
    far, near = change(far_step), change(step)
    if not (_is_finite(far) and _is_finite(near)):
        return Side("outside", math.nan)
    if not near:
        return Side("slope", 0.0, is_lost=True)
    if not far:
        return Side("jump", math.nan)
    ratio = abs(far / near)
    exponent = _log10(ratio) / math.log10(RATIO)
    if exponent < JUMP:
        return Side("jump", math.nan)
    if exponent < SLOPE:
        return Side("infinite", math.copysign(math.inf, float(near / abs(near)) * _sign(step)))
    if exponent > FLAT:
        least = step / RATIO
        slope = _extrapolated(far / far_step, near / step, change(least) / least)
        rest = _to_float(slope) if abs(slope * least) > noise else 0.0
        return Side("slope", rest, is_flat=True, rest=rest)
    return Side("slope", _to_float(near / step), bend=_to_float(ratio / RATIO - 1))


def _extrapolated(first: Any, second: Any, third: Any) -> Any:
    """The limit of three slopes that differ from it by a power of the step (Aitken)."""
    bend = first + third - 2 * second
    return third - (third - second) ** 2 / bend if bend else third


def _compared(before: Side, side: Side) -> Side:
    """A side in the light of the same side in fewer digits, whose steps are far longer.

    The bend of a smooth function shrinks with the step, that of a power x**p stays what it is:
    with an exponent near 1 its slope is infinite, or 0. What is left of a flat side is its slope
    where it stays, and 0 where it shrinks as another power does.
    """
    if before.bend and side.bend and abs(side.bend / before.bend - 1) < SAME_BEND:
        if side.bend > 0:
            return side._replace(slope=0.0)
        return side._replace(kind="infinite", slope=math.copysign(math.inf, side.slope))
    if before.is_flat and side.is_flat and abs(side.rest) <= SHRINKING * abs(before.rest):
        return side._replace(slope=0.0)
    return side


def _agree(one: tuple[Side, Side], two: tuple[Side, Side], count: int) -> bool:
    """Whether two runs, the later with `count` digits, say the same of both sides."""
    if count <= ENOUGH and any(side.is_lost for side in two):
        return False
    return all(
        a.kind == b.kind and (a.kind != "slope" or _same(a.slope, b.slope) or _vanishes(b))
        for a, b in zip(one, two, strict=True)
    )


def _vanishes(side: Side) -> bool:
    """Whether what is left of a flat side has been seen to shrink."""
    return side.is_flat and side.rest != side.slope == 0.0


def _same(a: float, b: float) -> bool:
    """Whether two slopes are one; two beyond any float64 are as far as can be told."""
    return a == b or agree(a, b, AGREEMENT, 5e-324)


def _combine(left: Side, right: Side, count: int) -> Limit:
    kinds = {left.kind, right.kind}
    if "jump" in kinds:
        return Limit("jump", left.slope, right.slope, count)
    if kinds == {"outside"}:
        return Limit("nan", math.nan, math.nan, count)
    if "infinite" in kinds:
        return Limit("infinite", left.slope, right.slope, count)
    if "outside" in kinds:
        return Limit("border", left.slope, right.slope, count)
    kind = "smooth" if _same(left.slope, right.slope) else "kink"
    return Limit(kind, left.slope, right.slope, count)


def _is_finite(x: Any) -> bool:
    return bool(x - x == 0)  # false for inf and nan alike


def _log10(x: Any) -> float:
    """The decimal logarithm of a positive mpmath number of any size."""
    mantissa, exponent = x.context.frexp(x)
    order = max(-BEYOND, min(int(exponent), BEYOND))  # of a tower of powers it is no float
    return math.log10(mantissa) + order * math.log10(2.0)


def _sign(x: Any) -> int:
    return 1 if x > 0 else -1


def _to_float(x: Any) -> float:
    """The nearest float64; infinite where it is larger than any."""
    try:
        return float(x)
    except OverflowError:
        return math.copysign(math.inf, _sign(x))
