"""The public functions: glue between the rooms, and nothing else."""

from __future__ import annotations

import gc
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from gradcli.arithmetic.floats import FAULTS, FLOATS, IEEE
from gradcli.engine import Machine, backward
from gradcli.errors import BindingError
from gradcli.evaluation import Request, report, settings
from gradcli.graph import MOST_ELEMENTS
from gradcli.program import Options, Program, Setting, fused_program, read
from gradcli.reports import EvalReport

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
    pairs = list(bindings.items() if isinstance(bindings, Mapping) else bindings)
    options = Options(output, expand, fuse, seed, max_array)
    program = read(text, name, pairs, options=options)
    if jacobian or hessian:
        from gradcli.jacobian import derivatives  # late: most reports have neither

        found = derivatives(program, jacobian, hessian)
        plainly = evaluate(text, pairs, name=name, output=output, expand=expand, fuse=fuse,
                           seed=seed, max_array=max_array, **request)  # fmt: skip
        return plainly._replace(jacobian=found[0], hessian=found[1])
    asked = Request(**request)
    written = None
    if program.graph.has_arrays and fuse:
        from gradcli.array_run import as_numbers  # late: numbers do not need numpy

        written = as_numbers(program, upstream=asked.upstream)
        program = fused_program(written)
    elif program.graph.has_arrays:
        from gradcli.array_report import array_report  # late: numbers do not need numpy

        return array_report(program, asked)
    elif fuse:
        written = read(text, name, pairs, options=Options(output, expand))
    answer = report(program, asked, written)
    if not program.lines:
        return answer
    from gradcli.backward import judge_program  # late: few programs have a backward part

    lines, forks = judge_program(program, asked)
    return answer._replace(lines=lines, forks=forks, text=text)


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
    from gradcli.cases import CheckRequest, check_program  # late: `evaluate` does not pay for it
    from gradcli.reports.checks import CheckReport

    pairs = list(bindings.items() if isinstance(bindings, Mapping) else bindings)
    asked = CheckRequest(claims=dict(claims or {}), **request)
    return CheckReport([check_program(text, name, pairs, output, asked)])


class Function:
    """A program built once, for many evaluations. Calling it gives value and gradients."""

    def __init__(self, program: Program, inputs: Sequence[str]) -> None:
        if program.graph.has_arrays:
            from gradcli.array_run import as_numbers  # late: numbers do not need numpy

            program = as_numbers(program)
        self._program = program
        self.inputs = tuple(inputs)
        self._settings = settings(program)  # inputs that are not asked for keep these
        places = {name: k for k, name in enumerate(program.graph.inputs)}
        self._places = [(places[n], k) for k, n in enumerate(self.inputs) if n in places]
        self._leaves = [program.graph.inputs.get(name) for name in self.inputs]
        self._machine = Machine(program.graph, FLOATS)
        self._ieee: Machine | None = None

    def __call__(self, *values: float) -> tuple[float, list[float]]:
        """The value and the gradient by every input, in the order of `inputs`.

        `values` are one number per input. Never raises for numeric trouble: 1/0 is inf, log(-1)
        is nan, as IEEE 754 has it. Raises BindingError for a wrong number of values.
        """
        if len(values) != len(self.inputs):
            raise BindingError(f"{len(self.inputs)} values are needed, got {len(values)}")
        point = self._settings.copy()
        for place, k in self._places:
            point[place] = float(values[k])
        output = self._program.output
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


def compile(text: str, inputs: Sequence[str], *, output: str | None = None) -> Function:
    """Build the graph of a program whose `inputs` get their values at each call.

    Names the program sets itself keep their values unless they are listed. Raises GradcliError.

    >>> compile("(x+y)*z", inputs=["x", "y", "z"])(-2.0, 5.0, -4.0)
    (-12.0, [-4.0, -4.0, 3.0])
    """
    was_enabled = gc.isenabled()
    gc.disable()  # nothing that is built here is garbage
    try:
        return Function(read(text, free=inputs, options=Options(output)), inputs)
    finally:
        if was_enabled:
            gc.enable()


__all__ = ["Function", "check", "compile", "evaluate"]
