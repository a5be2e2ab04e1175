import numpy as np


def cosine_loss(a, b):
    """1 - cosine of two batches of vectors; a, b of shape (N, D)."""
    na = np.linalg.norm(a, axis=1, keepdims=True)
    nb = np.linalg.norm(b, axis=1, keepdims=True)
    dot = np.sum(a * b, axis=1, keepdims=True)
    cos = dot / (na * nb)
    loss = np.mean(1 - cos)
    n = a.shape[0]
    da = -(b / (na * nb) - cos * a / na ** 2) / n
    db = -(a / (na * nb) - cos * b / nb ** 2) / n
    return loss, da, db


def triplet_loss(anchor, pos, neg, margin=0.5):
    dp = anchor - pos
    dn = anchor - neg
    d = np.sum(dp ** 2, 1) - np.sum(dn ** 2, 1) + margin
    active = (d > 0).astype(np.float64)
    loss = np.sum(np.maximum(d, 0)) / len(d)
    g = 2 * active[:, None] / len(d)
    grad_anchor = g * (dp - dn)
    grad_pos = -g * dp
    grad_neg = g * dn
    return loss, grad_anchor, grad_pos, grad_neg


# mistake: grad_neg = g * dn => grad_neg = -g * dn
# mistake: da = -(b / (na * nb) - cos * a / na ** 2) / n => da = -(b / (na * nb) - cos * a / na) / n
# mistake: g = 2 * active[:, None] / len(d) => g = active[:, None] / len(d)  (elsewhere)
