"""Verdicts on functions of which only values are known."""

from __future__ import annotations

import math

import numpy as np
import pytest

from gradcli.tasks.functions import Function, check_function


def case_of(values, pullback, *point, names="xyzw", upstream=True):
    function = Function(values, pullback, [*names[: len(point)]], "f", takes_upstream=upstream)
    return check_function(function, [[np.asarray(x, dtype=float) for x in point]])


def of_number(f, slope, x, number=float):
    """The case of a function of one number, and of what is claimed as its slope.

    `number` is what it is called with: float lets through nothing but float64.
    """
    return case_of(lambda a: f(number(a[0])), lambda a, u: [u * slope(float(a[0]))], x)


def element(a):
    """The number in an array without axes, of whatever kind."""
    return a[()]


def wobble(x, size=1e-9):
    """Noise without a pattern, the same at each call."""
    return size * math.sin(1e6 * math.frexp(x)[0] * 2**45)


def in_float32(x):
    return float(np.sin(np.float32(x)) * np.float32(2))


def numbers(*shape, seed=1):
    return np.random.default_rng(seed).standard_normal(shape)


# ---------------------------------------------------------------- numbers

RIGHT = [
    ("square", lambda x: x * x, lambda x: 2 * x, 1.3),
    ("tiny", lambda x: 1e-9 * x * x, lambda x: 2e-9 * x, 1.3),
    ("huge", lambda x: 1e9 * x * x, lambda x: 2e9 * x, 1.3),
    ("at a tiny input", math.sin, math.cos, 1.3e-9),
    ("at a huge input", lambda x: x * x, lambda x: 2 * x, 1.3e9),
    ("noise of 1e-9", lambda x: math.sin(x) + wobble(x), math.cos, 1.3),
    ("float32 inside", in_float32, lambda x: 2 * math.cos(x), 1.3),
    ("float32 in part", lambda x: in_float32(x) + x * x, lambda x: 2 * math.cos(x) + 2 * x, 1.3),
    ("an offset of 1e10", lambda x: 1e10 + x * x, lambda x: 2 * x, 1.3),
    ("beside a kink", lambda x: 2 * max(x - 1.0, 0.0), lambda x: 2.0, 1 + 1e-9),
    ("before a kink", lambda x: 2 * max(x - 1.0, 0.0), lambda x: 0.0, 1 - 1e-9),
    ("a fast wave", lambda x: np.sin(1e6 * x), lambda x: 1e6 * math.cos(1e6 * x), 0.7),
    ("near a border", math.sqrt, lambda x: 0.5 / math.sqrt(x), 1e-9),
    ("nothing moves", lambda x: max(x, 3.0), lambda x: 0.0, 1.3),
]


@pytest.mark.parametrize("number", [float, element])
@pytest.mark.parametrize(("name", "f", "slope", "x"), RIGHT)
def test_right_gradients_pass(name, f, slope, x, number):
    case = of_number(f, slope, x, number)
    is_hidden = name == "an offset of 1e10" and number is float  # of its values nobody tells more
    assert case.verdict == ("inconclusive" if is_hidden else "pass"), case.inputs


def in_short(f):
    """A function whose operand and value are rounded to float32."""
    return lambda x: float(np.float32(f(float(np.float32(x)))))


def jittered(x, size):
    """Noise of any number's last places, from a generator that they seed."""
    return size * np.random.default_rng(abs(hash(x))).uniform(-1, 1)


def huber(x):
    return 0.5 * x * x if abs(x) < 1 else abs(x) - 0.5


AFAR = [  # where values far from the point are larger, or waver more, than those next to it
    ("a kink as near as x", in_short(lambda x: huber(1e9 * x)), lambda x: 1e18 * x, -1.27e-10),
    ("a wave that is lost", in_short(lambda x: math.sin(1e10 * x)),
     lambda x: 1e10 * math.cos(1e10 * x), 1.49e-9),
    ("a slow wave", in_short(lambda x: math.exp(1e-6 * x)),
     lambda x: 1e-6 * math.exp(1e-6 * x), -1.9592e6),
    ("a power", lambda x: 1e12 * float(np.float32(x)) ** 2, lambda x: 2e12 * x, -1.157e-6),
    ("noise on a wave", lambda x: math.sin(1e4 * x) + jittered(x, 1e-4),
     lambda x: 1e4 * math.cos(1e4 * x), -2.62798e-3),
]  # fmt: skip


@pytest.mark.parametrize("factor", [1.0, -1.0, 0.5, 2.0])
@pytest.mark.parametrize(("name", "f", "slope", "x"), AFAR)
def test_noise_far_from_the_point_is_that_of_the_values_there(name, f, slope, x, factor):
    case = of_number(f, lambda x: factor * slope(x), x)
    right = ("inconclusive", "pass") if name == "noise on a wave" else ("pass",)
    assert case.verdict in (right if factor == 1.0 else ("fail",)), case.inputs


@pytest.mark.parametrize("factor", [-1.0, 0.5, 2.0, 1.01, 0.0])
@pytest.mark.parametrize(("name", "f", "slope", "x"), RIGHT)
def test_wrong_gradients_fail(name, f, slope, x, factor):
    if slope(x) == 0:
        slope, factor = (lambda x: 1.0), factor or 1.0
    case = of_number(f, lambda x: factor * slope(x), x, element)
    assert case.verdict == "fail", case.inputs


@pytest.mark.parametrize(
    ("claim", "verdict"),
    [(0.0, "kink"), (1.0, "kink"), (0.5, "kink"), (1.5, "fail"), (-0.5, "fail")],
)
@pytest.mark.parametrize("f", [lambda x: max(x, 0.0), lambda x: math.fabs(x) / 2 + x / 2])
def test_at_a_kink_claims_lie_between_the_slopes(f, claim, verdict):
    case = of_number(f, lambda x: claim, 0.0)
    assert case.verdict == verdict
    assert case.inputs["x"].kind == "kink"


def test_a_jump_has_no_slope():
    case = of_number(lambda x: math.floor(x) + x, lambda x: 1.0, 2.0)
    assert case.verdict == "undefined"
    assert case.inputs["x"].kind == "jump"


def test_at_a_border_one_side_is_enough():
    case = of_number(lambda x: math.sqrt(x) ** 3, lambda x: 0.0, 0.0)
    assert case.verdict in ("pass", "inconclusive")
    case = of_number(lambda x: math.log1p(x) + 0 * math.sqrt(x), lambda x: 1 / (1 + x), 0.0)
    assert (case.verdict, case.inputs["x"].kind) == ("pass", "border")


def test_no_value_is_undefined():
    case = case_of(lambda a: np.log(a[0]), lambda a, u: [u / a[0]], -1.0)
    assert case.verdict == "undefined"


def test_what_does_not_repeat_itself_is_said():
    calls = []

    def f(x):
        calls.append(x)
        return x * x + 1e-3 * math.sin(len(calls))

    case = of_number(f, lambda x: 2.001 * x, 1.3)
    assert case.verdict == "inconclusive"
    assert "does not repeat itself" in case.inputs["x"].reason


def test_noise_of_one_input_is_in_the_slope_by_another():
    """log(1 + exp(-x)) loses digits, and by y its product with y is straight however many."""
    x, y = 27.784489633612033, 0.8987292631079655
    true = math.log1p(math.exp(-x))

    def of(factor):
        return case_of(
            lambda a: math.log(1 + math.exp(-float(a[0]))) * float(a[1]),
            lambda a, u: [u * -y / (1 + math.exp(x)), u * factor * true], x, y,
        ).inputs["y"]  # fmt: skip

    assert of(1.0).verdict == "inconclusive"
    assert "noisy" in of(1.0).reason
    assert of(1.01).verdict == "fail"


@pytest.mark.parametrize("x", [0.6748064889697107, -0.9014104544817281])
def test_plateaus_of_float32_beside_float64_are_noise(x):
    """On a plateau only x * x moves, and over steps of powers of two all is straight."""

    def f(x):
        return float(np.exp(-(np.float32(x) ** 2))) + x * x

    slope = 2 * x - 2 * x * math.exp(-x * x)
    assert of_number(f, lambda _: slope, x).verdict in ("pass", "inconclusive")
    assert of_number(f, lambda _: 1.1 * slope, x).verdict == "fail"


@pytest.mark.parametrize(("kind", "x"), [
    (np.float32, [10.0, 12.0, -9.0, 8.5]), (np.float16, [1.5, -2.0, 3.0, 0.3]),
])  # fmt: skip
def test_where_nothing_moves_values_are_rounded_to_the_precision_they_have(kind, x):
    """A plateau of float32 is a thousandth wide where the slope is 1e-4: it is no slope of 0."""

    def case(factor):
        def pullback(a, u):
            s = 1 / (1 + np.exp(-a[0]))
            return [factor * u * s * (1 - s)]

        return case_of(lambda a: (1 / (1 + np.exp(-kind(a[0])))).astype(float), pullback, x)

    assert case(1.0).verdict in ("pass", "inconclusive")
    assert case(2.0).verdict == "fail"


def test_functions_in_steps_are_not_taken_for_low_precision():
    assert of_number(math.floor, lambda x: 0.0, 2.4).verdict == "pass"
    assert of_number(lambda x: round(8 * x) / 8, lambda x: 0.0, 2.53).verdict == "pass"


def test_steps_that_are_wide_are_the_function_and_no_noise():
    def f(x):
        return math.floor(922.5 * x) / 922.5 + x * x

    assert of_number(f, lambda x: 2 * x, 0.5036).verdict == "pass"
    assert of_number(f, lambda x: 2.01 * x, 0.5036).verdict == "fail"


def test_steps_that_are_the_function_leave_what_is_rounded_so_undecided():
    """As seen from the middle of one of 1,000 steps the slope is 0, and from afar 2.3 % off."""
    step = math.exp(0.9861330200594627) / 1000

    def f(x):
        return round(math.exp(1e-6 * x) / step) * step

    case = of_number(f, lambda x: 1e-6 * math.exp(1e-6 * x), 986133.0200594627)
    assert case.verdict == "inconclusive"
    assert of_number(f, lambda x: 2e-6 * math.exp(1e-6 * x), 986133.0200594627).verdict == "fail"


def test_what_is_below_the_last_digit_is_undecided():
    """1e10 + x * x is one number in float32, whatever x is near by."""

    def f(x):
        return float(np.float32(1e10) + np.float32(x) ** 2)

    case = of_number(f, lambda x: 2 * x, 0.47)
    assert case.verdict == "inconclusive"
    assert "does not move in the digits it has" in case.inputs["x"].reason
    assert of_number(f, lambda x: 1e6, 0.47).verdict == "fail"
    assert of_number(lambda x: 3.0, lambda x: 1e-3, 0.47).verdict == "fail"


@pytest.mark.parametrize("x", [1.1e17, 1e30, 1.2e100, 1e308])
def test_what_is_another_at_the_next_number_is_undecided(x):
    """Between 1e30 and the next number a sine has turned a trillion times."""
    case = of_number(math.sin, math.cos, x)
    assert case.verdict == "inconclusive"
    if x == 1e308:
        assert "at the next number" in case.inputs["x"].reason


def test_the_smallest_number_beside_a_point_is_a_step_like_others():
    assert of_number(lambda x: 3 * x, lambda x: 2.0, 5e-324).verdict == "fail"
    case = case_of(lambda a: np.sum(np.sin(a[0])), lambda a, u: [u * np.ones(2)], [5e-324, 0.5])
    assert [check.verdict for check in case.inputs.values()] == ["pass", "fail"]


def test_where_a_value_is_masked_there_is_none():
    masked = np.ma.array([0.5, 1.0], mask=[False, True])
    case = case_of(lambda a: np.ma.array(a[0] ** 2, mask=masked.mask), lambda a, u: [2 * a[0] * u],
                   [0.5, 1.0])  # fmt: skip
    assert case.verdict == "undefined"
    whole = case_of(lambda a: np.ma.array(a[0] ** 2), lambda a, u: [2 * a[0] * u], [0.5, 1.0])
    assert whole.verdict == "pass"


def test_outside_a_table_there_is_no_value():
    def f(x):
        return [1.0, 2.0, 4.0][int(x)] * x

    assert of_number(f, lambda x: 4.0, 2.9).verdict == "pass"
    assert of_number(f, lambda x: 2.0, 2.9).verdict == "fail"


def test_kinks_near_by_excuse_no_wrong_gradient():
    beside = of_number(lambda x: abs(x - 2), lambda x: 0.0, 2.000001, element)
    assert beside.verdict == "fail"
    cancelling = of_number(lambda x: np.log(1 + x) / x, lambda x: -0.505, 5e-5, element)
    assert cancelling.verdict == "fail"
