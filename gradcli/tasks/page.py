"""The task of the stepping page: a circuit, its code, and a program of numbers that computes it."""

from __future__ import annotations

from typing import Any

from gradcli.emit.array_lines import handed_on, summed, target
from gradcli.emit.javascript import evaluator, gate_rows, unknown_gates
from gradcli.emit.staged import chained, code_names, gradient_name, local_text, stage_line
from gradcli.errors import UsageError
from gradcli.evaluation.point import gather, in_lists, inputs_of
from gradcli.gates.row import CONSTANT, INPUT
from gradcli.graph.nodes import Graph
from gradcli.program.model import Program, elements
from gradcli.reports.circuits import Circuit, Wire, Wiring
from gradcli.reports.pages import CodeLine, Evaluator, Field, Page
from gradcli.requests import Request
from gradcli.tasks.circuits import circuit_of
from gradcli.tasks.drawn_nodes import DrawnNodes
from gradcli.tasks.evaluate import to_be_fused

MOST_COMPUTED = 5_000  # numbers of a program that the page computes anew at every keystroke


def page_of(program: Program, request: Request) -> Page:
    """The stepping page of a program at its inputs. Raises GradcliError."""
    if request.fuse:
        from gradcli.transform.fuse import fused_program  # late: few programs are fused

        program = fused_program(to_be_fused(program))
    circuit = circuit_of(program, request._replace(fuse=False))
    parts = _Parts(program, circuit)
    names = {id: parts.code_names[node] for id, node in parts.nodes.items()}
    return Page(circuit, names, parts.code(), parts.formulas(), *_evaluator(parts))


class _Parts:
    """Which nodes of the graph the nodes and wires of the circuit stand for."""

    def __init__(self, program: Program, circuit: Circuit) -> None:
        self.program = program
        self.circuit = circuit
        self.graph: Graph = program.graph
        drawn = DrawnNodes(program.graph, program.output)
        leaves = [node.id for node in circuit.nodes if node.role == "input"]
        gates = [node.id for node in circuit.nodes if node.is_gate]
        self.nodes = dict(zip(leaves, drawn.leaves, strict=True))
        self.nodes |= dict(zip(gates, drawn.gates, strict=True))
        self.wiring = Wiring(circuit)
        self.code_names = code_names(program, drawn.gates)
        for node in circuit.nodes:
            if node.role == "input":
                for leaf in (self.nodes[node.id], *drawn.twins.get(self.nodes[node.id], ())):
                    self.code_names[leaf] = node.name

    def place(self, wire: Wire) -> tuple[int, int]:
        """The gate that a wire enters, and the place of its operand."""
        return self.nodes[wire.target], wire.operand

    # ------------------------------------------------------------ code

    def code(self) -> list[CodeLine]:
        """The forward pass, then the backward one in the order the sweep goes."""
        gates = [node for node in self.circuit.nodes if node.is_gate]
        lines = [
            CodeLine(stage_line(self.graph, self.nodes[node.id], self.code_names), node.id)
            for node in gates
        ]
        seen: set[str] = set()
        for node in reversed(gates):
            for wire in self.wiring.entering[node.id]:
                if wire.contribution is not None:
                    operator = "+=" if wire.source in seen else "="
                    seen.add(wire.source)
                    lines.append(CodeLine(self._backward_line(wire, operator), node.id, wire.id))
        return lines

    def formulas(self) -> dict[str, str]:
        """The local gradients as text."""
        formulas = {}
        for wire in self.circuit.wires:
            node, k = self.place(wire)
            if wire.local_gradient is not None:
                formulas[wire.id] = self._local(node, k)
        return formulas

    def _local(self, node: int, k: int) -> str:
        try:
            return local_text(self.graph, node, k, self.code_names)
        except UsageError:  # it takes more than a line
            return (
                f"{self.graph.gates[node].name}'({self.code_names[self.graph.operands[node][k]]})"
            )

    def _backward_line(self, wire: Wire, operator: str) -> str:
        graph, (node, k) = self.graph, self.place(wire)
        operand, shape = graph.operands[node][k], graph.shape(node)
        is_output = node == self.program.output
        own = gradient_name(self.code_names[node])
        gradient = gradient_name(self.code_names[operand])
        if graph.gates[node].is_structural:
            place = target(graph, node, gradient)
            operator = "+=" if place != gradient else operator
            right = own if place != gradient else handed_on(graph, node, k, self.code_names, own)
            return f"{place} {operator} {right}"
        right = chained(self._local(node, k), "" if is_output and not shape else own)
        return f"{gradient} {operator} {summed(right, shape, graph.shape(operand))}"


# ---------------------------------------------------------------- numbers


def _evaluator(parts: _Parts) -> tuple[Evaluator | None, str | None]:
    """The program of numbers; or None, and why the page cannot compute the circuit anew."""
    circuit, graph = parts.circuit, parts.graph
    if circuit.upstream is None:
        return None, "the output is an array without an upstream gradient"
    wired, moved, copies = _with_wires(graph, parts.program.output)
    numbers, at = _as_numbers(wired)
    if numbers is None:
        return None, f"the circuit has more than {MOST_COMPUTED} numbers"
    gates = {gate.name: gate for gate in numbers.gates if gate not in (INPUT, CONSTANT)}
    if unknown := unknown_gates(gates.values()):
        return None, f"JavaScript has no {', '.join(unknown)}"
    place = {node: at[new] for node, new in moved.items()}
    return Evaluator(
        evaluator() + gate_rows(gates.values(), graph.table),
        [_node(numbers, k) for k in range(len(numbers))],
        [
            Field(name, gather(value, [place.get(node) for node in range(len(graph))]))
            for name, value in parts.program.inputs.items()
            if any(node in place for _, node in elements(name, value))
        ],
        _start(numbers, parts.program, place),
        {id: place[node] for id, node in parts.nodes.items()},
        {w.id: at[copies[parts.place(w)]] for w in circuit.wires if parts.place(w) in copies},
        {w.id: place[parts.nodes[w.target]] for w in circuit.wires if w.local_gradient is not None},
        place[parts.program.output],
    ), None  # fmt: skip


def _with_wires(
    graph: Graph, output: int
) -> tuple[Graph, dict[int, int], dict[tuple[int, int], int]]:
    """The graph with a `copy` on every wire, whose gradient is what comes back along the wire.

    Also where its nodes went, and the copies by gate and place.
    """
    wired = Graph(graph.table)
    wired.has_arrays = graph.has_arrays
    copy = graph.table["copy"]
    moved: dict[int, int] = {}
    copies: dict[tuple[int, int], int] = {}
    for node in graph.ancestors([output]):
        if graph.gates[node] is INPUT:
            moved[node] = wired.input(graph.names[node], 0, graph.shape(node))
        elif node in graph.constants:
            moved[node] = wired.fixed(graph.constants[node])
        else:
            operands = []
            for k, operand in enumerate(graph.operands[node]):
                operands.append(moved[operand])
                if graph.active[operand]:
                    operands[-1] = copies[node, k] = wired.add(copy, (moved[operand],))
            moved[node] = wired.add(graph.gates[node], tuple(operands))
    return wired, moved, copies


def _as_numbers(graph: Graph) -> tuple[Graph | None, Any]:
    """The graph over numbers, and by node its nodes there; None where there are too many."""
    if not graph.has_arrays:
        return (graph, range(len(graph))) if len(graph) <= MOST_COMPUTED else (None, ())
    from gradcli.transform.elements import Circuit as Elements  # late: numbers do not need numpy
    from gradcli.transform.elements import gate_count

    if gate_count(graph) > MOST_COMPUTED:
        return None, ()
    circuit = Elements(graph, apart=True)
    if len(circuit.graph) > MOST_COMPUTED:
        return None, ()
    at = [None if nodes is None else nodes.tolist() for nodes in circuit.elements]
    return circuit.graph, at


def _start(numbers: Graph, program: Program, place: dict[int, Any]) -> dict[int, float]:
    """What the inputs of the program of numbers are set to."""
    settings = dict(zip(program.graph.inputs.values(), inputs_of(program), strict=True))
    start: dict[int, float] = {}
    for node, setting in settings.items():
        if node in place:
            start |= zip(_flat(place[node]), _flat(in_lists(setting)), strict=True)
    assert start.keys() == {*numbers.inputs.values()}
    return start


def _flat(nested: Any) -> list[Any]:
    if not isinstance(nested, list):
        return [nested]
    return [leaf for part in nested for leaf in _flat(part)]


def _node(graph: Graph, node: int) -> Any:
    """A node as the evaluator reads it."""
    if node in graph.constants:
        return graph.constants[node]
    return [graph.gates[node].name, *graph.operands[node]] if graph.operands[node] else None
