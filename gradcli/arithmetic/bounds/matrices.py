"""Bounds of linear algebra, of running sums and of sorted arrays.

An inverse is bounded by what its product with the matrix lacks of 1, a determinant by that of the
matrix between the inverses of its factors, which is close to 1 as well: with X near the inverse
of A and R = 1 - A X, and |.| the largest sum of a row,

    inverse - X = X R + X R R + ...     so that     |inverse - X| <= |X| |R| / (1 - |R|)

(Rump, Verification methods, Acta Numerica 19, 2010, section 10). No bound is given where R is not
below 1.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from gradcli.arithmetic.arrays import ARRAYS, STRUCTURE
from gradcli.arithmetic.bounds.bounded import NO_ERROR, Bounded
from gradcli.arithmetic.floats import UNIT_ROUNDOFF
from gradcli.arithmetic.matrices import factored
from gradcli.arithmetic.mixing import by_columns, by_scanning
from gradcli.gates.shapes import Axis, swapped


def spread_error(x: Bounded) -> Any:
    """The errors, broadcast to the shape of the value."""
    error = 0.0 if x.error is NO_ERROR else x.error
    return np.broadcast_to(error, np.shape(x.value))


def matrix_bounds(rules: Any) -> dict[str, Callable[..., Any]]:
    """The gates of matrices, of an arithmetic of arrays with bounds."""
    pair, exactly = rules.pair, rules.exactly

    def gate(name: str) -> Callable[..., Any]:
        def late(*operands: Any) -> Any:
            return rules.function(name)(*operands)

        return late

    matmul, sub = gate("matmul"), gate("sub")

    def inv(x: Bounded) -> Bounded:
        value = ARRAYS.function("inv")(x.value)
        rest = sub(exactly(np.eye(np.shape(value)[-1])), matmul(x, exactly(value)))
        size = np.abs(rest.value) + spread_error(rest)
        norm = np.max(np.sum(size, axis=-1), axis=-1, initial=0.0)[..., None, None]
        first = np.matmul(np.abs(value), size)
        later = np.max(first, axis=-1, keepdims=True, initial=0.0) * np.shape(value)[-1]
        error = np.where(norm < 1, first + later * norm / np.maximum(1 - norm, 1e-300), np.inf)
        return _bounded(pair, value, error * (1 + 1e-9))  # for the rounding of the bound itself

    def logarithm(matrix: Any, error: Any) -> tuple[float, float, float]:
        """Of one matrix the sign of the determinant, the logarithm of its size, and its error."""
        size = len(matrix)
        sign, order, lower, upper = factored(matrix)
        if not size or not np.isfinite(upper).all() or not np.diagonal(upper).all():
            return 1.0, 0.0, 0.0 if not size else np.inf
        left = np.tril(np.linalg.inv(lower), -1) + np.eye(size)
        right = np.triu(np.linalg.inv(upper))
        middle = matmul(matmul(exactly(left), pair(matrix[order], error[order])), exactly(right))
        rest = sub(exactly(np.eye(size)), middle)
        norm = float(np.max(np.sum(np.abs(rest.value) + spread_error(rest), axis=-1)))
        logs = np.log(np.abs(np.diagonal(right)))
        rounded = 4 * size * UNIT_ROUNDOFF * (1 + float(np.sum(np.abs(logs))))
        off = -size * float(np.log1p(-norm)) if norm < 1 else np.inf
        sign *= float(np.prod(np.sign(np.diagonal(right))))
        return sign, -float(np.sum(logs)), off + rounded

    def logarithms(x: Bounded) -> Any:
        """These three of all matrices, in a first axis of three."""
        shape = np.shape(x.value)
        flat = (
            np.reshape(x.value, (-1, *shape[-2:])),
            np.reshape(spread_error(x), (-1, *shape[-2:])),
        )
        found = [logarithm(*matrix) for matrix in zip(*flat, strict=True)]
        return np.reshape(np.transpose(found), (3, *shape[:-2]))

    def det(x: Bounded) -> Bounded:
        value = ARRAYS.function("det")(x.value)
        sign, log, error = logarithms(x)
        middle = sign * np.exp(log)
        own = np.abs(middle) * np.expm1(error) * (1 + 1e-9)
        return _bounded(pair, value, own + np.abs(value - middle))

    def logdet(x: Bounded) -> Bounded:
        value = ARRAYS.function("logdet")(x.value)
        _, log, error = logarithms(x)
        return _bounded(pair, value, error + np.abs(value - log))

    def cofactors(x: Bounded) -> Bounded:
        value = ARRAYS.function("cofactors")(x.value)
        inverse = gate("inv")(x)
        turned = gate("transpose")(inverse, swapped(np.shape(value)))
        whole = gate("det")(x)
        spread = pair(
            whole.value[..., None, None], np.asarray(spread_error(whole))[..., None, None]
        )
        made = gate("mul")(spread, turned)
        return _bounded(pair, value, spread_error(made) + np.abs(made.value - value))

    def gate_or_number(name: str) -> Callable[..., Any]:
        return exactly if name == "number" else gate(name)

    columns = by_columns(gate_or_number)

    def cholesky(x: Bounded) -> Bounded:
        value = ARRAYS.function("cholesky")(x.value)
        made = columns(x)
        return _bounded(pair, value, spread_error(made) + np.abs(made.value - value))

    return {
        **by_scanning(gate_or_number), "inv": inv, "det": det, "logdet": logdet,
        "cofactors": cofactors, "cholesky": cholesky,
        "cumsum": _running(pair, "cumsum"), "backsum": _running(pair, "backsum"),
        "sort": _sorted(pair), "unsort": _back(pair, "unsort"), "resort": _back(pair, "resort"),
    }  # fmt: skip


def _bounded(pair: Callable[..., Bounded], value: Any, error: Any) -> Bounded:
    """A value and its error, which is infinite where the value is none."""
    return pair(value, np.where(np.isfinite(error), error, np.inf)[()])


def _running(pair: Callable[..., Bounded], name: str) -> Callable[[Bounded, Axis], Bounded]:
    """Running sums: as many roundings as an element has terms before the last."""
    add_up = ARRAYS.function(name)

    def one(x: Bounded, axis: Axis) -> Bounded:
        sizes = add_up(np.abs(x.value), axis)
        count = max(0, np.shape(x.value)[axis[0][0]] - 1)
        is_whole = np.all(np.rint(x.value) == x.value) and np.all(sizes * UNIT_ROUNDOFF < 1)
        own = 0.0 if is_whole else count * UNIT_ROUNDOFF * sizes
        return pair(add_up(x.value, axis), own + add_up(spread_error(x), axis))

    return one


def _sorted(pair: Callable[..., Bounded]) -> Callable[[Bounded, Axis], Bounded]:
    """Sorted elements: none moves by more than the largest error."""

    def one(x: Bounded, axis: Axis) -> Bounded:
        value = ARRAYS.function("sort")(x.value, axis)
        if x.error is NO_ERROR:
            return pair(value)
        most = np.max(spread_error(x), axis=axis[0][0], keepdims=True, initial=0.0)
        return pair(value, np.broadcast_to(most, np.shape(value)))

    return one


def _back(pair: Callable[..., Bounded], name: str) -> Callable[..., Bounded]:
    """Elements moved by an order; without a bound where rounding may have changed it."""
    move = ARRAYS.function(name)

    def one(h: Bounded, x: Bounded, axis: Axis) -> Bounded:
        value, error = move(h.value, x.value, axis), move(spread_error(h), x.value, axis)
        if x.error is NO_ERROR:
            return pair(value, error)
        at = axis[0][0]
        ranked = np.sort(x.value, axis=at)
        slack = ARRAYS.function("resort")(spread_error(x), x.value, axis)
        gaps = np.diff(ranked, axis=at) - np.add(*(
            STRUCTURE["index"](slack, (*((None, None),) * at, part))
            for part in ((0, -1), (1, None))
        ))  # fmt: skip
        close = gaps <= 0
        edge = np.zeros_like(np.take(ranked, [0], axis=at), dtype=bool)
        unsure = np.concatenate([edge, close], at) | np.concatenate([close, edge], at)
        if name == "unsort":
            unsure = move(unsure, x.value, axis)
        return pair(value, np.where(unsure, np.inf, error))

    return one
