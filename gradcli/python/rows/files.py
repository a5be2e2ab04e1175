"""Files of numbers as numpy reads them: `np.load`, `np.loadtxt`, `np.genfromtxt`.

Their paths begin in the folder of the file that is read.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any

import numpy as np

from gradcli.program.array_files import keys_of, open_array
from gradcli.python.rows.data import cast, kind_of_numbers
from gradcli.python.state.reader import Reader
from gradcli.python.state.values import Array

SEPARATORS = (None, ",")


def load(
    reader: Reader, file: Any, mmap_mode: Any = None, allow_pickle: Any = False, **_: Any
) -> Any:
    """The array of a .npy file, or all arrays of a .npz by their names; nothing is unpickled."""
    path = _beside(reader, file)
    if not path.lower().endswith(".npz"):
        return _array(reader, file, path)
    return {key: _array(reader, file, f"{path}:{key}") for key in keys_of(path)}


def loadtxt(
    reader: Reader, fname: Any, dtype: Any = float, comments: Any = "#", delimiter: Any = None,
    *, skiprows: Any = 0, usecols: Any = None, unpack: Any = False, ndmin: Any = 0,
    encoding: Any = None,
) -> Any:  # fmt: skip
    """The numbers of a text: rows of them between commas."""
    if delimiter not in SEPARATORS or comments != "#":
        reader.fail("the numbers of a file stand between commas, its comments behind `#`")
    array = _array(reader, fname, _beside(reader, fname), skiprows)
    content = np.atleast_1d(array.content)
    if usecols is not None:
        content = content[:, usecols]
    content = content.T if unpack else content
    if ndmin > content.ndim:
        content = content.reshape((1,) * (ndmin - content.ndim) + content.shape)
    return Array(
        content if dtype is float else cast(reader, content, kind_of_numbers(reader, dtype))
    )


def genfromtxt(reader: Reader, fname: Any, *values: Any, skip_header: Any = 0, **more: Any) -> Any:
    """As `loadtxt`, which calls the rows that it leaves out by another name."""
    return loadtxt(reader, fname, *values, skiprows=skip_header, **more)


def _beside(reader: Reader, path: Any) -> str:
    if not isinstance(path, str):
        reader.fail("files are read by their names only")
    folder: str = os.path.dirname(reader.script.name)
    return os.path.join(folder, path)


def _array(reader: Reader, name: str, path: str, skipped: int = 0) -> Array:
    most = reader.tape.graph.most_elements
    return Array(np.asarray(open_array(name, path, most, skipped, as_stored=True)))


ROWS: dict[str, Callable[..., Any]] = {
    "load": load, "loadtxt": loadtxt, "genfromtxt": genfromtxt,
}  # fmt: skip
