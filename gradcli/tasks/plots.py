"""The task `plot`: value and gradient over one input or two, with kinks and jumps where they are.

A gate with a kink or a jump is on one of its branches at every point. Where neighbours differ in
that, the place is found by halving what lies between them, and looked at from both sides: only what
reaches the output is a kink or a jump of the curve.
"""

from __future__ import annotations

import math
from fractions import Fraction
from typing import Any

from gradcli.arithmetic.floats import FAULTS
from gradcli.arithmetic.work import limited
from gradcli.checker.surroundings import CHOICES, Branch, Surroundings
from gradcli.engine import Machine, Run, backward
from gradcli.errors import LimitError, UsageError
from gradcli.evaluation.numbers import SLACK, sweep_bounds, value_bounds
from gradcli.evaluation.point import arithmetics_of, as_numbers, inputs_of, seed_notes
from gradcli.program.model import Program
from gradcli.program.reader import read
from gradcli.reports.plots import LinePlot, Mark, Plot, SurfacePlot
from gradcli.requests import Request, Setting
from gradcli.tasks.ranges import Range, range_of
from gradcli.tasks.tables import table_of

POINTS = 401  # of a line: an odd number, so that the middle is one
ALONG = 41  # points along each side of a surface
MOST_RUNS = 2e7  # gates: some ten seconds
HALVINGS = 80  # of what lies between two points; doubles have no more
ASIDE = 1e-9  # of the range: how far at the sides of a place its slopes are taken
NEARER, GROWN = 1e-4, 10.0  # a slope that grows by so much on the last part of the way is infinite
SAME = 1e-6  # relative: slopes, or values over their range, that differ by less are one
MOST_MARKS = 100
SEEN = 5e-3  # of the range of the values: rounding that is larger shows in a picture
EXAMPLE = "write gradcli plot 'x**2' x=-2:2, or with a second range y=-2:2"


@limited()
def plot_of(text: str, name: str, bindings: list[tuple[str, Setting]], request: Request) -> Plot:
    """The curves of a program over its ranges. Raises GradcliError."""
    ranges = {n: bounds for n, v in bindings if (bounds := range_of(n, v)) is not None}
    if not 1 <= len(ranges) <= 2:
        raise UsageError(f"{len(ranges) or 'no'} inputs have a range, not one or two", hint=EXAMPLE)
    for at, (low, high) in ranges.items():
        if low == high:
            raise UsageError(f"the range of `{at}` is a single point", hint=EXAMPLE)
    fixed = [(n, ranges[n][0] if n in ranges else v) for n, v in bindings]
    written = read(text, name, fixed, request=request, varied=ranges, table=table_of(request))
    if written.graph.shape(written.output):
        raise UsageError("the output is an array, and a curve needs one number",
                         hint="choose an element: `f[0]`, or take its sum or mean")  # fmt: skip
    program = as_numbers(written)
    field = _Field(program, [*ranges])
    is_line = len(ranges) == 1
    runs = (POINTS if is_line else ALONG**2) * len(program.graph)
    if runs > MOST_RUNS:
        raise LimitError(f"the curves would take {runs:.0e} evaluations of gates",
                         hint="take a smaller case of the same formulas")  # fmt: skip
    line = _line(field, *ranges.items()) if is_line else None
    surface = None if is_line else _surface(field, ranges)
    notes = [*seed_notes(written), *([] if line is None else _doubts(field, line))]
    if line is not None:
        notes += _gaps(line)
    output = next((n for n, v in written.stages.items() if v == written.output), "#out")
    return Plot(written.expression or output, output, line, surface, notes, program.warnings)


class _Field:
    """A program as a function of some of its inputs."""

    def __init__(self, program: Program, names: list[str]) -> None:
        self.program = program
        graph = program.graph
        places = {name: k for k, name in enumerate(graph.inputs)}
        for name in names:
            if name not in places:
                raise UsageError(f"`{name}` is no input of the program that is a number",
                                 hint="give an input a range: x=-2:2")  # fmt: skip
        self._places = [places[name] for name in names]
        self.leaves = [graph.inputs[name] for name in names]
        self._start = inputs_of(program)
        self._machines = [Machine(graph, arithmetic) for arithmetic in arithmetics_of(graph)]

    def run(self, *xs: float) -> Run:
        """The sweep at values of these inputs, in IEEE semantics where a gate faults."""
        inputs = self._start.copy()
        for place, x in zip(self._places, xs, strict=True):
            inputs[place] = x
        *fast, sure = self._machines
        for machine in fast:
            try:
                return self._swept(machine, inputs)
            except FAULTS:
                continue
        return self._swept(sure, inputs)

    def _swept(self, machine: Machine, inputs: list[Any]) -> Run:
        run = machine.run(inputs)
        backward(run, self.program.output, 1.0)
        return run

    def at(self, *xs: float) -> tuple[float, list[float]]:
        """The value, and the gradients by these inputs."""
        run = self.run(*xs)
        return run.values[self.program.output], self.slopes(run)

    def slopes(self, run: Run) -> list[float]:
        """The gradients by these inputs; what has no value has no slope: log(x) below 0."""
        if math.isnan(run.values[self.program.output]):
            return [math.nan for _ in self.leaves]
        return [float(run.gradients[k]) for k in self.leaves]


def _between(low: float, high: float, count: int) -> list[float]:
    """Numbers at even distances, both ends included."""
    first, last = Fraction(low), Fraction(high)  # whose distance may be more than float64 has
    return [float(first + (last - first) * k / (count - 1)) for k in range(count)]


def _surface(field: _Field, ranges: dict[str, Range]) -> SurfacePlot:
    first, second = ranges
    xs, ys = (_between(*ranges[name], ALONG) for name in ranges)
    rows = [[field.at(x, y) for x in xs] for y in ys]
    by_first, by_second = (
        [[slopes[k] for _, slopes in row] for row in rows] for k in range(2)
    )  # fmt: skip
    values = [[value for value, _ in row] for row in rows]
    return SurfacePlot((first, second), xs, ys, values, (by_first, by_second))


# ---------------------------------------------------------------- a line


def _line(field: _Field, over: tuple[str, Range]) -> LinePlot:
    name, (low, high) = over
    xs = _between(low, high, POINTS)
    runs = [field.run(x) for x in xs]
    output = field.program.output
    values = [float(run.values[output]) for run in runs]
    branches = _branches(field, runs[0])
    gradients = [
        _slope_at_edge(field, x, ASIDE * high - ASIDE * low)
        if any(branch.at(run.values) == 0 for branch in branches)
        else field.slopes(run)[0]
        for x, run in zip(xs, runs, strict=True)
    ]
    marks = _marks(field, branches, xs, runs, values)
    return LinePlot(name, xs, values, gradients, marks)


def _slope_at_edge(field: _Field, x: float, aside: float) -> float:
    """The slope where a gate stands at its edge, and has a convention: that of both sides, or nan.

    Conventions of several gates may add up to what is no slope at all.
    """
    _, left = _beside(field, x, -aside)
    _, right = _beside(field, x, aside)
    is_smooth = left == right or abs(right - left) <= SAME * max(abs(left), abs(right))
    return (left + right) / 2 if is_smooth else math.nan


def _marks(
    field: _Field, branches: list[Branch], xs: list[float], runs: list[Run], values: list[float]
) -> list[Mark]:
    """The kinks and jumps between points, from the left to the right."""
    sides = [[branch.side(run.values) for branch in branches] for run in runs]
    finite = [value for value in values if math.isfinite(value)]
    height = max(finite, default=0.0) - min(finite, default=0.0)
    marks: dict[float, Mark] = {}
    for k in range(len(xs) - 1):
        for branch, before, after in zip(branches, sides[k], sides[k + 1], strict=True):
            if before != after and len(marks) < MOST_MARKS:
                ends = _narrowed(field, branch, xs[k], xs[k + 1])
                mark = _mark(field, *ends, ASIDE * xs[-1] - ASIDE * xs[0], height)
                if mark is not None:
                    marks.setdefault(round(mark.x, 12), mark)
    return [marks[x] for x in sorted(marks)]


def _branches(field: _Field, run: Run) -> list[Branch]:
    """The gates that have branches and reach the output."""
    around = Surroundings(run, field.program.output, value_bounds(run))
    gates = field.program.graph.gates
    return [
        around.branch(node)
        for node in around.gates
        if gates[node].kink or gates[node].jump or gates[node].name in CHOICES
    ]


def _narrowed(field: _Field, branch: Branch, low: float, high: float) -> tuple[float, float]:
    """The two neighbouring numbers between which a gate changes its branch."""
    side = branch.side(field.run(low).values)
    for _ in range(HALVINGS):
        middle = low / 2 + high / 2  # their sum may be more than float64 has
        if not low < middle < high:
            break
        if branch.side(field.run(middle).values) == side:
            low = middle
        else:
            high = middle
    return low, high


def _mark(field: _Field, low: float, high: float, aside: float, height: float) -> Mark | None:
    """What the curve does between two neighbouring numbers; None where it is smooth.

    What differs because the curve is bent differs less, the nearer its sides are.
    """
    x = min(low, high, key=lambda end: len(repr(end)))
    (left, left_slope), (right, right_slope) = (
        _beside(field, low, -aside), _beside(field, high, aside),
    )  # fmt: skip
    (nearer, nearer_slope), (other, other_slope) = (
        _beside(field, low, -aside / 10), _beside(field, high, aside / 10),
    )  # fmt: skip
    if any(map(math.isnan, (left, right, left_slope, right_slope))):
        return None
    if SAME * height < abs(right - left) < 2 * abs(other - nearer):
        return Mark("jump", x, _rounded(left), _rounded(right))
    gap = abs(right_slope - left_slope) if right_slope != left_slope else 0.0
    is_steep = math.isinf(gap)
    if is_steep or SAME * max(abs(left_slope), abs(right_slope)) < gap < 2 * abs(
        other_slope - nearer_slope
    ):
        return Mark("kink", x, _rounded(left_slope), _rounded(right_slope))
    return None


def _beside(field: _Field, x: float, aside: float) -> tuple[float, float]:
    """Value and slope a little aside of a place; a slope that grows without end is infinite."""
    value, (slope,) = field.at(x + aside)
    _, (nearer,) = field.at(x + aside * NEARER)
    return value, math.copysign(math.inf, nearer) if abs(nearer) > GROWN * abs(slope) else slope


def _rounded(x: float) -> float:
    """A number as well as its place aside of an edge tells it."""
    return float(f"{x:.7g}")


def _doubts(field: _Field, line: LinePlot) -> list[str]:
    """A note where float64 loses so much that a picture shows it."""
    finite = [value for value in line.values if math.isfinite(value)]
    height = max(finite, default=0.0) - min(finite, default=0.0)
    lost = [
        x
        for x, value in zip(line.xs[::4], line.values[::4], strict=True)
        if math.isfinite(value) and _rounding(field, x) > SEEN * height
    ]
    if not lost:
        return []
    return [
        f"plain float64 loses what one would see here, for {line.name} from {min(lost):.3g} to "
        f"{max(lost):.3g}: `gradcli eval` at a point has true digits"
    ]


def _gaps(line: LinePlot) -> list[str]:
    """A note where there is nothing to draw."""
    lost = [x for x, value in zip(line.xs, line.values, strict=True) if math.isnan(value)]
    if not lost:
        return []
    whole, name = len(line.xs), line.name
    if len(lost) == 1:
        return [f"1 of {whole} points has no value, that at {name} = {lost[0]:.3g}"]
    which = "no point has a" if len(lost) == whole else f"{len(lost)} of {whole} points have no"
    return [f"{which} value, for {name} from {lost[0]:.3g} to {lost[-1]:.3g}"]


def _rounding(field: _Field, x: float) -> float:
    """The bound on the rounding of the value at a point."""
    output = field.program.output
    error: float = sweep_bounds(field.run(x), output, None).values[output]
    return SLACK * error
