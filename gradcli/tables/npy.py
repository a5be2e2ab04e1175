"""Tables in .npy files: the columns of an array of rows and columns."""

from __future__ import annotations

import io
import os
import sys
from collections.abc import Iterator, Sequence
from math import prod
from typing import Any, BinaryIO

import numpy as np

from gradcli.errors import FileError, LimitError, reason_of
from gradcli.gates.shapes import MOST_AXES
from gradcli.program.npy import npy_header
from gradcli.requests import MOST_ELEMENTS
from gradcli.tables.model import BLOCK_ROWS, Block, Part, Shape, row_place

COPIED = 2**18  # bytes at a time


class Rows:
    """The rows of one array, read in order from a stream behind its header."""

    def __init__(self, called: str, stream: Any) -> None:
        self.called = called
        shape, is_fortran, self.dtype = npy_header(called, stream)
        if not shape:
            raise FileError(f"{called} is a single number, no rows of numbers")
        if not all(type(n) is int and 0 <= n <= sys.maxsize for n in shape):
            raise FileError(f"{called} has no possible shape in its header: {shape}")
        if len(shape) > MOST_AXES:
            raise LimitError(f"{called} has {len(shape)} axes, an array has at most {MOST_AXES}")
        if self.dtype.names is None and self.dtype.kind not in "biuf":
            kind = (
                "Python objects, which are never unpickled" if self.dtype.hasobject else self.dtype
            )
            raise FileError(f"{called} holds {kind}, not real numbers")
        self.count, self.shape = shape[0], tuple(shape[1:])
        self._stream = stream
        if is_fortran and self.shape:
            self._stream = self._turned(shape)
        self._bytes = prod(self.shape) * self.dtype.itemsize
        self._at = 0

    def skip(self, rows: int) -> None:
        """Leave rows out."""
        left = (rows - self._at) * self._bytes
        if self._stream.seekable():
            self._seek(left)
        else:
            while left and (piece := self._read(min(COPIED, left))):
                left -= len(piece)
        self._at = rows

    def take(self, rows: int) -> Any:
        """The next rows, in the kind of number of the file. Raises FileError."""
        data = self._read(rows * self._bytes)
        if len(data) < rows * self._bytes:
            raise FileError(f"{self.called} is shorter than its header says")
        self._at += rows
        return np.frombuffer(data, self.dtype).reshape(rows, *self.shape)

    def _read(self, size: int) -> bytes:
        """The next bytes. Raises FileError."""
        try:
            data: bytes = self._stream.read(size)
        except Exception as trouble:  # each way of packing has errors of its own
            raise FileError(f"{self.called} is damaged: {reason_of(trouble)}") from None
        return data

    def _seek(self, size: int) -> None:
        """Leave bytes out. Raises FileError."""
        try:
            self._stream.seek(size, os.SEEK_CUR)
        except Exception as trouble:  # each way of packing has errors of its own
            raise FileError(f"{self.called} is damaged: {reason_of(trouble)}") from None

    def _turned(self, shape: Shape) -> Any:
        """An array whose columns stand one after the other, as rows; read whole."""
        if prod(shape) > MOST_ELEMENTS:
            raise LimitError(f"{self.called} is stored column by column and has more than "
                             f"{MOST_ELEMENTS} elements", hint="save it row by row: "
                             "np.ascontiguousarray")  # fmt: skip
        data = self._read(prod(shape) * self.dtype.itemsize)
        if len(data) < prod(shape) * self.dtype.itemsize:
            raise FileError(f"{self.called} is shorter than its header says")
        return io.BytesIO(np.frombuffer(data, self.dtype).reshape(shape, order="F").tobytes())


def floats(called: str, numbers: Any) -> Any:
    """Numbers of any kind as float64. Raises FileError for one that is too large."""
    with np.errstate(over="raise"):
        try:
            return numbers.astype(float, copy=False)
        except FloatingPointError:
            raise FileError(f"{called} holds a number that is too large for float64") from None


class NpyTable:
    """The columns of an array of two axes; their names are those of a structured array."""

    def __init__(
        self, called: str, stream: BinaryIO, names: Sequence[str] | None, part: Part
    ) -> None:
        self.called = called
        self._rows = rows = Rows(called, stream)
        fields = rows.dtype.names
        if len(rows.shape) > 1 or (fields and rows.shape):
            raise FileError(f"{called} has {1 + len(rows.shape)} axes; rows and columns are two",
                            hint="columns that are arrays stand in a .npz, one by one")  # fmt: skip
        if fields and any(rows.dtype[k].kind not in "biuf" for k in range(len(fields))):
            raise FileError(f"{called} holds {rows.dtype}, not real numbers")
        self.width = len(fields) if fields else rows.shape[0] if rows.shape else 1
        self.names = [*names] if names is not None else [*fields] if fields else None
        self._first, self._end = part.of(rows.count)
        self.steps = 1 + (self._end - self._first) // BLOCK_ROWS

    def shape(self, column: int) -> Shape:  # noqa: ARG002  # of two axes
        """Every column is of numbers."""
        return ()

    def blocks(self, wanted: Sequence[int]) -> Iterator[Block]:
        """Blocks of rows."""
        self._rows.skip(self._first)
        for start in range(self._first, self._end, BLOCK_ROWS):
            numbers = self._rows.take(min(BLOCK_ROWS, self._end - start))
            fields = numbers.dtype.names
            if fields:
                columns = [floats(self.called, numbers[fields[k]]) for k in wanted]
            else:
                table = floats(self.called, numbers).reshape(len(numbers), self.width)
                columns = [table[:, k] for k in wanted]
            yield Block(columns, row_place(self.called, start))


class NpyResults:
    """Writes an array of (rows, columns); how many rows there are is put in at the end."""

    def __init__(self, file: BinaryIO, names: Sequence[str]) -> None:
        self._file = file
        self._width = len(names)
        self._count = 0
        self._header()

    def put(self, rows: Any) -> None:
        """Write rows, (count, columns)."""
        self._count += len(rows)
        self._file.write(np.ascontiguousarray(rows).data)

    def finish(self) -> None:
        """Write the header again, which keeps its length whatever it counts."""
        end = self._file.tell()
        self._file.seek(0)
        self._header()
        self._file.seek(end)

    def abandon(self) -> None:
        """Nothing is kept; the file is thrown away."""

    def _header(self) -> None:
        description = {"descr": "<f8", "fortran_order": False,
                       "shape": (self._count, self._width)}  # fmt: skip
        np.lib.format.write_array_header_1_0(self._file, description)
