"""Autograd classes read operation by operation, and contexts that forward parts store in."""

from __future__ import annotations

import re

import pytest
import python_cases

VALUE = """
import math
import numpy as np

class Value:
    def __init__(self, data, children=(), op=""):
        self.data = data
        self.grad = 0.0
        self._backward = lambda: None
        self._prev = set(children)

    def __mul__(self, other):
        other = other if isinstance(other, Value) else Value(other)
        out = Value(self.data * other.data, (self, other), "*")

        def _backward():
            self.grad += other.data * out.grad
            other.grad += self.data * out.grad
        out._backward = _backward
        return out

    def __pow__(self, power):
        assert isinstance(power, (int, float))
        out = Value(self.data ** power, (self,), "**")
        def _backward():
            self.grad += power * self.data ** (power - 1) * out.grad
        out._backward = _backward
        return out

    def tanh(self):
        t = (math.exp(2 * self.data) - 1) / (math.exp(2 * self.data) + 1)
        out = Value(t, (self,), "tanh")
        def _backward():
            self.grad += (1 - t ** 2) * out.grad
        out._backward = _backward
        return out

    def backward(self):
        self.grad = 1.0
        self._backward()

    __rmul__ = __mul__
"""
TENSOR = """
import numpy as np

class Tensor:
    def __init__(self, data, requires_grad=False, backward_fn=None):
        self.data = np.asarray(data, dtype=np.float32)
        self.requires_grad = requires_grad
        self.grad = None
        self.backward_fn = backward_fn

    def __matmul__(self, other):
        def backward(upstream):
            return upstream @ other.data.T, self.data.T @ upstream
        return Tensor(self.data @ other.data, True, backward)

    def exp(self):
        out = Tensor(np.exp(self.data), self.requires_grad)
        def _backward():
            if not self.requires_grad:
                return
            if self.grad is None:
                self.grad = np.zeros_like(self.data)
            self.grad += out.data * out.grad
        out._backward = _backward
        return out
"""
CONTEXTS = """
import numpy as np

class Function:
    pass

class Mul(Function):
    @staticmethod
    def forward(ctx, a, b):
        ctx.save_for_backward(a, b)
        return a * b

    @staticmethod
    def backward(ctx, grad_output):
        a, b = ctx.saved_tensors
        return grad_output * b, grad_output * a

class ReLU(Function):
    @staticmethod
    def forward(ctx, x):
        ctx.mask = x > 0
        return x * ctx.mask

    @staticmethod
    def backward(ctx, g):
        return g * ctx.mask

class Square(Function):
    def forward(self, x):
        self.save_for_backward(x)
        return x ** 2

    def backward(self, grad):
        x, = self.saved_tensors
        return 2 * x * grad
"""


def cases(text):
    return {case.expression: case for case in python_cases.cases(text)}


@pytest.mark.parametrize(("text", "count"), [(VALUE, 3), (TENSOR, 2), (CONTEXTS, 3)])
def test_every_operation_is_checked_by_itself(text, count):
    found = cases(text)
    assert {words: case.verdict for words, case in found.items()} == dict.fromkeys(found, "pass")
    assert len(found) == count


def test_both_operands_have_a_claim():
    case = cases(VALUE)["class Value: __mul__ and _backward"]
    assert {check.whole for check in case.inputs.values()} == {"self", "other"}


@pytest.mark.parametrize(
    ("text", "right", "wrong"),
    [
        (VALUE, "(1 - t ** 2)", "(1 - t)"),
        (VALUE, "+= self.data * out", "+= other.data * out"),
        (VALUE, "power * self.data ** (power - 1)", "self.data ** (power - 1)"),
        (TENSOR, "self.data.T @ upstream", "-self.data.T @ upstream"),
        (TENSOR, "self.grad += out.data", "self.grad += self.data"),
        (CONTEXTS, "grad_output * b,", "grad_output * a,"),
        (CONTEXTS, "g * ctx.mask", "g"),
        (CONTEXTS, "2 * x * grad", "x * grad"),
    ],
)
def test_a_slip_in_an_operation_is_found_at_its_line(text, right, wrong):
    assert text.count(right) == 1
    line = text[: text.index(right)].count("\n") + 1
    failed = [c for c in cases(text.replace(right, wrong)).values() if c.verdict == "fail"]
    assert next(c for case in failed for c in case.lines if c.is_accused).line == line
    assert len(failed) == 1


@pytest.mark.parametrize("operand", ["self", "other"])
def test_a_gradient_that_is_assigned_loses_what_another_use_has_sent(operand):
    text = re.sub(rf"{operand}\.grad \+= (\w+)\.data \* out", rf"{operand}.grad = \1.data * out",
                  VALUE, count=1)  # fmt: skip
    assert text != VALUE
    case = cases(text)["class Value: __mul__ and _backward"]
    (line,) = case.lines
    assert (case.verdict, line.mistake) == ("fail", "overwritten")
    assert line.repair == next(
        row.strip() for row in VALUE.splitlines() if row.strip().startswith(f"{operand}.grad +=")
    )


def test_a_gradient_that_is_set_where_there_is_none_loses_nothing():
    text = TENSOR.replace("self.grad = np.zeros_like(self.data)\n            self.grad += ",
                          "self.grad = out.data * out.grad\n            else:\n"
                          "                self.grad += ")  # fmt: skip
    assert text != TENSOR
    assert cases(text)["class Tensor: exp and _backward"].verdict == "pass"


def test_a_closure_that_is_not_kept_is_an_error():
    text = VALUE.replace("        out._backward = _backward\n", "", 1)
    problem = cases(text)["class Value: __mul__ and _backward"].problem
    assert problem.message == "what `__mul__` returns keeps no `_backward`"
