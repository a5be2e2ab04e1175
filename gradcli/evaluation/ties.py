"""Numbers among the data of a program that are tied: a share and the rest, a cosine and its sine.

A line that is right because of such a tie is right for the data that has it.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from itertools import combinations
from typing import Any

from gradcli.named_tuples import NamedTuple

SAME = 1e-9  # relative: a tie may have been written with fewer digits than float64 has


class Tie(NamedTuple):
    """Names, what holds them together in words, and the last of them by the others."""

    names: tuple[str, ...]
    words: str
    last: Callable[[list[float], float], float]  # of the others, and of what it was

    def restored(self, there: Mapping[str, Any]) -> dict[str, float]:
        """The last of the names where the others have moved."""
        *others, last = [there[name] for name in self.names]
        return {self.names[-1]: self.last(others, last)}


def ties(numbers: Mapping[str, float]) -> Iterator[Tie]:
    """The ties that hold among some numbers."""
    pairs = [*combinations(numbers, 2)]
    for names in [*pairs, *([tuple(numbers)] if len(numbers) > 2 else [])]:
        values = [numbers[name] for name in names]
        if math.isclose(math.fsum(values), 1.0, rel_tol=SAME):
            yield Tie(names, "they sum to 1", _rest)
    for a, b in pairs:
        x, y = numbers[a], numbers[b]
        if math.isclose(x * y, 1.0, rel_tol=SAME):
            yield Tie((a, b), "reciprocals", _reciprocal)
        if math.isclose(x * x + y * y, 1.0, rel_tol=SAME):
            yield Tie((a, b), "sides of a unit vector", _other_side)


def _rest(others: list[float], _: float) -> float:
    return 1.0 - math.fsum(others)


def _reciprocal(others: list[float], _: float) -> float:
    return 1.0 / others[0] if others[0] else math.inf


def _other_side(others: list[float], was: float) -> float:
    return math.copysign(math.sqrt(max(0.0, 1.0 - others[0] ** 2)), was)
