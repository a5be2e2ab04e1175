"""Tables in .npz archives: an array a column, whose first axis are the rows."""

from __future__ import annotations

import shutil
import tempfile
import zipfile
from collections.abc import Iterator, Sequence
from math import prod
from typing import Any, BinaryIO

import numpy as np

from gradcli.errors import FileError, GradcliError, reason_of
from gradcli.tables.model import BLOCK_ROWS, Block, Part, Shape, row_place
from gradcli.tables.npy import COPIED, Rows, floats


class NpzTable:
    """The arrays of an archive: each is a column, its first axis the rows."""

    def __init__(self, called: str, stream: BinaryIO, part: Part) -> None:
        self.called = called
        try:
            self._archive = zipfile.ZipFile(stream)
        except Exception:  # the directory of an archive is damaged in many ways
            raise FileError(f"{called} is no .npz archive") from None
        members = [n for n in self._archive.namelist() if n.endswith(".npy")]
        if not members:
            raise FileError(f"{called} has no arrays")
        self.names = [n.removesuffix(".npy") for n in members]
        self.width = len(members)
        self._rows = [self._opened(member) for member in members]
        counts = {rows.count for rows in self._rows}
        if len(counts) > 1:
            sizes = ", ".join([f"`{n}` {rows.count}" for n, rows in zip(self.names, self._rows,
                                                                       strict=True)])  # fmt: skip
            raise FileError(f"the arrays of {called} have different numbers of rows: {sizes}")
        self._first, self._end = part.of(counts.pop())
        self._step = max(1, BLOCK_ROWS // max(1, *(prod(rows.shape) for rows in self._rows)))
        self.steps = 1 + (self._end - self._first) // self._step

    def _opened(self, member: str) -> Rows:
        try:
            rows = Rows(f"{self.called}:{member.removesuffix('.npy')}", self._archive.open(member))
        except GradcliError:
            raise
        except Exception as trouble:  # each way of packing has errors of its own
            raise FileError(f"{self.called}:{member} is damaged: {reason_of(trouble)}") from None
        if rows.dtype.names:
            raise FileError(f"{rows.called} holds {rows.dtype}, not real numbers")
        return rows

    def shape(self, column: int) -> Shape:
        """The shape of what a row has in a column."""
        return self._rows[column].shape

    def blocks(self, wanted: Sequence[int]) -> Iterator[Block]:
        """Blocks of rows; smaller ones where a row has many numbers."""
        for k in wanted:
            self._rows[k].skip(self._first)
        for start in range(self._first, self._end, self._step):
            count = min(self._step, self._end - start)
            rows = [self._rows[k] for k in wanted]
            columns = [floats(row.called, row.take(count)) for row in rows]
            yield Block(columns, row_place(self.called, start))


class NpzResults:
    """Writes an archive with an array a column; until the end each is a file of its own."""

    def __init__(self, file: BinaryIO, names: Sequence[str], shapes: Sequence[Shape]) -> None:
        self._file = file
        self._names = names
        self._shapes = shapes
        self._columns: list[Any] = [tempfile.TemporaryFile() for _ in names]  # noqa: SIM115  # finish
        self._count = 0

    def put(self, columns: Sequence[Any]) -> None:
        """Write the rows of each column."""
        self._count += len(columns[0])
        for file, column in zip(self._columns, columns, strict=True):
            file.write(np.ascontiguousarray(column).data)

    def finish(self) -> None:
        """Pack the columns into the archive."""
        with zipfile.ZipFile(self._file, "w") as archive:
            for name, shape, column in zip(self._names, self._shapes, self._columns, strict=True):
                column.seek(0)
                with archive.open(f"{name}.npy", "w", force_zip64=True) as member:
                    description = {"descr": "<f8", "fortran_order": False,
                                   "shape": (self._count, *shape)}  # fmt: skip
                    np.lib.format.write_array_header_1_0(member, description)
                    shutil.copyfileobj(column, member, COPIED)
                column.close()

    def abandon(self) -> None:
        """Close what is kept; it is thrown away."""
        for column in self._columns:
            column.close()
