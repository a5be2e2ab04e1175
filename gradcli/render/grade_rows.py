"""Grades as CSV, Markdown and a page of HTML, and the sheet of one student."""

from __future__ import annotations

import html
import os
from collections.abc import Iterator, Sequence

from gradcli.errors import printable
from gradcli.render.csv import csv_line
from gradcli.render.lines import listing
from gradcli.render.look import Look
from gradcli.render.markdown import code_span, table_row
from gradcli.reports.checks import Case
from gradcli.reports.evaluations import Number
from gradcli.reports.grades import Grade, GradeReport
from gradcli.reports.mistakes import MISTAKES

COLUMNS = (
    "answer", "right", "asked", "score", "mistakes", "missing", "undecided", "changed", "problem",
)  # fmt: skip
STYLE = (
    "body{font:16px/1.5 system-ui,sans-serif;margin:2rem auto;max-width:60rem;padding:0 1rem}"
    "table{border-collapse:collapse}th,td{border-bottom:1px solid;padding:.3rem .8rem;"
    "text-align:left}td.number{text-align:right}"
)


def grade_csv(report: GradeReport, look: Look) -> Iterator[str]:
    """A header, then a row for each answer; several names in a cell stand between spaces."""
    yield csv_line(COLUMNS, look)
    for grade in report.grades:
        yield csv_line(_cells(grade), look)


def grade_markdown(report: GradeReport, _: Look) -> Iterator[str]:
    """The table of answers, then that of mistakes."""
    yield table_row("answer", "right", "of", "mistakes")
    yield table_row("---", "---:", "---:", "---")
    for grade in report.grades:
        words = printable(grade.shortcomings)
        yield table_row(code_span(grade.file), str(grade.right), str(grade.asked), words)
    if report.mistakes:
        yield "\n" + table_row("mistake", "answers", "lines") + table_row("---", "---:", "---:")
        for name, (answers, lines) in report.mistakes.items():
            yield table_row(name, str(answers), str(lines))


def grade_page(report: GradeReport, _: Look) -> Iterator[str]:
    """The same tables as a page of HTML."""
    yield '<!doctype html>\n<html lang="en">\n<meta charset="utf-8">\n<title>Marks</title>\n'
    yield f"<style>{STYLE}</style>\n<h1>Marks</h1>\n"
    answers = [(g.file, str(g.right), str(g.asked), g.shortcomings) for g in report.grades]
    yield from _html_table(("answer", "right", "of", "mistakes"), answers)
    if report.mistakes:
        counts = [(name, str(a), str(n)) for name, (a, n) in report.mistakes.items()]
        yield "<h2>Mistakes</h2>\n"
        yield from _html_table(("mistake", "answers", "lines"), counts)
    yield "</html>\n"


def _html_table(titles: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> Iterator[str]:
    head = "".join(f'<th scope="col">{title}</th>' for title in titles)
    yield f"<table>\n<tr>{head}</tr>\n"
    for row in rows:
        cells = (
            f"<td{' class=number' * cell.isdecimal()}>{html.escape(printable(cell))}</td>"
            for cell in row
        )
        yield f"<tr>{''.join(cells)}</tr>\n"
    yield "</table>\n"


def _cells(grade: Grade) -> tuple[str, ...]:
    undecided = [f"{name}={verdict}" for name, verdict in grade.undecided.items()]
    names = (grade.mistakes, grade.missing, undecided, grade.changed)
    return (
        grade.file, str(grade.right), str(grade.asked), f"{grade.score:.4g}",
        *map(" ".join, names), grade.problem or "",
    )  # fmt: skip


# -------------------------------------------------------------------- sheets


def sheet(grade: Grade, case: Case) -> str:
    """The sheet of one student as Markdown: marks, lines with verdicts, and a word on mistakes."""
    name = printable(os.path.basename(grade.file))
    parts = [f"# {name}\n\n{grade.right} of {grade.asked} right\n"]
    if grade.shortcomings:
        parts.append(f"\n{printable(grade.shortcomings)}\n")
    if case.lines:
        rows = listing(case.text, case.lines, _spelt)
        texts = ("".join(part if isinstance(part, str) else part[0] for part in r) for _, r in rows)
        lines = "".join(f"{printable(text).rstrip()}\n" for text in texts)
        parts.append(f"\n```text\n{lines}```\n")
    for name in dict.fromkeys(grade.mistakes):
        if name in MISTAKES:
            row = MISTAKES[name]
            parts.append(f"\n## {row.name}: {row.title}\n\n{row.meaning}\n\n{row.advice}\n")
    return "".join(parts)


def _spelt(number: Number | None) -> str:
    return "" if number is None else f"{number:.6g}" if isinstance(number, float) else repr(number)
