"""The table of gates: one row per gate, in the tool's own language.

A row says everything there is to know about a gate; every arithmetic, the engine, the reports and
the tests read it from here. In its texts the operands go by the names of the second column, `out`
is the value the gate has just computed, and `;` separates helper lines from the result.

* `forward`: the value. Empty for a primitive, which every arithmetic supplies under that name.
* `local`: the local gradient of each operand in its numerically stable form. The engine multiplies
  it by the upstream gradient; "0" means that nothing ever flows to that operand.
* `textbook`: the local gradient as a lecture writes it, where that differs; of a gate that changes
  shape or mixes elements what each operand receives, with the upstream gradient as `g`.
* `expansion`: the gate in elementary gates, for `--expand`; read backwards for `--fuse`.
* `ulps`: the rounding error of the float64 gate, in units of 2**-53 of its value, where no part of
  it underflows; measured over the whole domain, zeros and poles included.
* `role`: what the gate does with the gradient it receives, for the reader.
* `domain`: holds where the gate is defined. `kink`: a text that is zero where the slope jumps;
  `jump`: zero where the value jumps. (`lead` and `trail` are how far the winner of max and min is
  ahead; they stand in `kink` only and are no gates.) At a kink the local gradient above is the stated convention.
* `radius`: how far each operand may move before a polynomial no longer follows the gate: the
  distance to a border or pole, or the length over which it bends; `|` separates operands and
  nothing means no limit. The numeric checker keeps its steps inside.
* `bounded`: the local gradients are finite for every finite operand, so that a symbolic product
  with them needs no guard.
* `samples`: operands inside the domain, on both sides of every kink, for the tests.
* `pullback`: of a gate that changes shape or mixes elements, in place of `local`: what each
  operand receives, as a text in terms of the upstream gradient `g`. Operands such as `axis`,
  `shape` and `at` are not numbers but constants that hold a tuple; texts make them with the
  functions of `gradcli.gates.shapes`.
* `shape`: the rule that makes the shape of the result from those of the operands, or refuses them;
  elementwise gates broadcast.
* `table`: the table the row stands in. The gates that its texts call are looked up there.

A gate of any number of operands has the single operand `*xs`; its one local gradient is that of
operand number `k`, which goes by `x`, while `xs` is all of them, spread out in a call; its helper lines are common to
all operands. Texts use gates of this table only, so the table is closed
under differentiation. Formulas are those of any calculus book; the stable forms of tanh, sigmoid
and relatives follow from writing them in e = exp(-|x|), which cannot overflow.
"""

from gradcli.gates.matrix_rows import MATRIX_ROWS
from gradcli.gates.row import BUILT_IN, array_gate, gate
from gradcli.gates.shapes import (
    concatenated,
    given,
    index,
    linspace,
    matmul,
    of_first,
    of_second,
    outer,
    permuted,
    product,
    put,
    reduced,
    reshaped,
    some,
    stacked,
    taken,
    trace,
)

__all__ = ["BUILT_IN", "CONSTANTS"]

TWO = "2, 3; -1.5, 0.5; 0.3, -2"
POSITIVE = "0.3; 1.7; 40"
INSIDE = "0.3; -0.8; 0.05"

# fmt: off
BUILT_IN.fill((
# Arithmetic      operands  forward        local gradients
gate("add",        "x, y",  "x + y",       "1", "1",
     ulps=1, role="distributes", bounded=True, samples=TWO),
gate("sub",        "x, y",  "x - y",       "1", "-1",
     ulps=1, role="distributes", bounded=True, samples=TWO),
gate("mul",        "x, y",  "x * y",       "y", "x",
     ulps=1, role="switches", samples=TWO),
gate("div",        "x, y",  "x / y",       "1 / y", "-out / y",
     textbook=("1 / y", "-x / y**2"), ulps=1, domain="y != 0", samples=TWO,
     radius="inf | abs(y) / 2"),
gate("neg",        "x",     "-x",          "-1",
     ulps=0, bounded=True),
gate("pow",        "x, y",  "",            "where(y == 0, 0, y * pow(x, y - 1))",
                                           "where(x == 0, where(y == 0, -inf, 0), out * log(x))",
     textbook=("y * x**(y - 1)", "x**y * log(x)"),
     domain="where(x < 0, y == round(y), where(x == 0, y >= 0, 1))",
     samples="2, 3; 1.7, -0.5; 0.4, 2.5", aliases="power",
     radius="where(max(y < 0, y != round(y), y > 12), abs(x) / max(2, abs(y) / 3), inf) | "
            "where(x < 0, 0, where(x == 1, inf, 3 / abs(log(x))))"),
gate("reciprocal", "x",     "1 / x",       "-out * out",
     textbook=("-1 / x**2",), expansion="1 / x", ulps=1, domain="x != 0",
     radius="abs(x) / 2"),
gate("copy",       "x",     "x",           "1",
     ulps=0, role="distributes", bounded=True),

# Elementary
gate("exp",        "x",     "",            "out",
     textbook=("exp(x)",),
     radius="3"),
gate("expm1",      "x",     "",            "exp(x)",
     radius="3"),
gate("exp2",       "x",     "",            "out * log(2)",
     textbook=("2**x * log(2)",),
     radius="3"),
gate("exp10",      "x",     "pow(10, x)",  "out * log(10)",
     textbook=("10**x * log(10)",),
     radius="1"),
gate("log",        "x",     "",            "1 / x",
     domain="x > 0", samples=POSITIVE, aliases="ln",
     radius="x / 2"),
gate("log1p",      "x",     "",            "1 / (1 + x)",
     domain="x > -1", samples="0.3; -0.6; 9",
     radius="(1 + x) / 2"),
gate("log2",       "x",     "",            "1 / (x * log(2))",
     domain="x > 0", samples=POSITIVE,
     radius="x / 2"),
gate("log10",      "x",     "",            "1 / (x * log(10))",
     domain="x > 0", samples=POSITIVE,
     radius="x / 2"),
gate("sqrt",       "x",     "",            "0.5 / out",
     textbook=("1 / (2*sqrt(x))",), ulps=1, domain="x >= 0", samples=POSITIVE,
     radius="x / 2"),
gate("cbrt",       "x",     "",            "1 / (3 * out * out)",
     textbook=("1 / (3*cbrt(x)**2)",), ulps=8,
     radius="abs(x) / 2"),
gate("square",     "x",     "x * x",       "2 * x",
     expansion="x**2", ulps=1),
gate("abs",        "x",     "",            "sign(x)",
     ulps=0, kink="x", bounded=True),
gate("sign",       "x",     "where(x == 0, 0, where(x > 0, 1, where(x < 0, -1, x)))", "0",
     ulps=0, jump="x", bounded=True),
gate("floor",      "x",     "",            "0",
     ulps=0, jump="abs(x - round(x))", bounded=True),
gate("ceil",       "x",     "",            "0",
     ulps=0, jump="abs(x - round(x))", bounded=True),
gate("round",      "x",     "",            "0",
     ulps=0, jump="abs(x - round(x)) - 0.5", bounded=True, samples="0.7; -1.3; 2.6"),
gate("step",       "x",     "where(x < 0, 0, where(x >= 0, 1, x))", "0",
     ulps=0, jump="x", bounded=True, aliases="heaviside"),

# Trigonometric and hyperbolic
gate("sin",        "x",     "",            "cos(x)",
     bounded=True,
     radius="3"),
gate("cos",        "x",     "",            "-sin(x)",
     bounded=True,
     radius="3"),
gate("tan",        "x",     "",            "1 + out * out",
     textbook=("1 + tan(x)**2",),
     radius="1"),
gate("cot",        "x",     "1 / tan(x)",  "-(1 + out * out)",
     textbook=("-1 / sin(x)**2",), ulps=6, domain="x != 0",
     radius="abs(sin(x)) / 2"),
gate("sec",        "x",     "1 / cos(x)",  "out * tan(x)",
     textbook=("sin(x) / cos(x)**2",), ulps=6,
     radius="abs(cos(x)) / 2"),
gate("csc",        "x",     "1 / sin(x)",  "-out / tan(x)",
     textbook=("-cos(x) / sin(x)**2",), ulps=6, domain="x != 0",
     radius="abs(sin(x)) / 2"),
gate("sinc",       "x",     "where(x == 0, 1, sinpi(x) / (acos(-1) * x))",
                            "where(x == 0, 0, (cospi(x) - out) / x)",
     textbook=("(cos(pi*x) - sinc(x)) / x",), ulps=8, bounded=True, samples="0.7; -1.3; 1.6",
     radius="1"),
gate("asin",       "x",     "",            "1 / sqrt((1 - x) * (1 + x))",
     textbook=("1 / sqrt(1 - x**2)",), domain="abs(x) <= 1", samples=INSIDE, aliases="arcsin",
     radius="(1 - abs(x)) / 2"),
gate("acos",       "x",     "",            "-1 / sqrt((1 - x) * (1 + x))",
     textbook=("-1 / sqrt(1 - x**2)",), domain="abs(x) <= 1", samples=INSIDE, aliases="arccos",
     radius="(1 - abs(x)) / 2"),
gate("atan",       "x",     "",            "1 / (1 + x * x)",
     textbook=("1 / (1 + x**2)",), bounded=True, aliases="arctan",
     radius="hypot(1, x) / 2"),
gate("atan2",      "y, x",  "",            "r = hypot(x, y); x / r / r", "r = hypot(x, y); -y / r / r",
     textbook=("x / (x**2 + y**2)", "-y / (x**2 + y**2)"), samples=TWO, aliases="arctan2",
     radius="where(x < 0, min(abs(y), hypot(x, y) / 2), hypot(x, y) / 2) | hypot(x, y) / 2"),
gate("sinh",       "x",     "",            "cosh(x)",
     radius="3"),
gate("cosh",       "x",     "",            "sinh(x)",
     radius="3"),
gate("tanh",       "x",     "",            "e = exp(-2 * abs(x)); 4 * e / square(1 + e)",
     textbook=("1 - tanh(x)**2",), bounded=True, samples="0.7; -3; 12",
     radius="3"),
gate("asinh",      "x",     "",            "1 / hypot(1, x)",
     textbook=("1 / sqrt(1 + x**2)",), bounded=True, aliases="arcsinh",
     radius="hypot(1, x) / 2"),
gate("acosh",      "x",     "",            "1 / (sqrt(x - 1) * sqrt(x + 1))",
     textbook=("1 / sqrt(x**2 - 1)",), domain="x >= 1", samples="1.2; 3; 50", aliases="arccosh",
     radius="(x - 1) / 2"),
gate("atanh",      "x",     "",            "1 / ((1 - x) * (1 + x))",
     textbook=("1 / (1 - x**2)",), domain="abs(x) < 1", samples=INSIDE, aliases="arctanh",
     radius="(1 - abs(x)) / 2"),

# Of several operands
gate("hypot",      "*xs",   "",            "where(out == 0, 0, x / out)",
     textbook=("x / hypot(x, y)",), kink="out", bounded=True, samples="3, 4; -1.5, 0.5; 1, 2, -2",
     radius="out / 2"),
gate("max",        "*xs",   "",            "w = winner(out, xs); where(k == w, 1, 0)",
     textbook=("1 if x wins else 0",), ulps=0, role="routes", kink="lead(xs)", bounded=True,
     samples="2, 3; 3, 2; -1, -4, 2; 5, 1, 2", aliases="maximum"),
gate("min",        "*xs",   "",            "w = winner(out, xs); where(k == w, 1, 0)",
     textbook=("1 if x wins else 0",), ulps=0, role="routes", kink="trail(xs)", bounded=True,
     samples="2, 3; 3, 2; -1, -4, 2; 1, 5, 2", aliases="minimum"),
gate("logsumexp",  "*xs",   "",            "exp(x - out)",
     textbook=("exp(x) / (exp(x) + exp(y))",), ulps=8, bounded=True,
     samples="2, 3; 3, -2; 0.5, 1, -700",
     radius="3"),
gate("where",      "c, a, b", "",          "0", "where(c, 1, 0)", "where(c, 0, 1)",
     textbook=("0", "1 if c else 0", "0 if c else 1"), ulps=0, role="routes", bounded=True,
     samples="1, 2, 3; 0, 2, 3"),

gate("xlogy",      "x, y",  "where(x == 0, where(y < 0, nan, 0), x * log(y))",
                            "log(y)", "where(hypot(x, y) == 0, 0, x / y)",
     textbook=("log(y)", "x / y"), ulps=6, domain="where(x == 0, y >= 0, y > 0)",
     samples="2, 3; -1.5, 0.5; 0, 0.7", radius="inf | y / 2"),
gate("clip",       "x, low, high", "min(max(x, low), high)",
                            "where(x > low, where(x < high, 1, 0), 0)",
                            "where(x <= low, where(low < high, 1, 0), 0)",
                            "where(max(x, low) >= high, 1, 0)",
     textbook=("(low < x) * (x < high)", "1 if x <= low else 0", "1 if x >= high else 0"),
     ulps=0, role="routes", kink="min(x - low, high - x)", bounded=True,
     samples="0.7, -1, 1; -1.3, -1, 1; 2.5, -1, 1"),

# Comparisons, which give 1 or 0
gate("lt",         "x, y",  "where(x < y, 1, 0)",  "0", "0", ulps=0, jump="x - y", samples=TWO),
gate("le",         "x, y",  "where(x <= y, 1, 0)", "0", "0", ulps=0, jump="x - y", samples=TWO),
gate("gt",         "x, y",  "where(x > y, 1, 0)",  "0", "0", ulps=0, jump="x - y", samples=TWO),
gate("ge",         "x, y",  "where(x >= y, 1, 0)", "0", "0", ulps=0, jump="x - y", samples=TWO),
gate("eq",         "x, y",  "where(x == y, 1, 0)", "0", "0", ulps=0, jump="x - y", samples=TWO),
gate("ne",         "x, y",  "where(x != y, 1, 0)", "0", "0", ulps=0, jump="x - y", samples=TWO),

# Machine learning
gate("sigmoid",    "x",     "e = exp(-abs(x)); where(x >= 0, 1, e) / (1 + e)",
                            "e = exp(-abs(x)); e / square(1 + e)",
     textbook=("(1 - out) * out",), expansion="1 / (1 + exp(-x))", ulps=8, bounded=True,
     samples="0.7; -3; 20", aliases="expit σ",
     radius="3"),
gate("relu",       "x",     "where(x <= 0, 0, x)", "where(x <= 0, 0, 1)",
     textbook=("1 if x > 0 else 0",), expansion="max(x, 0)", ulps=0, role="routes", kink="x",
     bounded=True),
gate("leaky_relu", "x, slope", "where(x <= 0, slope * x, x)",
                            "where(x <= 0, slope, 1)", "where(x <= 0, x, 0)",
     textbook=("1 if x > 0 else slope", "0 if x > 0 else x"), ulps=1, kink="x", bounded=True,
     samples="0.7, 0.1; -1.3, 0.2", defaults=(0.01,)),
gate("elu",        "x, alpha", "where(x <= 0, alpha * expm1(min(x, 0)), x)",
                            "where(x <= 0, alpha * exp(min(x, 0)), 1)", "expm1(min(x, 0))",
     textbook=("1 if x > 0 else alpha*exp(x)", "0 if x > 0 else exp(x) - 1"), ulps=6,
     kink="x", bounded=True, samples="0.7, 1; -1.3, 0.5; -3, 1",
     defaults=(1.0,)),
gate("selu",       "x",     "1.0507009873554805 * elu(x, 1.6732632423543772)",
                            "1.0507009873554805 * where(x <= 0, 1.6732632423543772 * exp(min(x, 0)), 1)",
     textbook=("1.0507009873554805 if x > 0 else 1.7580993408473768*exp(x)",), ulps=8, kink="x", bounded=True),
gate("softsign",   "x",     "x / (1 + abs(x))", "1 / square(1 + abs(x))",
     textbook=("1 / (1 + abs(x))**2",), expansion="x / (1 + abs(x))", ulps=3, bounded=True),
gate("mish",       "x",     "x * tanh(softplus(x))",
                            "s = softplus(x); e = exp(-2 * s); "
                            "tanh(s) + x * sigmoid(x) * (4 * e / square(1 + e))",
     textbook=("t + x*sigmoid(x)*(1 - t**2), t = tanh(softplus(x))",),
     expansion="x * tanh(log(1 + exp(x)))", ulps=16, bounded=True,
     radius="2"),
gate("hardtanh",   "x",     "clip(x, -1, 1)", "where(abs(x) < 1, 1, 0)",
     textbook=("1 if abs(x) < 1 else 0",), expansion="min(max(x, -1), 1)", ulps=0, role="routes",
     kink="abs(x) - 1", bounded=True),
gate("softplus",   "x",     "where(x <= 0, 0, x) + log1p(exp(-abs(x)))", "sigmoid(x)",
     textbook=("1 / (1 + exp(-x))",), expansion="log(1 + exp(x))", ulps=8, bounded=True,
     samples="0.7; -3; 20",
     radius="3"),
gate("logsigmoid", "x",     "where(x <= 0, x, 0) - log1p(exp(-abs(x)))", "sigmoid(-x)",
     textbook=("1 / (1 + exp(x))",), expansion="-log(1 + exp(-x))", ulps=8, bounded=True,
     samples="0.7; -3; 20",
     radius="3"),
gate("silu",       "x",     "x * sigmoid(x)", "sigmoid(x) * (1 + x * sigmoid(-x))",
     textbook=("s + x*s*(1 - s), s = sigmoid(x)",), expansion="x / (1 + exp(-x))", ulps=10,
     bounded=True, aliases="swish",
     radius="3"),
gate("gelu",       "x",     "x * normcdf(x)",
                            "normcdf(x) + x * normpdf(x)",
     textbook=("Phi(x) + x*phi(x)",), expansion="0.5 * x * (1 + erf(x / sqrt(2)))", ulps=16,
     bounded=True,
     radius="2"),
gate("huber",      "x, delta", "m = min(abs(x), delta); m * (abs(x) - 0.5 * m)",
                            "where(delta < 0, delta * sign(x), max(min(x, delta), -delta))",
                            "max(0, abs(x) - delta)",
     textbook=("x if |x| <= delta else delta*sign(x)", "0 if |x| <= delta else |x| - delta"),
     ulps=4, samples="0.7, 1; -1.3, 1; 2.5, 0.5", defaults=(1.0,)),

gate("logit",      "x",     "where(abs(x - 0.5) < 0.25, 2 * atanh(2 * x - 1), log(x) - log1p(-x))",
                            "1 / (x * (1 - x))",
     textbook=("1 / (x*(1 - x))",), expansion="log(x / (1 - x))", ulps=12,
     domain="min(x, 1 - x) > 0", samples="0.3; 0.8; 0.05", radius="min(x, 1 - x) / 2"),
gate("log1mexp",   "x",     "where(x < log(2), log(-expm1(-x)), log1p(-exp(-x)))", "1 / expm1(x)",
     textbook=("1 / (exp(x) - 1)",), expansion="log(1 - exp(-x))", ulps=12, domain="x > 0",
     samples="0.3; 0.6; 1.7; 6", radius="min(x / 2, 3)"),

# Special functions
gate("erf",        "x",     "",            "2 * exp(-x * x) / sqrt(acos(-1))",
     textbook=("2*exp(-x**2) / sqrt(pi)",), bounded=True,
     radius="2"),
gate("erfc",       "x",     "",            "-2 * exp(-x * x) / sqrt(acos(-1))",
     textbook=("-2*exp(-x**2) / sqrt(pi)",), bounded=True,
     radius="2"),
gate("erfcx",      "x",     "",            "2 * (x * out - 1 / sqrt(acos(-1)))",
     textbook=("2*x*erfcx(x) - 2/sqrt(pi)",), ulps=8,
     radius="1"),
gate("erfinv",     "x",     "",            "0.5 * sqrt(acos(-1)) * exp(square(out))",
     textbook=("sqrt(pi)/2 * exp(erfinv(x)**2)",), ulps=2, domain="abs(x) < 1", samples=INSIDE,
     radius="(1 - abs(x)) / 2"),
gate("normpdf",    "x",     "a = min(abs(x), 100); b = round(16 * a) / 16; "
                            "exp(-0.5 * where(abs(x) < 100, b * b, x * x)) "
                            "* exp(0.5 * (b - a) * (b + a)) / sqrt(2 * acos(-1))",
                            "-x * out",
     textbook=("-x*exp(-x**2/2) / sqrt(2*pi)",), expansion="exp(-0.5 * x**2) / sqrt(2 * acos(-1))",
     ulps=16, bounded=True, aliases="npdf",
     radius="2"),
gate("normcdf",    "x",     "",            "normpdf(x)",
     textbook=("exp(-x**2/2) / sqrt(2*pi)",), ulps=16, bounded=True, aliases="ncdf ndtr",
     radius="2"),
gate("lognormcdf", "x",     "a = min(x, 0) / sqrt(2); "
                            "where(x < -1, log(0.5 * erfcx(-a)) - a * a, log1p(-normcdf(-x)))",
                            "where(x < 0, sqrt(2 / acos(-1)) / erfcx(-min(x, 0) / sqrt(2)), "
                            "normpdf(x) / normcdf(x))",
     textbook=("normpdf(x) / normcdf(x)",), expansion="log(normcdf(x))", ulps=16,
     aliases="normlogcdf log_ndtr", radius="2"),
gate("gamma",      "x",     "",            "out * digamma(x)",
     textbook=("gamma(x) * digamma(x)",), ulps=16, domain="where(x <= 0, x != floor(x), 1)",
     samples="0.7; -1.3; 5.5",
     radius="where(x > 0.5, x / 2, abs(x - round(x)) / 4)"),
gate("lgamma",     "x",     "",            "digamma(x)",
     ulps=2, domain="where(x <= 0, x != floor(x), 1)", samples="0.7; -1.3; 5.5",
     radius="where(x > 0.5, x / 2, abs(x - round(x)) / 4)"),
gate("digamma",    "x",     "",            "polygamma(1, x)",
     domain="where(x <= 0, x != floor(x), 1)", samples="0.7; -1.3; 5.5",
     radius="where(x > 0.5, x / 2, abs(x - round(x)) / 4)"),
gate("polygamma",  "n, x",  "",            "0", "polygamma(n + 1, x)",
     domain="where(x <= 0, x != floor(x), 1)", samples="1, 0.7; 2, 5.5; 0, 1.5",
     radius="inf | where(x > 0.5, x / 2, abs(x - round(x)) / 4)"),

# Arrays          operands   shape of the result            forward, pullbacks
array_gate("sum", "x, axis", reduced, "",                   "spread(g, shape(x), axis)", "0",
           textbook=("g for each element that was added", "0"), role="distributes"),
array_gate("prod", "x, axis", reduced, "",
           "scale(spread(g, shape(x), axis), others(x, axis))", "0",
           textbook=("g * out / x", "0"), role="switches"),
array_gate("mean", "x, axis", some(reduced, "mean"),        "sum(x, axis) / count(x, axis)",
           "spread(g / count(x, axis), shape(x), axis)", "0",
           textbook=("g / n for each of the n elements", "0")),
array_gate("var", "x, axis", some(reduced, "variance"),
           "mean(square(x - mean(x, kept(axis))), axis)",
           "c = x - mean(x, kept(axis)); "  # the mean of c is what rounding has left of the mean
           "spread(2 * g / count(x, axis), shape(x), axis) * (c - mean(c, kept(axis)))", "0",
           textbook=("g * 2 * (x - mean(x)) / n", "0")),
array_gate("std", "x, axis", some(reduced, "deviation"),
           "c = x - mean(x, kept(axis)); "
           "norm(c - mean(c, kept(axis)), axis) / sqrt(count(x, axis))",
           "c = x - mean(x, kept(axis)); d = spread(out, shape(x), axis); "
           "scale(spread(g / count(x, axis), shape(x), axis), "
           "where(d == 0, 0, (c - mean(c, kept(axis))) / d))", "0",
           textbook=("g * (x - mean(x)) / (n * out)", "0"), kink="out"),
array_gate("amax", "x, axis", some(reduced, "maximum"), "",
           "where(first(x, spread(out, shape(x), axis), axis), spread(g, shape(x), axis), 0)", "0",
           textbook=("g for the first that is the largest", "0"), ulps=0, role="routes"),
array_gate("amin", "x, axis", some(reduced, "minimum"), "",
           "where(first(x, spread(out, shape(x), axis), axis), spread(g, shape(x), axis), 0)", "0",
           textbook=("g for the first that is the smallest", "0"), ulps=0, role="routes"),
array_gate("norm", "x, axis", reduced, "",
           "d = spread(out, shape(x), axis); "
           "scale(spread(g, shape(x), axis), where(d == 0, 0, x / d))", "0",
           textbook=("g * x / out", "0"), kink="out"),
array_gate("softmax", "x, axis", some(of_first, "softmax"),
           "e = exp(x - amax(x, kept(axis))); e / sum(e, kept(axis))",
           "out * (g - sum(out * g, kept(axis)))", "0",
           textbook=("out * (g - sum(out * g))", "0"), ulps=16),
array_gate("lse", "x, axis", some(reduced, "logsumexp"), "",
           "scale(spread(g, shape(x), axis), softmax(x, axis))", "0", ulps=16, hidden=True),
array_gate("matmul", "x, y", matmul, "",
           "b = reshape(y, column(y)); reshape(sum_to(mix(reshape(g, promoted(x, y)), "
           "transpose(b, swapped(b))), row(x)), shape(x))",
           "a = reshape(x, row(x)); reshape(sum_to(transpose(mix("
           "transpose(reshape(g, promoted(x, y)), swapped(promoted(x, y))), a), "
           "swapped(promoted(x, y))), column(y)), shape(y))",
           textbook=("g @ y.T", "x.T @ g"), role="switches", aliases="dot"),
array_gate("outer", "x, y", outer,                          "reshape(x, upright(x)) * reshape(y, flat(y))",
           "reshape(mix(g, reshape(y, upright(y))), shape(x))",
           "reshape(mix(transpose(g, swapped(g)), reshape(x, upright(x))), shape(y))",
           textbook=("g @ y", "g.T @ x"), ulps=1, role="switches"),
array_gate("transpose", "x, axes",    permuted,     "",     "transpose(g, inverse(axes))", "0",
           textbook=("g.T", "0"), ulps=0),
array_gate("reshape",   "x, shape",   reshaped,     "",     "reshape(g, shape(x))", "0",
           textbook=("reshape(g, x.shape)", "0"), ulps=0),
array_gate("index",     "x, at",      index,        "",     "scatter(g, shape(x), at)", "0", ulps=0, hidden=True),
array_gate("list",      "*xs",        stacked,      "",     "index(g, nth(k))", ulps=0, hidden=True),
array_gate("concatenate", "*xs",      concatenated, "",     "index(g, extent(k, xs))",
           textbook=("its part of g",), ulps=0),
array_gate("trace",     "x",          trace,        "",     "fill(g, shape(x)) * eye(shape(x))",
           textbook=("g * eye(n)",)),
array_gate("linspace", "start, stop, size", linspace,
           "put(start + (stop - start) * ramp(size), stop, end(size))",
           "sum_to(g * (1 - ramp(size)), shape(start))", "sum_to(g * ramp(size), shape(stop))", "0",
           textbook=("sum(g * (1 - t))", "sum(g * t)", "0")),
array_gate("randn",     "shape, seed", of_first,    "",     "0", "0", ulps=0),

*MATRIX_ROWS,

# Helpers of the texts
array_gate("spread",    "x, shape, axis", of_second, "",    "reshape(sum(g, axis), shape(x))", "0", "0",
           ulps=0, hidden=True),  # undoes a reduction
array_gate("fill",      "x, shape",   of_second,    "",     "sum_to(g, shape(x))", "0", ulps=0, hidden=True),
array_gate("sum_to",    "x, shape",   of_second,    "",     "fill(g, shape(x))", "0", hidden=True),  # undoes fill
array_gate("scatter",   "x, shape, at", of_second,  "",     "index(g, at)", "0", "0", ulps=0, hidden=True),
array_gate("put",       "x, v, at",   put,          "",     "g - scatter(index(g, at), shape(g), at)",
                                                            "index(g, at)", "0", ulps=0, hidden=True),
array_gate("take",      "x, at",      taken,        "",     "give(g, shape(x), at)", "0", ulps=0, hidden=True),
array_gate("give",      "x, shape, at", given,      "",     "take(g, at)", "0", "0", hidden=True),  # undoes take
array_gate("mix",       "x, y",       product,      "",     # a product whose zeros of x are stronger than inf
           "sum_to(mix(g, transpose(y, swapped(y))), shape(x))",
           "sum_to(mix(transpose(x, swapped(x)), g), shape(y))", hidden=True),
array_gate("others",    "x, axis",    of_first,     "",     # for each factor of a product, that of all others
           "order = to_end(x, axis); rows = reshape(transpose(x, order), grouped(x, axis)); "
           "own = eye(paired(rows)); without = where(own, 1, rows); "
           "pairs = where(own, 0, others(without, last(without))); "
           "received = mix(reshape(transpose(g, order), grouped(x, axis)), pairs); "
           "transpose(reshape(received, permuted(x, order)), inverse(order))", "0", hidden=True),
array_gate("first",     "x, best, axis", of_first,  "",     "0", "0", "0", ulps=0, hidden=True),
array_gate("eye",       "shape",      of_first,     "",     "0", ulps=0, hidden=True),
array_gate("ramp",      "shape",      of_first,     "",     "0", ulps=1, hidden=True),  # 0, 1/(n-1), ..., 1
gate("sinpi",       "x",    "",            "acos(-1) * cospi(x)",
     ulps=3, bounded=True, samples="0.7; -1.3; 2.4", radius="1", hidden=True),
gate("cospi",       "x",    "",            "-acos(-1) * sinpi(x)",
     ulps=3, bounded=True, samples="0.7; -1.3; 2.4", radius="1", hidden=True),
gate("scale",       "g, local",  "",       "local", "g",
     ulps=1, role="switches", samples=TWO, hidden=True),
gate("winner",      "*xs",  "",            "0",
     ulps=0, bounded=True, samples="3, 3, 2; 3, 2, 3", hidden=True),
))
# fmt: on

CONSTANTS = {  # the nearest doubles, in every arithmetic
    "pi": 3.141592653589793,
    "π": 3.141592653589793,
    "tau": 6.283185307179586,
    "e": 2.718281828459045,
}
