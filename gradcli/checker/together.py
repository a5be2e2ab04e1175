"""The derivatives of many inputs: each has a search of its own, whose steps are taken together.

A search that needs a step that nobody has taken yet asks for it, and begins anew when it is there:
what was found stays with its cone, so that beginning again costs little.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING

from gradcli.arithmetic.floats import FAULTS
from gradcli.checker import sheet
from gradcli.checker.cone import Answer, Cone
from gradcli.checker.differences import (
    Estimate,
    Goal,
    differentiate,
    ends_of,
    rounds_there,
    shorter,
)
from gradcli.checker.probes import AskedError, Asking

if TYPE_CHECKING:
    from gradcli.checker.rows import Rows


def differentiate_all(
    cones: Sequence[Cone], goals: Sequence[Goal], rows: Rows | None
) -> list[Estimate]:
    """The derivative of the output by the input of each cone, as good as its goal wants it.

    `rows` are the arrays that the numbers stand for, where these can be evaluated in rows.
    """
    begin_together(cones, rows)
    if rows is None:
        return [differentiate(cone, True, goal) for cone, goal in zip(cones, goals, strict=True)]
    estimates: dict[Cone, Estimate] = {}
    waiting = dict(zip(cones, goals, strict=True))
    while waiting:
        asked: dict[Cone, AskedError] = {}
        for cone, goal in waiting.items():
            try:
                estimates[cone] = differentiate(cone, True, goal, Asking(cone))
            except AskedError as question:
                asked[cone] = question
        steps = [(cone, step) for cone, question in asked.items() for step in question.steps]
        rows.find_differences(steps, sheet.HALVINGS)
        rows.find_bounds((cone, x) for cone, question in asked.items() for x in question.ends)
        waiting = {cone: waiting[cone] for cone in asked}
    return [estimates[cone] for cone in cones]


def begin_together(cones: Iterable[Cone], rows: Rows | None = None) -> None:
    """Take the first steps of many cones in one pass; what it finds stays with them."""
    by = rows or sheet
    firsts = list[tuple[Cone, float]]()
    smooth = [cone for cone in cones if cone.is_smooth]
    if smooth:
        with suppress(*FAULTS):
            by.find_first_steps(smooth)
    for cone in smooth:
        with suppress(*FAULTS):
            if cone.first_step >= 2 * math.ulp(cone.x):
                firsts.append((cone, cone.first_step))
    by.find_differences(firsts, sheet.FEW)
    by.find_bounds(
        (cone, x) for cone, step in firsts if rounds_there(cone)
        for x in ends_of(cone, _clear(step, cone.differences))
    )  # fmt: skip


def _clear(step: float, differences: Mapping[float, Answer]) -> float:
    """The first step, not longer than another, that is not known to be too long."""
    while step in differences and differences[step][0] is None:
        step = shorter(step, differences[step][1])
    return step
