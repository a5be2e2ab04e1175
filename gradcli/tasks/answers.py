"""Answers of students as they come: lines of them may be blank, or cannot be read.

Such a line is left out and counts as wrong; the others are judged on the true values of what it
should have given. A forward line that cannot be read is the exercise's, where its key is at hand;
what assigns nothing (a name, a sentence) is left out.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from gradcli.errors import GradcliError, MissingValue, ParseError
from gradcli.python.state.pasted import unpasted
from gradcli.reports.checks import Case
from gradcli.reports.evaluations import worst
from gradcli.reports.lines import LineCheck
from gradcli.requests import Request, Setting
from gradcli.tasks.check import Checked, check_program
from gradcli.tasks.written_lines import GRADIENT_LINE, STAGE, backward_begin

# In the place of what cannot be read. It fits no gradient: the true one stands in for it, and the
# other lines of the same gradient are judged by what they add.
NO_SHAPE = "[[[[[0, 0], [0, 0], [0, 0]]]]]"


class Unread(NamedTuple):
    """A line that was left out: its target, if it has one, and why it cannot be read."""

    target: str
    problem: str  # empty for a blank line


def check_answer(
    text: str, name: str, bindings: list[tuple[str, Setting]], request: Request,
    stages: Mapping[str, str] | None = None,
) -> tuple[Checked, dict[int, Unread]]:  # fmt: skip
    """Check an answer, and the lines that were left out, by their numbers.

    `stages` are the forward lines of the exercise, by their targets, where its key is at hand.
    Raises GradcliError for a forward part that cannot be read, or where there is none.
    """
    if not any(row.partition("#")[0].strip() for row in text.splitlines()):
        raise ParseError("nothing is written in it")
    rows, unread = text.splitlines(), dict[int, Unread]()
    if not any(STAGE.match(row) for row in rows) and (pasted := unpasted(rows)) is not None:
        rows = pasted.text.splitlines()  # behind prompts, line for line
    begin = backward_begin(rows, stages or ())
    for k in range(begin, len(rows)):
        if (match := GRADIENT_LINE.match(rows[k])) and not match[2].partition("#")[0].strip():
            unread[k + 1] = Unread(match[1], "")
            rows[k] = f"# {rows[k]}"
    if stages and not any(STAGE.match(row) for row in rows[:begin]):
        forward = "; ".join(stages.values())
        rows[max(begin - 1, 0)] = forward if begin else f"{forward}; {rows[0]}"
    while True:
        try:
            filled = request._replace(fills_gaps=True)
            case, program = check_program("\n".join(rows), name, bindings, filled)
            lines = [check for check in case.lines if check.line not in unread]
            return Checked(case._replace(lines=lines), program), unread
        except GradcliError as error:
            line = _line_of(error, len(rows))
            if line is not None and rows[line - 1].endswith(NO_SHAPE):
                rows[line - 1] = f"# {rows[line - 1]}"
                continue
            if line is None or line in unread:
                raise
            row = rows[line - 1]
            if line > begin:
                match = GRADIENT_LINE.match(row)
                rows[line - 1] = f"{row[: match.start(2)]} {NO_SHAPE}" if match else f"# {row}"
                unread[line] = Unread(match[1] if match else "", error.message)
            else:
                rows[line - 1] = _forward_row(row, error, stages or {})
                unread[line] = Unread("", error.message)


def _forward_row(row: str, error: GradcliError, stages: Mapping[str, str]) -> str:
    """What stands in for a forward line that cannot be read. Raises the error for nothing."""
    stage = STAGE.match(row)
    if stage and stage[1] in stages and isinstance(error, ParseError | MissingValue):
        return stages[stage[1]]
    if "=" in row:
        raise error
    return f"# {row}"


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


def _line_of(error: GradcliError, count: int) -> int | None:
    """The line of an error; at the end of the text the last line is meant."""
    return None if error.span is None else min(error.span.line, count)
