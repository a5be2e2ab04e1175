"""A circuit and the staged code that computes it, line for line."""

from __future__ import annotations

from gradcli.emit.array_lines import handed_on, summed, target
from gradcli.emit.staged import chained, code_names, gradient_name, local_text, stage_line
from gradcli.errors import UsageError
from gradcli.graph.nodes import Graph
from gradcli.program.model import Program
from gradcli.reports.circuits import Circuit, Wire, Wiring
from gradcli.reports.pages import CodeLine
from gradcli.tasks.drawn_nodes import DrawnNodes


class StagedCircuit:
    """Which nodes of a program's graph a circuit's nodes and wires are, and their lines of code."""

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
                    lines.append(CodeLine(self.backward_line(wire, operator), node.id, wire.id))
        return lines

    def formulas(self) -> dict[str, str]:
        """The local gradients as text."""
        formulas = {}
        for wire in self.circuit.wires:
            node, k = self.place(wire)
            if wire.local_gradient is not None:
                formulas[wire.id] = self.local_text(node, k)
        return formulas

    def local_text(self, node: int, k: int) -> str:
        """The local gradient of a gate by its operand number k."""
        try:
            return local_text(self.graph, node, k, self.code_names)
        except UsageError:  # it takes more than a line
            return (
                f"{self.graph.gates[node].name}'({self.code_names[self.graph.operands[node][k]]})"
            )

    def backward_line(self, wire: Wire, operator: str) -> str:
        """The line that adds what comes back along a wire: `dx += y * dq`."""
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
        right = chained(self.local_text(node, k), "" if is_output and not shape else own)
        return f"{gradient} {operator} {summed(right, shape, graph.shape(operand))}"
