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

import mpmath
from mpmath.ctx_mp import MPContext

from gradcli.arithmetic.arithmetic import Arithmetic
from gradcli.arithmetic.compiler import INFIX
from gradcli.arithmetic.floats import QUIET
from gradcli.arithmetic.special import OutOfReachError, psi

FLAT = 1e10  # from where on erf and its relatives are flat to any number of digits
MAGNITUDE_LIMIT = 2**14  # binary exponent above which an operand makes mpmath run for ever


@lru_cache(maxsize=8)
def digits(count: int, at_limits: bool = False) -> Arithmetic:
    """The arithmetic with `count` significant decimal digits.

    An operand that would keep mpmath busy for ever raises OutOfReachError, or `at_limits` stands
    for an infinity.

    Each count has a context of its own, so that two of them never disturb each other.
    """
    mp = mpmath.mp.clone()
    mp.dps = count
    spelling = {key: text for key, text in INFIX.items() if key != "div"}
    spelling["number"] = "number({!r})"
    spelling["scale"] = "({0} * {1} if {0} else zero)"
    spelling["route"] = "({0} if {1} else zero)"
    exact = {name: _ieee_at_infinity(mp, name, f, at_limits) for name, f in _primitives(mp).items()}
    names = {**exact, "number": mp.mpf, "zero": mp.zero}
    return Arithmetic(f"digits{count}", names, spelling, mp.mpf)


def sharp_constants(arithmetic: Arithmetic) -> dict[float, Any]:
    """What the doubles nearest to pi, tau and e are meant to be, by these doubles."""
    mp = arithmetic.number(1.0).context
    return {math.pi: +mp.pi, math.tau: 2 * mp.pi, math.e: +mp.e}


def _ieee_at_infinity(
    mp: MPContext, name: str, function: Callable[..., Any], at_limits: bool
) -> Any:
    """The function, with the value of IEEE 754 where an operand is infinite or nan."""
    quiet = QUIET.get(name)
    if quiet is None or name in ("max", "min", "logsumexp", "hypot", "winner", "lead", "trail"):
        return function

    def guarded(*given: Any) -> Any:
        operands = given[0] if isinstance(given[0], list) else given
        if all(mp.isfinite(x) for x in operands):
            try:
                return function(*given)
            except OutOfReachError:
                if not at_limits:
                    raise
                operands = [x if mp.mag(x) <= MAGNITUDE_LIMIT else mp.inf * x for x in operands]
        floats = [_clipped(x) for x in operands]
        return mp.mpf(quiet(floats) if isinstance(given[0], list) else quiet(*floats))

    return guarded


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
        if not mp.isfinite(top):
            return top
        below = [x - top for x in xs]  # what is too far below to be computed is 0
        near = [d for d in below if not d or mp.mag(d) <= MAGNITUDE_LIMIT]
        return mp.log(mp.fsum(map(mp.exp, near))) + top

    def hypot(xs: list[Any]) -> Any:
        if any(mp.isinf(x) for x in xs):
            return inf
        return mp.sqrt(mp.fsum(x * x for x in xs))

    def cbrt(x: Any) -> Any:
        return mp.sign(x) * mp.cbrt(abs(x))

    def polygamma(n: Any, x: Any) -> Any:
        return real(psi)(mp, int(n), x) if n >= 0 and mp.isint(n) else nan

    def lgamma(x: Any) -> Any:
        if x <= 0 and mp.isint(x):
            return inf
        return mp.re(mp.loggamma(x)) if x > 0 else mp.log(abs(mp.gamma(x)))

    def round_half_even(x: Any) -> Any:
        low = mp.floor(x)
        above = x - low - mp.mpf(0.5)
        return low if above < 0 or (above == 0 and not int(low) % 2) else low + 1

    def tail(function: Callable[[Any], Any], low: int, high: int) -> Callable[[Any], Any]:
        """A distribution function, which mpmath cannot take where it is flat."""
        return lambda x: function(x) if abs(x) < FLAT else mp.mpf(low if x < 0 else high)

    def gamma(x: Any) -> Any:
        return reachable(real(mp.gamma))(x) if x else inf

    return {
        "div": divide, "pow": power,
        "exp": reachable(mp.exp), "expm1": reachable(mp.expm1),
        "exp2": reachable(lambda x: mp.power(2, x)),
        "log": log_of(mp.log), "log2": log_of(lambda x: mp.log(x) / mp.log(2)),
        "log10": log_of(lambda x: mp.log(x) / mp.log(10)),
        "log1p": lambda x: mp.log1p(x) if x > -1 else -inf if x == -1 else nan,
        "sqrt": real(mp.sqrt), "cbrt": cbrt, "abs": abs,
        "floor": mp.floor, "ceil": mp.ceil,
        "round": round_half_even,
        "sin": reachable(real(mp.sin)), "cos": reachable(real(mp.cos)),
        "tan": reachable(real(mp.tan)),
        "asin": real(mp.asin), "acos": real(mp.acos), "atan": mp.atan, "atan2": mp.atan2,
        "sinh": reachable(mp.sinh), "cosh": reachable(mp.cosh), "tanh": reachable(mp.tanh),
        "asinh": mp.asinh, "acosh": real(mp.acosh),
        "atanh": lambda x: real(mp.atanh)(x) if abs(x) != 1 else inf * x,
        "hypot": hypot, "max": maximum, "min": minimum, "logsumexp": logsumexp,
        "winner": winner, "lead": lead, "trail": trail,
        "erf": tail(mp.erf, -1, 1), "erfc": tail(mp.erfc, 2, 0), "ncdf": tail(mp.ncdf, 0, 1), "gamma": gamma,  # noqa: E501
        "lgamma": reachable(lgamma),
        "digamma": real(mp.digamma), "polygamma": polygamma,
    }  # fmt: skip
