"""`gradcli gates`: the table tells the truth about each gate."""

import json
import math
import re
import shlex
from pathlib import Path

import numpy as np
import pytest

from gradcli.api import evaluate
from gradcli.gates.conventions import CONVENTIONS
from gradcli.gates.table import BUILT_IN
from gradcli.tasks.gates import gates

LANGUAGE = (Path(__file__).parent.parent / "docs/language.md").read_text(encoding="utf-8")
SHEETS = {sheet.name: sheet for sheet in gates().gates}
NAMED = pytest.mark.parametrize("convention", CONVENTIONS, ids=lambda convention: convention.gate)


def same(got, expected):
    return np.array_equal(np.asarray(got), np.asarray(expected), equal_nan=True)


def test_every_gate_that_people_can_write_has_a_sheet():
    assert [*SHEETS] == [row.name for row in BUILT_IN if not row.hidden]


@pytest.mark.parametrize("name", SHEETS)
def test_the_example_of_a_gate_runs_it(gradcli, name):
    _, *words = shlex.split(SHEETS[name].example)
    ended = gradcli(*words, "--json")
    report = json.loads(ended.out)
    assert ended.code == 0
    assert name in {stage["gate"] for stage in report["stages"]} or not report["inputs"]
    verdicts = {part["verdict"] for key in ("check", "jacobian_check") if (part := report.get(key))}
    assert verdicts == {"pass"} or name == "randn"


@pytest.mark.parametrize(
    "sheet", [s for s in SHEETS.values() if s.samples], ids=lambda sheet: sheet.name
)
def test_samples_are_what_an_evaluation_gives(sheet):
    written = re.search('"(.*)"', sheet.example)[1].replace("polygamma(1", "polygamma(n")
    for sample in sheet.samples:
        names = [*"xyz"] if "..." in sheet.operands else sheet.operands
        bound = dict(zip(names, sample.operands, strict=False))
        report = evaluate(written, bound, check=False)
        assert report.value == pytest.approx(sample.value, rel=1e-14)
        for name, slope in zip(names, sample.local_gradients, strict=False):
            if math.isfinite(slope):
                assert report.gradients[name] == pytest.approx(slope, rel=1e-12, abs=1e-300)


@pytest.mark.parametrize("name", ["relu", "log", "acosh", "tanh", "floor"])
def test_the_curve_of_a_gate_is_what_an_evaluation_gives(name):
    (sheet,) = gates(name).gates
    assert len(sheet.curve.xs) == len(sheet.curve.values) == len(sheet.curve.slopes)
    for x, value, slope in [*zip(*sheet.curve, strict=True)][1::19]:
        report = evaluate(f"{name}(x)", {"x": x}, check=False)
        assert (report.value, report.gradients["x"]) == pytest.approx((value, slope), rel=1e-12)


def test_the_page_of_a_gate_of_one_number_shows_its_curve(gradcli):
    page = gradcli("gates", "tanh").out
    assert "o value  + slope\n" in page
    assert page.count("o") > 40
    assert "+ slope" not in gradcli("gates", "hypot").out


MATRICES = {"x": [[1.5, -0.5], [2.0, 3.0]], "y": [[0.25, 4.0], [-1.0, 0.75]]}
OVER_ALL = {"prod": np.prod, "var": np.var, "std": np.std, "norm": np.linalg.norm}


@pytest.mark.parametrize("name", ["prod", "var", "std", "norm", "softmax", "matmul", "transpose"])
def test_what_an_array_gate_sends_is_what_its_sheet_says(name):
    """The formulas as numpy computes them, beside the engine's own pullbacks."""
    text = "softmax(x[0])" if name == "softmax" else SHEETS[name].example.split('"')[1]
    value = evaluate(text, MATRICES, check=False).value
    upstream = np.random.default_rng(3).normal(size=np.shape(value))
    report = evaluate(text, MATRICES, upstream=upstream.tolist(), check=False)
    known = {name: np.array(number) for name, number in MATRICES.items()}
    known |= {"out": np.array(value), "g": upstream, "n": 4, "sum": np.sum, "mean": np.mean}
    for local in SHEETS[name].local_gradients:
        expected = eval(local.formula, known)  # texts of the table
        got = np.array(report.gradients[local.operand])
        assert got[0] == pytest.approx(expected if name == "softmax" else expected[0])


@NAMED
def test_the_convention_at_a_kink_is_the_engines(convention):
    bound = dict(zip("xyz", convention.at, strict=False))
    report = evaluate(convention.call, bound, check=False)
    assert all(map(same, report.gradients.values(), convention.own))


@NAMED
def test_the_convention_at_a_kink_is_a_legal_subgradient(convention):
    bound = dict(zip("xyz", convention.at, strict=False))
    assert evaluate(convention.call, bound).check.verdict in ("pass", "kink")


@NAMED
def test_torch_sends_what_the_table_says(convention):
    torch = pytest.importorskip("torch")
    by_name = {
        "leaky_relu": lambda x: torch.nn.functional.leaky_relu(x, 0.25),
        "elu": lambda x: torch.nn.functional.elu(x, 0.5), "selu": torch.nn.functional.selu,
        "hardtanh": torch.nn.functional.hardtanh, "clip": lambda x: torch.clip(x, 0, 1),
        "max": torch.maximum, "min": torch.minimum, "norm": torch.linalg.norm,
        "std": lambda x: torch.std(x, correction=0),
    }  # fmt: skip
    function = by_name.get(convention.gate) or getattr(torch, convention.gate)
    xs = [torch.tensor(x, dtype=torch.float64, requires_grad=True) for x in convention.at]
    got = [slope.tolist() for slope in torch.autograd.grad(function(*xs), xs)]
    assert all(map(same, got, convention.torch))


@NAMED
def test_jax_sends_what_the_table_says(convention):
    jax = pytest.importorskip("jax")
    jax.config.update("jax_enable_x64", True)  # the signature is jax's
    jnp, nn = jax.numpy, jax.nn
    by_name = {
        "relu": nn.relu, "leaky_relu": lambda x: nn.leaky_relu(x, 0.25),
        "elu": lambda x: nn.elu(x, 0.5), "selu": nn.selu, "hardtanh": nn.hard_tanh,
        "clip": lambda x: jnp.clip(x, 0, 1), "max": jnp.maximum, "min": jnp.minimum,
        "amax": jnp.max, "amin": jnp.min, "norm": jnp.linalg.norm,
    }  # fmt: skip
    function = by_name.get(convention.gate) or getattr(jnp, convention.gate)
    xs = [jnp.array(x) for x in convention.at]
    got = [slope.tolist() for slope in jax.grad(function, argnums=tuple(range(len(xs))))(*xs)]
    assert all(map(same, got, convention.jax))


def test_the_table_has_a_row_for_every_gate(gradcli):
    ended = gradcli("gates")
    assert ended.code == 0
    for sheet in SHEETS.values():
        assert f"\n{sheet.name}" in ended.out


def test_a_gate_is_found_by_any_of_its_spellings(gradcli):
    assert gradcli("gates", "swish").out == gradcli("gates", "silu").out
    assert gradcli("gates", "swish").out.startswith("silu, also swish\n")


def test_an_unknown_gate_is_answered_with_the_nearest(gradcli):
    ended = gradcli("gates", "sigmiod")
    assert (ended.code, ended.out) == (2, "")
    assert ended.err == "error: `sigmiod` is not a gate\n  help: did you mean `sigmoid`?\n"


def test_no_formula_is_cut_at_40_columns(gradcli, monkeypatch):
    monkeypatch.setenv("COLUMNS", "40")
    words = gradcli("gates").out.split()
    for sheet in SHEETS.values():
        assert set(sheet.value.split()) <= {*words}


def test_files_and_formats(gradcli, tmp_path):
    assert gradcli("gates", "-o", "gates.md").code == 0
    assert (tmp_path / "gates.md").read_text().startswith("| gate | value |")
    assert gradcli("gates", "-o", "gates.svg").code == 2
    assert json.loads(gradcli("gates", "relu", "--json").out)["gates"][0]["kink"] == "x"


def test_the_page_of_the_language_names_every_function():
    spellings = {sheet.name for sheet in SHEETS.values()} - {
        "add", "sub", "mul", "div", "neg", "pow", "copy", "lt", "le", "gt", "ge", "eq", "ne",
    }  # fmt: skip
    (paragraph,) = re.findall(r"^## Gates\n\n.*?\n\n", LANGUAGE, re.DOTALL | re.MULTILINE)
    assert spellings <= {*re.findall(r"\w+", paragraph)}


@pytest.mark.parametrize(
    ("sign", "name"),
    [
        ("+", "add"),
        ("*", "mul"),
        ("**", "pow"),
        ("^", "pow"),
        ("@", "matmul"),
        ("<=", "le"),
        ("√", "sqrt"),
    ],
)
def test_a_gate_has_its_page_by_its_sign(gradcli, sign, name):
    assert gradcli("gates", sign).out == gradcli("gates", name).out
    assert gradcli("gates", sign).out.startswith(name)
