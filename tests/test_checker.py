"""The checker, checked: right gradients pass, planted mistakes are caught, bounds are honest."""

from __future__ import annotations

import math
from pathlib import Path
from random import Random

import mpmath
import numpy as np
import pytest

import gradcli
from gradcli.arithmetic.agreement import agree, lies_between, relative_error

INF, NAN = math.inf, math.nan
mp = mpmath.mp.clone()
mp.dps = 60


def answer(text, point, claim=None, name="x", **options):
    """What the checker says of one input: of the engine's own gradient, or of a claim."""
    if claim is not None:
        text = f"f = {text}\nd{name} = {claim!r}"
    return gradcli.evaluate(text, point, **options).check.inputs[name]


# ---------------------------------------------------------------- right and wrong gradients

# The same functions twice: for us, and for mpmath.
FORMULAS = [
    ("(x + y)*(x - 3)", lambda x, y: (x + y) * (x - 3)),
    ("x*x*y - y/x", lambda x, y: x * x * y - y / x),
    ("1/(1 + exp(-(2*x - 3*y)))", lambda x, y: 1 / (1 + mp.exp(3 * y - 2 * x))),
    ("sigmoid(x*y)*tanh(x)", lambda x, y: mp.tanh(x) / (1 + mp.exp(-x * y))),
    ("sin(x*y)**2 + cos(x)", lambda x, y: mp.sin(x * y) ** 2 + mp.cos(x)),
    ("log(1 + x*x)*sqrt(y*y + 2)", lambda x, y: mp.log(1 + x * x) * mp.sqrt(y * y + 2)),
    ("exp(-x*x/2)/(1 + y*y)", lambda x, y: mp.exp(-x * x / 2) / (1 + y * y)),
    ("max(x, y)*min(x, 2*y)", lambda x, y: max(x, y) * min(x, 2 * y)),
    ("abs(x)**1.5 + relu(y)*x", lambda x, y: abs(x) ** 1.5 + (y if y > 0 else 0) * x),
    ("atan2(x, y)*hypot(x, y, 1)", lambda x, y: mp.atan2(x, y) * mp.sqrt(x * x + y * y + 1)),
    ("logsumexp(x, y, 0) - x", lambda x, y: mp.log(mp.exp(x) + mp.exp(y) + 1) - x),
    ("gelu(x) + erf(x*y)", lambda x, y: x * mp.ncdf(x) + mp.erf(x * y)),
    ("asinh(x) + atan(x - y)", lambda x, y: mp.asinh(x) + mp.atan(x - y)),
    ("lgamma(x*x + 1)*y", lambda x, y: mp.loggamma(x * x + 1) * y),
    ("1e-9*x*y*y", lambda x, y: mp.mpf(1e-9) * x * y * y),
    ("1e10 + x*x*y", lambda x, y: mp.mpf(1e10) + x * x * y),
    ("sin(1e4*x) + y", lambda x, y: mp.sin(10000 * x) + y),
    ("x if x > y else x*y", lambda x, y: x if x > y else x * y),
]  # fmt: skip
BY_FORMULA = pytest.mark.parametrize(("text", "f"), FORMULAS, ids=[text for text, _ in FORMULAS])


def random_points(count, seed):
    rng = Random(seed)
    return [(rng.uniform(-3, 3), rng.uniform(-3, 3)) for _ in range(count)]


def two_heads():
    """Two attention heads with a layer norm, 204 numbers, and their backward pass."""
    return (Path(__file__).parent / "benchmarks" / "two_heads.grad").read_text()


def slopes(f, at):
    return [mp.diff(f, at, order) for order in ((1, 0), (0, 1))]


def test_numeric_derivatives_are_within_their_bounds():
    """The bound is a promise: every certified verdict rests on it."""
    certain = escalated = 0
    looseness = []
    for text, f in FORMULAS:
        for at in random_points(30, text):
            check = gradcli.evaluate(text, dict(zip("xy", at, strict=True))).check
            for found, true in zip(check.inputs.values(), slopes(f, at), strict=True):
                assert abs(found.numeric - true) <= found.bound, (text, at, found, true)
                certain += found.bound <= 1e-6 * abs(true) or true == 0
                escalated += found.bound <= 4e-15 * abs(true)
                looseness.append(float(found.bound / abs(true)) if true else 0.0)
    rate = certain / len(looseness)
    print(f"\n{len(looseness)} derivatives, all within their bounds; {rate:.1%} certain to 1e-6;"
          f" median relative bound {sorted(looseness)[len(looseness) // 2]:.1e}")  # fmt: skip
    assert rate == 1.0


@BY_FORMULA
def test_right_gradients_pass(text, f):
    """The engine's own, and the true ones as someone would type them."""
    for at in random_points(6, f"{text}!"):
        point = dict(zip("xy", at, strict=True))
        assert gradcli.evaluate(text, point).check.verdict == "pass"
        for name, true in zip("xy", slopes(f, at), strict=True):
            assert answer(text, point, float(true), name).verdict == "pass"


SLIPS = {
    "doubled": lambda true, other: 2 * true,
    "halved": lambda true, other: true / 2,
    "of the wrong sign": lambda true, other: -true,
    "zero": lambda true, other: 0.0,
    "off by 1e-5": lambda true, other: true * (1 + 1e-5),
    "swapped": lambda true, other: other,
    "off by one": lambda true, other: true + 1,
}


@pytest.mark.parametrize("slip", SLIPS.values(), ids=SLIPS)
def test_planted_mistakes_are_caught(slip):
    planted = caught = 0
    for text, f in FORMULAS:
        for at in random_points(2, f"{text}?"):
            point = dict(zip("xy", at, strict=True))
            true = [float(slope) for slope in slopes(f, at)]
            for name, right, other in zip("xy", true, reversed(true), strict=True):
                wrong = slip(right, other)
                if not abs(wrong - right) > 5e-6 * max(abs(wrong), abs(right)):
                    continue  # not wrong: the slope is 0, or both are the same
                verdict = answer(text, point, wrong, name).verdict
                assert verdict != "pass", (text, at, name)
                planted += 1
                caught += verdict == "fail"
    print(f"\n{caught} of {planted} caught")
    assert planted > 30
    assert caught == planted


LEAVES = ("x", "y", "z", "1.5", "0.25", "x", "y")
SHAPES = (
    "({a} + {b})", "({a} - {b})", "{a}*{b}", "{a}/(2 + {b}*{b})", "sin({a})", "tanh({a})",
    "sigmoid({a})", "exp(-abs({a}))", "log(1 + {a}*{a})", "sqrt(0.5 + {a}*{a})", "max({a}, {b})",
    "relu({a})", "softplus({a})", "hypot({a}, {b}, 1)", "atan({a})", "({a} if {b} > 0 else {b})",
    "abs({a})**1.5", "cbrt({a} + 7)", "gelu({a})", "erf({a})", "huber({a})", "silu({a})",
)  # fmt: skip


def random_text(rng, depth):
    if depth == 0 or rng.random() < 0.1:
        return rng.choice(LEAVES)
    a, b = (random_text(rng, depth - 1) for _ in range(2))
    return rng.choice(SHAPES).format(a=a, b=b)


def test_right_gradients_of_random_programs_are_never_accused():
    rng, verdicts = Random(7), []
    for _ in range(300):
        text = f"a = x*y + z; b = {random_text(rng, 3)}; a*b + {random_text(rng, 2)}"
        point = {name: rng.uniform(-2, 2) for name in "xyz"}
        found = gradcli.evaluate(text, point).check
        verdicts += [(answer.verdict, text, point) for answer in found.inputs.values()]
    counts = {verdict: [v for v, *_ in verdicts].count(verdict) for verdict, *_ in verdicts}
    print(f"\nverdicts on right gradients: {counts}")
    assert [v for v in verdicts if v[0] not in ("pass", "kink")] == []


# ---------------------------------------------------------------- special points

POINTS = [
    # text, x, verdict, kind, numeric derivative
    ("relu(x)", 0.0, "kink", "kink", 0.0),
    ("relu(x) + 3*x", 0.0, "kink", "kink", 3.0),
    ("abs(x)", 0.0, "kink", "kink", 0.0),
    ("max(x, 2)", 2.0, "kink", "kink", 1.0),
    ("min(2, x)", 2.0, "kink", "kink", 0.0),
    ("leaky_relu(x, 0.25)", 0.0, "kink", "kink", 0.25),
    ("abs(x)*x", 0.0, "pass", "smooth", 0.0),
    ("relu(x)**2", 0.0, "pass", "smooth", 0.0),
    ("huber(x)", 1.0, "pass", "smooth", 1.0),
    ("relu(x) - relu(-x)", 0.0, "fail", "smooth", 1.0),  # it is x: the engine itself is wrong here
    ("floor(x)", 1.0, "undefined", "jump", NAN),
    ("step(x)", 0.0, "undefined", "jump", NAN),
    ("sign(x)*(x + 1)", 0.0, "undefined", "jump", NAN),
    ("x if x > 1 else 2*x", 1.0, "undefined", "jump", NAN),
    ("floor(x)", 1.5, "pass", "smooth", 0.0),
    ("x*step(x)", 0.0, "kink", "kink", 1.0),
    ("sqrt(x)", 0.0, "pass", "infinite", INF),
    ("cbrt(x)", 0.0, "pass", "infinite", INF),
    ("asin(x)", 1.0, "pass", "infinite", INF),
    ("x*sqrt(x)", 0.0, "pass", "border", 0.0),
    ("x**1.5 + 2*x", 0.0, "pass", "border", 2.0),
    ("log(x)", -1.0, "undefined", "nan", NAN),
    ("1/x", 0.0, "undefined", "nan", NAN),
    ("sqrt(x)", -1.0, "undefined", "nan", NAN),
    ("abs(x)", 1e-12, "pass", "smooth", 1.0),
    ("abs(x - 1)", 1 - 2.0**-53, "pass", "smooth", -1.0),
    ("max(x, 0.1)", 0.1 + 2.0**-56, "pass", "smooth", 1.0),
    ("sqrt(x)", 1e-14, "pass", "smooth", 5e6),
    ("tanh(x/1e-12) + x", 1.0, "pass", "smooth", 1.0),
    ("sigmoid(x)", 40.0, "pass", "smooth", 4.248354255291589e-18),
    ("sigmoid(x)", 700.0, "pass", "smooth", 9.859676543759771e-305),
    ("exp(-x*x)", 20.0, "pass", "smooth", -7.660678386712e-173),
    ("x*x", 1e-9, "pass", "smooth", 2e-9),
    ("1e-300*x*x", 1.0, "pass", "smooth", 2e-300),
    ("1e300 + sin(x)", 0.0, "pass", "smooth", 1.0),
    ("1e308 + x", -1.0, "pass", "smooth", 1.0),
    ("x - x", 3.0, "pass", "smooth", 0.0),
    ("0*x", 3.0, "pass", "smooth", 0.0),
    ("where(x > 0, log(x), 0) + x", -1.0, "pass", "smooth", 1.0),
    ("sqrt(where(x > 0, x, 0))", -1.0, "pass", "smooth", 0.0),
    ("0**x", 0.5, "pass", "smooth", 0.0),
    ("x**3", 0.0, "pass", "smooth", 0.0),
    ("x**0", 2.0, "pass", "smooth", 0.0),
    ("gamma(x)", 0.5, "pass", "smooth", -3.480230906913262),
]  # fmt: skip


@pytest.mark.parametrize(
    ("text", "x", "verdict", "kind", "numeric"), POINTS, ids=[f"{p[0]} at {p[1]}" for p in POINTS]
)
def test_the_kind_of_a_point_is_told(text, x, verdict, kind, numeric):
    found = answer(text, {"x": x}, arithmetic="float64")
    assert (found.verdict, found.kind) == (verdict, kind), found
    assert found.numeric == pytest.approx(numeric, rel=1e-9, abs=0, nan_ok=True)


@pytest.mark.parametrize(
    ("text", "x", "interval"),
    [
        ("relu(x)", 0, [0, 1]), ("abs(x)", 0, [-1, 1]), ("-relu(x)", 0, [-1, 0]),
        ("max(x, 2)", 2, [0, 1]), ("relu(x) + 3*x", 0, [3, 4]), ("abs(x)*5", 0, [-5, 5]),
        ("max(x, x*x)", 1, [1, 2]), ("1e-9*abs(x)", 0, [-1e-9, 1e-9]),
    ],
)  # fmt: skip
def test_at_a_kink_every_slope_between_the_sides_is_legal(text, x, interval):
    low, high = interval
    found = answer(text, {"x": x})
    assert found.interval == pytest.approx(interval, rel=1e-9, abs=0)
    width = high - low
    for claim in (low, low + width / 3, high):
        assert answer(text, {"x": x}, claim).verdict == "kink"
    for claim in (low - width / 100, high + width / 100, NAN):
        assert answer(text, {"x": x}, claim).verdict == "fail"


@pytest.mark.parametrize("claim", [0.0, 1.0, -3.5, INF, NAN])
@pytest.mark.parametrize(
    ("text", "x"), [("floor(x)", 1), ("step(x)", 0), ("log(x)", -1), ("1/x", 0)]
)
def test_where_no_derivative_exists_no_claim_is_judged(text, x, claim):
    assert answer(text, {"x": x}, claim).verdict == "undefined"


def test_an_infinite_slope_is_met_by_infinity_only():
    verdicts = [
        answer("sqrt(x)", {"x": 0}, claim).verdict for claim in (INF, -INF, 5.0, 1e300, NAN)
    ]
    assert verdicts == ["pass", "fail", "fail", "fail", "fail"]


@pytest.mark.parametrize(
    ("text", "point", "true"),
    [
        ("1e-9*x*y", {"x": 3, "y": 4}, 4e-9),
        ("1e-200*x*y", {"x": 3, "y": 4}, 4e-200),
        ("x*y", {"x": 1e-9, "y": 2e-9}, 2e-9),
        ("sigmoid(x)*y", {"x": 40, "y": 1}, 4.248354255291589e-18),
        ("1e10 + x**2*y", {"x": 2, "y": 3}, 12.0),
        ("1e15 + x*y", {"x": 2, "y": 3}, 3.0),
        ("sin(1e4*x)*y", {"x": 1, "y": 1}, 1e4 * math.cos(1e4)),
        ("tanh(x/1e-12) + x*y", {"x": 1, "y": 3}, 3.0),
        ("(1 - cos(x))/x**2 + y", {"x": 1e-5, "y": 0}, -8.333333333277778e-07),
    ],
)
def test_no_scale_hides_a_mistake(text, point, true):
    """An absolute tolerance would pass a doubled gradient of 1e-9."""
    assert answer(text, point, true).verdict == "pass"
    for wrong in (2 * true, -true, 0.0, true * (1 + 1e-5)):
        assert answer(text, point, wrong).verdict == "fail"


@pytest.mark.parametrize("text", ["floor(x) + x - x", "ceil(x)*1"])
@pytest.mark.parametrize("x", [1e40, 1e300])
def test_steps_that_hop_over_every_jump_prove_nothing(text, x):
    """At 1e40 even a step of 1e-16 of x is a whole number."""
    assert answer(text, {"x": x}).verdict in ("undefined", "inconclusive")


def test_a_gradient_that_lost_its_digits_is_not_called_wrong():
    """float64 backpropagation through (1 - cos x)/x**2 is off by a factor of 10,000."""
    found = answer("(1 - cos(x))/x**2", {"x": 1e-5}, arithmetic="float64")
    assert found.verdict == "inconclusive"
    assert found.numeric == pytest.approx(-8.333333333277778e-07, rel=1e-9)
    assert "float64" in found.reason


@pytest.mark.parametrize("text", ["(0.1 + 0.2 - 0.3)*x", "x*(1e16 + 1 - 1e16)"])
def test_constants_that_lost_their_digits_prove_nothing(text):
    """The float64 gradient is wrong by a factor, and the float64 differences are just as wrong."""
    assert answer(text, {"x": 1}, arithmetic="float64").verdict == "inconclusive"
    assert answer(text, {"x": 1}).verdict == "pass"  # computed again in many digits


def test_what_mpmath_cannot_reach_is_inconclusive():
    assert answer("exp(exp(exp(exp(x))))", {"x": 3}).verdict in ("inconclusive", "undefined")


def test_the_verdict_of_several_inputs_is_the_worst():
    assert gradcli.evaluate("relu(x)*y", {"x": 0, "y": 2}).check.verdict == "kink"
    assert gradcli.evaluate("floor(x) + relu(y)", {"x": 0, "y": 0}).check.verdict == "undefined"


@pytest.mark.parametrize("upstream", [-3, 1e-12, 0])
def test_the_upstream_gradient_is_part_of_what_is_checked(upstream):
    report = gradcli.evaluate("x*y", {"x": 2, "y": 5}, upstream=upstream)
    assert report.gradients == {"x": 5 * upstream, "y": 2 * upstream}
    assert report.check.verdict == "pass"
    assert report.check.inputs["x"].numeric == pytest.approx(5 * upstream, rel=1e-12)


def test_beyond_the_budget_inputs_and_lines_are_inconclusive():
    text = "x = 2; y = 3; f = x*y; dx = {}; dy = x"
    for claim in ("x", "y"):
        case = gradcli.check(text.format(claim), budget=5).cases[0]
        assert case.verdict == "inconclusive"
        assert {check.verdict for check in case.inputs.values()} == {"inconclusive"}
        assert all("budget" in check.reason for check in case.inputs.values())
        assert {line.verdict for line in case.lines} == {"inconclusive"}
    partly = gradcli.check("x = 2; y = 3; f = x*y; dx = x", wrt=["y"], budget=60).cases[0]
    assert partly.inputs["y"].verdict == "pass"
    assert partly.lines[0].verdict == partly.verdict == "inconclusive"


@pytest.mark.parametrize(
    "text",
    [
        "x = 2; y = 3; z = 4; q = x*y; f = q*z; dq = z; dz = q; dx = x*dq; dy = x*dq",
        "X = randn(4, 4); f = sum(X*X); dX = X",
        "X = randn(40, 40); f = sum(X*X); dX = 2*X",
    ],
    ids=["numbers", "elements", "wholes"],
)
def test_beyond_the_budget_no_line_of_a_report_passes(text):
    report = gradcli.evaluate(text, check_budget=1)
    assert report.check is None
    assert report.lines
    assert {line.verdict for line in report.lines} == {"inconclusive"}
    assert all("budget" in line.reason for line in report.lines)


def test_beyond_the_budget_nothing_is_checked_and_that_is_said():
    report = gradcli.evaluate("x*x", {"x": 2}, check_budget=3)
    assert report.check is None
    assert any("budget" in note for note in report.notes)
    assert report.value == 4


NASTY = ("0", "-0.0", "1e308", "-1e308", "5e-324", "inf", "-inf", "nan", "-800", "1e17")
AWKWARD = (
    "0**x", "x**y", "erfc(x)", "gelu(x)/y", "gamma(x)", "lgamma(x)*y", "digamma(x)", "atan2(x, y)",
    "hypot(x, y)", "logsumexp(x, y)", "1e308*x", "x/y", "log(x)*where(y > 0, 1, y)", "acosh(x) - y",
    "floor(relu(x))", "max(x, y)**y", "where(x > y, log(x), 1/y)", "polygamma(1, x)", "sin(x)/x",
)  # fmt: skip


@pytest.mark.parametrize("text", AWKWARD)
def test_numeric_trouble_is_a_verdict_and_never_an_exception(text):
    rng = Random(text)
    for _ in range(6):
        point = {"x": rng.choice(NASTY), "y": rng.choice(NASTY)}
        report = gradcli.evaluate(text, [pair for pair in point.items() if pair[0] in text])
        assert report.check.verdict in ("pass", "kink", "fail", "undefined", "inconclusive")
        if not math.isfinite(report.value):
            assert report.notes


def test_an_answer_is_the_same_every_time():
    first, second = (gradcli.evaluate("sin(x*y)/x", {"x": 1.1, "y": 3}).check for _ in range(2))
    assert first == second


def test_large_programs_show_the_digits_that_float64_makes_certain():
    """Many digits would change no verdict; the bounds hold against them, and so do the digits."""
    text = two_heads().partition("# backward pass")[0]
    checks = gradcli.check(text).cases[0].inputs
    true = gradcli.evaluate(text).check.inputs
    bounded = [name for name, check in checks.items() if check.analytic_bound is not None]
    assert len(bounded) > 100
    for name, check in checks.items():
        assert check.verdict == "pass"
        off = abs(check.analytic - true[name].analytic)
        assert off <= (check.analytic_bound or 5e-13 * abs(check.analytic))
        assert (check.analytic_bound or 0.0) <= 1e-8 * abs(check.analytic)
    assert "analytic_bound" in checks[bounded[0]].as_dict()


def test_a_claim_is_told_in_its_own_digits_and_small_programs_in_many():
    text = "10 + exp(x) - e*x"
    (check,) = gradcli.check(text, {"x": 1.0000001}).cases[0].inputs.values()
    assert check.analytic_bound is None
    assert agree(check.analytic, float(mp.exp(1.0000001) - math.e), 1e-15)
    checks = gradcli.check(two_heads()).cases[0].inputs.values()
    assert not any(check.analytic_bound for check in checks)


# ---------------------------------------------------------------- relative error


@pytest.mark.parametrize(
    ("a", "b", "error"),
    [
        (1, 1, 0), (0, 0, 0), (0.0, -0.0, 0), (2, 1, 0.5), (1, 2, 0.5), (1, -1, 2), (0, 5, 1),
        (1e-300, 2e-300, 0.5), (1e308, -1e308, 2), (INF, INF, 0), (INF, -INF, NAN), (INF, 1, NAN),
        (NAN, NAN, NAN), (NAN, 0, NAN), (5e-324, 1e-323, 0.5),
    ],
)  # fmt: skip
def test_relative_error(a, b, error):
    assert relative_error(float(a), float(b)) == pytest.approx(error, rel=1e-15, nan_ok=True)


@pytest.mark.parametrize(
    ("a", "b", "room", "is_one"),
    [
        (1.0, 1.0 + 1e-9, 0.0, True), (1.0, 1.0 + 1e-5, 0.0, False), (0.0, 0.0, 0.0, True),
        (0.0, 1e-9, 0.0, False), (0.0, 1e-9, 1e-8, True), (INF, INF, 0.0, False),
        (INF, 1.0, 0.0, False), (1.0, INF, 1.0, False), (NAN, NAN, 0.0, False),
        (1e308, -1e308, 0.0, False), (1.0, 2.0, INF, False), (1.0, 2.0, NAN, False),
    ],
)  # fmt: skip
def test_numbers_and_arrays_agree_only_where_they_are_finite(a, b, room, is_one):
    assert agree(a, b, 1e-6, room) is is_one
    assert agree(np.array([1.0, a]), np.array([1.0, b]), 1e-6, room) is is_one
    assert agree(mpmath.mpf(a), mpmath.mpf(b), 1e-6, room) is is_one


def test_a_number_between_two_others_is_finite_though_they_may_not_be():
    assert lies_between(0.5, 0.0, 1.0, 0.0)
    assert lies_between(0.5, -INF, INF, 0.0)
    assert lies_between(1.5, 0.0, 1.0, 0.5)
    for number in (INF, -INF, NAN):
        assert not lies_between(number, -INF, INF, 1.0)


@pytest.mark.parametrize("tolerance", [NAN, INF, -1.0])
def test_a_tolerance_is_a_finite_number(tolerance):
    with pytest.raises(gradcli.GradcliError, match="tolerance"):
        gradcli.check("x*x", {"x": 3}, {"x": 7}, tolerance=tolerance)


@pytest.mark.parametrize("function", [gradcli.evaluate, gradcli.check])
def test_an_unknown_option_is_told_with_the_nearest_one(function):
    name = function.__name__
    with pytest.raises(TypeError, match=rf"{name}\(\) .* 'tolerence'; did you mean `tolerance`\?"):
        function("x*x", {"x": 3}, tolerence=1)
    with pytest.raises(TypeError, match=rf"{name}\(\) got an unexpected .* 'qqq'$"):
        function("x*x", {"x": 3}, qqq=1)


def test_a_report_of_no_gradient_has_no_verdict():
    assert gradcli.evaluate("sum(W)", {"W": []}).check is None
    assert gradcli.check("sum(W)", {"W": []}).verdict == "inconclusive"


def test_infinite_constants_and_lines_of_arrays_give_no_warnings():
    """Warnings are errors in these tests."""
    text = "f = sum(z); dz = 1e308*10*ones_like(z)"
    assert gradcli.check(text, {"z": [0.3, 1]}).verdict == "fail"
    text = "f = sum(x*y); dx = [nan, nan]*y; dy = sum(x)"
    assert gradcli.check(text, {"x": [1, 2], "y": 3}, max_elements=0).verdict == "fail"


@pytest.mark.parametrize(("text", "point"), [
    ("(x + x**1.5)*atan(x)", {"x": 1.0}),  # entries of the tableau agree to 1e-12, and err by 2e-9
    ("atan2(sqrt(1 - cos(y)), huber(x))", {"x": 1.456503, "y": 2.0}),
])  # fmt: skip
def test_a_bound_holds_where_terms_of_two_orders_cancel_over_a_step(text, point):
    check = gradcli.evaluate(text, point).check.inputs["x"]
    assert abs(check.numeric - check.analytic) <= check.bound
    assert check.bound <= 1e-9 * abs(check.numeric)
