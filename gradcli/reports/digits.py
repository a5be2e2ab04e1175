"""Only the digits of a number that its bound certifies."""

from __future__ import annotations

import math


def certain_text(number: float, bound: float | None, most: int) -> str:
    """The number rounded to as many digits, at most `most`, as every number within the bound has.

    Where not even the first is certain, an interval that holds the truth; where there is no bound
    at all, `?`. A bound of None means that none was computed.

    >>> certain_text(3.14159265, 1e-6, 12), certain_text(1e-17, 2e-17, 12)
    ('3.1416', '0 +- 3e-17')
    """
    if not bound or not math.isfinite(number):
        return f"{number:.{most}g}"
    if not math.isfinite(bound):
        return "?"
    low = math.nextafter(number - bound, -math.inf)
    high = math.nextafter(number + bound, math.inf)
    for digits in range(most, 0, -1):
        text = f"{number:.{digits}g}"
        if text == f"{low:.{digits}g}" == f"{high:.{digits}g}":
            return text
    return interval(number, bound)


def interval(number: float, bound: float) -> str:
    """`0.3 +- 0.2`: an interval that holds every number within the bound, in few digits."""
    centre = f"{number:.1g}" if bound < abs(number) else "0"
    radius = (abs(number - float(centre)) + bound) * 1.0001 + 2.0**-1074
    for digits in (1, 2, 3, 17):
        text = f"{radius:.{digits}g}"
        if float(text) >= radius * 0.99995:
            break
        text = f"{radius * (1 + 10.0 ** (1 - digits)):.{digits}g}"
        if float(text) >= radius:
            break
    return f"{centre} +- {text}"
