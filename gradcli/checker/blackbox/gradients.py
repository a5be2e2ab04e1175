"""Verdicts on whole gradients: element by element, or along random directions.

Few elements are looked at one by one. Of many, those whose contributions are of one size make a
direction together, so that nothing small hides beside what is large; where a direction does not
pass the elements that are farthest off are looked at one by one.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from gradcli.arithmetic.agreement import agree, lies_between, relative_error
from gradcli.checker.blackbox.corners import has_equals, legal_range, slopes_around
from gradcli.checker.blackbox.line import Directions, Line, Place, axis, scattered
from gradcli.checker.blackbox.noise import quick_noise
from gradcli.checker.blackbox.verdicts import Verdict, verdict_along
from gradcli.checker.patterns import pattern
from gradcli.checker.reasons import mismatch
from gradcli.reports.evaluations import VERDICTS, InputCheck

# Tolerances are data, with a reason each.
MOST_ONE_BY_ONE = 12  # elements: each takes some hundred values where it does not pass at once
MOST_COMPARED = 4_000  # elements whose slopes are taken roughly, two values each, to find the wrong
MOST_WRONG_NAMED = 5  # wrong elements that have an entry of their own
SAME_SIZE = 10  # binary orders within which contributions are of one size
DIRECTIONS = 2  # of one size
NEAR = 2.0**-14  # of the longest step: where kinks are told from curves
KINKED = 1e-2  # relative: slopes of two sides, or claims and slopes, that differ by more do so
UNUSED = "the claim is right for an upstream gradient of 1: it is not multiplied by the one given"
RESIDUE = 2.0**-50  # of the largest contribution: what rounding leaves of a 0
ROUGH = 1e-4  # relative: how far a rough slope may be off


class Gradients:
    """What is claimed as the gradients of a function at a point, and the verdicts on it.

    A claim that is None is none.
    """

    def __init__(
        self, place: Place, names: Sequence[str], claims: Sequence[Any], tolerance: float,
        seed: int = 0,
    ) -> None:  # fmt: skip
        self.place = place
        self.names = names
        self.claims: list[Any] = [None if g is None else np.asarray(g, dtype=float) for g in claims]
        self.tolerance = tolerance
        self.rng = np.random.default_rng(seed)
        self._unused: dict[int, bool] = {}  # whether a claim leaves out the upstream gradient

    def checks(self) -> dict[str, InputCheck]:
        """The verdicts by input, or by element of an input."""
        if not self.place.is_finite:
            reason = "f has no finite value here"
            return {name: self._unmeasured(name, "undefined", "nan", reason) for name in self.names}
        checks: dict[str, InputCheck] = {}
        for leaf, claim in enumerate(self.claims):
            if claim is not None:
                checks |= self._of_input(leaf, claim)
        return checks | self._joint(checks)

    def passes_together(self) -> bool:
        """Whether all gradients pass along one random direction of all inputs."""
        directions, along = dict[int, Any](), 0.0
        for leaf, claim in enumerate(self.claims):
            x = self.place.inputs[leaf]
            if claim is None or not claim.size:
                continue
            if claim.shape != x.shape:
                return False
            directions[leaf] = scattered(x, np.ones(x.shape, dtype=bool), self.rng)
            along += float(np.sum(claim * directions[leaf]))
        if not directions or not self.place.is_finite:
            return False
        line = Line(self.place, directions)
        return verdict_along(line, along, self.tolerance).verdict in ("pass", "kink")

    def _of_input(self, leaf: int, claim: Any) -> dict[str, InputCheck]:
        name, x = self.names[leaf], self.place.inputs[leaf]
        if claim.shape != x.shape:
            reason = f"the gradient has shape {claim.shape}, {name} has {x.shape}"
            return {name: self._unmeasured(name, "fail", None, reason)}
        if not np.isfinite(claim).all():
            return self._of_elements(leaf, self._worst_first(leaf, ~np.isfinite(claim)))
        if claim.size > MOST_ONE_BY_ONE:
            return self._of_many(leaf, claim)
        return self._with_pattern(leaf, self._of_elements(leaf, list(np.ndindex(claim.shape))))

    def _with_pattern(self, leaf: int, checks: dict[str, InputCheck]) -> dict[str, InputCheck]:
        """The checks of all elements; what all that are wrong have in common is said once."""
        wrong = [name for name, check in checks.items() if check.verdict == "fail"]
        relation = self._pattern(leaf, self.claims[leaf]) if len(wrong) > 1 else None
        if relation is None or any(checks[name].kind == "kink" for name in wrong):
            return checks
        said = {name: checks[name]._replace(reason=None) for name in wrong}
        return {**checks, **said, wrong[0]: checks[wrong[0]]._replace(reason=relation)}

    # ------------------------------------------------------------ one by one

    def _of_elements(self, leaf: int, indices: Sequence[Any]) -> dict[str, InputCheck]:
        checks = (self._of_element(leaf, index) for index in indices)
        return {check.name: check for check in checks}

    def _of_element(self, leaf: int, index: tuple[int, ...]) -> InputCheck:
        name, claim = self.names[leaf], float(self.claims[leaf][index])
        line = Line(self.place, {leaf: axis(self.place.inputs[leaf], index)})
        found = self._verdict(line, claim)
        spelled = name + "".join(f"[{k}]" for k in index)
        reason = found.reason
        if found.verdict == "fail" and found.kind in ("smooth", "border"):
            assert found.numeric is not None
            reason = self._mistake(leaf, index, claim, found.numeric)
        check = _check_of(spelled, found._replace(reason=reason), claim)
        return check._replace(element=(name, index) if index else None)

    def _mistake(self, leaf: int, index: tuple[int, ...], claim: float, slope: float) -> str:
        """The likely slip behind a wrong number: another input's, or by what it is off."""
        for other, claims in enumerate(self.claims):
            if other != leaf and np.shape(claims) == self.claims[leaf].shape and claim:
                line = Line(self.place, {other: axis(self.place.inputs[other], index)})
                if agree(_rough(line), claim, ROUGH):
                    return f"this is {self.names[other]}'s gradient: swapped?"
        return self._without_upstream(leaf) or mismatch(claim, slope)

    # ------------------------------------------------------------ along directions

    def _of_many(self, leaf: int, claim: Any) -> dict[str, InputCheck]:
        every = np.ones(claim.shape, dtype=bool)
        verdicts = self._along(leaf, every)
        is_tied, checks = np.zeros(claim.shape, dtype=bool), dict[str, InputCheck]()
        if any(found.kind == "kink" for found, _ in verdicts) and claim.size <= MOST_COMPARED:
            is_tied = self._tied(leaf)
            checks = self._of_elements(leaf, self._illegal(leaf, is_tied))
            verdicts = self._along(leaf, ~is_tied)
        name = self.names[leaf]
        together = self._together({leaf: is_tied * 1.0}, name)
        whole = self._whole(name, verdicts, "kink" if is_tied.any() else "pass")
        if whole.verdict not in ("pass", "kink"):
            checks |= self._of_elements(leaf, self._worst_first(leaf, ~is_tied))
            if whole.verdict == "fail":
                reason = self._without_upstream(leaf) or self._pattern(leaf, claim)
                whole = whole._replace(reason=reason or whole.reason)
        if together is not None:
            whole = whole._replace(verdict="fail", reason=together)
        named = {key: check for key, check in checks.items() if check.verdict == "fail"}
        return {name: whole._replace(verdict="fail") if named else whole} | named

    def _along(self, leaf: int, chosen: Any) -> list[tuple[Verdict, float]]:
        """The verdicts along random directions of some elements, and what is claimed there."""
        verdicts = []
        for direction in self._directions(leaf, chosen):
            along = float(np.sum(self.claims[leaf] * direction))
            line = Line(self.place, {leaf: direction})
            found = self._verdict(line, along)
            if found.verdict == "inconclusive" and self._is_residue(leaf, direction):
                nothing = verdict_along(line, 0.0, self.tolerance)
                found = nothing if nothing.verdict == "pass" else found
            verdicts.append((found, along))
        return verdicts

    def _is_residue(self, leaf: int, direction: Any) -> bool:
        """Whether claims are so small beside others that rounding may have left them of 0."""
        claim = self.claims[leaf]
        largest = np.max(np.abs(claim * self.place.inputs[leaf]), initial=0.0)
        return bool(np.max(np.abs(claim * direction)) <= RESIDUE * largest)

    def _verdict(self, line: Line, claim: float) -> Verdict:
        """The verdict along a line; what is legal where kinks meet does not fail.

        They meet where a line has one, or where inputs are equal: none shows along the line of the
        middle one of three. Elsewhere slopes that differ near by are those of kinks near by.
        """
        found = verdict_along(line, claim, self.tolerance)
        may_meet = found.kind == "kink" or has_equals(self.place)
        if found.verdict != "fail" or not may_meet:
            return found
        if not math.isfinite(claim + (found.numeric or 0.0)):
            return found
        slope = found.numeric or 0.0
        legal = legal_range(self.place, line.directions, claim, slope, found.noise, self.rng)
        if legal is None:
            return found
        reason = (
            f"kinks meet here: slopes near by run from {legal.low:.6g} to {legal.high:.6g}; "
            f"{claim:.6g} lies between"
        )
        return Verdict("kink", "kink", claim, 0.0, found.noise, reason, [legal.low, legal.high])

    def _whole(self, name: str, verdicts: list[tuple[Verdict, float]], least: str) -> InputCheck:
        """The verdict on an array: the worst of those along directions."""
        if not verdicts:
            return self._unmeasured(name, least, "kink", "every element is at a kink")
        worst, along = max(verdicts, key=lambda pair: VERDICTS.index(pair[0].verdict))
        check = _check_of(name, worst, along)._replace(directions=len(verdicts))
        return check._replace(verdict=least) if check.verdict == "pass" else check

    def _sides(self, leaf: int, index: tuple[int, ...]) -> tuple[float, float]:
        """The slopes by an element on both sides, roughly."""
        line = Line(self.place, {leaf: axis(self.place.inputs[leaf], index)})
        step = line.span.longest * NEAR
        return line.slope(step, -1), line.slope(step, 1)

    def _tied(self, leaf: int) -> Any:
        """The elements whose slopes differ on both sides, as a mask."""
        is_tied = np.zeros(self.claims[leaf].shape, dtype=bool)
        for index in np.ndindex(is_tied.shape):
            left, right = self._sides(leaf, index)
            is_tied[index] = not agree(left, right, KINKED)
        return is_tied

    def _illegal(self, leaf: int, is_tied: Any) -> list[tuple[int, ...]]:
        """The elements at a kink whose claims lie clearly outside the slopes of both sides."""
        illegal = []
        for index in np.argwhere(is_tied):
            place = tuple(map(int, index))
            low, high = sorted(self._sides(leaf, place))
            room = KINKED * max(abs(low), abs(high))
            if not lies_between(float(self.claims[leaf][place]), low, high, room):
                illegal.append(place)
        return illegal[:MOST_WRONG_NAMED]

    def _without_upstream(self, leaf: int) -> str | None:
        """Says so where a claim is the gradient for an upstream gradient of 1, not for this one."""
        if leaf not in self._unused:
            self._unused[leaf] = self._is_without_upstream(leaf)
        return UNUSED if self._unused[leaf] else None

    def _is_without_upstream(self, leaf: int) -> bool:
        claim, upstream = self.claims[leaf], np.ones(np.shape(self.place.value))
        if np.array_equal(self.place.upstream, upstream) or not claim.any():
            return False
        place = Place(self.place.values, self.place.inputs, upstream)
        every = np.ones(claim.shape, dtype=bool)
        direction = scattered(place.inputs[leaf], every, self.rng)
        along = float(np.sum(claim * direction))
        line = Line(place, {leaf: direction})
        return verdict_along(line, along, self.tolerance).verdict == "pass"

    def _directions(self, leaf: int, chosen: Any) -> Iterator[Any]:
        """Random directions, each of chosen elements whose contributions are of one size."""
        x, claim = self.place.inputs[leaf], self.claims[leaf]
        weight = np.abs(claim * scattered(x, np.ones(x.shape, dtype=bool), self.rng))
        with np.errstate(divide="ignore"):
            orders = np.where(weight > 0, np.log2(weight), -math.inf)
        left = chosen.copy()
        while left.any():
            top = float(orders[left].max())
            alike = left & ((orders > top - SAME_SIZE) | (top == -math.inf))
            for _ in range(DIRECTIONS):
                yield scattered(x, alike, self.rng)
            left &= ~alike

    def _worst_first(self, leaf: int, among: Any) -> list[tuple[int, ...]]:
        """The elements that are farthest off, by slopes that are taken roughly."""
        claim = self.claims[leaf]
        indices = [tuple(map(int, index)) for index in np.argwhere(among)]
        if len(indices) > MOST_COMPARED:
            picked = self.rng.choice(len(indices), MOST_COMPARED, replace=False)
            indices = [indices[k] for k in picked]
        rough = {index: self._rough_slope(leaf, index) for index in indices}
        gaps = {
            index: abs(slope - float(claim[index]))
            / max(abs(slope), abs(float(claim[index])), 1e-300)
            for index, slope in rough.items()
        }
        indices.sort(key=lambda index: -gaps[index] if math.isfinite(gaps[index]) else -math.inf)
        return indices[:MOST_WRONG_NAMED]

    def _rough_slope(self, leaf: int, index: tuple[int, ...]) -> float:
        return _rough(Line(self.place, {leaf: axis(self.place.inputs[leaf], index)}))

    def _pattern(self, leaf: int, claim: Any) -> str | None:
        """How a whole wrong gradient relates to the right one, in words; None if it does not."""
        if claim.size > MOST_COMPARED or not np.isfinite(claim).all():
            return None
        slopes = np.zeros(claim.shape)
        for index in np.ndindex(claim.shape):
            slopes[index] = self._rough_slope(leaf, index)
        arrays = (*self.place.inputs, self.place.value)
        sizes = {n for x in arrays for n in (*np.shape(x), np.size(x))}
        relation = pattern(claim, _cleaned(slopes, claim), sizes)
        return None if relation is None else f"the claim {relation}"

    # ------------------------------------------------------------ together

    def _joint(self, checks: Mapping[str, InputCheck]) -> dict[str, InputCheck]:
        """Fail gradients that are legal one by one but not together: 1 and 1 of max(x, x)."""
        tied = [
            check for check in checks.values() if check.verdict == "kink" and not check.directions
        ]
        if len(tied) < 2:
            return {}
        directions: Directions = {}
        for check in tied:
            leaf = self.names.index(check.whole)
            direction = directions.setdefault(leaf, np.zeros(self.place.inputs[leaf].shape))
            direction[check.place] = 1.0
        reason = self._together(directions, ", ".join(check.name for check in tied))
        if reason is None:
            return {}
        return {check.name: check._replace(verdict="fail", reason=reason) for check in tied}

    def _together(self, tied: Directions, names: str) -> str | None:
        """Why claims at kinks are not legal together, in words; None where they are.

        `tied` is 1 for the elements that are at one. All are moved alike, and as they are claimed,
        which tells of a norm. Where kinks of both kinds meet, and the slopes near by reach further
        than those at the point itself, there may be others.
        """
        if sum(np.count_nonzero(chosen) for chosen in tied.values()) < 2:
            return None
        claims = {leaf: self.claims[leaf] * chosen for leaf, chosen in tied.items()}
        largest = max(float(np.max(np.abs(claim))) for claim in claims.values())
        ways = [(tied, "their sum is")]
        if largest:
            towards = {leaf: claim / largest for leaf, claim in claims.items()}
            ways.append((towards, "along themselves they give"))
        for directions, what in ways:
            claimed = sum(float(np.sum(claims[leaf] * v)) for leaf, v in directions.items())
            noise = quick_noise(Line(self.place, directions)).fine
            around = slopes_around(self.place, directions, abs(claimed), noise, self.rng)
            if around.is_reached and not around.holds(claimed):
                return (
                    f"together the claims at kinks of {names} are no subgradient: {what} "
                    f"{claimed:.6g}, the slopes near by run from {around.low:.6g} to "
                    f"{around.high:.6g}"
                )
        return None

    def _unmeasured(self, name: str, verdict: str, kind: str | None, reason: str) -> InputCheck:
        return InputCheck(name, verdict, kind, None, None, None, None, None, reason, noise=0.0)


def _rough(line: Line) -> float:
    """The slope over one step, extrapolated once."""
    step = line.span.longest * 2.0**-12
    first, second = line.slope(step, 0), line.slope(step / 2, 0)
    return (4 * second - first) / 3


def _cleaned(slopes: Any, claim: Any) -> Any:
    """Rough slopes, with what is noise beside the largest taken as what is claimed."""
    room = ROUGH * np.max(np.abs(slopes), initial=0.0)
    return np.where(np.abs(slopes - claim) <= room * ROUGH, claim, slopes)


def _check_of(name: str, found: Verdict, claim: float) -> InputCheck:
    numeric = found.numeric
    error = None if numeric is None else relative_error(claim, numeric)
    bound = found.bound if found.bound is None or math.isfinite(found.bound) else None
    return InputCheck(
        name, found.verdict, found.kind, None, numeric, bound, error, found.interval,
        found.reason, claim, noise=found.noise,
    )  # fmt: skip
