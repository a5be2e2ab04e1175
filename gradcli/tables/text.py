"""CSV and its relatives: a row of names, then lines of numbers."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Sequence
from typing import Any, BinaryIO

import numpy as np

from gradcli.errors import FileError
from gradcli.syntax.tokens import is_number_text, out_of_range
from gradcli.tables.lines import Lines
from gradcli.tables.model import Block, Part, Place, Shape, line_error, listed
from gradcli.tables.numbers import lines_of, plain_rows

SEPARATORS = {"csv": ",", "tsv": "\t"}
OTHERS = {"csv": ";", "tsv": ","}  # what a file of that name may have in their place
LONGEST_FIELD = 40  # characters of a field in a message


class TextTable:
    """Lines of fields; an empty field is a missing number, nan."""

    def __init__(
        self, called: str, stream: BinaryIO, form: str, names: Sequence[str] | None, part: Part
    ) -> None:
        self.called = called
        self._lines = Lines(called, stream)
        self._part = part
        self._separator = SEPARATORS[form]
        self.names = self._header(form) if names is None else [*names]
        self.width = len(self.names)
        self.steps = self._lines.steps

    def shape(self, column: int) -> Shape:  # noqa: ARG002  # a field is a number
        """Every field is a number."""
        return ()

    def blocks(self, wanted: Sequence[int]) -> Iterator[Block]:
        """Blocks of rows; plain ones quickly, others field by field."""
        for text, line in self._lines.blocks(self._part):
            rows = plain_rows(self._with_commas(text), self.width)
            if rows is None:
                yield self._slow_block(text, line, wanted)
            else:
                yield Block([rows[:, k] for k in wanted], self._place(line))

    def _place(self, line: int) -> Place:
        return lambda row: f"{self.called}:{line + row}"

    def _with_commas(self, text: bytes) -> bytes:
        if self._separator == ",":
            return text
        return b'"' if b"," in text else text.replace(self._separator.encode(), b",")

    def _header(self, form: str) -> list[str]:
        """The names of the first line. Raises FileError."""
        hint = "its first line names the columns: x,y"
        if self._lines.is_empty:
            raise FileError(f"{self.called} is empty", hint=hint)
        line = self._lines.first_line().removeprefix("#").strip("\r ")
        if not line.strip():
            raise FileError(f"{self.called}, line 1: the row of names is empty", hint=hint)
        if self._separator not in line and OTHERS[form] in line:
            self._separator = OTHERS[form]
        try:
            (cells,) = csv.reader([line], delimiter=self._separator, skipinitialspace=True)
        except csv.Error as trouble:
            raise FileError(f"{self.called}, line 1: {trouble}") from None
        names = [cell.strip() for cell in cells]
        if line.startswith("{"):
            raise FileError(f"{self.called}, line 1: a row of JSON, not of names",
                            hint="--points-format jsonl reads it")  # fmt: skip
        if all(map(is_number_text, names)):
            raise FileError(f"{self.called}, line 1: the row of names is missing",
                            hint="write --names x,y with a name for each column")  # fmt: skip
        twice = [name for k, name in enumerate(names) if name in names[:k]]
        if twice:
            raise FileError(f"{self.called}, line 1: two columns are named {listed(twice)}")
        return names

    def _slow_block(self, block: bytes, first: int, wanted: Sequence[int]) -> Block:
        """Rows whose fields are read one by one. Raises FileError at the first that is wrong."""
        text = self._lines.decoded(block, first)
        reader = csv.reader(io.StringIO(text, newline=""), delimiter=self._separator)
        rows: list[list[float]] = []
        lines: list[int] = []
        try:
            for fields in reader:
                line = first + reader.line_num - 1
                if not fields or (len(fields) == 1 < self.width and not fields[0].strip()):
                    continue
                if len(fields) != self.width:
                    raise self._wrong_count(line, fields)
                rows.append([self._number(line, fields, k) for k in wanted])
                lines.append(line)
        except csv.Error as trouble:
            raise FileError(f"{self.called}, line {first + reader.line_num - 1}: "
                            f"{trouble}") from None  # fmt: skip
        table = np.array(rows, dtype=float).reshape(len(rows), len(wanted))
        return Block([*table.T], lambda row: f"{self.called}:{lines[row]}")

    def _wrong_count(self, line: int, fields: list[str]) -> FileError:
        text = self._separator.join(fields)
        return line_error(self.called, line, text, 1,
                          f"expected {self.width} fields, found {len(fields)}",
                          f"the columns are {listed(self.names)}")  # fmt: skip

    def _number(self, line: int, fields: list[str], k: int) -> float:
        field = fields[k].strip()
        if not field:
            return np.nan
        try:
            number = float(field) if "_" not in field else None
        except ValueError:
            number = None
        if number is None:
            raise self._field_error(line, fields, k, *_expected(field))
        trouble = out_of_range(field, number)
        if trouble is not None:
            raise self._field_error(line, fields, k, *trouble)
        return number

    def _field_error(
        self, line: int, fields: list[str], k: int, message: str, hint: str | None
    ) -> FileError:
        column = len(self._separator.join([*fields[:k], ""])) + 1
        text = self._separator.join(fields)
        return line_error(self.called, line, text, column,
                          f"column `{self.names[k]}`: {message}", hint)  # fmt: skip


def _expected(field: str) -> tuple[str, str | None]:
    """The words for a field that is no number, and what to write."""
    shown = field if len(field) <= LONGEST_FIELD else f"{field[:LONGEST_FIELD]}..."
    hint = None
    if is_number_text(field.replace(",", "")):
        hint = (
            f"write {field.replace(',', '.') if field.count(',') == 1 else field.replace(',', '')}"
        )
    elif field.lower() in ("na", "n/a", "null", "none", "-", "?"):
        hint = "leave the field of a missing number empty"
    return f"expected a number, found `{shown}`", hint


class TextResults:
    """Writes a row of names, then rows."""

    def __init__(self, file: BinaryIO, names: Sequence[str], form: str) -> None:
        self._file = file
        self._separator = SEPARATORS[form].encode()
        file.write(self._separator.join([name.encode() for name in names]) + b"\n")

    def put(self, rows: Any) -> None:
        """Write rows, (count, columns)."""
        self._file.write(lines_of(rows, self._separator))

    def finish(self) -> None:
        """Nothing is left to write."""

    abandon = finish
