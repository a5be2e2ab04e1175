import numpy as np


def layernorm_forward(x, gamma, beta, ln_param):
    eps = ln_param.get("eps", 1e-5)
    mean = np.mean(x, axis=1, keepdims=True)
    xc = x - mean
    var = np.mean(xc ** 2, axis=1, keepdims=True)
    std = np.sqrt(var + eps)
    xn = xc / std
    out = gamma * xn + beta
    cache = {"gamma": gamma, "xn": xn, "xc": xc, "std": std}
    return out, cache


def layernorm_backward(dout, cache):
    gamma, xn, xc, std = cache["gamma"], cache["xn"], cache["xc"], cache["std"]
    D = xn.shape[1]
    dbeta = dout.sum(0)
    dgamma = (dout * xn).sum(0)
    dxn = dout * gamma
    dxc = dxn / std
    dstd = -np.sum(dxn * xc / std ** 2, axis=1, keepdims=True)
    dvar = 0.5 * dstd / std
    dxc += (2.0 / D) * xc * dvar
    dmean = np.sum(dxc, axis=1, keepdims=True)
    dx = dxc - dmean / D
    return dx, dgamma, dbeta


# mistake: dvar = 0.5 * dstd / std => dvar = 0.5 * dstd / std ** 2
# mistake: dx = dxc - dmean / D => dx = dxc + dmean / D  (elsewhere)
# mistake: dgamma = (dout * xn).sum(0) => dgamma = (dout * xc).sum(0)
