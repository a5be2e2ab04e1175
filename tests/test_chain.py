"""The chain rule at every gate: upstream * local = contribution, in every format."""

from __future__ import annotations

import csv
import io
import json

import numpy as np
import pytest

import gradcli
from gradcli.reports.evaluations import Stage

LECTURE = ("(x+y)*z", "x=-2", "y=5", "z=-4")
NEURON = "1/(1+exp(-(w0*x0 + w1*x1 + w2)))"
AT = {"w0": 2, "x0": -1, "w1": -3, "x1": -2, "w2": -3}


def links(report):
    return [(stage, link) for stage in report.stages for link in stage.links if link is not None]


def received(report):
    """By name, what it receives in all, and the sum of the bounds."""
    totals = {}
    for _, link in links(report):
        total, slack = totals.get(link.operand, (0.0, 0.0))
        totals[link.operand] = total + np.asarray(link.contribution), slack + np.asarray(link.bound)
    return totals


def test_the_products_of_the_lectures_neuron():
    """The numbers under its circuit, rounded to two digits as there."""
    report = gradcli.evaluate(NEURON, AT, local=True)
    rows = {(s.label, link.operand): (s.gradient, link.local, link.contribution)
            for s, link in links(report)}  # fmt: skip
    rounded = {key: tuple(round(x, 2) for x in row) for key, row in rows.items()}
    assert rounded["1/x", "#7"] == (1.0, -0.53, -0.53)
    assert rounded["+1", "#6"] == (-0.53, 1.0, -0.53)
    assert rounded["exp", "#5"] == (-0.53, 0.37, -0.2)
    assert rounded["*-1", "#4"] == (-0.2, -1.0, 0.2)
    assert (rounded["*", "w0"], rounded["*", "x0"]) == ((0.2, -1.0, -0.2), (0.2, 2.0, 0.39))


PROGRAMS = [
    (NEURON, AT),
    ("x*x + x*y + max(x, y)", {"x": 3, "y": 2}),
    ("q = sin(x)*x; f = q*q + exp(q)", {"x": 0.3}),
    ("sum(relu(W.dot(x) + b)**2)", {"W": [[1, 2], [3, 4]], "x": [1, -2], "b": 0.5}),
    ("logsumexp(x) + sum(x*sum(x))", {"x": [1, 2, 3]}),
    ("log(1 + exp(x)) * (1 - cos(y))", {"x": 1000, "y": 1e-9}),
    ("exp(x) - 1 + (x + 1e16) - 1e16", {"x": 1e-10}),
]


@pytest.mark.parametrize(("text", "inputs"), PROGRAMS, ids=[text for text, _ in PROGRAMS])
def test_contributions_add_up_to_gradients_within_their_bounds(text, inputs):
    report = gradcli.evaluate(text, inputs, local=True)
    gradients = {s.name: (s.gradient, s.gradient_bound) for s in report.stages}
    gradients |= {n: (g, report.gradient_bounds[n]) for n, g in report.gradients.items()}
    totals = received(report)
    assert totals.keys() & gradients.keys()
    for name in totals.keys() & gradients.keys():
        (total, slack), (gradient, bound) = totals[name], gradients[name]
        rounding = 2.0**-50 * np.abs(total)
        assert (np.abs(total - np.asarray(gradient)) <= slack + np.asarray(bound) + rounding).all()


@pytest.mark.parametrize(("text", "inputs"), PROGRAMS[:4], ids=[text for text, _ in PROGRAMS[:4]])
def test_a_contribution_is_upstream_times_local(text, inputs):
    for stage, link in links(gradcli.evaluate(text, inputs, local=True)):
        if link.local is None:
            assert stage.gate in ("matmul", "sum")
            continue
        product = np.multiply(stage.gradient, link.local)
        if np.shape(link.contribution) != np.shape(product):
            product = np.sum(product)
        np.testing.assert_allclose(link.contribution, product, rtol=1e-15)


def test_factors_are_those_of_many_digits_where_float64_fails():
    report = gradcli.evaluate("log(1 - cos(y))", {"y": 1e-9}, local=True)
    (log,) = [stage for stage in report.stages if stage.gate == "log"]
    assert log.local_gradients == [log.links[0].local]
    assert log.links[0].contribution == pytest.approx(2e18, rel=1e-15)
    assert log.links[0].bound < 1e3


def test_what_no_bound_certifies_is_not_shown_as_digits(gradcli):
    ended = gradcli("eval", "log(1 + exp(x))", "x=1000", "--local", "--no-check")
    assert "#2: 1 * ? = ?" in ended.out


def test_constants_and_what_has_no_upstream_gradient_have_no_link():
    (double,) = gradcli.evaluate("2*x", {"x": 3}, local=True).stages
    assert [link and link.contribution for link in double.links] == [None, 2.0]
    (open_end,) = gradcli.evaluate("2*x", {"x": [3, 4]}, local=True).stages
    assert open_end.links == [None, None]
    fixed, _ = gradcli.evaluate(
        "a = 2*k; f = a*x", [("x", 1), ("k", 2)], wrt=["x"], local=True
    ).stages
    assert isinstance(fixed, Stage)


def test_nobody_pays_who_does_not_ask():
    report = gradcli.evaluate("2*x", {"x": 3})
    assert report.stages[0].links is None
    assert "contributions" not in report.stages[0].as_dict()


# ---------------------------------------------------------------- formats


def test_the_table(gradcli):
    assert gradcli("eval", *LECTURE, "--local", "--no-check").out.split("\n\n")[1] == (
        "stage  gate  expression   value  gradient  local   upstream * local = contribution\n"
        "──────────────────────────────────────────────────────────────────────────────────\n"
        "#1     +     x + y            3        -4  x: 1    x: -4 * 1 = -4\n"
        "                                           y: 1    y: -4 * 1 = -4\n"
        "#out   *     (x + y) * z    -12         1  #1: -4  #1: 1 * -4 = -4\n"
        "                                           z: 3    z: 1 * 3 = 3"
    )


def test_the_stack_of_a_narrow_terminal(gradcli, monkeypatch):
    monkeypatch.setenv("COLUMNS", "44")
    assert gradcli("eval", "x*y", "x=3", "y=2", "--local", "--no-check").out.split("\n\n")[1] == (
        "#out  *  x * y\n"
        "  value                            6\n"
        "  gradient                         1\n"
        "  local                            x: 2\n"
        "                                   y: 3\n"
        "  upstream * local = contribution  x: 1 * 2 = 2\n"
        "                                   y: 1 * 3 = 3"
    )


def test_json(gradcli):
    stages = json.loads(gradcli("eval", *LECTURE, "--local", "--json").out)["stages"]
    assert [stage["contributions"] for stage in stages] == [[-4.0, -4.0], [-4.0, 3.0]]
    assert [stage["contribution_bounds"] for stage in stages] == [[0.0, 0.0], [0.0, 0.0]]
    (double,) = json.loads(gradcli("eval", "2*x", "x=3", "--local", "--json").out)["stages"]
    assert (double["local_gradients"], double["contributions"]) == ([None, 2.0], [None, 2.0])


def test_csv_has_three_columns_more_and_is_no_ragged_table(gradcli):
    rows = [*csv.reader(io.StringIO(gradcli("eval", *LECTURE, "--local", "--format", "csv").out))]
    assert len({*map(len, rows)}) == 1
    assert rows[0][-3:] == ["operands", "local_gradients", "contributions"]
    assert [*map(json.loads, rows[2][-3:])] == [["#1", "z"], [-4.0, 3.0], [-4.0, 3.0]]


def test_markdown_and_plain(gradcli):
    told = gradcli("eval", *LECTURE, "--local", "--format", "markdown").out
    assert "| `#1`: -4.0<br>`z`: 3.0 | `#1`: 1.0 * -4.0 = -4.0<br>`z`: 1.0 * 3.0 = 3.0 |" in told
    told = gradcli("eval", *LECTURE, "--local", "--format", "plain").out
    assert '\t["#1", "z"]\t[-4.0, 3.0]\t[-4.0, 3.0]\n' in told


def test_arrays_are_whole_where_small_and_shapes_where_large(gradcli):
    small = gradcli("eval", "sum(relu(x)*y)", "x=[1,2]", "y=3", "--local", "--no-check").out
    assert "y: sum([1, 1] * [1, 2]) = 3" in small
    large = gradcli(
        "eval", "sum((W@x)**2)", "W=randn(4,3)", "x=randn(3,2)", "--local", "--no-check"
    ).out
    assert "#1: (4, 2) * (4, 2) = (4, 2) -" in large
    assert "W: (4, 3) -" in large


def test_full_and_markdown_show_arrays_whole(gradcli):
    words = ["sum(2*x)", "x=[1,2,3,4]", "--local", "--no-check"]
    assert "x: (4,) * (4,) = (4,) 2 to 2, norm 4" in gradcli("eval", *words).out
    whole = "x: [1, 1, 1, 1] * [2, 2, 2, 2] = [2, 2, 2, 2]"
    assert whole in gradcli("eval", *words, "--full").out
    told = gradcli("eval", *words, "--format", "markdown").out
    assert "`x`: [1.0, 1.0, 1.0, 1.0] * [2.0, 2.0, 2.0, 2.0] = [2.0, 2.0, 2.0, 2.0] |" in told
