"""A bigram language model whose embedding is used twice."""
import numpy as np


# gradcli: E = randn(5, 3); A = randn(3, 3); ids = [0, 3, 1, 1, 4]
def bigram_loss(E, A, ids):
    ids = np.asarray(ids)
    src, dst = ids[:-1], ids[1:]
    h = E[src] @ A
    logits = h @ E.T
    logits = logits - logits.max(axis=1, keepdims=True)
    p = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    loss = -np.log(p[np.arange(len(dst)), dst]).mean()
    g = p.copy()
    g[np.arange(len(dst)), dst] -= 1
    g /= len(dst)
    dE = g.T @ h
    dh = g @ E
    dA = E[src].T @ dh
    np.add.at(dE, src, dh @ A.T)
    return loss, dE, dA


# mistake: np.add.at(dE, src, dh @ A.T) => np.add.at(dE, dst, dh @ A.T)
# mistake: dE = g.T @ h => dE = np.zeros_like(E)  (elsewhere)
# mistake: dA = E[src].T @ dh => dA = E[dst].T @ dh
