"""Value and gradient on a terminal: curves over one input, contours and arrows over two."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

from rich.text import Text

from gradcli.render.curves.chart import Axis, Curve, Piece, chart, seen
from gradcli.render.look import Look
from gradcli.render.table import UNLIMITED, Page
from gradcli.reports.gates import GateCurve
from gradcli.reports.plots import LinePlot, Mark, Plot, SurfacePlot

WIDTH, MARGIN, NARROWEST = 80, 14, 24  # of a chart; of the numbers at its left
LINE_HEIGHT, SURFACE_HEIGHT = 14, 21
OF_A_GATE = 48, 12  # columns and rows
VALUE, SLOPE = "o", "+"
KINKS = {"kink": "^", "jump": "|"}
BANDS = " .:-=+*#%@"  # from the lowest value to the highest
ARROWS = "→↗↑↖←↙↓↘"
ASCII_ARROWS = ">/^\\</v\\"
ARROWS_APART = (6, 3)  # columns and rows
MOST_NAMED = 12  # kinks and jumps


def plot_chart(plot: Plot, look: Look) -> Iterator[str]:
    """The charts of a plot, and what is marked in them."""
    page = Page(look)
    width = WIDTH if page.width == UNLIMITED else max(NARROWEST, min(WIDTH, page.width - MARGIN))
    yield page.drawn(page.sentence((plot.expression, "expression")))
    yield page.drawn("")
    if plot.surface is not None:
        yield page.drawn(page.sentence(*_legend(plot.surface)))
    lines: Iterator[list[Piece]] = iter(())
    if plot.line is not None:
        lines = _line(plot.line, width, page.console.options.ascii_only)
    elif plot.surface is not None:
        lines = _surface(plot.surface, width, page.console.options.ascii_only)
    for line in lines:
        yield page.drawn(Text.assemble(*((page.text(text), role) for text, role in line)))
    if plot.line is not None and plot.line.marks:
        yield page.drawn("")
        for mark in plot.line.marks[:MOST_NAMED]:
            yield page.drawn(page.sentence(*_told(mark, plot.line.name, page)))
        if (
            left_out := len(plot.line.marks) - MOST_NAMED
            if len(plot.line.marks) > MOST_NAMED
            else 0
        ):
            yield page.drawn(page.sentence((f"... {left_out} more", "aside")))
    for note in plot.notes:
        yield page.drawn(page.sentence(("note", "aside"), f": {note}"))


def gate_chart(curve: GateCurve, page: Page) -> Iterator[str]:
    """Value and slope of a gate over its operand."""
    x, y = Axis(curve.xs[0], curve.xs[-1]), Axis(*seen([*curve.values, *curve.slopes]))
    slopes = Curve(SLOPE, "curve.gradient", [*zip(curve.xs, curve.slopes, strict=True)])
    values = Curve(VALUE, "curve.value", [*zip(curve.xs, curve.values, strict=True)])
    legend = ((VALUE, "curve.value"), " value  ", (SLOPE, "curve.gradient"), " slope")
    yield page.drawn(page.sentence(*legend))
    for line in chart([slopes, values], x, y, *OF_A_GATE, page.console.options.ascii_only):
        yield page.drawn(Text.assemble(*line))


def _line(line: LinePlot, width: int, is_ascii: bool) -> Iterator[list[Piece]]:
    """The value, then the gradient, each over the range."""
    x = Axis(line.xs[0], line.xs[-1])
    for numbers, mark, role, title in (
        (line.values, VALUE, "curve.value", "value"),
        (line.gradients, SLOPE, "curve.gradient", f"d{line.name}"),
    ):
        y = Axis(*seen(numbers))
        marks = [
            Curve(KINKS[kind], "curve.kink", [(m.x, y.low) for m in line.marks if m.kind == kind])
            for kind in KINKS
        ]
        curve = Curve(mark, role, [*zip(line.xs, numbers, strict=True)])
        yield [(f"{mark} ", role), (title, "")]
        yield from chart([curve, *marks], x, y, width, LINE_HEIGHT, is_ascii)
        if role == "curve.value":
            yield []


def _told(mark: Mark, name: str, page: Page) -> list[str | tuple[str, str]]:
    """A kink or a jump in words."""
    what = "slopes" if mark.kind == "kink" else "values"
    words = f" at {name} = {page.number(mark.x)}: {what} {mark.left:.6g} and {mark.right:.6g}"
    return [(f"{KINKS[mark.kind]} {mark.kind}", "curve.kink"), words]


def _legend(surface: SurfacePlot) -> list[str | tuple[str, str]]:
    first, second = surface.names
    low, high = _range(surface)
    words = f"{second} over {first}: {BANDS[1:]} from {low:.4g} up to {high:.4g}, "
    return [words, ("arrows along the gradient", "curve.gradient")]


def _range(surface: SurfacePlot) -> tuple[float, float]:
    finite = [v for row in surface.values for v in row if math.isfinite(v)]
    return min(finite, default=0.0), max(finite, default=1.0)


def _surface(surface: SurfacePlot, width: int, is_ascii: bool) -> Iterator[list[Piece]]:
    """Bands of equal value, and here and there the direction of the gradient."""
    x, y = Axis(surface.xs[0], surface.xs[-1]), Axis(surface.ys[0], surface.ys[-1])
    low, high = _range(surface)
    values = Axis(low, high)
    bands: list[list[tuple[float, float]]] = [[] for _ in BANDS]
    arrows: list[list[tuple[float, float]]] = [[] for _ in ARROWS]
    for row in range(SURFACE_HEIGHT):
        for column in range(width):
            j = _nearest(row, SURFACE_HEIGHT, surface.ys)
            k = _nearest(column, width, surface.xs)
            value = surface.values[j][k]
            place = (_at(column, width, x), _at(row, SURFACE_HEIGHT, y))
            if math.isfinite(value):
                share = values.place(value) if high > low else None
                bands[min(len(BANDS) - 1, int((share or 0.0) * len(BANDS)))].append(place)
            is_arrow = column % ARROWS_APART[0] == 3 and row % ARROWS_APART[1] == 1
            turn = _turn(surface, j, k) if is_arrow else None
            if turn is not None:
                arrows[turn].append(place)
    curves = [Curve(mark, "aside", points) for mark, points in zip(BANDS, bands, strict=True)]
    signs = ASCII_ARROWS if is_ascii else ARROWS
    curves += [Curve(m, "curve.gradient", p) for m, p in zip(signs, arrows, strict=True)]
    yield from chart(curves, x, y, width, SURFACE_HEIGHT, is_ascii)


def _at(place: int, count: int, axis: Axis) -> float:
    share = place / (count - 1)
    return axis.low * (1 - share) + axis.high * share


def _nearest(place: int, count: int, numbers: Sequence[float]) -> int:
    return round(place * (len(numbers) - 1) / (count - 1))


def _turn(surface: SurfacePlot, row: int, column: int) -> int | None:
    """The eighth of the circle that the gradient points to, in parts of the ranges."""
    across, up = (part[row][column] for part in surface.gradients)
    width, height = surface.xs[-1] - surface.xs[0], surface.ys[-1] - surface.ys[0]
    if not 0 < math.hypot(across, up) < math.inf:
        return None
    return round(math.atan2(up / height, across / width) / (math.pi / 4)) % len(ARROWS)
