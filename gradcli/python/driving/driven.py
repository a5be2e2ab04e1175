"""A subject that has been read.

leaf     an input of floats: a parameter, an entry of one, an attribute of the object
output   what the forward part gives that is differentiated, and its upstream gradient
result   what the backward part gives back, and what it calls it
"""

from __future__ import annotations

import ast
from typing import Any, NamedTuple

from gradcli.python.driving.moved import Late
from gradcli.python.driving.results import Result
from gradcli.python.driving.steps import Step
from gradcli.python.interpreter.interpreter import Interpreter
from gradcli.python.state.values import Instance, Scope


class Leaf(NamedTuple):
    """An input of floats."""

    name: str  # the input's in the graph
    short: str  # what it is called in the file
    node: int
    is_parameter: bool  # of the forward function, and not an attribute


class Driven:
    """A subject that has been read, from its inputs to its results."""

    def __init__(self, reader: Interpreter, scope: Scope) -> None:
        self.reader = reader
        self.scope = scope
        self.leaves: list[Leaf] = []
        self.outputs: list[tuple[int, int | None]] = []
        self.results: list[Result] = []
        self.forward = ""  # the name of the forward function
        self.handed: dict[str, Any] = {}  # its arguments
        self.own: list[str] = []  # the parameters of the function that is its derivative
        self.instance: Instance | None = None
        self.loss = ""  # the function that makes one number of what the forward part gives
        self.usual_loss = ""  # that stands for one, where the file has none
        self.is_loss_late = False  # whether the loss is computed behind the steps
        self.is_loss_for_show = False  # whether that is of other predictions than the steps
        self.has_spare_loss = False  # a number beside the output that has no upstream gradient
        self.is_of_examples = False  # whether the loss may be one for each example
        self.other_operand = ""  # that the backward part may be handed, of an input and an output
        self.is_apart = False  # whether the results are the elements of one array
        self.is_force = False  # whether it is minus the value that is differentiated
        self.idle: set[str] = set()  # flags and modes of training that are off
        self.upstreams: list[str] = []
        self.places: dict[str, int] = {}  # of results, where no function returns them
        self.others: dict[int, str] = {}  # results that the upstream gradient may be of, by place
        self.overwriting: ast.Assign | None = None  # a gradient of what may be used twice
        self.late: Late | None = None  # a gradient that reads a weight which has been changed
        self.steps: dict[int, Step] = {}  # of weights that the backward part changes, by leaf

    def is_factor(self, leaf: Leaf) -> bool:
        """Whether the outputs have an input as a factor only, as `y` in `log(1 + exp(-y * z))`."""
        graph = self.reader.tape.graph
        same, is_met = {leaf.node}, False
        for node in graph.ancestors([output for output, _ in self.outputs]):
            name, operands = graph.gates[node].name, graph.operands[node]
            if same.isdisjoint(operands):
                continue
            if len(operands) == 1 and (graph.gates[node].is_structural or name == "neg"):
                same.add(node)
            elif name == "mul" or (name == "div" and operands[1] not in same):
                is_met = True
            else:
                return False
        return is_met
