"""Verdicts on the entries of Jacobians and Hessians, and the claims on them.

An entry of a Jacobian is the derivative of one element of the output, and is checked as a gradient
is. An entry of a Hessian is checked against the second derivative of the values of f.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import groupby
from typing import Any

import numpy as np

from gradcli.arithmetic.floats import IEEE
from gradcli.checker.curvatures import EVALUATIONS as OF_CURVATURES
from gradcli.checker.curvatures import Curvatures
from gradcli.checker.evidence import BEYOND_BUDGET
from gradcli.checker.evidence import EVALUATIONS as OF_SLOPES
from gradcli.checker.question import Question, passed_back
from gradcli.checker.verdicts import check, constant_answer
from gradcli.engine import Machine, backward
from gradcli.evaluation.point import Point, inputs_of
from gradcli.program.model import Element, Program
from gradcli.reports.evaluations import EntryChecks, InputCheck, worst
from gradcli.requests import Request
from gradcli.tasks.blocks import OUTPUT, Derivative
from gradcli.transform.elements import Circuit

MOST_ENTRIES = 20_000  # that are checked one by one: each has a verdict of its own
TOO_LARGE = "not checked: there are too many entries, or too many gates, to check one by one"


class Entry:
    """An entry of a Jacobian or a Hessian: what is differentiated, by what, and the number."""

    __slots__ = ("by", "given", "number", "of")

    def __init__(self, of: Element, by: Element, number: float, given: float | None) -> None:
        self.of = of
        self.by = by
        self.number = number  # the engine's
        self.given = given  # by gates of the user's own; None without such

    @property
    def name(self) -> str:
        """What reports call it."""
        return f"{self.of} by {self.by}"

    @property
    def element(self) -> Element | None:
        """Its place in the block, None where that is one number."""
        index = (*self.of.index, *self.by.index)
        return Element(f"{self.of.name} by {self.by.name}", index) if index else None


def entry_checks(
    program: Program, derivative: Derivative, request: Request, claims: Mapping[str, float]
) -> EntryChecks:
    """The verdicts on all entries, those with a claim held to it; `claims` are by their names."""
    reason = obstacle(derivative, program.output, request)
    if reason is None and derivative.circuit is not None:
        kind = _Slopes if derivative.kind == "jacobian" else _Curvatures
        entries = [*_entries(program, derivative)]
        questions = [_question(x, derivative.circuit, claims, request) for x in entries]
        checks = kind(program, derivative, request).checks(entries, questions)
        own = {x.name for x in entries if x.given is not None and x.name not in claims}
        checks = {name: passed_back(c) if name in own else c for name, c in checks.items()}
    else:
        names = [f"{of} by {by}" for of, row in derivative.blocks.items() for by in row]
        checks = {name: _unchecked(name, str(reason)) for name in names}
    words = {
        of: {by: _verdicts(of, by, block.values, checks) for by, block in row.items()}
        for of, row in derivative.blocks.items()
    }
    return EntryChecks(
        worst([answer.verdict for answer in checks.values()]),
        words[OUTPUT] if derivative.kind == "jacobian" else words,
        checks,
    )


def _entries(program: Program, derivative: Derivative) -> Iterator[Entry]:
    """The entries, those of one row in a run."""
    graph = program.graph
    for of, blocks in derivative.blocks.items():
        node = program.output if derivative.kind == "jacobian" else graph.inputs[of]
        for row in np.ndindex(graph.shape(node)):
            for by, block in blocks.items():
                for at, given in np.ndenumerate(block.values[row]):
                    places = Element(of, row), Element(by, at)
                    if derivative.derived is None:
                        yield Entry(*places, float(given), None)
                    else:
                        derived = derivative.derived[of][by].values[row]
                        yield Entry(*places, float(derived[at]), float(given))


def obstacle(derivative: Derivative, output: int, request: Request) -> str | None:
    """Why the entries cannot be checked; None where they can."""
    if derivative.circuit is None:
        return TOO_LARGE
    graph = derivative.circuit.graph
    count = sum(block.values.size for row in derivative.blocks.values() for block in row.values())
    if count > MOST_ENTRIES:
        return TOO_LARGE
    if derivative.kind == "hessian":
        cost = count * len(graph) * OF_CURVATURES
    else:
        cones = [graph.ancestors([int(k)]) for k in derivative.circuit.elements[output].flat]
        cost = sum(len(cone) * sum(map(graph.is_leaf, cone)) for cone in cones) * OF_SLOPES
    return BEYOND_BUDGET if cost > request.check_budget else None


def _question(
    entry: Entry, circuit: Circuit, claims: Mapping[str, float], request: Request
) -> Question:
    claim = claims.get(entry.name, entry.given)
    leaf = circuit.graph.inputs[str(entry.by)]
    exact = request.exact or entry.name in claims
    return Question(entry.name, leaf, entry.number, claim, None, exact, entry.element)


def _unchecked(name: str, reason: str) -> InputCheck:
    return InputCheck(name, "inconclusive", None, None, None, None, None, None, reason)


def _verdicts(of: str, by: str, values: Any, checks: Mapping[str, InputCheck]) -> Any:
    """The verdicts on a block, in its shape."""
    block = f"{of} by {by}"
    words = np.full(np.shape(values), "inconclusive", dtype=object)
    for answer in checks.values():
        if answer.whole == block and answer.element is not None:
            words[answer.place] = answer.verdict
        elif answer.name == block:
            words[...] = answer.verdict
    return words.tolist()


class _Slopes:
    """The entries of a Jacobian: each row is the gradient of one element of the output."""

    def __init__(self, program: Program, derivative: Derivative, request: Request) -> None:
        assert derivative.circuit is not None
        self.program = program
        self.circuit = circuit = derivative.circuit
        self.request = request
        self.roots = circuit.elements[program.output]
        self.inputs = numbers_of(program)

    def checks(
        self, entries: Sequence[Entry], questions: Sequence[Question]
    ) -> dict[str, InputCheck]:
        """The verdicts by name."""
        checks: dict[str, InputCheck] = {}
        pairs = zip(entries, questions, strict=True)
        for of, row in groupby(pairs, lambda pair: pair[0].of):
            checks |= self._row(int(self.roots[of.index]), [question for _, question in row])
        return checks

    def _row(self, root: int, questions: list[Question]) -> dict[str, InputCheck]:
        graph, moved = self.circuit.graph.part(self.circuit.graph.ancestors([root]))
        run = Machine(graph, IEEE).run([self.inputs[name] for name in graph.inputs])
        backward(run, moved[root], 1.0)
        called = self.circuit.called(self.program.output, root)
        names = {moved[k]: name for k, name in called.items() if k in moved}
        alone = self.program._replace(graph=graph, output=moved[root], parts=None, upstream=None)
        checks = {q.name: constant_answer(q) for q in questions if q.leaf not in moved}
        inner = [q.at(moved) for q in questions if q.leaf in moved]
        if inner:
            point = Point(alone, run, 1.0, names)
            checks |= check(point, inner, self.request).inputs
        return {q.name: checks[q.name] for q in questions}


class _Curvatures:
    """The entries of a Hessian."""

    def __init__(self, program: Program, derivative: Derivative, request: Request) -> None:
        circuit, limits = derivative.circuit, derivative.limits
        assert circuit is not None
        assert limits is not None
        graph, output = circuit.graph, int(circuit.elements[program.output])
        inputs = numbers_of(program)
        run = Machine(graph, IEEE).run([inputs[name] for name in graph.inputs])
        alone = program._replace(graph=graph, output=output, parts=None, upstream=None)
        point = Point(alone, run, 1.0, circuit.called(program.output, output))
        self.leaves = graph.inputs
        self.curvatures = Curvatures(point, request.tolerance, limits)

    def checks(
        self, entries: Sequence[Entry], questions: Sequence[Question]
    ) -> dict[str, InputCheck]:
        """The verdicts by name."""
        return {
            question.name: self.curvatures.verdict(question, self.leaves[str(entry.of)])
            for entry, question in zip(entries, questions, strict=True)
        }


def numbers_of(program: Program) -> dict[str, float]:
    """What every number that is an input is set to, by its name."""
    return {
        str(Element(name, at)): float(x)
        for name, value in zip(program.graph.inputs, inputs_of(program), strict=True)
        for at, x in np.ndenumerate(value)
    }
