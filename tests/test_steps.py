"""`gradcli steps`: the errors of numeric derivatives against the step."""

from __future__ import annotations

import json
import math
import subprocess
import sys

import mpmath
import pytest
from jsonschema import Draft202012Validator

from gradcli import api
from gradcli.errors import LayoutError, LimitError, UsageError
from gradcli.render.curves.chart import Axis, Curve, chart
from gradcli.reports.schemas import schema_text

SCHEMA = Draft202012Validator(json.loads(schema_text("steps")))
SMOOTH = [
    ("sin(x)", 1.0, mpmath.sin),
    ("exp(x)/x", 0.7, lambda x: mpmath.exp(x) / x),
    ("log(1 + exp(3*x))", -0.4, lambda x: mpmath.log(1 + mpmath.exp(3 * x))),
    ("tanh(x)*x**3", 1.3, lambda x: mpmath.tanh(x) * x**3),
    ("sqrt(x)*cos(x)", 40.0, lambda x: mpmath.sqrt(x) * mpmath.cos(x)),
]
ORDERS = {"forward": 1, "central": 2, "extrapolated": 4, "complex": 2}


def curves_of(text, x):
    (curves,) = api.steps(text, {"x": x}).inputs
    return curves, {curve.method: curve for curve in curves.curves}


@pytest.mark.parametrize(("text", "x", "_"), SMOOTH, ids=[text for text, *_ in SMOOTH])
def test_truncation_and_rounding_have_their_slopes(text, x, _):
    _, by_method = curves_of(text, x)
    assert list(by_method) == list(ORDERS)
    for method, curve in by_method.items():
        assert curve.truncation_slope == pytest.approx(ORDERS[method], abs=0.1)
        if method != "complex":
            assert curve.rounding_slope == pytest.approx(-1, abs=0.2)
    assert by_method["complex"].rounding_slope is None  # nothing cancels
    assert by_method["complex"].errors[-1] < 1e-15


@pytest.mark.parametrize(("text", "x", "f"), SMOOTH, ids=[text for text, *_ in SMOOTH])
def test_the_values_are_those_of_the_formulas_and_the_errors_are_true(text, x, f):
    curves, by_method = curves_of(text, x)
    with mpmath.workdps(40):
        slope = mpmath.diff(f, x)
        assert curves.gradient == pytest.approx(float(slope), rel=1e-15)
        h = by_method["central"].steps[8]
        exact = (f(mpmath.mpf(x) + h) - f(mpmath.mpf(x) - h)) / (2 * h)
        assert by_method["central"].values[8] == pytest.approx(float(exact), rel=1e-10)
        for curve in curves.curves:
            for value, error in zip(curve.values[::7], curve.errors[::7], strict=True):
                true = abs((value - slope) / slope)
                assert error == pytest.approx(float(true), rel=1e-2, abs=3e-16)


@pytest.mark.parametrize(("text", "x", "_"), SMOOTH, ids=[text for text, *_ in SMOOTH])
def test_the_bound_lies_above_the_error_at_every_step(text, x, _):
    curves, by_method = curves_of(text, x)
    errors = dict(
        zip(by_method["extrapolated"].steps, by_method["extrapolated"].errors, strict=True)
    )
    assert len(curves.bounds) > 50
    for step, bound in zip(curves.bound_steps, curves.bounds, strict=True):
        assert errors[step] <= bound, step


def test_the_step_is_the_one_that_the_checker_took():
    curves, _ = curves_of("sin(x)", 1.0)
    check = api.evaluate("sin(x)", {"x": 1.0}).check.inputs["x"]
    chosen = curves.chosen
    assert chosen.value == check.numeric
    assert chosen.bound == pytest.approx(check.bound / abs(curves.gradient))
    assert chosen.error <= chosen.bound
    assert math.frexp(chosen.step)[0] == 0.5  # its steps are powers of two


def test_at_a_kink_the_checker_takes_none_and_says_why():
    curves, _ = curves_of("abs(x)", 0.0)
    assert curves.chosen.step is None
    assert curves.chosen.reason == "a gate is at its kink"
    assert curves.bounds == []


def test_errors_to_a_convention_are_called_that():
    (note,) = api.steps("abs(x)", {"x": 0}).notes
    assert note == "dx: a gate is at its kink: the errors are to 0, which may be a convention"


@pytest.mark.parametrize(("text", "x"), [("log(x)", -1), ("exp(x)", 1000), ("1/x", 0)])
def test_where_there_is_no_value_there_is_nothing_to_compare_with(text, x):
    with pytest.raises(UsageError, match="at this point, and has no derivative"):
        api.steps(text, {"x": x})


@pytest.mark.parametrize(
    ("text", "slope"),
    [("sqrt(x)", "inf"), ("tanh(2**1e6 - x) * (1 if x > 5 else cos(x))", "nan")],
)
def test_where_the_slope_is_not_finite_no_error_is(gradcli, text, slope):
    ended = gradcli("steps", text, "x=0")
    assert ended.code == 0
    assert f"no difference by x has an error that is finite: dx is {slope}" in ended.out
    data = json.loads(gradcli("steps", text, "x=0", "--json").out)
    SCHEMA.validate(data)
    assert data["inputs"][0]["curves"] == []


@pytest.mark.parametrize("x", [0.0, 5e-324, 1e-320, 1e-300, 1e300, -1e308])
def test_inputs_of_any_size_have_curves(x):
    curves, by_method = curves_of("x*0.5", x)
    assert min(by_method["forward"].errors) < 1e-6
    assert all(curve.truncation_slope is None for curve in curves.curves)


def test_steps_stay_below_the_size_of_the_input():
    curves, by_method = curves_of("log(x)", 3e-8)
    assert max(by_method["central"].steps) == pytest.approx(1e-8)
    assert min(by_method["forward"].errors) < 1e-6
    curves, by_method = curves_of("x*x", 0.0)
    assert (curves.is_relative, by_method["forward"].errors[0]) == (False, 1.0)


def test_a_gate_without_complex_form_is_named():
    report = api.steps("x*gamma(x)", {"x": 2.5})
    assert [curve.method for curve in report.inputs[0].curves] == list(ORDERS)[:3]
    assert report.notes == ["no complex step: `gamma` is computed of real numbers only"]
    beside = api.steps("x*gamma(y)", {"x": 2.5, "y": 3}, wrt=["x"])
    assert [curve.method for curve in beside.inputs[0].curves] == list(ORDERS)  # y stays real


GATES = ["expm1(x)", "log1p(x)", "cbrt(x)", "cbrt(-x)", "atan2(x, 2)", "atan2(2, x)", "atan2(x, -2)",
         "hypot(x, 3)", "logsumexp(x, 2*x, 1)", "max(x, 0.1)*x", "relu(x)*x", "abs(x)*x", "x**2.5",
         "(-x)**3", "2**x", "sigmoid(x)", "exp2(x)", "log2(x)", "log10(x)", "where(x > 0, x*x, 1)",
         "softplus(x)", "huber(x)*x", "asinh(x)", "floor(x)*x", "sinc(x)"]  # fmt: skip


@pytest.mark.parametrize("text", GATES)
def test_complex_gates_have_the_slope_of_real_ones(text):
    _, by_method = curves_of(text, 0.7)
    assert by_method["complex"].errors[40] < 1e-14


def test_arrays_are_looked_at_number_by_number():
    report = api.steps("sum(exp(W@x))", {"W": [[1, 2]], "x": [0.1, 0.2]}, wrt=["x"])
    assert [curves.name for curves in report.inputs] == ["x[0]", "x[1]"]


@pytest.mark.parametrize("upstream", [3.0, -0.5, 0.0])
def test_an_upstream_gradient_multiplies_all(upstream):
    plain, _ = curves_of("sin(x)", 1.0)
    (scaled,) = api.steps("sin(x)", {"x": 1.0}, upstream=upstream).inputs
    assert scaled.gradient == pytest.approx(upstream * plain.gradient)
    assert scaled.chosen.value == pytest.approx(upstream * plain.chosen.value)
    assert scaled.is_relative == bool(upstream)
    if upstream:
        for ours, theirs in zip(scaled.curves, plain.curves, strict=True):
            assert ours.errors == pytest.approx(theirs.errors, rel=1e-2, abs=1e-15)
    array = api.steps("x*[2, 3]", {"x": 1.0}, upstream=[1, 10]).inputs[0]
    assert array.gradient == 32.0


def test_random_numbers_are_said_to_be():
    note = "random numbers drawn with seed 3 (--seed N)"
    assert api.steps("sum(w)*x", {"x": 1, "w": "randn(3)"}, seed=3, wrt=["x"]).notes == [note]
    assert api.plot("sum(w)*x", {"x": "0:1", "w": "randn(3)"}, seed=3).notes == [note]


def test_too_many_inputs_and_too_large_programs_are_refused(monkeypatch):
    with pytest.raises(UsageError, match="9 inputs are too many"):
        api.steps("sum(x*x)", {"x": [1.0] * 9})
    monkeypatch.setattr("gradcli.tasks.steps.MOST_EVALUATIONS", 1000)
    with pytest.raises(LimitError, match="the curves would take 2e\\+03 evaluations of gates"):
        api.steps("x*y", {"x": 1, "y": 2}, wrt=["x"])


# -------------------------------------------------------------------- formats


def test_json(gradcli):
    data = json.loads(gradcli("steps", "sin(x)", "x=1", "--json").out)
    SCHEMA.validate(data)
    SCHEMA.validate(json.loads(gradcli("steps", "abs(x)*gamma(y)", "x=0", "y=2", "--json").out))
    assert data["schema"] == "gradcli.steps/1"
    (one,) = data["inputs"]
    assert (one["name"], one["value"], one["gradient"]) == ("x", 1.0, 0.5403023058681398)
    assert [curve["order"] for curve in one["curves"]] == [1, 2, 4, 2]
    assert {len(c["steps"]) == len(c["values"]) == len(c["errors"]) for c in one["curves"]} == {
        True
    }
    assert one["checker"].keys() == {"step", "value", "error", "bound", "reason"}


@pytest.mark.parametrize("columns", [40, 60, 100])
def test_the_chart_fits_its_terminal(gradcli, monkeypatch, columns):
    monkeypatch.setenv("COLUMNS", str(columns))
    told = gradcli("steps", "sin(x)", "x=1").out
    assert max(map(len, told.split("\n"))) <= columns
    assert told.startswith("sin(x): dx = 0.540302305868 at x = 1:")
    for word in (
        "f forward: ",
        "c central: ",
        "x extrapolated: ",
        "i complex: ",
        "O the checker: ",
    ):
        assert word in told
    field = [line.partition("│")[2] or line.partition("┤")[2] for line in told.split("\n")]
    assert {mark for line in field for mark in line} >= {*"fcxi.O"}


def test_a_chart_has_its_points_where_they_belong():
    points = [(1.0, 1.0), (10.0, 100.0), (100.0, 1e4)]
    x, y = Axis(1.0, 100.0, True), Axis(1.0, 1e4, True)
    lines = ["".join(text for text, _ in line)
             for line in chart([Curve("*", "", points)], x, y, 21, 7, is_ascii=True)]  # fmt: skip
    assert [line.rstrip() for line in lines] == [
        "      |                    *",
        "      |",
        "1e+03 +",
        "      |          *",
        "      |",
        "      |",
        "1e+00 +*",
        "      ++-------------------+",
        "       1e+00             1e+02",
    ]


def test_what_is_outside_an_axis_is_left_out():
    axis = Axis(1.0, 10.0, True)
    assert [axis.place(x) for x in (0.0, -1.0, math.nan, math.inf, 11.0)] == [None] * 5
    assert Axis(-1.0, 1.0).ticks(5) == [-1.0, -0.5, 0.0, 0.5, 1.0]


SIGNATURES = {"png": b"\x89PNG", "svg": b"<?xml", "pdf": b"%PDF"}


@pytest.mark.slow
@pytest.mark.parametrize("form", SIGNATURES)
def test_pictures(gradcli, tmp_path, form):
    pytest.importorskip("matplotlib", reason="pictures of curves need the extra `plot`")
    for words in (["steps", "sin(x)", "x=1"], ["plot", "abs($x)".replace("$", ""), "x=-1:1"],
                  ["plot", "x*y", "x=-1:1", "y=0:1"]):  # fmt: skip
        ended = gradcli(*words, "-o", f"r.{form}")
        assert (ended.code, ended.out, ended.err) == (0, "", "")
        first = (tmp_path / f"r.{form}").read_bytes()
        assert first.startswith(SIGNATURES[form])
        gradcli(*words, "-o", f"r.{form}")
        assert (tmp_path / f"r.{form}").read_bytes() == first  # no time, no chance


@pytest.mark.parametrize("words", [["steps", "sin(x)", "x=1"], ["plot", "sin(x)", "x=-1:1"]])
def test_without_matplotlib_a_picture_is_refused_with_what_to_install(
    gradcli, monkeypatch, tmp_path, words
):
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    ended = gradcli(*words, "-o", "r.svg")
    assert ended.code == 2
    assert 'python3 -m pip install "matplotlib>=3.8"' in ended.err
    assert list(tmp_path.iterdir()) == []
    assert LayoutError.exit_code == 2


def test_neither_numpy_nor_mpmath_is_loaded_for_numbers():
    script = ("import sys; from gradcli.api import steps; steps('sin(x)', {'x': 1.0});"
              " print(sorted({'numpy', 'mpmath', 'matplotlib'} & sys.modules.keys()))")  # fmt: skip
    told = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    assert told.stdout == "[]\n"


def test_there_are_no_steps_from_infinity(gradcli):
    ended = gradcli("steps", "sin(y) + 0*exp(-x)", "x=inf", "y=1")
    assert (ended.code, "not finite" in ended.err) == (2, True)


def test_what_nothing_rounds_has_no_slope_of_rounding():
    forward = api.steps("x**2", {"x": 0}).inputs[0].curves[0]
    assert forward.truncation_slope == pytest.approx(1.0)
    assert forward.rounding_slope is None
