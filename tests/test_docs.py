"""The README cannot lie: its sessions are run, and every command and option stands in it."""

import re
import shlex
from pathlib import Path

import pytest

import gradcli
from gradcli.cli.main import COMMANDS
from gradcli.cli.main import gradcli as command_line

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")
SESSIONS = [
    (command, output)
    for block in re.findall(r"```console\n(.*?)```", README, re.DOTALL)
    for command, output in re.findall(
        r"^\$ (.*?)\n(.*?)(?=^\$ |\Z)", block, re.DOTALL | re.MULTILINE
    )
]


def told(text, command):
    """What a session says; of large products the last bits differ between machines."""
    if "randn" not in command:
        return text
    text = re.sub(r"\b\d(\.\d+)?e-1[4-9]\b", "0", text)
    return re.sub(r" +", " ", re.sub("─+", "─", text))


@pytest.mark.parametrize(("command", "output"), SESSIONS, ids=[c for c, _ in SESSIONS])
def test_a_session_of_the_readme_prints_what_it_says(gradcli, monkeypatch, command, output):
    name, *words = shlex.split(command)
    assert name == "gradcli"
    monkeypatch.chdir(ROOT)
    ended = gradcli(*words)
    assert told(ended.out + ended.err, command) == told(output, command)


def test_the_readme_has_its_sessions():
    assert len(SESSIONS) >= 8


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_has_help_an_example_and_a_place_in_the_readme(name):
    command = command_line.get_command(None, name)
    assert command.help
    assert f"gradcli {name}" in command.help
    assert f"gradcli {name}" in README
    for option in command.params:
        if option.param_type_name == "option":
            assert option.help, option.name


def test_the_python_lines_of_the_readme_are_true():
    report = gradcli.evaluate("(x+y)*z", {"x": -2, "y": 5, "z": -4})
    assert (report.value, report.gradients) == (-12.0, {"x": -4.0, "y": -4.0, "z": 3.0})
    assert gradcli.check("x*y", {"x": 3, "y": 2}, claims={"x": 2}).verdict == "pass"
    f = gradcli.compile("(x+y)*z", inputs=["x", "y", "z"])
    assert f(-2.0, 5.0, -4.0) == (-12.0, [-4.0, -4.0, 3.0])
    f = gradcli.compile("sum((W@x)**2)", inputs={"W": [[1, 2], [3, 4]], "x": [0, 0]})
    value, (slope, _) = f([[1, 2], [3, 4]], [1, 2])
    assert (value, slope.tolist()) == (146.0, [[10.0, 20.0], [22.0, 44.0]])


def test_every_gate_of_the_language_stands_in_the_readme():
    from gradcli.gates.table import BUILT_IN

    words = set(re.findall(r"\w+", README))
    operators = {
        "add",
        "sub",
        "mul",
        "div",
        "neg",
        "pow",
        "copy",
        "lt",
        "le",
        "gt",
        "ge",
        "eq",
        "ne",
    }
    assert {g.name for g in BUILT_IN.functions.values()} - operators <= words
    assert operators <= set(BUILT_IN.rows)
