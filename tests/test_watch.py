"""`gradcli watch`: a report at the start, and one at every save."""

import re
from pathlib import Path

import pytest

from gradcli.cli import watch

RIGHT, WRONG = "x = 3; y = 2; f = x*y\ndx = y\n", "x = 3; y = 2; f = x*y\ndx = x\n"


@pytest.fixture
def saves(monkeypatch):
    """A function that says what is saved in each pause; after the last comes an interrupt."""

    def plan(*actions):
        waiting = [*actions]

        def pause(_):
            if not waiting:
                raise KeyboardInterrupt
            waiting.pop(0)()

        monkeypatch.setattr(watch.time, "sleep", pause)

    return plan


def test_a_report_comes_at_the_start_and_at_every_save(gradcli, saves):
    file = Path("a.grad")
    file.write_text(RIGHT)
    saves(
        lambda: None,
        lambda: file.write_text(WRONG + "\n"),
        lambda: None,
        lambda: file.write_text(RIGHT),
    )
    ended = gradcli("watch", "a.grad")
    assert ended.code == 130
    assert [line for line in ended.out.splitlines() if line in ("1 pass", "1 fail")] == [
        "1 pass", "1 fail", "1 pass",
    ]  # fmt: skip
    assert ended.out.count("watching a.grad") == 3


def test_a_file_that_goes_and_comes_back_is_watched_on(gradcli, saves):
    file = Path("a.grad")
    file.write_text("2x")
    saves(file.unlink, lambda: file.write_text(RIGHT))
    ended = gradcli("watch", ".", "--options", "-q --allow-empty")
    assert ended.code == 130
    assert "1 error" in ended.out
    assert ended.out.count("watching .") == 3


def test_there_must_be_something_to_watch(gradcli):
    assert gradcli("watch").code == 2
    assert "no such file or folder" in gradcli("watch", "nothing").err


@pytest.mark.parametrize(
    ("options", "message"),
    [("--foo", "No such option:? '?--foo"), ('"-q', "cannot be taken apart: No closing quotation")],
)
def test_wrong_options_are_not_watched_on(gradcli, saves, options, message):
    Path("a.grad").write_text(RIGHT)
    saves()
    ended = gradcli("watch", "a.grad", "--options", options)
    assert (ended.code, ended.out) == (2, "")
    assert re.search(message, ended.err)
