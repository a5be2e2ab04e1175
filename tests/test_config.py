"""What pyproject.toml sets for `check`, and what is said of one that is wrong."""

import json
import os
import sys
from pathlib import Path

import pytest
from test_cli_check import WRONG

NO_CONFIG = [  # the file, and what is said of it
    (b"\xff", "cannot read PATH: it is not UTF-8 (byte 0)"),
    (b'[tool.gradcli]\nseed = 1\n# \xe9\n', "cannot read PATH: it is not UTF-8 (byte 26)"),
    (b"[tool.gradcli", "cannot read PATH: "),
    (b"a = " + b"9" * 5_000, "cannot read PATH: a number in it has thousands of digits"),
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
    ("exclude", '"*.grad"', "'*.grad' is not a list of texts"),
    ("exclude", '["*.grad", 3]', "['*.grad', 3] is not a list of texts"),
    ("exclude", '[["*.grad"]]', "[['*.grad']] is not a list of texts"),
    ("junit", "[]", "[] is not a text"),
    ("sarif", "1.0", "1.0 is not a text"),
    ("gitlab", "true", "True is not a text"),
    ("tolerence", "1", None),
    ("tolerance", "inf", "inf is not a finite number"),
    ("tolerance", "nan", "nan is not a finite number"),
    (
        "junit",
        '"/somewhere/else.xml"',
        "'/somewhere/else.xml' leads out of the folder of pyproject.toml",
    ),
    ("sarif", '"../else.sarif"', "'../else.sarif' leads out of the folder of pyproject.toml"),
    ("gitlab", '"sub/../../else.json"', "'sub/../../else.json' leads out of the folder"),
    ("junit", '"pyproject.toml"', "the configuration itself would be overwritten"),
    ("junit", '""', "'' is no file that can be written"),
    ("junit", '"."', "'.' is no file that can be written"),
    ("junit", '"a\\u0000b"', r"'a\x00b' is no file that can be written"),
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


def test_results_of_a_pyproject_stand_below_it_and_links_lead_nowhere_else(gradcli, tmp_path):
    (tmp_path / "project" / "sub").mkdir(parents=True)
    (tmp_path / "outside.xml").write_text("kept")
    os.chdir(tmp_path / "project")
    Path("pyproject.toml").write_text('[tool.gradcli]\njunit = "sub/report.xml"\n')
    os.chdir("sub")
    assert gradcli("check", "x*y", "x=2", "y=3").code == 0
    assert Path("report.xml").read_text().startswith("<?xml")
    Path("report.xml").unlink()
    Path("report.xml").symlink_to(tmp_path / "outside.xml")
    ended = gradcli("check", "x*y", "x=2", "y=3")
    assert ended.code == 2
    assert "leads out of the folder" in ended.err
    assert (tmp_path / "outside.xml").read_text() == "kept"


def test_the_configuration_is_never_overwritten(gradcli):
    Path("pyproject.toml").write_text("[tool.gradcli]\n")
    ended = gradcli("check", "x*y", "x=2", "y=3", "--junit", "pyproject.toml")
    assert ended.code == 2
    assert "would be overwritten" in ended.err
    assert Path("pyproject.toml").read_text() == "[tool.gradcli]\n"


def test_a_result_that_cannot_be_written_hinders_no_other(gradcli):
    ended = gradcli(
        "check", "x*y", "x=2", "y=3", "--junit", "no/such/folder.xml", "--sarif", "r.sarif"
    )
    assert ended.code == 2
    assert "cannot write no/such/folder.xml" in ended.err
    assert "pass" in ended.out
    assert Path("r.sarif").exists()


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


def test_json_has_a_document_where_an_expression_cannot_be_read(gradcli):
    ended = gradcli("check", "x*y", "x=1", "--json")
    document = json.loads(ended.out)
    assert (ended.code, document["schema"]) == (2, "gradcli.error/1")
    assert document["error"]["message"] == "`y` has no value"


SWAPPED = "x = [0.5, -1.2, 2.0]; w = [0.3, 0.7, -0.4]\nf = sum(x*w)\ndx = x\ndw = x\n"


def test_what_a_line_explains_is_not_said_of_every_element_again(gradcli):
    Path("a.grad").write_text(SWAPPED)
    assert "swapped?" not in gradcli("check", "a.grad").out
    assert gradcli("check", "a.grad", "-v").out.count("swapped?") == 3


def test_code_that_does_not_fit_stands_under_its_column(gradcli, monkeypatch):
    monkeypatch.setenv("COLUMNS", "40")
    Path("a.grad").write_text(SWAPPED)
    rows = gradcli("check", "a.grad").out.splitlines()
    assert rows[2:5] == [
        "      1  x = [0.5, -1.2, 2.0]; w = [0.3,", "         0.7, -0.4]", "      2  f = sum(x*w)",
    ]  # fmt: skip
    below = rows[rows.index("fail  3  dx = x") + 1 :][:2]
    assert all(row.startswith("      ") and row[6] != " " for row in below)


def test_large_arrays_are_not_printed_whole_under_a_line(gradcli):
    Path("a.grad").write_text("x = randn(9, 9)\nf = sum(x**3)\ndx = 3*x**2\ndx[0, 0] += 1\n")
    row = next(r for r in gradcli("check", "a.grad").out.splitlines() if r.startswith("      dx"))
    assert len(row) < 200
