"""The task `graph`: the circuit of a program at a point, with what flows along every wire."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from gradcli.arithmetic.work import OutOfReachError, limited
from gradcli.checker.evidence import run_note
from gradcli.engine import contributions, local_gradients
from gradcli.evaluation.costs import refuse_much
from gradcli.evaluation.point import NO_UPSTREAM, Point, at, in_lists, inputs_of
from gradcli.evaluation.sides import to_float
from gradcli.graph.nodes import Graph
from gradcli.program.files import PYTHON, subject_of
from gradcli.program.model import Program, elements
from gradcli.reports.circuits import Circuit, Node, Wire, Wiring
from gradcli.reports.evaluations import Link
from gradcli.requests import Request
from gradcli.syntax.tokens import line_and_column
from gradcli.tasks.chain import links_of
from gradcli.tasks.drawn_nodes import DrawnNodes, is_absorbed
from gradcli.tasks.evaluate import OVERRULED, is_overruled, plain_constant, to_be_fused
from gradcli.tasks.figures import Figures, Scalars, figures_of

MOST_NAMED = 5  # stages beside the circuit that a note names


@limited()
def circuit_of(program: Program, request: Request, collapse: bool = False) -> Circuit:
    """The circuit of a program at its inputs; where it is to collapse, with stages as boxes.

    Raises GradcliError.
    """
    if request.fuse:
        from gradcli.transform.fuse import fused_program  # late: few programs are fused

        program = fused_program(to_be_fused(program))
    refuse_much(program, request)
    point = at(program, inputs_of(program), request)
    scalars, figures, notes = figures_of(point, request)
    circuit = _circuit(point, scalars, figures, notes)
    if collapse:
        from gradcli.tasks.collapsed_circuits import collapsed  # late: few are too large to read

        circuit = collapsed(circuit, by_line=_is_python(program))
    if not program.lines or point.upstream is None:
        return circuit
    if is_overruled(program, request):
        return circuit._replace(notes=[*circuit.notes, OVERRULED])
    from gradcli.tasks.judged_circuits import judged  # late: few programs have a backward part

    return judged(circuit, point, scalars.point if scalars else point, request)


def _circuit(point: Point, scalars: Scalars | None, figures: Figures, notes: list[str]) -> Circuit:
    """The circuit without verdicts."""
    program, graph = point.program, point.program.graph
    drawn = DrawnNodes(graph, program.output)
    parts = _Parts(point, drawn, figures)
    parts.add_leaves()
    parts.add_gates(_in_digits(links_of(point, drawn.gates, figures), point, scalars))
    if point.upstream is None:
        notes.append(NO_UPSTREAM)
    if (note := run_note(graph)) is not None:
        notes.append(note)
    expression = program.expression or parts.phrases[program.output][0]
    name = graph.names.get(program.output)
    return Circuit(
        expression,
        parts.ids[program.output],
        parts.nodes,
        parts.wires,
        None if point.upstream is None else in_lists(point.upstream),
        [*notes, *_beside(program, drawn)],
        program.warnings,
        program.source.text,
        scalars.numbers.arithmetic if scalars else "float64",
        expression if name is None or _is_python(program) else f"{name} = {expression}",
    )


def _is_python(program: Program) -> bool:
    return subject_of(program.source.name)[0].endswith(PYTHON)


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


Links = dict[int, list[Link | None]]  # by gate, of each operand


def _in_digits(links: Links, point: Point, scalars: Scalars | None) -> Links:
    """The links; in many digits where the figures of a report certify nothing of the product.

    As exp(800) is infinite, and so says nothing of what comes back to its operand.
    """
    digits = scalars.numbers.digits if scalars else None
    unknown = [
        node for node, own in links.items() if any(link and link.bound == math.inf for link in own)
    ]
    if not unknown or digits is None or point.is_of_arrays:
        return links
    try:
        run = point.in_digits.sweep(digits)
        local, parts = local_gradients(run, unknown), contributions(run, unknown)
    except (OutOfReachError, ArithmeticError, ValueError):
        return links
    return links | {
        node: [
            link and Link(link.operand, to_float(slope), to_float(part))
            for link, slope, part in zip(links[node], local[node], parts[node], strict=True)
        ]
        for node in unknown
    }


def narrowed(circuit: Circuit, names: Sequence[str]) -> Circuit:
    """The circuit with gradients only where they lead to some inputs."""
    wiring = Wiring(circuit)
    leading: set[str] = set()
    for node in circuit.nodes:
        is_asked = node.role == "input" and {node.name, node.name.partition("[")[0]} & {*names}
        if is_asked or any(wire.source in leading for wire in wiring.entering[node.id]):
            leading.add(node.id)
    return circuit._replace(
        nodes=[
            n if n.id in leading else n._replace(gradient=None, gradient_bound=None)
            for n in circuit.nodes
        ],
        wires=[
            w if w.source in leading else w._replace(
                contribution=None, local_gradient=None, bound=None, local_bound=None
            )
            for w in circuit.wires
        ],
    )  # fmt: skip


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

    def add_gates(self, links: Links) -> None:
        """The gates, each after its constants, and the wires of their operands."""
        graph = self.graph
        for node in self.drawn.gates:
            operands = [self._operand(node, k) for k in graph.operands[node]]
            self._add_gate(node, operands)
            for place, source in enumerate(operands):
                link = links[node][place]
                if isinstance(source, str):
                    wire = Wire(f"w{len(self.wires)}", source, self.ids[node], place, None, None)
                    self.wires.append(wire if link is None else wire._replace(
                        contribution=link.contribution, local_gradient=link.local,
                        bound=link.bound, local_bound=link.local_bound,
                    ))  # fmt: skip

    def _operand(self, node: int, operand: int) -> Any:
        """An operand as reports have it: the id of a node, or what the gate's symbol shows."""
        graph = self.graph
        if operand not in graph.constants:
            return self.ids[self.drawn.same[operand]]
        if is_absorbed(graph, node, operand):
            return plain_constant(graph.constants[operand])
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


def _sum(a: Any, b: Any) -> Any:
    """Two numbers, or nested lists of one shape, added."""
    return [_sum(x, y) for x, y in zip(a, b, strict=True)] if isinstance(a, list) else a + b
