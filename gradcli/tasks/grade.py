"""Grades from the verdicts on answers, and from the key where there is one."""

from __future__ import annotations

import json

from gradcli.errors import FileError, GradcliError
from gradcli.program.model import Program
from gradcli.program.reader import read
from gradcli.reports.checks import Case
from gradcli.reports.grades import Grade

UNNAMED = "unnamed"
UNDECIDED = ("undefined", "inconclusive")


def _numbers(program: Program) -> Program:
    """The program, or the one of numbers that a program of arrays stands for."""
    if not program.graph.has_arrays:
        return program
    from gradcli.tasks.array_run import as_numbers  # late: numbers do not need numpy

    return as_numbers(program)


class Key:
    """The solution of an exercise: its circuit, and the gradients that are asked for."""

    def __init__(self, text: str, name: str) -> None:
        try:
            solution = json.loads(text)["solution"]
        except (ValueError, KeyError, TypeError):
            hint = "`gradcli exercise -o FILE` writes one"
            raise FileError(f"{name} is not a key file", hint=hint) from None
        self.program = _numbers(read(solution, name))
        self.asked = list(self.program.claims)

    def is_of(self, program: Program) -> bool:
        """Whether an answer has the forward part of the exercise."""
        return _circuit(self.program) == _circuit(program)


def _circuit(program: Program) -> object:
    graph, count = program.graph, program.forward_nodes
    gates = [gate.name for gate in graph.gates[:count]]
    names = {node: name for node, name in graph.names.items() if node < count}
    constants = {node: value for node, value in graph.constants.items() if node < count}
    return gates, graph.operands[:count], names, constants


def grade(case: Case, text: str, key: Key | None) -> Grade:
    """What an answer is worth; with a key it must be an answer to that exercise."""
    if case.problem is not None:
        asked = len(key.asked) if key else 0
        return Grade(case.file, 0, asked, [], [], case.problem.message)
    program = _numbers(read(text, case.file))
    asked_names = key.asked if key else list(dict.fromkeys([*program.claims, *program.inputs]))
    if key is not None and not key.is_of(program):
        return Grade(case.file, 0, len(key.asked), [], [], "the forward part is not the exercise's")
    missing = [name for name in asked_names if name not in program.claims]
    names = {line.statement.target: str(line.name) for line in program.lines if line.name}
    wrong = {names[line.name.partition("[")[0]] for line in case.lines if line.is_accused}
    undecided = {
        names[line.name.partition("[")[0]]: line.verdict
        for line in case.lines
        if line.verdict in UNDECIDED
    }
    lost = {*wrong, *missing, *undecided}
    right = [name for name in asked_names if name not in lost]
    mistakes = [line.mistake or UNNAMED for line in case.lines if line.is_accused]
    return Grade(case.file, len(right), len(asked_names), mistakes, missing, undecided=undecided)


def grade_text(case: Case, text: str, key: Key | None) -> Grade:
    """The same; what cannot be read again has the case's problem."""
    try:
        return grade(case, text, key)
    except GradcliError as error:
        return Grade(case.file, 0, len(key.asked) if key else 0, [], [], error.message)
