"""A quadratic energy with a matrix inverse, and a log determinant."""
import numpy as np
from numpy.linalg import inv, slogdet


# gradcli: mu = randn(3); A = [[2.0, 0.3, 0.1], [0.2, 1.5, -0.4], [0.1, 0.3, 1.8]]; x = randn(3)
def energy(mu, A, x):
    S = A @ A.T
    r = x - mu
    P = inv(S)
    sign, logdet = slogdet(S)
    E = 0.5 * r @ P @ r + 0.5 * logdet
    grad_mu = -P @ r
    grad_S = 0.5 * P - 0.5 * np.outer(P @ r, P @ r)
    grad_A = (grad_S + grad_S.T) @ A
    return E, grad_mu, grad_A


# gradcli: K = [[3.0, 0.5], [0.2, 2.0]]; b = [1.0, -2.0]
def solve_forward(K, b):
    u = np.linalg.solve(K, b)
    return u, (K, u)


def solve_backward(du, cache):
    K, u = cache
    db = np.linalg.solve(K.T, du)
    dK = -np.outer(db, u)
    return dK, db


# mistake: grad_mu = -P @ r => grad_mu = P @ r
# mistake: db = np.linalg.solve(K.T, du) => db = np.linalg.solve(K, du)
# mistake: grad_A = (grad_S + grad_S.T) @ A => grad_A = grad_S @ A
