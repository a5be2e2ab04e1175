"""Gradients that are legal one by one at a kink, and not together: 1 and 1 of max(x, x).

A few inputs are also looked at near the point, whose corners many are too many to meet.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import isfinite

from gradcli.arithmetic.agreement import lies_between, slack_of
from gradcli.arithmetic.work import OutOfReachError
from gradcli.checker.question import Question
from gradcli.evaluation.point import Point
from gradcli.reports.evaluations import InputCheck

MOST_NAMED = 5  # inputs, or parts of a direction
ROUNDING = 1e-9  # of what is claimed: the room for it that ranges have


def joint(
    point: Point, tied: list[Question], answers: dict[str, InputCheck], tolerance: float
) -> dict[str, InputCheck]:
    """The verdicts on gradients that are legal one by one and fail together; none where they do.

    `answers` are the verdicts on each alone, with the slopes on its two sides.
    """
    if len(tied) < 2 or not point.upstream:
        return {}
    reason = _outside(point, tied, answers, tolerance) or _beyond(point, tied, tolerance)
    if reason is None:
        return {}
    return {q.name: answers[q.name]._replace(verdict="fail", reason=reason) for q in tied}


def _outside(
    point: Point, tied: list[Question], answers: dict[str, InputCheck], tolerance: float
) -> str | None:
    """Why claims are together outside all that the kinks allow; None where they are not.

    The engine's own gradients are made to be legal one by one, so that nobody is told of them.
    """
    if tied[0].claim is None:
        return None
    from gradcli.evaluation.subgradients import Subgradients, UnboundedError

    sizes = {q: _size(q, answers[q.name]) / abs(point.upstream) for q in tied}
    bounded = [q for q in tied if isfinite(sizes[q])]
    if len(bounded) < 2:
        return None
    gradient = [q.checked / point.upstream for q in bounded]
    try:
        along = Subgradients(point.in_digits, [q.leaf for q in bounded]).separating(
            gradient, [sizes[q] or 1.0 for q in bounded], tolerance
        )
    except (UnboundedError, OutOfReachError):
        return None
    if along is None:
        return None
    low, high = sorted((point.upstream * along.low, point.upstream * along.high))
    return _reason(bounded, along.direction, low, high)


def _size(question: Question, answer: InputCheck) -> float:
    """The largest of a gradient and the slopes on both sides of its input."""
    slopes = answer.interval or []
    return max([abs(float(x)) for x in (question.checked, *slopes)])


def _beyond(point: Point, tied: list[Question], tolerance: float) -> str | None:
    """Why the gradients of a few inputs are together beyond all slopes near by, if they are."""
    from gradcli.evaluation.limits import OutOfDigits, slopes_along

    try:
        ranges = slopes_along(point.in_digits, [q.leaf for q in tied])
    except OutOfDigits:
        return None
    for direction, least, most in ranges:
        low, high = sorted((point.upstream * least, point.upstream * most))
        claimed = sum(step * q.checked for step, q in zip(direction, tied, strict=True))
        slack = slack_of(tolerance, low, high, *(q.checked for q in tied))
        if not lies_between(claimed, low, high, slack):
            return _reason(tied, direction, low, high)
    return None


def _reason(tied: list[Question], direction: Sequence[float], low: float, high: float) -> str:
    """What some gradients give along a direction, and what the slopes there are."""
    claimed = sum(step * q.checked for step, q in zip(direction, tied, strict=True))
    low, high = (x if abs(x) > ROUNDING * abs(claimed) else 0.0 for x in (low, high))
    names = [q.name for q in tied]
    terms = [f"{step:.3g}*{name}" for step, name in zip(direction, names, strict=True)]
    return (
        f"together {_first(names, ', ')} are no subgradient: along {_first(terms, ' + ')} "
        f"they give {claimed:.6g}, the slopes near by run from {low:.6g} to {high:.6g}"
    )


def _first(words: list[str], between: str) -> str:
    """The first of some words, joined; three dots stand for those left out."""
    more = ["..."] if len(words) > MOST_NAMED else []
    return between.join([*words[:MOST_NAMED], *more])
