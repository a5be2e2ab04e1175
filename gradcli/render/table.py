"""A report for people: tables in colour, and no number ever cut.

Rich draws, but the layout is ours, because rich makes a table fit by cutting what is in it. So rich
is told that there is room without end, and each block of the report takes the first of these forms
that fits the width there really is: a table; a table whose expressions are folded; a stack, which
has the rows one after the other and each number on a line of its own.
"""

from __future__ import annotations

import math
import os
import re
from collections.abc import Container, Iterator
from typing import Any, Literal, TextIO

from rich.box import SIMPLE_HEAD, Box
from rich.cells import cell_len
from rich.console import Console, RenderableType
from rich.table import Table
from rich.text import Text
from rich.theme import Theme

from gradcli.render.arrays import MOST_WHOLE_IN_ROW
from gradcli.render.chain import LOCAL, PRODUCT, local_lines, product_lines
from gradcli.render.lines import fork_rows, listing
from gradcli.render.look import Look
from gradcli.render.rows import InputRow, blocks
from gradcli.render.styles import STYLES
from gradcli.render.wording import MOST_OF_EXPRESSION, PIECE, Wording, beginning, shown_rows
from gradcli.reports.evaluations import (
    VERDICTS,
    EvalReport,
    InputCheck,
    Stage,
)
from gradcli.reports.grades import GradeReport
from gradcli.reports.lines import Fork, LineCheck

ASCII_HEAD = Box("    \n    \n -- \n" + "    \n" * 5, ascii=True)
UNLIMITED = 10**9  # cells
NARROWEST = 16  # cells; expressions are not folded further
MOST_TROUBLES = 5  # reasons beneath Jacobians and Hessians
MOST_STAGES = 200
MOST_INPUTS = 200

_WORD = re.compile(r"\S+ *| +")


class Column:
    """A column of a block: its title, and the role that gives its cells their style."""

    __slots__ = ("role", "title")

    def __init__(self, title: str, role: str) -> None:
        self.title = title
        self.role = role

    @property
    def is_number(self) -> bool:
        """Whether the cells are numbers; they stand flush right."""
        return self.role in ("value", "gradient", "error", "number", "claim")

    def styled(self, cell: str, verdict: str) -> Text:
        """A cell in the style of its role, in a row with a verdict: it has a style of its own."""
        is_of_verdict = self.role == "verdict" or (self.role == "claim" and verdict == "fail")
        return Text(cell, f"verdict.{verdict}" if is_of_verdict else self.role)


Columns = tuple[Column, ...]
Part = RenderableType  # of a report: a sentence, a table, a blank line

STAGE = (
    Column("stage", "name"),
    Column("gate", "gate"),
    Column("expression", "expression"),
    Column("value", "value"),
    Column("gradient", "gradient"),
)
UNCHECKED = (Column("input", "name"), Column("value", "value"), Column("gradient", "gradient"))
CHECKED = (
    Column("input", "name"),
    Column("value", "value"),
    Column("analytic", "number"),
    Column("numeric", "number"),
    Column("rel. error", "error"),
    Column("verdict", "verdict"),
)


FORK = (
    Column("name", "name"),
    Column("from", "name"),
    Column("line", "error"),
    Column("contribution", "number"),
    Column("expected", "number"),
)
GRADES = (Column("answer", "name"), Column("right", "error"), Column("mistakes", "expression"))
MISTAKES_MADE = (
    Column("mistake", "name"),
    Column("answers", "error"),
    Column("lines", "error"),
)
CHAIN = (Column(LOCAL, "chain"), Column(PRODUCT, "chain"))
CONDITION = Column("condition", "error")
CERTAIN_DIGITS = Column("digits", "error")
CLAIMED = (*CHECKED[:2], Column("claim", "claim"), *CHECKED[2:])


def table(report: EvalReport, look: Look) -> Iterator[str]:
    """The report as text in colour, laid out for the width of the stream."""
    page = Page(look)
    for part in evaluation_parts(report, page):
        yield page.drawn(part)


def evaluation_parts(report: EvalReport, page: Page) -> Iterator[RenderableType]:
    """The parts of the report, in order; a page draws them."""
    return _brief(report, page) if page.look.verbosity < 0 else _full(report, page)


def grade_table(report: GradeReport, look: Look) -> Iterator[str]:
    """Answers with their scores, then how often each mistake was made."""
    page = Page(look)
    rows = [
        [page.text(g.file), f"{g.right} of {g.asked}", page.text(g.shortcomings)]
        for g in report.grades
    ]
    yield page.drawn(page.block(GRADES, rows, head=1))
    if report.mistakes:
        counts = [[name, str(a), str(n)] for name, (a, n) in report.mistakes.items()]
        yield page.drawn("")
        yield page.drawn(page.block(MISTAKES_MADE, counts, head=1))


def _brief(report: EvalReport, page: Page) -> Iterator[RenderableType]:
    yield Text.assemble("value = ", (page.value(report), "value"))
    for row in shown_rows(report):
        yield Text.assemble(
            (f"d{page.text(row.name)}", "name"), " = ",
            (page.gradient(report, row.name, row.gradient, row.bound), "gradient"),
        )  # fmt: skip
    yield from _derivatives(report, page)


def _full(report: EvalReport, page: Page) -> Iterator[RenderableType]:
    value = page.value(report)
    named = report.expression or report.output
    if report.expression and not report.output.startswith(("#", report.expression)):
        named = f"{report.output} = {report.expression}"
    yield page.sentence((named, "expression"), " = ", (value, "value"))
    if report.stages:
        stages = _chosen(report, page.look.show_all)
        yield ""
        is_long = page.look.verbosity > 0 and any(s.bound is not None for s in stages)
        titles = (*STAGE, *CHAIN * report.has_links, *(CERTAIN_DIGITS,) * is_long)
        yield page.block(titles, [page.stage(s, report, is_long) for s in stages], head=3)
        if left_out := len(report.stages) - len(stages):
            yield page.sentence((f"... {left_out} more stages (--all shows them)", "aside"))
    if report.lines:
        yield from page.backward_part(report.text, report.lines, report.forks)
    if report.inputs:
        rows = shown_rows(report)
        claims = any(row.check and row.check.claim is not None for row in rows)
        columns = CLAIMED if claims else CHECKED if report.check else UNCHECKED
        is_long = page.look.verbosity > 0 and report.conditions is not None
        columns = (*columns, CONDITION) if is_long else columns
        shown = _worst_rows(rows, page.look.show_all)
        if rows:
            yield ""
            yield page.block(
                columns, [page.input(row, report, claims, is_long) for row in shown], head=1
            )
        if left_out := len(rows) - len(shown):
            yield page.sentence((f"... {left_out} more inputs (--all shows them)", "aside"))
    if report.jacobian or report.hessian:
        yield ""
    yield from _derivatives(report, page)
    checks = [*report.check.inputs.values()] if report.check else []
    checks += _troubles(report)
    reasons = [((check.name, "name"), f": {check.reason}") for check in checks if check.reason]
    notes = [(("note", "aside"), f": {note}") for note in report.notes]
    if reasons or notes:
        yield ""
    for line in (*reasons, *notes):
        yield page.sentence(*line)


def _troubles(report: EvalReport) -> list[InputCheck]:
    """The entries that are wrong or not decided, some of them; the notes speak of kinks."""
    parts = [part.entries for part in (report.jacobian_check, report.hessian_check) if part]
    checks = [check for entries in parts for check in entries.values()]
    return [c for c in checks if c.verdict in ("fail", "inconclusive")][:MOST_TROUBLES]


def _derivatives(report: EvalReport, page: Page) -> Iterator[RenderableType]:
    """Jacobians and second derivatives, a line each; a remark where a bound is missing."""
    for kind, names, block, bounds, decimals, verdict in blocks(report):
        doubt = " (digits not certified)" if bounds is None and not report.is_plain else ""
        label = f"{kind} by {' and '.join(names)}{doubt}"
        text = page.derivative(report, block, bounds, decimals)
        yield page.sentence((label, "name"), f" = {text}", *page.verdict(verdict))


def _chosen(report: EvalReport, show_all: bool) -> list[Stage]:
    """The stages to show, the output last; if there are too many, the named ones before others."""
    stages = sorted(report.stages, key=lambda stage: stage.name == report.output)
    if show_all or len(stages) <= MOST_STAGES:
        return stages
    last = len(stages) - 1
    ranked = sorted(range(len(stages)), key=lambda k: (k != last, not stages[k].is_named))
    return [stages[k] for k in sorted(ranked[:MOST_STAGES])]


def _worst_rows(rows: list[InputRow], show_all: bool) -> list[InputRow]:
    """The inputs to show, in order; if there are too many, those with the worst verdicts."""
    if show_all or len(rows) <= MOST_INPUTS:
        return rows
    badness = [VERDICTS.index(row.check.verdict) if row.check else 0 for row in rows]
    ranked = sorted(range(len(rows)), key=lambda k: -badness[k])
    return [rows[k] for k in sorted(ranked[:MOST_INPUTS])]


class _Console(Console):
    def on_broken_pipe(self) -> None:
        """Leave the exit code to the caller; rich itself ends the process with 1."""
        raise BrokenPipeError


class Page(Wording):
    """Draws the blocks of a report for one stream."""

    def __init__(self, look: Look) -> None:
        super().__init__(look)
        self.width = _width(look.out)
        self.console = _Console(
            file=look.out, width=UNLIMITED, height=25, theme=Theme(STYLES), highlight=False,
            markup=False, emoji=False, force_jupyter=False, **_COLOR[look.color],
        )  # fmt: skip

    def drawn(self, part: RenderableType) -> str:
        """A part as text, without the blanks at the ends of lines."""
        with self.console.capture() as captured:
            self.console.print(part, soft_wrap=True)
        return "\n".join(line.rstrip() for line in captured.get().split("\n"))

    def verdict(self, words: str) -> list[str | tuple[str, str]]:
        """The verdicts on a block, behind its numbers; none where little is to be said."""
        if not words or self.look.verbosity < 0:
            return []
        worst = words.split(",", maxsplit=1)[0].rsplit(maxsplit=1)[-1]
        return ["  ", (words, f"verdict.{worst}")]

    def stage(self, stage: Stage, report: EvalReport, is_long: bool = False) -> list[str]:
        """The cells of a stage."""
        name, label, expression = map(self.text, (stage.name, stage.label, stage.expression))
        if len(expression) > MOST_OF_EXPRESSION and not self.look.show_all:
            expression = f"{beginning(expression).rstrip()} ..."
        value = self.cell(stage.value, self.bound(report, stage.bound))
        gradient = self.cell(stage.gradient, self.bound(report, stage.gradient_bound))
        certain = [] if not is_long else ["" if stage.digits is None else str(stage.digits)]
        return [name, label, expression, value, gradient, *self.chain(stage, report), *certain]

    def chain(self, stage: Stage, report: EvalReport) -> list[str]:
        """The cells of the chain rule at a stage, a line for each operand."""
        if stage.links is None:
            return []

        def write(number: float, bound: float | None) -> str:
            return self.number(number, self.bound(report, bound))

        most = math.inf if self.look.show_all else MOST_WHOLE_IN_ROW
        texts = (lines(stage, write, self.text, most) for lines in (local_lines, product_lines))
        return ["\n".join(lines) for lines in texts]

    def input(
        self, row: InputRow, report: EvalReport, claims: bool = False, is_long: bool = False
    ) -> list[str]:
        """The cells of an input, as many as are known; with a claim where some input has one."""
        is_whole = row.check is not None and bool(row.check.directions)
        gradient = self.gradient(report, row.name, row.gradient, row.bound)
        cells = [self.text(row.name), self.number(row.value), gradient]
        if is_whole or isinstance(row.value, list):
            slope = self.summary(row.gradient, self.bound(report, row.bound))
            cells[1:] = [self.summary(row.value), slope]
        if claims and row.check is not None:
            cells.insert(2, "" if is_whole else self.number(row.check.claim))
        known = (report.conditions or {}).get(row.name)
        condition = [] if not is_long else ["" if known is None else f"{known:.3g}"]
        if row.check is None:
            return [*cells, *condition]
        error = row.check.relative_error
        numeric = self.number(row.check.numeric, row.check.bound or None)
        if is_whole:
            numeric = f"{row.check.directions} directions"
        numbers = numeric, "" if error is None else f"{error:.2g}"
        return [*cells, *numbers, row.check.spoken, *condition]

    def sentence(self, *parts: str | tuple[str, str], column: int = 0) -> Text:
        """A line of parts and their styles, folded between words where it is too long.

        What does not fit stands under a column, or a little to the right.
        """
        pairs = ((part, "") if isinstance(part, str) else part for part in parts)
        text = Text.assemble(*((self.text(part), style) for part, style in pairs))
        if not column or self.width - column < NARROWEST:
            return _folded(text, self.width, indent=2)
        head, rest = text.divide([column])
        lines = _folded(rest, self.width - column).split()
        return Text.assemble(head, Text("\n" + " " * column).join(lines))

    def item(self, title: str, text: str, margin: int) -> Text:
        """A title in a margin, and beside it a text whose further lines stand under its first."""
        indent = margin + 4
        lines = Text(self.text(text)).divide(_breaks(text, max(NARROWEST, self.width - indent)))
        beside = Text("\n" + " " * indent).join(lines)
        return Text.assemble((f"  {title:{margin}}  ", "aside"), beside)

    def backward_part(
        self, text: str, lines: list[LineCheck], forks: list[Fork],
        shown: Container[int] | None = None,
    ) -> Iterator[RenderableType]:  # fmt: skip
        """A program with a verdict beside each gradient line, then the fork table."""
        yield ""
        for column, parts in listing(text, lines, self.number, self.look.verbosity > 0, shown):
            yield self.sentence(*parts, column=column)
        if forks:
            rows = [[self.text(cell) for cell in row] for row in fork_rows(forks, self.number)]
            yield ""
            yield self.block(FORK, rows, head=2)

    def block(self, columns: Columns, rows: list[list[str]], head: int) -> RenderableType:
        """The rows in the first form that fits; `head` columns begin a stacked row."""
        of_verdict = next((k for k, c in enumerate(columns) if c.role == "verdict"), len(columns))
        cells = []
        for row in rows:
            verdict = row[of_verdict].partition(" ")[0] if of_verdict < len(row) else ""
            cells.append([c.styled(x, verdict) for c, x in zip(columns, row, strict=False)])
        grid = self.grid(columns, cells, UNLIMITED)
        excess = self.excess(grid)
        if excess > 0:
            lengths = (c.cell_len for row in cells for c in row if c.style == "expression")
            grid = self.grid(columns, cells, max(NARROWEST, max(lengths, default=0) - excess))
            excess = self.excess(grid)
        return grid if excess <= 0 else self.stack(columns, cells, head)

    def grid(self, columns: Columns, rows: list[list[Text]], room: int) -> Table:
        """A table whose expressions are folded to the room they have."""
        grid = Table(
            box=ASCII_HEAD if self.console.options.ascii_only else SIMPLE_HEAD, show_edge=False,
            pad_edge=False, collapse_padding=True, header_style="aside", border_style="aside",
        )  # fmt: skip
        for column in columns:
            justify: Literal["left", "right"] = "right" if column.is_number else "left"
            grid.add_column(Text(column.title), justify=justify, no_wrap=True, overflow="fold")
        for row in rows:
            grid.add_row(*(_folded(c, room) if c.style == "expression" else c for c in row))
        return grid

    def excess(self, grid: Table) -> int:
        """How many cells a table is wider than the stream."""
        if self.width == UNLIMITED:
            return 0  # rich need not measure what always fits
        return self.console.measure(grid).maximum - self.width

    def stack(self, columns: Columns, rows: list[list[Text]], head: int) -> Text:
        """The rows one after the other, each of their numbers on a line of its own."""
        margin = max(len(column.title) for column in columns[head:])
        lines = []
        for row in rows:
            lines.append(_folded(Text("  ").join(row[:head]), self.width, indent=2))
            for column, cell in zip(columns[head:], row[head:], strict=False):
                for k, line in enumerate(cell.split("\n") if cell else ()):
                    title = "" if k else column.title
                    lines.append(Text(f"  {title:{margin}}  ", "aside") + line)
        return Text("\n").join(lines)


_COLOR: dict[str, dict[str, Any]] = {
    "auto": {},  # NO_COLOR, FORCE_COLOR and TERM are left to rich
    "always": {"force_terminal": True, "no_color": False, "color_system": "standard"},
    "never": {"force_terminal": False, "no_color": True, "color_system": None},
}


def _width(out: TextIO) -> int:
    """The cells of a line: COLUMNS, else those of the terminal; elsewhere without limit."""
    if not out.isatty() and not os.environ.get("COLUMNS"):
        return UNLIMITED
    from shutil import get_terminal_size  # late: it loads every packer

    return get_terminal_size((80 if out.isatty() else UNLIMITED, 25)).columns


def _folded(text: Text, width: int, indent: int = 0) -> Text:
    """The text on as many lines as it takes; words are kept whole, and numbers always."""
    if cell_len(text.plain) <= width:
        return text
    lines = text.divide(_breaks(text.plain, width - indent))
    for line in lines:
        line.rstrip()
    return Text("\n" + " " * indent).join(lines)


def _breaks(text: str, width: int) -> Iterator[int]:
    """The offsets where a new line begins."""
    offset = column = 0
    for piece in _pieces(text, width):
        if column and piece.strip() and column + cell_len(piece.rstrip()) > width:
            yield offset
            column = 0
        column += cell_len(piece)
        offset += len(piece)


def _pieces(text: str, width: int) -> Iterator[str]:
    for word in _WORD.findall(text):
        if cell_len(word.rstrip()) <= width:
            yield word
        else:
            yield from PIECE.findall(word)
