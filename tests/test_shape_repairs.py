"""Lines of Python whose shapes do not fit have the name of the mistake, and a repair."""

import pytest
from test_turns import accused_after

LAYER = """import numpy as np


def layer_forward(x, w, b):
    return np.tanh(x @ w + b), (x, w, np.tanh(x @ w + b))


def layer_backward(dout, cache):
    x, w, h = cache
    dz = dout * (1 - h ** 2)
    dx = np.dot(dz, w.T)
    dw = x.T @ dz
    db = dz.sum(axis=0)
    return dx, dw, db
"""


@pytest.mark.parametrize(
    ("was", "now", "mistake"),
    [
        ("dx = np.dot(dz, w.T)", "dx = np.dot(dz, w)", "transposed"),
        ("dw = x.T @ dz", "dw = x @ dz", "transposed"),
        ("dw = x.T @ dz", "dw = dz.T @ x", "transposed"),
        ("db = dz.sum(axis=0)", "db = dz.sum(axis=1)", "unsummed-axis"),
        ("db = dz.sum(axis=0)", "db = dz", "unsummed-axis"),
    ],
)
def test_a_misfit_has_a_name_and_a_repair(was, now, mistake):
    row, (line,) = accused_after(LAYER, was, now)
    assert (line.line, line.mistake) == (row, mistake)
    again, accused = accused_after(LAYER.replace(was, line.repair), line.repair, line.repair)
    assert (again, accused) == (row, [])


def test_a_misfit_that_no_change_mends_has_no_name():
    _, (line,) = accused_after(LAYER, "dw = x.T @ dz", "dw = x.T @ (dz + x)")
    assert (line.mistake, line.repair) == (None, None)


NORM = """import numpy as np


def norm_forward(x):
    xc = x - x.mean(axis=1, keepdims=True)
    return xc ** 3, xc


def norm_backward(dout, xc):
    dxc = dout * 3 * xc ** 2
    m = dxc.mean(axis=1, keepdims=True)
    dx = dxc - m
    return dx
"""


@pytest.mark.parametrize("options", ["axis=1, keepdims=False", "axis=1"])
def test_a_helper_that_makes_another_line_a_misfit_is_accused_itself(options):
    was = "m = dxc.mean(axis=1, keepdims=True)"
    row, (line,) = accused_after(NORM, was, f"m = dxc.mean({options})")
    assert (line.line, line.mistake, line.repair) == (row, "unsummed-axis", was)
    assert f"line {row + 1} does not fit with it" in line.reason
