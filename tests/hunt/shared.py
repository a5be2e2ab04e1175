"""Many digits that several questions about one case have in common.

`eval` and `check` of one case, and each claim on it, look at one graph at one point. What is found
there in many digits depends on nothing else, so that finding it again would tell nothing new.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from gradcli.evaluation.in_digits import InDigits
from gradcli.evaluation.point import Point

Key = tuple[Any, ...]


@contextmanager
def shared_digits() -> Iterator[None]:
    """Points of equal graphs at equal inputs share what they find in many digits, in here."""
    own = Point.in_digits
    points: dict[Key, InDigits] = {}

    def in_digits(point: Point) -> InDigits:
        if point._in_digits is None:
            point._in_digits = points.setdefault(_key(point), own.fget(point))  # type: ignore[misc]
        return point._in_digits

    Point.in_digits = property(in_digits)  # type: ignore[assignment, method-assign]
    try:
        yield
    finally:
        Point.in_digits = own  # type: ignore[method-assign]


def _key(point: Point) -> Key:
    """All that many digits depend on."""
    graph = point.program.graph
    constants = tuple((node, repr(x)) for node, x in graph.constants.items())
    gates = tuple(gate.name for gate in graph.gates)
    leaves = tuple(graph.inputs.items())
    settings = (*map(repr, point.inputs), point.program.output, repr(point.upstream))
    return gates, tuple(graph.operands), constants, leaves, settings
