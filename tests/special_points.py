"""Points where gates of the table are most likely to be wrong, from nothing but their functions.

Zeros, poles, borders of branches, and where a value or a slope overflows or underflows, are found
by walking over a grid and halving between neighbours that differ in kind; points next to them, at
all distances, and random ones of every size come with them. Everything follows from the seed.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from itertools import pairwise
from random import Random

from gradcli.arithmetic.floats import IEEE, LEAST_NORMAL
from gradcli.gates.row import Gate

Point = tuple[float, ...]

LARGEST = 1.7976931348623157e308
# Ends and middle of the range, and where the parts of formulas vanish beside each other.
REMARKABLE = (
    0.0, 5e-324, 1e-310, LEAST_NORMAL, 2.0**-1000, 1e-200, 1e-154, 2.0**-54, 2.0**-53, 2.0**-52,
    2.0**-27, 2.0**-26, 1e-3, 0.25, 1 / 3, 0.5, 0.7071067811865476, 1.0, 1.5, 2.0, math.e, 3.0,
    math.pi, 4.0, 5.5, 6.0, 10.0, 17.5, 22.0, 26.5, 36.7, 37.5, 38.6, 40.0, 100.0, 170.5, 171.6,
    709.0, 745.0, 1022.0, 1074.0, 1e5, 1e8, 2.0**31, 2.0**52 + 0.5, 2.0**53, 1e16, 1e22, 1e100,
    1e154, 1e200, 2.0**1000, 1e305, LARGEST,
)  # fmt: skip
GRID = tuple(sorted(
    {s * x for x in (*REMARKABLE, *(2.0**k for k in range(-1060, 1024, 40)),
                     *(k / 8 + 0.0625 for k in range(8 * 12)), *(5.0 * k for k in range(3, 220)))
     for s in (1, -1)}
))  # fmt: skip
NEAR = 3  # numbers on each side of a remarkable one
ORDERS = (0.0, 1.0, 2.0, 3.0, 7.0, 20.0, 100.0, 101.0, 130.0)  # of polygamma
ORDERS_AT_ONCE = 2  # as their turns take a while to find


def neighbours(x: float, count: int = NEAR) -> Iterator[float]:
    """The number itself and those next to it, on both sides."""
    yield x
    up = down = x
    for _ in range(count):
        up, down = math.nextafter(up, math.inf), math.nextafter(down, -math.inf)
        yield from (up, down)


def kind(value: float) -> tuple[bool, int]:
    """Whether a value is negative, and whether it is nan, infinite, normal, subnormal or 0."""
    if value != value:
        return False, 4
    size = abs(value)
    return value < 0, 3 if size == math.inf else 2 if size >= LEAST_NORMAL else 1 if size else 0


def _middle(a: float, b: float) -> float:
    """A number between two, in the geometric middle of those far apart."""
    if a * b > 0 and not 0.5 < a / b < 2:
        return math.copysign(math.sqrt(abs(a)) * math.sqrt(abs(b)), a)
    return a + (b - a) / 2


def turns(function: Callable[[float], float]) -> list[float]:
    """Where the kind of a function's value changes between neighbours of the grid, to the bit."""
    places = []
    for low, high in pairwise(GRID):
        a, b, first = low, high, kind(function(low))
        if kind(function(high)) == first:
            continue
        for _ in range(200):
            middle = _middle(a, b)
            if not a < middle < b:
                break
            a, b = (middle, b) if kind(function(middle)) == first else (a, middle)
        places.append(b)
    return places


def _anything(rng: Random) -> float:
    """A random number: of every size, of ordinary size, or with few digits."""
    way = rng.randrange(6)
    if way == 0:
        return rng.choice((1, -1)) * math.ldexp(rng.uniform(0.5, 1), rng.randint(-1073, 1024))
    if way == 1:
        return rng.gauss(0, 3)
    if way == 2:
        return rng.uniform(-1000, 1000)
    if way == 3:
        return rng.choice((1, -1)) * 10.0 ** rng.uniform(-20, 20)
    if way == 4:
        return rng.randint(-40, 40) / rng.choice((1, 2, 4, 10))
    return rng.choice((1, -1)) * rng.choice(REMARKABLE)


def _beside(rng: Random, x: float) -> float:
    """A number at a random distance from x: from one unit in its last place to its size."""
    if rng.random() < 0.3:
        return rng.choice([*neighbours(x)])
    return x + rng.choice((1, -1)) * max(abs(x), 5e-324) * 2.0 ** rng.uniform(-53, 0)


def of_one(row: Gate, seed: int | str, local: int = 0, lead: Point = ()) -> Iterator[float]:
    """Points of a gate's last operand, without end; `lead` are the operands before it.

    First one beside every turn of value and slope, then whatever is remarkable, then random ones.
    """
    value, slope = IEEE.function(row.name), IEEE.text_function(row, row.local[local])
    rng = Random(f"{row.name} {seed}")
    places = turns(lambda x: value(*lead, x))
    places += turns(lambda x: slope(*lead, x, out=value(*lead, x)))
    rng.shuffle(places)
    yield from (_beside(rng, x) for x in places)
    places += [s * x for x in REMARKABLE for s in (1, -1)]
    places += [k / 2 for k in range(-14, 8)]
    near = [y for x in places for y in neighbours(x)]
    rng.shuffle(near)
    yield from near
    while True:
        yield _beside(rng, rng.choice(places)) if rng.random() < 0.5 else _anything(rng)


def _together(row: Gate, rng: Random) -> Point:
    """Two or three operands that depend on each other: where the result ends, cancels or ties."""
    x, y = _anything(rng), _anything(rng)
    way = rng.randrange(6)
    if row.name == "pow" and way < 4:  # where the power overflows, underflows, or is near 1
        x = abs(_beside(rng, 1.0) if way < 2 else x) or 0.5
        end = rng.choice((-1074.5, -1074.0, -1022.0, 1024.0, 1.0, 2.0**-50))
        y = end / (math.log2(x) or 1.0)
        return (x, _beside(rng, y)) if math.isfinite(y) else (x, 0.5)
    if row.name == "logsumexp" and way < 4:  # exp(x) + exp(y) near 1
        x = -abs(x if abs(x) < 800 else rng.uniform(0, 40)) or -0.5
        y = math.log(-math.expm1(x)) if math.expm1(x) < 0 else -1.0
        return (x, _beside(rng, y)) if rng.random() < 0.5 else (_beside(rng, y), x)
    if way == 4:
        y = rng.choice((1, -1)) * _beside(rng, x)
    elif way == 5 and row.is_variadic:
        return x, y, _beside(rng, rng.choice((x, y)))
    return x, y


def of_several(row: Gate, seed: int | str) -> Iterator[Point]:
    """Points of a gate of several operands, without end."""
    small = (0.0, -0.0, 5e-324, LEAST_NORMAL, 0.5, 1.0, -1.0, 2.0, 1e154, 1e200, LARGEST, -LARGEST)
    rng = Random(f"{row.name} {seed}")
    pairs = [(x, y) for x in small for y in small]
    rng.shuffle(pairs)
    for pair in pairs:
        yield (float(rng.randrange(2)), *pair) if len(row.operands) == 3 else pair
    while True:
        if len(row.operands) == 3:
            yield float(rng.randrange(2)), _anything(rng), _anything(rng)
        else:
            yield _together(row, rng)


def points(row: Gate, seed: int | str = 0) -> Iterator[Point]:
    """Points of a gate that works element by element, without end."""
    if row.name == "polygamma":
        orders = Random(seed).sample(ORDERS, ORDERS_AT_ONCE)
        streams = [(n, of_one(row, f"{seed} {n}", 1, (n,))) for n in orders]
        while True:
            for n, stream in streams:
                yield n, next(stream)
    elif len(row.operands) == 1 and not row.is_variadic:
        for x in of_one(row, seed):
            yield (x,)
    else:
        yield from of_several(row, seed)
