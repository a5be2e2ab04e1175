"""Trees evaluated by mpmath alone, at one precision, in a context of the hunt's own."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from itertools import combinations
from typing import Any

import mpmath

from tests.hunt.trees import Tree

mp = mpmath.mp.clone()

MOST_EXPONENT = 20_000  # bits of an operand of exp and its kind, beyond which nothing is computed
MOST_BITS_OF_GAMMA = 2_400  # their series take seconds beyond
SNAP = 40  # bits at the end of a difference that mean nothing


class OutsideError(Exception):
    """No value here: outside the domain."""


class PoleError(OutsideError):
    """No value here: infinite."""


class BeyondError(Exception):
    """The oracle does not reach here."""


def same(a: Any, b: Any, relative: float) -> bool:
    """Whether two numbers agree to a relative error."""
    return bool(a == b or abs(a - b) <= relative * max(abs(a), abs(b)) < mp.inf)


class Evaluator:
    """Trees at one precision; remembers the sizes of the numbers it meets."""

    def __init__(self, bits: int) -> None:
        self.bits = bits
        self.low = self.high = 0  # binary exponents of the least and the largest number
        self.sides: list[Any] = []  # of the edges of all gates that have one, in order

    def __call__(self, tree: Tree, point: dict[str, Any]) -> Any:
        """The value of a tree. Raises OutsideError, BeyondError."""
        mp.prec = self.bits
        return self._value(tree, point)

    def _value(self, tree: Tree, point: dict[str, Any]) -> Any:
        if isinstance(tree, str):
            value = point[tree]
        elif isinstance(tree, float):
            value = mp.mpf(tree)
        else:
            value = self._gate(tree, point)
        if value:
            size = mp.mag(value)
            if abs(size) > MOST_EXPONENT * 4:
                raise BeyondError
            self.low, self.high = min(self.low, size), max(self.high, size)
        return value

    def _gate(self, tree: Tree, point: dict[str, Any]) -> Any:
        operation, *parts = tree
        if operation == "where":
            kept, other = (1, 2) if self._value(parts[0], point) else (2, 1)
            with suppress(OutsideError, BeyondError):
                self._value(parts[other], point)  # a step away it may be the value
            return self._value(parts[kept], point)
        try:
            xs = [self._value(part, point) for part in parts]
        except OutsideError:
            if operation in COMPARE or (operation == "pow" and not self._value(parts[1], point)):
                raise BeyondError from None  # a comparison with nan, and nan**0, have a value
            raise
        if operation in COMPARE:
            self._be_sure(parts, xs, point)
        if operation in EDGES:
            edges = EDGES[operation](*xs)
            self.sides += [mp.sign(difference(a, -b, self.bits)) for a, b in edges]
        far = abs(xs[0]) if operation != "logsumexp" else max(xs) - min(xs)
        if operation in TAILS and far > 10:
            tail = TAILS[operation](float(min(far, MOST_EXPONENT)))
            if tail > MOST_EXPONENT:
                raise BeyondError
            self.low = min(self.low, -int(tail))
        return gate(operation, xs, self.bits)

    def _be_sure(self, parts: list[Tree], xs: list[Any], point: dict[str, Any]) -> None:
        """Raise BeyondError where two numbers differ by what other digits do not confirm."""
        apart = difference(xs[0], -xs[1], self.bits)
        if apart and mp.mag(apart) < max(map(mp.mag, xs)) - self.bits // 4:
            finer = Evaluator(self.bits + self.bits // 2)
            again = [finer(part, point) for part in parts]
            mp.prec = self.bits
            if not same(apart, again[0] - again[1], 2.0**-SNAP):
                raise BeyondError


# What a gate with a kink or a jump compares.
EDGES: dict[str, Callable[..., list[tuple[Any, Any]]]] = {
    **dict.fromkeys(("lt", "le", "gt", "ge", "eq", "ne"), lambda a, b: [(a, b)]),
    **dict.fromkeys(("max", "min", "clip"), lambda *xs: [*combinations(xs, 2)]),
    **dict.fromkeys(
        ("abs", "sign", "step", "relu", "leaky_relu", "elu", "selu"), lambda x, *_: [(x, 0)]
    ),
    "huber": lambda x, delta=1: [(abs(x), delta)],
    "hardtanh": lambda x: [(abs(x), 1)],
}


# How many bits below 1 the tail of a gate lies that comes near to a constant or to its operand.
TAILS: dict[str, Callable[[float], float]] = {
    **dict.fromkeys(
        ("erf", "erfc", "gelu", "normpdf", "normcdf", "lognormcdf", "erfcx"),
        lambda x: 1.5 * x * x,
    ),
    **dict.fromkeys(
        (
            "sigmoid",
            "softplus",
            "logsigmoid",
            "silu",
            "expm1",
            "logsumexp",
            "elu",
            "selu",
            "log1mexp",
        ),
        lambda x: 1.5 * x,
    ),
    "mish": lambda x: 3 * x,
    **dict.fromkeys(("tanh", "cosh", "sinh"), lambda x: 3 * x),
}


def gate(operation: str, xs: list[Any], bits: int) -> Any:
    """The value of one gate at numbers. Raises OutsideError, BeyondError."""
    if operation in ("add", "sub"):
        return difference(xs[0], -xs[1] if operation == "sub" else xs[1], bits)
    if operation in COMPARE:
        return mp.mpf(COMPARE[operation](difference(xs[0], -xs[1], bits)))
    if bits > MOST_BITS_OF_GAMMA and operation in ("gamma", "lgamma", "digamma", "polygamma"):
        raise BeyondError
    try:
        return GATES[operation](*xs)
    except ZeroDivisionError:
        raise PoleError from None


def difference(a: Any, b: Any, bits: int) -> Any:
    """a + b, and 0 where the sum is below what the precision can hold."""
    total = a + b
    if total and a and b and mp.mag(total) < max(mp.mag(a), mp.mag(b)) - bits + SNAP:
        return mp.zero
    return total


COMPARE: dict[str, Callable[[Any], bool]] = {
    "lt": lambda d: d < 0, "le": lambda d: d <= 0, "gt": lambda d: d > 0, "ge": lambda d: d >= 0,
    "eq": lambda d: d == 0, "ne": lambda d: d != 0,
}  # fmt: skip


def _inside(holds: bool) -> None:
    if not holds:
        raise OutsideError


def _small(x: Any) -> Any:
    """An operand of exp and its kind, of which the result can be held."""
    if x and mp.mag(x) > 16:
        raise BeyondError
    return x


def _exp(x: Any) -> Any:
    return mp.exp(_small(x))


def _log(x: Any) -> Any:
    _inside(x >= 0)
    if not x:
        raise PoleError
    return mp.log(x)


def _pow(x: Any, y: Any) -> Any:
    if not x:
        if y < 0:
            raise PoleError
        return mp.mpf(y == 0)
    whole = y == mp.floor(y)
    _inside(x > 0 or whole)
    if mp.mag(mp.log(abs(x)) or mp.one) + (mp.mag(y) if y else 0) > 15:
        raise BeyondError
    if whole and abs(y) < 10_000:
        return x ** int(y)
    size = mp.exp(y * mp.log(abs(x)))
    return -size if x < 0 and int(y) % 2 else size


def _sqrt(x: Any) -> Any:
    _inside(x >= 0)
    return mp.sqrt(x)


def _cbrt(x: Any) -> Any:
    return mp.sign(x) * mp.cbrt(abs(x))


def _arc(function: Callable[[Any], Any]) -> Callable[[Any], Any]:
    def arc(x: Any) -> Any:
        _inside(abs(x) <= 1)
        return function(x)

    return arc


def _acosh(x: Any) -> Any:
    _inside(x >= 1)
    return mp.acosh(x)


def _atanh(x: Any) -> Any:
    if abs(x) == 1:
        raise PoleError
    _inside(abs(x) < 1)
    return mp.atanh(x)


def _log1p(x: Any) -> Any:
    if x == -1:
        raise PoleError
    _inside(x > -1)
    return mp.log1p(x)


def _logsumexp(*xs: Any) -> Any:
    rest = sorted(xs)
    top = rest.pop()
    if any(x != top and mp.mag(x - top) > 16 for x in rest):
        raise BeyondError
    return top + mp.log1p(mp.fsum(mp.exp(x - top) for x in rest)) if rest else top


def _hypot(*xs: Any) -> Any:
    return mp.sqrt(mp.fsum(x * x for x in xs))


def _sigmoid(x: Any) -> Any:
    return 1 / (1 + mp.exp(_small(-x)))


def _softplus(x: Any) -> Any:
    return mp.log1p(mp.exp(_small(x)))


def _erfc(x: Any) -> Any:
    if x and mp.mag(x) >= 8:
        if x < 0:
            return mp.mpf(2)
        raise BeyondError
    return mp.erfc(x)


def _gelu(x: Any) -> Any:
    return x * _erfc(-x / mp.sqrt(2)) / 2


def _no_pole(x: Any) -> None:
    if x <= 0 and x == mp.floor(x):
        raise PoleError
    if x and (mp.mag(x) > 60 or (x < 0 and mp.mag(x) > 11)):
        raise BeyondError


def _gamma(x: Any) -> Any:
    _no_pole(x)
    if mp.mag(x) > 11:
        raise BeyondError
    return mp.gamma(x)


def _lgamma(x: Any) -> Any:
    _no_pole(x)
    if x > 0:
        return mp.loggamma(x)
    return mp.log(mp.pi / abs(mp.sinpi(x))) - mp.loggamma(1 - x)


def _digamma(x: Any) -> Any:
    _no_pole(x)
    return mp.psi(0, x)


def _polygamma(n: Any, x: Any) -> Any:
    _no_pole(x)
    with mp.workprec(mp.prec + 10 * int(n)):  # below 0 terms as large as n! cancel
        return mp.psi(int(n), x)


def _huber(x: Any, delta: Any = 1) -> Any:
    return x * x / 2 if abs(x) <= delta else delta * (abs(x) - delta / 2)


def _leaky_relu(x: Any, slope: Any = 0.01) -> Any:
    return x if x > 0 else mp.mpf(slope) * x


def _elu(x: Any, alpha: Any = 1) -> Any:
    return x if x > 0 else mp.mpf(alpha) * mp.expm1(_small(x))


def _selu(x: Any) -> Any:
    return mp.mpf(1.0507009873554805) * _elu(x, 1.6732632423543772)


def _logit(x: Any) -> Any:
    _inside(0 <= x <= 1)
    if x in (0, 1):
        raise PoleError
    return mp.log(x) - mp.log1p(-x)


def _log1mexp(x: Any) -> Any:
    _inside(x >= 0)
    return mp.log1p(-mp.exp(-_small(x))) if x > 1 else _log(-mp.expm1(-x))


def _erfcx(x: Any) -> Any:
    if x and mp.mag(x) >= 8:
        raise BeyondError
    return mp.exp(x * x) * mp.erfc(x)


def _erfinv(x: Any) -> Any:
    if abs(x) == 1:
        raise PoleError
    _inside(abs(x) < 1)
    with mp.workprec(mp.prec + 60 - min(0, mp.mag(1 - abs(x)))):
        return mp.erfinv(x)


def _normpdf(x: Any) -> Any:
    return mp.exp(_small(-x * x / 2)) / mp.sqrt(2 * mp.pi)


def _normcdf(x: Any) -> Any:
    return _erfc(-x / mp.sqrt(2)) / 2


def _lognormcdf(x: Any) -> Any:
    return mp.log1p(-_normcdf(-x)) if x > 0 else mp.log(_normcdf(x))


def _xlogy(x: Any, y: Any) -> Any:
    if not x and y >= 0:
        return mp.zero
    return x * _log(y)


def _clip(x: Any, low: Any, high: Any) -> Any:
    return min(max(x, low), high)


def _whole(function: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """A rounding function of operands that are whole, or halves, where they are so to the end."""

    def rounded(x: Any) -> Any:
        near = mp.nint(2 * x) / 2
        off = x - near
        is_near = near and off and mp.mag(off) < mp.mag(near) - mp.prec + SNAP
        return function(near if is_near else x)

    return rounded


def _tan(x: Any) -> Any:
    return mp.sin(x) / mp.cos(x)


GATES: dict[str, Callable[..., Any]] = {
    "mul": lambda x, y: x * y, "div": lambda x, y: x / y, "neg": lambda x: -x, "pow": _pow,
    "reciprocal": lambda x: 1 / x, "exp": _exp, "expm1": lambda x: mp.expm1(_small(x)),
    "exp2": lambda x: mp.exp(_small(x) * mp.ln2), "log": _log, "log1p": _log1p,
    "log2": lambda x: _log(x) / mp.ln2, "log10": lambda x: _log(x) / mp.ln10, "sqrt": _sqrt,
    "cbrt": _cbrt, "square": lambda x: x * x, "abs": abs, "sign": lambda x: mp.mpf(mp.sign(x)),
    "floor": _whole(mp.floor), "ceil": _whole(mp.ceil), "round": _whole(mp.nint),
    "step": lambda x: mp.mpf(x >= 0), "sin": mp.sin, "cos": mp.cos, "tan": _tan,
    "asin": _arc(mp.asin), "acos": _arc(mp.acos), "atan": mp.atan, "atan2": mp.atan2,
    "sinh": lambda x: mp.sinh(_small(x)), "cosh": lambda x: mp.cosh(_small(x)), "tanh": mp.tanh,
    "asinh": mp.asinh, "acosh": _acosh, "atanh": _atanh, "hypot": _hypot,
    "max": lambda *xs: max(xs), "min": lambda *xs: min(xs), "logsumexp": _logsumexp,
    "sigmoid": _sigmoid, "relu": lambda x: x if x > 0 else mp.zero, "leaky_relu": _leaky_relu,
    "softplus": _softplus, "logsigmoid": lambda x: -_softplus(-x),
    "silu": lambda x: x * _sigmoid(x), "gelu": _gelu, "huber": _huber, "erf": mp.erf, "erfc": _erfc,
    "exp10": lambda x: mp.exp(_small(x) * mp.ln10), "cot": lambda x: mp.cos(x) / mp.sin(x),
    "sec": lambda x: 1 / mp.cos(x), "csc": lambda x: 1 / mp.sin(x),
    "sinc": lambda x: mp.sinpi(x) / (mp.pi * x) if x else mp.one, "xlogy": _xlogy, "clip": _clip, "elu": _elu,
    "selu": _selu, "softsign": lambda x: x / (1 + abs(x)),
    "mish": lambda x: x * mp.tanh(_softplus(x)), "hardtanh": lambda x: _clip(x, -mp.one, mp.one),
    "logit": _logit, "log1mexp": _log1mexp, "erfcx": _erfcx, "erfinv": _erfinv,
    "normpdf": _normpdf, "normcdf": _normcdf, "lognormcdf": _lognormcdf,
    "gamma": _gamma, "lgamma": _lgamma, "digamma": _digamma, "polygamma": _polygamma,
}  # fmt: skip
