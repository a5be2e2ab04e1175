"""What holds of every command line, whatever it says: no crash, no hang, whole documents."""

from __future__ import annotations

import contextlib
import io
import json
import math
import os
import signal
import sys
import tempfile
import warnings
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import gradcli
from gradcli.cli.main import main
from tests.fuzz.inputs import Input

LATE = 10.0  # seconds of processor time
LIMIT = 4096  # bytes of what is said on stderr
UNSEEN = {chr(c) for c in (*range(9), *range(11, 32), *range(0x7F, 0xA0), *range(0x202A, 0x202F))}
SAME = 1e-9


class LateError(Exception):
    """A command that does not end."""


def findings(
    case: Input, codes: Sequence[int] = (0, 1, 2), lacks: str | None = None
) -> Iterator[str]:
    """What is wrong with how a command line ends, in words; `lacks` may not stand on stdout."""
    with _folder(case.files) as before:
        code, out, err, left = _run(case, before)
    if code not in codes:
        yield f"exit {code}: {err[-300:]}"
    if lacks is not None and lacks in out:
        yield f"says {lacks!r}"
    if "Traceback" in err or "please report it" in err + out:
        yield f"internal error: {err[-300:]}"
    if code == 1 and "check" not in case.words[:1]:
        yield "exit 1 without a check"
    if code == 2 and not (err or "check" in case.words[:1]):
        yield "exit 2 without a word"
    if len(err.encode("utf-8", "replace")) > LIMIT + 1024:
        yield f"{len(err)} characters on stderr"
    if (
        UNSEEN & set(err)
        or (UNSEEN - {"\x1b", "\r"}) & set(out)
        or ("\x1b" in out and not _is_colored(case))
    ):
        yield "raw control characters"
    yield from _documents(case, code, out)
    if left:
        yield f"files left: {left}"


def _is_colored(case: Input) -> bool:
    return "--color=always" in case.words


@contextlib.contextmanager
def _folder(files: dict[str, str]) -> Iterator[set[str]]:
    here = Path.cwd()
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        for name, text in files.items():
            Path(name).write_bytes(text.encode("utf-8", "surrogatepass"))
        try:
            yield set(files)
        finally:
            os.chdir(here)


def _run(case: Input, before: set[str]) -> tuple[Any, str, str, list[str]]:
    """The exit code, both streams, and hidden files that are left."""

    def late(*_: object) -> None:
        raise LateError

    out, err = (io.TextIOWrapper(io.BytesIO(), "utf-8") for _ in range(2))
    stdin = io.TextIOWrapper(io.BytesIO(case.stdin.encode()))
    streams, handler = (sys.stdin, sys.stdout, sys.stderr), signal.signal(signal.SIGPROF, late)
    sys.stdin, sys.stdout, sys.stderr = stdin, out, err
    signal.setitimer(signal.ITIMER_PROF, LATE)
    code: Any = None
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("always")
            main(case.words)
    except SystemExit as end:
        code = end.code
    except LateError:
        code = "late"
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.signal(signal.SIGPROF, handler)
        sys.stdin, sys.stdout, sys.stderr = streams
    said = []
    for stream in (out, err):
        stream.flush()
        said.append(stream.buffer.getvalue().decode("utf-8", "replace"))  # type: ignore[attr-defined]
    left = [name for name in os.listdir() if name.startswith(".gradcli") and name not in before]
    return code, said[0], said[1], left


def _documents(case: Input, code: Any, out: str) -> Iterator[str]:
    """Whether JSON is one strict document."""
    forms = [word for word in case.words if word.startswith("--format=")]
    is_json = "--json" in case.words or forms[-1:] == ["--format=json"]
    if not is_json or "--help" in case.words or not out or out.startswith("Usage"):
        return
    if case.words and case.words[0] in ("help", "gates", "exercise"):
        return

    def refuse(text: str) -> Any:
        raise ValueError(text)

    try:
        json.loads(out, parse_constant=refuse)
    except ValueError as error:
        yield f"no strict JSON: {error}"
    if not out.endswith("\n") or out.count("\n") != 1:
        yield "more than a line of JSON"


# ---------------------------------------------------------------- differential


def printed_again(text: str, point: dict[str, float]) -> Iterator[str]:
    """Whether an expression, printed and read again, is the one that was written."""
    options: dict[str, Any] = {"check": False, "arithmetic": "float64"}
    try:
        first = gradcli.evaluate(text, point, **options)
    except gradcli.GradcliError:
        return
    if "..." in first.expression:
        return
    try:
        second = gradcli.evaluate(first.expression, point, **options)
    except gradcli.GradcliError as error:
        yield f"{text} prints as {first.expression}, which is refused: {error}"
        return
    if second.expression != first.expression:
        yield f"{text} prints as {first.expression}, and that as {second.expression}"
    numbers = [
        (first.value, second.value),
        *((g, second.gradients[n]) for n, g in first.gradients.items()),
    ]
    for one, other in numbers:
        if not (
            one == other
            or math.isclose(one, other, rel_tol=SAME)
            or (one != one and other != other)
        ):
            yield f"{text} prints as {first.expression}: {one!r} and {other!r}"
