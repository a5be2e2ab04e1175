"""Exercises for students: a program whose backward part is blank, or holds planted mistakes."""

from __future__ import annotations

import json
from collections.abc import Iterator
from random import Random
from typing import NamedTuple

from gradcli.emit import BackwardLine, backward_lines, forward_lines
from gradcli.errors import GradcliError, UsageError
from gradcli.evaluation.point import as_numbers, input_values
from gradcli.program.model import Program
from gradcli.requests import PLAIN
from gradcli.syntax import Tree, parse_expression, write
from gradcli.syntax.tokens import Source
from gradcli.syntax.tree import number_list
from gradcli.tasks.check import check_program


class Exercise(NamedTuple):
    """A text for the student; its solution and the planted mistakes for the teacher."""

    text: str
    solution: str
    mistakes: dict[int, str]  # the planted ones, by line
    seed: int

    def key(self) -> str:
        """The key file: JSON with the solution and the planted mistakes."""
        data = {
            "schema": "gradcli.key/1", "solution": self.solution, "seed": self.seed,
            "mistakes": [{"line": n, "mistake": name} for n, name in sorted(self.mistakes.items())],
        }  # fmt: skip
        return json.dumps(data, indent=1) + "\n"


def make_exercise(program: Program, mistakes: int, seed: int) -> Exercise:
    """An exercise from a program's forward part; `mistakes` are planted, 0 leaves blanks.

    Raises UsageError where the program has no backward part to write at its point, or has room
    for fewer mistakes.
    """
    shape = program.graph.shape(program.output)
    if shape and program.upstream is None:
        raise UsageError(f"the output has shape {shape}, an exercise is about one number",
                         hint="sum it, or choose an element: `f[0]`")  # fmt: skip
    program = as_numbers(program)
    head, backward = _head(program), backward_lines(program)
    if not backward:
        raise UsageError("there is nothing to differentiate: the output depends on no input")
    solution = _text(head, [str(line) for line in backward])
    verdict = check_program(solution, "<solution>", [], PLAIN).case.verdict
    if verdict != "pass":
        raise UsageError(
            f"the right backward pass is {verdict} at this point", hint="choose another point"
        )
    if not mistakes:
        return Exercise(_text(head, [f"# {b.target} {b.operator}" for b in backward]), solution,
                        {}, seed)  # fmt: skip
    rows, planted = _planted(head, backward, mistakes, Random(seed))
    return Exercise(_text(head, rows), solution, planted, seed)


def _head(program: Program) -> list[str]:
    inputs = [f"{name} = {number_list(value)}" for name, value in input_values(program).items()]
    return [*inputs, "", *forward_lines(program), "", "# backward pass"]


def _text(head: list[str], rows: list[str]) -> str:
    return "\n".join([*head, *rows]) + "\n"


# -------------------------------------------------------------------- planting


def _planted(
    head: list[str], backward: list[BackwardLine], count: int, rng: Random
) -> tuple[list[str], dict[int, str]]:
    """Plant mistakes on different lines; each is one that `check` calls by its name."""
    rows = [str(line) for line in backward]
    planted: dict[int, str] = {}
    order = list(range(len(rows)))
    rng.shuffle(order)
    for k in order:
        if len(planted) == count:
            break
        candidates = list(_wrong_forms(backward[k]))
        rng.shuffle(candidates)
        number = len(head) + k + 1
        for row in candidates:
            accused = _accused(_text(head, [*rows[:k], row, *rows[k + 1 :]]))
            mistake = accused.pop(number, None)
            if mistake is not None and accused == planted:
                rows[k], planted[number] = row, mistake
                break
    if len(planted) < count:
        raise UsageError(
            f"only {len(planted)} lines of this program can hold a mistake that is found by name"
        )
    return rows, planted


def _accused(text: str) -> dict[int, str | None]:
    """The lines that `check` accuses, and what it calls their mistakes."""
    try:
        case = check_program(text, "<exercise>", [], PLAIN).case
    except GradcliError:
        return {}
    return {line.line: line.mistake for line in case.lines if line.is_accused}


def _wrong_forms(line: BackwardLine) -> Iterator[str]:
    """The slips that a line invites."""
    start, right = f"{line.target} {line.operator} ", line.right
    tree = parse_expression(Source(right))
    if line.operator == "+=":
        yield f"{line.target} = {right}"
    yield f"{start}-({right})" if not right.startswith("-") else f"{start}{right[1:]}"
    for k, op in enumerate(tree.ops):
        for other in {"mul": ("div",), "sub": ("add",), "pow": ("mul",)}.get(op, ()):
            yield start + write(_changed(tree, k, other, tree.args[k]))
        if op == "number" and tree.args[k] > 1:
            yield start + write(_changed(tree, k, op, tree.args[k] - 1))
        if op == "name":
            others = {arg for o, arg in zip(tree.ops, tree.args, strict=True) if o == "name"}
            for name in sorted({*others, line.target[1:].partition("[")[0]} - {tree.args[k]}):
                yield start + write(_changed(tree, k, op, name))
    left, sign, upstream = right.rpartition(" * d")
    if sign:
        yield start + left
        yield f"{start}d{upstream}"


def _changed(tree: Tree, k: int, op: str, arg: object) -> Tree:
    return Tree(
        [*tree.ops[:k], op, *tree.ops[k + 1 :]], [*tree.args[:k], arg, *tree.args[k + 1 :]],
        tree.starts,
    )  # fmt: skip
