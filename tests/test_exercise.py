"""Emitted backward passes, exercises, and the pages on mistakes."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

import gradcli
from gradcli.emit import backward_lines, forward_lines
from gradcli.errors import UsageError
from gradcli.gates.table import BUILT_IN
from gradcli.program.reader import read
from gradcli.reports.mistakes import MISTAKES
from gradcli.tasks.exercise import Plan, make_exercises

SAMPLES = Path(__file__).parent.parent / "sample_exprs"
POINTS = {"x": 0.7, "y": 0.4, "z": 0.9}


def exercise(text, mistakes=0, seed=0, **bindings):
    """An exercise from a text."""
    return one(read(text, settings=bindings), mistakes, seed)


def one(program, mistakes=0, seed=0):
    (made,) = make_exercises(program, Plan(mistakes, (), seed))
    return made


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
    made = one(program)
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
    done = gradcli("exercise", "sum(x)", "x=ones(9000,9000)")
    assert done.code == 2
    assert "take a smaller case of the same formulas" in done.err
    assert "--" not in done.err


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


# ---------------------------------------------------------------- stages, kinds, variants, pages


def test_an_exercise_keeps_its_authors_stages():
    made = one(read((SAMPLES / "staged.grad").read_text("utf-8")))
    stages = re.findall(r"^(\w+) = ", "\n".join(made.head), re.MULTILINE)
    assert stages == ["x", "y", "sigy", "num", "sigx", "xpy", "xpysqr", "den", "invden", "f"]
    assert "dx += ((1 - sigx) * sigx) * dsigx" in made.solution
    assert gradcli.check(made.solution).verdict == "pass"


def test_an_exercise_keeps_arrays_and_the_lines_of_a_right_backward_pass():
    text = (SAMPLES / "softmax_batch.grad").read_text("utf-8")
    made = one(read(text))
    assert "z = X @ W" in made.text
    assert made.rows == ["# dlogp =", "# dz =", "# dW =", "# dX =", "# dt ="]
    made = one(
        read("p = softmax(W @ x); f = sum(p**2)", settings={"W": "randn(2, 3)", "x": [1, 2, 3]})
    )
    assert [row.split()[1] for row in made.rows] == ["dp", "dW", "dx"]
    assert gradcli.check(made.solution).verdict == "pass"


@pytest.mark.parametrize(("mistakes", "said"), [
    (0, "# backward pass: write these 4 lines"), (1, "# backward pass: 1 of these 4 lines is wrong"),
    (2, "# backward pass: 2 of these 4 lines are wrong"),
])  # fmt: skip
def test_an_exercise_says_how_many_lines_are_wrong(mistakes, said):
    assert said in exercise("(x+y)*z", mistakes, x=-2, y=5, z=-4).head


def test_mistakes_of_a_kind_are_planted(gradcli):
    ended = gradcli(
        "exercise",
        "x*y + sin(x)",
        "x=1.5",
        "y=2.5",
        "--mistakes",
        "overwritten,sign",
        "-o",
        "t.grad",
    )
    assert ended.code == 0
    key = json.loads(Path(".t.grad.key").read_text())
    assert sorted(row["mistake"] for row in key["mistakes"]) == ["overwritten", "sign"]
    assert (
        "`sgn` is not the name of a mistake"
        in gradcli("exercise", "x*y", "x=1", "y=2", "--mistakes", "sgn").err
    )
    assert "transposed" in gradcli("exercise", "x*y", "x=1", "y=2", "--mistakes", "transposed").err
    ended = gradcli("exercise", "x*y", "x=1", "y=2", "--mistakes", "-1")
    assert ended.err == "error: -1 mistakes cannot be planted\n  help: write --mistakes 2\n"


def test_variants_differ_in_values_and_each_has_its_key(gradcli):
    assert (
        gradcli(
            "exercise", "(x+y)*z", "x=-2", "y=5", "z=-4", "--variants", "3", "-o", "t.grad"
        ).code
        == 0
    )
    texts = [Path(f"t-{k}.grad").read_text() for k in (1, 2, 3)]
    assert len({*texts}) == 3
    for k, text in enumerate(texts, start=1):
        solution = json.loads(Path(f".t-{k}.grad.key").read_text())["solution"]
        assert solution.startswith(text.partition("\n\n")[0])
        assert gradcli("check", "--expr", solution).code == 0
    assert (
        "--variants writes files" in gradcli("exercise", "x*y", "x=1", "y=2", "--variants", "3").err
    )


def test_pages_to_hand_out(gradcli):
    words = ("exercise", "(x+y)*z", "x=-2", "y=5", "z=-4")
    markdown = gradcli(*words, "--format", "markdown").out
    assert "dq1 = ____" in markdown
    assert markdown.startswith("# Exercise")
    latex = gradcli(*words, "--format", "latex").out
    assert latex.count("\\begin{") == latex.count("\\end{") == 2
    gradcli(*words, "-o", "t.html")
    assert "<pre>x = -2" in Path("t.html").read_text()


# ---------------------------------------------------------------- what comes back to the output

PRODUCT = """
W = [[1, 2], [3, 4], [0, 1]]
x = [1, -1]
D = W.dot(x)
dD = [0.3, -1.2, 0.7]
dW = np.outer(dD, x)
dx = W.T.dot(dD)
""".lstrip()


@pytest.mark.parametrize(
    ("program", "given", "blanks"),
    [
        (PRODUCT, "dD = [0.3, -1.2, 0.7]", ["# dW =", "# dx ="]),
        ("x = 2; y = 3\nf = x*y\ndf = 2\ndx = y*df\ndy = x*df\n", "df = 2", ["# dx =", "# dy ="]),
    ],
)
def test_an_upstream_gradient_of_the_programs_own_is_given(gradcli, program, given, blanks):
    Path("own.grad").write_text(program)
    lines = gradcli("exercise", "--file", "own.grad").out.splitlines()
    assert given in lines
    assert [line for line in lines if line.endswith("=")] == blanks
    gradcli("exercise", "--file", "own.grad", "--mistakes", "1", "-o", "task.grad")
    assert given in Path("task.grad").read_text()


def test_an_output_that_is_an_array_gets_an_upstream_gradient(gradcli):
    words = ("exercise", "softmax(W@x)", "W=[[1,2],[3,4],[0,1]]", "x=[1,-1]")
    gradcli(*words, "-o", "task.grad")
    lines = Path("task.grad").read_text().splitlines()
    (given,) = [line for line in lines if line.startswith("df = ")]
    assert not {0, 1} & {*json.loads(given.removeprefix("df = "))}
    assert lines[-4:] == ["# backward pass: write these 3 lines", "# dq1 =", "# dW =", "# dx ="]
    assert given not in gradcli(*words, "--seed", "1").out
    right = json.loads(Path(".task.grad.key").read_text())["solution"]
    assert gradcli("check", right).code == 0
    slip = right.replace("W.T @ dq1", "W @ dq1")
    other = right.replace(given, "df = [1, 1, 1]")
    Path("answers").mkdir()
    for name, text in (("a", right), ("b", slip), ("c", other)):
        Path(f"answers/{name}.grad").write_text(text)
    ended = gradcli("check", "answers", "--grade", "--key", ".task.grad.key", "--json")
    grades = [(a["right"], a["asked"], a["problem"]) for a in json.loads(ended.out)["answers"]]
    assert grades == [(3, 3, None), (2, 3, None), (0, 3, "`df` is not the exercise's")]
