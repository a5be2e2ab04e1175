"""Readings of a slope along a line, at every scale of steps.

A reading is the best entry of Romberg's tableau that begins at one step: it has a bound, which is
honest about noise and about what bends, and knows nothing of what is finer than its own steps. So
there are readings from long steps to the shortest, central ones and of either side, and those that
agree form a group; where groups disagree something is between their scales, a kink near by, say.
"""

from __future__ import annotations

import math
from functools import cached_property
from itertools import pairwise
from typing import NamedTuple

from gradcli.checker.blackbox.line import Line
from gradcli.checker.blackbox.noise import Noise, noise_of, quick_noise
from gradcli.checker.differences import Tableau

# Tolerances are data, with a reason each.
BETWEEN = 2.0**-6  # from the first step of a reading to that of the next
FIRST = 2.0**-5  # of the longest step: where a quick look begins
ALLIED = 3.0  # times their bounds: noise is measured from few values, and may be twice as much
DRIFT = 1e-9  # relative: readings this near are one, whatever their bounds say
LIMIT_STEPS = range(1, 11)  # halvings over which a value beside the point stays, at a jump
FAR = 8.0  # times the noise: what is further off is no noise
STEADY = 0.02  # by how much the exponent of a power law may waver
POWER_STEPS = range(14, 26)  # doublings over which a slope shrinks like a power, at a cusp
SHARP = 1e-3  # of the gap between the slopes of two sides, which their bounds leave clear


class Reading(NamedTuple):
    """A slope, with a bound on its error, and a step of its tableau."""

    value: float
    bound: float
    step: float

    def excludes(self, slope: float, tolerance: float) -> bool:
        """Whether another slope is further off than bound and tolerance together.

        One that is not finite is, whatever the bound.
        """
        room = self.bound + tolerance * max(abs(slope), abs(self.value))
        return not (math.isfinite(slope) and abs(slope - self.value) <= room)

    def agrees(self, other: Reading) -> bool:
        """Whether two readings may be of one slope."""
        room = ALLIED * (self.bound + other.bound) + DRIFT * max(abs(self.value), abs(other.value))
        return abs(self.value - other.value) <= room


class _Differences:
    """The differences of a line for a tableau."""

    margin = 1.0

    def __init__(self, line: Line, side: int) -> None:
        self.line = line
        self.side = side
        self.order = 1 if side else 2

    def at(self, step: float) -> tuple[float | None, float]:
        """The difference over a step, or None, and 0: no step is known to be too long."""
        slope = self.line.slope(step, self.side)
        return (slope, 0.0) if math.isfinite(slope) else (None, 2.0)


Group = list[Reading]  # that agree, the finest first


class Readings:
    """All readings along a line."""

    def __init__(self, line: Line) -> None:
        self.line = line

    @cached_property
    def noise(self) -> Noise:
        """The noise along the line."""
        return noise_of(self.line)

    @cached_property
    def left(self) -> list[Group]:
        """The groups of slopes towards smaller numbers; none at a border."""
        return self._groups(-1)

    @cached_property
    def right(self) -> list[Group]:
        """The groups of slopes towards larger numbers; none at a border."""
        return self._groups(1)

    @cached_property
    def central(self) -> list[Group]:
        """The groups of central differences; none at a border."""
        return self._groups(0)

    @property
    def groups(self) -> list[Group]:
        """Those of all kinds."""
        return [*self.central, *self.left, *self.right]

    def quick(self) -> tuple[Reading, Noise] | None:
        """A central reading of few values; None where anything about it is in doubt."""
        place = self.line.place
        place.noise = place.noise or quick_noise(self.line)
        noise = place.noise._replace(fine=max(place.noise.fine, self.line.floor))
        reading = self._looked(self.line.span.longest * FIRST, noise.fine)
        if reading is None or self._bends(reading.step, noise.fine):
            return None
        return reading, noise

    def _looked(self, step: float, noise: float) -> Reading | None:
        tableau = Tableau(self._size, _Differences(self.line, 0), noise)
        tableau.fill(step)
        estimate = tableau.estimate()
        if not math.isfinite(estimate.bound):
            return None
        return Reading(estimate.value, estimate.bound, tableau.step)

    def _bends(self, step: float, noise: float) -> bool:
        """Whether both sides differ, and do so no less at shorter steps: a kink."""
        gaps = []
        for shorter in (step, step / 64):
            gap = abs(self.line.slope(shorter, 1) - self.line.slope(shorter, -1))
            gaps.append(max(0.0, gap - 4 * noise / shorter))
        return not gaps[1] <= gaps[0] / 4

    @property
    def _size(self) -> float:
        """A number whose last place is the shortest step, as a tableau wants it."""
        return self.line.span.shortest * 2.0**51

    def _groups(self, side: int) -> list[Group]:
        groups: list[Group] = []
        for reading in reversed(self._scales(side)):
            best = best_of(groups[-1]) if groups else None
            if best is not None and reading.agrees(best):
                groups[-1].append(reading)
            else:
                groups.append([reading])
        return groups

    def _scales(self, side: int) -> list[Reading]:
        """The readings of one kind, from the longest steps on."""
        step, shortest = self.line.span.longest, self.line.span.shortest
        readings = []
        while step >= 16 * shortest:
            tableau = Tableau(self._size, _Differences(self.line, side), self._noise_at(step))
            tableau.fill(step)
            bound, value = tableau.best
            if math.isfinite(bound) and math.isfinite(value):
                readings.append(Reading(value, bound, step))
            step *= BETWEEN
        return readings

    def _noise_at(self, step: float) -> float:
        """The noise of values a step away."""
        return self.noise.at(step, self.line.size_at(step))

    def jump(self, side: int) -> bool:
        """Whether the value at the point is not the limit from a side."""
        steps = (self.line.span.shortest * 2.0**k for k in LIMIT_STEPS)
        values = [self.line.at(side * step) for step in steps]
        least = min(map(abs, values))
        spread = max(values) - min(values)
        return least > FAR * self.noise.coarse and spread <= least / FAR + FAR * self.noise.coarse

    def power(self, side: int) -> float:
        """The p of a power law, f(x + h) - f(x) ~ h**p, towards a side; nan where it is none."""
        steps = [self.line.span.shortest * 2.0**k for k in POWER_STEPS]
        values = [abs(self.line.at(side * step)) for step in steps]
        noise = self._noise_at(steps[-1])
        if not all(value > FAR * noise for value in values):
            return math.nan
        powers = [math.log2(b / a) for a, b in pairwise(values)]
        steady = max(powers) - min(powers) <= STEADY
        return powers[0] if steady else math.nan

    @property
    def kink(self) -> tuple[Reading, Reading] | None:
        """The slopes of both sides, where they differ at the point; None where they do not."""
        if not (self.left and self.right):
            return None
        left, right = best_of(self.left[0]), best_of(self.right[0])
        gap = abs(left.value - right.value)
        is_sharp = left.bound + right.bound < SHARP * gap and self._apart(gap) > gap / 2
        return (left, right) if is_sharp else None

    def _apart(self, gap: float) -> float:
        """By how much the sides differ over the shortest step that noise leaves clear.

        It is all of the gap at a kink, and next to nothing where f only bends.
        """
        step = self.line.span.shortest * 16
        while self._noise_at(step) > SHARP * gap * step:
            step *= 2
        return abs(self.line.slope(step, 1) - self.line.slope(step, -1))


def best_of(group: Group) -> Reading:
    """The reading with the smallest bound."""
    return min(group, key=lambda reading: reading.bound)
