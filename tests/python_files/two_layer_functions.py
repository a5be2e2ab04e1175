"""A two-layer network as plain functions, loss apart."""
import numpy as np


def forward(X, W1, b1, W2, b2):
    z1 = X @ W1 + b1
    a1 = np.tanh(z1)
    z2 = a1 @ W2 + b2
    exp_scores = np.exp(z2)
    probs = exp_scores / np.sum(exp_scores, axis=1, keepdims=True)
    return probs, a1


def loss(probs, y):
    n = probs.shape[0]
    return -np.mean(np.log(probs[range(n), y]))


def backward(X, y, W2, probs, a1):
    n = X.shape[0]
    delta3 = probs.copy()
    delta3[range(n), y] -= 1
    delta3 /= n
    dW2 = (a1.T).dot(delta3)
    db2 = np.sum(delta3, axis=0, keepdims=True)
    delta2 = delta3.dot(W2.T) * (1 - np.power(a1, 2))
    dW1 = np.dot(X.T, delta2)
    db1 = np.sum(delta2, axis=0)
    return dW1, db1, dW2, db2


# mistake: delta2 = delta3.dot(W2.T) * (1 - np.power(a1, 2)) => delta2 = delta3.dot(W2.T) * (1 - a1)
# mistake: dW1 = np.dot(X.T, delta2) => dW1 = np.dot(X.T, delta2) + 0.1
# mistake: delta3 /= n => delta3 /= n + 1  (elsewhere)
