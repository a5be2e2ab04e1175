"""Reports for people as a web page: one file that loads nothing and runs nothing."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from html import escape as html_escape
from pathlib import Path
from string import Template

from gradcli.errors import printable
from gradcli.render.check_table import check_parts
from gradcli.render.documents import DocumentPage, Item, Listing, Run, Table, runs_of
from gradcli.render.look import Look
from gradcli.render.table import evaluation_parts
from gradcli.render.telling import story_parts
from gradcli.reports.checks import CheckReport
from gradcli.reports.evaluations import EvalReport
from gradcli.reports.tellings import Telling

FILE = Path(__file__).with_name("report.html")
LONGEST_TITLE = 80  # characters


class HtmlPage(DocumentPage):
    """Writes the parts of a report as HTML; roles are the names of classes."""

    def paragraph(self, text: list[Run]) -> str:
        """A sentence."""
        return f"<p>{''.join(map(_run, text))}</p>\n"

    def tabular(self, table: Table) -> str:
        """A table, in a box that scrolls where it is too wide."""
        titles = "".join(
            f'<th scope="col"{_number(column.is_number)}>{escape(column.title)}</th>'
            for column in table.columns
        )
        rows = "".join(f"<tr>{self._cells(table, row)}</tr>\n" for row in table.rows)
        return (
            f'<div class="wide"><table>\n<thead><tr>{titles}</tr></thead>\n'
            f"<tbody>\n{rows}</tbody>\n</table></div>\n"
        )

    def _cells(self, table: Table, row: list[str]) -> str:
        return "".join(
            f'<td class="{_classes(f"verdict.{cell}" if column.role == "verdict" else column.role)}'
            f'{" number" * (column.is_number and column.role != "number")}">{escape(cell)}</td>'
            for column, cell in zip(table.columns, row, strict=False)
        )

    def entry(self, item: Item) -> str:
        """A text with its title before it, or set in a little."""
        title = f'<span class="name">{escape(item.title)}</span> ' if item.title else ""
        return f'<p class="item">{title}{escape(item.text)}</p>\n'

    def program(self, listing: Listing) -> str:
        """A program with a margin for verdicts."""
        rows = []
        for parts in listing.rows:
            runs = runs_of(parts)
            if parts and isinstance(parts[0], tuple):
                (margin, style), _, (number, _), (line, _) = runs[:4]
                rows.append(
                    f'<tr><td class="{_classes(style)}">{escape(margin.strip())}</td>'
                    f'<td class="aside number">{escape(number.strip())}</td>'
                    f'<td class="code">{escape(line.removeprefix("  "))}</td></tr>\n'
                )
            else:
                words = "".join(_run(run) for run in runs if run[0].strip())
                rows.append(f'<tr><td></td><td></td><td class="remark">{words}</td></tr>\n')
        return f'<div class="wide"><table class="program">\n{"".join(rows)}</table></div>\n'


def escape(text: str) -> str:
    """A text as the content of an element; quotes stay as they are."""
    return html_escape(text, quote=False)


def _classes(role: str) -> str:
    return html_escape(role.replace("verdict.", "verdict ").replace("nothing claimed", "unclaimed"))


def _number(is_number: bool) -> str:
    return ' class="number"' if is_number else ""


def _run(run: Run) -> str:
    text, role = run
    return f'<span class="{_classes(role)}">{escape(text)}</span>' if role else escape(text)


def html(report: EvalReport, look: Look) -> Iterator[str]:
    """An evaluation."""
    page = HtmlPage(look)
    yield _document(
        report.expression or report.output, map(page.drawn, evaluation_parts(report, page))
    )


def html_check(report: CheckReport, look: Look) -> Iterator[str]:
    """A check."""
    page = HtmlPage(look)
    files = dict.fromkeys(case.file for case in report.cases)
    yield _document(
        f"check of {', '.join(files) or 'nothing'}", map(page.drawn, check_parts(report, page))
    )


def html_story(telling: Telling, look: Look) -> Iterator[str]:
    """The story of a backward pass."""
    page = HtmlPage(look)
    yield _document(telling.expression, map(page.drawn, story_parts(telling, page)))


def _document(title: str, parts: Iterable[str]) -> str:
    title = printable(title if len(title) <= LONGEST_TITLE else f"{title[:LONGEST_TITLE]} ...")
    return Template(FILE.read_text("utf-8")).substitute(title=escape(title), body="".join(parts))
