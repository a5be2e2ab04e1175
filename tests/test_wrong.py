"""Wrong inputs, one mistake a file in tests/wrong, and what is said of each.

NAME.grad is a program for `gradcli eval --file`, NAME.cmd a command line; NAME.golden is the whole
of stderr. The golden texts are read by people before they are accepted: each must show the place,
what was found there, and, where it is cheap, what to write.
"""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest

from gradcli.cli.main import main

WRONG = Path(__file__).parent / "wrong"
INPUTS = sorted(path.name for path in WRONG.iterdir() if path.suffix in (".grad", ".cmd"))


@pytest.fixture
def said(capsys, monkeypatch):
    """A function from the name of a wrong input to exit code, stdout and stderr."""
    monkeypatch.chdir(WRONG)

    def run(name):
        words = ["gradcli", "eval", "--file", name]
        if name.endswith(".cmd"):
            words = shlex.split((WRONG / name).read_text("utf-8"))
        with pytest.raises(SystemExit) as end:
            main(words[1:])
        return end.value.code, *capsys.readouterr()

    return run


@pytest.mark.parametrize("name", INPUTS)
def test_a_wrong_input_is_refused_with_the_golden_text(said, name):
    code, out, err = said(name)
    assert (code, out) == (2, "")
    assert err == (WRONG / name).with_suffix(".golden").read_text("utf-8")


@pytest.mark.parametrize("name", [name for name in INPUTS if name.endswith(".grad")])
def test_advice_in_a_long_text_is_that_in_a_short_one(said, name, monkeypatch):
    """Tokens of long texts are let go of while they are read, all but those advice looks at."""
    monkeypatch.setattr("gradcli.syntax.tokens.MANY", 1)
    _, _, err = said(name)
    assert err == (WRONG / name).with_suffix(".golden").read_text("utf-8")


@pytest.mark.parametrize("name", [name for name in INPUTS if name.endswith(".grad")])
def test_an_error_in_a_program_shows_its_place(said, name):
    _, _, err = said(name)
    first, *others = err.splitlines()
    place = re.match(rf"error: {re.escape(name)}:(\d+):(\d+): ", first)
    if place is None:
        assert first.startswith(f"error: {name} is not UTF-8 (byte ")
        return
    lines = re.split("\r\n|\r|\n", (WRONG / name).read_bytes().decode())
    line, column = int(place[1]), int(place[2])
    assert column <= len(lines[line - 1]) + 1
    if lines[line - 1].strip():
        shown, caret = others[:2]
        assert len(shown) <= 80
        assert re.fullmatch(r" +\^", caret)
        assert len(lines[line - 1]) > 72 or len(shown) >= len(lines[line - 1]) + 2


@pytest.mark.parametrize("name", INPUTS)
def test_every_line_is_the_error_its_excerpt_or_advice_and_nothing_else(said, name):
    _, _, err = said(name)
    assert err.endswith("\n")
    assert "Traceback" not in err
    assert "internal error" not in err
    for line in err.splitlines():
        assert line.isprintable()
        assert line.startswith(("error: ", "  "))


def test_every_golden_text_has_its_input_and_every_input_its_golden_text():
    stems = [Path(name).stem for name in INPUTS]
    assert len(set(stems)) == len(stems)
    assert {path.stem for path in WRONG.glob("*.golden")} == set(stems)
    assert {path.suffix for path in WRONG.iterdir()} == {".grad", ".cmd", ".golden"}
