"""Files as people train in them: without a loss, without names of gradients, with data of others."""

from __future__ import annotations

import pytest
import python_cases


def cases(text, subject=None, name="file.py"):
    return python_cases.cases("import numpy as np\n" + text, subject, name)


def verdict(text, subject=None):
    (case,) = cases(text, subject)
    return case.verdict, case.problem


def accused(text, subject=None):
    (case,) = cases(text, subject)
    return [line.line for line in case.lines if line.is_accused]


# ---------------------------------------------------------------- a file's own statements

XOR = """
def squash(z, deriv=False):
    if deriv:
        return z * (1 - z)
    return 1 / (1 + np.exp(-z))

pairs = np.array([[0, 0, 1], [0, 1, 1], [1, 0, 1], [1, 1, 1]])
labels = np.array([[0], [1], [1], [0]])
np.random.seed(3)
first = 2 * np.random.random((3, 4)) - 1
second = 2 * np.random.random((4, 1)) - 1
for turn in range(10000):
    hidden = squash(pairs @ first)
    top = squash(hidden.dot(second))
    top_error = labels - top
    if turn % 1000 == 0:
        print("error", np.mean(np.abs(top_error)))
    top_delta = top_error * squash(top, deriv=True)
    hidden_error = top_delta.dot(second.T)
    hidden_delta = hidden_error * squash(hidden, True)
    second += hidden.T.dot(top_delta)
    first += 0.5 * pairs.T.dot(hidden_delta)
"""


def test_a_script_that_trains_is_held_to_the_loss_whose_steps_it_takes():
    (case,) = cases(XOR)
    assert case.verdict == "pass", case.problem
    assert {*case.inputs} >= {"first[0][0]", "second[0][0]"}
    assert "half the squared errors" in " ".join(case.notes)


@pytest.mark.parametrize(("right", "wrong", "line"), [
    ("hidden_error * squash(hidden, True)", "hidden_error * hidden", 21),
    ("top_error * squash(top, deriv=True)", "top_error * top", 19),
])  # fmt: skip
def test_a_wrong_delta_of_a_script_is_found(right, wrong, line):
    assert right in XOR
    (case,) = cases(XOR.replace(right, wrong))
    assert case.verdict == "fail" or case.problem is not None
    if case.verdict == "fail":
        assert line in [one.line for one in case.lines if one.is_accused]


def test_a_delta_is_no_gradient_of_what_it_is_called_after():
    text = XOR.replace("hidden_", "l1_").replace("hidden", "l1")
    assert verdict(text)[0] == "pass"


BY_EXAMPLE = """
class Pupil:
    def __init__(self):
        np.random.seed(1)
        self.weights = 2 * np.random.random((3, 1)) - 1

    def think(self, inputs):
        return 1 / (1 + np.exp(-inputs @ self.weights))

    def learn(self, inputs, outputs, turns):
        for _ in range(turns):
            answer = self.think(inputs)
            error = outputs - answer
            adjustment = inputs.T @ (error * answer * (1 - answer))
            self.weights += adjustment
"""


def test_a_method_that_learns_from_errors_is_held_to_a_usual_loss():
    assert verdict(BY_EXAMPLE)[0] == "pass"


def test_an_object_that_keeps_its_targets_is_held_to_a_usual_loss():
    text = """
class Net:
    def __init__(self, x, y):
        self.input, self.y = x, y
        self.w1 = np.random.rand(x.shape[1], 4)
        self.w2 = np.random.rand(4, 1)

    def feedforward(self):
        self.layer1 = np.tanh(self.input @ self.w1)
        self.output = np.tanh(self.layer1 @ self.w2)

    def backprop(self):
        end = 2 * (self.y - self.output) * (1 - self.output**2)
        self.w1 += self.input.T @ (end @ self.w2.T * (1 - self.layer1**2))
        self.w2 += self.layer1.T @ end
"""
    assert verdict(text)[0] == "pass"
    assert verdict(text.replace("(1 - self.layer1**2)", "(1 - self.layer1)"))[0] == "fail"


# ---------------------------------------------------------------- data of others

TABLE = """
import pandas as pd
from sklearn.model_selection import train_test_split

rooms = pd.read_csv("rooms.csv")
X = rooms[["size", "age"]].values
y = rooms["price"].to_numpy().reshape(-1, 1)
X = (X - X.mean(axis=0)) / X.std(axis=0)
X_train, X_test, y_train, y_test = train_test_split(X, y, test_size=0.2)
w, b = np.zeros((2, 1)), 0.0
for step in range(100):
    out = X_train @ w + b
    cost = np.mean((out - y_train) ** 2)
    dw = 2 * X_train.T @ (out - y_train) / len(y_train)
    db = 2 * np.mean(out - y_train)
    w, b = w - 0.1 * dw, b - 0.1 * db
"""


def test_data_that_no_file_has_is_drawn_in_the_shape_that_the_code_needs():
    (case,) = cases(TABLE)
    assert case.verdict == "pass", case.problem
    assert "X_train (" in " ".join(case.notes)
    assert accused(TABLE.replace("2 * X_train.T", "X_train.T")) == [15]


OPTIONS = """
import argparse
from sklearn.datasets import load_digits

def main():
    parser = argparse.ArgumentParser(formatter_class=argparse.ArgumentDefaultsHelpFormatter)
    group = parser.add_argument_group("training")
    group.add_argument("-r", "--learn-rate", type=float, default=0.1)
    parser.add_argument("--hidden", type=int, default=5)
    parser.add_argument("--quiet", action="store_true")
    args = parser.parse_args()
    digits = load_digits()
    X, y = digits.data, digits.target
    targets = np.eye(3)[y]
    W = np.random.randn(X.shape[1], args.hidden)
    V = np.random.randn(args.hidden, 3)
    for _ in range(10):
        h = np.tanh(X @ W)
        loss = 0.5 * np.sum((h @ V - targets) ** 2)
        if not args.quiet:
            print(loss)
        delta = h @ V - targets
        back = delta @ V.T * (1 - h**2)
        V -= args.learn_rate * h.T @ delta
        W -= args.learn_rate * X.T @ back
"""


def test_options_of_a_command_line_have_their_defaults():
    assert verdict(OPTIONS)[0] == "pass"
    assert accused(OPTIONS.replace("* (1 - h**2)", "* (1 - h)")) == [24]


def test_a_flag_that_switches_off_is_on_where_nobody_sets_it():
    """`store_false` has the default True, as argparse says."""
    text = OPTIONS.replace(
        '("--quiet", action="store_true")', '("--raw", dest="squashed", action="store_false")'
    ).replace("not args.quiet", "args.squashed")
    text = text.replace("h = np.tanh(X @ W)", "h = np.tanh(X @ W) if args.squashed else X @ W")
    assert verdict(text)[0] == "pass"


# ---------------------------------------------------------------- what types say

LAYER = """
from dataclasses import dataclass, field

@dataclass
class Cache:
    x: np.ndarray
    z: np.ndarray

@dataclass
class Layer:
    wide: int
    high: int
    cache: Cache | None = None
    W: np.ndarray = field(init=False)
    grads: dict = field(default_factory=dict)

    def __post_init__(self):
        self.W = np.random.default_rng(0).normal(size=(self.wide, self.high))

    def forward(self, x: np.ndarray) -> np.ndarray:
        self.cache = Cache(x=x, z=x @ self.W)
        return np.tanh(self.cache.z)

    def backward(self, upstream: np.ndarray) -> np.ndarray:
        slope = upstream * (1 - np.tanh(self.cache.z) ** 2)
        self.grads["W"] = self.cache.x.T @ slope
        return slope @ self.W.T
"""


def test_a_dataclass_is_made_of_its_fields():
    assert verdict(LAYER, "Layer")[0] == "pass"
    assert accused(LAYER.replace("(1 - np.tanh(self.cache.z) ** 2)", "self.cache.z"), "Layer") == [
        26
    ]


@pytest.mark.parametrize("hint", ["int", "'int'", "int | None", "Optional[int]"])
def test_a_hint_says_that_a_parameter_is_a_whole_number(hint):
    text = f"""
class Mix:
    def __init__(self, zig: {hint}, zag: {hint}):
        self.W = np.random.randn(zig, zag)

    def forward(self, x):
        self.x = x
        return x @ self.W

    def backward(self, g):
        self.dW = self.x.T @ g
        return g @ self.W.T
"""
    assert verdict(text)[0] == "pass"


HANDED = """
class Activation:
    def __init__(self, act, act_prime):
        self.act, self.act_prime = act, act_prime

    def forward(self, x):
        self.x = x
        return self.act(x)

    def backward(self, upstream, rate):
        return upstream * self.act_prime(self.x)
"""


def test_functions_that_are_handed_in_are_a_leaky_relu_and_its_slope():
    (case,) = cases(HANDED)
    assert case.verdict == "pass", case.problem
    assert "slope of leaky relu" in " ".join(case.notes)
    assert verdict(HANDED.replace("upstream * self", "upstream + self"))[0] == "fail"
    by_output = HANDED.replace("return self.act(x)", "self.x = self.act(x)\n        return self.x")
    assert verdict(by_output)[0] == "pass"


DIGITS = """
import pandas as pd

table = np.array(pd.read_csv("digits.csv"))
m, n = table.shape

def forward_prop(W1, b1, W2, b2, X):
    Z1 = W1.dot(X) + b1
    A1 = np.maximum(Z1, 0)
    Z2 = W2.dot(A1) + b2
    A2 = np.exp(Z2) / sum(np.exp(Z2))
    return Z1, A1, Z2, A2

def one_hot(Y):
    hot = np.zeros((Y.size, Y.max() + 1))
    hot[np.arange(Y.size), Y] = 1
    return hot.T

def backward_prop(Z1, A1, Z2, A2, W1, W2, X, Y):
    dZ2 = A2 - one_hot(Y)
    dW2 = 1 / m * dZ2.dot(A1.T)
    db2 = 1 / m * np.sum(dZ2, axis=1, keepdims=True)
    dZ1 = W2.T.dot(dZ2) * (Z1 > 0)
    dW1 = 1 / m * dZ1.dot(X.T)
    db1 = 1 / m * np.sum(dZ1, axis=1, keepdims=True)
    return dW1, db1, dW2, db2
"""


def test_labels_are_the_classes_of_a_network_and_settings_of_others_are_numbers():
    (case,) = cases(DIGITS)
    assert case.verdict == "pass", case.problem
    told = " ".join(case.notes)
    assert "right for the cross-entropy" in told
    assert "m = 0." in told


def test_a_wrong_gradient_beside_labels_is_told_at_its_line():
    (case,) = cases(DIGITS.replace("X.T)\n    db1", "X.T) / 2\n    db1"))
    assert case.verdict == "fail"
    assert [line.line for line in case.lines if line.is_accused] == [25]


NUMBERS = """
def squash(x):
    return 1 / (1 + np.exp(-x))

def slope(x):
    return squash(x) * (1 - squash(x))

def total(y_true, y_pred):
    return ((y_true - y_pred) ** 2).mean()

class Net:
    def __init__(self):
        self.w, self.v, self.b = np.random.normal(), np.random.normal(), np.random.normal()

    def ahead(self, x):
        return squash(self.v * squash(self.w * x[0] + self.b * x[1]))

    def train(self, data, y_trues):
        for epoch in range(100):
            for x, y_true in zip(data, y_trues):
                inner = self.w * x[0] + self.b * x[1]
                h = squash(inner)
                y_pred = squash(self.v * h)
                up = -2 * (y_true - y_pred) * slope(self.v * h)
                self.w -= 0.1 * up * self.v * slope(inner) * x[0]
                self.b -= 0.1 * up * self.v * slope(inner) * x[1]
                self.v -= 0.1 * up * h
            if epoch % 10 == 0:
                loss = total(y_trues, np.apply_along_axis(self.ahead, 1, data))
                print(loss)

data, truth = np.array([[-2.0, -1], [2.5, 6], [1, 4]]), np.array([1, 0, 0])
Net().train(data, truth)
"""


def test_a_loop_over_examples_inside_one_that_shows_a_loss_is_read_for_one_example():
    (case,) = cases(NUMBERS)
    assert case.verdict == "pass", case.problem
    assert {"w", "v", "b"} <= {*case.inputs}
    assert accused(NUMBERS.replace("slope(inner) * x[1]", "slope(inner) * x[0]")) == [27]


def test_an_activation_may_be_asked_for_its_slope_by_a_flag_and_texts_stay_texts():
    text = """
KINDS = {"soft": np.tanh}

class Linear:
    def __init__(self, wide, high, act):
        self.W, self.act = np.random.randn(wide, high), act

    def forward(self, x):
        self.x, self.z = x, x @ self.W
        return self.act(self.z)

    def backward(self, upstream):
        back = upstream * self.act(self.z, derivative=True)
        self.dW = self.x.T @ back
        return back @ self.W.T

class Named:
    def __init__(self, kind="soft"):
        self.kind = KINDS[kind]

    def forward(self, x):
        self.y = self.kind(x)
        return self.y

    def backward(self, upstream):
        return upstream * (1 - self.y**2)
"""
    assert [case.verdict for case in cases(text)] == ["pass", "pass"]
