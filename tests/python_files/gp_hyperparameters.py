"""Negative log marginal likelihood of a Gaussian process, for scipy.optimize.minimize(jac=True)."""
import numpy as np
from numpy.linalg import inv, slogdet


def neg_log_marginal(log_params, X, y):
    """log_params = log of (length scale, signal, noise); X is (n, d); y is (n,)"""
    ell, sf, sn = np.exp(log_params)
    n = X.shape[0]
    sq = np.sum((X[:, None, :] - X[None, :, :]) ** 2, axis=2)
    E = np.exp(-0.5 * sq / ell ** 2)
    K = sf ** 2 * E + sn ** 2 * np.eye(n)
    Kinv = inv(K)
    alpha = Kinv @ y
    nll = 0.5 * y @ alpha + 0.5 * slogdet(K)[1] + 0.5 * n * np.log(2 * np.pi)

    inner = Kinv - np.outer(alpha, alpha)
    dK_ell = sf ** 2 * E * sq / ell ** 2
    dK_sf = 2 * sf ** 2 * E
    dK_sn = 2 * sn ** 2 * np.eye(n)
    grad = np.array([0.5 * np.sum(inner * dK) for dK in (dK_ell, dK_sf, dK_sn)])
    return nll, grad


# mistake: dK_ell = sf ** 2 * E * sq / ell ** 2 => dK_ell = sf ** 2 * E * sq / ell ** 3
# mistake: dK_sn = 2 * sn ** 2 * np.eye(n) => dK_sn = 2 * sn * np.eye(n)  (elsewhere)
# mistake: inner = Kinv - np.outer(alpha, alpha) => inner = Kinv + np.outer(alpha, alpha)
