"""`gradcli check` and `gradcli selfcheck` as a script or a CI job sees them."""

import json
import os
import sys
from pathlib import Path

import junitparser
import numpy as np
import pytest
from conftest import run_apart

from gradcli.tasks.selfcheck import Trial

RIGHT = "x = 3; y = -4\nf = x*y\ndx = y\ndy = x\n"
WRONG = "x = 3; y = -4\nf = x*y\ndx = x\ndy = x\n"
KINK = "x = 0\nf = relu(x)\ndx = 1\n"
BROKEN = "x = 3\nf = 2x\n"


def programs(folder, **texts):
    for name, text in texts.items():
        path = folder / f"{name}.grad"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return folder


EXITS = [
    (["x*y", "x=3", "y=-4", "--claim", "x=-4"], 0),
    (["x*y", "x=3", "y=-4", "--claim", "x=4"], 1),
    (["relu(x)", "x=0", "--claim", "x=0.5"], 0),
    (["floor(x)", "x=1"], 2),
    (["floor(x)", "x=1", "--inconclusive", "ok"], 0),
    (["log(x)", "x=-1"], 2),
    (["x*y", "x=3", "y=-4", "--claim", "x=4", "--exit-zero"], 0),
    (["x*y", "x=3"], 2),
    (["x*y", "x=3", "y=1", "--claim", "z=1"], 2),
    (["x*y", "x=3", "y=1", "--claim", "x=1", "--claim", "x=2"], 2),
    (["x*y", "x=3", "y=1", "--claim", "x=nan"], 1),
    (["-x**2", "x=3", "--claim", "x=-6"], 0),
    (["x*abs(x)", "x=-2:2", "--samples", "5"], 0),
    (["x*y", "x=-2:2", "y=1", "--claim", "x=1"], 2),
    (["x", "x=2:1"], 2),
    (["sum(x*x)", "x=randn(2)", "--seed", "-1"], 2),
    ([], 2),
    (["--wrng", "x"], 2),
]


@pytest.mark.parametrize(("words", "code"), EXITS)
def test_exit_codes(gradcli, words, code):
    assert gradcli("check", *words).code == code


def test_a_folder_is_walked_in_sorted_order_and_the_worst_verdict_counts(gradcli, tmp_path):
    programs(tmp_path, b=WRONG, a=RIGHT, **{"sub/c": KINK, ".hidden/d": WRONG})
    done = gradcli("check", tmp_path, "--json")
    report = json.loads(done.out)
    names = [os.path.relpath(case["file"], tmp_path) for case in report["cases"]]
    assert names == ["a.grad", "b.grad", "sub/c.grad"]
    assert [case["verdict"] for case in report["cases"]] == ["pass", "fail", "kink"]
    assert report["summary"] == {
        "pass": 1, "kink": 1, "fail": 1, "inconclusive": 0, "undefined": 0, "error": 0,
    }  # fmt: skip
    assert (report["verdict"], done.code) == ("fail", 1)


def test_a_file_that_cannot_be_read_is_a_case_and_the_others_are_still_checked(gradcli, tmp_path):
    programs(tmp_path, a=BROKEN, b=WRONG, c=RIGHT)
    done = gradcli("check", tmp_path, "--json")
    cases = json.loads(done.out)["cases"]
    assert [case["verdict"] for case in cases] == ["error", "fail", "pass"]
    assert (cases[0]["error"]["line"], cases[0]["error"]["column"]) == (2, 6)
    assert done.code == 2


def test_a_file_that_is_not_there_is_named_once(gradcli):
    ended = gradcli("check", "missing.grad", "--format", "concise")
    assert ended.err == "error: cannot read missing.grad: No such file or directory\n"


@pytest.mark.parametrize(
    ("options", "is_once"),
    [((), True), (("-q",), False), (("--json",), False), (("-o", "r.txt"), False)],
)
def test_on_a_terminal_what_cannot_be_read_is_told_once(
    gradcli, tmp_path, monkeypatch, options, is_once
):
    programs(tmp_path, a=BROKEN)
    assert "write `2*x`" in gradcli("check", "a.grad", *options).err
    for stream in (sys.stdout, sys.stderr):
        monkeypatch.setattr(stream, "isatty", lambda: True)
    ended = gradcli("check", "a.grad", *options)
    assert ended.code == 2
    assert ("write `2*x`" in ended.err) == (not is_once)
    assert not is_once or ended.out.count("write `2*x`") == 1


def test_nothing_to_check_is_an_error_unless_it_is_meant(gradcli, tmp_path):
    assert gradcli("check", tmp_path).code == 2
    assert gradcli("check", tmp_path, "--allow-empty").code == 0


def test_processes_do_not_change_the_report(gradcli, tmp_path):
    programs(tmp_path, **{f"p{k}": (WRONG if k % 3 else RIGHT) for k in range(7)})
    one = gradcli("check", tmp_path, "--json")
    two = run_apart("check", tmp_path, "--json", "--jobs", 2)
    assert (two.returncode, two.stdout.decode(), two.stderr) == (one.code, one.out, b"")
    assert one.code == 1


def test_fail_fast_stops_after_the_first_failure(gradcli, tmp_path):
    programs(tmp_path, a=RIGHT, b=WRONG, c=WRONG)
    cases = json.loads(gradcli("check", tmp_path, "--json", "--fail-fast").out)["cases"]
    assert len(cases) == 2


def test_several_formats_at_once(gradcli, tmp_path):
    programs(tmp_path / "p", a=RIGHT, b=WRONG)
    done = gradcli("check", "p", "--format", "concise", "--junit", "j.xml", "--sarif", "s.sarif",
               "--gitlab", "g.json")  # fmt: skip
    assert "p/b.grad:3:1: fail dx: " in done.out
    suites = junitparser.JUnitXml.fromfile(str(tmp_path / "j.xml"))
    assert (suites.tests, suites.failures, suites.skipped) == (8, 1, 1)
    results = json.loads((tmp_path / "s.sarif").read_text())["runs"][0]["results"]
    assert [r["ruleId"] for r in results] == ["gradcli/not-switched"]
    region = results[0]["locations"][0]["physicalLocation"]["region"]
    assert (region["startLine"], region["startColumn"]) == (3, 1)
    assert json.loads((tmp_path / "g.json").read_text())[0]["location"]["path"] == "p/b.grad"


def test_the_suffix_of_the_output_file_says_the_format(gradcli, tmp_path):
    programs(tmp_path, b=WRONG)
    for name in ("r.xml", "r.sarif", "r.JSON", "r.txt", "asked.xml"):
        asked = ("--format", "concise") if name == "asked.xml" else ()
        assert gradcli("check", "b.grad", "-o", name, *asked).code == 1
    assert junitparser.JUnitXml.fromfile(str(tmp_path / "r.xml")).failures == 1
    assert json.loads((tmp_path / "r.sarif").read_text())["version"] == "2.1.0"
    assert json.loads((tmp_path / "r.JSON").read_text())["schema"] == "gradcli.check/1"
    assert "b.grad" in (tmp_path / "r.txt").read_text()
    assert (tmp_path / "asked.xml").read_text().startswith("b.grad:3:1: fail dx: ")


def test_github_annotations_and_the_job_summary(gradcli, monkeypatch, tmp_path):
    programs(tmp_path, b=WRONG)
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(tmp_path / "summary.md"))
    done = gradcli("check", "b.grad", "--format", "github")
    assert done.out.startswith("::error file=b.grad,line=3,col=1,title=")
    assert "b.grad" in (tmp_path / "summary.md").read_text()


def test_defaults_come_from_pyproject_and_flags_win(gradcli, tmp_path):
    programs(tmp_path / "p", a=WRONG)
    (tmp_path / "pyproject.toml").write_text(
        '[tool.gradcli]\npaths = ["p"]\ntolerance = 10.0\nformat = "json"\n'
    )
    done = gradcli("check")
    assert json.loads(done.out)["verdict"] == "pass"
    assert gradcli("check", "--tolerance", "1e-6").code == 1
    assert gradcli("check", "--isolated").code == 2
    os.chdir("p")
    assert gradcli("check").code == 0
    (tmp_path / "pyproject.toml").write_text("[tool.gradcli]\ntolerence = 1\n")
    done = gradcli("check")
    assert done.code == 2
    assert "did you mean `tolerance`?" in done.err


def test_a_word_that_is_a_path_and_an_expression_is_refused(gradcli, tmp_path):
    programs(tmp_path / "x", a=RIGHT)
    done = gradcli("check", "x", "x=1")
    assert done.code == 2
    assert "--file x" in done.err
    assert "--expr x" in done.err
    assert gradcli("check", "x").code == 0
    assert gradcli("check", "--expr", "x", "x=1").code == 0


@pytest.mark.parametrize("words", ["x=1,y=2", "x=1, y = 2", "x=1; y=2", "x=1 y=2"])
@pytest.mark.parametrize(
    "command", [("eval", "x*y"), ("check", "--expr", "x*y", "x=3", "y=4", "--claim")]
)
def test_two_bindings_in_one_word_are_told_apart(gradcli, command, words):
    ended = gradcli(*command, words)
    assert ended.code == 2
    assert "help: give each by itself: `x=1` and `y" in ended.err


VALUES = [
    ["sum(x)", "x=@a.npz:a"],
    ["sum(x)", "x=[1,2,3][0:2]"],
    ["x*x", "x=-pi/2:pi/2"],
    ["x*y", "x=-1:1", "y=-2e0:+2"],
]


@pytest.mark.parametrize("words", VALUES, ids=" ".join)
def test_a_colon_is_a_range_between_numbers_only(gradcli, words, tmp_path):
    np.savez(tmp_path / "a.npz", a=[1.0, 2.0])
    done = gradcli("check", *words, "--json")
    (case,) = json.loads(done.out)["cases"]
    assert (done.code, case["verdict"]) == (0, "pass")
    assert ("points" in case) == (words[0] != "sum(x)")


def test_a_slice_that_is_none_is_no_range(gradcli):
    done = gradcli("check", "sum(x)", "x=[0:1,2]")
    assert done.code == 2
    assert "expected an operator, found `:`" in done.err


@pytest.mark.parametrize("words", [["f = x*y"], ["f=sin(x)*y"], ["x=2", "f = x*y"]])
def test_an_assignment_that_names_something_is_the_expression(gradcli, words):
    given = [] if words[0] == "x=2" else ["x=2"]
    done = gradcli("check", *words, *given, "y=3", "--json")
    (case,) = json.loads(done.out)["cases"]
    assert (done.code, case["output"], [*case["inputs"]]) == (0, "f", ["x", "y"])


def test_an_assignment_is_a_value_beside_an_expression_or_a_path(gradcli, tmp_path):
    programs(tmp_path, a=RIGHT)
    for words in (["x*y", "x=z", "y=1"], ["a.grad", "x=z"]):
        done = gradcli("check", *words)
        assert done.code == 2
        assert "`z` has no value here" in done.out + done.err
    assert "nothing to check" in gradcli("check", "x=2", "y=2*pi").err


def test_a_file_of_an_array_that_cannot_be_read_is_a_case_of_each_program(gradcli, tmp_path):
    programs(tmp_path, a="f = sum(x)\n", b="f = sum(x*x)\n")
    (tmp_path / "x.npy").write_bytes(b"\x93NUMPY\x01\x00\x0b\x00{'descr': \n")
    done = gradcli("check", ".", "x=@x.npy", "--json")
    cases = json.loads(done.out)["cases"]
    assert done.code == 2
    assert [case["error"]["kind"] for case in cases] == ["file", "file"]


def test_an_array_output_without_an_upstream_gradient_is_checked_by_its_jacobian(gradcli):
    done = gradcli("check", "x*2", "x=[1,2]", "--json")
    assert done.code == 0
    case = json.loads(done.out)["cases"][0]
    assert case["inputs"] == {}
    assert {name: entry["analytic"] for name, entry in case["entries"].items()} == {
        "value[0] by x[0]": 2, "value[0] by x[1]": 0, "value[1] by x[0]": 0, "value[1] by x[1]": 2,
    }  # fmt: skip
    assert {entry["verdict"] for entry in case["entries"].values()} == {"pass"}


def test_gradient_lines_of_an_array_output_still_need_an_upstream_gradient(gradcli, tmp_path):
    programs(tmp_path, a="x = [1,2]\nf = x*2\ndx = 2*x\n")
    done = gradcli("check", "a.grad")
    assert done.code == 2
    assert "need --upstream VALUE" in done.out


def test_a_program_on_stdin(gradcli):
    done = gradcli("check", "-", "--json", stdin=WRONG.encode())
    assert json.loads(done.out)["cases"][0]["file"] == "<stdin>"
    assert done.code == 1


def test_a_missing_gradient_is_a_note_and_an_error_under_strict(gradcli, tmp_path):
    programs(tmp_path, a="x = 3; y = 2\nf = x*y\ndx = y\n")
    case = json.loads(gradcli("check", "a.grad", "--json").out)["cases"][0]
    assert case["notes"] == ["no gradient for y"]
    assert gradcli("check", "a.grad").code == 0
    assert gradcli("check", "a.grad", "--strict").code == 2


def test_inputs_of_a_single_expression_also_stand_at_the_top(gradcli):
    report = json.loads(gradcli("check", "x*y", "x=3", "y=2", "--claim", "x=2", "--json").out)
    assert report["inputs"] == report["cases"][0]["inputs"]
    assert report["inputs"]["x"]["claim"] == 2.0
    assert report["inputs"]["y"]["claim"] is None


@pytest.mark.parametrize("point", ["x=nan", "x=inf", "x=-inf"])
@pytest.mark.parametrize("text", ["x*2", "log(x)", "max(x, 1)", "where(x > 0, 1, x)"])
def test_nan_and_infinity_never_exit_0(gradcli, text, point):
    done = gradcli("check", text, point, "--claim", "x=nan", "--json")
    assert done.code != 0
    json.loads(done.out, parse_constant=pytest.fail)


def test_selfcheck_passes_and_counts(gradcli, monkeypatch, selfcheck_trials):
    monkeypatch.setattr("gradcli.cli.selfcheck.trials", lambda: iter(selfcheck_trials))
    planted = sum(trial.is_wrong for trial in selfcheck_trials)
    right = len(selfcheck_trials) - planted
    said = (
        f"{planted} of {planted} planted mistakes caught, {right} of {right} right gradients passed"
    )
    assert gradcli("selfcheck") == (0, f"{said}\n", "")
    lines = gradcli("selfcheck", "--verbose").out.splitlines()
    assert lines == [*(f"{trial.what}: {trial.verdict}" for trial in selfcheck_trials), said]


def test_selfcheck_fails_where_a_mistake_is_missed_or_a_right_gradient_accused(
    gradcli, monkeypatch
):
    fine = [Trial("a", True, "fail"), Trial("b", False, "kink")]
    for bad, line, counts in (
        (Trial("c", True, "inconclusive"), "MISSED c: inconclusive", (1, 2, 1, 1)),
        (Trial("c", False, "fail"), "ACCUSED c: fail", (1, 1, 1, 2)),
    ):
        trials = [*fine, bad]
        monkeypatch.setattr("gradcli.cli.selfcheck.trials", lambda trials=trials: iter(trials))
        ended = gradcli("selfcheck")
        said = "{} of {} planted mistakes caught, {} of {} right gradients passed".format(*counts)
        assert (ended.code, ended.out.splitlines()) == (1, [line, said])


# -------------------------------------------------------------------- what is left out, and what is known

RIGHT_FILE, WRONG_FILE = "x = 3; y = 2; f = x*y\ndx = y\n", "x = 3; y = 2; f = x*y\ndx = x\n"


@pytest.mark.parametrize("pattern", ["b.grad", "*.grad", "drafts", "more/drafts", "more/*/b.grad"])
def test_files_and_folders_are_left_out_by_a_pattern(gradcli, pattern):
    Path("more/drafts").mkdir(parents=True)
    Path("more/drafts/b.grad").write_text(WRONG_FILE)
    assert gradcli("check", "more").code == 1
    assert gradcli("check", "more", "--exclude", pattern, "--allow-empty").code == 0
    Path("pyproject.toml").write_text(f'[tool.gradcli]\nexclude = ["{pattern}"]\n')
    assert gradcli("check", "more", "--allow-empty").code == 0


def test_a_baseline_holds_what_is_known_to_fail(gradcli):
    Path("a.grad").write_text(WRONG_FILE)
    Path("b.grad").write_text(RIGHT_FILE)
    ended = gradcli("check", ".", "--baseline", "known.json", "--update-baseline")
    assert (ended.code, ended.out.splitlines()[-1]) == (0, "1 known, 1 pass")
    assert gradcli("check", ".", "--baseline", "known.json").code == 0
    assert gradcli("check", ".").code == 1
    Path("a.grad").write_text(WRONG_FILE + "dy = y\n")  # one more is wrong
    assert gradcli("check", ".", "--baseline", "known.json").code == 1


def test_a_file_that_cannot_be_read_is_never_known(gradcli):
    words = ("check", "missing.grad", "--baseline", "known.json")
    assert gradcli(*words, "--update-baseline").code == 2
    assert gradcli(*words).code == 2


def test_a_baseline_that_is_none_is_refused(gradcli):
    Path("a.grad").write_text(RIGHT_FILE)
    assert "cannot read known.json" in gradcli("check", "a.grad", "--baseline", "known.json").err
    Path("known.json").write_text("[]")
    assert "is not a baseline" in gradcli("check", "a.grad", "--baseline", "known.json").err
    assert (
        "--update-baseline needs --baseline" in gradcli("check", "a.grad", "--update-baseline").err
    )


def test_a_program_may_ask_not_to_be_checked(gradcli):
    Path("a.grad").write_text("# gradcli: skip the loss is not written yet\n2x = )\n")
    ended = gradcli("check", "a.grad")
    assert (ended.code, ended.out.splitlines()[-1]) == (0, "1 skipped")
    assert "the loss is not written yet" in ended.out
    assert json.loads(gradcli("check", "a.grad", "--json").out)["cases"][0]["excuse"] == "skipped"


def test_a_definition_of_python_may_ask_not_to_be_checked(gradcli):
    square = "def {0}(x):\n    return x**2\n\n\ndef {0}_grad(x):\n    return 2*x{1}\n\n\n"
    Path("a.py").write_text(
        square.format("f", "") + "# gradcli: skip known\n" + square.format("g", "**2")
    )
    assert [case["verdict"] for case in cases_of(gradcli("check", "a.py", "--json"))] == [
        "pass", "inconclusive",
    ]  # fmt: skip


def test_a_program_has_a_tolerance_of_its_own(gradcli):
    text = "x = 3; f = x**2\ndx = 6.0001\n"
    Path("a.grad").write_text(text)
    assert gradcli("check", "a.grad").code == 1
    Path("a.grad").write_text(f"# gradcli: tolerance 1e-3\n{text}")
    assert gradcli("check", "a.grad").code == 0
    assert gradcli("check", "a.grad", "--tolerance", "1e-6").code == 1
    Path("a.grad").write_text(f"# gradcli: tolerance little\n{text}")
    assert "`tolerance little` is not a directive" in gradcli("check", "a.grad").out


def test_a_slope_beside_an_expression_is_a_claim(gradcli):
    ended = gradcli("check", "x*y", "x=3", "y=4", "df/dx = 4")
    assert (ended.code, ended.out) == (2, "")
    assert ended.err.endswith("\n  help: write --claim x=4\n")


@pytest.mark.parametrize(
    "word", ["gradientz", "./gradientz", "data/gradientz", "../x", "/nowhere/x", "data/*.grd"]
)
def test_a_path_that_is_not_there_is_no_expression(gradcli, word):
    ended = gradcli("check", word)
    assert (ended.code, ended.err) == (2, f"error: {word}: no such file or folder\n")
    assert json.loads(gradcli("check", word, "--json").out)["error"]["kind"] == "file"


def test_a_quotient_is_no_path(gradcli):
    assert gradcli("check", "a/b", "a=1", "b=2").code == 0


@pytest.mark.parametrize(
    "words", [["2x"], ["x*y", "x=1", "oops oops"], ["x*y", "--claim", "no claim"]]
)
def test_an_error_of_check_is_a_document_too(gradcli, words):
    ended = gradcli("check", *words, "--json")
    assert ended.code == 2
    assert json.loads(ended.out)["schema"] == "gradcli.error/1"


def cases_of(ended):
    return json.loads(ended.out)["cases"]


# ---------------------------------------------------------------- what strangers write

HOSTILE_NAMES = [
    "a\x1b]0;PWN\x07b.grad", "a\n::error file=x::pwn\n.grad", "a\x9b31mb.grad", "a\u202eb.grad", "a\r##[error]b.grad",
]  # fmt: skip


@pytest.mark.skipif(os.name == "nt", reason="such names are those of POSIX")
@pytest.mark.parametrize("name", HOSTILE_NAMES, ids=ascii)
@pytest.mark.parametrize("text", ["x=1\nunused=2\nf=x*2\ndx=2\n", "x=1\nf=x*(2x\n"])
@pytest.mark.parametrize("form", ["table", "github", "concise"])
def test_a_name_of_a_file_reaches_no_terminal_as_it_is(gradcli, tmp_path, name, text, form):
    (tmp_path / name).write_text(text)
    _, out, err = gradcli("check", name, "--format", form)
    assert err
    for said in (out, err):
        assert not set(said) & set("\x1b\x07\x9b\u202e\r")
        assert not any(line.lstrip().startswith(("::error file=x::pwn", "##[error]b"))
                       for line in said.splitlines())  # fmt: skip


def test_warnings_are_few_kilobytes(gradcli, tmp_path):
    names = [f"unused_{k}" for k in range(5000)]
    (tmp_path / "a.grad").write_text("x=1\n" + "".join(f"{n}=2\n" for n in names) + "f=x*2\ndx=2\n")
    code, _, err = gradcli("check", "a.grad")
    assert code == 0
    assert len(err) <= 4096
    assert err.splitlines()[-1].startswith("... and ")


@pytest.mark.parametrize("form", ["table", "json"])
def test_why_a_program_cannot_be_read_is_said_on_stderr_with_its_place(gradcli, tmp_path, form):
    (tmp_path / "a.grad").write_text("x=1\nf=x*(2x)\ndx=1\n")
    code, out, err = gradcli("check", "a.grad", "--format", form)
    assert code == 2
    assert err.splitlines() == [
        "error: a.grad:2:7: expected an operator, found `x`", "  f=x*(2x)", "        ^",
        "  help: write `2*x` for a product",
    ]  # fmt: skip
    assert "expected an operator" in out


@pytest.mark.parametrize("tail", ["9" * 10**6, "é" * 10**6, "(" * 10**5, "x" * 10**6])
def test_errors_of_files_are_few_kilobytes(gradcli, tmp_path, tail):
    (tmp_path / "a.grad").write_text(f"x=1\nf=x*{tail}\n")
    for form in ("table", "json"):
        code, out, err = gradcli("check", "a.grad", "--format", form)
        assert code == 2
        assert len(err.encode()) <= 4096
        assert len(out.encode()) <= 8192


def test_options_that_do_nothing_are_said(gradcli):
    ended = gradcli("check", "x*y", "x=1", "y=2", "--samples", "5")
    assert (ended.code, ended.err) == (
        0,
        "warning: --samples does nothing: no input has a range such as x=-2:2\n",
    )
    assert gradcli("check", "x*y", "x=1:2", "y=2", "--samples", "5").err == ""
    assert "--write needs --fix" in gradcli("check", "x*y", "x=1", "y=2", "--write").err


def test_a_quiet_check_says_what_is_wrong_in_a_line_each(gradcli):
    Path("a.grad").write_text(WRONG_FILE)
    Path("b.grad").write_text(RIGHT_FILE)
    assert (
        gradcli("check", "a.grad", "b.grad", "-q").out
        == "fail  a.grad:1  x * y\n\n1 fail, 1 pass\n"
    )


def test_inputs_are_left_out_by_several_options(gradcli):
    report = json.loads(
        gradcli("eval", "x*y*z", "x=1", "y=2", "z=3", "--wrt", "x", "--wrt", "y", "--json").out
    )
    assert [*report["gradients"]] == ["x", "y"]
