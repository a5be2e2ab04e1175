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


def json_report(report: Report, _: Look) -> Iterator[str]:
    """A whole report as one document on one line."""
    yield json_text(report.as_dict())


def json_text(data: Any) -> str:
    r"""One line of JSON for dicts with text keys, lists, tuples, texts, numbers, True, False, None.

    Raises TypeError for anything else.

    >>> json_text({"a": [1.0, None, float("nan")]})
    '{"a": [1.0, null, "NaN"]}\n'
    """
    pieces: list[str] = []
    waiting: list[Any] = [data]  # what is still to be written, the next at the end
    while waiting:
        item = waiting.pop()
        if isinstance(item, _Mark):
            pieces.append(item)
        elif isinstance(item, str):
            pieces.append(_quoted(item))
        elif isinstance(item, dict):
            waiting.append(_Mark("}"))
            for key, value in reversed(item.items()):
                waiting += (value, _Mark(f"{_quoted(key)}: "), _Mark(", "))
            _open(waiting, "{", bool(item))
        elif _is_row(item):
            pieces.append(repr(item))
        elif isinstance(item, list | tuple):
            waiting.append(_Mark("]"))
            for value in reversed(item):
                waiting += (value, _Mark(", "))
            _open(waiting, "[", bool(item))
        else:
            pieces.append(_scalar(item))
    return "".join(pieces) + "\n"


def _is_row(item: Any) -> bool:
    """Whether Python writes the item as JSON does: a list of floats, all of them finite."""
    return (
        item.__class__ is list and {*map(type, item)} == {float} and all(map(math.isfinite, item))
    )


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
