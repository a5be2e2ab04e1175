"""Scripts in Python: their own statements are what is checked."""

from __future__ import annotations

import pytest
from python_cases import cases, verdict

# ---------------------------------------------------------------- scripts

LECTURE = """
import math
x = 3; y = -4
sigy = 1.0 / (1 + math.exp(-y))
num = x + sigy
f = num * 2
dnum = 2
dx = 1 * dnum
dsigy = dnum
dy = (1 - sigy) * sigy * dsigy
"""
TRAINING = """
import numpy as np

def sigmoid(z):
    return 1 / (1 + np.exp(-z))

np.random.seed(1)
X = np.random.randn(5, 3)
y = np.array([0, 1, 1, 0, 1.0]).reshape(-1, 1)
W = np.random.randn(3, 1)
b = np.zeros((1, 1))
for epoch in range(1000):
    a = sigmoid(X.dot(W) + b)
    loss = -np.mean(y * np.log(a) + (1 - y) * np.log(1 - a))
    if epoch % 10 == 0:
        print(loss)
    dz = (a - y) / 5
    dW = X.T.dot(dz)
    db = dz.sum(axis=0, keepdims=True)
    W -= 0.1 * dW
    b -= 0.1 * db
"""


@pytest.mark.parametrize("text", [LECTURE, TRAINING])
def test_a_script_is_read_as_it_stands(text):
    assert verdict(text) == ("pass", None)


@pytest.mark.parametrize(
    ("text", "old", "new", "line"),
    [
        (LECTURE, "(1 - sigy) * sigy", "sigy", 10),
        (TRAINING, "(a - y) / 5", "(y - a) / 5", 17),
        (TRAINING, "X.T.dot(dz)", "X.T.dot(a - y)", 18),
    ],
)
def test_a_slip_in_a_script_is_found_at_its_line(text, old, new, line):
    (case,) = cases(text.replace(old, new))
    assert case.verdict == "fail"
    assert [x.line for x in case.lines if x.verdict == "fail" and x.local] == [line]


def test_a_script_s_own_upstream_gradient_is_that_of_its_output():
    text = "import numpy as np\nx = np.array([1.0, 2.0])\ny = x ** 2\ndy = np.array([0.5, 3.0])\n"
    assert verdict(text + "dx = 2 * x * dy\n") == ("pass", None)
    assert verdict(text + "dx = 2 * x\n")[0] == "fail"


def test_an_array_without_a_gradient_of_its_own_is_no_output():
    text = "import numpy as np\nx = np.array([1.0, 2.0])\ny = x ** 2\ndx = 2 * x\n"
    said, problem = verdict(text)
    assert said == "error"
    assert "`y` is an array" in problem.message


def test_a_script_that_only_calls_its_functions_is_their_test():
    text = """
import numpy as np
def f_forward(x, w):
    return x * w, (x, w)
def f_backward(dout, cache):
    x, w = cache
    return dout * w, dout * x
x, w = np.random.randn(3), np.random.randn(3)
out, cache = f_forward(x, w)
dx, dw = f_backward(np.ones(3), cache)
"""
    assert [case.expression for case in cases(text)] == ["f_forward and f_backward"]


def test_a_text_that_is_not_there_is_a_sample(tmp_path):
    text = """
import numpy as np
words = open("corpus.txt").read()
letters = sorted(set(words))
size = len(letters)
W = np.random.randn(size, 4)
def loss(k):
    dW = np.zeros_like(W)
    dW[k] = 2 * W[k]
    return np.sum(W[k] ** 2), dW
"""
    (case,) = cases(text, name=str(tmp_path / "file.py"), bindings=[("k", "1")])
    assert case.verdict == "pass", case.problem
    assert "corpus.txt" in " ".join(case.notes)
    (tmp_path / "corpus.txt").write_text("ab")
    (case,) = cases(text, name=str(tmp_path / "file.py"), bindings=[("k", "1")])
    assert case.verdict == "pass"
    assert "corpus.txt" not in " ".join(case.notes)
