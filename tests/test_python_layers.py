"""Layers as people write them: axes in blocks, lists of gradients, weights that others set."""

from __future__ import annotations

import pytest

from gradcli.requests import Request
from gradcli.tasks.check_python import check_python


def cases(text, subject=None):
    return list(check_python("import numpy as np\n" + text, "file.py", subject, [], Request()))


def verdict(text, subject=None):
    (case,) = cases(text, subject)
    return case.verdict, case.problem


CELL = """
class Cell:
    def __init__(self, Wx, Wh, b):
        self.params = [Wx, Wh, b]
        self.grads = [np.zeros_like(Wx), np.zeros_like(Wh), np.zeros_like(b)]

    def forward(self, x, h, c):
        Wx, Wh, b = self.params
        N, H = h.shape
        A = np.dot(x, Wx) + np.dot(h, Wh) + b
        f, g = np.tanh(A[:, :H]), A[:, H:2*H]
        o = A[:, 2*H:]
        c_next = f * c + g
        self.cache = x, h, c, f, o, c_next
        return o * c_next, c_next

    def backward(self, dh_next, dc_next):
        Wx, Wh, b = self.params
        x, h, c, f, o, c_next = self.cache
        ds = dc_next + dh_next * o
        dA = np.hstack((ds * c * (1 - f**2), ds, dh_next * c_next))
        self.grads[0][...] = x.T @ dA
        self.grads[1][...] = h.T @ dA
        self.grads[2][...] = dA.sum(axis=0)
        return dA @ Wx.T, dA @ Wh.T, ds * f
"""


def test_an_axis_that_is_cut_into_blocks_has_a_whole_number_of_them():
    (case,) = cases(CELL)
    assert case.verdict == "pass", case.problem
    assert {"x", "h", "c", "Wx", "Wh", "b"} <= {name.partition("[")[0] for name in case.inputs}


@pytest.mark.parametrize(("cut", "of"), [
    ("f, g, o = np.split(A, 3, axis=1)", "f, g = np.tanh(A[:, :H]), A[:, H:2*H]\n        o = A[:, 2*H:]"),
    ("f, g, o = np.hsplit(A, 3)", "f, g = np.tanh(A[:, :H]), A[:, H:2*H]\n        o = A[:, 2*H:]"),
])  # fmt: skip
def test_an_array_that_is_split_has_a_whole_number_of_blocks(cut, of):
    assert of in CELL
    text = CELL.replace(of, f"{cut}\n        f = np.tanh(f)")
    assert verdict(text)[0] == "pass"


def test_a_list_of_gradients_is_that_of_the_list_of_weights():
    (case,) = cases(CELL.replace("h.T @ dA\n", "2 * h.T @ dA\n"))
    assert case.verdict == "fail"
    assert [line.line for line in case.lines if line.is_accused] == [24]


@pytest.mark.parametrize("kind", ["f", "d", "f4", "float32", "<f8"])
def test_kinds_of_numbers_may_be_letters(kind):
    text = f"""
class Turns:
    def __init__(self, w):
        self.w = w

    def forward(self, xs):
        N, T = xs.shape
        out = np.empty((N, T), dtype={kind!r})
        for t in range(T):
            out[:, t] = self.w * xs[:, t]
        self.xs = xs
        return out

    def backward(self, dout):
        self.dw = np.zeros_like(self.w, dtype={kind!r})
        for t in range(dout.shape[1]):
            self.dw += dout[:, t] * self.xs[:, t]
        return dout * self.w[:, None]
"""
    assert verdict(text)[0] == "pass"


OPTIMISED = """
import copy

class Layer:
    def set_input_shape(self, shape):
        self.input_shape = shape

class Dense(Layer):
    def __init__(self, n_units, input_shape=None):
        self.n_units, self.input_shape = n_units, input_shape
        self.W = None
        self.w0 = None

    def initialize(self, optimizer):
        self.W = np.random.uniform(-1, 1, (self.input_shape[0], self.n_units))
        self.w0 = np.zeros((1, self.n_units))
        self.W_opt, self.w0_opt = copy.copy(optimizer), copy.copy(optimizer)

    def forward_pass(self, X, training=True):
        self.layer_input = X
        return X.dot(self.W) + self.w0

    def backward_pass(self, accum_grad):
        W = self.W
        grad_w = self.layer_input.T.dot(accum_grad)
        grad_w0 = np.sum(accum_grad, axis=0, keepdims=True)
        self.W = self.W_opt.update(self.W, grad_w)
        self.w0 = self.w0_opt.update(self.w0, grad_w0)
        return accum_grad.dot(W.T)
"""


def test_what_is_none_is_set_by_the_method_that_sets_it_and_optimisers_take_a_step():
    (case,) = cases(OPTIMISED)
    assert case.verdict == "pass", case.problem
    assert {"X", "W", "w0"} <= {name.partition("[")[0] for name in case.inputs}
    wrong = OPTIMISED.replace("accum_grad.dot(W.T)", "-accum_grad.dot(W.T)")
    assert verdict(wrong)[0] == "fail"


def test_two_words_of_gradients_are_before_the_name_of_one():
    text = """
def value_and_grads(w, b):
    loss = np.sum(np.sin(w)) * np.sum(b**2)
    delta_nabla_b = 2 * b * np.sum(np.sin(w))
    delta_nabla_w = np.cos(w) * np.sum(b**2)
    return loss, delta_nabla_b, delta_nabla_w
"""
    (case,) = cases(text)
    assert case.verdict == "pass", case.problem


OPEN = """
class Activation:
    def forward(self, x):
        self.x = x
        return self.func(x)

    def backward(self, upstream):
        return upstream * self.slope(self.x)

    def func(self, x):
        raise NotImplementedError

    def slope(self, x):
        raise NotImplementedError

class Tanh(Activation):
    def func(self, x):
        return np.tanh(x)

    def slope(self, x):
        return 1 - np.tanh(x) ** 2
"""


def test_a_class_whose_parts_only_subclasses_have_is_checked_as_these():
    (case,) = cases(OPEN)
    assert (case.verdict, case.expression) == ("pass", "class Tanh: forward and backward")


@pytest.mark.parametrize("text", [
    "def tanh_derivative(values):\n    return 1 - values**2\n",
    "def d_sigmoid(x):\n    s = 1 / (1 + np.exp(-x))\n    return s * (1 - s)\n",
    "def relu_prime(z):\n    return (z > 0).astype(float)\n",
])  # fmt: skip
def test_a_derivative_of_what_everybody_knows_needs_no_function_beside_it(text):
    (case,) = cases(text)
    assert case.verdict == "pass", case.problem
    assert "which is not in the file, is what its name says" in " ".join(case.notes)
    wrong = text.replace("1 - v", "1 + v").replace("s * (", "2 * s * (").replace("z > 0", "z > 1")
    assert verdict(wrong)[0] == "fail"


def test_a_derivative_of_something_else_has_no_function():
    text = "def tanh(x, k):\n    return np.tanh(k * x)\ndef ramp_prime(z):\n    return z\n"
    with pytest.raises(Exception, match="no function or class of this file"):
        cases(text)
