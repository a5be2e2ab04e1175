import numpy as np

def gmm_neg_log_likelihood(means, log_weights, x):
    """means: (K,), log_weights: (K,), x: (N,)"""
    logits = log_weights - 0.5 * (x[:, None] - means[None, :]) ** 2
    mx = logits.max(axis=1, keepdims=True)
    lse = mx[:, 0] + np.log(np.exp(logits - mx).sum(axis=1))
    norm = np.log(np.exp(log_weights).sum())
    loss = -(lse - norm).sum()
    resp = np.exp(logits - lse[:, None])
    grad_means = -(resp * (x[:, None] - means[None, :])).sum(axis=0)
    pi = np.exp(log_weights) / np.exp(log_weights).sum()
    grad_log_weights = -(resp.sum(axis=0) - len(x) * pi)
    return loss, grad_means, grad_log_weights


# mistake: resp = np.exp(logits - lse[:, None]) => resp = np.exp(logits)
# mistake: (resp.sum(axis=0) - len(x) * pi) => (resp.sum(axis=0) - pi)  (elsewhere)
# mistake: grad_means = -(resp * => grad_means = (resp *
