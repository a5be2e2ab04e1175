"""Gamma, its logarithm and its derivatives at any real point, over an mpmath context.

A point is moved up by the recurrence to where Stirling's series reaches the precision:

    log gamma(x) = log gamma(X) - log |x (x+1) ... (X-1)|,             X = x + N
    log gamma(X) = (X - 1/2) log X - X + log(2 pi) / 2 + sum of B_2k / (2k (2k-1) X**(2k-1))

and the derivatives term by term (DLMF 5.5.1, 5.11.1, 5.15.8; both series err by less than their
first omitted term). Far on the negative side gamma is reflected. In few digits mpmath's own series
are faster; in many they take seconds to begin, as mpmath computes its coefficients anew for each
precision. Here the Bernoulli numbers B_2k come from whole numbers that serve all precisions.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache, lru_cache
from operator import mul
from threading import RLock
from typing import Any

# mpmath keeps one value of each constant for all contexts, and a thread may read a longer one than
# it expects while another replaces it; contexts change their precision for a while.
LOCK = RLock()
EASY_ORDER = 100  # above it mpmath takes seconds for a single value of polygamma
GUARD = 40  # bits beyond the precision: more than a few thousand factors lose
DIGITS_PER_BIT = 0.30103
LOW_POWER = 4  # up to which a power of a whole number is a product
FEW = 400  # bits up to which mpmath is faster
LARGEST_LOG = 64  # no logarithm of a point that few digits are computed at is larger
FIRST = 64  # bits, and terms, are counted in so many, so that few different ones are in use
COARSE = 1024  # bits, for each of which they are counted in so many more
OF_SERIES = 2_400  # bits up to which mpmath sums a series for a logarithm
BESIDE_ONE = 14  # bits of the distance, from where it does so in any number of bits
BLOCK = 16  # factors multiplied out together


@cache
def context(bits: int) -> Any:
    """An mpmath context of so many bits that no caller changes."""
    import mpmath  # late: the fast path has no use for it

    mp = mpmath.mp.clone()
    mp.prec = bits
    return mp


@contextmanager
def working(bits: int) -> Iterator[Any]:
    """The context of so many bits, for this thread alone."""
    with LOCK:
        yield context(bits)


def settled(mp: Any, terms: Callable[[], tuple[Any, Any]]) -> Any:
    """A value that is a difference, to the context's precision however much of it cancels.

    `terms` computes the value and the size of what it is the difference of. Raises ValueError
    where nothing is left of it, which no such value can be.
    """
    precision, guard = mp.prec, GUARD
    while guard <= 64 * precision:
        with mp.workprec(precision + guard):
            value, size = terms()
        lost = mp.mag(size) - mp.mag(value) if value else precision + guard
        if lost <= guard - GUARD // 2:
            return +value
        guard += int(lost)
    raise ValueError("all digits cancel")


def gamma(mp: Any, x: Any) -> Any:
    """The gamma function. Raises ValueError at a pole."""
    _refuse_pole(mp, x)
    if mp.prec <= FEW and abs(x) < _horizon(mp):
        return mp.gamma(x)
    with mp.workprec(mp.prec + GUARD + 2 * max(mp.mag(x), 0)):
        if x < -_horizon(mp):
            value = mp.pi / (mp.sinpi(x) * gamma(mp, 1 - x))
        else:
            product, far = _moved(mp, x)
            with mp.workprec(mp.prec + 2 * mp.mag(far)):
                value = exponential(mp, _stirling(mp, far)) / product
    return +value


def lgamma(mp: Any, x: Any) -> Any:
    """The logarithm of |gamma(x)|. Raises ValueError at a pole."""
    _refuse_pole(mp, x)
    if x in (1, 2):
        return mp.zero

    def terms() -> tuple[Any, Any]:
        if x < -_horizon(mp):
            first, second = logarithm(mp, mp.pi / abs(mp.sinpi(x))), lgamma(mp, 1 - x)
        elif mp.prec <= FEW:
            value = mp.re(mp.loggamma(x)) if x > 0 else mp.log(abs(mp.gamma(x)))
            return value, value if x > 0 else max(value, 1)
        else:
            product, far = _moved(mp, x)
            first, second = _stirling(mp, far), logarithm(mp, abs(product))
        return first - second, max(abs(first), abs(second))

    return settled(mp, terms)


def polygamma(mp: Any, n: int, x: Any) -> Any:
    """The n-th derivative of digamma. Raises ValueError at a pole."""
    if not mp.isfinite(x):
        return mp.psi(n, x)
    _refuse_pole(mp, x)
    if x < 0 and n % 2 == 0 and mp.isint(2 * x):
        x = 1 - x  # half way between two poles, all terms that 1 - x has not cancel in pairs
    power, sign = n + 1, (-1) ** n * mp.factorial(n)

    def terms() -> tuple[Any, Any]:
        far = _horizon(mp) + n
        if x >= far:
            first = second = _derivative_of_stirling(mp, n, x)
            return first, second
        if 2 * n > mp.prec:
            value, size = _nearest_poles(mp, power, x)
            return -sign * value, abs(sign) * size
        if mp.mag(x) < -GUARD:  # beside so large a term the rest needs few digits
            pole = sign * x**-power
            with mp.workprec(max(FIRST, mp.prec + GUARD - mp.mag(pole))):
                rest = polygamma(mp, n, 1 + x)
            return rest - pole, abs(pole)
        if x < -_horizon(mp):  # psi_n(x) = (-1)**n psi_n(1-x) - pi d^n/dx^n cot(pi x)
            if mp.prec < 2 * power * power.bit_length():  # the poles near x are the fewer terms
                value, size = _nearest_poles(mp, power, x)
                return -sign * value, abs(sign) * size
            first = (-1) ** n * polygamma(mp, n, 1 - x)
            second = mp.pi * _cotangent_derivative(mp, n, x)
        elif mp.prec <= FEW and n <= EASY_ORDER:  # its largest term is that of the next pole
            value, pole = mp.psi(n, x), abs(x - min(mp.nint(x), 0)) ** -power * abs(sign)
            return value, value if x > 0 and n else max(abs(value), pole, LARGEST_LOG)
        else:
            count = far - int(mp.floor(x))
            first = _derivative_of_stirling(mp, n, x + count)
            poles, size = _poles(mp, power, x, count)
            return first - sign * poles, max(abs(first), abs(sign) * size)
        return first - second, max(abs(first), abs(second))

    with mp.workprec(mp.prec + n.bit_length()):
        value = settled(mp, terms)
    return +value


def _poles(mp: Any, power: int, x: Any, count: int) -> tuple[Any, Any]:
    """The sum of 1 / (x + k)**power over the first k, and the size of its largest term.

    Those below 1 may be of any size; beyond it low powers are summed in whole numbers, and high
    ones until they vanish.
    """
    total = size = mp.zero
    start = max(0, min(count, 1 - int(mp.floor(x))))
    for k in range(start if power <= LOW_POWER else count):
        term = (x + k) ** -power
        total += term
        size = max(size, abs(term))
        if k >= start and mp.mag(term) < mp.mag(size) - mp.prec:
            break
    if power <= LOW_POWER:
        beyond = _beyond_one(mp, power, x + start, count - start)
        total, size = total + beyond, max(size, beyond)
    return total, size


def _beyond_one(mp: Any, power: int, x: Any, count: int) -> Any:
    """The sum of 1 / (x + k)**power over the first k, in whole numbers, for x from 1 on."""
    bits = mp.prec + GUARD + power * max(mp.mag(x + count), 0)  # the last has its digits, too
    one, point = 1 << bits, int(mp.ldexp(x, bits))
    top, parts = one << bits, 0
    for _ in range(count):
        inverse = part = top // point
        for _ in range(power - 1):
            part = part * inverse >> bits
        parts += part
        point += one
    return mp.ldexp(mp.mpf(parts), -bits)


def _nearest_poles(mp: Any, power: int, x: Any) -> tuple[Any, Any]:
    """The sum of 1 / (x + k)**power over all k, and the size of its largest term.

    For a high power the terms soon vanish on both sides of the pole nearest to x.
    """
    near = max(0, -int(mp.nint(x)))
    value = (x + near) ** -power
    size = abs(value)
    for way in (1, -1):
        k = near + way
        while k >= 0:
            term = (x + k) ** -power
            value += term
            if mp.mag(term) < mp.mag(size) - mp.prec:
                break
            k += way
    return value, size


def exponential(mp: Any, x: Any) -> Any:
    """exp(x), reduced by log(2) where mpmath would raise e to a huge whole number bit by bit."""
    size = mp.mag(x)
    if size < GUARD:
        return mp.exp(x)
    with mp.workprec(mp.prec + size + GUARD):
        count = int(mp.floor(x / mp.ln2))
        value = mp.ldexp(mp.exp(x - count * mp.ln2), count)
    return +value


def logarithm(mp: Any, x: Any) -> Any:
    """log(x) of what is positive, from that of a third of the bits, where mpmath takes means.

    A step y + 2 (x - exp(y)) / (x + exp(y)) has three times the bits of y, and exp(y) is found in
    half the time that means take. Beside 1 mpmath sums a short series itself; where the exponent
    has as many bits as the number, nothing is gained.
    """
    if mp.prec <= OF_SERIES or mp.mag(x - 1) < -BESIDE_ONE:
        return mp.log(x)
    third = (mp.prec + GUARD) // 3 + int(abs(mp.mag(x))).bit_length() + GUARD
    if third >= mp.prec:
        return mp.log(x)
    with mp.workprec(third):  # rounded: mpmath takes what is above 1/4 below its bits for above 1
        y = logarithm(mp, +x)
    with mp.workprec(mp.prec + GUARD):
        power = exponential(mp, y)
        y += 2 * (x - power) / (x + power)
    return +y


# ---------------------------------------------------------------- series


def _refuse_pole(mp: Any, x: Any) -> None:
    if x <= 0 and mp.isint(x):
        raise ValueError("a pole")


def _horizon(mp: Any) -> int:
    """How far from 0 Stirling's series has all digits of the context."""
    return int(0.7 * DIGITS_PER_BIT * mp.prec)  # half of it would do, with many more terms


def _moved(mp: Any, x: Any) -> tuple[Any, Any]:
    """The product x (x+1) ... (X-1), and the point X it leads to."""
    far, product = _horizon(mp), mp.one
    while x < 1:
        product *= x
        x += 1
    bits = mp.prec + GUARD
    powers = [int(mp.ldexp(x**k, bits)) for k in range(BLOCK + 1)] if x < far else []
    exponent, blocks, start = 0, 1 << bits, 0  # in whole numbers, BLOCK factors at a time
    while x + start < far:
        blocks *= sum(map(mul, _rising(start), powers))
        excess = blocks.bit_length() - bits
        blocks >>= excess
        exponent += excess - bits
        start += BLOCK
    return product * mp.ldexp(mp.mpf(blocks), exponent - bits), x + start


@cache
def _rising(start: int) -> list[int]:
    """The coefficients of (x + start) (x + start + 1) ..., BLOCK factors."""
    coefficients = [1]
    for k in range(start, start + BLOCK):
        above = [k * c for c in coefficients] + [0]
        coefficients = [a + b for a, b in zip(above, [0, *coefficients], strict=True)]
    return coefficients


def _stirling(mp: Any, x: Any) -> Any:
    """The logarithm of gamma(x) beyond the horizon."""
    return (x - mp.mpf(0.5)) * logarithm(mp, x) - x + mp.log(2 * mp.pi) / 2 + _series(mp, -1, x)


def _derivative_of_stirling(mp: Any, n: int, x: Any) -> Any:
    """The n-th derivative of digamma beyond the horizon."""
    value = logarithm(mp, x) if not n else -mp.factorial(n - 1) / x**n
    value -= mp.factorial(n) / 2 / x ** (n + 1) + _series(mp, n, x)
    return value if n % 2 == 0 else -value


def _series(mp: Any, n: int, x: Any) -> Any:
    """The sum of B_2k (2k+n-1)! / (2k)! / x**(2k+n), in whole numbers.

    As B_2k is (-1)**(k-1) 2 (2k)! zeta(2k) / (2 pi)**(2k), the terms are (2k+n-1)! / (2 pi x)**(2k)
    but for signs and for factors near 1, and the first of them is taken out of all.
    """
    grid = FIRST * (1 + mp.prec // COARSE)
    bits = -(-(mp.prec + GUARD) // grid) * grid
    square = (2 * mp.pi * x) ** -2
    step, term, total, k = int(mp.ldexp(square, bits)), 1 << bits, 0, 1
    needed = min(bits // 8, bits // (2 * mp.mag(x)))  # beyond the horizon, and far beyond it
    zetas = _zetas(bits, (needed // FIRST + 1) * FIRST)
    while term:
        if k >= len(zetas):
            zetas = _zetas(bits, 2 * k)
        total += term * zetas[k] if k % 2 else -term * zetas[k]
        term = term * step * ((2 * k + n) * (2 * k + n + 1)) >> bits
        k += 1
    return mp.ldexp(mp.mpf(total), 1 - 2 * bits) * mp.factorial(n + 1) * square / x**n


@lru_cache(maxsize=8)
def _zetas(bits: int, count: int) -> list[int]:
    """The values of zeta at even numbers, times 2**bits.

    zeta(2k) is T_k pi**(2k) / (2 (2k-1)! (4**k - 1)), with T_k the k-th tangent number.
    """
    mp, zetas = context(bits + GUARD), [0]
    square = mp.pi**2
    factor = square / 2
    for k, tangent in enumerate(_tangents(count)[: count + 1]):
        if k:
            zetas.append(int(mp.ldexp(factor * tangent / ((1 << 2 * k) - 1), bits)))
            factor *= square / (2 * k * (2 * k + 1))
    return zetas


_TANGENTS, _COLUMN = [0, 1], [0, 1]


def _tangents(count: int) -> list[int]:
    """The first so many tangent numbers and a 0 before them, whole and so of every precision.

    Column by column of the triangle of Brent and Harvey, Fast computation of Bernoulli, tangent and
    secant numbers, algorithm 4, of which each column needs the one before it alone.
    """
    with LOCK:
        for j in range(len(_TANGENTS), count + 1):
            _COLUMN[1] *= j - 1
            for k in range(2, j):
                _COLUMN[k] = (j - k) * _COLUMN[k] + (j - k + 2) * _COLUMN[k - 1]
            _COLUMN.append(2 * _COLUMN[-1])
            _TANGENTS.append(_COLUMN[-1])
    return _TANGENTS


def _cotangent_derivative(mp: Any, n: int, x: Any) -> Any:
    """The n-th derivative of cot(pi*x), a polynomial in c = cot(pi*x) since c' = -pi*(1 + c*c)."""
    coefficients = [mp.zero, mp.one]
    for _ in range(n):
        slope = [k * a for k, a in enumerate(coefficients)][1:]
        padded = [*slope, mp.zero, mp.zero]
        coefficients = [
            -mp.pi * (a + b) for a, b in zip(padded, [mp.zero, mp.zero, *slope], strict=True)
        ]
    c, value = mp.cospi(x) / mp.sinpi(x), mp.zero
    for coefficient in reversed(coefficients):
        value = value * c + coefficient
    return value
