import numpy as np
from scipy.special import logsumexp


# gradcli: params = [0.2, -0.4, 0.5, 1.5, -0.3, 0.1]; x = randn(7)
def mixture(params, x):
    """Two normal components: logits, means, log sigmas."""
    logits, mu, log_s = params[:2], params[2:4], params[4:]
    s = np.exp(log_s)
    z = (x[:, None] - mu) / s
    log_pi = logits - logsumexp(logits)
    comp = log_pi - 0.5 * z ** 2 - log_s - 0.5 * np.log(2 * np.pi)
    total = logsumexp(comp, axis=1)
    nll = -np.sum(total)
    resp = np.exp(comp - total[:, None])
    g = np.empty(6)
    g[:2] = -(resp.sum(0) - len(x) * np.exp(log_pi))
    g[2:4] = -np.sum(resp * z, axis=0) / s
    g[4:] = -np.sum(resp * (z ** 2 - 1), axis=0)
    return nll, g


# mistake: g[2:4] = -np.sum(resp * z, axis=0) / s => g[2:4] = -np.sum(resp * z, axis=0)
# mistake: g[4:] = -np.sum(resp * (z ** 2 - 1), axis=0) => g[4:] = -np.sum(resp * z ** 2, axis=0)
# mistake: g[:2] = -(resp.sum(0) - len(x) * np.exp(log_pi)) => g[:2] = -(resp.sum(0) - np.exp(log_pi))
