"""What passes between a process and its child: a tree in JSON, then the bytes of its arrays.

    message = length of the JSON (8 bytes), length of the bytes (8 bytes), JSON, bytes
    tree    = null, true, a number, a text, {"list": [...]}, {"tuple": [...]}, {"map": {...}},
              {"array": [dtype, shape, offset]}, {"complex": [re, im]}

Nothing is looked up by name and nothing is unpickled: what is no such value cannot be sent.
"""

from __future__ import annotations

import struct
from collections.abc import Callable
from json import dumps, loads  # code may put other things in their place
from math import prod
from typing import Any

HEAD = struct.Struct(">QQ")
KINDS = "fiubc"  # of arrays: numbers and truth values
MOST_BYTES = 2**31  # of one message
ALIGNMENT = 16  # of the arrays in the bytes


class WireError(Exception):
    """A value that cannot be sent, or bytes that are no message."""


def packed(value: Any) -> bytes:
    """A value as one message. Raises WireError."""
    parts: list[bytes] = []
    tree = _tree(value, parts, [0])
    text = dumps(tree).encode()
    body = b"".join(parts)
    return HEAD.pack(len(text), len(body)) + text + body


def _tree(value: Any, parts: list[bytes], size: list[int]) -> Any:
    if value is None or isinstance(value, (bool, str)):
        return value
    if isinstance(value, (int, float)) and type(value) in (int, float):
        return value
    if type(value) is complex:
        return {"complex": [value.real, value.imag]}
    if isinstance(value, (list, tuple)):
        kind = "tuple" if isinstance(value, tuple) else "list"
        return {kind: [_tree(part, parts, size) for part in value]}
    if isinstance(value, dict):
        return {"map": {str(key): _tree(part, parts, size) for key, part in value.items()}}
    return _array_tree(value, parts, size)


def _array_tree(value: Any, parts: list[bytes], size: list[int]) -> Any:
    import numpy as np  # late: the parent may have no arrays

    if isinstance(value, (np.generic, int, float)):  # a number of a type of its own
        value = np.asarray(value)
    if not isinstance(value, np.ndarray) or value.dtype.kind not in KINDS:
        what = f"an array of {value.dtype}" if isinstance(value, np.ndarray) else type(value)
        raise WireError(f"{getattr(what, '__name__', what)} is no number, text or array of numbers")
    if np.ma.is_masked(value):
        raise WireError("an array that is masked in places is no array of numbers")
    plain = np.ascontiguousarray(value)
    if plain.dtype.itemsize > ALIGNMENT or plain.dtype.str[1:] in ("f16", "c32"):
        plain = plain.astype(np.float64 if plain.dtype.kind == "f" else np.complex128)
    offset = size[0]
    data = plain.tobytes()
    padding = -len(data) % ALIGNMENT
    parts += [data, bytes(padding)]
    size[0] += len(data) + padding
    return {"array": [plain.dtype.str, [*value.shape], offset]}


def unpacked(read: Callable[[int], bytes]) -> Any:
    """The value of the next message; `read(n)` gives exactly n bytes. Raises WireError."""
    text_size, body_size = HEAD.unpack(read(HEAD.size))
    if text_size > MOST_BYTES or body_size > MOST_BYTES:
        raise WireError("the message is too long")
    try:
        tree = loads(read(text_size))
    except ValueError:
        raise WireError("the message is no JSON") from None
    return _value(tree, read(body_size))


def _value(tree: Any, body: bytes) -> Any:
    if not isinstance(tree, dict):
        return tree
    if len(tree) != 1:
        raise WireError("the message has no such value")
    ((kind, inner),) = tree.items()
    if kind in ("list", "tuple") and isinstance(inner, list):
        parts = [_value(part, body) for part in inner]
        return parts if kind == "list" else tuple(parts)
    if kind == "map" and isinstance(inner, dict):
        return {key: _value(part, body) for key, part in inner.items()}
    if kind == "complex" and isinstance(inner, list):
        return complex(*inner)
    if kind == "array" and isinstance(inner, list):
        return _array(inner, body)
    raise WireError("the message has no such value")


def _array(place: list[Any], body: bytes) -> Any:
    import numpy as np  # late: the parent may have no arrays

    code, shape, offset = place
    dtype = np.dtype(code)
    count = prod(shape)
    if dtype.kind not in KINDS or offset < 0 or offset + count * dtype.itemsize > len(body):
        raise WireError("the message has an array that is not in it")
    return np.frombuffer(body, dtype, count, offset).reshape(shape).copy()[()]
