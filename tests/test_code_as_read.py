"""Code that `gradcli code` writes, as people read it and ask for it."""

import math

import numpy as np
import pytest
from written_code import ARRAYS, SCALARS, agrees, close, executed

from gradcli.api import check, code, evaluate
from gradcli.errors import UsageError


def test_the_first_circuit_is_written_as_the_lecture_writes_it(gradcli):
    ended = gradcli("code", "q = x + y; f = q * z", "x=-2", "y=5", "z=-4")
    assert (ended.code, ended.err) == (0, "")
    assert (
        ended.out
        == """\
# read back, and every gradient checked against a numerical one at these inputs
x = -2.0
y = 5.0
z = -4.0

# forward pass
q = x + y  # (1)
f = q * z  # (2)

# backward pass
df = 1.0
dq = z * df  # (2)
dz = q * df  # (2)
dx = dq  # (1)
dy = dq  # (1)
"""
    )


def test_the_multiply_gate_is_the_lectures(gradcli):
    assert (
        gradcli("code", "x*y", "x=3", "y=2", "--class", "MultiplyGate").out
        == '''\
# read back, and every gradient checked against a numerical one at these inputs
class MultiplyGate:
    """x * y"""

    def forward(self, x, y):
        f = x * y  # (1)
        self.cache = x, y
        return f

    def backward(self, df):
        x, y = self.cache
        dx = y * df  # (1)
        dy = x * df  # (1)
        return dx, dy
'''
    )


def test_stable_forms_have_the_textbook_form_beside_them(gradcli):
    out = gradcli("code", "t = tanh(x); f = t*t", "x=1").out
    assert "dx = tanh_slope(x) * dt  # (1) local gradient: 1 - tanh(x)**2" in out
    out = gradcli("code", "t = tanh(x); f = t*t", "x=1", "--textbook").out
    assert "dx = (1 - math.tanh(x)**2) * dt  # (1)" in out
    assert "tanh_slope" not in out


GUARDED = [
    ("max(sqrt(x), y)", {"x": 0.0, "y": 1.0}),
    ("where(x > 0.5, 1/x, y) + y", {"x": 1e-320, "y": 1.0}),
    ("y*sqrt(x)", {"x": 0.0, "y": 0.0}),
    ("relu(-cbrt(x) - y)", {"x": 0.0, "y": 1.0}),
]


@pytest.mark.parametrize("language", ["python", "numpy"])
@pytest.mark.parametrize(("text", "bound"), GUARDED, ids=[text for text, _ in GUARDED])
def test_a_zero_that_comes_back_stays_zero_whatever_the_slope_is(language, text, bound):
    report = evaluate(text, bound, check=False)
    with np.errstate(all="ignore"):
        scope = executed(code(text, bound, language=language).text)
    for name, gradient in report.gradients.items():
        assert scope[f"d{name}"] == gradient


BATCHED = [case for case in SCALARS if "[" not in case[0]]


@pytest.mark.parametrize(
    ("text", "bound"), [*BATCHED, *ARRAYS[:6]], ids=lambda part: str(part)[:40]
)
def test_batched_code_computes_every_point(text, bound):
    points = [bound, {name: np.multiply(value, 1.01) for name, value in bound.items()}, bound]
    reports = [evaluate(text, point, check=False) for point in points]
    columns = [np.stack([np.asarray(r.inputs[name], dtype=float) for r in reports])
               for name in reports[0].gradients]  # fmt: skip
    made = executed(code(text, bound, batched=True).text)
    run = made.get("gradient_batched") or made["gradient"]
    before = [column.copy() for column in columns]
    value, gradients = run(*columns)
    assert close(value, [r.value for r in reports])
    for name, gradient in zip(reports[0].gradients, gradients, strict=True):
        assert close(gradient, [r.gradients[name] for r in reports])
    assert all(map(np.array_equal, columns, before))


@pytest.mark.parametrize("text", ["sum(max(z, axis=1)) + max(z)", "sum(std(z, axis=1)*[1, 2])"])
def test_gates_of_rows_are_written_in_our_own_language(text):
    written = code(text, {"z": [[1, 2, 3], [0, 1, 1.5]]}, language="grad").text
    assert check(written).verdict == "pass"


def test_what_is_no_line_of_our_own_language_is_said():
    with pytest.raises(UsageError, match="what `sort` hands on is no formula that fits in a line"):
        code("sum(sort(z)**2)", {"z": [1, 3, 2]}, language="grad")


@pytest.mark.parametrize("language", ["python", "numpy"])
def test_the_largest_of_one_number_is_that_number(language):
    text = "f = max(x) + logsumexp(x)*mean(x)"
    report = evaluate(text, {"x": 3}, check=False)
    agrees(executed(code(text, {"x": 3}, language=language).text), report)


def test_parts_of_an_array_are_added_to_zeros_of_its_kind():
    text, bound = "p = exp(x); f = p[0]*p[1]", {"x": [1, 2]}
    assert "dp = np.zeros_like(p, dtype=float)\n" in code(text, bound).text
    assert "    dp = torch.zeros_like(p)\n" in code(text, bound, language="torch").text


def test_batched_code_is_of_numpy(gradcli):
    assert (
        "--batched is written in NumPy"
        in gradcli("code", "x*y", "x=1", "y=2", "--batched", "--lang", "c").err
    )


def test_ordinary_products_have_no_guard():
    for text in ("x/y*z", "log(x)*y + sqrt(z)", "num = x + y; invden = 1/z; f = num*invden"):
        made = code(text, {"x": 1, "y": 2, "z": 3}).text
        assert " if d" not in made


def test_what_stands_on_a_branch_is_written_as_the_gate_has_it(gradcli):
    ended = gradcli("code", "xlogy(x, y)", "x=0", "y=2")
    assert (ended.code, ended.err) == (0, "")
    assert "checked near these inputs, which stand on a branch" in ended.out
    assert "dx = math.log(y) * df" in ended.out


def test_names_that_a_language_has_taken_get_another(gradcli):
    out = gradcli("code", "double = x*2; f = double*double", "x=1", "--lang", "c").out
    assert "double double_ = x * 2.0;" in out
    assert "def = " not in gradcli("code", "x*2", "x=1").out


def test_what_follows_the_suffix_of_a_file(gradcli, tmp_path):
    for suffix, sign in {
        ".py": "# forward",
        ".c": "#include",
        ".js": "let f",
        ".grad": "# backward",
    }.items():
        assert gradcli("code", "f = x*y", "x=3", "y=2", "-o", f"out{suffix}").code == 0
        assert sign in (tmp_path / f"out{suffix}").read_text()
    assert gradcli("code", "x*y", "x=3", "y=2", "-o", "out.rs").code == 2


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["digamma(x)", "x=3"], "Python has no `polygamma`"),
        (["x*y", "x=3", "y=2", "--lang", "c", "--class", "A"], "a class is written in Python or NumPy, not in c"),
        (["x*y", "x=3", "y=2", "--function", "a b"], "`a b` cannot be the name of a function"),
        (["x*y", "x=3", "y=2", "--function", "a", "--class", "B"], "--function and --class exclude each other"),
        (["softmax(x)", "x=[1,2]"], "the output is an array: what comes back to it is needed"),
    ],
)  # fmt: skip
def test_what_cannot_be_written_is_said(gradcli, words, message):
    ended = gradcli("code", *words)
    assert (ended.code, ended.out) == (2, "")
    assert message in ended.err


@pytest.mark.parametrize("language", ["python", "numpy"])
def test_what_is_no_number_is_none_in_code(language):
    """Neither as an input nor outside the domain of a gate, where nothing else is right."""
    made = executed(code("xlogy(x, y)", {"x": 0.5, "y": 2}, language=language).text)
    with np.errstate(invalid="ignore"):
        assert math.isnan(made["xlogy"](0.0, -1.0))
    assert math.isnan(executed(code("x*y", {"x": math.nan, "y": 2}, language=language).text)["x"])


@pytest.mark.parametrize(("language", "line"), [("c", "NAN"), ("javascript", "let x = NaN;")])
def test_each_language_has_a_word_for_no_number(language, line):
    text = "xlogy(x, y)" if language == "c" else "x*y"
    assert (
        line
        in code(text, {"x": 0 if language == "c" else math.nan, "y": 1}, language=language).text
    )


@pytest.mark.parametrize(("text", "is_said"), [("x**0.5", True), ("1/x", True), ("x*x", False)])
def test_python_that_raises_where_something_is_infinite_says_so(gradcli, text, is_said):
    told = gradcli("code", text, "x=0").out
    assert ("# something is infinite at these inputs" in told) == is_said
    if is_said:
        with pytest.raises(ZeroDivisionError):
            exec(told, {})  # our own code


@pytest.mark.parametrize(
    ("words", "written"),
    [
        (["(x+y)*z", "--lang", "formula"], "df/dz = x + y"),
        (
            ["acosh(x)*y", "--lang", "latex"],
            r"\sqrt{x^{2} - 1}",
        ),  # nothing below 1 is in its domain
        (["q = x*y; f = max(q, y)", "y=2", "--function", "made"], "def made(y, x, df=1.0):"),
        (["x*y", "--class", "MultiplyGate"], "dx = y * df"),
    ],
)
def test_what_holds_for_all_numbers_needs_none(gradcli, words, written):
    ended = gradcli("code", *words)
    assert ended.code == 0
    assert written in ended.out
    assert ended.err.startswith("warning: taken as numbers, without a value: x=")
    assert gradcli("code", *words, "--strict").code == 2


@pytest.mark.parametrize(
    "words",
    [
        ["x*y"],  # a script begins with its inputs
        ["sum(x)", "--lang", "formula"],
        ["W @ x", "--lang", "formula"],
        ["x[0]*y", "--lang", "formula"],
        ["max(x)*y", "--class", "Made"],
        ["x*alhpa", "alpha=2", "x=1", "--lang", "formula"],
        ["x*sn(y)", "--lang", "formula"],
    ],
)
def test_what_may_be_an_array_or_misspelt_is_asked_for(gradcli, words):
    ended = gradcli("code", *words)
    assert (ended.code, ended.out) == (2, "")
    assert "has no value" in ended.err or "unknown function" in ended.err


@pytest.mark.parametrize("language", ["python", "numpy"])
@pytest.mark.parametrize(("text", "bound"), SCALARS[:3], ids=[text for text, _ in SCALARS[:3]])
def test_an_upstream_gradient_of_a_number_is_written_and_read_back(text, bound, language):
    report = evaluate(text, bound, check=False, upstream=2.5)
    made = code(text, bound, language=language, upstream=2.5).text
    assert "read back, and every gradient checked" in made
    assert "df = 2.5" in made
    agrees(executed(made), report)


@pytest.mark.parametrize(("language", "name"), [("c", "C"), ("python", "Python")])
def test_an_output_of_several_numbers_is_refused_where_code_has_no_arrays(language, name):
    message = f"the output is an array, and code in {name} is of numbers; write --lang numpy"
    with pytest.raises(UsageError, match=message):
        code("v*x", {"v": [1, 2], "x": 3}, language=language, upstream=[1, 2])
