"""Functions of arrays as the language calls them: those that move elements, and those of gates.

A function that only moves elements is the gate `take`, with the places that numpy's own function
gives. Running sums, sorted arrays and linear algebra are gates with an axis or without; the rest
is written in gates here.
"""

from __future__ import annotations

from collections.abc import Callable
from inspect import signature
from math import inf, prod
from typing import Any, NoReturn, Protocol

import numpy as np

from gradcli.errors import GradcliError, LimitError, ParseError, ShapeError
from gradcli.gates.moves import MOST_MOVED, MOVES, PAD_MODES, places_of
from gradcli.gates.shapes import Places, Shape, normal_axes
from gradcli.graph.einsum import einsum_node
from gradcli.graph.nodes import Graph
from gradcli.syntax import Call
from gradcli.syntax.tree import text_literal


class Lowering(Protocol):
    """The lowering of a program, as far as calls need it."""

    graph: Graph

    def node(self, value: Any, token: int) -> int:
        """A value as a node."""

    def whole_number(self, value: Any, token: int, role: str) -> int:
        """A whole number that is known beforehand."""

    def fail(
        self, kind: type[GradcliError], token: int, message: str, hint: str | None = None
    ) -> NoReturn:
        """Raise an error at the place of a token."""


class Site:
    """A call that is being lowered: where it stands, and the nodes that it makes."""

    def __init__(self, calls: Lowering, name: str, token: int) -> None:
        self.calls, self.name, self.token = calls, name, token

    def node(self, value: Any) -> int:
        """A value as a node."""
        return self.calls.node(value, self.token)

    def shape(self, node: int) -> Shape:
        """The sizes of the axes; () is a number."""
        return self.calls.graph.shape(node)

    def gate(self, name: str, *operands: int | tuple[Any, ...]) -> int:
        """The node of a gate; tuples are static operands."""
        graph = self.calls.graph
        nodes = [graph.static(x) if isinstance(x, tuple) else x for x in operands]
        return graph.node(graph.table[name], tuple(nodes), self.token)

    def number(self, value: float) -> int:
        """The node of a constant."""
        return self.calls.graph.constant(value, self.token)

    def plain(self, value: Any, role: str = "an operand") -> Any:
        """A value that is known beforehand: whole numbers, texts, and lists of these."""
        if isinstance(value, (str, bool)):
            return value
        if isinstance(value, list):
            return [self.plain(part, role) for part in value]
        if hasattr(value, "parts"):
            return tuple(self.plain(part, role) for part in value.parts)
        return self.calls.whole_number(value, self.token, role)

    def axis(self, value: Any, rank: int) -> int:
        """One axis, counted from 0. Raises ShapeError."""
        return normal_axes(self.calls.whole_number(value, self.token, "an axis"), rank)[0]

    def fail(self, message: str, hint: str | None = None) -> Any:
        """Raise ShapeError at the call."""
        self.calls.fail(ShapeError, self.token, message, hint)


def take(site: Site, x: int, places: Any, written: tuple[str, str]) -> int:
    """Elements by their flat places."""
    if places.size > MOST_MOVED:
        site.calls.fail(LimitError, site.token, f"an array of {places.size} elements is too large")
    return site.gate("take", x, (Places(places, places.shape, written),))


def moving(name: str, function: Callable[..., Any]) -> Callable[..., int]:
    """A function that moves elements; its other operands are known beforehand."""

    def row(site: Site, x: Any, *values: Any, **named: Any) -> int:
        node = site.node(x)
        plain = [site.plain(value) for value in values]
        keywords = {key: site.plain(value) for key, value in named.items()}
        try:
            places = places_of(site.shape(node), function, *plain, **keywords)
        except (ValueError, IndexError, TypeError, OverflowError) as error:
            site.fail(f"{name}: {error}")
        texts = [*map(_text, plain), *(f"{key}={_text(v)}" for key, v in keywords.items())]
        return take(site, node, places, (name, "".join(f", {text}" for text in texts)))

    return row


def _text(value: Any) -> str:
    if isinstance(value, str):
        return text_literal(value)
    if isinstance(value, tuple):
        return f"({', '.join(map(_text, value))}{',' * (len(value) == 1)})"
    return f"[{', '.join(map(_text, value))}]" if isinstance(value, list) else str(value)


def pad(site: Site, x: Any, pad_width: Any, mode: Any = "constant") -> int:
    """An array with elements put around it."""
    if mode not in PAD_MODES:
        site.fail(f"pad: the mode is one of {', '.join(PAD_MODES)}")
    return moving("pad", np.pad)(site, x, pad_width, *(() if mode == "constant" else (mode,)))


def gather(site: Site, x: Any, indices: Any, axis: Any = None) -> int:
    """Parts of an array by their indices along an axis, the first one by default."""
    at = 0 if axis is None else site.plain(axis, "an axis")
    return moving("take", np.take)(site, x, indices, axis=site.number(float(at)))


def _taken_along(x: Any, indices: Any, axis: int) -> Any:
    return np.take_along_axis(x, np.asarray(indices), axis)


def one_hot(site: Site, labels: Any, size: Any) -> int:
    """A row for each label, with 1 at its place and 0 elsewhere."""
    rows, count = site.plain(labels, "a label"), site.plain(size, "a size")
    if any(not 0 <= k < count for k in np.ravel(rows)):
        site.fail(f"one_hot: a label is outside 0 to {count - 1}")
    places = places_of((count, count), np.take, rows, axis=0)
    return take(
        site, site.gate("eye", (count, count)), places, ("take", f", {_text(rows)}, axis=0")
    )


def scatter(site: Site, x: Any, indices: Any, size: Any) -> int:
    """Zeros to which the parts of x are added, each at its index along the first axis."""
    node, at = site.node(x), np.asarray(site.plain(indices, "an index"))
    count = site.plain(size, "a size")
    shape = site.shape(node)
    if shape[: at.ndim] != at.shape or not shape:
        site.fail(f"scatter: indices of shape {at.shape} for an array of shape {shape}")
    if any(not -count <= k < count for k in at.flat):
        site.fail(f"scatter: an index is outside 0 to {count - 1}")
    whole = (count, *shape[at.ndim :])
    places = places_of(whole, np.take, at, axis=0)
    written = ("scatter", f", {_text(at.tolist())}, {count}")
    return site.gate("give", node, whole, (Places(places, places.shape, written),))


def picked(site: Site, x: int, at: list[Any]) -> int:
    """An index with lists of places in it, as numpy has it: `p[[0, 1], [2, 0]]`."""
    key, texts = [], []
    for place in at:
        if isinstance(place, slice):
            key.append(place)
            texts.append(
                ":".join("" if end is None else str(end) for end in (place.start, place.stop))
            )
        else:
            key.append(site.plain(place, "an index"))
            texts.append(_text(key[-1]))
    try:
        places = places_of(site.shape(x), lambda numbered: numbered[tuple(key)])
    except (IndexError, OverflowError) as error:
        site.fail(str(error))
    return take(site, x, places, ("", f"[{', '.join(texts)}]"))


# ---------------------------------------------------------------- along an axis


def accumulating(gate: str, default: int | None) -> Callable[..., int]:
    """A gate along one axis; where there is none by default, the array is made one row first."""

    def row(site: Site, x: Any, axis: Any = None) -> int:
        node = site.node(x)
        shape = site.shape(node)
        if not shape:
            site.fail(f"`{site.name}` needs an array, this is a number")
        if axis is None and default is None:
            node = node if len(shape) == 1 else site.gate("reshape", node, (prod(shape),))
            return site.gate(gate, node, ((0,), False))
        at = default % len(shape) if axis is None and default else site.axis(axis, len(shape))
        return site.gate(gate, node, ((at,), False))

    return row


def diff(site: Site, x: Any, n: Any = None, axis: Any = None) -> int:
    """The differences of neighbours along an axis, n times over."""
    node = site.node(x)
    rank = len(site.shape(node))
    if not rank:
        site.fail("`diff` needs an array, this is a number")
    at = rank - 1 if axis is None else site.axis(axis, rank)
    lead = ((None, None),) * at
    times = 1 if n is None else site.plain(n, "a number of times")
    if times < 0:
        site.fail(f"`diff` is taken {times} times", "`n` is at least 0")
    for _ in range(min(times, site.shape(node)[at])):  # then nothing is left
        later, earlier = (
            site.gate("index", node, (*lead, part)) for part in ((1, None), (None, -1))
        )
        node = site.gate("sub", later, earlier)
    return node


# ---------------------------------------------------------------- linear algebra


def of_matrix(gate: str) -> Callable[..., int]:
    """A gate of one matrix."""
    return lambda site, x: site.gate(gate, site.node(x))


def solve(site: Site, a: Any, b: Any) -> int:
    """The x of a @ x = b."""
    return site.gate("solve", site.node(a), site.node(b))


def slogdet(site: Site, x: Any) -> list[int]:
    """The sign of the determinant, and the logarithm of its size."""
    node = site.node(x)
    return [site.gate("sign", site.gate("det", node)), site.gate("logdet", node)]


def cross(site: Site, a: Any, b: Any) -> int:
    """The cross product of vectors with three parts along the last axis."""
    nodes = site.node(a), site.node(b)
    if any(site.shape(node)[-1:] != (3,) for node in nodes):
        shapes = " and ".join(str(site.shape(node)) for node in nodes)
        site.fail(f"cross needs vectors of three parts along the last axis, got shapes {shapes}")

    def turned(node: int, order: list[int]) -> int:
        places = places_of(site.shape(node), np.take, order, axis=-1)
        return take(site, node, places, ("take", f", {order}, axis=-1"))

    one, other = (
        site.gate("mul", turned(nodes[0], left), turned(nodes[1], right))
        for left, right in (([1, 2, 0], [2, 0, 1]), ([2, 0, 1], [1, 2, 0]))
    )
    return site.gate("sub", one, other)


def kron(site: Site, a: Any, b: Any) -> int:
    """The Kronecker product: each element of a times all of b."""
    left, right = site.node(a), site.node(b)
    shapes = [site.shape(left), site.shape(right)]
    rank = max(map(len, shapes))
    (m, n) = ((1,) * (rank - len(shape)) + shape for shape in shapes)
    wide = [site.gate("reshape", left, tuple(k for size in m for k in (size, 1))),
            site.gate("reshape", right, tuple(k for size in n for k in (1, size)))]  # fmt: skip
    return site.gate("reshape", site.gate("mul", *wide),
                     tuple(p * q for p, q in zip(m, n, strict=True)))  # fmt: skip


def einsum(site: Site, subscripts: Any, *operands: Any) -> int:
    """Products of all operands along letters, summed over those the result has not."""
    if not isinstance(subscripts, str):
        site.fail("einsum: the subscripts are a text", 'write `einsum("ij,jk->ik", A, B)`')
    return einsum_node(site, subscripts, [site.node(operand) for operand in operands])


ORDERS = "1, 2, inf, -inf and 'fro'"


def norm(site: Site, x: Any, ord: Any = None, axis: Any = None, keepdims: Any = None) -> int:
    """A norm of another order than 2; of a matrix 1 is over columns and inf over rows."""
    node = site.node(x)
    shape = site.shape(node)
    order: Any = ord
    if not isinstance(ord, str):
        order = site.calls.graph.constants.get(site.node(ord))
    axes = normal_axes(None if axis is None else site.plain(axis, "an axis"), len(shape))
    is_kept = keepdims is not None and site.plain(keepdims) == 1
    if len(axes) == 2 and order == 2:
        site.fail("the largest singular value is not in the language", f"norms are {ORDERS}")
    if len(axes) not in (1, 2) or (order == "fro") != isinstance(order, str) or order is None:
        site.fail("a norm of this order is not in the language", f"norms are {ORDERS}")
    if order in ("fro", 2):
        return site.gate("norm", node, (axes, is_kept))
    size = site.gate("abs", node)
    if len(axes) == 1:
        return _norm_of_vectors(site, size, order, (axes, is_kept))
    if order not in (1, -1, inf, -inf):
        site.fail("a norm of this order is not in the language", f"norms are {ORDERS}")
    summed, best = axes if abs(order) == 1 else axes[::-1]
    sums = site.gate("sum", size, ((summed,), True))
    largest = site.gate("amax" if order > 0 else "amin", sums, ((best,), True))
    if is_kept:
        return largest
    return site.gate("sum", largest, (axes, False))


def _norm_of_vectors(site: Site, size: int, order: float, axis: tuple[Shape, bool]) -> int:
    if abs(order) == inf:
        return site.gate("amax" if order > 0 else "amin", size, axis)
    if order == 1:
        return site.gate("sum", size, axis)
    powers = site.gate("sum", site.gate("pow", size, site.number(order)), axis)
    return site.gate("pow", powers, site.gate("div", site.number(1.0), site.number(order)))


FUNCTIONS: dict[str, Callable[..., Any]] = {
    **{name: moving(name, MOVES[name]) for name in (
        "flip", "fliplr", "flipud", "roll", "rot90", "tril", "triu", "diag", "diagonal", "repeat",
        "tile", "take",
    )},
    "take_along_axis": moving("take_along_axis", _taken_along),
    "pad": pad, "gather": gather,
    "swapaxes": moving("swapaxes", np.swapaxes), "moveaxis": moving("moveaxis", np.moveaxis),
    "one_hot": one_hot, "scatter": scatter,
    "cumsum": accumulating("cumsum", None), "cumprod": accumulating("cumprod", None),
    "sort": accumulating("sort", -1), "diff": diff,
    **{name: of_matrix(name) for name in ("inv", "det", "logdet", "cholesky")},
    "solve": solve, "slogdet": slogdet, "cross": cross, "kron": kron, "einsum": einsum,
    "norm": norm,
}  # fmt: skip


def call_function(calls: Lowering, call: Call, operands: list[Any], token: int) -> Any:
    """The value of a call of one of FUNCTIONS. Raises ParseError for operands it has not."""
    function = FUNCTIONS[call.name]
    count = len(operands) - len(call.keywords)
    keywords = dict(zip(call.keywords, operands[count:], strict=True))
    try:
        signature(function).bind(None, *operands[:count], **keywords)
    except TypeError as error:
        calls.fail(ParseError, token, f"`{call.name}`: {error}")
    return function(Site(calls, call.name, token), *operands[:count], **keywords)
