"""Results of a Python file that are the gradient of no input: of a stage, or of nothing.

`return dZ2, dW2, db2` gives the gradient of `Z2`, which the forward part computes. No finite
difference moves a stage, so that its gradient is held against the engine's own and claims nothing;
what is the gradient of nothing that is known is said beside the verdict.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np

from gradcli.arithmetic.arrays import ARRAYS
from gradcli.engine import Machine, Run, sweep
from gradcli.python.driving.driven import Driven
from gradcli.python.driving.results import Result, short_name
from gradcli.python.reading import Reading
from gradcli.python.words.gradients import kin

CLOSE = 1e-6  # of the largest element: the result of another order of sums


class StageGradients(NamedTuple):
    """The results without an input, by what they are."""

    right: list[str]  # the gradient of a stage: `dZ2 of Z2`
    unclaimed: list[str]


def stage_gradients(reading: Reading) -> StageGradients:
    """What the results are that no input claims."""
    words = reading.claims.unclaimed
    if not words:
        return StageGradients([], [])
    driven = reading.driven_last
    gradients = _gradients(driven)
    stages = [*_stages(driven)]
    right, unclaimed = [], []
    for result in (r for r in driven.results if r.words in words):
        of = _stage(driven, result, stages, gradients)
        if of is None:
            unclaimed.append(result.words)
        else:
            right.append(f"{result.words} of {of}")
    return StageGradients(right, unclaimed)


def _gradients(driven: Driven) -> list[Any]:
    """The gradient of every node of the forward part, at the point of the reading."""
    tape = driven.reader.tape
    run = Run(Machine(tape.graph, ARRAYS), [*tape.values])
    sweep(run, {
        node: 1.0 if upstream is None else tape.values[upstream]
        for node, upstream in driven.outputs
    })  # fmt: skip
    return run.gradients


def _stages(driven: Driven) -> Iterator[tuple[str, int]]:
    """What the forward part computes, by the names it is given."""
    reached = driven.reader.tape.graph.reaches(*[node for node, _ in driven.outputs])
    for record in driven.reader.records:
        if reached[record.total]:
            yield short_name(record.target), record.total


def _stage(
    driven: Driven, result: Result, stages: list[tuple[str, int]], gradients: list[Any]
) -> str | None:
    """The stage that a result is named after and is the gradient of; None for none."""
    value = driven.reader.tape.values[result.node]
    names = {kin(root) for root in result.roots}
    for name, node in stages:
        gradient = gradients[node]
        if kin(name) in names and np.shape(gradient) == np.shape(value):
            size = np.max(np.abs(gradient), initial=0.0)
            if np.max(np.abs(value - gradient), initial=0.0) <= CLOSE * size:
                return name
    return None
