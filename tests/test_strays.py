"""Lines that nothing needs: warned of, and refused where a gradient would be lost in silence."""

from __future__ import annotations

import pytest

import gradcli
from gradcli.errors import ParseError
from gradcli.program.gradient_names import GradientNames

NET = "x = 2; y = 3\nW1 = x*2\nb1 = y*2\nf = W1*b1\n"


def refused(text, settings=(), **options):
    with pytest.raises(ParseError) as caught:
        gradcli.check(text, settings, **options)
    return caught.value


# ---------------------------------------------------------------- names


@pytest.mark.parametrize(
    ("name", "of"),
    [
        ("gx", "x"), ("g_x", "x"), ("grad_x", "x"), ("gradx", "x"), ("x_grad", "x"),
        ("xgrad", "x"), ("gradient_x", "x"), ("nabla_x", "x"), ("adj_x", "x"), ("x_adjoint", "x"),
        ("df_by_dx", "x"), ("df_over_dx", "x"), ("dL_dx", "x"), ("dLdx", "x"), ("dloss_dx", "x"),
        ("dlossdx", "x"), ("Dx", "x"), ("dX", "x"), ("dx_", "x"),
        ("dw1", "W1"), ("dw_1", "W1"), ("dL_dw1", "W1"), ("grad_w1", "W1"), ("gW1", "W1"),
        ("dweights", "weights"), ("grad_y", ""), ("y_grad", ""), ("nabla_q", ""),
    ],
)  # fmt: skip
def test_a_name_that_looks_like_a_gradient_names_what_it_belongs_to(name, of):
    likeness = GradientNames(["x", "W1", "weights"]).likeness(name)
    assert likeness is not None
    assert likeness.of == of


@pytest.mark.parametrize(
    "name",
    ["f", "d", "g", "den", "dist", "dot_prod_x", "dead_x", "gate", "gradual", "grad", "x2", "xx",
     "dy", "max_x", "d" * 1000],
)  # fmt: skip
def test_other_names_look_like_no_gradient(name):
    assert GradientNames(["x", "W1"]).likeness(name) is None


def test_slips_of_the_pen_are_seen_where_they_are_asked_for():
    names = GradientNames(["weight", "q"])
    assert names.likeness("dwieght") is None
    assert names.likeness("dwieght", is_near=True).of == "weight"
    assert names.likeness("dist", is_near=True) is None


# ---------------------------------------------------------------- what is refused


@pytest.mark.parametrize("line", ["dw1 = 17*b1", "dw1 = 17", "dw1 = 17*f", "dw1 = b1*f + W1"])
@pytest.mark.parametrize("rest", ["", "\ndb1 = W1", "\ndx = 2*b1; dy = 2*W1"])
def test_a_misspelt_gradient_never_passes(line, rest):
    error = refused(NET + line + rest)
    assert (error.span.line, error.span.column) == (5, 1)
    assert "`dw1`" in error.message
    assert "write `dW1` for that gradient" in error.hint


@pytest.mark.parametrize("name", ["gx", "g_x", "grad_x", "x_grad", "df_by_dx", "dL_dx", "nabla_x"])
@pytest.mark.parametrize("right", ["7*y", "7", "7*f*y"])
def test_a_gradient_under_another_name_is_judged_like_any(name, right):
    text = f"x = 2; y = 3\nf = x*y\n{name} = {{}}\ndy = x"
    wrong = gradcli.check(text.format(right)).cases[0]
    assert [(line.line, line.name) for line in wrong.lines if line.is_accused] == [(3, name)]
    assert gradcli.check(text.format("y")).verdict == "pass"


@pytest.mark.parametrize("name", ["dX", "Dx"])
@pytest.mark.parametrize("right", ["7*y", "7", "7*f*y"])
def test_what_may_be_a_gradient_or_a_slip_of_the_pen_never_passes(name, right):
    error = refused(f"x = 2; y = 3\nf = x*y\n{name} = {right}\ndy = x")
    assert (error.span.line, error.span.column) == (3, 1)
    assert f"`{name}`" in error.message
    assert "write `dx` for that gradient" in error.hint


def test_a_gradient_of_no_name_there_is_never_passes():
    for right in ("7*y", "7"):
        assert (
            "looks like a gradient" in refused(f"x = 2; y = 3\nf = x*y\ngrad_q = {right}").message
        )
    assert gradcli.check("x = 2; y = 3\nf = x*y\ngrad_q = 7*f\ndy = x").verdict == "fail"


@pytest.mark.parametrize("right", ["7*q", "7", "7*f*q"])
@pytest.mark.parametrize("rest", ["", "; dq = weight"])
def test_a_slip_of_the_pen_in_a_gradient_names_the_input(right, rest):
    error = refused(f"weight = 2; x = 3\nq = x*x\nf = weight*q\ndwieght = {right}{rest}")
    assert "write `dweight` for that gradient" in error.hint


def test_a_line_after_the_output_is_refused_whatever_it_is_called():
    for right in ("x - y", "17"):
        error = refused(f"x = 2; y = 3\nf = x*y\ndist = {right}")
        assert "`dist` is no gradient and no later gradient line reads it" in error.message
        assert "`--output NAME` or `# gradcli: output NAME`" in error.hint


def test_a_gradient_before_the_forward_part_is_refused():
    for text in ("x = 3; dx = 6\nf = x*x", "dx = 6; x = 3\nf = x*x", "x = 3\ndx = 2*x\nf = x*x"):
        assert "move this line to the end" in refused(text).hint


def test_all_lines_that_would_be_lost_are_told_at_once():
    error = refused("x = 2; y = 3\nf = x*y\ndX = y\ndY = x")
    assert [e.span.line for e in (error, *error.also)] == [3, 4]
    many = "".join(f"\ndw{k} = 17*y" for k in range(3000))
    error = refused(f"x = 2; y = 3\nf = x*y{many}")
    assert len(error.also) == 19


CHOSEN = "x = 2; y = 3\nq = x*y\nf = q*q\ngx = 17*y"


def test_an_output_that_is_named_does_not_hide_a_lost_gradient():
    reports = gradcli.check(CHOSEN, output="f"), gradcli.check(f"# gradcli: output f\n{CHOSEN}")
    for report in reports:
        assert [line.name for line in report.cases[0].lines if line.is_accused] == ["gx"]
    error = refused(CHOSEN.replace("gx", "dX"), output="f")
    assert "`dX` does not reach the output `f`" in error.message


# ---------------------------------------------------------------- what stays right


def test_both_cures_work():
    right = CHOSEN.replace("gx = 17*y", "dq = 2*q; dx = y*dq")
    assert [line.verdict for line in gradcli.check(right).cases[0].lines] == ["pass", "pass"]
    for case in (
        gradcli.check(CHOSEN, output="gx").cases[0],
        gradcli.check(f"{CHOSEN}\n# gradcli: output gx").cases[0],
    ):
        assert (case.output, case.expression, case.verdict) == ("gx", "17 * y", "pass")


@pytest.mark.parametrize(
    ("text", "output"),
    [
        ("t = 1; dt = 0.01; g = 9.81; v = g*t; f = v*dt", None),
        ("t = 1; v = 2*t; dt = 0.01; f = v*dt", "f"),
        ("x = 2; y = 3; q = x*y; gx = 2*q; f = q*gx", "q"),
        ("x = 2; y = 3; q = x*y; dist = q*2; f = q*3", "q"),
        ("x = 2; dy = x*3; f = dy*x", None),
        ("x = 2; g = 9.81; h = x*2; gh = g*h", None),
        ("x = 2; y = 3; q = x*y; df_dq = 2*q; f = q*df_dq", None),
        ("p = 2; y = 3; f = p*y; dz = y*2; dp = dz/2; dy = p", None),
        ("N = 2; x = [1, 2]; z = x*N; n = z.shape[0]; f = sum(x)/n", None),
        ("N, D = X.shape; X = [[1, 2]]; f = sum(X)/D", None),
        ("x = 2; q = x*x; q == 4; f = 3*x", None),
        ("x = 2; q = x*x; f = 3*x; dq = 0; dx = 3", None),
        ("x = 2; cache = x*x; f = x**3; dx = 3*cache", None),
    ],
)
def test_what_is_needed_or_left_aside_on_purpose_is_not_mentioned(text, output):
    report = gradcli.check(text, {"X": [[1, 2]]} if "X" in text else {}, output=output)
    assert (report.verdict, report.cases[0].warnings) == ("pass", [])


@pytest.mark.parametrize(
    ("text", "warning"),
    [
        ("q = x*x; f = 3*x", "`q` does not reach the output `f`"),
        ("q = x*x; 3*x", "`q` does not reach the output"),
        ("q = x*x; r = q + 1; f = 3*x", "`q`, `r` do not reach the output `f`"),
        (
            "".join(f"q{k} = x*x; " for k in range(8)) + "f = 3*x",
            "`q0`, `q1`, `q2`, `q3`, `q4` and 3 more do not reach the output `f`",
        ),
        ("dist = x*x; f = 3*x", "`dist` does not reach the output `f`"),
    ],
)
def test_a_stage_that_does_not_reach_the_output_is_a_warning(text, warning):
    assert gradcli.evaluate(text, {"x": 2}).warnings == [warning]
    assert gradcli.check(text, {"x": 2}).cases[0].warnings == [warning]


@pytest.mark.parametrize("name", ["dw", "dEdW", "dLdw"])
def test_a_lost_gradient_that_looks_like_one_of_the_forward_part_is_an_error(name):
    text = "x = [0.5, -1.2]; W = [[0.2, -0.5], [0.7, 0.1]]\nz = W @ x\nL = sum(z**2)\ndz = 2*z\n"
    error = refused(f"{text}dx = W.T @ dz\n{name} = 3*outer(dz, x)")
    assert error.span.line == 6
    assert "`dW`" in error.hint
