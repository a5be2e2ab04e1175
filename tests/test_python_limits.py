"""Python files: nothing is executed, limits, errors in Python's words, pasted text."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from python_cases import cases, problem, verdicts

from gradcli.errors import GradcliError
from gradcli.python.reading import PythonFile

FOLDER = Path(__file__).parent / "python_files"
FILES = sorted(path.name for path in FOLDER.glob("*.py"))
MISTAKE = re.compile(r"^# mistake: (.*) => (.*?)(  \(elsewhere\))?$", re.MULTILINE)


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
    monkeypatch.setattr("gradcli.python.state.reader.MOST_STATEMENTS", 3_000)
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
    "old repr": "def f_forward(x):\n    assert x > -9, 'not %s' % `x`\n    return x * 3.0\n"
    "def f_backward(dout):\n    print dout\n    return dout * 3.0\n",
    "bom": "\ufeffdef f_forward(x):\n    return x * 3.0\ndef f_backward(dout):\n    return dout * 3.0\n",
    "magic": "%matplotlib inline\n!pip list\ndef f_forward(x):\n    return x * 3.0\ndef f_backward(dout):\n    return dout * 3.0\n",
}


PASTED["magic before a line that goes on"] = PASTED["magic"] + "print('%d of %d'\n      % (1, 2))\n"


@pytest.mark.parametrize("kind", PASTED)
def test_text_is_read_as_it_was_pasted(kind):
    assert verdicts(PASTED[kind]) == ["pass"]
    wrong = PASTED[kind].replace("return dout * 3.0", "return dout * 2.0")
    assert verdicts(wrong) == ["fail"]


def test_places_are_those_of_the_text_as_it_was_given():
    text = PASTED["console"].replace("x * 3.0", "x * y")
    error = problem(text)
    assert (error.line, error.column) == (2, 20)
