"""Texts of Python: their methods and formats, each refused before it makes one without end."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from gradcli.python.state.reader import Reader

PERCENT = re.compile(r"%(?:\([^)]*\))?[-+ #0]*(\d+|\*)?(?:\.(\d+|\*))?")
FOR_PEOPLE = re.compile(r"\{[^{}]*[:!.\[]")  # a field with a form of its own: no key is written so


def of_percent(reader: Reader, text: str, values: Any) -> str:
    """The text of `text % values`."""
    values = reader.plain(values)
    widths = [width for found in PERCENT.findall(text) for width in found if width]
    if "*" in widths:
        widths += [abs(x) for x in values if isinstance(x, int)]
    reader.count_length(len(text) + sum(int(width) for width in widths if width != "*"))
    made: str = text % values
    return made


def _text(method: Callable[..., Any]) -> Callable[..., Any]:
    def row(reader: Reader, owner: str, *values: Any) -> Any:
        return method(owner, *[reader.plain(value) for value in values])

    return row


def _join(reader: Reader, owner: str, parts: Any) -> str:
    texts = [str(part) for part in reader.iterate(parts)]
    reader.count_length(len(owner) * len(texts) + sum(map(len, texts)))
    return owner.join(texts)


def _replace(reader: Reader, owner: str, old: Any, new: Any, count: int = -1) -> str:
    old, new = reader.plain(old), reader.plain(new)
    reader.count_length(len(owner) + owner.count(old) * len(new))
    return owner.replace(old, new, count)


def _format(reader: Reader, owner: str, *values: Any, **named: Any) -> str:
    if FOR_PEOPLE.search(owner):
        return owner
    plain = [reader.plain(value) for value in values]
    return owner.format(*plain, **{key: reader.plain(value) for key, value in named.items()})


OF_TEXTS: dict[str, Callable[..., Any]] = {
    "lower": _text(str.lower), "upper": _text(str.upper), "strip": _text(str.strip),
    "lstrip": _text(str.lstrip), "rstrip": _text(str.rstrip), "split": _text(str.split),
    "startswith": _text(str.startswith), "endswith": _text(str.endswith),
    "replace": _replace, "find": _text(str.find), "count": _text(str.count),
    "isdigit": _text(str.isdigit), "title": _text(str.title),
    "join": _join, "format": _format,
}  # fmt: skip
