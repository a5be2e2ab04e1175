"""Trainings that change a weight part by part: `w[1:] += ...` and `w[0] += ...`."""

from __future__ import annotations

import pytest
from python_cases import accused_rows, case_of, verdict

LINEAR = """import numpy as np

class LinearRegression:
    def __init__(self, eta=0.001, n_iter=20):
        self.eta, self.n_iter = eta, n_iter

    def fit(self, X, y):
        self.w = np.zeros(1 + X.shape[1])
        self.costs = []
        for _ in range(self.n_iter):
            errors = y - self.predict(X)
            self.w[1:] += self.eta * X.T.dot(errors)
            self.w[0] += self.eta * errors.sum()
            cost = (errors ** 2).sum() / 2.0
            self.costs.append(cost)
        return self

    def predict(self, X):
        return np.dot(X, self.w[1:]) + self.w[0]
"""
WEIGHTS, BIAS = "self.eta * X.T.dot(errors)", "self.eta * errors.sum()"


def lines_of(case):
    return {line.line: line.verdict for line in case.lines}


def test_the_parts_of_a_weight_are_one_gradient_of_several_lines():
    case = case_of(LINEAR)
    assert case.verdict == "pass"
    assert {12: "pass", 13: "pass"}.items() <= lines_of(case).items()
    assert not any("no loss" in note for note in case.notes)


@pytest.mark.parametrize(("right", "wrong", "at"), [
    (WEIGHTS, "self.eta * 2 * X.T.dot(errors)", "self.w[1:] +="),
    (BIAS, "self.eta * errors.mean()", "self.w[0] +="),
    ("self.w[0] +=", "self.w[0] -=", "self.w[0] -="),
    ("self.w[1:] +=", "self.w[1:] -=", "self.w[1:] -="),
])  # fmt: skip
def test_a_slip_in_one_part_is_found_on_its_line(right, wrong, at):
    rows = accused_rows(LINEAR.replace(right, wrong))
    assert [row.startswith(at) for row in rows] == [True]


def test_steps_by_another_loss_than_the_one_behind_them_are_held_to_a_usual_one():
    other = LINEAR.replace("self.eta *", "self.eta * 2 *")
    case = case_of(other)
    assert case.verdict == "pass"
    assert any(note.startswith("the loss that is computed behind the steps is another one: "
                               "right for half the squared errors, times 2")
               for note in case.notes)  # fmt: skip


def test_a_logistic_loss_behind_the_steps_is_that_of_the_file():
    text = LINEAR.replace(
        "errors = y - self.predict(X)",
        "output = 1 / (1 + np.exp(-self.predict(X)))\n            errors = y - output",
    ).replace("(errors ** 2).sum() / 2.0",
              "-y.dot(np.log(output)) - (1 - y).dot(np.log(1 - output))")  # fmt: skip
    case = case_of(text)
    assert case.verdict == "pass"
    assert not any("behind the steps" in note or "no loss" in note for note in case.notes)


def test_a_part_is_right_where_another_part_of_its_array_is_wrong():
    wrong = lines_of(case_of(LINEAR.replace(WEIGHTS, "self.eta * 2 * X.T.dot(errors)")))
    assert {12: "fail", 13: "pass"}.items() <= wrong.items()


@pytest.mark.parametrize("again", [
    "self.w[0] += 5 * " + BIAS, "self.w[1:] += 5 * " + WEIGHTS, "self.w += 5 * " + BIAS,
])  # fmt: skip
def test_what_changes_a_part_once_more_is_a_part_of_the_step(again):
    last = "            self.w[0] += " + BIAS
    rows = accused_rows(LINEAR.replace(last, f"{last}\n            {again}"))
    assert rows == {again}


def test_overlapping_parts_are_not_added_up():
    text = LINEAR.replace("self.w[0] += " + BIAS, "self.w[:] += " + BIAS)
    assert verdict(text)[0] != "pass"
