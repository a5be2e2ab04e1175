"""The circuit as DOT text, which Graphviz lays out: the picture of the lecture.

A label of two cells, the value above a rule and the gradient below it, is a node of its own that
stands in the wire; the rule joins the two halves of the wire.
"""

from __future__ import annotations

from collections.abc import Iterator
from xml.sax.saxutils import escape

from gradcli.errors import printable
from gradcli.render.circuit.labels import Beside, Piece, one_line, pieces, symbol, title_of
from gradcli.render.circuit.palette import DARK, LIGHT, Palette
from gradcli.render.look import Look
from gradcli.reports.circuits import GROUP, PART, Circuit, Node

FONT = "Helvetica,Arial,sans-serif"
ROUND = 4  # characters of a symbol that fit into a circle; longer ones have an ellipse

MOST_NOTES = 4  # that stand beneath the picture
MOST_IN_ORDER = 100  # gates
# The first operand of every gate uppermost is what costs Graphviz most. With limits to its search
# for shorter wires it takes seconds where else it takes minutes, and large drawings look the same.
SMALL, LARGE = "ordering=in", "nslimit=0.2, nslimit1=2, mclimit=0.1"

TABLE = '<table border="0" cellborder="0" cellspacing="0" cellpadding="1" color="{color}">'


def dot(circuit: Circuit, look: Look) -> Iterator[str]:
    """The picture as DOT, in light colours unless dark ones are asked for."""
    colors = DARK if look.theme == "dark" else LIGHT
    drawn = [*pieces(circuit, look.decimals)]
    yield "digraph circuit {\n"
    yield _settings(circuit, drawn, colors)
    for node in circuit.nodes:
        yield _node(node, colors)
    inputs = [node.id for node in circuit.nodes if node.role == "input"]
    yield f"  {{ rank=source; {'; '.join(inputs)} }}\n" if inputs else ""
    for piece in drawn:
        yield from _stops(piece, colors)
    order = {node.id: k for k, node in enumerate(circuit.nodes)}
    for piece in sorted(drawn, key=lambda piece: _turn(piece, order)):
        yield from _edges(piece, colors)
    yield "}\n"


def _turn(piece: Piece, order: dict[str, int]) -> tuple[int, int]:
    """The turn of a piece's edges: a gate's first operand comes first, and is drawn uppermost."""
    if piece.wire is None or piece.target is None:
        return order[piece.source.id], 0
    return order[piece.target.id], piece.wire.operand


def _settings(circuit: Circuit, drawn: list[Piece], colors: Palette) -> str:
    effort = SMALL if circuit.gates <= MOST_IN_ORDER else LARGE
    return (
        f"  graph [rankdir=LR, {effort}, nodesep=0.18, ranksep=0.22, pad=0.2, "
        f'bgcolor="{colors.paper}", fontname="{FONT}", fontsize=11, labelloc=b, labeljust=l, '
        f"label={_legend(circuit, drawn, colors)}]\n"
        f'  node [fontname="{FONT}", fontsize=12, fontcolor="{colors.ink}", '
        f'color="{colors.rim}", height=0.1, width=0.1, margin="0.04,0.02"]\n'
        f'  edge [color="{colors.faint}", arrowsize=0.6]\n'
    )


def _legend(circuit: Circuit, drawn: list[Piece], colors: Palette) -> str:
    """The expression, and which number is which: by its place, and not by its colour alone."""
    title = title_of(circuit)
    words = [
        _colored("above a wire its value", colors.value),
        _colored("below it the gradient", colors.gradient),
    ]
    if any(piece.kind == "trunk" for piece in drawn):
        words.append(_colored("Σ the sum of what branches send back", colors.gradient))
    if any(piece.beside.written for piece in drawn):
        words.append(_colored("✗ what the hand-written pass has", colors.wrong))
        if any(piece.beside.written and not piece.beside.is_cause for piece in drawn):
            words.append(_colored("thick where it goes wrong, dashed from there on", colors.wrong))
    notes = [_colored(one_line(note), colors.faint) for note in circuit.notes[:MOST_NOTES]]
    # A row each: where another font is wider than that of the layout, they would run together.
    rows = [_colored(title, colors.ink), *words, *notes]
    cells = "".join(f'<tr><td align="left">{row}</td></tr>' for row in rows)
    return f'<<table border="0" cellborder="0" cellspacing="0" cellpadding="2">{cells}</table>>'


def _colored(text: str, color: str) -> str:
    return f'<font color="{color}">{escaped(text)}</font>'


def escaped(text: str) -> str:
    """A text inside of a label that is markup; what moves a cursor is spelled out."""
    return escape(printable(text), {'"': "&quot;"}) or " "


def _node(node: Node, colors: Palette) -> str:
    label = symbol(node)
    if node.gate == GROUP:
        form = f'shape=box, style="filled,rounded", fillcolor="{colors.gate}", margin="0.1,0.06"'
    elif node.is_gate and node.gate != PART:
        shape = "circle" if len(label) <= ROUND else "ellipse"
        form = f'shape={shape}, style=filled, fillcolor="{colors.gate}", width=0.42, height=0.42'
    else:
        form = 'shape=none, margin="0.05,0.02"'
    return f'  {node.id} [id="{node.id}", class="{node.role}", {form}, label=<{escaped(label)}>]\n'


def _stops(piece: Piece, colors: Palette) -> Iterator[str]:
    """The label of a piece of wire, and the junction or the end that it leads to."""
    if piece.kind == "trunk":
        yield (f'  j{piece.source.id} [shape=point, width=0.07, height=0.07, '
               f'color="{colors.faint}", class="junction"]\n')  # fmt: skip
    elif piece.kind == "end":
        yield f"  j{piece.source.id} [shape=point, style=invis, width=0.01, height=0.01]\n"
    if not piece.beside.is_bare:
        yield (f'  {piece.id} [id="{piece.id}", class="{_classes(piece)}", shape=plain, '
               f"label={_label(piece.beside, colors)}]\n")  # fmt: skip


def _edges(piece: Piece, colors: Palette) -> Iterator[str]:
    """The halves of a wire at either side of its label; or all of it, where it has none."""
    start = f"j{piece.source.id}" if piece.kind == "branch" else piece.source.id
    end = piece.target.id if piece.target else f"j{piece.source.id}"
    style = f'class="{_classes(piece)}"{_style(piece.beside, colors)}'
    arrow = " arrowhead=none" if piece.kind == "trunk" else ""
    if piece.beside.is_bare:
        yield f'  {start} -> {end} [id="{piece.id}-out" {style}{arrow}]\n'
        return
    yield (f'  {start} -> {piece.id}:w [id="{piece.id}-in" {style} arrowhead=none '
           "headclip=false]\n")  # fmt: skip
    yield f'  {piece.id}:e -> {end} [id="{piece.id}-out" {style}{arrow} tailclip=false]\n'


def _classes(piece: Piece) -> str:
    """What a style can take hold of: the kind of piece, and whether it is wrong."""
    wrong = (" cause" if piece.beside.is_cause else " follows") if piece.beside.written else ""
    return f"{piece.kind}{wrong}"


def _style(beside: Beside, colors: Palette) -> str:
    if not beside.written:
        return ""
    return f' color="{colors.wrong}" {"penwidth=2.4" if beside.is_cause else "style=dashed"}'


def _label(beside: Beside, colors: Palette) -> str:
    """Two cells of as many lines each, so that the rule between them is in the middle."""
    above, below = beside.above, [*beside.below]
    count = max(len(above), len(below) + bool(beside.written), 1)
    upper = [*[" "] * (count - len(above)), *above]
    cells = [_colored(text, colors.gradient) for text in below]
    cells += [_colored(beside.written, colors.wrong)] if beside.written else []
    cells += [" "] * (count - len(cells))
    table = TABLE.format(color=colors.wrong if beside.written else colors.faint)
    return (
        f"<{table}<tr>{_cell([_colored(text, colors.value) for text in upper])}</tr>"
        f"<hr/><tr>{_cell(cells)}</tr></table>>"
    )


def _cell(lines: list[str]) -> str:
    """A cell of the label; the rows of an array begin in one column."""
    is_array = any(">[" in line for line in lines)
    end = '<br align="left"/>' if is_array else "<br/>"
    return f"<td>{end.join([*lines, ''] if is_array else lines)}</td>"
