"""Distances of scipy.spatial, and the kinds of numbers that careful code asks for."""

from __future__ import annotations

import numpy as np
import pytest
from python_cases import case_of

from gradcli.python.interpreter.interpreter import Interpreter
from gradcli.python.state.source import Script
from gradcli.python.state.values import Array, Scope, Unknown

CALLS = [
    "cdist(x, y)", "cdist(x, y, 'sqeuclidean')", "cdist(x, y, metric='cityblock')",
    "cdist(x, y, 'chebyshev')", "pdist(x)", "pdist(x, 'sqeuclidean')", "squareform(pdist(x))",
    "squareform(squareform(pdist(x)))", "distance_matrix(x, y)", "distance_matrix(x, y, p=1)",
    "distance.euclidean(x[0], y[1])", "distance.sqeuclidean(x[0], y[1])",
    "spatial.distance.cityblock(x[0], y[1])", "distance.cdist(x, y)",
]  # fmt: skip
IMPORTS = """
import numpy as np
from scipy import spatial
from scipy.spatial import distance, distance_matrix
from scipy.spatial.distance import cdist, pdist, squareform
"""
KERNEL = """
import numpy as np
from scipy.spatial.distance import cdist

def energy_and_gradient(X, Z, a, log_scale):
    assert np.issubdtype(X.dtype, np.floating) and X.dtype.kind == "f"
    if np.issubdtype(X.dtype, np.integer) or np.iscomplexobj(Z):
        raise TypeError("floats are due")
    upper = np.s_[0:2]
    D = cdist(X, Z, metric="sqeuclidean")
    scale = np.exp(log_scale)
    K = np.exp(-scale * D)
    energy = np.sum(K[upper] * a)
    dK = np.zeros_like(K)
    dK[upper] = a
    da = K[upper]
    dD = -scale * K * dK
    dlog_scale = np.sum(-D * scale * K * dK)
    dX = 2 * (dD.sum(axis=1)[:, None] * X - dD @ Z)
    return energy, dX, da, dlog_scale
"""


def read(expression, **arrays):
    """What the reader makes of an expression of arrays."""
    lines = [IMPORTS, *(f"{name} = np.array({x.tolist()})" for name, x in arrays.items())]
    script = Script("\n".join([*lines, f"out = {expression}"]), "file.py")
    reader, scope = Interpreter(script), Scope()
    reader.look_over(script.tree, scope)
    made = scope["out"]
    assert not isinstance(made, Unknown), made.reason
    return reader.tape.value(made.content) if isinstance(made, Array) else made


@pytest.mark.parametrize("call", CALLS)
def test_distances_are_those_of_scipy(call):
    pytest.importorskip("scipy.spatial")
    random = np.random.RandomState(3)
    x, y = random.standard_normal((5, 3)), random.standard_normal((4, 3))
    scope = {"x": x, "y": y}
    exec(IMPORTS, scope)
    np.testing.assert_allclose(read(call, x=x, y=y), eval(call, scope), rtol=1e-12)


@pytest.mark.parametrize("dtype", ["float", "int", "bool"])
@pytest.mark.parametrize("kind", ["number", "floating", "inexact", "integer", "generic",
                                  "complexfloating", "float64", "int64", "bool_"])  # fmt: skip
def test_kinds_of_numbers_are_those_of_numpy(dtype, kind):
    x = np.ones(2, dtype)
    due = np.issubdtype(x.dtype, getattr(np, kind))
    assert read(f"np.issubdtype(x.dtype, np.{kind})", x=x) == due
    assert read("x.dtype.kind", x=x) == x.dtype.kind


def test_a_kernel_of_distances_is_judged_and_its_mistakes_are_found():
    case = case_of(KERNEL)
    assert case.verdict == "pass"
    for right, wrong in (("- dD @ Z", "+ dD @ Z"), ("da = K[upper]", "da = K[upper] ** 2"),
                         ("np.sum(-D * scale", "np.sum(-D * 2 * scale")):  # fmt: skip
        case = case_of(KERNEL.replace(right, wrong))
        line = next(n for n, row in enumerate(KERNEL.splitlines(), 1) if right in row)
        assert line in [row.line for row in case.lines if row.verdict == "fail"]
