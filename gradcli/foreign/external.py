"""A program in any language, run once for each point, or once for all.

    stdin    {"inputs": {"x": [1.0, 2.0]}, "upstream": 1.5}
    stdout   {"value": 3.0, "gradients": {"x": [0.5, 0.25]}}

`upstream` is null where only the value is asked for; gradients are then ignored. Non-finite numbers
are the texts NaN, Infinity and -Infinity. A program whose first answer says `"lines": true` is
started once more, for all that follows: it reads a question a line, and answers each with a line.
"""

from __future__ import annotations

import contextlib
import json
import os
import resource
import select
import shlex
import signal
import subprocess
import tempfile
import time
from collections.abc import Callable, Sequence
from threading import Thread
from typing import IO, Any

from gradcli.errors import UsageError
from gradcli.foreign.child import ForeignFault
from gradcli.requests import TIMEOUT

MOST_SHOWN = 200  # letters of what a program has said
MOST_WRITTEN = 64 * 2**20  # bytes of what a program writes
MOST_READ = 2**20  # of them at once
LINGERING = 5.0  # seconds that what a program has started may hold its streams open
NUMBERS = {"NaN": float("nan"), "Infinity": float("inf"), "-Infinity": float("-inf")}


class External:
    """The function that a command computes, and its gradients."""

    def __init__(
        self, command: str, names: Sequence[str], timeout: float = TIMEOUT,
        memory: int | None = None,
    ) -> None:  # fmt: skip
        try:
            self.words = shlex.split(command)
        except ValueError as error:
            raise UsageError(f"the command `{command}` cannot be read: {error}") from None
        if not self.words:
            raise UsageError("the command is empty", hint='write --external "./program"')
        self.names = names
        self.timeout = timeout
        self.memory = memory  # MiB that the program may take; None: no limit
        self.takes_lines = False
        self.process: subprocess.Popen[bytes] | None = None  # that answers line after line

    def __enter__(self) -> External:
        return self

    def __exit__(self, *_: object) -> None:
        if self.process is None:
            return
        self._end(self.process)
        for pipe in (self.process.stdin, self.process.stdout):
            with contextlib.suppress(BrokenPipeError):
                if pipe is not None:
                    pipe.close()

    def values(self, inputs: Sequence[Any]) -> Any:
        """The value for some inputs. Raises ForeignFault."""
        return self._array("value", self._answer(inputs, None).get("value"))

    def pullback(self, inputs: Sequence[Any], upstream: Any) -> list[Any]:
        """The gradients by the inputs, None for one that has none. Raises ForeignFault."""
        told = self._answer(inputs, upstream).get("gradients")
        if not isinstance(told, dict):
            raise self._fault("its JSON has no `gradients` by name")
        lost = [name for name in told if name not in self.names]
        if lost:
            raise self._fault(f"it gives a gradient of `{lost[0]}`, which is no input")
        return [
            None if told.get(name) is None else self._array(f"the gradient of {name}", told[name])
            for name in self.names
        ]

    def _answer(self, inputs: Sequence[Any], upstream: Any) -> dict[str, Any]:
        if any(x.dtype.kind != "f" for x in inputs):
            raise TypeError("a program in another language takes float64 only")
        named = {name: _spelled(x) for name, x in zip(self.names, inputs, strict=True)}
        question = {"inputs": named, "upstream": None if upstream is None else _spelled(upstream)}
        ask = self._asked if self.takes_lines else self._run
        answer = ask(json.dumps(question) + "\n")
        try:
            told = json.loads(answer)
        except RecursionError:
            raise self._fault("what it writes is nested too deeply") from None
        except json.JSONDecodeError as error:
            raise self._fault(f"what it writes is no JSON: {error}") from None
        if not isinstance(told, dict):
            raise self._fault("what it writes is no JSON object")
        self.takes_lines = self.takes_lines or told.get("lines") is True
        return told

    def _run(self, question: str) -> str:
        """What the program writes, started for one question. Raises ForeignFault."""
        with tempfile.TemporaryFile() as asked:
            asked.write(question.encode())
            asked.seek(0)
            process = self._started(asked, subprocess.PIPE)
        streams = [_Stream(pipe) for pipe in (process.stdout, process.stderr) if pipe is not None]
        try:
            process.wait(self.timeout)
        except subprocess.TimeoutExpired:
            raise self._late("end") from None
        finally:
            self._end(process)
        answer, complaint = (stream.text() for stream in streams)
        if any(stream.is_cut for stream in streams):
            raise self._too_much()
        if process.returncode:
            first = complaint.strip().splitlines()[-1:] or ["it says nothing on stderr"]
            words = f"it exits with code {process.returncode}: {first[0][:MOST_SHOWN]}"
            raise self._fault(words)
        return answer

    def _asked(self, question: str) -> str:
        """The line that the running program writes for one more question. Raises ForeignFault."""
        if self.process is None:
            self.process = self._started(subprocess.PIPE, subprocess.DEVNULL)
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        with contextlib.suppress(BrokenPipeError):  # that it has ended shows when it is read
            self.process.stdin.write(question.encode())
            self.process.stdin.flush()
        until, parts, size = time.monotonic() + self.timeout, list[bytes](), 0
        pipe = self.process.stdout.fileno()
        while not parts or not parts[-1].endswith(b"\n"):
            ready, _, _ = select.select([pipe], [], [], max(0.0, until - time.monotonic()))
            if not ready:
                raise self._late("answer")
            parts.append(os.read(pipe, MOST_READ))
            size += len(parts[-1])
            if size > MOST_WRITTEN:
                raise self._too_much()
            if not parts[-1]:
                raise self._fault("it ends before it has answered every line")
        return b"".join(parts).decode("utf-8", "replace")

    def _started(self, asked: IO[bytes] | int, complaints: int) -> subprocess.Popen[bytes]:
        try:
            return subprocess.Popen(
                self.words, stdin=asked, stdout=subprocess.PIPE, stderr=complaints,
                start_new_session=True,
                preexec_fn=self._limit(),  # noqa: PLW1509  # no thread of ours is running yet
            )  # fmt: skip
        except OSError as error:
            raise self._fault(f"it cannot be started: {error.strerror}") from None

    def _limit(self) -> Callable[[], None] | None:
        """What limits the memory of the program, before it begins."""
        if self.memory is None:
            return None
        most = self.memory * 2**20
        return lambda: resource.setrlimit(resource.RLIMIT_DATA, (most, most))

    @staticmethod
    def _end(process: subprocess.Popen[bytes]) -> None:
        """Kill a program and all that it has started."""
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()

    def _too_much(self) -> ForeignFault:
        return self._fault(f"it writes more than {MOST_WRITTEN // 2**20} MiB")

    def _late(self, verb: str) -> ForeignFault:
        words = f"`{self.words[0]}` does not {verb} within {self.timeout:g} s"
        return ForeignFault(words, None, "--timeout SECONDS gives it more time", "timeout")

    def _array(self, what: str, told: Any) -> Any:
        import numpy as np  # late: numbers do not need it

        try:
            return np.asarray(_numbers(told), dtype=float)
        except OverflowError:  # a whole number beyond float64
            raise self._fault(f"{what} in its JSON is beyond float64") from None
        except (TypeError, ValueError):
            raise self._fault(f"{what} in its JSON is no number and no list of numbers") from None

    def _fault(self, words: str) -> ForeignFault:
        return ForeignFault(f"`{self.words[0]}`: {words}", None, None, "external")


class _Stream:
    """What a program writes, read beside it as far as there may be of it; then it is closed."""

    def __init__(self, stream: IO[bytes]) -> None:
        self._stream = stream
        self._held = b""
        self._thread = Thread(target=self._read, daemon=True)
        self._thread.start()

    def _read(self) -> None:
        with self._stream:
            self._held = self._stream.read(MOST_WRITTEN + 1)

    @property
    def is_cut(self) -> bool:
        """Whether there was more."""
        return len(self._held) > MOST_WRITTEN

    def text(self) -> str:
        """All that was written, once the program has ended."""
        self._thread.join(LINGERING)
        return self._held.decode("utf-8", "replace")


def _spelled(array: Any) -> Any:
    """Numbers in nested lists, those that are not finite as texts."""
    if isinstance(array, list):
        return [_spelled(part) for part in array]
    if not isinstance(array, float):
        return _spelled(array.tolist())
    names = {str(number): text for text, number in NUMBERS.items()}
    return names.get(str(array), array)


def _numbers(told: Any) -> Any:
    if isinstance(told, list):
        return [_numbers(part) for part in told]
    return NUMBERS.get(told, told) if isinstance(told, str) else told
