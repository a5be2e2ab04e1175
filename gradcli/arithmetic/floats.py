"""Python floats: at full speed, and in IEEE 754 semantics.

FLOATS calls the C library through `math`, which raises where IEEE 754 has a value: 1/0, log(0),
exp(1000). That is the fast path; a run that raises is repeated with IEEE, where the same gates
return inf or nan and nothing ever raises. Both give the same bits wherever neither faults.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from gradcli.arithmetic.arithmetic import Arithmetic
from gradcli.arithmetic.compiler import INFIX

INF, NAN = math.inf, math.nan
TAIL, VANISHED = 2.0, 40.0  # from where to where erfc needs help; beyond, it is 0
# In units of rounding: what log1p(exp(x)) loses, what x - y loses before exp, logsumexp at most.
ROUNDED, MOST_SHIFTED, TOLERABLE = 2.5, 0.37, 6.0
HALVING = 2.0**27 + 1  # a product with it parts the bits of a float64 into halves
LOWEST_LOG = -746.0  # below it exp is 0
SHARP = 90  # bits of the functions that mpmath computes
UNIT_ROUNDOFF = 2.0**-53  # of float64
LEAST_SUBNORMAL, LEAST_NORMAL = 2.0**-1074, 2.0**-1022  # the smallest positive numbers of float64
TURNS_LOST = 2.0**-88  # how far a C library is off an angle beyond 2**26 less its whole turns
EXACT_BELOW = 2.0**53  # whole numbers of a smaller size are exact in float64
FAULTS = (ArithmeticError, ValueError)  # what the fast path may raise


def floor(x: float) -> float:
    """The largest whole number not above x, as a float; infinities and nan stay."""
    return math.copysign(math.floor(x), x) if abs(x) < 2.0**52 else x


def ceil(x: float) -> float:
    """The smallest whole number not below x, as a float; -0.5 gives -0.0."""
    return math.copysign(math.ceil(x), x) if abs(x) < 2.0**52 else x


def round_half_even(x: float) -> float:
    """The nearest whole number, halves to the even one, as IEEE 754 and NumPy round."""
    return math.copysign(round(x), x) if abs(x) < 2.0**52 else x


def maximum(xs: list[float]) -> float:
    """The largest; nan if any is nan."""
    best = xs[0]
    for x in xs:
        if x > best or x != x:
            best = x
    return best


def minimum(xs: list[float]) -> float:
    """The smallest; nan if any is nan."""
    best = xs[0]
    for x in xs:
        if x < best or x != x:
            best = x
    return best


def winner(operands: list[float]) -> float:
    """Of (out, x0, x1, ...) the number of the first x that equals out or is nan; -1 if none."""
    out, *xs = operands
    return float(next((k for k, x in enumerate(xs) if x == out or x != x), -1))


def lead(*xs: float) -> float:
    """How far the winner of max is ahead of the second; inf for a single operand."""
    ordered = sorted(xs)
    return ordered[-1] - ordered[-2] if len(xs) > 1 else INF


def trail(*xs: float) -> float:
    """How far the winner of min is below the second; inf for a single operand."""
    ordered = sorted(xs)
    return ordered[1] - ordered[0] if len(xs) > 1 else INF


def logsumexp(xs: list[float]) -> float:
    """log(exp(x1) + exp(x2) + ...), shifted by the largest so that nothing overflows."""
    top = maximum(xs)
    if math.isinf(top) or top != top:
        return top
    at = xs.index(top)
    more = math.log1p(math.fsum([math.exp(x - top) for i, x in enumerate(xs) if i != at]))
    value = top + more
    lost = ROUNDED * more + MOST_SHIFTED * (len(xs) - 1)
    if top and lost > TOLERABLE * abs(value):
        shifts = [x - top for x in xs if x - top > LOWEST_LOG]
        lost = ROUNDED * more - math.fsum([d * math.exp(d) for d in shifts])
    return value if not top or lost <= TOLERABLE * abs(value) else _logsumexp_near_zero(xs)


def _logsumexp_near_zero(xs: list[float]) -> float:
    """The logsumexp by mpmath, where the largest operand and the rest cancel."""
    from gradcli.arithmetic.special import exponential, settled, working

    top = maximum(xs)
    others = [x for i, x in enumerate(xs) if i != xs.index(top) and x > -INF]
    with working(SHARP) as mp:

        def terms() -> tuple[Any, Any]:
            more = mp.log1p(mp.fsum(exponential(mp, mp.mpf(x) - top) for x in others))
            return top + more, max(abs(top), more)

        return float(settled(mp, terms)) + 0.0  # what underflows is 0.0, as a difference is


def hypot(xs: list[float]) -> float:
    """The Euclidean norm, without overflow or underflow on the way."""
    return math.hypot(*xs)


def erfc(x: float) -> float:
    """1 - erf(x); in the tail by mpmath, where the C library's loses the digits of exp(-x*x)."""
    if not TAIL < x < VANISHED:
        return math.erfc(x)
    from gradcli.arithmetic.special import working

    with working(SHARP) as mp:
        return float(mp.erfc(mp.mpf(x)))


def normcdf(x: float) -> float:
    """The normal distribution function; in the tail by mpmath, as for erfc."""
    if not -VANISHED < x < -TAIL:
        return 0.5 * math.erfc(-x / math.sqrt(2.0))
    from gradcli.arithmetic.special import working

    with working(SHARP) as mp:
        return float(mp.ncdf(mp.mpf(x)))


def erfcx(x: float) -> float:
    """exp(x*x) * erfc(x), of which Python's `math` has none. Raises OverflowError."""
    if not x <= TAIL:
        return _erfcx_in_tail(x)
    square = x * x
    power = math.exp(square)
    if power == INF:  # of an infinite square, which is no error to `math`
        raise OverflowError("erfcx is larger than any float64")
    return (power + power * _lost_by_square(x, square)) * math.erfc(x)


def _lost_by_square(x: float, square: float) -> float:
    """What rounding has taken from x*x, from the two halves of the bits of x (Dekker)."""
    large = HALVING * x
    high = large - (large - x)
    low = x - high
    return ((high * high - square) + 2 * high * low) + low * low


def _erfcx_in_tail(x: float) -> float:
    """The continued fraction 1 / (x + (1/2)/(x + (2/2)/(x + ...))) over sqrt(pi) (DLMF 7.9.2)."""
    fraction = x
    for k in range(int(200 / (x * x)) + 12 if x == x else 0, 0, -1):
        fraction = x + 0.5 * k / fraction
    return 1 / math.sqrt(math.pi) / fraction


def erfinv(x: float) -> float:
    """The inverse of erf. Raises ValueError at -1, 1 and outside them."""
    if not -1 < x < 1:
        if x != x:
            return NAN
        raise ValueError("erfinv at or beyond a border of its domain")
    from gradcli.arithmetic.error_functions import between_borders

    return math.copysign(between_borders(abs(x), 1 - abs(x)), x)


def sinpi(x: float) -> float:
    """sin(pi*x), which is 0 at whole numbers. Raises ValueError for an infinity."""
    turn = math.remainder(x, 2.0)
    if abs(turn) > 0.5:
        turn = math.copysign(1.0, turn) - turn
    return math.sin(math.pi * turn)


def cospi(x: float) -> float:
    """cos(pi*x), which is 0 half way between whole numbers. Raises ValueError for an infinity."""
    turn = abs(math.remainder(x, 2.0))
    return math.cos(math.pi * turn) if turn < 0.25 else math.sin(math.pi * (0.5 - turn))


def lgamma(x: float) -> float:
    """The logarithm of |gamma(x)|, by mpmath: the C library's is inaccurate near its zeros."""
    if not math.isfinite(x) or (x <= 0 and x == math.floor(x)):
        return math.lgamma(x)
    from gradcli.arithmetic.special import lgamma as log_gamma
    from gradcli.arithmetic.special import working

    with working(SHARP) as mp:
        return float(log_gamma(mp, mp.mpf(x)))


def digamma(x: float) -> float:
    """The derivative of lgamma, by mpmath: Python's `math` has none."""
    return polygamma(0.0, x)


HIGH_ORDER = 10_000  # of polygamma: most are beyond float64, and their logarithm tells
BEYOND_FLOATS = 2_000  # of a logarithm: 710 and what all other poles may add


def polygamma(n: float, x: float) -> float:
    """The n-th derivative of digamma, by mpmath, correctly rounded but for rare last bits."""
    if not (0 <= n < INF) or n != math.floor(n) or x != x or x == -INF:
        return NAN
    if x <= 0 and x == math.floor(x):
        raise ValueError("polygamma at a pole")
    if n >= HIGH_ORDER and (x > 0 or 2 * x != math.floor(2 * x)):  # half way, poles cancel
        size = math.lgamma(n + 1) - (n + 1) * math.log(x if x > 0 else abs(x - round(x)))
        if size > BEYOND_FLOATS:  # what the next pole makes of it; a huge n takes seconds
            raise OverflowError("polygamma is beyond float64")
        if size < -BEYOND_FLOATS:
            return 0.0
    from gradcli.arithmetic.special import polygamma as psi
    from gradcli.arithmetic.special import working

    with working(SHARP) as mp:
        return float(psi(mp, int(n), mp.mpf(x)))


FLOAT_PRIMITIVES: dict[str, Any] = {
    "pow": math.pow,
    "exp": math.exp, "expm1": math.expm1, "exp2": math.exp2,
    "log": math.log, "log1p": math.log1p, "log2": math.log2, "log10": math.log10,
    "sqrt": math.sqrt, "cbrt": math.cbrt, "abs": abs,
    "floor": floor, "ceil": ceil, "round": round_half_even,
    "sin": math.sin, "cos": math.cos, "tan": math.tan,
    "asin": math.asin, "acos": math.acos, "atan": math.atan, "atan2": math.atan2,
    "sinh": math.sinh, "cosh": math.cosh, "tanh": math.tanh,
    "asinh": math.asinh, "acosh": math.acosh, "atanh": math.atanh,
    "hypot": hypot, "max": maximum, "min": minimum, "logsumexp": logsumexp,
    "winner": winner, "lead": lead, "trail": trail,
    "erf": math.erf, "erfc": erfc, "normcdf": normcdf, "gamma": math.gamma, "lgamma": lgamma,
    "digamma": digamma, "polygamma": polygamma,
    "erfcx": erfcx, "erfinv": erfinv, "sinpi": sinpi, "cospi": cospi,
}  # fmt: skip


# ---------------------------------------------------------------- IEEE 754 semantics


def divide(x: float, y: float) -> float:
    """The quotient x / y, where a zero divisor gives a signed infinity, and 0/0 nan."""
    if y:
        return x / y
    if not x or x != x or y != y:
        return NAN
    return math.copysign(INF, x) * math.copysign(1.0, y)


def _odd(y: float) -> bool:
    return math.fmod(y, 2.0) in (1.0, -1.0)


def ieee_pow(x: float, y: float) -> float:
    """Pow as IEEE 754 defines it: 0**-1 is inf, (-8)**(1/3) nan, 10**400 inf."""
    try:
        return math.pow(x, y)
    except OverflowError:
        return -INF if x < 0 and _odd(y) else INF
    except ValueError:
        if x == 0:
            return math.copysign(INF, x) if _odd(y) else INF
        return NAN


def _quiet(
    function: Callable[..., float],
    poles: dict[float, float] | None = None,
    overflow: Callable[[float], float] = lambda _: INF,
) -> Callable[..., float]:
    """The function with IEEE results: its values at poles, nan elsewhere outside its domain."""
    at_pole = poles or {}

    def quiet(*operands: Any) -> float:
        try:
            return function(*operands)
        except OverflowError:
            return overflow(operands[-1])
        except (ValueError, ArithmeticError):
            return at_pole.get(operands[-1], NAN)

    return quiet


def _signed(x: float) -> float:
    return math.copysign(INF, x)


def ieee_lgamma(x: float) -> float:
    """lgamma, which is inf at zero and the negative whole numbers."""
    try:
        return lgamma(x)
    except (ValueError, OverflowError):
        return INF


def ieee_polygamma(n: float, x: float) -> float:
    """polygamma: inf at the poles of odd orders, nan at those of even ones, which have no sign."""
    try:
        return polygamma(n, x)
    except OverflowError:
        return INF if n % 2 or (x < 0 and math.ceil(x) - x < 0.5) else -INF
    except ValueError:
        return INF if n % 2 else NAN


def ieee_gamma(x: float) -> float:
    """gamma: inf above 171.6, signed infinity at a signed zero, nan at negative whole numbers."""
    try:
        return math.gamma(x)
    except OverflowError:
        return math.copysign(INF, x)
    except ValueError:
        return math.copysign(INF, x) if x == 0 else NAN


QUIET: dict[str, Any] = {
    **FLOAT_PRIMITIVES,
    "div": divide, "pow": ieee_pow,
    "exp": _quiet(math.exp), "expm1": _quiet(math.expm1), "exp2": _quiet(math.exp2),
    "log": _quiet(math.log, {0.0: -INF}), "log1p": _quiet(math.log1p, {-1.0: -INF}),
    "log2": _quiet(math.log2, {0.0: -INF}), "log10": _quiet(math.log10, {0.0: -INF}),
    "sqrt": _quiet(math.sqrt),
    "sin": _quiet(math.sin), "cos": _quiet(math.cos), "tan": _quiet(math.tan),
    "asin": _quiet(math.asin), "acos": _quiet(math.acos),
    "sinh": _quiet(math.sinh, overflow=_signed), "cosh": _quiet(math.cosh),
    "acosh": _quiet(math.acosh), "atanh": _quiet(math.atanh, {1.0: INF, -1.0: -INF}),
    "logsumexp": _quiet(logsumexp),
    "gamma": ieee_gamma, "lgamma": ieee_lgamma,
    "digamma": lambda x: ieee_polygamma(0.0, x), "polygamma": ieee_polygamma,
    "erfcx": _quiet(erfcx), "erfinv": _quiet(erfinv, {1.0: INF, -1.0: -INF}),
    "sinpi": _quiet(sinpi), "cospi": _quiet(cospi),
}  # fmt: skip


FLOATS = Arithmetic("floats", FLOAT_PRIMITIVES, INFIX)
IEEE = Arithmetic("ieee", QUIET, {key: text for key, text in INFIX.items() if key != "div"})
