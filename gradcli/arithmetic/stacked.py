"""Many backward passes at once: gradients with one more axis in front, a row for each pass.

Values are arrays as they are; only upstream gradients, and what is made of them, have the axis
of rows. Numpy lines axes up from the last one on, so that what works element by element works on
rows; the functions here are those that count axes.
"""

from __future__ import annotations

from collections.abc import Callable
from math import prod
from typing import Any

import numpy as np

from gradcli.arithmetic.arrays import ARRAY_PRIMITIVES, SPELLING, Arrays, key, of_shapes, repeated
from gradcli.arithmetic.matrices import backsum
from gradcli.gates.shapes import FUNCTIONS, Axis, Shape, reduced


class Rows(np.ndarray):
    """An array whose first axis is that of the rows."""


def rows(array: Any) -> Any:
    """An array as rows."""
    return np.asarray(array).view(Rows)


def _lined_up(name: str) -> Callable[..., Any]:
    """A function that numpy lines up from the last axis on: it gives rows if it gets them."""
    function = ARRAY_PRIMITIVES[name]

    def one(*xs: Any) -> Any:
        result = function(*xs)
        return rows(result) if any(isinstance(x, Rows) for x in xs) else result

    return one


def _ahead(axes: Shape) -> Shape:
    return tuple(axis + 1 for axis in axes)


def _reshape(x: Any, shape: Shape) -> Any:
    return np.reshape(x, (len(x), *shape))


def _spread(x: Any, shape: Shape, axis: Axis) -> Any:
    return rows(np.broadcast_to(_reshape(x, reduced(shape, (axis[0], True))), (len(x), *shape)))


def _fill(x: Any, shape: Shape) -> Any:
    missing = (1,) * (len(shape) + 1 - x.ndim)
    return rows(np.broadcast_to(_reshape(x, (*missing, *x.shape[1:])), (len(x), *shape)))


def _sum_to(x: Any, shape: Shape) -> Any:
    axes = repeated(x.shape[1:], shape)
    return _reshape(np.sum(x, axis=_ahead(axes)), shape) if axes else x


def _scatter(x: Any, shape: Shape, at: tuple[Any, ...]) -> Any:
    scattered = rows(np.zeros((len(x), *shape)))
    scattered[(slice(None), *key(at))] = x
    return scattered


def _take(x: Any, at: tuple[Any, ...]) -> Any:
    (places,) = at
    with_none = np.concatenate([_reshape(x, (-1,)), np.zeros((len(x), 1))], axis=1)
    return _reshape(rows(with_none[:, np.ravel(places.flat)]), places.shape)


def _give(x: Any, shape: Shape, at: tuple[Any, ...]) -> Any:
    (places,) = at
    totals = np.zeros((len(x), prod(shape) + 1))
    at_places: Any = (slice(None), np.ravel(places.flat))
    np.add.at(totals, at_places, _reshape(np.asarray(x), (-1,)))
    return _reshape(rows(totals[:, :-1]), shape)


ON_ROWS: dict[str, Callable[..., Any]] = {
    "reshape": _reshape, "spread": _spread, "fill": _fill, "sum_to": _sum_to, "scatter": _scatter,
    "take": _take, "give": _give,
    "transpose": lambda x, axes: np.transpose(x, (0, *_ahead(axes))),
    "index": lambda x, at: x[(slice(None), *key(at))],
    "sum": lambda x, axis: np.sum(x, axis=_ahead(axis[0]), keepdims=axis[1]),
    "cumsum": lambda x, axis: np.cumsum(x, axis=axis[0][0] + 1),
    "backsum": lambda x, axis: rows(backsum(x, (_ahead(axis[0]), False))),
}  # fmt: skip


def _either(name: str) -> Callable[..., Any]:
    plain, on_rows = ARRAY_PRIMITIVES[name], ON_ROWS[name]
    return lambda x, *statics: (on_rows if isinstance(x, Rows) else plain)(x, *statics)


def _shape(x: Any) -> Shape:
    return x.shape[1:] if isinstance(x, Rows) else np.shape(x)


IN_ROWS = Arrays(
    "rows",
    {
        **ARRAY_PRIMITIVES,
        **{name: _either(name) for name in ON_ROWS},
        **{name: of_shapes(function, _shape) for name, function in FUNCTIONS.items()},
        **{name: _lined_up(name) for name in (
            "where", "scale", "mix", "scan", "scanback", "unsort", "resort",
        )},
    },
    SPELLING,
)  # fmt: skip
