"""A graph of numbers at one point, in as many digits as are asked for."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from gradcli.arithmetic.bounds.bounded import Bounded
from gradcli.arithmetic.bounds.numbers import value_bounds_of_digits
from gradcli.arithmetic.digits import digits
from gradcli.arithmetic.work import OutOfReachError, pass_price, spend
from gradcli.engine import Machine, Run, backward
from gradcli.evaluation.branches import with_branches_taken
from gradcli.evaluation.sweeps import Bounding, depth, is_certain
from gradcli.graph.nodes import Graph

SLOW = (
    "gamma", "lgamma", "digamma", "polygamma", "erf", "erfc", "normcdf", "erfcx", "erfinv", "gelu",
)  # fmt: skip
FEW = 50  # digits, in which nearly all numbers are certain
DEEPEST = 5_000  # digits below the first ones that are looked for: an exp takes 50 ms there
SLOWLY = 2_000  # where a gate takes a hundred times as long
CREEPING = 200  # digits more each time
BOTTOMLESS = 2**60
SURE = 1_000  # digits that are always tried, where there are not too many gates
MOST_TOLD = 10**12  # digits that are counted in words
MOST_WORK = 2e8  # gates times the square of the digits, above that: some 2 s


class InDigits:
    """A graph at exactly these float64 inputs; a run in so many digits is made once, for all.

    Its methods raise OutOfReachError where an operand is too large for mpmath to finish.
    """

    __slots__ = (
        "_bounded", "_hides", "_results", "_runs", "_sweeps", "_taken", "gradients", "graph",
        "inputs", "limits", "output", "upstream",
    )  # fmt: skip

    def __init__(
        self, graph: Graph, inputs: Sequence[float], output: int, upstream: float = 1.0
    ) -> None:
        self.graph = graph
        self.inputs = inputs
        self.output = output
        self.upstream = upstream
        self._runs: dict[int, Run] = {}
        self._sweeps: dict[int, Run] = {}
        self._results: dict[int, Bounded] = {}
        self._hides: int | None = None
        self._bounded: dict[int, Run] = {}
        self._taken: InDigits | None = None
        self.gradients: Any = None  # by the gates, kept for `orders`
        self.limits: dict[tuple[int, float], Any] = {}  # by leaf and upstream; or why there is none

    @property
    def taken(self) -> InDigits:
        """The point with the branches it takes, for all that looks near it only."""
        if self._taken is None:
            graph = with_branches_taken(self.graph, self.inputs, self.output)
            is_whole, point = graph is self.graph, (self.inputs, self.output, self.upstream)
            self._taken = self if is_whole else InDigits(graph, *point)
        return self._taken

    def run(self, count: int) -> Run:
        """A forward pass, as far as the output."""
        if count not in self._runs:
            self._runs[count] = self._forward(count, self.output + 1)
        return self._runs[count]

    def sweep(self, count: int) -> Run:
        """A forward pass through all of the graph, and the backward pass from the output."""
        if count not in self._sweeps:
            run = self._forward(count)
            upstream: Any = run.machine.arithmetic.number(self.upstream)
            backward(run, self.output, upstream)
            self._sweeps[count] = run
        return self._sweeps[count]

    def depth(self, count: int) -> int:
        """The digits below its first ones at which a number tells something, by so many digits."""
        return depth(self.graph, self.inputs, self.output, self.upstream, count)

    def deeper(self, count: int, deep: int) -> int:
        """The depth to look at next, where so many digits have not been enough.

        A depth that creeps along with the digits is that of rounding, and tells nothing: what is
        looked for is 0, or far deeper.
        """
        below = self.depth(count)
        if not 0 < deep < below <= deep + CREEPING:
            return below
        return 2 * deep if 2 * deep <= DEEPEST else BOTTOMLESS

    def result(self, count: int) -> Bounded:
        """The output with the bound on its error; it may be out of reach, with an infinite one."""
        if count not in self._results:
            stop = self.output + 1
            try:
                run = Bounding(self.graph, count).run(self.inputs, stop)
            except (OutOfReachError, OverflowError):
                run = Bounding(self.graph, count, at_limits=True).run(self.inputs, stop)
            self._results[count] = run.values[self.output]
        return self._results[count]

    @property
    def hides(self) -> int:
        """The digits to be taken beyond the usual for the output to be certain; mostly 0.

        As many as are needed to find that they are too many, where they are.
        """
        if self._hides is None:
            deep = 0
            while not is_certain(self.result(FEW + deep)):
                below = self.deeper(FEW + deep, deep)
                if below <= deep:
                    break
                deep = below
                if not is_within_reach(self.graph, deep):
                    break
            self._hides = deep
        return self._hides

    def bounded(self, count: int) -> Run:
        """A forward pass, as far as the output, of numbers with bounds on their errors."""
        if count not in self._bounded:
            spend(pass_price(len(self.graph), count))
            arithmetic = value_bounds_of_digits(digits(count))
            inputs = [arithmetic.number(x) for x in self.inputs]
            self._bounded[count] = Machine(self.graph, arithmetic).run(inputs, self.output + 1)
        return self._bounded[count]

    def _forward(self, count: int, stop: int | None = None) -> Run:
        spend(pass_price(len(self.graph), count))
        arithmetic = digits(count)
        inputs = [arithmetic.number(x) for x in self.inputs]
        return Machine(self.graph, arithmetic).run(inputs, stop)


def is_within_reach(graph: Graph, count: int) -> bool:
    """Whether there is time to look so many digits below the first ones."""
    gates = len(graph)
    is_slow = any(gate.name in SLOW for gate in graph.gates)
    if count > (SLOWLY if is_slow else DEEPEST):
        return False
    return count <= SURE or gates * count**2 <= MOST_WORK


def hidden(count: int) -> str:
    """Why nothing is known where what decides stands so many digits deep, in words."""
    many = str(count) if count < MOST_TOLD else "too many"
    return f"what decides it stands {many} digits below the first ones"
