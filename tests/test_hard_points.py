"""Points where plain float64 fails, against mpmath's own derivative rules written by hand.

Each case is an expression, a point, and the function in mpmath; its derivative is mpmath's numeric
one at 120 digits, which shares nothing with the package.
"""

import math

import mpmath
import numpy as np
import pytest
from mpmath import mp

import gradcli

DIGITS = 120


def cases():
    """(text, point, function of the same inputs)."""
    e, log, sqrt, sin, cos, tanh = mp.exp, mp.log, mp.sqrt, mp.sin, mp.cos, mp.tanh
    for x in (720, 800, 1000, -720, -800, 3000, 1e5, 36.5):
        yield "1/(1+exp(-x))", {"x": x}, lambda x: 1 / (1 + e(-x))
        yield "log(1+exp(x))", {"x": x}, lambda x: log(1 + e(x))
        yield "exp(x)/(1+exp(x))", {"x": x}, lambda x: e(x) / (1 + e(x))
        yield "(exp(x)-exp(-x))/(exp(x)+exp(-x))", {"x": x}, tanh
    for x in (1e-5, 1e-8, 3e-10, 1e-13, 1e-17, 1e-30, -1e-12, 1e-100):
        yield "exp(x)-1", {"x": x}, lambda x: e(x) - 1
        yield "log(1+x)", {"x": x}, lambda x: log(1 + x)
        yield "(1-cos(x))/x**2", {"x": x}, lambda x: (1 - cos(x)) / x**2
        yield "(exp(x)-1)/x", {"x": x}, lambda x: (e(x) - 1) / x
        yield "sqrt(1+x)-1", {"x": x}, lambda x: sqrt(1 + x) - 1
        yield "(x - sin(x))/x**3", {"x": x}, lambda x: (x - sin(x)) / x**3
    for x in (1e8, 1e12, 1e15, 1e17, 1e30, 1e100):
        yield "sqrt(x+1)-sqrt(x)", {"x": x}, lambda x: sqrt(x + 1) - sqrt(x)
        yield "log(x+1)-log(x)", {"x": x}, lambda x: log(x + 1) - log(x)
        yield "1/x - 1/(x+1)", {"x": x}, lambda x: 1 / x - 1 / (x + 1)
        yield "(x+1)**2 - x**2 - 2*x", {"x": x}, lambda x: (x + 1) ** 2 - x**2 - 2 * x
    for a, b in ((1e200, 2e200), (1e-200, 3e-200), (1e150, 1e20), (3e170, 4e170), (1e-170, 1e-180)):
        yield "sqrt(a*a+b*b)", {"a": a, "b": b}, lambda a, b: sqrt(a * a + b * b)
        yield "a*b/(a*a+b*b)", {"a": a, "b": b}, lambda a, b: a * b / (a * a + b * b)
        yield "a**2/b**2", {"a": a, "b": b}, lambda a, b: a**2 / b**2
    for a, b in ((1000, 999), (-1000, -1001), (800, 1), (5000, 5000.5), (1e4, -1e4), (710, 700)):
        yield "log(exp(a)+exp(b))", {"a": a, "b": b}, lambda a, b: log(e(a) + e(b))
        yield "exp(a)/(exp(a)+exp(b))", {"a": a, "b": b}, lambda a, b: e(a) / (e(a) + e(b))
        yield "-log(exp(a)/(exp(a)+exp(b)))", {"a": a, "b": b}, lambda a, b: log(1 + e(b - a))
        yield "exp(a)*exp(-a)*b", {"a": a, "b": b}, lambda a, b: b * (a / a)
    for x in (-1.0, -5.0, -1e-300, -1e150):
        yield "where(x > 0, log(x), x*x)", {"x": x / 4}, lambda x: x * x
        yield "where(x > 0, sqrt(x), -x)", {"x": x}, lambda x: -x
        yield "x*2 if x < 1 else exp(exp(-x*x*1e9))", {"x": x}, lambda x: 2 * x
        yield "max(x, 1)*0 + x**3/x**2", {"x": x}, lambda x: x
    for x in (0.3, 1.7, -2.2, 1e-3):
        yield "sin(x)**2 + cos(x)**2", {"x": x}, lambda x: x / x
        yield "cosh(x)**2 - sinh(x)**2", {"x": x * 30}, lambda x: x / x
        yield "log(exp(x*1000))", {"x": x}, lambda x: 1000 * x
        yield "(x + 1e20) - 1e20", {"x": x}, lambda x: x
    for x in (1e22, 1e17, 123456789.0):
        yield "sin(x) - sin(x + 1e-3*0)", {"x": x}, lambda x: x - x
        yield "tan(x)*cos(x)", {"x": x}, sin


CASES = list(cases())


def rounded(number):
    try:
        return float(number)
    except OverflowError:
        return math.copysign(math.inf, number)


@pytest.mark.parametrize(
    ("text", "point", "function"), CASES, ids=[f"{t} {p}" for t, p, _ in CASES]
)
def test_value_and_gradients_are_rounded_correctly(text, point, function):
    report = gradcli.evaluate(text, point, check=False)
    with mpmath.workdps(DIGITS * 8):
        numbers = [mp.mpf(float(x)) for x in point.values()]
        truths = [(report.value, report.bound, function(*numbers))]
        for k, name in enumerate(point):
            step = (abs(numbers[k]) or mp.one) * mp.mpf(10) ** -(2 * DIGITS)
            ends = [
                function(*(x + sign * step * (i == k) for i, x in enumerate(numbers)))
                for sign in (1, -1)
            ]
            slope = (ends[0] - ends[1]) / (2 * step)
            truths.append((report.gradients[name], report.gradient_bounds[name], slope))
        for found, bound, truth in truths:
            near = rounded(truth) if abs(truth) > mp.mpf(10) ** -400 else 0.0
            assert math.isfinite(found)
            if bound > 1e-15 * abs(found):  # certain to 12 digits without many digits
                assert abs(found - near) <= 5e-13 * abs(near)
            else:
                assert abs(found - near) <= math.ulp(near), (found, near)
            assert abs(mp.mpf(found) - truth) <= bound + mp.mpf(10) ** -390


def test_there_are_enough_of_them():
    assert len(CASES) >= 150


@pytest.mark.parametrize(
    ("text", "x", "slope"),
    [
        ("sqrt(x)**2", 0, 1), ("relu(x) - relu(-x)", 0, 1), ("where(x == 0, 0, x)", 0, 1),
        ("max(x, 0) + min(x, 0)", 0, 1), ("abs(x)*x", 0, 0), ("(x**2)**0.5", 0, 0),
        ("sqrt(x*x)", 0, 0), ("relu(x)", 0, 0), ("sqrt(x)*sqrt(x)*3", 0, 3), ("max(x, x)", 2, 1),
    ],
)  # fmt: skip
def test_reverse_mode_alone_does_not_decide_where_it_is_indeterminate(text, x, slope):
    report = gradcli.evaluate(text, {"x": x}, check=False)
    assert report.gradients["x"] == slope


@pytest.mark.parametrize("text", ["x*log(x)", "x/x", "sin(x)/x", "log(x) - log(x)"])
def test_what_has_no_value_is_nan_with_a_note(text):
    report = gradcli.evaluate(text, {"x": 0}, check=False)
    assert math.isnan(report.value)
    assert report.notes


@pytest.mark.parametrize(("text", "point", "function"), CASES[::3], ids=lambda _: "")
def test_a_note_says_what_plain_float64_gives(text, point, function):
    plain = gradcli.evaluate(text, point, check=False, arithmetic="float64")
    for note in gradcli.evaluate(text, point, check=False).notes:
        _, _, says = note.partition("plain float64 gives ")
        for part in says.partition("; use ")[0].split("; ") if " for " in says else ():
            number, _, name = part.partition(" for ")
            gave = plain.value if name == "the value" else plain.gradients[name[1:]]
            assert repr(gave).removesuffix(".0") == number


def test_a_cure_in_a_note_is_one():
    for text, point, cure in [
        ("log(exp(a)+exp(b))", {"a": 1000, "b": 999}, "logsumexp(a, b)"),
        ("exp(x)-1", {"x": 1e-10}, "expm1(x)"),
        ("sqrt(a*a+b*b)", {"a": 1e200, "b": 1e200}, "hypot(a, b)"),
        ("log(1+exp(x))", {"x": 1000}, "softplus(x)"),
    ]:
        (note,) = gradcli.evaluate(text, point, check=False).notes
        assert note.endswith(f"; use {cure}")
        better = gradcli.evaluate(cure, point, check=False, arithmetic="float64")
        truth = gradcli.evaluate(text, point, check=False)
        assert better.value == pytest.approx(truth.value, rel=1e-12)


@pytest.mark.parametrize("count", [1, 5, 16, 40, 300, 1000])
def test_so_many_digits_are_right(count):
    report = gradcli.evaluate("exp(x) - 1", {"x": 1e-10}, check=False, digits=count)
    with mpmath.workdps(count + 60):
        x = mp.mpf(1e-10)
        for text, truth in [
            (report.decimal["value"], mp.exp(x) - 1),
            (report.decimal["gradients"]["x"], mp.exp(x)),
        ]:
            assert abs(mp.mpf(text) - truth) <= abs(truth) * mp.mpf(10) ** (1 - count) / 2


@pytest.mark.parametrize(
    ("text", "point", "slopes"),
    [
        ("max(exp(x), exp(y))", {"x": 2.0, "y": 2.0}, {"x": math.exp(2), "y": 0.0}),
        ("max(x/3, y/3)", {"x": 1.0, "y": 1.0}, {"x": 1 / 3, "y": 0.0}),
        ("min(sigmoid(x), sigmoid(y))", {"x": 0.3, "y": 0.3}, {"x": 0.24445831169, "y": 0.0}),
        ("max(exp(x))", {"x": [2.0, 2.0]}, {"x": [math.exp(2), 0.0]}),
        ("max(mean(x, axis=1))", {"x": [[1, 2, 4], [1, 2, 4]]}, {"x": [[1 / 3] * 3, [0.0] * 3]}),
    ],
)
def test_a_tie_behind_gates_that_round_has_the_first_winner(text, point, slopes):
    """Bounds cannot tell that it is a tie; many digits can, and keep one choice for all inputs."""
    report = gradcli.evaluate(text, point)
    assert report.check.verdict == "kink"
    for name, slope in slopes.items():
        np.testing.assert_allclose(report.gradients[name], slope, rtol=1e-9)


def test_inputs_at_one_kink_are_told_apart_in_any_order():
    for order in (["y", "z"], ["z", "y"]):
        assert gradcli.check("max(z, y) + z", [(name, 1.0) for name in order]).verdict == "kink"


@pytest.mark.parametrize(("text", "x"), [
    ("min(-acos(floor(x)*x), 1)", 1.0), ("cbrt(atan2(ceil(x), x))", -1.0),
    ("log(relu(x)*floor(x)*asinh(x))", 2.0), ("sqrt(1 + floor(x)*x)", 1.0),
])  # fmt: skip
def test_what_a_jump_moves_jumps_however_short_the_step(text, x):
    """No step is short enough for a gate whose operand jumps."""
    answer = gradcli.evaluate(text, {"x": x}).check.inputs["x"]
    assert (answer.verdict, answer.kind) == ("undefined", "jump")


@pytest.mark.parametrize(("text", "x"), [
    ("exp(relu(x)*asin(round(x)))", 1.0), ("cbrt(floor(x))*x", 1.5), ("acos(ceil(x))*x", 0.5),
])  # fmt: skip
def test_steps_far_from_their_jumps_are_no_trouble(text, x):
    """The distance to a jump is continuous: half way between two jumps there is none."""
    assert gradcli.evaluate(text, {"x": x}).check.verdict == "pass"


@pytest.mark.parametrize(("text", "x", "slope"), [
    ("acosh(cbrt(x))", 1.0, math.inf), ("acos(cbrt(x))", 1.0, -math.inf),
    ("asin(cbrt(min(x, 1)))", 2.0, 0.0), ("acosh(x**1.5)", 1.0, math.inf),
    ("sqrt(cbrt(x) - 2)", 8.0, math.inf),
])  # fmt: skip
def test_roots_of_cubes_and_powers_of_one_are_exact(text, x, slope):
    """Behind them stands a border, which any rounding would hide."""
    answer = gradcli.evaluate(text, {"x": x}).check.inputs["x"]
    assert (answer.verdict, answer.numeric) == ("pass", slope)


@pytest.mark.parametrize(("text", "slope", "second"), [
    ("where(x != 0, (1 - cos(x))/x**2, 0.5)", 0, -1/12),
    ("where(x != 0, (1 - cos(x))**2/x**4, 0.25)", 0, -1/12),
    ("where(x != 0, (x - sin(x))/x**3, 1/6) + x", 1, -1/60),
    ("where(x != 0, (exp(x) - 1 - x - x**2/2)/x**3, 1/6)", 1/24, 1/60),
    ("where(x != 0, (cosh(x) - cos(x) - x**2)/x**6, 1/360)", 0, None),
])  # fmt: skip
def test_a_gap_that_a_branch_fills_is_smooth_however_much_cancels_beside_it(text, slope, second):
    """The series of the textbooks: sin(x) = x - x**3/6 + x**5/120 and its like."""
    report = gradcli.evaluate(text, {"x": 0.0}, hessian=True)
    answer = report.check.inputs["x"]
    assert (answer.verdict, answer.kind) == ("pass", "smooth")
    assert abs(answer.numeric - slope) <= 1e-15
    assert second is None or abs(report.hessian["x"]["x"] - second) <= 1e-15
    wrong = gradcli.check(text, {"x": 0.0}, {"x": slope + 1e-5})
    assert wrong.verdict == "fail"


@pytest.mark.parametrize(
    "text", ["polygamma(-1, x)", "inf - inf + x", "log(-1)*0 + x", "x**0.5 - 3"]
)
def test_what_has_no_value_has_no_certain_slope(text):
    report = gradcli.evaluate(text, {"x": -2.5})
    assert math.isnan(report.value)
    assert report.gradient_bounds == {"x": math.inf}
    assert report.check.verdict == "undefined"
