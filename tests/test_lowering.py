"""Trees become gates: which ones, with which operands, and what is shared, expanded and fused."""

from __future__ import annotations

import cmath
import math
import re
import statistics

import mpmath
import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

import gradcli
from gradcli.errors import GradcliError, NameFault, ParseError
from gradcli.gates.table import BUILT_IN
from gradcli.graph.array_calls import ARRAY_FUNCTIONS
from gradcli.graph.lowering import ALL_FUNCTIONS, Lowering, find_constant
from gradcli.graph.nodes import Graph
from gradcli.syntax import parse_expression
from gradcli.syntax.tokens import Source

DEPTH = 100_000
WIDE = 2_400  # bits: a float64 that is added to 1 is in them, whatever its exponent


def lowered(text, **options):
    """The graph of an expression; every name is an input."""
    source, graph = Source(text), Graph()
    Lowering(graph, source, **options).value(parse_expression(source), {}, graph.input)
    return graph


def gates(text, **options):
    graph = lowered(text, **options)
    return [graph.gates[node].name for node in graph.gate_nodes()]


def evaluated(text, settings=(), **options):
    return gradcli.evaluate(text, settings, check=False, **options)


def refused(kind, text):
    with pytest.raises(kind) as caught:
        lowered(text)
    return caught.value


# -------------------------------------------------------------------- operators


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("x + y", ["add"]),
        ("x - y", ["sub"]),
        ("x * y", ["mul"]),
        ("x / y", ["div"]),
        ("x ** y", ["pow"]),
        ("x ^ y", ["pow"]),
        ("x²", ["pow"]),
        ("-x", ["neg"]),
        ("--x", ["neg", "neg"]),
        ("-2", []),
        ("+x", []),
        ("√x", ["sqrt"]),
        ("x < y", ["lt"]),
        ("x <= y", ["le"]),
        ("x > y", ["gt"]),
        ("x >= y", ["ge"]),
        ("x == y", ["eq"]),
        ("x != y", ["ne"]),
        ("x if c else y", ["where"]),
        ("x if x > 0 else -x", ["gt", "neg", "where"]),
        ("(x+y)*z", ["add", "mul"]),
        ("x+y*z", ["mul", "add"]),
        ("-x**2", ["pow", "neg"]),
        ("(-x)**2", ["neg", "pow"]),
        ("1/3", ["div"]),
        ("2*pi", ["mul"]),
    ],
)
def test_operators_are_gates_in_the_order_they_are_computed(text, names):
    assert gates(text) == names


def test_the_operands_of_a_choice_are_the_condition_and_both_values():
    report = evaluated("a if c else b", {"a": 2, "b": 3, "c": 0})
    assert report.stages[0].operands == ["c", "a", "b"]
    assert (report.value, report.gradients) == (3.0, {"a": 0.0, "b": 1.0, "c": 0.0})


def test_equal_parts_are_one_node_and_operands_keep_their_order():
    assert gates("exp(x*y) + exp(x*y)") == ["mul", "exp", "add"]
    assert gates("x*y + y*x") == ["mul", "mul", "add"]
    assert gates("sin(x) + sin(x)**2 + sin(x)") == ["sin", "pow", "add", "add"]


def test_constants_are_one_node_for_each_bit_pattern():
    graph = lowered("[0.0, -0.0, 0, nan, nan, 1, True, 1.0, inf, -inf]")
    assert [repr(v) for v in graph.constants.values()] == [
        "0.0",
        "-0.0",
        "nan",
        "1.0",
        "inf",
        "-inf",
    ]


@pytest.mark.parametrize("prefix", ["", "math.", "np.", "numpy."])
def test_a_prefix_changes_nothing(prefix):
    report = evaluated(f"{prefix}exp({prefix}pi*x)", {"x": 1})
    assert report.value == math.exp(math.pi)
    assert find_constant(f"{prefix}tau") == math.tau


@pytest.mark.parametrize(
    ("alias", "name"),
    [
        ("ln", "log"),
        ("power", "pow"),
        ("arcsin", "asin"),
        ("arccos", "acos"),
        ("arctan", "atan"),
        ("arctan2", "atan2"),
        ("arcsinh", "asinh"),
        ("arccosh", "acosh"),
        ("arctanh", "atanh"),
        ("maximum", "max"),
        ("minimum", "min"),
        ("σ", "sigmoid"),
        ("swish", "silu"),
    ],
)
def test_a_gate_may_have_other_names(alias, name):
    operands = "x, y" if name in ("pow", "atan2", "max", "min") else "x"
    assert gates(f"{alias}({operands})") == [name]


# -------------------------------------------------------------------- operands of calls


@pytest.mark.parametrize(
    ("text", "operands"),
    [
        ("leaky_relu(x)", ["x", 0.01]),
        ("leaky_relu(x, 0.2)", ["x", 0.2]),
        ("leaky_relu(x, slope=0.2)", ["x", 0.2]),
        ("leaky_relu(x=x, slope=0.2)", ["x", 0.2]),
        ("leaky_relu(slope=0.2, x=x)", ["x", 0.2]),
        ("huber(x)", ["x", 1.0]),
        ("huber(x, delta=y)", ["x", "y"]),
        ("polygamma(1, x)", [1.0, "x"]),
        ("atan2(x=x, y=y)", ["y", "x"]),
        ("where(c=x, a=y, b=2)", ["x", "y", 2.0]),
        ("max(x, 2, y)", ["x", 2.0, "y"]),
        ("max([x, 2, y])", ["x", 2.0, "y"]),
        ("max(x)", ["x"]),
        ("hypot(x, y, 2)", ["x", "y", 2.0]),
    ],
)
def test_operands_are_given_by_place_or_by_name_or_by_default(text, operands):
    assert evaluated(text, {"x": 1, "y": 3}).stages[-1].operands == operands


def test_a_logarithm_may_have_a_base():
    assert gates("log(x, b)") == ["log", "log", "div"]
    assert evaluated("log(x, 2)", {"x": 8}).value == 3.0
    assert evaluated("np.log(x, 10)", {"x": 1000}).value == pytest.approx(3.0, rel=1e-15)


@pytest.mark.parametrize(
    ("text", "message", "hint"),
    [
        ("exp()", "`exp` takes 1 operand (x), got 0", None),
        ("exp(x, y)", "`exp` takes 1 operand (x), got 2", None),
        ("atan2(x)", "`atan2` takes 2 operands (y, x), got 1", None),
        ("where(x, y)", "`where` takes 3 operands (c, a, b), got 2", None),
        ("leaky_relu(x, 1, 2)", "`leaky_relu` takes 2 operands (x, slope), got 3", None),
        ("log(x, 2, 3)", "`log` takes 1 operand (x), got 3", None),
        ("max()", "`max` needs at least one operand", None),
        ("max([])", "`max` needs at least one operand", None),
        ("exp(y=x)", "`exp` takes no `y=` here", "operands of `exp`: x"),
        ("leaky_relu(x, slop=1)", "`leaky_relu` takes no `slop=` here", "did you mean `slope`?"),
        ("log(x, base=2)", "`log` takes no `base=` here", "operands of `log`: x"),
        ("(x, y)", "a tuple is not a value", "write a list: `[a, b]`"),
    ],
)
def test_a_call_with_other_operands_is_refused(text, message, hint):
    error = refused(ParseError, f"1 + {text}")
    assert (error.message, error.hint, error.span.column) == (message, hint, 5)


@pytest.mark.parametrize("text", ["leaky_relu(x, x=1)", "leaky_relu(x, slope=1, slope=2)"])
def test_an_operand_given_twice_is_refused_without_advice_to_write_the_same(text):
    error = refused(ParseError, text)
    name = "x" if "x=1" in text else "slope"
    assert error.hint != f"did you mean `{name}`?"


@pytest.mark.parametrize(
    "text",
    [
        "exp(x=)",
        "exp(*)",
        "exp(*x)",
        "max(x, foo=5)",
        "max(x, axis=0)",
        "leaky_relu(slope=0.1, x)",
        "sum([x, x], axis=0, axis=0)",
        "sum([x, x], keepdims=5)",
        "sum([x, x], keepdims=y)",
        "concatenate([[x], [x]], axis=0, axis=0)",
    ],
)
def test_what_a_call_has_no_meaning_for_is_never_ignored(text):
    refused(GradcliError, text)


@pytest.mark.parametrize("text", ["np.max(x, 0)", "np.min(x, 0)", "numpy.max(x, y)"])
def test_the_second_operand_of_max_in_numpy_is_no_operand_to_compare(text):
    with pytest.raises(GradcliError):
        evaluated(text, {"x": -2, "y": 1})


@pytest.mark.parametrize(
    ("text", "name", "hint"),
    [
        ("sigmiod(x)", "sigmiod", "did you mean `sigmoid`?"),
        ("np.sinn(x)", "np.sinn", "did you mean `sin`?"),
        ("Exp(x)", "Exp", "did you mean `exp`?"),
        ("quux(x)", "quux", ALL_FUNCTIONS),
        ("scale(x, y)", "scale", ALL_FUNCTIONS),
        ("input(x)", "input", ALL_FUNCTIONS),
        ("constant()", "constant", ALL_FUNCTIONS),
        ("print(x)", "print", ALL_FUNCTIONS),
        ("__import__(x)", "__import__", ALL_FUNCTIONS),
    ],
)
def test_only_the_functions_of_the_table_can_be_called(text, name, hint):
    error = refused(NameFault, f"2*{text}")
    assert (error.message, error.hint) == (f"unknown function `{name}`", hint)
    assert error.span.column == 3


# -------------------------------------------------------------------- expand and fuse


@pytest.mark.parametrize(
    ("text", "names", "labels"),
    [
        ("sigmoid(x)", ["neg", "exp", "add", "div"], ["*-1", "exp", "+1", "1/x"]),
        ("relu(x)", ["max"], ["max"]),
        ("softplus(x)", ["exp", "add", "log"], ["exp", "+1", "log"]),
        ("silu(x)", ["neg", "exp", "add", "div"], ["*-1", "exp", "+1", "/"]),
        ("square(x)", ["pow"], ["x**2"]),
        ("reciprocal(x)", ["div"], ["1/x"]),
        ("exp(x)", ["exp"], ["exp"]),
        ("sigmoid(relu(x))", ["max", "neg", "exp", "add", "div"], None),
    ],
)
def test_expand_shows_composite_gates_as_elementary_ones(text, names, labels):
    report = evaluated(text, {"x": 0.7}, expand=True)
    assert [stage.gate for stage in report.stages] == names
    assert labels in (None, [stage.label for stage in report.stages])
    plain = evaluated(text, {"x": 0.7})
    assert report.value == pytest.approx(plain.value, rel=1e-14)
    assert report.gradients == pytest.approx(plain.gradients, rel=1e-13)


def test_expanded_gates_are_shared_as_if_they_had_been_written_out():
    assert gates("sigmoid(x) + exp(-x)", expand=True) == ["neg", "exp", "add", "div", "add"]


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("1/(1+exp(-x))", ["sigmoid"]),
        ("1/(exp(-x)+1)", ["sigmoid"]),
        ("1.0/(1 + math.exp(-x))", ["sigmoid"]),
        ("1/(1+exp(-(w*x+b)))", ["mul", "add", "sigmoid"]),
        ("1/(1+exp(x))", ["neg", "sigmoid"]),
        ("(1/(1+exp(-x))) * (1/(1+exp(-y)))", ["sigmoid", "sigmoid", "mul"]),
        ("1/(1+exp(-(1/(1+exp(-x)))))", ["sigmoid", "sigmoid"]),
        ("2/(1+exp(-x))", ["neg", "exp", "add", "div"]),
        ("1/(2+exp(-x))", ["neg", "exp", "add", "div"]),
        ("1/(1-exp(-x))", ["neg", "expm1", "neg", "div"]),
        ("1/(1+exp2(-x))", ["neg", "exp2", "add", "div"]),
    ],
)
def test_fuse_recognises_a_sigmoid_that_is_written_out(text, names):
    point = {"x": 0.7, "y": -1.5, "w": 2, "b": 0.5}
    report = evaluated(text, point, fuse=True)
    assert [stage.gate for stage in report.stages] == names
    plain = evaluated(text, point)
    assert report.value == pytest.approx(plain.value, rel=1e-14)
    assert report.gradients == pytest.approx(plain.gradients, rel=1e-13)


def test_fuse_keeps_what_is_used_elsewhere():
    report = evaluated("1/(1+exp(-x)) + exp(-x)", {"x": 1}, fuse=True)
    assert [stage.gate for stage in report.stages] == ["neg", "exp", "sigmoid", "add"]


@pytest.mark.parametrize(
    "text", ["a = exp(-x); 1/(1+a)", "a = 1+exp(-x); 1/a", "a = -x; 1/(1+exp(a))"]
)
def test_fuse_never_crosses_a_named_stage(text):
    report = evaluated(text, {"x": 1}, fuse=True)
    assert "a" in [stage.name for stage in report.stages]
    assert report.value == evaluated(text, {"x": 1}).value


def test_fuse_keeps_claims_with_their_inputs():
    text = "x = 0.7; f = 1/(1+exp(-x)); f == sigmoid(x); dx = f*(1-f)"
    report = evaluated(text, fuse=True)
    assert [stage.gate for stage in report.stages] == ["sigmoid"]
    assert report.gradients == pytest.approx(evaluated(text).gradients, rel=1e-14)


# -------------------------------------------------------------------- against Python itself

NUMBER = st.floats(-8, 8).map(lambda x: f"{abs(x):.3f}")
ATOM = st.one_of(NUMBER, st.sampled_from(["x", "y"]))


def larger(part):
    """Texts made of smaller ones, in the grammar that this language and Python share."""
    two = st.tuples(part, part)
    return st.one_of(
        st.tuples(part, st.sampled_from(["+", "-", "*", "/"]), part).map(" ".join),
        st.tuples(part, st.sampled_from(["<", "<=", ">", ">=", "==", "!="]), part).map(
            lambda p: f"({p[0]}) {p[1]} ({p[2]})"
        ),
        two.map(lambda p: f"({p[0]})**({p[1]})"),
        st.tuples(ATOM, part).map(lambda p: f"{p[0]}**-({p[1]})"),
        part.map(lambda p: f"-{p}"),
        part.map(lambda p: f"({p})"),
        part.map(lambda p: f"-({p})**2.0"),
        st.tuples(part, part, part).map(lambda p: f"(({p[0]}) if {p[1]} else {p[2]})"),
        two.map(lambda p: f"max({p[0]}, {p[1]})"),
        part.map(lambda p: f"math.tanh({p})"),
    )


@settings(max_examples=300, derandomize=True)
@given(st.recursive(ATOM, larger, max_leaves=8), st.floats(-4, 4), st.floats(-4, 4))
def test_an_expression_means_what_it_means_in_python(text, x, y):
    try:
        expected = eval(text, {"math": math, "x": x, "y": y, "max": max})
    except (ZeroDivisionError, OverflowError, TypeError):  # complex numbers do not compare
        assume(False)
    assume(isinstance(expected, (float, bool)) and math.isfinite(expected))
    value = evaluated(text, {"x": x, "y": y}).value
    if value != pytest.approx(float(expected), rel=1e-13, abs=1e-300):  # Python's own is rounded
        with mpmath.workprec(WIDE):
            names = {"math": mpmath, "x": mpmath.mpf(x), "y": mpmath.mpf(y), "max": max}
            assert value == pytest.approx(float(eval(text, names)), rel=1e-13, abs=1e-300)


# -------------------------------------------------------------------- depth


@pytest.mark.parametrize(
    ("text", "value", "gradient"),
    [
        ("sin(" * DEPTH + "x" + ")" * DEPTH, None, None),
        ("-" * DEPTH + "x", 0.5, 1.0),
        ("x+" * DEPTH + "x", 0.5 * (DEPTH + 1), DEPTH + 1.0),
        ("1 if x > 1 else " * DEPTH + "x", 0.5, 1.0),
    ],
    ids=["calls", "signs", "sums", "choices"],
)
def test_no_depth_is_too_deep_to_compute(text, value, gradient):
    f = gradcli.compile(text, inputs=["x"])
    found, [slope] = f(0.5)
    if value is None:
        assert 0 < found < 0.01  # sin(sin(...)) falls as sqrt(3 / n)
        assert found == pytest.approx(math.sqrt(3 / DEPTH), rel=0.01)
    else:
        assert (found, slope) == (value, gradient)


# Functions of other libraries whose names are near, or are often tried.
ELSEWHERE = """
    acosd acot acoth acsch addr addmm aminmax arccot arccoth arccsch argmax argmin argsort
    around asech asind atan2d atand average bmm cat cdist celu chol chunk clamp cond copysign corr
    cosd cosm coshm cosine_similarity cot coth cov cross csc csch cumprod cumsum cube det dist
    dropout eig eigh elu entr erfcinv erfcx erfi erfinv exp1 exp10 expi expint expit expm expn fabs
    fix flip fmax fmin fmod frac frexp fsum gammainc gammaln glu GLU hardtanh hardswish heaviside
    i0 igamma igammac inv iqr isqrt kron ldexp lerp log1mexp log_softmax logaddexp logb logdet
    logit logm logspace lstsq mad median mish mm mode msort mvlgamma nanmean nansum ndtr nextafter
    nrm2 nthroot one_hot pdist percentile permute pinv polyval prelu psi ptp qr quantile rad2deg
    randi randint randperm rank relu6 rem remainder renorm rgamma rint roll rot90 rrelu rsqrt sec
    sech selu SELU sgn signbit signm sinc sind sinhm sinm softabs softmin softshrink softsign solve
    sort sqr sqrtm squarew std_mean stdm svd tand tanhm tanm tanhshrink threshold topk trapz tril
    trigamma triu trunc unique vander var_mean vdot xlogy zeta
"""
SAME = {"expit": "sigmoid", "fabs": "abs", "around": "round", "rint": "round", "sgn": "sign",
        "fmax": "max", "fmin": "min", "fsum": "sum", "psi": "digamma", "gammaln": "lgamma",
        "round_": "round"}  # fmt: skip


def test_no_function_is_proposed_for_one_that_means_something_else():
    """Every name that numpy, Python, torch, scipy and MATLAB have, and the language has not."""
    modules = (math, cmath, statistics, np, np.linalg, np.fft, np.random, np.ma, mpmath.mp)
    names = {*ELSEWHERE.split(), *(
        name for module in modules for name in dir(module)
        if name[0] != "_" and callable(getattr(module, name))
    )}  # fmt: skip
    known = {*BUILT_IN.functions, *ARRAY_FUNCTIONS}
    for name in sorted(names - known):
        error = refused(GradcliError, f"{name}(x)")
        nearest = re.fullmatch("did you mean `(.*)`\\?", error.hint or "")
        if nearest is not None:
            word = nearest[1]
            is_same = name.lower().replace("_", "") == word.replace("_", "")
            assert is_same or SAME.get(name) == word, (name, word)


def test_clip_is_a_function_and_a_method():
    one, other = (
        gradcli.evaluate(text, {"x": [-1, 0.5, 2]})
        for text in ("sum(clip(x, 0, 1)*x)", "sum(x.clip(0, 1)*x)")
    )
    assert one.gradients == other.gradients == {"x": [0.0, 1.0, 1.0]}
