"""The numbers and texts of a report as a reader sees them, before they are laid out."""

from __future__ import annotations

import re
from typing import Any

from gradcli.errors import printable
from gradcli.render.arrays import MOST_WHOLE_IN_ROW, array_text, cell_text, is_large, nested_text
from gradcli.render.circuit.numbers import drawn
from gradcli.render.diagnostic import encodable
from gradcli.render.look import Look
from gradcli.render.rows import InputRow, input_rows
from gradcli.reports.digits import certain_text
from gradcli.reports.evaluations import EvalReport, Number, elements

TABLE_DIGITS, ALL_DIGITS, ARRAY_DIGITS = 12, 17, 6
MOST_OF_EXPRESSION = 240  # characters, to the end of the word; --all lifts it too

# What is never taken apart: a number with its sign, a name, a character.
PIECE = re.compile(r"[-+]?[\w.]+(?:(?<=[eE])[-+][\w.]+)*|.")


class Wording:
    """Writes the parts of a report for one stream; all foreign text passes through `text`."""

    def __init__(self, look: Look) -> None:
        self.look = look

    def text(self, text: str) -> str:
        """Foreign text as this stream can show it."""
        return encodable(printable(text), self.look.out)

    def number(self, number: Number | None, bound: Number | None = None) -> str:
        """A number with as many digits as were asked for and are certain; empty for None."""
        if number is None:
            return ""
        if isinstance(number, list):
            return array_text(number, bound, self.number, self.look.show_all)
        assert not isinstance(bound, list)
        return self._certain(number, bound, TABLE_DIGITS)

    def _certain(self, number: float, bound: float | None, usual: int) -> str:
        """A number with the decimals or digits that were asked for, or as many as is usual."""
        if self.look.decimals is not None:
            return drawn(number, self.look.decimals, bound)
        most = min(self.look.digits or usual, ALL_DIGITS)
        if self.look.verbosity > 0 and self.look.digits is None:
            most = ALL_DIGITS
        if most == ALL_DIGITS and not bound:
            return repr(number).removesuffix(".0")
        return certain_text(number, bound, most)

    def cell(self, number: Number | None, bound: Number | None) -> str:
        """A number in a table; a matrix on several lines, an array's numbers in fewer digits."""
        if not isinstance(number, list):
            return self.number(number, bound)

        def write(element: float, error: float | None) -> str:
            return self._certain(element, error, ARRAY_DIGITS)

        return cell_text(number, bound, write, self.look.show_all)

    def summary(self, number: Number | None, bound: Number | None = None) -> str:
        """An array in a row that stands for all of it."""
        if isinstance(number, list) and not self.look.show_all:
            return array_text(number, bound, self.number, False, MOST_WHOLE_IN_ROW)
        return self.cell(number, bound)

    def value(self, report: EvalReport) -> str:
        """The value: the decimal that was asked for, or its certain digits."""
        if report.decimal is not None:
            return nested_text(report.decimal["value"])
        return self.number(report.value, self.bound(report, report.bound))

    def gradient(
        self, report: EvalReport, name: str, number: Number | None, bound: Number | None
    ) -> str:
        """A gradient: the decimal that was asked for, or its certain digits."""
        if report.decimal is not None and name in report.decimal["gradients"]:
            return str(report.decimal["gradients"][name])
        return self.number(number, self.bound(report, bound))

    def derivative(self, report: EvalReport, block: Number, bounds: Any, decimals: Any) -> str:
        """A block of the Jacobian or the Hessian: decimals, or certain digits."""
        if decimals is not None:
            return nested_text(decimals)
        return self.number(block, self.bound(report, bounds))

    def bound(self, report: EvalReport, bound: Number | None) -> Number | None:
        """The bound that decides on digits; none for a plain sweep that is shown as it is."""
        return None if report.is_plain else bound


def shown_rows(report: EvalReport) -> list[InputRow]:
    """The inputs whose gradients were asked for, large arrays summed up; decimals never are."""
    large = [n for n, x in report.inputs.items() if report.decimal is None and is_large(x)]
    rows = []
    for row in input_rows(report, large):
        if row.gradient is not None:
            rows.append(row)
            if report.decimal is not None and isinstance(row.gradient, list):  # checked as a whole
                parts = zip(elements(row.name, row.value), elements(row.name, row.gradient),
                            strict=True)  # fmt: skip
                rows += [InputRow(name, value, slope, None) for (name, value), (_, slope) in parts]
    return rows


def beginning(expression: str) -> str:
    """MOST_OF_EXPRESSION characters of a longer text, and the rest of the last word."""
    ends = (piece.end() for piece in PIECE.finditer(expression))
    return expression[: next(end for end in ends if end >= MOST_OF_EXPRESSION)]
