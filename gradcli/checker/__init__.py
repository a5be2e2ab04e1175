"""Verdicts on gradients, from values alone.

`differences` gives a derivative with a bound in float64. Where that does not settle the matter,
`limits` looks at the same graph in many digits; a gradient is never called wrong on float64
evidence alone.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from functools import cached_property
from typing import TYPE_CHECKING, Any

from gradcli.checker.cone import Cone, Surroundings
from gradcli.checker.differences import Estimate, differentiate, rounding_bounds
from gradcli.engine import Machine, Run, backward
from gradcli.reports import Check, InputCheck, worst
from gradcli.requests import TOLERANCE, Settings

if TYPE_CHECKING:
    from gradcli.evaluation.limits import Exactly

MOST_GATES = 10_000  # above this many gates in a cone, many digits take too long
COLUMNS_PAY = 20_000  # inputs times gates from which on loading numpy costs less than it saves
EVALUATIONS = 14  # of a cone, for one input that needs no many digits
ROUNDING_DIGITS = (100, 1000)  # the second for what cancels down to the tail of a tanh
RESIDUE = 1e-60  # what 100 digits leave of a gradient that is 0
ROUNDED = 2.0**-52  # what rounding a many-digit slope to float64 costs
NAMED_RATIOS = (-1.0, 2.0, 0.5, -2.0, -0.5)  # what a slip usually makes of a gradient
RATIO_WIDTH = 1e-3  # how near a ratio must be to be called by its name


class Question:
    """One number to check: an input, the engine's gradient, and what is claimed to be it."""

    __slots__ = ("analytic", "claim", "exact", "formula", "leaf", "name")

    def __init__(
        self, name: str, leaf: int, analytic: float, claim: float | None = None,
        formula: int | None = None, exact: bool = False,
    ) -> None:  # fmt: skip
        self.name = name
        self.leaf = leaf
        self.analytic = analytic
        self.claim = claim  # None: the engine's own gradient is checked
        self.formula = formula  # the node that computes the claim, where it is a hand-written line
        self.exact = exact  # no allowance for the rounding of a float64 backward pass

    @property
    def checked(self) -> float:
        """The gradient that gets the verdict."""
        return self.analytic if self.claim is None else self.claim


class Point:
    """A finished float64 run, the output, its upstream gradient, and words for the reader."""

    def __init__(
        self, run: Run, output: int, upstream: float = 1.0,
        names: dict[int, str] | None = None, trouble: str | None = None,
    ) -> None:  # fmt: skip
        self.run = run
        self.output = output
        self.upstream = upstream
        self.names = names or {}  # of the gates
        self.trouble = trouble  # why the output is not finite, if it is not
        self._swept: dict[int, Run] = {}

    @cached_property
    def exactly(self) -> Exactly:
        """The point in many digits."""
        from gradcli.evaluation.limits import Exactly  # late: mpmath is loaded only here

        graph = self.run.machine.graph
        inputs = [self.run.values[node] for node in graph.inputs.values()]
        return Exactly(graph, inputs, self.output)

    def swept(self, count: int) -> Run:
        """The run and its backward pass in so many digits, shared by all questions.

        Raises OutOfReachError.
        """
        if count not in self._swept:
            from gradcli.arithmetic.digits import digits  # late: mpmath is loaded only here

            arithmetic, run = digits(count), self.run
            inputs = [arithmetic.number(run.values[k]) for k in run.machine.graph.inputs.values()]
            exact = Machine(run.machine.graph, arithmetic).run(inputs)
            backward(exact, self.output, arithmetic.number(self.upstream))
            self._swept[count] = exact
        return self._swept[count]


def check(point: Point, questions: list[Question], settings: Settings) -> Check | None:
    """Verdicts for some inputs of a finished run; None when the budget is too small.

    Never raises for numeric trouble: that is a verdict.
    """
    if len(questions) * len(point.run.machine.graph) * EVALUATIONS > settings.budget:
        return None
    around = Surroundings(point.run, point.output, rounding_bounds(point.run))
    in_columns = len(questions) * len(around.gates) > COLUMNS_PAY
    found = {}
    for question in questions:
        cone = Cone(around, question.leaf)
        estimate = differentiate(cone, in_columns)
        answer = _verdict(point, question, cone, estimate, settings)
        if answer.verdict == "fail" and answer.reason is None:
            answer = answer._replace(reason=_mistake(answer, questions))
        found[question.name] = answer
    tied = [q for q in questions if found[q.name].verdict == "kink"]
    if len(tied) > 1:
        found |= _joint(point, tied, found, settings)
    return Check(worst([answer.verdict for answer in found.values()]), found)


def _verdict(
    point: Point, question: Question, cone: Cone, estimate: Estimate, settings: Settings
) -> InputCheck:
    scaled = estimate.scaled(point.upstream)
    if _passes(question.checked, scaled, settings.tolerance):
        return _answer(question, "pass", "smooth", scaled.value, scaled.bound)
    if len(cone.gates) > MOST_GATES:
        trouble = estimate.reason or "the numeric derivative differs"
        reason = f"{trouble}, and the graph is too large for many digits"
        return _answer(question, "inconclusive", None, scaled.value, scaled.bound, reason=reason)
    return _in_many_digits(point, question, cone, settings)


def _passes(gradient: float, estimate: Estimate, tolerance: float) -> bool:
    size = tolerance * max(abs(gradient), abs(estimate.value))
    return abs(gradient - estimate.value) <= size and estimate.bound <= size


def _in_many_digits(point: Point, question: Question, cone: Cone, settings: Settings) -> InputCheck:
    """The verdict where float64 does not settle it."""
    from gradcli.evaluation.limits import OutOfDigits, limit  # late: mpmath is loaded only here

    try:
        found = limit(point.exactly, question.leaf, cone.bound, point.upstream)
    except OutOfDigits as trouble:
        return _answer(question, "inconclusive", None, None, None, reason=str(trouble))
    left, right = found.left, found.right
    gradient, kind = question.checked, found.kind
    if kind == "nan":
        reason = point.trouble or "f has no value here"
        return _answer(question, "undefined", kind, math.nan, None, reason=reason)
    if kind == "jump":
        where = _edges(point, cone)
        reason = f"f jumps here{where}: no derivative exists, no claim can be right"
        return _answer(question, "undefined", kind, math.nan, None, reason=reason)
    if kind == "kink":
        return _at_kink(point, question, cone, (left, right), settings.tolerance)
    slope = found.slope
    if kind == "infinite":
        is_same = gradient == slope and (left == right or math.isnan(left) or math.isnan(right))
        reason = f"the slope is infinite: left {left:.6g}, right {right:.6g}"
        return _answer(question, "pass" if is_same else "fail", kind, slope, None, reason=reason)
    if math.isinf(slope) and kind == "smooth":
        reason = "the derivative is larger than any float64"
        return _answer(question, "inconclusive", kind, slope, None, reason=reason)
    border = "at the border of the domain: checked from one side" if kind == "border" else None
    bound = ROUNDED * abs(slope)
    if relative_error(gradient, slope) <= settings.tolerance:
        return _answer(question, "pass", kind, slope, bound, reason=border)
    if not question.exact and _is_rounding(point, question, slope, settings.tolerance):
        reason = f"float64 backpropagation loses its digits here; the derivative is {slope:.12g}"
        return _answer(question, "inconclusive", kind, slope, bound, reason=reason)
    return _answer(question, "fail", kind, slope, bound, reason=border)


def _at_kink(
    point: Point, question: Question, cone: Cone, slopes: tuple[float, float], tolerance: float
) -> InputCheck:
    """A gradient between the one-sided slopes is a legal subgradient."""
    left, right = slopes
    low, high = min(slopes), max(slopes)
    slack = tolerance * max(abs(low), abs(high))
    gradient = question.checked
    is_legal = low - slack <= gradient <= high + slack
    says = "lies between" if is_legal else "is outside"
    reason = (
        f"a kink{_edges(point, cone)}: left slope {left:.6g}, right slope {right:.6g}; "
        f"{gradient:.6g} {says}"
    )
    nearest = math.nan if math.isnan(gradient) else min(max(gradient, low), high)
    verdict = "kink" if is_legal else "fail"
    return _answer(question, verdict, "kink", nearest, 0.0, [low, high], reason)


def _edges(point: Point, cone: Cone) -> str:
    """The gates that are at their edge, in words: ` (relu at #1)`."""
    places = [f"{b.gate.name} at {point.names.get(b.node, '?')}" for b in cone.tied]
    return f" ({', '.join(places[:3])})" if places else ""


def _is_rounding(point: Point, question: Question, slope: float, tolerance: float) -> bool:
    """Whether the same backward pass, in many digits, gives the right gradient."""
    from gradcli.arithmetic.special import OutOfReachError

    if question.claim is not None and question.formula is None:
        return False  # a number someone wrote down
    for count in ROUNDING_DIGITS:
        try:
            exact = point.swept(count)
            if question.formula is not None:
                gradient = float(exact.values[question.formula])
            else:
                gradient = float(exact.gradients[question.leaf])
        except (OutOfReachError, OverflowError):
            return False
        vanishes = slope == 0 and abs(gradient) <= RESIDUE * abs(question.checked)
        if vanishes or relative_error(gradient, slope) <= tolerance:
            return True
    return False


def _mistake(answer: InputCheck, questions: Iterable[Question]) -> str | None:
    """What a wrong gradient looks like: another input's, or a simple multiple."""
    claimed = answer.analytic if answer.claim is None else answer.claim
    true = answer.numeric
    if claimed is None or true is None or not (math.isfinite(claimed) and math.isfinite(true)):
        return None
    what = "the gradient" if answer.claim is None else "the claim"
    if claimed == 0:
        return f"{what} is 0, the derivative is not"
    for other in questions:
        if other.name != answer.name and relative_error(other.analytic, claimed) <= TOLERANCE:
            return f"this is {other.name}'s gradient: swapped?"
    if true == 0:
        return f"{what} is {claimed:.6g}, the derivative is 0"
    ratio = claimed / true
    if any(abs(ratio - named) <= RATIO_WIDTH * abs(named) for named in NAMED_RATIOS):
        if abs(ratio + 1) <= RATIO_WIDTH:
            return f"{what} is -1 times the derivative: the sign is wrong"
        return f"{what} is {ratio:.4g} times the derivative"
    return None


def _joint(
    point: Point, tied: list[Question], found: dict[str, InputCheck], settings: Settings
) -> dict[str, InputCheck]:
    """Gradients that are legal one by one may be no subgradient together: 1 and 1 of max(x, x)."""
    from gradcli.evaluation.limits import OutOfDigits, slopes_along

    try:
        along = slopes_along(point.exactly, [q.leaf for q in tied])
    except OutOfDigits:
        return {}
    for direction, least, most in along:
        low, high = sorted((point.upstream * least, point.upstream * most))
        claimed = math.fsum(step * q.checked for step, q in zip(direction, tied, strict=True))
        slack = settings.tolerance * max(abs(low), abs(high), *(abs(q.checked) for q in tied))
        if not low - slack <= claimed <= high + slack:
            way = " + ".join(f"{s:.3g}*{q.name}" for s, q in zip(direction, tied, strict=True))
            reason = (
                f"together {', '.join(q.name for q in tied)} are no subgradient: along {way} "
                f"they give {claimed:.6g}, the slopes near by run from {low:.6g} to {high:.6g}"
            )
            return {q.name: found[q.name]._replace(verdict="fail", reason=reason) for q in tied}
    return {}


def relative_error(a: float, b: float) -> float:
    """|a - b| / max(|a|, |b|): 0 for equal numbers, nan where one is not finite.

    >>> relative_error(2.0, 1.0), relative_error(0.0, 0.0)
    (0.5, 0.0)
    """
    if a == b:
        return 0.0
    if not (math.isfinite(a) and math.isfinite(b)):
        return math.nan
    largest = max(abs(a), abs(b))
    difference = abs(a - b)
    return difference / largest if math.isfinite(difference) else abs(a / largest - b / largest)


def agree(a: Any, b: Any, tolerance: float) -> bool:
    """Whether two numbers, or arrays in every element, are the same; nan never is."""
    if isinstance(a, float) and isinstance(b, float):
        return relative_error(a, b) <= tolerance
    import numpy as np  # late: numbers do not need it

    size = np.maximum(np.abs(a), np.abs(b))
    return bool((np.equal(a, b) | (np.abs(np.subtract(a, b)) <= tolerance * size)).all())


def _answer(
    question: Question, verdict: str, kind: str | None, numeric: float | None,
    bound: float | None, interval: list[float] | None = None, reason: str | None = None,
) -> InputCheck:  # fmt: skip
    error = None if numeric is None else relative_error(question.checked, numeric)
    if bound is not None and not math.isfinite(bound):
        bound = None
    return InputCheck(
        question.name, verdict, kind, question.analytic, numeric, bound, error, interval, reason,
        question.claim,
    )  # fmt: skip
