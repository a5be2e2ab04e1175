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
from written_code import ARRAYS, CLOSE, SCALARS, agrees, close, executed, flat

from gradcli.api import check, code, evaluate
from gradcli.errors import GradcliError, UsageError
from tests.array_programs import OTHERS, draws

SAMPLES = Path(__file__).parent.parent / "sample_exprs"
PROGRAMS = sorted(path for path in SAMPLES.glob("*.grad"))
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
