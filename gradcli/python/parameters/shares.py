"""Vectors that a function makes shares of: a softmax over all there is, `e / np.sum(e)`."""

from __future__ import annotations

import ast


def turned_to_shares(tree: ast.AST) -> set[str]:
    """The names whose exponentials a function divides by their whole sum; none beside an `axis`.

    Rows of a matrix would be divided by the sum of all of them, which nobody means.
    """
    inner = [node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)]
    return {name for function in inner for name in _in_one(function)}


def _in_one(function: ast.FunctionDef) -> set[str]:
    nodes = [*ast.walk(function)]
    if any(isinstance(node, ast.keyword) and node.arg in ("axis", "keepdims") for node in nodes):
        return set()
    made = {
        node.targets[0].id: node.value for node in nodes
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name)
    }  # fmt: skip
    names: set[str] = set()
    for node in nodes:
        if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Div):
            summed = _summed(node.right)
            if summed is None or ast.unparse(summed) != ast.unparse(node.left):
                continue
            value = made.get(summed.id, summed) if isinstance(summed, ast.Name) else summed
            if _is_exponential(value):
                names |= _whole_names(value)
    return names


def _whole_names(node: ast.AST) -> set[str]:
    """The names in an expression of which it takes no part: not x of `x[i]`."""
    if isinstance(node, ast.Name):
        return {node.id}
    if isinstance(node, ast.Subscript):
        return set()
    return {name for part in ast.iter_child_nodes(node) for name in _whole_names(part)}


def _summed(node: ast.expr) -> ast.expr | None:
    """What `np.sum(e)`, `sum(e)` or `e.sum()` is the whole sum of."""
    match node:
        case ast.Call(ast.Attribute(owner, "sum"), [], []):
            return owner
        case ast.Call(ast.Attribute(_, "sum") | ast.Name("sum"), [operand], []):
            return operand
    return None


def _is_exponential(node: ast.expr) -> bool:
    return isinstance(node, ast.Call) and ast.unparse(node.func).rpartition(".")[2] == "exp"
