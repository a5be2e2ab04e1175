"""The repairs of a report as a unified diff, and as the texts they make."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from difflib import unified_diff
from typing import TextIO

from gradcli.render.findings import relative_path
from gradcli.reports.checks import Case, CheckReport
from gradcli.reports.lines import LineCheck
from gradcli.reports.statement_text import offset_of, statement_end, without


def fixed_text(text: str, lines: Iterable[LineCheck]) -> str:
    """The text of a program with its wrong lines as they should be."""
    repairs = {(line.line, line.column): line.repair for line in lines if line.repair is not None}
    for (row, column), repair in sorted(repairs.items(), reverse=True):
        start = offset_of(text, row, column)
        stop = statement_end(text, start)
        text = text[:start] + repair + text[stop:] if repair else without(text, start, stop)
    return text


def fixes(report: CheckReport) -> Iterator[tuple[Case, str]]:
    """The files that have a repair, by their first case with one, and their texts with it."""
    wrong = [case for case in report.cases if any(line.repair is not None for line in case.lines)]
    alike = [[c for c in wrong if (c.file, c.text) == (case.file, case.text)] for case in wrong]
    for case, same in zip(wrong, alike, strict=True):
        if case is same[0]:  # the subjects of a Python file are cases of their own
            yield case, fixed_text(case.text, [line for c in same for line in c.lines])


def unmended(report: CheckReport) -> Iterator[str]:
    """What no repair mends: wrong lines without one, and cases that could not be read."""
    for case in report.cases:
        path = relative_path(case.file)
        if case.problem is not None:
            yield f"{path}:{case.problem.line or case.line}: {case.problem.message}"
        for line in case.lines:
            if line.verdict == "fail" and line.cause is None and line.repair is None:
                yield f"{path}:{line.line}: {line.name} is wrong, and no repair is known"
        if case.verdict == "fail" and not case.lines:
            yield f"{path}:{case.line}: a claim is wrong, and there is no line to mend"


def write_diff(report: CheckReport, out: TextIO) -> None:
    """Write what repairs change, as `patch` and `git apply` read it."""
    for case, text in fixes(report):
        path = relative_path(case.file).lstrip("/")
        rows = unified_diff(_rows(case.text), _rows(text), f"a/{path}", f"b/{path}")
        for row in rows:
            end = "" if row.endswith("\n") else "\n\\ No newline at end of file\n"
            out.write(row + end)


def _rows(text: str) -> list[str]:
    """The lines of a text with their ends, as `patch` counts them."""
    *rows, last = text.split("\n")
    return [*(f"{row}\n" for row in rows), *([last] if last else [])]
