"""Definitions of functions and classes, as the interpreter reads them."""

from __future__ import annotations

import ast

from gradcli.python.interpreter.statements import Statements
from gradcli.python.state.values import Class, Function, Instance, Library, Scope

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
        if cls.fields and not cls.is_tuple and "__init__" not in cls.body:
            cls.settings = _settings(node, bases)
            start = _constructor(node, cls.settings, cls.find("__post_init__") is not None)
            cls.body["__init__"] = self.function(start, body, "__init__")
        cls.is_enum = any(base.is_enum for base in bases) or self._is_enum(node)
        if cls.is_enum:
            _make_members(cls)
        methods = [
            function for value in cls.body.values() if isinstance(value, Function)
            for function in (value, value.setter) if function is not None
        ]  # fmt: skip
        for function in methods:
            function.owner = cls
            function.scope = scope
        self._complete(methods)
        self.set_name(node.name, cls, scope)

    def _complete(self, methods: list[Function]) -> None:
        """Give the methods of a class the `self` that they lack, where that is asked for.

        Where not, those that read it are noted.
        """
        bare = [m for m in methods if m.kind == "plain" and m.positional[:1] != ["self"]]
        lacking = [method for method in bare if _reads_self(method)]
        for method in bare if lacking and self.fixes_self else []:
            method.positional.insert(0, "self")
            note = f"line {method.node.lineno}: `{method.name}` is read as if it had `self`"
            if note not in self.notes:
                self.notes.append(note)
        for method in lacking if not self.fixes_self else []:
            method.lacks_self = True

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


def _settings(node: ast.ClassDef, bases: list[Class]) -> dict[str, ast.expr | None]:
    """The fields of a dataclass, those of its bases first, with what each is set to."""
    own = {
        part.target.id: part.value for part in node.body
        if isinstance(part, ast.AnnAssign) and isinstance(part.target, ast.Name)
        and "ClassVar" not in ast.unparse(part.annotation)
    }  # fmt: skip
    return {**{k: value for base in bases for k, value in base.settings.items()}, **own}


def _constructor(
    node: ast.ClassDef, settings: dict[str, ast.expr | None], is_continued: bool
) -> ast.FunctionDef:  # fmt: skip
    """The `__init__` that a dataclass is given."""
    parameters, body = ["self"], []
    for name, value in settings.items():
        of_field = _of_field(value)
        is_made = "default_factory" in of_field
        default = of_field.get("default") if value is None or of_field else ast.unparse(value)
        if of_field.get("init") != "False":
            default = "None" if is_made else default
            parameters.append(name if default is None else f"{name}={default}")
            made = f"{of_field['default_factory']}() if {name} is None else " if is_made else ""
            body.append(f"self.{name} = {made}{name}")
        elif is_made or default is not None:
            body.append(
                f"self.{name} = {of_field['default_factory'] + '()' if is_made else default}"
            )
    body += ["self.__post_init__()"] if is_continued else []
    parameters.sort(key=lambda words: "=" in words)  # as keywords may stand in any order
    text = f"def __init__({', '.join(parameters)}):\n " + "\n ".join(body or ["pass"])
    function = ast.parse(text).body[0]
    assert isinstance(function, ast.FunctionDef)
    for part in ast.walk(function):
        ast.copy_location(part, node)
    return function


def _of_field(value: ast.expr | None) -> dict[str, str]:
    """What `field(default=0, init=False)` says."""
    if isinstance(value, ast.Call) and ast.unparse(value.func).rpartition(".")[2] == "field":
        return {k.arg: ast.unparse(k.value) for k in value.keywords if k.arg}
    return {}


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


def _reads_self(method: Function) -> bool:
    return any(isinstance(part, ast.Name) and part.id == "self" for part in ast.walk(method.node))
