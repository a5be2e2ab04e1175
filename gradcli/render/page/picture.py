"""The circuit of the stepping page as SVG, whose numbers the page fills in step by step.

Round gates with their symbols, inputs at the left; the value of a node stands above the wire that
leaves it and the gradient below. Where a wire forks, each branch has its contribution at its end.
"""

from __future__ import annotations

from collections.abc import Iterator
from html import escape
from itertools import pairwise
from typing import NamedTuple

from gradcli.errors import printable
from gradcli.render.page.layered import Layout, layered
from gradcli.reports.circuits import Circuit, Node

# In pixels, at the sizes of type that page.css sets.
RADIUS = 20
STUB, ARRAY_STUB = 74, 118  # the wire that the numbers of a node stand on
GAP = 84  # from there to the next gate, with room for a contribution
ROW = 74
MARGIN = 16
TOP = 36  # to the middle of the first row
LETTER = 9  # the width of one in a gate or an input
ABOVE, BELOW = -7, 17  # numbers from their wire
SPREAD = 9  # between the ends of wires at a gate
FLAT = 0.5  # a line that rises by less is level
LONGEST = 12  # letters of a name in the picture


class _Box(NamedTuple):
    """Where a node stands."""

    x: float
    y: float
    half: float  # its width


def picture(circuit: Circuit) -> str:
    """The SVG of a circuit, without numbers."""
    order = {node.id: k for k, node in enumerate(circuit.nodes)}
    layout = layered(len(order), [(order[w.source], order[w.target]) for w in circuit.wires])
    stub = ARRAY_STUB if any(node.shape for node in circuit.nodes) else STUB
    boxes, pitch = _boxes(circuit, layout, stub)
    width = max(box.x + box.half for box in boxes.values()) + stub + MARGIN
    lowest = max([*layout.heights, *(y for row in layout.bends for _, y in row)])
    height = 2 * TOP + lowest * ROW
    gates = sum(node.is_gate for node in circuit.nodes)
    wires, contributions = _wires(circuit, layout, boxes, stub, pitch)
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width:.0f}" height="{height:.0f}"'
        f' viewBox="0 0 {width:.0f} {height:.0f}" role="img" aria-labelledby="drawn">',
        f'<title id="drawn">The circuit of {escape(printable(circuit.expression))}: '
        f"{gates} gates. The table of all numbers below says what it shows.</title>",
        *wires,
        *(line for node in circuit.nodes for line in _node(node, boxes[node.id], stub)),
        *contributions,
        "</svg>",
    ]
    return "\n".join(lines)


def _boxes(circuit: Circuit, layout: Layout, stub: int) -> tuple[dict[str, _Box], list[float]]:
    """Where every node stands, and the middle of every layer."""
    halves = [max(RADIUS, LETTER * len(_label(node)) / 2 + 8) for node in circuit.nodes]
    widest = [0.0] * (max(layout.layers, default=0) + 1)
    for half, layer in zip(halves, layout.layers, strict=True):
        widest[layer] = max(widest[layer], half)
    middles, x = [], float(MARGIN)
    for half in widest:
        middles.append(x + half)
        x += 2 * half + stub + GAP
    places = zip(circuit.nodes, layout.layers, layout.heights, halves, strict=True)
    return {
        node.id: _Box(middles[layer], TOP + height * ROW, half)
        for node, layer, height, half in places
    }, middles


def _label(node: Node) -> str:
    """What stands in a node, cut to what it has room for."""
    text = printable(node.label)
    return text if len(text) <= LONGEST else f"{text[: LONGEST - 1]}…"


def _node(node: Node, box: _Box, stub: int) -> Iterator[str]:
    name = f"{printable(node.name)} = {printable(node.expression)}"
    yield f'<g id="{node.id}" class="{node.role}"><title>{escape(name)}</title>'
    if node.is_gate and box.half == RADIUS:
        yield f'<circle class="shape" cx="{box.x:.1f}" cy="{box.y:.1f}" r="{RADIUS}"/>'
    else:
        yield (
            f'<rect class="shape" x="{box.x - box.half:.1f}" y="{box.y - RADIUS + 2:.1f}"'
            f' width="{2 * box.half:.1f}" height="{2 * RADIUS - 4}" rx="{RADIUS - 2}"/>'
        )
    yield f'<text class="label" x="{box.x:.1f}" y="{box.y:.1f}">{escape(_label(node))}</text></g>'
    right = box.x + box.half
    if node.role == "output":
        yield f'<path class="wire" d="M {right:.1f} {box.y:.1f} h {stub}"/>'
    for kind, shift in (("value", ABOVE), ("gradient", BELOW)):
        yield (f'<text id="{node.id}-{kind}" class="{kind}" x="{right + 6:.1f}"'
               f' y="{box.y + shift:.1f}"></text>')  # fmt: skip


def _wires(
    circuit: Circuit, layout: Layout, boxes: dict[str, _Box], stub: int, middles: list[float]
) -> tuple[list[str], list[str]]:
    """The wires, and the places of the contributions at forks, which stand above all wires."""
    paths, contributions = [], []
    entering: dict[str, list[tuple[float, int, str]]] = {node.id: [] for node in circuit.nodes}
    leaving: dict[str, int] = dict.fromkeys(entering, 0)
    for wire, bends in zip(circuit.wires, layout.bends, strict=True):
        height = TOP + bends[-1][1] * ROW if bends else boxes[wire.source].y
        entering[wire.target].append((height, wire.operand, wire.id))
        leaving[wire.source] += 1
    for wire, bends in zip(circuit.wires, layout.bends, strict=True):
        source, target = boxes[wire.source], boxes[wire.target]
        ends = [id for _, _, id in sorted(entering[wire.target])]
        rank = ends.index(wire.id) - (len(ends) - 1) / 2
        y = target.y + rank * min(SPREAD, 2 * (RADIUS - 6) / max(1, len(ends) - 1))
        inset = target.half - RADIUS + (RADIUS**2 - (y - target.y) ** 2) ** 0.5
        start = (source.x + source.half + stub, source.y)
        points = [start, *((middles[k], TOP + h * ROW) for k, h in bends), (target.x - inset, y)]
        paths.append(f'<path id="{wire.id}" class="wire" d="M {source.x + source.half:.1f} '
                     f'{source.y:.1f} h {stub}{_curve(points)}"/>')  # fmt: skip
        if leaving[wire.source] > 1:
            comes_from_below = (bends[-1][1] * ROW + TOP if bends else source.y) > target.y
            is_above = rank < 0 or (rank == 0 and comes_from_below)
            shift = ABOVE + 2 if is_above else BELOW - 3
            contributions.append(
                f'<text id="{wire.id}-contribution" class="gradient contribution"'
                f' x="{target.x - target.half - 8:.1f}" y="{y + shift:.1f}"></text>'
            )
    return paths, contributions


def _curve(points: list[tuple[float, float]]) -> str:
    """A line through points that leaves and reaches each of them horizontally."""
    parts: list[str] = []
    level = points[0][1]
    for (x, y), (to_x, to_y) in pairwise(points):
        if abs(to_y - level) < FLAT:  # straight on
            if parts and parts[-1].startswith(" H"):
                parts.pop()
            parts.append(f" H {to_x:.1f}")
            continue
        half = (x + to_x) / 2
        parts.append(f" C {half:.1f} {y:.1f} {half:.1f} {to_y:.1f} {to_x:.1f} {to_y:.1f}")
        level = to_y
    return "".join(parts)
