"""The reading of a wrong file that is told: the nearest to a pass, found without judging all."""

from __future__ import annotations

from python_cases import case_of

from gradcli.backward import lines

WRONG = """
import numpy as np


class Loss:
    def loss(self, logits, labels, soft):
        e = np.exp(logits)
        p = e / e.sum(axis=1, keepdims=True)
        hard = -np.sum(labels * np.log(p + 1e-8)) / len(labels)
        return 0.3 * hard - 0.7 * np.sum(soft * np.log(p + 1e-8)) / len(labels)

    def grad(self, logits, labels, soft):
        e = np.exp(logits)
        p = e / e.sum(axis=1, keepdims=True)
        return (0.3 * (p - labels) - 0.7 * (p - soft)) / len(labels)
"""


def test_lines_are_judged_only_where_a_reading_may_be_nearer_to_a_pass(monkeypatch):
    judged, judge = [], lines.judge_lines

    def counted(*args, **named):
        judged.append(1)
        return judge(*args, **named)

    monkeypatch.setattr(lines, "judge_lines", counted)
    case = case_of(WRONG)
    assert case.verdict == "fail"
    assert [line.line for line in case.lines if line.verdict == "fail"] == [15]
    assert len(judged) <= 3
