"""The circuit of a program as a picture shows it, as frozen data.

    Circuit = nodes in topological order, the wires between them, notes      schema gradcli.graph/1
    Node    = an input, a drawn constant, a gate; the last gate is the output
    Wire    = one use of a node by a gate: what flows forward, and what comes back

The gradient of a node is the sum of the contributions of the wires that leave it. Constants that
the symbol of a gate shows (`*2`, `+1`, `1/x`) are neither nodes nor wires; all operands of a gate,
in their order, are in `Node.operands`.
"""

from __future__ import annotations

from functools import cached_property
from typing import Any, NamedTuple

from gradcli.reports.evaluations import Number, present

ROLES = ("input", "constant", "stage", "output")
GROUP, PART = "group", "part"  # gates of what is collapsed: the box, and one of its several values


class Node(NamedTuple):
    """A place of the circuit, with its value and its gradient."""

    id: str  # `n0`, `n1`, ...
    name: str  # of an input or a stage; `#1`, `#out`; the text of a constant
    role: str  # one of ROLES
    gate: str  # the row of the gate table; `input`, `constant`; GROUP or PART of what is collapsed
    label: str  # as drawn: the gate's symbol, an input's name, a constant
    expression: str
    operands: list[Any]  # ids of nodes; numbers, and lists such as an axis, of what is not drawn
    shape: list[int]  # empty for a number
    value: Number | None  # None: a box that hands on several
    gradient: Number | None  # None where nothing flows back: no input below, or no upstream
    line: int  # in the text of the program, from 1
    column: int
    is_named: bool
    bound: Number | None = None  # of the error of the value, in its shape; None: not computed
    gradient_bound: Number | None = None
    claim: Number | None = None  # the gradient as a hand-written backward pass has it
    verdict: str | None = None  # on that claim
    size: int | None = None  # gates of a collapsed part

    @property
    def is_gate(self) -> bool:
        """Whether the node computes something."""
        return self.role in ("stage", "output")

    def as_dict(self) -> dict[str, Any]:
        """The node as JSON holds it; claims only where there are any."""
        data = self._asdict()
        extra = {key: data.pop(key) for key in ("claim", "verdict", "size")}
        return {**data, **present(**extra)}


class Wire(NamedTuple):
    """One use of a node: `target` takes the value of `source` and sends a contribution back."""

    id: str  # `w0`, `w1`, ...
    source: str  # ids of nodes
    target: str
    operand: int  # the place of the source among the operands of the target, from 0
    contribution: Number | None  # to the gradient of the source; None where nothing flows back
    local_gradient: Number | None  # upstream x local = contribution; None of gates that mix
    claim: Number | None = None  # the contribution as a hand-written backward pass has it
    expected: Number | None = None  # what that should be
    verdict: str | None = None  # on that claim
    is_cause: bool = False  # wrong by itself, and not because of another line
    code_line: int | None = None  # the line of the backward pass that says it
    reason: str | None = None
    bound: Number | None = None  # of the error of the contribution; None: not computed
    local_bound: Number | None = None

    def as_dict(self) -> dict[str, Any]:
        """The wire as JSON holds it; claims only where there are any."""
        data = self._asdict()
        keys = ("claim", "expected", "verdict", "is_cause", "code_line", "reason")
        extra = {key: data.pop(key) for key in keys}
        return data if self.verdict is None else {**data, **extra}


class Circuit(NamedTuple):
    """A program at a point, as gates and wires."""

    expression: str  # the output, as written
    output: str  # the id of the output's node
    nodes: list[Node]
    wires: list[Wire]
    upstream: Number | None  # the gradient of the output; None: an array that was given none
    notes: list[str]
    warnings: list[str]
    text: str = ""  # the program's
    arithmetic: str = "float64"  # or mpmath
    title: str = ""  # `f = q * z`, or what a Python file's subject is called

    @property
    def gates(self) -> int:
        """How many nodes compute something."""
        return sum(node.is_gate for node in self.nodes)

    def as_dict(self) -> dict[str, Any]:
        """The circuit as JSON holds it."""
        return {
            "schema": "gradcli.graph/1",
            "expression": self.expression,
            "output": self.output,
            "upstream": self.upstream,
            "arithmetic": self.arithmetic,
            "nodes": [node.as_dict() for node in self.nodes],
            "wires": [wire.as_dict() for wire in self.wires],
            "forks": [fork._asdict() for fork in self.forks()],
            "text": self.text,
            "notes": self.notes,
            "warnings": self.warnings,
        }

    def forks(self) -> list[Branching]:
        """The nodes that more than one wire leaves, each with what comes back along them."""
        leaving = Wiring(self).leaving
        return [
            Branching(
                node.id, [w.id for w in wires], [w.contribution for w in wires], node.gradient
            )
            for node in self.nodes
            if len(wires := leaving[node.id]) > 1
        ]


class Branching(NamedTuple):
    """A node that is used more than once: contributions and their sum, the node's gradient."""

    node: str
    wires: list[str]
    contributions: list[Number | None]
    sum: Number | None


class Wiring:
    """The wires and nodes of a circuit by the ids of nodes."""

    def __init__(self, circuit: Circuit) -> None:
        self._circuit = circuit

    @cached_property
    def node(self) -> dict[str, Node]:
        """Nodes by id."""
        return {node.id: node for node in self._circuit.nodes}

    @cached_property
    def leaving(self) -> dict[str, list[Wire]]:
        """The wires that leave each node, in the order of the gates they go to."""
        wires: dict[str, list[Wire]] = {node.id: [] for node in self._circuit.nodes}
        for wire in self._circuit.wires:
            wires[wire.source].append(wire)
        return wires

    @cached_property
    def entering(self) -> dict[str, list[Wire]]:
        """The wires that enter each node, in the order of its operands."""
        wires: dict[str, list[Wire]] = {node.id: [] for node in self._circuit.nodes}
        for wire in self._circuit.wires:
            wires[wire.target].append(wire)
        return wires
