"""The task `check --call`: functions of a module or file, run in a child process.

A function is checked with its gradient, and that with the Hessian where there is one: each is a
case. Values are all that is known of them.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping, Sequence
from itertools import combinations
from typing import Any, NamedTuple

import numpy as np

from gradcli.errors import UsageError
from gradcli.evaluation.point import constants_at
from gradcli.foreign.child import MEMORY, Child, ForeignFault, Source
from gradcli.foreign.external import External
from gradcli.foreign.remote import Remote, missing_inputs, place_in
from gradcli.program.bindings import parse_constant
from gradcli.reports.checks import Case
from gradcli.requests import MOST_MEMORY, TIMEOUT, Request, Setting
from gradcli.tasks.functions import Function, changed_note, check_function
from gradcli.tasks.ranges import range_of
from gradcli.tasks.recordings import with_lines

DTYPES = {"torch": ("float64", "float32"), "jax": ("float64",)}  # what a function is called in
LESSER = ("float32",)
MOST_OF_SOME = 6  # inputs of which some are tried as those that gradients are of
WHOLE = re.compile(r"[\s\[\],+0-9-]+")  # a text of whole numbers only
WANTS_WHOLE = re.compile(r"integer|Long|int64", re.IGNORECASE)  # how labels are asked for


class Call(NamedTuple):
    """What is to be called, and how."""

    function: str  # MODULE:NAME or FILE.py:NAME
    gradients: Sequence[str] = ()  # of the same form, or NAME in the same module
    side: str = "functions"  # or torch, jax
    timeout: float = TIMEOUT
    memory: int = MEMORY


def check_call(
    call: Call, bindings: Sequence[tuple[str, Setting]], request: Request
) -> Iterator[Case]:
    """A case for each derivative. Raises GradcliError."""
    source, name = place_in(call.function)
    with Child(Source(source, call.side, call.timeout, call.memory)) as child:
        described = _described(child, call.side, name)
        _refuse_missing(described, name, bindings)
        wrt = [*(request.wrt or described["needed"])]
        cases = _cases_with_labels(call, child, described, bindings, wrt, request)
        if call.side == "functions" and not request.wrt and _is_short(cases[0]):
            cases = _cases_of_some(call, child, described, bindings, wrt, request) or cases
    yield from (case for case in cases if not _adds_nothing(case, cases))


def _cases_with_labels(
    call: Call, child: Child, described: Mapping[str, Any],
    bindings: Sequence[tuple[str, Setting]], wrt: Sequence[str], request: Request,
) -> list[Case]:  # fmt: skip
    """The cases; where the code asks for whole numbers, those given are its labels or counts."""
    try:
        return _cases(call, child, described, bindings, wrt, request)
    except ForeignFault as fault:
        first = fault
    if request.wrt or not WANTS_WHOLE.search(first.message):
        raise first
    whole = [n for n, value in reversed(bindings) if WHOLE.fullmatch(str(value)) and n in wrt]
    for left_out in [*([n] for n in whole), whole]:
        others = [n for n in wrt if n not in left_out]
        try:
            if others and left_out:
                return _cases(call, child, described, bindings, others, request)
        except ForeignFault as fault:
            if not WANTS_WHOLE.search(fault.message):
                raise
    raise first


def _cases_of_some(
    call: Call, child: Child, described: Mapping[str, Any],
    bindings: Sequence[tuple[str, Setting]], wrt: Sequence[str], request: Request,
) -> list[Case]:  # fmt: skip
    """The cases where there are fewer gradients than inputs; none where they fit no inputs.

    Parameters come first, data after them: the first inputs that fit are meant, unless those do not
    pass and others do.
    """
    fitting: list[list[Case]] = []
    for count in range(1, min(len(wrt), MOST_OF_SOME)):
        for names in combinations(wrt, count):
            try:
                cases = _cases(call, child, described, bindings, names, request)
            except ForeignFault:
                continue  # what is not differentiated by is handed on as whole numbers
            if cases[0].inputs:
                others = ", ".join(name for name in wrt if name not in names)
                note = (
                    f"the gradient is taken as that of {', '.join(names)}, and none is claimed "
                    f"for {others} (--wrt says which is meant)"
                )
                fitting.append([case._replace(notes=[*case.notes, note]) for case in cases])
        if fitting:
            break
    return next((c for c in fitting if c[0].verdict == "pass"), fitting[0] if fitting else [])


def _is_short(case: Case) -> bool:
    """Whether a case fails as there is not one gradient for each input."""
    return any(line.mistake == "gradient-count" for line in case.lines)


def _cases(
    call: Call, child: Child, described: Mapping[str, Any],
    bindings: Sequence[tuple[str, Setting]], wrt: Sequence[str], request: Request,
) -> list[Case]:  # fmt: skip
    """The cases where so many inputs are differentiated by. Raises ForeignFault."""
    source, name = place_in(call.function)
    points = _points(bindings, wrt, request)
    cases: list[Case] = []
    for function, gradient in _pairs(call, source, name, described):
        try:
            key = f"{function} {gradient} {wrt}"
            remote = Remote(child, key, (function, gradient, points[0], wrt))
            case = _case(remote, described, source, function, gradient, points, request)
            if call.side == "functions" and len(points) == 1 and case.inputs:
                case = _with_lines(case, remote, described["file"], points[0], request)
            cases.append(case)
        except ForeignFault:
            if gradient not in LESSER or not cases:
                raise
    return cases


def _with_lines(
    case: Case, remote: Remote, file: str, point: Mapping[str, Any], request: Request
) -> Case:
    inputs = {name: np.asarray(point[name], dtype=float) for name in remote.names}
    told = remote.child.call("record", (remote.key, [*inputs.values()]))
    return with_lines(case, told, file, inputs, remote.pullback, request)


def _described(child: Child, side: str, name: str) -> dict[str, Any]:
    """What the child knows of a function. Raises ForeignFault, UsageError without its package."""
    try:
        described: dict[str, Any] = child.call("describe", (name,))
    except ForeignFault as fault:
        if fault.name == "ModuleNotFoundError" and fault.message.endswith(f"'{side}'"):
            words = f"{side} is not installed in the Python that runs gradcli"
            raise UsageError(words, hint="install it into the same environment") from None
        raise
    return described


def _adds_nothing(case: Case, cases: Sequence[Case]) -> bool:
    """Whether a case is of a dtype with few digits, and fails with no other one."""
    others = [other for other in cases if other is not case]
    is_lesser = bool(others) and case.expression.endswith(LESSER)
    return is_lesser and (case.verdict != "fail" or others[0].verdict == "fail")


def check_external(
    command: str, bindings: Sequence[tuple[str, Setting]], request: Request, timeout: float
) -> Case:
    """The case of a program in another language. Raises GradcliError."""
    if not bindings:
        raise UsageError("the program needs inputs", hint='give them: "x=[1, 2]"')
    names = [name for name, _ in bindings]
    points = _points(bindings, [*(request.wrt or names)], request)
    moved = [[np.asarray(point[name], dtype=float) for name in names] for point in points]
    memory = None if request.max_memory == MOST_MEMORY else request.max_memory  # of our own arrays
    with External(command, names, timeout, memory) as external:
        function = Function(external.values, external.pullback, names, command, external.words[0])
        return check_function(function, moved, request.seed or 0, request.tolerance)


def _refuse_missing(
    described: Mapping[str, Any], name: str, bindings: Sequence[tuple[str, Setting]]
) -> None:
    missing = missing_inputs(described, [n for n, _ in bindings])
    if missing or not bindings:
        example = " ".join(f'"{n}=randn(5)"' for n in missing or described["names"] or ["x"])
        raise UsageError(f"`{name}` needs a value for {', '.join(missing) or 'an input'}",
                         hint=f"give it: {example}")  # fmt: skip


def _pairs(
    call: Call, source: str, name: str, described: Mapping[str, Any]
) -> list[tuple[str, str | None]]:
    """The functions with the derivative of each: what is said, else what their names say.

    Of torch and jax, whose derivative is part of the function, with the dtype.
    """
    given = [_within(source, gradient) for gradient in call.gradients]
    if call.side != "functions":
        return [(name, dtype) for dtype in DTYPES[call.side]]
    if given:
        return [(name, given[0]), *((given[0], further) for further in given[1:])]
    slopes = described["slopes"][:1]
    if not slopes:
        return [(name, None)]
    return [(name, slopes[0]), *((slopes[0], further) for further in described["curvatures"])]


def _within(source: str, gradient: str) -> str:
    """The name of a gradient in the module of its function. Raises UsageError for another one."""
    if ":" not in gradient:
        return gradient
    other, name = place_in(gradient)
    if other != source:
        raise UsageError(f"`{gradient}` is not in {source}",
                         hint="both in one module: a file that imports them will do")  # fmt: skip
    return name


def _points(
    bindings: Sequence[tuple[str, Setting]], wrt: Sequence[str], request: Request
) -> list[dict[str, Any]]:
    """The inputs by name: one point, or some of ranges."""
    ranges = {n: ends for n, v in bindings if (ends := range_of(n, v)) is not None}
    fixed = {n: _input(n, v, wrt, request) for n, v in bindings if n not in ranges}
    order = [n for n, _ in bindings]
    if not ranges:
        return [fixed]
    rng = np.random.default_rng(request.seed or 0)
    points = []
    for _ in range(request.samples):
        drawn = {n: np.array(rng.uniform(low, high)) for n, (low, high) in ranges.items()}
        whole = {**fixed, **drawn}
        points.append({n: whole[n] for n in order})
    return points


def _input(name: str, setting: Setting, wrt: Sequence[str], request: Request) -> Any:
    """A value: an array of floats, or of whole numbers where these are labels."""
    graph, node = parse_constant(name, setting, may_be_list=True)
    graph.sow(request.seed or 0)
    array = np.asarray(constants_at(graph, [node])[node], dtype=float)
    if name not in wrt and isinstance(setting, str) and WHOLE.fullmatch(setting):
        whole = array.astype(int)
        return whole if whole.shape else whole.item()
    return array


def _case(
    remote: Remote, described: Mapping[str, Any], source: str, function: str,
    gradient: str | None, points: Sequence[Mapping[str, Any]], request: Request,
) -> Case:  # fmt: skip
    label = f"{function}" if gradient is None else f"{function}, {gradient}"
    file = described["file"] or source
    judged = Function(
        remote.values, remote.pullback, remote.names, label,
        os.path.relpath(file) if os.path.isabs(file) else file, described["line"],
        remote.takes_upstream,
    )  # fmt: skip
    moved = [[point[name] for name in remote.names] for point in points]
    case = check_function(judged, moved, request.seed or 0, request.tolerance)
    return case._replace(notes=[*case.notes, *remote.notes, *changed_note(remote.changed)])
