"""Gates of numbers, and of arrays element by element, that are right."""

import math

import numpy as np

import gradcli


class Add:
    def forward(self, x, y):
        return x + y

    def backward(self, dz):
        return dz, dz


class Mul:
    def forward(self, x, y):
        self.x, self.y = x, y
        return x * y

    def backward(self, dz):
        return [self.y * dz, self.x * dz]


class Maximum:
    def forward(self, x, y):
        self.x_wins = x >= y
        return x if self.x_wins else y

    def backward(self, dz):
        return (dz, 0.0) if self.x_wins else (0.0, dz)


class ScalarSigmoid:
    def forward(self, x):
        self.s = 1.0 / (1.0 + math.exp(-x))
        return self.s

    def backward(self, upstream):
        return self.s * (1 - self.s) * upstream


class Relu:
    def forward(self, x):
        self.mask = x > 0
        return np.where(self.mask, x, 0.0)

    def backward(self, upstream):
        return upstream * self.mask


class LeakyRelu:
    def __init__(self, slope=0.1):
        self.slope = slope

    def forward(self, x):
        self.x = x
        return np.where(x > 0, x, self.slope * x)

    def backward(self, upstream):
        dx = upstream.copy()
        dx[self.x <= 0] *= self.slope
        return dx


class Elu:
    def forward(self, x, alpha=0.7):
        self.alpha = alpha
        self.out = np.where(x > 0, x, alpha * np.expm1(np.minimum(x, 0)))
        return self.out

    def backward(self, upstream):
        return upstream * np.where(self.out > 0, 1.0, self.out + self.alpha)


class Sigmoid:
    def forward(self, x):
        self.out = 1 / (1 + np.exp(-x))
        return self.out

    def backward(self, upstream):
        return upstream * self.out * (1 - self.out)


class Tanh:
    def forward(self, x):
        self.out = np.tanh(x)
        return self.out

    def backward(self, upstream):
        return (1 - self.out**2) * upstream


class Softplus:
    def forward(self, x):
        self.x = x
        return np.maximum(x, 0) + np.log1p(np.exp(-np.abs(x)))

    def backward(self, upstream):
        return upstream / (1 + np.exp(-self.x))


class Silu:
    def forward(self, x):
        self.x = x
        self.s = 1 / (1 + np.exp(-x))
        return x * self.s

    def backward(self, upstream):
        return upstream * self.s * (1 + self.x * (1 - self.s))


class Gelu:
    def forward(self, x):
        self.x = x
        self.t = np.tanh(np.sqrt(2 / np.pi) * (x + 0.044715 * x**3))
        return 0.5 * x * (1 + self.t)

    def backward(self, upstream):
        inner = np.sqrt(2 / np.pi) * (1 + 3 * 0.044715 * self.x**2)
        return upstream * (0.5 * (1 + self.t) + 0.5 * self.x * (1 - self.t**2) * inner)


class Square:
    def forward(self, x):
        self.x = x
        return x * x

    def backward(self, upstream):
        return 2 * self.x * upstream


class Log:
    domain = "x > 0"

    def forward(self, x):
        self.x = x
        return np.log(x)

    def backward(self, upstream):
        return upstream / self.x


class Sqrt:
    domain = "x > 0"

    def forward(self, x):
        self.out = np.sqrt(x)
        return self.out

    def backward(self, upstream):
        return upstream / (2 * self.out)


class Abs:
    kinks = "x"

    def forward(self, x):
        self.sign = np.sign(x)
        return np.abs(x)

    def backward(self, upstream):
        return upstream * self.sign


class Clip:
    def forward(self, x, low=-1.0, high=1.0):
        self.inside = (x > low) & (x < high)
        return np.clip(x, low, high)

    def backward(self, upstream):
        return upstream * self.inside


class Divide:
    def forward(self, x, y):
        self.x, self.y = x, y
        return x / y

    def backward(self, upstream):
        return upstream / self.y, -upstream * self.x / self.y**2


class Sum:
    def forward(self, x):
        self.shape = x.shape
        return np.sum(x)

    def backward(self, upstream):
        return upstream * np.ones(self.shape)


class MeanOfRows:
    def forward(self, x):
        self.shape = x.shape
        return x.mean(axis=1)

    def backward(self, upstream):
        n, d = self.shape
        return np.repeat(upstream[:, None], d, axis=1) / d


class Max:
    def forward(self, x):
        self.shape = x.shape
        self.winner = np.argmax(x, axis=1)
        return np.max(x, axis=1)

    def backward(self, upstream):
        dx = np.zeros(self.shape)
        dx[np.arange(self.shape[0]), self.winner] = upstream
        return dx


class Sort:
    def forward(self, x):
        self.order = np.argsort(x)
        return x[self.order]

    def backward(self, dout):
        dx = np.zeros_like(dout)
        dx[self.order] = dout
        return dx

    samples = [np.array([0.3, -1.2, 0.8, 2.0, -0.5])]


class CumSum:
    def forward(self, x):
        return np.cumsum(x)

    def backward(self, dout):
        return np.cumsum(dout[::-1])[::-1]

    samples = [np.array([0.3, -1.2, 0.8, 2.0])]


class L2Norm:
    def forward(self, x):
        self.x = x
        self.length = np.sqrt((x**2).sum())
        return self.length

    def backward(self, upstream):
        return upstream * self.x / self.length


class FixedPoint:
    """The solution of y = cos(x * y), by a loop whose length nobody knows beforehand."""

    def forward(self, x):
        y, before = 0.5, 1.0
        while abs(y - before) > 1e-15:
            before = y
            y = y - (y - math.cos(x * y)) / (1 + x * math.sin(x * y))
        self.x, self.y = x, y
        return y

    def backward(self, upstream):
        s = math.sin(self.x * self.y)
        return upstream * (-self.y * s) / (1 + self.x * s)

    samples = "0.7; -1.3; 0.4"


class Single:
    """With float32 inside."""

    def forward(self, x):
        self.x = x.astype(np.float32)
        return np.tanh(self.x)

    def backward(self, upstream):
        return upstream * (1 - np.tanh(self.x) ** 2)


class Noisy:
    """With noise of 1e-9."""

    def forward(self, x):
        self.x = x
        return np.sin(x) * (1 + 1e-9 * np.random.randn(*x.shape))

    def backward(self, upstream):
        return upstream * np.cos(self.x)


class Tiny:
    def forward(self, x):
        self.x = x
        return 1e-9 * x**2

    def backward(self, upstream):
        return 2e-9 * self.x * upstream


class Huge:
    def forward(self, x):
        self.x = x
        return 1e9 * np.sin(x)

    def backward(self, upstream):
        return 1e9 * np.cos(self.x) * upstream


class Offset:
    def forward(self, x):
        self.x = x
        return 1e10 + x * x

    def backward(self, upstream):
        return 2 * self.x * upstream


class BesideAKink:
    def forward(self, x):
        self.on = x > 1e-7
        return np.where(self.on, 3 * (x - 1e-7), 0.0)

    def backward(self, upstream):
        return np.where(self.on, 3.0, 0.0) * upstream

    samples = [np.array([3e-7, -2e-7, 1.5, -0.5])]


@gradcli.gate(backward=lambda upstream, x: upstream / (1 + np.abs(x)) ** 2)
def softsign(x):
    return x / (1 + np.abs(x))


@gradcli.gate(samples="0.4, 2; -1.5, 0.3")
def hypotenuse(x, y):
    r = math.sqrt(x * x + y * y)

    def pullback(upstream):
        return upstream * x / r, upstream * y / r

    return r, pullback


class SumOfAll:
    def forward(self, *xs):
        self.count = len(xs)
        return sum(xs)

    def backward(self, upstream):
        return (upstream,) * self.count


class Needs:
    def __init__(self, factor):
        self.factor = factor

    def forward(self, x):
        return self.factor * x

    def backward(self, upstream):
        return self.factor * upstream


class PowerOfSize:
    domain = "x > 0"

    def forward(self, x):
        self.x = x
        return np.abs(x) ** 1.5

    def backward(self, upstream):
        return 1.5 * np.sqrt(np.abs(self.x)) * upstream


class Memory:
    """A cache that is kept for ever, by what it is a cache of."""

    slopes = {}

    def forward(self, x):
        self.key = x.tobytes()
        self.slopes.setdefault(self.key, np.cos(x))
        return np.sin(x)

    def backward(self, upstream):
        return upstream * self.slopes[self.key]


class Stack:
    """Each backward call takes back the last forward call that none has taken back."""

    def __init__(self):
        self.calls = []

    def forward(self, x):
        self.calls.append(x)
        return np.arctan(x)

    def backward(self, upstream):
        return upstream / (1 + self.calls.pop() ** 2)
