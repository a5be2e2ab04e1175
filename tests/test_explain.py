"""`gradcli explain` tells the backward pass as the lecture does, with the numbers of `eval`."""

import json
import re
from pathlib import Path

import numpy as np
import pytest
from jsonschema import Draft202012Validator

from gradcli.api import evaluate, telling
from gradcli.reports.schemas import schema_text

ROOT = Path(__file__).parent.parent
SAMPLES = ROOT / "sample_exprs"
PROGRAMS = sorted(path.relative_to(SAMPLES) for path in SAMPLES.rglob("*.grad"))
SCHEMA = Draft202012Validator(json.loads(schema_text("explain")))


def told(gradcli, *words):
    ended = gradcli("explain", *words)
    assert (ended.code, ended.err) == (0, "")
    return ended.out


def test_the_first_circuit_is_told_as_the_lecture_tells_it(gradcli):
    assert (
        told(gradcli, "q = x + y; f = q * z", "x=-2", "y=5", "z=-4")
        == """\
f = q * z = -12

f = q * z switches: each factor gets df times the other one
    dq = z = 1 * -4 = -4
    dz = q = 1 * 3 = 3

q = x + y distributes: every operand gets dq as it is
    dx = dq = -4 * 1 = -4
    dy = dq = -4 * 1 = -4

  x  dx = -4; where x rises by a little, f falls 4 times as much
  y  dy = -4; where y rises by a little, f falls 4 times as much
  z  dz = 3; where z rises by a little, f rises 3 times as much
"""
    )


def test_contributions_add_up_at_a_fork(gradcli):
    """x feeds num, the exponential and xpy: the lecture's staged example."""
    out = told(gradcli, "--file", SAMPLES / "staged.grad")
    assert "dx = 0.512 - 0.036 + 1.583 = 2.060, the sum of what num, q4 and xpy send back" in out
    assert "dy = 9.05e-3 + 1.583 = 1.592, the sum of what q1 and xpy send back" in out


@pytest.mark.parametrize("path", PROGRAMS, ids=str)
def test_the_numbers_are_those_of_an_evaluation(path):
    text = (SAMPLES / path).read_text("utf-8")
    story, report = telling(text, name=str(path)), evaluate(text, name=str(path), check=False)
    assert np.array_equal(story.value, report.value)
    gradients = {stage.name: stage.gradient for stage in report.stages if stage.is_named}
    gradients |= report.gradients
    named = [x for x in (*story.steps, *story.inputs) if x.name in gradients]
    assert {x.name for x in named} >= {*report.gradients} - {
        x for x in report.gradients if isinstance(report.inputs[x], list)
    }
    for item in named:
        assert np.array_equal(item.gradient, gradients[item.name])


@pytest.mark.parametrize("path", PROGRAMS, ids=str)
def test_what_is_gathered_is_what_the_parts_hand_on(path):
    story = telling((SAMPLES / path).read_text("utf-8"), name=str(path))
    for item in (*story.steps, *story.inputs):
        if item.gathered and not isinstance(item.gradient, list):
            assert sum(item.gathered.contributions) == pytest.approx(item.gradient, rel=1e-12)
    for step in story.steps:
        for part in step.parts:
            if isinstance(part.local, float) and isinstance(part.upstream, float):
                assert part.upstream * part.local == pytest.approx(part.contribution, rel=1e-12)


@pytest.mark.parametrize("path", PROGRAMS, ids=str)
def test_json_has_its_schema(gradcli, path):
    SCHEMA.validate(json.loads(told(gradcli, "--file", SAMPLES / path, "--json")))


REMARKS = [
    ("max(x, y)", ["x=2", "y=2"], "x and y tie: all goes to the first of them, by convention"),
    ("max(x, 0)", ["x=0"], "x and 0 tie: all goes to the first of them, by convention"),
    (
        "relu(x)",
        ["x=0"],
        "the slope jumps here: the local gradient is a convention (gradcli gates relu)",
    ),
    ("hypot(x, y)", ["x=0", "y=0"], "the slope jumps here"),
    ("relu(x)", ["x=-1"], "relu is dead at x: nothing comes back"),
    ("sigmoid(x)", ["x=30"], "sigmoid is saturated at x: hardly anything comes back"),
    ("w*x", ["w=2", "x=1000"], "x is 500 times as large as w, so dw gets 500 times what dx gets"),
    (
        "w*x",
        ["w=2", "x=4e3"],
        "x is 2,000 times as large as w, so dw gets 2,000 times what dx gets",
    ),
]


@pytest.mark.parametrize(("text", "bound", "remark"), REMARKS)
def test_what_is_remarkable_is_said(gradcli, text, bound, remark):
    assert f"    {remark}" in told(gradcli, text, *bound)


@pytest.mark.parametrize(
    ("text", "bound"),
    [
        ("max(x, y)", ["x=2", "y=1"]),
        ("relu(x)", ["x=3"]),
        ("sigmoid(x)", ["x=1"]),
        ("w*x", ["w=2", "x=3"]),
    ],
)
def test_what_is_not_remarkable_is_not(text, bound):
    values = dict(word.split("=") for word in bound)
    assert not any(step.remarks for step in telling(text, values).steps)


def test_at_a_kink_no_step_of_an_input_is_promised(gradcli):
    out = told(gradcli, "relu(x) + y", "x=0", "y=1")
    assert (
        "  x  dx = 0; f may have a kink here, and this is the slope by the conventions above" in out
    )
    assert "  y  dy = 1; where y rises by a little, f rises as much" in out


WORDS = [
    ("x - y", "x gets df as it is, y gets it with the other sign"),
    ("x * 3", "x gets df times 3"),
    ("x + 1", "x gets df as it is"),
    ("x / y", "each operand gets df times its local gradient"),
    ("exp(x)", "x gets df times the local gradient"),
    ("where(y > 0, x, y)", "the branch that was taken gets all of df, the other nothing"),
]


@pytest.mark.parametrize(("text", "words"), WORDS)
def test_each_gate_says_what_it_does(text, words):
    bound = {name: 0.7 for name in "xy" if name in text.replace("exp", "")}
    assert telling(text, bound).steps[0].words == words


def test_matrix_products_are_told_by_their_shapes(gradcli):
    out = told(gradcli, "f = sum(W @ X)", "W=randn(5, 10)", "X=randn(10, 3)", "-q")
    assert "dW = dq1 @ X.T: (5, 3) @ (3, 10) = (5, 10), the only product that fits" in out
    assert "dX = W.T @ dq1: (10, 5) @ (5, 3) = (10, 3), the only product that fits" in out
    square = told(gradcli, "f = sum(W @ X)", "W=randn(3, 3)", "X=randn(3, 3)", "-q")
    assert "(3, 3) @ (3, 3) = (3, 3)" in square
    assert "only product" not in square


def test_a_wrong_line_is_told_beside_the_right_one(gradcli):
    out = told(gradcli, "--file", SAMPLES / "mistakes/sign.grad")
    assert "line 17 has 0.792 here, where -0.792 is right: the sign is wrong" in out
    assert "line 20 has -1.583, from what is wrong before it" in out


def test_python_files_are_told(gradcli):
    assert "distributes" in told(gradcli, "--file", f"{SAMPLES / 'layers.py'}:affine", "-q")


def test_an_array_without_an_upstream_gradient_says_so(gradcli):
    out = told(gradcli, "softmax(x)", "x=[1, 2]")
    assert "note: the output is an array: its gradients need --upstream" in out


def test_decimals_and_markdown(gradcli, tmp_path):
    assert "x = 0.33 * 3.00" not in told(gradcli, "x/3", "x=1", "--decimals", "2")
    assert "= 0.33333 " in told(gradcli, "x/3 + x", "x=1", "--decimals", "5")
    told(gradcli, "(x+y)*z", "x=-2", "y=5", "z=-4", "-o", "story.md")
    lines = (tmp_path / "story.md").read_text().split("\n")
    assert lines[2:5] == [
        "1. `f = q1 * z` **switches**: each factor gets df times the other one",
        "   * dq1 = z = 1 * -4 = -4", "   * dz = q1 = 1 * 3 = 3",
    ]  # fmt: skip
    assert gradcli("explain", "x", "x=1", "-o", "story.svg").code == 2


def test_no_number_is_cut_at_40_columns(gradcli, monkeypatch):
    wide = re.findall(r"-?\d[\d.e-]*", told(gradcli, "--file", SAMPLES / "staged.grad"))
    monkeypatch.setenv("COLUMNS", "40")
    narrow = told(gradcli, "--file", SAMPLES / "staged.grad")
    assert re.findall(r"-?\d[\d.e-]*", narrow) == wide
    assert max(map(len, narrow.split("\n"))) <= 44  # what has no blank is not broken


def test_a_name_alone_is_a_page(gradcli):
    assert told(gradcli, "overwritten") == told(gradcli, "--mistake", "overwritten")
    assert told(gradcli, "relu") == gradcli("gates", "relu").out
    assert "f = x" in told(gradcli, "x", "x=3")
    assert gradcli("explain", "x").code == 2


def test_arrays_are_told_by_their_shapes_and_by_what_is_lost(gradcli):
    words = ("h = relu(W @ x + b); f = sum(tanh(h)*v)", "W=[[1,2],[3,-4]]", "x=[100,200]")
    out = told(gradcli, *words, "b=[[1],[2]]", "v=1")
    assert "b was broadcast along axis 1: (2, 2) is summed to (2, 1)" in out
    assert "relu is dead at 2 of 4 elements of q" in out
    assert "tanh is saturated at 2 of 4 elements of h" in out
    assert "x is about 57.7 times" not in out
    out = told(gradcli, "sum(W @ x)", "W=[[1,2],[3,-4]]", "x=[1000,2000]")
    assert "x is about 577 times as large as W, so dW gets about 577 times what dx gets" in out


def test_a_wrong_array_is_told_by_its_worst_number(gradcli):
    path = SAMPLES / "mistakes/attention_transposed.grad"
    out = told(gradcli, "--file", path)
    assert "line 18 is wrong in 6 numbers, most at [1][1]: -0.265 where 0.169 is right" in out


@pytest.mark.parametrize(("text", "words"), [
    ("sum(cumsum(x))", "every element gets its own dq1 and all later ones"),
    ("sum(sort(x)*x)", "every element gets dq1 of the place it was sorted to"),
    ("sum(flip(x))", "every element gets dq1 of the places it was taken to"),
    ("prod(x)", "every factor gets df times all the others"),
])  # fmt: skip
def test_gates_of_arrays_have_words_of_their_own(gradcli, text, words):
    assert words in told(gradcli, text, "x=[1,3,2]")


@pytest.mark.parametrize(
    ("words", "effect"),
    [
        (("-x", "x=2"), "where x rises by a little, f falls as much"),
        (("x/0", "x=1"), "f has no finite slope"),
    ],
)
def test_slopes_of_one_and_infinite_ones_have_words(gradcli, words, effect):
    assert gradcli("explain", *words).out.count(effect) == 1
