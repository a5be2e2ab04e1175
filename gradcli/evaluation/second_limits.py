"""A second derivative as a limit, in many digits, from values alone.

An entry of a Hessian is the derivative along one input of the slope by another. That slope is a
limit of its own: at each of the distances along the one input that `limits` looks at, f is
evaluated a step apart along the other that is shorter by all digits. No local gradient is used, and
at a tie no convention: the slope at the point itself is taken on the side that is looked at.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from gradcli.arithmetic.work import OutOfReachError
from gradcli.evaluation.in_digits import InDigits
from gradcli.evaluation.limits import (
    BITS,
    Limit,
    OutOfDigits,
    Search,
    combined,
    moving_gates,
    steepness,
)
from gradcli.evaluation.moving import Change, Moving, is_finite
from gradcli.evaluation.orders import extent, infinite
from gradcli.evaluation.sides import (
    AGREEMENT,
    KNOWN,
    RATIO,
    VANISHING,
    Side,
    compared,
    is_same_side,
    least_slope,
    one_side,
)
from gradcli.graph.nodes import Graph

LADDER = (40, 80, 160, 320, 640)  # digits of a result; the values have two and a half times as many
ONCE_MORE = 800  # digits, for what has been lost below all but the last of these
ENOUGH = 600  # digits at which a change that is lost means a derivative below any float64
APART = 14  # orders between the shortest distance along the one input and the step along the other
BELOW = 20  # orders below what vanishes in float64, for the step where a change is lost
SPARE = (1, 2, 4)  # times the digits, where f loses more than it should
TINY = 10.0**-300  # an error of a slope below it, at distances above, loses nothing
ADDITIVE = ("add", "sub", "neg", "copy")  # gates that never make two inputs meet


class SecondLimits:
    """The second derivatives of the output of a point, one by one."""

    __slots__ = ("_entries", "_first", "_whole", "point", "work")

    def __init__(self, point: InDigits) -> None:
        self.point = point.taken
        self._whole = point.graph
        self._first: dict[int, tuple[Limit | OutOfDigits, Search]] = {}
        self._entries: dict[tuple[int, int], Limit | OutOfDigits] = {}
        self.work = 0  # gates of the cones that have been evaluated in many digits

    def meets(self, by: int, along: int) -> bool:
        """Whether the second derivative by two leaves can be other than 0."""
        return meet(self._whole, by, along, _both(self._whole, by, along, self.point.output))

    def knows(self, by: int, along: int) -> bool:
        """Whether the limit has been found, or searched for, already."""
        return (by, along) in self._entries

    def limit(self, by: int, along: int) -> Limit:
        """The one-sided derivatives, by the leaf `along`, of the slope of f by the leaf `by`.

        A kind that is neither smooth nor border means that there is no second derivative; the
        reason says why where the slope itself does not exist. Raises OutOfDigits where no number of
        digits settles it.
        """
        if (by, along) not in self._entries:
            try:
                self._entries[by, along] = self._limit(by, along)
            except OutOfDigits as trouble:
                self._entries[by, along] = trouble
            except OutOfReachError as trouble:
                self._entries[by, along] = OutOfDigits(str(trouble))
        return _found(self._entries[by, along])

    def _limit(self, by: int, along: int) -> Limit:
        if not self.meets(by, along):
            return Limit("smooth", 0.0, 0.0, 0)
        at, search = self._slopes(by)
        first = _found(at)
        if first.kind not in ("smooth", "border"):
            return first._replace(reason=_missing(first))
        gates = _both(self.point.graph, by, along, self.point.output)
        if not meet(self.point.graph, by, along, gates):
            return Limit("smooth", 0.0, 0.0, 0)
        self.work += len(gates) * (1 if by == along else 2)
        entry = _Entry(self.point, by, along, gates, [search, self._slopes(along)[1]])
        if by == along:
            second = entry.limit(None)
        else:
            inner = [1, -1] if first.kind == "smooth" else [1 if math.isnan(first.left) else -1]
            second = _joined([entry.limit(way) for way in inner])
        if first.may_hide and search.is_tied and second.kind == "smooth" and not second.slope:
            raise OutOfDigits("f may have a kink here, whose slopes are below any float64")
        return second

    def _slopes(self, leaf: int) -> tuple[Limit | OutOfDigits, Search]:
        """The slopes by a leaf, or why they are not known, and the search for them."""
        if leaf not in self._first:
            gates = moving_gates(self.point, leaf)
            self.work += len(gates)
            search = Search(self.point, leaf, gates, 1.0)
            try:
                at: Limit | OutOfDigits = search.limit()
            except OutOfDigits as trouble:
                at = trouble
            self._first[leaf] = at, search
        return self._first[leaf]


def _both(graph: Graph, one: int, other: int, output: int) -> list[int]:
    """The gates that either of two leaves moves."""
    return sorted({*graph.cone(one, output), *graph.cone(other, output)})


def _agree(before: Side, side: Side, count: int) -> bool:
    """Whether two runs say the same of a side, or the last one that it vanishes in float64."""
    vanishes = side.kind == "slope" and side.slope == 0 and count > ENOUGH
    is_nothing = before.kind == "unclear" or (before.kind == "slope" and before.slope == 0)
    return is_same_side(before, side, count >= LADDER[-1]) or (vanishes and is_nothing)


def _found(at: Limit | OutOfDigits) -> Limit:
    if isinstance(at, OutOfDigits):
        raise at
    return at


def meet(graph: Graph, one: int, other: int, gates: Sequence[int]) -> bool:
    """Whether the second derivative by two leaves can be other than 0.

    It is 0 where no gate of their cones multiplies or bends what both move. The last of the `gates`
    is the output.
    """
    marks = {one: 1, other: 2} if one != other else {one: 3}
    bent: set[int] = set()
    for node in gates:
        operands, name = graph.operands[node], graph.gates[node].name
        moving = [marks[k] for k in operands if k in marks]
        marks[node] = 0
        for mark in moving:
            marks[node] |= mark
        is_linear = name in ADDITIVE or (
            len(moving) == 1 and (name == "mul" or (name == "div" and operands[0] in marks))
        )
        if not bent.isdisjoint(operands) or (marks[node] == 3 and not is_linear):
            bent.add(node)
    return bool(gates) and gates[-1] in bent


def _missing(first: Limit) -> str:
    """Why there is no slope to differentiate."""
    if first.kind == "kink":
        return f"f has a kink here, with slopes {first.left:.6g} and {first.right:.6g}"
    return {"jump": "f jumps here", "infinite": "the slope of f is infinite here"}.get(
        first.kind, "f has no slope here"
    )


def _joined(limits: Sequence[Limit]) -> Limit:
    """The limits of the slopes on both sides of an input, as one; a side outside does not count."""
    inside = [at for at in limits if at.kind != "nan"]
    if not inside:
        return limits[0]._replace(reason="f has no slope near here")
    odd = [at for at in inside if at.kind not in ("smooth", "border", "kink")]
    if odd:
        return odd[0]
    slopes = [x for at in inside for x in (at.left, at.right) if not math.isnan(x)]
    low, high = min(slopes), max(slopes)
    is_one = low == high or high - low <= AGREEMENT * max(-low, high)  # both may be infinite
    if all(at.kind != "kink" for at in inside) and is_one:
        return inside[0]
    return Limit("kink", low, high, max(at.digits for at in inside))


class _NoSlope(Exception):
    """Beside the point f has no slope: it jumps there."""


class _Entry:
    """One entry of a Hessian, whose slopes are taken in as many digits as it needs."""

    def __init__(
        self, point: InDigits, by: int, along: int, gates: list[int], searches: Sequence[Search]
    ) -> None:
        self.point = point
        self.by = by
        self.along = along
        self.gates = gates
        one, other = ({*search.at_border} for search in searches)
        self.at_border = one & other  # gates that both inputs move
        self.fine = max(search.fine for search in searches)  # orders of the numbers in sight
        if one or other:
            most = min(search.most for search in searches)
            self.at_border |= infinite(point, one | other)
            deep = steepness(point, self.at_border, (1, 2), most)
            self.fine = max(self.fine, min(extent(point, along, gates) + deep, most))

    def limit(self, way: int | None) -> Limit:
        """The slope is taken on one side of the leaf `by`, on that of the distance if None."""
        before: tuple[Side, Side] | None = None
        was_lost = is_lost = False
        for count in (*LADDER, ONCE_MORE):
            was_lost, is_lost = is_lost, any(side.is_lost for side in before or ())
            if is_lost and count < ENOUGH:
                continue
            if count == ONCE_MORE and (is_lost or not was_lost):
                break
            left, right = self._sides(count, way)
            if before is not None:
                least = least_slope(self.fine)
                left, right = compared(before[0], left, least), compared(before[1], right, least)
                if _agree(before[0], left, count) and _agree(before[1], right, count):
                    return combined(left, right, count)
            before = left, right
        if before is not None and any(side.kind == "unclear" for side in before):
            raise OutOfDigits("f changes too little for many digits to tell")
        raise OutOfDigits(f"the slopes of the gradient still change at {LADDER[-1]} digits")

    def _sides(self, count: int, way: int | None) -> tuple[Side, Side]:
        """Left and right along the one leaf, in digits for `count` of the result."""
        order = count // 3 + self.fine  # of the distance along the one leaf
        shorter = 2 * order + APART  # that of the step along the other
        if count > ENOUGH:
            shorter = max(shorter, order + VANISHING + BELOW + self.fine)
        for times in SPARE:
            plane = _Plane(self, times * (order + shorter + 2 * count // 3 + self.fine))
            if not is_finite(plane.base.value):
                side = Side("outside" if plane.has_no_value() else "unclear")
                return side, side
            distance, step = plane.power(order, self.along), plane.power(shorter, self.by)
            ways = (-1, 1) if way is None else (way, way)
            left = plane.side(-distance, ways[0] * step)
            right = plane.side(distance, ways[1] * step)
            if not plane.is_rounded:
                break
        return left, right


class _Plane(Moving):
    """A point in many digits, of which two leaves move."""

    def __init__(self, entry: _Entry, count: int) -> None:
        super().__init__(entry.point, entry.along, [*entry.gates], count)
        self.by = entry.by
        self.is_bent = bool(entry.at_border)
        self.is_rounded = False  # whether more digits would tell more

    def power(self, order: int, leaf: int) -> Any:
        """A power of two, so many decimal orders below 1 or below a leaf that is smaller."""
        size = abs(self.run.values[leaf].value)
        bits = math.ceil(order * BITS) - min(0, size.context.mag(size) if size else 0)
        return (size * 0 + 2) ** -bits

    def side(self, distance: Any, step: Any) -> Side:
        """The side of the point that a distance leads to."""

        def change(h: Any) -> Change:
            (there, rounding), size = self._slope(h, step), abs(h)
            change = Change(there.size - here.size, there.error + here.error)
            is_hidden = rounding + rounding_here > KNOWN * abs(change.size)
            if is_hidden and 2 * (rounding + rounding_here) > change.error > TINY * size:
                self.is_rounded = True
            return change

        try:
            here, rounding_here = self._slope(0 * distance, step)
            return one_side(change, distance, self.is_bent)
        except _NoSlope:
            return Side("jump", 0.0)

    def _slope(self, h: Any, k: Any) -> tuple[Change, Any]:
        """The slope by one leaf at a distance along the other, and what part of its error rounds.

        The rest is that of a step which is not short enough, as one that is shorter tells. Raises
        _NoSlope where the slope grows as the step shrinks.
        """
        here = self._reached(self.run.values, self.leaf, self.x + h)
        beside = here[self.by].value
        moved = [self._reached(here, self.by, beside + way) for way in (k, k / RATIO)]
        base, far, near = (self._output_of(values) for values in (here, *moved))
        for f in (base, far, near):
            if f.error == math.inf or not is_finite(f.size):
                return f, f.error
        if all(values[self.output] is here[self.output] for values in moved):
            return Change(0 * k, 0), 0  # nothing that the one leaf moves reaches the output
        slopes = (far.size - base.size) / k, (near.size - base.size) * RATIO / k
        rounding = (base.error + max(far.error, near.error)) * 2 * RATIO / abs(k)
        if abs(slopes[1]) > 2 * abs(slopes[0]) + rounding:
            raise _NoSlope
        return Change(slopes[1], 2 * abs(slopes[0] - slopes[1]) + rounding), rounding

    def _output_of(self, values: list[Any]) -> Change:
        f = values[self.output]
        if is_finite(f.value):
            return Change(f.value, f.error)
        return Change(f.value * 0, 0 if self._is_outside(values) else math.inf)
