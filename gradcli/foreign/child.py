"""A child process that runs other people's code, and the ways in which it may fail."""

from __future__ import annotations

import contextlib
import os
import re
import select
import signal
import subprocess
import sys
import tempfile
import time
from typing import Any, NamedTuple

import gradcli.foreign
from gradcli.errors import FileError, GradcliError, Span
from gradcli.foreign.wire import WireError, packed, unpacked
from gradcli.requests import TIMEOUT

LOADING = 60.0  # seconds, at least, for what the code imports
MEMORY = 4096  # megabytes
LAST_WORDS = 1.0  # seconds to say where it hangs
TICK = 0.05  # seconds between looks at whether the child is alive
MOST_KEPT = 65_536  # bytes of what the code has printed
FRAME = re.compile(r'^  File "([^"]+)", line (\d+) in ', re.MULTILINE)
ONE_THREAD = dict.fromkeys(
    ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1"
)  # sums in another order at every call would look like noise of the code
NO_VALUE = (
    "ValueError", "ArithmeticError", "ZeroDivisionError", "OverflowError", "FloatingPointError",
    "IndexError", "KeyError",
)  # of what is outside a domain, or a table  # fmt: skip
SIGNALS = {signal.SIGSEGV: "it crashes with a segmentation fault",
           signal.SIGABRT: "it aborts", signal.SIGFPE: "it crashes with a floating point exception",
           signal.SIGBUS: "it crashes with a bus error",
           signal.SIGILL: "it crashes with an illegal instruction",
           signal.SIGKILL: "it was killed, as what takes too much memory is"}  # fmt: skip


class ForeignFault(GradcliError):
    """Other people's code has failed: its file and line, never ours."""

    kind = "gate"

    def __init__(
        self, message: str, span: Span | None = None, hint: str | None = None, name: str = "",
        trace: str = "",
    ) -> None:  # fmt: skip
        super().__init__(message, span, hint)
        self.name = name  # of the exception; `timeout`, `crash` and `exit` are none
        self.trace = trace  # what --debug shows


class NoValue(ForeignFault, ArithmeticError):
    """The code has no value for its inputs, as ln(0) has none; beside a point that is no fault."""


class Source(NamedTuple):
    """Where the code is, and what is to be done with it."""

    path: str  # a file `layers.py`, or a module `scipy.optimize`
    side: str = "calls"  # a module of `gradcli.foreign.sides`
    timeout: float = TIMEOUT
    memory: int = MEMORY


class Child:
    """A process that has loaded the code of a source, and answers calls one after the other.

    It is started by the first call, and anew by the next one when it has ended. `with` ends it.
    """

    def __init__(self, source: Source) -> None:
        self.source = source
        self.process: subprocess.Popen[bytes] | None = None
        self.starts = 0  # how often the process was started
        self._requests = self._answers = -1
        self._printed: Any = None

    def __enter__(self) -> Child:
        return self

    def __exit__(self, *_: object) -> None:
        self.end()

    def __del__(self) -> None:
        with contextlib.suppress(Exception):
            self.end()

    def call(
        self, verb: str, arguments: tuple[Any, ...] = (), deadline: float | None = None,
        **keywords: Any,
    ) -> Any:  # fmt: skip
        """What a verb of the source's side gives for arguments. Raises ForeignFault.

        Arguments and results are numbers, texts, lists, tuples, dictionaries and arrays of these;
        `deadline` is how many seconds the call may take.
        """
        if self.process is None:
            self._start()
        request = {"verb": verb, "arguments": [*arguments], "keywords": keywords}
        self._send(packed(request))
        return self._answer(self.source.timeout if deadline is None else deadline)

    @property
    def printed(self) -> str:
        """The end of what the code has printed since the process was started."""
        if self._printed is None:
            return ""
        size = self._printed.seek(0, os.SEEK_END)
        self._printed.seek(max(0, size - MOST_KEPT))
        return str(self._printed.read().decode("utf-8", "replace"))

    def end(self) -> None:
        """End the process and all that it has started."""
        process, self.process = self.process, None
        for pipe in (self._requests, self._answers):
            if pipe >= 0:
                os.close(pipe)
        self._requests = self._answers = -1
        if process is not None:
            self._kill(process)
        if self._printed is not None:
            self._printed.close()
            self._printed = None

    # ---------------------------------------------------------------- the process

    def _start(self) -> None:
        """Start the process, and wait until it has loaded the code. Raises ForeignFault."""
        source = self.source
        if source.path.endswith(".py") and not os.path.isfile(source.path):
            raise FileError(f"cannot read {source.path}: there is no such file")
        request_end, self._requests = os.pipe()
        self._answers, answer_end = os.pipe()
        self._printed = tempfile.TemporaryFile()  # noqa: SIM115  # closed by `end`
        root = os.path.dirname(os.path.dirname(os.path.dirname(gradcli.foreign.__file__)))
        path = os.pathsep.join(filter(None, [root, os.environ.get("PYTHONPATH", "")]))
        environment = {**ONE_THREAD, **os.environ, "PYTHONPATH": path, "PYTHONFAULTHANDLER": ""}
        command = [
            sys.executable, "-Pu", "-m", "gradcli.foreign.worker", source.side, source.path,
            str(source.memory), str(request_end), str(answer_end),
        ]  # fmt: skip
        self.process = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=self._printed, stderr=self._printed,
            env=environment, pass_fds=(request_end, answer_end), start_new_session=True,
        )  # fmt: skip
        os.close(request_end)
        os.close(answer_end)
        self.starts += 1
        self._answer(max(LOADING, source.timeout))

    def _send(self, message: bytes) -> None:
        """Write a request; that a child has gone shows when its answer is waited for."""
        view = memoryview(message)
        with contextlib.suppress(BrokenPipeError):
            while view:
                view = view[os.write(self._requests, view) :]

    def _answer(self, seconds: float) -> Any:
        until = time.monotonic() + seconds
        try:
            answer = unpacked(lambda count: self._read(count, until))
        except TimeoutError:
            raise self._lost(
                "timeout",
                f"it does not end within {seconds:g} s",
                "an endless loop? --timeout SECONDS gives it more time",
            ) from None
        except EOFError:
            raise self._lost(*self._ending()) from None
        except (WireError, KeyError):
            raise self._lost("exit", "it writes to a pipe that is not its own", None) from None
        if "value" in answer:
            return answer["value"]
        raise self._fault(answer["fault"])

    def _read(self, count: int, until: float) -> bytes:
        """Exactly so many bytes of an answer. Raises TimeoutError, EOFError."""
        parts, left = [], count
        while left:
            ready, _, _ = select.select([self._answers], [], [], TICK)
            if ready:
                part = os.read(self._answers, min(left, 2**20))
                if not part:
                    raise EOFError
                parts.append(part)
                left -= len(part)
            elif time.monotonic() > until:
                raise TimeoutError
            elif self.process is not None and self.process.poll() is not None:
                raise EOFError
        return b"".join(parts)

    # ---------------------------------------------------------------- faults

    def _fault(self, fault: dict[str, Any]) -> ForeignFault:
        """The error of an exception in the code."""
        name, message = fault["kind"], fault["message"]
        words = (
            message
            if name in ("SystemExit", "UsageError")
            else f"{name}: {message}"
            if message
            else name
        )
        if name == "MemoryError":
            words = f"it takes more than {self.source.memory} MB of memory"
        span = _span(fault["file"], fault["line"], self.source.path)
        kind = NoValue if name in NO_VALUE else ForeignFault
        return kind(words, span, None, name, fault["trace"])

    def _ending(self) -> tuple[str, str, str | None]:
        """Why the process has ended: its name, and in words."""
        assert self.process is not None
        with contextlib.suppress(subprocess.TimeoutExpired):
            self.process.wait(LAST_WORDS)
        code = self.process.poll() or 0
        if code < 0:
            words = SIGNALS.get(signal.Signals(-code), f"it ends by signal {-code}")
            return "crash", words, None
        return "exit", f"it ends the process with exit code {code}", "return a value in its place"

    def _lost(self, name: str, words: str, hint: str | None) -> ForeignFault:
        """The error of a process that does not answer any more; the next call starts a new one."""
        process = self.process
        if process is not None and name == "timeout":
            with contextlib.suppress(ProcessLookupError, PermissionError):
                process.send_signal(signal.SIGABRT)  # it says where it is
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(LAST_WORDS)
        printed = self.printed
        self.end()
        home = os.path.realpath(self.source.path)
        frames = FRAME.findall(printed)
        own = [line for file, line in frames if os.path.realpath(file) == home]
        span = _span(home, int(own[0]) if own else 0, self.source.path)
        return ForeignFault(words, span, hint, name, printed)

    def _kill(self, process: subprocess.Popen[bytes]) -> None:
        """Kill the group of a process that this object has started, and wait for it."""
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def _span(file: str, line: int, source: str) -> Span | None:
    """The first letter of a line of a file, by the name that the user knows the file by."""
    if not line:
        return None
    try:
        with open(file, encoding="utf-8", errors="replace") as opened:
            text = opened.read()
    except OSError:
        return None
    name = source if os.path.realpath(source) == os.path.realpath(file) else os.path.relpath(file)
    lines = text.splitlines(keepends=True)[:line]
    if len(lines) < line:
        return None
    start = sum(map(len, lines[:-1])) + len(lines[-1]) - len(lines[-1].lstrip())
    return Span(name, text, start)
