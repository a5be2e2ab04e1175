"""Machine code on disk, by what it was made of: to read it takes a tenth of what compiling does.

    $XDG_CACHE_HOME/gradcli/HASH.o      the hash of the code, and the code

A file is only used if it is the user's own, nobody else may write to it, and its hash is right.
Where there is no folder that can be written to, nothing is kept.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterable
from contextlib import suppress
from hashlib import sha256
from pathlib import Path

MOST_FILES = 200  # of 3 to 200 KB each; the ones that were written first make room
MOST_BYTES = 2**26  # of a file: more is no code of ours


def path_for(*origins: str) -> Path | None:
    """The file for the code that is made of some texts; None where there is no home."""
    base = os.environ.get("XDG_CACHE_HOME") or os.environ.get("LOCALAPPDATA")
    try:
        folder = Path(base) if base else Path.home() / ".cache"
    except RuntimeError:
        return None
    return folder / "gradcli" / f"{sha256(chr(0).join(origins).encode()).hexdigest()}.o"


def kept(path: Path | None) -> bytes | None:
    """The code in a file; None where there is none, and where it cannot be trusted."""
    if path is None:
        return None
    with suppress(OSError), path.open("rb") as file:
        status = os.fstat(file.fileno())
        if _is_own(status) and status.st_size <= MOST_BYTES:
            data = file.read()
            code = data[sha256().digest_size :]
            if sha256(code).digest() == data[: sha256().digest_size]:
                return code
    return None


def keep(path: Path | None, code: bytes) -> None:
    """Put code into a file, whole or not at all; where that is impossible it is left."""
    if path is None:
        return
    draft = path.with_suffix(f".{os.getpid()}")
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        draft.touch(mode=0o600)
        draft.write_bytes(sha256(code).digest() + code)
        draft.replace(path)
        _make_room(path.parent.iterdir())
    except OSError:
        with suppress(OSError):
            draft.unlink()


def _is_own(status: os.stat_result) -> bool:
    """Whether a file is the user's, and nobody else may write to it."""
    if not hasattr(os, "getuid"):  # Windows, where the folder is the user's
        return True
    others = stat.S_IWGRP | stat.S_IWOTH
    return status.st_uid == os.getuid() and not status.st_mode & others


def _make_room(files: Iterable[Path]) -> None:
    for file in sorted(files, key=lambda path: path.stat().st_mtime)[:-MOST_FILES]:
        file.unlink()
