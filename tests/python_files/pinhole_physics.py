"""Potentials with forces: the gradient of an energy by positions."""
import numpy as np


# gradcli: pos = randn(4, 3)
def lennard_jones(pos, eps=0.8, sigma=1.1):
    n = len(pos)
    energy = 0.0
    grad = np.zeros_like(pos)
    for i in range(n):
        for j in range(i + 1, n):
            rij = pos[i] - pos[j]
            r2 = np.dot(rij, rij)
            s6 = (sigma ** 2 / r2) ** 3
            energy += 4 * eps * (s6 ** 2 - s6)
            dE_dr2 = 4 * eps * (-6 * s6 ** 2 + 3 * s6) / r2
            grad[i] += 2 * dE_dr2 * rij
            grad[j] -= 2 * dE_dr2 * rij
    return energy, grad


# gradcli: theta = [0.4, -1.1, 0.7]
def pendulum_energy(theta, k=2.0):
    gravity = np.sum(1 - np.cos(theta))
    springs = 0.5 * k * np.sum((theta[1:] - theta[:-1]) ** 2)
    return gravity + springs


def pendulum_energy_grad(theta, k=2.0):
    g = np.sin(theta)
    d = k * (theta[1:] - theta[:-1])
    g[1:] += d
    g[:-1] -= d
    return g


# mistake: grad[j] -= 2 * dE_dr2 * rij => grad[j] += 2 * dE_dr2 * rij
# mistake: g[:-1] -= d => g[:-1] -= 2 * d
# mistake: dE_dr2 = 4 * eps * (-6 * s6 ** 2 + 3 * s6) / r2 => dE_dr2 = 4 * eps * (-6 * s6 ** 2 + 6 * s6) / r2  (elsewhere)
