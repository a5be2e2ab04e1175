"""Gates that are wrong in what one call leaves to the next, or in what they return."""

import numpy as np
_cache = {}
COUNT = 0
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
        return x ** 3
    def backward(self, g):
        self.dx += 3 * self.x ** 2 * g
        return self.dx
# wrong: stale-cache
class StaleUpstream:
    up = None
    def forward(self, x):
        self.x = x
        return x ** 2
    def backward(self, g):
        if self.up is None:
            self.up = g
        return 2 * self.x * self.up
# wrong: input-modified
class DoutInPlace:
    def forward(self, x):
        self.mask = (x <= 0)
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
        return x ** 2 + 1e-3 * np.random.randn(*x.shape)
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
        return x ** 2
    def backward(self, g):
        self.dx = 2 * self.x * g
# wrong: gradient-shape
class ReturnsSum:
    def forward(self, x):
        self.x = x
        return x ** 2
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
        return x ** 2
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
        return x ** 2
    def backward(self, g):
        return 2 * self.before * g + 0 * self.x
# wrong: aliased
class AliasView:
    def forward(self, x):
        self.x = x
        return 0.5 * (x ** 2).sum()
    def backward(self, g):
        out = self.x[:]
        return out
# wrong: not-repeatable
class TimeBased:
    def forward(self, x):
        import time
        self.k = 1 + (time.time_ns() % 1000) / 1000
        return x * self.k
    def backward(self, g):
        return g * self.k
# wrong: gradient-type
class ObjectType:
    def forward(self, x):
        self.x = x
        return x ** 2
    def backward(self, g):
        return np.array([str(v) for v in (2 * self.x * g).ravel()])
# wrong: gradient-type
class ComplexType:
    def forward(self, x):
        self.x = x
        return x ** 2
    def backward(self, g):
        return 2 * self.x * g + 0.5j
# wrong: not-finite
class DividesByZero:
    def forward(self, x):
        self.x = x
        return np.abs(x)
    def backward(self, g):
        return g * self.x / (np.abs(self.x) - np.abs(self.x))
