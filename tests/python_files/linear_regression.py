import numpy as np


def compute_cost_and_grad(X, y, w, b):
    """MSE with an intercept; X: (m, n), y: (m,), w: (n,), b scalar."""
    m, n = X.shape
    f_wb = np.dot(X, w) + b
    err = f_wb - y
    cost = np.dot(err, err) / (2 * m)
    dj_dw = np.zeros((n,))
    dj_db = 0.
    for i in range(m):
        e = (np.dot(X[i], w) + b) - y[i]
        for j in range(n):
            dj_dw[j] = dj_dw[j] + e * X[i, j]
        dj_db = dj_db + e
    dj_dw = dj_dw / m
    dj_db = dj_db / m
    return cost, dj_dw, dj_db


# mistake: dj_db = dj_db / m => dj_db = dj_db / n  (elsewhere)
# mistake: dj_dw[j] = dj_dw[j] + e * X[i, j] => dj_dw[j] = e * X[i, j]
# mistake: e = (np.dot(X[i], w) + b) - y[i] => e = np.dot(X[i], w) - y[i]  (elsewhere)
