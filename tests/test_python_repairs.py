"""Lines of Python that stand for several, their repairs, and methods without self."""

from __future__ import annotations

import pytest
from python_cases import cases, verdict

# ---------------------------------------------------------------- lines that stand for several

UNROLLED = """
import numpy as np

def back(d, h, w):
    dh = d * (1 - h ** 2)
    return dh @ w.T, h.T @ dh

def rnn_forward(x, w):
    hs = [x]
    for t in range(3):
        hs.append(np.tanh(hs[-1] @ w))
    return hs[-1], (hs, w)

def rnn_backward(dout, cache):
    hs, w = cache
    dw = np.zeros_like(w)
    for t in reversed(range(3)):
        dh = dout * (1 - hs[t + 1] ** 2)
        dw += hs[t].T @ dh * (2 if t == 1 else 1)
        dout = dh @ w.T
    return dout, dw
"""


def test_a_line_that_stands_for_several_statements_names_the_first_that_fails(gradcli, tmp_path):
    (case,) = cases(UNROLLED, bindings=[("x", "randn(2, 3)"), ("w", "randn(3, 3)")])
    accused = [line for line in case.lines if line.verdict == "fail" and line.local]
    assert {(line.line, *line.turn) for line in accused} == {(19, "t = 1")}
    assert accused[0].occasion == "t = 1"
    path = tmp_path / "rnn.py"
    path.write_text(UNROLLED)
    out = gradcli("check", str(path), "x=randn(2, 3)", "w=randn(3, 3)").out
    assert out.count("dw (t = 1)") == 1
    assert "(t = 2)" not in out


def test_a_line_in_a_call_says_where_it_was_called():
    text = UNROLLED.replace("dw += hs[t].T @ dh * (2 if t == 1 else 1)", "g = 0").replace(
        "dout = dh @ w.T", "dout, g = back(dout, hs[t + 1], w); dw += g"
    )
    (case,) = cases(text, bindings=[("x", "randn(2, 3)"), ("w", "randn(3, 3)")])
    inner = [line for line in case.lines if line.line == 5]
    assert {tuple(line.calls) for line in inner} == {(20,)}
    assert inner[0].occasion == "t = 2, called in line 20"


# ---------------------------------------------------------------- repairs in Python

AFFINE = """
import numpy as np

class Affine:
    def __init__(self, W, b):
        self.W = W
        self.b = b

    def forward(self, x):
        self.x = x
        self.h = np.tanh(np.dot(x, self.W) + self.b)
        return self.h

    def backward(self, dout):
        dz = dout * (1 - self.h ** 2)
        self.dW = np.dot(self.x.T, dz)  # the weights
        self.db = np.sum(dz, axis=0)
        return dz.dot(self.W.T)
"""
SLIPS = [
    ("1 - self.h ** 2", "1 - self.h", "dropped-power", "dz = dout * (1 - self.h**2)"),
    ("1 - self.h", "1 + self.h", "sign", "dz = dout * (1 - self.h ** 2)"),
    ("self.x.T, dz", "self.h.T, dz", "wrong-cache", "self.dW = np.dot(self.x.T, dz)"),
    ("(self.x.T, dz)", "(self.x.T, dout)", "wrong-cache", "self.dW = np.dot(self.x.T, dz)"),
    ("np.sum(dz", "3 * np.sum(dz", "dropped-factor", "self.db = np.sum(dz, axis=0)"),
    ("return dz.dot", "return -dz.dot", "sign", "dz.dot(self.W.T)"),
]


@pytest.mark.parametrize(("old", "new", "mistake", "repair"), SLIPS)
def test_a_slip_in_python_has_its_name_and_a_repair_in_python(old, new, mistake, repair):
    bindings = [("x", "randn(4, 3)"), ("W", "randn(3, 3)"), ("b", "randn(3)")]
    (case,) = cases(AFFINE.replace(old, new, 1), bindings=bindings)
    (line,) = [line for line in case.lines if line.local]
    assert (line.mistake, line.repair) == (mistake, repair)


IN_PLACE = """
import numpy as np

def loss(X, W, V, y):
    h = X @ W
    a = np.maximum(0, h)
    p = np.exp(a @ V)
    p /= p.sum(axis=1, keepdims=True)
    n = len(X)
    nll = -np.log(p[np.arange(n), y]).mean()
    ds = p.copy()
    ds[np.arange(n), y] -= 1
    ds /= n
    dV = a.T @ ds
    dh = ds @ V.T
    dh *= h > 0
    dW = X.T @ dh
    return nll, dW, dV
"""
SLIPS_IN_PLACE = [
    ("ds /= n", "ds /= 2 * n", "dropped-factor", "ds /= n"),
    ("ds /= n", "ds /= n - 1", "dropped-factor", "ds /= n"),
    ("ds /= n", "ds *= n", "wrong-operator", None),
    ("dh *= h > 0", "dh *= h < 0", "wrong-branch", "dh *= h > 0"),
    ("dh *= h > 0", "dh *= h", "wrong-cache", "dh *= h > 0"),
    ("dh *= h > 0", "dh *= 3 * (h > 0)", "dropped-factor", None),
]


@pytest.mark.parametrize(("old", "new", "mistake", "repair"), SLIPS_IN_PLACE)
def test_a_slip_in_what_is_multiplied_in_place_is_that_lines(old, new, mistake, repair):
    assert verdict(IN_PLACE) == ("pass", None)
    (case,) = cases(IN_PLACE.replace(old, new))
    (line,) = [line for line in case.lines if line.local]
    assert line.line == IN_PLACE[: IN_PLACE.index(old)].count("\n") + 1
    assert (line.mistake, line.repair) == (mistake, repair)


def test_repairs_of_several_subjects_are_one_diff_of_their_file(gradcli, tmp_path):
    path = tmp_path / "slips.py"
    text = (
        AFFINE.replace("(dz, axis", "(2 * dz, axis")
        + """

def loss(w, X, y):
    r = X @ w - y
    return np.sum(r ** 2), X.T @ r
"""
    )
    path.write_text(text)
    out = gradcli("check", "--fix", str(path)).out
    assert out.count("--- ") == 1
    assert "+    return np.sum(r ** 2), X.T @ r * 2" in out
    assert "+        self.db = np.sum(dz, axis=0)" in out


# ---------------------------------------------------------------- the lecture's gate as printed

GATE = """class MultiplyGate(object):
    def forward(x,y):
        z = x*y
        self.x = x # must keep these around!
        self.y = y
        return z
    def backward(dz):
        dx = self.y * dz # [dz/dx * dL/dz]
        dy = self.x * dz # [dz/dy * dL/dz]
        return [dx, dy]
"""


def test_a_method_without_self_is_told_at_its_line():
    said, problem = verdict(GATE)
    assert (said, problem.line) == ("error", 2)
    assert problem.message == "the method `forward` lacks its first parameter `self`"
    assert problem.hint == "write `def forward(self, x, y)`, or --fix-self"


def test_a_method_without_self_is_read_with_it_where_that_is_asked_for(gradcli, tmp_path):
    (case,) = cases(GATE, fix_self=True)
    assert case.verdict == "pass"
    assert "line 2: `forward` is read as if it had `self`" in case.notes
    (case,) = cases(GATE.replace("self.y * dz", "self.x * dz"), fix_self=True)
    assert [line.line for line in case.lines if line.local] == [8]
    path = tmp_path / "gate.py"
    path.write_text(GATE)
    assert gradcli("check", str(path), "--fix-self").code == 0
    assert gradcli("check", str(path)).code == 2
