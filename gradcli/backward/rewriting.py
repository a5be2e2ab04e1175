"""A repaired line as text: its writer's own, with the one change in it where that is possible."""

from __future__ import annotations

import re

from gradcli.syntax import Tree, write

SIGNS = {"mul": "*", "div": "/", "add": "+", "sub": "-"}
PRODUCTS = ("mul", "div", "matmul", "pow", "name", "number", "call", "index", "attribute")


def rewritten(right: str, before: Tree, after: Tree) -> str:
    """The right side of a line after a change of its tree; `right` is its text before."""
    text = _extended(right, before, after) or _renamed(right, before, after)
    if text is None:
        text = write(after).replace("keepdims=1", "keepdims=True")
    is_tight = not any(f" {sign} " in right for sign in "*/")
    return text.replace(" * ", "*").replace(" / ", "/") if is_tight else text


def _extended(right: str, before: Tree, after: Tree) -> str | None:
    """The text with a sign before it, or a factor or term after it."""
    count = len(before.ops)
    if after.ops[:count] != before.ops or after.args[:count] != before.args:
        return None
    is_product = before.ops[-1] in PRODUCTS
    text, rest = right, [*zip(after.ops[count:], after.args[count:], strict=True)]
    while rest:
        if rest[0][0] == "neg":
            text, rest = f"-{text}" if is_product else f"-({text})", rest[1:]
        elif len(rest) > 1 and rest[0][0] in ("name", "number") and rest[1][0] in SIGNS:
            sign = SIGNS[rest[1][0]]
            operand = rest[0][1] if rest[0][0] == "name" else f"{rest[0][1]:g}"
            is_whole = is_product or sign in "+-"
            text, rest = f"{text if is_whole else f'({text})'} {sign} {operand}", rest[2:]
        else:
            return None
        is_product = True
    return text


def _renamed(right: str, before: Tree, after: Tree) -> str | None:
    """The text with another name in the place of one."""
    if before.ops != after.ops:
        return None
    places = [k for k, arg in enumerate(before.args) if arg != after.args[k]]
    if not places or any(before.ops[k] != "name" for k in places):
        return None
    name, other = before.args[places[0]], after.args[places[0]]
    every = [k for k, op in enumerate(before.ops) if op == "name" and before.args[k] == name]
    found = [*re.finditer(rf"(?<![\w.]){re.escape(name)}(?!\w)", right)]
    if len(found) != len(every) or any(before.args[k] != name for k in places):
        return None
    for k in reversed(places):
        match = found[every.index(k)]
        right = right[: match.start()] + other + right[match.end() :]
    return right
