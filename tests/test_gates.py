"""Every row of the gate table: value, local gradients, second derivatives, domain, kinks.

The oracles are written here with mpmath, from the definitions; they share nothing with the table.
"""

from __future__ import annotations

import itertools
import math
from random import Random

import mpmath
import pytest

from gradcli.arithmetic.digits import digits
from gradcli.arithmetic.floats import FLOATS, IEEE
from gradcli.engine import Machine, backward
from gradcli.errors import GradcliError
from gradcli.gates.table import BUILT_IN, CONSTANTS
from gradcli.graph.nodes import Graph
from gradcli.program.reader import read
from gradcli.requests import Request
from gradcli.syntax import statements
from gradcli.syntax.tokens import Source
from gradcli.transform.adjoint import adjoint
from gradcli.transform.fuse import fused_program

U = 2.0**-53
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

# Textbook forms for people, which are no expressions of the language.
WORDS = {"silu", "gelu", "mish", "huber", "max", "min"}


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


# ---------------------------------------------------------------- the rows


def test_every_row_has_an_oracle():
    assert list(ORACLES) == [row.name for row in BUILT_IN.elementwise]


@pytest.mark.parametrize(("row", "at"), SAMPLES)
def test_value_in_floats_is_within_the_stated_ulps(row, at):
    true = ORACLES[row.name](*map(mp.mpf, at))
    assert close(value_of(row, at), true, row.ulps * U)


@pytest.mark.parametrize(("row", "at"), SAMPLES)
def test_value_in_many_digits(row, at):
    assert close(value_of(row, at, MANY), ORACLES[row.name](*map(mp.mpf, at)), 1e-45)


# Where formulas lose digits: near roots, poles and borders, and far out in tails.
HARD = {
    "log": (1 + 1e-9, 1 - 1e-9),
    "log1p": (1e-9, -1e-30, -1 + 1e-9),
    "log2": (1 + 1e-9,),
    "log10": (1 - 1e-9,),
    "expm1": (1e-9, -1e-9, -40.0),
    "sin": (math.pi, 1e8, 1e-9),
    "cos": (math.pi / 2, 1e8),
    "tan": (math.pi, math.pi / 2, 1e8),
    "acosh": (1 + 1e-9,),
    "atanh": (1 - 1e-9, 1e-9),
    "asinh": (1e-9, -1e9),
    "sinh": (1e-9,),
    "acos": (1 - 1e-9,),
    "sigmoid": (-700.0, 37.0),
    "softplus": (-700.0, 1e-9),
    "logsigmoid": (700.0,),
    "silu": (-700.0, 1e-9),
    "gelu": (-20.0, -5.0, 1e-9),
    "erf": (1e-9, 5.0),
    "erfc": (5.0, 20.0),
    "gamma": (170.0, 1e-9, -10.5),
    "lgamma": (1 + 1e-6, 2 - 1e-6, -2.747, 1e6),
    "digamma": (1.4616, -0.504, 1e6),
}
HARD_PAIRS = {
    "logsumexp": ((-0.7, -0.686), (-1.6251372092883227, -0.22105898627932977), (-40.0, 1e-9)),
    "hypot": ((1e200, 1e200), (1e-200, 1e-200)),
    "pow": ((1 + 1e-9, 1e9), (0.1, 250.0), (1e-9, 0.1)),
    "atan2": ((1e-9, -1.0), (1.0, 1e-9)),
}


@pytest.mark.parametrize(
    ("row", "at"),
    [pytest.param(BUILT_IN[name], (x,), id=f"{name}-{x!r}") for name in HARD for x in HARD[name]]
    + [
        pytest.param(BUILT_IN[name], at, id=f"{name}-{at}")
        for name in HARD_PAIRS
        for at in HARD_PAIRS[name]
    ],
)
def test_value_is_within_the_stated_ulps_at_hard_points(row, at):
    """The bounds of `engine.bounds`, and with them every certified digit, rest on this column."""
    true = ORACLES[row.name](*map(mp.mpf, at))
    assert abs(value_of(row, at) - true) / abs(true) / U <= row.ulps


@pytest.mark.parametrize("row", ROWS)
def test_value_is_within_the_stated_ulps_away_from_the_samples(row):
    rng = Random(row.name)
    tried = 0
    for _ in range(60):
        at = [x * 2 ** rng.uniform(-3, 3) * rng.choice((1, -1)) for x in rng.choice(points(row))]
        if row.name == "polygamma":
            at[0] = 1.0
        if row.name == "winner":
            at[0] = at[1]
        try:
            true = ORACLES[row.name](*map(mp.mpf, at))
        except (ValueError, ZeroDivisionError):  # a pole
            continue
        if isinstance(true, mp.mpc) or not mp.isfinite(true):
            continue
        tried += 1
        error = abs(value_of(row, at) - true)
        assert error <= row.ulps * U * abs(true), f"{row.name}{tuple(at)}"
    assert tried >= 15


@pytest.mark.parametrize("upstream", [1.0, -1.7])
@pytest.mark.parametrize(("row", "at"), SAMPLES)
def test_local_gradients_times_upstream(row, at, upstream):
    """Within 64 units: a handful of gates of 4 units each, at points where nothing cancels."""
    gradients = pulled_back(row, at, upstream)
    for operand, got in enumerate(gradients):
        true = 0 if is_choice(row, operand) else upstream * partial(row, at, operand)
        assert close(got, true, 64 * U, 1e-50)


@pytest.mark.parametrize(("row", "at"), SAMPLES)
def test_local_gradients_in_many_digits(row, at):
    for operand, got in enumerate(pulled_back(row, at, -1.7, MANY)):
        true = 0 if is_choice(row, operand) else mp.mpf(-1.7) * partial(row, at, operand)
        assert close(got, true, 1e-40, 1e-40)


@pytest.mark.parametrize(("row", "at"), SAMPLES)
def test_an_operand_that_wants_no_gradient_gets_none(row, at):
    whole = pulled_back(row, at, -1.7)
    for active in itertools.product((True, False), repeat=len(at)):
        wanted = [got if wants else 0.0 for got, wants in zip(whole, active, strict=True)]
        assert pulled_back(row, at, -1.7, active=active) == wanted


@pytest.mark.parametrize(("row", "at"), SAMPLES)
def test_second_derivatives_by_differentiating_the_adjoint(row, at):
    graph, node = alone(row, len(at))
    first = adjoint(graph, node)
    inputs = [*map(MANY.number, at)]
    for i, gradient in enumerate(first.gradients.values()):
        second = adjoint(first.graph, gradient)
        values = Machine(second.graph, MANY).run(inputs).values
        for j, curvature in enumerate(second.gradients.values()):
            if not is_choice(row, i) and not is_choice(row, j):
                assert close(values[curvature], partial(row, at, i, j), 1e-35, 1e-35)


# ---------------------------------------------------------------- the texts


def texts(row):
    """(text, names it may mention besides the operands) of a row."""
    locals_ = {"out", "x", "k", "xs"} if row.is_variadic else {"out"}
    yield from ((text, locals_) for text in row.local)
    yield from ((text, {"out", "xs"}) for text in (row.kink, row.jump, *row.radius) if text)
    yield from ((text, set()) for text in (row.forward, row.domain, row.expansion) if text)


@pytest.mark.parametrize("row", ROWS)
def test_texts_use_gates_of_the_table_and_names_of_the_row(row):
    """So the table is closed under differentiation."""
    for text, extra in texts(row):
        helpers = set()
        for statement in statements(Source(text)):
            for op, arg in zip(statement.tree.ops, statement.tree.args, strict=True):
                if op == "name":
                    assert arg in {*row.operands, *extra, *helpers}, text
                elif op == "call":
                    measures = ("lead", "trail") if text == row.kink else ()
                    assert arg.name in BUILT_IN or arg.name in measures, text
                elif op != "number":
                    assert op in BUILT_IN, text
            helpers.add(statement.target)


@pytest.mark.parametrize("row", ROWS)
def test_a_row_has_one_local_gradient_per_operand(row):
    assert len(row.local) == len(row.textbook) == len(row.operands)
    assert len(row.radius) in (0, len(row.operands))


def parses(text):
    try:
        read(text, free=["alpha", "c", "high", "low", "n", "out", "slope", "x", "y"])
    except GradcliError:
        return False
    return True


def test_textbook_forms_are_expressions_but_for_these():
    rows = [row for row in BUILT_IN.elementwise if not row.hidden]
    assert {row.name for row in rows if not all(map(parses, row.textbook))} == WORDS


def textbook_names(row):
    return ("x", "y") if row.is_variadic else row.operands


SPOKEN = [
    param
    for param in SAMPLES
    if not param.values[0].hidden
    and param.values[0].name not in WORDS
    and len(param.values[1]) == len(textbook_names(param.values[0]))
]


@pytest.mark.parametrize(("row", "at"), SPOKEN)
def test_textbook_form_is_the_stable_form(row, at):
    """In many digits both are the derivative; the double of pi leaves 1e-16."""
    known = dict(zip(textbook_names(row), at, strict=True)) | {"out": value_of(row, at, MANY)}
    for operand, text in enumerate(row.textbook):
        if not is_choice(row, operand):
            program = read(text, free=list(known))
            inputs = [MANY.number(known[name]) for name in program.graph.inputs]
            got = Machine(program.graph, MANY).run(inputs).values[program.output]
            assert close(got, partial(row, at, operand), 1e-15, 1e-40)


EXPANDABLE = [param for param in SAMPLES if param.values[0].expansion]


@pytest.mark.parametrize(("row", "at"), EXPANDABLE)
def test_expansion_equals_the_gate(row, at):
    """Value and gradient, in many digits."""
    results = []
    for options in (Request(), Request(expand=True)):
        program = read(f"{row.name}(x)", free=["x"], request=options)
        run = Machine(program.graph, MANY).run([MANY.number(at[0])])
        backward(run, program.output, MANY.number(1.0))
        gates = {gate.name for gate in program.graph.gates}
        assert (row.name in gates) is not options.expand
        results.append((run.values[program.output], run.gradients[program.graph.inputs["x"]]))
    (value, gradient), (expanded, expanded_gradient) = results
    assert close(value, mp.mpf(expanded), 1e-40)
    assert close(gradient, mp.mpf(expanded_gradient), 1e-40, 1e-40)


@pytest.mark.parametrize("text", ["1 / (1 + exp(-x))", "1/(exp(-x)+1)", "1.0/(1+math.exp(-x))"])
def test_the_written_out_sigmoid_is_fused(text):
    program = fused_program(read(text, free=["x"]))
    assert [gate.name for gate in program.graph.gates if gate.operands] == ["sigmoid"]


def test_fusing_stops_at_a_named_stage():
    program = fused_program(read("e = exp(-x); f = 1/(1 + e)", free=["x"]))
    assert "sigmoid" not in [gate.name for gate in program.graph.gates]


# ---------------------------------------------------------------- domain, radius, kinks


@pytest.mark.parametrize(("row", "at"), SAMPLES)
def test_samples_lie_in_the_domain(row, at):
    assert not row.domain or FLOATS.text_function(row, row.domain)(*at)


GRID = (0.0, -0.0, 0.25, -0.25, 0.5, 1.0, -1.0, 1.5, -1.5, 2.0, -2.0, 3.0, -7.0, 40.0, -40.5, 1e-3)


@pytest.mark.parametrize("row", [row for row in ROWS if row.values[0].domain])
def test_the_domain_is_where_the_gate_has_a_finite_value(row):
    inside = IEEE.text_function(row, row.domain)
    seen = set()
    for at in itertools.product(GRID, repeat=len(row.operands)):
        if row.name == "polygamma" and at[0] not in (0, 1, 2, 3):
            continue  # no such order, or so high that it overflows
        value = value_of(row, at, IEEE)
        assert bool(inside(*at)) is math.isfinite(value), f"{row.name}{at} = {value}"
        seen.add(math.isfinite(value))
    assert seen == {True, False}


@pytest.mark.parametrize(("row", "at"), SAMPLES)
def test_no_operand_leaves_the_domain_within_its_radius(row, at):
    out = value_of(row, at)
    for operand, text in enumerate(row.radius * (len(at) if row.is_variadic else 1)):
        arguments = (list(at),) if row.is_variadic else at
        radius = FLOATS.text_function(row, text)(*arguments, out=out)
        assert radius > 0
        for side in (-0.999, 0.999):
            moved = list(at)
            if math.isfinite(radius) and not is_choice(row, operand):
                moved[operand] += side * radius
                assert not row.domain or FLOATS.text_function(row, row.domain)(*moved)


# The kink of hypot is one point, which has no sides.
EDGES = [p for p in ROWS if (p.values[0].kink or p.values[0].jump) and p.id != "hypot"]


@pytest.mark.parametrize("row", EDGES)
def test_samples_lie_on_both_sides_of_every_edge(row):
    if row.is_variadic:
        winners = {at.index(value_of(row, at)) for at in points(row)}
        assert len(winners) > 1
        return
    if row.name in ("floor", "ceil", "round"):
        assert len({value_of(row, at) for at in points(row)}) > 1
        return
    edge = FLOATS.text_function(row, row.kink or row.jump)
    assert {edge(*at) > 0 for at in points(row)} == {True, False}


def test_edges_are_zero_at_the_edge_and_nowhere_else():
    distances = {
        ("relu", (0.0,)): 0, ("relu", (-2.0,)): -2, ("abs", (0.0,)): 0, ("step", (3.0,)): 3,
        ("floor", (2.0,)): 0, ("round", (2.5,)): 0, ("lt", (3.0, 3.0)): 0, ("lt", (3.0, 1.0)): 2,
    }  # fmt: skip
    for (name, at), distance in distances.items():
        row = BUILT_IN[name]
        assert FLOATS.text_function(row, row.kink or row.jump)(*at) == distance
    lead, trail = (FLOATS.text_function(BUILT_IN[n], BUILT_IN[n].kink) for n in ("max", "min"))
    assert (lead([1.0, 4.0, 4.0]), lead([1.0, 4.0, 2.0])) == (0, 2)
    assert (trail([1.0, 4.0, 1.0]), trail([1.0, 4.0, 2.5])) == (0, 1.5)


CONVENTIONS = [
    ("max", (3.0, 3.0), [1, 0]),  # the first winner takes it all
    ("max", (1.0, 3.0, 3.0), [0, 1, 0]),
    ("min", (3.0, 3.0), [1, 0]),
    ("min", (5.0, 2.0, 2.0), [0, 1, 0]),
    ("relu", (0.0,), [0]),
    ("abs", (0.0,), [0]),
    ("sign", (0.0,), [0]),
    ("step", (0.0,), [0]),
    ("floor", (2.0,), [0]),
    ("hypot", (0.0, 0.0), [0, 0]),
    ("leaky_relu", (0.0, 0.25), [0.25, 0]),
    ("huber", (1.0, 1.0), [1, 0]),
]


@pytest.mark.parametrize(("name", "at", "expected"), CONVENTIONS)
@pytest.mark.parametrize("arithmetic", [FLOATS, IEEE, MANY], ids=lambda a: a.name)
def test_ties_and_corners_follow_the_stated_policy(name, at, expected, arithmetic):
    assert pulled_back(BUILT_IN[name], at, 1.0, arithmetic) == expected


# ---------------------------------------------------------------- accuracy and guards


@pytest.mark.parametrize("x", [5, 8, 12, 18, 20, 40, -5, -20, -40])
@pytest.mark.parametrize("name", ["tanh", "sigmoid"])
def test_saturated_slopes_keep_every_digit(name, x):
    """1 - tanh(x)**2 and s*(1 - s) have lost half their digits at 8 and all of them at 40."""
    (got,) = pulled_back(BUILT_IN[name], (float(x),), 1.0)
    assert close(got, partial(BUILT_IN[name], (x,), 0), 4e-16)


@pytest.mark.parametrize("x", [0.999999999999, -0.99999999, 1 - 2**-53])
@pytest.mark.parametrize("name", ["asin", "acos", "atanh"])
def test_slopes_near_the_border_keep_every_digit(name, x):
    (got,) = pulled_back(BUILT_IN[name], (x,), 1.0)
    with mp.workdps(120):  # the difference quotient must stay inside the domain
        true = partial(BUILT_IN[name], (x,), 0)
    assert close(got, true, 8 * U)


NASTY = (0.0, -0.0, -1.0, 1.0, 1e308, -1e308, 5e-324, math.inf, -math.inf, math.nan)


@pytest.mark.parametrize("arithmetic", [IEEE, MANY], ids=lambda a: a.name)
@pytest.mark.parametrize("row", ROWS)
def test_a_zero_upstream_gradient_contributes_zero(row, arithmetic):
    """Even where the local gradient is infinite or nan."""
    count = max(2, len(row.operands)) if row.is_variadic else len(row.operands)
    pullback = arithmetic.pullback(row, (True,) * count)
    for at in itertools.product(NASTY if count < 3 else NASTY[::3], repeat=count):
        for out in (0.0, math.inf, math.nan):
            values = [*map(arithmetic.number, (*at, out))]
            gradients = [arithmetic.zero] * (count + 1)
            if pullback is not None:
                pullback(arithmetic.zero, values, gradients, count, tuple(range(count)))
            assert not any(gradients)


EXTREME = (0.0, 5e-324, -1e-200, 1.0, -27.0, 40.0, -800.0, 1e8, 1e154, -1e200, 1e308, -1e308)
BOUNDED = [row for row in ROWS if row.values[0].bounded]


@pytest.mark.parametrize("row", BOUNDED)
def test_bounded_rows_have_finite_slopes_at_every_finite_operand(row):
    """Their product with the upstream gradient needs no guard in symbols."""
    count = 2 if row.is_variadic else len(row.operands)
    for at in itertools.product(EXTREME if count < 3 else EXTREME[::2], repeat=count):
        if row.name == "huber" and at[1] <= 0:
            continue  # a negative width has no meaning
        assert all(map(math.isfinite, pulled_back(row, at, 1.0, IEEE)))


# ---------------------------------------------------------------- names


def test_hidden_rows_cannot_be_called():
    assert all(row.hidden != (row.name in BUILT_IN.functions) for row in BUILT_IN.elementwise)
    assert not {"scale", "winner"} & set(BUILT_IN.functions)


def test_aliases_are_spellings_of_one_gate():
    names = [name for row in BUILT_IN.elementwise for name in (row.name, *row.aliases)]
    assert len(names) == len(set(names))
    for alias, name in {"ln": "log", "arcsin": "asin", "maximum": "max", "σ": "sigmoid"}.items():
        assert BUILT_IN.functions[alias] is BUILT_IN[name]


def test_constants_are_the_nearest_doubles():
    assert {name: CONSTANTS[name] for name in ("pi", "tau", "e")} == {
        "pi": math.pi, "tau": math.tau, "e": math.e,
    }  # fmt: skip
