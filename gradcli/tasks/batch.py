"""The task `batch`: a program at the rows of a table, block by block.

A program is read once the names of the columns are known. Blocks of results come as they are
computed; what there is to say of the points is known at the end.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from functools import partial
from typing import Any

import numpy as np

from gradcli.errors import (
    BindingError,
    GradcliError,
    MissingValue,
    PointError,
    ShapeError,
    UsageError,
    did_you_mean,
)
from gradcli.evaluation.columns import Outcome
from gradcli.evaluation.compiled import Function
from gradcli.evaluation.point import at, constants_at, inputs_of, seed_note, seed_notes, wanted
from gradcli.gates.shapes import Shape
from gradcli.gates.table import BUILT_IN
from gradcli.graph.nodes import Graph, stage_names
from gradcli.named_tuples import NamedTuple
from gradcli.program.bindings import check_name, parse_constant
from gradcli.program.model import Program
from gradcli.program.reader import read
from gradcli.reports.batches import BatchReport, Spot
from gradcli.requests import Request, Setting
from gradcli.tables.made import Column, Even, Given, MadeTable, Normal
from gradcli.tables.model import BLOCK_ROWS, Block, Part, Table, listed
from gradcli.tasks.tables import table_of

ASSIGNED = r"(?m)(?:^|;)\s*{}\s*="
EXAMPLE = "write --points FILE, or an input as x=linspace(-2,2,1000)"
NATIVE = "computed by machine code (llvmlite), whose last bits may differ from those of numpy"
NOT_FINITE = "a result is not finite"


class Batch:
    """A program over the rows of a table.

    `fixed` are inputs that have one value. Raises GradcliError for a program that cannot be read,
    and where an input has neither a column nor a value.
    """

    def __init__(
        self,
        text: str,
        name: str,
        table: Table,
        fixed: Mapping[str, Setting],
        request: Request,
        notes: Sequence[str] = (),
        engine: str = "auto",
    ) -> None:
        columns = _columns(text, name, table, fixed, request)
        self.warnings, self._notes = columns.warnings, [*notes, *columns.notes]
        self._table, self._request = table, request
        self._program = columns.read(text, name, fixed, request)
        self.warnings += self._program.warnings
        self._inputs = [n for n in columns.shapes if n in self._program.inputs]
        if not self._inputs:
            raise BindingError(f"no column of {table.called} is an input of the program",
                               hint=f"inputs are {listed([*self._program.inputs])}")  # fmt: skip
        self._wanted = [columns.places[n] for n in self._inputs]
        has_choice = request.wrt is not None or self._program.wrt
        wrt = wanted(self._program, request.wrt) if has_choice else self._inputs
        graph = self._program.graph
        self.names = ["value", *(f"d{name}" for name in wrt)]
        self.shapes: list[Shape] = [(), *(graph.shape(graph.inputs[name]) for name in wrt)]
        # Inputs that do not vary are columns, too, where their gradients are asked for.
        aside = [name for name in wrt if name not in self._inputs]
        values = dict(zip(graph.inputs, inputs_of(self._program), strict=True))
        self._aside = [values[name] for name in aside]
        rows = (table.steps or 0) * BLOCK_ROWS
        self._function = Function(self._program, [*self._inputs, *aside]).over(wrt, engine, rows)
        if self._function.engine == "native":
            self._notes.append(NATIVE)
        self.tally = Tally(len(self._function.edges))

    def blocks(self, stop: bool = False) -> Iterator[Outcome]:
        """The results block by block; with `stop` a row that is not finite is a PointError."""
        tally = self.tally
        for block in self._table.blocks(self._wanted):
            count = len(block.columns[0])
            if not count:
                continue
            aside = [np.broadcast_to(x, (count, *np.shape(x))) for x in self._aside]
            outcome = self._function.run([*block.columns, *aside])
            if outcome.bad is not None:
                tally.bad.add(outcome.bad, block, partial(self._reason, block))
            if stop and tally.bad.count:
                raise PointError(f"{tally.bad.first}: {tally.bad.words}",
                                 hint="--on-error mark goes on and marks the row")  # fmt: skip
            for rows, edge in zip(tally.edges, outcome.edges, strict=True):
                rows.add(edge, block)
            tally.rows += count
            yield outcome

    def report(self) -> BatchReport:
        """What there is to say once all blocks have been taken."""
        graph, notes = self._program.graph, [*self._notes, *seed_notes(self._program)]
        tally = self.tally
        if not tally.rows:
            notes.append(f"{self._table.called} has no rows")
        names = stage_names(graph, self._program.output)
        edges = []
        for rows, node in zip(tally.edges, self._function.edges, strict=True):
            if rows.count:
                gate = graph.gates[node]
                kind = "a kink" if gate.kink else "a jump"
                edges.append(rows.spot(f"{kind} of {gate.name} at {names[node]}"))
        marked = tally.bad.spot(tally.bad.words) if tally.bad.count else None
        return BatchReport(tally.rows, marked, edges, notes)

    def _reason(self, block: Block, row: int) -> str:
        """Why the results of a row are not finite: what `eval` says of the point."""
        point = dict(zip(self._inputs, (column[row] for column in block.columns), strict=True))
        missing = [name for name, x in point.items() if np.isnan(x).any()]
        if missing:
            return f"{listed(missing)} is missing or nan"
        graph = self._program.graph
        values = dict(zip(graph.inputs, inputs_of(self._program), strict=True)) | {
            name: x if graph.shape(graph.inputs[name]) else float(x) for name, x in point.items()
        }
        notes = at(self._program, [values[n] for n in graph.inputs], self._request).notes
        return notes[0] if notes else NOT_FINITE


class _Rows:
    """Rows that have something in common, counted."""

    def __init__(self) -> None:
        self.count = 0
        self.first = self.words = ""

    def add(self, mask: Any, block: Block, words: Callable[[int], str] = lambda _: "") -> None:
        """Count the rows of a block where the mask is true."""
        count = int(np.count_nonzero(mask))
        if count and not self.count:
            row = int(np.argmax(mask))
            self.first, self.words = block.place(row), words(row)
        self.count += count

    def join(self, later: _Rows) -> None:
        """Count the rows of a later part, too."""
        if not self.count:
            self.first, self.words = later.first, later.words
        self.count += later.count

    def spot(self, words: str) -> Spot:
        """What is said of them."""
        return Spot(self.count, self.first, words)


class Tally:
    """Counts of rows: of all, of those that are not finite, of those at each of some edges."""

    def __init__(self, edges: int) -> None:
        self.rows = 0
        self.bad = _Rows()
        self.edges = [_Rows() for _ in range(edges)]

    def join(self, later: Tally) -> None:
        """Count the rows of a later part, too."""
        self.rows += later.rows
        self.bad.join(later.bad)
        for rows, others in zip(self.edges, later.edges, strict=True):
            rows.join(others)


# ---------------------------------------------------------------- which column is which input


class _Columns(NamedTuple):
    """The columns that may be inputs: the shape of what a row has in each, and its place."""

    table: Table
    shapes: dict[str, Shape]
    places: dict[str, int]
    warnings: list[str]
    notes: list[str]

    def read(self, text: str, name: str, fixed: Mapping[str, Setting], request: Request) -> Program:
        """The program whose inputs they are. Raises GradcliError; all that is missing at once."""
        arrays = [(n, np.zeros(shape)) for n, shape in self.shapes.items() if shape]
        free = [n for n, shape in self.shapes.items() if not shape]
        own = request._replace(wrt=None)
        try:
            given = [*fixed.items(), *arrays]
            return read(text, name, given, free, own, self.shapes, table_of(request))
        except GradcliError as error:
            names = self.table.names or []
            for missing in (e for e in (error, *error.also) if isinstance(e, MissingValue)):
                missing.hint = did_you_mean(missing.name, names) or (
                    f"{self.table.called} has the columns {listed(names)}; or give it one value: "
                    f"{missing.name}=1"
                )
            raise


def _columns(
    text: str, name: str, table: Table, fixed: Mapping[str, Setting], request: Request
) -> _Columns:
    if table.names is None:
        return _unnamed(text, name, table, fixed, request)
    places = {n: k for k, n in enumerate(table.names)}
    words = {*re.findall(r"\w+", text)}
    possible = [n for n in places if n in words and n not in fixed and _may_be_input(n)]
    assigned = [n for n in possible if re.search(ASSIGNED.format(re.escape(n)), text)]
    shapes = {n: table.shape(places[n]) for n in possible if n not in assigned}
    columns = _Columns(table, shapes, places, [], [])
    if assigned:  # constants of the text get other values; its stages and gradients do not
        inputs = columns.read(text, name, fixed, request).inputs
        shapes.update({n: table.shape(places[n]) for n in assigned if n in inputs})
    given, idle = ([n for n in places if n not in shapes and (n in fixed) is is_given]
                   for is_given in (True, False))  # fmt: skip
    if given:
        columns.warnings.append(f"not read from {table.called}, for a value is given: "
                                f"{listed(given)}")  # fmt: skip
    if idle:
        columns.warnings.append(f"columns of {table.called} that are not used: {listed(idle)}")
    return columns


def _unnamed(
    text: str, name: str, table: Table, fixed: Mapping[str, Setting], request: Request
) -> _Columns:
    """The inputs without a value, in the order of the text, as the names of columns."""
    columns = _Columns(table, {}, {}, [], [])
    while True:  # what has no value is a column, until all have one
        try:
            program = columns.read(text, name, fixed, request)
            break
        except GradcliError as error:
            missing = [e.name for e in (error, *error.also) if isinstance(e, MissingValue)]
            if not missing:
                raise
            columns.shapes.update(dict.fromkeys(missing, ()))
    names = [n for n in program.inputs if n in columns.shapes]
    if len(names) != table.width:
        raise ShapeError(
            f"{table.called} has {table.width} columns, the program {len(names)} inputs without a "
            f"value: {listed(names)}", hint="--names x,y names the columns",
        )  # fmt: skip
    note = f"the columns of {table.called} are {', '.join(names)}, as the program names them"
    return _Columns(
        table, dict.fromkeys(names, ()), {n: k for k, n in enumerate(names)}, [], [note]
    )


def _may_be_input(name: str) -> bool:
    with suppress(GradcliError):
        check_name(name, BUILT_IN)
        return True
    return False


# ---------------------------------------------------------------- points without a file


def made_points(
    pairs: Sequence[tuple[str, Setting]], is_grid: bool, seed: int | None, part: Part
) -> tuple[MadeTable, dict[str, Setting], list[str]]:
    """The points that inputs with many values make, the inputs that have one, and notes.

    The first axis of an array are the points. Raises UsageError where no input has many values.
    """
    columns: dict[str, Column] = {}
    fixed: dict[str, Setting] = {}
    is_drawn = False
    for name, value in pairs:
        graph, node = parse_constant(name, value, may_be_list=True)
        is_drawn |= graph.sow(seed or 0)
        if graph.shape(node):
            columns[name] = _column(graph, node)
        else:
            fixed[name] = value
    if not columns:
        raise UsageError("there are no points", hint=EXAMPLE)
    return MadeTable(columns, is_grid, part), fixed, [seed_note(seed or 0)] if is_drawn else []


def _column(graph: Graph, node: int) -> Column:
    """An array of settings as a column; long ones are made as they are needed."""
    shape, gate = graph.shape(node), graph.gates[node].name
    constants = [graph.constants.get(k) for k in graph.operands[node]]
    first, second, *_ = [*constants, None, None]
    if gate == "linspace" and isinstance(first, float) and isinstance(second, float):
        return Even(first, second, shape[0])
    if gate == "randn" and isinstance(second, tuple):
        return Normal(second, shape[0], shape[1:])
    return Given(constants_at(graph, [node])[node])
