import numpy as np


def pairwise(A, B):
    return np.sum(A ** 2, 1)[:, None] - 2 * A @ B.T + np.sum(B ** 2, 1)[None]


# gradcli: X = randn(6, 3); C = randn(4, 3)
def soft_assign_energy(X, C, tau=0.8):
    D = pairwise(X, C)
    m = D.min(axis=1, keepdims=True)
    S = np.exp(-(D - m) / tau)
    Z = S.sum(1, keepdims=True)
    energy = np.sum(m - tau * np.log(Z))
    P = S / Z
    grad_X = 2 * (X * P.sum(1)[:, None] - P @ C)
    grad_C = 2 * (C * P.sum(0)[:, None] - P.T @ X)
    return energy, grad_X, grad_C


# mistake: grad_C = 2 * (C * P.sum(0)[:, None] - P.T @ X) => grad_C = 2 * (C - P.T @ X)
# mistake: grad_X = 2 * (X * P.sum(1)[:, None] - P @ C) => grad_X = X * P.sum(1)[:, None] - P @ C
# mistake: P = S / Z => P = S / Z ** 2
