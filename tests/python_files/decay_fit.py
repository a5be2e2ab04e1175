import numpy as np

def model(p, t):
    a, k, c = p
    return a * np.exp(-k * t) + c

def chi2(p, t, y, s):
    return np.sum(((y - model(p, t)) / s) ** 2)

def chi2_grad(p, t, y, s):
    a, k, c = p
    e = np.exp(-k * t)
    w = -2 * (y - model(p, t)) / s ** 2
    return np.array([np.sum(w * e), np.sum(w * -a * t * e), np.sum(w)])


# mistake: np.sum(w * -a * t * e) => np.sum(w * a * t * e)
# mistake: w = -2 * (y - model(p, t)) / s ** 2 => w = -2 * (y - model(p, t)) / s
# mistake: np.sum(w * e), => np.sum(w),
