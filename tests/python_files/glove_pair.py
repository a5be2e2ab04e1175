import numpy as np

X_MAX, POWER = 10.0, 0.75

def glove_cost(w, c, bw, bc, counts):
    """w, c: (V, d) word and context vectors; bw, bc: (V,) biases; counts: (V, V) positive"""
    weight = np.minimum(1.0, (counts / X_MAX) ** POWER)
    diff = w @ c.T + bw[:, None] + bc[None, :] - np.log(counts)
    return 0.5 * np.sum(weight * diff * diff)

def glove_cost_grad(w, c, bw, bc, counts):
    weight = np.minimum(1.0, (counts / X_MAX) ** POWER)
    diff = w @ c.T + bw[:, None] + bc[None, :] - np.log(counts)
    inner = weight * diff
    grad_w = inner @ c
    grad_c = inner.T @ w
    grad_bw = inner.sum(axis=1)
    grad_bc = inner.sum(axis=0)
    return grad_w, grad_c, grad_bw, grad_bc


# mistake: grad_c = inner.T @ w => grad_c = inner @ w
# mistake: grad_bw = inner.sum(axis=1) => grad_bw = inner.sum(axis=0)
# mistake: inner = weight * diff => inner = diff
