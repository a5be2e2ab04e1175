import numpy as np


def free_energy(m, J, h, T=1.3):
    """Mean-field free energy of spins with means tanh(m): m (n,), J (n, n), h (n,)."""
    s = np.tanh(m)
    p, q = (1 + s) / 2, (1 - s) / 2
    entropy = -np.sum(p * np.log(p) + q * np.log(q))
    F = -0.5 * s @ J @ s - h @ s - T * entropy
    ds = -0.5 * (J + J.T) @ s - h + T * np.arctanh(s)
    dm = ds * (1 - s ** 2)
    dJ = -0.5 * np.outer(s, s)
    dh = -s
    return F, dm, dJ, dh


# mistake: dm = ds * (1 - s ** 2) => dm = ds  (elsewhere)
# mistake: dJ = -0.5 * np.outer(s, s) => dJ = -np.outer(s, s)
# mistake: ds = -0.5 * (J + J.T) @ s - h + T * np.arctanh(s) => ds = -J @ s - h + T * np.arctanh(s)
