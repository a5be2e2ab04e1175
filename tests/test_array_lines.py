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


@pytest.mark.slow
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
def test_a_part_that_does_not_fit_is_a_wrong_line(line, words):
    (wrong,) = gradcli.check(f"x = [1, 2, 3, 4]\nf = sum(x**2)\n{line}").cases[0].lines
    assert (wrong.line, wrong.verdict, wrong.local) == (3, "fail", True)
    assert words in wrong.reason


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


# ---------------------------------------------------------------- who is to blame

NETWORK = """X = randn(4, 3); W = randn(3, 2); b = randn(2); T = randn(4, 2)
h = tanh(X @ W + b)
L = sum((h - T)**2)
dh = 2*(h - T)
dz = (1 - h**2)*dh
dW = X.T @ dz
db = sum(dz, axis=0)
dX = dz @ W.T"""


def blamed(text, way="whole"):
    """(name, mistake) of the accused lines."""
    return [(line.name, line.mistake) for line in case(text, way).lines if line.local]


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize(("wrong", "mistake"), [
    ("dz = (1 - h)*dh", "dropped-power"), ("dz = h**2*dh", "dropped-one-minus"),
    ("dz = -(1 - h**2)*dh", "sign"), ("dz = (1 - h**2)*h", "wrong-cache"),
])  # fmt: skip
def test_a_wrong_helper_is_the_one_red_line(way, wrong, mistake):
    """`z` is no stage, so that no gradient is claimed there; what reads dz follows from it."""
    assert blamed(NETWORK, way) == []
    text = NETWORK.replace("dz = (1 - h**2)*dh", wrong)
    assert blamed(text, way) == [("dz", mistake)]
    causes = {line.name: line.cause for line in case(text, way).lines}
    assert causes["dW"] == causes["db"] == causes["dX"] == 5


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("text", [
    "y = randn(4); T = randn(4)\nL = sum((y - T)**2)\ndy = 2*(y + T)\ndT = -dy",
    "a = 1.5; b = 0.7\nL = (a - b)**2\nda = 2*(a + b)\ndb = -da",
])  # fmt: skip
def test_a_line_that_reads_a_wrong_sibling_follows_from_it(way, text):
    (name, mistake), *others = blamed(text, way)
    assert (name[0], mistake, others) == ("d", "sign", [])


@pytest.mark.parametrize("way", WAYS)
def test_a_line_for_two_uses_and_one_too_many(way):
    text = """X = randn(4, 3); W = randn(3, 2); T = randn(4, 2)
s = X @ W
L = sum((s - T)**2) + 0.01*sum(W**2)
ds = 2*(s - T)
dW = X.T @ ds + 0.02*W"""
    assert blamed(text, way) == []
    assert blamed(text + "\ndW[0, 1] += 1e-4", way) == [("dW[0][1]", "extra-term")]
    assert blamed(text.replace("+ 0.02", "- 0.02"), way) == [("dW", "sign")]


def test_of_two_lines_that_say_the_same_the_one_that_can_be_the_slip():
    text = """x1 = randn(3); x2 = randn(3); W = randn(2, 3); U = randn(2, 2); b = randn(2); h0 = randn(2)
a1 = W @ x1 + U @ h0 + b
h1 = tanh(a1)
a2 = W @ x2 + U @ h1 + b
L = sum(tanh(a2)**2)
da2 = 2*tanh(a2)*(1 - tanh(a2)**2)
db = da2
da1 = (U.T @ da2)*(1 - h1**2)
db += da1"""
    assert blamed(text) == []
    assert blamed(text.replace("db += da1", "db += da2")) == [("db", "wrong-cache")]


# ---------------------------------------------------------------- data stays what it is

RIGHT_FOR_THEIR_DATA = {
    "one-hot rows": "z = randn(2, 3); Y = [[1, 0, 0], [0, 1, 0]]\np = softmax(z, axis=1)\n"
    "L = -sum(Y*log(p))/2\ndz = (p - Y)/2",
    "one-hot rows with a gradient line": "z = randn(2, 3); Y = [[1, 0, 0], [0, 1, 0]]\n"
    "p = softmax(z, axis=1)\nL = -sum(Y*log(p))\ndz = p - Y\ndY = -log(p)",
    "probabilities": "z = randn(3); y = [0.2, 0.5, 0.3]\np = softmax(z)\nL = -sum(y*log(p))\ndz = p - y",
    "labels of 1 and -1": "s = randn(4); y = [1, -1, -1, 1]\nm = y*s\nL = sum((1 - m)**2)\nds = 2*(s - y)",
    "a mask used twice": "x = randn(4); m = [1, 0, 1, 1]\ny = x*m\nL = sum((y*m)**2)\ndx = 2*x*m",
    "a symmetric matrix": "x = randn(2); P = [[2, 1], [1, 3]]\nL = x @ P @ x\ndx = 2*(P @ x)\n"
    "dP = outer(x, x)",
}  # fmt: skip


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("what", RIGHT_FOR_THEIR_DATA)
def test_a_line_that_is_right_for_the_data_given_is_right(way, what):
    found = case(RIGHT_FOR_THEIR_DATA[what], way)
    assert (found.verdict, [line.verdict for line in found.lines if line.verdict != "pass"]) == (
        "pass", [],
    )  # fmt: skip


def test_a_branch_that_all_of_an_array_has_taken_does_not_hide_the_other():
    text = """X = ones(8, 5); W = ones(5, 4)*0.1; T = ones(8, 4)
h = relu(X @ W)
L = sum((h - T)**2)
dh = 2*(h - T)
dW = X.T @ dh
dX = dh @ W.T"""
    found = case(text, "whole")
    assert found.verdict == "fail"
    right = text.replace("X.T @ dh", "X.T @ (dh*(h > 0))").replace("dh @ W", "(dh*(h > 0)) @ W")
    assert case(right, "whole").verdict == "pass"


# ---------------------------------------------------------------- a network as lectures write it

CLASSIFIER = """N = 4; D = 3; H = 5; C = 3
X = np.random.randn(N, D)
W1 = 0.1*np.random.randn(D, H); b1 = np.zeros(H)
W2 = 0.1*np.random.randn(H, C); b2 = np.zeros(C)
Y = [[1,0,0],[0,1,0],[0,0,1],[1,0,0]]
reg = 0.01
z1 = X.dot(W1) + b1
h = np.maximum(0, z1)
scores = h.dot(W2) + b2
shifted = scores - np.max(scores, axis=1, keepdims=True)
expd = np.exp(shifted)
probs = expd / np.sum(expd, axis=1, keepdims=True)
data = -np.sum(Y*np.log(probs))/N
loss = data + 0.5*reg*np.sum(W1*W1) + 0.5*reg*np.sum(W2*W2)
dscores = (probs - Y)/N
dW2 = h.T.dot(dscores) + reg*W2
db2 = np.sum(dscores, axis=0)
dh = dscores.dot(W2.T)
dz1 = dh*(z1 > 0)
dW1 = X.T.dot(dz1) + reg*W1
db1 = np.sum(dz1, axis=0)"""


@pytest.mark.slow
@pytest.mark.parametrize(("right", "wrong", "mistake"), [
    ("dz1 = dh*(z1 > 0)", "dz1 = dh", "wrong-branch"),
    ("dz1 = dh*(z1 > 0)", "dz1 = dh*(z1 <= 0)", "wrong-branch"),
    ("(probs - Y)/N", "probs - Y", "missing-mean"),
    ("(probs - Y)/N", "(Y - probs)/N", "sign"),
    ("+ reg*W2", "- reg*W2", "sign"),
    ("X.T.dot(dz1) + reg*W1", "X.T.dot(dz1)", "missing-path"),
    ("dW2 = h.T.dot(dscores)", "dW2 = z1.T.dot(dscores)", "wrong-cache"),
])  # fmt: skip
def test_the_slips_of_a_classifier_have_their_names(right, wrong, mistake):
    assert case(CLASSIFIER, "by element").verdict == "pass"
    assert right in CLASSIFIER
    found = case(CLASSIFIER.replace(right, wrong), "by element")
    number = CLASSIFIER[: CLASSIFIER.index(right)].count("\n") + 1
    assert [(c.line, c.mistake) for c in found.lines if c.local] == [(number, mistake)]


# ---------------------------------------------------------------- helpers as real code has them


@pytest.mark.parametrize("way", WAYS)
def test_a_backward_pass_may_begin_with_a_helper(way):
    """`dz` is no gradient of a stage, and nothing reads L: it is the output all the same."""
    text = """w = 2; x = -1; b = 0.5; t = 0.3
s = sigmoid(w*x + b)
L = (s - t)**2
dz = 2*(s - t)*s*(1 - s)
dw = dz*x
dx = dz*w
db = dz"""
    assert case(text, way).output == "L"
    assert case(text, way).verdict == "pass"
    assert case("x = 3\nf = x*x\ndist = 2*f\ndf = 2\ndx = 2*x*df", way).output == "dist"


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize(("text", "blame"), [
    ("x = 0.7; w = 0.6; b = 0.2\nh = relu(w*x + b)\nL = h**2\ndh = 2*h\ng = -dh*(h > 0)\n"
     "dw = g*x\ndx = g*w", ("g", "sign")),
    ("x = 0.4; k = 1.2\nh = sigmoid(k*x)\ny = k*h\nL = y**2 + x\ndy = 2*y\ngh = dy*k\n"
     "ga = gh*(1 - h)\ndx = ga*k + 1\ndk = ga*x + dy*h", ("ga", "dropped-factor")),
    ("x = 0.4; k = 1.2\nh = tanh(k*x)\nL = h**2\ndh = 2*h\ns1 = -dh*(1 - h**2)\ndx = s1*k",
     ("s1", "sign")),  # or dx: nobody can tell
])  # fmt: skip
def test_which_of_several_helpers_is_to_blame(way, text, blame):
    assert blamed(text, way) == [blame]


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize(("right", "wrong"), [
    ("dW += X.T@dh", "dW += R.T@dh"), ("+ 0.1*W", "- 0.1*W"), ("dR.T@tanh(h)", "dR.T@h"),
])  # fmt: skip
def test_a_line_may_hold_what_the_output_itself_sends_back(way, right, wrong):
    text = """X = randn(4, 3); W = randn(3, 3)
h = X@W
R = tanh(h)@W.T
L = sum((R - X)**2) + 0.05*sum(W**2)
dR = 2*(R - X)
dh = (dR@W)*(1 - tanh(h)**2)
dW = dR.T@tanh(h) + 0.1*W
dW += X.T@dh"""
    assert blamed(text, way) == []
    number = text[: text.index(right)].count("\n") + 1
    found = case(text.replace(right, wrong), way)
    assert [line.line for line in found.lines if line.local] == [number]


def test_an_exact_zero_times_anything_is_no_rounding():
    """The margin of a masked score is 0, not almost 0: what is compared with it is certain."""
    text = """S = randn(4, 3); b = randn(3); Y = [[1,0,0],[0,1,0],[0,0,1],[1,0,0]]
s = S + b
M = relu(s - sum(s*Y, axis=1, keepdims=True) + 1)*(1 - Y)
L = sum(M)
ds = (M > 0) - Y*sum(M > 0, axis=1, keepdims=True)
db = sum(ds, axis=0)"""
    assert blamed(text) == []
    assert blamed(text.replace("db = ", "db = -7*")) == [("db", "dropped-factor")]


@pytest.mark.parametrize("volatility", [0.3, 0.31, 0.32, 0.33, 0.4])
def test_pi_in_a_line_stands_for_pi(volatility):
    """Of Black and Scholes: da is 0, as the difference of two slopes of erf written with pi."""
    text = f"""S = 1.2; K = 1.1; r = 0.05; sg = {volatility}
a = (log(S/K) + r)/sg + sg/2
b = a - sg
C = S*0.5*(1 + erf(a/sqrt(2))) - K*exp(-r)*0.5*(1 + erf(b/sqrt(2)))
db = -K*exp(-r)*exp(-b**2/2)/sqrt(2*pi)
da = S*exp(-a**2/2)/sqrt(2*pi) + db
dsg = -db - da*((log(S/K) + r)/sg**2 - 0.5)"""
    assert blamed(text, "by element") == []


def test_a_chain_of_helpers_is_followed_without_recursion():
    """1,500 helpers that hand a wrong one on: the first is accused, and none of the gradients."""
    chain = "\n".join(f"g{k} = g{k - 1}*1" for k in range(1, 1500))
    text = f"""x = 0.5; w = 2
h = tanh(w*x)
L = h**2
dh = 2*h
g0 = -dh*(1 - h**2)
{chain}
dx = g1499*w
dw = g1499*x"""
    assert blamed(text) == [("g0", "sign")]


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize(("slope", "verdict"), [
    ("[inf, inf, inf]", "fail"), ("[1, inf, 3]", "fail"), ("y/0", "fail"), ("y*inf", "fail"),
    ("y*exp(1000*y)*exp(-1000*y)", "inconclusive"),
])  # fmt: skip
def test_what_is_not_finite_never_passes(way, slope, verdict):
    """A right line that overflows is not accused, nor is it called right in many digits unseen."""
    text = f"x = [1, 2, 3]; y = [1, 2, 3]\nf = sum(x*y)\ndx = {slope}\ndy = x"
    dx, dy = case(text, way).lines
    assert (dx.verdict, dx.is_accused, dy.verdict) == (verdict, verdict == "fail", "pass")
    seen = "in many digits the line is right" in (dx.reason or "")
    assert seen == (verdict == "inconclusive" and way == "by element")
