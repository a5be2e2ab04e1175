"""Second derivatives of a tree from all sides, by differences in many digits."""

from __future__ import annotations

from typing import Any

from tests.hunt.oracle import (
    MOST_BITS,
    SNAP,
    VANISHED,
    BeyondError,
    Evaluator,
    Side,
    exact,
    mp,
    same,
    scale_of,
)
from tests.hunt.trees import Point, Tree

LEVELS = (85, 335, 1435)  # bits of the step below everything else
RESERVE, RATIO_BITS = 170, 10  # as of the first level of slopes


def second_slopes(tree: Tree, point: Point, one: str, other: str) -> list[Side]:
    """The limits of second differences by two inputs from each side, or from each quadrant.

    Raises OutsideError where f has no value on some side.
    """
    scale = scale_of(tree, point)
    signs = ((1, 1), (-1, -1)) if one == other else ((1, 1), (1, -1), (-1, 1), (-1, -1))
    return [_limit(tree, point, (one, a), (other, b), scale) for a, b in signs]


def _limit(
    tree: Tree, point: Point, one: tuple[str, int], other: tuple[str, int], scale: Any
) -> Side:
    slopes: list[Any] = []
    for below in LEVELS:
        bits = 4 * scale.span + 4 * below + RESERVE
        if bits > MOST_BITS:
            raise BeyondError
        slopes = []
        for k in (0, 1):
            mp.prec = bits
            step = mp.ldexp(1, -scale.span - below - k * RATIO_BITS)
            change = _second_difference(Evaluator(bits), tree, point, one, other, step)
            noise = mp.ldexp(1, scale.high - bits + 2 * SNAP)
            slopes.append(change / step**2 if abs(change) > noise else mp.zero)
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


def _second_difference(
    f: Evaluator, tree: Tree, point: Point, one: tuple[str, int], other: tuple[str, int], step: Any
) -> Any:
    here = exact(point)

    def at(a: int, b: int) -> Any:
        moved = dict(here)
        moved[one[0]] = moved[one[0]] + a * one[1] * step
        moved[other[0]] = moved[other[0]] + b * other[1] * step
        return f(tree, moved)

    change = at(1, 1) - at(1, 0) - at(0, 1) + at(0, 0)
    return change * one[1] * other[1]
