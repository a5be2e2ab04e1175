"""Verdicts on gradients, from values alone.

`differences` gives a derivative with a bound in float64. Where that does not settle the matter,
`limits` looks at the same graph in many digits; a gradient is never called wrong on float64
evidence alone.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from itertools import repeat
from typing import TYPE_CHECKING

from gradcli.arithmetic.agreement import agree, lies_between, relative_error, slack_of
from gradcli.checker.cone import Cone
from gradcli.checker.differences import ANY, Estimate, Goal, differentiate
from gradcli.checker.evidence import NOTHING, OWN, WHOLES, Evidence, evidence_at, unchecked
from gradcli.checker.jointly import joint
from gradcli.checker.question import Question
from gradcli.checker.reach import Reach
from gradcli.checker.reasons import mismatch
from gradcli.checker.surroundings import Surroundings
from gradcli.errors import LimitError
from gradcli.evaluation.numbers import value_bounds
from gradcli.evaluation.point import Point
from gradcli.reports.evaluations import Check, InputCheck, worst
from gradcli.requests import TOLERANCE, Request

if TYPE_CHECKING:
    from gradcli.checker.parts import Part, Sum
    from gradcli.checker.rows import Rows

# Tolerances are data, with a reason each.
MOST_GATES_OF_A_CONE = 10_000  # above this many gates in a cone, many digits take too long
COLUMNS_PAY = 20_000  # inputs times gates from which on loading numpy costs less than it saves
MOST_TOGETHER = 256  # cones that are found in one pass: calls cost little by then
MOST_NUMBERS = 4_000_000  # that they hold, a gate of theirs being one
ROUNDING_DIGITS = (100, 1000)  # the second for what cancels down to the tail of a tanh
FAR = 1e3  # bounds that lie between a gradient and a slope, where it is wrong beyond doubt
RESIDUE = 1e-60  # what 100 digits leave of a gradient that is 0
MOST_SUSPECTS = 5  # claims that are checked where all are too many
MOST_MOVED = 50  # inputs, whose rounding is tried one by one


def check(
    point: Point, questions: Sequence[Question], request: Request, chosen: Evidence | None = None
) -> Check:
    """Verdicts on the gradients at a point, by `chosen` or the best evidence the budget allows.

    Never raises for numeric trouble: that is a verdict, and so is a budget that is too small.
    """
    chosen = chosen or evidence_at(point, questions, request)
    if chosen.kind == NOTHING:
        answers = {q.name: unchecked(q) for q in questions} | _suspects(point, questions, request)
    elif chosen.kind == OWN:
        from gradcli.checker.own_gates import check_own  # late: few programs have such gates

        answers = check_own(point, questions, request, _check_elements)
    elif chosen.kind == WHOLES:
        from gradcli.checker.directions import check_wholes  # late: numbers do not need numpy

        answers = check_wholes(point, questions, request.tolerance)
    elif chosen.parts is not None:
        answers = _check_parts(point, questions, chosen.parts, request.tolerance)
    else:
        answers = _check_elements(point, questions, request.tolerance)
    return Check(worst([answer.verdict for answer in answers.values()]), answers)


def _suspects(
    point: Point, questions: Sequence[Question], request: Request
) -> dict[str, InputCheck]:
    """Verdicts on the claims on numbers that differ most from the engine, where all are too many.

    None where the budget does not allow these few either.
    """
    if point.is_of_arrays:
        return {}
    differing = [
        q for q in questions
        if q.claim is not None and not agree(q.claim, q.analytic, request.tolerance)
    ]  # fmt: skip
    worst_first = sorted(differing, key=lambda q: -_off(q))[:MOST_SUSPECTS]
    chosen = evidence_at(point, worst_first, request)
    if not worst_first or chosen.kind == NOTHING:
        return {}
    return dict(check(point, worst_first, request, chosen).inputs)


def _off(question: Question) -> float:
    """How far a claim is from what the engine says; what is no number is farthest off."""
    error = relative_error(question.claim, question.analytic)
    return math.inf if math.isnan(error) else error


def _check_elements(
    point: Point, questions: Sequence[Question], tolerance: float
) -> dict[str, InputCheck]:
    """Verdicts on numbers, one by one; those at a kink also together."""
    answers = _one_by_one(point, questions, tolerance)
    return answers | joint(point, _tied(questions, answers), answers, tolerance)


def _check_parts(
    point: Point, questions: Sequence[Question], parts: tuple[Sum, list[Part]], tolerance: float
) -> dict[str, InputCheck]:
    """Verdicts on numbers, each by the terms of a sum that it is in."""
    whole, pieces = parts
    found: dict[str, InputCheck] = {}
    for piece in pieces:
        found |= _one_by_one(*whole.at(point, piece), tolerance, is_part=True)
    answers = {q.name: found[q.name] for q in questions}
    there, tied = whole.at(point, whole.part(_tied(questions, answers)))
    return answers | joint(there, tied, answers, tolerance)


def _one_by_one(
    point: Point, questions: Sequence[Question], tolerance: float, is_part: bool = False
) -> dict[str, InputCheck]:
    """Verdicts on numbers, each for itself; of many no slope is known better than it has to be."""
    if not questions:
        return {}
    answers: dict[str, InputCheck] = {}
    for question, cone, goal, estimate in _estimated(point, questions, tolerance, is_part):
        answer = _verdict(point, question, cone, estimate, tolerance, goal)
        is_beyond = answer.numeric is not None and math.isinf(answer.numeric)
        if answer.verdict == "fail" and answer.kind in ("smooth", "border") and not is_beyond:
            reasons = (_mistake(answer, question, questions), answer.reason)
            answer = answer._replace(reason="; ".join(filter(None, reasons)))
        answers[question.name] = answer
    return answers


def _estimated(
    point: Point, questions: Sequence[Question], tolerance: float, is_part: bool
) -> Iterator[tuple[Question, Cone, Goal, Estimate]]:
    """The numeric derivative of each question, many of which are found in one pass."""
    around = Surroundings(point.run, point.program.output, value_bounds(point.run))
    in_columns = len(questions) * len(around.gates) > COLUMNS_PAY
    rows = _rows(point) if in_columns else None
    room = MOST_NUMBERS // max(1, len(around.gates))
    at_once = max(1, min(room, MOST_TOGETHER))
    for k in range(0, len(questions), at_once):
        some = questions[k : k + at_once]
        leaves = [question.leaf for question in some]
        reach = Reach(around, leaves)
        cones = [Cone(around, leaf, reach) for leaf in leaves]
        is_easy = in_columns or is_part  # of many no slope is known better than it has to be
        goals = [_goal(point, question, tolerance) if is_easy else ANY for question in some]
        estimates: Iterable[Estimate] = map(differentiate, cones, repeat(False), goals)
        if in_columns:
            from gradcli.checker.together import differentiate_all  # late: it loads numpy

            estimates = differentiate_all(cones, goals, rows)
        yield from zip(some, cones, goals, estimates, strict=True)


def _rows(point: Point) -> Rows | None:
    """The arrays that numbers stand for, to be evaluated in rows; None where that is not known."""
    if point.program.arrays is None:
        return None
    from gradcli.checker.rows import Rows  # late: numbers do not need numpy

    try:
        return Rows(point)
    except (KeyError, LimitError):  # a gate without a rule; one axis more than there may be
        return None


def _tied(questions: Sequence[Question], answers: dict[str, InputCheck]) -> list[Question]:
    """The questions at a kink; where there are claims, these are judged."""
    claimed = [q for q in questions if q.claim is not None]
    return [q for q in claimed or questions if answers[q.name].verdict == "kink"]


def _goal(point: Point, question: Question, tolerance: float) -> Goal:
    """How well the slope of the output has to be known to pass the gradient for certain."""
    gradient = question.checked / point.upstream if point.upstream else math.nan
    return Goal(gradient=gradient, tolerance=tolerance)


def _verdict(
    point: Point, question: Question, cone: Cone, estimate: Estimate, tolerance: float,
    goal: Goal = ANY,
) -> InputCheck:  # fmt: skip
    scaled = estimate.scaled(point.upstream)
    if passes(question.checked, scaled, tolerance):
        return answer_of(question, "pass", "smooth", scaled.value, scaled.bound)
    if goal is not ANY and _is_wrong_by_far(point, question, scaled):
        return answer_of(question, "fail", "smooth", scaled.value, scaled.bound)
    if len(cone.gates) > MOST_GATES_OF_A_CONE:
        trouble = estimate.reason or "the numeric derivative differs"
        reason = f"{trouble}, and the graph is too large for many digits"
        return answer_of(question, "inconclusive", None, scaled.value, scaled.bound, reason=reason)
    return _in_many_digits(point, question, cone, tolerance)


def _is_wrong_by_far(point: Point, question: Question, estimate: Estimate) -> bool:
    """Whether a gradient is wrong on two kinds of evidence that agree with each other.

    The differences in float64 are far from it, more than any rounding of theirs; and a sweep in
    many digits, one for all such questions, gives what the differences give, while a formula gives
    there, too, what it gives here.
    """
    from gradcli.arithmetic.work import OutOfReachError, unlimited

    gap = abs(question.checked - estimate.value)
    if not estimate.bound * FAR < gap < math.inf or question.exact:
        return False
    try:
        with unlimited():
            exact = point.in_digits.sweep(ROUNDING_DIGITS[0])
        slope = float(exact.gradients[question.leaf])
        formula = question.checked
        if question.formula is not None:
            formula = float(exact.values[question.formula])
    except (OutOfReachError, OverflowError):
        return False
    is_confirmed = abs(slope - estimate.value) <= estimate.bound
    return is_confirmed and abs(formula - question.checked) * FAR <= gap


def passes(gradient: float, estimate: Estimate, tolerance: float) -> bool:
    """Whether a gradient is the estimate, and the estimate is good enough to say so."""
    size = max(abs(gradient), abs(estimate.value))
    is_known = estimate.bound <= tolerance * size < math.inf
    return is_known and agree(gradient, estimate.value, tolerance)


def _in_many_digits(point: Point, question: Question, cone: Cone, tolerance: float) -> InputCheck:
    """The verdict where float64 does not settle it."""
    from gradcli.evaluation.limits import OutOfDigits, limit  # late: mpmath is loaded only here

    if not math.isfinite(cone.x):
        reason = f"{question.name} is {cone.x}: no step leads away from it"
        return answer_of(question, "undefined", "nan", math.nan, None, reason=reason)
    try:
        derivative = limit(point.in_digits, question.leaf, point.upstream)
    except OutOfDigits as trouble:
        return answer_of(question, "inconclusive", None, None, None, reason=str(trouble))
    left, right = derivative.left, derivative.right
    gradient, kind = question.checked, derivative.kind
    if kind == "nan":
        reason = point.notes[0] if point.notes else "f has no value here"
        return answer_of(question, "undefined", kind, math.nan, None, reason=reason)
    if kind == "jump":
        where = _edges(point, cone)
        reason = f"f jumps here{where}: no derivative exists, no claim can be right"
        return answer_of(question, "undefined", kind, math.nan, None, reason=reason)
    if derivative.has_two_slopes:
        is_vertical = kind == "infinite"
        return _at_kink(point, question, cone, (left, right), tolerance, is_vertical)
    slope = derivative.slope
    if kind == "infinite":
        verdict = "pass" if gradient == slope else "fail"
        reason = f"the slope is infinite: left {left:.6g}, right {right:.6g}"
        return answer_of(question, verdict, kind, slope, None, reason=reason)
    if math.isinf(slope):
        return beyond_floats(question, kind, slope, "the derivative")
    border = "at the border of the domain: checked from one side" if kind == "border" else None
    bound = derivative.bound
    if agree(gradient, slope, tolerance):
        return answer_of(question, "pass", kind, slope, bound, reason=border)
    if not question.exact and _is_rounding(point, question, slope, tolerance):
        if question.formula is not None and _is_as_good_as_inputs(point, question, slope):
            reason = f"right for inputs within their rounding; here the derivative is {slope:.12g}"
            return answer_of(question, "pass", kind, slope, bound, reason=reason)
        reason = f"float64 backpropagation loses its digits here; the derivative is {slope:.12g}"
        return answer_of(question, "inconclusive", kind, slope, bound, reason=reason)
    return answer_of(question, "fail", kind, slope, bound, reason=border)


def beyond_floats(question: Question, kind: str, slope: float, what: str) -> InputCheck:
    """The verdict where the truth is larger than any float64: a number that is typed is none."""
    is_wrong = question.exact and question.checked != slope
    verdict, reason = "fail" if is_wrong else "inconclusive", f"{what} is larger than any float64"
    return answer_of(question, verdict, kind, slope, None, reason=reason)


def _at_kink(
    point: Point, question: Question, cone: Cone, slopes: tuple[float, float], tolerance: float,
    is_vertical: bool,
) -> InputCheck:  # fmt: skip
    """The verdict at a kink: a gradient between the one-sided slopes is a legal subgradient.

    Where one of them really is infinite, and not only too large for float64, it may be claimed.
    """
    left, right = slopes
    low, high = min(slopes), max(slopes)
    gradient = question.checked
    is_legal = lies_between(gradient, low, high, slack_of(tolerance, *slopes)) or (
        is_vertical and gradient in slopes
    )
    says = "lies between" if is_legal else "is outside"
    reason = (
        f"a kink{_edges(point, cone)}: left slope {left:.6g}, right slope {right:.6g}; "
        f"{gradient:.6g} {says}"
    )
    nearest = math.nan if math.isnan(gradient) else min(max(gradient, low), high)
    verdict = "kink" if is_legal else "fail"
    return answer_of(question, verdict, "kink", nearest, 0.0, [low, high], reason)


def _edges(point: Point, cone: Cone) -> str:
    """The gates that are at their edge, in words: ` (relu at #1)`."""
    places = [f"{b.gate.name} at {point.names.get(b.node, '?')}" for b in cone.tied]
    return f" ({', '.join(places[:3])})" if places else ""


def _is_rounding(point: Point, question: Question, slope: float, tolerance: float) -> bool:
    """Whether a gradient is wrong by rounding only: right when computed in many digits."""
    from gradcli.arithmetic.work import OutOfReachError, unlimited

    if question.claim is not None and question.formula is None:
        return False  # a number someone wrote down
    for count in ROUNDING_DIGITS:
        try:
            with unlimited():
                exact = point.in_digits.sweep(count)
            if question.formula is not None:
                gradient = float(exact.values[question.formula])
            else:
                gradient = float(exact.gradients[question.leaf])
        except (OutOfReachError, OverflowError):
            return False
        residue = RESIDUE * abs(question.checked)
        vanishes = slope == 0 and agree(gradient, 0.0, 0.0, residue)
        if vanishes or agree(gradient, slope, tolerance):
            return True
    return False


def _is_as_good_as_inputs(point: Point, question: Question, slope: float) -> bool:
    """Whether a formula's number is off by no more than the rounding of the inputs may move it.

    A residual that is itself a rounding has no digits: no float64 backward pass can do better.
    """
    from gradcli.arithmetic.work import OutOfReachError, unlimited
    from gradcli.evaluation.in_digits import InDigits

    inputs, exact, room = point.inputs, point.in_digits, 0.0
    if len(inputs) > MOST_MOVED:
        return False
    try:
        for k, x in enumerate(inputs):
            moved = [*inputs[:k], x + math.ulp(x), *inputs[k + 1 :]]
            there = InDigits(exact.graph, moved, exact.output, exact.upstream)
            with unlimited():
                moved_slope = there.sweep(ROUNDING_DIGITS[0]).gradients[question.leaf]
            room += abs(float(moved_slope) - slope)
    except (OutOfReachError, OverflowError):
        return False
    return agree(question.checked, slope, 0.0, room)


def _mistake(answer: InputCheck, question: Question, questions: Iterable[Question]) -> str:
    """The likely slip behind a wrong gradient: another input's, or by what it is off."""
    checked, slope = question.checked, answer.numeric
    assert slope is not None
    for other in questions:
        if checked and other is not question and agree(other.analytic, checked, TOLERANCE):
            return f"this is {other.name}'s gradient: swapped?"
    return mismatch(checked, slope, question.what)


def constant_answer(question: Question) -> InputCheck:
    """The verdict on the gradient of what does not depend on the input: it is 0."""
    is_right = question.checked == 0
    reason = None if is_right else mismatch(question.checked, 0.0, question.what)
    return answer_of(question, "pass" if is_right else "fail", "smooth", 0.0, 0.0, reason=reason)


def answer_of(
    question: Question, verdict: str, kind: str | None, numeric: float | None,
    bound: float | None, interval: list[float] | None = None, reason: str | None = None,
) -> InputCheck:  # fmt: skip
    """The verdict on a question, with all that is known of the derivative."""
    error = None if numeric is None else relative_error(question.checked, numeric)
    if bound is not None and not math.isfinite(bound):
        bound = None
    return InputCheck(
        question.name, verdict, kind, question.analytic, numeric, bound, error, interval, reason,
        question.claim, element=question.element,
    )  # fmt: skip
