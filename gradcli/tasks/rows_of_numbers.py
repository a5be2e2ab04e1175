"""Jacobians and Hessians of numbers: each row on the circuit, as true as a gradient."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from gradcli.arithmetic.floats import IEEE
from gradcli.engine import Machine, Run, backward
from gradcli.errors import LimitError
from gradcli.evaluation.certainty import certain_numbers, decimals
from gradcli.evaluation.in_digits import InDigits
from gradcli.evaluation.numbers import Bounds, bounded_run, is_certain
from gradcli.evaluation.point import Point
from gradcli.evaluation.second_limits import SecondLimits
from gradcli.graph.nodes import Graph
from gradcli.program.model import Element, Program
from gradcli.reports.digits import certain_text
from gradcli.requests import MOST_GATES, Request
from gradcli.tasks.blocks import OUTPUT, Block, Derivative
from gradcli.tasks.entries import Curvatures, Row, Slopes, near_jumps, near_ties
from gradcli.transform.adjoint import adjoint
from gradcli.transform.elements import Circuit, small_circuit

MOST_AS_NUMBERS = 100_000  # gates of numbers that the rows depend on, in all: some 2 s
MOST_IN_DIGITS = MOST_GATES  # of these, in many digits: as many as one gradient may take
MOST_OF_LIMITS = 3_000  # gates times entries at kinks: some 2 s
MOST_REMARKS = 3


def as_numbers(
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
            whole = _whole(circuit, program, by_element) if kind == "hessian" else None
            work = _Rows(program, graph, leaves, by_element, request, whole)
            blocks = {name: work.rows(name, roots[name], cones) for name in roots}
            limits = None if whole is None else whole.limits
            return Derivative(kind, blocks, work.notes(), circuit, limits)
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


class _Whole:
    """The function whose gradient the rows of a Hessian differentiate."""

    def __init__(self, run: Run, output: int) -> None:
        self.leaves = run.machine.graph.inputs
        bounds = Bounds(bounded_run(run))
        self.near = near_ties(run, bounds, output)
        self.jumps = near_jumps(run, bounds)
        inputs = [run.values[leaf] for leaf in self.leaves.values()]
        self.limits = SecondLimits(InDigits(run.machine.graph, inputs, output))

    def jumps_with(self, name: str) -> set[str]:
        """The inputs that meet an input at a jump, of which its gradient tells nothing."""
        return set().union(*[names for names in self.jumps if name in names])

    def row(self, name: str, run: Run, bounds: Bounds, root: int) -> Curvatures:
        """The row of an input, whose gradient a run has computed as `root`."""
        return Curvatures(name, self.leaves, self.near, near_ties(run, bounds, root), self.limits)


def _whole(circuit: Circuit, program: Program, inputs: Mapping[str, float]) -> _Whole:
    graph = circuit.graph
    run = Machine(graph, IEEE).run([inputs[name] for name in graph.inputs])
    return _Whole(run, int(circuit.elements[program.output]))


def _part(run: Run, graph: Graph, nodes: Sequence[int]) -> Run:
    """The run of a part of its graph, some nodes with all they depend on."""
    return Run(Machine(graph, run.machine.arithmetic), [run.values[node] for node in nodes])


class _Rows:
    """Rows on a graph of numbers, and the notes on them."""

    def __init__(
        self, program: Program, graph: Graph, leaves: Mapping[str, Any],
        inputs: Mapping[str, float], request: Request, whole: _Whole | None,
    ) -> None:  # fmt: skip
        self.program = program
        self.graph = graph
        self.leaves = leaves
        self.run = Machine(graph, IEEE).run([inputs[name] for name in graph.inputs])
        self.bounded = bounded_run(self.run)
        self.whole = whole  # None for a Jacobian
        self.request = Request(arithmetic=request.arithmetic, digits=request.digits)
        self.places = {
            int(leaf): (name, at)
            for name, nodes in leaves.items()
            for at, leaf in np.ndenumerate(nodes)
        }
        self.left = MOST_IN_DIGITS  # gates that may still be computed in many digits
        self.spent = 0  # gates that limits have evaluated in many digits
        self.better: list[tuple[str, float, float]] = []  # of many digits: place, number, float64's
        self.poor = self.count = 0  # numbers that only their bounds tell of, and all
        self.open = 0  # numbers in doubt for which there was no time
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
        run, bounded = (_part(whole, graph, cone) for whole in (self.run, self.bounded))
        for sweep in (run, bounded):
            backward(sweep, moved[root], sweep.machine.arithmetic.number(1.0))
        bounds = Bounds(bounded)
        alone = self.program._replace(graph=graph, output=moved[root], parts=None, upstream=None)
        limits = (
            Slopes(run, bounds, moved[root])
            if self.whole is None
            else self.whole.row(label, run, bounds, moved[root])
        )
        named = [(Element(*self.places[k]), moved[k]) for k in cone if k in self.places]
        hidden = self._hidden(label, cone)
        sure = [pair for pair in named if not self._in_doubt(limits, pair[0])]
        point = Point(alone, run, 1.0, {}, sure)
        request = self.request if self.left > 0 else Request(arithmetic="float64")
        numbers, remarks = certain_numbers(point, request, False, False, bounds)
        self.remarks += [f"row {label}: {remark}" for remark in remarks]
        if numbers.digits is not None:
            self.left -= len(cone)
        texts = decimals(point, numbers, self.request.digits) if self.request.digits else {}
        for element, leaf in named:
            block, here = blocks[element.name], (*row, *element.index)
            number, bound = numbers.gradients[leaf], numbers.gradient_bound(leaf)
            is_sure = (element, leaf) in sure
            if self._takes_limit(is_sure, number, bound):
                number, bound = self._limit(limits, label, element, number)
                texts[leaf] = certain_text(number, bound, self.request.digits or 1)
            elif numbers.digits is not None:
                self.better.append((f"{label} by {element}", number, run.gradients[leaf]))
            elif request is not self.request and not is_certain(number, bound or 0.0):
                self.poor += 1
            block.values[here], block.bounds[here] = number, bound
            if block.texts is not None:
                block.texts[here] = texts[leaf]
        for element in hidden:
            block, here = blocks[element.name], (*row, *element.index)
            block.values[here], block.bounds[here] = self._limit(limits, label, element, 0.0)

    def _hidden(self, label: str, cone: Sequence[int]) -> list[Element]:
        """The inputs outside the cone of a gradient that a jump may hide from it."""
        if self.whole is None or self.request.arithmetic == "float64":
            return []
        met = self.whole.jumps_with(label)
        places = (
            [place for leaf, place in self.places.items() if leaf not in {*cone}] if met else []
        )
        return [element for element in (Element(*place) for place in places) if str(element) in met]

    def _in_doubt(self, limits: Row, element: Element) -> bool:
        return self.request.arithmetic != "float64" and limits.in_doubt(str(element))

    def _takes_limit(self, is_sure: bool, number: float, bound: float | None) -> bool:
        """Whether reverse mode cannot tell: at a kink, or where it has no number or no bound."""
        if not is_sure:
            return True
        is_known = math.isfinite(number) and (bound is None or math.isfinite(bound))
        return not is_known and self.request.arithmetic != "float64"

    def _limit(
        self, limits: Row, label: str, element: Element, known: float
    ) -> tuple[float, float]:
        """An entry in doubt, and its bound; infinite where there is no time for its limits."""
        if self.spent >= MOST_OF_LIMITS:
            self.open += 1
            return known, math.inf
        before = limits.work
        entry = limits.entry(str(element), known)
        self.spent += limits.work - before
        if entry.remark is not None:
            remark = f"{label if entry.is_of_row else f'{label} by {element}'}: {entry.remark}"
            if remark not in self.remarks:
                self.remarks.append(remark)
        return entry.number, entry.bound

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
        if self.open:
            notes.append(f"{self.open} numbers at kinks are not known: limits would take long")
        more = len(self.remarks) - MOST_REMARKS
        rest = [f"{more} more remarks like these"] if more > 0 else []
        return [*notes, *self.remarks[:MOST_REMARKS], *rest]
