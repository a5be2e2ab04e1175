"""`gradcli code --lang formula`: one simplified formula a derivative, in the terms of the stages."""

import shutil
import subprocess
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gradcli.api import code
from gradcli.errors import GradcliError

SAMPLES = Path(__file__).parent.parent / "sample_exprs"
PROGRAMS = sorted(SAMPLES.glob("*.grad"))


def formulas(text, bound=(), form="formula", **options):
    return code(text, bound, language=form, **options).text.splitlines()


def derivatives(text, bound=(), **options):
    lines = formulas(text, bound, **options)
    return lines[lines.index("") + 1 :]


A, B = [[1, 2], [3, 5]], [[2, 1], [0, 1]]
KNOWN = [
    ("(x+y)*z", {"x": -2, "y": 5, "z": -4}, ["df/dx = z", "df/dy = z", "df/dz = x + y"]),
    ("q = x + y; f = q*z", {"x": -2, "y": 5, "z": -4}, ["df/dx = z", "df/dy = z", "df/dz = q"]),
    ("x*x*x/2", {"x": 3}, ["df/dx = 1.5 * x**2"]),
    ("x/3 - y", {"x": 3, "y": 1}, ["df/dx = 1 / 3", "df/dy = -1"]),
    ("s = sigmoid(x); L = s*y/z", {"x": 1, "y": 2, "z": 3},
     ["dL/dx = y * s * (1 - s) / z", "dL/dy = s / z", "dL/dz = -y * s / z**2"]),
    ("t = tanh(x); f = t**2", {"x": 1}, ["df/dx = 2 * t * (1 - t**2)"]),
    ("sqrt(x)", {"x": 2}, ["df/dx = 1 / (2 * sqrt(x))"]),
    ("x/sqrt(x**2 + y)", {"x": 2, "y": 3},
     ["df/dx = 1 / sqrt(x**2 + y) - x**2 / (x**2 + y)**1.5", "df/dy = -0.5 * x / (x**2 + y)**1.5"]),
    ("max(x, y) + relu(z)", {"x": 2, "y": 1, "z": 1},
     ["df/dx = x >= y", "df/dy = x < y", "df/dz = z > 0"]),
    ("x**x", {"x": 2}, ["df/dx = x**x + x**x * log(x)"]),
    ("s = sum(k*(x - mean(x)))", {"x": [1, 2, 4], "k": 3},
     ["ds/dx = zeros(3)", "ds/dk = sum(x - mean(x))"]),
    ("x**y", {"x": 2, "y": 3}, ["df/dx = y * x**(y - 1)", "df/dy = x**y * log(x)"]),
    ("y + 0*x + x - x", {"x": 2, "y": 3}, ["df/dx = 0", "df/dy = 1"]),
    ("sum((W@x)**2)", {"W": A, "x": [1, 2]},
     ["df/dW = 2 * outer(W @ x, x)", "df/dx = 2 * W.T @ (W @ x)"]),
    ("mean((X@w - y)**2)", {"X": [[1, 2], [3, 4], [5, 6]], "w": [1, 2], "y": [1, 2, 3]},
     ["df/dX = 2 * outer(X @ w - y, w) / 3", "df/dw = 2 * X.T @ (X @ w - y) / 3",
      "df/dy = 2 * (y - X @ w) / 3"]),
    ("x @ M @ x", {"M": A, "x": [1, 2]}, ["df/dM = outer(x, x)", "df/dx = x @ M + M @ x"]),
    ("trace(X.T @ W @ X)", {"X": A, "W": B}, ["df/dX = W.T @ X + W @ X", "df/dW = X @ X.T"]),
    ("log(det(M)) + trace(M @ N)", {"M": A, "N": B}, ["df/dM = N.T + inv(M).T", "df/dN = M.T"]),
    ("p = softmax(z); L = -log(p[1])", {"z": [1, 2, 3]}, ["dL/dz = p - one_hot(1, 3)"]),
    ("var(x)", {"x": [1, 2, 4]}, ["df/dx = 2 * (x - mean(x)) / 3"]),
    ("norm(x) + max(x)", {"x": [1, 2, 4]}, ["df/dx = (x == max(x)) + x / norm(x)"]),
    ("y = W @ x", {"W": A, "x": [1, 2]}, ["dW = outer(dy, x)", "dx = W.T @ dy"]),
    ("w = [2, -3]; f = w[0]*x + w[1]", {"x": 3},
     ["df/dx = w[0]", "df/dw[0] = x", "df/dw[1] = 1"]),
    ("sum(X * b)", {"X": A, "b": [1, 2]},
     ["df/dX = b * ones(2, 2)", "df/db = sum(X, axis=0)"]),
    ("prod(x)", {"x": [1, 2, 4]}, ["df/dx = prod(x) / x"]),
    ("sum(cumsum(x)*tril(X)[0])", {"x": [1, 2], "X": A}, None),
    ("sum(flip(x)*x[0])", {"x": [1, 2]}, None),
]  # fmt: skip


@pytest.mark.parametrize(("text", "bound", "expected"), KNOWN, ids=[row[0] for row in KNOWN])
def test_derivatives_are_one_simplified_formula(text, bound, expected):
    lines = derivatives(text, bound)
    assert expected is None or sorted(lines) == sorted(expected)


@pytest.mark.parametrize("path", PROGRAMS, ids=lambda path: path.stem)
@pytest.mark.parametrize("form", ["formula", "latex"])
def test_samples_are_written_and_agree_with_the_engine(path, form):
    """Agreement is checked while they are written."""
    lines = formulas(path.read_text("utf-8"), name=path.name, form=form)
    assert "checked against the backward pass" in lines[0]


def test_an_output_without_a_name_gets_one_that_is_free():
    assert derivatives("f*f_", {"f": 1, "f_": 2}) == ["df__/df = f_", "df__/df_ = f"]


def test_only_what_is_asked_for_is_written():
    assert derivatives("x*y", {"x": 1, "y": 2}, wrt=["y"]) == ["df/dy = x"]


def test_a_wrong_formula_is_never_written(monkeypatch):
    from gradcli.emit.formula.terms import Terms

    monkeypatch.setattr(Terms, "negative", lambda self, term: term)
    with pytest.raises(GradcliError, match="does not agree with the engine"):
        formulas("x - y*z", {"x": 1, "y": 2, "z": 3})


def test_what_cannot_be_written_is_an_error():
    with pytest.raises(
        GradcliError, match=r"the formula needs `.*`, which the language does not have"
    ):
        formulas("sum(cumprod(x))", {"x": [1, 2]})
    with pytest.raises(GradcliError, match="random numbers cannot be written"):
        formulas("sum(x*randn(2))", {"x": [1, 2]})


def test_an_endless_formula_is_refused_and_not_written():
    nested = "exp(sin(" * 400 + "x" + "))" * 400
    with pytest.raises(GradcliError, match="too long to be read"):
        formulas(nested, {"x": 0.1})


ATOMS = st.sampled_from(["x", "y", "z", "2", "0.5"])
TREES = st.recursive(
    ATOMS,
    lambda inner: st.one_of(
        st.builds("({} {} {})".format, inner, st.sampled_from("+-*/"), inner),
        st.builds(
            "{}({})".format, st.sampled_from(["sin", "exp", "tanh", "relu", "sigmoid"]), inner
        ),
        st.builds("max({}, {})".format, inner, inner),
        st.builds("({})**2".format, inner),
    ),
    max_leaves=6,
)


@given(TREES)
def test_random_formulas_agree_with_the_engine(text):
    """A disagreement is an error of its own; where nothing is finite there is nothing to agree."""
    try:
        formulas(f"x + y*z + {text}", {"x": 0.3, "y": -0.7, "z": 1.2})
    except GradcliError as error:
        assert "does not agree" not in error.message, error


LATEX = [
    ("(x+y)*z", {"x": -2, "y": 5, "z": -4}, r"\frac{\partial f}{\partial z} &= x + y"),
    ("1/(1+exp(-alpha*x1))", {"alpha": 1, "x1": 2}, r"\alpha \, x_{1}"),
    ("sum((W@x)**2)", {"W": A, "x": [1, 2]}, r"2 \, W^{\top} \left(W x\right)"),
]


@pytest.mark.parametrize(("text", "bound", "expected"), LATEX, ids=[row[0] for row in LATEX])
def test_formulas_in_latex(text, bound, expected):
    assert expected in "\n".join(formulas(text, bound, form="latex"))


@pytest.mark.skipif(shutil.which("pdflatex") is None, reason="needs a TeX")
def test_latex_compiles(tmp_path):
    bodies = [
        code(text, bound, language="latex").text for text, bound, expected in KNOWN if expected
    ]
    page = "\\documentclass{article}\\usepackage{amsmath}\\begin{document}\n%s\\end{document}\n"
    (tmp_path / "page.tex").write_text(page % "\n".join(bodies))
    ended = subprocess.run(
        ["pdflatex", "-interaction=nonstopmode", "-halt-on-error", "page.tex"],
        cwd=tmp_path, capture_output=True, timeout=60, check=False,
    )  # fmt: skip
    assert ended.returncode == 0, ended.stdout[-2000:]
