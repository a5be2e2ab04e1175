"""`gradcli samples`: the sample programs that come with the package."""

import os
from pathlib import Path

from gradcli.program.samples import sample_names

FOLDER = Path(__file__).parent.parent / "sample_exprs"


def test_every_sample_is_listed_with_what_it_says_of_itself(gradcli):
    ended = gradcli("samples")
    names = [line.split()[0] for line in ended.out.splitlines()]
    files = [path for path in FOLDER.rglob("*") if path.suffix in (".grad", ".py")]
    assert sorted(names) == sorted(path.relative_to(FOLDER).as_posix() for path in files)
    assert all(len(line.split()) > 3 for line in ended.out.splitlines())


def test_a_sample_is_printed_or_written(gradcli, tmp_path):
    text = (FOLDER / "staged.grad").read_text("utf-8")
    assert gradcli("samples", "staged.grad").out == text
    assert gradcli("samples", "mistakes/sign.grad", "-o", "sign.grad").code == 0
    assert (tmp_path / "sign.grad").read_text("utf-8").startswith("# Wrong on purpose")


def test_folder_and_suffix_of_a_sample_may_be_left_out(gradcli):
    assert gradcli("samples", "staged").out == (FOLDER / "staged.grad").read_text("utf-8")
    signs = (FOLDER / "mistakes" / "sign.grad").read_text("utf-8")
    assert gradcli("samples", "sign").out == gradcli("samples", "mistakes/sign").out == signs


def test_all_samples_go_into_a_folder_that_has_none(gradcli, tmp_path):
    assert gradcli("samples", "-o", "all").code == 0
    written = {path.relative_to(tmp_path / "all").as_posix() for path in tmp_path.rglob("*.*")}
    assert written >= {*sample_names()}
    (tmp_path / "all" / "staged.grad").write_text("mine", "utf-8")
    ended = gradcli("samples", "-o", "all")
    assert ended.code == 2
    assert "is there already" in ended.err
    assert (tmp_path / "all" / "staged.grad").read_text("utf-8") == "mine"


def test_an_unknown_sample_is_answered_with_the_nearest(gradcli):
    ended = gradcli("samples", "stagd.grad")
    assert ended.code == 2
    assert "did you mean `staged.grad`?" in ended.err


def test_samples_that_cannot_be_listed_are_no_fewer_samples(gradcli, monkeypatch):
    def denied(path):
        raise PermissionError(13, "Permission denied", path)

    monkeypatch.setattr(os, "scandir", denied)
    ended = gradcli("samples")
    assert (ended.code, ended.out) == (2, "")
    assert "the samples cannot be listed: Permission denied" in ended.err
