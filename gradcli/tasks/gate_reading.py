"""A gate that runs, read as well: inputs for it, and what reading shows, where both agree.

Reading knows more than running does: many digits, kinks, lines. It may also misunderstand. So what
it says counts only where the gate, run at the same inputs, gives the same numbers.
"""

from __future__ import annotations

import ast
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Any

import numpy as np

from gradcli.checker.gate_states import Player, Turn, distance
from gradcli.errors import GradcliError
from gradcli.evaluation.point import at, inputs_of
from gradcli.foreign.gate_file import Description
from gradcli.foreign.own_rows import gate_subject
from gradcli.program.model import Program
from gradcli.python.assembly import Misshapen
from gradcli.python.interpreter.interpreter import Interpreter
from gradcli.python.parameters.inputs import value_of
from gradcli.python.reading import PythonFile, Reading
from gradcli.python.state.values import Array
from gradcli.reports.checks import Case
from gradcli.requests import Request, Setting
from gradcli.tasks.check_python import check_subject, misshapen_case

PLAIN = (bool, int, float, str, np.ndarray, np.generic)  # what code can be handed
AGREE = 1e-9  # relative to the largest number: what is read is what is run


class GateReading:
    """The reading of one gate of a file."""

    def __init__(self, file: PythonFile, gate: Description, request: Request) -> None:
        self.file = file
        self.gate = gate
        # Other branches may lie outside the domain that is declared: points of our own are within.
        self.request = request._replace(only_here=True) if gate.domain else request
        self.subject = gate_subject(file, gate)

    def inputs(self, settings: Mapping[str, Setting]) -> dict[str, Any]:
        """What the file or its code says of the inputs and constants; empty where it is not read.

        Of an array it is numbers of the shape that fits.
        """
        reading = self._reading(settings)
        if reading is None:
            return {}
        with suppress(GradcliError):  # the backward part may be wrong: the inputs are known
            reading.program()
        driver = reading.driver
        if driver is None:
            return {}
        tape = driver.reader.tape
        names = [*self.gate.inputs, *self.gate.needed]
        leaves = tape.graph.inputs  # as they were before anything was written to them
        given = {
            name: Array(leaves[name]) if name in leaves else driver.given[name]
            for name in names if name in driver.given
        }  # fmt: skip
        values = {name: _plain(tape.value, value) for name, value in given.items()}
        inputs = {name: value for name, value in values.items() if isinstance(value, PLAIN)}
        return {} if self._has_too_few_axes(inputs) else inputs

    def _has_too_few_axes(self, inputs: Mapping[str, Any]) -> bool:
        """Whether the code transposes what reading takes for lists and numbers."""
        assert self.subject is not None
        names = (self.subject.cls, self.subject.forward)
        parts = [n for n in self.file.script.tree.body
                 if isinstance(n, (ast.ClassDef, ast.FunctionDef)) and n.name in names]  # fmt: skip
        turned = any(isinstance(n, ast.Attribute) and n.attr in ("T", "transpose")
                     for part in parts for n in ast.walk(part))  # fmt: skip
        return turned and max(map(np.ndim, inputs.values()), default=2) < 2

    def case(self, inputs: Mapping[str, Any], player: Player) -> Case | None:
        """The case by reading, at inputs; None where it is not read, or not what is run."""
        if self.subject is None:
            return None
        bindings = [(name, _setting(value)) for name, value in inputs.items()]
        try:
            checked = check_subject(self.file, self.subject, bindings, self.request)
        except Misshapen as misfit:
            return misshapen_case(self.file, self.subject, misfit)
        except GradcliError:
            return None
        program = checked.program.arrays or checked.program
        if not self._is_what_runs(program, inputs, player):
            return None
        lines = [line.line for line in checked.case.lines]
        return checked.case._replace(shown=self.file.lines_around(lines))

    def _is_what_runs(self, program: Program, inputs: Mapping[str, Any], player: Player) -> bool:
        """Whether the gate gives the numbers that were read, at the upstream that was drawn."""
        try:
            point = at(program, inputs_of(program), self.request)
            own = [inputs[name] for name in self.gate.inputs]
            upstream = point.upstream
            turn = player.turn(own, upstream)
        except (GradcliError, KeyError):
            return False
        if not isinstance(turn, Turn):
            return False
        values = point.run.values
        read = [values[program.output]]
        run = [turn.value]
        for name, gradient in zip(self.gate.inputs, turn.gradients, strict=True):
            if name in program.claims and gradient is not None:
                read.append(np.reshape(values[program.claims[name]], np.shape(gradient)))
                run.append(gradient)
        return len(read) > 1 and distance(read, run) <= AGREE

    def _reading(self, settings: Mapping[str, Setting]) -> Reading | None:
        if self.subject is None:
            return None
        try:
            return self.file.reading(self.subject, [*settings.items()], self.request, {})
        except GradcliError:
            return None


def value_given(file: PythonFile, name: str, setting: Setting, request: Request) -> Any:
    """What the user gives an input: a number, or an array. Raises BindingError."""
    reader = Interpreter(file.script, request.seed or 0)
    return _plain(reader.tape.value, value_of(reader, name, setting))


def _setting(value: Any) -> Any:
    """A value as the reader takes it: whole numbers as lists."""
    if isinstance(value, np.ndarray) and value.dtype.kind in "iub":
        return value.tolist()
    return value


def _plain(value_of: Any, value: Any) -> Any:
    """A value of the reader as the numbers it holds."""
    if isinstance(value, Array):
        numbers = np.array(value_of(value.content))
        return numbers if numbers.shape else numbers.item()
    if isinstance(value, (list, tuple)) and not isinstance(value, str):
        parts: Sequence[Any] = [_plain(value_of, part) for part in value]
        try:
            return np.array(parts)
        except ValueError:
            return [*parts]
    return value
