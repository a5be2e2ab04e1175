"""Products and linear algebra of numpy and scipy.linalg, as rows."""

from __future__ import annotations

import ast
from collections.abc import Callable
from functools import partial
from itertools import zip_longest
from math import prod
from typing import Any

import numpy as np

from gradcli.gates.shapes import Shape
from gradcli.graph.einsum import einsum_node
from gradcli.python.rows.reductions import axes_of
from gradcli.python.rows.shapes import as_data, transpose
from gradcli.python.state import indexing
from gradcli.python.state.operators import MUL, SUB, matmul, operate
from gradcli.python.state.reader import Reader
from gradcli.python.state.tape import Tape, refuse_large
from gradcli.python.state.values import Array, Content

PARTS = 3  # of a vector in space


def dot(reader: Reader, a: Any, b: Any) -> Any:
    """`np.dot` of numbers, vectors, matrices, and arrays of more axes."""
    tape, left, right = reader.tape, reader.content(a), reader.content(b)
    ranks = len(tape.shape(left)), len(tape.shape(right))
    if 0 in ranks:
        return reader.wrap(tape.apply(MUL, left, right))
    if ranks[1] <= 2 and (ranks[0] <= 2 or ranks[1] == 1):
        return reader.wrap(matmul(tape, left, right))
    return tensordot(reader, a, b, (-1, -2 if ranks[1] > 1 else -1))


def multiply_matrices(reader: Reader, a: Any, b: Any) -> Any:
    """`np.matmul`."""
    return reader.wrap(matmul(reader.tape, reader.content(a), reader.content(b)))


def tensordot(reader: Reader, a: Any, b: Any, axes: Any = 2) -> Any:
    """`np.tensordot`: axes moved together, then one matrix product."""
    tape, left, right = reader.tape, reader.content(a), reader.content(b)
    shapes = tape.shape(left), tape.shape(right)
    axes = as_data(reader, axes)
    if isinstance(axes, (int, np.integer)):
        axes = [*range(len(shapes[0]) - axes, len(shapes[0]))], [*range(axes)]
    pairs = [
        [int(k) % len(shape) for k in np.atleast_1d(part)]
        for part, shape in zip(axes, shapes, strict=True)
    ]
    rest = [[k for k in range(len(s)) if k not in p] for s, p in zip(shapes, pairs, strict=True)]
    inner = prod(shapes[0][k] for k in pairs[0])
    outer = [[s[k] for k in r] for s, r in zip(shapes, rest, strict=True)]
    if inner != prod(shapes[1][k] for k in pairs[1]):
        reader.fail(f"shapes {shapes[0]} and {shapes[1]} do not fit along these axes")
    one = tape.reshape(tape.transpose(left, (*rest[0], *pairs[0])), (prod(outer[0]), inner))
    other = tape.reshape(tape.transpose(right, (*pairs[1], *rest[1])), (inner, prod(outer[1])))
    return reader.wrap(tape.reshape(matmul(tape, one, other), (*outer[0], *outer[1])))


def inner(reader: Reader, a: Any, b: Any) -> Any:
    """`np.inner`."""
    if not reader.tape.shape(reader.content(a)) or not reader.tape.shape(reader.content(b)):
        return dot(reader, a, b)
    return tensordot(reader, a, b, (-1, -1))


def vdot(reader: Reader, a: Any, b: Any) -> Any:
    """`np.vdot`: the sum of all products."""
    tape = reader.tape
    flat = [tape.reshape(c, (prod(tape.shape(c)),)) for c in map(reader.content, (a, b))]
    return reader.wrap(matmul(tape, *flat))


def outer(reader: Reader, a: Any, b: Any) -> Any:
    """`np.outer`."""
    tape, left, right = reader.tape, reader.content(a), reader.content(b)
    if tape.is_known(left) and tape.is_known(right):
        return reader.wrap(tape.data(_outer(tape, left, right)))
    return reader.wrap(tape.gate("outer", tape.node(left), tape.node(right)))


def _outer(tape: Tape, left: Content, right: Content) -> Any:
    refuse_large(left.size * right.size)
    return np.outer(left, right)


def outer_of(kind: type) -> Callable[..., Any]:
    """`np.add.outer` and its like."""

    def row(reader: Reader, a: Any, b: Any) -> Any:
        tape, left, right = reader.tape, reader.content(a), reader.content(b)
        rank = len(tape.shape(right))
        raised = tape.reshape(left, (*tape.shape(left), *(1,) * rank))
        return reader.wrap(operate(tape, kind, raised, right))

    return row


def kron(reader: Reader, a: Any, b: Any) -> Any:
    """`np.kron` of matrices."""
    product = einsum(reader, "ij,kl->ikjl", a, b)
    n, k, m, j = reader.tape.shape(product.content)
    return reader.wrap(reader.tape.reshape(product.content, (n * k, m * j)))


def trace(reader: Reader, x: Any) -> Any:
    """`np.trace`."""
    content = reader.content(x)
    if reader.tape.is_known(content):
        return reader.wrap(reader.tape.data(np.trace(content)))
    return reader.wrap(reader.tape.gate("trace", content))


def chain(reader: Reader, parts: Any) -> Any:
    """`np.linalg.multi_dot`."""
    first, *rest = reader.iterate(parts)
    for part in rest:
        first = dot(reader, first, part)
    return first


# ---------------------------------------------------------------- einsum


class _Maker:
    """Makes the nodes of an Einstein sum on the tape."""

    def __init__(self, reader: Reader) -> None:
        self.reader = reader

    def shape(self, node: int) -> Shape:
        """The sizes of a node's axes."""
        shape: Shape = self.reader.tape.graph.shape(node)
        return shape

    def gate(self, name: str, *operands: int | tuple[Any, ...]) -> int:
        """The node of a gate; tuples are static operands."""
        tape: Tape = self.reader.tape
        return tape.gate(name, *[tape.static(x) if isinstance(x, tuple) else x for x in operands])

    def fail(self, message: str, hint: str | None = None) -> Any:
        """Refuse the call."""
        return self.reader.fail(message, hint)


def einsum(reader: Reader, subscripts: Any, *operands: Any, **_: Any) -> Any:
    """`np.einsum`: products of all operands along letters, summed over those the result has not."""
    if not isinstance(subscripts, str):
        reader.fail("`np.einsum` is read with its subscripts as a text")
    tape, contents = reader.tape, [reader.content(operand) for operand in operands]
    if all(map(tape.is_known, contents)):
        try:
            made = tape.products(_products(subscripts, contents), np.einsum, subscripts, *contents)
            return reader.wrap(tape.data(made))
        except ValueError as error:
            reader.fail(str(error))
    return reader.wrap(einsum_node(_Maker(reader), subscripts, [*map(tape.node, contents)]))


def _products(subscripts: str, contents: list[Content]) -> int:
    """How many products an einsum of known data takes: one for every choice of its letters."""
    terms = subscripts.partition("->")[0].replace(" ", "").replace("...", "").split(",")
    sizes = {  # an ellipsis stands for the axes that have no letter
        letter or (axis, len(content.shape)): size
        for term, content in zip(terms, contents, strict=False)
        for axis, (letter, size) in enumerate(zip_longest(term, content.shape))
        if size is not None
    }
    return prod(sizes.values())


# ---------------------------------------------------------------- linear algebra


def _of_matrix(tape: Tape, function: Callable[..., Any], matrix: Content, *others: Any) -> Any:
    """What numpy makes of a known matrix, in about as many products as one with itself takes."""
    columns = matrix.shape[-1] if matrix.ndim else 1
    return tape.products(matrix.size * columns, function, matrix, *others)


def _square(reader: Reader, matrix: Content) -> Content:
    """A matrix that depends on inputs, and has as many rows as columns."""
    shape = reader.tape.shape(matrix)
    if len(shape) < 2 or shape[-1] != shape[-2]:
        reader.fail(f"this needs a square matrix, the shape is {shape}")
    return matrix


def _finite(reader: Reader, node: Content, words: str) -> Content:
    """What a gate of matrices gives; numpy refuses what gives nan."""
    if np.isnan(reader.tape.value(node)).any():
        reader.fail(words)
    return node


def solve(reader: Reader, a: Any, b: Any, **_: Any) -> Any:
    """`np.linalg.solve`."""
    tape, matrix, right = reader.tape, reader.content(a), reader.content(b)
    if tape.is_known(matrix) and tape.is_known(right):
        return reader.wrap(tape.data(_of_matrix(tape, np.linalg.solve, matrix, right)))
    solution = tape.gate("solve", tape.node(_square(reader, matrix)), tape.node(right))
    return reader.wrap(_finite(reader, solution, "Singular matrix"))


def inverse(reader: Reader, a: Any) -> Any:
    """`np.linalg.inv`."""
    tape, matrix = reader.tape, reader.content(a)
    if tape.is_known(matrix):
        return reader.wrap(tape.data(_of_matrix(tape, np.linalg.inv, matrix)))
    made = tape.gate("inv", _square(reader, matrix))
    return reader.wrap(_finite(reader, made, "Singular matrix"))


DECOMPOSITIONS: dict[str, Callable[..., Any]] = {
    "qr": np.linalg.qr, "svd": np.linalg.svd, "eig": np.linalg.eig, "eigh": np.linalg.eigh,
    "eigvalsh": np.linalg.eigvalsh,
}  # fmt: skip


def of_data(name: str) -> Callable[..., Any]:
    """A decomposition of a matrix that is known, such as the orthogonal start of a weight."""

    def row(reader: Reader, a: Any, *options: Any, **named: Any) -> Any:
        tape, matrix = reader.tape, reader.content(a)
        if not tape.is_known(matrix):
            reader.fail(f"`np.linalg.{name}` of what depends on inputs is not read",
                        "only its results can be given, as inputs")  # fmt: skip
        decompose = partial(DECOMPOSITIONS[name], **named)
        parts = _of_matrix(tape, decompose, matrix, *options)
        several = isinstance(parts, tuple)
        wrapped = tuple(reader.wrap(tape.data(part)) for part in (parts if several else [parts]))
        return wrapped if several else wrapped[0]

    return row


def determinant(reader: Reader, a: Any) -> Any:
    """`np.linalg.det`."""
    tape, matrix = reader.tape, reader.content(a)
    if tape.is_known(matrix):
        return reader.wrap(tape.data(_of_matrix(tape, np.linalg.det, matrix)))
    return reader.wrap(tape.gate("det", _square(reader, matrix)))


def slogdet(reader: Reader, a: Any) -> Any:
    """`np.linalg.slogdet`: the sign, and the logarithm of the size of the determinant."""
    tape, matrix = reader.tape, reader.content(a)
    if tape.is_known(matrix):
        parts = _of_matrix(tape, np.linalg.slogdet, matrix)
        return tuple(reader.wrap(tape.data(part)) for part in parts)
    logs = tape.gate("logdet", _square(reader, matrix))
    signs, _ = np.linalg.slogdet(tape.value(matrix))
    return reader.wrap(tape.data(signs)), reader.wrap(logs)


def cholesky(reader: Reader, a: Any, **keywords: Any) -> Any:
    """`np.linalg.cholesky`: the lower triangle."""
    tape, matrix = reader.tape, reader.content(a)
    is_lower = keywords.get("lower", True)
    if tape.is_known(matrix):
        factor = _of_matrix(tape, np.linalg.cholesky, matrix)
        return reader.wrap(tape.data(factor if is_lower else factor.T))
    made = tape.gate("cholesky", _square(reader, matrix))
    _finite(reader, made, "Matrix is not positive definite")
    return reader.wrap(made if is_lower else tape.transpose(made, (1, 0)))


def power_of_matrix(reader: Reader, a: Any, n: int) -> Any:
    """`np.linalg.matrix_power`, by squares."""
    if n < 0:
        return power_of_matrix(reader, inverse(reader, a), -n)
    whole: Any = Array(np.eye(reader.tape.shape(reader.content(a))[0]))
    while n:
        if n & 1:
            whole = multiply_matrices(reader, whole, a)
        n >>= 1
        a = multiply_matrices(reader, a, a) if n else a
    return whole


def cross(reader: Reader, a: Any, b: Any, axis: int = -1) -> Any:
    """`np.cross` of vectors with three parts along the last axis."""
    tape, left, right = reader.tape, reader.content(a), reader.content(b)
    shapes = tape.shape(left), tape.shape(right)
    last = len(shapes[0]) - 1
    if not all(shapes) or axes_of(reader, axis, last + 1) != (last,):
        reader.fail("`np.cross` is read for vectors along the last axis")
    for shape in shapes:
        if shape[-1] != PARTS:
            reader.fail(f"`np.cross` is read for {PARTS} parts of vectors, not for {shape[-1]}")

    def turned(content: Content, order: list[int]) -> Content:
        return indexing.get(tape, content, (Ellipsis, np.array(order)))

    one = tape.apply(MUL, turned(left, [1, 2, 0]), turned(right, [2, 0, 1]))
    other = tape.apply(MUL, turned(left, [2, 0, 1]), turned(right, [1, 2, 0]))
    return reader.wrap(tape.apply(SUB, one, other))


ROWS: dict[str, Callable[..., Any]] = {
    "dot": dot, "matmul": multiply_matrices, "tensordot": tensordot, "inner": inner, "vdot": vdot,
    "outer": outer, "kron": kron, "trace": trace, "einsum": einsum, "cross": cross,
    "multiply.outer": outer_of(ast.Mult), "add.outer": outer_of(ast.Add),
    "subtract.outer": outer_of(ast.Sub), "divide.outer": outer_of(ast.Div),
    **{f"linalg.{name}": of_data(name) for name in DECOMPOSITIONS},
    "linalg.multi_dot": chain, "linalg.solve": solve, "linalg.inv": inverse,
    "linalg.pinv": inverse, "linalg.det": determinant, "linalg.slogdet": slogdet,
    "linalg.cholesky": cholesky, "linalg.matrix_power": power_of_matrix,
    "matrix_transpose": transpose,
}  # fmt: skip
