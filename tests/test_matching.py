"""Lines and the uses they speak for, formulas in their places, and what that costs."""

from __future__ import annotations

import sys

import pytest

import gradcli
from gradcli.backward.amounts import total
from gradcli.backward.formulas import Formulas
from gradcli.engine import Machine
from gradcli.gates.table import BUILT_IN
from gradcli.program.model import Element, elements
from gradcli.syntax import parse_expression
from gradcli.syntax.tokens import Source


def test_a_line_that_reads_the_output_counts_it_once():
    """Twice what the output sends back is no sum of that and of what it sends back itself."""
    text = "x = 3\nq = x*x\nf = q*x\ndf = 1\ndq = x*df\ndx = 2*q*df\ndx += 2*x*dq"
    (line,) = [line for line in gradcli.check(text).cases[0].lines if line.is_accused]
    assert (line.line, line.mistake) == (6, "dropped-factor")


def test_sums_beyond_float64_are_infinite():
    assert total([1e308, 1e308]) == float("inf")
    assert total([1e308, 1e308, -1e308]) == float("inf")
    assert total([0.1] * 10) == 1.0


def test_elements_have_a_name_and_an_index():
    value = [[4, 5], [6, 7]]
    assert [str(e) for e, _ in elements("w", value)] == ["w[0][0]", "w[0][1]", "w[1][0]", "w[1][1]"]
    assert elements("w", value)[2] == (Element("w", (1, 0)), 6)
    assert elements("x", 3) == [(Element("x"), 3)]
    assert str(Element("x")) == "x"


# ---------------------------------------------------------------- formulas


def test_formulas_are_evaluated_at_every_point_without_a_machine(monkeypatch):
    monkeypatch.setattr(Machine, "__init__", None)
    points = [{"x": 2.0, "v": [1.0, 2.0]}, {"x": 3.0, "v": [0.0, 5.0]}]
    formulas = Formulas(lambda name, point: points[point][name], BUILT_IN)

    def lowered(text, **nodes):
        return formulas.lowered(parse_expression(Source(text)), lambda name: name, {}, nodes)

    square = lowered("x**2 + 1")
    formulas.keep()
    assert [formulas.numbers(square, k) for k in (0, 1)] == [[5.0], [10.0]]
    scaled = lowered("v*x + g", g=square)
    assert [formulas.numbers(scaled, k) for k in (0, 1)] == [[7.0, 9.0], [10.0, 25.0]]
    assert lowered("v @ [1, 2, 3]") is None


# ---------------------------------------------------------------- cost


def fork(n, wrong=()):
    """A name with n uses, and a line for each."""
    uses = [f"q{k} = x*{k + 2}" for k in range(n)]
    seeds = [f"dq{k} = 1" for k in range(n)]
    lines = [f"dx += {k + 2 + (k in wrong)}*dq{k}*x/x" for k in range(n)]
    output = "f = " + " + ".join(f"q{k}" for k in range(n))
    return "\n".join(["x = 1.3", *uses, output, *seeds, *lines])


def equal_uses(n, wrong=()):
    """All uses send the same back, and no line says which it speaks for."""
    lines = [f"dx += y*{1 + (k in wrong)}" for k in range(n)]
    return "\n".join(["x = 1.3; y = 0.7", "f = " + " + ".join(["x*y"] * n), *lines])


def unread_uses(n, wrong=()):
    """Lines that read no gradient: sorted by value."""
    uses = [f"q{k} = x*{k + 2}" for k in range(n)]
    lines = [f"dx += q{k}/x*{1 + (k in wrong)}" for k in range(n)]
    output = "f = " + " + ".join(f"q{k}" for k in range(n))
    return "\n".join(["x = 1.3", *uses, output, *lines])


def calls(text):
    """How often functions of the room are entered, and generators resumed, for the lines."""
    count = 0

    def profile(frame, event, _):
        nonlocal count
        count += event == "call" and "backward" in frame.f_code.co_filename

    before = sys.getprofile()
    sys.setprofile(profile)
    try:
        gradcli.check(text, budget=1e12)
    finally:
        sys.setprofile(before)
    return count


@pytest.mark.slow
@pytest.mark.parametrize("wrong", [(), (3,)], ids=["right", "wrong"])
@pytest.mark.parametrize("program", [fork, equal_uses, unread_uses])
def test_twice_as_many_uses_cost_twice_as_much(program, wrong):
    few, many = calls(program(40, wrong)), calls(program(160, wrong))
    assert many < 5 * few


def test_repairs_bind_no_machine(monkeypatch):
    """Of a wrong line some hundred repairs are tried; the machines are those of the verdict."""
    made = []
    bind = Machine._bind
    monkeypatch.setattr(Machine, "_bind", lambda machine: (made.append(machine), bind(machine))[1])
    names = "; ".join(f"a{k} = x*{k + 2}" for k in range(30))
    text = "x = 1.7; y = 0.6\n{}\nq = x*y\nf = q*q\ndq = 2*q\ndx = {}*dq\ndy = x*dq"
    assert gradcli.check(text.format("", "y")).verdict == "pass"
    right = len(made)
    made.clear()
    case = gradcli.check(text.format("", "x")).cases[0]
    assert [line.mistake for line in case.lines if line.is_accused] == ["not-switched"]
    wrong = len(made)
    made.clear()
    gradcli.check(text.format(names, "x"), output="f")
    assert right <= 10
    assert wrong <= 24
    assert len(made) <= wrong
