import numpy as np


class LogisticModel:
    """Weights are made on the first call of `fit_shapes`, gradients are kept in a dictionary."""

    def __init__(self, n_features, l2=0.1):
        self.w = np.random.randn(n_features, 1) * 0.3
        self.b = 0.1 * np.ones(1)
        self.l2 = l2
        self.grads = {}

    @property
    def penalty(self):
        return 0.5 * self.l2 * np.sum(self.w ** 2)

    def loss(self, X, y):
        logits = X @ self.w + self.b
        p = 1 / (1 + np.exp(-logits))
        eps = 1e-12
        loss = -np.mean(y * np.log(p + eps) + (1 - y) * np.log(1 - p + eps)) + self.penalty
        d = (p - y) / len(X)
        grads = {}
        grads.update({'w': X.T @ d + self.l2 * self.w})
        grads['b'] = d.sum(axis=0)
        return loss, grads


# mistake: grads['b'] = d.sum(axis=0) => grads['b'] = d.mean(axis=0)
# mistake: grads.update({'w': X.T @ d + self.l2 * self.w}) => grads.update({'w': X.T @ d})
# mistake: d = (p - y) / len(X) => d = (p - y)
