"""Definitions of functions and classes, as the interpreter reads them."""

from __future__ import annotations

import ast

from gradcli.python.statements import Statements
from gradcli.python.values import Class, Function, Instance, Library, Scope

ENUMERATIONS = {"Enum", "IntEnum", "StrEnum", "Flag", "IntFlag"}


class Definitions(Statements):
    """The part of the interpreter that reads definitions."""

    def _s_functiondef(self, node: ast.FunctionDef, scope: Scope) -> None:
        function = self.function(node, scope, node.name)
        for decorator in node.decorator_list:
            name = self.scripts[self.file].words(decorator)
            if name in ("staticmethod", "classmethod", "property"):
                function.kind = name
            of = scope.get(node.name)
            if name == f"{node.name}.setter" and isinstance(of, Function):
                of.setter = function
                return
            if name in ("functools.cached_property", "cached_property"):
                function.kind = "property"
        self.set_name(node.name, function, scope)

    def _s_classdef(self, node: ast.ClassDef, scope: Scope) -> None:
        bases = []
        for base in node.bases:
            value = self.evaluate_or_unknown(base, scope)
            if isinstance(value, Class):
                bases.append(value)
        body = Scope(scope)
        for statement in node.body:
            self.statement(statement, body)
        cls = Class(node.name, bases, dict(body))
        cls.fields = self._fields(node, bases)
        cls.is_tuple = bool(cls.fields) and not node.decorator_list
        cls.is_enum = any(base.is_enum for base in bases) or self._is_enum(node)
        if cls.is_enum:
            _make_members(cls)
        for value in cls.body.values():
            if isinstance(value, Function):
                for function in (value, value.setter):
                    if function is not None:
                        function.owner = cls
                        function.scope = scope
                        self._complete(function)
        self.set_name(node.name, cls, scope)

    def _complete(self, function: Function) -> None:
        """Give a method the `self` that it lacks, where that is asked for; else note it."""
        if function.kind != "plain" or function.positional[:1] == ["self"]:
            return
        names = {part.id for part in ast.walk(function.node) if isinstance(part, ast.Name)}
        if "self" not in names:
            return
        if self.fixes_self:
            function.positional.insert(0, "self")
            note = f"line {function.node.lineno}: `{function.name}` is read as if it had `self`"
            if note not in self.notes:
                self.notes.append(note)
        else:
            function.lacks_self = True

    def _is_enum(self, node: ast.ClassDef) -> bool:
        """Whether a class is made from one of the standard library's enumerations."""
        words = [self.scripts[self.file].words(base) for base in node.bases]
        return any(word.rpartition(".")[2] in ENUMERATIONS for word in words)

    def _fields(self, node: ast.ClassDef, bases: list[Class]) -> list[str]:
        """The fields of a dataclass or a named tuple; of another class there are none."""
        words = [
            self.scripts[self.file].words(part) for part in (*node.decorator_list, *node.bases)
        ]
        if not any("dataclass" in word or word.endswith("NamedTuple") for word in words):
            return []
        own = [
            part.target.id for part in node.body
            if isinstance(part, ast.AnnAssign) and isinstance(part.target, ast.Name)
        ]  # fmt: skip
        return [name for base in bases for name in base.fields if name not in own] + own


def _make_members(cls: Class) -> None:
    """Make the settings of an enumeration its members; `auto()` counts from 1."""
    names = [n for n, part in cls.body.items() if not isinstance(part, Function) and n[0] != "_"]
    for count, name in enumerate(names, start=1):
        value = cls.body[name]
        if isinstance(value, Instance):
            continue
        member = cls.body[name] = Instance(cls)
        is_auto = value is None or isinstance(value, Library)
        member.attributes.update(name=name, value=count if is_auto else value)
