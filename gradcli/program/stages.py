"""The stages of a program, by name: of a long one they are many, and held in little room.

What names stand for is held once, stages and inputs together; which are stages, and where each is
assigned, takes eight bytes a stage.
"""

from __future__ import annotations

from array import array
from bisect import bisect_left
from collections.abc import Iterator, Mapping


class Stages(Mapping[str, int]):
    """The nodes of stages: of all `values` of names those that are no `inputs`."""

    def __init__(self, values: dict[str, int], inputs: Mapping[str, int]) -> None:
        self._values = values
        self._inputs = inputs
        self._nodes = array("I")  # as they were added, which is in ascending order
        self._tokens = array("I")

    def add(self, name: str, node: int, token: int) -> None:
        """A stage with its node, and the token of its name where it is assigned."""
        self._values[name] = node
        self._nodes.append(node)
        self._tokens.append(token)

    def token(self, name: str) -> int:
        """The token where a stage is assigned."""
        return self._tokens[bisect_left(self._nodes, self[name])]

    def __getitem__(self, name: str) -> int:
        if name in self._inputs:
            raise KeyError(name)
        return self._values[name]

    def __contains__(self, name: object) -> bool:
        return name in self._values and name not in self._inputs

    def __iter__(self) -> Iterator[str]:
        inputs = self._inputs
        return (name for name in self._values if name not in inputs)

    def __reversed__(self) -> Iterator[str]:
        inputs = self._inputs
        return (name for name in reversed(self._values) if name not in inputs)

    def __len__(self) -> int:
        return len(self._nodes)
