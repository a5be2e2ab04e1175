import numpy as np
from numpy import dot, trace
from numpy.linalg import inv, det


# gradcli: W = [[1.5, 0.2, -0.1], [0.3, 2.0, 0.4], [-0.2, 0.1, 1.2]]
def log_volume(W):
    f = np.log(det(W)) - 0.5 * trace(dot(W.T, W))
    return f


def log_volume_grad(W):
    return inv(W).T - W


# gradcli: A = randn(3, 3); v = randn(3)
def rayleigh(A, v):
    """Value and gradients of v'Av / v'v."""
    q = v @ A @ v
    n = np.dot(v, v)
    value = q / n
    g_A = np.outer(v, v) / n
    g_v = ((A + A.T) @ v - 2 * value * v) / n
    return value, g_A, g_v


# mistake: return inv(W).T - W => return inv(W) - W
# mistake: g_v = ((A + A.T) @ v - 2 * value * v) / n => g_v = (2 * A @ v - 2 * value * v) / n
# mistake: g_A = np.outer(v, v) / n => g_A = np.outer(v, v)
