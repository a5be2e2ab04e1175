"""How noisy a function is along a line, measured from its values.

Differences of a high order of equally spaced values take away what is smooth, and leave the noise
(Moré and Wild, Estimating computational noise, 2011). That is done on either side of the point, and
at several spacings: next to the last places of x, where rounding shows, and further out, where
what is rounded more coarsely inside, to float32 say, leaves its plateaus.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from gradcli.checker.blackbox.line import Line

# Tolerances are data, with a reason each.
POINTS = 8  # of a table of differences
ORDERS = (3, 4, 5)  # of differences that are smooth no more, and of which there are some
CERTAIN = 3.0  # standard deviations that noise may reach
SPACING = 2.0**9  # from one spacing to the next
COARSEST = 2.0**-13  # of the longest step: what is in steps as wide is the function, no rounding
ODD = 45  # times the shortest step: powers of two may meet roundings of a product in step
UNEVEN = math.sqrt(2)  # of a power of two: multiples of one fall on the grid of float32, too
COUNTABLE = 2.0**53  # steps: beyond, a number of them is neither odd nor even
EVEN = 2.0**4  # noise is the same at all spacings, within this; kinks and curves grow faster
LAST = (0.6, UNEVEN)  # of the coarsest: whole plateaus fit between the values of one by chance
LOOKS = 6  # neighbours on each side that are searched for a jump; of plateaus half have one
JUMPS = 3  # of them, on both sides together, that are no matter of one place
HALVINGS = 60
FLAT = 2.0**12  # times the shortest step: plateaus of float32 are 2**29 of them wide
STEEP = 8.0  # times as steep as over a whole pair a curve may be somewhere between


class Level(NamedTuple):
    """How much values waver so far from the point, and the size of these values."""

    reach: float
    noise: float
    size: float


class Noise(NamedTuple):
    """How much values waver: next to the point, where plateaus count as well, and further out."""

    fine: float  # over steps that may be shorter than plateaus
    coarse: float
    is_repeatable: bool
    levels: Sequence[Level] = ()  # by their reach

    def at(self, step: float, size: float) -> float:
        """The noise of values of a size, a step away: relative to the size it is no less there."""
        level = Level(0.0, self.coarse, math.inf)
        for further in self.levels:
            if further.reach > step:
                break
            level = further
        grown = size / level.size if level.size else 1.0
        return level.noise * grown if 1 < grown < math.inf else level.noise


def quick_noise(line: Line) -> Noise:
    """The noise next to the point, at the price of a few values."""
    repeated = line.again()
    noise = max(_wavering(line, line.span.shortest * ODD, 1), line.floor, CERTAIN * repeated)
    return Noise(noise, noise, repeated == 0)


def noise_of(line: Line) -> Noise:
    """The noise on both sides of the point, at all spacings."""
    repeated = max(line.again() for _ in range(3))
    spacings = _spacings(line)
    found = [max(_wavering(line, spacing, side) for side in (1, -1)) for spacing in spacings]
    odd = max(_wavering(line, line.span.shortest * ODD, side) for side in (1, -1))
    fine = max(found[0], odd, line.floor, CERTAIN * repeated)
    nearest, noise, levels = fine, fine, list[Level]()
    for k, spacing in enumerate(spacings):
        reach = POINTS * spacing
        size = line.size_at(reach)
        if found[k] > EVEN * noise:
            height = _plateaus(line, spacing, found[k])
            if not height:
                continue  # it bends
            further = max(found[k : k + 2])
            level = further if further < EVEN * found[k] else found[k]
            noise = max(noise, height, min(level, CERTAIN * height))  # what is more may be a curve
            is_hidden = reach <= line.reach or not any(found[:k])
            if (
                nearest == fine and is_hidden
            ):  # short steps are subject to plateaus they do not show
                nearest = max(fine, noise * line.size_at(0.0) / size)
        levels.append(Level(reach, noise, size))
    raised = [level._replace(noise=max(level.noise, nearest)) for level in levels]
    return Noise(fine, nearest, repeated == 0, raised)


def _spacings(line: Line) -> list[float]:
    """The distances of equally spaced values: odd multiples of the shortest step."""
    shortest, longest = line.span
    spacing, spacings = shortest * SPACING, [shortest]
    while spacing < longest * COARSEST / EVEN:
        spacings.append(_odd(spacing * UNEVEN, shortest))
        spacing *= SPACING
    return [*spacings, *(_odd(longest * COARSEST * part, shortest) for part in LAST)]


def _odd(spacing: float, unit: float) -> float:
    """The nearest odd multiple of a step; of what is too many steps to be counted, itself."""
    count = spacing / unit
    return (int(count) | 1) * unit if count < COUNTABLE else spacing


def noise_of_others(line: Line) -> tuple[float, float]:
    """The noise as all other inputs move, and what it may do to the slope along a line."""
    other = line.across(np.random.default_rng(0))
    if other is None:
        return 0.0, 0.0
    noise = noise_of(other).coarse
    return noise, noise / line.reach


def _wavering(line: Line, spacing: float, side: int) -> float:
    """The noise of equally spaced values on one side; 0 where some are missing."""
    values = np.array([line.at(side * k * spacing) for k in range(1, POINTS + 1)])
    if not np.isfinite(values).all():
        return 0.0
    deviations = []
    for order in ORDERS:
        differences = np.diff(values, order)
        weight = math.factorial(order) ** 2 / math.factorial(2 * order)
        size = float(np.max(np.abs(differences))) or 1.0  # whose square may not be finite
        deviations.append(size * math.sqrt(weight * float(np.mean((differences / size) ** 2))))
    return CERTAIN * min(deviations)


def _plateaus(line: Line, spacing: float, level: float) -> float:
    """The largest of the jumps, of about such a level, between most values; 0 if it does not jump.

    One jump near by is a matter of that place; rounding inside jumps everywhere. Not every search
    ends at a jump, as of several in a row some take back what others have added.
    """
    jumps: dict[int, list[float]] = {1: [], -1: []}
    for k in range(1, LOOKS + 1):
        for side in jumps:
            jump = _jump_between(line, side * k * spacing, side * (k + 1) * spacing, level)
            jumps[side] += [jump] * (jump > 0)
        if all(jumps.values()) and sum(map(len, jumps.values())) >= JUMPS:
            return max(map(max, jumps.values()))
    return 0.0


def _jump_between(line: Line, low: float, high: float, level: float) -> float:
    """The jump at which halving ends, always towards the larger change; 0 if it is none.

    Changes are those beyond the slope next to the low end, which is that of a plateau.
    """
    start, end = line.at(low), line.at(high)
    pace = abs(end - start) / abs(high - low)
    near = math.copysign(min(line.span.shortest * FLAT, abs(high - low) / 2), high - low)
    slope = (line.at(low + near) - start) / near
    for _ in range(HALVINGS):
        middle = (low + high) / 2
        if abs(high - low) <= line.span.shortest or middle in (low, high):
            break
        half, along = line.at(middle), slope * (middle - low)
        if abs(half - start - along) > abs(end - half - along):
            high, end = middle, half
        else:
            low, start = middle, half
    steady = STEEP * pace * abs(high - low)  # what a curve that is as steep would differ by
    jump = abs(end - start)
    return jump if jump > max(level / (4 * EVEN), steady) else 0.0
