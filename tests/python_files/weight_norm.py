import numpy as np
from numpy.linalg import norm


def weightnorm_forward(x, v, g):
    """w = g v / |v|, row by row; x (N, D), v (M, D), g (M,)."""
    length = norm(v, axis=1)
    w = (g / length)[:, None] * v
    return x @ w.T, (x, v, g, length, w)


def weightnorm_backward(dout, cache):
    x, v, g, length, w = cache
    dw = dout.T @ x
    dx = dout @ w
    u = v / length[:, None]
    dg = np.sum(dw * u, axis=1)
    dv = (g / length)[:, None] * (dw - dg[:, None] * u)
    return dx, dv, dg


# mistake: dv = (g / length)[:, None] * (dw - dg[:, None] * u) => dv = (g / length)[:, None] * dw
# mistake: dg = np.sum(dw * u, axis=1) => dg = np.sum(dw * v, axis=1)
# mistake: dx = dout @ w => dx = dout @ v
