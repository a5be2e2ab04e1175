"""Elementary functions on vectors, as polynomials: at most 2.5 units in the last place off.

The reductions are the classical ones (Cody and Waite; the kernels of fdlibm for log, sin and cos):
x = n*log(2) + r for exp, x = 2**k * (1 + f) for log, x = n*pi/2 + r in three parts for sin and cos.
Infinities, nan, zeros with their signs and subnormal numbers come out as in numpy.
"""

from __future__ import annotations

import math
from collections.abc import Callable

from gradcli.native.assembly import Assembly, bits_of

# (exp(r) - 1 - r) / r**2 on |r| <= log(2)/2, near-minimax, ascending
EXP = (
    0.5000000000000001, 0.16666666666666669, 0.04166666666662413, 0.008333333333330062,
    0.0013888888917213717, 0.00019841269863053618, 2.4801521295954376e-05, 2.7557268459997064e-06,
    2.7620088445409746e-07, 2.510038549551032e-08,
)  # fmt: skip
LOG = (
    6.666666666666735130e-01, 3.999999999940941908e-01, 2.857142874366239149e-01,
    2.222219843214978396e-01, 1.818357216161805012e-01, 1.531383769920937332e-01,
    1.479819860511658591e-01,
)  # fmt: skip
SIN = (
    -1.66666666666666324348e-01, 8.33333333332248946124e-03, -1.98412698298579493134e-04,
    2.75573137070700676789e-06, -2.50507602534068634195e-08, 1.58969099521155010221e-10,
)  # fmt: skip
COS = (
    4.16666666666666019037e-02, -1.38888888888741095749e-03, 2.48015872894767294178e-05,
    -2.75573143513906633035e-07, 2.08757232129817482790e-09, -1.13596475577881948265e-11,
)  # fmt: skip
LOG2_HIGH, LOG2_LOW = 6.93147180369123816490e-01, 1.90821492927058770002e-10
HALF_PI = (1.5707963267948966, 6.123233995736766e-17, -1.4973849048591833e-33)
MAGIC = 1.5 * 2.0**52  # a number plus it has its nearest whole number in the lowest bits
HIGHEST, LOWEST = 710.0, -746.0  # where exp is inf, and where it is 0
ROUND_OF_TANH = 44.0  # exp(2x) from which on tanh is 1
FARTHEST = 2.0**20  # beyond it the reduction of sin and cos by three parts of pi/2 is not enough
SIGN = 1 << 63


def _exp_parts(a: Assembly, x: str) -> tuple[str, str, str]:
    """N with MAGIC added, n itself, and exp(r) - 1."""
    shifted = a.fma(x, 1.4426950408889634, MAGIC)
    n = a.sub(shifted, MAGIC)
    r = a.fma(n, -LOG2_LOW, a.fma(n, -LOG2_HIGH, x))
    return shifted, n, a.fma(a.mul(r, r), a.polynomial(r, EXP), r)


def exp(a: Assembly, x: str) -> str:
    """The exponential; its power of two comes in two halves, so that it may be subnormal."""
    x = a.select(a.compare("ogt", x, HIGHEST), HIGHEST, x)
    x = a.select(a.compare("olt", x, LOWEST), LOWEST, x)
    _, n, rest = _exp_parts(a, x)
    first = a.fma(n, 0.5, MAGIC + 1023.0)
    second = a.add(a.sub(n, a.sub(first, MAGIC + 1023.0)), MAGIC + 1023.0)
    powers = [a.as_number(a.on_bits("shl", a.as_bits(half), 52)) for half in (first, second)]
    return a.mul(a.mul(a.add(rest, 1.0), powers[0]), powers[1])


def tanh(a: Assembly, x: str) -> str:
    """The hyperbolic tangent, m / (m + 2) with m = exp(2|x|) - 1, and the sign of x."""
    sign = a.on_bits("and", a.as_bits(x), SIGN)
    size = a.intrinsic("fabs", x)
    twice = a.add(size, size)
    twice = a.select(a.compare("ogt", twice, ROUND_OF_TANH), ROUND_OF_TANH, twice)
    shifted, _, rest = _exp_parts(a, twice)
    exponent = a.on_bits("shl", a.as_bits(shifted), 52)
    power = a.as_number(a.on_bits("add", exponent, bits_of(1.0)))
    m = a.fma(power, rest, a.sub(power, 1.0))
    result = a.div(m, a.add(m, 2.0))
    return a.as_number(a.on_bits("or", a.as_bits(result), sign))


def log(a: Assembly, x: str) -> str:
    """The natural logarithm: -inf at 0, nan below it."""
    is_tiny = a.compare("olt", x, 2.2250738585072014e-308)
    bits = a.as_bits(a.select(is_tiny, a.mul(x, 2.0**54), x))
    moved = a.on_bits("add", bits, (1024 << 52) - bits_of(math.sqrt(0.5)))
    exponent = a.on_bits("lshr", moved, 52)
    bias = a.select(is_tiny, 2.0**52 + 1024 + 54, 2.0**52 + 1024)
    k = a.sub(a.as_number(a.on_bits("or", exponent, bits_of(2.0**52))), bias)
    fraction = a.on_bits("sub", bits, a.on_bits("shl", exponent, 52))
    f = a.sub(a.as_number(a.on_bits("add", fraction, 1024 << 52)), 1.0)
    s = a.div(f, a.add(f, 2.0))
    z = a.mul(s, s)
    half = a.mul(a.mul(f, 0.5), f)
    rest = a.fma(s, a.add(half, a.mul(z, a.polynomial(z, LOG))), a.mul(k, LOG2_LOW))
    result = a.sub(a.mul(k, LOG2_HIGH), a.sub(a.sub(half, rest), f))
    special = a.select(a.compare("oeq", x, 0.0), -math.inf, math.nan)
    result = a.select(a.compare("ogt", x, 0.0), result, special)
    return a.select(a.compare("oeq", x, math.inf), math.inf, result)


def _turned(a: Assembly, x: str, quarter: int) -> str:
    """sin(x + quarter*pi/2) for |x| up to FARTHEST."""
    shifted = a.fma(x, 2 / math.pi, MAGIC)
    n, turns = a.sub(shifted, MAGIC), a.as_bits(shifted)
    high = a.fma(n, -HALF_PI[0], x)
    part = a.mul(n, HALF_PI[1])
    slip = a.fma(n, HALF_PI[1], a.neg(part))
    r = a.sub(high, part)
    low = a.fma(n, -HALF_PI[2], a.sub(a.sub(a.sub(high, r), part), slip))
    z = a.mul(r, r)
    half = a.mul(z, 0.5)
    near = a.sub(1.0, half)
    sine = a.fma(low, near, a.mul(a.mul(z, r), a.polynomial(z, SIN)))
    cosine = a.fma(a.mul(z, z), a.polynomial(z, COS), a.sub(a.sub(1.0, near), half))
    cosine = a.fma(r, a.neg(low), cosine)
    turns = a.on_bits("add", turns, quarter)
    odd = a.on_bits("and", turns, 1)
    is_odd = a.new(f"icmp ne {a.whole} {odd}, {a.bits(0)}")
    value = a.select(is_odd, a.add(near, cosine), a.add(r, sine))
    sign = a.on_bits("shl", a.on_bits("and", turns, 2), 62)
    return a.as_number(a.on_bits("xor", a.as_bits(value), sign))


def sin(a: Assembly, x: str) -> str:
    """The sine."""
    return _turned(a, x, 0)


def cos(a: Assembly, x: str) -> str:
    """The cosine."""
    return _turned(a, x, 1)


MATHS: dict[str, Callable[[Assembly, str], str]] = {
    "exp": exp, "log": log, "tanh": tanh, "sin": sin, "cos": cos,
}  # fmt: skip
FAR: dict[str, float] = {"sin": FARTHEST, "cos": FARTHEST}  # beyond it the C library is called
