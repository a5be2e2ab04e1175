"""Program texts from files and stdin, and results into files: whole or not at all."""

from __future__ import annotations

import os
import stat
import sys
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, BinaryIO

from gradcli.errors import FileError, LimitError

SUFFIX = ".grad"  # of program files
MOST_BYTES = 64 * 2**20  # of one program text


def read_text(path: str) -> str:
    """The text of a program file, or of stdin for `-`; UTF-8, a byte order mark is dropped.

    Raises FileError for what is missing, not a regular file or not UTF-8, and LimitError above
    64 MiB.
    """
    if path == "-":
        if sys.stdin is None:
            raise FileError("the standard input is closed")
        data = sys.stdin.buffer.read(MOST_BYTES + 1)
    else:
        try:
            with open_regular(path) as file:
                data = file.read(MOST_BYTES + 1)
        except (OSError, ValueError) as trouble:
            raise FileError(f"cannot read {path}: {_reason(trouble)}") from None
    if len(data) > MOST_BYTES:
        raise LimitError(f"{_called(path)} is larger than {MOST_BYTES // 2**20} MiB")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as trouble:
        raise FileError(
            f"{_called(path)} is not UTF-8 (byte {trouble.start})", hint="save it as UTF-8"
        ) from None


def open_regular(path: str) -> BinaryIO:
    """A file opened for reading, without waiting for a pipe that nobody writes to.

    Raises FileError for a pipe or a device, OSError or ValueError for what cannot be opened.
    """
    file = open(path, "rb", opener=_open_without_waiting)  # noqa: SIM115  # closed by the caller
    if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
        file.close()
        raise FileError(f"{path} is not a regular file")
    return file


def find_programs(paths: Iterable[str]) -> Iterator[str]:
    """Program files: paths as they are, folders walked in sorted order, each file once.

    Hidden files and folders and `__pycache__` are left out; links to folders are not followed.
    """
    seen: set[str] = set()
    for path in paths:
        for found in _walk(path) if os.path.isdir(path) else [path]:
            real = os.path.realpath(found)
            if real not in seen:
                seen.add(real)
                yield found


def _walk(folder: str) -> Iterator[str]:
    for here, folders, files in os.walk(folder):
        folders[:] = sorted(f for f in folders if f[0] != "." and f != "__pycache__")
        for name in sorted(files):
            if name.endswith(SUFFIX) and name[0] != ".":
                yield os.path.join(here, name)


def write_text(path: str, text: str, inputs: tuple[str, ...] = ()) -> None:
    """Write a result: through a temporary file, so that nobody ever sees half of it.

    What is not a regular file (a pipe, /dev/null) is written in place. Raises FileError, also
    when the file is one of `inputs`.
    """
    _write(path, text.encode("utf-8", "backslashreplace"), inputs)


def append_text(path: str, text: str, hint: str) -> None:
    """Add a text to the end of a file that others write to as well. Raises FileError."""
    try:
        with open(path, "a", encoding="utf-8", errors="backslashreplace") as file:
            file.write(text)
    except OSError as trouble:
        raise FileError(f"cannot write {path}: {_reason(trouble)}", hint=hint) from None


def write_arrays(path: str, arrays: Mapping[str, Any], inputs: tuple[str, ...] = ()) -> None:
    """Write named float64 arrays as a .npz archive, in the same way. Raises FileError."""
    import io

    import numpy as np  # late: only this format needs it

    buffer = io.BytesIO()
    found: dict[str, Any] = {name: np.asarray(x, dtype=float) for name, x in arrays.items()}
    np.savez(buffer, **found)
    _write(path, buffer.getvalue(), inputs)


def file_of(path: str) -> str:
    """The file that the path of an array names: `r.npz` of `r.npz:dx`."""
    at = path.lower().find(".npz:")
    return path if at < 0 else path[: at + 4]


def refuse_overwriting(path: str, inputs: tuple[str, ...]) -> None:
    """Raise FileError where a result is to be written over one of the files it is made from."""
    try:
        for given in inputs:
            if os.path.exists(path) and os.path.exists(given) and os.path.samefile(path, given):
                raise FileError(f"{path} is the input and would be overwritten")
    except (OSError, ValueError) as trouble:
        raise FileError(f"cannot write {path}: {_reason(trouble)}") from None


def _write(path: str, data: bytes, inputs: tuple[str, ...]) -> None:
    refuse_overwriting(path, inputs)
    try:
        if os.path.exists(path) and not os.path.isfile(path):
            with open(path, "wb") as file:
                file.write(data)
        else:
            _replace(os.path.realpath(path), data)
    except (OSError, ValueError) as trouble:
        raise FileError(f"cannot write {path}: {_reason(trouble)}") from None


def _replace(path: str, data: bytes) -> None:
    import tempfile  # late: only writing a file pays for it

    mode = os.stat(path).st_mode & 0o777 if os.path.exists(path) else 0o666 & ~_umask()
    handle, temporary = tempfile.mkstemp(dir=os.path.dirname(path), prefix=".gradcli-")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        os.chmod(temporary, mode)
        os.replace(temporary, path)
    except BaseException:
        os.unlink(temporary)
        raise


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask


def _open_without_waiting(path: str, flags: int) -> int:
    """Open a file without hanging on a named pipe that nobody writes to."""
    return os.open(path, flags | getattr(os, "O_NONBLOCK", 0))


def _reason(trouble: OSError | ValueError) -> str:
    return getattr(trouble, "strerror", None) or str(trouble)


def _called(path: str) -> str:
    return "the standard input" if path == "-" else path
