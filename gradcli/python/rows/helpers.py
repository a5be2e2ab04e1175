"""Functions of teaching material that a file takes from a module that is not beside it.

Courses keep `sigmoid` and `relu` in helper modules. Where such a module is missing, these few are
taken for what their names say, and a note says so. Where a module has `sigmoid_backward` too, its
`sigmoid` returns the value and the cache.
"""

from __future__ import annotations

import ast
from collections.abc import Callable
from math import prod
from typing import Any

import numpy as np

from gradcli.python.rows.elementwise import UNARY, ZERO, relu
from gradcli.python.rows.reductions import reduction
from gradcli.python.state import indexing
from gradcli.python.state.operators import COMPARE, DIV, MUL, SUB
from gradcli.python.state.reader import Reader
from gradcli.python.state.values import Array

WORDS = 3  # that are drawn from: there are as many in every axis of three or more
ONE, MOST, TENTH = np.array(1.0), np.array(0.9), np.array(0.1)


def sigmoid(reader: Reader, x: Any) -> Any:
    """The logistic function."""
    return reader.wrap(reader.tape.apply(UNARY["sigmoid"], reader.content(x)))


def softmax(reader: Reader, x: Any) -> Any:
    """The softmax of columns, as courses with one example a column have it; or that of rows."""
    tape, content = reader.tape, reader.content(x)
    reader.has_softmax = True
    powers = Array(tape.apply(UNARY["exp"], content))
    total = reduction("sum", np.sum)(reader, powers, reader.softmax_axis, None, True)
    return reader.wrap(tape.apply(DIV, powers.content, reader.content(total)))


def leaky(reader: Reader, x: Any, **flags: Any) -> Any:
    """A leaky relu, or its slope where a flag asks for that: `act(z, derivative=True)`.

    Its slope is that at its output, too, so either may be what a file hands on.
    """
    if any(flag is True for flag in flags.values()):
        return slope(reader, x)
    return reader.wrap(reader.tape.apply(MUL, reader.content(x), reader.content(slope(reader, x))))


def slope(reader: Reader, x: Any) -> Any:
    """The slope of the leaky relu."""
    tape = reader.tape
    is_negative = tape.apply(COMPARE[ast.LtE][1], reader.content(x), ZERO)
    return reader.wrap(tape.apply(SUB, ONE, tape.apply(MUL, MOST, is_negative)))


def step(reader: Reader, *values: Any) -> Any:
    """What a method of an optimiser makes of a weight and its gradient; of other things, nothing.

    It is a plain step, whoever asks for it: `optimizer.update(W, dW)`, `opt(W, dW)`.
    """
    arrays = [value for value in values if isinstance(value, Array)]
    if len(arrays) != 2:
        return None
    change = reader.tape.apply(MUL, TENTH, arrays[1].content)
    return reader.wrap(reader.tape.apply(SUB, arrays[0].content, change))


def sampled(reader: Reader, *_: Any) -> int:
    """The index that an object of a data set draws: `dataset.sampleTokenIdx()`."""
    return int(reader.random.randint(0, WORDS))


def with_cache(function: Callable[..., Any]) -> Callable[..., Any]:
    """The function in the form that also returns what its backward part needs."""
    return lambda reader, x: (function(reader, x), x)


def sigmoid_backward(reader: Reader, upstream: Any, cache: Any) -> Any:
    """The upstream gradient times s (1 - s)."""
    tape = reader.tape
    value = tape.apply(UNARY["sigmoid"], reader.content(cache))
    slope = tape.apply(MUL, value, tape.apply(SUB, ONE, value))
    return reader.wrap(tape.apply(MUL, reader.content(upstream), slope))


def relu_backward(reader: Reader, upstream: Any, cache: Any) -> Any:
    """The upstream gradient where the input was positive."""
    tape = reader.tape
    mask = tape.apply(COMPARE_GREATER, reader.content(cache), ZERO)
    return reader.wrap(tape.apply(MUL, reader.content(upstream), mask))


def _windows(images: tuple[int, ...], height: int, width: int, pad: int, stride: int) -> Any:
    """The flat places of images of shape (N, C, H, W) under every place of a filter; -1 is padding.

    The axes are channel, row and column of the filter, row and column of the place, image.
    """
    ends = ((0, 0), (0, 0), (pad, pad), (pad, pad))
    places = np.pad(np.arange(prod(images)).reshape(images), ends, constant_values=-1)
    views = np.lib.stride_tricks.sliding_window_view(places, (height, width), (2, 3))
    return views[:, :, ::stride, ::stride].transpose(1, 4, 5, 2, 3, 0)


def _whole(reader: Reader, sizes: tuple[Any, ...]) -> tuple[int, ...]:
    """Sizes as whole numbers, also where they were divided, which Python 2 does without a rest."""
    return tuple(indexing.whole(reader.tape, size) for size in sizes)


def im2col(reader: Reader, x: Any, height: int, width: int, pad: int, stride: int) -> Any:
    """The patches of images as columns, as the compiled `im2col_cython` of courses has them."""
    content = reader.content(x)
    height, width, pad, stride = _whole(reader, (height, width, pad, stride))
    places = _windows(reader.tape.shape(content), height, width, pad, stride)
    rows = places.shape[0] * height * width
    return Array(reader.tape.take(reader.tape.node(content), places.reshape(rows, -1)))


def col2im(reader: Reader, columns: Any, *sizes: Any) -> Any:
    """The images to which columns of patches are added, as `col2im_cython` has them."""
    return _added(reader, columns, sizes, (0, 1, 2, 3, 4, 5))


def col2im_6d(reader: Reader, columns: Any, *sizes: Any) -> Any:
    """The images to which patches are added, as `col2im_6d_cython` has them."""
    return _added(reader, columns, sizes, (0, 1, 2, 5, 3, 4))


def _added(reader: Reader, columns: Any, sizes: tuple[Any, ...], order: tuple[int, ...]) -> Any:
    """Patches, their axes in some order, added to images of sizes (N, C, H, W)."""
    images, window = _whole(reader, sizes[:4]), _whole(reader, sizes[4:])
    places = _windows(images, *window).transpose(order)
    content = reader.tape.node(reader.content(columns))
    return Array(reader.tape.give(reader.tape.reshape(content, places.shape), images, places))


COMPARE_GREATER = COMPARE[ast.Gt][1]
HELPERS: dict[str, Callable[..., Any]] = {
    "sigmoid": sigmoid, "relu": relu, "softmax": softmax,
    "tanh": lambda reader, x: reader.wrap(reader.tape.apply(UNARY["tanh"], reader.content(x))),
    # For functions and objects that nobody gives.
    "leaky relu": leaky, "slope of leaky relu": slope, "step": step,
    "sampled": sampled,
    "im2col_cython": im2col, "col2im_cython": col2im, "col2im_6d_cython": col2im_6d,
}  # fmt: skip
WITH_CACHE: dict[str, Callable[..., Any]] = {
    **{name: with_cache(function) for name, function in HELPERS.items()},
    "sigmoid_backward": sigmoid_backward,
    "relu_backward": relu_backward,
}
