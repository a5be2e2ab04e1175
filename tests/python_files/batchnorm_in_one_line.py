import numpy as np


class BatchNorm1d:
    """one-line backward, as derived on paper by collecting terms"""

    def __init__(self, dim, eps=1e-5, momentum=0.1):
        self.eps = eps
        self.momentum = momentum
        self.gamma = np.ones(dim)
        self.beta = np.zeros(dim)
        self.running_mean = np.zeros(dim)
        self.running_var = np.ones(dim)

    def __call__(self, x, train=True):
        if train:
            mu = x.mean(0)
            var = x.var(0)
            self.running_mean += self.momentum * (mu - self.running_mean)
            self.running_var += self.momentum * (var - self.running_var)
        else:
            mu, var = self.running_mean, self.running_var
        self.istd = 1.0 / np.sqrt(var + self.eps)
        self.xhat = (x - mu) * self.istd
        return self.gamma * self.xhat + self.beta

    def backward(self, dy):
        N = dy.shape[0]
        self.dbeta = dy.sum(axis=0)
        self.dgamma = (self.xhat * dy).sum(axis=0)
        return self.gamma * self.istd / N * (N * dy - self.dbeta - self.xhat * self.dgamma)


# mistake: return self.gamma * self.istd / N * (N * dy - self.dbeta - self.xhat * self.dgamma) => return self.gamma * self.istd / N * (N * dy - self.dbeta)
# mistake: self.dgamma = (self.xhat * dy).sum(axis=0) => self.dgamma = (self.xhat * dy).mean(axis=0)
# mistake: return self.gamma * self.istd / N * (N * dy - self.dbeta - self.xhat * self.dgamma) => return self.istd / N * (N * dy - self.dbeta - self.xhat * self.dgamma)
