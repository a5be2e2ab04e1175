"""Guesses of inputs that accuse nobody, and hide no mistake."""

from __future__ import annotations

import ast

import pytest
from python_cases import case_of, cases, first_accused, taken

from gradcli.python.parameters.guesses import Guesser
from gradcli.python.parameters.starts import starts
from gradcli.python.parameters.usage import Usage

# ---------------------------------------------------------------- what a mistake may not hide

AFFINE = """
import numpy as np

def affine_forward(x, w, b):
    return x @ w + b, (x, w)

def affine_backward(dout, cache):
    x, w = cache
    dx = dout @ w.T
    dw = x.T @ dout
    db = dout.sum(axis=0)
    return dx, dw, db
"""


@pytest.mark.parametrize(("right", "wrong", "line"), [
    ("dout @ w.T", "dout @ w", 9),
    ("x.T @ dout", "x @ dout", 10),
    ("dout.sum(axis=0)", "dout.reshape(w.shape[1])", 11),
])  # fmt: skip
def test_two_axes_that_the_forward_part_holds_apart_are_not_made_one(right, wrong, line):
    assert case_of(AFFINE).verdict == "pass"
    case = case_of(AFFINE.replace(right, wrong))
    assert case.verdict in ("fail", "error")
    lines = [found.line for found in case.lines if found.is_accused]
    assert (case.problem.line if case.problem else lines[0]) == line


NORM = """
import numpy as np

def norm_forward(x, gamma, beta):
    mean, std = x.mean(axis=0), x.std(axis=0)
    xhat = (x - mean) / std
    return gamma * xhat + beta, (xhat, std, gamma)

def norm_backward(dout, cache):
    xhat, std, gamma = cache
    dgamma = np.sum(dout * xhat, axis=0)
    dbeta = np.sum(dout, axis=0)
    dxhat = dout * gamma
    dx = (dxhat - dxhat.mean(axis=0) - xhat * (dxhat * xhat).mean(axis=0)) / std
    return dx, dgamma, dbeta
"""


@pytest.mark.parametrize(("right", "wrong", "line"), [
    ("np.sum(dout * xhat, axis=0)", "dout * xhat", 11),
    ("np.sum(dout * xhat, axis=0)", "np.sum(dout * xhat)", 11),
    ("np.sum(dout, axis=0)", "dout", 12),
])  # fmt: skip
def test_what_is_shared_by_all_examples_is_never_as_large_as_they(right, wrong, line):
    assert case_of(NORM).verdict == "pass"
    assert first_accused(NORM.replace(right, wrong)) == line


def test_no_number_stands_for_an_array_to_hide_a_lost_axis():
    text = (
        "import numpy as np\nclass Dense:\n    def __init__(self, n_in, n_out):\n"
        "        self.W = np.random.randn(n_in, n_out)\n        self.w0 = np.zeros((1, n_out))\n"
        "    def forward(self, X):\n        self.X = X\n        return X.dot(self.W) + self.w0\n"
        "    def backward(self, grad):\n        self.dw0 = np.sum(grad, axis=0, keepdims=True)\n"
        "        self.dW = self.X.T.dot(grad)\n        return grad.dot(self.W.T)\n"
    )
    assert case_of(text).verdict == "pass"
    assert first_accused(text.replace("return grad.dot", "return self.dw0.dot")) == 12


@pytest.mark.parametrize("wrong", ["db[None, :] @ w.T", "dout[:1] @ w.T"])
def test_a_batch_of_one_hides_no_lost_axis_that_is_kept(wrong):
    text = AFFINE.replace("    dx = dout @ w.T\n", "").replace(
        "    return dx", f"    dx = {wrong}\n    return dx"
    )
    assert case_of(text.replace(wrong, "dout @ w.T")).verdict == "pass"
    assert first_accused(text) == 11


@pytest.mark.parametrize("wrong", ["x, dw, db", "dx, w, db", "dx, dw, dout"])
def test_what_is_returned_in_the_place_of_a_gradient_is_a_claim(wrong):
    assert first_accused(AFFINE.replace("return dx, dw, db", f"return {wrong}")) == 12


def test_a_weight_that_is_returned_itself_is_no_gradient():
    text = (
        "import numpy as np\ndef loss_fn(w, b, X, y):\n    err = X.dot(w) + b - y\n"
        "    loss = np.mean(err ** 2) / 2\n    dw = X.T.dot(err) / len(y)\n    db = np.mean(err)\n"
        "    return loss, dw, b\n"
    )
    assert first_accused(text) == 7


def test_an_input_of_a_layer_without_a_gradient_is_told():
    case = case_of(AFFINE.replace("return dx, dw, db", "return None, dw, db"))
    assert "no result is the gradient of x: nothing is told of that" in case.notes


def test_a_gradient_of_what_the_result_does_not_depend_on_is_0():
    text = AFFINE.replace("return x @ w + b", "return x @ w")
    assert first_accused(text) == 11


# ---------------------------------------------------------------- guesses accuse nobody


def verdict(text):
    return case_of(text).verdict


COLUMN = """
import numpy as np
class Softmax:
    def forward(self, input):
        e = np.exp(input)
        self.output = e / np.sum(e)
        return self.output
    def backward(self, grad):
        n = np.size(self.output)
        return (np.identity(n) - self.output.T) * self.output @ grad
"""


def test_code_for_columns_is_right_for_columns():
    case = case_of(COLUMN)
    assert case.verdict == "pass"
    assert any("input (3, 1)" in note for note in case.notes)


@pytest.mark.parametrize("slip", ["self.output) * self.output", "self.output.T) * grad"])
def test_code_for_columns_that_is_wrong_fails(slip):
    assert verdict(COLUMN.replace("self.output.T) * self.output", slip)) == "fail"


MEAN = """
import numpy as np
def loss_forward(p, q):
    n = p.shape[0]
    d = p - q
    return np.sum(d * d) / n, (d, n)
def loss_backward(cache):
    d, n = cache
    return 2 * d / n
"""


def test_a_batch_of_one_acquits_nobody():
    assert verdict(MEAN) == "pass"
    assert verdict(MEAN.replace("return 2 * d / n", "return 2 * d")) == "fail"


def test_one_row_acquits_no_sum_of_more_and_more_rows():
    text = (
        "import numpy as np\ndef risk(beta, X):\n    return np.sum(np.log(np.cumsum(np.exp(X @ beta))))\n"
        "def risk_grad(beta, X):\n    w = np.exp(X @ beta)\n"
        "    wx = np.cumsum(w[:, None] * X, axis=0)\n"
        "    return np.sum(wx / np.cumsum(w)[:, None], axis=0)\n"
    )
    assert verdict(text) == "pass"
    assert verdict(text.replace("np.cumsum(w[:, None] * X, axis=0)", "w[:, None] * X")) == "fail"


QUADRATIC = """
import numpy as np
def energy_and_grad(A, b, x):
    energy = 0.5 * x @ A @ x - b @ x
    grad = A @ x - b
    return energy, grad
"""


def test_a_gradient_without_a_name_may_be_of_any_input():
    case = case_of(QUADRATIC)
    assert case.verdict == "pass"
    assert "right as the gradient of `x` for a symmetric `A`" in case.notes
    assert verdict(QUADRATIC.replace("A @ x - b\n", "A @ x + b\n")) == "fail"


def test_parts_that_are_joined_have_sizes_of_their_own():
    case = case_of(
        "import numpy as np\nclass Cell:\n    def __init__(self, n_in, n_hid):\n"
        "        self.W = np.random.randn(n_in + n_hid, n_hid)\n"
        "    def forward(self, x, h):\n        self.n = x.shape[1]\n"
        "        self.z = np.concatenate([x, h], axis=1)\n        return self.z @ self.W\n"
        "    def backward(self, dout):\n        self.dW = self.z.T @ dout\n"
        "        dz = dout @ self.W.T\n        return dz[:, :self.n], dz[:, self.n:]\n"
    )
    assert case.verdict == "pass"
    assert any("x (7, 3), h (7, 5)" in note for note in case.notes)


def test_upstream_gradients_belong_to_the_outputs_they_are_called_after():
    text = (
        "import numpy as np\ndef cell_forward(x, w):\n    c = x * w\n    h = np.tanh(c)\n"
        "    return h, c, (x, w, h)\ndef cell_backward(dc_next, dh, cache):\n    x, w, h = cache\n"
        "    dc = dc_next + dh * (1 - h ** 2)\n    return dc * w, dc * x\n"
    )
    assert verdict(text) == "pass"
    assert verdict(text.replace("dc_next + dh", "dh + dc_next")) == "fail"


def test_a_prediction_beside_targets_is_no_upstream_gradient():
    text = (
        "import numpy as np\nclass Model:\n    def __init__(self, size):\n"
        "        self.w = np.random.randn(size)\n    def forward(self, X):\n"
        "        return 1 / (1 + np.exp(-(X @ self.w)))\n    def compute_loss(self, y_pred, y_true):\n"
        "        return -np.mean(y_true * np.log(y_pred) + (1 - y_true) * np.log(1 - y_pred))\n"
        "    def backward(self, X, y_true, y_pred):\n"
        "        self.dw = X.T @ (y_pred - y_true) / len(X)\n"
    )
    assert verdict(text) == "pass"
    assert verdict(text.replace("y_pred - y_true", "y_true - y_pred")) == "fail"


SELECTED = """
import numpy as np
class Softmax:
    def forward(self, totals):
        self.totals = totals
        e = np.exp(totals)
        return e / np.sum(e)
    def backprop(self, d_out):
        for i, gradient in enumerate(d_out):
            if gradient == 0:
                continue
            e = np.exp(self.totals)
            S = np.sum(e)
            d_t = -e[i] * e / S ** 2
            d_t[i] = e[i] * (S - e[i]) / S ** 2
            return gradient * d_t
"""


def test_code_that_looks_for_the_one_entry_of_a_gradient_is_given_one():
    case = case_of(SELECTED)
    assert case.verdict == "pass"
    assert "right for an upstream gradient with one entry that is not 0" in case.notes
    assert verdict(SELECTED.replace("-e[i] * e", "e[i] * e")) == "fail"


SUMMED = """
import numpy as np
def forward_propagation(X, parameters):
    W, b = parameters["W"], parameters["b"]
    A = 1 / (1 + np.exp(-(W @ X + b)))
    return A, (X, A)
def compute_cost(A, Y):
    return -np.sum(Y * np.log(A) + (1 - Y) * np.log(1 - A))
def backward_propagation(X, Y, cache):
    X, A = cache
    m = X.shape[1]
    dZ = (A - Y) / m
    return {"dW": dZ @ X.T, "db": np.sum(dZ, axis=1, keepdims=True)}
"""


def test_the_mean_of_what_a_loss_sums_is_a_convention():
    case = case_of(SUMMED)
    assert case.verdict == "pass"
    assert any("of those of `compute_cost`, a mean over the batch" in n for n in case.notes)
    assert verdict(SUMMED.replace("A - Y", "A + Y")) == "fail"
    assert verdict(SUMMED.replace('"db": np.sum(dZ', '"db": np.sum(A - Y')) == "fail"
    mean = SUMMED.replace("-np.sum(Y", "-1 / A.shape[1] * np.sum(Y")
    assert verdict(mean) == "pass"
    assert verdict(mean.replace("(A - Y) / m", "A - Y")) == "fail"


def test_what_follows_a_wrong_gradient_is_not_accused():
    text = (
        "import numpy as np\ndef f(w, X):\n    return np.sum((X @ w) ** 4)\n"
        "def f_grad(w, X):\n    return 3 * X.T @ (X @ w) ** 3\n"
        "def f_hess(w, X):\n    return 12 * (X.T * (X @ w) ** 2) @ X\n"
    )
    checked = cases(text)
    assert [case.verdict for case in checked] == ["fail", "fail"]
    assert [line.line for case in checked for line in case.lines if line.is_accused] == [5]
    assert 5 in [line.cause for line in checked[1].lines]


def test_an_axis_that_is_squeezed_has_one_element():
    text = (
        "import numpy as np\nclass Mse:\n    def forward(self, inp, targ):\n"
        "        self.inp, self.targ = inp, targ\n"
        "        return np.mean((inp.squeeze(-1) - targ) ** 2)\n"
        "    def backward(self):\n        n = self.targ.shape[0]\n"
        "        self.dinp = 2 * (self.inp.squeeze(-1) - self.targ)[:, None] / n\n"
    )
    assert "inp (3, 1)" in taken(text)
    assert first_accused(text.replace("2 * (", "(")) == 8


def test_more_axes_than_there_are_sizes_are_no_crash():
    lines = "".join(f"\n    x{k}: (A{k}, B{k}, C{k})" for k in range(11))
    (function,) = ast.parse(f'def f():\n    """{lines}"""').body
    guesser = Guesser(Usage([function]), {})
    assert not [*starts(guesser, {f"x{k}": 3 for k in range(11)})]
    assert [*starts(guesser, {f"x{k}": 3 for k in range(10)})]


POLICY = """
import numpy as np
class Policy:
    def __init__(self, n_state, n_action):
        self.W = np.random.randn(n_state, n_action)
    def loss(self, states, actions, returns):
        e = np.exp(states @ self.W)
        self.p = e / e.sum(axis=1, keepdims=True)
        return -np.mean(np.log(self.p[np.arange(len(actions)), actions]) * returns)
    def grad(self, states, actions, returns):
        n = len(actions)
        delta = self.p.copy()
        delta[np.arange(n), actions] -= 1
        delta *= returns[:, None] / n
        return {"W": states.T @ delta}
"""


def test_there_is_one_label_for_each_example_whatever_the_forward_part_allows():
    assert "returns (3,)" in taken(POLICY) or "returns (4,)" in taken(POLICY)
    assert first_accused(POLICY.replace("[:, None] / n", "[:, None]")) == 14
    assert first_accused(POLICY.replace("delta[np.arange(n), actions] -= 1", "delta -= 1")) == 14


def test_entries_may_all_be_vectors():
    text = (
        "import numpy as np\ndef f_and_grad(theta, x):\n    w, b = theta['w'], theta['b']\n"
        "    t = np.tanh(np.outer(x, w) + b)\n    value = np.sum(t)\n    s = 1 - t**2\n"
        "    grads = {'w': s.T @ x, 'b': np.sum(s, axis=0)}\n    return value, grads\n"
    )
    assert "'w': (3,)" in taken(text)
    assert first_accused(text.replace("1 - t**2", "1 - t")) == 6


def test_a_gradient_may_be_called_after_its_input_with_a_g():
    text = (
        "class Lin:\n    def __init__(self, w, b):\n        self.w, self.b = w, b\n"
        "    def __call__(self, inp):\n        self.inp = inp\n"
        "        return inp @ self.w + self.b\n"
        "    def backward(self, out_g):\n        self.inp_g = out_g @ self.w.T\n"
        "        self.w_g = self.inp.T @ out_g\n        self.b_g = out_g.sum(0)\n"
    )
    assert case_of(text).verdict == "pass"
    assert first_accused(text.replace("out_g.sum(0)", "out_g.mean(0)")) == 10


CAPTIONS = """
import numpy as np

def embed_forward(x, W):
    return W[x], (x, W)

class Caption:
    def __init__(self, W):
        self.params = {"W": W}

    def loss(self, captions):
        W = self.params["W"]
        words, cache = embed_forward(captions[:, :-1], W)
        loss = 0.5 * np.sum(words ** 2)
        dW = np.zeros_like(W)
        np.add.at(dW, cache[0], words)
        return loss, {"W": dW}
"""


def test_what_parts_of_are_indices_is_of_whole_numbers():
    assert "captions = [[" in taken(CAPTIONS)


IMAGES = """
import numpy as np

class Net:
    def __init__(self, input_dim=(3, 32, 32), hidden=4):
        C, H, W = input_dim
        self.W = np.random.randn(C * H * W, hidden)

    def loss(self, X):
        N, C, H, W = X.shape
        flat = X.reshape(N, -1)
        scores = flat @ self.W
        grads = {"W": flat.T @ scores}
        return 0.5 * np.sum(scores ** 2), grads
"""


def test_images_are_smaller_than_those_that_a_parameter_left_out_says():
    sizes = taken(IMAGES).partition("input_dim = ")[2]
    assert sizes.startswith("(")
    assert not sizes.startswith("(3, 32, 32)")


def test_the_first_fault_is_told_where_floats_do_no_better():
    text = "import numpy as np\n\ndef pick_forward(x, y):\n    x = x.reshape(3, 2)\n" \
           "    return x[np.arange(3), y], (x, y)\n\ndef pick_backward(dout, cache):\n" \
           "    return dout\n"  # fmt: skip
    settings = [("x", "randn(5)"), ("y", [0, 1, 1])]
    case = case_of(text, bindings=settings)
    assert "cannot reshape" in case.problem.message


def test_a_shape_that_is_called_an_array_is_that_of_the_input():
    text = """
import numpy as np

class Relu:
    def setup(self, input_shape: np.ndarray):
        self.input_shape = input_shape

    def forward(self, data: np.ndarray) -> np.ndarray:
        if not self.input_shape == data.shape[1:]:
            raise ValueError("another shape")
        self.data = data
        return np.maximum(0, data)

    def backward(self, dout: np.ndarray) -> np.ndarray:
        return dout * np.greater(self.data, 0)
"""
    assert "input_shape = (" in taken(text)
