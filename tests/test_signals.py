"""A command that is told to stop stops at once: its exit code, no traceback, nothing half done."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from random import Random

import pytest

pytestmark = pytest.mark.skipif(os.name == "nt", reason="signals are those of POSIX")

CODES = {signal.SIGINT: 130, signal.SIGTERM: 143, signal.SIGHUP: 129}
HANGS = 120  # seconds: of those that end, all end within two
LONG = "x=2.5\ny=3\nf=lgamma(x)*polygamma(3,x)*gamma(x)+x*y\ndx=7\ndy=2.5\n"


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "programs").mkdir()
    for k in range(200):
        (tmp_path / "programs" / f"a{k}.grad").write_text(LONG)
    return tmp_path


def started(folder, *words):
    command = [sys.executable, "-m", "gradcli", *words]
    pipe = subprocess.PIPE
    return subprocess.Popen(command, cwd=folder, stdout=pipe, stderr=pipe, start_new_session=True)


def said_by(process):
    """What a command that ends says, on stdout and stderr; one that does not end is killed."""
    try:
        return process.communicate(timeout=HANGS)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        raise


def ends(group):
    """Whether all processes of a group end, within ten seconds."""
    for _ in range(200):
        if not is_alive(group):
            return True
        time.sleep(0.05)
    return False


def is_alive(session):
    """Whether any process of a session still runs."""
    listed = subprocess.run(
        ["ps", "-o", "stat=", "-s", str(session)], capture_output=True, text=True, check=False
    )
    return any(line and "Z" not in line for line in listed.stdout.split())


def wait_for_workers(process, folder):
    """Until the command is at work: its imports are done."""
    tasks = Path(f"/proc/{process.pid}/task/{process.pid}/children")
    while tasks.exists() and not tasks.read_text() and process.poll() is None:
        time.sleep(0.01)


@pytest.mark.parametrize("words", [("-j", "2"), ()], ids=["workers", "alone"])
@pytest.mark.parametrize("number", CODES, ids=lambda number: number.name)
def test_a_check_that_is_ended_reports_what_it_has(folder, number, words):
    (folder / "r.txt").write_text("before\n")
    with started(folder, "check", "programs", "-o", "r.txt", *words) as process:
        if words:
            wait_for_workers(process, folder)
        else:
            time.sleep(1)
        process.send_signal(number)
        out, err = said_by(process)
    assert process.returncode in (CODES[number], -number)
    assert out == b""
    assert b"Traceback" not in err
    if process.returncode > 0 and err:
        assert err.splitlines()[-1].startswith(b"ended early: ")
    assert (folder / "r.txt").read_text() == "before\n"
    assert [*folder.glob(".gradcli*")] == []


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_no_worker_outlives_its_parent(folder, number):
    with started(folder, "check", "programs", "-j", "2") as process:
        wait_for_workers(process, folder)
        process.send_signal(number)
        said_by(process)  # a worker would hold the pipes open
    assert ends(process.pid)


@pytest.mark.parametrize("seed", range(3))
def test_a_signal_at_any_moment_ends_the_command(folder, seed):
    rng = Random(seed)
    words = rng.choice([("check", "programs", "-j", "2"), ("check", "programs"),
                        ("eval", "lgamma(x)", "x=2.5", "--digits", "300")])  # fmt: skip
    number = rng.choice([*CODES])
    with started(folder, *words) as process:
        time.sleep(rng.uniform(0.2, 1.2))
        process.send_signal(number)
        _, err = said_by(process)
    assert process.returncode in (CODES[number], -number, 0, 1, 2)
    assert b"Traceback" not in err


STEPS = "\n".join(["x=1", "y=2", "a0=x*y", *(f"a{k}=sin(a{k - 1})*x+y" for k in range(1, 900))])
NEVER = "def f(x):\n    while True: pass\ndef df(x):\n    return 2*x\n"
ENDLESS = {
    "watch": ["watch", "programs"],
    "exercise": ["exercise", "lgamma(x)*gamma(x)", "x=2.5", "--variants", "500", "-o", "out.grad"],
    "batch": ["batch", "lgamma(x)*polygamma(3,x)", "--points", "points.csv", "-o", "out.csv"],
    "code": ["code", "--file", "steps.grad", "--lang", "formula", "-o", "out.txt"],
    "explain": ["explain", "--file", "steps.grad", "-o", "out.txt"],
    "graph": ["graph", "--file", "fewer.grad", "--format", "svg", "-o", "out.svg"],
    "selfcheck": ["selfcheck"],
    "call": ["check", "--call", "never.py:f", "x=2"],
    "gates": ["check", "--gates", "gates.py"],
    "eval-gates": ["eval", "Never(x)", "x=2", "--gates", "gates.py"],
    "external": ["check", "--external", "sleep 100", "x=2"],
    "grade": ["check", "programs", "--grade", "--sheets", "sheets", "-j", "2"],
}


@pytest.mark.slow
@pytest.mark.parametrize("words", ENDLESS.values(), ids=[*ENDLESS])
def test_every_command_ends_at_a_signal(folder, words):
    """Its children too, and no temporary file is left."""
    (folder / "points.csv").write_text("x\n" + "2.5\n" * 200_000)
    (folder / "steps.grad").write_text(STEPS)
    (folder / "fewer.grad").write_text("\n".join(STEPS.splitlines()[:600]))
    (folder / "never.py").write_text(NEVER)
    (folder / "gates.py").write_text(
        "class Never:\n    def forward(self, x):\n        while True: pass\n"
        "    def backward(self, d):\n        return d\n"
    )
    rng = Random(str(words))
    number = rng.choice([*CODES])
    with started(folder, *words) as process:
        time.sleep(rng.uniform(0.3, 1))  # the quickest of them takes two seconds
        process.send_signal(number)
        _, err = said_by(process)
    assert process.returncode in (CODES[number], -number)
    assert b"Traceback" not in err
    assert ends(process.pid)
    assert [*folder.glob(".gradcli*")] == []


@pytest.mark.parametrize("number", CODES)
def test_code_that_holds_the_lock_of_python_is_ended_too(folder, number):
    """As Graphviz does while it lays out a picture; here a search that takes years."""
    program = (
        "import re; from gradcli.cli.signals import at_once, heed\n"
        "heed()\n"
        "with at_once():\n"
        "    print('at work', flush=True)\n"
        "    re.fullmatch('(a|aa)+b', 'a' * 100)\n"
    )
    command = [sys.executable, "-c", program]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, stdout=pipe, stderr=pipe, start_new_session=True) as process:
        process.stdout.readline()
        process.send_signal(number)
        assert said_by(process) == (b"", b"")
    assert process.returncode == -number


def test_signals_are_heeded_again_after_such_code():
    program = (
        "import signal; from gradcli.cli.signals import ENDS, at_once, heed\n"
        "heed(); before = [signal.getsignal(number) for number in ENDS]\n"
        "with at_once(): within = {signal.getsignal(number) for number in ENDS}\n"
        "print(within == {signal.SIG_DFL}, before == [signal.getsignal(n) for n in ENDS])"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, check=True)
    assert done.stdout == b"True True\n"


def test_nothing_that_takes_time_is_loaded_before_an_interrupt_is_heeded():
    root = str(Path(__file__).parent.parent)
    code = (f"import sys; sys.path.insert(0, {root!r}); import gradcli.__main__; "
            "print({'typing', 're', 'enum', 'signal', 'importlib', 'contextlib'} & {*sys.modules})")  # fmt: skip
    done = subprocess.run([sys.executable, "-S", "-c", code], capture_output=True, check=True)
    assert done.stdout == b"set()\n"


def test_a_process_that_is_deaf_to_interrupts_stays_so(folder):
    """As those that a shell starts in the background of a script are."""
    code = ("import signal; signal.signal(signal.SIGINT, signal.SIG_IGN); "
            "from gradcli.cli.signals import heed; heed(); "
            "print(signal.getsignal(signal.SIGINT) is signal.SIG_IGN)")  # fmt: skip
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True)
    assert done.stdout == b"True\n"


@pytest.mark.parametrize("words", [(), ("-j", "2")], ids=["alone", "workers"])
def test_an_internal_error_is_a_case_and_the_others_are_checked(folder, words, monkeypatch):
    broken = (
        "import sys, gradcli.cli.jobs as jobs\n"
        "checked = jobs.check_program\n"
        "def faulty(text, name, *rest):\n"
        "    if name.endswith('a7.grad'): raise KeyError('z')\n"
        "    return checked('x=1;f=2*x;dx=2', name, *rest)\n"
        "jobs.check_program = faulty\n"
        "from gradcli.cli.main import main\n"
        f"main(['check', 'programs', *{list(words)!r}])\n"
    )
    done = subprocess.run([sys.executable, "-c", broken], cwd=folder, capture_output=True,
                          text=True, check=False, timeout=HANGS)  # fmt: skip
    assert done.returncode == 3
    assert "1 error, 199 pass" in done.stdout
    assert "internal error" in done.stderr
    assert "KeyError: 'z'" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_worker_that_dies_is_a_case_too(folder):
    broken = (
        "import os, sys, gradcli.cli.jobs as jobs\n"
        "def dying(text, name, *rest):\n"
        "    if name.endswith('a7.grad'): os._exit(9)\n"
        "    return checked('x=1;f=2*x;dx=2', name, *rest)\n"
        "checked, jobs.check_program = jobs.check_program, dying\n"
        "from gradcli.cli.main import main\n"
        "main(['check', 'programs/a6.grad', 'programs/a7.grad', 'programs/a8.grad', '-j', '2'])\n"
    )
    done = subprocess.run([sys.executable, "-c", broken], cwd=folder, capture_output=True,
                          text=True, check=False, timeout=HANGS)  # fmt: skip
    assert done.returncode == 3
    assert "1 error, 2 pass" in done.stdout
    assert "ended from outside" in done.stderr


@pytest.mark.parametrize(("words", "code"), [(["x*y", "x=1", "y=2", "-q"], 0), (["x*"], 2)])
def test_a_process_ends_without_tidying_up_but_says_all(words, code):
    program = (
        "import atexit, sys; from gradcli.__main__ import main; atexit.register(print, 'last')\n"
        f"sys.argv = {['gradcli', 'eval', *words]!r}; main()"
    )
    command = [sys.executable, "-c", program]
    ended = subprocess.run(command, check=False, capture_output=True, text=True)
    assert ended.returncode == code
    assert ended.stdout.endswith("last\n")
    assert ("value = 2" in ended.stdout) == (code == 0)
    assert bool(ended.stderr) == (code != 0)


@pytest.mark.parametrize("form", ["svg", "png"])
@pytest.mark.parametrize("is_library", [True, False])
def test_a_layout_ends_with_the_process_and_no_file_is_open_for_it(folder, form, is_library):
    """A call of C by the system itself, a program by the last act."""
    program = (
        "import os, signal\n"
        "from gradcli.cli import signals\n"
        "from gradcli.render.circuit import graphviz\n"
        "def laid_out(dot, form):\n"
        "    acts = {signal.getsignal(number) for number in signals.ENDS}\n"
        "    is_killed = graphviz.end_program in signals._last_acts\n"
        "    files = [file for file in os.listdir() if file.startswith('.gradcli')]\n"
        "    print(acts == {signal.SIG_DFL}, is_killed, files)\n"
        "    os._exit(0)\n"
        "graphviz.laid_out = laid_out\n"
        f"graphviz.is_library = lambda: {is_library}\n"
        "signals.heed()\n"
        "from gradcli.cli.main import main\n"
        f"main(['graph', 'x*y', 'x=1', 'y=2', '-o', 'c.{form}'])\n"
    )
    command = [sys.executable, "-uc", program]
    done = subprocess.run(command, cwd=folder, capture_output=True, check=True, timeout=HANGS)
    assert done.stdout.decode() == f"{is_library} {not is_library} []\n"
