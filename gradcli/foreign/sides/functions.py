"""Functions and their gradients, opened at some inputs, then called at point after point."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from types import ModuleType
from typing import Any

import numpy as np

from gradcli.errors import UsageError, did_you_mean
from gradcli.foreign.gradients import NotAGradient
from gradcli.foreign.pairs import Pair
from gradcli.foreign.sides.calls import found

SLOPES = ("{}_der", "{}_grad", "{}_gradient", "{}_jac", "{}_prime", "grad_{}", "jac_{}", "d{}")
CURVATURES = ("{}_hess", "{}_hessian", "hess_{}", "{}_hess_prod", "{}_hessp")
FORWARD, BACKWARD = "_forward", "_backward"

_open: dict[str, Any] = {}  # by key, for as long as the process lives


def described(module: ModuleType, name: str) -> dict[str, Any]:
    """Where a function is, what its parameters are, and what its derivatives are called."""
    function = function_of(module, name)
    code = code_of(function)
    slopes = _known(module, name, SLOPES)
    if f"_{name}".endswith(FORWARD):  # `forward` itself, too
        backward = f"_{name}".removesuffix(FORWARD) + BACKWARD
        slopes += _known(module, backward[1:], ("{}",))
    parameters = parameters_of(function)
    return {
        "file": getattr(code, "co_filename", ""), "line": getattr(code, "co_firstlineno", 1),
        "names": None if parameters is None else [*parameters],
        "needed": [n for n, p in (parameters or {}).items() if p.default is p.empty],
        "slopes": slopes, "curvatures": _known(module, name, CURVATURES),
    }  # fmt: skip


def code_of(function: Any) -> Any:
    """The code of a function, also of one that another object wraps; None where it has none."""
    with suppress(ValueError):
        function = inspect.unwrap(function)
    return getattr(function, "__code__", None)


def function_of(module: ModuleType, name: str) -> Callable[..., Any]:
    """The function of a name. Raises UsageError."""
    try:
        function = found(module, name)
    except AttributeError:
        known = [n for n, value in module.__dict__.items() if callable(value)]
        hint = did_you_mean(name, known)
        raise UsageError(f"{module.__name__} has no function `{name}`", None, hint) from None
    if not callable(function):
        raise UsageError(f"`{name}` is {type(function).__name__}, not a function")
    return function  # type: ignore[no-any-return]


def _known(module: ModuleType, name: str, forms: Sequence[str]) -> list[str]:
    names = [form.format(name) for form in forms]
    return [one for one in names if callable(getattr(module, one, None))]


def parameters_of(function: Callable[..., Any]) -> Mapping[str, inspect.Parameter] | None:
    """The positional parameters by name; None for one that takes any, or does not tell.

    Raises UsageError for one that needs others.
    """
    try:
        parameters = inspect.signature(function).parameters
    except (TypeError, ValueError):
        return None
    kinds = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
    for name, parameter in parameters.items():
        if parameter.kind is parameter.VAR_POSITIONAL:
            return None
        if parameter.kind is parameter.KEYWORD_ONLY and parameter.default is parameter.empty:
            own = getattr(function, "__name__", "f")
            hint = f"check a function of your own that calls {own}(..., {name}=...)"
            raise UsageError(f"`{own}` takes `{name}` by keyword only", hint=hint)
    return {name: p for name, p in parameters.items() if p.kind in kinds}


def arguments(function: Callable[..., Any], given: Mapping[str, Any]) -> dict[str, Any]:
    """The positional arguments by name, up to the last that is given; the rest by default."""
    parameters = parameters_of(function)
    if parameters is None:
        return dict(given)
    whole: dict[str, Any] = {}
    for name, parameter in parameters.items():
        if not set(given) - set(whole):
            break
        whole[name] = given.get(name, parameter.default)
    return whole


def opened(
    module: ModuleType, key: str, name: str, gradient: str | None, given: Mapping[str, Any],
    wrt: Sequence[str] | None,
) -> dict[str, Any]:  # fmt: skip
    """Make a pair of a function and its gradient; say what it takes."""
    function = function_of(module, name)
    slopes = None if gradient is None else function_of(module, gradient)
    whole = arguments(function, given)
    return kept(key, Pair(function, slopes, [*whole.values()], [*whole], None, wrt))


def kept(key: str, pair: Any) -> dict[str, Any]:
    """Keep what is called under a key; say what it takes."""
    _open[key] = pair
    return {
        "names": pair.real_names, "takes_upstream": pair.takes_upstream,
        "notes": getattr(pair, "notes", []),
    }  # fmt: skip


def value(module: ModuleType, key: str, moved: Sequence[Any]) -> Any:
    """The value of what is open, as an array."""
    return np.asarray(_open[key].value(moved))


def value_in_digits(
    module: ModuleType,
    key: str,
    count: int,
    moved: Sequence[tuple[list[str], Sequence[int]]],
) -> tuple[list[str], list[int]]:
    """The value of what is open in many digits, as texts and a shape."""
    from gradcli.arithmetic.digit import read_digits, spelled
    from gradcli.arithmetic.digits import digits

    arithmetic = digits(count)
    arrays = [read_digits(texts, tuple(shape), arithmetic) for texts, shape in moved]
    there = np.asarray(_open[key].value(arrays))
    return spelled(there), [*there.shape]


def gradients(module: ModuleType, key: str, moved: Sequence[Any], upstream: Any) -> dict[str, Any]:
    """The claimed gradients by the real inputs of what is open, or why they are none."""
    pair = _open[key]
    try:
        claimed = pair.pullback(moved, np.asarray(upstream, dtype=float))
    except NotAGradient as misfit:
        return {"mistake": misfit.mistake, "words": misfit.message}
    return {"gradients": claimed, "changed": sorted(getattr(pair, "changed", ()))}


def record(module: ModuleType, key: str, moved: Sequence[Any]) -> dict[str, Any]:
    """What is open as straight-line Python, from a run on arrays that write down what is done."""
    from gradcli.foreign.records import recorded

    return recorded(_open[key], moved)


SHARED = {"value": value, "value_in_digits": value_in_digits, "gradients": gradients}
VERBS = {"describe": described, "open": opened, "record": record, **SHARED}
