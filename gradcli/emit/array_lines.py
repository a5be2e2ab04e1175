"""What gates of arrays hand on to their operands, as lines of numpy: `dW = dq @ x.T`.

For the shapes that lectures have. Of other gates and shapes the line names the gate.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from gradcli.gates.shapes import Shape
from gradcli.graph.nodes import Graph
from gradcli.graph.text import place_text


def handed_on(graph: Graph, node: int, k: int, names: dict[int, str], g: str) -> str:
    """The contribution of a gate of arrays to its operand number k; `g` is its own gradient."""
    gate, operands = graph.gates[node].name, graph.operands[node]
    x, out = names[operands[k]], names[node]
    looks = [graph.look(operand) for operand in operands]
    shape = graph.shape(operands[k])
    if gate == "matmul":
        other = operands[1 - k]
        return _of_product(k, names.get(other, "constant"), g, looks)
    if gate in ("sum", "mean"):
        whole = _spread(g, shape, looks[1])
        return whole if gate == "sum" else f"{whole} / {_count(shape, looks[1])}"
    if gate in ("amax", "amin", "norm"):
        local = f"{x} / {out}" if gate == "norm" else f"({x} == {out})"
        return f"{local} * {_spread(g, shape, looks[1])}"
    if gate == "softmax":
        axes, _ = looks[1]
        axis = "" if len(axes) == len(shape) else f", axis={axes[0]}, keepdims=True"
        return f"{out} * ({g} - np.sum({out} * {g}{axis}))"
    if gate == "transpose" and len(shape) <= 2:
        return f"{g}.T"
    if gate == "reshape":
        return f"{g}.reshape({x}.shape)"
    if gate == "list":
        return f"{g}[{k}]"
    return f"the pullback of {graph.label(node)}, of {g}"


def target(graph: Graph, node: int, gradient: str) -> str:
    """The place that a contribution is added to: a part of the gradient where a part was taken."""
    if graph.gates[node].name != "index":
        return gradient
    places = graph.look(graph.operands[node][1])
    return f"{gradient}[{', '.join(map(place_text, places))}]"


def summed(text: str, wide: Shape, shape: Shape) -> str:
    """A product of the shape `wide`, summed to that of the operand which was broadcast."""
    if wide == shape:
        return text
    if not shape:
        return f"np.sum({text})"
    lead = len(wide) - len(shape)
    axes = [k for k, n in enumerate(wide) if k < lead or (shape[k - lead] == 1 and n != 1)]
    if lead and any(k >= lead for k in axes):
        return f"np.sum({text}, axis={tuple(axes)}).reshape({shape})"
    axis = axes[0] if len(axes) == 1 else tuple(axes)
    return f"np.sum({text}, axis={axis}{'' if lead else ', keepdims=True'})"


def _of_product(k: int, other: str, g: str, looks: Sequence[Any]) -> str:
    """The two lines of `x @ y`, by how many axes each has."""
    axes = (len(looks[0]), len(looks[1]))
    if axes == (1, 1):
        return f"{other} * {g}"
    if axes == (2, 1):
        return f"np.outer({g}, {other})" if k == 0 else f"{other}.T @ {g}"
    if axes == (1, 2):
        return f"{other} @ {g}" if k == 0 else f"np.outer({other}, {g})"
    if axes == (2, 2):
        return f"{g} @ {other}.T" if k == 0 else f"{other}.T @ {g}"
    return f"the pullback of @, of {g}"


def _spread(g: str, shape: Shape, axis: tuple[Shape, bool]) -> str:
    """The gradient of what was reduced, in a shape that numpy broadcasts to the operand's."""
    axes, is_kept = axis
    if is_kept or len(axes) == len(shape) or axes == tuple(range(len(axes))):
        return g
    return f"np.expand_dims({g}, {axes[0] if len(axes) == 1 else axes})"


def _count(shape: Shape, axis: tuple[Shape, bool]) -> int:
    count = 1
    for k in axis[0]:
        count *= shape[k]
    return count
