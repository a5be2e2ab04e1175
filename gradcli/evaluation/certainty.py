"""Which numbers are reported: those of the float64 sweep where it is certain, else many digits."""

from __future__ import annotations

import math

from gradcli.evaluation.numbers import (
    Numbers,
    delicate,
    doubtful,
    plain_numbers,
    sweep_bounds,
    too_many_gates,
)
from gradcli.evaluation.point import Evaluation
from gradcli.requests import MOST_GATES, Request

FLOAT_DIGITS = 12  # what a certain float64 result has


def certain_numbers(
    found: Evaluation, asked: Request, explains: bool = True
) -> tuple[Numbers, list[str]]:
    """The numbers to report and the notes on them: of the sweep, or in many digits.

    `explains`: the notes say why many digits were needed, and what would cure it. Raises
    LimitError where many digits are asked of too many gates.
    """
    run, program = found.run, found.program
    count = asked.digits or 0
    # The weighted sum of an array's elements is not the user's: it must not cost the bounds.
    is_small = len(program.graph) <= MOST_GATES + 3 * len(program.parts)
    given = None if asked.upstream is not None else program.upstream
    if not is_small and (count or asked.arithmetic == "mpmath"):
        raise too_many_gates("many digits")
    bounds = sweep_bounds(run, program.output, given) if is_small else None
    plain = plain_numbers(run, bounds)
    inputs = [run.values[node] for node in program.graph.inputs.values()]
    if bounds is None or asked.arithmetic == "float64" or not all(map(math.isfinite, inputs)):
        return plain, [*found.notes]
    leaves = [leaf for _, leaf in found.leaves]
    doubts = doubtful(run, bounds, found.results, leaves)
    is_enough = count <= FLOAT_DIGITS and asked.arithmetic == "auto" and not doubts
    if is_enough and not delicate(run, bounds, program.output).intersection(leaves):
        return plain, [*found.notes]
    from gradcli.evaluation.diagnosis import remedy
    from gradcli.evaluation.many_digits import Question as Asked  # late: mpmath is loaded only here
    from gradcli.evaluation.many_digits import recompute

    upstream = found.upstream if given is None else given
    question = Asked(
        program.graph, inputs, program.output, found.results, found.leaves, upstream,
        found.names, count,
    )  # fmt: skip
    better = recompute(question)
    if better is None:
        return plain, [*found.notes, "many digits cannot tell more: an operand is out of reach"]
    places = [*found.results, *leaves]
    are_same = all(plain.values[k] == better.values[k] for k in found.results) and all(
        _same(plain.gradients[k], better.gradients[k]) for k in leaves
    )
    values = [better.values[k] for k in found.results]
    if any(map(math.isnan, values)) or (any(map(math.isinf, values)) and are_same):
        return plain, [*found.notes]
    if are_same and not count and asked.arithmetic == "auto" and not set(places) & set(doubts):
        return plain, [*found.notes, *better.notes]
    why = remedy(found, plain, bounds, better, doubts) if explains else []
    return better, [*why, *better.notes]


def _same(a: float, b: float) -> bool:
    return a == b or (a != a and b != b)
