import numpy as np


class BiasedMF:
    """R ~ mu + bu + bi + P Q^T on the observed entries (mask)"""

    def __init__(self, n_users, n_items, k=3, reg=0.02):
        self.P = np.random.normal(size=(n_users, k))
        self.Q = np.random.normal(size=(n_items, k))
        self.bu = np.zeros(n_users)
        self.bi = np.zeros(n_items)
        self.reg = reg

    def loss(self, R, mask):
        mu = R[mask].mean()
        pred = mu + self.bu[:, np.newaxis] + self.bi[np.newaxis, :] + self.P @ self.Q.T
        err = np.where(mask, pred - R, 0.0)
        loss = 0.5 * (err ** 2).sum()
        loss += 0.5 * self.reg * sum((w ** 2).sum() for w in (self.P, self.Q, self.bu, self.bi))
        grads = {}
        grads['P'] = err @ self.Q + self.reg * self.P
        grads['Q'] = err.T @ self.P + self.reg * self.Q
        grads['bu'] = err.sum(axis=1) + self.reg * self.bu
        grads['bi'] = err.sum(axis=0) + self.reg * self.bi
        return loss, grads


# mistake: grads['Q'] = err.T @ self.P + self.reg * self.Q => grads['Q'] = err.T @ self.P - self.reg * self.Q
# mistake: grads['bi'] = err.sum(axis=0) + self.reg * self.bi => grads['bi'] = err.sum(axis=0)
# mistake: grads['P'] = err @ self.Q + self.reg * self.P => grads['P'] = 2 * err @ self.Q + self.reg * self.P
