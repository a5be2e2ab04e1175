"""The task `code`: the staged forward and backward pass of a program, in a language."""

from __future__ import annotations

import math
from collections.abc import Mapping
from itertools import count
from typing import NamedTuple

from gradcli.emit.languages import LANGUAGES
from gradcli.emit.staged import gradient_name
from gradcli.errors import GradcliError, UsageError
from gradcli.evaluation.point import as_numbers, input_values
from gradcli.program.model import Program
from gradcli.reports.circuits import Circuit
from gradcli.reports.evaluations import Number
from gradcli.requests import PLAIN, Request
from gradcli.syntax.tree import number_list
from gradcli.tasks.check import check_program
from gradcli.tasks.check_python import check_python
from gradcli.tasks.circuits import circuit_of
from gradcli.tasks.code_layouts import Wrapping, laid_out
from gradcli.tasks.code_lines import CodeLines
from gradcli.tasks.evaluate import to_be_fused
from gradcli.tasks.staged_circuits import StagedCircuit

__all__ = ["Code", "Wrapping", "code_of"]

NEAR = 1e-3  # how far a point that stands on a branch is left, relative and absolute
FORMULAS = ("formula", "latex")  # the derivatives as one formula each, not as code
MOST_CHECKED = 2e6  # gate evaluations: about a second


class Code(NamedTuple):
    """Code, and the gates that its lines are numbered by."""

    text: str
    language: str
    warnings: list[str]


def code_of(program: Program, request: Request, language: str | None, wrapping: Wrapping) -> Code:
    """The code of a program. Raises GradcliError, and UsageError for what a language lacks."""
    own = ", ".join(f"`{gate.name}`" for gate in program.graph.own_gates)
    if own:
        from gradcli.transform.written_out import written_out  # late: few programs have such gates

        program = written_out(program)
    if request.fuse:
        from gradcli.transform.fuse import fused_program  # late: few programs are fused

        program = fused_program(to_be_fused(program))
    if language in FORMULAS:
        from gradcli.tasks.formulas import formulas_of  # late: few write a formula

        _refuse(language, wrapping)
        return Code(formulas_of(program, request, language), language, program.warnings)
    if wrapping.batched and language not in (None, "numpy"):
        raise UsageError(f"--batched is written in NumPy, not in {language}")
    if wrapping.batched:
        language = "numpy"
    if language is None:
        language = "numpy" if program.graph.has_arrays else "python"
    spelled = LANGUAGES.get(language)
    if spelled and program.graph.has_arrays and not spelled.has_arrays:
        program = as_numbers(program)
    circuit = circuit_of(program, request._replace(fuse=False))
    if circuit.upstream is None:
        raise UsageError("the output is an array: what comes back to it is needed",
                         hint="add --upstream VALUE, `ones` or @FILE")  # fmt: skip
    _refuse(language, wrapping)
    staged = StagedCircuit(program, circuit)
    if spelled is None:
        text = _program_text(staged)
    else:
        lines = CodeLines(staged, spelled, wrapping.textbook, wrapping.batched)
        derived = f"of {own} the forward part is written out, and its gradient derived from that"
        head = [_assurance(lines, language), *([derived] if own else [])]
        if language == "python" and not _is_finite(circuit):
            head.append("something is infinite at these inputs, where plain Python raises an error")
        text = "".join(f"{spelled.comment}{line}\n" for line in head) + laid_out(lines, wrapping)
    return Code(text, language, circuit.warnings)


def _is_finite(circuit: Circuit) -> bool:
    """Whether every value and every gradient of a circuit of numbers is finite."""
    numbers = [x for node in circuit.nodes for x in (node.value, node.gradient)]
    return all(x is None or isinstance(x, list) or math.isfinite(x) for x in numbers)


def _assurance(lines: CodeLines, language: str) -> str:
    """What is known of the code: Python is read back as a function, and its gradients checked.

    Raises UsageError where a gradient fails.
    """
    if language not in ("python", "numpy"):
        return f"{lines.language.name}, from the table of gates; it has not been run here"
    text = laid_out(lines, Wrapping("gradient"))
    verdict = _verdict(text, lines.inputs)
    if verdict in ("pass", "kink"):
        return "read back, and every gradient checked against a numerical one at these inputs"
    near = _verdict(text, {name: _moved(x) for name, x in lines.inputs.items()})
    if near in ("pass", "kink"):
        return "read back, and every gradient checked near these inputs, which stand on a branch"
    if "fail" in (verdict, near):
        raise UsageError("the code that would be written does not pass its own check here",
                         hint="choose another point: it may stand on a branch")  # fmt: skip
    return "as the table of gates says; it could not be read back and checked"


def _verdict(text: str, inputs: Mapping[str, Number]) -> str:
    """What a check of the code says at some inputs; `error` where it cannot be read."""
    request = PLAIN._replace(check_budget=MOST_CHECKED)
    try:
        cases = [*check_python(text, "gradient.py", None, [*inputs.items()], request)]
    except GradcliError:
        return "error"
    return cases[0].verdict


def _moved(number: Number) -> Number:
    """Numbers close by, each moved by another amount."""
    amounts = count(1)

    def one(x: Number) -> Number:
        if isinstance(x, list):
            return [*map(one, x)]
        return x + (NEAR + NEAR * abs(x)) * (1 + 1 / (1 + next(amounts)))

    return one(number)


def _refuse(language: str, wrapping: Wrapping) -> None:
    if wrapping.gate_class and language not in ("python", "numpy", "torch", "jax"):
        raise UsageError(f"a class is written in Python or NumPy, not in {language}",
                         hint="write --function NAME")  # fmt: skip
    if wrapping.function and language in ("grad", *FORMULAS):
        noun = "the language of gradcli has" if language == "grad" else "formulas have"
        raise UsageError(f"{noun} no functions", hint="leave --function out")


def _program_text(staged: StagedCircuit) -> str:
    """The program with its backward pass in our own language; every line of it is checked.

    Raises UsageError where a line does not pass, or cannot be written.
    """
    code = staged.code()
    inputs = [
        f"{name} = {number_list(number)}" for name, number in input_values(staged.program).items()
    ]
    forward = [line.text for line in code if line.wire is None]
    backward = [line.text for line in code if line.wire is not None]
    upstream = staged.circuit.upstream
    output = staged.code_names[staged.program.output]
    seed = [] if upstream == 1 else [f"{gradient_name(output)} = {number_list(upstream)}"]
    text = "\n".join([*inputs, "", *forward, "", "# backward pass", *seed, *backward]) + "\n"
    case = check_program(text, "<code>", [], PLAIN).case
    if case.verdict not in ("pass", "kink"):
        raise UsageError(f"the backward pass that would be written is {case.verdict} here",
                         hint="choose another point, or --expand")  # fmt: skip
    return text
