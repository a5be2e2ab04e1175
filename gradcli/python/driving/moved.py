"""Weights that a turn has changed, as its later statements read them.

W2 -= rate * dW2          from here on `W2` is another one
d1 = d2 @ W2.T * slope    a slip: `d2` is of the old one
p = h @ W2                another forward pass, all of it of the new one: none

Every later statement gets a copy of the old weight of its own, so that a loss behind the steps is
that of the weights as they were, and what has read a copy is known.
"""

from __future__ import annotations

import ast
import re
from typing import NamedTuple

from gradcli.graph.nodes import Graph


class Late(NamedTuple):
    """A statement that reads a weight which the turn has changed before."""

    weight: str
    leaf: int
    node: ast.stmt
    line: int  # where the weight is changed

    @property
    def statement(self) -> ast.stmt:
        """The innermost statement that reads it."""
        own = [x for x in ast.walk(self.node) if isinstance(x, ast.stmt) and self._reads(x)]
        return min(own, key=lambda x: (x.end_lineno or 0) - x.lineno, default=self.node)

    def _reads(self, node: ast.stmt) -> bool:
        """Whether a statement has the name of the weight in it."""
        name = re.split(r"\W", self.weight)[0]
        return any(getattr(x, "id", getattr(x, "attr", "")) == name for x in ast.walk(node))


class Moved:
    """The copies of changed weights, and who has got them."""

    def __init__(self, graph: Graph) -> None:
        self.graph = graph
        self.lines: dict[int, int] = {}  # where a weight was changed first, by its leaf
        self.bases: dict[int, int] = {}  # the copy that stands for a weight now
        self.copies: dict[int, Late] = {}

    def give(self, weight: str, leaf: int, copy: int, node: ast.stmt) -> None:
        """Note the copy of a changed weight that a statement gets."""
        self.bases[leaf] = copy
        self.copies[copy] = Late(weight, leaf, node, self.lines[leaf])

    def stale(self, change: int, leaf: int) -> Late | None:
        """The first to read a new weight, for a change that is computed from the old one as well.

        `leaf` is the weight that changes: it may have been changed by another term before.
        """
        read = self._read(change)
        late = [self.copies[k] for k in sorted(read & self.copies.keys())]
        return next((x for x in late if x.leaf != leaf and x.leaf in read), None)

    def is_anew(self, change: int) -> bool:
        """Whether a change is computed from changed weights as they are now: of another loss."""
        read = self._read(change)
        leaves = {self.copies[k].leaf for k in read & self.copies.keys()}
        return bool(leaves) and read.isdisjoint(leaves)

    def _read(self, change: int) -> set[int]:
        """What a change is computed from, as far as the copies."""
        nodes, pending = {change}, [change]
        while pending:
            node = pending.pop()
            for operand in () if node in self.copies else self.graph.operands[node]:
                if operand not in nodes:
                    nodes.add(operand)
                    pending.append(operand)
        return nodes
