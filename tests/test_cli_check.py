"""`gradcli check` and `gradcli selfcheck` as a script or a CI job sees them."""

import json
import os
import subprocess
import sys
from pathlib import Path

import junitparser
import numpy as np
import pytest

RIGHT = "x = 3; y = -4\nf = x*y\ndx = y\ndy = x\n"
WRONG = "x = 3; y = -4\nf = x*y\ndx = x\ndy = x\n"
KINK = "x = 0\nf = relu(x)\ndx = 1\n"
JUMP = "x = 1\nf = floor(x)\n"
BROKEN = "x = 3\nf = 2x\n"


def run(*words, cwd=None, stdin="", **env):
    done = subprocess.run(
        [sys.executable, "-m", "gradcli", *map(str, words)], cwd=cwd, input=stdin,
        capture_output=True, text=True, check=False, env={**os.environ, "NO_COLOR": "1", **env},
    )  # fmt: skip
    assert "Traceback" not in done.stderr
    return done


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
def test_exit_codes(words, code, tmp_path):
    assert run("check", *words, cwd=tmp_path).returncode == code


def test_a_folder_is_walked_in_sorted_order_and_the_worst_verdict_counts(tmp_path):
    programs(tmp_path, b=WRONG, a=RIGHT, **{"sub/c": KINK, ".hidden/d": WRONG})
    done = run("check", tmp_path, "--json")
    report = json.loads(done.stdout)
    names = [os.path.relpath(case["file"], tmp_path) for case in report["cases"]]
    assert names == ["a.grad", "b.grad", "sub/c.grad"]
    assert [case["verdict"] for case in report["cases"]] == ["pass", "fail", "kink"]
    assert report["summary"] == {
        "pass": 1, "kink": 1, "fail": 1, "inconclusive": 0, "undefined": 0, "error": 0,
    }  # fmt: skip
    assert (report["verdict"], done.returncode) == ("fail", 1)


def test_a_file_that_cannot_be_read_is_a_case_and_the_others_are_still_checked(tmp_path):
    programs(tmp_path, a=BROKEN, b=WRONG, c=RIGHT)
    done = run("check", tmp_path, "--json")
    cases = json.loads(done.stdout)["cases"]
    assert [case["verdict"] for case in cases] == ["error", "fail", "pass"]
    assert (cases[0]["error"]["line"], cases[0]["error"]["column"]) == (2, 6)
    assert done.returncode == 2


def test_nothing_to_check_is_an_error_unless_it_is_meant(tmp_path):
    assert run("check", tmp_path).returncode == 2
    assert run("check", tmp_path, "--allow-empty").returncode == 0


def test_processes_do_not_change_the_report(tmp_path):
    programs(tmp_path, **{f"p{k}": (WRONG if k % 3 else RIGHT) for k in range(7)})
    one, two = (run("check", tmp_path, "--json", "--jobs", n) for n in (1, 2))
    assert one.stdout == two.stdout
    assert one.returncode == two.returncode == 1


def test_fail_fast_stops_after_the_first_failure(tmp_path):
    programs(tmp_path, a=RIGHT, b=WRONG, c=WRONG)
    cases = json.loads(run("check", tmp_path, "--json", "--fail-fast").stdout)["cases"]
    assert len(cases) == 2


def test_several_formats_at_once(tmp_path):
    programs(tmp_path / "p", a=RIGHT, b=WRONG)
    done = run("check", "p", "--format", "concise", "--junit", "j.xml", "--sarif", "s.sarif",
               "--gitlab", "g.json", cwd=tmp_path)  # fmt: skip
    assert "p/b.grad:3:1: fail dx: " in done.stdout
    suites = junitparser.JUnitXml.fromfile(str(tmp_path / "j.xml"))
    assert (suites.tests, suites.failures, suites.skipped) == (8, 1, 1)
    results = json.loads((tmp_path / "s.sarif").read_text())["runs"][0]["results"]
    assert [r["ruleId"] for r in results] == ["gradcli/not-switched"]
    region = results[0]["locations"][0]["physicalLocation"]["region"]
    assert (region["startLine"], region["startColumn"]) == (3, 1)
    assert json.loads((tmp_path / "g.json").read_text())[0]["location"]["path"] == "p/b.grad"


def test_the_suffix_of_the_output_file_says_the_format(tmp_path):
    programs(tmp_path, b=WRONG)
    for name in ("r.xml", "r.sarif", "r.JSON", "r.txt", "asked.xml"):
        asked = ("--format", "concise") if name == "asked.xml" else ()
        assert run("check", "b.grad", "-o", name, *asked, cwd=tmp_path).returncode == 1
    assert junitparser.JUnitXml.fromfile(str(tmp_path / "r.xml")).failures == 1
    assert json.loads((tmp_path / "r.sarif").read_text())["version"] == "2.1.0"
    assert json.loads((tmp_path / "r.JSON").read_text())["schema"] == "gradcli.check/1"
    assert "b.grad" in (tmp_path / "r.txt").read_text()
    assert (tmp_path / "asked.xml").read_text().startswith("b.grad:3:1: fail dx: ")


def test_github_annotations_and_the_job_summary(tmp_path):
    programs(tmp_path, b=WRONG)
    done = run("check", "b.grad", "--format", "github", cwd=tmp_path,
               GITHUB_STEP_SUMMARY=str(tmp_path / "summary.md"))  # fmt: skip
    assert done.stdout.startswith("::error file=b.grad,line=3,col=1,title=")
    assert "b.grad" in (tmp_path / "summary.md").read_text()


def test_defaults_come_from_pyproject_and_flags_win(tmp_path):
    programs(tmp_path / "p", a=WRONG)
    (tmp_path / "pyproject.toml").write_text(
        '[tool.gradcli]\npaths = ["p"]\ntolerance = 10.0\nformat = "json"\n'
    )
    done = run("check", cwd=tmp_path)
    assert json.loads(done.stdout)["verdict"] == "pass"
    assert run("check", "--tolerance", "1e-6", cwd=tmp_path).returncode == 1
    assert run("check", "--isolated", cwd=tmp_path).returncode == 2
    assert run("check", cwd=tmp_path / "p").returncode == 0
    (tmp_path / "pyproject.toml").write_text("[tool.gradcli]\ntolerence = 1\n")
    done = run("check", cwd=tmp_path)
    assert done.returncode == 2
    assert "did you mean `tolerance`?" in done.stderr


def test_a_word_that_is_a_path_and_an_expression_is_refused(tmp_path):
    programs(tmp_path / "x", a=RIGHT)
    done = run("check", "x", "x=1", cwd=tmp_path)
    assert done.returncode == 2
    assert "--file x" in done.stderr
    assert "--expr x" in done.stderr
    assert run("check", "x", cwd=tmp_path).returncode == 0
    assert run("check", "--expr", "x", "x=1", cwd=tmp_path).returncode == 0


VALUES = [
    ["sum(x)", "x=@a.npz:a"],
    ["sum(x)", "x=[1,2,3][0:2]"],
    ["x*x", "x=-pi/2:pi/2"],
    ["x*y", "x=-1:1", "y=-2e0:+2"],
]


@pytest.mark.parametrize("words", VALUES, ids=" ".join)
def test_a_colon_is_a_range_between_numbers_only(words, tmp_path):
    np.savez(tmp_path / "a.npz", a=[1.0, 2.0])
    done = run("check", *words, "--json", cwd=tmp_path)
    (case,) = json.loads(done.stdout)["cases"]
    assert (done.returncode, case["verdict"]) == (0, "pass")
    assert ("points" in case) == (words[0] != "sum(x)")


def test_a_slice_that_is_none_is_no_range():
    done = run("check", "sum(x)", "x=[0:1,2]")
    assert done.returncode == 2
    assert "expected an operator, found `:`" in done.stderr


@pytest.mark.parametrize("words", [["f = x*y"], ["f=sin(x)*y"], ["x=2", "f = x*y"]])
def test_an_assignment_that_names_something_is_the_expression(words):
    given = [] if words[0] == "x=2" else ["x=2"]
    done = run("check", *words, *given, "y=3", "--json")
    (case,) = json.loads(done.stdout)["cases"]
    assert (done.returncode, case["output"], [*case["inputs"]]) == (0, "f", ["x", "y"])


def test_an_assignment_is_a_value_beside_an_expression_or_a_path(tmp_path):
    programs(tmp_path, a=RIGHT)
    for words in (["x*y", "x=z", "y=1"], ["a.grad", "x=z"]):
        done = run("check", *words, cwd=tmp_path)
        assert done.returncode == 2
        assert "`z` has no value here" in done.stdout + done.stderr
    assert "nothing to check" in run("check", "x=2", "y=2*pi", cwd=tmp_path).stderr


def test_a_file_of_an_array_that_cannot_be_read_is_a_case_of_each_program(tmp_path):
    programs(tmp_path, a="f = sum(x)\n", b="f = sum(x*x)\n")
    (tmp_path / "x.npy").write_bytes(b"\x93NUMPY\x01\x00\x0b\x00{'descr': \n")
    done = run("check", ".", "x=@x.npy", "--json", cwd=tmp_path)
    cases = json.loads(done.stdout)["cases"]
    assert done.returncode == 2
    assert [case["error"]["kind"] for case in cases] == ["file", "file"]


def test_an_array_output_needs_an_upstream_gradient_and_no_option_of_eval():
    done = run("check", "x*2", "x=[1,2]")
    assert done.returncode == 2
    assert "need --upstream VALUE" in done.stderr
    assert "--jacobian" not in done.stderr


def test_a_program_on_stdin():
    done = run("check", "-", "--json", stdin=WRONG)
    assert json.loads(done.stdout)["cases"][0]["file"] == "<stdin>"
    assert done.returncode == 1


def test_a_missing_gradient_is_a_note_and_an_error_under_strict(tmp_path):
    programs(tmp_path, a="x = 3; y = 2\nf = x*y\ndx = y\n")
    case = json.loads(run("check", "a.grad", "--json", cwd=tmp_path).stdout)["cases"][0]
    assert case["notes"] == ["no gradient for y"]
    assert run("check", "a.grad", cwd=tmp_path).returncode == 0
    assert run("check", "a.grad", "--strict", cwd=tmp_path).returncode == 2


def test_inputs_of_a_single_expression_also_stand_at_the_top():
    report = json.loads(run("check", "x*y", "x=3", "y=2", "--claim", "x=2", "--json").stdout)
    assert report["inputs"] == report["cases"][0]["inputs"]
    assert report["inputs"]["x"]["claim"] == 2.0
    assert report["inputs"]["y"]["claim"] is None


@pytest.mark.parametrize("point", ["x=nan", "x=inf", "x=-inf"])
@pytest.mark.parametrize("text", ["x*2", "log(x)", "max(x, 1)", "where(x > 0, 1, x)"])
def test_nan_and_infinity_never_exit_0(text, point):
    done = run("check", text, point, "--claim", "x=nan", "--json")
    assert done.returncode != 0
    json.loads(done.stdout, parse_constant=pytest.fail)


def test_selfcheck_passes_and_counts():
    done = run("selfcheck")
    assert done.returncode == 0
    assert "planted mistakes caught" in done.stdout


# ---------------------------------------------------------------- pyproject.toml


NO_CONFIG = [  # the file, and what is said of it
    (b"\xff", "cannot read PATH: it is not UTF-8 (byte 0)"),
    (b'[tool.gradcli]\nseed = 1\n# \xe9\n', "cannot read PATH: it is not UTF-8 (byte 26)"),
    (b"[tool.gradcli", "cannot read PATH: "),
    (b"a = " + b"[" * 100_000, "cannot read PATH: it is nested too deeply"),
    (b"tool = 3", "`tool` of PATH is not a table"),
    (b"[[tool]]", "`tool` of PATH is not a table"),
    (b"[tool]\ngradcli = 'x'", "[tool.gradcli] of PATH is not a table"),
    (b"[[tool.gradcli]]", "[tool.gradcli] of PATH is not a table"),
]  # fmt: skip
NO_VALUES = [
    ("paths", "3", "3 is not a list of paths"),
    ("paths", '["a", 3]', "['a', 3] is not a list of paths"),
    ("paths", '{a = "b"}', "{'a': 'b'} is not a list of paths"),
    ("paths", '"a\\u0000"', r"'a\x00' is not a list of paths"),
    ("tolerance", '"small"', "'small' is not a number"),
    ("tolerance", "true", "True is not a number"),
    ("tolerance", "-1", "-1.0 is not in the range x>=0"),
    ("samples", "2.5", "2.5 is not a whole number"),
    ("samples", "0", "0 is not in the range x>=1"),
    ("seed", "false", "False is not a whole number"),
    ("seed", "1979-05-27", "datetime.date(1979, 5, 27) is not a whole number"),
    ("jobs", "[1]", "[1] is not a whole number"),
    ("exact", '"no"', "'no' is not true or false"),
    ("strict", "1", "1 is not true or false"),
    ("allow-empty", "{}", "{} is not true or false"),
    ("format", "3", "3 is not a text"),
    ("format", '"xml"', "'xml' is not one of 'table', "),
    ("inconclusive", '"maybe"', "'maybe' is not one of 'ok', 'error'"),
    ("junit", "[]", "[] is not a text"),
    ("sarif", "1.0", "1.0 is not a text"),
    ("gitlab", "true", "True is not a text"),
    ("tolerence", "1", None),
]


def config_error(gradcli, data):
    """What is said of a pyproject.toml in a folder above; its path is left out."""
    Path("pyproject.toml").write_bytes(data)
    Path("sub").mkdir(exist_ok=True)
    os.chdir("sub")
    ended = gradcli("check", "x*y", "x=2", "y=3")
    assert (ended.code, ended.out) == (2, "")
    assert gradcli("check", "x*y", "x=2", "y=3", "--isolated").code == 0
    return ended.err.replace(str(Path("..").resolve() / "pyproject.toml"), "PATH")


@pytest.mark.parametrize(("data", "message"), NO_CONFIG, ids=lambda part: str(part[:20]))
def test_a_pyproject_that_cannot_be_read_is_an_error_that_names_it(gradcli, data, message):
    assert config_error(gradcli, data).startswith(f"error: {message}")


@pytest.mark.parametrize(("key", "value", "message"), NO_VALUES)
def test_a_setting_of_the_wrong_kind_is_an_error_that_names_key_and_file(
    gradcli, key, value, message
):
    error = config_error(gradcli, f"[tool.gradcli]\n{key} = {value}\n".encode())
    assert error.startswith(f"error: `{key}` in [tool.gradcli] of PATH")
    if message is not None:
        assert error.startswith(f"error: `{key}` in [tool.gradcli] of PATH: {message}")


def test_a_pyproject_that_may_not_be_read_is_named(gradcli, monkeypatch):
    Path("pyproject.toml").touch()
    path = Path("pyproject.toml").resolve()

    def refuse(*_):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("gradcli.cli.config.open", refuse, raising=False)
    ended = gradcli("check", "x*y", "x=2", "y=3")
    assert (ended.code, ended.err) == (2, f"error: cannot read {path}: Permission denied\n")


def test_a_working_folder_that_is_gone_is_said(gradcli, tmp_path):
    (tmp_path / "gone").mkdir()
    os.chdir("gone")
    (tmp_path / "gone").rmdir()
    ended = gradcli("check", "x*y", "x=2", "y=3")
    assert ended.code == 2
    assert ended.err.startswith("error: cannot look for pyproject.toml: No such file")
    assert gradcli("check", "x*y", "x=2", "y=3", "--isolated").code == 0


def test_a_job_summary_that_cannot_be_written_is_named(gradcli, monkeypatch, tmp_path):
    summary = tmp_path / "no" / "summary.md"
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(summary))
    ended = gradcli("check", "x*y", "x=2", "y=3", "--format", "github")
    assert ended.code == 2
    assert ended.err == (
        f"error: cannot write {summary}: No such file or directory\n"
        "  help: it is what GITHUB_STEP_SUMMARY names\n"
    )


@pytest.mark.skipif(sys.platform != "linux", reason="other systems refuse such a name")
def test_a_job_summary_holds_any_name_of_a_file(gradcli, monkeypatch, tmp_path):
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(tmp_path / "summary.md"))
    name = os.fsdecode(b"\xff.grad")
    Path(name).write_text(WRONG)
    ended = gradcli("check", name, "--format", "github")
    assert ended.code == 1
    assert "\\udcff.grad" in (tmp_path / "summary.md").read_text()
