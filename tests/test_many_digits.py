"""What many digits cost: how many of them are tried, and where the search ends."""

from __future__ import annotations

import subprocess
import sys

import pytest

import gradcli
from gradcli.evaluation import in_digits, limits, many_digits
from gradcli.gates.table import BUILT_IN

MOST = limits.DIGITS[-1] + 2 * limits.FINEST  # digits: 9**9**9 has 370 million


@pytest.fixture
def tried(monkeypatch):
    """The precisions that a report has taken: of its numbers, and of its check."""
    counts = {many_digits: [], in_digits: []}
    bounding, digits = many_digits.Bounding, in_digits.digits

    def swept(graph, count, *options, **named):
        assert count <= MOST, "more digits than there is time for"
        counts[many_digits].append(count)
        return bounding(graph, count, *options, **named)

    def counted(count, *options, **named):
        assert count <= MOST, "more digits than there is time for"
        counts[in_digits].append(count)
        return digits(count, *options, **named)

    monkeypatch.setattr(many_digits, "Bounding", swept)
    monkeypatch.setattr(in_digits, "digits", counted)
    return counts


GAMMAS = ["gamma(x)", "lgamma(x)", "digamma(x)", "polygamma(1, x)"]


@pytest.mark.parametrize("text", [*GAMMAS, "1/x", "x**-3"])
@pytest.mark.parametrize("x", [5e-324, -5e-324, 1e-300])
def test_a_slope_beyond_float64_is_known_for_it_at_the_second_precision(text, x, tried):
    """An infinity of float64 is no reason to take more digits when both precisions have it."""
    gradcli.evaluate(text, {"x": x}, check=False)
    assert tried[many_digits] in ([], [50, 100])


AWKWARD = [
    5e-324, -1e-300, 1e-300, 0.0, 171.6, -170.5, -2.0000000000000004, 1.0000000000000002, 1e300,
    -1.7e308,
]  # fmt: skip


@pytest.mark.parametrize(
    "name",
    [
        row.name
        for row in BUILT_IN.elementwise
        if len(row.operands) == 1 and not (row.is_variadic or row.hidden)
    ],
)
def test_one_gate_never_needs_the_last_precisions(name, tried):
    """Infinities are believed from 400 digits on; all else is known before."""
    for x in AWKWARD:
        gradcli.evaluate(f"{name}(x)", {"x": x})
        assert max(tried[many_digits], default=0) <= 400, x


def test_a_value_that_is_not_certain_takes_as_many_digits_as_it_needs(tried):
    report = gradcli.evaluate("(1e200 + x) - 1e200", {"x": 1}, check=False)
    assert report.value == 1
    assert tried[many_digits] == [50, 250, 300]  # the 1 stands 200 digits below 1e200


def test_a_thousand_digits_are_confirmed_by_a_few_more(tried):
    gradcli.evaluate("lgamma(x)", {"x": 2.5}, digits=1000, check=False)
    assert tried[many_digits] == [1040, 1080]


# ---------------------------------------------------------------- constants beyond all floats

SCALED = [
    "9**9**9 * x", "2**1e6 * x", "exp(1e6)*x", "gamma(1e5)*x", "10**10**10*x - y", "x/exp(-1e6)",
    "-(10**10**1010*x)", "y + 9**9**9*(x/3)",
]  # fmt: skip


@pytest.mark.parametrize("text", SCALED)
def test_what_only_multiplies_the_output_asks_for_no_digits(text, tried):
    """The derivative is a constant of any size times one that few digits find."""
    check = gradcli.evaluate(text, {"x": 2.0, "y": 1.5}, wrt=["x"]).check.inputs["x"]
    assert check.verdict == "inconclusive"
    assert check.reason == "the derivative is larger than any float64"
    assert max(tried[in_digits]) <= 100


@pytest.mark.parametrize("text", ["exp(-1e6)*x", "x/2**1e6", "y - x/9**9**9"])
def test_a_slope_below_all_floats_is_zero(text, tried):
    check = gradcli.evaluate(text, {"x": 2.0, "y": 0.0}, wrt=["x"]).check.inputs["x"]
    assert (check.verdict, check.numeric) == ("pass", 0)
    assert max(tried[in_digits], default=0) <= 1000


@pytest.mark.parametrize("text", ["tanh(2**1e6*(x - 2))", "log(9**9**9*x)", "sin(exp(1e6)*x)"])
def test_what_would_need_too_many_digits_is_inconclusive(text, tried):
    """The structure may be as thin as the constant is large."""
    check = gradcli.evaluate(text, {"x": 2.0}).check.inputs["x"]
    assert check.verdict == "inconclusive"
    assert tried[in_digits] == [50]


def test_fewer_orders_are_resolved_where_gates_are_slow(tried):
    for text in ("gamma(x)*log(exp(5000)*x)", "tanh(exp(3000)*erf(x - 2))"):
        assert gradcli.evaluate(text, {"x": 2.0}).check.inputs["x"].verdict == "inconclusive"
    assert gradcli.evaluate("exp(-5000)*gamma(x)", {"x": 2.5}).check.inputs["x"].verdict == "pass"
    assert max(tried[in_digits]) <= 1000


def test_constants_of_some_thousand_orders_are_still_resolved(tried):
    check = gradcli.evaluate("tanh(exp(5000)*(x - 2)) / exp(5000)", {"x": 2.0}).check.inputs["x"]
    assert (check.verdict, check.numeric) == ("pass", 1)
    assert max(tried[in_digits]) > 2 * 2171


@pytest.mark.parametrize(
    ("text", "x"),
    [
        ("x**9**9 * x", 2), ("x**1e300", 2), ("(-x)**1e9", 1.5), ("exp(exp(exp(exp(x))))", 2),
        ("exp2(exp2(exp2(x)))", 13), ("cosh(cosh(cosh(x)))", 9), ("sinh(sinh(sinh(x)))", 10),
        ("10**10**x", 1010), ("gamma(gamma(gamma(x)))", 4.5), ("x**x**x**x**x", 10),
        ("logsumexp(exp(exp(x)), exp(exp(x)))", 9), ("polygamma(5, 5e-324)**2/x", 2),
    ],
)  # fmt: skip
def test_towers_of_powers_end_without_a_verdict(text, x, tried):
    """No jump is seen where a smooth function is too steep to follow, and no number overflows."""
    check = gradcli.evaluate(text, {"x": x}).check.inputs["x"]
    assert check.verdict == "inconclusive"
    assert check.reason
    assert max(tried[many_digits]) <= 1000


def test_a_smooth_function_too_steep_to_follow_does_not_jump():
    steep = gradcli.evaluate("tanh(exp(70*x)*(x - 2))", {"x": 2.0}).check.inputs["x"]
    assert steep.verdict == "inconclusive"
    assert "steep" in steep.reason
    for text in (
        "floor(x)",
        "x if x >= 2 else 0",
        "atan(1/(x - 2))",
        "atan2(x - 2, -1)",
        "0**(x - 2)",
    ):
        check = gradcli.evaluate(text, {"x": 2.0}).check.inputs["x"]
        assert (check.verdict, check.kind) == ("undefined", "jump"), text


# ---------------------------------------------------------------- whole commands


@pytest.mark.parametrize(
    "arguments",
    [
        ["check", "9**9**9 * x", "x=2"],
        ["eval", "sum(x**9**9) * y", "x=[2,0.5]", "y=3", "--hessian"],
        ["eval", "sinh(sinh(sinh(x)))", "x=10", "--jacobian"],
        ["eval", "gamma(x) + digamma(x)", "x=5e-324", "--digits", "1000"],
        ["eval", "2**1e6*x", "x=1", "--digits", "1000"],
    ],
)
def test_a_command_that_took_minutes_ends(arguments):
    """Each takes about a second; a process of its own can be stopped if it does not end."""
    command = [sys.executable, "-m", "gradcli", *arguments]
    ended = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert ended.returncode in (0, 2), ended.stderr
    assert ended.stdout
