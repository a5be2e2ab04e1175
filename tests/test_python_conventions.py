"""What a file may mean besides what it says, and that no mistake passes as such."""

from __future__ import annotations

import pytest
from python_cases import case_of

# ---------------------------------------------------------------- other readings

MEAN = """
import numpy as np

def linear_forward(A, W, b):
    return W @ A + b, (A, W, b)

def linear_backward(dZ, cache):
    A, W, b = cache
    m = A.shape[1]
    dW = dZ @ A.T / m
    db = np.sum(dZ, axis=1, keepdims=True) / m
    dA = W.T @ dZ
    return dA, dW, db
"""


def test_a_mean_over_the_batch_is_a_convention_of_all_weights_of_a_layer():
    case = case_of(MEAN)
    assert case.verdict == "pass"
    assert any("a mean over the batch" in note for note in case.notes)


@pytest.mark.parametrize(("right", "wrong"), [
    ("@ A.T / m", "@ A.T"),
    ("keepdims=True) / m", "keepdims=True)"),
    ("W.T @ dZ", "W.T @ dZ / m"),
    ("m = A.shape[1]", "m = A.shape[0]"),
    ("/ m\n    dA", "/ m / m\n    dA"),
])  # fmt: skip
def test_a_mean_that_not_all_weights_have_is_a_mistake(right, wrong):
    assert case_of(MEAN.replace(right, wrong)).verdict == "fail"


TWO_LAYERS = """
import numpy as np

def net_loss(W1, b1, W2, b2, X, y):
    N = X.shape[0]
    h = np.tanh(X @ W1 + b1)
    err = h @ W2 + b2 - y
    loss = 0.5 * np.sum(err ** 2) / N
    d = err / N
    dW2 = h.T @ d
    db2 = d.sum(axis=0)
    dh = d @ W2.T * (1 - h ** 2)
    dW1 = X.T @ dh
    db1 = dh.sum(axis=0)
    return loss, dW1, db1, dW2, db2
"""


def test_a_mean_taken_twice_in_one_layer_of_a_net_is_a_mistake():
    assert case_of(TWO_LAYERS).verdict == "pass"
    assert case_of(TWO_LAYERS.replace("(1 - h ** 2)", "(1 - h ** 2) / N")).verdict == "fail"


CROSS_ENTROPY = """
import numpy as np

def ce_loss(p, y, W):
    loss = -np.sum(y * np.log(p + 1e-5)) + 1e-5 * np.sum(W ** 2)
    dp = -y / p
    dW = 2e-5 * W
    return loss, dp, dW
"""


def test_a_tiny_constant_is_for_safety_where_it_is_added_and_nowhere_else():
    case = case_of(CROSS_ENTROPY)
    assert case.verdict == "pass"
    assert any("constants below 1e-4" in note for note in case.notes)
    assert case_of(CROSS_ENTROPY.replace("dW = 2e-5 * W", "dW = 0 * W")).verdict == "fail"
    assert case_of(CROSS_ENTROPY.replace("-y / p", "y / p")).verdict == "fail"


RELU = """
import numpy as np

def relu_forward(a):
    return np.maximum(0, a), a

def relu_backward(da, cache):
    a = cache
    return da * (a > 0)
"""


@pytest.mark.parametrize("name", ["a", "p", "out", "pred"])
def test_what_is_called_like_a_probability_is_one_only_in_a_logarithm(name):
    text = RELU.replace("(a)", f"({name})").replace(", a)", f", {name})").replace(
        ", a\n", f", {name}\n")  # fmt: skip
    assert case_of(text).verdict == "pass"
    assert case_of(text.replace("da * (a > 0)", "da * np.ones_like(a)")).verdict == "fail"


SOFTMAX = """
import numpy as np

def softmax_loss(z, y):
    e = np.exp(z - np.max(z, axis=1, keepdims=True))
    p = e / np.sum(e, axis=1, keepdims=True)
    loss = -np.sum(y * np.log(p))
    dz = p - y
    return loss, dz
"""


def test_targets_may_be_those_with_a_single_1():
    assert case_of(SOFTMAX).verdict == "pass"


@pytest.mark.slow
@pytest.mark.parametrize("wrong", ["y - p", "p - y / 2", "p", "p - y ** 2 * p"])
def test_targets_with_a_single_1_hide_no_mistake(wrong):
    assert case_of(SOFTMAX.replace("p - y", wrong)).verdict == "fail"


SQUARE = """
import numpy as np

def pool_forward(x):
    n, c, h, w = x.shape
    return x.reshape(n, c, h // 2, 2, w // 2, 2).mean(axis=(3, 5)), x

def pool_backward(dout, x):
    n, c, h, w = x.shape
    spread = dout.reshape(n, c, h // 2, w // 2)
    return np.repeat(np.repeat(spread, 2, axis=2), 2, axis=3) / 4
"""


def test_what_is_right_for_square_images_only_is_wrong():
    assert case_of(SQUARE).verdict == "pass"
    wrong = SQUARE.replace("dout.reshape(n, c, h // 2, w // 2)", "dout.reshape(n, c, w // 2, -1)")
    assert case_of(wrong).verdict == "fail"


def test_an_upstream_gradient_may_be_that_of_another_result():
    text = (
        "import numpy as np\ndef net_forward(x, w):\n    u = x @ w\n    s = 1 / (1 + np.exp(-u))\n"
        "    return s, u\ndef net_backward(e, x, w):\n    dw = x.T @ e\n    dx = e @ w.T\n"
        "    return dx, dw\n"
    )
    case = case_of(text)
    assert case.verdict == "pass"
    assert "right where the upstream gradient is that of `u`" in case.notes
    named = text.replace("net_backward(e", "net_backward(ds").replace("@ e", "@ ds").replace(
        "e @", "ds @")  # fmt: skip
    assert case_of(named).verdict == "fail"


def test_numbers_are_looked_at_one_by_one_where_that_is_asked_for():
    quick = case_of(MEAN)
    assert any(note.startswith("more than a few numbers: each is") for note in quick.notes)
    whole = case_of(MEAN, max_elements=500)
    assert "W[0][0]" in whole.inputs
    assert not any("directions" in note for note in whole.notes)


PROBABILITIES = """
import numpy as np

def entropy(preds, targets):
    preds = np.clip(preds, 1e-8, 1 - 1e-8)
    return -np.mean(targets * np.log(preds) + (1 - targets) * np.log(1 - preds))

def entropy_grad(preds, targets):
    preds = np.clip(preds, 1e-8, 1 - 1e-8)
    return (-targets / preds + (1 - targets) / (1 - preds)) / preds.shape[0]
"""


def test_probabilities_in_one_column_are_right_in_one_column():
    case = case_of(PROBABILITIES)
    assert case.verdict == "pass", case.notes
    assert any("preds (3, 1)" in note for note in case.notes)


@pytest.mark.parametrize("wrong", ["(targets / preds", "(-targets / preds - ", "preds.shape[1]"])
def test_probabilities_in_one_column_hide_no_mistake(wrong):
    right = {"(targets / preds": "(-targets / preds", "(-targets / preds - ": "(-targets / preds + ",
             "preds.shape[1]": "preds.shape[0]"}[wrong]  # fmt: skip
    assert right in PROBABILITIES
    case = case_of(PROBABILITIES.replace(right, wrong))
    assert case.verdict == "fail"


OF_NUMBERS = """
def moments(a, b, s):
    value = a * b * s**2
    deriv = 2 * a * b * s
    return value, deriv
"""


def test_a_derivative_of_numbers_without_a_name_is_of_any_of_them_or_asked_for():
    case = case_of(OF_NUMBERS)
    assert case.verdict == "pass", case.problem
    case = case_of(OF_NUMBERS.replace("deriv = 2 *", "deriv = 3 *"))
    assert case.verdict == "error"
    assert "nothing says of what it is" in case.problem.message


OF_SCORES = """
import numpy as np

class CrossEntropy:
    def forward(self, label, out):
        return -np.mean(label * np.log(out) + (1 - label) * np.log(1 - out))

    def backward(self, label, out):
        return (out - label) / out.size
"""
OF_ROWS = """
import numpy as np

def loss_and_delta(y_pred, y):
    loss = -np.sum(y * np.log(y_pred)) / len(y)
    delta = (y_pred - y) / len(y)
    return loss, delta
"""


@pytest.mark.parametrize(
    ("text", "made"), [(OF_SCORES, "sigmoid"), (OF_ROWS, "softmax of rows")], ids=["two", "many"]
)
def test_the_gradient_of_a_prediction_may_be_that_of_its_scores(text, made):
    case = case_of(text)
    assert case.verdict == "pass", case.notes
    assert any(note.startswith(f"right by what goes into the {made}") for note in case.notes)


def test_a_multiple_of_the_gradient_of_scores_neither_passes_nor_is_accused():
    case = case_of(OF_ROWS.replace("y_pred - y) / len(y)", "y_pred - y)"))
    assert case.verdict == "error"
    assert "a multiple of what is right by what goes into the softmax" in case.problem.message


@pytest.mark.slow
@pytest.mark.parametrize(
    ("text", "old", "new"),
    [(OF_SCORES, "(out - label)", "(label - out)"), (OF_ROWS, "(y_pred - y)", "(y_pred + y)")],
)
def test_the_gradient_of_scores_hides_no_mistake(text, old, new):
    assert case_of(text.replace(old, new)).verdict == "fail"


def test_a_loss_is_not_taken_for_one_of_its_targets():
    text = (
        "import numpy as np\ndef mse(y_true, y_pred):\n    return np.mean((y_true - y_pred)**2)\n"
        "def mse_prime(y_true, y_pred):\n    return 2 * (y_pred - y_true) / y_true.size\n"
    )
    assert case_of(text).verdict == "pass"
    wrong = text.replace("2 * (y_pred - y_true)", "2 * (y_true - y_pred)")
    assert case_of(wrong).verdict == "fail"


GLOBALS = """
import numpy as np

X = np.random.randn(4, 5)
W = np.random.randn(5, 3)
y = np.random.randn(4, 3)

def forward(x, w):
    h = np.tanh(x @ w)
    loss = 0.5 * np.sum((h - y) ** 2)
    return loss, h

def backward(h):
    d = (h - y) * (1 - h**2)
    dx = d @ W.T
    dw = X.T @ d
    return dx, dw

loss, h = forward(X, W)
dx, dw = backward(h)
"""


def test_an_argument_of_the_file_s_own_call_is_what_the_file_calls_it():
    case = case_of(GLOBALS, "forward")
    assert case.verdict == "pass", case.lines
    case = case_of(GLOBALS.replace("dx = d @ W.T", "dx = h @ W.T"), "forward")
    assert [line.line for line in case.lines if line.is_accused] == [15]


OBJECTS = """
import numpy as np

class Parameter:
    def __init__(self, value):
        self.data = value
        self.grad = np.zeros_like(value)

class Linear:
    def __init__(self, n, m):
        self.W = Parameter(np.random.randn(n, m))
        self.b = Parameter(np.random.randn(m))

    def forward(self, x):
        self.x = x
        return x @ self.W.data + self.b.data

    def backward(self, dout):
        self.W.grad += self.x.T @ dout
        self.b.grad += np.sum(dout, axis=0)
        return dout @ self.W.data.T
"""


@pytest.mark.parametrize("value", ["data", "params", "value"])
def test_a_parameter_and_its_gradient_may_be_kept_in_one_object(value):
    text = OBJECTS.replace("data", value)
    case = case_of(text)
    assert case.verdict == "pass", case.problem
    assert {check.whole for check in case.inputs.values()} >= {"W", "b", "x"}
    case = case_of(text.replace("np.sum(dout, axis=0)", "2 * np.sum(dout, axis=0)"))
    assert [line.line for line in case.lines if line.is_accused] == [20]


SQUARES = """
import numpy as np

def squares(pred, target):
    return np.mean((pred - target) ** 2)

def squares_grad(pred, target):
    return 2 * (pred - target) / {count}
"""


@pytest.mark.parametrize("count", ["len(pred)", "pred.shape[0]"])
def test_a_mean_of_examples_where_the_loss_is_one_of_numbers_is_undecided(count):
    case = case_of(SQUARES.format(count=count))
    assert case.verdict == "inconclusive"
    assert not any(line.is_accused for line in case.lines)
    assert any("right for one column of `pred` and `target` only" in note for note in case.notes)
    said = "# gradcli: pred = randn(4, {n})\n# gradcli: target = randn(4, {n})\ndef squares(pred, t"
    for columns, verdict in ((1, "pass"), (3, "fail")):
        text = SQUARES.format(count=count)
        text = text.replace("def squares(pred, t", said.format(n=columns))
        assert case_of(text).verdict == verdict


def test_a_mean_of_numbers_passes_and_one_of_columns_fails():
    assert case_of(SQUARES.format(count="pred.size")).verdict == "pass"
    assert case_of(SQUARES.format(count="pred.shape[1]")).verdict == "fail"
    assert case_of(SQUARES.format(count="len(pred) / 3")).verdict == "fail"


OUTPUTS = """
import numpy as np

class Entropy:
    def calculate(self, y_pred, y_true):
        return np.mean(self.forward(y_pred, y_true))

    def forward(self, y_pred, y_true):
        each = -(y_true * np.log(y_pred) + (1 - y_true) * np.log(1 - y_pred))
        return np.mean(each, axis=-1)

    def backward(self, dvalues, y_true):
        outputs = len(dvalues[0])
        self.dinputs = -(y_true / dvalues - (1 - y_true) / (1 - dvalues)){lost}
        self.dinputs = self.dinputs / len(dvalues)
"""


def test_a_mean_over_columns_alone_says_that_there_are_several():
    assert case_of(OUTPUTS.format(lost=" / outputs")).verdict == "pass"
    assert case_of(OUTPUTS.format(lost="")).verdict == "fail"


NET = """
import numpy as np

class Net:
    def __init__(self, n_in, n_hidden, n_out):
        self.W1, self.b1 = np.random.randn(n_in, n_hidden), np.zeros((1, n_hidden))
        self.W2, self.b2 = np.random.randn(n_hidden, n_out), np.zeros((1, n_out))
    def forward(self, X):
        self.A1 = np.tanh(X @ self.W1 + self.b1)
        self.A2 = 1 / (1 + np.exp(-(self.A1 @ self.W2 + self.b2)))
        return self.A2
    def loss(self, A2, y):
        return -np.mean(y * np.log(A2) + (1 - y) * np.log(1 - A2))
    def backward(self, X, y):
        dZ2 = (self.A2 - y) / X.shape[0]
        self.dW2, self.db2 = self.A1.T @ dZ2, np.sum(dZ2, axis=0, keepdims=True)
        dZ1 = dZ2 @ self.W2.T * (1 - self.A1 ** 2)
        self.dW1, self.db1 = X.T @ dZ1, np.sum(dZ1, axis=0, keepdims=True)
"""


def test_a_net_with_one_probability_is_right_for_one_and_accused_of_its_own_mistakes_only():
    case = case_of(NET)
    assert case.verdict == "pass"
    assert any("with 7 the gradient would be 7 times" in note for note in case.notes)
    case = case_of(NET.replace("1 - self.A1 ** 2", "1 - self.A1"))
    assert [line.line for line in case.lines if line.is_accused] == [17]


REGRESSION = """
import numpy as np

def propagate(w, b, X, Y):
    '''w of shape (number of features, 1), X of shape (number of features, number of examples)'''
    m = X.shape[1]
    A = 1 / (1 + np.exp(-(np.dot(w.T, X) + b)))
    cost = -np.mean(Y * np.log(A) + (1 - Y) * np.log(1 - A))
    dw = np.dot(X, (A - Y).T) / m
    db = np.sum(A - Y) / m
    return {"dw": dw, "db": db}, cost
"""


def test_a_mean_over_examples_that_no_gradient_has_is_a_mistake():
    assert case_of(REGRESSION).verdict == "pass"
    assert case_of(REGRESSION.replace("T) / m", "T)").replace("Y) / m", "Y)")).verdict == "fail"


CONTRASTED = """
import numpy as np

def info_nce(z1, z2, tau=0.5):
    s = z1 @ z2.T / tau
    p = np.exp(s - s.max(axis=1, keepdims=True))
    p /= p.sum(axis=1, keepdims=True)
    n = len(z1)
    loss = -np.mean(np.log(np.diag(p)))
    ds = (p - np.eye(n)) / n / tau
    return loss, ds @ z2, ds.T @ z1
"""


def test_what_meets_an_identity_matrix_is_square():
    case = case_of(CONTRASTED)
    assert case.verdict == "pass", case.problem
    case = case_of(CONTRASTED.replace("/ n / tau", "/ tau"))
    assert [line.line for line in case.lines if line.local and line.verdict == "fail"] == [10]
