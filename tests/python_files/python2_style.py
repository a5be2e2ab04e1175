import numpy as np


# gradcli: layers = [3, 4, 2]
class Net:
    def __init__(self, layers):
        self.W = []
        for n, m in zip(layers[:-1], layers[1:]):
            self.W.append(np.random.randn(n, m))
        print "made %d layers" % len(self.W)

    def forward(self, x):
        self.acts = [x]
        for k in xrange(len(self.W)):
            x = np.tanh(np.dot(x, self.W[k]))
            self.acts.append(x)
        if x.shape[0] > 100: print "large"
        return x

    def backward(self, grad):
        self.dW = [None] * len(self.W)
        k = len(self.W) - 1
        while k >= 0:
            grad = grad * (1 - self.acts[k + 1] ** 2)
            self.dW[k] = np.dot(self.acts[k].T, grad)
            grad = np.dot(grad, self.W[k].T)
            k -= 1
        return grad


# mistake: grad = grad * (1 - self.acts[k + 1] ** 2) => grad = grad * (1 - self.acts[k + 1])  (elsewhere)
# mistake: self.dW[k] = np.dot(self.acts[k].T, grad) => self.dW[k] = 2 * np.dot(self.acts[k].T, grad)
# mistake: grad = np.dot(grad, self.W[k].T) => grad = np.dot(grad, -self.W[k].T)  (elsewhere)
