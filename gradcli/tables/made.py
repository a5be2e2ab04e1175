"""Points that are made and not read: columns of equal length, or a grid of them."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from math import prod
from typing import Any

import numpy as np

from gradcli.errors import UsageError
from gradcli.named_tuples import NamedTuple
from gradcli.tables.model import BLOCK_ROWS, Block, Part, Shape, row_place


class Even(NamedTuple):
    """Numbers at even distances from one to another, as `linspace` has them."""

    start: float
    stop: float
    size: int
    shape: Shape = ()

    def read(self, first: int, last: int) -> Any:
        """The numbers of some rows."""
        places = np.arange(first, last) / max(1, self.size - 1)
        width = self.stop - self.start
        if math.isfinite(width):
            numbers = self.start + width * places
        else:  # more than float64 has
            with np.errstate(invalid="ignore"):  # of ends that are infinite
                numbers = self.start * (1 - places) + self.stop * places
        if 1 < self.size == last > first:
            numbers[-1] = self.stop
        return numbers


class Normal:
    """Normal numbers as `randn` draws them; read in order, or from the front again."""

    def __init__(self, seed: tuple[int, ...], size: int, shape: Shape) -> None:
        self.size = size
        self.shape = shape
        self._seed = seed
        self._draw = np.random.default_rng(seed)
        self._at = 0

    def read(self, first: int, last: int) -> Any:
        """The numbers of some rows."""
        if first < self._at:
            self._draw, self._at = np.random.default_rng(self._seed), 0
        while self._at < first:  # in steps, so that they take no memory
            step = min(BLOCK_ROWS, first - self._at)
            self._draw.standard_normal((step, *self.shape))
            self._at += step
        self._at = last
        return self._draw.standard_normal((last - first, *self.shape))


class Given:
    """An array that is there already; its first axis are the rows."""

    def __init__(self, array: Any) -> None:
        self._array = array
        self.size, self.shape = len(array), tuple(array.shape[1:])

    def read(self, first: int, last: int) -> Any:
        """The numbers of some rows."""
        return self._array[first:last]


Column = Even | Normal | Given


class MadeTable:
    """Columns side by side, or every combination of them, the last one running fastest."""

    called = "the points"

    def __init__(self, columns: dict[str, Column], is_grid: bool, part: Part) -> None:
        self.names = [*columns]
        self.width = len(columns)
        self._columns = [*columns.values()]
        sizes = [column.size for column in self._columns]
        self._sizes = sizes if is_grid else []
        if not is_grid and len({*sizes}) > 1:
            words = ", ".join(
                [f"`{name}` has {n}" for name, n in zip(self.names, sizes, strict=True)]
            )
            raise UsageError(f"inputs have different numbers of points: {words}",
                             hint="--grid takes every combination")  # fmt: skip
        if is_grid:
            self._columns = [Given(column.read(0, column.size)) for column in self._columns]
        self._first, self._end = part.of(prod(sizes) if is_grid else sizes[0])
        self.steps = 1 + (self._end - self._first) // BLOCK_ROWS

    def shape(self, column: int) -> Shape:
        """The shape of what a row has in a column."""
        return self._columns[column].shape

    def blocks(self, wanted: Sequence[int]) -> Iterator[Block]:
        """Blocks of rows."""
        for start in range(self._first, self._end, BLOCK_ROWS):
            stop = min(start + BLOCK_ROWS, self._end)
            yield Block([self._read(k, start, stop) for k in wanted], row_place("points", start))

    def _read(self, column: int, start: int, stop: int) -> Any:
        if not self._sizes:
            return self._columns[column].read(start, stop)
        inner = prod(self._sizes[column + 1 :])
        places = np.arange(start, stop) // inner % self._sizes[column]
        return self._columns[column].read(0, self._sizes[column])[places]
