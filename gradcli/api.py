"""The public functions: glue between the rooms, and nothing else."""

from __future__ import annotations

import gc
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from gradcli.errors import BindingError, GradcliError, did_you_mean
from gradcli.gates.table import BUILT_IN
from gradcli.program.files import PYTHON, subject_of
from gradcli.program.reader import read
from gradcli.requests import BUDGET, TOLERANCE, Request, Setting, valid

if TYPE_CHECKING:
    from gradcli.evaluation.compiled import Function
    from gradcli.graph.nodes import Graph
    from gradcli.program.model import Program
    from gradcli.reports.checks import CheckReport
    from gradcli.reports.circuits import Circuit
    from gradcli.reports.evaluations import EvalReport
    from gradcli.reports.pages import Page
    from gradcli.reports.plots import Plot
    from gradcli.reports.steps import StepsReport
    from gradcli.reports.tellings import Telling
    from gradcli.tasks.code import Code

Bindings = Mapping[str, Setting] | Iterable[tuple[str, Setting]]


def evaluate(
    text: str, bindings: Bindings = (), *, name: str = "<expression>", **options: Any
) -> EvalReport:
    """Value, gradients and verdicts of an expression or program at one point.

    `bindings` are numbers, nested lists of numbers, arrays, or constant expressions as text; they
    win over the program's own. `name` is what errors call the text. Gradients have the shape of
    their inputs, as nested lists. The other keywords are the fields of `requests.Request`: output,
    expand, fuse, seed, max_array, wrt, upstream, jacobian, hessian, arithmetic, digits, local,
    check, check_budget, max_elements, tolerance, exact. Raises GradcliError.

    >>> evaluate("(x+y)*z", {"x": -2, "y": 5, "z": -4}).gradients
    {'x': -4.0, 'y': -4.0, 'z': 3.0}
    """
    from gradcli.tasks.evaluate import evaluated  # late: a compiled function needs no reports

    request = _request("evaluate", options)
    return evaluated(_program(text, name, bindings, request), request)


def circuit(
    text: str, bindings: Bindings = (), *, name: str = "<expression>", collapse: bool = False,
    **options: Any,
) -> Circuit:  # fmt: skip
    """The circuit of an expression or program at one point: gates, wires, and what flows in them.

    `collapse` makes one node of every named stage, or of every line of a Python file. `bindings`,
    `name` and the other keywords are those of `evaluate`. Raises GradcliError.

    >>> drawn = circuit("(x+y)*z", {"x": -2, "y": 5, "z": -4})
    >>> [(wire.source, wire.target, wire.contribution) for wire in drawn.wires][:2]
    [('n0', 'n3', -4.0), ('n1', 'n3', -4.0)]
    """
    from gradcli.tasks.circuits import circuit_of, narrowed  # late: `evaluate` does not pay for it

    request = _request("circuit", options)
    drawn = circuit_of(_program(text, name, bindings, request), request, collapse)
    return drawn if request.wrt is None else narrowed(drawn, request.wrt)


def page(text: str, bindings: Bindings = (), *, name: str = "<expression>", **options: Any) -> Page:
    """The circuit to be stepped through, with its code and a program that computes it anew.

    `bindings`, `name` and the keywords are those of `evaluate`. Raises GradcliError.
    """
    from gradcli.tasks.page import page_of  # late: `evaluate` does not pay for it

    request = _request("page", options)
    return page_of(_program(text, name, bindings, request), request)


def telling(
    text: str, bindings: Bindings = (), *, name: str = "<expression>", **options: Any
) -> Telling:
    """The backward pass of an expression or program, told gate by gate in the order of the sweep.

    `bindings`, `name` and the keywords are those of `evaluate`. Raises GradcliError.

    >>> story = telling("(x+y)*z", {"x": -2, "y": 5, "z": -4})
    >>> [part.code for step in story.steps for part in step.parts]
    ['dq1 = z', 'dz = q1', 'dx = dq1', 'dy = dq1']
    """
    from gradcli.tasks.explain import telling_of  # late: `evaluate` does not pay for it

    request = _request("telling", options)
    return telling_of(_program(text, name, bindings, request), request)


def code(
    text: str, bindings: Bindings = (), *, name: str = "<expression>", language: str | None = None,
    function: str | None = None, gate_class: str | None = None, textbook: bool = False,
    batched: bool = False, **options: Any,
) -> Code:  # fmt: skip
    """The staged forward and backward pass of an expression or program, as code.

    `language` is python, numpy, torch, jax, c, javascript, julia, grad, formula or latex; None is
    Python, or NumPy where there are arrays. `function` and `gate_class` are the names of what the
    code is wrapped in; `textbook` writes local gradients as a lecture does, and not in their stable
    form; `batched` code takes many points at once. `bindings`, `name` and the other keywords are
    those of `evaluate`. Raises GradcliError.

    >>> print(code("x*y", {"x": 3, "y": 2}, function="product").text.rstrip())
    # read back, and every gradient checked against a numerical one at these inputs
    def product(x, y, df=1.0):
        \"\"\"x * y, and its gradients by x, y.\"\"\"
        # forward pass
        f = x * y  # (1)
    <BLANKLINE>
        # backward pass
        dx = y * df  # (1)
        dy = x * df  # (1)
        return f, (dx, dy)
    """
    from gradcli.tasks.code import FORMULAS, Wrapping, code_of  # late: `evaluate` does without
    from gradcli.tasks.plain_numbers import at_numbers, told  # late: the same

    request = _request("code", options)
    wrapping = Wrapping(function, gate_class, textbook, batched)

    def made(numbers: Mapping[str, float]) -> Code:
        program = _program(text, name, [*_pairs(bindings), *numbers.items()], request)
        return code_of(told(program, numbers), request, language, wrapping)

    try:
        return made({})
    except GradcliError as error:
        if not (language in FORMULAS or function or gate_class):
            raise  # a script begins with its inputs
        return at_numbers(text, error, made)


def steps(
    text: str, bindings: Bindings = (), *, name: str = "<expression>", **options: Any
) -> StepsReport:
    """How wrong numeric derivatives of an expression or program are, step by step.

    `bindings`, `name` and the keywords are those of `evaluate`. Raises GradcliError.

    >>> curves = steps("sin(x)", {"x": 1}).inputs[0].curves
    >>> [(curve.method, round(curve.truncation_slope)) for curve in curves]
    [('forward', 1), ('central', 2), ('extrapolated', 4), ('complex', 2)]
    """
    from gradcli.tasks.steps import steps_of  # late: `evaluate` does not pay for it

    request = _request("steps", options)
    return steps_of(_program(text, name, bindings, request), request)


def plot(text: str, bindings: Bindings = (), *, name: str = "<expression>", **options: Any) -> Plot:
    """Value and gradient of an expression or program over one input or two.

    One or two of the `bindings` are ranges, `"-2:2"`; `name` and the keywords are those of
    `evaluate`. Raises GradcliError.

    >>> [mark.x for mark in plot("abs(x - 0.5)", {"x": "-2:2"}).line.marks]
    [0.5]
    """
    from gradcli.tasks.plots import plot_of  # late: `evaluate` does not pay for it

    return plot_of(text, name, _pairs(bindings), _request("plot", options))


def _program(text: str, name: str, bindings: Bindings, request: Request) -> Program:
    """The program of a text in the tool's language or in Python, as its name tells."""
    if subject_of(name)[0].endswith(PYTHON):
        from gradcli.tasks.check_python import read_python  # late: most programs are not Python

        return read_python(text, name, _pairs(bindings), request)
    pairs, table = _pairs(bindings), BUILT_IN
    if request.gates:
        from gradcli.tasks.tables import table_of  # late: few have gates of their own

        table = table_of(request)

    def reading(text: str) -> Program:
        return read(text, name, pairs, request=request, table=table, true_gradients=_truth)

    try:
        return reading(text)
    except GradcliError as error:
        from gradcli.tasks.pasted_programs import LEFT_OUT, program_in  # late: few are pasted

        program = reading(program_in(text, error))
        return program._replace(warnings=[*program.warnings, LEFT_OUT])


def _truth(graph: Graph, output: int, upstream: int) -> Callable[[int], int]:
    """What `read` asks for where the shapes of a gradient line do not fit."""
    from gradcli.transform.truth import true_gradients  # late: few lines do not fit

    return true_gradients(graph, output, upstream)


def check(
    text: str,
    bindings: Bindings = (),
    claims: Mapping[str, Setting] | None = None,
    *,
    name: str = "<expression>",
    budget: float = BUDGET,
    **options: Any,
) -> CheckReport:
    """Verdicts on the gradients of an expression or program.

    `claims` are numbers (or lists) by input and are held exactly, or by the name of an entry or a
    block of a Hessian or a Jacobian, `"x,y"`, `"x[0],x[1]"`, `"value[0],x"`; without them the
    hand-written gradients of the program are checked, and where there is none the engine's own. A
    binding may be a range, `"-2:2"`. `budget` is the most gate evaluations at one point; the other
    keywords are the fields of `requests.Request`: output, seed, max_array, wrt, upstream, jacobian,
    hessian, tolerance, exact, samples, max_elements. Raises GradcliError.

    >>> check("(x+y)*z", {"x": -2, "y": 5, "z": -4}, claims={"x": -4, "z": -3}).verdict
    'fail'
    """
    from gradcli.reports.checks import CheckReport  # late: `evaluate` does not pay for it
    from gradcli.tasks.check import check_program

    request = _request("check", options)._replace(claims=dict(claims or {}), check_budget=budget)
    return CheckReport([check_program(text, name, _pairs(bindings), request).case])


def check_function(
    f: Callable[..., Any], grad: Callable[..., Any] | None = None, *points: Any,
    names: Sequence[str] | None = None, upstream: str | None = None, seed: int = 0,
    tolerance: float = TOLERANCE,
) -> CheckReport:  # fmt: skip
    """Verdicts on the gradient of a Python function, from its values.

    A point is a number, a list or an array for a function of one argument, else a tuple of the
    arguments. `grad` takes the same arguments and returns a gradient for each that is a float; of a
    function whose value is an array it also takes the upstream gradient, or returns Jacobians.
    Without `grad` the function returns its value and its gradients, or its value and a pullback.
    `upstream` says where `grad` takes the upstream gradient: "first", "last", "none", or "cached"
    for grad(upstream, cache) of what f returns beside its value; by default its parameters tell.
    Verdicts are estimates, with the noise of f as measured. Raises GradcliError, and whatever the
    two functions raise.

    >>> check_function(lambda x, y: x * y**2, lambda x, y: (y**2, x * y), (3.0, 2.0)).verdict
    'fail'
    """
    from gradcli.tasks.callables import check_callables  # late: `evaluate` does not pay for it

    valid(Request(tolerance=tolerance))
    return check_callables(f, grad, points, names, upstream, seed, tolerance)


def _request(function: str, options: Mapping[str, Any]) -> Request:
    """The request of a caller. Raises TypeError, as Python does, for an option there is not."""
    for option in options:
        if option not in Request._fields:
            hint = did_you_mean(option, Request._fields)
            text = f"{function}() got an unexpected keyword argument '{option}'"
            raise TypeError(f"{text}; {hint}" if hint else text)
    keeps = {"keeps_tolerance": True} if "tolerance" in options else {}
    return valid(Request(**{**keeps, **options}))


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
    from gradcli.evaluation.compiled import Function  # late: `evaluate` does not pay for it

    was_enabled = gc.isenabled()
    gc.disable()  # nothing that is built here is garbage
    try:
        shaped = inputs if isinstance(inputs, Mapping) else {}
        free = [] if shaped else inputs
        program = read(text, settings=shaped, free=free, varied=inputs, request=Request(output))
        return Function(program, [*inputs])
    finally:
        if was_enabled:
            gc.enable()


__all__ = ["Function", "check", "check_function", "circuit", "compile", "evaluate"]
