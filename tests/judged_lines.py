"""Programs judged line by line, for the tests of verdicts and of repairs."""

from __future__ import annotations

import gradcli


def case(text, **options):
    return gradcli.check(text, **options).cases[0]


# ---------------------------------------------------------------- kinds of programs

PENALTY = """X = [[0.5, -1.2], [1.5, 0.4], [-0.6, 0.9]]
y = [0.3, -0.4, 0.8]; w = [0.7, -0.2]; a = 0.05
r = X @ w - y
f = sum(r**2) + a*np.dot(w, w)
dw = 2*X.T @ r
dw += a*w"""
CHAIN = """x = [[0.4, -0.7, 0.9], [0.1, 0.5, -0.3]]; t = [[1, 0, 0], [0, 0, 1]]
p = softmax(x, axis=1)
f = -sum(t*log(p))/2
dx = p.copy()
dx += -t
dx = dx/3"""
HELPERS = """x = [0.4, -0.7, 0.9]
f = sum(x**3) + sum(sin(x))
dh1 = 2*x**2
h2 = cos(x)
dx = dh1 + h2"""
