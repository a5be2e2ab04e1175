"""Files: programs are read whole and safely, results are written whole or not at all."""

from __future__ import annotations

import io
import os
import stat
import sys
from pathlib import Path

import numpy as np
import pytest
from conftest import run_apart

from gradcli.cli.output import write_arrays, write_text
from gradcli.errors import FileError, LimitError
from gradcli.program.files import find_programs, read_text

# -------------------------------------------------------------------- reading


@pytest.mark.parametrize(
    ("data", "text"),
    [
        (b"", ""),
        (b"x*y\n", "x*y\n"),
        (b"x\r\ny\rz", "x\r\ny\rz"),  # line ends are left to the language
        (b"\xef\xbb\xbfx", "x"),
        ("σ(x)²".encode(), "σ(x)²"),
        (b"x\0y\x1a", "x\0y\x1a"),
        ("a\u2028b".encode(), "a\u2028b"),
    ],
)
def test_a_file_is_read_as_utf_8(tmp_path, data, text):
    path = tmp_path / "a.grad"
    path.write_bytes(data)
    assert read_text(str(path)) == text


@pytest.mark.parametrize(
    ("data", "byte"),
    [
        (b"\xff\xfex\0", 0),  # UTF-16
        (b"x = 1\n\xe9", 6),  # Latin-1
        (b"abc\xc3", 3),  # cut off
        (b"x\xed\xa0\x80", 1),  # a surrogate
    ],
)
def test_what_is_not_utf_8_is_refused_with_the_byte(tmp_path, data, byte):
    path = tmp_path / "a.grad"
    path.write_bytes(data)
    with pytest.raises(FileError) as caught:
        read_text(str(path))
    assert caught.value.message == f"{path} is not UTF-8 (byte {byte})"
    assert caught.value.hint == "save it as UTF-8"


def test_what_is_missing_or_a_folder_is_refused(tmp_path):
    with pytest.raises(FileError, match=r"cannot read .*nowhere\.grad: No such file or directory"):
        read_text(str(tmp_path / "nowhere.grad"))
    with pytest.raises(FileError, match=r"cannot read .*: Is a directory"):
        read_text(str(tmp_path))


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="there are no named pipes here")
def test_a_named_pipe_is_refused_and_does_not_hang(tmp_path):
    path = tmp_path / "pipe.grad"
    os.mkfifo(path)
    with pytest.raises(FileError, match="is not a regular file"):
        read_text(str(path))


@pytest.mark.skipif(not os.path.exists("/dev/zero"), reason="there are no devices here")
@pytest.mark.parametrize("device", ["/dev/zero", "/dev/null"])
def test_a_device_is_refused_and_does_not_hang(device):
    with pytest.raises(FileError, match="is not a regular file"):
        read_text(device)


def test_a_name_that_cannot_be_a_file_is_refused():
    with pytest.raises(FileError):
        read_text("a\0b.grad")
    with pytest.raises(FileError):
        read_text("a" * 10_000)


def test_a_link_is_followed_and_a_ring_of_links_is_refused(tmp_path):
    (tmp_path / "a.grad").write_text("x")
    (tmp_path / "link.grad").symlink_to("a.grad")
    (tmp_path / "ring.grad").symlink_to("ring.grad")
    assert read_text(str(tmp_path / "link.grad")) == "x"
    with pytest.raises(FileError, match="cannot read"):
        read_text(str(tmp_path / "ring.grad"))


def stdin_of(data):
    return io.TextIOWrapper(io.BytesIO(data))


def test_a_minus_reads_the_standard_input(monkeypatch):
    monkeypatch.setattr(sys, "stdin", stdin_of(b"\xef\xbb\xbfx*y"))
    assert read_text("-") == "x*y"
    monkeypatch.setattr(sys, "stdin", stdin_of(b"x\xff"))
    with pytest.raises(FileError, match=r"the standard input is not UTF-8 \(byte 1\)"):
        read_text("-")


def test_a_closed_standard_input_is_refused(monkeypatch):
    monkeypatch.setattr(sys, "stdin", None)
    with pytest.raises(FileError):
        read_text("-")


@pytest.mark.parametrize("source", ["file", "-"])
def test_a_text_above_the_limit_is_refused_and_one_at_the_limit_is_read(
    source, tmp_path, monkeypatch
):
    monkeypatch.setattr("gradcli.program.files.MOST_BYTES", 2**20)
    path = tmp_path / "a.grad" if source == "file" else "-"
    for size in (2**20, 2**20 + 1):
        data = b"x" * size
        (tmp_path / "a.grad").write_bytes(data)
        monkeypatch.setattr(sys, "stdin", stdin_of(data))
        if size == 2**20:
            assert len(read_text(str(path))) == size
        else:
            with pytest.raises(LimitError, match="is larger than 1 MiB"):
                read_text(str(path))


# -------------------------------------------------------------------- finding


def tree(folder, *names):
    for name in names:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("x")


def found(folder, *paths):
    listed = find_programs([str(folder / path) for path in paths])
    return [os.path.relpath(path, folder) for path in listed]


def test_folders_are_walked_in_sorted_order_for_programs(tmp_path):
    tree(tmp_path, "b.grad", "a.grad", "notes.txt", "a.py", "B/z.grad", "a/y.grad", "grad")
    assert found(tmp_path, ".") == ["a.grad", "b.grad", "B/z.grad", "a/y.grad"]


def test_hidden_files_and_caches_are_left_out(tmp_path):
    tree(tmp_path, ".a.grad", ".git/b.grad", "__pycache__/c.grad", "d/__pycache__/e.grad", "f.grad")
    assert found(tmp_path, ".") == ["f.grad"]


def test_a_path_is_taken_as_it_is_and_every_file_once(tmp_path):
    tree(tmp_path, "a.grad", "b.txt", ".hidden.grad")
    (tmp_path / "link.grad").symlink_to("a.grad")
    assert found(tmp_path, "b.txt", ".hidden.grad", "missing") == [
        "b.txt",
        ".hidden.grad",
        "missing",
    ]
    assert found(tmp_path, "a.grad", "a.grad", ".", "link.grad") == ["a.grad"]


def test_rings_of_folders_end(tmp_path):
    tree(tmp_path, "a/b.grad")
    (tmp_path / "a" / "ring").symlink_to(tmp_path)
    assert found(tmp_path, ".") == ["a/b.grad"]


@pytest.fixture
def deep_folder(tmp_path, monkeypatch):
    """The working folder, with a program below more folders than there may be calls in calls."""
    monkeypatch.chdir(tmp_path)
    depth = sys.getrecursionlimit() + 200
    for _ in range(depth):
        os.mkdir("a")
        os.chdir("a")
    Path("x.grad").write_text("x")
    os.chdir(tmp_path)
    yield depth
    os.chdir(os.path.join(*["a"] * depth))
    os.unlink("x.grad")
    for _ in range(depth):  # Python's own way to remove folders calls itself
        os.chdir("..")
        os.rmdir("a")


def test_folders_are_walked_however_deep(deep_folder):
    assert [*find_programs(["."])] == [os.path.join(".", *["a"] * deep_folder, "x.grad")]


def denied(monkeypatch, module, name, *paths):
    """Let a call that opens or lists a file fail for some paths."""
    call = getattr(module, name)

    def failing(path, *rest):
        if os.path.basename(path) in paths:
            raise PermissionError(13, "Permission denied", path)
        return call(path, *rest)

    monkeypatch.setattr(module, name, failing)


def test_a_folder_that_cannot_be_listed_is_found(tmp_path, monkeypatch):
    tree(tmp_path, "a.grad", "no/b.grad", "z/c.grad")
    denied(monkeypatch, os, "scandir", "no")
    assert found(tmp_path, ".") == ["a.grad", "no", "z/c.grad"]
    assert found(tmp_path, "no") == ["no"]


def test_a_python_file_that_cannot_be_read_is_found_and_what_is_no_file_is_not(
    tmp_path, monkeypatch
):
    tree(tmp_path, "a.py", "b.py")
    (tmp_path / "link.py").symlink_to("nowhere")
    denied(monkeypatch, os, "open", "b.py")
    assert found(tmp_path, ".") == ["b.py"]


def test_nothing_is_found_in_an_empty_folder(tmp_path):
    assert found(tmp_path, ".") == found(tmp_path) == []


# -------------------------------------------------------------------- writing


def test_a_result_is_written_as_utf_8_with_its_line_ends(tmp_path):
    path = tmp_path / "out.txt"
    write_text(str(path), "σ\nx\n")
    assert path.read_bytes() == "σ\nx\n".encode()
    assert list(tmp_path.iterdir()) == [path]  # nothing temporary is left


def test_a_new_file_has_the_mode_the_mask_asks_for_and_an_old_one_keeps_its_own(tmp_path):
    path = tmp_path / "out.txt"
    before = os.umask(0o027)
    try:
        write_text(str(path), "1")
        assert stat.S_IMODE(path.stat().st_mode) == 0o640
        path.chmod(0o604)
        write_text(str(path), "2")
        assert os.umask(0o027) == 0o027  # the mask is put back
    finally:
        os.umask(before)
    assert (path.read_text(), stat.S_IMODE(path.stat().st_mode)) == ("2", 0o604)


def test_a_file_is_replaced_and_not_written_over(tmp_path):
    path, other = tmp_path / "out.txt", tmp_path / "other"
    path.write_text("old")
    os.link(path, other)
    write_text(str(path), "new")
    assert (path.read_text(), other.read_text()) == ("new", "old")


def test_the_target_of_a_link_is_replaced_and_the_link_stays(tmp_path):
    path, link = tmp_path / "out.txt", tmp_path / "link"
    path.write_text("old")
    link.symlink_to("out.txt")
    write_text(str(link), "new")
    assert link.is_symlink()
    assert path.read_text() == "new"


@pytest.mark.parametrize("step", ["fsync", "chmod", "replace"])
def test_a_failure_half_way_leaves_the_old_file_and_nothing_else(tmp_path, monkeypatch, step):
    path = tmp_path / "out.txt"
    path.write_text("old")

    def fail(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, step, fail)
    with pytest.raises(FileError) as caught:
        write_text(str(path), "new")
    monkeypatch.undo()
    assert caught.value.message == f"cannot write {path}: No space left on device"
    assert (path.read_text(), list(tmp_path.iterdir())) == ("old", [path])


def test_an_interrupt_half_way_leaves_the_old_file_and_nothing_else(tmp_path, monkeypatch):
    path = tmp_path / "out.txt"
    path.write_text("old")

    def interrupt(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(os, "fsync", interrupt)
    with pytest.raises(KeyboardInterrupt):
        write_text(str(path), "new")
    assert (path.read_text(), list(tmp_path.iterdir())) == ("old", [path])


def test_the_temporary_file_stands_in_the_folder_of_the_target(tmp_path, monkeypatch):
    folders = []
    replace = os.replace

    def recorded(temporary, target):
        folders.append(os.path.dirname(temporary))
        replace(temporary, target)

    monkeypatch.setattr(os, "replace", recorded)
    write_text(str(tmp_path / "out.txt"), "x")
    assert [os.path.realpath(folder) for folder in folders] == [os.path.realpath(tmp_path)]


WRONG = "x=3;y=-4\nq=x*y\nf=q*x\ndq=x\ndx=y*dq\ndy=x*dq\n"
WRITING = (
    ("check", "a.grad", "--junit", "out.txt"), ("check", "a.grad", "--fix", "--write"),
    ("batch", "x*x", "--points", "p.csv", "-o", "out.csv"),
    ("check", "a.grad", "--baseline", "known.json", "--update-baseline"),
    ("check", "folder", "--grade", "--sheets", "sheets"),
    ("exercise", "x*y*x", "x=1", "y=2", "-o", "out.grad", "--variants", "2"),
)  # fmt: skip


HELD = {
    "a.grad": WRONG, "folder/a.grad": WRONG, "p.csv": "x\n1\n2\n", "out.txt": "old\n",
    "out.csv": "old\n", "known.json": '{"schema": "gradcli.baseline/1", "failures": []}',
}  # fmt: skip


def texts_in(folder):
    return {path.relative_to(folder): path.read_text() for path in sorted(folder.rglob("*.*"))}


@pytest.mark.parametrize("call", ["open", "fdopen", "fsync", "replace"])
@pytest.mark.parametrize("words", WRITING, ids=" ".join)
def test_whichever_call_fails_files_are_whole_and_it_is_said(
    gradcli, tmp_path, monkeypatch, words, call
):
    """The n-th call fails, for n = 1, 2, ... until the command passes."""
    right, calls = getattr(os, call), 0

    def ended_where(number):
        """How the command ends where the call of a number fails, and the files there are then."""
        nonlocal calls
        calls = 0

        def failing(*given, **named):
            nonlocal calls
            calls += 1
            if calls == number:
                raise OSError(5, "Input/output error")
            return right(*given, **named)

        for path in sorted(tmp_path.rglob("*"), reverse=True):
            path.rmdir() if path.is_dir() else path.unlink()
        for name, text in HELD.items():
            (tmp_path / name).parent.mkdir(exist_ok=True)
            (tmp_path / name).write_text(text)
        with monkeypatch.context() as context:
            context.setattr(os, call, failing)
            ended = gradcli(*words)
        return ended, texts_in(tmp_path)

    before, (passed, after) = {Path(name): text for name, text in HELD.items()}, ended_where(0)
    for number in range(1, calls + 1):
        ended, texts = ended_where(number)
        assert ended.code == 2
        assert "Input/output error" in ended.err
        assert before.keys() <= texts.keys() <= after.keys()
        assert all(text in (before.get(path), after[path]) for path, text in texts.items()) or (
            call == "open"  # what cannot be read is reported
        )
    assert passed.code in (0, 1)


@pytest.mark.parametrize("spelling", ["a.grad", "./a.grad", "link.grad", "hard.grad"])
def test_an_input_is_never_overwritten(tmp_path, monkeypatch, spelling):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "a.grad").write_text("x")
    (tmp_path / "link.grad").symlink_to("a.grad")
    os.link("a.grad", "hard.grad")
    with pytest.raises(FileError, match="is the input and would be overwritten"):
        write_text(spelling, "new", inputs=("missing.grad", "a.grad"))
    assert (tmp_path / "a.grad").read_text() == "x"


@pytest.mark.parametrize(
    "words", [("eval", "--file", "a.grad"), ("check", "a.grad", "b.py"),
              ("check", "a.grad", "b.py", "--jobs", "2")],
)  # fmt: skip
def test_a_file_that_a_program_names_is_never_overwritten(tmp_path, words):
    (tmp_path / "X.csv").write_text("1,2\n3,4\n")
    (tmp_path / "a.grad").write_text("X = @X.csv\nf = sum(X**2)\ndX = 2*X\n")
    (tmp_path / "b.py").write_text(
        "import numpy as np\nX = np.loadtxt('X.csv', delimiter=',')\nf = np.sum(X**2)\ndX = 2*X\n"
    )
    done = run_apart(*words, "-o", "X.csv", cwd=tmp_path)
    assert done.returncode == 2
    assert b"X.csv is the input and would be overwritten" in done.stderr
    assert (tmp_path / "X.csv").read_text() == "1,2\n3,4\n"


SQUARES = """
def square(x):
    return x * x

def square_slope(x):
    return 2 * x

class Square:
    def forward(self, x):
        self.x = x
        return x * x

    def backward(self, g):
        return 2 * self.x * g
"""


@pytest.mark.parametrize("words", [
    ("eval", "square(x)", "x=2", "--gates", "read", "--json"),
    ("graph", "square(x)", "x=2", "--gates", "read", "--format", "dot"),
    ("code", "square(x)", "x=2", "--gates", "read", "--lang", "python"),
    ("explain", "square(x)", "x=2", "--gates", "read", "--format", "json"),
    ("batch", "square(x)", "x=[1, 2]", "--gates", "read", "--format", "csv"),
    ("check", "--gates", "read"),
    ("check", "--call", "read:square", "--grad", "x=square_slope", "x=2"),
])  # fmt: skip
def test_code_that_is_run_is_never_overwritten(gradcli, words):
    Path("own.py").write_text(SQUARES)
    ended = gradcli(*(word.replace("read", "own.py") for word in words), "-o", "own.py")
    assert (ended.code, Path("own.py").read_text()) == (2, SQUARES)
    assert "own.py is the input and would be overwritten" in ended.err


def test_a_baseline_takes_no_place_of_anything_else(gradcli):
    text = "x = 3\nf = x*x\ndx = 5\n"
    Path("a.grad").write_text(text)
    ended = gradcli("check", "a.grad", "--baseline", "a.grad", "--update-baseline")
    assert (ended.code, Path("a.grad").read_text()) == (2, text)
    twice = gradcli("check", "a.grad", "--baseline", "b", "--update-baseline", "--junit", "b")
    assert "two results are to be written into b" in twice.err
    assert not Path("b").exists()
    assert gradcli("check", "a.grad", "--baseline", "b", "--update-baseline").code == 0
    assert "b is the input" in gradcli("check", "a.grad", "--baseline", "b", "-o", "b").err


def test_what_cannot_be_written_is_refused(tmp_path):
    with pytest.raises(FileError, match=r"cannot write .*: No such file or directory"):
        write_text(str(tmp_path / "nowhere" / "out.txt"), "x")
    with pytest.raises(FileError, match=r"cannot write .*: Is a directory"):
        write_text(str(tmp_path), "x")


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="there is no /dev/full here")
def test_a_device_is_written_in_place_and_never_replaced():
    with pytest.raises(FileError, match="cannot write /dev/full: No space left on device"):
        write_text("/dev/full", "x")
    write_text("/dev/null", "x")
    assert stat.S_ISCHR(os.stat("/dev/full").st_mode)
    assert stat.S_ISCHR(os.stat("/dev/null").st_mode)


# -------------------------------------------------------------------- arrays


def test_results_are_written_as_an_archive(tmp_path):
    path = tmp_path / "r.npz"
    write_arrays(str(path), {"value": 3.0, "dW": [[1.0, 2.0]]})
    with np.load(path) as archive:
        assert {name: archive[name].tolist() for name in archive} == {
            "value": 3.0, "dW": [[1.0, 2.0]],
        }  # fmt: skip
    assert [*tmp_path.iterdir()] == [path]
