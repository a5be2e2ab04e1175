"""Functions that a file hands to an optimiser together: the second is the gradient of the first.

`minimize(cost, x0, jac=slope)`, `check_grad(f, g, x)`, `newton(f, 1.0, fprime=df)`, and with
`jac=True` a function that returns both. `hess=bend` is the gradient of the gradient. Methods are
handed by their object, `self.cost`, and either in a lambda that calls it.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from typing import NamedTuple

KEYWORDS = ("jac", "fprime", "Dfun")
SECOND = ("hess", "fhess")
# Optimisers, root finders and checkers of scipy, and where the gradient stands without a keyword,
# if it may.
PLACES: dict[str, int | None] = {
    "minimize": 4, "check_grad": 1, "fmin_bfgs": 2, "fmin_cg": 2, "fmin_ncg": 2, "fmin_l_bfgs_b": 2,
    "fmin_tnc": 2, "newton": 2, "least_squares": 2, "leastsq": 3, "fsolve": 3, "root": 4,
    "root_scalar": None, "basinhopping": None, "line_search": 1,
}  # fmt: skip
STARTS = {"check_grad": 2, "line_search": 2}  # where the point stands, if not behind the function


class Handed(NamedTuple):
    """A function by its name, and the one that is its gradient; None where it returns both."""

    function: str
    gradient: str | None


class Started(NamedTuple):
    """A function that an optimiser calls, the point it starts at, and what else it hands over."""

    function: ast.expr
    point: ast.expr
    others: ast.expr


def started_in(node: ast.AST) -> Iterator[Started]:
    """The functions that the optimisers in a part of a file start with."""
    for call in ast.walk(node):
        if not isinstance(call, ast.Call) or _last_name(call.func) not in PLACES or not call.args:
            continue
        at = STARTS.get(_last_name(call.func), 1)
        words = {word.arg: word.value for word in call.keywords}
        point = words.get("x0", call.args[at] if len(call.args) > at else None)
        others = words.get("args", ast.Tuple(call.args[at + 1 :] if at > 1 else [], ast.Load()))
        if point is not None and _last_name(call.func) == "minimize" and len(call.args) > at + 1:
            others = call.args[at + 1]
        if point is not None:
            yield Started(call.args[0], point, others)


def handed_together(tree: ast.Module, are_methods: bool = False) -> Iterator[Handed]:
    """What all calls of optimisers in a file say of its functions, or of methods, each once."""
    kind = ast.Attribute if are_methods else ast.Name
    told = {
        handed for call in ast.walk(tree)
        if isinstance(call, ast.Call) for handed in _said(call, kind)
    }  # fmt: skip
    yield from sorted(told, key=lambda handed: (handed.function, handed.gradient or ""))


def _said(call: ast.Call, kind: type[ast.expr]) -> Iterator[Handed]:
    name = _last_name(call.func)
    if name not in PLACES or not call.args or not _is_function(call.args[0], kind):
        return
    function, at = _last_name(call.args[0]), PLACES[name]
    words = {word.arg: word.value for word in call.keywords}
    by_keyword = [words[key] for key in KEYWORDS if key in words]
    by_place = [] if at is None else call.args[at : at + 1]
    for given in (by_keyword or by_place)[:1]:
        if isinstance(given, ast.Constant) and given.value is True:
            yield Handed(function, None)
        if not _is_function(given, kind):
            return
        gradient = _last_name(given)
        yield Handed(function, gradient)
        seconds = [words[key] for key in SECOND if key in words]
        yield from (Handed(gradient, _last_name(x)) for x in seconds if _is_function(x, kind))


def _is_function(node: ast.expr, kind: type[ast.expr]) -> bool:
    return isinstance(_called(node), kind)


def _called(node: ast.expr) -> ast.expr:
    """What a lambda calls: `lambda w: self.cost(w, X, y)`; what is no lambda, as it is."""
    if isinstance(node, ast.Lambda) and isinstance(node.body, ast.Call):
        return node.body.func
    return node


def _last_name(node: ast.expr) -> str:
    """`cost` and `self.cost` are called `cost`."""
    node = _called(node)
    return node.attr if isinstance(node, ast.Attribute) else getattr(node, "id", "")
