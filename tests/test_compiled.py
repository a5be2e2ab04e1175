"""Programs built for many calls: the loop at first, then code of their own."""

import math
import random

import pytest

import gradcli
from gradcli.errors import BindingError
from gradcli.evaluation import compiled
from gradcli.gates.table import BUILT_IN

POINTS = [0.0, -0.0, 1.0, -1.5, 0.3, 2.0, 1e300, -1e-300, math.inf, -math.inf, math.nan]
TEXTS = [
    "(x+y)*z", "x*0 + y", "1/(x + 0) - y*z", "x**2 + y**3 + abs(z)**0.5", "max(x, y, z)*min(x, y)",
    "relu(x)*sigmoid(y) + softplus(z)", "where(x > y, log(x), exp(y))*z", "x/y - y/z + z/x",
    "a = x*y; b = sin(a) + a*z; f = b*b - tanh(a)", "hypot(x, y, z) + logsumexp(x, y)",
    "floor(x)*y + (x < y) + z", "5", "x", "y*y", "erf(x)*gelu(y) + atan2(y, z)",
]  # fmt: skip


def bits(result):
    """A result as what can be compared: nan is nan, and -0 is 0."""
    value, slopes = result
    return [str(x + 0.0) for x in (value, *slopes)]


def with_code(text, inputs):
    """A function whose code is written at the first call."""
    function = gradcli.compile(text, inputs)
    function._write_code()
    assert function._at_point is not None
    return function


@pytest.mark.parametrize("text", TEXTS)
def test_code_gives_the_bits_of_the_loop(text):
    names = ["x", "y", "z"]
    loop, code = gradcli.compile(text, names), with_code(text, names)
    draw = random.Random(2)
    for _ in range(100):
        point = [draw.choice(POINTS) for _ in names]
        assert bits(code(*point)) == bits(loop(*point)), point


@pytest.mark.parametrize(
    "gate", [g for g in BUILT_IN.elementwise if not g.hidden], ids=lambda g: g.name
)
def test_every_gate_has_code(gate):
    for sample in gate.samples.split(";"):
        point = [float(x) for x in sample.split(",")]
        names = [f"x{k}" for k in range(len(point))]
        text = f"{gate.name}({', '.join(names)})"
        assert bits(with_code(text, names)(*point)) == bits(gradcli.compile(text, names)(*point))


def test_code_is_written_once_it_pays(monkeypatch):
    monkeypatch.setattr(compiled, "WRITTEN_AFTER", 3)
    f = gradcli.compile("x*y", ["x", "y"])
    results = [(f(2, 3), f._at_point is not None) for _ in range(5)]
    assert [is_written for _, is_written in results] == [False, False, True, True, True]
    assert {str(result) for result, _ in results} == {"(6.0, [3.0, 2.0])"}


def test_code_that_mostly_faults_is_given_up(monkeypatch):
    monkeypatch.setattr(compiled, "MOST_FAULTS", 2)
    f = with_code("where(x > 0, log(x), x)", ["x"])
    assert [f(-2.0) for _ in range(3)] == [(-2.0, [1.0])] * 3
    assert f._at_point is None
    assert f(1.0) == (0.0, [1.0])


def test_code_refuses_what_the_loop_refuses():
    f = with_code("x*y", ["x", "y"])
    with pytest.raises(BindingError, match="2 values are needed, got 1"):
        f(1)
    with pytest.raises(BindingError, match="`y` is a number, got str"):
        f(1, "a")
    assert f("1", 2) == (2.0, [2.0, 1.0])


def test_a_program_of_arrays_or_of_too_many_gates_stays_with_the_loop():
    f = gradcli.compile("sum(x**2)", {"x": [0, 0]})
    f._write_code()
    assert f._at_point is None
    long = gradcli.compile(" + ".join(["x*x"] * 20_001), ["x"])
    long._write_code()
    assert long._at_point is None


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: gradcli.compile("x*x", ["x"])(10**400), "`x` is too large for float64"),
        (
            lambda: gradcli.compile("sum(x)", {"x": [0]})([10**400]),
            "`x` is not an array of numbers",
        ),
        (lambda: gradcli.compile("x", ["x"]).batch([[10**400]]), "`x` is not a column of numbers"),
        (lambda: gradcli.compile("x", ["x"]).batch(3), "columns are a list of them, this is int"),
        (lambda: gradcli.evaluate(b"x", {"x": 1}), "a program is a text, this is bytes"),
        (lambda: gradcli.check(None), "a program is a text, this is NoneType"),
    ],
)
def test_wrong_values_of_a_caller_are_errors_of_our_own(call, message):
    with pytest.raises(gradcli.GradcliError, match=message):
        call()
