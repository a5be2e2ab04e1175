"""Grades from the verdicts on answers, and from the key where there is one."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from gradcli.errors import FileError, GradcliError
from gradcli.evaluation.point import as_numbers, constants_at, in_lists, input_values, upstream_of
from gradcli.graph.nodes import Graph
from gradcli.program.bindings import lower_constant
from gradcli.program.model import Program, nodes_of
from gradcli.program.reader import read
from gradcli.reports.checks import Case
from gradcli.reports.evaluations import Number, worst
from gradcli.reports.grades import Grade
from gradcli.reports.lines import LineCheck
from gradcli.syntax.tokens import line_and_column
from gradcli.tasks.answers import Unread
from gradcli.tasks.check import Checked
from gradcli.tasks.written_lines import stage_lines

UNNAMED, UNREADABLE = "unnamed", "unreadable"
RIGHT = ("pass", "kink")
UNDECIDED = ("undefined", "inconclusive")


class Key(NamedTuple):
    """The solution of an exercise, as far as answers are held to it."""

    circuit: object
    output: str
    gradients: list[str]  # the names of those an answer should have
    inputs: dict[str, Number]
    stages: dict[str, str]  # the forward lines as they are written, by what they assign
    upstream: Number | None  # the gradient of the output that the exercise gives; 1 for a number


def read_key(text: str, name: str) -> Key:
    """The key that `gradcli exercise` has written. Raises FileError."""
    try:
        written = json.loads(text)["solution"]
        solution = read(written, name)
    except (ValueError, KeyError, TypeError, RecursionError, GradcliError):
        solution = None
    if solution is None or not solution.claims:
        folder, file = os.path.split(name)
        beside = os.path.join(folder, f".{file}.key")
        hint = "`gradcli exercise -o FILE` writes one, hidden beside FILE"
        hint = f"that of {name} is {beside}" if os.path.exists(beside) else hint
        raise FileError(f"{name} is not a key file", hint=hint)
    output, upstream = solution.graph.names[solution.output], upstream_of(solution)
    asked = [name for name in solution.claims if name != output or upstream == 1]
    return Key(_circuit(solution), output, asked, input_values(solution), stage_lines(written),
               upstream)  # fmt: skip


def grade(checked: Checked, key: Key | None, unread: Mapping[int, Unread]) -> Grade:
    """The grade of an answer; with a key it must be an answer to that exercise.

    `unread` are the lines that were left out, by their numbers.
    """
    case, program = checked
    problem = None if key is None else _another_exercise(program, key)
    if problem is not None:
        return ungraded(case.file, problem, key)
    verdicts = _verdicts(program, case.lines)
    left_out = [line for line in unread.values() if line.problem]
    unexplained = _unexplained(case)
    verdicts |= dict.fromkeys(unexplained, "fail")
    names = _expected(program) if key is None else key.gradients
    if key is None:
        more = [n for line in unread.values() for n in _owners(line, program)] + _gaps(program)
        names = list(dict.fromkeys([*names, *more]))
    verdicts |= {name: "fail" for line in left_out for name in _owners(line, program)}
    return Grade(
        case.file,
        right=sum(verdicts.get(name) in RIGHT for name in names),
        asked=len(names),
        mistakes=[line.mistake or UNNAMED for line in case.lines if line.is_accused]
        + [UNNAMED] * len(unexplained)
        + [UNREADABLE] * len(left_out),
        missing=[name for name in names if name not in verdicts],
        undecided={n: v for n, v in verdicts.items() if n in names and v in UNDECIDED},
        changed=[] if key is None else _changed(program, key),
        reasons=[line.reason or "" for line in case.lines if line.is_accused]
        + [*unexplained.values()]
        + [line.problem for line in left_out],
    )


def _gaps(program: Program) -> list[str]:
    """The stages whose gradients are read, and that no line gives."""
    own = {line.owner for line in program.lines}
    reads = [read for line in program.lines for read in line.reads.values()]
    return [
        read.name for read in reads
        if read.kind == "gradient" and read.name not in own
        and program.output not in nodes_of(program.stages.get(read.name, []))
    ]  # fmt: skip


def _owners(line: Unread, program: Program) -> list[str]:
    """The stage or input whose gradient a line that was left out should have given."""
    names = [*program.stages, *program.inputs]
    return [name for name in names if line.target in (f"d{name}", f"d_{name}")]


def ungraded(file: str, problem: str, key: Key | None) -> Grade:
    """The grade of what cannot be read, or answers something else."""
    return Grade(file, 0, len(key.gradients) if key else 0, [], [], problem)


def _expected(program: Program) -> list[str]:
    """The gradients an answer should have without a key: what it claims, and every input's."""
    reached = set(program.graph.ancestors([program.output]))
    inputs = [
        name for name, value in program.inputs.items() if reached.intersection(nodes_of(value))
    ]
    spoilt = [line.owner for line in program.lines if line.owner is not None and not line.name]
    return list(dict.fromkeys([*program.claims, *spoilt, *inputs]))


def _unexplained(case: Case) -> dict[str, str]:
    """The gradients that are wrong in a case although none of its lines is, with reasons."""
    if any(line.is_accused for line in case.lines):
        return {}
    wrong = [check for check in case.inputs.values() if check.verdict == "fail"]
    return {check.whole: check.reason or "" for check in reversed(wrong)}


def _verdicts(program: Program, checks: Sequence[LineCheck]) -> dict[str, str]:
    """The worst verdict on the lines of each gradient, by name.

    A line that another gradient has made wrong is right; one that reads a wrong helper is not: the
    helper is a part of it. A line that was not checked is inconclusive.
    """
    place = line_and_column(program.source.text)
    spans = program.source.spans({line.statement.token for line in program.lines})
    check_at = {(check.line, check.column): check for check in checks}
    wrong_helpers: set[str] = set()
    verdicts: dict[str, str] = {}
    for line in program.lines:
        name, statement = line.owner, line.statement
        check = check_at.get(place(spans[statement.token].start))
        is_wrong = (check is not None and check.is_accused) or any(
            read.kind == "helper" and read.name in wrong_helpers for read in line.reads.values()
        )
        if name is not None:
            verdict = "fail" if is_wrong else _verdict(check)
            verdicts[name] = worst([verdict, verdicts.get(name, "pass")])
        elif is_wrong:
            wrong_helpers.add(statement.target)
        elif statement.kind == "assign":
            wrong_helpers.discard(statement.target)
    return verdicts


def _verdict(check: LineCheck | None) -> str:
    """The verdict on a line by itself."""
    if check is None:
        return "inconclusive"
    return check.verdict if check.cause is None else "pass"


# ---------------------------------------------------------------- the exercise


def _another_exercise(program: Program, key: Key) -> str | None:
    """How an answer differs from what the key is for, in words; None if it does not."""
    if _circuit(program) != key.circuit:
        return "the forward part is not the exercise's"
    if upstream_of(program.arrays or program) != key.upstream:
        is_short = not isinstance(key.upstream, list)
        return (
            f"`d{key.output}` is {key.upstream:g} in the exercise"
            if is_short
            else (f"`d{key.output}` is not the exercise's")
        )
    return None


def _circuit(program: Program) -> object:
    """The forward part: the name, the gate and the operands of each node.

    Constants stand in it by value, since the backward part has constants of its own. A program of
    an array output is compared as it is, others by their numbers.
    """
    whole: Program = program.arrays or program
    program = whole if whole.graph.shape(whole.output) else as_numbers(program)
    graph = program.graph
    place: dict[int, object] = {}
    circuit: list[object] = []
    for node in range(program.forward_nodes):
        if node in graph.constants:
            place[node] = ("constant", graph.constants[node])
            continue
        place[node] = len(circuit)
        operands = [place[operand] for operand in graph.operands[node]]
        circuit.append((graph.names.get(node), graph.gates[node].name, operands))
    return circuit


def _changed(program: Program, key: Key) -> list[str]:
    """The inputs that the text of an answer sets to other values than the exercise does."""
    return [
        name for name, value in key.inputs.items()
        if name in program.overruled and _own_value(program, name) != value
    ]  # fmt: skip


def _own_value(program: Program, name: str) -> Number | None:
    """The value an input has in the text of a program; None for what is no number or list."""
    graph = Graph(program.graph.table)
    try:
        node = lower_constant(graph, name, program.source, program.overruled[name])
    except GradcliError:
        return None
    return in_lists(constants_at(graph, [node])[node])
