"""Gamma and its relatives, exponentials and powers in many digits, held to mpmath's own."""

from __future__ import annotations

import math
import time

import mpmath
import pytest
from mpmath.libmp import libelefun

from gradcli.arithmetic import error_functions, special
from gradcli.arithmetic.digits import digits
from gradcli.arithmetic.floats import FLOATS

POINTS = [
    5e-324, -1e-300, 1e-15, 0.1, 0.9999999999999999, 1.0000000000000002, 1.4616321449683622, 2.7, 30.25,
    171.6, 1e5, 1e15, 1e300, -0.5, -0.504083008264455, -2.4570247382208006, -2.7476826467274127,
    -2.0000000000000004, -3.9999999999999996, -12.3, -170.25, -1e5 - 0.25,
]  # fmt: skip
FAMILY = {
    "gamma": (special.gamma, lambda mp, x: mp.gamma(x)),
    "lgamma": (
        special.lgamma,
        lambda mp, x: mp.loggamma(x) if x > 0 else mp.log(abs(mp.gamma(x))),
    ),
    "digamma": (lambda mp, x: special.polygamma(mp, 0, x), lambda mp, x: mp.psi(0, x)),
    "trigamma": (
        lambda mp, x: special.polygamma(mp, 1, x),
        lambda mp, x: mp.psi(1, x) if x > -100 else mp.pi**2 / mp.sinpi(x) ** 2 - mp.psi(1, 1 - x),
    ),
}


def context(count):
    mp = mpmath.mp.clone()
    mp.dps = count
    return mp


@pytest.mark.parametrize("count", [15, 50, 125, 160])
@pytest.mark.parametrize("name", FAMILY)
def test_gamma_and_its_relatives_are_right_to_the_last_bit_but_one(name, count):
    """In few digits and in many, next to poles and to zeros, where a difference cancels."""
    ours, theirs = FAMILY[name]
    mp, sharp = context(count), context(2 * count + 60)
    for x in POINTS:
        value, true = ours(mp, mp.mpf(x)), theirs(sharp, sharp.mpf(x))
        assert abs(sharp.mpf(value) - true) <= abs(true) * sharp.mpf(2) ** (1 - mp.prec), x


def derivative_of_digamma(mp, n, x):
    """The n-th, a sum over its poles by the formula of Euler and Maclaurin.

    mpmath's own loses digits here, and its Hurwitz zeta does so at (41, 700.5).
    """
    far = x + max(0, mp.dps + n - int(x))
    total = mp.fsum((x + k) ** -(n + 1) for k in range(int(far - x)))
    total += far**-n / n + far ** -(n + 1) / 2
    term, k = mp.inf, 1
    while abs(term) > abs(total) * mp.eps:
        factor = mp.bernoulli(2 * k) * mp.factorial(n + 2 * k - 1)
        term = factor / (mp.factorial(2 * k) * mp.factorial(n) * far ** (n + 2 * k))
        total += term
        k += 1
    return (-1) ** (n + 1) * mp.factorial(n) * total


@pytest.mark.parametrize("count", [15, 50, 125, 200])
@pytest.mark.parametrize("n", [3, 9, 40, 99, 101, 300, 1000])
def test_derivatives_of_any_order_are_right_to_the_last_bits(n, count):
    """On both sides of 0, far out, beside poles and half way between two, where terms cancel."""
    mp, sharp = context(count), context(3 * count + 60)
    near = [-0.5, -2.5 + 2.0**-50, -170.25, -0.49999999999999994, -3.0000000000000004]
    for x in (1e-15, 0.7, 3.5, 30.25, 700.5, 20000.5, *near):
        value, true = (
            special.polygamma(mp, n, mp.mpf(x)),
            derivative_of_digamma(sharp, n, sharp.mpf(x)),
        )
        assert abs(sharp.mpf(value) - true) <= abs(true) * sharp.mpf(2) ** (1 - mp.prec), x


def test_a_high_order_takes_no_longer_than_a_few_low_ones():
    """Powers are no long products, and terms are summed only until they vanish."""
    mp, times = context(200), {}
    for n in (5, 300):
        special.polygamma(mp, n, mp.mpf(2.7))  # what serves all orders is found once
        start = time.process_time()
        for k in range(20):
            special.polygamma(mp, n, mp.mpf(2.7 + k))
        times[n] = time.process_time() - start
    assert times[300] < 20 * times[5]


@pytest.mark.parametrize("count", [20, 50, 125, 745])
@pytest.mark.parametrize("name", ["erf", "erfc", "normcdf"])
def test_distributions_are_right_where_they_are_flat(name, count):
    """Far out they are what few bits of their complement leave of 1 and 2."""
    ours, sharp = digits(count).function(name), context(count + 420)
    unit = sharp.mpf(2) ** (2 - digits(count).number(1.0).context.prec)
    for x in (
        0.0,
        -0.3,
        1.0,
        -2.0,
        3.0,
        5.0,
        -5.5,
        7.0,
        9.3,
        -12.0,
        17.0,
        -20.0,
        27.5,
        40.0,
        -40.0,
        61.0,
    ):
        true = getattr(sharp, "ncdf" if name == "normcdf" else name)(sharp.mpf(x))
        assert abs(sharp.mpf(ours(digits(count).number(x))) - true) <= abs(true) * unit, x


@pytest.mark.parametrize("count", [20, 60, 300, 745])
def test_the_inverse_of_erf_is_right_beside_its_borders(count):
    mp, sharp = context(count), context(2 * count + 60)
    rest = mp.mpf(10) ** (4 - count)
    for x in (mp.mpf(1e-200), mp.mpf(0.3), mp.mpf(-0.9), 1 - mp.mpf(2) ** -53, rest - 1):
        y = sharp.mpf(error_functions.erfinv(mp, x))
        slope = 2 * sharp.exp(-y * y) / sharp.sqrt(sharp.pi)
        off = abs(sharp.erf(y) - sharp.mpf(x)) / slope
        assert off <= abs(y) * sharp.mpf(2) ** (1 - mp.prec), x


def test_a_new_precision_costs_next_to_nothing(monkeypatch):
    """The coefficients of the series are computed once for precisions that are near each other."""
    special._zetas.cache_clear()
    for count in (400, 405, 410, 415):
        mp = context(count)
        monkeypatch.setattr(mp, "gamma", None)  # mpmath's own, which begin anew
        monkeypatch.setattr(mp, "psi", None)
        special.gamma(mp, mp.mpf(2.7))
        special.polygamma(mp, 0, mp.mpf(2.7))
    assert special._zetas.cache_info().misses <= 3


@pytest.mark.parametrize("bits", [64, 500, 2000])
def test_zeta_at_even_numbers_is_mpmaths(bits):
    mp, zetas = context(bits + 60), special._zetas(bits, 40)
    for k in (1, 2, 3, 10, 40):
        assert abs(zetas[k] - mp.ldexp(mp.zeta(2 * k), bits)) <= 1


@pytest.mark.parametrize("size", [3, 45, 1000, 2**14])
def test_an_exponential_of_a_huge_whole_number_is_reduced_before_mpmath_sees_it(size, monkeypatch):
    """Which would raise e to it, bit by bit: 14 seconds for 2**2**14."""
    mp, seen = context(300), []
    exp = mp.exp

    def watched(x):
        seen.append(mp.mag(x))
        return exp(x)

    x = mp.ldexp(mp.mpf(5), size - 3)
    monkeypatch.setattr(mp, "exp", watched)
    value = special.exponential(mp, x)
    assert seen
    assert max(seen) <= special.GUARD
    sharp = context(300 + size)
    assert abs(sharp.log(sharp.mpf(value)) - sharp.mpf(x)) <= sharp.mpf(10) ** -299


@pytest.mark.parametrize(
    ("x", "y"),
    [(1.5, 1e15 + 0.5), (0.3, 1e300), (-1.0000000000000002, 1e14 + 1), (2.0, -1e-300), (4.0, 0.5)],
)
def test_powers_keep_their_digits_however_large_the_exponent(x, y):
    number = digits(40).number
    power = digits(40).function("pow")(number(x), number(y))
    sharp = context(800)
    true = sharp.exp(sharp.mpf(y) * sharp.log(abs(sharp.mpf(x)))) * (-1 if x < 0 else 1)
    assert abs(sharp.mpf(power) - true) <= abs(true) * sharp.mpf(10) ** -40


@pytest.mark.parametrize(("name", "sign"), [("sinh", 1), ("sinh", -1), ("cosh", 1), ("cosh", -1)])
@pytest.mark.parametrize("x", [0.5, 150.0, 400.0, 1e9 + 0.25])
def test_hyperbolic_functions_are_half_an_exponential_far_out(name, sign, x):
    value = digits(60).function(name)(digits(60).number(sign * x))
    sharp = context(150)
    true = getattr(sharp, name)(sharp.mpf(sign * x))
    assert abs(sharp.mpf(value) - true) <= abs(true) * sharp.mpf(10) ** -60


@pytest.mark.parametrize("xs", [(-240.0, 0.0), (-700.0, 0.0, -710.0), (-0.5, -0.9327521295671886)])
def test_logsumexp_keeps_its_digits_where_the_largest_operand_is_lost_or_cancels(xs):
    many = digits(50)
    value = many.function("logsumexp")([many.number(x) for x in xs])
    sharp = context(800)
    true = sharp.log(sharp.fsum(sharp.exp(sharp.mpf(x)) for x in xs))
    assert abs(sharp.mpf(value) - true) <= abs(true) * sharp.mpf(10) ** -50


def test_floats_and_many_digits_agree_next_to_zeros_and_far_from_them():
    many = digits(50)
    for n, x in [(0.0, -1.5734984731623904), (1.0, -3.3), (7.0, 0.1), (3.0, 1e5), (100.0, -3.5)]:
        near = FLOATS.function("polygamma")(n, x)
        far = many.function("polygamma")(many.number(n), many.number(x))
        assert math.isclose(near, float(far), rel_tol=2.0**-52), (n, x)
    for x in (-2.4570247382208006, -2.7476826467274127, -3.14358088834998, 1.0000000000000002):
        near, far = FLOATS.function("lgamma")(x), many.function("lgamma")(many.number(x))
        assert math.isclose(near, float(far), rel_tol=2.0**-52), x


@pytest.mark.parametrize("x", [5e-324, 1e-9, 0.3, -0.9, 0.999999])
def test_the_inverse_of_erf_takes_one_erf_for_five_times_the_digits_of_a_float(x, monkeypatch):
    calls = []
    monkeypatch.setattr(
        error_functions, "erf", lambda mp, y, erf=error_functions.erf: calls.append(y) or erf(mp, y)
    )
    digits(50).function("erfinv")(digits(50).number(x))
    assert len(calls) == 1


@pytest.mark.parametrize("bits", [2401, 3322, 9000])
def test_a_logarithm_of_many_bits_is_right_without_any_means(bits, monkeypatch):
    def refused(*_):
        raise AssertionError("the arithmetic-geometric mean takes twice the time")

    mp, sharp = context(bits), context(2 * bits + 1100)
    beside_one = 1 + mp.mpf(2) ** -900 / 3  # which older releases of mpmath take means for
    points = [
        beside_one, mp.mpf(3), mp.mpf(1e300), mp.mpf(0.7), 1 - mp.mpf(2) ** -13 / 3,
        mp.mpf(2) ** -4000 / 3, mp.mpf(1),
    ]  # fmt: skip
    right = [sharp.log(sharp.mpf(x)) for x in points]
    for x, true in zip(points, right, strict=True):
        if x != beside_one:
            monkeypatch.setattr(libelefun, "log_agm", refused)
        off = abs(sharp.mpf(special.logarithm(mp, x)) - true)
        assert off <= abs(true) * sharp.mpf(2) ** -bits, x


@pytest.mark.parametrize("count", [250, 750, 1000])
@pytest.mark.parametrize("name", ["log", "log2", "log10", "pow"])
def test_logarithms_just_above_a_quarter_are_those_of_a_quarter(name, count):
    """The logarithm of 1/4 in which mpmath has fewer bits than the number beside it needs."""
    arithmetic = digits(count)
    function, quarter = arithmetic.function(name), arithmetic.number(0.25)
    more = (arithmetic.number(0.3),) if name == "pow" else ()
    for bits in (300, 1203, 2000):
        beside = quarter + arithmetic.number(2.0) ** -bits
        apart = function(beside, *more) - function(quarter, *more)
        assert abs(apart) <= 8 * (beside - quarter)


@pytest.mark.parametrize("x", [-0.9999, -0.4, 1e-4, 3e-5, 0.7, 1e300])
def test_log1p_in_many_digits_is_right(x):
    number, sharp = digits(1000), context(8000)
    true = sharp.log(1 + sharp.mpf(x))
    off = abs(sharp.mpf(number.function("log1p")(number.number(x))) - true)
    assert off <= abs(true) * sharp.mpf(10) ** -1000
