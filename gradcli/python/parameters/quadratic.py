"""Quadratic forms, `e @ Q @ e`: their operands are vectors, and matrices in them are symmetric."""

from __future__ import annotations

import ast

PRODUCTS = ("dot", "matmul")


def quadratic_forms(function: ast.AST) -> tuple[set[str], set[str]]:
    """The names of the vectors of a function's quadratic forms, and those of the matrices.

    Of a difference, `e = x - goal`, they are the names that it is made of.
    """
    nodes = [*ast.walk(function)]
    made = {
        node.targets[0].id: node.value for node in nodes
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name)
    }  # fmt: skip
    vectors: set[str] = set()
    matrices: set[str] = set()
    for node in nodes:
        factors = _factors(node)
        for left, inner, right in zip(factors, factors[1:], factors[2:], strict=False):
            name = own_name(inner)
            words = ast.unparse(left)
            if name is None or words.removesuffix(".T") != ast.unparse(right):
                continue
            matrices.add(name)
            if not words.endswith(".T"):  # which a column would have
                vectors |= _terms(made.get(own_name(right) or "", right))
    return vectors, matrices


def _factors(node: ast.AST) -> list[ast.expr]:
    """The factors of a product of matrices, however it is written; none of anything else."""
    match node:
        case ast.BinOp(left, ast.MatMult(), right):
            pass
        case ast.Call(ast.Attribute(ast.Name("np" | "numpy"), name), [left, right], []) if (
            name in PRODUCTS
        ):
            pass
        case ast.Call(ast.Attribute(left, "dot"), [right], []):
            pass
        case _:
            return []
    return [*(_factors(left) or [left]), *(_factors(right) or [right])]


def _terms(node: ast.expr) -> set[str]:
    """The names of a sum or difference of names."""
    if isinstance(node, ast.BinOp) and isinstance(node.op, (ast.Add, ast.Sub)):
        return _terms(node.left) | _terms(node.right)
    name = own_name(node)
    return set() if name is None else {name}


def own_name(node: ast.AST) -> str | None:
    """The name of a name or of an attribute of `self`."""
    match node:
        case ast.Name(name) | ast.Attribute(ast.Name("self"), name):
            return str(name)
    return None
