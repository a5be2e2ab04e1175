"""Graphviz, which lays pictures out: as the library that pygraphviz brings, or as a program."""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

from gradcli.errors import LayoutError

PROGRAM = "dot"
OPTIONS = {"png": ["-Gdpi=144"]}  # twice as fine as a point, for screens that are so


OTHERWISE = "--format dot, mermaid, tree and json need no layout"

_running: list[subprocess.Popen[bytes]] = []  # programs that lay out now


def is_library() -> bool:
    """Whether a call of C lays pictures out in this process; else a program does."""
    return _library() is not None


def _library() -> Any:
    """The library, or None; only pictures need it."""
    try:
        import pygraphviz  # late: it is not always there
    except ImportError:
        return None
    return pygraphviz


def end_program() -> None:
    """Kill the program that lays a picture out, where one does."""
    for program in _running:
        program.kill()


def laid_out(dot: str, form: str) -> bytes:
    """DOT text as a picture in a format of Graphviz: svg, png, pdf. Raises LayoutError."""
    options = OPTIONS.get(form, [])
    library = _library()
    if library is None:
        return _by_program(dot, form, options)
    try:
        with _unheard():
            graph = library.AGraph(string=dot)
            picture: bytes = graph.draw(format=form, prog=PROGRAM, args=" ".join(options))
    except (ValueError, OSError, RuntimeWarning) as trouble:
        raise LayoutError(f"Graphviz cannot draw this circuit: {trouble}", hint=OTHERWISE) from None
    return picture


def _by_program(dot: str, form: str, options: list[str]) -> bytes:
    program = shutil.which(PROGRAM)
    if program is None:
        raise LayoutError(
            f"a picture as {form} needs Graphviz, which is not installed",
            hint=f'write {_python()} -m pip install "pygraphviz>=2"; {OTHERWISE}',
        )
    command, pipe = [program, f"-T{form}", *options], subprocess.PIPE
    try:
        with subprocess.Popen(
            command, stdin=pipe, stdout=pipe, stderr=subprocess.DEVNULL
        ) as running:
            _running.append(running)
            picture, _ = running.communicate(dot.encode())
            _running.remove(running)
    except OSError:
        raise LayoutError("Graphviz cannot draw this circuit", hint=OTHERWISE) from None
    if running.returncode:
        raise LayoutError("Graphviz cannot draw this circuit", hint=OTHERWISE)
    return picture


def _python() -> str:
    """The command that runs this Python, as short as it can be."""
    own = sys.executable or "python"
    on_path = shutil.which("python3")
    return "python3" if on_path and os.path.realpath(on_path) == os.path.realpath(own) else own


@contextlib.contextmanager
def _unheard() -> Iterator[None]:
    """A context in which what a library written in C says on the error stream goes nowhere.

    Font libraries complain there about files of the system that have nothing to do with us.
    """
    try:
        kept = os.dup(2)
    except OSError:  # there is no such stream
        yield
        return
    try:
        with open(os.devnull, "w") as nowhere:
            os.dup2(nowhere.fileno(), 2)
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)
