"""Arrays from files: sizes from headers, nothing unpickled, and what is said of damaged bytes."""

from __future__ import annotations

import os
import pickle
import tracemalloc
import zipfile
from pathlib import Path

import numpy as np
import pytest

import gradcli
from gradcli.errors import FileError, LimitError
from gradcli.program.array_files import open_array


class Bomb:
    """Unpickling this would create the file `exploded`."""

    def __init__(self, folder):
        self.path = str(folder / "exploded")

    def __reduce__(self):
        return open, (self.path, "w")


def npy_header(shape, descr="<f8", version=b"\x01\x00"):
    """The header of a .npy file, as the format's description has it, without any data."""
    text = f"{{'descr': '{descr}', 'fortran_order': False, 'shape': {shape}, }}"
    text = text.ljust(117) + "\n"
    size = len(text).to_bytes(2 if version[0] == 1 else 4, "little")
    return b"\x93NUMPY" + version + size + text.encode()


def test_pickles_are_refused_and_never_run(tmp_path):
    bomb = np.array([Bomb(tmp_path)], dtype=object)
    np.save(tmp_path / "bomb.npy", bomb, allow_pickle=True)
    np.savez(tmp_path / "bomb.npz", x=bomb)
    (tmp_path / "raw.npy").write_bytes(pickle.dumps(Bomb(tmp_path)))
    for name in ("bomb.npy", "bomb.npz:x", "raw.npy"):
        with pytest.raises(FileError):
            open_array("x", str(tmp_path / name), 1000)
    with pytest.raises(FileError, match="never unpickled"):
        open_array("x", str(tmp_path / "bomb.npy"), 1000)
    assert not (tmp_path / "exploded").exists()


@pytest.mark.parametrize("version", [b"\x01\x00", b"\x02\x00"])
@pytest.mark.parametrize("shape", [(10**9, 10**9), (10**7,), (2**62, 4), (1001,)])
def test_a_header_of_many_elements_is_refused_before_memory_is_taken(tmp_path, shape, version):
    data = npy_header(shape, version=version)
    (tmp_path / "a.npy").write_bytes(data)
    with zipfile.ZipFile(tmp_path / "a.npz", "w") as archive:
        archive.writestr("x.npy", data)
    tracemalloc.start()
    for name in ("a.npy", "a.npz:x"):
        with pytest.raises(LimitError, match="--max-array"):
            open_array("x", str(tmp_path / name), 1000)
    assert tracemalloc.get_traced_memory()[1] < 2**20
    tracemalloc.stop()


def test_an_archive_that_unpacks_to_much_is_refused_before_it_is_unpacked(tmp_path):
    """A member that is small on the disk: a billion zeros."""
    with zipfile.ZipFile(tmp_path / "a.npz", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("x.npy", npy_header((10,)) + bytes(10**7))
    assert (tmp_path / "a.npz").stat().st_size < 20_000
    with pytest.raises(LimitError, match="--max-array"):
        open_array("x", str(tmp_path / "a.npz") + ":x", 1000)


@pytest.mark.parametrize("data", [
    npy_header((10,)) + bytes(79), npy_header((-1,)), npy_header((2,), descr="<c16") + bytes(32),
    npy_header((2,), descr="<U4") + bytes(32), npy_header("'x'"), b"\x93NUMPY", b"", b"1,2,3",
    npy_header((2,))[:40], npy_header((2,), version=b"\x09\x00") + bytes(16),
])  # fmt: skip
def test_what_is_no_array_of_real_numbers_is_refused(tmp_path, data):
    (tmp_path / "a.npy").write_bytes(data)
    with pytest.raises(FileError):
        open_array("x", str(tmp_path / "a.npy"), 1000)


def test_arrays_of_every_real_kind_are_read_as_float64(tmp_path):
    for kind in ("f8", "f4", "f2", "i8", "u1", "?", ">f8"):
        np.save(tmp_path / "a.npy", np.array([[0, 1, 1], [1, 0, 1]], dtype=kind))
        found = open_array("x", str(tmp_path / "a.npy"), 6)
        assert found.dtype == np.float64
        assert found.tolist() == [[0, 1, 1], [1, 0, 1]]
    (tmp_path / "a.csv").write_text("1,2\n3,4\n")
    assert open_array("x", str(tmp_path / "a.csv"), 4).tolist() == [[1, 2], [3, 4]]
    with pytest.raises(LimitError):
        open_array("x", str(tmp_path / "a.csv"), 3)


def test_an_array_of_no_axes_is_a_number(tmp_path):
    np.save(tmp_path / "a.npy", np.array(2.5))
    report = gradcli.evaluate("x*x", {"x": f"@{tmp_path / 'a.npy'}"})
    assert (report.value, report.gradients) == (6.25, {"x": 5.0})


def test_a_member_that_is_missing_is_named(tmp_path):
    np.savez(tmp_path / "a.npz", W=np.eye(2), b=np.ones(2))
    with pytest.raises(FileError, match="no array `V`") as caught:
        open_array("x", str(tmp_path / "a.npz") + ":V", 100)
    assert "W, b" in caught.value.hint


# -------------------------------------------------------------------- damaged files


def said_of(path, *, most=1000):
    """What is said of a file that cannot be read; never anything else than an error of ours."""
    with pytest.raises((FileError, LimitError)) as caught:
        open_array("x", str(path), most)
    return str(caught.value).replace(f"{path.parent}/", "")


def raw_header(text):
    """A header of any text."""
    return b"\x93NUMPY\x01\x00" + len(text).to_bytes(2, "little") + text.encode()


HEADERS = {
    raw_header("{'descr': "): "a header that cannot be read",
    raw_header("-" * 5000 + "1"): "a header that cannot be read",
    raw_header("[" * 5000): "a header that cannot be read",
    raw_header("{'descr': 'f8'}"): "a header that cannot be read",
    npy_header("(True, 3)") + bytes(24): "no possible shape in its header: (True, 3)",
    npy_header((-1,)): "no possible shape in its header: (-1,)",
    npy_header((10**20 - 1, 0)): "no possible shape in its header",
    npy_header((1,) * 33) + bytes(8): "has 33 axes, an array has at most 32",
    npy_header((1,) * 65) + bytes(8): "has 65 axes, an array has at most 32",
    npy_header((2,), version=b"\x09\x00") + bytes(16): "has version 9.0 of .npy, which is not",
    npy_header((2,)) + bytes(15): "is shorter than its header says",
    npy_header((20,)) + bytes(8): "is shorter than its header says",
    npy_header((2,))[:40]: "a header that cannot be read",
    b"1,2,3": "is no .npy file",
    b"": "is no .npy file",
}


@pytest.mark.parametrize("data", HEADERS, ids=lambda data: repr(data[:60]))
def test_a_wrong_header_is_named_in_a_file_and_in_an_archive(tmp_path, data):
    (tmp_path / "a.npy").write_bytes(data)
    assert HEADERS[data] in said_of(tmp_path / "a.npy")
    with zipfile.ZipFile(tmp_path / "a.npz", "w") as archive:
        archive.writestr("x.npy", data)
    assert HEADERS[data] in said_of(tmp_path / "a.npz:x")


@pytest.mark.parametrize("ending", ["npy", "npz:x", "csv"])
def test_a_pipe_or_a_device_is_refused_and_does_not_hang(tmp_path, ending):
    pipe, device = tmp_path / f"pipe.{ending[:3]}", tmp_path / f"device.{ending[:3]}"
    os.mkfifo(pipe)
    device.symlink_to("/dev/zero")
    for path in (pipe, device):
        assert "is not a regular file" in said_of(path.with_suffix(f".{ending}"))


def archived(tmp_path, packing=zipfile.ZIP_STORED, name="x.npy"):
    """An archive with one array, and its bytes, which a test may spoil."""
    path = tmp_path / "a.npz"
    with zipfile.ZipFile(path, "w", packing) as archive:
        archive.writestr(name, npy_header((100,)) + np.arange(100.0).tobytes())
    return path, bytearray(path.read_bytes())


@pytest.mark.parametrize("packing", [zipfile.ZIP_DEFLATED, zipfile.ZIP_LZMA, zipfile.ZIP_BZIP2])
def test_a_member_with_damaged_packing_is_called_damaged(tmp_path, packing):
    path, data = archived(tmp_path, packing)
    data[60:90] = b"\xff" * 30
    path.write_bytes(data)
    assert "a.npz:x is damaged: " in said_of(tmp_path / "a.npz:x")


def test_a_wrong_checksum_is_damage_and_not_no_archive(tmp_path):
    path, data = archived(tmp_path)
    data[data.index(np.float64(50).tobytes(), 200) + 7] ^= 1
    path.write_bytes(data)
    assert "a.npz:x is damaged: Bad CRC-32" in said_of(tmp_path / "a.npz:x")


def test_members_that_cannot_be_unpacked_say_why(tmp_path):
    path, data = archived(tmp_path)
    entry = data.index(b"PK\x01\x02")
    for place, value, text in (
        (entry + 8, 1, "a.npz:x is encrypted"),
        (entry + 10, 77, "a.npz:x is packed in an unknown way"),
        (entry + 6, 99, "a.npz is packed in an unknown way"),
    ):
        spoilt = bytearray(data)
        spoilt[place] = value
        path.write_bytes(spoilt)
        assert text in said_of(tmp_path / "a.npz:x")


def test_an_archive_says_what_it_has(tmp_path):
    archived(tmp_path, name="x")
    assert "`x` in a.npz is no array: its name does not end in .npy" in said_of(
        tmp_path / "a.npz:x"
    )
    assert said_of(tmp_path / "a.npz:y") == "a.npz has no arrays"
    archived(tmp_path)
    assert "which array of a.npz is `x`?; it has x; write" in said_of(tmp_path / "a.npz")
    (tmp_path / "a.npz").write_bytes(b"x")
    assert said_of(tmp_path / "a.npz:x") == "a.npz is no .npz archive"


def test_any_byte_of_a_file_may_be_wrong(tmp_path):
    """Each is read as some array or refused by one of our errors; seen at many places."""
    np.save(tmp_path / "a.npy", np.arange(6.0))
    files = {"a.npy": (tmp_path / "a.npy").read_bytes()}
    for packing in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_LZMA):
        files["a.npz"] = bytes(archived(tmp_path, packing)[1])
        for name, data in files.items():
            path = tmp_path / name
            for place in range(0, len(data), 3):
                path.write_bytes(data[:place] + bytes([data[place] ^ 0xFF]) + data[place + 1 :])
                try:
                    found = open_array("x", f"{path}:x" if name == "a.npz" else str(path), 1000)
                except (FileError, LimitError):
                    continue
                assert found.dtype == np.float64


@pytest.mark.skipif(np.finfo(np.longdouble).max == np.finfo(float).max, reason="no wider kind")
def test_a_number_beyond_float64_is_refused_and_an_infinite_one_is_read(tmp_path):
    np.save(tmp_path / "a.npy", np.array([np.longdouble("1e400")]))
    assert said_of(tmp_path / "a.npy") == "a.npy holds a number that is too large for float64"
    np.save(tmp_path / "a.npy", np.array([np.inf, 1], dtype=np.longdouble))
    assert open_array("x", str(tmp_path / "a.npy"), 9).tolist() == [np.inf, 1]


# -------------------------------------------------------------------- .csv


@pytest.mark.parametrize(("data", "text"), [
    (b"", "a.csv holds no numbers"),
    (b"# nothing\n\n", "a.csv holds no numbers"),
    (b"time,value\n1,2\n", "line 1: expected a number, found `time`; remove the row of titles"),
    (b"1;2\n3;4\n", "line 1: expected a number, found `1;2`; separate numbers by commas"),
    (b"# t\n1 2\n", "line 2: expected a number, found `1 2`; separate numbers by commas"),
    (b"1,2\n\n3,x\n", "line 3: expected a number, found `x`"),
    (b"1,2\n3,\n", "line 2: expected a number, found nothing"),
    (b"1,2\n3\n", "line 2: expected 2 in a row, found 1"),
    (b"1,2\n3,\xff\n", "a.csv is not UTF-8; save it as UTF-8"),
])  # fmt: skip
def test_what_is_no_table_of_numbers_is_said_with_its_line(tmp_path, data, text):
    (tmp_path / "a.csv").write_bytes(data)
    assert said_of(tmp_path / "a.csv").endswith(text)


def test_a_byte_order_mark_is_dropped_as_in_programs(tmp_path):
    (tmp_path / "a.csv").write_bytes("\ufeff1,2\r\n3,4 # so much\r\n".encode())
    assert open_array("x", str(tmp_path / "a.csv"), 9).tolist() == [[1, 2], [3, 4]]


def test_a_value_without_a_file_says_what_to_write():
    with pytest.raises(FileError, match="`x=@` names no file"):
        open_array("x", "", 1)


@pytest.mark.parametrize(
    ("field", "words"),
    [("1e400", "overflows"), ("-1e-400", "underflows"), ("0." + 400 * "0" + "1", "underflows")],
)
def test_a_number_of_a_table_that_float64_has_not_is_refused(tmp_path, field, words):
    """As it is where it is typed; infinities and zeros that are written are fine."""
    path = tmp_path / "x.csv"
    path.write_text(f"1, inf, 0\n0.0, -inf, 0e500\n2, {field}, 3 # 1e999\n")
    with pytest.raises(FileError, match=f"line 3: .* {words} float64"):
        gradcli.evaluate("sum(x)", {"x": f"@{path}"})
    path.write_text("1, inf, 0 # 1e999\n0.0, -inf, 0e500\n")
    assert gradcli.evaluate("x[1][2]", {"x": f"@{path}"}).value == 0.0


LOGISTIC = """y = @data/y.csv  # beside this file
w = [0.5, -1]
p = sigmoid(X @ w)
f = sum((p - y)**2)
dw = X.T @ (2*(p - y)*p*(1 - p))
"""


@pytest.mark.parametrize(
    "line",
    ["X = @data/X.csv", "X = @data/X.csv ", 'X = np.loadtxt("data/X.csv", delimiter=",")',
     "X = np.load('data/X.npy')", "X = @data/X.npz:rows", "X = np.genfromtxt('data/X.csv').T.T"],
)  # fmt: skip
def test_a_program_names_files_beside_it(tmp_path, monkeypatch, line):
    rows = np.array([[1.0, 2.0], [-0.5, 0.25], [3.0, -1.0]])
    (tmp_path / "data").mkdir()
    np.save(tmp_path / "data" / "X.npy", rows)
    np.savez(tmp_path / "data" / "X.npz", rows=rows)
    np.savetxt(tmp_path / "data" / "X.csv", rows, delimiter=",")
    (tmp_path / "data" / "y.csv").write_text("1\n0\n1\n")
    (tmp_path / "a.grad").write_text(f"{line}\n{LOGISTIC}")
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")  # paths begin at the program, not where one stands
    text, name = (tmp_path / "a.grad").read_text(), str(tmp_path / "a.grad")
    assert gradcli.check(text, name=name).verdict == "pass"
    p = 1 / (1 + np.exp(-(rows @ [0.5, -1])))
    expected = rows.T @ (2 * (p - [1, 0, 1]) * p * (1 - p))
    assert gradcli.evaluate(text, name=name).gradients["w"] == pytest.approx(expected.tolist())


@pytest.mark.parametrize(
    ("line", "words"),
    [("X = @", "name of a file after `@`"), ("X = @  # none", "name of a file after `@`"),
     ("X = @/etc/passwd", "the ending must be"), ("X = @nil.npy", "cannot read .*nil.npy"),
     ("X = 1 + @x.npy", "expected a value, found `@`"), ("X = np.load(3)", "in quotes"),
     ("X = np.load('a.npy', 'r')", "in quotes"), ("X = np.loadtxt('x.csv', skiprows=1)", "takes no"),
     ("X = np.loadtxt('x.csv', delimiter=';')", "takes no `delimiter=`"),
     ("X = @big.npy", "at most [0-9]+ are read")],
)  # fmt: skip
def test_a_file_that_a_program_cannot_have_is_an_error_at_its_place(tmp_path, line, words):
    (tmp_path / "big.npy").write_bytes(npy_header((10**9,)))
    with pytest.raises(gradcli.GradcliError, match=words) as raised:
        gradcli.evaluate(f"{line}\nf = sum(X)", name=str(tmp_path / "a.grad"))
    assert raised.value.span is not None
    assert raised.value.span.line == 1


SCRIPT = """import numpy as np
{read}
w = np.array([[0.3, -0.2, 0.1], [0.5, 0.4, -0.7]])
scores = X.dot(w)
p = np.exp(scores) / np.sum(np.exp(scores), axis=1, keepdims=True)
f = -np.mean(np.log(p[range(3), y]))
ds = p.copy()
ds[range(3), y] -= 1
ds /= 3
dw = X.T.dot(ds)
"""


@pytest.mark.parametrize(
    "read",
    ['data = np.load("d.npz"); X, y = data["X"], data["y"]',
     'X = np.load("X.npy"); y = np.load("y.npy")',
     'X = np.loadtxt("t.csv", delimiter=",", skiprows=1, usecols=(0, 1))\n'
     'y = np.loadtxt("t.csv", delimiter=",", skiprows=1, usecols=2, dtype=int)',
     'a, b, y = np.genfromtxt("t.csv", delimiter=",", skip_header=1, unpack=True)\n'
     "X = np.stack([a, b], axis=1); y = y.astype(int)"],
)  # fmt: skip
def test_a_script_reads_its_files_as_numpy_does(gradcli, read):
    rows, labels = np.array([[1.0, 2.0], [-0.5, 0.25], [3.0, -1.0]]), np.array([2, 0, 1])
    np.save("X.npy", rows)
    np.save("y.npy", labels)
    np.savez("d.npz", X=rows, y=labels)
    table = np.column_stack([rows, labels])
    np.savetxt("t.csv", table, delimiter=",", header="a,b,label", comments="")
    path = Path("script.py")
    path.write_text(SCRIPT.format(read=read))
    assert gradcli("check", path).code == 0
    path.write_text(SCRIPT.format(read=read).replace("-= 1", "-= 2"))
    assert gradcli("check", path).code == 1


@pytest.mark.parametrize(
    ("call", "words"),
    [('np.loadtxt("t.csv", delimiter=";")', "stand between commas"),
     ('np.loadtxt("t.csv", skiprows=1)', "t.csv, line 3: expected a number, found `x`"),
     ('np.loadtxt("t.csv", max_rows=3)', "max_rows"), ('np.load("nil.npz")', "cannot read nil.npz"),
     ('np.load("t.csv")[0].x', "t.csv")],
)  # fmt: skip
def test_what_a_script_cannot_read_is_said(gradcli, call, words):
    Path("t.csv").write_text("a,b\n1,2\n3,x\n")
    Path("script.py").write_text(f"import numpy as np\nX = {call}\nf = np.sum(X**2)\ndX = 2*X\n")
    ended = gradcli("check", "script.py")
    assert (ended.code, words in ended.err) == (2, True), ended.err
