"""One statement in a text, and its parts, as they are written."""

from __future__ import annotations

import re

LINE_END = re.compile(r"\r\n|\r|\n")  # of any kind of computer, as places are counted


def offset_of(text: str, line: int, column: int) -> int:
    """Where a line and a column, both from 1, are in a text."""
    start, ends = 0, LINE_END.finditer(text)
    for _ in range(line - 1):
        start = next(ends).end()
    return start + column - 1


def statement_end(text: str, start: int) -> int:
    """Where the statement ends that begins at a place; brackets may go over several lines.

    >>> text = "dx = (y  # the factor\\n  *dq); dy = 1  # the rest"
    >>> text[: statement_end(text, 0)]
    'dx = (y  # the factor\\n  *dq)'
    """
    depth, k = 0, start
    while k < len(text):
        letter = text[k]
        depth += (letter in "([{") - (letter in ")]}")
        if not depth and letter in "#;\r\n":
            break
        k = text.find("\n", k) if letter == "#" else k + 1
        if k < 0:  # a comment in a bracket that is never closed
            return len(text)
    return start + len(text[start:k].rstrip())


def without(text: str, start: int, stop: int) -> str:
    """The text without a statement, and without its row where nothing else stands there.

    >>> without("dx = y\\ndx += y  # again\\ndy = x", 7, 14)
    'dx = y\\ndy = x'
    >>> without("dx = y; dx += y; dy = x", 8, 15)
    'dx = y; dy = x'
    """
    row = max(text.rfind(letter, 0, start) for letter in "\r\n") + 1
    found = LINE_END.search(text, stop)
    end, below = found.span() if found else (len(text), len(text))
    before, after = text[row:start], text[stop:end].lstrip()
    if before.rstrip().endswith(":") or (not before.strip() and _is_alone(text, row, end)):
        return f"{text[:start]}pass{text[stop:]}"
    if after.startswith(";"):
        return text[:start] + after[1:].lstrip() + text[end:]
    if before.strip():
        return text[:row] + before.rstrip("; ") + text[stop:]
    return text[:row] + text[below:]


def _is_alone(text: str, row: int, end: int) -> bool:
    """Whether a row of Python, from its place in the text to its end, is all of its block."""
    above = next((line for line in reversed(text[:row].splitlines()) if line.strip()), "")
    below = next((line for line in text[end:].splitlines() if line.strip()), "")
    own = text[row:end]
    return above.rstrip().endswith(":") and _indent(below) < _indent(own)


def _indent(line: str) -> int:
    return len(line) - len(line.lstrip())


def split_statement(text: str) -> tuple[str, str]:
    """The target of an assignment with its sign and the space around it, and the right side.

    >>> split_statement("dx[0] += y*dq")
    ('dx[0] += ', 'y*dq')
    """
    left, _, right = text.partition("=")
    value = right.lstrip()
    return text[: len(left) + 1 + len(right) - len(value)], value
