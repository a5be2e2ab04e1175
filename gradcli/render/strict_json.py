"""Strict JSON: RFC 8259, floats in shortest round-trip form, what is not finite as a string.

The standard encoder recurses, writes NaN bare, and loads a decoder with seven regular expressions;
a report is written in a single pass here, at any depth of nesting.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from gradcli.render.look import Look

if TYPE_CHECKING:
    from typing import Protocol

    class Report(Protocol):
        """Any report of the tool."""

        def as_dict(self) -> dict[str, Any]:
            """The report as JSON holds it."""


class _Mark(str):
    """Punctuation, which goes out as it is."""

    __slots__ = ()


COMMA = _Mark(", ")
BLOCK = 100_000  # characters: the text of large arrays is never held whole
ROW = 5_000  # numbers of one piece


def json_report(report: Report, _: Look) -> Iterator[str]:
    """A whole report as one document on one line, in blocks."""
    return json_blocks(report.as_dict())


def json_text(data: Any) -> str:
    r"""One line of JSON for dicts with text keys, lists, tuples, texts, numbers, True, False, None.

    Raises TypeError for anything else.

    >>> json_text({"a": [1.0, None, float("nan")]})
    '{"a": [1.0, null, "NaN"]}\n'
    """
    return "".join(_pieces(data)) + "\n"


def json_blocks(data: Any) -> Iterator[str]:
    """That line in blocks of some BLOCK characters. Raises TypeError."""
    block: list[str] = []
    length = 0
    for piece in _pieces(data):
        block.append(piece)
        length += len(piece)
        if length > BLOCK:
            yield "".join(block)
            block.clear()
            length = 0
    yield "".join(block) + "\n"


def _pieces(data: Any) -> Iterator[str]:
    waiting: list[Any] = [data]  # what is still to be written, the next at the end
    while waiting:
        item = waiting.pop()
        if isinstance(item, _Mark):
            yield item
        elif isinstance(item, str):
            yield _quoted(item)
        elif isinstance(item, dict):
            waiting.append(_Mark("}"))
            for key, value in reversed(item.items()):
                waiting += (value, _Mark(f"{_quoted(key)}: "), COMMA)
            _open(waiting, "{", bool(item))
        elif _is_row(item):
            yield from _row(item)
        elif isinstance(item, list | tuple):
            waiting.append(_Mark("]"))
            for value in reversed(item):
                waiting += (value, COMMA)
            _open(waiting, "[", bool(item))
        else:
            yield _scalar(item)


def _is_row(item: Any) -> bool:
    """Whether Python writes the item as JSON does: a list of floats, all of them finite."""
    return (
        item.__class__ is list and {*map(type, item)} == {float} and all(map(math.isfinite, item))
    )


def _row(numbers: list[float]) -> Iterator[str]:
    for at in range(0, len(numbers), ROW):
        text = repr(numbers[at : at + ROW])
        yield (", " if at else "[") + text[1:-1]
    yield "]"


def _open(waiting: list[Any], bracket: str, has_items: bool) -> None:
    """Put the bracket in the place of the comma before the first item."""
    if has_items:
        waiting.pop()
    waiting.append(_Mark(bracket))


def _scalar(item: Any) -> str:
    if item is None or item is True or item is False:
        return {None: "null", True: "true", False: "false"}[item]
    if isinstance(item, float):
        if math.isfinite(item):
            return float.__repr__(item)
        return '"NaN"' if math.isnan(item) else '"Infinity"' if item > 0 else '"-Infinity"'
    if isinstance(item, int):
        return int.__repr__(item)
    raise TypeError(f"{type(item).__name__} has no place in JSON")


def _quoted(text: str) -> str:
    if text.isascii() and text.isprintable() and '"' not in text and "\\" not in text:
        return f'"{text}"'
    from json import dumps  # late: few texts need an escape

    return dumps(text)
