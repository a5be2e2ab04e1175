"""Curves as pictures: png, svg and pdf, by matplotlib."""

from __future__ import annotations

import math
import warnings
from io import BytesIO
from typing import TYPE_CHECKING, Any

from gradcli.errors import LayoutError
from gradcli.render.curves.chart import seen
from gradcli.reports.steps import METHODS, StepCurves, StepsReport

if TYPE_CHECKING:
    from gradcli.reports.plots import LinePlot, Plot, SurfacePlot

INCHES = (7.5, 5.0)  # of one chart
LOWEST = 1e-17  # errors: what is smaller is drawn there
# By Okabe and Ito, told apart by those who do not see red and green alike; dashes tell them, too.
LINES = {
    "forward": ("#d55e00", "-"), "central": ("#0072b2", "--"), "extrapolated": ("#009e73", "-."),
    "complex": ("#cc79a7", ":"),
}  # fmt: skip
POWERS = {1: "h", 2: "h²", 4: "h⁴"}
VALUE, GRADIENT, MARK, ARROW = "#14692b", "#b0201a", "#b05a00", "#ffffff"
DASHES = {"kink": ":", "jump": "--"}
MOST_NAMED = 12  # kinks and jumps with their name beside them
LEVELS = 14  # of contours
ARROWS_EVERY = 4  # points of the grid
LENGTH = 0.06  # of an arrow, in parts of the ranges
SETTINGS = {"svg.hashsalt": "gradcli", "svg.fonttype": "path", "font.size": 10}
METADATA: dict[str, dict[str, Any]] = {  # without the time, so that equal results are equal files
    "png": {}, "svg": {"Date": None}, "pdf": {"CreationDate": None},
}  # fmt: skip


def steps_picture(report: StepsReport, form: str) -> bytes:
    """The errors against the step. Raises LayoutError."""
    figure = _figure(len(report.inputs))
    rows = figure.subplots(len(report.inputs), squeeze=False)
    for curves, (axes,) in zip(report.inputs, rows, strict=True):
        _draw_steps(report.expression, curves, axes)
    return _saved(figure, form)


def plot_picture(plot: Plot, form: str) -> bytes:
    """Value and gradient over one input or two. Raises LayoutError."""
    figure = _figure(1)
    if plot.line is not None:
        _draw_line(plot, plot.line, figure)
    if plot.surface is not None:
        _draw_surface(plot, plot.surface, figure)
    return _saved(figure, form)


def _figure(rows: int) -> Any:
    """An empty picture with room for so many charts."""
    try:
        from matplotlib import rcParams
        from matplotlib.figure import Figure
    except ImportError:
        raise LayoutError(
            "a picture of curves needs matplotlib, which is not installed",
            hint='write python3 -m pip install "matplotlib>=3.8"; on a terminal and as json there '
            "is no need of it",
        ) from None
    rcParams.update(SETTINGS)
    return Figure((INCHES[0], INCHES[1] * rows), layout="constrained")


def _saved(figure: Any, form: str) -> bytes:
    buffer = BytesIO()
    with warnings.catch_warnings():  # of letters that a font has not
        warnings.simplefilter("ignore")
        figure.savefig(buffer, format=form, dpi=150, metadata=METADATA[form])
    return buffer.getvalue()


# ---------------------------------------------------------------- steps


def _draw_steps(expression: str, curves: StepCurves, axes: Any) -> None:
    if curves.bounds:
        axes.loglog(curves.bound_steps, curves.bounds, color="0.5", linewidth=1,
                    label="the checker's bound on the extrapolated")  # fmt: skip
    for curve in curves.curves:
        color, dashes = LINES[curve.method]
        errors = [max(error, LOWEST) for error in curve.errors]
        power = POWERS[METHODS[curve.method]]
        measured = [
            f"{name} {slope:+.2f}"
            for name, slope in (("truncation", curve.truncation_slope),
                                ("rounding", curve.rounding_slope)) if slope is not None
        ]  # fmt: skip
        label = f"{curve.method}, {power}{': slopes ' * bool(measured)}{', '.join(measured)}"
        axes.loglog(curve.steps, errors, color=color, linestyle=dashes, marker=".", markersize=4,
                    linewidth=1.2, label=label)  # fmt: skip
    chosen = curves.chosen
    if chosen.step is not None and chosen.error is not None:
        axes.loglog([chosen.step], [max(chosen.error, LOWEST)], color="black", marker="*",
                    markersize=12, linestyle="none",
                    label=f"the checker, with the bound {chosen.bound:.1e}")  # fmt: skip
    axes.set_title(_plain(f"{expression} at {curves.name} = {curves.value:.6g}"))
    axes.set_xlabel("step h")
    kind = "relative error" if curves.is_relative else "error"
    axes.set_ylabel(_plain(f"{kind} of d{curves.name}"))
    axes.grid(color="0.9")
    if curves.curves:
        axes.legend(fontsize=8, loc="upper center", bbox_to_anchor=(0.5, -0.13), ncol=2)


# ---------------------------------------------------------------- plots


def _draw_line(plot: Plot, line: LinePlot, figure: Any) -> None:
    """The value above, the gradient below, over one axis; kinks and jumps are marked in both."""
    upper, lower = figure.subplots(2, 1, sharex=True)
    for axes, numbers, color, name in (
        (upper, line.values, VALUE, "value"), (lower, line.gradients, GRADIENT, f"d{line.name}"),
    ):  # fmt: skip
        axes.plot(*_pieces(line, numbers), color=color, linewidth=1.6)
        axes.set_ylabel(_plain(name))
        axes.set_ylim(*seen(numbers))
        axes.grid(color="0.9")
        for mark in line.marks:
            axes.axvline(mark.x, color=MARK, linewidth=1, linestyle=DASHES[mark.kind])
    middle = (line.xs[0] + line.xs[-1]) / 2
    for k, mark in enumerate(line.marks[:MOST_NAMED]):
        side = 2 if mark.x < middle else -2
        upper.annotate(
            mark.kind, (mark.x, 1), xycoords=("data", "axes fraction"), color=MARK, fontsize=8,
            xytext=(side, -10 - 10 * (k % 3)), textcoords="offset points",
            horizontalalignment="left" if side > 0 else "right",
        )  # fmt: skip
    lower.set_xlabel(_plain(line.name))
    upper.set_title(_plain(plot.expression))


def _pieces(line: LinePlot, numbers: list[float]) -> tuple[list[float], list[float]]:
    """The curve as points, with a gap where it jumps, between what it is at both sides."""
    is_value = numbers is line.values
    gaps = [mark for mark in line.marks if mark.kind == "jump" or not is_value]
    edges = {mark.x for mark in gaps}
    points = [(x, y) for x, y in zip(line.xs, numbers, strict=True) if x not in edges]
    for mark in gaps:
        is_known = (mark.kind == "jump") == is_value
        left, right = (mark.left, mark.right) if is_known else (math.nan, math.nan)
        points += [(mark.x, left), (mark.x, math.nan), (mark.x, right)]
    points.sort(key=lambda point: point[0])  # which leaves the order of those at one place
    return [x for x, _ in points], [y for _, y in points]


def _draw_surface(plot: Plot, surface: SurfacePlot, figure: Any) -> None:
    """Contours of the value, and arrows along the gradient, all of one length."""
    axes = figure.subplots()
    values = [[v if math.isfinite(v) else math.nan for v in row] for row in surface.values]
    bands = axes.contourf(surface.xs, surface.ys, values, levels=LEVELS, cmap="viridis")
    axes.contour(surface.xs, surface.ys, values, levels=LEVELS, colors="white", linewidths=0.4)
    figure.colorbar(bands, label="value")
    at = range(ARROWS_EVERY // 2, len(surface.xs), ARROWS_EVERY)
    arrows = [
        (surface.xs[k], surface.ys[j], *direction)
        for j in at for k in at
        if (direction := _direction(surface, j, k)) is not None
    ]  # fmt: skip
    if arrows:
        axes.quiver(*zip(*arrows, strict=True), color=ARROW, angles="xy", pivot="mid",
                    scale_units="xy", scale=1 / LENGTH,
                    width=0.003)  # fmt: skip
    axes.set_xlabel(_plain(surface.names[0]))
    axes.set_ylabel(_plain(surface.names[1]))
    axes.set_title(_plain(f"{plot.expression}, and the direction of its gradient"))


def _direction(surface: SurfacePlot, row: int, column: int) -> tuple[float, float] | None:
    """The gradient at a point, scaled to length 1 in parts of the ranges; None where it is none."""
    across, up = (part[row][column] for part in surface.gradients)
    width, height = surface.xs[-1] - surface.xs[0], surface.ys[-1] - surface.ys[0]
    length = math.hypot(across / width, up / height)
    return (across / length, up / length) if 0 < length < math.inf else None


def _plain(text: str) -> str:
    """Text in which matplotlib sees no formula of its own."""
    return text.replace("$", r"\$")
