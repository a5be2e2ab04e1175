"""Program texts from files and stdin, and results into files: whole or not at all."""

from __future__ import annotations

import math
import os
import stat
import sys
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from gradcli.errors import FileError, LimitError

SUFFIX = ".grad"  # of program files
RAISE = "raise the limit with --max-array N"
MOST_CSV_BYTES = 64  # of one number in a .csv file, with what separates it from the next
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
            with open(path, "rb", opener=_open_without_waiting) as file:
                if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
                    raise FileError(f"{path} is not a regular file")
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


def open_array(name: str, path: str, most: int) -> Any:
    """The float64 array in a .npy, .csv or .npz file (`FILE.npz:key`), for the input `name`.

    At most `most` elements; sizes are read from the headers before memory is taken. Nothing is
    ever unpickled. Raises FileError, LimitError, BindingError.
    """
    import numpy as np  # late: numbers do not need it

    file, _, key = path.partition(":") if ".npz:" in path else (path, "", "")
    try:
        if file.endswith(".npz"):
            found = _member(name, file, key, most)
        elif file.endswith(".npy"):
            with open(file, "rb", opener=_open_without_waiting) as stream:
                found = _npy(path, stream, os.fstat(stream.fileno()).st_size, most)
        elif file.endswith(".csv"):
            if os.path.getsize(file) > MOST_CSV_BYTES * most:
                raise LimitError(f"{path} is too large for {most} elements", hint=RAISE)
            found = np.loadtxt(file, delimiter=",", dtype=float, ndmin=1)
        else:
            raise FileError(f"{path}: the ending must be .npy, .npz:KEY or .csv")
    except (OSError, ValueError, EOFError, SyntaxError) as trouble:
        raise FileError(f"cannot read {path} for `{name}`: {_first_line(trouble)}") from None
    if found.size > most:
        raise LimitError(f"{path} has {found.size} elements, at most {most} are read", hint=RAISE)
    return found


def _npy(path: str, stream: Any, size: int, most: int) -> Any:
    """An array whose header agrees with the size of what holds it."""
    import numpy as np

    version = np.lib.format.read_magic(stream)
    header = np.lib.format.read_array_header_1_0 if version == (1, 0) else (
        np.lib.format.read_array_header_2_0
    )  # fmt: skip
    shape, _, dtype = header(stream)
    count = math.prod(shape)
    if dtype.kind not in "biuf":
        what = "Python objects, which are never unpickled" if dtype.hasobject else f"{dtype}"
        raise FileError(f"{path} holds {what}, not real numbers")
    if min(shape, default=0) < 0:
        raise FileError(f"{path} has a negative size in its header")
    if count > most:
        raise LimitError(f"{path} has {count} elements, at most {most} are read", hint=RAISE)
    if count * dtype.itemsize > size:
        raise FileError(f"{path} is shorter than its header says")
    stream.seek(0)
    return np.lib.format.read_array(stream, allow_pickle=False).astype(float)


def _member(name: str, path: str, key: str, most: int) -> Any:
    """An array of an archive; the sizes of the member are compared before it is unpacked."""
    import zipfile

    try:
        with zipfile.ZipFile(path) as archive:
            members = [n.removesuffix(".npy") for n in archive.namelist()]
            if key not in members:
                known = ", ".join(members[:10])
                raise FileError(f"{path} has no array `{key}`", hint=f"it has {known}; "
                                f"write `{name}=@{path}:KEY`")  # fmt: skip
            info = archive.getinfo(f"{key}.npy")
            if info.file_size > 16 * most + 2**16:
                raise LimitError(f"`{key}` of {path} takes {info.file_size} bytes, too many for "
                                 f"{most} elements", hint=RAISE)  # fmt: skip
            with archive.open(info) as stream:
                return _npy(f"{path}:{key}", stream, info.file_size, most)
    except zipfile.BadZipFile:
        raise FileError(f"{path} is no .npz archive") from None


def _first_line(trouble: Exception) -> str:
    return (getattr(trouble, "strerror", None) or str(trouble) or "it ends early").splitlines()[0]


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


def write_arrays(path: str, arrays: Mapping[str, Any], inputs: tuple[str, ...] = ()) -> None:
    """Write named float64 arrays as a .npz archive, in the same way. Raises FileError."""
    import io

    import numpy as np  # late: only this format needs it

    buffer = io.BytesIO()
    found: dict[str, Any] = {name: np.asarray(x, dtype=float) for name, x in arrays.items()}
    np.savez(buffer, **found)
    _write(path, buffer.getvalue(), inputs)


def _write(path: str, data: bytes, inputs: tuple[str, ...]) -> None:
    try:
        if os.path.exists(path):
            if any(os.path.exists(given) and os.path.samefile(path, given) for given in inputs):
                raise FileError(f"{path} is the input and would be overwritten")
            if not os.path.isfile(path):
                with open(path, "wb") as file:
                    file.write(data)
                return
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
