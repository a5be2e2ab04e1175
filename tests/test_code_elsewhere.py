"""Code for torch and jax computes what the engine does, where they are installed; Julia reads well."""

import numpy as np
import pytest
from test_code import PROGRAMS
from written_code import ARRAYS, SCALARS, close

from gradcli.api import code, evaluate
from gradcli.errors import GradcliError

LOGARITHMS = ("cbrt(x) + exp2(y)*log2(x)", {"x": 1.5, "y": 0.5})
WHOLE = [*SCALARS, LOGARITHMS, *ARRAYS]
ids = [text for text, _ in WHOLE]


def written(text, bound, language):
    """The code, or None where it says in words what the language has not."""
    try:
        return code(text, bound, language=language, function="Made").text
    except GradcliError as error:
        assert "has no `" in error.message or "cannot be written" in error.message
        return None


def executed(text):
    scope = {}
    exec(text, scope)  # code that the tests have had written
    return scope["Made"]


@pytest.mark.parametrize("language", ["torch", "jax"])
def test_no_program_is_refused(language):
    assert all(written(*case, language) for case in WHOLE)


@pytest.mark.parametrize(("text", "bound"), WHOLE, ids=ids)
def test_torch_computes_what_the_engine_does(text, bound):
    torch = pytest.importorskip("torch")
    report, made = evaluate(text, bound, check=False), written(text, bound, "torch")
    if made is None:
        return
    inputs = [torch.tensor(report.inputs[name], dtype=torch.float64, requires_grad=True)
              for name in report.gradients]  # fmt: skip
    value = executed(made).apply(*inputs)
    assert close(value.detach().numpy(), report.value)
    value.backward()
    for x, expected in zip(inputs, report.gradients.values(), strict=True):
        assert close(x.grad.numpy(), expected)


@pytest.mark.parametrize(("text", "bound"), WHOLE, ids=ids)
def test_jax_computes_what_the_engine_does(text, bound):
    jax = pytest.importorskip("jax")
    jax.config.update("jax_enable_x64", True)
    report, made = evaluate(text, bound, check=False), written(text, bound, "jax")
    if made is None:
        return
    inputs = [jax.numpy.asarray(report.inputs[name], dtype=float) for name in report.gradients]
    function = executed(made)
    value, gradients = jax.jit(jax.value_and_grad(function, tuple(range(len(inputs)))))(*inputs)
    assert close(np.asarray(value), report.value)
    for got, expected in zip(gradients, report.gradients.values(), strict=True):
        assert np.allclose(np.ravel(got), np.ravel(expected), rtol=1e-9, atol=1e-300)


@pytest.mark.parametrize("path", PROGRAMS, ids=lambda path: path.stem)
@pytest.mark.parametrize("language", ["torch", "jax", "julia"])
def test_samples_are_written_or_refused_in_words(path, language):
    try:
        made = code(path.read_text("utf-8"), name=path.name, language=language).text
    except GradcliError as error:
        assert error.message
        return
    sign = {"torch": "torch.autograd.Function", "jax": "@jax.custom_vjp", "julia": "\nend\n"}
    assert sign[language] in made
    if language != "julia":
        compile(made, "<made>", "exec")
        assert "np." not in made.replace("jnp.", "")


def test_julia_is_written_with_its_own_words():
    made = code("x**2 + erf(y) if x > y else max(x, y)", {"x": 2, "y": 1}, language="julia").text
    assert "import SpecialFunctions\n" in made
    assert "(x)^(2.0)" in made
    assert "? " in made
    assert all("**" not in line.partition("#")[0] for line in made.splitlines())
    blocks = [line for line in made.splitlines() if line.startswith("function")]
    assert made.splitlines().count("end") == len(blocks)
