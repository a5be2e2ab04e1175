"""Python files: read as people write them, checked, and never executed."""

from __future__ import annotations

import json
import re
from pathlib import Path

import numpy as np
import pytest
from python_cases import case_of, cases, problem, verdicts

from gradcli.errors import GradcliError
from gradcli.program.files import subject_of
from gradcli.python.reading import PythonFile
from gradcli.requests import Request
from gradcli.tasks.check_python import list_subjects

FOLDER = Path(__file__).parent / "python_files"
FILES = sorted(path.name for path in FOLDER.glob("*.py"))
MISTAKE = re.compile(r"^# mistake: (.*) => (.*?)(  \(elsewhere\))?$", re.MULTILINE)


# ---------------------------------------------------------------- files in the styles people write


@pytest.mark.parametrize("name", FILES)
def test_a_right_file_passes_as_it_stands(name):
    path = FOLDER / name
    text = path.read_text("utf-8").split("# mistake:")[0]
    assert {*verdicts(text, name=str(path))} <= {"pass", "kink"}


def mistakes():
    for name in FILES:
        for old, new, elsewhere in MISTAKE.findall((FOLDER / name).read_text("utf-8")):
            yield pytest.param(name, old, new, not elsewhere, id=f"{name}: {new}")


@pytest.mark.slow
@pytest.mark.parametrize(("name", "old", "new", "is_at_its_line"), [*mistakes()])
def test_a_planted_mistake_is_found(name, old, new, is_at_its_line):
    path = FOLDER / name
    text = path.read_text("utf-8").split("# mistake:")[0]
    assert text.count(old) == 1
    found = [case for case in cases(text.replace(old, new), name=str(path)) if case.lines]
    assert "fail" in [case.verdict for case in found]
    accused = [line.line for case in found for line in case.lines if line.is_accused]
    if is_at_its_line:
        assert accused[0] == text[: text.index(old)].count("\n") + 1


def test_every_file_has_three_mistakes():
    for name in FILES:
        assert len(MISTAKE.findall((FOLDER / name).read_text("utf-8"))) == 3, name


# ---------------------------------------------------------------- subjects and claims

PAIR = """import numpy as np

def scale_forward(x, w):
    out = x * w
    return out, (x, w)

def scale_backward(dout, cache):
    x, w = cache
    return dout * w, dout * x
"""


def test_subjects_are_listed_with_their_lines():
    (line,) = list_subjects(PAIR, "pair.py")
    assert line == "pair.py:scale  line 3  scale_forward and scale_backward"


@pytest.mark.parametrize("name", ["scale", "scale_forward", "scale_backward"])
def test_a_subject_is_chosen_by_its_names(name):
    assert verdicts(PAIR, subject=name) == ["pass"]


def test_an_unknown_subject_is_an_error_with_the_nearest_one():
    with pytest.raises(GradcliError) as caught:
        cases(PAIR, subject="scal")
    assert caught.value.hint == "did you mean `scale`?"


@pytest.mark.parametrize(
    ("forward", "back"),
    [
        ("scale_fwd", "scale_bwd"),
        ("forward_scale", "backward_scale"),
        ("scale", "scale_backward"),
        ("scale_fprop", "scale_bprop"),
        ("scaleForward", "scaleBackward"),
        ("scale", "scale_vjp"),
    ],
)
def test_pairs_have_many_spellings(forward, back):
    text = PAIR.replace("scale_forward", forward).replace("scale_backward", back)
    assert verdicts(text) == ["pass"]


def notes_of(text, **how):
    (case,) = cases(text, **how)
    return case.notes


def test_the_mapping_of_results_is_printed():
    assert "gradients: dout * w of x, dout * x of w" in notes_of(PAIR), notes_of(PAIR)


def test_names_win_over_positions():
    text = PAIR.replace(
        "return dout * w, dout * x", "dx = dout * w\n    dw = dout * x\n    return dw, dx"
    )
    assert verdicts(text) == ["pass"]


def test_the_mapping_can_be_said():
    text = PAIR.replace(
        "return dout * w, dout * x", "a = dout * w\n    b = dout * x\n    return b, a"
    )
    assert verdicts(text) == ["fail"]
    assert verdicts(text, grads={"b": "w", "a": "x"}) == ["pass"]
    said = text.replace("def scale_forward", "# gradcli: grads b=w, a=x\ndef scale_forward")
    assert verdicts(said) == ["pass"]


def test_what_is_claimed_of_nothing_is_said():
    text = PAIR.replace(
        "return dout * w, dout * x",
        "dx = dout * w\n    extra = dout * 5\n    dw = dout * x\n    return dx, extra, dw",
    )
    assert any("not claimed: extra" in note for note in notes_of(text))


STAGES = """
import numpy as np

def model_forward(x, w, b):
    z = x @ w + b
    a = np.tanh(z)
    return a, (x, w, a)

def model_backward(dout, cache):
    x, w, a = cache
    dz = dout * (1 - a ** 2)
    dw = x.T @ dz
    return {"dz": dz, "dw": dw, "db": dz.sum(axis=0), "dx": dz @ w.T, "da": dout.copy()}
"""


def test_the_gradient_of_a_stage_is_held_against_that_stage():
    case = case_of(STAGES)
    assert (case.verdict, case.claims, case.unclaimed) == ("pass", 3, [])
    assert "gradients of stages: grads['dz'] of z, grads['da'] of a" in case.notes


def test_a_pass_beside_a_result_that_is_the_gradient_of_nothing_says_so(gradcli, tmp_path):
    path = tmp_path / "file.py"
    path.write_text(STAGES.replace("dout.copy()", "2 * dout"))
    shown = gradcli("check", str(path))
    assert shown.out.startswith("pass, not claimed: grads['da']  ")
    assert shown.code == 0
    case = json.loads(gradcli("check", str(path), "--json").out)["cases"][0]
    assert (case["verdict"], case["unclaimed"]) == ("pass", ["grads['da']"])


def test_the_upstream_gradient_is_random_and_nowhere_1():
    program = PythonFile(PAIR, "p.py")
    (subject,) = program.subjects
    read = program.program(subject, [("x", "randn(3)"), ("w", "randn(3)")], Request(), {})
    upstream = read.settings.constants[read.values["dout"]]
    assert (np.abs(upstream - 1) > 1e-3).all()


# ---------------------------------------------------------------- inputs


def test_values_come_from_the_command_line_first():
    text = PAIR.replace(
        "def scale_forward", "# gradcli: x = randn(2, 2); w = randn(3)\ndef scale_forward"
    )
    file = PythonFile(text, "p.py")
    read = file.program(file.subjects[0], [("w", "randn(2, 2) + 5")], Request(), {})
    assert read.graph.shape(read.inputs["x"]) == (2, 2)
    assert read.settings.constants[read.values["w"]].min() > 2


def test_whole_numbers_that_have_a_gradient_are_floats():
    assert verdicts(PAIR, bindings=[("x", "[1, 2, 3]"), ("w", "[2, 0, -1]")]) == ["pass"]


def test_the_file_s_own_call_gives_values():
    text = (
        PAIR
        + "\nif __name__ == '__main__':\n    x = np.linspace(0, 1, 7)\n    scale_forward(x, 0.5 * x)\n"
    )
    assert any("x (7,), w (7,)" in note for note in notes_of(text))


def test_a_misspelt_input_is_an_error():
    with pytest.raises(GradcliError) as caught:
        cases(PAIR, bindings=[("ww", "2")])
    assert caught.value.message == "`ww` is no parameter of what is checked"


def test_what_is_missing_is_said_with_a_line_to_complete():
    text = (
        "def f_forward(x, options):\n    return x * options.scale\n"
        "def f_backward(dout, options):\n    return dout * options.scale\n"
    )
    error = problem(text)
    assert error.line == 2 or "options" in error.message


# ---------------------------------------------------------------- lines

WRONG_SLOPE = """
import numpy as np

class Hidden:
    def __init__(self, w):
        self.w = w

    def forward(self, x):
        self.x = x
        self.h = np.tanh(x @ self.w)
        return self.h

    def backward(self, dout):
        da = dout * (1 - self.h)
        self.dw = self.x.T @ da
        return da @ self.w.T
"""


def test_the_line_that_went_wrong_is_accused_and_its_readers_follow():
    case = case_of(WRONG_SLOPE, bindings=[("x", "randn(3, 2)"), ("w", "randn(2, 2)")])
    assert [(line.line, line.verdict, line.cause) for line in case.lines] == [
        (14, "fail", None), (15, "fail", 14), (16, "fail", 14),
    ]  # fmt: skip
    assert case.shown == {*range(13, 17)}


def test_no_line_of_a_right_file_is_accused():
    text = WRONG_SLOPE.replace("(1 - self.h)", "(1 - self.h**2)")
    case = case_of(text, bindings=[("x", "randn(3, 2)"), ("w", "randn(2, 2)")])
    assert {line.verdict for line in case.lines} == {"pass"}


# ---------------------------------------------------------------- shapes that the code leaves open

AFFINE = """
import numpy as np

def affine_forward(x, w, b):
    return x @ w + b, (x, w, b)

def affine_backward(dout, cache):
    x, w, b = cache
    dx = dout @ w.T
    dw = x.T @ dout
    db = dout.sum(axis=0)
    return dx, dw, db
"""


@pytest.mark.parametrize("wrong", [
    "dout.sum(axis=0) @ w.T", "dout.mean(axis=0) @ w.T", "w @ dout[0]",
])  # fmt: skip
def test_a_batch_of_one_hides_no_lost_axis(wrong):
    assert verdicts(AFFINE) == ["pass"]
    assert verdicts(AFFINE.replace("dx = dout @ w.T", f"dx = {wrong}")) == ["fail"]


def test_factors_that_are_not_spread_have_one_shape():
    text = (
        "def mul_forward(a, b):\n    return a * b, (a, b)\n"
        "def mul_backward(dout, cache):\n    a, b = cache\n    return dout * b, dout * a\n"
    )
    assert verdicts(text) == ["pass"]
    assert verdicts(text.replace("dout * a", "dout + a")) == ["fail"]


def test_lines_that_no_claim_rests_on_have_no_verdict():
    text = (
        "class Scale:\n    def __init__(self, w):\n        self.w = w\n"
        "    def forward(self, x):\n        self.x = x\n        return self.w * x\n"
        "    def backward(self, dout):\n        self.step = -(dout * self.x)\n"
        "        dx = dout * self.w\n        return dx\n"
    )
    [case] = cases(text)
    assert [line.line for line in case.lines] == [9]
    assert any("no result is the gradient of w" in note for note in case.notes)


def test_only_the_function_of_a_misfit_is_shown():
    text = f"{AFFINE}\n{AFFINE}".replace("affine", "first", 2).replace("axis=0", "axis=1", 1)
    case = cases(text)[0]
    assert case.verdict == "fail"
    assert case.shown == {*range(7, 13)}


def test_an_empty_file_is_said_to_be_empty():
    with pytest.raises(GradcliError) as caught:
        cases("# nothing yet\n")
    assert caught.value.message == "this file is empty: nothing is to check"


def test_a_colon_with_no_name_behind_it_is_an_error_that_says_what_to_write():
    with pytest.raises(GradcliError) as caught:
        subject_of("layers.py:")
    assert caught.value.hint == "write layers.py, or layers.py:NAME; --list lists the names"


def test_a_notebook_is_its_code_cells():
    cells = [
        {"cell_type": "markdown", "source": ["# Title"]},
        {"cell_type": "code", "source": ["%time\n", "import numpy as np\n"]},
        {"cell_type": "code", "source": PAIR},
    ]
    assert verdicts(json.dumps({"cells": cells}), name="n.ipynb") == ["pass"]
    with pytest.raises(GradcliError) as caught:
        cases("{}", name="n.ipynb")
    assert "not a notebook" in caught.value.message


def test_eval_takes_python_files(capsys, tmp_path):
    import gradcli

    report = gradcli.evaluate(PAIR, {"x": [1.5, 2.0], "w": [0.5, -1.0]}, name="pair.py:scale")
    assert {*report.gradients} == {"x", "w"}
    assert report.check.verdict == "pass"
