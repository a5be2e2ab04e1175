"""Two steps of an LSTM over a list of caches, gates taken apart with np.split."""
import numpy as np
from math import sqrt


def sigmoid(z):
    return 1 / (1 + np.exp(-z))


def init_lstm(n_in, n_h):
    return {"W": np.random.randn(n_in + n_h, 4 * n_h) / sqrt(n_in + n_h), "b": np.zeros(4 * n_h)}


# gradcli: x = randn(2, 3, 2); W = randn(6, 16); b = randn(16)
def lstm_forward(x, W, b):
    T, n_in, batch = x.shape
    n_h = W.shape[1] // 4
    h, c = np.zeros((batch, n_h)), np.zeros((batch, n_h))
    W = np.concatenate((W, np.ones((1, 4 * n_h))), axis=0)[:-1]
    hs, caches = [], []
    for t in range(T):
        inp = np.hstack((x[t].T, h[:, :W.shape[0] - n_in]))
        i, f, g, o = np.split(inp @ W + b, 4, axis=1)
        i, f, o, g = sigmoid(i), sigmoid(f), sigmoid(o), np.tanh(g)
        c_prev, c = c, f * c + i * g
        tc = np.tanh(c)
        h = o * tc
        caches.append((inp, i, f, g, o, c_prev, tc, W, n_in))
        hs.append(h)
    return np.stack(hs), caches


def lstm_backward(dhs, caches):
    T, batch, n_h = dhs.shape
    inp, W, n_in = caches[0][0], caches[0][7], caches[0][8]
    dW, db = np.zeros_like(W), np.zeros(4 * n_h)
    dx = np.zeros((T, n_in, batch))
    dh_next, dc_next = np.zeros((batch, n_h)), np.zeros((batch, n_h))
    for t in range(T - 1, -1, -1):
        inp, i, f, g, o, c_prev, tc, W, n_in = caches[t]
        dh = dhs[t] + dh_next
        do = dh * tc * o * (1 - o)
        dc = dc_next + dh * o * (1 - tc * tc)
        di = dc * g * i * (1 - i)
        df = dc * c_prev * f * (1 - f)
        dg = dc * i * (1 - g * g)
        da = np.hstack([di, df, dg, do])
        dW += inp.T @ da
        db += np.sum(da, axis=0)
        dinp = da @ W.T
        dx[t] = dinp[:, :n_in].T
        dh_next = np.zeros_like(dh_next)
        dh_next[:, :W.shape[0] - n_in] = dinp[:, n_in:]
        dc_next = dc * f
    return dx, dW, db


# mistake: dc_next = dc * f => dc_next = dc  (elsewhere)
# mistake: dh = dhs[t] + dh_next => dh = dhs[t]  (elsewhere)
# mistake: df = dc * c_prev * f * (1 - f) => df = dc * c_prev * (1 - f)
