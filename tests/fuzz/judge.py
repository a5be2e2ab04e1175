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
from xml.etree.ElementTree import ParseError
from xml.etree.ElementTree import fromstring as parse_xml

import gradcli
from gradcli.cli.main import main
from tests.fuzz.case import Input

LATE, LATE_OF_FILES = 10.0, 40.0  # seconds of processor time, of short inputs and of long ones
SHORT = 200  # letters
LIMIT = 4096  # bytes of what is said on stderr
UNSEEN = {chr(c) for c in (*range(9), *range(11, 32), *range(0x7F, 0xA0), *range(0x202A, 0x202F))}
COLORED = ("--color=always", "always")
BINARY = ("npy", "npz", "png", "pdf", "parquet", "arrow")
WRITTEN = ("-o", "--output-file", "--key", "--junit", "--sarif", "--gitlab", "--sheets")
WRITING = {"--write", "--update-baseline"}  # over what was read
SAME = 1e-9


class LateError(Exception):
    """A command that does not end."""


def findings(
    case: Input, codes: Sequence[int] = (0, 1, 2), lacks: str | None = None
) -> Iterator[str]:
    """What is wrong with how a command line ends, in words; `lacks` may not stand on stdout."""
    with _folder(case.files):
        ended = _run(case)
        after = {path: path.read_bytes() for path in Path().rglob("*") if path.is_file()}
    code, out, err = ended
    if code not in codes:
        yield f"exit {code}: {err[-300:]}"
    if lacks is not None and lacks in out:
        yield f"says {lacks!r}"
    if "Traceback" in err or "please report it" in err + out:
        yield f"internal error: {err[-300:]}"
    if code == 1 and "check" not in case.words:
        yield "exit 1 without a check"
    if code == 2 and not (err or "check" in case.words):
        yield "exit 2 without a word"
    if len(err.encode("utf-8", "replace")) > LIMIT + 1024:
        yield f"{len(err)} characters on stderr"
    yield from _control_characters(case, out, err)
    yield from _documents(case, code, out)
    yield from _files(case, after)


def _control_characters(case: Input, out: str, err: str) -> Iterator[str]:
    """What a terminal would obey; drawings of arrays and archives are no texts."""
    is_colored = any(word in COLORED for word in case.words)
    seen = UNSEEN - ({"\x1b"} if is_colored else set())
    is_binary = any(word.endswith(BINARY) for word in case.words)
    if UNSEEN & set(err) or (seen - {"\r"} & set(out) and not is_binary):
        yield "raw control characters"


def _files(case: Input, after: dict[Path, bytes]) -> Iterator[str]:
    """Whether files are whole, read ones as they were, and none is left over."""
    pairs = zip(["", *case.words], case.words, strict=False)
    read = " ".join(word for option, word in pairs if option not in WRITTEN)
    for path, held in after.items():
        before = case.files.get(str(path))
        given = before.encode("utf-8", "surrogatepass") if isinstance(before, str) else before
        if path.name.startswith(".gradcli"):
            yield f"{path} is left"
        elif given is not None and given != held and not WRITING & {*case.words}:
            if str(path) not in read and "." not in read.split():
                continue
            yield f"{path} was written over"
        elif given is None and case.words[0] == "check" and "--format" not in case.words:
            yield from _whole(path, held)
    if missing := [name for name in case.files if Path(name) not in after]:
        yield f"{missing} are gone"


def _whole(path: Path, held: bytes) -> Iterator[str]:
    """Whether a file that was written is a document of its kind."""
    try:
        if path.suffix in (".xml", ".svg"):
            parse_xml(held)
        elif path.suffix in (".json", ".sarif"):
            json.loads(held, parse_constant=_refuse)
        elif path.suffix == ".jsonl":
            for line in held.splitlines():
                json.loads(line)
    except (ValueError, ParseError) as error:
        yield f"{path} is not whole: {error}"


def _refuse(text: str) -> Any:
    raise ValueError(text)


@contextlib.contextmanager
def _folder(files: dict[str, str | bytes]) -> Iterator[None]:
    """A folder of its own with some files in it, as the working one."""
    here = Path.cwd()
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        os.chdir(folder)
        for name, held in files.items():
            data = held.encode("utf-8", "surrogatepass") if isinstance(held, str) else held
            Path(name).write_bytes(data)
        try:
            yield
        finally:
            os.chdir(here)


def _run(case: Input) -> tuple[Any, str, str]:
    """The exit code and both streams."""

    def late(*_: object) -> None:
        raise LateError

    out, err = (io.TextIOWrapper(io.BytesIO(), "utf-8") for _ in range(2))
    stdin = io.TextIOWrapper(io.BytesIO(case.stdin.encode("utf-8", "surrogatepass")))
    streams, handler = (sys.stdin, sys.stdout, sys.stderr), signal.signal(signal.SIGPROF, late)
    sys.stdin, sys.stdout, sys.stderr = stdin, out, err
    is_short = len(str(case)) < SHORT + len(str(Input([], {})))
    signal.setitimer(signal.ITIMER_PROF, LATE if is_short else LATE_OF_FILES)
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
    return code, said[0], said[1]


def _documents(case: Input, code: Any, out: str) -> Iterator[str]:
    """Whether JSON is one strict document."""
    forms = [word.removeprefix("--format=") for word in case.words if "--format=" in word]
    forms += [word for at, word in enumerate(case.words) if case.words[at - 1] == "--format"]
    is_json = "--json" in case.words or forms[-1:] == ["json"]
    asked = {"--help", "-h", "--list", "--fix", "--version", "-V"} & {*case.words}
    if not is_json or asked or not out or out.startswith("Usage") or len({*forms}) > 1:
        return
    if case.words and case.words[0] in ("help", "gates", "exercise"):
        return
    try:
        json.loads(out, parse_constant=_refuse)
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
