import numpy as np


def block_forward(x, W1, W2):
    h = np.maximum(x @ W1, 0)
    y = x + h @ W2
    return y, (x, h, W1, W2)


def block_backward(dy, cache):
    x, h, W1, W2 = cache
    dx = dy
    dh = dy @ W2.T
    dW2 = h.T @ dy
    dh = dh * (h > 0)
    dW1 = x.T @ dh
    dx = dx + dh @ W1.T
    return dx, dW1, dW2


# mistake: dx = dx + dh @ W1.T => dx = dh @ W1.T
# mistake: dh = dh * (h > 0) => dh = dh * h
# mistake: dW2 = h.T @ dy => dW2 = h.T @ dy * 0.5
