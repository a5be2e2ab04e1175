"""How many axes inputs have, where the gradient, a sum, a part or an example of the file says."""

from __future__ import annotations

import pytest
from python_cases import case_of

GAME = """
import numpy as np

def d_loss(p_real, p_fake):
    return -np.mean(np.log(p_real)) - np.mean(np.log(1 - p_fake))

def d_loss_grad(p_real, p_fake):
    n = p_real.shape[0]
    return -1 / p_real / n, {sign}1 / (1 - p_fake) / p_fake.shape[0]
"""
HINGE = """
import numpy as np

def hinge(scores, y):
    return np.maximum(0, 1 - y * scores).mean()

def hinge_grad(scores, y):
    return np.where(y * scores < 1, {slope}, 0) / scores.shape[0]
"""
ROUGHNESS = """
import numpy as np

def roughness(img, noisy, weight=0.1, eps=1e-3):
    dx = img[:, 1:] - img[:, :-1]
    dy = img[1:, :] - img[:-1, :]
    tv = np.sum(np.sqrt(dx ** 2 + eps)) + np.sum(np.sqrt(dy ** 2 + eps))
    return 0.5 * np.sum((img - noisy) ** 2) + weight * tv

def roughness_grad(img, noisy, weight=0.1, eps=1e-3):
    dx = img[:, 1:] - img[:, :-1]
    dy = img[1:, :] - img[:-1, :]
    grad = img - noisy
    grad[:, 1:] {op} weight * dx / np.sqrt(dx ** 2 + eps)
    grad[:, :-1] -= weight * dx / np.sqrt(dx ** 2 + eps)
    grad[1:, :] += weight * dy / np.sqrt(dy ** 2 + eps)
    grad[:-1, :] -= weight * dy / np.sqrt(dy ** 2 + eps)
    return grad
"""
BUDGET = """
import numpy as np

def lagrangian(x, lam, p, income, alpha):
    return np.sum(alpha * np.log(x)) - lam * (p @ x - income)

def lagrangian_grad(x, lam, p, income, alpha):
    return alpha / x - lam * p, {slack}
"""
CES = """
import numpy as np

def ces(x, a, rho):
    return np.sum(a * x ** rho) ** (1 / rho)

def ces_grad(x, a, rho):
    s = np.sum(a * x ** rho)
    return s ** (1 / rho - 1) * a * x ** ({power})
"""
CENTRED = """
import numpy as np

def centred(x):
    return x - np.mean(x)

def centred_jac(x):
    return np.eye(len(x)) - {share} / len(x)
"""
DECAY = """
import numpy as np

def residuals(p, t, y):
    A, k, phi = p
    return A * np.exp(-k * t) * np.cos(t + phi) - y

def jacobian(p, t, y):
    A, k, phi = p
    e = np.exp(-k * t)
    J = np.empty((t.size, p.size))
    J[:, 0] = e * np.cos(t + phi)
    J[:, 1] = -{factor} * A * e * np.cos(t + phi)
    J[:, 2] = -A * e * np.sin(t + phi)
    return J
"""
FFN = """
import numpy as np

def ffn_fwd(x, W1, W2):
    h = np.tanh(x @ W1)
    return x + h @ W2, (x, h, W1, W2)

def ffn_bwd(dy, cache):
    x, h, W1, W2 = cache
    dW2 = np.einsum('btf,btd->fd', h, dy)
    dpre = (dy @ W2.T) * (1 - h ** 2)
    dW1 = np.einsum('btd,btf->df', x, dpre)
    return {skip}dpre @ W1.T, dW1, dW2
"""
RAY = """
import numpy as np

def path_length(y, n, z, y_in, y_out):
    pts = np.concatenate(([y_in], y, [y_out]))
    return np.sum(n * np.sqrt(np.diff(z) ** 2 + np.diff(pts) ** 2))

def path_length_grad(y, n, z, y_in, y_out):
    pts = np.concatenate(([y_in], y, [y_out]))
    s = n * np.diff(pts) / np.sqrt(np.diff(z) ** 2 + np.diff(pts) ** 2)
    return s[:-1] {sign} s[1:]

if __name__ == "__main__":
    z = np.array([0.0, 1.0, 2.5, 3.0])
    n = np.array([1.0, 1.5, 1.33])
    y = np.array([0.2, 0.9])
    for _ in range(500):
        y = y - 0.1 * path_length_grad(y, n, z, 0.0, 1.0)
"""
LISTS = """
def dot(a, b):
    return sum(x * y for x, y in zip(a, b))

def squares(w, b, xs, ys):
    return sum((dot(w, x) + b - y) ** 2 for x, y in zip(xs, ys)) / len(xs)

def squares_grad(w, b, xs, ys):
    gw, gb = [0.0] * len(w), 0.0
    for x, y in zip(xs, ys):
        e = dot(w, x) + b - y
        for j in range(len(w)):
            gw[j] += {factor} * e * x[j] / len(xs)
        gb += 2 * e / len(xs)
    return gw, gb

xs = [[1.0, 2.0], [0.5, -1.0], [3.0, 0.2]]
w, b = [0.1, 0.2], 0.0
gw, gb = squares_grad(w, b, xs, [1.0, 0.0, 2.0])
"""
PAIRS = """
import numpy as np

class Contrastive:
    def forward(self, x1, x2, same):
        self.diff = x1 - x2
        self.dist = np.sqrt(np.sum(self.diff ** 2, axis=1) + 1e-9)
        self.same = same
        self.gap = np.maximum(3 - self.dist, 0)
        return 0.5 * np.mean(same * self.dist ** 2 + (1 - same) * self.gap ** 2)

    def backward(self):
        coeff = self.same - (1 - self.same) * self.gap / self.dist
        g = coeff[:, None] * self.diff / {count}
        return g, -g
"""
MARGINS = """
import numpy as np

class Classifier:
    def __init__(self, C=2.0):
        self.C = C

    def _loss(self, w, b, X, y):
        return np.mean(np.log1p(np.exp(-y * (X @ w + b)))) + 0.5 / self.C * w @ w

    def _loss_gradient(self, w, b, X, y):
        s = -y / (1 + np.exp(y * (X @ w + b)))
        return X.T @ s / len(y) + w / self.C, np.{mean}(s)
"""
STACK = """
import numpy as np

class Net:
    def __init__(self, sizes=(4, 6, 3)):
        self.weights = [np.random.randn(a, b) for a, b in zip(sizes, sizes[1:])]

    def cost(self, X, Y):
        self.a = [X]
        for W in self.weights:
            self.a.append(np.tanh(self.a[-1] @ W))
        return 0.5 * np.sum((self.a[-1] - Y) ** 2)

    def gradients(self, X, Y):
        self.cost(X, Y)
        delta, grads = self.a[-1] - Y, []
        for i in range(len(self.weights) - 1, -1, -1):
            delta = delta * (1 - self.a[i + 1] ** {power})
            grads.append(self.a[i].T @ delta)
            delta = delta @ self.weights[i].T
        return grads[::-1]
"""
RANKING = """
import numpy as np

def ranking_step(P, Q, u, i, j, reg=0.01):
    s = 1 / (1 + np.exp(P[u] @ (Q[i] - Q[j])))
    loss = np.log1p(np.exp(-P[u] @ (Q[i] - Q[j]))) + 0.5 * reg * (Q[i] @ Q[i] + Q[j] @ Q[j])
    dP, dQ = np.zeros_like(P), np.zeros_like(Q)
    dP[u] = -s * (Q[i] - Q[j])
    dQ[i] = -s * P[u] + reg * Q[i]
    dQ[j] = {sign}s * P[u] + reg * Q[j]
    return loss, dP, dQ
"""
SAMPLES = {
    "a number behind a vector": (MARGINS, {"mean": "mean"}, {"mean": "sum"}),
    "a list of gradients": (STACK, {"power": "2"}, {"power": "1"}),
    "three indices": (RANKING, {"sign": ""}, {"sign": "-"}),
    "columns of two inputs": (GAME, {"sign": ""}, {"sign": "-"}),
    "margins": (HINGE, {"slope": "-y"}, {"slope": "y"}),
    "differences along both axes": (ROUGHNESS, {"op": "+="}, {"op": "-="}),
    "a number beside a sum": (BUDGET, {"slack": "income - p @ x"}, {"slack": "p @ x - income"}),
    "the exponent of a sum": (CES, {"power": "rho - 1"}, {"power": "rho"}),
    "a mean of its own": (CENTRED, {"share": "1"}, {"share": "2"}),
    "an array of numbers": (DECAY, {"factor": "t"}, {"factor": "1"}),
    "letters of einsum": (FFN, {"skip": "dy + "}, {"skip": ""}),
    "an example of the gradient": (RAY, {"sign": "-"}, {"sign": "+"}),
    "lists of numbers": (LISTS, {"factor": "2"}, {"factor": "1"}),
    "results without a name": (PAIRS, {"count": "len(self.same)"}, {"count": "1"}),
}

GRAPH = """
import numpy as np

class GraphConv:
    def __init__(self, fin, fout):
        self.W = np.random.randn(fin, fout)

    def forward(self, A, X):
        self.A, self.AX = A, A @ X
        self.H = np.tanh(self.AX @ self.W)
        return self.H

    def backward(self, dH):
        dZ = dH * (1 - self.H ** 2)
        self.gW = self.AX.T @ dZ
        return self.A{turn} @ (dZ @ self.W.T)
"""


@pytest.mark.parametrize("sample", SAMPLES)
def test_right_gradients_are_acquitted(sample):
    text, right, _ = SAMPLES[sample]
    case = case_of(text.format(**right))
    assert case.verdict == "pass", case.problem


@pytest.mark.parametrize("sample", SAMPLES)
def test_wrong_gradients_are_accused(sample):
    text, _, wrong = SAMPLES[sample]
    assert case_of(text.format(**wrong)).verdict == "fail"


def test_no_input_has_an_axis_that_leaves_a_part_without_elements():
    (note,) = [n for n in case_of(ROUGHNESS.format(op="+=")).notes if "inferred" in n]
    assert "img (3, 5)" in note


def test_both_inputs_with_columns_of_their_own_are_told():
    notes = case_of(GAME.format(sign="")).notes
    assert sum("right for one column of" in note for note in notes) == 2


def test_letters_of_einsum_say_how_many_axes_a_batch_has():
    (note,) = [n for n in case_of(FFN.format(skip="dy + ")).notes if "inferred" in n]
    assert note.count(",") == 4 + note.count("), ")  # x has three axes, the weights two each


def test_convolutions_of_graphs_are_none_of_images():
    assert case_of(GRAPH.format(turn=".T")).verdict == "pass"
    case = case_of(GRAPH.format(turn=""))
    (line,) = [line for line in case.lines if line.verdict == "fail" and line.local]
    assert GRAPH.splitlines()[line.line - 1].strip().startswith("return self.A")
