import numpy as np


class GRUCell:
    """A gated recurrent unit, with its gradients stored on the object."""

    def __init__(self, input_dim, hidden_dim):
        rng = np.random.default_rng(1)
        self.Wz = rng.normal(size=(hidden_dim, input_dim + hidden_dim)) * 0.4
        self.Wr = rng.normal(size=(hidden_dim, input_dim + hidden_dim)) * 0.4
        self.Wh = rng.normal(size=(hidden_dim, input_dim + hidden_dim)) * 0.4

    @staticmethod
    def _sigmoid(a):
        return 1.0 / (1.0 + np.exp(-a))

    def forward(self, x, h_prev):
        self.x, self.h_prev = x, h_prev
        self.xh = np.concatenate([x, h_prev])
        self.z = self._sigmoid(self.Wz @ self.xh)
        self.r = self._sigmoid(self.Wr @ self.xh)
        self.xrh = np.concatenate([x, self.r * h_prev])
        self.hh = np.tanh(self.Wh @ self.xrh)
        self.h = (1 - self.z) * h_prev + self.z * self.hh
        return self.h

    def backward(self, dh):
        n = self.x.shape[0]
        dz = dh * (self.hh - self.h_prev)
        dhh = dh * self.z
        dh_prev = dh * (1 - self.z)
        dah = dhh * (1 - self.hh ** 2)
        self.dWh = np.outer(dah, self.xrh)
        dxrh = self.Wh.T @ dah
        dx = dxrh[:n].copy()
        dr = dxrh[n:] * self.h_prev
        dh_prev = dh_prev + dxrh[n:] * self.r
        daz = dz * self.z * (1 - self.z)
        dar = dr * self.r * (1 - self.r)
        self.dWz = np.outer(daz, self.xh)
        self.dWr = np.outer(dar, self.xh)
        dxh = self.Wz.T @ daz + self.Wr.T @ dar
        dx += dxh[:n]
        dh_prev += dxh[n:]
        return dx, dh_prev


# mistake: dz = dh * (self.hh - self.h_prev) => dz = dh * (self.h_prev - self.hh)
# mistake: dh_prev += dxh[n:] => dh_prev = dxh[n:]
# mistake: dar = dr * self.r * (1 - self.r) => dar = dr * (1 - self.r)
