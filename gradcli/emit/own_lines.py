"""A gate of the user's own as lines of code: what its author wrote, forward and backward.

Of `Product(u, v)` at the stage q, whose backward part returns `dz * y, dz * x`:

    q = u * v
    du = dq * v
    dv = dq * u

Variables keep the names that the author gave them, as far as they are free; what has none and is
used once stands where it is used.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import NamedTuple

from gradcli.errors import UsageError
from gradcli.gates.table import CONSTANTS
from gradcli.graph.nodes import Graph
from gradcli.graph.text import gate_phrase, structural_phrase
from gradcli.program.model import Program
from gradcli.syntax.tree import POSTFIX, Phrase, number_phrase

LONGEST_NESTED = 60  # letters of a formula that stands within another one
ORIGIN = re.compile(r"^(self|cls|ctx)\.|@.*$")  # of a variable: what keeps it, and since which line
PLAIN = re.compile(r"(?!.*\w\()[\w.\s()+*/-]+")  # arithmetic, which is the same over whole arrays
OF_CODE = "only the code of the gate knows"
AS_OPERAND = "make it an operand of the gate"


class OwnLine(NamedTuple):
    """A name, and its value as text in our language."""

    name: str
    text: str
    is_structural: bool  # over whole arrays
    is_fixed: bool  # depends on no operand of the gate

    def __str__(self) -> str:
        return f"{self.name} = {self.text}"


class OwnLines:
    """The lines of one call of a gate that was read.

    `operands` says what the call calls the gate's inputs, `out` and `upstream` are its value and
    the gradient of that; names that are `taken` are given to nothing. Raises UsageError for an
    array that only the gate's code knows.
    """

    def __init__(
        self, read: Program, operands: Mapping[str, Phrase], out: str, upstream: str,
        taken: Collection[str],
    ) -> None:  # fmt: skip
        assert read.upstream is not None  # of what is read as a gate
        self._read, self._graph, self._out = read, read.graph, out
        self._taken = {*taken, *CONSTANTS, *(gate.name for gate in read.graph.gates)}
        ends = {name: read.claims[name] for name in operands if name in read.claims}
        forward = self._graph.ancestors([read.output])
        whole = self._graph.ancestors([read.output, *ends.values()])
        backward = sorted({*whole} - {*forward})
        leaves = {read.inputs[name]: phrase for name, phrase in operands.items()}
        leaves[read.upstream] = (upstream, POSTFIX)
        self._phrases = leaves
        self._moving = _moving(self._graph, whole, leaves)
        self._users = _users(self._graph, whole)
        self._named = {read.output: out}
        constants = [*self._constants(whole)]
        self._name_stages(forward)
        self.forward: list[OwnLine] = [*constants, *self._lines(forward, {*forward})]
        self._name_statements({k for k in backward if self._users[k] or k not in ends.values()})
        self.backward: list[OwnLine] = [*self._lines(backward, {*backward})]
        self.gradients: list[OwnLine | None] = [
            OwnLine(name, self._phrase(ends[name])[0], self._is_whole(ends[name]), False)
            if name in ends
            else None
            for name in operands
        ]  # what each operand gets; None: nothing

    @property
    def names(self) -> list[str]:
        """What the lines give names to, the value of the gate aside."""
        return [*{line.name for line in [*self.forward, *self.backward]} - {self._out}]

    # ------------------------------------------------------------ names

    def _constants(self, nodes: Sequence[int]) -> Iterator[OwnLine]:
        """The lines of numbers that the code knows by name."""
        for name, node in self._read.inputs.items():
            if node in self._phrases or node not in nodes:
                continue
            number = self._read.settings.constants.get(self._read.values[name])
            if not isinstance(number, float):
                raise UsageError(f"{OF_CODE} `{name}`, an array", hint=AS_OPERAND)
            own = self._new_name(name)
            self._phrases[node] = (own, POSTFIX)
            yield OwnLine(own, number_phrase(number)[0], False, True)

    def _name_stages(self, forward: Sequence[int]) -> None:
        """The author's names in the forward part; none that would be the gradient of another."""
        for node in forward:
            name = ORIGIN.sub("", self._graph.names.get(node, ""))
            if node not in self._named and self._graph.operands[node] and name.isidentifier():
                is_gradient = name[:1] == "d" and name[1:] in self._taken
                self._named[node] = self._new_name(f"{name}_" if is_gradient else name)

    def _name_statements(self, backward: set[int]) -> None:
        """The author's names in the backward part."""
        for line in self._read.lines:
            name = line.statement.target or ""
            if line.value in backward - {*self._named} and name.isidentifier():
                self._named[line.value] = self._new_name(name)

    def _new_name(self, wanted: str) -> str:
        """A name that nothing else bears: the wanted one, or that with a number."""
        name, number = wanted, 1
        while name in self._taken:
            number += 1
            name = f"{wanted}_{number}"
        self._taken.add(name)
        return name

    # ------------------------------------------------------------ lines

    def _lines(self, nodes: Sequence[int], part: set[int]) -> Iterator[OwnLine]:
        """A line for each node of a part, but for what stands where it is used."""
        for node in nodes:
            if not self._graph.operands[node]:
                continue
            phrase = self._spelled(node)
            name = self._named.get(node)
            is_copy = self._graph.gates[node].name == "copy" and phrase[1] == POSTFIX
            if name is None and (is_copy or self._is_nested(node, phrase[0], part)):
                self._phrases[node] = phrase
                continue
            name = name or self._new_name("t")
            self._phrases[node] = (name, POSTFIX)
            yield OwnLine(name, phrase[0], self._is_whole(node), node not in self._moving)

    def _spelled(self, node: int) -> Phrase:
        graph = self._graph
        operands = graph.operands[node]
        parts = [*map(self._phrase, operands)]
        if not self._is_whole(node):
            return gate_phrase(graph.gates[node], parts)
        looks = [graph.look(k) for k in operands]
        return structural_phrase(graph.gates[node].name, parts, looks)

    def _phrase(self, node: int) -> Phrase:
        """A node as an operand."""
        if node in self._phrases:
            return self._phrases[node]
        if self._graph.shapes.get(node):
            raise UsageError(f"{OF_CODE} an array", hint=AS_OPERAND)
        return self._graph.constant_phrase(node)

    def _is_nested(self, node: int, text: str, part: set[int]) -> bool:
        """Whether a node stands where it is used: at one place, in a line of its own kind."""
        users = self._users[node]
        if len(users) != 1 or len(text) > LONGEST_NESTED:
            return not users
        if users[0] not in part:
            return False
        if self._is_whole(node):
            return self._is_whole(users[0]) and self._graph.gates[node].name != "list"
        return not self._is_whole(users[0]) or PLAIN.fullmatch(text) is not None

    def _is_whole(self, node: int) -> bool:
        return self._graph.gates[node].is_structural


def _users(graph: Graph, nodes: Sequence[int]) -> dict[int, list[int]]:
    """By node, the nodes that take it, as often as they do."""
    users: dict[int, list[int]] = {node: [] for node in nodes}
    for node in nodes:
        for operand in graph.operands[node]:
            users[operand].append(node)
    return users


def _moving(graph: Graph, nodes: Sequence[int], leaves: Collection[int]) -> set[int]:
    """The nodes that depend on some leaves."""
    moving = {*leaves}
    for node in nodes:
        if not moving.isdisjoint(graph.operands[node]):
            moving.add(node)
    return moving
