import numpy as np

def log_loss(w, X, y):
    z = X @ w
    return np.sum(np.log(1 + np.exp(z)) - y * z)

def log_loss_grad(w, X, y):
    p = 1 / (1 + np.exp(-X @ w))
    return X.T @ (p - y)

def log_loss_hess(w, X, y):
    p = 1 / (1 + np.exp(-X @ w))
    D = p * (1 - p)
    return X.T @ (D[:, None] * X)


# mistake: return X.T @ (p - y) => return X.T @ (y - p)
# mistake: D = p * (1 - p) => D = p  (elsewhere)
# mistake: return X.T @ (D[:, None] * X) => return X.T @ X
