"""The numeric derivative in float64: central differences, extrapolated, with an error bound.

The differences D(h) = (f(x+h) - f(x-h)) / 2h at steps h, h/2, h/4, ... are extrapolated to h = 0
by Romberg's scheme. Every entry of the tableau carries two errors: rounding, from a bound on f
that the graph gives, and truncation, from the change between entries. The entry with the smallest
sum is the result. Guards keep the tableau honest:

* rounding: the bound comes from the graph, at x and at x+h, and not from |f|;
* branch: at every step each gate with a kink or jump is on the branch it has at x;
* resolution: no operand moves further than its gate's `radius`, so no structure is stepped over;
* consistency: much smaller steps agree with the result within their own rounding.

Steps are powers of two, so that x+h and x-h are mostly exact; what they slip by counts as rounding.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from gradcli.arithmetic.floats import FAULTS, UNIT_ROUNDOFF
from gradcli.checker.cone import Answer, Cone, power_of_two
from gradcli.checker.probes import Columns, Plain
from gradcli.named_tuples import NamedTuple

if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Protocol

    class Probe(Protocol):
        """Differences of a function along a line."""

        margin: float  # by how much more than its bound the function may be off
        order: int  # of a difference's error in the step, and of each further term: 2 where central

        def at(self, step: float) -> Answer:
            """The difference over a step, or None, and by what factor the step was too long."""

    class CentralProbe(Probe, Protocol):
        """Central differences along a cone."""

        def bounds_at(self, xs: Sequence[float]) -> Sequence[float]:
            """The bounds on the rounding of the output with the input at some numbers."""


# Tolerances are data, with a reason each.
ROMBERG_LEVELS = 6  # h**12 remains of the truncation: enough for 1e-13 when h bends nothing
MOST_LEVELS = 12  # before giving up on a tableau that has not settled
SETTLED = 1e-9  # a relative error so far below any tolerance needs no more levels, nor a closer
# look at how f rounds over these very steps
SURE = 3.0  # bounds: one to the truth, one from there to another estimate, one to spare
CAUTION = 4.0  # times the change between entries, of which the truth may be off by more than twice
FALLING = 1 / 16  # a quarter of the ratio of two corrections, and four to spare
STEP_MARGIN = 2.0  # the bound on f at x-h may exceed those at x and x+h
RESTARTS = 60  # a kink 1e-17 away is found by then
SHORTER = 2.0**8  # the part of a step that is tried next, where f rounds less nearer to x
LONGER = 2.0**3  # times a step, to see what is small against the rounding of f
GAIN = 0.25  # the part of a bound for which it is worth another try
GUARD_STEPS = (2.0**-9, 2.0**-18)  # steps of the consistency guard, relative to the smallest used


class Estimate:
    """A numeric derivative with a bound on its error; `reason` says why there is none."""

    __slots__ = ("bound", "reason", "step", "value")

    def __init__(
        self, value: float, bound: float, reason: str | None = None, step: float | None = None
    ) -> None:
        self.value = value
        self.bound = bound
        self.reason = reason
        self.step = step  # the shortest that the value rests on; None where nothing was stepped

    def scaled(self, factor: float) -> Estimate:
        """The estimate for a multiple of the function."""
        return Estimate(factor * self.value, abs(factor) * self.bound, self.reason, self.step)


class Goal(NamedTuple):
    """What an estimate is good enough for: a relative error, or what a gradient is held to.

    Where an estimate and a gradient differ so little that a better one, within the bound, cannot
    but agree with the gradient as well, there is no need for a better one.
    """

    settled: float = SETTLED
    gradient: float = math.nan
    tolerance: float = 0.0

    def is_met(self, value: float, error: float) -> bool:
        """Whether an estimate with a bound on its error needs no refinement."""
        if error <= self.settled * abs(value):
            return True
        size = max(abs(self.gradient), abs(value))
        return abs(self.gradient - value) + SURE * error <= self.tolerance * size


ANY = Goal()


def differentiate(
    cone: Cone, in_columns: bool = False, goal: Goal = ANY, probe: CentralProbe | None = None
) -> Estimate:
    """The derivative of the output by the cone's input, from values alone.

    `in_columns` evaluates all steps as one numpy batch, which pays for larger problems; `probe`
    does so in another way. An estimate that meets the `goal` is not refined.
    """
    if cone.is_still:
        return Estimate(0.0, 0.0)
    if cone.tied:
        return Estimate(math.nan, math.inf, "a gate is at its kink")
    if cone.is_singular:  # slopes on its two sides may cancel in central differences
        return Estimate(math.nan, math.inf, "a gate is where its slope is infinite")
    if not math.isfinite(cone.bound):
        return Estimate(math.nan, math.inf, "f has no bound on its rounding")
    try:
        step = cone.first_step
    except FAULTS:
        return Estimate(math.nan, math.inf, "a local gradient is infinite")
    return _best(cone, probe or (Columns(cone) if in_columns else Plain(cone)), step, goal)


def shorter(step: float, obstacle: float) -> float:
    """The step to try after one that was too long by a factor."""
    return power_of_two(step / min(max(obstacle, 2.0), 2.0**20))


def _best(cone: Cone, probe: CentralProbe, step: float, goal: Goal) -> Estimate:
    """The best estimate of tableaux that begin at a step, or shorter.

    Near an extremum f rounds far more a step away than nearer to x: where the bound of a point
    near by leaves a doubt, it is taken at the step itself, and then at shorter ones. A gradient
    that is small against f is rather seen over a longer step, where nothing bends within it.
    """
    best = Estimate(math.nan, math.inf, "no step is short enough")
    looks, is_long = 0, False
    for _ in range(RESTARTS):
        if not step >= 2 * math.ulp(cone.x):
            break
        difference, obstacle = probe.at(step)
        if difference is None:
            step = shorter(step, obstacle)
            continue
        bound = 0.0 if looks else cone.around.nearby
        if looks or rounds_there(cone):  # the largest: far away, and at long numbers
            bound = max(bound, cone.bound, *probe.bounds_at(ends_of(cone, step)))
        tableau = Tableau(cone.x, probe, bound, goal)
        tableau.fill(step)
        estimate = tableau.estimate()
        is_closer = estimate.bound < GAIN * best.bound
        best = min(estimate, best, key=lambda known: known.bound)
        if tableau.is_settled or (looks > 1 and not (is_closer or is_long)):
            break
        if looks:
            is_long = looks == 1 and goal.tolerance > 0
            step = step * LONGER if is_long else power_of_two(step / SHORTER)
        looks += 1
    return best


def rounds_there(cone: Cone) -> bool:
    """Whether the bound on f has to be taken over the steps: one near by may be too small."""
    return cone.rounds_elsewhere or cone.around.nearby < UNIT_ROUNDOFF * abs(cone.f)


def ends_of(cone: Cone, step: float) -> tuple[float, float]:
    """The ends of the longest and the shortest step of a tableau that begins at a step."""
    return cone.x + step, cone.x + step / 2.0 ** (ROMBERG_LEVELS - 1)


def _truncation(row: list[float], rounding: list[float], m: int, above: float) -> float:
    """A bound on the truncation of entry m of a row, below which `above` stands.

    Where terms of two orders cancel over one step an entry moves less than it errs. So it counts,
    too, by how much the next extrapolation moves it, if that is no rounding, and how far, by the
    corrections before it, it should have gone itself.
    """
    correction = abs(row[m] - row[m - 1])
    change = max(correction, abs(row[m] - above))
    if m + 1 < len(row):
        following = abs(row[m + 1] - row[m])
        if following > change and following > rounding[m] + rounding[m + 1]:
            change = following
    due = _due(row, rounding, m) if m > 2 else 0.0
    return max(CAUTION * change, due) if correction < due else CAUTION * change


def _due(row: list[float], rounding: list[float], m: int) -> float:
    """What the correction that makes entry m of a row should be at least, by the two before it.

    Of a power series the factors by which corrections fall are four times smaller from one to the
    next, as the weights of the scheme are four times larger.
    """
    correction, before = abs(row[m - 1] - row[m - 2]), abs(row[m - 2] - row[m - 3])
    if before > correction > rounding[m - 1]:
        return FALLING * correction * (correction / before)
    return 0.0


class Tableau:
    """Romberg's scheme; row j holds the extrapolations that end at step h / 2**j."""

    def __init__(self, x: float, probe: Probe, bound: float, goal: Goal = ANY) -> None:
        self.x = x
        self.goal = goal
        self.probe = probe
        self.margin = STEP_MARGIN * probe.margin
        self.weights = [2.0 ** (probe.order * m) for m in range(1, MOST_LEVELS)]
        self.rows: list[list[float]] = []
        self.rounding: list[list[float]] = []
        self.best = (math.inf, math.nan)  # error bound, value
        self.step = math.nan
        self.step_of_best: float | None = None
        self.bound = bound  # on the rounding error of f, at x and a step away

    def fill(self, step: float) -> float:
        """Add rows until the result has settled; return by what factor a step was too long."""
        smallest = 2 * math.ulp(self.x)
        while len(self.rows) < MOST_LEVELS and step >= smallest:
            difference, obstacle = self.probe.at(step)
            if difference is None:
                if not self.rows:
                    return obstacle
                break
            self._add_row(difference, step)
            self.step = step
            step /= 2
            if len(self.rows) >= 4 and (self.is_settled or self._rounds_too_much(step)):
                break
            if len(self.rows) >= ROMBERG_LEVELS and self.best[1] == 0:
                break
        return 0.0

    @property
    def is_settled(self) -> bool:
        """Whether the best entry is as good as it needs to be."""
        error, value = self.best
        return self.goal.is_met(value, error)

    def _rounds_too_much(self, step: float) -> bool:
        """Whether no row from a step on can be better, as rounding alone is no less than the best.

        It grows as steps become shorter, and extrapolation only adds to it.
        """
        return self.margin * self.bound / step >= self.best[0]

    def _add_row(self, difference: float, step: float) -> None:
        row = [difference]
        slips = (2 * UNIT_ROUNDOFF + self._slip(step) / step) * abs(difference)
        rounding = [self.margin * self.bound / step + slips]
        best_of_row = (math.inf, math.nan)
        if self.rows:
            above, above_rounding = self.rows[-1], self.rounding[-1]
            for entry, error, weight in zip(above, above_rounding, self.weights, strict=False):
                last = row[-1]
                row.append(last + (last - entry) / (weight - 1))
                rounding.append((weight * rounding[-1] + error) / (weight - 1))
            for m, entry in enumerate(above, 1):
                bound = rounding[m] + _truncation(row, rounding, m, entry)
                best_of_row = min(best_of_row, (bound, row[m]))
        if best_of_row < self.best or self._is_refuted(row[-1], rounding[-1]):
            self.best, self.step_of_best = best_of_row, step
        self.rows.append(row)
        self.rounding.append(rounding)

    def _is_refuted(self, last: float, rounding: float) -> bool:
        """Whether the last entry of a row is off the best so far by more than the bound of that.

        Terms of two orders may cancel over one step, so that entries differ by less than they err.
        """
        error, value = self.best
        return abs(last - value) > error + rounding

    def _slip(self, step: float) -> float:
        """How far from where they should be the ends of a step are, as x+h has to be rounded."""
        x = self.x
        return abs(x + step - x - step) + abs(x - step - x + step)

    def estimate(self) -> Estimate:
        """The best entry, unless a much smaller step contradicts it."""
        error, value = self.best
        if len(self.rows) < 3:
            return Estimate(value, math.inf, "too few steps fit")
        for factor in GUARD_STEPS:
            step = power_of_two(self.step * factor)
            if step < 2 * math.ulp(self.x):
                break
            difference, _ = self.probe.at(step)
            allowed = (
                2 * self.margin * self.bound / step + error + factor * abs(self.rows[-1][0] - value)
            )
            if difference is None or not abs(difference - value) <= allowed:
                return Estimate(value, math.inf, "smaller steps disagree")
        return Estimate(value, error, step=self.step_of_best)
