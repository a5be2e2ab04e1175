"""Parquet and Arrow files, by pyarrow (the extra `parquet`)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import suppress
from typing import Any, BinaryIO

import numpy as np

from gradcli.errors import FileError, LayoutError, UsageError, reason_of
from gradcli.tables.model import BLOCK_ROWS, WHOLE, Block, Part, Shape, row_place

GROUP_ROWS = 2**17  # of a group that is written


def _pyarrow() -> Any:
    """The library with its two formats. Raises LayoutError where it is missing."""
    try:
        import pyarrow
        import pyarrow.ipc
        import pyarrow.parquet
    except ImportError:
        raise LayoutError("Parquet and Arrow need pyarrow",
                          hint="install the extra `parquet`, or use .npz") from None  # fmt: skip
    return pyarrow


class ArrowTable:
    """The columns of a Parquet or Arrow file; null is a missing number, nan."""

    def __init__(self, called: str, stream: BinaryIO, form: str, part: Part) -> None:
        self._arrow = arrow = _pyarrow()
        self.called = called
        self._form = form
        if part != WHOLE and form == "arrow":
            raise UsageError(
                "--shard of an Arrow file is not possible", hint="write it as .parquet"
            )
        try:
            if form == "parquet":
                self._file = arrow.parquet.ParquetFile(stream)
                schema, rows = self._file.schema_arrow, self._file.metadata.num_rows
                self._first, self._end = part.of(rows)
            else:
                self._file = _ipc(arrow, stream)
                schema, self._first, self._end = self._file.schema, 0, 0
            self.names = [*schema.names]
        except Exception as trouble:  # a damaged file raises errors of many kinds
            raise FileError(f"{called} is no {form} file: {reason_of(trouble)}") from None
        self.width = len(self.names)
        self._types = schema.types
        self.steps = 1 + (self._end - self._first) // BLOCK_ROWS if form == "parquet" else None

    def shape(self, column: int) -> Shape:
        """Every column is of numbers. Raises FileError for another kind."""
        kind = self._types[column]
        is_number = self._arrow.types.is_integer(kind) or self._arrow.types.is_floating(kind)
        if not (is_number or self._arrow.types.is_boolean(kind)):
            raise FileError(f"{self.called}: column `{self.names[column]}` is of {kind}, not of "
                            "real numbers")  # fmt: skip
        return ()

    def blocks(self, wanted: Sequence[int]) -> Iterator[Block]:
        """Blocks of rows. Raises FileError for a damaged file."""
        at = 0
        try:
            for batch in self._batches([self.names[k] for k in wanted]):
                low, high = max(self._first - at, 0), batch.num_rows
                if self._form == "parquet":
                    high = min(self._end - at, batch.num_rows)
                if low < high:
                    columns = [_floats(batch.column(self.names[k])[low:high]) for k in wanted]
                    yield Block(columns, row_place(self.called, at + low))
                at += batch.num_rows
        except (self._arrow.ArrowException, OSError, ValueError) as trouble:
            raise FileError(f"{self.called} is damaged: {reason_of(trouble)}") from None

    def _batches(self, names: list[str]) -> Iterator[Any]:
        if self._form == "parquet":
            yield from self._file.iter_batches(BLOCK_ROWS, columns=names)
        elif hasattr(self._file, "num_record_batches"):
            yield from map(self._file.get_batch, range(self._file.num_record_batches))
        else:
            yield from self._file


def _ipc(arrow: Any, stream: BinaryIO) -> Any:
    """An Arrow file, or a stream of record batches."""
    try:
        return arrow.ipc.open_file(stream)
    except arrow.ArrowInvalid:
        stream.seek(0)
        return arrow.ipc.open_stream(stream)


def _floats(column: Any) -> Any:
    """A column as float64."""
    return column.to_numpy(zero_copy_only=False).astype(float)


class ArrowResults:
    """Writes a Parquet or Arrow file, in groups of rows."""

    def __init__(self, file: BinaryIO, names: Sequence[str], form: str) -> None:
        self._arrow = arrow = _pyarrow()
        schema = arrow.schema([(name, arrow.float64()) for name in names])
        make = arrow.parquet.ParquetWriter if form == "parquet" else arrow.ipc.new_file
        self._file = make(file, schema)
        self._schema = schema
        self._waiting: list[Any] = []

    def put(self, rows: Any) -> None:
        """Write rows, (count, columns), as soon as there are enough for a group."""
        self._waiting.append(np.array(rows))
        if sum(map(len, self._waiting)) >= GROUP_ROWS:
            self._write()

    def finish(self) -> None:
        """Write what waits, and the end of the file."""
        self._write()
        self._file.close()

    def abandon(self) -> None:
        """Close the file as it is; it is thrown away."""
        with suppress(Exception):
            self._file.close()

    def _write(self) -> None:
        if self._waiting:
            rows = np.concatenate(self._waiting)
            columns = [self._arrow.array(rows[:, k]) for k in range(rows.shape[1])]
            self._file.write_table(self._arrow.Table.from_arrays(columns, schema=self._schema))
            self._waiting = []
