"""What lines and consumers contribute: numbers, or arrays as wholes.

A small program is judged number by number. A larger one keeps its arrays, and a name's gradient
is one amount.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any

Amount = Any  # a float, a number in many digits, or an array


def total(amounts: Iterable[Amount]) -> Amount:
    """The sum; of floats without rounding on the way."""
    parts = list(amounts)
    return math.fsum(parts) if all(isinstance(part, float) for part in parts) else sum(parts)


def is_finite(amount: Amount) -> bool:
    """Whether every element is finite."""
    if isinstance(amount, float):
        return math.isfinite(amount)
    import numpy as np  # late: numbers do not need it

    return bool(np.isfinite(amount).all())


def flat(amount: Amount) -> list[float]:
    """The elements in order."""
    if isinstance(amount, float):
        return [amount]
    import numpy as np  # late: numbers do not need it

    elements: list[float] = np.ravel(amount).tolist()
    return elements


def in_words(amount: Amount, digits: int = 5) -> str:
    """A number, or how large an array is."""
    if isinstance(amount, float):
        return f"{amount:.{digits}g}"
    return f"an array of norm {math.hypot(*flat(amount)):.{digits}g}"
