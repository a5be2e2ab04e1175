"""A program over columns of points: its value and gradients at every row."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Callable, Sequence
from threading import Lock
from typing import TYPE_CHECKING, Any
from weakref import finalize

import numpy as np

from gradcli.arithmetic.chunks import Chunks
from gradcli.errors import UsageError
from gradcli.evaluation.lines import line_of
from gradcli.gates.shapes import Shape
from gradcli.graph.nodes import Graph
from gradcli.named_tuples import NamedTuple
from gradcli.program.model import Program

if TYPE_CHECKING:
    from gradcli.native.machine import NativeChunks


LEAST_KEPT = 2**22  # bytes: what is smaller comes from memory that the process has already
NO_CODE = "the extra `native` has what it takes (llvmlite, on a processor with FMA); or write numpy"


class Outcome(NamedTuple):
    """The results at some rows."""

    columns: list[Any]  # the value and each gradient; their first axis are the rows
    rows: Any  # of numbers also as one table, (rows, columns); None of arrays
    bad: Any  # where a result is not finite: true and false; None: nowhere
    edges: list[Any]  # for each gate of `edges`, where it has a convention in the place of a slope


class NumberColumns:
    """A program of numbers: one straight line of gates for thousands of rows at a time.

    `engine` is numpy or native. Raises UsageError where there is no machine code of the program.
    """

    def __init__(
        self, program: Program, varied: Sequence[str], wrt: Sequence[str], engine: str = "numpy"
    ) -> None:
        line = line_of(program, varied, wrt)
        self.edges = [*line.edges]  # gates of the program
        self.engine = engine
        self._varied = varied
        self._lock = Lock()  # its buffers are those of one call
        self._width = len(line.outputs)
        self._memory = Memory()
        parts = line.graph, line.outputs, [*line.edges.values()]
        self._chunks: Chunks | NativeChunks
        self._chunks = Chunks(*parts) if engine == "numpy" else _machine_code(*parts)

    def run(self, columns: Sequence[Any], by_rows: bool = True) -> Outcome:
        """The results at rows, whose numbers stand in the order of `varied`.

        Where the value is nan, every gradient is. The results of a row are neighbours in memory,
        or those of a column.
        """
        count = len(columns[0])
        shape = (count, self._width)
        rows = np.empty(shape) if by_rows else self._memory.empty(shape)
        step = self._chunks.at_once(columns, rows)
        is_finite, edges = True, [np.empty(count, bool) for _ in self.edges]
        for start in range(0, count, step):
            part = slice(start, min(count, start + step))
            piece = {n: x[part] for n, x in zip(self._varied, columns, strict=True)}
            with self._lock:
                is_sure, on_edge = self._chunks.run(piece, rows[part])
            is_finite &= is_sure
            for whole, here in zip(edges, on_edge, strict=True):
                whole[part] = here
        bad = None
        if not is_finite:
            rows[np.isnan(rows[:, 0])] = np.nan
            bad = ~np.isfinite(rows).all(axis=1)
        return Outcome([*rows.T], rows, bad, edges)


def _machine_code(graph: Graph, outputs: Sequence[int], edges: Sequence[int]) -> NativeChunks:
    """The machine code of a straight line. Raises UsageError."""
    from gradcli.native.machine import native_chunks  # late: it loads llvmlite

    chunks = native_chunks(graph, outputs, edges)
    if chunks is None:
        raise UsageError("this program has no machine code here", hint=NO_CODE)
    return chunks


class Memory:
    """The memory of results that are gone, for the next ones of the same size.

    The system clears what it hands out, which takes longer than a small function does.
    """

    def __init__(self) -> None:
        self._free: deque[Any] = deque(maxlen=1)  # threads take and append without meeting

    def empty(self, shape: Shape) -> Any:
        """An array of any numbers, whose columns are dense."""
        size = 8 * math.prod(shape)
        if size < LEAST_KEPT:
            return np.empty(shape, order="F")
        try:
            block = self._free.pop()
        except IndexError:
            block = None
        if block is None or len(block) != size:
            block = np.empty(size, np.uint8)
        # All views refer to this array and keep it: numpy does not look behind a memoryview.
        numbers = np.frombuffer(memoryview(block))
        finalize(numbers, self._free.append, block).atexit = False
        return numbers.reshape(shape, order="F")


class ArrayColumns:
    """A function of arrays, called row by row."""

    edges: Sequence[int] = ()
    engine = "numpy"

    def __init__(self, call: Callable[..., Any], places: Sequence[int], shapes: Sequence[Shape]):
        """`places` are those of the gradients that are wanted, `shapes` of these."""
        self._call = call
        self._wanted = list(zip(places, shapes, strict=True))

    def run(self, columns: Sequence[Any], by_rows: bool = True) -> Outcome:  # noqa: ARG002
        """The results at rows, of the numbers and arrays that the function takes.

        Where the value is nan, every gradient is.
        """
        count = len(columns[0])
        value = np.empty(count)
        slopes = [np.empty((count, *shape)) for _, shape in self._wanted]
        for row, point in enumerate(zip(*columns, strict=True)):
            value[row], gradients = self._call(*point)
            for slope, (k, _) in zip(slopes, self._wanted, strict=True):
                slope[row] = gradients[k]
        for slope in slopes:
            slope[np.isnan(value)] = np.nan
        results = [value, *slopes]
        bad = ~np.logical_and.reduce([np.isfinite(x).reshape(count, -1).all(1) for x in results])
        return Outcome(results, None, bad if bad.any() else None, [])
