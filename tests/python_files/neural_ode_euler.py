"""An adjoint pass through steps of Euler's method."""
import numpy as np


def rhs(y, theta):
    A, b = theta
    return np.tanh(A @ y + b)


def rhs_vjp(lam, y, theta):
    A, b = theta
    s = lam * (1 - np.tanh(A @ y + b) ** 2)
    return A.T @ s, np.outer(s, y), s


# gradcli: y0 = randn(3); A = randn(3, 3); b = randn(3)
def solve_fwd(y0, A, b, h=0.2, steps=4):
    ys = [y0]
    for _ in range(steps):
        ys.append(ys[-1] + h * rhs(ys[-1], (A, b)))
    return ys[-1], (ys, A, b, h)


def solve_bwd(lam, cache):
    ys, A, b, h = cache
    dA, db = 0 * A, 0 * b
    for y in reversed(ys[:-1]):
        dy, dA_step, db_step = rhs_vjp(h * lam, y, (A, b))
        dA = dA + dA_step
        db = db + db_step
        lam = lam + dy
    return lam, dA, db


# mistake: lam = lam + dy => lam = dy  (elsewhere)
# mistake: s = lam * (1 - np.tanh(A @ y + b) ** 2) => s = lam * (1 - np.tanh(A @ y) ** 2)
# mistake: for y in reversed(ys[:-1]): => for y in reversed(ys[1:]):  (elsewhere)
