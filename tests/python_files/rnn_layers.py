import numpy as np


def rnn_step_forward(x, prev_h, Wx, Wh, b):
    """
    - x: Input data for this timestep, of shape (N, D).
    - prev_h: Hidden state from previous timestep, of shape (N, H)
    - Wx: Weight matrix, of shape (D, H)
    - Wh: Weight matrix, of shape (H, H)
    - b: Biases of shape (H,)
    """
    next_h = np.tanh(x.dot(Wx) + prev_h.dot(Wh) + b)
    cache = (x, Wx, Wh, prev_h, next_h)
    return next_h, cache


def rnn_step_backward(dnext_h, cache):
    x, Wx, Wh, prev_h, next_h = cache
    draw = dnext_h * (1 - next_h ** 2)
    dx = draw.dot(Wx.T)
    dprev_h = draw.dot(Wh.T)
    dWx = x.T.dot(draw)
    dWh = prev_h.T.dot(draw)
    db = np.sum(draw, axis=0)
    return dx, dprev_h, dWx, dWh, db


# gradcli: x = randn(2, 3, 4); h0 = randn(2, 5); Wx = randn(4, 5); Wh = randn(5, 5); b = randn(5)
def rnn_forward(x, h0, Wx, Wh, b):
    N, T, D = x.shape
    H = h0.shape[1]
    h = np.zeros((N, T, H))
    cache = []
    prev_h = h0
    for t in range(T):
        next_h, cache_t = rnn_step_forward(x[:, t, :], prev_h, Wx, Wh, b)
        h[:, t, :] = next_h
        prev_h = next_h
        cache.append(cache_t)
    return h, cache


def rnn_backward(dh, cache):
    N, T, H = dh.shape
    D = cache[0][0].shape[1]
    dx = np.zeros((N, T, D))
    dh0 = np.zeros((N, H))
    dWx = np.zeros((D, H))
    dWh = np.zeros((H, H))
    db = np.zeros(H)
    dprev_h = np.zeros((N, H))
    for t in reversed(range(T)):
        dxt, dprev_h, dWxt, dWht, dbt = rnn_step_backward(dh[:, t, :] + dprev_h, cache[t])
        dx[:, t, :] = dxt
        dWx += dWxt
        dWh += dWht
        db += dbt
    dh0 = dprev_h
    return dx, dh0, dWx, dWh, db


# mistake: dWx += dWxt => dWx = dWxt
# mistake: rnn_step_backward(dh[:, t, :] + dprev_h, cache[t]) => rnn_step_backward(dh[:, t, :], cache[t])  (elsewhere)
# mistake: dprev_h = draw.dot(Wh.T) => dprev_h = draw.dot(Wh)
