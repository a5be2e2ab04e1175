"""Negative log likelihoods with their gradients."""
import numpy as np
from scipy.special import gammaln, digamma


# gradcli: mu = 0.3; log_sigma = -0.2; x = randn(6)
def nll_normal(mu, log_sigma, x):
    sigma = np.exp(log_sigma)
    r = (x - mu) / sigma
    nll = 0.5 * np.sum(r ** 2) + len(x) * log_sigma + 0.5 * len(x) * np.log(2 * np.pi)
    d_mu = -np.sum(r) / sigma
    d_log_sigma = -np.sum(r ** 2) + len(x)
    return nll, d_mu, d_log_sigma


# gradcli: a = 2.5; b = 1.7; x = [0.4, 1.3, 2.2]
def nll_gamma(a, b, x):
    n = len(x)
    nll = -(n * a * np.log(b) - n * gammaln(a) + (a - 1) * np.log(x).sum() - b * x.sum())
    grad_a = -(n * np.log(b) - n * digamma(a) + np.log(x).sum())
    grad_b = -(n * a / b - x.sum())
    return nll, grad_a, grad_b


# mistake: d_log_sigma = -np.sum(r ** 2) + len(x) => d_log_sigma = -np.sum(r ** 2)
# mistake: grad_b = -(n * a / b - x.sum()) => grad_b = -(n / b - x.sum())
# mistake: d_mu = -np.sum(r) / sigma => d_mu = -np.sum(r)
