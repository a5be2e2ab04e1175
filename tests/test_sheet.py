"""Many inputs of one function, stepped along in one pass: gates with edges stay on their branch."""

import math

import pytest

from gradcli import check

COUNT = 160  # inputs: enough for their steps to be taken together
POINT = {f"x{k}": 0.3 + 0.37 * k for k in range(COUNT)}
SMOOTH = " + ".join(f"{name}*sin({name})" for name in POINT)
X0, X1, X2, X3 = (POINT[f"x{k}"] for k in range(4))


def slopes_with(own):
    """The derivatives of `SMOOTH`, and of a term beside it."""
    return {name: math.sin(x) + x * math.cos(x) + own.get(name, 0.0) for name, x in POINT.items()}


EDGES = [
    ("max(x0*x1, x2)", {"x2": 1.0}),
    ("min(x0, x1, x2)", {"x0": 1.0}),
    ("max(x0, 0.2999999999)", {"x0": 1.0}),  # an edge 1e-10 away
    ("where(x0 < x1, x2*x3, x4/0)", {"x2": X3, "x3": X2}),
    ("where(x0 < 0.300000001, x2*x3, x4)", {"x2": X3, "x3": X2}),
    ("where(x0, x2*x3, x4)", {"x2": X3, "x3": X2}),
    ("floor(x3)*x1", {"x1": 1.0}),
    ("floor(x0*10 + 1e-7)*x1", {"x1": 3.0}),
    ("step(x0 - 0.1)*x1", {"x1": 1.0}),
    ("abs(x0*x1)", {"x0": X1, "x1": X0}),
    ("relu(x1 - x0)*x2", {"x0": -X2, "x1": X2, "x2": X1 - X0}),
]


@pytest.mark.parametrize(("term", "own"), EDGES)
def test_a_gate_that_stays_on_its_branch_has_the_slope_of_it(term, own):
    slopes = slopes_with(own)
    assert check(f"{term} + {SMOOTH}", POINT, slopes).verdict == "pass"
    wrong = {name: slopes[name] + 1e-3 * own[name] for name in own}
    (case,) = check(f"{term} + {SMOOTH}", POINT, slopes | wrong).cases
    assert {name for name, found in case.inputs.items() if found.verdict == "fail"} == {*own}
