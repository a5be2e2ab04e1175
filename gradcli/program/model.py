"""The program as data, and the small things every room of this folder needs."""

from collections.abc import Iterable
from typing import Any, NamedTuple

from gradcli.graph import MOST_ELEMENTS, Graph
from gradcli.lowering import Value
from gradcli.syntax.tokens import Source

Setting = Any  # a number, lists of numbers, an array, or a constant expression as text


class Options:
    """How a program is read."""

    __slots__ = ("expand", "fuse", "most_elements", "output", "seed", "varied")

    def __init__(
        self, output: str | None = None, expand: bool = False, fuse: bool = False,
        seed: int | None = None, most_elements: int = MOST_ELEMENTS, varied: Iterable[str] = (),
    ) -> None:  # fmt: skip
        self.output = output
        self.expand = expand
        self.fuse = fuse
        self.seed = seed  # of randn; None: the program's own, or 0
        self.most_elements = most_elements  # of all arrays of the program
        self.varied = frozenset(varied)  # inputs that get other values later: no sizes


class ValueClaim:
    """`f == -12`: a claim on the value of a stage."""

    __slots__ = ("claimed", "name", "stage", "token")

    def __init__(self, name: str, stage: int, claimed: int, token: int) -> None:
        self.name = name
        self.stage = stage
        self.claimed = claimed
        self.token = token


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
    # Of a circuit of numbers that stands for arrays:
    parts: tuple[int, ...] = ()  # the elements of an array output; `output` is their weighted sum
    called: dict[int, str] = {}  # noqa: RUF012  # never written to: what reports call its gates


def nodes_of(value: Value) -> list[int]:
    """All nodes of a value, in order."""
    return (
        [node for part in value for node in nodes_of(part)] if isinstance(value, list) else [value]
    )
