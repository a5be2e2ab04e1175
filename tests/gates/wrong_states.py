"""Gates that are wrong in what one call leaves to the next, or in what they return."""

import time

import numpy as np

_cache = {}
COUNT = 0


# wrong: gradient-shape
class SumOfOneShape:
    def forward(self, x):
        return x.sum(axis=1)

    def backward(self, dout):
        return dout


# wrong: gradient-count
class OneGradientForTwo:
    def forward(self, x, y):
        self.y = y
        return x * y

    def backward(self, dz):
        return self.y * dz


# wrong: stale-cache
class CachesOnce:
    def __init__(self):
        self.x = None

    def forward(self, x):
        if self.x is None:
            self.x = x
        return x**2

    def backward(self, upstream):
        return 2 * self.x * upstream


# wrong: stale-cache
class CachesInTheClass:
    cache = {}

    def forward(self, x):
        self.cache["x"] = x
        return x**2

    def backward(self, upstream):
        return 2 * self.cache["x"] * upstream


# wrong: accumulated
class Accumulates:
    def __init__(self):
        self.dx = 0.0

    def forward(self, x):
        self.x = x
        return x**2

    def backward(self, upstream):
        self.dx = self.dx + 2 * self.x * upstream
        return self.dx


# wrong: input-modified
class ChangesItsInput:
    def forward(self, x):
        x[x < 0] = 0
        self.mask = x > 0
        return x

    def backward(self, upstream):
        return upstream * self.mask


# wrong: input-modified
class ChangesItsUpstream:
    def forward(self, x):
        self.mask = x > 0
        return np.where(self.mask, x, 0.0)

    def backward(self, upstream):
        upstream *= self.mask
        return upstream


# wrong: aliased
class GivesItsInputBack:
    def forward(self, x):
        self.x = x
        return 0.5 * x**2

    def backward(self, upstream):
        dx = self.x
        dx *= upstream
        return dx


# wrong: aliased
class ReturnsItsInput:
    def forward(self, x):
        self.x = x
        return 0.5 * np.sum(x**2)

    def backward(self, upstream):
        return self.x


# wrong: aliased
class ReusesItsBuffer:
    def __init__(self):
        self.dx = None

    def forward(self, x):
        if self.dx is None:
            self.dx = np.zeros(x.shape)
        self.x = x
        return x**2

    def backward(self, upstream):
        self.dx[...] = 2 * self.x * upstream
        return self.dx


# wrong: not-repeatable
class DropsAtRandom:
    def forward(self, x):
        self.mask = np.random.rand(*x.shape) > 0.5
        return x * self.mask

    def backward(self, upstream):
        return upstream * self.mask


# wrong: not-repeatable
class DrawsAnew:
    def forward(self, x):
        return x * 0.5

    def backward(self, upstream):
        return upstream * (np.random.rand(*upstream.shape) > 0.5)


# wrong: gradient-type
class GivesWholeNumbers:
    def forward(self, x):
        self.x = x
        return x**2

    def backward(self, upstream):
        return (2 * self.x * upstream).astype(int)


# wrong: stale-cache
class GlobalCache:
    def forward(self, x):
        _cache["x"] = x
        return np.sin(x)

    def backward(self, g):
        return g * np.cos(_cache["x"])


# wrong: accumulated
class InPlaceAccumulate:
    def forward(self, x):
        if not hasattr(self, "dx"):
            self.dx = np.zeros_like(x)
        self.x = x
        return x**3

    def backward(self, g):
        self.dx += 3 * self.x**2 * g
        return self.dx


# wrong: stale-cache
class StaleUpstream:
    up = None

    def forward(self, x):
        self.x = x
        return x**2

    def backward(self, g):
        if self.up is None:
            self.up = g
        return 2 * self.x * self.up


# wrong: input-modified
class DoutInPlace:
    def forward(self, x):
        self.mask = x <= 0
        out = x.copy()
        out[self.mask] = 0
        return out

    def backward(self, dout):
        dout[self.mask] = 0
        dx = dout
        return dx


# wrong: input-modified
class ShiftInPlace:
    def forward(self, x):
        x -= x.max(axis=1, keepdims=True)
        e = np.exp(x)
        self.p = e / e.sum(axis=1, keepdims=True)
        return self.p

    def backward(self, g):
        return self.p * (g - (g * self.p).sum(axis=1, keepdims=True))


# wrong: not-repeatable
class Noise3:
    def forward(self, x):
        self.x = x
        return x**2 + 1e-3 * np.random.randn(*x.shape)

    def backward(self, g):
        return 2 * self.x * g


# wrong: not-repeatable
class EverySecond:
    def forward(self, x):
        global COUNT
        COUNT += 1
        return x * (COUNT % 2 + 1)

    def backward(self, g):
        return g * (COUNT % 2 + 1)


# wrong: stale-cache input-modified accumulated
class SpoilsCache:
    def forward(self, x):
        self.out = 1 / (1 + np.exp(-x))
        return self.out

    def backward(self, g):
        self.out *= 1 - self.out
        return g * self.out


# wrong: gradient-count
class ReturnsNothing:
    def forward(self, x):
        self.x = x
        return x**2

    def backward(self, g):
        self.dx = 2 * self.x * g


# wrong: gradient-shape
class ReturnsSum:
    def forward(self, x):
        self.x = x
        return x**2

    def backward(self, g):
        return np.sum(2 * self.x * g)


# wrong: gradient-shape
class KeepsAxis:
    def forward(self, x, b):
        return x + b

    def backward(self, g):
        return g, g.sum(axis=0, keepdims=True)

    samples = [(np.random.randn(3, 4), np.random.randn(4))]


# wrong: gradient-count
class TooMany:
    def forward(self, x):
        self.x = x
        return x**2

    def backward(self, g):
        return 2 * self.x * g, g, g


# wrong: stale-cache
class CachesByShape:
    cache = {}

    def forward(self, x):
        key = x.shape
        if key not in self.cache:
            self.cache[key] = np.exp(x)
        self.key = key
        return np.exp(x)

    def backward(self, g):
        return g * self.cache[self.key]


# wrong: stale-cache
class FirstMask:
    def __init__(self):
        self.mask = None

    def forward(self, x):
        if self.mask is None:
            self.mask = x > 0
        return np.maximum(x, 0)

    def backward(self, g):
        return g * self.mask


# wrong: stale-cache
class PreviousInput:
    def __init__(self):
        self.x = 0.0
        self.before = 0.0

    def forward(self, x):
        self.before, self.x = self.x, x
        return x**2

    def backward(self, g):
        return 2 * self.before * g + 0 * self.x


# wrong: aliased
class AliasView:
    def forward(self, x):
        self.x = x
        return 0.5 * (x**2).sum()

    def backward(self, g):
        out = self.x[:]
        return out


# wrong: not-repeatable
class TimeBased:
    def forward(self, x):
        self.k = 1 + (time.time_ns() % 1000) / 1000
        return x * self.k

    def backward(self, g):
        return g * self.k


# wrong: gradient-type
class ObjectType:
    def forward(self, x):
        self.x = x
        return x**2

    def backward(self, g):
        return np.array([str(v) for v in (2 * self.x * g).ravel()])


# wrong: gradient-type
class ComplexType:
    def forward(self, x):
        self.x = x
        return x**2

    def backward(self, g):
        return 2 * self.x * g + 0.5j


# wrong: not-finite
class DividesByZero:
    def forward(self, x):
        self.x = x
        return np.abs(x)

    def backward(self, g):
        return g * self.x / (np.abs(self.x) - np.abs(self.x))


# wrong: accumulated
class AccumulatesOneOfTwo:
    samples = [(np.array([[0.4, -1.2], [0.7, 0.3]]), np.array([[1.1, 0.2], [-0.5, 0.9]]))]
    dw = None

    def forward(self, x, w):
        self.x, self.w = x, w
        if self.dw is None:
            self.dw = np.zeros_like(w)
        return x @ w

    def backward(self, g):
        self.dw += self.x.T @ g
        return g @ self.w.T, self.dw


# wrong: gradient-shape
class Flattens:
    def forward(self, x):
        return 2 * x

    def backward(self, g):
        return 2 * g.ravel()


# wrong: None
class NotWrittenYet:
    def forward(self, x):
        return x * x

    def backward(self, g):
        raise NotImplementedError
