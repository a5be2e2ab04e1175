"""A program built once, for many evaluations."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from gradcli.arithmetic.floats import FAULTS
from gradcli.engine import Machine, Run, backward
from gradcli.errors import BindingError, ShapeError
from gradcli.evaluation.point import arithmetics_of, inputs_of
from gradcli.program.model import Program


class Function:
    """A program whose inputs get their values at each call; it gives value and gradients.

    Raises ShapeError for a program whose output is an array.
    """

    def __init__(self, program: Program, inputs: Sequence[str]) -> None:
        graph = program.graph
        shape = graph.shape(program.output)
        if shape:
            raise ShapeError(f"the output has shape {shape}, a compiled function gives one number",
                             hint="sum it, or choose an element: `f[0]`")  # fmt: skip
        self._program = program
        self.inputs = tuple(inputs)
        places = {name: k for k, name in enumerate(graph.inputs)}
        self._places = [(places[n], k) for k, n in enumerate(self.inputs) if n in places]
        self._leaves = [graph.inputs.get(name) for name in self.inputs]
        self._defaults = inputs_of(program)  # of inputs that get no values in a call
        self._gives_arrays = graph.has_arrays
        self._arithmetics = arithmetics_of(graph)
        self._machines = [Machine(graph, self._arithmetics[0])]

    def __call__(self, *values: Any) -> tuple[float, list[Any]]:
        """The value and the gradient by every input, in the order of `inputs`.

        `values` are one number per input, or an array or nested lists of the shape the function was
        compiled for; gradients are floats, in a program with arrays float64 arrays of the inputs'
        shapes. Never raises for numeric trouble: 1/0 is inf, log(-1) is nan, as IEEE 754 has it.
        Raises BindingError for a wrong number of values, ShapeError for another shape.
        """
        run = self._run(self._filled_in(values))
        value, gradients = float(run.values[self._program.output]), run.gradients
        if self._gives_arrays:
            return value, [self._array(at, gradients) for at in self._leaves]
        return value, [0.0 if at is None else gradients[at] for at in self._leaves]

    def _run(self, inputs: Sequence[Any]) -> Run:
        """The sweep in the first arithmetic that does not fault."""
        machines, output = self._machines, self._program.output
        for k, arithmetic in enumerate(self._arithmetics):
            if k == len(machines):
                machines.append(Machine(self._program.graph, arithmetic))
            try:
                run = machines[k].run(inputs)
                backward(run, output, 1.0)
            except FAULTS:
                continue
            return run
        raise AssertionError("the last arithmetic never faults")

    def _filled_in(self, values: Sequence[Any]) -> list[Any]:
        if len(values) != len(self.inputs):
            raise BindingError(f"{len(self.inputs)} values are needed, got {len(values)}")
        inputs = self._defaults.copy()
        for place, k in self._places:
            inputs[place] = self._read(k, values[k])
        return inputs

    def _read(self, k: int, value: Any) -> Any:
        """The value of one input, of the shape it was compiled for."""
        name, leaf = self.inputs[k], self._leaves[k]
        shape = () if leaf is None else self._program.graph.shape(leaf)
        if not shape:
            try:
                return float(value)
            except (TypeError, ValueError):
                kind = type(value).__name__
                raise BindingError(f"`{name}` is a number, got {kind}") from None
        import numpy as np  # late: numbers do not need it

        try:
            array = np.asarray(value, dtype=float)
        except (TypeError, ValueError):
            raise BindingError(f"`{name}` is not an array of numbers") from None
        if array.shape != shape:
            raise ShapeError(f"`{name}` has shape {shape}, got {array.shape}")
        return array

    def _array(self, leaf: int | None, gradients: list[Any]) -> Any:
        """A gradient as an array of its own, in the shape of its input."""
        import numpy as np  # late: numbers do not need it

        if leaf is None:
            return np.zeros(())
        return np.array(np.broadcast_to(gradients[leaf], self._program.graph.shape(leaf)))
