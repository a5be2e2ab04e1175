"""Data that a file's own statements take from where it cannot be read: tables, data sets, files.

df = pd.read_csv("rooms.csv")     an object of the library: unknown
X = df[["rooms", "area"]].values  numbers: a name that nobody gives, whose shape the code says
"""

from __future__ import annotations

import ast

from gradcli.errors import GradcliError
from gradcli.python.interpreter.imports import names_set
from gradcli.python.interpreter.interpreter import Interpreter
from gradcli.python.rows.methods import ATTRIBUTES, OF_ARRAYS, SHARED
from gradcli.python.state.missing import MissingInputs
from gradcli.python.state.values import Foreign, Scope

OF_NUMBERS = {*ATTRIBUTES, *OF_ARRAYS, *SHARED}


class Loaded:
    """The names of a file whose values are given, or have to be found out."""

    def __init__(self, tree: ast.AST, needed: set[str], settable: set[str]) -> None:
        self.needed = needed
        self.open = {*settable}  # given names that no statement has set yet
        self.objects = {
            part.value.id for part in ast.walk(tree)
            if isinstance(part, (ast.Attribute, ast.Subscript)) and isinstance(part.value, ast.Name)
            and _is_of_object(part)
        }  # fmt: skip

    def taken(self, node: ast.stmt) -> list[str]:
        """The names that a statement would set, and that have values instead: each once."""
        names = [name for name in names_set(node) if name in self.open]
        self.open.difference_update(names)
        return names

    def is_object(self, node: ast.stmt) -> bool:
        """Whether what a statement sets is no array of numbers, by how it is used."""
        return bool({*names_set(node)} & self.objects)

    def refuse(self, node: ast.stmt, error: GradcliError, but: set[str]) -> None:
        """Raise MissingInputs for the needed names that a statement would have set."""
        names = [n for n in names_set(node) if n in self.needed and n not in but]
        if not names:
            return
        words = ", ".join(f"`{name}`" for name in names)
        missing = MissingInputs(names, f"{error.message}: values are needed for {words}",
                                f"give them: {names[0]}='randn(8, 3)'")  # fmt: skip
        missing.span = error.span
        raise missing from None


def read_known(reader: Interpreter, node: ast.stmt, scope: Scope) -> None:
    """Read a statement that sets no name to what a module gives that is not read."""
    reader.statement(node, scope)
    for name in names_set(node):
        if isinstance(scope.get(name), Foreign):
            reader.refuse_unknown(scope[name])


def _is_of_object(node: ast.Attribute | ast.Subscript) -> bool:
    """Whether something is taken that arrays have not: `df["x"]`, `iris.data`."""
    if isinstance(node, ast.Attribute):
        return node.attr not in OF_NUMBERS
    parts = node.slice.elts if isinstance(node.slice, ast.List) else [node.slice]
    return any(isinstance(x, ast.Constant) and isinstance(x.value, str) for x in parts)
