"""Formulas of arrays and their complex steps, for the tests of gates and of what holds around them."""

from __future__ import annotations

import numpy as np

from gradcli.arithmetic.arrays import ARRAYS
from gradcli.engine import Machine, backward
from gradcli.evaluation.point import inputs_of as settings_of
from gradcli.program.reader import read

H = 1e-30  # a complex step cancels nothing, so it may be as small as it likes


def softmax(x, axis):
    e = np.exp(x - x.real.max(axis=axis, keepdims=True))
    return e / e.sum(axis=axis, keepdims=True)


def norm(x, **axis):
    return np.sqrt((x * x).sum(**axis))


def factor(a):
    """Cholesky's, of complex numbers that are not conjugated: the lower triangle is read."""
    lower = np.zeros_like(a)
    for k in range(len(a)):
        column = a[k:, k] - lower[k:] @ lower[k]
        lower[k:, k] = column / np.sqrt(column[0])
    return lower


def pick(*rows):
    return lambda x: x[rows]


OTHERS = {
    "x.T": lambda x: x.T,
    "x[0]": lambda x: x[0],
    "x[-1, 1]": lambda x: x[-1, 1],
    "x[:, 1:]": lambda x: x[:, 1:],
    "x[1:2]": lambda x: x[1:2],
    "x.reshape(-1)": lambda x: x.reshape(-1),
    "reshape(x, (3, 2))": lambda x: x.reshape(3, 2),
    "transpose(x, (1, 0))": lambda x: x.T,
    "[x[0], 2*x[1], x[0]]": lambda x: np.stack([x[0], 2 * x[1], x[0]]),
    "[x[0, 0], 3, x[1, 2]*x[0, 0]]": lambda x: np.array([x[0, 0], 3, x[1, 2] * x[0, 0]]),
    "concatenate([x, x*x, x], axis=1)": lambda x: np.concatenate([x, x * x, x], axis=1),
    "concatenate([x, x*x])": lambda x: np.concatenate([x, x * x]),
    "outer(x[0], x[1])": lambda x: np.outer(x[0], x[1]),
    "outer(x, x.T)": lambda x: np.outer(x, x.T),  # flattened
    "outer(x[0, 1], x)": lambda x: np.outer(x[0, 1], x),
    "trace(x @ x.T)": lambda x: np.trace(x @ x.T),
    "linspace(x[0, 0], x[1, 1], 5)": lambda x: x[0, 0] + (x[1, 1] - x[0, 0]) * np.arange(5) / 4,
    "linspace(x[0, 0], x[1, 1], 1)": lambda x: x[:1, 0],
    "linspace(x[0, 0], 2, 3)": lambda x: np.stack([x[0, 0], x[0, 0] / 2 + 1, 2 + 0j]),
    "prod(x)": lambda x: x.prod(),
    "softmax(x, axis=0)": lambda x: softmax(x, 0),
    "softmax(x, axis=1)": lambda x: softmax(x, 1),
    "where(x > 0, x*x, exp(x))": lambda x: np.where(x.real > 0, x * x, np.exp(x)),
    "max(x, 0)": lambda x: np.where(x.real > 0, x, 0),
    "relu(x)": lambda x: np.where(x.real > 0, x, 0),
    "x * zeros_like(x) + ones(2, 3) + zeros((1, 3)) * x": lambda x: 1 + 0 * x,
    "logsumexp(x, 2*x, 0)": lambda x: np.log(np.exp(x) + np.exp(2 * x) + 1),
    "hypot(x, 2)": lambda x: np.sqrt(x * x + 4),
    "flip(x)": np.flip,
    "flip(x, axis=1)": np.fliplr,
    "flipud(x) + x": lambda x: np.flipud(x) + x,
    "roll(x, 1)": lambda x: np.roll(x, 1),
    "np.roll(x, -2, 1)": lambda x: np.roll(x, -2, 1),
    "rot90(x)": np.rot90,
    "tril(x)": np.tril,
    "triu(x, 1)": lambda x: np.triu(x, 1),
    "pad(x, 1)": lambda x: np.pad(x, 1),
    "pad(x, ((0, 1), (2, 0)))": lambda x: np.pad(x, ((0, 1), (2, 0))),
    'pad(x, 1, "reflect")': lambda x: np.pad(x, 1, "reflect"),
    "take(x, [2, 0, 2], axis=1)": lambda x: np.take(x, [2, 0, 2], axis=1),
    "x.take([1, 4])": lambda x: np.take(x, [1, 4]),
    "gather(x, [1, 0, 1])": lambda x: x[[1, 0, 1]],
    "x[[0, 1, 1], [2, 0, 0]]": pick([0, 1, 1], [2, 0, 0]),
    "x[:, [0, 0, 2]]": pick(slice(None), [0, 0, 2]),
    "x[-1:, [1]]": pick(slice(-1, None), [1]),
    "take_along_axis(x, [[1, 1], [0, 2]], 1)": lambda x: np.take_along_axis(
        x, np.array([[1, 1], [0, 2]]), 1
    ),
    "scatter(x, [2, 0], 4)": lambda x: np.stack([x[1], 0 * x[0], x[0], 0 * x[0]]),
    "scatter(x[0], [1, 1, 0], 2)": lambda x: np.stack([x[0, 2], x[0, 0] + x[0, 1]]),
    "one_hot([1, 0, 1], 2) @ x": lambda x: np.eye(2)[[1, 0, 1]] @ x,
    "diag(x[0]) @ x.T": lambda x: np.diag(x[0]) @ x.T,
    "diagonal(x, 1)": lambda x: np.diagonal(x, 1),
    "repeat(x, 2, axis=0)": lambda x: np.repeat(x, 2, axis=0),
    "tile(x, (1, 2))": lambda x: np.tile(x, (1, 2)),
    "swapaxes(x, 0, 1)": lambda x: x.T,
    "moveaxis(x, 0, -1)": lambda x: x.T,
    "cumsum(x)": np.cumsum,
    "cumsum(x, axis=0)": lambda x: np.cumsum(x, axis=0),
    "x.cumsum(-1)": lambda x: np.cumsum(x, axis=-1),
    "cumprod(x)": np.cumprod,
    "np.cumprod(x, 1)": lambda x: np.cumprod(x, axis=1),
    "cumprod(x * [1, 0, 2], axis=1)": lambda x: np.cumprod(x * [1, 0, 2], axis=1),
    "diff(x)": np.diff,
    "diff(x, axis=0)": lambda x: np.diff(x, axis=0),
    "diff(x, 2)": lambda x: np.diff(x, 2),
    "sort(x)": np.sort,
    "sort(x, axis=0)": lambda x: np.sort(x, axis=0),
    "log_softmax(x, axis=1)": lambda x: np.log(softmax(x, 1)),
    "softmin(x, axis=0)": lambda x: softmax(-x, 0),
    "kron(x, x)": lambda x: np.kron(x, x),
    "kron(x[0], x)": lambda x: np.kron(x[0], x),
    "cross(x, x[0] * [1, 0, 2])": lambda x: np.cross(x, x[0] * [1, 0, 2]),
    "cross(x[1], x[0])": lambda x: np.cross(x[1], x[0]),
    "var(x, axis=0, ddof=1)": lambda x: ((x - x.mean(axis=0)) ** 2).sum(axis=0),
    "std(x, ddof=1)": lambda x: np.sqrt(((x - x.mean()) ** 2).sum() / 5),
    "x.var(ddof=2)": lambda x: ((x - x.mean()) ** 2).sum() / 4,
    "norm(x[0], 1) + norm(x[1], ord=3)": lambda x: (
        (x[0] * np.sign(x[0].real)).sum() + ((x[1] * np.sign(x[1].real)) ** 3).sum() ** (1 / 3)
    ),
    "norm(x, 'fro')": norm,
    "norm(x, inf)": lambda x: max((x * np.sign(x.real)).sum(axis=1), key=lambda total: total.real),
    "norm(x, 1)": lambda x: max((x * np.sign(x.real)).sum(axis=0), key=lambda total: total.real),
    "np.linalg.norm(x, ord=-inf, axis=1)": lambda x: np.array(
        [min(row * np.sign(row.real), key=lambda size: size.real) for row in x]
    ),
    "inv(x @ x.T)": lambda x: np.linalg.inv(x @ x.T),
    "inv(reshape(x, (6, 1, 1)))": lambda x: 1 / x.reshape(6, 1, 1),
    "inv([x[:, 1:], x[:, 0:2]])": lambda x: np.linalg.inv(np.stack([x[:, 1:], x[:, :2]])),
    "solve(x[:, 1:], x)": lambda x: np.linalg.solve(x[:, 1:], x),
    "np.linalg.solve(x @ x.T, x[:, 0])": lambda x: np.linalg.solve(x @ x.T, x[:, 0]),
    "det(x.T @ x + eye(3))": lambda x: np.linalg.det(x.T @ x + np.eye(3)),
    "det([x[:, 1:], x[:, 0:2]])": lambda x: np.linalg.det(np.stack([x[:, 1:], x[:, :2]])),
    "logdet(x[:, 1:])": lambda x: np.log(np.linalg.det(x[:, 1:]) ** 2) / 2,
    "slogdet(x[:, 1:])[1] * slogdet(x[:, 1:])[0]": lambda x: (
        np.log(np.linalg.det(x[:, 1:]) ** 2) / 2 * np.sign(np.linalg.det(x[:, 1:].real))
    ),
    "cholesky(x @ x.T + eye(2))": lambda x: factor(x @ x.T + np.eye(2)),
    "cholesky(eye(3) + 0.1 * x.T @ x + [[0], [1], [0]] @ x[0:1] * 0)": lambda x: factor(
        np.eye(3) + 0.1 * x.T @ x
    ),
    'einsum("ij,kj->ik", x, x)': lambda x: x @ x.T,
    'np.einsum("ij,ij->i", x, x)': lambda x: (x * x).sum(axis=1),
    'einsum("ij->ji", x)': lambda x: x.T,
    'einsum("ii", x[:, 1:])': lambda x: np.trace(x[:, 1:]),
    'einsum("ij,jk,lk", x, x.T, x.T)': lambda x: np.einsum("ij,jk,lk", x, x.T, x.T),
    'einsum("...j,kj->...k", x, x)': lambda x: x @ x.T,
    'einsum("i,j->ij", x[0], x[1])': lambda x: np.outer(x[0], x[1]),
    "x.dot(x.T).sum(axis=0).mean()": lambda x: (x @ x.T).sum(axis=0).mean(),
}


def draws(*shapes, seed=0):
    rng = np.random.default_rng(seed)
    return [
        np.asarray(rng.uniform(0.2, 1.5, shape) * rng.choice([-1, 1], shape)) for shape in shapes
    ]


def complex_step(function, operands, weights):
    """The gradient of sum(weights * function) by each operand, one element at a time."""
    found = []
    for which, operand in enumerate(operands):
        gradient = np.zeros(operand.shape)
        for at in np.ndindex(operand.shape):
            moved = [np.array(x, dtype=complex) for x in operands]
            moved[which][at] += 1j * H
            gradient[at] = np.sum(weights * function(*moved)).imag / H
        found.append(gradient)
    return found


def agree(text, function, operands, names="xy"):
    """Value, vector-Jacobian product, and the same from the adjoint graph."""
    used = [(n, x) for n, x in zip(names, operands, strict=False)]
    program = read(text, settings=used)
    run = Machine(program.graph, ARRAYS).run(settings_of(program))
    value = run.values[program.output]
    expected = function(*[np.array(x, dtype=complex) for _, x in used])
    assert np.shape(value) == np.shape(expected) == program.graph.shape(program.output)
    np.testing.assert_allclose(value, np.real(expected), rtol=1e-12, atol=1e-14)
    weights = np.random.default_rng(1).standard_normal(np.shape(value))
    backward(run, program.output, weights[()])
    true = complex_step(function, [x for _, x in used], weights)
    for (name, x), gradient in zip(used, true, strict=True):
        found = run.gradients[program.graph.inputs[name]]
        assert np.shape(found) in (x.shape, ())
        np.testing.assert_allclose(
            np.broadcast_to(found, x.shape), gradient, rtol=1e-11, atol=1e-13
        )
    return program, run
