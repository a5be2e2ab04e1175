"""Sizes: whole numbers from names and shapes, what they cost, and what is no size."""

from __future__ import annotations

import re

import numpy as np
import pytest

import gradcli
from gradcli.errors import BindingError, GradcliError, NameFault, ShapeError
from gradcli.program.reader import read as read_program

X = [[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]]
POINT = {"x": [1.0, 2.0, 3.0], "X": X, "y": 2.0}
LSTM = """
N = 5; D = 1; H = 1
x = randn(N, D); h0 = randn(N, H); c0 = randn(N, H)
Wx = randn(D, 4*H); Wh = randn(H, 4*H); b = randn(4*H); T = randn(N, H)
a = x.dot(Wx) + h0.dot(Wh) + b
i = sigmoid(a[:, 0:H])
f = sigmoid(a[:, H:2*H])
o = sigmoid(a[:, 2*H:3*H])
g = np.tanh(a[:, 3*H:])
c = f*c0 + i*g
h = o*np.tanh(c)
n, hidden = h.shape
L = np.sum((h - T)**2)/n
dh = 2*(h - T)/n
do = dh*np.tanh(c)
dc = dh*o*(1 - np.tanh(c)**2)
df = dc*c0
dc0 = dc*f
di = dc*g
dg = dc*i
da = np.zeros((n, 4*hidden))
da[:, 0:H] = di*i*(1 - i)
da[:, H:2*H] = df*f*(1 - f)
da[:, 2*H:3*H] = do*o*(1 - o)
da[:, -H:] = dg*(1 - g**2)
dx = da.dot(Wx.T)
dWx = x.T.dot(da)
dh0 = da.dot(Wh.T)
dWh = h0.T.dot(da)
db = da.sum(axis=0)
"""


def evaluated(text, settings=POINT, **options):
    words = re.findall(r"\w+", text)
    used = {name: value for name, value in settings.items() if name in words}
    return gradcli.evaluate(text, used, check=False, **options)


def refused(kind, text, settings=POINT):
    with pytest.raises(kind) as caught:
        gradcli.evaluate(text, settings, check=False)
    return caught.value


def stages(report):
    return [stage.name for stage in report.stages]


# -------------------------------------------------------------------- what is a size


@pytest.mark.parametrize(
    ("text", "literal"),
    [
        ("N = 2; sum(x[0:N])", "sum(x[0:2])"),
        ("N = 2; sum(x[-N:])", "sum(x[-2:])"),
        ("H = 1; sum(X[:, H:2*H])", "sum(X[:, 1:2])"),
        ("k = 1; X[k, k+1]", "X[1, 2]"),
        ("x[x.shape[0] - 1]", "x[2]"),
        ("x[X.size - 4]", "x[2]"),
        ("H = 5; sum(x[:floor(H/2)])", "sum(x[:2])"),
        ("H = 4; sum(x[:H/2])", "sum(x[:2])"),
        ("N = 2; H = 3; sum(np.ones((N, H))*x)", "sum(ones((2, 3))*x)"),
        ("N = 2; sum(zeros(N) + y)", "sum(zeros(2) + y)"),
        ("N = 2; sum(zeros([N, N + 1]) + y)", "sum(zeros(2, 3) + y)"),
        ("sum(zeros((X.shape[0], 4)) + y)", "sum(zeros((2, 4)) + y)"),
        ("sum(zeros(X.shape[1:]) + y)", "sum(zeros(3) + y)"),
        ("sum(zeros((X @ X.T).shape) + y)", "sum(zeros((2, 2)) + y)"),
        ("N = 2; H = 2; sum(randn(N, 2*H)*y)", "sum(randn(2, 4)*y)"),
        ("N = 4; sum(linspace(0, 1, N)*y)", "sum(linspace(0, 1, 4)*y)"),
        ("N = 3; sum(eye(N) @ x)", "sum(eye(3) @ x)"),
        ("N = 3; sum(X.reshape(N, -1)[0])", "sum(X.reshape(3, 2)[0])"),
        ("N = 3; sum(reshape(X, (N, -1))[0])", "sum(X.reshape(3, 2)[0])"),
        ("k = 1; sum(X, axis=k)[0]", "sum(X, axis=1)[0]"),
        ("k = 0; sum(sum(X, axis=(k, k+1), keepdims=k+1))", "sum(sum(X, axis=(0, 1), keepdims=1))"),
        ("k = 1; sum(X.transpose(k, 0)[0])", "sum(X.T[0])"),
        ("k = 1; sum(concatenate((X, X), axis=k)[0])", "sum(concatenate([X, X], axis=1)[0])"),
        ("N = X.shape[0]; f = sum(x[0:N])", "f = sum(x[0:2])"),
        ("N, D = X.shape; f = sum(X.reshape(D, N)[0])", "f = sum(X.reshape(3, 2)[0])"),
        ("N = 1; M = 2*N; K = M + 1; f = sum(zeros(K) + y)", "f = sum(zeros(3) + y)"),
    ],
)
def test_a_size_is_made_of_names_and_shapes_and_is_no_input_and_no_stage(text, literal):
    report, plain = evaluated(text), evaluated(literal)
    assert report.value == plain.value
    assert report.gradients == plain.gradients
    assert stages(report) == stages(plain)
    assert [s.expression for s in report.stages] == [s.expression for s in plain.stages]
    assert report.warnings == []


@pytest.mark.parametrize(
    ("text", "inputs", "names"),
    [
        ("f = sum(x[0:N])/N", ["x", "N"], ["#1", "#2", "f"]),
        ("K = N + 1; f = sum(x[0:K])*K", ["x", "N"], ["K", "#1", "#2", "f"]),
        ("K = N + 1; M = K*1; f = sum(x[0:M])*K", ["x", "N"], ["K", "#1", "#2", "f"]),
        ("f = sum(x)/x.shape[0]", ["x"], ["#1", "f"]),
        ("n = x.shape[0]; f = sum(x)/n", ["x"], ["n", "#1", "f"]),
        ("n = x.shape[0]; n == 3; f = sum(x)", ["x"], ["n", "f"]),
        ("h = 2*X; n = h.shape[0]; f = sum(x[:n])", ["x", "X"], ["h", "#1", "f"]),
    ],
)
def test_a_name_that_is_a_value_too_stays(text, inputs, names):
    report = evaluated(text, {**POINT, "N": 2.0})
    assert (list(report.inputs), stages(report)) == (inputs, names)


def test_a_size_costs_nothing_later():
    program = read_program(
        "N = 2; M = 3*N; D = (X @ W).shape[1]; f = sum(zeros((M, D)) + y)",
        settings={"X": X, "W": [[1.0], [2.0], [3.0]], "y": 1.0},
    )
    graph = program.graph
    assert list(graph.inputs) == list(program.inputs) == ["y"]
    assert [graph.gates[node].name for node in graph.gate_nodes()] == ["fill", "add", "sum"]
    assert list(program.stages) == ["f"]


@pytest.mark.parametrize(
    ("text", "literal"),
    [
        ("N = 2; W = randn(N, 2*N); sum(W*y)", "W = randn(2, 4); sum(W*y)"),
        ("n = x.shape[0]; W = np.ones((n, 1)); sum(W*x)", "W = np.ones((3, 1)); sum(W*x)"),
        ("W = zeros(x.shape); sum(W*x)", "W = zeros(3); sum(W*x)"),
        ("W = ones_like(x)/x.size; sum(W*x)", "W = ones(3)/3; sum(W*x)"),
        ("N = 2; a = randn(N); b = randn(N); sum(a*b)", "a = randn(2); b = randn(2); sum(a*b)"),
    ],
)
def test_an_array_of_sizes_alone_is_an_input_as_if_they_were_written_out(text, literal):
    report, plain = evaluated(text), evaluated(literal)
    assert list(report.inputs) == list(plain.inputs)
    assert (report.value, report.gradients) == (plain.value, plain.gradients)
    assert (stages(report), report.notes) == (stages(plain), plain.notes)


def test_such_an_array_may_be_given_another_value():
    text = "N = 2; W = zeros(N); f = sum(W*3)"
    assert evaluated(text, {"W": [1.0, 2.0]}).value == 9.0


def test_an_array_that_has_the_shape_of_a_stage_is_a_stage():
    report = evaluated("h = 2*x; m = ones_like(h); f = sum(h*m)")
    assert (list(report.inputs), stages(report)) == (["x"], ["h", "m", "#1", "f"])


def test_a_chain_of_sizes_is_read_in_one_go():
    lines = [f"n{k + 1} = n{k} + 1" for k in range(30_000)]
    text = "\n".join(["n0 = -29998", *lines, "f = sum(x[0:n30000])"])
    assert stages(evaluated(text)) == ["#1", "f"]


def test_a_size_is_never_taken_for_the_output():
    text = "f = sum(X*X); N, D = X.shape; dX = 2*X*np.ones((N, D))"
    report = gradcli.evaluate(text, {"X": X})
    assert (report.output, report.expression) == ("f", "sum(X * X)")
    assert {line.verdict for line in report.lines} == {"pass"}
    assert evaluated("N = X.shape[0]").value == 2.0


# -------------------------------------------------------------------- backward passes


def test_the_backward_pass_of_a_cell_with_gates_as_slices():
    case = gradcli.check(LSTM).cases[0]
    assert (case.verdict, case.output) == ("pass", "L")
    names = {name.partition("[")[0] for name in case.inputs}
    assert names == {"x", "h0", "c0", "Wx", "Wh", "b", "T"}
    assert [note for note in case.notes if "no gradient" in note] == ["no gradient for T"]


@pytest.mark.parametrize(
    ("right", "wrong", "line", "mistake"),
    [
        ("f*(1 - f)", "f*(1 + f)", "da[:][1:2]", "sign"),
        ("= di*i*(1 - i)", "= di*i", "da[:][0:1]", "dropped-one-minus"),
        ("2*(h - T)/n", "2*(h - T)", "dh", "missing-mean"),
    ],
)
def test_one_slip_beside_sizes_is_one_accused_line(right, wrong, line, mistake):
    case = gradcli.check(LSTM.replace(right, wrong)).cases[0]
    accused = [found for found in case.lines if found.verdict == "fail" and found.local]
    assert [found.name.replace(" ", "") for found in accused] == [line]
    assert accused[0].mistake == mistake


@pytest.mark.parametrize(
    "lines",
    [
        "dx[0:N] += 1; dx[N:] = 1",
        "dx[:x.shape[0]-1] += 1; dx[N] = 1",
        "n = x.shape[0]; dx = ones(n)",
        "n = x.shape[0]; dx = ones(n)*n/n",
    ],
)
def test_sizes_stand_in_backward_lines_and_their_targets(lines):
    case = gradcli.check(f"f = sum(x); {lines}", {"x": [1.0, 2.0, 3.0], "N": 2}).cases[0]
    assert case.verdict == "pass"
    assert {name[0] for name in case.inputs} == {"x"}


# -------------------------------------------------------------------- what is no size


@pytest.mark.parametrize(
    ("text", "message", "column"),
    [
        ("x[H]", "`H` is 2.5: an index is a whole number", 3),
        ("x[0:H]", "`H` is 2.5: an index is a whole number", 5),
        ("x[0:H*3]", "this is 7.5: an index is a whole number", 5),
        ("zeros((2, H))", "`H` is 2.5: a size is a whole number", 11),
        ("zeros(H)", "`H` is 2.5: a size is a whole number", 7),
        ("H + zeros(H)", "`H` is 2.5: a size is a whole number", 11),
        ("x.reshape(H, -1)", "`H` is 2.5: a size is a whole number", 11),
        ("linspace(0, 1, H)", "`H` is 2.5: a size is a whole number", 16),
        ("sum(x, axis=H)", "`H` is 2.5: an axis is a whole number", 13),
        ("sum(x, keepdims=H)", "`H` is 2.5: `keepdims` is a whole number", 17),
        ("x[1/0]", "this is nan: an index is a whole number", 3),
        ("zeros(x)", "`x` is an array of shape (3,): a size is a whole number", 7),
        ("zeros(root)", "`root` is computed by `sqrt`: a size is a whole number", 7),
        ("h = tanh(y); x[h]", "`h` is computed by `tanh`: an index is a whole number", 16),
        ("x[exp(y)]", "this is computed by `exp`: an index is a whole number", 3),
        ("zeros(1 - 3)", "a size cannot be negative: the shape is (-2,)", 1),
        ("N, D = x.shape", "2 names for a shape of 1 sizes", 8),
        ("x.shape[1]", "a shape of 1 sizes has no such element", 1),
    ],
)
def test_what_is_no_whole_number_known_beforehand_is_refused_at_its_place(text, message, column):
    error = refused(ShapeError, text, {**POINT, "H": 2.5, "root": "sqrt(4)"})
    assert (error.message, error.span.column) == (message, column)


def test_an_index_may_lie_far_outside():
    assert evaluated("f = sum(x[1e99:])").value == 0.0


def test_a_size_without_a_value_is_a_name_without_a_value():
    error = refused(NameFault, "sum(zeros((N, D)) + y)", {"y": 1.0})
    assert [error.message, *(other.message for other in error.also)] == [
        "`N` has no value",
        "`D` has no value",
    ]


@pytest.mark.parametrize(
    "read",
    [
        lambda text: gradcli.compile(text, inputs=["y", "N"]),
        lambda text: gradcli.compile(text, inputs={"y": 1.0, "N": 2.0}),
        lambda text: gradcli.check(text, {"y": 1.0, "N": "1:3"}),
        lambda text: gradcli.evaluate(text, {"y": 1.0, "N": "2+/-0.5"}),
    ],
    ids=["compiled", "compiled with shapes", "range", "uncertain"],
)
def test_a_size_is_one_fixed_number(read):
    with pytest.raises(ShapeError, match="`N` is not one fixed number: a size is a whole number"):
        read("sum(zeros(N) + y)")


def test_a_compiled_function_takes_what_it_was_asked_to_take():
    f = gradcli.compile("sum(zeros_like(x) + y)", inputs={"x": [1.0, 2.0], "y": 0.0})
    value, (dx, dy) = f([5.0, 6.0], 3.0)
    assert (value, dx.tolist(), dy.tolist()) == (6.0, [0.0, 0.0], 2.0)


def test_nothing_is_asked_of_a_size():
    point = {"x": [1.0, 2.0], "N": 1.0}
    for request in ({"wrt": ["N"]}, {"claims": {"N": 0.0}}):
        with pytest.raises((NameFault, BindingError)):
            gradcli.check("sum(x[0:N])", point, **request)


# -------------------------------------------------------------------- numpy's spellings


@pytest.mark.parametrize(
    ("text", "function"),
    [
        ("np.array([y, 2*y])", lambda: np.array([2.0, 4.0])),
        ("np.asarray(x) * x.copy()", lambda: np.array(POINT["x"]) ** 2),
        ("np.array((x, x))", lambda: np.array([POINT["x"]] * 2)),
        ("np.concatenate((x, x), axis=0)", lambda: np.concatenate([POINT["x"]] * 2)),
        ("np.concatenate((X, X), 1)", lambda: np.concatenate([X, X], axis=1)),
        ("np.stack((x, 2*x))", lambda: np.stack([POINT["x"], 2 * np.array(POINT["x"])])),
        ("np.stack([X, X], axis=1)", lambda: np.stack([X, X], axis=1)),
        ("np.stack([x, x], axis=-1)", lambda: np.stack([POINT["x"]] * 2, axis=-1)),
        ("X.std(axis=0)", lambda: np.std(X, axis=0)),
        ("X.var(1)", lambda: np.var(X, axis=1)),
        ("X.prod()", lambda: np.prod(X)),
        ("X.transpose()", lambda: np.transpose(X)),
        ("X.transpose(1, 0)", lambda: np.transpose(X)),
        ("X.ravel() + np.ravel(X)", lambda: 2 * np.ravel(X)),
        ("X.T.flatten()", lambda: np.transpose(X).flatten()),
        ("np.eye(2) @ X", lambda: np.array(X)),
        ("np.eye(2, 3) * X", lambda: np.eye(2, 3) * X),
        ("x / x.size", lambda: np.array(POINT["x"]) / 3),
    ],
)
def test_numpy_code_means_what_it_means_in_numpy(text, function):
    report = evaluated(f"f = {text}")
    np.testing.assert_allclose(report.value, function(), rtol=1e-14)
    words = re.findall(r"\w+", text)
    summed = gradcli.check(f"sum({text})", {n: x for n, x in POINT.items() if n in words})
    assert summed.verdict == "pass"


def test_an_identity_shows_as_it_is_written():
    report = evaluated("f = sum(eye(2) @ X)")
    assert [stage.expression for stage in report.stages] == ["eye(2, 2)", "eye(2, 2) @ X",
                                                             "sum(eye(2, 2) @ X)"]  # fmt: skip


@pytest.mark.parametrize(
    ("text", "advice"),
    [
        ("sum(np.arange(3)*x)", "linspace(0, n - 1, n)"),
        ("len(x)", "write `x.shape[0]`"),
        ("np.einsum(x, x)", "`einsum("),
        ("np.argmax(x)", "write `max(x, axis=k)`"),
        ("sum(X[range(2), x])", "`sum(p*Y, axis=1)`"),
        ("sum(x[:, None])", "write `reshape(x, (n, 1))`"),
        ("sum(x[np.newaxis, :])", "`reshape(x, (1, n))` for `x[None]`"),
        ("sum(x[x > 2])", "`x*(x > 0)` for `x[x > 0]`"),
        ("f = sum(x); dx = ones(3); dx[x <= 0] = 0", "`dx = dx*(x > 0)` for `dx[x <= 0] = 0`"),
        ("np.array([1, 2], dtype=float)", "every number is a float64"),
        ("zeroes(3)", "did you mean `zeros`?"),
    ],
)
def test_what_numpy_has_and_the_language_has_not_shows_what_to_write(text, advice):
    error = refused(GradcliError, text)
    assert advice in error.hint
    assert "did you mean" not in error.hint or "zeros" in advice
