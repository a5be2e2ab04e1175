"""Numbers as text and back, thousands at a time, to the last bit.

A block of plain lines is nearly JSON: with its line ends as commas it is one list, which orjson
reads in 60 ns a number where `float` takes 350; and a list that is written back becomes lines by
putting a line end over every n-th comma. Without orjson Python's own json does the same, slower.
What is not plain (names, quotes, nan, nothing at all) is left to the slow path of each format.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import cache
from typing import Any

import numpy as np

UNPLAIN = (b'"', b"[", b"{", b"t", b"f", b"n", b"N", b"I")  # begin what JSON knows besides numbers
LOST_AS_ZERO = (b"-0", b"e-", b"E-")  # -0 as a whole number, 1e-400
COMMA, NEWLINE = b",\n"
SPELLED = {"inf": b"inf", "-inf": b"-inf", "nan": b"nan"}


@cache
def loads() -> Callable[[bytes], Any]:
    """The reader of JSON. What it raises is a ValueError."""
    try:
        import orjson
    except ImportError:
        import json

        return json.loads
    read: Callable[[bytes], Any] = orjson.loads
    return read


def dumps(value: Any) -> bytes:
    """A value of lists, dicts, texts, numbers and None as JSON; arrays as lists."""
    try:
        import orjson
    except ImportError:
        from json import dumps as slow_dumps

        return slow_dumps(value, default=np.ndarray.tolist, separators=(",", ":")).encode()
    text: bytes = orjson.dumps(value, option=orjson.OPT_SERIALIZE_NUMPY)
    return text


def plain_rows(block: bytes, columns: int) -> Any:
    """The numbers of plain lines, (rows, columns); None where there is anything else.

    Plain are lines of as many numbers between commas, the last one ended, too.
    """
    if any(mark in block for mark in UNPLAIN):
        return None
    codes = np.frombuffer(block, np.uint8)
    separators = codes[np.flatnonzero((codes == COMMA) | (codes == NEWLINE))]
    if len(separators) % columns:
        return None
    by_row = separators.reshape(-1, columns)
    if not ((by_row[:, -1] == NEWLINE).all() and (by_row[:, :-1] == COMMA).all()):
        return None
    try:
        numbers = loads()(b"[" + block[:-1].replace(b"\n", b",") + b"]")
        rows = np.fromiter(numbers, float, len(numbers)).reshape(-1, columns)
    except (ValueError, TypeError, OverflowError):
        return None
    if len(rows) != len(by_row) or not _are_finite(rows):
        return None
    is_doubtful = not rows.all() and any(sign in block for sign in LOST_AS_ZERO)
    return None if is_doubtful else rows


def _are_finite(numbers: Any) -> bool:
    """Whether all numbers are finite: quickly, if their sum is."""
    with np.errstate(all="ignore"):
        return math.isfinite(np.sum(numbers)) or bool(np.isfinite(numbers).all())


def line_ends(block: bytes) -> int:
    """How many lines a block has."""
    return int(np.count_nonzero(np.frombuffer(block, np.uint8) == NEWLINE))


def lines_of(rows: Any, separator: bytes) -> bytes:
    """Rows of numbers as lines; the shortest digits that are read as the same numbers."""
    if not rows.size:
        return b""
    text = bytearray(dumps(np.ascontiguousarray(rows).ravel()))
    codes = np.frombuffer(text, np.uint8)
    commas = np.flatnonzero(codes == COMMA)
    if separator != b",":
        codes[commas] = separator[0]
    codes[commas[rows.shape[1] - 1 :: rows.shape[1]]] = NEWLINE
    codes[-1] = NEWLINE  # the bracket
    lines = bytes(memoryview(text)[1:])
    return lines if _are_finite(rows) else _spelled(lines, rows[~np.isfinite(rows)])


def _spelled(lines: bytes, numbers: Any) -> bytes:
    """Lines with infinities and nan in the place of what JSON has for them."""
    for word in (b"NaN", b"-Infinity", b"Infinity"):  # of Python's own json
        lines = lines.replace(word, b"null")
    first, *rest = lines.split(b"null")
    words = [SPELLED[str(x)] for x in numbers.tolist()]
    return first + b"".join([word + text for word, text in zip(words, rest, strict=True)])
