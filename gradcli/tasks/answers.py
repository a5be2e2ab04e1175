"""Answers of students as they come: lines of them may be blank, or cannot be read.

Such a line is left out and counts as wrong; the others are judged on the true values of what it
should have given.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import NamedTuple

from gradcli.errors import GradcliError, ParseError
from gradcli.reports.checks import Case
from gradcli.reports.evaluations import worst
from gradcli.reports.lines import LineCheck
from gradcli.requests import Request, Setting
from gradcli.tasks.check import Checked, check_program

GRADIENT_LINE = re.compile(r"^\s*(d\w+)\s*(?:\[[^=]*\])?\s*\+?=(?!=)\s*(.*)$")


class Unread(NamedTuple):
    """A line that was left out: its target, if it has one, and why it cannot be read."""

    target: str
    problem: str  # empty for a blank line


def check_answer(
    text: str, name: str, bindings: list[tuple[str, Setting]], request: Request
) -> tuple[Checked, dict[int, Unread]]:
    """Check an answer, and the lines of its backward part that were left out, by their numbers.

    Raises GradcliError for a forward part that cannot be read, or where there is none.
    """
    if not any(row.partition("#")[0].strip() for row in text.splitlines()):
        raise ParseError("nothing is written in it")
    rows, unread = text.splitlines(), dict[int, Unread]()
    begin = next((k for k, row in enumerate(rows) if GRADIENT_LINE.match(row)), len(rows))
    for k in range(begin, len(rows)):
        if (match := GRADIENT_LINE.match(rows[k])) and not match[2].partition("#")[0].strip():
            unread[k + 1] = Unread(match[1], "")
            rows[k] = f"# {rows[k]}"
    while True:
        try:
            filled = request._replace(fills_gaps=True)
            return check_program("\n".join(rows), name, bindings, filled), unread
        except GradcliError as error:
            line = _line_of(error, begin, len(rows))
            if line is None or line in unread:
                raise
            match = GRADIENT_LINE.match(rows[line - 1])
            unread[line] = Unread(match[1] if match else "", error.message)
            rows[line - 1] = f"# {rows[line - 1]}"


def with_unread(case: Case, unread: Mapping[int, Unread], text: str) -> Case:
    """The case of an answer with its whole text, in which lines that were left out are wrong."""
    if not unread:
        return case
    lines = [
        LineCheck(
            line.target or "this line", number, 1, "fail", True, None, None, None, None,
            line.problem or "blank",
        )
        for number, line in unread.items()
    ]  # fmt: skip
    lines = sorted([*case.lines, *lines], key=lambda check: (check.line, check.column))
    return case._replace(verdict=worst([case.verdict, "fail"]), lines=lines, text=text)


def _line_of(error: GradcliError, begin: int, count: int) -> int | None:
    """The line of an error in the backward part; at the end of the text the last line is meant."""
    line = None if error.span is None else min(error.span.line, count)
    return line if line is not None and line > begin else None
