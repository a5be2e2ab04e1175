"""Gates that mix the elements of arrays, made of an arithmetic's other gates.

Sums and products along an axis, sorted elements and matrices' inverses are written here once, in
gates of numbers, for the arithmetics that numpy has no functions for. `gate` finds a gate of the
arithmetic by its name, `one` is its number 1.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from gradcli.gates.shapes import Axis, Shape, inverse, swapped

Gates = Callable[[str], Callable[..., Any]]
Made = dict[str, Callable[..., Any]]


def last(x: Any, shape: Shape, axis: Axis, transpose: Callable[..., Any]) -> tuple[Any, Shape]:
    """The array with the axis as its last one, and the order of axes that was taken."""
    (at,) = axis[0]
    order = (*(k for k in range(len(shape)) if k != at), at)
    return transpose(x, order), order


def by_scanning(gate: Gates) -> Made:
    """Sums and products that grow along an axis, a step for each of its places."""
    add, mul, scale = map(gate, ("add", "mul", "scale"))
    index, concatenate = gate("index"), gate("concatenate")
    transpose, shape_of = gate("transpose"), gate("shape")

    def parts(x: Any, axis: Axis) -> tuple[list[Any], Shape]:
        shape = shape_of(x)
        moved, order = last(x, shape, axis, transpose)
        lead = ((None, None),) * (len(shape) - 1)
        return [index(moved, (*lead, (k, k + 1))) for k in range(shape[axis[0][0]])], order

    def joined(x: Any, found: list[Any], order: Shape) -> Any:
        if not found:
            return x
        return transpose(concatenate([(len(order) - 1,), *found]), inverse(order))

    def scan(h: Any, x: Any, axis: Axis) -> Any:
        (terms, order), (factors, _) = parts(h, axis), parts(x, axis)
        found = terms[:1]
        for term, factor in zip(terms[1:], factors[1:], strict=True):
            found.append(add(term, scale(found[-1], factor)))
        return joined(h, found, order)

    def scanback(h: Any, x: Any, axis: Axis) -> Any:
        (terms, order), (factors, _) = parts(h, axis), parts(x, axis)
        found = terms[-1:]
        for term, factor in zip(terms[-2::-1], factors[:0:-1], strict=True):
            found.append(add(term, scale(found[-1], factor)))
        return joined(h, found[::-1], order)

    def growing(combine: Callable[..., Any], is_back: bool) -> Callable[..., Any]:
        def accumulate(x: Any, axis: Axis) -> Any:
            terms, order = parts(x, axis)
            terms = terms[::-1] if is_back else terms
            found = terms[:1]
            for term in terms[1:]:
                found.append(combine(found[-1], term))
            return joined(x, found[::-1] if is_back else found, order)

        return accumulate

    return {
        "scan": scan, "scanback": scanback, "cumsum": growing(add, False),
        "backsum": growing(add, True), "cumprod": growing(mul, False),
    }  # fmt: skip


def by_comparing(gate: Gates) -> Callable[[Any, Axis], Any]:
    """`sort`: neighbours are exchanged until none need be (an odd-even transposition network)."""
    larger, smaller = gate("max"), gate("min")
    index, concatenate = gate("index"), gate("concatenate")
    transpose, shape_of = gate("transpose"), gate("shape")

    def sort(x: Any, axis: Axis) -> Any:
        shape = shape_of(x)
        moved, order = last(x, shape, axis, transpose)
        lead = ((None, None),) * (len(shape) - 1)
        row = [index(moved, (*lead, (k, k + 1))) for k in range(shape[axis[0][0]])]
        for step in range(len(row)):
            for k in range(step % 2, len(row) - 1, 2):
                one, other = row[k : k + 2]
                # At a tie each goes to its first operand, so that equal ones stay in their order.
                row[k : k + 2] = smaller([one, other]), larger([other, one])
        whole = concatenate([(len(shape) - 1,), *row]) if row else moved
        return transpose(whole, inverse(order))

    return sort


def by_traces(gate: Gates, one: Any) -> Made:
    """Determinants and inverses without a pivot to choose (Faddeev and LeVerrier).

    With M = 1 and c = -trace(A M) / k in turn, M becomes A M + c; after as many steps as there are
    rows, A M is -c, so that the last M but one is the inverse times -c, and (-1)**n c is the
    determinant. Only whole numbers are divided by, and a minor that is 0 does no harm.
    """
    sub, mul, div, neg = map(gate, ("sub", "mul", "div", "neg"))
    matmul = gate("matmul")
    total, spread, fill, eye = map(gate, ("sum", "spread", "fill", "eye"))
    transpose, shape_of, number = gate("transpose"), gate("shape"), gate("number")

    def steps(x: Any) -> tuple[Any, Any]:
        """The matrix of cofactors, transposed, and the determinant."""
        shape = shape_of(x)
        ends, size = ((len(shape) - 2, len(shape) - 1), False), shape[-1]
        unit = eye((size, size))
        matrix = fill(unit, shape)
        for k in range(1, size + 1):
            image = matmul(x, matrix)
            share = div(total(mul(image, unit), ends), number(float(k)))
            if k == size:
                return (matrix, share) if size % 2 else (neg(matrix), sub(number(0.0), share))
            matrix = sub(image, mul(spread(share, shape, ends), unit))
        return matrix, fill(one, shape[:-2])

    def inv(x: Any) -> Any:
        adjugate, value = steps(x)
        shape = shape_of(x)
        return div(adjugate, spread(value, shape, ((len(shape) - 2, len(shape) - 1), False)))

    def logdet(x: Any) -> Any:
        return gate("log")(gate("abs")(steps(x)[1]))

    def cofactors(x: Any) -> Any:
        adjugate, _ = steps(x)
        return transpose(adjugate, swapped(shape_of(x)))

    return {"inv": inv, "det": lambda x: steps(x)[1], "logdet": logdet, "cofactors": cofactors}


def by_columns(gate: Gates) -> Callable[[Any], Any]:
    """`cholesky`, one column of the factor after the other; only the lower triangle is read."""
    sub, mul, div, sqrt = map(gate, ("sub", "mul", "div", "sqrt"))
    index, concatenate, fill = map(gate, ("index", "concatenate", "fill"))
    shape_of, number = gate("shape"), gate("number")

    def cholesky(x: Any) -> Any:
        *lead, size, _ = shape_of(x)
        every = ((None, None),) * len(lead)
        columns: list[Any] = []
        for k in range(size):
            column = index(x, (*every, (k, size), (k, k + 1)))
            for earlier in columns:
                tail = index(earlier, (*every, (k, size), (None, None)))
                column = sub(column, mul(tail, index(earlier, (*every, (k, k + 1), (None, None)))))
            pivot = sqrt(index(column, (*every, (0, 1), (None, None))))
            below = index(column, (*every, (1, size - k), (None, None)))
            empty = fill(number(0.0), (*lead, k, 1))
            columns.append(concatenate([(len(lead),), empty, pivot, div(below, pivot)]))
        return concatenate([(len(lead) + 1,), *columns]) if columns else x

    return cholesky
