"""Backpropagation: fprop and bprop over any arithmetic.

A `Machine` is a graph with one forward and one pullback function bound to every gate. A `Run` is
one evaluation: the values, and after the backward pass the gradients. The machine can run again
and again; two runs never share anything.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from gradcli.arithmetic.arithmetic import Arithmetic, Forward, Pullback
from gradcli.arithmetic.floats import FAULTS, IEEE
from gradcli.gates.row import Gate
from gradcli.graph.nodes import Graph


class Run:
    """Values and gradients of one evaluation, a list entry per node."""

    __slots__ = ("gradients", "machine", "values")

    def __init__(self, machine: Machine, values: list[Any]) -> None:
        self.machine = machine
        self.values = values
        self.gradients: list[Any] = []


class Machine:
    """A graph bound to an arithmetic."""

    __slots__ = ("arithmetic", "forwards", "graph", "leaves", "pullbacks")

    def __init__(self, graph: Graph, arithmetic: Arithmetic) -> None:
        self.graph = graph
        self.arithmetic = arithmetic
        self.leaves: list[Any] = [arithmetic.zero] * len(graph)  # constants in their places
        for node, constant in graph.constants.items():
            is_number = constant.__class__ is float
            leaf = arithmetic.number(constant) if is_number else arithmetic.static(constant)
            self.leaves[node] = leaf
        self.forwards: list[Forward | None] = []
        self.pullbacks: list[Pullback | None] = []
        self._bind()

    def _bind(self) -> None:
        """Find the two functions of every gate; equal kinds of node share them."""
        active, shapes = self.graph.active, self.graph.shapes
        bound: dict[Any, tuple[Forward | None, Pullback | None]] = {}
        for node, (gate, operands) in enumerate(
            zip(self.graph.gates, self.graph.operands, strict=True)
        ):
            shrunk: tuple[bool, ...] = ()
            kind: Any
            if node in shapes and not gate.is_structural:
                shrunk = tuple([shapes.get(k) != shapes[node] for k in operands])
            if shrunk:
                kind = (gate, *[active[k] for k in operands], shrunk)
            elif len(operands) == 2:
                kind = (gate, active[operands[0]], active[operands[1]])
            else:
                kind = (gate, *[active[k] for k in operands])
            pair = bound.get(kind)
            if pair is None:
                pair = bound[kind] = self._functions(gate, kind[1 : 1 + len(operands)], shrunk)
            self.forwards.append(pair[0])
            self.pullbacks.append(pair[1])

    def _functions(
        self, gate: Gate, active: Sequence[int], shrunk: tuple[bool, ...]
    ) -> tuple[Forward | None, Pullback | None]:
        if not active:
            return None, None
        wants = tuple(bool(a) for a in active)
        return (
            self.arithmetic.forward(gate, len(active)),
            self.arithmetic.pullback(gate, wants, shrunk) if any(wants) else None,
        )

    def run(self, inputs: Sequence[Any], stop: int | None = None) -> Run:
        """A forward pass, of the nodes before `stop`; `inputs` in the order of the graph's."""
        values = self.leaves.copy()
        for node, value in zip(self.graph.inputs.values(), inputs, strict=True):
            values[node] = value
        forward(self, values, stop=stop)
        return Run(self, values)

    def run_again(self, run: Run, held: Mapping[int, Any]) -> Run:
        """A run in which some nodes have the values they are held at, whatever would give them."""
        values, start = run.values.copy(), len(run.values)
        for node in sorted(held):
            forward(self, values, start, node)
            values[node], start = held[node], node + 1
        forward(self, values, start)
        return Run(self, values)


def forward(machine: Machine, values: list[Any], start: int = 0, stop: int | None = None) -> None:
    """Visit the nodes in topological order; compute the value of each from its operands."""
    operands = machine.graph.operands
    with machine.arithmetic.quiet():
        for node, gate in enumerate(machine.forwards[start:stop], start):
            if gate is not None:
                values[node] = gate(values, operands[node])


def backward(run: Run, output: int, upstream: Any) -> None:
    """Visit the nodes in reverse order; hand each gate's gradient on to its operands.

    The output's gradient is `upstream`. A gate multiplies the gradient it has received by its
    local gradients and adds the products to the gradients of its operands, so that gradients add
    up at forks. When a gate's turn comes, all that use it have had theirs.
    """
    sweep(run, {output: upstream})


def sweep(run: Run, upstreams: Mapping[int, Any]) -> None:
    """The backward pass of several outputs at once, each with an upstream gradient of its own."""
    machine, values = run.machine, run.values
    zero, operands, pullbacks = machine.arithmetic.zero, machine.graph.operands, machine.pullbacks
    gradients = run.gradients = [zero] * len(values)
    for output, upstream in upstreams.items():
        gradients[output] = upstream
    with machine.arithmetic.quiet():
        for node in range(max(upstreams), -1, -1):
            pullback, gradient = pullbacks[node], gradients[node]
            if pullback is not None and gradient is not zero:  # `zero` itself: nothing arrived
                pullback(gradient, values, gradients, node, operands[node])


def events(
    run: Run, output: int, upstream: Any, order: Iterable[int]
) -> Iterator[tuple[int, int, Any]]:
    """The backward pass step by step: (consumer, operand, contribution).

    `order` are the nodes to visit, in reverse topological order, the output first. An operand that
    a gate uses twice has two events.
    """
    machine, values = run.machine, run.values
    operands, pullbacks = machine.graph.operands, machine.pullbacks
    active, zero = machine.graph.active, machine.arithmetic.zero
    gradients = {output: upstream}
    for node in order:
        gradient = gradients.get(node, zero)
        if pullbacks[node] is None or gradient is zero:  # `zero` itself: nothing arrived
            continue
        own = [*(values[k] for k in operands[node]), values[node]]
        for operand, part in zip(
            operands[node], _local(pullbacks[node], own, gradient, zero), strict=False
        ):
            if active[operand]:
                gradients[operand] = gradients.get(operand, zero) + part
                yield node, operand, part


def local_gradients(run: Run, nodes: Iterable[int]) -> dict[int, list[Any]]:
    """The local gradients of gates at a run's values; None for operands without a gradient.

    In IEEE semantics where the run's own arithmetic faults: an infinite slope is inf.
    """
    graph, values, arithmetic = run.machine.graph, run.values, run.machine.arithmetic
    one, zero = arithmetic.number(1.0), arithmetic.zero
    gradients: dict[int, list[Any]] = {}
    for node in nodes:
        operands = graph.operands[node]
        wants = tuple(bool(graph.active[k]) for k in operands)
        own = [*(values[k] for k in operands), values[node]]
        pullback = run.machine.pullbacks[node]
        if node in graph.shapes:  # as if nothing had been broadcast
            pullback = arithmetic.pullback(graph.gates[node], wants)
        try:
            with arithmetic.quiet():
                local = _local(pullback, own, one, zero)
        except FAULTS:
            local = _local(IEEE.pullback(graph.gates[node], wants), own, 1.0, 0.0)
        gradients[node] = [
            gradient if active else None for gradient, active in zip(local, wants, strict=False)
        ]
    return gradients


def contributions(run: Run, nodes: Iterable[int]) -> dict[int, list[Any]]:
    """What gates hand on to their operands: upstream x local, in the shape of the operand.

    None for operands without a gradient. The contributions to a node add up to its gradient.
    """
    graph, values, gradients = run.machine.graph, run.values, run.gradients
    handed: dict[int, list[Any]] = {}
    for node in nodes:
        operands = graph.operands[node]
        own = [*(values[k] for k in operands), values[node]]
        with run.machine.arithmetic.quiet():
            parts = _local(
                run.machine.pullbacks[node], own, gradients[node], run.machine.arithmetic.zero
            )
        handed[node] = [
            part if graph.active[k] else None for k, part in zip(operands, parts, strict=False)
        ]
    return handed


def _local(pullback: Pullback | None, own: list[Any], upstream: Any, zero: Any) -> list[Any]:
    """The gradient that a gate adds to each of its operands.

    `own` holds the operands' values and, last, the gate's. The operands have places of their own
    here, so that x*x keeps two entries.
    """
    local = [zero] * len(own)
    if pullback is not None:
        out = len(own) - 1
        pullback(upstream, own, local, out, tuple(range(out)))
    return local
