"""Functions that a file hands to an optimiser together: the second is the gradient of the first.

`minimize(cost, x0, jac=slope)`, `check_grad(f, g, x)`, `newton(f, 1.0, fprime=df)`, and with
`jac=True` a function that returns both.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from typing import NamedTuple

KEYWORDS = ("jac", "fprime", "Dfun")
# Optimisers, root finders and checkers of scipy, and where the gradient stands without a keyword,
# if it may.
PLACES: dict[str, int | None] = {
    "minimize": 4, "check_grad": 1, "fmin_bfgs": 2, "fmin_cg": 2, "fmin_ncg": 2, "fmin_l_bfgs_b": 2,
    "fmin_tnc": 2, "newton": 2, "least_squares": 2, "leastsq": 3, "fsolve": 3, "root": 4,
    "root_scalar": None, "basinhopping": None, "line_search": 1,
}  # fmt: skip


class Handed(NamedTuple):
    """A function by its name, and the one that is its gradient; None where it returns both."""

    function: str
    gradient: str | None


def handed_together(tree: ast.Module) -> Iterator[Handed]:
    """What all calls of optimisers in a file say, each once."""
    told = {
        handed for call in ast.walk(tree)
        if isinstance(call, ast.Call) and (handed := _said(call)) is not None
    }  # fmt: skip
    yield from sorted(told, key=lambda handed: (handed.function, handed.gradient or ""))


def _said(call: ast.Call) -> Handed | None:
    name = call.func.attr if isinstance(call.func, ast.Attribute) else getattr(call.func, "id", "")
    if name not in PLACES or not call.args or not isinstance(call.args[0], ast.Name):
        return None
    by_keyword = [word.value for word in call.keywords if word.arg in KEYWORDS]
    at = PLACES[name]
    by_place = [] if at is None else call.args[at : at + 1]
    for given in by_keyword or by_place:
        if isinstance(given, ast.Name):
            return Handed(call.args[0].id, given.id)
        if isinstance(given, ast.Constant) and given.value is True:
            return Handed(call.args[0].id, None)
    return None
