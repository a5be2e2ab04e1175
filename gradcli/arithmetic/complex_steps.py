"""Complex steps: arrays that carry an infinitesimal step in their imaginary part.

    f(x + ih) = f(x) + ih f'(x) - ...        so f'(x) = Im f(x + ih) / h

Nothing is subtracted, so no digits cancel, and the step can be so small that its square vanishes
(Squire and Trapp, Using Complex Variables to Estimate Derivatives of Real Functions, SIAM Review
40, 1998). Only forward texts are used, never a local gradient of the table: the derivatives are
evidence of their own.

Numbers are ordered by real part, and where these are equal by imaginary part, as numpy orders
them: at a tie the step decides which branch is taken. The derivative is then the one-sided
slope in the direction of the step.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import reduce
from typing import Any

import numpy as np

from gradcli.arithmetic.arrays import ARRAY_PRIMITIVES, SPELLING, STRUCTURE, Arrays, lengths
from gradcli.arithmetic.arrays import lse as real_lse
from gradcli.arithmetic.matrices import factored, or_nan
from gradcli.arithmetic.mixing import by_columns
from gradcli.gates.shapes import Axis

STEP = 2.0**-120  # its square is nothing beside the numbers that occur
VANISHING_REAL = 2.0**-200  # a real part this far below 0 may be the square of a step
ROUNDING_DRIFT = 1e-9  # relative: how far roundings may carry a value
HALVED_STEPS = 5  # of the differences of functions that numpy has for real numbers only
LONGEST_STEP = 2.0**-6  # the first of them
# of a distribution function: the one whose tail is differenced, its sign, the side of that tail
TAILS = {"erf": ("erfc", -1.0, 1.0), "erfc": ("erfc", 1.0, 1.0), "normcdf": ("normcdf", 1.0, -1.0)}


def _to_pole(x: Any) -> Any:
    """How far the nearest pole of gamma and its relatives is: 0 or a negative whole number."""
    return np.where(x > 0, x, np.abs(x - np.rint(x)))


# How far functions can be followed by differences: to a pole or border, or till they have bent.
DISTANCES: dict[str, Callable[[Any], Any]] = {
    **dict.fromkeys(("gamma", "lgamma", "digamma", "polygamma"), _to_pole),
    "erfinv": lambda x: 1 - np.abs(x),
    "erfcx": lambda x: np.maximum(1.0, x) / np.maximum(1.0, -x),
}


def _parts(real: Any, imag: Any) -> Any:
    number = np.empty(np.broadcast(real, imag).shape, dtype=complex)
    number.real, number.imag = real, imag
    return number[()]


def _analytic(function: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """A function that numpy has for complex numbers; its value is that of the real one."""

    def one(x: Any) -> Any:
        return _parts(function(x.real), function(x).imag) if np.iscomplexobj(x) else function(x)

    return one


def _constant(function: Callable[[Any], Any], ties: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """A step function; at an edge, `ties` adds what the infinitesimal step makes of it."""

    def one(x: Any) -> Any:
        if not np.iscomplexobj(x):
            return function(x)
        return function(x.real) + ties(x)

    return one


def _at_edge(x: Any, is_edge: Any, sign: float) -> Any:
    return np.where(is_edge & (sign * x.imag > 0), sign, 0.0)


def _half(x: Any) -> Any:
    """The correction of rounding half to even at a tie, which the step decides."""
    low = np.floor(x.real)
    is_edge = x.real - low == 0.5
    reached = np.where(x.imag > 0, low + 1, low)
    return np.where(is_edge & (x.imag != 0), reached - np.rint(x.real), 0.0)


def absolute(x: Any) -> Any:
    """|x|, and at 0 the size of the step."""
    return np.where(x < 0, -x, x)[()] if np.iscomplexobj(x) else np.abs(x)


def root(x: Any) -> Any:
    """The square root; nan for negative numbers, the squares of steps apart."""
    if not np.iscomplexobj(x):
        return np.sqrt(x)
    principal = np.where(x.real < -VANISHING_REAL, np.nan, np.sqrt(x))
    imag = np.where(x.real < 0, np.abs(principal.imag), principal.imag)
    return _parts(principal.real, np.where(x == 0, np.nan, imag))  # at 0 a second order decides


def cube_root(x: Any) -> Any:
    """The real cube root."""
    if not np.iscomplexobj(x):
        return np.cbrt(x)
    size = absolute(x)
    imag = np.power(size, 1 / 3).imag
    return _parts(np.cbrt(x.real), np.where(x < 0, -imag, imag))


def power(x: Any, y: Any) -> Any:
    """The power x**y; a negative x only has whole powers."""
    if not (np.iscomplexobj(x) or np.iscomplexobj(y)):
        return np.float_power(x, y)
    value = np.float_power(np.real(x), np.real(y))
    is_odd = np.where(np.mod(np.real(y), 2) == 1, -1.0, 1.0)
    is_negative = np.real(x) < 0
    imag = np.power(np.where(is_negative, -x, x), y).imag * np.where(is_negative, is_odd, 1.0)
    imag = np.where(is_negative & (np.imag(y) != 0), np.nan, imag)
    return _parts(value, imag)


def angle(y: Any, x: Any) -> Any:
    """atan2(y, x), by the quotient that is no larger than 1."""
    if not (np.iscomplexobj(x) or np.iscomplexobj(y)):
        return np.arctan2(y, x)
    is_steep = np.abs(np.real(y)) > np.abs(np.real(x))
    imag = np.where(is_steep, -np.arctan(x / y + 0j).imag, np.arctan(y / x + 0j).imag)
    return _parts(np.arctan2(np.real(y), np.real(x)), imag)


def _stepped(name: str) -> Callable[..., Any]:
    """A special function of real numbers: its slope by extrapolated central differences.

    Richardson's scheme over steps that are halved; the longest stays far from poles. Of a
    distribution function, whose slope is even, the tail is taken that goes to 0: on the other side
    nothing would change.
    """
    function = ARRAY_PRIMITIVES[name]
    tail, sign, side = TAILS.get(name, (name, 1.0, None))
    sloped = ARRAY_PRIMITIVES[tail]
    distance = DISTANCES.get(name)

    def one(*operands: Any) -> Any:
        orders, x = list(map(np.real, operands[:-1])), operands[-1]
        if not np.iscomplexobj(x):
            return function(*orders, x)
        at = x.real if side is None else side * np.abs(x.real)
        step = LONGEST_STEP * np.ones(np.shape(at))
        if side is not None:
            step = step / np.maximum(1.0, np.abs(at))
        if distance is not None:
            step = np.minimum(step, distance(at) / 16)
        row: list[Any] = []
        for level in range(HALVED_STEPS):
            h = step / 2**level
            new = [(sloped(*orders, at + h) - sloped(*orders, at - h)) / (2 * h)]
            for k, old in enumerate(row):
                new.append(new[k] + (new[k] - old) / (4.0 ** (k + 1) - 1))
            row = new
        imag = np.where(x.imag == 0, 0.0, sign * row[-1] * x.imag)
        return _parts(function(*orders, x.real), imag)

    return one


def norm(x: Any, axis: Axis) -> Any:
    """The Euclidean norm; at the zero vector it is the length of the step."""
    if not np.iscomplexobj(x):
        return ARRAY_PRIMITIVES["norm"](x, axis)
    axes, is_kept = axis
    divisor = lengths(x.real, axis)
    scale: Any = 1.0 if divisor is None else divisor
    real = np.sqrt(np.sum(np.square(x.real / scale), axis=axes, keepdims=True))
    away = np.sum((x.real / scale) * x.imag, axis=axes, keepdims=True) / np.where(real, real, 1.0)
    length = STEP * np.sqrt(np.sum(np.square(x.imag / STEP), axis=axes, keepdims=True))
    result = _parts(real * scale, np.where(real, away, length))
    return result if is_kept else np.squeeze(result, axis=axes)[()]


def lse(x: Any, axis: Axis) -> Any:
    """log(sum(exp(x))), its real part that of real numbers."""
    if not np.iscomplexobj(x):
        return real_lse(x, axis)
    axes, is_kept = axis
    value = real_lse(x.real, (axes, True))
    shares = np.exp(x.real - np.where(np.isfinite(value), value, 0.0))
    imag = np.sum(np.where(x.imag == 0, 0.0, shares * x.imag), axis=axes, keepdims=True)
    result = _parts(value, imag)
    return result if is_kept else np.squeeze(result, axis=axes)[()]


def total(x: Any, axis: Axis) -> Any:
    """The sum, its real part added up in the order of real numbers."""
    add_up = ARRAY_PRIMITIVES["sum"]
    return _parts(add_up(x.real, axis), add_up(x.imag, axis)) if np.iscomplexobj(x) else (
        add_up(x, axis)
    )  # fmt: skip


def product(x: Any, y: Any) -> Any:
    """The matrix product to first order, its real part that of real numbers."""
    value = np.matmul(np.real(x), np.real(y))
    imag = [np.matmul(x.imag, np.real(y))] if np.iscomplexobj(x) else []
    imag += [np.matmul(np.real(x), y.imag)] if np.iscomplexobj(y) else []
    return _parts(value, sum(imag)) if imag else value


def quotient(x: Any, y: Any) -> Any:
    """The quotient to first order, its real part that of real numbers."""
    value = np.divide(np.real(x), np.real(y))
    if not (np.iscomplexobj(x) or np.iscomplexobj(y)):
        return value
    return _parts(value, (np.imag(x) - value * np.imag(y)) / np.real(y))


def _of_matrices(name: str, function: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """A function of matrices that numpy has for complex ones, its real part that of real ones."""
    plain = ARRAY_PRIMITIVES[name]

    def one(x: Any) -> Any:
        return _parts(plain(x.real), function(x).imag) if np.iscomplexobj(x) else plain(x)

    return one


def _angles(x: Any) -> Any:
    """What the steps make of the logarithm of a determinant: i times the sum over the pivots."""
    flat = x.reshape(-1, *x.shape[-2:])
    pivots = [np.diagonal(factored(matrix)[3]) for matrix in flat]
    return 1j * np.reshape([np.sum(p.imag / p.real) for p in pivots], x.shape[:-2])[()]


def _together(xs: list[Any]) -> Any:
    return np.stack(np.broadcast_arrays(*xs))


PRIMITIVES_OF_STEPS: dict[str, Any] = {
    **ARRAY_PRIMITIVES,
    **{name: _analytic(ARRAY_PRIMITIVES[name]) for name in (
        "exp", "expm1", "exp2", "log", "log1p", "log2", "log10", "sin", "cos", "tan", "asin",
        "acos", "atan", "sinh", "cosh", "tanh", "asinh", "acosh", "atanh",
    )},
    **{name: _stepped(name) for name in (
        "erf", "erfc", "normcdf", "gamma", "lgamma", "digamma", "polygamma", "erfcx", "erfinv",
        "sinpi", "cospi",
    )},
    "floor": _constant(np.floor, lambda x: _at_edge(x, x.real == np.floor(x.real), -1.0)),
    "ceil": _constant(np.ceil, lambda x: _at_edge(x, x.real == np.ceil(x.real), 1.0)),
    "round": _constant(np.rint, _half),
    "abs": absolute, "sqrt": root, "cbrt": cube_root, "pow": power, "atan2": angle,
    "hypot": lambda xs: norm(_together(xs), ((0,), False)),
    "sum": total, "matmul": product, "divide": quotient,
    "norm": norm,
    "logsumexp": lambda xs: lse(_together(xs), ((0,), False)),
    "lse": lse,
    "inv": _of_matrices("inv", or_nan(np.linalg.inv)),
    "det": _of_matrices("det", np.linalg.det), "logdet": _of_matrices("logdet", _angles),
    "cholesky": _of_matrices("cholesky", by_columns({
        **STRUCTURE, "sub": np.subtract, "mul": np.multiply, "div": quotient, "sqrt": root,
        "number": float,
    }.__getitem__)),
    "max": lambda xs: reduce(np.maximum, xs), "min": lambda xs: reduce(np.minimum, xs),
}  # fmt: skip


def without_squares(x: Any, value: Any) -> Any:
    """A result whose real part is the value without the step, unless another branch was taken.

    The square of a step is all there is of a real part that should be 0, and would decide at ties.
    """
    if not np.iscomplexobj(x):
        return x
    is_near = np.abs(x.real - value) <= ROUNDING_DRIFT * np.abs(value) + VANISHING_REAL
    return _parts(np.where(is_near, value, x.real), x.imag)


STEPS = Arrays("steps", PRIMITIVES_OF_STEPS, SPELLING)
