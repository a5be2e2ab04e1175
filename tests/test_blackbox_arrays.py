"""Gradients of black boxes that take arrays, and their evidence."""

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


# ---------------------------------------------------------------- evidence


def test_every_verdict_is_an_estimate_with_its_noise():
    check = of_number(lambda x: math.sin(x) + wobble(x), math.cos, 1.3).inputs["x"]
    assert check.as_dict()["estimate"] is True
    assert 1e-10 < check.noise < 1e-8


def test_code_of_numpy_is_run_in_many_digits():
    """A relative error of 1e-5 beside an offset of 1e10 is far below the noise of float64."""

    def slope(x):
        return 2 * np.tanh(x) / np.cosh(x) ** 2

    def f(a):
        return 1e10 + np.tanh(a[0]) ** 2.0

    assert case_of(f, lambda a, u: [u * slope(a[0])], 1.3).verdict == "pass"
    assert case_of(f, lambda a, u: [u * slope(a[0]) * (1 + 1e-5)], 1.3).verdict == "fail"


def test_code_that_loses_digits_is_not_believed_in_them():
    """A buffer of float64 would drop them silently."""

    def f(a):
        buffer = np.zeros(2)
        buffer[0] = a[0] ** 2
        return buffer.sum()

    assert case_of(f, lambda a, u: [u * 2 * a[0]], 1.3).verdict == "pass"
    assert case_of(f, lambda a, u: [u * 2.1 * a[0]], 1.3).verdict == "fail"


def test_a_complex_step_that_is_dropped_tells_nothing():
    """math.cos takes a complex number of numpy, and forgets its imaginary part."""
    case = case_of(lambda a: a[0] + math.cos(a[0]), lambda a, u: [u * 1.0], 0.7)
    assert case.verdict == "fail"


# ---------------------------------------------------------------- arrays


def relu(a):
    return np.maximum(a[0], 0)


def softmax(a):
    e = np.exp(a[0] - a[0].max(-1, keepdims=True))
    return e / e.sum(-1, keepdims=True)


def softmax_back(a, u):
    out = softmax(a)
    return [out * (u - (u * out).sum(-1, keepdims=True))]


def max_pool(a):
    return a[0].reshape(4, 2, 4, 2).max(axis=(1, 3))


def max_pool_back(a, u):
    x = a[0].reshape(4, 2, 4, 2)
    return [((x == x.max(axis=(1, 3), keepdims=True)) * u[:, None, :, None]).reshape(8, 8)]


def sort_back(a, u):
    back = np.zeros_like(a[0])
    back[np.argsort(a[0], kind="stable")] = u
    return [back]


def median_back(a, u):
    back = np.zeros_like(a[0])
    back[np.argsort(a[0], kind="stable")[len(a[0]) // 2]] = u
    return [back]


A, B = numbers(4, 4), numbers(4, 3, seed=2)
ARRAYS = [
    ("relu", relu, lambda a, u: [u * (a[0] > 0)], [numbers(5, 7)]),
    ("relu at zeros", relu, lambda a, u: [u * (a[0] > 0)], [np.round(numbers(5, 7))]),
    ("matmul", lambda a: a[0] @ a[1], lambda a, u: [u @ a[1].T, a[0].T @ u], [A, B]),
    ("softmax", softmax, softmax_back, [numbers(3, 10)]),
    ("sort", lambda a: np.sort(a[0]), lambda a, u: [u[np.argsort(np.argsort(a[0]))]], [numbers(20)]),
    ("sort of equal numbers", lambda a: np.sort(a[0]), sort_back, [np.round(numbers(20) * 2) / 2]),
    ("median of equal numbers", lambda a: np.median(a[0]), median_back, [np.round(numbers(15))]),
    ("cumsum", lambda a: np.cumsum(a[0]), lambda a, u: [np.cumsum(u[::-1])[::-1]], [numbers(20)]),
    ("max pool", max_pool, max_pool_back, [numbers(8, 8)]),
    ("two sizes", lambda a: np.sum(a[0] ** 2), lambda a, u: [u * 2 * a[0]], [numbers(20) * 10.0 ** -(np.arange(20) / 3)]),
]  # fmt: skip


@pytest.mark.parametrize(("name", "values", "pullback", "point"), ARRAYS)
def test_right_gradients_of_arrays_are_not_accused(name, values, pullback, point):
    assert case_of(values, pullback, *point).verdict in ("pass", "kink")


@pytest.mark.parametrize(("name", "values", "pullback", "point"), ARRAYS)
def test_one_wrong_element_is_found(name, values, pullback, point):
    """An element that is off by a hundredth, be it ever so small beside the others."""
    shape = point[-1].shape
    gradient = pullback([x.copy() for x in point], numbers(*np.shape(values(point)), seed=3))[-1]
    place = next(index for index in reversed(list(np.ndindex(shape))) if gradient[index])

    def wrong(a, u):
        grads = [*pullback(a, u)]
        grads[-1] = np.array(grads[-1], dtype=float)
        grads[-1][place] *= 1.01
        return grads

    case = case_of(values, wrong, *point)
    leaf = "xy"[len(point) - 1]
    assert case.inputs[leaf + "".join(f"[{k}]" for k in place)].verdict == "fail"
    assert [
        check.verdict for check in case.inputs.values() if check.whole == leaf and check.element
    ].count("fail") == 1


MISTAKES = [
    ("sign", relu, lambda a, u: [-u * (a[0] > 0)], [numbers(5, 7)], "the sign is wrong"),
    ("transposed", lambda a: a[0] @ a[1], lambda a, u: [(u @ a[1].T).T, a[0].T @ u], [A, B], "transposed"),
    ("mean", lambda a: np.mean(a[0] ** 2), lambda a, u: [u * 2 * a[0]], [numbers(4, 5)], "the mean over 20 is missing"),
    ("upstream", relu, lambda a, u: [1.0 * (a[0] > 0)], [numbers(5, 7)], "upstream gradient of 1"),
    ("upstream of a number", lambda a: a[0] ** 2, lambda a, u: [2 * a[0]], [1.3], "upstream gradient of 1"),
    ("missing", relu, lambda a, u: [0 * a[0]], [numbers(5, 7)], "is 0 everywhere"),
    ("swapped", lambda a: a[0] * a[1], lambda a, u: [u * a[0], u * a[1]], [1.5, 2.0], "this is y's gradient"),
    ("factor", lambda a: np.sum(a[0] ** 3), lambda a, u: [u * a[0] ** 2], [numbers(13)], "0.333333 times"),
]  # fmt: skip


@pytest.mark.parametrize(("name", "values", "pullback", "point", "words"), MISTAKES)
def test_mistakes_have_names(name, values, pullback, point, words):
    case = case_of(values, pullback, *point)
    assert case.verdict == "fail"
    assert words in case.inputs["x"].reason


def test_gradients_that_are_legal_only_one_by_one_fail_together():
    def largest(a):
        return np.asarray(max(float(a[0]), float(a[1])))

    assert case_of(largest, lambda a, u: [u, u], 1.0, 1.0).verdict == "fail"
    assert case_of(largest, lambda a, u: [u, 0 * u], 1.0, 1.0).verdict == "kink"
    separate = case_of(lambda a: relu(a) - relu(a[1:]), lambda a, u: [u, 0 * u], 0.0, 0.0)
    assert separate.verdict == "kink"


@pytest.mark.parametrize("n", [2, 3, 5, 12])
def test_claims_at_the_kink_of_a_norm_or_a_largest_number_are_tested_together(n):
    def norm(a):
        return np.asarray(math.hypot(*map(float, a[0])))

    def largest(a):
        return np.asarray(max(map(float, a[0])))

    def claim(numbers):
        return lambda a, u: [u * np.asarray(numbers)]

    signs = [(-1.0) ** k for k in range(n)]
    for f, unit, most in (
        (norm, signs, n**-0.5),
        (norm, [1.0] * n, n**-0.5),
        (largest, [1.0] * n, 1 / n),
    ):
        for part, verdict in ((0.98 if f is norm else 1.0, "kink"), (1.1, "fail")):
            wanted = case_of(f, claim([part * most * x for x in unit]), [0.0] * n)
            assert wanted.verdict == verdict, (f, part)


def test_a_gradient_of_the_wrong_shape_fails():
    case = case_of(lambda a: a[0] @ a[1], lambda a, u: [u @ a[1].T, (a[0].T @ u).T], A, B)
    assert "has shape (3, 4), y has (4, 3)" in case.inputs["y"].reason


def test_a_gradient_that_is_not_finite_fails_or_is_undecided():
    case = case_of(lambda a: np.sum(a[0] ** 2), lambda a, u: [a[0] * math.nan], numbers(3))
    assert case.verdict == "fail"


@pytest.mark.parametrize("claim", [math.inf, -math.inf, math.nan])
@pytest.mark.parametrize("f", [lambda x: x * x, in_float32, lambda x: x * x + wobble(x, 1e-6)])
def test_no_slope_that_values_tell_is_infinite(f, claim):
    assert of_number(f, lambda x: claim, 1.3).verdict == "fail"


@pytest.mark.parametrize("number", [float, element])
@pytest.mark.parametrize(("f", "claim", "verdict"), [
    (lambda x: np.sqrt(-((x - 1) ** 2)), 0.0, {"undefined", "inconclusive"}),  # 0 at 1 alone
    (lambda x: 1.0 * (x >= 1) + x, 1.0, {"undefined"}),
    (lambda x: np.abs(x - 1), 0.5, {"kink"}),
    (lambda x: np.abs(x - 1), 1.5, {"fail"}),
    (lambda x: np.cbrt(x - 1), math.inf, {"pass"}),
    (lambda x: np.cbrt(x - 1), -math.inf, {"fail", "inconclusive"}),
    (lambda x: np.cbrt(x - 1), 5.0, {"fail", "inconclusive"}),
    (lambda x: (x - 1) * np.sqrt(x - 1) + x, 1.0, {"pass", "inconclusive"}),  # at its border
    (lambda x: (x - 1) * np.sqrt(x - 1) + x, 2.0, {"fail"}),
])  # fmt: skip
def test_what_is_no_slope_is_told_as_what_it_is(f, claim, verdict, number):
    case = case_of(lambda a: f(number(a[0])), lambda a, u: [u * claim], 1.0)
    assert case.verdict in verdict
    if number is element:  # many digits decide
        assert case.verdict != "inconclusive"


@pytest.mark.parametrize("claim", [-0.9, 0.0, 0.7])
def test_noise_that_hides_a_kink_is_no_reason_to_accuse(claim):
    case = of_number(lambda x: abs(x) + wobble(x + 1, 1e-6), lambda x: claim, 0.0)
    assert case.verdict in ("kink", "inconclusive")


SOME_ZERO = np.where(np.arange(20) < 5, 0.0, numbers(20))
ELEMENTS = [  # f, the gradient of its sum but for the upstream one, the point, the verdict
    ("all at a kink", lambda x: np.sum(np.abs(x)), lambda x: 0.3 + 0 * x, np.zeros(20), "kink"),
    ("all beyond one", lambda x: np.sum(np.abs(x)), lambda x: 3 + 0 * x, np.zeros(20), "fail"),
    ("some at a kink", lambda x: np.sum(np.abs(x)), np.sign, SOME_ZERO, "kink"),
    ("some beyond one", lambda x: np.sum(np.abs(x)), lambda x: np.where(x == 0, 5, np.sign(x)),
     SOME_ZERO, "fail"),
    ("a tie that is shared", np.max, lambda x: 0 * x + 1 / 20, np.ones(20), "kink"),
    ("a tie counted often", np.max, lambda x: 0 * x + 1, np.ones(20), "fail"),
    ("jumps", lambda x: np.sum(np.floor(x)), lambda x: 0 * x, np.arange(20.0), "undefined"),
    ("complex values", lambda x: np.sum(x + 0j), lambda x: 0 * x + 1, numbers(20), "undefined"),
    ("a turned sign", lambda x: np.sum(x**2), lambda x: -2 * x, numbers(70, 70), "fail"),
    ("many", lambda x: np.sum(x**2), lambda x: 2 * x, numbers(70, 70), "pass"),
    ("none", np.sum, lambda x: 0 * x, np.zeros(0), "pass"),
    ("a truth", lambda x: np.sum(x) > 99, lambda x: 0 * x, numbers(3), "pass"),
]  # fmt: skip


@pytest.mark.parametrize(("name", "f", "slope", "x", "verdict"), ELEMENTS)
def test_arrays_of_which_many_elements_are_alike(name, f, slope, x, verdict):
    assert case_of(lambda a: f(a[0]), lambda a, u: [u * slope(a[0])], x).verdict == verdict


def test_a_gradient_that_is_not_given_is_no_claim():
    case = case_of(lambda a: a[0] * a[1], lambda a, u: [u * a[1], None], 2.0, 3.0)
    assert (case.verdict, [*case.inputs], case.claims) == ("pass", ["x"], 1)
    assert "no gradient is given for y" in case.notes


EXTREME = [5e-324, -1e-310, 1e-300, -1e300, 1.7976931348623157e308]


@pytest.mark.parametrize(("f", "slope", "x"), [
    *((lambda x: x, lambda x: 1.0, x) for x in EXTREME),
    *((lambda x: 1e-300 * x, lambda x: 1e-300, x) for x in EXTREME),
    *((lambda x: 3.0, lambda x: 0.0, x) for x in EXTREME),
    *((lambda x: math.log(abs(x)), lambda x: 1 / x, x) for x in EXTREME[2:]),
])  # fmt: skip
def test_the_smallest_and_the_largest_inputs_have_verdicts(f, slope, x):
    assert of_number(f, slope, x).verdict in ("pass", "inconclusive")
    assert of_number(f, lambda x: 1.5 * slope(x) + 1e-310, x).verdict in ("fail", "inconclusive")


def test_the_same_seed_gives_the_same_report():
    values, pullback, point = ARRAYS[3][1:]
    assert case_of(values, pullback, *point) == case_of(values, pullback, *point)
