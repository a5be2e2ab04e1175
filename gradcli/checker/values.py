"""Verdicts on claims about values, such as `f == -12`."""

from __future__ import annotations

import math
from typing import Any

from gradcli.arithmetic.agreement import agree, relative_error
from gradcli.arithmetic.bounds.bounded import Bounded
from gradcli.checker.evidence import DIGITS_LOST
from gradcli.checker.reasons import mismatch
from gradcli.engine import Run
from gradcli.evaluation.numbers import bounded_run, value_bounds
from gradcli.evaluation.point import Point
from gradcli.named_tuples import NamedTuple
from gradcli.program.model import Element
from gradcli.reports.evaluations import InputCheck

MOST_GATES_OF_A_VALUE = 10_000  # above this many gates many digits take too long


class ValueVerdict(NamedTuple):
    """The verdict, the value as well as it is known, and the reason where it does not pass."""

    verdict: str
    value: float
    reason: str | None = None


def check_values(point: Point, tolerance: float) -> list[InputCheck]:
    """Verdicts on all claims on values; of an array the element that is farthest off is shown."""
    claims = point.program.value_claims
    if not claims:
        return []
    if point.is_of_arrays:
        return _of_arrays(point, tolerance)
    checks, run = [], point.run
    bounds = value_bounds(run)
    for claim in claims:
        value, claimed = float(run.values[claim.stage]), float(run.values[claim.claimed])
        bound = bounds[claim.stage] + bounds[claim.claimed]
        answer = check_value(run, claim.stage, claim.claimed, bound, tolerance)
        error = relative_error(claimed, answer.value)
        checks.append(InputCheck(
            claim.name, answer.verdict, None, value, answer.value, None, error, None,
            answer.reason, claimed,
        ))  # fmt: skip
    return checks


def check_value(run: Run, stage: int, claim: int, bound: float, tolerance: float) -> ValueVerdict:
    """The verdict on a node of a float64 run that is claimed to be what another is.

    Where the `bound` on the errors of both does not settle it, many digits do.
    """
    value, claimed = float(run.values[stage]), float(run.values[claim])
    size = max(abs(value), abs(claimed))
    if bound <= tolerance * size < math.inf and agree(value, claimed, tolerance):
        return ValueVerdict("pass", value)
    if len(run.machine.graph) > MOST_GATES_OF_A_VALUE:
        reason = "float64 does not settle it, and the graph is too large for many digits"
        return ValueVerdict("inconclusive", value, reason)
    from gradcli.arithmetic.work import OutOfReachError  # late: few claims need it

    try:
        return _in_many_digits(run, stage, claim, tolerance)
    except OutOfReachError as trouble:
        return ValueVerdict("inconclusive", value, str(trouble))


def _in_many_digits(run: Run, stage: int, claim: int, tolerance: float) -> ValueVerdict:
    """The verdict on a value computed in more and more digits, until its bound decides.

    What all of them lose is 0, unless something is deeper than they go.
    """
    from gradcli.evaluation.in_digits import InDigits, hidden, is_within_reach  # late: mpmath
    from gradcli.evaluation.many_digits import LADDER

    graph, value = run.machine.graph, float(run.values[stage])
    inputs = [run.values[node] for node in graph.inputs.values()]
    ours, theirs = InDigits(graph, inputs, stage), InDigits(graph, inputs, claim)
    hides = max(ours.hides, theirs.hides)
    if not is_within_reach(graph, hides):
        return ValueVerdict("inconclusive", value, hidden(hides))
    for count in LADDER:
        x, claimed = ours.result(count + hides), theirs.result(count + hides)
        if not abs(x.value) < math.inf:
            if not (x.error or claimed.error):
                return _infinite(float(x.value), float(claimed.value))
        elif _is_decided(x, claimed, tolerance):
            return _settled(x.value, claimed.value, tolerance)
    if x.error < math.inf and not claimed.error:
        return _settled(x.value * 0, claimed.value, tolerance)
    return ValueVerdict("inconclusive", value, "many digits do not settle it either")


def _is_decided(x: Bounded, claimed: Bounded, tolerance: float) -> bool:
    """Whether a claim is right, or wrong, for all that both numbers may be within their bounds."""
    error = x.error + claimed.error
    if not error:
        return True
    ends = [agree(end, claimed.value, tolerance) for end in (x.value - error, x.value + error)]
    return all(ends) or (not any(ends) and bool(abs(x.value - claimed.value) > error))


def _infinite(value: float, claimed: float) -> ValueVerdict:
    if math.isnan(value):
        return ValueVerdict("undefined", value, "the value is not a number")
    verdict = "pass" if value == claimed else "fail"
    return ValueVerdict(verdict, value, None if verdict == "pass" else _wrong(claimed, value))


def _wrong(claimed: float, value: float) -> str:
    return f"the value is {value:.12g}; {mismatch(claimed, value, of='the value')}"


def _settled(exact: Any, claimed: Any, tolerance: float) -> ValueVerdict:
    value = float(exact)
    if agree(exact, claimed, tolerance) or value == claimed == 0:  # below what float64 can hold
        return ValueVerdict("pass", value)
    if math.isinf(value):
        return ValueVerdict("inconclusive", value, "the value is larger than any float64")
    return ValueVerdict("fail", value, _wrong(claimed, value))


# ---------------------------------------------------------------- arrays


def _of_arrays(point: Point, tolerance: float) -> list[InputCheck]:
    """Claims on whole arrays, in float64 with the bounds of arrays."""
    import numpy as np  # late: numbers do not need it

    run, checks = point.run, []
    for claim in point.program.value_claims:
        value = np.asarray(run.values[claim.stage])
        claimed = np.broadcast_to(run.values[claim.claimed], value.shape)
        if not value.size:
            continue
        at = _farthest(value, claimed)
        ours, theirs = float(value[at]), float(claimed[at])
        verdict, reason = "pass", None
        if math.isnan(ours):
            verdict, reason = "undefined", "the value is not a number"
        elif math.isinf(ours):
            verdict, reason = "inconclusive", "float64 overflows here, or the value is infinite"
        elif not agree(ours, theirs, tolerance):
            verdict, reason = "fail", _wrong(theirs, ours)
            errors = bounded_run(run).values[claim.stage].error
            room = float(np.broadcast_to(errors, value.shape)[at])
            if agree(ours, theirs, 0.0, room) or not math.isfinite(room):
                verdict, reason = "inconclusive", DIGITS_LOST
        error = relative_error(ours, theirs)
        name = claim.name + "".join([f"[{k}]" for k in at])
        element = Element(claim.name, tuple(map(int, at)))
        checks.append(InputCheck(
            name, verdict, None, ours, ours, None, error, None, reason, theirs, element=element,
        ))  # fmt: skip
    return checks


def _farthest(value: Any, claimed: Any) -> tuple[Any, ...]:
    """The place where two arrays of one shape differ most; what is not finite is farthest off."""
    import numpy as np  # late: numbers do not need it

    with np.errstate(all="ignore"):
        size = np.maximum(np.abs(value), np.abs(claimed))
        off = np.abs(value - claimed) / np.where(size, size, 1.0)
    off = np.where(np.isfinite(value) & np.isfinite(claimed), off, np.inf)
    return np.unravel_index(int(np.argmax(off)), value.shape)
