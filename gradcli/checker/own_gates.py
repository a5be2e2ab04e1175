"""Gradients that gates of the user's own pass back, held against the slopes of what they compute.

Where all of them are read, the program is taken apart into numbers, whose slopes many digits can
settle. Where one runs and is not read, the slopes come from the values of the whole program.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from gradcli.checker.blackbox.gradients import Gradients
from gradcli.checker.blackbox.line import Place
from gradcli.checker.question import Question, passed_back
from gradcli.evaluation.point import Point, at
from gradcli.foreign.child import ForeignFault
from gradcli.reports.evaluations import InputCheck
from gradcli.requests import Request
from gradcli.transform.elements import small_circuit, unrolled

LOST = ("timeout", "crash", "exit", "SystemExit", "MemoryError")  # faults that no other point cures

OfElements = Callable[[Point, Sequence[Question], float], dict[str, InputCheck]]


def check_own(
    point: Point, questions: Sequence[Question], request: Request, check_elements: OfElements
) -> dict[str, InputCheck]:
    """The verdicts on gradients, by name; `check_elements` is that of programs of numbers."""
    graph = point.program.graph
    circuit = None if graph.is_opaque else small_circuit(graph)
    if circuit is None:
        return _by_values(point, questions, request)
    weights = point.upstream if graph.shape(point.program.output) else None
    numbers = unrolled(point.program, weights, circuit)
    inputs = [float(x) for value in point.inputs for x in np.ravel(value)]
    wanted = [question.name for question in questions]
    single = at(numbers, inputs, request._replace(upstream=None, wrt=wanted))
    scale = 1.0 if weights is not None else float(point.upstream)
    single.run.gradients = [scale * g for g in single.run.gradients]
    single.upstream = scale
    asked = {question.name: question for question in questions}
    own = []
    for element, leaf in single.leaves:
        question = asked[element.name]
        claim = float(np.asarray(question.checked)[element.index])
        part = element if element.index else None
        true = float(single.run.gradients[leaf])
        own.append(Question(str(element), leaf, true, claim, None, False, part))
    answers = check_elements(single, own, request.tolerance)
    return {name: _own(answer, asked[answer.whole]) for name, answer in answers.items()}


def _by_values(
    point: Point, questions: Sequence[Question], request: Request
) -> dict[str, InputCheck]:
    """The verdicts by the values of the whole program."""
    program, machine = point.program, point.run.machine
    places = {leaf: k for k, leaf in enumerate(program.graph.inputs.values())}

    def values(moved: list[Any]) -> Any:
        inputs = point.inputs
        for question, x in zip(questions, moved, strict=True):
            inputs[places[question.leaf]] = x if np.shape(x) else x[()].item()
        try:
            return np.asarray(machine.run(inputs).values[program.output])
        except ForeignFault as fault:
            if fault.name in LOST:
                raise
            raise ValueError from None

    inputs = [np.asarray(point.inputs[places[question.leaf]]) for question in questions]
    names = [question.name for question in questions]
    claims = [np.asarray(question.checked) for question in questions]
    place = Place(values, inputs, np.asarray(point.upstream))
    checks = Gradients(place, names, claims, request.tolerance, request.seed or 0).checks()
    asked = {question.name: question for question in questions}
    return {name: _own(check, asked[check.whole]) for name, check in checks.items()}


def _own(check: InputCheck, question: Question) -> InputCheck:
    """A verdict on what the gates pass back: that is no claim of the caller's."""
    return check if question.claim is not None else passed_back(check)
