"""Axes that code cuts into equal blocks: `a[:, :H]`, `a[:, H:2*H]`, `np.split(a, 4, axis=1)`.

What such an array is computed from has the same axis: the last one of `Wx` in `x @ Wx + b`, the
first one of `W` in `W @ x + b` where rows are cut.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from typing import NamedTuple

LAST, FIRST = -1, 0
SPLITS = {"split": FIRST, "hsplit": LAST, "vsplit": FIRST, "array_split": FIRST}
PRODUCTS = ("dot", "matmul")


class Blocks(NamedTuple):
    """How many blocks an axis of a parameter has."""

    axis: int  # the last or the first
    number: int  # of blocks
    is_square: bool = False  # whether the other axis is one block: recurrent weights


def blocks_of(function: ast.AST) -> dict[str, Blocks]:
    """The parameters and attributes with an axis in blocks, and those that are one block wide."""
    nodes = [*ast.walk(function)]
    cut: dict[tuple[str, int], int] = {}
    units: set[str] = set()
    for node in nodes:
        for name, axis, count, unit in _cuts(node):
            cut[name, axis] = max(cut.get((name, axis), 1), count)
            units |= {unit}
    found: dict[str, Blocks] = {}
    for (name, axis), count in cut.items():
        if count > 1:
            sources = {part for node in nodes for part in _sources(node, name, axis)}
            for source in (name, *sorted(sources)):
                found.setdefault(source, Blocks(axis, count))
    if not found:
        return {}
    for node in nodes:
        for name in _of_one(node, units):
            found.setdefault(name, Blocks(LAST, 1))
    states = {name for name, own in found.items() if own.number == 1}
    square = {name for node in nodes for name in (*_of_states(node, states), *_first(node, units))}
    return {k: own._replace(is_square=own.number > 1 and k in square) for k, own in found.items()}


def _cuts(node: ast.AST) -> Iterator[tuple[str, int, int, str]]:
    """The name, the axis, the blocks up to the end of the part that is taken, and their size."""
    if isinstance(node, ast.Subscript) and isinstance(node.value, ast.Name):
        parts = node.slice.elts if isinstance(node.slice, ast.Tuple) else [node.slice]
        part = parts[-1]
        if isinstance(part, ast.Slice) and part.step is None:
            start, stop = _multiple(part.lower), _multiple(part.upper)
            axis = LAST if len(parts) > 1 else FIRST
            if stop is not None:
                yield node.value.id, axis, stop[0], stop[1]
            elif start is not None and part.upper is None:
                yield node.value.id, axis, start[0] + 1, start[1]
    elif isinstance(node, ast.Call) and len(node.args) > 1 and isinstance(node.args[0], ast.Name):
        name, count = ast.unparse(node.func).rpartition(".")[2], node.args[1]
        if name in SPLITS and isinstance(count, ast.Constant) and isinstance(count.value, int):
            axes = [*node.args[2:], *(k.value for k in node.keywords if k.arg == "axis")]
            is_last = bool(axes) and ast.unparse(axes[0]) != "0"
            yield node.args[0].id, LAST if is_last else SPLITS[name], count.value, ""


def _multiple(node: ast.expr | None) -> tuple[int, str] | None:
    """`H`, `2 * H` and `H * 2` as the number and the name; None for anything else."""
    if isinstance(node, ast.Name):
        return 1, node.id
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Mult):
        for number, name in ((node.left, node.right), (node.right, node.left)):
            if isinstance(number, ast.Constant) and isinstance(number.value, int) and (
                isinstance(name, ast.Name)
            ):  # fmt: skip
                return number.value, name.id
    return None


def _sources(node: ast.AST, name: str, axis: int) -> Iterator[str]:
    """The names that have the cut axis of a name, where a statement computes that."""
    targets = node.targets if isinstance(node, ast.Assign) else (
        [node.target] if isinstance(node, ast.AugAssign) else []
    )  # fmt: skip
    if any(isinstance(target, ast.Name) and target.id == name for target in targets):
        assert isinstance(node, (ast.Assign, ast.AugAssign))
        yield from _with_axis(node.value, axis)


def _with_axis(node: ast.expr, axis: int) -> Iterator[str]:
    pending = [node]
    while pending:
        part = pending.pop()
        if (sides := _factors(part)) is not None:
            pending.append(sides[1 if axis == LAST else 0])
        elif isinstance(part, ast.BinOp):
            pending += [part.left, part.right]
        elif isinstance(part, ast.Name):
            yield part.id
        elif isinstance(part, ast.Attribute) and ast.unparse(part.value) == "self":
            yield part.attr


def _factors(node: ast.AST) -> tuple[ast.expr, ast.expr] | None:
    """The matrices of a product: `a @ b`, `np.dot(a, b)`, `a.dot(b)`; None for anything else."""
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.MatMult):
        return node.left, node.right
    if isinstance(node, ast.Call) and ast.unparse(node.func).rpartition(".")[2] in PRODUCTS:
        owner = [node.func.value] if isinstance(node.func, ast.Attribute) else []
        sides = [*(owner if len(node.args) == 1 else []), *node.args]
        return (sides[0], sides[1]) if len(sides) == 2 else None
    return None


def _of_states(node: ast.AST, states: set[str]) -> Iterator[str]:
    """The name that states of one block are multiplied with: `h @ Wh`."""
    sides = _factors(node)
    if sides is not None and ast.unparse(sides[0]) in states:
        yield ast.unparse(sides[1]).removeprefix("self.")


def _first(node: ast.AST, units: set[str]) -> Iterator[str]:
    """The name whose first size is that of a block: `H = Wh.shape[0]`."""
    if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) in units:
        name, _, rest = ast.unparse(node.value).removeprefix("self.").partition(".")
        if rest == "shape[0]":
            yield name


def _of_one(node: ast.AST, units: set[str]) -> Iterator[str]:
    """The names whose last size is that of a block: `N, H = h.shape`, `H = h.shape[1]`."""
    if not isinstance(node, ast.Assign):
        return
    target, value = node.targets[0], node.value
    last = target.elts[-1] if isinstance(target, ast.Tuple) else target
    if isinstance(value, ast.Subscript) and ast.unparse(value.slice) in ("1", "-1"):
        value = value.value
    elif not isinstance(target, ast.Tuple):
        return
    is_unit = isinstance(last, ast.Name) and last.id in units
    if is_unit and isinstance(value, ast.Attribute) and value.attr == "shape":
        owner = value.value
        if isinstance(owner, ast.Name):
            yield owner.id
