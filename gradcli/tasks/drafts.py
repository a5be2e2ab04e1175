"""The lines of an exercise before they are blank or wrong: the forward part, and one row a line.

A program with a right backward pass of its own is taken as it stands, with its author's stages,
names, arrays and helpers. Of any other the backward lines are written: one for each use of a name
by a stage. Anonymous gates inside a stage are written into its lines where these stay short, and
are stages of their own where the program names none.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import NamedTuple

from gradcli.emit import BackwardLine, backward_lines, forward_lines
from gradcli.emit.staged import gradient_name
from gradcli.errors import GradcliError
from gradcli.evaluation.point import as_numbers, input_values, upstream_of
from gradcli.program.model import Program
from gradcli.reports.evaluations import Number
from gradcli.reports.statement_text import split_statement, statement_end
from gradcli.requests import PLAIN
from gradcli.syntax import parse_expression, statements, write
from gradcli.syntax.edit import substituted
from gradcli.syntax.tokens import Source
from gradcli.syntax.tree import number_list
from gradcli.tasks.circuits import circuit_of
from gradcli.tasks.staged_circuits import StagedCircuit

LONGEST_LINE = 88  # characters; a line that would be longer keeps a stage of its own inside


class Draft(NamedTuple):
    """The lines above the backward part, and those of it."""

    head: list[str]
    rows: list[BackwardLine]

    def text(self, rows: Iterable[object]) -> str:
        """The program with some rows for the backward part."""
        return "\n".join([*self.head, *map(str, rows)]) + "\n"


def own_draft(program: Program, values: Mapping[str, Number]) -> Draft:
    """The program as its author wrote it, with some inputs set to other values."""
    text = program.source.text
    lines = program.lines[_given_lines(program) :]
    spans = program.source.spans({line.statement.token for line in lines})
    starts = sorted(spans[line.statement.token].start for line in lines)
    rows = []
    for start in starts:
        head, right = split_statement(text[start : statement_end(text, start)])
        target, operator = re.fullmatch(r"(.*?)\s*(\+?=)\s*", head, re.DOTALL).groups()  # type: ignore[union-attr]
        if "\n" in right:
            right = write(parse_expression(Source(right)))
        rows.append(BackwardLine(target, operator, right))
    forward = text[: starts[0]] if starts else text
    head_text = _with_values(forward.rstrip().rstrip(";"), values)
    return Draft(head_text.split("\n"), rows)


def _given_lines(program: Program) -> int:
    """How many of the first backward lines give the upstream gradient, which nobody could guess."""
    own = program.graph.names.get(program.output)
    others = (k for k, line in enumerate(program.lines) if line.name not in (own, None))
    first = next(others, len(program.lines))
    gives = [k for k, line in enumerate(program.lines[:first]) if line.name == own]
    return gives[-1] + 1 if gives and upstream_of(program) != 1 else 0


def _with_values(text: str, values: Mapping[str, Number]) -> str:
    """A forward part in which inputs are set to other values; those it does not set come first."""
    source = Source(text)
    places = [
        (source.span(statement.token).start, statement.target)
        for statement in statements(source)
        if statement.kind == "assign" and statement.target in values
    ]  # fmt: skip
    for start, name in reversed(places):
        line = f"{name} = {number_list(values[name])}"
        text = text[:start] + line + text[statement_end(text, start) :]
    missing = values.keys() - {name for _, name in places}
    return "".join(f"{n} = {number_list(x)}\n" for n, x in values.items() if n in missing) + text


def written_draft(program: Program, upstream: Number) -> Draft:
    """The stages of a program and their backward lines, written out; numbers where arrays cannot.

    `upstream` is the gradient of the output; where it is not 1 a line gives it. Raises UsageError
    for a gate whose local gradient cannot be written in one line.
    """
    if not program.graph.has_arrays:
        return _of_numbers(program)
    try:
        request = PLAIN._replace(upstream=None if upstream == 1 else upstream)
        staged = StagedCircuit(program, circuit_of(program, request))
        code = staged.code()
        forward = [line.text for line in code if line.wire is None]
        rows = [_parsed(line.text) for line in code if line.wire is not None]
        draft = _short(program, forward, rows)
    except GradcliError:
        return _of_numbers(as_numbers(program))
    if upstream == 1:
        return draft
    given = f"{gradient_name(staged.code_names[program.output])} = {number_list(upstream)}"
    return draft._replace(head=[*draft.head[:-1], given, "", draft.head[-1]])


def _of_numbers(program: Program) -> Draft:
    """The draft of a program of numbers; the slope of a written-out sigmoid is s*(1 - s)."""
    draft = _short(program, forward_lines(program), backward_lines(program))
    if not program.stages:
        return draft
    from gradcli.transform.fuse import fused_program  # late: few programs name stages

    fused = fused_program(program)
    shorter = _short(fused, forward_lines(fused), backward_lines(fused))
    names = {line.partition(" = ")[0] for line in shorter.head if " = " in line}
    is_of_its_stages = names <= {*program.stages, *program.inputs}
    return draft._replace(rows=shorter.rows) if is_of_its_stages else draft


def _parsed(text: str) -> BackwardLine:
    target, operator, right = re.fullmatch(r"(.*?) (\+?=) (.*)", text).groups()  # type: ignore[union-attr]
    return BackwardLine(target, operator, right)


def _short(program: Program, forward: list[str], rows: list[BackwardLine]) -> Draft:
    """The draft with its author's stages only, as far as lines stay short."""
    stages = {name.partition("[")[0] for name in program.stages}
    names = [line.partition(" = ")[0] for line in forward]
    for name in reversed([n for n in names if stages and n.partition("[")[0] not in stages]):
        shorter = _without(name, forward, rows)
        if shorter is not None:
            forward, rows = shorter
    inputs = [f"{name} = {number_list(value)}" for name, value in input_values(program).items()]
    return Draft([*inputs, "", *forward, "", "# backward pass"], rows)


def _without(
    name: str, forward: list[str], rows: list[BackwardLine]
) -> tuple[list[str], list[BackwardLine]] | None:
    """The lines in which a stage stands inside those that use it; None where these get long."""
    own = next(line for line in forward if line.startswith(f"{name} = "))
    gradient = [row for row in rows if row.target == f"d{name}"]
    if len(gradient) != 1:
        return None
    value = {name: own.partition(" = ")[2]}
    meaning = {**value, f"d{name}": _replaced(f"= {gradient[0].right}", value)[2:]}
    kept = [line for line in forward if line is not own]
    lines = [_replaced(line, meaning) for line in kept]
    others = [row for row in rows if row is not gradient[0]]
    changed = [row._replace(right=_replaced(f"= {row.right}", meaning)[2:]) for row in others]
    if max(map(len, [*lines, *map(str, changed)]), default=0) > LONGEST_LINE:
        return None
    return lines, changed


def _replaced(line: str, meaning: Mapping[str, str]) -> str:
    """A line with texts for names on its right side."""
    head, _, right = line.rpartition("= ")
    words = {*re.findall(r"\w+", right)}
    trees = {n: parse_expression(Source(t)) for n, t in meaning.items() if n in words}
    if not trees:
        return line
    return f"{head}= {write(substituted(parse_expression(Source(right)), trees))}"
