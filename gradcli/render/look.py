"""Where a report goes, and how it shall look there."""

from __future__ import annotations

from typing import TextIO


class Look:
    """Where a report goes, and how it shall look there."""

    __slots__ = ("color", "out", "show_all", "verbosity")

    def __init__(
        self, out: TextIO, color: str = "auto", verbosity: int = 0, show_all: bool = False
    ) -> None:
        self.out = out
        self.color = color  # auto, always or never
        self.verbosity = verbosity  # -1 is quiet, 1 shows all digits
        self.show_all = show_all
