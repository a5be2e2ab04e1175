import numpy as np


# gradcli: x = randn(2, 3, 6); w = randn(4, 3, 3); b = randn(4)
def conv1d_forward(x, w, b, stride=1):
    N, C, L = x.shape
    F, _, K = w.shape
    out_len = (L - K) // stride + 1
    cols = np.stack([x[:, :, i * stride:i * stride + K] for i in range(out_len)], axis=2)
    out = np.einsum('nclk,fck->nfl', cols, w) + b[:, None]
    return out, (x, w, cols, stride)


def conv1d_backward(dout, cache):
    x, w, cols, stride = cache
    K = w.shape[2]
    db = dout.sum(axis=(0, 2))
    dw = np.tensordot(dout, cols, axes=([0, 2], [0, 2]))
    dcols = np.einsum('nfl,fck->nclk', dout, w)
    dx = np.zeros_like(x)
    for i in range(dcols.shape[2]):
        dx[..., i * stride:i * stride + K] += dcols[:, :, i]
    return dx, dw, db


# mistake: dx[..., i * stride:i * stride + K] += dcols[:, :, i] => dx[..., i * stride:i * stride + K] = dcols[:, :, i]
# mistake: db = dout.sum(axis=(0, 2)) => db = dout.sum(axis=(0, 2)) / 2
# mistake: dcols = np.einsum('nfl,fck->nclk', dout, w) => dcols = np.einsum('nfl,fck->nclk', dout, w[:, :, ::-1])  (elsewhere)
