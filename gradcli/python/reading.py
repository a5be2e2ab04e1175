"""Python files read: their subjects, and the Program of each."""

from __future__ import annotations

import ast
import os
from collections.abc import Mapping
from typing import Any

from gradcli.errors import GradcliError, NameFault, ParseError, did_you_mean
from gradcli.program.model import Program
from gradcli.python.assembly import assembled
from gradcli.python.claims import Mapped, mapped
from gradcli.python.drive import Driven, Driver
from gradcli.python.inputs import Directives, directives, is_like_labels, value_of
from gradcli.python.interpreter import Interpreter
from gradcli.python.source import PythonFault, Script
from gradcli.python.subjects import Subject, chosen, subjects
from gradcli.python.values import Scope
from gradcli.requests import Request, Setting

NOTHING = "no function or class of this file has a backward part that is recognised"
HOW = "name them NAME_forward and NAME_backward, or return the value and its gradients"


class PythonFile:
    """A Python file and what there is to check in it."""

    def __init__(self, text: str, name: str) -> None:
        self.script = Script(text, name)
        self.subjects = subjects(self.script.tree)

    def chosen(self, name: str | None) -> list[Subject]:
        """The subjects of a name, or all. Raises GradcliError where there is none."""
        if not self.subjects:
            raise ParseError(NOTHING, self.script.span(0), HOW)
        if name is None:
            return self.subjects
        found = chosen(self.subjects, name)
        if not found:
            known = [s.name for s in self.subjects]
            raise NameFault(f"`{name}` is no subject of {self.script.name}", None,
                            did_you_mean(name, known)
                            or f"there are {', '.join(known)}")  # fmt: skip
        return found

    def parameters(self, found: list[Subject]) -> set[str]:
        """The names of all parameters of some subjects, and of the file's loss functions."""
        names: set[str] = set()
        for node in ast.walk(self.script.tree):
            if isinstance(node, ast.FunctionDef):
                args = node.args
                names |= {a.arg for a in (*args.posonlyargs, *args.args, *args.kwonlyargs)}
        return names if found else set()

    def program(
        self, subject: Subject, settings: list[tuple[str, Setting]], request: Request,
        grads: Mapping[str, str],
    ) -> Program:  # fmt: skip
        """The Program of a subject. Raises GradcliError."""
        said = directives(self.script, _line_of(self.script, subject))
        reading = _Reading(self.script, subject, dict(settings), said, request, grads)
        return reading.program()


def _line_of(script: Script, subject: Subject) -> int:
    """The line of the definition, decorators above it."""
    for node in script.tree.body:
        if getattr(node, "lineno", 0) == subject.line:
            decorators = getattr(node, "decorator_list", [])
            return min([subject.line, *(d.lineno for d in decorators)])
    return subject.line


class _Reading:
    """The reading of one subject, as often as its inputs need it."""

    def __init__(
        self, script: Script, subject: Subject, settings: dict[str, Setting], said: Directives,
        request: Request, grads: Mapping[str, str],
    ) -> None:  # fmt: skip
        self.script = script
        self.subject = subject
        self.settings = settings
        self.said = said
        self.request = request
        self.grads = {**said.grads, **grads}
        self.seed = request.seed if request.seed is not None else said.seed or 0

    def program(self) -> Program:
        """The Program. Raises GradcliError."""
        driven, claims = self.driven({})
        notes = [_mapping(claims), *driven.reader.notes]
        return assembled(self.subject, driven, claims, [n for n in notes if n])

    def driven(self, extra: Mapping[str, Any]) -> tuple[Driven, Mapped]:
        """The subject, driven; whole numbers that have a gradient are read again as floats."""
        floats: set[str] = set()
        while True:
            driven = self._once(extra, floats)
            claims = mapped(driven, self.grads)
            more = self._claimed_whole_numbers(driven, claims, extra) - floats
            if not more:
                break
            floats |= more
        if not claims.claims:
            raise PythonFault(
                f"`{self.subject.backward or self.subject.forward}` returns nothing that is the "
                "gradient of an input", None,
                "say which is which: # gradcli: grads dW=W, or --grad dW=W",
            )  # fmt: skip
        return driven, claims

    def _claimed_whole_numbers(
        self, driven: Driven, claims: Mapped, extra: Mapping[str, Any]
    ) -> set[str]:
        """Parameters that are whole numbers and that an unclaimed result is the gradient of."""
        taken = {claim.result.words for claim in claims.claims}
        roots = {
            root for r in driven.results if r.words not in taken and r.order >= 0
            for root in r.roots
        }  # fmt: skip
        whole = {name for name, value in self.values.items() if is_like_labels(value)}
        named = whole & roots
        if named or claims.claims:
            return named
        return {name for name in whole if name in self.settings}

    def _once(self, extra: Mapping[str, Any], floats: set[str]) -> Driven:
        reader = Interpreter(self.script, self.seed)
        reader.folder = os.path.dirname(self.script.name) or os.curdir
        reader.tape.graph.most_elements = self.request.max_array
        scope = Scope()
        try:
            reader.look_over(self.script.tree, scope)
            self.values = {
                name: value_of(reader, name, setting)
                for name, setting in {**self.said.values, **self.settings}.items()
            }
            values = {**extra, **self.values}
            return Driver(reader, scope, self.subject, values, floats).drive()
        except GradcliError as error:
            if error.span is None:
                error.span = self.script.span(self.script.line_starts[self.subject.line - 1])
            raise


def _mapping(claims: Mapped) -> str:
    """Which result is taken for whose gradient, in words."""
    pairs = [f"{c.result.words or 'the result'} of {c.leaf.short}" for c in claims.claims]
    text = f"gradients: {', '.join(pairs)}" if pairs else ""
    if claims.unclaimed:
        text += f"; not claimed: {', '.join(claims.unclaimed)}"
    return text
