"""A progress bar: on a terminal, and only where it takes longer than a second."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator
from typing import Any, TextIO, TypeVar

Item = TypeVar("Item")
PATIENCE = 1.0  # seconds


def progress(items: Iterable[Item], count: int | None, title: str, out: TextIO) -> Iterator[Item]:
    """The items as they come, with a bar on `out` of how many of `count` there have been.

    Without a count the bar only shows that something is going on.
    """
    if not out.isatty():
        yield from items
        return
    began, bar, task = time.monotonic(), None, None
    try:
        for number, item in enumerate(items, start=1):
            yield item
            if bar is None and time.monotonic() - began > PATIENCE:
                bar = _bar(out)
                task = bar.add_task(title, total=count)
            if bar is not None:
                bar.update(task, completed=number)
    finally:
        if bar is not None:
            bar.stop()


def _bar(out: TextIO) -> Any:
    from rich.console import Console  # late: most work is done within a second
    from rich.progress import Progress

    bar = Progress(console=Console(file=out), transient=True)
    bar.start()
    return bar
