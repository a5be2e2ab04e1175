"""What other code sets of an object: operands, upstream gradients, shapes; parts of one whole."""

from __future__ import annotations

import pytest
from python_cases import accused_rows, case_of, cases

KEPT = """
import numpy as np

class Stage:
    def __init__(self):
        self.operand = None
        self.input = None
        self.output_deltas = None

class Bend(Stage):
    def forward_pass(self):
        self.output = np.tanh(self.input)
        return self.output

    def backward_pass(self, settings):
        self.input_deltas = self.output_deltas * (1 - self.output ** 2)
        return self.input_deltas
"""


def test_operands_and_upstream_gradients_may_be_set_from_elsewhere():
    case = case_of(KEPT)
    assert case.verdict == "pass", case.problem
    assert "gradients: self.input_deltas of input" in case.notes


@pytest.mark.parametrize(("right", "wrong"), [
    ("1 - self.output ** 2", "1 + self.output ** 2"),
    ("1 - self.output ** 2", "1 - self.output"),
    ("self.output_deltas * (1 - self.output ** 2)", "1 - self.output ** 2"),
])  # fmt: skip
def test_what_is_set_from_elsewhere_hides_no_mistake(right, wrong):
    line = "self.input_deltas = self.output_deltas * (1 - self.output ** 2)".replace(right, wrong)
    assert accused_rows(KEPT.replace(right, wrong)) == {line}


DENSE = (
    KEPT[: KEPT.index("class Bend")]
    + """class Dense(Stage):
    def __init__(self, rows, cols):
        super().__init__()
        self.w = np.random.randn(rows, cols)
        self.b = np.zeros((1, cols))

    def forward_pass(self):
        return self.input @ self.w + self.b

    def backward_pass(self, settings):
        pace, _ = settings
        passed = self.output_deltas @ self.w.T
        self.w -= pace * self.input.T @ self.output_deltas
        self.b -= pace * self.output_deltas.sum(axis=0)
        return passed
"""
)


def test_a_number_that_the_forward_part_has_not_seen_is_a_rate():
    assert case_of(DENSE).verdict == "pass"


@pytest.mark.parametrize(("right", "wrong"), [
    ("pace * self.output_deltas.sum(axis=0)", "pace * self.output_deltas.mean(axis=0)"),
    ("pace * self.input.T @", "pace * 2 * self.input.T @"),
    ("self.b -= pace", "self.b += pace"),
    ("@ self.w.T", "@ self.w.T * pace"),
])  # fmt: skip
def test_rates_without_a_usual_name_hide_no_mistake(right, wrong):
    (line,) = [x for x in DENSE.splitlines() if right in x]
    assert line.replace(right, wrong).strip() in accused_rows(DENSE.replace(right, wrong))


def test_errors_of_the_other_sign_are_undecided_and_gradients_of_it_are_wrong():
    uphill = DENSE.replace("-= pace", "+= pace")
    case = case_of(uphill)
    assert case.verdict == "error"
    assert "is minus a gradient" in case.problem.message
    assert len(accused_rows(uphill.replace("output_deltas", "output_grad"))) == 2


SOFTMAX = KEPT.replace("np.tanh(self.input)", "np.exp(self.input)").replace(
    "return self.output\n", "self.output /= self.output.sum(axis=1, keepdims=True)\n"
    "        return self.output\n"
)  # fmt: skip


def test_a_softmax_that_hands_on_what_it_is_handed_is_undecided():
    handed = SOFTMAX.replace(" * (1 - self.output ** 2)", "")
    case = case_of(handed)
    assert case.verdict == "error"
    assert "is a softmax" in case.problem.message
    assert case_of(SOFTMAX).verdict == "fail"
    assert case_of(KEPT.replace(" * (1 - self.output ** 2)", "")).verdict == "fail"


PARTS = """
import numpy as np

class Window:
    def __init__(self, width, units):
        self.width = width
        self.w = np.random.randn(width, units)

    def forward(self, x):
        self.shape = x.shape
        return self._slide(x)

    def backward(self, dout):
        dx = np.zeros(self.shape)
        return self._backward_all(dx, dout)

    def _slide(self, x):
        self.x = x
        steps = x.shape[0] - self.width + 1
        return np.stack([x[k : k + self.width] @ self.w for k in range(steps)])

    def _backward_all(self, dx, dout):
        self.dw = np.zeros(self.w.shape)
        for k in range(len(dout)):
            dx[k : k + self.width] += self.w @ dout[k]
            self.dw += np.outer(self.x[k : k + self.width], dout[k])
        return dx

class Slow(Window):
    def _backward_all(self, dx, dout):
        self.dw = np.zeros(self.w.shape)
        for k in range(len(dout)):
            for j in range(self.width):
                dx[k + j] += self.w[j] @ dout[k]
                self.dw[j] += self.x[k + j] * dout[k]
        return dx
"""


def test_what_another_backward_part_calls_is_a_part_of_that():
    first, second = cases(PARTS)
    assert (first.verdict, second.verdict) == ("pass", "pass")
    assert second.expression == "class Slow: forward and backward"


@pytest.mark.parametrize(("right", "wrong"), [
    ("dx[k + j] += self.w[j] @ dout[k]", "dx[k] += self.w[j] @ dout[k]"),
    ("self.dw[j] += self.x[k + j] * dout[k]", "self.dw[j] += self.x[k] * dout[k]"),
    ("self.dw[j] += self.x[k + j] * dout[k]", "self.dw[j] = self.x[k + j] * dout[k]"),
])  # fmt: skip
def test_slips_in_such_parts_are_found_on_their_lines(right, wrong):
    wrong_text = PARTS.replace(right, wrong)
    _, case = cases(wrong_text)
    rows = wrong_text.splitlines()
    assert wrong in {rows[line.line - 1].strip() for line in case.lines if line.is_accused}


GIVEN_SHAPE = """
import numpy as np

class Layer:
    def __init__(self):
        self.input_shape = None
        self.weights = None

class Conv(Layer):
    def __init__(self, count, kernel_shape: tuple, channels):
        super().__init__()
        self.count, self.channels = count, channels
        self.kernel_shape = self.kernel_height, self.kernel_width = kernel_shape

    def initialize(self):
        if self.weights is None:
            self.weights = np.random.randn(self.count, self.channels, *self.kernel_shape)

    @property
    def rows(self):
        channels, height, width = self.input_shape
        return height - self.kernel_height + 1

    @property
    def columns(self):
        channels, height, width = self.input_shape
        return width - self.kernel_width + 1

    def forward(self, x):
        self.x = x
        out = np.zeros((len(x), self.count, self.rows, self.columns))
        for i in range(self.rows):
            for j in range(self.columns):
                patch = x[:, None, :, i : i + self.kernel_height, j : j + self.kernel_width]
                out[:, :, i, j] = np.sum(patch * self.weights, axis=(2, 3, 4))
        return out

    def backward(self, dout):
        dx = np.zeros_like(self.x)
        self.weights_gradient = np.zeros_like(self.weights)
        for i in range(self.rows):
            for j in range(self.columns):
                g = dout[:, :, i, j, None, None, None]
                patch = self.x[:, None, :, i : i + self.kernel_height, j : j + self.kernel_width]
                self.weights_gradient += np.sum(patch * g, axis=0)
                dx[:, :, i : i + self.kernel_height, j : j + self.kernel_width] += np.sum(
                    g * self.weights, axis=1)
        return dx
"""


def test_the_shape_of_its_input_may_be_set_from_elsewhere():
    case = case_of(GIVEN_SHAPE)
    assert case.verdict == "pass", case.problem


@pytest.mark.slow
@pytest.mark.parametrize(("right", "wrong"), [
    ("self.weights_gradient += np.sum(patch * g, axis=0)",
     "self.weights_gradient = np.sum(patch * g, axis=0)"),
    ("g = dout[:, :, i, j, None, None, None]", "g = dout[:, :, j, i, None, None, None]"),
    ("g = dout[:, :, i, j, None, None, None]", "g = 2 * dout[:, :, i, j, None, None, None]"),
])  # fmt: skip
def test_a_shape_from_elsewhere_hides_no_mistake(right, wrong):
    text = GIVEN_SHAPE.replace(right, wrong)
    assert any(wrong in line for line in accused_rows(text)) or "j, i" in wrong


TRAINED = """
import numpy as np

class Linear:
    def __init__(self, units, inputs):
        self.W = np.random.randn(units, inputs)
        self.b = np.zeros((units, 1))

    def forward(self, X, training=False):
        if training:
            self.X = X
        return self.W @ X + self.b

    def backward(self, dZ):
        self.dW = dZ @ self.X.T
        self.db = dZ.sum(axis=1, keepdims=True)
        return self.W.T @ dZ
"""


def test_what_is_kept_in_training_only_is_read_in_training():
    assert case_of(TRAINED).verdict == "pass"
    assert accused_rows(TRAINED.replace("dZ @ self.X.T", "dZ @ self.X.T / 2")) == {
        "self.dW = dZ @ self.X.T / 2"
    }


OTHER_AXIS = """
import numpy as np

class Dense:
    def __init__(self, units):
        self.units = units

    def build(self, prev_shape):
        self.weights = np.random.randn(self.units, prev_shape[-1])

    def forward(self, a):
        self.a = a
        return self.weights @ a

    def backward(self, up):
        self.dweights = up @ self.a.T
        return self.weights.T @ up
"""


def test_a_shape_that_is_that_of_the_input_makes_no_square_of_it():
    case = case_of(OTHER_AXIS)
    assert case.verdict == "pass", case.problem
    (taken,) = [note for note in case.notes if note.startswith("inputs inferred")]
    assert "a (5, 5)" not in taken
    assert accused_rows(OTHER_AXIS.replace("self.weights.T @ up", "self.weights.T @ up * 2"))


MADE = """
import numpy as np

class Factors:
    def __init__(self, n, p, R, weight, kind):
        self.n, self.p, self.R = int(n), int(p), int(R)
        self.weight = float(weight)
        self.kind = kind
        self.Y = np.random.randn(self.n, self.p)

    def loss(self, M, U, V):
        if self.kind == "half":
            return 0.5 * np.sum((M - U @ V.T) ** 2) + self.weight * np.sum(U ** 2)
        raise ValueError(self.kind)

    def grad(self, U, V):
        error = U @ V.T - self.Y
        return error @ V + 2 * self.weight * U, error.T @ U
"""


def test_an_operand_that_a_gradient_is_not_handed_may_be_one_that_is_kept():
    case = case_of(MADE)
    assert case.verdict == "pass", case.problem
    assert "right where `M` is what the object has as `Y`" in case.notes
    (taken,) = [note for note in case.notes if note.startswith("inputs inferred")]
    assert "kind = 'half'" in taken


@pytest.mark.parametrize(("right", "wrong"), [
    ("error @ V + 2 *", "error @ V + "),
    ("error.T @ U", "-error.T @ U"),
    ("error = U @ V.T - self.Y", "error = U @ V.T + self.Y"),
])  # fmt: skip
def test_an_operand_that_is_kept_hides_no_mistake(right, wrong):
    assert case_of(MADE.replace(right, wrong)).verdict == "fail"
