"""When two numbers agree: the one place that decides it."""

from __future__ import annotations

import math
from typing import Any


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


def agree(a: Any, b: Any, tolerance: float, room: Any = 0.0) -> bool:
    """Whether two numbers of any arithmetic, or arrays in every element, are one and the same.

    They may differ by `tolerance` of the larger one, and by `room`: what rounding has done, say.
    What is not finite agrees with nothing, not even with itself: whether a slope is infinite only
    many digits can tell.

    >>> agree(1.0, 1.0 + 1e-9, 1e-6), agree(0.0, 1e-9, 1e-6), agree(math.inf, math.inf, 1e-6)
    (True, False, False)
    """
    if any(hasattr(x, "shape") for x in (a, b, room)):
        return bool(agreeing(a, b, tolerance, room).all())
    gap, allowed = abs(a - b), tolerance * max(abs(a), abs(b)) + room
    is_finite = gap - gap == 0 and room - room == 0  # nan for what is not
    return bool(is_finite and gap <= allowed)


def agreeing(a: Any, b: Any, tolerance: float, room: Any = 0.0) -> Any:
    """Which elements of two arrays agree, as a mask of their common shape."""
    import numpy as np  # late: numbers do not need it

    with np.errstate(all="ignore"):
        gap = np.abs(np.subtract(a, b))
        allowed = tolerance * np.maximum(np.abs(a), np.abs(b)) + room
        return np.asarray(np.isfinite(gap) & np.isfinite(room) & (gap <= allowed))


def lies_between(number: float, low: float, high: float, room: float) -> bool:
    """Whether a finite number lies between two others, either of which may be infinite."""
    return agree(number, min(max(number, low), high), 0.0, room)


def slack_of(tolerance: float, *numbers: float) -> float:
    """How far a sum of such numbers may be off; those larger than any float64 do not count."""
    return tolerance * max((abs(x) for x in numbers if math.isfinite(x)), default=0.0)
