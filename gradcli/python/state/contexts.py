"""Objects that a forward part only stores in: `ctx.save_for_backward(x)`, `ctx.mask = mask`."""

from __future__ import annotations

import ast
from typing import Any

from gradcli.python.state.values import Class, Instance, Library, Partial

SAVES = ("save_for_backward", "save")
SAVED = ("saved_tensors", "saved_values", "saved_variables", "saved")  # by what frameworks call it


def is_context(function: ast.AST, name: str) -> bool:
    """Whether a parameter has attributes set, or `save_for_backward` called, and nothing else."""
    is_stored = False
    for node in ast.walk(function):
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
            is_stored |= node.value.id == name and (
                isinstance(node.ctx, ast.Store) or node.attr in SAVES
            )
    return is_stored


def context(name: str) -> Instance:
    """A new object that keeps what is stored in it."""
    return Instance(Class(name, [], {}))


def keeper(owner: Instance) -> Partial:
    """The method of an object that keeps values for its backward part."""
    return Partial(Library("save_for_backward", "python"), [owner], {})


def save(reader: Any, owner: Instance, *values: Any) -> None:
    """`ctx.save_for_backward(...)`."""
    owner.attributes.update(dict.fromkeys(SAVED, values))
