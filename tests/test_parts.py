"""Large sums are checked input by input, each by the terms it is in."""

from __future__ import annotations

import math
from random import Random

import pytest

import gradcli
from gradcli.checker import parts
from gradcli.checker.cone import Cone
from gradcli.checker.evidence import PARTS, Evidence
from gradcli.checker.question import questions_of
from gradcli.checker.verdicts import check
from gradcli.evaluation.point import at, inputs_of
from gradcli.program.reader import read
from gradcli.requests import Request


def neighbours(size: int) -> tuple[str, dict[str, float]]:
    """f = sum of sin(x_i)*x_{i+1} + x_i*x_{i+1}**2 as a text of numbers, and its gradients."""
    rng = Random(size)
    x = [rng.uniform(-2, 2) for _ in range(size)]
    slopes = [0.0] * size
    lines = [f"x{k} = {value!r}" for k, value in enumerate(x)] + ["s0 = 0*x0"]
    for k in range(size - 1):
        a, b = x[k], x[k + 1]
        slopes[k] += math.cos(a) * b + b * b
        slopes[k + 1] += math.sin(a) + 2 * a * b
        lines.append(f"s{k + 1} = s{k} + sin(x{k})*x{k + 1} + x{k}*x{k + 1}**2")
    return "\n".join(lines), {f"x{k}": slope for k, slope in enumerate(slopes)}


@pytest.mark.parametrize("size", [10, 100, 700, pytest.param(10_000, marks=pytest.mark.slow)])
def test_an_error_of_a_thousandth_in_one_partial_is_seen_at_every_size(size):
    """With so many as 700 nothing was checked: it took more than the budget."""
    text, slopes = neighbours(size)
    name = f"x{size // 3}"
    case = gradcli.check(text, claims=slopes | {name: 1.001 * slopes[name]}).cases[0]
    assert [k for k, answer in case.inputs.items() if answer.verdict != "pass"] == [name]
    assert case.inputs[name].verdict == "fail"
    assert case.inputs[name].numeric == pytest.approx(slopes[name], rel=1e-9)


def test_all_inputs_of_a_large_sum_take_as_much_as_a_few_sweeps(monkeypatch):
    evaluated, evaluate = [], Cone.evaluate
    monkeypatch.setattr(
        Cone, "evaluate", lambda cone, x: evaluated.append(len(cone.gates)) or evaluate(cone, x)
    )
    text, slopes = neighbours(700)
    case = gradcli.check(text, claims=slopes).cases[0]
    assert case.verdict == "pass"
    assert len(case.inputs) == 700
    sweep = 2 * len(read(text).graph.gate_nodes())  # forwards and backwards
    assert 0 < sum(evaluated) <= 20 * sweep


def both_ways(text: str, values: dict[str, float], typed: dict[str, float]) -> list:
    """The verdicts on a program as a whole, and taken apart."""
    program = read(text, settings=values)
    point = at(program, inputs_of(program), Request())
    questions = questions_of(point, typed)
    whole = parts.Sum(program.graph, program.output)
    split = whole.split(questions, 14, math.inf)
    apart = Evidence(PARTS, None, (whole, split))
    return [check(point, questions, Request(), how).inputs for how in (Evidence("elements"), apart)]


SUMS = [
    "x*y - (y*z + x) + sin(z)",
    "-(x*y - z)/7*3",
    "a = x*y; b = a + z; f = b + a - b*b",
    "(x*y + x*y + x*y - z*z)*0.5",
    "x - x + y*z",
    "0*x + 2*y",
    "relu(x*y) + abs(z) + y",
    "exp(x) + log(y + 3) - sqrt(z*z + 1) + x",
    "a = x + y; b = a + a; c = b + b; f = c - z/(1/3)",
    "x*y*z",
    "floor(x) + y*z",
    "exp(800*x) + y*z - exp(y)",
]


@pytest.mark.parametrize("fewest", [1, 60])
@pytest.mark.parametrize("text", SUMS)
def test_verdicts_are_those_of_the_whole(text, fewest, monkeypatch):
    monkeypatch.setattr(parts, "ENOUGH", fewest)
    for values in ({"x": 0.3, "y": -1.7, "z": 0.9}, {"x": 0.0, "y": 1.0, "z": 0.0}):
        for typed in ({}, {"x": 1.0, "z": -3.0 / 7}):
            whole, apart = both_ways(text, values, typed)
            assert [*apart] == [*whole]
            for name, answer in whole.items():
                assert apart[name].verdict == answer.verdict
                assert apart[name].numeric == pytest.approx(answer.numeric, rel=1e-7, nan_ok=True)


def test_what_is_legal_alone_and_not_together_is_seen_across_parts(monkeypatch):
    monkeypatch.setattr(parts, "ENOUGH", 1)
    values = {"x": 1.0, "y": 1.0, "z": 3.0}
    for claims, verdict in (((1.0, 1.0), "fail"), ((1.0, 0.0), "kink"), ((0.3, 0.7), "kink")):
        typed = dict(zip("xy", claims, strict=True))
        for answers in both_ways("max(x, y) + z*z", values, typed):
            assert [answers[name].verdict for name in "xyz"] == [verdict, verdict, "pass"]


def test_formulas_of_a_backward_pass_are_read_in_their_part():
    """A formula that float64 spoils is not called wrong."""
    text = (
        "a = (x + 1e16) - 1e16; b = a**2; f = b + y*z; dx = 2*((x + 1e16) - 1e16); dy = z; dz = y"
    )
    for answers in both_ways(text, {"x": 0.3, "y": 2.0, "z": 5.0}, {}):
        assert answers["x"].verdict != "fail"
        assert [answers[name].verdict for name in "yz"] == ["pass", "pass"]


def test_what_is_no_sum_of_few_is_not_taken_apart():
    text = "f = (" + " + ".join(f"x{k}" for k in range(1200)) + ")**2"
    values = {f"x{k}": 1.0 for k in range(1200)}
    report = gradcli.check(text, values, budget=1e6)
    assert report.verdict == "inconclusive"
    assert any("--check-budget" in note for note in report.cases[0].notes)


def test_claims_that_differ_from_the_engine_are_checked_where_all_are_too_many():
    size = 700
    text = "f = (" + " + ".join(f"x{k}*x{k}" for k in range(size)) + ")**2"
    values = {f"x{k}": 1.0 for k in range(size)}
    claims = dict.fromkeys(values, 4.0 * size) | {"x7": 4.004 * size}
    case = gradcli.check(text, values, claims).cases[0]
    assert case.verdict == "fail"
    assert [name for name, answer in case.inputs.items() if answer.verdict == "fail"] == ["x7"]
    assert case.inputs["x8"].verdict == "inconclusive"
