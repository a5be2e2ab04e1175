"""Code that `gradcli code` writes computes what the engine computes, in every language."""

import json
import math
import shutil
import subprocess
from pathlib import Path
from random import Random

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gradcli.api import check, code, evaluate
from gradcli.errors import GradcliError, UsageError
from tests.array_programs import OTHERS, draws

SAMPLES = Path(__file__).parent.parent / "sample_exprs"
PROGRAMS = sorted(path for path in SAMPLES.glob("*.grad"))
CLOSE = 1e-12  # relative: some tens of roundings of sums that cancel a little


def flat(number):
    return np.ravel(np.asarray(number, dtype=float))


def close(got, expected):
    return np.allclose(flat(got), flat(expected), rtol=CLOSE, atol=1e-300, equal_nan=True)


def executed(text):
    """What a script of ours leaves behind, or a module of ours defines."""
    scope = {}
    exec(text, scope)  # code that the tests have had written
    return scope


def agrees(scope, report):
    assert close(scope["f"] if "f" in scope else scope[report.output], report.value)
    for name, gradient in report.gradients.items():
        got = scope[f"d{name}"]
        assert np.shape(got) == np.shape(gradient), name
        assert close(got, gradient), (name, got, gradient)


SCALARS = [
    ("(x+y)*z", {"x": -2, "y": 5, "z": -4}),
    ("1/(1+exp(-(w0*x0+w1*x1+w2)))", {"w0": 2, "x0": -1, "w1": -3, "x1": -2, "w2": -3}),
    ("sigmoid(x) + tanh(y)*softplus(z) - gelu(x*y)", {"x": 0.7, "y": -1.3, "z": 2}),
    ("max(x, y, z)*min(x, y) + hypot(x, y, z)", {"x": 3, "y": 1.5, "z": 2}),
    ("where(x > y, x**3, y**2) + (z if x < y else 2*z)", {"x": 3, "y": 1.5, "z": 2}),
    ("x**y + 2**x - x**2/y**0.5 + log(x, 3)", {"x": 3, "y": 1.5}),
    ("relu(x)*leaky_relu(y) + huber(z) + elu(y) + hardtanh(z)", {"x": 3, "y": -1.5, "z": 2}),
    ("erf(x) + erfc(y)*z + normcdf(x) + normpdf(y)", {"x": 0.3, "y": 0.5, "z": 2.5}),
    ("logsumexp(x, y) + sinc(x)*logit(y) + xlogy(x, y) + mish(x)", {"x": 1.3, "y": 0.6}),
    ("lgamma(x)*gamma(y) + atan2(x, y)", {"x": 0.3, "y": 2.5}),
    (
        "asin(x) + acos(y) + atan2(x, y) + sinh(x)*cosh(y) + atanh(x) + log1p(y)",
        {"x": 0.3, "y": 0.6},
    ),
    ("floor(x)*y + round(x) + step(y)*x + sign(x)*y + abs(y)", {"x": 2.3, "y": -0.6}),
    ("w = [2, -3, -3]; x = [-1, -2]; f = tanh(w[0]*x[0] + w[1]*x[1] + w[2])", {}),
    ("lambda1 = 2; a = lambda1*x; b = a*a; f = a + b*exp(-b)", {"x": 0.3}),
]
LANGUAGES = ("python", "numpy", "c", "javascript", "grad")


def test_what_depends_on_no_input_is_computed_in_floats():
    written = code("9**9**9*x", {"x": 2.0}).text
    assert "q1 = 9.0**9.0  # (1)\nq2 = 9.0**q1  # (2)" in written  # of ints, without end
    with pytest.raises(OverflowError):
        executed(written)
    with pytest.raises(UsageError, match="numbers beyond float64"):
        code("5e-324/x*5e-324", {"x": 2.0}, language="formula")


@pytest.mark.parametrize("form", ["script", "function", "class", "textbook"])
@pytest.mark.parametrize("language", ["python", "numpy"])
@pytest.mark.parametrize(("text", "bound"), SCALARS, ids=[text for text, _ in SCALARS])
def test_python_and_numpy_compute_what_the_engine_does(language, form, text, bound):
    report = evaluate(text, bound, check=False)
    inputs = [report.inputs[name] for name in report.gradients]
    if form in ("script", "textbook"):
        made = code(text, bound, language=language, textbook=form == "textbook").text
        agrees(executed(made), report)
        return
    wrapping = {"function": "run"} if form == "function" else {"gate_class": "Run"}
    made = executed(code(text, bound, language=language, **wrapping).text)
    if form == "function":
        value, gradients = made["run"](*inputs)
    else:
        gate = made["Run"]()
        value, gradients = gate.forward(*inputs), gate.backward(1.0)
        gradients = gradients if len(inputs) > 1 else [gradients]
    assert close(value, report.value)
    assert all(map(close, gradients, report.gradients.values()))


ARRAYS = [
    (
        "f = sum(relu(W @ X + b)**2)",
        {"W": [[1, 2], [3, -4]], "X": [[1, 2], [-3, 4]], "b": [0.5, 2]},
    ),
    ("f = mean(W @ x)", {"W": [[1, 2, 3], [3, -4, 5]], "x": [1, 2, 4]}),
    ("f = sum(x)", {"x": [1, 2, 3]}),
    ("s = x + x.T; f = sum(s*s) + sum(s)", {"x": [[1, 2], [3, 4]]}),
    (
        "p = softmax(z, axis=1); f = -sum(log(p)*y)",
        {"z": [[1, 2, 3], [0, 1, -1]], "y": [[0, 1, 0], [1, 0, 0]]},
    ),
    ("f = sum(logsumexp(z, axis=1) - logsumexp(z, axis=0)[0])", {"z": [[1, 2, 3], [0, 1, -1]]}),
    ("f = sum(np.max(z, axis=1)**2) + max(z) + min(z) + norm(z)", {"z": [[1, 2, 3], [0, 1, 1]]}),
    (
        "f = sum(var(z, axis=0)*std(z, axis=1)[0]) + var(z) + std(z) + norm(z[0])",
        {"z": [[1, 2, 3], [0, 1, 1]]},
    ),
    ("f = sum(norm(z, axis=1)*mean(z, axis=1))", {"z": [[1, 2, 3], [0, 1, 1]]}),
    ("f = sum(outer(x, y)**2) + trace(outer(x, y))", {"x": [1, 2], "y": [3, 4]}),
    ("c = concatenate([x, y]); f = sum(c**3) + c[1]*c[3]", {"x": [1, 2], "y": [3, 4]}),
    ("f = sum(reshape(x, (4,))[1:3]**2)*x[0][1]", {"x": [[1, 2], [3, 4]]}),
    ("f = x @ y + sum(W @ x) + sum(x @ W)", {"x": [1, 2], "y": [3, 4], "W": [[1, 2], [3, 5]]}),
    ("f = sum(transpose(x, (1, 0, 2))*2)", {"x": [[[1, 2], [3, 4]]]}),
    ("f = sum((x - mean(x, axis=0, keepdims=True))*k)", {"x": [[1, 2], [3, 5]], "k": 3}),
    ("f = sum([x, y]*2)", {"x": [1, 2], "y": [3, 4]}),
]


@pytest.mark.parametrize(("text", "bound"), ARRAYS, ids=[text for text, _ in ARRAYS])
def test_numpy_computes_arrays_as_the_engine_does(text, bound):
    report = evaluate(text, bound, check=False)
    agrees(executed(code(text, bound).text), report)
    made = executed(code(text, bound, function="run").text)
    inputs = [np.array(report.inputs[name], dtype=float) for name in report.gradients]
    before = [x.copy() for x in inputs]
    value, gradients = made["run"](*inputs)
    assert close(value, report.value)
    assert all(map(close, gradients, report.gradients.values()))
    assert all(map(np.array_equal, inputs, before)), "nothing that was handed in has changed"


# Every function of arrays, by the texts of the tests of arrays.
(MATRIX,) = draws((2, 3))


@pytest.mark.parametrize("text", OTHERS)
def test_numpy_has_every_gate_of_arrays(text):
    """Where numpy has no function for a pullback, a helper stands before the code."""
    program, bound = f"f = sum(sin({text}))", {"x": MATRIX}
    agrees(executed(code(program, bound).text), evaluate(program, bound, check=False))


WITHOUT_FORMULA = ("cumprod", "np.cumprod", "sort", "det([")


@pytest.mark.parametrize("text", [t for t in OTHERS if not t.startswith(WITHOUT_FORMULA)])
def test_every_gate_of_arrays_has_a_formula(text):
    made = code(f"f = sum(sin({text}))", {"x": MATRIX}, language="formula").text
    assert "df/dx" in made


@pytest.mark.parametrize("path", PROGRAMS, ids=lambda path: path.stem)
def test_samples_are_written_in_python_or_numpy(path):
    text = path.read_text("utf-8")
    report = evaluate(text, name=path.name, check=False)
    agrees(executed(code(text, name=path.name).text), report)


@pytest.mark.parametrize("path", PROGRAMS, ids=lambda path: path.stem)
def test_samples_in_our_own_language_are_right_line_for_line(path):
    try:
        made = code(path.read_text("utf-8"), name=path.name, language="grad").text
    except GradcliError as error:
        assert "cannot" in error.message or "pullback" in str(error)
        return
    case = check(made).cases[0]
    assert {line.verdict for line in case.lines} <= {"pass", "kink"}
    assert case.lines


SYMBOLS = st.sampled_from(["x", "y", "z", "2", "0.5"])
FORMS = ["({} + {})", "({} - {})", "({} * {})", "({} / ({}**2 + 1))", "max({}, {})", "hypot({}, {})",
         "({0} if {0} > {1} else {1}*2)", "tanh({} - {})", "sigmoid({} * {})"]  # fmt: skip
TREES = st.recursive(
    SYMBOLS,
    lambda inner: st.builds(lambda f, a, b: f.format(a, b), st.sampled_from(FORMS), inner, inner),
    max_leaves=12,
)


@given(TREES)
def test_random_expressions_in_python(text):
    bound = {"x": 0.7, "y": -1.3, "z": 2.5}
    bound = {name: value for name, value in bound.items() if name in text.replace("max", "")}
    if not bound:
        return
    report = evaluate(text, bound, check=False)
    if math.isfinite(report.value):
        agrees(executed(code(text, bound).text), report)


OF_ARRAYS = ["tanh({})", "exp(-({})**2)", "flip({}, axis=1)", "cumsum({}, axis=0)", "relu({})",
             "softmax({}, axis=1)", "{} - mean({}, axis=0)", "{} * sum({}, axis=1, keepdims=True)",
             "{} + {}", "{} * {}", "({} @ K)", "sort({}, axis=1)", "{} / ({}**2 + 1)",
             "where({} > 0.3, {}, 1)", "max({}, {})", "roll({}, 1)"]  # fmt: skip
ARRAY_TREES = st.recursive(
    st.sampled_from(["X", "Y", "(Y - b)"]),
    lambda inner: st.builds(
        lambda f, a, b: f.format(*[a, b][: f.count("{}")]), st.sampled_from(OF_ARRAYS), inner, inner
    ),
    max_leaves=5,
)
POINT = {"X": [[0.5, -1.2, 0.7], [1.1, 0.4, -0.3]], "Y": [[0.2, 0.9, -0.6], [-1.4, 0.8, 1.3]],
         "b": [0.3, -0.8, 0.6], "K": [[0.5, 0.1, -0.4], [0.7, -0.2, 0.3], [0.1, 0.6, 0.9]]}  # fmt: skip


@pytest.mark.slow
@settings(max_examples=40)
@given(ARRAY_TREES)
def test_random_programs_of_arrays_in_numpy(text):
    text = f"f = sum(({text}) * (X + b))"
    bound = {name: value for name, value in POINT.items() if name in text}
    scope = executed(code(text, bound, language="numpy").text)
    for name, gradient in evaluate(text, bound, check=False).gradients.items():
        # what cancels leaves roundings of numbers near 1
        assert np.allclose(scope[f"d{name}"], gradient, rtol=CLOSE, atol=CLOSE), name


@pytest.mark.slow
@settings(max_examples=40)
@given(ARRAY_TREES)
def test_random_programs_of_arrays_have_formulas(text):
    """A formula that does not agree with the engine is an error of its own."""
    text = f"f = sum(({text}) * (X + b))"
    bound = {name: value for name, value in POINT.items() if name in text}
    try:
        code(text, bound, language="formula")
    except GradcliError as error:
        assert any(
            words in error.message for words in ("cannot be written", "the language does not have")
        )


# ---------------------------------------------------------------- compiled elsewhere


def drawn(count):
    """Random expressions of numbers, the same every time."""
    random = Random(5)

    def tree(depth):
        if depth == 0 or random.random() < 0.2:
            return random.choice(["x", "y", "z", "2", "0.5"])
        return random.choice(FORMS).format(tree(depth - 1), tree(depth - 1))

    return [(f"({tree(4)}) + x*y*z", {"x": 0.7, "y": -1.3, "z": 2.5}) for _ in range(count)]


def leaves(report):
    """The elements of all inputs, and of all gradients, in order."""
    return [list(flat(values)) for values in (
        np.concatenate([flat(x) for x in report.inputs.values()]),
        np.concatenate([flat(x) for x in report.gradients.values()]),
    )]  # fmt: skip


@pytest.mark.skipif(not shutil.which("gcc"), reason="no C compiler")
def test_c_computes_what_the_engine_does(tmp_path):
    programs = [*SCALARS, ARRAYS[0], *drawn(20)]
    parts, mains = [], []
    for k, (text, bound) in enumerate(programs):
        made = code(text, bound, language="c", function=f"run{k}").text
        inputs, gradients = leaves(evaluate(text, bound, check=False))
        (tmp_path / f"run{k}.c").write_text(made)
        parts.append(tmp_path / f"run{k}.c")
        declared = ", ".join(["double"] * (len(inputs) + 1) + ["double *"])
        numbers = ", ".join(repr(float(x)) for x in [*inputs, 1.0])
        mains.append(f"extern double run{k}({declared});")
        mains.append(f"void call{k}(void) {{ double g[{len(gradients)}]; double f = run{k}({numbers}, g); "
                     f'printf("%.17g", f); for (int i = 0; i < {len(gradients)}; i++) '
                     f'printf(" %.17g", g[i]); printf("\\n"); }}')  # fmt: skip
    calls = "".join(f"call{k}();" for k in range(len(programs)))
    whole = (
        "#include <stdio.h>\n" + "\n".join(mains) + f"\nint main(void) {{ {calls} return 0; }}\n"
    )
    (tmp_path / "main.c").write_text(whole)
    command = ["gcc", "-Wall", "-Werror", "-Wno-unused", "-O0", "-o", tmp_path / "run", tmp_path / "main.c",
               *parts, "-lm"]  # fmt: skip
    built = subprocess.run(command, check=False, capture_output=True, text=True)
    assert built.returncode == 0, built.stderr
    rows = subprocess.run([tmp_path / "run"], check=True, capture_output=True, text=True).stdout
    for (text, bound), row in zip(programs, rows.splitlines(), strict=True):
        report = evaluate(text, bound, check=False)
        value, *gradients = map(float, row.split())
        assert close(value, report.value), text
        assert close(gradients, leaves(report)[1]), text


@pytest.mark.skipif(not shutil.which("node"), reason="no node")
def test_javascript_computes_what_the_engine_does(tmp_path):
    known = [
        *SCALARS,
        *drawn(40),
        ("erfinv(x)*erfcx(y) + lognormcdf(z)", {"x": 0.3, "y": 0.5, "z": -1.5}),
        ("gamma(x) + lgamma(y)*digamma(x) + polygamma(1, y)", {"x": 2.3, "y": 0.6}),
    ]
    lines = []
    for text, bound in known:
        made = code(text, bound, language="javascript", function="run").text
        values = [*evaluate(text, bound, check=False).inputs.values()]
        lines.append(
            f"console.log(JSON.stringify((() => {{ {made}\nreturn run(...{json.dumps(values)}); }})()));"
        )
    (tmp_path / "run.js").write_text("\n".join(lines))
    done = subprocess.run(
        ["node", tmp_path / "run.js"], check=False, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    for (text, bound), row in zip(known, done.stdout.splitlines(), strict=True):
        report = evaluate(text, bound, check=False)
        value, gradients = json.loads(row)
        assert close(value, report.value), text
        for got, expected in zip(gradients, report.gradients.values(), strict=True):
            assert close(got, expected), text


# ---------------------------------------------------------------- as people see it


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
