"""The command line: words, streams, files and exit codes, as people and scripts meet them."""

from __future__ import annotations

import itertools
import math
import os
import re

import pytest
from conftest import Ended, run_apart, strict

from gradcli.cli.main import COMMANDS

# -------------------------------------------------------------------- help and versions


@pytest.mark.parametrize("flag", ["-h", "--help"])
@pytest.mark.parametrize("command", [(), *((name,) for name in COMMANDS)])
def test_help_is_everywhere(gradcli, command, flag):
    ended = gradcli(*command, flag)
    assert (ended.code, ended.err) == (0, "")
    assert ended.out.startswith(f"Usage: {' '.join(['gradcli', *command])} ")
    assert "gradcli " in ended.out.partition("Options:")[0].partition("\n")[2]  # an example
    assert "-h, --help" in ended.out


def test_no_command_prints_help(gradcli):
    assert gradcli() == gradcli("--help")
    for name, (*_, line) in COMMANDS.items():
        assert re.search(rf"^  {name} +{re.escape(line)}$", gradcli().out, re.MULTILINE)


def test_the_version_names_python_and_numpy(gradcli):
    ended = gradcli("--version")
    assert re.fullmatch(r"gradcli \d+\.\d+\.\d+ \(Python 3\.\d+\.\d+, numpy [\d.]+\)\n", ended.out)
    assert ended.code == 0


@pytest.mark.parametrize(
    ("words", "message", "advice"),
    [
        (["evl", "x"], "`evl` is not a command", "did you mean `eval`?"),
        (["--verison"], "--version", "gradcli --help"),
        (["completion"], "Choose from: bash, zsh, fish", "gradcli completion --help"),
        (["explain", "overwriten"], "nor of a gate", "did you mean `overwritten`?"),
        (["explain", "backpropagation"], "nor of a gate", "mistakes are overwritten, missing-path"),
        (["eval"], "an expression is missing", 'write gradcli eval "(x+y)*z" x=-2 y=5 z=-4'),
        (["graph"], "an expression is missing", 'write gradcli graph "(x+y)*z" x=-2 y=5 z=-4'),
        (["eval", "x", "x=1", "--jsn"], "--json", "gradcli eval --help"),
        (["eval", "x", "x=1", "--format", "xml"], "'xml' is not one of", "gradcli eval --help"),
        (["eval", "x", "x=1", "--format", "csv", "--json"], "exclude each other", ""),
        (["eval", "x", "x=1", "--check-budget", "-1"], "is not in the range", "--help"),
        (["eval", "x", "x=1", "--check-budget", "many"], "is not a valid float", "--help"),
        (["eval", "x", "x=1", "--color", "blue"], "'blue' is not one of", "gradcli eval --help"),
        (["eval", "x*2", "y*2", "x=1"], "`y*2` is neither the expression nor", "quote"),
        (["eval", "x", "2=3"], "`2=3` is neither the expression nor", "quote"),
        (["eval", "x", "w₀=3"], "`w₀=3` is neither the expression nor", "write w0=3, and w0 in"),
        (["eval", "x[0]", "x[0]=3"], "`x[0]=3` is neither the", "an array is given whole: x=[1,2]"),
        (["eval", "x", "x=-2:2"], "found `:`", "ranges are for `gradcli check`"),
        (["eval", "x", "x=1", "-of.json"], "`-of.json` is neither the expression nor", "quote"),
        (["eval", "x", "x=1", "--wrt", "y"], "`y` is not an input", "inputs are x"),
        (["eval", "f=x*2", "x=1", "--output", "g"], "`g` is not a stage", ""),
        (["eval", "x", "x=1", "--upstream", "[1,2]"], "`upstream` must be one number", ""),
        (["eval", "x", "x=1", "--upstream", "y"], "`y` has no value here", "a constant expression"),
        (["eval", "x", "x=1", "x=2"], "`x` is given twice", ""),
        (["eval", "x", "x=y"], "`y` has no value here", "a constant expression"),
        (["eval", "sin(x)", "x=1", "sin=2"], "`sin` is a function", ""),
        (["check"], "nothing to check", "--allow-empty"),
        (["check", "x", "x=1", "--claim", "y=1"], "`y` is claimed but is not an input", ""),
        (["check", "x", "x=1", "--claim", "x=1", "--claim", "x=1"], "`x` is claimed twice", ""),
    ],
)
def test_a_wrong_command_line_is_said_in_one_line_with_advice(gradcli, words, message, advice):
    ended = gradcli(*words)
    assert (ended.code, ended.out) == (2, "")
    first, *others = ended.err.splitlines()
    assert first.startswith("error: ")
    assert message in first
    assert advice in (others[-1] if others else "")


@pytest.mark.parametrize("option", ["--upstream", "--file", "-f", "-o", "--wrt", "--format"])
def test_an_option_without_its_value_is_refused(gradcli, tmp_path, option):
    ended = gradcli("eval", "x", "x=1", option)
    assert (ended.code, ended.out) == (2, "")
    assert "requires an argument" in ended.err
    assert list(tmp_path.iterdir()) == []  # no file called `--`


# -------------------------------------------------------------------- words


@pytest.mark.parametrize(
    ("words", "value", "gradients"),
    [
        (["-x*y", "x=1", "y=2"], -2.0, {"x": -2.0, "y": -1.0}),
        (["-x**2", "x=3"], -9.0, {"x": -6.0}),
        (["-2*x", "x=3"], -6.0, {"x": -2.0}),
        (["-q*2", "q=1"], -2.0, {"q": -2.0}),
        (["-o*2", "o=1"], -2.0, {"o": -2.0}),
        (["-v", "v=1"], None, None),  # exactly an option: it is the option
        (["-h*2", "h=1"], -2.0, {"h": -2.0}),
        (["-1e3*x", "x=1"], -1000.0, {"x": -1000.0}),
        (["-(-x)", "x=2"], 2.0, {"x": 1.0}),
        (["-o", "out.json", "-o*2", "o=1"], None, None),
        (["x*y", "x=-2", "y=5"], -10.0, {"x": 5.0, "y": -2.0}),
        (["y=5", "x*y", "x=-2"], -10.0, {"y": -2.0, "x": 5.0}),
        (["x", "x = 3"], 3.0, {"x": 1.0}),
        (["x", " x=3"], 3.0, {"x": 1.0}),
        (["x==3", "x=3"], 1.0, {"x": 0.0}),
        (["f = x*2", "x=3"], 6.0, {"x": 2.0}),
        (["q = x*2; f = q*q", "x=3"], 36.0, {"x": 24.0}),
        (["q = x*2\nf = q*q", "x=3"], 36.0, {"x": 24.0}),
        (["w[0]*w[1]", "w=[2,-3]"], -6.0, {"w": [-3.0, 2.0]}),
        (["x", "x=-pi/4"], -math.pi / 4, {"x": 1.0}),
        (["σ(x)·2", "x=0"], 1.0, {"x": 0.5}),
        (["lambda*in", "lambda=2", "in=3"], 6.0, {"lambda": 3.0, "in": 2.0}),
    ],
)
def test_an_expression_may_look_like_anything_but_an_option(gradcli, words, value, gradients):
    ended = gradcli("eval", *words, "--json", "--no-check")
    if value is None:
        assert ended.code == (2 if words[0] == "-v" else 0)
        return
    data = strict(ended.out)
    assert (data["value"], data["gradients"]) == (value, gradients)


@pytest.mark.parametrize(
    ("words", "value"),
    [
        (["--json", "--no-check", "--", "-x", "x=1"], -1.0),
        (["--json", "--no-check", "--", "--x", "x=2"], 2.0),
        (["--json", "--no-check", "x=2", "--", "--x"], 2.0),
        (["--json", "--no-check", "--", "-q", "q=2"], -2.0),
    ],
)
def test_after_two_dashes_there_are_no_options(gradcli, words, value):
    ended = gradcli("eval", *words)
    assert strict(ended.out)["value"] == value


@pytest.mark.parametrize("word", ["--x", "--x*2", "--jsn"])
def test_a_word_with_two_dashes_is_always_an_option(gradcli, word):
    ended = gradcli("eval", word, "x=2")
    assert ended.code == 2
    assert re.match(rf"error: No such option:? '?{re.escape(word)}", ended.err)


def test_an_option_of_other_commands_is_told_to_be_theirs(gradcli):
    ended = gradcli("steps", "x**2", "x=2", "--decimals", "3")
    assert ended.code == 2
    assert "eval, check, graph, explain take it, gradcli steps does not" in ended.err


def test_options_and_arguments_stand_in_any_order(gradcli):
    parts = [["-x*y"], ["x=1"], ["y=2"], ["--upstream", "-2"], ["-q"], ["--wrt=y"]]
    results = {
        gradcli("eval", *itertools.chain(*(parts[(k + shift) % 6] for k in range(6))))
        for shift in range(6)
    }
    assert results == {Ended(0, "value = -2\ndy = 2\n", "")}


def test_a_look_alike_of_a_name_is_refused_in_a_binding_as_in_an_expression(gradcli):
    ended = gradcli("eval", "\u03bc", "\u00b5=3")  # mu, and the micro sign
    assert ended.code == 2
    assert "U+00B5" in ended.err


# -------------------------------------------------------------------- stdin and files


def test_a_minus_reads_the_program_from_stdin(gradcli):
    program = "q = x*2 # σ\r\nf = q*q".encode()
    ended = gradcli("eval", "-", "x=3", "-q", stdin=program)
    assert ended == Ended(0, "value = 36\ndx = 24\n", "")
    assert gradcli("eval", "x=3", "-", "-q", stdin=program) == ended
    ended = gradcli("eval", "-", stdin=b"x = 1\nf = 2x")
    assert (ended.code, ended.err.splitlines()[0]) == (
        2, "error: <stdin>:2:6: expected an operator, found `x`",
    )  # fmt: skip
    assert gradcli("check", "-", "x=3", stdin=program).code == 0


def test_a_file_is_a_program_and_bindings_win_over_it(gradcli, tmp_path):
    (tmp_path / "a.grad").write_bytes(b"\xef\xbb\xbfx = 3\r\nf = x*x\r\n")
    assert gradcli("eval", "--file", "a.grad", "-q").out == "value = 9\ndx = 6\n"
    assert gradcli("eval", "x=5", "-f", "a.grad", "-q").out == "value = 25\ndx = 10\n"
    ended = gradcli("eval", "-f", "a.grad", "y*2")
    assert (ended.code, ended.out) == (2, "")


@pytest.mark.parametrize("command", ["eval", "check"])
@pytest.mark.parametrize(
    ("make", "message"),
    [
        (None, "No such file or directory"),
        (lambda path: path.mkdir(), None),
        (lambda path: path.write_bytes(b"x\xff"), "is not UTF-8 (byte 1)"),
        (lambda path: path.write_bytes(b"\xff\xfex\0"), "is not UTF-8 (byte 0)"),
        (lambda path: path.write_bytes(b""), "nothing to compute"),
        (lambda path: path.write_bytes(b"\x93NUMPY\x01"), "is not UTF-8 (byte 0)"),
        (lambda path: path.write_bytes(b"x = 1\0\nf = x"), "found `\\u0000`"),
        (os.mkfifo, "is not a regular file"),
    ],
    ids=["missing", "folder", "latin-1", "utf-16", "empty", "binary", "nul", "pipe"],
)
def test_a_file_that_cannot_be_read_is_exit_code_2(gradcli, tmp_path, command, make, message):
    if make:
        make(tmp_path / "a.grad")
    ended = gradcli(command, "--file", "a.grad", "x=1")
    assert ended.code == 2
    assert (message or "") in (ended.err + ended.out).replace("\0", "\\u0000")
    assert "Traceback" not in ended.err
    assert (ended.out == "") is (command == "eval" or message is None)


# -------------------------------------------------------------------- exit codes


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (["eval", "x", "x=1"], 0),
        (["eval", "log(x)", "x=-1"], 0),
        (["eval", "x = 1; f = x*2; dx = 3"], 0),
        (["eval", "x"], 2),
        (["check", "x*y", "x=3", "y=2", "--claim", "x=2"], 0),
        (["check", "relu(x)", "x=0", "--claim", "x=0.5"], 0),
        (["check", "x*y", "x=3", "y=2", "--claim", "x=3"], 1),
        (["check", "x*y", "x=3", "y=2", "--claim", "x=3", "--exit-zero"], 0),
        (["check", "x = 3; f = x*x; dx = 6; f == 8"], 1),
        (["check", "log(x)", "x=-1"], 2),
        (["check", "step(x)", "x=0"], 2),
        (["check", "x*inf", "x=1"], 2),
        (["check", "x*y", "x=1", "y=nan"], 2),
        (["check", "log(-1)"], 2),
        (["check", "x", "x=1", "--check-budget", "0"], 2),
        (["check", "x y"], 2),
        (["check", "."], 2),
        (["check", ".", "--allow-empty"], 0),
        (["check", "good.grad"], 0),
        (["check", "good.grad", "wrong.grad"], 1),
        (["check", "good.grad", "wrong.grad", "broken.grad"], 2),
        (["check", "wrong.grad", "missing.grad"], 2),
        (["check", "folder"], 2),
    ],
    ids=str,
)
def test_an_exit_code_means_the_same_everywhere(gradcli, tmp_path, words, code):
    (tmp_path / "folder" / "deep").mkdir(parents=True)
    if words[-1].endswith(".grad") or words[-1] == "folder":
        for folder in (tmp_path, tmp_path / "folder" / "deep"):
            (folder / "good.grad").write_text("x = 3; f = x*x; dx = 6")
            (folder / "wrong.grad").write_text("x = 3; f = x*x; dx = 5")
            (folder / "broken.grad").write_text("x = 3; f = 2x")
    assert gradcli(*words).code == code


def test_what_cannot_be_read_does_not_stop_the_other_files(gradcli, tmp_path):
    (tmp_path / "a.grad").write_text("x = 3; f = 2x")
    (tmp_path / "b.grad").write_text("x = 3; f = x*x; dx = 5")
    data = strict(gradcli("check", ".", "--json").out)
    assert [case["verdict"] for case in data["cases"]] == ["error", "fail"]
    assert data["verdict"] == "error"


def test_an_interrupt_is_exit_code_130_and_nothing_is_said(gradcli, monkeypatch):
    def interrupted(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr("gradcli.cli.evaluate.evaluate", interrupted)
    ended = gradcli("eval", "x", "x=1")
    assert (ended.code, ended.out, ended.err.strip()) == (130, "", "")


def broken(*_, **__):
    raise RuntimeError("a fault of ours")


def test_an_internal_error_is_one_line_and_exit_code_3(gradcli, monkeypatch):
    monkeypatch.setattr("gradcli.cli.evaluate.evaluate", broken)
    ended = gradcli("eval", "x", "x=1")
    assert (ended.code, ended.out) == (3, "")
    assert re.match(
        r"error: internal error in gradcli [\d.]+: RuntimeError: a fault of ours\n", ended.err
    )
    assert "report it" in ended.err
    assert "Traceback" not in ended.err


def test_debug_shows_the_traceback_of_an_internal_error(gradcli, monkeypatch):
    monkeypatch.setattr("gradcli.cli.evaluate.evaluate", broken)
    ended = gradcli("eval", "x", "x=1", "--debug")
    assert ended.code == 3
    assert "Traceback" in ended.err


def test_debug_changes_nothing_for_an_error_of_the_user(gradcli):
    assert gradcli("eval", "x y", "--debug") == gradcli("eval", "x y")


# -------------------------------------------------------------------- errors stay small

MEGABYTE = 2**20
HOSTILE = {
    "one line": b"x+" * (MEGABYTE // 2),
    "no operator": b"x" + b" " * MEGABYTE + b"y",
    "open brackets": b"(" * (MEGABYTE // 4),
    "a name": b"n" * MEGABYTE,
    "a function": b"f" * MEGABYTE + b"(1)",
    "an attribute": b"x." + b"a" * MEGABYTE,
    "a number": b"1" * MEGABYTE,
    "a comment": b"x y #" + b"c" * MEGABYTE,
    "a directive": b"# gradcli: " + b"d" * MEGABYTE,
    "a bad index": b"[1][" + b"9" * 300 + b"]",
    "wide letters": "变".encode() * (MEGABYTE // 3),
    "marks": "e\u0301".encode() * (MEGABYTE // 3),
    "controls": b"\x1b]0;x\x07" * (MEGABYTE // 6),
    "nul": b"\0" * MEGABYTE,
    "lines": b"x = 1\n" * (MEGABYTE // 6),
    "many names": b"+".join(b"a%d" % k for k in range(1000)),
}


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE)
def test_an_error_takes_4_kb_at_most(gradcli, text):
    ended = gradcli("eval", "-", stdin=text)
    assert (ended.code, ended.out) == (2, "")
    assert ended.err.startswith("error: <stdin>:")
    assert len(ended.err.encode()) <= 4096
    assert all(c.isprintable() for c in ended.err.replace("\n", ""))
    assert max(map(len, ended.err.splitlines())) < 2600


# ---------------------------------------------------------------- help, version, completion


@pytest.mark.parametrize("name", ["", *COMMANDS])
def test_the_help_is_as_wide_as_the_window(gradcli, monkeypatch, name):
    monkeypatch.setenv("COLUMNS", "80")
    narrow = gradcli(*name.split(), "--help").out
    assert max(map(len, narrow.splitlines())) <= 80
    monkeypatch.setenv("COLUMNS", "100")
    wide = gradcli(*name.split(), "--help").out
    assert max(map(len, wide.splitlines())) <= 100
    assert len(wide.splitlines()) <= len(narrow.splitlines())


def test_help_is_a_command_too(gradcli):
    assert gradcli("help").out == gradcli("--help").out
    assert gradcli("help", "eval").out == gradcli("eval", "--help").out
    unknown = gradcli("help", "chek")
    assert (unknown.code, unknown.out) == (2, "")
    assert unknown.err == "error: `chek` is not a command\n  help: did you mean `check`?\n"
    assert gradcli("-V").out == gradcli("--version").out


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_the_completion_script_is_that_of_the_shell(gradcli, shell):
    ended = gradcli("completion", shell)
    assert (ended.code, ended.err) == (0, "")
    assert f"_GRADCLI_COMPLETE={shell}_complete" in ended.out


@pytest.mark.parametrize(
    ("words", "completions"),
    [
        ("gradcli ev", ["plain,eval"]),
        ("gradcli eval --fo", ["plain,--format"]),
        ("gradcli graph --theme d", ["plain,dark"]),
        ("gradcli eval -x**2 --fu", ["plain,--fuse", "plain,--full"]),
        ("gradcli eval --file pro", ["file,pro"]),
        ("gradcli check home", ["file,home"]),
        ("gradcli explain overw", ["plain,overwritten"]),
        ("gradcli exercise --mistakes transp", ["plain,transposed"]),
        ("gradcli gates softm", ["plain,softmax"]),
        ("gradcli schema batch", ["plain,batch"]),
        ("gradcli help sch", ["plain,schema"]),
        ("gradcli samples staged_", ["plain,staged_by_hand.grad"]),
        ("gradcli nothing --", ["plain,--version", "plain,--help"]),  # and nothing of `nothing`
    ],
)
def test_what_a_shell_asks_for_is_completed_and_no_error_is_printed(words, completions):
    asked = {"_GRADCLI_COMPLETE": "bash_complete", "COMP_WORDS": words,
             "COMP_CWORD": str(len(words.split()) - 1)}  # fmt: skip
    done = run_apart(env={**os.environ, **asked})
    assert done.stderr == b""
    assert done.stdout.decode().split() == completions


@pytest.mark.parametrize("asked", ["nonsense", "bash", "_"])
def test_no_completion_is_an_error_in_words(asked):
    done = run_apart(env={**os.environ, "_GRADCLI_COMPLETE": asked})
    assert (done.returncode, done.stdout) == (2, b"")
    assert b"_GRADCLI_COMPLETE" in done.stderr


@pytest.mark.parametrize(
    "words",
    [
        ["(x+y)*z", "x=-2", "y=5", "z=-4"],
        ["exp(x)/sum(exp(x))", "x=[1000,1001]", "--jacobian"],
        ["exp(x) - 1", "x=1e-10", "--digits", "40"],
        ["sum(W@x)", "W=[[1,2],[3,4]]", "x=[5,6]", "--hessian"],
        ["(1 - cos(x))/x**2", "x=1e-9", "--arithmetic", "float64"],
    ],
)
def test_what_is_brief_is_the_same_with_and_without_a_page(gradcli, monkeypatch, words):
    plain = gradcli("eval", *words, "-q")
    monkeypatch.setenv("COLUMNS", "1000")  # asks for a page
    assert gradcli("eval", *words, "-q") == plain


@pytest.mark.parametrize(
    "words",
    [
        ["x*y", "x=3", "y=2", "--claim", "x=2"],
        ["x*y", "x=3", "y=2", "--claim", "x=3"],
        ["x*y", "x=3", "y=2"],
        ["abs(x)", "x=0", "--claim", "x=0.5"],
        ["+".join(["x"] * 300), "x=1", "--claim", "x=3"],
        ["fine.grad", "wrong.grad", "odd.grad", "free.grad", "part.grad"],
    ],
)
def test_a_brief_check_is_the_same_with_and_without_a_page(gradcli, monkeypatch, tmp_path, words):
    texts = {
        "fine": "x = 2\nf = x**2\ndx = 4", "wrong": "x = 2\n\nf = x**2\ndx = 3", "odd": "x = = 2",
        "free": "x = 2\nf = x**2", "part": "x = 2; y = 3\nf = x * y\ndx = 1",
    }  # fmt: skip
    for name, text in texts.items():
        (tmp_path / f"{name}.grad").write_text(text)
    plain = gradcli("check", *words, "-q")
    monkeypatch.setenv("COLUMNS", "1000")  # asks for a page
    assert gradcli("check", *words, "-q") == plain


# -------------------------------------------------------------------- help, and what was meant


@pytest.mark.parametrize("name", ["eval", "check", "graph", "code", "exercise"])
def test_options_are_grouped_by_purpose_and_each_stands_once(gradcli, name):
    text = gradcli(name, "--help").out
    text = text[text.index("What is read:") :]
    assert "What is written:" in text
    for option in re.findall(r"^  (?:-\w, )?(--[\w-]+)", text, re.MULTILINE):
        assert len(re.findall(rf"^  (?:-\w, )?{option}\b(?!-)", text, re.MULTILINE)) == 1
    others = text.partition("Others:")[2]
    assert re.findall(r"--[\w-]+", others)[:1] == ["--debug"]


@pytest.mark.parametrize("columns", [40, 60, 80, 200])
def test_help_is_as_wide_as_the_window(gradcli, monkeypatch, columns):
    monkeypatch.setenv("COLUMNS", str(columns))
    lines = gradcli("eval", "--help").out.splitlines()
    prose = [line for line in lines if "gradcli eval" not in line and "|" not in line]
    assert max(map(len, prose)) <= min(columns, 100)


@pytest.mark.parametrize(("words", "meant"), [
    (["(x+y)*z", "x=3"], 'write gradcli eval "(x+y)*z" x=3'), (["x*y", "x=3", "y=1"], 'write gradcli eval "x*y" x=3 y=1'),
    (["homework.grad"], "write gradcli check homework.grad"), (["chek", "a.grad"], "did you mean `check`?"),
])  # fmt: skip
def test_an_expression_without_its_command_is_told_the_command(gradcli, words, meant):
    ended = gradcli(*words)
    assert ended.code == 2
    assert meant in ended.err
