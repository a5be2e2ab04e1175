"""Right files whose inputs were taken for others than they are, and were accused for it."""

from __future__ import annotations

from python_cases import accused_rows, case_of, cases, taken, verdict

MIXTURE = '''
import numpy as np

def mixture_loss(params, t, K):
    """params (N, 3K): logits, means and log sigmas of K Gaussians; t (N,)."""
    logits, mu, log_sigma = params[:, :K], params[:, K:2 * K], params[:, 2 * K:]
    pi = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    sigma = np.exp(log_sigma)
    z = (t[:, None] - mu) / sigma
    phi = np.exp(-0.5 * z ** 2) / (np.sqrt(2 * np.pi) * sigma)
    mix = (pi * phi).sum(axis=1)
    loss = -np.log(mix).mean()
    N = len(t)
    gamma = pi * phi / mix[:, None]
    dlogits = (pi - gamma) / N
    dmu = -gamma * z / sigma / N
    dlog_sigma = -gamma * (z ** 2 - 1) / N
    grad = np.hstack([dlogits, dmu, dlog_sigma])
    return loss, grad
'''
ADJOINT = """
import numpy as np

def slope(x, theta):
    return -theta[0] * x + theta[1] * np.sin(x)

def simulate(theta, x0, target, h=0.1, steps=4):
    xs = [x0]
    for _ in range(steps):
        xs.append(xs[-1] + h * slope(xs[-1], theta))
    loss = 0.5 * (xs[-1] - target) ** 2
    lam = xs[-1] - target
    dtheta = np.zeros(2)
    for x in reversed(xs[:-1]):
        dtheta += h * lam * np.array([-x, np.sin(x)])
        lam = lam * (1 + h * (-theta[0] + theta[1] * np.cos(x)))
    return loss, dtheta, lam
"""
FITTED = """
import numpy as np

class Ridge:
    def __init__(self, degree=3, alpha=0.1, lr=0.01, turns=100):
        self.degree = degree
        self.alpha = alpha
        self.lr = lr
        self.turns = turns

    def features(self, x):
        return np.column_stack([x ** d for d in range(self.degree + 1)])

    def cost(self, x, y):
        r = self.features(x) @ self.theta - y
        return np.mean(r ** 2) + self.alpha * np.sum(self.theta[1:] ** 2)

    def gradient(self, x, y):
        r = self.features(x) @ self.theta - y
        g = 2 * self.features(x).T @ r / len(y)
        g[1:] += 2 * self.alpha * self.theta[1:]
        return g

    def fit(self, x, y):
        self.theta = np.zeros(self.degree + 1)
        for _ in range(self.turns):
            self.theta -= self.lr * self.gradient(x, y)
        return self
"""
TWINS = """
import numpy as np

def contrast(za, zb, temperature=0.5):
    logits = za @ zb.T / temperature
    n = len(logits)
    idx = np.arange(n)
    p = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    q = np.exp(logits.T) / np.exp(logits.T).sum(axis=1, keepdims=True)
    loss = -(np.log(p[idx, idx]).mean() + np.log(q[idx, idx]).mean()) / 2
    p[idx, idx] -= 1
    q[idx, idx] -= 1
    dlogits = (p + q.T) / (2 * n)
    dza = dlogits @ zb / temperature
    dzb = dlogits.T @ za / temperature
    return loss, dza, dzb
"""
ATTENTION = """
import numpy as np

def softmax(z):
    e = np.exp(z - z.max(axis=-1, keepdims=True))
    return e / e.sum(axis=-1, keepdims=True)

def attention_forward(q, k, v):
    scale = 1 / np.sqrt(q.shape[-1])
    scores = np.einsum('bqd,bkd->bqk', q, k) * scale
    weights = softmax(scores)
    out = np.einsum('bqk,bkd->bqd', weights, v)
    return out, (q, k, v, weights, scale)

def attention_backward(dout, cache):
    q, k, v, weights, scale = cache
    dv = np.einsum('bqk,bqd->bkd', weights, dout)
    dweights = np.einsum('bqd,bkd->bqk', dout, v)
    dscores = weights * (dweights - np.sum(dweights * weights, axis=-1, keepdims=True))
    dscores *= scale
    dq = np.einsum('bqk,bkd->bqd', dscores, k)
    dk = np.einsum('bqk,bqd->bkd', dscores, q)
    return dq, dk, dv
"""
HEADS = """
import numpy as np

class Heads:
    def __init__(self, width, heads):
        self.heads = heads
        self.size = width // heads
        self.W = np.random.randn(width, width)

    def split(self, x):
        return x.reshape(x.shape[0], self.heads, self.size).transpose(1, 0, 2)

    def merge(self, x):
        return x.transpose(1, 0, 2).reshape(x.shape[1], -1)

    def forward(self, x):
        self.x = self.split(x)
        self.y = self.merge(np.tanh(self.x @ self.x.transpose(0, 2, 1)) @ self.x)
        return self.y @ self.W

    def backward(self, dout):
        self.dW = self.y.T @ dout
        dy = self.split(dout @ self.W.T)
        a = np.tanh(self.x @ self.x.transpose(0, 2, 1))
        da = dy @ self.x.transpose(0, 2, 1) * (1 - a ** 2)
        dx = a.transpose(0, 2, 1) @ dy + (da + da.transpose(0, 2, 1)) @ self.x
        return self.merge(dx)
"""


def test_a_number_that_sizes_in_the_docstring_are_made_of_is_that():
    assert verdict(MIXTURE)[0] == "pass"
    assert "K = 5" in taken(MIXTURE)
    assert "params (3, 15)" in taken(MIXTURE)


def test_what_makes_an_array_of_the_value_is_a_number():
    assert "x0 = " in taken(ADJOINT)
    wrong = "lam = lam * (1 + h * (-theta[0] + theta[1] * np.sin(x)))"
    assert accused_rows(ADJOINT.replace(wrong.replace("sin", "cos"), wrong)) == {wrong}


def test_a_gradient_that_a_fit_goes_along_is_that_of_what_it_moves():
    case = case_of(FITTED)
    assert case.verdict == "pass", case.problem
    assert "gradients: g of theta" in case.notes
    wrong = "g[1:] += self.alpha * self.theta[1:]"
    assert accused_rows(FITTED.replace("g[1:] += 2 * ", "g[1:] += ")) == {wrong}


def test_twins_may_have_to_be_alike():
    assert verdict(TWINS)[0] == "pass"
    wrong = "dlogits = (p - q.T) / (2 * n)"
    assert accused_rows(TWINS.replace("dlogits = (p + q.T) / (2 * n)", wrong)) == {wrong}


def test_what_is_sent_to_the_shift_of_a_softmax_means_nothing():
    wrong = ATTENTION.replace("dscores = weights", "dscores = -weights")
    [row] = accused_rows(wrong)
    assert row.startswith("dscores = -weights")


def test_a_helper_that_the_forward_part_calls_too_is_not_the_slip():
    assert verdict(HEADS)[0] == "pass"
    assert accused_rows(HEADS.replace("dout @ self.W.T", "dout @ self.W")) == {
        "dy = self.split(dout @ self.W)"
    }


MARGIN = """
import numpy as np

class LinearSVM:
    def __init__(self, C=1.0):
        self.C = C

    def loss(self, w, b, X, y):
        margin = 1 - y * (X @ w + b)
        return 0.5 * w @ w + self.C * np.sum(np.maximum(0, margin))

    def grad(self, w, b, X, y):
        margin = 1 - y * (X @ w + b)
        active = margin > 0
        return w - self.C * X[active].T @ y[active], -self.C * np.sum(y[active])
"""
BLOCK = """
import numpy as np

def gelu(x):
    return 0.5 * x * (1 + np.tanh(np.sqrt(2 / np.pi) * (x + 0.044715 * x ** 3)))

def d_gelu(x):
    t = np.tanh(np.sqrt(2 / np.pi) * (x + 0.044715 * x ** 3))
    inner = np.sqrt(2 / np.pi) * (1 + 3 * 0.044715 * x ** 2)
    return 0.5 * (1 + t) + 0.5 * x * (1 - t ** 2) * inner

def block_forward(x, W1, b1, W2):
    h = x @ W1 + b1
    a = gelu(3 * h)
    return a @ W2, (x, h, a, W1, W2)

def block_backward(dout, cache):
    x, h, a, W1, W2 = cache
    dW2 = a.T @ dout
    dh = 3 * dout @ W2.T * d_gelu(3 * h)
    return dh @ W1.T, x.T @ dh, dh.sum(0), dW2
"""


def test_a_mask_that_is_wrong_elsewhere_is_no_pass():
    assert verdict(MARGIN)[0] == "pass"
    wrong = MARGIN.replace("(X @ w + b)\n        active", "(X @ w - b)\n        active")
    assert wrong != MARGIN
    assert verdict(wrong)[0] == "fail"


def test_where_float64_loses_digits_smaller_inputs_decide():
    assert [case.verdict for case in cases(BLOCK)] == ["pass", "pass"]
    slip = BLOCK.replace("dh = 3 * dout", "dh = dout")
    assert "fail" in [case.verdict for case in cases(slip)]


TWO_LAYERS = """
import numpy as np

def forward(X, W1, b1, W2, b2):
    A1 = np.tanh(W1 @ X + b1)
    A2 = 1 / (1 + np.exp(-(W2 @ A1 + b2)))
    return A2, (A1, A2)

def compute_cost(A2, Y):
    m = Y.shape[1]
    return -np.sum(Y * np.log(A2) + (1 - Y) * np.log(1 - A2)) / m

def backward(X, Y, W1, W2, cache):
    A1, A2 = cache
    m = X.shape[1]
    dZ2 = A2 - Y
    dW2 = dZ2 @ A1.T / m
    db2 = np.sum(dZ2) / m
    dZ1 = W2.T @ dZ2 * A1 * (1 - A1)
    dW1 = dZ1 @ X.T / m
    db1 = np.sum(dZ1, axis=1, keepdims=True) / m
    return dW1, db1, dW2, db2
"""


def test_a_bias_of_one_unit_is_not_accused_in_the_place_of_a_slip():
    assert accused_rows(TWO_LAYERS) == {"dZ1 = W2.T @ dZ2 * A1 * (1 - A1)"}
