"""Verdicts on the gradients of a function that nothing is known of but its values.

A claim passes if it agrees with a reading good enough to say so, and no finer one contradicts it.
It fails if two pieces of evidence exclude it that share no step: tableaux of different scales or
sides, complex steps, many digits. Readings that contradict each other are taken for the signs of
structure between their scales; a claim then fails only if all of them exclude it.
"""

from __future__ import annotations

import math
from typing import NamedTuple

from gradcli.arithmetic.agreement import agree, lies_between
from gradcli.arithmetic.floats import UNIT_ROUNDOFF
from gradcli.checker.blackbox.line import Line
from gradcli.checker.blackbox.noise import EVEN, noise_of_others
from gradcli.checker.blackbox.other_numbers import complex_slope, limit_in_digits
from gradcli.checker.blackbox.readings import BETWEEN, Group, Reading, Readings, best_of
from gradcli.evaluation.limits import Limit

# Tolerances are data, with a reason each.
POOR = 1e-4  # relative: a reading of noisy values that is better than this may let a claim pass
FAIR = 5e-6  # the same where only rounding is in the way: half of what a wrong 5th digit is off by
NOISY = 64.0  # times what the values' own rounding accounts for
STILL_STEPS = range(0, 21, 4)  # doublings, to a millionth of the input
SHAKEN = 1e-2  # relative: what rounding may have done to a slope where it shows between scales
NOTHING = 1e-10  # of the value: what a slope that is 0 may move it by
WILD = (2.0**-8, 2.0**-4)  # of the values, and of all it moves by: a move to the next numbers
NEXT, AFAR = range(1, 9), range(11)  # shortest steps, and halvings of the longest
CLEAR = 4.0  # times the bounds of the sides of a kink, beyond which a claim is outside


class Verdict(NamedTuple):
    """The verdict on a slope along a line, and what it rests on."""

    verdict: str
    kind: str | None
    numeric: float | None
    bound: float | None
    noise: float
    reason: str | None = None
    interval: list[float] | None = None


def verdict_along(line: Line, claim: float, tolerance: float) -> Verdict:
    """The verdict on what is claimed as the slope along a line."""
    readings = Readings(line)
    quick = readings.quick() if math.isfinite(claim) else None
    if quick is not None:
        reading, noise = quick
        size = max(abs(claim), abs(reading.value))
        if reading.bound <= tolerance * size and agree(claim, reading.value, tolerance):
            return Verdict("pass", "smooth", reading.value, reading.bound, noise.fine)
    limit = limit_in_digits(line)
    if limit is not None:
        return _by_digits(line, readings, limit, claim, tolerance)
    return _unshaken(line, _by_values(line, readings, claim, tolerance), claim)


def _unshaken(line: Line, found: Verdict, claim: float) -> Verdict:
    """A verdict, undecided where it rests on a slope that noise along other inputs may have moved.

    Of c(x) * y the slope by y is as wrong as c(x) is, however straight it is as y moves.
    """
    if found.verdict != "fail" or found.numeric is None:
        return found
    noise, room = noise_of_others(line)
    if not abs(claim - found.numeric) <= room:
        return found
    reason = f"f is noisy by {noise:.2g} as other inputs move, and this slope by {room:.2g}"
    return found._replace(verdict="inconclusive", bound=room, reason=reason)


# ---------------------------------------------------------------- many digits


def _by_digits(
    line: Line, readings: Readings, limit: Limit, claim: float, tolerance: float
) -> Verdict:
    """The verdict where the function takes many digits; two runs of them have agreed."""
    noise, kind = readings.noise.coarse, limit.kind
    if kind == "nan":
        return Verdict("undefined", kind, None, None, noise, "f has no value beside this point")
    if kind == "jump":
        return Verdict("undefined", kind, None, None, noise, "f jumps here: no derivative exists")
    if limit.has_two_slopes:
        return _at_kink(claim, limit.left, limit.right, 0.0, noise, tolerance)
    slope = limit.slope
    if kind == "infinite":
        verdict = "pass" if claim == slope else "fail"
        return Verdict(verdict, kind, slope, None, noise, "the slope is infinite")
    reason = "at the border of the domain: checked from one side" if kind == "border" else None
    if agree(claim, slope, tolerance) and (not claim or limit.bound <= tolerance * abs(claim)):
        return Verdict("pass", kind, slope, limit.bound, noise, reason)
    if agree(claim, slope, tolerance, limit.bound):
        return _by_values(line, readings, claim, tolerance)
    return Verdict("fail", kind, slope, limit.bound, noise, reason)


# ---------------------------------------------------------------- values


def _by_values(line: Line, readings: Readings, claim: float, tolerance: float) -> Verdict:
    noise = readings.noise.coarse
    jumps = [side for side in (-1, 1) if readings.jump(side)]
    if jumps and not (
        math.isnan(line.at(line.span.shortest)) or math.isnan(line.at(-line.span.shortest))
    ):
        return Verdict("undefined", "jump", None, None, noise, "f jumps here: no derivative exists")
    if not readings.groups:
        return Verdict("inconclusive", None, None, None, noise, "no steps fit beside this point")
    for side, groups in ((-1, readings.left), (1, readings.right)):
        power = readings.power(side) if groups else math.nan
        if power < 1 - 0.05:
            return _at_cusp(line, readings, claim, side)
    if readings.kink is not None:
        return _kink_of_values(readings, readings.kink, claim, tolerance)
    kind = "smooth" if readings.left and readings.right else "border"
    return _smooth(line, readings, claim, tolerance, kind)


def _smooth(line: Line, readings: Readings, claim: float, tolerance: float, kind: str) -> Verdict:
    """The verdict where no kink shows; at a border the sides stand for central differences."""
    noise = readings.noise.coarse
    finest = _finest(readings)
    best = min(finest, key=lambda reading: reading.bound)
    size = max(abs(claim), abs(best.value))
    contradicting = [reading for reading in finest if reading.excludes(claim, tolerance)]
    if claim == 0 and not contradicting and (_is_still(line) or _is_nothing(line, best)):
        return Verdict("pass", kind, 0.0, best.bound, noise)
    reason = "at the border of the domain: checked from one side" if kind == "border" else None
    if not contradicting and best.bound <= max(tolerance, _worth(readings)) * size:
        if best.bound > tolerance * size:
            digits = math.floor(-math.log10(best.bound / size))
            noisy = f"agrees to {digits} digits, all that the noise of f leaves"
            reason = f"{reason}; {noisy}" if reason else noisy
        return Verdict("pass", kind, best.value, best.bound, noise, reason)
    complex_one = complex_slope(line)
    if complex_one is not None and not contradicting and agree(claim, complex_one, tolerance):
        said = "by a complex step, which agrees with the values as far as these tell"
        return Verdict("pass", kind, complex_one, best.bound, noise, said)
    is_rescued = complex_one is not None and agree(claim, complex_one, tolerance)
    may_be_legal = is_rescued or _is_between_sides(readings, claim) or _is_wild(line)
    if _is_excluded(readings, claim, tolerance) and not may_be_legal:
        return Verdict("fail", kind, best.value, best.bound, noise, reason)
    reason = _doubt(readings, best)
    return Verdict("inconclusive", kind, best.value, best.bound, noise, reason)


def _is_still(line: Line) -> bool:
    """Whether the function does not change at all over short steps on either side.

    What rounds in plateaus does not either, but changes over steps not much longer.
    """
    steps = (line.span.shortest * 2.0**k for k in STILL_STEPS)
    return all(line.at(side * step) == 0 for step in steps for side in (1, -1))


def _is_nothing(line: Line, best: Reading) -> bool:
    """Whether the bound on a slope of 0 is nothing beside the value, over the longest step."""
    return best.bound * line.span.longest <= NOTHING * line.size


def _worth(readings: Readings) -> float:
    """The relative bound with which a claim may still pass: looser only where f is noisy."""
    line = readings.line
    rounding = UNIT_ROUNDOFF * line.size
    is_noisy = readings.noise.coarse > NOISY * rounding or not readings.noise.is_repeatable
    return POOR if is_noisy else FAIR


def _finest(readings: Readings) -> Group:
    """The best reading of each finest group: what is nearest to the point, as far as it shows."""
    return [
        best_of(groups[0]) for groups in (readings.central, readings.left, readings.right) if groups
    ]


def _is_excluded(readings: Readings, claim: float, tolerance: float) -> bool:
    """Whether every group excludes a claim, by two of its readings in all at least.

    Where central differences of all scales are one group, those of a side, which converge later,
    count by their finest; but not where short steps move nothing, which may be rounding.
    """
    groups, height = readings.groups, 0.0
    if len(readings.central) == 1 and not _is_still(readings.line):
        groups = [kind[0] for kind in (readings.central, readings.left, readings.right) if kind]
    elif len(readings.central) > 1 and _is_still(readings.line):
        tolerance, height = max(tolerance, SHAKEN), _unmeasured_height(readings)
    if not all(_in_steps(group, height).excludes(claim, tolerance) for group in groups):
        return False
    steps = {
        reading.step for group in groups for reading in group if reading.excludes(claim, tolerance)
    }
    return len(steps) > 1


def _is_between_sides(readings: Readings, claim: float) -> bool:
    """Whether a claim lies between the slopes of the sides, where these differ.

    Noise may leave the bounds of a kink's sides too wide for it to be one for certain.
    """
    if not (readings.left and readings.right):
        return False
    left, right = (best_of(side[0]) for side in (readings.left, readings.right))
    low, high = sorted((left.value, right.value))
    return not left.agrees(right) and lies_between(claim, low, high, 0.0)


def _is_wild(line: Line) -> bool:
    """Whether a function moves as much to the next numbers as it ever does, and not a little.

    What it does between them is unknown: sin at 1e30 turns there more often than it has digits.
    """
    near, far = (
        max(abs(line.at(side * step)) for side in (1, -1) for step in steps)
        for steps in ([k * line.span.shortest for k in NEXT],
                      [line.span.longest * 2.0**-k for k in AFAR])
    )  # fmt: skip
    of_values, of_all = WILD
    return near > of_values * line.size and near > of_all * far


def _unmeasured_height(readings: Readings) -> float:
    """How high the steps of a function are that are too wide to be seen as noise; 0 if none is."""
    height = readings.line.first_move()
    return height if EVEN * readings.noise.coarse < height else 0.0


def _in_steps(group: Group, height: float) -> Reading:
    """The best reading of a group, with what steps of a height may do to it.

    It may come of its shortest step, which is few of those wide, and it has no bound for that.
    Where nothing moves it is right as it is.
    """
    best = best_of(group)
    room = height / best.step / BETWEEN
    return best._replace(bound=best.bound + room) if best.value else best


def _doubt(readings: Readings, best: Reading) -> str:
    """Why nothing can be told, in words."""
    if not readings.noise.is_repeatable:
        return "f does not repeat itself: called twice it gives other values"
    if any(len(groups) > 1 for groups in (readings.central, readings.left, readings.right)):
        return "slopes over short steps and long ones differ: something is between their scales"
    if _is_wild(readings.line):
        return "f is another one at the next number beside the point: its values say nothing of it"
    if not readings.line.first_move():
        return f"f does not move in the digits it has, which hide slopes up to {best.bound:.2g}"
    return (
        f"f is noisy by {readings.noise.coarse:.2g}, which leaves {best.value:.6g} +- "
        f"{best.bound:.2g}"
    )


def _at_cusp(line: Line, readings: Readings, claim: float, side: int) -> Verdict:
    slope = math.copysign(math.inf, side * line.at(side * line.span.longest * 2.0**-20))
    noise = readings.noise.coarse
    if claim == slope:
        return Verdict("pass", "infinite", slope, None, noise, "the slope is infinite")
    reason = "the slope seems to be infinite, which values alone cannot show"
    return Verdict("inconclusive", "infinite", slope, None, noise, reason)


def _kink_of_values(
    readings: Readings, kink: tuple[Reading, Reading], claim: float, tolerance: float
) -> Verdict:
    left, right = kink
    noise, room = readings.noise.coarse, CLEAR * (left.bound + right.bound)
    verdict = _at_kink(claim, left.value, right.value, room, noise, tolerance)
    if verdict.verdict == "fail":
        sides = [*readings.left, *readings.right]
        if not all(best_of(group).excludes(claim, tolerance) for group in sides):
            return verdict._replace(verdict="inconclusive")
    return verdict


def _at_kink(
    claim: float, left: float, right: float, room: float, noise: float, tolerance: float
) -> Verdict:
    """The verdict at a kink: what lies between the slopes of both sides is a legal subgradient."""
    low, high = min(left, right), max(left, right)
    slack = room + tolerance * max((abs(x) for x in (low, high) if math.isfinite(x)), default=0.0)
    is_legal = lies_between(claim, low, high, slack) or (math.isinf(claim) and claim in (low, high))
    says = "lies between" if is_legal else "is outside"
    reason = f"a kink: left slope {left:.6g}, right slope {right:.6g}; {claim:.6g} {says}"
    nearest = math.nan if math.isnan(claim) else min(max(claim, low), high)
    verdict = "kink" if is_legal else "fail"
    return Verdict(verdict, "kink", nearest, room, noise, reason, [low, high])
