"""Program texts from files and stdin, and the files of a folder."""

from __future__ import annotations

import os
import re
import stat
import sys
from collections.abc import Iterable, Iterator
from typing import BinaryIO

from gradcli.errors import FileError, LimitError, UsageError, reason_of

SUFFIX, SCRIPT = ".grad", ".py"  # of program files, and of answers of students
SIGNS_OF_GRADIENTS = (b"backward", b"grad", b"prop", b"jac", b"deriv", b"prime", b"_der")
PYTHON = (".py", ".ipynb")  # suffixes of Python files, of which a subject may be named: `f.py:NAME`
CACHE = "__pycache__"  # a folder of Python's own
UNREAD_CODE = re.compile("^[^#\n]*\ufffd", re.MULTILINE)  # a character that is lost, no comment's
MOST_BYTES = 64 * 2**20  # of one program text

data_files: set[str] = set()  # of numbers, that were read: programs name some, so no caller knows


def read_text(path: str, any_comments: bool = False) -> str:
    """The text of a program file, or of stdin for `-`; UTF-8, a byte order mark is dropped.

    With `any_comments` these may be in another encoding. Raises FileError for what is missing, not
    a regular file or not UTF-8, and LimitError above 64 MiB.
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
            raise FileError(f"cannot read {path}: {_reason(path, trouble)}") from None
    if len(data) > MOST_BYTES:
        raise LimitError(f"{_called(path)} is larger than {MOST_BYTES // 2**20} MiB")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as trouble:
        text = data.decode("utf-8-sig", "replace")
        if any_comments and "\0" not in text and not UNREAD_CODE.search(text):
            return text
        raise FileError(
            f"{_called(path)} is not UTF-8 (byte {trouble.start})", hint="save it as UTF-8"
        ) from None


def _reason(path: str, trouble: OSError | ValueError) -> str:
    """Why a file cannot be read; of a folder that cannot be listed, why not."""
    if isinstance(trouble, IsADirectoryError):
        try:
            os.scandir(path).close()
        except OSError as of_listing:
            trouble = of_listing
    return reason_of(trouble)


def open_regular(path: str) -> BinaryIO:
    """A file opened for reading, without waiting for a pipe that nobody writes to.

    Raises FileError for a pipe or a device, OSError or ValueError for what cannot be opened.
    """
    file = open(path, "rb", opener=_open_without_waiting)  # noqa: SIM115  # closed by the caller
    if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
        file.close()
        raise FileError(f"{path} is not a regular file")
    return file


def subject_of(path: str) -> tuple[str, str | None]:
    """The file and the subject of `layers.py:affine`; the subject is None where none is named.

    Raises UsageError for `layers.py:`, which may be either.
    """
    file, colon, name = path.rpartition(":")
    if colon and not name and file.endswith(PYTHON):
        raise UsageError(f"`{path}` names nothing behind the colon",
                         hint=f"write {file}, or {file}:NAME; --list lists the names")  # fmt: skip
    is_subject = colon and file.endswith(PYTHON) and name.replace(".", "").isidentifier()
    return (file, name) if is_subject else (path, None)


def find_programs(paths: Iterable[str], all_python: bool = False) -> Iterator[str]:
    """Program files: paths as they are, folders walked in sorted order, each file once.

    Of Python files in folders only those are found whose text has a backward part to its looks,
    unless `all_python` takes every one.
    Hidden files and folders and `__pycache__` are left out; links to folders are not followed.
    A folder that cannot be listed is found itself.
    """
    seen: set[str] = set()
    for path in paths:
        for file in _walk(path, all_python) if os.path.isdir(path) else [path]:
            real = os.path.realpath(file)
            if real not in seen:
                seen.add(real)
                yield file


def _walk(folder: str, all_python: bool) -> Iterator[str]:
    """The programs below a folder, however deep, and what cannot be listed: reading says why."""
    waiting = [folder]
    while waiting:
        here = waiting.pop()
        try:
            with os.scandir(here) as listed:
                entries = sorted(listed, key=lambda entry: entry.name)
        except OSError:
            yield here
            continue
        inside = []
        for entry in entries:
            if entry.name[0] == "." or entry.name == CACHE:
                continue
            if not _is_folder(entry):
                if _is_program(entry.path, all_python):
                    yield entry.path
            elif not entry.is_symlink():
                inside.append(entry.path)
        waiting += reversed(inside)


def _is_folder(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_dir()
    except OSError:  # a ring of links: to be read, and refused, as a file
        return False


def _is_program(path: str, all_python: bool) -> bool:
    is_answer = all_python and path.endswith(SCRIPT)
    return path.endswith(SUFFIX) or is_answer or _may_have_gradients(path)


def _may_have_gradients(path: str) -> bool:
    """Whether a file of Python says anything of gradients, or cannot be read, which is an error.

    Others of a folder are left out, and so is what is no file, as a link that leads nowhere.
    """
    if not path.endswith(PYTHON):
        return False
    try:
        with open_regular(path) as file:
            text = file.read(MOST_BYTES).lower()
    except (FileError, FileNotFoundError):
        return False
    except OSError:
        return True
    return b"def " in text and any(word in text for word in SIGNS_OF_GRADIENTS)


def file_of(path: str) -> str:
    """The file that the path of an array names: `r.npz` of `r.npz:dx`."""
    at = path.lower().find(".npz:")
    return path if at < 0 else path[: at + 4]


def _open_without_waiting(path: str, flags: int) -> int:
    """Open a file without hanging on a named pipe that nobody writes to."""
    return os.open(path, flags | getattr(os, "O_NONBLOCK", 0))


def _called(path: str) -> str:
    return "the standard input" if path == "-" else path
