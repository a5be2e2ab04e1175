"""Charts in characters: curves over two axes, each curve with a mark and a role of its own."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from fractions import Fraction
from typing import NamedTuple

Piece = tuple[str, str]  # text and its role

FRAME = {"side": "│", "tick": "┤", "corner": "└", "floor": "─", "mark": "┬"}
ASCII_FRAME = {"side": "|", "tick": "+", "corner": "+", "floor": "-", "mark": "+"}
TICKS_APART = 3  # rows between the numbers of the upright axis
NUMBERS_APART = 12  # columns between those of the level one
MOST_SEEN = 8e307  # of a curve, so that margins have room
EDGE, POLE = 0.05, 0.5  # the part of points at both ends that may be far out, and how far
NEARLY = Fraction(1, 10**9)  # exact, as are places: two ends of an axis may be all of float64 apart
STEPS_OF_TICKS = (1, 2, 5, 10)  # what the distance of ticks may begin with


class Curve(NamedTuple):
    """Points with one mark; those that are not on the axes are left out."""

    mark: str
    role: str
    points: Sequence[tuple[float, float]]


class Axis(NamedTuple):
    """The range of a coordinate."""

    low: float
    high: float
    is_log: bool = False

    def place(self, x: float) -> float | None:
        """Where a number is, from 0 at the low end to 1 at the high one; None if outside."""
        if not math.isfinite(x) or (self.is_log and x <= 0):
            return None
        low, high, at = (
            map(Fraction, map(math.log10, (self.low, self.high, x)))
            if self.is_log
            else map(Fraction, (self.low, self.high, x))
        )
        share = (at - low) / (high - low)
        return float(share) if -NEARLY <= share <= 1 + NEARLY else None

    def ticks(self, most: int) -> list[float]:
        """Round numbers on the axis, at most so many."""
        if self.is_log:
            first, last = math.ceil(math.log10(self.low)), math.floor(math.log10(self.high))
            decades = max(1, math.ceil((last - first + 1) / max(1, most)))
            return [10.0**k for k in range(first, last + 1) if k % decades == 0]
        low, high = Fraction(self.low), Fraction(self.high)
        rough = (high - low) / max(1, most - 1)
        order = math.floor(math.log10(rough.numerator) - math.log10(rough.denominator))
        power = Fraction(10) ** order
        step = next(power * k for k in STEPS_OF_TICKS if power * k >= rough * (1 - NEARLY))
        first, last = math.ceil(low / step - NEARLY), math.floor(high / step + NEARLY)
        return [float(k * step) for k in range(first, last + 1)]

    def text(self, x: float) -> str:
        """A tick as text."""
        return f"1e{round(math.log10(x)):+03d}" if self.is_log else f"{x:.6g}"


def seen(numbers: Sequence[float]) -> tuple[float, float]:
    """The range of a curve that is drawn: all of it, but of a pole only so much as has room."""
    finite = sorted(min(max(x, -MOST_SEEN), MOST_SEEN) for x in numbers if math.isfinite(x))
    if not finite:
        return -1.0, 1.0
    low, high = finite[0], finite[-1]
    inner = finite[int(EDGE * len(finite))], finite[int((1 - EDGE) * len(finite))]
    room = POLE * (inner[1] - inner[0])
    low, high = max(low, inner[0] - room), min(high, inner[1] + room)
    margin = (high - low) / 20 or abs(high) / 2 or 1.0
    return low - margin, high + margin


def chart(
    curves: Sequence[Curve], x: Axis, y: Axis, width: int, height: int, is_ascii: bool = False
) -> Iterator[list[Piece]]:
    """The lines of a chart; `width` and `height` are those of the field between the axes.

    Where curves meet, the later one is seen.
    """
    frame = ASCII_FRAME if is_ascii else FRAME
    field: list[list[Piece]] = [[(" ", "")] * width for _ in range(height)]
    for curve in curves:
        for a, b in curve.points:
            across, up = x.place(a), y.place(b)
            if across is not None and up is not None:
                row = height - 1 - round(up * (height - 1))
                field[row][round(across * (width - 1))] = (curve.mark, curve.role)
    marks = {
        height - 1 - round(place * (height - 1)): y.text(tick)
        for tick in y.ticks(max(2, height // TICKS_APART))
        if (place := y.place(tick)) is not None
    }
    margin = max(map(len, marks.values()), default=0)
    for row, cells in enumerate(field):
        label = marks.get(row, "")
        edge = frame["tick"] if label else frame["side"]
        yield [(f"{label:>{margin}} {edge}", "aside"), *_joined(cells)]
    yield from _floor(x, width, margin, frame)


def _floor(x: Axis, width: int, margin: int, frame: dict[str, str]) -> Iterator[list[Piece]]:
    """The level axis and its numbers."""
    line, numbers = [frame["floor"]] * width, [" "] * (width + margin)
    free = 0
    for tick in x.ticks(max(2, width // NUMBERS_APART)):
        place = x.place(tick)
        if place is None:
            continue
        column, text = round(place * (width - 1)), x.text(tick)
        start = max(0, column - len(text) // 2)
        if start >= free and start + len(text) <= width + margin:
            line[column] = frame["mark"]
            numbers[start : start + len(text)] = text
            free = start + len(text) + 1
    yield [(f"{' ' * margin} {frame['corner']}{''.join(line)}", "aside")]
    yield [(f"{' ' * margin}  {''.join(numbers).rstrip()}", "aside")]


def _joined(cells: list[Piece]) -> Iterator[Piece]:
    """Cells side by side, those of one role together."""
    text, role = "", ""
    for mark, own in cells:
        if own != role and text:
            yield text, role
            text = ""
        text, role = text + mark, own
    if text.strip():
        yield text, role
