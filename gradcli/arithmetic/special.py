"""Gamma, its logarithm and its derivatives at any real point, over an mpmath context.

A point is moved up by the recurrence to where Stirling's series reaches the precision:

    log gamma(x) = log gamma(X) - log |x (x+1) ... (X-1)|,             X = x + N
    log gamma(X) = (X - 1/2) log X - X + log(2 pi) / 2 + sum of B_2k / (2k (2k-1) X**(2k-1))

and the derivatives term by term (DLMF 5.5.1, 5.11.1, 5.15.8; both series err by less than their
first omitted term). Far on the negative side gamma is reflected. In few digits mpmath's own series
are faster; in many they take seconds to begin, as mpmath computes its coefficients, among them the
Bernoulli numbers B_2k, anew for each precision. Here they are fractions of whole numbers.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache, lru_cache
from typing import Any

LARGEST_ORDER = 100  # above it a single value of polygamma takes seconds
GUARD = 40  # bits beyond the precision: more than a few thousand factors lose
DIGITS_PER_BIT = 0.30103
FEW = 400  # bits up to which mpmath is faster
LARGEST_LOG = 64  # no logarithm of a point that few digits are computed at is larger
FIRST = 64  # Bernoulli numbers computed at once; then twice as many, and so on


class OutOfReachError(ArithmeticError):
    """An operand is too large for mpmath to finish: exp applied four times to 3, say."""


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
            first, second = mp.log(mp.pi / abs(mp.sinpi(x))), lgamma(mp, 1 - x)
        elif mp.prec <= FEW:
            value = mp.re(mp.loggamma(x)) if x > 0 else mp.log(abs(mp.gamma(x)))
            return value, value if x > 0 else max(value, 1)
        else:
            product, far = _moved(mp, x)
            first, second = _stirling(mp, far), mp.log(abs(product))
        return first - second, max(abs(first), abs(second))

    return settled(mp, terms)


def polygamma(mp: Any, n: int, x: Any) -> Any:
    """The n-th derivative of digamma.

    Raises ValueError at a pole and OutOfReachError for orders above 100.
    """
    if n > LARGEST_ORDER:
        raise OutOfReachError
    if not mp.isfinite(x):
        return mp.psi(n, x)
    _refuse_pole(mp, x)

    def terms() -> tuple[Any, Any]:
        if x < -_horizon(mp):  # psi_n(x) = (-1)**n psi_n(1-x) - pi d^n/dx^n cot(pi x)
            first = (-1) ** n * polygamma(mp, n, 1 - x)
            second = mp.pi * _cotangent_derivative(mp, n, x)
        elif mp.prec <= FEW:  # the largest term of its recurrence is that of the next pole
            value, pole = mp.psi(n, x), abs(x - min(mp.nint(x), 0)) ** -(n + 1) * mp.factorial(n)
            return value, value if x > 0 and n else max(abs(value), pole, LARGEST_LOG)
        else:
            count = _steps(mp, x, n)
            first = _derivative_of_stirling(mp, n, x + count)
            power = n + 1
            second = mp.fsum(1 / (x + k) ** power for k in range(count))
            second *= (-1) ** n * mp.factorial(n)
        return first - second, max(abs(first), abs(second))

    return settled(mp, terms)


def exponential(mp: Any, x: Any) -> Any:
    """exp(x), reduced by log(2) where mpmath would raise e to a huge whole number bit by bit."""
    size = mp.mag(x)
    if size < GUARD:
        return mp.exp(x)
    with mp.workprec(mp.prec + size + GUARD):
        count = int(mp.floor(x / mp.ln2))
        value = mp.ldexp(mp.exp(x - count * mp.ln2), count)
    return +value


# ---------------------------------------------------------------- series


def _refuse_pole(mp: Any, x: Any) -> None:
    if x <= 0 and mp.isint(x):
        raise ValueError("a pole")


def _horizon(mp: Any) -> int:
    """How far from 0 Stirling's series has all digits of the context."""
    return int(2 * DIGITS_PER_BIT * mp.prec)  # half of it would do, with more terms


def _steps(mp: Any, x: Any, more: int = 0) -> int:
    """How many steps of 1 bring a point to the horizon, or `more` beyond it."""
    return max(0, _horizon(mp) + more - int(mp.floor(x))) if x < _horizon(mp) + more else 0


def _moved(mp: Any, x: Any) -> tuple[Any, Any]:
    """The product x (x+1) ... and the point X it leads to."""
    count, product = _steps(mp, x), mp.one
    for k in range(count):
        product *= x + k
    return product, x + count


def _stirling(mp: Any, x: Any) -> Any:
    """The logarithm of gamma(x) beyond the horizon."""
    value = (x - mp.mpf(0.5)) * mp.log(x) - x + mp.log(2 * mp.pi) / 2
    least, square, power = mp.ldexp(abs(value), -mp.prec), 1 / (x * x), 1 / x
    for k in range(1, mp.prec):
        term = _bernoulli(mp, k) * power / (2 * k * (2 * k - 1))
        value += term
        if abs(term) <= least:
            break
        power *= square
    return value


def _derivative_of_stirling(mp: Any, n: int, x: Any) -> Any:
    """The n-th derivative of digamma beyond the horizon; every term of one has that of the next."""
    square, power = 1 / (x * x), 1 / x**n
    value = mp.log(x) if not n else -mp.factorial(n - 1) * power
    value -= mp.factorial(n) / 2 * power / x
    least, factor = mp.ldexp(abs(value), -mp.prec), mp.factorial(n + 1) / 2 * power * square
    for k in range(1, mp.prec):  # factor = (2k + n - 1)! / (2k)! / x**(2k + n)
        term = _bernoulli(mp, k) * factor
        value -= term
        if abs(term) <= least:
            break
        factor = factor * square * ((2 * k + n) * (2 * k + n + 1)) / ((2 * k + 1) * (2 * k + 2))
    return value if n % 2 == 0 else -value


def _bernoulli(mp: Any, k: int) -> Any:
    """B_2k = (-1)**(k-1) * 2k T_k / (4**k (4**k - 1)), with the tangent number T_k."""
    precision = -(-mp.prec // FIRST) * FIRST
    known = _bernoullis(precision)
    for j in range(len(known) + 1, k + 1):
        tangent = _tangents(max(FIRST, 1 << (j - 1).bit_length()))[j]
        numerator, denominator = (-1) ** (j - 1) * 2 * j * tangent, (4**j - 1) << (2 * j)
        with mp.workprec(precision):
            known.append((mp.mpf(numerator) / denominator)._mpf_)
    return mp.make_mpf(known[k - 1])


@lru_cache(maxsize=8)
def _bernoullis(precision: int) -> list[Any]:
    """B_2, B_4, ... to so many bits, of no context; as far as `_bernoulli` has needed them."""
    del precision
    return []


@cache
def _tangents(count: int) -> list[int]:
    """The first tangent numbers: tan(x) = sum of T_k x**(2k-1) / (2k-1)!.

    Brent and Harvey, Fast computation of Bernoulli, tangent and secant numbers, section 6.
    """
    numbers = [0, 1]
    for k in range(2, count + 1):
        numbers.append((k - 1) * numbers[-1])
    for k in range(2, count + 1):
        last = numbers[k - 1]
        for j in range(k, count + 1):
            last = numbers[j] = (j - k) * last + (j - k + 2) * numbers[j]
    return numbers


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
