"""Gradients under other names and in other vessels: adjoints, scores, Hessians, records, heirs."""

from __future__ import annotations

import pytest
from python_cases import case_of, cases

from gradcli.python.state.source import Script
from gradcli.python.subjects.subjects import subjects

SWEEP = """
import numpy as np

def weighed_solution(A, b, c):
    x = np.linalg.solve(A, b)
    y = c @ np.sin(x)
    c_bar = np.sin(x)
    x_bar = c * np.cos(x)
    b_bar = np.linalg.solve({system}, x_bar)
    A_bar = -np.outer(b_bar, x)
    return y, (A_bar, b_bar, c_bar)
"""
ROLLOUT = """
import numpy as np

def rollout(W, x0, steps=3):
    xs = [x0]
    for k in range(steps):
        xs.append(np.tanh(W @ xs[-1]))
    cost = np.sum(xs[-1] ** 2)
    adj_x, adj_W = 2 * xs[-1], np.zeros_like(W)
    for k in reversed(range(steps)):
        pre = adj_x * (1 - xs[k + 1] ** 2)
        adj_W {op} np.outer(pre, xs[k])
        adj_x = W.T @ pre
    return cost, adj_W, adj_x
"""
PENDULUM = """
import math

def miss_and_gradient(angle, speed, target):
    q, v = angle, speed
    path = []
    for _ in range(3):
        path.append(q)
        v = v - 0.1 * math.sin(q)
        q = q + 0.1 * v
    p, s = q - target, 0.0
    for old in path[::-1]:
        s = s + 0.1 * p
        p = p - 0.1 * s * math.{slope}(old)
    return 0.5 * (q - target) ** 2, p, s
"""
LOGIT = """
import numpy as np

def cost(theta, X, y):
    h = 1 / (1 + np.exp(-X @ theta))
    return -np.mean(y * np.log(h) + (1 - y) * np.log(1 - h))

def gradient(theta, X, y):
    h = 1 / (1 + np.exp(-X @ theta))
    return X.T @ (h - y) / len(y)

def hessian(theta, X, y):
    h = 1 / (1 + np.exp(-X @ theta))
    return (X.T * {weights}) @ X / len(y)
"""
COUNTS = """
import numpy as np

def loglike(beta, X, y):
    eta = X @ beta
    return np.sum(y * eta - np.exp(eta))

def score(beta, X, y):
    return X.T @ (y - {mean})
"""
RECORD = """
{imports}
import numpy as np

{record}

def layer_forward(x, w, b):
    z = x @ w + b
    return np.arctan(z), (x, w, z)

def layer_backward(dout, cache):
    x, w, z = cache
    dz = dout / (1 + z ** 2)
    return Grads(w=x.T @ dz, b=dz.{sum}(axis=0), x=dz @ w.T)
"""
RECORDS = {
    "dataclass": (
        "from dataclasses import dataclass",
        "@dataclass\nclass Grads:\n    w: np.ndarray\n    b: np.ndarray\n    x: np.ndarray",
    ),
    "namedtuple": (
        "from collections import namedtuple", "Grads = namedtuple('Grads', ['w', 'b', 'x'])",
    ),
    "NamedTuple": (
        "from typing import NamedTuple",
        "class Grads(NamedTuple):\n    w: np.ndarray\n    b: np.ndarray\n    x: np.ndarray",
    ),
}  # fmt: skip
NETWORK = """
from collections import namedtuple
import numpy as np

Params = namedtuple('Params', 'U W b')

def cost_and_grads(params, X):
    U, W, b = params
    h, cost = [np.zeros(W.shape[0])], 0
    for t in range(len(X)):
        h.append(np.tanh(U @ X[t] + W @ h[-1] + b))
        cost += np.sum(h[-1] ** 2)
    gU, gW, gb = [np.zeros_like(p) for p in params]
    carry = np.zeros(W.shape[0])
    for t in range(len(X))[::-1]:
        da = (2 * h[t + 1] + carry) * (1 - h[t + 1] ** 2)
        gU += np.outer(da, X[t])
        gW += np.outer(da, h[{t}])
        gb += da
        carry = W.T @ da
    return cost, Params(gU, gW, gb)
"""
ACTIVATIONS = """
import numpy as np

class Activation:
    def forward(self, x):
        self.x = x
        return self.function(x)

    def backward(self, grad):
        return grad * self.slope(self.x)

class Softplus(Activation):
    def function(self, x):
        return np.log1p(np.exp(x))

    def slope(self, x):
        return 1 / (1 + np.exp({sign}x))
"""


def verdicts(text):
    return {case.expression: case.verdict for case in cases(text)}


def failing(case):
    return [line.line for line in case.lines if line.verdict == "fail" and line.local]


def line_of(text, part):
    return next(k for k, line in enumerate(text.splitlines(), 1) if part in line)


@pytest.mark.parametrize(("text", "right", "wrong", "at"), [
    (SWEEP, {"system": "A.T"}, {"system": "A"}, "b_bar ="),
    (ROLLOUT, {"op": "+="}, {"op": "="}, "adj_W = np.outer"),
    (PENDULUM, {"slope": "cos"}, {"slope": "sin"}, "p = p -"),
])  # fmt: skip
def test_adjoints_are_claims_under_their_own_names(text, right, wrong, at):
    assert case_of(text.format(**right)).verdict == "pass"
    case = case_of(text.format(**wrong))
    assert case.verdict == "fail"
    assert failing(case) == [line_of(text.format(**wrong), at)]


def test_means_of_statistics_are_no_adjoints():
    text = """
import numpy as np

def slope(x, y):
    x_bar, y_bar = np.mean(x), np.mean(y)
    value = np.sum((x - x_bar) * (y - y_bar))
    return value, x_bar

def spread(x):
    x_bar = x.mean()
    return np.sum((x - x_bar) ** 2), x_bar
"""
    names = [s.forward for s in subjects(Script(text, "a.py").tree)]
    assert "spread" not in names


def test_a_hessian_of_that_name_alone_belongs_to_the_only_gradient():
    assert set(verdicts(LOGIT.format(weights="(h * (1 - h))")).values()) == {"pass"}
    wrong = verdicts(LOGIT.format(weights="(1 - h)"))
    assert sorted(wrong.values()) == ["fail", "pass"]
    assert wrong["gradient and hessian"] == "fail"


def test_the_score_is_the_gradient_of_the_log_likelihood():
    assert case_of(COUNTS.format(mean="np.exp(X @ beta)")).verdict == "pass"
    assert case_of(COUNTS.format(mean="X @ beta")).verdict == "fail"


def test_the_score_of_a_classifier_is_no_gradient():
    text = """
import numpy as np

def loss(w, X, y):
    return np.mean((X @ w - y) ** 2)

def score(w, X, y):
    return np.mean(np.sign(X @ w) == y)
"""
    assert not subjects(Script(text, "a.py").tree)


@pytest.mark.parametrize("kind", RECORDS)
def test_every_field_of_a_record_is_a_claim(kind):
    imports, record = RECORDS[kind]
    case = case_of(RECORD.format(imports=imports, record=record, sum="sum"))
    assert case.verdict == "pass"
    assert {name.partition("[")[0].partition(" ")[0] for name in case.inputs} == {"x", "w", "b"}
    assert case_of(RECORD.format(imports=imports, record=record, sum="mean")).verdict == "fail"


def test_a_named_tuple_holds_parameters_and_their_gradients():
    assert case_of(NETWORK.format(t="t")).verdict == "pass"
    case = case_of(NETWORK.format(t="t + 1"))
    assert (case.verdict, failing(case)) == ("fail", [line_of(NETWORK, "gW +=")])


def test_a_base_whose_heirs_have_its_function_is_not_checked_itself():
    right = verdicts(ACTIVATIONS.format(sign="-"))
    assert right
    assert set(right.values()) == {"pass"}
    assert not any("class Activation:" in name for name in right)
    assert "fail" in verdicts(ACTIVATIONS.format(sign="")).values()
