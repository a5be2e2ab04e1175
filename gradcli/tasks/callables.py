"""The task `check` for Python functions that the caller hands over: they run in this process."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from gradcli.errors import UsageError
from gradcli.foreign.pairs import Pair
from gradcli.foreign.records import recorded
from gradcli.reports.checks import Case, CheckReport
from gradcli.requests import Request
from gradcli.tasks.functions import Function, changed_note, check_function
from gradcli.tasks.recordings import with_lines


def check_callables(
    function: Callable[..., Any], gradient: Callable[..., Any] | None, points: Sequence[Any],
    names: Sequence[str] | None, upstream: str | None, seed: int, tolerance: float,
) -> CheckReport:  # fmt: skip
    """The report on a function and its gradient at some points; a tuple is a point of several."""
    if not points:
        raise UsageError("there is no point to check at", hint="give one after the functions")
    whole = [arguments_of(point) for point in points]
    if len({len(arguments) for arguments in whole}) > 1:
        raise UsageError("the points have different numbers of arguments",
                         hint="a tuple is one point: its parts are the arguments")  # fmt: skip
    pair = Pair(function, gradient, whole[0], names, upstream)
    request = Request(seed=seed, tolerance=tolerance)
    groups = _by_constants(whole, pair.places)
    return CheckReport([
        _case(Pair(function, gradient, group[0], names, upstream), group, request)
        for group in groups
    ])  # fmt: skip


def _case(pair: Pair, points: list[list[Any]], request: Request) -> Case:
    """The case of a pair; with its lines at its one point, or where it fails."""
    file, line, label = place_of(pair.function)
    function = function_of(pair, file, line, label)
    moved = [[arguments[k] for k in pair.places] for arguments in points]
    case = check_function(function, moved, request.seed or 0, request.tolerance)
    case = case._replace(notes=[*case.notes, *changed_note(pair.changed)])
    if not case.inputs or (len(points) > 1 and case.verdict != "fail"):
        return case
    shown = moved[0] if case.point is None else [case.point[name] for name in pair.real_names]
    inputs = {n: np.asarray(x, dtype=float) for n, x in zip(pair.real_names, shown, strict=True)}
    told = recorded(pair, [*inputs.values()])
    return with_lines(case, told, file, inputs, pair.pullback, request)


def function_of(pair: Pair, file: str, line: int, label: str) -> Function:
    """A pair as the checker wants it."""
    return Function(
        pair.value, pair.pullback, pair.real_names, f"{label}({', '.join(pair.names)})", file, line,
        pair.takes_upstream,
    )  # fmt: skip


def arguments_of(point: Any) -> list[Any]:
    """The arguments of a point: numbers and lists of numbers as arrays, the rest as it is.

    Whole numbers are floats where no argument is one; else they are counts or labels.
    """
    parts = [*point] if isinstance(point, tuple) else [point]
    arrays = [_array(part) for part in parts]
    if not any(isinstance(x, np.ndarray) and x.dtype.kind == "f" for x in arrays):
        arrays = [x.astype(float) if _is_whole(x) else x for x in arrays]
    return [
        part if _is_whole(x) and not isinstance(part, list) else x
        for part, x in zip(parts, arrays, strict=True)
    ]


def _is_whole(x: Any) -> bool:
    return isinstance(x, np.ndarray) and x.dtype.kind in "iu"


def _array(part: Any) -> Any:
    if isinstance(part, (bool, str, type(None))):
        return part
    if np.ma.is_masked(part):
        raise UsageError("an argument is masked in places, where there is nothing to differentiate",
                         hint="give numbers everywhere: x.filled(0.0)")  # fmt: skip
    try:
        array = np.asarray(part)
    except ValueError:
        return part
    if array.dtype.kind == "f":
        return array.astype(float)
    return array if array.dtype.kind in "iu" else part


def _by_constants(points: list[list[Any]], places: list[int]) -> list[list[list[Any]]]:
    """The points in groups that have the same constants."""
    groups: list[list[list[Any]]] = []
    for point in points:
        for group in groups:
            if all(
                k in places or repr(a) == repr(b)
                for k, (a, b) in enumerate(zip(group[0], point, strict=True))
            ):
                group.append(point)
                break
        else:
            groups.append([point])
    return groups


def place_of(function: Any) -> tuple[str, int, str]:
    """The file, the line and the name of a function; `<function>` where it is not in Python."""
    label = getattr(function, "__qualname__", type(function).__name__).split("<locals>.")[-1]
    code = getattr(function, "__code__", None)
    if code is None:
        return "<function>", 1, label
    return os.path.relpath(code.co_filename), code.co_firstlineno, label
