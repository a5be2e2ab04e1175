"""Array programs before the rooms that know numbers.

A program of arrays is run as arrays; its gradients are judged, bounded and where needed computed
in many digits on the circuit of numbers it stands for, element by element.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from gradcli.array_run import (
    MOST_GATES,
    NO_UPSTREAM,
    array_settings,
    check_arrays,
    evaluate_arrays,
    is_checked_whole,
    whole_note,
)
from gradcli.checker import Settings
from gradcli.engine import Run, local_gradients
from gradcli.errors import LimitError
from gradcli.evaluation import (
    Evaluation,
    Request,
    evaluate_at,
    line_and_column,
    report,
    settings,
)
from gradcli.program import Program
from gradcli.reports import EvalReport, Stage
from gradcli.scalars import gate_count, unrolled


def array_report(program: Program, asked: Request) -> EvalReport:
    """Everything `eval` says of a program of arrays. Raises GradcliError."""
    inputs = array_settings(program)
    found = evaluate_arrays(program, inputs, asked)
    stages = _stages(program, found.run, found.names)
    notes = found.notes
    if program.seed is not None:
        notes.append(f"random numbers drawn with seed {program.seed} (--seed N)")
    is_small = gate_count(program.graph) <= MOST_GATES
    if not is_small and (asked.digits or asked.arithmetic == "mpmath"):
        raise LimitError(f"many digits are for at most {MOST_GATES} gates, counted element by "
                         "element", hint="take a smaller case of the same formulas")  # fmt: skip
    is_whole = asked.check and is_checked_whole(program, asked)
    if found.upstream is not None and is_small:
        answer = _of_numbers(found, asked, inputs, is_whole)
        answer = answer._replace(
            expression=program.expression or stages[-1].expression,
            output=found.names[program.output], stages=stages, notes=[*notes, *answer.notes],
        )  # fmt: skip
    else:
        answer = _with_lines(_of_arrays(found, stages, notes), found, asked)
    if found.upstream is None:
        answer.notes.append(NO_UPSTREAM)
    elif is_whole:
        answer = answer._replace(check=check_arrays(found, {}, asked))
        answer.notes.append(whole_note(answer.check is not None))
    return answer


def _of_numbers(found: Evaluation, asked: Request, inputs: list[Any], is_whole: bool) -> EvalReport:
    """The report of the circuit of numbers, with bounds, many digits and uncertainties."""
    program = found.program
    is_array = bool(program.graph.shape(program.output))  # then it becomes part of the program
    request = asked.changed(None if is_array else asked.upstream, asked.check and not is_whole)
    numbers = unrolled(program, inputs, found.upstream)
    answer = _with_lines(
        report(numbers, request), evaluate_at(numbers, settings(numbers), request), request
    )
    return answer._replace(value=_plain(found.run.values[program.output])) if is_array else answer


def _with_lines(answer: EvalReport, found: Evaluation, asked: Request) -> EvalReport:
    """The report with verdicts on the lines of the backward part, if there is one."""
    if not found.program.lines or found.upstream is None:
        return answer
    from gradcli.backward import judge_lines  # late: few programs have one

    how = Settings(asked.tolerance, asked.check_budget)
    lines, forks = judge_lines(found, how, asked.exact)
    return answer._replace(lines=lines, forks=forks, text=found.program.source.text)


def _of_arrays(found: Evaluation, stages: list[Stage], notes: list[str]) -> EvalReport:
    """The report of the run over arrays alone."""
    program, run = found.program, found.run
    graph = program.graph
    gradients = run.gradients or [None] * len(run.values)
    return EvalReport(
        program.expression or stages[-1].expression,
        found.names[program.output],
        _plain(run.values[program.output]),
        {n: _plain(run.values[node]) for n, node in program.inputs.items()},
        {n: _plain(gradients[leaf], graph.shape(leaf)) for n, leaf in found.leaves},
        stages,
        None,
        notes,
        program.warnings,
    )


def _plain(value: Any, shape: Sequence[int] = ()) -> Any:
    """A value as reports hold it; a number may stand for an array of that shape."""
    return None if value is None else np.broadcast_to(value, shape or np.shape(value)).tolist()


def _stages(program: Program, run: Run, names: dict[int, str]) -> list[Stage]:
    """Every gate of the forward part; the elements and rows of something named are no stages."""
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
    gradients = run.gradients or [None] * len(run.values)
    stages = []
    for node in nodes:
        operands = [
            _constant(graph.constants[k])
            if k in graph.constants
            else names.get(k) or graph.names[k]
            for k in graph.operands[node]
        ]
        stages.append(Stage(
            names[node], graph.gates[node].name, graph.label(node), phrases[node][0], operands,
            _plain(run.values[node]),
            _plain(gradients[node], graph.shape(node)) if graph.active[node] else None,
            [_plain(g) for g in local[node]] if node in local else None,
            *place(spans[graph.tokens[node]].start), node in graph.names,
        ))  # fmt: skip
    return stages


def _constant(value: Any) -> Any:
    """A constant operand as reports hold it: a number, or the parts of a static one."""
    return [*map(_constant, value)] if isinstance(value, tuple) else value
