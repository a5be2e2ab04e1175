"""An array checked as a whole gets the verdicts of its elements, at hard numbers and many kinks too."""

from __future__ import annotations

import numpy as np
import pytest
from test_directions import case

import gradcli

# ---------------------------------------------------------------- against one question an element

UNARY = (
    "tanh({})", "sin({})", "exp(-({})**2)", "relu({})", "abs({})", "softplus({})", "gelu({})",
    "sqrt(1 + ({})**2)", "log(1 + ({})**2)", "max({}, 0.3)", "erf({})", "lgamma(2 + ({})**2)",
    "atan2({}, 0.7)", "where({} > 0, x @ W, 2*(x @ W))",
)  # fmt: skip
LAST = (
    "sum({})", "mean({})", "norm({})", "std({})", "logsumexp({})", "sum(np.max({}, axis=0))",
    "sum(softmax({}, axis=-1)*c)", "prod(mean({}, axis=0) + 2)", "sum(var({}, axis=0))",
    "sum(std({}, axis=1))",
)  # fmt: skip
OF_PRODUCTS = (
    "prod({})", "sum(prod({}, axis=0)*prod(c, axis=0))", "sum(outer({}, b)**2)",
    "sum(linspace(norm({}), c[0, 0], 4)**3)",
)  # fmt: skip
FIRST = ("x @ W", "x @ W + b", "(x @ W) * b", "(x @ W) / (2 + b**2)", "x.dot(W) - b")


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(60))
def test_a_whole_is_never_better_or_worse_than_its_elements(seed):
    """Random programs, some at points full of ties: a row of zeros, a bias of zeros."""
    rng = np.random.default_rng(seed)
    text = rng.choice(FIRST)
    for _ in range(rng.integers(0, 3)):
        text = rng.choice(UNARY).format(text)
    compare(rng.choice(LAST).format(text), tied_point(rng, seed))


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("last", OF_PRODUCTS)
def test_wholes_and_elements_of_products(last, seed):
    rng = np.random.default_rng(seed)
    compare(last.format(FIRST[seed % len(FIRST)]), tied_point(rng, seed))


def tied_point(rng, seed):
    point = {name: rng.standard_normal(shape).round(1) for name, shape in {
        "x": (3, 4), "W": (4, 5), "b": (5,), "c": (3, 5),
    }.items()}  # fmt: skip
    if seed % 3 == 0:
        point["x"][0] = point["b"][:] = 0
    return point


def compare(text, point):
    one, whole = (case(text, point, max_elements=most).inputs for most in (10**6, 0))
    for name in point:
        if name not in whole:
            continue
        verdicts = {check.verdict for n, check in one.items() if n.partition("[")[0] == name}
        allowed = {"pass", "kink", "inconclusive"}
        if "fail" in verdicts:  # several kinks at once: no convention is a slope there
            allowed |= {"fail"}
        if "undefined" in verdicts:
            allowed = {"undefined", "inconclusive"}
        if verdicts == {"pass"}:  # every partial derivative may exist at a kink of all together
            allowed = {"pass", "kink"} if whole[name].interval else {"pass"}
            if "loses its digits" in (whole[name].reason or ""):  # elements have many of them
                allowed.add("inconclusive")
        assert whole[name].verdict in allowed, (text, name, verdicts, whole[name].reason)


def test_a_choice_that_hangs_on_a_square_is_not_decided():
    """log(1 + x**2) > 0 holds everywhere but at 0, where the engine takes the other branch."""
    found = case("sum(where(log(1 + x**2) > 0, x, 2*x))", {"x": [0.0, 1.0]}, max_elements=0)
    assert found.verdict == "inconclusive"
    flat = case("sum(where(relu(x) > 0, x, 2*x))", {"x": [-1.0, 1.0]}, max_elements=0)
    assert flat.verdict == "pass"


@pytest.mark.parametrize(("text", "x"), [
    ("sum(acosh(cosh(x)))", 2e-8), ("sum(acos(cos(x)))", 3e-8), ("sum(sqrt(1 - cos(x)))", 2e-8),
    ("sum(relu(x - mean(x)))", 0.1), ("sum(sqrt(var(sqrt((x - 1)**2), axis=1)))", 0.1),
    ("sum(std((x**2)**0.3, axis=1))", 0.0), ("sum(norm(log(cosh(x)), axis=1))", 2e-8),
    ("sum(abs(np.max(x*0.1, axis=1) - x[:, 0]*0.1 + (0.1 + 0.2 - 0.3)))", 0.3),
])  # fmt: skip
@pytest.mark.parametrize("claim", [None, 0.0, 1.0])
def test_edges_that_rounding_hides_are_not_judged(text, x, claim):
    """Engine and complex steps round alike, so that they agree on a slope which is none."""
    claims = {} if claim is None else {"x": np.full((40, 40), claim)}
    answer = case(text, {"x": np.full((40, 40), x)}, claims=claims).inputs["x"]
    assert answer.verdict == "inconclusive", answer


def test_borders_that_are_not_reached_are_no_trouble():
    """An unselected branch, a relu that is off, a product that vanishes."""
    x = np.linspace(-1.0, 1.0, 1600).reshape(40, 40)
    for text in ("sum(where(x > 2, sqrt(x - 3), x**2))", "sum(relu(x - 2)**1.5 + x**2)"):
        assert case(text, {"x": x}).verdict == "pass", text


@pytest.mark.parametrize("text", ["norm(sign(x))", "sum(sign(x)**2)", "sum(x == 0)"])
def test_jumps_from_one_value_on_both_sides_are_seen(text):
    assert case(text, {"x": [0.0, 1.0, 2.0]}, max_elements=0).verdict == "undefined"


def test_a_gradient_of_zero_that_is_all_rounding_is_not_accused():
    found = case("sum(var(x @ W + b, axis=0))", {
        "x": "randn(7, 4)", "W": "randn(4, 5)", "b": "randn(5)",
    }, max_elements=0)  # fmt: skip
    assert found.inputs["b"].verdict in ("pass", "inconclusive")


# ---------------------------------------------------------------- what hard numbers do to complex steps


@pytest.mark.parametrize("gate", ["erf", "erfc", "gelu"])
@pytest.mark.parametrize("at", [-9.0, -7.5, 5.0, 9.0])
def test_slopes_of_distribution_functions_are_those_of_their_tails(gate, at):
    answer = gradcli.evaluate(f"sum({gate}(x))", {"x": [at, at / 2]}, max_elements=0).check
    assert answer.verdict == "pass"


def test_sums_that_cancel_are_added_up_as_real_numbers_are():
    """401 numbers of 17 orders of magnitude whose sum is 0.5."""
    for seed in range(4):
        rng = np.random.default_rng(seed)
        y = rng.standard_normal(200) * 10.0 ** rng.integers(0, 17, 200)
        numbers = rng.permutation(np.concatenate([y, -y, [0.5]]))
        answer = gradcli.evaluate("sigmoid(sum(y))", {"y": numbers}, max_elements=0).check
        assert answer.verdict in ("pass", "inconclusive")


def test_a_slope_whose_step_is_too_long_accuses_nobody():
    """The step in x is 1e-36, but 1e64 in what the sine sees."""
    found = case("sum(atan2(1, 2 + sin(x*1e100)))", {"x": [1.0, 2.0]}, max_elements=0)
    assert found.verdict == "inconclusive"


def test_equal_numbers_have_no_deviation():
    """Rounding leaves 1e-17 of x - mean(x); the true deviation is 0, and a kink."""
    found = case("std(x)", {"x": [0.1] * 2000})
    assert found.verdict == "kink"
    assert found.inputs["x"].analytic == 0


def test_lengths_of_rows_do_not_depend_on_other_rows():
    text = "sum(norm(x, axis=1)*[1e-200, 1, 1e200])"
    x = np.array([[1e200, 1e200], [3.0, 4.0], [3e-200, 4e-200]])
    value, (dx,) = gradcli.compile(text, {"x": x})(x)
    np.testing.assert_allclose(value, 2**0.5 + 10, rtol=1e-14)
    np.testing.assert_allclose(dx[1], [0.6, 0.8], rtol=1e-14)
    np.testing.assert_allclose(dx[2] * 1e-200, [0.6, 0.8], rtol=1e-14)
    assert case(text, {"x": x}, max_elements=0).verdict == "pass"


# ---------------------------------------------------------------- many kinks at once


def test_a_wrong_element_does_not_hide_among_kinks():
    """500 relus at 0 make every slope an interval; each element is held to its own."""
    x = np.repeat([0.0, 1.0], 500)
    right = np.where(x > 0, 1.0, 0.0)
    for legal in (right, np.ones(1000), right + 0.3 * (x == 0)):
        assert case("sum(relu(x))", {"x": x}, claims={"x": legal}, max_elements=0).verdict == "kink"
    for at, wrong in ((700, 1.5), (700, 0.999), (3, 1.5), (3, -0.1)):
        claim = right.copy()
        claim[at] = wrong
        found = case("sum(relu(x))", {"x": x}, claims={"x": claim}, max_elements=0)
        assert (found.verdict, [*found.inputs]) == ("fail", ["x", f"x[{at}]"])


def test_kinks_that_open_upwards_and_downwards_meet():
    """A network that begins with zeros: no choice of the gates lies between all the slopes."""
    found = case("""X = randn(4, 3); W = zeros(3, 2); b = zeros(2); V = randn(2, 1)
h = relu(X @ W + b)
L = sum(h @ V) + sum(h**2)
dh = ones(4, 1) @ V.T + 2*h
dz = dh*(h > 0)
dW = X.T @ dz
db = sum(dz, axis=0)""", max_elements=0)  # fmt: skip
    assert found.verdict == "kink"
    ties = "p = max(A, B)\nL = sum(w*p)\ndp = w\ndA = dp*(A >= B)\ndB = dp*(A < B)"
    point = {"A": [1.0, 2, -1, 0.5], "B": [1.0, 2, 0, 0.5], "w": [1.0, -2, 3, 1.5]}
    assert case(ties, point, max_elements=0).verdict == "kink"
    assert case(ties.replace("w\ndA", "-w\ndA"), point, max_elements=0).verdict == "fail"


def test_choices_that_are_legal_alone_and_not_together_are_not_passed():
    found = case("sum(max(x[:5], x[5:]))", {"x": [1.0] * 10}, claims={"x": [1.0] * 10},
                 max_elements=0)  # fmt: skip
    assert found.verdict == "inconclusive"
    assert "all together are none" in found.inputs["x"].reason
