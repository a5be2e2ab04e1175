"""Sizes and values that inputs start with: what loops, names and the calls of optimisers say."""

from __future__ import annotations

import pytest
from python_cases import case_of, problem, taken

HEAT = """
import numpy as np

class Heat:
    def __init__(self, n=6, dt=0.1):
        self.n, self.dt = n, dt

    def matrix(self, k):
        A = np.eye(self.n)
        for i in range(self.n - 1):
            A[i:i + 2, i:i + 2] += self.dt * k[i] * np.array([[1.0, -1.0], [-1.0, 1.0]])
        return A

    def loss(self, k, u0, d):
        return 0.5 * np.sum((np.linalg.solve(self.matrix(k), u0) - d) ** 2)

    def loss_grad(self, k, u0, d):
        A = self.matrix(k)
        u = np.linalg.solve(A, u0)
        g = np.zeros_like(k)
        g -= self.dt * np.diff(u) * np.diff(np.linalg.solve(A.T, u - d))
        return g
"""


def test_a_vector_is_as_long_as_the_loop_that_goes_through_it():
    assert "k (5,), u0 (6,), d (6,)" in taken(HEAT)


SEQUENCES = """
import numpy as np

class Cell:
    def __init__(self, size, hidden):
        self.W = np.random.randn(size + hidden + 1, hidden) * 0.1

    def forward(self, X):
        n, b, size = X.shape
        d = self.W.shape[1]
        seen, H = np.zeros((n, b, self.W.shape[0])), np.zeros((n + 1, b, d))
        for t in range(n):
            seen[t, :, 0] = 1
            seen[t, :, 1 : size + 1] = X[t]
            seen[t, :, size + 1 :] = H[t]
            H[t + 1] = np.tanh(seen[t] @ self.W)
        return H[1:], (seen, H, X.shape)

    def backward(self, dout, cache):
        seen, H, (n, b, size) = cache
        dX, dW, dh = np.zeros((n, b, size)), np.zeros_like(self.W), 0
        for t in reversed(range(n)):
            da = (dout[t] + dh) * (1 - H[t + 1] ** 2)
            dW += seen[t].T @ da
            dseen = da @ self.W.T
            dX[t], dh = dseen[:, 1 : size + 1], dseen[:, size + 1 :]
        return dX, dW
"""


def test_sizes_that_a_shape_and_a_parameter_call_alike_are_alike():
    assert "size = 3, hidden = 5, X (7, 11, 3)" in taken(SEQUENCES)


def test_what_is_put_into_a_part_of_no_elements_has_to_fit():
    text = (
        "import numpy as np\n\ndef f(x, h):\n    part = np.zeros(len(x))\n    part[len(x):] = h\n"
        "    return np.sum(part * x)\n\ndef f_grad(x, h):\n    return np.zeros_like(x)\n"
    )
    bindings = [("x", "randn(4)"), ("h", "randn(3)")]
    assert "(3,) and (0,) do not fit" in problem(text, bindings=bindings).message
    assert case_of(text.replace("= h", "= 0"), bindings=bindings).verdict == "pass"


STARTED = """
import numpy as np
from scipy.optimize import check_grad, minimize
from scipy.special import expit

class Ordinal:
    def __init__(self, X, y, K):
        self.X, self.y, self.K = X, y, K

    def sides(self, theta):
        p = self.X.shape[1]
        eta, a = self.X @ theta[:p], theta[p:]
        cuts = np.cumsum(np.concatenate([[a[0]], np.exp(a[1:])]))
        ends = np.concatenate([[-np.inf], cuts, [np.inf]])
        return expit(ends[self.y + 1] - eta), expit(ends[self.y] - eta)

    def nll(self, theta, scale):
        upper, lower = self.sides(theta)
        return -scale * np.sum(np.log(upper - lower))

    def slope(self, theta, scale):
        upper, lower = self.sides(theta)
        above = upper * (1 - upper) / (upper - lower)
        below = lower * (1 - lower) / (upper - lower)
        ends = np.zeros(self.K + 1)
        np.add.at(ends, self.y + 1, -above)
        np.add.at(ends, self.y, below)
        steps = np.cumsum(ends[1 : self.K][::-1])[::-1].copy()
        steps[1:] *= np.exp(theta[self.X.shape[1]:][1:])
        return scale * np.concatenate([self.X.T @ (above - below), steps])

X = np.array([[1.0, 2.0], [0.5, -1.5], [-2.0, 0.3], [0.1, 0.9], [-0.4, -0.7]])
model = Ordinal(X, np.array([0, 2, 1, 3, 1]), 4)
CALL
"""


@pytest.mark.parametrize("call", [
    "minimize(model.nll, np.ones(5), args=(0.3,), jac=model.slope)",
    "minimize(model.nll, np.ones(5), (0.3,), jac=model.slope)",
    "minimize(lambda w: model.nll(w, 0.3), x0=np.ones(5), jac=lambda w: model.slope(w, 0.3))",
    "check_grad(model.nll, model.slope, np.ones(5), 0.3)",
])  # fmt: skip
def test_what_an_optimiser_is_handed_is_an_example_where_nothing_else_is_known(call):
    text = STARTED.replace("CALL", call)
    assert "taken from the file: X (5, 2), y (5,), K = 4, theta (5,), scale = 0.3" in taken(text)
    assert case_of(text.replace("above - below", "above + below")).verdict == "fail"


@pytest.mark.parametrize("wrong", ["A @ (A @ x - b)", "A.T @ (A @ x - b) / len(x) * 2"])
def test_special_data_that_an_optimiser_is_handed_hide_no_mistake(wrong):
    """A symmetric A, and as many equations as unknowns."""
    text = (
        "import numpy as np\nfrom scipy.optimize import minimize\n\n"
        "def f(x, A, b):\n    return 0.5 * np.sum((A @ x - b) ** 2) * SIZE\n\n"
        "def df(x, A, b):\n    return GRADIENT\n\n"
        "A, b = np.array([[2.0, 1.0], [1.0, 3.0]]), np.array([1.0, 2.0])\n"
        "minimize(f, np.ones(2), args=(A, b), jac=df)\n"
    )
    size = "2 / len(b)" if "len" in wrong else "1"
    right = "A.T @ (A @ x - b)" + (" / len(b) * 2" if "len" in wrong else "")
    assert case_of(text.replace("SIZE", size).replace("GRADIENT", right)).verdict == "pass"
    assert case_of(text.replace("SIZE", size).replace("GRADIENT", wrong)).verdict == "fail"


SURVIVAL = """
import numpy as np

def nll(params, times, events, X):
    k, lam, beta = np.exp(params[0]), np.exp(params[1]), params[2:]
    eta = X @ beta
    logs = np.log(times / lam)
    z = np.exp(k * logs + eta)
    value = np.sum(z - events * (np.log(k) + k * logs - np.log(times) + eta))
    g = np.empty_like(params)
    g[0] = np.sum(z * k * logs - events * (1 + k * logs))
    g[1] = np.sum(events * k - z * k)
    g[2:] = X.T @ (z - events)
    return value, g
"""


def test_a_matrix_is_no_vector_where_the_gradient_is_one():
    """`g[2:]` takes as many numbers as X has columns: the others are one for each row."""
    assert ", 3) (NAME=VALUE" in taken(SURVIVAL)
    assert case_of(SURVIVAL.replace("z * k * logs", "z * logs")).verdict == "fail"


PAIRS = """
import numpy as np

def skipgram(center, context, negatives, W, C):
    v, u, n = W[center], C[context], C[negatives]
    p = 1 / (1 + np.exp(-u @ v))
    q = 1 / (1 + np.exp(n @ v))
    loss = -np.log(p) - np.sum(np.log(q))
    dW, dC = np.zeros_like(W), np.zeros_like(C)
    dW[center] = (p - 1) * u + (1 - q) @ n
    dC[context] += (p - 1) * v
    np.add.at(dC, negatives, np.outer(1 - q, v))
    return loss, dW, dC
"""


def test_tables_of_words_have_rows_whatever_they_are_called():
    assert "W (7, 11), C (13, 11)" in taken(PAIRS)
    assert case_of(PAIRS.replace("(1 - q) @ n", "q @ n")).verdict == "fail"


WORDS = """
import numpy as np

class Model:
    def __init__(self, size, hidden=5):
        self.U = np.random.uniform(-0.5, 0.5, (hidden, size))
        self.V = np.random.uniform(-0.5, 0.5, (size, hidden))
        self.W = np.random.uniform(-0.5, 0.5, (hidden, hidden))

    def forward(self, x):
        s = np.zeros((len(x) + 1, len(self.W)))
        o = np.zeros((len(x), len(self.V)))
        for t in range(len(x)):
            s[t] = np.tanh(self.U[:, x[t]] + self.W @ s[t - 1])
            e = np.exp(self.V @ s[t])
            o[t] = e / e.sum()
        return o, s

    def loss(self, x, y):
        o, s = self.forward(x)
        return -np.sum(np.log(o[np.arange(len(y)), y]))

    def backward(self, x, y):
        o, s = self.forward(x)
        dU, dV, dW = np.zeros_like(self.U), np.zeros_like(self.V), np.zeros_like(self.W)
        do, dh = o.copy(), 0
        do[np.arange(len(y)), y] -= 1
        for t in reversed(range(len(y))):
            dV += np.outer(do[t], s[t])
            da = (self.V.T @ do[t] + dh) * (1 - s[t] ** 2)
            dW += np.outer(da, s[t - 1])
            dU[:, x[t]] += da
            dh = self.W.T @ da
        return dU, dV, dW
"""


def test_there_is_a_label_for_every_step():
    assert case_of(WORDS).verdict == "pass"
    assert case_of(WORDS.replace("self.W.T @ da", "self.W @ da")).verdict == "fail"
