"""The marginal likelihood of a Gaussian process by its log hyper-parameters."""
import numpy as np
from scipy.linalg import cholesky, solve


# gradcli: hyp = [0.1, -0.3, -1.0]; x = [0.0, 0.4, 1.1, 1.7]; t = [0.2, 0.9, 0.3, -0.5]
def gp_nlml(hyp, x, t):
    ell, sf2, sn2 = np.exp(hyp[0]), np.exp(2 * hyp[1]), np.exp(2 * hyp[2])
    D = (x[:, None] - x[None, :]) ** 2
    K0 = sf2 * np.exp(-0.5 * D / ell ** 2)
    n = len(x)
    K = K0 + sn2 * np.eye(n)
    L = cholesky(K, lower=True)
    alpha = solve(K, t)
    value = 0.5 * t @ alpha + np.sum(np.log(np.diag(L))) + 0.5 * n * np.log(2 * np.pi)
    Q = np.linalg.inv(K) - np.outer(alpha, alpha)
    grad = np.zeros(3)
    grad[0] = 0.5 * np.sum(Q * (K0 * D / ell ** 2))
    grad[1] = np.sum(Q * K0)
    grad[2] = sn2 * np.trace(Q)
    return value, grad


# mistake: grad[0] = 0.5 * np.sum(Q * (K0 * D / ell ** 2)) => grad[0] = 0.5 * np.sum(Q * (K0 * D / ell ** 3))
# mistake: grad[2] = sn2 * np.trace(Q) => grad[2] = np.trace(Q)
# mistake: grad[1] = np.sum(Q * K0) => grad[1] = 0.5 * np.sum(Q * K0)
