"""Many digits: the gates over mpmath numbers.

Literals and inputs are taken as the exact float64 numbers they are. Faults follow IEEE 754 as in
`floats.IEEE`: outside a real domain a gate gives nan, never a complex number.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import Any

import mpmath
from mpmath.ctx_mp import MPContext

from gradcli.arithmetic import Arithmetic
from gradcli.arithmetic.compiler import INFIX

MAGNITUDE_LIMIT = 2**14  # binary exponent above which an operand makes mpmath run for ever


class OutOfReachError(ArithmeticError):
    """An operand is too large for mpmath to finish: exp applied four times to 3, say."""


@lru_cache(maxsize=8)
def digits(count: int) -> Arithmetic:
    """The arithmetic with `count` significant decimal digits.

    Each count has a context of its own, so that two of them never disturb each other.
    """
    mp = mpmath.mp.clone()
    mp.dps = count
    spelling = {key: text for key, text in INFIX.items() if key != "div"}
    spelling["number"] = "number({!r})"
    spelling["scale"] = "({0} * {1} if {0} else zero)"
    spelling["route"] = "({0} if {1} else zero)"
    names = {**_primitives(mp), "number": mp.mpf, "zero": mp.zero}
    return Arithmetic(f"digits{count}", names, spelling, mp.mpf)


def _primitives(mp: MPContext) -> dict[str, Any]:
    nan, inf = mp.nan, mp.inf

    def real(function: Callable[..., Any]) -> Callable[..., Any]:
        """Nan where mpmath leaves the real line or finds a pole without a sign."""

        def on_reals(*operands: Any) -> Any:
            try:
                value = function(*operands)
            except (ValueError, ZeroDivisionError):
                return nan
            return nan if isinstance(value, mp.mpc) else value

        return on_reals

    def reachable(function: Callable[..., Any]) -> Callable[..., Any]:
        """Refuse operands whose binary exponent would keep mpmath busy for ever."""

        def guarded(*operands: Any) -> Any:
            for x in operands:
                if x and mp.isfinite(x) and mp.mag(x) > MAGNITUDE_LIMIT:
                    raise OutOfReachError
            return function(*operands)

        return guarded

    def divide(x: Any, y: Any) -> Any:
        if y:
            return x / y
        return nan if not x or mp.isnan(x) else inf * mp.sign(x)

    def power(x: Any, y: Any) -> Any:
        if not x and y < 0:
            return inf
        if mp.isint(y) and abs(y) < 2**31:
            return x ** int(y)
        return reachable(real(mp.power))(x, y)

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
        return mp.log(mp.fsum(mp.exp(x - top) for x in xs)) + top if mp.isfinite(top) else top

    def hypot(xs: list[Any]) -> Any:
        return mp.sqrt(mp.fsum(x * x for x in xs))

    def cbrt(x: Any) -> Any:
        return mp.sign(x) * mp.cbrt(abs(x))

    def polygamma(n: Any, x: Any) -> Any:
        return real(mp.psi)(int(n), x) if n >= 0 and mp.isint(n) else nan

    def lgamma(x: Any) -> Any:
        if x <= 0 and mp.isint(x):
            return inf
        return mp.re(mp.loggamma(x)) if x > 0 else mp.log(abs(mp.gamma(x)))

    def round_half_even(x: Any) -> Any:
        low = mp.floor(x)
        above = x - low - mp.mpf(0.5)
        return low if above < 0 or (above == 0 and not int(low) % 2) else low + 1

    def keep_infinite(function: Callable[[Any], Any]) -> Callable[[Any], Any]:
        return lambda x: function(x) if mp.isfinite(x) else x

    return {
        "div": divide, "pow": power,
        "exp": reachable(mp.exp), "expm1": reachable(mp.expm1),
        "exp2": reachable(lambda x: mp.power(2, x)),
        "log": log_of(mp.log), "log2": log_of(lambda x: mp.log(x) / mp.log(2)),
        "log10": log_of(lambda x: mp.log(x) / mp.log(10)),
        "log1p": lambda x: mp.log1p(x) if x > -1 else -inf if x == -1 else nan,
        "sqrt": real(mp.sqrt), "cbrt": cbrt, "abs": abs,
        "floor": keep_infinite(mp.floor), "ceil": keep_infinite(mp.ceil),
        "round": keep_infinite(round_half_even),
        "sin": reachable(real(mp.sin)), "cos": reachable(real(mp.cos)),
        "tan": reachable(real(mp.tan)),
        "asin": real(mp.asin), "acos": real(mp.acos), "atan": mp.atan, "atan2": mp.atan2,
        "sinh": reachable(mp.sinh), "cosh": reachable(mp.cosh), "tanh": reachable(mp.tanh),
        "asinh": mp.asinh, "acosh": real(mp.acosh),
        "atanh": lambda x: real(mp.atanh)(x) if abs(x) != 1 else inf * x,
        "hypot": hypot, "max": maximum, "min": minimum, "logsumexp": logsumexp,
        "winner": winner, "lead": lead, "trail": trail,
        "erf": mp.erf, "erfc": mp.erfc, "ncdf": mp.ncdf, "gamma": reachable(real(mp.gamma)),
        "lgamma": reachable(lgamma),
        "digamma": real(mp.digamma), "polygamma": polygamma,
    }  # fmt: skip
