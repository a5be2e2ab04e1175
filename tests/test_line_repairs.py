"""Wrong lines are named, and shown as they should be."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from judged_lines import CHAIN, HELPERS, PENALTY, case
from real_styles import PROGRAMS

import gradcli
from gradcli.backward import suspects
from gradcli.backward.aim import Aim

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
    ("\ufeffx = 0.5; y = 1.5\nf = x*y\ndx = y\ndy = y\n", "dy = y", "dy = x"),
    ("x = 0.5; y = 1.5\rf = x*y\rdx = y\rdy = y\r", "dy = y", "dy = x"),
    ("x = 0.5; y = 1.5\rf = x*y + x\rdx = y\rdx += 1\rdx += 1\rdy = x\r", "dx += 1\rdx += 1\r", "dx += 1\r"),
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
    assert told[1] == [(3, [3, 2])]  # the helper in line 2 may be it


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


LAYER = """\
import numpy as np
def affine_forward(x, w, b):
    return x @ w + b, (x, w, b)
def affine_backward(dout, cache):
    x, w, b = cache
    db = 2*dout.sum(axis=0)
    return dout @ w.T, x.T @ dout, db
"""


def test_a_notebook_is_shown_its_repairs_and_never_overwritten(gradcli):
    cells = [{"cell_type": "code", "source": LAYER, "metadata": {}, "outputs": []}]
    text = json.dumps({"cells": cells, "nbformat": 4, "nbformat_minor": 5, "metadata": {}})
    Path("a.ipynb").write_text(text)
    Path("b.py").write_text(LAYER)
    ended = gradcli("check", "a.ipynb", "b.py", "--fix", "--write")
    assert (ended.code, ended.out.count("+    db = dout.sum(axis=0)")) == (2, 2)
    assert "is a notebook: nothing is written" in ended.err
    assert (Path("a.ipynb").read_text(), Path("b.py").read_text()) == (text, LAYER)
    assert gradcli("check", "b.py", "--fix", "--write").code == 1
    assert Path("b.py").read_text() == LAYER.replace("2*dout", "dout")


def test_a_file_that_was_changed_while_it_was_checked_is_not_overwritten(gradcli, monkeypatch):
    Path("b.py").write_text(LAYER)
    monkeypatch.setattr("gradcli.cli.check_report.read_text", lambda path: "# edited by now\n")
    ended = gradcli("check", "b.py", "--fix", "--write")
    assert (ended.code, Path("b.py").read_text()) == (2, LAYER)
    assert "`b.py` has another text by now" in ended.err


@pytest.mark.parametrize(
    "words", [("--fix", "--json"), ("--fix", "--format", "sarif"), ("--list", "--json")]
)
def test_what_is_text_for_people_has_no_other_format(gradcli, words):
    Path("b.py").write_text(LAYER)
    ended = gradcli("check", "b.py", *words)
    assert ended.code == 2
    assert "is text for people, and has no format" in ended.err
    assert "json" not in words[-1] or json.loads(ended.out)["error"]["kind"] == "usage"
