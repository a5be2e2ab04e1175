"""The gradients of one backward part at a point, as its lines have them or as the engine does.

written    by the lines of the program: what each consumer sends back is reckoned from these
true       by the engine
in_digits, in_bounds     the written ones in other arithmetics
"""

from __future__ import annotations

from typing import Any

from gradcli.arithmetic.agreement import agree
from gradcli.backward.amounts import Amount
from gradcli.backward.cut import Cut, Uses
from gradcli.engine import Machine, Run, backward
from gradcli.evaluation.numbers import bounded_run
from gradcli.evaluation.point import Point
from gradcli.named_tuples import NamedTuple
from gradcli.program.model import Element, Program, elements
from gradcli.requests import Request


class Passage(NamedTuple):
    """The gradients of all names with lines, and what every consumer sends back by them."""

    run: Run  # of the program
    cut_run: Run
    gradients: dict[Element, Amount]
    upstream: dict[Element, Amount]  # the gradients of the consumers
    uses: Uses

    def expected(self, element: Element) -> Amount:
        """The gradient of a name by those of its consumers."""
        uses = self.uses.get(element, {})
        zero = self.run.machine.arithmetic.zero
        return sum((amount for amounts in uses.values() for amount in amounts), zero)


def _passage(cut: Cut, run: Run, gradients: dict[Element, Amount], upstream: Any) -> Passage:
    own = {consumer: gradients.get(consumer, upstream) for consumer in cut.definitions}
    cut_run = cut.run(run.values, run.machine.arithmetic)
    return Passage(run, cut_run, gradients, own, cut.uses(cut_run, own))


def written(cut: Cut, program: Program, run: Run, upstream: Any) -> Passage:
    """The passage of a program's own lines."""
    gradients = {
        element: run.values[node]
        for name, value in program.claims.items()
        for element, node in elements(name, value)
    }
    return _passage(cut, run, gradients, upstream)


def true(cut: Cut, run: Run, upstream: Any) -> Passage:
    """The passage of the engine."""
    gradients = {element: run.gradients[cut.origin[element]] for element in cut.claimed}
    return _passage(cut, run, gradients, upstream)


class Evidence(NamedTuple):
    """A program at a point, and what its lines are held against."""

    point: Point
    cut: Cut
    written: Passage
    true: Passage
    request: Request
    formulas_only: bool  # numbers are claimed at another point

    @property
    def program(self) -> Program:
        """The program with the lines."""
        return self.point.program

    def agree(self, amount: Amount, other: Amount) -> bool:
        """Whether two amounts are the same within the tolerance."""
        return agree(amount, other, self.request.tolerance)


def evidence_at(point: Point, request: Request, formulas_only: bool = False) -> Evidence:
    """A program that has been run, with all that its lines are held against."""
    program, run, upstream = point.program, point.run, point.upstream
    cut = Cut(program, _output(point))
    own = written(cut, program, run, upstream)
    return Evidence(point, cut, own, true(cut, run, upstream), request, formulas_only)


def _output(point: Point) -> Element:
    """The output as an element: it may be one of a stage, `q[0]`."""
    program = point.program
    for name, value in program.stages.items():
        for element, node in elements(name, value):
            if node == program.output:
                return element
    return Element(point.names[program.output])


class Exactly(NamedTuple):
    """The written gradients, and the engine's, free of rounding or with bounds on it."""

    written: Passage
    true: dict[Element, Amount]

    def rights(self, element: Element, by_engine: bool) -> list[Amount]:
        """What a gradient may be: what its consumers send back by the lines, and the engine's."""
        expected = [] if by_engine else [self.written.expected(element)]
        return [*expected, self.true[element]]


def in_bounds(evidence: Evidence) -> Exactly:
    """The gradients of arrays, with bounds on their rounding."""
    run = bounded_run(evidence.point.run)
    return _exactly(evidence, run, run.machine.arithmetic.static(evidence.point.upstream))


def _exactly(evidence: Evidence, run: Run, upstream: Any) -> Exactly:
    cut, program = evidence.cut, evidence.program
    own = written(cut, program, run, upstream)
    backward(run, program.output, upstream)
    return Exactly(own, {e: run.gradients[cut.origin[e]] for e in cut.claimed})


def in_digits(evidence: Evidence, count: int, is_sharp: bool) -> Exactly | None:
    """The gradients in many digits; None where a number is out of their reach.

    `is_sharp` takes pi, tau and e for what they stand for: a line that writes the slope of erf
    down rounds there.
    """
    from gradcli.arithmetic.digits import digits, sharp_constants  # late: mpmath
    from gradcli.arithmetic.work import unlimited

    arithmetic, graph = digits(count), evidence.program.graph
    inputs = [arithmetic.number(x) for x in evidence.point.inputs]
    machine = Machine(graph, arithmetic)
    if is_sharp:
        sharp = sharp_constants(arithmetic)
        for node, value in graph.constants.items():
            machine.leaves[node] = sharp.get(value, machine.leaves[node])
    upstream = arithmetic.number(evidence.point.upstream)
    try:
        with unlimited():
            return _exactly(evidence, machine.run(inputs), upstream)
    except (ArithmeticError, ValueError):
        return None
