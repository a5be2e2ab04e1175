"""Indices as numpy has them, on known data and on nodes.

Whole numbers and plain slices are the gate `index`; everything else with a fixed place takes
elements by their flat places: steps, None, arrays of indices, masks.
"""

from __future__ import annotations

from math import prod
from typing import Any

import numpy as np

from gradcli.errors import ShapeError
from gradcli.gates.shapes import Shape
from gradcli.python.state.tape import Elementwise, Tape, content_of, kind_of, refuse_large
from gradcli.python.state.values import Array, Content

ADD = Elementwise("add", np.add)
SIMPLE = (int, slice, type(None), type(Ellipsis))


def key_of(tape: Tape, index: Any) -> Any:
    """An index as numpy takes it; what depends on inputs is fixed at the point."""
    if isinstance(index, tuple):
        return tuple(_part(tape, part) for part in index)
    return _part(tape, index)


def _part(tape: Tape, index: Any) -> Any:
    if isinstance(index, bool) or index is None or index is Ellipsis:
        return index
    if isinstance(index, int):
        return index
    if isinstance(index, slice):
        ends = (index.start, index.stop, index.step)
        return slice(*[None if end is None else whole(tape, end) for end in ends])
    if isinstance(index, (list, tuple, range)):
        index = Array(content_of(tape, index))
    if isinstance(index, Array):
        content = index.content
        if tape.is_boolean(content):
            places = tape.decide(content, np.array)
        elif tape.is_known(content) and content.dtype.kind in "iu":
            places = content
        elif tape.is_known(content) and not content.size:
            places = content.astype(int)
        else:
            raise ShapeError("only whole numbers, slices, None, lists of whole numbers and masks "
                             "are indices", hint="make it `.astype(int)`")  # fmt: skip
        return places if places.shape else places[()]
    words = f"the text {index!r}" if isinstance(index, str) else kind_of(index)
    raise ShapeError(f"{words} is not an index")


def whole(tape: Tape, value: Any) -> int:
    """A whole number that is known while reading. Raises ShapeError."""
    if isinstance(value, Array) and not tape.shape(value.content):
        number = tape.decide(value.content, _scalar)
        if isinstance(number, int) or (not tape.is_known(value.content) and number.is_integer()):
            return int(number)
        raise ShapeError(f"{number!r} is not a whole number")
    if isinstance(value, (int, np.integer)):
        return int(value)
    if isinstance(value, float) and value.is_integer():
        return int(value)  # of a division, which Python 2 makes whole
    if isinstance(value, float):
        raise ShapeError(f"{value!r} is a float where a whole number is needed",
                         hint="write `int(...)`, or `//` for the division")  # fmt: skip
    raise ShapeError(f"{kind_of(value)} stands where a whole number is needed")


def _scalar(value: Any) -> Any:
    return value.item()


def is_view(key: Any) -> bool:
    """Whether numpy shares memory between an array and this part of it."""
    parts = key if isinstance(key, tuple) else (key,)
    return all(isinstance(p, SIMPLE) and not isinstance(p, bool) for p in parts)


def get(tape: Tape, content: Content, key: Any) -> Content:
    """A part of an array. Raises ShapeError."""
    shape = tape.shape(content)
    tape.note_cut(content, key)
    refuse_large(_size_of_part(shape, key))
    try:
        if tape.is_known(content):
            return tape.data(content[key])
        at = _plain_places(key, len(shape))
        if at is not None:
            return tape.gate("index", content, tape.static(at)) if at else content
        flat = tape.places(shape)[key]
    except IndexError as error:
        raise ShapeError(_in_words(error, shape, key)) from None
    except ValueError as error:
        raise ShapeError(str(error)) from None
    return _marked(tape, content, tape.take(content, flat))


def _size_of_part(shape: tuple[int, ...], key: Any) -> int:
    """How many elements a part that arrays choose has; 0 where it is no larger than the whole."""
    parts = key if isinstance(key, tuple) else (key,)
    chosen = [p for p in parts if isinstance(p, np.ndarray) and p.dtype.kind in "iu" and p.ndim]
    if not chosen:
        return 0
    try:
        rest = [0 if any(p is one for one in chosen) else p for p in parts]
        each = np.size(np.broadcast_to(0, shape)[tuple(rest)])
        return each * prod(np.broadcast_shapes(*(p.shape for p in chosen)))
    except (IndexError, ValueError):  # which is told where it is taken
        return 0


def _marked(tape: Tape, source: int, node: int) -> int:
    if source in tape.booleans:
        tape.booleans.add(node)
    return node


def _plain_places(key: Any, rank: int) -> tuple[Any, ...] | None:
    """The key as the gate `index` has it; None where that has no such form."""
    parts = key if isinstance(key, tuple) else (key,)
    if any(part is Ellipsis for part in parts):
        at = next(k for k, part in enumerate(parts) if part is Ellipsis)
        count = rank - (len(parts) - 1)
        if count < 0 or any(part is None for part in parts):
            return None
        parts = (*parts[:at], *(slice(None),) * count, *parts[at + 1 :])
    places: list[Any] = []
    for part in parts:
        if isinstance(part, bool):
            return None
        if isinstance(part, (int, np.integer)):
            places.append(int(part))
        elif isinstance(part, slice) and part.step in (None, 1):
            places.append((part.start, part.stop))
        else:
            return None
    while places and places[-1] == (None, None):
        places.pop()
    return tuple(places)


def put(tape: Tape, content: Content, key: Any, value: Content) -> Content:
    """The array with a value in the place of a part of it. Raises ShapeError."""
    shape = tape.shape(content)
    try:
        part = tape.places(shape)[key]
    except IndexError as error:
        raise ShapeError(_in_words(error, shape, key)) from None
    if not np.size(part):
        tape.refuse_misfit(_trimmed(tape.shape(value), np.shape(part)), np.shape(part))
        return content
    value = _fitted(tape, value, np.shape(part))
    if tape.is_known(content) and tape.is_known(value):
        array = np.array(content)
        array[key] = value
        return tape.data(array)
    at = _plain_places(key, len(shape))
    if at == ():
        return tape.copy(value)
    if at is not None:
        return tape.gate("put", tape.node(content), tape.node(value), tape.static(at))
    size = int(np.prod(shape))
    source = np.arange(size)
    source[np.ravel(part)] = size + np.arange(np.size(part))
    both = tape.join(
        [tape.reshape(content, (size,)), tape.reshape(value, (np.size(part),))], axis=0
    )
    return tape.take(tape.node(both), source.reshape(shape))


def put_where(tape: Tape, content: Content, mask: Content, value: Content) -> Content:
    """The array with a number wherever a mask of its shape holds."""
    where = Elementwise("where", np.where)
    return tape.apply(where, mask, value, content)


def _fitted(tape: Tape, value: Content, shape: Shape) -> Content:
    """A value in the shape of the part it goes to."""
    own = _trimmed(tape.shape(value), shape)
    return tape.fill(tape.reshape(value, own), tuple(shape))


def _trimmed(own: Shape, shape: Shape) -> Shape:
    """The shape of a value without the leading axes of size 1 that the part it goes to lacks."""
    while len(own) > len(shape) and own[0] == 1:
        own = own[1:]
    return own


def add_at(tape: Tape, content: Content, key: Any, value: Content) -> Content:
    """The array with values added at places, as often as these occur."""
    shape = tape.shape(content)
    try:
        part = tape.places(shape)[key]
    except IndexError as error:
        raise ShapeError(_in_words(error, shape, key)) from None
    value = _fitted(tape, value, np.shape(part))
    if tape.is_known(content) and tape.is_known(value):
        array = np.array(content)
        np.add.at(array, key, value)
        return tape.data(array)
    return tape.apply(ADD, content, tape.give(tape.node(value), shape, part))


def _in_words(error: IndexError, shape: Any, key: Any) -> str:
    """What numpy says of an index, with the largest where several are out of bounds."""
    words = str(error)
    parts = key if isinstance(key, tuple) else (key,)
    for axis, part in enumerate(parts[: len(shape)]):
        if not isinstance(part, (np.ndarray, slice, int, np.integer)):
            break  # the axes behind it are not those of the array
        places = part if isinstance(part, np.ndarray) and part.dtype.kind == "i" else np.zeros(0)
        if places.size and int(places.max()) >= shape[axis]:
            largest, size = int(places.max()), shape[axis]
            words = f"index {largest} is out of bounds for axis {axis} with size {size}"
            break
    return f"IndexError: {words}; the array has shape {tuple(shape)}"
