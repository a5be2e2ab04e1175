"""Verdicts on the lines of a hand-written backward pass, for every command that shows them."""

from __future__ import annotations

from gradcli.evaluation.point import Point
from gradcli.reports.lines import Fork, LineCheck
from gradcli.requests import Request


def judged(
    point: Point, request: Request, formulas_only: bool = False
) -> tuple[list[LineCheck], list[Fork]]:
    """The verdicts and the fork table; nothing for a program without a backward part.

    `formulas_only` accuses no line that gives a number: a number is claimed at its point only.
    """
    if not point.program.lines:
        return [], []
    from gradcli.backward.lines import judge_lines  # late: few programs have a backward part

    return judge_lines(point, request, formulas_only)
