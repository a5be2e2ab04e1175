"""Linear algebra, running sums and sorted arrays over float64, and over complex steps.

A matrix that cannot be inverted or factored gives nan. Matrices stand in the last two axes.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from gradcli.gates.shapes import Axis


def or_nan(function: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """A function of matrices that gives nan where numpy refuses them."""

    def one(x: Any) -> Any:
        try:
            return function(x)
        except np.linalg.LinAlgError:
            return np.full(np.shape(x), np.nan)

    return one


inv = or_nan(np.linalg.inv)
cholesky = or_nan(np.linalg.cholesky)


def logdet(x: Any) -> Any:
    """The logarithm of the size of the determinant."""
    return np.linalg.slogdet(x)[1]


def cofactors(x: Any) -> Any:
    """The matrix of cofactors, by singular values: it exists where the inverse does not."""
    u, s, v = np.linalg.svd(x)
    size = np.shape(x)[-1]
    others = np.prod(np.where(np.eye(size, dtype=bool), 1.0, s[..., None, :]), axis=-1)
    sign = np.linalg.det(u) * np.linalg.det(v)
    return sign[..., None, None] * np.matmul(u * others[..., None, :], v)


def factored(x: Any) -> tuple[float, Any, Any, Any]:
    """The sign of the exchanges of rows, their order, and the factors L and U of a matrix."""
    upper, size, sign = np.array(x), len(x), 1.0
    lower = np.eye(size, dtype=upper.dtype)
    order = np.arange(size)
    for k in range(size):
        at = k + int(np.argmax(np.abs(upper[k:, k])))
        if at != k:
            sign = -sign
            upper[[k, at]], order[[k, at]] = upper[[at, k]], order[[at, k]]
            lower[[k, at], :k] = lower[[at, k], :k]
        lower[k + 1 :, k] = upper[k + 1 :, k] / upper[k, k]
        upper[k + 1 :] -= np.outer(lower[k + 1 :, k], upper[k])
        upper[k + 1 :, k] = 0.0
    return sign, order, lower, upper


# ---------------------------------------------------------------- along an axis


def accumulated(function: Callable[..., Any]) -> Callable[[Any, Axis], Any]:
    """`cumsum` or `cumprod` of numpy, with an axis as rows of the table have it."""
    return lambda x, axis: function(x, axis=axis[0][0])


def backsum(x: Any, axis: Axis) -> Any:
    """For each element the sum of itself and of all later ones."""
    (at,) = axis[0]
    return np.flip(np.cumsum(np.flip(x, at), axis=at), at)


def scanned(is_back: bool, scale: Callable[..., Any]) -> Callable[[Any, Any, Axis], Any]:
    """`scan` and `scanback`; the axis is counted from the end, so that h may have more in front."""

    def scan(h: Any, x: Any, axis: Axis) -> Any:
        at = axis[0][0] - np.ndim(x)
        factors = np.moveaxis(np.asarray(x), at, 0)
        sums = np.moveaxis(np.array(h, dtype=np.result_type(h, x)), at, 0)
        size = len(sums)
        for k in range(size - 2, -1, -1) if is_back else range(1, size):
            sums[k] += (
                scale(sums[k + 1], factors[k + 1]) if is_back else scale(sums[k - 1], factors[k])
            )
        return np.moveaxis(sums, 0, at)

    return scan


def sort(x: Any, axis: Axis) -> Any:
    """The elements in order; complex ones by their real parts first."""
    return np.sort(x, axis=axis[0][0])


def _moved(h: Any, x: Any, axis: Axis, is_back: bool) -> Any:
    at = axis[0][0] - np.ndim(x)
    order = np.argsort(x, axis=at, kind="stable")
    places = np.argsort(order, axis=at, kind="stable") if is_back else order
    return np.take_along_axis(np.asarray(h), np.broadcast_to(places, np.shape(h)), at)


def resort(h: Any, x: Any, axis: Axis) -> Any:
    """Elements in the order that sorts x; equal ones stay in their order."""
    return _moved(h, x, axis, False)


def unsort(h: Any, x: Any, axis: Axis) -> Any:
    """Elements back where sorting x took them from."""
    return _moved(h, x, axis, True)
