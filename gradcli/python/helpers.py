"""Functions of teaching material that a file takes from a module that is not beside it.

Courses keep `sigmoid` and `relu` in helper modules. Where such a module is missing, these few are
taken for what their names say, and a note says so. Where a module has `sigmoid_backward` too, its
`sigmoid` returns the value and the cache.
"""

from __future__ import annotations

import ast
from collections.abc import Callable
from typing import Any

import numpy as np

from gradcli.python.elementwise_rows import UNARY, ZERO, relu
from gradcli.python.operators import COMPARE, DIV, MUL, SUB
from gradcli.python.reduction_rows import reduction
from gradcli.python.values import Array, Reader

ONE = np.array(1.0)


def sigmoid(reader: Reader, x: Any) -> Any:
    """The logistic function."""
    return reader.wrap(reader.tape.apply(UNARY["sigmoid"], reader.content(x)))


def softmax(reader: Reader, x: Any) -> Any:
    """The softmax of columns, as courses with one example a column have it."""
    tape, content = reader.tape, reader.content(x)
    powers = Array(tape.apply(UNARY["exp"], content))
    total = reduction("sum", np.sum)(reader, powers, 0, None, True)
    return reader.wrap(tape.apply(DIV, powers.content, reader.content(total)))


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


COMPARE_GREATER = COMPARE[ast.Gt][1]
HELPERS: dict[str, Callable[..., Any]] = {
    "sigmoid": sigmoid, "relu": relu, "softmax": softmax,
    "tanh": lambda reader, x: reader.wrap(reader.tape.apply(UNARY["tanh"], reader.content(x))),
}  # fmt: skip
WITH_CACHE: dict[str, Callable[..., Any]] = {
    **{name: with_cache(function) for name, function in HELPERS.items()},
    "sigmoid_backward": sigmoid_backward,
    "relu_backward": relu_backward,
}
