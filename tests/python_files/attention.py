import numpy as np


def softmax(z):
    z = z - z.max(-1, keepdims=True)
    e = np.exp(z)
    return e / e.sum(-1, keepdims=True)


class SelfAttention:
    def __init__(self, d_model, d_k):
        self.W_q = np.random.randn(d_model, d_k)
        self.W_k = np.random.randn(d_model, d_k)
        self.W_v = np.random.randn(d_model, d_k)
        self.scale = np.sqrt(d_k)

    def forward(self, X):
        Q, K, V = X @ self.W_q, X @ self.W_k, X @ self.W_v
        S = Q @ K.T / self.scale
        P = softmax(S)
        out = P @ V
        self.cache = X, Q, K, V, P
        return out

    def backward(self, dout):
        X, Q, K, V, P = self.cache
        dP = dout @ V.T
        dV = P.T @ dout
        dS = P * (dP - np.sum(dP * P, axis=-1, keepdims=True))
        dS /= self.scale
        dQ = dS @ K
        dK = dS.T @ Q
        self.grads = {"W_q": X.T @ dQ, "W_k": X.T @ dK, "W_v": X.T @ dV}
        dX = dQ @ self.W_q.T + dK @ self.W_k.T + dV @ self.W_v.T
        return dX


# mistake: dK = dS.T @ Q => dK = dS @ Q
# mistake: dS = P * (dP - np.sum(dP * P, axis=-1, keepdims=True)) => dS = P * dP  (elsewhere)
# mistake: dX = dQ @ self.W_q.T + dK @ self.W_k.T + dV @ self.W_v.T => dX = dQ @ self.W_q.T + dK @ self.W_k.T
