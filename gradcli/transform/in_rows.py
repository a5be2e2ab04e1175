"""A program of arrays at many points at once: arrays with one more axis in front, that of rows.

Every row is a run of its own, in which some inputs have other values. The axis is written into the
graph, and not left to the arithmetic: each array of rows has its full number of axes, so that numpy
lines it up with what is the same in all rows, and any arithmetic of arrays can run the graph.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from sys import maxsize
from typing import Any

from gradcli.gates.row import Gate
from gradcli.gates.shapes import Axis, Shape, column, row
from gradcli.graph.nodes import Graph

Place = tuple[int | None, int | None] | int
EVERY: Place = (None, None)  # row, in an index


class InRows:
    """The graph of rows, and its nodes by those of the program."""

    def __init__(self, source: Graph, output: int, leaves: Collection[int], count: int) -> None:
        """`leaves` are the inputs that differ by row. Raises KeyError for a gate without a rule."""
        self.source = source
        self.count = count
        self.graph = Graph(source.table)
        self.graph.most_elements = maxsize  # the caller takes as many rows as memory allows
        self.nodes: dict[int, int] = {}
        self.varied: set[int] = set()  # the nodes of this graph that have the axis of rows
        for node in source.ancestors([output]):
            self.nodes[node] = self._node(node, node in leaves)

    def shape(self, node: int) -> Shape:
        """The shape that a node of this graph has in a row."""
        shape = self.graph.shape(node)
        return shape[1:] if node in self.varied else shape

    def add(self, name: str, *operands: int) -> int:
        """A gate of operands that are lined up."""
        node = self.graph.add(self.source.table[name], operands)
        if not self.varied.isdisjoint(operands):
            self.varied.add(node)
        return node

    def static(self, *value: Any) -> int:
        """An operand that is no number."""
        return self.graph.static(value)

    def aligned(self, node: int, rank: int) -> int:
        """An array of rows with so many axes in a row."""
        shape = self.shape(node)
        return self.reshaped(node, ((1,) * (rank - len(shape)) + shape))

    def reshaped(self, node: int, shape: Shape) -> int:
        """An array, in a row of another shape."""
        if shape == self.shape(node):
            return node
        lead = (self.count,) if node in self.varied else ()
        return self.add("reshape", node, self.static(*lead, *shape))

    def spread(self, node: int, shape: Shape) -> int:
        """An array that has the axis of rows and in a row the shape, as it is repeated for that."""
        rank = len(shape)
        whole = self.aligned(node, rank) if node in self.varied else node
        filled = self.add("fill", whole, self.static(self.count, *shape))
        self.varied.add(filled)
        return filled

    def merged(self, node: int, shape: Shape) -> int:
        """An array of rows as one array of a shape, which has no axis of rows of its own."""
        return self.graph.add(self.source.table["reshape"], (node, self.static(*shape)))

    def parted(self, node: int, shape: Shape) -> int:
        """One array for all rows as an array of rows, in a row of a shape."""
        new = self.graph.add(self.source.table["reshape"], (node, self.static(self.count, *shape)))
        self.varied.add(new)
        return new

    def _node(self, node: int, is_varied: bool) -> int:
        source, graph = self.source, self.graph
        if node in source.constants:
            return graph.fixed(source.constants[node])
        if source.is_leaf(node):
            lead = (self.count,) if is_varied else ()
            new = graph.input(source.names[node], shape=(*lead, *source.shape(node)))
            if is_varied:
                self.varied.add(new)
            return new
        gate, operands = source.gates[node], [self.nodes[k] for k in source.operands[node]]
        if self.varied.isdisjoint(operands):
            return self.add(gate.name, *operands) if gate.own is None else self._refuse(gate)
        if gate.name == "pow" and self.graph.constants.get(operands[1]) == 2:
            return self.add("square", operands[0])  # the same, and far faster
        if not gate.is_structural:
            rank = len(source.shape(node))
            return self.add(gate.name, *[
                self.aligned(k, rank) if k in self.varied else k for k in operands
            ])  # fmt: skip
        return RULES[gate.name](self, gate, operands, source.shape(node))

    def _refuse(self, gate: Gate) -> int:
        raise KeyError(gate.name)


Rule = Callable[[InRows, Gate, list[int], Shape], int]


def _behind(axis: Axis) -> Axis:
    """Axes with that of rows in front of them."""
    return tuple(k + 1 for k in axis[0]), axis[1]


def _along(rows: InRows, gate: Gate, operands: list[int], _: Shape) -> int:
    x, axis = operands
    return rows.add(gate.name, x, rows.static(*_behind(rows.graph.constants[axis])))


def _softmax(rows: InRows, _: Gate, operands: list[int], __: Shape) -> int:
    """Written out, as it bends where its exponentials do."""
    x, axis = operands
    kept = rows.static(_behind(rows.graph.constants[axis])[0], True)
    shifted = rows.add("sub", x, rows.add("amax", x, kept))
    exponentials = rows.add("exp", shifted)
    return rows.add("div", exponentials, rows.add("sum", exponentials, kept))


def _log_softmax(rows: InRows, _: Gate, operands: list[int], __: Shape) -> int:
    x, axis = operands
    kept = rows.static(_behind(rows.graph.constants[axis])[0], True)
    return rows.add("sub", x, rows.add("lse", x, kept))


def _transpose(rows: InRows, _: Gate, operands: list[int], __: Shape) -> int:
    x, axes = operands
    return rows.add("transpose", x, rows.static(0, *[k + 1 for k in rows.graph.constants[axes]]))


def _reshape(rows: InRows, _: Gate, operands: list[int], shape: Shape) -> int:
    return rows.reshaped(operands[0], shape)


def _fill(rows: InRows, _: Gate, operands: list[int], shape: Shape) -> int:
    return rows.spread(operands[0], shape)


def _index(rows: InRows, _: Gate, operands: list[int], __: Shape) -> int:
    x, at = operands
    return rows.add("index", x, rows.static(EVERY, *rows.graph.constants[at]))


def _concatenate(rows: InRows, _: Gate, operands: list[int], __: Shape) -> int:
    axis, *parts = operands
    wide = [k if k in rows.varied else rows.spread(k, rows.shape(k)) for k in parts]
    return rows.add("concatenate", rows.static(rows.graph.constants[axis][0] + 1), *wide)


def _list(rows: InRows, _: Gate, operands: list[int], shape: Shape) -> int:
    """The parts of a list one after another along a new axis."""
    parts = [
        rows.reshaped(k if k in rows.varied else rows.spread(k, shape[1:]), (1, *shape[1:]))
        for k in operands
    ]
    return rows.add("concatenate", rows.static(1), *parts)


def _matmul(rows: InRows, _: Gate, operands: list[int], shape: Shape) -> int:
    x, y = operands
    left, right = row(rows.shape(x)), column(rows.shape(y))
    if y not in rows.varied and len(left) == len(right) == 2:  # one product for all rows
        flat = rows.merged(rows.reshaped(x, left), (rows.count * left[0], left[1]))
        return rows.parted(rows.add("matmul", flat, rows.reshaped(y, right)), shape)
    rank = max(len(left), len(right))
    factors = [
        rows.aligned(k, rank) if k in rows.varied else k
        for k in (rows.reshaped(x, left), rows.reshaped(y, right))
    ]
    return rows.reshaped(rows.add("matmul", *factors), shape)


RULES: dict[str, Rule] = {
    **dict.fromkeys(
        ("sum", "mean", "var", "prod", "amax", "amin", "norm", "lse", "cumsum"), _along
    ),
    "softmax": _softmax, "log_softmax": _log_softmax,
    "transpose": _transpose, "reshape": _reshape, "fill": _fill, "index": _index,
    "concatenate": _concatenate, "list": _list, "matmul": _matmul,
}  # fmt: skip
