"""Functions of numpy and scipy that reduce, accumulate and normalise along axes, as rows."""

from __future__ import annotations

import ast
from collections.abc import Callable
from math import prod
from typing import Any

import numpy as np

from gradcli.gates.shapes import normal_axes
from gradcli.python.rows.elementwise import UNARY, mask
from gradcli.python.state import indexing
from gradcli.python.state.operators import ADD, DIV, MUL, SUB, binary
from gradcli.python.state.reader import Reader
from gradcli.python.state.values import Array

REDUCTIONS: dict[str, tuple[str, Callable[..., Any]]] = {
    "sum": ("sum", np.sum), "mean": ("mean", np.mean), "prod": ("prod", np.prod),
    "max": ("amax", np.max), "min": ("amin", np.min),
    "amax": ("amax", np.max), "amin": ("amin", np.min),
    "average": ("mean", np.mean), "nansum": ("sum", np.sum), "nanmean": ("mean", np.mean),
    "nanmax": ("amax", np.max), "product": ("prod", np.prod),
}  # fmt: skip


def axes_of(reader: Reader, axis: Any, rank: int) -> tuple[int, ...]:
    """`axis=` as numbers of axes."""
    if isinstance(axis, (tuple, list)):
        axis = tuple(indexing.whole(reader.tape, part) for part in axis)
    elif axis is not None:
        axis = indexing.whole(reader.tape, axis)
    return normal_axes(axis, rank)


def reduction(gate: str, function: Callable[..., Any]) -> Callable[..., Any]:
    """A row that reduces along axes."""

    def row(
        reader: Reader, x: Any, axis: Any = None, dtype: Any = None, keepdims: Any = False,
        **_: Any,
    ) -> Any:  # fmt: skip
        content, tape = reader.content(x), reader.tape
        axes = axes_of(reader, axis, len(tape.shape(content)))
        if tape.is_known(content):
            with np.errstate(all="ignore"):
                value = function(content, axis=axes, keepdims=bool(keepdims))
            return reader.wrap(tape.data(value))
        if not axes and tape.shape(content):
            return reader.wrap(content)
        return reader.wrap(tape.reduce(gate, content, axes, bool(keepdims)))

    return row


def spread(kind: str) -> Callable[..., Any]:
    """The variance, or the standard deviation."""
    function = np.var if kind == "var" else np.std

    def row(
        reader: Reader, x: Any, axis: Any = None, dtype: Any = None, ddof: int = 0,
        keepdims: Any = False,
    ) -> Any:  # fmt: skip
        content, tape = reader.content(x), reader.tape
        axes = axes_of(reader, axis, len(tape.shape(content)))
        if tape.is_known(content):
            value = function(content, axis=axes, ddof=ddof, keepdims=bool(keepdims))
            return reader.wrap(tape.data(value))
        if not ddof:
            return reader.wrap(tape.reduce(kind, content, axes, bool(keepdims)))
        count = prod(tape.shape(content)[k] for k in axes)
        variance = tape.reduce("var", content, axes, bool(keepdims))
        scaled = tape.apply(MUL, variance, np.array(count / (count - ddof)))
        return reader.wrap(scaled if kind == "var" else tape.apply(UNARY["sqrt"], scaled))

    return row


def norm(
    reader: Reader, x: Any, ord: Any = None, axis: Any = None, keepdims: Any = False
) -> Any:  # numpy's name
    """`np.linalg.norm` of order 2, 1 and infinity, and Frobenius."""
    content, tape = reader.content(x), reader.tape
    if tape.is_known(content):
        along: Any = axis if axis is None else axes_of(reader, axis, content.ndim)
        along = along[0] if along is not None and len(along) == 1 else along
        return reader.wrap(tape.data(np.linalg.norm(content, ord, along, bool(keepdims))))
    shape = tape.shape(content)
    axes = axes_of(reader, axis, len(shape))
    is_vector = len(axes) == 1
    if ord is None or ord == "fro" or (ord == 2 and is_vector):
        return reader.wrap(tape.reduce("norm", content, axes, bool(keepdims)))
    size = tape.apply(UNARY["abs"], content)
    if is_vector and ord == 1:
        return reader.wrap(tape.reduce("sum", size, axes, bool(keepdims)))
    if is_vector and ord == np.inf:
        return reader.wrap(tape.reduce("amax", size, axes, bool(keepdims)))
    return reader.fail(f"a norm of order {ord!r} is not read for {len(axes)} axes",
                       "write the sum of powers out")  # fmt: skip


def logsumexp(
    reader: Reader, a: Any, axis: Any = None, b: Any = None, keepdims: Any = False, **_: Any
) -> Any:
    """`scipy.special.logsumexp`."""
    content, tape = reader.content(a), reader.tape
    if b is not None:
        logs = tape.apply(UNARY["log"], reader.content(b))
        content = tape.apply(ADD, content, logs)
    node = tape.node(content)
    axes = axes_of(reader, axis, len(tape.shape(node)))
    return reader.wrap(tape.reduce("lse", node, axes, bool(keepdims)))


def softmax(reader: Reader, x: Any, axis: Any = None) -> Any:
    """`scipy.special.softmax`."""
    node = reader.tape.node(reader.content(x))
    axes = axes_of(reader, axis, len(reader.tape.shape(node)))
    return reader.wrap(reader.tape.reduce("softmax", node, axes, False))


def log_softmax(reader: Reader, x: Any, axis: Any = None) -> Any:
    """`scipy.special.log_softmax`."""
    whole = logsumexp(reader, x, axis, keepdims=True)
    return binary(reader, ast.Sub, Array(reader.content(x)), whole)


def any_of(reader: Reader, x: Any, axis: Any = None, keepdims: Any = False) -> Any:
    """`np.any`."""
    value = reduction("amax", np.any)(reader, Array(mask(reader, x)), axis, None, keepdims)
    return _as_mask(reader, value)


def all_of(reader: Reader, x: Any, axis: Any = None, keepdims: Any = False) -> Any:
    """`np.all`."""
    value = reduction("amin", np.all)(reader, Array(mask(reader, x)), axis, None, keepdims)
    return _as_mask(reader, value)


def _as_mask(reader: Reader, value: Any) -> Any:
    if isinstance(value, Array) and value.content.__class__ is int:
        reader.tape.booleans.add(value.content)
    return value


def accumulated(gate: str, function: Callable[..., Any]) -> Callable[..., Any]:
    """`np.cumsum` and `np.cumprod`: sums and products of more and more elements."""

    def row(reader: Reader, x: Any, axis: Any = None, dtype: Any = None) -> Any:
        tape, content = reader.tape, reader.content(x)
        if axis is None:
            content, axis = tape.reshape(content, (prod(tape.shape(content)),)), 0
        (at,) = axes_of(reader, axis, len(tape.shape(content)))
        if tape.is_known(content):
            return reader.wrap(tape.data(function(content, axis=at)))
        return reader.wrap(tape.gate(gate, content, tape.static(((at,), False))))

    return row


def differences(reader: Reader, x: Any, n: int = 1, axis: int = -1) -> Any:
    """`np.diff`."""
    tape, content = reader.tape, reader.content(x)
    (at,) = axes_of(reader, axis, len(tape.shape(content)))
    lead = (slice(None),) * at
    for _ in range(n):
        later = indexing.get(tape, content, (*lead, slice(1, None)))
        content = tape.apply(SUB, later, indexing.get(tape, content, (*lead, slice(None, -1))))
    return reader.wrap(content)


def ordered(reader: Reader, x: Any, axis: Any = -1) -> Any:
    """`np.sort`: the elements in the order they have at the point."""
    tape, content = reader.tape, reader.content(x)
    if axis is None:
        content, axis = tape.reshape(content, (prod(tape.shape(content)),)), 0
    if tape.is_known(content):
        return reader.wrap(np.sort(content, axis=axis))
    places = tape.decide(content, lambda value: np.argsort(value, axis=axis, kind="stable"))
    flat = np.take_along_axis(tape.places(tape.shape(content)), places, axis)
    return reader.wrap(tape.take(content, flat))


def median(reader: Reader, x: Any, axis: Any = None) -> Any:
    """`np.median`: the mean of the one or two in the middle."""
    array = ordered(reader, x, axis if axis is not None else None)
    tape, content = reader.tape, reader.content(array)
    (at,) = axes_of(reader, 0 if axis is None else axis, len(tape.shape(content)))
    size = tape.shape(content)[at]
    key = (*(slice(None),) * at, slice((size - 1) // 2, size // 2 + 1))
    return reduction("mean", np.mean)(reader, Array(indexing.get(tape, content, key)), at)


def weighted(reader: Reader, x: Any, axis: Any = None, weights: Any = None) -> Any:
    """`np.average`."""
    if weights is None:
        return reduction("mean", np.mean)(reader, x, axis)
    tape, content, factors = reader.tape, reader.content(x), reader.content(weights)
    shape = tape.shape(content)
    if axis is not None and tape.shape(factors) != shape:
        (at,) = axes_of(reader, axis, len(shape))
        factors = tape.reshape(factors, tuple(n if k == at else 1 for k, n in enumerate(shape)))
    total = reduction("sum", np.sum)
    sums = [
        total(reader, Array(part), axis)
        for part in (tape.apply(MUL, content, factors), tape.fill(factors, shape))
    ]
    return reader.wrap(tape.apply(DIV, *[reader.content(part) for part in sums]))


ROWS: dict[str, Callable[..., Any]] = {
    **{name: reduction(*row) for name, row in REDUCTIONS.items()},
    "var": spread("var"), "std": spread("std"),
    "nanvar": spread("var"), "nanstd": spread("std"), "average": weighted,
    "norm": norm, "logsumexp": logsumexp, "softmax": softmax, "log_softmax": log_softmax,
    "any": any_of, "all": all_of, "diff": differences,
    "cumsum": accumulated("cumsum", np.cumsum), "cumprod": accumulated("cumprod", np.cumprod),
    "sort": ordered, "median": median,
}  # fmt: skip
