"""A two-layer regression, gradients packed in a list and an update that is left aside."""
import numpy as np


def relu(z):
    return z * (z > 0)


def drelu(z):
    return (z > 0).astype(float)


def loss_and_gradients(theta, x, y):
    w1, w2 = theta
    z = x.dot(w1)
    h = relu(z)
    y_pred = h.dot(w2)
    loss = np.square(y_pred - y).sum()
    grad_y_pred = 2.0 * (y_pred - y)
    grad_w2 = h.T.dot(grad_y_pred)
    grad_h = grad_y_pred.dot(w2.T)
    grad_w1 = x.T.dot(grad_h * drelu(z))
    return loss, [grad_w1, grad_w2]


def sgd(theta, grads, lr=1e-6):
    return [t - lr * g for t, g in zip(theta, grads)]


if __name__ == '__main__':
    np.random.seed(0)
    x, y = np.random.randn(6, 4), np.random.randn(6, 2)
    theta = [np.random.randn(4, 5), np.random.randn(5, 2)]
    for step in range(500):
        loss, grads = loss_and_gradients(theta, x, y)
        print(step, loss)
        theta = sgd(theta, grads)


# mistake: grad_w1 = x.T.dot(grad_h * drelu(z)) => grad_w1 = x.T.dot(grad_h)
# mistake: grad_y_pred = 2.0 * (y_pred - y) => grad_y_pred = y_pred - y
# mistake: return (z > 0).astype(float) => return (z >= -1).astype(float)
