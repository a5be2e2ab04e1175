"""Array programs before the rooms that know numbers.

A program of arrays is run as arrays; its gradients are judged, bounded and where needed computed
in many digits on the circuit of numbers it stands for, element by element.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from gradcli.arithmetic.bounded import Bounded
from gradcli.bounds import bounded_run
from gradcli.engine import local_gradients
from gradcli.errors import ShapeError
from gradcli.evaluation.certainty import certain_numbers
from gradcli.evaluation.diagnosis import array_doubts
from gradcli.evaluation.numbers import SLACK, too_many_gates
from gradcli.evaluation.point import Evaluation, evaluate_at, gather, settings
from gradcli.program.model import Program
from gradcli.reports import EvalReport, Stage
from gradcli.requests import Request, Settings
from gradcli.syntax.tokens import line_and_column
from gradcli.tasks.array_run import (
    NO_UPSTREAM,
    array_settings,
    check_arrays,
    evaluate_arrays,
    is_checked_whole,
    whole_note,
)
from gradcli.tasks.evaluate import report_of
from gradcli.transform.elements import Circuit, small_circuit, unrolled

NO_GRADIENTS = f"{NO_UPSTREAM}, or --jacobian"

Told = tuple[Any, Any]  # a number or nested lists, and the bound in its shape; None: not known


def array_report(program: Program, asked: Request) -> EvalReport:
    """Everything `eval` says of a program of arrays. Raises GradcliError."""
    inputs = array_settings(program)
    found = evaluate_arrays(program, inputs, asked)
    if program.uncertainties and program.graph.shape(program.output):
        raise ShapeError("an uncertainty needs an output of one number",
                         hint="choose an element: `f[0]`, or take its sum or mean")  # fmt: skip
    circuit = small_circuit(program.graph, apart=True)
    what = "many digits" if asked.digits or asked.arithmetic == "mpmath" else (
        "uncertainties" if program.uncertainties else None
    )  # fmt: skip
    if circuit is None and what:
        raise too_many_gates(what)
    is_whole = asked.check and is_checked_whole(program, asked)
    if circuit is None:
        answer = _with_lines(_of_arrays(found, asked), found, asked)
    else:
        answer = _of_numbers(found, asked, inputs, circuit, is_whole)
    notes = answer.notes
    if program.seed is not None:
        notes.insert(0, f"random numbers drawn with seed {program.seed} (--seed N)")
    if found.upstream is None:
        notes += [] if asked.jacobian else [NO_GRADIENTS]
    elif is_whole:
        answer = answer._replace(check=check_arrays(found, {}, asked))
        notes.append(whole_note(answer.check is not None))
    return answer


def _of_numbers(
    found: Evaluation, asked: Request, inputs: list[Any], circuit: Circuit, is_whole: bool
) -> EvalReport:
    """The report of the circuit of numbers, with bounds, many digits and uncertainties."""
    program, has_upstream = found.program, found.upstream is not None
    shape = program.graph.shape(program.output)
    request = asked.changed(
        None if shape else asked.upstream, asked.check and has_upstream and not is_whole
    )
    weights = found.upstream if has_upstream else np.ones(shape)  # any: there are no gradients
    numbers = unrolled(program, inputs, weights, circuit)
    single = evaluate_at(numbers, settings(numbers), request)
    single.leaves = single.leaves if has_upstream else []
    certain, notes = certain_numbers(single, request)

    def told(node: int, table: Sequence[float], errors: Sequence[float] | None) -> Told:
        value = circuit.value(node)
        bound = None if errors is None else gather(value, errors)
        return gather(value, table), bound

    stages = _stages(
        found,
        lambda node: told(node, certain.values, certain.value_errors),
        lambda node: told(node, certain.gradients, certain.gradient_errors),
    )
    answer = report_of(single, request, certain, notes, stages)
    if shape:
        decimal = answer.decimal
        if decimal is not None:
            texts = np.reshape(np.array(decimal["value"], dtype=object), shape)
            decimal = {**decimal, "value": texts.tolist()}
        answer = answer._replace(
            value=stages[-1].value, bound=stages[-1].bound, conditions=None, decimal=decimal
        )
    if not has_upstream:
        nothing = dict.fromkeys(answer.gradients)
        return answer._replace(gradients=nothing, gradient_bounds=None, conditions=None)
    return _with_lines(answer, single, request)


def _of_arrays(found: Evaluation, asked: Request) -> EvalReport:
    """The report of the run over arrays alone, with the bounds of arrays."""
    program, run = found.program, found.run
    graph = program.graph
    certain = run
    if asked.arithmetic != "float64":
        upstream = program.upstream if asked.upstream is None else None
        output = None if found.upstream is None else program.output
        certain = bounded_run(run, output, found.upstream, upstream)
        found.notes += array_doubts(certain, program.output, found.names)
    has_gradients = bool(certain.gradients)

    def told(node: int, table: Sequence[Any]) -> Told:
        shape, number = graph.shape(node), table[node]
        if not isinstance(number, Bounded):
            return _plain(number, shape), None
        return _plain(number.value, shape), _plain(SLACK * number.error, shape)

    stages = _stages(
        found,
        lambda node: told(node, certain.values),
        lambda node: told(node, certain.gradients) if has_gradients else (None, None),
    )
    slopes = {n: told(leaf, certain.gradients) for n, leaf in found.leaves if has_gradients}
    return EvalReport(
        program.expression or stages[-1].expression,
        found.names[program.output],
        stages[-1].value,
        {n: _plain(run.values[node]) for n, node in program.inputs.items()},
        {n: slopes[n][0] if n in slopes else None for n, _ in found.leaves},
        stages,
        None,
        found.notes,
        program.warnings,
        bound=stages[-1].bound,
        gradient_bounds={n: bound for n, (_, bound) in slopes.items()} or None,
        is_plain=asked.arithmetic == "float64",
    )


def _with_lines(answer: EvalReport, found: Evaluation, asked: Request) -> EvalReport:
    """The report with verdicts on the lines of the backward part, if there is one."""
    if not found.program.lines or found.upstream is None:
        return answer
    from gradcli.backward.lines import judge_lines  # late: few programs have one

    how = Settings(asked.tolerance, asked.check_budget)
    lines, forks = judge_lines(found, how, asked.exact)
    return answer._replace(lines=lines, forks=forks, text=found.program.source.text)


def _plain(value: Any, shape: Sequence[int] = ()) -> Any:
    """A value as reports hold it; a number may stand for an array of that shape."""
    return None if value is None else np.broadcast_to(value, shape or np.shape(value)).tolist()


def _stages(
    found: Evaluation, value: Callable[[int], Told], gradient: Callable[[int], Told]
) -> list[Stage]:
    """Every gate of the forward part; the elements and rows of something named are no stages.

    `value` and `gradient` tell those of a node, with their bounds.
    """
    program, run, names = found.program, found.run, found.names
    graph = program.graph
    nodes = [
        n for n in names
        if n < program.forward_nodes and n not in program.aside
        and (n == program.output or not (graph.is_part(n) and names[n][0] != "#"))
    ]  # fmt: skip
    nodes.sort(key=lambda node: node == program.output)
    spans = program.source.spans({graph.tokens[node] for node in nodes})
    place = line_and_column(program.source.text)
    phrases = graph.phrases(names)
    local = local_gradients(run, [n for n in nodes if not graph.gates[n].is_structural])
    stages = []
    for node in nodes:
        operands = [
            _constant(graph.constants[k])
            if k in graph.constants
            else names.get(k) or graph.names[k]
            for k in graph.operands[node]
        ]
        has_slope = graph.active[node] and found.upstream is not None
        (number, bound), (slope, slack) = value(node), gradient(node) if has_slope else (None, None)
        stages.append(Stage(
            names[node], graph.gates[node].name, graph.label(node), phrases[node][0], operands,
            number, slope, [_plain(g) for g in local[node]] if node in local else None,
            *place(spans[graph.tokens[node]].start), node in graph.names, bound, slack,
        ))  # fmt: skip
    return stages


def _constant(value: Any) -> Any:
    """A constant operand as reports hold it: a number, or the parts of a static one."""
    return [*map(_constant, value)] if isinstance(value, tuple) else value
