import numpy as np
from scipy.special import logsumexp

# chain of log-potentials: forward recursion, and marginals by the backward recursion
def log_partition(unary, pairwise):
    """unary: (T, S), pairwise: (S, S)"""
    alpha = unary[0]
    for t in range(1, unary.shape[0]):
        alpha = unary[t] + logsumexp(alpha[:, None] + pairwise, axis=0)
    return logsumexp(alpha)

def log_partition_grad(unary, pairwise):
    T, S = unary.shape
    alphas = [unary[0]]
    for t in range(1, T):
        alphas.append(unary[t] + logsumexp(alphas[-1][:, None] + pairwise, axis=0))
    g_unary = np.zeros((T, S))
    g_pair = np.zeros((S, S))
    g = np.exp(alphas[-1] - logsumexp(alphas[-1]))
    for t in range(T - 1, 0, -1):
        g_unary[t] = g
        joint = alphas[t - 1][:, None] + pairwise
        w = np.exp(joint - logsumexp(joint, axis=0))
        flow = w * g[None, :]
        g_pair += flow
        g = flow.sum(axis=1)
    g_unary[0] = g
    return g_unary, g_pair


# mistake: g = flow.sum(axis=1) => g = flow.sum(axis=0)
# mistake: g_pair += flow => g_pair = flow
# mistake: flow = w * g[None, :] => flow = w * g[:, None]  (elsewhere)
