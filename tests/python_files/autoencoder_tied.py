import numpy as np

class TiedAutoencoder:
    """x -> sigmoid(W x + b) -> W' h + c, columns are examples, averaged squared error"""
    def __init__(self, visible, hidden):
        self.W = 0.1 * np.random.randn(hidden, visible)
        self.b = np.zeros((hidden, 1))
        self.c = np.zeros((visible, 1))

    def cost_and_gradients(self, X, decay=1e-3, rho=0.1, beta=0.5):
        m = X.shape[1]
        h = 1 / (1 + np.exp(-(self.W @ X + self.b)))
        r = self.W.T @ h + self.c
        rho_hat = h.mean(axis=1, keepdims=True)
        kl = rho * np.log(rho / rho_hat) + (1 - rho) * np.log((1 - rho) / (1 - rho_hat))
        cost = np.sum((r - X) ** 2) / (2 * m) + 0.5 * decay * np.sum(self.W ** 2) + beta * kl.sum()

        dr = (r - X) / m
        sparse = beta * (-rho / rho_hat + (1 - rho) / (1 - rho_hat)) / m
        dz = (self.W @ dr + sparse) * h * (1 - h)
        grad = {"W": dz @ X.T + h @ dr.T + decay * self.W,
                "b": dz.sum(axis=1, keepdims=True),
                "c": dr.sum(axis=1, keepdims=True)}
        return cost, grad


# mistake: sparse = beta * (-rho / rho_hat + (1 - rho) / (1 - rho_hat)) / m => sparse = beta * (-rho / rho_hat + (1 - rho) / (1 - rho_hat))  (elsewhere)
# mistake: grad = {"W": dz @ X.T + h @ dr.T + decay * self.W, => grad = {"W": dz @ X.T + decay * self.W,
# mistake: dr = (r - X) / m => dr = r / m
