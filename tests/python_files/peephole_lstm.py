# LSTM with peephole connections, one step at a time (batch first)
import numpy as np


def sig(v):
    return 1. / (1. + np.exp(-v))


class PeepholeCell(object):
    """A cell with `n_hid` units; `n_in` features come in."""

    def __init__(self, n_in, n_hid, *, seed=None):
        rs = np.random.RandomState(seed)
        self.n_in, self.n_hid = n_in, n_hid
        self.Wi = rs.randn(n_in + n_hid, n_hid) * 0.3
        self.Wf = rs.randn(n_in + n_hid, n_hid) * 0.3
        self.Wo = rs.randn(n_in + n_hid, n_hid) * 0.3
        self.Wg = rs.randn(n_in + n_hid, n_hid) * 0.3
        self.pi = rs.randn(n_hid) * 0.3
        self.pf = rs.randn(n_hid) * 0.3
        self.po = rs.randn(n_hid) * 0.3

    def forward(self, x, h_prev, c_prev):
        z = np.concatenate([x, h_prev], axis=1)
        i = sig(z @ self.Wi + self.pi * c_prev)
        f = sig(z @ self.Wf + self.pf * c_prev)
        g = np.tanh(z @ self.Wg)
        c = f * c_prev + i * g
        o = sig(z @ self.Wo + self.po * c)
        tc = np.tanh(c)
        h = o * tc
        self.saved = z, c_prev, i, f, g, c, o, tc
        return h, c

    def backward(self, dh, dc_next):
        z, c_prev, i, f, g, c, o, tc = self.saved
        d_o = dh * tc * o * (1 - o)
        dc = dc_next + dh * o * (1 - tc * tc)
        dc = dc + d_o * self.po
        d_i = dc * g * i * (1 - i)
        d_f = dc * c_prev * f * (1 - f)
        d_g = dc * i * (1 - g * g)
        self.dWi = z.T @ d_i
        self.dWf = z.T @ d_f
        self.dWo = z.T @ d_o
        self.dWg = z.T @ d_g
        self.dpi = (d_i * c_prev).sum(0)
        self.dpf = (d_f * c_prev).sum(0)
        self.dpo = (d_o * c).sum(0)
        dz = d_i @ self.Wi.T + d_f @ self.Wf.T + d_o @ self.Wo.T + d_g @ self.Wg.T
        dc_prev = dc * f + d_i * self.pi + d_f * self.pf
        return dz[:, :self.n_in], dz[:, self.n_in:], dc_prev


# mistake: self.dpo = (d_o * c).sum(0) => self.dpo = (d_o * c_prev).sum(0)
# mistake: dc_prev = dc * f + d_i * self.pi + d_f * self.pf => dc_prev = dc * f + d_i * self.pi
# mistake: dc = dc + d_o * self.po => dc = dc - d_o * self.po
