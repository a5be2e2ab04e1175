"""Hostile inputs, a line each: nothing crashes, hangs, leaks, or is answered with a wrong exit code."""

import json
from pathlib import Path
from random import Random

import pytest

from tests.fuzz import seeds
from tests.fuzz.case import input_of
from tests.fuzz.differences import differences
from tests.fuzz.judge import findings
from tests.fuzz.lines import any_input
from tests.hunt import trees

LINES = (Path(__file__).parent / "hostile" / "cases.jsonl").read_text(encoding="utf-8").splitlines()
CASES = [json.loads(line) for line in LINES]
CLASSES = sorted({case["class"] for case in CASES})
QUICK = ("bindings", "code", "parse")  # the others take seconds to minutes


def _found(case):
    """What is wrong with how a case ends."""
    return [*findings(input_of(case), case["exit"], case.get("lacks"))]


@pytest.mark.parametrize(
    "kind",
    [kind if kind in QUICK else pytest.param(kind, marks=pytest.mark.slow) for kind in CLASSES],
)
def test_hostile_inputs_end_as_they_must(kind):
    found = {
        json.dumps(case["words"]): wrong
        for case in CASES if case["class"] == kind and (wrong := _found(case))
    }  # fmt: skip
    assert found == {}


def test_there_are_many_of_all_classes():
    assert len(CASES) >= 600
    assert all(sum(case["class"] == kind for case in CASES) >= 15 for kind in CLASSES)


def test_there_is_something_of_every_kind_to_change():
    kinds = (seeds.programs, seeds.scripts, seeds.gate_files, seeds.lines)
    assert all(len(kind()) >= 20 for kind in kinds)


def test_a_few_random_command_lines_end_as_all_do():
    found = {}
    for number in range(60):
        case = any_input(Random(number))
        if wrong := [*findings(case)]:
            found[json.dumps(case.words)] = wrong
    assert found == {}


def test_expressions_have_one_answer_however_they_are_asked():
    for number in range(5):
        tree, point = trees.random_case(Random(number))
        assert [*differences(tree, point, number)] == []
