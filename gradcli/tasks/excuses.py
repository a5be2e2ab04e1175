"""Why a line may be right for the data given and not near by: what the data has to do with itself.

A line may read a number for the size of an array, or hold a number that was worked out from the
data. Such lines are not accused where the data moves. Data at 0, 1 or -1 excuses nothing: there
a mistake hides for good.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Iterator, Sequence
from itertools import combinations_with_replacement
from typing import Any

from gradcli.evaluation.elsewhere import Surroundings
from gradcli.evaluation.ties import SAME, Tie, ties
from gradcli.named_tuples import NamedTuple

NEUTRAL = (0.0, 1.0, -1.0)
USUAL = (0.0, 1.0, 2.0, 0.5)  # numbers that stand in derivatives, whatever the data
MOST_TIED = 30  # numbers among which ties are looked for


class Excuse(NamedTuple):
    """Data that holds still, or that a tie holds together, and why it may have to."""

    names: Sequence[str]
    words: str
    held: frozenset[str] = frozenset()
    tie: Tie | None = None


def excuses(around: Surroundings, lines: Collection[str]) -> Iterator[Excuse]:
    """What may excuse some lines that are wrong where the data has moved."""
    data = {n: around.values[n] for n in sorted(around.data) if n not in around.still}
    numbers = {n: x for n, x in data.items() if isinstance(x, float)}
    for name, x in numbers.items():
        known = dict.fromkeys(_of_arrays(around)) if x not in NEUTRAL else ()
        for number, words, *arrays in known:
            if math.isclose(x, number, rel_tol=SAME):
                yield Excuse([name], words, frozenset({name, *arrays}))
    for tie in ties(numbers) if len(numbers) <= MOST_TIED else ():
        yield Excuse(tie.names, tie.words, tie=tie)
    written = _numbers_in(around, lines)
    unusual = written.difference(USUAL)
    for name, x in data.items():
        if isinstance(x, float):
            is_held = x not in NEUTRAL and (x in written or unusual)
        else:
            is_held = bool(unusual) and x.min() != x.max()
        if is_held:
            yield Excuse([name], "numbers in the line", frozenset({name}))


def _of_arrays(around: Surroundings) -> Iterator[tuple[Any, ...]]:
    """Numbers that belong to the arrays of a program, with words, and the array they come from."""
    arrays = {name: x for name, x in around.values.items() if not isinstance(x, float)}
    lengths = sorted({float(n) for x in arrays.values() for n in x.shape})
    for product in (*lengths, *(a * b for a, b in combinations_with_replacement(lengths, 2))):
        yield product, "the size of an array"
    for name, x in arrays.items():
        yield float(x.size), "the size of an array"
        yield float((x != 0).sum()), f"how many of {name} are not 0", name
        yield float(x.sum()), f"the sum of {name}", name
        yield float(x.mean()), f"the mean of {name}", name
        yield float(x.std()), f"the deviation of {name}", name
        yield math.sqrt(float((x * x).sum())), f"the norm of {name}", name


def _numbers_in(around: Surroundings, lines: Collection[str]) -> set[float]:
    """The numbers that stand in some lines and in no forward line."""
    program = around.program
    graph = program.graph
    numbers: set[float] = set()
    for line in program.lines:
        tree, target = line.statement.tree, line.statement.target
        if tree is not None and any(n == target or n.startswith(f"{target}[") for n in lines):
            pairs = zip(tree.ops, tree.args, strict=True)
            numbers.update(arg for op, arg in pairs if op == "number")
    is_live = graph.reaches(program.output)
    return numbers - {
        c for node, c in graph.constants.items() if is_live[node] and isinstance(c, float)
    }
