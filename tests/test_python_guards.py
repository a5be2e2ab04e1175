"""Python files that refuse inputs themselves: what is above a `raise` says which are wanted."""

from __future__ import annotations

import pytest
import python_cases

# What the file asks for -> the file, and a slip: a part of it and what is written in its place.
GUARDED = {
    "shapes that are one": (
        """
class Loss:
    def refuse(self, predictions, wanted):
        if predictions.shape != wanted.shape:
            raise ValueError("not of one shape")

class Quartic(Loss):
    def forward(self, predictions, wanted):
        self.refuse(predictions, wanted)
        return np.mean((predictions - wanted) ** 4)

    def gradient(self, predictions, wanted):
        self.refuse(predictions, wanted)
        return 4 * (predictions - wanted) ** 3 / predictions.size
""",
        "return 4 *", "return 3 *",
    ),
    "lengths that are one": (
        """
def weighted(values, shares):
    if len(values) == len(shares):
        pass
    else:
        raise ValueError("one share for each value")
    dvalues = 2 * values * sum(shares)
    return np.sum(values ** 2) * sum(shares), dvalues
""",
        "= 2 *", "= 3 *",
    ),
    "a number of axes": (
        """
def mix_forward(signal, kernel):
    if signal.ndim != 3 or kernel.shape[0] != signal.shape[-1]:
        raise ValueError(f"three axes are wanted, these are {signal.ndim}")
    return np.tanh(signal) @ kernel, (signal, kernel)

def mix_backward(dout, cache):
    signal, kernel = cache
    h = np.tanh(signal)
    dkernel = (h.reshape(-1, h.shape[2]).T @ dout.reshape(-1, dout.shape[2]))
    dsignal = dout @ kernel.T * (1 - h ** 2)
    return dsignal, dkernel
""",
        "(1 - h ** 2)", "(1 - h)",
    ),
    "a size of its own": (
        """
class Gate:
    def __init__(self):
        self.scale = np.linspace(0.5, 1.5, 12)
    def forward(self, x):
        if not x.shape[1] == 12:
            raise ValueError("twelve columns")
        self.x = x
        return x ** 2 * self.scale
    def backward(self, dout):
        return 2 * dout * self.x * self.scale
""",
        "return 2 * dout", "return dout",
    ),
    "an object that is built": (
        """
class Dense:
    def __init__(self, units):
        self.units = units
        self.is_built = False
    def take_size(self, columns):
        self.W = np.random.randn(columns, self.units)
        self.is_built = True
    def forward(self, x):
        if not self.is_built:
            raise RuntimeError("call take_size first")
        self.x = x
        return x @ self.W
    def backward(self, dout):
        self.dW = self.x.T @ dout
        return dout @ self.W.T
""",
        "self.dW = self.x.T", "self.dW = 2 * self.x.T",
    ),
    "an input shape that is set": (
        """
class Pool:
    def __init__(self):
        self.__shape = None
    def connect(self, shape):
        if len(shape) != 2:
            raise ValueError("rows and columns")
        self.__shape = tuple(shape)
        self.w = np.random.randn(*shape)
    def forward(self, x):
        if self.__shape is None:
            raise ValueError("connect it first")
        if x.ndim != 3 or x.shape[2] != self.__shape[1]:
            raise ValueError("of another shape")
        self.x = x
        return x * self.w
    def backward(self, dout):
        self.dw = np.sum(dout * self.x, axis=0)
        return dout * self.w
""",
        "return dout * self.w", "return dout * self.x",
    ),
    "labels by their kind of numbers": (
        """
def margin_loss(scores, labels):
    if scores.ndim != 2:
        raise ValueError("one row for every example")
    if not np.issubdtype(labels.dtype, np.integer):
        raise TypeError("labels are whole numbers")
    rows = np.arange(scores.shape[0])
    off = np.maximum(scores - scores[rows, labels][:, None] + 1, 0)
    off[rows, labels] = 0
    dscores = (off > 0) * 1.0
    dscores[rows, labels] -= (off > 0).sum(axis=1)
    return off.sum(), dscores
""", "-= (off > 0).sum(axis=1)", "-= 1"),
}  # fmt: skip


def cases(text):
    return python_cases.cases("import numpy as np\n" + text)


@pytest.mark.parametrize("kind", [*GUARDED])
def test_a_file_that_refuses_inputs_is_given_others(kind):
    (case,) = cases(GUARDED[kind][0])
    assert case.verdict == "pass", case.problem


@pytest.mark.parametrize("kind", [*GUARDED])
def test_a_slip_in_such_a_file_is_found_on_its_line(kind):
    text, right, slip = GUARDED[kind]
    assert text.count(right) == 1
    (case,) = cases(text.replace(right, slip))
    assert case.verdict == "fail"
    line = 2 + text[: text.index(right)].count("\n")
    assert line in {checked.line for checked in case.lines if checked.verdict == "fail"}


def test_a_refusal_of_something_else_is_an_error_at_its_place():
    text = GUARDED["lengths that are one"][0].replace(
        "len(values) == len(shares)", "len(values) > 99"
    )
    (case,) = cases(text)
    assert case.verdict == "error"
    assert "this `raise` is reached" in case.problem.message
    assert case.problem.line == 7


def test_a_backward_part_that_refuses_its_own_shapes_is_not_accused():
    text = """
def twice_forward(x):
    return 2 * x, x.shape

def twice_backward(dout, cache):
    if dout.shape != cache[::-1]:
        raise ValueError("another shape")
    return 2 * dout
"""
    (case,) = cases(text)
    assert case.verdict in ("error", "pass")
