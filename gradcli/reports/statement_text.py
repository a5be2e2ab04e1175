"""One statement of a row of text, and its parts, as they are written."""

from __future__ import annotations


def statement_text(row: str) -> str:
    """The first statement of a row, without what follows it.

    >>> statement_text("dx = y*dq; dy = 1  # the rest")
    'dx = y*dq'
    """
    depth = 0
    for k, letter in enumerate(row):
        depth += (letter in "([{") - (letter in ")]}")
        if letter == "#" or (letter == ";" and not depth):
            return row[:k].rstrip()
    return row.rstrip()


def split_statement(text: str) -> tuple[str, str, str]:
    """The target, the sign and the right side of an assignment.

    >>> split_statement("dx[0] += y*dq")
    ('dx[0]', '+=', 'y*dq')
    """
    left, _, right = text.partition("=")
    sign = "+=" if left.endswith("+") else "="
    return left.rstrip("+ "), sign, right.strip()
