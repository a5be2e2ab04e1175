import numpy as np

k_spring = 2.5
rest = 1.1

def energy(r):
    """potential energy of a chain of particles, r has shape (N, 3)"""
    d = r[1:] - r[:-1]
    L = np.sqrt(np.sum(d ** 2, axis=1))
    return 0.5 * k_spring * np.sum((L - rest) ** 2)

def energy_gradient(r):
    d = r[1:] - r[:-1]
    L = np.sqrt(np.sum(d ** 2, axis=1))
    pull = k_spring * (L - rest)[:, None] * d / L[:, None]
    g = np.zeros_like(r)
    g[1:] += pull
    g[:-1] -= pull
    return g


# mistake: g[:-1] -= pull => g[:-1] += pull
# mistake: (L - rest)[:, None] * d / L[:, None] => (L - rest)[:, None] * d
# mistake: g[1:] += pull => g[1:] += 2 * pull
