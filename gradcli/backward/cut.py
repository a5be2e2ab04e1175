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

from collections.abc import Sequence
from typing import Any

from gradcli.arithmetic.arithmetic import Arithmetic
from gradcli.engine import Machine, Run, events
from gradcli.gates.shapes import Shape
from gradcli.graph.nodes import Graph
from gradcli.named_tuples import NamedTuple
from gradcli.program.model import Element, Program, elements

Uses = dict[Element, dict[Element, list[Any]]]  # of a name: by consumer, what each use sends back


class LocalProblem(NamedTuple):
    """A graph of its own whose derivatives by its inputs are what lines must give."""

    graph: Graph
    output: int
    moved: dict[int, int]  # the graph's numbers of the nodes of the cut graph
    inputs: list[int]  # of the cut graph, in the order of the graph's


class Cut:
    """The cut graph of a program, and its nodes by the names of numbers, or of whole arrays."""

    def __init__(self, program: Program, output: Element) -> None:
        self.graph = Graph(program.graph.table)
        # Leaves stand beside definitions.
        self.graph.most_elements = 2 * program.graph.most_elements
        self.leaves: dict[Element, int] = {}
        self.names: dict[int, Element] = {}  # of the leaves
        self.definitions: dict[Element, int] = {}
        self.origin: dict[Element, int] = {}  # of each leaf: the node of the program
        self.output = output
        self.claimed = [
            element
            for name, value in program.claims.items()
            for element, _ in elements(name, value)
        ]
        self.source: dict[int, int] = {}  # the program's node of each
        self._orders: dict[Element, list[int]] = {}
        self._operands: dict[Element, set[str]] = {}
        self._machines: dict[Arithmetic, Machine] = {}
        self._copy(program)

    def _copy(self, program: Program) -> None:
        graph, cut = program.graph, self.graph
        forward = {**program.inputs, **program.stages}
        named = {node: e for name, value in forward.items() for e, node in elements(name, value)}
        moved: list[int] = []
        for node in range(program.forward_nodes):
            self.source[len(cut)] = node
            operands, element = graph.operands[node], named.get(node)
            if node in graph.constants:
                moved.append(_constant(cut, graph.constants[node]))
            elif not operands:
                assert element is not None
                moved.append(self._leaf(element, node, graph.shape(node)))
            else:
                copy = cut.add(graph.gates[node], tuple([moved[k] for k in operands]))
                if node == program.output:
                    self.definitions[self.output] = copy
                if element is not None and element.name in program.claims:
                    self.definitions[element] = copy
                    copy = self._leaf(element, node, graph.shape(node))
                    self.source[copy] = node
                moved.append(copy)
        for node, element in named.items():
            is_late = node >= program.forward_nodes  # an input that only the backward part names
            if is_late and element.name in program.claims:
                self.source[self._leaf(element, node, graph.shape(node))] = node

    def _leaf(self, element: Element, origin: int, shape: Shape) -> int:
        node = self.leaves[element] = self.graph.input(str(element), shape=shape)
        self.names[node] = element
        self.origin[element] = origin
        return node

    def order(self, consumer: Element) -> list[int]:
        """The nodes that a definition is computed from, itself first, in reverse order."""
        if consumer not in self._orders:
            self._orders[consumer] = self.graph.ancestors([self.definitions[consumer]])[::-1]
        return self._orders[consumer]

    def operands(self, consumer: Element) -> set[str]:
        """The names that a definition is computed from, and its own."""
        if consumer not in self._operands:
            order, names = self.order(consumer), self.names
            read = {names[node].name for node in order if node in names}
            self._operands[consumer] = {consumer.name, *read}
        return self._operands[consumer]

    def run(self, values: Sequence[Any], arithmetic: Arithmetic) -> Run:
        """The cut graph at the values that a run of the program has."""
        machine = self._machines.get(arithmetic)
        if machine is None:
            machine = self._machines[arithmetic] = Machine(self.graph, arithmetic)
        return machine.run([values[node] for node in self.origin.values()])

    def uses(self, run: Run, upstream: dict[Element, Any]) -> Uses:
        """The amounts that consumers send back to each leaf, by upstream gradients of consumers."""
        names = self.names
        uses: Uses = {element: {} for element in self.leaves}
        for consumer, definition in self.definitions.items():
            order = self.order(consumer)
            for node in order:
                if node in names:
                    uses[names[node]][consumer] = []
            for _, operand, amount in events(run, definition, upstream[consumer], order):
                if operand in names:
                    uses[names[operand]][consumer].append(amount)
            for node in order:
                if node in names and not uses[names[node]][consumer]:  # as from floor
                    uses[names[node]][consumer].append(run.machine.arithmetic.zero)
        return uses

    def local_problem(
        self, consumers: Sequence[Element], upstream: dict[Element, Any]
    ) -> LocalProblem:
        """The sum of upstream times definition over some consumers, as a graph of its own.

        Its derivative by a leaf is what the lines that answer for these consumers must give.
        """
        roots = [self.definitions[consumer] for consumer in consumers]
        graph = Graph(self.graph.table)
        graph.most_elements = 2 * self.graph.most_elements
        moved: dict[int, int] = {}
        inputs: list[int] = []
        for node in self.graph.ancestors(roots):
            if node in self.graph.constants:
                moved[node] = _constant(graph, self.graph.constants[node])
            elif self.graph.is_leaf(node):
                moved[node] = graph.input(self.graph.names[node], shape=self.graph.shape(node))
                inputs.append(node)
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
        return LocalProblem(graph, output, moved, inputs)


def _constant(graph: Graph, value: Any) -> int:
    """A number, an array, or a static operand such as an axis."""
    if isinstance(value, tuple):
        return graph.static(value)
    return graph.constant(value) if isinstance(value, float) else graph.array(value)
