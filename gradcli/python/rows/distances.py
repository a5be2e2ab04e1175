"""Distances of scipy.spatial between the rows of arrays, as rows."""

from __future__ import annotations

import ast
from collections.abc import Callable
from typing import Any

import numpy as np

from gradcli.python.rows.reductions import norm
from gradcli.python.state import indexing
from gradcli.python.state.operators import operate
from gradcli.python.state.reader import Reader
from gradcli.python.state.tape import refuse_large
from gradcli.python.state.values import Array, Content

METRICS = {"euclidean": None, "cityblock": 1, "chebyshev": np.inf}  # orders of norms
SQUARED = "sqeuclidean"


def _lengths(reader: Reader, off: Content, metric: Any) -> Any:
    """The lengths of differences along their last axis."""
    if metric == SQUARED:
        squares = operate(reader.tape, ast.Mult, off, off)
        axis = len(reader.tape.shape(squares)) - 1
        return reader.wrap(reader.tape.reduce("sum", reader.tape.node(squares), (axis,), False))
    if metric not in METRICS:
        reader.fail(f"the metric {metric!r} is not read", f"{SQUARED}, {', '.join(METRICS)} are")
    return norm(reader, Array(off), METRICS[metric], -1)


def _of_metric(reader: Reader, p: Any) -> str:
    """The metric of a Minkowski order."""
    metrics = {2: "euclidean", 1: "cityblock", float("inf"): "chebyshev"}
    return metrics.get(p) or reader.fail(f"distances of order {p} are not read")


def between(reader: Reader, a: Any, b: Any, metric: str = "euclidean") -> Any:
    """`cdist`: the distances of all rows of one array from all rows of another."""
    tape, left, right = reader.tape, reader.content(a), reader.content(b)
    (rows, width), (others, _) = (_rows(reader, content) for content in (left, right))
    refuse_large(rows * others * width)
    one, other = tape.reshape(left, (rows, 1, width)), tape.reshape(right, (1, others, width))
    return _lengths(reader, operate(tape, ast.Sub, one, other), metric)


def by_order(reader: Reader, x: Any, y: Any, p: Any = 2, **_: Any) -> Any:
    """`distance_matrix`."""
    return between(reader, x, y, _of_metric(reader, p))


def among(reader: Reader, x: Any, metric: str = "euclidean") -> Any:
    """`pdist`: the distances of the rows of an array, every pair once."""
    tape, content = reader.tape, reader.content(x)
    first, second = np.triu_indices(_rows(reader, content)[0], 1)
    pair = [indexing.get(tape, content, (places,)) for places in (first, second)]
    return _lengths(reader, operate(tape, ast.Sub, *pair), metric)


def unfolded(reader: Reader, x: Any, *_: Any, **__: Any) -> Any:
    """`squareform`: a matrix of the distances of all pairs, or these of the matrix."""
    tape, content = reader.tape, reader.content(x)
    shape = tape.shape(content)
    if len(shape) != 1:
        upper = np.triu_indices(shape[0], 1)
        return reader.wrap(indexing.get(tape, content, upper))
    size = round((1 + (1 + 8 * shape[0]) ** 0.5) / 2)
    places = np.full((size, size), -1)
    upper = np.triu_indices(size, 1)
    if len(upper[0]) != shape[0]:
        reader.fail(f"{shape[0]} distances are not those of all pairs of some points")
    places[upper] = places.T[upper] = np.arange(shape[0])
    return reader.wrap(tape.take(tape.node(content), places))


def _rows(reader: Reader, content: Content) -> tuple[int, int]:
    shape = reader.tape.shape(content)
    if len(shape) != 2:
        reader.fail(f"distances are those of rows, this is an array of shape {shape}")
    return shape[0], shape[1]


def one(metric: str) -> Callable[..., Any]:
    """The distance of one vector from another."""

    def row(reader: Reader, u: Any, v: Any) -> Any:
        off = operate(reader.tape, ast.Sub, reader.content(u), reader.content(v))
        return _lengths(reader, off, metric)

    return row


ROWS: dict[str, Callable[..., Any]] = {
    "cdist": between, "pdist": among, "squareform": unfolded, "distance_matrix": by_order,
    **{f"distance.{metric}": one(metric) for metric in (*METRICS, SQUARED)},
    **{f"spatial.distance.{metric}": one(metric) for metric in (*METRICS, SQUARED)},
}  # fmt: skip
