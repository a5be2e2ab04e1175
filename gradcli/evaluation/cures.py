"""The cure for digits that float64 loses: a rewriting that it computes well at this very point.

A cure is shown only after it has been computed: the words are those of the nodes that were run.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from gradcli.arithmetic.floats import IEEE
from gradcli.engine import Machine, Run, backward
from gradcli.evaluation.numbers import Numbers, sweep_bounds
from gradcli.graph.nodes import Graph
from gradcli.transform.fuse import GATED, REWRITTEN, Forms, fused

WAYS = ((GATED,), (REWRITTEN,), (REWRITTEN, GATED), (GATED, REWRITTEN))
MOST_CURES = 3  # of a program: others are of the same kinds, element by element
CERTAIN, TINY = 1e-10, 1e-320  # relative and absolute bound on errors that near by still serve
SHOWN = 1e-12  # relative: what a table does not show of a gradient
NAMELESS = "?"  # what is too long for its own words and has no stage number
LAST_DIGITS = 8  # units in the last place that a cure may be off: a few gates, each rounded


class _Cured(NamedTuple):
    """A graph in which forms have been replaced."""

    graph: Graph
    moved: Mapping[int, int]  # from the nodes of the program
    used: Sequence[int]  # the nodes that took the place of a form


def cure(point: Any, better: Numbers) -> str:
    """Rewritings that give value and gradients to the last digits at a Point, in words; or ""."""
    program = point.program
    if program.upstream is not None:
        return ""
    for forms in WAYS:
        cured = _rewritten(program.graph, program.output, forms)
        if not cured.used:
            continue
        run = Machine(cured.graph, IEEE).run(point.inputs)
        if _is_right(point, cured, run, better):
            ways = [*dict.fromkeys(_in_words(point, cured, run, better))]
            more = len(ways) - MOST_CURES
            return ", ".join(ways[:MOST_CURES]) + (f" and {more} more" if more > 0 else "")
    return ""


def _rewritten(graph: Graph, output: int, steps: Iterable[Forms]) -> _Cured:
    """The graph after one pass for each set of forms."""
    cured = _Cured(graph, {node: node for node in range(len(graph))}, [])
    for forms in steps:
        step = fused(cured.graph, [cured.moved[output]], forms)
        moved = {old: step.moved[k] for old, k in cured.moved.items() if k in step.moved}
        used = [step.moved[node] for node in cured.used] + step.used
        cured = _Cured(step.graph, moved, used)
    return cured


def _is_right(point: Any, cured: _Cured, run: Run, better: Numbers) -> bool:
    """Whether value and gradients are right here, and certain, so that they are near by as well."""
    program, output = point.program, cured.moved[point.program.output]
    has_gradients = point.upstream is not None
    if has_gradients:
        backward(run, output, point.upstream)
    bounds = sweep_bounds(run, output, None, has_gradients)
    value, truth = run.values[output], better.values[program.output]
    if not (_is_exact(value, truth) and bounds.values[output] <= CERTAIN * abs(truth) + TINY):
        return False
    leaves = {leaf: cured.graph.inputs[name] for name, leaf in program.graph.inputs.items()}
    for _, leaf in point.leaves:
        error, slope = bounds.gradients[leaves[leaf]], better.gradients[leaf]
        gap = abs(run.gradients[leaves[leaf]] - slope)
        if not (gap <= SHOWN * abs(slope) + TINY and error <= CERTAIN * abs(slope) + TINY):
            return False
    return True


def _is_exact(number: float, truth: float) -> bool:
    """Whether a number is right to the last digits."""
    return math.isfinite(truth) and abs(number - truth) <= LAST_DIGITS * math.ulp(truth)


def _in_words(point: Any, cured: _Cured, run: Run, better: Numbers) -> Iterator[str]:
    """The largest rewritings, if they are right by themselves, as text that reads back as they are.

    A stage number stands for the stage as the program has it, so nothing in it may be rewritten.
    """
    graph, is_used = cured.graph, bytearray(len(cured.graph))
    for node in cured.used:
        is_used[node] = 1
    is_changed = bytearray(is_used)
    for node, operands in enumerate(graph.operands):
        is_changed[node] |= any(is_changed[k] for k in operands)
    origins = {new: old for old, new in cured.moved.items()}
    phrases = graph.phrases({
        node: NAMELESS if is_changed[node] else point.names.get(origins.get(node), NAMELESS)
        for node in range(len(graph))
    })  # fmt: skip
    for node in _outermost(graph, cured.moved[point.program.output], is_used):
        old, text = origins.get(node), phrases[node][0]
        is_right = old is not None and _is_exact(run.values[node], better.values[old])
        if is_right and NAMELESS not in text:
            yield text


def _outermost(graph: Graph, output: int, is_used: bytearray) -> list[int]:
    """The nodes that took the place of a form and stand in no larger such node's text."""
    is_live = graph.reaches(output)
    is_inside = bytearray(len(graph))
    tops = []
    for node in range(output, -1, -1):
        if is_live[node] and is_used[node] and not is_inside[node]:
            tops.append(node)
        if is_inside[node] or is_used[node]:
            for operand in graph.operands[node]:
                is_inside[operand] |= graph.is_leaf(operand) or operand not in graph.names
    return tops[::-1]
