"""A process that is told to stop stops at once: no traceback, no half file, no worker left behind.

A thread of its own ends it, wherever the main one is: an exception would be lost in a callback,
wait for workers that wait for it, and never come to a read that began just after the signal. The
exit code is what shells expect, 128 and the signal.
"""

from __future__ import annotations

import atexit
import os
import signal
import sys
from _thread import start_new_thread
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from time import sleep
from types import FrameType
from typing import NoReturn

ENDS = (signal.SIGINT, signal.SIGTERM, getattr(signal, "SIGHUP", signal.SIGTERM))
A_MOMENT = 0.005  # seconds
SHOW_CURSOR = b"\x1b[?25h"  # which a progress bar hides

_last_acts: list[Callable[[], None]] = []


def heed() -> None:
    """Let signals end this process; those that it was started deaf to are still ignored."""
    is_heard = hasattr(os, "set_blocking")  # else, on Windows, signals wake no pipe
    for number in ENDS:
        if signal.getsignal(number) is not signal.SIG_IGN:
            signal.signal(number, _go_on if is_heard else _leave)
    if is_heard:
        bell, wire = os.pipe()
        os.set_blocking(wire, False)
        signal.set_wakeup_fd(wire, warn_on_full_buffer=False)
        start_new_thread(_leave_at, (bell,))


def _go_on(number: int, frame: FrameType | None) -> None:
    """Nothing: the thread that hears the same signal does the rest."""


def _leave_at(bell: int) -> None:
    while True:
        (number,) = os.read(bell, 1)
        if number in ENDS:
            _leave(number)


def leave(code: object) -> NoReturn:
    """End the process when all is said: memory that goes with it is not tidied up before."""
    atexit._run_exitfuncs()
    for stream in (sys.stdout, sys.stderr):
        with suppress(OSError, ValueError, AttributeError):
            stream.flush()
    os._exit(code if isinstance(code, int) else 0 if code is None else 1)


@contextmanager
def before_the_end(act: Callable[[], None]) -> Iterator[None]:
    """The context in which a signal has something done before the process ends."""
    _last_acts.append(act)
    try:
        yield
    finally:
        _last_acts.remove(act)


@contextmanager
def at_once() -> Iterator[None]:
    """The context of C code that holds Python's lock for long: the system itself ends the process.

    The thread that ends it would wait for the lock. No last act is done, so there must be none.
    """
    heard = {number: signal.getsignal(number) for number in ENDS}
    heard = {number: act for number, act in heard.items() if act in (_go_on, _leave)}
    for number in heard:
        signal.signal(number, signal.SIG_DFL)
    sleep(A_MOMENT)  # in which the thread hears of a signal that has just come
    try:
        yield
    finally:
        for number, act in heard.items():
            signal.signal(number, act)


def say_last(text: str) -> None:
    """Write to stderr from within a last act, past all buffers."""
    with suppress(OSError, ValueError, AttributeError):
        os.write(sys.stderr.fileno(), text.encode("utf-8", "backslashreplace"))


def end_children() -> None:
    """Kill the workers of this process, if it has any."""
    multiprocessing = sys.modules.get("multiprocessing")
    if multiprocessing is not None:
        for child in multiprocessing.active_children():
            child.kill()


def _leave(number: int, _: FrameType | None = None) -> None:
    for act in (*reversed(_last_acts), end_children, _show_cursor):
        with suppress(Exception):
            act()
    os._exit(128 + number)


def _show_cursor() -> None:
    if sys.stderr.isatty():
        os.write(sys.stderr.fileno(), SHOW_CURSOR)


# ---------------------------------------------------------------- workers


@contextmanager
def deaf() -> Iterator[None]:
    """The context in which signals wait, for processes that are started in it to be deaf, too."""
    if not hasattr(signal, "pthread_sigmask"):
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, ENDS)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def work_for_parent() -> None:
    """Leave interrupts to the parent, which ends its workers; end where it has died."""
    signal.set_wakeup_fd(-1)
    for number in ENDS:
        is_kill = number == signal.SIGTERM
        signal.signal(number, signal.SIG_DFL if is_kill else signal.SIG_IGN)
    if hasattr(signal, "pthread_sigmask"):
        signal.pthread_sigmask(signal.SIG_UNBLOCK, ENDS)
    from threading import Thread

    Thread(target=_follow_parent, daemon=True).start()


def _follow_parent() -> None:
    from multiprocessing import parent_process

    parent = parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)
