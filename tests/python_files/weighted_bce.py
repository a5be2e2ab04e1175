import numpy as np


def stable_bce_with_logits(z, t, pos_weight=2.0):
    """Mean of the weighted binary cross entropy of logits z and targets t."""
    w = 1 + (pos_weight - 1) * t
    losses = (1 - t) * z + w * (np.log1p(np.exp(-np.abs(z))) + np.maximum(-z, 0))
    loss = losses.mean()
    sig = 1 / (1 + np.exp(-z))
    dz = ((1 - t) + w * (sig - 1)) / z.size
    return loss, dz


def focal_loss(p, y, gamma=1.5):
    pt = y * p + (1 - y) * (1 - p)
    L = -np.mean((1 - pt) ** gamma * np.log(pt))
    dL_dpt = (gamma * (1 - pt) ** (gamma - 1) * np.log(pt) - (1 - pt) ** gamma / pt) / pt.size
    dL_dp = dL_dpt * (2 * y - 1)
    return L, dL_dp


# mistake: dz = ((1 - t) + w * (sig - 1)) / z.size => dz = ((1 - t) + w * sig) / z.size  (elsewhere)
# mistake: dL_dp = dL_dpt * (2 * y - 1) => dL_dp = dL_dpt  (elsewhere)
# mistake: dL_dpt = (gamma * (1 - pt) => dL_dpt = ((1 - pt)
