"""Networks whose files compute no loss: their gradients tell which usual one they are those of."""

from __future__ import annotations

import pytest

from gradcli.requests import PLAIN
from gradcli.tasks.check_python import check_python

NETWORK = """import numpy as np

class Net:
    def __init__(self, sizes, rate=0.1):
        self.w1 = np.random.randn(sizes[0], sizes[1])
        self.b1 = np.zeros(sizes[1])
        self.w2 = np.random.randn(sizes[1], sizes[2])
        self.b2 = np.zeros(sizes[2])
        self.rate = rate

    def forward(self, x):
        self.h = np.tanh(x @ self.w1 + self.b1)
        self.out = {activation}
        return self.out

    def backward(self, x, y{parameter}):
        delta = {delta}
        dw2 = self.h.T @ delta{mean}
        db2 = np.sum(delta, axis=0){mean}
        back = (delta @ self.w2.T) * (1 - self.h**2)
        dw1 = x.T @ back{mean}
        db1 = np.sum(back, axis=0){mean}
        self.w2 {sign}= self.rate * dw2
        self.b2 {sign}= self.rate * db2
        self.w1 {sign}= self.rate * dw1
        self.b1 {sign}= self.rate * db1
"""
SIGMOID = "1 / (1 + np.exp(-(self.h @ self.w2 + self.b2)))"
LINEAR = "self.h @ self.w2 + self.b2"
EXPONENTIAL = "np.exp(self.h @ self.w2 + self.b2)"
SOFTMAX = f"{EXPONENTIAL} / np.sum({EXPONENTIAL}, axis=1, keepdims=True)"
SQUARES = "half the squared errors"
KINDS = [  # what comes out, the parameter of it, the delta of the last layer, the loss that is told
    (LINEAR, "", "self.out - y", SQUARES),
    (LINEAR, ", output", "output - y", SQUARES),
    (LINEAR, ", y_hat", "2 * (y_hat - y)", SQUARES),
    (SIGMOID, ", out", "(out - y) * out * (1 - out)", SQUARES),
    (SIGMOID, "", "self.out - y", "the binary cross-entropy"),
    (SOFTMAX, ", probs", "probs - y", "the cross-entropy"),
]  # fmt: skip
MISTAKES = [
    ("back = (delta @ self.w2.T) * (1 - self.h**2)", "back = (delta @ self.w2.T) * (1 - self.h)"),
    ("dw1 = x.T @ back", "dw1 = x.T @ back * 2"),
    ("db1 = np.sum(back, axis=0)", "db1 = np.mean(back, axis=0)"),
]


def checked(kind, mean="", sign="-", mistake=("", "")):
    activation, parameter, delta, _ = kind
    if sign == "+":
        delta = f"-({delta})"
    text = NETWORK.format(
        activation=activation, parameter=parameter, delta=delta, mean=mean, sign=sign
    )
    assert mistake[0] in text
    wrong = text.replace(*mistake)
    (case,) = check_python(wrong, "net.py", None, [], PLAIN)
    changed = [
        number for number, (own, other) in
        enumerate(zip(text.splitlines(), wrong.splitlines(), strict=True), 1) if own != other
    ]  # fmt: skip
    return case, changed


WAYS = [("", "-"), (" / len(y)", "-"), (" / x.shape[0]", "+")]  # sums or means, down or up
TOGETHER = [*zip(KINDS, WAYS * 2, strict=True)]
APART = [(kind, way) for kind in KINDS for way in WAYS if (kind, way) not in TOGETHER]


@pytest.mark.parametrize(
    ("kind", "way"),
    [*TOGETHER, *(pytest.param(*pair, marks=pytest.mark.slow) for pair in APART)],
)
def test_a_network_without_a_loss_is_right_by_a_usual_one(kind, way):
    case, _ = checked(kind, *way)
    assert case.verdict == "pass"
    (note,) = [note for note in case.notes if note.startswith("no loss is in the file")]
    assert note.startswith(f"no loss is in the file: right for {kind[3]}")


@pytest.mark.parametrize("mistake", MISTAKES, ids=[new for _, new in MISTAKES])
@pytest.mark.parametrize(
    "kind", [KINDS[1], *(pytest.param(KINDS[k], marks=pytest.mark.slow) for k in (4, 5))],
    ids=["squares", "binary", "many"],
)  # fmt: skip
def test_a_wrong_line_of_it_is_told_all_the_same(kind, mistake):
    case, (line,) = checked(kind, mistake=mistake)
    assert case.verdict == "fail"
    assert [check.line for check in case.lines if check.is_accused] == [line]


@pytest.mark.parametrize("delta", ["np.sign(self.out - y)", "(self.out - y)**3", "self.out * y"])
def test_a_network_for_another_loss_is_not_accused(delta):
    case, _ = checked((LINEAR, "", delta, ""))
    assert case.verdict == "error"
    assert "the file has no loss of what `forward` returns" in case.problem.message


PREDICTIONS = """import numpy as np

class Loss_CrossEntropy:
    def forward(self, y_pred, y_true):
        picked = y_pred[range(len(y_pred)), y_true]
        return -np.log(np.clip(picked, 1e-7, 1 - 1e-7))

    def backward(self, dvalues, y_true):
        count, kinds = len(dvalues), len(dvalues[0])
        self.dinputs = -np.eye(kinds)[y_true] / dvalues / count
"""


def test_predictions_that_look_like_an_upstream_gradient_accuse_nobody():
    (case,) = check_python(PREDICTIONS, "loss.py", None, [], PLAIN)
    assert case.verdict == "error"
    assert "`y_pred` are a guess" in case.problem.message
