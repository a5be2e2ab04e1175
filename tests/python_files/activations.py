"""Activation functions with their derivatives."""
import numpy as np


def sigmoid(z):
    return 1 / (1 + np.exp(-z))


def sigmoid_prime(z):
    s = sigmoid(z)
    return s * (1 - s)


def tanh(z):
    return np.tanh(z)


def tanh_derivative(a):
    return 1 - a ** 2


def softplus(x):
    return np.log(1 + np.exp(x))


def softplus_grad(x):
    return 1 / (1 + np.exp(-x))


def elu(x, alpha=1.5):
    return np.where(x > 0, x, alpha * (np.exp(x) - 1))


def d_elu(x, alpha=1.5):
    return np.where(x > 0, 1.0, alpha * np.exp(x))


# mistake: return np.where(x > 0, 1.0, alpha * np.exp(x)) => return np.where(x > 0, 1.0, np.exp(x))
# mistake: return 1 / (1 + np.exp(-x)) => return 1 / (1 + np.exp(x))
# mistake: return s * (1 - s) => return s * (1 + s)
