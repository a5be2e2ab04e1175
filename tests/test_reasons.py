"""A fail has a reason in words, and the words are true."""

import json
import math
import random
import re
from pathlib import Path

import pytest
from mutations import PROGRAMS, mutations

import gradcli
from gradcli.checker.reasons import mismatch

SAMPLES = sorted(Path(__file__).parent.parent.glob("sample_exprs/**/*.grad"))

NUMBER = r"(-?(?:\d[\d.]*(?:e[-+]?\d+)?|inf)|nan)"
MULTIPLE = re.compile(rf"is {NUMBER} times (?:the|what)")
PART = re.compile(rf"is off by {NUMBER} of its size")
OTHER = re.compile(rf"is {NUMBER}, (?:the \w+|what comes back) is {NUMBER}")
IS_ZERO = re.compile(r"is 0, (?:the \w+|what comes back) is not")


def is_true(reason, number, right):
    """Whether what a reason says of two numbers holds, to the digits that it has."""
    if found := MULTIPLE.search(reason):
        ratio = float(found[1])
        says_sign = "the sign is wrong" in reason
        return math.isclose(ratio, number / right, rel_tol=5.1e-4) and says_sign == (ratio < 0)
    if found := PART.search(reason):
        error = abs(number - right) / max(abs(number), abs(right))
        return math.isclose(float(found[1]), error, rel_tol=0.051)
    if IS_ZERO.search(reason):
        return number == 0 != right
    if found := OTHER.search(reason):
        pairs = zip(map(float, found.groups()), (number, right), strict=True)
        return all(math.isnan(a) == math.isnan(b) for a, b in pairs)
    return False


NUMBERS = [0.0, 1.0, -1.0, 3.0, 2.9, 3.000001, 3.1, -3.00002, 1e-300, -1e300, 5e-324, math.inf]


@pytest.mark.parametrize("right", NUMBERS)
@pytest.mark.parametrize("number", [*NUMBERS, math.nan])
def test_the_words_are_true(number, right):
    if number != right:
        assert is_true(mismatch(number, right), number, right), mismatch(number, right)


def fails(case):
    """(what, reason) of every fail of a case, as JSON has it."""
    for kind in ("inputs", "values", "lines"):
        entries = case[kind].values() if kind == "inputs" else case[kind]
        for entry in entries:
            if entry["verdict"] == "fail":
                yield entry, entry["reason"]


def cases(*arguments, **options):
    report = gradcli.check(*arguments, **options)
    return [json.loads(json.dumps(case.as_dict())) for case in report.cases]


def check_reasons(found):
    """Every fail has a reason."""
    count = 0
    for case in found:
        for entry, reason in fails(case):
            assert reason, entry
            count += 1
    return count


@pytest.mark.parametrize("path", SAMPLES, ids=lambda path: path.stem)
def test_the_fails_of_samples_have_reasons(path):
    count = check_reasons(cases(path.read_text()))
    assert count or "mistakes" not in path.parts


@pytest.mark.parametrize("program", PROGRAMS)
def test_the_fails_of_planted_mistakes_have_reasons(program):
    for mutation in [*mutations(program)][::7]:
        try:
            check_reasons(cases(mutation.text))
        except gradcli.GradcliError:
            continue


EXPRESSIONS = [
    ("x*y + sin(x)", ("x", "y")), ("exp(x)/y", ("x", "y")), ("1e-200*x**2*y", ("x", "y")),
    ("1e200*x*y", ("x", "y")), ("x + 0*y", ("x", "y")), ("sqrt(x)*y", ("x", "y")),
    ("abs(x - x)*y + x", ("x", "y")), ("relu(x - 1.25)", ("x",)), ("max(x, y)", ("x", "y")),
    ("cbrt(x - 1.25)", ("x",)),
]  # fmt: skip


@pytest.mark.parametrize(("text", "names"), EXPRESSIONS)
def test_wrong_claims_are_told_by_what_they_are_off(text, names):
    rng = random.Random(text)
    for _ in range(20):
        point = {name: rng.choice((1.25, 2.0, 0.7)) for name in names}
        right = gradcli.evaluate(text, point, check=False).gradients
        way = rng.choice([-1, 2, 0.5, 1.00001, 1.05, 0.999, -1.3, 1e6, 0, math.inf, math.nan, "+1"])
        claims = {n: g + 1 if way == "+1" else g * way for n, g in right.items()}
        (case,) = cases(text, point, claims)
        check_reasons([case])
        for name, entry in case["inputs"].items():
            if entry["verdict"] != "fail" or entry["kind"] in ("kink", "infinite"):
                continue
            if "swapped" in entry["reason"]:
                other = re.search(r"this is (\w+)'s", entry["reason"])[1]
                assert math.isclose(entry["claim"], right[other], rel_tol=1e-6)
            else:
                assert is_true(entry["reason"], claims[name], float(entry["numeric"])), entry


@pytest.mark.parametrize("size", [3, 60])
@pytest.mark.parametrize("line", [
    "2*w*1.00001", "-2*w", "4*w", "0*w", "2*w.T", "w*0/0", "2*w + 1e-3*(w > 0)",
])  # fmt: skip
def test_wrong_lines_of_arrays_have_reasons(size, line):
    text = f"w = randn({size}, {size})\nq = w + 0\nf = sum(q**2)\ndq = {line}\ndw = dq"
    assert check_reasons(cases(text)) >= 1
    assert check_reasons(cases(text.replace("dq = ", "dw = ").rpartition("\n")[0])) >= 1


@pytest.mark.parametrize(("text", "way"), [
    ("f = 3*x; f == {}", 2), ("f = 3*x; f == {}", 1.00001), ("q = [x, 3*x]; f = sum(q); q == [1, {}]", 5),
    ("f = 1/(x - 1); f == {}", 5), ("f = 3*x; f == {}", math.inf),
])  # fmt: skip
def test_wrong_values_are_told_by_what_they_are_off(text, way):
    (case,) = cases(text.format("inf" if way == math.inf else 3 * way), {"x": 1})
    ((entry, reason),) = fails({**case, "inputs": {}, "lines": []})
    assert is_true(reason, entry["claim"], entry["analytic"]), reason


def test_what_is_wrong_together_at_a_kink_has_a_reason():
    (case,) = cases("max(x, y)", {"x": 2, "y": 2}, {"x": 1, "y": 1})
    assert check_reasons([case]) == 2


def test_the_tolerance_may_be_finer_than_what_is_shown():
    (case,) = cases("f = 3*x; f == 3.00000000000001", {"x": 1}, tolerance=1e-15)
    assert "off by 3.4e-15 of its size" in case["values"][0]["reason"]


def test_grades_have_the_reasons_of_mistakes(tmp_path):
    import subprocess
    import sys

    (tmp_path / "a.grad").write_text(
        "x = 3; y = 2; q = x*y; f = q*q\ndq = 2.6*q; dx = y*dq; dy = x*dq"
    )
    command = [sys.executable, "-m", "gradcli", "check", "--grade", "--json", str(tmp_path)]
    run = subprocess.run(command, capture_output=True, text=True, check=False)
    (answer,) = json.loads(run.stdout)["answers"]
    assert len(answer["mistakes"]) == len(answer["reasons"]) == 1
    assert answer["reasons"][0]


@pytest.mark.parametrize("form", ["concise", "github", "junit", "sarif", "gitlab"])
def test_formats_for_continuous_integration_have_the_reason(form, tmp_path):
    import subprocess
    import sys

    file = tmp_path / "a.grad"
    file.write_text("w = randn(2, 2)\nf = sum(w**3)\ndw = 3*w**2*1.00002")
    command = [sys.executable, "-m", "gradcli", "check", "--format", form, str(file)]
    run = subprocess.run(command, capture_output=True, text=True, check=False)
    assert run.returncode == 1
    assert "1.00002 times the gradient" in run.stdout or "off by 2e-05" in run.stdout
