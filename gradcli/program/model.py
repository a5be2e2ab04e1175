"""The program as data: its graph, names and claims, and the elements of its values."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from gradcli.graph.lowering import Value
from gradcli.graph.nodes import Graph
from gradcli.named_tuples import NamedTuple
from gradcli.syntax import Tree
from gradcli.syntax.tokens import Source


class Element(NamedTuple):
    """One number of a name: `w[0][1]`. Of a number, and of an array as a whole, the index is ()."""

    name: str
    index: tuple[int, ...] = ()  # type: ignore[assignment]  # a tuple has a method of that name

    def __str__(self) -> str:
        return self.name + "".join([f"[{k}]" for k in self.index])


class ValueClaim:
    """`f == -12`: a claim on the value of a stage."""

    __slots__ = ("claimed", "name", "stage", "token")

    def __init__(self, name: str, stage: int, claimed: int, token: int) -> None:
        self.name = name
        self.stage = stage
        self.claimed = claimed
        self.token = token


class Decision(NamedTuple):
    """What was settled by numbers while a Python file was read: a branch, the places of a mask."""

    value: Value  # the numbers
    rule: Callable[[Any], Any]  # what was asked of them
    outcome: Any


class Program(NamedTuple):
    """A program, read and lowered. Values of type `Value` are nodes."""

    source: Source
    graph: Graph
    output: int
    forward_nodes: int  # nodes of the forward part; gradient lines come after
    aside: set[int]  # nodes of claims on values, which stand among them
    expression: str  # the output as written, in canonical form
    inputs: dict[str, Value]  # of `graph`, by name, in the order they were given
    settings: Graph  # constants only
    values: dict[str, Value]  # of `settings`: what each input is set to
    stages: dict[str, Value]
    claims: dict[str, Value]  # gradients by the name of the input or stage they belong to
    claim_tokens: dict[str, int]  # the token of the last line that claims something for a name
    lines: list[Any]  # the backward part: a `backward.GradientLine` for each of its statements
    value_claims: list[ValueClaim]
    upstream: int | None  # the gradient of the output, where the program gives one
    wrt: tuple[str, ...]
    warnings: list[str]
    uncertainties: dict[str, Value] = {}  # noqa: RUF012  # never written to: of `settings`, by name
    seed: int | None = None  # of the random numbers, where there are any
    overruled: dict[str, Tree] = {}  # noqa: RUF012  # never written to: what the text sets names to
    # that the caller has given other values
    # Of a circuit of numbers that stands for arrays:
    # The elements of an array output, of which `output` is the weighted sum; None for a number.
    parts: tuple[int, ...] | None = None
    weights: Any = None  # of these, in the array's shape
    called: dict[int, str] = {}  # noqa: RUF012  # never written to: what reports call its gates
    decisions: tuple[Decision, ...] = ()  # at other outcomes the program would be another one
    arrays: Any = None  # the program of arrays itself
    tolerance: float | None = None  # that the text asks for
    given: str | None = None  # the input that is the gradient of the output: `dout=[1, 2]`
    # Of what was recorded as it ran: the line of the code behind each line of the text, 0 for none.
    line_map: Sequence[int] = ()


def nodes_of(value: Value) -> list[int]:
    """All nodes of a value, in order."""
    return (
        [node for part in value for node in nodes_of(part)] if isinstance(value, list) else [value]
    )


def elements(name: str, value: Value, index: tuple[int, ...] = ()) -> list[tuple[Element, int]]:
    """The numbers that a value of a name consists of, with their nodes."""
    if isinstance(value, list):
        parts = enumerate(value)
        return [pair for k, part in parts for pair in elements(name, part, (*index, k))]
    return [(Element(name, index), value)]
