"""What functions of a file take and give, by their definitions alone."""

from __future__ import annotations

import ast
from collections.abc import Collection, Iterator, Mapping

from gradcli.python.words.returned import GRADIENT_NAME, TRAINING, WORDS
from gradcli.python.words.roles import BACKWARD, CACHE, GRADIENT, HESSIAN, role

PREDICTIONS = ("predict_proba", "hypothesis", "feedforward", "forward_pass", "_forward")


def required(node: ast.FunctionDef) -> list[str]:
    """The parameters that a function cannot do without, and not the object."""
    names = [a.arg for a in (*node.args.posonlyargs, *node.args.args)]
    return [n for n in names[: len(names) - len(node.args.defaults)] if n != "self"]


def feeder(
    methods: Mapping[str, ast.FunctionDef], gradient: str, loss: str, names: Collection[str]
) -> str | None:  # fmt: skip
    """The method that makes predictions for a loss, of operands that its gradient takes, too.

    `loss(y, y_hat)` has no X, which `gradients(X, y, y_hat)` and `forward(X)` have.
    """
    names = (*names, *PREDICTIONS)
    lacking = {*required(methods[gradient])} - {*required(methods[loss])}
    fitting = [n for n in names if n in methods and n != loss and required(methods[n])]
    return next((n for n in fitting if {*required(methods[n])} <= lacking), None)


def of_same_operands(methods: list[ast.FunctionDef], backward: str) -> str | None:
    """The only method that gives a value for what a backward one takes: `calculate(y_hat, y)`."""
    own = next((required(m) for m in methods if m.name == backward), [])
    same = [
        m.name for m in methods if m.name != backward and required(m) == own != [] and gives(m)
        and role(m.name, f"{GRADIENT}|{HESSIAN}|{BACKWARD}") is None
    ]  # fmt: skip
    return same[0] if len(same) == 1 else None


def with_upstream(
    methods: list[ast.FunctionDef], forwards: Collection[str]
) -> Iterator[tuple[str, str]]:  # fmt: skip
    """The methods that take what a forward one takes, and an upstream gradient before or behind."""
    own = [(node.name, required(node)) for node in methods if node.name in forwards]
    for node in filter(gives, methods):
        if TRAINING.search(node.name):  # which gives new weights
            continue
        names = required(node)
        for forward, operands in own:
            places = [k for k in (0, len(names) - 1) if names[:k] + names[k + 1 :] == operands]
            if operands and any(_is_upstream(names[k]) for k in places):
                yield forward, node.name
                break


def gives(node: ast.FunctionDef) -> bool:
    """Whether a function returns something that it computes."""
    values = [part.value for part in ast.walk(node) if isinstance(part, ast.Return)]
    return any(value is not None and not _is_empty(value) for value in values)


def _is_empty(value: ast.expr) -> bool:
    """Whether a value is fixed, or a list of nothing."""
    return isinstance(value, ast.Constant) or ast.unparse(value) in ("[]", "()", "{}")


def takes_upstream(gradient: ast.FunctionDef, of: ast.FunctionDef) -> bool:
    """Whether a gradient takes an upstream gradient, too: `affine_grad(dout, x, w)`.

    Beside all operands, or a cache: `huber_grad(r, delta)` of `huber(r, d)` takes none.
    """
    names, own = required(gradient), required(of)
    takes_all = len(names) == len(own) + 1
    takes_cache = all(CACHE.search(name) and name not in own for name in names[1:])
    return (takes_all or takes_cache) and len(names) > 1 and any(
        _is_upstream(names[k]) and names[k] not in own for k in (0, len(names) - 1)
    )  # fmt: skip


def takes_gradients(node: ast.FunctionDef) -> bool:
    """Whether the first parameter of a method is an upstream gradient, by its name."""
    names = [a.arg for a in node.args.args if a.arg != "self"]
    return bool(names) and bool(GRADIENT_NAME.match(names[0]))


def _is_upstream(name: str) -> bool:
    return bool(GRADIENT_NAME.match(name)) and name not in WORDS


def takes_apart(function: ast.FunctionDef, name: str) -> bool:
    """Whether a function unpacks a parameter, or takes a part of it by its place."""
    return any(
        _unpacks(node, name) or (
            isinstance(node, ast.Subscript) and ast.unparse(node.value) == name
            and isinstance(node.slice, ast.Constant)
        ) for node in ast.walk(function)
    )  # fmt: skip


def _unpacks(node: ast.AST, name: str) -> bool:
    """Whether a statement gives the parts of a name to several others."""
    return isinstance(node, ast.Assign) and ast.unparse(node.value) == name and any(
        isinstance(target, (ast.Tuple, ast.List)) for target in node.targets
    )  # fmt: skip
