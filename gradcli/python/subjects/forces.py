"""Whether what a file calls a force is the gradient of an energy itself, and not minus it.

It is where the file goes down along it (`x -= rate * force(x)`, `-force(x)`), or where its own
docstring calls it a gradient. Anything else with the sign of the gradient is a slip of the sign.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

from gradcli.python.words.returned import FORCES

GRADIENT = re.compile(r"gradient|derivative", re.IGNORECASE)
MINUS = re.compile(r"minus|negative|-\s*(?:the\s+)?(?:grad|deriv|d\w*/d)", re.IGNORECASE)


def is_gradient(tree: ast.Module, name: str) -> bool:
    """Whether a function of a file that is called a force gives the gradient of an energy."""
    nodes = [*ast.walk(tree)]
    own = [n for n in nodes if isinstance(n, ast.FunctionDef) and n.name == name]
    words = " ".join(ast.get_docstring(node) or "" for node in own)
    if GRADIENT.search(words) and not MINUS.search(words):
        return True
    forces = {name, *_kept(nodes, name)}
    return any(_speaks_of(part, forces) for node in nodes for part in _subtracted(node))


def _kept(nodes: list[ast.AST], name: str) -> Iterator[str]:
    """The names that what a function gives is kept under; of several values, those of forces."""
    for node in nodes:
        if not isinstance(node, ast.Assign) or not _speaks_of(node.value, {name}):
            continue
        for target in node.targets:
            if isinstance(target, ast.Name):
                yield target.id
            elif isinstance(target, ast.Tuple):
                yield from (part.id for part in target.elts
                            if isinstance(part, ast.Name) and FORCES.search(part.id))  # fmt: skip


def _subtracted(node: ast.AST) -> Iterator[ast.AST]:
    """What a part of the file takes the negative of."""
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Sub):
        yield node.right
    elif isinstance(node, ast.AugAssign) and isinstance(node.op, ast.Sub):
        yield node.value
    elif isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
        yield node.operand


def _speaks_of(node: ast.AST, names: set[str]) -> bool:
    """Whether one of some names, or a method of such a name, is in a part of the file."""
    return any(
        (isinstance(part, ast.Name) and part.id in names)
        or (isinstance(part, ast.Attribute) and part.attr in names)
        for part in ast.walk(node)
    )
