"""How loops and functions end, and what the turns of loops are called."""

from __future__ import annotations

import ast
from typing import Any

LONGEST_ITEM = 30  # characters of an item that a turn is named by


class ReturnSignal(Exception):  # no error: control flow
    """`return` was reached."""

    def __init__(self, value: Any) -> None:
        super().__init__()
        self.value = value


class BreakSignal(Exception):  # no error: control flow
    """`break` was reached."""


class ContinueSignal(Exception):  # no error: control flow
    """`continue` was reached."""


def turn_of(target: ast.expr, item: Any, count: int) -> str:
    """An iteration as people say it: `t = 2`, or the number of the turn."""
    while isinstance(target, ast.Tuple) and isinstance(item, tuple) and item:
        target, item = target.elts[0], item[0]
    if isinstance(target, ast.Name) and isinstance(item, (int, float, str)):
        return f"{target.id} = {item!r}" if len(str(item)) < LONGEST_ITEM else f"turn {count + 1}"
    return f"turn {count + 1}"
