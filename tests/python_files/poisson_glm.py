import numpy as np
from scipy.special import gammaln

# Poisson regression with offset and ridge, mean over observations
def poisson_nll(beta, X, y, offset, lam=0.1):
    eta = X.dot(beta) + offset
    mu = np.exp(eta)
    ll = y * eta - mu - gammaln(y + 1)
    return -ll.mean() + 0.5 * lam * beta.dot(beta)

def poisson_nll_grad(beta, X, y, offset, lam=0.1):
    mu = np.exp(X.dot(beta) + offset)
    return X.T.dot(mu - y) / len(y) + lam * beta

def poisson_nll_hess(beta, X, y, offset, lam=0.1):
    mu = np.exp(X.dot(beta) + offset)
    return (X.T * mu).dot(X) / len(y) + lam * np.eye(len(beta))


# mistake: return X.T.dot(mu - y) / len(y) + lam * beta => return X.T.dot(mu - y) / len(y) + 2 * lam * beta
# mistake: return X.T.dot(mu - y) / len(y) + lam * beta => return X.T.dot(y - mu) / len(y) + lam * beta
# mistake: return (X.T * mu).dot(X) / len(y) + lam * np.eye(len(beta)) => return X.T.dot(X) / len(y) + lam * np.eye(len(beta))
