"""Functions of numpy that only move elements, for the gate `take`.

Such a function is applied to the places of the elements, counted from 1; a 0 in the result is a
place that nothing comes to, as in `np.pad` and `np.triu`.
"""

from __future__ import annotations

from collections.abc import Callable
from math import prod
from typing import Any

import numpy as np

from gradcli.errors import LimitError
from gradcli.gates.shapes import Shape

MOST_MOVED = 50_000_000  # elements of a result
PAD_MODES = ("constant", "edge", "wrap", "reflect", "symmetric")

MOVES: dict[str, Callable[..., Any]] = {
    "tile": np.tile, "repeat": np.repeat, "roll": np.roll, "flip": np.flip, "fliplr": np.fliplr,
    "flipud": np.flipud, "rot90": np.rot90, "triu": np.triu, "tril": np.tril, "diag": np.diag,
    "diagonal": np.diagonal, "delete": np.delete, "take": np.take, "resize": np.resize,
    "take_along_axis": np.take_along_axis, "compress": np.compress, "diagflat": np.diagflat,
    "sliding_window_view": np.lib.stride_tricks.sliding_window_view,
}  # fmt: skip


def _size(shape: Shape, function: Callable[..., Any], values: Any) -> int:
    """How many elements the result has, of what makes more of them; else those of the array."""
    size = prod(shape)
    if function in (np.tile, np.repeat) and values:
        return size * int(np.max(np.prod(values[0])))
    if function in (np.diag, np.diagflat) and (function is np.diagflat or len(shape) == 1):
        return (size + abs(int(values[0]) if values else 0)) ** 2
    if function is np.pad and values:
        widths = np.broadcast_to(values[0], (len(shape), 2))
        return prod(n + int(more) for n, more in zip(shape, widths.sum(axis=1), strict=True))
    return size


def places_of(shape: Shape, function: Callable[..., Any], *values: Any, **named: Any) -> Any:
    """Where each element of the result comes from: flat places in an array of some shape."""
    size = _size(shape, function, values)
    if size > MOST_MOVED:
        raise LimitError(f"an array of {size} elements is too large to be moved about")
    numbered = np.arange(1, prod(shape) + 1).reshape(shape)
    return np.asarray(function(numbered, *values, **named)) - 1
