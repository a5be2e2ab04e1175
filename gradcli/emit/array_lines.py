"""What gates of arrays hand on to their operands, as lines of numpy: `dW = dq @ x.T`.

For the shapes that lectures have.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from gradcli.errors import UsageError
from gradcli.gates.shapes import Shape, extent, inverse
from gradcli.graph.nodes import Graph
from gradcli.graph.text import place_text

OF_ONE = ("sum", "mean", "amax", "amin")  # which are the number itself where it is one
REDUCED = ("sum", "mean", "amax", "amin", "norm", "lse", "var", "std")


def handed_on(graph: Graph, node: int, k: int, names: dict[int, str], g: str) -> str:
    """The contribution of a gate of arrays to its operand number k; `g` is its own gradient.

    Raises UsageError for gates and shapes of which it is no line of numpy.
    """
    gate, operands = graph.gates[node].name, graph.operands[node]
    looks = [graph.look(operand) for operand in operands]
    if gate == "matmul" or (gate == "outer" and len(looks[0]) == len(looks[1]) == 1):
        other = names.get(operands[1 - k], "constant")
        if gate == "outer":
            return f"{g} @ {other}" if k == 0 else f"{g}.T @ {other}"
        return _of_product(k, other, g, looks)
    if gate in REDUCED:
        return _of_reduction(gate, names[operands[k]], names[node], g, looks)
    if gate == "softmax":
        out, axis = names[node], _axis(looks[1])
        return f"{out} * ({g} - np.sum({out} * {g}{axis}))"
    if gate == "transpose":
        is_reversed = looks[1] == tuple(reversed(range(len(looks[0]))))
        return f"{g}.T" if is_reversed else f"np.transpose({g}, {inverse(looks[1])})"
    if gate == "reshape":
        return f"{g}.reshape({looks[0]})"
    if gate == "list":
        return f"{g}[{k}]"
    if gate == "concatenate":
        return f"{g}[{', '.join(map(place_text, extent(k, looks[0], *looks[1:])))}]"
    if gate == "trace":
        return f"{g} * np.ones_like({names[operands[k]]}) * np.eye({looks[0][0]})"
    raise no_line(graph.label(node))


def no_line(gate: str) -> UsageError:
    """The error of what a gate hands on that no line can say."""
    return UsageError(f"what `{gate}` hands on is no formula that fits in a line",
                      hint="write --lang numpy")  # fmt: skip


def _of_reduction(gate: str, x: str, out: str, g: str, looks: Sequence[Any]) -> str:
    """The contribution of a gate that makes fewer elements of an array."""
    shape, axis = looks
    if not shape and gate in OF_ONE:
        return g
    back, value, count = _spread(g, shape, axis), _spread(out, shape, axis), _count(shape, axis)
    away = f"({x} - np.mean({x}{_axis(axis)}))"
    if gate in ("sum", "mean"):
        share = back if gate == "sum" else f"{back} / {count}"
        return f"{share} * np.ones_like({x})"
    if gate in ("amax", "amin") and len(axis[0]) not in (1, len(shape)):
        raise no_line(gate)
    return {
        "amax": lambda: f"{_first('argmax', x, shape, axis)} * {back}",
        "amin": lambda: f"{_first('argmin', x, shape, axis)} * {back}",
        "norm": lambda: f"{x} / {value} * {back}",
        "lse": lambda: f"np.exp({x} - {value}) * {back}",
        "var": lambda: f"2 / {count} * {away} * {back}",
        "std": lambda: f"{away} / ({count} * {value}) * {back}",
    }[gate]()


def _first(place: str, x: str, shape: Shape, axis: tuple[Shape, bool]) -> str:
    """Where the first winner is: True there, False elsewhere."""
    axes, _ = axis
    if len(axes) == len(shape):
        return f"(np.{place}({x}) == np.arange({_count(shape, axis)}).reshape({shape}))"
    along = tuple(n if at == axes[0] else 1 for at, n in enumerate(shape))
    numbers = f"np.arange({shape[axes[0]]}).reshape({along})"
    return f"(np.{place}({x}, axis={axes[0]}, keepdims=True) == {numbers})"


def _axis(axis: tuple[Shape, bool]) -> str:
    """The axes of a reduction, as arguments that keep them."""
    axes, _ = axis
    return f", axis={axes[0] if len(axes) == 1 else axes}, keepdims=True"


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
    raise no_line("@")


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
