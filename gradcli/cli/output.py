"""Results into files: whole or not at all, and never over what they are made from."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

from gradcli.errors import FileError, reason_of


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
            with open(path, "wb") as file:
                file.write(data)
        else:
            _replace(os.path.realpath(path), data)
    except (OSError, ValueError) as trouble:
        raise FileError(f"cannot write {path}: {reason_of(trouble)}") from None


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
    """Raise FileError where a result is to be written over one of the files it is made from."""
    try:
        for source in inputs:
            if os.path.exists(path) and os.path.exists(source) and os.path.samefile(path, source):
                raise FileError(f"{path} is the input and would be overwritten")
    except (OSError, ValueError) as trouble:
        raise FileError(f"cannot write {path}: {reason_of(trouble)}") from None


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
