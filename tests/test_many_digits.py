"""What many digits cost: how many of them are tried, and where the search ends."""

from __future__ import annotations

import math
import re
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import pytest

import gradcli
from gradcli.arithmetic import digits
from gradcli.arithmetic.bounds import numbers
from gradcli.evaluation import certainty, in_digits, limits, many_digits
from gradcli.gates.table import BUILT_IN
from gradcli.program.reader import read

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


CANCELLING = ("erfcx", "lognormcdf", "sinc")  # their slopes, as 1e-600 is the square of 1e-300
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
    """Infinities are believed from 400 digits on; all else is known before.

    Where terms of a slope cancel 600 digits deep, these are taken at once and not step by step.
    """
    for x in AWKWARD:
        gradcli.evaluate(f"{name}(x)", {"x": x})
        deep = {count for count in tried[many_digits] if count > 400}
        assert len(deep) <= (4 if name in CANCELLING else 0), x  # for the slope, and for its check


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
    "y + 9**9**9*(x/3)",
]  # fmt: skip


@pytest.mark.parametrize("text", SCALED)
def test_what_only_multiplies_the_output_asks_for_no_digits(text, tried):
    """The derivative is a constant of any size times one that few digits find."""
    check = gradcli.evaluate(text, {"x": 2.0, "y": 1.5}, wrt=["x"]).check.inputs["x"]
    assert check.verdict == "inconclusive"
    assert check.reason == "the derivative is larger than any float64"
    assert max(tried[in_digits]) <= 100


def test_a_constant_that_few_digits_do_not_know_takes_as_many_as_its_exponent_has(tried):
    check = gradcli.evaluate("-(10**10**1010*x)", {"x": 2.0}).check.inputs["x"]
    assert (check.verdict, check.reason) == (
        "inconclusive", "the derivative is larger than any float64",
    )  # fmt: skip
    assert max(tried[in_digits]) < 2_500


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


@pytest.mark.parametrize(
    ("text", "slope"),
    [
        ("tanh(exp(70*x)*(x - 2))", math.exp(140)), ("atan(x**200*(x - 2))", 2.0**200),
        ("exp(-60*x)*tanh(exp(60*x)*(x - 2)) + x", 2.0), ("hypot(x - 2, exp(-60*x))", None),
        ("hypot(1e-50/x, x - 2)", -2.5e-51), ("(x - 2)*1e-50 + (x - 2)**2*1e50", 1e-50),
    ],
)  # fmt: skip
def test_structure_that_is_thin_by_what_is_computed_is_seen(text, slope):
    """Steps are as short as the operands of the gates allow, whatever makes them move."""
    slope = -60 * math.exp(-120) if slope is None else slope
    assert gradcli.evaluate(text, {"x": 2.0}).check.inputs["x"].kind == "smooth"
    assert gradcli.check(text, {"x": 2.0}, {"x": slope}).verdict == "pass"
    for wrong in (0.0, 0.7, 1.0, 2 * slope):
        assert gradcli.check(text, {"x": 2.0}, {"x": wrong}).verdict == "fail"


def test_what_jumps_is_undefined():
    for text in (
        "floor(x)",
        "x if x >= 2 else 0",
        "atan(1/(x - 2))",
        "atan2(x - 2, -1)",
        "0**(x - 2)",
    ):
        check = gradcli.evaluate(text, {"x": 2.0}).check.inputs["x"]
        assert (check.verdict, check.kind) == ("undefined", "jump"), text


def test_a_jump_far_below_all_usual_digits_is_one():
    check = gradcli.evaluate("erfc(floor(x))", {"x": -37.0}).check.inputs["x"]
    assert (check.verdict, check.kind) == ("undefined", "jump")


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


# ---------------------------------------------------------------- what stands deep

DEEP = [
    ("1/sqrt(1 - tanh(x)**2)", 500, 7.0179610892641871e216, 7.0179610892641871e216),
    ("-log(1 - sigmoid(x))", 300, 300, 1),
    ("-log(1 - sigmoid(x))", 2000, 2000, 1),
    ("atanh(tanh(x))", 500, 500, 1),
    ("log(1 - erf(x))", 27, -732.86888650789738, -54.036986405124360),
    ("log(1 - erf(x))", 40, -1604.2615566532736, -80.024984399357773),
    ("(log(1 + exp(x)) - x)*exp(x)", 3000, 1, 0),
    ("log(softplus(x) - x)", 4000, -4000, -1),
    ("log(cosh(x) - sinh(x))", 3000, -3000, -1),
    ("log(exp(x) - expm1(x))", 2500, 0, 0),
    ("log(1 - exp(-exp(-x)))", 900, -900, -1),
    ("log(logsumexp(x, 0) - x)", 1500, -1500, -1),
    ("log(hypot(exp(x), 1) - exp(x))", 800, -800 - 0.69314718055994531, -1),
    ("((x + 1e100) + 1e250) - 1e250 - 1e100", 3, 3, 1),
    ("log(gamma(x))", 200, 857.93366982585744, 5.2958152832199116),
]


@pytest.mark.parametrize(("text", "x", "value", "slope"), DEEP)
def test_what_stands_below_the_digits_is_found_where_the_exponents_say(text, x, value, slope):
    """As far as 1,700 digits below the first ones, and the check finds it as well."""
    report = gradcli.evaluate(text, {"x": x})
    assert report.value == pytest.approx(value, rel=1e-15, abs=0)
    assert report.gradients["x"] == pytest.approx(slope, rel=1e-15, abs=1e-300)
    assert report.check.inputs["x"].verdict == "pass"


@pytest.mark.parametrize(
    ("text", "x"),
    [
        ("1/(sin(x)**2 + cos(x)**2 - 1)", 1.0), ("log(sin(x)**2 + cos(x)**2 - 1)", 1.0),
        ("-log(1 - sigmoid(x))", 1e6), ("1/(1 - tanh(x))", 1e9), ("log(1 - erf(x))", 1e4),
        ("log(log(exp(exp(exp(x)))))", 10.0), ("log(1 - erf(x))", 1e11),
    ],
)  # fmt: skip
def test_what_many_digits_do_not_tell_is_unknown_and_never_infinite(text, x):
    report = gradcli.evaluate(text, {"x": x})
    assert math.isnan(report.value)
    assert report.bound == math.inf
    assert any("is unknown: " in note for note in report.notes)
    assert report.check.inputs["x"].verdict == "inconclusive"


@pytest.mark.parametrize(
    ("text", "x", "value"),
    [
        ("1/x", 0.0, math.inf), ("log(x) + exp(1)", 0.0, -math.inf), ("log(1/x)", 0.0, math.inf),
        ("exp(exp(exp(exp(x))))", 2.2, math.inf), ("1/(1 + exp(exp(exp(exp(x)))))", 3.0, 0.0),
        ("tanh(exp(exp(exp(exp(x)))))", 3.0, 1.0), ("9**9**9*x", -2.0, -math.inf),
    ],
)  # fmt: skip
def test_certain_poles_and_what_is_larger_than_any_float_are_infinite(text, x, value):
    report = gradcli.evaluate(text, {"x": x}, check=False)
    assert report.value == value
    assert not any("the value is unknown" in note for note in report.notes)
    assert value or report.bound > 0


def test_a_difference_of_nothing_is_zero_to_all_the_digits_that_were_tried():
    report = gradcli.evaluate("sin(x)**2 + cos(x)**2 - 1", {"x": 1.0}, check=False)
    assert (report.value, report.bound) == (0, 5e-324)
    text = "(sin(x)**2 + cos(x)**2 - 1)*exp(3000)"
    report = gradcli.evaluate(text, {"x": 1.0}, check=False)
    assert (report.value, report.bound) == (0, 5e-324)
    tried = re.search(r"zero to (\d+) digits", report.notes[-1])
    assert tried
    assert int(tried[1]) >= 1_000
    u = "log(cosh(x))"  # 5e-601, of which this is a sixth of the square: 4.2e-1202
    report = gradcli.evaluate(f"({u} - sin({u}))/{u}", {"x": -1e-300}, check=False)
    assert (report.value, report.bound) == (0, 5e-324)


def test_cancellations_one_after_the_other_lose_more_digits_than_anything_is_deep():
    """The value of cosh - sinh loses 521 digits, and its gradient as many again."""
    report = gradcli.evaluate("log(cosh(x) - sinh(x))", {"x": 600.0}, check=False)
    assert report.gradients == {"x": -1.0}
    assert report.gradient_bounds["x"] < 1e-15


@pytest.mark.parametrize(
    ("text", "x"), [("sqrt(x)**(x - x)", -1.0), ("atanh(hypot(exp(-x), 1))", 40.0)]
)
def test_what_is_outside_the_domain_has_no_value(text, x):
    """Though float64 gives 1 and infinity."""
    report = gradcli.evaluate(text, {"x": x})
    assert math.isnan(report.value)
    assert math.isnan(report.gradients["x"])
    assert report.check.verdict == "undefined"


# ---------------------------------------------------------------- limits that are said


def test_digits_that_are_not_to_be_had_are_refused():
    ones = [1.0] * 700
    assert len(gradcli.evaluate("sum(exp(w))", {"w": ones}, digits=360).decimal["value"]) > 360
    with pytest.raises(gradcli.GradcliError, match="361 digits are for at most 2000 gates"):
        gradcli.evaluate("sum(exp(w))", {"w": ones}, digits=361)


def test_large_graphs_have_bounds_or_say_that_they_have_none(monkeypatch):
    text = f"(x {'+ 0*x' * 20_001}) + 1e16 - 1e16"
    report = gradcli.evaluate(text, {"x": 0.3}, check=False)
    assert abs(report.value - 0.3) <= report.bound
    assert "only those that are certain are shown" in report.notes[-1]
    monkeypatch.setattr(certainty, "MOST_WITH_BOUNDS", 20_000)
    report = gradcli.evaluate(text, {"x": 0.3}, check=False)
    assert report.bound is None
    assert "not certified" in report.notes[-1]


@pytest.mark.parametrize(("text", "value"), [
    ("tanh(exp(x))", 1.0), ("tanh(-exp(exp(x)))", -1.0), ("sigmoid(exp(x))", 1.0),
    ("erf(exp(x))", 1.0), ("atan(exp(exp(x)))", math.pi / 2),
])  # fmt: skip
def test_gates_that_level_out_have_a_value_where_many_digits_do_not_reach(text, value):
    report = gradcli.evaluate(text, {"x": 800.0}, check=False)
    assert report.value == value
    assert report.bound <= 2.0**-52


def test_threads_have_the_digits_of_one():
    """The special functions change the precision of a context for a while."""
    texts = ["log(1 + exp(x)) - x", "(1 - cos(x))/x**2 + lgamma(x)", "digamma(x) - digamma(x)"]
    points = [(text, x) for text in texts for x in (30.25, 40.5, 1e-9)]
    alone = [gradcli.evaluate(text, {"x": x}, check=False) for text, x in points]
    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-5)
    try:
        with ThreadPoolExecutor(4) as pool:
            together = [
                [pool.submit(gradcli.evaluate, text, {"x": x}, check=False) for text, x in points]
                for _ in range(8)
            ]
    finally:
        sys.setswitchinterval(interval)
    for reports in together:
        for one, other in zip(alone, reports, strict=True):
            report = other.result()
            assert (report.value, report.gradients) == (one.value, one.gradients)


# ---------------------------------------------------------------- nothing is computed twice


def test_limits_are_searched_once_for_numbers_and_check(monkeypatch):
    """Both ask for every leaf whose slope reverse mode does not know."""
    leaves, search = [], limits.Search

    def counted(point, leaf, *more):
        leaves.append(leaf)
        return search(point, leaf, *more)

    monkeypatch.setattr(limits, "Search", counted)
    report = gradcli.evaluate("sqrt(x) + sqrt(y)", {"x": 0.0, "y": 0.0})
    assert report.check.verdict == "pass"
    assert len(leaves) == len(set(leaves)) == 2


@pytest.mark.parametrize("name", ["exp", "gamma", "exp2", "sqrt"])
@pytest.mark.parametrize(("value", "error"), [(0.5, 0.0), (0.5, 1e-60), (0.5, 0.01), (0.0, 1e-60)])
def test_a_bounded_gate_is_evaluated_once(monkeypatch, name, value, error):
    """The careful form takes the value that the ordinary one has already computed."""
    arithmetic, calls = digits.digits(51), []
    evaluate = arithmetic.function(name, BUILT_IN)

    def counted(x):
        calls.append(x)
        return evaluate(x)

    rules = numbers.NumberBounds(numbers._base_of_digits(arithmetic), numbers.BoundedDigits)
    monkeypatch.setitem(arithmetic._scope(BUILT_IN), name, counted)
    rules.function(name, BUILT_IN)(rules.pair(arithmetic.number(value), arithmetic.number(error)))
    assert len(calls) == 1


def test_a_slope_below_float64_is_not_told_as_exactly_zero():
    report = gradcli.evaluate("logsumexp(x, 0)", {"x": -1e300})
    assert report.gradients["x"] == 0.0
    assert report.gradient_bounds["x"] >= 5e-324


@pytest.mark.parametrize("text", ["x**x", "sqrt(x**x)", "max(sqrt(x)**2, x**x)"])
def test_slopes_that_grow_as_a_logarithm_are_infinite(text):
    report = gradcli.evaluate(text, {"x": 0.0})
    assert report.gradients["x"] == -math.inf
    answer = report.check.inputs["x"]
    assert (answer.verdict, answer.kind) == ("pass", "infinite")


def test_a_condition_that_is_a_number_at_0_is_about_to_change():
    report = gradcli.evaluate("where(x, 2*x, 0)", {"x": 0.0})
    assert report.gradients["x"] == 2.0
    assert report.check.inputs["x"].verdict == "pass"


def test_no_gradient_is_computed_in_many_digits_where_none_is_asked_for(monkeypatch):
    def refused(*_):
        raise AssertionError("an array without an upstream gradient has no gradients")

    monkeypatch.setattr(many_digits, "backward", refused)
    answer = gradcli.evaluate("1 - cos(x)", {"x": [1e-9, 2e-9]})
    assert answer.arithmetic == "mpmath"
    assert answer.value == pytest.approx([5e-19, 2e-18], rel=1e-15)


@pytest.mark.parametrize(
    ("condition", "x", "is_left_out"),
    [
        ("x > 0", 5e-324, True),
        ("x > 0", 0.0, False),
        ("x", 1e-300, True),
        ("x", 0.0, False),
        ("floor(x) > 0.5", 1.0, False),
        ("floor(x) > 0.5", 1.5, True),
        ("1/x > 0", 0.0, False),
        ("x**x > 2", 0.0, False),
        ("(x > 0)*(x < 2)", 1.0, True),
        ("(x > 0)*(x < 2)", 2.0, False),
        ("max(x, 1) - 1 > -0.5", 1.0, False),
        ("x*x - 2 > 0", 2.0**0.5, False),  # rounding might have turned it
    ],
)
def test_a_branch_that_no_short_step_takes_is_left_out(condition, x, is_left_out):
    text = f"where({condition}, gamma(x), digamma(x))"
    program = read(text, "<test>", {"x": x})
    point = in_digits.InDigits(program.graph, [x], program.output)
    names = {gate.name for gate in point.taken.graph.gates}
    assert len(names & {"gamma", "digamma"}) == 2 - is_left_out


def test_what_the_branch_that_is_not_taken_would_cost_is_not_paid():
    point = {"x": 5e-324, "w": 1e-3}
    text = "where(x > 0, abs(w), erfcx(polygamma(2, w)))"
    entries = gradcli.check(text, point, hessian=True).cases[0].entries
    assert {entry.verdict for entry in entries.values()} == {"pass"}


def test_an_input_of_a_branch_that_is_not_taken_has_no_slope_where_f_has_no_value():
    text = "sqrt(where(0, leaky_relu(z), digamma(y)))"
    program = read(text, "<test>", {"z": 0.0, "y": 0.5})
    inputs = [0.5 if name == "y" else 0.0 for name in program.graph.inputs]
    point = in_digits.InDigits(program.graph, inputs, program.output)
    assert limits.limit(point, program.graph.inputs["z"]).kind == "nan"


# ---------------------------------------------------------------- what no float64 holds on the way

OUT_OF_FLOATS = [
    ("exp(x)**1e-300", 1e300, math.e, 0.0), ("exp(x)**(1/x)", 1e300, math.e, 0.0),
    ("sqrt(exp(x))**2e-300", 1e300, math.e, 0.0), ("erfc(x)**1e-300", 1e150, 1 / math.e, 0.0),
    ("log(erfc(x))", 1e150, -1e300, -2e150), ("log(normcdf(-x))", 1e5, -5000000012.431864, -1e5),
    ("log(normpdf(x))", 200.0, -20000.918938533203, -200.0),
    ("log(normcdf(x))", -200.0, -20006.21728089819, 200.00499975003123),
    ("normpdf(x) * exp(x**2 / 2)", 300.0, 0.3989422804014327, 0.0),
    ("log(-gelu(x))", -500.0, -125000.91894253317, 499.99999998400034),
]  # fmt: skip


@pytest.mark.parametrize(("text", "x", "value", "slope"), OUT_OF_FLOATS)
def test_what_is_beyond_float64_on_the_way_is_neither_0_nor_infinity(text, x, value, slope):
    report = gradcli.evaluate(text, {"x": x})
    assert report.value == pytest.approx(value, rel=1e-15)
    assert report.gradients["x"] == pytest.approx(slope, rel=1e-9, abs=1e-100)
    assert report.check.verdict == "pass"


def test_a_root_of_what_is_beyond_float64_and_negative_has_no_value():
    report = gradcli.evaluate("sinh(x)**1e-300", {"x": -1e300})
    assert math.isnan(report.value)
    assert report.check.verdict == "undefined"


def test_an_angle_that_loses_its_turns_is_known_in_many_digits():
    report = gradcli.evaluate("cos(x)", {"x": 5.319372648326541e255})
    assert report.value == -4.687165924254628e-19  # the C library's cosine is 14 units off


SILU_AT_ITS_ZERO = -2.452007938935708e-17  # at the float64 next to it


def test_few_gradients_are_computed_again_without_what_they_do_not_reach(monkeypatch):
    bounding, left_out = many_digits.Bounding, []

    def counted(graph, count, at_limits, snaps, known):
        left_out.append(len(known))
        return bounding(graph, count, at_limits, snaps, known)

    monkeypatch.setattr(many_digits, "Bounding", counted)
    xs = [0.01 * k - 3 for k in range(600)]
    xs[7] = -1.2784645427610738  # where the slope of silu is 0 but for rounding
    report = gradcli.evaluate("sum(silu(X))", {"X": xs}, check=False)
    assert len(left_out) == 2
    assert min(left_out) >= 599
    assert report.gradients["X"][7] == pytest.approx(SILU_AT_ITS_ZERO, rel=1e-12)
    assert report.gradient_bounds["X"][7] <= 1e-15 * abs(SILU_AT_ITS_ZERO)
