"""The lecture's circuits, to every digit: its own numbers, and mpmath for the digits it rounds off.

The numbers are those of the public course notes on backpropagation (CS231n, CS224n).
"""

from __future__ import annotations

import math

import mpmath
import pytest

import gradcli

mp = mpmath.mp.clone()
mp.dps = 40
UNIT = 2.0**-53


def within(got, true, units=4):
    """Within a few roundings: one for each gate on the way, and no digit less."""
    return abs(mp.mpf(got) - true) <= units * UNIT * abs(true)


def by_name(report):
    return {stage.name: stage for stage in report.stages}


# ---------------------------------------------------------------- the first circuit


@pytest.mark.parametrize("text", ["(x + y) * z", "q = x + y; f = q * z", "q = x + y\nf = q*z\n"])
def test_the_first_circuit(text):
    report = gradcli.evaluate(text, {"x": -2, "y": 5, "z": -4})
    assert report.value == -12
    assert report.gradients == {"x": -4, "y": -4, "z": 3}
    assert [(s.value, s.gradient, s.local_gradients) for s in report.stages] == [
        (3, -4, [1, 1]), (-12, 1, [-4, 3]),
    ]  # fmt: skip
    assert report.check.verdict == "pass"


def test_a_variable_read_twice_gets_both_contributions():
    assert gradcli.evaluate("x*x + x", {"x": 3}).gradients == {"x": 7}


# ---------------------------------------------------------------- the neuron

POINT = {"w": [2, -3, -3], "x": [-1, -2]}
DOT = "dot = w[0]*x[0] + w[1]*x[1] + w[2]"
FORMS = {
    "gate": (f"{DOT}; f = sigmoid(dot)", {}),
    "written out": (f"{DOT}; f = 1.0 / (1 + math.exp(-dot))", {}),
    "expanded": (f"{DOT}; f = sigmoid(dot)", {"expand": True}),
    "fused": (f"{DOT}; f = 1.0 / (1 + math.exp(-dot))", {"fuse": True}),
    "in one line": ("1 / (1 + exp(-(w[0]*x[0] + w[1]*x[1] + w[2])))", {}),
    "in one line, fused": ("1 / (1 + exp(-(w[0]*x[0] + w[1]*x[1] + w[2])))", {"fuse": True}),
    "σ": (f"{DOT}; f = σ(dot)", {}),
}
EVERY_FORM = pytest.mark.parametrize(("text", "options"), FORMS.values(), ids=FORMS)


@EVERY_FORM
def test_the_neuron_to_every_digit(text, options):
    report = gradcli.evaluate(text, POINT, **options)
    out = 1 / (1 + mp.exp(-1))
    slope = out * (1 - out)
    assert within(report.value, out)
    w, x = report.gradients["w"], report.gradients["x"]
    for got, factor in zip([*w, *x], [-1, -2, 1, 2, -3], strict=True):
        assert within(got, factor * slope)
    assert report.check.verdict == "pass"


@EVERY_FORM
def test_the_neuron_as_the_lecture_rounds_it(text, options):
    report = gradcli.evaluate(text, POINT, **options)
    assert round(report.value, 2) == 0.73
    assert [round(g, 2) for g in report.gradients["w"]] == [-0.20, -0.39, 0.20]
    assert [round(g, 2) for g in report.gradients["x"]] == [0.39, -0.59]


def test_the_neuron_gate_by_gate():
    """The numbers on the wires of the drawn circuit, values and gradients."""
    report = gradcli.evaluate(FORMS["expanded"][0], POINT, expand=True)
    names = [stage.name for stage in report.stages]
    after = report.stages[names.index("dot") :]
    wires = [(stage.label, round(stage.value, 2), round(stage.gradient, 2)) for stage in after]
    assert wires == [
        ("+", 1.0, 0.20),
        ("*-1", -1.0, -0.20),
        ("exp", 0.37, -0.53),
        ("+1", 1.37, -0.53),
        ("1/x", 0.73, 1.0),
    ]


def test_both_forms_of_the_neuron_are_one_function():
    results = [gradcli.evaluate(text, POINT, **options) for text, options in FORMS.values()]
    for result in results[1:]:
        assert result.value == pytest.approx(results[0].value, rel=2 * UNIT)
        for name in "wx":
            assert result.gradients[name] == pytest.approx(results[0].gradients[name], rel=8 * UNIT)


def test_fusing_finds_the_sigmoid_and_expanding_takes_it_apart():
    def gates_after_dot(form):
        text, options = FORMS[form]
        names = [stage.gate for stage in gradcli.evaluate(text, POINT, **options).stages]
        return names[4:]

    assert gates_after_dot("gate") == gates_after_dot("fused") == ["sigmoid"]
    assert gates_after_dot("in one line, fused") == ["sigmoid"]
    assert (
        gates_after_dot("expanded")
        == gates_after_dot("written out")
        == ["neg", "exp", "add", "div"]
    )


def test_the_neuron_passed_back_by_hand():
    """Three lines: the slope at the dot product, then one product for each operand."""
    text = f"""
        {DOT}
        f = 1.0 / (1 + math.exp(-dot))
        ddot = (1 - f)*f
        dx = [w[0]*ddot, w[1]*ddot]
        dw = [x[0]*ddot, x[1]*ddot, 1.0*ddot]
    """
    check = gradcli.evaluate(text, POINT).check
    assert check.verdict == "pass"
    assert {name: found.claim is not None for name, found in check.inputs.items()} == {
        "w[0]": True, "w[1]": True, "w[2]": True, "x[0]": True, "x[1]": True,
    }  # fmt: skip


# ---------------------------------------------------------------- staged computation

STAGED = """
sigy = 1.0 / (1 + math.exp(-y))
num = x + sigy
sigx = 1.0 / (1 + math.exp(-x))
xpy = x + y
xpysqr = xpy**2
den = sigx + xpysqr
invden = 1.0 / den
f = num * invden
"""
PASSED_BACK = """
dnum = invden
dinvden = num
dden = -dinvden / den**2
dsigx = dden
dxpysqr = dden
dxpy = 2*xpy * dxpysqr
dx = dxpy
dy = dxpy
dx += (1 - sigx)*sigx * dsigx
dx += dnum
dsigy = dnum
dy += (1 - sigy)*sigy * dsigy
"""
AT = {"x": 3, "y": -4}


def staged(x, y):
    def sigma(t):
        return 1 / (1 + mp.exp(-t))

    return (x + sigma(y)) / (sigma(x) + (x + y) ** 2)


def test_the_staged_expression_to_every_digit():
    report = gradcli.evaluate(STAGED, AT)
    assert within(report.value, staged(mp.mpf(3), mp.mpf(-4)), 8)
    assert within(report.gradients["x"], mp.diff(staged, (3, -4), (1, 0)), 16)
    assert within(report.gradients["y"], mp.diff(staged, (3, -4), (0, 1)), 16)


def test_every_stage_has_the_gradient_a_hand_written_pass_gives_it():
    """The backward pass in plain Python; our stages must hold its numbers."""
    sigy, sigx = 1 / (1 + math.exp(4)), 1 / (1 + math.exp(-3))
    num, den = 3 + sigy, sigx + 1.0
    down = -num / den**2
    expected = {
        "num": 1 / den, "invden": num, "den": down, "sigx": down, "xpysqr": down,
        "xpy": -2 * down, "sigy": 1 / den, "f": 1.0,
    }  # fmt: skip
    stages = by_name(gradcli.evaluate(STAGED, AT))
    for name, gradient in expected.items():
        assert stages[name].gradient == pytest.approx(gradient, rel=8 * UNIT), name


def test_the_hand_written_backward_pass_is_right():
    report = gradcli.evaluate(STAGED + PASSED_BACK, AT)
    assert report.output == "f"
    assert report.check.verdict == "pass"
    assert {name: found.claim for name, found in report.check.inputs.items()} == pytest.approx(
        report.gradients, rel=16 * UNIT
    )


def test_overwriting_instead_of_adding_is_caught():
    """The mistake the lecture warns of: `=` where `+=` belongs loses a path."""
    wrong = PASSED_BACK.replace("dx += dnum", "dx = dnum")
    assert wrong != PASSED_BACK
    check = gradcli.evaluate(STAGED + wrong, AT).check
    assert (check.inputs["x"].verdict, check.inputs["y"].verdict) == ("fail", "pass")


# ---------------------------------------------------------------- patterns


def test_add_distributes_max_routes_mul_switches():
    report = gradcli.evaluate("2 * (x*y + max(z, w))", {"x": 3, "y": -4, "z": 2, "w": -1})
    assert report.value == -20
    assert report.gradients == {"x": -8, "y": 6, "z": 2, "w": 0}
    stages = {stage.label: stage for stage in report.stages}
    assert stages["+"].local_gradients == [1, 1]
    assert stages["max"].local_gradients == [1, 0]
    assert stages["*"].local_gradients == [-4, 3]
    assert (stages["*"].gradient, stages["max"].gradient) == (2, 2)


# ---------------------------------------------------------------- trees and the chain rule


@pytest.mark.parametrize(
    ("text", "value", "gradients"),
    [
        ("(a + b) * c", 20, [2, 2, 10]),
        ("(a + b**3) * c", 68, [2, 54, 34]),
        ("(a + exp(b)) * c", (7 + mp.exp(3)) * 2, [2, 2 * mp.exp(3), 7 + mp.exp(3)]),
        ("(a + sin(b)) * c", (7 + mp.sin(3)) * 2, [2, 2 * mp.cos(3), 7 + mp.sin(3)]),
        ("(a + 1/b) * c", 2 * (7 + mp.mpf(1) / 3), [2, -mp.mpf(2) / 9, 7 + mp.mpf(1) / 3]),
    ],
)
def test_backpropagation_on_trees(text, value, gradients):
    """A parent's gradient times the slope of the child's function."""
    report = gradcli.evaluate(text, {"a": 7, "b": 3, "c": 2})
    assert within(report.value, value)
    for got, true in zip(report.gradients.values(), gradients, strict=True):
        assert within(got, true)


def test_two_parents_the_smallest_graph_that_is_no_tree():
    report = gradcli.evaluate("u1 = x*w; u2 = sin(x); y = u1*u2", {"x": 0.5, "w": 3})
    half = mp.mpf(0.5)
    assert within(report.gradients["x"], 3 * mp.sin(half) + 3 * half * mp.cos(half))
    assert within(report.gradients["w"], half * mp.sin(half))


def test_each_gate_is_visited_after_all_its_parents():
    """Going down path by path would count the shared gate's gradient twice."""
    text = "s = x*w; a = s + 1; b = s*s; y = a*b"
    stages = by_name(gradcli.evaluate(text, {"x": 2, "w": 3}))
    assert {name: stages[name].gradient for name in "saby"} == {"s": 120, "a": 36, "b": 7, "y": 1}


# ---------------------------------------------------------------- the squared norm


def test_the_squared_norm_of_a_product_with_a_matrix():
    """df/dW[i][j] = 2*q[i]*x[j], and df/dx = 2 * transpose(W) * q."""
    text = """
        q = [W[0][0]*x[0] + W[0][1]*x[1], W[1][0]*x[0] + W[1][1]*x[1]]
        f = q[0]**2 + q[1]**2
    """
    point = {"W": [[0.1, 0.5], [-0.3, 0.8]], "x": [0.2, 0.4]}
    report = gradcli.evaluate(text, point)
    w, x = ([[mp.mpf(v) for v in row] for row in point["W"]], [mp.mpf(v) for v in point["x"]])
    q = [sum(a * b for a, b in zip(row, x, strict=True)) for row in w]
    assert within(report.value, q[0] ** 2 + q[1] ** 2, 8)
    for i in range(2):
        assert within(report.gradients["x"][i], 2 * (w[0][i] * q[0] + w[1][i] * q[1]), 16)
        for j in range(2):
            assert within(report.gradients["W"][i][j], 2 * q[i] * x[j], 8)
    assert [round(v, 2) for row in report.gradients["W"] for v in row] == [0.09, 0.18, 0.10, 0.21]
    assert [round(v, 2) for v in report.gradients["x"]] == [-0.11, 0.64]
