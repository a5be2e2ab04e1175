"""The sample programs: their known numbers, their verdicts, and that they read without a word."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import gradcli
from gradcli.arithmetic.digits import digits
from gradcli.engine import Machine, backward
from gradcli.evaluation.point import as_numbers, inputs_of
from gradcli.program.reader import read

FOLDER = Path(__file__).parent.parent / "sample_exprs"
KNOWN = re.compile(r"^# known: (\S+) (\S+)$", re.MULTILINE)
EVERY_SAMPLE = pytest.mark.parametrize(
    "path", [pytest.param(path, id=path.stem) for path in sorted(FOLDER.glob("*.grad"))]
)

# The known numbers are true values, rounded to the nearest double. A float64 pass rounds once a
# gate; none of these programs has more than 30 gates, and the worst (black_scholes) subtracts two
# numbers five times the result.
ULPS = 32
UNIT = 2.0**-53


def known(path):
    """The numbers a sample claims: of the value and of each input."""
    return {name: float(number) for name, number in KNOWN.findall(path.read_text("utf-8"))}


def leaves(name, number):
    """(name, number) of each element: `w[0]`, `w[1]`, ..."""
    if isinstance(number, list):
        return [pair for k, part in enumerate(number) for pair in leaves(f"{name}[{k}]", part)]
    return [(name, number)]


def test_there_are_samples():
    assert len(list(FOLDER.glob("*.grad"))) >= 15


@EVERY_SAMPLE
def test_the_known_numbers_are_all_there_and_right(path):
    report = gradcli.evaluate(path.read_text("utf-8"), name=path.name)
    found = {"value": report.value}
    for name, gradient in report.gradients.items():
        found.update(leaves(name, gradient))
    expected = known(path)
    assert found.keys() == expected.keys()
    for name, number in expected.items():
        assert abs(found[name] - number) <= ULPS * UNIT * abs(number), name


@EVERY_SAMPLE
def test_the_known_numbers_are_the_nearest_doubles(path):
    """By the same program in 50 digits."""
    program = read(path.read_text("utf-8"))
    many = digits(50)
    program = as_numbers(program)
    inputs = [many.number(x) for x in inputs_of(program)]
    run = Machine(program.graph, many).run(inputs)
    backward(run, program.output, many.number(1.0))
    found = {"value": float(run.values[program.output])}
    found |= {n: float(run.gradients[leaf]) for n, leaf in program.graph.inputs.items()}
    assert found == known(path)


@EVERY_SAMPLE
def test_every_gradient_passes_and_nothing_is_warned_of(path):
    report = gradcli.evaluate(path.read_text("utf-8"))
    assert {found.verdict for found in report.check.inputs.values()} <= {"pass", "kink"}
    assert report.warnings == report.notes == []
    assert report.finite


@EVERY_SAMPLE
def test_every_sample_explains_itself(path):
    lines = path.read_text("utf-8").splitlines()
    assert lines[0].startswith("# ")
    assert all(len(line) <= 100 for line in lines)


def test_two_forms_of_the_neuron_have_the_same_gradients():
    composed, decomposed = (
        gradcli.evaluate((FOLDER / f"neuron_{form}.grad").read_text("utf-8"))
        for form in ("sigmoid", "decomposed")
    )
    assert composed.value == decomposed.value
    for name in ("w", "x"):
        assert composed.gradients[name] == pytest.approx(decomposed.gradients[name], rel=4 * UNIT)
    assert len(composed.stages) < len(decomposed.stages)
