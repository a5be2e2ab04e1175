"""The task `graph`: the circuit of a program at a point, with what flows along every wire."""

from __future__ import annotations

from typing import Any

from gradcli.arithmetic.special import OutOfReachError
from gradcli.engine import Run, events, local_gradients
from gradcli.evaluation.point import NO_UPSTREAM, Point, at, in_lists, inputs_of
from gradcli.evaluation.sides import to_float
from gradcli.gates.shapes import Places
from gradcli.graph.nodes import Graph
from gradcli.program.model import Program, elements
from gradcli.reports.circuits import Circuit, Node, Wire
from gradcli.reports.evaluations import Number
from gradcli.requests import Request
from gradcli.syntax.tokens import line_and_column
from gradcli.tasks.drawn_nodes import DrawnNodes, is_absorbed
from gradcli.tasks.evaluate import to_be_fused
from gradcli.tasks.figures import Figures, Scalars, figures_of

MOST_NAMED = 5  # stages beside the circuit that a note names

Contributions = dict[tuple[int, int], Number]  # by gate and place of the operand


def circuit_of(program: Program, request: Request) -> Circuit:
    """The circuit of a program at its inputs. Raises GradcliError."""
    if request.fuse:
        from gradcli.transform.fuse import fused_program  # late: few programs are fused

        program = fused_program(to_be_fused(program))
    point = at(program, inputs_of(program), request)
    scalars, figures, notes = figures_of(point, request)
    circuit = _circuit(point, scalars, figures, notes)
    if not program.lines or point.upstream is None:
        return circuit
    from gradcli.tasks.judged_circuits import judged  # late: few programs have a backward part

    return judged(circuit, point, scalars.point if scalars else point, request)


def _circuit(point: Point, scalars: Scalars | None, figures: Figures, notes: list[str]) -> Circuit:
    """The circuit without verdicts."""
    program, graph = point.program, point.program.graph
    drawn = DrawnNodes(graph, program.output)
    run = _run(point, scalars)
    parts = _Parts(point, drawn, figures)
    parts.add_leaves()
    parts.add_gates(
        _contributions(point, run, drawn.reached),
        local_gradients(run, [n for n in drawn.gates if not graph.gates[n].is_structural]),
    )
    if point.upstream is None:
        notes.append(NO_UPSTREAM)
    return Circuit(
        program.expression or parts.phrases[program.output][0],
        parts.ids[program.output],
        parts.nodes,
        parts.wires,
        None if point.upstream is None else in_lists(point.upstream),
        [*notes, *_beside(program, drawn)],
        program.warnings,
        program.source.text,
        scalars.numbers.arithmetic if scalars else "float64",
    )


def _beside(program: Program, drawn: DrawnNodes) -> list[str]:
    """The note on inputs and stages that the output does not depend on."""
    reached = {*drawn.reached}
    aside = [
        str(element)
        for name, value in {**program.inputs, **program.stages}.items()
        for element, node in elements(name, value)
        if node not in reached and node < program.forward_nodes
    ]
    if not aside:
        return []
    more = ", ..." if len(aside) > MOST_NAMED else ""
    return [f"not drawn, for the output does not depend on them: "
            f"{', '.join(aside[:MOST_NAMED])}{more}"]  # fmt: skip


# ---------------------------------------------------------------- what flows back


def _run(point: Point, scalars: Scalars | None) -> Run:
    """The run whose events are drawn: in many digits where the numbers are of these."""
    digits = scalars.numbers.digits if scalars else None
    if digits is None or point.is_of_arrays:
        return point.run
    try:
        return point.in_digits.sweep(digits)
    except (OutOfReachError, ArithmeticError, ValueError):
        return point.run


def _contributions(point: Point, run: Run, reached: list[int]) -> Contributions:
    """What comes back from every gate to each of its operands that depends on an input."""
    if point.upstream is None:
        return {}
    graph, arithmetic = point.program.graph, run.machine.arithmetic
    upstream = point.upstream if run is point.run else arithmetic.number(point.upstream)
    amounts: dict[int, list[Number]] = {}
    with arithmetic.quiet():
        for node, operand, amount in events(run, point.program.output, upstream, reached[::-1]):
            is_array = bool(graph.shape(operand))
            number = in_lists(point.whole(operand, amount)) if is_array else to_float(amount)
            amounts.setdefault(node, []).append(number)
    contributions: Contributions = {}
    for node, parts in amounts.items():
        places = [k for k, operand in enumerate(graph.operands[node]) if graph.active[operand]]
        for place, amount in zip(places, parts, strict=True):
            contributions[node, place] = amount
    return contributions


# ---------------------------------------------------------------- nodes and wires


class _Parts:
    """The nodes and wires of a circuit as they are made."""

    def __init__(self, point: Point, drawn: DrawnNodes, figures: Figures) -> None:
        self.point = point
        self.drawn = drawn
        self.figures = figures
        self.graph: Graph = point.program.graph
        self.phrases = self.graph.phrases(point.names)
        self.ids: dict[int, str] = {}  # by the graph's number
        self.nodes: list[Node] = []
        self.wires: list[Wire] = []
        source = point.program.source
        shown = {self.graph.tokens[node] for node in (*drawn.leaves, *drawn.gates)}
        self._spans = source.spans(shown)
        self._place = line_and_column(source.text)

    def add_leaves(self) -> None:
        """The inputs, and the elements of those that are drawn apart."""
        for leaf in self.drawn.leaves:
            name = self.graph.names.get(leaf) or self.point.names[leaf]
            value, bound = self.figures.value(leaf)
            slope, slack = self._gradient(leaf)
            for twin in self.drawn.twins.get(leaf, ()) if slope is not None else ():
                more, less = self.figures.gradient(twin)
                slope = _sum(slope, more)
                slack = None if slack is None or less is None else _sum(slack, less)
            self._append(leaf, Node(
                "", name, "input", "input", name, name, [], [*self.graph.shape(leaf)], value, slope,
                *self._line_and_column(leaf), True, bound, slack,
            ))  # fmt: skip

    def add_gates(self, contributions: Contributions, local: dict[int, list[float | None]]) -> None:
        """The gates, each after its constants, and the wires of their operands."""
        graph = self.graph
        for node in self.drawn.gates:
            operands = [self._operand(node, k) for k in graph.operands[node]]
            self._add_gate(node, operands)
            for place, (source, k) in enumerate(zip(operands, graph.operands[node], strict=True)):
                if not isinstance(source, str):
                    continue
                slope = local[node][place] if node in local else None
                back = contributions.get((node, place), self._zero(k))
                has_slope = graph.active[k] and self.point.upstream is not None
                self.wires.append(Wire(
                    f"w{len(self.wires)}", source, self.ids[node], place,
                    back if has_slope else None, None if slope is None else _floats(slope),
                ))  # fmt: skip

    def _operand(self, node: int, operand: int) -> Any:
        """An operand as reports have it: the id of a node, or what the gate's symbol shows."""
        graph = self.graph
        if operand not in graph.constants:
            return self.ids[self.drawn.same[operand]]
        if is_absorbed(graph, node, operand):
            return _plain(graph.constants[operand])
        shape = [*graph.shape(operand)]  # drawn at every use anew: nothing comes back to it
        text = "constant" if shape else self.phrases[operand][0]
        value = in_lists(self.point.run.values[operand])
        constant = Node(
            "", text, "constant", "constant", text, text, [], shape, value, None,
            *self._line_and_column(node), False,
        )  # fmt: skip
        self.nodes.append(constant._replace(id=f"n{len(self.nodes)}"))
        return self.nodes[-1].id

    def _add_gate(self, node: int, operands: list[Any]) -> None:
        graph, point = self.graph, self.point
        value, bound = self.figures.value(node)
        slope, slack = self._gradient(node)
        self._append(node, Node(
            "", point.names[node], "output" if node == point.program.output else "stage",
            graph.gates[node].name, graph.label(node), self.phrases[node][0], operands,
            [*graph.shape(node)], value, slope, *self._line_and_column(node), node in graph.names,
            bound, slack,
        ))  # fmt: skip

    def _append(self, node: int, made: Node) -> None:
        self.ids[node] = f"n{len(self.nodes)}"
        self.nodes.append(made._replace(id=self.ids[node]))

    def _gradient(self, node: int) -> tuple[Any, Any]:
        has_slope = self.graph.active[node] and self.point.upstream is not None
        return self.figures.gradient(node) if has_slope else (None, None)

    def _line_and_column(self, node: int) -> tuple[int, int]:
        return self._place(self._spans[self.graph.tokens[node]].start)

    def _zero(self, node: int) -> Number:
        return in_lists(self.point.whole(node, 0.0))


def _plain(value: Any) -> Any:
    """An operand that is no node, as JSON holds it: a number, an axis, an index, places."""
    if isinstance(value, Places):
        return value.flat.tolist()
    return [*map(_plain, value)] if isinstance(value, tuple) else value


def _floats(number: Any) -> Number:
    """A local gradient: a float, or nested lists of floats."""
    listed = in_lists(number)
    return listed if isinstance(listed, list) else to_float(listed)


def _sum(a: Any, b: Any) -> Any:
    """Two numbers, or nested lists of one shape, added."""
    return [_sum(x, y) for x, y in zip(a, b, strict=True)] if isinstance(a, list) else a + b
