"""Published Python as it stands: values from a file's own tests, and from what readings teach."""

from __future__ import annotations

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
