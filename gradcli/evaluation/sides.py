"""What f does on one side of a point, from its changes over three steps.

Each step is about a thousandth of the one before. Slopes over the steps that differ by a power of
the step converge, or diverge, geometrically: what they converge to is extrapolated (Aitken), and
where they diverge the slope is infinite, unless the changes themselves converge to a jump. A
change that may be rounding says nothing but that the slope is small.
"""

from __future__ import annotations

import math
from collections.abc import Callable
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
    is_flat: bool = False  # f changes less and less: `slope` lies below all that vanishes


def one_side(change: Callable[[Any], Change], step: Any) -> Side:
    """The kind of one side; `step`, with its sign, is the longest step."""
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
    if agree(first, second, min(AGREEMENT, abs(step) ** SMOOTH)):
        slope = to_float(second)
        return Side("slope", slope, is_plain=True, underflows=bool(second and not slope))
    changes.append(change(steps[2]))
    if not _is_known(changes[2]):
        return _of_lost(changes, steps)
    return _of_three(changes, steps)


def _is_known(change: Change) -> bool:
    return bool(change.error <= KNOWN * abs(change.size))


def _of_lost(changes: list[Change], steps: list[Any]) -> Side:
    """A side of which a change may be rounding."""
    most = min((abs(c.size) + c.error) / abs(h) for c, h in zip(changes, steps, strict=False))
    if most < (most * 0 + 10) ** -VANISHING:
        is_shrinking = len(changes) > 2  # the first two were known, and two slopes
        return Side("slope", 0.0, is_lost=True, underflows=bool(most) and not is_shrinking)
    return Side("unclear", is_lost=all(abs(c.size) <= c.error for c in changes))


def _of_three(changes: list[Change], steps: list[Any]) -> Side:
    slopes = [c.size / h for c, h in zip(changes, steps, strict=True)]
    errors = [c.error / abs(h) for c, h in zip(changes, steps, strict=True)]
    before, last = slopes[1] - slopes[0], slopes[2] - slopes[1]
    noise = errors[0] + 2 * errors[1] + errors[2]
    if abs(last) <= noise:
        return Side("slope", to_float(slopes[2]))
    if abs(last) < CONVERGING * abs(before) - noise:
        slope, error = _extrapolated(slopes, noise)
        is_flat = 2 * abs(slope) < abs(slopes[2])
        return Side("slope", to_float(slope) if abs(slope) > error else 0.0, is_flat=is_flat)
    sizes = [c.size for c in changes]
    if STEADY * abs(sizes[2]) > abs(sizes[1]):
        height, error = sizes[2], sum(c.error for c in changes)
        if abs(sizes[2] - sizes[1]) > error:
            height, error = _extrapolated(sizes, error)
        if abs(height) > error:
            return Side("jump", to_float(height))
    return Side("infinite", math.copysign(math.inf, last))


def _extrapolated(terms: list[Any], noise: Any) -> tuple[Any, Any]:
    """The limit of terms that differ from it by a power of the step (Aitken), and its error."""
    before, last = terms[1] - terms[0], terms[2] - terms[1]
    bend = last - before
    if not abs(bend) > noise:
        return terms[2], abs(terms[2])
    return terms[2] - last**2 / bend, noise * (1 + (last / bend) ** 2 + abs(2 * last / bend))


def compared(before: Side, side: Side) -> Side:
    """A side in the light of the same side in fewer digits, whose steps are far longer.

    What is left of a flat side is its slope where it stays, and 0 where it shrinks as another
    power of the step does.
    """
    is_flat = before.is_flat and side.is_flat
    if is_flat and abs(side.slope) <= SHRINKING * abs(before.slope):
        return side._replace(slope=0.0)
    return side


def is_same_side(before: Side, side: Side, is_last: bool = False) -> bool:
    """Whether two runs say the same of a side; `is_last` allows what is extrapolated only.

    A slope below a power of the step shows itself in steps that are short enough.
    """
    if before.is_lost and side.is_lost:
        return side.kind == "slope"
    if before.kind != side.kind or side.kind == "unclear":
        return False
    if side.kind == "jump":
        return agree(before.slope, side.slope, SAME_JUMP)
    vanishes = before.is_flat and side.is_flat and side.slope == 0.0
    if side.is_flat and side.slope and not is_last:
        return False
    return side.kind != "slope" or vanishes or same(before.slope, side.slope)


def same(a: float, b: float) -> bool:
    """Whether two slopes are one; two beyond any float64 are as far as can be told."""
    return a == b or agree(a, b, AGREEMENT, 5e-324)


def to_float(x: Any) -> float:
    """The nearest float64; infinite where it is larger than any."""
    try:
        return float(x) or 0.0  # never -0.0
    except OverflowError:
        return math.inf if x > 0 else -math.inf
