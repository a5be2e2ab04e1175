"""What every format of tables has in common: blocks of rows, their places, parts of a table."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any, Protocol

from gradcli.errors import FileError, Span, UsageError
from gradcli.named_tuples import NamedTuple
from gradcli.requests import whole_number

BLOCK_ROWS = 8192  # of formats that count rows
BLOCK_BYTES = 2**18  # of texts: some 8,000 rows of two numbers
LONGEST_SHOWN = 200  # characters of a line in a message
MOST_NAMED = 12  # columns in a hint

Shape = tuple[int, ...]
Place = Callable[[int], str]


class Block(NamedTuple):
    """Rows of some columns: float64 arrays whose first axis are the rows."""

    columns: list[Any]
    place: Place  # where a row of the block stands, in words: `points.csv:17`


class Table(Protocol):
    """A table that is read once, from the front to the back."""

    @property
    def called(self) -> str:
        """What messages call the table."""

    @property
    def names(self) -> list[str] | None:
        """The names of the columns; None where the format has none."""

    @property
    def width(self) -> int:
        """How many columns there are."""

    @property
    def steps(self) -> int | None:
        """About how many blocks there are; None where nobody knows."""

    def shape(self, column: int) -> Shape:
        """The shape of what a row has in a column; () is a number."""

    def blocks(self, wanted: Sequence[int]) -> Iterator[Block]:
        """The rows of some columns, by their places. Raises FileError."""


class Part(NamedTuple):
    """One of several parts of a table, which together are the whole."""

    number: int  # from 0
    total: int

    def of(self, size: int) -> tuple[int, int]:
        """From where to where the part goes in a thing of some size."""
        return size * self.number // self.total, size * (self.number + 1) // self.total


WHOLE = Part(0, 1)


def part_of(text: str) -> Part:
    """The part `I/N` of a table, from 1/N to N/N. Raises UsageError.

    >>> part_of("2/4")
    Part(number=1, total=4)
    """
    number, count = (whole_number(side) for side in (text.partition("/")[::2]))
    if number and count and number <= count:
        return Part(number - 1, count)
    raise UsageError(f"`{text}` is no part of a file",
                     hint="write --shard I/N, with I from 1 to N")  # fmt: skip


def names_of(text: str) -> list[str]:
    """The names of `--names x,y`. Raises UsageError."""
    names = [name.strip() for name in text.split(",")]
    if not all(names) or len({*names}) != len(names):
        raise UsageError(f"`{text}` does not name columns", hint="write --names x,y")
    return names


def row_place(called: str, first: int) -> Place:
    """Places of formats without lines: rows, counted from 1."""
    return lambda row: f"{called}: row {first + row + 1}"


def line_error(
    called: str, line: int, text: str, column: int, message: str, hint: str | None = None
) -> FileError:
    """An error at a column of a line that is somewhere in a file; both are counted from 1."""
    start = max(0, column - LONGEST_SHOWN)
    shown = text[start : start + 2 * LONGEST_SHOWN].rstrip("\r\n")
    whole = "\n" * (line - 1) + shown
    return FileError(message, Span(called, whole, line - 1 + min(column - 1 - start, len(shown))),
                     hint)  # fmt: skip


def listed(names: Sequence[str]) -> str:
    """Names in a message, the first dozen of them."""
    shown = [f"`{name}`" for name in names[:MOST_NAMED]]
    return ", ".join([*shown, *["..."] * (len(names) > MOST_NAMED)])
