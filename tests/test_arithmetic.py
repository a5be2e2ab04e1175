"""The arithmetics: IEEE 754 against NumPy, plain floats against IEEE, many digits, symbols."""

from __future__ import annotations

import itertools
import math
import os
import struct
import subprocess
import sys
from pathlib import Path

import mpmath
import numpy as np
import pytest
from conftest import HANGS

from gradcli.arithmetic.digits import digits
from gradcli.arithmetic.floats import FAULTS, FLOATS, IEEE
from gradcli.arithmetic.symbols import Symbols
from gradcli.arithmetic.work import OutOfReachError
from gradcli.engine import Machine, backward
from gradcli.gates.table import BUILT_IN
from gradcli.graph.nodes import Graph
from gradcli.program.reader import read

INF, NAN = math.inf, math.nan
SPECIAL = (
    0.0, -0.0, 5e-324, -5e-324, 1e-310, 0.1, 0.5, -0.5, 1.0, -1.0, 1.5, 2.0, -2.0, 2.5, -2.5, 3.0,
    -3.0, 171.0, 172.0, 710.0, -745.0, -746.0, 1e16, 1e308, -1e308, INF, -INF, NAN,
)  # fmt: skip
ROWS = [pytest.param(row, id=row.name) for row in BUILT_IN.elementwise]
MANY = digits(50)


def count_of(row):
    return 2 if row.is_variadic else len(row.operands)


def value_of(row, at, arithmetic):
    return arithmetic.forward(row, len(at))([*map(arithmetic.number, at)], tuple(range(len(at))))


def combinations(row):
    count = count_of(row)
    if row.name == "polygamma":
        return itertools.product((0.0, 1.0, 3.0, -1.0, 0.5, INF, NAN), SPECIAL)
    return itertools.product(SPECIAL if count < 3 else SPECIAL[::3], repeat=count)


def bits(x):
    return "nan" if x != x else struct.pack(">d", x)


# ---------------------------------------------------------------- IEEE 754

NUMPY = {
    "add": np.add, "sub": np.subtract, "mul": np.multiply, "div": np.divide, "neg": np.negative,
    "pow": np.float_power, "reciprocal": np.reciprocal, "square": np.square, "abs": np.abs,
    "exp": np.exp, "expm1": np.expm1, "exp2": np.exp2, "log": np.log, "log1p": np.log1p,
    "log2": np.log2, "log10": np.log10, "sqrt": np.sqrt, "cbrt": np.cbrt, "sign": np.sign,
    "floor": np.floor, "ceil": np.ceil, "round": np.rint, "sin": np.sin, "cos": np.cos,
    "tan": np.tan, "asin": np.arcsin, "acos": np.arccos, "atan": np.arctan, "atan2": np.arctan2,
    "sinh": np.sinh, "cosh": np.cosh, "tanh": np.tanh, "asinh": np.arcsinh, "acosh": np.arccosh,
    "atanh": np.arctanh, "hypot": np.hypot, "max": np.maximum, "min": np.minimum,
    "logsumexp": np.logaddexp, "relu": lambda x: np.maximum(x, 0), "lt": np.less,
    "le": np.less_equal, "gt": np.greater, "ge": np.greater_equal, "eq": np.equal,
    "ne": np.not_equal,
    "step": lambda x: np.heaviside(x, 1), "where": np.where,
}  # fmt: skip

# IEEE 754 leaves the order of the two zeros open in max and min, and NumPy goes both ways.
UNSIGNED = ("max", "min", "relu")


@pytest.mark.parametrize("name", NUMPY)
def test_special_values_are_those_of_ieee_754(name):
    """The same nan, infinities and signed zeros as NumPy; other values within 8 units."""
    row = BUILT_IN[name]
    for at in combinations(row):
        with np.errstate(all="ignore"):
            true = float(NUMPY[name](*map(np.float64, at)))
        got = float(value_of(row, at, IEEE))
        if math.isfinite(true) and true:
            assert abs(got - true) <= 8 * 2.0**-53 * abs(true), (at, got, true)
        elif true == 0 and name in UNSIGNED:
            assert got == 0, (at, got, true)
        else:
            assert bits(got) == bits(true), (at, got, true)


@pytest.mark.parametrize(
    ("name", "at", "value"),
    [
        ("gamma", (0.0,), INF), ("gamma", (-0.0,), -INF), ("gamma", (-1.0,), NAN),
        ("gamma", (-INF,), NAN), ("gamma", (INF,), INF), ("gamma", (172.0,), INF),
        ("lgamma", (0.0,), INF), ("lgamma", (-3.0,), INF), ("lgamma", (-INF,), INF),
        ("erf", (INF,), 1.0), ("erf", (-INF,), -1.0), ("erfc", (INF,), 0.0), ("erfc", (-INF,), 2.0),
        ("digamma", (-1.0,), NAN), ("digamma", (INF,), INF), ("digamma", (-INF,), NAN),
        ("digamma", (NAN,), NAN), ("polygamma", (-1.0, 2.0), NAN), ("polygamma", (0.5, 2.0), NAN),
        ("sigmoid", (INF,), 1.0), ("sigmoid", (-INF,), 0.0), ("sigmoid", (-800.0,), 0.0),
        ("softplus", (INF,), INF), ("softplus", (-INF,), 0.0), ("softplus", (800.0,), 800.0),
        ("logsigmoid", (-INF,), -INF), ("logsigmoid", (INF,), 0.0),
        ("logsigmoid", (-800.0,), -800.0), ("silu", (INF,), INF), ("silu", (-800.0,), 0.0),
        ("gelu", (INF,), INF), ("gelu", (-60.0,), 0.0), ("huber", (INF, 1.0), INF),
        ("relu", (NAN,), NAN), ("leaky_relu", (-INF, 0.5), -INF), ("max", (1.0, NAN), NAN),
        ("logsumexp", (1000.0, 1000.0), 1000 + math.log(2)), ("logsumexp", (-INF, -INF), -INF),
        ("scale", (0.0, INF), 0.0), ("scale", (0.0, NAN), 0.0), ("scale", (2.0, INF), INF),
    ],
)  # fmt: skip
def test_special_values_numpy_does_not_have(name, at, value):
    assert value_of(BUILT_IN[name], at, IEEE) == pytest.approx(value, rel=4e-16, nan_ok=True)


@pytest.mark.parametrize("row", ROWS)
def test_ieee_never_raises(row):
    """Neither forwards nor backwards, whatever comes."""
    count = count_of(row)
    pullback = IEEE.pullback(row, (True,) * count)
    for at in combinations(row):
        out = value_of(row, at, IEEE)
        assert type(out) in (float, int)
        for upstream in (1.0, -INF, NAN):
            gradients = [0.0] * (count + 1)
            if pullback is not None:
                pullback(upstream, [*at, out], gradients, count, tuple(range(count)))


@pytest.mark.parametrize("order", ["1e5", "1e16", "1e300"])
def test_an_absurd_order_of_polygamma_ends(order):
    """In a process of its own: what does not end cannot be stopped otherwise."""
    text = f"import gradcli; gradcli.evaluate('polygamma({order}, x)', {{'x': 0.5}})"
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parent.parent)}
    done = subprocess.run([sys.executable, "-c", text], env=environment, timeout=HANGS, check=False)
    assert done.returncode == 0


@pytest.mark.parametrize("row", ROWS)
def test_plain_floats_give_the_same_bits_or_raise(row):
    for at in combinations(row):
        try:
            got = value_of(row, at, FLOATS)
        except FAULTS:
            continue
        assert bits(float(got)) == bits(float(value_of(row, at, IEEE))), at


def test_plain_floats_raise_where_ieee_has_a_value():
    for name, at in {"div": (1.0, 0.0), "log": (0.0,), "exp": (1000.0,), "sqrt": (-1.0,)}.items():
        with pytest.raises(FAULTS):
            value_of(BUILT_IN[name], at, FLOATS)


# ---------------------------------------------------------------- many digits


def as_float(x):
    try:
        return float(x)
    except OverflowError:
        return INF if x > 0 else -INF


# mpmath has one zero, so the side of a branch cut is lost.
NEVER_FROM_NAN = ("pow", "polygamma")  # though IEEE 754 has nan**0 = 1
UNSIGNED_ZEROS = ("atan2", "div", "reciprocal", "pow", "gamma", "cot", "csc")


@pytest.mark.parametrize("row", ROWS)
def test_many_digits_have_the_special_values_of_ieee_754(row):
    """Rounded to float64 they agree, but for overflow and underflow on the way."""
    for at in combinations(row):
        if row.name in UNSIGNED_ZEROS and any(x == 0 and math.copysign(1, x) < 0 for x in at):
            continue
        try:
            got = as_float(value_of(row, at, MANY))
        except OutOfReachError:
            continue
        expected = float(value_of(row, at, IEEE))
        if row.name in NEVER_FROM_NAN and any(map(math.isnan, at)):
            expected = NAN
        assert math.isnan(got) == math.isnan(expected), (at, got, expected)
        if math.isfinite(expected) and abs(expected) > 1e-290:
            assert got == pytest.approx(expected, rel=1e-11), at
        elif not math.isnan(expected):
            assert got == pytest.approx(expected, abs=1e-290), at


def test_literals_are_the_float64_they_are():
    (program,) = [read("0.1", free=())]
    value = Machine(program.graph, MANY).run([]).values[program.output]
    with mpmath.workdps(50):
        assert value == mpmath.mpf(0.1) != mpmath.mpf("0.1")


def test_pi_is_the_nearest_double_in_every_arithmetic():
    program = read("sin(pi)", free=())
    value = Machine(program.graph, MANY).run([]).values[program.output]
    with mpmath.workdps(50):
        assert abs(value - mpmath.sin(mpmath.mpf(math.pi))) < 1e-60
    assert value > 1e-17


def test_two_numbers_of_digits_do_not_disturb_each_other():
    program = read("1/3", free=())
    few, many = (Machine(program.graph, digits(n)) for n in (20, 200))
    runs = [machine.run([]) for machine in (few, many, few)]
    values = [run.values[program.output] for run in runs]
    assert values[0] == values[2] != values[1]
    with mpmath.workdps(300):
        errors = [abs(mpmath.mpf(value) * 3 - 1) for value in values]
    assert 1e-23 < errors[0] < 1e-19
    assert errors[1] < 1e-198


def test_digits_leave_the_global_precision_alone():
    before = mpmath.mp.dps
    value_of(BUILT_IN["digamma"], (0.7,), digits(300))
    value_of(BUILT_IN["digamma"], (0.7,), FLOATS)
    assert mpmath.mp.dps == before


@pytest.mark.parametrize(
    "text", ["exp(exp(exp(exp(x))))", "sin(exp(exp(exp(x))))", "2**2**2**2**x"]
)
def test_an_operand_too_large_for_mpmath_is_refused(text):
    program = read(text, free=["x"])
    with pytest.raises(OutOfReachError):
        Machine(program.graph, MANY).run([MANY.number(5.0)])


HUGE = {  # by the leading terms of the expansions at infinity; None: a pole
    "erf": mpmath.sign,
    "erfc": lambda x: mpmath.exp(-x * x) / (x * mpmath.sqrt(mpmath.pi)) if x > 0 else 2,
    "gelu": lambda x: x if x > 0 else -mpmath.exp(-x * x / 2) / mpmath.sqrt(2 * mpmath.pi),
    "cbrt": lambda x: mpmath.sign(x) * mpmath.cbrt(abs(x)),
    "lgamma": lambda x: (
        (x - 0.5) * mpmath.log(x) - x + mpmath.log(2 * mpmath.pi) / 2 if x > 0 else None
    ),
    "digamma": lambda x: mpmath.log(x) - 1 / (2 * x) if x > 0 else None,
    "polygamma": lambda x: 1 / x + 1 / (2 * x * x) if x > 0 else None,
}


@pytest.mark.parametrize("name", HUGE)
@pytest.mark.parametrize("x", [1e308, -1e308, 1e17])
def test_huge_operands_in_many_digits(name, x):
    value = value_of(BUILT_IN[name], (1.0, x) if name == "polygamma" else (x,), MANY)
    with mpmath.workdps(50):
        expected = HUGE[name](mpmath.mpf(x))
        if expected is None:
            assert not mpmath.isfinite(value)
        else:
            assert abs(value - expected) <= 1e-30 * abs(expected)


# ---------------------------------------------------------------- symbols


def symbols_of(text, *names):
    """What a program becomes when it is run on symbols: gate names, in order."""
    program = read(text, free=names)
    symbols = Symbols(Graph())
    run = Machine(program.graph, symbols).run([symbols.input(n) for n in program.graph.inputs])
    graph = symbols.graph
    return graph, run.values[program.output].node


def test_a_run_on_symbols_is_a_copy_of_the_graph():
    text = "a = x*y; max(a, sin(x), 2) - where(a > 1, a, -x)**3"
    graph, node = symbols_of(text, "x", "y")
    again = read(text, free=["x", "y"])
    point = {"x": 0.7, "y": 1.9}
    values = [
        Machine(g, FLOATS).run([point[name] for name in g.inputs]).values[at]
        for g, at in ((graph, node), (again.graph, again.output))
    ]
    assert values[0] == values[1]


@pytest.mark.parametrize(
    ("text", "gates"),
    [
        ("x + 0", []), ("0 + x", []), ("x - 0", []), ("x*1", []), ("1*x", []), ("x**1", []),
        ("x/1", []), ("x*0", []), ("where(1, x, y)", []), ("(2*3)*x", ["mul"]),
        ("(1/3)*x", ["div", "mul"]),  # not exact, so not folded
        ("(0.1 + 0.2)*x", ["add", "mul"]),
        ("0 - x", ["sub"]), ("x*2", ["mul"]), ("x + x", ["add"]), ("x - x", ["sub"]),
    ],
)  # fmt: skip
def test_symbols_simplify_only_what_is_exact(text, gates):
    graph, node = symbols_of(text, "x", "y")
    smaller, _ = graph.pruned([node])
    assert [smaller.gates[at].name for at in smaller.gate_nodes()] == gates


def test_a_backward_pass_on_symbols_writes_the_gradients():
    program = read("x*x*y", free=["x", "y"])
    symbols = Symbols(Graph())
    run = Machine(program.graph, symbols).run([symbols.input("x"), symbols.input("y")])
    backward(run, program.output, symbols.symbol(1.0))
    nodes = [run.gradients[leaf].node for leaf in program.graph.inputs.values()]
    values = Machine(symbols.graph, FLOATS).run([3.0, 5.0]).values
    assert [values[node] for node in nodes] == [30, 9]


# ---------------------------------------------------------------- compiled texts


def test_a_row_is_compiled_once_for_each_use():
    tanh = BUILT_IN["tanh"]
    assert FLOATS.forward(tanh, 1) is FLOATS.forward(tanh, 1)
    assert FLOATS.pullback(tanh, (True,)) is FLOATS.pullback(tanh, (True,))
    assert FLOATS.forward(tanh, 1) is not IEEE.forward(tanh, 1)


def test_where_nothing_flows_there_is_no_pullback():
    assert FLOATS.pullback(BUILT_IN["floor"], (True,)) is None
    assert FLOATS.pullback(BUILT_IN["mul"], (False, False)) is None
    assert FLOATS.pullback(BUILT_IN["where"], (True, False, False)) is None
