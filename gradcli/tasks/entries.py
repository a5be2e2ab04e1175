"""Entries of Jacobians and Hessians that a kink or a singular slope puts in doubt.

At a kink, reverse mode goes by conventions, and what differentiates a convention proves nothing;
where a slope is infinite it multiplies zero by infinity. There the one-sided limits decide: of f
for an entry of a Jacobian, of its gradient for one of a Hessian.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import NamedTuple

from gradcli.arithmetic.agreement import agree
from gradcli.arithmetic.floats import UNIT_ROUNDOFF
from gradcli.engine import Run
from gradcli.evaluation.in_digits import InDigits
from gradcli.evaluation.limits import Limit, OutOfDigits, limit
from gradcli.evaluation.numbers import EDGE, Bounds, edges, possible_ties
from gradcli.evaluation.second_limits import SecondLimits

EDGED = ("pow", "atan2", "where")  # gates without a kink or a jump of their own, but in places
SAME = 1e-9  # relative: how near reverse mode comes to a limit that it computes


class Entry(NamedTuple):
    """An entry as its limits have it: the number, its bound, and what there is to say."""

    number: float
    bound: float
    remark: str | None = None
    is_of_row: bool = False  # the remark is on all of the row


class Slopes:
    """The slopes of one number, a row of a Jacobian."""

    def __init__(self, run: Run, bounds: Bounds, root: int) -> None:
        graph = run.machine.graph
        self.leaves = graph.inputs
        self.near = near_ties(run, bounds, root)
        self.work = 0  # gates that limits have evaluated in many digits
        self._point = InDigits(graph, [run.values[k] for k in graph.inputs.values()], root)

    def in_doubt(self, name: str) -> bool:
        """Whether a kink may be in the way of an input."""
        return name in self.near

    def entry(self, name: str, known: float) -> Entry:
        """The entry by an input, of which reverse mode says `known`."""
        self.work += len(self._point.graph)
        try:
            at = limit(self._point, self.leaves[name])
        except OutOfDigits as trouble:
            if math.isfinite(known):
                return _convention(known, f"its slopes are unknown: {trouble}")
            return Entry(math.nan, math.inf, f"unknown: {trouble}")
        return _entry(at, known, "the derivative", "f jumps here", "a kink with slopes")


class Curvatures:
    """The derivatives of one element of the gradient, a row of a Hessian."""

    def __init__(
        self, name: str, leaves: Mapping[str, int], near: set[str], near_here: set[str],
        limits: SecondLimits,
    ) -> None:  # fmt: skip
        self.name = name
        self.leaves = leaves
        self.near = near
        self.near_here = near_here
        self._limits = limits

    @property
    def work(self) -> int:
        """The gates that limits have evaluated in many digits, in all rows."""
        return self._limits.work

    def in_doubt(self, name: str) -> bool:
        """Whether a kink may be in the way of either input."""
        return name in self.near_here or name in self.near or self.name in self.near

    def entry(self, name: str, known: float) -> Entry:
        """The entry by an input, of which reverse mode says `known`."""
        try:
            at = self._limits.limit(self.leaves[self.name], self.leaves[name])
        except OutOfDigits as trouble:
            return Entry(math.nan, math.inf, f"unknown: {trouble}")
        if at.reason is not None:
            number, bound, _, _ = _convention(known, "")
            why = f"no second derivative: {at.reason}: what stands there is a convention"
            return Entry(number, bound, why, True)
        jump, kink = "the gradient jumps here", "no second derivative: the gradient has slopes"
        return _entry(at, known, "the second derivative", jump, kink)


Row = Slopes | Curvatures


def near_ties(run: Run, bounds: Bounds, output: int) -> set[str]:
    """The inputs under gates that may stand at a kink, for all that bounds on the values tell."""
    graph = run.machine.graph
    if not any(gate.kink or gate.jump or gate.name in EDGED for gate in graph.gates):
        return set()
    below = possible_ties(run, bounds, output)
    return {name for name, leaf in graph.inputs.items() if leaf in below}


def near_jumps(run: Run, bounds: Bounds) -> list[set[str]]:
    """The inputs under each gate that may stand where it jumps, for all that bounds tell."""
    graph = run.machine.graph
    jumping = [
        node for node, distance, error in edges(run, bounds, run.machine.arithmetic)
        if not abs(distance) > EDGE * error
        and (graph.gates[node].jump or graph.gates[node].name in ("where", "atan2"))
    ]  # fmt: skip
    below = [set(graph.ancestors([node])) for node in jumping]
    return [{name for name, leaf in graph.inputs.items() if leaf in nodes} for nodes in below]


def _entry(at: Limit, known: float, what: str, jump: str, kink: str) -> Entry:
    """What a limit says of an entry, and of what reverse mode makes of it."""
    low, high = sorted((at.left, at.right))
    if at.kind == "jump":
        return _convention(known, jump)
    if at.kind == "nan":
        return Entry(math.nan, math.inf, f"{what} is undefined")
    if at.has_two_slopes:
        return _convention(_between(known, low, high), f"{kink} {low:.6g} and {high:.6g}")
    if at.kind == "infinite":
        ways = [f"{x:g} from the {side}" for x, side in ((at.left, "left"), (at.right, "right"))
                 if not math.isnan(x)]  # fmt: skip
        return Entry(at.slope, math.inf, f"{what} is infinite: {', '.join(ways)}")
    if math.isinf(at.slope):
        return Entry(at.slope, math.inf, f"{what} is larger than any float64")
    if agree(known, at.slope, SAME):
        return Entry(at.slope, at.bound)
    sides = "one side" if at.is_one_sided else "both sides"
    return Entry(
        at.slope,
        at.bound,
        f"reverse mode cannot be trusted here; the limit from {sides} is {at.slope:.6g}",
    )


def _between(known: float, low: float, high: float) -> float:
    """The number of reverse mode, or where that is no choice between two slopes, one of them."""
    near = next((slope for slope in (low, high) if agree(known, slope, SAME)), known)
    return near if low <= near <= high else min(max(0.0, low), high)


def _convention(number: float, why: str) -> Entry:
    """An entry that stands for no derivative, and says so."""
    if not math.isfinite(number):
        return Entry(math.nan, math.inf, why)
    return Entry(number, 2 * UNIT_ROUNDOFF * abs(number), f"{why}; {number:.6g} is a convention")
