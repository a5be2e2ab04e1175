"""What f does on one side of a point, from its changes over three steps.

Each step is about a thousandth of the one before. Slopes over the steps that differ by powers of
the step converge, or diverge, geometrically: what they converge to is extrapolated (Wynn), and
where they diverge the slope is infinite, unless the changes themselves converge to a jump. A
change that may be rounding says nothing but that the slope is small.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from itertools import pairwise
from typing import Any, NamedTuple

from gradcli.arithmetic.agreement import agree
from gradcli.evaluation.moving import Change

RATIO = 1024  # between two steps
AGREEMENT = 1e-9  # between the slopes of two runs: far below any tolerance
SMOOTH = 0.75  # the slopes of a smooth function differ by less than this power of the step
KNOWN = 1e-10  # the part of a change that may be rounding where it tells of the slope
VANISHING = 330  # a slope below 10**-330 is 0 in float64
SHRINKING = 0.25  # what a power of the step, with an exponent of 0.05, leaves at the next digits
CONVERGING = 1 - 1e-15  # where differences stay equal f is a logarithm; 0**2e-16 is none yet
STEADY = 10  # a change that shrinks by more over a thousandth of the step is none of a jump
MOST_TERMS = 9  # of slopes over steps: four powers that vanish one beside the other
ORDERS = 30  # decimal, of products of ordinary numbers
DOUBLINGS = 4  # of the exponent of a step, where f changes with its logarithm
NOTHING = 1e-20  # relative to the last difference: what is extrapolated to 0 exactly leaves less
SAME_JUMP = 1e-3  # relative, between two runs: a change that tends to 0, however slowly, shrinks


class Side(NamedTuple):
    """What f does on one side: slope, infinite, jump, outside (of the domain), unclear.

    `slope` is that of a jump's height, too. `is_lost`: the change may all be rounding.
    """

    kind: str
    slope: float = math.nan
    is_lost: bool = False
    is_plain: bool = False  # the slopes over both first steps are one
    underflows: bool = False  # the slope is 0 to float64, and may be a number below it
    error: float = 0.0  # of the slope, by rounding and by what steps this long leave
    is_flat: bool = False  # f changes less and less: `slope` lies below all that vanishes
    plain: Any = 0  # the slope in many digits, where it is plain


def one_side(change: Callable[[Any], Change], step: Any, is_at_border: bool = False) -> Side:
    """The kind of one side; `step`, with its sign, is the longest step.

    Where a gate is at a border, what makes a slope infinite may stand beside another that is far
    larger over steps of any length: it shows itself in how slopes that are all but one differ.
    """
    steps = [step, step / RATIO, step / RATIO**2]
    changes: list[Change] = []
    for h in steps[:2]:
        changes.append(change(h))
        if changes[-1].error == math.inf:
            return Side("unclear")
        if changes[-1].size != changes[-1].size:
            return Side("outside")
    if not all(map(_is_known, changes)):
        return _of_lost(changes, steps)
    first, second = (c.size / h for c, h in zip(changes, steps, strict=False))
    is_plain = agree(first, second, min(AGREEMENT, abs(step) ** SMOOTH))
    if is_plain and not (is_at_border and _grows(change, changes, steps)):
        slope = to_float(second)
        error = changes[1].error / abs(steps[1]) + 2 * abs(first - second) / RATIO
        return Side("slope", slope, is_plain=True, underflows=bool(second and not slope),
                    error=to_float(error), plain=second)  # fmt: skip
    if len(changes) < len(steps):
        changes.append(change(steps[2]))
    if not _is_known(changes[2]):
        return _of_lost(changes, steps)
    return _of_three(change, changes, steps)


def _grows(change: Callable[[Any], Change], changes: list[Change], steps: list[Any]) -> bool:
    """Whether slopes move apart as steps shrink, as a third step tells, which is added."""
    changes.append(change(steps[2]))
    terms = [_slope_over(c, h) for c, h in zip(changes, steps, strict=True)]
    before, last, noise = _differences(terms)
    return bool(noise < abs(last) >= CONVERGING * abs(before) - noise)


def _is_known(change: Change) -> bool:
    return bool(change.error <= KNOWN * abs(change.size))


def _of_lost(changes: list[Change], steps: list[Any]) -> Side:
    """A side of which a change may be rounding."""
    most = min((abs(c.size) + c.error) / abs(h) for c, h in zip(changes, steps, strict=False))
    if most < (most * 0 + 10) ** -VANISHING:
        return Side("slope", 0.0, is_lost=True, underflows=bool(most))
    return Side("unclear", is_lost=all(abs(c.size) <= c.error for c in changes))


def _of_three(change: Callable[[Any], Change], changes: list[Change], steps: list[Any]) -> Side:
    terms = [_slope_over(c, h) for c, h in zip(changes, steps, strict=True)]
    before, last, noise = _differences(terms)
    if abs(last) <= noise:
        return _slope(terms[2].value, noise)
    if abs(last) < CONVERGING * abs(before) - noise:
        return _converging(change, terms, steps[2])
    sizes = [c.size for c in changes]
    if abs(sizes[2]) > abs(sizes[1]) + changes[1].error + changes[2].error:
        return Side("jump", math.copysign(math.inf, sizes[2]))  # as a logarithm at 0
    if STEADY * abs(sizes[2]) > abs(sizes[1]):
        height, is_settled = Term(sizes[2], sum(c.error for c in changes)), True
        if abs(sizes[2] - sizes[1]) > height.error:
            heights = [_height(c, h) for c, h in zip(changes, steps, strict=True)]
            height, is_settled = _converged(change, heights, steps[2], _height)
        if abs(height.value) > height.error and is_settled:
            return Side("jump", to_float(height.value))
    return Side("infinite", math.copysign(math.inf, last))


def _differences(terms: list[Term]) -> tuple[Any, Any, Any]:
    """How far the second of three terms is from the first, the third from it, and their errors."""
    first, second, third = terms
    noise = first.error + 2 * second.error + third.error
    return second.value - first.value, third.value - second.value, noise


def _slope(slope: Any, error: Any, is_flat: bool = False) -> Side:
    number, underflows = to_float(slope), bool(slope or error)
    error = to_float(error) if slope else 0.0
    return Side("slope", number, False, False, underflows and not number, error, is_flat)


def _converging(change: Callable[[Any], Change], terms: list[Term], step: Any) -> Side:
    """A side whose slopes converge, as powers of the step vanish beside it."""
    limit, _ = _converged(change, terms, step, _slope_over)
    is_known = abs(limit.value) > limit.error
    return _slope(limit.value if is_known else 0.0, limit.error, _is_below(limit, terms))


def _converged(
    change: Callable[[Any], Change], terms: list[Term], step: Any,
    term_of: Callable[[Change, Any], Term],
) -> tuple[Term, bool]:  # fmt: skip
    """What terms converge to, over shorter and shorter steps, and whether they tell it apart.

    Each power that vanishes takes two terms. There are enough of them when two more change nothing.
    """
    limit, is_settled = extrapolated(terms), False
    while not is_settled and _is_below(limit, terms) and len(terms) < MOST_TERMS:
        for _ in range(2):
            step /= RATIO
            moved = change(step)
            if not _is_known(moved):
                return limit, False
            terms.append(term_of(moved, step))
        before, limit = limit, extrapolated(terms)
        is_settled = agree(before.value, limit.value, AGREEMENT)
    return limit, is_settled or not _is_below(limit, terms)


def _is_below(limit: Term, terms: list[Term]) -> bool:
    """Whether a limit is smaller than what vanishes beside it, and may not be all there is."""
    return bool(limit.error < abs(limit.value) < abs(terms[-1].value) / 2)


class Term(NamedTuple):
    """One of a sequence of numbers, and how far it may be off."""

    value: Any
    error: Any


def _slope_over(change: Change, step: Any) -> Term:
    return Term(change.size / step, change.error / abs(step))


def _height(change: Change, _: Any) -> Term:
    return Term(*change)


def extrapolated(terms: list[Term]) -> Term:
    """The limit of terms that differ from it by a sum of powers of the step, and its error.

    Wynn, On a device for computing the e_m(S_n) transformation: exact for one power in three terms
    (Aitken), for two in five, and so on.
    """
    before, column = [Term(0, 0)] * (len(terms) + 1), terms
    limit = terms[-1]._replace(error=abs(terms[-1].value))
    for order in range(1, len(terms)):
        after = []
        for k, (one, other) in enumerate(pairwise(column)):
            apart, error = other.value - one.value, one.error + other.error
            if not abs(apart) > error:  # nothing is left of the next power but rounding
                return Term(other.value, error) if order % 2 and order > 1 else limit
            below = before[k + 1]
            room = abs(apart) * (abs(apart) - error)
            after.append(Term(below.value + 1 / apart, below.error + error / room))
        before, column = column, after
        if not order % 2:
            limit = column[-1]
    return limit


def of_logarithms(change: Callable[[Any], Change], step: Any) -> Side | None:
    """The kind of one side of a function of the logarithm of the step, None if it is none.

    The exponents of the steps double, so that a power of the logarithm shrinks by a constant factor
    from one to the next, and what is left without it is extrapolated exactly (Aitken).
    """
    steps = [step * abs(step) ** (2**k - 1) for k in range(DOUBLINGS)]
    changes = [change(h) for h in steps]
    if not all(map(_is_known, changes)):
        return None
    sizes = [c.size for c in changes]
    slope = _geometric([size / h for size, h in zip(sizes, steps, strict=True)])
    if slope is not None:
        return Side("slope", to_float(slope))
    height = _geometric(sizes)
    if height is None:
        return None
    if height:
        return Side("jump", to_float(height))
    return Side("infinite", math.copysign(math.inf, sizes[-1] * step))


def _geometric(values: list[Any]) -> Any:
    """The limit of numbers whose differences shrink by one factor, or None if they do not."""
    differences = [after - before for before, after in pairwise(values)]
    if not all(differences):
        return None
    ratios = [after / before for before, after in pairwise(differences)]
    if not all(0 < ratio < SMOOTH and agree(ratio, ratios[0], AGREEMENT) for ratio in ratios):
        return None
    limit = values[-1] + differences[-1] * ratios[-1] / (1 - ratios[-1])
    return limit if abs(limit) > NOTHING * abs(differences[-1]) else 0 * limit


def compared(before: Side, side: Side, least: float) -> Side:
    """A side in the light of the same side in fewer digits, whose steps are far longer.

    What is left of a flat side is its slope where it stays, and 0 where it shrinks as another
    power of the step does, to below the `least` that the numbers of a program may add up to.
    """
    is_flat = before.is_flat and side.is_flat and abs(side.slope) < least
    if is_flat and abs(side.slope) <= SHRINKING * abs(before.slope):
        return side._replace(slope=0.0, underflows=True)
    return side


def least_slope(fine: int) -> float:
    """What no slope is below but 0, where numbers have so many decimal orders."""
    return 10.0 ** -max(fine, ORDERS)


def is_same_side(before: Side, side: Side, is_last: bool = False) -> bool:
    """Whether two runs say the same of a side; `is_last` allows what is extrapolated only.

    A slope below a power of the step shows itself in steps that are short enough.
    """
    if before.is_lost and side.is_lost:
        return side.kind == "slope"
    if before.kind != side.kind or side.kind == "unclear":
        return False
    if side.kind == "jump":
        return before.slope == side.slope or agree(before.slope, side.slope, SAME_JUMP)
    vanishes = before.is_flat and side.is_flat and side.slope == 0.0
    if side.is_flat and side.slope and not is_last:
        return False
    return side.kind != "slope" or vanishes or same(before.slope, side.slope)


def is_buried(side: Side) -> bool:
    """Whether more digits for the same step may tell more: a change is rounding, all or in part."""
    return side.is_lost or side.kind == "unclear"


def same(a: float, b: float) -> bool:
    """Whether two slopes are one; two beyond any float64 are as far as can be told."""
    return a == b or agree(a, b, AGREEMENT, 5e-324)


def to_float(x: Any) -> float:
    """The nearest float64; infinite where it is larger than any."""
    try:
        return float(x) or 0.0  # never -0.0
    except OverflowError:
        return math.inf if x > 0 else -math.inf
