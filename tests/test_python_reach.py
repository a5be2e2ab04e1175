"""Published Python as it stands: values from a file's own tests, and from what readings teach."""

from __future__ import annotations

import re

import pytest
from python_cases import cases, verdict

from gradcli.python.parameters.lessons import Stop, lesson

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
