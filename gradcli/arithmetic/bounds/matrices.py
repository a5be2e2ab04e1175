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

SLACK = 1 + 1e-9  # for the rounding of the bounds themselves
TINY = 1e-300  # in the place of 0, where nothing is divided


def spread_error(x: Bounded) -> Any:
    """The errors, broadcast to the shape of the value."""
    error = 0.0 if x.error is NO_ERROR else x.error
    return np.broadcast_to(error, np.shape(x.value))


class MatrixBounds:
    """The gates of matrices, of an arithmetic of arrays with bounds."""

    def __init__(self, rules: Any) -> None:
        self.rules, self.pair, self.exactly = rules, rules.pair, rules.exactly

    def names(self) -> dict[str, Callable[..., Any]]:
        """The gates by their names."""
        pair = self.pair
        self._columns = by_columns(self._gate)
        return {
            **by_scanning(self._gate), "inv": self.inv, "det": self.det, "logdet": self.logdet,
            "cofactors": self.cofactors, "cholesky": self.cholesky,
            "cumsum": _running(pair, "cumsum"), "backsum": _running(pair, "backsum"),
            "sort": _sorted(pair), "unsort": _back(pair, "unsort"),
            "resort": _back(pair, "resort"),
        }  # fmt: skip

    def _gate(self, name: str) -> Callable[..., Any]:
        """A gate of the arithmetic, which is looked up when it is called; or its numbers."""
        if name == "number":
            exactly: Callable[..., Any] = self.exactly
            return exactly

        def late(*operands: Any) -> Any:
            return self.rules.function(name)(*operands)

        return late

    def _lacks(self, product: Bounded) -> Any:
        """How far a matrix is from 1, element by element, at most."""
        unit = self.exactly(np.eye(np.shape(product.value)[-1]))
        rest = self._gate("sub")(unit, product)
        return np.abs(rest.value) + spread_error(rest)

    def inv(self, x: Bounded) -> Bounded:
        """The inverse, by what its product with the matrix lacks of 1."""
        value = ARRAYS.function("inv")(x.value)
        size = self._lacks(self._gate("matmul")(x, self.exactly(value)))
        norm = np.max(np.sum(size, axis=-1), axis=-1, initial=0.0)[..., None, None]
        first = np.matmul(np.abs(value), size)
        later = np.max(first, axis=-1, keepdims=True, initial=0.0) * np.shape(value)[-1]
        error = np.where(norm < 1, first + later * norm / np.maximum(1 - norm, TINY), np.inf)
        return _bounded(self.pair, value, error * SLACK)

    def _logarithm(self, matrix: Any, error: Any) -> tuple[float, float, float]:
        """Of one matrix the sign of the determinant, the logarithm of its size, and its error."""
        size, matmul = len(matrix), self._gate("matmul")
        _, order, lower, upper = factored(matrix)
        if not size or not np.isfinite(upper).all() or not np.diagonal(upper).all():
            return 1.0, 0.0, 0.0 if not size else np.inf
        left = np.tril(np.linalg.inv(lower), -1) + np.eye(size)
        right = np.triu(np.linalg.inv(upper))
        middle = matmul(self.exactly(left), self.pair(matrix[order], error[order]))
        lacks = self._lacks(matmul(middle, self.exactly(right)))
        norm = float(np.max(np.sum(lacks, axis=-1)))
        diagonal = np.diagonal(right)
        logs = np.log(np.abs(diagonal))
        rounded = 4 * size * UNIT_ROUNDOFF * (1 + float(np.sum(np.abs(logs))))
        off = -size * float(np.log1p(-norm)) if norm < 1 else np.inf
        exchanged = float(np.linalg.det(np.eye(size)[order]))
        sign = round(exchanged) * float(np.prod(np.sign(diagonal)))
        return sign, -float(np.sum(logs)), off + rounded

    def _logarithms(self, x: Bounded) -> Any:
        """These three of all matrices, in a first axis of three."""
        shape = np.shape(x.value)
        flat = [np.reshape(part, (-1, *shape[-2:])) for part in (x.value, spread_error(x))]
        found = [self._logarithm(*matrix) for matrix in zip(*flat, strict=True)]
        return np.reshape(np.transpose(found), (3, *shape[:-2]))

    def det(self, x: Bounded) -> Bounded:
        """The determinant, by that of the matrix between the inverses of its factors."""
        value = ARRAYS.function("det")(x.value)
        sign, log, error = self._logarithms(x)
        middle = sign * np.exp(log)
        own = np.abs(middle) * np.expm1(error) * SLACK
        return _bounded(self.pair, value, own + np.abs(value - middle))

    def logdet(self, x: Bounded) -> Bounded:
        """The logarithm of the size of the determinant."""
        value = ARRAYS.function("logdet")(x.value)
        _, log, error = self._logarithms(x)
        return _bounded(self.pair, value, error + np.abs(value - log))

    def cofactors(self, x: Bounded) -> Bounded:
        """The determinant times the inverse, transposed."""
        value = ARRAYS.function("cofactors")(x.value)
        turned = self._gate("transpose")(self.inv(x), swapped(np.shape(value)))
        whole = self.det(x)
        parts = (np.asarray(part)[..., None, None] for part in (whole.value, spread_error(whole)))
        return self._near(value, self._gate("mul")(self.pair(*parts), turned))

    def cholesky(self, x: Bounded) -> Bounded:
        """The factor, computed once more column by column."""
        return self._near(ARRAYS.function("cholesky")(x.value), self._columns(x))

    def _near(self, value: Any, made: Bounded) -> Bounded:
        """A value whose bound is that of another way to compute it."""
        return _bounded(self.pair, value, spread_error(made) + np.abs(made.value - value))


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
