"""Programs with a backward part: which lines are claims, on what, and what is refused."""

from __future__ import annotations

import math
import re

import pytest
from test_program import evaluated, place, refused, stage_names

import gradcli
from gradcli.errors import NameFault, ParseError, ShapeError
from gradcli.evaluation.point import as_numbers, at, gather, inputs_of
from gradcli.program.reader import read as read_program
from gradcli.requests import Request
from gradcli.transform.truth import true_gradients

# -------------------------------------------------------------------- the backward part

FIRST_CIRCUIT = """
x = -2; y = 5; z = -4
q = x + y
f = q * z
dfdz = q
dfdq = z
dfdx = 1.0 * dfdq
dfdy = 1.0 * dfdq
"""
NEURON = """
w = [2,-3,-3]
x = [-1, -2]
dot = w[0]*x[0] + w[1]*x[1] + w[2]
f = 1.0 / (1 + math.exp(-dot))
ddot = (1 - f) * f
dx = [w[0] * ddot, w[1] * ddot]
dw = [x[0] * ddot, x[1] * ddot, 1.0 * ddot]
"""
STAGED = """
x = 3
y = -4
sigy = 1.0 / (1 + math.exp(-y))
num = x + sigy
sigx = 1.0 / (1 + math.exp(-x))
xpy = x + y
xpysqr = xpy**2
den = sigx + xpysqr
invden = 1.0 / den
f = num * invden
dnum = invden
dinvden = num
dden = (-1.0 / (den**2)) * dinvden
dsigx = (1) * dden
dxpysqr = (1) * dden
dxpy = (2 * xpy) * dxpysqr
dx = (1) * dxpy
dy = (1) * dxpy
dx += ((1 - sigx) * sigx) * dsigx
dx += (1) * dnum
dsigy = (1) * dnum
dy += ((1 - sigy) * sigy) * dsigy
"""


def claimed(text, settings=()):
    """What the gradient lines of a program claim, and the engine's own gradients of the same."""
    program = as_numbers(read_program(text, settings=settings))
    found = at(program, inputs_of(program), Request(check=False))
    named = {**program.inputs, **program.stages}
    claims = {name: gather(value, found.run.values) for name, value in program.claims.items()}
    return claims, {name: gather(named[name], found.run.gradients) for name in claims}


def flat(value):
    return [x for part in value for x in flat(part)] if isinstance(value, list) else [value]


@pytest.mark.parametrize(
    ("text", "prefix", "names"),
    [
        (FIRST_CIRCUIT, "dfd", "z q x y"),
        (NEURON, "d", "dot x w"),
        (STAGED, "d", "num invden den sigx xpysqr xpy x y sigy"),
    ],
    ids=["first circuit", "neuron", "staged"],
)
def test_the_programs_of_the_lecture_claim_what_python_and_the_engine_compute(text, prefix, names):
    python = {"math": math}
    exec(text, python)  # the lecture's lines are Python, too
    claims, gradients = claimed(text)
    assert list(claims) == names.split()
    for name, claim in claims.items():
        # the last bits differ where the engine's local gradient is another form of the same
        assert flat(claim) == pytest.approx(flat(python[prefix + name]), rel=1e-14)
        assert flat(claim) == pytest.approx(flat(gradients[name]), rel=1e-12)
    case = gradcli.check(text).cases[0]
    assert (case.verdict, case.output) == ("pass", "f")


def test_the_numbers_of_the_lecture_come_out():
    first, _ = claimed(FIRST_CIRCUIT)
    assert first == {"z": 3.0, "q": -4.0, "x": -4.0, "y": -4.0}
    neuron, _ = claimed(NEURON)
    assert [round(g, 2) for g in neuron["w"]] == [-0.2, -0.39, 0.2]
    assert [round(g, 2) for g in neuron["x"]] == [0.39, -0.59]
    staged, _ = claimed(STAGED)
    assert (round(staged["x"], 4), round(staged["y"], 4)) == (2.0596, 1.5922)


PRODUCT = "x = 3\ny = -4\nf = x*y\n"


@pytest.mark.parametrize(
    ("lines", "claims"),
    [
        ("dx = y; dy = x", {"x": -4.0, "y": 3.0}),
        ("dx = -4; dy = 3", {"x": -4.0, "y": 3.0}),
        ("d_x = y; d_y = x", {"x": -4.0, "y": 3.0}),
        ("dfdx = y; dfdy = x", {"x": -4.0, "y": 3.0}),
        ("df_dx = y; df_dy = x", {"x": -4.0, "y": 3.0}),
        ("dy = x; d_x = y", {"y": 3.0, "x": -4.0}),
        ("dx = y", {"x": -4.0}),
        ("dx += y; dy += x", {"x": -4.0, "y": 3.0}),
        ("dx = y + 1; dx += -1", {"x": -4.0}),
        ("dx += 1; dx += y; d_x += -1", {"x": -4.0}),
        ("dx = 100; dx = y", {"x": -4.0}),
        ("dx = 100; dfdx = y", {"x": -4.0}),
        ("dx = 1; dx = dx + y - 1", {"x": -4.0}),
        ("dx = y; dy = x*dx/y", {"x": -4.0, "y": 3.0}),
        ("dx = y*df; dy = df*x", {"x": -4.0, "y": 3.0}),
        ("dx = y; h = 2; dy = x*h/2", {"x": -4.0, "y": 3.0}),
        ("dx = y; h = y; h2 = h*h; dy = x*h2/16", {"x": -4.0, "y": 3.0}),
        ("dx = y; h = 1; h += 1; dy = x*h/2", {"x": -4.0, "y": 3.0}),
        ("dx = y; h = 1; h = 2; dy = x*h/2", {"x": -4.0, "y": 3.0}),
        ("dx = y; x = 5; dy = x - 2", {"x": -4.0, "y": 3.0}),
        ("dx = y; h += 2; dy = x*h/2", {"x": -4.0, "y": 3.0}),
        ("f == -12; dx = y; dy = x", {"x": -4.0, "y": 3.0}),
        ("dx = y; f == -12; dy = x", {"x": -4.0, "y": 3.0}),
    ],
)
def test_the_last_value_of_a_gradient_name_is_its_claim(lines, claims):
    found, gradients = claimed(PRODUCT + lines)
    assert found == claims == {name: gradients[name] for name in claims}


@pytest.mark.parametrize("lines", ["dx = y + 1; dy = x", "dx = y; dx += 1; dy = x", "dx = -4.1"])
def test_a_wrong_line_is_claimed_as_it_stands(lines):
    found, gradients = claimed(PRODUCT + lines)
    assert found["x"] != gradients["x"] == -4.0
    assert gradcli.check(PRODUCT + lines).verdict == "fail"


def test_the_shortest_reading_of_a_gradient_name_comes_first():
    claims, _ = claimed("x = 2; _x = 5; f = x*_x; d_x = x; dx = _x")
    assert claims == {"_x": 2.0, "x": 5.0}


def test_the_gradient_of_the_output_is_the_upstream_gradient():
    text = f"{PRODUCT}df = 2; dx = y*df; dy = x*df"
    assert evaluated(text).gradients == {"x": -8.0, "y": 6.0}
    claims, gradients = claimed(text)
    assert claims == gradients == {"f": 2.0, "x": -8.0, "y": 6.0}
    assert gradcli.check(text).verdict == "pass"
    assert gradcli.check(text.replace("df = 2", "df += 2")).verdict == "pass"
    assert evaluated(text, upstream=-1).gradients == {"x": 4.0, "y": -3.0}


@pytest.mark.parametrize(
    ("lines", "claims"),
    [
        ("dw = [x, 1]", {"w": [3.0, 1.0]}),
        ("dw[0] = x; dw[1] = 1", {"w": [3.0, 1.0]}),
        ("dw[1] += 1; dw[0] += x", {"w": [3.0, 1.0]}),
        ("dw[-2] = x; dw[-1] = 1", {"w": [3.0, 1.0]}),
        ("dw[0] += x", {"w": [3.0, 0.0]}),
        ("dw = [0, 1]; dw[0] += x", {"w": [3.0, 1.0]}),
        ("dw = [x, 0]; dw += [0, 1]", {"w": [3.0, 1.0]}),
        ("dw += [x, 1]", {"w": [3.0, 1.0]}),
        ("dw = [x, 1]; dx = dw[1]*w[0]", {"w": [3.0, 1.0], "x": 2.0}),
    ],
)
def test_the_gradient_of_a_list_is_a_list_or_grows_element_by_element(lines, claims):
    found, _ = claimed("w = [2, 5]; x = 3; f = w[0]*x + w[1]\n" + lines)
    assert found == claims


def test_the_gradient_of_a_table_is_assigned_by_two_indices():
    found, gradients = claimed(
        "w = [[2,3],[5,7]]; f = w[0][0]*w[1][1]; dw[0,0] += w[1,1]; dw[1,-1] = 2"
    )
    assert found == gradients == {"w": [[7.0, 0.0], [0.0, 2.0]]}


@pytest.mark.parametrize(
    ("text", "settings", "inputs"),
    [
        ("t = 1; dt = 0.01; v = g*t; f = v*dt", {"g": 9.81}, ["g", "t", "dt"]),
        ("x = 3; dx = 2; f = x*dx", {}, ["x", "dx"]),
        ("dx = 2; x = 3; f = x*dx", {}, ["dx", "x"]),
        ("d = 3; x = 2; f = x*d", {}, ["d", "x"]),
        ("x = 2; dy = x*3; f = dy*x", {}, ["x"]),
        ("x = 2; q = x*3; dp = 4; f = q*dp", {}, ["x", "dp"]),
    ],
)
def test_a_name_with_a_d_is_forward_where_no_stage_comes_before_or_no_name_fits(
    text, settings, inputs
):
    program = read_program(text, settings=settings)
    assert program.claims == {}
    assert list(program.inputs) == inputs
    assert evaluated(text, settings).output == "f"


@pytest.mark.parametrize(
    ("lines", "helper", "where"),
    [
        ("dx = y\ng = x*2", "g", (5, 1)),
        ("dx = y\ndq = x", "dq", (5, 1)),
        ("dx = y\nx = 5", "x", (5, 1)),
        ("dx = y\nh = 1\ndy = x*h\nh = 2", "h", (7, 1)),
    ],
)
def test_a_line_after_the_output_that_no_gradient_reads_shows_both_cures(lines, helper, where):
    error = refused(ParseError, PRODUCT + lines)
    assert place(error) == where
    assert error.message.startswith(f"`{helper}` is no gradient and no later gradient line reads")
    assert "`f`" in error.message  # the output that was taken
    assert "`--output NAME`" in error.hint
    assert "`# gradcli: output NAME`" in error.hint


TRAP = "t = 1; v = 2*t; dt = 0.01; f = v*dt"


def test_both_cures_work():
    refused(ParseError, TRAP)
    for report in (evaluated(TRAP, output="f"), evaluated(f"# gradcli: output f\n{TRAP}")):
        assert (report.output, report.value, list(report.inputs)) == ("f", 0.02, ["t", "dt"])


@pytest.mark.parametrize(
    ("lines", "kind", "where", "message", "hint"),
    [
        ("dx = dy; dy = x", NameFault, (4, 6), "`dy` has no value yet", "on an earlier line"),
        ("dx = dx + y", NameFault, (4, 6), "`dx` has no value yet", "on an earlier line"),
        ("dx = y*q", NameFault, (4, 8), "`q` has no value", "`q=...`"),
        ("dx = y; h = [1]; h[0] = 2; dy = h[0]", ParseError, (4, 18), "is not a gradient", ""),
        ("dx = y\nf == [1]", ShapeError, (5, 1), "`f` has shape (), the claim has (1,)", ""),
        ("g == 3", NameFault, (4, 1), "`g` has no value", ""),
        ("x += 1", ParseError, (4, 1), "`+=` is for gradient lines only", "`x2 = x + ...`"),
        ("q[0] = 1", ParseError, (4, 1), "an index on the left is for gradient lines", "`q2 ="),
    ],
)
def test_a_slip_in_the_backward_part_is_shown(lines, kind, where, message, hint):
    error = refused(kind, PRODUCT + lines)
    assert place(error) == where
    assert message in error.message
    assert hint in (error.hint or "")


@pytest.mark.parametrize("line", ["x*2", "f + 1", "-x"])
def test_no_output_is_taken_from_the_backward_part(line):
    error = refused(ParseError, f"{PRODUCT}dx = y\n{line}")
    assert place(error) == (5, 1)


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("dw = [1, 2]; dw = 3", "the gradient of `w`"),
        ("dw[2] = 1", "index 2 is outside a list of 2"),
        ("dw[-3] += 1", "index -3 is outside a list of 2"),
        ("dw[0,0] = 1", "2 indices, but the array has shape (2,)"),
        ("dw = 3", "the gradient of `w` has no axes"),
        ("dw = [1]", "the gradient of `w` has shape (1,)"),
        ("dw = [[1], [2]]", "the gradient of `w` has shape (2, 1)"),
        ("dw = w*[1, 2, 3]", "mul: shapes (2,) and (3,) do not fit together"),
        ("dx[0] = 1", "`x` is a number and has no elements"),
    ],
)
def test_a_gradient_line_whose_shapes_do_not_fit_is_set_aside(line, message):
    text = f"w = [2, 5]; x = 3; f = w[0]*w[1]*x\n{line}"
    with pytest.raises(ShapeError) as error:
        read_program(text)
    assert message in error.value.message
    program = read_program(text, true_gradients=true_gradients)
    *_, misfit = program.lines
    assert message in misfit.misfit.message
    assert not program.claims


def test_the_truth_stands_in_for_what_is_set_aside():
    text = "w = [2, 5]; x = 3; q = x*w; f = sum(q)\ndq = 1\ndw = x*dq\ndx = sum(w*dq)"
    case = gradcli.check(text).cases[0]
    assert [line.verdict for line in case.lines] == ["fail", "pass", "pass"]
    assert {name: check.verdict for name, check in case.inputs.items()} == {
        "w[0]": "pass", "w[1]": "pass", "x": "pass",
    }  # fmt: skip


@pytest.mark.parametrize("product", ["dq*x", "2*q*x", "x*dq"])
def test_a_product_of_two_vectors_is_told_the_outer_product(product):
    text = f"W = [[1, 2, 3], [4, 5, 6]]; x = [1, 2, 3]; q = W @ x; f = sum(q**2)\ndq = 2*q\ndW = {product}"
    (wrong,) = [line for line in gradcli.check(text).cases[0].lines if line.local]
    assert re.search(r"each with each is `np.outer\(.*\)`, of shape", wrong.reason)


def test_a_line_that_reads_what_has_no_shape_follows_from_it():
    text = "w = [2, 5]; x = 3; f = sum(w)*x\ndx = sum(w)\nh = w*[1, 2, 3]\ndw = x*ones(2) + 0*h"
    lines = gradcli.check(text).cases[0].lines
    assert [(line.verdict, line.local, line.cause) for line in lines] == [
        ("pass", False, None), ("fail", True, None), ("fail", False, 3),
    ]  # fmt: skip


# -------------------------------------------------------------------- claims on values


@pytest.mark.parametrize(
    ("lines", "claims", "verdict"),
    [
        ("f == -12", [("f", -12.0, "pass")], "pass"),
        ("f == -11", [("f", -11.0, "fail")], "fail"),
        ("f == x*y", [("f", -12.0, "pass")], "pass"),
        ("f == -12; f == 3*-4", [("f", -12.0, "pass"), ("f", -12.0, "pass")], "pass"),
        ("dx = y; f == -12", [("f", -12.0, "pass")], "pass"),
        ("f == -12; g = f*2; g == -24", [("f", -12.0, "pass"), ("g", -24.0, "pass")], "pass"),
    ],
)
def test_a_value_is_claimed_with_two_equal_signs(lines, claims, verdict):
    case = gradcli.check(PRODUCT + lines).cases[0]
    assert [(v.name, v.claim, v.verdict) for v in case.values] == claims
    assert case.verdict == verdict


def test_a_stage_after_a_claim_is_shown_as_any_other():
    report = evaluated(f"{PRODUCT}f == -12; g = f*2")
    assert stage_names(report) == ["f", "g"]
    assert report.stages[-1].gradient == 1.0
    assert stage_names(evaluated(f"{PRODUCT}f == -12; f + 1")) == ["f", "#out"]


def test_a_comparison_inside_a_choice_is_no_claim():
    report = evaluated(f"{PRODUCT}f == 2 if x else 3")
    assert (report.output, report.value) == ("#out", 0.0)


def test_a_claim_on_a_value_computes_nothing():
    report = evaluated(f"{PRODUCT}f == -12")
    assert (stage_names(report), report.value) == (["f"], -12.0)


@pytest.mark.parametrize(
    ("text", "settings"),
    [
        ("x = 1; y = 2; f = x*y; dx = 2; dy = 1", {}),
        ("x = 0; f = sin(x); dx = 1; f == 0", {}),
        ("w = [1, 2]; f = w[0]*w[1]; dw = [2, 1]", {}),
        ("f = x*y; dx = 3; dy = 3", {"x": 3, "y": 3}),
    ],
)
def test_a_number_that_is_claimed_is_held_to_its_own_point_only(text, settings):
    case = gradcli.check(text, settings).cases[0]
    assert case.verdict == "pass", case.notes


def test_a_claim_has_its_place():
    case = gradcli.check(f"{PRODUCT}f == -12\n  dx = y\ndy = x").cases[0]
    assert case.places == {"f": (4, 1), "x": (5, 3), "y": (6, 1)}


def test_an_input_without_a_gradient_line_is_a_note():
    case = gradcli.check(f"{PRODUCT}dx = y").cases[0]
    assert (case.verdict, case.notes) == ("pass", ["no gradient for y"])


@pytest.mark.parametrize(
    ("last", "verdict"), [("ddx += 2 * dx * dq", "fail"), ("ddx += 2 * step * dq", "pass")]
)
def test_an_input_that_a_gradient_line_has_overwritten_is_that_gradient(last, verdict):
    """As in Python, where the lines were run: `dx` is an input, and the gradient of `x`."""
    text = f"x = 1.5; dx = 0.5\nq = dx**2\nf = q*x\ndq = x\nstep = dx\ndx = q\nddx = 0\n{last}\n"
    scope = {}
    exec(text, scope)
    assert (scope["ddx"] == 2 * 0.5 * 1.5) == (verdict == "pass")
    assert gradcli.check(text).verdict == verdict
