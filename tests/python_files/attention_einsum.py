import numpy as np


def softmax(s):
    s = s - s.max(axis=-1, keepdims=True)
    e = np.exp(s)
    return e / e.sum(axis=-1, keepdims=True)


def attend_fwd(q, k, v):
    """q, k, v: (B, T, D) ; causal"""
    T = q.shape[1]
    scale = q.shape[-1] ** -0.5
    s = np.einsum('btd,bsd->bts', q, k) * scale
    keep = np.tril(np.ones((T, T)))
    s = np.where(keep == 1, s, -1e9)
    a = softmax(s)
    o = np.einsum('bts,bsd->btd', a, v)
    return o, (q, k, v, a, scale)


def attend_bwd(do, cache):
    q, k, v, a, scale = cache
    da = np.einsum('btd,bsd->bts', do, v)
    dv = np.einsum('bts,btd->bsd', a, do)
    ds = a * (da - np.sum(a * da, axis=-1, keepdims=True)) * scale
    dq = np.einsum('bts,bsd->btd', ds, k)
    dk = np.einsum('bts,btd->bsd', ds, q)
    return dq, dk, dv


# mistake: dk = np.einsum('bts,btd->bsd', ds, q) => dk = np.einsum('bts,bsd->btd', ds, q)
# mistake: ds = a * (da - np.sum(a * da, axis=-1, keepdims=True)) * scale => ds = a * (da - np.sum(a * da, axis=-1, keepdims=True))
# mistake: ds = a * (da - np.sum(a * da, axis=-1, keepdims=True)) * scale => ds = a * (da - np.sum(da, axis=-1, keepdims=True)) * scale
