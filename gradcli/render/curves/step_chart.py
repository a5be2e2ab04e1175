"""The errors of numeric derivatives against the step, on a terminal: both axes are logarithms."""

from __future__ import annotations

from collections.abc import Iterator

from rich.console import RenderableType
from rich.text import Text

from gradcli.render.curves.chart import Axis, Curve, chart
from gradcli.render.look import Look
from gradcli.render.table import UNLIMITED, Page
from gradcli.reports.steps import METHODS, StepCurve, StepCurves, StepsReport

MARKS = {"forward": "f", "central": "c", "extrapolated": "x", "complex": "i"}
BOUND, CHECKER = ".", "O"
LOWEST = 1e-17  # errors: what is smaller is drawn there
WIDTH, HEIGHT, MARGIN = 100, 24, 10  # of a chart, at most; of the numbers at its left
NARROWEST = 24


def step_chart(report: StepsReport, look: Look) -> Iterator[str]:
    """A chart for each input, and what its curves are."""
    page = Page(look)
    for k, curves in enumerate(report.inputs):
        if k:
            yield page.drawn("")
        for part in _one(report.expression, curves, page):
            yield page.drawn(part)
    if report.notes:
        yield page.drawn("")
    for note in report.notes:
        yield page.drawn(page.sentence(("note", "aside"), f": {note}"))


def _one(expression: str, curves: StepCurves, page: Page) -> Iterator[RenderableType]:
    kind = "relative error" if curves.is_relative else "error"
    slope = page.number(curves.gradient, curves.gradient_bound or None)
    at = f" at {curves.name} = {page.number(curves.value)}: {kind} against the step"
    yield page.sentence(
        (expression, "expression"),
        ": ",
        (f"d{curves.name}", "name"),
        " = ",
        (slope, "gradient"),
        at,
    )
    if not curves.curves:
        return
    yield ""
    width = WIDTH if page.width == UNLIMITED else max(NARROWEST, min(WIDTH, page.width - MARGIN))
    is_ascii = page.console.options.ascii_only
    for line in chart(_curves(curves), *_axes(curves), width, HEIGHT, is_ascii):
        yield Text.assemble(*((text, role) for text, role in line))
    yield ""
    for curve in curves.curves:
        yield page.sentence((f"{MARKS[curve.method]} ", f"curve.{curve.method}"), _about(curve))
    if curves.bounds:
        yield page.sentence(
            (f"{BOUND} ", "curve.bound"),
            "the checker's bound on x: what rounds, over the step, and what a half step changes",
        )
    yield page.sentence((f"{CHECKER} ", "curve.checker"), _about_checker(curves))


def _curves(curves: StepCurves) -> list[Curve]:
    bound = [*zip(curves.bound_steps, curves.bounds, strict=True)]
    drawn = [Curve(BOUND, "curve.bound", bound)] if bound else []
    for curve in curves.curves:
        points = zip(curve.steps, (max(error, LOWEST) for error in curve.errors), strict=True)
        drawn.append(Curve(MARKS[curve.method], f"curve.{curve.method}", [*points]))
    chosen = curves.chosen
    if chosen.step is not None and chosen.error is not None:
        point = (chosen.step, max(chosen.error, LOWEST))
        drawn.append(Curve(CHECKER, "curve.checker", [point]))
    return drawn


def _axes(curves: StepCurves) -> tuple[Axis, Axis]:
    steps = [h for curve in curves.curves for h in curve.steps]
    steps += [] if curves.chosen.step is None else [curves.chosen.step]
    errors = [max(e, LOWEST) for curve in curves.curves for e in curve.errors]
    low, high = min(errors, default=LOWEST), max(errors, default=1.0)
    x = Axis(min(steps, default=LOWEST), max(steps, default=1.0), True)
    return x, Axis(low, max(high, 10 * low), True)


def _about(curve: StepCurve) -> str:
    """The method, where it is best, and by which powers of the step its errors go."""
    best = (
        f"{curve.method}: {curve.errors[curve.best]:.1e} at best, at {curve.steps[curve.best]:.1e}"
    )
    slopes = []
    if curve.truncation_slope is not None:
        slopes.append(f"truncation as h**{METHODS[curve.method]}{_slope(curve.truncation_slope)}")
    if curve.rounding_slope is not None:
        slopes.append(f"rounding as 1/h{_slope(curve.rounding_slope)}")
    return "; ".join([best, *slopes])


def _slope(measured: float) -> str:
    return f" (slope {measured:+.2f})"


def _about_checker(curves: StepCurves) -> str:
    chosen = curves.chosen
    if chosen.value is None:
        return f"the checker takes no difference: {chosen.reason}"
    if chosen.step is None:
        return "the checker needs no step: nothing moves"
    return (
        f"the checker: differences down to the step {chosen.step:.1e}, extrapolated; "
        f"error {chosen.error:.1e}, bound {chosen.bound:.1e}"
    )
