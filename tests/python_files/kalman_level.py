import numpy as np

def nll(theta, y):
    """negative log likelihood of a local level model; theta = log variances, shape (2,)"""
    q, r = np.exp(theta[0]), np.exp(theta[1])
    m, P = 0.0, 1.0
    total = 0.0
    for t in range(len(y)):
        P = P + q
        S = P + r
        v = y[t] - m
        total += 0.5 * (np.log(S) + v ** 2 / S)
        K = P / S
        m = m + K * v
        P = (1 - K) * P
    return total

def nll_grad(theta, y):
    q, r = np.exp(theta[0]), np.exp(theta[1])
    m, P = 0.0, 1.0
    dm = np.zeros(2)
    dP = np.zeros(2)
    dq = np.array([q, 0.0])
    dr = np.array([0.0, r])
    g = np.zeros(2)
    for t in range(len(y)):
        P = P + q
        dP = dP + dq
        S = P + r
        dS = dP + dr
        v = y[t] - m
        dv = -dm
        g += 0.5 * (dS / S + 2 * v * dv / S - v ** 2 * dS / S ** 2)
        K = P / S
        dK = dP / S - P * dS / S ** 2
        m = m + K * v
        dm = dm + dK * v + K * dv
        dP = (1 - K) * dP - dK * P
        P = (1 - K) * P
    return g

if __name__ == "__main__":
    y = np.array([0.3, -0.2, 0.9, 1.4])
    theta = np.array([-0.5, 0.2])
    print(nll(theta, y), nll_grad(theta, y))


# mistake: dv = -dm => dv = dm  (elsewhere)
# mistake: dK = dP / S - P * dS / S ** 2 => dK = dP / S  (elsewhere)
# mistake: dP = (1 - K) * dP - dK * P => dP = (1 - K) * dP + dK * P  (elsewhere)
