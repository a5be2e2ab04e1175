"""The truth of a tree at a point: its value, and its slopes from both sides.

A slope is the limit of differences at a step and at a 1024th of it; the step lies far below every
number of the case, the precision far below the step. Where two differences do not agree, steps and
precision go deeper, to some thousand digits.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

from tests.hunt.evaluator import (
    COMPARE,
    SNAP,
    BeyondError,
    Evaluator,
    OutsideError,
    PoleError,
    mp,
    same,
)
from tests.hunt.trees import Point, Tree

# Bits of the step below everything else, of the precision below the step's powers.
LEVELS = ((85, 170), (300, 400), (1100, 1300))
RATIO_BITS = 10
DIVIDING = (3, 12)  # powers that cancel, as of (x - sin(x)) / x**3; to confirm, as of its cubes
ROOTS = 2  # the power of the step by which a root may magnify rounding: acos(cos(x))
MOST_BITS = 24_000  # of precision: some seconds a case
VANISHED = mp.ldexp(1, -1090)  # a slope that is smaller still a step away is none to float64
LEAST_POWER = 0.02  # that is told from a jump at once
GROWING = 0.99  # of the way between two slopes, where a third moves on: beside a large one, too
LEFT = 1e-3  # of the power from one level to the next, where all but a jump vanishes


class Side(NamedTuple):
    """A one-sided slope: `slope`, `infinite` (with its sign), `outside`, `jump` or `undecided`."""

    kind: str
    slope: Any = mp.nan


class Truth(NamedTuple):
    """What is true of a case. `value` is None where there is none, for the reason in `status`."""

    status: str  # value, outside or pole
    value: Any
    sides: dict[str, tuple[Side, Side]]  # by input: left, right


class Scale(NamedTuple):
    """The value at a point, and how far the exponents of its numbers reach."""

    value: Any
    span: int  # bits
    high: int


def scale_of(tree: Tree, point: Point) -> Scale:
    """The value, computed until two precisions agree. Raises OutsideError, BeyondError."""
    bits = 256
    before: Any = None
    while bits <= MOST_BITS:
        evaluate = Evaluator(bits)
        try:
            value = evaluate(tree, exact(point))
        except OutsideError as trouble:
            value = trouble
        span = evaluate.high - evaluate.low
        needed = 256 + 2 * span
        if bits >= needed and _is_settled(before, value):
            if isinstance(value, OutsideError):
                raise value
            return Scale(value, span, max(0, evaluate.high))
        before = value
        bits = max(needed, bits + 128)
    raise BeyondError


def _is_settled(before: Any, value: Any) -> bool:
    """Whether two precisions say the same of a value."""
    if isinstance(value, OutsideError) or isinstance(before, OutsideError):
        return type(before) is type(value)
    return before is not None and same(before, value, 2.0**-60)


def written(x: Any, digits: int) -> str:
    """A number in so many digits, whatever the precision it was computed in."""
    with mp.workprec(64 + 4 * digits):
        return str(mp.nstr(+x, digits))


def exact(point: Point) -> dict[str, Any]:
    """The inputs as numbers of the oracle."""
    return {name: mp.mpf(x) for name, x in point.items()}


def truth_of(tree: Tree, point: Point, level: int = 0) -> Truth:
    """Value and one-sided slopes of a case; `level` is where the search for slopes begins."""
    try:
        scale = scale_of(tree, point)
    except PoleError:
        return Truth("pole", None, {})
    except OutsideError:
        return Truth("outside", None, {})
    sides = {
        name: (side_of(tree, point, name, -1, scale, level),
               side_of(tree, point, name, 1, scale, level))
        for name in point
    }  # fmt: skip
    return Truth("value", scale.value, sides)


def side_of(tree: Tree, point: Point, name: str, sign: int, scale: Scale, level: int = 0) -> Side:
    """The slope by one input from one side, as the limit of differences."""

    def moved(step: Any) -> dict[str, Any]:
        return {**exact(point), name: mp.mpf(point[name]) + sign * step}

    sides: list[list[Any]] = []  # of the edges, at the point itself and then steps away

    def f(bits: int, step: Any) -> Any:
        evaluate = Evaluator(bits)
        value = evaluate(tree, moved(step))
        if not step:
            sides.clear()
        sides.append(evaluate.sides)
        return value

    def crosses() -> bool:
        here, *there = sides
        return any(a and a != b for those in there for a, b in zip(here, those, strict=False)
                   if len(here) == len(those))  # fmt: skip

    side = limit(f, sign, scale, level, crosses)
    return Side("undecided") if side.kind == "jump" and not may_jump(tree) else side


# Operations that jump, or have a pole on whose other side something else may stand.
JUMPING = {*COMPARE, "where", "sign", "step", "floor", "ceil", "round", "atan2", "div", "reciprocal",
           "tan", "gamma", "lgamma", "digamma", "polygamma", "log", "log1p", "log2", "log10",
           "atanh"}  # fmt: skip


def may_jump(tree: Tree) -> bool:
    """Whether any operation may jump: a change that stays may be of a step that is still long."""
    if not isinstance(tree, tuple):
        return False
    is_power = tree[0] == "pow" and not (isinstance(tree[2], float) and tree[2] > 0)
    return tree[0] in JUMPING or is_power or any(may_jump(part) for part in tree[1:])


def limit(
    f: Callable[[int, Any], Any], sign: int, scale: Scale, level: int = 0,
    crosses: Callable[[], bool] = bool,
) -> Side:  # fmt: skip
    """The limit of difference quotients of f(bits, step), from one side.

    `crosses` tells whether a step of the last few has gone over an edge: it was too long.
    """
    first: Any = None
    before = mp.inf  # the power of a level whose steps are longer
    for below, reserve in LEVELS[level:]:
        bits = 3 * scale.span + (2 + DIVIDING[level > 0]) * below + reserve
        if bits > MOST_BITS:
            raise BeyondError
        mp.prec = bits
        steps = [mp.ldexp(1, -scale.span - below - k * RATIO_BITS) for k in (0, 1)]
        noise = mp.ldexp(1, scale.high - bits + 2 * SNAP + ROOTS * below)
        try:
            here = f(bits, mp.zero)
            changes = [f(bits, step) - here for step in steps]
        except OutsideError:
            return Side("outside")
        if crosses():
            continue
        changes = [change if abs(change) > noise else mp.zero for change in changes]
        slopes = [sign * change / step for change, step in zip(changes, steps, strict=True)]
        if same(*slopes, 2.0**-60):
            way = _growing(f, bits, [sign * step for step in steps], noise)
            if way:
                return Side("infinite", way * mp.inf)
            return Side("slope", slopes[1] + (slopes[1] - slopes[0]) / (2**RATIO_BITS - 1))
        if not all(changes):
            continue
        power = mp.log(abs(changes[0] / changes[1]), 2) / RATIO_BITS
        if power < LEAST_POWER:
            if power <= 0 or power < before * LEFT < mp.inf:
                return Side("jump")
            if not same(power, before, 1e-3):
                before = power  # of x**1e-9, or of a jump and what vanishes beside it
                continue
        if power < 0.97:
            return Side("infinite", mp.sign(slopes[1]) * mp.inf)
        first = first or abs(slopes[0])
        least = VANISHED if power > 1.9 else first * mp.ldexp(1, -60)
        if power > 1.03 and abs(slopes[1]) < least:
            return Side("slope", mp.zero)
    return Side("undecided")


def _growing(f: Callable[[int, Any], Any], bits: int, steps: list[Any], noise: Any) -> Any:
    """The sign of what makes a slope infinite beside a large one, with signed steps; 0: nothing.

    The slopes move on with a third step, and with other digits by the same.
    """
    shorter = abs(steps[1]) / 2**RATIO_BITS
    differences: list[tuple[Any, Any]] = []
    for count in (bits, bits + bits // 2):
        mp.prec = count
        three = [*steps, steps[1] / 2**RATIO_BITS]
        here = f(count, mp.zero)
        first, second, third = ((f(count, abs(step)) - here) / step for step in three)
        apart, further = second - first, third - second
        if min(abs(apart), abs(further) / GROWING) <= noise / shorter or abs(
            further
        ) < GROWING * abs(apart):
            return 0
        differences.append((apart, further))
    is_real = all(same(a, b, 1e-3) for a, b in zip(*differences, strict=True))
    return mp.sign(further) if is_real else 0
