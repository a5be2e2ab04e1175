"""The truth of a tree at a point: its value, and its slopes from both sides, by mpmath alone.

The oracle has an evaluator and a context of its own. A slope is the limit of differences at a step
and at a 1024th of it; the step lies far below every number of the case, the precision far below the
step. Where two differences do not agree, steps and precision go deeper, to some thousand digits.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from typing import Any, NamedTuple

import mpmath

from tests.hunt.trees import Point, Tree

mp = mpmath.mp.clone()

# Bits of the step below everything else, of the precision below the step's powers.
LEVELS = ((85, 170), (300, 400), (1100, 1300))
RATIO_BITS = 10
DIVIDING = (3, 12)  # powers that cancel, as of (x - sin(x)) / x**3; to confirm, as of its cubes
ROOTS = 2  # the power of the step by which a root may magnify rounding: acos(cos(x))
MOST_BITS = 24_000  # of precision: some seconds a case
MOST_EXPONENT = 20_000  # bits of an operand of exp and its kind, beyond which nothing is computed
MOST_BITS_OF_GAMMA = 2_400  # their series take seconds beyond
VANISHED = mp.ldexp(1, -1090)  # a slope that is smaller still a step away is none to float64
LEAST_POWER = 0.02  # that is told from a jump at once
LEFT = 1e-3  # of the power from one level to the next, where all but a jump vanishes
SNAP = 40  # bits at the end of a difference that mean nothing


class OutsideError(Exception):
    """No value here: outside the domain."""


class PoleError(OutsideError):
    """No value here: infinite."""


class BeyondError(Exception):
    """The oracle does not reach here."""


class Side(NamedTuple):
    """A one-sided slope: `slope`, `infinite` (with its sign), `outside`, `jump` or `undecided`."""

    kind: str
    slope: Any = mpmath.nan


class Truth(NamedTuple):
    """What is true of a case. `value` is None where there is none, for the reason in `status`."""

    status: str  # value, outside or pole
    value: Any
    sides: dict[str, tuple[Side, Side]]  # by input: left, right


# ---------------------------------------------------------------- evaluation


class Evaluator:
    """Trees at one precision; remembers the sizes of the numbers it meets."""

    def __init__(self, bits: int) -> None:
        self.bits = bits
        self.low = self.high = 0  # binary exponents of the least and the largest number

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
        far = abs(xs[0]) if operation != "logsumexp" else max(xs) - min(xs)
        if operation in TAILS and far > 10:
            tail = TAILS[operation](float(min(far, MOST_EXPONENT)))
            if tail > MOST_EXPONENT:
                raise BeyondError
            self.low = min(self.low, -int(tail))
        return gate(operation, xs, self.bits)


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


# ---------------------------------------------------------------- truth


class Scale(NamedTuple):
    """The value at a point, and how far the exponents of its numbers reach."""

    value: Any
    span: int  # bits
    high: int


def scale_of(tree: Tree, point: Point) -> Scale:
    """The value, computed until two precisions agree. Raises OutsideError, BeyondError."""
    bits = 256
    before: Any = None
    while bits <= MOST_BITS:
        evaluate = Evaluator(bits)
        try:
            value = evaluate(tree, exact(point))
        except OutsideError as trouble:
            value = trouble
        span = evaluate.high - evaluate.low
        needed = 256 + 2 * span
        if bits >= needed and _is_settled(before, value):
            if isinstance(value, OutsideError):
                raise value
            return Scale(value, span, max(0, evaluate.high))
        before = value
        bits = max(needed, bits + 128)
    raise BeyondError


def _is_settled(before: Any, value: Any) -> bool:
    """Whether two precisions say the same of a value."""
    if isinstance(value, OutsideError) or isinstance(before, OutsideError):
        return type(before) is type(value)
    return before is not None and same(before, value, 2.0**-60)


def written(x: Any, digits: int) -> str:
    """A number in so many digits, whatever the precision it was computed in."""
    with mp.workprec(64 + 4 * digits):
        return str(mp.nstr(+x, digits))


def exact(point: Point) -> dict[str, Any]:
    """The inputs as numbers of the oracle."""
    return {name: mp.mpf(x) for name, x in point.items()}


def same(a: Any, b: Any, relative: float) -> bool:
    """Whether two numbers agree to a relative error."""
    return bool(a == b or abs(a - b) <= relative * max(abs(a), abs(b)) < mp.inf)


def truth_of(tree: Tree, point: Point, level: int = 0) -> Truth:
    """Value and one-sided slopes of a case; `level` is where the search for slopes begins."""
    try:
        scale = scale_of(tree, point)
    except PoleError:
        return Truth("pole", None, {})
    except OutsideError:
        return Truth("outside", None, {})
    sides = {
        name: (side_of(tree, point, name, -1, scale, level),
               side_of(tree, point, name, 1, scale, level))
        for name in point
    }  # fmt: skip
    return Truth("value", scale.value, sides)


def side_of(tree: Tree, point: Point, name: str, sign: int, scale: Scale, level: int = 0) -> Side:
    """The slope by one input from one side, as the limit of differences."""

    def moved(step: Any) -> dict[str, Any]:
        return {**exact(point), name: mp.mpf(point[name]) + sign * step}

    side = limit(lambda bits, step: Evaluator(bits)(tree, moved(step)), sign, scale, level)
    return Side("undecided") if side.kind == "jump" and not may_jump(tree) else side


# Operations that jump, or have a pole on whose other side something else may stand.
JUMPING = {*COMPARE, "where", "sign", "step", "floor", "ceil", "round", "atan2", "div", "reciprocal",
           "tan", "gamma", "lgamma", "digamma", "polygamma", "log", "log1p", "log2", "log10",
           "atanh"}  # fmt: skip


def may_jump(tree: Tree) -> bool:
    """Whether any operation may jump: a change that stays may be of a step that is still long."""
    if not isinstance(tree, tuple):
        return False
    is_power = tree[0] == "pow" and not (isinstance(tree[2], float) and tree[2] > 0)
    return tree[0] in JUMPING or is_power or any(may_jump(part) for part in tree[1:])


def limit(f: Callable[[int, Any], Any], sign: int, scale: Scale, level: int = 0) -> Side:
    """The limit of difference quotients of f(bits, step), from one side."""
    first: Any = None
    before = mp.inf  # the power of a level whose steps are longer
    for below, reserve in LEVELS[level:]:
        bits = 3 * scale.span + (2 + DIVIDING[level > 0]) * below + reserve
        if bits > MOST_BITS:
            raise BeyondError
        mp.prec = bits
        steps = [mp.ldexp(1, -scale.span - below - k * RATIO_BITS) for k in (0, 1)]
        noise = mp.ldexp(1, scale.high - bits + 2 * SNAP + ROOTS * below)
        try:
            here = f(bits, mp.zero)
            changes = [f(bits, step) - here for step in steps]
        except OutsideError:
            return Side("outside")
        changes = [change if abs(change) > noise else mp.zero for change in changes]
        slopes = [sign * change / step for change, step in zip(changes, steps, strict=True)]
        if same(*slopes, 2.0**-60):
            return Side("slope", slopes[1] + (slopes[1] - slopes[0]) / (2**RATIO_BITS - 1))
        if not all(changes):
            continue
        power = mp.log(abs(changes[0] / changes[1]), 2) / RATIO_BITS
        if power < LEAST_POWER:
            if power <= 0 or power < before * LEFT < mp.inf:
                return Side("jump")
            if not same(power, before, 1e-3):
                before = power  # of x**1e-9, or of a jump and what vanishes beside it
                continue
        if power < 0.97:
            return Side("infinite", mp.sign(slopes[1]) * mp.inf)
        first = first or abs(slopes[0])
        least = VANISHED if power > 1.9 else first * mp.ldexp(1, -60)
        if power > 1.03 and abs(slopes[1]) < least:
            return Side("slope", mp.zero)
    return Side("undecided")
