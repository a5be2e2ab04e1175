"""Verdicts on gradients of whole arrays, of too many elements for a question about each.

    g . v  =  d/dt f(x + t v)        along a few random directions v

Three things are held against each other: what is claimed, the engine's reverse sweep, and the
slope along a direction by complex steps, which know nothing of local gradients. A claim is compared
with the engine element by element, so that nothing small hides in a sum. The engine is compared
with the slopes along random directions; where these do not agree, halving the direction leads to
the elements. An element is called wrong only if the slope along its own axis says so, too, and
rounding cannot explain it.
"""

from __future__ import annotations

import heapq
import math
from collections.abc import Sequence
from functools import partial
from typing import Any

import numpy as np

from gradcli.arithmetic.agreement import agree, agreeing, relative_error
from gradcli.arithmetic.complex_steps import STEP
from gradcli.checker.evidence import DIGITS_LOST, DIRECTIONS
from gradcli.checker.patterns import pattern
from gradcli.checker.question import Question
from gradcli.checker.reasons import mismatch
from gradcli.checker.slopes import FINER, ROOM, SEED, Place, Slope, dot
from gradcli.evaluation.point import Point
from gradcli.program.model import Element
from gradcli.reports.evaluations import InputCheck

MOST_WRONG_NAMED = 5  # wrong elements that are looked for one by one
NOISE = 1e-3  # of the tolerance: an error below it says nothing


def check_wholes(
    point: Point, questions: Sequence[Question], tolerance: float
) -> dict[str, InputCheck]:
    """Verdicts on whole arrays; wrong elements have an entry of their own, the worst first."""
    place = Place(point)
    answers: dict[str, InputCheck] = {}
    for question in questions:
        answers |= _WholeCheck(place, question, tolerance).answers()
    return answers


class _WholeCheck:
    """The check of one whole array: its directions, its suspects, its verdicts."""

    def __init__(self, place: Place, question: Question, tolerance: float) -> None:
        self.place = place
        self.question = question
        self.tolerance = tolerance
        self.shape = np.shape(question.analytic)
        self.analytic = np.asarray(question.analytic, dtype=float)
        self.checked = np.asarray(question.checked, dtype=float)
        rng = np.random.default_rng(SEED)
        self.directions = [np.asarray(rng.standard_normal(self.shape)) for _ in range(DIRECTIONS)]

    def answers(self) -> dict[str, InputCheck]:
        """The verdict on the whole, then those on elements that are wrong."""
        name, place = self.question.name, self.place
        if not np.isfinite(place.run.values[place.output]).all():
            gate = place.overflow(place.output)
            if gate is not None:
                reason = f"float64 overflows ({gate}): a smaller case may show a value"
                return {name: self._whole("inconclusive", None, reason=reason)}
            return {name: self._whole("undefined", "nan", reason="f has no finite value here")}
        if not np.isfinite(self.analytic).all():
            reason = "the engine's own gradient is not finite: a smaller case shows why"
            return {name: self._whole("inconclusive", None, reason=reason)}
        if not self.analytic.size:  # nothing is compared, unless somebody claims just that
            return {} if self.question.claim is None else {name: self._whole("pass", "smooth")}
        slopes = [place.slope(self.question.leaf, v) for v in self.directions]
        if any(slope.jumps for slope in slopes):
            reason = "f jumps here: no derivative exists, no claim can be right"
            return {name: self._whole("undefined", "jump", reason=reason)}
        if not all(math.isfinite(s.left) and math.isfinite(s.right) for s in slopes):
            reason = "the numeric derivative is not finite, or a choice is too near its edge"
            return {name: self._whole("inconclusive", None, reason=reason)}
        gate = place.singular(self.question.leaf, self.directions[0])
        if gate is not None:
            reason = f"{DIGITS_LOST}: {gate} may be at a kink or a border"
            return {name: self._whole("inconclusive", None, reason=reason)}
        return self._compared(slopes)

    def _compared(self, slopes: list[Slope]) -> dict[str, InputCheck]:
        rooms = [self._room(v) for v in self.directions]
        kind = "kink" if any(map(Slope.is_kink, slopes, rooms)) else "smooth"
        suspects = self._suspects()
        engine = [dot(self.analytic, v) for v in self.directions]
        gaps = [e - s.nearest(e) for e, s in zip(engine, slopes, strict=True)]
        if not suspects.size and all(map(_vanishes, gaps, rooms)):
            return {self.question.name: self._along(slopes, kind, kind)}
        if kind == "kink":
            suspects = self._illegal()
            if not suspects.size:
                return {self.question.name: self._at_kinks(slopes)}
        noise = self.place.rounding_of(self.question.leaf, self.question.formula)
        if not suspects.size:
            allowed = [dot(noise, np.abs(v)) + self._rounding(v) for v in self.directions]
            off = [k for k, gap in enumerate(gaps) if abs(gap) > rooms[k] + allowed[k]]
            if not off:
                is_known = all(
                    _vanishes(gap, room) or loss <= room * self.tolerance / ROOM < math.inf
                    for gap, room, loss in zip(gaps, rooms, allowed, strict=True)
                )
                verdict, reason = (kind, None) if is_known else ("inconclusive", DIGITS_LOST)
                return {self.question.name: self._along(slopes, verdict, kind, reason)}
            k = max(off, key=lambda k: abs(gaps[k]))
            suspects = self._bisected(self.directions[k], gaps[k], rooms[k])
        return self._named(suspects, noise, slopes, kind)

    def _rounding(self, direction: Any) -> float:
        return self.place.rounding_of_slope(self.question.leaf, direction)

    def _room(self, direction: Any) -> float:
        return ROOM * dot(np.abs(self.analytic), np.abs(direction))

    def _suspects(self) -> Any:
        """Flat places where the claim is not what the engine says, the farthest off first."""
        if self.question.claim is None:
            return np.zeros(0, dtype=int)
        return _differing(self.checked, self.analytic, self.tolerance)

    def _illegal(self) -> Any:
        """Flat places where what is checked is not between the gradients near by."""
        low, high = self.place.around(self.question.leaf)
        slack = self.tolerance * np.maximum(np.abs(low), np.abs(high))
        nearest = np.minimum(np.maximum(self.checked, low), high)
        return _differing(self.checked, nearest, 0.0, slack)

    def _at_kinks(self, slopes: list[Slope]) -> InputCheck:
        """The verdict on a gradient of which every element alone is a legal subgradient.

        Together they are one if they lie between the slopes along every direction: the random
        ones, and those that lead to the claim. Where kinks of both kinds meet, one that opens
        upwards and one downwards, no choice of the gates does; then the engine's own stands
        outside as well.
        """
        towards = self._towards()
        along = [*slopes, *[self.place.slope(self.question.leaf, v) for v in towards]]
        is_between = partial(self._are_between, along, [*self.directions, *towards])
        if not is_between(self.checked) and is_between(self.analytic):
            reason = "each element alone is a legal subgradient, all together are none"
            return self._along(slopes, "inconclusive", "kink", reason)
        if not self.place.is_right_nearby(self.question.leaf, self.directions):
            reason = "several kinks meet, and near by the engine and the slopes differ"
            return self._along(slopes, "inconclusive", "kink", reason)
        return self._along(slopes, "kink", "kink")

    def _towards(self) -> list[Any]:
        """Directions to the claim: from 0, the engine's own, and what gradients near by make."""
        near = np.array([g.ravel() for g in self.place.gradients_around(self.question.leaf)]).T
        made = near @ np.linalg.lstsq(near, self.checked.ravel(), rcond=None)[0]
        origins = 0.0, self.analytic, made.reshape(self.shape)
        least = self.tolerance * np.max(np.abs(self.checked))
        return [v for k in origins if np.max(np.abs(v := self.checked - k)) > least]

    def _are_between(self, slopes: list[Slope], directions: list[Any], gradient: Any) -> bool:
        """Whether what a gradient gives along some directions is between the slopes there."""
        for v, slope in zip(directions, slopes, strict=True):
            number = dot(gradient, v)
            slack = self.tolerance * max(abs(slope.left), abs(slope.right))
            if not agree(number, slope.nearest(number), 0.0, slack):
                return False
        return True

    def _bisected(self, direction: Any, gap: float, room: float) -> Any:
        """Flat places of the elements that make engine and slope differ, by halving.

        The slope is linear in the direction, so that one half tells of the other. The half with
        the larger gap is halved first.
        """
        places: list[int] = []
        heap = [(-abs(gap), gap, range(self.analytic.size))]
        while heap and len(places) < MOST_WRONG_NAMED:
            _, gap, part = heapq.heappop(heap)
            if len(part) == 1:
                places.append(part[0])
                continue
            middle = len(part) // 2
            first = np.zeros(self.analytic.size)
            first[part[:middle]] = direction.ravel()[part[:middle]]
            first = first.reshape(self.shape)
            claimed = dot(self.analytic, first)
            half = claimed - self.place.slope(self.question.leaf, first).nearest(claimed)
            for off, piece in ((half, part[:middle]), (gap - half, part[middle:])):
                if abs(off) > room:
                    heapq.heappush(heap, (-abs(off), off, piece))
        return np.array(places, dtype=int)

    # ---------------------------------------------------------------- answers

    def _named(
        self, suspects: Any, noise: Any, slopes: list[Slope], kind: str
    ) -> dict[str, InputCheck]:
        """The verdict where something is off: the worst elements are looked at one by one."""
        elements = [self._element(int(flat), noise) for flat in suspects[:MOST_WRONG_NAMED]]
        wrong = [answer for answer in elements if answer.verdict == "fail"]
        if not wrong:
            doubt = next((a for a in elements if a.verdict == "inconclusive"), None)
            if elements and doubt is None and kind == "smooth":  # the engine differs, not the claim
                doubt = elements[0]._replace(reason="the engine's own gradient differs")
            if doubt is None:
                reason = "the slopes along random directions differ, no single element does"
                return {self.question.name: self._along(slopes, "inconclusive", kind, reason)}
            reason = f"{doubt.name}: {doubt.reason}"
            return {self.question.name: self._along(slopes, "inconclusive", kind, reason)}
        count = len(suspects) if self.question.claim is not None else len(wrong)
        what = f"{count} of {self.analytic.size} elements"
        reason = f"{what} are wrong, most {wrong[0].name}"
        if count == 1:
            reason = f"{what} is wrong: {wrong[0].name}"
        relation = pattern(self.checked, self.analytic, self.place.sizes())
        if relation is not None and count > 1:
            reason += f"; the claim {relation}"
        whole = self._along(slopes, "fail", kind, reason)
        return {answer.name: answer for answer in [whole, *wrong]}

    def _element(self, flat: int, noise: Any) -> InputCheck:
        """One element, by the slope along its own axis."""
        at = np.unravel_index(flat, self.shape)
        name = self.question.name + "".join([f"[{k}]" for k in at])
        axis = np.zeros(self.shape)
        axis[at] = 1.0
        slope = self.place.slope(self.question.leaf, axis)
        analytic, checked = float(self.analytic[at]), float(self.checked[at])
        numeric, spoilt = slope.nearest(checked), float(noise[at]) + self._rounding(axis)
        error = relative_error(checked, numeric)
        verdict, reason = "fail", None
        if agree(checked, numeric, self.tolerance):
            verdict = "pass"
        elif not math.isfinite(checked) and (gate := self._overflow()) is not None:
            reason = f"float64 overflows in this line ({gate}): a smaller case may show a value"
            verdict = "inconclusive"
        elif agree(checked, numeric, self.tolerance, spoilt) or (
            math.isfinite(checked) and not math.isfinite(spoilt)
        ):
            verdict, reason = "inconclusive", DIGITS_LOST
        elif not self._is_steady(axis, slope):
            verdict, reason = "inconclusive", "the slope depends on the step it is taken with"
        elif not self._is_evident(analytic, checked, slope, spoilt, axis):
            verdict, reason = "inconclusive", "the engine and the numeric derivative differ"
        if verdict == "fail":
            reason = _reason(checked, numeric, slope, self.question.claim is None)
        claim = None if self.question.claim is None else checked
        bound = max(spoilt, ROOM * abs(numeric)) if math.isfinite(spoilt) else None
        kind = "kink" if slope.is_kink(ROOM * abs(numeric)) else "smooth"
        interval = [*sorted((slope.left, slope.right))] if kind == "kink" else None
        return InputCheck(
            name, verdict, kind, analytic, numeric, bound, error, interval, reason, claim,
            element=Element(self.question.name, tuple(map(int, at))),
        )  # fmt: skip

    def _overflow(self) -> str | None:
        """The gate that overflows in the line that computes the claim, if one does."""
        formula = self.question.formula
        return None if formula is None else self.place.overflow(formula)

    def _is_steady(self, axis: Any, slope: Slope) -> bool:
        """Whether a far shorter step gives the same slopes, as it does unless it was too long."""
        again = self.place.slope(self.question.leaf, axis, STEP * FINER)
        slack = ROOM * max(abs(slope.left), abs(slope.right))
        sides = ((again.left, slope.left), (again.right, slope.right))
        return all(agree(finer, coarser, 0.0, slack) for finer, coarser in sides)

    def _is_evident(
        self, analytic: float, checked: float, slope: Slope, spoilt: float, axis: Any
    ) -> bool:
        """Whether a second piece of evidence stands beside the slope by complex steps."""
        ours = slope.nearest(analytic)
        room = spoilt if math.isfinite(spoilt) else 0.0  # of a claim that is not finite
        if agree(analytic, ours, self.tolerance, room):
            return True  # the engine says the same
        quotient = self.place.quotient(self.question.leaf, axis)
        return abs(quotient - slope.nearest(checked)) < abs(quotient - checked) / 4

    def _along(
        self, slopes: list[Slope], verdict: str, kind: str, reason: str | None = None
    ) -> InputCheck:
        """The verdict on the whole, with the numbers of the direction along which it is farthest.

        What is far below the tolerance is noise and does not choose.
        """
        verdict = "pass" if verdict == "smooth" else verdict
        numbers = []
        for v, slope in zip(self.directions, slopes, strict=True):
            claimed = dot(self.checked, v)
            numeric = slope.nearest(claimed)
            numbers.append((relative_error(claimed, numeric), claimed, numeric, v, slope))
        noise = NOISE * self.tolerance
        error, claimed, numeric, v, slope = max(
            numbers, key=lambda n: 0.0 if n[0] <= noise else math.inf if n[0] != n[0] else n[0]
        )
        interval = [*sorted((slope.left, slope.right))] if kind == "kink" else None
        return InputCheck(
            self.question.name, verdict, kind, dot(self.analytic, v), numeric, self._room(v),
            error, interval, reason, None if self.question.claim is None else claimed,
            directions=DIRECTIONS,
        )  # fmt: skip

    def _whole(self, verdict: str, kind: str | None, reason: str | None = None) -> InputCheck:
        """A verdict without numbers."""
        return InputCheck(
            self.question.name, verdict, kind, None, None, None, None, None, reason, None
        )


def _reason(checked: float, numeric: float, slope: Slope, is_own: bool) -> str:
    """Why an element is wrong; `numeric` is the slope that is nearest to it."""
    what = "the gradient" if is_own else "the claim"
    if slope.is_kink(ROOM * abs(numeric)):
        low, high = sorted((slope.left, slope.right))
        return f"{what} is {checked:.6g}, the one-sided slopes are {low:.6g} and {high:.6g}"
    return mismatch(checked, numeric, what)


def _vanishes(gap: float, room: float) -> bool:
    """Whether a difference is within its room, and so no difference at all."""
    return agree(gap, 0.0, 0.0, room)


def _differing(checked: Any, other: Any, tolerance: float, room: Any = 0.0) -> Any:
    """Flat places where what is checked is not the other, the farthest off first."""
    (places,) = np.nonzero(~agreeing(checked, other, tolerance, room).ravel())
    with np.errstate(all="ignore"):
        off = np.abs(checked - other).ravel()[places]
    return places[np.argsort(-np.nan_to_num(off, nan=np.inf), kind="stable")]
