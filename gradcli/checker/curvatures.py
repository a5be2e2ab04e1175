"""Verdicts on second derivatives, from values alone.

In float64 a second derivative is the difference of two numeric derivatives, each with its bound,
extrapolated as the derivatives themselves are. Where that does not settle it, the limit in many
digits does. No local gradient of a gate is evidence, so that a wrong one is caught.
"""

from __future__ import annotations

import math

from gradcli.arithmetic.agreement import agree, lies_between, slack_of
from gradcli.arithmetic.floats import FAULTS
from gradcli.checker.cone import Answer, Cone, power_of_two
from gradcli.checker.differences import RESTARTS, Estimate, Goal, Tableau, differentiate
from gradcli.checker.question import Question
from gradcli.checker.reasons import mismatch
from gradcli.checker.surroundings import Surroundings
from gradcli.checker.verdicts import answer_of, beyond_floats, constant_answer, passes
from gradcli.engine import Run
from gradcli.evaluation.limits import Limit, OutOfDigits
from gradcli.evaluation.numbers import value_bounds
from gradcli.evaluation.point import Point
from gradcli.evaluation.second_limits import SecondLimits
from gradcli.reports.evaluations import InputCheck

SETTLED = 1e-11  # relative: of a slope, whose differences are divided by a step once more
ALIKE = 4.0  # by how much more than those of the first step the slopes of another may be off
EVALUATIONS = 400  # of a cone, for an entry that needs no many digits
MOST_IN_DIGITS = 3_000  # gates times entries that need them: some 2 s
BY_MPMATH = {"lgamma", "digamma", "polygamma", "erfcx", "erfinv", "lognormcdf"}  # in float64, too
NO_TIME = "float64 does not settle it, and many digits would take long"


class Curvatures:
    """The verdicts on entries of the Hessian of a program of numbers at a point."""

    def __init__(self, point: Point, tolerance: float, limits: SecondLimits) -> None:
        self.point = point
        self.tolerance = tolerance
        self.limits = limits
        self.most = limits.work + MOST_IN_DIGITS
        self._around = Surroundings(point.run, point.program.output, value_bounds(point.run))
        self._cones: dict[int, Cone] = {}
        self._estimates: dict[tuple[int, int], Estimate] = {}
        self._beside: dict[tuple[int, float], Surroundings] = {}

    def verdict(self, question: Question, by: int) -> InputCheck:
        """The verdict on the derivative by a question's leaf of the slope by another leaf."""
        along, gradient = question.leaf, question.checked
        if not self.limits.meets(by, along):
            return constant_answer(question)
        has_time = self.limits.knows(by, along) or self.limits.work <= self.most
        if has_time and self._is_slow_in_float64(by, along):
            return self._in_many_digits(question, by)
        pair = min(by, along), max(by, along)  # where f is smooth the order does not matter
        if pair not in self._estimates:
            self._estimates[pair] = self._estimate(*pair)
        estimate = self._estimates[pair]
        if passes(gradient, estimate, self.tolerance):
            return answer_of(question, "pass", "smooth", estimate.value, estimate.bound)
        if not has_time:
            return answer_of(
                question, "inconclusive", None, estimate.value, estimate.bound, reason=NO_TIME
            )
        return self._in_many_digits(question, by)

    def _is_slow_in_float64(self, by: int, along: int) -> bool:
        """Whether the many evaluations that float64 needs cost more than the few in many digits."""
        graph = self.point.program.graph
        gates = {*self._cone(by).gates, *self._cone(along).gates}
        return not BY_MPMATH.isdisjoint(graph.gates[node].name for node in gates)

    def _in_many_digits(self, question: Question, by: int) -> InputCheck:
        try:
            at = self.limits.limit(by, question.leaf)
        except OutOfDigits as trouble:
            return answer_of(question, "inconclusive", None, None, None, reason=str(trouble))
        if at.reason is not None or at.kind in ("jump", "nan"):
            why = f"no second derivative: {at.reason or 'the gradient jumps here'}"
            return answer_of(question, "undefined", at.kind, math.nan, None, reason=why)
        if at.has_two_slopes:
            return self._at_kink(question, at.left, at.right)
        if at.kind == "infinite":
            is_same = question.checked == at.slope
            why = f"the second derivative is infinite: left {at.left:g}, right {at.right:g}"
            return answer_of(question, "pass" if is_same else "fail", at.kind, at.slope, None,
                             reason=why)  # fmt: skip
        return self._settled(question, at)

    def _settled(self, question: Question, at: Limit) -> InputCheck:
        """The verdict where the second derivative is known."""
        kind, slope = at.kind, at.slope
        if math.isinf(slope):
            return beyond_floats(question, kind, slope, "the second derivative")
        is_right = agree(question.checked, slope, self.tolerance)
        reasons = [] if is_right else [mismatch(question.checked, slope, question.what)]
        if kind == "border":
            reasons.append("at the border of the domain: checked from one side")
        return answer_of(
            question, "pass" if is_right else "fail", kind, slope, at.bound,
            reason="; ".join(reasons) or None,
        )  # fmt: skip

    def _at_kink(self, question: Question, left: float, right: float) -> InputCheck:
        """The verdict where the gradient has a kink: any number between its slopes is legal."""
        low, high = min(left, right), max(left, right)
        claimed = question.checked
        slack = slack_of(self.tolerance, low, high)
        is_legal = claimed in (low, high) or lies_between(claimed, low, high, slack)
        reason = (
            f"no second derivative: the gradient has slopes {low:.6g} and {high:.6g}; "
            f"{claimed:.6g} {'lies between' if is_legal else 'is outside'}"
        )
        nearest = math.nan if math.isnan(claimed) else min(max(claimed, low), high)
        verdict = "kink" if is_legal else "fail"
        return answer_of(question, verdict, "kink", nearest, 0.0, [low, high], reason)

    # ------------------------------------------------------------ in float64

    def _cone(self, leaf: int) -> Cone:
        if leaf not in self._cones:
            self._cones[leaf] = Cone(self._around, leaf)
        return self._cones[leaf]

    def _estimate(self, by: int, along: int) -> Estimate:
        """The second derivative in float64, with its bound."""
        line, other = self._cone(along), self._cone(by)
        if line.tied or other.tied:
            return Estimate(math.nan, math.inf, "a gate is at its kink")
        if line.is_singular or other.is_singular:
            return Estimate(math.nan, math.inf, "a gate is where its slope is infinite")
        try:
            step = line.first_step
        except FAULTS:
            return Estimate(math.nan, math.inf, "a local gradient is infinite")
        probe, smallest = _Slopes(self, line, by), 2 * math.ulp(line.x)
        for _ in range(RESTARTS):
            if not step >= smallest:
                break
            probe.at(step)
            tableau = Tableau(line.x, probe, probe.bound)
            obstacle = tableau.fill(step)
            if obstacle <= 1:
                return tableau.estimate()
            step = power_of_two(step / min(max(obstacle, 2.0), 2.0**20))
        return Estimate(math.nan, math.inf, "no step is short enough")

    def slope(self, line: Cone, x: float, by: int) -> Estimate:
        """The slope by a leaf, with the line's input at x, where the line was evaluated last."""
        key = line.leaf, x
        if key not in self._beside:
            run = Run(line.run.machine, line.values)
            self._beside[key] = Surroundings(run, line.output, value_bounds(run))
        return differentiate(Cone(self._beside[key], by), goal=Goal(SETTLED))


class _Slopes:
    """Differences of numeric slopes along a line."""

    def __init__(self, curvatures: Curvatures, line: Cone, by: int) -> None:
        self.curvatures = curvatures
        self.line = line
        self.by = by
        self.margin = ALIKE
        self.order = 2
        self.bound = -1.0  # the larger error of the slopes of the first step
        self._known: dict[float, Answer] = {}

    def at(self, step: float) -> Answer:
        """The difference of the slopes over one step, and by what factor it was too long."""
        if step not in self._known:
            self._known[step] = self._measured(step)
        return self._known[step]

    def _measured(self, step: float) -> Answer:
        line, slopes, obstacle = self.line, list[Estimate](), 0.0
        for x in (line.x + step, line.x - step):
            if line.evaluate(x) is None:
                return None, 4.0
            obstacle = max(obstacle, line.obstacle())
            if obstacle > 1:
                return None, obstacle
            slopes.append(self.curvatures.slope(line, x, self.by))
        bound = max(slope.bound for slope in slopes)
        if not math.isfinite(bound) or bound > ALIKE * self.bound >= 0:
            return None, 4.0
        if self.bound < 0:
            self.bound = bound
        values = [slope.value for slope in slopes]
        return (values[0] - values[1]) / ((line.x + step) - (line.x - step)), obstacle
