import numpy as np


class Elman:
    def __init__(self, vocab, hidden):
        self.U = np.random.uniform(-1, 1, (hidden, vocab))
        self.V = np.random.uniform(-1, 1, (vocab, hidden))
        self.W = np.random.uniform(-1, 1, (hidden, hidden))
        self.hidden, self.vocab = hidden, vocab

    def forward_propagation(self, x):
        T = len(x)
        s = np.zeros((T + 1, self.hidden))
        o = np.zeros((T, self.vocab))
        for t in np.arange(T):
            s[t] = np.tanh(self.U[:, x[t]] + self.W.dot(s[t - 1]))
            e = np.exp(self.V.dot(s[t]))
            o[t] = e / np.sum(e)
        return [o, s]

    def total_loss(self, x, y):
        o, s = self.forward_propagation(x)
        L = 0
        for i in range(len(y)):
            L += -1 * np.log(o[i, y[i]])
        return L

    # gradcli: x = [0, 2, 1]; y = [2, 1, 0]
    def loss_and_grads(self, x, y):
        T = len(y)
        o, s = self.forward_propagation(x)
        loss = self.total_loss(x, y)
        dLdU = np.zeros(self.U.shape)
        dLdV = np.zeros(self.V.shape)
        dLdW = np.zeros(self.W.shape)
        delta_o = o.copy()
        delta_o[np.arange(len(y)), y] -= 1.
        for t in np.arange(T)[::-1]:
            dLdV += np.outer(delta_o[t], s[t].T)
            delta_t = self.V.T.dot(delta_o[t]) * (1 - (s[t] ** 2))
            for bptt_step in np.arange(0, t + 1)[::-1]:
                dLdW += np.outer(delta_t, s[bptt_step - 1])
                dLdU[:, x[bptt_step]] += delta_t
                delta_t = self.W.T.dot(delta_t) * (1 - s[bptt_step - 1] ** 2)
        return loss, [dLdU, dLdV, dLdW]


# mistake: dLdU[:, x[bptt_step]] += delta_t => dLdU[:, x[t]] += delta_t
# mistake: delta_t = self.W.T.dot(delta_t) * (1 - s[bptt_step - 1] ** 2) => delta_t = self.W.dot(delta_t) * (1 - s[bptt_step - 1] ** 2)  (elsewhere)
# mistake: dLdV += np.outer(delta_o[t], s[t].T) => dLdV += np.outer(delta_o[t], s[t - 1].T)
