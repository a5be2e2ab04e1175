"""Functions of numpy that move elements about: views, joins, copies in another order, as rows."""

from __future__ import annotations

from collections.abc import Callable
from math import prod
from typing import Any

import numpy as np

from gradcli.errors import ShapeError
from gradcli.gates.moves import MOST_MOVED, MOVES, PAD_MODES, places_of
from gradcli.gates.shapes import with_unknown
from gradcli.python.rows.reductions import axes_of
from gradcli.python.state import indexing
from gradcli.python.state.operators import ADD, MUL
from gradcli.python.state.reader import Reader
from gradcli.python.state.values import Array, Content

ITEM = 8  # bytes of a float64


def shape_of(reader: Reader, shape: Any) -> tuple[int, ...]:
    """A shape as it is written: a number, a tuple, a list, or several numbers."""
    if isinstance(shape, Array):
        shape = reader.plain(shape)
    if shape is None:
        return ()
    if isinstance(shape, (tuple, list)):
        return tuple(indexing.whole(reader.tape, size) for size in shape)
    return (indexing.whole(reader.tape, shape),)


def array_of(reader: Reader, x: Any) -> Array:
    """A value as an array: itself, or a new one."""
    return x if isinstance(x, Array) else Array(reader.content(x))


def as_strided(
    reader: Reader, x: Any, shape: Any = None, strides: Any = None, *_: Any, **__: Any
) -> Any:
    """`np.lib.stride_tricks.as_strided` of what lies in memory in order, as a view of it."""
    array = array_of(reader, x)
    own = reader.tape.shape(array.content)
    places = reader.tape.places(own)
    sizes = own if shape is None else shape_of(reader, shape)
    steps = places.strides if strides is None else shape_of(reader, strides)
    last = sum((n - 1) * step for n, step in zip(sizes, steps, strict=True))
    if (
        min(steps, default=0) < 0
        or any(step % ITEM for step in steps)
        or (prod(sizes) and last >= prod(own) * ITEM)
    ):
        reader.fail(f"strides {tuple(steps)} leave the array of shape {own}")
    _limit(reader, prod(sizes))
    moved = np.array(np.lib.stride_tricks.as_strided(places, sizes, steps))
    where = np.unravel_index(moved, own)

    def written(whole: Content, part: Content) -> Content:
        if np.unique(moved).size < moved.size:
            reader.fail("what overlapping strides see is not written to",
                        "add to slices of the array itself")  # fmt: skip
        return indexing.put(reader.tape, whole, where, part)

    return view(reader, array, lambda whole: rearranged(reader, whole, moved), written)


def view(
    reader: Reader, array: Array, there: Callable[[Content], Content],
    back: Callable[[Content, Content], Content],
) -> Array:  # fmt: skip
    """A view of an array: writing to it writes to the array."""
    content = there(array.content)
    if not reader.tape.shape(content):
        return Array(content)
    return Array(content, array, (there, back))


def moved(name: str, function: Callable[..., Any]) -> Callable[..., Any]:
    """A row of a function that moves elements."""

    def row(reader: Reader, x: Any, *values: Any, **keywords: Any) -> Any:
        tape, content = reader.tape, reader.content(x)
        plain = [as_data(reader, value) for value in values]
        named = {key: as_data(reader, value) for key, value in keywords.items()}
        size = prod(tape.shape(content))
        if name in ("tile", "repeat") and plain:
            _limit(reader, size * int(np.max(np.prod(plain[0]))))
        places = places_of(tape.shape(content), function, *plain, **named)
        _limit(reader, places.size)
        if tape.is_known(content):
            flat = np.append(np.ravel(content), np.zeros(1, content.dtype))
            return reader.wrap(tape.data(flat[places]))
        return reader.wrap(tape.take(content, places))

    return row


def _limit(reader: Reader, size: int) -> None:
    if size > MOST_MOVED:
        reader.fail(f"an array of {size} elements is too large to be moved about")


def as_data(reader: Reader, value: Any) -> Any:
    """A value as numpy takes it, numbers and arrays that are known."""
    if isinstance(value, Array):
        return reader.tape.decide(value.content, np.array)
    if isinstance(value, tuple):
        return tuple(as_data(reader, part) for part in value)
    if isinstance(value, list):
        return [as_data(reader, part) for part in value]
    reader.refuse_unknown(value)
    return value


def pad(reader: Reader, array: Any, pad_width: Any, mode: str = "constant", **keywords: Any) -> Any:
    """`np.pad` in every mode that repeats or puts in a constant."""
    tape, content = reader.tape, reader.content(array)
    constants = np.ravel(as_data(reader, keywords.pop("constant_values", 0)))
    if np.ptp(constants):
        reader.fail("`np.pad` is read with one constant only")
    constant = constants[0]
    widths = np.asarray(as_data(reader, pad_width))
    if widths.dtype.kind == "f" and np.all(widths == np.floor(widths)):
        widths = widths.astype(int)  # of a division, which Python 2 makes whole
    if mode not in PAD_MODES:
        reader.fail(f"`np.pad` in mode {mode!r} is not read")
    shape = tape.shape(content)
    if widths.ndim == 2 and len(widths) not in (1, len(shape)):
        reader.fail(f"`np.pad` has widths for {len(widths)} axes, the array has shape {shape}")
    places = places_of(shape, np.pad, widths, mode, **keywords)
    _limit(reader, places.size)
    if tape.is_known(content):
        return reader.wrap(tape.data(np.append(np.ravel(content), constant)[places]))
    padded = tape.take(content, places)
    if constant:
        padded = tape.apply(ADD, padded, np.where(places < 0, float(constant), 0.0))
    return reader.wrap(padded)


# ---------------------------------------------------------------- views


def reshape(reader: Reader, x: Any, shape: Any = None, order: str = "C", **names: Any) -> Any:
    """`np.reshape`, a view."""
    shape = names.get("newshape", shape)
    array, tape = array_of(reader, x), reader.tape
    old = tape.shape(array.content)
    new = with_unknown(old, shape_of(reader, shape))
    if prod(old) != prod(new):
        reader.fail(f"cannot reshape an array of {prod(old)} elements, shape {old}, into shape "
                    f"{new}")  # fmt: skip
    if order == "F":
        places = tape.places(old).reshape(new, order="F")
        return Array(rearranged(reader, array.content, places))
    if order not in ("C", "A"):
        reader.fail(f"the order {order!r} is not read")
    return view(reader, array, lambda whole: tape.reshape(whole, new),
                lambda whole, part: tape.reshape(part, old))  # fmt: skip


def rearranged(reader: Reader, content: Content, places: Any) -> Content:
    """Elements by their flat places."""
    tape = reader.tape
    if tape.is_known(content):
        return tape.data(np.ravel(content)[places])
    return tape.take(content, places)


def ravel(reader: Reader, x: Any, order: str = "C") -> Any:
    """`np.ravel`, a view."""
    return reshape(reader, x, (-1,), order)


def flatten(reader: Reader, x: Any, order: str = "C") -> Any:
    """`x.flatten()`, a copy."""
    return Array(reader.content(ravel(reader, x, order)))


def transpose(reader: Reader, x: Any, axes: Any = None, *more: Any) -> Any:
    """`np.transpose`, a view."""
    array, tape = array_of(reader, x), reader.tape
    rank = len(tape.shape(array.content))
    if more:
        axes = (axes, *more)
    order = tuple(reversed(range(rank))) if axes is None else tuple(
        k + rank if k < 0 else k for k in shape_of(reader, axes)
    )  # fmt: skip
    if sorted(order) != [*range(rank)]:
        reader.fail(f"{order} is no order of {rank} axes")
    inverse = tuple(int(k) for k in np.argsort(order)) if order else ()
    if rank < 2:  # a vector turned round is itself
        return view(reader, array, lambda whole: whole, lambda _, part: part)
    return view(reader, array, lambda whole: tape.transpose(whole, order),
                lambda _, part: tape.transpose(part, inverse))  # fmt: skip


def swapaxes(reader: Reader, x: Any, axis1: int, axis2: int) -> Any:
    """`np.swapaxes`, a view."""
    rank = len(reader.tape.shape(reader.content(x)))
    order = [*range(rank)]
    order[axis1], order[axis2] = order[axis2], order[axis1]
    return transpose(reader, x, order)


def moveaxis(reader: Reader, x: Any, source: Any, destination: Any) -> Any:
    """`np.moveaxis`, a view."""
    rank = len(reader.tape.shape(reader.content(x)))
    order = np.moveaxis(np.zeros((*range(2, 2 + rank),), dtype=bool), shape_of(reader, source),
                        shape_of(reader, destination)).shape  # fmt: skip
    return transpose(reader, x, [size - 2 for size in order])


def rollaxis(reader: Reader, x: Any, axis: int, start: int = 0) -> Any:
    """`np.rollaxis`, a view."""
    rank = len(reader.tape.shape(reader.content(x)))
    order = np.rollaxis(np.zeros((*range(2, 2 + rank),), dtype=bool), axis, start).shape
    return transpose(reader, x, [size - 2 for size in order])


def squeeze(reader: Reader, x: Any, axis: Any = None) -> Any:
    """`np.squeeze`, a view."""
    shape = reader.tape.shape(reader.content(x))
    if axis is None:
        axes = tuple(k for k, n in enumerate(shape) if n == 1)
    else:
        axes = axes_of(reader, axis, len(shape))
    if wide := [k for k in axes if shape[k] != 1]:
        reader.fail(f"axis {wide[0]} of {shape} is not of size 1, and cannot be squeezed")
    return reshape(reader, x, [n for k, n in enumerate(shape) if k not in axes])


def expand_dims(reader: Reader, x: Any, axis: Any) -> Any:
    """`np.expand_dims`, a view."""
    shape = [*reader.tape.shape(reader.content(x))]
    places = shape_of(reader, axis)
    rank = len(shape) + len(places)
    for at in sorted(k + rank if k < 0 else k for k in places):
        shape.insert(at, 1)
    return reshape(reader, x, shape)


def at_least(rank: int) -> Callable[..., Any]:
    """`np.atleast_1d` and its like: new axes in front."""

    def row(reader: Reader, x: Any, *more: Any) -> Any:
        if more:
            return [row(reader, part) for part in (x, *more)]
        shape = reader.tape.shape(reader.content(x))
        if len(shape) >= rank:
            return array_of(reader, x)
        return reshape(reader, x, (*(1,) * (rank - len(shape)), *shape))

    return row


def broadcast_to(reader: Reader, x: Any, shape: Any) -> Any:
    """`np.broadcast_to`."""
    return Array(reader.tape.fill(reader.content(x), shape_of(reader, shape)))


def broadcast_arrays(reader: Reader, *arrays: Any) -> Any:
    """`np.broadcast_arrays`."""
    contents = [reader.content(array) for array in arrays]
    shape = np.broadcast_shapes(*[reader.tape.shape(content) for content in contents])
    return [Array(reader.tape.fill(content, shape)) for content in contents]


# ---------------------------------------------------------------- joins


def concatenate(reader: Reader, arrays: Any, axis: Any = 0) -> Any:
    """`np.concatenate`."""
    tape = reader.tape
    contents = [reader.content(part) for part in reader.iterate(arrays)]
    if not contents:
        reader.fail("need at least one array to concatenate")
    if axis is None:
        contents = [tape.reshape(content, (prod(tape.shape(content)),)) for content in contents]
    shapes = [tape.shape(content) for content in contents]
    if not all(shapes):
        reader.fail("numbers are not concatenated", "put them into a list: `[x]`")
    (at,) = axes_of(reader, axis or 0, len(shapes[0]))
    return Array(tape.join(contents, at))


def _raised(reader: Reader, arrays: Any, lift: Callable[[Any], tuple[int, ...]]) -> list[Any]:
    """The arrays in the shapes that `lift` makes of theirs."""
    return [
        reshape(reader, part, lift(reader.tape.shape(reader.content(part))))
        for part in reader.iterate(arrays)
    ]


def vstack(reader: Reader, arrays: Any) -> Any:
    """`np.vstack`."""
    parts = _raised(reader, arrays, lambda shape: (*(1,) * (2 - len(shape)), *shape))
    return concatenate(reader, parts, 0)


def hstack(reader: Reader, arrays: Any) -> Any:
    """`np.hstack`."""
    parts = _raised(reader, arrays, lambda shape: shape or (1,))
    ranks = {len(reader.tape.shape(part.content)) for part in parts}
    return concatenate(reader, parts, 0 if 1 in ranks else 1)


def column_stack(reader: Reader, arrays: Any) -> Any:
    """`np.column_stack` and `np.c_`."""
    parts = _raised(reader, arrays, lambda shape: (prod(shape), 1) if len(shape) < 2 else shape)
    return concatenate(reader, parts, 1)


def joined_rows(reader: Reader, arrays: Any) -> Any:
    """`np.r_`."""
    return concatenate(reader, _raised(reader, arrays, lambda shape: shape or (1,)), 0)


def stack(reader: Reader, arrays: Any, axis: Any = 0) -> Any:
    """`np.stack`."""
    tape = reader.tape
    contents = [reader.content(part) for part in reader.iterate(arrays)]
    rank = len(tape.shape(contents[0])) + 1
    (at,) = axes_of(reader, axis, rank)
    if len({tape.shape(content) for content in contents}) > 1:
        reader.fail("all arrays that are stacked have one shape")
    raised = [
        tape.reshape(content, (*(s := tape.shape(content))[:at], 1, *s[at:]))
        for content in contents
    ]  # fmt: skip
    return Array(tape.join(raised, at))


def append(reader: Reader, array: Any, values: Any, axis: Any = None) -> Any:
    """`np.append`."""
    if axis is None:
        return concatenate(reader, [flatten(reader, array), flatten(reader, values)])
    return concatenate(reader, [array, values], axis)


def insert(reader: Reader, array: Any, at: Any, values: Any, axis: Any = None) -> Any:
    """`np.insert`: values before the places of an axis."""
    tape, content = reader.tape, reader.content(array)
    if axis is None:
        content, axis = tape.reshape(content, (prod(tape.shape(content)),)), 0
    (along_axis,) = axes_of(reader, axis, len(tape.shape(content)))
    shape = tape.shape(content)
    places = as_data(reader, at)
    count = prod(shape)
    wide = np.insert(np.arange(count).reshape(shape), places, -1, along_axis)
    holes = wide < 0
    wanted = [n if k != along_axis else n - shape[k] for k, n in enumerate(wide.shape)]
    spread = tape.fill(reader.content(values), tuple(wanted))
    wide[holes] = count + np.arange(prod(wanted))
    flat = [tape.reshape(part, (prod(tape.shape(part)),)) for part in (content, spread)]
    return Array(rearranged(reader, tape.join(flat, 0), wide))


def split(reader: Reader, array: Any, parts: Any, axis: Any = 0, **names: Any) -> Any:
    """`np.split` and `np.array_split`, views."""
    parts = names.get("indices_or_sections", parts)
    whole = array_of(reader, array)
    shape = reader.tape.shape(whole.content)
    (at,) = axes_of(reader, axis, len(shape))
    ends = np.array_split(np.arange(shape[at]), as_data(reader, parts))
    lead = (slice(None),) * at
    places = [(int(part[0]), int(part[-1]) + 1) if part.size else (0, 0) for part in ends]
    return [reader.part(whole, (*lead, slice(*place))) for place in places]


def along(axis: int) -> Callable[..., Any]:
    """`np.hsplit` and `np.vsplit`."""
    return lambda reader, array, parts: split(reader, array, parts, axis)


def copy(reader: Reader, x: Any, **_: Any) -> Any:
    """`np.copy`: nothing that is written to it is written to the array."""
    return Array(reader.content(x))


def choose(reader: Reader, places: Any, choices: Any) -> Any:
    """`np.choose(y, scores.T)`: of every column the element in the row that is asked for."""
    shape = reader.tape.shape(reader.content(places))
    grid = tuple(Array(axis) for axis in np.indices(shape))
    return reader.part(Array(reader.content(choices)), (places, *grid))


def add_at(reader: Reader, array: Any, index: Any, values: Any) -> None:
    """`np.add.at`: adds as often as a place occurs."""
    _added(reader, array, index, reader.content(values))


def subtract_at(reader: Reader, array: Any, index: Any, values: Any) -> None:
    """`np.subtract.at`."""
    minus = reader.tape.apply(MUL, reader.content(values), np.array(-1.0))
    _added(reader, array, index, minus)


def _added(reader: Reader, array: Any, index: Any, values: Content) -> None:
    if not isinstance(array, Array):
        raise ShapeError("`np.add.at` writes into an array")
    tape = reader.tape
    total = indexing.add_at(tape, array.content, indexing.key_of(tape, index), values)
    array.write(total)
    if total.__class__ is int:
        reader.record("add.at", "assign", total, total)


def put_all(reader: Reader, array: Any, values: Any) -> None:
    """`np.copyto(a, b)` and `a.fill(b)`."""
    tape = reader.tape
    array.write(indexing.put(tape, array.content, Ellipsis, reader.content(values)))


def fill_diagonal(reader: Reader, array: Any, value: Any) -> None:
    """`np.fill_diagonal`."""
    size = min(reader.tape.shape(array.content))
    places = np.arange(size)
    tape = reader.tape
    array.write(indexing.put(tape, array.content, (places, places), reader.content(value)))


def repmat(reader: Reader, a: Any, m: Any, n: Any) -> Any:
    """`np.matlib.repmat`: a matrix, or a row, m times below itself and n times beside."""
    return ROWS["tile"](reader, a, (m, n))


ROWS: dict[str, Callable[..., Any]] = {
    **{name: moved(name, function) for name, function in MOVES.items()},
    "as_strided": as_strided,
    "pad": pad, "reshape": reshape, "ravel": ravel, "transpose": transpose, "swapaxes": swapaxes,
    "moveaxis": moveaxis, "rollaxis": rollaxis, "squeeze": squeeze, "expand_dims": expand_dims,
    "atleast_1d": at_least(1), "atleast_2d": at_least(2), "atleast_3d": at_least(3),
    "broadcast_to": broadcast_to, "broadcast_arrays": broadcast_arrays,
    "concatenate": concatenate, "concat": concatenate,
    "vstack": vstack, "row_stack": vstack, "hstack": hstack, "column_stack": column_stack,
    "joined_rows": joined_rows, "stack": stack, "append": append, "insert": insert, "split": split,
    "array_split": split, "hsplit": along(1), "vsplit": along(0), "copy": copy,
    "choose": choose, "add.at": add_at, "subtract.at": subtract_at, "copyto": put_all,
    "fill_diagonal": fill_diagonal, "matlib.repmat": repmat,
}  # fmt: skip
