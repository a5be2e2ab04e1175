"""Results into files: whole or not at all, and never over what they are made from."""

from __future__ import annotations

import errno
import os
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from io import TextIOWrapper
from typing import Any, BinaryIO, TextIO

from gradcli.cli.signals import before_the_end
from gradcli.errors import FileError, reason_of
from gradcli.program.files import data_files

BINARY = getattr(os, "O_BINARY", 0)  # Windows


def write_text(path: str, text: str, inputs: tuple[str, ...] = ()) -> None:
    """Write a result: through a temporary file, so that nobody ever sees half of it.

    What is not a regular file (a pipe, /dev/null) is written in place. Raises FileError, also
    when the file is one of `inputs`.
    """
    write_bytes(path, text.encode("utf-8", "backslashreplace"), inputs)


def write_bytes(path: str, data: bytes, inputs: tuple[str, ...] = ()) -> None:
    """Write a result that is no text, as `write_text` does. Raises FileError."""
    refuse_overwriting(path, inputs)
    try:
        if os.path.exists(path) and not os.path.isfile(path):
            with _in_place(path) as file:
                file.write(data)
        else:
            with _replacing(os.path.realpath(path)) as file:
                file.write(data)
    except (OSError, ValueError) as trouble:
        raise FileError(f"cannot write {path}: {reason_of(trouble)}") from None


@contextmanager
def result_file(
    path: str | None, inputs: tuple[str, ...], is_seekable: bool = False
) -> Iterator[BinaryIO]:
    """A binary file to write a long result into; it is there whole at the end, or not at all.

    None and `-` are stdout, which a result that is written in order reaches as it comes;
    `is_seekable` ones, and whatever goes to a pipe or a device, are kept in a temporary file first.
    Raises FileError.
    """
    if path in (None, "-") and not is_seekable:
        yield sys.stdout.buffer
        return
    if path in (None, "-"):
        yield from _kept(path)
        return
    refuse_overwriting(path, inputs)
    if "\0" in path:
        raise FileError("cannot write a file whose name has a zero byte in it")
    try:
        if os.path.exists(path) and not os.path.isfile(path):
            yield from _kept(path)
        else:
            with _replacing(os.path.realpath(path)) as file:
                yield file
    except OSError as trouble:
        raise FileError(f"cannot write {path}: {reason_of(trouble)}") from None


@contextmanager
def text_file(path: str, inputs: tuple[str, ...]) -> Iterator[TextIO]:
    """A text file to write a result into, piece by piece, as `result_file` is. Raises FileError."""
    with result_file(path, inputs) as file:
        text = TextIOWrapper(file, "utf-8", "backslashreplace", newline="\n")
        try:
            yield text
        finally:
            text.detach()  # the file is closed where it was opened


def _kept(path: str | None) -> Iterator[BinaryIO]:
    """A temporary file whose bytes go to a stream at the end."""
    import shutil  # late: only writing a file pays for them
    import tempfile

    with tempfile.TemporaryFile() as file:
        yield file
        file.seek(0)
        if path is None or path == "-":
            shutil.copyfileobj(file, sys.stdout.buffer)
            return
        with _in_place(path) as out:
            shutil.copyfileobj(file, out)


def write_arrays(path: str, arrays: Mapping[str, Any], inputs: tuple[str, ...] = ()) -> None:
    """Write named float64 arrays as a .npz archive, through a temporary file. Raises FileError."""
    import io

    import numpy as np  # late: only this format needs it

    buffer = io.BytesIO()
    floats: dict[str, Any] = {name: np.asarray(x, dtype=float) for name, x in arrays.items()}
    np.savez(buffer, **floats)
    write_bytes(path, buffer.getvalue(), inputs)


def append_text(path: str, text: str, hint: str) -> None:
    """Add a text to the end of a file that others write to as well. Raises FileError."""
    try:
        with open(path, "a", encoding="utf-8", errors="backslashreplace") as file:
            file.write(text)
    except OSError as trouble:
        raise FileError(f"cannot write {path}: {reason_of(trouble)}", hint=hint) from None


def refuse_overwriting(path: str, inputs: tuple[str, ...]) -> None:
    """Raise FileError where a result is to be written over one of the files it is made from.

    They are `inputs`, and the files of numbers that have been read.
    """
    if not path:
        raise FileError("the file to write has no name", hint="`-` is the standard output")
    try:
        for source in (*inputs, *data_files):
            if os.path.exists(path) and os.path.exists(source) and os.path.samefile(path, source):
                raise FileError(f"{path} is the input and would be overwritten")
    except (OSError, ValueError) as trouble:
        raise FileError(f"cannot write {path}: {reason_of(trouble)}") from None


@contextmanager
def _replacing(path: str) -> Iterator[BinaryIO]:
    """A temporary file that takes the place of a file once it has been written whole."""
    mode = os.stat(path).st_mode & 0o777 if os.path.exists(path) else 0o666 & ~_umask()
    temporary = os.path.join(os.path.dirname(path), f".gradcli-{os.urandom(8).hex()}")

    def forget() -> None:
        with suppress(OSError):
            os.unlink(temporary)

    with before_the_end(forget):
        try:
            handle = os.open(temporary, os.O_RDWR | os.O_CREAT | os.O_EXCL | BINARY, 0o600)
            with os.fdopen(handle, "w+b") as file:
                yield file
                file.flush()
                os.fsync(file.fileno())
            os.chmod(temporary, mode)
            os.replace(temporary, path)
        except BaseException:
            forget()
            raise


def _in_place(path: str) -> BinaryIO:
    """A pipe or a device, opened without waiting for a reader that never comes. Raises OSError."""
    file = open(path, "wb", opener=_without_waiting)  # noqa: SIM115  # closed by the caller
    if hasattr(os, "set_blocking"):
        os.set_blocking(file.fileno(), True)
    return file


def _without_waiting(path: str, flags: int) -> int:
    try:
        return os.open(path, flags | getattr(os, "O_NONBLOCK", 0))
    except OSError as trouble:
        if trouble.errno == errno.ENXIO:
            raise OSError(errno.ENXIO, "nobody reads from this pipe") from None
        raise


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
