"""The task of the stepping page: a circuit, its code, and a program of numbers that computes it."""

from __future__ import annotations

from typing import Any

from gradcli.emit.javascript import evaluator, gate_rows, unknown_gates
from gradcli.errors import LimitError
from gradcli.evaluation.point import gather, in_lists, inputs_of
from gradcli.gates.row import CONSTANT, INPUT
from gradcli.graph.nodes import Graph
from gradcli.program.model import Program, elements
from gradcli.reports.pages import Evaluator, Field, Page
from gradcli.requests import Request
from gradcli.tasks.circuits import circuit_of
from gradcli.tasks.evaluate import to_be_fused
from gradcli.tasks.staged_circuits import StagedCircuit
from gradcli.transform.gate_counts import gate_count

MOST_STEPPED = 1_000  # gates of a page: nobody steps through more, and files grow to many megabytes
MOST_COMPUTED = 5_000  # numbers of a program that the page computes anew at every keystroke


def page_of(program: Program, request: Request) -> Page:
    """The stepping page of a program at its inputs. Raises GradcliError."""
    if request.fuse:
        from gradcli.transform.fuse import fused_program  # late: few programs are fused

        program = fused_program(to_be_fused(program))
    circuit = circuit_of(program, request._replace(fuse=False))
    if circuit.gates > MOST_STEPPED:
        raise LimitError(
            f"{circuit.gates} gates are too many to step through: {MOST_STEPPED} at most",
            hint="choose a part of them: --output NAME; --format json takes any number",
        )
    parts = StagedCircuit(program, circuit)
    names = {id: parts.code_names[node] for id, node in parts.nodes.items()}
    return Page(circuit, names, parts.code(), parts.formulas(), *_evaluator(parts))


# ---------------------------------------------------------------- numbers


def _evaluator(parts: StagedCircuit) -> tuple[Evaluator | None, str | None]:
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
                    wired.names[operands[-1]] = f"#{len(copies)}"  # a wall: no two are one node
            moved[node] = wired.add(graph.gates[node], tuple(operands))
    return wired, moved, copies


def _as_numbers(graph: Graph) -> tuple[Graph | None, Any]:
    """The graph over numbers, and by node its nodes there; None where there are too many."""
    if gate_count(graph) > MOST_COMPUTED:
        return None, ()
    if not graph.has_arrays:
        return graph, range(len(graph))
    from gradcli.transform.elements import Circuit as Elements  # late: numbers do not need numpy

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
