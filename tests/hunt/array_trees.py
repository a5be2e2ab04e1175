"""Random programs of small arrays as trees, the arrays they are run on, and their texts.

Names are arrays, and a node may have a dictionary of keywords (axis, shape) as its last part.
"""

from __future__ import annotations

from collections.abc import Iterator
from random import Random
from typing import Any

import numpy as np

from tests.hunt.matrix_operations import OPERATIONS, Shape
from tests.hunt.trees import SPECIAL, number, replaced

Tree = Any
Arrays = dict[str, Any]  # nested lists, by name

UNARY = [
    "neg",
    "abs",
    "exp",
    "log",
    "sqrt",
    "square",
    "sin",
    "cos",
    "tanh",
    "sigmoid",
    "relu",
    "softplus",
    "gelu",
    "atan",
    "erf",
    "cbrt",
    "sign",
    "logsigmoid",
    "silu",
    "leaky_relu",
    "huber",
    "log1p",
    "expm1",
    "reciprocal",
    "step",
]
BINARY = ["add", "sub", "mul", "mul", "add", "sub", "div", "max", "min", "hypot", "pow"]
REDUCTIONS = ["sum", "sum", "mean", "max", "min", "var", "std", "prod", "norm", "logsumexp"]
ELEMENTS = (0.0, 0.0, 0.0, 1.0, 1.0, 2.0, -1.0, 0.5, -2.0, 3.0)
METHODS = {"add": "+", "sub": "-", "mul": "*", "div": "/", "pow": "**", "matmul": "@"}
SHAPES: tuple[Shape, ...] = ((2,), (3,), (2, 3), (3, 2), (2, 2), (1, 3), (4,), ())


class Maker:
    """Makes random trees of a shape; the inputs arise on the way."""

    def __init__(self, rng: Random) -> None:
        self.rng = rng
        self.inputs: dict[str, Shape] = {}

    def tree(self, shape: Shape, depth: int) -> Tree:
        """A tree of the shape, of at most so many levels."""
        rng = self.rng
        if depth <= 0 or rng.random() < 0.07:
            return self._leaf(shape)
        way = rng.random()
        if way < 0.30:
            return (rng.choice(UNARY), self.tree(shape, depth - 1))
        if way < 0.62:
            other = rng.choice((shape, shape, shape[1:], (), self._thinned(shape)))
            left, right = self.tree(shape, depth - 1), self.tree(other, depth - 1)
            operation = rng.choice(BINARY)
            if operation == "pow":
                return ("pow", left, rng.choice((2.0, 3.0, 0.5, -1.0, 1.5, 2.0)))
            return (operation, left, right) if rng.random() < 0.7 else (operation, right, left)
        if way < 0.70 and shape:
            axis = rng.randrange(len(shape))
            return ("softmax", self.tree(shape, depth - 1), {"axis": axis})
        if way < 0.85:
            return self._reduction(shape, depth)
        return self._structural(shape, depth)

    def _leaf(self, shape: Shape) -> Tree:
        rng = self.rng
        if not shape and rng.random() < 0.3:
            return rng.choice((0.0, 1.0, 2.0, 0.5, -1.0, 1e-5, 3.0))
        fitting = [name for name, own in self.inputs.items() if own == shape]
        if fitting and rng.random() < 0.7:
            return rng.choice(fitting)
        name = "abuvwxyz"[len(self.inputs)] if len(self.inputs) < 3 else None
        if name is None:
            return rng.choice(fitting) if fitting else self._filled(shape)
        self.inputs[name] = shape
        return name

    def _filled(self, shape: Shape) -> Tree:
        return ("ones", {"shape": shape}) if shape else 1.0

    def _thinned(self, shape: Shape) -> Shape:
        return tuple(self.rng.choice((n, 1)) for n in shape)

    def _reduction(self, shape: Shape, depth: int) -> Tree:
        rng = self.rng
        name = rng.choice(REDUCTIONS)
        if not shape:
            inner = rng.choice(SHAPES[:-1])
            return (name, self.tree(inner, depth - 1), {})
        axis = rng.randrange(len(shape) + 1)
        inner = (*shape[:axis], rng.choice((1, 2, 3)), *shape[axis:])
        if len(inner) > 2:
            return (rng.choice(UNARY), self.tree(shape, depth - 1))
        return (name, self.tree(inner, depth - 1), {"axis": axis})

    def _structural(self, shape: Shape, depth: int) -> Tree:
        rng = self.rng
        if len(shape) == 2:
            way = rng.randrange(4)
            if way == 0:
                return ("transpose", self.tree(shape[::-1], depth - 1))
            if way == 1:
                inner = rng.choice((1, 2, 3))
                return ("matmul", self.tree((shape[0], inner), depth - 1),
                        self.tree((inner, shape[1]), depth - 1))  # fmt: skip
            if way == 2:
                return ("outer", self.tree(shape[:1], depth - 1), self.tree(shape[1:], depth - 1))
            return ("reshape", self.tree((shape[0] * shape[1],), depth - 1), {"shape": shape})
        if len(shape) == 1:
            way = rng.randrange(3)
            if way == 0:
                inner = rng.choice((2, 3))
                return ("matmul", self.tree((*shape, inner), depth - 1),
                        self.tree((inner,), depth - 1))  # fmt: skip
            if way == 1 and shape[0] > 1:
                return ("concatenate", self.tree((1,), depth - 1),
                        self.tree((shape[0] - 1,), depth - 1))  # fmt: skip
            return ("row", self.tree((2, *shape), depth - 1), {"at": rng.randrange(2)})
        if rng.random() < 0.3:
            return ("trace", self.tree((2, 2), depth - 1))
        size = rng.choice((2, 3))
        return ("matmul", self.tree((size,), depth - 1), self.tree((size,), depth - 1))


def random_program(rng: Random) -> tuple[Tree, Arrays]:
    """A program whose output is mostly a number, and arrays for its inputs."""
    while True:
        maker = Maker(rng)
        shape = () if rng.random() < 0.75 else rng.choice(SHAPES)
        tree = maker.tree(shape, rng.choice((2, 3, 3, 4)))
        used = {name for name in maker.inputs if name in leaves_of(tree)}
        if used and any(maker.inputs[name] for name in used):
            return tree, {name: random_array(rng, maker.inputs[name]) for name in sorted(used)}


def leaves_of(tree: Tree) -> set[str]:
    """The names of a program."""
    if isinstance(tree, str):
        return {tree}
    if isinstance(tree, tuple):
        return set().union(*(leaves_of(part) for part in tree[1:] if not isinstance(part, dict)))
    return set()


def random_array(rng: Random, shape: Shape) -> Any:
    """Nested lists of a shape, of elements that are often tied; rows may be equal."""
    if not shape:
        chance = rng.random()
        if chance < 0.55:
            return rng.choice(ELEMENTS)
        return rng.choice(SPECIAL) + 0.0 if chance < 0.7 else round(rng.uniform(-3, 3), 2)
    if rng.random() < 0.15:
        part = random_array(rng, shape[1:])
        return [part] * shape[0]  # equal rows
    return [random_array(rng, shape[1:]) for _ in range(shape[0])]


def text_of(tree: Tree) -> str:
    """The program in the tool's language."""
    if isinstance(tree, str):
        return tree
    if isinstance(tree, float):
        return number(tree) if tree >= 0 else f"({number(tree)})"
    operation, *parts = tree
    keywords = parts.pop() if isinstance(parts[-1], dict) else {}
    texts = [text_of(part) for part in parts]
    if operation in OPERATIONS:
        return OPERATIONS[operation].text.format(*texts, **keywords)
    if operation == "neg":
        return f"(-{texts[0]})"
    if operation in METHODS:
        return f"({texts[0]} {METHODS[operation]} {texts[1]})"
    if operation == "row":
        return f"({texts[0]})[{keywords['at']}]"
    if operation == "ones":
        return f"ones({', '.join(map(str, keywords['shape']))})"
    if operation == "reshape":
        return f"reshape({texts[0]}, ({', '.join(map(str, keywords['shape']))}))"
    if operation == "concatenate":
        return f"concatenate([{', '.join(texts)}])"
    if operation == "transpose":
        return f"({texts[0]}).T"
    return f"{operation}({', '.join([*texts, *(f'{k}={v}' for k, v in keywords.items())])})"


# ---------------------------------------------------------------- shrinking


def simpler_program(tree: Tree, arrays: Arrays) -> Iterator[tuple[Tree, Arrays]]:
    """Programs a little smaller than one; some of them are of wrong shapes, and are refused."""
    for path, part in _places(tree):
        if isinstance(part, tuple):
            for below in part[1:]:
                if not isinstance(below, dict):
                    yield _used(replaced(tree, path, below), arrays)
            for leaf in (*arrays, 1.0, 0.0, 2.0):
                yield _used(replaced(tree, path, leaf), arrays)
    for name, x in arrays.items():
        array = np.array(x, dtype=float)
        for at in np.ndindex(array.shape):
            for value in (0.0, 1.0, 2.0):
                if len(repr(value)) < len(repr(float(array[at]))) or array[at] not in (
                    0.0,
                    1.0,
                    2.0,
                ):
                    other = array.copy()
                    other[at] = value
                    yield tree, {**arrays, name: other.tolist()}
        for axis in range(array.ndim):
            if array.shape[axis] > 1:
                yield tree, {**arrays, name: np.delete(array, -1, axis).tolist()}
        if array.ndim:
            yield tree, {**arrays, name: array[0].tolist()}


def cost_of_program(tree: Tree, arrays: Arrays) -> float:
    """The size of a program and its numbers."""
    size = sum(1 for _ in _places(tree))
    return size + sum(0.3 + len(repr(float(x))) / 40 + 0.01 * (x != 0)
                      for a in arrays.values() for x in np.ravel(a))  # fmt: skip


def _places(tree: Tree, path: tuple[int, ...] = ()) -> Iterator[tuple[tuple[int, ...], Tree]]:
    if isinstance(tree, dict):
        return
    yield path, tree
    if isinstance(tree, tuple):
        for k, part in enumerate(tree[1:], 1):
            yield from _places(part, (*path, k))


def _used(tree: Tree, arrays: Arrays) -> tuple[Tree, Arrays]:
    leaves = leaves_of(tree)
    return tree, {name: x for name, x in arrays.items() if name in leaves}
