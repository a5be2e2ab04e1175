"""A program at a point: what its inputs are set to, one run, and the upstream gradient.

A number is an array of shape (): `arithmetics_of` chooses how a graph is run, and what is read, run
and asked for here has whatever shape the program gives it.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from gradcli.arithmetic.arithmetic import Arithmetic
from gradcli.arithmetic.floats import FAULTS, FLOATS, IEEE
from gradcli.engine import Machine, Run, backward
from gradcli.errors import BindingError, LimitError, NameFault, ShapeError, did_you_mean
from gradcli.graph.lowering import Value
from gradcli.graph.nodes import Graph, stage_names
from gradcli.program.bindings import parse_constant
from gradcli.program.model import Element, Program, elements
from gradcli.reports.evaluations import Number
from gradcli.requests import Request, Setting
from gradcli.transform.gate_counts import gate_count

if TYPE_CHECKING:
    from gradcli.evaluation.in_digits import InDigits
    from gradcli.transform.elements import Circuit

MOST_UNROLLED = 500_000  # gates of any circuit of numbers: some 300 MB
NO_UPSTREAM = "the output is an array: its gradients need --upstream VALUE (or `ones`, or @FILE)"


class Point:
    """A program run at inputs, with its gradients where there is an upstream gradient."""

    __slots__ = (
        "_in_digits", "leaves", "names", "notes", "program", "results", "run", "upstream",
    )  # fmt: skip

    def __init__(
        self, program: Program, run: Run, upstream: Any, names: dict[int, str],
        leaves: Sequence[tuple[Element, int]] = (), notes: Sequence[str] = (),
    ) -> None:  # fmt: skip
        self.program = program
        self.run = run
        self.upstream = upstream  # in the output's shape; None: an array output that has none
        self.names = names  # of the gates
        self.leaves = [*leaves]  # the inputs whose gradients are asked for
        self.notes = [*notes]  # where the run left the finite numbers
        self.results = program.parts or (program.output,)  # the nodes of the value
        self._in_digits: InDigits | None = None

    @property
    def inputs(self) -> list[Any]:
        """The values of the inputs, in the order of the graph's."""
        return [self.run.values[node] for node in self.program.graph.inputs.values()]

    def gradient(self, node: int) -> Any:
        """The gradient of a node: a float, or an array in the node's shape."""
        return self.whole(node, self.run.gradients[node])

    def whole(self, node: int, number: Any) -> Any:
        """A number as a float; that of an array in its shape, though it may be one all over."""
        shape = self.program.graph.shape(node)
        if not shape:
            return float(number)
        import numpy as np  # late: numbers do not need it

        return np.broadcast_to(number, shape)

    @property
    def is_of_arrays(self) -> bool:
        """Whether values and gradients are arrays, of which only bounds tell the rounding."""
        return self.program.graph.has_arrays

    @property
    def in_digits(self) -> InDigits:
        """The point of a program of numbers in many digits, shared by all who look there."""
        if self._in_digits is None:
            from gradcli.evaluation.in_digits import InDigits  # late: it loads mpmath

            graph, output = self.program.graph, self.program.output
            upstream = 1.0 if self.upstream is None else self.upstream
            self._in_digits = InDigits(graph, self.inputs, output, upstream)
        return self._in_digits


def arithmetics_of(graph: Graph) -> tuple[Arithmetic, ...]:
    """The float64 arithmetics to try on a graph in turn; the last one never faults."""
    if not graph.has_arrays:
        return FLOATS, IEEE
    from gradcli.arithmetic.arrays import ARRAYS  # late: numbers do not need numpy

    return (ARRAYS,)


def arithmetic_of(graph: Graph) -> Arithmetic:
    """The float64 arithmetic of a graph that never faults."""
    return arithmetics_of(graph)[-1]


def at(program: Program, inputs: Sequence[Any], request: Request) -> Point:
    """The program run at `inputs`, in the order of the graph's, in float64.

    The upstream gradient is that of the request, else the program's own, else 1; an array output
    without one has no backward pass. Raises NameFault for an unknown name in `wrt`, BindingError
    and ShapeError for an upstream gradient that does not fit.
    """
    upstream = given_upstream(program, request.upstream)
    run, upstream = _swept(program, inputs, upstream)
    names = program.called or stage_names(program.graph, program.output)
    leaves = [
        pair
        for name in wanted(program, request.wrt)
        for pair in elements(name, program.inputs[name])
    ]
    point = Point(program, run, upstream, names, leaves)
    if point.is_of_arrays:
        from gradcli.evaluation.diagnosis import array_faults  # late: most runs are of numbers

        point.notes += array_faults(run, program.output, names)
    elif not _is_finite(point):
        from gradcli.evaluation.diagnosis import faults  # late: most runs stay finite

        point.notes += faults(run, program.output, names)
    return point


def _swept(program: Program, inputs: Sequence[Any], upstream: Any) -> tuple[Run, Any]:
    """A run and its upstream gradient; in IEEE semantics where a fast arithmetic faults."""
    *fast, sure = arithmetics_of(program.graph)
    for arithmetic in fast:
        try:
            return _sweep(program, arithmetic, inputs, upstream)
        except FAULTS:
            continue
    return _sweep(program, sure, inputs, upstream)


def _sweep(
    program: Program, arithmetic: Arithmetic, inputs: Sequence[Any], upstream: Any
) -> tuple[Run, Any]:
    run = Machine(program.graph, arithmetic).run(inputs)
    if upstream is None:
        upstream = own_upstream(program, run)
    if upstream is not None:
        backward(run, program.output, upstream)
    return run, upstream


def _is_finite(point: Point) -> bool:
    values, gradients = point.run.values, point.run.gradients
    results = [values[point.program.output], *(gradients[leaf] for _, leaf in point.leaves)]
    return all(map(math.isfinite, results))


# ---------------------------------------------------------------- what is given


def inputs_of(program: Program) -> list[Any]:
    """What the inputs are set to, in the order of the graph's: floats, and arrays."""
    used = {name: program.values[name] for name in program.inputs}
    constants = constants_at(program.settings, [*used.values()])
    setting_of = {
        leaf: number
        for name, value in program.inputs.items()
        for (_, leaf), number in zip(
            elements(name, value), _elements(value, constants[used[name]]), strict=True
        )
    }
    return [setting_of[leaf] for leaf in program.graph.inputs.values()]


def input_values(program: Program) -> dict[str, Number]:
    """What each input is set to, in nested lists of its shape."""
    number_at: Any = dict(zip(program.graph.inputs.values(), inputs_of(program), strict=True))
    return {name: in_lists(gather(value, number_at)) for name, value in program.inputs.items()}


def _elements(value: Value, number: Any) -> list[Any]:
    """A number or an array as it is, or its elements where the value is nested lists of nodes."""
    return number.ravel().tolist() if isinstance(value, list) else [number]


def constants_at(graph: Graph, nodes: Sequence[int]) -> dict[int, Any]:
    """The values at nodes of a graph of constants: floats, and arrays.

    Arrays that none of them needs, of which only the shape was asked, are not computed.
    """
    if not graph.has_arrays:
        values = Machine(graph, IEEE).run([]).values
        return {node: values[node] for node in nodes}
    needed, moved = graph.pruned([*nodes])
    values = Machine(needed, arithmetic_of(needed)).run([]).values
    constants = {node: values[moved[node]] for node in nodes}
    return {node: x if graph.shape(node) else float(x) for node, x in constants.items()}


def constant(name: str, setting: Setting) -> float:
    """What a number or constant expression is, by the name it is given. Raises BindingError."""
    graph, node = parse_constant(name, setting)
    number: float = constants_at(graph, [node])[node]
    return number


def given_upstream(program: Program, setting: Setting | None) -> Any:
    """The upstream gradient that a caller gives, in the shape of the output; None if none.

    `setting` is a number, lists, `ones`, a file. Raises ShapeError, BindingError.
    """
    if setting is None or program.parts is not None:  # a sum of parts is weighted by it already
        return None
    if program.given is not None:  # an input of the program is that gradient
        return None
    shape = program.graph.shape(program.output)
    if isinstance(setting, str) and setting == "ones":
        graph = Graph(program.graph.table)
        one = graph.constant(1.0)
        node = graph.node(graph.table["fill"], (one, graph.static(shape))) if shape else one
    else:
        graph, node = parse_constant("upstream", setting, may_be_list=bool(shape))
    if graph.shape(node) != shape:
        raise ShapeError(f"the upstream gradient has shape {graph.shape(node)}, the output {shape}",
                         hint="`ones` is all ones in the shape of the output")  # fmt: skip
    upstream = constants_at(graph, [node])[node]
    size = upstream if not shape else abs(upstream).max(initial=0.0)
    if not math.isfinite(size):
        what = "finite" if shape else "a finite number"
        raise BindingError(f"the upstream gradient is {upstream}, not {what}")
    return upstream


def own_upstream(program: Program, run: Run) -> Any:
    """The upstream gradient that a program gives, 1 for a number without one; None for an array."""
    if program.upstream is not None:
        return run.values[program.upstream]
    return None if program.graph.shape(program.output) else 1.0


def upstream_of(program: Program) -> Number | None:
    """The value of the upstream gradient that a program gives, as `own_upstream`, in lists."""
    if program.upstream is None:
        return None if program.graph.shape(program.output) else 1.0
    run = Machine(program.graph, arithmetic_of(program.graph)).run(inputs_of(program))
    return in_lists(own_upstream(program, run))


def claims_of(program: Program, claims: Mapping[str, Setting]) -> dict[str, Any]:
    """What a caller claims, by the names of `leaves`: whole inputs, or their elements `w[0]`.

    Raises NameFault, ShapeError, BindingError.
    """
    typed: dict[str, Any] = {}
    for name, claim in claims.items():
        if name not in program.inputs:
            hint = did_you_mean(name, program.inputs)
            raise NameFault(f"`{name}` is claimed but is not an input of the program", hint=hint)
        graph, node = parse_constant(name, claim, may_be_list=True)
        value = program.inputs[name]
        has, wants = graph.shape(node), _shape(program, value)
        if has != wants:
            what = [f"has shape {shape}" if shape else "is one number" for shape in (has, wants)]
            raise ShapeError(f"the claim for `{name}` {what[0]}, `{name}` {what[1]}")
        names = [str(element) for element, _ in elements(name, value)]
        number = constants_at(graph, [node])[node]
        typed |= dict(zip(names, _elements(value, number), strict=True))
    return typed


def _shape(program: Program, value: Value) -> tuple[int, ...]:
    """The shape of an input, a node or nested lists of nodes."""
    if not isinstance(value, list):
        return program.graph.shape(value)
    return (len(value), *_shape(program, value[0])) if value else (0,)


def wanted(program: Program, wrt: Sequence[str] | None) -> list[str]:
    """The inputs whose gradients are asked for: all, or those of `wrt`. Raises NameFault."""
    names = wrt if wrt is not None else program.wrt
    for name in names:
        if name not in program.inputs:
            hint = did_you_mean(name, program.inputs)
            known = f"inputs are {', '.join(program.inputs)}" if program.inputs else None
            raise NameFault(f"`{name}` is not an input of the program", hint=hint or known)
    return [
        name for name in program.inputs if name in names or not (names or name == program.given)
    ]


def seed_notes(program: Program) -> list[str]:
    """The note on random numbers, where a program has any."""
    return [] if program.seed is None else [seed_note(program.seed)]


def seed_note(seed: int) -> str:
    """What is said of random numbers."""
    return f"random numbers drawn with seed {seed} (--seed N)"


# ---------------------------------------------------------------- arrays as their elements


def as_numbers(
    program: Program, upstream: Setting | None = None, circuit: Circuit | None = None
) -> Program:
    """The program itself if it has no arrays, else the one of numbers it stands for.

    `circuit` is that of the program, where the caller has it. Raises ShapeError where the output is
    an array and has no upstream gradient, LimitError where there are too many elements.
    """
    if not program.graph.has_arrays:
        return program
    from gradcli.transform.elements import unrolled  # late: numbers do not need numpy

    count = gate_count(program.graph)
    if count > MOST_UNROLLED:
        raise LimitError(
            f"counted element by element the program has {count} gates; "
            f"at most {MOST_UNROLLED} can be taken apart",
            hint="take a smaller case of the same formulas",
        )
    if not program.graph.shape(program.output):
        return unrolled(program, circuit=circuit)
    weights = given_upstream(program, upstream)
    if weights is None and program.upstream is not None:
        run = Machine(program.graph, arithmetic_of(program.graph)).run(inputs_of(program))
        weights = own_upstream(program, run)
    if weights is None:
        raise ShapeError(NO_UPSTREAM)
    return unrolled(program, weights, circuit)


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
