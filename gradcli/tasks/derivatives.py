"""Jacobians and Hessians: each row is the gradient of one number.

The rows of a Jacobian are the gradients of the elements of the output. The Hessian is the Jacobian
of the gradient, whose elements are nodes of a graph of its own: the adjoint graph. How the rows
are computed depends on how much work they are, as it does for gradients:

    up to MOST_AS_NUMBERS   on the circuit of numbers, each row as true as a gradient: with bounds,
                            limits, and many digits where float64 fails
    up to MOST_BOUNDED      a reverse sweep for each row, over arrays that carry bounds
    above                   many rows in one sweep, without bounds
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from math import prod
from typing import Any, NamedTuple

import numpy as np

from gradcli.arithmetic.arrays import ARRAYS
from gradcli.arithmetic.floats import IEEE
from gradcli.arithmetic.stacked import IN_ROWS, rows
from gradcli.engine import Machine, Run, backward
from gradcli.errors import LimitError, ShapeError
from gradcli.evaluation.certainty import certain_numbers, decimals
from gradcli.evaluation.numbers import SLACK, bounded_run, is_certain
from gradcli.evaluation.point import Point, inputs_of, wanted
from gradcli.graph.nodes import Graph
from gradcli.program.model import Element, Program
from gradcli.reports.evaluations import EvalReport
from gradcli.requests import MOST_GATES, Request
from gradcli.transform.adjoint import adjoint
from gradcli.transform.elements import Circuit, small_circuit

MOST_AT_ONCE = 4_000_000  # elements of the gradients of one sweep: 32 MB
MOST_AS_NUMBERS = 100_000  # gates of numbers that the rows depend on, in all: some 2 s
MOST_IN_DIGITS = MOST_GATES  # of these, in many digits: as many as one gradient may take
MOST_BOUNDED = 10_000  # rows times gates of arrays: some 2 s
MOST_BOUNDED_ELEMENTS = 10_000_000  # rows times elements of those arrays
MOST_REMARKS = 3
OUTPUT = "value"  # what the rows of a Jacobian are called; those of a Hessian are inputs


class Block:
    """The derivatives of one array by another: the shape of the one, then that of the other."""

    __slots__ = ("bounds", "texts", "values")

    def __init__(self, values: Any, bounds: Any = None, texts: Any = None) -> None:
        self.values = values
        self.bounds = bounds  # None: not computed
        self.texts = texts  # long decimals, where they were asked for

    def spread(self, shape: Sequence[int]) -> Block:
        """The block repeated along new leading axes, to fill a shape."""
        lead = (1,) * (len(shape) - np.ndim(self.values))

        def whole(x: Any) -> Any:
            return None if x is None else np.broadcast_to(x.reshape((*lead, *x.shape)), shape)

        return Block(whole(self.values), whole(self.bounds), whole(self.texts))


Blocks = dict[str, dict[str, Block]]  # by what is differentiated, and by which input


class Derivative(NamedTuple):
    """A Jacobian or a Hessian, and the notes on it."""

    kind: str  # jacobian or hessian
    blocks: Blocks
    notes: list[str]

    def part(self, of_block: Callable[[Block], Any]) -> dict[str, Any] | None:
        """A part of every block as reports hold it; None where some block has none."""
        arrays = {
            of: {by: of_block(block) for by, block in row.items()}
            for of, row in self.blocks.items()
        }
        if any(array is None for row in arrays.values() for array in row.values()):
            return None
        lists = {of: {by: a.tolist() for by, a in row.items()} for of, row in arrays.items()}
        return lists[OUTPUT] if self.kind == "jacobian" else lists


def derivatives_of(program: Program, request: Request) -> list[Derivative]:
    """The Jacobian and the Hessian of a program's output, those of both that are asked for.

    Raises ShapeError, NameFault, and LimitError before memory is taken.
    """
    names = wanted(program, request.wrt)
    _refuse(program, request, names)
    inputs = inputs_of(program)
    kinds = ["jacobian"] * request.jacobian + ["hessian"] * request.hessian
    return [
        _as_numbers(program, names, inputs, kind, request)
        or _as_arrays(program, names, inputs, kind, request)
        for kind in kinds
    ]


def with_derivatives(report: EvalReport, derivatives: Sequence[Derivative]) -> EvalReport:
    """A report completed by the numbers, bounds, decimals and notes of its derivatives."""
    decimal, notes = report.decimal, [*report.notes]
    for derivative in derivatives:
        kind = derivative.kind
        parts: dict[str, Any] = {
            kind: derivative.part(lambda block: block.values),
            f"{kind}_bounds": derivative.part(lambda block: block.bounds),
        }
        report = report._replace(**parts)
        if decimal is not None:
            decimal = {**decimal, kind: derivative.part(lambda block: block.texts)}
        notes += [f"{kind}: {note}" for note in derivative.notes]
    return report._replace(decimal=decimal, notes=notes)


def _refuse(program: Program, request: Request, names: Sequence[str]) -> None:
    """Raise ShapeError where there is no Hessian, LimitError where there is no room."""
    graph = program.graph
    shape, most = graph.shape(program.output), graph.most_elements
    if request.hessian and shape:
        raise ShapeError(
            "a Hessian needs an output of one number", hint="choose an element: `f[0]`"
        )
    inputs = sum([prod(graph.shape(graph.inputs[name])) for name in names])
    for kind, is_requested, count in (
        ("Jacobian", request.jacobian, prod(shape)), ("Hessian", request.hessian, inputs),
    ):  # fmt: skip
        if is_requested and count * inputs > most:
            raise LimitError(
                f"the {kind} has {count} x {inputs} elements; at most {most} are computed",
                hint="choose inputs with --wrt, take a smaller case, or raise --max-array N",
            )


# ---------------------------------------------------------------- on numbers


def _as_numbers(
    program: Program, names: Sequence[str], inputs: Sequence[Any], kind: str, request: Request
) -> Derivative | None:
    """All rows on the circuit of numbers, as gradients are; None if that is too much work.

    Raises LimitError where many digits are asked for.
    """
    is_long = bool(request.digits) or request.arithmetic == "mpmath"
    circuit = small_circuit(program.graph)
    if circuit is not None:
        graph, roots, leaves = _on_circuit(circuit, program, names, kind)
        cones = _cones(graph, roots, MOST_IN_DIGITS if is_long else MOST_AS_NUMBERS)
        if cones is not None:
            by_element = {
                str(Element(name, at)): float(x)
                for name, value in zip(program.graph.inputs, inputs, strict=True)
                for at, x in np.ndenumerate(value)
            }
            work = _Rows(program, graph, leaves, by_element, request)
            blocks = {name: work.rows(name, roots[name], cones) for name in roots}
            return Derivative(kind, blocks, work.notes())
    if is_long:
        raise LimitError(
            f"many digits are for at most {MOST_IN_DIGITS} gates, in all rows of the {kind}",
            hint="choose inputs with --wrt, or take a smaller case of the same formulas",
        )
    return None


def _on_circuit(
    circuit: Circuit, program: Program, names: Sequence[str], kind: str
) -> tuple[Graph, dict[str, Any], dict[str, Any]]:
    """A graph of numbers, its nodes to differentiate, and the leaves by which: arrays of nodes."""
    graph, inputs = circuit.graph, program.graph.inputs
    leaves = {name: circuit.elements[inputs[name]] for name in names}
    if kind == "jacobian":
        return graph, {OUTPUT: circuit.elements[program.output]}, leaves
    twin = adjoint(graph, int(circuit.elements[program.output]))

    def moved(table: Mapping[str, int]) -> dict[str, Any]:
        one = np.frompyfunc(lambda leaf: table[graph.names[leaf]], 1, 1)
        return {name: np.asarray(one(nodes), dtype=np.int64) for name, nodes in leaves.items()}

    return twin.graph, moved(twin.gradients), moved(twin.graph.inputs)


def _cones(graph: Graph, roots: Mapping[str, Any], most: int) -> dict[int, list[int]] | None:
    """The nodes that each root is computed from; None if that is more than `most` gates in all."""
    cones: dict[int, list[int]] = {}
    total = 0
    for nodes in roots.values():
        for root in map(int, nodes.flat):
            if root not in cones:
                cones[root] = graph.ancestors([root])
            total += len(cones[root])
            if total > most or len(cones[root]) > MOST_GATES:
                return None
    return cones


class _Rows:
    """Rows on a graph of numbers, and the notes on them."""

    def __init__(
        self, program: Program, graph: Graph, leaves: Mapping[str, Any],
        inputs: Mapping[str, float], request: Request,
    ) -> None:  # fmt: skip
        self.program = program
        self.graph = graph
        self.leaves = leaves
        self.inputs = inputs
        self.request = Request(arithmetic=request.arithmetic, digits=request.digits)
        self.places = {
            int(leaf): (name, at)
            for name, nodes in leaves.items()
            for at, leaf in np.ndenumerate(nodes)
        }
        self.left = MOST_IN_DIGITS  # gates that may still be computed in many digits
        self.better: list[tuple[str, float, float]] = []  # of many digits: place, number, float64's
        self.poor = self.count = 0  # numbers that only their bounds tell of, and all
        self.remarks: list[str] = []

    def rows(self, of: str, roots: Any, cones: Mapping[int, list[int]]) -> dict[str, Block]:
        """The rows of an array of nodes."""
        blocks = {}
        for name, leaves in self.leaves.items():
            shape = (*roots.shape, *leaves.shape)
            texts = np.full(shape, "0", dtype=object) if self.request.digits else None
            blocks[name] = Block(np.zeros(shape), np.zeros(shape), texts)
        for row, root in np.ndenumerate(roots):
            self._row(str(Element(of, row)), row, int(root), cones[int(root)], blocks)
        self.count += sum(block.values.size for block in blocks.values())
        return blocks

    def _row(
        self, label: str, row: tuple[int, ...], root: int, cone: list[int],
        blocks: Mapping[str, Block],
    ) -> None:  # fmt: skip
        """One row: the gradient of one number, by the leaves in its cone."""
        graph, moved = self.graph.part(cone)
        leaves = [(self.places[k], moved[k]) for k in cone if k in self.places]
        run = Machine(graph, IEEE).run([self.inputs[name] for name in graph.inputs])
        backward(run, moved[root], 1.0)
        alone = self.program._replace(graph=graph, output=moved[root], parts=None, upstream=None)
        named = [(Element(*place), leaf) for place, leaf in leaves]
        point = Point(alone, run, 1.0, {}, named)
        request = self.request if self.left > 0 else Request(arithmetic="float64")
        numbers, remarks = certain_numbers(point, request, explains=False)
        self.remarks += [f"row {label}: {remark}" for remark in remarks]
        if numbers.digits is not None:
            self.left -= len(cone)
        texts = decimals(point, numbers, self.request.digits) if self.request.digits else None
        for ((name, at), leaf), (element, _) in zip(leaves, named, strict=True):
            block, here = blocks[name], (*row, *at)
            number, bound = numbers.gradients[leaf], numbers.gradient_bound(leaf)
            block.values[here], block.bounds[here] = number, bound
            if texts is not None:
                block.texts[here] = texts[leaf]
            if numbers.digits is not None:
                self.better.append((f"{label} by {element}", number, run.gradients[leaf]))
            elif request is not self.request and not is_certain(number, bound or 0.0):
                self.poor += 1

    def notes(self) -> list[str]:
        """Notes on the numbers that needed many digits or have poor bounds, then the remarks."""
        notes = []
        off = [
            (place, plain) for place, true, plain in self.better
            if not (plain == true or abs(plain - true) <= 2.0**-40 * abs(true))
        ]  # fmt: skip
        if self.better and (off or not self.request.digits):
            place, plain = off[0] if off else ("", 0.0)
            notes.append(
                f"{len(self.better)} of {self.count} numbers are computed in many digits: plain "
                f"float64 gives {f'{plain!r} for {place}' if off else 'nearly the same'}"
            )
        if self.poor:
            notes.append(f"{self.poor} numbers have only their bounds: many digits would take long")
        more = len(self.remarks) - MOST_REMARKS
        rest = [f"{more} more remarks like these"] if more > 0 else []
        return [*notes, *self.remarks[:MOST_REMARKS], *rest]


# ---------------------------------------------------------------- on arrays


def _as_arrays(
    program: Program, names: Sequence[str], inputs: Sequence[Any], kind: str, request: Request
) -> Derivative:
    """All rows by sweeps over arrays, with bounds where those do not take long."""
    graph, output = program.graph, program.output
    is_plain = request.arithmetic == "float64"
    if kind == "jacobian":
        blocks = {OUTPUT: jacobian(graph, output, inputs, names, is_plain)}
    else:
        blocks = hessian(graph, output, inputs, names, is_plain)
    every_block = [block for row in blocks.values() for block in row.values()]
    notes = []
    bad = sum(int((~np.isfinite(block.values)).sum()) for block in every_block)
    if bad:
        notes.append(f"{bad} numbers are not finite in float64, and too many for many digits")
    if not is_plain and any(block.bounds is None for block in every_block):
        notes.append("too large for bounds: its digits are plain float64 and not certified")
    return Derivative(kind, blocks, notes)


def jacobian(
    graph: Graph, output: int, inputs: Sequence[Any], names: Sequence[str] | None = None,
    is_plain: bool = False,
) -> dict[str, Block]:  # fmt: skip
    """The derivative of every element of the output by every element of each input in `names`.

    `inputs` in the order of the graph's inputs. `is_plain` leaves the bounds out.
    """
    run = Machine(graph, ARRAYS).run(inputs)
    has_bounds = not is_plain and _may_be_bounded(graph, prod(graph.shape(output)))
    return (_bounded_rows if has_bounds else _plain_rows)(run, output, names or [*graph.inputs])


def hessian(
    graph: Graph, output: int, inputs: Sequence[Any], names: Sequence[str] | None = None,
    is_plain: bool = False,
) -> Blocks:  # fmt: skip
    """The second derivatives of a scalar output: by one input, then by the other."""
    names = names or [*graph.inputs]
    twin = adjoint(graph, output)
    run = Machine(twin.graph, ARRAYS).run(inputs)
    shapes = {name: graph.shape(graph.inputs[name]) for name in names}
    has_bounds = not is_plain and _may_be_bounded(twin.graph, sum(map(prod, shapes.values())))
    sweeps = _bounded_rows if has_bounds else _plain_rows
    blocks: Blocks = {}
    for name in names:
        node = twin.gradients[name]
        row = sweeps(run, node, names)
        if twin.graph.shape(node) != shapes[name]:  # a gradient that is the number 0
            row = {
                other: block.spread((*shapes[name], *shapes[other])) for other, block in row.items()
            }
        blocks[name] = row
    return blocks


def _may_be_bounded(graph: Graph, count: int) -> bool:
    """Whether there is time for a sweep with bounds for each of so many rows."""
    return count * len(graph) <= MOST_BOUNDED and count * graph.elements <= MOST_BOUNDED_ELEMENTS


def _bounded_rows(run: Run, output: int, names: Sequence[str]) -> dict[str, Block]:
    """The rows of the Jacobian with bounds, one reverse sweep for each."""
    graph = run.machine.graph
    shape = graph.shape(output)
    values, bounds = _no_rows(graph, output, names), _no_rows(graph, output, names)
    bounded = bounded_run(run)
    for k, at in enumerate(np.ndindex(shape)):
        unit = np.zeros(shape)
        unit[at] = 1.0
        backward(bounded, output, bounded.machine.arithmetic.static(unit))
        for name in names:
            gradient = bounded.gradients[graph.inputs[name]]
            values[name][k], bounds[name][k] = gradient.value, SLACK * gradient.error
    return {
        name: Block(*[
            x.reshape((*shape, *graph.shape(graph.inputs[name])))
            for x in (values[name], bounds[name])
        ])
        for name in names
    }  # fmt: skip


def _plain_rows(run: Run, output: int, names: Sequence[str]) -> dict[str, Block]:
    """The rows of the Jacobian without bounds, many of them in one reverse sweep."""
    graph = run.machine.graph
    shape, values = graph.shape(output), _no_rows(graph, output, names)
    count = prod(shape)
    sweep = Run(Machine(graph, IN_ROWS), run.values)
    at_once = max(1, MOST_AT_ONCE // max(1, graph.elements))
    for start in range(0, count, at_once):
        chosen = range(start, min(count, start + at_once))
        units = np.zeros((len(chosen), count))
        units[range(len(chosen)), chosen] = 1.0
        backward(sweep, output, rows(units.reshape(len(chosen), *shape)))
        for name in names:
            values[name][chosen] = sweep.gradients[graph.inputs[name]]
    return {
        name: Block(block.reshape((*shape, *graph.shape(graph.inputs[name]))))
        for name, block in values.items()
    }


def _no_rows(graph: Graph, output: int, names: Sequence[str]) -> dict[str, Any]:
    """Room for the rows, before the axes of the output are separated."""
    count = prod(graph.shape(output))
    return {name: np.zeros((count, *graph.shape(graph.inputs[name]))) for name in names}
