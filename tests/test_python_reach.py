"""Published Python as it stands: values from a file's own tests, and from what readings teach."""

from __future__ import annotations

import re

import pytest

from gradcli.python.lessons import Stop, lesson
from gradcli.requests import Request
from gradcli.tasks.check_python import check_python


def cases(text, name="file.py", subject=None, bindings=(), **options):
    return list(check_python(text, name, subject, [*bindings], Request(**options)))


def verdict(text, **how):
    (case,) = cases(text, **how)
    return case.verdict, case.problem


# ---------------------------------------------------------------- the file's own calls

NESTED = """
import numpy as np
import random

def softmax(x):
    e = np.exp(x - x.max())
    return e / e.sum()

def pick_loss(word, table, data):
    p = softmax(table @ word)
    k = data.pick()
    grad = p.copy()
    grad[k] -= 1
    return -np.log(p[k]), table.T @ grad, np.outer(grad, word)

def walk(model, word, table, data):
    return model(word, table, data)

def check(f, x):
    state = random.getstate()
    random.setstate(state)
    value, gradient = f(x)

def test_models():
    data = type("dummy", (), {})()
    data.pick = lambda: random.randint(0, 4)
    tables = np.random.randn(10, 3)
    check(lambda t: walk(pick_loss, t[0], t[5:], data)[:2], tables)
"""


def test_a_call_inside_the_calls_of_a_test_gives_values():
    (case,) = cases(NESTED, subject="pick_loss")
    assert case.verdict == "pass", case.problem
    assert "data = dummy()" in " ".join(case.notes)


def test_a_call_inside_print_gives_values():
    text = "def f(p):\n    x, y = p\n    return x * y\n\ndef f_grad(p):\n    return [p[1], p[0]]\n"
    text += "\nif __name__ == '__main__':\n    print(f([1.5, 2.5]))\n"
    assert verdict(text) == ("pass", None)


def test_the_constructor_s_values_are_those_of_the_object_that_is_called():
    text = """
import numpy as np

class Scale:
    def __init__(self, rows, factor):
        self.factor = factor
        self.w = np.random.randn(rows)
    def forward(self, x):
        self.x = x
        return x * self.w * self.factor
    def backward(self, dout):
        self.dw = (dout * self.x).sum(axis=0) * self.factor
        return dout * self.w * self.factor

class Net:
    def __init__(self):
        self.layer = Scale(4, 2.5)
    def run(self, x):
        return self.layer.forward(x)

def main():
    Net().run(np.random.randn(3, 4))
"""
    (case,) = cases(text, subject="Scale")
    assert case.verdict == "pass", case.problem
    assert "rows = 4" in " ".join(case.notes)


# ---------------------------------------------------------------- what a reading teaches

TAUGHT = {
    "labels by their use": """
def pick(scores, chosen):
    n = scores.shape[0]
    dscores = np.zeros_like(scores)
    dscores[np.arange(n), chosen] = 1
    return gathered(scores, chosen).sum(), dscores

def gathered(scores, which):
    return scores[range(len(which)), which]
""",
    "axes in a helper": """
def flat(images):
    n, c, h, w = images.shape
    return images.reshape(n, c * h * w)

def cost(stack):
    dstack = 2 * stack
    return (flat(stack) ** 2).sum(), dstack
""",
    "a shape of three": """
class Norm:
    def __init__(self, box):
        self.depth, self.height, self.width = box
        self.gamma = np.ones((1, self.depth * self.height * self.width)) * 1.5
    def forward(self, x):
        self.x = x
        return x * self.gamma
    def backward(self, dout):
        self.dgamma = (dout * self.x).sum(axis=0, keepdims=True)
        return dout * self.gamma
""",
    "a size that is called otherwise": """
class Bank:
    def __init__(self, bins):
        self.w = np.random.randn(bins, bins + 1)
    def forward(self, x):
        self.x = x
        return x @ self.w
    def backward(self, dout):
        self.dw = self.x.T @ dout
        return dout @ self.w.T
""",
    "the axes that are padded": """
class Frame:
    def forward(self, field):
        self.rows = field.shape[2]
        return np.pad(field, ((0, 0), (0, 0), (1, 1), (2, 2)))
    def backward(self, dout):
        return dout[:, :, 1 : 1 + self.rows, 2:-2]
""",
    "ids of sentences": """
class Embed:
    def __init__(self, vocab_size, width):
        self.vocab_size = vocab_size
        self.w = np.random.randn(vocab_size, width)
    def forward(self, sentences):
        rows, columns = len(sentences), len(sentences[0])
        hot = np.zeros((rows * columns, self.vocab_size))
        hot[np.arange(rows * columns), sentences.reshape(-1)] = 1
        self.hot = hot.reshape(rows, columns, self.vocab_size)
        return self.hot @ self.w
    def backward(self, dout):
        self.dw = np.einsum("bti,btj->ij", self.hot, dout)
        return dout @ self.w.T
""",
    "operands of einsum": """
class Each:
    def __init__(self, n, m):
        self.W = np.random.randn(n, m)
    def forward(self, blocks):
        self.blocks = blocks
        return np.einsum("ij,bjk->bik", self.W, blocks)
    def backward(self, grad):
        self.dW = np.einsum("bik,bjk->ij", grad, self.blocks)
        return np.einsum("ij,bik->bjk", self.W, grad)
""",
    "halves": """
class Positions:
    def __init__(self, longest, width):
        table = np.zeros((longest, width))
        steps = np.arange(longest)[:, None] / np.arange(1, width, 2)
        table[:, 0::2], table[:, 1::2] = np.sin(steps), np.cos(steps)
        self.table = table[None]
    def forward(self, words):
        batch, length, _ = words.shape
        self.words = words
        return words * words + self.table[:, :length]
    def backward(self, dout):
        return 2 * dout * self.words
""",
    "channels in a product": """
class Squeeze:
    def __init__(self, planes, out):
        self.w = np.random.randn(out, planes * 4)
    def forward(self, x):
        n, c, h, w = x.shape
        self.shape, self.x = x.shape, x[:, :, :2, :2].reshape(n, -1)
        return self.x @ self.w.T
    def backward(self, dout):
        dx = np.zeros(self.shape)
        dx[:, :, :2, :2] = (dout @ self.w).reshape(self.shape[0], -1, 2, 2)
        self.dw = dout.T @ self.x
        return dx
""",
    "the axes that are put in another order": """
class Scores:
    def __init__(self, width):
        self.wk = np.random.randn(width, width)
    def forward(self, stream):
        self.x, self.k = stream, stream @ self.wk
        return stream @ self.k.transpose(0, 2, 1)
    def backward(self, dout):
        dk = dout.transpose(0, 2, 1) @ self.x
        self.dwk = np.einsum("bti,btj->ij", self.x, dk)
        return dout @ self.k + dk @ self.wk.T
""",
    "a place in a shape": """
LIMIT = [1, 2][5]  # what fails here is never reached
class Fold:
    def forward(self, block):
        self.shape = block.shape
        return block.reshape(-1, self.shape[2])
    def backward(self, dout):
        return dout.reshape(self.shape)
""",
    "a dictionary that layers fill": """
class Mix:
    def __init__(self, n):
        self.w = np.random.randn(n, n)
    def forward(self, x):
        self.x = x
        return x @ self.w
    def backward(self, dout, into):
        store(into, "mix", self.x.T @ dout)
        return dout @ self.w.T
def store(into, layer, dw):
    into[layer + "/w"] = dw
""",
    "an activation that is handed over": """
class Wrap:
    def __init__(self, squash):
        self.squash = squash
    def forward(self, x):
        self.y = self.squash(x)
        return self.y
    def backward(self, dout):
        return dout * (1 - self.y ** 2)
""",
}


@pytest.mark.parametrize("kind", [*TAUGHT])
def test_a_fault_teaches_what_a_parameter_is(kind):
    assert verdict("import numpy as np\n" + TAUGHT[kind]) == ("pass", None)


ANEW = """
import numpy as np

class Recurrent:
    def __init__(self, inputs, hidden, outputs, bptt_truncate=4):
        self.U, self.W = np.random.randn(hidden, inputs), np.random.randn(hidden, hidden)
        self.V, self.truncate = np.random.randn(outputs, hidden), bptt_truncate

    def feedforward(self, sequence):
        states = np.zeros((len(sequence) + 1, self.W.shape[0]))
        outputs = np.zeros((len(sequence), self.V.shape[0]))
        for t in range(len(sequence)):
            states[t] = np.tanh(self.U @ sequence[t] + self.W @ states[t - 1])
            outputs[t] = self.V @ states[t]
        return outputs, states

    def loss(self, x, y):
        return 0.5 * np.sum((self.feedforward(x)[0] - y) ** 2)

    def backprop_through_time(self, x, y):
        outputs, states = self.feedforward(x)
        dU, dW, dV = np.zeros_like(self.U), np.zeros_like(self.W), np.zeros_like(self.V)
        ahead = np.zeros(self.W.shape[0])
        for t in range(len(x))[::-1]:
            dV += np.outer(outputs[t] - y[t], states[t])
            delta = (self.V.T @ (outputs[t] - y[t]) + ahead) * (1 - states[t] ** 2)
            dU += np.outer(delta, x[t])
            dW += np.outer(delta, states[t - 1])
            ahead = self.W.T @ delta
        return dU, dW, dV
"""


def test_a_backward_part_that_computes_the_forward_part_anew_takes_its_inputs():
    (case,) = cases(ANEW)
    assert case.verdict == "pass", case.problem
    assert case.claims == 3
    (case,) = cases(ANEW.replace("ahead = self.W.T @", "ahead = self.W @"))
    assert case.verdict == "fail"


def test_a_product_with_an_entry_is_no_entry():
    text = """
import numpy as np
class Drop:
    def __init__(self, p):
        self.p = p
    def forward(self, x):
        cache = {"mask": np.random.rand(*x.shape) > self.p}
        return x * cache["mask"] * 1.5, cache
    def backward(self, dout, cache):
        return dout * 1.5 * cache["mask"]
"""
    assert verdict(text, bindings=[("p", "0.4")]) == ("pass", None)
    assert verdict(text.replace("dout * 1.5", "dout"), bindings=[("p", "0.4")])[0] == "fail"


def test_what_a_loss_keeps_as_the_gradient_of_its_inputs_is_that_of_its_input():
    text = """
import numpy as np
class SquaredError:
    def forward(self, y_pred, y_true):
        self.y_pred, self.y_true = y_pred, y_true
        return np.sum((y_true - y_pred) ** 2)
    def backward(self):
        self.dinputs = -2 * (self.y_true - self.y_pred)
"""
    assert verdict(text) == ("pass", None)
    assert verdict(text.replace("-2 *", "2 *"))[0] == "fail"


def test_a_method_that_computes_gradients_is_handed_the_upstream_gradient():
    text = """
import numpy as np
class Relu:
    def forward(self, x):
        self.out = np.maximum(0, x)
        return self.out
    def zero_grad(self):
        pass
    def compute_gradients(self, grads):
        input_grads = grads * (self.out > 0)
        return input_grads
"""
    assert verdict(text) == ("pass", None)
    assert verdict(text.replace("grads * (", "grads + ("))[0] == "fail"


def test_settings_of_another_layer_lack_nothing_usual():
    text = """
import numpy as np
def pad_forward(x, hparameters):
    p = hparameters["pad"]
    return np.pad(x, ((0, 0), (p, p))) * hparameters["stride"], (x, hparameters)
def pad_backward(dout, cache):
    x, hparameters = cache
    p = hparameters["pad"]
    return dout[:, p:-p] * hparameters["stride"]
hparameters = {"stride": 2, "f": 3}
"""
    assert verdict(text) == ("pass", None)


def test_what_a_layer_sends_back_may_be_called_eta():
    text = """
import numpy as np
class Pool:
    def __init__(self, size=2):
        self.size = size
    def forward(self, x):
        n, h, w, c = x.shape
        return x.reshape(n, h // 2, 2, w // 2, 2, c).mean(axis=(2, 4))
    def backward(self, eta):
        return (eta / self.size ** 2).repeat(2, axis=1).repeat(2, axis=2)
"""
    assert verdict(text) == ("pass", None)
    assert verdict(text.replace("** 2", ""))[0] == "fail"


PREPARED = {
    "build": """
class Dense:
    def __init__(self, units):
        self.units = units
    def build(self, input_shape):
        self.w = np.random.randn(input_shape[-1], self.units)
        self.b = np.zeros(self.units)
    def forward(self, x):
        self.x = x
        return x @ self.w + self.b
    def backward(self, dout):
        self.dw, self.db = self.x.T @ dout, dout.sum(axis=0)
        return dout @ self.w.T
""",
    "two steps and a dictionary": """
class Dense:
    def __init__(self, units=3):
        self.d, self.p, self.g = {"u": units}, {}, {}
    def compute_shapes(self, A):
        self.d["n"] = A.shape[1]
    def initialize_parameters(self):
        make(self)
    def forward(self, A):
        self.A = A
        return A @ self.p["W"] + self.p["b"]
    def backward(self, dout):
        self.g["dW"], self.g["db"] = self.A.T @ dout, dout.sum(axis=0)
        return dout @ self.p["W"].T
def make(layer):
    layer.p["W"] = np.random.randn(layer.d["n"], layer.d["u"])
    layer.p["b"] = np.zeros(layer.d["u"])
""",
    "from a network in another file": """
class Layer:
    def forward(self, x):
        self.x = x
        keep = self.np_rng.rand(*x.shape) < 0.7
        self.mask = keep / 0.7
        return (x * self.mask) @ self.W
    def backward(self, grad):
        self.dW = (self.x * self.mask).T @ grad
        return (grad @ self.W.T) * self.mask
""",
    "a cache under the name of the input": """
class Layer:
    def __init__(self, n):
        self.W = np.random.randn(n, n)
    def forward(self, A):
        self.A, self.kept = A, {}
        return np.tanh(A @ self.W)
    def backward(self, grad):
        self.kept["dA"] = grad
        dZ = grad * (1 - self.forward(self.A) ** 2)
        self.kept["dA"] = dA = dZ * 1.0
        self.dW = self.A.T @ dA
        dX = dA @ self.W.T
        return dX
""",
    "from outside": """
class Layer:
    def forward(self, x):
        self.x = x
        return np.tanh(x @ self.weights)
    def backward(self, grad):
        h = self.forward(self.x)
        self.weights_grad = self.x.T @ (grad * (1 - h ** 2))
        return (grad * (1 - h ** 2)) @ self.weights.T
class Net:
    def __init__(self, n):
        self.first = Layer()
        self.first.weights = np.random.randn(n, n)
""",
}


@pytest.mark.parametrize("kind", [*PREPARED])
def test_an_object_is_prepared_before_its_forward_part(kind):
    (case,) = cases("import numpy as np\n" + PREPARED[kind])
    assert case.verdict == "pass", case.problem
    assert case.claims > 1


@pytest.mark.parametrize("kind", [*PREPARED])
def test_a_slip_in_an_object_that_is_prepared_is_found(kind):
    text = "import numpy as np\n" + re.sub(r"((?:return|dX =) .*)(@ self\.\S*\.T.*|@ self.p\S*\.T)$",
                                          r"\1\2 * 2", PREPARED[kind], flags=re.MULTILINE)  # fmt: skip
    assert "* 2\n" in text
    assert verdict(text)[0] == "fail"


def test_an_attribute_that_nothing_sets_is_an_error():
    text = PREPARED["from outside"].replace("self.first.weights =", "self.first.w =")
    text = text.replace("self.weights_grad =", "self.kept =")
    said, problem = verdict("import numpy as np\n" + text)
    assert said == "error"
    assert "`Layer` has no attribute `weights`" in problem.message


def test_a_fault_in_no_name_teaches_nothing():
    stop = Stop(None, None, None, {}, lambda _: [], lambda _: ())
    assert lesson("this `raise` is reached", stop, {}) is None


# ---------------------------------------------------------------- numpy

NUMPY = {
    "strides": """
def f_forward(x):
    n = x.size
    s = x.itemsize
    windows = np.lib.stride_tricks.as_strided(x, shape=(n - 1, 2), strides=(s, s))
    return windows.prod(axis=1), x

def f_backward(dout, x):
    dx = np.zeros_like(x)
    dx[:-1] += dout * x[1:]
    dx[1:] += dout * x[:-1]
    return dx
""",
    "choose": """
def f_forward(x):
    y = np.array([1, 0, 1])
    return np.nan_to_num(np.choose(y, x)), x

def f_backward(dout, x):
    dx = np.zeros_like(x)
    dx[[1, 0, 1], np.arange(3)] = dout
    return dx
""",
    "orthogonal weights": """
Q = np.linalg.qr(np.random.randn(3, 3))[0]
def f_forward(x):
    u, s, vt = np.linalg.svd(np.eye(3))
    return x @ Q @ u, x

def f_backward(dout, x):
    return dout @ Q.T
""",
    "insert": """
def f_forward(x):
    return np.insert(x, 1, 7.0, axis=1) * np.arange(1.0, x.shape[1] + 2), x

def f_backward(dout, x):
    d = dout * np.arange(1.0, x.shape[1] + 2)
    return np.delete(d, 1, axis=1)
""",
}


@pytest.mark.parametrize("kind", [*NUMPY])
def test_a_function_of_numpy_is_read(kind):
    bindings = [("x", "randn(5)")] if kind == "strides" else [("x", "randn(2, 3)")]
    assert verdict("import numpy as np\n" + NUMPY[kind], bindings=bindings) == ("pass", None)


def test_strides_that_leave_the_array_are_an_error():
    text = "import numpy as np\n" + NUMPY["strides"].replace("(n - 1, 2)", "(n, 2)")
    said, problem = verdict(text, bindings=[("x", "randn(5)")])
    assert said == "error"
    assert "leave the array" in problem.message


def test_a_package_is_imported_from_inside(tmp_path):
    (tmp_path / "__init__.py").write_text("from .base import Base\n")
    (tmp_path / "base.py").write_text("class Base:\n    factor = 2.0\n")
    text = """
from . import Base

class Double(Base):
    def forward(self, x):
        return x * self.factor
    def backward(self, dout):
        return dout * self.factor
"""
    assert verdict(text, name=str(tmp_path / "double.py")) == ("pass", None)


# ---------------------------------------------------------------- scripts

LECTURE = """
import math
x = 3; y = -4
sigy = 1.0 / (1 + math.exp(-y))
num = x + sigy
f = num * 2
dnum = 2
dx = 1 * dnum
dsigy = dnum
dy = (1 - sigy) * sigy * dsigy
"""
TRAINING = """
import numpy as np

def sigmoid(z):
    return 1 / (1 + np.exp(-z))

np.random.seed(1)
X = np.random.randn(5, 3)
y = np.array([0, 1, 1, 0, 1.0]).reshape(-1, 1)
W = np.random.randn(3, 1)
b = np.zeros((1, 1))
for epoch in range(1000):
    a = sigmoid(X.dot(W) + b)
    loss = -np.mean(y * np.log(a) + (1 - y) * np.log(1 - a))
    if epoch % 10 == 0:
        print(loss)
    dz = (a - y) / 5
    dW = X.T.dot(dz)
    db = dz.sum(axis=0, keepdims=True)
    W -= 0.1 * dW
    b -= 0.1 * db
"""


@pytest.mark.parametrize("text", [LECTURE, TRAINING])
def test_a_script_is_read_as_it_stands(text):
    assert verdict(text) == ("pass", None)


@pytest.mark.parametrize(
    ("text", "old", "new", "line"),
    [
        (LECTURE, "(1 - sigy) * sigy", "sigy", 10),
        (TRAINING, "(a - y) / 5", "(y - a) / 5", 17),
        (TRAINING, "X.T.dot(dz)", "X.T.dot(a - y)", 18),
    ],
)
def test_a_slip_in_a_script_is_found_at_its_line(text, old, new, line):
    (case,) = cases(text.replace(old, new))
    assert case.verdict == "fail"
    assert [x.line for x in case.lines if x.verdict == "fail" and x.local] == [line]


def test_a_script_s_own_upstream_gradient_is_that_of_its_output():
    text = "import numpy as np\nx = np.array([1.0, 2.0])\ny = x ** 2\ndy = np.array([0.5, 3.0])\n"
    assert verdict(text + "dx = 2 * x * dy\n") == ("pass", None)
    assert verdict(text + "dx = 2 * x\n")[0] == "fail"


def test_an_array_without_a_gradient_of_its_own_is_no_output():
    text = "import numpy as np\nx = np.array([1.0, 2.0])\ny = x ** 2\ndx = 2 * x\n"
    said, problem = verdict(text)
    assert said == "error"
    assert "`y` is an array" in problem.message


def test_a_script_that_only_calls_its_functions_is_their_test():
    text = """
import numpy as np
def f_forward(x, w):
    return x * w, (x, w)
def f_backward(dout, cache):
    x, w = cache
    return dout * w, dout * x
x, w = np.random.randn(3), np.random.randn(3)
out, cache = f_forward(x, w)
dx, dw = f_backward(np.ones(3), cache)
"""
    assert [case.expression for case in cases(text)] == ["f_forward and f_backward"]


def test_a_text_that_is_not_there_is_a_sample(tmp_path):
    text = """
import numpy as np
words = open("corpus.txt").read()
letters = sorted(set(words))
size = len(letters)
W = np.random.randn(size, 4)
def loss(k):
    dW = np.zeros_like(W)
    dW[k] = 2 * W[k]
    return np.sum(W[k] ** 2), dW
"""
    (case,) = cases(text, name=str(tmp_path / "file.py"), bindings=[("k", "1")])
    assert case.verdict == "pass", case.problem
    assert "corpus.txt" in " ".join(case.notes)
    (tmp_path / "corpus.txt").write_text("ab")
    (case,) = cases(text, name=str(tmp_path / "file.py"), bindings=[("k", "1")])
    assert case.verdict == "pass"
    assert "corpus.txt" not in " ".join(case.notes)


# ---------------------------------------------------------------- Python's own constructs

DOUBLE = "def f_backward(dout, {}):\n    return 2.0 * dout\n"
CONSTRUCTS = {
    "namedtuple": "from collections import namedtuple\nCache = namedtuple('Cache', 'x k')\n"
    "def f_forward(x):\n    return x * 3, Cache(x, 3)\n"
    "def f_backward(dout, cache):\n    x, k = cache\n    return dout * cache.k * k / cache[1]\n",
    "NamedTuple": "from typing import NamedTuple\nclass Cache(NamedTuple):\n    x: object\n"
    "    k: float = 2.0\ndef f_forward(x):\n    return x * 2, Cache(x=x)\n"
    "def f_backward(dout, cache):\n    return dout * cache.k\n",
    "dataclass": "from dataclasses import dataclass\n@dataclass\nclass Options:\n    a: float\n"
    "    b: float = 4.0\ndef f_forward(x):\n    o = Options(0.5)\n    return x * o.a * o.b, o\n"
    + DOUBLE.format("o"),
    "yield": "def halves(n):\n    for k in range(n):\n        yield 0.5\n    yield from [0.25, 0.25]\n"
    "def f_forward(x):\n    return sum(k * x for k in halves(3)), x\n" + DOUBLE.format("x"),
    "vectorize": "bend = np.vectorize(lambda v: v * 2 if v > 0 else v)\n"
    "def f_forward(x):\n    return bend(x), x\n"
    "def f_backward(dout, x):\n    return dout * np.where(x > 0, 2, 1)\n",
    "apply_along_axis": "def f_forward(x):\n"
    "    return np.apply_along_axis(lambda r: r * r.sum(), 0, x), x\n"
    "def f_backward(dout, x):\n    return dout * x.sum(axis=0) + (dout * x).sum(axis=0)\n",
    "out by position": "def f_forward(x):\n    y = x.copy()\n    np.maximum(y, 0, y)\n    return y, x\n"
    "def f_backward(dout, x):\n    return dout * (x > 0)\n",
    "property that is set": "class Layer:\n    def __init__(self):\n        self.size = 2.0\n"
    "    @property\n    def size(self):\n        return self._size * 2\n"
    "    @size.setter\n    def size(self, value):\n        self._size = value / 2\n"
    "    def forward(self, x):\n        return x * self.size\n"
    "    def backward(self, dout):\n        return dout * 2.0\n",
    "partial": "from functools import partial\ndef scaled(k, x):\n    return k * x\n"
    "twice = partial(scaled, 2.0)\ndef f_forward(x):\n    return twice(x), x\n"
    + DOUBLE.format("x"),
    "text is a text": "def f_forward(x, act='dou' + 'ble'):\n    if act is 'double':\n"
    "        x = 2 * x\n    return x, act\n" + DOUBLE.format("act"),
    "dictionary of gradients": "def loss(params):\n"
    "    total = sum(np.sum(v ** 2) for v in params.values())\n"
    "    return total, {k: 2 * v for k, v in params.items()}\n",
    "CuPy": "import cupy as cp\nimport cupyx\ndef f_forward(x):\n"
    "    xp = cp.get_array_module(x)\n    return xp.exp(cp.asnumpy(x)).get(), x\n"
    "def f_backward(dout, x):\n    dx = cp.zeros_like(x)\n"
    "    cupyx.scatter_add(dx, np.arange(len(x)), dout * cp.exp(x))\n    return dx\n",
    "enumeration": "import enum\nfrom enum import Enum, auto\nclass Mode(str, enum.Enum):\n"
    "    SUM = 'sum'\n    MEAN = 'mean'\nclass Kind(Enum):\n    ONE = auto()\n"
    "    TWO = auto()\ndef f_forward(x, mode='mean'):\n    mode = Mode(mode)\n"
    "    k = Kind.TWO.value if mode is Mode.MEAN and Kind(2) == Kind.TWO else 7\n"
    "    return x * k, Mode(mode)\n" + DOUBLE.format("mode"),
    "match": "def f_forward(x, act='double', size=(2, 3)):\n    match act, size:\n"
    "        case 'double' | 'twice', (2, n) if n > 5:\n            return x * 9, act\n"
    "        case 'double' as name, [2, n]:\n            return x * (n - 1), name\n"
    "        case _:\n            raise ValueError(act)\n" + DOUBLE.format("act"),
    "clip of padding": "def f_forward(x):\n    return np.clip(np.pad(x, 1), -1, 1), x\n"
    "def f_backward(dout, x):\n    return dout[1:-1] * (np.abs(x) < 1)\n",
}


@pytest.mark.parametrize("kind", [*CONSTRUCTS])
def test_a_construct_is_read(kind):
    bindings = [("params", "{'a': randn(2), 'b': randn(3)}")] if "dictionary" in kind else []
    bindings += [("x", "[[0.3, -2.0], [1.5, 0.7]]")] if kind == "apply_along_axis" else []
    bindings += [("x", "[0.3, -2.0, 1.5]")] if kind in ("vectorize", "clip of padding") else []
    assert verdict("import numpy as np\n" + CONSTRUCTS[kind], bindings=bindings) == ("pass", None)


def test_a_value_that_is_no_member_is_an_error():
    text = "from enum import Enum\nclass Mode(Enum):\n    SUM = 'sum'\ndef f_forward(x):\n"
    text += "    return x * 2, Mode('mean')\n" + DOUBLE.format("mode")
    said, problem = verdict(text, bindings=[("x", "1.5")])
    assert (said, problem.line) == ("error", 5)
    assert (problem.message, problem.hint) == ("'mean' is no value of `Mode`", "these are 'sum'")


def test_values_for_a_class_without_a_constructor_are_an_error():
    text = "class A:\n    pass\ndef f_forward(x):\n    a = A(2)\n    return x * 2, x\n"
    said, problem = verdict(text + DOUBLE.format("x"), bindings=[("x", "1.5")])
    assert said == "error"
    assert problem.message == "A() takes no arguments"
    assert problem.line == 4


def test_the_compiled_helpers_of_courses_are_taken_for_what_they_are():
    text = """
import numpy as np
from im2col_cython import col2im_cython, im2col_cython, col2im_6d_cython

def f_forward(x):
    return im2col_cython(x, 2, 2, 1, 2), x.shape

def f_backward(dout, shape):
    n, c, h, w = shape
    dx = col2im_cython(dout, n, c, h, w, 2, 2, 1, 2)
    wide = dout.reshape(c, 2, 2, h // 2 + 1, w // 2 + 1, n).transpose(0, 1, 2, 5, 3, 4)
    return (dx + col2im_6d_cython(wide, n, c, h, w, 2, 2, 1, 2)) / 2
"""
    assert verdict(text, bindings=[("x", "randn(2, 3, 4, 4)")]) == ("pass", None)


# ---------------------------------------------------------------- lines that stand for several

UNROLLED = """
import numpy as np

def back(d, h, w):
    dh = d * (1 - h ** 2)
    return dh @ w.T, h.T @ dh

def rnn_forward(x, w):
    hs = [x]
    for t in range(3):
        hs.append(np.tanh(hs[-1] @ w))
    return hs[-1], (hs, w)

def rnn_backward(dout, cache):
    hs, w = cache
    dw = np.zeros_like(w)
    for t in reversed(range(3)):
        dh = dout * (1 - hs[t + 1] ** 2)
        dw += hs[t].T @ dh * (2 if t == 1 else 1)
        dout = dh @ w.T
    return dout, dw
"""


def test_a_line_that_stands_for_several_statements_names_the_first_that_fails(gradcli, tmp_path):
    (case,) = cases(UNROLLED, bindings=[("x", "randn(2, 3)"), ("w", "randn(3, 3)")])
    accused = [line for line in case.lines if line.verdict == "fail" and line.local]
    assert {(line.line, *line.turn) for line in accused} == {(19, "t = 1")}
    assert accused[0].occasion == "t = 1"
    path = tmp_path / "rnn.py"
    path.write_text(UNROLLED)
    out = gradcli("check", str(path), "x=randn(2, 3)", "w=randn(3, 3)").out
    assert out.count("dw (t = 1)") == 1
    assert "(t = 2)" not in out


def test_a_line_in_a_call_says_where_it_was_called():
    text = UNROLLED.replace("dw += hs[t].T @ dh * (2 if t == 1 else 1)", "g = 0").replace(
        "dout = dh @ w.T", "dout, g = back(dout, hs[t + 1], w); dw += g"
    )
    (case,) = cases(text, bindings=[("x", "randn(2, 3)"), ("w", "randn(3, 3)")])
    inner = [line for line in case.lines if line.line == 5]
    assert {tuple(line.calls) for line in inner} == {(20,)}
    assert inner[0].occasion == "t = 2, called in line 20"


# ---------------------------------------------------------------- functions of numbers

OF_NUMBERS = {
    "tuple": "def product(x, y):\n    f = x * y\n    dx = y\n    dy = x\n    return f, (dx, dy)\n",
    "flat": "def product(x, y):\n    f = x * y\n    dx = y\n    dy = x\n    return f, dx, dy\n",
    "branch": "import math\ndef squash(x, y):\n    e = math.exp(-abs(x))\n"
              "    s = (1 if x >= 0 else e) / (1 + e)\n    f = s * y\n"
              "    dx = s * (1 - s) * y\n    dy = s\n    return f, dx, dy\n",
    "math": "import math\ndef waves(x, y):\n    f = math.sin(x) * math.exp(y)\n"
            "    dx = math.cos(x) * math.exp(y)\n    dy = f\n    return f, dx, dy\n",
}  # fmt: skip


@pytest.mark.parametrize("name", OF_NUMBERS)
def test_functions_of_numbers_are_read_with_numbers(name):
    """Nobody gives the inputs, and arrays would not give the one number that is differentiated."""
    (case,) = cases(OF_NUMBERS[name])
    assert case.verdict == "pass"
    assert any(re.search(r"inferred from the code: x = 0\.\d+, y = ", note) for note in case.notes)


@pytest.mark.parametrize("name", OF_NUMBERS)
def test_a_mistake_in_a_function_of_numbers_fails(name):
    wrong = OF_NUMBERS[name].replace("    dx = ", "    dx = -")
    assert cases(wrong)[0].verdict == "fail"


def test_math_takes_one_number():
    text = (
        "import math\ndef waves(x):\n    f = math.sin(x)\n    dx = math.cos(x)\n    return f, dx\n"
    )
    (case,) = cases(text, bindings=[("x", "[1.0, 2.0]")])
    assert case.verdict == "error"
    assert "`math.sin` takes one number" in case.problem.message


# ---------------------------------------------------------------- repairs in Python

AFFINE = """
import numpy as np

class Affine:
    def __init__(self, W, b):
        self.W = W
        self.b = b

    def forward(self, x):
        self.x = x
        self.h = np.tanh(np.dot(x, self.W) + self.b)
        return self.h

    def backward(self, dout):
        dz = dout * (1 - self.h ** 2)
        self.dW = np.dot(self.x.T, dz)  # the weights
        self.db = np.sum(dz, axis=0)
        return dz.dot(self.W.T)
"""
SLIPS = [
    ("1 - self.h ** 2", "1 - self.h", "dropped-power", "dz = dout * (1 - self.h**2)"),
    ("1 - self.h", "1 + self.h", "sign", "dz = dout * (1 - self.h ** 2)"),
    ("self.x.T, dz", "self.h.T, dz", "wrong-cache", "self.dW = np.dot(self.x.T, dz)"),
    ("(self.x.T, dz)", "(self.x.T, dout)", "wrong-cache", "self.dW = np.dot(self.x.T, dz)"),
    ("np.sum(dz", "3 * np.sum(dz", "dropped-factor", "self.db = np.sum(dz, axis=0)"),
    ("return dz.dot", "return -dz.dot", "sign", "dz.dot(self.W.T)"),
]


@pytest.mark.parametrize(("old", "new", "mistake", "repair"), SLIPS)
def test_a_slip_in_python_has_its_name_and_a_repair_in_python(old, new, mistake, repair):
    bindings = [("x", "randn(4, 3)"), ("W", "randn(3, 3)"), ("b", "randn(3)")]
    (case,) = cases(AFFINE.replace(old, new, 1), bindings=bindings)
    (line,) = [line for line in case.lines if line.local]
    assert (line.mistake, line.repair) == (mistake, repair)


def test_repairs_of_several_subjects_are_one_diff_of_their_file(gradcli, tmp_path):
    path = tmp_path / "slips.py"
    text = (
        AFFINE.replace("(dz, axis", "(2 * dz, axis")
        + """

def loss(w, X, y):
    r = X @ w - y
    return np.sum(r ** 2), X.T @ r
"""
    )
    path.write_text(text)
    out = gradcli("check", "--fix", str(path)).out
    assert out.count("--- ") == 1
    assert "+    return np.sum(r ** 2), X.T @ r * 2" in out
    assert "+        self.db = np.sum(dz, axis=0)" in out


# ---------------------------------------------------------------- the lecture's gate as printed

GATE = """class MultiplyGate(object):
    def forward(x,y):
        z = x*y
        self.x = x # must keep these around!
        self.y = y
        return z
    def backward(dz):
        dx = self.y * dz # [dz/dx * dL/dz]
        dy = self.x * dz # [dz/dy * dL/dz]
        return [dx, dy]
"""


def test_a_method_without_self_is_told_at_its_line():
    said, problem = verdict(GATE)
    assert (said, problem.line) == ("error", 2)
    assert problem.message == "the method `forward` lacks its first parameter `self`"
    assert problem.hint == "write `def forward(self, x, y)`, or --fix-self"


def test_a_method_without_self_is_read_with_it_where_that_is_asked_for(gradcli, tmp_path):
    (case,) = cases(GATE, fix_self=True)
    assert case.verdict == "pass"
    assert "line 2: `forward` is read as if it had `self`" in case.notes
    (case,) = cases(GATE.replace("self.y * dz", "self.x * dz"), fix_self=True)
    assert [line.line for line in case.lines if line.local] == [8]
    path = tmp_path / "gate.py"
    path.write_text(GATE)
    assert gradcli("check", str(path), "--fix-self").code == 0
    assert gradcli("check", str(path)).code == 2


# ---------------------------------------------------------------- what is no program

FOREIGN = {
    "The gradient of the loss is computed first.\n": ("this is a sentence, not a program", "#"),
    "I did not do it, sorry\n": ("this is a sentence, not a program", "#"),
    "Dear Professor,\n": ("this is a sentence, not a program", "#"),
    "Name: Ann Lee, group 3\n": ("this is a sentence, not a program", "#"),
    "Computation Graph\n": ("this is a sentence, not a program", "#"),
    "Multivariate chain rule\n": ("this is a sentence, not a program", "#"),
    "1. Fprop: visit nodes in topological sort order\n": ("this is a sentence, not a program", "#"),
    "f = x^{2} y\n": ("this is LaTeX, not a program", "write `f = x**2 * y`"),
    "\\[f = x\\]\n": ("this is LaTeX, not a program", "write `f = x`"),
    "x = 2\nf = \\frac{x}{2}\n": ("this is LaTeX, not a program", "write `f = x / 2`"),
    "x = 2\nf = $x$\n": ("this is LaTeX, not a program", "write `f = x`"),
    "x = 2\nf = x*x\n\u2202f/\u2202x = 2*x\n": (
        "a derivative in the signs of mathematics",
        "write `dx = ...`",
    ),
}


@pytest.mark.parametrize("suffix", ["py", "grad"])
@pytest.mark.parametrize("text", [*FOREIGN])
def test_text_that_is_no_program_is_called_what_it_is(gradcli, tmp_path, text, suffix):
    path = tmp_path / f"pasted.{suffix}"
    path.write_text(text)
    ended = gradcli("check", str(path))
    message, advice = FOREIGN[text]
    assert ended.code == 2
    assert message in ended.out + ended.err
    assert advice in ended.out + ended.err


def test_consoles_of_notebooks_are_pasted():
    text = """In [1]: def f_forward(x):
   ...:     return x * 2.0, x
   ...:

In [2]: def f_backward(dout, x):
   ...:     return 2.0 * dout
"""
    assert verdict(text) == ("pass", None)


def test_a_class_may_have_its_methods_from_a_file_beside(tmp_path):
    (tmp_path / "activation.py").write_text("""
class Activation:
    def __init__(self, function, prime):
        self.function = function
        self.prime = prime

    def forward(self, input):
        self.input = input
        return self.function(self.input)

    def backward(self, output_gradient):
        return output_gradient * self.prime(self.input)
""")
    text = """
import numpy as np
from activation import Activation

class Tanh(Activation):
    def __init__(self):
        def tanh(x):
            return np.tanh(x)

        def tanh_prime(x):
            return 1 - np.tanh(x) ** 2

        super().__init__(tanh, tanh_prime)
"""
    path = str(tmp_path / "tanh.py")
    (case,) = cases(text, name=path)
    assert case.verdict == "pass"
    (case,) = cases(text.replace("1 - np.tanh(x)", "1 + np.tanh(x)"), name=path)
    assert case.verdict == "fail"


def test_sizes_that_python_2_divides_are_whole():
    text = """
import numpy as np
def f_forward(x):
    y = np.pad(x, (3 - 1) / 2, mode="constant")
    y.shape = (-1, y.size / 5)
    return y * 2, x.shape
def f_backward(dout, shape):
    return 2 * dout.reshape(5, 5)[1:-1, 1:-1]
"""
    assert verdict(text, bindings=[("x", "randn(3, 3)")]) == ("pass", None)


def test_a_seed_is_a_whole_number_that_may_be_0():
    text = """
import numpy as np
def f_forward(x, seed):
    noise = np.random.RandomState(seed).rand(*x.shape)
    return x * noise, noise
def f_backward(dout, noise):
    return dout * noise
"""
    assert verdict(text) == ("pass", None)


def test_a_metric_with_its_words_is_no_subject():
    text = PAIR_AND_METRIC
    assert [case.expression for case in cases(text)] == ["f_forward and f_backward"]


PAIR_AND_METRIC = """
import numpy as np
def mean_square_error(preds, targets):
    mse = np.mean((preds - targets) ** 2)
    return mse, {"mse": mse}
def f_forward(x):
    return x * 2, x
def f_backward(dout, x):
    return dout * 2
"""


def test_targets_of_one_example_are_shares_of_1():
    text = """
import numpy as np
class CrossEntropy:
    def forward(self, x, y):
        self.p = np.exp(x) / np.exp(x).sum(axis=0)
        return -(y * np.log(self.p)).sum(axis=0).mean()
    def backward(self, x, y):
        return self.p - y
"""
    bindings = [("x", "[0.3, -0.2, 1.1]")]
    assert verdict(text, bindings=bindings) == ("pass", None)
    assert verdict(text.replace("self.p - y", "self.p + y"), bindings=bindings)[0] == "fail"


# ---------------------------------------------------------------- what must not be guessed wrongly

POOL = """
import numpy as np

def max_pool_forward(x, pool_param):
    N, C, H, W = x.shape
    h, w, s = pool_param['pool_height'], pool_param['pool_width'], pool_param['stride']
    out = np.zeros((N, C, 1 + (H - h) // s, 1 + (W - w) // s))
    for i in range(out.shape[2]):
        for j in range(out.shape[3]):
            out[:, :, i, j] = x[:, :, i*s:i*s+h, j*s:j*s+w].max(axis=(2, 3))
    return out, (x, pool_param)

def max_pool_backward(dout, cache):
    x, pool_param = cache
    h, w, s = pool_param['pool_height'], pool_param['pool_width'], pool_param['stride']
    dx = np.zeros_like(x)
    for n in range(x.shape[0]):
        for c in range(x.shape[1]):
            for i in range(dout.shape[2]):
                for j in range(dout.shape[3]):
                    window = x[n, c, i*s:i*s+h, j*s:j*s+w]
                    dx[n, c, i*s:i*s+h, j*s:j*s+w] = (window == window.max())*dout[n, c, i, j]
    return dx
"""


def test_windows_of_a_pool_do_not_overlap_unless_they_are_said_to():
    assert verdict(POOL) == ("pass", None)
    assert verdict(POOL, bindings=[("pool_param", {"pool_height": 2, "pool_width": 2, "stride": 1})])[0] == "fail"  # fmt: skip


def test_a_learn_rate_is_one_number():
    text = """
class Scale:
    def __init__(self):
        self.w = np.ones(3)

    def forward(self, x):
        self.x = x
        return x*self.w

    def backprop(self, d_L_d_out, learn_rate):
        d_L_d_w = np.sum(d_L_d_out*self.x, axis=0)
        d_L_d_x = d_L_d_out*self.w
        self.w -= learn_rate*d_L_d_w
        return d_L_d_x
"""
    assert verdict("import numpy as np\n" + text) == ("pass", None)


MASKED = """
import numpy as np

def sigmoid(x):
    out = np.empty_like(x)
    positive = x >= 0
    out[positive] = 1/(1 + np.exp(-x[positive]))
    out[~positive] = np.exp(x[~positive])/(1 + np.exp(x[~positive]))
    return out

def sigmoid_deriv(x):
    s = sigmoid(x)
    return s*(1 - s)
"""


def test_a_mask_may_be_one_of_a_single_number():
    assert verdict(MASKED, bindings=[("x", 0.3)]) == ("pass", None)
    assert verdict(MASKED.replace("(1 - s)", "s"), bindings=[("x", 0.3)])[0] == "fail"
