"""A graph of numbers at one point, in as many digits as are asked for."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from gradcli.arithmetic.digits import digits
from gradcli.engine import Machine, Run, backward
from gradcli.graph.nodes import Graph


class InDigits:
    """A graph at exactly these float64 inputs; a run in so many digits is made once, for all.

    Its methods raise OutOfReachError where an operand is too large for mpmath to finish.
    """

    __slots__ = ("_runs", "_sweeps", "graph", "inputs", "output", "upstream")

    def __init__(
        self, graph: Graph, inputs: Sequence[float], output: int, upstream: float = 1.0
    ) -> None:
        self.graph = graph
        self.inputs = inputs
        self.output = output
        self.upstream = upstream
        self._runs: dict[int, Run] = {}
        self._sweeps: dict[int, Run] = {}

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

    def _forward(self, count: int, stop: int | None = None) -> Run:
        arithmetic = digits(count)
        inputs = [arithmetic.number(x) for x in self.inputs]
        return Machine(self.graph, arithmetic).run(inputs, stop)
