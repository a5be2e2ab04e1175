import numpy as np


# gradcli: s_pos = randn(5); s_neg = randn(5, 3)
def ranking_loss(s_pos, s_neg, margin=1.0):
    diff = margin - s_pos[:, np.newaxis] + s_neg
    hinge = np.clip(diff, 0, None)
    loss = hinge.mean()
    active = np.zeros_like(diff)
    active[diff > 0] = 1.0 / diff.size
    ds_neg = active
    ds_pos = -np.sum(active, axis=-1)
    return loss, ds_pos, ds_neg


# gradcli: q = randn(4, 3); k = randn(4, 3)
def info_nce(q, k, T=0.5):
    sim = q @ k.T / T
    sim -= sim.max(1, keepdims=True)
    logp = sim - np.log(np.exp(sim).sum(1))[:, None]
    n = len(q)
    loss = -np.trace(logp) / n
    g = (np.exp(logp) - np.identity(n)) / (n * T)
    grad_q = g @ k
    grad_k = g.T @ q
    return loss, grad_q, grad_k


# mistake: ds_pos = -np.sum(active, axis=-1) => ds_pos = np.sum(active, axis=-1)
# mistake: grad_k = g.T @ q => grad_k = g @ q
# mistake: g = (np.exp(logp) - np.identity(n)) / (n * T) => g = (np.exp(logp) - np.identity(n)) / n
