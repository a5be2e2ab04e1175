"""The circuit as Mermaid, which GitHub and others draw from text in Markdown.

On every wire stand the value and, after a nabla, what comes back along it.
"""

from __future__ import annotations

from collections.abc import Iterator

from gradcli.errors import printable
from gradcli.render.circuit.labels import Piece, pieces, symbol, title_of
from gradcli.render.circuit.palette import LIGHT
from gradcli.render.look import Look
from gradcli.reports.circuits import GROUP, PART, Circuit, Node

PLAIN = frozenset(" _.,=+*/^()[]-≈±Σ✗∇…")  # what means nothing to Mermaid between quotes


def mermaid(circuit: Circuit, look: Look) -> Iterator[str]:
    """A flowchart from left to right."""
    yield f"%% {_in_comment(title_of(circuit))}\n"
    yield "%% on a wire: its value, then ∇ the gradient that comes back along it\n"
    yield "flowchart LR\n"
    for node in circuit.nodes:
        yield f"  {_node(node)}\n"
    wrong: list[int] = []
    for number, piece in enumerate(pieces(circuit, look.decimals)):
        if piece.kind == "trunk":
            yield f"  j{piece.source.id}(( ))\n"
        elif piece.kind == "end":
            yield f'  j{piece.source.id}[" "]\n  style j{piece.source.id} fill:none,stroke:none\n'
        if piece.beside.written:
            wrong.append(number)
        yield f"  {_edge(piece)}\n"
    if wrong:
        style = f"stroke:{LIGHT.wrong},stroke-width:3px"
        yield f"  linkStyle {','.join(map(str, wrong))} {style}\n"


def _node(node: Node) -> str:
    """Gates are round, inputs and constants are boxes, and what is collapsed has a double frame."""
    label = quoted(symbol(node))
    if node.gate == GROUP:
        return f'{node.id}[["{label}"]]'
    return (
        f'{node.id}(("{label}"))' if node.is_gate and node.gate != PART else f'{node.id}["{label}"]'
    )


def _edge(piece: Piece) -> str:
    start = f"j{piece.source.id}" if piece.kind == "branch" else piece.source.id
    end = piece.target.id if piece.target else f"j{piece.source.id}"
    beside = piece.beside
    lines = [*beside.above]
    if beside.below:
        lines += [f"∇ {beside.below[0]}", *beside.below[1:]]
    if beside.written:
        lines.append(beside.written)
    arrow = "---" if piece.kind == "trunk" else "-->"
    label = f'|"{"<br>".join(map(quoted, lines))}"|' if lines else ""
    return f"{start} {arrow}{label} {end}"


def quoted(text: str) -> str:
    """A text between quotes: what may mean something to Mermaid or HTML as a numbered character."""
    return "".join(
        c if c.isalnum() or c in PLAIN else f"#{ord(c)};" for c in printable(text)
    )  # fmt: skip


def _in_comment(text: str) -> str:
    """A text in a comment, where `%%{` would begin a directive."""
    return text.replace("{", "(").replace("}", ")")
