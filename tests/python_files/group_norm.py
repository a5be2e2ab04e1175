import numpy as np


# gradcli: x = randn(2, 4, 3, 2); gamma = randn(1, 4, 1, 1); beta = randn(1, 4, 1, 1); G = 2
# gradcli: gn_param = {"eps": 1e-5}
def spatial_groupnorm_forward(x, gamma, beta, G, gn_param):
    eps = gn_param.get('eps', 1e-5)
    N, C, H, W = x.shape
    size = (N * G, C // G * H * W)
    x = x.reshape(size).T
    mu = x.mean(axis=0)
    var = x.var(axis=0) + eps
    std = np.sqrt(var)
    z = ((x - mu) / std).T.reshape(N, C, H, W)
    out = gamma * z + beta
    cache = {'std': std, 'gamma': gamma, 'z': z, 'size': size}
    return out, cache


def spatial_groupnorm_backward(dout, cache):
    N, C, H, W = dout.shape
    size = cache['size']
    dbeta = dout.sum(axis=(0, 2, 3), keepdims=True)
    dgamma = np.sum(dout * cache['z'], axis=(0, 2, 3), keepdims=True)
    z = cache['z'].reshape(size).T
    M = z.shape[0]
    dfdz = dout * cache['gamma']
    dfdz = dfdz.reshape(size).T
    dfdz_sum = np.sum(dfdz, axis=0)
    dx = dfdz - dfdz_sum / M - np.sum(dfdz * z, axis=0) * z / M
    dx /= cache['std']
    dx = dx.T.reshape(N, C, H, W)
    return dx, dgamma, dbeta


# mistake: dx /= cache['std'] => dx *= cache['std']  (elsewhere)
# mistake: dfdz = dout * cache['gamma'] => dfdz = dout * 1  (elsewhere)
# mistake: dx = dfdz - dfdz_sum / M - np.sum(dfdz * z, axis=0) * z / M => dx = dfdz - dfdz_sum / M  (elsewhere)
