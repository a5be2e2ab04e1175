"""Grades: answers to exercises, judged line by line."""

from __future__ import annotations

import csv
import io
import json
import re
from pathlib import Path

import pytest
from conftest import run_apart
from test_exercise import SAMPLES

from gradcli.errors import UsageError
from gradcli.program.reader import read
from gradcli.tasks import planting
from gradcli.tasks.exercise import Plan, make_exercises

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
    (folder / "eve.grad").write_text("f = (")
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
    Path("task.grad").write_text(task)
    ended = gradcli("check", "a.grad", "--grade", "--key", "task.grad")
    assert "that of task.grad is .task.grad.key" in ended.err


# ---------------------------------------------------------------- credit by line

STAGED = (SAMPLES / "staged_by_hand.grad").read_text("utf-8")
BROKEN_ANSWERS = [  # in the place of the line of dden: right lines, what is said
    ("dden =", 8, "no dden"), ("dden =  # I do not know", 8, "no dden"), ("", 8, "no dden"),
    ("dden = (-1.0 den**2) * dinvden", 8, "unreadable"), ("dden = (-1.0 / dn**2) * dinvden", 8, "unreadable"),
    ("dden = ((-1.0 / den**2) * dinvden", 8, "unreadable"), ("dden = [1, 2]", 8, "unnamed"),
    ("dden = (-1.0 / den) * dinvden", 8, "dropped-power"), ("dden := 3", 8, "unreadable"),
    ("I do not know this one", 8, "unreadable, no dden"), ("dden = 0.5", 8, "unnamed"),
]  # fmt: skip


@pytest.mark.parametrize(("line", "right", "said"), BROKEN_ANSWERS)
def test_one_broken_line_costs_one_line(gradcli, line, right, said):
    Path("a.grad").write_text(STAGED.replace("dden = (-1.0 / den**2) * dinvden", line))
    (row,) = csv.DictReader(
        io.StringIO(gradcli("check", "a.grad", "--grade", "--format", "csv").out)
    )
    assert (row["right"], row["asked"]) == (str(right), "9")
    assert said in gradcli("check", "a.grad", "--grade").out


NEURON = """w = [2, -3]; x = [-1, 0.5]
q = w[0]*x[0] + w[1]*x[1]
f = q**2
dq = 2*q
dw = [x[0]*dq, x[1]*dq]
"""


def test_an_answer_in_numbers_is_one_to_the_exercise(gradcli):
    """Its constants are not a part of the circuit, whether there are arrays or not."""
    Path("task.grad").write_text(NEURON)
    gradcli("exercise", "--file", "task.grad", "-o", "hw.grad")
    head = NEURON.partition("dq")[0]
    Path("a.grad").write_text(f"{head}dq = -7\ndw = [7, -3.5]\n")
    Path("b.grad").write_text(f"{head}dq = -7.1\ndw = [7, -3.5]\n")
    out = gradcli("check", "a.grad", "b.grad", "--grade", "--key", ".hw.grad.key").out
    assert [line.split()[1:4] for line in out.splitlines()[2:4]] == [
        ["2", "of", "2"],
        ["1", "of", "2"],
    ]


@pytest.mark.parametrize("text", ["", "\n \n", "# nothing yet\n"])
def test_an_answer_with_nothing_in_it_says_so(gradcli, text):
    Path("task.grad").write_text(NEURON)
    gradcli("exercise", "--file", "task.grad", "-o", "hw.grad")
    Path("a.grad").write_text(text)
    result = gradcli("check", "a.grad", "--grade", "--key", ".hw.grad.key")
    assert "0 of 2  nothing is written in it" in result.out


def test_answers_in_python_files_are_graded(gradcli):
    Path("answers").mkdir()
    Path("answers/ann.py").write_text(f"import math\n{STAGED}")
    Path("answers/ben.grad").write_text(STAGED)
    out = gradcli("check", "answers", "--grade").out
    assert out.count("9 of 9") == 2


def test_marks_are_written_in_every_format_with_a_sheet_for_each(gradcli):
    Path("a.grad").write_text(STAGED.replace("(-1.0 / den**2)", "(1.0 / den**2)"))
    for suffix, start in (
        (".csv", "answer,"),
        (".md", "| answer"),
        (".html", "<!doctype"),
        (".json", "{"),
    ):
        gradcli(
            "check",
            "a.grad",
            "--grade",
            "-o",
            f"marks{suffix}",
            "--sheets",
            "sheets",
            "--junit",
            "j.xml",
        )
        assert Path(f"marks{suffix}").read_text().startswith(start)
    sheet = Path("sheets/a.grad.md").read_text()
    assert "8 of 9 right" in sheet
    assert re.search(r"^fail +18  dden = \(1.0 / den\*\*2\) \* dinvden$", sheet, re.MULTILINE)
    assert "## sign: a wrong sign" in sheet
    assert Path("j.xml").read_text().startswith("<?xml")
    assert "--sheets needs --grade" in gradcli("check", "a.grad", "--sheets", "s").err


# ---------------------------------------------------------------- rounded answers

ROUNDED = """w = [2, -3, -3]; x = [-1, -2]
dot = w[0]*x[0] + w[1]*x[1] + w[2]
f = 1.0 / (1 + math.exp(-dot))
ddot = 0.20
dw = [-0.20, -0.39, 0.20]
dx = [w[0] * ddot, w[1] * ddot]
f == 0.73
"""


def test_numbers_that_are_right_to_the_digits_written_are_told_and_accepted(gradcli):
    Path("a.grad").write_text(ROUNDED)
    ended = gradcli("check", "a.grad")
    assert ended.code == 1
    assert ended.out.count("right to the digits written; --digits-written accepts that") == 2
    assert gradcli("check", "a.grad", "--digits-written").code == 0
    Path("a.grad").write_text(ROUNDED.replace("-0.39", "-0.38"))
    ended = gradcli("check", "a.grad", "--digits-written")
    assert ended.code == 1
    assert "w[1]" in ended.out


@pytest.mark.parametrize(("claim", "code"), [
    ("0.3", 0), ("(0.3)", 0), ("-(-0.3)", 0), ("3e-1", 0), ("0.31", 1), ("0*12", 1), ("1-1", 1),
    ("sin(0)", 1),
])  # fmt: skip
def test_a_formula_is_written_with_no_digits(gradcli, claim, code):
    assert (
        gradcli("check", "x*0.2987", "x=1", "--claim", f"x={claim}", "--digits-written").code
        == code
    )


@pytest.mark.parametrize("claim", ["zeros(5)", "0.2*ones(5)", "1e-1*ones(5)"])
def test_an_array_that_is_computed_is_written_with_no_digits(gradcli, claim):
    words = ("check", "sum(w*w)*0.1", "w=randn(5)", "--claim", f"w={claim}")
    assert gradcli(*words, "--digits-written").code == 1
    large = gradcli("check", "sum(w)*0.1", "w=randn(40, 40)", "--claim", "w=0.2*ones(40, 40)")
    assert "digits" not in large.out


def test_a_claim_of_the_command_line_has_digits_too(gradcli):
    words = ("check", "x*y", "x=1.234", "y=2.345", "--claim")
    assert "right to the digits written" in gradcli(*words, "x=2.3").out
    assert gradcli(*words, "x=2.3", "--digits-written").code == 0
    assert gradcli(*words, "x=2.30", "--digits-written").code == 1


def test_more_mistakes_than_lines_are_refused_at_once(monkeypatch):
    monkeypatch.setattr(planting, "_attempt", None)
    program = read("x*y", "<test>", [("x", 2.0), ("y", 3.0)])
    with pytest.raises(UsageError, match="can hold a mistake, not 99"):
        next(make_exercises(program, Plan(mistakes=99)))


# ---------------------------------------------------------------- answers as they come

HANDED_IN = """x = 3; y = -4

dot = x*y
s = sigmoid(
    dot)
q = s + x
f = q*dot

dq = dot
ddot = q
ds = dq
ddot += s*(1 - s)*ds
dx = dq
dx += y*ddot
dy = x*ddot
"""
ASKED = 5  # dq, ddot, ds, dx, dy
COMING = {
    "as it should be": (lambda t: t, 5, []),
    "a name above it": (lambda t: "Name: Ann Lee, group 3\n" + t, 5, ["unreadable"]),
    "a sentence in it": (lambda t: t.replace("ds =", "this was hard for me\nds ="), 5, ["unreadable"]),
    "a forward line": (lambda t: t.replace("s + x", "s +* x"), 5, ["unreadable"]),
    "a forward line over two rows": (lambda t: t.replace("sigmoid(\n    dot)", "sigmoid((\n dot)"), 5,
                                     2 * ["unreadable"]),
    "no forward part": (lambda t: t[t.index("dq ="):], 5, []),
    "no forward part, a comment": (lambda t: "# ann\n" + t[t.index("dq ="):], 5, []),
    "no forward part, one wrong": (lambda t: t[t.index("dq ="):].replace("x*ddot", "-x*ddot"), 4,
                                   ["sign"]),
    "a contribution": (lambda t: t.replace("dx += y*ddot", "dx += y*(ddot"), 4, ["unreadable"]),
    "another contribution": (lambda t: t.replace("dx = dq", "dx = dq +"), 4, ["unreadable"]),
    "a contribution to a stage": (lambda t: t.replace("*ds\n", "*\n"), 4, ["unreadable"]),
    "and one that is wrong": (
        lambda t: t.replace("dx += y*ddot", "dx += y*(ddot").replace("x*ddot", "-x*ddot"), 3,
        ["sign", "unreadable"]),
    "behind prompts": (
        lambda t: "".join(f"{'... ' if line.startswith(' ') else '>>> '}{line}\n" for line in t.splitlines()),
        5, []),
    "behind line numbers": (
        lambda t: "".join(f"{k} {line}\n" for k, line in enumerate(t.splitlines(), 1)), 5, []),
    "a comment in latin-1": (lambda t: t + "# erg\xe4nzt\n", 5, []),
}  # fmt: skip


@pytest.mark.parametrize(("change", "right", "mistakes"), COMING.values(), ids=COMING)
def test_marks_are_those_a_teacher_would_give(gradcli, change, right, mistakes):
    Path("solution.grad").write_text(HANDED_IN)
    assert gradcli("exercise", "--file", "solution.grad", "-o", "task.grad").code == 0
    Path("ann.grad").write_bytes(change(HANDED_IN).encode("latin-1"))
    done = gradcli("check", "ann.grad", "--grade", "--key", ".task.grad.key", "--json")
    (answer,) = json.loads(done.out)["answers"]
    assert (answer["right"], answer["asked"]) == (right, ASKED)
    assert sorted(answer["mistakes"]) == mistakes


def test_two_answers_have_two_sheets_whatever_their_names_are(gradcli):
    Path("d").mkdir()
    for name, slope in (("d/a.grad", 5), ("d-a.grad", 6)):
        Path(name).write_text(f"x = 3\nf = x*x\ndx = {slope}\n")
    gradcli("check", "d/a.grad", "d-a.grad", "--grade", "--sheets", "s")
    sheets = [path.read_text() for path in sorted(Path("s").iterdir())]
    assert [f"dx = {slope}" in sheet for sheet in sheets for slope in (5, 6)].count(True) == 2
    assert len(sheets) == 2
