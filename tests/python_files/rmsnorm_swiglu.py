"""The parts of a transformer's feed-forward block."""
import numpy as np


def rmsnorm_fwd(x, g):
    r = np.sqrt(np.mean(np.square(x), axis=-1, keepdims=True) + 1e-6)
    n = x / r
    return n * g, (n, r, g)


def rmsnorm_bwd(dy, cache):
    n, r, g = cache
    dg = np.sum(dy * n, axis=tuple(range(dy.ndim - 1)))
    dn = dy * g
    dx = (dn - n * np.mean(dn * n, axis=-1, keepdims=True)) / r
    return dx, dg


def swiglu_fwd(x, W, V, W2):
    a, b = x @ W, x @ V
    s = 1.0 / (1.0 + np.exp(-a))
    h = a * s * b
    return h @ W2, (x, W, V, W2, a, b, s, h)


def swiglu_bwd(dy, cache):
    x, W, V, W2, a, b, s, h = cache
    dW2 = h.T @ dy
    dh = dy @ W2.T
    db = dh * a * s
    da = dh * b * (s + a * s * (1 - s))
    dx = da @ W.T + db @ V.T
    dW, dV = x.T @ da, x.T @ db
    return dx, dW, dV, dW2


# mistake: dx = (dn - n * np.mean(dn * n, axis=-1, keepdims=True)) / r => dx = dn / r
# mistake: da = dh * b * (s + a * s * (1 - s)) => da = dh * b * s
# mistake: dx = da @ W.T + db @ V.T => dx = da @ W.T - db @ V.T
