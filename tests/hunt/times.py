"""Processor time: that of the tool is counted apart from that of the oracle, and both end."""

from __future__ import annotations

import signal
import time
from collections.abc import Callable, Iterator
from typing import Any, TypeVar

from tests.hunt.evaluator import BeyondError

T = TypeVar("T")
LATE = 20  # seconds of the tool, after which a look at a case is ended
ENDLESS = 200  # seconds of the oracle


class LateError(Exception):
    """A call that does not return."""


class Spent:
    """The seconds of processor time that the tool has taken, without those of the oracle."""

    seconds = 0.0


spent = Spent()


def asked(function: Callable[..., Any], *parts: Any, **options: Any) -> Any:
    """What a function of the tool says; its time is counted, and ends the look when it is out."""
    start = time.process_time()
    signal.setitimer(signal.ITIMER_PROF, max(LATE - spent.seconds, 0.001))
    try:
        return function(*parts, **options)
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
        spent.seconds += time.process_time() - start


def timed(function: Callable[..., Iterator[T]], *parts: Any) -> list[T]:
    """What a function finds, which is ended when it takes too long.

    It is a finding where the tool does, and beyond the oracle where that does.
    """

    def late(*_: object) -> None:
        raise LateError

    def endless(*_: object) -> None:
        raise BeyondError

    before = signal.signal(signal.SIGPROF, late), signal.signal(signal.SIGVTALRM, endless)
    signal.setitimer(signal.ITIMER_VIRTUAL, ENDLESS)
    try:
        return list(function(*parts))
    finally:
        signal.setitimer(signal.ITIMER_VIRTUAL, 0)
        signal.signal(signal.SIGPROF, before[0])
        signal.signal(signal.SIGVTALRM, before[1])
