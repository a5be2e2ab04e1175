"""Manners of writing a gradient: each right as it stands, and each slip found on its line."""

from __future__ import annotations

import pytest
from python_cases import case_of, cases, verdicts

FILLED = """
import numpy as np

def bowl(x, A, b, G=None):
    Ax = A @ x
    if G is not None:
        G[:] = 0.5 * (Ax + A.T @ x) - b
    return 0.5 * x @ Ax - b @ x
"""
FILLED_ALWAYS = """
import numpy as np

def quartic(x, grad):
    r = x ** 2 - 3 * x
    if grad.size > 0:
        grad[:] = 2 * r * (2 * x - 3)
    return float(np.sum(r ** 2))
"""
FILLED_PARTS = """
def booth(p, G):
    x, y = p
    G[0] = 2 * (x + 2 * y - 7) + 4 * (2 * x + y - 5)
    G[1] = 4 * (x + 2 * y - 7) + 2 * (2 * x + y - 5)
    return (x + 2 * y - 7) ** 2 + (2 * x + y - 5) ** 2
"""
COVARIANCE = """
import numpy as np

def nll(mu, Sigma, X):
    n = X.shape[0]
    P = np.linalg.inv(Sigma)
    D = X - mu
    nll = 0.5 * np.linalg.slogdet(Sigma)[1] + 0.5 * np.trace(P @ D.T @ D) / n
    S = D.T @ D / n
    dmu = -(D @ P).sum(axis=0) / n
    dSigma = 0.5 * (P - P @ S @ P)
    return nll, dmu, dSigma
"""
HANDED_METHODS = """
import numpy as np
from scipy.optimize import minimize

class Classifier:
    def __init__(self, C=1.5):
        self.C = C

    def _fun(self, w, X, y):
        return 0.5 * w @ w + self.C * np.sum(np.log1p(np.exp(-y * (X @ w))))

    def _slope(self, w, X, y):
        s = -y / (1 + np.exp(y * (X @ w)))
        return w + self.C * X.T @ s

    def _bend(self, w, X, y):
        p = 1 / (1 + np.exp(-y * (X @ w)))
        return np.eye(len(w)) + self.C * (X.T * (p * (1 - p))) @ X

    def fit(self, X, y):
        start = np.zeros(X.shape[1])
        result = minimize({fun}, start, jac={jac}, hess=self._bend, args=(X, y))
        return result.x
"""
BY_NAME = {"fun": "self._fun", "jac": "self._slope"}
BY_LAMBDA = {
    "fun": "lambda w, *rest: self._fun(w, *rest)", "jac": "lambda w, *rest: self._slope(w, *rest)",
}  # fmt: skip
TURNING = """
import numpy as np

def spin(omega, x, t):
    e = np.cross(omega, x) - t
    loss = 0.5 * np.sum(e ** 2)
    domega = np.sum(np.cross(x, e), axis=0)
    return loss, domega
"""
UNPACKED = """
import numpy as np

def misfit(theta, t, y):
    a, k = np.exp(theta)
    e = np.exp(-k * t)
    r = a * e - y
    grad = np.array([a * (r @ e), -a * k * (r @ (t * e))])
    return 0.5 * r @ r, grad
"""
PREDICTION = """
import numpy as np

class Net:
    def __init__(self, sizes):
        self.W = [np.random.randn(m, n) * 0.5 for n, m in zip(sizes, sizes[1:])]

    def forward(self, X):
        self.As = [X]
        for W in self.W:
            self.As.append(1 / (1 + np.exp(-W @ self.As[-1])))
        return self.As[-1]

    def cost(self, AL, Y):
        return -np.sum(Y * np.log(AL) + (1 - Y) * np.log(1 - AL)) / Y.shape[1]

    def backward(self, AL, Y):
        grads = {}
        dA = -(np.divide(Y, AL) - np.divide(1 - Y, 1 - AL))
        for k in reversed(range(len(self.W))):
            dZ = dA * self.As[k + 1] * (1 - self.As[k + 1])
            grads["dW" + str(k)] = dZ @ self.As[k].T / Y.shape[1]
            dA = self.W[k].T @ dZ
        return grads
"""
POLICY = """
import numpy as np

class Policy:
    def __init__(self, n_obs, n_actions):
        self.W = np.random.randn(n_actions, n_obs)

    def policy_forward(self, obs):
        e = np.exp(self.W @ obs.T)
        return e / e.sum(axis=0), obs

    def objective(self, obs, actions, returns):
        p, _ = self.policy_forward(obs)
        return -np.mean(returns * np.log(p[actions, np.arange(len(actions))]))

    def policy_backward(self, obs, actions, returns):
        p, _ = self.policy_forward(obs)
        n = len(actions)
        d = p.copy()
        d[actions, np.arange(n)] -= 1
        d *= returns / n
        return {"W": d @ obs}
"""
ONE_CHANNEL = """
import numpy as np

class Conv:
    def __init__(self, count, filter_size, channels=1):
        self.count, self.size = count, filter_size
        self.filters = np.random.randn(count, filter_size, filter_size, channels) * 0.1

    def forward(self, image):
        self.image = image
        h, w, _ = image.shape
        f = self.size
        out = np.zeros((h - f + 1, w - f + 1, self.count))
        for i in range(h - f + 1):
            for j in range(w - f + 1):
                out[i, j] = np.sum(image[i:i + f, j:j + f] * self.filters, axis=(1, 2, 3))
        return out

    def backward(self, d_out):
        self.d_filters = np.zeros_like(self.filters)
        d_image = np.zeros_like(self.image)
        f = self.size
        for i in range(d_out.shape[0]):
            for j in range(d_out.shape[1]):
                for k in range(self.count):
                    self.d_filters[k] += d_out[i, j, k] * self.image[i:i + f, j:j + f]
                    d_image[i:i + f, j:j + f] += d_out[i, j, k] * self.filters[k]
        return d_image
"""
QUATERNION = """
import numpy as np

def turned(q, v):
    w, r = q[0], q[1:]
    return v + 2 * w * np.cross(r, v) + 2 * np.cross(r, np.cross(r, v))

def cost(q, v, target):
    d = turned(q, v) - target
    return 0.5 * d @ d

def cost_grad(q, v, target):
    w, r = q[0], q[1:]
    c = np.cross(r, v)
    d = turned(q, v) - target
    gw = 2 * d @ c
    gr = 2 * w * np.cross(v, d) + 2 * np.cross(c, d) + 2 * np.cross(v, np.cross(d, r))
    return np.concatenate(([gw], gr))
"""
ONE_WORD = """
import numpy as np

class Words:
    def __init__(self, count, width):
        self.near = np.random.randn(count, width)
        self.far = np.random.randn(count, width)

    def loss(self, center, context, negatives):
        v = self.near[center]
        right, wrong = self.far[context] @ v, self.far[negatives] @ v
        return np.log1p(np.exp(-right)) + np.sum(np.log1p(np.exp(wrong)))

    def gradients(self, center, context, negatives):
        v = self.near[center]
        right = 1 / (1 + np.exp(-self.far[context] @ v)) - 1
        wrong = 1 / (1 + np.exp(-self.far[negatives] @ v))
        d_near, d_far = np.zeros_like(self.near), np.zeros_like(self.far)
        d_near[center] = right * self.far[context] + wrong @ self.far[negatives]
        d_far[context] += right * v
        np.add.at(d_far, negatives, np.outer(wrong, v))
        return d_near, d_far
"""
OF_A_CORPUS = """
import numpy as np

text = open("corpus.txt").read()
letters = sorted(set(text))
V, H = len(letters), 6
params = {
    "Wz": np.random.randn(H, H + V) * 0.5, "bz": np.zeros((H, 1)),
    "Wh": np.random.randn(H, H + V) * 0.5, "bh": np.zeros((H, 1)),
    "Wy": np.random.randn(V, H) * 0.5,
}

def sigmoid(x):
    return 1 / (1 + np.exp(-x))

def forward_backward(inputs, targets, h_prev):
    zs, gs, cs, hs, ps, loss = {}, {}, {}, {-1: np.copy(h_prev)}, {}, 0
    for t in range(len(inputs)):
        x = np.zeros((V, 1))
        x[inputs[t]] = 1
        zs[t] = np.vstack((hs[t - 1], x))
        gs[t] = sigmoid(params["Wz"] @ zs[t] + params["bz"])
        cs[t] = np.tanh(params["Wh"] @ zs[t] + params["bh"])
        hs[t] = gs[t] * hs[t - 1] + (1 - gs[t]) * cs[t]
        e = np.exp(params["Wy"] @ hs[t])
        ps[t] = e / np.sum(e)
        loss -= np.log(ps[t][targets[t], 0])
    grads = {k: np.zeros_like(v) for k, v in params.items()}
    dh_next = np.zeros_like(h_prev)
    for t in reversed(range(len(inputs))):
        dy = np.copy(ps[t])
        dy[targets[t]] -= 1
        grads["Wy"] += dy @ hs[t].T
        dh = params["Wy"].T @ dy + dh_next
        dg = dh * (hs[t - 1] - cs[t]) * gs[t] * (1 - gs[t])
        dc = dh * (1 - gs[t]) * (1 - cs[t] ** 2)
        grads["Wz"] += dg @ zs[t].T
        grads["bz"] += dg
        grads["Wh"] += dc @ zs[t].T
        grads["bh"] += dc
        dz = params["Wz"].T @ dg + params["Wh"].T @ dc
        dh_next = gs[t] * dh + dz[:H]
    return loss, grads, hs[len(inputs) - 1]
"""
IN_ONE_MATRIX = """
import numpy as np

class Gated:
    def __init__(self, n_in, n_hid):
        self.Wx = np.random.randn(n_in, 2 * n_hid) * 0.5
        self.Wh = np.random.randn(n_hid, 2 * n_hid) * 0.5
        self.n_hid = n_hid

    def forward(self, xs, h0):
        self.kept, h, hs = [], h0, []
        for t in range(xs.shape[1]):
            a = xs[:, t] @ self.Wx + h @ self.Wh
            g, c = 1 / (1 + np.exp(-a[:, :self.n_hid])), np.tanh(a[:, self.n_hid:])
            self.kept.append((xs[:, t], h, g, c))
            h = g * h + (1 - g) * c
            hs.append(h)
        return np.stack(hs, axis=1)

    def backward(self, dhs):
        self.dWx, self.dWh = np.zeros_like(self.Wx), np.zeros_like(self.Wh)
        N, T, H = dhs.shape
        dxs, dh_next = np.zeros((N, T, self.Wx.shape[0])), np.zeros((N, H))
        for t in reversed(range(T)):
            x, h, g, c = self.kept[t]
            dh = dhs[:, t] + dh_next
            da = np.hstack([dh * (h - c) * g * (1 - g), dh * (1 - g) * (1 - c ** 2)])
            self.dWx += x.T @ da
            self.dWh += h.T @ da
            dxs[:, t] = da @ self.Wx.T
            dh_next = dh * g + da @ self.Wh.T
        return dxs, dh_next
"""
A_NUMBER_OF_ITS_NAME = """
import numpy as np

def lens_cost(curv, n_glass, heights, target):
    c1, c2 = curv
    total = power = 0.0
    for h in heights:
        e = (1 - n_glass) * (c1 - c2) * h - target * h
        total += 0.5 * e ** 2
        power += -e * h
    dcurv = np.array([(n_glass - 1) * power, (1 - n_glass) * power])
    dn = (c1 - c2) * power
    return total, dcurv, dn
"""
ROW_BY_ROW = """
import numpy as np

def chain_nll(log_pi, log_A, obs):
    pi = np.exp(log_pi - np.log(np.sum(np.exp(log_pi))))
    A = np.exp(log_A) / np.exp(log_A).sum(axis=1, keepdims=True)
    T, K = len(obs), len(pi)
    alpha = np.zeros((T, K))
    alpha[0] = pi
    for t in range(1, T):
        alpha[t] = alpha[t - 1] @ A
    loss = -np.log(alpha[T - 1, obs[T - 1]])
    beta = np.zeros((T, K))
    beta[T - 1, obs[T - 1]] = -1 / alpha[T - 1, obs[T - 1]]
    dA = np.zeros_like(A)
    for t in reversed(range(1, T)):
        dA += np.outer(alpha[t - 1], beta[t])
        beta[t - 1] = A @ beta[t]
    d_log_A = A * (dA - (dA * A).sum(axis=1, keepdims=True))
    d_log_pi = pi * (beta[0] - pi @ beta[0])
    return loss, d_log_pi, d_log_A
"""
# A file, what it says rightly, and a slip there.
MANNERS = {
    "in place, if asked": (FILLED, "A.T @ x", "A @ x"),
    "in place": (FILLED_ALWAYS, "(2 * x - 3)\n", "(2 * x)\n"),
    "in place, part by part": (FILLED_PARTS, "G[1] = 4", "G[1] = 2"),
    "a covariance": (COVARIANCE, "dSigma = 0.5 *", "dSigma ="),
    "the mean beside one": (COVARIANCE, "-(D @ P).sum(axis=0) / n", "-(D @ P).sum(axis=0)"),
    "methods for an optimiser": (HANDED_METHODS.format(**BY_NAME), "s = -y /", "s = y /"),
    "in lambdas": (HANDED_METHODS.format(**BY_LAMBDA), "s = -y /", "s = y /"),
    "a Hessian for one": (
        HANDED_METHODS.format(**BY_NAME),
        "np.eye(len(w)) +",
        "2 * np.eye(len(w)) +",
    ),
    "a cross product": (TURNING, "np.cross(x, e), axis=0", "np.cross(e, x), axis=0"),
    "an unpacked vector": (UNPACKED, "-a * k * (r", "-a * (r"),
    "a prediction that is handed back": (PREDICTION, "(np.divide(Y", "(0.5 * np.divide(Y"),
    "an objective of actions": (POLICY, "d @ obs", "2 * d @ obs"),
    "a quaternion": (
        QUATERNION,
        "d = turned(q, v) - target\n    gw",
        "d = turned(q, v) + target\n    gw",
    ),
    "one word": (ONE_WORD, "d_near[center] = right", "d_near[center] = -right"),
    "a corpus that is not there": (OF_A_CORPUS, 'grads["bz"] += dg', 'grads["bz"] = dg'),
    "gates in one matrix": (IN_ONE_MATRIX, "self.dWh += h.T", "self.dWh += c.T"),
    "a number of its name": (A_NUMBER_OF_ITS_NAME, "dn = (c1 - c2)", "dn = (c1 + c2)"),
    "row by row": (ROW_BY_ROW, "d_log_pi = pi * (beta[0] -", "d_log_pi = pi * (beta[0] +"),
    "an image of one channel": (ONE_CHANNEL, "* self.filters[k]", "* self.filters[0]"),
}


@pytest.mark.parametrize("kind", [*MANNERS])
def test_right_files_pass(kind):
    assert {*verdicts(MANNERS[kind][0])} == {"pass"}


@pytest.mark.parametrize("kind", [*MANNERS])
def test_a_slip_is_found_on_its_line(kind):
    text, right, wrong = MANNERS[kind]
    assert text.count(right) == 1
    line = text[: text.index(right)].count("\n") + 1
    checked = cases(text.replace(right, wrong))
    assert {x.line for case in checked for x in case.lines if x.is_accused} == {line}


def test_a_covariance_is_drawn_as_one_and_that_is_said():
    [note] = [note for note in case_of(COVARIANCE).notes if note.startswith("inputs")]
    assert "Sigma (3, 3) symmetric" in note


def test_targets_that_only_weigh_may_be_signs():
    case = case_of(HANDED_METHODS.format(**BY_NAME), "Classifier._slope")
    assert "right for targets of -1 and 1" in case.notes


IN_TWO_FUNCTIONS = """
import numpy as np

def scale(theta, x):
    a, b = np.exp(2 * theta)
    return a * x ** 2 + b

def cost(theta, x):
    return 0.5 * np.sum(scale(theta, x) ** 2)

def cost_grad(theta, x):
    s = scale(theta, x)
    a = np.exp(2 * theta[0])
    b = np.exp(2 * theta[1])
    return np.array([np.sum(s * 2 * a * x ** 2), np.sum(s * {factor} * b)])
"""


def test_a_name_of_another_function_is_not_overwritten():
    assert case_of(IN_TWO_FUNCTIONS.format(factor=2)).verdict == "pass"
    case = case_of(IN_TWO_FUNCTIONS.format(factor=1))
    assert case.verdict == "fail"
    assert "overwritten" not in {line.mistake for line in case.lines}


CLIPPED = """
import numpy as np

class BinaryCrossentropy:
    def forward(self, y_pred, y_true):
        p = np.clip(y_pred, 1e-7, 1 - 1e-7)
        return np.mean(-(y_true * np.log(p) + (1 - y_true) * np.log(1 - p)))

    def backward(self, y_pred, y_true):
        p = np.clip(y_pred, 1e-7, 1 - 1e-7)
        self.dinputs = -(y_true / p - (1 - y_true) / (1 - p)){mean}
"""


def test_a_wrong_gradient_of_probabilities_is_told_where_they_are_some():
    assert case_of(CLIPPED.format(mean=" / y_pred.size")).verdict == "pass"
    case = case_of(CLIPPED.format(mean=""))
    assert [line.mistake for line in case.lines if line.is_accused] == ["missing-mean"]
