"""One expression, asked several ways: every two answers agree, within their own bounds."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any, NamedTuple

import gradcli
from gradcli.api import code
from tests.fuzz.judge import printed_again
from tests.hunt.judge import judge
from tests.hunt.trees import Point, Tree, text_of

BEYOND_BOUNDS = 4.0  # times the bounds: the other way may round as often
SLACK = 1e-13  # relative, where bounds are those of a gate or two
FAULTS = (ArithmeticError, ValueError)
DEPTH = 1  # of the oracle's search, so that what it finds need not be confirmed


class Answer(NamedTuple):
    """A value and gradients, in the order of the inputs."""

    value: float
    gradients: list[float]


def differences(tree: Tree, point: Point, seed: int) -> Iterator[str]:
    """What differs: printed and read again, compiled, as columns, as Python code, and in mpmath."""
    text = text_of(tree)
    yield from printed_again(text, point)
    yield from _other_ways(text, point)
    for finding in judge(tree, point, seed, DEPTH).findings:
        yield f"{finding.kind}: {text} at {point}: {finding.said}, true is {finding.true}"


def _other_ways(text: str, point: Point) -> Iterator[str]:
    try:
        first = gradcli.evaluate(text, point, check=False, arithmetic="float64")
    except gradcli.GradcliError:
        return
    names = [*first.gradients]
    own = Answer(first.value, [first.gradients[name] for name in names])
    held = first.gradient_bounds or {}
    bounds = [first.bound, *(held.get(name) for name in names)]
    if not all(map(math.isfinite, (own.value, *own.gradients, *(b or 0.0 for b in bounds)))):
        return  # what the ways make of it differs: a column has nan where code raises
    for way, answer in _answers(text, point, names):
        pairs = zip(
            (own.value, *own.gradients), (answer.value, *answer.gradients), bounds, strict=True
        )
        for one, other, bound in pairs:
            if not abs(one - other) <= BEYOND_BOUNDS * (bound or 0.0) + SLACK * abs(one):
                yield f"{way} of {text} at {point}: {answer}, and eval: {own}, bounds {bounds}"
                break


def _answers(text: str, point: Point, names: list[str]) -> Iterator[tuple[str, Answer]]:
    """What other ways make of an expression, where they can compute it."""
    numbers = [point[name] for name in names]
    function = gradcli.compile(text, names)
    value, gradients = function(*numbers)
    yield "the function", Answer(value, gradients)
    values, columns = function.batch([[x, x] for x in numbers])
    yield "the batch", Answer(float(values[1]), [float(column[1]) for column in columns])
    try:
        written = code(text, point, function="emitted").text
        scope: dict[str, Any] = {}
        exec(written, scope)  # code that the fuzzer has had written
        value, emitted = scope["emitted"](*numbers)
    except (gradcli.GradcliError, *FAULTS):
        return
    yield "the code", Answer(value, [*emitted])
