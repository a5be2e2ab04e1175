"""At other points whole arrays settle what is right, and nothing else."""

import pytest

import gradcli
from gradcli.evaluation.point import as_numbers, inputs_of
from gradcli.program.reader import read
from gradcli.requests import Request
from gradcli.tasks import second_point
from gradcli.tasks.whole_points import WholePoints

LAYER = """X = [[0.5, -1.2], [2.0, 0.3], [-0.7, 1.1]]
W = [[0.4, -0.6], [1.5, 0.2]]
b = 0.3
z = relu(X @ W + b)
f = sum(z**2) / 2 + sum(z)
dz = z + 1
ds = dz * (z > 0)
dX = ds @ W.T
dW = X.T @ ds
db = sum(ds)
"""
WRONG = {
    "dX = ds @ W": ("dX = ds @ W.T", "dX = ds @ W"),
    "the mask is lost": ("ds = dz * (z > 0)", "ds = dz * (z > -1)"),
    "a stage's gradient": ("dz = z + 1", "dz = 1.0001 * (z + 1)"),
    "a number for a formula": ("db = sum(ds)", "db = 20.0"),
}


def whole_points(text):
    numbers = as_numbers(read(text))
    return WholePoints(numbers, Request()), inputs_of(numbers)


def test_right_lines_are_right_at_any_point():
    points, inputs = whole_points(LAYER)
    assert points.are_right(inputs)
    assert points.are_right([1.5 * x + 0.1 for x in inputs])


@pytest.mark.parametrize(("line", "wrong"), WRONG.values(), ids=WRONG)
def test_wrong_lines_are_not(line, wrong):
    points, inputs = whole_points(LAYER.replace(line, wrong))
    assert not points.are_right([1.5 * x + 0.1 for x in inputs])


@pytest.mark.parametrize("error", [2e-7, 9e-7, 2e-6])
def test_what_is_near_the_tolerance_is_left_to_numbers(error):
    points, inputs = whole_points(LAYER.replace("dz = z + 1", f"dz = {1 + error} * (z + 1)"))
    assert points.are_right(inputs) == (error < Request().tolerance / 2)


def test_a_point_outside_the_domain_is_left_to_numbers():
    points, _ = whole_points("x = [2, 3]\nf = sum(log(x))\ndx = 1 / x")
    assert points.are_right([2.5, 3.5])
    assert not points.are_right([-2.5, 3.5])


def test_right_programs_need_no_points_of_numbers(monkeypatch):
    outcomes = []
    whole = second_point.outcome_of
    monkeypatch.setattr(
        second_point, "outcome_of", lambda *a, **k: outcomes.append(1) or whole(*a, **k)
    )
    assert gradcli.check(LAYER).verdict == "pass"
    assert not outcomes


def test_a_mistake_that_the_point_hides_is_found_all_the_same():
    hidden = LAYER.replace("b = 0.3", "b = 9.0").replace("dz * (z > 0)", "dz")
    case = gradcli.check(hidden).cases[0]
    assert case.verdict == "fail"
    assert [line.name for line in case.lines if line.is_accused] == ["ds"]
