"""The graph as it grows while a Python file is read, with the float64 value of every node.

Content that depends on no input is computed at once by numpy and never becomes a node before it
meets one that does.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import zip_longest
from math import prod
from typing import Any, NamedTuple

import numpy as np

from gradcli.arithmetic.arrays import ARRAYS
from gradcli.errors import LimitError, ShapeError
from gradcli.gates.shapes import Places, Shape, broadcast
from gradcli.graph.nodes import Graph
from gradcli.program.model import Decision
from gradcli.python.state.limits import MOST_DATA, MOST_NODES, MOST_PRODUCTS
from gradcli.python.state.values import Array, Content

Cut = tuple[int, int | None]  # where a part begins and ends; None for the end of the array


class Elementwise(NamedTuple):
    """An operation of numbers: the gate for nodes, and numpy's function for known data."""

    gate: str
    numpy: Callable[..., Any]


COMPARISONS = ("lt", "le", "gt", "ge", "eq", "ne")


class Tape:
    """A graph, the values of its nodes, and what was decided by values."""

    def __init__(self) -> None:
        self.graph = Graph()
        self.values: list[Any] = []
        self.booleans: set[int] = set()  # nodes that hold True and False
        self.boxed: set[int] = set()  # numbers that `np.array` has made arrays without axes
        self.decisions: list[Decision] = []
        self.cuts: dict[int, set[Cut]] = {}  # of inputs of one axis: the slices that were taken
        self.known = 0  # elements that numpy has computed as known data
        self.place = 0  # the offset in the text of what is read now
        self._lifted: dict[int, tuple[Any, int]] = {}  # by the identity of a numpy array
        self._ranges: dict[Shape, Any] = {}

    # ---------------------------------------------------------------- nodes

    def input(self, name: str, value: Any) -> int:
        """The node of an input."""
        node = self.graph.input(name, self.place, np.shape(value))
        self._keep(node, value)
        return node

    def _keep(self, node: int, value: Any) -> None:
        self.values.extend([None] * (len(self.graph) - len(self.values)))
        self.values[node] = value
        if len(self.graph) > MOST_NODES:
            raise LimitError(f"the program has more than {MOST_NODES} gates, loops unrolled",
                             hint="check a smaller case: fewer steps, smaller arrays")  # fmt: skip

    def static(self, value: tuple[Any, ...]) -> int:
        """The node of a shape, an axis, places."""
        node = self.graph.static(value)
        self._keep(node, value)
        return node

    def node(self, content: Content) -> int:
        """The node of a content; data becomes a constant."""
        if content.__class__ is int:
            node: int = content
            return node
        if not content.shape:
            node = self.graph.constant(float(content), self.place)
            self._keep(node, float(content))
            return node
        known = self._lifted.get(id(content))
        if known is None:
            if content.dtype.kind not in "fiub":
                raise ShapeError(f"an array of {content.dtype} is not one of real numbers")
            constant = self.graph.array(content.astype(float))
            self._keep(constant, self.graph.constants[constant])
            known = self._lifted[id(content)] = content, constant
        return known[1]

    def gate(self, name: str, *operands: int) -> int:
        """A new node of a gate, and its value."""
        gate = self.graph.table[name]
        node = self.graph.add(gate, operands, self.place)
        with ARRAYS.quiet():
            value = ARRAYS.forward(gate, len(operands))(self.values, operands)
        self._keep(node, value)
        return node

    def note_cut(self, content: Content, key: Any) -> None:
        """Keep where a plain slice of an input of one axis begins and ends."""
        if content.__class__ is int and isinstance(key, slice) and key.step is None:
            is_input = self.graph.gates[content].name == "input"
            start = key.start or 0
            if is_input and len(self.shape(content)) == 1 and start >= 0 <= (key.stop or 0):
                self.cuts.setdefault(content, set()).add((start, key.stop))

    def copy(self, content: Content) -> Content:
        """The content as a node of its own; data stays as it is."""
        return self.gate("copy", content) if content.__class__ is int else content

    # ---------------------------------------------------------------- what contents are

    def shape(self, content: Content) -> Shape:
        """The sizes of the axes."""
        return self.graph.shape(content) if content.__class__ is int else content.shape

    def value(self, content: Content) -> Any:
        """The numbers, as they are at the point."""
        if content.__class__ is not int:
            return content
        value = np.asarray(self.values[content])
        return value.astype(bool) if content in self.booleans else value

    def is_known(self, content: Content) -> bool:
        """Whether the content is data: it depends on no input."""
        return content.__class__ is not int

    def is_same(self, content: Content, other: Content) -> bool:
        """Whether two contents are not two nodes, other than of the same elements of an array."""
        if content.__class__ is not int:
            return True
        if other.__class__ is not int or content == other:
            return bool(other.__class__ is int)
        gates, operands = self.graph.gates, self.graph.operands
        is_element = gates[content].name == gates[other].name == "index"
        return bool(is_element and operands[content] == operands[other])

    def is_boolean(self, content: Content) -> bool:
        """Whether the content holds True and False."""
        if content.__class__ is int:
            return content in self.booleans
        return bool(content.dtype == bool)

    def decide(self, content: Content, rule: Callable[[Any], Any]) -> Any:
        """What a rule makes of the numbers at the point; it holds at this point only."""
        value = self.value(content)
        outcome = rule(value)
        if content.__class__ is int:
            self.decisions.append(Decision(content, rule, outcome))
        return outcome

    # ---------------------------------------------------------------- operations

    def apply(self, operation: Elementwise, *contents: Content) -> Content:
        """An operation, element by element."""
        if all(content.__class__ is not int for content in contents):
            sizes = zip_longest(*(content.shape[::-1] for content in contents), fillvalue=1)
            refuse_large(prod(map(max, sizes)))
            with np.errstate(all="ignore"):
                return self.data(operation.numpy(*contents))
        node = self.gate(operation.gate, *[self.node(content) for content in contents])
        if operation.gate in COMPARISONS:
            self.booleans.add(node)
        return node

    def data(self, value: Any) -> Any:
        """What numpy has computed, as known data."""
        array = np.asarray(value)
        refuse_large(array.size)
        if array.dtype.kind == "c":
            raise ShapeError("complex numbers are not read")
        self.known += array.size
        return array

    def products(self, count: int, function: Callable[..., Any], *contents: Content) -> Any:
        """What numpy makes of known data by so many products, which are counted beforehand."""
        if count > MOST_PRODUCTS:
            raise LimitError(
                f"{count} products of known data; at most {MOST_PRODUCTS} are computed"
            )
        self.known += count
        with np.errstate(all="ignore"):
            return function(*contents)

    def reshape(self, content: Content, shape: Shape) -> Content:
        """The elements in another shape."""
        if content.__class__ is not int:
            return content.reshape(shape)
        if self.graph.shape(content) == shape:
            return content
        if not shape:
            return self.gate("index", content, self.static((0,) * len(self.shape(content))))
        if not self.graph.shape(content):
            return self.gate("fill", content, self.static(shape))
        return self.gate("reshape", content, self.static(shape))

    def transpose(self, content: Content, axes: Shape) -> Content:
        """The axes in another order."""
        if content.__class__ is not int:
            return content.transpose(axes)
        if axes == tuple(range(len(axes))):
            return content
        return self.gate("transpose", content, self.static(axes))

    def fill(self, content: Content, shape: Shape) -> Content:
        """The content broadcast to a shape."""
        own = self.shape(content)
        if own == shape:
            return content
        self.refuse_misfit(own, shape)
        if content.__class__ is not int:
            return np.broadcast_to(content, shape)
        return self.gate("fill", content, self.static(shape))

    @staticmethod
    def refuse_misfit(own: Shape, shape: Shape) -> None:
        """Raise ShapeError where a shape cannot be broadcast to another."""
        if len(own) > len(shape) or broadcast(own, shape) != shape:
            raise ShapeError(f"could not broadcast shape {own} into shape {shape}")

    def reduce(self, name: str, content: int, axes: Shape, is_kept: bool) -> int:
        """A reduction of a node along axes."""
        if not self.graph.shape(content):
            return content
        return self.gate(name, content, self.static((axes, is_kept)))

    def join(self, contents: list[Content], axis: int) -> Content:
        """Arrays one after another along an axis."""
        if all(content.__class__ is not int for content in contents):
            refuse_large(sum(content.size for content in contents))
            return self.data(np.concatenate(contents, axis))
        nodes = [self.node(content) for content in contents]
        return self.gate("concatenate", self.static((axis,)), *nodes)

    # ---------------------------------------------------------------- places

    def places(self, shape: Shape) -> Any:
        """The flat place of every element of an array of some shape, in that shape."""
        if shape not in self._ranges:
            self._ranges[shape] = np.arange(prod(shape)).reshape(shape)
        return self._ranges[shape]

    def take(self, node: int, flat: Any) -> int:
        """Elements by their flat places, in the shape of the places; -1 gives 0."""
        flat = np.asarray(flat)
        return self.gate("take", node, self.static((Places(flat, flat.shape),)))

    def give(self, node: int, shape: Shape, flat: Any) -> int:
        """Zeros of some shape to which elements are added at flat places."""
        flat = np.asarray(flat)
        places = self.static((Places(flat, flat.shape),))
        return self.gate("give", node, self.static(shape), places)


def refuse_large(size: int) -> None:
    """Refuse arrays of known data without end, before they are made where that can be."""
    if size > MOST_DATA:
        raise LimitError(f"an array of {size} elements is more than {MOST_DATA}")


def content_of(tape: Tape, value: Any) -> Content:
    """The content of a value: an array, a number, or lists of these. Raises ShapeError."""
    if isinstance(value, Array):
        return value.content
    if isinstance(value, (bool, int, float, np.ndarray, np.generic)):
        try:
            return tape.data(value)
        except OverflowError:
            raise ShapeError("a whole number too large for float64") from None
    if isinstance(value, range):
        refuse_large(len(value))
        return tape.data(np.arange(value.start, value.stop, value.step))
    if isinstance(value, (list, tuple)):
        return _stacked(tape, value)
    raise ShapeError(f"{kind_of(value)} is not a number or an array")


def _stacked(tape: Tape, parts: Any) -> Content:
    contents = [content_of(tape, part) for part in parts]
    if not contents:
        return np.zeros(0)
    shapes = {tape.shape(content) for content in contents}
    if len(shapes) > 1:
        shown = " and ".join(map(str, sorted(shapes)[:3]))
        raise ShapeError(f"the parts of a list have shapes {shown}", hint="make them equally long")
    if all(content.__class__ is not int for content in contents):
        refuse_large(sum(content.size for content in contents))
        return tape.data(np.stack(contents))
    return tape.gate("list", *[tape.node(content) for content in contents])


KINDS = {  # of values, in words
    "NoneType": "None", "str": "a text", "dict": "a dictionary", "tuple": "a tuple",
    "list": "a list", "bool": "a truth value", "int": "a whole number", "float": "a number",
    "Array": "an array", "Instance": "an object", "Function": "a function", "Method": "a method",
    "Class": "a class", "Library": "a function", "OfArray": "a method", "set": "a set",
    "Given": "a list",
}  # fmt: skip


def kind_of(value: Any) -> str:
    """A value's type in words."""
    name = type(value).__name__
    return KINDS.get(name, name)
