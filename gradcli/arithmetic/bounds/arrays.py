"""Bounds of whole arrays, and of the gates that move and mix their elements.

The error is an array of the value's shape, or one number for all elements. Sums and products of
short numbers, such as counts and masks, are exact, in whatever order they are added.
"""

from __future__ import annotations

from collections.abc import Callable
from math import inf
from typing import Any

import numpy as np

from gradcli.arithmetic.arrays import ARRAYS, STRUCTURE, by_halving, key
from gradcli.arithmetic.arrays import norm as plain_norm
from gradcli.arithmetic.bounds.bounded import NO_ERROR, Base, Bounded, Bounds, Number
from gradcli.arithmetic.bounds.matrices import MatrixBounds, spread_error
from gradcli.arithmetic.compiler import CALLS
from gradcli.arithmetic.floats import (
    EXACT_BELOW,
    LEAST_NORMAL,
    LEAST_SUBNORMAL,
    TURNS_LOST,
    UNIT_ROUNDOFF,
)
from gradcli.gates.shapes import FUNCTIONS, Axis, Shape, reduced
from gradcli.gates.table import BUILT_IN

PRECISION = 53  # bits of a float64
ULP_FACTOR = 2.0  # numpy's vector functions may err by twice what the table says of the C library
SHORT_PARTS = 2.0**20  # numbers that are whole multiples of 1 / SHORT_PARTS are short
BLOCK = 24  # roundings in a block of 128 numbers: 16 to a part, 3 to join the parts, and some more


class BoundedArray(Bounded):
    """An array, or a number, whose error is NO_ERROR where no element has one."""

    __slots__ = ("is_bounded",)

    def __init__(self, value: Number, error: Number = NO_ERROR) -> None:
        self.value = value
        self.is_bounded = True
        if error is not NO_ERROR:
            most = error.max(initial=0.0) if error.__class__ is np.ndarray else error
            if most == 0.0:
                error = NO_ERROR
            elif not most < inf:
                self.is_bounded = False
                if most != most:
                    error = np.where(np.isnan(error), np.inf, error)[()]
        self.error = error


def _is_ordinary(x: Number) -> bool:
    least = x.min(initial=np.inf) if x.__class__ is np.ndarray else x
    return bool(least > LEAST_NORMAL)


def _bits(x: Number) -> Any:
    """How many bits each element has from its first 1 to its last; 0 for 0."""
    mantissa, _ = np.frexp(np.where(np.isfinite(x), x, 0.0))
    whole = (mantissa * EXACT_BELOW).astype(np.int64)
    lowest = np.maximum(whole & -whole, 1)
    return np.frexp((whole // lowest).astype(float))[1]


BASE = Base(
    ARRAYS, PRECISION, UNIT_ROUNDOFF, LEAST_NORMAL, LEAST_SUBNORMAL, ULP_FACTOR, _is_ordinary,
    lambda condition, one, other: np.where(condition, one, other)[()],
    lambda condition: bool(np.all(condition)), lambda error: error is NO_ERROR,
    np.maximum, np.minimum, _bits, TURNS_LOST,
)  # fmt: skip


def _is_short(*xs: Number) -> bool:
    return all(bool((np.rint(x * SHORT_PARTS) == x * SHORT_PARTS).all()) for x in xs)


def _are_exact(x: Number, y: Number, sizes: Number) -> bool:
    """Whether products of x and y, of such sizes, or sums of them, have lost nothing."""
    return _is_short(x, y) and bool((sizes * SHORT_PARTS**2 < EXACT_BELOW).all())


def _least(sizes: Number) -> float:
    """The smallest of some sizes that are not 0."""
    least: float = np.min(sizes, initial=np.inf)
    return least if least > 0 else np.min(sizes, where=sizes > 0, initial=np.inf)


# ---------------------------------------------------------------- whole arrays


def _moved(name: str) -> Callable[..., Bounded]:
    """A gate that moves elements: it moves their errors in the same way."""
    move = STRUCTURE[name]

    def one(x: Bounded, *statics: Any) -> Bounded:
        error = 0.0 if x.error is NO_ERROR else move(spread_error(x), *statics)
        return BoundedArray(move(x.value, *statics), error)

    return one


def _gathered(name: str) -> Callable[[list[Any]], Bounded]:
    """A gate that joins arrays, and their errors; a concatenation has its axis in front."""
    gather = STRUCTURE[name]

    def one(parts: list[Any]) -> Bounded:
        xs = [x for x in parts if isinstance(x, Bounded)]
        lead = [x for x in parts if not isinstance(x, Bounded)]
        value = gather([*lead, *(x.value for x in xs)])
        if all(x.error is NO_ERROR for x in xs):
            return BoundedArray(value)
        return BoundedArray(value, gather([*lead, *(
            np.broadcast_to(x.error, np.shape(x.value)) for x in xs
        )]))  # fmt: skip

    return one


def _put(x: Bounded, v: Bounded, at: tuple[Any, ...]) -> Bounded:
    error = np.array(np.broadcast_to(x.error, np.shape(x.value)))
    error[key(at)] = v.error
    return BoundedArray(STRUCTURE["put"](x.value, v.value, at), error)


def _scatter(x: Bounded, shape: Shape, at: tuple[Any, ...]) -> Bounded:
    scatter = ARRAYS.function("scatter")
    error = 0.0 if x.error is NO_ERROR else scatter(x.error, shape, at)
    return BoundedArray(scatter(x.value, shape, at), error)


def _give(x: Bounded, shape: Shape, at: tuple[Any, ...]) -> Bounded:
    """Sums of the elements that are given to one place, and of their errors."""
    give = ARRAYS.function("give")
    value = give(x.value, shape, at)
    most = np.max(give(np.ones(np.shape(x.value)), shape, at), initial=1.0) - 1.0
    rounded = most * UNIT_ROUNDOFF * give(np.abs(x.value), shape, at) if most else 0.0
    handed = 0.0 if x.error is NO_ERROR else give(spread_error(x), shape, at)
    return BoundedArray(value, handed + rounded)


def _additions(x: Number, value: Number, axis: Any) -> int:
    """How many roundings an element of a sum may go through.

    Numpy adds what lies together in memory by halves, down to blocks of 128 that it adds in eight
    parts (its `pairwise_sum`); elsewhere one after the other.
    """
    count = int(np.size(x)) // max(1, int(np.size(value)))
    last = tuple(range(np.ndim(x) - len(axis[0]), np.ndim(x))) if isinstance(axis[0], tuple) else ()
    is_together = isinstance(x, np.ndarray) and x.flags.c_contiguous and last and axis[0] == last
    return min(count - 1, BLOCK + count.bit_length()) if is_together else count - 1


def _summed(name: str) -> Callable[..., Bounded]:
    """Sums of several elements, in whatever order numpy adds them."""
    add_up = ARRAYS.function(name)

    def one(x: Bounded, *statics: Any) -> Bounded:
        value = add_up(x.value, *statics)
        if name == "sum":
            count = _additions(x.value, value, statics[0])
        else:
            count = len(x.value) if name == "trace" else np.size(x.value) // max(1, np.size(value))
        sizes = add_up(np.abs(x.value), *statics)
        is_exact = count < 1 or (
            _is_short(x.value) and bool((sizes * SHORT_PARTS < EXACT_BELOW).all())
        )  # fmt: skip
        handed = 0.0 if x.error is NO_ERROR else add_up(spread_error(x), *statics)
        return BoundedArray(value, handed + (0.0 if is_exact else count * UNIT_ROUNDOFF * sizes))

    return one


def _product(name: str) -> Callable[[Bounded, Bounded], Bounded]:
    """A matrix product; each element is a sum of as many products as there are columns."""
    multiply = ARRAYS.function(name)

    def underflow(a: Number, b: Number) -> Number:
        """What a product of sizes may lose because single products of numbers underflow."""
        low = _least(a) * _least(b)
        if not low < LEAST_NORMAL:
            return 0.0
        return np.shape(a)[-1] * LEAST_SUBNORMAL * (multiply((a > 0) * 1.0, (b > 0) * 1.0) > 0)

    def dot(a: Number, b: Number) -> Number:
        """A product of bounds; what underflows in it leaves a trace."""
        return multiply(a, b) + underflow(a, b)

    def one(x: Bounded, y: Bounded) -> Bounded:
        value = multiply(x.value, y.value)
        count = np.shape(x.value)[-1]
        left, right = np.abs(x.value), np.abs(y.value)
        is_exact = _is_short(x.value, y.value) and _are_exact(left, right, multiply(left, right))
        unit = 0.0 if is_exact else count * UNIT_ROUNDOFF
        is_safe = is_exact or min(1.0, _least(right)) * unit >= LEAST_NORMAL
        handed = unit * right + spread_error(y) if is_safe else spread_error(y)
        error = dot(left, handed) if np.ndim(handed) else 0.0
        if not is_safe:  # a part of `right` is so small that the unit would vanish in it
            error = error + unit * multiply(left, right)
        if not is_exact:
            error = error + underflow(left, right)
        if x.error is not NO_ERROR:
            error = error + dot(spread_error(x), right + spread_error(y))
        return BoundedArray(value, error)

    return one


def _along(name: str) -> Callable[[Bounded, Axis], Bounded]:
    """The largest or smallest elements along axes."""
    sign = 1.0 if name == "amax" else -1.0

    def extreme(x: Bounded, axis: Axis) -> Bounded:
        best = ARRAYS.function(name)(x.value, (axis[0], True))
        value = best if axis[1] else np.reshape(best, reduced(np.shape(x.value), axis))[()]
        if x.error is NO_ERROR:
            return BoundedArray(value)
        behind = sign * (best - x.value)
        above = np.max(x.error - behind, axis=axis[0], keepdims=axis[1])
        below = np.min(x.error + behind, axis=axis[0], keepdims=axis[1])
        return BoundedArray(value, np.maximum(above, below))

    return extreme


def _first(x: Bounded, best: Bounded, axis: Axis) -> Bounded:
    """The mask of the first best element; without a bound where rounding hides it."""
    value = ARRAYS.function("first")(x.value, best.value, axis)
    if x.error is NO_ERROR:
        return BoundedArray(value)
    error = np.broadcast_to(x.error, np.shape(x.value))
    may_win = ~(np.abs(np.subtract(x.value, best.value)) > error + best.error)  # or both overflow
    kept = (axis[0], True)
    rivals = np.sum(may_win, axis=axis[0], keepdims=True)
    slack = ARRAYS.function("amax")(np.where(may_win, error, 0.0), kept)
    return BoundedArray(value, np.where(may_win & (rivals > 1) & (slack > 0), np.inf, 0.0))


def _norm(x: Bounded, axis: Axis) -> Bounded:
    """A norm moves by no more than the norm of the errors."""
    value = ARRAYS.function("norm")(x.value, axis)
    count = np.size(x.value) // max(1, np.size(value))
    handed = 0.0 if x.error is NO_ERROR else plain_norm(spread_error(x), axis)
    own = (count / 2 + BUILT_IN["norm"].ulps) * UNIT_ROUNDOFF * value
    if not _is_ordinary(value):
        own = own + LEAST_SUBNORMAL * ((value > 0.0) & (value < LEAST_NORMAL))
    return BoundedArray(value, handed + own)


def _lse(x: Bounded, axis: Axis) -> Bounded:
    """A logsumexp moves by no more than the largest error; the shift is added last."""
    value = ARRAYS.function("lse")(x.value, axis)
    count = np.size(x.value) // max(1, np.size(value))
    top = np.reshape(np.max(x.value, axis=axis[0], keepdims=True), reduced(np.shape(x.value), axis))
    steps = count + BUILT_IN["lse"].ulps
    own = UNIT_ROUNDOFF * steps + 2 * UNIT_ROUNDOFF * np.abs(value)
    own = own + 2 * UNIT_ROUNDOFF * np.abs(top)
    own = np.where(np.isinf(value), 0.0, own)
    handed = 0.0 if x.error is NO_ERROR else np.max(spread_error(x), axis=axis[0], keepdims=axis[1])
    return BoundedArray(value, handed + own)


def _constant(name: str) -> Callable[..., Bounded]:
    make = STRUCTURE[name]
    own = BUILT_IN[name].ulps * UNIT_ROUNDOFF
    return lambda *statics: BoundedArray(value := make(*statics), own * np.abs(value))


def _together(gate: str, reduction: str) -> Callable[[list[Bounded]], Bounded]:
    """A gate of several operands: bounded like the reduction of an array that holds them."""

    def function(xs: list[Bounded]) -> Bounded:
        values = np.stack(np.broadcast_arrays(*[x.value for x in xs]))
        errors = np.stack([np.broadcast_to(x.error, values.shape[1:]) for x in xs])
        whole = ARRAY_BOUNDS.function(reduction)(BoundedArray(values, errors), ((0,), False))
        return BoundedArray(ARRAYS.function(gate)([x.value for x in xs]), whole.error)

    return function


class ArrayBounds(Bounds):
    """The arithmetic of arrays with bounds."""

    def __init__(self, base: Base = BASE) -> None:
        names: dict[str, Any] = {
            "hypot": _together("hypot", "norm"), "logsumexp": _together("logsumexp", "lse"),
            **{name: _moved(name) for name in (
                "reshape", "transpose", "index", "take", "spread", "fill",
            )},
            "list": _gathered("list"), "concatenate": _gathered("concatenate"),
            "put": _put, "scatter": _scatter, "give": _give,
            **{name: _summed(name) for name in ("sum", "sum_to", "trace")},
            "matmul": _product("matmul"), "mix": _product("mix"),
            "amax": _along("amax"), "amin": _along("amin"), "first": _first,
            "norm": _norm, "lse": _lse, "std": self._deviation,
            **{name: _constant(name) for name in ("eye", "ramp", "randn")},
            **{name: self._of_shapes(function) for name, function in FUNCTIONS.items()},
        }  # fmt: skip
        spelling = {name: text for name, text in CALLS.items() if name != "product"}
        super().__init__(base, names, spelling, BoundedArray, ArrayBounds)
        self._names |= by_halving(self._names.__getitem__, self.exactly(1.0))
        self._names |= MatrixBounds(self).names()

    def exactly(self, value: Any) -> Bounded:
        """A number or an array that is exact."""
        if isinstance(value, Bounded):
            return value
        return self.pair(np.asarray(value, dtype=float)[()])

    def is_bounded(self, x: Any) -> bool:
        """Whether the error is finite, of every element."""
        return bool(x.is_bounded)

    def static(self, value: Any) -> Any:
        """A tuple as it is; an array that is a constant is exact."""
        return value if isinstance(value, tuple) else self.exactly(value)

    def _deviation(self, x: Bounded, axis: Axis) -> Bounded:
        """The deviation by its text; that of exact numbers which are all the same is exactly 0."""
        row = BUILT_IN["std"]
        out: Bounded = self.text_function(row, row.forward)(x, axis)
        if x.error is not NO_ERROR:
            return out
        is_flat = np.equal(*[ARRAYS.function(name)(x.value, axis) for name in ("amax", "amin")])
        return BoundedArray(out.value, np.where(is_flat, np.abs(out.value), out.error))

    def _of_shapes(self, function: Callable[..., Any]) -> Callable[..., Any]:
        def of_values(*xs: Any) -> Any:
            result = function(*[np.shape(x.value) if isinstance(x, Bounded) else x for x in xs])
            return self.exactly(result) if isinstance(result, float) else result

        return of_values


ARRAY_BOUNDS = ArrayBounds()
BoundedArray.rules = ARRAY_BOUNDS
