"""Places where kinks of several inputs meet: slopes at many points around, for all of them at once.

One by one, and at the point itself, slopes do not show all that is legal there: sorted in another
order, equal numbers have other gradients. A Clarke subgradient g has g . v between the smallest and
the largest slope along v nearby (Clarke, Optimization and Nonsmooth Analysis, section 2.1).
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from gradcli.arithmetic.agreement import lies_between
from gradcli.checker.blackbox.line import Directions, Line, Place

# Tolerances are data, with a reason each.
FARTHEST = 2.0**-14  # of the longest step: how far the points around may be
NEARER = 2.0**-3  # of that distance
STEP = 2.0**-5  # of the distance of a point: what crosses a kink lies between its slopes
CLEAR = 64.0  # times the noise: what a step has to change the value by to tell slopes apart
CORNERS = 64  # points around
FIRST = 8  # of them, where no two numbers are equal: if these agree there is no kink
KINKED = 1e-2  # relative: what slopes differ by at a kink
ROOM = 1e-3  # relative: how far rounding may move the ends of a range


class Range(NamedTuple):
    """The smallest and the largest slope around a point."""

    low: float
    high: float
    unsure: float  # by how much noise may have moved them
    is_reached: bool  # whether the slopes at the point itself reach as far as all others

    @property
    def size(self) -> float:
        """The larger of both, without its sign."""
        return max(abs(self.low), abs(self.high))

    @property
    def is_kinked(self) -> bool:
        """Whether slopes differ by more than noise or a curve makes them."""
        return self.high - self.low > KINKED * self.size + self.unsure

    def holds(self, slope: float) -> bool:
        """Whether a slope lies in it."""
        return lies_between(slope, self.low, self.high, ROOM * self.size + self.unsure)


def slopes_around(
    place: Place, directions: Directions, size: float, noise: float, rng: np.random.Generator,
    part: float = 1.0,
) -> Range:  # fmt: skip
    """The range of the slopes along a direction, at the point and as near to it as noise allows.

    `size` is that of the slopes, and `part` of the distance is taken.
    """
    line = Line(place, directions)
    noise = max(noise, line.floor)
    clear = CLEAR * noise / (KINKED * size) if size else math.inf
    step = part * min(max(clear, 8 * line.span.shortest), FARTHEST * STEP * line.span.longest)
    unsure = CLEAR / 2 * noise / step
    slopes = [line.slope(step, side) for side in (-1, 1)]
    pace = max(float(np.max(np.abs(v), initial=0.0)) for v in directions.values())
    distance = step / STEP * pace
    first = CORNERS if has_equals(place) else FIRST
    for count in range(CORNERS):
        if count == first and not _range(slopes, unsure).is_kinked:
            break
        inputs = [x + distance * rng.uniform(-1.0, 1.0, x.shape) for x in place.inputs]
        corner = Line(Place(place.values, inputs, place.upstream), directions)
        slopes.append(corner.slope(step, 1))
    return _range(slopes, unsure)


def has_equals(place: Place) -> bool:
    """Whether two numbers among the inputs are equal, or one is 0: kinks meet where they are."""
    numbers = np.concatenate([np.ravel(x) for x in place.inputs])
    return bool(np.unique(numbers).size < numbers.size or (numbers == 0).any())


def _range(slopes: list[float], unsure: float) -> Range:
    """The range of some slopes, of which the first two are those at the point itself."""
    known = [slope for slope in slopes if math.isfinite(slope)]
    low, high = min(known, default=-math.inf), max(known, default=math.inf)
    room, here = ROOM * max(abs(low), abs(high)) + unsure, slopes[:2]
    return Range(low, high, unsure, min(here) <= low + room and max(here) >= high - room)


def legal_range(
    place: Place, directions: Directions, claim: float, slope: float, noise: float,
    rng: np.random.Generator,
) -> Range | None:  # fmt: skip
    """The range that makes a claim legal where kinks meet; None where it does not."""
    size = max(abs(claim), abs(slope))
    around = slopes_around(place, directions, size, noise, rng)
    if not around.is_kinked or not around.holds(claim):
        return None
    nearer = slopes_around(place, directions, size, noise, rng, NEARER)
    is_as_wide = nearer.high - nearer.low > 2 * NEARER * (around.high - around.low)
    is_kink = nearer.is_kinked and is_as_wide  # slopes of a curve come together
    return around if is_kink and nearer.holds(claim) else None
