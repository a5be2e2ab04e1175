"""Vectors that hold several parameters, as optimisers want them, and what stands around them."""

from __future__ import annotations

import pytest
from python_cases import cases


def only(text):
    (case,) = cases(text)
    return case


OF_ONE_FUNCTION = """
import numpy as np

def cost(theta, X, Y, n_in, n_hidden, n_out, lam):
    W = theta[: n_in * n_hidden].reshape(n_in, n_hidden)
    b = theta[n_in * n_hidden : n_in * n_hidden + n_hidden]
    V = np.reshape(theta[n_in * n_hidden + n_hidden :], (n_hidden, n_out))
    H = np.tanh(X @ W + b)
    E = H @ V - Y
    J = 0.5 * np.sum(E ** 2) + 0.5 * lam * np.sum(W ** 2)
    dV = H.T @ E
    dZ = (E @ V.T) * (1 - H ** 2)
    dW = X.T @ dZ + lam * W
    db = dZ.sum(axis=0)
    return J, np.concatenate([dW.ravel(), db, dV.ravel()])
"""

COUNTED = """
import numpy as np

def unpacked(theta, D, H):
    k = 0
    W = theta[k : k + D * H].reshape((D, H)); k += D * H
    b = theta[k : k + H]; k += H
    v = theta[k : k + H]; k += H
    return W, b, v

def loss(theta, X, y, D, H):
    W, b, v = unpacked(theta, D, H)
    return 0.5 * np.sum((np.tanh(X @ W + b) @ v - y) ** 2)

def loss_grad(theta, X, y, D, H):
    W, b, v = unpacked(theta, D, H)
    A = np.tanh(X @ W + b)
    e = A @ v - y
    dZ = np.outer(e, v) * (1 - A ** 2)
    return np.hstack([(X.T @ dZ).ravel(), dZ.sum(0), A.T @ e])
"""

OF_LAYERS = """
import numpy as np

class Net:
    def __init__(self, sizes):
        self.sizes = sizes

    def layers(self, theta):
        found, k = [], 0
        for n, m in zip(self.sizes[:-1], self.sizes[1:]):
            W = theta[k : k + n * m].reshape(n, m)
            k += n * m
            found.append((W, theta[k : k + m]))
            k += m
        return found

    def loss(self, theta, X, Y):
        a = X
        for W, c in self.layers(theta):
            a = np.tanh(a @ W + c)
        return 0.5 * np.sum((a - Y) ** 2)

    def grad(self, theta, X, Y):
        acts, layers = [X], self.layers(theta)
        for W, c in layers:
            acts.append(np.tanh(acts[-1] @ W + c))
        delta = (acts[-1] - Y) * (1 - acts[-1] ** 2)
        parts = []
        for (W, c), a in zip(layers[::-1], acts[-2::-1]):
            parts.append(np.concatenate([(a.T @ delta).ravel(), delta.sum(axis=0)]))
            delta = (delta @ W.T) * (1 - a ** 2)
        return np.concatenate(parts[::-1])
"""

AS_A_WHOLE = """
import numpy as np

def cost(w, X, y, lam):
    W = np.reshape(w, (X.shape[1], -1))
    S = X @ W
    lse = np.log(np.exp(S).sum(axis=1))
    return (lse - S[np.arange(len(y)), y]).mean() + 0.5 * lam * np.sum(W ** 2)

def cost_grad(w, X, y, lam):
    W = np.reshape(w, (X.shape[1], -1))
    P = np.exp(X @ W)
    P /= P.sum(axis=1, keepdims=True)
    P[np.arange(len(y)), y] -= 1
    return (X.T @ P / len(y) + lam * W).ravel()
"""

MIXTURE = """
import numpy as np
from scipy.special import logsumexp

def nll(params, x, K):
    a, mu, s = params[:K], params[K : 2 * K], params[2 * K :]
    logs = a - logsumexp(a) - s - 0.5 * ((x[:, None] - mu) / np.exp(s)) ** 2
    return -logsumexp(logs, axis=1).sum()

def nll_jac(params, x, K):
    a, mu, s = params[:K], params[K : 2 * K], params[2 * K :]
    r = (x[:, None] - mu) / np.exp(s)
    logs = a - logsumexp(a) - s - 0.5 * r ** 2
    p = np.exp(logs - logsumexp(logs, axis=1)[:, None])
    da = len(x) * np.exp(a - logsumexp(a)) - p.sum(axis=0)
    return np.concatenate([da, -(p * r / np.exp(s)).sum(axis=0), (p * (1 - r ** 2)).sum(axis=0)])
"""

WITH_ONES = """
import numpy as np

def sigmoid(z):
    return 1 / (1 + np.exp(-z))

def cost_function(nn_params, n_in, n_hidden, num_labels, X, y, lam):
    T1 = nn_params[: n_hidden * (n_in + 1)].reshape(n_hidden, n_in + 1)
    T2 = nn_params[n_hidden * (n_in + 1) :].reshape(num_labels, n_hidden + 1)
    m = X.shape[0]
    Y = np.eye(num_labels)[y]
    a1 = np.hstack([np.ones((m, 1)), X])
    a2 = np.hstack([np.ones((m, 1)), sigmoid(a1 @ T1.T)])
    h = sigmoid(a2 @ T2.T)
    J = -np.sum(Y * np.log(h) + (1 - Y) * np.log(1 - h)) / m + lam / (2 * m) * np.sum(T1 ** 2)
    d3 = h - Y
    d2 = (d3 @ T2[:, 1:]) * a2[:, 1:] * (1 - a2[:, 1:])
    T1_grad = d2.T @ a1 / m + lam / m * T1
    T2_grad = d3.T @ a2 / m
    return J, np.r_[T1_grad.ravel(), T2_grad.ravel()]
"""

RATINGS = """
import numpy as np

def cofi_cost(params, Y, R, num_users, num_movies, num_features, lam):
    X = params[: num_movies * num_features].reshape(num_movies, num_features)
    T = params[num_movies * num_features :].reshape(num_users, num_features)
    E = (X @ T.T - Y) * R
    return 0.5 * np.sum(E ** 2) + lam / 2 * (np.sum(X ** 2) + np.sum(T ** 2))

def cofi_grad(params, Y, R, num_users, num_movies, num_features, lam):
    X = params[: num_movies * num_features].reshape(num_movies, num_features)
    T = params[num_movies * num_features :].reshape(num_users, num_features)
    E = (X @ T.T - Y) * R
    return np.concatenate([(E @ T + lam * X).ravel(), (E.T @ X + lam * T).ravel()])
"""

SPARSE = """
import numpy as np

def sigmoid(z):
    return 1 / (1 + np.exp(-z))

def autoencoder_cost(theta, visible, n_hidden, lambda_, sparsity_param, beta, data):
    W1 = theta[0 : n_hidden * visible].reshape(n_hidden, visible)
    W2 = theta[n_hidden * visible : 2 * n_hidden * visible].reshape(visible, n_hidden)
    b = theta[2 * n_hidden * visible :]
    m = data.shape[1]
    a = sigmoid(W1.dot(data) + np.tile(b, (m, 1)).T)
    h = sigmoid(W2.dot(a))
    rho_hat = np.sum(a, axis=1) / m
    rho = np.tile(sparsity_param, n_hidden)
    divergence = np.sum(rho * np.log(rho / rho_hat) + (1 - rho) * np.log((1 - rho) / (1 - rho_hat)))
    cost = np.sum((h - data) ** 2) / (2 * m) + lambda_ / 2 * np.sum(W1 ** 2) + beta * divergence
    sparse = np.tile(-rho / rho_hat + (1 - rho) / (1 - rho_hat), (m, 1)).T
    d3 = (h - data) * h * (1 - h)
    d2 = (W2.T.dot(d3) + beta * sparse) * a * (1 - a)
    W1grad = d2.dot(data.T) / m + lambda_ * W1
    W2grad = d3.dot(a.T) / m
    grad = np.concatenate((W1grad.ravel(), W2grad.ravel(), np.sum(d2, axis=1) / m))
    return cost, grad
"""

RIGHT = {
    "cost": (OF_ONE_FUNCTION, "dZ = (E @ V.T) * (1 - H ** 2)", "dZ = (E @ V.T) * (1 - H)"),
    "loss": (COUNTED, "np.outer(e, v) * (1 - A ** 2)", "np.outer(e, v) * (1 - A)"),
    "Net": (OF_LAYERS, "delta.sum(axis=0)", "delta.mean(axis=0)"),
    "whole": (AS_A_WHOLE, "P[np.arange(len(y)), y] -= 1", "P[np.arange(len(y)), y] -= 2"),
    "nll": (MIXTURE, "da = len(x) * np", "da = np"),
    "ones": (WITH_ONES, "d3.T @ a2 / m", "d3.T @ a2"),
    "sparse": (SPARSE, "d3 = (h - data) * h * (1 - h)", "d3 = (h - data) * h"),
}


def subject_of(cases):
    return next(case for case in cases if "sigmoid" not in case.expression)


@pytest.mark.parametrize("name", RIGHT)
def test_the_length_of_a_packed_vector_is_found(name):
    case = subject_of(cases(RIGHT[name][0]))
    assert case.verdict == "pass", case.problem


@pytest.mark.parametrize("name", sorted(RIGHT.keys() - {"Net"}))
def test_a_mistake_beside_a_packed_vector_is_found_on_its_line(name):
    text, right, wrong = RIGHT[name]
    before, after = text.split(right)
    line = before.count("\n") + 1
    case = subject_of(cases(before + wrong + after))
    assert case.verdict == "fail"
    accused = [line.line for line in case.lines if line.local and line.verdict == "fail"]
    assert accused[:1] == [line], accused


def test_a_mistake_in_a_part_that_a_loop_joins_is_among_the_lines_that_may_be_it():
    text, right, wrong = RIGHT["Net"]
    (case,) = cases(text.replace(right, wrong))
    (accused,) = (line for line in case.lines if line.local and line.verdict == "fail")
    assert text.split(right)[0].count("\n") + 1 in (accused.line, *accused.suspects)


def test_a_gradient_that_lacks_a_part_of_the_vector_fails():
    case = only(OF_ONE_FUNCTION.replace("[dW.ravel(), db, dV.ravel()]", "[dW.ravel(), dV.ravel()]"))
    assert case.verdict == "fail"


def test_what_is_right_for_a_mask_passes_and_says_so():
    case = only(RATINGS)
    assert case.verdict == "pass", case.problem
    assert any("`R` of zeros and ones" in note for note in case.notes)


def test_a_mask_hides_no_mistake():
    case = only(RATINGS.replace("(E.T @ X + lam * T)", "(E.T @ X - lam * T)"))
    assert case.verdict == "fail"


@pytest.mark.parametrize("name", ["M", "I", "Omega"])
def test_what_weighs_what_a_product_is_off_by_may_be_a_mask(name):
    case = only(RATINGS.replace("R,", f"{name},").replace("* R", f"* {name}"))
    assert case.verdict == "pass", case.problem
    assert any(f"`{name}` of zeros and ones" in note for note in case.notes)


SPRINGS = """
def energy(x, x0, M):
    return np.sum((M * (x - x0)) ** 2)

def energy_grad(x, x0, M):
    return 2 * M * (x - x0)
"""


def test_a_square_that_is_lost_of_a_mass_is_no_mask():
    (case,) = cases(SPRINGS)
    assert case.verdict == "fail"


# ---------------------------------------------------------------- settings under a condition

SETTINGS = """
import sys
import numpy as np

RESUME = False
if RESUME:
    model = load("saved.p")
else:
    model = {"scale": 2.0}
    if len(model) > 1:
        model["scale"] = 3.0
if len(sys.argv) > 1:
    depth = int(sys.argv[1])

def f(x):
    return np.sum(model["scale"] * x ** 2)

def f_grad(x):
    return 2 * model["scale"] * x
"""


def test_settings_of_a_file_are_those_of_the_branch_that_is_taken():
    assert only(SETTINGS).verdict == "pass"
    assert only(SETTINGS.replace("return 2 *", "return 3 *")).verdict == "fail"


def test_a_setting_under_a_condition_that_is_not_known_is_told_where_it_is_used():
    unknown = SETTINGS.replace('return np.sum(model["scale"]', "return np.sum(depth")
    case = only(unknown)
    assert case.verdict == "error"
    assert "depth" in case.problem.message
