"""Files of lines, read in blocks of whole lines that know where they stand."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import BinaryIO

from gradcli.errors import FileError, LimitError, UsageError
from gradcli.tables.model import BLOCK_BYTES, WHOLE, Part
from gradcli.tables.numbers import line_ends

BOM = b"\xef\xbb\xbf"
WIDE_BOMS = (b"\xff\xfe", b"\xfe\xff")  # of UTF-16
MOST_BYTES = 2**24  # of one line
COUNTED = 2**20  # bytes at a time


class Lines:
    """A stream of lines that end in LF, CRLF or CR."""

    def __init__(self, called: str, stream: BinaryIO) -> None:
        self.called = called
        self._stream = stream
        self._ahead = stream.read(BLOCK_BYTES)
        if self._ahead.startswith(WIDE_BOMS):
            raise FileError(f"{called} is not UTF-8", hint="save it as UTF-8")
        self._offset = len(BOM) * self._ahead.startswith(BOM)  # where `_ahead` begins in the file
        self._ahead = self._ahead[self._offset :]
        self._has_only_cr = b"\r" in self._ahead and b"\n" not in self._ahead
        self._line = 1
        self._tidy()

    @property
    def steps(self) -> int | None:
        """About how many blocks there are."""
        size = self._size()
        return None if size is None else 1 + size // BLOCK_BYTES

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing at all."""
        return not self._ahead

    def first_line(self) -> str:
        """The first line, which is then behind us. Raises FileError, LimitError."""
        while b"\n" not in self._ahead and self._read_on():
            pass
        line, end, self._ahead = self._ahead.partition(b"\n")
        self._offset += len(line) + len(end)
        self._line += 1
        return self.decoded(line, 1)

    def peek(self) -> bytes:
        """The first line that is not blank, without going on; nothing in an empty file."""
        while b"\n" not in self._ahead.lstrip() and self._read_on():
            pass
        return self._ahead.lstrip().partition(b"\n")[0]

    def blocks(self, part: Part = WHOLE) -> Iterator[tuple[bytes, int]]:
        """Blocks of whole lines, each ended, with the number of their first line."""
        rest = self._begin(part) if part.total > 1 else None
        while True:
            cut = self._ahead.rfind(b"\n") + 1
            if rest is not None and cut > rest:
                cut = rest
            if cut:
                block, self._ahead = self._ahead[:cut], self._ahead[cut:]
                yield block, self._line
                self._line += line_ends(block)
                rest = None if rest is None else rest - cut
            if rest == 0:
                return
            if not self._read_on():
                if self._ahead:
                    yield self._ahead + b"\n", self._line
                return

    def decoded(self, text: bytes, line: int) -> str:
        """Bytes of the file as text. Raises FileError."""
        try:
            return text.decode()
        except UnicodeDecodeError as trouble:
            at = line + text.count(b"\n", 0, trouble.start)
            raise FileError(f"{self.called}, line {at}: this is not UTF-8",
                            hint="save it as UTF-8") from None  # fmt: skip

    def _read_on(self) -> bool:
        """Read more; false at the end. Raises LimitError for a line without an end."""
        if len(self._ahead) > MOST_BYTES:
            raise LimitError(f"{self.called}, line {self._line} is longer than "
                             f"{MOST_BYTES // 2**20} MiB")  # fmt: skip
        more = self._stream.read(BLOCK_BYTES)
        self._ahead += more
        self._tidy()
        return bool(more)

    def _tidy(self) -> None:
        if self._has_only_cr:
            self._ahead = self._ahead.replace(b"\r", b"\n")

    def _size(self) -> int | None:
        try:
            return os.fstat(self._stream.fileno()).st_size if self._stream.seekable() else None
        except OSError:  # a stream that is no file
            return None

    def _begin(self, part: Part) -> int:
        """Go to the part's first line; tells how many bytes it has, whole lines."""
        size = self._size()
        if size is None:
            raise UsageError("--shard needs a file, whose size is known")
        first, last = (self._line_start(at, size) for at in part.of(size - self._offset))
        self._line += self._lines_before(first)
        self._stream.seek(first)
        self._ahead = b""
        return last - first

    def _line_start(self, at: int, size: int) -> int:
        """The start of the first line that does not begin before a place behind the header."""
        place = self._offset + at
        if not at or place >= size:
            return min(place, size)
        self._stream.seek(place - 1)
        while piece := self._stream.read(COUNTED):
            found = min((k for k in map(piece.find, self._ends()) if k >= 0), default=-1)
            if found >= 0:
                return self._stream.tell() - len(piece) + found + 1
        return size

    def _ends(self) -> tuple[bytes, ...]:
        return (b"\r",) if self._has_only_cr else (b"\n",)

    def _lines_before(self, end: int) -> int:
        """How many lines end between the header and a place."""
        self._stream.seek(self._offset)
        count, left = 0, end - self._offset
        while left and (piece := self._stream.read(min(COUNTED, left))):
            count += sum(map(piece.count, self._ends()))
            left -= len(piece)
        return count
