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
    text = PREDICTIONS.replace("picked =", "self.y_true = y_true\n        picked =")
    text = text.replace("dvalues, y_true)", "dvalues)").replace("[y_true] /", "[self.y_true] /")
    (case,) = check_python(text, "loss.py", None, [], PLAIN)
    assert case.verdict == "error"
    assert "`y_pred` are a guess" in case.problem.message


# ---------------------------------------------------------------- losses of examples

SQUARED = """import numpy as np

class Loss:
    def calculate(self, output, y):
        losses = self.forward(output, y)
        return np.mean(losses)

class Squared(Loss):
    def forward(self, y_pred, y_true):
        return np.mean((y_true - y_pred)**2, axis=-1)

    def backward(self, dvalues, y_true):
        samples = len(dvalues)
        self.dinputs = -2 * (y_true - dvalues) / len(dvalues[0])
        self.dinputs = self.dinputs / samples
"""
SUMMED = SQUARED.replace("np.mean(losses)", "losses").replace(" / samples", "")
AVERAGED = SQUARED.replace("(Loss)", "")
WITH_SOFTMAX = """import numpy as np

class Softmax:
    def forward(self, inputs):
        powers = np.exp(inputs - np.max(inputs, axis=1, keepdims=True))
        self.output = powers / np.sum(powers, axis=1, keepdims=True)

class SoftmaxLoss:
    def __init__(self):
        self.activation = Softmax()

    def forward(self, inputs, y_true):
        self.activation.forward(inputs)
        self.output = self.activation.output
        {picked}
        return np.mean(-np.log(picked))

    def backward(self, dvalues, y_true):
        self.dinputs = dvalues.copy()
        {step}
        self.dinputs /= len(dvalues)
"""
OF_LABELS = WITH_SOFTMAX.format(
    picked="picked = self.output[range(len(y_true)), y_true]",
    step="self.dinputs[range(len(dvalues)), y_true] -= 1",
)
OF_ROWS = WITH_SOFTMAX.format(
    picked="picked = np.sum(self.output * y_true, axis=1)", step="self.dinputs -= y_true"
)
OF_EXAMPLES = {"squared": SQUARED, "summed": SUMMED, "averaged": AVERAGED,
               "labels": OF_LABELS, "rows": OF_ROWS, "clipped": PREDICTIONS}  # fmt: skip


def of_loss(text):
    cases = check_python(text, "loss.py", None, [], PLAIN)
    return next(case for case in cases if "oss" in case.expression or "Squared" in case.expression)


@pytest.mark.parametrize("kind", OF_EXAMPLES)
def test_a_loss_is_handed_its_predictions_whatever_it_calls_them(kind):
    case = of_loss(OF_EXAMPLES[kind])
    assert case.verdict == "pass", case.problem


@pytest.mark.parametrize(
    ("kind", "old", "new"),
    [("squared", "-2 * (y_true", "2 * (y_true"), ("summed", "-2 *", "-1 *"), ("labels", "y_true] -= 1", "y_true] += 1"), ("labels", "y_true] -= 1", "y_true] -= 2"),
     ("rows", "-= y_true", "+= y_true"), ("clipped", "-np.eye", "np.eye")],
)  # fmt: skip
def test_a_wrong_line_of_a_loss_of_examples_is_found(kind, old, new):
    text = OF_EXAMPLES[kind]
    assert text.count(old) == 1
    case = of_loss(text.replace(old, new))
    line = text[: text.index(old)].count("\n") + 1
    assert case.verdict == "fail"
    assert [check.line for check in case.lines if check.is_accused] == [line]


@pytest.mark.parametrize(
    ("kind", "old", "new"),
    [("squared", "/ samples", "/ len(dvalues[0])"), ("averaged", "/ samples", "/ samples**2"),
     ("labels", "/= len(dvalues)", "/= 2")],
)  # fmt: skip
def test_a_loss_of_examples_that_is_divided_by_another_number_fails(kind, old, new):
    assert of_loss(OF_EXAMPLES[kind].replace(old, new)).verdict == "fail"


# ---------------------------------------------------------------- trainings without a loss

FIT = """import numpy as np

class Regression:
    def __init__(self, lr=0.01, turns=100):
        self.lr, self.turns = lr, turns

    def fit(self, X, y):
        n, d = X.shape
        self.w, self.b = np.zeros(d), 0
        for _ in range(self.turns):
            p = {prediction}
            dw = X.T @ (p - y) / n{penalty}
            db = np.sum(p - y) / n
            self.w -= self.lr * dw
            self.b -= self.lr * db
"""
PLAIN_ONE = FIT.format(prediction="X @ self.w + self.b", penalty="")
LOGISTIC = FIT.format(prediction="1 / (1 + np.exp(-(X @ self.w + self.b)))", penalty="")
COUNTS = FIT.format(prediction="np.exp(X @ self.w + self.b)", penalty="")
RIDGE = FIT.format(prediction="X @ self.w + self.b", penalty=" + 0.3 / n * self.w")
LASSO = FIT.format(prediction="X @ self.w + self.b", penalty=" + 0.3 * np.sign(self.w)")
ONE_BY_ONE = """import numpy as np

def fit(X, y, eta=0.01, turns=10):
    w, b = np.zeros(X.shape[1]), 0.0
    for _ in range(turns):
        for xi, target in zip(X, y):
            error = target - (np.dot(xi, w) + b)
            w += eta * 2.0 * xi * error
            b += eta * 2.0 * error
    return w, b
"""
LAYERS = """import numpy as np

def train(X, y, hidden=4, rate=0.5, turns=10):
    W1 = np.random.random((X.shape[1], hidden)) - 0.5
    W2 = np.random.random((hidden, 1)) - 0.5
    for _ in range(turns):
        h = np.tanh(X @ W1)
        out = 1 / (1 + np.exp(-h @ W2))
        error = y - out
        delta = error * out * (1 - out)
        back = (delta @ W2.T) * (1 - h**2)
        W2 += rate * h.T @ delta
        W1 += rate * X.T @ back
"""
FITS = {"linear": PLAIN_ONE, "logistic": LOGISTIC, "counts": COUNTS, "ridge": RIDGE,
        "lasso": LASSO, "one by one": ONE_BY_ONE, "layers": LAYERS}  # fmt: skip


@pytest.mark.parametrize("kind", FITS)
def test_a_training_without_a_loss_is_right_by_a_usual_one(kind):
    (case,) = check_python(FITS[kind], "fit.py", None, [], PLAIN)
    assert case.verdict == "pass", case.problem
    assert any("no loss is in the file: right for" in note for note in case.notes)


@pytest.mark.parametrize(
    ("kind", "old", "new"),
    [("linear", "dw = X.T @ (p - y) / n", "dw = X.T @ (p - y)"),
     ("logistic", "db = np.sum(p - y) / n", "db = np.sum(p - y)"),
     ("logistic", "X.T @ (p - y)", "X.T @ p"), ("counts", "np.sum(p - y)", "np.sum(y - p)"),
     ("one by one", "2.0 * xi", "xi"), ("layers", "(1 - h**2)", "(1 - h)")],
)  # fmt: skip
def test_a_wrong_line_of_a_training_without_a_loss_is_found(kind, old, new):
    text = FITS[kind]
    assert text.count(old) == 1
    (case,) = check_python(text.replace(old, new), "fit.py", None, [], PLAIN)
    line = text[: text.index(old)].count("\n") + 1
    assert case.verdict == "fail"
    assert [check.line for check in case.lines if check.is_accused] == [line]


@pytest.mark.parametrize("prediction", ["np.where(X @ self.w > 0, 1, 0)", "np.tanh(X @ self.w)"])
def test_a_training_that_follows_the_gradient_of_no_usual_loss_is_not_accused(prediction):
    text = FIT.format(prediction=prediction, penalty="")
    (case,) = check_python(text, "fit.py", None, [], PLAIN)
    assert case.verdict == "error"
    beside = f"{text}\ndef f(x):\n    return x**3\n\ndef f_grad(x):\n    return 3 * x**2\n"
    (case,) = check_python(beside, "fit.py", None, [], PLAIN)
    assert case.verdict == "pass"
