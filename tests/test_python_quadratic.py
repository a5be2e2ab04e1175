"""Quadratic forms: their operands are vectors, and their matrices may be symmetric."""

from __future__ import annotations

import pytest
from python_cases import case_of, first_accused, taken, verdict

COST = """
import numpy as np

def cost(x, goal, Q, u, R):
    e = x - goal
    J = e @ Q @ e + u @ R @ u
    dx = 2 * Q @ e
    du = 2 * R @ u
    return J, dx, du
"""
SPELLINGS = ["e @ Q @ e", "e.dot(Q).dot(e)", "np.dot(e, np.dot(Q, e))", "np.dot(np.dot(e, Q), e)"]


@pytest.mark.parametrize("words", SPELLINGS)
def test_matrices_of_quadratic_forms_are_symmetric_where_the_gradients_say_so(words):
    text = COST.replace("e @ Q @ e", words)
    case = case_of(text)
    assert case.verdict == "pass", (case.lines, case.problem)
    assert "right for a symmetric `Q` and `R`" in case.notes
    assert "x (3,), goal (3,), Q (3, 3) symmetric" in taken(text)


def test_a_gradient_that_is_right_for_every_matrix_needs_no_symmetric_one():
    case = case_of(COST.replace("2 * Q @ e", "(Q + Q.T) @ e").replace("2 * R", "(R + R.T)"))
    assert case.verdict == "pass"
    assert not any("right for a symmetric" in note for note in case.notes)


@pytest.mark.parametrize(("old", "new"), [("2 * Q @ e", "Q @ e"), ("2 * R @ u", "-2 * R @ u")])
def test_what_is_wrong_for_symmetric_matrices_too_is_wrong(old, new):
    assert verdict(COST.replace(old, new))[0] == "fail"


def test_a_matrix_that_has_a_gradient_of_its_own_is_not_symmetric():
    text = COST.replace("return J, dx", "dQ = np.outer(e, e)\n    return J, dQ, dx")
    assert verdict(text)[0] == "fail"


def test_where_a_gradient_has_a_wrong_shape_matrices_are_not_looked_at():
    text = (
        "import numpy as np\n\ndef energy(x, A):\n    return x @ A @ x\n\n"
        "def energy_grad(x, A):\n    g = np.zeros_like(x)\n    g -= np.outer(x, x)\n    return g\n"
    )
    assert first_accused(text) == 8


def test_a_matrix_whose_transpose_stands_beside_it_is_not_symmetric():
    text = (
        "import numpy as np\n\ndef both(x, A):\n    n = A @ x\n    J = n @ n + x @ A @ x\n"
        "    dx = WORDS @ n * 2 + (A + A.T) @ x\n    return J, dx\n"
    )
    assert verdict(text.replace("WORDS", "A.T"))[0] == "pass"
    assert verdict(text.replace("WORDS", "A"))[0] == "fail"
