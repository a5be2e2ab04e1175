"""Random programs around one operation of `matrix_operations`, and the arrays they are run on.

Matrices are well conditioned, singular, or nearly so; elements are often tied.
"""

from __future__ import annotations

from random import Random
from typing import Any

import numpy as np

from tests.hunt.array_trees import BINARY, UNARY, Arrays, Shape, Tree, leaves_of, random_array
from tests.hunt.matrix_operations import MATRICES, OPERATIONS

AROUND = ("sum", "sum", "norm", "max", "logsumexp", "mean")
NEARLY = (0.0, 2.0**-50, 1e-9, 1e-5, 1e-100)


def random_matrix_program(rng: Random) -> tuple[Tree, Arrays]:
    """A program of one operation, within others or bare, and its arrays."""
    name = rng.choice([*OPERATIONS, *MATRICES])
    shapes, keywords = rng.choice(OPERATIONS[name].cases)
    arrays: Arrays = {}
    operands = [_operand(rng, shape, arrays, name) for shape in shapes]
    if len(shapes) == 2 and shapes[0] == shapes[1] and rng.random() < 0.3:
        operands[1] = operands[0]
    tree: Tree = (name, *operands, dict(keywords))
    way = rng.random()
    if way < 0.35:
        whole = tree
    elif way < 0.6:
        whole = (rng.choice(AROUND), tree, {})
    elif way < 0.8:
        whole = (rng.choice(AROUND), (rng.choice(UNARY), tree), {})
    else:
        whole = ("sum", ("mul", ("square", tree), tree), {})
    return whole, {key: x for key, x in arrays.items() if key in leaves_of(whole)}


def _operand(rng: Random, shape: Shape, arrays: Arrays, name: str) -> Tree:
    """An input of a shape, or a gate of some."""
    leaf = "abuv"[len(arrays)]
    is_matrix = name in MATRICES and len(shape) > 1 and shape[-1] == shape[-2]
    arrays[leaf] = _matrices(rng, shape) if is_matrix else random_array(rng, shape)
    way = rng.random()
    if way < 0.65 or (is_matrix and way < 0.85):
        return leaf
    if way < 0.85:
        return (rng.choice(UNARY), leaf)
    operation = rng.choice([x for x in BINARY if x != "pow"])
    return (operation, leaf, rng.choice((leaf, 1.0, 0.5)))


def _matrices(rng: Random, shape: Shape) -> Any:
    """A stack of square matrices."""
    if len(shape) > 2:
        return [_matrices(rng, shape[1:]) for _ in range(shape[0])]
    size, way = shape[0], rng.random()
    if way < 0.2:
        return random_array(rng, shape)
    whole = np.array(
        [[rng.choice((-2, -1, 0, 1, 1, 2, 3)) for _ in range(size)] for _ in range(size)]
    )
    if way < 0.5:
        return (whole @ whole.T + np.eye(size)).tolist()
    if way < 0.7 and size > 1:  # the last row is a multiple of the first, or nearly
        whole = whole.astype(float)
        whole[-1] = rng.choice((1, 2, -1, 0.1)) * whole[0]
        whole[-1, -1] += rng.choice(NEARLY)
        return whole.tolist()
    if way < 0.85:
        scale = rng.choice((1e-160, 1e-8, 1e8, 1e150))
        return (scale * (whole + 4 * np.eye(size))).tolist()
    return np.round(whole + 3 * np.eye(size) + rng.random(), 3).tolist()
