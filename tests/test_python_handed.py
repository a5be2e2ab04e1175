"""What a backward part is handed that no forward part gives: counts of examples, and caches."""

from __future__ import annotations

import pytest
from python_cases import case_of, cases, first_accused, verdict

NETWORK = """import numpy as np

class Network:
    def __init__(self):
        self.W1 = np.random.randn(6, 5)
        self.b1 = np.random.randn(6, 1)
        self.W2 = np.random.randn(3, 6)
        self.b2 = np.random.randn(3, 1)

    def softmax(self, Z):
        e = np.exp(Z - np.max(Z, axis=0))
        return e / np.sum(e, axis=0)

    def one_hot(self, Y):
        hot = np.zeros((Y.size, 3))
        hot[np.arange(Y.size), Y] = 1
        return hot.T

    def forward_prop(self, X):
        Z1 = self.W1.dot(X) + self.b1
        A1 = np.maximum(Z1, 0)
        Z2 = self.W2.dot(A1) + self.b2
        A2 = self.softmax(Z2)
        return Z1, A1, Z2, A2

    def back_prop(self, Z1, A1, A2, X, Y, COUNT):
        dZ2 = (1 / COUNT) * (A2 - self.one_hot(Y))
        self.dW2 = dZ2.dot(A1.T)
        self.db2 = np.sum(dZ2, axis=1).reshape(3, 1)
        dZ1 = self.W2.T.dot(dZ2) * (Z1 > 0)
        self.dW1 = dZ1.dot(X.T)
        self.db1 = np.sum(dZ1, axis=1).reshape(6, 1)
"""
ALONE = "import numpy as np\n\ndef NAME_backward(dA, cache):\n    "


@pytest.mark.parametrize("count", ["batch_size", "m", "n_samples", "N"])
def test_what_is_only_divided_by_is_the_number_of_examples(count):
    assert verdict(NETWORK.replace("COUNT", count)) == ("pass", None)


def test_a_network_that_divides_by_it_twice_is_wrong_where_it_does():
    twice = NETWORK.replace("COUNT", "m").replace("dZ1 = self", "dZ1 = (1 / m) * self")
    assert (
        first_accused(twice)
        == twice.splitlines().index("        dZ1 = (1 / m) * self.W2.T.dot(dZ2) * (Z1 > 0)") + 1
    )


@pytest.mark.parametrize(("name", "body"), [
    ("sigmoid", "s = 1 / (1 + np.exp(-cache))\n    return dA * s * (1 - s)"),
    ("sigmoid", "return dA * cache * (1 - cache)"),
    ("tanh", "return dA * (1 - np.tanh(cache) ** 2)"),
    ("tanh", "return dA * (1 - cache ** 2)"),
    ("relu", "dZ = np.array(dA, copy=True)\n    dZ[cache <= 0] = 0\n    return dZ"),
])  # fmt: skip
def test_of_a_known_function_the_cache_is_its_input_or_its_output(name, body):
    case = case_of(ALONE.replace("NAME", name) + body)
    assert case.verdict == "pass", case.lines
    assert f"`{name}`, which is not in the file, is what its name says" in case.notes


@pytest.mark.parametrize(("name", "body"), [
    ("sigmoid", "s = 1 / (1 + np.exp(-cache))\n    return dA * s * (1 + s)"),
    ("tanh", "return dA * (1 - cache)"),
    ("relu", "return dA * (cache < 0)"),
])  # fmt: skip
def test_a_wrong_slope_of_a_known_function_is_wrong_for_both(name, body):
    assert case_of(ALONE.replace("NAME", name) + body).verdict == "fail"


def test_a_forward_part_beside_the_file_comes_before_one_that_everybody_knows(tmp_path):
    (tmp_path / "relu.py").write_text("import numpy as np\n\ndef relu(z):\n"
                                      "    return np.where(z > 0, z, 0.1 * z), z\n")  # fmt: skip
    path = tmp_path / "relu_backward.py"
    text = ALONE.replace("NAME", "relu") + "return dA * np.where(cache > 0, 1, 0.1)"
    path.write_text(text)
    assert [case.verdict for case in cases(text, name=str(path))] == ["pass"]


SIGMOID = "import numpy as np\n\ndef sigmoid(z):\n    return 1 / (1 + np.exp(-z))\n\n"


@pytest.mark.parametrize(("parameters", "body"), [
    ("da, a", "da * a * (1 - a)"),
    ("da, s", "da * s * (1 - s)"),
    ("grad, x", "grad * sigmoid(x) * (1 - sigmoid(x))"),
    ("x, grad", "grad * sigmoid(x) * (1 - sigmoid(x))"),
    ("grad, act", "grad * sigmoid(act) * (1 - sigmoid(act))"),
])  # fmt: skip
def test_the_only_other_operand_is_the_input_or_the_output(parameters, body):
    text = f"{SIGMOID}def sigmoid_backward({parameters}):\n    return {body}\n"
    assert verdict(text) == ("pass", None)
    assert first_accused(text.replace("(1 - ", "(2 - ")) == 7


@pytest.mark.parametrize("parameters", ["dout, X, W", "X, W, dout", "W, X, dout", "dout, inp, w"])
def test_operands_under_other_names_are_those_at_their_places(parameters):
    inner = parameters.replace("dout", "").strip(", ").split(", ")
    x, w = inner if inner[0] != "W" else inner[::-1]
    text = (
        "def linear_forward(x, w, b):\n    return x @ w + b\n\n"
        f"def linear_backward({parameters}):\n"
        f"    return dout @ {w}.T, {x}.T @ dout, dout.sum(axis=0)\n"
    )
    assert verdict(text) == ("pass", None)
    assert verdict(text.replace("sum", "mean"))[0] == "fail"


CELL = """import numpy as np

class Cell:
    def __init__(self, width):
        self.W = np.random.randn(width, width)

    def forward(self, x, h_prev=None):
        self.h_prev = h_prev
        self.h = np.tanh(x + np.dot(h_prev, self.W))
        return self.h

    def backward(self, dh):
        dz = dh * (1 - self.h ** 2)
        self.dW = np.dot(self.h_prev.T, dz)
        return dz, np.dot(dz, self.W.T)
"""


def test_what_may_be_left_out_and_is_computed_with_is_an_input():
    assert verdict(CELL) == ("pass", None)
    assert first_accused(CELL.replace("self.h ** 2", "self.h")) == 13


STATES = """import numpy as np

class State:
    def __init__(self, width):
        self.g = np.zeros(width)
        self.s = np.zeros(width)
        self.h = np.zeros(width)

class Cell:
    def __init__(self, width):
        self.state = State(width)

    def forward_pass(self, x, W, s_prev=None):
        self.x = x
        self.state.g = np.tanh(np.dot(W, x))
        self.state.s = self.state.g + s_prev
        self.state.h = self.state.s ** 2

    def backward_pass(self, diff_h, diff_s, W):
        ds = 2 * self.state.s * diff_h + diff_s
        dg = (1 - self.state.g ** 2) * ds
        self.dW = np.outer(dg, self.x)
"""


def test_what_a_part_of_an_object_keeps_is_the_output_of_each_upstream_gradient():
    assert verdict(STATES) == ("pass", None)
    assert first_accused(STATES.replace("2 * self.state.s * diff_h", "self.state.s * diff_h")) == 20


OUTER = """import numpy as np

class Dense:
    def __init__(self, n, m):
        self.W = np.random.randn(m, n)

    def forward(self, x):
        self.x = x
        return np.dot(x, self.W.T)

    def backward(self, dout):
        self.dW = np.outer(dout, self.x)
        return np.dot(dout, self.W)
"""


def test_an_outer_product_is_one_of_vectors_and_accuses_no_rows():
    assert verdict(OUTER) == ("pass", None)
    assert first_accused(OUTER.replace("np.outer(dout, ", "np.outer(2 * dout, ")) == 12
