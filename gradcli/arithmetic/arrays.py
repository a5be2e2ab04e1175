"""Arrays: the gates over float64 numpy arrays, in IEEE 754 semantics.

A number is a Python float or a numpy one; an array of no axes does not occur. Everything runs
inside `quiet()`, so that inf and nan arise without a warning.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import reduce
from math import prod
from typing import Any

import numpy as np

from gradcli.arithmetic.arithmetic import Arithmetic, Forward, Pullback
from gradcli.arithmetic.compiler import INFIX
from gradcli.arithmetic.floats import QUIET
from gradcli.arithmetic.matrices import (
    accumulated,
    backsum,
    cholesky,
    cofactors,
    inv,
    logdet,
    resort,
    scanned,
    sort,
    unsort,
)
from gradcli.gates.row import Gate
from gradcli.gates.shapes import FUNCTIONS, Axis, Shape, grouped, inverse, permuted, reduced, to_end

SAFE = 1e-140, 1e140  # sizes whose squares neither overflow nor lose digits

SPELLING = {
    **INFIX,
    "div": "divide({}, {})",
    "where": "where({}, {}, {})",
    "scale": "scale({}, {})",
    "route": "where({1}, {0}, 0.0)",
}


class Arrays(Arithmetic):
    """The arithmetic of numpy."""

    def quiet(self) -> Any:
        """A context in which numpy does not warn."""
        return np.errstate(all="ignore")

    def forward(self, gate: Gate, count: int) -> Forward:
        """The gate's value; that of a gate that runs is what its code gives."""
        code = gate.code
        if code is None:
            return super().forward(gate, count)
        return lambda values, operands: code.value([values[at] for at in operands])

    def pullback(
        self, gate: Gate, active: tuple[bool, ...], shrunk: tuple[bool, ...] = ()
    ) -> Pullback | None:
        """The gate's backward pass; that of a gate that runs is what its code gives."""
        code = gate.code
        if code is None:
            return super().pullback(gate, active, shrunk)

        def run(
            upstream: Any, values: Any, gradients: Any, _: int, operands: tuple[int, ...]
        ) -> None:
            parts = code.gradients(upstream, [values[at] for at in operands])
            for at, part, wants in zip(operands, parts, active, strict=True):
                if wants and part is not None:
                    gradients[at] = gradients[at] + part

        return run


# ---------------------------------------------------------------- element by element


def where(condition: Any, chosen: Any, other: Any) -> Any:
    """`chosen` where the condition holds and `other` elsewhere, element by element."""
    return np.where(condition, chosen, other)[()]


def scale(g: Any, local: Any) -> Any:
    """The guarded product: where g is 0 the product is, whatever the local gradient is."""
    product = g * local
    return product if np.isfinite(local).all() else where(np.equal(g, 0.0), 0.0, product)


def winner(operands: list[Any]) -> Any:
    """Of (out, x0, x1, ...) the number of the first x that equals out or is nan; -1 if none."""
    out, *xs = operands
    number: Any = -1.0
    for k, x in reversed(list(enumerate(xs))):
        number = where(np.equal(x, out) | np.isnan(x), float(k), number)
    return number


def logsumexp(xs: list[Any]) -> Any:
    """log(exp(x1) + exp(x2) + ...) of several operands, which are broadcast."""
    return lse(np.stack(np.broadcast_arrays(*xs)), ((0,), False))


def _each(name: str) -> Callable[..., Any]:
    """A function of floats applied to every element."""
    function = np.vectorize(QUIET[name], otypes=[float])
    return lambda *xs: function(*xs)[()]


# ---------------------------------------------------------------- along axes


def _along(function: Callable[..., Any]) -> Callable[[Any, Axis], Any]:
    return lambda x, axis: function(x, axis=axis[0], keepdims=axis[1])


def lse(x: Any, axis: Axis) -> Any:
    """log(sum(exp(x))), shifted by the largest so that nothing overflows."""
    axes, is_kept = axis
    top = np.max(x, axis=axes, keepdims=True)
    shift = np.where(np.isfinite(top), top, 0.0)
    value = np.log(np.sum(np.exp(x - shift), axis=axes, keepdims=True)) + shift
    return np.reshape(value, reduced(np.shape(x), (axes, is_kept)))[()]


def norm(x: Any, axis: Axis) -> Any:
    """The Euclidean norm, without overflow or underflow on the way."""
    scale = lengths(x, axis)
    if scale is None:
        return np.sqrt(np.sum(np.square(x), axis=axis[0], keepdims=axis[1]))
    length = np.sqrt(np.sum(np.square(x / scale), axis=axis[0], keepdims=True))
    return np.reshape(scale * length, reduced(np.shape(x), axis))[()]


def lengths(x: Any, axis: Axis) -> Any:
    """A divisor for each part of x that keeps its squares in range; None if none needs it."""
    size = np.max(np.abs(x), axis=axis[0], keepdims=True, initial=0.0)
    is_safe = (size == 0.0) | ((SAFE[0] < size) & (size < SAFE[1])) | ~np.isfinite(size)
    return None if is_safe.all() else np.where(is_safe, 1.0, size)


def first(x: Any, best: Any, axis: Axis) -> Any:
    """1 at the first place along the axes where x equals the best, or is nan; 0 elsewhere."""
    shape = np.shape(x)
    order = to_end(shape, axis)
    hits = np.transpose(np.equal(x, best) | np.isnan(x), order)
    flat = hits.reshape(grouped(shape, axis))
    chosen = np.arange(flat.shape[-1]) == flat.argmax(-1)[..., None]
    return np.transpose(chosen.reshape(hits.shape), inverse(order)).astype(float)[()]


def by_halving(gate: Callable[[str], Any], one: Any) -> dict[str, Callable[[Any, Axis], Any]]:
    """`prod` and `others` of an arithmetic, by its other gates; `one` is its number 1.

    The first half of the factors is multiplied by the second, until one factor is left. On the way
    back every factor gets what is outside its pair times the other one of the pair. Nothing is
    divided, so that a factor may be 0, and a step is one product of arrays, however many factors.
    """
    mul, index, concatenate, fill = map(gate, ("mul", "index", "concatenate", "fill"))
    transpose, reshape, shape_of = map(gate, ("transpose", "reshape", "shape"))

    def cut(rows: Any, *parts: tuple[int, int | None]) -> list[Any]:
        lead = ((None, None),) * (len(shape_of(rows)) - 1)
        return [index(rows, (*lead, part)) for part in parts]

    def join(*parts: Any) -> Any:
        return concatenate([(len(shape_of(parts[0])) - 1,), *parts])

    def halved(x: Any, axis: Axis) -> tuple[list[tuple[Any, Any]], Any]:
        """The pairs of halves, in the order they were multiplied, and the product of all."""
        shape = shape_of(x)
        *lead, _, size = grouped(shape, axis)
        rows = reshape(transpose(x, to_end(shape, axis)), (*lead, size))
        halves = []
        while size > 1:
            half = size // 2
            left, right, odd = cut(rows, (0, half), (half, 2 * half), (2 * half, None))
            halves.append((left, right))
            rows = join(mul(left, right), odd)
            size -= half
        return halves, rows

    def product(x: Any, axis: Axis) -> Any:
        shape = reduced(shape_of(x), axis)
        _, rows = halved(x, axis)
        is_something = prod(shape_of(rows)) == prod(shape)
        return reshape(rows, shape) if is_something else fill(one, shape)

    def others(x: Any, axis: Axis) -> Any:
        halves, rows = halved(x, axis)
        outside = fill(one, shape_of(rows))
        for left, right in reversed(halves):
            half = shape_of(left)[-1]
            pairs, odd = cut(outside, (0, half), (half, None))
            outside = join(mul(pairs, right), mul(pairs, left), odd)
        order = to_end(shape_of(x), axis)
        return transpose(reshape(outside, permuted(shape_of(x), order)), inverse(order))

    return {"prod": product, "others": others}


# ---------------------------------------------------------------- shapes


def spread(x: Any, shape: Shape, axis: Axis) -> Any:
    """Undo a reduction: each result stands wherever an element was that it came from."""
    return np.broadcast_to(np.reshape(x, reduced(shape, (axis[0], True))), shape)


def sum_to(x: Any, shape: Shape) -> Any:
    """Undo a broadcast: the sum over all that one element was repeated for."""
    axes = repeated(np.shape(x), shape)
    return np.reshape(np.sum(x, axis=axes), shape)[()] if axes else x


def repeated(wide: Shape, shape: Shape) -> Shape:
    """The axes along which an array of some shape is repeated when it is broadcast to `wide`."""
    lead = len(wide) - len(shape)
    return tuple([
        k for k, n in enumerate(wide) if k < lead or (shape[k - lead] == 1 and n != 1)
    ])  # fmt: skip


def key(at: tuple[Any, ...]) -> tuple[Any, ...]:
    """An index as numpy has it."""
    return tuple(slice(*place) if isinstance(place, tuple) else place for place in at)


def scatter(x: Any, shape: Shape, at: tuple[Any, ...]) -> Any:
    """An array of zeros with x at a place."""
    array = np.zeros(shape)
    array[key(at)] = x
    return array


def put(x: Any, v: Any, at: tuple[Any, ...]) -> Any:
    """A copy of x with v at a place; either may be of another kind of number."""
    array = np.array(x, dtype=np.result_type(np.asarray(x), np.asarray(v)))
    array[key(at)] = v
    return array


def take(x: Any, at: tuple[Any, ...]) -> Any:
    """Elements by their flat places; the 0 that is put last is what place -1 stands for."""
    (places,) = at
    return np.append(np.ravel(x), 0.0)[np.ravel(places.flat)].reshape(places.shape)[()]


def give(x: Any, shape: Shape, at: tuple[Any, ...]) -> Any:
    """Zeros to which elements are added at flat places; what goes to place -1 is dropped."""
    (places,) = at
    x = np.asarray(x)
    totals = np.zeros(prod(shape) + 1, dtype=x.dtype)
    np.add.at(totals, np.ravel(places.flat), np.ravel(x))
    return totals[:-1].reshape(shape)[()]


def mix(x: Any, y: Any) -> Any:
    """The matrix product in which a zero of x contributes zero, whatever it meets in y."""
    if np.isfinite(y).all():
        return np.matmul(x, y)
    bad = ~np.isfinite(y)
    total = np.matmul(x, np.where(bad, 0.0, y))
    rest = np.where(bad, y, 0.0)
    for k in np.unique(np.nonzero(bad)[-2]):
        total = total + scale(x[..., :, k, None], rest[..., None, k, :])
    return total


def randn(shape: Shape, seed: tuple[int, ...]) -> Any:
    """Normal numbers; the seed and the stream together are the seed of the generator."""
    return np.random.default_rng(seed).standard_normal(shape or None)


def of_shapes(
    function: Callable[..., Any], shape: Callable[[Any], Shape] = np.shape
) -> Callable[..., Any]:
    """A function of shapes as one of values; whole numbers and tuples stay as they are."""
    return lambda *xs: function(*(x if isinstance(x, int | tuple) else shape(x) for x in xs))


STRUCTURE: dict[str, Any] = {  # also right for arrays of other things than floats
    **{name: of_shapes(function) for name, function in FUNCTIONS.items()},
    "reshape": lambda x, shape: np.reshape(x, shape)[()],
    "transpose": lambda x, axes: np.transpose(x, axes)[()],
    "index": lambda x, at: x[key(at)],
    "list": lambda xs: np.stack([np.asarray(x) for x in xs]),
    "concatenate": lambda xs: np.concatenate(xs[1:], axis=xs[0][0]),
    "put": put, "spread": spread, "take": take,
    "fill": lambda x, shape: np.broadcast_to(x, shape)[()],
    "eye": lambda shape: np.eye(*shape),
    "ramp": lambda shape: np.arange(shape[0]) / max(1, shape[0] - 1),
    "randn": randn,
}  # fmt: skip

ARRAY_PRIMITIVES: dict[str, Any] = {
    "divide": np.divide, "where": where, "scale": scale,
    "pow": np.float_power,
    "exp": np.exp, "expm1": np.expm1, "exp2": np.exp2,
    "log": np.log, "log1p": np.log1p, "log2": np.log2, "log10": np.log10,
    "sqrt": np.sqrt, "cbrt": np.cbrt, "abs": np.abs,
    "floor": np.floor, "ceil": np.ceil, "round": np.rint,
    "sin": np.sin, "cos": np.cos, "tan": np.tan,
    "asin": np.arcsin, "acos": np.arccos, "atan": np.arctan, "atan2": np.arctan2,
    "sinh": np.sinh, "cosh": np.cosh, "tanh": np.tanh,
    "asinh": np.arcsinh, "acosh": np.arccosh, "atanh": np.arctanh,
    "hypot": lambda xs: reduce(np.hypot, xs, 0.0),
    "max": lambda xs: reduce(np.maximum, xs), "min": lambda xs: reduce(np.minimum, xs),
    "logsumexp": logsumexp, "winner": winner,
    **{name: _each(name) for name in (
        "erf", "erfc", "normcdf", "gamma", "lgamma", "digamma", "polygamma", "erfcx", "erfinv",
        "sinpi", "cospi",
    )},
    **STRUCTURE,
    "sum": _along(np.sum), "amax": _along(np.max), "amin": _along(np.min),
    **by_halving({**STRUCTURE, "mul": np.multiply}.__getitem__, 1.0),
    "norm": norm, "lse": lse, "first": first,
    "matmul": np.matmul, "mix": mix, "sum_to": sum_to, "scatter": scatter, "give": give,
    "trace": np.trace,
    "cumsum": accumulated(np.cumsum), "backsum": backsum, "cumprod": accumulated(np.cumprod),
    "scan": scanned(False, scale), "scanback": scanned(True, scale),
    "sort": sort, "unsort": unsort, "resort": resort,
    "inv": inv, "det": np.linalg.det, "logdet": logdet, "cofactors": cofactors,
    "cholesky": cholesky,
}  # fmt: skip

ARRAYS = Arrays("arrays", ARRAY_PRIMITIVES, SPELLING)
