"""Emitted backward passes, exercises, grades, and the pages on mistakes."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

import gradcli
from gradcli.emit import backward_lines, forward_lines
from gradcli.errors import UsageError
from gradcli.gates.table import ELEMENTWISE, GATES
from gradcli.program.reader import read
from gradcli.reports.mistakes import MISTAKES
from gradcli.tasks.exercise import make_exercise

SAMPLES = Path(__file__).parent.parent / "sample_exprs"
POINTS = {"x": 0.7, "y": 0.4, "z": 0.9}


def run(*words, cwd):
    """The command line in a process of its own."""
    return subprocess.run(
        [sys.executable, "-m", "gradcli", *map(str, words)],
        capture_output=True,
        text=True,
        cwd=cwd,
        check=False,
    )


def exercise(text, mistakes=0, seed=0, **bindings):
    """An exercise from a text."""
    return make_exercise(read(text, settings=bindings), mistakes, seed)


# ---------------------------------------------------------------- the backward pass as code


@pytest.mark.parametrize("name", [g.name for g in ELEMENTWISE.values() if not g.hidden])
def test_every_gate_has_its_lines_or_says_how_to_get_them(name):
    gate = GATES[name]
    if gate.is_variadic:
        text = f"{name}(x, y, z) + x*y"
    elif name == "polygamma":
        text = "polygamma(2, x) + x*y"
    else:
        text = f"{name}({', '.join(['x', 'y', 'z'][: len(gate.operands)])}) + x*y"
    point = {**POINTS, **({"x": 2.3} if name in ("acosh", "polygamma") else {})}
    if name in ("copy", "scale") or name in ("lt", "le", "gt", "ge", "eq", "ne", "where"):
        pytest.skip("written with a sign of its own")
    used = {n: v for n, v in point.items() if re.search(rf"\b{n}\b", text)}
    try:
        made = exercise(text, **used)
    except gradcli.GradcliError as error:
        assert "--expand" in (error.hint or "") or "unknown function" in error.message, error
        return
    solution = gradcli.check(made.solution)
    assert solution.verdict == "pass"
    assert all(line.verdict == "pass" for line in solution.cases[0].lines)


@pytest.mark.parametrize("path", sorted(SAMPLES.glob("*.grad")), ids=lambda path: path.stem)
def test_the_samples_are_written_back_with_the_same_gradients(path):
    program = read(path.read_text("utf-8"), path.name)
    text = path.read_text("utf-8")
    made = make_exercise(program, 0, 0)
    before, after = gradcli.evaluate(text), gradcli.evaluate(made.solution)
    assert after.value == pytest.approx(before.value, rel=1e-13)
    claims = {name: check.claim for name, check in after.check.inputs.items()}
    for name, check in before.check.inputs.items():
        if check.analytic or claims.get(name):
            assert claims[name] == pytest.approx(check.analytic, rel=1e-11, abs=0)


def test_the_first_circuit_as_it_stands_in_the_lecture():
    program = read("(x+y)*z", settings={"x": -2, "y": 5, "z": -4})
    assert forward_lines(program) == ["q1 = x + y", "f = q1 * z"]
    assert [*map(str, backward_lines(program))] == ["dq1 = z", "dz = q1", "dx = dq1", "dy = dq1"]


# ---------------------------------------------------------------- exercises


def test_a_blank_exercise_asks_for_every_line():
    made = exercise("(x+y)*z", x=-2, y=5, z=-4)
    assert re.findall("^# (d.*)$", made.text, re.MULTILINE) == ["dq1 =", "dz =", "dx =", "dy ="]
    assert made.mistakes == {}


@pytest.mark.parametrize("seed", range(6))
def test_planted_mistakes_are_found_where_and_as_what_the_key_says(seed):
    made = exercise("sigmoid(w*x + b)**2 * tanh(x)", 3, seed, w=2, x=-1.5, b=0.5)
    assert len(made.mistakes) == 3
    lines = gradcli.check(made.text).cases[0].lines
    assert {line.line: line.mistake for line in lines if line.is_accused} == made.mistakes
    assert gradcli.check(made.solution).verdict == "pass"


def test_the_same_seed_gives_the_same_exercise():
    first, again, other = (exercise("x*y + sin(x)", 2, seed, x=1.5, y=2.5) for seed in (1, 1, 2))
    assert first == again
    assert first.text != other.text


def test_what_cannot_be_an_exercise_is_refused():
    with pytest.raises(UsageError, match="can hold a mistake"):
        exercise("x*y", 9, x=2, y=3)
    with pytest.raises(UsageError, match="is kink at this point"):
        exercise("relu(x)*y", x=0, y=3)


def test_advice_names_no_option_that_exercise_does_not_have(tmp_path):
    for words, said in (
        (["x*2", "x=[1,2]"], "the output has shape (2,), an exercise is about one number"),
        (["sum(x)", "x=ones(9000,9000)"], "take a smaller case of the same formulas"),
    ):
        done = run("exercise", *words, cwd=tmp_path)
        assert done.returncode == 2
        assert said in done.stderr
        assert "--" not in done.stderr


# ---------------------------------------------------------------- grades


@pytest.mark.parametrize(("forward", "line", "verdict"), [
    ("x = -1\nf = log(x)", "dx = 17", "undefined"),
    ("x = 2\nf = log(x)", "dx = 0.5", None),
])  # fmt: skip
def test_a_line_without_a_verdict_is_not_right(tmp_path, forward, line, verdict):
    (tmp_path / "a.grad").write_text(f"{forward}\n{line}\n")
    (answer,) = json.loads(run("check", "a.grad", "--grade", "--json", cwd=tmp_path).stdout)[
        "answers"
    ]
    assert (answer["right"], answer["asked"]) == (int(verdict is None), 1)
    assert answer["undecided"] == ({"x": verdict} if verdict else {})
    table = run("check", "a.grad", "--grade", cwd=tmp_path).stdout
    assert ("dx is undefined" in table) == (verdict is not None)


def test_a_folder_of_answers_is_graded_by_the_key(tmp_path):
    made = run("exercise", "x*y + sin(x)", "x=1.5", "y=2.5", "-o", "task.grad", cwd=tmp_path)
    assert (made.returncode, made.stderr) == (0, "")
    key = json.loads((tmp_path / ".task.grad.key").read_text())
    folder = tmp_path / "answers"
    folder.mkdir()
    (folder / "ann.grad").write_text(key["solution"])
    (folder / "ben.grad").write_text(key["solution"].replace("dx += ", "dx = "))
    (folder / "cas.grad").write_text((tmp_path / "task.grad").read_text())
    (folder / "dot.grad").write_text("x = 1.5; y = 2.5\nf = x*y\ndx = y; dy = x")
    (folder / "eve.grad").write_text(key["solution"] + "dx = (")
    done = run("check", "answers", "--grade", "--key", ".task.grad.key", "--json", cwd=tmp_path)
    report = json.loads(done.stdout)
    assert done.returncode == 2  # eve's cannot be read
    ann, ben, cas, dot, eve = report["answers"]
    assert (ann["score"], ann["mistakes"], ann["missing"]) == (1.0, [], [])
    assert (ben["mistakes"], ben["asked"] - ben["right"]) == (["overwritten"], 1)
    assert (cas["right"], cas["missing"]) == (0, ["q1", "q2", "x", "y"])
    assert dot["problem"] == "the forward part is not the exercise's"
    assert "expected" in eve["problem"] or eve["problem"]
    assert report["mistakes"] == [{"mistake": "overwritten", "answers": 1, "lines": 1}]
    table = run("check", "answers", "--grade", cwd=tmp_path).stdout
    assert "overwritten" in table
    assert "4 of 4" in table


def test_a_key_that_is_none_is_refused(tmp_path):
    (tmp_path / "a.grad").write_text("x = 1\nf = x*x\ndx = 2*x")
    done = run("check", "a.grad", "--grade", "--key", "a.grad", cwd=tmp_path)
    assert done.returncode == 2
    assert "is not a key file" in done.stderr


# ---------------------------------------------------------------- pages on mistakes


@pytest.mark.parametrize("name", MISTAKES)
def test_every_mistake_has_its_page(name, tmp_path):
    done = run("explain", "--mistake", name, cwd=tmp_path)
    row = MISTAKES[name]
    assert done.returncode == 0
    assert done.stdout.startswith(f"{name}: {row.title}\n")
    for text in (row.meaning, row.advice):
        assert text in done.stdout


def test_a_mistyped_mistake_gets_a_suggestion(tmp_path):
    done = run("explain", "--mistake", "overwriten", cwd=tmp_path)
    assert (done.returncode, done.stdout) == (2, "")
    assert "did you mean `overwritten`?" in done.stderr


WRONG = {
    "overwritten": (24, "overwritten"), "sign": (17, "sign"), "dropped_factor": (20, "dropped-factor"),
    "wrong_cache": (23, "wrong-cache"), "dropped_one_minus": (10, "dropped-one-minus"),
    "not_switched": (7, "not-switched"), "lost_mean": (15, "missing-mean"),
    "targets_sign": (14, "sign"), "batch_norm_overwritten": (23, "overwritten"),
    "lstm_wrong_cache": (27, "wrong-cache"), "attention_transposed": (18, "transposed"),
}  # fmt: skip


@pytest.mark.parametrize(
    "path", sorted((SAMPLES / "mistakes").glob("*.grad")), ids=lambda p: p.stem
)
def test_the_wrong_samples_are_wrong_where_they_say(path):
    lines = gradcli.check(path.read_text("utf-8")).cases[0].lines
    assert [(x.line, x.mistake) for x in lines if x.is_accused] == [WRONG[path.stem]]
