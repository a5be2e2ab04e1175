"""A sum taken apart, so that each of many gradients is checked by the terms its input is in.

    f = t1 + t2 - t3 + ...        df/dx = the derivative of those terms alone that depend on x

The terms that some inputs are in, with all that these are computed from, are a small program of
their own. Where each input is in few of the terms, all gradients of a large program are checked
one by one in a time that grows with its gates, and the rounding of all other terms is left out.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import cached_property

from gradcli.checker.question import Question
from gradcli.engine import Machine
from gradcli.evaluation.costs import work_of_gates
from gradcli.evaluation.point import Point, arithmetic_of
from gradcli.graph.nodes import Graph

SIGNS = {"add": (1, 1), "sub": (1, -1), "neg": (-1,), "copy": (1,)}  # gates that only add up
SCALING = {"mul": (0, 1), "div": (0,), "neg": (0,), "copy": (0,)}  # operands by which a gate scales
MOST_TIMES = 2**53  # that a term is counted: so many are exact in float64
ENOUGH = 60  # nodes of a part: with fewer its making takes longer than its gradients
OF_A_QUESTION, OF_A_NODE = 200, 50  # gate evaluations: a tableau, and the making of a part


class Part:
    """Some questions, and all nodes that their terms and their claims are computed from."""

    __slots__ = ("nodes", "questions", "terms")

    def __init__(self) -> None:
        self.questions: list[Question] = []
        self.nodes: set[int] = set()
        self.terms: set[int] = set()


class Sum:
    """The output of a graph of numbers as a sum of terms."""

    def __init__(self, graph: Graph, output: int) -> None:
        self.graph = graph
        self.scaling: list[int] = []  # the gates that scale the sum, from the output on down
        self.whole = self._below_scaling(output)
        self.weights = self._weights()  # of the terms: how many times each is counted

    def _below_scaling(self, node: int) -> int:
        """The node of the sum itself."""
        graph = self.graph
        while True:
            operands = graph.operands[node]
            moving = [place for place, k in enumerate(operands) if graph.active[k]]
            if len(moving) != 1 or moving[0] not in SCALING.get(graph.gates[node].name, ()):
                return node
            self.scaling.append(node)
            node = operands[moving[0]]

    def _weights(self) -> dict[int, int]:
        graph, weights, times = self.graph, dict[int, int](), {self.whole: 1}
        for node in range(self.whole, -1, -1):
            weight = times.pop(node, 0)
            if not weight or not graph.active[node]:
                continue
            signs = SIGNS.get(graph.gates[node].name)
            if signs is None or abs(weight) > MOST_TIMES:
                weights[node] = weight
                continue
            for operand, sign in zip(graph.operands[node], signs, strict=True):
                times[operand] = times.get(operand, 0) + sign * weight
        return weights

    @cached_property
    def _consumers(self) -> dict[int, list[int]]:
        """The gates that read a node on its way to a term."""
        graph, consumers = self.graph, dict[int, list[int]]()
        for node in graph.ancestors([*self.weights]):
            for operand in graph.operands[node]:
                if graph.active[operand]:
                    consumers.setdefault(operand, []).append(node)
        return consumers

    def _cone(self, leaf: int) -> set[int]:
        """The leaf, and what depends on it as far as the terms."""
        consumers, cone, pending = self._consumers, {leaf}, [leaf]
        while pending:
            for node in consumers.get(pending.pop(), ()):
                if node not in cone:
                    cone.add(node)
                    pending.append(node)
        return cone

    def split(
        self, questions: Iterable[Question], evaluations: int, budget: float
    ) -> list[Part] | None:
        """Parts that have all the questions; None where answering takes more than a budget.

        Each gate of a cone is evaluated so many times, and looked at with each other of its part.
        """
        parts, work = [Part()], 0.0
        for question in sorted(questions, key=lambda question: question.leaf):
            part, cone = parts[-1], self._cone(question.leaf)
            before = len(part.nodes)
            self._take(part, question, cone)
            work += OF_A_NODE * (len(part.nodes) - before) + len(part.nodes)
            work += OF_A_QUESTION + evaluations * work_of_gates(self.graph, cone)
            if work > budget:
                return None
            if len(part.nodes) >= ENOUGH:
                parts.append(Part())
        return [part for part in parts if part.questions]

    def part(self, questions: Iterable[Question]) -> Part:
        """The part that has all of some questions."""
        part = Part()
        for question in questions:
            self._take(part, question, self._cone(question.leaf))
        return part

    def _take(self, part: Part, question: Question, cone: set[int]) -> None:
        """Have a question in a part, with all that its terms and its claim are computed from."""
        terms, operands = self.weights.keys() & cone, self.graph.operands
        part.questions.append(question)
        part.terms |= terms
        pending = [question.leaf, *terms]
        if question.formula is not None:
            pending.append(question.formula)
        while pending:
            node = pending.pop()
            if node not in part.nodes:
                part.nodes.add(node)
                pending.extend(operands[node])

    def at(self, point: Point, part: Part) -> tuple[Point, list[Question]]:
        """A part as a program of its own at a point of the whole, and its questions there."""
        whole = self.graph
        scales = [k for node in self.scaling for k in whole.operands[node] if not whole.active[k]]
        graph, moved = whole.part(sorted(part.nodes.union(whole.ancestors(scales))))
        output = self._sum(graph, {moved[k]: self.weights[k] for k in sorted(part.terms)})
        for node in reversed(self.scaling):
            operands = [output if whole.active[k] else moved[k] for k in whole.operands[node]]
            output = graph.add(whole.gates[node], tuple(operands))
        values = point.run.values
        inputs = [values[node] for node in moved if not whole.operands[node] and whole.active[node]]
        run = Machine(graph, arithmetic_of(graph)).run(inputs)
        names = {new: point.names[node] for node, new in moved.items() if node in point.names}
        alone = point.program._replace(graph=graph, output=output, parts=None, upstream=None)
        there = Point(alone, run, point.upstream, names)
        return there, [question.at(moved) for question in part.questions]

    def _sum(self, graph: Graph, weights: dict[int, int]) -> int:
        """The node of the sum of some terms, each so many times; 0 where there are none.

        They are added in pairs, so that few sums depend on each.
        """
        terms = [self._counted(graph, term, weight) for term, weight in weights.items()]
        while len(terms) > 1:
            pairs = zip(terms[::2], terms[1::2], strict=False)
            odd = terms[-1:] if len(terms) % 2 else []
            terms = [*[graph.add(graph.table["add"], pair) for pair in pairs], *odd]
        return terms[0] if terms else graph.constant(0.0)

    def _counted(self, graph: Graph, term: int, weight: int) -> int:
        """The node of a term so many times."""
        if weight == 1:
            return term
        return graph.add(graph.table["mul"], (graph.constant(float(weight)), term))
