"""Functions for `gradcli check --call`, right and wrong."""

import math
import time

import numpy as np


def square(x):
    print("this goes elsewhere")
    return x**2


def square_grad(x):
    return 2 * x


def quadratic(x):
    return x @ x + x[0] * x[1]


def quadratic_der(x):
    g = 2 * x
    g[0] += x[1]
    g[1] += x[0]
    return g


def quadratic_hess(x):
    h = 2 * np.eye(len(x))
    h[0, 1] = h[1, 0] = 1
    return h


def quadratic_hess_prod(x, p):
    return quadratic_hess(x) @ p + p  # wrong


def affine_forward(x, w):
    return x @ w, (x, w)


def affine_backward(dout, cache):
    x, w = cache
    return dout @ w.T, x.T @ dout


def with_gradient(x, scale=2.0):
    return np.sum(scale * np.tanh(x)), scale * 0.5 / np.cosh(x) ** 2


def nll(z, y):
    z = z - z.max(1, keepdims=True)
    return -np.mean((z - np.log(np.exp(z).sum(1, keepdims=True)))[np.arange(len(y)), y])


def nll_grad(z, y):
    p = np.exp(z - z.max(1, keepdims=True))
    p /= p.sum(1, keepdims=True)
    p[np.arange(len(y)), y] -= 1
    return p  # the mean over the batch is missing


def hidden(x):
    return 1e10 + np.tanh(x) ** 2


def hidden_grad(x):
    return 2 * np.tanh(x) / np.cosh(x) ** 2


def endless(x):
    while True:
        time.sleep(0.01)


def broken(x):
    return x / {}["no key"]


def leaving(x):
    raise SystemExit(3)


no_function = 3


def recurrent(x, w):
    h, kept = 0.0, []
    for k in range(len(x)):
        h = np.tanh(w * h + x[k])
        kept.append(h)
    return h, kept


def recurrent_grad(x, w):
    _, kept = recurrent(x, w)
    dx, dw, dh = np.zeros_like(x), 0.0, 1.0
    for k in range(len(x) - 1, -1, -1):
        da = dh * (1 - kept[k] ** 2)
        dx[k] = da
        dw = dw + da * (kept[k - 1] if k else 0.0)
        dh = da  # w is missing
    return dx, dw


def opaque(x):
    return math.sin(sum(math.modf(x))) * x  # modf takes floats only


def opaque_grad(x):
    return math.cos(x) * x + math.sin(x)


def opaque_norm(x):
    return sum(math.pow(a, 2) for a in x) / len(x)


def opaque_norm_grad(x):
    return 2 * x
