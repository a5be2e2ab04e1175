"""Values that a file's own tests and demonstrations call a function with.

The statements of such a block are read as any others, and where one cannot be read, what it would
have set is unknown. The first call of a function whose values are all known is taken, whoever
makes it: the block itself, or a function that it calls.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from typing import Any, NamedTuple

import numpy as np

from gradcli.errors import GradcliError
from gradcli.python.interpreter.imports import names_set
from gradcli.python.interpreter.interpreter import Interpreter
from gradcli.python.state.control import BreakSignal, ContinueSignal, ReturnSignal
from gradcli.python.state.values import (
    Array,
    Class,
    Function,
    Given,
    Instance,
    Library,
    Method,
    Scope,
    Unknown,
    arrays_in,
)
from gradcli.python.subjects.handed import Started, started_in
from gradcli.python.subjects.subjects import Subject

MOST_ELEMENTS = 3_000  # of the values of an example; larger ones are for training, not for tests
MOST_STEPS = 3_000  # that one statement of an example may take, all it calls among them
MOST_WORK = 50_000  # that all examples of a file may take, as the reader counts it: some seconds
MOST_WORK_OF_ONE = 6_000  # statement
FEW = 300  # elements of what an optimiser is handed; others are drawn, and soon checked
NEAR = 0.1  # of the point that an optimiser starts at
DEEPEST = 4  # objects inside one another that are taken as values
DEMONSTRATIONS = ("test", "main", "check", "demo", "run", "example", "try", "grad_check",
                  "gradient_check")  # fmt: skip


# Lists of indices in which one may come twice, whatever the file's own call has.
WORDS = re.compile(
    r"^(context|ctx|word|token|sentence|seq|neg|sample|input|target)\w*$|^(\w*_)?ids$|^idxs?$|^indices$"
)


class Example(NamedTuple):
    """A call: its values by parameter, and the names of the file for those that have one."""

    values: dict[str, Any]
    names: dict[str, str]
    is_start: bool = False  # of an optimiser, whose data may be special: the last resort


class Finished(Exception):  # no error: control flow
    """Everything that was looked for has been called, or it has taken too much work."""


Key = tuple[int, str | None]  # the line of a function, and the class of its object


def keys_of(scope: Scope, subject: Subject) -> list[Key]:
    """What the calls of a subject's forward part are kept under; empty for no function.

    A gradient that takes what the forward part takes may be called in its place.
    """
    holder = scope.get(subject.cls) if subject.cls else None
    names = [subject.forward, subject.backward if subject.kind == "gradient" else None]
    parts = [holder.find(n) if isinstance(holder, Class) else scope.get(n) for n in names if n]
    functions = [part for part in parts if isinstance(part, Function)]
    if not functions or functions[0] is not parts[0]:
        return []
    forward, *rest = functions
    alike = [f for f in rest if f.parameters == forward.parameters[: len(f.parameters)]]
    return [(function.node.lineno, subject.cls) for function in (forward, *alike)]


def examples(
    reader: Interpreter, scope: Scope, tree: ast.Module, subjects: list[Subject]
) -> dict[Key, Example]:
    """The first known call of every subject that the file calls."""
    wanted = [keys for subject in subjects if (keys := keys_of(scope, subject))]
    named = {name for s in subjects for name in (s.forward, s.cls) if name}
    named |= {s.backward for s in subjects if s.kind == "gradient" and s.backward}
    leading = _leading(tree, named)
    finder = _Finder(reader, wanted, leading)
    reader.watch = finder.look_at
    try:
        for body in _bodies(tree):
            if any(leading & _mentioned(statement) for statement in body):
                finder.names = Scope(scope)
                finder.walk(body, finder.names)
    except Finished:
        pass
    finally:
        reader.watch = None
    return finder.found


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


def _leading(tree: ast.Module, targets: set[str]) -> set[str]:
    """The names of the file's functions and classes that may come to call one of some names."""
    mentioned = {
        node.name: _mentioned(node)
        for node in tree.body if isinstance(node, (ast.FunctionDef, ast.ClassDef))
    }  # fmt: skip
    names, count = {*targets}, 0
    while len(names) > count:
        count = len(names)
        names |= {name for name, others in mentioned.items() if names & others}
    return names


def _mentioned(node: ast.AST) -> set[str]:
    """All names and attributes in a part of the file."""
    parts = [*ast.walk(node)]
    return {part.id for part in parts if isinstance(part, ast.Name)} | {
        part.attr for part in parts if isinstance(part, ast.Attribute)
    }


class _Finder:
    """Reads blocks statement by statement, and keeps the first known call of each subject."""

    def __init__(self, reader: Interpreter, wanted: list[list[Key]], leading: set[str]) -> None:
        self.reader = reader
        self.wanted = wanted  # the keys of each subject, one of which is enough
        self.leading = leading
        self.keys = {key for keys in wanted for key in keys}
        self.lines = {line for line, _ in self.keys}
        self.found: dict[Key, Example] = {}
        self.names = Scope()  # of the block that is read
        self.is_start = False  # whether an optimiser makes the call that is read
        self.made: dict[int, tuple[Any, dict[str, Any] | None]] = {}  # by their constructors
        self.most = reader.work + MOST_WORK
        self.steps, self.end = MOST_STEPS, self.most  # of the statement that is read

    def walk(self, body: list[ast.stmt], scope: Scope) -> None:
        """Read a block. Raises Finished."""
        for statement in body:
            if self.reader.work > self.most:
                raise Finished
            if isinstance(statement, (ast.For, ast.While)) and (
                self.leading & _mentioned(statement)
            ):
                self._enter(statement, scope)
            else:
                self._read(statement, scope)

    def _enter(self, statement: ast.For | ast.While, scope: Scope) -> None:
        """The first turn of a loop."""
        if isinstance(statement, ast.For):
            try:
                with self.reader.faults():
                    items = self.reader.iterate(self.reader.evaluate(statement.iter, scope))
                for item in items[:1]:
                    self.reader.assign_silently(statement.target, item, scope)
            except GradcliError:
                return
        self.walk(statement.body, scope)

    def _read(self, statement: ast.stmt, scope: Scope) -> None:
        self.steps = self.reader.steps + MOST_STEPS
        self.end = min(self.most, self.reader.work + MOST_WORK_OF_ONE)
        self.is_start = True
        for started in started_in(statement):
            with suppress(GradcliError, ReturnSignal):
                self._start(started, scope)
        self.is_start = False
        try:
            self.reader.statement(statement, scope)
        except (GradcliError, ReturnSignal, BreakSignal, ContinueSignal) as error:
            reason = error.message if isinstance(error, GradcliError) else "not reached"
            for name in names_set(statement):
                scope[name] = Unknown(reason)

    def _start(self, started: Started, scope: Scope) -> None:
        """Call what an optimiser is handed, near where it starts: ones and zeros hide much."""
        with self.reader.faults():
            evaluate = self.reader.evaluate
            function, point, others = (evaluate(part, scope) for part in started)
            values = others if isinstance(others, tuple) else (others,)
            if isinstance(point, Array) and point.content.__class__ is not int:
                near = np.random.RandomState(0).standard_normal(point.content.shape)
                point = Array(point.content + NEAR * near)
            owner = function.owner if isinstance(function, Method) else None
            size = sum(np.size(array.content) for _, array in arrays_in([owner, *values]))
            if isinstance(function, (Function, Method)) and size <= FEW:
                self.reader.call(function, [point, *values], {}, started.function)

    def look_at(self, function: Function, scope: Scope) -> None:
        """Look at a call that is about to be read, with its parameters set. Raises Finished."""
        if self.reader.steps > self.steps or self.reader.work > self.end:
            self.reader.fail("this example takes too long")
        owner = scope.get(function.positional[0]) if function.positional else None
        if not isinstance(owner, Instance) or function.owner is None:
            owner = None
        if function.name == "__init__" and owner is not None:
            self.made.setdefault(id(owner), (owner, _known(function, scope)))
        if function.node.lineno not in self.lines:
            return
        cls = owner.cls if owner is not None else function.owner  # of a static method
        names = [cls.name if cls is not None else None]
        for key in [(function.node.lineno, name) for name in names]:
            if key not in self.keys or (key in self.found and not self.found[key].is_start):
                continue
            values = _known(function, scope)
            if owner is not None:
                pending = self.made.get(id(owner), (owner, {}))[1]
                values = None if values is None or pending is None else {**pending, **values}
            if values:
                called = self._names_of(values, scope)
                self.found[key] = Example(values, called, self.is_start)
        if all(any(key in self.found for key in keys) for keys in self.wanted):
            raise Finished

    def _names_of(self, values: Iterable[str], scope: Scope) -> dict[str, str]:
        """What the block that is read calls the arrays that some parameters are."""
        return {
            name: called for name in values if isinstance(scope.get(name), Array)
            for called, array in self.names.items() if array is scope[name]
        }  # fmt: skip


def _known(function: Function, scope: Scope) -> dict[str, Any] | None:
    """The values of a call by parameter; None where one of them is not known."""
    is_method = function.owner is not None and function.kind != "staticmethod"
    values = {}
    for name in function.parameters[1 if is_method else 0 :]:
        value = scope[name]
        if value is function.defaults.get(name, scope):
            continue
        known = known_of(value)
        if known is None and value is not None:
            return None
        values[name] = known
    return values


def with_repeats(values: Mapping[str, Any]) -> dict[str, Any]:
    """The lists of words in which none comes twice, with the first in the place of the last."""
    return {
        name: Given([*value[:-1], value[0]]) for name, value in values.items()
        if isinstance(value, list) and len({*map(str, value)}) == len(value) > 1
        and WORDS.match(name) and all(isinstance(part, int) for part in value)
    }  # fmt: skip


def known_of(value: Any, depth: int = DEEPEST, most: int = MOST_ELEMENTS) -> Any:
    """A value as data of its own; None for what is not data, and for arrays of more elements."""
    if isinstance(value, Array):
        content = value.content
        if content.__class__ is int or content.size > most:
            return None
        return Array(np.array(content))
    if isinstance(value, (bool, int, float, str)):
        return value
    if isinstance(value, (list, tuple)):
        parts = [known_of(part, depth, most) for part in value]
        if any(part is None for part in parts):
            return None
        if isinstance(value, tuple):
            return tuple(parts)
        return Given(parts) if all(isinstance(p, int) for p in parts) else parts
    if isinstance(value, dict):
        entries = {key: known_of(part, depth, most) for key, part in value.items()}
        return None if any(part is None for part in entries.values()) else entries
    if isinstance(value, Instance) and depth:
        twin = Instance(value.cls)
        for name, part in value.attributes.items():
            twin.attributes[name] = known_of(part, depth - 1, most)
            if twin.attributes[name] is None and part is not None:
                return None
        return twin
    return value if isinstance(value, (Function, Method, Class, Library)) else None
