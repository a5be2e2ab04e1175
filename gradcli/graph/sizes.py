"""Whole numbers that are known before anything is computed: sizes, indices, slice ends, axes.

    size = literal | a name that is bound to a number | an element of a shape | a stage that is one
         | "-" size | size ( "+" | "-" | "*" | "/" ) size | floor(size)

Floor and `/` are there because the language has no `//`: half of H is `floor(H/2)`.
"""

from __future__ import annotations

from collections.abc import Callable
from math import nan

from gradcli.gates.row import INPUT
from gradcli.graph.nodes import Graph

NumberOf = Callable[[str], "float | str"]  # the number an input is set to, or words for what it is

FOLDED: dict[str, Callable[..., float]] = {
    "copy": lambda x: x, "neg": lambda x: -x, "floor": lambda x: x // 1,
    "add": lambda x, y: x + y, "sub": lambda x, y: x - y,
    "mul": lambda x, y: x * y, "div": lambda x, y: x / y if y else nan,
}  # fmt: skip


class UnknownSizeError(Exception):
    """A size that is not known beforehand: its node, and words for what it is."""

    def __init__(self, node: int, words: str) -> None:
        super().__init__(words)
        self.node = node
        self.words = words


def known_number(graph: Graph, node: int, known: dict[int, float], number_of: NumberOf) -> float:
    """The number a node stands for; `known` holds those found before and takes the new ones.

    Raises UnknownSizeError.
    """
    todo = [node]
    while todo:
        at = todo[-1]
        operands = graph.operands[at]
        name = graph.gates[at].name
        unknown = [k for k in operands if k not in known]
        if at in known:
            todo.pop()
        elif graph.shape(at):
            raise UnknownSizeError(at, f"an array of shape {graph.shape(at)}")
        elif not operands:
            value = number_of(graph.names[at]) if graph.gates[at] is INPUT else graph.constants[at]
            if not isinstance(value, float):
                raise UnknownSizeError(at, str(value))
            known[at] = value
        elif name not in FOLDED:
            raise UnknownSizeError(at, f"computed by `{graph.label(at)}`")
        elif unknown:
            todo += unknown
        else:
            known[at] = FOLDED[name](*[known[k] for k in operands])
    return known[node]
