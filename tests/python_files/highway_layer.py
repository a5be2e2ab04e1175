import numpy as np

def sigmoid(x):
    return 1 / (1 + np.exp(-x))

class Highway:
    """y = t * relu(Wx) + (1 - t) * x  with transform gate t"""
    def __init__(self, d):
        self.W_h = np.random.randn(d, d) * 0.3
        self.b_h = np.zeros(d)
        self.W_t = np.random.randn(d, d) * 0.3
        self.b_t = -1 * np.ones(d)

    def __call__(self, x):
        self.x = x
        self.a = x @ self.W_h + self.b_h
        self.h = np.where(self.a > 0, self.a, 0)
        self.t = sigmoid(x @ self.W_t + self.b_t)
        return self.t * self.h + (1 - self.t) * x

    def backward(self, dy):
        dt = dy * (self.h - self.x)
        da = dy * self.t * (self.a > 0)
        ds = dt * self.t * (1 - self.t)
        self.dW_h, self.db_h = self.x.T @ da, da.sum(axis=0)
        self.dW_t, self.db_t = self.x.T @ ds, ds.sum(axis=0)
        dx = dy * (1 - self.t)
        dx += da @ self.W_h.T
        dx += ds @ self.W_t.T
        return dx


# mistake: dx += ds @ self.W_t.T => dx += ds @ self.W_t
# mistake: dx = dy * (1 - self.t) => dx = dy * self.t
# mistake: dt = dy * (self.h - self.x) => dt = dy * self.h
