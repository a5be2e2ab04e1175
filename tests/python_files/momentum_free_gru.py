"""Two steps of a GRU with gates computed by one product, and their backward pass."""
import numpy as np


def sigm(a):
    return 1. / (1. + np.exp(-a))


# gradcli: xs = [randn(2, 3), randn(2, 3)]; h0 = randn(2, 4); Wx = randn(3, 12); Wh = randn(4, 12); b = randn(12)
def gru_forward(xs, h0, Wx, Wh, b):
    H = h0.shape[1]
    h = h0
    hs, caches = [], []
    for x in xs:
        ax = x @ Wx + b
        ah = h @ Wh
        r = sigm(ax[:, :H] + ah[:, :H])
        z = sigm(ax[:, H:2*H] + ah[:, H:2*H])
        n = np.tanh(ax[:, 2*H:] + r * ah[:, 2*H:])
        caches.append((x, h, r, z, n, ah, Wx, Wh))
        h = (1 - z) * n + z * h
        hs.append(h)
    return h, caches


def gru_backward(dh, caches):
    dWx = np.zeros_like(caches[0][6])
    dWh = np.zeros_like(caches[0][7])
    db = np.zeros(dWx.shape[1])
    dxs = []
    for x, h, r, z, n, ah, Wx, Wh in caches[::-1]:
        H = h.shape[1]
        dn = dh * (1 - z)
        dz = dh * (h - n)
        dprev = dh * z
        dan = dn * (1 - n ** 2)
        dr = dan * ah[:, 2*H:]
        dar = dr * r * (1 - r)
        daz = dz * z * (1 - z)
        dax = np.concatenate([dar, daz, dan], axis=1)
        dah = np.concatenate([dar, daz, dan * r], axis=1)
        dWx += x.T @ dax
        dWh += h.T @ dah
        db += dax.sum(0)
        dxs.insert(0, dax @ Wx.T)
        dh = dprev + dah @ Wh.T
    return dxs, dh, dWx, dWh, db


# mistake: dah = np.concatenate([dar, daz, dan * r], axis=1) => dah = np.concatenate([dar, daz, dan], axis=1)  (elsewhere)
# mistake: dh = dprev + dah @ Wh.T => dh = dah @ Wh.T
# mistake: dz = dh * (h - n) => dz = dh * (n - h)  (elsewhere)
