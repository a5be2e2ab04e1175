"""Arrays from .npy, .npz and .csv files, which may hold anything and are trusted in nothing.

Sizes are read from the headers before memory is taken, and nothing is ever unpickled.
"""

from __future__ import annotations

import io
import os
import re
import sys
import warnings
import zipfile
from collections.abc import Callable, Iterable
from itertools import islice
from math import prod
from typing import Any, BinaryIO, TextIO

import numpy as np

from gradcli.errors import FileError, GradcliError, LimitError, reason_of
from gradcli.gates.shapes import MOST_AXES
from gradcli.named_tuples import NamedTuple
from gradcli.program.files import data_files, file_of, open_regular
from gradcli.program.npy import npy_header
from gradcli.requests import RAISE
from gradcli.syntax.tokens import ENDINGS, is_number_text, out_of_range

MOST_CSV_BYTES = 64  # of one number in a .csv file, with what separates it from the next
MOST_KEYS_NAMED = 10  # arrays of an archive in a hint
KEPT: dict[str, type] = {"b": bool, "i": int, "u": int}  # by the kind of a type of numpy
LONGEST_FIELD = 40  # characters of a field in a message
FAR_OUT = re.compile(r"[eE][-+]?0*[1-9][0-9]{2}|[0-9.]{300}")  # what may over- or underflow


class Wanted(NamedTuple):
    """What is wanted of a file of numbers."""

    most: int  # elements
    skipped: int = 0  # lines of a .csv before its numbers
    as_stored: bool = False  # whole numbers and masks stay what they are


def open_array(name: str, path: str, most: int, skipped: int = 0, as_stored: bool = False) -> Any:
    """The float64 array in a .npy, .csv or .npz file (`FILE.npz:key`), for the input `name`.

    At most `most` elements, from behind the first `skipped` lines of a .csv; where it is wanted
    `as_stored`, whole numbers and masks are int64 and bool. Raises FileError, LimitError.
    """
    if not path:
        raise FileError(f"`{name}=@` names no file", hint=f"write `{name}=@FILE` with {ENDINGS}")
    file = file_of(path)
    read = READERS.get(os.path.splitext(file)[1].lower())
    if read is None:
        raise FileError(f"{path}: the ending must be {ENDINGS}")
    try:
        with open_regular(file) as stream:
            data_files.add(os.path.realpath(file))
            array = read(name, path, stream, Wanted(most, skipped, as_stored))
    except GradcliError:
        raise
    except Exception as trouble:  # damaged bytes make numpy and zipfile raise nearly anything
        raise FileError(f"cannot read {path} for `{name}`: {reason_of(trouble)}") from None
    if array.size > most:
        raise LimitError(f"{path} has {array.size} elements, at most {most} are read", hint=RAISE)
    return array


# ---------------------------------------------------------------- .npy


def _npy(name: str, path: str, stream: BinaryIO, wanted: Wanted) -> Any:  # noqa: ARG001  # of READERS
    return _array(path, stream, os.fstat(stream.fileno()).st_size, wanted)


def _array(called: str, stream: Any, size: int, wanted: Wanted) -> Any:
    """An array whose header agrees with the size of what holds it."""
    shape, _, dtype = npy_header(called, stream)
    count = prod(shape)
    if dtype.kind not in "biuf":
        kind = "Python objects, which are never unpickled" if dtype.hasobject else f"{dtype}"
        raise FileError(f"{called} holds {kind}, not real numbers")
    if not all(type(n) is int and 0 <= n <= sys.maxsize for n in shape):
        raise FileError(f"{called} has no possible shape in its header: {shape}")
    if len(shape) > MOST_AXES:
        raise LimitError(f"{called} has {len(shape)} axes, an array has at most {MOST_AXES}")
    if count > wanted.most:
        raise LimitError(f"{called} has {count} elements, at most {wanted.most} are read",
                         hint=RAISE)  # fmt: skip
    if count * dtype.itemsize > size - stream.tell():
        raise FileError(f"{called} is shorter than its header says")
    stream.seek(0)
    with np.errstate(over="raise"):  # of a kind that is wider than float64
        try:
            array = np.lib.format.read_array(stream, allow_pickle=False)
            return array.astype(KEPT.get(dtype.kind, float) if wanted.as_stored else float)
        except FloatingPointError:
            raise FileError(f"{called} holds a number that is too large for float64") from None


# ---------------------------------------------------------------- .npz


def _npz(name: str, path: str, stream: BinaryIO, wanted: Wanted) -> Any:
    """An array of an archive; the sizes of the member are compared before it is unpacked."""
    file = file_of(path)
    key = path[len(file) + 1 :]
    with _archive(file, stream) as archive:
        info = _member(name, file, key, archive)
        called = f"{file}:{key}"
        if info.flag_bits & 1:
            raise FileError(f"{called} is encrypted")
        if info.file_size > 16 * wanted.most + 2**16:
            raise LimitError(f"{called} takes {info.file_size} bytes, too many for {wanted.most} "
                             "elements", hint=RAISE)  # fmt: skip
        try:
            with archive.open(info) as member:
                return _array(called, member, info.file_size, wanted)
        except GradcliError:
            raise
        except NotImplementedError as trouble:
            raise FileError(f"{called} is packed in an unknown way: {reason_of(trouble)}") from None
        except Exception as trouble:  # each way of packing has errors of its own
            raise FileError(f"{called} is damaged: {reason_of(trouble)}") from None


def _archive(file: str, stream: BinaryIO) -> zipfile.ZipFile:
    try:
        return zipfile.ZipFile(stream)
    except NotImplementedError as trouble:
        raise FileError(f"{file} is packed in an unknown way: {reason_of(trouble)}") from None
    except Exception:  # the directory of an archive is damaged in as many ways
        raise FileError(f"{file} is no .npz archive") from None


def keys_of(file: str) -> list[str]:
    """The names of the arrays in a .npz file. Raises FileError."""
    try:
        with open_regular(file) as stream, _archive(file, stream) as archive:
            return [n.removesuffix(".npy") for n in archive.namelist() if n.endswith(".npy")]
    except OSError as trouble:
        raise FileError(f"cannot read {file}: {reason_of(trouble)}") from None


def _member(name: str, file: str, key: str, archive: zipfile.ZipFile) -> zipfile.ZipInfo:
    """The member that holds an array. Raises FileError."""
    known = [n.removesuffix(".npy") for n in archive.namelist() if n.endswith(".npy")]
    if key in known:
        return archive.getinfo(f"{key}.npy")
    if key in archive.namelist():
        raise FileError(f"`{key}` in {file} is no array: its name does not end in .npy")
    if not known:
        raise FileError(f"{file} has no arrays")
    names = ", ".join([*known[:MOST_KEYS_NAMED], *["..."] * (len(known) > MOST_KEYS_NAMED)])
    said = f"{file} has no array `{key}`" if key else f"which array of {file} is `{name}`?"
    raise FileError(said, hint=f"it has {names}; write `{name}=@{file}:KEY`")


# ---------------------------------------------------------------- .csv


def _csv(name: str, path: str, stream: BinaryIO, wanted: Wanted) -> Any:  # noqa: ARG001  # of READERS
    """Rows of numbers between commas; one row or one column is an array of one axis."""
    if os.fstat(stream.fileno()).st_size > MOST_CSV_BYTES * wanted.most:
        raise LimitError(f"{path} is too large for {wanted.most} elements", hint=RAISE)
    with io.TextIOWrapper(stream, "utf-8-sig") as text, warnings.catch_warnings():
        warnings.simplefilter("ignore")  # that there is nothing is said below
        try:
            numbers = np.loadtxt(text, delimiter=",", ndmin=1, skiprows=wanted.skipped)
        except UnicodeDecodeError:
            raise FileError(f"{path} is not UTF-8", hint="save it as UTF-8") from None
        except ValueError:
            raise _wrong_row(path, _lines(text, wanted)) from None
        if not (np.isfinite(numbers) & (numbers != 0.0)).all():
            _refuse_out_of_range(path, _lines(text, wanted))
    if not numbers.size:
        raise FileError(f"{path} holds no numbers")
    return numbers


def _lines(text: TextIO, wanted: Wanted) -> Iterable[tuple[int, str]]:
    """The lines that have numbers, each with its number in the file."""
    text.seek(0)
    return islice(enumerate(text, 1), wanted.skipped, None)


def _refuse_out_of_range(path: str, lines: Iterable[tuple[int, str]]) -> None:
    """Refuse numbers that have become infinity or 0 in reading; few lines need a second look."""
    for number, line in lines:
        if FAR_OUT.search(line):
            for field in map(str.strip, line.partition("#")[0].split(",")):
                trouble = out_of_range(field, float(field)) if field else None
                if trouble is not None:
                    raise FileError(f"{path}, line {number}: {trouble[0]}", hint=trouble[1])


def _wrong_row(path: str, lines: Iterable[tuple[int, str]]) -> FileError:
    """The error of the first row that is not like the others."""
    columns = 0
    for number, line in lines:
        row = line.partition("#")[0].strip()
        if not row:
            continue
        fields = [field.strip() for field in row.split(",")]
        for field in fields:
            if not is_number_text(field):
                words = f"`{field[:LONGEST_FIELD]}`" if field else "nothing"
                hint = "remove the row of titles" if not columns and field else None
                if all(map(is_number_text, re.split(r"[;\s]+", field))):
                    hint = "separate numbers by commas"
                return FileError(f"{path}, line {number}: expected a number, found {words}",
                                 hint=hint)  # fmt: skip
        columns = columns or len(fields)
        if len(fields) != columns:
            return FileError(f"{path}, line {number}: expected {columns} in a row, found "
                             f"{len(fields)}")  # fmt: skip
    return FileError(f"{path} is no table of numbers")


READERS: dict[str, Callable[[str, str, BinaryIO, Wanted], Any]] = {
    ".npy": _npy, ".npz": _npz, ".csv": _csv,
}  # fmt: skip
