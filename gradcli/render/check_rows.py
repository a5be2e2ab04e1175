"""The report of `check` as rows, one for each verdict: CSV, plain text and Markdown."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from gradcli.errors import printable
from gradcli.render.csv import csv_line
from gradcli.render.findings import count_line
from gradcli.render.look import Look
from gradcli.render.markdown import code_span, table_row
from gradcli.render.plain import tabbed
from gradcli.render.rows import exact
from gradcli.reports.checks import NOTHING_CLAIMED, OWN_GRADIENT, Case, CheckReport
from gradcli.reports.evaluations import InputCheck
from gradcli.reports.lines import LineCheck


class Row(NamedTuple):
    """A verdict as texts; the names of the fields are the columns."""

    file: str
    line: str
    kind: str  # line, input, entry, value, or case for one without these or without claims
    name: str
    verdict: str
    claim: str = ""
    expected: str = ""  # of a line what it should give, else the numeric derivative or the value
    relative_error: str = ""
    mistake: str = ""
    reason: str = ""


def check_csv(report: CheckReport, look: Look) -> Iterator[str]:
    """A header, then a row for each verdict, in the order of the cases."""
    yield csv_line(Row._fields, look)
    for row in _rows(report):
        yield csv_line(row, look)


def check_plain(report: CheckReport, _: Look) -> Iterator[str]:
    """The cells of every row between tabs, without a header."""
    for row in _rows(report):
        yield tabbed(*row)


def check_markdown(report: CheckReport, _: Look) -> Iterator[str]:
    """The counts, then all rows as a table."""
    yield f"{count_line(report)}\n\n"
    yield table_row("file", *(title.replace("_", " ") for title in Row._fields[1:]))
    yield table_row(*("---",) * len(Row._fields))
    for row in _rows(report):
        file, line, kind, name, *rest = row
        yield table_row(
            code_span(file), line, kind, name and code_span(name), *map(printable, rest)
        )


def _rows(report: CheckReport) -> Iterator[Row]:
    for case in report.cases:
        rows = [
            *(_of_line(case, line) for line in case.lines),
            *(_of_check(case, "input", check) for check in case.inputs.values()),
            *(_of_check(case, "entry", check) for check in case.entries.values()),
            *(_of_check(case, "value", check) for check in case.values),
        ]
        if not rows or case.standing == NOTHING_CLAIMED:
            yield _of_case(case)
        yield from rows


def _of_line(case: Case, line: LineCheck) -> Row:
    return Row(
        case.file, str(line.line), "line", line.name, line.verdict, exact(line.claim),
        exact(line.expected), "", line.mistake or "", line.reason or "",
    )  # fmt: skip


def _of_check(case: Case, kind: str, check: InputCheck) -> Row:
    place = case.place(check.name, check.whole)[0]
    return Row(
        case.file, str(place), kind, check.name, check.verdict, exact(check.claim),
        exact(check.numeric), exact(check.relative_error), "", check.reason or "",
    )  # fmt: skip


def _of_case(case: Case) -> Row:
    problem = case.problem
    notes = [OWN_GRADIENT, *case.notes] if case.standing == NOTHING_CLAIMED else case.notes
    reason = "; ".join(notes) if problem is None else problem.message
    place = case.line if problem is None else problem.line or case.line
    return Row(case.file, str(place), "case", case.output, case.standing, reason=reason)
