"""Array programs before the rooms that know numbers.

A program of arrays is run as arrays; its gradients are judged, bounded and where needed computed
in many digits on the circuit of numbers it stands for, element by element.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from gradcli.arithmetic.arrays import ARRAYS
from gradcli.engine import Machine, Run, backward, local_gradients
from gradcli.errors import BindingError, LimitError, ShapeError
from gradcli.evaluation import Request, line_and_column, report, wanted
from gradcli.gates import GATES
from gradcli.graph import Graph, stage_names
from gradcli.notes import array_faults
from gradcli.program import Program, parse_constant
from gradcli.reports import EvalReport, Stage
from gradcli.scalars import gate_count, unrolled

MOST_GATES = 20_000  # of the circuit of numbers, for `eval`
MOST_UNROLLED = 500_000  # of any circuit of numbers: some 300 MB
NO_UPSTREAM = (
    "the output is an array: its gradients need --upstream VALUE (or `ones`, or @FILE), "
    "or --jacobian"
)


def array_settings(program: Program) -> list[Any]:
    """What the inputs are set to, in the order of the graph's inputs: floats and arrays."""
    graph = program.settings
    values = Machine(graph, ARRAYS).run([]).values
    places = [program.values[name] for name in program.graph.inputs]
    return [values[k] if graph.shape(k) else float(values[k]) for k in places]


def upstream_of(program: Program, run: Run, given: Any) -> Any:
    """The upstream gradient in the shape of the output; None if an array output has none.

    `given` is the caller's: a number, lists, `ones`, a file. Raises ShapeError, BindingError.
    """
    shape = program.graph.shape(program.output)
    if given is None:
        if program.upstream is not None:
            return run.values[program.upstream]
        return None if shape else 1.0
    graph = Graph()
    if given == "ones":
        one = graph.constant(1.0)
        node = graph.node(GATES["fill"], (one, graph.static(shape))) if shape else one
    else:
        graph, node = parse_constant("upstream", given, may_be_list=bool(shape))
    if graph.shape(node) != shape:
        raise ShapeError(f"the upstream gradient has shape {graph.shape(node)}, the output {shape}",
                         hint="`ones` is all ones in the shape of the output")  # fmt: skip
    upstream = Machine(graph, ARRAYS).run([]).values[node]
    if not np.isfinite(upstream).all():
        raise BindingError(f"the upstream gradient is {upstream}, not finite")
    return upstream


def as_numbers(program: Program, upstream: Any = None) -> Program:
    """The program itself if it has no arrays, else the one of numbers it stands for.

    Raises ShapeError where the output is an array and has no upstream gradient, LimitError where
    there are too many elements.
    """
    if not program.graph.has_arrays:
        return program
    count = gate_count(program.graph)
    if count > MOST_UNROLLED:
        raise LimitError(
            f"counted element by element the program has {count} gates; "
            f"at most {MOST_UNROLLED} are checked",
            hint="check a smaller case of the same formulas",
        )
    inputs = array_settings(program)
    run = Machine(program.graph, ARRAYS).run(inputs)
    weights = upstream_of(program, run, upstream)
    if weights is None:
        raise ShapeError(NO_UPSTREAM)
    return unrolled(program, inputs, weights)


def array_report(program: Program, asked: Request) -> tuple[EvalReport, Program | None]:
    """Everything `eval` says of a program of arrays, and the program of numbers it was judged by.

    Raises GradcliError.
    """
    inputs = array_settings(program)
    run = Machine(program.graph, ARRAYS).run(inputs)
    upstream = upstream_of(program, run, asked.upstream)
    if upstream is not None:
        backward(run, program.output, upstream)
    names = stage_names(program.graph, program.output)
    stages = _stages(program, run, names)
    notes = array_faults(run, program.output, names)
    if program.seed is not None:
        notes.append(f"random numbers drawn with seed {program.seed} (--seed N)")
    if upstream is not None and gate_count(program.graph) <= MOST_GATES:
        single = unrolled(program, inputs, upstream)
        request = asked if not program.graph.shape(program.output) else asked.without_upstream()
        answer = report(single, request)
        value = _plain(run.values[program.output]) if program.graph.shape(program.output) else (
            answer.value
        )  # fmt: skip
        return answer._replace(
            expression=program.expression or stages[-1].expression, value=value,
            output=names[program.output], stages=stages, notes=[*notes, *answer.notes],
        ), single  # fmt: skip
    notes.append(
        NO_UPSTREAM if upstream is None
        else f"not checked: more than {MOST_GATES} gates, counted element by element"
    )  # fmt: skip
    gradients = run.gradients or [None] * len(run.values)
    return EvalReport(
        program.expression or stages[-1].expression,
        names[program.output],
        _plain(run.values[program.output]),
        {n: _plain(run.values[node]) for n, node in program.inputs.items()},
        {n: _plain(gradients[program.inputs[n]], program.graph.shape(program.inputs[n]))
         for n in wanted(program, asked.wrt)},
        stages,
        None,
        notes,
        program.warnings,
    ), None  # fmt: skip


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
