"""Many digits: the gates over mpmath numbers.

Literals and inputs are taken as the exact float64 numbers they are. Faults follow IEEE 754 as in
`floats.IEEE`: outside a real domain a gate gives nan, never a complex number.
"""

from __future__ import annotations

import math
import sys
from collections.abc import Callable
from functools import lru_cache
from typing import Any

from mpmath.ctx_mp import MPContext

from gradcli.arithmetic.arithmetic import Arithmetic
from gradcli.arithmetic.compiler import INFIX
from gradcli.arithmetic.error_functions import erf, erfc, erfcx, erfinv, normcdf
from gradcli.arithmetic.floats import QUIET
from gradcli.arithmetic.special import (
    BESIDE_ONE,
    DIGITS_PER_BIT,
    GUARD,
    LOCK,
    exponential,
    gamma,
    lgamma,
    logarithm,
    polygamma,
    settled,
)
from gradcli.arithmetic.work import OutOfReachError, price, spend

FLAT = 1e10  # from where on erf and its relatives are flat to any number of digits
MAGNITUDE_LIMIT = 2**14  # binary exponent above which an operand makes mpmath run for ever
GUARDED = (  # the gates that refuse such an operand
    "exp", "expm1", "exp2", "pow", "sin", "cos", "tan", "sinh", "cosh", "tanh",
    "gamma", "lgamma", "digamma", "polygamma", "erfcx", "sinpi", "cospi",
)  # fmt: skip
LOGARITHMS = ("log", "log1p", "log2", "log10", "asinh", "acosh")  # small, of what is out of reach
WHOLE = 2**31  # powers below it are products, and need no logarithm of what they are powers of


class _Context(MPContext):  # type: ignore[misc]
    """A context of mpmath, whose functions are wrapped once for all, when mpmath is loaded."""

    @classmethod
    def _wrap_specfun(cls, *_: Any) -> None:
        """Nothing: to wrap each function once more takes ten times as long as all the rest."""


@lru_cache(maxsize=64)
def digits(count: int, at_limits: bool = False) -> Arithmetic:
    """The arithmetic with `count` significant decimal digits.

    An operand that would keep mpmath busy for ever raises OutOfReachError, or `at_limits` stands
    for an infinity, whose logarithm is not known.

    Each count has a context of its own, so that two of them never disturb each other, nor do
    threads: its precision is never less than that, and functions are computed one at a time.
    """
    mp = _Context()
    mp.dps = count
    spelling = {key: text for key, text in INFIX.items() if key != "div"}
    spelling["number"] = "number({!r})"
    spelling["scale"] = "({0} * {1} if {0} else zero)"
    spelling["route"] = "({0} if {1} else zero)"
    exact = {
        name: _paid(mp, name, count, _ieee_at_infinity(mp, name, function, at_limits))
        for name, function in _primitives(mp).items()
    }
    names = {**exact, "number": mp.mpf, "zero": mp.zero}
    return Arithmetic(f"digits{count}", names, spelling, mp.mpf)


def _paid(mp: MPContext, name: str, count: int, function: Callable[..., Any]) -> Callable[..., Any]:
    """The function, which is paid for and which one thread at most computes."""
    usual, is_growing = price(name, count), name in GUARDED

    def paid(*operands: Any) -> Any:
        size = max(map(mp.mag, operands)) if is_growing else 0
        is_long = GUARD < size <= MAGNITUDE_LIMIT  # it is reduced in so many digits more
        spend(price(name, count + size * DIGITS_PER_BIT) if is_long else usual)
        with LOCK:
            return function(*operands)

    return paid


def sharp_constants(arithmetic: Arithmetic) -> dict[float, Any]:
    """What the doubles nearest to pi, tau and e are meant to be, by these doubles."""
    mp = arithmetic.number(1.0).context
    return {math.pi: +mp.pi, math.tau: 2 * mp.pi, math.e: +mp.e}


def _ieee_at_infinity(
    mp: MPContext, name: str, function: Callable[..., Any], at_limits: bool
) -> Any:
    """The function, with the value of IEEE 754 where an operand is infinite or nan."""
    quiet, limit = QUIET.get(name), MAGNITUDE_LIMIT if name in GUARDED else math.inf
    if quiet is None or name in ("max", "min", "logsumexp", "hypot", "winner", "lead", "trail"):
        return function

    def is_within_reach(operands: Any) -> bool:
        if name != "pow":
            return all(mp.mag(x) <= limit for x in operands)
        return _is_product(mp, operands[1]) or _size_of_logarithm(mp, *operands) <= limit

    def guarded(*given: Any) -> Any:
        operands = given[0] if isinstance(given[0], list) else given
        if all(mp.isfinite(x) for x in operands):
            try:
                if not is_within_reach(operands):
                    raise OutOfReachError
                return function(*given)
            except OutOfReachError:
                if not at_limits:
                    raise
                operands = [x if mp.mag(x) <= MAGNITUDE_LIMIT else mp.inf * x for x in operands]
        if any(mp.isnan(x) for x in operands) or (
            at_limits and name in LOGARITHMS and mp.inf in operands
        ):
            return mp.nan  # also where IEEE 754 has nan**0 = 1: what has no value gives none
        if at_limits and name == "pow" and operands[0] < 0 and not mp.isint(operands[1]):
            return mp.nan  # where IEEE 754 has (-inf)**0.5 = inf, of no negative number's root
        floats = [_clipped(x) for x in operands]
        return mp.mpf(quiet(floats) if isinstance(given[0], list) else quiet(*floats))

    return guarded


def _is_product(mp: MPContext, exponent: Any) -> bool:
    """Whether a power is a product, which needs no logarithm."""
    return bool(mp.isint(exponent) and abs(exponent) < WHOLE)


def _size_of_logarithm(mp: MPContext, x: Any, y: Any) -> int:
    """The binary exponent that y*log|x|, the logarithm of a power, has at most."""
    return int(mp.mag(y)) + abs(int(mp.mag(x))).bit_length() if x and y else 0


def _clipped(x: Any) -> float:
    """The nearest finite float64, or the infinity or nan that x is."""
    try:
        return float(x)
    except OverflowError:
        return math.copysign(sys.float_info.max, 1 if x > 0 else -1)


def _primitives(mp: MPContext) -> dict[str, Any]:
    nan, inf = mp.nan, mp.inf

    def real(function: Callable[..., Any]) -> Callable[..., Any]:
        """Nan where mpmath leaves the real line or finds a pole without a sign."""

        def on_reals(*operands: Any) -> Any:
            try:
                value = function(*operands)
            except (ValueError, ZeroDivisionError, OverflowError):
                return nan
            return nan if isinstance(value, mp.mpc) else value

        return on_reals

    def divide(x: Any, y: Any) -> Any:
        if y:
            return x / y
        return nan if not x or mp.isnan(x) else inf * mp.sign(x)

    def power(x: Any, y: Any) -> Any:
        if _is_product(mp, y):
            return x ** int(y) if x or y >= 0 else inf
        if not x:
            return inf if y < 0 else mp.zero
        if x < 0 and not mp.isint(y):
            return nan
        with mp.workprec(mp.prec + max(_size_of_logarithm(mp, x, y), 0) + GUARD):
            size = exponential(mp, y * logarithm(mp, abs(x)))
        return -size if x < 0 and int(y) % 2 else +size

    def expm1(x: Any) -> Any:
        return exponential(mp, x) - 1 if abs(x) > 1 else mp.expm1(x)

    def with_exponential(function: Callable[[Any], Any], is_odd: bool) -> Callable[[Any], Any]:
        """Sinh or cosh, which is half an exponential from where the other half is lost."""

        def hyperbolic(x: Any) -> Any:
            if abs(x) <= mp.prec:
                return function(x)
            return exponential(mp, abs(x)) / (-2 if is_odd and x < 0 else 2)

        return hyperbolic

    def log(x: Any) -> Any:
        return logarithm(mp, x)

    def log1p(x: Any) -> Any:
        if mp.mag(x) < -BESIDE_ONE:
            return mp.log1p(x)
        with mp.workprec(mp.prec + GUARD):
            value = logarithm(mp, 1 + x)
        return +value

    def log_of(function: Callable[[Any], Any]) -> Callable[[Any], Any]:
        return lambda x: function(x) if x > 0 else -inf if x == 0 else nan

    def maximum(xs: list[Any]) -> Any:
        return nan if any(mp.isnan(x) for x in xs) else max(xs)

    def minimum(xs: list[Any]) -> Any:
        return nan if any(mp.isnan(x) for x in xs) else min(xs)

    def winner(operands: list[Any]) -> Any:
        out, *xs = operands
        return mp.mpf(next((k for k, x in enumerate(xs) if x == out or mp.isnan(x)), -1))

    def lead(*xs: Any) -> Any:
        ordered = sorted(xs)
        return ordered[-1] - ordered[-2] if len(xs) > 1 else inf

    def trail(*xs: Any) -> Any:
        ordered = sorted(xs)
        return ordered[1] - ordered[0] if len(xs) > 1 else inf

    def logsumexp(xs: list[Any]) -> Any:
        top = maximum(xs)
        if not mp.isfinite(top):
            return top
        others = [*xs]
        others.remove(top)
        near = [x for x in others if mp.mag(x - top) <= MAGNITUDE_LIMIT]  # the rest adds nothing

        def terms() -> tuple[Any, Any]:
            more = mp.log1p(mp.fsum(exponential(mp, x - top) for x in near))
            return top + more, max(abs(top), more)

        return settled(mp, terms) if near else top

    def hypot(xs: list[Any]) -> Any:
        if any(mp.isinf(x) for x in xs):
            return inf
        return mp.sqrt(mp.fsum(x * x for x in xs))

    def cbrt(x: Any) -> Any:
        return mp.sign(x) * mp.cbrt(abs(x))

    def derivative(n: Any, x: Any) -> Any:
        if not (n >= 0 and mp.isint(n)):
            return nan
        if x <= 0 and mp.isint(x):
            return inf if n % 2 else nan
        return real(polygamma)(mp, int(n), x)

    def log_gamma(x: Any) -> Any:
        return inf if x <= 0 and mp.isint(x) else lgamma(mp, x)

    def round_half_even(x: Any) -> Any:
        low = mp.floor(x)
        above = x - low - mp.mpf(0.5)
        return low if above < 0 or (above == 0 and not int(low) % 2) else low + 1

    def tail(function: Callable[[Any], Any], low: int, high: int) -> Callable[[Any], Any]:
        """A distribution function, which is flat to any number of digits at its ends but 0."""

        def levelling(x: Any) -> Any:
            end = low if x < 0 else high
            if abs(x) < FLAT:
                return function(x)
            if not end and mp.mag(x) > MAGNITUDE_LIMIT:
                raise OutOfReachError
            return mp.mpf(end) if end else function(x)

        return levelling

    return {
        "div": divide, "pow": power,
        "exp": lambda x: exponential(mp, x), "expm1": expm1,
        "exp2": lambda x: power(mp.mpf(2), x),
        "log": log_of(log), "log2": log_of(lambda x: log(x) / mp.ln2),
        "log10": log_of(lambda x: log(x) / mp.ln10),
        "log1p": lambda x: log1p(x) if x > -1 else -inf if x == -1 else nan,
        "sqrt": real(mp.sqrt), "cbrt": cbrt, "abs": abs,
        "floor": mp.floor, "ceil": mp.ceil,
        "round": round_half_even,
        "sin": real(mp.sin), "cos": real(mp.cos), "tan": real(mp.tan),
        "asin": real(mp.asin), "acos": real(mp.acos), "atan": mp.atan, "atan2": mp.atan2,
        "sinh": with_exponential(mp.sinh, True), "cosh": with_exponential(mp.cosh, False),
        "tanh": mp.tanh,
        "asinh": mp.asinh, "acosh": real(mp.acosh),
        "atanh": lambda x: real(mp.atanh)(x) if abs(x) != 1 else inf * x,
        "hypot": hypot, "max": maximum, "min": minimum, "logsumexp": logsumexp,
        "winner": winner, "lead": lead, "trail": trail,
        "erf": tail(lambda x: erf(mp, x), -1, 1),
        "erfc": tail(lambda x: erfc(mp, x), 2, 0),
        "normcdf": tail(lambda x: normcdf(mp, x), 0, 1),
        "gamma": lambda x: real(gamma)(mp, x) if x else inf, "lgamma": log_gamma,
        "digamma": lambda x: derivative(mp.zero, x), "polygamma": derivative,
        "erfcx": lambda x: erfcx(mp, x),
        "erfinv": lambda x: erfinv(mp, x) if abs(x) < 1 else inf * x if abs(x) == 1 else nan,
        "sinpi": mp.sinpi, "cospi": mp.cospi,
    }  # fmt: skip
