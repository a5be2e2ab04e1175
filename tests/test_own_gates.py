"""Gates of the user's own in expressions: read where they can be, else run."""

import json
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest

import gradcli
from gradcli.errors import GradcliError
from gradcli.foreign.own_rows import table_with

GATES = """
import numpy as np
import gradcli

class Product:
    def forward(self, x, y):
        self.x, self.y = x, y
        return x * y
    def backward(self, upstream):
        return self.y * upstream, self.x * upstream

class Switched(Product):
    def backward(self, upstream):
        return self.x * upstream, self.y * upstream

class Leak:
    def __init__(self, slope=0.1):
        self.slope = slope
    def forward(self, x):
        self.x = x
        return np.where(x > 0, x, self.slope * x)
    def backward(self, upstream):
        return np.where(self.x > 0, 1.0, self.slope) * upstream

class Relu:
    def forward(self, x):
        self.x = x
        return np.maximum(x, 0)
    def backward(self, upstream):
        return (self.x > 0) * upstream

class RowSum:
    def forward(self, x):
        self.shape = x.shape
        return x.sum(axis=1)
    def backward(self, upstream):
        return np.repeat(upstream[:, None], self.shape[1], axis=1)

@gradcli.gate(backward=lambda upstream, x: upstream / (1 + abs(x)) ** 2)
def soft(x):
    return x / (1 + abs(x))

@gradcli.gate(backward=lambda upstream, x: 2 * upstream / (1 + abs(x)) ** 2)
def soft_twice(x):
    return x / (1 + abs(x))

def helper(x):
    return x
"""


@pytest.fixture(scope="module")
def path(tmp_path_factory):
    file = tmp_path_factory.mktemp("gates") / "own.py"
    file.write_text(GATES)
    return str(file)


@pytest.fixture(scope="module")
def table(path):
    return table_with([path])


def evaluated(text, path, **bindings):
    return gradcli.evaluate(text, bindings, gates=[path])


def test_a_gate_stands_among_all_others(path):
    report = evaluated("(a + Product(b, c)) * d", path, a=1, b=2, c=3, d=4)
    assert report.value == 28
    assert report.gradients == {"a": 4, "b": 12, "c": 8, "d": 7}
    assert report.check.verdict == "pass"
    assert [stage.gate for stage in report.stages] == ["Product", "add", "mul"]
    assert report.notes == []


def test_what_it_passes_back_flows_on_and_is_judged(path):
    report = evaluated("(a + Switched(b, c)) * d", path, a=1, b=2, c=3, d=4)
    assert report.gradients == {"a": 4, "b": 8, "c": 12, "d": 7}
    assert {n: check.verdict for n, check in report.check.inputs.items()} == {
        "a": "pass", "b": "fail", "c": "fail", "d": "pass",
    }  # fmt: skip
    assert report.check.inputs["b"].numeric == 12
    case = gradcli.check("(a + Switched(b, c))*d", {"a": 1, "b": 2, "c": 3, "d": 4}, gates=[path])
    assert case.verdict == "fail"
    assert case.claims == 1


def test_a_gate_that_is_read_is_held_to_many_digits(path):
    """x - (x - 1e-20) in float64 is 0; the check knows better."""
    report = evaluated("Product(x, x + y) - x*x", path, x=1e8, y=1e-7)
    assert report.check.inputs["y"].noise is None
    assert report.check.inputs["y"].numeric == pytest.approx(1e8, rel=1e-12)


def test_a_gate_that_runs_is_an_estimate_everywhere(path, gradcli):
    words = ["soft(x)*y", "x=2", "y=5", "--gates", path]
    told = gradcli("eval", *words)
    assert told.code == 0
    assert "pass (estimate)" in told.out
    assert "`soft` runs and is not read" in told.out
    report = json.loads(gradcli("eval", *words, "--json").out)
    assert report["check"]["inputs"]["x"]["estimate"] is True
    assert report["gradients"]["x"] == pytest.approx(5 / 9)
    assert "estimate" in gradcli("explain", *words).out
    assert "soft" in gradcli("graph", *words).out
    wrong = gradcli("check", "soft_twice(x)*y", *words[1:])
    assert wrong.code == 1
    assert "fail (estimate)" in wrong.out
    assert "2 times the derivative" in wrong.out


def test_constants_are_keywords(path):
    x = [0.5, -2.0]
    assert evaluated("sum(Leak(x))", path, x=x).gradients["x"] == [1.0, 0.1]
    assert evaluated("sum(leak(x, slope=0.25))", path, x=x).gradients["x"] == [1.0, 0.25]
    with pytest.raises(GradcliError, match="`slope` of `Leak` is a constant"):
        evaluated("Leak(x, x)", path, x=2.0)
    with pytest.raises(GradcliError, match="`Leak` takes 2 operands"):
        evaluated("Leak()", path, x=2.0)


def test_shapes_are_those_of_the_code(path):
    report = evaluated("sum(RowSum(x)**2)", path, x=[[1, 2], [3, 4], [5, 6]])
    assert report.stages[0].value == [3, 7, 11]
    assert np.array(report.gradients["x"]).tolist() == [[6, 6], [14, 14], [22, 22]]
    assert report.check.verdict == "pass"


def test_a_name_that_a_built_in_gate_has_is_not_guessed(path):
    assert evaluated("Relu(x)*x", path, x=3.0).gradients["x"] == 6
    with pytest.raises(GradcliError, match="`relu` is a built-in gate, and Relu of"):
        evaluated("relu(x)", path, x=3.0)
    report = gradcli.evaluate("relu(x)*tanh(x)", {"x": 3.0}, gates=[path], override=True)
    assert report.stages[0].gate == "Relu"


def test_a_marked_function_may_not_have_a_built_in_name(tmp_path):
    file = tmp_path / "own.py"
    file.write_text(
        "import gradcli\n@gradcli.gate(backward=lambda g, x: 3 * g)\ndef tanh(x):\n    return 3 * x\n"
    )
    with pytest.raises(GradcliError, match=r"`tanh` of .* is the name of a built-in gate"):
        evaluated("tanh(x)", str(file), x=1.0)
    report = gradcli.evaluate("tanh(x) + sinh(x)", {"x": 0.5}, gates=[str(file)], override=True)
    assert report.gradients["x"] == pytest.approx(3 + np.cosh(0.5))
    assert gradcli.evaluate("tanh(x)", {"x": 0.5}).value == np.tanh(0.5)  # nothing is left of it


@pytest.mark.parametrize(
    ("name", "shapes", "is_read"),
    [("Product", [(), ()], True), ("Leak", [(2, 3)], True), ("RowSum", [(2, 3)], True),
     ("soft", [()], False), ("Switched", [(3,), (3,)], True)],
)  # fmt: skip
def test_what_can_be_read_has_texts(table, name, shapes, is_read):
    gate = table.functions[name]
    row, _ = gate.own.row([*gate.defaults], shapes)
    assert (row.code is None) == is_read
    assert bool(row.forward) == is_read


def test_what_needs_more_than_values_is_refused(path, gradcli):
    for options in (["--hessian"], ["--digits", "30"], ["--jacobian"]):
        done = gradcli("eval", "soft(x)*x", "x=2", "--gates", path, *options)
        assert done.code == 2
        assert "can be read" in done.err
    done = gradcli("code", "soft(x)*x", "x=2", "--gates", path)
    assert (done.code, done.out) == (2, "")
    assert "`soft` runs and is not read: it has no formula" in done.err


def test_forms_beside_a_gate_that_runs_are_fused(path, gradcli):
    words = ["x=2", "y=3", "--gates", path, "--fuse", "--json"]
    done = gradcli("eval", "soft(x)*y + 1/(1+exp(-y))", *words)
    report = json.loads(done.out)
    assert [stage["gate"] for stage in report["stages"]] == ["soft", "mul", "sigmoid", "add"]
    assert "np.float64" not in done.out
    refused = gradcli("eval", "sum(soft(x)*[1, y]) + 1/(1+exp(-y))", *words)
    assert refused.code == 2
    assert "--fuse takes arrays apart into numbers; `soft` runs and is not read" in refused.out


def test_code_has_what_was_read_and_formulas_are_derived(path, gradcli):
    """What `Switched` passes back is wrong, and stays so in code; a formula is the derivative."""
    words = ["(a + Switched(b, c)) * d", "a=1", "b=2", "c=3", "d=4", "--gates", path]
    code = gradcli("code", *words)
    assert code.code == 0
    assert "q1 = b * c" in code.out
    assert "db = " in code.out
    assert "db = c * dq1" not in code.out
    formula = gradcli("code", *words, "--lang", "formula").out
    assert formula.startswith("# of `Switched` the forward part is written out, and its gradient")
    assert "df/dc = b * d" in formula


def test_a_batch_passes_back_what_the_gates_do(path, gradcli, tmp_path):
    points = tmp_path / "points.csv"
    points.write_text("x,y\n1,2\n-3,4\n")
    words = ["--points", str(points), "--gates", path]
    assert gradcli("batch", "Switched(x, y) + x", *words).out == (
        "value,dx,dy\n3.0,2.0,2.0\n-15.0,-2.0,4.0\n"
    )
    assert gradcli("batch", "soft(x)*y", *words).out.startswith("value,dx,dy\n1.0,0.5,0.5\n")


FAULTY = """
class Refusing:
    def forward(self, x):
        raise ValueError("not today")
    def backward(self, upstream):
        return upstream

class Empty:
    def forward(self, x):
        pass
    def backward(self, upstream):
        return upstream

class Complex:
    def forward(self, x):
        return x * 1j
    def backward(self, upstream):
        return upstream
"""


@pytest.mark.parametrize("command", ["eval", "batch"])
@pytest.mark.parametrize(
    ("gate", "told"),
    [
        ("Refusing", "faulty.py:4:9: ValueError: not today"),
        ("Empty", "Empty: forward gives no real number"),
        ("Complex", "Complex: forward gives no real number"),
    ],
)
def test_faults_of_a_gate_are_told_by_every_command(gradcli, tmp_path, command, gate, told):
    (tmp_path / "faulty.py").write_text(FAULTY)
    (tmp_path / "points.csv").write_text("x\n0.5\n")
    given = ["x=0.5"] if command == "eval" else ["--points", "points.csv"]
    ended = gradcli(command, f"{gate}(x)*2", *given, "--gates", "faulty.py")
    assert (ended.code, told in ended.err) == (2, True), ended.err


def test_without_gates_nothing_runs(path, gradcli):
    done = gradcli("eval", "Product(x, y)", "x=2", "y=3")
    assert done.code == 2
    assert "unknown function `Product`" in done.err
    lost = gradcli("eval", "x", "x=1", "--gates", str(Path(path).with_name("absent.py")))
    assert lost.code == 2
    assert "there is no such file" in lost.err


# ---------------------------------------------------------------- derivatives, digits, lines

CUBES = """
import numpy as np

class Cube:
    def forward(self, x):
        self.x = x
        return x * x * x
    def backward(self, g):
        return 3 * self.x * self.x * g

class TwiceCube(Cube):
    def backward(self, g):
        return 2 * self.x * self.x * g

class Softmax1:
    def forward(self, x):
        e = np.exp(x - x.max())
        self.s = e / e.sum()
        return self.s
    def backward(self, g):
        return self.s * (g - (g * self.s).sum())

class Hidden:
    def forward(self, x):
        self.x = x
        return x * 2 * float(np.float32(repr(1.0)))
    def backward(self, g):
        return g * 2
"""


@pytest.fixture(scope="module")
def cubes(tmp_path_factory):
    file = tmp_path_factory.mktemp("gates") / "cubes.py"
    file.write_text(CUBES)
    return str(file)


def derived(text, cubes, **options):
    return gradcli.evaluate(text, {"x": 2, "y": 3}, gates=[cubes], **options)


def test_jacobians_and_hessians_are_those_of_its_own_backward_part(cubes):
    report = derived("Cube(x)*y", cubes, jacobian=True, hessian=True)
    assert report.jacobian == {"x": 36, "y": 8}
    assert report.hessian == {"x": {"x": 36, "y": 12}, "y": {"x": 12, "y": 0}}
    assert report.jacobian_check.verdict == report.hessian_check.verdict == "pass"
    wrong = derived("TwiceCube(x)*y", cubes, jacobian=True, hessian=True)
    assert wrong.jacobian == {"x": 24, "y": 8}
    assert wrong.jacobian_check.entries["value by x"].verdict == "fail"
    assert wrong.jacobian_check.entries["value by x"].numeric == 36
    assert wrong.hessian_check.entries["x by x"].verdict == "fail"


def test_digits_are_had_of_gates_that_are_read(cubes):
    report = derived("exp(Cube(x))", cubes, digits=30)
    assert report.decimal["value"].startswith("2980.95798704172827474359209945")


@pytest.mark.parametrize("option", [{"jacobian": True}, {"hessian": True}, {"digits": 30}])
def test_of_gates_that_only_run_they_are_refused_in_words(cubes, option):
    with pytest.raises(GradcliError, match="can be read"):
        derived("Hidden(x)*y", cubes, **option)


LINES = """
x = 2; y = 3
a = Cube(x)
b = a * y
f = b + x
db = 1
dx = 1
da = y * db
dy = a * db
dx += {factor} * x * x * da
"""


def test_lines_through_it_have_verdicts(cubes):
    right = gradcli.check(LINES.format(factor=3), gates=[cubes]).cases[0]
    assert [line.verdict for line in right.lines] == ["pass"] * 5
    wrong = gradcli.check(LINES.format(factor=2), gates=[cubes]).cases[0]
    accused = [line for line in wrong.lines if line.is_accused]
    assert [(line.line, line.mistake) for line in accused] == [(10, "dropped-factor")]
    hidden = gradcli.check(LINES.replace("Cube", "Hidden").format(factor=3), gates=[cubes]).cases[0]
    assert not hidden.lines
    assert any("gates that only run" in note for note in hidden.notes)


WRITTEN = """
import math
import numpy as np

class Leaky:
    def forward(self, x, slope=0.1):
        self.x, self.slope = x, slope
        return np.where(x > 0, x, slope * x)

    def backward(self, dout):
        return dout * np.where(self.x > 0, 1, self.slope)

class Distance:
    def forward(self, a, b):
        dx = a - b
        self.dx = dx
        self.r = math.sqrt(dx * dx + 1)
        return self.r

    def backward(self, dz):
        d = dz * self.dx / self.r
        return d, -d

class NotSwitched:
    def forward(self, x, y):
        self.x, self.y = x, y
        return x * y

    def backward(self, dz):
        return dz * self.x, dz * self.y

class LayerNorm:
    def forward(self, x, gamma):
        mu = x.mean()
        inv = 1 / np.sqrt(((x - mu) ** 2).mean() + 1e-5)
        self.xhat, self.inv, self.gamma = (x - mu) * inv, inv, gamma
        return self.xhat * gamma

    def backward(self, dy):
        dxhat = dy * self.gamma
        centred = dxhat - dxhat.mean() - self.xhat * (dxhat * self.xhat).mean()
        return self.inv * centred, dy * self.xhat
"""
OF_NUMBERS = "Distance(x, y) * Leaky(y, slope=0.3) + NotSwitched(x, y) * Distance(y, x)"
OF_ARRAYS = "sum(LayerNorm(x, w) * x)"


@pytest.fixture(scope="module")
def authors(tmp_path_factory):
    file = tmp_path_factory.mktemp("code") / "own.py"
    file.write_text(WRITTEN)
    return str(file)


@pytest.mark.parametrize(("text", "bound"), [
    (OF_NUMBERS, {"x": 2, "y": -3}), (OF_ARRAYS, {"x": [1, 2, 4, 3], "w": [1, 0.5, -1, 2]}),
])  # fmt: skip
@pytest.mark.parametrize("language", ["numpy", "torch", "jax"])
def test_code_computes_what_the_authors_of_gates_wrote(authors, gradcli, text, bound, language):
    if language in ("torch", "jax"):
        pytest.importorskip(language)
    options = ["--gates", authors, "--lang", language, "--function", "made"]
    words = [f"{name}={value}".replace(" ", "") for name, value in bound.items()]
    ended = gradcli("code", text, *words, *options)
    assert ended.code == 0, ended.err
    assert "is the one that its author wrote" in ended.out
    report = evaluated(text, authors, **bound)
    value, gradients = _run(ended.out, language, [*bound.values()])
    assert np.allclose(value, report.value, rtol=1e-12)
    for got, expected in zip(gradients, report.gradients.values(), strict=True):
        assert np.allclose(got, expected, rtol=1e-12)


def _run(text, language, inputs):
    """Value and gradients of code, as numbers."""
    scope = {}
    exec(text, scope)  # code that the tests have had written
    made = scope["made"]
    if language == "torch":
        import torch

        leaves = [torch.tensor(x, dtype=torch.float64, requires_grad=True) for x in inputs]
        value = made.apply(*leaves)
        value.backward()
        return value.item(), [leaf.grad.numpy() for leaf in leaves]
    if language == "jax":
        import jax

        jax.config.update("jax_enable_x64", True)
        leaves = [jax.numpy.asarray(x, dtype=float) for x in inputs]
        return jax.value_and_grad(made, tuple(range(len(leaves))))(*leaves)
    return made(*[np.array(x) if isinstance(x, list) else x for x in inputs])


def test_code_keeps_the_names_and_the_mistakes_of_authors(authors, gradcli):
    """A variable that is named as a gradient of another is would be read as that."""
    ended = gradcli("code", "Distance(x, y) + NotSwitched(x, y)", "x=2", "y=-3", "--gates", authors)
    assert ended.out.splitlines()[0] == (
        "# read back; the gradients are those that the gates give, and do not pass a check here"
    )
    told = ended.out.partition("# forward pass\n")[2]
    assert (
        told
        == """\
dx_ = x - y  # (1) Distance
q1 = math.sqrt(dx_ * dx_ + 1)  # (1) Distance
q2 = x * y  # (2) NotSwitched
f = q1 + q2  # (3)

# backward pass
df = 1.0
dq1 = df  # (3)
dq2 = df  # (3)
dx = dq2 * x  # (2) backward of NotSwitched
dy = dq2 * y  # (2) backward of NotSwitched
d = dq1 * dx_ / q1  # (1) backward of Distance
dx += d  # (1) backward of Distance
dy += -d  # (1) backward of Distance
"""
    )


@pytest.mark.parametrize("text", ["Distance(x, y) + NotSwitched(x, y)", OF_ARRAYS])
def test_our_own_language_has_the_lines_of_authors(authors, gradcli, text, tmp_path):
    bound = ["x=2", "y=-3"] if text != OF_ARRAYS else ["x=[1,2,4,3]", "w=[1,0.5,-1,2]"]
    made = gradcli("code", text, *bound, "--gates", authors, "--lang", "grad").out
    (tmp_path / "made.grad").write_text(made)
    ended = gradcli("check", str(tmp_path / "made.grad"))
    assert ended.code == (1 if text != OF_ARRAYS else 0)
    assert ("dx_ = x - y" if text != OF_ARRAYS else "dxhat = dq1 * w") in made


@pytest.mark.skipif(not shutil.which("gcc"), reason="no C compiler")
def test_c_has_the_lines_of_authors(authors, gradcli, tmp_path):
    made = gradcli("code", OF_NUMBERS, "x=2", "y=-3", "--gates", authors, "--lang", "c").out
    main = 'int main(void) { double g[2]; gradient(2.0, -3.0, 1.0, g); printf("%.17g %.17g", g[0], g[1]); }'
    (tmp_path / "made.c").write_text(f"#include <stdio.h>\n{made}\n{main}\n")
    command = ["gcc", "-Wall", "-Werror", "-o", tmp_path / "made", tmp_path / "made.c", "-lm"]
    subprocess.run(command, check=True)
    told = subprocess.run([tmp_path / "made"], check=True, capture_output=True, text=True).stdout
    expected = [*evaluated(OF_NUMBERS, authors, x=2, y=-3).gradients.values()]
    assert np.allclose([*map(float, told.split())], expected, rtol=1e-12)


def test_code_of_numbers_says_that_gates_of_arrays_are_derived(authors, gradcli):
    bound = ["x=[1,2,4,3]", "w=[1,0.5,-1,2]"]
    told = gradcli("code", OF_ARRAYS, *bound, "--gates", authors, "--lang", "c").out
    assert "// of `LayerNorm` the forward part is written out, and its gradient derived" in told


def test_code_of_a_gate_that_only_runs_names_it(cubes, gradcli):
    ended = gradcli("code", "Hidden(x)", "x=2", "--gates", cubes)
    assert ended.code == 2
    assert "`Hidden` runs and is not read" in ended.err
