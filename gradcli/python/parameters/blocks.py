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
            for source in {part for node in nodes for part in _sources(node, name, axis)}:
                found.setdefault(source, Blocks(axis, count))
    if not found:
        return {}
    for node in nodes:
        for name in _of_one(node, units):
            found.setdefault(name, Blocks(LAST, 1))
    return found


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
        sides: list[ast.expr] = []
        if isinstance(part, ast.BinOp):
            sides = [part.left, part.right]
            is_product = isinstance(part.op, ast.MatMult)
        elif isinstance(part, ast.Call) and ast.unparse(part.func).rpartition(".")[2] in PRODUCTS:
            owner = [part.func.value] if isinstance(part.func, ast.Attribute) else []
            sides = [*(owner if len(part.args) == 1 else []), *part.args]
            is_product = True
        if len(sides) == 2:
            pending += [sides[1 if axis == LAST else 0]] if is_product else sides
        elif isinstance(part, ast.Name):
            yield part.id
        elif isinstance(part, ast.Attribute) and ast.unparse(part.value) == "self":
            yield part.attr


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
