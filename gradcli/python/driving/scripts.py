"""A file's own statements, read one after the other: a forward part, then its gradients.

input      a name that is set to numbers, and that a gradient is assigned for
output     the loss, or the last value before the first gradient; `--output NAME` names another
gradient   an assigned `dW`, `grad_b`, `grads["W1"]` of a name that stands above it

Loops around gradients are those of a training: their first turn is read, and no update.
"""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np

from gradcli.errors import GradcliError
from gradcli.python.driving.drive import Driver
from gradcli.python.driving.driven import Driven
from gradcli.python.driving.loaded import Loaded, read_known
from gradcli.python.driving.results import collected
from gradcli.python.interpreter.imports import names_set
from gradcli.python.state.control import BreakSignal, ContinueSignal
from gradcli.python.state.source import PythonFault
from gradcli.python.state.values import Array, Scope, Unknown
from gradcli.python.subjects.trainings import Training, names_read, needed_for, that_train_nothing
from gradcli.python.words.gradients import is_holder, roots
from gradcli.python.words.returned import OBJECTIVES


def written_gradients(tree: ast.Module) -> dict[str, ast.stmt]:
    """The gradients that the file's own statements compute, each with its first statement."""
    known: set[str] = set()
    found: dict[str, ast.stmt] = {}
    own = {node.name for node in tree.body if isinstance(node, ast.FunctionDef)}
    for node in _statements(tree.body):
        for target in _targets(node):
            name = target.id if isinstance(target, ast.Name) else None
            holder = _holder(target)
            if name is not None and known & {*roots(name)} and not _is_call_of(node, own):
                found.setdefault(name, node)
            elif holder is not None and is_holder(holder) and not _is_call_of(node, own):
                found.setdefault(holder, node)
            if name is not None:
                known.add(name)
    return found


def training_of(tree: ast.Module, gradients: Iterable[str]) -> Training | None:
    """What a file's own statements train by what has no name of a gradient; None for nothing."""
    training = Training(tree, {}, that_train_nothing(tree))
    named = {root for name in gradients for root in roots(name)}
    is_named = bool(named & training.weights) or any(map(is_holder, gradients))
    return training if training.is_one and not is_named else None


def _statements(body: list[ast.stmt]) -> Iterator[ast.stmt]:
    """The statements of a block and of the blocks in it, without definitions."""
    for node in body:
        if isinstance(node, (ast.FunctionDef, ast.ClassDef)):
            continue
        yield node
        inner = [part for part in ast.iter_child_nodes(node) if isinstance(part, ast.stmt)]
        yield from _statements(inner)


def _targets(node: ast.stmt) -> list[ast.expr]:
    targets: list[Any] = node.targets if isinstance(node, ast.Assign) else [
        getattr(node, "target", None)
    ]  # fmt: skip
    return [
        part for target in targets if target is not None
        for part in (target.elts if isinstance(target, (ast.Tuple, ast.List)) else [target])
    ]  # fmt: skip


def _holder(target: ast.expr) -> str | None:
    """The dictionary that a target with a text as its key belongs to."""
    if isinstance(target, ast.Subscript) and isinstance(target.value, ast.Name) and (
        isinstance(target.slice, ast.Constant) and isinstance(target.slice.value, str)
    ):  # fmt: skip
        return target.value.id
    return None


def _is_call_of(node: ast.stmt, names: set[str]) -> bool:
    """Whether a statement only keeps what a function of the file returns, or a literal."""
    value = getattr(node, "value", None)
    if isinstance(value, ast.Call) and isinstance(value.func, ast.Name):
        return value.func.id in names
    return value is None


class ScriptDriver(Driver):
    """Reads the statements of a file in order."""

    output_name: str | None = None  # that the user has named

    def drive(self) -> Driven:
        """Read the file. Raises GradcliError."""
        self.driven.forward = self.subject.name
        tree = self.reader.script.tree
        self.gradients = written_gradients(tree)
        self.begun: int | None = None  # nodes before the first gradient
        self.has_entered = False  # whether a loop was
        self.stages: list[str] = []
        self.wanted = {root for name in self.gradients for root in roots(name)}
        if any(is_holder(name) for name in self.gradients):
            self.wanted |= _keys(tree)
        parts = [part for node in _statements(tree.body) for part in ast.walk(node)]
        values = [getattr(node, "value", None) for node in self.gradients.values()]
        needed = needed_for(parts, values, names_read)
        self.loaded = Loaded(tree, needed, {*self.values})
        self._walk(tree.body)
        self._find_output()
        names = {leaf.short for leaf in self.driven.leaves}
        for k, (name, node) in enumerate(self.gradients.items()):
            value = self.driven.scope.get(name)
            before = len(self.driven.results)
            if value is not None and not isinstance(value, Unknown):
                for result in collected(self.reader, value, name):
                    is_of_input = any(root in names for root in result.roots)
                    order = k if is_of_input else -1  # others are lines, and no claims
                    self.driven.results.append(result._replace(order=order))
            for result in self.driven.results[before:]:
                self.driven.places[result.words] = self.reader.script.offset(node)
        return self.driven

    def takes(self, name: str) -> bool:
        """A script hands nothing over."""
        return True

    # ---------------------------------------------------------------- statements

    def _walk(self, body: list[ast.stmt]) -> None:
        for node in body:
            is_whole = {*_statements([node])} & {*self.gradients.values()}
            if isinstance(node, ast.If) and "__name__" in ast.unparse(node.test):
                self._walk(node.body)
            elif isinstance(node, (ast.For, ast.While)) and is_whole:
                self._enter(node)
            elif isinstance(node, ast.If) and is_whole:
                self._branch(node)
            else:
                self._read(node)

    def _enter(self, node: ast.For | ast.While) -> None:
        """The first turn of a loop that computes gradients."""
        self.has_entered = True
        reader, scope = self.reader, self.driven.scope
        if isinstance(node, ast.For):
            with reader.faults():
                items = reader.iterate(reader.evaluate(node.iter, scope))
            if not items:
                return
            reader.assign_silently(node.target, items[0], scope)
        reader.notes.append(f"line {node.lineno}: the first turn of the loop is read")
        self._walk(node.body)

    def _branch(self, node: ast.If) -> None:
        from gradcli.python.state.operators import is_true  # late: few scripts branch

        with self.reader.faults():
            condition = self.reader.evaluate(node.test, self.driven.scope)
            chosen = is_true(self.reader, condition)
        self._walk(node.body if chosen else node.orelse)

    def _read(self, node: ast.stmt) -> None:
        names = [t.id for t in _targets(node) if isinstance(t, ast.Name)]
        known = {leaf.short for leaf in self.driven.leaves}
        if node in self.gradients.values() and self.begun is None:
            self._begin()
        if self.begun is not None and known & {*names} and node not in self.gradients.values():
            return  # an update
        try:
            if not self._is_given(node):
                read_known(self.reader, node, self.driven.scope)
        except (BreakSignal, ContinueSignal):
            return
        except GradcliError as error:
            if node in self.gradients.values():
                raise
            if not self.has_entered and not self.loaded.is_object(node):
                self.loaded.refuse(node, error, self.wanted)
            for name in names_set(node):
                self.driven.scope[name] = Unknown(error.message, error.hint)
        for name in names:
            self._take(name)

    def _is_given(self, node: ast.stmt) -> bool:
        """Whether what a statement would set has been given, and is set."""
        names = self.loaded.taken(node)
        for name in names_set(node) if names else ():
            self.driven.scope[name] = self.values.get(name, Unknown("it is not needed"))
        return bool(names)

    def _take(self, name: str) -> None:
        """Make an input of numbers that a gradient is assigned for; or note a stage."""
        scope = self.driven.scope
        value = self.values.get(name, scope.get(name))
        if isinstance(value, Array) and value.content.__class__ is int:
            if name not in self.stages:
                self.stages.append(name)
            return
        if self.begun is not None or name not in self.wanted or isinstance(value, (bool, str)):
            return
        if isinstance(value, (int, float, list, Array)):
            try:
                numbers = np.asarray(self.reader.content(value), dtype=float)
            except (GradcliError, ValueError, TypeError):
                return
            scope[name] = Array(
                self._leaf(name, numbers if numbers.shape else float(numbers), True)
            )

    # ---------------------------------------------------------------- the output

    def _begin(self) -> None:
        """The backward part begins."""
        self.begun = len(self.reader.tape.graph)
        self.reader.forward = {*range(self.begun)}
        self._end_forward()

    def _find_output(self) -> None:
        scope, tape = self.driven.scope, self.reader.tape
        forward = self.reader.forward or set()
        stages = [n for n in self.stages if isinstance(getattr(scope[n], "content", None), int)]
        before = [n for n in stages if scope[n].content in forward]
        numbers = [n for n in before if int(np.prod(tape.shape(scope[n].content))) == 1]
        losses = [n for n in numbers if OBJECTIVES.search(n)]
        late = [n for n in stages if n not in before and OBJECTIVES.search(n)
                and not tape.shape(scope[n].content)]  # fmt: skip
        chosen = [self.output_name] if self.output_name in scope else (
            losses or numbers or late or before
        )  # fmt: skip
        if not chosen:
            raise PythonFault("nothing stands before the first gradient that depends on an input")
        name = str(chosen[-1])
        node = tape.node(self.reader.content(scope[name]))
        upstream = self._own_upstream(name)
        if tape.shape(node) and upstream is None:
            raise PythonFault(
                f"`{name}` is an array of shape {tape.shape(node)}, and no gradient of it is given",
                None, f"assign `d{name}`, or name the loss: --output NAME",
            )  # fmt: skip
        self.reader.notes.append(f"differentiated is `{name}`")
        self.driven.outputs.append((node, upstream))

    def _own_upstream(self, name: str) -> int | None:
        """The gradient that the script itself assigns for its output, where that is data."""
        for gradient in self.gradients:
            value = self.driven.scope.get(gradient)
            if name in roots(gradient) and value is not None:
                content = self.reader.content(value)
                if content.__class__ is int or self.reader.tape.shape(content):
                    return self.reader.tape.node(content)
        return None


def _keys(tree: ast.Module) -> set[str]:
    """The texts that are keys in the file: `grads["W1"]` is of W1."""
    return {
        node.slice.value for node in ast.walk(tree)
        if isinstance(node, ast.Subscript) and isinstance(node.slice, ast.Constant)
        and isinstance(node.slice.value, str)
    }  # fmt: skip


def script_scope() -> Scope:
    """The names of a script that is run by itself."""
    scope = Scope()
    scope["__name__"] = "__main__"
    return scope
