"""Which function of a Python file is whose gradient, by their names, and which result of what."""

from __future__ import annotations

import pytest
from python_cases import case_of, cases

LOGISTIC = """
import numpy as np

def sigmoid(z):
    return 1 / (1 + np.exp(-z))

def cost_function(theta, x, y):
    h = sigmoid(x @ theta)
    return -np.mean(y * np.log(h) + (1 - y) * np.log(1 - h))

def compute_grad(theta, x, y):
    return x.T @ (sigmoid(x @ theta) - y) / len(y)

def cost_function_reg(theta, x, y, lam):
    return cost_function(theta, x, y) + lam / (2 * len(y)) * np.sum(theta[1:] ** 2)

def compute_grad_reg(theta, x, y, lam):
    grad = compute_grad(theta, x, y)
    grad[1:] = grad[1:] + lam / len(y) * theta[1:]
    return grad
"""
MATRIX = """
import numpy as np

def compute_cost_matrix(X, y, w, b, lambda_=0, safe=True):
    err = X @ w + b - y
    return np.sum(err ** 2) / (2 * len(y)) + lambda_ / (2 * len(y)) * np.sum(w ** 2)

def compute_gradient_matrix(X, y, w, b, lambda_=0):
    err = X @ w + b - y
    dj_dw = X.T @ err / len(y) + lambda_ / len(y) * w
    dj_db = np.sum(err) / len(y)
    return dj_db, dj_dw
"""
SHORT = """
import math

def f(x):
    return math.sin(x) ** 2

def fp(x):
    return 2 * math.sin(x) * math.cos(x)
"""
SURFACES = """
import numpy as np

class Quadratic:
    def __init__(self, a=1.0, b=10.0):
        self.a, self.b = a, b

    def __call__(self, x, y):
        return self.a * x ** 2 + x * y + self.b * y ** 2

    def gradient(self, x, y):
        return np.array([2 * self.a * x + y, x + 2 * self.b * y])

def beale(u, v):
    return (1.5 - u + u * v) ** 2 + (2.25 - u + u * v ** 2) ** 2

def beale_grad(u, v):
    first, second = 1.5 - u + u * v, 2.25 - u + u * v ** 2
    dfdu = 2 * first * (v - 1) + 2 * second * (v ** 2 - 1)
    dfdv = 2 * first * u + 4 * second * u * v
    return np.array([dfdu, dfdv])
"""


@pytest.mark.parametrize(("text", "count"), [(LOGISTIC, 2), (MATRIX, 1), (SHORT, 1), (SURFACES, 2)])
def test_gradients_are_paired_with_what_they_are_of(text, count):
    checked = cases(text)
    assert [case.verdict for case in checked] == ["pass"] * count


@pytest.mark.parametrize(
    ("text", "right", "slip"),
    [
        (LOGISTIC, "+ lam / len(y) * theta[1:]", "- lam / len(y) * theta[1:]"),
        (LOGISTIC, "(sigmoid(x @ theta) - y)", "(y - sigmoid(x @ theta))"),
        (MATRIX, "dj_db = np.sum(err) / len(y)", "dj_db = 2 * np.sum(err) / len(y)"),
        (SHORT, "return 2 * math.sin(x)", "return math.sin(x)"),
        (SURFACES, "x + 2 * self.b * y]", "x + self.b * y]"),
        (SURFACES, "dfdv = 2 * first * u", "dfdv = 2 * first * v"),
    ],
)
def test_a_slip_in_such_a_gradient_is_found_on_its_line(text, right, slip):
    assert text.count(right) == 1
    checked = cases(text.replace(right, slip))
    failed = [line.line for case in checked for line in case.lines if line.verdict == "fail"]
    assert text[: text.index(right)].count("\n") + 1 in failed


def test_an_array_of_elements_without_names_is_of_numbers_only():
    text = """
import numpy as np

def energy(x, scale):
    return scale * (x[0] ** 2 + x[0] * x[1])

def energy_grad(x, scale):
    return np.array([scale * (2 * x[0] + x[1]), scale * x[0]])
"""
    case = case_of(text)
    assert (case.verdict, case.problem) == ("pass", None)


KINDS = """
import numpy as np

def scale_of(start):
    if start.__class__.__name__ == "str" and type(start).__name__ == "str":
        return {"two": 2.0, "three": 3.0}[start]
    raise ValueError("no word")

class Layer:
    def __init__(self, n, start="two"):
        self.k = scale_of(start)
        draws = np.random.RandomState(seed=3)
        self.W = draws.randn(n, 3)

    def forward(self, x):
        self.x = x
        return self.k * x @ self.W

    def backward(self, dout):
        self.dW = self.k * self.x.T @ dout
        return self.k * dout @ self.W.T
"""


def test_the_kind_of_a_value_has_a_name():
    case = case_of(KINDS)
    assert (case.verdict, case.problem) == ("pass", None)
    case = case_of(KINDS.replace("self.k * dout", "dout"))
    assert case.verdict == "fail"


KEPT = """
import numpy as np

class Logistic:
    def __init__(self):
        self.last = None

    def forward(self, z):
        self.last = 1 / (1 + np.exp(-z))
        return self.last

    def derivative(self, z=None):
        last = self.forward(z) if z else self.last
        return last * (1 - last)
"""


def test_a_derivative_of_what_was_kept_is_handed_nothing():
    case = case_of(KEPT)
    assert (case.verdict, case.problem) == ("pass", None)
    case = case_of(KEPT.replace("(1 - last)", "last"))
    assert case.verdict == "fail"
    assert {line.line for line in case.lines if line.verdict == "fail"} == {14}


LAST_STATE = """
def step_loss(h0, W, V):
    h = np.tanh(W @ h0)
    loss = np.sum(V @ h)
    dV = np.outer(np.ones(len(V)), h)
    da = V.sum(axis=0) * (1 - h ** 2)
    dW = np.outer(da, h0)
    return loss, dW, dV, h
"""


def test_what_is_returned_behind_the_gradients_is_none():
    case = case_of("import numpy as np\n" + LAST_STATE)
    assert case.verdict in ("pass", "unclaimed"), case.problem
    assert {"dW", "dV"} <= {name for note in case.notes for name in note.replace(",", "").split()}


FACTORS = """
class Factors:
    def __init__(self, n, m, k=5, lam=0.1):
        self.P = np.random.randn(n, k)
        self.Q = np.random.randn(m, k)
        self.lam = lam

    def loss(self, R):
        E = R - self.P @ self.Q.T
        return 0.5 * np.sum(E ** 2) + 0.5 * self.lam * np.sum(self.P ** 2)

    def gradients(self, R):
        E = R - self.P @ self.Q.T
        dP = -E @ self.Q + self.lam
        dQ = -E.T @ self.P
        return dP, dQ
"""


def test_a_reason_calls_what_an_object_keeps_as_the_line_does():
    case = case_of("import numpy as np\n" + FACTORS)
    (line,) = (line for line in case.lines if line.local and line.verdict == "fail")
    assert line.reason == ("the factor self.P is lost: `-E @ self.Q + self.lam * self.P`")
    assert line.repair == "dP = -E @ self.Q + self.lam * self.P"


LOSS_AND_GRADS = """
def loss(w, x):
    return np.sum((w * x) ** 2)

def grads(w, x):
    return 2 * w * x ** 2
"""
FLOW = """
class Scaled:
    def __init__(self, size):
        self.w = np.random.randn(size)

    def forward(self, x):
        self.x = x
        self.det = np.prod(self.w ** 2 + 1)
        return x * self.w, np.log(self.det)

    def backward(self, dy, dlog):
        self.dw = np.sum(dy * self.x, axis=0) + dlog * 2 * self.w / (self.w ** 2 + 1)
        return dy * self.w
"""


@pytest.mark.parametrize("text", [LOSS_AND_GRADS, FLOW])
def test_several_are_grads_and_a_determinant_is_none(text):
    case = case_of("import numpy as np\n" + text)
    assert case.verdict == "pass", case.problem


OF_A_PRODUCT = """
def f({a}, {b}):
    return {a} * {b}

def f_grad({a}, {b}):
    return {b}, {a}
"""


@pytest.mark.parametrize(("a", "b"), [("a", "b"), ("x", "w"), ("x", "y"), ("u", "v")])
def test_inputs_are_the_gradients_of_one_another(a, b):
    text = OF_A_PRODUCT.format(a=a, b=b)
    case = case_of(text)
    assert case.verdict == "pass", case.problem
    for wrong in (f"-{b}, -{a}", f"{b}, 2 * {a}", f"{a}, {b}"):
        case = case_of(text.replace(f"{b}, {a}\n", f"{wrong}\n"))
        assert case.verdict == "fail", wrong


@pytest.mark.parametrize(
    "name", ["f_grad", "grad_f", "f_prime", "fprime", "jac_f", "df", "f_der", "gradient"]
)
def test_the_gradient_of_f_is_no_force(name):
    text = (
        f"import numpy as np\ndef f(x):\n    return np.sum(x**2)\ndef {name}(x):\n    return 2*x\n"
    )
    case = case_of(text)
    assert case.verdict == "pass", case.problem
    assert not any("force" in note for note in case.notes)
    case = case_of(text.replace("2*x", "-2*x"))
    assert case.verdict == "fail"
