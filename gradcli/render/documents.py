"""What reports for people are made of, for formats that are no terminal: LaTeX and HTML.

The parts of a report are those of the table on a terminal, from the very functions that draw it;
here they are kept as they are, and each format says how a sentence, a table, a program with its
margin and an item are written.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Container, Iterator
from typing import Any, NamedTuple

from rich.console import RenderableType
from rich.text import Text

from gradcli.errors import printable
from gradcli.render.lines import Parts, fork_rows, listing
from gradcli.render.look import Look
from gradcli.render.table import FORK, UNLIMITED, Columns, Page
from gradcli.reports.lines import Fork, LineCheck

Run = tuple[str, str]  # a text, and the role that gives it its style


class Table(NamedTuple):
    """A table: its columns, and rows of cells."""

    columns: Columns
    rows: list[list[str]]


class Item(NamedTuple):
    """A text with a title beside it."""

    title: str
    text: str


class Listing(NamedTuple):
    """A program with a margin: (verdict, line number, text) of a line, or a remark beneath it."""

    rows: list[Parts]


class DocumentPage(ABC, Page):
    """A page that keeps its parts; a subclass writes them."""

    def __init__(self, look: Look) -> None:
        super().__init__(look)
        self.width = UNLIMITED

    def text(self, text: str) -> str:
        """Foreign text without what could be taken for a command of a terminal."""
        return printable(text)

    def item(self, title: str, text: str, margin: int) -> Any:  # noqa: ARG002  # of a terminal
        """A title and a text beside it."""
        return Item(title, text)

    def block(self, columns: Columns, rows: list[list[str]], head: int) -> Any:  # noqa: ARG002
        """A table as it is."""
        return Table(columns, rows)

    def backward_part(
        self, text: str, lines: list[LineCheck], forks: list[Fork],
        shown: Container[int] | None = None,
    ) -> Iterator[Any]:  # fmt: skip
        """A program with its margin, then the fork table."""
        is_long = self.look.verbosity > 0
        yield Listing([row for _, row in listing(text, lines, self.number, is_long, shown)])
        if forks:
            yield Table(FORK, [[*row] for row in fork_rows(forks, self.number)])

    def drawn(self, part: RenderableType | Table | Item | Listing) -> str:
        """A part as text of the format."""
        if isinstance(part, Text):
            return self.paragraph(runs(part))
        if isinstance(part, Table):
            return self.tabular(part)
        if isinstance(part, Item):
            return self.entry(part)
        if isinstance(part, Listing):
            return self.program(part)
        return self.paragraph([(str(part), "")]) if part else ""

    @abstractmethod
    def paragraph(self, text: list[Run]) -> str:
        """A sentence."""

    @abstractmethod
    def tabular(self, table: Table) -> str:
        """A table."""

    @abstractmethod
    def entry(self, item: Item) -> str:
        """A title and a text."""

    @abstractmethod
    def program(self, listing: Listing) -> str:
        """A program with verdicts in its margin."""


def runs(text: Text) -> list[Run]:
    """A styled text as its parts."""
    found: list[Run] = []
    at = 0
    for span in sorted(text.spans, key=lambda span: span.start):
        if span.start > at:
            found.append((text.plain[at : span.start], ""))
        found.append((text.plain[max(at, span.start) : span.end], str(span.style)))
        at = max(at, span.end)
    if at < len(text.plain):
        found.append((text.plain[at:], str(text.style) if not at else ""))
    return found


def runs_of(parts: Parts) -> list[Run]:
    """The parts of a line as runs."""
    return [(part, "") if isinstance(part, str) else part for part in parts]
