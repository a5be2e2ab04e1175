"""A layer that keeps state in lists, and a loss in another class."""
import numpy as np


class Dense:
    count = 0

    def __init__(self, fan_in, fan_out, use_bias=True):
        Dense.count += 1
        self.name = 'dense_%d' % Dense.count
        self.params = {'W': np.random.randn(fan_in, fan_out)}
        if use_bias:
            self.params['b'] = np.random.randn(fan_out)
        self.cache = []
        self.gradients = {k: np.zeros_like(v) for k, v in self.params.items()}

    def __call__(self, x):
        return self.forward(x)

    def forward(self, x):
        self.cache.append(x)
        z = x.dot(self.params['W'])
        return z + self.params['b'] if 'b' in self.params else z

    def backward(self, dz):
        x = self.cache.pop()
        self.gradients['W'] += x.T.dot(dz)
        if 'b' in self.params:
            self.gradients['b'] += dz.sum(axis=0)
        return dz.dot(self.params['W'].T)


class MeanSquaredError:
    def forward(self, pred, target):
        self.diff = pred - target
        return np.mean(self.diff ** 2)

    def backward(self):
        return 2 * self.diff / self.diff.size


# mistake: self.gradients['b'] += dz.sum(axis=0) => self.gradients['b'] -= dz.sum(axis=0)
# mistake: return 2 * self.diff / self.diff.size => return self.diff / self.diff.size
# mistake: return dz.dot(self.params['W'].T) => return dz.dot(self.params['W'].T) / 2
