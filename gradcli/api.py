"""The public functions: glue between the rooms, and nothing else."""

from __future__ import annotations

import gc
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from gradcli.arithmetic.floats import FAULTS, FLOATS, IEEE
from gradcli.engine import Machine, backward
from gradcli.errors import BindingError, ShapeError
from gradcli.evaluation.point import settings
from gradcli.program.model import Program
from gradcli.program.reader import read
from gradcli.reports import EvalReport
from gradcli.requests import MOST_ELEMENTS, Options, Request, Setting
from gradcli.tasks.evaluate import report

if TYPE_CHECKING:
    from gradcli.reports.checks import CheckReport

Bindings = Mapping[str, Setting] | Iterable[tuple[str, Setting]]


def evaluate(
    text: str,
    bindings: Bindings = (),
    *,
    name: str = "<expression>",
    output: str | None = None,
    expand: bool = False,
    fuse: bool = False,
    seed: int | None = None,
    max_array: int = MOST_ELEMENTS,
    jacobian: bool = False,
    hessian: bool = False,
    **request: Any,
) -> EvalReport:
    """Value, gradients and verdicts of an expression or program at one point.

    `bindings` are numbers, nested lists of numbers, arrays, or constant expressions as text; they
    win over the program's own. `output` names the stage to differentiate; `expand`, `fuse`, `seed`
    (of random numbers) and `max_array` (most elements of all arrays) are those of the command
    line. Gradients have the shape of their inputs, as nested lists. The other keywords are the
    fields of `evaluation.Request`: wrt, upstream, check, check_budget, tolerance, exact. Raises
    GradcliError.

    >>> evaluate("(x+y)*z", {"x": -2, "y": 5, "z": -4}).gradients
    {'x': -4.0, 'y': -4.0, 'z': 3.0}
    """
    pairs = _pairs(bindings)
    program = read(text, name, pairs, options=Options(output, expand, seed, max_array))
    asked = Request(**request, jacobian=jacobian, hessian=hessian)
    if not (jacobian or hessian):
        return _report(program, asked, fuse)
    from gradcli.tasks.derivatives import derivatives, told  # late: most reports have neither

    found = derivatives(program, asked)  # first: it may be refused
    return told(_report(program, asked, fuse), found)


def _report(program: Program, asked: Request, fuse: bool) -> EvalReport:
    """The report of a program, with written-out forms as one gate where they are to be fused."""
    if program.graph.has_arrays and not fuse:
        from gradcli.tasks.array_report import array_report  # late: numbers do not need numpy

        return array_report(program, asked)
    written = None
    if fuse:
        from gradcli.transform.fuse import fused_program  # late: few programs are fused

        written = program
        if program.graph.has_arrays:
            from gradcli.tasks.array_run import to_be_fused  # late: numbers do not need numpy

            written = to_be_fused(program)
        program = fused_program(written)
    answer = report(program, asked, written)
    if not program.lines:
        return answer
    from gradcli.backward.lines import judge_program  # late: few programs have a backward part

    lines, forks = judge_program(program, asked)
    return answer._replace(lines=lines, forks=forks, text=program.source.text)


def check(
    text: str,
    bindings: Bindings = (),
    claims: Mapping[str, Setting] | None = None,
    *,
    name: str = "<expression>",
    output: str | None = None,
    **request: Any,
) -> CheckReport:
    """Verdicts on the gradients of an expression or program.

    `claims` are numbers (or lists) by input and are held exactly; without them the hand-written
    gradients of the program are checked, and where there is none the engine's own. A binding may
    be a range, `"-2:2"`. The other keywords are the fields of `cases.CheckRequest`: tolerance,
    exact, wrt, upstream, samples, seed, budget. Raises GradcliError.

    >>> check("(x+y)*z", {"x": -2, "y": 5, "z": -4}, claims={"x": -4, "z": -3}).verdict
    'fail'
    """
    from gradcli.reports.checks import CheckReport
    from gradcli.requests import CheckRequest  # late: `evaluate` does not pay for it
    from gradcli.tasks.check import check_program  # late: `evaluate` does not pay for it

    pairs = _pairs(bindings)
    asked = CheckRequest(claims=dict(claims or {}), **request)
    return CheckReport([check_program(text, name, pairs, output, asked)])


def _pairs(bindings: Bindings) -> list[tuple[str, Setting]]:
    """Bindings as pairs of a name and its value. Raises BindingError."""
    try:
        items = bindings.items() if isinstance(bindings, Mapping) else bindings
        pairs = [(name, value) for name, value in items]
    except (TypeError, ValueError):
        raise BindingError("bindings are a mapping, or pairs of a name and a value") from None
    for name, _ in pairs:
        if not isinstance(name, str):
            raise BindingError(f"the name of a binding is a text, this is {type(name).__name__}")
    return pairs


class Function:
    """A program built once, for many evaluations. Calling it gives value and gradients."""

    def __init__(self, program: Program, inputs: Sequence[str]) -> None:
        self._program = program
        self.inputs = tuple(inputs)
        places = {name: k for k, name in enumerate(program.graph.inputs)}
        self._places = [(places[n], k) for k, n in enumerate(self.inputs) if n in places]
        self._leaves = [program.graph.inputs.get(name) for name in self.inputs]
        self._machine, self._settings = self._bound()
        self._ieee: Machine | None = None

    def _bound(self) -> tuple[Machine, list[Any]]:
        """The machine, and what inputs that are not asked for are set to."""
        return Machine(self._program.graph, FLOATS), settings(self._program)

    def _point(self, values: Sequence[Any]) -> list[Any]:
        if len(values) != len(self.inputs):
            raise BindingError(f"{len(self.inputs)} values are needed, got {len(values)}")
        point = self._settings.copy()
        for place, k in self._places:
            point[place] = self._read(self.inputs[k], values[k])
        return point

    def _read(self, name: str, value: Any) -> Any:
        try:
            return float(value)
        except (TypeError, ValueError):
            kind = type(value).__name__
            raise BindingError(f"`{name}` is a number, got {kind}") from None

    def __call__(self, *values: float) -> tuple[float, list[float]]:
        """The value and the gradient by every input, in the order of `inputs`.

        `values` are one number per input. Never raises for numeric trouble: 1/0 is inf, log(-1)
        is nan, as IEEE 754 has it. Raises BindingError for a wrong number of values.
        """
        point, output = self._point(values), self._program.output
        try:
            run = self._machine.run(point)
            backward(run, output, 1.0)
        except FAULTS:
            if self._ieee is None:
                self._ieee = Machine(self._program.graph, IEEE)
            run = self._ieee.run(point)
            backward(run, output, 1.0)
        gradients = run.gradients
        return run.values[output], [0.0 if at is None else gradients[at] for at in self._leaves]


class ArrayFunction(Function):
    """The same for a program of arrays whose output is a number."""

    def _bound(self) -> tuple[Machine, list[Any]]:
        from gradcli.arithmetic.arrays import ARRAYS  # late: numbers do not need numpy
        from gradcli.tasks.array_run import array_settings

        shape = self._program.graph.shape(self._program.output)
        if shape:
            raise ShapeError(f"the output has shape {shape}, a compiled function gives one number",
                             hint="sum it, or choose an element: `f[0]`")  # fmt: skip
        return Machine(self._program.graph, ARRAYS), array_settings(self._program)

    def _read(self, name: str, value: Any) -> Any:
        import numpy as np

        shape = self._program.graph.shape(self._program.graph.inputs[name])
        try:
            found = np.asarray(value, dtype=float)
        except (TypeError, ValueError):
            raise BindingError(f"`{name}` is not an array of numbers") from None
        if found.shape != shape:
            raise ShapeError(f"`{name}` has shape {shape}, got {found.shape}")
        return found[()]

    def __call__(self, *values: Any) -> tuple[float, list[Any]]:
        """The value and the gradient by every input, as float64 arrays of the inputs' shapes.

        `values` are arrays, or nested lists, of the shapes the function was compiled for. Raises
        BindingError, ShapeError.
        """
        import numpy as np

        run = self._machine.run(self._point(values))
        backward(run, self._program.output, 1.0)
        graph = self._program.graph
        return float(run.values[self._program.output]), [
            np.zeros(()) if at is None else np.array(
                np.broadcast_to(run.gradients[at], graph.shape(at))
            )
            for at in self._leaves
        ]  # fmt: skip


def compile(
    text: str, inputs: Sequence[str] | Mapping[str, Setting], *, output: str | None = None
) -> Function:
    """Build the graph of a program whose `inputs` get their values at each call.

    `inputs` are names, of numbers; for arrays a mapping of names to values that have the shapes
    the arrays will have. Names the program sets itself keep their values unless they are listed.
    Raises GradcliError.

    >>> compile("(x+y)*z", inputs=["x", "y", "z"])(-2.0, 5.0, -4.0)
    (-12.0, [-4.0, -4.0, 3.0])
    >>> value, (dx,) = compile("sum(x**2)", inputs={"x": [0, 0]})([3.0, 4.0])
    >>> value, dx.tolist()
    (25.0, [6.0, 8.0])
    """
    was_enabled = gc.isenabled()
    gc.disable()  # nothing that is built here is garbage
    try:
        shaped = inputs if isinstance(inputs, Mapping) else {}
        free = [] if shaped else inputs
        program = read(text, settings=shaped, free=free, options=Options(output, varied=inputs))
        kind = ArrayFunction if program.graph.has_arrays else Function
        return kind(program, [*inputs])
    finally:
        if was_enabled:
            gc.enable()


__all__ = ["ArrayFunction", "Function", "check", "compile", "evaluate"]
