import numpy as np


class PReLU(object):
    def __init__(self, num_channels, init=0.25):
        self.alpha = np.full((num_channels,), init)
        self.alpha_grad = None

    def fprop(self, x):
        # x: (N, C)
        self.x = x
        self.neg = x < 0
        out = x.copy()
        out[self.neg] = (x * self.alpha)[self.neg]
        return out

    def bprop(self, grad):
        self.alpha_grad = np.sum(np.where(self.neg, grad * self.x, 0.0), axis=0)
        dx = grad.copy()
        dx[self.neg] *= np.broadcast_to(self.alpha, grad.shape)[self.neg]
        return dx


# mistake: dx[self.neg] *= np.broadcast_to(self.alpha, grad.shape)[self.neg] => dx[~self.neg] *= np.broadcast_to(self.alpha, grad.shape)[~self.neg]
# mistake: self.alpha_grad = np.sum(np.where(self.neg, grad * self.x, 0.0), axis=0) => self.alpha_grad = np.sum(grad * self.x, axis=0)
# mistake: self.alpha_grad = np.sum(np.where(self.neg, grad * self.x, 0.0), axis=0) => self.alpha_grad = np.sum(np.where(self.neg, grad, 0.0), axis=0)
