"""The stepping page of a circuit, as frozen data: its code, and how to compute it anew."""

from __future__ import annotations

from typing import Any, NamedTuple

from gradcli.reports.circuits import Circuit


class CodeLine(NamedTuple):
    """A line of staged code: of the forward pass, or of the backward one."""

    text: str
    node: str  # the id of the gate that it computes, or whose gradient it hands on
    wire: str | None = None  # of the backward pass: what it hands it on along


class Field(NamedTuple):
    """An input whose numbers may be changed."""

    name: str
    nodes: Any  # of the program of numbers, in nested lists of the input's shape


class Evaluator(NamedTuple):
    """The circuit as a program of numbers that JavaScript runs.

    What belongs to a node or a wire of the circuit are nested lists of its nodes, in their shape.
    """

    script: str  # the loops, and a row for every gate
    program: list[Any]  # a number, None for an input, or [gate, operand, operand, ...]
    fields: list[Field]
    start: dict[int, float]  # what the inputs are set to, by node of the program
    values: dict[str, Any]  # by node of the circuit: where its value is
    contributions: dict[str, Any]  # by wire: the nodes whose gradients came along it
    locals: dict[str, Any]  # by wire of a gate without mixing: the gates of its elements
    seeds: Any  # the nodes of the output


class Page(NamedTuple):
    """A circuit to be stepped through."""

    circuit: Circuit
    names: dict[str, str]  # by node: what the code calls it
    code: list[CodeLine]
    formulas: dict[str, str]  # by wire: the local gradient, as text over those names
    evaluator: Evaluator | None
    why_fixed: str | None  # why there is no evaluator

    @property
    def warnings(self) -> list[str]:
        """Those of the circuit."""
        return self.circuit.warnings
