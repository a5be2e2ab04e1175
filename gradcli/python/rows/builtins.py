"""The functions that Python has without an import, as rows."""

from __future__ import annotations

import ast
import itertools
import os
from collections.abc import Callable
from typing import Any

from gradcli.errors import GradcliError
from gradcli.program.files import read_text
from gradcli.python.state import contexts, indexing
from gradcli.python.state.limits import PARTS_A_STEP
from gradcli.python.state.operators import binary, compare, is_true
from gradcli.python.state.options import parser
from gradcli.python.state.reader import Reader
from gradcli.python.state.values import (
    Array,
    Class,
    Default,
    Foreign,
    Function,
    Instance,
    Library,
    Method,
    Partial,
    TextFile,
)

SAMPLE = "a text of some words, in the place of one that is not there. "
MOST_TEXT = 1_000_000  # bytes of a file of text
NUMBERS = {"int": int, "float": float, "bool": bool, "str": str, "list": list, "tuple": tuple,
           "dict": dict, "set": set}  # fmt: skip


def _len(reader: Reader, x: Any) -> int:
    if isinstance(x, Array):
        shape = reader.tape.shape(x.content)
        size: int = shape[0] if shape else reader.fail("a number has no length")
        reader.reads_one |= size == 1
        return size
    if isinstance(x, Instance):
        length: int = reader.call_method(x, "__len__", [])
        return length
    reader.refuse_unknown(x)
    return len(x)


def _range(reader: Reader, *ends: Any) -> range:
    return range(*[indexing.whole(reader.tape, end) for end in ends])


def _enumerate(reader: Reader, x: Any, start: int = 0) -> Any:
    return [(k + start, part) for k, part in enumerate(reader.iterate(x))]


def _zip(reader: Reader, *parts: Any, **_: Any) -> Any:
    return list(zip(*[reader.iterate(part) for part in parts], strict=False))


def _sum(reader: Reader, x: Any, start: Any = 0) -> Any:
    total = start
    for part in reader.iterate(x):
        total = binary(reader, ast.Add, total, part)
    return total


def _extreme(kind: type, gate: str) -> Callable[..., Any]:
    def row(reader: Reader, *values: Any, **keywords: Any) -> Any:
        parts = reader.iterate(values[0]) if len(values) == 1 else [*values]
        if "key" in keywords:
            reader.fail(f"`{gate}(..., key=...)` is not read")
        if not parts:
            return keywords.get("default") or reader.fail(f"`{gate}` of nothing")
        best = parts[0]
        for part in parts[1:]:
            if isinstance(best, Array) or isinstance(part, Array):
                nodes = [reader.tape.node(reader.content(x)) for x in (best, part)]
                best = Array(reader.tape.gate(gate, *nodes))
            elif compare(reader, kind, part, best):
                best = part
        return best

    return row


def _abs(reader: Reader, x: Any) -> Any:
    from gradcli.python.rows.calls import ROWS  # late: the rows call these functions

    return ROWS["abs"](reader, x) if isinstance(x, Array) else abs(x)


def _round(reader: Reader, x: Any, digits: int | None = None) -> Any:
    if isinstance(x, Array):
        from gradcli.python.rows.calls import ROWS  # late: the rows call these functions

        return ROWS["round"](reader, x, digits or 0)
    return round(x, digits) if digits is not None else round(x)


def _pow(reader: Reader, x: Any, y: Any) -> Any:
    return binary(reader, ast.Pow, x, y)


def _divmod(reader: Reader, x: Any, y: Any) -> Any:
    return binary(reader, ast.FloorDiv, x, y), binary(reader, ast.Mod, x, y)


def _int(reader: Reader, x: Any = 0, *base: int) -> Any:
    value = reader.plain(x)
    if isinstance(value, str) and len(value) > 20:  # as long as any float64
        reader.fail("a text of this length is no number")
    return int(value, *base)


def _float(reader: Reader, x: Any = 0.0) -> Any:
    return x if isinstance(x, Array) else float(reader.plain(x))


def _bool(reader: Reader, x: Any = False) -> bool:
    return is_true(reader, x)


def _str(reader: Reader, x: Any = "") -> str:
    return str(reader.plain(x)) if not reader.has_arrays(x) or isinstance(x, Array) else "..."


def _list(reader: Reader, x: Any = ()) -> Any:
    return reader.iterate(x)


def _tuple(reader: Reader, x: Any = ()) -> Any:
    return tuple(reader.iterate(x))


def _dict(reader: Reader, x: Any = (), **more: Any) -> Any:
    pairs = x if isinstance(x, dict) else dict(reader.iterate(x))
    return {**pairs, **more}


def _set(reader: Reader, x: Any = ()) -> Any:
    parts = reader.iterate(x)
    reader.step(len(parts) // PARTS_A_STEP)
    return {reader.plain(part) for part in parts}


def _sorted(reader: Reader, x: Any, key: Any = None, reverse: bool = False) -> Any:
    parts = reader.iterate(x)
    reader.step(len(parts) // PARTS_A_STEP)
    keys = [reader.plain(reader.call(key, [part], {}) if key else part) for part in parts]
    order = sorted(range(len(parts)), key=keys.__getitem__, reverse=bool(reverse))
    return [parts[k] for k in order]


def _isinstance(reader: Reader, x: Any, kinds: Any) -> bool:
    return any(_is_a(reader, x, kind) for kind in (kinds if isinstance(kinds, tuple) else (kinds,)))


def _is_a(reader: Reader, x: Any, kind: Any) -> bool:
    if isinstance(kind, Class):
        return isinstance(x, Instance) and kind in x.cls.order()
    if isinstance(kind, Foreign):  # nothing that is read is of that module
        reader.refuse_unknown(x)
        return False
    name = kind.name.rpartition(".")[2] if isinstance(kind, Library) else ""
    if isinstance(x, Array):
        content, tape = x.content, reader.tape
        is_array = bool(tape.shape(content)) or content.__class__ is not int or (
            content in tape.boxed
        )  # fmt: skip
        return name == "ndarray" if is_array else name in ("float", "float64", "floating", "number")
    if name in ("integer", "Integral", "int64"):
        return isinstance(x, int)
    if name in ("Number", "number"):
        return isinstance(x, (int, float))
    return name in NUMBERS and isinstance(x, NUMBERS[name])


def _issubclass(reader: Reader, x: Any, kinds: Any) -> bool:
    chosen = kinds if isinstance(kinds, tuple) else (kinds,)
    return isinstance(x, Class) and any(kind in x.order() for kind in chosen)


def _type(reader: Reader, x: Any, *parts: Any) -> Any:
    if parts:  # `type("Dummy", (), {})`
        bases, body = parts
        return Class(x, [base for base in bases if isinstance(base, Class)], {**body})
    if isinstance(x, Instance):
        return x.cls
    if isinstance(x, Array):
        return Library("ndarray")
    return Library(type(x).__name__, "python")


def _any(reader: Reader, x: Any) -> bool:
    return any(is_true(reader, part) for part in reader.iterate(x))


def _all(reader: Reader, x: Any) -> bool:
    return all(is_true(reader, part) for part in reader.iterate(x))


def _map(reader: Reader, function: Any, *parts: Any) -> Any:
    rows = zip(*[reader.iterate(part) for part in parts], strict=False)
    return [reader.call(function, [*row], {}) for row in rows]


def _filter(reader: Reader, function: Any, x: Any) -> Any:
    return [p for p in reader.iterate(x) if is_true(reader, reader.call(function, [p], {}))]


def _getattr(reader: Reader, owner: Any, name: str, *default: Any) -> Any:
    if not default:
        return reader.attribute(owner, name)
    try:
        return reader.attribute(owner, name)
    except GradcliError:
        return default[0]


def _setattr(reader: Reader, owner: Any, name: str, value: Any) -> None:
    if not isinstance(owner, Instance):
        reader.fail("`setattr` is read for objects of the file's classes")
    owner.attributes[name] = value


def _hasattr(reader: Reader, owner: Any, name: str) -> bool:
    if isinstance(owner, Instance):
        return name in owner.attributes or owner.cls.find(name) is not None
    try:
        reader.attribute(owner, name)
    except GradcliError:
        return False
    return True


def _callable(reader: Reader, x: Any) -> bool:
    return isinstance(x, (Function, Method, Library, Class))


def _next(reader: Reader, x: Any, *default: Any) -> Any:
    parts = reader.iterate(x)
    return parts[0] if parts else (default[0] if default else reader.fail("StopIteration"))


def _ignore(reader: Reader, *_: Any, **__: Any) -> Any:
    return None


def _refused(name: str) -> Callable[..., Any]:
    def row(reader: Reader, *_: Any, **__: Any) -> Any:
        reader.fail(f"`{name}` is not read, and nothing of the file is executed",
                    "give what it would return as an input: NAME=VALUE")  # fmt: skip

    return row


def _open(reader: Reader, path: Any, mode: str = "r", *_: Any, **__: Any) -> Any:
    """`open` where a file sets its data: a text beside it, or a sample where there is none."""
    is_reading = isinstance(path, str) and isinstance(mode, str) and not {*mode} & {*"wax+b"}
    if not (reader.is_lenient and is_reading):
        return _refused("open")(reader)
    whole = os.path.join(os.path.dirname(reader.script.name), path)
    if os.path.isfile(whole) and os.path.getsize(whole) <= MOST_TEXT:
        return TextFile(read_text(whole))
    reader.notes.append(f"`{path}` is not beside the file: a few words are read in its place")
    return TextFile(SAMPLE)


def _defaultdict(reader: Reader, factory: Any = None) -> Any:
    return Default(factory)


def _copy(reader: Reader, x: Any) -> Any:
    """`copy.copy`: of an array new numbers, of a list or an object the same parts."""
    if isinstance(x, Array):
        return Array(x.content)
    if isinstance(x, Instance):
        twin = Instance(x.cls)
        twin.attributes.update(x.attributes)
        return twin
    if isinstance(x, dict):
        return {**x}
    return [*x] if isinstance(x, list) else x


def _deepcopy(reader: Reader, x: Any) -> Any:
    """`copy.deepcopy`: all parts are new."""
    if isinstance(x, dict):
        return {key: _deepcopy(reader, part) for key, part in x.items()}
    if isinstance(x, (list, tuple)):
        parts = [_deepcopy(reader, part) for part in x]
        return tuple(parts) if isinstance(x, tuple) else parts
    twin = _copy(reader, x)
    if isinstance(twin, Instance):
        for name, part in twin.attributes.items():
            twin.attributes[name] = _deepcopy(reader, part)
    return twin


def _product(reader: Reader, *parts: Any, repeat: int = 1) -> Any:
    pools = [[*reader.iterate(part)] for part in parts]
    reader.count_length(width := len(pools) * repeat)
    rows = 1
    for pool in pools * repeat:
        rows *= len(pool)
        reader.count_length(rows * width)
    return [*itertools.product(*pools, repeat=repeat)]


def _chain(reader: Reader, *parts: Any) -> Any:
    return [item for part in parts for item in reader.iterate(part)]


def _reduce(reader: Reader, function: Any, x: Any, *start: Any) -> Any:
    parts = [*start, *reader.iterate(x)]
    if not parts:
        reader.fail("`reduce` of nothing")
    whole = parts[0]
    for part in parts[1:]:
        whole = reader.call(function, [whole, part], {})
    return whole


def _namedtuple(reader: Reader, name: str, fields: Any, *_: Any, **__: Any) -> Any:
    cls = Class(name, [], {})
    cls.fields = fields.replace(",", " ").split() if isinstance(fields, str) else [*fields]
    cls.is_tuple = True
    return cls


def _partial(reader: Reader, function: Any, *values: Any, **keywords: Any) -> Any:
    return Partial(function, [*values], keywords)


def _reversed(reader: Reader, x: Any) -> Any:
    return reader.iterate(x)[::-1]


REFUSED = ("eval", "exec", "compile", "input", "__import__", "globals", "locals", "vars",
           "memoryview", "bytes", "bytearray", "iter", "breakpoint", "delattr")  # fmt: skip
EXCEPTIONS = ("Exception", "ValueError", "TypeError", "KeyError", "IndexError", "RuntimeError",
              "NotImplementedError", "AssertionError", "AttributeError", "ZeroDivisionError",
              "ImportError", "StopIteration", "NotImplemented", "ArithmeticError")  # fmt: skip
BUILTINS: dict[str, Callable[..., Any]] = {
    "len": _len, "range": _range, "xrange": _range, "enumerate": _enumerate, "zip": _zip,
    "reversed": _reversed, "sum": _sum, "max": _extreme(ast.Gt, "max"),
    "min": _extreme(ast.Lt, "min"), "abs": _abs, "round": _round, "pow": _pow, "divmod": _divmod,
    "int": _int, "float": _float, "bool": _bool, "str": _str, "repr": _str, "list": _list,
    "tuple": _tuple, "dict": _dict, "set": _set, "frozenset": _set, "sorted": _sorted,
    "isinstance": _isinstance, "type": _type, "any": _any, "all": _all, "map": _map,
    "filter": _filter, "getattr": _getattr, "setattr": _setattr, "hasattr": _hasattr,
    "callable": _callable, "issubclass": _issubclass, "next": _next,
    "slice": lambda _, *ends: slice(*ends),
    "id": lambda _, x: id(x), "object": lambda _: Instance(Class("object", [], {})),
    "ignore": _ignore, "defaultdict": _defaultdict, "copy.copy": _copy,
    "copy.deepcopy": _deepcopy, "itertools.product": _product, "itertools.chain": _chain,
    "open": _open, "functools.reduce": _reduce, "functools.partial": _partial,
    "weakref.proxy": lambda _, x: x,
    "weakref.ref": lambda _, x: Partial(Library("weakref.proxy", "python"), [x], {}),
    "argparse.ArgumentParser": parser, "namedtuple": _namedtuple,
    "save_for_backward": contexts.save,
    **dict.fromkeys(EXCEPTIONS, _ignore),
    **{name: _refused(name) for name in REFUSED},
}  # fmt: skip
