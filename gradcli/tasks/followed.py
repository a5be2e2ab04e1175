"""What is wrong in one subject of a Python file because of what is wrong in another."""

from __future__ import annotations

from collections.abc import Mapping

from gradcli.reports.checks import Case
from gradcli.reports.lines import LineCheck


def of_wrong_gradient(case: Case, cause: int) -> Case:
    """The case of a derivative of what is wrong itself: its lines need not be."""
    reason = f"it is the derivative of what line {cause} gives, which is wrong"
    return case._replace(lines=[followed(line, cause, reason) for line in case.lines])


def of_wrong_part(case: Case, wrong: Mapping[int, str]) -> Case:
    """The case of what is made of parts, of which one is wrong by itself.

    `wrong` are the lines that were accused where their own subjects were checked, with the names of
    these. A line among them is what is wrong here too, whatever line is nearest to what comes out.
    """
    own = [line for line in case.lines if line.line in wrong]
    accused = [line for line in case.lines if line.is_accused]
    if not own or not accused or any(line.line in wrong for line in accused):
        return case
    cause = own[0].line
    reason = f"it is wrong in `{wrong[cause]}` by itself"
    own[0] = own[0]._replace(verdict="fail", local=True, cause=None, reason=reason)
    lines = [followed(x, cause, f"what it reads may be of line {cause}") for x in case.lines]
    at = next(k for k, line in enumerate(case.lines) if line.line == cause)
    return case._replace(lines=[*lines[:at], own[0], *lines[at + 1 :]])


def followed(line: LineCheck, cause: int, reason: str) -> LineCheck:
    """A line that was accused as one that is wrong because of another; others as they are."""
    if not line.is_accused:
        return line
    return line._replace(local=False, cause=cause, reason=reason, mistake=None, repair=None)
