"""Elementwise gates at their sample points, each alone in a graph, and what they should give.

The oracles are written with mpmath, from the definitions; they share nothing with the table.
"""

from __future__ import annotations

import mpmath
import pytest

from gradcli.arithmetic.digits import digits
from gradcli.arithmetic.floats import FLOATS, IEEE
from gradcli.engine import Machine
from gradcli.gates.table import BUILT_IN
from gradcli.graph.nodes import Graph

MANY = digits(50)
mp = mpmath.mp.clone()
mp.dps = 60
HALF = mp.mpf(1) / 2


def erfc(x):
    """By the incomplete gamma function: 1 - erf(x) would cancel in the tail."""
    tail = mp.gammainc(HALF, x * x) / mp.sqrt(mp.pi)
    return tail if x > 0 else 2 - tail


def normal_cdf(x):
    return erfc(-x / mp.sqrt(2)) / 2


def log_abs_gamma(x):
    return mp.log(abs(mp.gamma(x)))


def polygamma(n, x):
    """By the Hurwitz zeta function; of order 0 the derivative of log gamma."""
    n = int(n)
    return (-1) ** (n + 1) * mp.factorial(n) * mp.zeta(n + 1, x) if n else mp.diff(mp.loggamma, x)


ORACLES = {
    "add": lambda x, y: x + y,
    "sub": lambda x, y: x - y,
    "mul": lambda x, y: x * y,
    "div": lambda x, y: x / y,
    "neg": lambda x: -x,
    "pow": mp.power,
    "reciprocal": lambda x: 1 / x,
    "copy": lambda x: +x,
    "exp": mp.exp,
    "expm1": lambda x: mp.exp(x) - 1,
    "exp2": lambda x: mp.exp(x * mp.log(2)),
    "exp10": lambda x: mp.mpf(10) ** x,
    "log": mp.log,
    "log1p": lambda x: mp.log(1 + x),
    "log2": lambda x: mp.log(x, 2),
    "log10": lambda x: mp.log(x, 10),
    "sqrt": mp.sqrt,
    "cbrt": lambda x: mp.sign(x) * abs(x) ** (mp.mpf(1) / 3),
    "square": lambda x: x * x,
    "abs": abs,
    "sign": mp.sign,
    "floor": mp.floor,
    "ceil": mp.ceil,
    "round": mp.nint,
    "step": lambda x: mp.mpf(x >= 0),
    "sin": lambda x: (mp.expj(x) - mp.expj(-x)).imag / 2,
    "cos": lambda x: (mp.expj(x) + mp.expj(-x)).real / 2,
    "tan": lambda x: mp.sin(x) / mp.cos(x),
    "cot": lambda x: mp.cos(x) / mp.sin(x),
    "sec": lambda x: 1 / mp.cos(x),
    "csc": lambda x: 1 / mp.sin(x),
    "sinc": lambda x: mp.sin(mp.pi * x) / (mp.pi * x),
    "asin": mp.asin,
    "acos": lambda x: mp.pi / 2 - mp.asin(x),
    "atan": mp.atan,
    "atan2": lambda y, x: mp.arg(mp.mpc(x, y)),
    "sinh": lambda x: (mp.exp(x) - mp.exp(-x)) / 2,
    "cosh": lambda x: (mp.exp(x) + mp.exp(-x)) / 2,
    "tanh": lambda x: mp.sinh(x) / mp.cosh(x),
    "asinh": lambda x: mp.sign(x) * mp.log(abs(x) + mp.sqrt(x * x + 1)),
    "acosh": lambda x: mp.log(x + mp.sqrt(x - 1) * mp.sqrt(x + 1)),
    "atanh": lambda x: mp.log((1 + x) / (1 - x)) / 2,
    "hypot": lambda *xs: mp.sqrt(sum(x * x for x in xs)),
    "max": max,
    "min": min,
    "logsumexp": lambda *xs: mp.log(sum(map(mp.exp, xs))),
    "where": lambda c, a, b: a if c else b,
    "xlogy": lambda x, y: x * mp.log(y),
    "clip": lambda x, low, high: min(max(x, low), high),
    "lt": lambda x, y: mp.mpf(x < y),
    "le": lambda x, y: mp.mpf(x <= y),
    "gt": lambda x, y: mp.mpf(x > y),
    "ge": lambda x, y: mp.mpf(x >= y),
    "eq": lambda x, y: mp.mpf(x == y),
    "ne": lambda x, y: mp.mpf(x != y),
    "sigmoid": lambda x: 1 / (1 + mp.exp(-x)),
    "relu": lambda x: (x + abs(x)) / 2,
    "leaky_relu": lambda x, slope: x if x > 0 else slope * x,
    "elu": lambda x, alpha: x if x > 0 else alpha * (mp.exp(x) - 1),
    "selu": lambda x: (
        mp.mpf(1.0507009873554805) * (x if x > 0 else mp.mpf(1.6732632423543772) * (mp.exp(x) - 1))
    ),
    "softsign": lambda x: x / (1 + abs(x)),
    "mish": lambda x: x * mp.tanh(mp.log(1 + mp.exp(x))),
    "hardtanh": lambda x: min(max(x, -1), 1) + mp.zero,
    "softplus": lambda x: mp.log1p(mp.exp(x)),
    "logsigmoid": lambda x: -mp.log1p(mp.exp(-x)),
    "silu": lambda x: x / (1 + mp.exp(-x)),
    "gelu": lambda x: x * normal_cdf(x),
    "huber": lambda x, d: x * x / 2 if abs(x) <= d else d * (abs(x) - d / 2),
    "logit": lambda x: mp.log(x / (1 - x)),
    "log1mexp": lambda x: mp.log(-mp.expm1(-x)),
    "erf": mp.erf,
    "erfc": erfc,
    "erfcx": lambda x: mp.exp(x * x) * mp.erfc(x),
    "erfinv": lambda x: mp.findroot(lambda y: mp.erf(y) - x, x),
    "normpdf": lambda x: mp.exp(-x * x / 2) / mp.sqrt(2 * mp.pi),
    "normcdf": normal_cdf,
    "lognormcdf": lambda x: mp.log1p(-normal_cdf(-x)) if x > 0 else mp.log(normal_cdf(x)),
    "gamma": mp.gamma,
    "lgamma": log_abs_gamma,
    "digamma": lambda x: mp.diff(log_abs_gamma, x),
    "polygamma": polygamma,
    "sinpi": lambda x: mp.sin(mp.pi * x),
    "cospi": lambda x: mp.cos(mp.pi * x),
    "scale": lambda g, local: g * local,
    "winner": lambda out, *xs: mp.mpf(xs.index(out)),
}

# Operands that choose a function and are no variables of one.
CHOICES = {"polygamma": (0,), "where": (0,), "winner": range(9)}


def points(row):
    return [tuple(map(float, sample.split(","))) for sample in row.samples.split(";")]


SAMPLES = [
    pytest.param(row, at, id=f"{row.name}-{at}")
    for row in BUILT_IN.elementwise
    for at in points(row)
]
ROWS = [pytest.param(row, id=row.name) for row in BUILT_IN.elementwise]


def alone(row, count):
    """A graph of one gate over `count` inputs, and the gate's node."""
    graph = Graph()
    return graph, graph.node(row, tuple(graph.input(f"x{k}") for k in range(count)))


def value_of(row, at, arithmetic=FLOATS):
    graph, node = alone(row, len(at))
    return Machine(graph, arithmetic).run([*map(arithmetic.number, at)]).values[node]


def pulled_back(row, at, upstream, arithmetic=FLOATS, active=None):
    """The contribution to the gradient of each operand."""
    count = len(at)
    out = value_of(row, at, IEEE if arithmetic is FLOATS else arithmetic)
    values = [*map(arithmetic.number, at), out]
    gradients = [arithmetic.zero] * (count + 1)
    pullback = arithmetic.pullback(row, active or (True,) * count)
    if pullback is not None:
        pullback(arithmetic.number(upstream), values, gradients, count, tuple(range(count)))
    assert gradients.pop() == 0, "a pullback adds to the operands only"
    return gradients


def partial(row, at, *operands):
    """A partial derivative of the oracle, by the operands named."""
    orders = tuple(operands.count(k) for k in range(len(at)))
    return mp.diff(ORACLES[row.name], tuple(map(mp.mpf, at)), orders)


def is_choice(row, operand):
    return operand in CHOICES.get(row.name, ())


def close(got, true, relative, absolute=0.0):
    return abs(mp.mpf(got) - true) <= max(relative * abs(true), absolute)
