"""Arrays where numpy has a convention of its own: ties, empty ones, shapes, products."""

from __future__ import annotations

import math
from zlib import crc32

import mpmath
import numpy as np
import pytest
from array_programs import OTHERS, agree, draws

import gradcli
from gradcli.arithmetic.arrays import ARRAYS
from gradcli.engine import Machine, backward
from gradcli.errors import GradcliError, LimitError, ShapeError
from gradcli.evaluation.point import inputs_of as settings_of
from gradcli.gates.table import BUILT_IN
from gradcli.program.reader import read
from gradcli.transform.adjoint import adjoint

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
