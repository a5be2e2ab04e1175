"""Layers that do something else while they are trained: batch norms, dropout.

Their backward part is that of training, though the flag may be off at first.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Mapping
from typing import Any

from gradcli.python.state.values import Instance

TRAINS = re.compile(r"^_?(is_|in_)?train(ing|s)?(_?(mode|phase|flag|time))?$", re.IGNORECASE)
MODE = re.compile(r"^_?(mode|phase)$")
AT_REST = ("test", "eval", "inference", "predict", "infer")
DEEPEST = 3  # objects inside one another that are looked at: a network, its blocks, their layers


def in_training(values: Mapping[str, Any]) -> dict[str, Any]:
    """What flags and modes are in training, of those that are not."""
    flags = {name: True for name, v in values.items() if v is False and TRAINS.match(name)}
    modes = {name for name, v in values.items() if MODE.match(name) and v in AT_REST}
    return {**flags, **dict.fromkeys(modes, "train")}


def that_keep(function: ast.AST, values: Mapping[str, Any]) -> dict[str, bool]:
    """The flags, off at first, under which a method keeps for the backward part what it is handed.

    Those of training change values, too.
    """
    guarded = {
        node.test.id for node in ast.walk(function)
        if isinstance(node, ast.If) and isinstance(node.test, ast.Name)
        and any(map(_keeps, node.body))
    }  # fmt: skip
    return {name: True for name in guarded
            if values.get(name) is False and not TRAINS.match(name)}  # fmt: skip


def _keeps(statement: ast.stmt) -> bool:
    """Whether a statement is `self.x = x`, or a call such as `self.save(x)`."""
    if isinstance(statement, ast.Assign):
        return ast.unparse(statement.targets[0]).startswith("self.")
    is_call = isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Call)
    return is_call and ast.unparse(statement).startswith("self.")


def objects_in(value: Any, depth: int = DEEPEST) -> Iterator[Instance]:
    """An object, those it holds, and those in its lists and dictionaries; each may come twice."""
    if isinstance(value, Instance) and depth:
        yield value
        for part in [*value.attributes.values()]:
            yield from objects_in(part, depth - 1)
    elif isinstance(value, (list, tuple, dict)):
        for part in value.values() if isinstance(value, dict) else value:
            yield from objects_in(part, depth)
