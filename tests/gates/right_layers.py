"""Layers and losses that are right: forward and backward as people write them."""

import numpy as np


class MatMul:
    def forward(self, x, w):
        self.x, self.w = x, w
        return x @ w

    def backward(self, upstream):
        return upstream @ self.w.T, self.x.T @ upstream


class Affine:
    def forward(self, x, w, b):
        self.x, self.w = x, w
        return x @ w + b

    def backward(self, dout):
        return dout @ self.w.T, self.x.T @ dout, dout.sum(axis=0)


class AddBias:
    def forward(self, x, b):
        return x + b

    def backward(self, dout):
        return dout, np.sum(dout, axis=0)

    samples = [(np.ones((3, 4)), np.zeros(4))]


class Softmax:
    def forward(self, x):
        e = np.exp(x - x.max(axis=-1, keepdims=True))
        self.p = e / e.sum(axis=-1, keepdims=True)
        return self.p

    def backward(self, upstream):
        return self.p * (upstream - (upstream * self.p).sum(axis=-1, keepdims=True))


class LogSumExp:
    def forward(self, x):
        m = x.max(axis=1, keepdims=True)
        e = np.exp(x - m)
        total = e.sum(axis=1, keepdims=True)
        self.p = e / total
        return (np.log(total) + m)[:, 0]

    def backward(self, upstream):
        return self.p * upstream[:, None]


class SoftmaxCrossEntropy:
    def forward(self, scores, labels):
        shifted = scores - scores.max(axis=1, keepdims=True)
        logs = shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True))
        self.p, self.labels = np.exp(logs), labels
        return -logs[np.arange(len(labels)), labels].mean()

    def backward(self, upstream):
        d = self.p.copy()
        d[np.arange(len(self.labels)), self.labels] -= 1
        return upstream * d / len(self.labels), None

    samples = [(np.array([[0.2, -1.3, 0.7], [1.1, 0.4, -0.6]]), np.array([2, 0]))]


class MeanSquaredError:
    def forward(self, prediction, target):
        self.difference = prediction - target
        return np.mean(self.difference**2)

    def backward(self, upstream):
        d = 2 * self.difference / self.difference.size * upstream
        return d, -d


class Huber:
    def forward(self, x, delta=1.0):
        self.x, self.delta = x, delta
        small = np.abs(x) <= delta
        return np.where(small, 0.5 * x**2, delta * (np.abs(x) - 0.5 * delta)).sum()

    def backward(self, upstream):
        return upstream * np.clip(self.x, -self.delta, self.delta)


class BatchNorm:
    def forward(self, x, gamma, beta):
        self.gamma = gamma
        mean = x.mean(axis=0)
        centred = x - mean
        variance = (centred**2).mean(axis=0)
        self.std = np.sqrt(variance + 1e-5)
        self.normal = centred / self.std
        return gamma * self.normal + beta

    def backward(self, dout):
        n = dout.shape[0]
        dbeta = dout.sum(axis=0)
        dgamma = (dout * self.normal).sum(axis=0)
        dnormal = dout * self.gamma
        dx = (
            n * dnormal - dnormal.sum(axis=0) - self.normal * (dnormal * self.normal).sum(axis=0)
        ) / (n * self.std)
        return dx, dgamma, dbeta


class LayerNorm:
    def forward(self, x, gamma, beta):
        self.gamma = gamma
        mean = x.mean(axis=-1, keepdims=True)
        variance = x.var(axis=-1, keepdims=True)
        self.inverse = 1 / np.sqrt(variance + 1e-5)
        self.normal = (x - mean) * self.inverse
        return gamma * self.normal + beta

    def backward(self, dout):
        dnormal = dout * self.gamma
        dx = self.inverse * (
            dnormal
            - dnormal.mean(axis=-1, keepdims=True)
            - self.normal * (dnormal * self.normal).mean(axis=-1, keepdims=True)
        )
        return dx, (dout * self.normal).sum(axis=0), dout.sum(axis=0)


class Attention:
    def forward(self, q, k, v):
        self.q, self.k, self.v = q, k, v
        self.scale = 1 / np.sqrt(q.shape[-1])
        scores = q @ k.T * self.scale
        e = np.exp(scores - scores.max(axis=1, keepdims=True))
        self.a = e / e.sum(axis=1, keepdims=True)
        return self.a @ v

    def backward(self, dout):
        dv = self.a.T @ dout
        da = dout @ self.v.T
        ds = self.a * (da - (da * self.a).sum(axis=1, keepdims=True)) * self.scale
        return ds @ self.k, ds.T @ self.q, dv


class Conv1d:
    def forward(self, x, w):
        self.x, self.w = x, w
        n, k = len(x), len(w)
        return np.array([np.dot(x[i : i + k], w) for i in range(n - k + 1)])

    def backward(self, dout):
        dx, dw = np.zeros(len(self.x)), np.zeros(len(self.w))
        k = len(self.w)
        for i in range(len(dout)):
            dx[i : i + k] += dout[i] * self.w
            dw += dout[i] * self.x[i : i + k]
        return dx, dw

    samples = [(np.array([0.3, -1.2, 0.8, 2.0, -0.5, 1.1]), np.array([0.7, -0.4, 1.3]))]


class MaxPool:
    def forward(self, x):
        n, h, w = x.shape
        blocks = x.reshape(n, h // 2, 2, w // 2, 2)
        out = blocks.max(axis=(2, 4))
        self.mask = blocks == out[:, :, None, :, None]
        self.shape = x.shape
        return out

    def backward(self, dout):
        return (self.mask * dout[:, :, None, :, None]).reshape(self.shape)

    samples = [np.random.RandomState(3).randn(2, 4, 6)]


class Flatten:
    def forward(self, x):
        self.shape = x.shape
        return x.reshape(x.shape[0], -1)

    def backward(self, dout):
        return dout.reshape(self.shape)


class Transpose:
    def forward(self, x):
        return x.T

    def backward(self, dout):
        return dout.T


class Embedding:
    def forward(self, table, places):
        self.shape, self.places = table.shape, places
        return table[places]

    def backward(self, dout):
        dtable = np.zeros(self.shape)
        np.add.at(dtable, self.places, dout)
        return dtable, None

    samples = [(np.random.RandomState(0).randn(5, 3), np.array([1, 4, 1]))]


class Concatenate:
    def forward(self, x, y):
        self.cut = x.shape[1]
        return np.concatenate([x, y], axis=1)

    def backward(self, dout):
        return dout[:, : self.cut], dout[:, self.cut :]


class LossWithoutUpstream:
    def forward(self, scores, labels):
        e = np.exp(scores - scores.max(axis=1, keepdims=True))
        self.p, self.labels = e / e.sum(axis=1, keepdims=True), labels
        return -np.log(self.p[np.arange(len(labels)), labels]).mean()

    def backward(self):
        d = self.p.copy()
        d[np.arange(len(self.labels)), self.labels] -= 1
        return d / len(self.labels)


class GroupNorm:
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
        dxhat = (dout * self.gamma).reshape(N, G, C // G)
        m = C // G
        dx = (
            dxhat
            - dxhat.mean(2, keepdims=True)
            - self.xhat * (dxhat * self.xhat).mean(2, keepdims=True)
        ) / self.std
        return dx.reshape(N, C), dgamma, dbeta


class Conv2d:
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
                dimage[i : i + kh, j : j + kw] += g[i, j] * kernel
                dkernel += g[i, j] * image[i : i + kh, j : j + kw]
        return dimage, dkernel


class Triplet:
    def forward(self, a, p, n):
        self.a, self.p, self.n = a, p, n
        self.active = ((a - p) ** 2).sum() - ((a - n) ** 2).sum() + 1.0 > 0
        return max(0.0, ((a - p) ** 2).sum() - ((a - n) ** 2).sum() + 1.0)

    def backward(self, g):
        if not self.active:
            return 0 * self.a, 0 * self.p, 0 * self.n
        return g * 2 * (self.n - self.p), g * 2 * (self.p - self.a), g * 2 * (self.a - self.n)


class MaxPool1dTies:
    def forward(self, x):
        n = len(x) // 2
        r = x[: 2 * n].reshape(n, 2)
        self.arg = r.argmax(1)
        self.shape = x.shape
        return r.max(1)

    def backward(self, dout):
        dx = np.zeros(self.shape)
        n = len(self.arg)
        d = np.zeros((n, 2))
        d[np.arange(n), self.arg] = dout
        dx[: 2 * n] = d.ravel()
        return dx


class CosineSimilarity:
    def forward(self, a, b):
        self.a, self.b = a, b
        self.na, self.nb = np.linalg.norm(a), np.linalg.norm(b)
        self.s = a @ b / (self.na * self.nb)
        return self.s

    def backward(self, g):
        a, b, na, nb, s = self.a, self.b, self.na, self.nb, self.s
        return g * (b / (na * nb) - s * a / na**2), g * (a / (na * nb) - s * b / nb**2)


class RNNCell:
    def forward(self, x, h, Wx, Wh, b):
        self.saved = x, h, Wx, Wh
        self.out = np.tanh(x @ Wx + h @ Wh + b)
        return self.out

    def backward(self, dnext):
        x, h, Wx, Wh = self.saved
        da = dnext * (1 - self.out**2)
        return da @ Wx.T, da @ Wh.T, x.T @ da, h.T @ da, da.sum(axis=0)


class BatchNormWithRunningMean:
    def __init__(self):
        self.mean, self.calls = 0.0, 0

    def forward(self, x):
        self.calls += 1
        self.mean = 0.9 * self.mean + 0.1 * x.mean(axis=0)
        self.std = np.sqrt(x.var(axis=0) + 1e-5)
        self.normal = (x - x.mean(axis=0)) / self.std
        return self.normal

    def backward(self, dout):
        along = (dout * self.normal).mean(axis=0)
        return (dout - dout.mean(axis=0) - self.normal * along) / self.std


class Nothing:
    samples = [(np.ones((3, 4)),)]

    def forward(self, x):
        return x[:0]

    def backward(self, dout):
        return np.zeros((3, 4))


class Inverse:
    samples = [(np.array([[2.0, 0.3, 0.1], [0.2, 1.5, -0.4], [-0.3, 0.6, 1.9]]),)]

    def forward(self, a):
        self.inverse = np.linalg.inv(a)
        return self.inverse

    def backward(self, dout):
        return -self.inverse.T @ dout @ self.inverse.T


class Spectrum:
    samples = [(np.array([0.3, -1.2, 0.5, 2.0, 0.1]),)]

    def forward(self, x):
        self.waves = np.fft.fft(x)
        return np.abs(self.waves) ** 2

    def backward(self, dout):
        return 2 * len(dout) * np.fft.ifft(dout * self.waves).real
