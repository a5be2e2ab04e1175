"""Arrays: every gate against mpmath's differences and complex steps, over shapes; the language."""

from __future__ import annotations

import numpy as np
import pytest
from array_programs import OTHERS, agree, draws, norm
from hypothesis import given, settings
from hypothesis import strategies as st

from gradcli.arithmetic.arrays import ARRAYS
from gradcli.engine import Machine, backward
from gradcli.gates.shapes import FUNCTIONS, broadcast
from gradcli.gates.table import BUILT_IN
from gradcli.program.reader import read
from gradcli.transform.adjoint import adjoint

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
