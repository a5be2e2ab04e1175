"""Lines judged by what they compute: other names, chains, conventions, repairs, meanings."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from real_styles import PROGRAMS, mutations
from right_programs import PROGRAMS as RIGHT

import gradcli
from gradcli.backward import passage, replay, suspects
from gradcli.backward.aim import Aim
from gradcli.backward.cut import Cut
from gradcli.evaluation import point
from gradcli.render.fixes import fixed_text
from gradcli.reports.statement_text import without

SAMPLED = 53  # of the mutations every so-and-so-manieth is judged


def case(text, **options):
    return gradcli.check(text, **options).cases[0]


def accused(text, **options):
    return [(line.line, line.mistake) for line in case(text, **options).lines if line.is_accused]


# ---------------------------------------------------------------- planted mistakes


@pytest.mark.slow
@pytest.mark.parametrize("name", PROGRAMS)
def test_no_line_of_a_right_program_is_accused_whatever_its_style(name):
    right = case(PROGRAMS[name])
    assert right.verdict == "pass"
    assert [line.verdict for line in right.lines] == ["pass"] * len(right.lines)


QUICK = (
    "helper_with_gradient", "two_helpers_chained", "literal_for_setting_of_numbers", "g_underscore",
    "chain_on_unnamed_gradient", "recomputed_forward", "gradient_of_unused_stage",
)  # fmt: skip


@pytest.mark.parametrize("name", [
    pytest.param(name, marks=() if name in QUICK else pytest.mark.slow) for name in RIGHT
])  # fmt: skip
def test_helpers_copies_masks_and_conventions_are_no_mistakes(name):
    right = case(RIGHT[name])
    assert [(line.line, line.verdict) for line in right.lines if line.verdict != "pass"] == []
    assert right.verdict == "pass"


@pytest.mark.slow
@pytest.mark.parametrize("name", PROGRAMS)
def test_the_lines_of_a_right_program_are_understood(name):
    meanings = [line.meaning for line in case(PROGRAMS[name]).lines]
    assert sum(meaning is not None for meaning in meanings) >= 0.6 * len(meanings)


@pytest.mark.slow
def test_most_planted_mistakes_are_found_on_their_line():
    found = listed = flat = right = count = 0
    for mutation in [m for name in PROGRAMS for m in mutations(name)][::SAMPLED]:
        try:
            judged = case(mutation.text)
        except gradcli.GradcliError:
            continue
        if judged.verdict != "fail":
            continue
        wrong = [line for line in judged.lines if line.is_accused]
        target = mutation.was.split()[0]
        hits = [(w.line == mutation.line) if mutation.now else (w.name == target) for w in wrong]
        is_found = hits == [True]
        is_flat = len(wrong) == 1 and not wrong[0].suspects
        count += 1
        found += is_found
        listed += any(hits) or any(mutation.line in line.suspects for line in wrong)
        flat += is_flat
        right += is_flat and is_found
    assert count >= 25
    assert found >= 0.9 * count
    assert listed >= 0.93 * count
    assert right >= 0.95 * flat


# ---------------------------------------------------------------- kinds of programs

PENALTY = """X = [[0.5, -1.2], [1.5, 0.4], [-0.6, 0.9]]
y = [0.3, -0.4, 0.8]; w = [0.7, -0.2]; a = 0.05
r = X @ w - y
f = sum(r**2) + a*np.dot(w, w)
dw = 2*X.T @ r
dw += a*w"""
CHAIN = """x = [[0.4, -0.7, 0.9], [0.1, 0.5, -0.3]]; t = [[1, 0, 0], [0, 0, 1]]
p = softmax(x, axis=1)
f = -sum(t*log(p))/2
dx = p.copy()
dx += -t
dx = dx/3"""
SCALED = """X = [[0.5, -1.2, 0.3, 0.8, -0.4]]; w = [[0.7]]; b = [[0.2]]; Y = [[1, 0, 1, 1, 0]]
Z = w @ X + b
A = sigmoid(Z)
J = -sum(Y*log(A) + (1 - Y)*log(1 - A)) / 5
dZ = A - Y
dw = dZ @ X.T / 5
db = sum(dZ, axis=1, keepdims=True) / 5"""
LEFTOVER = """w = [[0.4, -0.7], [-0.3, 0.9]]; x = [0.5, -0.2]
h1 = tanh(w @ x)
h2 = tanh(w @ h1)
f = sum(h1**2) + sum(h2**2)
dh2 = 2*h2
ds2 = dh2*(1 - h2**2)
dw = outer(ds2, h1)
dnext = w.T @ ds2
dh1 = 2*h1
ds1 = dh1*(1 - h1**2)
dw += outer(ds1, x)"""
HELPERS = """x = [0.4, -0.7, 0.9]
f = sum(x**3) + sum(sin(x))
dh1 = 2*x**2
h2 = cos(x)
dx = dh1 + h2"""
HIDDEN = """x = [0.5, -0.8]; W1 = [[0.4, 0.9], [-0.3, 0.6]]; w2 = [0.7, -0.2]
z = W1 @ x
h = relu(z)
u = w2 @ h - 1
f = u**2
du = u
dw2 = du*h
dh = du*w2
dz = dh*(z > 0)
dW1 = 3*outer(dz, x)"""


@pytest.mark.parametrize(("text", "wrong"), [
    (PENALTY, [(6, "dropped-factor")]),
    (CHAIN, [(6, "dropped-factor")]),
    (SCALED, []),
    (SCALED.replace("db = sum(dZ, axis=1, keepdims=True) / 5", "db = sum(dZ, axis=1, keepdims=True)"),
     [(7, "missing-mean")]),
    (SCALED.replace("dw = dZ", "dw = -dZ"), [(6, "sign")]),
    (SCALED.replace("dZ = A - Y", "dZ = Y - A"), [(5, "sign")]),
    (LEFTOVER, [(9, "missing-path")]),
    (LEFTOVER.replace("dh1 = 2*h1", "dh1 = 2*h1 + dnext"), []),
    (HELPERS, [(3, "dropped-factor")]),
    (HELPERS.replace("2*x**2", "3*x**2"), []),
    (HIDDEN, [(6, "dropped-factor"), (10, "dropped-factor")]),
])  # fmt: skip
def test_the_wrong_line_is_named_in_every_kind_of_program(text, wrong):
    assert accused(text) == wrong


def test_a_scaled_gradient_is_understood_as_such():
    meanings = {line.name: line.meaning for line in case(SCALED).lines}
    assert meanings == {
        "dZ": "adjoint of Z, times 5", "dw": "adjoint of w", "db": "adjoint of b",
    }  # fmt: skip


@pytest.mark.parametrize("name", ["grad_{}", "{}_grad", "nabla_{}", "dloss_d{}", "g{}"])
def test_gradients_are_known_by_other_names(name):
    text = "w = 0.3; x = 0.5\np = w*x\nloss = (p - 0.7)**2\n{p} = 2*(p - 0.7)\n{w} = -{p}*x"
    names = {letter: name.format(letter) for letter in "pw"}
    assert accused(text.format(**names)) == [(5, "sign")]
    assert accused(text.format(**names).replace("= -", "= ")) == []


def test_a_gradient_of_another_shape_is_one_wrong_line():
    text = "X = [[1, 2], [3, 4], [5, 6]]; b = [1, 2]\ns = X + b\nf = sum(s**2)\nds = 2*s\ndb = ds\ndX = ds"
    judged = case(text)
    assert [(line.name, line.verdict) for line in judged.lines] == [
        ("ds", "pass"), ("db", "fail"), ("dX", "pass"),
    ]  # fmt: skip
    assert "has shape (3, 2), `b` has shape (2,)" in judged.lines[1].reason
    assert judged.lines[1].repair == "db = sum(ds, axis=0)"


TWO_LAYERS = """X = randn(5, 4); W1 = randn(4, 3); W2 = randn(3, 2); y = randn(5, 2)
h = tanh(X @ W1)
s = h @ W2
f = sum((s - y)**2)
ds = 2*(s - y)
dW2 = h.T @ ds
dh = ds @ W2.T
da = dh*(1 - h**2)
dW1 = X.T @ da
dX = da @ W1.T"""


def verdicts(judged):
    return {line.line: (line.verdict, line.cause) for line in judged.lines}


def test_a_mistake_behind_a_line_whose_shapes_do_not_fit_is_found_too():
    assert case(TWO_LAYERS).verdict == "pass"
    judged = case(TWO_LAYERS.replace("ds @ W2.T", "ds @ W2").replace("W1.T", "W1.T*3"))
    wrong, also = (line for line in judged.lines if line.is_accused)
    assert (wrong.claim, wrong.mistake, wrong.repair) == (None, "transposed", "dh = ds @ W2.T")
    assert "shapes (5, 2) and (3, 2) do not fit" in wrong.reason
    assert also.mistake == "dropped-factor"
    assert also.claim == [[pytest.approx(3 * x) for x in row] for row in also.expected]
    assert judged.notes == ["no gradient for y"]


def test_what_is_added_in_another_shape_accuses_no_other_line_of_that_gradient():
    judged = case(TWO_LAYERS.replace("dW1 =", "dW2 += 0.1*X\ndW1 ="))
    assert {k for k, word in verdicts(judged).items() if word != ("pass", None)} == {9}
    assert "`+=` of shape (5, 4) to shape (3, 2)" in judged.lines[4].reason
    twice = case(TWO_LAYERS.replace("h.T @ ds", "5*h.T @ ds").replace("dW1 =", "dW2 += X\ndW1 ="))
    assert verdicts(twice)[6][0] != "pass"


def test_a_helper_of_the_wrong_shape_may_be_meant_where_a_line_does_not_fit():
    text = TWO_LAYERS.replace("da =", "slope = 1 - X**2\ng =").replace("dh*(1 - h**2)", "dh*slope")
    judged = case(text.replace("@ da", "@ g").replace("da @", "g @"))
    assert [line.line for line in judged.lines if line.is_accused] == [9]
    assert judged.lines[4].reason.endswith("or line 8 is the slip")
    assert judged.lines[4].suspects == [9, 8]
    assert verdicts(judged)[10] == verdicts(judged)[11] == ("fail", 9)


@pytest.mark.parametrize("line", ["dx = sum(x, axis=0)", "dx = [1, 2][x]", "dx = y.T"])
def test_what_a_line_that_does_not_fit_leaves_behind_changes_nothing(line):
    judged = case(f"x = 2; y = 3\nf = x*y\n{line}\ndy = x")
    assert [row.verdict for row in judged.lines] == ["fail", "pass"]
    assert judged.inputs["y"].verdict == "pass"


def test_helpers_before_a_gradient_that_does_not_fit_are_no_outputs():
    text = "x = randn(4, 4)\nd = x[1:, :] - x[:-1, :]\nL = sum(d**2)\ng = 2*x\ndx = zeros_like(x)\ndx[1:, :] += g\ndx[:-1, :] -= g"
    judged = case(text.replace("-= g", "+= -g"))
    assert judged.output == "L"
    assert [line.line for line in judged.lines if line.is_accused] == [6, 7]


def test_a_helper_that_a_wrong_line_forgets_is_no_reason_to_refuse_the_program():
    right = "x = 2; y = 3\np = x*y\nf = p**2\ndp = 2*p\nt = dp*y\ndx = t\ndy = dp*x"
    assert case(right).verdict == "pass"
    judged = case(right.replace("dx = t", "dx = dp"))
    assert [line.line for line in judged.lines if line.is_accused] == [6]
    assert any("`t` is no gradient and no later" in words for words in judged.warnings)
    with pytest.raises(gradcli.GradcliError, match="`t` is no gradient and no later"):
        case(right.replace("dx = t", "dx = dp*y"))


def test_a_line_that_adds_the_same_again_is_named():
    text = "x = 3; y = 2\nq = x*y\nf = q**2\ndq = 2*q\ndx = y*dq\ndx += y*dq\ndy = x*dq"
    (line,) = [line for line in case(text).lines if line.is_accused]
    assert (line.line, line.mistake) == (6, "double-counted")
    assert line.reason == "line 5 has added the same already"


@pytest.mark.parametrize("twice", ["dx += y*dq", "dx += dr"])
def test_the_last_of_two_lines_that_add_the_same_is_one_too_many(twice):
    right = "x = 3; y = 2\nq = x*y\nr = x + q\nf = q*r + sin(x)\ndr = q\ndq = r + dr\n"
    right += "dx = cos(x)\ndx += y*dq\ndx += dr\ndy = x*dq\n"
    judged = case(right.replace(twice, f"{twice}\n{twice}"))
    (line,) = [line for line in judged.lines if line.is_accused]
    row = right[: right.index(twice)].count("\n") + 1
    assert (line.line, line.mistake, line.suspects) == (row + 1, "double-counted", [])
    assert line.repair == ""  # the line is left out
    assert fixed_text(judged.text, judged.lines) == right


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("a = 1; dx += y; b = 2\n", "a = 1; b = 2\n"),
        ("a = 1; dx += y\nb = 2\n", "a = 1\nb = 2\n"),
        ("dx += y; b = 2\n", "b = 2\n"),
        ("for k in x:\n    dx += y\nb = 2\n", "for k in x:\n    pass\nb = 2\n"),
        ("for k in x: dx += y\nb = 2\n", "for k in x: pass\nb = 2\n"),
        ("for k in x:\n    dx += y\n    b = 2\n", "for k in x:\n    b = 2\n"),
        ("b = 2\ndx += y", "b = 2\n"),
    ],
)
def test_a_statement_that_is_left_out_takes_its_row_along_but_no_block(text, left):
    start = text.index("dx")
    assert without(text, start, start + len("dx += y")) == left


def test_where_either_line_may_be_the_slip_the_others_are_listed():
    text = "x = 0.4; k = 1.2\nh = tanh(k*x)\nL = h**2\ndh = 2*h\ns1 = -dh*(1 - h**2)\ndx = s1*k"
    (line,) = [line for line in case(text).lines if line.is_accused]
    assert (line.line, line.suspects) == (5, [5, 6])
    assert "or line 6 is the slip" in line.reason


DEFERRED = """X = [[0.5, -0.2, 0.1], [0.3, 0.8, -0.6]]; Y = [[1, 0, 1]]; W1 = [[0.2, -0.5], [0.7, 0.1]]; W2 = [[0.6, -0.3]]
Z1 = W1 @ X
A1 = tanh(Z1)
Z2 = W2 @ A1
A2 = sigmoid(Z2)
J = -sum(Y*log(A2) + (1 - Y)*log(1 - A2))/3
dZ2 = A2 - Y
dW2 = dZ2 @ A1.T/3
dZ1 = W2.T @ dZ2 * (1 - A1**2)/3
dW1 = dZ1 @ X.T/3
dX = W1.T @ dZ1/3"""


def test_one_line_that_mends_several_results_is_blamed_for_all_of_them():
    (line,) = [line for line in case(DEFERRED).lines if line.is_accused]
    assert (line.line, line.repair) == (9, "dZ1 = W2.T @ dZ2 * (1 - A1**2)")
    assert [line.cause for line in case(DEFERRED).lines][-2:] == [9, 9]


@pytest.mark.parametrize(
    "text", [PROGRAMS["lstm_cell"], PROGRAMS["coursera"], RIGHT["batchnorm_by_cs231n"]]
)
def test_right_lines_are_judged_in_a_few_passes_whatever_their_number(text, monkeypatch):
    passes = []

    def counted(function):
        def with_count(*args):
            passes.append(function.__name__)
            return function(*args)

        return with_count

    for owner, name in (
        (point, "_sweep"), (replay.Replay, "_enter"), (replay.Replay, "_again_at"),
        (passage, "written"), (Cut, "run"),
    ):  # fmt: skip
        monkeypatch.setattr(owner, name, counted(getattr(owner, name)))
    assert case(text).verdict == "pass"
    assert 4 <= len(passes) <= 30


UPSTREAM = """x = [0.3, -0.6, 0.8]; W = [[0.3, 0.4, -0.6], [0.9, -0.2, 0.5]]; t = [1, 0]
z = W @ x
h = tanh(z)
dh = 2*(h - t)
dz = dh*(1 - h**2)
dW = np.outer(dz, x)
dx = W.T @ dz"""


def test_an_upstream_gradient_may_be_a_formula_of_what_moves():
    assert case(UPSTREAM).verdict == "pass"
    hidden = UPSTREAM.replace("[0.3, -0.6", "[1, -0.6").replace("(1 - h", "(1 - x[0]*h")
    assert accused(hidden) == [(5, "dropped-factor")]


VJP = "x = [0.5, -1.2, 2.0]; w = [0.3, 0.7, -0.4]\nout = x*w\ndx = {}*w\ndw = {}*x"


@pytest.mark.parametrize("name", ["dout", "grad_out", "upstream"])
def test_the_upstream_gradient_may_be_given_as_an_input(name):
    text = VJP.format(name, name)
    for upstream in ([1, 2, 3], "[1, 2, 3]", "randn(3)"):
        assert case(text, bindings={name: upstream}).verdict == "pass"
    wrong = case(text.replace("*w\ndw", "*x\ndw"), bindings={name: [1, 2, 3]})
    assert [line.line for line in wrong.lines if line.is_accused] == [3]
    assert wrong.notes == []
    with pytest.raises(gradcli.GradcliError, match=r"has shape \(2,\), `out` has shape \(3,\)"):
        case(text, bindings={name: [1, 2]})


@pytest.mark.parametrize("upstream", ["[1, 2, 3]", "ones", "randn(3)"])
def test_lines_read_the_upstream_gradient_that_the_caller_gives(upstream):
    right = case(VJP.format("dout", "dout"), upstream=upstream)
    assert (right.verdict, right.notes, right.claims) == ("pass", [], 2)


# ---------------------------------------------------------------- repairs


def test_a_repair_is_the_line_as_it_should_be():
    repairs = {text: [line.repair for line in case(text).lines if line.is_accused]
               for text in (PENALTY, CHAIN, HELPERS)}  # fmt: skip
    assert [*repairs.values()] == [["dw += a*w*2"], ["dx = dx/2"], ["dh1 = 3*x**2"]]
    for text, (repair,) in repairs.items():
        (line,) = [line for line in case(text).lines if line.is_accused]
        rows = text.splitlines()
        rows[line.line - 1] = repair
        assert case("\n".join(rows)).verdict == "pass"


@pytest.mark.parametrize(("text", "line", "mistake", "repair"), [
    ("z = [0.3, -0.2, 0.9]; t = [0.1, 0.5, 0.2]\np = softmax(z)\nL = np.sum((p - t)**2)\ndp = 2*(p - t)\n"
     "dz = dp*p*(1 - p)", 5, "softmax-diagonal", "dz = p*(dp - np.sum(p*dp))"),
    ("x = randn(4, 3); W = randn(3, 3)\nz = x @ W\nh = relu(z)\nL = sum(h**2)\ndh = 2*h\ndz = dh*(x>0)\ndW = x.T@dz",
     6, "wrong-cache", "dz = dh*(z>0)"),
    ("x = randn(3); y = randn(3)\nf = sum(x**2) + sum(x**3*y)\ndx = 2*x + 2*x**2*y\ndy = x**3",
     3, "wrong-constant", "dx = 2*x + 3*x**2*y"),
    ("x = randn(3); y = randn(3)\nf = sum(x**2) + sum(x**3*y)\ndx = 2*x + 3*x**2*y + y\ndy = x**3",
     3, "extra-term", "dx = 2*x + 3*x**2*y"),
    ("o = 0.7; w = 0.3\np = w*o\nL = (p - 1.5)**2\ndp = 2*p\ndw = dp*o\ndo = dp*w", 4, "lost-term", "dp = 2*(p - 1.5)"),
    ("th = 0.4; g = 9.8; l = 1.2\nu = g/l*(1 - cos(th))\nE = u**2\ndu = 2*u\ndth = du*g/l", 5,
     "dropped-factor", "dth = du*g/l*sin(th)"),
    ("c = randn(3); o = randn(3)\nh = o*tanh(c)\nL = sum(h**2)\ndh = 2*h\ndo = dh*tanh(c)\ndc = 1 - tanh(c)**2",
     6, "missing-upstream", "dc = (1 - tanh(c)**2)*dh*o"),
    ("w = [2.0, -3.0]; x = [-1.5, -2.25]\nz = w[0]*x[0] + w[1]*x[1]\nf = z**2\ndz = 2*z\ndx = [w[0]*dz,w[1]*dz]\n"
     "dw = [x[0]*dz,w[1]*dz]", 6, "not-switched", "dw = [x[0]*dz,x[1]*dz]"),
    ("x = randn(4, 3); b = randn(3)\ns = x + b\nf = sum(s**3)\nds = 3*s**2\ndx = ds\ndb = ds", 6, "unsummed-axis",
     "db = sum(ds, axis=0)"),
])  # fmt: skip
def test_kinds_of_slips_have_names_and_repairs_in_the_style_of_the_line(
    text, line, mistake, repair
):
    (wrong,) = [line for line in case(text).lines if line.is_accused]
    assert (wrong.line, wrong.mistake, wrong.repair) == (line, mistake, repair)


def accused_after(name, was, now):
    """The one accused line of a program of another field with a slip in it."""
    assert was in PROGRAMS[name]
    text = PROGRAMS[name].replace(was, now) if now else PROGRAMS[name].replace(f"{was}\n", "")
    (line,) = [line for line in case(text).lines if line.is_accused]
    return line


@pytest.mark.parametrize(("name", "was", "now", "mistake", "is_as_before"), [
    ("lagrangian_double_pendulum", "dt2 = sin(t1 - t2)*dc", "dt2 = dc", "dropped-factor", False),
    ("lagrangian_double_pendulum", "m*l**2*(2*w1 + w2*c)", "m*l**4*(2*w1 + w2*c)", "dropped-power", True),
    ("spline_hermite", "3*t**2 - 4*t + 1", "3*t**2 - t + 1", "dropped-factor", True),
    ("elastic_net", "l1*np.sign(w)", "l1*w", "wrong-operator", True),
    ("heat_equation", "dk = np.sum(dun*lap)", "dk = np.sum(dlap*lap)", "wrong-cache", True),
    ("heat_equation", "du[0:4] += dlap", "du[0:4] = dlap", "overwritten", True),
    ("heat_equation", "du = np.zeros_like(u)", "du = u", "wrong-operator", True),
    ("ppo", "pi_*(dpi_ - inner)", "pi_*dpi_", "lost-term", True),
    ("groupnorm_like", "dx += dmean_/6", "dx += dmean_/12", "dropped-factor", True),
    ("vae_elbo", "dpre = dh*(1 - h*h)", "dpre = dxr*(1 - h*h)", "wrong-cache", True),
    ("camera_projection", "dP[:, 1] = dpy*f_/z", "dP[:, 1] = dP*f_/z", "wrong-cache", True),
    ("pooling", "dx = np.zeros_like(x)", "dx = np.zeros_like(w)", "wrong-cache", True),
    ("quantile", "np.where(u > 0", "np.where(w > 0", "wrong-cache", True),
    ("maxout", "dza = dh*won", "dza = dh", "wrong-branch", True),
    ("elu_like", "neg*(np.exp(x) - 1)", "neg*np.exp(x)", "lost-term", False),
])  # fmt: skip
def test_slips_inside_of_lines_have_names_and_repairs(name, was, now, mistake, is_as_before):
    line = accused_after(name, was, now)
    assert line.mistake == mistake
    if is_as_before:
        (row,) = [row for row in PROGRAMS[name].splitlines() if was in row]
        assert line.repair == row


@pytest.mark.parametrize(("name", "left_out", "more"), [
    ("elastic_net", "dw += 2*l2*w", "dw += 2 * w * l2"),
    ("conv2d_loops", "dX[0:2, 1:3] += do01*F", "dX[0:2, 1:3] += F * do01"),
    ("spline_hermite", "dt += dh01*(6*t - 6*t**2)", "dt += 6 * t * dh01 - 6 * t**2 * dh01"),
])  # fmt: skip
def test_a_contribution_that_no_line_adds_is_written_as_a_line(name, left_out, more):
    line = accused_after(name, left_out, "")
    assert line.mistake == "missing-path"
    assert line.repair.split("\n")[1:] == [more]
    rows = PROGRAMS[name].replace(f"{left_out}\n", "").splitlines()
    rows[line.line - 1] = line.repair
    assert case("\n".join(rows)).verdict == "pass"


def test_lines_behind_a_step_that_does_not_fit_are_not_judged():
    text = PROGRAMS["cs231n_net"].replace("dh = ds.dot(W2.T)", "dh = ds.dot(reg.T)")
    wrong = {line.line: line.cause for line in case(text).lines if line.verdict == "fail"}
    assert wrong == {13: None, 14: 13, 15: 13, 16: 13}


def test_no_repair_is_shown_where_that_of_another_line_does_as_well():
    text = "x = 0.4; k = 1.2\nh = tanh(k*x)\nL = h**2\ndh = 2*h\ns1 = -dh*(1 - h**2)\ndx = s1*k"
    (line,) = [line for line in case(text).lines if line.is_accused]
    assert (line.suspects, line.repair) == ([5, 6], None)


def test_the_other_lines_of_a_gradient_of_another_shape_are_judged_for_themselves():
    text = "X = randn(4, 3); W = randn(3, 2); a = 0.1\nh = X @ W\nf = sum(h**2) + a*sum(W**2)\ndh = 2*h\ndW = X.T @ X\ndW += 2*a*W"
    lines = case(text).lines
    assert [(line.line, line.cause) for line in lines if line.verdict == "fail"] == [(5, None)]
    wrong = case(text.replace("2*a*W", "a*W")).lines
    assert [line.verdict for line in wrong] == ["pass", "fail", "fail"]
    assert wrong[2].reason == "no use of `W` sends this back"
    assert (lines[1].mistake, lines[1].repair) == ("wrong-cache", "dW = X.T @ dh")


@pytest.mark.parametrize(("text", "before", "after"), [
    ("x = 0.5; y = 1.5\r\nq = x*y\r\nf = q**2\r\ndq = 2*q # up\r\ndx = -y*dq\t# slip; here\r\ndy = x*dq\r\n",
     "dx = -y*dq", "dx = y*dq"),
    ("x = 0.5; y = 1.5\nq = x*y; f = q**2\ndq = 2*q; dx = x*dq; dy = x*dq # many\n", "dx = x*dq", "dx = y*dq"),
    ("x = [0.5, 1.0]; y = [1.5, 2.0]\nf = sum(x*y)\ndx = [\n  y[0],   # first\n  x[1],   # second\n]\ndy = x\n",
     "  x[1],", "  y[1],"),
    ("\tx = 0.5; y = 1.5\n\tq = x*y\n\tf = q**2\n\tdq\t=\t2*q\n\tdx\t=\t-y*dq\n\tdy = x*dq", "-y*dq", "y*dq"),
    ("x = 0.5; y = 1.5\nq = x*y\nf = q**2\ndq = 2*q\ndx = (y\n      + dq)\ndy = x*dq\n", "+ dq", "* dq"),
    ("x = 0.5; y = 1.5\nq = x*y\ns = x**2\nf = q + s\ndx = y  # first\ndx = 2*x  # second\ndy = x\n",
     "dx = 2*x", "dx += 2*x"),
])  # fmt: skip
def test_fixes_change_the_statement_and_nothing_else(gradcli, text, before, after):
    Path("a.grad").write_bytes(text.encode())
    gradcli("check", "a.grad", "--fix", "--write")
    assert Path("a.grad").read_bytes().decode() == text.replace(before, after)
    assert gradcli("check", "a.grad", "--fix").code == 0


def test_fix_prints_a_diff_and_writes_only_where_that_is_asked_for(gradcli):
    Path("a.grad").write_text(CHAIN + "\n")
    ended = gradcli("check", "a.grad", "--fix")
    assert (ended.code, ended.err) == (1, "")
    rows = ended.out.splitlines()
    assert rows[:2] == ["--- a/a.grad", "+++ b/a.grad"]
    assert rows[-2:] == ["-dx = dx/3", "+dx = dx/2"]
    assert Path("a.grad").read_text() == CHAIN + "\n"
    gradcli("check", "a.grad", "--fix", "--write")
    assert Path("a.grad").read_text() == CHAIN.replace("dx/3", "dx/2") + "\n"
    assert gradcli("check", "a.grad", "--fix").out == ""
    Path("b.grad").write_text("x = 2; y = 3\nf = x*y\ndx = 17\ndy = x\n")
    assert (
        "b.grad:3: dx is wrong, and no repair is known" in gradcli("check", "b.grad", "--fix").err
    )
    assert gradcli("check", "a.grad", "--write").err == "error: --write needs --fix\n"


def test_json_has_meanings_repairs_and_suspects(gradcli):
    Path("a.grad").write_text(PENALTY + "\n")
    report = json.loads(gradcli("check", "a.grad", "--json").out)
    first, second = report["cases"][0]["lines"]
    assert (first["meaning"], first["repair"], first["suspects"]) == (
        "contribution of w to X @ w", None, [],
    )  # fmt: skip
    assert second["repair"] == "dw += a*w*2"
    assert "dw: contribution of w" in gradcli("check", "a.grad", "-v").out


def test_a_search_that_is_cut_short_accuses_a_line_all_the_same(monkeypatch):
    text = "x = [0.3, -0.8]; y = tanh(x); f = sum(y**2)\n"
    text += "num = 2*y - 7\ndx = (num - 7)*(1 - y**2)\n"
    told = []
    for most in (suspects.MOST_RUN, -1):
        monkeypatch.setattr(suspects, "MOST_RUN", most)
        case = gradcli.check(text, {}).cases[0]
        told.append([(line.line, line.suspects) for line in case.lines if line.is_accused])
    assert told[0][0][0] == 2
    assert told[1] == [(3, [])]


@pytest.mark.parametrize("x", ["2", "4", "2.5"])
def test_a_whole_number_that_is_only_multiplied_is_no_size(x):
    """With x held at 2 a repair by the number 2 would look right."""
    text = f"w = 3; x = {x}\nL = (w*x - 1)**2\ndw = 2*(w*x - 1)"
    (line,) = gradcli.check(text).cases[0].lines
    assert line.repair == "dw = 2*(w*x - 1)*x"


def test_a_whole_number_that_is_divided_by_may_stand_as_a_number():
    text = "x = 3; y = 5; n = 4\nf = (x*y)**2 / n\ndx = 2*x*y*y / 4\ndy = 2*x*y / 4"
    first, second = gradcli.check(text).cases[0].lines
    assert (first.verdict, second.repair.replace(" ", "")) == ("pass", "dy=2*x**2*y/4")


MASKED = """X = randn(6, 4); W = randn(4, 5); V = randn(5, 2); Y = randn(6, 2)
z = X @ W
h = np.maximum(z, 0)
s = h @ V
loss = np.sum((s - Y)**2) / 6
ds = 2 * (s - Y) / 6
dV = h.T @ ds
dh = ds @ V.T
dh = dh * (h > 0)
dW = X.T @ dh
dX = dh @ W.T"""


@pytest.mark.parametrize("now", ["dh = dh", "dh = dh * h", "dh = dh * (h < 0)"])
def test_a_line_that_loses_its_mask_is_accused_and_not_the_one_before(now):
    text = MASKED.replace("dh = dh * (h > 0)", now)
    (line,) = [line for line in case(text).lines if line.is_accused]
    assert (line.line, line.mistake, line.suspects) == (9, "wrong-branch", [])
    assert line.repair in ("dh = dh * (h > 0)", "dh = dh*(h > 0)")


def test_changes_of_a_line_that_give_the_same_value_are_tried_once(monkeypatch):
    is_hit_at, is_hit_in, asked, runs = Aim.is_hit_at, Aim.is_hit_in, [], []

    def asked_at(aim, point, held):
        values = [(node, np.asarray(values[point]).tobytes()) for node, values in held.items()]
        asked.append((aim, id(aim.replay.held), point, *values))
        return is_hit_at(aim, point, held)

    def counted(aim, point, run):
        runs.append(run)
        return is_hit_in(aim, point, run)

    monkeypatch.setattr(Aim, "is_hit_at", asked_at)
    monkeypatch.setattr(Aim, "is_hit_in", counted)
    text = "x = 2; y = 0\na = x*y\nb = a*a\nf = b + x\n"
    text += "db = 1\nda = 2*b*db + db\ndx = da*y + 1\ndy = da*x"
    assert gradcli.check(text).verdict == "fail"
    assert len(runs) == len({*asked}) < len(asked)


UNROLLED = """x = [0.5, -1.2, 2.0, 0.3, -0.7]; w = [1.1, -0.4, 0.9]
s0 = w[0]*x[0] + w[1]*x[1] + w[2]*x[2]
s1 = w[0]*x[1] + w[1]*x[2] + w[2]*x[3]
s2 = w[0]*x[2] + w[1]*x[3] + w[2]*x[4]
f = s0*s0 + s1*s2
ds0 = 2*s0
ds1 = s2
ds2 = s1
dw[0] += ds0*x[0] + ds1*x[1] + ds2*x[2]
dw[1] += ds0*x[1] + ds1*x[2] + ds2*x[3]
dw[2] += ds0*x[2] + ds1*x[3] + ds2*x[4]
dx[0] += ds0*w[0]
dx[1] += ds0*w[1] + ds1*w[0]
dx[2] += ds0*w[2] + ds1*w[1] + ds2*w[0]
dx[3] += ds1*w[2] + ds2*w[1]
dx[4] += ds2*w[2]"""
NETWORK = """X = randn(4, 3); W1 = randn(3, 5); W2 = randn(5, 3); Y = randn(4, 3)
h = np.maximum(0, X @ W1)
s = h @ W2
loss = np.sum((s - Y)**2)
ds = 2*(s - Y)
dW2 = h.T @ ds
dh = ds @ W2.T
dh = dh * (h > 0)
dW1 = X.T @ dh"""
PENDULUM = """theta = 0.7; omega = -1.3; m = 2.5; l = 1.7
ke = 0.5*m*l**2*omega**2
pe = m*9.81*l*(1 - cos(theta))
E = ke + pe
dke = 1
dpe = 1
domega = dke*m*l**2*omega
dtheta = dpe*m*9.81*l*sin(theta)
dl = dke*m*l*omega**2
dl += dpe*m*9.81*(1 - cos(theta))
dm = dke*0.5*l**2*omega**2 + dpe*9.81*l*(1 - cos(theta))"""


@pytest.mark.parametrize(
    ("text", "was", "now", "mistake", "repair"),
    [
        (UNROLLED, "dx[2] += ds0*w[2] + ds1*w[1] + ds2*w[0]", "dx[2] += ds0*w[2] + ds1*w[1]",
         "missing-path", "dx[2] += ds0*w[2] + ds1*w[1] + w[0]*ds2"),
        (UNROLLED, "dx[4] += ds2*w[2]", "dx[4] += ds2*w[1]", "wrong-constant", None),
        (NETWORK, "ds = 2*(s - Y)", "ds = 2", "dropped-factor", "ds = 2 * (s - Y)"),
        (NETWORK, "dh = dh * (h > 0)", "dh = h > 0", "dropped-factor", "dh = (h > 0)*dh"),
        (NETWORK, "dW2 = h.T @ ds", "dW2 = X.T @ ds", None, None),
        (PENDULUM, "dl = dke*m*l*omega**2", "dl = dke*0.5*m*l*omega**2", "dropped-factor", None),
        (PENDULUM, "dpe = 1", "dpe = 2", "dropped-factor", None),
    ],
)  # fmt: skip
def test_the_usual_slips_have_their_names_and_are_mended(text, was, now, mistake, repair):
    row = text.splitlines().index(was) + 1
    (line,) = [x for x in case(text.replace(was, now), seed=3).lines if x.is_accused]
    assert (line.line, line.suspects) == (row, [])
    if mistake is not None:
        assert (line.mistake, line.repair) == (mistake, repair or was)


@pytest.mark.parametrize("mask", ["W > 0", "c2 > 0"])
def test_a_step_that_does_not_fit_is_to_give_what_no_line_before_it_gives(mask):
    """`dh` before it is the gradient of h; without the step, or times 1, it would stay that."""
    text = (
        "X = [[1, -2], [3, 1], [-1, 2]]; W = [[1, -1, 2], [2, 1, -3]]; c = [1, -2, 1]\n"
        "c2 = [1, 2]\nh = relu(X @ W)\nf = sum((h @ c)**2 * (c2 @ c2))\n"
        "dh = outer(2 * (h @ c) * (c2 @ c2), c)\ndh = dh * (MASK)\ndW = X.T @ dh\n"
    )
    wrong = case(text.replace("MASK", mask))
    (line,) = [line for line in wrong.lines if line.is_accused]
    assert (wrong.verdict, line.line, line.repair) == ("fail", 6, "dh = dh * (h > 0)")
