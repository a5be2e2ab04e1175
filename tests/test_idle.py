"""Options of `check` that nothing would come of are refused, lest they look as if they held."""

import pytest

CODE = "def f(x):\n    return x * x, 2 * x\n"
GATES = "class Twice:\n    def forward(self, x):\n        return 2 * x\n" \
        "    def backward(self, g):\n        return 2 * g\n"  # fmt: skip
OF_PROGRAMS = [
    ["--claim", "x=9"], ["--output", "f"], ["--upstream", "3"], ["--jacobian"], ["--hessian"],
    ["--list"], ["--fix"], ["--grade"], ["--fix-self"], ["--exclude", "a"],
]  # fmt: skip


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    tmp_path.joinpath("code.py").write_text(CODE)
    tmp_path.joinpath("own.py").write_text(GATES)


@pytest.mark.parametrize("option", OF_PROGRAMS, ids=lambda option: option[0])
@pytest.mark.parametrize("subject", [["--call", "code.py:f", "x=3"], ["--gates", "own.py"]])
def test_what_asks_something_of_a_program_is_refused_beside_code_that_runs(
    gradcli, subject, option
):
    ended = gradcli("check", *subject, *option)
    assert ended.code == 2
    assert f"{option[0]} does nothing beside {subject[0]}" in ended.err


@pytest.mark.parametrize("option", [["--grad", "a=x"], ["--fix-self"], ["--exclude", "a"]])
def test_what_is_said_of_python_files_is_refused_beside_an_expression(gradcli, option):
    ended = gradcli("check", "x*x", "x=3", *option)
    assert ended.code == 2
    assert f"{option[0]} does nothing beside an expression" in ended.err


def test_gradients_of_other_functions_are_named_for_python_alone(gradcli):
    ended = gradcli("check", "--external", "./program", "x=3", "--grad", "g")
    assert "--grad does nothing beside --external" in ended.err


def test_what_a_configuration_says_is_meant_for_other_checks_too(gradcli, tmp_path):
    text = "[tool.gradcli]\nexclude = ['old']\n"
    tmp_path.joinpath("pyproject.toml").write_text(text)
    assert gradcli("check", "--call", "code.py:f", "x=3").code == 0
