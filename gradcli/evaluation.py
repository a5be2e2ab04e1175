"""A program at a point: its inputs as numbers, a run in float64, and the report of it."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

from gradcli.arithmetic import Arithmetic
from gradcli.arithmetic.floats import FAULTS, FLOATS, IEEE
from gradcli.checker import BUDGET, TOLERANCE, Point, Question, Settings, check
from gradcli.engine import Machine, Run, backward, local_gradients
from gradcli.errors import BindingError, NameFault, ShapeError, did_you_mean
from gradcli.graph import Graph, stage_names
from gradcli.lowering import Value
from gradcli.program import Program, Setting, parse_constant
from gradcli.reports import EvalReport, Number, Stage
from gradcli.truth import (
    MOST_GATES,
    Numbers,
    delicate,
    doubtful,
    plain_numbers,
    sweep_bounds,
    too_many_gates,
)

MOST_CHECKED = 1_000  # elements of inputs that are checked one by one
FLOAT_DIGITS = 12  # what a certain float64 result has


class Request:
    """What is asked of a program that has been read."""

    __slots__ = (
        "arithmetic", "check", "check_budget", "digits", "exact", "hessian", "jacobian",
        "max_elements", "tolerance", "upstream", "wrt",
    )  # fmt: skip

    def __init__(
        self,
        wrt: Sequence[str] | None = None,
        upstream: Setting | None = None,
        check: bool = True,
        check_budget: float = BUDGET,
        tolerance: float = TOLERANCE,
        exact: bool = False,
        arithmetic: str = "auto",
        digits: int | None = None,
        max_elements: int = MOST_CHECKED,
        jacobian: bool = False,
        hessian: bool = False,
    ) -> None:
        self.wrt = wrt
        self.upstream = upstream
        self.check = check
        self.check_budget = check_budget
        self.tolerance = tolerance
        self.exact = exact
        self.arithmetic = arithmetic  # auto, float64 or mpmath
        self.digits = digits  # so many correct ones of value and gradients
        self.max_elements = max_elements  # of inputs that are checked one by one
        self.jacobian = jacobian  # whether it is asked for
        self.hessian = hessian

    def changed(self, upstream: Setting | None, check: bool) -> Request:
        """The same for another upstream gradient, with or without the check."""
        return Request(
            self.wrt, upstream, check, self.check_budget, self.tolerance, self.exact,
            self.arithmetic, self.digits, self.max_elements, self.jacobian, self.hessian,
        )  # fmt: skip


class Evaluation:
    """A finished run of a program and how its parts are called."""

    __slots__ = ("leaves", "names", "notes", "program", "results", "run", "upstream")

    def __init__(
        self, program: Program, run: Run, upstream: float, names: dict[int, str],
        leaves: list[tuple[str, int]], notes: list[str],
    ) -> None:  # fmt: skip
        self.program = program
        self.run = run
        self.upstream = upstream
        self.names = names  # of the gates
        self.leaves = leaves  # the numbers whose gradients are asked for
        self.notes = notes  # where the run left the finite numbers
        self.results = program.parts or (program.output,)  # the nodes of the value


def evaluate_at(program: Program, inputs: Sequence[float], asked: Request) -> Evaluation:
    """Forward and backward pass in float64; in IEEE semantics if the fast one faults.

    `inputs` in the order of the graph's inputs. Without an upstream gradient in the request it is
    the program's own, or 1. Raises NameFault for an unknown name in `wrt`.
    """
    upstream = None
    if isinstance(asked.upstream, str) and asked.upstream == "ones":
        upstream = 1.0  # as for an array
    elif asked.upstream is not None:
        graph, node = parse_constant("upstream", asked.upstream)
        upstream = constants_at(graph, [node])[node]
        if not math.isfinite(upstream):
            raise BindingError(f"the upstream gradient is {upstream}, not a finite number")
    try:
        run, used = _run(program, FLOATS, inputs, upstream)
    except FAULTS:
        run, used = _run(program, IEEE, inputs, upstream)
    names = program.called or stage_names(program.graph, program.output)
    leaves = [pair for n in wanted(program, asked.wrt) for pair in numbers(n, program.inputs[n])]
    numbers_wanted = [run.values[program.output], *(run.gradients[leaf] for _, leaf in leaves)]
    notes: list[str] = []
    if not all(map(math.isfinite, numbers_wanted)):
        from gradcli.notes import faults  # late: most runs stay finite

        notes = faults(run, program.output, names)
    return Evaluation(program, run, used, names, leaves, notes)


def _run(
    program: Program, arithmetic: Arithmetic, inputs: Sequence[float], upstream: float | None
) -> tuple[Run, float]:
    run = Machine(program.graph, arithmetic).run(inputs)
    if upstream is None:
        upstream = 1.0 if program.upstream is None else run.values[program.upstream]
    backward(run, program.output, upstream)
    return run, upstream


def report(program: Program, asked: Request, written: Program | None = None) -> EvalReport:
    """Everything `eval` says of a program; with what it was `written` as, both results.

    Raises GradcliError.
    """
    found = evaluate_at(program, settings(program), asked)
    numbers, notes = certain_numbers(found, asked)
    return report_of(found, asked, numbers, notes, _stages(found, numbers), written)


def report_of(
    found: Evaluation, asked: Request, numbers: Numbers, notes: list[str], stages: list[Stage],
    written: Program | None = None,
) -> EvalReport:  # fmt: skip
    """The report of a run whose numbers are certain, with its check. Raises GradcliError."""
    program, names = found.program, found.names
    checked = None
    if asked.check and found.leaves:
        checked = check(
            checked_point(found), questions(found, {}, asked.exact, numbers.gradients),
            Settings(asked.tolerance, asked.check_budget),
        )  # fmt: skip
        if checked is None:
            notes.append("not checked: it would take more than the budget (--check-budget)")
    as_written = None if written is None else _as_written(written, asked, notes)
    if program.value_claims:
        notes.append("claims on values are judged by `gradcli check`, not here")
    asked_for = wanted(program, asked.wrt)
    return EvalReport(
        program.expression or stages[-1].expression,
        names[program.output],
        numbers.values[program.output],
        {n: gather(value, found.run.values) for n, value in program.inputs.items()},
        {n: gather(program.inputs[n], numbers.gradients) for n in asked_for},
        stages,
        checked,
        notes,
        program.warnings,
        bound=numbers.value_bound(program.output),
        gradient_bounds=None
        if numbers.gradient_errors is None
        else {n: gather(program.inputs[n], numbers.gradient_errors) for n in asked_for},
        arithmetic=numbers.arithmetic,
        conditions=_conditions(found, numbers),
        decimal=decimals(found, numbers, asked),
        uncertainty=_uncertainty(found, numbers, notes),
        written=as_written,
        is_plain=asked.arithmetic == "float64",
    )


def certain_numbers(
    found: Evaluation, asked: Request, explains: bool = True
) -> tuple[Numbers, list[str]]:
    """The numbers to report and the notes on them: of the sweep, or in many digits.

    `explains`: the notes say why many digits were needed, and what would cure it. Raises
    LimitError where many digits are asked of too many gates.
    """
    run, program = found.run, found.program
    count = asked.digits or 0
    # The weighted sum of an array's elements is not the user's: it must not cost the bounds.
    is_small = len(program.graph) <= MOST_GATES + 3 * len(program.parts)
    given = None if asked.upstream is not None else program.upstream
    if not is_small and (count or asked.arithmetic == "mpmath"):
        raise too_many_gates("many digits")
    bounds = sweep_bounds(run, program.output, given) if is_small else None
    plain = plain_numbers(run, bounds)
    inputs = [run.values[node] for node in program.graph.inputs.values()]
    if bounds is None or asked.arithmetic == "float64" or not all(map(math.isfinite, inputs)):
        return plain, [*found.notes]
    leaves = [leaf for _, leaf in found.leaves]
    doubts = doubtful(run, bounds, found.results, leaves)
    is_enough = count <= FLOAT_DIGITS and asked.arithmetic == "auto" and not doubts
    if is_enough and not delicate(run, bounds, program.output).intersection(leaves):
        return plain, [*found.notes]
    from gradcli.fallback import Question as Asked  # late: mpmath is loaded only here
    from gradcli.fallback import recompute
    from gradcli.notes import remedy

    upstream = found.upstream if given is None else given
    question = Asked(
        program.graph, inputs, program.output, found.results, found.leaves, upstream,
        found.names, count,
    )  # fmt: skip
    better = recompute(question)
    if better is None:
        return plain, [*found.notes, "many digits cannot tell more: an operand is out of reach"]
    places = [*found.results, *leaves]
    are_same = all(plain.values[k] == better.values[k] for k in found.results) and all(
        _same(plain.gradients[k], better.gradients[k]) for k in leaves
    )
    values = [better.values[k] for k in found.results]
    if any(map(math.isnan, values)) or (any(map(math.isinf, values)) and are_same):
        return plain, [*found.notes]
    if are_same and not count and asked.arithmetic == "auto" and not set(places) & set(doubts):
        return plain, [*found.notes, *better.notes]
    why = remedy(found, plain, bounds, better, doubts) if explains else []
    return better, [*why, *better.notes]


def _as_written(written: Program, asked: Request, notes: list[str]) -> dict[str, Any]:
    """What plain float64 gives for the program before fusing, and a note that says so."""
    found = evaluate_at(written, settings(written), asked)
    value, gradients = found.run.values[written.output], found.run.gradients
    slopes = "".join(f", d{name} = {gradients[leaf]!r}" for name, leaf in found.leaves[:3])
    more = ", ..." if len(found.leaves) > 3 else ""
    notes.append(f"as written, plain float64 gives {value!r}{slopes}{more}")
    return {
        "value": value,
        "gradients": {
            n: gather(written.inputs[n], gradients) for n in wanted(written, asked.wrt)
        },
    }  # fmt: skip


def _same(a: float, b: float) -> bool:
    return a == b or (a != a and b != b)


def _conditions(found: Evaluation, numbers: Numbers) -> dict[str, float | None]:
    """|x * df/dx / f| of every input: relative changes of x come out this many times as large."""
    f, run = numbers.values[found.program.output], found.run
    conditions: dict[str, float | None] = {}
    for name, leaf in found.leaves:
        slope = numbers.gradients[leaf] / found.upstream if found.upstream else math.nan
        moved = abs(run.values[leaf] * slope)
        condition = math.nan if not (math.isfinite(f) and math.isfinite(moved)) else (
            0.0 if not moved else moved / abs(f) if f else math.inf
        )  # fmt: skip
        conditions[name] = None if math.isnan(condition) else condition
    return conditions


def _uncertainty(found: Evaluation, numbers: Numbers, notes: list[str]) -> dict[str, Any] | None:
    """How far the value may be off because inputs are: first order, inputs independent.

    The square root of the sum of the squares of slope times uncertainty (Taylor, An Introduction
    to Error Analysis, section 3.11). Raises BindingError for an uncertainty below 0.
    """
    program = found.program
    if not program.uncertainties:
        return None
    given = constants_at(program.settings, [*program.uncertainties.values()])
    spreads: dict[str, float] = {}
    parts: dict[str, float] = {}
    for name, node in program.uncertainties.items():
        if not 0 <= given[node] < math.inf:
            raise BindingError(f"the uncertainty of `{name}` is {given[node]}, not 0 or more")
        for element, leaf in numbers_of(program, name):
            slope = numbers.gradients[leaf] / found.upstream if found.upstream else math.nan
            spreads[element] = given[node]
            parts[element] = abs(slope) * given[node]
    total = math.hypot(*parts.values()) if parts else 0.0
    shares = ", ".join(f"{part:.3g} from {name}" for name, part in [*parts.items()][:5])
    notes.append(
        f"the value is uncertain by {total:.3g} ({shares}): to first order, inputs independent"
    )
    return {"value": total, "inputs": spreads, "contributions": parts}


def numbers_of(program: Program, name: str) -> list[tuple[str, int]]:
    """The numbers an input consists of; none if the program does not use it."""
    return numbers(name, program.inputs[name]) if name in program.inputs else []


def decimals(found: Evaluation, numbers: Numbers, asked: Request) -> dict[str, Any] | None:
    """The long decimals that were asked for, as texts."""
    if not asked.digits:
        return None
    from gradcli.render.certain import certain_text

    def text(node: int, number: float, bound: float | None) -> str:
        return numbers.texts.get(node) or certain_text(number, bound, asked.digits or 0)

    values = [text(k, numbers.values[k], numbers.value_bound(k)) for k in found.results]
    return {
        "digits": asked.digits,
        "value": values if found.program.parts else values[0],
        "gradients": {
            name: text(leaf, numbers.gradients[leaf], numbers.gradient_bound(leaf))
            for name, leaf in found.leaves
        },
    }


def checked_point(found: Evaluation) -> Point:
    """The run as the checker wants it."""
    trouble = found.notes[0] if found.notes else None
    return Point(found.run, found.program.output, found.upstream, found.names, trouble)


def questions(
    found: Evaluation, typed: dict[str, float], exact: bool,
    gradients: Sequence[float] | None = None,
) -> list[Question]:  # fmt: skip
    """What to check: typed claims by number, hand-written gradients, else the engine's own."""
    program, run = found.program, found.run
    slopes = run.gradients if gradients is None else gradients
    written = {
        element: node
        for name, value in program.claims.items()
        for element, node in numbers(name, value)
    }
    asked = []
    for name, leaf in found.leaves:
        analytic, formula = float(slopes[leaf]), written.get(name)
        if name in typed:
            asked.append(Question(name, leaf, analytic, typed[name], None, exact=True))
        elif formula is not None:
            is_typed = exact or not program.graph.active[formula]
            claim = float(run.values[formula])
            asked.append(Question(name, leaf, analytic, claim, formula, is_typed))
        else:
            asked.append(Question(name, leaf, analytic, exact=exact))
    return asked


# ---------------------------------------------------------------- inputs


def numbers(name: str, value: Value) -> list[tuple[str, int]]:
    """The numbers a value consists of: (`w[0]`, node), (`w[1]`, node), ..."""
    if isinstance(value, list):
        return [pair for k, v in enumerate(value) for pair in numbers(f"{name}[{k}]", v)]
    return [(name, value)]


def gather(value: Value, table: Sequence[Any]) -> Number:
    """A value's numbers from a table by node, in the shape of the value."""
    if isinstance(value, list):
        return [gather(part, table) for part in value]
    number: float = table[value]
    return number


def in_lists(number: Any) -> Number:
    """A number as it is, an array as nested lists."""
    plain: Number = number.tolist() if hasattr(number, "tolist") else number
    return plain


def settings(program: Program) -> list[float]:
    """What the inputs are set to, in the order of the graph's inputs."""
    setting_of = {
        leaf: setting
        for name, value in program.inputs.items()
        for (_, leaf), (_, setting) in zip(
            numbers(name, value), numbers(name, program.values[name]), strict=True
        )
    }
    values = constants_at(program.settings, [*setting_of.values()])
    return [values[setting_of[leaf]] for leaf in program.graph.inputs.values()]


def constants_at(graph: Graph, nodes: Sequence[int]) -> dict[int, float]:
    """The numbers at nodes of a graph of constants; other arrays in it are not computed."""
    if not graph.has_arrays:
        values = Machine(graph, IEEE).run([]).values
        return {node: values[node] for node in nodes}
    needed, moved = graph.pruned([*nodes])
    arithmetic: Arithmetic = IEEE
    if any(gate.is_structural for gate in needed.gates):
        from gradcli.arithmetic.arrays import ARRAYS  # late: most settings are numbers

        arithmetic = ARRAYS
    values = Machine(needed, arithmetic).run([]).values
    return {node: float(values[moved[node]]) for node in nodes}


def wanted(program: Program, asked: Sequence[str] | None) -> list[str]:
    """The inputs whose gradients are asked for: all, or those of `wrt`. Raises NameFault."""
    names = asked if asked is not None else program.wrt
    for name in names:
        if name not in program.inputs:
            hint = did_you_mean(name, program.inputs)
            known = f"inputs are {', '.join(program.inputs)}" if program.inputs else None
            raise NameFault(f"`{name}` is not an input of the program", hint=hint or known)
    return [name for name in program.inputs if not names or name in names]


def typed_claims(program: Program, claims: dict[str, Setting]) -> dict[str, float]:
    """Claims given by the caller as numbers by element: `w[0]`. Raises NameFault, ShapeError."""
    typed: dict[str, float] = {}
    for name, claim in claims.items():
        if name not in program.inputs:
            hint = did_you_mean(name, program.inputs)
            raise NameFault(f"`{name}` is claimed but is not an input of the program", hint=hint)
        graph, value = parse_constant(name, claim, may_be_list=True)
        claimed = dict(_claimed(graph, name, value))
        if [*claimed] != [n for n, _ in numbers(name, program.inputs[name])]:
            from gradcli.render.arrays import shape_of

            raise other_shape(name, graph.shape(value), shape_of(program.inputs[name]))
        typed |= claimed
    return typed


def other_shape(name: str, has: Sequence[int], wants: Sequence[int]) -> ShapeError:
    """The error of a claim that does not have the shape of its input."""
    what = [
        f"has shape {shape}" if shape else "is one number" for shape in map(tuple, (has, wants))
    ]
    return ShapeError(f"the claim for `{name}` {what[0]}, `{name}` {what[1]}")


def _claimed(graph: Graph, name: str, node: int) -> list[tuple[str, float]]:
    """The numbers of a constant with the names of its elements."""
    if not graph.shape(node):
        return [(name, constants_at(graph, [node])[node])]
    from gradcli.arithmetic.arrays import ARRAYS  # late: numbers do not need numpy

    value: Value = Machine(graph, ARRAYS).run([]).values[node].tolist()
    return numbers(name, value)  # type: ignore[return-value]  # numbers in place of nodes


# ---------------------------------------------------------------- stages


def _stages(found: Evaluation, numbers: Numbers) -> list[Stage]:
    """Every gate of the forward part, with its value, gradient and local gradients."""
    program, run, names = found.program, found.run, found.names
    graph = program.graph
    nodes = [n for n in names if n < program.forward_nodes and n not in program.aside]
    nodes.sort(key=lambda node: node == program.output)  # the output comes last
    spans = program.source.spans({graph.tokens[node] for node in nodes})
    place = line_and_column(program.source.text)
    phrases = graph.phrases(names)
    local = local_gradients(run, nodes)
    stages = []
    for node in nodes:
        line, column = place(spans[graph.tokens[node]].start)
        operands: list[str | float] = [
            graph.constants[k] if k in graph.constants else names.get(k) or graph.names[k]
            for k in graph.operands[node]
        ]
        gradient = numbers.gradients[node] if graph.active[node] else None
        slack = numbers.gradient_bound(node) if graph.active[node] else None
        stages.append(Stage(
            names[node], graph.gates[node].name, graph.label(node), phrases[node][0], operands,
            numbers.values[node], gradient, [*local[node]], line, column, node in graph.names,
            numbers.value_bound(node), slack,
        ))  # fmt: skip
    return stages


def line_and_column(text: str) -> Callable[[int], tuple[int, int]]:
    """A function from offsets to (line, column), both counted from 1."""
    starts = [0]
    for at, character in enumerate(text):
        if character == "\n" or (character == "\r" and text[at + 1 : at + 2] != "\n"):
            starts.append(at + 1)
    if len(starts) == 1:
        return lambda offset: (1, offset + 1)
    from bisect import bisect_right  # late: an expression stands on one line

    def place(offset: int) -> tuple[int, int]:
        line = bisect_right(starts, offset)
        return line, offset - starts[line - 1] + 1

    return place
