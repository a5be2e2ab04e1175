"""Gates that are wrong, each with the names that fit its mistake in a comment above it."""

import math

import numpy as np

import gradcli

# ---------------------------------------------------------------- numbers


# wrong: not-switched
class MulNotSwitched:
    def forward(self, x, y):
        self.x, self.y = x, y
        return x * y

    def backward(self, dz):
        return [self.x * dz, self.y * dz]


# wrong: missing-upstream
class SigmoidWithoutUpstream:
    def forward(self, x):
        self.s = 1.0 / (1.0 + math.exp(-x))
        return self.s

    def backward(self, upstream):
        return self.s * (1 - self.s)


# wrong: sign
class SubSign:
    def forward(self, x, y):
        return x - y

    def backward(self, dz):
        dx = dz
        dy = dz
        return dx, dy


# wrong: dropped-factor
class SquareWithoutTwo:
    def forward(self, x):
        self.x = x
        return x * x

    def backward(self, upstream):
        return self.x * upstream


# wrong: dropped-power
class DivideWithoutPower:
    def forward(self, x, y):
        self.x, self.y = x, y
        return x / y

    def backward(self, dz):
        dx = dz / self.y
        dy = -self.x / self.y * dz
        return dx, dy


# wrong: slope-from-input wrong-cache
class TanhOfInput:
    def forward(self, x):
        self.x = x
        self.out = math.tanh(x)
        return self.out

    def backward(self, upstream):
        return (1 - self.x**2) * upstream


# wrong: dropped-one-minus
class SigmoidWithoutOneMinus:
    def forward(self, x):
        self.s = 1 / (1 + math.exp(-x))
        return self.s

    def backward(self, upstream):
        return self.s * upstream


# wrong: wrong-operator
class MulWithPlus:
    def forward(self, x, y):
        self.x, self.y = x, y
        return x * y

    def backward(self, dz):
        dx = self.y + dz
        dy = self.x * dz
        return dx, dy


# wrong: wrong-branch
class MaximumWrongBranch:
    def forward(self, x, y):
        self.x_wins = x >= y
        return x if self.x_wins else y

    def backward(self, dz):
        return (0.0, dz) if self.x_wins else (dz, 0.0)


# wrong: missing-path
class CubeAndSquare:
    def forward(self, x):
        self.x = x
        return x**3 + x**2

    def backward(self, upstream):
        dx = 3 * self.x**2 * upstream
        return dx


# wrong: wrong-constant
class SoftplusConstant:
    def forward(self, x):
        self.x = x
        return math.log(1 + math.exp(x))

    def backward(self, upstream):
        return upstream / (2 + math.exp(-self.x))


# ---------------------------------------------------------------- arrays


# wrong: wrong-branch
class ReluWrongSide:
    def forward(self, x):
        self.mask = x > 0
        return x * self.mask

    def backward(self, upstream):
        return upstream * (self.mask == 0)


# wrong: missing-upstream
class ReluMaskOnly:
    def forward(self, x):
        self.mask = x > 0
        return np.maximum(x, 0)

    def backward(self, upstream):
        return self.mask.astype(float)


# wrong: wrong-cache
class ReluMaskOfUpstream:
    def forward(self, x):
        self.x = x
        return np.maximum(x, 0)

    def backward(self, upstream):
        return upstream * (upstream > 0)


# wrong: transposed
class MatMulTransposed:
    def forward(self, x, w):
        self.x, self.w = x, w
        return x @ w

    def backward(self, dout):
        dx = dout @ self.w
        dw = self.x.T @ dout
        return dx, dw

    samples = [(np.random.RandomState(1).randn(3, 3), np.random.RandomState(2).randn(3, 3))]


# wrong: transposed
class MatMulInWrongOrder:
    def forward(self, x, w):
        self.x, self.w = x, w
        return x @ w

    def backward(self, dout):
        dx = dout @ self.w.T
        dw = dout.T @ self.x
        return dx, dw


# wrong: unsummed-axis
class AffineUnsummed:
    def forward(self, x, w, b):
        self.x, self.w = x, w
        return x @ w + b

    def backward(self, dout):
        dx = dout @ self.w.T
        dw = self.x.T @ dout
        db = dout
        return dx, dw, db


# wrong: missing-mean
class MeanSquaredErrorWithoutMean:
    def forward(self, prediction, target):
        self.difference = prediction - target
        return np.mean(self.difference**2)

    def backward(self, upstream):
        d = 2 * self.difference * upstream
        return d, -d


# wrong: missing-mean
class MeanWithoutCount:
    def forward(self, x):
        self.shape = x.shape
        return np.mean(x)

    def backward(self, upstream):
        return upstream * np.ones(self.shape)


# wrong: softmax-diagonal
class SoftmaxDiagonal:
    def forward(self, z):
        e = np.exp(z - np.max(z, axis=1, keepdims=True))
        self.p = e / np.sum(e, axis=1, keepdims=True)
        return self.p

    def backward(self, dout):
        return self.p * (1 - self.p) * dout


# wrong: dropped-factor wrong-constant
class GeluFactor:
    def forward(self, x):
        self.x = x
        self.t = np.tanh(np.sqrt(2 / np.pi) * (x + 0.044715 * x**3))
        return 0.5 * x * (1 + self.t)

    def backward(self, upstream):
        inner = np.sqrt(2 / np.pi) * (1 + 3 * 0.044715 * self.x**2)
        slope = 0.5 * (1 + self.t) + self.x * (1 - self.t**2) * inner
        return upstream * slope


# wrong: lost-term missing-path
class SiluLostTerm:
    def forward(self, x):
        self.x = x
        self.s = 1 / (1 + np.exp(-x))
        return x * self.s

    def backward(self, upstream):
        return upstream * self.s


# wrong: missing-path
class BatchNormWithoutMean:
    def forward(self, x, gamma, beta):
        self.gamma = gamma
        mean = x.mean(axis=0)
        self.std = np.sqrt(((x - mean) ** 2).mean(axis=0) + 1e-5)
        self.normal = (x - mean) / self.std
        return gamma * self.normal + beta

    def backward(self, dout):
        dbeta = dout.sum(axis=0)
        dgamma = (dout * self.normal).sum(axis=0)
        dx = dout * self.gamma / self.std
        return dx, dgamma, dbeta


# wrong: sign
class CrossEntropySign:
    def forward(self, scores, labels):
        shifted = scores - scores.max(axis=1, keepdims=True)
        p = np.exp(shifted) / np.exp(shifted).sum(axis=1, keepdims=True)
        self.p, self.labels = p, labels
        return -np.log(p[np.arange(len(labels)), labels]).mean()

    def backward(self, upstream):
        d = self.p.copy()
        d[np.arange(len(self.labels)), self.labels] += 1
        return upstream * d / len(self.labels), None

    samples = [(np.array([[0.2, -1.3, 0.7], [1.1, 0.4, -0.6]]), np.array([2, 0]))]


# wrong: transposed
class AttentionTransposed:
    def forward(self, q, k, v):
        self.q, self.k, self.v = q, k, v
        self.scale = 1 / np.sqrt(q.shape[-1])
        scores = q @ k.T * self.scale
        e = np.exp(scores - scores.max(axis=1, keepdims=True))
        self.a = e / e.sum(axis=1, keepdims=True)
        return self.a @ v

    def backward(self, dout):
        dv = self.a @ dout
        da = dout @ self.v.T
        ds = self.a * (da - (da * self.a).sum(axis=1, keepdims=True)) * self.scale
        dq = ds @ self.k
        dk = ds.T @ self.q
        return dq, dk, dv

    samples = [tuple(np.random.RandomState(k).randn(3, 4) for k in (1, 2, 3))]


# wrong: overwritten
class Conv1dOverwritten:
    def forward(self, x, w):
        self.x, self.w = x, w
        n, k = len(x), len(w)
        return np.array([np.dot(x[i : i + k], w) for i in range(n - k + 1)])

    def backward(self, dout):
        dx, dw = np.zeros(len(self.x)), np.zeros(len(self.w))
        k = len(self.w)
        for i in range(len(dout)):
            dx[i : i + k] = dout[i] * self.w
            dw += dout[i] * self.x[i : i + k]
        return dx, dw

    samples = [(np.array([0.3, -1.2, 0.8, 2.0, -0.5, 1.1]), np.array([0.7, -0.4, 1.3]))]


# wrong: double-counted
class AddCounted:
    def forward(self, x, y):
        self.x, self.y = x, y
        return x * y

    def backward(self, dz):
        dx = self.y * dz
        dx += self.y * dz
        dy = self.x * dz
        return dx, dy


# wrong: extra-term
class ExpExtra:
    def forward(self, x):
        self.x = x
        self.out = np.exp(x)
        return self.out

    def backward(self, upstream):
        return self.out * upstream + self.x


# wrong: wrong-branch
class SortUnsorted:
    def forward(self, x):
        self.order = np.argsort(x)
        return x[self.order]

    def backward(self, dout):
        return dout[self.order]

    samples = [np.array([0.3, -1.2, 0.8, 2.0, -0.5])]


# wrong: None
class CumSumForwards:
    def forward(self, x):
        return np.cumsum(x)

    def backward(self, dout):
        return np.cumsum(dout)

    samples = [np.array([0.3, -1.2, 0.8, 2.0])]


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


# ---------------------------------------------------------------- states


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


# wrong: sign
class TinySign:
    def forward(self, x):
        self.x = x
        return 1e-9 * x**2

    def backward(self, upstream):
        return -2e-9 * self.x * upstream


# wrong: dropped-factor
class HugeFactor:
    def forward(self, x):
        self.x = x
        return 1e9 * np.sin(x)

    def backward(self, upstream):
        return 2e9 * np.cos(self.x) * upstream


# wrong: dropped-factor
class TinyMul:
    def forward(self, x, y):
        self.x, self.y = x, y
        return 1e-9 * x * y

    def backward(self, dz):
        return 2e-9 * self.y * dz, 1e-9 * self.x * dz


# ---------------------------------------------------------------- what cannot be read


# wrong: sign
class FixedPointSign:
    def forward(self, x):
        y, before = 0.5, 1.0
        while abs(y - before) > 1e-15:
            before = y
            y = y - (y - math.cos(x * y)) / (1 + x * math.sin(x * y))
        self.x, self.y = x, y
        return y

    def backward(self, upstream):
        s = math.sin(self.x * self.y)
        return upstream * self.y * s / (1 + self.x * s)


# wrong: missing-upstream
@gradcli.gate(backward=lambda upstream, x: 1 / (1 + np.abs(x)) ** 2)
def softsign_without_upstream(x):
    return x / (1 + np.abs(x))


# wrong: dropped-factor
@gradcli.gate(samples="0.4, 2; -1.5, 0.3")
def hypotenuse_twice(x, y):
    r = math.sqrt(x * x + y * y)

    def pullback(upstream):
        return 2 * upstream * x / r, 2 * upstream * y / r

    return r, pullback


# wrong: not-finite
class NormAtNothing:
    def forward(self, x):
        self.x = x
        return np.sum(x**2)

    def backward(self, upstream):
        return 2 * upstream * self.x * (self.x / self.x)

    samples = [np.array([0.0, 1.5, -0.5])]


# wrong: gradient-type
class GivesWholeNumbers:
    def forward(self, x):
        self.x = x
        return x**2

    def backward(self, upstream):
        return (2 * self.x * upstream).astype(int)


# wrong: None
class GroupNormWithoutScale:
    eps = 1e-5

    def forward(self, x, gamma, beta):
        N, C = x.shape
        G = 2
        xg = x.reshape(N, G, C // G)
        mu = xg.mean(axis=2, keepdims=True)
        var = xg.var(axis=2, keepdims=True)
        self.std = np.sqrt(var + self.eps)
        self.xhat = (xg - mu) / self.std
        self.gamma = gamma
        self.shape = (N, C, G)
        return self.xhat.reshape(N, C) * gamma + beta

    def backward(self, dout):
        N, C, G = self.shape
        xh = self.xhat.reshape(N, C)
        dgamma = (dout * xh).sum(0)
        dbeta = dout.sum(0)
        dxhat = (dout).reshape(N, G, C // G)
        m = C // G
        dx = (
            dxhat
            - dxhat.mean(2, keepdims=True)
            - self.xhat * (dxhat * self.xhat).mean(2, keepdims=True)
        ) / self.std
        return dx.reshape(N, C), dgamma, dbeta


# wrong: overwritten
class Conv2dOverwritten:
    def forward(self, image, kernel):
        H, W = image.shape
        kh, kw = kernel.shape
        out = np.zeros((H - kh + 1, W - kw + 1))
        for i in range(out.shape[0]):
            for j in range(out.shape[1]):
                out[i, j] = np.sum(image[i : i + kh, j : j + kw] * kernel)
        self.saved = (image, kernel)
        return out

    def backward(self, g):
        image, kernel = self.saved
        kh, kw = kernel.shape
        dimage = np.zeros_like(image)
        dkernel = np.zeros_like(kernel)
        for i in range(g.shape[0]):
            for j in range(g.shape[1]):
                dimage[i : i + kh, j : j + kw] = g[i, j] * kernel
                dkernel += g[i, j] * image[i : i + kh, j : j + kw]
        return dimage, dkernel


# wrong: sign
class TripletSign:
    def forward(self, a, p, n):
        self.a, self.p, self.n = a, p, n
        self.active = ((a - p) ** 2).sum() - ((a - n) ** 2).sum() + 1.0 > 0
        return max(0.0, ((a - p) ** 2).sum() - ((a - n) ** 2).sum() + 1.0)

    def backward(self, g):
        if not self.active:
            return 0 * self.a, 0 * self.p, 0 * self.n
        return g * 2 * (self.n - self.p), g * 2 * (self.a - self.p), g * 2 * (self.a - self.n)


# wrong: wrong-branch
class SortDescendingUnsorted:
    def forward(self, v):
        self.order = np.argsort(-v)
        return v[self.order]

    def backward(self, dv):
        out = np.empty_like(dv)
        out = dv[self.order]
        return out


# wrong: overwritten
class EmbeddingOverwritten:
    def forward(self, table):
        self.ids = np.array([0, 2, 1, 2, 0])
        self.shape = table.shape
        return table[self.ids % len(table)]

    def backward(self, dout):
        d = np.zeros(self.shape)
        d[self.ids % self.shape[0]] = dout
        return d


# wrong: wrong-branch
class RollForwards:
    def forward(self, x):
        return np.roll(x, 2, axis=-1)

    def backward(self, g):
        return np.roll(g, 2, axis=-1)
