"""The task `code`: the staged forward and backward pass of a program, in a language."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping
from copy import copy
from itertools import count
from typing import NamedTuple

from gradcli.arithmetic.agreement import agree
from gradcli.emit.frameworks import LANGUAGES
from gradcli.emit.staged import gradient_name, two_meanings
from gradcli.errors import GradcliError, UsageError
from gradcli.evaluation.point import as_numbers, input_values
from gradcli.gates.row import Gate
from gradcli.graph.nodes import Graph
from gradcli.program.model import Program
from gradcli.python.reading import PythonFile
from gradcli.reports.checks import Case
from gradcli.reports.circuits import Circuit
from gradcli.reports.evaluations import Number
from gradcli.requests import PLAIN, Request
from gradcli.syntax.tree import number_list
from gradcli.tasks.check import broken_case, check_program, check_read
from gradcli.tasks.circuits import circuit_of
from gradcli.tasks.code_layouts import Wrapping, laid_out
from gradcli.tasks.code_lines import CodeLines
from gradcli.tasks.evaluate import to_be_fused
from gradcli.tasks.staged_circuits import StagedCircuit

__all__ = ["Code", "Wrapping", "code_of"]

NEAR = 1e-3  # how far a point that stands on a branch is left, relative and absolute
FORMULAS = ("formula", "latex")  # the derivatives as one formula each, not as code
AS_RUN = "read back; the gradients are those that the gates give, and do not pass a check here"
SAME = 1e-9  # relative to the largest gradient: what is read back is what the sweep gives
MOST_CHECKED = 2e6  # gate evaluations: about a second


class Code(NamedTuple):
    """Code, and the gates that its lines are numbered by."""

    text: str
    language: str
    warnings: list[str]


def code_of(program: Program, request: Request, language: str | None, wrapping: Wrapping) -> Code:
    """The code of a program. Raises GradcliError, and UsageError for what a language lacks."""
    if wrapping.batched and language not in (None, "numpy"):
        raise UsageError(f"--batched is written in NumPy, not in {language}")
    if wrapping.batched:
        language = "numpy"
    if language is None:
        language = "python" if _is_of_numbers(program.graph) else "numpy"
    spelled = LANGUAGES.get(language)
    is_for_numbers = spelled is not None and not spelled.has_arrays
    is_lined = not is_for_numbers or _is_of_numbers(program.graph)  # what authors of gates wrote
    derived = ""
    if program.graph.own_gates and (request.fuse or language in FORMULAS or not is_lined):
        program, derived = _written_out(program)
    if request.fuse:
        from gradcli.transform.fuse import fused_program  # late: few programs are fused

        program = fused_program(to_be_fused(program))
    if language in FORMULAS:
        from gradcli.tasks.formulas import formulas_of  # late: few write a formula

        _refuse(language, wrapping)
        sign = "%" if language == "latex" else "#"
        head = f"{sign} {derived}\n" if derived else ""
        return Code(head + formulas_of(program, request, language), language, program.warnings)
    if spelled is not None and is_for_numbers and not _is_of_numbers(program.graph):
        if program.graph.shape(program.output):
            raise UsageError(f"the output is an array, and code in {spelled.name} is of numbers",
                             hint="write --lang numpy")  # fmt: skip
        program = as_numbers(program)
    circuit = circuit_of(program, request._replace(fuse=False))
    if circuit.upstream is None:
        raise UsageError("the output is an array: what comes back to it is needed",
                         hint="add --upstream VALUE, `ones` or @FILE")  # fmt: skip
    _refuse(language, wrapping)
    staged = StagedCircuit(program, circuit)
    if spelled is None:
        return Code(_program_text(staged), language, circuit.warnings)
    lines = CodeLines(staged, spelled, wrapping.textbook, wrapping.batched)
    shadowed = lines.called() & {*lines.names.values(), *lines.roots.values()}
    if shadowed:  # a name of the program hides a function that the code calls
        staged = StagedCircuit(program, circuit)
        lines = CodeLines(staged, spelled, wrapping.textbook, wrapping.batched, shadowed)
    told = "".join(f"{spelled.comment}{line}\n" for line in _head(lines, language, derived))
    return Code(told + laid_out(lines, wrapping), language, circuit.warnings)


def _written_out(program: Program) -> tuple[Program, str]:
    """The program without gates of the user's own, and what is to be told of that."""
    from gradcli.transform.written_out import written_out  # late: few programs have such gates

    names = _names(program.graph.own_gates)
    told = f"of {names} the forward part is written out, and its gradient derived from that"
    return written_out(program), told


def _head(lines: CodeLines, language: str, derived: str) -> Iterator[str]:
    """What is known of the code: Python is read back as a function, and its gradients checked.

    Raises UsageError where a gradient fails that no gate of the user's own answers for.
    """
    own = _names(lines.graph.own_gates)
    if language in ("python", "numpy"):
        yield _read_back(lines)
    else:
        yield f"{lines.language.name}, from the table of gates; it has not been run here"
    if own or derived:
        yield derived or f"the backward part of {own} is the one that its author wrote"
    if language == "python" and not _is_finite(lines.circuit):
        yield "something is infinite at these inputs, where plain Python raises an error"


def _is_finite(circuit: Circuit) -> bool:
    """Whether every value and every gradient of a circuit of numbers is finite."""
    numbers = [x for node in circuit.nodes for x in (node.value, node.gradient)]
    return all(x is None or isinstance(x, list) or math.isfinite(x) for x in numbers)


def _read_back(lines: CodeLines) -> str:
    """What a check of Python code says. Raises UsageError."""
    upstream = lines.circuit.upstream
    if isinstance(upstream, float) and upstream != 1.0:
        lines = copy(lines)  # the gradients of a number are held to the slopes of its value
        lines.circuit = lines.circuit._replace(upstream=1.0)
    text = laid_out(lines, Wrapping("gradient"))
    inputs = {lines.roots[name]: number for name, number in lines.inputs.items()}
    case = _case(text, inputs)
    if case.verdict in ("pass", "kink"):
        return "read back, and every gradient checked against a numerical one at these inputs"
    if case.verdict == "fail" and lines.own and _is_as_run(case, lines.staged):
        return AS_RUN
    near = _case(text, {name: _moved(x) for name, x in inputs.items()})
    if near.verdict in ("pass", "kink"):
        return "read back, and every gradient checked near these inputs, which stand on a branch"
    if "fail" in (case.verdict, near.verdict):
        raise UsageError("the code that would be written does not pass its own check here",
                         hint="choose another point: it may stand on a branch")  # fmt: skip
    return "as the table of gates says; it could not be read back and checked"


def _case(text: str, inputs: Mapping[str, Number]) -> Case:
    """What a check of the code says at some inputs: of its gradients, not of every line."""
    request = PLAIN._replace(check_budget=MOST_CHECKED, only_here=True)
    try:
        file = PythonFile(text, "gradient.py")
        program = file.program(file.chosen(None)[0], [*inputs.items()], request, {})
        return check_read(program._replace(lines=[]), request).case
    except GradcliError as error:
        return broken_case("gradient.py", error)


def _is_as_run(case: Case, staged: StagedCircuit) -> bool:
    """Whether the gradients that were read are those of the sweep, as far as each is told."""
    ran = {node.name: node.gradient for node in staged.circuit.nodes if node.role == "input"}
    pairs = []
    for check in case.inputs.values():
        gradient = ran.get(check.name, ran.get(check.whole))
        if gradient is None:  # of a constant that only a gate knows
            continue
        for place in check.place if isinstance(gradient, list) else ():
            assert isinstance(gradient, list)
            gradient = gradient[place]
        if check.claim is None or check.directions or not isinstance(gradient, float):
            return False
        pairs.append((check.claim, gradient))
    size = max((abs(gradient) for _, gradient in pairs), default=0.0)
    return all(agree(claim, gradient, SAME, SAME * size) for claim, gradient in pairs)


def _names(gates: Iterable[Gate]) -> str:
    return ", ".join(dict.fromkeys(f"`{gate.name}`" for gate in gates))


def _is_of_numbers(graph: Graph) -> bool:
    """Whether a graph has numbers only, also inside of gates of the user's own."""
    if not graph.has_arrays:
        return True
    if graph.shapes:
        return False
    whole = [gate for gate in graph.gates if gate.is_structural]
    readings = [gate.own and gate.own.reading(gate) for gate in whole]
    return all(reading and _is_of_numbers(reading[0].graph) for reading in readings)


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
    code = staged.code(staged.own_lines(), must_run=True)
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
    is_theirs = staged.graph.own_gates and _is_as_run(case, staged)
    if case.verdict not in ("pass", "kink") and not is_theirs:
        hint = two_meanings(staged.program) or "choose another point, or --expand"
        raise UsageError(f"the backward pass that would be written is {case.verdict} here",
                         hint=hint)  # fmt: skip
    return text
