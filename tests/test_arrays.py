"""Arrays: every gate against mpmath's differences and complex steps, over shapes; the language."""

from __future__ import annotations

import math
from zlib import crc32

import mpmath
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import gradcli
from gradcli.arithmetic.arrays import ARRAYS
from gradcli.engine import Machine, backward
from gradcli.errors import GradcliError, LimitError, ShapeError
from gradcli.evaluation.point import inputs_of as settings_of
from gradcli.gates.shapes import FUNCTIONS, broadcast
from gradcli.gates.table import BUILT_IN
from gradcli.program.reader import read
from gradcli.transform.adjoint import adjoint

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


# (our text, the same in numpy over complex numbers); x and y are the operands.
FORMULAS = {
    "x + y": lambda x, y: x + y,
    "x - y": lambda x, y: x - y,
    "x * y": lambda x, y: x * y,
    "x / y": lambda x, y: x / y,
    "x ** 3 * exp(y)": lambda x, y: x**3 * np.exp(y),
    "tanh(x) * sin(y)": lambda x, y: np.tanh(x) * np.sin(y),
    "sigmoid(x) + y": lambda x, y: 1 / (1 + np.exp(-x)) + y,
}
SHAPES = [
    ((3,), (3,)), ((2, 3), (2, 3)),  # nothing is broadcast
    ((2, 3), (3,)), ((2, 3), (2, 1)), ((2, 3), ()), ((), (4,)),  # one is, along an axis or all
    ((2, 1), (1, 3)), ((2, 1, 3), (4, 1)), ((1,), (2, 2)),  # both are, or along two axes
    ((0,), (0,)), ((2, 0), (1,)), ((0, 3), (3,)),  # empty ones
    ((), ()),
]  # fmt: skip
REDUCTIONS = {
    "sum(x{})": lambda x, **k: x.sum(**k),
    "mean(x{})": lambda x, **k: x.mean(**k),
    "var(x{})": lambda x, **k: ((x - x.mean(**{**k, "keepdims": True})) ** 2).mean(**k),
    "std(x{})": lambda x, **k: np.sqrt(((x - x.mean(**{**k, "keepdims": True})) ** 2).mean(**k)),
    "prod(x{})": lambda x, **k: x.prod(**k),
    "norm(x{})": norm,
    "logsumexp(x{})": lambda x, **k: np.log(np.exp(x).sum(**k)),
    "np.max(x{})": lambda x, **k: x.max(**k),
    "np.min(x{})": lambda x, **k: x.min(**k),
}
AXES = [
    ((3,), {}), ((2, 3), {}), ((2, 3), {"axis": 0}), ((2, 3), {"axis": 1}),
    ((2, 3), {"axis": -1, "keepdims": True}), ((2, 3, 2), {"axis": (0, 2)}),
    ((2, 3, 2), {"axis": 1}), ((1,), {}), ((1, 1), {"axis": 0}), ((2, 2), {"keepdims": True}),
]  # fmt: skip
MATRICES = [
    ((2, 3), (3, 4)), ((3,), (3,)), ((3,), (3, 2)), ((2, 3), (3,)), ((1, 1), (1, 1)),
    ((2, 0), (0, 3)), ((0, 2), (2, 3)), ((5, 2, 3), (3, 2)), ((5, 2, 3), (5, 3, 2)),
    ((2, 3), (5, 3, 2)), ((5, 2, 3), (3,)), ((3,), (5, 3, 2)), ((1, 4, 2), (3, 2, 2)),
]  # fmt: skip
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


@pytest.mark.parametrize("shapes", SHAPES, ids=str)
@pytest.mark.parametrize("text", FORMULAS)
def test_elementwise_gates_broadcast_as_numpy_does(text, shapes):
    agree(text, FORMULAS[text], draws(*shapes))


@pytest.mark.parametrize(("shape", "keywords"), AXES, ids=str)
@pytest.mark.parametrize("text", REDUCTIONS)
def test_reductions(text, shape, keywords):
    given = "".join(f", {key}={value}" for key, value in keywords.items())
    (x,) = draws(shape)
    if "max" in text or "min" in text:  # complex numbers are ordered by their real parts first
        x = np.sort(x, axis=None).reshape(shape)
    agree(text.format(given), lambda x: REDUCTIONS[text](x, **keywords), [x])


@pytest.mark.parametrize("shapes", MATRICES, ids=str)
def test_matrix_products_of_every_rank(shapes):
    agree("x @ y", np.matmul, draws(*shapes))


@pytest.mark.parametrize("text", OTHERS)
def test_other_gates(text):
    agree(text, OTHERS[text], draws((2, 3)))


@pytest.mark.parametrize("text", [*OTHERS, *(t.format(", axis=0") for t in REDUCTIONS), "x @ x.T"])
def test_the_adjoint_graph_gives_the_same_and_can_be_differentiated_again(text):
    (x,) = draws((2, 3))
    program = read(f"sum(({text})**2)", settings=[("x", x)])
    graph = program.graph
    run = Machine(graph, ARRAYS).run([x])
    backward(run, program.output, 1.0)
    twin = adjoint(graph, program.output)
    again = Machine(twin.graph, ARRAYS).run([x])
    first = twin.gradients["x"]
    np.testing.assert_allclose(again.values[first], run.gradients[graph.inputs["x"]], rtol=1e-13)
    # The second derivative along v, by a reverse sweep of the adjoint graph, against differences.
    v = np.random.default_rng(3).standard_normal(x.shape)
    backward(again, first, v)
    product = np.broadcast_to(again.gradients[twin.graph.inputs["x"]], x.shape)
    step = 1e-6
    sides = []
    for sign in (1, -1):
        moved = Machine(graph, ARRAYS).run([x + sign * step * v])
        backward(moved, program.output, 1.0)
        sides.append(np.broadcast_to(moved.gradients[graph.inputs["x"]], x.shape))
    numeric = (sides[0] - sides[1]) / (2 * step)
    np.testing.assert_allclose(product, numeric, rtol=1e-6, atol=1e-6 * (1 + abs(numeric).max()))


@pytest.mark.parametrize(
    "row", [r for r in BUILT_IN.elementwise if not r.hidden], ids=lambda r: r.name
)
def test_every_row_gives_arrays_what_it_gives_numbers(row):
    """Element by element, value and gradients, within the stated error of the gate."""
    samples = [[float(x) for x in s.split(",")] for s in row.samples.split(";")]
    size = len(samples[0])
    columns = [np.array(c) for c in zip(*[s for s in samples if len(s) == size], strict=True)]
    forward = ARRAYS.forward(row, size)(columns, tuple(range(size)))
    from gradcli.arithmetic.floats import IEEE

    pullback = ARRAYS.pullback(row, (True,) * size)
    gradients = [0.0] * (size + 1)
    if pullback:
        with np.errstate(all="ignore"):
            pullback(
                np.full(len(columns[0]), 1.5),
                [*columns, forward],
                gradients,
                size,
                tuple(range(size)),
            )
    for k, sample in enumerate(zip(*columns, strict=True)):
        values = [*map(float, sample)]
        value = IEEE.forward(row, size)(values, tuple(range(size)))
        assert forward[k] == pytest.approx(value, rel=(row.ulps + 4) * 2.0**-52, nan_ok=True)
        single = IEEE.pullback(row, (True,) * size)
        there = [0.0] * (size + 1)
        if single:
            single(1.5, [*values, value], there, size, tuple(range(size)))
        for ours, true in zip(gradients[:size], there[:size], strict=True):
            got = ours[k] if np.ndim(ours) else ours
            assert got == pytest.approx(true, rel=1e-13, nan_ok=True)


def test_every_row_has_a_shape_rule_and_mentions_only_gates():
    assert all(row.is_structural == (row.shape is not broadcast) for row in BUILT_IN)
    assert not set(FUNCTIONS) & set(BUILT_IN.rows)


@settings(deadline=None, max_examples=60)
@given(
    st.lists(st.integers(1, 3), max_size=3).flatmap(
        lambda s: st.tuples(
            st.just(tuple(s)),
            st.tuples(*[st.sampled_from([n, 1]) for n in s]).flatmap(
                lambda t: st.integers(0, len(t)).map(lambda k: t[k:])
            ),
        )
    )
)
def test_any_two_shapes_that_fit(shapes):
    agree("x * y + y", lambda x, y: x * y + y, draws(*shapes))


# ---------------------------------------------------------------- conventions


def test_ties_go_to_the_first_winner():
    report = gradcli.evaluate("x = [[1,3],[3,3]]; max(x)")
    assert report.gradients["x"] == [[0, 1], [0, 0]]
    assert gradcli.evaluate("x = [[1,3],[3,3]]; sum(np.max(x, 1))").gradients["x"] == [
        [0, 1],
        [1, 0],
    ]


def test_max_of_one_array_reduces_and_of_two_is_elementwise():
    assert gradcli.evaluate("x = [1, -2]; sum(max(x, 0))").value == 1
    assert gradcli.evaluate("x = [[1, -2], [0, 5]]; f = np.max(x, 0)").value == [1, 5]
    assert gradcli.evaluate("x = [1, -2]; max(x)").value == 1


def test_the_norm_at_zero_is_zero_and_a_kink():
    report = gradcli.evaluate("norm(x)", {"x": [0, 0]})
    assert (report.value, report.gradients["x"]) == (0, [0, 0])
    assert report.check.verdict == "kink"


@pytest.mark.parametrize(
    "text", ["mean(x)", "max(x)", "min(x)", "var(x)", "logsumexp(x)", "softmax(x)"]
)
def test_nothing_has_no_mean_and_no_maximum(text):
    with pytest.raises(GradcliError, match="of nothing"):
        gradcli.evaluate(text, {"x": []})


def test_the_sum_of_nothing_is_zero_and_the_product_one():
    assert gradcli.evaluate("sum(x)", {"x": []}).value == 0
    assert gradcli.evaluate("prod(x)", {"x": []}).value == 1


def test_empty_lists_are_arrays_without_elements():
    def value(text, x=3):
        return gradcli.evaluate(text, {"x": x}).value

    assert value("[]") == []
    assert value("[[], []]") == [[], []]
    assert value("sum([]) + x") == 3
    assert value("prod([]) + x") == 4
    assert value("concatenate([[]])") == []
    assert value("concatenate([[], [x, 2*x]])") == [3, 6]
    assert value("sum(x, axis=1)", "[[], []]") == [0, 0]
    assert value("x", "[]") == []
    report = gradcli.evaluate("sum(concatenate([[], x*[1, 2]]))", {"x": 3})
    assert (report.gradients["x"], report.check.verdict) == (3, "pass")
    assert report.expression == "sum(concatenate([[], x * [1, 2]]))"
    with pytest.raises(GradcliError, match=r"outside a list of 0$"):
        value("[][0]")


def test_the_maximum_of_no_rows_has_the_gradient_of_no_rows():
    zeros = np.zeros((0, 3))
    report = gradcli.evaluate("x = zeros((0, 3)); y = x*1; max(y, axis=1)", upstream="ones")
    assert report.value == []
    program = read("max(x, axis=1)", settings={"x": zeros})
    run = Machine(program.graph, ARRAYS).run([zeros])
    backward(run, program.output, np.zeros(0))
    assert run.gradients[program.inputs["x"]].shape == (0, 3)


def test_no_array_has_more_axes_than_every_numpy_has():
    assert gradcli.evaluate(f"reshape(x, {(1,) * 32})", {"x": 5}).value
    for axes in (33, 65):
        with pytest.raises(LimitError, match=f"at most 32 axes, this has {axes}"):
            gradcli.evaluate(f"sum(reshape(x, {(1,) * axes}))", {"x": [1]})


@pytest.mark.parametrize("text", ["w = [2, 3]; sin(y)", "w = randn(3); sin(y)"])
def test_arrays_that_are_not_used_stand_beside_numbers(text):
    assert gradcli.evaluate(text, {"y": 1}).value == math.sin(1)
    assert gradcli.check(text, {"y": 1}).verdict == "pass"
    assert gradcli.compile(text, ["y"])(1.0) == (math.sin(1), [math.cos(1)])
    assert gradcli.evaluate(text, {"y": "1+/-0.1"}).uncertainty["inputs"] == {"y": 0.1}


def test_a_number_may_be_worked_out_from_arrays():
    assert gradcli.evaluate("sin(y)", {"y": "sum([1, 2])"}).value == math.sin(3)
    assert gradcli.evaluate("sin(y)", {"y": "sum(2)"}).value == math.sin(2)
    drawn = gradcli.evaluate("y*1", {"y": "randn()"})
    assert drawn.value == drawn.inputs["y"] == np.random.default_rng((0, crc32(b"y"), 0)).normal()
    assert gradcli.evaluate("x*y", {"x": 5, "y": 2}, upstream="sum([1, 2])").gradients["x"] == 6
    assert gradcli.check("x*y", {"x": 5, "y": 2}, {"x": "sum([1, 1])"}).verdict == "pass"


def test_a_note_names_at_most_three_of_many_cures():
    report = gradcli.evaluate("sum(exp(x) - 1)", {"x": "randn(400) * 1e-9"}, check=False)
    (note,) = [note for note in report.notes if "cancels" in note]
    assert note.endswith("; use expm1(x[0]), expm1(x[1]), expm1(x[2]) and 397 more")


def test_a_product_with_zeros_has_its_gradient():
    assert gradcli.evaluate("prod(x)", {"x": [0, 3, 4]}).gradients["x"] == [12, 0, 0]
    assert gradcli.evaluate("prod(x)", {"x": [0, 0, 4]}).gradients["x"] == [0, 0, 0]


def derivatives_of_a_product(x, axes, number):
    """The partial derivatives of prod(x, axes), `number` of them, by leaving factors out."""
    kept = x.prod(axis=axes, keepdims=True).shape
    found = np.zeros((*kept, *x.shape * number))
    for places in np.ndindex(*x.shape * number):
        chosen = [places[k : k + x.ndim] for k in range(0, len(places), x.ndim)]
        groups = {tuple(0 if k in axes else n for k, n in enumerate(at)) for at in chosen}
        if len(groups) == 1 and len(set(chosen)) == number:
            left = x.copy()
            for at in chosen:
                left[at] = 1
            (group,) = groups
            found[(*group, *places)] = left.prod(axis=axes, keepdims=True)[group]
    return found


@pytest.mark.parametrize("zeros", [0, 1, 2, 5])
@pytest.mark.parametrize(("shape", "axes"), [
    ((4,), (0,)), ((1,), (0,)), ((2, 3), (0,)), ((2, 3), (1,)), ((2, 3), (0, 1)),
    ((2, 2, 3), (0, 2)), ((2, 3, 2), (1,)),
], ids=str)  # fmt: skip
@pytest.mark.parametrize("kept", ["", ", keepdims=True"])
def test_derivatives_of_products_with_zeros(shape, axes, kept, zeros):
    """Of the first and second order, exactly: small whole numbers round nothing."""
    from gradcli.tasks.rows_of_arrays import hessian, jacobian

    rng = np.random.default_rng(zeros)
    x = rng.choice([-3.0, -2.0, 2.0, 5.0], shape)
    x.flat[rng.choice(x.size, min(zeros, x.size), replace=False)] = 0.0
    program = read(f"prod(x, axis={axes}{kept})", settings=[("x", x)])
    point = settings_of(program)
    found = jacobian(program.graph, program.output, point)["x"].values
    expected = derivatives_of_a_product(x, axes, 1)
    np.testing.assert_array_equal(found.ravel(), expected.ravel())
    weights = np.arange(2.0, 2.0 + np.size(x.prod(axis=axes)))
    value = program.graph.shape(program.output)
    program = read(f"sum(w * prod(x, axis={axes}{kept}))",
                   settings=[("x", x), ("w", weights.reshape(value))])  # fmt: skip
    second = hessian(program.graph, program.output, settings_of(program))["x"]["x"].values
    expected = derivatives_of_a_product(x, axes, 2).reshape(-1, *shape, *shape)
    np.testing.assert_array_equal(second, np.tensordot(weights, expected, 1))


def test_a_product_can_be_differentiated_as_often_as_one_likes():
    """d3/dx0dx1dx2 of x0 x1 x2 x3 is x3, zeros or not."""
    for x in ([2.0, 3.0, 5.0, 7.0], [0.0, 3.0, 0.0, 7.0]):
        program = read("prod(x)", settings=[("x", x)])
        graph, output = program.graph, program.output
        for k in range(3):
            graph, _, gradients = adjoint(graph, output)
            output = graph.node(BUILT_IN["index"], (gradients["x"], graph.static((k,))))
        run = Machine(graph, ARRAYS).run([np.array(x)])
        assert run.values[output] == 7


@pytest.mark.parametrize(("shape", "axes"), [
    ((0,), (0,)), ((2, 0), (1,)), ((2, 0), (0,)), ((0, 3), (0, 1)), ((3, 0, 2), (0, 2)),
], ids=str)  # fmt: skip
def test_products_of_nothing(shape, axes):
    agree(f"prod(x, axis={axes})", lambda x: x.prod(axis=axes), [np.zeros(shape)])
    program = read(f"sum(prod(x, axis={axes}))", settings=[("x", np.zeros(shape))])
    from gradcli.tasks.rows_of_arrays import hessian

    second = hessian(program.graph, program.output, settings_of(program))
    assert second["x"]["x"].values.shape == (*shape, *shape)


@pytest.mark.parametrize(("text", "label", "expression"), [
    ("prod(x)", "prod", "prod(x)"),
    ("prod(x, axis=-1)", "prod", "prod(x, axis=1)"),
    ("np.prod(x * x, 0)", "prod", "prod(x * x, axis=0)"),
    ("prod(x, axis=(0, 1), keepdims=True)", "prod", "prod(x, keepdims=True)"),
    ("np.outer(x[0], x)", "outer", "outer(x[0], x)"),
    ("np.linspace(0, x[0, 0], 3)", "linspace", "linspace(0, x[0, 0], 3)"),
])  # fmt: skip
def test_a_gate_of_the_language_is_one_stage(text, label, expression):
    report = gradcli.evaluate(text, {"x": [[1.0, 2.0], [3.0, 4.0]]}, check=False)
    assert (report.stages[-1].label, report.stages[-1].expression) == (label, expression)
    assert [stage.gate for stage in report.stages[:-1]] in ([], ["mul"], ["index"])


def test_products_are_not_lost_on_the_way():
    """Large and small factors meet before they leave the range of float64."""
    report = gradcli.evaluate("prod(x)", {"x": [1e200, 1e200, 1e-200, 1e-200]}, check=False)
    assert report.value == pytest.approx(1, rel=1e-15)


def test_zero_upstream_meets_infinite_operands_of_an_outer_product():
    point = {"x": [1, 2], "y": [math.inf, 3]}
    report = gradcli.evaluate("D = outer(x, y); f = D[0, 1]", point, check=False)
    assert report.gradients == {"x": [3, 0], "y": [0, 1]}
    report = gradcli.evaluate("outer(x, y)", point, jacobian=True, check=False)
    assert report.jacobian["x"][0][1] == [3, 0]


def test_rows_of_infinite_gradients_stay_rows():
    from gradcli.arithmetic.stacked import IN_ROWS, Rows, rows

    x, g = draws((2, 3), (4, 3, 5))
    x[0, 1], g[1, 1, 2] = 0.0, math.inf
    with ARRAYS.quiet():
        found = IN_ROWS.function("mix")(x, rows(g))
        expected = [ARRAYS.function("mix")(x, part) for part in g]
    assert isinstance(found, Rows)
    np.testing.assert_array_equal(found, expected)


@pytest.mark.parametrize(("start", "stop"), [(0.1, 0.7), (-3.0, 1e17), (2.0, 2.0), (5.0, -1 / 3)])
@pytest.mark.parametrize("size", [0, 1, 2, 3, 50])
def test_linspace_ends_where_it_should(start, stop, size):
    found = gradcli.evaluate(f"linspace(a, b, {size})", {"a": start, "b": stop}, check=False).value
    np.testing.assert_allclose(found, np.linspace(start, stop, size), rtol=1e-14, atol=1e-15)
    assert found[:1] == [start] * min(1, size)
    assert found[1:][-1:] == [stop] * (size > 1)


@pytest.mark.parametrize(("text", "message"), [
    ("sum(eye(-1))*x[0]", "cannot be negative: the shape is .-1, -1"),
    ("sum(zeros(-1))*x[0]", "cannot be negative"), ("ones((2, -1)) * x[0]", "cannot be negative"),
    ("x[0]*sum(randn(-1))", "cannot be negative"), ("x[0]*sum(randn(-2, 3))", "cannot be negative"),
    ("linspace(x[0], 1, -1)", "cannot be negative"), ("reshape(x, (-2, -3))", "cannot be negative"),
    ("reshape(x, (-1, -1))", "only one size can be -1"), ("x.reshape(4, -1)", "in place of -1"),
    ("reshape(x, (0, -1))", "in place of -1"), ("reshape(x, 7)", r"\(7,\) needs 7"),
    ("linspace(x, 1, 3)", "from a number to a number"), ("linspace(0, [1, 2], 3)", "to a number"),
])  # fmt: skip
def test_shapes_that_do_not_exist(text, message):
    with pytest.raises(ShapeError, match=message) as caught:
        gradcli.evaluate(text, {"x": [1, 2, 3, 4, 5, 6]})
    assert caught.value.span is not None


@pytest.mark.parametrize(("given", "shape"), [
    ("[]", (0,)), ("[[], []]", (2, 0)), ("[[[]]]", (1, 1, 0)), ("zeros((3, 0))", (3, 0)),
])  # fmt: skip
def test_arrays_of_nothing_can_be_written(given, shape):
    report = gradcli.evaluate("sum(A) + 2*prod(A)", {"A": given})
    assert report.value == 2
    assert np.shape(report.gradients["A"]) == shape[: 1 + shape.index(0)]
    assert gradcli.evaluate(f"x*sum({given}) + x", {"x": 3.0}).gradients == {"x": 1}
    with pytest.raises(ShapeError, match="parts of a list"):
        gradcli.evaluate("sum(A)", {"A": "[[], [1]]"})


def test_zero_upstream_meets_infinite_entries_of_a_matrix():
    report = gradcli.evaluate(
        "D = W @ X; f = D[0, 0]", {"W": [[1, 2], [3, 4]], "X": [[1, math.inf], [2, 3]]}, check=False
    )
    assert report.gradients["W"] == [[1, 2], [0, 0]]


def test_random_numbers_follow_the_seed_and_each_name_has_its_own():
    def value(text, **k):
        return gradcli.evaluate(text, **k).inputs

    first = value("a = randn(2); b = randn(2); sum(a*b)")
    assert first["a"] != first["b"]
    assert first["a"] == value("c = 1; a = randn(2); sum(a)*c")["a"]
    seeded = value("np.random.seed(3); a = randn(2); sum(a)")
    assert seeded == value("# gradcli: seed 3\na = randn(2); sum(a)")
    assert seeded == value("a = randn(2); sum(a)", seed=3) != value("a = randn(2); sum(a)")
    report = gradcli.evaluate("a = randn(2); sum(a)")
    assert any("seed 0" in note for note in report.notes)


def test_the_vectorised_snippet_of_the_lecture():
    text = """
# forward pass
W = np.random.randn(5, 10)
X = np.random.randn(10, 3)
D = W.dot(X)

# now suppose we had the gradient on D from above in the circuit
dD = np.random.randn(*D.shape) # same shape as D
dW = dD.dot(X.T) #.T gives the transpose of the matrix
dX = W.T.dot(dD)
"""
    case = gradcli.check(text).cases[0]
    assert (case.verdict, len(case.inputs)) == ("pass", 80)
    wrong = gradcli.check(text.replace("dW = dD.dot(X.T)", "dW = 2 * dD.dot(X.T)")).cases[0]
    assert wrong.verdict == "fail"
    turned = gradcli.check(text.replace("dW = dD.dot(X.T)", "dW = X.dot(dD.T)")).cases[0]
    assert [line.name for line in turned.lines if line.verdict == "fail"] == ["dW"]
    assert any("`dD.dot(X.T)`" in (line.reason or "") for line in turned.lines)


def test_the_quadratic_form_of_the_lecture():
    text = "q = W.dot(x); f = sum(q**2); dq = 2*q; dW = outer(dq, x); dx = W.T.dot(dq)"
    case = gradcli.check(text, {"W": [[0.1, 0.5], [-0.3, 0.8]], "x": [0.2, 0.4]}).cases[0]
    assert case.verdict == "pass"
    report = gradcli.evaluate(text, {"W": [[0.1, 0.5], [-0.3, 0.8]], "x": [0.2, 0.4]})
    np.testing.assert_allclose(report.gradients["W"], [[0.088, 0.176], [0.104, 0.208]], rtol=1e-14)
    np.testing.assert_allclose(report.gradients["x"], [-0.112, 0.636], rtol=1e-14)


def test_many_digits_stand_behind_an_element():
    """softplus far out: float64 differences lose it, the verdict is pass all the same."""
    report = gradcli.evaluate("sum(softplus(x))", {"x": [-700.0, 30.0]})
    assert report.check.verdict == "pass"
    assert report.gradients["x"][0] == pytest.approx(float(mpmath.exp(-700)), rel=1e-13)


WHOLE = [text for text in OTHERS if not text.startswith(("where", "linspace"))]


@pytest.mark.parametrize("text", WHOLE)
def test_bounds_and_many_digits_hold_for_every_gate(text):
    """Value and gradients of a program of numbers in 40 digits lie within the bounds of arrays."""
    from gradcli.arithmetic.bounds.arrays import ARRAY_BOUNDS
    from gradcli.arithmetic.digits import digits
    from gradcli.transform.elements import Circuit

    (x,) = draws((2, 3))
    program = read(f"sum(sin({text}))", settings=[("x", x)])
    graph, many = program.graph, digits(40)
    run = Machine(graph, ARRAY_BOUNDS).run([ARRAY_BOUNDS.exactly(x)])
    backward(run, program.output, ARRAY_BOUNDS.number(1.0))
    circuit = Circuit(graph)
    leaves = [many.number(float(v)) for v in x.flat]
    true = Machine(circuit.graph, many).run(leaves)
    output = int(circuit.elements[program.output])
    backward(true, output, many.number(1.0))
    bounded = run.values[program.output]
    assert abs(true.values[output] - bounded.value) <= bounded.error < 1e-11
    slope = run.gradients[graph.inputs["x"]]
    errors = np.broadcast_to(
        slope.error if np.ndim(slope.error) else float(slope.error or 0), x.shape
    )
    exact = [true.gradients[int(node)] for node in circuit.elements[graph.inputs["x"]].flat]
    values = np.broadcast_to(slope.value, x.shape)
    for value, error, expected in zip(values.flat, errors.flat, exact, strict=True):
        assert abs(expected - value) <= error < 1e-9


@pytest.mark.parametrize(("size", "is_small"), [(5, True), (9, False)])
def test_inverses_of_many_rows_are_not_taken_apart(size, is_small):
    from gradcli.transform.elements import small_circuit

    program = read("sum(inv(A) @ b)", settings=[("A", np.eye(size) + 0.1), ("b", np.ones(size))])
    assert (small_circuit(program.graph) is not None) == is_small
    report = gradcli.evaluate("sum(solve(A, b))", {"A": np.eye(size) * 2 + 0.1, "b": np.ones(size)})
    assert report.check.verdict == "pass"


def test_nothing_warns_and_infinities_are_noted():
    report = gradcli.evaluate("sum(log(x))", {"x": [0.0, 1.0]})
    assert report.value == -math.inf
    assert report.notes


def test_the_limit_on_arrays_is_stated_before_memory_is_taken():
    with pytest.raises(GradcliError, match="--max-array"):
        gradcli.evaluate("sum(zeros((100000, 100000))) + x", {"x": 1})


def test_jacobians_and_hessians():
    """Against complex steps and known matrices."""
    from gradcli.tasks.rows_of_arrays import hessian, jacobian

    a, x = draws((3, 2), (2,))
    program = read("A @ x * x[0]", settings=[("A", a), ("x", x)])
    found = jacobian(program.graph, program.output, settings_of(program))
    expected = a * x[0] + np.outer(a @ x, [1, 0])
    np.testing.assert_allclose(found["x"].values, expected, rtol=1e-13)
    assert found["A"].values.shape == found["A"].bounds.shape == (3, 3, 2)
    program = read("sum((A @ x)**2) + y", settings=[("A", a), ("x", x), ("y", 3.0)])
    second = hessian(program.graph, program.output, settings_of(program))
    np.testing.assert_allclose(second["x"]["x"].values, 2 * a.T @ a, rtol=1e-12)
    assert second["A"]["x"].values.shape == second["A"]["x"].bounds.shape == (3, 2, 2)
    assert not second["x"]["y"].values.any()
    assert second["y"]["y"].values == 0


ROWED = [
    "x * y + x", "x / (1 + y**2)", "tanh(x) * x[0]", "x @ x.T", "x @ y", "y @ x.T", "x.T.dot(x)",
    "sum(x, axis=0) * y", "mean(x, axis=1)", "var(x, axis=0)", "std(x, axis=1, keepdims=True)",
    "softmax(x, axis=1)", "logsumexp(x, axis=0)", "np.max(x, axis=1)", "norm(x, axis=0)",
    "prod(x, axis=1)", "prod(x)", "prod(x, axis=0) * y", "outer(x, y)", "outer(y[0], x.T)",
    "linspace(x[0, 0] * y[0], y[1]**2, 4)", "concatenate([x, x * x], axis=0)[1:3]", "[x[0], y, x[1] * y]",
    "reshape(x, (3, 2)) * 2", "trace(x @ x.T) * y", "max(x, y)", "min(x, y, 0.1)", "hypot(x, y)",
    "where(x > 0, x, y)", "outer(y, x[0])", "x[:, 1:] - y[0]", "abs(x) * relu(y)",
    "reshape(x, (2, 1, 3)) + reshape(x, (1, 2, 3))", "reshape(x, (2, 1, 3)) @ (x.T @ x)",
]  # fmt: skip


@pytest.mark.parametrize("text", ROWED)
def test_many_rows_of_a_jacobian_in_one_sweep_are_those_of_single_sweeps(text, monkeypatch):
    """Also of the adjoint graph, for Hessians, and with fewer rows at once than there are."""
    from gradcli.tasks import rows_of_arrays as room

    x, y = draws((2, 3), (3,), seed=4)
    program = read(f"f = {text}", settings=[("x", x), ("y", y)])
    point = settings_of(program)
    run = Machine(program.graph, ARRAYS).run(point)
    expected = {n: [] for n in program.graph.inputs}
    shape = np.shape(run.values[program.output])
    for at in np.ndindex(shape):
        unit = np.zeros(shape)
        unit[at] = 1.0
        backward(run, program.output, unit)
        for name, node in program.graph.inputs.items():
            size = program.graph.shape(node)
            expected[name].append(np.broadcast_to(run.gradients[node], size))
    for most in (10**6, 1):
        monkeypatch.setattr(room, "MOST_AT_ONCE", most)
        for is_plain in (True, False):  # the sweeps with bounds give the same numbers
            found = room.jacobian(program.graph, program.output, point, is_plain=is_plain)
            for name, parts in expected.items():
                assert (found[name].bounds is None) == is_plain
                flat = found[name].values.reshape(len(parts), *parts[0].shape)
                np.testing.assert_allclose(flat, parts, rtol=1e-13, atol=1e-15)
    scalar = read(f"f = sum(({text})**2)", settings=[("x", x), ("y", y)])
    once = room.hessian(scalar.graph, scalar.output, point, is_plain=True)
    monkeypatch.setattr(room, "MOST_AT_ONCE", 10**6)
    again = room.hessian(scalar.graph, scalar.output, point, is_plain=True)
    bounded = room.hessian(scalar.graph, scalar.output, point)
    for name, row in again.items():
        for other, block in ((other, block.values) for other, block in row.items()):
            np.testing.assert_allclose(block, once[name][other].values, rtol=1e-12, atol=1e-13)
            np.testing.assert_allclose(block, bounded[name][other].values, rtol=1e-12, atol=1e-13)
            mirrored = np.moveaxis(once[other][name].values, range(np.ndim(point[[*row].index(other)])),
                                   range(-np.ndim(point[[*row].index(other)]), 0))  # fmt: skip
            np.testing.assert_allclose(block, mirrored, rtol=1e-10, atol=1e-11)


def test_eval_gives_jacobians_and_hessians():
    report = gradcli.evaluate("x**2 * y", {"x": [1.0, 2.0], "y": 3.0}, jacobian=True)
    assert report.jacobian == {"x": [[6.0, 0.0], [0.0, 12.0]], "y": [1.0, 4.0]}
    report = gradcli.evaluate("x**2 * y", {"x": 2.0, "y": 3.0}, hessian=True)
    assert report.hessian == {"x": {"x": 6.0, "y": 4.0}, "y": {"x": 4.0, "y": 0.0}}
    assert "jacobian" not in report.as_dict()
    with pytest.raises(GradcliError, match="one number"):
        gradcli.evaluate("x*2", {"x": [1, 2]}, hessian=True)


def test_a_program_keeps_its_own_seed_unless_another_is_asked_for():
    text = "np.random.seed(7)\nx = randn(2)\nf = sum(x**2)\ndx = 2*x"
    own = gradcli.check(text).cases[0].inputs["x[0]"].claim
    assert own == gradcli.evaluate(text).gradients["x"][0]
    assert own != gradcli.check(text, seed=3).cases[0].inputs["x[0]"].claim


def test_a_compiled_function_of_arrays():
    """Against the formula, at other points than it was compiled for; names may be unused."""
    f = gradcli.compile(
        "b = [1, 2]; f = sum((W @ x + b)**2)", {"W": np.eye(2), "x": [0, 0], "unused": 1.0}
    )
    w, x = draws((2, 2), (2,), seed=9)
    value, (dw, dx, none) = f(w, x, 3.0)
    r = w @ x + [1, 2]
    assert value == pytest.approx(r @ r, rel=1e-14)
    np.testing.assert_allclose(dw, 2 * np.outer(r, x), rtol=1e-13)
    np.testing.assert_allclose(dx, 2 * w.T @ r, rtol=1e-13)
    assert none.shape == ()
    dw[:] = 0  # the caller's own
    np.testing.assert_allclose(f(w, x, 3.0)[1][0], 2 * np.outer(r, x), rtol=1e-13)


@pytest.mark.parametrize("values", [
    ([1, 2], [1, 2]), ("a", [1, 2]), (np.eye(2),), (np.eye(2), [[1], [2, 3]]), (np.eye(2), None),
])  # fmt: skip
def test_a_compiled_function_of_arrays_refuses_other_values(values):
    f = gradcli.compile("sum(W @ x)", {"W": np.eye(2), "x": [0, 0]})
    with pytest.raises(GradcliError):
        f(*values)


def test_what_cannot_be_compiled_or_bound_is_a_gradcli_error():
    with pytest.raises(GradcliError, match="one number"):
        gradcli.compile("W @ x", {"W": np.eye(2), "x": [0, 0]})
    with pytest.raises(GradcliError, match="is a number, got str"):
        gradcli.compile("x*y", ["x", "y"])("a", 2)
    for bindings in (5, {5: 5}, ["ab", "c"], [("x", 1, 2)]):
        with pytest.raises(GradcliError):
            gradcli.evaluate("x", bindings)


# ---------------------------------------------------------------- what is given to the API


def test_arrays_work_wherever_nested_lists_do():
    ones = np.ones(3)
    report = gradcli.evaluate("x*2", {"x": ones}, upstream=ones)
    assert report.gradients == {"x": [2.0, 2.0, 2.0]}
    assert (
        gradcli.check("x*2", {"x": ones}, claims={"x": 2 * ones}, upstream=ones).verdict == "pass"
    )
    assert gradcli.evaluate("x", {"x": np.array(2)}, upstream=np.array(3)).gradients["x"] == 3


@pytest.mark.parametrize(("value", "said"), [
    (np.array([1j]), "ndarray of dtype complex128"), (np.array(1j), "ndarray of dtype complex128"),
    (np.complex64(1), "complex64"), (np.array(["a"]), "ndarray of dtype <U1"),
    (np.array([None]), "ndarray of dtype object"), ({1}, "set"), (b"1", "bytes"),
    (np.datetime64("2020"), "datetime64"), ([1, 2j], "complex"), ([np.ones(2), "M"], "M"),
])  # fmt: skip
def test_what_is_no_array_of_numbers_is_an_error_that_names_it(value, said):
    for call in (
        lambda: gradcli.evaluate("sum(x)", {"x": value}),
        lambda: gradcli.evaluate("x", {"x": [1, 2]}, upstream=value),
        lambda: gradcli.check("sum(x)", {"x": [1, 2]}, claims={"x": value}),
    ):
        with pytest.raises(GradcliError, match=said):
            call()


@pytest.mark.parametrize("size", [3, 3000])
def test_a_claim_of_another_shape_is_told_with_both_shapes(size):
    x = np.ones(size)
    with pytest.raises(ShapeError, match=rf"has shape \(2,\), `x` has shape \({size},\)"):
        gradcli.check("sum(x)", {"x": x}, claims={"x": np.ones(2)})
    with pytest.raises(ShapeError, match=rf"is one number, `x` has shape \({size},\)"):
        gradcli.check("sum(x)", {"x": x}, claims={"x": 2})


def test_an_uncertainty_needs_an_output_of_one_number():
    for asked in ({}, {"upstream": "ones"}, {"jacobian": True}):
        with pytest.raises(ShapeError, match="an output of one number"):
            gradcli.evaluate("x*2", {"x": "[1,2]+/-0.1"}, **asked)
    found = gradcli.evaluate("sum(x*2)", {"x": "[1,2]+/-0.1*2"}).uncertainty
    assert found["value"] == pytest.approx(math.hypot(0.4, 0.4))
    with pytest.raises(LimitError, match="uncertainties"):
        gradcli.evaluate("sum(x@x)", {"x": "ones(100,100)+/-0.1"}, check=False)
