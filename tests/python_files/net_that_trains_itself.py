# plain two-layer regression net with a train loop; everything in one class
import numpy as np

class Net:
    def __init__(self, n_in, n_hidden, n_out, lr=0.05):
        self.w1 = np.random.randn(n_hidden, n_in)
        self.w2 = np.random.randn(n_out, n_hidden)
        self.lr = lr

    def forward(self, x):
        self.x = x
        self.hidden = np.tanh(self.w1 @ x)
        self.out = self.w2 @ self.hidden
        return self.out

    def loss(self, y):
        return 0.5 * np.sum((self.out - y) ** 2)

    def backward(self, y):
        err = self.out - y
        grad_w2 = err @ self.hidden.T
        back = self.w2.T @ err
        grad_w1 = (back * (1 - self.hidden ** 2)) @ self.x.T
        return grad_w1, grad_w2

    def train(self, x, y, steps=100):
        for _ in range(steps):
            self.forward(x)
            g1, g2 = self.backward(y)
            self.w1 -= self.lr * g1
            self.w2 -= self.lr * g2


# mistake: grad_w1 = (back * (1 - self.hidden ** 2)) @ self.x.T => grad_w1 = (back * (1 - self.hidden)) @ self.x.T
# mistake: err = self.out - y => err = y - self.out
# mistake: back = self.w2.T @ err => back = self.w2.T @ self.out
