"""Modules with a base class, kept in a list by a container."""
import numpy as np


class Module(object):
    def __init__(self):
        self.train = True

    def forward(self, x):
        raise NotImplementedError

    def backward(self, grad):
        raise NotImplementedError


class Linear(Module):
    def __init__(self, n_in, n_out):
        super(Linear, self).__init__()
        self.W = np.random.randn(n_in, n_out) * np.sqrt(2. / n_in)
        self.b = np.zeros(n_out)

    def forward(self, x):
        self.x = x
        return x @ self.W + self.b

    def backward(self, grad):
        self.grad_W = self.x.T @ grad
        self.grad_b = grad.sum(axis=0)
        return grad @ self.W.T


class Tanh(Module):
    def forward(self, x):
        self.y = np.tanh(x)
        return self.y

    def backward(self, grad):
        return grad * (1 - self.y ** 2)


class LeakyReLU(Module):
    slope = 0.1

    def forward(self, x):
        self.x = x
        return np.where(x > 0, x, self.slope * x)

    def backward(self, grad):
        return grad * np.where(self.x > 0, 1.0, self.slope)


class Sequential(Module):
    def __init__(self, *layers):
        super().__init__()
        self.layers = list(layers)

    def forward(self, x):
        for layer in self.layers:
            x = layer.forward(x)
        return x

    def backward(self, grad):
        for layer in reversed(self.layers):
            grad = layer.backward(grad)
        return grad


class SmallNet(Sequential):
    def __init__(self, n_in, n_hidden, n_out):
        super().__init__(Linear(n_in, n_hidden), Tanh(), Linear(n_hidden, n_out), LeakyReLU())


# mistake: self.grad_b = grad.sum(axis=0) => self.grad_b = grad.sum(axis=0) * 2
# mistake: return grad * (1 - self.y ** 2) => return grad * (1 - self.y)
# mistake: return grad * np.where(self.x > 0, 1.0, self.slope) => return grad * np.where(self.x > 0, self.slope, 1.0)
