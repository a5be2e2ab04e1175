"""A function as its caller sees it: its parameters called as the arguments are."""

from __future__ import annotations

import ast
from collections.abc import Mapping


class Renamed(ast.NodeTransformer):
    """A function with its parameters called as the arguments are, and no other name of theirs."""

    def __init__(self, known: Mapping[str, str | None], function: str) -> None:
        self.names = known
        self.function = function

    def _new(self, name: str) -> str:
        return self.names.get(name) or f"{self.function}.{name}"

    def visit_Name(self, node: ast.Name) -> ast.Name:
        """A name, as the caller has it."""
        if node.id not in ("np", "numpy", "len", "range"):
            node.id = self._new(node.id)
        return node

    def visit_arg(self, node: ast.arg) -> ast.arg:
        """A parameter, as the caller has it."""
        node.arg = self._new(node.arg)
        return node

    def visit_Call(self, node: ast.Call) -> ast.Call:
        """A call: the function keeps its name."""
        function = node.func
        self.generic_visit(node)
        if isinstance(function, ast.Name):
            function.id = function.id.removeprefix(f"{self.function}.")
        return node
