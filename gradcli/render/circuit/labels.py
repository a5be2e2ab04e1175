"""What stands beside the wires of a circuit: one reading for every format that draws.

A node that one gate uses has one wire. One that several use has a trunk, which carries its value
and the sum of what comes back, a junction, and a branch to every gate, which carries the
contribution of that gate.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from typing import NamedTuple

from gradcli.errors import printable
from gradcli.render.arrays import flattened
from gradcli.render.circuit.numbers import MOST_SHOWN, drawn_line, drawn_lines
from gradcli.reports.circuits import Circuit, Node, Wire, Wiring
from gradcli.reports.evaluations import Number

LONGEST_NAME = 40  # characters of a name or symbol beside a wire or in a gate
LONGEST_LINE = 150  # characters of the expression and of notes beneath the picture
SUM = "Σ "
CONSTANTS = {"pi": math.pi, "tau": math.tau, "e": math.e}
_LONG_NUMBER = re.compile(r"(?<![\w.])\d[\d.]{6,}(?:e[-+]?\d+)?")


class Beside(NamedTuple):
    """What stands at one piece of wire: the value above it, the gradient below."""

    above: list[str]
    below: list[str]
    written: str = ""  # the number of a hand-written pass, where it is not the one that is right
    is_cause: bool = False  # wrong by itself

    @property
    def is_bare(self) -> bool:
        """Whether there is nothing to be said."""
        return not (self.above or self.below or self.written)


class Piece(NamedTuple):
    """A piece of wire: from a node or the junction behind one, to a node, a junction or the end."""

    id: str
    source: Node
    target: Node | None  # None: to the junction, or of the output to the end
    kind: str  # wire, trunk, branch or end
    beside: Beside
    wire: Wire | None  # of a trunk and an end there is none


def pieces(circuit: Circuit, decimals: int | None) -> Iterator[Piece]:
    """All pieces of wire, in the order of the nodes they come from."""
    wiring = Wiring(circuit)
    for node in circuit.nodes:
        leaving = wiring.leaving[node.id]
        if node.value is None:  # a box, to each of the values that it hands on
            for wire in leaving:
                yield Piece(wire.id, node, wiring.node[wire.target], "part", Beside([], []), wire)
            continue
        if node.id == circuit.output and not leaving:
            yield Piece(f"e{node.id}", node, None, "end", _of_node(node, decimals), None)
        elif len(leaving) == 1:
            wire = leaving[0]
            yield Piece(wire.id, node, wiring.node[wire.target], "wire",
                        _of_wire(node, wire, decimals), wire)  # fmt: skip
        elif leaving:
            trunk = _of_node(node, decimals, SUM)
            wrong = [wire for wire in leaving if wire.verdict == "fail"]
            is_cause = any(wire.is_cause for wire in wrong) or not wrong
            trunk = trunk._replace(is_cause=is_cause)
            yield Piece(f"t{node.id}", node, None, "trunk", trunk, None)
            for wire in leaving:
                back = _back(wire.contribution, decimals, wire.bound)
                beside = Beside([], back, *_written(wire, decimals))
                yield Piece(wire.id, node, wiring.node[wire.target], "branch", beside, wire)


def _of_node(node: Node, decimals: int | None, sign: str = "") -> Beside:
    """Value and gradient of a node; `sign` tells that the gradient is a sum."""
    below = _back(node.gradient, decimals, node.gradient_bound)
    written = _claim_text(node.claim, decimals) if _is_wrong(node) else ""
    signed = [sign + below[0], *below[1:]] if below else below
    return Beside(_ahead(node, decimals), signed, written)


def _of_wire(node: Node, wire: Wire, decimals: int | None) -> Beside:
    """The only wire of a node: value, and what comes back, which is the node's gradient."""
    whole = _of_node(node, decimals)
    written, is_cause = _written(wire, decimals)
    return Beside(whole.above, whole.below, written or whole.written, is_cause)


def _ahead(node: Node, decimals: int | None) -> list[str]:
    """The value with the name of a stage, and the shape of an array."""
    if node.role == "constant" and not node.shape:
        return []  # it stands in the node
    if node.value is None:
        return []  # the box of several values
    lines = drawn_lines(node.value, decimals, node.bound)
    name = shortened(node.name) if node.is_gate and node.is_named else ""
    if not node.shape:
        return [f"{name} = {lines[0]}" if name else lines[0]]
    shape = f"({', '.join(map(str, node.shape))}{',' * (len(node.shape) == 1)})"
    head = f"{name} {shape}" if name else shape
    is_small = len(flattened(node.value)) <= MOST_SHOWN
    return [head, *lines] if is_small else [f"{head} {lines[0]}"]


def _back(gradient: Number | None, decimals: int | None, bound: Number | None = None) -> list[str]:
    return [] if gradient is None else drawn_lines(gradient, decimals, bound)


def _is_wrong(node: Node) -> bool:
    return node.verdict == "fail" and node.claim is not None


def claim_of(node: Node, wire: Wire | None, leaving: int, decimals: int | None) -> str:
    """What a hand-written pass has where it is wrong: for one of so many wires, or for a node."""
    written = _written(wire, decimals)[0] if wire is not None else ""
    is_about_node = wire is None or leaving == 1
    return written or (
        _claim_text(node.claim, decimals) if is_about_node and _is_wrong(node) else ""
    )


def _written(wire: Wire, decimals: int | None) -> tuple[str, bool]:
    """What a hand-written pass has for a wire, where that is wrong, and whether it is the cause."""
    if wire.verdict != "fail":
        return "", False
    return _claim_text(wire.claim, decimals), wire.is_cause


def _claim_text(claim: Number | None, decimals: int | None) -> str:
    if claim is None:
        return "✗ not written"
    return f"✗ written {drawn_line(claim, decimals)}"


def title_of(circuit: Circuit) -> str:
    """What the picture is of: `f = num * invden`, cut where it is long."""
    return one_line(circuit.title or circuit.expression)


def one_line(text: str) -> str:
    """A text on one line beneath a picture, cut where it is long."""
    line = printable(" ".join(text[: LONGEST_LINE + 1].split()))
    return line if len(line) <= LONGEST_LINE else f"{line[:LONGEST_LINE]}…"


def symbol(node: Node) -> str:
    """What is drawn in a gate: constants by their names, and numbers that are long cut with a mark.

    >>> gate = Node("n0", "#1", "stage", "mul", "*3.141592653589793", "", [], [], 0, 0, 1, 1, False)
    >>> symbol(gate), symbol(gate._replace(label="*0.3333333333333333"))
    ('*pi', '*0.3333…')
    """
    return shortened(_LONG_NUMBER.sub(lambda match: _brief(match[0]), node.label))


def _brief(number: str) -> str:
    name = next((name for name, value in CONSTANTS.items() if number == repr(value)), None)
    return name or re.sub(r"^(.{6})[\d.]*", r"\1…", number)


def shortened(text: str) -> str:
    """A name as it is drawn: without what moves a cursor, and not longer than a label can be."""
    text = printable(text[: LONGEST_NAME + 1])
    return text if len(text) <= LONGEST_NAME else f"{text[: LONGEST_NAME - 1]}…"


def account(piece: Piece) -> str:
    """What flows along a piece of wire, in words and with all digits: for those who cannot see."""
    node, wire = piece.source, piece.wire
    parts = [f"{printable(node.name)}: value {_exact(node.value)}"]
    if wire is None or piece.target is None:
        if node.gradient is not None:
            parts.append(f"gradient {_exact(node.gradient)}")
    elif wire.contribution is not None:
        upstream, local = piece.target.gradient, wire.local_gradient
        product = ""
        if upstream is not None and local is not None:
            product = f" = upstream {_exact(upstream)} × local {_exact(local)}"
        into = printable(piece.target.label)
        parts.append(f"contribution from {into} {_exact(wire.contribution)}{product}")
    if wire is not None and wire.verdict == "fail":
        parts.append(printable(wire.reason or "the line is wrong"))
    return "; ".join(parts)


def _exact(number: Number | None) -> str:
    return "" if number is None else drawn_line(number, None)
