"""Words for gradients of a wrong shape: the shapes, and what would make them fit."""

from __future__ import annotations

from itertools import permutations

from gradcli.gates.shapes import Shape
from gradcli.graph.lowering import Value
from gradcli.graph.nodes import Graph


def has_shape(shape: Shape) -> str:
    """The shape of a gradient or a value, as the end of a sentence."""
    return f"has {_described(shape)}"


def _described(shape: Shape) -> str:
    return f"shape {shape}" if shape else "no axes: it is one number"


def shape_advice(shape: Shape, expected: Shape) -> str | None:
    """What makes a gradient of one shape one of another; None where nothing simple does."""
    if len(shape) > 1 and shape == expected[::-1]:
        return "transpose it: `.T`"
    extra = len(shape) - len(expected)
    if extra > 0 and shape[extra:] == expected:
        axes = "0" if extra == 1 else str(tuple(range(extra)))
        return f"it was broadcast: sum over axis {axes}, `np.sum(..., axis={axes})`"
    if len(shape) == len(expected):
        axes_ = [k for k, (n, m) in enumerate(zip(shape, expected, strict=True)) if n != m]
        if axes_ and all(expected[k] == 1 for k in axes_):
            which = str(axes_[0]) if len(axes_) == 1 else str(tuple(axes_))
            return f"it was broadcast: `np.sum(..., axis={which}, keepdims=True)`"
    return None


def product_advice(
    graph: Graph, claim: Value, expected: Shape, names: dict[int, str]
) -> str | None:
    """Advice for the right shape, by the lecture's analysis of dimensions; None for none."""
    shape = graph.shape(claim)
    if graph.gates[claim].name == "matmul":
        parts = []
        for operand in graph.operands[claim]:
            is_turned = graph.gates[operand].name == "transpose"
            node = graph.operands[operand][0] if is_turned else operand
            parts.append((names.get(node, "..."), graph.shape(node)))
        ways = [
            f"{left}.dot({right})"
            for (a, s), (b, t) in (parts, parts[::-1])
            for left, p in ((a, s), (f"{a}.T", s[::-1]))
            for right, q in ((b, t), (f"{b}.T", t[::-1]))
            if len(p) == len(q) == 2 and p[1] == q[0] and (p[0], q[1]) == expected
        ]
        if len(ways) == 1:
            return f"the one product of these two that has shape {expected}: `{ways[0]}`"
        if ways:
            return f"products of shape {expected}: {', '.join(f'`{way}`' for way in ways)}"
    if graph.gates[claim].name == "mul":
        for left, right in permutations(graph.operands[claim]):
            shapes = graph.shape(left), graph.shape(right)
            if [*map(len, shapes)] == [1, 1] and sum(shapes, ()) == expected:
                return f"each with each is {graph.outer_product(left, right)}"
    return shape_advice(shape, expected)
