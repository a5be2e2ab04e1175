"""What lowering does with arrays: list literals, indices, attributes, and calls with an axis."""

from __future__ import annotations

from typing import Any, NoReturn
from zlib import crc32

from gradcli.errors import GradcliError, LimitError, ParseError, ShapeError
from gradcli.gates import GATES
from gradcli.graph import Graph
from gradcli.shapes import MOST_AXES, Shape, normal_axes, with_unknown
from gradcli.syntax import Call

# What a call of one array is, where the function also has another meaning or name.
REDUCTIONS = {
    "sum": "sum", "mean": "mean", "var": "var", "std": "std", "prod": "prod", "norm": "norm",
    "max": "amax", "min": "amin", "amax": "amax", "amin": "amin", "softmax": "softmax",
    "logsumexp": "lse", "hypot": "norm",
}  # fmt: skip
ELEMENTWISE = ("max", "min", "logsumexp", "hypot")  # of several operands
FILLED = {"zeros": 0.0, "ones": 1.0, "zeros_like": 0.0, "ones_like": 1.0}
SHAPED = ("zeros", "ones", "randn")
ARRAY_FUNCTIONS = (*REDUCTIONS, *FILLED, "randn", "linspace", "outer", "dot", "matmul", "trace",
                   "transpose", "reshape", "concatenate")  # fmt: skip


class ArrayCalls:
    """The part of lowering that knows arrays."""

    graph: Graph
    stream: str

    def fail(
        self, kind: type[GradcliError], token: int, message: str, hint: str | None = None
    ) -> NoReturn:
        """Raise an error at the place of a token."""
        raise NotImplementedError

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
        self.fail(ParseError, token, "a tuple is not a value", "write a list: `[a, b]`")

    def _gate(self, name: str, operands: list[int], token: int) -> int:
        return self.graph.node(GATES[name], tuple(operands), token)

    def whole_number(self, index: Any, token: int) -> int:
        """A constant whole number. Raises ShapeError."""
        number = self._number(index)
        if number is None or number != number // 1:
            self.fail(ShapeError, token, "an index must be a whole number", "write `x[0]`")
        return int(number)

    def _number(self, node: Any) -> float | None:
        """The value of a literal, which may have a minus sign before it."""
        if not isinstance(node, int):
            return None
        is_negated = self.graph.gates[node].name == "neg"
        number = self.graph.constants.get(self.graph.operands[node][0] if is_negated else node)
        if not isinstance(number, float):
            return None
        return -number if is_negated else number

    def tuple_of(self, parts: list[Any], token: int) -> Shape:
        """A tuple of whole numbers: a shape, or axes."""
        if any(self._number(part) is None for part in parts):
            self.fail(ParseError, token, "a tuple is not a value", "write a list: `[a, b]`")
        return tuple(self.whole_number(part, token) for part in parts)

    def element(self, value: Any, indices: list[Any], token: int) -> Any:
        """An index or slice; of a shape, one of its sizes."""
        at: list[Any] = []
        for index in indices:
            is_slice = isinstance(index, slice)
            at.append(
                (index.start, index.stop) if is_slice else self.whole_number(index, token)
            )  # fmt: skip
        while isinstance(value, list) and at and not isinstance(at[0], tuple):
            if not -len(value) <= at[0] < len(value):
                break  # the rule of shapes has the words for it
            value = value[at.pop(0)]
        if not at:
            return value
        if isinstance(value, tuple):
            if len(at) != 1 or isinstance(at[0], tuple) or not -len(value) <= at[0] < len(value):
                self.fail(ShapeError, token, f"a shape of {len(value)} sizes has no such element")
            return self.graph.constant(float(value[at[0]]), token)
        return self._gate("index", [self.node(value, token), self.graph.static(tuple(at))], token)

    def attribute(self, value: Any, name: str, token: int) -> Any:
        """`.T` and `.shape`."""
        node = self.node(value, token)
        shape = self.graph.shape(node)
        if not shape:
            self.fail(ShapeError, token, f"`.{name}` needs an array, this is a number")
        if name == "shape":
            return shape
        return self._transposed(node, tuple(reversed(range(len(shape)))), token)

    def _transposed(self, node: int, axes: Shape, token: int) -> int:
        if len(axes) < 2:
            return node
        return self._gate("transpose", [node, self.graph.static(axes)], token)

    # ---------------------------------------------------------------- calls

    def array_call(self, call: Call, operands: list[Any], token: int) -> Any:
        """The value of a call that is about arrays; None for any other."""
        name = call.name
        if call.method and isinstance(operands[0], int) and not self.graph.shape(operands[0]):
            self.fail(ShapeError, token, f"`.{name}` needs an array, this is a number")
        if not call.method and name not in ARRAY_FUNCTIONS:
            return None
        count = len(operands) - len(call.keywords)
        given, keywords = operands[:count], dict(zip(call.keywords, operands[count:], strict=True))
        for key in keywords:
            if call.keywords.count(key) > 1:
                self.fail(ParseError, token, f"`{key}` of `{name}` is given twice")
        if call.starred and (name not in SHAPED or not isinstance(given[0], tuple)):
            self.fail(ParseError, token, f"`{name}(*...)`: `*` stands before a shape only",
                      "write `randn(*D.shape)`")  # fmt: skip
        if name in REDUCTIONS and self._is_reduction(call, given, keywords):
            return self._reduction(call, given, keywords, token)
        if name in ELEMENTWISE:
            return None
        axis = keywords.pop("axis", None) if name == "concatenate" else None
        self._refuse_keywords(name, keywords, token)
        if name in FILLED or name == "randn":
            return self._filled(name, given, token)
        return self._rearranged(name, given, axis, token)

    def _refuse_keywords(self, name: str, keywords: dict[str, Any], token: int) -> None:
        for key in keywords:
            self.fail(ParseError, token, f"`{name}` takes no `{key}=` here")

    def _is_reduction(self, call: Call, given: list[Any], keywords: dict[str, Any]) -> bool:
        if call.name not in ELEMENTWISE or call.method or keywords:
            return True
        if call.prefix in ("np.", "numpy.") and call.name in ("max", "min") and len(given) > 1:
            return True
        if len(given) != 1 or isinstance(given[0], tuple):
            return False
        if isinstance(given[0], list):  # of numbers: as if they were the operands
            return any(isinstance(x, list) or self.graph.shape(x) for x in given[0])
        return bool(self.graph.shape(given[0]))

    def _reduction(self, call: Call, given: list[Any], keywords: dict[str, Any], token: int) -> int:
        """A reduction over `axis=`, or over everything."""
        name, graph = call.name, self.graph
        if not given:
            self.fail(ParseError, token, f"`{name}` needs at least one operand")
        is_numpy = call.method or call.prefix in ("np.", "numpy.")
        has_second = is_numpy and name not in ("norm", "softmax") and "axis" not in keywords
        if len(given) == 2 and has_second:
            keywords = {"axis": given[1], **keywords}
        elif len(given) > 1:
            self.fail(ParseError, token, f"`{name}` takes one array, got {len(given)} operands",
                      f"write `{name}(x, axis=0)` or `{name}([a, b])`")  # fmt: skip
        node = self.node(given[0], token)
        axis, keep = keywords.pop("axis", None), keywords.pop("keepdims", None)
        self._refuse_keywords(name, keywords, token)
        shape = graph.shape(node)
        if name == "softmax" and axis is None and len(shape) > 1:
            self.fail(ShapeError, token, f"softmax of shape {shape}: along which axis?",
                      "write `softmax(x, axis=1)` for the softmax of every row")  # fmt: skip
        wanted = axis
        if axis is not None and not isinstance(axis, tuple):
            wanted = self.whole_number(axis, token)
        axes = normal_axes(wanted, len(shape))
        is_kept = False
        if keep is not None:
            is_kept = self._number(keep) == 1
            if self._number(keep) not in (0, 1):
                self.fail(ParseError, token, "`keepdims=` is `True` or `False`")
        return self._gate(REDUCTIONS[name], [node, graph.static((axes, is_kept))], token)

    def _full(self, value: float, shape: Shape, token: int) -> int:
        if not shape:
            return self.graph.constant(value, token)
        constant = self.graph.constant(value, token)
        return self._gate("fill", [constant, self.graph.static(shape)], token)

    def _filled(self, name: str, given: list[Any], token: int) -> int:
        """zeros, ones and randn of a shape, and what is `like` another array."""
        graph = self.graph
        if name in FILLED and name not in SHAPED:
            if len(given) != 1:
                self.fail(ParseError, token, f"`{name}` takes one array, got {len(given)} operands")
            return self._full(FILLED[name], graph.shape(self.node(given[0], token)), token)
        shape = self._sizes(given, token)
        if name in FILLED:
            return self._full(FILLED[name], shape, token)
        number = len(graph.streams)
        stream = graph.static((crc32(self.stream.encode()), number))
        graph.streams.append(stream)
        return graph.add(GATES["randn"], (graph.static(shape), stream), token)

    def _sizes(self, given: list[Any], token: int) -> Shape:
        """A shape, written as a tuple or list or as several sizes; -1 is left to the caller."""
        if len(given) == 1 and isinstance(given[0], tuple):
            sizes: Shape = given[0]
            return sizes
        if len(given) == 1 and isinstance(given[0], list):
            given = given[0]
        return tuple(self.whole_number(n, token) for n in given)

    def _rearranged(self, name: str, given: list[Any], axis: Any, token: int) -> int:
        """Products, transposes, new shapes."""
        graph = self.graph
        wanted = {"trace": 1, "concatenate": 1, "dot": 2, "matmul": 2, "outer": 2, "linspace": 3}
        if (name in wanted and len(given) != wanted[name]) or not given:
            number = wanted.get(name, 2)
            operands = f"operand{'s' * (number > 1)}"
            self.fail(ParseError, token,
                      f"`{name}` takes {number} {operands}, got {len(given)}")  # fmt: skip
        if name == "concatenate":
            return self._concatenated(given[0], axis, token)
        node = self.node(given[0], token)
        shape = graph.shape(node)
        if name in ("dot", "matmul"):
            other = self.node(given[1], token)
            if name == "dot" and not (shape and graph.shape(other)):
                return self._gate("mul", [node, other], token)  # as numpy's dot with a number
            return self._gate("matmul", [node, other], token)
        if name == "outer":
            return self._gate("outer", [node, self.node(given[1], token)], token)
        if name == "trace":
            return self._gate("trace", [node], token)
        if name == "transpose":
            axes = self._sizes(given[1:], token) or tuple(reversed(range(len(shape))))
            if sorted(axes) != list(range(len(shape))):
                self.fail(ShapeError, token, f"{axes} is no order of the axes of shape {shape}")
            return self._transposed(node, axes, token)
        if name == "linspace":
            size = graph.static((self.whole_number(given[2], token),))
            return self._gate("linspace", [node, self.node(given[1], token), size], token)
        sizes = graph.static(with_unknown(shape, self._sizes(given[1:], token)))
        return self._gate("reshape", [node, sizes], token)

    def _concatenated(self, parts: Any, axis: Any, token: int) -> int:
        if not isinstance(parts, list) or not parts:
            self.fail(ParseError, token, "`concatenate` takes a list of arrays",
                      "write `concatenate([a, b], axis=0)`")  # fmt: skip
        nodes = [self.node(part, token) for part in parts]
        number = 0 if axis is None else self.whole_number(axis, token)
        (at,) = normal_axes(number, len(self.graph.shape(nodes[0])))
        return self._gate("concatenate", [self.graph.static((at,)), *nodes], token)
