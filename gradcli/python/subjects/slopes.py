"""Gradients and single steps whose loss is nowhere: functions where predictions meet targets."""

from __future__ import annotations

import ast
from collections.abc import Iterable

from gradcli.python.subjects.signatures import gives
from gradcli.python.subjects.trainings import error_of, steps_parameters
from gradcli.python.words.returned import returns_only_gradients
from gradcli.python.words.roles import GRADIENT, role


def slopes_of(functions: Iterable[ast.FunctionDef]) -> list[ast.FunctionDef]:
    """The functions that give the gradients of a usual loss, or what a step makes of weights."""
    return [
        node for node in functions
        if gives(node) and (_gives_gradients(node) or steps_parameters(node))
        and any(error_of(part) for part in ast.walk(node))
    ]  # fmt: skip


def _gives_gradients(node: ast.FunctionDef) -> bool:
    """Whether a function gives gradients, by its name or by those of what it returns."""
    return role(node.name, GRADIENT) is not None or returns_only_gradients(node)
