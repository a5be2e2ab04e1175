"""The error function, its complement and its inverse at any real point, over an mpmath context.

    erf(x) = 2 x exp(-x*x) / sqrt(pi) * sum of (2 x*x)**k / (2k+1)!!

has no term below 0, so that nothing cancels (DLMF 7.6.2). It is summed in whole numbers, with as
few long products as Smith's columns leave: term k stands in column k mod m without the power
(2 x*x)**(k mod m), which is taken once for the whole column. mpmath multiplies once for each term.
"""

from __future__ import annotations

import math
from typing import Any

from gradcli.arithmetic.special import FEW, GUARD, exponential

SHORT = 64  # bits of a first approximation
NEAR = 20  # bits below 1 of the distance to a border, from where an asymptotic series starts
IN_FLOATS = 45  # bits that Newton's steps in float64 give between the borders
NEAR_IN_FLOATS = 1e-3  # of a border, from where the first approximation is worse
TANGENT = 25  # bits below 1 from where erf is its tangent at 0, to twice as many
WINITZKI = 0.147  # of his closed form for erf, which is off by less than 1/250


def erf(mp: Any, x: Any) -> Any:
    """The error function; far out as what its complement leaves of 1, in the few bits that has."""
    lost = int(min(x * x, mp.prec) / mp.ln2)
    if 3 * lost < mp.prec:
        return mp.erf(x) if mp.prec <= FEW else _summed(mp, x)
    with mp.workprec(max(mp.prec - lost, 0) + GUARD):
        rest = erfc(mp, abs(x))
    return 1 - rest if x > 0 else rest - 1


def erfc(mp: Any, x: Any) -> Any:
    """1 - erf(x), of which a difference loses as many bits as exp(-x*x) is below 1."""
    if x <= 0:
        return 1 - erf(mp, x)
    if x * x > 2 * mp.prec:
        with mp.workprec(mp.prec + 2 * mp.mag(x) + GUARD):
            value = exponential(mp, -x * x) * erfcx(mp, x)
        return +value
    lost = int(min(x * x, 2 * mp.prec) / mp.ln2) + 2 * max(0, mp.mag(x))
    if mp.prec <= FEW or lost > mp.prec + GUARD:  # here an asymptotic series has all digits
        return mp.erfc(x)
    with mp.workprec(mp.prec + lost + GUARD):
        value = 1 - _summed(mp, x)
    return +value


def erfcx(mp: Any, x: Any) -> Any:
    """exp(x*x) * erfc(x); far on the positive side by the series of DLMF 7.12.1."""
    if x < 0:
        return 2 * exponential(mp, x * x) - erfcx(mp, -x)
    square = 2 * x * x
    if square < 2 * mp.prec:
        with mp.workprec(mp.prec + GUARD):
            value = mp.exp(x * x) * erfc(mp, x)
        return +value
    term, total, k = mp.one, mp.one, 1
    while mp.mag(term) > -mp.prec:
        term *= -(2 * k - 1) / square
        total += term
        k += 1
    return total / (x * mp.sqrt(mp.pi))


def normcdf(mp: Any, x: Any) -> Any:
    """The cumulative distribution function of the standard normal distribution."""
    with mp.workprec(mp.prec + 2 * max(0, mp.mag(x)) + GUARD):
        half = -x / mp.sqrt(2)
    return erfc(mp, half) / 2


def erfinv(mp: Any, x: Any) -> Any:
    """The inverse of erf inside -1 to 1, by steps of which each has five times the digits.

    `known` are the bits of y, and of its distance from 0 where that is less than 1. What is close
    to a border is taken from its distance, of which erf(y) keeps as many bits.
    """
    rest = 1 - abs(x)
    lost = GUARD + max(0, -mp.mag(rest))
    if mp.mag(x) < -TANGENT:
        known, y = 2 * TANGENT, x * mp.sqrt(mp.pi) / 2
    elif lost - GUARD < NEAR:
        known, y = IN_FLOATS, mp.mpf(between_borders(float(abs(x)), float(rest))) * mp.sign(x)
    else:
        y = _near_border(mp, rest) * mp.sign(x)
        known = min(5 * mp.mag(y) - 4, IN_FLOATS)
    while known < mp.prec + GUARD:
        known = min(5 * known - 4 * max(0, mp.mag(y)) - 3, mp.prec + GUARD)
        with mp.workprec(known + lost):
            y += _step(y, (x - erf(mp, y)) * mp.sqrt(mp.pi) / 2 * mp.exp(y * y))
    return +y


def _step(y: Any, d: Any) -> Any:
    """How far y is off whose Newton step is d, but for the fifth power of d.

    The terms are those of Taylor's series of the inverse, whose n-th derivative P_n / erf'**n has
    P_1 = 1 and P_n+1 = P_n' + 2 n y P_n.
    """
    square = y * y
    return d * (1 + d * (y + d * ((1 + 4 * square) / 3 + d * y * (7 + 12 * square) / 6)))


def between_borders(x: float, rest: float) -> float:
    """The inverse of erf at x, from 0 to 1, in float64; `rest` is 1 - x."""
    log = math.log(rest * (1 + x))
    middle = 2 / (math.pi * WINITZKI) + log / 2
    y = math.sqrt(math.hypot(middle, math.sqrt(-log / WINITZKI)) - middle)
    for _ in range(3 if rest > NEAR_IN_FLOATS else 6):
        missing = x - math.erf(y) if x < 0.5 else math.erfc(y) - rest
        y += missing * math.sqrt(math.pi) / 2 * math.exp(y * y)
    return y


def _near_border(mp: Any, rest: Any) -> Any:
    """Where erfc is `rest`, to some bits: it is near exp(-y*y) / (y sqrt(pi)) (1 - 1 / (2 y*y))."""
    with mp.workprec(SHORT):
        log = -mp.log(rest)
        y = mp.sqrt(log)
        for _ in range(3):
            y = mp.sqrt(log - mp.log(y * mp.sqrt(mp.pi)) - 1 / (2 * y * y))
    return y


def _summed(mp: Any, x: Any) -> Any:
    """erf(x) by its series."""
    with mp.workprec(mp.prec + GUARD + 2 * max(0, mp.mag(x))):
        value = 2 * x * mp.exp(-x * x) / mp.sqrt(mp.pi) * _series(mp, 2 * x * x)
    return +value


def _series(mp: Any, t: Any) -> Any:
    """The sum of t**k / (2k+1)!!, in m columns; it is about exp(t/2) / sqrt(t)."""
    size, needed = max(0, mp.mag(t)), mp.prec + GUARD
    above = max(0, int(t / 2 / mp.ln2) - size)  # bits of the sum before the point
    m = max(1, min(math.isqrt(_count(needed, float(t))), needed // (2 * size + 1)))
    bits = needed + m * size  # a column grows by the power that is taken out of it
    with mp.workprec(bits + size):
        once, whole_row = (int(mp.ldexp(power, bits)) for power in (t, t**m))
    columns, term, odd = [0] * m, 1 << bits, 1
    while term >> above:
        for j in range(m):
            term //= odd
            columns[j] += term
            odd += 2
        term = term * whole_row >> bits
    total = 0
    for column in reversed(columns):
        total = (total * once >> bits) + column
    return mp.ldexp(mp.mpf(total), -bits)


def _count(bits: int, t: float) -> int:
    """About how many terms reach so many bits below 1: the k-th is near (t e / 2k)**k."""
    k = 8
    while k * math.log2(2 * k / (math.e * max(t, 1e-9))) < bits:
        k += k // 4
    return k
