"""The forward part, cut at every name that has a gradient line.

    dx = dq * y        a line of the program, for q = x * y
    claimed            the names with gradient lines, here x
    leaf               a claimed name's value, held fast: what its consumers read
    definition         the node that computes a claimed stage, or the output, from leaves

In the cut graph the derivative of one definition by one leaf is what a single line has to say: it
passes through no other claimed name. A line can so be held against its writer's own upstream
gradients, and one slip makes one wrong line.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

from gradcli.arithmetic import Arithmetic
from gradcli.engine import Machine, Run, events
from gradcli.evaluation.point import numbers
from gradcli.gates.shapes import Shape
from gradcli.graph.nodes import Graph
from gradcli.program.model import Program


class Use(NamedTuple):
    """One use of a name by a gate: the consumer it belongs to and what comes back from there."""

    consumer: str
    gate: int  # in the cut graph
    amount: Any


class Cut:
    """The cut graph of a program. Names are those of numbers, `x` and `w[0]`, or of arrays."""

    def __init__(self, program: Program, output: str) -> None:
        self.graph = Graph(program.graph.table)
        self.graph.most_elements = (
            2 * program.graph.most_elements
        )  # leaves stand beside definitions
        self.leaves: dict[str, int] = {}
        self.definitions: dict[str, int] = {}
        self.origin: dict[str, int] = {}  # of each input of the cut graph, the program's node
        self.output = output
        self.claimed = [
            element for name, value in program.claims.items() for element, _ in numbers(name, value)
        ]
        self.source: dict[int, int] = {}  # the program's node of each
        self._orders: dict[str, list[int]] = {}
        self._copy(program)

    def _copy(self, program: Program) -> None:
        graph, cut = program.graph, self.graph
        forward = {**program.inputs, **program.stages}
        names = {
            node: element
            for name in program.claims
            for element, node in numbers(name, forward[name])
        }
        moved: list[int] = []
        for node in range(program.forward_nodes):
            self.source[len(cut)] = node
            operands = graph.operands[node]
            if node in graph.constants:
                moved.append(_constant(cut, graph.constants[node]))
            elif not operands:
                moved.append(self._leaf(graph.names[node], node, graph.shape(node)))
            else:
                copy = cut.add(graph.gates[node], tuple([moved[k] for k in operands]))
                if node == program.output:
                    self.definitions[self.output] = copy
                if node in names:
                    self.definitions[names[node]] = copy
                    copy = self._leaf(names[node], node, graph.shape(node))
                    self.source[copy] = node
                moved.append(copy)
        for node, element in names.items():
            if node >= program.forward_nodes:  # an input that only the backward part names
                self.source[self._leaf(element, node, graph.shape(node))] = node

    def _leaf(self, name: str, origin: int, shape: Shape) -> int:
        node = self.leaves[name] = self.graph.input(name, shape=shape)
        self.origin[name] = origin
        return node

    def order(self, consumer: str) -> list[int]:
        """The nodes that a definition is computed from, itself first, in reverse order."""
        if consumer not in self._orders:
            self._orders[consumer] = self.graph.ancestors([self.definitions[consumer]])[::-1]
        return self._orders[consumer]

    def run(self, values: Sequence[Any], arithmetic: Arithmetic) -> Run:
        """The cut graph at the values that a run of the program has."""
        return Machine(self.graph, arithmetic).run([values[node] for node in self.origin.values()])

    def uses(self, run: Run, upstream: dict[str, Any]) -> dict[str, list[Use]]:
        """What every consumer sends back to every leaf, for upstream gradients by consumer."""
        names = {node: name for name, node in self.leaves.items()}
        found: dict[str, list[Use]] = {name: [] for name in self.leaves}
        for consumer, definition in self.definitions.items():
            order = self.order(consumer)
            uses_it = dict.fromkeys(names[node] for node in order if node in names)
            for gate, operand, amount in events(run, definition, upstream[consumer], order):
                if operand in names:
                    found[names[operand]].append(Use(consumer, gate, amount))
                    uses_it.pop(names[operand], None)
            for name in uses_it:  # nothing comes back, as from floor
                found[name].append(Use(consumer, definition, run.machine.arithmetic.zero))
        return found

    def local_problem(
        self, consumers: Iterable[str], upstream: dict[str, Any]
    ) -> tuple[Graph, int, dict[int, int]]:
        """The sum of upstream times definition over some consumers, as a graph of its own.

        Its derivative by a leaf is what the lines that answer for these consumers must give.
        Returns the graph, its output, and the new numbers of the cut graph's nodes.
        """
        roots = [self.definitions[consumer] for consumer in consumers]
        kept = self.graph.ancestors(roots)
        graph = Graph(self.graph.table)
        graph.most_elements = 2 * self.graph.most_elements
        moved: dict[int, int] = {}
        for node in kept:
            if node in self.graph.constants:
                moved[node] = _constant(graph, self.graph.constants[node])
            elif self.graph.is_leaf(node):
                moved[node] = graph.input(self.graph.names[node], shape=self.graph.shape(node))
            else:
                operands = tuple([moved[k] for k in self.graph.operands[node]])
                moved[node] = graph.add(self.graph.gates[node], operands)
        output = None
        for consumer, root in zip(consumers, roots, strict=True):
            shape = self.graph.shape(root)
            seed = graph.array(upstream[consumer]) if shape else graph.constant(
                float(upstream[consumer])
            )  # fmt: skip
            term = graph.add(graph.table["mul"], (seed, moved[root]))
            if shape:
                everything = graph.static((tuple(range(len(shape))), False))
                term = graph.add(graph.table["sum"], (term, everything))
            output = term if output is None else graph.add(graph.table["add"], (output, term))
        assert output is not None
        return graph, output, moved


def _constant(graph: Graph, value: Any) -> int:
    """A number, or a static operand such as an axis."""
    return graph.static(value) if isinstance(value, tuple) else graph.constant(value)
