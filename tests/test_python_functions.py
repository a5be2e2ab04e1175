"""Functions and their gradients as scientists write them: for optimisers, fits, force fields."""

from __future__ import annotations

import pytest
from python_cases import case_of, cases, verdict

from gradcli.python.reading import PythonFile

HEAD = "import numpy as np\n"
SHORTENED = """
def rosenbrock(x):
    return sum(100.0*(x[1:] - x[:-1]**2)**2 + (1 - x[:-1])**2)

def rosen_der(x):
    inner = x[1:-1]
    der = np.zeros_like(x)
    der[1:-1] = 200*(inner - x[:-2]**2) - 400*(x[2:] - inner**2)*inner - 2*(1 - inner)
    der[0] = -400*x[0]*(x[1] - x[0]**2) - 2*(1 - x[0])
    der[-1] = 200*(x[-1] - x[-2]**2)
    return der
"""
ONE_WORD = """
def f(x):
    return x**3 - 2*x

def fprime(x):
    return 3*x**2 - 2
"""
LIKELIHOOD = """
def nll(mu, log_sigma, x):
    s = np.exp(log_sigma)
    z = (x - mu) / s
    f = 0.5*np.sum(z**2) + x.size*log_sigma
    g_mu = -np.sum(z) / s
    g_ls = x.size - np.sum(z**2)
    return f, np.array([g_mu, g_ls])
"""
APART = """
def nll(mu, log_sigma, x):
    z = (x - mu) / np.exp(log_sigma)
    return 0.5*np.sum(z**2) + x.size*log_sigma

def nll_grad(mu, log_sigma, x):
    z = (x - mu) / np.exp(log_sigma)
    g_mu = -np.sum(z) / np.exp(log_sigma)
    g_ls = x.size - np.sum(z**2)
    return np.array([g_mu, g_ls])
"""
FIT = """
def misfit(theta, t, y):
    a, b, c = theta
    e = np.exp(-b*t)
    r = a*e + c - y
    val = 0.5*np.dot(r, r)
    grad = np.array([np.dot(r, e), np.dot(r, -a*t*e), r.sum()])
    return val, grad
"""
MORSE = """
def morse(r, depth=1.0, a=1.0, at=1.2):
    return depth*(1 - np.exp(-a*(r - at)))**2

def morse_force(r, depth=1.0, a=1.0, at=1.2):
    x = np.exp(-a*(r - at))
    return -2*depth*a*(1 - x)*x
"""
UNNAMED = """
def mse(pred, target):
    diff = pred - target
    return (diff**2).mean(), 2*diff/diff.size
"""
CORNERS = """
def huber(r, delta=1.0):
    a = np.abs(r)
    loss = np.where(a <= delta, 0.5*r**2, delta*(a - 0.5*delta))
    return loss.sum(), np.clip(r, -delta, delta)
"""
NUMBERS = """
def elbo(mu, rho, eps, data):
    sigma = np.log1p(np.exp(rho))
    w = mu + sigma*eps
    kl = -np.log(sigma) + 0.5*(sigma**2 + mu**2)
    loss = kl + 0.5*np.sum((data - w)**2)
    dw = -np.sum(data - w)
    dmu = dw + mu
    drho = (dw*eps - 1/sigma + sigma) / (1 + np.exp(-rho))
    return loss, (dmu, drho)
"""
KINDS = {  # the code, what it is, and a slip in it
    "shortened": (SHORTENED, "rosenbrock and rosen_der", "- 2*(1 - inner)", "- (1 - inner)"),
    "one word": (ONE_WORD, "f and fprime", "3*x**2", "3*x"),
    "likelihood": (LIKELIHOOD, "nll", "x.size - np.sum(z**2)", "x.size - 2*np.sum(z**2)"),
    "apart": (APART, "nll and nll_grad", "g_mu = -np.sum(z)", "g_mu = np.sum(z)"),
    "fit": (FIT, "misfit", "-a*t*e", "a*t*e"),
    "morse": (MORSE, "morse and morse_force", "a*(1 - x)*x", "a*(1 - x)"),
    "unnamed": (UNNAMED, "mse", "2*diff/", "diff/"),
    "corners": (CORNERS, "huber", "np.clip(r, -delta, delta)", "np.clip(r, -1.5*delta, delta)"),
    "numbers": (NUMBERS, "elbo", "dw*eps - 1/sigma", "dw*eps + 1/sigma"),
}


@pytest.mark.parametrize("kind", KINDS)
def test_a_function_and_its_gradient_are_read_as_they_stand(kind):
    text, words, *_ = KINDS[kind]
    assert [subject.words for subject in PythonFile(HEAD + text, "file.py").subjects] == [words]
    assert verdict(HEAD + text) == ("pass", None)


@pytest.mark.parametrize("kind", KINDS)
def test_a_slip_in_a_gradient_fails(kind):
    text, _, right, wrong = KINDS[kind]
    assert right in text
    assert verdict(HEAD + text.replace(right, wrong))[0] == "fail"


@pytest.mark.parametrize(
    "text",
    [
        "def learn(x, y):\n    return x*y\n\ndef leader(x, y):\n    return x + y\n",
        "def rosenbrock(x, a):\n    return a*x\n\ndef rosen_der(x):\n    return 2*x\n",
        "def mse(z, y):\n    return np.mean((z - y)**2), np.exp(z)\n",
        "def lj(r):\n    return r\n\ndef drag_force(r):\n    return -r\n",
    ],
)
def test_what_only_sounds_like_a_gradient_is_none(text):
    assert PythonFile(HEAD + text, "file.py").subjects == []


# ---------------------------------------------------------------- handed to an optimiser together

HANDED = """
import scipy.optimize as opt
from scipy.optimize import check_grad, minimize, newton, root

def banana(p, a, b):
    return (a - p[0])**2 + b*(p[1] - p[0]**2)**2

def slope(p, a, b):
    return np.array([-2*(a - p[0]) - 4*b*p[0]*(p[1] - p[0]**2), 2*b*(p[1] - p[0]**2)])

def both(w, X, y):
    r = X @ w - y
    return 0.5*r @ r, X.T @ r

def kepler(E, M, e):
    return E - e*np.sin(E) - M

def kepler1(E, M, e):
    return 1 - e*np.cos(E)

def system(v):
    x, y = v
    return np.array([x**2 + y**2 - 4, x*y - 1])

def matrix(v):
    x, y = v
    return np.array([[2*x, 2*y], [y, x]])

def other(x):
    return np.sum(np.cos(x))

def third(x):
    return -np.sin(x)

def unrelated(x):
    return x

minimize(banana, [0, 0], args=(1, 100), jac=slope, method="BFGS")
opt.minimize(both, np.zeros(3), args=(X, y), jac=True)
newton(kepler, 1.0, kepler1, args=(0.5, 0.1))
root(system, [1, 2], jac=matrix)
check_grad(other, third, np.ones(3))
minimize(unrelated, 1.0, jac="2-point")
"""


def test_what_an_optimiser_is_handed_as_gradient_is_checked_whatever_it_is_called():
    found = cases(HEAD + HANDED)
    assert [(case.expression, case.verdict) for case in found] == [
        ("banana and slope", "pass"), ("both", "pass"), ("kepler and kepler1", "pass"),
        ("system and matrix", "pass"), ("other and third", "pass"),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("right", "wrong", "where"),
    [
        ("- 4*b*p[0]*(p", "- 2*b*p[0]*(p", "banana"), ("X.T @ r", "X.T @ y", "both"),
        ("1 - e*np.cos(E)", "1 + e*np.cos(E)", "kepler"),
        ("[y, x]]", "[x, y]]", "system"), ("-np.sin(x)", "-np.cos(x)", "other"),
    ],
)  # fmt: skip
def test_a_slip_in_what_an_optimiser_is_handed_fails(right, wrong, where):
    assert right in HANDED
    text = HEAD + HANDED.replace(right, wrong)
    case = case_of(text, where)
    assert case.verdict == "fail"


# ---------------------------------------------------------------- indices in tuples, short names

SPRINGS = """
def spring_energy(pos, edges, k, rest):
    e = 0.0
    for i, j in edges:
        d = np.linalg.norm(pos[i] - pos[j])
        e += 0.5*k*(d - rest)**2
    return e

def spring_forces(pos, edges, k, rest):
    F = np.zeros_like(pos)
    for i, j in edges:
        r = pos[i] - pos[j]
        d = np.linalg.norm(r)
        f = -k*(d - rest)*r/d
        F[i] += f
        F[j] -= f
    return F
"""
DENSE = """
from dataclasses import dataclass

@dataclass
class Dense:
    W: np.ndarray
    b: np.ndarray

    def __call__(self, x):
        self.x = x
        return x @ self.W + self.b

    def grad(self, gy):
        self.gW = self.x.T @ gy
        self.gb = gy.sum(0)
        return gy @ self.W.T
"""


@pytest.mark.parametrize(
    ("text", "right", "wrong"),
    [(SPRINGS, "F[j] -= f", "F[j] += f"), (DENSE, "gy.sum(0)", "gy.mean(0)")],
)
def test_pairs_of_indices_and_gradients_of_two_letters_are_read(text, right, wrong):
    assert verdict(HEAD + text) == ("pass", None)
    assert verdict(HEAD + text.replace(right, wrong))[0] == "fail"


def test_the_help_gives_sizes_for_sizes_and_arrays_for_arrays():
    text = HEAD + (
        "class Net:\n    def __init__(self, hidden_dim, table):\n"
        '        self.W = table[hidden_dim]["x"]["y"]\n'
        "    def forward(self, x):\n        self.x = x\n        return x @ self.W\n"
        "    def backward(self, dout):\n        return dout @ self.W.T\n"
    )
    _, problem = verdict(text)
    assert "give them: hidden_dim=4 table='randn(3, 4)'" in problem.hint
