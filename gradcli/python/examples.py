"""Values that a file's own tests and demonstrations call a function with.

The statements before such a call are read as any others, and where one cannot be read, what it
would have set is unknown. The first call whose values are all known is taken.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from typing import Any

import numpy as np

from gradcli.errors import GradcliError
from gradcli.python.imports import names_set
from gradcli.python.interpreter import Interpreter
from gradcli.python.statements import BreakSignal, ContinueSignal, ReturnSignal
from gradcli.python.subjects import Subject
from gradcli.python.values import Array, Class, Function, Given, Instance, Method, Scope, Unknown

MOST_ELEMENTS = 3_000  # of the values of an example; larger ones are for training, not for tests
MOST_STEPS = 20_000  # statements that an example may take
DEMONSTRATIONS = ("test", "main", "check", "demo", "run", "example", "try", "grad_check",
                  "gradient_check")  # fmt: skip


def example(
    reader: Interpreter, scope: Scope, tree: ast.Module, subject: Subject
) -> dict[str, Any]:
    """Values by the names of parameters; empty where the file has no such call."""
    for body in _bodies(tree):
        if not _mentions(body, subject):
            continue
        finder = _Finder(reader, Scope(scope), subject)
        finder.walk(body)
        if finder.values:
            return finder.values
    return {}


def _bodies(tree: ast.Module) -> Iterator[list[ast.stmt]]:
    """The blocks of a file that may be tests: `__main__`, functions of no parameters, the rest."""
    for node in tree.body:
        if isinstance(node, ast.If) and "__name__" in ast.unparse(node.test):
            yield node.body
    for node in tree.body:
        if isinstance(node, ast.FunctionDef) and (
            node.name.startswith(DEMONSTRATIONS) or not node.args.args
        ):
            yield node.body
    yield [node for node in tree.body if not isinstance(node, (ast.FunctionDef, ast.ClassDef))]


def _mentions(body: list[ast.stmt], subject: Subject) -> bool:
    names = {subject.forward, subject.cls}
    return any(
        isinstance(node, ast.Call) and _called(node) in names
        for statement in body for node in ast.walk(statement)
    )  # fmt: skip


def _called(node: ast.Call) -> str | None:
    if isinstance(node.func, ast.Name):
        return node.func.id
    return node.func.attr if isinstance(node.func, ast.Attribute) else None


class _Finder:
    """Reads a block statement by statement until the subject is called."""

    def __init__(self, reader: Interpreter, scope: Scope, subject: Subject) -> None:
        self.reader = reader
        self.scope = scope
        self.subject = subject
        self.values: dict[str, Any] = {}
        self.pending: dict[str, Any] = {}  # of the constructor

    def walk(self, body: list[ast.stmt]) -> None:
        """Read a block; `values` are set once a call is reached."""
        for statement in body:
            if self.values or self.reader.steps > MOST_STEPS:
                return
            if isinstance(statement, (ast.For, ast.While)) and _mentions([statement], self.subject):
                self._enter(statement)
                continue
            for node in ast.walk(statement):
                if isinstance(node, ast.Call):
                    self._look_at(node)
            if self.values:
                return
            self._read(statement)

    def _enter(self, statement: ast.For | ast.While) -> None:
        """The first turn of a loop."""
        if isinstance(statement, ast.For):
            try:
                with self.reader.faults():
                    items = self.reader.iterate(self.reader.evaluate(statement.iter, self.scope))[
                        :1
                    ]
                for item in items:
                    self.reader.assign_silently(statement.target, item, self.scope)
            except GradcliError:
                return
        self.walk(statement.body)

    def _read(self, statement: ast.stmt) -> None:
        try:
            self.reader.statement(statement, self.scope)
        except (GradcliError, ReturnSignal, BreakSignal, ContinueSignal) as error:
            reason = error.message if isinstance(error, GradcliError) else "not reached"
            for name in names_set(statement):
                self.scope[name] = Unknown(reason)

    def _look_at(self, node: ast.Call) -> None:
        name, subject = _called(node), self.subject
        if subject.cls is not None and name == subject.cls:
            cls = self.scope.find(name)
            value = cls[name] if cls is not None else None
            start = value.find("__init__") if isinstance(value, Class) else None
            self.pending = self._bound(node, start) or {}
        elif name == subject.forward:
            try:
                callee = self.reader.evaluate(node.func, self.scope)
            except GradcliError:
                return
            is_method = isinstance(callee, Method)
            function, owner = (callee.function, callee.owner) if is_method else (callee, None)
            if not isinstance(function, Function):
                return
            if subject.cls is not None and not (
                isinstance(owner, Instance)
                and subject.cls in {cls.name for cls in owner.cls.order()}
            ):
                return
            values = self._bound(node, function)
            if values is not None:
                self.values = {**self.pending, **values}

    def _bound(self, node: ast.Call, function: Any) -> dict[str, Any] | None:
        """The values of a call by parameter; None where one of them is not known."""
        if not isinstance(function, Function):
            return {}
        is_method = function.owner is not None and function.kind != "staticmethod"
        names = function.positional[1 if is_method else 0 :]
        if len(node.args) > len(names) or any(isinstance(a, ast.Starred) for a in node.args):
            return None
        pairs = [*zip(names, node.args, strict=False)]
        pairs += [(k.arg, k.value) for k in node.keywords if k.arg is not None]
        values = {}
        for name, part in pairs:
            value = self.reader.evaluate_or_unknown(part, self.scope)
            known = known_of(value)
            if known is None and value is not None:
                return None
            values[name] = known
        return values


def known_of(value: Any) -> Any:
    """A value as data of its own; None for what is not data."""
    if isinstance(value, Array):
        content = value.content
        if content.__class__ is int or content.size > MOST_ELEMENTS:
            return None
        return Array(np.array(content))
    if isinstance(value, (bool, int, float, str)):
        return value
    if isinstance(value, (list, tuple)):
        parts = [known_of(part) for part in value]
        if any(part is None for part in parts):
            return None
        if isinstance(value, tuple):
            return tuple(parts)
        return Given(parts) if all(isinstance(p, int) for p in parts) else parts
    if isinstance(value, dict):
        entries = {key: known_of(part) for key, part in value.items()}
        return None if any(part is None for part in entries.values()) else entries
    return value if isinstance(value, Function) else None
