"""The numbers that are reported: of the float64 sweep where it is certain, else of many digits."""

from __future__ import annotations

import math

from gradcli.evaluation.numbers import (
    CERTAIN_ERROR,
    Bounds,
    Numbers,
    delicate,
    doubtful,
    plain_numbers,
    sweep_bounds,
    too_many_gates,
)
from gradcli.evaluation.point import Point
from gradcli.requests import MOST_GATES, MOST_WITH_BOUNDS, Request

FLOAT_DIGITS = 12  # what a certain float64 result has
UNBOUNDED = (
    f"more than {MOST_WITH_BOUNDS} gates are too many for bounds: "
    "the digits are plain float64 and not certified"
)
ONLY_CERTAIN = (
    f"float64 loses digits here: only those that are certain are shown; many digits are for at "
    f"most {MOST_GATES} gates"
)


def certain_numbers(
    point: Point, request: Request, explains: bool = True, takes_limits: bool = True,
    bounds: Bounds | None = None, enough: float = CERTAIN_ERROR,
) -> tuple[Numbers, list[str]]:  # fmt: skip
    """The numbers to report and the notes on them: of the sweep, or in many digits.

    `explains`: the notes say why many digits were needed, and what would cure it. `takes_limits`:
    gradients without a bound are sought as limits. `bounds` are those of the sweep, where the
    caller has them; a relative error of `enough` is certain. Raises LimitError where many digits
    are requested of too many gates.
    """
    numbers, notes = _best_numbers(point, request, explains, takes_limits, bounds, enough)
    has_value = point.program.parts or not math.isnan(numbers.values[point.program.output])
    if numbers.gradient_errors is not None and not has_value:  # nor has it a slope
        errors = [*numbers.gradient_errors]
        for _, leaf in point.leaves:
            errors[leaf] = math.inf
        numbers.gradient_errors = errors
    return numbers, notes


def _best_numbers(
    point: Point, request: Request, explains: bool, takes_limits: bool, bounds: Bounds | None,
    enough: float,
) -> tuple[Numbers, list[str]]:  # fmt: skip
    """The numbers of the sweep where they are certain, else those of many digits."""
    run, program = point.run, point.program
    count = request.digits or 0
    # The weighted sum of an array's elements is not the user's: it must not cost the bounds.
    gates = len(program.graph) - 3 * len(program.parts or ())
    upstream_node = None if request.upstream is not None else program.upstream
    if gates > MOST_GATES and (count or request.arithmetic == "mpmath"):
        raise too_many_gates("many digits")
    if gates > MOST_WITH_BOUNDS:
        return plain_numbers(run, None), [*point.notes, UNBOUNDED]
    leaves = [leaf for _, leaf in point.leaves]
    if bounds is None:
        has_gradients = point.upstream is not None
        bounds = sweep_bounds(run, program.output, upstream_node, has_gradients)
    plain = plain_numbers(run, bounds)
    inputs = [run.values[node] for node in program.graph.inputs.values()]
    if request.arithmetic == "float64" or not all(map(math.isfinite, inputs)):
        return plain, [*point.notes]
    doubts = doubtful(run, bounds, point.results, leaves, enough)
    is_plain = count <= FLOAT_DIGITS and request.arithmetic == "auto"
    is_smooth = is_plain and not delicate(run, bounds, program.output).intersection(leaves)
    if is_smooth and not doubts:
        return plain, [*point.notes]
    if gates > MOST_GATES:
        return plain, [*point.notes, ONLY_CERTAIN]
    from gradcli.arithmetic.work import OutOfReachError
    from gradcli.evaluation.diagnosis import remedy
    from gradcli.evaluation.many_digits import (  # late: mpmath is loaded only here
        Task,
        recompute,
        recompute_few,
    )

    task = Task(point, upstream_node, count, takes_limits)
    are_slopes = is_smooth and not set(doubts).intersection(point.results)
    try:
        few = recompute_few(task, plain, doubts) if are_slopes else None
        better = few or recompute(task)
    except OutOfReachError as trouble:
        return plain, [*point.notes, f"many digits cannot tell more: {trouble}"]
    if better.is_unknown:
        return better, [*point.notes, *better.notes]
    places = [*point.results, *leaves]
    values = [better.values[k] for k in point.results]
    have_same_values = all(map(_same, [plain.values[k] for k in point.results], values))
    are_same = have_same_values and all(
        _same(plain.gradients[k], better.gradients[k]) for k in leaves
    )
    if have_same_values and any(map(math.isnan, values)):
        return plain, [*point.notes]
    if are_same and any(map(math.isinf, values)):
        are_sure = all((better.gradient_bound(k) or 0.0) < math.inf for k in leaves)
        return plain if are_sure else better, [*point.notes]
    if are_same and not count and request.arithmetic == "auto" and not set(places) & set(doubts):
        return plain, [*point.notes, *better.notes]
    why = remedy(point, plain, bounds, better, doubts) if explains else []
    return better, [*why, *better.notes]


def _same(a: float, b: float) -> bool:
    return a == b or (a != a and b != b)


def decimals(point: Point, table: Numbers, digits: int) -> dict[int, str]:
    """The results' values and the leaves' gradients as texts of so many certain digits, by node."""
    from gradcli.reports.digits import certain_text  # late: few ask for them

    texts = {k: certain_text(table.values[k], table.value_bound(k), digits) for k in point.results}
    slopes = {
        leaf: certain_text(table.gradients[leaf], table.gradient_bound(leaf), digits)
        for _, leaf in point.leaves
    }
    return {**texts, **slopes, **table.texts}
