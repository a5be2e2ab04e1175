"""Random expressions as trees of our own, the points they are looked at, and their texts.

A tree is a name, a float, or a tuple of an operation and its operands. The same tree is printed
for the tool and evaluated by the oracle, so that nothing of the tool's reader is trusted.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from random import Random
from typing import Any

Tree = Any  # str | float | tuple[str, Tree, ...]
Point = dict[str, float]

NAMES = ("x", "y", "z")

INFIX = {"add": "+", "sub": "-", "mul": "*", "div": "/", "pow": "**",
         "lt": "<", "le": "<=", "gt": ">", "ge": ">=", "eq": "==", "ne": "!="}  # fmt: skip
COMPARISONS = ("lt", "le", "gt", "ge", "eq", "ne")

UNARY = [
    "neg",
    "abs",
    "sign",
    "floor",
    "ceil",
    "round",
    "step",
    "exp",
    "expm1",
    "exp2",
    "log",
    "log1p",
    "log2",
    "log10",
    "sqrt",
    "cbrt",
    "square",
    "reciprocal",
    "sin",
    "cos",
    "tan",
    "asin",
    "acos",
    "atan",
    "sinh",
    "cosh",
    "tanh",
    "asinh",
    "acosh",
    "atanh",
    "sigmoid",
    "relu",
    "leaky_relu",
    "softplus",
    "logsigmoid",
    "silu",
    "gelu",
    "huber",
    "erf",
    "erfc",
    "gamma",
    "lgamma",
    "digamma",
    "elu",
    "selu",
    "softsign",
    "mish",
    "hardtanh",
    "logit",
    "log1mexp",
    "sinc",
    "normcdf",
    "normpdf",
    "lognormcdf",
    "erfinv",
]
KINKED = ["abs", "relu", "sqrt", "cbrt", "square", "leaky_relu", "huber", "sqrt", "abs", "relu"]
BINARY = ("add", "sub", "mul", "div", "add", "sub", "mul", "pow", "max", "min", "hypot", "atan2",
          "logsumexp")  # fmt: skip

# Where gates change their branch, end their domain, saturate, cancel or leave float64.
SPECIAL = (
    0.0, 1.0, -1.0, 0.5, -0.5, 2.0, -2.0, 3.0, 10.0, 0.3, 0.7, -0.7, 1.5, -1.5, 2.5, -2.5, 1e-9, 1e-5,
    -1e-9, 1e-17, 1e-100, 1e-300, -1e-300, 5e-324, 1e-160, 1e160, 1e300, -1e300, 1e17, 1e8, -1e8,
    20.0, -20.0, 37.0, -37.0, 40.0, 300.0, -300.0, 710.0, -710.0, 746.0, -746.0, 1000.0, -1000.0,
    3000.0, -3000.0, 27.0, 6.0, -6.0, 18.7, -8.3, 170.6, 171.7, math.pi, math.pi / 2, -math.pi,
    math.e, 1 - 2.0**-53, 1 + 2.0**-52, 0.1, 1 / 3, 100.0, 4.0, 1e4, 1e-4,
)  # fmt: skip
COMMON = (0.0, 0.0, 0.0, 0.0, 1.0, 1.0, -1.0, 2.0, -2.0, 0.5, 3.0)
CONSTANTS = (
    0.0,
    1.0,
    2.0,
    3.0,
    0.5,
    -1.0,
    1.0,
    2.0,
    0.1,
    1e-5,
    10.0,
    1e-9,
    100.0,
    0.9,
    1e16,
    1e-300,
)
POWERS = (2.0, 2.0, 2.0, 3.0, 4.0, 0.5, 1.5, -1.0, -2.0, 0.3, 1.1, 2.5, 1.0, 0.0, 1 / 3, -0.5)

U, V = "u", "v"  # the slots of idioms


def _power(a: Tree, p: float) -> Tree:
    return ("pow", a, p)


IDIOMS: tuple[Tree, ...] = (
    ("sqrt", _power(U, 2.0)),
    ("sqrt", ("add", _power(U, 2.0), _power(V, 2.0))),
    ("acosh", ("cosh", U)),
    ("sqrt", ("sub", 1.0, ("cos", U))),
    _power(_power(U, 2.0), 0.3),
    ("cbrt", _power(U, 2.0)),
    ("cbrt", _power(U, 3.0)),
    ("acos", ("cos", U)),
    ("asin", ("sin", U)),
    ("log", ("add", 1.0, ("exp", U))),
    ("log", ("add", ("exp", U), ("exp", V))),
    ("sub", ("log", ("add", 1.0, ("exp", U))), U),
    ("div", 1.0, ("add", 1.0, ("exp", ("neg", U)))),
    ("div", ("exp", U), ("add", ("exp", U), ("exp", V))),
    ("neg", ("log", ("sub", 1.0, ("sigmoid", U)))),
    ("sub", 1.0, _power(("tanh", U), 2.0)),
    ("log", ("sub", 1.0, ("erf", U))),
    ("log", ("cosh", U)),
    ("div", ("sub", 1.0, ("cos", U)), _power(U, 2.0)),
    ("div", ("sub", ("exp", U), 1.0), U),
    ("div", ("sin", U), U),
    ("sub", ("sqrt", ("add", U, 1.0)), ("sqrt", U)),
    ("sub", ("add", U, 1e16), 1e16),
    ("add", _power(("abs", U), 1.1), ("mul", 1e-5, U)),
    ("add", ("abs", U), _power(U, 1.5)),
    ("where", ("gt", U, 0.0), ("sqrt", U), 0.0),
    ("where", ("eq", U, 0.0), 1.0, ("div", ("sin", U), U)),
    ("where", ("eq", U, 0.0), 0.5, ("div", ("sub", 1.0, ("cos", U)), _power(U, 2.0))),
    ("where", ("eq", U, 0.0), ("div", 1.0, 6.0), ("div", ("sub", U, ("sin", U)), _power(U, 3.0))),
    ("where", ("eq", U, V), ("exp", U), ("div", ("sub", ("exp", U), ("exp", V)), ("sub", U, V))),
    ("where", ("gt", ("atan2", U, V), 0.5), U, V),
    ("where", ("gt", U, V), U, V),
    ("where", ("lt", U, 1.0), ("exp", ("div", 1.0, ("sub", U, 1.0))), 0.0),
    ("sub", ("relu", U), ("relu", ("neg", U))),
    ("add", ("max", U, V), ("min", U, V)),
    ("mul", ("max", U, V), ("min", U, V)),
    _power(("relu", U), 2.0),
    ("mul", U, ("abs", U)),
    ("add", ("log1p", ("exp", ("neg", ("abs", U)))), ("relu", U)),
    ("mul", U, ("log", U)),
    _power(("sqrt", U), 2.0),
    ("exp", ("log", U)),
    ("div", U, ("add", 1.0, ("abs", U))),
    ("sub", U, ("floor", U)),
    ("min", ("exp", _power(U, 2.0)), U),
    ("max", U, U),
    ("div", V, ("max", U, U)),
    ("square", ("sub", U, V)),
    ("sqrt", ("square", ("sub", U, V))),
    ("sub", _power(U, 2.0), _power(V, 2.0)),
    ("sub", U, V),
    ("mul", 0.0, U),
    ("sqrt", ("abs", U)),
    ("hypot", U, V),
    ("atan2", U, V),
    ("log", ("gamma", U)),
    ("gamma", U),
    ("polygamma", 1.0, U),
    ("polygamma", 2.0, U),
    _power(U, V),
    _power(2.0, U),
)


def random_tree(rng: Random, names: tuple[str, ...], depth: int) -> Tree:
    """A tree of at most so many levels, rich in kinks, cancellations and equal parts."""
    if depth <= 0 or rng.random() < 0.08:
        return rng.choice(names) if rng.random() < 0.82 else rng.choice(CONSTANTS)
    kind = rng.random()
    below = lambda: random_tree(rng, names, depth - 1)  # noqa: E731
    if kind < 0.30:
        return filled(rng.choice(IDIOMS), {U: below(), V: below()})
    if kind < 0.48:
        return (rng.choice(UNARY), below())
    if kind < 0.58:
        return (rng.choice(KINKED), below())
    if kind < 0.64:
        return ("pow", below(), rng.choice(POWERS))
    if kind < 0.68:
        condition = (rng.choice(COMPARISONS), below(), rng.choice((0.0, 1.0, below())))
        return ("where", condition, below(), below())
    if kind < 0.71:
        return (rng.choice(("max", "min", "hypot", "logsumexp")), below(), below(), below())
    left = below()
    right = left if rng.random() < 0.12 else below()
    return (rng.choice(BINARY), left, right)


def random_point(rng: Random, names: tuple[str, ...]) -> Point:
    """Inputs at special places, often equal or opposite ones."""
    point: Point = {}
    for name in names:
        chance = rng.random()
        if point and chance < 0.25:
            point[name] = rng.choice((1.0, 1.0, -1.0)) * rng.choice([*point.values()])
        elif chance < 0.60:
            point[name] = rng.choice(COMMON)
        elif chance < 0.85:
            point[name] = rng.choice(SPECIAL)
        else:
            point[name] = round(rng.uniform(-3, 3), rng.choice((1, 2, 6, 17)))
    return {name: value + 0.0 for name, value in point.items()}  # no -0.0


def random_case(rng: Random) -> tuple[Tree, Point]:
    """An expression that depends on an input, and a point for the inputs it has."""
    while True:
        names = NAMES[: rng.choice((1, 1, 1, 2, 2, 3))]
        tree = random_tree(rng, names, rng.choice((1, 2, 2, 3)))
        used = tuple(sorted(set(names_of(tree))))
        if used and size_of(tree) <= 40:
            return tree, random_point(rng, used)


def filled(tree: Tree, parts: dict[str, Tree]) -> Tree:
    """A tree with trees in place of names."""
    if isinstance(tree, str):
        return parts.get(tree, tree)
    if isinstance(tree, tuple):
        return (tree[0], *(filled(part, parts) for part in tree[1:]))
    return tree


def names_of(tree: Tree) -> Iterator[str]:
    """The names of a tree, each as often as it stands there."""
    if isinstance(tree, str):
        yield tree
    elif isinstance(tree, tuple):
        for part in tree[1:]:
            yield from names_of(part)


def operations_of(tree: Tree) -> Iterator[str]:
    """The operations of a tree, each as often as it stands there."""
    if isinstance(tree, tuple):
        yield tree[0]
        for part in tree[1:]:
            yield from operations_of(part)


def size_of(tree: Tree) -> int:
    """How many operations, names and numbers a tree has."""
    return 1 + sum(map(size_of, tree[1:])) if isinstance(tree, tuple) else 1


def text_of(tree: Tree) -> str:
    """The tree in the tool's language, with every bracket."""
    if isinstance(tree, str):
        return tree
    if isinstance(tree, float):
        return number(tree) if tree >= 0 else f"({number(tree)})"
    operation, *parts = tree
    texts = [text_of(part) for part in parts]
    if operation == "neg":
        return f"(-{texts[0]})"
    if operation in INFIX:
        return f"({texts[0]} {INFIX[operation]} {texts[1]})"
    bare = [t[1:-1] if isinstance(p, tuple) and t[0] == "(" else t
            for t, p in zip(texts, parts, strict=True)]  # fmt: skip
    return f"{operation}({', '.join(bare)})"


def number(x: float) -> str:
    """A float as text that reads back to the same bits, whole numbers without a fraction."""
    return str(int(x)) if x == int(x) and abs(x) < 1e6 else repr(x)


def places(tree: Tree, path: tuple[int, ...] = ()) -> Iterator[tuple[tuple[int, ...], Tree]]:
    """Every subtree with the way to it."""
    yield path, tree
    if isinstance(tree, tuple):
        for k, part in enumerate(tree[1:], 1):
            yield from places(part, (*path, k))


def replaced(tree: Tree, path: tuple[int, ...], part: Tree) -> Tree:
    """The tree with another subtree at a place."""
    if not path:
        return part
    k = path[0]
    return (*tree[:k], replaced(tree[k], path[1:], part), *tree[k + 1 :])


def simpler(tree: Tree, point: Point) -> Iterator[tuple[Tree, Point]]:
    """Cases a little smaller than one, the boldest first."""
    for path, part in places(tree):
        if isinstance(part, tuple):
            for below in part[1:]:
                yield _used(replaced(tree, path, below), point)
            for leaf in (*point, 0.0, 1.0, 2.0):
                yield _used(replaced(tree, path, leaf), point)
        elif isinstance(part, float):
            for leaf in (0.0, 1.0, 2.0):
                if _cost(leaf) < _cost(part):
                    yield _used(replaced(tree, path, leaf), point)
        else:
            for leaf in point:
                if leaf < part:
                    yield _used(replaced(tree, path, leaf), point)
    for name, value in point.items():
        for other in (0.0, 1.0, 2.0, -1.0, 0.5, float(round(value)) if abs(value) < 1e6 else value):
            if _cost(other) < _cost(value):
                yield tree, {**point, name: other}


def _used(tree: Tree, point: Point) -> tuple[Tree, Point]:
    used = set(names_of(tree))
    return tree, {name: value for name, value in point.items() if name in used}


def _cost(x: float) -> float:
    """How long a number is to read; 0 and small whole ones are shortest."""
    return len(repr(x)) + (x < 0) + (0.5 if abs(x) > 1 else 0.1 * abs(x))


def cost_of(tree: Tree, point: Point) -> float:
    """The size of a case: what shrinking makes smaller."""
    leaves = sum(_cost(part) / 20 for _, part in places(tree) if isinstance(part, float))
    return size_of(tree) + leaves + sum(_cost(x) / 20 for x in point.values()) + len(point)
