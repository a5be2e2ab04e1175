"""Arrays in a table: small ones whole, large ones as shape, smallest, largest and norm."""

from __future__ import annotations

import math
from collections.abc import Callable
from itertools import chain
from typing import Any

from gradcli.reports.digits import certain_text

MOST_WHOLE = 12  # elements of an array that is shown whole
MOST_WHOLE_IN_ROW = 3  # elements, where a row stands for the whole array
SUMMARY_DIGITS = 6

Write = Callable[[float, float | None], str]


def array_text(
    array: list[Any], bounds: Any, write: Write, show_all: bool, most: int = MOST_WHOLE
) -> str:
    """An array as text, whole up to `most` elements; `write` makes the text of a number.

    `bounds` are those of the elements, in nested lists like them, or None.
    """
    numbers, shape = flattened(array), str(shape_of(array))
    if show_all or _length(array) <= most:
        return nested_text(_texts(array, bounds, write))
    if not numbers:
        return f"{shape}, empty"
    if any(number != number for number in numbers):
        return f"{shape} with nan"
    errors = [0.0] if bounds is None else flattened(bounds)
    largest, together = max(errors), math.hypot(*errors)
    low, high = (certain_text(x, largest, SUMMARY_DIGITS) for x in (min(numbers), max(numbers)))
    norm = certain_text(math.hypot(*numbers), together, SUMMARY_DIGITS)
    return f"{shape} {low} to {high}, norm {norm}"


def cell_text(array: list[Any], bounds: Any, write: Write, show_all: bool) -> str:
    """An array as the cell of a table: a line for every row of a matrix, its columns aligned."""
    if not show_all and is_large(array):
        return array_text(array, bounds, write, show_all)
    texts = _texts(array, bounds, write)
    widths: dict[int, int] = {}
    for row in _rows(texts):
        for k, text in enumerate(row):
            widths[k] = max(widths.get(k, 0), len(text))
    return "\n".join(_lines(texts, widths))


def _rows(texts: Any) -> list[list[str]]:
    """The innermost lists."""
    rows = [texts]
    while rows and rows[0] and isinstance(rows[0][0], list):
        rows = list(chain.from_iterable(rows))
    return rows


def _lines(texts: list[Any], widths: dict[int, int]) -> list[str]:
    if not texts or not isinstance(texts[0], list):
        return [f"[{', '.join([text.rjust(widths[k]) for k, text in enumerate(texts)])}]"]
    lines: list[str] = []
    for part in texts:
        lines += [f" {line}" for line in _lines(part, widths)]
        lines[-1] += ","
    lines[0] = f"[{lines[0][1:]}"
    lines[-1] = f"{lines[-1][:-1]}]"
    return lines


def nested_text(array: Any, text: Callable[[Any], str] = str) -> str:
    """Nested lists on one line, or what is no list; `text` makes the text of an item."""
    if isinstance(array, list):
        return f"[{', '.join([nested_text(part, text) for part in array])}]"
    return text(array)


def _texts(array: Any, bounds: Any, write: Write) -> Any:
    """Every number as text."""
    if isinstance(array, list):
        each = [None] * len(array) if bounds is None else bounds
        return [_texts(part, bound, write) for part, bound in zip(array, each, strict=True)]
    return write(array, bounds)


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


def _length(array: list[Any]) -> int:
    """How many numbers the text of an array has; that of an empty one has brackets for its rows."""
    return math.prod([size or 1 for size in shape_of(array)])


def is_large(number: Any) -> bool:
    """Whether a number is an array that is summarised."""
    return isinstance(number, list) and _length(number) > MOST_WHOLE
