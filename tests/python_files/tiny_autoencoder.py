import numpy as np


def cost(W, Wp, b, bp, data, beta=0.3, rho=0.1, lam=0.01):
    """Sparse autoencoder: squared error, weight decay, and a KL penalty on mean activations."""
    m = data.shape[1]
    z2 = W @ data + b
    a2 = 1 / (1 + np.exp(-z2))
    z3 = Wp @ a2 + bp
    err = z3 - data
    rho_hat = np.mean(a2, axis=1, keepdims=True)
    kl = np.sum(rho * np.log(rho / rho_hat) + (1 - rho) * np.log((1 - rho) / (1 - rho_hat)))
    J = 0.5 / m * np.sum(err ** 2) + lam / 2 * (np.sum(W ** 2) + np.sum(Wp ** 2)) + beta * kl
    delta3 = err / m
    sparsity = beta * (-rho / rho_hat + (1 - rho) / (1 - rho_hat)) / m
    delta2 = (Wp.T @ delta3 + sparsity) * a2 * (1 - a2)
    Wgrad = delta2 @ data.T + lam * W
    Wpgrad = delta3 @ a2.T + lam * Wp
    bgrad = delta2.sum(axis=1, keepdims=True)
    bpgrad = delta3.sum(axis=1, keepdims=True)
    return J, Wgrad, Wpgrad, bgrad, bpgrad


# mistake: delta2 = (Wp.T @ delta3 + sparsity) * a2 * (1 - a2) => delta2 = (Wp.T @ delta3) * a2 * (1 - a2)
# mistake: Wpgrad = delta3 @ a2.T + lam * Wp => Wpgrad = delta3 @ a2.T + lam
# mistake: bpgrad = delta3.sum(axis=1, keepdims=True) => bpgrad = delta3.mean(axis=1, keepdims=True)
