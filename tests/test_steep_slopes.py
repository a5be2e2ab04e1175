"""Slopes that stand beside far larger ones: infinite ones are infinite, and tiny ones are not 0.

The true slopes follow from those of the parts: a sum with one infinite slope has none that is
finite, whatever it is multiplied by on its way.
"""

from __future__ import annotations

import math

import mpmath
import pytest

import gradcli

INF = math.inf
BESIDE = [  # a gate with an infinite slope at x, beside exp(y + x), whose slope is exp(y + x)
    ("cbrt(x)", 0.0, INF), ("sqrt(x)", 0.0, INF), ("x**0.3", 0.0, INF), ("x**0.99", 0.0, INF),
    ("asin(x)", 1.0, INF), ("acos(x)", 1.0, -INF), ("acosh(x)", 1.0, INF), ("xlogy(x, x)", 0.0, -INF),
    ("1e-300*cbrt(x)", 0.0, INF), ("-sqrt(sin(x))", 0.0, -INF), ("cbrt(x - 1)*1e-9", 1.0, INF),
    ("where(x >= 0, sqrt(x), cbrt(x))", 0.0, INF), ("max(sqrt(x), -1)", 0.0, INF),
    ("hypot(sqrt(x), x)", 0.0, INF), ("norm([cbrt(x) + 1, 2])", 0.0, INF),
]  # fmt: skip
INSIDE = [  # an infinite slope that is multiplied by a tiny one
    ("logsumexp(y*y, cbrt(x), x)", 40.0), ("logsumexp([y*y, cbrt(x)])", 30.0),
    ("sigmoid(y + cbrt(x))", 400.0), ("softplus(cbrt(x) - y)", 900.0), ("tanh(y + cbrt(x))", 300.0),
    ("erf(y + cbrt(x))", 20.0), ("exp(cbrt(x) - y)", 700.0), ("log(exp(y) + cbrt(x))", 300.0),
    ("log(1 + exp(-y)*cbrt(x))", 500.0), ("hypot(exp(y), 1 + cbrt(x))", 200.0),
]  # fmt: skip


@pytest.mark.parametrize("y", [1.0, 100.0, 690.0])
@pytest.mark.parametrize(("text", "x", "slope"), BESIDE)
def test_an_infinite_slope_beside_a_large_one_is_infinite(text, x, slope, y):
    whole, point = f"exp(y + x) + {text}", {"x": x, "y": y}
    report = gradcli.evaluate(whole, point)
    assert report.gradients["x"] == slope
    assert report.check.inputs["x"].kind == "infinite"
    for claim in (math.exp(y + x), 0.0, 1.0):
        assert gradcli.check(whole, point, {"x": claim}).cases[0].inputs["x"].verdict == "fail"
    assert gradcli.check(whole, point, {"x": slope}).cases[0].inputs["x"].verdict == "pass"


@pytest.mark.parametrize(("text", "y"), INSIDE)
def test_an_infinite_slope_is_infinite_however_small_its_part(text, y):
    point = {"x": 0.0, "y": y}
    assert gradcli.evaluate(text, point).gradients["x"] == INF
    for claim in (0.0, 1e-300, 1.0):
        assert gradcli.check(text, point, {"x": claim}).cases[0].inputs["x"].verdict == "fail"


@pytest.mark.parametrize(("text", "x", "slope"), [
    ("square(y - (x**(1/3))**2)", 0.0, -INF), ("(y - sqrt(x)**1.5)**4", 0.0, -INF),
    ("cosh(y + x**0.3*x**0.3)", 0.0, INF), ("log(cosh(y + sqrt(x)*x**0.2))", 0.0, INF),
    ("(y + acosh(x)**1.2)**2", 1.0, INF), ("exp((y + xlogy(x, x))**2)", 0.0, -INF),
])  # fmt: skip
@pytest.mark.parametrize("y", [5e-324, 1e-200, 1e-30])
def test_an_infinite_slope_is_infinite_in_a_square_beside_a_tiny_number(text, x, slope, y):
    """Of (y + g(x))**2 at g = 0 the slope is that of 2*y*g(x): the square of g vanishes first."""
    point = {"x": x, "y": y}
    assert gradcli.evaluate(text, point).gradients["x"] == slope
    assert gradcli.check(text, point, {"x": 0.0}).cases[0].inputs["x"].verdict == "fail"


def test_a_part_that_is_too_small_for_many_digits_is_not_called_0():
    point = {"x": 0.0, "y": 1e3}
    assert math.isnan(gradcli.evaluate("logsumexp(y*y, cbrt(x))", point).gradients["x"])
    verdict = (
        gradcli.check("logsumexp(y*y, cbrt(x))", point, {"x": 0.0}).cases[0].inputs["x"].verdict
    )
    assert verdict == "inconclusive"


def test_elements_of_arrays_have_their_own_slopes():
    text, point = "sum(cbrt(x)) + exp(y + sum(x))", {"x": [0.0, 1.0], "y": 100.0}
    there = gradcli.evaluate(text, point).gradients["x"]
    assert there[0] == INF
    assert there[1] == pytest.approx(math.exp(101.0), rel=1e-12)
    entries = gradcli.evaluate("exp(y + x) + cbrt(x)", point, jacobian=True).jacobian["x"]
    assert entries[0][0] == INF
    assert entries[1][1] == pytest.approx(math.exp(101.0), rel=1e-12)


@pytest.mark.parametrize("text", [
    "exp(y + x) + abs(x)**1.5", "exp(y + x) + cbrt(x)**4", "logsumexp(y*y/3, abs(x)**1.5, x)",
])  # fmt: skip
def test_an_infinite_second_derivative_is_infinite_beside_others(text):
    report = gradcli.evaluate(text, {"x": 0.0, "y": 60.0}, hessian=True)
    assert report.hessian["x"]["x"] == INF
    assert math.isfinite(report.gradients["x"])


@pytest.mark.parametrize("text", ["x", "abs(x)", "abs(x) + x**1.5"])
@pytest.mark.parametrize("y", [60.0, 500.0, 700.0])
def test_a_tiny_slope_beside_what_vanishes_is_not_0(text, y):
    """The slope of the logarithm's part, which is 1 / (1 + exp(y)); that of the other is 0."""
    whole, point = f"hypot({text}, logsumexp(y, x))", {"x": 0.0, "y": y}
    slope = float(1 / (1 + mpmath.exp(y)))
    report = gradcli.evaluate(whole, point)
    assert report.gradients["x"] == pytest.approx(slope, rel=1e-9)
    assert report.check.inputs["x"].verdict == "pass"
    assert gradcli.check(whole, point, {"x": 0.0}).cases[0].inputs["x"].verdict == "fail"


def test_a_slope_below_float64_is_0_within_a_bound_that_admits_it():
    report = gradcli.evaluate("cbrt(hypot(abs(x) + x**1.5, logsumexp(y, x)))", {"x": 0, "y": 1000})
    assert report.gradients["x"] == 0.0
    assert 0.0 < report.gradient_bounds["x"] <= 5e-324
    assert 0.0 < report.check.inputs["x"].bound <= 5e-324


@pytest.mark.parametrize("text", [
    "logsumexp(min(x, x), x/max(x, x))", "logsumexp(x, x/max(x, x))", "logsumexp(x, x/x)",
])  # fmt: skip
def test_a_slope_that_all_digits_lose_is_0_within_a_bound_that_admits_it(text):
    """The slope is exp(-1001) = 1.9e-435, below the rounding of a difference of two ones."""
    report = gradcli.evaluate(text, {"x": -1000.0})
    assert report.gradients["x"] == 0.0
    assert 0.0 < report.gradient_bounds["x"] <= 5e-324
    assert 0.0 < report.check.inputs["x"].bound <= 5e-324


@pytest.mark.parametrize("y", [1e-9, 1e-17, 1e-200])
@pytest.mark.parametrize("text", ["x**cos(y)", "(x/(1 + x))**cos(y)", "x**cos(y) + 1e9*x"])
def test_an_exponent_just_below_1_makes_an_infinite_slope(text, y):
    point = {"x": 0.0, "y": y}
    assert gradcli.evaluate(text, point).gradients["x"] == INF
    assert gradcli.check(text, point, {"x": 1.0}).cases[0].inputs["x"].verdict == "fail"


def test_an_exponent_that_no_digits_tell_from_1_leaves_the_slope_open():
    answer = (
        gradcli.check("x**(sqrt(y)*sqrt(y)/2)", {"x": 0.0, "y": 2.0}, {"x": 1.0})
        .cases[0]
        .inputs["x"]
    )
    assert answer.verdict == "inconclusive"
    assert "do not tell an exponent from a whole number" in answer.reason


def test_what_constants_are_computed_from_makes_no_step_shorter():
    text = "max(atan2(log1p(1e-300), log1p(1e-300)), 0.1, acosh(cosh(x**2)))"
    assert gradcli.evaluate(text, {"x": 0.0}).check.verdict == "pass"
    sure = "max(log(cosh(1e-300)), log(cosh(x)))**x"  # but of what may be rounding it does
    slope = gradcli.evaluate(sure, {"x": 0.0}).gradients["x"]
    assert slope == pytest.approx(
        float(2 * mpmath.log(mpmath.mpf(1e-300)) - mpmath.log(2)), rel=1e-12
    )


@pytest.mark.parametrize(
    "text", ["elu(x)", "selu(x)", "elu(x, 1e-9)", "elu(x) + relu(x)", "y*elu(x)"]
)
@pytest.mark.parametrize("x", [-80.0, -300.0, -700.0])
def test_a_saturated_branch_is_no_plateau(text, x):
    point = {"x": x, "y": 2.0} if "y" in text else {"x": x}
    slope = gradcli.evaluate(text, point).gradients["x"]
    assert 0.0 < slope < 1e-30
    for claim, verdict in ((0.0, "fail"), (slope, "pass")):
        assert gradcli.check(text, point, {"x": claim}).cases[0].inputs["x"].verdict == verdict


@pytest.mark.parametrize(("text", "x"), [
    ("relu(x)", -300.0), ("clip(x, 0, 1)", 300.0), ("floor(x)", 2.75), ("floor(x)", 3 - 1e-15),
    ("sign(x)", 1e-300), ("max(x, y)", 0.5), ("leaky_relu(y, x)", 0.1), ("hardtanh(x)", -9.0),
])  # fmt: skip
def test_a_plateau_has_the_slope_0_exactly(text, x):
    point = {"x": x, "y": 2.0} if "y" in text else {"x": x}
    check = gradcli.check(text, point, {"x": 0.0}).cases[0].inputs["x"]
    assert (check.verdict, check.numeric, check.bound) == ("pass", 0.0, 0.0)


@pytest.mark.parametrize(("text", "x"), [
    ("logsumexp(x - floor(x), x + x)", 746.0), ("x + exp(-x*x)*step(x - 40)", 40.0),
    ("x + where(x >= 5, exp(-1500)*x, 0)", 5.0), ("x + 1e-300*1e-300*sign(x - 1)", 1.0),
])  # fmt: skip
def test_a_jump_is_seen_however_small_its_part(text, x):
    report = gradcli.evaluate(text, {"x": x})
    assert report.check.inputs["x"].verdict == "undefined"
    for claim in (0.0, 1.0, 2.0):
        answer = gradcli.check(text, {"x": x}, {"x": claim}).cases[0].inputs["x"]
        assert (answer.verdict, answer.kind) == ("undefined", "jump")


@pytest.mark.parametrize(("text", "y"), [
    ("y*atan2(ceil(y), x)", -0.5), ("y*atan2(round(y), x)", -0.25), ("y*atan2(-floor(y), x)", 0.5),
])  # fmt: skip
def test_the_sign_of_a_zero_is_none_of_a_number(text, y):
    """In float64 ceil(-0.5) is -0.0, and atan2(-0.0, -1) is -pi; of the number 0 it is pi."""
    point = {"x": -1.0, "y": y}
    report = gradcli.evaluate(text, point)
    assert report.value == pytest.approx(y * math.pi, rel=1e-15)
    for claim, verdict in ((math.pi, "pass"), (-math.pi, "fail")):
        assert gradcli.check(text, point, {"y": claim}).cases[0].inputs["y"].verdict == verdict


@pytest.mark.parametrize(("text", "x"), [("y**acosh(cosh(x))", 1.0), ("y**(sqrt(x)**2)", 2.0)])
def test_a_power_of_a_negative_number_may_have_a_whole_exponent_behind_its_rounding(text, x):
    """Of (-1.5)**b there is a value where b is whole, as it is here, and no digits tell."""
    point = {"x": x, "y": -1.5}
    assert gradcli.evaluate(text, point).check.inputs["y"].verdict == "inconclusive"
    check = gradcli.check(text, point, {"y": x * (-1.5) ** (x - 1)}).cases[0].inputs["y"]
    assert check.verdict == "inconclusive"


@pytest.mark.parametrize(
    ("other", "slopes"), [("x + 1e-300", (1.0, 0.0)), ("x - 1e-300", (0.0, 1.0))]
)
def test_a_branch_that_is_ahead_below_the_first_digits_is_no_tie(other, slopes):
    report = gradcli.evaluate(f"max((y + 1e16) - 1e16, {other})", {"x": -2.24, "y": -2.24})
    for name, slope in zip("xy", slopes, strict=True):
        check = report.check.inputs[name]
        assert (check.verdict, check.kind, check.numeric) == ("pass", "smooth", slope)


@pytest.mark.parametrize(("power", "sign"), [(1.1, 1), (1.1, -1), (1.02, 1)])
def test_beside_a_power_near_one_a_small_slope_shows_itself_far_below_its_size(power, sign):
    """1e-5*x is larger than abs(x)**1.1 below 1e-50 only, and there it changes its sign with x."""
    sigma = "" if sign > 0 else "-"
    text = f"{sigma}leaky_relu(x) + hypot(0, abs(x)**{power} + 1e-5*x)"
    check = gradcli.evaluate(text, {"x": 0.0}).check.inputs["x"]
    assert check.verdict == "kink"
    left, right = sorted([sign * 0.01 - 1e-5, sign * 1 + 1e-5])
    assert check.interval == pytest.approx([left, right], rel=1e-12)


@pytest.mark.parametrize("text", ["2**z", "2**sin(z)"])
def test_a_branch_that_is_ahead_below_a_thousand_digits_is_no_tie(text):
    """The other is 1 + u/2 for u = 1e-647, which it takes as many digits to see, and again."""
    whole = f"min((exp(1 - tanh(x)**2) - 1) / (1 - tanh(x)**2), {text})"
    check = gradcli.evaluate(whole, {"x": -746.0, "z": 0.0}).check.inputs["z"]
    assert check.verdict == "pass"
    assert check.analytic == pytest.approx(math.log(2), rel=1e-12)


@pytest.mark.parametrize(("text", "point"), [
    ("round(y**y * log(exp(y) + x))", {"x": 0.0, "y": 170.6}),  # 1.0e383, with 0.07 beyond a whole
    ("round(1e300*exp(y) + x)", {"x": 0.0, "y": 3.0}), ("floor(1e300*exp(y) + x)", {"x": 0.3, "y": 3.0}),
])  # fmt: skip
def test_stairs_of_numbers_with_hundreds_of_digits_are_flat(text, point):
    claims = dict.fromkeys(point, 0.0)
    assert gradcli.check(text, point, claims).cases[0].verdict == "pass"
    assert gradcli.check(text, point, {"x": 1.0}).cases[0].inputs["x"].verdict == "fail"
