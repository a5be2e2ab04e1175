import numpy as np

def sigmoid(x):
    return 1 / (1 + np.exp(-x))

def dsigmoid(s):
    return s * (1 - s)

def gru_forward(x, h_prev, Wz, Uz, bz, Wr, Ur, br, Wh, Uh, bh):
    z = sigmoid(x @ Wz + h_prev @ Uz + bz)
    r = sigmoid(x @ Wr + h_prev @ Ur + br)
    rh = r * h_prev
    hh = np.tanh(x @ Wh + rh @ Uh + bh)
    h = (1 - z) * h_prev + z * hh
    return h, (x, h_prev, Wz, Uz, Wr, Ur, Wh, Uh, z, r, rh, hh)

def gru_backward(dh, cache):
    x, h_prev, Wz, Uz, Wr, Ur, Wh, Uh, z, r, rh, hh = cache
    dhh = dh * z
    dz = dh * (hh - h_prev)
    dh_prev = dh * (1 - z)
    dah = dhh * (1 - hh ** 2)
    dWh = x.T @ dah
    dUh = rh.T @ dah
    dbh = dah.sum(axis=0)
    dx = dah @ Wh.T
    drh = dah @ Uh.T
    dr = drh * h_prev
    dh_prev += drh * r
    dar = dr * dsigmoid(r)
    dWr = x.T @ dar
    dUr = h_prev.T @ dar
    dbr = dar.sum(axis=0)
    dx += dar @ Wr.T
    dh_prev += dar @ Ur.T
    daz = dz * dsigmoid(z)
    dWz = x.T @ daz
    dUz = h_prev.T @ daz
    dbz = daz.sum(axis=0)
    dx += daz @ Wz.T
    dh_prev += daz @ Uz.T
    return dx, dh_prev, dWz, dUz, dbz, dWr, dUr, dbr, dWh, dUh, dbh

# mistake: dz = dh * (hh - h_prev) => dz = dh * (hh + h_prev)
# mistake: dUh = rh.T @ dah => dUh = h_prev.T @ dah
# mistake: dh_prev += drh * r => dh_prev += drh
