"""Multi-head attention, heads as an axis."""
import numpy as np


# gradcli: x = randn(2, 3, 4); Wq = randn(4, 4); Wk = randn(4, 4); Wv = randn(4, 4); Wo = randn(4, 4); n_heads = 2
def mha_forward(x, Wq, Wk, Wv, Wo, n_heads):
    B, T, D = x.shape
    dh = D // n_heads

    def split(a):
        return a.reshape(B, T, n_heads, dh).transpose(0, 2, 1, 3)

    q, k, v = split(x @ Wq), split(x @ Wk), split(x @ Wv)
    s = q @ k.swapaxes(-1, -2) / np.sqrt(dh)
    s = s - s.max(axis=-1, keepdims=True)
    p = np.exp(s)
    p = p / p.sum(axis=-1, keepdims=True)
    o = (p @ v).transpose(0, 2, 1, 3).reshape(B, T, D)
    y = o @ Wo
    return y, (x, Wq, Wk, Wv, Wo, q, k, v, p, o, n_heads)


def mha_backward(dy, cache):
    x, Wq, Wk, Wv, Wo, q, k, v, p, o, n_heads = cache
    B, T, D = x.shape
    dh = D // n_heads

    def merge(a):
        return a.transpose(0, 2, 1, 3).reshape(B * T, D)

    x2 = x.reshape(B * T, D)
    dWo = o.reshape(B * T, D).T @ dy.reshape(B * T, D)
    do = (dy @ Wo.T).reshape(B, T, n_heads, dh).transpose(0, 2, 1, 3)
    dv = np.matmul(p.transpose(0, 1, 3, 2), do)
    dp = np.einsum('bhtd,bhsd->bhts', do, v)
    ds = p * (dp - (dp * p).sum(-1, keepdims=True)) / np.sqrt(dh)
    dq = ds @ k
    dk = np.einsum('bhts,bhtd->bhsd', ds, q)
    dWq, dWk, dWv = x2.T @ merge(dq), x2.T @ merge(dk), x2.T @ merge(dv)
    dx = merge(dq) @ Wq.T + merge(dk) @ Wk.T + merge(dv) @ Wv.T
    return dx.reshape(B, T, D), dWq, dWk, dWv, dWo


# mistake: dk = np.einsum('bhts,bhtd->bhsd', ds, q) => dk = np.einsum('bhts,bhsd->bhtd', ds, q)
# mistake: ds = p * (dp - (dp * p).sum(-1, keepdims=True)) / np.sqrt(dh) => ds = p * (dp - (dp * p).sum(-1, keepdims=True))
# mistake: + merge(dv) @ Wv.T => + merge(dv) @ Wv
