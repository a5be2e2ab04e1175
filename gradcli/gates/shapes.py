"""Shape inference: the shape of every gate's result, before any memory is taken for it.

    shape  = the sizes of the axes; () is a number
    static = an operand that is no number: a shape, an order of axes, `at` or `axis`
    axis   = (axes, whether they are kept with size 1)
    at     = one entry per axis: a place, or (start, stop)

A rule of the gate table gets the operands' shapes, or the statics themselves, and gives the shape
of the result. `FUNCTIONS` are what the texts of the gate table call on shapes.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import prod
from typing import Any

from gradcli.errors import ShapeError

Shape = tuple[int, ...]
Axis = tuple[Shape, bool]
Rule = Callable[..., Shape]

OF_NOTHING = 8  # numbers that take as much as a row without any: in a list, in a report
MOST_AXES = 32  # of an array, as many as numpy has in every version


def text_of(shape: Shape) -> str:
    """A shape as numpy writes it: `(5, 10)`, `(3,)`; `()` is a number."""
    return str(tuple(shape))


def amount(shape: Shape) -> int:
    """How many numbers an array is made of, or what takes as much: the rows of an empty one."""
    return prod(shape) or OF_NOTHING * prod([size for size in shape if size])


def broadcast(*shapes: Shape) -> Shape:
    """The common shape, as numpy broadcasts. Raises ShapeError."""
    rank = max(map(len, shapes), default=0)
    sizes = []
    for axis in range(-rank, 0):
        distinct = {shape[axis] for shape in shapes if len(shape) >= -axis} - {1}
        if len(distinct) > 1:
            raise ShapeError(f"shapes {' and '.join(map(text_of, shapes))} do not fit together",
                             hint=_trailing_hint(shapes))  # fmt: skip
        sizes.append(distinct.pop() if distinct else 1)
    return tuple(sizes)


def _trailing_hint(shapes: Sequence[Shape]) -> str:
    if len(shapes) == 2 and shapes[0] == shapes[1][::-1]:
        return "transpose one of them: `.T`"
    return "axes are matched from the last one on; their sizes must be equal, or one of them 1"


def normal_axes(axis: Any, rank: int) -> Shape:
    """`axis=` as numbers of axes: None means all, negative ones count from the last."""
    if axis is None:
        return tuple(range(rank))
    axes = []
    for number in axis if isinstance(axis, tuple) else (axis,):
        if not -rank <= number < rank:
            has = f"axes 0 to {rank - 1}" if rank else "no axis: it is a number"
            raise ShapeError(f"axis {number} does not exist", hint=f"the operand has {has}")
        axes.append(number % rank)
    if len(set(axes)) < len(axes):
        raise ShapeError("an axis is named twice")
    return tuple(sorted(axes))


def reduced(shape: Shape, axis: Axis) -> Shape:
    """The shape that is left when some axes are reduced."""
    axes, is_kept = axis
    return tuple(
        1 if k in axes else size for k, size in enumerate(shape) if is_kept or k not in axes
    )


def count(shape: Shape, axis: Axis) -> float:
    """The number of elements that are reduced to one."""
    return float(prod(shape[k] for k in axis[0]))


def permuted(shape: Shape, axes: Shape) -> Shape:
    """The sizes in another order of the axes."""
    return tuple(shape[k] for k in axes)


def to_end(shape: Shape, axis: Axis) -> Shape:
    """The order of axes in which those that are reduced stand last."""
    return (*(k for k in range(len(shape)) if k not in axis[0]), *axis[0])


def grouped(shape: Shape, axis: Axis) -> Shape:
    """The shape after `to_end` with each group that is reduced to one as one row."""
    rest = [n for k, n in enumerate(shape) if k not in axis[0]]
    return (*rest, 1, prod(shape[k] for k in axis[0]))


def row(shape: Shape) -> Shape:
    """The left operand of a matrix product as a matrix."""
    return (1, *shape) if len(shape) == 1 else shape


def column(shape: Shape) -> Shape:
    """The right operand of a matrix product as a matrix."""
    return (*shape, 1) if len(shape) == 1 else shape


def product(left: Shape, right: Shape) -> Shape:
    """The matrix product of both as matrices. Raises ShapeError."""
    if not left or not right:
        raise ShapeError(f"shapes {text_of(left)} and {text_of(right)}: a matrix product needs "
                         "arrays", hint="write `*` for a product with a number")  # fmt: skip
    a, b = row(left), column(right)
    if a[-1] != b[-2]:
        raise ShapeError(f"shapes {text_of(left)} and {text_of(right)} do not fit: "
                         f"{a[-1]} columns meet {b[-2]} rows",
                         hint=_product_hint(left, right))  # fmt: skip
    return (*broadcast(a[:-2], b[:-2]), a[-2], b[-1])


def _product_hint(left: Shape, right: Shape) -> str | None:
    if len(left) != 2 or len(right) != 2:
        return None
    fits = {
        "left @ right.T": left[1] == right[1],
        "left.T @ right": left[0] == right[0],
        "right @ left": right[1] == left[0],
    }
    ways = [f"`{text}`" for text, fit in fits.items() if fit]
    return f"these would fit: {', '.join(ways)}" if ways else None


def matmul(left: Shape, right: Shape) -> Shape:
    """The matrix product; a row or column that was put in for a vector is left out again."""
    shape = product(left, right)
    if len(left) == 1:
        shape = (*shape[:-2], shape[-1])
    return shape[:-1] if len(right) == 1 else shape


def swapped(shape: Shape) -> Shape:
    """The order of axes that exchanges the last two."""
    rank = len(shape)
    return (*range(rank - 2), rank - 1, rank - 2)


def inverse(axes: Shape) -> Shape:
    """The order of axes that undoes another."""
    return tuple(sorted(range(len(axes)), key=axes.__getitem__))


def sized(shape: Shape) -> Shape:
    """A shape that something is to have. Raises ShapeError."""
    if min(shape, default=0) < 0:
        raise ShapeError(f"a size cannot be negative: the shape is {text_of(shape)}")
    return shape


def reshaped(shape: Shape, new: Shape) -> Shape:
    """Another shape for equally many elements. Raises ShapeError."""
    if prod(shape) != prod(new):
        raise ShapeError(f"an array of shape {text_of(shape)} has {prod(shape)} elements, "
                         f"{text_of(new)} needs {prod(new)}")  # fmt: skip
    return new


def with_unknown(shape: Shape, new: Shape) -> Shape:
    """A new shape whose one -1 is worked out from the number of elements. Raises ShapeError."""
    if new.count(-1) > 1:
        raise ShapeError(f"only one size can be -1: the shape is {text_of(new)}")
    if -1 not in new:
        return sized(new)
    rest = prod(sized(tuple(n for n in new if n != -1)))
    if not rest or prod(shape) % rest:
        raise ShapeError(f"an array of shape {text_of(shape)} has {prod(shape)} elements: "
                         f"no size in place of -1 makes that {text_of(new)}")  # fmt: skip
    return tuple(prod(shape) // rest if n == -1 else n for n in new)


def index(shape: Shape, at: Sequence[Any]) -> Shape:
    """The shape of an element or a slice. Raises ShapeError."""
    if len(at) > len(shape):
        if not shape:
            raise ShapeError("an index needs an array, this is a number")
        raise ShapeError(f"{len(at)} indices, but the array has shape {text_of(shape)}")
    sizes = []
    for k, place in enumerate(at):
        if isinstance(place, tuple):
            start, stop, _ = slice(*place).indices(shape[k])
            sizes.append(max(0, stop - start))
        elif not -shape[k] <= place < shape[k]:
            of = f"a list of {shape[k]}" if len(shape) == 1 else f"axis {k} of {text_of(shape)}"
            raise ShapeError(f"index {place} is outside {of}",
                             hint=f"indices run from 0 to {shape[k] - 1}" if shape[k] else None
                             )  # fmt: skip
    return (*sizes, *shape[len(at) :])


def put(shape: Shape, value: Shape, at: Sequence[Any]) -> Shape:
    """An array with a value in the place of a part of it. Raises ShapeError."""
    part = index(shape, at)
    try:
        fits = broadcast(part, value) == part
    except ShapeError:
        fits = False
    if not fits:
        raise ShapeError(f"shape {text_of(value)} does not fit into the part of shape "
                         f"{text_of(part)}")  # fmt: skip
    return shape


def stacked(*shapes: Shape) -> Shape:
    """A list of equal shapes. Raises ShapeError."""
    if len(set(shapes)) > 1:
        kinds = " and ".join(dict.fromkeys(map(text_of, shapes)))
        raise ShapeError(f"the parts of a list have shapes {kinds}", hint="make them equally long")
    return (len(shapes), *shapes[0])


def concatenated(axis: Shape, *shapes: Shape) -> Shape:
    """Arrays one after another along an axis. Raises ShapeError."""
    at, first = axis[0], shapes[0]
    for shape in shapes:
        if len(shape) != len(first) or (
            (*shape[:at], *shape[at + 1 :]) != (*first[:at], *first[at + 1 :])
        ):
            raise ShapeError(f"shapes {text_of(first)} and {text_of(shape)} differ in an axis "
                             f"other than {at}")  # fmt: skip
    return (*first[:at], sum(shape[at] for shape in shapes), *first[at + 1 :])


def extent(k: int, axis: Shape, *shapes: Shape) -> tuple[Any, ...]:
    """Where operand number k stands in the concatenation."""
    at = axis[0]
    start = sum(shape[at] for shape in shapes[: k - 1])
    return (*((None, None),) * at, (start, start + shapes[k - 1][at]))


def some(rule: Callable[[Shape, Axis], Shape], noun: str) -> Callable[[Shape, Axis], Shape]:
    """A reduction's rule that refuses no elements: nothing has neither mean nor maximum."""

    def of_elements(shape: Shape, axis: Axis) -> Shape:
        if not count(shape, axis):
            raise ShapeError(f"the {noun} of nothing does not exist: "
                             f"the shape is {text_of(shape)}")  # fmt: skip
        return rule(shape, axis)

    return of_elements


def of_first(shape: Shape, *_: Any) -> Shape:
    """The shape that the first operand has, or is. Raises ShapeError."""
    return sized(shape)


def of_second(_: Shape, shape: Shape, *__: Any) -> Shape:
    """The shape that the second operand is. Raises ShapeError."""
    return sized(shape)


def outer(left: Shape, right: Shape) -> Shape:
    """A row for every element of one, a column for every element of the other."""
    return (prod(left), prod(right))


def linspace(start: Shape, stop: Shape, size: Shape) -> Shape:
    """A list of some size, from a number to a number. Raises ShapeError."""
    for shape in (start, stop):
        if shape:
            raise ShapeError(f"linspace runs from a number to a number, not an array of shape "
                             f"{text_of(shape)}", hint="choose an element: `x[0]`")  # fmt: skip
    return sized(size)


class Places:
    """Where the elements of a result come from: flat places in an array; -1 is none and gives 0."""

    __slots__ = ("flat", "shape", "written")

    def __init__(self, flat: Any, shape: Shape, written: tuple[str, str] | None = None) -> None:
        self.flat = flat  # an array of whole numbers without axes to speak of
        self.shape = shape  # of the result
        # As the language writes it: a function and its other operands, or "" and an index.
        self.written = written

    def __repr__(self) -> str:
        return f"{prod(self.shape)} places"


def taken(_: Shape, at: tuple[Places]) -> Shape:
    """The shape of elements that are taken from an array."""
    return at[0].shape


def given(_: Shape, shape: Shape, __: tuple[Places]) -> Shape:
    """The shape of the array that elements are given back to. Raises ShapeError."""
    return sized(shape)


def trace(shape: Shape) -> Shape:
    """One number, of a square matrix. Raises ShapeError."""
    if len(shape) != 2 or shape[0] != shape[1]:
        raise ShapeError(f"trace needs a square matrix, this has shape {text_of(shape)}")
    return ()


def square(name: str) -> Rule:
    """The rule of a gate that takes a square matrix, or several, and gives as many elements."""

    def rule(shape: Shape) -> Shape:
        if len(shape) < 2 or shape[-1] != shape[-2]:
            raise ShapeError(f"{name} needs a square matrix, this has shape {text_of(shape)}")
        return shape

    return rule


def determinant(name: str) -> Rule:
    """The rule of a gate that makes one number of each square matrix."""
    return lambda shape: square(name)(shape)[:-2]


def solved(matrix: Shape, right: Shape) -> Shape:
    """The solution of a system of equations, of several with one matrix, or of a stack of these.

    Raises ShapeError.
    """
    square("solve")(matrix)
    if matrix[:-2] != right[:-2] or not right or (len(right) == 1 and len(matrix) > 2):
        like = "a vector or a matrix" if len(matrix) == 2 else f"a stack like {text_of(matrix)}"
        raise ShapeError(f"the right side of solve is {like}, this has shape {text_of(right)}")
    return matmul(matrix, right)


def before(shape: Shape, axis: Axis) -> tuple[Places]:
    """For each element the place of the one before it along an axis; of the first there is none."""
    import numpy as np  # late: numbers have no places

    (at,) = axis[0]
    places = np.roll(np.arange(prod(shape)).reshape(shape), 1, at)
    places[(*(slice(None),) * at, slice(0, 1))] = -1
    return (Places(places, shape, ("earlier", f", axis={at}")),)


def lower(shape: Shape) -> tuple[Places]:
    """The places on and below the diagonal; the others are none."""
    import numpy as np  # late: numbers have no places

    places = np.tril(1 + np.arange(prod(shape)).reshape(shape)) - 1
    return (Places(places, shape, ("tril", "")),)


FUNCTIONS: dict[str, Callable[..., Any]] = {
    "shape": lambda shape: shape,
    "count": count,
    "kept": lambda axis: (axis[0], True),
    "to_end": to_end, "grouped": grouped, "permuted": permuted,
    "paired": lambda shape: (shape[-1], shape[-1]),
    "last": lambda shape: ((len(shape) - 1,), False),
    "row": row, "column": column, "promoted": product,
    "upright": lambda shape: (prod(shape), 1), "flat": lambda shape: (1, prod(shape)),
    "end": lambda size: ((max(1, size[0] - 1), size[0]),),
    "swapped": swapped, "inverse": inverse,
    "nth": lambda k: (k,), "extent": extent,
    "ends": lambda shape: ((len(shape) - 2, len(shape) - 1), False),
    "before": before, "lower": lower,
}  # fmt: skip
