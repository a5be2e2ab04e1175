"""A program at a point: its inputs as numbers, a run in float64, and the report of it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from gradcli.arithmetic import Arithmetic
from gradcli.arithmetic.floats import FAULTS, FLOATS, IEEE
from gradcli.engine import Machine, Run, backward
from gradcli.errors import BindingError, NameFault, ShapeError, did_you_mean
from gradcli.graph.lowering import Value
from gradcli.graph.nodes import Graph, stage_names
from gradcli.program.bindings import parse_constant
from gradcli.program.model import Program
from gradcli.reports import Number
from gradcli.requests import Request, Setting


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
        from gradcli.evaluation.diagnosis import faults  # late: most runs stay finite

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


def numbers_of(program: Program, name: str) -> list[tuple[str, int]]:
    """The numbers an input consists of; none if the program does not use it."""
    return numbers(name, program.inputs[name]) if name in program.inputs else []


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


def input_values(program: Program) -> dict[str, Number]:
    """What each input of a program of numbers is set to, in lists of the input's shape."""
    number_at: Any = dict(zip(program.graph.inputs.values(), settings(program), strict=True))
    return {name: gather(value, number_at) for name, value in program.inputs.items()}


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
