"""JSON lines: an object a row, with numbers or nested lists of them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from typing import Any, BinaryIO

import numpy as np

from gradcli.errors import FileError
from gradcli.tables.lines import Lines
from gradcli.tables.model import Block, Part, Shape, line_error, listed
from gradcli.tables.numbers import dumps, loads

Row = Mapping[str, Any]


class JsonLinesTable:
    """Lines that are JSON objects; null is a missing number, nan. Names are those of line 1."""

    def __init__(self, called: str, stream: BinaryIO, part: Part) -> None:
        self.called = called
        self._lines = Lines(called, stream)
        self._part = part
        self.steps = self._lines.steps
        self._start = self._first_row()
        self.names = [*self._start]
        self.width = len(self.names)

    def shape(self, column: int) -> Shape:
        """The shape of what the first row has in a column."""
        value = self._start[self.names[column]]
        shape: Shape = self._array([value], column, 1).shape[1:]
        return shape

    def blocks(self, wanted: Sequence[int]) -> Iterator[Block]:
        """Blocks of rows. Raises FileError for a line that is no object or lacks a name."""
        for text, line in self._lines.blocks(self._part):
            rows, lines = self._rows(text, line)
            columns = [self._column(rows, lines, k) for k in wanted]
            yield Block(columns, lambda row, lines=lines: f"{self.called}:{lines[row]}")  # type: ignore[misc]

    def _first_row(self) -> Row:
        """The first row, without going on."""
        line = self._lines.peek()
        if not line.strip():
            raise FileError(f"{self.called} is empty", hint='a line is a row: {"x": 1, "y": 2}')
        return self._row(line, 1)

    def _rows(self, text: bytes, first: int) -> tuple[list[Row], Sequence[int]]:
        """The rows of a block and their lines."""
        try:
            rows = loads()(b"[" + text[:-1].replace(b"\n", b",") + b"]")
        except ValueError:
            rows = []
        count = text.count(b"\n")
        if len(rows) == count and all(type(row) is dict for row in rows):
            return rows, range(first, first + count)
        numbered = [(line, row) for line, row in enumerate(text[:-1].split(b"\n"), first)
                    if row.strip()]  # fmt: skip
        return [self._row(row, line) for line, row in numbered], [line for line, _ in numbered]

    def _row(self, text: bytes, line: int) -> Row:
        try:
            row = loads()(text)
        except ValueError as trouble:
            shown, column = self._lines.decoded(text, line), getattr(trouble, "pos", 0) + 1
            raise line_error(self.called, line, shown, column, "this is not JSON",
                             "a line is a row: {\"x\": 1, \"y\": 2}") from None  # fmt: skip
        if type(row) is not dict:
            raise line_error(self.called, line, self._lines.decoded(text, line), 1,
                             "expected an object", "write {\"x\": 1, \"y\": 2}")  # fmt: skip
        return row

    def _column(self, rows: list[Row], lines: Sequence[int], k: int) -> Any:
        name = self.names[k]
        try:
            values = [row[name] for row in rows]
        except KeyError:
            at = next(at for at, row in enumerate(rows) if name not in row)
            raise FileError(f"{self.called}, line {lines[at]}: the row has no `{name}`",
                            hint=f"it has {listed([*rows[at]])}") from None  # fmt: skip
        if {*map(type, values)} <= {float, int}:
            with suppress(OverflowError):  # the place of a number that is too large is found below
                return np.fromiter(values, float, len(values))
        return self._array(values, k, lines)

    def _array(self, values: list[Any], k: int, lines: Sequence[int] | int) -> Any:
        """Values of a column as float64. Raises FileError for the first that is no number."""
        shape: Shape | None = None
        arrays = []
        for at, value in enumerate(values):
            line = lines if isinstance(lines, int) else lines[at]
            array = _numbers(value)
            if array is None:
                kind = "an array of numbers" if isinstance(value, list) else "a number"
                shown = dumps(value).decode()[:40]
                raise FileError(f"{self.called}, line {line}: `{self.names[k]}`: expected {kind}, "
                                f"found {shown}")  # fmt: skip
            shape = array.shape if shape is None else shape
            if array.shape != shape:
                raise FileError(f"{self.called}, line {line}: `{self.names[k]}` has shape "
                                f"{array.shape}, in the rows before {shape}")  # fmt: skip
            arrays.append(array)
        return np.stack(arrays) if arrays else np.zeros(0)


def _numbers(value: Any) -> Any:
    """A JSON value as a float64 array; None where it is no number or numbers."""
    if value is None:
        return np.array(np.nan)
    try:
        array = np.array(value)
        return array.astype(float) if array.dtype.kind in "iuf" or not array.size else None
    except (ValueError, OverflowError):  # rows of different lengths
        return None


def _without_nan(column: Any) -> Any:
    """A column with None in the place of what is not finite."""
    is_finite = np.isfinite(column)
    return column if is_finite.all() else np.where(is_finite, column, None)


class JsonLinesResults:
    """Writes an object a row; what is not finite is null."""

    def __init__(self, file: BinaryIO, names: Sequence[str]) -> None:
        self._file = file
        self._names = names

    def put(self, columns: Sequence[Any]) -> None:
        """Write the rows of each column, numbers or arrays."""
        lists = [_without_nan(x).tolist() for x in columns]
        rows = [dict(zip(self._names, row, strict=True)) for row in zip(*lists, strict=True)]
        if rows:
            self._file.write(dumps(rows)[1:-1].replace(b"},{", b"}\n{") + b"\n")

    def finish(self) -> None:
        """Nothing is left to write."""

    abandon = finish
