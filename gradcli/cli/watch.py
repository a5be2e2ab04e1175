"""`gradcli watch`: check again at every save."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Iterator

import click

from gradcli.cli.options import debug
from gradcli.cli.streams import run_once
from gradcli.cli.targets import targets
from gradcli.cli.words import ExpressionCommand
from gradcli.errors import UsageError
from gradcli.program.files import find_programs, subject_of

CLEAR = "\x1b[H\x1b[2J\x1b[3J"  # the cursor home, the screen and what has scrolled away cleared
INTERVAL = 0.3  # seconds between two looks at the files
State = tuple[tuple[str, int, int], ...]


@click.command("watch", cls=ExpressionCommand, short_help="Check again at every save.")
@click.argument("words", nargs=-1, metavar="PATH... [NAME=VALUE]...")
@click.option(
    "--interval",
    type=click.FloatRange(min=0.01),
    default=INTERVAL,
    metavar="S",
    help=f"Seconds between two looks at the files; {INTERVAL} by default.",
)
@click.option(
    "--options", "more", default="", metavar="WORDS", help="Options for `gradcli check`, as a text."
)
@debug
def watch_command(words: tuple[str, ...], interval: float, more: str, debug: bool) -> None:  # noqa: ARG001
    """Check programs, Python files or folders, and again whenever one of them is saved.

    On a terminal the report is drawn anew, else it is printed below the last one. An interrupt ends
    it.

    \b
    gradcli watch homework.grad
    gradcli watch layers.py --options "-v --digits-written"
    """
    from gradcli.cli.check import check_command  # late: the first report loads it
    from gradcli.cli.main import gradcli  # late: it is what runs this

    paths = targets(words, None, ()).paths
    if not paths:
        raise UsageError("nothing to watch", hint="name a file or a folder")
    given = ["check", *words, *_split(more)]
    check_command.make_context("gradcli check", given[1:])  # what is wrong there stays wrong
    for _ in _changes(paths, interval):
        if sys.stdout.isatty():
            click.echo(CLEAR, nl=False)
        run_once(gradcli, given)
        click.echo(f"\n{time.strftime('%H:%M:%S')}  watching {', '.join(paths)}")
        sys.stdout.flush()


def _split(text: str) -> list[str]:
    """The words of a text, as a shell takes them apart. Raises UsageError."""
    from shlex import split  # late: few commands take a text apart

    try:
        return split(text)
    except ValueError as error:
        raise UsageError(f"--options cannot be taken apart: {error}") from None


def _changes(paths: list[str], interval: float) -> Iterator[State]:
    """The states of the files: the first, and each that differs from the one before it."""
    before: State | None = None
    while True:
        now = _state(paths)
        if now != before:
            yield now
        before = now
        time.sleep(interval)


def _state(paths: list[str]) -> State:
    """Name, time and size of every file; what is just being replaced is not there."""
    state = []
    for path in find_programs([subject_of(path)[0] for path in paths]):
        try:
            status = os.stat(path)
        except OSError:
            continue
        state.append((path, status.st_mtime_ns, status.st_size))
    return tuple(state)
