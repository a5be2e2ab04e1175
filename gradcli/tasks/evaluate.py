"""The report of `eval`: the stages with values and gradients, their digits, and the check."""

import math
from typing import Any

from gradcli.arithmetic.work import ASIDE, limited
from gradcli.checker.evidence import BEYOND_BUDGET, ELEMENTS, NOTHING, evidence_at
from gradcli.checker.question import questions_of
from gradcli.checker.verdicts import check
from gradcli.engine import local_gradients
from gradcli.errors import BindingError, ShapeError, UsageError
from gradcli.evaluation.certainty import decimals
from gradcli.evaluation.costs import refuse_much
from gradcli.evaluation.numbers import too_many_gates
from gradcli.evaluation.point import (
    NO_UPSTREAM,
    Point,
    as_numbers,
    at,
    constants_at,
    gather,
    in_lists,
    inputs_of,
    seed_notes,
    wanted,
)
from gradcli.gates.shapes import Places
from gradcli.program.model import Program, elements
from gradcli.reports.evaluations import Check, EvalReport, InputCheck, Link, Stage
from gradcli.requests import MOST_GATES, Request
from gradcli.syntax.tokens import line_and_column
from gradcli.tasks.figures import Figure, Figures, Scalars, each, figures_of
from gradcli.transform.gate_counts import gate_count

NO_GRADIENTS = f"{NO_UPSTREAM}, or --jacobian"
OVERRULED = (
    "the lines of the file pass back its own upstream gradient: with another they are not judged"
)
ONE_NUMBER = "sum it, or choose an element: `f[0]`"


def evaluated(program: Program, request: Request) -> EvalReport:
    """Everything `eval` says of a program. Raises GradcliError."""
    derivatives = None
    if request.jacobian or request.hessian:
        from gradcli.tasks.derivatives import derivatives_of, with_derivatives  # late: few reports

        with limited(ASIDE):
            derivatives = derivatives_of(program, request)  # first: it may be refused
    if request.fuse:
        written = to_be_fused(program)
        from gradcli.transform.fuse import fused_program  # late: few programs are fused

        answer = report(fused_program(written), request, written)
    else:
        answer = report(program, request)
    if derivatives is None:
        return answer
    with limited(ASIDE):
        return with_derivatives(answer, program, derivatives, request)


@limited()
def report(program: Program, request: Request, written: Program | None = None) -> EvalReport:
    """The report of a program; with what it was `written` as, both results. Raises GradcliError."""
    refuse_much(program, request)
    point = at(program, inputs_of(program), request)
    graph, has_upstream = program.graph, point.upstream is not None
    shape = graph.shape(program.output)
    scalars, figures, notes = figures_of(point, request)
    stages = _stages(point, figures, request.local)
    value, bound = figures.value(program.output)
    names = wanted(program, request.wrt)
    slopes: dict[str, Figure] = {
        n: figures.gradient(program.inputs[n]) if has_upstream else (None, None) for n in names
    }
    has_bounds = has_upstream and (scalars is None or scalars.numbers.gradient_errors is not None)
    check, remarks = _checked(point, scalars, request)
    notes += remarks
    notes[:0] = seed_notes(program)
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
    if is_overruled(program, request):
        return answer._replace(notes=[*answer.notes, OVERRULED])
    return _with_lines(answer, scalars.point if scalars else point, request)


# ---------------------------------------------------------------- parts of the report


def _checked(
    point: Point, scalars: Scalars | None, request: Request
) -> tuple[Check | None, list[str]]:
    """The verdicts on the gradients, and how they were found; None where nothing was checked."""
    leaves = scalars.point.leaves if scalars else point.leaves  # none of an array without elements
    if not (request.check and leaves) or point.upstream is None:
        return None, []
    circuit = scalars.circuit if scalars else None
    better = scalars.numbers.gradients if scalars and circuit is None else None
    questions = questions_of(point, {}, request.exact, better)
    chosen = evidence_at(point, questions, request, circuit)
    notes = [] if chosen.note is None else [chosen.note]
    if chosen.kind == NOTHING:
        return None, notes
    if scalars and circuit is not None and chosen.kind == ELEMENTS:
        questions = questions_of(scalars.point, {}, request.exact, scalars.numbers.gradients)
        return check(scalars.point, questions, request, chosen), notes
    return check(point, questions, request, chosen), notes


def _with_lines(answer: EvalReport, point: Point, request: Request) -> EvalReport:
    """The report with verdicts on the lines of the backward part, if there is one.

    No line passes where the gradients it rests on were not checked.
    """
    if not point.program.lines or point.program.graph.own_gates:
        return answer
    from gradcli.backward.lines import judge_lines  # late: few programs have a backward part

    lines, forks, _ = judge_lines(point, request)
    if request.check and answer.check is None:
        nothing = "no input has elements" if answer.inputs else "the program has no input"
        reason = BEYOND_BUDGET if point.leaves else f"not checked: {nothing}"
        lines = [line.unchecked(reason) for line in lines]
    return answer._replace(lines=lines, forks=forks, text=point.program.source.text)


def is_overruled(program: Program, request: Request) -> bool:
    """Whether the lines pass back an upstream gradient of the file, and the caller gives another.

    No line says what it is: it is a parameter of a function that is passed back through.
    """
    has_own = program.upstream is not None and request.upstream is not None
    return has_own and not program.claims.keys() <= {line.name for line in program.lines}


def to_be_fused(program: Program) -> Program:
    """The program of numbers whose forms may be recognised.

    Raises ShapeError where the output is an array, LimitError where there are too many gates,
    UsageError where arrays go through a gate that runs.
    """
    if program.graph.shape(program.output):
        raise ShapeError("--fuse needs an output of one number", hint=ONE_NUMBER)
    if gate_count(program.graph) > MOST_GATES:
        raise too_many_gates("fused forms")
    graph = program.graph
    if not graph.is_opaque:
        return as_numbers(program)
    if any(map(graph.shape, range(len(graph)))):
        own = next(gate.name for gate in graph.gates if gate.code is not None)
        raise UsageError(f"--fuse takes arrays apart into numbers; `{own}` runs and is not read",
                         hint="fuse the formulas around it on their own")  # fmt: skip
    return program  # of numbers: no form has such a gate


def _as_written(written: Program, request: Request, notes: list[str]) -> dict[str, Any]:
    """The results of plain float64 before fusing, which a note repeats."""
    point = at(written, inputs_of(written), request)
    value, gradients = float(point.run.values[written.output]), point.run.gradients
    slopes = "".join(f", d{name} = {float(gradients[leaf])!r}" for name, leaf in point.leaves[:3])
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
        "value": each(scalars.elements(program.output), texts.__getitem__),
        "gradients": {str(name): texts[leaf] for name, leaf in scalars.point.leaves},
    }


def _stages(point: Point, figures: Figures, with_links: bool) -> list[Stage]:
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
    elementwise = [n for n in nodes if not graph.gates[n].is_structural]
    local = local_gradients(point.run, elementwise)
    links: dict[int, list[Link | None]] = {}
    if with_links:
        from gradcli.tasks.chain import links_of  # late: few reports have them

        links = links_of(point, nodes, figures)
        if point.upstream is not None:  # the factors of the products
            local |= {n: [link and link.local for link in links[n]] for n in elementwise}
    stages = []
    for node in nodes:
        operands = [
            plain_constant(graph.constants[k])
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
            links.get(node),
        ))  # fmt: skip
    return stages


def plain_constant(value: Any) -> Any:
    """A constant operand as reports hold it: a number, or the parts of an axis or an index."""
    if isinstance(value, Places):
        return value.flat.tolist()
    return [*map(plain_constant, value)] if isinstance(value, tuple) else value
