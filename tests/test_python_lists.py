"""Networks whose forward part gives the outputs of all steps in a list; their loss adds them up."""

from __future__ import annotations

import pytest
from python_cases import case_of

STEPS = """
import numpy as np

class Recurrent:
    def __init__(self, inputs, hidden, outputs):
        self.U = np.random.randn(hidden, inputs) * 0.1
        self.W = np.random.randn(hidden, hidden) * 0.1
        self.V = np.random.randn(outputs, hidden) * 0.1

    def forward(self, xs):
        self.xs, self.hs, self.outs = xs, [np.zeros(len(self.W))], []
        for x in xs:
            self.hs.append(np.tanh(self.U @ x + self.W @ self.hs[-1]))
            self.outs.append(self.V @ self.hs[-1])
        return self.outs

    def loss(self, xs, targets):
        outs = self.forward(xs)
        return 0.5 * sum(np.sum((out - t) ** 2) for out, t in zip(outs, targets))

    def backward(self, targets):
        dU, dW, dV = np.zeros_like(self.U), np.zeros_like(self.W), np.zeros_like(self.V)
        after = np.zeros(len(self.W))
        for t in range(len(self.xs) - 1, -1, -1):
            dout = self.outs[t] - targets[t]
            dV += np.outer(dout, self.hs[t + 1])
            dh = self.V.T @ dout + after
            da = dh * (1 - self.hs[t + 1] ** 2)
            dU += np.outer(da, self.xs[t])
            dW += np.outer(da, self.hs[t])
            after = self.W.T @ da
        return dU, dW, dV
"""


def test_outputs_in_a_list_are_those_of_the_loss():
    case = case_of(STEPS)
    assert case.verdict == "pass", case.problem
    assert {name.partition("[")[0] for name in case.inputs} >= {"U", "W", "V"}


@pytest.mark.parametrize(
    ("right", "wrong"),
    [
        ("self.V.T @ dout + after", "self.V.T @ dout"),
        ("np.outer(da, self.hs[t])", "np.outer(da, self.hs[t + 1])"),
        ("self.outs[t] - targets[t]", "2 * (self.outs[t] - targets[t])"),
    ],
)
def test_a_mistake_in_them_is_found_on_its_line(right, wrong):
    assert STEPS.count(right) == 1
    case = case_of(STEPS.replace(right, wrong))
    assert case.verdict == "fail"
    accused = {line.line for line in case.lines if line.local and line.verdict == "fail"}
    assert STEPS.split(right, maxsplit=1)[0].count("\n") + 1 in accused
