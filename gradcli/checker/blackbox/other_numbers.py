"""Slopes of a function that takes other numbers than float64: complex ones, or many digits.

Code that only computes does, without knowing: operators, and functions of numpy, which call a
method of the same name on what is no number of theirs. Code that turns its numbers into floats is
found out, as `Digit` refuses that, and its slopes are left to its values.
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np

from gradcli.arithmetic.agreement import agree
from gradcli.arithmetic.arithmetic import Arithmetic
from gradcli.arithmetic.digit import Digit, in_digits
from gradcli.arithmetic.work import OutOfReachError
from gradcli.checker.blackbox.line import Line
from gradcli.evaluation.limits import Limit, combined
from gradcli.evaluation.moving import Change
from gradcli.evaluation.sides import Side, one_side, to_float

# Tolerances are data, with a reason each.
IMAGINARY = 2.0**-200  # of a step: its square is nothing beside the value
SAME_VALUE = 0.05  # relative: what the function gives in other numbers is what it gives in float64
DIGITS = (150, 300)  # of two runs that have to agree
PART = 4  # of the digits are the step
MOST_DIGIT_ELEMENTS = 2_000  # of a function's inputs: many digits are slow


def complex_slope(line: Line) -> float | None:
    """The slope by a complex step; None for code that does not take complex numbers.

    It is wrong, without a sign of it, where the code takes absolute values or compares.
    """
    place, step = line.place, line.span.longest * IMAGINARY
    moved = [x.astype(complex) for x in place.inputs]
    for leaf, direction in line.directions.items():
        moved[leaf] += 1j * step * direction
    there = _called(place.values, moved)
    if there is None or there.dtype.kind != "c" or not np.isfinite(there).all():
        return None
    if there.shape != place.value.shape or not agree(there.real, place.value, SAME_VALUE):
        return None
    return float(np.sum(place.upstream * (there.imag / step)))


def limit_in_digits(line: Line) -> Limit | None:
    """Kind and one-sided slopes in many digits; None for code that does not take such numbers."""
    if sum(np.size(x) for x in line.place.inputs) > MOST_DIGIT_ELEMENTS:
        return None
    first, second = (_limit(line, count) for count in DIGITS)
    if first is None or second is None or first.kind != second.kind:
        return None
    slopes = (first.left, second.left), (first.right, second.right)
    is_same = all(a == b or agree(a, b, 1e-9) or (a != a and b != b) for a, b in slopes)
    return second if is_same else None


def _limit(line: Line, count: int) -> Limit | None:
    from gradcli.arithmetic.digits import digits  # late: mpmath is loaded only here

    place, arithmetic = line.place, digits(count)
    exact = [in_digits(x, arithmetic) for x in place.inputs]
    here = _called(place.values, exact)
    if here is None or not _is_value_of(here, place.value):
        return None
    directions = {leaf: in_digits(v, arithmetic) for leaf, v in line.directions.items()}
    upstream = np.broadcast_to(in_digits(np.asarray(place.upstream), arithmetic), here.shape)
    size = max(_sum(np.abs(upstream * here), arithmetic), arithmetic.number(1.0))
    rounding = size * arithmetic.number(10.0) ** (15 - count)

    def change(h: Any) -> Change:
        moved = exact.copy()
        for leaf, direction in directions.items():
            moved[leaf] = np.asarray(exact[leaf] + Digit(h, arithmetic) * direction)
        there = _called(place.values, moved)
        if there is None or there.shape != here.shape:
            raise OutOfReachError
        return Change(_sum(upstream * (there - here), arithmetic), rounding)

    step = arithmetic.number(line.span.longest * 2.0 ** -math.ceil(count / PART * math.log2(10)))
    try:
        left, right = (_known(one_side(change, h), rounding / step) for h in (-step, step))
    except (OutOfReachError, ArithmeticError, ValueError):
        return None
    return None if "unclear" in (left.kind, right.kind) else combined(left, right, count)


def _known(side: Side, error: Any) -> Side:
    """A side; where all its change may be rounding, the slope is 0 but for that."""
    return Side("slope", 0.0, error=to_float(error)) if side.is_lost else side


def _sum(parts: Any, arithmetic: Arithmetic) -> Any:
    """The sum of an array of digits; of one that is a single number, numpy makes no array."""
    return sum(np.asarray(parts).flat, Digit(arithmetic.number(0.0), arithmetic)).number


def _is_value_of(there: Any, value: Any) -> bool:
    """Whether many digits give what float64 does, but for its rounding.

    Floats among them are constants of the code, as no number of many digits becomes one.
    """
    if there.shape != value.shape or not all(
        isinstance(x, Digit | int | float) for x in there.flat
    ):
        return False
    numbers = [float(x.number if isinstance(x, Digit) else x) for x in there.flat]
    return agree(np.reshape(numbers, value.shape), value, SAME_VALUE)


def _called(values: Callable[[list[Any]], Any], inputs: list[Any]) -> Any:
    """The value as an array; None where the code does not take such numbers, for any reason."""
    try:
        with np.errstate(all="ignore"), warnings.catch_warnings():
            warnings.simplefilter("error", np.exceptions.ComplexWarning)  # math.cos drops i
            return np.asarray(values(inputs))
    except Exception:  # it is other people's code, called in a way nobody promised it would be
        return None
