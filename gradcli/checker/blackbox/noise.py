"""How noisy a function is along a line, measured from its values.

Differences of a high order of equally spaced values take away what is smooth, and leave the noise
(Moré and Wild, Estimating computational noise, 2011). That is done on either side of the point, and
at several spacings: next to the last places of x, where rounding shows, and further out, where
what is rounded more coarsely inside, to float32 say, leaves its plateaus.
"""

from __future__ import annotations

import math
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
UNEVEN = 45 / 32  # of a power of two: as odd
EVEN = 2.0**4  # noise is the same at all spacings, within this; kinks and curves grow faster
LOOKS = 3  # pairs of values on each side that are searched for a jump; of plateaus half have one
HALVINGS = 60
FLAT = 2.0**12  # times the shortest step: plateaus of float32 are 2**29 of them wide
STEEP = 8.0  # times as steep as over a whole pair a curve may be somewhere between


class Noise(NamedTuple):
    """How much values waver: always, and where steps are so long that they cross plateaus."""

    fine: float
    coarse: float
    is_repeatable: bool

    @property
    def is_uneven(self) -> bool:
        """Whether what short steps show is smoother than what long ones do."""
        return self.coarse > EVEN * self.fine


def quick_noise(line: Line) -> Noise:
    """The noise next to the point, at the price of a few values."""
    repeated = line.again()
    noise = max(_wavering(line, line.span.shortest * ODD, 1), line.floor, CERTAIN * repeated)
    return Noise(noise, noise, repeated == 0)


def noise_of(line: Line) -> Noise:
    """The noise on both sides of the point, at all spacings."""
    repeated = max(line.again() for _ in range(3))
    shortest, longest = line.span
    spacings = [shortest]
    while spacings[-1] * SPACING < longest * COARSEST / EVEN:
        spacings.append(spacings[-1] * SPACING)
    spacings = [shortest, *(spacing * UNEVEN for spacing in (*spacings[1:], longest * COARSEST))]
    levels = [max(_wavering(line, spacing, side) for side in (1, -1)) for spacing in spacings]
    odd = max(_wavering(line, shortest * ODD, side) for side in (1, -1))
    fine = max(levels[0], odd, line.floor, CERTAIN * repeated)
    coarse = fine
    for k, spacing in enumerate(spacings):
        if levels[k] > EVEN * coarse and _has_plateaus(line, spacing, levels[k]):
            further = max(levels[k : k + 2])
            coarse = further if further < EVEN * levels[k] else levels[k]
    return Noise(fine, coarse, repeated == 0)


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


def _has_plateaus(line: Line, spacing: float, level: float) -> bool:
    """Whether the function jumps, by about such a level, between most values.

    One jump near by is a matter of that place; rounding inside jumps everywhere. Not every search
    ends at a jump, as of several in a row some take back what others have added.
    """
    jumps = [
        [
            _jumps_between(line, side * (2 * k - 1) * spacing, side * 2 * k * spacing, level)
            for k in range(1, LOOKS + 1)
        ]
        for side in (1, -1)
    ]
    return all(map(any, jumps)) and sum(map(sum, jumps)) >= LOOKS


def _jumps_between(line: Line, low: float, high: float, level: float) -> bool:
    """Whether halving, always towards the larger change, ends at a jump.

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
    return abs(end - start) > max(level / (4 * EVEN), steady)
