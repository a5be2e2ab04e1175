"""Command lines in processes of their own: streams, signals and start-up."""

from __future__ import annotations

import os
import signal
import subprocess
import sys

import pytest
from conftest import HANGS, run_apart
from test_eval_formats import LECTURE

REPEATED = """
import sys
from gradcli.cli.main import main

for line in sys.argv[1:]:
    try:
        main(line.split("|"))
    except SystemExit as end:
        print(end.code, flush=True)
        print(end.code, file=sys.stderr, flush=True)
"""


def test_output_is_the_same_for_every_hash_seed_and_every_run():
    lines = [
        "eval|q = sin(x)*cos(y) + x*y; f = max(q, x, y)*q|x=1|y=2|unused=3",
        "eval|w[0]*w[1]*e|w=[2,3]|e=4|pi=5|--json",
        "eval|alpha*beta*gama|aplha=1|betta=2",
        "check|x*y*z|x=1|y=2|z=3|--json|--isolated",
    ]
    results = set()
    for seed in ("0", "1", "random"):
        done = subprocess.run(
            [sys.executable, "-c", REPEATED, *lines, lines[0]],
            check=True, capture_output=True, timeout=HANGS,
            env={**os.environ, "PYTHONHASHSEED": seed},
        )  # fmt: skip
        results.add((done.stdout, done.stderr))
    [(out, err)] = results
    assert out.count(b"\n0\n") == 4
    assert err.count(b"did you mean") == 2


def test_python_m_is_the_same_program():
    done = run_apart("eval", *LECTURE, "-q")
    assert (done.returncode, done.stdout, done.stderr) == (
        0,
        b"value = -12\ndx = -4\ndy = -4\ndz = 3\n",
        b"",
    )


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="there is no /dev/full here")
@pytest.mark.parametrize(
    "words", [["eval", "x", "x=1"], ["eval", "x", "x=1", "--json"], ["check", "x", "x=1"], ["-h"]]
)
def test_a_full_disk_is_said_in_one_line(words):
    with open("/dev/full", "wb") as full:
        done = subprocess.run(
            [sys.executable, "-m", "gradcli", *words], check=False, stdout=full,
            stderr=subprocess.PIPE, timeout=HANGS,
        )  # fmt: skip
    assert done.returncode == 2
    assert done.stderr == b"error: cannot write the result: No space left on device\n"


@pytest.mark.parametrize(
    "words",
    [
        ["eval", "x", "x=1"],
        ["eval", "x", "x=1", "--json"],
        ["check", "x", "x=1", "--isolated"],
        ["gates", "relu"],
        ["-h"],
    ],
)
def test_a_reader_that_has_gone_is_exit_code_141_and_nothing_is_said(words):
    reader, writer = os.pipe()
    os.close(reader)
    try:
        done = subprocess.run(
            [sys.executable, "-m", "gradcli", *words], check=False, stdout=writer,
            stderr=subprocess.PIPE, timeout=HANGS,
        )  # fmt: skip
    finally:
        os.close(writer)
    assert (done.returncode, done.stderr) == (141, b"")


def test_a_reader_that_leaves_after_a_line_is_exit_code_141(tmp_path):
    program = tmp_path / "long.grad"
    program.write_text("\n".join(["x = 1", *(f"a{k} = x*{k}" for k in range(5000))]))
    words = ["eval", "--file", str(program), "--no-check", "--format", "plain", "-q"]
    with subprocess.Popen(
        [sys.executable, "-m", "gradcli", *words], stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as process:
        assert process.stdout.readline() == b"stage\ta0\t*0\tx * 0\t0.0\t0.0\n"
        process.stdout.close()
        assert process.stderr.read() == b""
        assert process.wait(HANGS) == 141


@pytest.mark.skipif(os.name == "nt", reason="a shell closes the streams")
@pytest.mark.parametrize(
    ("line", "code"),
    [
        ("eval - x=1 <&-", 2),
        ("eval x x=1 >&-", 2),
        ("eval x x=1 --json >&-", 2),
        ("eval 'x y' --json >&-", 2),
        ("eval 'x y' 2>&-", 2),
        ("eval x x=1 y=2 -q 2>&-", 0),
    ],
)
def test_a_closed_stream_is_no_internal_error(line, code):
    done = subprocess.run(
        ["sh", "-c", f'"{sys.executable}" -m gradcli {line}'], check=False, capture_output=True,
        timeout=HANGS,
    )  # fmt: skip
    assert done.returncode == code
    assert b"internal error" not in done.stderr
    assert b"Traceback" not in done.stderr


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="there is no /dev/full here")
def test_an_error_that_cannot_be_said_keeps_its_exit_code():
    with open("/dev/full", "wb") as full:
        done = subprocess.run(
            [sys.executable, "-m", "gradcli", "eval", "x y"], check=False, stderr=full,
            stdout=subprocess.PIPE, timeout=HANGS,
        )  # fmt: skip
    assert (done.returncode, done.stdout) == (2, b"")


@pytest.mark.skipif(os.name == "nt", reason="signals are those of POSIX")
def test_a_terminated_process_says_nothing():
    with subprocess.Popen(
        [sys.executable, "-m", "gradcli", "eval", "-"], stdin=subprocess.PIPE,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    ) as process:  # fmt: skip
        process.stdin.write(b"#" * 2**20)  # more than a pipe holds: it is being read by now
        process.stdin.flush()
        process.terminate()
        assert process.wait(HANGS) in (143, -signal.SIGTERM)  # the latter while Python starts
        assert process.stdout.read() == process.stderr.read() == b""


def test_nothing_in_the_working_folder_is_imported(tmp_path):
    for name in ("click", "rich", "json", "math", "evil"):
        (tmp_path / f"{name}.py").write_text("raise SystemExit('this was run')")
    done = subprocess.run(
        [sys.executable, "-P", "-m", "gradcli", "eval", "x", "x=1", "-q"], check=False,
        capture_output=True, timeout=HANGS, cwd=tmp_path,
    )  # fmt: skip
    assert (done.returncode, done.stdout) == (0, b"value = 1\ndx = 1\n")
