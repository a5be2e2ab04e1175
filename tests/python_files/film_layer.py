import numpy as np

class ScaleShift:
    """FiLM layer: features modulated by a condition."""
    def __init__(self, c_dim, f_dim):
        self.Wg = np.random.randn(c_dim, f_dim) * 0.2
        self.Wb = np.random.randn(c_dim, f_dim) * 0.2

    def forward(self, feats, cond):
        # feats (N, F, H, W), cond (N, C)
        self.feats, self.cond = feats, cond
        self.gam = 1 + cond @ self.Wg
        self.bet = cond @ self.Wb
        return feats * self.gam[:, :, None, None] + self.bet[:, :, None, None]

    def backward(self, dout):
        dgam = (dout * self.feats).sum(axis=(2, 3))
        dbet = dout.sum(axis=(2, 3))
        self.dWg = self.cond.T @ dgam
        self.dWb = self.cond.T @ dbet
        dcond = dgam @ self.Wg.T + dbet @ self.Wb.T
        dfeats = dout * self.gam[:, :, None, None]
        return dfeats, dcond


# mistake: dcond = dgam @ self.Wg.T + dbet @ self.Wb.T => dcond = dgam @ self.Wg.T
# mistake: dgam = (dout * self.feats).sum(axis=(2, 3)) => dgam = (dout * self.feats).mean(axis=(2, 3))
# mistake: dfeats = dout * self.gam[:, :, None, None] => dfeats = dout * self.bet[:, :, None, None]
