"""Layers and losses that are wrong; above each the names that fit its mistake."""

import numpy as np


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


# wrong: softmax-diagonal
class SoftmaxDiagonal:
    def forward(self, z):
        e = np.exp(z - np.max(z, axis=1, keepdims=True))
        self.p = e / np.sum(e, axis=1, keepdims=True)
        return self.p

    def backward(self, dout):
        return self.p * (1 - self.p) * dout


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


# wrong: extra-term
class CrossEntropyAndHalf:
    samples = [(np.array([[0.1, -0.4, 0.9, 0.3], [1.2, 0.2, -0.7, 0.5]]), np.array([0, 2]))]

    def forward(self, scores, labels):
        e = np.exp(scores)
        self.p, self.labels = e / e.sum(axis=1, keepdims=True), labels
        return -np.log(self.p[np.arange(len(labels)), labels]).sum()

    def backward(self, upstream):
        d = self.p.copy()
        d[np.arange(len(self.labels)), self.labels] -= 1
        return upstream * (d + self.p * 0.5), None
