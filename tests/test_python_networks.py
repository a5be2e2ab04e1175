"""Networks whose layers average the gradients of their weights, and hand nothing on at the end."""

from __future__ import annotations

from python_cases import verdicts

NETWORK = """
import numpy as np


class Dense:
    def __init__(self, n_in, n_out):
        self.weights, self.bias = np.random.randn(n_in, n_out), np.zeros((1, n_out))

    def forward(self, x):
        self.inputs = x
        return x @ self.weights + self.bias

    def backward(self, grad):
        size = self.inputs.shape[0]
        self.grad_weights = self.inputs.T @ grad / size
        self.grad_bias = np.sum(grad, axis=0, keepdims=True) / size
        return grad @ self.weights.T


class Network:
    def __init__(self, layers):
        self.layers = layers

    def forward(self, x):
        for layer in self.layers:
            x = layer.forward(x)
        return x

    def backward(self, grad):
        for layer in reversed(self.layers):
            grad = layer.backward(grad)
"""


def test_a_mean_over_the_batch_is_that_of_all_weights():
    assert verdicts(NETWORK) == ["pass", "pass"]


def test_a_mean_of_one_weight_only_is_a_mistake():
    assert "fail" in verdicts(NETWORK.replace("grad / size\n", "grad\n", 1))
    assert "fail" in verdicts(NETWORK.replace("keepdims=True) / size", "keepdims=True)"))
    assert "fail" in verdicts(NETWORK.replace("/ size", "/ self.inputs.shape[1]"))
    assert "fail" in verdicts(NETWORK.replace("/ size", "/ size ** 2"))
