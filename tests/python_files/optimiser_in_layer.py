import numpy as np


class SGD:
    def __init__(self, lr=0.05, momentum=0.0):
        self.lr = lr
        self.momentum = momentum
        self.v = None

    def update(self, w, grad):
        if self.v is None:
            self.v = np.zeros_like(w)
        self.v = self.momentum * self.v + (1 - self.momentum) * grad
        return w - self.lr * self.v


class DenseLayer:
    def __init__(self, n_in, n_out):
        self.W = np.random.uniform(-1, 1, (n_in, n_out))
        self.w0 = np.random.uniform(-1, 1, (1, n_out))
        self.W_opt = SGD()
        self.w0_opt = SGD()

    def forward_pass(self, X):
        self.layer_input = X
        return X.dot(self.W) + self.w0

    def backward_pass(self, accum_grad):
        W = self.W
        grad_w = self.layer_input.T.dot(accum_grad)
        grad_w0 = np.sum(accum_grad, axis=0, keepdims=True)
        self.W = self.W_opt.update(self.W, grad_w)
        self.w0 = self.w0_opt.update(self.w0, grad_w0)
        accum_grad = accum_grad.dot(W.T)
        return accum_grad


# mistake: grad_w0 = np.sum(accum_grad, axis=0, keepdims=True) => grad_w0 = np.mean(accum_grad, axis=0, keepdims=True)
# mistake: grad_w = self.layer_input.T.dot(accum_grad) => grad_w = -self.layer_input.T.dot(accum_grad)
# mistake: accum_grad = accum_grad.dot(W.T) => accum_grad = accum_grad.dot(W.T) / 2
