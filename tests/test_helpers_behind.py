"""Lines that may be the slip instead: helpers that an accused line reads."""

from __future__ import annotations

import pytest

from gradcli.requests import Request
from gradcli.tasks.check_python import check_python

CENTRE = """
import numpy as np

def centre_forward(x):
    return (x - x.mean(axis=0)) ** 2, x

def centre_backward(dout, x):
    N = x.shape[0]
    dxc = 2 * dout * (x - x.mean(axis=0))
    part = {sign}(dxc)
    dmu = -np.sum(dxc, axis=0)
    rest = np.ones(x.shape) * dmu / N
    dx = part + rest
    return dx
"""
FOCAL = """
import numpy as np

def focal_loss(logits, labels, gamma=2.0):
    p = 1.0 / (1.0 + np.exp(-logits))
    pt = np.where(labels == 1, p, 1 - p)
    loss = -np.sum((1 - pt) ** gamma * np.log(pt))
    sign = 2 * labels - 1
    dpt = gamma * (1 - pt) ** (gamma {op} 1) * np.log(pt) - (1 - pt) ** gamma / pt
    dlogits = dpt * pt * (1 - pt) * sign
    return loss, dlogits
"""


def accused(text):
    """The accused line of a file, and those that may be meant instead."""
    (case,) = check_python(text, "a.py", None, [], Request())
    assert case.verdict == "fail"
    (line,) = [line for line in case.lines if line.verdict == "fail" and line.local]
    return line


def line_of(text, part):
    return next(k for k, line in enumerate(text.splitlines(), 1) if part in line)


@pytest.mark.parametrize(("text", "slip", "at"), [
    (CENTRE, {"sign": "-"}, "part = "),
    (FOCAL, {"op": "+"}, "dpt = "),
])  # fmt: skip
def test_a_helper_that_only_the_accused_line_reads_may_be_the_slip(text, slip, at):
    text = text.format(**slip)
    line = accused(text)
    place = line_of(text, at)
    assert place in (line.line, *line.suspects)
    if line.line != place:
        assert f"line {place}" in line.reason


@pytest.mark.parametrize(("text", "right"), [(CENTRE, {"sign": ""}), (FOCAL, {"op": "-"})])
def test_right_helpers_accuse_nobody(text, right):
    (case,) = check_python(text.format(**right), "a.py", None, [], Request())
    assert case.verdict == "pass"


def test_a_helper_that_other_lines_read_too_is_not_named():
    text = CENTRE.format(sign="").replace("dx = part + rest", "dx = part - rest")
    line = accused(text)
    assert line.line == line_of(text, "dx = part")
    assert line_of(text, "dxc = 2") not in line.suspects
