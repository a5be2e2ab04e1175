"""Python files: read as people write them, checked, and never executed."""

from __future__ import annotations

import json
import re
from pathlib import Path

import numpy as np
import pytest

from gradcli.arithmetic.arrays import ARRAYS
from gradcli.engine import Machine, backward
from gradcli.errors import GradcliError, LimitError
from gradcli.program.files import subject_of
from gradcli.python.interpreter import Interpreter
from gradcli.python.reading import PythonFile
from gradcli.python.source import Script
from gradcli.python.values import Array, Scope
from gradcli.requests import Request
from gradcli.tasks.check_python import check_python, list_subjects

FOLDER = Path(__file__).parent / "python_files"
FILES = sorted(path.name for path in FOLDER.glob("*.py"))
MISTAKE = re.compile(r"^# mistake: (.*) => (.*?)(  \(elsewhere\))?$", re.MULTILINE)


def cases(text, name="file.py", subject=None, bindings=(), **options):
    return list(check_python(text, name, subject, [*bindings], Request(**options)))


def verdicts(text, **how):
    return [case.verdict for case in cases(text, **how)]


def problem(text, **how):
    (case,) = cases(text, **how)
    assert case.verdict == "error"
    return case.problem


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


# ---------------------------------------------------------------- nothing is executed

TRACES = """
import os, sys
from pathlib import Path
os.system("touch {0}1")
Path("{0}2").write_text("x")
__import__("os").system("touch {0}3")
open("{0}4", "w").write("x")
eval("open('{0}5', 'w')")
exec("open('{0}6', 'w')")

def mark(name):
    open(name, "w").write("x")
    return lambda f: f

class Meta(type):
    def __new__(cls, *rest):
        open("{0}7", "w").write("x")
        return type.__new__(cls, *rest)

class Thing(metaclass=Meta):
    value = open("{0}8", "w")

    def __del__(self):
        open("{0}9", "w").write("x")

@mark("{0}10")
def double_forward(x, flag=open("{0}11", "w")):
    os.system("touch {0}12")
    (lambda: os.system("touch {0}13"))()
    [os.system("touch {0}14") for _ in range(1)]
    return x * 2.0

def double_backward(dout, kind=mark("{0}15")):
    os.remove("{0}16")
    return dout * 2.0

if __name__ == "__main__":
    os.system("touch {0}17")
"""


def test_nothing_of_a_file_is_executed(tmp_path):
    kept = tmp_path / "trace16"
    kept.write_text("stays")
    cases(TRACES.replace("{0}", f"{tmp_path}/trace"), name=str(tmp_path / "file.py"))
    assert [path.name for path in tmp_path.iterdir()] == ["trace16"]


def test_a_file_that_is_imported_is_read_and_not_run(tmp_path):
    trace = tmp_path / "trace"
    (tmp_path / "helper.py").write_text(
        f"open({str(trace)!r}, 'w')\ndef half(x):\n    return x / 2\n"
    )
    text = (
        "from helper import half\ndef f_forward(x):\n    return half(x)\n"
        "def f_backward(dout):\n    return dout / 2\n"
    )
    assert verdicts(text, name=str(tmp_path / "file.py")) == ["pass"]
    assert not trace.exists()


@pytest.mark.parametrize(
    "call",
    [
        "eval('x')",
        "exec('x')",
        "open('x')",
        "__import__('os')",
        "globals()",
        "input()",
        "compile('x', '', 'eval')",
    ],
)
def test_what_would_run_code_is_refused_at_its_place(call):
    text = (
        f"def f_forward(x):\n    y = {call}\n    return x\ndef f_backward(dout):\n    return dout\n"
    )
    error = problem(text, bindings=[("x", "1.5")])
    assert error.line == 2
    assert "nothing of the file is executed" in error.message


@pytest.mark.parametrize("line", ["tolerence 1e-3", "tolerance -1", "seed x", "skpi later", ""])
def test_a_directive_that_says_nothing_is_told(line):
    text = f"# gradcli: {line}\ndef f(x):\n    return x*x\ndef f_grad(x):\n    return 2*x\n"
    (case,) = cases(text, bindings=[("x", "1.5")])
    (warning,) = case.warnings
    assert case.verdict == "pass"
    assert warning.startswith(f"`# gradcli: {line}` says nothing in a Python file; known are")


# ---------------------------------------------------------------- limits

ENDLESS = {
    "while True:\n        pass": "a loop of more than",
    "for k in range(10**9):\n        pass": "a",
    "x = f_forward(x)": "calls inside one another",
    "n = 2\n    for k in range(60):\n        n = n * n": "a whole number of more than",
    "t = 'ab' * 10**9": "a list or text",
    "t = '%2000000d' % 3": "a list or text",
    "t = '%*d' % (2000000, 3)": "a list or text",
    "t = ('a' * 10**5).replace('a', 'b' * 10**5)": "a list or text",
    "t = ('a' * 10**5).join(['b'] * 10**5)": "a list or text",
    "z = np.zeros((10**6, 10**6))": "an array of",
    "y = np.arange(10**12)": "an array of",
    "for i in range(10**4):\n        for j in range(10**4):\n            pass": "statements",
}


@pytest.mark.parametrize(("body", "words"), [*ENDLESS.items()])
def test_what_would_not_end_ends_with_a_limit(body, words):
    text = (
        f"import numpy as np\ndef f_forward(x):\n    {body}\n    return x\n"
        "def f_backward(dout):\n    return dout\n"
    )
    error = problem(text, bindings=[("x", "1.5")])
    assert error.kind == "limit"
    assert words in error.message
    assert error.line is not None


def test_texts_with_forms_of_their_own_are_not_made():
    body = "n = len('{0:2000000000d}'.format(3))\n    return x*n"
    text = f"def f_forward(x):\n    {body}\ndef f_backward(dout):\n    return dout\n"
    assert cases(text, bindings=[("x", "1.5")])[0].verdict == "fail"


def test_functions_that_call_one_another_without_end_are_a_limit():
    text = (
        "def a(x):\n    return b(x)\ndef b(x):\n    return a(x)\n"
        "def f_forward(x):\n    return a(x)\ndef f_backward(dout):\n    return dout\n"
    )
    assert problem(text, bindings=[("x", "1.5")]).kind == "limit"


@pytest.mark.parametrize("line", ["a = a + [x]", "a = a + a[:1]", "a = [*a, x]"])
def test_long_lists_that_are_made_again_and_again_are_work(line, monkeypatch):
    monkeypatch.setattr("gradcli.python.state.MOST_STATEMENTS", 3_000)
    text = (
        f"def f_forward(x):\n    a = [x]\n    for k in range(500):\n        {line}\n"
        "    return a[0]\ndef f_backward(dout):\n    return dout\n"
    )
    assert problem(text, bindings=[("x", "1.5")]).message.startswith("more than 3000 statements")


def test_a_list_that_holds_itself_is_no_gradient():
    text = "def f(x):\n    return x*x\ndef f_grad(x):\n    a = []\n    a.append(a)\n    return a\n"
    error = problem(text, bindings=[("x", "1.5")])
    assert (error.kind, error.message) == ("limit", "the calls and brackets nest too deeply")


@pytest.mark.parametrize(
    "text",
    [
        "(" * 10_000 + "x",
        "-" * 100_000 + "x",
        "x = " + "+".join(["y"] * 20_000),
        "[" * 150 + "]" * 150,
    ],
)
def test_deep_texts_are_errors_and_no_crashes(text):
    with pytest.raises(GradcliError):
        PythonFile(text, "deep.py").chosen(None)


# ---------------------------------------------------------------- errors in Python's words


def error_of(body, **how):
    text = (
        "import numpy as np\n\ndef f_forward(x):\n"
        + "".join(f"    {line}\n" for line in body.splitlines())
        + "\ndef f_backward(dout):\n    return dout\n"
    )
    return problem(text, bindings=[("x", "randn(3)")], **how)


ERRORS = [
    ("y = np.fft.fft(x)\nreturn y", 4, "`np.fft.fft` is not read"),
    ("y = x @ np.ones(4)\nreturn y", 4, "3 columns meet 4 rows"),
    ("return z", 4, "name 'z' is not defined"),
    ("y = {}\nreturn y['a']", 5, "KeyError: 'a'"),
    ("a, b = 1, 2, 3\nreturn x", 4, "2 names on the left for 3 values"),
    (
        "with open('f') as f:\n    pass\nreturn x",
        4,
        "`open` is not read, and nothing of the file is executed",
    ),
    ("y = 1 / 0\nreturn x", 4, "ZeroDivisionError"),
    ("raise ValueError('no')", 4, "this `raise` is reached"),
    ("return x.foo()", 4, "`.foo()` of an array is not read"),
    ("return x.hiddens[-1]", 4, "`.hiddens` of an array is no value that is read"),
    ("return 2*x.sum", 4, "unsupported operand type(s) for *: 'int' and a method"),
    ("if x:\n    pass\nreturn x", 4, "the truth value of an array is ambiguous"),
]


@pytest.mark.parametrize(("body", "line", "words"), ERRORS)
def test_an_error_stands_at_its_place_in_python_s_words(body, line, words):
    error = error_of(body)
    assert error.line == line
    assert words in error.message
    assert "def*" not in f"{error.message}{error.hint}"


def test_another_framework_is_refused_with_what_to_write():
    text = (
        "import torch\ndef f_forward(x):\n    return torch.tanh(x)\n"
        "def f_backward(dout):\n    return dout\n"
    )
    error = problem(text, bindings=[("x", "randn(3)")])
    assert "PyTorch" in error.message
    assert "np.tanh" in error.hint


def test_a_file_without_a_backward_part_says_what_is_looked_for():
    with pytest.raises(GradcliError) as caught:
        cases("def f(x):\n    return x\n")
    assert "backward" in caught.value.message
    assert "NAME_forward" in caught.value.hint


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
    [case] = check_python(STAGES, "file.py", None, [], Request())
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


# ---------------------------------------------------------------- pasted text


PASTED = {
    "console": ">>> def f_forward(x):\n...     return x * 3.0\n...\n>>> def f_backward(dout):\n"
    "...     return dout * 3.0\n...\n>>> f_forward(2.0)\n6.0\n",
    "fences": "Some words first.\n\n```python\ndef f_forward(x):\n    return x * 3.0\n```\n\nThen\n\n"
    "```\ndef f_backward(dout):\n    return dout * 3.0\n```\n",
    "numbers": "1 def f_forward(x):\n2     return x * 3.0\n3 def f_backward(dout):\n4     return dout * 3.0\n",
    "quotes": "def f_forward(x):\n    \u201c\u201c\u201cDoc.\u201d\u201d\u201d\n    return x * 3.0\n"
    "def f_backward(dout):\n\u00a0\u00a0\u00a0\u00a0return dout * 3.0\n",
    "crlf": "def f_forward(x):\r\n    return x * 3.0\r\ndef f_backward(dout):\r\n    return dout * 3.0\r\n",
    "python 2": 'def f_forward(x):\n    print "x is", x, \\\n        2\n    if True: print x\n    return x * 3.0\n'
    "def f_backward(dout):\n    return dout * 3.0\n",
    "bom": "\ufeffdef f_forward(x):\n    return x * 3.0\ndef f_backward(dout):\n    return dout * 3.0\n",
    "magic": "%matplotlib inline\n!pip list\ndef f_forward(x):\n    return x * 3.0\ndef f_backward(dout):\n    return dout * 3.0\n",
}


@pytest.mark.parametrize("kind", PASTED)
def test_text_is_read_as_it_was_pasted(kind):
    assert verdicts(PASTED[kind]) == ["pass"]
    wrong = PASTED[kind].replace("return dout * 3.0", "return dout * 2.0")
    assert verdicts(wrong) == ["fail"]


def test_places_are_those_of_the_text_as_it_was_given():
    text = PASTED["console"].replace("x * 3.0", "x * y")
    error = problem(text)
    assert (error.line, error.column) == (2, 20)


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


# ---------------------------------------------------------------- numpy, row by row

X = np.random.RandomState(1).standard_normal((3, 4))
EXPRESSIONS = """
x[1] ; x[-1, 2:] ; x[:, None] ; x[..., 0] ; x[::2] ; x[::-1, 1] ; x[[0, 2, 0]] ; x[:, [1, 1]]
x[np.arange(3), [0, 3, 1]] ; x[x > 0] ; x.T ; x.reshape(2, -1) ; x.ravel() ; x.flatten()
x.sum() ; x.sum(0) ; x.mean(1, keepdims=True) ; np.max(x, axis=1) ; x.min() ; x.var(0) ; x.std()
np.var(x, axis=0, ddof=1) ; np.prod(x, axis=1) ; np.cumsum(x, axis=1) ; np.cumsum(x) ; np.cumprod(x, 0)
np.diff(x, axis=1) ; np.sort(x, axis=0) ; np.median(x) ; np.linalg.norm(x) ; np.linalg.norm(x, axis=1)
np.exp(x) ; np.tanh(x) ; np.log1p(x * x) ; np.sqrt(x * x + 1) ; np.abs(x) ; np.sign(x) ; np.arctan2(x, 2)
np.maximum(x, 0.1) ; np.minimum(x, x.mean()) ; np.clip(x, -0.5, 0.5) ; np.where(x > 0, x, 0.1 * x)
x ** 3 ; x // 0.3 ; x % 0.7 ; -x ; x / (1 + x * x) ; (x > 0) * x ; (x > 0).astype(float) ; ~(x > 0)
np.logical_and(x > 0, x < 1) * x ; np.pad(x, 1) ; np.pad(x, ((0, 1), (2, 0)), mode='constant', constant_values=2.0)
np.pad(x, 1, 'edge') ; np.tile(x, (2, 1)) ; np.repeat(x, 2, axis=1) ; np.roll(x, 1, axis=0) ; np.flip(x, 1)
np.rot90(x) ; np.triu(x) ; np.tril(x, -1) ; np.diag(x[0]) ; np.diag(x[:, :3]) ; np.swapaxes(x, 0, 1)
np.moveaxis(x[None], 0, -1) ; np.expand_dims(x, 1) ; np.squeeze(x[None]) ; np.atleast_2d(x[0])
np.concatenate([x, 2 * x], axis=1) ; np.vstack((x, x[0])) ; np.hstack([x[0], x[1]]) ; np.stack([x, x], axis=1)
np.column_stack([x[:, 0], x]) ; np.append(x, [1.0]) ; np.split(x, 2, axis=1)[1] ; np.array_split(x, 2)[0]
np.dot(x, x.T) ; x @ x[0] ; np.outer(x[0], x[1]) ; np.inner(x, x) ; np.tensordot(x, x, axes=([0], [0]))
np.einsum('ij,kj->ik', x, x) ; np.einsum('ij->j', x) ; np.einsum('ij,ij->i', x, x) ; np.einsum('ii', x[:, :3])
np.einsum('ij,jk,kl->il', x, x.T, x) ; np.einsum('...j->...', x) ; np.kron(x[:2, :2], x[1:, 2:])
np.linalg.inv(x[:, :3] + 3 * np.eye(3)) ; np.linalg.solve(x[:, :3] + 3 * np.eye(3), x[:, 3])
np.linalg.det(x[:, :3]) ; np.linalg.slogdet(x[:, :3])[1] ; np.trace(x[:, :3]) ; np.vdot(x, x)
np.linalg.cholesky(x @ x.T + np.eye(3)) ; np.linalg.matrix_power(x[:, :3], 3) ; np.cross(x[:, :3], x[:, 1:])
np.multiply(x, 2) ; np.add(x, 1) ; np.subtract(1, x) ; np.divide(x, 3) ; np.power(x, 2) ; np.square(x)
np.broadcast_to(x[0], (2, 4)) ; np.full((2,), x[0, 0]) ; np.take(x, [2, 0], axis=0) ; np.delete(x, 1, axis=0)
np.average(x, axis=0, weights=[1, 2, 3]) ; np.ptp_like(x) ; np.add.outer(x[0], x[1]) ; np.r_[x[0], x[1]] ; np.c_[x[0], x[1]]
np.select([x > 1, x > 0], [x, 2 * x], 0.5) ; np.heaviside(x, 0.5) * x ; np.logaddexp(x, 1.0) ; np.hypot(x, 2.0)
sum([x[0], x[1]]) ; max(x[0, 0], x[1, 1]) ; abs(x) ; [2 * r for r in x][1] ; np.array([x[0, 0], 2.0])
""".replace("\n", " ; ")
EXPRESSIONS = [e.strip() for e in EXPRESSIONS.split(";") if e.strip() and "ptp_like" not in e]


def interpreted(body, x):
    """The interpreter, the input's node, and the value of f(x)."""
    reader = Interpreter(Script(f"import numpy as np\ndef f(x):\n{body}\n", "f.py"))
    scope = Scope()
    reader.look_over(reader.script.tree, scope)
    leaf = reader.tape.input("x", np.array(x))
    return reader, leaf, reader.call(scope["f"], [Array(leaf)], {})


@pytest.mark.parametrize("expression", EXPRESSIONS)
def test_an_expression_has_the_value_and_the_slope_that_numpy_gives_it(expression):
    reader, leaf, value = interpreted(f"    return {expression}", X)
    expected = eval(expression, {"np": np, "x": X})  # a text of this file
    node = reader.tape.node(reader.content(value))
    assert np.allclose(reader.tape.value(node).astype(float), expected)
    assert reader.tape.graph.shape(node) == np.shape(expected)
    graph = reader.tape.graph
    run = Machine(graph, ARRAYS).run([X])
    weights = np.random.RandomState(2).standard_normal(np.shape(expected))
    backward(run, node, weights if np.shape(expected) else float(weights))

    def weighted(y):
        return float(np.sum(weights * np.asarray(eval(expression, {"np": np, "x": y}), float)))

    step, direction = 1e-6, np.random.RandomState(3).standard_normal(X.shape)
    slope = (weighted(X + step * direction) - weighted(X - step * direction)) / (2 * step)
    assert np.sum(run.gradients[leaf] * direction) == pytest.approx(slope, rel=1e-5, abs=1e-6)


STATEMENTS = {
    "an alias": "y = x.copy()\n    z = y\n    z[0] = 5.0\n    return y",
    "a view of a slice": "y = x.copy()\n    z = y[1:]\n    z *= 2\n    return y",
    "a view of a transpose": "y = x.copy()\n    z = y.T\n    z[0] += 1\n    return y",
    "a view of a reshape": "y = x.copy()\n    z = y.reshape(-1)\n    z[5] = 0\n    return y",
    "a mask on the left": "y = x.copy()\n    y[y < 0] = 0\n    return y",
    "a mask of rows": "y = x.copy()\n    y[x[:, 0] > 0] *= 3\n    return y",
    "a copy that is none of an index": "y = x.copy()\n    z = y[[0, 1]]\n    z[0] = 9.0\n    return y",
    "an array index on the left": "y = np.zeros((3, 4))\n    y[np.arange(3), [1, 1, 0]] = x[:, 0]\n    return y",
    "an array index that adds once": "y = np.zeros(4)\n    y[[0, 0, 2]] += x[0, :3]\n    return y",
    "add.at, which adds always": "y = np.zeros(4)\n    np.add.at(y, [0, 0, 2], x[0, :3])\n    return y",
    "numbers are not shared": "s = x.sum()\n    t = s\n    t += 1\n    return s",
    "a parameter that is written to": "def g(a):\n        a += 1\n    y = x.copy()\n    g(y)\n    return y",
    "closures": "k = 2\n    def g(a):\n        return a * k\n    k = 3\n    return g(x)",
    "lambda and defaults": "g = lambda a, n=2: a ** n\n    return g(x) + g(x, n=3)",
    "dictionaries": "d = {'W%d' % i: x[i] for i in range(3)}\n    d['W0'] += d['W1']\n    return d['W0'] * d[f'W{2}']",
    "star arguments": "def g(*a, **k):\n        return a[0] * k['w'] + a[1]\n    return g(*[x, 1], **{'w': 2})",
    "unpacking": "(a, *b), c = (x, 1, 2), 3\n    return a * b[1] + c",
    "while": "y, n = x, 0\n    while n < 3:\n        y = y * x\n        n += 1\n    return y",
    "break and continue": "y = 0\n    for i in range(9):\n        if i % 2:\n            continue\n        if i > 5:\n            break\n        y = y + i * x\n    return y",
    "else of a loop": "for i in range(2):\n        pass\n    else:\n        x = x * 2\n    return x",
    "conditional expressions": "return (x if len(x) > 2 else 2 * x) + (0 if x is None else 1)",
    "chained comparison": "return x * (1 if 0 < len(x) <= 3 else 2)",
    "try": "try:\n        y = {}['a']\n    except KeyError:\n        y = 2 * x\n    return y",
    "nested loops over arrays": "s = 0.0\n    for row in x:\n        for v in row:\n            s += v * v\n    return s",
    "enumerate and zip": "s = 0\n    for i, (a, b) in enumerate(zip(x, x[::-1])):\n        s = s + i * a * b\n    return s",
    "walrus": "return (n := 2) * x + n",
    "a negative step": "y = x.copy()\n    y[::-1] = x\n    return y",
    "fill and copyto": "y = np.empty_like(x)\n    y.fill(2.0)\n    np.copyto(y[0], x[1])\n    return y",
    "out=": "y = np.zeros_like(x)\n    np.multiply(x, 3, out=y)\n    return y",
    "sorted keys": "d = {'b': x, 'a': 2 * x}\n    return sum(k * d[n] for k, n in enumerate(sorted(d)))",
    "formats": "return {'a_01': x}['a_%02d' % 1] * {'b-2': 3}['b-{}'.format(2)]",
    "global data": "return x * np.arange(4)[::-1] / np.finfo(float).eps ** 0",
}


@pytest.mark.parametrize("kind", STATEMENTS)
def test_statements_mean_what_they_mean_in_python(kind):
    body = f"    {STATEMENTS[kind]}"
    reader, _, value = interpreted(body, X)
    names = {"np": np}
    exec(f"def f(x):\n{body}\n", names)  # a text of this file
    expected = names["f"](X.copy())
    assert np.allclose(np.asarray(reader.tape.value(reader.content(value)), float), expected)


def test_a_loop_of_many_nodes_is_a_limit():
    with pytest.raises(LimitError):
        interpreted(
            "    for i in range(15000):\n        x = x + 1 + x * 0.5 - x / 3 + x * x\n"
            "        x = x * 0.1 + x * 0.2 + x * 0.3 - x * 0.4\n    return x",
            X,
        )


def test_an_array_of_indices_that_chooses_without_end_is_a_limit():
    """It is refused before it is made: an order of rows, taken for one of elements, took 9 GB."""
    with pytest.raises(LimitError, match="more than"):
        interpreted("    return x[np.argsort(x)]", np.zeros((3,) * 12))


def test_reading_is_quick():
    body = "\n".join(f"    y{k} = x * {k}.5 + np.tanh(x)" for k in range(1, 400))
    reader, _, _ = interpreted(f"{body}\n    return y399", X)
    assert len(reader.tape.graph) < 3000


@pytest.mark.parametrize(
    "wrong", ["dout.sum(axis=1)", "dout", "dout.sum(axis=1, keepdims=True)", "dout.sum()"]
)
def test_a_bias_gradient_of_wrong_shape_is_not_hidden_by_other_shapes(wrong):
    text = """def affine_forward(x, w, b):
    return x @ w + b, (x, w)
def affine_backward(dout, cache):
    x, w = cache
    dx = dout @ w.T
    dw = x.T @ dout
    db = dout.sum(axis=0)
    return dx, dw, db
"""
    assert verdicts(text) == ["pass"]
    (case,) = cases(text.replace("dout.sum(axis=0)", wrong))
    assert case.verdict == "fail"
    assert [line.line for line in case.lines] in ([7], [])


def test_eval_takes_python_files(capsys, tmp_path):
    import gradcli

    report = gradcli.evaluate(PAIR, {"x": [1.5, 2.0], "w": [0.5, -1.0]}, name="pair.py:scale")
    assert {*report.gradients} == {"x", "w"}
    assert report.check.verdict == "pass"


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
    [case] = check_python(
        WRONG_SLOPE, "hidden.py", None, [("x", "randn(3, 2)"), ("w", "randn(2, 2)")], Request()
    )
    assert [(line.line, line.verdict, line.cause) for line in case.lines] == [
        (14, "fail", None), (15, "fail", 14), (16, "fail", 14),
    ]  # fmt: skip
    assert case.shown == {*range(13, 17)}


def test_no_line_of_a_right_file_is_accused():
    text = WRONG_SLOPE.replace("(1 - self.h)", "(1 - self.h**2)")
    [case] = check_python(
        text, "hidden.py", None, [("x", "randn(3, 2)"), ("w", "randn(2, 2)")], Request()
    )
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
