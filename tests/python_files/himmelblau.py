import numpy as np
from numpy import array


def himmelblau(p):
    x, y = p
    return (x ** 2 + y - 11) ** 2 + (x + y ** 2 - 7) ** 2


def himmelblau_jac(p):
    x, y = p
    a, b = x ** 2 + y - 11, x + y ** 2 - 7
    return array([4 * x * a + 2 * b, 2 * a + 4 * y * b])


def beale(p):
    x, y = p[0], p[1]
    return sum((c - x + x * y ** (k + 1)) ** 2 for k, c in enumerate([1.5, 2.25, 2.625]))


def grad_beale(p):
    x, y = p[0], p[1]
    g = np.zeros(2)
    for k, c in enumerate([1.5, 2.25, 2.625]):
        t = c - x + x * y ** (k + 1)
        g[0] += 2 * t * (y ** (k + 1) - 1)
        g[1] += 2 * t * x * (k + 1) * y ** k
    return g


res = {"x0": [1.0, 1.2]}
if __name__ == "__main__":
    p = np.array([1.3, 0.4])
    print(himmelblau(p), beale(p))


# mistake: return array([4 * x * a + 2 * b, 2 * a + 4 * y * b]) => return array([4 * x * a + 2 * b, 2 * a + 2 * y * b])
# mistake: g[1] += 2 * t * x * (k + 1) * y ** k => g[1] += 2 * t * x * y ** k
# mistake: g[0] += 2 * t * (y ** (k + 1) - 1) => g[0] += 2 * t * y ** (k + 1)  (elsewhere)
