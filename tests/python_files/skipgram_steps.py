import numpy as np

def softmax(x):
    e = np.exp(x - np.max(x))
    return e / e.sum()

class Word2Vec:
    def __init__(self, vocab, n, eta=0.05):
        self.w1 = np.random.uniform(-1, 1, (vocab, n))
        self.w2 = np.random.uniform(-1, 1, (n, vocab))
        self.eta = eta

    def forward_pass(self, x):
        h = np.dot(x, self.w1)
        u = np.dot(h, self.w2)
        y_c = softmax(u)
        return y_c, h, u

    def loss(self, x, t):
        y_c, h, u = self.forward_pass(x)
        return -np.sum(t * np.log(y_c))

    def backprop(self, e, h, x):
        dl_dw2 = np.outer(h, e)
        dl_dw1 = np.outer(x, np.dot(self.w2, e.T))
        self.w1 = self.w1 - (self.eta * dl_dw1)
        self.w2 = self.w2 - (self.eta * dl_dw2)


# mistake: dl_dw2 = np.outer(h, e) => dl_dw2 = np.outer(h, e) / 2
# mistake: self.w1 = self.w1 - (self.eta => self.w1 = self.w1 + (self.eta
# mistake: np.dot(self.w2, e.T) => np.dot(self.w2, -e.T)
