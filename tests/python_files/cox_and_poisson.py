"""Regression likelihoods: Poisson, Cox, ordinal."""
import numpy as np
from scipy.special import gammaln, expit


# gradcli: beta = [0.2, -0.5, 0.1]; X = randn(6, 3); counts = [0, 2, 1, 4, 0, 3]
def poisson_nll(beta, X, counts):
    eta = X.dot(beta)
    mu = np.exp(eta)
    nll = np.sum(mu - counts * eta + gammaln(np.add(counts, 1.0)))
    gradient = X.T.dot(mu - counts)
    return nll, gradient


# gradcli: beta = [0.4, -0.3]; X = randn(5, 2); event = [1, 0, 1, 1, 0]
def cox_nll(beta, X, event):
    """Rows are sorted by time, the longest first."""
    e = np.array(event)
    eta = X @ beta
    w = np.exp(eta)
    risk = np.cumsum(w)
    nll = -np.sum(e * (eta - np.log(risk)))
    num = np.cumsum(w[:, None] * X, axis=0)
    grad = -np.sum(e[:, None] * (X - num / risk[:, None]), axis=0)
    return nll, grad


# gradcli: w = [0.3, -0.2]; cut = 0.5; X = randn(4, 2); z = [0.0, 1.0, 1.0, 0.0]
def probit_like(w, cut, X, z):
    s = X @ w - cut
    p = expit(s)
    value = -(z @ np.log(p) + (1 - z) @ np.log(1 - p))
    r = p - z
    grad_w, grad_cut = X.T @ r, -r.sum()
    return value, grad_w, grad_cut


# mistake: grad_w, grad_cut = X.T @ r, -r.sum() => grad_w, grad_cut = X.T @ r, r.sum()
# mistake: gradient = X.T.dot(mu - counts) => gradient = X.T.dot(mu)
# mistake: num = np.cumsum(w[:, None] * X, axis=0) => num = np.cumsum(X, axis=0)  (elsewhere)
