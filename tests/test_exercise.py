"""Emitted backward passes, exercises, grades, and the pages on mistakes."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from conftest import run_apart

import gradcli
from gradcli.emit import backward_lines, forward_lines
from gradcli.errors import UsageError
from gradcli.gates.table import BUILT_IN
from gradcli.program.reader import read
from gradcli.reports.mistakes import MISTAKES
from gradcli.tasks.exercise import make_exercise

SAMPLES = Path(__file__).parent.parent / "sample_exprs"
POINTS = {"x": 0.7, "y": 0.4, "z": 0.9}


def exercise(text, mistakes=0, seed=0, **bindings):
    """An exercise from a text."""
    return make_exercise(read(text, settings=bindings), mistakes, seed)


# ---------------------------------------------------------------- the backward pass as code


@pytest.mark.parametrize("name", [g.name for g in BUILT_IN.elementwise if not g.hidden])
def test_every_gate_has_its_lines_or_says_how_to_get_them(name):
    gate = BUILT_IN[name]
    if gate.is_variadic:
        text = f"{name}(x, y, z) + x*y"
    elif name == "polygamma":
        text = "polygamma(2, x) + x*y"
    else:
        text = f"{name}({', '.join(['x', 'y', 'z'][: len(gate.operands)])}) + x*y"
    point = {**POINTS, **({"x": 2.3} if name in ("acosh", "polygamma") else {})}
    used = {n: v for n, v in point.items() if re.search(rf"\b{n}\b", text)}
    if name == "mish":  # its local gradient takes more than a line
        with pytest.raises(gradcli.GradcliError) as caught:
            exercise(text, **used)
        assert "--expand" in caught.value.hint
        return
    made = exercise(text, **used)
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


@pytest.mark.slow
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


def test_advice_names_no_option_that_exercise_does_not_have(gradcli):
    for words, said in (
        (["x*2", "x=[1,2]"], "the output has shape (2,), an exercise is about one number"),
        (["sum(x)", "x=ones(9000,9000)"], "take a smaller case of the same formulas"),
    ):
        done = gradcli("exercise", *words)
        assert done.code == 2
        assert said in done.err
        assert "--" not in done.err


# ---------------------------------------------------------------- grades


@pytest.mark.parametrize(("forward", "line", "verdict"), [
    ("x = -1\nf = log(x)", "dx = 17", "undefined"),
    ("x = 2\nf = log(x)", "dx = 0.5", None),
])  # fmt: skip
def test_a_line_without_a_verdict_is_not_right(gradcli, tmp_path, forward, line, verdict):
    (tmp_path / "a.grad").write_text(f"{forward}\n{line}\n")
    (answer,) = json.loads(gradcli("check", "a.grad", "--grade", "--json").out)["answers"]
    assert (answer["right"], answer["asked"]) == (int(verdict is None), 1)
    assert answer["undecided"] == ({"x": verdict} if verdict else {})
    table = gradcli("check", "a.grad", "--grade").out
    assert ("dx is undefined" in table) == (verdict is not None)


def test_a_folder_of_answers_is_graded_by_the_key(gradcli, tmp_path):
    made = gradcli("exercise", "x*y + sin(x)", "x=1.5", "y=2.5", "-o", "task.grad")
    assert (made.code, made.err) == (0, "")
    key = json.loads((tmp_path / ".task.grad.key").read_text())
    folder = tmp_path / "answers"
    folder.mkdir()
    (folder / "ann.grad").write_text(key["solution"])
    (folder / "ben.grad").write_text(key["solution"].replace("dx += ", "dx = "))
    (folder / "cas.grad").write_text((tmp_path / "task.grad").read_text())
    (folder / "dot.grad").write_text("x = 1.5; y = 2.5\nf = x*y\ndx = y; dy = x")
    (folder / "eve.grad").write_text(key["solution"] + "dx = (")
    done = gradcli("check", "answers", "--grade", "--key", ".task.grad.key", "--json")
    report = json.loads(done.out)
    assert done.code == 2  # eve's cannot be read
    ann, ben, cas, dot, eve = report["answers"]
    assert (ann["score"], ann["mistakes"], ann["missing"]) == (1.0, [], [])
    assert (ben["mistakes"], ben["asked"] - ben["right"]) == (["overwritten"], 1)
    assert (cas["right"], cas["missing"]) == (0, ["q1", "q2", "x", "y"])
    assert dot["problem"] == "the forward part is not the exercise's"
    assert "expected" in eve["problem"] or eve["problem"]
    assert report["mistakes"] == [{"mistake": "overwritten", "answers": 1, "lines": 1}]
    table = gradcli("check", "answers", "--grade").out
    assert "overwritten" in table
    assert "4 of 4" in table


HELPER = "x = 0.5; y = 2; z = 3\np = x*y\nf = z*z*exp(p)\ndz = 2*z*exp(p)\n"
HELPERS = [  # lines after these, how many gradients are right, mistakes by name
    ("e = z*z*exp(p); dx = y*e; dy = x*e", 3, []),
    ("e = 2*z*exp(p); dx = y*e; dy = x*e", 1, ["dropped-power"]),
    ("e = 2*z*exp(p); u = e*1; dx = y*u; dy = x*u", 1, ["dropped-power"]),
    ("e = 2*z*exp(p); dx = y*z*z*exp(p); e = z*z*exp(p); dy = x*e", 3, []),
]


@pytest.mark.parametrize(("lines", "right", "mistakes"), HELPERS)
def test_a_wrong_helper_is_a_mistake_in_each_gradient_that_is_made_of_it(
    gradcli, lines, right, mistakes
):
    Path("a.grad").write_text(f"{HELPER}{lines}\n")
    ended = gradcli("check", "a.grad", "--grade", "--json")
    (answer,) = json.loads(ended.out)["answers"]
    assert (ended.code, ended.err) == (1 if mistakes else 0, "")
    assert (answer["right"], answer["asked"], answer["problem"]) == (right, 3, None)
    assert answer["mistakes"] == mistakes


def test_answers_are_graded_at_the_point_the_command_line_gives(gradcli):
    Path("a.grad").write_text("q = x*y\nf = q*z\ndq = z; dz = q; dx = y*dq\n")
    point = ("x=2", "y=3", "z=4")
    assert "a.grad  3 of 4  no dy" in gradcli("check", "a.grad", *point, "--grade").out
    text = Path("a.grad").read_text()
    assert "<expression>  3 of 4  no dy" in gradcli("check", text, *point, "--grade").out


def test_answers_are_graded_for_the_output_the_command_line_names(gradcli):
    Path("a.grad").write_text("x = 2; y = 3; z = 4\nq = x*y\nf = q*z\ndx = y; dy = x\n")
    (answer,) = json.loads(gradcli("check", "a.grad", "--grade", "--json", "--output", "q").out)[
        "answers"
    ]
    assert (answer["right"], answer["asked"], answer["missing"]) == (2, 2, [])  # z is not in q


def test_what_was_not_checked_is_not_right(gradcli):
    Path("a.grad").write_text("x = 2; y = 3\nf = x*y\ndx = y\ndy = x\n")
    ended = gradcli("check", "a.grad", "--grade", "--json", "--check-budget", "0")
    (answer,) = json.loads(ended.out)["answers"]
    assert (answer["right"], answer["asked"]) == (0, 2)
    assert answer["undecided"] == {"x": "inconclusive", "y": "inconclusive"}


# ---------------------------------------------------------------- grades by the key


@pytest.fixture
def task(gradcli):
    """The solution of an exercise as a text; its key lies in the working folder."""
    gradcli("exercise", "x*y + sin(x)*c", "x=1.5", "y=2.5", "c=0.5", "-o", "task.grad")
    return json.loads(Path(".task.grad.key").read_text())["solution"]


@pytest.fixture
def graded(gradcli, task):
    """Grade an answer by the key: the grade, and the exit code."""

    def run(text, *words):
        Path("answer.grad").write_text(text)
        key = ("--grade", "--key", ".task.grad.key", "--json")
        ended = gradcli("check", "answer.grad", *key, *words)
        (answer,) = json.loads(ended.out)["answers"]
        return answer, ended.code

    return run


CHANGED = [  # an input of the exercise, and what an answer makes of it
    ("y = 2.5", "y = 1", ["y"]),
    ("c = 0.5", "c = log(-1)", ["c"]),
    ("c = 0.5", "c = [1, 2]", ["c"]),
    ("c = 0.5", "c = 1/2", []),
    ("c = 0.5", "", []),
]


@pytest.mark.parametrize(("own", "other", "names"), CHANGED)
def test_an_answer_with_other_inputs_is_told_and_held_to_those_of_the_key(
    graded, task, own, other, names
):
    text = task.replace(own, other)
    answer, code = graded(text)
    assert (answer["right"], answer["asked"], answer["changed"], code) == (6, 6, names, 0)
    wrong = text.replace("dx += y * dq1", "dx += dq1")  # right where y is 1
    assert wrong != text != task
    answer, code = graded(wrong)
    assert (answer["right"], answer["changed"], code) == (5, names, 1)


def test_the_table_says_which_inputs_an_answer_has_changed(gradcli, task):
    Path("a.grad").write_text(task.replace("y = 2.5", "y = 1"))
    Path("b.grad").write_text(task)
    words = ("check", ".", "--grade", "--key", ".task.grad.key")
    Path("task.grad").unlink()
    lines = gradcli(*words).out.splitlines()
    assert " ".join(lines[2].split()) == "./a.grad 6 of 6 y changed: graded at the exercise's"
    assert " ".join(lines[3].split()) == "./b.grad 6 of 6"
    assert run_apart(*words, "--jobs", 2).stdout.decode().splitlines() == lines


OTHERS = [
    ("f = q1 + q3", "f = q1 - q3", "the forward part is not the exercise's"),
    ("f = q1 + q3", "f = q1 + q3\ndf = 2", "`df` is 1 in the exercise"),
    ("f = q1 + q3", "f = q1 + q3\ng = f*2", "the forward part is not the exercise's"),
    ("c = 0.5", "c = 0.5*x", "`c` is a stage and cannot be given a value"),
]


@pytest.mark.parametrize(("own", "other", "problem"), OTHERS)
def test_an_answer_to_something_else_is_none(graded, task, own, other, problem):
    answer, _ = graded(task.replace(own, other))
    assert (answer["right"], answer["asked"], answer["problem"]) == (0, 6, problem)


def test_an_answer_cannot_choose_an_output_of_its_own(graded, task):
    answer, _ = graded(task.replace("# backward", "# gradcli: output q1\n# backward"))
    assert (answer["right"], answer["problem"]) == (6, None)
    answer, _ = graded(task.replace("f = q1 + q3", "f = q1 + q3\ndf = 1"))
    assert (answer["right"], answer["problem"]) == (6, None)


def test_the_command_line_wins_over_the_key(graded, task):
    answer, code = graded(task.replace("dx += y * dq1", "dx += dq1"), "y=1", "x=1.25")
    assert answer["changed"] == []
    assert (answer["right"], code) == (5, 1)  # a second point shows it, though not in which line
    assert answer["mistakes"] == ["unnamed"]


def test_a_key_is_for_grades_and_for_its_own_output(gradcli, task):
    Path("a.grad").write_text(task)
    for words, message in (
        (("--grade", "--output", "q1"), "the key is about `f`, not `q1`"),
        ((), "--key needs --grade"),
    ):
        ended = gradcli("check", "a.grad", "--key", ".task.grad.key", *words)
        assert (ended.code, ended.out) == (2, "")
        assert ended.err.startswith(f"error: {message}\n")


BAD_KEYS = ["x = 1", "{}", "[1]", '{"solution": 3}', '{"solution": "x = ("}', "[" * 100_000,
            '{"solution": "x = 1; f = x*x"}']  # fmt: skip


@pytest.mark.parametrize("text", BAD_KEYS, ids=lambda text: text[:30])
def test_what_is_no_key_is_refused(gradcli, task, text):
    Path("a.grad").write_text(task)
    Path("k").write_text(text)
    ended = gradcli("check", "a.grad", "--grade", "--key", "k")
    assert (ended.code, ended.out) == (2, "")
    assert ended.err.startswith("error: k is not a key file\n")


# ---------------------------------------------------------------- pages on mistakes


@pytest.mark.parametrize("name", MISTAKES)
def test_every_mistake_has_its_page(gradcli, name):
    done = gradcli("explain", "--mistake", name)
    row = MISTAKES[name]
    assert done.code == 0
    assert done.out.startswith(f"{name}: {row.title}\n")
    for text in (row.meaning, row.advice):
        assert text in done.out


def test_a_mistyped_mistake_gets_a_suggestion(gradcli):
    done = gradcli("explain", "--mistake", "overwriten")
    assert (done.code, done.out) == (2, "")
    assert "did you mean `overwritten`?" in done.err


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


def test_exercise_and_key_are_two_files(gradcli, tmp_path):
    done = gradcli("exercise", "x*y", "x=1", "y=2", "-o", "k.grad", "--key", "k.grad")
    assert done.code == 2
    assert "two results are to be written into k.grad" in done.err
    assert not (tmp_path / "k.grad").exists()
