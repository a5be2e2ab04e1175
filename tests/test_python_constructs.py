"""Constructs of Python, functions of numpy, and functions of numbers."""

from __future__ import annotations

import re

import pytest
from python_cases import cases, verdict

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
