"""Gradients as assertions: `check_function`, `assert_gradient`, and the pytest plugin."""

from __future__ import annotations

import math
import os
import subprocess
import sys
from importlib.metadata import entry_points
from pathlib import Path

import numpy as np
import pytest

import gradcli
from gradcli.testing import assert_gradient

ROOT = Path(__file__).parent.parent


def affine(x, w):
    return x @ w, (x, w)


def affine_back(dout, cache):
    x, w = cache
    return dout @ w.T, x.T @ dout


def nll(z, y):
    z = z - z.max(1, keepdims=True)
    chosen = (z - np.log(np.exp(z).sum(1, keepdims=True)))[np.arange(len(y)), y]
    return -np.mean(chosen)


def nll_grad(z, y):
    p = np.exp(z - z.max(1, keepdims=True))
    p /= p.sum(1, keepdims=True)
    p[np.arange(len(y)), y] -= 1
    return p / len(y)


MATRIX, VECTOR = [[1.0, 2.0], [3.0, 4.0]], [1.0, -1.0]
TABLE = np.random.default_rng(0).standard_normal((4, 3))

# name, function, gradient, point
PAIRS = [
    ("numbers", math.sin, math.cos, 1.0),
    ("a whole number", lambda x: x**2, lambda x: 2 * x, 3),
    ("elementwise slopes", np.tanh, lambda x: 1 - np.tanh(x) ** 2, [1.0, 2.0, -0.5]),
    ("a vector", lambda x: x @ x, lambda x: 2 * x, [1.0, 2.0, 3.0]),
    ("several", lambda x, y: x * y**2, lambda x, y: (y**2, 2 * x * y), (3.0, 2.0)),
    ("by name", lambda x, y: x * y, lambda x, y: {"y": x, "x": y}, (3.0, 2.0)),
    ("value and gradient", lambda x: (x @ x, 2 * x), None, [1.0, 2.0, 3.0]),
    ("value and pullback", lambda x: (np.tanh(x), lambda u: u / np.cosh(x) ** 2), None, VECTOR),
    ("upstream last", lambda m, x: m @ x, lambda m, x, u: (np.outer(u, x), m.T @ u), (MATRIX, VECTOR)),
    ("upstream first", lambda m, x: m @ x, lambda dout, m, x: (np.outer(dout, x), m.T @ dout), (MATRIX, VECTOR)),
    ("a Jacobian", lambda x: np.array([x[0] * x[1], x[0]]), lambda x: np.array([[x[1], x[0]], [1, 0]]), VECTOR),
    ("forward and backward", affine, affine_back, (TABLE, TABLE.T.copy())),
    ("labels", nll, nll_grad, (TABLE, np.array([0, 2, 1, 1]))),
    ("a count", lambda x, n: x**n, lambda x, n: n * x ** (n - 1), (2.5, 3)),
    ("a default", lambda x, scale=2.0: scale * x, lambda x, scale=2.0: scale, 1.5),
]  # fmt: skip


@pytest.mark.parametrize(("name", "f", "grad", "point"), PAIRS)
def test_every_convention_is_understood(name, f, grad, point):
    assert_gradient(f, grad, point)


@pytest.mark.parametrize(("name", "f", "grad", "point"), [p for p in PAIRS if p[2] is not None])
def test_a_wrong_gradient_of_every_convention_is_caught(name, f, grad, point):
    def wrong(*arguments):
        claimed = grad(*arguments)
        if isinstance(claimed, dict):
            return {key: 1.01 * part for key, part in claimed.items()}
        return tuple(1.01 * p for p in claimed) if isinstance(claimed, tuple) else 1.01 * claimed

    wrong.__signature__ = __import__("inspect").signature(grad)
    with pytest.raises(
        AssertionError, match=r"off by 0\.0099 of its size|1\.01 times the gradient|1\.01"
    ):
        assert_gradient(f, wrong, point)


def layer(x, w):
    h = np.tanh(x @ w)
    return np.sum(h**2)


def layer_grad(x, w):
    h = np.tanh(x @ w)
    dh = 2 * h
    dz = dh * (1 - h)
    return dz @ w.T, x.T @ dz


def test_the_line_that_is_wrong_is_told():
    with pytest.raises(AssertionError) as trouble:
        assert_gradient(layer, layer_grad, (TABLE, TABLE.T.copy()))
    text = str(trouble.value)
    assert "dz = dh * (1 - h)\n" in text
    assert "dropped-power: a power is lost: `1 - h**2` is right" in text


def test_the_report_is_that_of_the_command_line():
    with pytest.raises(AssertionError) as trouble:
        assert_gradient(
            lambda x: math.sin(x) * x, lambda x: math.cos(x) * x / 2 + math.sin(x) / 2, 3.0
        )
    text = str(trouble.value)
    assert "x: the claim is 0.5 times the derivative" in text
    assert "fail (estimate)" in text
    assert "it cannot be recorded (it is made a plain float)" in text
    assert "noisy by" in text
    assert text.rstrip().endswith("1 fail")


def test_a_report_is_data():
    report = gradcli.check_function(math.sin, math.cos, 1.0, 2.0, names=["angle"])
    case = report.cases[0]
    assert report.verdict == "pass"
    assert case.points == 2
    assert case.inputs["angle"].as_dict()["estimate"] is True
    assert gradcli.check_function(math.sin, math.cos, 1.0, 2.0, names=["angle"]) == report


def test_undecided_may_be_let_pass():
    def hidden(x):
        return 1e10 + sum(math.modf(x)) ** 2  # modf takes floats only

    with pytest.raises(AssertionError, match="noisy"):
        assert_gradient(hidden, lambda x: 2 * x, 1.3)
    assert_gradient(hidden, lambda x: 2 * x, 1.3, undecided="ok")


def helper(x):
    return math.exp(-float(x))


def by_helper(x):
    return math.log1p(helper(x)) * math.sin(x)


def by_helper_slope(x):
    return math.cos(x) * math.log1p(helper(x)) - math.sin(x) * helper(x) / (1 + helper(x))


class Scaled:
    """A function as an object, with a method of its own."""

    def __init__(self, scale):
        self.scale = scale

    def __call__(self, x):
        self.last = self.scaled(x)
        return 1e10 + math.tanh(self.last)

    def scaled(self, x):
        return self.scale * float(x)


def buffered(x):
    x = np.asarray(x, dtype=float)
    parts = np.zeros(len(x))
    for k, number in enumerate(x):
        parts[k] = number * math.erf(x[k - 1])
    return 1e10 + parts.sum()


def buffered_slope(x):
    slope = np.zeros_like(x)
    for k in range(len(x)):
        slope[k] += math.erf(x[k - 1])
        slope[k - 1] += x[k] * 2 / math.sqrt(math.pi) * math.exp(-(x[k - 1] ** 2))
    return slope


@pytest.mark.parametrize(
    ("function", "slope", "point"),
    [
        (by_helper, by_helper_slope, 1.3),
        (Scaled(2.0), lambda x: 2 / math.cosh(2 * x) ** 2, 0.3),
        (buffered, buffered_slope, [0.5, -1.0, 2.0]),
        (lambda x, exp=math.exp: 1e10 + exp(x), math.exp, 0.3),
    ],
)
def test_code_of_math_is_certain_to_many_digits(function, slope, point):
    """An offset of 1e10 leaves six digits in values."""
    assert gradcli.check_function(function, slope, point).verdict == "pass"
    wrong = gradcli.check_function(function, lambda x: 1.0001 * slope(x), point)
    assert wrong.verdict == "fail"
    if isinstance(function, Scaled):
        assert type(function.last) is float  # what copies do, they do not do to it


def test_code_of_math_has_lines():
    def wrong(x):
        inner = math.exp(-x)
        return math.cos(x) * math.log1p(inner) + math.sin(x) * inner / (1 + inner)

    (case,) = gradcli.check_function(by_helper, wrong, 1.3).cases
    assert [line.name for line in case.lines if line.is_accused] == ["return"]
    assert "recorded as it ran" in case.notes[0]


def test_a_recording_says_nothing_of_other_branches():
    def slope(x):
        return 1.0 if x > 0 else -1.0

    assert gradcli.check_function(abs, slope, 2.0).verdict == "pass"


def test_what_the_function_raises_comes_through():
    def broken(x):
        raise KeyError("mine")

    with pytest.raises(KeyError, match="mine"):
        assert_gradient(broken, math.cos, 1.0)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ((math.sin, math.cos), "no point"),
        ((math.sin, math.cos, "x"), "no argument is a float"),
        ((np.sum, np.ones_like, [[1.0], [2.0, 3.0]]), "no argument is a float"),
        ((np.sum, np.ones_like, np.ma.array([1.0, 2.0], mask=[0, 1])), "masked in places"),
        ((max, lambda x, y: 1.0, (1.0, 2.0), (1.0,)), "different numbers of arguments"),
    ],
)
def test_what_cannot_be_checked_is_said(arguments, words):
    with pytest.raises(gradcli.GradcliError, match=words):
        assert_gradient(*arguments)


def test_what_is_no_gradient_is_wrong():
    with pytest.raises(AssertionError, match="returns 1 gradient, the function takes 2 inputs"):
        assert_gradient(lambda x, z: x * z, lambda x, z: x, (1.0, 2.0))


def test_a_gradient_that_is_masked_in_places_is_none():
    def half(x):
        return np.ma.array(2 * x, mask=[False, True])

    with pytest.raises(AssertionError, match="masked in places"):
        assert_gradient(lambda x: np.sum(x * x), half, np.array([1.0, 2.0]))


def test_a_number_in_brackets_is_a_number():
    """Losses written with matrices are of shape (1, 1), and their gradient is that of a number."""
    x, y = np.array([[1.0, 2.0], [0.5, -1.0], [0.3, 0.2]]), np.array([[1.0], [0.2], [-0.4]])

    def loss(w):
        return (x @ w - y).T @ (x @ w - y)

    def slope(w):
        return 2 * x.T @ (x @ w - y)

    assert_gradient(loss, slope, np.array([[0.3], [0.7]]))
    with pytest.raises(AssertionError, match="1/2 of the gradient"):
        assert_gradient(loss, lambda w: slope(w) / 2, np.array([[0.3], [0.7]]))


# ---------------------------------------------------------------- the plugin

LIBRARY = """
import gradcli


@gradcli.checked(lambda x: 2 * x, 1.5, -0.3)
def right(x):
    return x * x


@gradcli.checked(lambda x: x, 1.5)
def wrong(x):
    return x * x


def unmarked(x):
    raise RuntimeError
"""

TESTS = """
import math
import gradcli


@gradcli.checked(math.cos, 1.0)
def sine(x):
    return math.sin(x)


def test_with_fixture(check_gradient):
    check_gradient(math.exp, math.exp, 1.0)


def test_wrong_with_fixture(check_gradient):
    check_gradient(math.exp, math.sin, 1.0)
"""


# Where gradcli is installed, pytest has found the plugin and refuses it a second time.
LOADED = () if entry_points(group="pytest11", name="gradcli") else ("-p", "gradcli.pytest_plugin")


@pytest.fixture
def outcomes(tmp_path):
    """Runs pytest there: what it prints, and the outcomes by test."""
    files = {
        "library.py": LIBRARY,
        "test_own.py": TESTS,
        "right.grad": "x = 3; y = 2; f = x*y; dx = y; dy = x\n",
        "wrong.grad": "x = 3; y = 2; f = x*y; dx = x; dy = x\n",
        "broken.grad": "x = 3; f = 2x\n",
        "unclaimed.grad": "x = 3; f = x*x\n",
        "other.py": "raise RuntimeError('never imported')\n",
    }
    for name, text in files.items():
        (tmp_path / name).write_text(text)

    def run(*options):
        command = [sys.executable, "-m", "pytest", *LOADED, "-p", "no:randomly",
                   "-p", "no:cacheprovider", "-rA", "-v", *options]  # fmt: skip
        environment = {**os.environ, "PYTHONPATH": str(ROOT)}
        done = subprocess.run(
            command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False
        )
        lines = [line.split() for line in done.stdout.splitlines()]
        return done.stdout, {
            words[0]: words[1] for words in lines if len(words) > 1 and "::" in words[0]
        }

    return run


def test_marked_functions_and_programs_are_tests(outcomes):
    text, found = outcomes("--gradcli")
    assert found["library.py::right"] == "PASSED"
    assert found["library.py::wrong"] == "FAILED"
    assert found["test_own.py::sine"] == "PASSED"
    assert found["test_own.py::test_with_fixture"] == "PASSED"
    assert found["test_own.py::test_wrong_with_fixture"] == "FAILED"
    assert found["right.grad::gradients"] == "PASSED"
    assert found["wrong.grad::gradients"] == "FAILED"
    assert found["broken.grad::gradients"] == "FAILED"
    assert found["unclaimed.grad::gradients"] == "SKIPPED"
    assert "write `2*x`" in text
    assert "the claim is 0.5 times the derivative" in text
    assert "4 failed, 4 passed, 1 skipped" in text


def test_without_the_option_nothing_more_is_collected(outcomes):
    _, found = outcomes()
    assert {name.partition("::")[0] for name in found} == {"test_own.py"}
    assert "test_own.py::sine" not in found
