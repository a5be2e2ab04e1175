"""Amounts that lines and consumers contribute: numbers, or arrays as wholes.

A small program is judged number by number. A larger one keeps its arrays, and a name's gradient
is one amount.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from typing import Any

from gradcli.errors import ShapeError
from gradcli.gates.shapes import Shape, broadcast

Amount = Any  # a float, a number in many digits, or an array
LOST = 1e-14  # of the largest gradient: far away, where others saturate, rounding may be as large


def total(amounts: Iterable[Amount]) -> Amount:
    """The sum; of floats without rounding on the way, unless it is beyond them."""
    parts = list(amounts)
    if any(hasattr(part, "shape") for part in parts):
        import numpy as np  # late: numbers do not need it

        with np.errstate(all="ignore"):
            return sum(parts)
    if not all(isinstance(part, float) for part in parts):
        return sum(parts)
    try:
        return math.fsum(parts)
    except (OverflowError, ValueError):  # beyond float64, or infinities of both signs
        return sum(parts)


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

    numbers: list[float] = np.ravel(amount).tolist()
    return numbers


def mean_size(amount: Amount) -> float:
    """The mean of the absolute values: amounts that agree have means that do.

    A number that stands for an array by broadcasting has the mean of the array.
    """
    if isinstance(amount, float):
        return abs(amount)
    import numpy as np  # late: numbers do not need it

    return float(np.mean(np.abs(amount))) if np.size(amount) else 0.0


def rounding_of(amounts: Iterable[Amount]) -> float:
    """What rounding may leave of gradients that cancel, beside the largest of them."""
    return LOST * max((mean_size(x) for x in amounts if is_finite(x)), default=0.0)


def in_words(amount: Amount, digits: int = 5) -> str:
    """A number, or how large an array is."""
    if isinstance(amount, float):
        return f"{amount:.{digits}g}"
    return f"an array of norm {math.hypot(*flat(amount)):.{digits}g}"


def spreads(shape: Shape, to: Shape) -> bool:
    """Whether an array can be broadcast to a shape."""
    try:
        return broadcast(shape, to) == to
    except ShapeError:
        return False


def nested(shape: Any, amounts: Iterator[Any]) -> Any:
    """Amounts in the shape of nested lists."""
    return [nested(part, amounts) for part in shape] if isinstance(shape, list) else next(amounts)


def listed(names: Any) -> str:
    """`a, b and c`."""
    *first, last = [str(name) for name in names] or ["nothing"]
    return f"{', '.join(first)} and {last}" if first else last
