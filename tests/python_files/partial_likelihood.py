import numpy as np

def neg_partial_loglik(beta, X, event):
    """rows sorted by descending time; event 1/0"""
    eta = X @ beta
    risk = np.cumsum(np.exp(eta))
    return -np.sum(event * (eta - np.log(risk)))

def neg_partial_loglik_grad(beta, X, event):
    eta = X @ beta
    w = np.exp(eta)
    risk = np.cumsum(w)
    wx = np.cumsum(w[:, None] * X, axis=0)
    return -np.sum(event[:, None] * (X - wx / risk[:, None]), axis=0)


# mistake: wx = np.cumsum(w[:, None] * X, axis=0) => wx = np.cumsum(X, axis=0)  (elsewhere)
# mistake: return -np.sum(event[:, None] * (X - wx / risk[:, None]), axis=0) => return -np.sum(X - wx / risk[:, None], axis=0)
# mistake: wx = np.cumsum(w[:, None] * X, axis=0) => wx = w[:, None] * X  (elsewhere)
