"""Operations that move, accumulate and sort elements, and linear algebra, over many-digit numbers.

Each is written here from its definition: determinants by minors, inverses by cofactors, Cholesky by
its recurrence. The arrays are numpy's, of objects; `total` adds up numbers of which none is left
below the precision.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from tests.hunt.evaluator import OutsideError, PoleError, mp

Shape = tuple[int, ...]
Total = Callable[[list[Any]], Any]


class Operation(NamedTuple):
    """How an operation is written, what it is, and some shapes and keywords it takes."""

    text: str  # of the operands by number and the keywords by name
    value: Callable[..., Any]  # of `total`, the operands, and the keywords by name
    cases: tuple[tuple[tuple[Shape, ...], dict[str, Any]], ...]


def _objects(x: Any) -> Any:
    """An array of objects, with numbers of mpmath for the zeros that numpy has put in."""
    array = np.asarray(x, dtype=object)
    out = np.empty(array.shape, dtype=object)
    for at in np.ndindex(array.shape):
        number = array[at]  # some functions put in whole numbers of numpy's own
        out[at] = mp.mpf(int(number) if isinstance(number, np.integer) else number)
    return out


def _along(function: Callable[[Total, list[Any]], list[Any]]) -> Callable[..., Any]:
    """A function of the numbers along an axis."""

    def value(total: Total, x: Any, axis: int) -> Any:
        moved = np.moveaxis(x, axis, -1)
        rows = [function(total, [*moved[at]]) for at in np.ndindex(moved.shape[:-1])]
        out = np.empty((len(rows), len(rows[0])), dtype=object)
        for k, row in enumerate(rows):
            out[k] = row
        return np.moveaxis(out.reshape(*moved.shape[:-1], -1), -1, axis)

    return value


def _stacked(function: Callable[..., Any]) -> Callable[..., Any]:
    """A function of matrices, over stacks of them."""

    def value(total: Total, *xs: Any) -> Any:
        stack = xs[0].shape[:-2]
        parts = {at: _objects(function(total, *(x[at] for x in xs))) for at in np.ndindex(stack)}
        out = np.empty(stack + next(iter(parts.values())).shape, dtype=object)
        for at, part in parts.items():
            out[at] = part if part.shape else part[()]
        return out

    return value


def _sums(total: Total, xs: list[Any]) -> list[Any]:
    return [total(xs[: k + 1]) for k in range(len(xs))]


def _products(_: Total, xs: list[Any]) -> list[Any]:
    return [mp.fprod(xs[: k + 1]) for k in range(len(xs))]


def _log_softmax(_: Total, xs: list[Any]) -> list[Any]:
    return [-mp.log1p(mp.fsum(mp.exp(y - x) for k, y in enumerate(xs) if k != own))
            for own, x in enumerate(xs)]  # fmt: skip


def _det(total: Total, x: Any) -> Any:
    if x.shape[0] == 1:
        return x[0, 0]
    return total([(-1) ** k * x[0, k] * _det(total, _minor(x, 0, k)) for k in range(x.shape[0])])


def _minor(x: Any, i: int, j: int) -> Any:
    return np.delete(np.delete(x, i, 0), j, 1)


def _inv(total: Total, x: Any) -> Any:
    det = _det(total, x)
    if not det:
        raise PoleError
    out = np.empty(x.shape, dtype=object)
    for i, j in np.ndindex(x.shape):
        cofactor = (-1) ** (i + j) * _det(total, _minor(x, j, i)) if x.shape[0] > 1 else mp.one
        out[i, j] = cofactor / det
    return out


def _solve(total: Total, x: Any, y: Any) -> Any:
    inverse = _inv(total, x)
    right = y if y.ndim == 2 else y.reshape(-1, 1)
    out = np.empty((x.shape[0], right.shape[1]), dtype=object)
    for i, j in np.ndindex(out.shape):
        out[i, j] = total([a * b for a, b in zip(inverse[i], right[:, j], strict=True)])
    return out.reshape(y.shape)


def _logdet(total: Total, x: Any) -> Any:
    det = _det(total, x)
    if not det:
        raise PoleError
    return mp.log(abs(det))


def _cholesky(total: Total, x: Any) -> Any:
    out = _objects(np.zeros(x.shape))
    for i in range(x.shape[0]):
        for j in range(i + 1):
            rest = total([x[i, j], *(-out[i, k] * out[j, k] for k in range(j))])
            if i == j and rest <= 0:
                raise PoleError if not rest else OutsideError
            out[i, j] = mp.sqrt(rest) if i == j else rest / out[j, j]
    return out


def _einsum(total: Total, *xs: Any, path: str) -> Any:
    operands, result = path.split("->")
    names = operands.split(",")
    sizes = {letter: n for name, x in zip(names, xs, strict=True)
             for letter, n in zip(name, x.shape, strict=True)}  # fmt: skip
    summed = [letter for letter in sizes if letter not in result]
    out = np.empty(tuple(sizes[letter] for letter in result), dtype=object)
    for at in np.ndindex(out.shape):
        terms = []
        for rest in itertools.product(*(range(sizes[letter]) for letter in summed)):
            place = {**dict(zip(result, at, strict=True)), **dict(zip(summed, rest, strict=True))}
            factors = [x[tuple(place[c] for c in name)] for name, x in zip(names, xs, strict=True)]
            terms.append(mp.fprod(factors))
        out[at] = total(terms)
    return out


def _norm_of_matrix(total: Total, x: Any, order: str) -> Any:
    if order == "'fro'":
        return _objects(mp.sqrt(mp.fsum(a * a for a in x.flat)))
    return _objects(max(mp.fsum(map(abs, row)) for row in (x.T if order == "1" else x)))


def _variance(total: Total, x: Any, axis: int, ddof: int) -> Any:
    def of(_: Total, xs: list[Any]) -> list[Any]:
        mean = total(xs) / len(xs)
        return [mp.fsum(total([x, -mean]) ** 2 for x in xs) / (len(xs) - ddof)]

    return _objects(np.take(_along(of)(total, x, axis), 0, axis))


def _moved(function: Callable[..., Any]) -> Callable[..., Any]:
    """A function of numpy that only moves elements."""
    return lambda _, *xs, **keywords: _objects(function(*xs, **keywords))


AXES: tuple[tuple[tuple[Shape, ...], dict[str, Any]], ...] = (
    (((4,),), {"axis": 0}), (((3, 2),), {"axis": 0}), (((2, 3),), {"axis": 1}), (((2, 2, 3),), {"axis": 2}),
    (((2, 3, 2),), {"axis": 1}), (((1,),), {"axis": 0}),
)  # fmt: skip
SQUARES = tuple(
    ((shape,), dict[str, Any]()) for shape in ((2, 2), (2, 2), (3, 3), (2, 2, 2), (1, 1))
)
PLAIN = tuple(((shape,), dict[str, Any]()) for shape in ((2, 3), (3, 3), (2, 2)))

OPERATIONS = {
    "cumsum": Operation("cumsum({0}, axis={axis})", _along(_sums), AXES),
    "cumprod": Operation("cumprod({0}, axis={axis})", _along(_products), AXES),
    "sort": Operation("sort({0}, axis={axis})", _along(lambda _, xs: sorted(xs)), AXES),
    "diff": Operation("diff({0}, axis={axis})", _along(
        lambda total, xs: [total([b, -a]) for a, b in itertools.pairwise(xs)]), AXES[:5]),
    "log_softmax": Operation("log_softmax({0}, axis={axis})", _along(_log_softmax), AXES),
    "var_ddof": Operation("var({0}, axis={axis}, ddof={ddof})", _variance, tuple(
        (shapes, {**keywords, "ddof": 1}) for shapes, keywords in AXES[:5])),
    "flip": Operation("flip({0}, axis={axis})", _moved(np.flip), AXES),
    "roll": Operation("roll({0}, {shift}, axis={axis})", _moved(np.roll), tuple(
        (shapes, {**keywords, "shift": 1}) for shapes, keywords in AXES)),
    "repeat": Operation("repeat({0}, {repeats}, axis={axis})", _moved(np.repeat), tuple(
        (shapes, {**keywords, "repeats": 2}) for shapes, keywords in AXES[:3])),
    "tile": Operation("tile({0}, {reps})", _moved(np.tile), (
        (((2,),), {"reps": 2}), (((2, 2),), {"reps": 2}), (((2, 1),), {"reps": (1, 2)}))),
    "pad": Operation("pad({0}, {pad_width})", _moved(np.pad), (
        (((2,),), {"pad_width": 1}), (((2, 2),), {"pad_width": ((1, 0), (0, 2))}))),
    "rot90": Operation("rot90({0})", _moved(np.rot90), PLAIN),
    "tril": Operation("tril({0})", _moved(np.tril), PLAIN),
    "triu": Operation("triu({0}, {k})", _moved(np.triu), tuple((s, {"k": 1}) for s, _ in PLAIN)),
    "diag": Operation("diag({0})", _moved(np.diag), ((((3, 3),), {}), (((2,),), {}))),
    "swapaxes": Operation("swapaxes({0}, {axis1}, {axis2})", _moved(np.swapaxes), (
        (((2, 3),), {"axis1": 0, "axis2": 1}), (((2, 1, 3),), {"axis1": 0, "axis2": 2}))),
    "kron": Operation("kron({0}, {1})", _moved(np.kron), (
        (((2, 2), (1, 2)), {}), (((2,), (2,)), {}), (((2, 1), (2, 2)), {}))),
    "cross": Operation("cross({0}, {1})", lambda total, a, b: _objects(
        [total([a[i] * b[j], -a[j] * b[i]]) for i, j in ((1, 2), (2, 0), (0, 1))]), (
        (((3,), (3,)), {}),)),
    "einsum": Operation("einsum('{path}', {0}, {1})", _einsum, (
        (((2, 3), (3, 2)), {"path": "ij,jk->ik"}), (((2, 2), (2, 2)), {"path": "ij,ij->i"}),
        (((2, 2, 2), (2, 2)), {"path": "bij,bj->bi"}), (((2, 2), (2, 2)), {"path": "ij,ji->"}),
        (((2, 2, 2), (2, 2, 1)), {"path": "bij,bjk->bik"}))),
    "norm_of_matrix": Operation("norm({0}, ord={order})", _norm_of_matrix, tuple(
        (((2, 2),), {"order": order}) for order in ("1", "inf", "'fro'"))),
    "det": Operation("det({0})", _stacked(_det), SQUARES),
    "logdet": Operation("logdet({0})", _stacked(_logdet), SQUARES),
    "inv": Operation("inv({0})", _stacked(_inv), SQUARES),
    "cholesky": Operation("cholesky({0})", _stacked(_cholesky), SQUARES),
    "solve": Operation("solve({0}, {1})", _stacked(_solve), (
        (((2, 2), (2, 1)), {}), (((3, 3), (3, 2)), {}), (((2, 2, 2), (2, 2, 1)), {}), (((1, 1), (1, 1)), {}))),
    "solve_vector": Operation("solve({0}, {1})", _solve, (
        (((2, 2), (2,)), {}), (((3, 3), (3,)), {}))),
}  # fmt: skip
MATRICES = ("det", "logdet", "inv", "cholesky", "solve", "solve_vector")
