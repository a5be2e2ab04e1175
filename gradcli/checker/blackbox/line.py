"""A function of arrays seen along a line through a point: a number of one number.

    phi(t) = upstream . (f(x + t v) - f(x))

The value at the point is taken off before the sum is, so that what does not move does not round.
Directions are powers of two near the size of what they move, times a few bits: x + t v is exact for
powers of two t, down to the last places of x.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from copy import copy
from typing import Any, NamedTuple

import numpy as np

from gradcli.arithmetic.floats import FAULTS, UNIT_ROUNDOFF

Arrays = list[Any]  # of numpy, float64
Directions = dict[int, Any]  # by the inputs that move

# Tolerances are data, with a reason each.
LONGEST = 1000  # the binary exponent of the longest step: twice as much is finite, too
FINEST = 2.0**-52  # of the longest step, where x is 0 and any step moves it
PRECISIONS = ((np.float16, 2.0**-11), (np.float32, 2.0**-24), (np.float64, UNIT_ROUNDOFF))
SINGLE = 2.0**-24  # what is short enough for fewer digits is a number like 3.0, and exact
FEW_ROUNDINGS = 2.0**4  # more are the steps of a function, or a function that shakes
LARGEST = 2.0**1023  # a number beyond has last places as wide, and none above them
NOTHING = np.asarray(math.nan)  # where there is no value, or no real one: (-1) ** 0.5 in Python
MANTISSAS = (1.0, 1.25, 1.5, 1.75)  # three bits: enough to tell elements apart, few enough to add


class Place:
    """A function at a point: its inputs, its value there, and the upstream gradient."""

    def __init__(
        self, values: Callable[[Arrays], Any], inputs: Sequence[Any], upstream: Any
    ) -> None:
        self.values = values
        self.inputs = [np.array(x, dtype=float) for x in inputs]
        self.upstream = upstream
        self.evaluations = 0
        self.noise: Any = None  # as measured along the first line that a quick look is taken at
        self._precisions = [*PRECISIONS]  # that no value has shown to be finer yet
        self.value = self.evaluate(self.inputs)

    def evaluate(self, inputs: Arrays) -> Any:
        """The value for such inputs, nan where there is none."""
        self.evaluations += 1
        try:
            with np.errstate(all="ignore"):
                given = self.values([x.copy() for x in inputs])
            value = np.asarray(np.nan if np.ma.is_masked(given) else given)
        except (*FAULTS, LookupError):  # outside its domain, or a table that it looks up
            return NOTHING
        if value.dtype.kind == "c":
            return NOTHING
        value = value.astype(float)
        if len(self._precisions) > 1 and np.isfinite(value).all():
            self._see(value)
        return value

    def _see(self, value: Any) -> None:
        """Leave out the precisions that have no number for what was seen."""
        with np.errstate(over="ignore"):
            self._precisions = [
                (kind, roundoff) for kind, roundoff in self._precisions
                if (value.astype(kind) == value).all()
            ]  # fmt: skip

    @property
    def roundoff(self) -> float:
        """What values are rounded by: code may compute in fewer digits than it returns."""
        return self._precisions[0][1]

    def moved(self, directions: Directions, step: float) -> Arrays:
        """The inputs, a step along a direction away."""
        return [
            x + step * directions[k] if k in directions else x for k, x in enumerate(self.inputs)
        ]

    @property
    def is_finite(self) -> bool:
        """Whether the function has a value here."""
        return bool(np.isfinite(self.value).all())


class Span(NamedTuple):
    """The steps that fit a line, in its own units: from the shortest that moves all it should."""

    shortest: float
    longest: float


class Line:
    """The function along a direction of one input, or of several."""

    def __init__(self, place: Place, directions: Directions) -> None:
        self.place = place
        self.directions = directions
        self.span = _span(place, directions)
        self._known: dict[float, float] = {0.0: 0.0}
        self._size = np.zeros(np.shape(place.value))  # of what the steps have moved

    def at(self, step: float) -> float:
        """Phi there; nan where the function has no value."""
        if step not in self._known:
            self._known[step] = self._fresh(step)
        return self._known[step]

    def _fresh(self, step: float) -> float:
        place = self.place
        there = place.evaluate(place.moved(self.directions, step))
        if np.shape(there) != np.shape(place.value):
            return math.nan
        with np.errstate(all="ignore"):
            gap = there - place.value
            parts = np.where(gap == 0, 0.0, place.upstream * gap)
            moved = np.where(gap == 0, 0.0, np.abs(place.upstream) * np.abs(place.value))
            self._size = np.fmax(self._size, moved)
        total = float(np.sum(parts))
        return total if math.isfinite(total) else math.nan

    def again(self) -> float:
        """By how much the function differs from itself at the point, called once more."""
        return abs(self._fresh(0.0))

    @property
    def floor(self) -> float:
        """The rounding that the values alone account for, of those that the steps have moved.

        Where nothing has moved at all it is that of ordinary numbers, which may hide a slope.
        """
        return self._roundoff * self.size

    @property
    def _roundoff(self) -> float:
        """What values are rounded by: in few digits where they first move by about such a rounding.

        Those of a function in steps have few digits too, and move by whole steps. Where nothing
        moves at all, float32 may hide what does.
        """
        if self.place.roundoff > UNIT_ROUNDOFF:
            moved = self.first_move()
            if not moved and self.place.roundoff == SINGLE:
                return SINGLE
            if 0 < moved <= FEW_ROUNDINGS * self.place.roundoff * self.size:
                return self.place.roundoff
        return UNIT_ROUNDOFF

    def first_move(self) -> float:
        """By how much the value first moves, as steps on both sides grow; 0 if it never does."""
        step = self.span.shortest
        while step <= self.span.longest:
            moved = max(abs(self.at(step)), abs(self.at(-step)))
            if moved > 0:
                return moved
            step *= 2
        return 0.0

    @property
    def size(self) -> float:
        """Twice the values that the steps have moved, as large as their differences may be."""
        size = float(np.sum(self._size))
        if not size:
            size = max(1.0, float(np.sum(np.abs(self.place.upstream * self.place.value))))
        return 2 * size

    def size_at(self, step: float) -> float:
        """How large the values are within a step; what is no number there is left out."""
        moved = [abs(self.at(side * step)) for side in (1, -1)]
        return self.size / 2 + max((x for x in moved if math.isfinite(x)), default=0.0)

    @property
    def reach(self) -> float:
        """The step that moves inputs by their own size; the longest where these are 0."""
        steps = [
            float(np.min(np.abs(x[v != 0] / v[v != 0]), initial=math.inf))
            for x, v in ((self.place.inputs[k], v) for k, v in self.directions.items())
        ]
        return min([step for step in steps if step > 0], default=self.span.longest)

    def across(self, rng: np.random.Generator) -> Line | None:
        """A line along which all else moves, of what has moved here; None for nothing."""
        place = copy(self.place)
        place.upstream = np.where(self._size > 0, place.upstream, 0.0)
        directions = {
            k: scattered(x, self.directions.get(k, np.zeros(x.shape)) == 0, rng)
            for k, x in enumerate(place.inputs)
        }
        moving = {k: v for k, v in directions.items() if v.any()}
        return Line(place, moving) if moving else None

    def slope(self, step: float, side: int) -> float:
        """The difference over a step: central for side 0, else towards that side."""
        if side == 0:
            return (self.at(step) - self.at(-step)) / (2 * step)
        return side * self.at(side * step) / step


def _span(place: Place, directions: Directions) -> Span:
    """The steps that fit a direction."""
    moved = [(place.inputs[k], v, v != 0) for k, v in directions.items()]
    size = np.concatenate([np.abs(x[moves]) for x, _, moves in moved])
    pace = np.concatenate([np.abs(v[moves]) for _, v, moves in moved])
    most = math.log2(max(1.0, float(size.max()))) - 1 - math.log2(float(pace.max()))
    longest = 2.0 ** min(math.floor(most), LONGEST)
    last_places = np.spacing(np.minimum(size, LARGEST))
    shortest = max(float(np.max(last_places / pace)), longest * FINEST * float(not size.any()))
    return Span(2.0 ** math.ceil(math.log2(shortest) + 1), longest)


def axis(x: Any, index: tuple[int, ...]) -> Any:
    """The direction of one element, in its own units."""
    direction = np.zeros(np.shape(x))
    direction[index] = 1.0
    return direction


def scattered(x: Any, chosen: Any, rng: np.random.Generator) -> Any:
    """A random direction of the chosen elements, each moved in proportion to its size."""
    size = np.abs(x)
    usual = float(np.max(size[chosen], initial=0.0)) or 1.0
    scale = np.exp2(np.frexp(np.where(size > 0, size, usual))[1] - 1.0)
    signs = rng.choice([-1.0, 1.0], np.shape(x))
    return np.where(chosen, signs * scale * rng.choice(MANTISSAS, np.shape(x)), 0.0)
