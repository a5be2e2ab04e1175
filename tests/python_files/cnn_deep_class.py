"""A network of any depth, its layers in a dictionary with formatted keys."""
import numpy as np


class FullyConnectedNet(object):
    def __init__(self, hidden_dims, input_dim=5, num_classes=3, reg=0.1, weight_scale=0.5, seed=1):
        rng = np.random.RandomState(seed)
        self.reg = reg
        self.num_layers = 1 + len(hidden_dims)
        self.params = {}
        dims = [input_dim] + list(hidden_dims) + [num_classes]
        for i in range(self.num_layers):
            self.params['W%d' % (i + 1)] = weight_scale * rng.randn(dims[i], dims[i + 1])
            self.params[f'b{i + 1}'] = 0.1 * np.ones(dims[i + 1])

    def loss(self, X, y=None):
        caches = {}
        a = X.astype(np.float64)
        for i in range(1, self.num_layers):
            W, b = self.params['W' + str(i)], self.params['b' + str(i)]
            z = a.dot(W) + b
            caches[i] = (a, z)
            a = np.maximum(z, 0)
        L = self.num_layers
        scores = a.dot(self.params['W%d' % L]) + self.params['b%d' % L]
        if y is None:
            return scores
        scores -= scores.max(axis=1, keepdims=True)
        p = np.exp(scores)
        p /= p.sum(axis=1, keepdims=True)
        N = X.shape[0]
        loss = -np.log(p[np.arange(N), y]).sum() / N
        grads = {}
        d = p
        d[np.arange(N), y] -= 1
        d /= N
        grads['W%d' % L] = a.T.dot(d) + self.reg * self.params['W%d' % L]
        grads['b%d' % L] = d.sum(axis=0)
        d = d.dot(self.params['W%d' % L].T)
        for i in range(L - 1, 0, -1):
            a, z = caches[i]
            d = d * (z > 0)
            grads['W%d' % i] = a.T.dot(d)
            grads['W%d' % i] += self.reg * self.params['W%d' % i]
            grads['b%d' % i] = d.sum(axis=0)
            d = d.dot(self.params['W%d' % i].T)
        for k in self.params:
            if k[0] == 'W':
                loss += 0.5 * self.reg * np.sum(self.params[k] ** 2)
        return loss, grads


# mistake: d = d * (z > 0) => d = d * (z < 0)  (elsewhere)
# mistake: grads['W%d' % i] += self.reg * self.params['W%d' % i] => grads['W%d' % i] += 2 * self.reg * self.params['W%d' % i]
# mistake: grads['b%d' % i] = d.sum(axis=0) => grads['b%d' % i] = d.sum(axis=0) * N
