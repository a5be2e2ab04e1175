"""The report of `eval`: the stages with values and gradients, their digits, and the check.

The numbers of a program come from the float64 run, from many digits, or from arrays that carry
bounds; `Figures` hides which, so that one report is built for all of them. An array program that
is small enough is looked at a second time as the circuit of numbers it stands for.
"""

import math
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from gradcli.checker.evidence import BEYOND_BUDGET, ELEMENTS, NOTHING, evidence
from gradcli.checker.question import questions_of
from gradcli.checker.verdicts import check
from gradcli.engine import local_gradients
from gradcli.errors import BindingError, ShapeError
from gradcli.evaluation.certainty import certain_numbers, decimals
from gradcli.evaluation.numbers import SLACK, Numbers, bounded_run, too_many_gates
from gradcli.evaluation.point import (
    NO_UPSTREAM,
    Point,
    at,
    constants_at,
    gather,
    in_lists,
    inputs_of,
    wanted,
)
from gradcli.graph.lowering import Value
from gradcli.program.model import Program, elements
from gradcli.reports.evaluations import Check, EvalReport, InputCheck, Stage
from gradcli.requests import MOST_GATES, Request
from gradcli.syntax.tokens import line_and_column

NO_GRADIENTS = f"{NO_UPSTREAM}, or --jacobian"
ONE_NUMBER = "sum it, or choose an element: `f[0]`"

if TYPE_CHECKING:
    from gradcli.transform.elements import Circuit

Figure = tuple[Any, Any]  # a number or nested lists, and the bound in its shape; None: not known


class Figures:
    """Value and gradient of a node, or of nested lists of nodes, each with its bound."""

    __slots__ = ("gradient", "value")

    def __init__(
        self, value: Callable[[Value], Figure], gradient: Callable[[Value], Figure]
    ) -> None:
        self.value = value
        self.gradient = gradient


class Scalars:
    """A point on the circuit of numbers: of a program without arrays, that program itself."""

    __slots__ = ("circuit", "elements", "notes", "numbers", "point")

    def __init__(
        self, point: Point, numbers: Numbers, notes: list[str],
        elements: Callable[[Value], Value], circuit: "Circuit | None" = None,
    ) -> None:  # fmt: skip
        self.point = point
        self.numbers = numbers
        self.notes = notes
        self.elements = elements  # of a node of the program, its nodes in the circuit
        self.circuit = circuit  # of a program of arrays


def evaluated(program: Program, request: Request) -> EvalReport:
    """Everything `eval` says of a program. Raises GradcliError."""
    derivatives = None
    if request.jacobian or request.hessian:
        from gradcli.tasks.derivatives import derivatives_of, with_derivatives  # late: few reports

        derivatives = derivatives_of(program, request)  # first: it may be refused
    if request.fuse:
        written = _to_be_fused(program)
        from gradcli.transform.fuse import fused_program  # late: few programs are fused

        answer = report(fused_program(written), request, written)
    else:
        answer = report(program, request)
    if derivatives is None:
        return answer
    return with_derivatives(answer, program, derivatives, request)


def report(program: Program, request: Request, written: Program | None = None) -> EvalReport:
    """The report of a program; with what it was `written` as, both results. Raises GradcliError."""
    point = at(program, inputs_of(program), request)
    graph, has_upstream = program.graph, point.upstream is not None
    shape = graph.shape(program.output)
    scalars = _scalars(point, request)
    figures, notes = _of_elements(scalars) if scalars else _of_arrays(point, request)
    stages = _stages(point, figures)
    value, bound = figures.value(program.output)
    names = wanted(program, request.wrt)
    slopes: dict[str, Figure] = {
        n: figures.gradient(program.inputs[n]) if has_upstream else (None, None) for n in names
    }
    has_bounds = has_upstream and (scalars is None or scalars.numbers.gradient_errors is not None)
    check, remarks = _checked(point, scalars, request)
    notes += remarks
    if program.seed is not None:
        notes.insert(0, f"random numbers drawn with seed {program.seed} (--seed N)")
    if not (has_upstream or request.jacobian):
        notes.append(NO_GRADIENTS)
    as_written = None if written is None else _as_written(written, request, notes)
    if program.value_claims:
        notes.append("claims on values are judged by `gradcli check`, not here")
    answer = EvalReport(
        program.expression or stages[-1].expression,
        point.names[program.output],
        value,
        {n: in_lists(gather(node, point.run.values)) for n, node in program.inputs.items()},
        {n: slope for n, (slope, _) in slopes.items()},
        stages,
        check,
        notes,
        program.warnings,
        bound=bound,
        gradient_bounds={n: slack for n, (_, slack) in slopes.items()} if has_bounds else None,
        arithmetic=scalars.numbers.arithmetic if scalars else "float64",
        conditions=_conditions(scalars) if scalars and has_upstream and not shape else None,
        decimal=_decimals_of(program, scalars, request) if scalars else None,
        uncertainty=_uncertainty(scalars, check, request, notes) if scalars else None,
        written=as_written,
        is_plain=request.arithmetic == "float64",
    )
    if not has_upstream:
        return answer
    return _with_lines(answer, scalars.point if scalars else point, request)


# ---------------------------------------------------------------- numbers and their bounds


def _scalars(point: Point, request: Request) -> Scalars | None:
    """The point on numbers; None where arrays are too large to be taken apart.

    Raises ShapeError for an uncertainty of an array, LimitError for what only numbers have.
    """
    program = point.program
    if not program.graph.has_arrays:
        return Scalars(point, *certain_numbers(point, request), lambda value: value)
    shape = program.graph.shape(program.output)
    if program.uncertainties and shape:
        raise ShapeError("an uncertainty needs an output of one number",
                         hint="choose an element: `f[0]`, or take its sum or mean")  # fmt: skip
    import numpy as np  # late: numbers do not need it

    from gradcli.transform.elements import small_circuit, unrolled

    circuit = small_circuit(program.graph, apart=True)
    if circuit is None:
        if request.digits or request.arithmetic == "mpmath":
            raise too_many_gates("many digits")
        if program.uncertainties:
            raise too_many_gates("uncertainties")
        return None
    weights = np.ones(shape) if point.upstream is None else point.upstream
    taken_apart = unrolled(program, weights, circuit)
    single = at(taken_apart, inputs_of(taken_apart), request)
    if point.upstream is None:
        single.leaves = []  # the weights are any: there are no gradients
    return Scalars(single, *certain_numbers(single, request), circuit.value, circuit)


def _of_elements(scalars: Scalars) -> tuple[Figures, list[str]]:
    """Figures of certain numbers, element by element, and the notes on them."""
    table, elements = scalars.numbers, scalars.elements

    def value(node: Value) -> Figure:
        nodes = elements(node)
        return gather(nodes, table.values), _each(nodes, table.value_bound)

    def gradient(node: Value) -> Figure:
        nodes = elements(node)
        return gather(nodes, table.gradients), _each(nodes, table.gradient_bound)

    return Figures(value, gradient), scalars.notes


def _each(value: Value, of_node: Callable[[int], Any]) -> Any:
    return [_each(v, of_node) for v in value] if isinstance(value, list) else of_node(value)


def _of_arrays(point: Point, request: Request) -> tuple[Figures, list[str]]:
    """Figures of a run over large arrays, with the bounds of arrays, and the notes on them."""
    import numpy as np  # late: numbers do not need it

    program, run, notes = point.program, point.run, point.notes
    if request.arithmetic != "float64":
        from gradcli.evaluation.diagnosis import array_doubts

        upstream_node = program.upstream if request.upstream is None else None
        output = None if point.upstream is None else program.output
        run = bounded_run(point.run, output, point.upstream, upstream_node)
        notes += array_doubts(run, program.output, point.names)

    def figure(node: Any, table: Sequence[Any]) -> Figure:
        shape, number = program.graph.shape(node), table[node]
        if run is point.run:
            return np.broadcast_to(number, shape).tolist(), None
        bound = np.broadcast_to(SLACK * number.error, shape).tolist()
        return np.broadcast_to(number.value, shape).tolist(), bound

    return Figures(
        lambda node: figure(node, run.values),
        lambda node: figure(node, run.gradients),
    ), notes


# ---------------------------------------------------------------- parts of the report


def _checked(
    point: Point, scalars: Scalars | None, request: Request
) -> tuple[Check | None, list[str]]:
    """The verdicts on the gradients, and how they were found; None where nothing was checked."""
    graph, gradients = point.program.graph, len(point.leaves)
    leaves = scalars.point.leaves if scalars else point.leaves  # none of an array without elements
    if not (request.check and leaves) or point.upstream is None:
        return None, []
    chosen = evidence(graph, gradients, request, scalars.circuit if scalars else None)
    notes = [] if chosen.note is None else [chosen.note]
    if chosen.kind == NOTHING:
        return None, notes
    if scalars and chosen.kind == ELEMENTS:
        questions = questions_of(scalars.point, {}, request.exact, scalars.numbers.gradients)
        return check(scalars.point, questions, request), notes
    return check(point, questions_of(point, {}, request.exact), request), notes


def _with_lines(answer: EvalReport, point: Point, request: Request) -> EvalReport:
    """The report with verdicts on the lines of the backward part, if there is one.

    No line passes where the gradients it rests on were not checked.
    """
    if not point.program.lines:
        return answer
    from gradcli.backward.lines import judge_lines  # late: few programs have a backward part

    lines, forks, _ = judge_lines(point, request)
    if request.check and answer.check is None:
        reason = BEYOND_BUDGET if answer.inputs else "not checked: the program has no input"
        lines = [line.unchecked(reason) for line in lines]
    return answer._replace(lines=lines, forks=forks, text=point.program.source.text)


def _to_be_fused(program: Program) -> Program:
    """The program of numbers whose forms may be recognised.

    Raises ShapeError where the output is an array, LimitError where there are too many elements.
    """
    if not program.graph.has_arrays:
        return program
    if program.graph.shape(program.output):
        raise ShapeError("--fuse needs an output of one number", hint=ONE_NUMBER)
    from gradcli.transform.elements import gate_count, unrolled  # late: it needs numpy

    if gate_count(program.graph) > MOST_GATES:
        raise too_many_gates("fused forms")
    return unrolled(program)


def _as_written(written: Program, request: Request, notes: list[str]) -> dict[str, Any]:
    """The results of plain float64 before fusing, which a note repeats."""
    point = at(written, inputs_of(written), request)
    value, gradients = point.run.values[written.output], point.run.gradients
    slopes = "".join(f", d{name} = {gradients[leaf]!r}" for name, leaf in point.leaves[:3])
    more = ", ..." if len(point.leaves) > 3 else ""
    notes.append(f"as written, plain float64 gives {value!r}{slopes}{more}")
    return {
        "value": value,
        "gradients": {
            n: gather(written.inputs[n], gradients) for n in wanted(written, request.wrt)
        },
    }  # fmt: skip


def _conditions(scalars: Scalars) -> dict[str, float | None]:
    """|x * df/dx / f| of every input: relative changes of x come out this many times as large."""
    point, table = scalars.point, scalars.numbers
    f = table.values[point.program.output]
    conditions: dict[str, float | None] = {}
    for name, leaf in point.leaves:
        slope = table.gradients[leaf] / point.upstream if point.upstream else math.nan
        moved = abs(point.run.values[leaf] * slope)
        condition = math.nan if not (math.isfinite(f) and math.isfinite(moved)) else (
            0.0 if not moved else moved / abs(f) if f else math.inf
        )  # fmt: skip
        conditions[str(name)] = None if math.isnan(condition) else condition
    return conditions


def _uncertainty(
    scalars: Scalars, check: Check | None, request: Request, notes: list[str]
) -> dict[str, Any] | None:
    """How far the value may be off because inputs are: first order, inputs independent.

    The square root of the sum of the squares of slope times uncertainty (Taylor, An Introduction
    to Error Analysis, section 3.11); at a kink the steeper slope counts. None stands where a slope
    is infinite or missing. Raises BindingError for an uncertainty below 0.
    """
    point, program = scalars.point, scalars.point.program
    if not program.uncertainties:
        return None
    if check is None:  # the slopes of a kink are needed, asked for or not
        check, _ = _checked(point, scalars, request._replace(check=True))
    spread_at = constants_at(program.settings, [*program.uncertainties.values()])
    spreads: dict[str, float] = {}
    parts: dict[str, float | None] = {}
    remarks: list[str] = []
    for name, node in program.uncertainties.items():
        spread = spread_at[node]
        if not 0 <= spread < math.inf:
            raise BindingError(f"the uncertainty of `{name}` is {spread}, not 0 or more")
        if name not in program.inputs:
            continue
        for element, leaf in elements(name, program.inputs[name]):
            spreads[str(element)] = spread
            answer = check.inputs.get(str(element)) if check else None
            slope, remark = _steepest(scalars.numbers.gradients[leaf], answer)
            slope = slope / point.upstream if slope and point.upstream else slope
            part = abs(slope) * spread if spread else 0.0
            parts[str(element)] = part if math.isfinite(part) else None
            remarks += [f"{remark} {element}"] if spread and remark else []
    known = [part for part in parts.values() if part is not None]
    total = math.hypot(*known) if len(known) == len(parts) else None
    notes.append(_words_of_uncertainty(total, parts, remarks))
    return {"value": total, "inputs": spreads, "contributions": parts}


def _steepest(gradient: float, answer: InputCheck | None) -> tuple[float, str]:
    """The size of the slope that an uncertainty is multiplied by, and what is to be said of it."""
    if answer is not None and answer.kind in ("jump", "nan"):
        return math.nan, "f jumps in" if answer.kind == "jump" else "f has no slope in"
    if answer is not None and answer.interval is not None:
        slope = max(map(abs, answer.interval))
        return slope, "the slope is infinite in" if math.isinf(slope) else "at a kink in"
    if math.isinf(gradient):
        return math.inf, "the slope is infinite in"
    return gradient, "f has no slope in" if math.isnan(gradient) else ""


def _words_of_uncertainty(
    total: float | None, parts: dict[str, float | None], remarks: list[str]
) -> str:
    """The note on the uncertainty of the value: what it comes from, or why there is none."""
    if total is None:
        return f"no uncertainty of the value to first order: {', '.join(remarks[:5])}"
    shares = ", ".join(f"{part:.3g} from {name}" for name, part in [*parts.items()][:5])
    words = f"the value is uncertain by {total:.3g} ({shares}): to first order, inputs independent"
    return f"{words}; the steeper slope counts {', '.join(remarks[:5])}" if remarks else words


def _decimals_of(program: Program, scalars: Scalars, request: Request) -> dict[str, Any] | None:
    """The long decimals that were asked for, in the shape of the program's output."""
    if not request.digits:
        return None
    texts = decimals(scalars.point, scalars.numbers, request.digits)
    return {
        "digits": request.digits,
        "value": _each(scalars.elements(program.output), texts.__getitem__),
        "gradients": {str(name): texts[leaf] for name, leaf in scalars.point.leaves},
    }


def _stages(point: Point, figures: Figures) -> list[Stage]:
    """Every gate of the forward part; the elements and rows of something named are no stages."""
    program, names = point.program, point.names
    graph = program.graph
    nodes = [
        n for n in names
        if n < program.forward_nodes and n not in program.aside
        and (n == program.output or not (graph.is_part(n) and names[n][0] != "#"))
    ]  # fmt: skip
    nodes.sort(key=lambda node: node == program.output)  # the output comes last
    spans = program.source.spans({graph.tokens[node] for node in nodes})
    place = line_and_column(program.source.text)
    phrases = graph.phrases(names)
    local = local_gradients(point.run, [n for n in nodes if not graph.gates[n].is_structural])
    stages = []
    for node in nodes:
        operands = [
            _constant(graph.constants[k])
            if k in graph.constants
            else names.get(k) or graph.names[k]
            for k in graph.operands[node]
        ]
        has_slope = graph.active[node] and point.upstream is not None
        value, bound = figures.value(node)
        slope, slack = figures.gradient(node) if has_slope else (None, None)
        stages.append(Stage(
            names[node], graph.gates[node].name, graph.label(node), phrases[node][0], operands,
            value, slope, [*map(in_lists, local[node])] if node in local else None,
            *place(spans[graph.tokens[node]].start), node in graph.names, bound, slack,
        ))  # fmt: skip
    return stages


def _constant(value: Any) -> Any:
    """A constant operand as reports hold it: a number, or the parts of a static one."""
    return [*map(_constant, value)] if isinstance(value, tuple) else value
