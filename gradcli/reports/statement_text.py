"""One statement in a text, and its parts, as they are written."""

from __future__ import annotations


def offset_of(text: str, line: int, column: int) -> int:
    """Where a line and a column, both from 1, are in a text."""
    start = 0
    for _ in range(line - 1):
        start = text.index("\n", start) + 1
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


def split_statement(text: str) -> tuple[str, str]:
    """The target of an assignment with its sign and the space around it, and the right side.

    >>> split_statement("dx[0] += y*dq")
    ('dx[0] += ', 'y*dq')
    """
    left, _, right = text.partition("=")
    value = right.lstrip()
    return text[: len(left) + 1 + len(right) - len(value)], value
