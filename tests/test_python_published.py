"""Kinds of published Python: forces of energies, autograd functions, old files, fragments."""

from __future__ import annotations

import pytest
from python_cases import cases, verdict

from gradcli.errors import GradcliError
from gradcli.python.reading import PythonFile
from gradcli.requests import Request


def subjects_of(text):
    return [subject.words for subject in PythonFile(text, "file.py").subjects]


# ---------------------------------------------------------------- forces

PAIR = """
import numpy as np

def lj_potential(r):
    d = np.linalg.norm(r)
    return 4 * (d**-12 - d**-6)

def lj_force(r):
    d = np.linalg.norm(r)
    return 24 * (2 * d**-13 - d**-7) * r / d
"""
METHODS = """
class Well:
    def __init__(self, a=2.0):
        self.a = a
    def potential_energy(self, x):
        return self.a * (x**2 - 1)**2
    def force(self, x):
        return -4 * self.a * x * (x**2 - 1)
"""
PLANE = """
from math import exp

def potential(x, y):
    return exp(-x**2) + x * y**2

def force(x, y):
    fx = 2 * x * exp(-x**2) - y**2
    fy = -2 * x * y
    return fx, fy
"""
BOTH = """
import numpy as np

def energy_and_forces(pos, box):
    forces = np.zeros_like(pos)
    energy = 0.0
    for i in range(len(pos)):
        for j in range(i + 1, len(pos)):
            d = pos[i] - pos[j]
            d -= box * np.round(d / box)
            r2 = np.dot(d, d)
            s6 = 1 / r2**3
            energy += 4 * (s6**2 - s6)
            f = 24 * (2 * s6**2 - s6) / r2 * d
            forces[i] += f
            forces[j] -= f
    return energy, forces
"""
FORCES = {"pair": PAIR, "methods": METHODS, "plane": PLANE, "both": BOTH}


@pytest.mark.parametrize("kind", FORCES)
def test_a_force_is_minus_the_gradient_of_its_energy(kind):
    assert verdict(FORCES[kind]) == ("pass", None)


@pytest.mark.parametrize(
    ("kind", "old", "new", "line"),
    [("pair", "24 * (2", "24 * (3", 10), ("plane", "-2 * x * y", "-x * y", 9),
     pytest.param("both", "forces[j] -= f", "forces[j] += f", 16, marks=pytest.mark.slow)],
)  # fmt: skip
def test_a_slip_in_a_force_is_found_at_its_line(kind, old, new, line):
    assert old in FORCES[kind]
    (case,) = cases(FORCES[kind].replace(old, new))
    assert case.verdict == "fail"
    assert line in [found.line for found in case.lines if found.is_accused]


def test_a_force_with_the_sign_of_the_gradient_is_wrong_unless_it_is_said():
    text = PLANE.replace("fx = 2 *", "fx = -2 *").replace("- y**2", "+ y**2")
    text = text.replace("-2 * x * y", "2 * x * y")
    (case,) = cases(text)
    assert case.verdict == "fail"
    (case,) = cases(f"{text}\nx, y = x - 0.1 * force(x, y)[0], y\n")
    assert case.verdict == "pass"


def test_a_force_of_other_coordinates_is_no_force_of_an_energy():
    assert subjects_of(PLANE.replace("force(x, y)", "force(x, y, p, gamma)")) == []


def test_what_hands_out_parameters_and_gradients_is_no_backward_part():
    text = "class Layer:\n    def get_params(self):\n        return self.w, self.dw\n"
    assert subjects_of(text) == []


# ---------------------------------------------------------------- functions of an autograd class

AUTOGRAD = """
import weakref
import numpy as np
try:
    import cupy
    KINDS = (np.ndarray, cupy.ndarray)
except ImportError:
    KINDS = (np.ndarray,)

class Variable:
    def __init__(self, data):
        if not isinstance(data, KINDS):
            raise TypeError("no array")
        self.data = data
        self.grad = None
    def __mul__(self, other):
        return Mul()(self, other)
    __rmul__ = __mul__

def as_array(x):
    return np.array(x) if np.isscalar(x) else x

def as_variable(x):
    return x if isinstance(x, Variable) else Variable(as_array(x))

class Function:
    def __call__(self, *inputs):
        inputs = [as_variable(x) for x in inputs]
        ys = self.forward(*[x.data for x in inputs])
        if not isinstance(ys, tuple):
            ys = (ys,)
        outputs = [Variable(as_array(y)) for y in ys]
        self.inputs = inputs
        self.outputs = [weakref.ref(output) for output in outputs]
        return outputs if len(outputs) > 1 else outputs[0]

class Mul(Function):
    def forward(self, x0, x1):
        return x0 * x1
    def backward(self, gy):
        x0, x1 = self.inputs
        return gy * x1, gy * x0

class Square(Function):
    def forward(self, x):
        return x ** 2
    def backward(self, gy):
        x, = self.inputs
        return 2 * x * gy

class Exp(Function):
    def forward(self, x):
        return np.exp(x)
    def backward(self, gy):
        y = self.outputs[0]()
        return gy * y
"""


def test_what_the_call_of_an_autograd_function_keeps_is_there_for_its_backward_part():
    assert [case.verdict for case in cases(AUTOGRAD)] == ["pass"] * 3


def test_a_slip_in_an_autograd_function_is_found():
    (case,) = cases(AUTOGRAD.replace("2 * x * gy", "3 * x * gy"), subject="Square")
    assert case.verdict == "fail"


# ---------------------------------------------------------------- old files and fragments

OLD = """
import numpy as np

class Gate:
    @staticmethod
    def init(n, d):
        return np.random.randn(n, 2 * d)

    @staticmethod
    def forward(X, W):
        d = W.shape[1] / 2
        out = np.zeros((X.shape[0], d))
        for t in xrange(X.shape[0]):
            out[t] = np.tanh(X[t].dot(W[:, :d])) * X[t].dot(W[:, d:])
        return out, (X, W)

    @staticmethod
    def backward(dout, cache):
        X, W = cache
        d = W.shape[1] / 2
        dX, dW = np.zeros(X.shape), np.zeros(W.shape)
        for t in xrange(X.shape[0]):
            g, v = np.tanh(X[t].dot(W[:, :d])), X[t].dot(W[:, d:])
            dg, dv = dout[t] * v * (1 - g**2), dout[t] * g
            dW[:, :d] += np.outer(X[t], dg)
            dW[:, d:] += np.outer(X[t], dv)
            dX[t] = W[:, :d].dot(dg) + W[:, d:].dot(dv)
        return dX, dW

def check():
    W = Gate.init(3, 4)
    X = np.random.randn(2, 3)
    out, cache = Gate.forward(X, W)
    raw_input('done')

if __name__ == "__main__":
    check()
"""


def test_static_methods_take_the_values_of_a_file_s_own_test():
    (case,) = cases(OLD)
    assert case.verdict == "pass", case.problem
    assert "W (3, 8)" in " ".join(case.notes)


FRAGMENT = """
def propagate(w, b, X, Y):
    m = X.shape[1]
    A = sigmoid(np.dot(w.T, X) + b)
    cost = -np.sum(Y * np.log(A) + (1 - Y) * np.log(1 - A)) / m
    dw = np.dot(X, (A - Y).T) / m
    db = np.sum(A - Y) / m
    return {"dw": dw, "db": db}, cost

w, b = np.array([[1.0], [2.0]]), 1.5
X, Y = np.array([[1.0, -2.0, -1.0], [3.0, 0.5, -3.2]]), np.array([[1, 1, 0]])
grads, cost = propagate(w, b, X, Y)
"""


def test_a_fragment_that_imports_nothing_is_read_with_what_its_names_say():
    (case,) = cases(FRAGMENT)
    assert case.verdict == "pass", case.problem
    assert "`sigmoid`, which this fragment does not define," in " ".join(case.notes)


def test_a_name_that_a_whole_file_does_not_define_is_an_error():
    file = PythonFile("import numpy as np\n" + FRAGMENT, "file.py")
    with pytest.raises(GradcliError, match="'sigmoid' is not defined"):
        file.program(file.subjects[0], [], Request(), {})


# ---------------------------------------------------------------- what is not accused

VECTOR = """
import numpy as np

def lml(alpha, beta, Phi, Y):
    C = alpha * Phi @ Phi.T + beta * np.eye(len(Y))
    return -0.5 * Y.T @ np.linalg.inv(C) @ Y

def grad_lml(alpha, beta, Phi, Y):
    inverse = np.linalg.inv(alpha * Phi @ Phi.T + beta * np.eye(len(Y)))
    d_alpha = 0.5 * Y.T @ inverse @ (Phi @ Phi.T) @ inverse @ Y
    d_bete = 0.5 * Y.T @ inverse @ inverse @ Y
    return np.array([d_alpha, d_bete])
"""
ROWS = """
from common.functions import softmax

class Softmax:
    def forward(self, x):
        self.out = softmax(x)
        return self.out
    def backward(self, dout):
        dx = self.out * dout
        return dx - self.out * dx.sum(axis=1, keepdims=True)
"""


def test_an_array_of_the_gradients_of_numbers_is_taken_apart_by_their_names():
    (case,) = cases(VECTOR)
    assert case.verdict == "pass", case.problem
    assert {"alpha", "beta"} == {check.whole for check in case.inputs.values()}
    (case,) = cases(VECTOR.replace("d_bete", "d_beta").replace("d_beta = 0.5", "d_beta = 0.25"))
    assert case.verdict == "fail"
    assert 11 in [line.line for line in case.lines if line.is_accused]


def test_a_softmax_that_is_not_there_may_be_that_of_rows():
    (case,) = cases(ROWS)
    assert case.verdict == "pass", case.problem
    assert "that is not there is that of rows" in " ".join(case.notes)
    (case,) = cases(ROWS.replace("- self.out", "+ self.out"))
    assert case.verdict == "fail"


def test_what_a_file_s_own_test_gives_is_the_same_on_a_machine_that_is_busy(monkeypatch):
    passed = iter(range(10**9))
    monkeypatch.setattr("time.monotonic", lambda: 1e4 * next(passed))
    (case,) = cases(OLD)
    assert "inputs taken from the file" in " ".join(case.notes)


def test_what_a_file_s_own_test_does_is_counted_as_work(monkeypatch):
    monkeypatch.setattr("gradcli.python.examples.MOST_WORK", 1)
    (case,) = cases(OLD)
    assert "inputs taken from the file" not in " ".join(case.notes)
