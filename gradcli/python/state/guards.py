"""What the file itself asks for: the condition above a `raise` that is reached.

`if x.shape[1] != w.shape[0]: raise ...` says which axes are one, as a misfit of numpy does, and
`if x.ndim != 2: raise ...` how many there are; `np.issubdtype(y.dtype, int)` asks for labels.
"""

from __future__ import annotations

import ast
from typing import Any

from gradcli.errors import GradcliError
from gradcli.python.state.values import Scope

REACHED = "this `raise` is reached"
NOT_WHOLE = "as floats are not whole numbers"
HOW = "give other inputs, or see the condition above it"
AXES = ("ndim", "dim")


def asked(reader: Any, test: ast.expr, wanted: bool, scope: Scope) -> tuple[ast.expr, str]:
    """The part of a condition that is to blame, and what it asks for in words; "" for unknown."""
    while isinstance(test, ast.UnaryOp) and isinstance(test.op, ast.Not):
        test, wanted = test.operand, not wanted
    if isinstance(test, ast.BoolOp) and isinstance(test.op, ast.Or) == wanted:
        for part in test.values:  # each of which is enough
            guard, words = asked(reader, part, wanted, scope)
            if words:
                return guard, words
        return test, ""
    if isinstance(test, ast.Call) and not wanted and _asks_for_whole(test):
        return test, f", {NOT_WHOLE}"
    is_equality = isinstance(test, ast.Compare) and len(test.ops) == 1 and isinstance(
        test.ops[0], ast.NotEq if wanted else ast.Eq
    )  # fmt: skip
    if not is_equality:
        return test, ""
    assert isinstance(test, ast.Compare)
    sides = test.left, test.comparators[0]
    try:
        is_reached = reader.evaluate(test, scope) is wanted
        own, other = (reader.evaluate(side, scope) for side in sides)
    except GradcliError:
        return test, ""
    if not (is_reached and _is_size(own) and _is_size(other)) or own == other:
        return test, ""
    what = " axes" if any(map(_counts_axes, sides)) else ""
    return test, f", as {own}{what} are not {other}" if what else f", as {own} is not {other}"


def _asks_for_whole(test: ast.Call) -> bool:
    """Whether a condition is `np.issubdtype(x.dtype, np.integer)`."""
    is_kind = ast.unparse(test.func).endswith("issubdtype") and len(test.args) > 1
    return is_kind and ast.unparse(test.args[1]).endswith(("integer", "int"))


def _is_size(value: Any) -> bool:
    """Whether a value is a whole number, or a shape."""
    if isinstance(value, tuple):
        return all(map(_is_size, value))
    return isinstance(value, int) and not isinstance(value, bool)


def _counts_axes(node: ast.expr) -> bool:
    """Whether an expression is the number of axes: `x.ndim`, `len(x.shape)`, `len(input_shape)`."""
    if isinstance(node, ast.Call) and ast.unparse(node.func) == "len" and len(node.args) == 1:
        return ast.unparse(node.args[0]).endswith("shape")
    return isinstance(node, ast.Attribute) and node.attr in AXES
