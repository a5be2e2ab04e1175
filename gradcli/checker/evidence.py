"""The evidence on gradients that the budget allows: on elements, on whole arrays, or none.

Gradients of numbers are checked one by one, in cones with extrapolated differences; arrays that are
too large for that are checked as wholes, by complex steps along directions.
"""

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

from gradcli.checker.question import Question
from gradcli.evaluation.costs import work, work_by_number
from gradcli.evaluation.point import Point
from gradcli.graph.nodes import Graph
from gradcli.reports.evaluations import InputCheck
from gradcli.requests import Request

if TYPE_CHECKING:
    from gradcli.checker.parts import Part, Sum
    from gradcli.transform.elements import Circuit

EVALUATIONS = 14  # of a cone, for one input that needs no many digits
DIRECTIONS = 3  # along which a whole array is checked
PART_OF_A_STEP = 12.0  # evaluations of a gate that has none of complex numbers
ELEMENTS, WHOLES, NOTHING = "elements", "wholes", "nothing"
PARTS = "parts"  # elements, each in a program of those terms of a sum that it is in
OWN = "own"  # gates of the user's own pass back what they say: that is held against slopes
DIGITS_LOST = "float64 loses its digits here"
BEYOND_BUDGET = "not checked: it would take more than the budget (--check-budget)"
ALONG = f"each is checked along {DIRECTIONS} random directions v"
LARGE = f"the arrays are large: {ALONG} (--max-elements N)"
DEAR = f"one by one the elements would take more than the budget: {ALONG} (--check-budget)"


class Evidence:
    """How gradients are checked, one of the kinds above, and a note for the user."""

    __slots__ = ("kind", "note", "parts")

    def __init__(
        self, kind: str, note: str | None = None, parts: "tuple[Sum, list[Part]] | None" = None
    ) -> None:
        self.kind = kind
        self.note = note
        self.parts = parts  # a large sum, and how the questions fall apart


def evidence_at(
    point: Point, questions: Sequence[Question], request: Request, circuit: "Circuit | None" = None
) -> Evidence:
    """The best evidence on some questions that the budget allows, where large sums fall apart."""
    graph, output = point.program.graph, point.program.output
    chosen = evidence(graph, len(questions), request, circuit)
    if chosen.kind != NOTHING or point.is_of_arrays or not math.isfinite(point.run.values[output]):
        return chosen
    from gradcli.checker.parts import Sum  # late: few programs are so large

    whole = Sum(graph, output)
    parts = whole.split(questions, EVALUATIONS, request.check_budget)
    return chosen if parts is None else Evidence(PARTS, None, (whole, parts))


def evidence(
    graph: Graph, gradients: int, request: Request, circuit: "Circuit | None" = None
) -> Evidence:
    """The best evidence on so many gradients that the budget allows.

    `circuit` is that of the numbers a graph of arrays stands for; None where it is too large.
    """
    if graph.own_gates:
        return Evidence(OWN, run_note(graph))
    if not graph.has_arrays:
        if not gradients or gradients * work_by_number(graph) * EVALUATIONS <= request.check_budget:
            return Evidence(ELEMENTS)
        return Evidence(NOTHING, BEYOND_BUDGET)
    if has_none(graph):
        return Evidence(WHOLES)
    note = LARGE
    if circuit is not None:
        elements = sum([math.prod(graph.shape(leaf)) for leaf in graph.inputs.values()])
        gates = max(len(circuit.graph), work_by_number(graph))
        evaluations = elements * gates * EVALUATIONS
        if elements <= request.max_elements and evaluations <= request.check_budget:
            return Evidence(ELEMENTS)
        note = DEAR if elements <= request.max_elements else LARGE
    if cost(graph, gradients) <= request.check_budget:
        return Evidence(WHOLES, note)
    return Evidence(NOTHING, BEYOND_BUDGET)


def has_none(graph: Graph) -> bool:
    """Whether an input is an array without elements, whose shape lists of elements would lose."""
    return any(0 in graph.shape(leaf) for leaf in graph.inputs.values())


def run_note(graph: Graph) -> str | None:
    """A note on gates that run and are not read; None where there is none."""
    names = dict.fromkeys(f"`{gate.name}`" for gate in graph.own_gates if gate.code is not None)
    if not names:
        return None
    verb = "runs and is not read" if len(names) == 1 else "run and are not read"
    return f"{' and '.join(names)} {verb}: what rests on it is an estimate, from values alone"


def cost(graph: Graph, questions: int) -> float:
    """About how many gate evaluations the check of right gradients takes, for the budget."""
    return 2 * DIRECTIONS * questions * work(graph, PART_OF_A_STEP)


def unchecked(question: Question) -> InputCheck:
    """The verdict on a gradient that the budget does not allow to check."""
    is_number = isinstance(question.analytic, float)
    analytic, claim = (question.analytic, question.claim) if is_number else (None, None)
    return InputCheck(
        question.name, "inconclusive", None, analytic, None, None, None, None, BEYOND_BUDGET, claim,
        element=question.element,
    )  # fmt: skip
