"""The interpreter: a Python file, read statement by statement onto a tape.

It evaluates partially and executes nothing: each kind of statement and expression has a method
here that knows what Python would make of it, and every function that is called is either one of
the file, which is read in its turn, or a row of our own tables.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple, NoReturn

import numpy as np

from gradcli.errors import GradcliError, LimitError, Span
from gradcli.python.definitions import Definitions
from gradcli.python.expressions import Expressions
from gradcli.python.functions import Functions
from gradcli.python.imports import Imports
from gradcli.python.limits import MOST_STATEMENTS
from gradcli.python.source import PythonFault, Script
from gradcli.python.statements import Statements
from gradcli.python.tape import Tape
from gradcli.python.values import Array, Scope, arrays_in

__all__ = ["Assigned", "Interpreter"]

# What Python raises where known values do not fit; always said with its name.
FAULTS = (TypeError, ValueError, KeyError, IndexError, AttributeError, ArithmeticError,
          np.linalg.LinAlgError)  # fmt: skip


MOST_TOLD = 5_000  # records whose right sides are kept
GATE_ELEMENTS, KNOWN_ELEMENTS = 1_000, 20_000  # that take as long as a statement


class Assigned(NamedTuple):
    """A value that a statement gave a name to: one line stands for many of these."""

    place: int  # offset in the text
    target: str  # as written
    kind: str  # assign or add
    value: int  # the node of the right side
    total: int  # the node of the whole target afterwards
    turn: tuple[str, ...]  # the iterations of the loops around it, as `t = 2`
    call: tuple[int, ...]  # the offsets of the calls it stands in
    text: str  # of the line
    source: ast.expr | None = None  # its right side, where that has one
    parts: dict[int, Any] | None = None  # what the parts of that stood for
    scope: Scope | None = None  # the names around it


STATEMENTS: dict[type, Callable[..., None]] = {
    ast.Expr: Statements._s_expr,
    ast.Assign: Statements._s_assign,
    ast.AnnAssign: Statements._s_annassign,
    ast.AugAssign: Statements._s_augassign,
    ast.If: Statements._s_if,
    ast.For: Statements._s_for,
    ast.While: Statements._s_while,
    ast.Break: Statements._s_break,
    ast.Continue: Statements._s_continue,
    ast.Pass: Statements._s_pass,
    ast.Assert: Statements._s_assert,
    ast.Raise: Statements._s_raise,
    ast.Delete: Statements._s_delete,
    ast.Global: Statements._s_global,
    ast.Nonlocal: Statements._s_nonlocal,
    ast.Try: Statements._s_try,
    ast.With: Statements._s_with,
    ast.Match: Statements._s_match,
    ast.FunctionDef: Definitions._s_functiondef,
    ast.ClassDef: Definitions._s_classdef,
    ast.Import: Imports._s_import,
    ast.ImportFrom: Imports._s_importfrom,
    ast.Return: Functions._s_return,
}
EXPRESSIONS: dict[type, Callable[..., Any]] = {
    ast.Constant: Expressions._e_constant,
    ast.Name: Expressions._e_name,
    ast.Tuple: Expressions._e_tuple,
    ast.List: Expressions._e_list,
    ast.Set: Expressions._e_set,
    ast.Dict: Expressions._e_dict,
    ast.JoinedStr: Expressions._e_joinedstr,
    ast.FormattedValue: Expressions._e_formattedvalue,
    ast.Starred: Expressions._e_starred,
    ast.Yield: Expressions._e_yield,
    ast.YieldFrom: Expressions._e_yield,
    ast.NamedExpr: Expressions._e_namedexpr,
    ast.UnaryOp: Expressions._e_unaryop,
    ast.BinOp: Expressions._e_binop,
    ast.BoolOp: Expressions._e_boolop,
    ast.Compare: Expressions._e_compare,
    ast.IfExp: Expressions._e_ifexp,
    ast.Lambda: Expressions._e_lambda,
    ast.ListComp: Expressions._e_listcomp,
    ast.SetComp: Expressions._e_setcomp,
    ast.DictComp: Expressions._e_dictcomp,
    ast.Slice: Expressions._e_slice,
    ast.Subscript: Expressions._e_subscript,
    ast.Attribute: Expressions._e_attribute,
    ast.GeneratorExp: Expressions._e_listcomp,
    ast.Call: Functions._e_call,
}


class Interpreter(Statements, Definitions, Expressions, Functions, Imports):
    """Reads the statements of a file; its state is what Python's would be, and the tape."""

    statements = STATEMENTS
    expressions = EXPRESSIONS

    def __init__(self, script: Script, seed: int = 0) -> None:
        self.script = script
        self.scripts = [script]  # and the files beside it that were imported
        self.tape = Tape()
        self.seed = seed
        self.random = np.random.RandomState(seed)
        self.records: list[Assigned] = []
        self.recorded: set[int] = set()  # nodes that have a record
        self.forward: set[int] | None = None  # once the backward part begins: the nodes before it
        self.turn: list[str] = []
        self.calls: list[int] = []
        self.functions: list[Any] = []  # that are being read
        self.missing: list[str] = []  # modules of which everything was imported
        self.notes: list[str] = []
        self.steps = 0
        self.file = 0
        self.here: tuple[int, Any] = (0, None)  # the file and the node that is read now
        self.first = 0  # the first node of the statement
        self.modules: dict[str, Scope] = {}
        self.scopes: dict[str, Scope] = {}  # the latest names inside each function
        self.tiny_is_zero = False  # constants such as the 1e-8 of `log(p + 1e-8)`
        self.has_tiny = False  # whether one was met
        self.reads_one = False  # whether a size that was read is 1
        self.softmax_axis = 0  # of a `softmax` that is not there
        self.has_softmax = False  # whether one was called
        self.fixes_self = False  # methods that lack `self` are given it
        self.is_lenient = False  # while a file's top level is looked over
        self.source: Any = None  # the right side that is assigned now
        self.parts: dict[int, Any] = {}  # the values of its parts, by their nodes
        self.scope: Any = None  # in which the statement stands
        self.stopped: Any = None  # the part, the statement and the scope of the first fault
        self.watch: Callable[..., None] | None = (
            None  # called at every call of the file's functions
        )

    @property
    def work(self) -> int:
        """Statements and gates so far, and elements by the thousand: of known data they cost less.

        Some 10,000 of it take a second, and they are the same on every machine.
        """
        tape = self.tape
        elements = tape.graph.elements // GATE_ELEMENTS + tape.known // KNOWN_ELEMENTS
        return self.steps + len(tape.graph) + elements

    # ---------------------------------------------------------------- places

    def at(self, node: Any) -> None:
        """Note the part of the text that is read now."""
        self.here = (self.file, node)
        if self.file == 0:
            self.tape.place = self.script.offset(node)

    def span(self) -> Span | None:
        """The place of what is read now."""
        file, node = self.here
        if node is None:
            return None
        script = self.scripts[file]
        return script.span(script.offset(node))

    def fail(self, message: str, hint: str | None = None) -> NoReturn:
        """Raise an error at the place of what is read now."""
        raise PythonFault(message, self.span(), hint)

    @contextmanager
    def faults(self) -> Iterator[None]:
        """Turn what Python would raise into an error at its place."""
        try:
            yield
        except GradcliError as error:
            if error.span is None:
                error.span = self.span()
            raise
        except RecursionError:
            raise LimitError("the calls and brackets nest too deeply", self.span()) from None
        except MemoryError:
            raise LimitError("this takes more memory than there is", self.span()) from None
        except FAULTS as error:
            words = str(error) or "no reason given"
            raise PythonFault(f"{type(error).__name__}: {words}", self.span()) from None

    def step(self) -> None:
        """Count a statement."""
        self.steps += 1
        if self.steps > MOST_STATEMENTS:
            raise LimitError(f"more than {MOST_STATEMENTS} statements, loops unrolled", self.span(),
                             "check a smaller case: fewer steps, smaller arrays")  # fmt: skip

    # ---------------------------------------------------------------- records

    def record(
        self, target: str, kind: str, value: Any, total: Any, node: Any = None,
        source: ast.expr | None = None,
    ) -> None:  # fmt: skip
        """Note that a node was given a name; `source` is the expression that computes it."""
        contents = [x.content if isinstance(x, Array) else x for x in (value, total)]
        if any(content.__class__ is not int for content in contents):
            return
        self.recorded.add(contents[1])
        script = self.scripts[self.file]
        place = script.offset(node or self.here[1]) if self.file == 0 else self.tape.place
        line = script.line((node or self.here[1]).lineno).strip()
        turn, calls = tuple(self.turn), tuple(self.calls)
        is_told = source is not None and self.file == 0 and len(self.records) < MOST_TOLD
        told = (source, self.parts, self.scope) if is_told else ()
        self.records.append(
            Assigned(place, target, kind, contents[0], contents[1], turn, calls, line, *told)
        )

    def own(self, value: Any) -> Any:
        """An array of the backward part as a node of its own, so that each line has one."""
        if not isinstance(value, Array) or value.content.__class__ is not int:
            return value
        node = value.content
        if node not in self.recorded and node >= self.first:
            return value
        if self.forward is None or node in self.forward:
            return value
        tape = self.tape
        return Array(tape.copy(node), value, (tape.copy, lambda _, new: new))

    def record_new(self, value: Any, text: str, node: Any) -> None:
        """Note the arrays of a value that this statement has made and nothing has named yet."""
        if self.is_lenient:
            return
        for path, array in arrays_in(value):
            content = array.content
            if content.__class__ is int and content >= self.first and (
                content not in self.recorded
            ):  # fmt: skip
                source = node if isinstance(node, ast.expr) and not path else None
                self.record(f"{text}{path}", "assign", content, content, node, source)

    # ---------------------------------------------------------------- blocks

    def block(self, body: list[ast.stmt], scope: Scope) -> None:
        """Read statements one after the other."""
        for statement in body:
            self.statement(statement, scope)

    def note_branch(self) -> None:
        """Note that a branch was taken by numbers that depend on inputs."""
        node = self.here[1]
        line = node.lineno if node is not None and self.file == 0 else None
        note = f"line {line}: the branch taken is that of this point"
        if line is not None and note not in self.notes:
            self.notes.append(note)
