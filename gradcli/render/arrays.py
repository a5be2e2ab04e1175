"""Arrays in a table: small ones whole, large ones as shape, smallest, largest and norm."""

from __future__ import annotations

import math
from collections.abc import Callable
from itertools import chain
from typing import Any

WHOLE = 12  # elements of an array that is shown whole
SHORT = 3  # the same in a row that stands for the whole array

Write = Callable[[float], str]


def array_text(array: list[Any], write: Write, show_all: bool, most: int = WHOLE) -> str:
    """An array as text, whole up to `most` elements; `write` makes the text of a number."""
    numbers = flattened(array)
    if show_all or len(numbers) <= most:
        return _whole(array, write)
    shape = str(shape_of(array))
    if any(number != number for number in numbers):
        return f"{shape} with nan"
    low, high, size = min(numbers), max(numbers), math.hypot(*numbers)
    return f"{shape} {low:.6g} to {high:.6g}, norm {size:.6g}"


def _whole(array: Any, write: Write) -> str:
    if isinstance(array, list):
        return f"[{', '.join([_whole(part, write) for part in array])}]"
    return write(array)


def flattened(array: Any) -> list[float]:
    """The numbers of nested lists, in order."""
    rows = array if isinstance(array, list) else [array]
    while rows and isinstance(rows[0], list):
        rows = list(chain.from_iterable(rows))
    return rows


def shape_of(array: Any) -> tuple[int, ...]:
    """The shape of nested lists that are an array."""
    sizes = []
    while isinstance(array, list):
        sizes.append(len(array))
        array = array[0] if array else None
    return tuple(sizes)


def is_large(number: Any) -> bool:
    """Whether a number is an array that is summarised."""
    return isinstance(number, list) and math.prod(shape_of(number)) > WHOLE
