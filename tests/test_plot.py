"""`gradcli plot`: value and gradient over one input or two, kinks and jumps where they are."""

from __future__ import annotations

import json
import math

import pytest
from jsonschema import Draft202012Validator

from gradcli import api
from gradcli.errors import LimitError
from gradcli.render.curves.chart import seen
from gradcli.reports.schemas import schema_text

SCHEMA = Draft202012Validator(json.loads(schema_text("plot")))


def marks(text, low=-2.0, high=2.0):
    return [tuple(mark) for mark in api.plot(text, {"x": f"{low}:{high}"}).line.marks]


MARKS = {
    "abs(x - 0.5) + relu(x)": [("kink", 0.0, -1.0, 0.0), ("kink", 0.5, 0.0, 2.0)],
    "max(x, x**2)": [("kink", 0.0, 0.0, 1.0), ("kink", 1.0, 1.0, 2.0)],
    "where(x > 1, 2*x, x**2)": [("jump", 1.0, 1.0, 2.0)],
    "where(x > 1, x, x**2)": [("kink", 1.0, 2.0, 1.0)],
    "floor(x + 0.3)": [("jump", k - 0.3, k - 1.0, float(k)) for k in (-1, 0, 1, 2)],
    "relu(x) - relu(-x)": [],  # two kinks that are none together
    "abs(x)*x": [],
    "sqrt(abs(x))": [("kink", 0.0, -math.inf, math.inf)],
    "abs(sin(3*x))": [("kink", k * math.pi / 3, -3.0, 3.0) for k in (-1, 0, 1)],
    "hypot(x, 0)": [("kink", 0.0, -1.0, 1.0)],
    "sign(x)": [("jump", 0.0, -1.0, 1.0)],
    "x**3": [],
}


@pytest.mark.parametrize("text", MARKS)
def test_kinks_and_jumps_are_found_to_the_last_digit(text):
    found = marks(text)
    assert [kind for kind, *_ in found] == [kind for kind, *_ in MARKS[text]]
    for (_, x, left, right), (_, at, before, after) in zip(found, MARKS[text], strict=True):
        assert x == pytest.approx(at, abs=1e-12)
        assert (left, right) == pytest.approx((before, after), rel=1e-6, abs=1e-6)


def test_what_does_not_reach_the_output_is_no_mark():
    assert marks("a = abs(x); f = x*x + 0*a", -2, 2) == []


def test_values_and_gradients_are_the_engines():
    line = api.plot("sin(x)*c", {"x": "-1:3", "c": 2}).line
    assert (line.xs[0], line.xs[-1], len(line.xs)) == (-1.0, 3.0, 401)
    for x, value, slope in zip(line.xs[::50], line.values[::50], line.gradients[::50], strict=True):
        assert value == pytest.approx(2 * math.sin(x), rel=1e-15)
        assert slope == pytest.approx(2 * math.cos(x), rel=1e-14)


def test_a_convention_is_no_slope():
    """Reverse mode gives 0 for relu(x) - relu(-x) at 0, whose slope is 1; at a kink is none."""
    line = api.plot("relu(x) - relu(-x)", {"x": "-2:2"}).line
    assert line.xs[200] == 0.0
    assert {round(slope, 6) for slope in line.gradients} == {1.0}
    assert math.isnan(api.plot("abs(x)", {"x": "-2:2"}).line.gradients[200])


def test_where_there_is_no_value_there_is_nan():
    line = api.plot("log(x)", {"x": "-1:1"}).line
    assert math.isnan(line.values[0])
    assert line.values[200] == -math.inf
    assert line.values[-1] == 0.0


def test_a_note_says_where_float64_loses_the_curve():
    note, gap = api.plot("(1 - cos(x))/x**2", {"x": "-1e-7:1e-7"}).notes
    assert gap == "1 of 401 points has no value, that at x = 0"
    assert note.startswith("plain float64 loses what one would see here, for x from -1e-07")
    assert api.plot("(1 - cos(x))/x**2", {"x": "1:2"}).notes == []


def test_a_surface_has_its_rows_by_the_second_input():
    surface = api.plot("x**2 * y", {"x": "-2:2", "y": "0:1"}).surface
    assert surface.names == ("x", "y")
    assert (surface.xs[40], surface.ys[20]) == (2.0, 0.5)
    assert surface.values[20][40] == 2.0
    assert [part[20][40] for part in surface.gradients] == [2.0, 4.0]


def test_ranges_among_arrays():
    line = api.plot("sum((W@[x, 1])**2)", {"x": "0:1", "W": [[1, 2], [3, 4]]}).line
    assert line.values[-1] == 58.0


@pytest.mark.parametrize(
    ("text", "bounds", "note"),
    [
        ("log(x)", "-1:1", ["200 of 401 points have no value, for x from -1 to -0.005"]),
        ("sqrt(x)", "-2:-1", ["no point has a value, for x from -2 to -1"]),
        ("log(abs(x) + 1)", "-1:1", []),
    ],
)
def test_where_there_is_no_value_there_is_no_slope(text, bounds, note):
    plot = api.plot(text, {"x": bounds})
    assert plot.notes == note
    assert all(
        math.isnan(slope)
        for value, slope in zip(plot.line.values, plot.line.gradients, strict=True)
        if math.isnan(value)
    )
    surface = api.plot(f"({text})*y", {"x": bounds, "y": "1:2"}).surface
    for k in range(2):
        assert all(
            math.isnan(slope)
            for row, slopes in zip(surface.values, surface.gradients[k], strict=True)
            for value, slope in zip(row, slopes, strict=True)
            if math.isnan(value)
        )


REFUSED = {
    ("x*y", "x=1", "y=2"): "no inputs have a range",
    ("x*y*z", "x=0:1", "y=0:1", "z=0:1"): "3 inputs have a range",
    ("x", "x=1:1"): "the range of `x` is a single point",
    ("x", "x=2:1"): "`x=2:1` is not a range\n  help: write LOW:HIGH, the lower end comes first",
    ("x", "x=0:inf"): "`x=0:inf` is not a range\n  help: write LOW:HIGH, its ends are finite",
    ("x*[1,2]", "x=0:1"): "the output is an array, and a curve needs one number",
    ("y*y", "y=1", "x=0:1"): "`x` is no input of the program that is a number",
}


@pytest.mark.parametrize("words", REFUSED, ids=" ".join)
def test_what_has_no_curve_is_refused(gradcli, words):
    ended = gradcli("plot", *words)
    assert (ended.code, ended.out) == (2, "")
    assert REFUSED[words] in ended.err


def test_too_large_programs_are_refused(monkeypatch):
    monkeypatch.setattr("gradcli.tasks.plots.MOST_RUNS", 1000)
    with pytest.raises(LimitError, match="the curves would take 1e\\+03 evaluations of gates"):
        api.plot("sin(x)*x", {"x": "0:1"})


# -------------------------------------------------------------------- formats


def test_json(gradcli):
    data = json.loads(gradcli("plot", "abs(x)", "x=-1:1", "--json").out)
    SCHEMA.validate(data)
    SCHEMA.validate(json.loads(gradcli("plot", "log(x)", "x=-1:1", "--json").out))
    assert (data["schema"], data["expression"], data["surface"]) == (
        "gradcli.plot/1",
        "abs(x)",
        None,
    )
    assert data["line"]["marks"] == [{"kind": "kink", "x": 0.0, "left": -1.0, "right": 1.0}]
    data = json.loads(gradcli("plot", "x*y", "x=-1:1", "y=0:1", "--json").out)
    SCHEMA.validate(data)
    assert (data["line"], data["surface"]["names"]) == (None, ["x", "y"])


@pytest.mark.parametrize("columns", [40, 60, 100])
def test_the_charts_fit_their_terminal(gradcli, monkeypatch, columns):
    monkeypatch.setenv("COLUMNS", str(columns))
    told = gradcli("plot", "abs(x - 1)", "x=-2:2").out
    assert max(map(len, told.split("\n"))) <= columns
    assert "^ kink at x = 1: slopes -1 and 1\n" in told
    told = gradcli("plot", "x*x + y", "x=-2:2", "y=0:1").out
    assert max(map(len, told.split("\n"))) <= columns
    assert {*told} >= {"↑", "↖", "↗"}


def test_the_place_of_a_kink_has_all_its_digits_if_asked_for(gradcli):
    words = ["plot", "abs(x - pi/4)", "x=0:1"]
    assert "^ kink at x = 0.785398163397: slopes -1 and 1\n" in gradcli(*words).out
    assert "^ kink at x = 0.7853981633974483: slopes" in gradcli(*words, "-v").out


def test_signs_are_plain_where_the_stream_knows_no_others(gradcli, monkeypatch):
    monkeypatch.setattr("rich.console.ConsoleOptions.ascii_only", True)
    told = gradcli("plot", "x*x + y", "x=-2:2", "y=0:1").out
    assert told.isascii()


def test_a_pole_does_not_flatten_the_rest():
    numbers = [1 / (k / 100 - 2.005) for k in range(401)]
    low, high = seen(numbers)
    assert -60 < low < high < 60
    assert seen([1.0, 2.0]) == (0.95, 2.05)
    assert seen([math.nan]) == (-1.0, 1.0)


@pytest.mark.parametrize("text", ["1.7e308*sin(x)", "1.7e308*x", "where(x > 0, 1.7e308, -1.7e308)"])
def test_curves_as_high_as_float64_are_drawn(gradcli, text):
    ended = gradcli("plot", text, "x=-2:2")
    assert ended.code == 0, ended.err
