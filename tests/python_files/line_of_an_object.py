import numpy as np

class LinearRegression:
    def __init__(self, n_features, l2=0.1):
        rng = np.random.default_rng(0)
        self._w = rng.normal(size=n_features)
        self._b = 0.5
        self.l2 = l2

    def loss(self, X, y):
        r = X @ self._w + self._b - y
        return 0.5 * np.mean(r ** 2) + 0.5 * self.l2 * self._w @ self._w

    def gradients(self, X, y):
        r = X @ self._w + self._b - y
        grad_w = X.T @ r / len(y) + self.l2 * self._w
        grad_b = r.mean()
        return grad_w, grad_b


# mistake: grad_b = r.mean() => grad_b = r.sum()
# mistake: X.T @ r / len(y) + self.l2 * self._w => X.T @ r / len(y)
# mistake: X.T @ r / len(y) + => X.T @ r +
