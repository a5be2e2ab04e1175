"""Gates of the user's own as rows of the table: one a call, by the shapes of its operands.

A gate that can be read has texts like any other row, its own backward part as the pullback. One
that cannot is run, and only its values are known. What is read counts only where the gate, run at
numbers of these shapes, gives what was read.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from gradcli.arithmetic.arrays import ARRAYS
from gradcli.engine import Machine, sweep
from gradcli.errors import GradcliError, UsageError
from gradcli.foreign.child import ForeignFault
from gradcli.foreign.gate_file import Description, GateFile
from gradcli.foreign.gradients import Misfit, gradients_of
from gradcli.foreign.row_texts import LONGEST, TextWriter
from gradcli.gates.row import OWN_WORDS, Gate, GateTable, gate
from gradcli.gates.shapes import FUNCTIONS, Shape, broadcast
from gradcli.gates.table import BUILT_IN
from gradcli.graph.array_calls import ARRAY_FUNCTIONS
from gradcli.graph.nodes import Graph
from gradcli.program.files import read_text
from gradcli.program.model import Program
from gradcli.python.reading import PythonFile
from gradcli.python.subjects.subjects import Subject
from gradcli.requests import TIMEOUT, Request

AGREE = 1e-9  # relative to the largest number: what is read is what is run
SEED = 20  # of the numbers at which that is seen
FILLS = (0.5, 1.5, -0.75)  # numbers that show the shape of a result
NAMES = "abcdefgh"  # of operands whose own names texts cannot have


def table_with(
    paths: Sequence[str], timeout: float = TIMEOUT, overrides: bool = False
) -> GateTable:
    """The gate table with the gates of some files. Raises GradcliError."""
    table = BUILT_IN
    for path in paths:
        file = GateFile(path, timeout)
        known = {*table.rows, *table.functions, *ARRAY_FUNCTIONS}
        rows = [_row(file, one, known, overrides) for one in file.gates.values()]
        table = table.extended(rows, overrides)
        for one in file.gates.values():
            if one.snake in known and not overrides:
                clash = table[one.name]._replace(own=Clash(one, path))
                table.functions[one.snake] = clash
    return table


class Clash:
    """A name in snake case that a built-in gate has as well: which one is meant is not guessed."""

    def __init__(self, one: Description, path: str) -> None:
        self.inputs = len(one.inputs)
        self.one = one
        self.path = path

    def reading(self, row: Gate) -> None:
        """None: nothing is read."""

    def row(self, constants: list[Any], shapes: list[Shape]) -> tuple[Gate, list[Any]]:  # noqa: ARG002
        """No row: there are two gates of the name. Raises UsageError."""
        own, name = self.one.name, self.one.snake
        raise UsageError(f"`{name}` is a built-in gate, and {own} of {self.path} in snake case",
                         hint=f"write {own} for yours; --override takes yours")  # fmt: skip


def _row(file: GateFile, one: Description, taken: set[str], overrides: bool) -> Gate:
    """The row by which a gate is called; its aliases are the names that are free."""
    if one.name in taken and not overrides:
        raise UsageError(f"`{one.name}` of {file.path} is the name of a built-in gate",
                         hint="give it another name; --override takes yours")  # fmt: skip
    constants = [name for name, value in one.constants.items() if _is_number(value)]
    own_words = {*FUNCTIONS, *OWN_WORDS}  # of the texts of rows
    aliases = [
        name for name in dict.fromkeys((one.name, one.snake))
        if (overrides or name not in taken) and name not in own_words
    ]  # fmt: skip
    name = one.name if one.name not in taken else f"own_{one.name}"
    operands = ["*xs"] if one.is_variadic else [*one.inputs, *constants]
    defaults = () if one.is_variadic else tuple(float(one.constants[n]) for n in constants)
    row = gate(
        name, ", ".join(operands), "", *["0"] * len(operands), role="scales", samples="",
        domain=one.domain, kink=one.kinks, aliases=" ".join(a for a in aliases if a != name),
        defaults=defaults, pullback=("0",) * len(operands),
    )  # fmt: skip
    return row._replace(own=OwnGate(file, one, constants))


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


class OwnGate:
    """A gate of the user's own: makes a row for every call."""

    def __init__(self, file: GateFile, description: Description, constants: list[str]) -> None:
        self.file = file
        self.description = description
        self.constants = constants
        self.inputs = len(description.inputs)
        self._rows: dict[Any, tuple[Gate, list[Any]]] = {}
        self._readings: dict[Gate, Program] = {}
        self._script: PythonFile | None = None

    def reading(self, row: Gate) -> tuple[Program, list[str]] | None:
        """The program that was read as a row, and which of its inputs are operands."""
        program = self._readings.get(row)
        return None if program is None else (program, [*self.description.inputs])

    def row(self, constants: list[Any], shapes: list[Shape]) -> tuple[Gate, list[Any]]:
        """The row for operands of some shapes, and its further operands. Raises ForeignFault."""
        key = (tuple(constants), tuple(shapes))
        if key not in self._rows:
            code = Running(self, dict(map(self._constant, self.constants, constants)))
            read = self._read(code, shapes)
            self._rows[key] = read if read is not None else (code.row(shapes), [])
        return self._rows[key]

    def _constant(self, name: str, value: float) -> tuple[str, float]:
        """A constant by its name, a whole number where its default is one."""
        is_whole = isinstance(self.description.constants[name], int) and float(value).is_integer()
        return name, int(value) if is_whole else value

    def _read(self, code: Running, shapes: Sequence[Shape]) -> tuple[Gate, list[Any]] | None:
        """The row by reading; None where the gate is not read, or not what is run."""
        subject = self._subject()
        if subject is None:
            return None
        rng = np.random.default_rng(SEED)
        inputs = [rng.uniform(0.2, 0.9, shape) if shape else rng.uniform(0.2, 0.9)
                  for shape in shapes]  # fmt: skip
        named = [*zip(self.description.inputs, inputs, strict=True), *code.constants.items()]
        try:
            program = self._python().program(subject, [*named], Request(), {})
            row = _read_row(self, self.description, program)
        except GradcliError:
            return None
        if row is None or not _is_what_runs(row, code, inputs):
            return None
        self._readings[row[0]] = program
        return row

    def _python(self) -> PythonFile:
        if self._script is None:
            self._script = PythonFile(read_text(self.file.path), self.file.path)
        return self._script

    def _subject(self) -> Subject | None:
        """The gate as a subject of its file; None where it is written in another way."""
        one = self.description
        if one.is_variadic or one.needed:
            return None
        try:
            return gate_subject(self._python(), one)
        except GradcliError:
            return None


def gate_subject(file: PythonFile, one: Description) -> Subject | None:
    """A gate as a subject of its file; None for what is not written as one."""
    if not one.is_class:
        if not one.backward:
            return None
        return Subject("pair", one.name, one.name, one.backward, None, one.line)
    own = [s for s in file.subjects if s.cls == one.name and s.kind == "pair"]
    return next((s for s in own if (s.forward, s.backward) == ("forward", "backward")), None)


class Running:
    """The code of one call: run in the child, at numbers."""

    def __init__(self, own: OwnGate, constants: Mapping[str, Any]) -> None:
        self.own = own
        self.constants = dict(constants)

    def value(self, operands: list[Any]) -> Any:
        """What forward gives. Raises ForeignFault."""
        (told,) = self._play(("forward", 0, _plain(operands)))
        return _number(told["value"], self.own.description.name)

    def gradients(self, upstream: Any, operands: list[Any]) -> list[Any]:
        """What backward gives, of a new object. Raises ForeignFault."""
        inputs = _plain(operands)
        shape = np.shape(self.value(operands))
        g = np.broadcast_to(upstream, shape).astype(float) if shape else float(upstream)
        forward, backward = self._play(("forward", 0, inputs), ("backward", 0, g))
        names = self.own.description.inputs
        if len(names) != len(inputs):
            names = [f"x{k}" for k in range(len(inputs))]
        found = gradients_of(backward["value"], names, inputs, forward["value"])
        if isinstance(found, Misfit):
            raise ForeignFault(f"{self.own.description.name}: {found.words}")
        return [None if part is None else part[()] for part in found]

    def row(self, shapes: Sequence[Shape]) -> Gate:
        """The row of a call that is run."""
        one = self.own.description
        names = ", ".join(one.inputs) if len(one.inputs) == len(shapes) else "*xs"
        shape = self._shape(shapes)
        count = 1 if names == "*xs" else len(shapes)
        row = gate(one.name, names, "", *["g"] * count, role="scales", samples="",
                   pullback=("g",) * count, shape=lambda *_: shape)  # fmt: skip
        return row._replace(own=self.own, code=self)

    def _shape(self, shapes: Sequence[Shape]) -> Shape:
        """The shape of the result, as a call shows it; what nothing shows is as numpy has it."""
        for fill in FILLS:
            try:
                value = self.value([np.full(s, fill) if s else fill for s in shapes])
                return tuple(np.shape(value))
            except ForeignFault as fault:
                if fault.name in ("timeout", "crash", "exit", "SystemExit"):
                    raise
        return broadcast(*shapes)

    def _play(self, *steps: tuple[str, int, Any]) -> list[dict[str, Any]]:
        return self.own.file.play(self.own.description, self.constants, steps)


def _plain(operands: Sequence[Any]) -> list[Any]:
    return [np.array(x) if np.shape(x) else float(x) for x in operands]


def _number(value: Any, gate: str) -> Any:
    """What forward gives, as the arithmetic of arrays has it. Raises ForeignFault."""
    try:
        array = np.asarray(value)
    except ValueError:  # a ragged list
        array = np.array(None)
    if array.dtype.kind not in "fiub":
        raise ForeignFault(f"{gate}: forward gives no real number and no array of real numbers")
    array = array.astype(float)
    return array if array.shape else float(array)


# ---------------------------------------------------------------- rows of what is read


def _read_row(
    own_gate: OwnGate, one: Description, program: Program
) -> tuple[Gate, list[Any]] | None:
    """The row of a program that was read; None where it holds at its own point only."""
    graph = program.graph
    names = one.inputs
    if program.decisions or program.upstream is None or len(graph) > LONGEST:
        return None
    if not {*names} <= {*program.inputs}:
        return None
    own = dict(zip(names, NAMES, strict=False))
    called = {program.inputs[name]: own[name] for name in names}
    known = {
        node: program.settings.constants[program.values[name]]
        for name, node in program.inputs.items() if node not in called
    }  # fmt: skip
    writer = TextWriter(graph, {**called, program.upstream: "g"}, known)
    forward = writer.text(program.output)
    pulled = [writer.text(program.claims[n]) if n in program.claims else "0" for n in names]
    operands = ", ".join([*own.values(), *writer.further.values()])
    shape = graph.shape(program.output)
    pullback = (*pulled, *["0"] * len(writer.further))
    row = gate(one.name, operands, forward, role="scales", samples="", pullback=pullback,
               shape=lambda *_: shape)  # fmt: skip
    return row._replace(own=own_gate), writer.values()


def _is_what_runs(row: tuple[Gate, list[Any]], code: Running, inputs: list[Any]) -> bool:
    """Whether a row gives the numbers that running gives, both ways."""
    graph = Graph()
    nodes = [graph.input(f"x{k}", shape=np.shape(x)) for k, x in enumerate(inputs)]
    more = [graph.fixed(value) for value in row[1]]
    try:
        node = graph.add(row[0], (*nodes, *more))
        run = Machine(graph, ARRAYS).run(inputs)
        value = code.value(inputs)
        rng = np.random.default_rng(SEED)
        upstream = rng.standard_normal(np.shape(value)) if np.shape(value) else -1.7
        sweep(run, {node: upstream})
        told = code.gradients(upstream, inputs)
    except GradcliError:
        return False
    pairs = [(run.values[node], value)]
    pairs += [(run.gradients[k], g) for k, g in zip(nodes, told, strict=True) if g is not None]
    return all(_agree(read, ran) for read, ran in pairs)


def _agree(read: Any, ran: Any) -> bool:
    size = max(np.max(np.abs(read), initial=0.0), np.max(np.abs(ran), initial=0.0))
    gap = np.max(np.abs(np.subtract(read, ran)), initial=0.0)
    return bool(gap <= AGREE * size)
