"""The task `steps`: how wrong numeric derivatives are, step by step.

Long steps miss by the terms of Taylor's series that the method leaves out (truncation, a power of
the step), short ones by the rounding of f, which the quotient divides by the step.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

from gradcli.arithmetic.complex_numbers import COMPLEX, NoComplexFormError
from gradcli.arithmetic.floats import FAULTS, UNIT_ROUNDOFF
from gradcli.arithmetic.work import limited
from gradcli.checker.cone import Cone
from gradcli.checker.differences import STEP_MARGIN, differentiate
from gradcli.checker.surroundings import Surroundings
from gradcli.engine import Machine
from gradcli.errors import LimitError, UsageError
from gradcli.evaluation.certainty import certain_numbers
from gradcli.evaluation.numbers import Numbers, value_bounds
from gradcli.evaluation.point import Point, as_numbers, at, inputs_of, seed_notes
from gradcli.program.model import Program
from gradcli.reports.steps import METHODS, Chosen, StepCurve, StepCurves, StepsReport
from gradcli.requests import Request

A_DECADE = 4  # steps
DECADES = 17
SMALLEST = 1e-280  # an input that has no normal numbers so far below it is as good as 0
MOST_INPUTS = 6  # of a report
MOST_EVALUATIONS = 2e7  # of gates: some ten seconds
FITTED = 10.0  # times what rounding may do: from there on truncation is alone
FLATTEST = -0.5  # slope of what rounding over the step does: it is -1 but for chance
ALONE = 10.0  # times shorter than those steps: there rounding is alone
FEWEST_FITTED = 4  # points that have a slope
BENT = 1e-2  # a larger error is no longer that of the first term left out

Difference = Callable[[float], float | None]  # the derivative over a step


@limited()
def steps_of(program: Program, request: Request) -> StepsReport:
    """The errors over steps for the inputs asked for. Raises GradcliError."""
    expression = program.expression
    numbers_only = as_numbers(program, request.upstream)
    point = at(numbers_only, inputs_of(numbers_only), request)
    _refuse_many(point)
    value = point.run.values[point.program.output]
    if not math.isfinite(value):
        raise UsageError(f"the value is {value} at this point, and has no derivative",
                         hint=point.notes[0] if point.notes else None)  # fmt: skip
    if not all(map(math.isfinite, point.inputs)):
        raise UsageError("an input is not finite, and steps lead nowhere from there",
                         hint="give every input a finite value")  # fmt: skip
    numbers, notes = certain_numbers(point, request)
    around = Surroundings(point.run, point.program.output, value_bounds(point.run))
    inputs = []
    for name, leaf in point.leaves:
        curves, trouble = _curves(point, numbers, Cone(around, leaf), str(name))
        inputs.append(curves)
        if curves.chosen.reason is not None and curves.curves:
            notes.append(f"d{name}: {curves.chosen.reason}: the errors are to {curves.gradient:g}, "
                         "which may be a convention")  # fmt: skip
        if trouble is not None and trouble not in notes:
            notes.append(trouble)
        if not curves.curves:
            notes.append(f"no difference by {name} has an error that is finite: "
                         f"d{name} is {curves.gradient:g}")  # fmt: skip
    if not inputs:
        raise UsageError("the program has no input", hint="name one: gradcli steps 'x**2' x=3")
    output = point.names[point.program.output]
    notes[:0] = seed_notes(program)
    return StepsReport(expression or output, output, inputs, notes, program.warnings)


def _refuse_many(point: Point) -> None:
    names = [str(name) for name, _ in point.leaves]
    if len(names) > MOST_INPUTS:
        raise UsageError(f"{len(names)} inputs are too many for as many curves",
                         hint=f"choose some: --wrt {','.join(names[:2])}")  # fmt: skip
    evaluations = len(point.program.graph) * len(names) * A_DECADE * DECADES * 2 * len(METHODS)
    if evaluations > MOST_EVALUATIONS:
        raise LimitError(f"the curves would take {evaluations:.0e} evaluations of gates",
                         hint="choose one input with --wrt, or a smaller case")  # fmt: skip


def _curves(point: Point, numbers: Numbers, cone: Cone, name: str) -> tuple[StepCurves, str | None]:
    """All about one input, and a note on a method that is missing."""
    factor, slope = point.upstream, numbers.gradients[cone.leaf]
    own = slope / factor if factor else 0.0  # of the output itself
    size = abs(slope) if slope and math.isfinite(slope) else 1.0
    steps = _steps(cone.x)
    complex_step, trouble = _complex_step(cone, steps)
    ways: dict[str, Difference | None] = {
        "forward": lambda h: _quotient(cone, cone.x + h, cone.x, h),
        "central": lambda h: _quotient(cone, cone.x + h, cone.x - h, 2 * h),
        "extrapolated": lambda h: _extrapolated(cone, h),
        "complex": complex_step,
    }
    curves = []
    for method, difference in ways.items():
        if difference is not None:
            pairs = [(h, difference(h)) for h in steps]
            values = [(h, factor * d) for h, d in pairs if d is not None]
            values = [(h, d) for h, d in values if math.isfinite(abs(d - slope) / size)]
            if values:
                noise = 0.0 if method == "complex" else abs(factor) * _noise(cone, own)
                curves.append(_curve(method, values, slope, size, noise / size))
    bounds = [(h, abs(factor) * b / size) for h in steps if (b := _bound(cone, h, own)) is not None]
    return StepCurves(
        name, cone.x, slope, numbers.gradient_bound(cone.leaf), size == abs(slope),
        cone.around.nearby, curves,
        [h for h, _ in bounds], [b for _, b in bounds], _chosen(cone, factor, slope, size),
    ), trouble  # fmt: skip


def _noise(cone: Cone, slope: float) -> float:
    """What rounding may do to a difference, times its step: that of f, and that of x + h."""
    return 2 * cone.around.nearby + 4 * UNIT_ROUNDOFF * abs(slope * cone.x)


def _steps(x: float) -> list[float]:
    """Steps from the size of the input down, evenly in the logarithm."""
    top = 10.0 ** math.floor(math.log10(abs(x))) if abs(x) > SMALLEST else 1.0
    return [top * 10.0 ** (-k / A_DECADE) for k in range(A_DECADE * DECADES + 1)]


# ---------------------------------------------------------------- the methods


def _quotient(cone: Cone, high: float, low: float, width: float) -> float | None:
    above, below = cone.evaluate(high), cone.evaluate(low)
    return None if above is None or below is None else (above - below) / width


def _extrapolated(cone: Cone, h: float) -> float | None:
    """Richardson's combination of the central differences over h and its half."""
    long, short = (_quotient(cone, cone.x + s, cone.x - s, 2 * s) for s in (h, h / 2))
    return None if long is None or short is None else short + (short - long) / 3


def _complex_step(cone: Cone, steps: Sequence[float]) -> tuple[Difference | None, str | None]:
    """Im f(x + ih) / h at some steps; None and the reason where a gate has no complex form."""
    graph, arithmetic = cone.run.machine.graph, COMPLEX
    forwards = Machine(graph, arithmetic).forwards

    def difference(h: float) -> float | None:
        values: list[Any] = cone.run.values.copy()
        values[cone.leaf] = complex(cone.x, h)
        try:
            for node in cone.gates:
                values[node] = forwards[node](values, graph.operands[node])  # type: ignore[misc]
        except NoComplexFormError:
            raise
        except FAULTS:
            return None
        slope = complex(values[cone.output]).imag / h
        return slope if math.isfinite(slope) else None

    try:
        slopes = {h: difference(h) for h in steps}
    except NoComplexFormError as missing:
        return None, f"no complex step: `{missing}` is computed of real numbers only"
    return slopes.get, None


def _bound(cone: Cone, h: float, slope: float) -> float | None:
    """The checker's bound on the extrapolated difference; None where a gate leaves its branch."""
    differences = []
    for step in (h, h / 2):
        obstacle, ends = 0.0, []
        for x in (cone.x + step, cone.x - step):
            f = cone.evaluate(x)
            obstacle = max(obstacle, math.inf if f is None else cone.obstacle())
            ends.append(f)
        if obstacle > 1 or ends[0] is None or ends[1] is None:
            return None
        differences.append((ends[0] - ends[1]) / (2 * step))
    long, short = differences
    value = short + (short - long) / 3
    rounding = [STEP_MARGIN * cone.around.nearby / s + 2 * UNIT_ROUNDOFF * abs(d)
                for s, d in ((h, long), (h / 2, short))]  # fmt: skip
    change = max(abs(value - short), abs(value - long))
    return (4 * rounding[1] + rounding[0]) / 3 + 2 * change + _of_step(cone, h, slope)


def _of_step(cone: Cone, h: float, slope: float) -> float:
    """What x + h loses where h is no whole number of ulps of x, which the checker's steps are."""
    return 4 * UNIT_ROUNDOFF * abs(slope) * max(1.0, abs(cone.x) / h)


def _chosen(cone: Cone, factor: float, slope: float, size: float) -> Chosen:
    estimate = differentiate(cone)
    if not math.isfinite(estimate.bound):
        return Chosen(None, None, None, None, estimate.reason)
    value = factor * estimate.value
    return Chosen(estimate.step, value, abs(value - slope) / size,
                  abs(factor) * estimate.bound / size, None)  # fmt: skip


# ---------------------------------------------------------------- slopes


def _curve(
    method: str, values: list[tuple[float, float]], slope: float, size: float, rounding: float
) -> StepCurve:
    """A curve with its slopes; `rounding` over the step is what rounding may do to the errors."""
    steps = [h for h, _ in values]
    points = [(h, abs(value - slope) / size) for h, value in values]
    long = [(h, e) for h, e in points if FITTED * max(rounding / h, UNIT_ROUNDOFF) < e < BENT]
    border = min((h for h, _ in long), default=math.inf) / ALONE
    short = [(h, e) for h, e in points if h < border and UNIT_ROUNDOFF < e < BENT]
    errors = [error for _, error in points]
    of_rounding = _slope(short) if rounding else None
    if of_rounding is not None and of_rounding > FLATTEST:
        of_rounding = None  # nothing rounds there: the slope is that of truncation
    return StepCurve(
        method, steps, [value for _, value in values], errors, _slope(long), of_rounding
    )


def _slope(points: Sequence[tuple[float, float]]) -> float | None:
    """The slope of the line of least squares through points, in logarithms."""
    if len(points) < FEWEST_FITTED:
        return None
    pairs = [(math.log(x), math.log(y)) for x, y in points]
    mean_x, mean_y = (math.fsum(column) / len(pairs) for column in zip(*pairs, strict=True))
    across = math.fsum((x - mean_x) ** 2 for x, _ in pairs)
    return math.fsum((x - mean_x) * (y - mean_y) for x, y in pairs) / across
