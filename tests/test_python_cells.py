"""Networks that make one cell for every step, all of them with the same weights."""

from __future__ import annotations

import pytest
from python_cases import accused_rows, case_of, taken

GRU = """import numpy as np

def sigmoid(v):
    return 1 / (1 + np.exp(-v))

class Cell:
    def __init__(self, Wx, Wh, b):
        self.params = [Wx, Wh, b]
        self.grads = [np.zeros_like(p) for p in self.params]

    def forward(self, x, h_prev):
        Wx, Wh, b = self.params
        H = Wh.shape[0]
        z = sigmoid(x @ Wx[:, :H] + h_prev @ Wh[:, :H] + b[:H])
        r = sigmoid(x @ Wx[:, H:2 * H] + h_prev @ Wh[:, H:2 * H] + b[H:2 * H])
        n = np.tanh(x @ Wx[:, 2 * H:] + (r * h_prev) @ Wh[:, 2 * H:] + b[2 * H:])
        self.cache = x, h_prev, z, r, n
        return (1 - z) * h_prev + z * n

    def backward(self, dh):
        Wx, Wh, b = self.params
        H = Wh.shape[0]
        x, h_prev, z, r, n = self.cache
        dn = dh * z * (1 - n ** 2)
        drh = dn @ Wh[:, 2 * H:].T
        dz = dh * (n - h_prev) * z * (1 - z)
        dr = drh * h_prev * r * (1 - r)
        self.dWx = np.hstack((x.T @ dz, x.T @ dr, x.T @ dn))
        self.dWh = np.hstack((h_prev.T @ dz, h_prev.T @ dr, (r * h_prev).T @ dn))
        self.db = np.hstack((dz.sum(axis=0), dr.sum(axis=0), dn.sum(axis=0)))
        self.grads[0][...] = self.dWx
        self.grads[1][...] = self.dWh
        self.grads[2][...] = self.db
        dx = dz @ Wx[:, :H].T + dr @ Wx[:, H:2 * H].T + dn @ Wx[:, 2 * H:].T
        dh_prev = dh * (1 - z) + r * drh + dz @ Wh[:, :H].T + dr @ Wh[:, H:2 * H].T
        return dx, dh_prev
"""
OVER_TIME = (
    GRU
    + """
class Recurrent:
    def __init__(self, Wx, Wh, b):
        self.params = [Wx, Wh, b]
        self.grads = [np.zeros_like(p) for p in self.params]

    def forward(self, xs):
        N, T, D = xs.shape
        H = self.params[1].shape[0]
        self.cells, h = [], np.zeros((N, H))
        hs = np.empty((N, T, H))
        for t in range(T):
            cell = Cell(*self.params)
            h = cell.forward(xs[:, t, :], h)
            hs[:, t, :] = h
            self.cells.append(cell)
        return hs

    def backward(self, dhs):
        N, T, H = dhs.shape
        dxs = np.empty((N, T, self.params[0].shape[0]))
        dh, totals = 0, [0, 0, 0]
        for t in reversed(range(T)):
            dx, dh = self.cells[t].backward(dhs[:, t, :] + dh)
            dxs[:, t, :] = dx
            for k, own in enumerate(self.cells[t].grads):
                totals[k] += own
        for k, total in enumerate(totals):
            self.grads[k][...] = total
        return dxs
"""
)


def test_blocks_of_parameters_themselves_say_their_sizes():
    told = taken(GRU)
    assert "Wx (5, 9)" in told
    assert "Wh (3, 9)" in told


def test_blocks_are_known_from_the_cells_that_a_network_makes():
    case = case_of(OVER_TIME, "Recurrent")
    assert case.verdict == "pass", (case.problem, case.notes)
    assert any("Wh (3, 9)" in note for note in case.notes)


def test_weights_that_cells_share_are_claimed_by_what_all_of_them_send():
    case = case_of(OVER_TIME, "Recurrent")
    told = next(note for note in case.notes if note.startswith("gradients"))
    assert "self.grads[0] of Wx" in told
    assert "cells" not in told


@pytest.mark.parametrize(("right", "wrong", "at"), [
    ("self.grads[k][...] = total", "self.grads[k][...] = 2 * total", "self.grads[k][...] ="),
    ("dz = dh * (n - h_prev)", "dz = dh * (n + h_prev)", "dz ="),
    ("dh * (1 - z) + r * drh", "dh * (1 - z) + drh", "dh_prev ="),
])  # fmt: skip
def test_slips_in_cells_and_around_them_are_found_on_their_lines(right, wrong, at):
    rows = accused_rows(OVER_TIME.replace(right, wrong), "Recurrent")
    assert any(row.startswith(at) for row in rows), rows


def test_what_only_the_first_step_sends_is_not_the_gradient_of_all():
    assert case_of(OVER_TIME.replace("+= own", "= own"), "Recurrent").verdict == "fail"


LABELS = """import numpy as np

class Loss:
    def forward(self, scores, labels):
        e = np.exp(scores - scores.max(axis=1, keepdims=True))
        self.p, self.labels = e / e.sum(axis=1, keepdims=True), labels
        n = scores.shape[0]
        return -np.log(self.p[np.arange(n), labels]).sum() / n

    def backward(self, dout=1):
        n = self.p.shape[0]
        d = self.p.copy()
        d[np.arange(n), self.labels] -= 1
        return d * dout / n

class LossOverTime:
    def forward(self, xs, ts):
        N, T, V = xs.shape
        self.steps, total = [], 0
        for t in range(T):
            step = Loss()
            total += step.forward(xs[:, t, :], ts[:, t])
            self.steps.append(step)
        self.shape = xs.shape
        return total / T

    def backward(self, dout=1):
        N, T, V = self.shape
        dxs = np.empty(self.shape)
        for t in range(T):
            dxs[:, t, :] = self.steps[t].backward(dout / T)
        return dxs
"""


def test_labels_have_an_axis_more_where_parts_of_them_are_indices():
    case = case_of(LABELS, "LossOverTime")
    assert case.verdict == "pass", (case.problem, case.notes)
