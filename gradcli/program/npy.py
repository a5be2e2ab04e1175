"""The header of a .npy file, which says what its bytes are."""

from __future__ import annotations

from typing import Any

import numpy as np

from gradcli.errors import FileError

VERSIONS = ((1, 0), (2, 0), (3, 0))  # the header of 3.0 is that of 2.0 in UTF-8


def npy_header(called: str, stream: Any) -> tuple[tuple[int, ...], bool, Any]:
    """Shape, whether the first axis runs fastest, and kind of number. Raises FileError."""
    try:
        version = np.lib.format.read_magic(stream)
    except ValueError:
        raise FileError(f"{called} is no .npy file: it does not begin as one") from None
    if version not in VERSIONS:
        raise FileError(f"{called} has version {'.'.join(map(str, version))} of .npy, which is "
                        "not known")  # fmt: skip
    read = np.lib.format.read_array_header_1_0 if version == (1, 0) else (
        np.lib.format.read_array_header_2_0
    )  # fmt: skip
    try:
        shape, is_fortran, dtype = read(stream)
    except Exception:  # a header is read as Python, and fails in as many ways
        raise FileError(f"{called} has a header that cannot be read") from None
    return shape, is_fortran, dtype
