"""Trainings in published files, and what their inputs are."""

from __future__ import annotations

import pytest
from python_cases import cases

from gradcli.python.interpreter.interpreter import Interpreter
from gradcli.python.reading import PythonFile
from gradcli.python.state.source import Script
from gradcli.python.state.values import Library, Scope


def subjects_of(text):
    return [subject.words for subject in PythonFile(text, "file.py").subjects]


# ---------------------------------------------------------------- trainings

METHOD = """
import numpy as np

def sigmoid(z):
    return 1 / (1 + np.exp(-z))

class Classifier:
    def __init__(self, lr=0.1, turns=100):
        self.lr = lr
        self.turns = turns
        self.losses = []

    def fit(self, X, y):
        n, d = X.shape
        self.w = np.zeros(d)
        self.b = 0
        for i in range(self.turns):
            p = sigmoid(X @ self.w + self.b)
            loss = -np.mean(y * np.log(p) + (1 - y) * np.log(1 - p))
            self.losses.append(loss)
            dw = X.T @ (p - y) / n
            db = np.mean(p - y)
            self.w -= self.lr * dw
            self.b -= self.lr * db
        return self
"""
ASCENT = """
import numpy as np

def train(X, Y, hidden, epochs, learning_rate):
    W1 = np.random.randn(X.shape[1], hidden)
    W2 = np.random.randn(hidden, Y.shape[1])
    for epoch in range(epochs):
        h = np.tanh(X @ W1)
        loss = 0.5 * np.sum((Y - h @ W2) ** 2)
        delta = Y - h @ W2
        back = (delta @ W2.T) * (1 - h ** 2)
        W2 += learning_rate * h.T @ delta
        W1 += learning_rate * X.T @ back
    return W1, W2
"""
KEYS = """
import numpy as np

def fit(X, Y, units, rate=0.1, epochs=5):
    params = {"W": np.random.randn(units, X.shape[0]), "b": np.zeros((units, 1))}
    history = {"cost": []}
    losses = []
    for epoch in range(epochs):
        A = np.tanh(params["W"] @ X + params["b"])
        losses.append(np.sum((A - Y) ** 2) / 2)
        dZ = (A - Y) * (1 - A ** 2)
        grads = {"dW": dZ @ X.T, "db": np.sum(dZ, axis=1, keepdims=True)}
        for key in params:
            params[key] = params[key] - rate * grads["d" + key]
    return params, history
"""
MEAN = """
import numpy as np

def descend(x, y, steps, eta):
    m, c = 0.0, 0.0
    while True:
        mse = np.mean((m * x + c - y) ** 2)
        m = m - eta * np.mean((m * x + c - y) * x)
        c = c - eta * np.mean(m * x + c - y)
"""
PAIR = """
import numpy as np

def scaled_forward(x, w):
    return x * w, (x, w)

def scaled_backward(dout, cache):
    x, w = cache
    return dout * w, dout * x
"""

TRAININGS = {"method": METHOD, "ascent": ASCENT, "keys": KEYS}


@pytest.mark.parametrize("kind", TRAININGS)
def test_one_turn_of_a_training_is_judged_by_its_steps(kind):
    (case,) = cases(TRAININGS[kind])
    assert case.verdict == "pass", case.problem
    assert "the first turn of the loop is read" in " ".join(case.notes)


@pytest.mark.parametrize(
    ("kind", "old", "new", "line"),
    [("method", "db = np.mean(p - y)", "db = np.mean(y - p)", 22),
     ("ascent", "(1 - h ** 2)", "(1 - h)", 11),
     ("keys", '"dW": dZ @', '"dW": A @', 12)],
)  # fmt: skip
def test_a_slip_in_a_training_is_found_at_its_line(kind, old, new, line):
    assert old in TRAININGS[kind]
    (case,) = cases(TRAININGS[kind].replace(old, new))
    assert case.verdict == "fail"
    assert line in [found.line for found in case.lines if found.is_accused]


def test_weights_that_are_changed_one_after_the_other_do_not_see_one_another():
    text = MEAN.replace("while True", "for k in range(steps)")
    (case,) = cases(text)
    assert case.verdict == "pass", case.problem  # both steps are half the gradients
    assert "the steps are 0.5 times the gradients" in " ".join(case.notes)


def test_a_training_without_end_is_read_for_one_turn():
    (case,) = cases(MEAN)
    assert case.verdict == "pass", case.problem


@pytest.mark.parametrize(
    "text",
    [
        "def sgd(f, x, turns):\n    for k in range(turns):\n        loss, g = f(x)\n"
        "        x -= 0.1 * g\n    return x\n",
        METHOD.replace("self.w -= self.lr * dw", "").replace("self.b -= self.lr * db", ""),
    ],
)
def test_a_loop_without_weights_or_gradients_of_its_own_is_no_training(text):
    assert subjects_of(text) == []


def test_a_loss_after_the_step_is_not_the_one_that_was_followed():
    lines = METHOD.splitlines()
    moved = [line for line in lines if "loss" not in line or "losses = []" in line]
    moved.insert(moved.index("            self.b -= self.lr * db") + 1,
                 "            loss = np.mean((sigmoid(X @ self.w) - y) ** 2)")  # fmt: skip
    (case,) = cases("\n".join(moved))
    assert case.verdict == "pass", case.problem
    assert "the binary cross-entropy, divided by" in " ".join(case.notes)


def test_known_data_is_counted_as_work():
    reader = Interpreter(Script("x = np.ones((200, 100)) @ np.ones((100, 200))", "file.py"))
    scope = Scope.of({"np": Library("")})
    for statement in reader.script.tree.body:
        reader.statement(statement, scope)
    assert reader.work > 200 * 100 * 200 // 20_000


# ---------------------------------------------------------------- what inputs are

CELL = """
import numpy as np

class Loss:
    def forward(self, scores, labels):
        return scores[np.arange(len(labels)), labels]

class Cell:
    def forward(self, input, kernel):
        x, state = input
        return np.tanh(x @ kernel + state)
    def backward(self, dout, input, kernel):
        x, state = input
        dz = dout * (1 - np.tanh(x @ kernel + state) ** 2)
        return [dz @ kernel.T, dz], x.T @ dz
"""
CONV = """
import numpy as np

class Conv:
    def __init__(self, conv_params):
        self.p = conv_params
        shape = (self.p["out_channel"], self.p["in_channel"], self.p["kernel_h"], 1)
        self.W = np.random.randn(*shape)
    def forward(self, x):
        self.x = x
        rows = x.shape[2] - self.p["kernel_h"] + 1
        out = np.zeros((len(x), self.p["out_channel"], rows, x.shape[3]))
        for i in range(rows):
            part = x[:, :, i : i + self.p["kernel_h"]]
            out[:, :, i] = np.einsum("nchw,kch->nkw", part, self.W[:, :, :, 0])
        return out
    def backward(self, dout):
        dx, self.dW = np.zeros_like(self.x), np.zeros_like(self.W)
        for i in range(dout.shape[2]):
            part = self.x[:, :, i : i + self.p["kernel_h"]]
            self.dW[:, :, :, 0] += np.einsum("nkw,nchw->kch", dout[:, :, i], part)
            dx[:, :, i : i + self.p["kernel_h"]] += np.einsum(
                "nkw,kch->nchw", dout[:, :, i], self.W[:, :, :, 0])
        return dx
"""
CACHE = """
import numpy as np

def forward_pair(centers, others, w_in, w_out):
    u, v = w_in[centers], w_out[others]
    return {"u": u, "v": v, "scores": np.sum(u * v, axis=1)}

def pair_loss(scores):
    return -np.mean(np.log(1 / (1 + np.exp(-scores))))

def backward_pair(centers, others, w_in, w_out, cache):
    slope = (1 / (1 + np.exp(-cache["scores"])) - 1) / len(centers)
    grad_w_in, grad_w_out = np.zeros_like(w_in), np.zeros_like(w_out)
    np.add.at(grad_w_in, centers, slope[:, None] * cache["v"])
    np.add.at(grad_w_out, others, slope[:, None] * cache["u"])
    return grad_w_in, grad_w_out
"""
WIDTHS = """
import numpy as np

class State:
    def __init__(self, cellWidth, xSize):
        self.g = np.zeros(cellWidth)
        self.dx = np.zeros(xSize)

class Gate:
    def __init__(self, cellWidth, xSize):
        self.state = State(cellWidth, xSize)
        self.W = np.random.randn(cellWidth, xSize)
    def forward(self, x):
        self.x = x
        self.g = np.tanh(self.W @ x)
        return self.g
    def backward(self, dg):
        dz = dg * (1 - self.g ** 2)
        self.dW = np.outer(dz, self.x)
        return self.W.T @ dz
"""
INPUTS = {
    "a list of arrays": (CELL, "Cell"), "sizes in a dictionary": (CONV, "Conv"),
    "a cache only": (CACHE, None), "sizes through a call": (WIDTHS, "Gate"),
}  # fmt: skip


@pytest.mark.parametrize("kind", INPUTS)
def test_inputs_are_what_the_code_makes_of_them(kind):
    text, subject = INPUTS[kind]
    (case,) = cases(text, subject=subject)
    assert case.verdict == "pass", case.problem


def test_a_step_of_a_simulation_is_no_energy_with_its_forces():
    text = "def step_vv(x, v, f, dt):\n    x = x + v * dt\n    f = -x\n    return x, v, f, x @ x\n"
    assert subjects_of(text) == []
    assert subjects_of("def run(r):\n    F, E = -r, r @ r\n    v = F\n    return v, F, E\n") == []


def test_a_training_that_is_not_read_hides_nothing_of_what_is():
    text = PAIR + METHOD.replace("import numpy as np", "").replace(
        "n, d = X.shape", "n, d = load(X)"
    )
    assert [case.verdict for case in cases(text)] == ["pass"]
    (case,) = cases(text, subject="Classifier.fit")
    assert case.verdict == "error"
