import numpy as np

def kl_divergence(mu, logvar):
    return -0.5 * np.sum(1 + logvar - mu ** 2 - np.exp(logvar))

def kl_divergence_backward(mu, logvar):
    dmu = mu
    dlogvar = -0.5 * (1 - np.exp(logvar))
    return dmu, dlogvar

def reparameterize_forward(mu, logvar, noise):
    std = np.exp(0.5 * logvar)
    z = mu + std * noise
    return z, (std, noise)

def reparameterize_backward(dz, cache):
    std, noise = cache
    dmu = dz
    dlogvar = dz * noise * 0.5 * std
    return dmu, dlogvar


# mistake: dlogvar = -0.5 * (1 - np.exp(logvar)) => dlogvar = -0.5 * (1 + np.exp(logvar))
# mistake: dlogvar = dz * noise * 0.5 * std => dlogvar = dz * noise * std
# mistake: dmu = mu => dmu = -mu
