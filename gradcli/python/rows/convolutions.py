"""Convolutions and correlations of numpy and scipy.signal, as rows.

Every window of the first array is taken out as a row, with zeros beyond its ends; what is left is
one product with the second array, flat.
"""

from __future__ import annotations

from collections.abc import Callable
from math import prod
from typing import Any

import numpy as np

from gradcli.python.state.operators import matmul
from gradcli.python.state.reader import Reader
from gradcli.python.state.tape import refuse_large
from gradcli.python.state.values import Array

PLANE = 2  # axes
MODES = ("full", "valid", "same")


def correlation(
    default: str, rank: int | None = None, is_turned: bool = False, is_longest: bool = False
) -> Callable[..., Any]:
    """The row of a correlation; a convolution turns the second array around.

    `default` is its mode, `rank` the only number of axes it takes; `is_longest` puts the longer
    array first, as `np.convolve` does.
    """

    def row(reader: Reader, a: Any, b: Any, mode: str = default, *more: Any, **named: Any) -> Any:
        _refuse_options(reader, mode, [*more, *named.values()])
        tape, left, right = reader.tape, reader.content(a), reader.content(b)
        own, kernel = tape.shape(left), tape.shape(right)
        if len(own) != len(kernel) or not own or (rank or len(own)) != len(own):
            reader.fail(f"a convolution of shapes {own} and {kernel}: both have "
                        f"{rank or 'as many'} axes")  # fmt: skip
        is_smaller = all(n <= m for n, m in zip(own, kernel, strict=True)) and own != kernel
        if is_smaller and (mode == "valid" or (is_longest and mode == "same")):
            if not is_turned:
                reader.fail("the first array of a correlation is smaller than the second",
                            "give the larger one first")  # fmt: skip
            left, right, own, kernel = right, left, kernel, own
        windows = _windows(own, kernel, mode, rank == PLANE and not is_turned)
        if any(n < 1 for n in windows.shape):
            reader.fail(f"no window of shape {kernel} is inside an array of shape {own}")
        flat = tape.reshape(right, (prod(kernel),))
        if is_turned:
            flat = reader.part(Array(flat), slice(None, None, -1)).content
        rows = tape.take(tape.node(left), windows.reshape(-1, prod(kernel)))
        product = matmul(tape, rows, flat)
        return reader.wrap(tape.reshape(product, windows.shape[: len(own)]))

    return row


def _refuse_options(reader: Reader, mode: Any, options: list[Any]) -> None:
    """Refuse what is not read: other ends than zeros. How scipy computes it says nothing."""
    if mode not in MODES:
        reader.fail(f"the mode {mode!r} is not read", "`full`, `valid` and `same` are")
    for option in options:
        if option not in ("fill", "auto", "direct", "fft") and reader.plain(option) != 0:
            reader.fail(f"a convolution with the option {option!r} is not read",
                        "ends are read as zeros; `np.pad` gives others")  # fmt: skip


def _windows(own: tuple[int, ...], kernel: tuple[int, ...], mode: str, is_late: bool) -> Any:
    """The flat places of every window, -1 beyond the ends: axes of windows, then of the kernel.

    Of an even kernel `correlate2d` has the other one of the two middles.
    """
    inner = []  # for every axis the place of the window's part k, by window
    for n, m in zip(own, kernel, strict=True):
        first, count = 1 - m, n + m - 1
        if mode != "full":
            first, count = (
                (0, n - m + 1) if mode == "valid" else (first + (m - 1 + is_late) // 2, n)
            )
        inner.append(np.arange(first, first + max(count, 0))[:, None] + np.arange(m))
    refuse_large(prod(part.size for part in inner))
    axes, flat, is_inside = len(own), np.zeros((), int), np.ones((), bool)
    for axis, (part, size) in enumerate(zip(inner, own, strict=True)):
        spread = [1] * (2 * axes)
        spread[axis], spread[axes + axis] = part.shape
        places = part.reshape(spread)
        flat = flat * size + places
        is_inside = is_inside & (places >= 0) & (places < size)
    return np.where(is_inside, flat, -1)


def _refused(reader: Reader, *_: Any, **__: Any) -> Any:
    """A filter that repeats the ends."""
    reader.fail("filters of `scipy.ndimage` are not read", "pad with `np.pad`, and convolve that")


ROWS: dict[str, Callable[..., Any]] = {
    "convolve": correlation("full", 1, is_turned=True, is_longest=True),
    "correlate": correlation("valid", 1, is_longest=True),
    **dict.fromkeys(("signal.convolve", "fftconvolve", "oaconvolve"),
                    correlation("full", is_turned=True)),
    "signal.correlate": correlation("full"),
    "convolve2d": correlation("full", 2, is_turned=True), "correlate2d": correlation("full", 2),
    **dict.fromkeys(("ndimage.convolve", "ndimage.correlate", "ndimage.convolve1d",
                     "ndimage.correlate1d"), _refused),
}  # fmt: skip
