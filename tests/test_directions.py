"""Arrays checked as wholes: complex steps, random directions, bisection, lines of large programs."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import gradcli
from gradcli.arithmetic.arrays import ARRAYS
from gradcli.arithmetic.complex_steps import STEP, STEPS
from gradcli.arithmetic.floats import IEEE
from gradcli.checker.directions import check_wholes
from gradcli.checker.patterns import pattern
from gradcli.checker.question import Question
from gradcli.checker.slopes import Place
from gradcli.engine import Machine, backward
from gradcli.evaluation.point import Point
from gradcli.gates.table import BUILT_IN
from gradcli.graph.nodes import Graph
from gradcli.program.reader import read
from gradcli.requests import TOLERANCE

SAMPLES = Path(__file__).parent.parent / "sample_exprs"

TWO_LAYERS = """
np.random.seed(1)
X = randn(32, 60); W1 = randn(60, 140)*0.1; b1 = zeros(140)
W2 = randn(140, 10)*0.1; b2 = zeros(10); Y = randn(32, 10)
h = np.maximum(X.dot(W1) + b1, 0)
s = h.dot(W2) + b2
f = sum((s - Y)**2)/32
ds = 2*(s - Y)/32
dW2 = h.T.dot(ds)
db2 = np.sum(ds, axis=0)
dh = ds.dot(W2.T)
dW1 = X.T.dot(dh*(h > 0))
db1 = np.sum(dh*(h > 0), axis=0)
""".strip()  # about 10,000 parameters


def case(text, bindings=(), **asked):
    return gradcli.check(text, bindings, **asked).cases[0]


# ---------------------------------------------------------------- complex steps


@pytest.mark.parametrize(
    "row", [r for r in BUILT_IN.elementwise if not r.hidden], ids=lambda r: r.name
)
def test_complex_steps_give_the_local_gradients(row):
    """On numbers and on arrays, by operand; the sample points lie away from kinks."""
    for sample in row.samples.split(";"):
        point = [float(x) for x in sample.split(",")]
        graph = Graph()
        operands = tuple(graph.input(f"x{k}") for k in range(len(point)))
        output = graph.add(row, operands)
        run = Machine(graph, IEEE).run(point)
        backward(run, output, 1.0)
        machine = Machine(graph, STEPS)
        for k, operand in enumerate(operands):
            if row.name == "where" and k == 0:
                continue  # a condition that moves is a jump
            slope = run.gradients[operand]
            for shape, direction in (((), 1.0), ((2,), np.array([1.0, -1.0]))):
                there = [x + np.zeros(shape) for x in point]
                there[k] = there[k] + 1j * STEP * direction
                found = machine.run(there).values[output]
                np.testing.assert_allclose(np.real(found), run.values[output] + np.zeros(shape))
                np.testing.assert_allclose(
                    np.imag(found) / STEP, slope * direction, rtol=1e-10, atol=1e-290
                )


@pytest.mark.parametrize(
    ("text", "left", "right"),
    [
        ("relu(x)", 0, 1), ("abs(x)", -1, 1), ("max(x, 2*x)", 1, 2), ("min(x, 2*x)", 2, 1),
        ("sqrt(x*x)", -1, 1), ("sqrt(prod([x, x]))", -1, 1), ("norm([x, 2*x, 2*x])", -3, 3), ("hypot(x, 2*x)", -(5**0.5), 5**0.5),
        ("np.max([x, -x])", -1, 1), ("leaky_relu(x, 0.1)", 0.1, 1), ("x if x > 0 else 3*x", 3, 1),
        ("x*abs(x)", 0, 0), ("std([x, -x])", -1, 1), ("x**2", 0, 0),
    ],
)  # fmt: skip
def test_one_sided_slopes_at_kinks(text, left, right):
    """f(x) at 0, by the difference quotients a reader can work out."""
    program = read(f"sum([{text}])", settings=[("x", 0.0)])
    run = Machine(program.graph, ARRAYS).run([0.0])
    slope = Place(Point(program, run, 1.0, {})).slope(program.inputs["x"], np.array(1.0))
    assert (slope.left, slope.right) == pytest.approx((left, right), abs=1e-30)


@pytest.mark.parametrize("text", ["floor(x)", "ceil(x)", "round(x+0.5)", "step(x)", "x > 0"])
def test_jumps_are_seen(text):
    found = case(f"sum({text}) + sum(x**2)", {"x": [0.0, 0.3]}, max_elements=0)
    assert found.verdict == "undefined"
    assert "jumps" in found.inputs["x"].reason


@pytest.mark.parametrize(("x", "slope"), [
    ([2, 3, 5, 7], [105, 70, 42, 30]), ([0, 3, 5, 7], [105, 0, 0, 0]), ([0, 0, 5, 7], [0] * 4),
])  # fmt: skip
def test_steps_through_products_with_zeros(x, slope):
    """From both sides alike, and the checker finds the gradient right, as a whole too."""
    program = read("prod(x)", settings=[("x", x)])
    run = Machine(program.graph, ARRAYS).run([np.array(x, dtype=float)])
    place = Place(Point(program, run, 1.0, {}))
    for k, expected in enumerate(slope):
        found = place.slope(program.inputs["x"], np.eye(4)[k])
        assert (found.left, found.right) == (expected, expected)
    assert case("prod(x)", {"x": x}, max_elements=0).verdict == "pass"


@given(st.integers(0, 2**32 - 1))
@settings(max_examples=30, deadline=None)
def test_slopes_agree_with_the_engine(seed):
    """Along any direction of any input, for a program with most of the array gates."""
    rng = np.random.default_rng(seed)
    text = """
    p = softmax(x @ W + b, axis=1); q = logsumexp(x * c, axis=0); r = std(W, axis=1)
    t = np.max(x, axis=1); u = concatenate([q, r], axis=0)
    f = sum(p * log(p + 1)) + norm(u) + mean(var(p, axis=0)) + prod(t) + trace(W.T @ W)
    """
    point = {"x": rng.standard_normal((4, 3)), "W": rng.standard_normal((3, 5)),
             "b": rng.standard_normal(5), "c": rng.standard_normal((4, 1))}  # fmt: skip
    program = read(text, settings=point)
    run = Machine(program.graph, ARRAYS).run([point[n] for n in program.graph.inputs])
    backward(run, program.output, 1.0)
    place = Place(Point(program, run, 1.0, {}))
    for name, leaf in program.inputs.items():
        v = rng.standard_normal(point[name].shape)
        slope = place.slope(leaf, v)
        assert slope.left == slope.right
        expected = np.sum(run.gradients[leaf] * v)
        scale = np.sum(np.abs(run.gradients[leaf] * v))
        assert abs(slope.right - expected) <= 1e-13 * scale


# ---------------------------------------------------------------- verdicts on wholes


def point_of(text, point):
    program = read(text, settings=point)
    run = Machine(program.graph, ARRAYS).run([np.asarray(point[n])[()] for n in program.inputs])
    backward(run, program.output, 1.0)
    return Point(program, run, 1.0, {}), program.inputs, run.gradients


@pytest.mark.parametrize("factor", [2.0, 1.001, -1.0, 0.0, 1 + 3e-6, float("nan")])
@pytest.mark.parametrize("scale", [1.0, 1e-12, 1e9])
def test_a_single_wrong_element_is_named(factor, scale):
    """Also one so small that no sum would show it."""
    rng = np.random.default_rng(5)
    weights = np.ones((30, 50))
    weights[7, 9] = scale
    w = rng.standard_normal((30, 50))
    right = weights * np.cos(w)
    wrong = right.copy()
    wrong[7, 9] *= factor
    point = {"c": weights.tolist(), "W": w.tolist()}
    assert case("sum(c*sin(W))", point, claims={"W": right.tolist()}, wrt=["W"]).verdict == "pass"
    found = case("sum(c*sin(W))", point, claims={"W": wrong.tolist()}, wrt=["W"])
    assert found.verdict == "fail"
    assert [*found.inputs] == ["W", "W[7][9]"]
    assert found.inputs["W[7][9]"].numeric == pytest.approx(right[7, 9], rel=1e-13)
    assert "1 of 1500 elements is wrong: W[7][9]" in found.inputs["W"].reason


def test_a_fault_of_the_engine_is_found_by_halving():
    """The reverse sweep is wrong at three places, and no claim says where."""
    rng = np.random.default_rng(6)
    point, inputs, gradients = point_of("sum(tanh(x @ W))", {
        "x": rng.standard_normal((20, 30)), "W": rng.standard_normal((30, 40)),
    })  # fmt: skip
    wrong = gradients[inputs["W"]].copy()
    for at in ((3, 4), (3, 5), (29, 39)):
        wrong[at] *= 1.01
    answer = check_wholes(point, [Question("W", inputs["W"], wrong)], TOLERANCE)
    assert {*answer} == {"W", "W[3][4]", "W[3][5]", "W[29][39]"}
    assert {check.verdict for check in answer.values()} == {"fail"}
    right = check_wholes(point, [Question("W", inputs["W"], gradients[inputs["W"]])], TOLERANCE)
    assert right["W"].verdict == "pass"


def test_halving_takes_few_slopes(monkeypatch):
    rng = np.random.default_rng(7)
    point, inputs, gradients = point_of("sum(W**3)", {"W": rng.standard_normal((100, 100))})
    wrong = gradients[inputs["W"]].copy()
    wrong[55, 66] += 1
    counted = []
    slope = Place.slope
    monkeypatch.setattr(Place, "slope", lambda *given: counted.append(1) or slope(*given))
    answer = check_wholes(point, [Question("W", inputs["W"], wrong)], TOLERANCE)
    assert "W[55][66]" in answer
    assert len(counted) <= 3 + 14 + 1  # directions, log2 of 10,000, the element itself


def test_rounding_is_not_called_a_mistake():
    """The engine's gradient is spoilt by an addition that float64 cannot hold."""
    text = "a = (x + 1e16) - 1e16; f = sum(a**2); da = 2*a; dx = 2*x"
    found = case(text, {"x": [0.3, 1.7, 2.2]}, max_elements=0)
    assert found.inputs["x"].verdict in ("inconclusive", "pass")
    assert all(line.verdict != "fail" for line in found.lines)


def test_kinks_of_whole_arrays():
    """relu of zeros: 0, 1 and what lies between are legal, 2 is not."""
    point = {"x": [[0.0, 1.0], [-2.0, 0.0]]}
    for slope, verdict in ((0.0, "kink"), (1.0, "kink"), (0.3, "kink"), (2.0, "fail")):
        claim = [[slope, 1.0], [0.0, slope]]
        found = case("sum(relu(x))", point, claims={"x": claim}, max_elements=0)
        assert found.verdict == verdict, slope
    assert case("sum(relu(x))", point, max_elements=0).verdict == "kink"
    assert case("norm(x)", {"x": [0.0, 0.0]}, max_elements=0).verdict == "kink"


def test_what_is_not_finite_has_no_verdict():
    assert case("sum(log(x))", {"x": [0.0, 1.0]}, max_elements=0).verdict == "undefined"
    found = case("sum(sqrt(x))", {"x": [0.0, 1.0]}, max_elements=0)
    assert found.verdict == "inconclusive"


def test_array_outputs_are_checked_with_their_upstream_gradient():
    found = case("x @ W", {"x": "randn(40, 50)", "W": "randn(50, 30)"}, upstream="ones")
    assert found.verdict == "pass"
    assert found.inputs["W"].directions == 3
    too_large = case("x @ W", {"x": "randn(40, 50)", "W": "randn(50, 30)"})
    assert too_large.verdict == "inconclusive"


def test_the_budget_is_kept():
    found = case("sum(x @ W)", {"x": "randn(40, 50)", "W": "randn(50, 30)"}, budget=100)
    assert found.verdict == "inconclusive"
    assert any("--check-budget" in note for note in found.notes)


def test_what_is_too_large_for_elements_is_checked_as_wholes():
    """Stages that count fewer gates than their circuit has were not checked, and no note said so."""
    text = "x"
    for _ in range(70):
        text = f"softmax({text}, axis=1)"
    report = gradcli.evaluate(f"sum({text}*y)", {"x": "randn(8, 10)", "y": "randn(8, 10)"})
    assert report.check.verdict == "pass"
    assert any("random directions" in note for note in report.notes)
    unchecked = gradcli.evaluate(f"sum({text})", {"x": "randn(8, 10)"}, check_budget=1)
    assert unchecked.check is None
    assert any("--check-budget" in note for note in unchecked.notes)


def test_claims_on_values_of_arrays():
    text = "q = W @ x; f = sum(q**2); q == {}; f == {}"
    point = {"W": "[[1,2],[3,4]]", "x": "[1,1]"}
    assert case(text.format("[3, 7]", 58), point, max_elements=0).verdict == "pass"
    wrong = case(text.format("[3, 8]", 58), point, max_elements=0)
    assert wrong.verdict == "fail"
    assert [(v.name, v.verdict) for v in wrong.values] == [("q[1]", "fail"), ("f", "pass")]


def test_patterns_of_wrong_arrays():
    rng = np.random.default_rng(8)
    g = rng.standard_normal((4, 4))
    assert "transposed" in pattern(g.T, g, {4})
    assert "mean over 32" in pattern(32 * g, g, {4, 32})
    assert "1/32" in pattern(g / 32, g, {4, 32})
    assert "sign" in pattern(-g, g, {4})
    assert "2.5 times" in pattern(2.5 * g, g, {4})
    assert "0 everywhere" in pattern(0 * g, g, {4})
    assert pattern(rng.standard_normal((4, 4)), g, {4}) is None


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("size", [1e300, 1e-160, 5e-324])
def test_patterns_are_seen_in_numbers_whose_squares_are_none(size):
    g = np.array([0.0, size, size, 2 * size])
    assert "sign" in pattern(-g, g, {4})
    assert pattern(np.array([1.0, 1e300, 0, 0]), g, {4}) is None


# ---------------------------------------------------------------- lines of large programs


def test_every_line_of_two_layers_with_10_000_parameters():
    found = case(TWO_LAYERS)
    assert found.verdict == "pass"
    assert [line.verdict for line in found.lines] == ["pass"] * 6


@pytest.mark.parametrize(
    ("right", "wrong", "accused", "mistake"),
    [
        ("dW2 = h.T.dot(ds)", "dW2 = h.T.dot(ds)*32", {"dW2"}, "missing-mean"),
        ("ds = 2*(s - Y)/32", "ds = -2*(s - Y)/32", {"ds"}, "sign"),
        ("ds = 2*(s - Y)/32", "ds = (s - Y)/32", {"ds"}, "dropped-factor"),
        ("dh*(h > 0))\n", "dh)\n", {"dW1"}, None),
        ("h > 0), axis=0", "h <= 0), axis=0", {"db1"}, "wrong-branch"),
    ],
)
def test_one_slip_in_a_large_program_accuses_one_line(right, wrong, accused, mistake):
    assert right in TWO_LAYERS
    found = case(TWO_LAYERS.replace(right, wrong))
    assert found.verdict == "fail"
    assert {line.name for line in found.lines if line.local} == accused
    named = {line.mistake for line in found.lines if line.local}
    assert mistake is None or named == {mistake}


def test_a_line_that_spoils_one_element_of_10_000():
    found = case(TWO_LAYERS + "\ndW1[3,17] += 1e-4")
    assert {(line.name, line.line) for line in found.lines if line.local} == {("dW1[3][17]", 13)}
    assert found.inputs["W1[3][17]"].verdict == "fail"


OF_ARRAYS = [
    path
    for path in sorted(SAMPLES.rglob("*.grad"))
    if read(path.read_text("utf-8")).graph.has_arrays
]


def test_there_are_samples_of_arrays():
    assert len(OF_ARRAYS) >= 10


@pytest.mark.parametrize("path", OF_ARRAYS, ids=lambda path: path.relative_to(SAMPLES).as_posix())
def test_samples_get_the_same_words_both_ways(path):
    """Element by element with many digits, or whole along random directions."""
    text = path.read_text("utf-8")
    one, whole = (case(text, max_elements=most) for most in (10**6, 0))
    assert whole.verdict == one.verdict
    words = [
        [(c.name, c.line, c.verdict, c.cause, c.mistake) for c in x.lines] for x in (one, whole)
    ]
    assert words[0] == words[1]


ZEROS, ONES = "zeros(40, 40)", "ones(40, 40)"


@pytest.mark.parametrize(("text", "point", "claim", "verdicts"), [
    ("max(sum(w), 0)", ZEROS, "0.5*ones(40, 40)", {"kink"}),
    ("max(sum(w), 0)", ZEROS, "2*ones(40, 40)", {"fail"}),
    ("min(max(sum(w), 0), sum(w)*0.5)", ZEROS, "0.5*ones(40, 40)", {"pass", "inconclusive"}),
    ("min(max(sum(w), 0), sum(w)*0.5)", ZEROS, "0.25*ones(40, 40)", {"fail"}),
    ("max(w) - min(w)", ZEROS, ONES, {"fail", "inconclusive"}),  # its subgradients have the sum 0
    ("sum(norm(w, axis=1))", ZEROS, ONES, {"fail", "inconclusive"}),  # longer than 1 in each row
    ("sum((w*1e17 + w) - w*1e17)", ONES, ONES, {"pass", "inconclusive"}),  # float64 gives 0
    ("sum((w*1e17 + w) - w*1e17)", ONES, "500*ones(40, 40)", {"fail"}),
    ("sum((w*1e14 + w) - w*1e14)", "randn(40, 40)", ONES, {"pass", "inconclusive"}),
    ("sum((w*1e5 + w) - w*1e5)", "randn(40, 40)", ONES, {"pass"}),
    ("sum((w*1e5 + w) - w*1e5)", "randn(40, 40)", "1.0001*ones(40, 40)", {"fail"}),
    ("sum(exp(w))", "1000*ones(40, 40)", ONES, {"inconclusive"}),
    ("sum(log(w))", "-1*ones(40, 40)", ONES, {"undefined"}),
])  # fmt: skip
def test_whole_arrays_at_hard_points(text, point, claim, verdicts):
    (case,) = gradcli.check(text, {"w": point}, {"w": claim}).cases
    assert case.inputs["w"].verdict in verdicts


def test_a_claim_that_is_nearly_right_has_no_pattern():
    near = gradcli.check("sum(w*w)", {"w": ONES}, {"w": "2.000003*ones(40, 40)"}).cases[0]
    assert near.inputs["w"].reason == "1600 of 1600 elements are wrong, most w[0][0]"
    symmetric = np.array([[1.0, 2.0], [2.0, 5.0]])
    assert pattern(symmetric, symmetric, {2}) is None


@pytest.mark.parametrize("count", [3, 2000])
def test_gradients_of_an_array_need_an_upstream_gradient(count):
    with pytest.raises(gradcli.GradcliError, match="--upstream"):
        gradcli.check(f"w = ones({count}); y = w*2; dw = 2*ones({count})")
