"""Every gate is as exact as its row says, and its bounds hold, over the whole domain.

The points are those of `special_points`: zeros, poles, borders, and what over- and underflows. The
oracles are written here with mpmath from the definitions; they share nothing with the table. By
hand, any number of points a gate from any seed:

    python tests/test_ulps.py 20000 SEED [GATE...]
"""

from __future__ import annotations

import math
import sys
from collections.abc import Iterator
from itertools import islice

import mpmath
import pytest
from special_points import points

from gradcli.arithmetic.bounds.arrays import ARRAY_BOUNDS
from gradcli.arithmetic.bounds.bounded import FEW_TURNS
from gradcli.arithmetic.bounds.numbers import FLOAT_BOUNDS
from gradcli.arithmetic.digits import digits
from gradcli.arithmetic.floats import IEEE, TURNS_LOST
from gradcli.arithmetic.special import context
from gradcli.gates.table import BUILT_IN

FIRST_BITS, MOST_BITS = 220, 20_000
SETTLED = 2.0**-100  # relative: how far two precisions may be apart


def _polygamma(mp, n, x):
    """By the Hurwitz zeta function; left of 0 by the recurrence, far out by the reflection."""
    n, count = int(n), max(0, int(mp.ceil(-x))) + 1
    if x <= 0 and x == mp.floor(x):
        return None
    if count > 3000:
        if n > 1:
            return None
        cot = mp.pi * mp.cospi(x) / mp.sinpi(x) if not n else -((mp.pi / mp.sinpi(x)) ** 2)
        return (-1) ** n * _polygamma(mp, n, 1 - x) - cot
    if x < 0:
        terms = mp.fsum((x + k) ** -(n + 1) for k in range(count))
        return _polygamma(mp, n, x + count) - (-1) ** n * mp.factorial(n) * terms
    if not n:
        return mp.digamma(x)
    if x > 1e6:  # where zeta takes long
        return mp.psi(n, x)
    return (-1) ** (n + 1) * mp.factorial(n) * mp.zeta(n + 1, x)


def _lgamma(mp, x):
    if x <= 0 and x == mp.floor(x):
        return None
    if x < 0:
        return mp.log(mp.pi / abs(mp.sinpi(x))) - mp.loggamma(1 - x)
    return mp.loggamma(x)


def _gamma(mp, x):
    if x <= 0 and x == mp.floor(x):
        return None
    if x > 1e4:
        return mp.inf
    if x < -1e4:
        return mp.zero
    return mp.gamma(x)


def _pow(mp, x, y):
    if x < 0 and y != mp.floor(y):
        return None
    if x == 0:
        return None if y < 0 else mp.mpf(y == 0)
    size = y * mp.log(abs(x))
    if size > 1e6:
        return None
    if size < -1e6:
        return mp.mpf(2) ** -1000000
    v = mp.exp(size)
    return -v if x < 0 and int(y) % 2 else v


def _huber(mp, x, d):
    return x * x / 2 if abs(x) <= d else d * (abs(x) - d / 2)


def _exp(mp, x):
    return mp.exp(x) if abs(x) < 1e5 else mp.inf if x > 0 else mp.mpf(2) ** -1000000


def _ncdf(mp, x):
    return (
        mp.erfc(-x / mp.sqrt(2)) / 2 if abs(x) < 1e5 else mp.one if x > 0 else mp.mpf(2) ** -1000000
    )


def _sigmoid(mp, x):
    return 1 / (1 + _exp(mp, -x)) if x > -1e5 else mp.mpf(2) ** -1000000


def _mish(mp, x):
    """x * tanh(log(1 + e**x)), with the hyperbolic tangent written out."""
    if x > 1e4:
        return x
    e = _exp(mp, x)
    return x * e * (2 + e) / (2 + e * (2 + e))


def _erfcx(mp, x):
    if x > 1e5:  # its series alternates, and the first terms say all
        s = 1 / (2 * x * x)
        return (1 - s + 3 * s**2 - 15 * s**3 + 105 * s**4) / (x * mp.sqrt(mp.pi))
    return _exp(mp, x * x) * mp.erfc(x) if x > -1e4 else mp.inf


def _root(mp, x):
    """The inverse of erf, by bisection in the logarithm of what erfc leaves, then Newton steps."""
    rest = 1 - abs(x)
    y = abs(x) if rest > 0.5 else mp.sqrt(-mp.log(rest))
    for _ in range(60):
        step = (mp.erf(y) - abs(x)) * mp.sqrt(mp.pi) / 2 * mp.exp(y * y)
        y -= step
        if abs(step) <= abs(y) * mp.mpf(2) ** (8 - mp.prec):
            break
    return y if x > 0 else -y


def _lognormcdf(mp, x):
    if x < -1e4:
        s = 1 / (x * x)
        tail = 1 - s + 3 * s**2 - 15 * s**3 + 105 * s**4
        return -x * x / 2 - mp.log(-x * mp.sqrt(2 * mp.pi)) + mp.log(tail)
    if x > 0:
        return mp.log1p(-_ncdf(mp, -x))
    return mp.log(_ncdf(mp, x))


ORACLES = {
    "add": lambda mp, x, y: x + y,
    "sub": lambda mp, x, y: x - y,
    "mul": lambda mp, x, y: x * y,
    "scale": lambda mp, x, y: x * y,
    "div": lambda mp, x, y: x / y if y else None,
    "neg": lambda mp, x: -x,
    "pow": _pow,
    "reciprocal": lambda mp, x: 1 / x if x else None,
    "copy": lambda mp, x: x,
    "exp": _exp,
    "expm1": lambda mp, x: mp.expm1(x) if abs(x) < 1e5 else mp.inf if x > 0 else -mp.one,
    "exp2": lambda mp, x: _exp(mp, x * mp.ln2),
    "log": lambda mp, x: mp.log(x) if x > 0 else None,
    "log1p": lambda mp, x: mp.log1p(x) if x > -1 else None,
    "log2": lambda mp, x: mp.log(x) / mp.ln2 if x > 0 else None,
    "log10": lambda mp, x: mp.log(x) / mp.ln10 if x > 0 else None,
    "sqrt": lambda mp, x: mp.sqrt(x) if x >= 0 else None,
    "cbrt": lambda mp, x: mp.sign(x) * mp.cbrt(abs(x)),
    "square": lambda mp, x: x * x,
    "abs": lambda mp, x: abs(x),
    "sign": lambda mp, x: mp.mpf(mp.sign(x)),
    "floor": lambda mp, x: mp.floor(x),
    "ceil": lambda mp, x: mp.ceil(x),
    "round": lambda mp, x: mp.nint(x),
    "step": lambda mp, x: mp.mpf(x >= 0),
    "sin": lambda mp, x: mp.sin(x),
    "cos": lambda mp, x: mp.cos(x),
    "tan": lambda mp, x: mp.tan(x),
    "asin": lambda mp, x: mp.asin(x) if abs(x) <= 1 else None,
    "acos": lambda mp, x: mp.acos(x) if abs(x) <= 1 else None,
    "atan": lambda mp, x: mp.atan(x),
    "atan2": lambda mp, y, x: mp.atan2(y, x) if y else None,  # the sign of a zero decides
    "sinh": lambda mp, x: mp.sinh(x) if abs(x) < 1e5 else mp.inf * mp.sign(x),
    "cosh": lambda mp, x: mp.cosh(x) if abs(x) < 1e5 else mp.inf,
    "tanh": lambda mp, x: mp.tanh(x) if abs(x) < 1e5 else mp.sign(x),
    "asinh": lambda mp, x: mp.asinh(x),
    "acosh": lambda mp, x: mp.acosh(x) if x >= 1 else None,
    "atanh": lambda mp, x: mp.atanh(x) if abs(x) < 1 else None,
    "hypot": lambda mp, *xs: mp.sqrt(mp.fsum(x * x for x in xs)),
    "max": lambda mp, *xs: max(xs),
    "min": lambda mp, *xs: min(xs),
    "logsumexp": lambda mp, *xs: (
        max(xs) + mp.log1p(mp.fsum(_exp(mp, x - max(xs)) for x in sorted(xs)[:-1]))
    ),
    "where": lambda mp, c, a, b: a if c else b,
    "lt": lambda mp, x, y: mp.mpf(x < y),
    "le": lambda mp, x, y: mp.mpf(x <= y),
    "gt": lambda mp, x, y: mp.mpf(x > y),
    "ge": lambda mp, x, y: mp.mpf(x >= y),
    "eq": lambda mp, x, y: mp.mpf(x == y),
    "ne": lambda mp, x, y: mp.mpf(x != y),
    "sigmoid": _sigmoid,
    "relu": lambda mp, x: max(x, mp.zero),
    "leaky_relu": lambda mp, x, slope: x if x > 0 else slope * x,
    "softplus": lambda mp, x: mp.log1p(_exp(mp, x)) if x < 1e5 else x,
    "logsigmoid": lambda mp, x: -mp.log1p(_exp(mp, -x)) if x > -1e5 else x,
    "silu": lambda mp, x: x * _sigmoid(mp, x),
    "gelu": lambda mp, x: x * _ncdf(mp, x),
    "huber": _huber,
    "erf": lambda mp, x: mp.erf(x) if abs(x) < 1e5 else mp.sign(x),
    "erfc": lambda mp, x: 2 * _ncdf(mp, -x * mp.sqrt(2)),
    "gamma": _gamma,
    "lgamma": _lgamma,
    "digamma": lambda mp, x: _polygamma(mp, 0, x),
    "polygamma": _polygamma,
    "normcdf": _ncdf,
    "exp10": lambda mp, x: _exp(mp, x * mp.ln10),
    "cot": lambda mp, x: mp.cot(x) if x else None,
    "sec": lambda mp, x: mp.sec(x),
    "csc": lambda mp, x: mp.csc(x) if x else None,
    "sinc": lambda mp, x: mp.sinpi(x) / (mp.pi * x) if x else mp.one,
    "xlogy": lambda mp, x, y: (
        x * mp.log(y) if y > 0 and x else mp.zero if y >= 0 and not x else None
    ),
    "clip": lambda mp, x, low, high: min(max(x, low), high),
    "elu": lambda mp, x, alpha: x if x > 0 else alpha * (mp.expm1(x) if x > -1e5 else -1),
    "selu": lambda mp, x: (
        mp.mpf(1.0507009873554805)
        * (x if x > 0 else mp.mpf(1.6732632423543772) * (mp.expm1(x) if x > -1e5 else -1))
    ),
    "softsign": lambda mp, x: x / (1 + abs(x)),
    "mish": _mish,
    "hardtanh": lambda mp, x: max(-mp.one, min(mp.one, x)),
    "logit": lambda mp, x: mp.log(x / (1 - x)) if 0 < x < 1 else None,
    "log1mexp": lambda mp, x: (
        None if x <= 0 else mp.log(-mp.expm1(-x)) if x < 1 else mp.log1p(-_exp(mp, -x))
    ),
    "erfcx": _erfcx,
    "erfinv": lambda mp, x: _root(mp, x) if abs(x) < 1 else None,
    "normpdf": lambda mp, x: _exp(mp, -x * x / 2) / mp.sqrt(2 * mp.pi),
    "lognormcdf": _lognormcdf,
    "sinpi": lambda mp, x: mp.sinpi(x),
    "cospi": lambda mp, x: mp.cospi(x),
}


def truth(name, at):
    """The value of a gate in as many bits as two precisions need to agree; None for none."""
    oracle, bits, before = ORACLES[name], FIRST_BITS, None
    while bits < MOST_BITS:
        mp = context(bits)
        value = oracle(mp, *map(mp.mpf, at))
        if value is None or not mp.isfinite(value):
            return value
        if before is not None and abs(value - before) <= SETTLED * abs(value):
            return value
        before, bits = value, 3 * bits
    raise AssertionError(f"{name}{at} does not settle")


# ---------------------------------------------------------------- the hunt

BOUNDS = {"numbers": FLOAT_BOUNDS, "arrays": ARRAY_BOUNDS}
UNIT = 2.0**-53
NORMAL = 2.0**-1022 * 2.0**64  # below, parts of a gate may be subnormal: only its bound counts
ROUNDING = 1 + 1e-9  # of the bounds themselves
OVERFLOW = mpmath.ldexp(2**54 - 1, 970)  # from here on float64 has infinity
SLOPES = digits(120, at_limits=True)
CLOSE = 2.0**-90  # relative: how exact the oracles are
TURNED = {"sin", "cos", "tan", "cot", "sec", "csc"}  # whose operand loses its whole turns first
LOSSY = {"logsumexp"}  # gates that over arrays have an absolute bound only
ROWS = [row for row in BUILT_IN.elementwise if row.name != "winner"]
SUITE = 120  # points of a gate in the suite


def is_within(number, bound, true):
    """Whether a number lies within its bound of the truth; infinities are beyond float64."""
    if number != number:
        return bound == math.inf
    if not math.isfinite(number):
        return bound == math.inf or (abs(true) >= OVERFLOW and (true > 0) == (number > 0))
    return bound == math.inf or abs(true - number) <= bound * ROUNDING + CLOSE * abs(true)


def call(function, row, xs):
    return function(xs) if row.is_variadic else function(*xs)


def values(row, at) -> Iterator[str]:
    """What is wrong with the values of a gate at a point, over numbers and over arrays."""
    true = truth(row.name, at)
    if true is None:
        return
    for kind, rules in BOUNDS.items():
        with rules.quiet():
            out = call(rules.function(row.name), row, [rules.exactly(x) for x in at])
        number, bound = float(out.value), float(out.error)
        if not is_within(number, bound, true):
            yield f"{kind}: {row.name}{at} is {number!r} +- {bound!r}, not {mpmath.nstr(true, 17)}"
        allowed = row.ulps * rules.base.ulp_factor * UNIT * abs(true) * ROUNDING
        if row.name in TURNED and abs(at[0]) > FEW_TURNS:
            allowed += TURNS_LOST * (1 + true * true)
        is_stated = NORMAL < abs(true) < OVERFLOW and not (kind == "arrays" and row.name in LOSSY)
        if is_stated and not abs(true - number) <= allowed:
            units = float(abs(true - number) / abs(true) / UNIT)
            yield f"{kind}: {row.name}{at} errs by {units:.1f} units, not {row.ulps}"


def local_gradients(arithmetic, row, at):
    """What a gate hands to each of its operands of an upstream gradient of 1."""
    count, xs = len(at), [arithmetic.number(x) for x in at]
    with arithmetic.quiet():
        gradients, operands = [arithmetic.zero] * (count + 1), tuple(range(count))
        pullback = arithmetic.pullback(row, (True,) * count)
        values = [*xs, arithmetic.forward(row, count)(xs, operands)]
        if pullback is not None:
            pullback(arithmetic.number(1.0), values, gradients, count, operands)
    return gradients[:count]


def slopes(row, at) -> Iterator[str]:
    """What is wrong with the local gradients of a gate at a point; many digits are the truth."""
    exact = local_gradients(SLOPES, row, at)
    for kind, rules in BOUNDS.items():
        for true, slope in zip(exact, local_gradients(rules, row, at), strict=True):
            if true == true and not is_within(float(slope.value), float(slope.error), true):
                yield f"{kind}: {row.name}{at} has the slope {slope.value} +- {slope.error}"


def faults(row, seed, count) -> Iterator[str]:
    """What is wrong with a gate at its first `count` points."""
    for at in islice(points(row, seed), count):
        if all(map(math.isfinite, at)):
            yield from values(row, at)
            yield from slopes(row, at)


@pytest.mark.slow
@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name)
def test_no_gate_errs_by_more_than_its_row_or_its_bound_says(row):
    assert [*faults(row, "suite", SUITE // 3 if row.name == "polygamma" else SUITE)] == []


KNOWN = {  # where gates or their bounds were wrong once
    "lgamma": (-2.4570247382208006, -2.7476826467274127, -3.14358088834998),
    "digamma": (-1.5734984731623904, -0.504083008264455),
    "silu": (-714.7926906026867, -714.9672556330943, -745.0),
    "gelu": (-38.485408335567335, -37.6),
    "cbrt": (3.263922485815171,),
    "polygamma": ((0.0, -0.5040830082644552), (101.0, 2.0), (200.0, -0.5), (1000.0, -60.25)),
    "logsumexp": (
        (0.0, -800.0), (-1.7976931348623157e308, 0.0), (-3.640632876914319e-20, -44.75954432606127),
        (-26.246052047393697, -5.359657032953085e-12),
    ),
    "hypot": ((5e-324, 5e-324), (1e-310, -1.00000000000015e-310)),
    "sin": (3.4970801177220946e283, 34931838357413.926),
    "cos": (5.319372648326541e255, 1.5986289000543612e74, 563416747700.2246),
    "tan": (5.319372648326541e255, 1.5986289000543612e74, 3.4970801177220946e283),
    "cot": (1.5986289000543612e74, 3.4970801177220946e283),
    "sec": (1.5986289000543612e74,), "csc": (3.4970801177220946e283,),
}  # fmt: skip


@pytest.mark.parametrize("name", KNOWN)
def test_gates_hold_where_they_did_not(name):
    for x in KNOWN[name]:
        at = x if isinstance(x, tuple) else (x,)
        assert [*values(BUILT_IN[name], at), *slopes(BUILT_IN[name], at)] == []


def test_poles_of_odd_orders_of_polygamma_have_a_sign():
    for arithmetic in (IEEE, digits(50)):
        number = arithmetic.number
        pole = [
            float(arithmetic.function("polygamma")(number(n), number(-2.0))) for n in (1.0, 2.0)
        ]
        assert pole[0] == math.inf
        assert math.isnan(pole[1])
    far = [IEEE.function("polygamma")(n, x) for n, x in ((200.0, 1e-3), (201.0, 1e-3))]
    assert far == [-math.inf, math.inf]


def test_a_huber_loss_has_a_bound_where_its_branches_meet():
    """Both branches are one there, whichever rounding takes."""
    rules = FLOAT_BOUNDS
    x, delta = rules.pair(0.1 + 0.2, 2.0**-54), rules.exactly(0.3)
    out = rules.function("huber")(x, delta)
    assert out.error < 1e-15
    for text in BUILT_IN["huber"].local[:1]:
        assert rules.text_function(BUILT_IN["huber"], text)(x, delta, out=out).error < 1e-15


if __name__ == "__main__":
    for row in ROWS:
        if row.name in sys.argv[3:] or not sys.argv[3:]:
            wrong = [*faults(row, sys.argv[2], int(sys.argv[1]))]
            print(row.name, len(wrong), *wrong[:3], sep="\n    ", flush=True)
