"""Lines that write a part of an array of gradients, `dx[i] = ...`, and what belongs there.

    dx[i] += v      part v  ->  add to what stood there  ->  put into dx at i  ->  ...  ->  claim

The places are those of the graph: a put has them, and an index that takes `x[i]` has the same.
"""

from __future__ import annotations

from functools import cached_property
from typing import Any

import numpy as np

from gradcli.arithmetic.arrays import key
from gradcli.backward.known import Known
from gradcli.backward.replay import Replay, same

HANDED_ON = ("copy", "put")  # gates whose first operand is the array before them
GRADIENTS = ("adjoint", "contribution", "path")


class WrittenParts:
    """The parts that lines write, by the gradients that they are parts of."""

    def __init__(self, replay: Replay, known: Known) -> None:
        self.replay = replay
        self.known = known

    def is_right_place(self, k: int) -> bool | None:
        """Whether the forward part knows a line's value at its place; None where no place is."""
        target = self._targets.get(self.replay.sites[k])
        if target is None:
            return None
        name, at = target
        node, points = self.replay.forward[name], range(len(self.replay.runs))
        values = [self.replay.value(self.replay.sites[k], p) for p in points]
        graph, size = self.replay.graph, int(np.size(values[0]))
        for entry in self.known.of_size(size).equal(values) if np.any(values[0]) else ():
            operands = graph.operands[entry.node]
            if entry.kind in GRADIENTS and graph.gates[entry.node].name == "index" and (
                operands[0] == node and graph.constants.get(operands[1]) == at
            ):  # fmt: skip
                return True
        parts = self.known.parts(node, key(at)).values()
        return any(np.shape(p[0]) == np.shape(values[0]) and all(map(same, p, values))
                   for p in parts)  # fmt: skip

    def place(self, k: int, name: str) -> Any:
        """The part of the gradient of a name that a line writes; None where it writes none."""
        of, at = self._targets.get(self.replay.sites[k], ("", None))
        return at if of == name else None

    @cached_property
    def _targets(self) -> dict[int, tuple[str, Any]]:
        """Of nodes that are written into a claimed gradient its name, and the place."""
        graph, sites = self.replay.graph, {*self.replay.sites}
        targets: dict[int, tuple[str, Any]] = {}
        for name, claim in self.replay.claims.items():
            node = claim
            while graph.gates[node].name in HANDED_ON:
                operands = graph.operands[node]
                if graph.gates[node].name == "put":
                    at = graph.constants.get(operands[2])
                    pending = [operands[1]]
                    for part in pending:
                        targets[part] = name, at
                        if part not in sites and graph.gates[part].name in ("add", "copy"):
                            pending += graph.operands[part]
                node = operands[0]
        return targets
