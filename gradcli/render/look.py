"""Where a report goes, and how it shall look there."""

from __future__ import annotations

from typing import TextIO


class Look:
    """Where a report goes, and how it shall look there."""

    __slots__ = (
        "color", "decimals", "digits", "is_for_spreadsheet", "out", "show_all", "theme",
        "verbosity",
    )  # fmt: skip

    def __init__(
        self, out: TextIO, color: str = "auto", verbosity: int = 0, show_all: bool = False,
        decimals: int | None = None, theme: str = "auto", is_for_spreadsheet: bool = False,
        digits: int | None = None,
    ) -> None:  # fmt: skip
        self.out = out
        self.color = color  # auto, always or never
        self.verbosity = verbosity  # -1 is quiet, 1 shows all digits
        self.show_all = show_all
        self.decimals = decimals  # of numbers in pictures; None: all that are certain
        self.digits = digits  # of numbers in tables; None: as many as each usually has
        self.is_for_spreadsheet = is_for_spreadsheet  # of CSV: no cell is taken for a formula
        self.theme = theme  # of pictures: light, dark, or auto where the format can change
