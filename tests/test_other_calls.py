"""`gradcli check --external`, `--torch` and `--jax`: functions of other languages and frameworks."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from gradcli.foreign.child import ForeignFault
from gradcli.requests import Request
from gradcli.tasks.calls import check_external

FOREIGN = Path(__file__).parent / "foreign"
FUNCTIONS = FOREIGN / "functions.py"
PROGRAM = f"{sys.executable} -I -S {FOREIGN / 'program.py'}"


# ---------------------------------------------------------------- --external


@pytest.mark.parametrize(("option", "code"), [("", 0), (" wrong", 1)])
def test_a_program_in_any_language(gradcli, option, code):
    ended = gradcli("check", "--external", PROGRAM + option, "x=[1.5]", "y=3", "--json")
    assert ended.code == code
    checks = json.loads(ended.out)["cases"][0]["inputs"]
    assert checks["x[0]"]["verdict"] == "pass"


@pytest.mark.parametrize(("option", "verdict"), [("", "pass"), (" wrong", "fail")])
def test_a_program_that_answers_lines_is_started_once_for_all(tmp_path, option, verdict):
    starts = tmp_path / "starts"
    command = f"{PROGRAM}{option} lines {starts}"
    case = check_external(command, [("x", "[1.5]"), ("y", "3")], Request(), 60.0)
    assert case.verdict == verdict
    assert starts.read_text().count("started") == 2  # the first time it says that it can


@pytest.mark.parametrize(
    ("option", "memory", "message"),
    [("lines stops", 1024, "ends before it has answered"), ("greedy", 256, "MemoryError")],
)
def test_a_program_that_ends_early_or_takes_too_much_is_told(tmp_path, option, memory, message):
    command = f"{PROGRAM} {option} {tmp_path / 'starts'}"
    with pytest.raises(ForeignFault, match=message):
        check_external(command, [("x", "[1.5]"), ("y", "3")], Request(max_memory=memory), 60.0)


@pytest.mark.parametrize(
    ("command", "message"),
    [
        (PROGRAM + " broken", "it exits with code 1: a reason of its own"),
        (PROGRAM + " text", "what it writes is no JSON"),
        (PROGRAM + " huge", "value in its JSON is beyond float64"),
        ("no-such-program", "it cannot be started"),
        ("sleep 5", "does not end within 0.3 s"),
        ("'", "cannot be read"),
        ("", "the command is empty"),
    ],
)
def test_what_a_program_does_wrong_is_said(gradcli, command, message):
    ended = gradcli(
        "check",
        "--external",
        command,
        "x=[1]",
        "y=3",
        "--timeout",
        "0.3" if "sleep" in command else "60",
    )
    assert (ended.code, ended.out) == (2, "")
    assert message in ended.err


# ---------------------------------------------------------------- --torch, --jax


@pytest.mark.parametrize("package", ["torch", "jax"])
def test_a_package_that_is_not_there_is_said(gradcli, package):
    try:
        __import__(package)
    except ImportError:
        ended = gradcli("check", f"--{package}", f"{FUNCTIONS}:square", "x=1")
        assert ended.code == 2
        assert f"{package} is not installed" in ended.err


TORCH = """
import torch

class Right(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x, w):
        ctx.save_for_backward(x, w)
        return x @ w

    @staticmethod
    def backward(ctx, g):
        x, w = ctx.saved_tensors
        return g @ w.T, x.T @ g

class Wrong(Right):
    @staticmethod
    def backward(ctx, g):
        x, w = ctx.saved_tensors
        return g @ w.T, 0.5 * (x.T @ g)

class Net(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.inner = torch.nn.Linear(3, 2)

    def forward(self, x):
        return torch.relu(self.inner(x)).sum()

def loss(z, y):
    return torch.nn.functional.cross_entropy(z, y)

class Scaled(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x, scale):
        ctx.scale = scale
        return x * scale

    @staticmethod
    def backward(ctx, g):
        return g * ctx.scale, None

class OneShort(Scaled):
    @staticmethod
    def backward(ctx, g):
        return g * ctx.scale

class Dropped(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        ctx.mask = 2.0 * (torch.rand_like(x) > 0.5)
        return x * ctx.mask

    @staticmethod
    def backward(ctx, g):
        return g * ctx.mask

class DroppedAnew(Dropped):
    @staticmethod
    def backward(ctx, g):
        return g * 2.0 * (torch.rand_like(g) > 0.5)

class Doubled(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        ctx.mark_dirty(x)
        return x.mul_(2)

    @staticmethod
    def backward(ctx, g):
        return 2 * g
"""

JAX = """
import jax
import jax.numpy as jnp

@jax.custom_vjp
def right(x, y):
    return jnp.sin(x) * y

right.defvjp(lambda x, y: (right(x, y), (x, y)), lambda kept, g: (g * jnp.cos(kept[0]) * kept[1], g * jnp.sin(kept[0])))

@jax.custom_jvp
def wrong(x):
    return jnp.log(1.0 + jnp.exp(x))

@wrong.defjvp
def wrong_jvp(primals, tangents):
    return wrong(primals[0]), 1.01 * tangents[0] / (1 + jnp.exp(-primals[0]))

@jax.custom_vjp
def unsummed(x, b):
    return x + b

unsummed.defvjp(lambda x, b: (x + b, None), lambda kept, g: (g, g))
"""


@pytest.mark.parametrize(
    ("package", "text", "name", "words", "verdict"),
    [
        ("torch", TORCH, "Right", ["x=randn(2, 3)", "w=randn(3, 2)"], "pass"),
        ("torch", TORCH, "Wrong", ["x=randn(2, 3)", "w=randn(3, 2)"], "fail"),
        ("torch", TORCH, "Net", ["x=randn(4, 3)"], "pass"),
        ("torch", TORCH, "loss", ["z=randn(4, 3)", "y=[0, 2, 1, 1]"], "pass"),
        ("torch", TORCH, "Dropped", ["x=randn(5)"], "pass"),
        ("torch", TORCH, "DroppedAnew", ["x=randn(5)"], "fail"),
        ("torch", TORCH, "Doubled", ["x=randn(5)"], "pass"),
        ("jax", JAX, "right", ["x=0.7", "y=2"], "pass"),
        ("jax", JAX, "wrong", ["x=[0.5, 2]"], "fail"),
    ],
)
def test_rules_of_torch_and_jax(gradcli, tmp_path, package, text, name, words, verdict):
    pytest.importorskip(package)
    (tmp_path / "rules.py").write_text(text)
    ended = gradcli("check", f"--{package}", f"rules.py:{name}", *words, "--json")
    assert json.loads(ended.out)["verdict"] == verdict


def test_a_function_that_gives_none_claims_no_gradient(gradcli, tmp_path):
    pytest.importorskip("torch")
    (tmp_path / "rules.py").write_text(TORCH)
    ended = gradcli("check", "--torch", "rules.py:Scaled", "x=randn(3)", "scale=5", "--json")
    (case,) = json.loads(ended.out)["cases"]
    assert (case["verdict"], "scale" in case["inputs"]) == ("pass", False)
    assert "no gradient is given for scale" in case["notes"]


@pytest.mark.parametrize(
    ("package", "text", "words", "mistake"),
    [
        ("torch", TORCH, ["rules.py:OneShort", "x=randn(3)", "scale=5"], "gradient-count"),
        ("jax", JAX, ["rules.py:unsummed", "x=randn(2, 3)", "b=randn(3)"], "gradient-shape"),
    ],
)
def test_what_a_framework_refuses_fails_with_its_name(
    gradcli, tmp_path, package, text, words, mistake
):
    pytest.importorskip(package)
    (tmp_path / "rules.py").write_text(text)
    ended = gradcli("check", f"--{package}", *words, "--json")
    (case,) = json.loads(ended.out)["cases"]
    assert (ended.code, case["lines"][0]["mistake"]) == (1, mistake)
    assert case["line"] > 1
