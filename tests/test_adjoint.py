"""The adjoint graph: gradients as a graph that can be run, bounded and differentiated again."""

from __future__ import annotations

import math

import mpmath
import pytest

from gradcli.arithmetic.digits import digits
from gradcli.arithmetic.floats import FLOATS, IEEE
from gradcli.engine import Machine, backward
from gradcli.evaluation.numbers import value_bounds
from gradcli.program.reader import read
from gradcli.transform.adjoint import adjoint

MANY = digits(50)
mp = mpmath.mp.clone()
mp.dps = 50

FORMULAS = [
    ("x**2*y + sin(x*y)", lambda x, y: x**2 * y + mp.sin(x * y)),
    ("a = x*y; b = exp(-a); c = a/(1 + b); c*c - x", lambda x, y: (x*y / (1 + mp.exp(-x*y)))**2 - x),
    ("tanh(x)/y + hypot(x, y)", lambda x, y: mp.tanh(x) / y + mp.sqrt(x * x + y * y)),
    ("x**y", lambda x, y: x**y),
    ("max(x, y)*x + min(x, y)**2", lambda x, y: max(x, y) * x + min(x, y) ** 2),
    ("where(x > y, x*y, x*x*x)", lambda x, y: x * y if x > y else x**3),
    ("logsumexp(x, y, x*y)", lambda x, y: mp.log(mp.exp(x) + mp.exp(y) + mp.exp(x * y))),
    ("gelu(x)*huber(y)", lambda x, y: x * mp.ncdf(x) * (y * y / 2 if abs(y) <= 1 else abs(y) - 0.5)),
    ("atan2(x, y) - log(x*x + y)", lambda x, y: mp.atan2(x, y) - mp.log(x * x + y)),
    ("abs(x - y)*softplus(y)", lambda x, y: abs(x - y) * mp.log(1 + mp.exp(y))),
]  # fmt: skip
POINTS = [(1.3, 0.6), (0.4, 2.1)]
CASES = [pytest.param(text, f, at, id=f"{text} at {at}") for text, f in FORMULAS for at in POINTS]


def both(text):
    program = read(text, free=["x", "y"])
    return program, adjoint(program.graph, program.output)


@pytest.mark.parametrize(("text", "f", "at"), CASES)
def test_the_adjoint_graph_computes_what_the_backward_pass_does(text, f, at):
    """In floats up to the bounds of both; the sums may be in another order."""
    program, found = both(text)
    point = dict(zip("xy", at, strict=True))
    run = Machine(program.graph, FLOATS).run([point[n] for n in program.graph.inputs])
    backward(run, program.output, 1.0)
    again = Machine(found.graph, FLOATS).run([point[n] for n in found.graph.inputs])
    bound = value_bounds(again)
    assert again.values[found.value] == run.values[program.output]
    for name, node in found.gradients.items():
        got = run.gradients[program.graph.inputs[name]]
        assert abs(again.values[node] - got) <= 2 * bound[node]
        true = mp.diff(f, at, (1, 0) if name == "x" else (0, 1))
        assert abs(got - true) <= 2 * bound[node]
        assert bound[node] <= 1e-13 * max(1, abs(got))


@pytest.mark.parametrize(("text", "f", "at"), CASES)
def test_second_derivatives(text, f, at):
    program, first = both(text)
    for i, gradient in enumerate(first.gradients[name] for name in "xy"):
        second = adjoint(first.graph, gradient)
        values = Machine(second.graph, MANY).run([MANY.number(x) for x in at]).values
        assert list(second.graph.inputs) == ["x", "y"]
        for j, name in enumerate("xy"):
            true = mp.diff(f, at, tuple((k == i) + (k == j) for k in range(2)))
            assert abs(values[second.gradients[name]] - true) <= 1e-30 * max(1, abs(true))


def test_derivatives_of_a_cube_end_at_zero():
    program = read("x**3", free=["x"])
    graph, node, slopes = program.graph, program.output, []
    for _ in range(4):
        graph, _, gradients = adjoint(graph, node)
        node = gradients["x"]
        slopes.append(Machine(graph, FLOATS).run([2.0]).values[node])
    assert slopes == [12, 12, 6, 0]


def test_an_input_the_output_ignores_has_the_constant_zero():
    program = read("a = x*y; f = x + 1", free=["x", "y"])
    found = adjoint(program.graph, program.output)
    assert found.graph.constants[found.gradients["y"]] == 0
    assert found.graph.constants[found.gradients["x"]] == 1
    assert list(found.graph.inputs) == ["x", "y"]


def test_the_size_is_linear_in_the_number_of_gates():
    sizes = []
    for n in (500, 1000, 2000):
        lines = ["s0 = x*y", *(f"s{k} = sin(s{k - 1})*y + x" for k in range(1, n))]
        program = read("\n".join(lines), free=["x", "y"])
        sizes.append(len(adjoint(program.graph, program.output).graph))
    assert sizes[2] - sizes[1] == 2 * (sizes[1] - sizes[0])
    assert sizes[2] <= 4 * 3 * 2000  # three gates a line


def test_the_guard_of_the_backward_pass_is_in_the_graph():
    """A branch that is not taken contributes nothing, however infinite its slopes are."""
    program = read("where(x > 0, log(x)*y, y)", free=["x", "y"])
    found = adjoint(program.graph, program.output)
    values = Machine(found.graph, IEEE).run([-1.0, 2.0]).values
    assert [values[found.gradients[name]] for name in "xy"] == [0, 1]
    program = read("sqrt(x)*y", free=["x", "y"])
    found = adjoint(program.graph, program.output)
    values = Machine(found.graph, IEEE).run([0.0, 0.0]).values
    assert values[found.gradients["x"]] == 0
    assert not math.isnan(values[found.value])
