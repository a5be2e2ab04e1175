from dataclasses import dataclass
import numpy as np


@dataclass
class DiagGaussianKL:
    """KL( N(mu_q, exp(lv_q)) || N(mu_p, exp(lv_p)) ), summed over features, averaged over rows."""

    weight: float = 0.5

    def forward(self, mu_q, lv_q, mu_p, lv_p):
        self.diff = mu_q - mu_p
        self.inv_p = np.exp(-lv_p)
        self.ratio = np.exp(lv_q - lv_p)
        self.rows = mu_q.shape[0]
        per_row = (lv_p - lv_q + self.ratio + self.diff ** 2 * self.inv_p - 1).sum(axis=-1)
        return self.weight * per_row.mean()

    def backward(self, dout=1.0):
        scale = dout * self.weight / self.rows
        pull = 2 * self.diff * self.inv_p
        d_mu_q = scale * pull
        d_mu_p = -d_mu_q
        d_lv_q = scale * (self.ratio - 1)
        d_lv_p = scale * (1 - self.ratio - self.diff ** 2 * self.inv_p)
        return d_mu_q, d_lv_q, d_mu_p, d_lv_p


# mistake: d_mu_p = -d_mu_q => d_mu_p = d_mu_q
# mistake: d_lv_p = scale * (1 - self.ratio - self.diff ** 2 * self.inv_p) => d_lv_p = scale * (1 - self.ratio)
# mistake: d_lv_q = scale * (self.ratio - 1) => d_lv_q = scale * self.ratio
