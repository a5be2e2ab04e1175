import numpy as np


class TwoLayerNet(object):
    """A two-layer network with ReLU and softmax loss."""

    def __init__(self, input_size, hidden_size, output_size, std=1e-1):
        self.params = {}
        self.params['W1'] = std * np.random.randn(input_size, hidden_size)
        self.params['b1'] = np.zeros(hidden_size)
        self.params['W2'] = std * np.random.randn(hidden_size, output_size)
        self.params['b2'] = np.zeros(output_size)

    def loss(self, X, y=None, reg=0.1):
        W1, b1 = self.params['W1'], self.params['b1']
        W2, b2 = self.params['W2'], self.params['b2']
        N, D = X.shape
        h = np.maximum(X.dot(W1) + b1, 0)
        scores = h.dot(W2) + b2
        if y is None:
            return scores
        shifted = scores - np.max(scores, axis=1).reshape(-1, 1)
        softmax = np.exp(shifted) / np.sum(np.exp(shifted), axis=1).reshape(-1, 1)
        loss = -np.sum(np.log(softmax[range(N), list(y)]))
        loss /= N
        loss += reg * (np.sum(W1 * W1) + np.sum(W2 * W2))

        grads = {}
        dscores = softmax.copy()
        dscores[range(N), list(y)] += -1
        dscores /= N
        grads['W2'] = h.T.dot(dscores) + 2 * reg * W2
        grads['b2'] = np.sum(dscores, axis=0)
        dh = dscores.dot(W2.T)
        dh_ReLu = (h > 0) * dh
        grads['W1'] = X.T.dot(dh_ReLu) + 2 * reg * W1
        grads['b1'] = np.sum(dh_ReLu, axis=0)
        return loss, grads

    def train(self, X, y, learning_rate=1e-3, num_iters=100, verbose=False):
        for it in range(num_iters):
            loss, grads = self.loss(X, y)
            for key in self.params:
                self.params[key] -= learning_rate * grads[key]
            if verbose:
                print('iteration %d: loss %f' % (it, loss))


# mistake: dh_ReLu = (h > 0) * dh => dh_ReLu = 1 * dh  (elsewhere)
# mistake: grads['W1'] = X.T.dot(dh_ReLu) + 2 * reg * W1 => grads['W1'] = X.T.dot(dh_ReLu) + reg * W1
# mistake: dscores /= N => dscores /= 2 * N  (elsewhere)
