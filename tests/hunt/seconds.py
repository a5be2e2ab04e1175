"""Second derivatives of a tree from all sides, by differences in many digits."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tests.hunt.evaluator import SNAP, BeyondError, Evaluator, mp, same
from tests.hunt.oracle import DIVIDING, MOST_BITS, ROOTS, VANISHED, Scale, Side, exact, scale_of
from tests.hunt.trees import Point, Tree

LEVELS = (85, 335, 1435)  # bits of the step below everything else
RESERVE, RATIO_BITS = 170, 10  # as of the first level of slopes
UNLIKE = ((0.75, 1.0), (1.0, 0.75))  # steps of equal length do not leave the tie of x*x and x*y


Moved = Callable[[int, Any, Any], Any]  # the value in so many bits, with two inputs moved


def second_slopes(tree: Tree, point: Point, one: str, other: str) -> list[Side]:
    """The limits of second differences by two inputs from each side, or from each quadrant.

    Raises OutsideError where f has no value on some side.
    """
    here = exact(point)

    def moved(bits: int, a: Any, b: Any) -> Any:
        mp.prec = bits
        there = dict(here)
        there[one] = there[one] + a
        there[other] = there[other] + b
        return Evaluator(bits)(tree, there)

    return second_limits(moved, scale_of(tree, point), one == other)


def second_limits(f: Moved, scale: Scale, is_one: bool) -> list[Side]:
    """Those of any function, of which `is_one` says that both inputs are the same."""
    if is_one:
        return [_limit(f, 1, 1, scale), _limit(f, -1, -1, scale)]
    quadrants = [(a, b) for a in (1, -1) for b in (1, -1)]
    return [_limit(f, a * x, b * y, scale) for a, b in quadrants for x, y in UNLIKE]


def _limit(f: Moved, one: float, other: float, scale: Scale) -> Side:
    """The limit of second differences, each step times a sign and a number of its own."""
    slopes: list[Any] = []
    for below in LEVELS:
        bits = 4 * scale.span + (4 + DIVIDING[0]) * below + RESERVE
        if bits > MOST_BITS:
            raise BeyondError
        slopes = []
        for k in (0, 1):
            mp.prec = bits
            step = mp.ldexp(1, -scale.span - below - k * RATIO_BITS)
            a, b = one * step, other * step
            change = f(bits, a, b) - f(bits, a, 0 * b) - f(bits, 0 * a, b) + f(bits, 0 * a, 0 * b)
            noise = mp.ldexp(1, scale.high - bits + 2 * SNAP + ROOTS * below)
            slopes.append(change / (a * b) if abs(change) > noise else mp.zero)
        if below == LEVELS[0] and not all(slopes):
            continue  # what is lost to rounding may show itself in more digits
        if same(*slopes, 2.0**-60):
            return Side("slope", slopes[1] + (slopes[1] - slopes[0]) / (2**RATIO_BITS - 1))
        if abs(slopes[1]) < abs(slopes[0]) / 2 ** (0.9 * RATIO_BITS):
            if below == LEVELS[-1] or abs(slopes[1]) < VANISHED:
                return Side("slope", mp.zero)
            continue  # it may stand below a third derivative that is huge
        if abs(slopes[1]) > abs(slopes[0]) * 2 ** (0.02 * RATIO_BITS):
            return Side("infinite", mp.sign(slopes[1]) * mp.inf)
    return Side("undecided")
