"""The derivative as a limit, in many digits: what kind of point this is, and its slopes.

From each side f is evaluated at two or three distances, so short that truncation is far below
float64 and with so many digits that rounding is too; a bound on that comes with every value. No
step bends a gate or takes it over an edge, but for those that stand at a singular place, whose two
sides are what is looked for. Digits are added until two runs agree. Values only: local gradients
tell no more here than what rounding may have done.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable
from functools import partial
from random import Random
from typing import Any, NamedTuple

from gradcli.arithmetic.agreement import agree
from gradcli.arithmetic.digits import digits
from gradcli.arithmetic.floats import LEAST_SUBNORMAL, UNIT_ROUNDOFF
from gradcli.arithmetic.work import OutOfReachError
from gradcli.engine import Machine
from gradcli.evaluation.in_digits import SLOW, SURE, InDigits, hidden, is_within_reach
from gradcli.evaluation.moving import Change, Moving, is_finite
from gradcli.evaluation.orders import (
    FINENESS,
    depth,
    extent,
    fineness,
    infinite,
    log10,
    rounded,
    wholeness,
)
from gradcli.evaluation.sides import (
    AGREEMENT,
    Side,
    compared,
    is_buried,
    is_same_side,
    least_slope,
    of_logarithms,
    one_side,
    same,
    to_float,
)

DIGITS = (50, 100, 200, 400, 600, 1000)
LONG = 200  # digits whose steps are the longest for what is as slow as a logarithm
ONCE_MORE = 1250  # digits, for what has been lost below all but the last of these
PART = 4  # of the digits are the step, so that even its cube shows in a sum
BENEATH = (1, 2, 4)  # of (x - sin(x)) / x**3 a step away the cubes cancel, of others sixth powers
ENOUGH = 600  # digits at which a change that is lost in f means a slope below any float64
FINEST = 2_500  # orders: twice as many digits are taken, at some 20 ms for an exp
SLOWLY = 600  # orders where one of these is computed: they take ten to a hundred times as long
JOINT_DIGITS = 200
JOINT_SAMPLES = 64  # points around a kink of several inputs
JOINT_RANGE = 1e60  # of the sizes of those inputs, for which the digits suffice
MOST_TIED = 3
BITS = math.log2(10)  # of a decimal digit


class Limit(NamedTuple):
    """The point's kind (smooth, kink, border, infinite, jump, nan) and its one-sided slopes."""

    kind: str
    left: float
    right: float
    digits: int
    reason: str | None = None
    underflows: bool = False  # the slope is 0 to float64, and may be a number below it
    error: float = 0.0  # of the slopes in many digits
    may_hide: bool = False  # the slopes of both sides are 0 to float64, and may still be two

    @property
    def bound(self) -> float:
        """How far the slope may be from the truth, with its rounding to float64."""
        least = LEAST_SUBNORMAL if self.slope or self.underflows else 0.0
        return max(2 * UNIT_ROUNDOFF * abs(self.slope) + self.error, least)

    @property
    def slope(self) -> float:
        """The derivative, or the one-sided one at a border."""
        return self.right if math.isnan(self.left) else self.left

    @property
    def is_one_sided(self) -> bool:
        """Whether f has no value on one side."""
        return math.isnan(self.left) or math.isnan(self.right)

    @property
    def has_two_slopes(self) -> bool:
        """Whether the slopes of both sides differ, be they finite or not."""
        is_infinite = self.kind == "infinite" and self.left != self.right
        return self.kind == "kink" or (is_infinite and not self.is_one_sided)


class OutOfDigits(Exception):
    """No number of digits settles the matter; the message says why."""


def too_fine(most: int) -> OutOfDigits:
    """What is said where numbers have more orders than there are digits for."""
    return OutOfDigits(f"numbers of more than {most} decimal orders take too many digits")


def steepness(
    point: InDigits, gates: Iterable[int], powers: Collection[int], most: int,
    choosing: Iterable[int] = (),
) -> int:  # fmt: skip
    """The orders that steps need for what some gates make infinite to show itself.

    It may have a small part in f, and an exponent that is nearly one of the whole `powers`. So may
    the jumps of gates that are `choosing`. Raises OutOfDigits where these are more than `most`.
    """
    apart = wholeness(point, gates, powers)
    if apart is None:
        raise OutOfDigits(f"{SURE} digits do not tell an exponent from a whole number")
    may_be_infinite = gates if max(powers) > 1 else infinite(point, gates)
    orders = depth(point, (*may_be_infinite, *choosing)) + apart
    if orders > most:
        raise too_fine(most)
    return orders


def limit(point: InDigits, leaf: int, upstream: float = 1.0) -> Limit:
    """The one-sided derivatives of the output by a leaf.

    They are multiplied by `upstream`, in many digits too. Raises OutOfDigits when the runs do not
    agree within 1,000 digits (more where the program's numbers are tiny or huge) or mpmath cannot
    go on.
    """
    key = leaf, upstream
    if key not in point.limits:
        point.limits[key] = _searched(point, leaf, upstream)
    answer = point.limits[key]
    if isinstance(answer, str):
        raise OutOfDigits(answer)
    assert isinstance(answer, Limit)
    return answer


def _searched(point: InDigits, leaf: int, upstream: float) -> Limit | str:
    """The limit, or why it is not found."""
    if not point.graph.cone(leaf, point.output):
        return Limit("smooth", 0.0, 0.0, 0)
    near = point.taken
    try:
        return Search(near, leaf, moving_gates(near, leaf), upstream).limit()
    except (OutOfReachError, OutOfDigits) as trouble:
        return str(trouble)


def moving_gates(near: InDigits, leaf: int) -> list[int]:
    """The gates that a leaf moves where branches are taken; the output alone where it moves none.

    Whether the output has a value is asked of it in any case.
    """
    return near.graph.cone(leaf, near.output) or [near.output]


class Search:
    """The search for the slopes by one leaf, in more and more digits until two runs agree."""

    def __init__(self, point: InDigits, leaf: int, gates: list[int], upstream: float) -> None:
        self.point = point
        self.leaf = leaf
        self.gates = gates
        self.upstream = upstream
        computed = point.graph.gates[: point.output + 1]  # those that stand still, too
        is_slow = any(gate.name in SLOW for gate in computed)
        self.most = SLOWLY if is_slow else FINEST
        is_seen = is_within_reach(point.graph, point.hides)
        self.hides = point.hides if is_seen else 0
        self.trouble = None if is_seen else hidden(point.hides)
        self.beneath = 0  # times the digits, which are taken for what cancels a step away
        self.fine = fineness(point, leaf, gates)
        if self.fine > self.most:
            raise too_fine(self.most)
        moving = self._moving(DIGITS[0])
        self.at_border = moving.at_border
        self.is_tied = bool(moving.tied)
        if unsure := moving.unsure:
            self._look_for_edges(unsure)

    def _look_for_edges(self, unsure: list[int]) -> None:
        """Take the orders and digits that edges ask for which the first digits do not tell.

        Steps are not to take gates over them, and of `round(1e383 + x)` it takes 383 digits to see
        where they are. Raises OutOfDigits where these are too many.
        """
        sure = Moving(self.point, self.leaf, self.gates, SURE + self.hides)
        distances = sure.distances(unsure)
        known = [(log10(away), log10(size)) for away, size in distances if away and size]
        self.fine = max(self.fine, rounded(max([-away for away, _ in known], default=0.0)))
        digits = rounded(max([size - away for away, size in known], default=0.0))
        self.hides = max(self.hides, digits - DIGITS[0] if digits > DIGITS[0] else 0)
        if self.fine + self.hides > self.most:
            raise too_fine(self.most)

    def limit(self) -> Limit:
        """The limit that two runs agree on. Raises OutOfDigits.

        A value that is lost below the digits may still change by what stands above them.
        """
        try:
            return self._settled()
        except OutOfDigits:
            if self.trouble is None:
                raise
            raise OutOfDigits(self.trouble) from None

    def _settled(self) -> Limit:
        before = self._unearthed(self._first())
        was_lost = is_lost = False
        for count in (*DIGITS[1:], ONCE_MORE):
            was_lost, is_lost = is_lost, any(side.is_lost for side in before)
            if is_lost and count < ENOUGH:
                continue
            if count == ONCE_MORE and (is_lost or not was_lost):
                break
            moving = self._moving(count)
            sides, _ = self._measured(count, moving)
            least = least_slope(self.fine)
            left, right = (compared(*pair, least) for pair in zip(before, sides, strict=True))
            is_last = count >= DIGITS[-1]
            if is_lost and not is_last and moving.choosing:
                before = sides  # what is lost may be a jump
                continue
            if all(is_same_side(a, b, is_last) for a, b in zip(before, (left, right), strict=True)):
                at = combined(left, right, count)
                if at.kind == "jump" and not moving.may_jump():
                    raise OutOfDigits("f is too steep here for many digits to follow")
                return at
            before = sides
        if any(side.kind == "unclear" for side in before):
            raise OutOfDigits(self._unclear())
        return self._of_logarithms()

    def _of_logarithms(self) -> Limit:
        """The limit of what is too slow for steps that are shorter by a factor: 1 / log(x) at 0."""
        moving = self._moving(DIGITS[-1])
        sides, step = self._measured(DIGITS[-1], moving)[0], self._step(moving, LONG)
        left, right = (
            side if side.is_plain or side.kind == "outside" else self._slow(moving, h)
            for side, h in zip(sides, (-step, step), strict=True)
        )
        return combined(left, right, DIGITS[-1])

    def _slow(self, moving: Moving, step: Any) -> Side:
        side = None if self.fine else of_logarithms(partial(self._change, moving), step)
        if side is None:
            raise OutOfDigits(f"the slopes still change at {DIGITS[-1] + 2 * self.fine} digits")
        return side

    def _unclear(self) -> str:
        """Why a change is not known, in words."""
        values = self.point.bounded(DIGITS[0]).values
        for node in self.gates:
            for k in self.point.graph.operands[node]:
                if values[k].value != values[k].value and self.point.graph.gates[node].jump:
                    return (
                        f"{self.point.graph.gates[k].name} gives nan, with which nothing compares"
                    )
        return "f changes too little for many digits to tell"

    def _first(self) -> tuple[Side, Side]:
        """Both sides in the fewest digits, with steps that are short enough.

        Where they are not plain a gate may stand at a singular place, whose surroundings have the
        size of any number in the cone. So may a jump have that size. At a border an infinite slope
        may stand beside another, however large that is and however small its own part.
        """
        left, right = sides = self._followed()
        is_plain = left.is_plain and right.is_plain and same(left.slope, right.slope)
        choosing = self._moving(DIGITS[0]).choosing
        if not is_plain or self.at_border or choosing:
            steep = steepness(self.point, self.at_border, (1,), self.most, choosing)
            apart = extent(self.point, self.leaf, self.gates, self.at_border)
            finer = min(apart + steep, self.most)
            if finer > self.fine:
                self.fine = finer
                return self._followed()
        return sides

    def _unearthed(self, sides: tuple[Side, Side]) -> tuple[Side, Side]:
        """Both sides with digits that bring to light what is lost; as they are where none do.

        What a high power of the step divides, or adds to, loses as many digits as that power has.
        """
        if any(map(is_buried, sides)):
            for self.beneath in BENEATH:
                deeper, _ = self._measured(DIGITS[0], self._moving(DIGITS[0]))
                if not any(map(is_buried, deeper)):
                    return deeper
            self.beneath = 0
        return sides

    def _followed(self) -> tuple[Side, Side]:
        """Both sides in the fewest digits, with steps that no gate of the cone is too bent for.

        What is moved as far by a step that is shorter by many orders is moved by a jump before it.
        """
        before = math.inf
        while True:
            moving = self._moving(DIGITS[0])
            sides, excess = self._measured(DIGITS[0], moving)
            if not excess > 1 or (2 * excess > before and moving.may_jump()):
                return sides
            before = excess
            self.fine += FINENESS * math.ceil(max(log10(excess), 1.0) / FINENESS)
            if self.fine > self.most:
                raise too_fine(self.most)

    def _moving(self, count: int) -> Moving:
        """The leaf in so many digits, and two for each order that is resolved.

        One is for the step, the other for what a term of that size adds to f. Those that f hides
        come on top, and those for what cancels.
        """
        digits_taken = count * (1 + self.beneath) + 2 * self.fine + self.hides
        return Moving(self.point, self.leaf, self.gates, digits_taken)

    def _step(self, moving: Moving, count: int) -> Any:
        """The longest step: a power of two, which is added to the leaf without rounding."""
        size = abs(moving.x)
        order = -math.floor(log10(size)) if 0 < size < 1 and not self.fine else 0
        bits = math.ceil((count // PART + self.fine + order) * BITS)
        return (size * 0 + 2) ** -bits

    def _measured(self, count: int, moving: Moving) -> tuple[tuple[Side, Side], Any]:
        """Left and right, and by what factor the first, longest steps were too long.

        Both are outside where f has no value at the point itself.
        """
        if not is_finite(moving.base.value):
            side = Side("outside" if moving.has_no_value() else "unclear")
            return (side, side), 0
        step = self._step(moving, count)
        excesses = [step * 0]

        def change(h: Any) -> Change:
            changed = self._change(moving, h)
            if abs(h) == step and count == DIGITS[0]:  # far shorter steps are short enough
                excesses.append(moving.excess())
            return changed

        sides = [one_side(change, h, bool(self.at_border)) for h in (-step, step)]
        return (sides[0], sides[1]), max(excesses)

    def _change(self, moving: Moving, h: Any) -> Change:
        size, error = moving.change(h)
        return Change(size * self.upstream, error * abs(self.upstream))


def slopes_along(point: InDigits, leaves: list[int]) -> list[tuple[list[float], float, float]]:
    """The smallest and largest slope at a point along several directions of some leaves.

    Along a direction v every Clarke subgradient g has g.v between the smallest and the largest
    slope near the point (Clarke, Optimization and Nonsmooth Analysis, section 2.1). Where kinks of
    one kind meet, all of which open upwards or downwards, those are the slopes at the point itself,
    from both sides. Slopes at points around it, at distances far below float64, show where they are
    not: there no points are enough to meet all slopes. Returns (direction, smallest, largest), in
    the order of `leaves`, for the directions of which it is known; none for more than three leaves.
    Raises OutOfDigits when mpmath cannot go on.
    """
    point = point.taken
    inputs = point.inputs
    order = {leaf: k for k, leaf in enumerate(point.graph.inputs.values())}
    places = [order[leaf] for leaf in leaves]
    sizes = [abs(x) for x in inputs if x]
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

    def f(inputs: list[Any]) -> Any:
        return machine.run(inputs, stop).values[stop - 1]

    corners = [[x + near * rng.gauss(0, 1) for x in exact] for _ in range(JOINT_SAMPLES)]
    ranges = []
    try:
        bases = [(base, f(base)) for base in (exact, *corners)]
        for direction in directions:
            slopes = [(bases[0][1] - f(moved(exact, direction, -tiny))) / tiny]
            slopes += [(f(moved(base, direction, tiny)) - here) / tiny for base, here in bases]
            if not all(map(is_finite, slopes)):
                continue
            left, right, *around = map(to_float, slopes)
            low, high = sorted((left, right))
            room = AGREEMENT * max(abs(low), abs(high))
            if low - room <= min(around) and max(around) <= high + room:
                ranges.append((direction, low, high))
    except OutOfReachError as trouble:
        raise OutOfDigits(str(trouble)) from None
    return ranges


def combined(left: Side, right: Side, count: int) -> Limit:
    """The limit that two sides make."""
    kinds = {left.kind, right.kind}
    underflows, error = left.underflows or right.underflows, max(left.error, right.error)
    is_lost = left.is_lost or right.is_lost
    may_hide = underflows and (is_lost or not agree(left.plain, right.plain, AGREEMENT))
    if "jump" in kinds:
        return Limit("jump", left.slope, right.slope, count)
    if kinds == {"outside"}:
        return Limit("nan", math.nan, math.nan, count)
    if "infinite" in kinds:
        return Limit("infinite", left.slope, right.slope, count)
    if "outside" in kinds:
        return Limit("border", left.slope, right.slope, count, None, underflows, error)
    if not same(left.slope, right.slope):
        return Limit("kink", left.slope, right.slope, count, None, underflows, error)
    apart = abs(left.slope - right.slope) if left.slope != right.slope else 0.0
    return Limit(
        "smooth", left.slope, right.slope, count, None, underflows, error + apart, may_hide
    )
