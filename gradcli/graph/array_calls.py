"""Lowering of array expressions: list literals, indices, attributes, and calls with an axis."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from math import nan, prod
from typing import Any, NoReturn

from gradcli.errors import GradcliError, LimitError, ParseError, ShapeError, SizeFault
from gradcli.gates.shapes import MOST_AXES, Shape, normal_axes, with_unknown
from gradcli.graph.nodes import Graph
from gradcli.graph.sizes import NumberOf, UnknownSizeError, known_number
from gradcli.syntax import Call, Tree
from gradcli.syntax.refusals import INSTEAD, MASK, ONE_HOT
from gradcli.syntax.tokens import Source
from gradcli.syntax.tree import number_text

# The gate that a function is when it is called with one array.
REDUCTIONS = {
    "sum": "sum", "mean": "mean", "var": "var", "std": "std", "prod": "prod", "norm": "norm",
    "max": "amax", "min": "amin", "amax": "amax", "amin": "amin", "softmax": "softmax",
    "logsumexp": "lse", "hypot": "norm", "log_softmax": "log_softmax", "softmin": "softmax",
}  # fmt: skip
ELEMENTWISE = ("max", "min", "logsumexp", "hypot")  # of several operands
FILLED = {"zeros": 0.0, "ones": 1.0, "zeros_like": 0.0, "ones_like": 1.0}
SHAPED = ("zeros", "ones", "randn", "eye")
COMPARISON_GATES = ("lt", "le", "gt", "ge", "eq", "ne")
ONE_AXIS = ("softmax", "log_softmax", "softmin")  # of several the user names one
# Functions that load numpy; of those that reduce too, norm has orders.
MOVED = ("flip", "fliplr", "flipud", "roll", "rot90", "tril", "triu", "diag", "diagonal", "repeat",
         "tile", "take", "take_along_axis", "pad", "gather", "swapaxes", "moveaxis", "one_hot",
         "scatter", "cumsum", "cumprod", "sort", "diff", "inv", "det", "logdet", "cholesky",
         "solve", "slogdet", "cross", "kron", "einsum")  # fmt: skip
SAME = ("array", "asarray")  # of a list or an array; every array of the language is one of numpy
LOADED = ("load", "loadtxt", "genfromtxt")  # of a file of numbers
JOINED = ("concatenate", "stack")
FLATTENED = ("ravel", "flatten")
ARRAY_FUNCTIONS = (*REDUCTIONS, *FILLED, "randn", "eye", "linspace", "outer", "dot", "matmul",
                   "trace", "transpose", "reshape", *JOINED, *FLATTENED, *SAME, *MOVED,
                   *LOADED)  # fmt: skip

OpenFile = Callable[[str], Any]  # the path of a file of numbers, as written -> its array


class Tuple:
    """A tuple of values: a shape, axes, arrays to join."""

    __slots__ = ("parts", "token")

    def __init__(self, parts: list[Any], token: int) -> None:
        self.parts = parts
        self.token = token  # where it stands


class ArrayCalls(ABC):
    """The part of lowering that deals with array functions, indices and attributes."""

    graph: Graph
    source: Source
    stream: str
    number_of: NumberOf
    open_file: OpenFile | None
    known: dict[int, float]
    measured: set[int]
    tree: Tree

    @abstractmethod
    def fail(
        self, kind: type[GradcliError], token: int, message: str, hint: str | None = None
    ) -> NoReturn:
        """Raise an error at the place of a token."""

    # ---------------------------------------------------------------- values

    def node(self, value: Any, token: int) -> int:
        """A value as a node: a list literal becomes an array."""
        if isinstance(value, int):
            return value
        if isinstance(value, list):
            level: list[Any] = [value]
            for _ in range(MOST_AXES + 1):
                level = [part for v in level if isinstance(v, list) for part in v]
            if level:
                self.fail(LimitError, token, f"lists nest at most {MOST_AXES} deep")
            if not value:
                return self._full(0.0, (0,), token)  # a gate has operands
            return self._gate("list", [self.node(part, token) for part in value], token)
        if isinstance(value, str):
            self.fail(ParseError, token, "a text is not a value")
        self.fail(ParseError, value.token, "a tuple is not a value", "write a list: `[a, b]`")

    def _gate(self, name: str, operands: list[int], token: int) -> int:
        return self.graph.node(self.graph.table[name], tuple(operands), token)

    def whole_number(self, value: Any, token: int, role: str) -> int:
        """A whole number that is known beforehand, as `role`. Raises SizeFault."""
        node = self.node(value, token)
        try:
            number = known_number(self.graph, node, self.known, self.number_of)
            words = number_text(number)
        except UnknownSizeError as error:
            node, number, words = error.node, nan, error.words
        if not number.is_integer():
            name = self.graph.names.get(node)
            subject = f"`{name}`" if name else "this"
            self.fail(SizeFault, self._spot(node, token),
                      f"{subject} is {words}: {role} is a whole number",
                      self._index_advice(node) if role == "an index" else None)  # fmt: skip
        return int(number)

    def _spot(self, node: int, token: int) -> int:
        """Where a node stands in the tree, from a token on: leaves are noted only once."""
        name, number = self.graph.names.get(node), self.graph.constants.get(node)
        for op, arg, start in zip(self.tree.ops, self.tree.args, self.tree.starts, strict=True):
            if start >= token and ((op == "name" and arg == name) or
                                   (op == "number" and arg == number)):  # fmt: skip
                return start
        return max(self.graph.tokens[node], token)

    def _index_advice(self, node: int) -> str | None:
        if self.graph.gates[node].name in COMPARISON_GATES:
            return MASK
        return ONE_HOT if self.graph.shape(node) else None

    def _whole_numbers(self, values: Sequence[Any], token: int, role: str) -> Shape:
        return tuple([self.whole_number(value, token, role) for value in values])

    def _places(self, indices: list[Any], token: int) -> tuple[Any, ...]:
        """Indices as constants: whole numbers, and (start, stop) for slices."""
        return tuple([
            (index.start, index.stop) if isinstance(index, slice)
            else self.whole_number(index, token, "an index")
            for index in indices
        ])  # fmt: skip

    def _places_of(self, indices: Tuple, token: int) -> tuple[Any, ...]:
        return self._places(indices.parts, token)

    def element(self, value: Any, indices: list[Any], token: int) -> Any:
        """An index or slice; of a shape, one of its sizes."""
        if any(isinstance(index, list) for index in indices):
            from gradcli.graph.array_functions import Site, picked  # late: it loads numpy

            return picked(Site(self, "", token), self.node(value, token), indices)
        at = [*self._places(indices, token)]
        while isinstance(value, list) and at and not isinstance(at[0], tuple):
            if not -len(value) <= at[0] < len(value):
                break  # the rule of shapes has the words for it
            value = value[at.pop(0)]
        if not at:
            return value
        if isinstance(value, Tuple):
            return self._part(value, at, token)
        return self._gate("index", [self.node(value, token), self.graph.static(tuple(at))], token)

    def _part(self, value: Tuple, at: list[Any], token: int) -> Any:
        sizes, place = value.parts, at[0]
        if len(at) == 1 and isinstance(place, tuple):
            return Tuple(sizes[slice(*place)], token)
        if len(at) > 1 or not -len(sizes) <= place < len(sizes):
            self.fail(ShapeError, token, f"a shape of {len(sizes)} sizes has no such element")
        return sizes[place]

    def unpacked(self, value: Tuple, which: tuple[int, int], token: int) -> Any:
        """The size that the k-th of n names on the left of a shape gets; `which` is (k, n)."""
        k, names = which
        if len(value.parts) != names:
            self.fail(ShapeError, token,
                      f"{names} names for a shape of {len(value.parts)} sizes")  # fmt: skip
        return value.parts[k]

    def attribute(self, value: Any, name: str, token: int) -> Any:
        """`.T`, `.shape` and `.size`."""
        node = self.node(value, token)
        shape = self.graph.shape(node)
        if not shape:
            self.fail(ShapeError, token, f"`.{name}` needs an array, this is a number")
        if name == "T":
            return self._transposed(node, tuple(reversed(range(len(shape)))), token)
        self.measured.add(node)
        if name == "size":
            return self.graph.constant(float(prod(shape)), token)
        return Tuple([self.graph.constant(float(size), token) for size in shape], token)

    def _transposed(self, node: int, axes: Shape, token: int) -> int:
        if len(axes) < 2:
            return node
        return self._gate("transpose", [node, self.graph.static(axes)], token)

    # ---------------------------------------------------------------- calls

    def array_call(self, call: Call, operands: list[Any], token: int) -> Any:
        """The value of a call of an array function; None for any other call."""
        name = call.name
        if call.method and isinstance(operands[0], int) and not self.graph.shape(operands[0]):
            self.fail(ShapeError, token, f"`.{name}` needs an array, this is a number")
        if name not in ARRAY_FUNCTIONS and not (call.method and name == "copy"):
            return None
        count = len(operands) - len(call.keywords)
        positional = operands[:count]
        keywords = dict(zip(call.keywords, operands[count:], strict=True))
        for key in keywords:
            if call.keywords.count(key) > 1:
                self.fail(ParseError, token, f"`{key}` of `{name}` is given twice")
        if call.starred and (name not in SHAPED or not isinstance(positional[0], Tuple)):
            self.fail(ParseError, token, f"`{name}(*...)`: `*` stands before a shape only",
                      "write `randn(*D.shape)`")  # fmt: skip
        if name in MOVED or (name == "norm" and ("ord" in keywords or len(positional) > 1)):
            from gradcli.graph.array_functions import call_function  # late: it loads numpy

            return call_function(self, call, operands, token)
        if name in REDUCTIONS and self._is_reduction(call, positional, keywords):
            return self._reduction(call, positional, keywords, token)
        if name in ELEMENTWISE:
            return None
        if name in LOADED:
            return self._loading(name, positional, keywords, token)
        axis = keywords.pop("axis", None) if name in JOINED else None
        self._refuse_keywords(name, keywords, token)
        if name in FILLED or name in SHAPED:
            return self._filled(name, positional, token)
        return self._rearranged(name, positional, axis, token)

    def _loading(
        self, name: str, positional: list[Any], keywords: dict[str, Any], token: int
    ) -> int:
        """`np.loadtxt("X.csv", delimiter=",")`: the array in the file."""
        if keywords.get("delimiter") == ",":
            del keywords["delimiter"]
        self._refuse_keywords(name, keywords, token)
        if len(positional) != 1 or not isinstance(positional[0], str):
            self.fail(ParseError, token, f"`{name}` takes the name of one file, in quotes")
        return self.loaded(positional[0], token)

    def loaded(self, path: str, token: int) -> int:
        """The node of the array in a file that the program names."""
        if self.open_file is None:
            self.fail(ParseError, token, "no file is read here", "write its numbers out")
        try:
            array = self.open_file(path)
        except GradcliError as error:
            error.span = self.source.span(token)
            raise
        return self.graph.array(array) if array.shape else self.graph.constant(float(array))

    def _refuse_keywords(self, name: str, keywords: dict[str, Any], token: int) -> None:
        for key in keywords:
            self.fail(ParseError, token, f"`{name}` takes no `{key}=` here", INSTEAD.get(key))

    def _is_reduction(self, call: Call, positional: list[Any], keywords: dict[str, Any]) -> bool:
        if call.name not in ELEMENTWISE or call.method or keywords:
            return True
        if call.prefix in ("np.", "numpy.") and call.name in ("max", "min") and len(positional) > 1:
            return True
        if len(positional) != 1 or isinstance(positional[0], Tuple):
            return False
        if isinstance(positional[0], list):  # of numbers: as if they were the operands
            return any(isinstance(x, list) or self.graph.shape(x) for x in positional[0])
        return bool(self.graph.shape(positional[0]))

    def _reduction(
        self, call: Call, positional: list[Any], keywords: dict[str, Any], token: int
    ) -> int:
        """A reduction over `axis=`, or over everything."""
        name, graph = call.name, self.graph
        if not positional:
            self.fail(ParseError, token, f"`{name}` needs at least one operand")
        is_numpy = call.method or call.prefix in ("np.", "numpy.")
        has_second = is_numpy and name not in ("norm", *ONE_AXIS) and "axis" not in keywords
        if len(positional) == 2 and has_second:
            keywords = {"axis": positional[1], **keywords}
        elif len(positional) > 1:
            self.fail(ParseError, token,
                      f"`{name}` takes one array, got {len(positional)} operands",
                      f"write `{name}(x, axis=0)` or `{name}([a, b])`")  # fmt: skip
        node = self.node(positional[0], token)
        axis, keep = keywords.pop("axis", None), keywords.pop("keepdims", None)
        ddof = keywords.pop("ddof", None) if name in ("var", "std") else None
        self._refuse_keywords(name, keywords, token)
        shape = graph.shape(node)
        if name in ONE_AXIS and axis is None and len(shape) > 1:
            self.fail(ShapeError, token, f"{name} of shape {shape}: along which axis?",
                      f"write `{name}(x, axis=1)` for the {name} of every row")  # fmt: skip
        axes: Any = None
        if isinstance(axis, Tuple):
            axes = self._whole_numbers(axis.parts, token, "an axis")
        elif axis is not None:
            axes = self.whole_number(axis, token, "an axis")
        axes = normal_axes(axes, len(shape))
        is_kept = False
        if keep is not None:
            kept = self.whole_number(keep, token, "`keepdims`")
            is_kept = kept == 1
            if kept not in (0, 1):
                self.fail(ParseError, token, "`keepdims=` is `True` or `False`")
        node = self._gate("neg", [node], token) if name == "softmin" else node
        reduced = self._gate(REDUCTIONS[name], [node, graph.static((axes, is_kept))], token)
        if ddof is None:
            return reduced
        return self._unbiased(name, reduced, prod(shape[k] for k in axes), ddof, token)

    def _unbiased(self, name: str, reduced: int, count: int, ddof: Any, token: int) -> int:
        """A variance or deviation of `count` numbers, by fewer degrees of freedom."""
        less = self.whole_number(ddof, token, "`ddof`")
        if less >= count:
            self.fail(ShapeError, token, f"`{name}` of {count} numbers with ddof={less}",
                      f"`ddof` is at most {count - 1}")  # fmt: skip
        numbers = [self.graph.constant(float(n), token) for n in (count, count - less)]
        factor = self._gate("div", numbers, token)
        factor = self._gate("sqrt", [factor], token) if name == "std" else factor
        return self._gate("mul", [reduced, factor], token)

    def _reshaped(self, node: int, shape: Shape, token: int) -> int:
        return self._gate("reshape", [node, self.graph.static(shape)], token)

    def _full(self, value: float, shape: Shape, token: int) -> int:
        if not shape:
            return self.graph.constant(value, token)
        constant = self.graph.constant(value, token)
        return self._gate("fill", [constant, self.graph.static(shape)], token)

    def _filled(self, name: str, positional: list[Any], token: int) -> int:
        """zeros, ones, eye and randn of a shape, and arrays `like` another one."""
        graph = self.graph
        if name in FILLED and name not in SHAPED:
            if len(positional) != 1:
                self.fail(
                    ParseError, token, f"`{name}` takes one array, got {len(positional)} operands"
                )
            node = self.node(positional[0], token)
            self.measured.add(node)
            return self._full(FILLED[name], graph.shape(node), token)
        shape = self._sizes(positional, token)
        if name in FILLED:
            return self._full(FILLED[name], shape, token)
        if name == "eye":
            if len(shape) not in (1, 2):
                self.fail(ParseError, token, f"`eye` takes 1 or 2 sizes, got {len(shape)}")
            return self._gate("eye", [graph.static((*shape, *shape)[:2])], token)
        from zlib import crc32  # late: few programs draw numbers

        return graph.random(shape, crc32(self.stream.encode()), token)

    def _sizes(self, positional: list[Any], token: int) -> Shape:
        """A shape, written as a tuple or list or as several sizes; -1 is left to the caller."""
        if len(positional) == 1 and isinstance(positional[0], Tuple):
            positional = positional[0].parts
        elif len(positional) == 1 and isinstance(positional[0], list):
            positional = positional[0]
        return self._whole_numbers(positional, token, "a size")

    def _rearranged(self, name: str, positional: list[Any], axis: Any, token: int) -> int:
        """The node of a product, a transpose, a new shape or another rearrangement."""
        graph = self.graph
        if name in JOINED and len(positional) == 2 and axis is None:
            axis = positional.pop()
        counts = {"trace": 1, "dot": 2, "matmul": 2, "outer": 2, "linspace": 3, "copy": 1,
                  **dict.fromkeys((*JOINED, *FLATTENED, *SAME), 1)}  # fmt: skip
        if (name in counts and len(positional) != counts[name]) or not positional:
            number = counts.get(name, 2)
            noun = f"operand{'s' * (number > 1)}"
            self.fail(ParseError, token,
                      f"`{name}` takes {number} {noun}, got {len(positional)}")  # fmt: skip
        if name in JOINED:
            return self._joined(name, positional[0], axis, token)
        value = positional[0]
        node = self.node(value.parts if isinstance(value, Tuple) and name in SAME else value, token)
        shape = graph.shape(node)
        if name in SAME or name == "copy":
            return node
        if name in FLATTENED:
            return self._reshaped(node, (prod(shape),), token)
        if name in ("dot", "matmul"):
            other = self.node(positional[1], token)
            if name == "dot" and not (shape and graph.shape(other)):
                return self._gate("mul", [node, other], token)  # as numpy's dot with a number
            return self._gate("matmul", [node, other], token)
        if name == "outer":
            return self._gate("outer", [node, self.node(positional[1], token)], token)
        if name == "trace":
            return self._gate("trace", [node], token)
        if name == "transpose":
            axes = self._sizes(positional[1:], token) or tuple(reversed(range(len(shape))))
            if sorted(axes) != list(range(len(shape))):
                self.fail(ShapeError, token, f"{axes} is no order of the axes of shape {shape}")
            return self._transposed(node, axes, token)
        if name == "linspace":
            size = graph.static((self.whole_number(positional[2], token, "a size"),))
            return self._gate("linspace", [node, self.node(positional[1], token), size], token)
        return self._reshaped(node, with_unknown(shape, self._sizes(positional[1:], token)), token)

    def _joined(self, name: str, parts: Any, axis: Any, token: int) -> int:
        """Arrays one after another along an axis; `stack` gives them a new one first."""
        parts = parts.parts if isinstance(parts, Tuple) else parts
        if not isinstance(parts, list) or not parts:
            self.fail(ParseError, token, f"`{name}` takes a list of arrays",
                      f"write `{name}([a, b], axis=0)`")  # fmt: skip
        nodes = [self.node(part, token) for part in parts]
        is_new = name == "stack"
        number = 0 if axis is None else self.whole_number(axis, token, "an axis")
        (at,) = normal_axes(number, len(self.graph.shape(nodes[0])) + is_new)
        if is_new and at == 0:
            return self._gate("list", nodes, token)
        if is_new:
            shapes = [self.graph.shape(node) for node in nodes]
            nodes = [
                self._reshaped(node, (*shape[:at], 1, *shape[at:]), token)
                for node, shape in zip(nodes, shapes, strict=True)
            ]
        return self._gate("concatenate", [self.graph.static((at,)), *nodes], token)
