"""The gates of a Python file, as the child that runs them describes them.

file -> child -> gates by name -> an object of one, played: forward, backward, forward, ...
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from gradcli.errors import NameFault, UsageError, did_you_mean
from gradcli.foreign.child import MEMORY, Child, Source
from gradcli.requests import TIMEOUT

Step = tuple[str, int, Any]  # forward or backward, the number of the object, what it is handed


class Description(NamedTuple):
    """What is known of a gate without calling it."""

    name: str
    line: int
    inputs: list[str]
    is_variadic: bool
    constants: dict[str, Any]  # keyword arguments and their defaults; None: no plain value
    needed: list[str]  # constants without a default
    is_class: bool
    backward: str  # the name of the function, of a marked one that has it
    domain: str
    kinks: str
    samples: list[list[Any]]

    @property
    def snake(self) -> str:
        """The name in snake case: `leaky_relu` of `LeakyRelu`."""
        words = re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "_", self.name)
        return words.lower()

    @property
    def words(self) -> str:
        """The gate as reports name it."""
        return f"class {self.name}: forward and backward" if self.is_class else self.name


class GateFile:
    """A file of gates, loaded in a child process when something is first asked of it."""

    def __init__(self, path: str, timeout: float = TIMEOUT, memory: int = MEMORY) -> None:
        self.path = path
        self.child = Child(Source(path, "gates", timeout, memory))
        self._gates: dict[str, Description] | None = None

    @property
    def gates(self) -> dict[str, Description]:
        """The gates by their names, in the order of the file. Raises ForeignFault, UsageError."""
        if self._gates is None:
            told = self.child.call("describe")
            self._gates = {one["name"]: Description(**one) for one in told}
            if not self._gates:
                raise UsageError(
                    f"{self.path} has no gates", hint="a gate is a class with forward(self, "
                    "*inputs) and backward(self, upstream), or a function under @gradcli.gate"
                )  # fmt: skip
        return self._gates

    def chosen(self, name: str | None) -> list[Description]:
        """The gate of a name, in either case, or all. Raises NameFault."""
        if name is None:
            return [*self.gates.values()]
        found = [gate for gate in self.gates.values() if name in (gate.name, gate.snake)]
        if not found:
            known = f"its gates are {', '.join(self.gates)}"
            raise NameFault(f"`{name}` is no gate of {self.path}", None,
                            did_you_mean(name, self.gates) or known)  # fmt: skip
        return found

    def play(
        self, gate: Description, constants: Mapping[str, Any], steps: Sequence[Step]
    ) -> list[dict[str, Any]]:
        """What objects of a gate give, step by step. Raises ForeignFault."""
        arguments = (gate.name, dict(constants), [*steps])
        played: list[dict[str, Any]] = self.child.call("play", arguments)
        return played
