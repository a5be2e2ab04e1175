"""The state of the reader of Python: where it stands, what it has recorded, what it may be asked.

Its parts, one for each kind of syntax, are classes above this one, each above those that it asks,
and the interpreter is all of them together. The rows of calls know it by this class alone.
"""

from __future__ import annotations

import ast
import re
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, NamedTuple, NoReturn

import numpy as np

from gradcli.errors import GradcliError, LimitError, Span
from gradcli.python.state.limits import (
    ARRAYS_A_STEP,
    COPIES_A_STEP,
    MOST_LENGTH,
    MOST_STATEMENTS,
    PARTS_A_STEP,
)
from gradcli.python.state.source import ForeignFault, PythonFault, Script
from gradcli.python.state.tape import KINDS, Tape, content_of, kind_of
from gradcli.python.state.values import (
    Array,
    Foreign,
    Instance,
    OfArray,
    Scope,
    Unknown,
    arrays_in,
)

NO_STATEMENT = {
    "AsyncFunctionDef": "`async` functions are not read",
    "AsyncFor": "`async for` is not read",
    "AsyncWith": "`async with` is not read",
    "TryStar": "`except*` is not read",
}
NO_EXPRESSION = {
    "Await": "`await` is not read",
}

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
    before: int | None = None  # of a part of an array: the node of what stood there


class _Faults:
    """What `Reader.faults` returns; no generator, as every statement and part enters one."""

    __slots__ = ("reader",)

    def __init__(self, reader: Reader) -> None:
        self.reader = reader

    def __enter__(self) -> None:
        pass

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        if error is None:
            return
        if isinstance(error, GradcliError):
            error.span = error.span or self.reader.span()
        elif isinstance(error, (RecursionError, MemoryError)):
            raise LimitError(_too_much(error), self.reader.span()) from None
        elif isinstance(error, FAULTS):
            words = f"{type(error).__name__}: {_in_words(error) or 'no reason given'}"
            raise PythonFault(words, self.reader.span()) from None


def _in_words(error: BaseException) -> str:
    """What Python says, with the kinds of values for the names of our classes."""
    return re.sub(r"'([A-Z]\w+)'", lambda match: KINDS.get(match[1], match[0]), str(error))


def _too_much(error: RecursionError | MemoryError) -> str:
    """What a reading without end has too much of."""
    if isinstance(error, MemoryError):
        return "this takes more memory than there is"
    return "the calls and brackets nest too deeply"


class Reader(ABC):
    """What every part of the interpreter stands on: the state, places and records."""

    statements: dict[type, Callable[..., None]]  # the method of each kind
    expressions: dict[type, Callable[..., Any]]

    def __init__(self, script: Script, seed: int = 0) -> None:
        self.script = script
        self.scripts = [script]  # and the files beside it that were imported
        self.tape = Tape()
        self.seed = seed
        self.random = np.random.RandomState(seed)
        self.records: list[Assigned] = []
        self.recorded: set[int] = set()  # nodes that have a record
        self.forward: set[int] | None = None  # once the backward part begins: the nodes before it
        self.last_line = 0  # of the forward part, where one function has both
        self.begun: int | None = None  # then: the first node behind that line
        self.turn: list[str] = []
        self.calls: list[int] = []
        self.functions: list[Any] = []  # that are being read
        self.missing: list[str] = []  # modules of which everything was imported
        self.notes: list[str] = []
        self.steps = 0
        self.parts_seen = 0  # of lists, since the last step that was counted for them
        self.file = 0
        self.here: tuple[int, Any] = (0, None)  # the file and the node that is read now
        self.first = 0  # the first node of the statement
        self.modules: dict[str, Scope] = {}
        self.scopes: dict[str, Scope] = {}  # the latest names inside each function
        self.tiny_is_zero = False  # constants such as the 1e-8 of `log(p + 1e-8)`
        self.has_tiny = False  # whether one was met
        self.unclips = False  # bounds alike on both sides, as gradients are held to
        self.clipped: list[int] = []  # what such bounds have changed
        self.reads_one = False  # whether a size that was read is 1
        self.softmax_axis = 0  # of a `softmax` that is not there
        self.has_softmax = False  # whether one was called
        self.rows: set[int] = set()  # places of names that are given rows of tables as inputs
        self.row_inputs: dict[str, int] = {}  # these inputs, by their names
        self.fixes_self = False  # methods that lack `self` are given it
        self.is_lenient = False  # while a file's top level is looked over
        self.source: Any = None  # the right side that is assigned now
        self.parts: dict[int, Any] = {}  # the values of its parts, by their nodes
        self.scope: Any = None  # in which the statement stands
        self.stopped: Any = None  # the part, the statement and the scope of the first fault
        self.marked: Mapping[Any, Any] = {}  # statements of called functions
        self.reached: Callable[[ast.stmt, Scope], None] | None = None  # is told of these first
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
    def depths(self) -> Iterator[None]:
        """Refuse what nests or grows without end, such as a list that holds itself."""
        try:
            yield
        except (RecursionError, MemoryError) as error:
            raise LimitError(_too_much(error), self.span()) from None

    def faults(self) -> _Faults:
        """Turn what Python would raise into an error at its place."""
        return _Faults(self)

    def step(self, count: int = 1) -> None:
        """Count a statement, or work that takes as long as several."""
        self.steps += count
        if self.steps > MOST_STATEMENTS:
            raise LimitError(f"more than {MOST_STATEMENTS} statements, loops unrolled", self.span(),
                             "check a smaller case: fewer steps, smaller arrays")  # fmt: skip

    # ---------------------------------------------------------------- records

    def record(
        self, target: str, kind: str, value: Any, total: Any, node: Any = None,
        source: ast.expr | None = None, before: int | None = None,
    ) -> None:  # fmt: skip
        """Note that a node was given a name; `source` is the expression that computes it.

        `before` is what stood in a part of an array, which the node is written into.
        """
        contents = [x.content if isinstance(x, Array) else x for x in (value, total)]
        if any(content.__class__ is not int for content in contents):
            return
        self.recorded.add(contents[1])
        script = self.scripts[self.file]
        place = script.offset(node or self.here[1]) if self.file == 0 else self.tape.place
        line = script.line((node or self.here[1]).lineno).strip()
        turn, calls = tuple(self.turn), tuple(self.calls)
        is_told = source is not None and self.file == 0 and len(self.records) < MOST_TOLD
        record = Assigned(
            place, target, kind, contents[0], contents[1], turn, calls, line, before=before
        )
        if is_told:
            record = record._replace(source=source, parts=self.parts, scope=self.scope)
        self.records.append(record)

    def own(self, value: Any, is_named: bool = False) -> Any:
        """An array of the backward part as a node of its own, so that each line has one.

        `is_named` does so with a value of the forward part that a line only gives a name.
        """
        if not isinstance(value, Array) or value.content.__class__ is not int:
            return value
        node = value.content
        if not self._is_behind_forward():
            return value
        if not (is_named if self._is_forward(node) else self._is_old(node)):
            return value
        tape = self.tape
        return Array(tape.copy(node), value, (tape.copy, lambda _, new: new))

    def fresh(self, content: Any) -> Any:
        """A content as one that this statement has made, where it may be of the backward part."""
        is_old = content.__class__ is int and content < self.first
        return self.tape.copy(content) if is_old and self.may_be_backward() else content

    def may_be_backward(self) -> bool:
        """Whether what is read now may be of the backward part."""
        return self.last_line > 0 or self._is_behind_forward()

    def _is_old(self, node: int) -> bool:
        """Whether a node is another line's already."""
        return node in self.recorded or node < self.first

    def _is_behind_forward(self) -> bool:
        """Whether the backward part is read, as far as anything tells where it begins."""
        if self.forward is None and self.begun is None:
            is_own = self.file == 0 and len(self.calls) < 2
            line = getattr(self.here[1], "lineno", 0) if is_own else 0
            if 0 < self.last_line < line:
                self.begun = self.first
        return self.forward is not None or self.begun is not None

    def _is_forward(self, node: int) -> bool:
        """Whether a node is one of the forward part, behind which the backward part is read."""
        if self.forward is not None:
            return node in self.forward
        return self.begun is None or node < self.begun

    def record_new(self, value: Any, text: str, node: Any) -> None:
        """Note the arrays of a value that this statement has made and nothing has named yet."""
        if self.is_lenient:
            return
        arrays = 0
        for path, array in arrays_in(value, seen=self._count_parts):
            arrays += 1
            content = array.content
            if content.__class__ is int and content >= self.first and (
                content not in self.recorded
            ):  # fmt: skip
                source = node if isinstance(node, ast.expr) and not path else None
                self.record(f"{text}{path}", "assign", content, content, node, source)
        self.step(arrays // ARRAYS_A_STEP)

    def _count_parts(self, count: int) -> None:
        """Count parts of lists that are looked at: so many are as much work as a statement."""
        steps, self.parts_seen = divmod(self.parts_seen + count, PARTS_A_STEP)
        self.step(steps)

    # ---------------------------------------------------------------- reading

    def statement(self, node: ast.stmt, scope: Scope) -> None:
        """Read one statement."""
        self.at(node)
        self.step()
        kind = type(node).__name__
        method = self.statements.get(type(node))
        if method is None:
            self.fail(NO_STATEMENT.get(kind, f"a statement `{kind}` is not read"))
        first, self.first = self.first, len(self.tape.graph)
        kept = self.source, self.parts, self.scope
        self.source, self.parts, self.scope = None, {}, scope
        try:
            with self.faults():
                if self.marked and node in self.marked and self.reached is not None:
                    self.reached(node, scope)
                method(self, node, scope)
        except GradcliError:
            if self.stopped is None:
                self.stopped = self.here[1], node, scope
            raise
        finally:
            self.source, self.parts, self.scope = kept
        self.first = first

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

    def evaluate(self, node: ast.expr, scope: Scope) -> Any:
        """The value of an expression."""
        kind = type(node).__name__
        method = self.expressions.get(type(node))
        if method is None:
            self.at(node)
            self.fail(NO_EXPRESSION.get(kind, f"an expression `{kind}` is not read"))
        value = self.parts[id(node)] = method(self, node, scope)
        return value

    def evaluate_or_unknown(self, node: ast.expr, scope: Scope) -> Any:
        """The value of an expression, or why it has none."""
        try:
            with self.faults():
                return self.evaluate(node, scope)
        except GradcliError as error:
            self.stopped = None  # it goes on
            return Unknown(error.message, error.hint)

    def set_name(self, name: str, value: Any, scope: Scope) -> None:
        """Give a name its value."""
        scope.elsewhere.get(name, scope)[name] = value

    # ---------------------------------------------------------------- what parts ask of others

    @abstractmethod
    def call(
        self, callee: Any, values: list[Any], keywords: dict[str, Any], node: Any = None
    ) -> Any:
        """The value of a call."""

    @abstractmethod
    def call_method(
        self, instance: Instance, name: str, values: list[Any],
        keywords: dict[str, Any] | None = None,
    ) -> Any:  # fmt: skip
        """The value of a method of an instance."""

    @abstractmethod
    def attribute(self, owner: Any, name: str) -> Any:
        """What stands behind a dot."""

    @abstractmethod
    def makes_late(self, name: str, whole: Scope) -> bool:
        """Whether a file makes an object under a name once it is asked for."""

    @abstractmethod
    def part(self, owner: Any, index: Any) -> Any:
        """A part of a value: `x[0]`, `params["W1"]`."""

    @abstractmethod
    def iterate(self, value: Any) -> list[Any]:
        """The items of what a loop goes over."""

    # ---------------------------------------------------------------- values

    def content(self, value: Any) -> Any:
        """A value as the content of an array."""
        self.refuse_unknown(value)
        return content_of(self.tape, value)

    def wrap(self, content: Any) -> Any:
        """A content as a value: one known number is a number of Python."""
        if content.__class__ is not int and not content.shape:
            return content.item()
        return Array(content)

    def refuse_unknown(self, value: Any) -> None:
        """Raise the error of a value that is not known, or of a method that is not called."""
        if isinstance(value, Unknown):
            fault = ForeignFault if isinstance(value, Foreign) else PythonFault
            raise fault(value.reason, value.span or self.span(), value.hint)
        if isinstance(value, OfArray):
            owner = kind_of(value.owner)
            self.fail(f"`.{value.name}` of {owner} is no value that is read",
                      f"call it, if it is a method: `.{value.name}(...)`")  # fmt: skip

    def plain(self, value: Any) -> Any:
        """A value as Python has it: a key, a number for a text."""
        if isinstance(value, Array):
            number = self.tape.decide(value.content, np.array)
            return number.item() if not number.shape else number.tolist()
        if isinstance(value, tuple):
            return tuple(self.plain(part) for part in value)
        self.refuse_unknown(value)
        return value

    def count_length(self, length: int) -> None:
        """Refuse lists and texts without end, before they are made."""
        if length > MOST_LENGTH:
            raise LimitError(f"a list or text of {length} parts; at most {MOST_LENGTH} are read",
                             self.span())  # fmt: skip
        self.step(length // COPIES_A_STEP)

    def has_arrays(self, value: Any) -> bool:
        """Whether there are arrays in a value."""
        return next(arrays_in(value), None) is not None
