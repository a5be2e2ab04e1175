"""Layers as people write them: axes in blocks, lists of gradients, weights that others set."""

from __future__ import annotations

import pytest
import python_cases

from gradcli.errors import GradcliError
from gradcli.python.reading import PythonFile


def cases(text, subject=None):
    return python_cases.cases("import numpy as np\n" + text, subject)


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


CURVES = """
class Curve:
    @staticmethod
    def NAME(z):
        return z / (1 + np.abs(z))

    @staticmethod
    def SLOPE(z):
        return 1 / (1 + np.abs(z)) ** 2
"""


@pytest.mark.parametrize(("name", "slope"), [
    ("activation", "prime"), ("eval", "diagonal_jacobian"), ("val", "deriv"), ("f", "df"),
    ("value", "activation_derivative"), ("squash", "derivative"), ("y", "dydx"),
])  # fmt: skip
def test_the_derivative_of_a_class_is_of_its_other_method(name, slope):
    text = CURVES.replace("NAME", name).replace("SLOPE", slope)
    assert verdict(text) == ("pass", None)
    (wrong,) = cases(text.replace("** 2", "** 3"))
    assert [line.line for line in wrong.lines if line.is_accused] == [10]


def test_a_layer_with_a_derivative_has_two_subjects():
    layer = """
    def forward(self, z):
        self.z = z
        return np.tanh(z)

    def backward(self, dout):
        return dout * self.prime(self.z)

    def prime(self, z):
        return 1 - np.tanh(z) ** 2
"""
    found = cases(f"\nclass Bend:{layer}")
    assert [case.verdict for case in found] == ["pass", "pass"]
    names = [s.name for s in PythonFile(f"class Bend:{layer}", "file.py").subjects]
    assert names == ["Bend", "Bend.prime"]


@pytest.mark.parametrize("method", [
    "def derivative(self, z):\n        return None", "def derivative(self, upto, z):\n        return z",
    "def derivative(self, dout):\n        return dout",
])  # fmt: skip
def test_what_gives_nothing_or_takes_something_else_is_no_derivative(method):
    text = f"\nclass Bend:\n    def squash(self, z):\n        return np.tanh(z)\n\n    {method}\n"
    with pytest.raises(GradcliError, match="no function or class of this file"):
        cases(text)


FLATTENED = """
class Line:
    def __init__(self):
        self.W1, self.W2 = np.random.randn(3, 2), np.random.randn(2, 1)

    def cost(self, X, y):
        return 0.5 * np.sum((X @ self.W1 @ self.W2 - y) ** 2)

    def gradient(self, X, y):
        d = X @ self.W1 @ self.W2 - y
        return np.concatenate(((X.T @ d @ self.W2.T).ravel(), ((X @ self.W1).T @ d).ravel()))
"""


def test_all_gradients_in_one_vector_are_not_that_of_the_input():
    (case,) = cases(FLATTENED)
    assert case.verdict == "error"
    assert "returns nothing that is the gradient of an input" in case.problem.message


NETWORK = """
class Bent:
    def forward(self, z):
        self.z = z
        return np.tanh(z)

    def backward(self, dout):
        return dout * (1 - np.tanh(self.z) ** 2)


class Scaled:
    def __init__(self, n_features):
        self.w = np.zeros(n_features)

    def forward(self, x):
        self.x = x
        return x * self.w

    def backward(self, dout):
        self.dw = np.sum(dout * self.x, axis=0)
        return dout * self.w


class Stack:
    def __init__(self, scaled, bent, W):
        self.scaled, self.bent = scaled, bent
        self.first = scaled
        self.last = bent
        self.W = W

    def forward(self, x):
        self.x = x
        return self.last.forward(self.first.forward(x) @ self.W)

    def backward(self, dout):
        dz = self.last.backward(dout)
        self.dW = self.first.forward(self.x).T @ dz
        return self.first.backward(dz @ self.W.T)
"""


def test_a_parameter_may_be_an_object_of_a_class_of_the_file():
    case = cases(NETWORK, "Stack")[0]
    assert case.verdict == "pass", case.problem
    assert {"W", "w", "x"} <= {*case.inputs}
    wrong = cases(NETWORK.replace("self.last.backward(dout)", "dout"), "Stack")[0]
    assert wrong.verdict == "fail"


KEPT = """
class Module:
    def forward(self, x):
        self.x = x
        self._forward(x)
        return self.out

    def backward(self, dout):
        self._backward(dout)
        return self.back


class Cubed(Module):
    def _forward(self, x):
        self.out = x ** 3

    def _backward(self, dout):
        self.back = 3 * dout * self.x ** 2
"""


def test_what_calls_the_inner_part_of_a_layer_is_its_forward_part():
    assert verdict(KEPT, "Cubed") == ("pass", None)
    (wrong,) = cases(KEPT.replace("3 * dout", "2 * dout"), "Cubed")
    assert [line.line for line in wrong.lines if line.is_accused] == [19]


PROPERTY = """
class Rate:
    def __init__(self, k):
        Rate.k.fset(self, k)

    @property
    def k(self):
        return self._k

    @k.setter
    def k(self, value):
        self._k = 2 * value

    def forward(self, x):
        self.x = x
        return self.k * np.sin(x)

    def backward(self, dout):
        return Rate.k.fget(self) * dout * np.cos(self.x)
"""


def test_a_property_may_be_set_by_its_function():
    assert verdict(PROPERTY) == ("pass", None)


@pytest.mark.parametrize(("words", "value"), [
    ("((0, 0), (0, 0))", "np.sum(dout)"), ("((2, 2), (2, 2))", "np.sum(dout)"), ("((1, 1), (2, 2))", None),
])  # fmt: skip
def test_constants_of_padding_may_be_written_for_every_side(words, value):
    text = f"""
def pad_forward(x):
    N, D = x.shape
    return np.pad(x, ((1, 1), (0, 2)), constant_values={words}), x

def pad_backward(dout, cache):
    return dout[1:-1, :-2]
"""
    assert verdict(text)[0] == ("pass" if value else "error")


STEPPED = """
class Adaptive:
    def __init__(self):
        self.m, self.v = 0, 0

    def update(self, w, g):
        self.m, self.v = 0.1 * g, 0.01 * g ** 2
        w -= 0.1 * self.m / (np.sqrt(self.v) + 1e-8)


class Line:
    def __init__(self, D, M):
        self.w = np.random.randn(D, M)
        self.optimizer = Adaptive()

    def forward(self, x):
        self.x = x
        return x @ self.w

    def backward(self, dout):
        dx = dout @ self.w.T
        self.optimizer.update(self.w, self.x.T @ dout)
        return dx
"""


def test_the_step_of_an_adaptive_optimiser_is_no_gradient():
    assert verdict(STEPPED, "Line") == ("pass", None)
    plain = STEPPED.replace("self.m / (np.sqrt(self.v) + 1e-8)", "self.m")
    assert verdict(plain, "Line") == ("pass", None)
    wrong = plain.replace("self.x.T @ dout", "2 * np.abs(self.x).T @ dout")
    assert verdict(wrong, "Line")[0] == "fail"


WINDOWS = """
from numpy.lib.stride_tricks import as_strided

class Pool:
    def windows(self, x):
        N, D = x.shape
        step = x.strides
        shape, strides = (N, (D - 2) // S + 1, 2), (step[0], S * step[1], step[1])
        return as_strided(x, shape, strides)

    def forward(self, x):
        self.x = x
        return self.windows(x).mean(axis=2)

    def backward(self, dout):
        dx = np.zeros_like(self.x)
        windows = self.windows(dx)
        windows += dout[:, :, None] / 2
        return dx
"""


def test_what_is_written_through_strides_reaches_the_array():
    assert verdict(WINDOWS.replace("S", "2")) == ("pass", None)
    (case,) = cases(WINDOWS.replace("S", "1"))
    assert (case.verdict, case.problem.line) == ("error", 19)
    assert "overlapping strides" in case.problem.message


def test_strided_columns_may_be_copied_and_get_another_shape():
    text = """
from numpy.lib.stride_tricks import as_strided

def pair_forward(x, w):
    n, size = len(x), x.itemsize
    columns = as_strided(x, (2, n - 1, 1), (size, size, size))
    columns = np.ascontiguousarray(columns)
    columns.shape = (2, n - 1)
    return w @ columns, (columns, w, n)

def pair_backward(dout, cache):
    columns, w, n = cache
    dx = np.zeros(n)
    dx[:-1] += w[0] * dout
    dx[1:] += w[1] * dout
    return dx, columns @ dout
"""
    assert verdict(text) == ("pass", None)


def test_a_view_may_get_another_shape():
    text = """
def double_forward(x):
    y = np.zeros(x.shape)
    part = y[:, 1:]
    part.shape = x.shape[0], 1, -1
    part += 2 * x[:, None, 1:]
    return y, x

def double_backward(dout, cache):
    dx = 2 * dout
    dx[:, 0] = 0
    return dx
"""
    assert verdict(text) == ("pass", None)


SEQUENCE = """
class Linear:
    def __init__(self, n_in, n_out):
        self.params = {"W": np.random.randn(n_in, n_out), "b": np.zeros(n_out)}
        self.grads = {"W": np.zeros((n_in, n_out)), "b": np.zeros(n_out)}

    def forward(self, x):
        self.x = x
        return x @ self.params["W"] + self.params["b"]

    def backward(self, dout):
        self.grads["W"] = self.x.T @ dout
        self.grads["b"] = dout.sum(axis=0)
        return dout @ self.params["W"].T


class Tanh:
    def forward(self, x):
        self.y = np.tanh(x)
        return self.y

    def backward(self, dout):
        return dout * (1 - self.y ** 2)


class Sequential:
    def __init__(self, layers):
        self.layers: list = layers

    def forward(self, x):
        for layer in self.layers:
            x = layer.forward(x)
        return x

    def backward(self, dout):
        for layer in reversed(self.layers):
            dout = layer.backward(dout)
        return dout
"""


def test_a_network_may_be_given_a_list_of_layers():
    (case,) = cases(SEQUENCE, "Sequential")
    assert case.verdict == "pass", case.problem
    assert "layers = [Linear(), Tanh()]" in " ".join(case.notes)
    wrong = SEQUENCE.replace("reversed(self.layers)", "self.layers")
    assert verdict(wrong, "Sequential")[0] != "pass"
    wrong = SEQUENCE.replace("self.x.T @ dout", "self.x.T @ np.abs(dout)")
    assert verdict(wrong, "Sequential")[0] == "fail"


ADDED = SEQUENCE.replace(
    "    def __init__(self, layers):\n        self.layers: list = layers\n",
    "    def __init__(self):\n        self.layers = []\n\n"
    "    def add(self, layer):\n        self.layers.append(layer)\n",
)


@pytest.mark.parametrize("call", ["layer.forward(x)", "layer(x)"])
def test_layers_are_added_to_a_network_that_has_none(call):
    text = ADDED.replace("layer.forward(x)", call).replace("def forward", "def __call__")
    text = text if call == "layer(x)" else ADDED
    (case,) = cases(text, "Sequential")
    assert case.verdict == "pass", case.problem
    assert "layer = [Linear(), Tanh()]" in " ".join(case.notes)
    wrong = text.replace("self.x.T @ dout", "self.x.T @ np.abs(dout)")
    assert verdict(wrong, "Sequential")[0] == "fail"


DENSE = """
class Dense:
    def __init__(self, n_in, n_out):
        self.W = np.random.randn(n_in, n_out)
        self.b = np.zeros(n_out)
    def forward(self, x):
        self.x, self.out = x, x @ self.W + self.b
        return self.out
    def backward(self, dout):
        self.dout = dout
        self.dW = self.x.T @ dout
        self.db = dout.sum(axis=0)
        return dout @ self.W.T
"""


def test_an_upstream_gradient_kept_as_that_of_a_weight_is_held_to_be_its_gradient():
    assert verdict(DENSE) == ("pass", None)
    (case,) = cases(DENSE.replace("dout.sum(axis=0)", "dout"))
    assert case.verdict == "fail"
    assert [line.name for line in case.lines if line.is_accused] == ["self.db"]


RECURRENT = """
class RNN:
    def __init__(self, n_x, n_a):
        self.Wx, self.Wa = np.random.randn(n_x, n_a), np.random.randn(n_a, n_a)
        self.b = np.zeros((1, n_a))
    def forward(self, x):
        self.x = x
        m, T = x.shape[0], x.shape[1]
        self.a = np.zeros((m, T + 1, self.Wa.shape[0]))
        for t in range(T):
            self.a[:, t + 1] = np.tanh(x[:, t] @ self.Wx + self.a[:, t] @ self.Wa + self.b)
        return self.a[:, 1:]
    def backward(self, dA):
        self.dWx, self.dWa = np.zeros_like(self.Wx), np.zeros_like(self.Wa)
        self.db, dx = np.zeros_like(self.b), np.zeros_like(self.x)
        da = np.zeros_like(dA[:, 0])
        for t in reversed(range(self.x.shape[1])):
            dz = (dA[:, t] + da) * (1 - self.a[:, t + 1] ** 2)
            dx[:, t], da = dz @ self.Wx.T, dz @ self.Wa.T
            self.dWx += self.x[:, t].T @ dz
            self.dWa += self.a[:, t].T @ dz
            self.db += np.sum(dz, axis=0, keepdims=True)
        return dx
"""


def test_code_that_asks_for_the_number_of_examples_is_not_read_with_one():
    assert verdict(RECURRENT) == ("pass", None)
    (case,) = cases(RECURRENT.replace("np.sum(dz, axis=0, keepdims=True)", "dz"))
    assert case.verdict == "fail"
    assert [line.line for line in case.lines if line.is_accused] == [23]


MAX_POOL = """
class MaxPool2:
    def forward(self, image):
        self.image = image
        h, w, n = image.shape
        out = np.zeros((h // 2, w // 2, n))
        for i in range(h // 2):
            for j in range(w // 2):
                out[i, j] = np.amax(image[i*2:i*2+2, j*2:j*2+2], axis=(0, 1))
        self.out = out
        return out
    def backprop(self, d_out):
        d_image = np.zeros(self.image.shape)
        for i in range(d_out.shape[0]):
            for j in range(d_out.shape[1]):
                window = self.image[i*2:i*2+2, j*2:j*2+2]
                d_image[i*2:i*2+2, j*2:j*2+2] = (window == self.out[i, j]) * d_out[i, j]
        return d_image
"""


@pytest.mark.parametrize("wrong", ["d_image[i*2:i*2+2, :2] =", "d_image[i:i+2, j*2:j*2+2] ="])
def test_images_that_are_pooled_have_several_windows_along_every_axis(wrong):
    assert verdict(MAX_POOL) == ("pass", None)
    assert verdict(MAX_POOL.replace("d_image[i*2:i*2+2, j*2:j*2+2] =", wrong))[0] == "fail"


def test_an_attribute_may_be_set_from_outside_by_its_name():
    text = """
class Scale:
    def forward(self, x):
        self.x = x
        return self.factor * x

    def backward(self, dout):
        return self.factor * dout

class Net:
    def __init__(self, layers, factor):
        for layer in layers:
            setattr(layer, "factor", factor)
"""
    (case,) = cases(text, "Scale")
    assert case.verdict == "pass", case.problem
    (unset,) = cases(text.partition("class Net")[0], "Scale")
    assert "has no attribute `factor`" in unset.problem.message


def test_lists_of_known_arrays_are_no_weights():
    text = """
class Line:
    def __init__(self):
        self.sizes, self.grads = [np.array([3, 2])], [np.zeros(2)]

    def forward(self, x):
        self.x = x
        return np.sin(x)

    def backward(self, dout):
        self.grads = [dout]
        return dout * np.cos(self.x)
"""
    assert verdict(text) == ("pass", None)
