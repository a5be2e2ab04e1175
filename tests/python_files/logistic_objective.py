import numpy as np
from scipy.special import expit


def costFunction(theta, X, y, lam=0.5):
    m = y.size
    h = expit(X @ theta)
    J = -(y @ np.log(h) + (1 - y) @ np.log(1 - h)) / m + lam / (2 * m) * np.sum(theta[1:] ** 2)
    grad = X.T @ (h - y) / m
    grad[1:] += lam / m * theta[1:]
    return J, grad


if __name__ == "__main__":
    X = np.array([[1.0, 0.2, -1.1], [1.0, -0.4, 0.3], [1.0, 0.9, 0.8], [1.0, -1.3, 0.1]])
    y = np.array([0.0, 1.0, 1.0, 0.0])
    print(costFunction(np.array([0.1, -0.2, 0.3]), X, y))


# mistake: grad[1:] += lam / m * theta[1:] => grad[1:] += lam * theta[1:]
# mistake: grad = X.T @ (h - y) / m => grad = X.T @ (y - h) / m
# mistake: grad[1:] += => grad[:-1] +=
