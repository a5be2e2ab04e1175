"""Attributes and methods of arrays, lists, dictionaries, texts and numbers, as rows."""

from __future__ import annotations

from collections.abc import Callable
from math import prod
from typing import Any

from gradcli.errors import did_you_mean
from gradcli.python.rows import data, shapes
from gradcli.python.rows.calls import ROWS, find_row
from gradcli.python.state.options import OF_PARSERS, Parser
from gradcli.python.state.reader import Reader
from gradcli.python.state.tape import kind_of
from gradcli.python.state.texts import OF_TEXTS
from gradcli.python.state.values import Array, Library, OfArray, Shape, TextFile


def _flat(reader: Reader, x: Array) -> Any:
    return shapes.ravel(reader, x)


def _kind(reader: Reader, x: Array) -> Any:
    content = x.content
    if reader.tape.is_known(content):
        return str(content.dtype)
    return "bool" if reader.tape.is_boolean(content) else "float64"


def _strides(reader: Reader, x: Array) -> Any:
    """The steps in memory along every axis, as those of a new array."""
    return tuple(reader.tape.places(reader.tape.shape(x.content)).strides)


ATTRIBUTES: dict[str, Callable[[Reader, Array], Any]] = {
    "T": shapes.transpose,
    "shape": lambda reader, x: Shape(reader.tape.shape(x.content)),
    "ndim": lambda reader, x: len(reader.tape.shape(x.content)),
    "size": lambda reader, x: prod(reader.tape.shape(x.content)),
    "itemsize": lambda *_: shapes.ITEM, "strides": _strides,
    "nbytes": lambda reader, x: shapes.ITEM * prod(reader.tape.shape(x.content)),
    "dtype": _kind, "flat": _flat, "real": lambda _, x: x,
}  # fmt: skip


def _reshape(reader: Reader, x: Any, *shape: Any, order: str = "C") -> Any:
    return shapes.reshape(reader, x, shape[0] if len(shape) == 1 else tuple(shape), order)


def _transpose(reader: Reader, x: Any, *axes: Any) -> Any:
    if len(axes) == 1 and isinstance(axes[0], (tuple, list)):
        axes = tuple(axes[0])
    return shapes.transpose(reader, x, None if axes in ((), (None,)) else axes)


def _astype(reader: Reader, x: Any, dtype: Any, **_: Any) -> Any:
    kind = data.kind_of_numbers(reader, dtype)
    return Array(data.cast(reader, reader.content(x), kind))


def _item(reader: Reader, x: Any, *at: Any) -> Any:
    if at:
        return reader.part(x, tuple(at))
    content = reader.content(x)
    if prod(reader.tape.shape(content)) != 1:
        reader.fail("only an array of one element is turned into a number")
    return reader.wrap(reader.tape.reshape(content, ()))


def _tolist(reader: Reader, x: Any) -> Any:
    content = reader.content(x)
    if reader.tape.is_known(content):
        return content.tolist()
    return [_tolist(reader, part) if reader.tape.shape(part.content) else part
            for part in reader.iterate(x)]  # fmt: skip


def _sort(reader: Reader, x: Any, axis: int = -1) -> None:
    x.write(reader.content(ROWS["sort"](reader, x, axis)))


OF_ARRAYS: dict[str, Callable[..., Any]] = {
    "reshape": _reshape, "transpose": _transpose, "astype": _astype, "item": _item,
    "tolist": _tolist, "fill": shapes.put_all, "sort": _sort,
    "flatten": shapes.flatten, "conj": lambda _, x: x, "get": lambda _, x: x,
    "view": lambda _, x, *__: x, "setflags": lambda *_, **__: None,
    "is_integer": lambda reader, x: float(reader.plain(x)).is_integer(),
}  # fmt: skip
# Methods that arrays share with functions of numpy.
SHARED = {
    "sum", "mean", "max", "min", "std", "var", "prod", "dot", "argmax", "argmin", "argsort", "any",
    "all", "clip", "copy", "cumsum", "cumprod", "ravel", "repeat", "round", "squeeze", "swapaxes",
    "trace", "diagonal", "take", "nonzero", "searchsorted",
}  # fmt: skip


def method_call(
    reader: Reader, method: OfArray, values: list[Any], keywords: dict[str, Any]
) -> Any:
    """The value of a method of an array or of a value of Python."""
    owner, name = method.owner, method.name
    if isinstance(owner, (int, float)) and not isinstance(owner, bool):
        owner = Array(reader.content(owner))
    if isinstance(owner, Array):
        if name in OF_ARRAYS:
            return OF_ARRAYS[name](reader, owner, *values, **keywords)
        row = find_row(Library(name)) if name in SHARED else None
        if row is None:
            return reader.fail(f"`.{name}()` of an array is not read",
                               did_you_mean(name, [*OF_ARRAYS, *SHARED]))  # fmt: skip
        return row(reader, owner, *values, **keywords)
    table = next((rows for kind, rows in OF_VALUES if isinstance(owner, kind)), {})
    if name not in table:
        reader.fail(f"`.{name}()` of {kind_of(owner)} is not read", did_you_mean(name, table))
    return table[name](reader, owner, *values, **keywords)


# ---------------------------------------------------------------- lists and dictionaries


def _append(reader: Reader, owner: list[Any], value: Any) -> None:
    value = reader.own(value)
    reader.count_length(len(owner) + 1)
    words = reader.scripts[reader.file].words(reader.here[1])
    reader.record_new(value, words, reader.here[1])
    owner.append(value)


def _insert(reader: Reader, owner: list[Any], at: Any, value: Any) -> None:
    reader.count_length(len(owner) + 1)
    owner.insert(reader.plain(at), reader.own(value))


def _extend(reader: Reader, owner: list[Any], values: Any) -> None:
    owner.extend(reader.iterate(values))
    reader.count_length(len(owner))


def _pop(reader: Reader, owner: Any, *values: Any) -> Any:
    return owner.pop(*[reader.plain(values[0]), *values[1:]] if values else [])


def _sort_list(reader: Reader, owner: list[Any], **_: Any) -> None:
    owner.sort()


def _get(reader: Reader, owner: dict[Any, Any], key: Any, default: Any = None) -> Any:
    return owner.get(reader.plain(key), default)


def _setdefault(reader: Reader, owner: dict[Any, Any], key: Any, default: Any = None) -> Any:
    return owner.setdefault(reader.plain(key), default)


def _update(reader: Reader, owner: dict[Any, Any], other: Any = (), **more: Any) -> None:
    pairs = other if isinstance(other, dict) else dict(reader.iterate(other))
    owner.update(pairs, **more)


OF_LISTS: dict[str, Callable[..., Any]] = {
    "append": _append, "extend": _extend, "pop": _pop, "sort": _sort_list,
    "insert": _insert,
    "reverse": lambda _, owner: owner.reverse(), "copy": lambda _, owner: [*owner],
    "clear": lambda _, owner: owner.clear(),
    "index": lambda reader, owner, value: owner.index(reader.plain(value)),
    "count": lambda reader, owner, value: owner.count(reader.plain(value)),
}  # fmt: skip
OF_TUPLES = {name: OF_LISTS[name] for name in ("index", "count")}
OF_DICTIONARIES: dict[str, Callable[..., Any]] = {
    "items": lambda _, owner: [*owner.items()], "keys": lambda _, owner: [*owner],
    "values": lambda _, owner: [*owner.values()], "iteritems": lambda _, owner: [*owner.items()],
    "get": _get, "setdefault": _setdefault, "update": _update, "pop": _pop,
    "copy": lambda _, owner: {**owner}, "clear": lambda _, owner: owner.clear(),
    "has_key": lambda reader, owner, key: reader.plain(key) in owner,
}  # fmt: skip
OF_SETS: dict[str, Callable[..., Any]] = {
    "add": lambda reader, owner, value: owner.add(reader.plain(value)),
    "union": lambda reader, owner, other: owner | set(reader.iterate(other)),
}
OF_FILES: dict[str, Callable[..., Any]] = {
    "read": lambda _, owner, *__: owner.text,
    "readlines": lambda _, owner: owner.text.splitlines(keepends=True),
    "readline": lambda _, owner: owner.text.partition("\n")[0],
    "close": lambda *_: None,
}
OF_VALUES: list[tuple[type, dict[str, Callable[..., Any]]]] = [
    (list, OF_LISTS), (dict, OF_DICTIONARIES), (str, OF_TEXTS), (tuple, OF_TUPLES), (set, OF_SETS),
    (TextFile, OF_FILES), (Parser, OF_PARSERS),
]  # fmt: skip
