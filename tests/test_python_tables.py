"""Tables of rows: gradients of what is taken from them, and rows that many examples share."""

from __future__ import annotations

import pytest
from python_cases import accused_rows, case_of

PAIRS = """
import numpy as np

def sigmoid(z):
    return 1 / (1 + np.exp(-z))

class Words:
    def __init__(self, count, size):
        self.near = np.random.randn(count, size)
        self.far = np.random.randn(count, size)

    def loss_and_grads(self, centre_idx, right_idx, wrong_indices):
        centre = self.near[centre_idx]
        right_row = self.far[right_idx]
        wrong_rows = self.far[wrong_indices]
        score = right_row @ centre
        scores = wrong_rows @ centre
        loss = -np.log(sigmoid(score)) - np.sum(np.log(sigmoid(-scores)))
        miss = sigmoid(score) - 1
        grad_centre = miss * right_row + sigmoid(scores) @ wrong_rows
        grad_right = miss * centre
        grad_wrong = np.outer(sigmoid(scores), centre)
        return loss, grad_centre, grad_right, grad_wrong
"""


def test_rows_of_tables_have_gradients_of_their_own():
    case = case_of(PAIRS)
    assert case.verdict == "pass", case.problem
    words = "grad_centre of centre, grad_right of right_row, grad_wrong of wrong_rows"
    assert f"gradients: {words}" in case.notes


@pytest.mark.parametrize(("right", "wrong"), [
    ("miss * right_row + sigmoid(scores)", "miss * right_row - sigmoid(scores)"),
    ("grad_right = miss * centre", "grad_right = miss * right_row"),
    ("np.outer(sigmoid(scores), centre)", "np.outer(scores, centre)"),
    ("miss = sigmoid(score) - 1", "miss = sigmoid(score)"),
])  # fmt: skip
def test_slips_in_gradients_of_rows_are_found_on_their_lines(right, wrong):
    (line,) = [x for x in PAIRS.splitlines() if right in x]
    assert accused_rows(PAIRS.replace(right, wrong)) == {line.replace(right, wrong).strip()}


def test_rows_of_a_table_need_not_all_have_gradients():
    case = case_of(PAIRS.replace("grad_right, grad_wrong\n", "grad_right\n"))
    assert case.verdict == "pass"
    assert "gradients: grad_centre of centre, grad_right of right_row" in case.notes


SEVERAL = """
import numpy as np

def sigmoid(z):
    return 1 / (1 + np.exp(-z))

def pairs_forward(centre_ids, wrong_ids, near, far):
    centre, wrong = near[centre_ids], far[wrong_ids]
    scores = np.sum(centre[:, None, :] * wrong, axis=2)
    return -np.sum(np.log(sigmoid(-scores))), (centre, wrong, scores)

def pairs_backward(centre_ids, wrong_ids, near, far, cache):
    centre, wrong, scores = cache
    share = sigmoid(scores)
    dcentre = np.sum(share[:, :, None] * wrong, axis=1)
    dwrong = share[:, :, None] * centre[:, None, :]
    dnear, dfar = np.zeros_like(near), np.zeros_like(far)
    np.add.at(dnear, centre_ids, dcentre)
    np.add.at(dfar, wrong_ids, dwrong)
    return dnear, dfar
"""


def test_several_rows_for_each_example_are_ids_of_two_axes():
    case = case_of(SEVERAL)
    assert case.verdict == "pass", case.problem
    (taken,) = [note for note in case.notes if note.startswith("inputs inferred")]
    assert "wrong_ids = [[" in taken


@pytest.mark.parametrize(("right", "wrong"), [
    ("np.sum(share[:, :, None] * wrong, axis=1)", "np.mean(share[:, :, None] * wrong, axis=1)"),
    ("np.add.at(dfar, wrong_ids, dwrong)", "dfar[wrong_ids] += dwrong"),
    ("dwrong = share[:, :, None] *", "dwrong = scores[:, :, None] *"),
])  # fmt: skip
def test_ids_of_two_axes_hide_no_mistake(right, wrong):
    (line,) = [x for x in SEVERAL.splitlines() if right in x]
    assert line.replace(right, wrong).strip() in accused_rows(SEVERAL.replace(right, wrong))


STATES = """
import numpy as np

U = np.random.randn(4, 4)
V = np.random.randn(3, 4)

def roll_forward(X, hprev):
    states = [hprev[0]]
    for t in range(len(X)):
        states.append(np.tanh(np.dot(U, states[t]) + V[X[t]].reshape(4, 1)))
    return states, np.sum(states[-1] ** 2)

def roll_backward(X, states):
    dU, dV = np.zeros_like(U), np.zeros_like(V)
    dh = 2 * states[-1]
    for t in reversed(range(len(X))):
        draw = dh * (1 - states[t + 1] ** 2)
        hot = np.zeros((3, 1))
        hot[X[t]] = 1
        dV += np.dot(hot, draw.T)
        dU += np.dot(draw, states[t].T)
        dh = np.dot(U.T, draw)
    return dU, dV
"""


def test_a_part_that_is_taken_alone_says_of_no_axes_and_accuses_nobody():
    assert case_of(STATES).verdict != "fail"
