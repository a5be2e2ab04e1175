import numpy as np

def linear(x, w, b):
    def pull(g):
        return g @ w.T, x.T @ g, g.sum(0)
    return x @ w + b, pull

def tanh(x):
    y = np.tanh(x)
    return y, lambda g: g * (1 - y * y)

def mse(p, t):
    d = p - t
    return (d * d).mean(), lambda: 2 * d / d.size

def loss_and_grads(w1, b1, w2, b2, x, t):
    h, pull1 = linear(x, w1, b1)
    a, pull_a = tanh(h)
    p, pull2 = linear(a, w2, b2)
    value, pull_loss = mse(p, t)
    gp = pull_loss()
    ga, gw2, gb2 = pull2(gp)
    gh = pull_a(ga)
    _, gw1, gb1 = pull1(gh)
    return value, (gw1, gb1, gw2, gb2)


# mistake: return y, lambda g: g * (1 - y * y) => return y, lambda g: g * (1 - y)  (elsewhere)
# mistake: return (d * d).mean(), lambda: 2 * d / d.size => return (d * d).mean(), lambda: d / d.size  (elsewhere)
# mistake: return g @ w.T, x.T @ g, g.sum(0) => return g @ w.T, x.T @ g, g.mean(0)
