"""A circuit whose parts are boxes: a named stage with all its gates, or a line of a Python file.

    part    the gates of one stage, or of one line; a part of one gate stays that gate
    loop    lines that lead to one another, as those of a loop or of calls do: they are one part

Between parts flows what flowed between their gates. Several wires from a node into one part are
one, whose contribution is their sum. A part that hands on several values has a node for each of
them; where these are many, its wires tell only what depends on what.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterator
from typing import Any

from gradcli.reports.circuits import GROUP, PART, Circuit, Node, Wire, Wiring

MOST_VALUES = 3  # of a box, that have nodes of their own

Needs = dict[Hashable, dict[Hashable, None]]  # by part, the parts it depends on


def collapsed(circuit: Circuit, by_line: bool) -> Circuit:
    """The circuit with its stages, or the lines of its text, as boxes."""
    wiring = Wiring(circuit)
    keys = _lines(circuit) if by_line else _stages(circuit)
    parts = _in_order(circuit, keys)
    return _Collapsing(circuit, wiring, parts).circuit()


def _stages(circuit: Circuit) -> dict[str, Hashable]:
    """For every gate the named stage, or the output, that its statement computes."""
    keys: dict[str, Hashable] = {}
    owner = circuit.output
    for node in reversed(circuit.nodes):
        if node.is_gate:
            owner = node.id if node.is_named or node.id == circuit.output else owner
            keys[node.id] = owner
    return keys


def _lines(circuit: Circuit) -> dict[str, Hashable]:
    return {node.id: node.line for node in circuit.nodes if node.is_gate}


def _in_order(circuit: Circuit, keys: dict[str, Hashable]) -> list[list[Node]]:
    """The gates part by part, each part after those it depends on.

    Parts that lead to one another are joined: the strongly connected components of the parts, by
    Tarjan's algorithm, which finds what is depended on first.
    """
    needs: Needs = {key: {} for key in keys.values()}
    for wire in circuit.wires:
        source, target = keys.get(wire.source), keys[wire.target]
        if source is not None and source != target:
            needs[target][source] = None
    joined = _components(needs)
    place = {key: k for k, component in enumerate(joined) for key in component}
    parts: list[list[Node]] = [[] for _ in joined]
    for node in circuit.nodes:
        if node.is_gate:
            parts[place[keys[node.id]]].append(node)
    return parts


def _components(needs: Needs) -> list[list[Hashable]]:
    """The strongly connected components of a graph, each after those that it needs."""
    index: dict[Hashable, int] = {}
    lowest: dict[Hashable, int] = {}  # the first key that is known to lead here, and is still open
    still_open: list[Hashable] = []
    closed: set[Hashable] = set()
    components: list[list[Hashable]] = []
    pending: list[tuple[Hashable, Iterator[Hashable]]] = []

    def enter(key: Hashable) -> None:
        index[key] = lowest[key] = len(index)
        still_open.append(key)
        pending.append((key, iter(needs[key])))

    for root in [*needs]:
        if root not in index:
            enter(root)
        while pending:
            key, rest = pending[-1]
            step = next(rest, None)
            if step is not None:
                if step not in index:
                    enter(step)
                elif step not in closed:
                    lowest[key] = min(lowest[key], index[step])
                continue
            pending.pop()
            if pending:
                above = pending[-1][0]
                lowest[above] = min(lowest[above], lowest[key])
            if lowest[key] == index[key]:
                component = [still_open.pop()]
                while component[-1] != key:
                    component.append(still_open.pop())
                components.append(component)
                closed.update(component)
    return components


class _Collapsing:
    """The new nodes and wires, as they are made."""

    def __init__(self, circuit: Circuit, wiring: Wiring, parts: list[list[Node]]) -> None:
        self.old = circuit
        self.wiring = wiring
        self.parts = parts
        self.nodes = [node for node in circuit.nodes if node.role == "input"]
        self.wires: list[Wire] = []
        self.moved = {node.id: node.id for node in self.nodes}  # old nodes by what stands for them
        self.lines = circuit.text.splitlines()

    def circuit(self) -> Circuit:
        """The whole."""
        for part in self.parts:
            if len(part) == 1:
                self._gate(part[0])
            else:
                self._box(part)
        output = self.moved[self.old.output]
        return self.old._replace(nodes=self.nodes, wires=self.wires, output=output)

    def _gate(self, node: Node) -> None:
        """A gate that is a part of its own, with its constants."""
        entering = self.wiring.entering[node.id]
        for wire in entering:
            source = self.wiring.node[wire.source]
            if source.role == "constant":
                self.nodes.append(source)
                self.moved[source.id] = source.id
        self.nodes.append(node._replace(operands=self._operands(node)))
        self.moved[node.id] = node.id
        for wire in entering:
            self._wire(self.moved[wire.source], node.id, wire.operand, wire)

    def _operands(self, node: Node) -> list[Any]:
        return [self.moved.get(k, k) if isinstance(k, str) else k for k in node.operands]

    def _box(self, part: list[Node]) -> None:
        """Several gates as one node; a node for each value where others use more than one."""
        own = {node.id for node in part}
        outlets = [
            node for node in part
            if node.id == self.old.output
            or any(wire.target not in own for wire in self.wiring.leaving[node.id])
        ]  # fmt: skip
        arriving: dict[str, list[Wire]] = {}
        for node in part:
            for wire in self.wiring.entering[node.id]:
                if wire.source not in own and self.wiring.node[wire.source].role != "constant":
                    arriving.setdefault(self.moved[wire.source], []).append(wire)
        last = outlets[-1]
        box = last._replace(
            gate=GROUP, label=self._label(part, last), operands=[*arriving], size=len(part)
        )
        if len(outlets) > 1:
            box = box._replace(
                id=f"g{last.id[1:]}", value=None, gradient=None, shape=[], role="stage",
                is_named=False, bound=None, gradient_bound=None,
            )  # fmt: skip
        self.nodes.append(box)
        for place, (source, wires) in enumerate(arriving.items()):
            self._wire(source, box.id, place, self._joined(wires))
        shown = [n for n in outlets if len(outlets) <= MOST_VALUES or n.id == self.old.output]
        for node in outlets:
            is_own = len(outlets) > 1 and node in shown
            self.moved[node.id] = node.id if is_own or len(outlets) == 1 else box.id
            if is_own:
                self.nodes.append(node._replace(gate=PART, label=node.name, operands=[box.id]))
                self.wires.append(Wire(self._next(), box.id, node.id, 0, None, None))

    def _joined(self, wires: list[Wire]) -> Wire:
        """The wires from one node into a part as one; from a box of many values without number."""
        if len({wire.source for wire in wires}) > 1:
            return wires[0]._replace(contribution=None, local_gradient=None, bound=None)
        back = [wire.contribution for wire in wires if wire.contribution is not None]
        slack = [wire.bound for wire in wires]
        return wires[0]._replace(
            contribution=_sum(back) if back else None, local_gradient=None, local_bound=None,
            bound=None if None in slack else _sum(slack),
        )  # fmt: skip

    def _label(self, part: list[Node], last: Node) -> str:
        """What a box says: the stage, or the line of code, or from which line to which."""
        rows = sorted({node.line for node in part})
        if last.is_named and len(rows) == 1 and "@" not in last.name:
            return last.name
        if len(rows) > 1:
            return f"lines {rows[0]} to {rows[-1]}"
        return self.lines[rows[0] - 1].strip()

    def _wire(self, source: str, target: str, operand: int, wire: Wire) -> None:
        self.wires.append(
            wire._replace(id=self._next(), source=source, target=target, operand=operand)
        )

    def _next(self) -> str:
        return f"w{len(self.wires)}"


def _sum(numbers: list[Any]) -> Any:
    """Numbers, or nested lists of one shape, added up."""
    first, *rest = numbers
    for other in rest:
        first = _added(first, other)
    return first


def _added(a: Any, b: Any) -> Any:
    return [_added(x, y) for x, y in zip(a, b, strict=True)] if isinstance(a, list) else a + b
