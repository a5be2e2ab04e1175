"""Backward passes over arrays as they are written at work: one slip, one accused line."""

from __future__ import annotations

import re

import pytest

import gradcli

PROGRAMS = {
    "layernorm": """X = randn(4,6); g = randn(6); b = randn(6); T = randn(4,6)
mu = mean(X, axis=1, keepdims=True)
c = X - mu
v = mean(c**2, axis=1, keepdims=True)
s = sqrt(v + 1e-5)
z = c / s
y = z*g + b
L = sum((y - T)**2)/4
dy = 2*(y - T)/4
dg = sum(dy*z, axis=0)
db = sum(dy, axis=0)
dz = dy*g
dc = dz/s
ds = -sum(dz*c, axis=1, keepdims=True)/s**2
dv = ds*0.5/s
dc += 2*c*dv/6
dmu = -sum(dc, axis=1, keepdims=True)
dX = dc + dmu/6
""",
    "conv": """x = randn(8); k = randn(3); t = randn(6)
y = k[0]*x[0:6] + k[1]*x[1:7] + k[2]*x[2:8]
h = relu(y)
L = sum((h - t)**2)
dh = 2*(h - t)
dy = dh*(y > 0)
dk = [sum(dy*x[0:6]), sum(dy*x[1:7]), sum(dy*x[2:8])]
dx[0:6] += k[0]*dy
dx[1:7] += k[1]*dy
dx[2:8] += k[2]*dy
""",
    "ce": """X = randn(5,4); W = randn(4,3); b = randn(3)
Y = [[1,0,0],[0,1,0],[0,0,1],[1,0,0],[0,1,0]]
s = X.dot(W) + b
m = np.max(s, axis=1, keepdims=True)
e = exp(s - m)
Z = np.sum(e, axis=1, keepdims=True)
p = e / Z
L = -np.sum(Y*log(p))/5
dp = -Y/p/5
de = dp/Z
dZ = -np.sum(dp*e, axis=1, keepdims=True)/Z**2
de += dZ
dm = -np.sum(de*e, axis=1, keepdims=True)
ds = de*e + dm*(s == m)
dW = X.T.dot(ds)
db = np.sum(ds, axis=0)
dX = ds.dot(W.T)
""",
    "cos": """u = randn(5); v = randn(5)
a = sum(u*v); n = norm(u); m = norm(v)
f = a/(n*m)
da = 1/(n*m)
dn = -a/(n**2*m)
dm = -a/(n*m**2)
du = da*v + dn*u/n
dv = da*u + dm*v/m
""",
    "bilinear": """A = randn(3,4); x = randn(3); y = randn(4); B = randn(2,3,4)
q = x.dot(A).dot(y)
r = B @ y
w = r @ x
f = q**2 + sum(w**2)
dq = 2*q
dw = 2*w
dr = outer(dw, x)
dA = dq*outer(x, y)
dx = dq*A.dot(y) + r.T.dot(dw)
dB = reshape(dr, (2,3,1))*y
dy = dq*A.T.dot(x) + sum(sum(B*reshape(dr, (2,3,1)), axis=0), axis=0)
""",
    "rnn": """x1 = randn(3); x2 = randn(3); W = randn(4,3); U = randn(4,4)*0.5; h0 = randn(4)
a1 = W @ x1 + U @ h0
h1 = tanh(a1)
a2 = W @ x2 + U @ h1
h2 = tanh(a2)
L = sum(h2**3)
dh2 = 3*h2**2
da2 = (1 - h2**2)*dh2
dW = outer(da2, x2)
dU = outer(da2, h1)
dx2 = W.T @ da2
dh1 = U.T @ da2
da1 = (1 - h1**2)*dh1
dW += outer(da1, x1)
dU += outer(da1, h0)
dx1 = W.T @ da1
dh0 = U.T @ da1
""",
}

LINE = re.compile(r"(d\S*?) (\+?=) (.*)")
WAYS = {"by element": 10**6, "whole": 0}


def case(text, way):
    return gradcli.check(text, max_elements=WAYS[way], seed=3).cases[0]


def slips(line):
    """The line with one slip: (what it is, the line)."""
    target, sign, right = LINE.fullmatch(line).groups()
    yield "sign", f"{target} {sign} -({right})"
    yield "a hundred-thousandth", f"{target} {sign} ({right})*1.00002"
    if sign == "+=" and "[" not in target:
        yield "overwritten", f"{target} = {right}"
    if "**2" in right:
        yield "power", f"{target} {sign} {right.replace('**2', '', 1)}"
    if ".T" in right:
        yield "transposed", f"{target} {sign} {right.replace('.T', '', 1)}"
    if "1 - " in right:
        yield "one minus", f"{target} {sign} {right.replace('1 - ', '', 1)}"


def mutations(name):
    """(number of the line, slip, text of the program)."""
    lines = PROGRAMS[name].strip().split("\n")
    for number, line in enumerate(lines, start=1):
        if LINE.fullmatch(line) and not line.startswith("dm = -np.sum"):  # dm there is 0
            for slip, wrong in slips(line):
                yield number, slip, "\n".join([*lines[: number - 1], wrong, *lines[number:]])


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("name", PROGRAMS)
def test_right_lines_pass(name, way):
    found = case(PROGRAMS[name], way)
    assert {line.verdict for line in found.lines} <= {"pass", "kink"}
    assert found.verdict in ("pass", "kink")


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("name", PROGRAMS)
def test_one_slip_accuses_its_line_and_no_other(name, way):
    """Judged number by number only for one kind of slip, which takes longer."""
    for number, slip, text in mutations(name):
        if way == "by element" and slip not in ("sign", "overwritten"):
            continue
        try:
            found = case(text, way)
        except gradcli.GradcliError:
            assert slip in ("transposed", "overwritten")  # a shape that cannot be
            continue
        accused = [line.line for line in found.lines if line.local]
        assert (found.verdict, accused) == ("fail", [number]), (slip, text.split("\n")[number - 1])


def test_parts_of_a_gradient_are_assigned_by_slices():
    text = """
    x = [1.5, -2, 0.5, 3]; k = [2, 0.5]
    y = k[0]*x[0:3] + k[1]*x[1:]
    f = sum(y**2)
    dy = 2*y
    dx[:3] += k[0]*dy
    dx[1:] += k[1]*dy
    dk[0] = sum(x[:-1]*dy); dk[-1] = sum(x[1:]*dy)
    """
    for way in WAYS:
        assert case(text, way).verdict == "pass"
        wrong = case(text.replace("dx[1:] += k[1]", "dx[1:] += k[0]"), way)
        assert [line.name for line in wrong.lines if line.local] == ["dx[1:]"]


@pytest.mark.parametrize(("line", "words"), [
    ("dx[0:3] += [1, 2]", "does not fit"), ("dx[0, 1] = 1", "2 indices"), ("dx[9] = 1", "outside"),
    ("dx[0:2, 0:2] = 1", "2 indices"),
])  # fmt: skip
def test_parts_that_do_not_fit_are_refused(line, words):
    with pytest.raises(gradcli.GradcliError, match=words) as caught:
        gradcli.check(f"x = [1, 2, 3, 4]\nf = sum(x**2)\n{line}")
    assert caught.value.span.line == 3


def test_a_number_may_fill_a_part():
    assert (
        case("x = [1, 2, 3]; f = 5*sum(x[0:2]) + x[2]; dx[0:2] = 5; dx[2] = 1", "whole").verdict
        == "pass"
    )
    assert (
        case("x = [[1, 2], [3, 4]]; f = sum(x[:, 1]); dx[:, 1] += 1", "by element").verdict
        == "pass"
    )
    assert (
        case("x = [[1, 2], [3, 4]]; f = sum(x[:, 1]); dx[:, 0] += 1", "by element").verdict
        == "fail"
    )
