"""The blocks of a Jacobian or a Hessian: numbers, their bounds, and the notes on them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np

from gradcli.evaluation.second_limits import SecondLimits
from gradcli.transform.elements import Circuit

OUTPUT = "value"  # what the rows of a Jacobian are called; those of a Hessian are inputs


class Block:
    """The derivatives of one array by another: the shape of the one, then that of the other."""

    __slots__ = ("bounds", "texts", "values")

    def __init__(self, values: Any, bounds: Any = None, texts: Any = None) -> None:
        self.values = values
        self.bounds = bounds  # None: not computed
        self.texts = texts  # long decimals, where they were asked for

    def spread(self, shape: Sequence[int]) -> Block:
        """The block repeated along new leading axes, to fill a shape."""
        lead = (1,) * (len(shape) - np.ndim(self.values))

        def whole(x: Any) -> Any:
            return None if x is None else np.broadcast_to(x.reshape((*lead, *x.shape)), shape)

        return Block(whole(self.values), whole(self.bounds), whole(self.texts))


Blocks = dict[str, dict[str, Block]]  # by what is differentiated, and by which input


class Derivative(NamedTuple):
    """A Jacobian or a Hessian, and the notes on it."""

    kind: str  # jacobian or hessian
    blocks: Blocks
    notes: list[str]
    circuit: Circuit | None = None  # of numbers, on which the rows are; None: rows over arrays
    limits: SecondLimits | None = None  # of a Hessian on that circuit
    derived: Blocks | None = None  # where gates of the user's own give the blocks: what is true

    def part(self, of_block: Callable[[Block], Any]) -> dict[str, Any] | None:
        """A part of every block as reports hold it; None where some block has none."""
        arrays = {
            of: {by: of_block(block) for by, block in row.items()}
            for of, row in self.blocks.items()
        }
        if any(array is None for row in arrays.values() for array in row.values()):
            return None
        lists = {of: {by: a.tolist() for by, a in row.items()} for of, row in arrays.items()}
        return lists[OUTPUT] if self.kind == "jacobian" else lists
