"""Forces, which are minus the gradient of an energy, and gradients that are called forces."""

from __future__ import annotations

import pytest
import python_cases

SPRING = """
import numpy as np

def spring_energy(x, k, rest):
    d = np.sqrt(np.sum(x ** 2))
    return 0.5 * k * (d - rest) ** 2

def spring_force(x, k, rest):
    {doc}
    d = np.sqrt(np.sum(x ** 2))
    return {sign}k * (d - rest) * x / d
"""
USES = {
    "descent": "x = np.ones(3)\nfor _ in range(9):\n    x -= 0.1 * spring_force(x, 2.0, 0.5)",
    "of a name": "F = spring_force(np.ones(3), 2.0, 0.5)\nx = np.ones(3) - 0.1 * F",
    "minus it": "acc = -spring_force(np.ones(3), 2.0, 0.5) / 3.0",
}
MOTION = "v = np.zeros(3)\nv += 0.1 * spring_force(np.ones(3), 2.0, 0.5)"


def case_of(sign, doc="", use=""):
    text = SPRING.format(sign=sign, doc=f'"""{doc}"""' if doc else "") + use + "\n"
    return python_cases.case_of(text)


@pytest.mark.parametrize("use", ["", MOTION])
def test_a_force_is_minus_the_gradient(use):
    assert case_of("-", use=use).verdict == "pass"
    assert case_of("", use=use).verdict == "fail"


@pytest.mark.parametrize("use", USES.values(), ids=USES)
def test_what_a_file_goes_down_along_is_the_gradient(use):
    case = case_of("", use=use)
    assert case.verdict == "pass"
    assert any("called a force is the gradient itself" in note for note in case.notes)


def test_a_docstring_says_that_it_is_the_gradient():
    assert case_of("", "The gradient of the energy by x.").verdict == "pass"
    assert case_of("", "Minus the gradient of the energy.").verdict == "fail"


FUNCTION = """
import numpy as np

def f(x):
    return x[0] ** 2 * x[1]

def {name}(x):
    return np.array([2 * x[0] * x[1], x[0] ** 2])
"""
HESSIAN = """
def f_hess(x):
    return np.array([[2 * x[1], 2 * x[0]], [2 * x[0], 0.0]])
"""


@pytest.mark.parametrize("text", [
    FUNCTION.format(name="d_f"), FUNCTION.format(name="fprime"),
    FUNCTION.format(name="f_grad") + HESSIAN,
])  # fmt: skip
def test_derivatives_of_f_are_no_forces(text):
    cases = python_cases.cases(text)
    assert {case.verdict for case in cases} == {"pass"}
