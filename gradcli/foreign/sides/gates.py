"""The gates of the loaded module, described and played step by step."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from functools import partial
from types import ModuleType
from typing import Any

import numpy as np

NOTHING = inspect.Parameter.empty


class Closure:
    """A function under `@gradcli.gate` as an object with a forward and a backward part."""

    def __init__(self, function: Callable[..., Any], backward: Any, constants: dict[str, Any]):
        self.function = function
        self.given = backward
        self.constants = constants

    def forward(self, *inputs: Any) -> Any:
        """The value; the pullback that comes with it is kept."""
        value = self.function(*inputs, **self.constants)
        if self.given is not None:
            self.pullback: Any = lambda upstream: self.given(upstream, *inputs, **self.constants)
            return value
        if not (isinstance(value, tuple) and len(value) == 2 and callable(value[1])):
            raise TypeError("a gate without `backward=` returns its value and a function of the "
                            "upstream gradient")  # fmt: skip
        value, self.pullback = value
        return value

    def backward(self, upstream: Any) -> Any:
        """What the pullback gives."""
        return self.pullback(upstream)


# ---------------------------------------------------------------- which gates there are


def described(module: ModuleType) -> list[dict[str, Any]]:
    """Every gate of the module: name, line, inputs, constants, and what it says of itself."""
    return [_described(name, value) for name, value in gates(module).items()]


def gates(module: ModuleType) -> dict[str, Any]:
    """The classes with forward and backward, and the marked functions, that the module defines."""
    found = {}
    for name, value in vars(module).items():
        is_own = getattr(value, "__module__", None) == module.__name__
        if name.startswith("_") or not is_own:
            continue
        if isinstance(value, type):
            parts = [getattr(value, part, None) for part in ("forward", "backward")]
            if all(map(callable, parts)) and not _is_base(value, *parts):
                found[name] = value
        elif hasattr(value, "gradcli_gate") and callable(value):
            found[name] = value
    return found


def _is_base(value: type, forward: Any, backward: Any) -> bool:
    """Whether a class only says what its subclasses have.

    One that computes and has no subclass is a gate, whose backward part is still to be written.
    """
    is_kept_open = bool(value.__subclasses__()) or inspect.isabstract(value)
    return _is_abstract(forward) or (_is_abstract(backward) and is_kept_open)


def _is_abstract(method: Any) -> bool:
    """Whether a method only says that subclasses have it."""
    code = getattr(method, "__code__", None)
    is_marked = bool(getattr(method, "__isabstractmethod__", False))
    return is_marked or (code is not None and code.co_names == ("NotImplementedError",))


def _described(name: str, value: Any) -> dict[str, Any]:
    mark = getattr(value, "gradcli_gate", None)
    is_class = isinstance(value, type)
    forward = getattr(value, "forward") if is_class else value  # noqa: B009  # of any class
    inputs, constants, is_variadic = _parameters(forward, is_class)
    start = _start(value)
    needed, more, _ = ([], {}, False) if start is None else _parameters(start, True)
    said = {
        key: getattr(mark, key, None) or getattr(value, key, None)
        for key in ("domain", "kinks", "samples")
    }
    return {
        "name": name, "line": _line(value), "inputs": inputs, "is_variadic": is_variadic,
        "constants": {**_plain(more), **_plain(constants)}, "needed": needed,
        "is_class": is_class, "backward": _backward(value, mark),
        "domain": _text(said["domain"]),
        "kinks": _text(said["kinks"]), "samples": _points(said["samples"]),
    }  # fmt: skip


def _start(value: Any) -> Any:
    """What a class does with the values it is made with; None where it does nothing."""
    start = getattr(value, "__init__", None) if isinstance(value, type) else None
    return None if start is object.__init__ else start


def _backward(value: Any, mark: Any) -> str:
    """The name of a backward function that the module has; empty where it has none."""
    name = getattr(getattr(mark, "backward", None), "__name__", "")
    own = getattr(value, "__globals__", {})
    return name if name and own.get(name) is mark.backward else ""


def _parameters(
    function: Any, is_method: bool
) -> tuple[list[str], dict[str, Any], bool]:  # fmt: skip
    """Parameters without and with a default value, and whether there is any number of them."""
    needed, optional, is_variadic = [], {}, False
    parameters = list(inspect.signature(function).parameters.values())
    is_bound = is_method and not isinstance(function, staticmethod)
    for parameter in parameters[1 if is_bound else 0 :]:
        if parameter.kind is parameter.VAR_POSITIONAL:
            needed.append(parameter.name)
            is_variadic = True
        elif parameter.kind is parameter.VAR_KEYWORD:
            continue
        elif parameter.default is NOTHING and parameter.kind is not parameter.KEYWORD_ONLY:
            needed.append(parameter.name)
        else:
            optional[parameter.name] = parameter.default
    return needed, optional, is_variadic


def _plain(constants: dict[str, Any]) -> dict[str, Any]:
    """Constants whose defaults can be told; of others, None."""
    kinds = (bool, int, float, str, np.ndarray, np.generic)
    return {k: v if isinstance(v, kinds) else None for k, v in constants.items()}


def _line(value: Any) -> int:
    try:
        return inspect.getsourcelines(value)[1]
    except (OSError, TypeError):
        return 0


def _text(said: Any) -> str:
    return said if isinstance(said, str) else ""


def _points(samples: Any) -> list[list[Any]]:
    """The sample points, a list of inputs each: from `1, 2; 3, 4`, or from lists and tuples."""
    if samples is None:
        return []
    if isinstance(samples, str):
        points = [part.split(",") for part in samples.split(";") if part.strip()]
        return [[float(x) for x in point] for point in points]
    return [list(point) if isinstance(point, tuple) else [point] for point in samples]


# ---------------------------------------------------------------- played


def played(
    module: ModuleType, name: str, constants: dict[str, Any], steps: Sequence[Any]
) -> list[dict[str, Any]]:
    """What a gate gives, step by step; each step names one of several objects of it.

    A step is ("forward", object, inputs) or ("backward", object, upstream). An object is made at
    its first step. The inputs are handed over as they are, so that it shows who writes to them.
    """
    gate = gates(module)[name]
    objects: dict[int, Any] = {}
    handed: dict[int, list[Any]] = {}
    results: list[dict[str, Any]] = []
    returned: list[Any] = []
    for kind, which, given in steps:
        if which not in objects:
            objects[which] = _made(gate, constants)
        one, calls = objects[which]
        if kind == "forward":
            handed[which] = given
            value, told = _watched(partial(one.forward, *given, **calls), given, [])
        else:
            value, told = _watched(partial(_back, one, given), [given], handed.get(which, []))
        results.append(told)
        returned.append(value)
    for value, told in zip(returned, results, strict=True):
        told["changes_later"] = not _is_same(value, told["value"])
    return results


def _back(one: Any, upstream: Any) -> Any:
    """What backward gives; that of a loss may take no upstream gradient, which is 1 then."""
    takes_none = not inspect.signature(one.backward).parameters
    if not takes_none or np.shape(upstream):
        return one.backward(upstream)
    value = one.backward()
    if isinstance(value, (list, tuple)):
        return [None if part is None else upstream * part for part in value]
    return upstream * value


def _made(gate: Any, constants: dict[str, Any]) -> tuple[Any, dict[str, Any]]:
    """An object of a gate, and the constants that its forward part takes at each call."""
    if not isinstance(gate, type):
        return Closure(gate, gate.gradcli_gate.backward, constants), {}
    start = _start(gate)
    own = {} if start is None else inspect.signature(start).parameters
    first = {key: value for key, value in constants.items() if key in own}
    return gate(**first), {key: value for key, value in constants.items() if key not in own}


def _watched(
    call: Callable[[], Any], given: list[Any], kept: list[Any]
) -> tuple[Any, dict[str, Any]]:
    """What a call returns; with a copy of it, what it wrote to, and whose memory it gives."""
    before = [np.array(x, copy=True) for x in given]
    others = [np.array(x, copy=True) for x in kept]
    value = call()
    parts = value if isinstance(value, (list, tuple)) else [value]
    return value, {
        "value": _copied(value),
        "given_changed": [k for k, x in enumerate(given) if not _is_same(x, before[k])],
        "kept_changed": [k for k, x in enumerate(kept) if not _is_same(x, others[k])],
        "shared": [
            [at, k] for at, part in enumerate(parts) for k, x in enumerate(kept or given)
            if isinstance(part, np.ndarray) and isinstance(x, np.ndarray)
            and np.shares_memory(part, x)
        ],
    }  # fmt: skip


def _is_same(x: Any, before: Any) -> bool:
    if isinstance(x, (list, tuple)):
        return all(map(_is_same, x, before))
    return not isinstance(x, np.ndarray) or np.array_equal(x, before, equal_nan=x.dtype.kind == "f")


def _copied(value: Any) -> Any:
    """Arrays as they are now, before a later call may write to them."""
    if isinstance(value, np.ndarray):
        return value.copy()
    if isinstance(value, (list, tuple)):
        return type(value)([_copied(part) for part in value])
    if isinstance(value, dict):
        return {key: _copied(part) for key, part in value.items()}
    return value


VERBS = {"describe": described, "play": played}
