"""Other people's code in a child process: what it is handed, what it gives, how it fails."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from gradcli.errors import FileError
from gradcli.foreign.child import Child, ForeignFault, Source
from gradcli.foreign.wire import WireError, packed, unpacked

FAULTS = Path(__file__).parent / "foreign" / "faults.py"


@pytest.fixture(scope="module")
def child():
    with Child(Source(str(FAULTS), timeout=1.0)) as child:
        yield child


def sent(value):
    message = packed(value)
    start = 0

    def read(count):
        nonlocal start
        start += count
        return message[start - count : start]

    return unpacked(read)


VALUES = [
    None, True, 3, -0.5, float("inf"), "σ", 1 - 2j, [1, (2.0, "x")], {"a": [None], "b": {}}, (), [],
]  # fmt: skip


@pytest.mark.parametrize("value", VALUES, ids=repr)
def test_values_arrive_as_they_were_sent(value):
    assert sent(value) == value
    assert type(sent(value)) is type(value)


@pytest.mark.parametrize("kind", ["f4", "f8", "i8", "u1", "?", "c16"])
@pytest.mark.parametrize("shape", [(), (0,), (3,), (2, 3, 1)])
def test_arrays_keep_their_kind_and_their_shape(kind, shape):
    array = np.arange(np.prod(shape, dtype=int)).reshape(shape).astype(kind)
    other = sent([array, 1.0])[0]
    assert (other.dtype, other.shape) == (array.dtype, shape)
    assert np.array_equal(other, array)


@pytest.mark.parametrize(
    "value",
    [object(), {1, 2}, np.array(["a"]), np.array([None])],
    ids=lambda value: type(value).__name__,
)
def test_other_values_cannot_be_sent(value):
    with pytest.raises(WireError, match="is no number, text or array of numbers"):
        packed(value)


def test_an_array_that_is_not_in_the_message_is_refused():
    message = packed(np.zeros(3)).replace(b"[3]", b"[9]")
    pieces = iter([message[:16], message[16:-32], message[-32:]])
    with pytest.raises(WireError, match="not in it"):
        unpacked(lambda _: next(pieces))


def test_what_the_code_prints_is_kept_apart_from_what_it_returns(child):
    assert child.call("call", ("twice", np.array([1.0, 2.0]))).tolist() == [2.0, 4.0]
    assert child.call("call", ("back", 1, np.float32(0.5))) == (1, 0.5)
    assert "a word on the way" in child.printed
    assert "past Python" in child.printed


WAYS = [
    ("divides", "ZeroDivisionError: float division by zero", 21),
    ("exits", "it calls sys.exit(3)", 25),
    ("leaves", "it ends the process with exit code 5", None),
    ("loops", "it does not end within 0.3 s", 33),
    ("crashes", "it crashes with a segmentation fault", 37),
    ("forks", "RuntimeError: a process is forked here, and only one can answer", 41),
    ("eats", "it takes more than 4096 MB of memory", 45),
    ("is_mute", "Mute: its text cannot be had (ValueError)", 58),
    ("gives_an_object", "TypeError: what is returned: object is no number", None),
    ("nothing", "AttributeError: module 'faults' has no attribute 'nothing'", None),
]


@pytest.mark.parametrize(("name", "message", "line"), WAYS)
def test_every_fault_is_one_of_the_code_at_its_line(child, name, message, line):
    arguments = (name, 1.0) if name == "divides" else (name,)
    with pytest.raises(ForeignFault) as caught:
        child.call("call", arguments, deadline=0.3 if name == "loops" else None)
    assert caught.value.message.startswith(message)
    place = caught.value.span
    assert (place and place.line) == line
    assert place is None or place.source == str(FAULTS)
    assert child.call("call", ("back", 7)) == (7,)  # the next call is answered all the same


def test_code_that_changes_libraries_still_answers():
    with Child(Source(str(FAULTS))) as child:
        assert child.call("call", ("puts_others_in_place",)) == 1
        assert child.call("call", ("back", 7)) == (7,)


def test_a_fault_says_where_it_was_for_debug(child):
    with pytest.raises(ForeignFault) as caught:
        child.call("call", ("divides", 1.0))
    assert "in divides" in caught.value.trace


def test_code_that_cannot_be_loaded_says_why(tmp_path):
    file = tmp_path / "broken.py"
    file.write_text("x = (1,\n")
    with pytest.raises(ForeignFault, match=r"SyntaxError: .* was never closed") as caught:
        Child(Source(str(file))).call("call", ("f",))
    assert caught.value.span.line == 1
    with pytest.raises(FileError, match="no such file"):
        Child(Source(str(tmp_path / "absent.py"))).call("call", ("f",))
    with pytest.raises(ForeignFault, match="No module named 'absent_module'"):
        Child(Source("absent_module")).call("call", ("f",))


def test_a_module_of_the_library_is_called_by_its_name():
    with Child(Source("math")) as child:
        assert child.call("call", ("hypot", 3.0, 4.0)) == 5.0


def test_its_process_ends_with_it():
    child = Child(Source("math"))
    child.call("call", ("sqrt", 4.0))
    process = child.process
    child.end()
    assert process.poll() is not None


ENDLESS = """import os


class Endless:
    def forward(self, x):
        with open("worker.part", "w") as file:
            file.write(str(os.getpid()))
        os.replace("worker.part", "worker")
        while True:
            pass

    def backward(self, upstream):
        return upstream
"""


@pytest.mark.skipif(not os.path.exists("/proc"), reason="there is no /proc here")
def test_a_worker_ends_with_a_parent_that_is_killed(tmp_path):
    (tmp_path / "gates.py").write_text(ENDLESS)
    command = [sys.executable, "-m", "gradcli", "check", "--gates", "gates.py", "--timeout", "300"]
    parent = subprocess.Popen(command, cwd=tmp_path, stdout=subprocess.DEVNULL)
    worker = tmp_path / "worker"
    try:
        _until(worker.exists)
    finally:
        parent.send_signal(signal.SIGKILL)
        parent.wait()
    _until(lambda: not _is_running(int(worker.read_text())))


def _until(has_come):
    end = time.monotonic() + 60
    while not has_come():
        assert time.monotonic() < end
        time.sleep(0.02)


def _is_running(process):
    """Whether there is such a process, and it is no zombie."""
    try:
        state = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0]
    except FileNotFoundError:
        return False
    return state != "Z"
