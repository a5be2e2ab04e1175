"""A circuit and the staged code that computes it, line for line."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from functools import cached_property

from gradcli.emit.array_lines import handed_on, no_line, summed, target
from gradcli.emit.own_lines import OwnLines
from gradcli.emit.pullbacks import pullback_text
from gradcli.emit.staged import (
    chained,
    code_names,
    gradient_name,
    guarded,
    local_text,
    stage_line,
)
from gradcli.errors import UsageError
from gradcli.graph.nodes import Graph
from gradcli.program.model import Program
from gradcli.reports.circuits import Circuit, Wire, Wiring
from gradcli.reports.pages import CodeLine
from gradcli.syntax.tree import POSTFIX
from gradcli.tasks.drawn_nodes import DrawnNodes

# Gates whose slope is infinite where their value is not: a zero that comes back must stay one.
STEEP = ("sqrt", "cbrt", "pow", "asin", "acos", "acosh", "xlogy")
NO_OWN: dict[str, OwnLines] = {}


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

    @cached_property
    def silenced(self) -> dict[str, tuple[bool, bool]]:
        """By node, whether its gradient may be 0 at many points: behind a choice, a product."""
        found: dict[str, tuple[bool, bool]] = {self.circuit.output: (False, False)}
        for node in reversed(self.circuit.nodes):
            if not node.is_gate:
                continue
            gate = self.graph.gates[self.nodes[node.id]]
            chosen, scaled = found.get(node.id, (False, False))
            here = (chosen or gate.role == "routes", scaled or gate.role == "switches")
            for wire in self.wiring.entering[node.id]:
                earlier = found.get(wire.source, (False, False))
                found[wire.source] = (earlier[0] or here[0], earlier[1] or here[1])
        return found

    def is_guarded(self, wire: Wire) -> bool:
        """Whether a gradient of 0 may meet an infinite local one: it is then written as a choice.

        Where the value itself would be infinite, only a choice can leave it out.
        """
        node = self.nodes[wire.target]
        gate, operands = self.graph.gates[node], self.graph.operands[node]
        if gate.bounded or not (gate.domain or gate.name in STEEP):
            return False
        constants = [self.graph.constants.get(operand) for operand in operands]
        if gate.name == "pow" and isinstance(constants[1], float) and constants[1] >= 1:
            return False
        if gate.name == "div" and constants[1] is not None:
            return False
        chosen, scaled = self.silenced.get(wire.target, (False, False))
        return chosen or (scaled and gate.name in STEEP)

    def own_lines(self, words: Collection[str] = ()) -> dict[str, OwnLines]:
        """By node, the lines of gates of the user's own; `words` are names that code cannot have.

        Raises UsageError for a gate that runs and is not read.
        """
        graph, named = self.graph, self.code_names
        taken = {*words, *(gate.name for gate in graph.gates), *named.values()}
        taken |= {gradient_name(name) for name in named.values()}
        found: dict[str, OwnLines] = {}
        for node in self.circuit.nodes:
            gate = graph.gates[self.nodes[node.id]] if node.is_gate else None
            if gate is None or gate.own is None:
                continue
            reading = gate.own.reading(gate)
            if reading is None:
                raise UsageError(f"`{gate.name}` runs and is not read: it has no formula",
                                 hint="its code is in the file that --gates names")  # fmt: skip
            program, inputs = reading
            place = self.nodes[node.id]
            operands = {
                name: graph.constant_phrase(k) if k in graph.constants else (named[k], POSTFIX)
                for name, k in zip(inputs, graph.operands[place], strict=False)
            }
            own = OwnLines(program, operands, named[place], gradient_name(named[place]), taken)
            taken |= {*own.names}
            found[node.id] = own
        return found

    def place(self, wire: Wire) -> tuple[int, int]:
        """The gate that a wire enters, and the place of its operand."""
        return self.nodes[wire.target], wire.operand

    def code(self, own: Mapping[str, OwnLines] = NO_OWN, must_run: bool = False) -> list[CodeLine]:
        """The forward pass, then the backward one in the order the sweep goes.

        Gates of the user's `own` are written as the lines of their authors.
        """
        gates = [node for node in self.circuit.nodes if node.is_gate]
        lines: list[CodeLine] = []
        for node in gates:
            if node.id in own:
                lines += [CodeLine(str(line), node.id) for line in own[node.id].forward]
            else:
                text = stage_line(self.graph, self.nodes[node.id], self.code_names)
                lines.append(CodeLine(text, node.id))
        seen: set[str] = set()
        for node in reversed(gates):
            wires = [w for w in self.wiring.entering[node.id] if w.contribution is not None]
            if node.id in own and wires:
                lines += [CodeLine(str(x), node.id, wires[0].id) for x in own[node.id].backward]
            for wire in wires:
                operator = "+=" if wire.source in seen else "="
                part = own[node.id].gradients[wire.operand] if node.id in own else None
                text = self.backward_line(wire, operator, must_run)
                if part is not None:
                    text = f"{text.partition(operator)[0]}{operator} {part.text}"
                elif node.id in own:
                    continue
                seen.add(wire.source)
                lines.append(CodeLine(text, node.id, wire.id))
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

    def backward_line(self, wire: Wire, operator: str, must_run: bool = False) -> str:
        """The line that adds what comes back along a wire: `dx += y * dq`.

        What is no formula is told in words, or UsageError where it `must_run`.
        """
        graph, (node, k) = self.graph, self.place(wire)
        operand, shape = graph.operands[node][k], graph.shape(node)
        is_output = node == self.program.output
        own = gradient_name(self.code_names[node])
        gradient = gradient_name(self.code_names[operand])
        if graph.gates[node].is_structural:
            place = target(graph, node, gradient)
            operator = "+=" if place != gradient else operator
            right = own if place != gradient else self._handed_on(node, k, own, must_run)
            return f"{place} {operator} {right}"
        right = chained(self.local_text(node, k), "" if is_output and not shape else own)
        if self.is_guarded(wire):
            right = guarded(right, own)
        return f"{gradient} {operator} {summed(right, shape, graph.shape(operand))}"

    def _handed_on(self, node: int, k: int, own: str, must_run: bool) -> str:
        """What a gate of arrays hands on, in numpy or as a formula; else in words."""
        if not must_run:
            try:
                return handed_on(self.graph, node, k, self.code_names, own)
            except UsageError:
                pass
        try:
            return pullback_text(self.graph, node, k, self.code_names, own, exact=False)
        except UsageError:
            if must_run:
                raise no_line(self.graph.label(node)) from None
            return f"the pullback of {self.graph.label(node)}, of {own}"
