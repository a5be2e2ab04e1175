"""Names that code cannot bear as they are: what is written computes what the engine does."""

import json
import shutil
import subprocess

import pytest
from written_code import close, executed

from gradcli.api import code, evaluate

AS_STAGE = (
    "{0} = sigmoid(x)*max(x, y)*exp(x); f = {0}*abs(y) + sigmoid({0}) + max(y, {0}) + round(x)"
)
AS_INPUT = "f = {0}*x + {0}**2*sin(x) + sigmoid({0})*max({0}, x) + abs(x)"
STAGES = ["sigmoid", "max", "abs", "exp", "sigmoid_slope", "fabs", "Math", "gradients", "M_PI",
          "INFINITY", "float", "math", "self", "kept", "ctx", "torch", "logaddexp"]  # fmt: skip
INPUTS = ["dx", "df", "dq1", "self", "np", "sigmoid_slope", "fmax", "gradients", "Math", "NAN",
          "lambda", "var", "int", "is", "ctx", "torch"]  # fmt: skip
PROGRAMS = [
    *((AS_STAGE.format(name), {"x": 0.75, "y": -1.25}) for name in STAGES),
    *((AS_INPUT.format(name), {name: 0.5, "x": -1.25}) for name in INPUTS),
    ("x_*lambda*lambda_", {"x_": 2, "lambda": 3, "lambda_": 5}),
    ("x*dx*ddx*dddx*dx_", {"x": 2, "dx": 3, "ddx": 5, "dddx": 7, "dx_": 11}),
    ("lambda[0]*x[1]*lambda_", {"lambda": [2, 3], "x": [5, 7], "lambda_": 11}),
    ("x_0*x[0]*dx_0*dx*ddx", {"x": [2, 3], "x_0": 5, "dx_0": 7, "dx": 11, "ddx": 13}),
    ("sum(var*x)*int[0]", {"var": [2, 3], "x": [5, 7], "int": [2, 3]}),
    ("x[0]*W[0][0]*W[1][0]", {"x": [3], "W": [[5], [7]]}),
]
ids = [f"{text[:20]} {[*bound]}" for text, bound in PROGRAMS]
written = pytest.mark.parametrize(("text", "bound"), PROGRAMS, ids=ids)


def made(text, bound, language, **wrapping):
    report = evaluate(text, bound, check=False)
    wrapping = wrapping or {"function": "made"}
    return report, code(text, bound, language=language, **wrapping).text


def agrees(report, value, gradients):
    assert close(value, report.value)
    for got, expected in zip(gradients, report.gradients.values(), strict=True):
        assert close(got, expected)


@pytest.mark.parametrize("language", ["python", "numpy"])
@written
def test_functions_of_python(text, bound, language):
    report, lines = made(text, bound, language)
    assert "read back, and every gradient checked against" in lines
    arrays = executed("import numpy as np")["np"].array
    inputs = [
        arrays(x) if language == "numpy" else x for x in map(report.inputs.get, report.gradients)
    ]
    agrees(report, *executed(lines)["made"](*inputs))


@written
def test_scripts_and_classes_of_python(text, bound):
    report = evaluate(text, bound, check=False)
    assert report.value in executed(code(text, bound, language="python").text).values()
    gate = executed(code(text, bound, language="python", gate_class="Made").text)["Made"]()
    value = gate.forward(*map(report.inputs.get, report.gradients))
    agrees(report, value, gate.backward(1.0))


@pytest.mark.skipif(shutil.which("gcc") is None, reason="needs a compiler of C")
@written
def test_c(text, bound, tmp_path):
    report, lines = made(text, bound, "c")
    inputs = [x for number in map(report.inputs.get, report.gradients) for x in flattened(number)]
    count, given = len(inputs), ", ".join(map(repr, inputs))
    main = f"""
#include <stdio.h>
int main(void) {{
    double slopes[{count}];
    printf("%.17g\\n", made({given}, 1.0, slopes));
    for (int k = 0; k < {count}; k++) printf("%.17g\\n", slopes[k]);
    return 0;
}}
"""
    source, program = tmp_path / "made.c", tmp_path / "made"
    source.write_text(lines + main)
    subprocess.run(
        ["gcc", "-Wall", "-Werror", "-Wno-unused", "-o", program, source, "-lm"], check=True
    )
    ended = subprocess.run([program], capture_output=True, check=True)
    value, *gradients = map(float, ended.stdout.split())
    expected = [x for number in report.gradients.values() for x in flattened(number)]
    assert close([value, *gradients], [report.value, *expected])


def flattened(number):
    return [x for part in number for x in flattened(part)] if isinstance(number, list) else [number]


@pytest.mark.skipif(shutil.which("node") is None, reason="needs node")
def test_javascript():
    reports, calls = [], []
    for text, bound in PROGRAMS:
        report, lines = made(text, bound, "javascript")
        inputs = ", ".join(json.dumps(report.inputs[name]) for name in report.gradients)
        reports.append(report)
        calls.append(f"(() => {{\n{lines}\nreturn made({inputs});\n}})()")
    script = f"console.log(JSON.stringify([{', '.join(calls)}]))"
    ended = subprocess.run(["node", "-e", script], capture_output=True, check=True)
    for report, (value, gradients) in zip(reports, json.loads(ended.stdout), strict=True):
        agrees(report, value, gradients)


@written
def test_torch(text, bound):
    torch = pytest.importorskip("torch")
    report, lines = made(text, bound, "torch")
    inputs = [torch.tensor(report.inputs[name], dtype=torch.float64, requires_grad=True)
              for name in report.gradients]  # fmt: skip
    value = executed(lines)["made"].apply(*inputs)
    value.backward()
    agrees(report, value.item(), [x.grad.numpy() for x in inputs])


@pytest.mark.parametrize("language", ["jax", "julia", "torch"])
@written
def test_no_name_is_given_twice(text, bound, language):
    report, lines = made(text, bound, language)
    head = next(
        line
        for line in lines.splitlines()
        if line.startswith(("def made(", "function made(")) or "def forward(" in line
    )
    names = head[head.index("(") + 1 : head.rindex(")")].partition(";")[0].split(", ")
    assert len({*names}) == len(names) == len(report.gradients) + (language == "torch")


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("for", "`for` has a meaning in Python"),
        ("int", "`int` has a meaning in C"),
        ("2x", "use letters"),
    ],
)
def test_why_a_function_cannot_have_a_name_is_said(gradcli, name, hint):
    assert hint in gradcli("code", "x*x", "x=2", "--function", name).err


def test_julia_takes_elements_by_their_places_and_gives_arrays_back():
    lines = code("sum(W@x)", {"W": [[1, 2, 3], [4, 5, 6]], "x": [7, 8, 9]}, language="julia").text
    assert "W_0_0, W_0_1, W_0_2, W_1_0, W_1_1, W_1_2 = W[1, 1], W[1, 2], W[1, 3], W[2, 1]" in lines
    assert "x_0, x_1, x_2 = x[1], x[2], x[3]" in lines
    rows = "dW_0_0, dW_0_1, dW_0_2, dW_1_0, dW_1_1, dW_1_2"
    assert f"dW = permutedims(reshape([{rows}], 3, 2), (2, 1))" in lines


@pytest.mark.parametrize("words", [("exercise",), ("code", "--lang", "grad")])
def test_a_program_whose_input_is_a_gradient_asks_for_another_name(gradcli, words):
    ended = gradcli(*words, "dx**2*x*sin(dx)", "x=1.5", "dx=0.5")
    assert (ended.code, ended.out) == (2, "")
    assert "`dx` is an input, and the gradient of `x`: rename it" in ended.err
